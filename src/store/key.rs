//! A master key: what it is called, and wrapping the keys of single records under it.
//!
//! # Invariants
//! The key is never printed and is wiped when dropped. A wrapped key is bound to the id of the master key and to the record it
//! belongs to. Where keys come from is `key_source`; several at a time are `keyring`.
//!
//! # Standards
//! AES-256-GCM with random 96-bit nonces: NIST SP 800-38D 8.3 allows 2^32 of them under one key.

use std::fmt::Write as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::error::StoreError;
use super::key_file::{self, Guard};
use super::key_text;
use super::seal::DataKey;

const WRAP_VERSION: u8 = 1;
const NONCE: usize = 12;

/// The key under which the keys of all records are wrapped.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// The key of these bytes.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        let mac = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()),
            b"beadle master key id",
        );
        let mut id = String::new();
        for byte in &mac.as_ref()[..8] {
            let _ = write!(id, "{byte:02x}");
        }
        Self { bytes, id }
    }

    /// A new random key.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| StoreError::Key("no random numbers".into()))?;
        Ok(Self::from_bytes(bytes))
    }

    /// The current key of a file: the only or the first one in it.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let content = key_file::read(path, Guard::Owner)?;
        Ok(key_text::parse(&content)?.swap_remove(0))
    }

    /// Reads the key file, or makes one (mode 0600, its folder 0700) when there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, StoreError> {
        key_file::create(path)?;
        Self::from_file(path)
    }

    /// The key as 64 hexadecimal digits and a line end, put at the end of `text`, which must have room: growing would leave a copy.
    pub(super) fn write_line(&self, text: &mut Zeroizing<String>) {
        for byte in self.bytes.iter() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }

    /// What this key is called beside the keys it wraps; tells nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps a record's key for that record.
    pub fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::Key("no random numbers".into()))?;
        let mut out = Vec::with_capacity(1 + NONCE + 32 + AES_256_GCM.tag_len());
        out.push(WRAP_VERSION);
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(key.as_bytes());
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.aad(context)),
                &mut out[start..],
            )
            .map_err(|_| StoreError::Key("wrapping failed".into()))?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Unwraps a record's key; `id` is the master key it was wrapped under.
    pub fn unwrap(&self, id: &str, context: &[u8], wrapped: &[u8]) -> Result<DataKey, StoreError> {
        if id != self.id {
            return Err(unknown(id));
        }
        let damaged = || StoreError::Corrupt("wrapped key");
        let rest = wrapped.strip_prefix(&[WRAP_VERSION]).ok_or_else(damaged)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = self
            .cipher()?
            .open_in_place(nonce, Aad::from(self.aad(context)), &mut sealed)
            .map_err(|_| damaged())?;
        let mut bytes = Zeroizing::new([0; 32]);
        if plain.len() != bytes.len() {
            return Err(damaged());
        }
        bytes.copy_from_slice(plain);
        Ok(DataKey::from_bytes(bytes))
    }

    fn cipher(&self) -> Result<LessSafeKey, StoreError> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_ref())
            .map(LessSafeKey::new)
            .map_err(|_| StoreError::Key("cipher refuses the key".into()))
    }

    fn aad(&self, context: &[u8]) -> Vec<u8> {
        [b"beadle wrap 1".as_slice(), self.id.as_bytes(), context].concat()
    }
}

/// The error for a key that is not there.
pub(super) fn unknown(id: &str) -> StoreError {
    StoreError::Key(
        format!("key `{id}`, under which this is wrapped, is not among those of the source").into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_bytes(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn wrapped_keys_open_only_in_their_place() {
        let key = DataKey::generate().unwrap();
        let wrapped = master(1).wrap(b"a", &key).unwrap();
        let id = master(1).id().to_owned();
        let back = master(1).unwrap(&id, b"a", &wrapped).unwrap();
        assert_eq!(back.as_bytes(), key.as_bytes());
        assert!(master(1).unwrap(&id, b"b", &wrapped).is_err());
        assert!(matches!(
            master(2).unwrap(&id, b"a", &wrapped),
            Err(StoreError::Key(_))
        ));
        assert!(master(1).unwrap(&id, b"a", &wrapped[..20]).is_err());
    }
}
