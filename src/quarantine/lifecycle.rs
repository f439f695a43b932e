//! Which step follows which state, as a pure function, and that function as a table for people.
//!
//! # Invariants
//! [`next`] is total: every act in every state, with a legal hold and without, has an answer. A hold is decided once. What a second person
//! must approve waits in a state of its own, out of which nobody but a second person sends the message. A legal hold stands beside the
//! state: it stops retention and nothing else. Nothing leads out of expired or purged. Who may do an act is the desk's question.
//!
//! `docs/CUSTODY.md` prints this table; `tests/lifecycle` holds the page to it.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use crate::store::{HoldClaim, HoldState};

/// Something that may happen to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A reviewer takes it, for a time.
    Claim,
    /// A reviewer takes it from the one who has it, or keeps it longer.
    TakeOver,
    /// The reviewer who has it gives it back, or their time ran out.
    Unclaim,
    /// A reviewer asks a second person to release it.
    Ask,
    /// A second person approves the release that was asked for.
    Approve,
    /// Somebody says no to the release that was asked for.
    Decline,
    /// Whoever asked takes the request back.
    Withdraw,
    /// A reviewer lets it go.
    Release,
    /// A reviewer refuses it.
    Refuse,
    /// Its retention ended.
    End,
    /// Its content must be kept for a case.
    PlaceLegalHold,
    /// The case needs it no longer.
    LiftLegalHold,
    /// Its sender says something to the reviewer.
    Justify,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 13] = [
        Self::Claim,
        Self::TakeOver,
        Self::Unclaim,
        Self::Ask,
        Self::Approve,
        Self::Decline,
        Self::Withdraw,
        Self::Release,
        Self::Refuse,
        Self::End,
        Self::PlaceLegalHold,
        Self::LiftLegalHold,
        Self::Justify,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::TakeOver => "take over",
            Self::Unclaim => "unclaim, or lapse",
            Self::Ask => "ask a second person",
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
            Self::Release => "release",
            Self::Refuse => "refuse",
            Self::End => "end of retention",
            Self::PlaceLegalHold => "place legal hold",
            Self::LiftLegalHold => "lift legal hold",
            Self::Justify => "sender's word",
        }
    }
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its state.
    pub state: HoldState,
    /// Its content must be kept for a case.
    pub legal_hold: bool,
}

/// Why an act is not open to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forbidden {
    /// It was decided.
    Decided(HoldState),
    /// Its content is gone.
    Gone(HoldState),
    /// A reviewer has it.
    Claimed,
    /// Nobody has it.
    Unclaimed,
    /// A release waits for a second person.
    Awaiting,
    /// Nothing waits for a second person.
    NothingAsked,
    /// A legal hold keeps its content.
    UnderLegalHold,
    /// There is no legal hold.
    NoLegalHold,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(state) => write!(f, "it is already {state}"),
            Self::Gone(state) => write!(f, "it is {state}: its content is gone"),
            Self::Claimed => f.write_str("a reviewer has it: take it over"),
            Self::Unclaimed => f.write_str("nobody has claimed it"),
            Self::Awaiting => f.write_str(
                "a release waits for a second person: approve it, decline it or withdraw it",
            ),
            Self::NothingAsked => f.write_str("no release waits for a second person"),
            Self::UnderLegalHold => f.write_str("a legal hold keeps it"),
            Self::NoLegalHold => f.write_str("it is under no legal hold"),
        }
    }
}

impl std::error::Error for Forbidden {}

/// Where a hold stands after an act.
pub fn next(from: Standing, act: Act) -> Result<Standing, Forbidden> {
    use HoldState::{Awaiting, Claimed, Expired, Held, Purged, Refused, Released};
    let to = |state| Ok(Standing { state, ..from });
    let flag = |legal_hold| Ok(Standing { legal_hold, ..from });
    match (from.state, act) {
        (gone @ (Expired | Purged), _) => Err(Forbidden::Gone(gone)),
        (_, Act::PlaceLegalHold | Act::End) if from.legal_hold => Err(Forbidden::UnderLegalHold),
        (_, Act::PlaceLegalHold) => flag(true),
        (_, Act::LiftLegalHold) if !from.legal_hold => Err(Forbidden::NoLegalHold),
        (_, Act::LiftLegalHold) => flag(false),
        (Released | Refused, Act::End) => to(Purged),
        (_, Act::End) => to(Expired),
        (decided @ (Released | Refused), _) => Err(Forbidden::Decided(decided)),

        // More to know; whoever has it keeps it, and what waits for a second person waits.
        (waiting @ (Held | Claimed | Awaiting), Act::Justify) => to(waiting),
        (Held, Act::Claim) | (Claimed, Act::TakeOver) => to(Claimed),
        (Claimed, Act::Claim) => Err(Forbidden::Claimed),
        (Held, Act::TakeOver | Act::Unclaim) => Err(Forbidden::Unclaimed),
        (Claimed, Act::Unclaim) | (Awaiting, Act::Decline | Act::Withdraw) => to(Held),
        (Held | Claimed, Act::Ask) => to(Awaiting),
        (Held | Claimed, Act::Approve | Act::Decline | Act::Withdraw) => {
            Err(Forbidden::NothingAsked)
        }
        (Held | Claimed, Act::Release) | (Awaiting, Act::Approve) => to(Released),
        (Held | Claimed, Act::Refuse) => to(Refused),
        (
            Awaiting,
            Act::Claim | Act::TakeOver | Act::Unclaim | Act::Ask | Act::Release | Act::Refuse,
        ) => Err(Forbidden::Awaiting),
    }
}

