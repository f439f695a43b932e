//! Who outside the trust was written to before, and by whom: a first contact, and an address that one person alone writes to.
//!
//! # Invariants
//! Pure: days are handed in, and every name is a keyed hash made by the caller. Memory is bounded by [`KNOWN_AT_MOST`]; what was not
//! written to for the longest time goes first. Until [`LEARNING`] days of mail were seen nothing is called a first contact, because then
//! everybody would be one.
//!
//! # Known gaps
//! Mail that comes in from an address does not make it known: the relay does not see it.

use std::collections::HashMap;

/// Addresses that are kept; 32 bytes each in memory, 23 where they are kept on disk.
pub const KNOWN_AT_MOST: usize = 100_000;
/// Days of mail that must have been seen: two weeks, a school's usual rhythm twice.
pub const LEARNING: i32 = 14;
/// Days after which an address that nobody wrote to is new again: a school year and its holidays.
const KEPT: i32 = 400;
/// Messages by one sender alone that make the address that sender's (`policy.md` of the research: three).
const SOLE: u16 = 3;
/// Bytes of one address in the kept form.
const RECORD: usize = 8 + 4 + 8 + 2 + 1;

/// What is known of an address outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// The last day somebody wrote there, since 1970.
    last: i32,
    /// Who wrote there first.
    writer: u64,
    /// How many messages that sender wrote there.
    count: u16,
    /// Somebody else wrote there as well.
    shared: bool,
}

/// A message as it is looked at: hashes of its sender and of its recipients, `None` where there is no address or it is the trust's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The sender.
    pub sender: Option<u64>,
    /// The recipients, in the order of the envelope.
    pub rcpts: Vec<Option<u64>>,
}

/// The addresses outside that the trust writes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correspondents {
    /// The first day of mail that was seen.
    since: Option<i32>,
    known: HashMap<u64, Known>,
}

impl Correspondents {
    /// For each recipient: whether nobody of the trust wrote there before. Empty while still learning.
    pub fn first_contacts(&self, written: &Written, day: i32) -> Vec<bool> {
        let learned = self
            .since
            .is_some_and(|since| day.saturating_sub(since) >= LEARNING);
        if !learned {
            return Vec::new();
        }
        let is_new = |rcpt: &Option<u64>| {
            rcpt.is_some_and(|key| self.known.get(&key).is_none_or(|known| known.is_old(day)))
        };
        written.rcpts.iter().map(is_new).collect()
    }

    /// For each recipient: whether this sender alone writes there, and did so several times.
    pub fn sole_writers(&self, written: &Written) -> Vec<bool> {
        let Some(sender) = written.sender else {
            return Vec::new();
        };
        let is_sole = |rcpt: &Option<u64>| {
            let known = rcpt.and_then(|key| self.known.get(&key));
            known.is_some_and(|k| k.writer == sender && !k.shared && k.count >= SOLE)
        };
        written.rcpts.iter().map(is_sole).collect()
    }

    /// Remembers a message that left.
    pub fn note(&mut self, written: &Written, day: i32) {
        self.since.get_or_insert(day);
        let Some(sender) = written.sender else {
            return;
        };
        for key in written.rcpts.iter().flatten() {
            let known = self.known.entry(*key).or_insert(Known {
                last: day,
                writer: sender,
                count: 0,
                shared: false,
            });
            known.last = known.last.max(day);
            if known.writer == sender {
                known.count = known.count.saturating_add(1);
            } else {
                known.shared = true;
            }
        }
        if self.known.len() > KNOWN_AT_MOST {
            self.make_room(day);
        }
    }

    /// Drops what is old, and a tenth beyond that when it is not enough, so that this is seldom done.
    fn make_room(&mut self, day: i32) {
        self.known.retain(|_, known| !known.is_old(day));
        if self.known.len() <= KNOWN_AT_MOST {
            return;
        }
        let mut days: Vec<i32> = self.known.values().map(|known| known.last).collect();
        let tenth = days.len() / 10;
        let (_, last, _) = days.select_nth_unstable(tenth);
        let last = *last;
        let older = days.iter().filter(|day| **day < last).count();
        // Of those of one day any may go: nobody knows which is older.
        let mut room = (tenth + 1).saturating_sub(older);
        self.known.retain(|_, known| {
            let goes = known.last < last || (known.last == last && room > 0);
            room -= usize::from(goes && known.last == last);
            !goes
        });
    }

