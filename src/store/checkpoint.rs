//! Signed checkpoints: a head of the ledger's chain as a short text that anybody can keep and check.
//!
//! ```text
//! beadle.ledger/1f0c52a4c37f4b62
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! time 2026-11-28T14:00:00Z
//!
//! — beadle.ledger/1f0c52a4c37f4b62 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```
//!
//! # Invariants
//! The name in the first line is made from the public key, so that one key signs under one name whatever the configuration says. A
//! checkpoint counts only if its text, written anew from what was read, is the text that was signed.
//!
//! # Standards
//! <https://c2sp.org/signed-note> (text, blank line, `— name base64(key id, signature)`, Ed25519 type 1, verifier keys) and the shape of
//! <https://c2sp.org/tlog-checkpoint> (origin, size, hash, extension lines). The hash is the head of a chain of hashes, NOT the root of a
//! Merkle tree: programs that read notes can check the signature, but a witness of transparency logs cannot check consistency.
//!
//! # Known gaps
//! The key is in the database, wrapped under the master key: who has both can sign what they like. Against them only copies help that
//! were sent away (file on another machine, syslog, mail).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::StoreError;
use super::ledger::Head;
use super::seal::DataKey;

/// Before the key's own part of the name.
const NAME: &str = "beadle.ledger/";
/// Ed25519 in signed notes.
const TYPE: u8 = 1;
/// Em dash and space.
const SIGNED: &str = "\u{2014} ";
/// Bytes of a note that are read: ours have 250, and 16 signatures of others may stand beside ours.
const NOTE_AT_MOST: usize = 96 * 1024;

/// A head with the time it was signed at, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number and hash of the last entry.
    pub head: Head,
    /// When it was signed.
    pub at: SystemTime,
}

/// The key that signs checkpoints. Its secret part is never printed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifying: VerifyingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying)
    }
}

impl SigningKey {
    /// The key pair of this seed (RFC 8032 5.1.5).
    pub fn from_seed(seed: &DataKey) -> Result<Self, StoreError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_bytes())
            .map_err(|_| StoreError::Corrupt("key of the ledger"))?;
        let mut public = [0; 32];
        let bytes = pair.public_key().as_ref();
        if bytes.len() != public.len() {
            return Err(StoreError::Corrupt("key of the ledger"));
        }
        public.copy_from_slice(bytes);
        Ok(Self {
            pair,
            verifying: VerifyingKey { public },
        })
    }

    /// Its public part.
    pub fn verifying(&self) -> VerifyingKey {
        self.verifying
    }

    /// The signed note of a checkpoint, ending in a line end.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text(&self.verifying);
        let signature = self.pair.sign(text.as_bytes());
        let signed = [self.verifying.id().as_slice(), signature.as_ref()].concat();
        format!(
            "{text}\n{SIGNED}{} {}\n",
            self.verifying.name(),
            STANDARD.encode(signed)
        )
    }
}

/// The public part of the key that signs checkpoints; as text a verifier key of signed notes, `name+id+key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey {
    public: [u8; 32],
}

impl VerifyingKey {
    /// Reads a verifier key, or the 32 bytes of the public key as base64.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Base64 has plus signs of its own: the parts before are counted from the left.
        let encoded = match text.strip_prefix(NAME) {
            Some(_) => text.splitn(3, '+').nth(2)?,
            None => text,
        };
        let bytes = STANDARD.decode(encoded).ok()?;
        let bytes = match bytes.as_slice() {
            [TYPE, rest @ ..] if rest.len() == 32 => rest,
            rest => rest,
        };
        let public = <[u8; 32]>::try_from(bytes).ok()?;
        let found = Self { public };
        // A verifier key carries its own check.
        (encoded == text || text == found.to_string()).then_some(found)
    }

    /// The name it signs under, and the first line of what it signs.
    pub fn name(&self) -> String {
        let hash = digest(&SHA256, &self.public);
        let hash: [u8; 8] = hash.as_ref()[..8].try_into().unwrap_or_default();
        format!("{NAME}{:016x}", u64::from_be_bytes(hash))
    }

    /// SHA-256(name, line end, type, public key), its first four bytes.
    fn id(&self) -> [u8; 4] {
        let name = self.name();
        let all = [name.as_bytes(), b"\n", &[TYPE], &self.public].concat();
        digest(&SHA256, &all).as_ref()[..4]
            .try_into()
            .unwrap_or_default()
    }

    /// The checkpoint of a note, if this key signed it.
    pub fn open(&self, note: &str) -> Option<Checkpoint> {
        let (text, signatures) = note.rsplit_once("\n\n")?;
        let text = format!("{text}\n");
        let name = self.name();
        let mut ours = signatures.lines().filter_map(|line| {
            let (signer, signature) = line.strip_prefix(SIGNED)?.split_once(' ')?;
            let signature = STANDARD.decode(signature).ok()?;
            let signature = signature.strip_prefix(&self.id())?.to_vec();
            (signer == name).then_some(signature)
        });
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(text.as_bytes(), &ours.next()?).ok()?;
        let checkpoint = Checkpoint::parse(&text)?;
        (checkpoint.text(self) == text).then_some(checkpoint)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[TYPE], self.public.as_slice()].concat();
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name(), STANDARD.encode(key))
    }
}

