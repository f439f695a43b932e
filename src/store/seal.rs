//! Sealing: a key per record, AES-256-GCM in chunks, bound to what the record is.
//!
//! # Invariants
//! Opening yields exactly what was sealed for the same context and kind, or an error: flipped bits, cut or added
//! bytes, swapped chunks and records put in each other's place are all refused. Every sealed text has its own
//! key (HKDF of the data key and 32 random bytes), so that no nonce is ever used twice under one key.
//!
//! # Standards
//! AES-GCM: NIST SP 800-38D. Chunks: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár (CRYPTO 2015),
//! nonce = 7 zero bytes, 4-byte counter, 1-byte final flag. HKDF-SHA-256: RFC 5869.
//!
//! Format 1: `BDLS`, version 1, algorithm 1, 2 zero bytes, 32 bytes of salt; then chunks of 64 KiB, each followed by its
//! tag of 16 bytes; the last one may be shorter and is marked final in its nonce.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"BDLS\x01\x01\x00\x00";
const SALT: usize = 32;
const HEADER: usize = MAGIC.len() + SALT;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// What a sealed text is; part of what it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A message.
    Message = 1,
    /// What is recorded of a hold.
    Record = 2,
    /// A reviewer's decision.
    Decision = 3,
    /// Envelope and progress of a delivery.
    Progress = 4,
    /// A next hop's answer kept against duplicates.
    Answer = 5,
    /// Mailbox and target of a line in the register of forwarding mailboxes.
    Forwarding = 6,
    /// What is remembered of mail over time.
    Habits = 7,
    /// The facts of a judged message.
    Facts = 20,
    /// A policy's text and the reason for it.
    Proposal = 21,
    /// Rows in a backup.
    Backup = 22,
    /// The answers to the work-sheet of a personal data breach.
    Incident = 23,
    /// Who an account stands for and what they may do.
    Account = 24,
    /// A password's hash and the secret of one-time codes.
    Credential = 25,
    /// What a session, a token or a saved view is called.
    Label = 26,
    /// A release that a second person is asked to approve.
    Request = 40,
    /// Why the content of a hold must be kept.
    LegalHold = 41,
    /// The reasons that were given on a hold's way.
    Told = 42,
}

/// Why a sealed text could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not what was sealed for this place, or it is damaged.
    #[error("sealed text does not open")]
    Broken,
    /// It was written in a format this version does not know.
    #[error("sealed text has an unknown format")]
    Format,
    /// The system gave no random numbers.
    #[error("no random numbers")]
    Random,
}

/// The key of one record. Wiped when dropped; never printed.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(..)")
    }
}

impl DataKey {
    /// A new random key.
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| SealError::Random)?;
        Ok(Self(bytes))
    }

    /// The key of these bytes.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes, for wrapping.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `plain` for this context (the record's id) and kind.
    pub fn seal(&self, kind: Kind, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let chunks = plain.len().div_ceil(CHUNK).max(1);
        let mut out = Vec::with_capacity(HEADER + plain.len() + chunks * TAG);
        out.extend_from_slice(MAGIC);
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|_| SealError::Random)?;
        out.extend_from_slice(&salt);
        let key = self.subkey(kind, context, &salt)?;
        let aad = aad(kind, context, &salt);
        for index in 0..chunks {
            let chunk = &plain[index * CHUNK..plain.len().min((index + 1) * CHUNK)];
            let start = out.len();
            out.extend_from_slice(chunk);
            let tag = key
                .seal_in_place_separate_tag(
                    nonce(index, index + 1 == chunks)?,
                    Aad::from(&aad),
                    &mut out[start..],
                )
                .map_err(|_| SealError::Broken)?;
            out.extend_from_slice(tag.as_ref());
        }
        Ok(out)
    }

    /// Opens what [`DataKey::seal`] sealed for the same context and kind.
    pub fn open(
        &self,
        kind: Kind,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(SealError::Broken)?;
        let salt = header.strip_prefix(MAGIC).ok_or(SealError::Format)?;
        let key = self.subkey(kind, context, salt)?;
        let aad = aad(kind, context, salt);
        let count = body.len().div_ceil(CHUNK + TAG);
        // Room for the last chunk's tag too, so that the plain text is never left behind by a reallocation.
        let mut out = Zeroizing::new(Vec::with_capacity(body.len()));
        for (index, chunk) in body.chunks(CHUNK + TAG).enumerate() {
            let start = out.len();
            out.extend_from_slice(chunk);
            let length = key
                .open_in_place(
                    nonce(index, index + 1 == count)?,
                    Aad::from(&aad),
                    &mut out[start..],
                )
                .map_err(|_| SealError::Broken)?
                .len();
            // Only the sole chunk of an empty text is empty: otherwise one text would have two sealed forms.
            if length == 0 && index > 0 {
                return Err(SealError::Broken);
            }
            out.truncate(start + length);
        }
        if count == 0 {
            return Err(SealError::Broken);
        }
        Ok(out)
    }

    fn subkey(&self, kind: Kind, context: &[u8], salt: &[u8]) -> Result<LessSafeKey, SealError> {
        let prk = Salt::new(HKDF_SHA256, salt).extract(self.0.as_ref());
        let info: [&[u8]; 3] = [b"beadle seal 1", &[kind as u8], context];
        let okm = prk
            .expand(&info, &AES_256_GCM)
            .map_err(|_| SealError::Broken)?;
        Ok(LessSafeKey::new(UnboundKey::from(okm)))
    }
}

