//! What the sender of a held message may do with it: say a word to the reviewer, take it back, send it with initials.
//!
//! # Invariants
//! Whether somebody is the sender is for the caller to know, and whether policy lets the version with initials pass too. A word changes
//! neither state nor claim nor request. A sender's own decision stands in the ledger as one, before what it makes of the hold. A message that
//! a reviewer has in hand is not sent under them, but it may be taken back: then nothing leaves.

use bytes::Bytes;

use super::release::{Causes, decision};
use super::{By, Desk, DeskError, On, Release, To, Version, seen};
use crate::quarantine::lifecycle::Act;
use crate::store::What;
use crate::store::ledger::action;

/// Longest word of a sender, in characters: two paragraphs.
pub const LONGEST_WORD: usize = 1_000;

/// Words that a sender may say of one hold.
pub const MOST_WORDS: usize = 5;

impl Desk {
    /// Tells the reviewer what the sender has to say, and whether they ask for the release.
    pub async fn justify(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        asks: bool,
    ) -> Result<(), DeskError> {
        by.check()?;
        if by.reason.trim().chars().nth(LONGEST_WORD).is_some() {
            return Err(DeskError::LongReason);
        }
        let seen = self
            .stands(on.into(), Act::Justify, by.actor, by.at)
            .await?;
        let times = seen.hold.summary.word.map_or(0, |word| word.times);
        if times >= MOST_WORDS {
            return Err(DeskError::ManyWords);
        }
        let what = What::Justify {
            text: by.reason.trim().to_owned(),
            asks,
        };
        self.act(&seen, by.actor, by.at, what).await
    }

    /// Refuses a message because its sender takes it back; nobody is told.
    pub async fn take_back(&self, on: impl Into<On>, by: By<'_>) -> Result<(), DeskError> {
        by.check()?;
        let (hold, state) = self.present(on.into(), by.at).await?;
        let seen = seen(hold, state, Act::Refuse)?;
        let decision = decision(&seen, by, Causes::default());
        let action = action::WITHDRAWN_BY_SENDER;
        Ok(self.store.decide_by_sender(decision, action).await?)
    }

    /// Sends the version with initials to everybody it was for, as its sender's own act: `message` is what was proposed for this hold, and
    /// policy lets it pass.
    pub async fn send_own(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        message: Bytes,
    ) -> Result<(), DeskError> {
        let release = Release {
            version: Version::Initials(message),
            ..To::All.into()
        };
        let (seen, sending) = self.prepared(on.into(), by, &release).await?;
        if seen.hold.record.confidential {
            return Err(DeskError::Confidential);
        }
        let causes = self.sent(&seen, by, sending);
        let decision = decision(&seen, by, causes);
        let action = action::SENT_BY_SENDER;
        Ok(self.store.decide_by_sender(decision, action).await?)
    }
}