/// The state as it is now: a claim whose time ran out is none.
pub fn at(state: HoldState, claim: Option<&HoldClaim>, now: SystemTime) -> HoldState {
    match state {
        HoldState::Claimed if claim.is_none_or(|claim| claim.until <= now) => HoldState::Held,
        state => state,
    }
}

/// The whole function as a table in Markdown: acts by states, the state after, or why not.
pub fn table() -> String {
    let mut out = String::from("| |");
    for state in HoldState::ALL {
        let _infallible = write!(out, " {state} |");
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(HoldState::ALL.len()));
    out.push('\n');
    for act in Act::ALL {
        let _infallible = write!(out, "| {} |", act.name());
        for state in HoldState::ALL {
            let _infallible = write!(out, " {} |", cell(state, act));
        }
        out.push('\n');
    }
    out
}

/// What an act makes of a state, without a legal hold and, where it differs, with one.
fn cell(state: HoldState, act: Act) -> String {
    let answer = |legal_hold| match next(Standing { state, legal_hold }, act) {
        Ok(after) if after.legal_hold == legal_hold => format!("**{}**", after.state),
        Ok(after) if after.legal_hold => format!("**{}**, under legal hold", after.state),
        Ok(after) => format!("**{}**", after.state),
        Err(forbidden) => forbidden.to_string(),
    };
    let (without, with) = (answer(false), answer(true));
    if without == with {
        return without;
    }
    format!("{without}; under legal hold: {with}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter for each answer: the state after, or why not.
    fn letter(answer: Result<Standing, Forbidden>, before: bool) -> char {
        match answer {
            Ok(after) if after.legal_hold != before => {
                if after.legal_hold {
                    '+'
                } else {
                    '-'
                }
            }
            Ok(after) => match after.state {
                HoldState::Held => 'H',
                HoldState::Claimed => 'C',
                HoldState::Awaiting => 'A',
                HoldState::Released => 'L',
                HoldState::Refused => 'R',
                HoldState::Expired => 'E',
                HoldState::Purged => 'P',
            },
            Err(Forbidden::Decided(_)) => 'd',
            Err(Forbidden::Gone(_)) => 'g',
            Err(Forbidden::Claimed) => 'c',
            Err(Forbidden::Unclaimed) => 'u',
            Err(Forbidden::Awaiting) => 'a',
            Err(Forbidden::NothingAsked) => 'n',
            Err(Forbidden::UnderLegalHold) => 'l',
            Err(Forbidden::NoLegalHold) => 'o',
        }
    }

    fn row(act: Act, legal_hold: bool) -> String {
        HoldState::ALL
            .into_iter()
            .map(|state| letter(next(Standing { state, legal_hold }, act), legal_hold))
            .collect()
    }

    #[test]
    fn the_whole_table() {
        use HoldState::{Awaiting, Claimed, Expired, Held, Purged, Refused, Released};
        let order = [Held, Claimed, Awaiting, Released, Refused, Expired, Purged];
        assert_eq!(HoldState::ALL, order);
        for (act, without, with) in [
            (Act::Claim, "Ccaddgg", "Ccaddgg"),
            (Act::TakeOver, "uCaddgg", "uCaddgg"),
            (Act::Unclaim, "uHaddgg", "uHaddgg"),
            (Act::Ask, "AAaddgg", "AAaddgg"),
            (Act::Approve, "nnLddgg", "nnLddgg"),
            (Act::Decline, "nnHddgg", "nnHddgg"),
            (Act::Withdraw, "nnHddgg", "nnHddgg"),
            (Act::Release, "LLaddgg", "LLaddgg"),
            (Act::Refuse, "RRaddgg", "RRaddgg"),
            (Act::End, "EEEPPgg", "lllllgg"),
            (Act::PlaceLegalHold, "+++++gg", "lllllgg"),
            (Act::LiftLegalHold, "ooooogg", "-----gg"),
            (Act::Justify, "HCAddgg", "HCAddgg"),
        ] {
            assert_eq!(row(act, false), without, "{act:?}");
            assert_eq!(row(act, true), with, "{act:?} under legal hold");
        }
    }

    #[test]
    fn a_claim_lapses() {
        let until = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(100);
        let claim = HoldClaim {
            by: "a.reviewer".into(),
            until,
        };
        let second = std::time::Duration::from_secs(1);
        let seen = |now| at(HoldState::Claimed, Some(&claim), now);
        assert_eq!(seen(until - second), HoldState::Claimed);
        assert_eq!(seen(until), HoldState::Held);
        assert_eq!(
            at(HoldState::Awaiting, None, until),
            HoldState::Awaiting,
            "requests do not"
        );
    }

    #[test]
    fn names_round_trip() {
        for state in HoldState::ALL {
            assert_eq!(HoldState::of(state.name()), Some(state));
        }
    }
}
