//! Other holds like this one: from the same sender by the same rule, or with the same values found.
//!
//! # Invariants
//! At most [`LOOKED_AT`] records are opened and [`SHOWN`] given out. The values of a hold are keyed hashes: that two holds share one tells that
//! they speak of the same person or number, and not of which.
//!
//! # Known gaps
//! Values are not indexed, so holds that share values are found only among the latest by the same sender or the same rule.

use std::collections::HashSet;

use crate::mail::{Address, QueueId};
use crate::store::{Custody, HoldDetails, HoldQuery, HoldSummary, StoreError};

/// Holds whose records are opened to compare values.
const LOOKED_AT: usize = 40;
/// Holds that are given out.
const SHOWN: usize = 10;

/// A hold like another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Similar {
    /// The hold.
    pub hold: HoldSummary,
    /// It is from the same sender.
    pub same_sender: bool,
    /// The gravest rule is one of its rules.
    pub same_rule: bool,
    /// How many values both have.
    pub values: usize,
}

/// The lists in which similar holds are looked for: the same sender and rule, the same sender, the same rule. Newest first.
pub fn query(details: &HoldDetails) -> Vec<HoldQuery> {
    let from = details.envelope.mail_from.address().cloned();
    let rule = details.record.rules.first().map(|rule| rule.id.clone());
    let mut queries = Vec::new();
    let limit = 20;
    if from.is_some() && rule.is_some() {
        queries.push(HoldQuery {
            from: from.clone(),
            rule: rule.clone(),
            limit,
            ..HoldQuery::default()
        });
    }
    if from.is_some() {
        queries.push(HoldQuery {
            from,
            limit,
            ..HoldQuery::default()
        });
    }
    if rule.is_some() {
        queries.push(HoldQuery {
            rule,
            limit,
            ..HoldQuery::default()
        });
    }
    queries
}

/// Holds like this one: those that share most values first, then those of the same sender and rule, then the latest.
///
/// A caller that shows a part of all holds (a school's) filters the result.
pub async fn similar(custody: &Custody, details: &HoldDetails) -> Result<Vec<Similar>, StoreError> {
    let mut seen: HashSet<QueueId> = HashSet::from([details.summary.id]);
    let mut candidates = Vec::new();
    for query in query(details) {
        for hold in custody.search_holds(&query).await?.holds {
            if candidates.len() < LOOKED_AT && seen.insert(hold.id) {
                candidates.push(hold);
            }
        }
    }
    let mut found = Vec::with_capacity(candidates.len());
    for hold in candidates {
        match custody.open_hold(hold.id).await {
            Ok(other) => found.push(compared(details, &other, hold)),
            // Its content ended: nothing is left to compare.
            Err(StoreError::Missing) => {}
            Err(error) => return Err(error),
        }
    }
    found.retain(|one| one.values > 0 || (one.same_sender && one.same_rule));
    found.sort_by_key(|one| {
        let both = one.same_sender && one.same_rule;
        std::cmp::Reverse((one.values, both, one.hold.received_at))
    });
    found.truncate(SHOWN);
    Ok(found)
}

fn compared(details: &HoldDetails, other: &HoldDetails, hold: HoldSummary) -> Similar {
    let own: HashSet<u128> = details.record.values.iter().copied().collect();
    let values: HashSet<u128> = other.record.values.iter().copied().collect();
    let key = |details: &HoldDetails| details.envelope.mail_from.address().map(Address::key);
    let from = key(details);
    let rule = details.record.rules.first();
    Similar {
        same_sender: from.is_some() && key(other) == from,
        same_rule: rule.is_some_and(|rule| hold.rules.contains(&rule.id)),
        values: own.intersection(&values).count(),
        hold,
    }
}
