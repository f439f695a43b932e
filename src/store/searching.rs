//! Lists and searches over sealed holds, and the blind tokens they are found by.
//!
//! # Invariants
//! No word and no address reaches the database: only HMAC-SHA-256 under a key derived from the store's own secret, cut to 80 bits, of a kind
//! and a normalised text (`words`). Tokens are written in the transaction that holds the message and deleted in the one that ends its
//! content.
//!
//! # What the database file tells without the key
//! Which holds share a token and how often each token occurs, by time: that some unknown word, sender or domain is common, and
//! that two holds have one in common. Somebody who knows how often words occur in a school's mail can guess the commonest ones (the trust's own
//! domain, the largest mail services, `re`, `trip`), and somebody who can have messages held and then sees the file can tell the tokens
//! of words they chose. Rare names do not follow from that. Rules, categories, states and times stand in clear, as before. Two
//! different texts share a token with a chance of 2^-80 each; nothing is decided by a token, it only lists.
//!
//! # Known gaps
//! Words of a subject beyond 64 and tokens of a hold beyond 4,096 are not indexed. Names of files are known only for files with
//! findings. What reviewers search for is not recorded.

use aws_lc_rs::hmac;

use super::Custody;
use super::clock::micros;
use super::error::StoreError;
use super::hold::{HoldRecord, parse_id};
use super::query::{Cursor, HoldCount, HoldPage, HoldQuery, Sort};
use super::rows::{Bound, List, StoredHold, Token, Wanted};
use super::words::{self, Searched};
use crate::mail::{Domain, Envelope};

/// Holds indexed in one transaction of the work that makes up for an update: some 20 ms, between which others write.
const BATCH: u32 = 100;

/// What indexing older holds did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Holds that can be found now.
    pub indexed: u64,
    /// Holds whose record does not open; they are left as they are.
    pub unread: u64,
    /// Where to go on; `None` when every older hold has been looked at.
    pub next: Option<Cursor>,
}

impl Custody {
    /// A page of the holds that meet every condition. The work of a call is bounded, so a page may be shorter than asked for and still
    /// not be the last: see [`HoldPage::holds`].
    pub async fn search_holds(&self, query: &HoldQuery) -> Result<HoldPage, StoreError> {
        let size = query.page_size();
        let back = query.cursor.is_some_and(|cursor| cursor.back);
        // One more than the page shows whether there is another.
        let mut found = self.database.search(&self.wanted(query, size + 1)).await?;
        let more = found.holds.len() > size as usize;
        found.holds.truncate(size as usize);
        let mut holds = found
            .holds
            .iter()
            .map(|row| self.summary(row))
            .collect::<Result<Vec<_>, _>>()?;
        let place = |row: &StoredHold, back| cursor(row.received_at, &row.id, back);
        let (first, last) = (found.holds.first(), found.holds.last());
        let onward = match (&found.reached, last) {
            (_, Some(last)) if more => Some(place(last, back)?),
            (Some((at, id)), _) => Some(cursor(*at, id, back)?),
            _ => None,
        };
        let behind = match (query.cursor, first) {
            (None, _) => None,
            (Some(_), Some(first)) => Some(place(first, !back)?),
            // Nothing here: the way back begins with the hold that this page was to follow.
            (Some(from), None) => Some(Cursor {
                back: !back,
                including: !from.including,
                ..from
            }),
        };
        let (next, previous) = if back {
            holds.reverse();
            (behind, onward)
        } else {
            (onward, behind)
        };
        Ok(HoldPage {
            holds,
            next,
            previous,
            indexing: self.is_indexing(query).await?,
        })
    }

    /// How many holds meet the query, whatever its page; counting ends at `at_most`, and when the work of one call is done.
    pub async fn count_holds(
        &self,
        query: &HoldQuery,
        at_most: u32,
    ) -> Result<HoldCount, StoreError> {
        let query = HoldQuery {
            cursor: None,
            ..query.clone()
        };
        let (number, more) = self.database.count(&self.wanted(&query, at_most)).await?;
        Ok(HoldCount { number, more })
    }

