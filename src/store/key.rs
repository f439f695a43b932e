//! The master key: where it comes from, and wrapping the keys of single records under it.
//!
//! # Invariants
//! The key is never printed and is wiped when dropped. A key file that its group or others may read is refused. A
//! wrapped key is bound to the id of the master key and to the record it belongs to.
//!
//! # Standards
//! AES-256-GCM with random 96-bit nonces: NIST SP 800-38D 8.3 allows 2^32 of them under one key.
//!
//! # Known gaps
//! One master key at a time: rotation by re-wrapping needs several, and the id kept with every wrapped key is for that.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::error::StoreError;
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

    /// Reads a file of 32 bytes, or of 64 hexadecimal digits and an optional line end.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => StoreError::Key("file does not exist"),
            _ => StoreError::Key("file cannot be read"),
        })?;
        let facts = file
            .metadata()
            .map_err(|_| StoreError::Key("file cannot be read"))?;
        if facts.permissions().mode() & 0o077 != 0 {
            return Err(StoreError::Key(
                "file may be read by others; set its mode to 0600",
            ));
        }
        let mut content = Zeroizing::new(Vec::with_capacity(256));
        file.take(128)
            .read_to_end(&mut content)
            .map_err(|_| StoreError::Key("file cannot be read"))?;
        Self::parse(&content)
    }

    /// Reads the key from an environment variable: 64 hexadecimal digits. A file is the better place.
    pub fn from_env(name: &str) -> Result<Self, StoreError> {
        let text = Zeroizing::new(
            std::env::var(name).map_err(|_| StoreError::Key("environment variable is not set"))?,
        );
        Self::parse(text.as_bytes())
    }

    /// Reads the key file, or makes one (mode 0600, its folder 0700) when there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            create(path)?;
        }
        Self::from_file(path)
    }

    fn parse(content: &[u8]) -> Result<Self, StoreError> {
        if let Ok(bytes) = <[u8; 32]>::try_from(content) {
            return Ok(Self::from_bytes(Zeroizing::new(bytes)));
        }
        let text = content.trim_ascii_end();
        let digits = Zeroizing::new(
            text.iter()
                .map(|byte| char::from(*byte).to_digit(16))
                .collect::<Option<Vec<u32>>>()
                .filter(|digits| digits.len() == 64)
                .ok_or(StoreError::Key(
                    "expected 32 bytes or 64 hexadecimal digits",
                ))?,
        );
        let mut bytes = Zeroizing::new([0; 32]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
        Ok(Self::from_bytes(bytes))
    }

    /// What this key is called beside the keys it wraps; tells nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps a record's key for that record.
    pub fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::Key("no random numbers"))?;
        let mut out = vec![WRAP_VERSION];
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
            .map_err(|_| StoreError::Key("wrapping failed"))?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Unwraps a record's key; `id` is the master key it was wrapped under.
    pub fn unwrap(&self, id: &str, context: &[u8], wrapped: &[u8]) -> Result<DataKey, StoreError> {
        if id != self.id {
            return Err(StoreError::Key("not the key this record was sealed under"));
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
            .map_err(|_| StoreError::Key("cipher refuses the key"))
    }

    fn aad(&self, context: &[u8]) -> Vec<u8> {
        [b"beadle wrap 1".as_slice(), self.id.as_bytes(), context].concat()
    }
}

/// Writes a new random key beside its final place, then links it there: of two processes that start at once, one wins
/// and both read the same key.
fn create(path: &Path) -> Result<(), StoreError> {
    let cannot = |_| StoreError::Key("file cannot be created");
    let folder = path
        .parent()
        .ok_or(StoreError::Key("file cannot be created"))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(cannot)?;
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|_| StoreError::Key("no random numbers"))?;
    // tempfile makes files of mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    file.write_all(bytes.as_ref()).map_err(cannot)?;
    file.as_file().sync_all().map_err(cannot)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(cannot(error.error)),
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(cannot)
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

    #[test]
    fn a_key_file_is_made_once_and_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let first = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(MasterKey::load_or_create(&path).unwrap().id(), first.id());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            MasterKey::from_file(&path),
            Err(StoreError::Key(_))
        ));
    }

    #[test]
    fn hexadecimal_and_raw_are_the_same_key() {
        let hex = format!("{}\n", "0a".repeat(32));
        assert_eq!(
            MasterKey::parse(hex.as_bytes()).unwrap().id(),
            master(10).id()
        );
        assert!(MasterKey::parse(b"short").is_err());
        assert!(MasterKey::parse("zz".repeat(32).as_bytes()).is_err());
    }
}
