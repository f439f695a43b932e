//! Ten digits in groups of three, three and four: telephone numbers of North America, or numbers of the health services.
//!
//! # Invariants
//! Only the numbers within [`NEIGHBOURS`] bytes are looked at.
//!
//! # Known gaps
//! A telephone number with spaces that passes the check and stands alone is read as an NHS number.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::detect::catalogue::Check;
use crate::detect::checks::{self, TenDigits};
use crate::detect::judge::Judge;

/// Bytes on each side of a number within which others say what kind of list it stands in.
const NEIGHBOURS: usize = 100;

/// Ten digits in groups of three, three and four.
#[expect(
    clippy::expect_used,
    reason = "the pattern is a constant and the tests use it"
)]
static DIALLED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)\b[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{4}\b").expect("a constant pattern")
});

impl Judge<'_> {
    /// Whether ten digits are rather a telephone number, as far as nothing calls them by another name.
    pub(super) fn is_telephone(&self, range: &Range<usize>) -> bool {
        self.is_dialled(range) || self.is_among_dialled(range)
    }

    /// Groups of three, three and four with hyphens or full stops between, as telephone numbers of North America are written.
    fn is_dialled(&self, range: &Range<usize>) -> bool {
        self.scene
            .bytes(range.clone())
            .iter()
            .any(|b| matches!(b, b'-' | b'.'))
    }

    /// Whether another number in such groups stands nearby that no health service issued: a list of telephone numbers.
    fn is_among_dialled(&self, range: &Range<usize>) -> bool {
        let window = self.scene.window(range, NEIGHBOURS);
        let text = self.scene.bytes(window.clone());
        DIALLED.find_iter(text).any(|found| {
            let at = window.start + found.start();
            let digits: Vec<u8> = found
                .as_bytes()
                .iter()
                .copied()
                .filter(u8::is_ascii_digit)
                .collect();
            !range.contains(&at) && checks::ten_digits(&digits) != TenDigits::Nhs
        })
    }

    pub(super) fn is_called_nhs(&self, range: &Range<usize>) -> bool {
        let checked = self.engine.checked(Check::NhsNumber);
        checked.is_some_and(|checked| self.keyword(checked, range, 80).is_some())
    }
}
