//! Identifiers: the queue id that ties a message's log lines together, and the reference given to people.
//!
//! # Invariants
//! Both are random, not sequential, so that neither tells how much mail a trust sends. A [`Reference`] uses
//! Crockford's base32 without I, L, O, U (<https://www.crockford.com/base32.html>), which people can read out
//! over a telephone.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The id of one message in logs, headers and the store: 80 random bits as 16 base32 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId([u8; 10]);

impl QueueId {
    /// The id made of these random bytes.
    pub const fn from_random(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// The reference people are given for this message: its last 40 bits as `XXXX-XXXX`.
    pub fn reference(&self) -> Reference {
        let mut bytes = [0; 5];
        bytes.copy_from_slice(&self.0[5..]);
        Reference(bytes)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_base32(f, &self.0)
    }
}

/// A text is not an id of the expected shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id: expected base32 characters 0-9 and A-Z without I, L, O, U")]
pub struct IdError;

impl FromStr for QueueId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 10];
        read_base32(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// What a refusal or a notice cites so that a person can ask about it: 40 bits as `7K3Q-91ZD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference([u8; 5]);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = base32(&self.0);
        write!(f, "{}-{}", &text[..4], &text[4..])
    }
}

impl FromStr for Reference {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 5];
        read_base32(&text.replace('-', ""), &mut bytes)?;
        Ok(Self(bytes))
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[((buffer >> bits) & 31) as usize]));
        }
    }
    text
}

fn write_base32(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str(&base32(bytes))
}

fn read_base32(text: &str, bytes: &mut [u8]) -> Result<(), IdError> {
    if text.len() * 5 != bytes.len() * 8 {
        return Err(IdError);
    }
    let (mut buffer, mut bits, mut at) = (0u32, 0u32, 0);
    for byte in text.bytes() {
        let upper = byte.to_ascii_uppercase();
        let digit = ALPHABET.iter().position(|c| *c == upper).ok_or(IdError)?;
        buffer = (buffer << 5) | digit as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes[at] = (buffer >> bits) as u8;
            at += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip() {
        let id = QueueId::from_random([0, 1, 2, 250, 251, 252, 253, 254, 255, 7]);
        assert_eq!(id.to_string().parse::<QueueId>(), Ok(id));
        let reference = id.reference();
        assert_eq!(reference.to_string().len(), 9);
        assert_eq!(
            reference.to_string().to_lowercase().parse::<Reference>(),
            Ok(reference)
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in ["", "ILOU", "0123456789ABCDE", "0123456789ABCDE!"] {
            assert_eq!(text.parse::<QueueId>(), Err(IdError));
        }
    }
}
