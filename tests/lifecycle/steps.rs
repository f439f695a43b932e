//! Claims and legal holds, one after the other.

use std::time::Duration;

use beadle::mail::QueueId;
use beadle::policy::governance::Retention;
use beadle::quarantine::desk::{CLAIM, LONGEST_CLAIM};
use beadle::quarantine::{DeskError, Forbidden, On, Tell, To};
use beadle::store::{HoldState, StoreError};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_claim_keeps_others_away_until_it_lapses() {
    let folder = tempfile::tempdir().unwrap();
    let store = one_person(folder.path()).await;
    let desk = desk(&store, "uid 1");
    let at = start();
    let until = desk.claim(id(1), "ann", at, (CLAIM, false)).await.unwrap();
    assert_eq!(until, at + 30 * MINUTE);
    let hold = store.open_hold(id(1)).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Claimed);
    assert_eq!(hold.summary.claim.unwrap().by, "ann");
    for refused in [
        desk.claim(id(1), "bob", at, (CLAIM, false))
            .await
            .map(|_| ()),
        desk.release(id(1), by("bob", "fine"), To::All).await,
        desk.refuse(id(1), by("bob", "not fine"), Tell::Nobody)
            .await,
        desk.unclaim(id(1), "bob", at).await,
    ] {
        let DeskError::Claimed { by, .. } = refused.unwrap_err() else {
            panic!("bob is told who has it")
        };
        assert_eq!(by, "ann");
    }
    // Whoever has it takes it for longer; capitals do not make another person.
    let longer = desk
        .claim(id(1), " Ann ", at + MINUTE, (DAY, false))
        .await
        .unwrap();
    assert_eq!(longer, at + MINUTE + LONGEST_CLAIM);
    // When the time is over it is anybody's.
    let late = longer + MINUTE;
    desk.claim(id(1), "bob", late, (CLAIM, false))
        .await
        .unwrap();
    desk.unclaim(id(1), "bob", late).await.unwrap();
    assert_eq!(
        desk.unclaim(id(1), "bob", late).await,
        Err(DeskError::Forbidden(Forbidden::Unclaimed))
    );
    assert_eq!(
        acts(&store).await,
        pairs(&[
            ("relay", "held"),
            ("ann", "claimed"),
            ("Ann", "claimed"),
            ("bob", "claimed"),
            ("bob", "unclaimed"),
        ])
    );
    assert!(store.verify_ledger(None).await.unwrap().first_bad.is_none());
}

#[tokio::test]
async fn taking_over_is_recorded_and_takes_the_decision_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = one_person(folder.path()).await;
    let desk = desk(&store, "uid 1");
    desk.claim(id(1), "ann", start(), (CLAIM, false))
        .await
        .unwrap();
    desk.claim(id(1), "bob", start(), (CLAIM, true))
        .await
        .unwrap();
    let refused = desk.refuse(id(1), by("ann", "no"), Tell::Nobody).await;
    assert!(matches!(refused, Err(DeskError::Claimed { by, .. }) if by == "bob"));
    desk.release(id(1), by("bob", "fine"), To::All)
        .await
        .unwrap();
    let history = store.history(id(1)).await.unwrap();
    let over: Vec<bool> = history[1..3]
        .iter()
        .map(|past| past.entry.detail.contains("\"taken_over\":true"))
        .collect();
    assert_eq!(over, [false, true]);
    let hold = store.open_hold(id(1)).await.unwrap();
    assert_eq!(
        (hold.summary.state, hold.summary.claim),
        (HoldState::Released, None)
    );
    let again = desk.claim(id(1), "ann", start(), (CLAIM, true)).await;
    let conflict = StoreError::Conflict {
        state: HoldState::Released,
        by: Some("bob".into()),
    };
    assert_eq!(again, Err(DeskError::Store(conflict)));
}

#[tokio::test]
async fn a_message_that_somebody_has_is_not_held_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let desk = desk(&store, "uid 1");
    let again = |byte| {
        let mut again = new_hold(1, true);
        again.id = id(byte);
        store.hold(again)
    };
    desk.claim(id(1), "ann", start(), (CLAIM, false))
        .await
        .unwrap();
    assert_eq!(again(2).await, Ok(id(1)), "claimed");
    desk.release_or_ask(id(1), by("ann", "fine"), &To::All.into())
        .await
        .unwrap();
    assert_eq!(again(3).await, Ok(id(1)), "awaiting");
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.held, 1);
    desk.withdraw(id(1), "ann", start()).await.unwrap();
    desk.refuse(id(1), by("ann", "no"), Tell::Nobody)
        .await
        .unwrap();
    assert_eq!(again(4).await, Ok(id(4)), "decided");
}

#[tokio::test]
async fn a_legal_hold_stops_retention_in_every_state() {
    kept_for_a_case(&tempfile::tempdir().unwrap()).await;
    kept_for_a_case(&in_postgres().await).await;
}

