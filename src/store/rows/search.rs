//! Lists of holds by several conditions.

use async_trait::async_trait;

use super::StoredHold;
use crate::store::error::StoreError;

/// A keyed hash of something that is searched for.
pub(crate) type Token = [u8; 10];

/// A condition that is also a list, ordered by time and id, that can be read from any place and asked for one hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum List {
    /// Holds with any of these tokens.
    Tokens(Vec<Token>),
    /// Holds on which this rule fired.
    Rule(String),
    /// Holds in which this category was found.
    Category(String),
    /// Holds in any of these states.
    States(Vec<&'static str>),
}

/// An end of a range of holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) at: i64,
    /// An id, or empty for what lies before every id of that time.
    pub(crate) hold: String,
    /// The hold of this time and id belongs to the range.
    pub(crate) including: bool,
}

/// What to look for, and where.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// All of these; empty for every hold.
    pub(crate) lists: Vec<List>,
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
    /// From the latest down, or from the earliest up.
    pub(crate) down: bool,
    /// At most so many.
    pub(crate) limit: u32,
}

/// What was found, in the order of reading.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) holds: Vec<StoredHold>,
    /// Where reading ended because the work of one call was done, when it was: the time and id of the last hold looked at.
    pub(crate) reached: Option<(i64, String)>,
}

/// Lists of holds by several conditions. The work of a call is bounded, however many holds there are: see the implementation.
#[async_trait]
pub(crate) trait SearchStore {
    /// Holds that meet every condition.
    async fn search(&self, wanted: &Wanted) -> Result<Found, StoreError>;

    /// How many there are, at most `wanted.limit`, and whether counting ended before the range did.
    async fn count(&self, wanted: &Wanted) -> Result<(u32, bool), StoreError>;

    /// Holds with content and without tokens, latest first, received before this time and id.
    async fn unindexed(
        &self,
        before: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<Vec<StoredHold>, StoreError>;

    /// Adds the tokens (one after the other) of holds by id that still have content and no tokens, in one transaction.
    async fn index(&self, tokens: &[(String, Vec<u8>)]) -> Result<(), StoreError>;
}
