//! Two reviewers at once, on every pair of acts, over two openings of one store.

use beadle::quarantine::desk::CLAIM;
use beadle::quarantine::{DeskError, On, Tell, To};
use beadle::store::{HoldState, StoreError};

use super::*;

/// What a reviewer may do to a hold that waits, or to one whose release was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Claim,
    TakeOver,
    Unclaim,
    Ask,
    Approve,
    Decline,
    Withdraw,
    Release,
    Refuse,
    PlaceLegalHold,
    LiftLegalHold,
}

/// From where two reviewers act, and what is open to each of them there.
#[derive(Debug, Clone, Copy)]
enum From {
    Held,
    /// Claimed by ann.
    Claimed,
    /// Asked for by ann.
    Awaiting,
}

impl From {
    /// Acts of ann, and acts of bob. Both may place a legal hold; there is one to lift in a case of its own.
    fn open(self) -> (Vec<Does>, Vec<Does>) {
        use Does::{
            Approve, Ask, Claim, Decline, LiftLegalHold, PlaceLegalHold, Refuse, Release, TakeOver,
            Unclaim, Withdraw,
        };
        match self {
            Self::Held => {
                let all = vec![Claim, Ask, Release, Refuse, PlaceLegalHold, LiftLegalHold];
                (all.clone(), all)
            }
            Self::Claimed => (
                vec![
                    Claim,
                    Unclaim,
                    Ask,
                    Release,
                    Refuse,
                    PlaceLegalHold,
                    LiftLegalHold,
                ],
                vec![TakeOver, PlaceLegalHold, LiftLegalHold],
            ),
            Self::Awaiting => (
                vec![Withdraw, Decline, PlaceLegalHold, LiftLegalHold],
                vec![Approve, Decline, PlaceLegalHold, LiftLegalHold],
            ),
        }
    }
}

async fn does(desk: &Desk, what: Does, who: &'static str, version: i64) -> Result<(), DeskError> {
    let on = On {
        id: id(1),
        version: Some(version),
    };
    let by = by(who, "because of this");
    let at = by.at;
    match what {
        Does::Claim => desk.claim(on, who, at, (CLAIM, false)).await.map(|_| ()),
        Does::TakeOver => desk.claim(on, who, at, (CLAIM, true)).await.map(|_| ()),
        Does::Unclaim => desk.unclaim(on, who, at).await,
        Does::Ask => desk
            .release_or_ask(on, by, &To::All.into())
            .await
            .map(|_| ()),
        Does::Approve => desk.approve(on, by, None).await,
        Does::Decline => desk.decline(on, by).await,
        Does::Withdraw => desk.withdraw(on, who, at).await,
        Does::Release => desk.release(on, by, To::All).await,
        Does::Refuse => desk.refuse(on, by, Tell::Nobody).await,
        Does::PlaceLegalHold => desk.legal_hold(on, by, true).await,
        Does::LiftLegalHold => desk.legal_hold(on, by, false).await,
    }
}

/// Brings a new hold to where the race starts, and gives its version.
async fn set(desk: &Desk, store: &Custody, from: From, pair: (Does, Does)) -> i64 {
    let acts = [pair.0, pair.1];
    // A plain release is open where one person is enough, a request where two are needed.
    let two = matches!(from, From::Awaiting) || acts.contains(&Does::Ask);
    store.hold(new_hold(1, two)).await.unwrap();
    match from {
        From::Held => {}
        From::Claimed => {
            let claimed = desk.claim(id(1), "ann", start(), (CLAIM, false)).await;
            claimed.unwrap();
        }
        From::Awaiting => {
            let asked = desk
                .release_or_ask(id(1), by("ann", "fine"), &To::All.into())
                .await;
            asked.unwrap();
        }
    }
    if acts.contains(&Does::LiftLegalHold) {
        desk.legal_hold(id(1), by("dpo", "case 1"), true)
            .await
            .unwrap();
    }
    store.open_hold(id(1)).await.unwrap().summary.version
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_acts_on_one_version_one_wins_and_the_other_learns_by_whom() {
    every_pair(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_between_nodes_on_postgresql() {
    every_pair(true).await;
}

async fn every_pair(postgres: bool) {
    let mut raced = 0;
    for from in [From::Held, From::Claimed, From::Awaiting] {
        let (of_ann, of_bob) = from.open();
        for first in &of_ann {
            for second in &of_bob {
                let (first, second) = (*first, *second);
                let legal = [Does::PlaceLegalHold, Does::LiftLegalHold];
                let excluded = (first != second && legal.contains(&first) && legal.contains(&second))
                    // One person releases, or two: not both.
                    || [first, second].contains(&Does::Ask) && [first, second].contains(&Does::Release);
                if !excluded {
                    let folder = if postgres {
                        in_postgres().await
                    } else {
                        tempfile::tempdir().unwrap()
                    };
                    race(folder.path(), from, first, second).await;
                    raced += 1;
                }
            }
        }
    }
    assert_eq!(raced, 32 + 19 + 14);
}

async fn race(folder: &Path, from: From, first: Does, second: Does) {
    let store = open(folder).await;
    let beside = open(folder).await;
    let (ann, bob) = (desk(&store, "uid 1"), desk(&beside, "uid 2"));
    let version = set(&ann, &store, from, (first, second)).await;
    let before = acts(&store).await.len();
    let (one, other) = tokio::join!(
        does(&ann, first, "ann", version),
        does(&bob, second, "bob", version)
    );
    let what = format!("{from:?}: {first:?} against {second:?}: {one:?}, {other:?}");
    let (winner, did, lost) = match (one, other) {
        (Ok(()), Err(lost)) => ("ann", first, lost),
        (Err(lost), Ok(())) => ("bob", second, lost),
        _ => panic!("one wins: {what}"),
    };
    let hold = store.open_hold(id(1)).await.unwrap();
    let DeskError::Store(StoreError::Conflict { state, by }) = lost else {
        panic!("a conflict: {what}")
    };
    assert_eq!(by.as_deref(), Some(winner), "{what}");
    assert_eq!(state, hold.summary.state, "{what}");
    assert_eq!(hold.summary.version, version + 1, "{what}");
    let entries = acts(&store).await;
    // An approval enters the release that it is as well.
    let added = if did == Does::Approve { 2 } else { 1 };
    assert_eq!(entries.len(), before + added, "{what}");
    assert!(
        entries[before..].iter().all(|(who, _)| who == winner),
        "{what}"
    );
    let sends = matches!(did, Does::Approve | Does::Release);
    assert_eq!(hold.summary.state == HoldState::Released, sends, "{what}");
    let queued = store.list_queue(None, 10).await.unwrap().len();
    assert_eq!(queued, usize::from(sends), "{what}");
    assert!(store.verify_ledger(None).await.unwrap().first_bad.is_none());
    store.close().await;
    beside.close().await;
}