impl Checkpoint {
    /// What is signed.
    fn text(&self, key: &VerifyingKey) -> String {
        let seconds = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
        format!(
            "{}\n{}\n{}\ntime {time}\n",
            key.name(),
            self.head.seq,
            STANDARD.encode(self.head.hash)
        )
    }

    /// Reads the text of a note without asking who signed it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next()?.strip_prefix(NAME)?;
        let seq = lines.next()?.parse().ok()?;
        let hash = STANDARD.decode(lines.next()?).ok()?;
        let time: jiff::Timestamp = lines.next()?.strip_prefix("time ")?.parse().ok()?;
        let seconds = u64::try_from(time.as_second()).ok()?;
        Some(Self {
            head: Head {
                seq,
                hash: hash.try_into().ok()?,
            },
            at: UNIX_EPOCH + Duration::from_secs(seconds),
        })
    }
}

/// The notes in a text: one after another in a file, within a mail, or one to a line as a JSON string, as syslog has them. What was
/// begun and not ended, by a crash while it was written, is not one.
pub fn notes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let is_signature = line.starts_with(SIGNED);
        if let Some(note) = open.take_if(|note| !is_signature && note.contains(SIGNED)) {
            found.push(note);
        }
        if line.starts_with(NAME) {
            open = Some(String::new());
        } else if let Some(note) = in_syslog(line) {
            found.push(note);
        }
        if let Some(note) = &mut open {
            note.push_str(line);
            note.push('\n');
            open.take_if(|note| note.len() > NOTE_AT_MOST);
        }
    }
    found.extend(open);
    found.retain(|note| is_whole(note));
    found
}

/// Whether some signature has the length that ours have.
fn is_whole(note: &str) -> bool {
    let signatures = note.lines().filter_map(|line| {
        let (_, signature) = line.strip_prefix(SIGNED)?.split_once(' ')?;
        STANDARD.decode(signature).ok()
    });
    signatures.into_iter().any(|bytes| bytes.len() == 4 + 64)
}

/// The note of a line of syslog: what stands in quotation marks at its end.
fn in_syslog(line: &str) -> Option<String> {
    let start = line.find(&format!("\"{NAME}"))?;
    let note: String = serde_json::from_str(line[start..].trim_end()).ok()?;
    note.contains(SIGNED).then_some(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&DataKey::from_bytes(Zeroizing::new([byte; 32]))).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            head: Head {
                seq: 20_852_163,
                hash: [7; 32],
            },
            at: UNIX_EPOCH + Duration::from_hours(498_854),
        }
    }

    #[test]
    fn a_note_opens_with_its_key_alone() {
        let note = key(1).sign(&checkpoint());
        assert_eq!(key(1).verifying().open(&note), Some(checkpoint()));
        assert_eq!(key(2).verifying().open(&note), None);
        for (from, to) in [
            ("20852163", "20852164"),
            ("time 2026", "time 2027"),
            ("\n\n", "\nmore\n\n"),
        ] {
            let changed = note.replacen(from, to, 1);
            assert_ne!(changed, note);
            assert_eq!(key(1).verifying().open(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_signature_of_somebody_else_beside_ours_does_not_matter() {
        let note = key(1).sign(&checkpoint());
        let (text, ours) = note.rsplit_once("\n\n").unwrap();
        let both = format!("{text}\n\n{SIGNED}witness.example AAAAAAAA\n{ours}");
        assert_eq!(key(1).verifying().open(&both), Some(checkpoint()));
    }

    /// The verifier key of the specification's form, and the bare key.
    #[test]
    fn keys_are_read_as_they_are_printed() {
        for byte in 0..=255 {
            let verifying = key(byte).verifying();
            assert_eq!(
                VerifyingKey::parse(&format!("{verifying}\n")),
                Some(verifying)
            );
            let bare = STANDARD.encode(verifying.public);
            assert_eq!(VerifyingKey::parse(&bare), Some(verifying), "{bare}");
        }
        let other = key(1)
            .verifying()
            .to_string()
            .replace(&key(1).verifying().name(), &key(2).verifying().name());
        assert_eq!(
            VerifyingKey::parse(&other),
            None,
            "name and key do not belong together"
        );
        assert_eq!(VerifyingKey::parse("nonsense"), None);
        assert_eq!(VerifyingKey::parse(""), None);
    }

    #[test]
    fn notes_are_found_wherever_they_were_sent() {
        let note = key(1).sign(&checkpoint());
        let quoted = serde_json::to_string(&note).unwrap();
        let twice = note.replacen(SIGNED, "\u{2014} witness.example AAAAAAAA\n\u{2014} ", 1);
        assert_eq!(notes(&twice), [twice.as_str()]);
        let torn = &note[..note.len() / 2];
        let all = format!(
            "{note}\n{torn}\n{note}\n<109>1 2026-11-28T14:00:00Z mail beadle 7 checkpoint - {quoted}\nDear auditor,\r\n\r\n{}\r\n",
            note.replace('\n', "\r\n")
        );
        assert_eq!(notes(&all), [note.as_str(); 4]);
        assert!(notes(torn).is_empty());
        assert!(notes("\"beadle.ledger/").is_empty());
    }
}