/// Holds in the order of states that have content: held, claimed, awaiting, released, refused.
async fn one_in_each_state(store: &Custody, desk: &Desk) {
    // One in each state that has content.
    for byte in 1..=5 {
        store.hold(new_hold(byte, byte == 3)).await.unwrap();
    }
    desk.claim(id(2), "ann", start(), (CLAIM, false))
        .await
        .unwrap();
    desk.release_or_ask(id(3), by("ann", "fine"), &To::All.into())
        .await
        .unwrap();
    desk.release(id(4), by("ann", "fine"), To::All)
        .await
        .unwrap();
    desk.refuse(id(5), by("ann", "no"), Tell::Nobody)
        .await
        .unwrap();
    let leases = store.lease_due(start() + DAY, "w", 10, DAY).await.unwrap();
    let done = beadle::store::Settlement {
        recipients: vec![beadle::store::RecipientState::Delivered; 2],
        next: beadle::store::Next::Finished,
        delay_noticed: false,
        unknown: false,
        keep_dead: false,
    };
    store.settle(&leases[0], &done, &[], start()).await.unwrap();
}

async fn kept_for_a_case(folder: &tempfile::TempDir) {
    let store = open(folder.path()).await;
    store.set_retention(Retention::default());
    let desk = desk(&store, "uid 1");
    one_in_each_state(&store, &desk).await;
    for byte in 1..=5 {
        let placed = desk
            .legal_hold(id(byte), by("dpo", "case 2026/17"), true)
            .await;
        assert_eq!(placed, Ok(()), "{byte}");
        let again = desk
            .legal_hold(id(byte), by("dpo", "case 2026/17"), true)
            .await;
        assert_eq!(again, Err(DeskError::Forbidden(Forbidden::UnderLegalHold)));
    }
    let states = |store: Custody| async move {
        let mut states = Vec::new();
        for byte in 1..=5 {
            states.push(match store.open_hold(id(byte)).await {
                Ok(hold) => Some(hold.summary.state),
                Err(StoreError::Missing) => None,
                Err(error) => panic!("{error}"),
            });
        }
        states
    };
    let all = [
        HoldState::Held,
        HoldState::Claimed,
        HoldState::Awaiting,
        HoldState::Released,
        HoldState::Refused,
    ]
    .map(Some);
    let years = start() + 1_000 * DAY;
    let ended = store.expire_due(years).await.unwrap();
    assert_eq!((ended.expired, ended.purged), (0, 0));
    assert_eq!(states(store.clone()).await, all);
    // A legal hold voids no request: it is still approved as it was asked for.
    let held = store.open_hold(id(3)).await.unwrap();
    assert_eq!(held.request.as_ref().unwrap().version, held.summary.version);
    assert_eq!(held.legal_hold.unwrap().reason, "case 2026/17");
    for byte in 1..=5 {
        desk.legal_hold(id(byte), by("dpo", "case closed"), false)
            .await
            .unwrap();
    }
    let lifted = desk
        .legal_hold(id(1), by("dpo", "case closed"), false)
        .await;
    assert_eq!(lifted, Err(DeskError::Forbidden(Forbidden::NoLegalHold)));
    let ended = store.expire_due(years).await.unwrap();
    assert_eq!((ended.expired, ended.purged), (3, 2));
    assert_eq!(states(store.clone()).await, [None; 5]);
    // What was said is gone with the content; that it was kept for a case stands in the ledger.
    let history = store.history(id(1)).await.unwrap();
    let last: Vec<_> = history
        .iter()
        .map(|past| (past.entry.action.as_str(), past.reason.is_some()))
        .collect();
    assert_eq!(
        last,
        [
            ("held", false),
            ("legal-hold", false),
            ("legal-hold-lifted", false),
            ("expired", false)
        ]
    );
}

#[tokio::test]
async fn an_act_on_a_version_that_is_gone_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = one_person(folder.path()).await;
    let desk = desk(&store, "uid 1");
    let seen = |id: QueueId, version| On {
        id,
        version: Some(version),
    };
    desk.legal_hold(seen(id(1), 1), by("dpo", "case 3"), true)
        .await
        .unwrap();
    let late = desk
        .release(seen(id(1), 1), by("ann", "fine"), To::All)
        .await
        .unwrap_err();
    assert_eq!(late.to_string(), "changed meanwhile, and again held by dpo");
    desk.release(seen(id(1), 2), by("ann", "fine"), To::All)
        .await
        .unwrap();
    assert_eq!(
        acts(&store).await,
        pairs(&[
            ("relay", "held"),
            ("dpo", "legal-hold"),
            ("ann", "released")
        ])
    );
}

#[tokio::test]
async fn names_and_reasons_are_needed_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let desk = desk(&store, "uid 1");
    let long = "x".repeat(4_001);
    let place = |by: By<'static>| {
        let desk = desk.clone();
        async move { desk.legal_hold(id(1), by, true).await }
    };
    assert_eq!(place(by("dpo", " -- ")).await, Err(DeskError::NoReason));
    assert_eq!(place(by(" ", "case")).await, Err(DeskError::NoActor));
    let too_long = desk.legal_hold(id(1), by("dpo", &long), true).await;
    assert_eq!(too_long, Err(DeskError::LongReason));
    assert_eq!(
        desk.claim(id(1), "", start(), (CLAIM, false)).await,
        Err(DeskError::NoActor)
    );
    assert_eq!(acts(&store).await.len(), 1);
}