fn aad(kind: Kind, context: &[u8], salt: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), salt, &[kind as u8], context].concat()
}

fn nonce(index: usize, last: bool) -> Result<Nonce, SealError> {
    let counter = u32::try_from(index).map_err(|_| SealError::Broken)?;
    let mut bytes = [0; 12];
    bytes[7..11].copy_from_slice(&counter.to_be_bytes());
    bytes[11] = u8::from(last);
    Ok(Nonce::assume_unique_for_key(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DataKey {
        DataKey::from_bytes(Zeroizing::new([7; 32]))
    }

    #[test]
    fn round_trips_at_every_chunk_boundary() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
            let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let sealed = key().seal(Kind::Message, b"id", &plain).unwrap();
            assert_eq!(*key().open(Kind::Message, b"id", &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn what_belongs_elsewhere_does_not_open() {
        let sealed = key().seal(Kind::Message, b"id", b"text").unwrap();
        assert!(key().open(Kind::Record, b"id", &sealed).is_err());
        assert!(key().open(Kind::Message, b"di", &sealed).is_err());
        let other = DataKey::from_bytes(Zeroizing::new([8; 32]));
        assert!(other.open(Kind::Message, b"id", &sealed).is_err());
    }

    #[test]
    fn cut_swapped_and_joined_chunks_are_refused() {
        let plain: Vec<u8> = (0..3 * CHUNK).map(|i| (i / CHUNK) as u8).collect();
        let sealed = key().seal(Kind::Message, b"id", &plain).unwrap();
        let chunk = |n: usize| HEADER + n * (CHUNK + TAG)..HEADER + (n + 1) * (CHUNK + TAG);
        for cut in [
            0,
            HEADER - 1,
            HEADER,
            chunk(0).end,
            chunk(1).end,
            sealed.len() - 1,
        ] {
            assert!(
                key().open(Kind::Message, b"id", &sealed[..cut]).is_err(),
                "{cut}"
            );
        }
        let mut swapped = sealed[..HEADER].to_vec();
        for n in [1, 0, 2] {
            swapped.extend_from_slice(&sealed[chunk(n)]);
        }
        assert!(key().open(Kind::Message, b"id", &swapped).is_err());
        let mut longer = sealed.clone();
        longer.extend_from_slice(&sealed[chunk(2)]);
        assert!(key().open(Kind::Message, b"id", &longer).is_err());
        let other = key().seal(Kind::Message, b"id", &plain).unwrap();
        let mut spliced = sealed[..chunk(1).start].to_vec();
        spliced.extend_from_slice(&other[chunk(1).start..]);
        assert!(key().open(Kind::Message, b"id", &spliced).is_err());
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(plain in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut sealed = key().seal(Kind::Record, b"id", &plain).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key().open(Kind::Record, b"id", &sealed).is_err());
        }

        #[test]
        fn any_cut_is_noticed(plain in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>()) {
            let sealed = key().seal(Kind::Record, b"id", &plain).unwrap();
            prop_assert!(key().open(Kind::Record, b"id", &sealed[..at.index(sealed.len())]).is_err());
        }
    }
}
