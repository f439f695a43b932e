//! One scanner for runs of digits, with the separators people put in, that feeds the checks of identifiers.
//!
//! # Invariants
//! Work on one run is bounded by [`MAX_GROUPS`]; each byte is visited a bounded number of times, whatever the text.

use std::ops::Range;

use crate::detect::checks::{self, TenDigits};
use crate::detect::papers;

/// Groups of digits that are looked at together.
pub const MAX_GROUPS: usize = 24;

/// What a number may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberKind {
    /// Payment card.
    Card,
    /// International bank account number.
    Iban,
    /// Number of the NHS family.
    Nhs,
    /// Unique learner number.
    Uln,
    /// Unique taxpayer reference that is neither of the two above.
    Utr,
    /// National Insurance number.
    Nino {
        /// With its last letter.
        whole: bool,
    },
    /// Passport number, with the word before it.
    Passport,
    /// A line of a machine-readable zone.
    MachineReadable,
    /// Driving licence of Great Britain.
    DrivingLicence,
    /// Unique pupil number.
    Upn,
    /// Six digits in pairs, or six digits on end: perhaps a sort code.
    SortCode {
        /// Written in pairs.
        pairs: bool,
    },
    /// Eight digits: perhaps an account number.
    Account,
}

impl NumberKind {
    /// Whether its digits can be nothing else. "SC 99-00-12" has the shape of a National Insurance number and is a sort code.
    fn takes_its_digits(self) -> bool {
        !matches!(self, Self::Nino { .. })
    }
}

/// A number that passed its check, in plain offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// What it may be.
    pub kind: NumberKind,
    /// Where it stands.
    pub range: Range<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    start: usize,
    end: usize,
    /// The separator before it; 0 for none.
    before: u8,
}

impl Group {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// A run of digit groups.
struct Run<'t> {
    text: &'t [u8],
    groups: [Group; MAX_GROUPS],
    count: usize,
}

/// Looks at the digits that start at `at`, where no digit stands before. Gives the offset up to which digits are dealt with.
pub fn scan(text: &[u8], at: usize, found: &mut Vec<Number>) -> usize {
    if let Some(range) = iban_around(text, at) {
        let end = range.end;
        found.push(Number {
            kind: NumberKind::Iban,
            range,
        });
        return end;
    }
    if let Some(number) = papers::around(text, at) {
        let end = number.range.end;
        let ends = number.kind.takes_its_digits();
        found.push(number);
        if ends {
            return end;
        }
    }
    let run = Run::read(text, at);
    let total: usize = run.groups().iter().map(Group::len).sum();
    if total >= 6 {
        run.find(found);
    }
    // The last group of a full run may begin the next number.
    let last = run.groups().last().copied().unwrap_or_default();
    if run.count == MAX_GROUPS && last.start > at {
        last.start
    } else {
        last.end
    }
}

