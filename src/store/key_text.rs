//! Master keys as text: reading a bounded amount of it, and the keys in it.
//!
//! # Invariants
//! Whatever was read is wiped, also on the way to an error; nothing that was read stands in an error.
//!
//! Format: keys of 64 hexadecimal digits with white space between them, the current one first; or exactly 32 bytes, which are one key.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::error::StoreError;
use super::key::MasterKey;

/// Bytes that are read of any source: room for [`MOST`] keys in lines, twice over.
pub(super) const ROOM: usize = 4 * 1024;

/// Keys at a time. A rotation needs two; more pile up only where old ones are never dropped.
const MOST: usize = 32;

/// Reads to the end, at most [`ROOM`] bytes; `None` when there are more.
pub(super) fn read(mut from: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // One buffer of full size: a vector that grows would leave copies behind.
    let mut content = Zeroizing::new(vec![0; ROOM + 1]);
    let mut filled = 0;
    while filled < content.len() {
        match from.read(&mut content[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    content.truncate(filled);
    Ok((filled <= ROOM).then_some(content))
}

/// The keys of a file: 32 bytes, or lines.
pub(super) fn parse(content: &[u8]) -> Result<Vec<MasterKey>, StoreError> {
    match <[u8; 32]>::try_from(content) {
        Ok(bytes) => Ok(vec![MasterKey::from_bytes(Zeroizing::new(bytes))]),
        Err(_) => parse_lines(content),
    }
}

/// The keys of a text, the current one first. A key that stands there twice counts once.
pub(super) fn parse_lines(text: &[u8]) -> Result<Vec<MasterKey>, StoreError> {
    let mut keys: Vec<MasterKey> = Vec::new();
    let words = text
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index == MOST {
            return Err(StoreError::Key(
                format!("more than {MOST} keys; drop those that nothing is wrapped under").into(),
            ));
        }
        let key = digits(word).ok_or_else(|| {
            let found = format!(
                "key {} is not 64 hexadecimal digits; expected such keys, one a line, the current one first, or one key of 32 bytes",
                index + 1
            );
            StoreError::Key(found.into())
        })?;
        if keys.iter().all(|known| known.id() != key.id()) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err(StoreError::Key("the source is empty".into()));
    }
    Ok(keys)
}

fn digits(word: &[u8]) -> Option<MasterKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    if word.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(word.chunks_exact(2)) {
        let digit = |place: usize| char::from(pair[place]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(MasterKey::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &[u8]) -> Vec<String> {
        let keys = parse(text).unwrap();
        keys.iter().map(|key| key.id().to_owned()).collect()
    }

    #[test]
    fn digits_and_raw_bytes_are_the_same_key() {
        let line = format!("{}\n", "0a".repeat(32));
        assert_eq!(ids(line.as_bytes()), ids(&[10; 32]));
    }

    #[test]
    fn the_first_of_several_is_the_current_one() {
        let (a, b) = ("0a".repeat(32), "0B".repeat(32));
        let both = ids(format!("{a}\n{b}\n").as_bytes());
        assert_eq!(both, [ids(a.as_bytes()), ids(b.as_bytes())].concat());
        assert_eq!(ids(format!(" {a}\t{b}  {a}\r\n").as_bytes()), both);
    }

    #[test]
    fn anything_else_is_refused_without_quoting_it() {
        let good = "0a".repeat(32);
        let many: Vec<String> = (0..=MOST).map(|n| format!("{n:064x}")).collect();
        for bad in [
            String::new(),
            " \n".to_owned(),
            "deadbeef".to_owned(),
            "zz".repeat(32),
            format!("{good}00"),
            format!("{good}\nsecret\n"),
            many.join("\n"),
        ] {
            let error = parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(
                !error.contains("secret") && !error.contains("dead"),
                "{error}"
            );
        }
    }

    #[test]
    fn no_more_is_read_than_there_is_room_for() {
        assert_eq!(
            read(&[7; ROOM][..]).unwrap().map(|read| read.len()),
            Some(ROOM)
        );
        assert!(read(io::repeat(7)).unwrap().is_none());
    }
}
