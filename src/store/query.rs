//! What a list of holds can be asked for: conditions, order, and a place to go on from.
//!
//! # Invariants
//! Every condition must be met. A [`Cursor`] is a place between holds, not a number of holds: what is added or ends meanwhile moves
//! nothing, so pages join without gap or repetition. Conditions hold personal data and do not print it.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::hold::{HoldState, HoldSummary};
use super::words::SearchText;
use crate::detect::Category;
use crate::mail::{Address, Domain, QueueId};

/// Holds of one page at most.
pub const PAGE_AT_MOST: u32 = 1_000;

/// Which end of the list comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// What was received last.
    #[default]
    Newest,
    /// What was received first.
    Oldest,
}

/// Which holds to list, in which order, from where on. The default asks for the newest of all.
#[derive(Clone, Default, PartialEq)]
pub struct HoldQuery {
    /// In any of these states; empty for any state.
    pub states: Vec<HoldState>,
    /// This rule fired.
    pub rule: Option<String>,
    /// Something of this category was found.
    pub category: Option<Category>,
    /// From this sender.
    pub from: Option<Address>,
    /// From a sender of this domain: a school of the trust.
    pub from_domain: Option<Domain>,
    /// From a sender of any of these domains or of one within them: the schools of a reviewer. Empty for any sender. Holds indexed before
    /// domains were known by their parents are found by the very domain only.
    pub from_domains: Vec<Domain>,
    /// Received then or later.
    pub since: Option<SystemTime>,
    /// Received before then.
    pub until: Option<SystemTime>,
    /// All of this is in addresses, subject or names of files.
    pub text: SearchText,
    /// The order.
    pub sort: Sort,
    /// The page from here on; the first one without.
    pub cursor: Option<Cursor>,
    /// Holds of a page; 0 and more than [`PAGE_AT_MOST`] mean that many.
    pub limit: u32,
}

impl fmt::Debug for HoldQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HoldQuery")
            .field("states", &self.states)
            .field("rule", &self.rule)
            .field("category", &self.category)
            .field("text", &self.text)
            .field("sort", &self.sort)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl HoldQuery {
    pub(crate) fn page_size(&self) -> u32 {
        match self.limit {
            0 => PAGE_AT_MOST,
            limit => limit.min(PAGE_AT_MOST),
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldPage {
    /// Its holds in the order asked for. It may be shorter than asked for, even empty, while [`next`](Self::next) is there: then the
    /// work of one call ended before the page was full.
    pub holds: Vec<HoldSummary>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Cursor>,
    /// Where the page before begins; `None` at the front.
    pub previous: Option<Cursor>,
    /// Holds from before an update are not all indexed yet, and a search by text, sender or domain may miss some.
    pub indexing: bool,
}

/// How many holds meet a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldCount {
    /// So many, or at least so many.
    pub number: u32,
    /// Whether counting ended before the list did.
    pub more: bool,
}

/// A place in a list, to be handed back as it was given. It names a time and a random id, nothing personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) at: i64,
    pub(crate) id: QueueId,
    /// The page ends here rather than begins.
    pub(crate) back: bool,
    /// The hold at this place belongs to the page.
    pub(crate) including: bool,
}

/// A text is not a place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a list of holds")]
pub struct CursorError;

const BACK: u8 = 1;
const INCLUDING: u8 = 2;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.back) * BACK + u8::from(self.including) * INCLUDING;
        let bytes = [
            &[flags],
            self.at.to_be_bytes().as_slice(),
            self.id.as_bytes().as_slice(),
        ]
        .concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        // 26 characters for 19 bytes; nothing longer is decoded.
        if text.len() != 26 {
            return Err(CursorError);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| CursorError)?;
        let (flags, rest) = bytes.split_first().ok_or(CursorError)?;
        let (at, id) = rest.split_first_chunk::<8>().ok_or(CursorError)?;
        if *flags > BACK + INCLUDING {
            return Err(CursorError);
        }
        Ok(Self {
            at: i64::from_be_bytes(*at),
            id: QueueId::from_random(id.try_into().map_err(|_| CursorError)?),
            back: flags & BACK != 0,
            including: flags & INCLUDING != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        for flags in 0..4 {
            let cursor = Cursor {
                at: 1_790_000_000_123_456,
                id: QueueId::from_random([7; 10]),
                back: flags & 1 != 0,
                including: flags & 2 != 0,
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "AAAA",
            &"A".repeat(27),
            &"_".repeat(26),
            &"é".repeat(13),
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
