//! What reports count of holds and refusals, and what reviewers judge.

use std::num::ParseIntError;

use async_trait::async_trait;

use super::NewEntry;
use crate::store::error::StoreError;

/// A hold or a refusal as reports see it: nothing sealed, no name. Lent by a packed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FigureRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) at: i64,
    /// The state of a hold; `turned-away` for a refusal.
    pub(crate) state: &'a str,
    pub(crate) decided_at: Option<i64>,
    pub(crate) decided_as: Option<&'a str>,
    pub(crate) judgement: Option<&'a str>,
    pub(crate) severity: Option<&'a str>,
    pub(crate) people: Option<i64>,
    pub(crate) school: Option<&'a str>,
    pub(crate) sender_group: Option<&'a str>,
    pub(crate) sender: Option<i64>,
    pub(crate) rules: &'a str,
    pub(crate) categories: &'a str,
}

impl<'a> FigureRow<'a> {
    /// The rows of a text in which a database packed many: a line each, fields between tabs, none for a null. No field holds either: ids are
    /// letters and digits, and JSON escapes both. Reading 100,000 rows one by one takes 15 times as long.
    pub(crate) fn of_packed(text: &'a str) -> impl Iterator<Item = Option<Self>> {
        text.lines().map(Self::of_line)
    }

    fn of_line(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut text = || fields.next();
        let (id, at, state) = (text()?, text()?, text()?);
        let (decided_at, decided_as, judgement) = (text()?, text()?, text()?);
        let (severity, people, school) = (text()?, text()?, text()?);
        let (sender_group, sender) = (text()?, text()?);
        let (rules, categories) = (text()?, text()?);
        let given = |text: &'a str| (!text.is_empty()).then_some(text);
        Some(Self {
            id,
            at: at.parse().ok()?,
            state,
            decided_at: number(decided_at).ok()?,
            decided_as: given(decided_as),
            judgement: given(judgement),
            severity: given(severity),
            people: number(people).ok()?,
            school: given(school),
            sender_group: given(sender_group),
            sender: number(sender).ok()?,
            rules,
            categories,
        })
    }
}

/// A number, or none.
fn number(text: &str) -> Result<Option<i64>, ParseIntError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some)
}

/// What reports count.
#[async_trait]
pub(crate) trait FiguresStore {
    /// Holds and refusals since then, packed for [`FigureRow::of_packed`], in no order.
    async fn figures(&self, since: i64) -> Result<Vec<String>, StoreError>;

    /// Holds and refusals that the ledger has entries about after this one, packed.
    async fn figures_after(&self, seq: i64) -> Result<Vec<String>, StoreError>;

    /// Entries of the ledger that say that a hold's content ended in this span, the last first: number, time, action, id, detail.
    async fn ends(
        &self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<(i64, i64, String, String, String)>, StoreError>;

    /// How many such entries there are, by action.
    async fn end_counts(&self, from: i64, to: i64) -> Result<Vec<(String, i64)>, StoreError>;

    /// Notes what a reviewer judges of a hold, with its entry, whose detail says what it was before. [`StoreError::Missing`] when there is
    /// no such hold.
    async fn judge(&self, judgement: &str, entry: NewEntry<'_>) -> Result<(), StoreError>;
}