    /// Makes the tokens of up to `at_most` holds that were stored before there were any, latest first, in short transactions. To be called
    /// with [`Indexed::next`] until that is `None`, by the process that serves; it begins anew after a restart and finds what is left.
    pub async fn index_holds(
        &self,
        from: Option<Cursor>,
        at_most: u32,
    ) -> Result<Indexed, StoreError> {
        let mut done = Indexed {
            next: from,
            ..Indexed::default()
        };
        let mut left = at_most;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            let before = done.next.map(|from| (from.at, from.id.to_string()));
            let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
            let rows = self.database.unindexed(before, batch).await?;
            let Some(last) = rows.last() else {
                done.next = None;
                break;
            };
            done.next = Some(cursor(last.received_at, &last.id, false)?);
            let mut tokens = Vec::with_capacity(rows.len());
            for row in &rows {
                match self.search_tokens_of(row) {
                    Ok(found) => tokens.push((row.id.clone(), found)),
                    Err(_) => done.unread += 1,
                }
            }
            self.database.index(&tokens).await?;
            done.indexed += tokens.len() as u64;
            if rows.len() < batch as usize {
                done.next = None;
                break;
            }
        }
        Ok(done)
    }

    /// What a new hold is found by: tokens, one after the other.
    pub(super) fn hold_tokens(&self, envelope: &Envelope, record: &HoldRecord) -> Vec<u8> {
        words::of_hold(envelope, record)
            .iter()
            .flat_map(|searched| self.token(searched))
            .collect()
    }

    fn search_tokens_of(&self, row: &StoredHold) -> Result<Vec<u8>, StoreError> {
        let sealed = row.sealed().ok_or(StoreError::Missing)?;
        let (_, record) = self.record(parse_id(&row.id)?, sealed)?;
        let envelope = record.envelope.into_envelope()?;
        Ok(self.hold_tokens(&envelope, &record.record))
    }

    fn token(&self, searched: &Searched) -> Token {
        let (kind, text) = searched.parts();
        let mut context = hmac::Context::with_key(&self.search);
        context.update(kind);
        context.update(text);
        let mut token = Token::default();
        let length = token.len();
        token.copy_from_slice(&context.sign().as_ref()[..length]);
        token
    }

    fn wanted(&self, query: &HoldQuery, limit: u32) -> Wanted {
        let back = query.cursor.is_some_and(|cursor| cursor.back);
        let down = (query.sort == Sort::Newest) != back;
        let edge = |at, including| Bound {
            at: micros(at),
            hold: String::new(),
            including,
        };
        let mut low = query.since.map(|since| edge(since, true));
        let mut high = query.until.map(|until| edge(until, false));
        if let Some(cursor) = query.cursor {
            let place = Bound {
                at: cursor.at,
                hold: cursor.id.to_string(),
                including: cursor.including,
            };
            let key = |bound: &Bound| (bound.at, bound.hold.clone());
            if down && high.as_ref().is_none_or(|high| key(&place) < key(high)) {
                high = Some(place);
            } else if !down && low.as_ref().is_none_or(|low| key(&place) > key(low)) {
                low = Some(place);
            }
        }
        Wanted {
            lists: self.lists(query),
            low,
            high,
            down,
            limit,
        }
    }

    fn lists(&self, query: &HoldQuery) -> Vec<List> {
        let tokens = |meanings: &[Searched]| {
            List::Tokens(meanings.iter().map(|one| self.token(one)).collect())
        };
        let mut lists: Vec<List> = query.text.terms().iter().map(|term| tokens(term)).collect();
        if let Some(from) = &query.from {
            lists.push(tokens(&[Searched::From(from.key())]));
        }
        if let Some(domain) = &query.from_domain {
            lists.push(tokens(&[Searched::FromDomain(domain.as_str().to_owned())]));
        }
        if !query.from_domains.is_empty() {
            let within = query.from_domains.iter().map(Domain::as_str);
            let meanings = within.flat_map(|domain| {
                [
                    Searched::FromWithin(domain.to_owned()),
                    Searched::FromDomain(domain.to_owned()),
                ]
            });
            lists.push(tokens(&meanings.collect::<Vec<_>>()));
        }
        if let Some(rule) = &query.rule {
            lists.push(List::Rule(rule.clone()));
        }
        if let Some(category) = query.category {
            lists.push(List::Category(category.name().to_owned()));
        }
        if !query.states.is_empty() {
            let mut states: Vec<_> = query.states.iter().map(|state| state.name()).collect();
            states.sort_unstable();
            states.dedup();
            lists.push(List::States(states));
        }
        lists
    }

    async fn is_indexing(&self, query: &HoldQuery) -> Result<bool, StoreError> {
        let by_tokens =
            query.from.is_some() || query.from_domain.is_some() || !query.from_domains.is_empty();
        if query.text.is_empty() && !by_tokens {
            return Ok(false);
        }
        Ok(!self.database.unindexed(None, 1).await?.is_empty())
    }
}

fn cursor(at: i64, id: &str, back: bool) -> Result<Cursor, StoreError> {
    Ok(Cursor {
        at,
        id: parse_id(id)?,
        back,
        including: false,
    })
}