    /// Everything as bytes, to be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.known.len() * RECORD);
        bytes.extend(self.since.unwrap_or(i32::MIN).to_le_bytes());
        for (key, known) in &self.known {
            bytes.extend(key.to_le_bytes());
            bytes.extend(known.last.to_le_bytes());
            bytes.extend(known.writer.to_le_bytes());
            bytes.extend(known.count.to_le_bytes());
            bytes.push(u8::from(known.shared));
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave; `None` when it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (since, rest) = bytes.split_first_chunk::<4>()?;
        if rest.len() % RECORD != 0 || rest.len() / RECORD > KNOWN_AT_MOST + 1 {
            return None;
        }
        let since = i32::from_le_bytes(*since);
        let known = rest.chunks_exact(RECORD).map(|record| {
            let (key, record) = record.split_first_chunk::<8>()?;
            let (last, record) = record.split_first_chunk::<4>()?;
            let (writer, record) = record.split_first_chunk::<8>()?;
            let (count, record) = record.split_first_chunk::<2>()?;
            let known = Known {
                last: i32::from_le_bytes(*last),
                writer: u64::from_le_bytes(*writer),
                count: u16::from_le_bytes(*count),
                shared: record.first() == Some(&1),
            };
            Some((u64::from_le_bytes(*key), known))
        });
        Some(Self {
            since: (since != i32::MIN).then_some(since),
            known: known.collect::<Option<_>>()?,
        })
    }

    /// How many addresses are kept.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

impl Known {
    fn is_old(&self, day: i32) -> bool {
        day.saturating_sub(self.last) > KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(sender: u64, rcpts: &[u64]) -> Written {
        Written {
            sender: Some(sender),
            rcpts: rcpts.iter().map(|key| Some(*key)).collect(),
        }
    }

    #[test]
    fn nobody_is_new_while_everybody_is() {
        let mut all = Correspondents::default();
        assert!(all.first_contacts(&written(1, &[7]), 100).is_empty());
        all.note(&written(1, &[7]), 100);
        assert!(all.first_contacts(&written(1, &[8]), 113).is_empty());
        assert_eq!(all.first_contacts(&written(1, &[7, 8]), 114), [false, true]);
        assert_eq!(
            all.first_contacts(&written(2, &[7]), 114),
            [false],
            "a colleague wrote there"
        );
        assert_eq!(
            all.first_contacts(&written(1, &[7]), 501),
            [true],
            "long ago"
        );
        let inside = Written {
            sender: Some(1),
            rcpts: vec![None],
        };
        assert_eq!(all.first_contacts(&inside, 114), [false]);
    }

    #[test]
    fn an_address_is_somebodys_until_a_colleague_writes_there() {
        let mut all = Correspondents::default();
        let own = written(1, &[7]);
        for day in 0..2 {
            all.note(&own, day);
        }
        assert_eq!(all.sole_writers(&own), [false]);
        all.note(&own, 2);
        assert_eq!(all.sole_writers(&own), [true]);
        assert_eq!(all.sole_writers(&written(2, &[7])), [false]);
        all.note(&written(2, &[7]), 3);
        assert_eq!(all.sole_writers(&own), [false]);
    }

    #[test]
    fn what_is_kept_comes_back_and_nothing_else_does() {
        let mut all = Correspondents::default();
        assert_eq!(
            Correspondents::from_bytes(&all.to_bytes()),
            Some(all.clone())
        );
        all.note(&written(1, &[7, 8]), 5);
        all.note(&written(2, &[8]), 6);
        let bytes = all.to_bytes();
        assert_eq!(Correspondents::from_bytes(&bytes), Some(all));
        assert_eq!(Correspondents::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Correspondents::from_bytes(&[]), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut all = Correspondents::default();
        for key in 0..KNOWN_AT_MOST as u64 + 10 {
            all.note(&written(1, &[key]), (key / 1000) as i32);
        }
        assert!(all.len() <= KNOWN_AT_MOST);
        let day = 110;
        let newest = KNOWN_AT_MOST as u64 + 5;
        assert_eq!(
            all.first_contacts(&written(1, &[0, newest]), day),
            [true, false]
        );
    }
}