impl<'t> Run<'t> {
    fn read(text: &'t [u8], at: usize) -> Self {
        let mut run = Self {
            text,
            groups: [Group::default(); MAX_GROUPS],
            count: 0,
        };
        let (mut start, mut before) = (at, 0);
        while run.count < MAX_GROUPS {
            let end = start
                + text[start..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count();
            run.groups[run.count] = Group { start, end, before };
            run.count += 1;
            let next_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
            match text.get(end) {
                Some(separator @ (b' ' | b'-' | b'.' | b'_' | b'\n')) if next_digit(end + 1) => {
                    (start, before) = (end + 1, *separator);
                }
                Some(b' ') if text.get(end + 1) == Some(&b' ') && next_digit(end + 2) => {
                    (start, before) = (end + 2, b' ');
                }
                Some(b' ') if text[end..].starts_with(b" - ") && next_digit(end + 3) => {
                    (start, before) = (end + 3, b'-');
                }
                _ => break,
            }
        }
        run
    }

    fn groups(&self) -> &[Group] {
        &self.groups[..self.count]
    }

    fn find(&self, found: &mut Vec<Number>) {
        let mut index = 0;
        while index < self.count {
            // The length of a group says what it can begin; few groups can begin anything.
            let taken = match self.groups[index].len() {
                1 => self.spaced_out(index, found),
                2 | 6 | 8 => self.bank(index, found),
                3 => self.ten_digits(index, found).max(self.upn(index, found)),
                4 => match self.card(index, found) {
                    0 => self.bank(index, found),
                    taken => taken,
                },
                10 => self.ten_digits(index, found),
                11 => self.upn(index, found),
                12 => match self.upn(index, found) {
                    0 => self.card(index, found),
                    taken => taken,
                },
                13..=19 => self.card(index, found),
                _ => 0,
            };
            index += taken.max(1);
        }
    }

    /// Whether groups from `index` have these lengths and one separator throughout.
    fn shape(&self, index: usize, lengths: &[usize]) -> Option<Range<usize>> {
        let groups = self.groups().get(index..index + lengths.len())?;
        let separator = groups.get(1).map_or(0, |group| group.before);
        let fits = groups
            .iter()
            .zip(lengths)
            .enumerate()
            .all(|(at, (group, length))| {
                group.len() == *length && (at == 0 || group.before == separator)
            });
        fits.then(|| groups[0].start..groups[lengths.len() - 1].end)
    }

    /// The group before `index` goes on in the same manner.
    fn goes_on_before(&self, index: usize, separator: u8) -> bool {
        index > 0 && self.groups[index].before == separator
    }

    fn next(&self, index: usize) -> Option<&Group> {
        self.groups().get(index)
    }

    fn digits(&self, range: &Range<usize>) -> ([u8; 20], usize) {
        let mut digits = [0; 20];
        let mut count = 0;
        for byte in self.text[range.clone()]
            .iter()
            .filter(|b| b.is_ascii_digit())
        {
            if count < digits.len() {
                digits[count] = *byte;
                count += 1;
            }
        }
        (digits, count)
    }

    /// Neither a letter nor a digit touches the range.
    fn stands_alone(&self, range: &Range<usize>) -> bool {
        let touches =
            |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
        !touches(range.start.checked_sub(1).and_then(|at| self.text.get(at)))
            && !touches(self.text.get(range.end))
    }

    fn card(&self, index: usize, found: &mut Vec<Number>) -> usize {
        const SHAPES: &[&[usize]] = &[&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
        let first = &self.groups[index];
        let one: &[usize] = &[first.len()];
        let single = (12..=19).contains(&first.len()).then_some(&one).into_iter();
        for shape in SHAPES.iter().chain(single) {
            let Some(range) = self.shape(index, shape) else {
                continue;
            };
            let separator = if shape.len() > 1 {
                self.groups[index + 1].before
            } else {
                0
            };
            let before = separator != 0
                && self.goes_on_before(index, separator)
                && self.groups[index - 1].len() >= 4;
            let after = self.next(index + shape.len()).is_some_and(|group| {
                separator != 0 && group.before == separator && group.len() >= 4
            });
            let decimal = shape.len() == 1
                && (first.before == b'.'
                    || self
                        .next(index + 1)
                        .is_some_and(|group| group.before == b'.'));
            let (digits, count) = self.digits(&range);
            if !before
                && !after
                && !decimal
                && self.stands_alone(&range)
                && checks::payment_card(&digits[..count])
            {
                found.push(Number {
                    kind: NumberKind::Card,
                    range,
                });
                return shape.len();
            }
        }
        0
    }

    /// "4 5 3 9 5 7 ...": digits spaced out one by one.
    fn spaced_out(&self, index: usize, found: &mut Vec<Number>) -> usize {
        let rest = &self.groups()[index..];
        let separator = rest.get(1).map_or(0, |group| group.before);
        let ones = 1 + rest[1..]
            .iter()
            .take_while(|group| group.len() == 1 && group.before == separator)
            .count();
        let goes_on = rest
            .get(ones)
            .is_some_and(|group| group.before == separator);
        if ones < 10 || goes_on || self.goes_on_before(index, separator) {
            return 0;
        }
        let range = rest[0].start..rest[ones - 1].end;
        let (digits, count) = self.digits(&range);
        let kind = if checks::payment_card(&digits[..count]) {
            NumberKind::Card
        } else if ones == 10 && checks::ten_digits(&digits[..count]) == TenDigits::Nhs {
            NumberKind::Nhs
        } else {
            return ones;
        };
        if self.stands_alone(&range) {
            found.push(Number { kind, range });
        }
        ones
    }

    fn ten_digits(&self, index: usize, found: &mut Vec<Number>) -> usize {
        for shape in [&[10][..], &[3, 3, 4]] {
            let Some(range) = self.shape(index, shape) else {
                continue;
            };
            let separator = if shape.len() > 1 {
                self.groups[index + 1].before
            } else {
                b'.'
            };
            let next = self.next(index + shape.len());
            let longer = self.goes_on_before(index, separator)
                || next.is_some_and(|group| group.before == separator);
            let hyphenated =
                self.groups[index].before == b'-' || next.is_some_and(|group| group.before == b'-');
            let (digits, count) = self.digits(&range);
            if !longer
                && !hyphenated
                && self.stands_alone_or_labelled(&range)
                && !self.after_plus(range.start)
            {
                let kind = match checks::ten_digits(&digits[..count]) {
                    TenDigits::Nhs => NumberKind::Nhs,
                    TenDigits::Uln => NumberKind::Uln,
                    TenDigits::Neither if papers::utr(&digits[..count]) => NumberKind::Utr,
                    TenDigits::Neither => continue,
                };
                found.push(Number { kind, range });
                return shape.len();
            }
        }
        0
    }

    /// "NHS9990000018" is a number behind its label; other letters make it part of something else.
    fn stands_alone_or_labelled(&self, range: &Range<usize>) -> bool {
        let label = range
            .start
            .checked_sub(3)
            .map(|at| &self.text[at..range.start]);
        if label.is_some_and(|label| label.eq_ignore_ascii_case(b"nhs")) {
            return !self
                .text
                .get(range.end)
                .is_some_and(u8::is_ascii_alphanumeric);
        }
        self.stands_alone(range)
    }

    fn after_plus(&self, start: usize) -> bool {
        let before = &self.text[start.saturating_sub(6)..start];
        before.contains(&b'+')
    }

    fn upn(&self, index: usize, found: &mut Vec<Number>) -> usize {
        let text = self.text;
        for shape in [&[12][..], &[11], &[3, 4, 2, 3], &[3, 4, 2, 2]] {
            let Some(range) = self.shape(index, shape) else {
                continue;
            };
            let spaced = shape.len() > 1;
            let temporary = shape.iter().sum::<usize>() == 11;
            let gap = usize::from(spaced && range.start > 0 && text[range.start - 1] == b' ');
            let Some(start) = range.start.checked_sub(1 + gap) else {
                continue;
            };
            let end = range.end + usize::from(temporary);
            let touched =
                |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
            if !text[start].is_ascii_alphabetic()
                || touched(start.checked_sub(1).and_then(|at| text.get(at)))
                || touched(text.get(end))
            {
                continue;
            }
            let mut upn = [0; 13];
            let letters = text[start..end.min(text.len())]
                .iter()
                .filter(|b| b.is_ascii_alphanumeric());
            for (slot, byte) in upn.iter_mut().zip(letters) {
                *slot = byte.to_ascii_uppercase();
            }
            if checks::upn(&upn) {
                found.push(Number {
                    kind: NumberKind::Upn,
                    range: start..end,
                });
                return shape.len();
            }
        }
        0
    }

    fn bank(&self, index: usize, found: &mut Vec<Number>) -> usize {
        if let Some(range) = self.shape(index, &[2, 2, 2]) {
            let separator = self.groups[index + 1].before;
            let next = self.next(index + 3);
            let goes_on = next
                .is_some_and(|group| group.before == separator && !matches!(group.len(), 7 | 8));
            let before = self.goes_on_before(index, separator)
                && !matches!(self.groups[index - 1].len(), 7 | 8);
            if matches!(separator, b'-' | b' ' | b'.')
                && !goes_on
                && !before
                && self.stands_alone(&range)
            {
                found.push(Number {
                    kind: NumberKind::SortCode { pairs: true },
                    range,
                });
                return 3;
            }
        }
        for (shape, kind) in [
            (&[6][..], NumberKind::SortCode { pairs: false }),
            (&[8], NumberKind::Account),
            (&[4, 4], NumberKind::Account),
        ] {
            let Some(range) = self.shape(index, shape) else {
                continue;
            };
            let next = self.next(index + shape.len());
            let decimal =
                self.groups[index].before == b'.' || next.is_some_and(|group| group.before == b'.');
            // "6111-2001-09-28" is no account number in two halves.
            let dashed = shape.len() == 2
                && self.groups[index + 1].before == b'-'
                && next.is_some_and(|group| group.before == b'-');
            let long = shape.len() == 2
                && next.is_some_and(|group| group.before == b' ' && group.len() == 4);
            if !decimal && !dashed && !long && self.stands_alone(&range) {
                found.push(Number { kind, range });
                return shape.len();
            }
        }
        0
    }
}

/// The IBAN whose two check digits stand at `at`, single spaces and hyphens between its characters left out.
fn iban_around(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2)?;
    let country = [
        text[start].to_ascii_uppercase(),
        text[start + 1].to_ascii_uppercase(),
    ];
    if !country.iter().all(u8::is_ascii_uppercase)
        || start
            .checked_sub(1)
            .is_some_and(|at| text[at].is_ascii_alphanumeric())
    {
        return None;
    }
    let length = checks::iban_length(country)?;
    let mut iban = [0; 34];
    let (mut count, mut end) = (0, start);
    while count < length {
        let byte = *text.get(end)?;
        if byte.is_ascii_alphanumeric() {
            iban[count] = byte.to_ascii_uppercase();
            count += 1;
        } else if !matches!(byte, b' ' | b'-' | b'\n')
            || !text.get(end - 1)?.is_ascii_alphanumeric()
        {
            return None;
        }
        end += 1;
    }
    let touched = text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (!touched && checks::iban(&iban[..length])).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(NumberKind, &str)> {
        let bytes = text.as_bytes();
        let mut numbers = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                at = scan(bytes, at, &mut numbers).max(at + 1);
            } else {
                at += 1;
            }
        }
        numbers
            .iter()
            .map(|number| (number.kind, &text[number.range.clone()]))
            .collect()
    }

    #[test]
    fn finds_numbers_with_their_separators() {
        use NumberKind::{Account, Card, Iban, Nhs, SortCode, Upn};
        let pairs = SortCode { pairs: true };
        for (text, expected) in [
            (
                "card 4539 5787 6362 1486 12/27",
                vec![(Card, "4539 5787 6362 1486")],
            ),
            ("4539-5787-6362-1486", vec![(Card, "4539-5787-6362-1486")]),
            ("NHS: 943 476 5870.", vec![(Nhs, "943 476 5870")]),
            ("nhs9434765870", vec![(Nhs, "9434765870")]),
            (
                "iban gb82 west 1234 5698 7654 32 ok",
                vec![(Iban, "gb82 west 1234 5698 7654 32")],
            ),
            (
                "GB29NWBK60161331926819",
                vec![(Iban, "GB29NWBK60161331926819")],
            ),
            ("B801200005001", vec![(Upn, "B801200005001")]),
            ("b 801 2000 05 001", vec![(Upn, "b 801 2000 05 001")]),
            ("G30920001600A", vec![(Upn, "G30920001600A")]),
            (
                "99-00-12 90000012",
                vec![(pairs, "99-00-12"), (Account, "90000012")],
            ),
            (
                "90000012 99-00-12",
                vec![(Account, "90000012"), (pairs, "99-00-12")],
            ),
            (
                "99 00 12 90000012",
                vec![(pairs, "99 00 12"), (Account, "90000012")],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn leaves_parts_of_longer_numbers() {
        for text in [
            "x4539578763621486",
            "45395787636214860000000",
            "1234 4539 5787 6362 1486",
            "+44 9434765870",
            "94347658701",
            "0.9434765870",
            "AB801200005001",
            "1.2.3.4",
            "4539 5787-6362 1486",
            "4111111111111111",
        ] {
            let strict: Vec<_> = found(text)
                .into_iter()
                .filter(|(kind, _)| {
                    !matches!(kind, NumberKind::Account | NumberKind::SortCode { .. })
                })
                .collect();
            assert!(strict.is_empty(), "{text}: {strict:?}");
        }
    }
}
