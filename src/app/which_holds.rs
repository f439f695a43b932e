//! Which holds `holds list` prints: its flags, and the query they make.
//!
//! # Invariants
//! Without flags every waiting hold is listed, the oldest first. The store is read in pages, each with bounded work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::detect::Category;
use crate::store::{
    Custody, HoldQuery, HoldState, HoldSummary, SearchError, SearchText, Sort, StoreError,
};

/// Conditions that must all be met.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichHolds {
    /// Also those released, refused or expired.
    #[arg(long)]
    pub all: bool,
    /// Only those in this state: held, claimed, awaiting, released, refused, expired, purged. May be given several times.
    #[arg(long, value_name = "STATE", conflicts_with = "all")]
    pub state: Vec<String>,
    /// Only those on which this rule fired.
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Only those in which something of this category was found, such as medical.
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,
    /// Only those received on this day or later, such as 2026-11-01.
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Only those received on this day or earlier.
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Only those with all of these words in the subject, in a mailbox's name, or in the name of a file with findings; a word with @ is an
    /// address, one that begins with @ a domain.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// The newest first.
    #[arg(long)]
    pub newest: bool,
    /// At most so many.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Why the holds asked for cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum WhichError {
    /// There is no such state.
    #[error("--state: found `{found}`; allowed: {}", states())]
    State {
        /// What was given.
        found: String,
    },
    /// There is no such category.
    #[error("--category: found `{0}`; allowed: a category such as pupil-name or medical")]
    Category(String),
    /// A text is no day.
    #[error("{0}: found `{1}`; allowed: a day such as 2026-11-01")]
    Day(&'static str, String),
    /// The text cannot be searched for.
    #[error("--search: {0}")]
    Search(SearchError),
}

fn unknown(name: &str) -> WhichError {
    WhichError::State {
        found: name.to_owned(),
    }
}

fn states() -> String {
    HoldState::ALL.map(HoldState::name).join(", ")
}

impl WhichHolds {
    /// The query; days begin and end where the trust is.
    pub fn query(&self, zone: &TimeZone) -> Result<HoldQuery, WhichError> {
        let mut states = Vec::new();
        for name in &self.state {
            states.push(HoldState::of(name).ok_or_else(|| unknown(name))?);
        }
        if states.is_empty() && !self.all {
            states.extend(
                HoldState::ALL
                    .into_iter()
                    .filter(|state| state.is_waiting()),
            );
        }
        let since = self.since.as_deref();
        let until = self.until.as_deref();
        Ok(HoldQuery {
            states,
            rule: self.rule.clone(),
            category: self.category.as_deref().map(category).transpose()?,
            since: since
                .map(|text| midnight("--since", text, false, zone))
                .transpose()?,
            until: until
                .map(|text| midnight("--until", text, true, zone))
                .transpose()?,
            text: SearchText::parse(self.search.as_deref().unwrap_or(""))
                .map_err(WhichError::Search)?,
            sort: if self.newest {
                Sort::Newest
            } else {
                Sort::Oldest
            },
            ..HoldQuery::default()
        })
    }

    /// Begins to read what the query asks for, up to the limit.
    pub fn reading(&self, query: HoldQuery) -> Reading {
        Reading {
            query: Some(query),
            left: self.limit.unwrap_or(usize::MAX),
        }
    }

    /// What to say when nothing was found.
    pub fn nothing(&self) -> &'static str {
        let asked = [
            &self.rule,
            &self.category,
            &self.since,
            &self.until,
            &self.search,
        ];
        if self.state.is_empty() && asked.iter().all(|flag| flag.is_none()) {
            "nothing waits"
        } else {
            "nothing found"
        }
    }
}

/// Reads a list page by page.
#[derive(Debug)]
pub struct Reading {
    query: Option<HoldQuery>,
    left: usize,
}

impl Reading {
    /// The next holds, now and then none; `None` at the end.
    pub async fn next(&mut self, store: &Custody) -> Result<Option<Vec<HoldSummary>>, StoreError> {
        let Some(mut query) = self.query.take().filter(|_| self.left > 0) else {
            return Ok(None);
        };
        query.limit = u32::try_from(self.left).unwrap_or(u32::MAX);
        let page = store.search_holds(&query).await?;
        if page.indexing && query.cursor.is_none() {
            tracing::warn!(
                "holds from before the update are still being indexed; a search may miss some"
            );
        }
        self.left -= page.holds.len();
        if page.next.is_some() {
            query.cursor = page.next;
            self.query = Some(query);
        }
        Ok(Some(page.holds))
    }
}

fn category(name: &str) -> Result<Category, WhichError> {
    let known: StrDeserializer<'_, ValueError> = name.into_deserializer();
    Category::deserialize(known).map_err(|_| WhichError::Category(name.to_owned()))
}

/// The moment a day begins, or the one after it.
fn midnight(
    flag: &'static str,
    text: &str,
    after: bool,
    zone: &TimeZone,
) -> Result<SystemTime, WhichError> {
    let wrong = || WhichError::Day(flag, text.to_owned());
    let mut day: Date = text.parse().map_err(|_| wrong())?;
    if after {
        day = day.tomorrow().map_err(|_| wrong())?;
    }
    let moment = zone
        .to_timestamp(day.to_datetime(Time::midnight()))
        .map_err(|_| wrong())?;
    let seconds = u64::try_from(moment.as_second()).unwrap_or_default();
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(since: &str, until: &str) -> WhichHolds {
        WhichHolds {
            since: Some(since.into()),
            until: Some(until.into()),
            ..WhichHolds::default()
        }
    }

    #[test]
    fn days_are_whole_and_where_the_trust_is() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let query = which("2026-03-29", "2026-03-29").query(&zone).unwrap();
        let length = query.until.unwrap().duration_since(query.since.unwrap());
        // The clocks go forward on that day.
        assert_eq!(length.unwrap(), Duration::from_hours(23));
        assert!(which("soon", "2026-03-29").query(&zone).is_err());
    }

    #[test]
    fn what_is_waiting_is_listed_unless_told() {
        let query = |all| {
            let which = WhichHolds {
                all,
                ..WhichHolds::default()
            };
            which.query(&TimeZone::UTC).unwrap()
        };
        assert_eq!(
            query(false).states,
            [HoldState::Held, HoldState::Claimed, HoldState::Awaiting]
        );
        assert!(query(true).states.is_empty());
        let which = WhichHolds {
            state: vec!["waiting".into()],
            ..WhichHolds::default()
        };
        assert!(which.query(&TimeZone::UTC).is_err());
        assert_eq!(category("medical").unwrap(), Category::Medical);
        assert!(category("health").is_err());
    }
}
