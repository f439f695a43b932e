//! Which step follows which state, as a pure function.
//!
//! # Invariants
//! A hold is decided once. Only an undecided hold expires, only a decided one is purged, and nothing leads out of
//! expired or purged.

use crate::store::HoldState;

/// Something that may happen to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A reviewer lets it go.
    Release,
    /// A reviewer refuses it.
    Refuse,
    /// Its retention ended.
    End,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 3] = [Self::Release, Self::Refuse, Self::End];
}

/// An act that this state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hold is already {0}")]
pub struct Forbidden(pub HoldState);

/// The state after an act.
pub fn next(state: HoldState, act: Act) -> Result<HoldState, Forbidden> {
    match (state, act) {
        (HoldState::Held, Act::Release) => Ok(HoldState::Released),
        (HoldState::Held, Act::Refuse) => Ok(HoldState::Refused),
        (HoldState::Held, Act::End) => Ok(HoldState::Expired),
        (HoldState::Released | HoldState::Refused, Act::End) => Ok(HoldState::Purged),
        _ => Err(Forbidden(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use HoldState::{Expired, Held, Purged, Refused, Released};
        let table = [
            (Held, [Some(Released), Some(Refused), Some(Expired)]),
            (Released, [None, None, Some(Purged)]),
            (Refused, [None, None, Some(Purged)]),
            (Expired, [None, None, None]),
            (Purged, [None, None, None]),
        ];
        assert_eq!(table.len(), HoldState::ALL.len());
        for (state, row) in table {
            for (act, expected) in Act::ALL.into_iter().zip(row) {
                assert_eq!(
                    next(state, act),
                    expected.ok_or(Forbidden(state)),
                    "{state} {act:?}"
                );
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for state in HoldState::ALL {
            assert_eq!(HoldState::of(state.name()), Some(state));
        }
    }
}
