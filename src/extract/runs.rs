//! Runs of text among other bytes, and what a second look at a file adds to the first: nothing readable is lost with a reader.
//!
//! # Invariants
//! Each byte is looked at a bounded number of times, and no run is longer than its bytes.
//!
//! # Known gaps
//! A run in a script outside Latin, Greek, Cyrillic, Hebrew and Arabic is not told from noise.

use std::collections::HashSet;

/// Shortest run of two-byte characters: the shortest surname with its initial.
const SHORTEST_WIDE: usize = 4;
/// Shortest run of one-byte characters: shorter ones turn up in any machine code.
const SHORTEST_NARROW: usize = 6;

fn is_shown(unit: u16) -> bool {
    matches!(unit, 0x09 | 0x20..=0x7e | 0xa0..=0x24f | 0x370..=0x52f | 0x5d0..=0x6ff | 0x1e00..=0x1eff | 0x2010..=0x203a | 0x20ac)
}

/// Runs of UTF-16LE, a line each.
pub(crate) fn wide(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut run: Vec<u16> = Vec::new();
    let mut at = 0;
    while at + 1 < bytes.len() {
        run.clear();
        let mut end = at;
        while end + 1 < bytes.len() {
            let unit = u16::from_le_bytes([bytes[end], bytes[end + 1]]);
            if !is_shown(unit) {
                break;
            }
            run.push(unit);
            end += 2;
        }
        if run.len() >= SHORTEST_WIDE && is_wordy(&run) {
            say(&run, &mut out);
            at = end;
        } else {
            // A long run that is no text must not be looked at again from each of its bytes.
            at = (end.saturating_sub(2)).max(at + 1);
        }
    }
    out
}

/// Words in Latin letters without the bytes beside them that look like letters of another alphabet.
fn say(run: &[u16], out: &mut String) {
    let latin = |unit: &u16| !(0x370..=0x6ff).contains(unit);
    let mixed = run.iter().filter(|unit| latin(unit)).count() * 2 >= run.len();
    for piece in run.split(|unit| mixed && !latin(unit)) {
        if piece.len() >= SHORTEST_WIDE {
            out.push_str(&String::from_utf16_lossy(piece));
            out.push('\n');
        }
    }
}

/// One-byte text read two at a time looks like letters of many alphabets: words stay in one.
fn is_wordy(run: &[u16]) -> bool {
    let plain = run.iter().filter(|unit| **unit < 0x80).count();
    let letters = run
        .iter()
        .filter(|unit| char::from_u32(u32::from(**unit)).is_some_and(char::is_alphanumeric))
        .count();
    letters * 2 >= run.len() && (plain * 2 >= run.len() || same_alphabet(run))
}

fn same_alphabet(run: &[u16]) -> bool {
    let mut pages = run
        .iter()
        .filter(|unit| **unit >= 0x80)
        .map(|unit| unit >> 8);
    pages
        .next()
        .is_some_and(|first| pages.all(|page| page == first))
}

/// Runs of windows-1252, a line each.
pub(crate) fn narrow(bytes: &[u8]) -> String {
    let mut out = String::new();
    let shown = |byte: &u8| matches!(byte, b'\t' | 0x20..=0x7e | 0x8a | 0x8e | 0x91..=0x97 | 0x9a | 0x9e | 0x9f | 0xa3 | 0xb4 | 0xc0..=0xff);
    for run in bytes.split(|byte| !shown(byte)) {
        let plain = run.iter().filter(|byte| byte.is_ascii()).count();
        if run.len() >= SHORTEST_NARROW && plain * 4 >= run.len() * 3 {
            out.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(run).0);
            out.push('\n');
        }
    }
    out
}

/// All runs of a file without structure.
pub(crate) fn all(bytes: &[u8]) -> String {
    let mut out = wide(bytes);
    out.push_str(&narrow(bytes));
    out
}

/// Letters and digits of a line: what is left when two readers differ in spaces and marks.
fn essence(line: &str) -> String {
    line.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The lines of a second view whose words the first did not say.
pub(crate) fn unsaid<'s>(first: impl IntoIterator<Item = &'s str>, second: &str) -> String {
    if second.trim().is_empty() {
        return String::new();
    }
    let mut lines: HashSet<String> = HashSet::new();
    // What a workbook says a thousand times is looked at once.
    let mut seen: HashSet<&str> = HashSet::new();
    for text in first {
        for line in text.lines().filter(|line| seen.insert(line)) {
            lines.insert(essence(line));
            if line.contains('\t') {
                lines.extend(line.split('\t').map(essence));
            }
        }
    }
    let mut out = String::new();
    for line in second.lines() {
        let key = essence(line);
        let known = key.is_empty()
            || lines.contains(&key)
            || line.contains('\t')
                && line
                    .split('\t')
                    .map(essence)
                    .all(|cell| cell.is_empty() || lines.contains(&cell));
        if !known && lines.insert(key) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stand_out_of_noise() {
        let mut bytes = vec![1, 0, 0xff, 3];
        bytes.extend("Amelia Hart".encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0, 0, 7]);
        bytes.extend(b"Zara Bell\0\x01\x02");
        assert_eq!(wide(&bytes), "Amelia Hart\n");
        assert!(narrow(&bytes).contains("Zara Bell\n"));
    }

    #[test]
    fn only_what_is_new_is_said_again() {
        assert_eq!(
            unsaid(["Amelia Hart\na\tb"], "Amelia  Hart\nhidden\na\nb\n"),
            "hidden\n"
        );
    }
}
