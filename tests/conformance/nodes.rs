//! Two nodes on one database.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use beadle::mail::{Envelope, QueueId};
use beadle::policy::correspondents::Correspondents;
use beadle::quarantine::{By, DeskError, Tell, To};
use beadle::store::{
    Body, Configured, DeliveryKind, Forwarded, HoldFilter, HoldState, Identity, NewDelivery,
    NoticeRecord, Standing, StoreError,
};
use bytes::Bytes;
use jiff::civil::date;
use tokio::task::JoinSet;

use crate::fixtures::{DAY, address, by, desk, id, message, new_hold, start};
use crate::place::Place;

fn numbered(number: u16) -> QueueId {
    let [high, low] = number.to_be_bytes();
    QueueId::from_random([high, low, 9, 9, 9, 9, 9, 9, 9, 9])
}

pub fn delivery(number: u16) -> NewDelivery {
    NewDelivery {
        id: numbered(number),
        kind: DeliveryKind::Spool,
        envelope: Envelope::of(None, [address("parent@home.example")]),
        body: Body::Message(Bytes::from_static(b"Subject: x\r\n\r\n")),
        prefix: String::new(),
        xforward: None,
        encrypt: false,
        created_at: start(),
        not_before: start(),
    }
}

/// The chain is one, whoever adds to it.
pub async fn entries_of_two_nodes_make_one_chain(place: Place) {
    const EACH: i64 = 2_000;
    let nodes = [place.node(0).await, place.node(1).await];
    let mut tasks = JoinSet::new();
    for (number, node) in nodes.iter().enumerate() {
        for part in 0..4 {
            let node = node.clone();
            tasks.spawn(async move {
                for step in 0..EACH / 4 {
                    let detail = serde_json::json!({ "node": number, "part": part, "step": step });
                    let note = node.note("a.reviewer", "opened", None, &detail, start());
                    note.await.unwrap();
                }
            });
        }
    }
    tasks.join_all().await;
    for node in &nodes {
        let check = node.verify_ledger(None).await.unwrap();
        assert_eq!((check.good, check.first_bad), (2 * EACH, None));
    }
}

pub async fn each_delivery_is_leased_by_one_node(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    for number in 0..500 {
        nodes[usize::from(number % 2)]
            .enqueue(delivery(number))
            .await
            .unwrap();
    }
    let mut tasks = JoinSet::new();
    for (number, node) in nodes.into_iter().enumerate() {
        for worker in 0..2 {
            let (node, name) = (node.clone(), format!("{number}/{worker}"));
            tasks.spawn(async move {
                let mut mine = Vec::new();
                // An empty answer may only mean that others hold what is due at this moment.
                let mut empty = 0;
                while empty < 5 {
                    let leases = node.lease_due(start(), &name, 7, DAY).await.unwrap();
                    empty = if leases.is_empty() { empty + 1 } else { 0 };
                    mine.extend(leases.into_iter().map(|lease| lease.id));
                }
                mine
            });
        }
    }
    let all: Vec<QueueId> = tasks.join_all().await.concat();
    assert_eq!(all.len(), 500);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 500);
}

pub async fn of_two_decisions_one_wins(place: Place) {
    let (one, two) = (place.node(0).await, place.node(1).await);
    for byte in 0..20 {
        one.hold(new_hold(byte)).await.unwrap();
        let (first, second) = tokio::join!(
            async { desk(&one).release(id(byte), by("yes"), To::All).await },
            async { desk(&two).refuse(id(byte), by("no"), Tell::Nobody).await },
        );
        let (won, lost) = match (first, second) {
            (Ok(()), Err(lost)) => (HoldState::Released, lost),
            (Err(lost), Ok(())) => (HoldState::Refused, lost),
            other => panic!("one decides: {other:?}"),
        };
        let DeskError::Store(StoreError::Conflict { state, by }) = lost else {
            panic!("{lost:?}");
        };
        assert_eq!((state, by.as_deref()), (won, Some("a.reviewer")));
        assert_eq!(two.open_hold(id(byte)).await.unwrap().summary.state, won);
    }
    assert_eq!(one.verify_ledger(None).await.unwrap().good, 40);
}

/// What is promised: of a message with a Message-ID that is handed over any number of times, at one node or at several, one hold waits, and
/// every hand-over is told its id.
pub async fn a_message_handed_to_two_nodes_is_held_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    for round in 0..10_u8 {
        let mut tasks = JoinSet::new();
        for copy in 0..6_u8 {
            let node = nodes[usize::from(copy % 2)].clone();
            tasks.spawn(async move {
                let mut hold = new_hold(10 * round + copy);
                hold.message = message(round);
                node.hold(hold).await.unwrap()
            });
        }
        let ids: HashSet<QueueId> = tasks.join_all().await.into_iter().collect();
        assert_eq!(ids.len(), 1, "round {round}");
    }
    let held = nodes[1].list_holds(HoldFilter::default()).await.unwrap();
    assert_eq!(held.len(), 10);
    for hold in held {
        nodes[0].open_message(hold.id).await.unwrap();
    }
    // The blobs of those that lost are gone too.
    let sweep = nodes[0].sweep(SystemTime::now() + 10 * DAY).await.unwrap();
    assert_eq!((sweep.orphans, sweep.missing.len()), (0, 0));
}

fn policy(name: &str) -> String {
    format!(
        "# {name}\n{}",
        include_str!("../../patterns/policies/standard.toml")
    )
}

pub async fn a_first_policy_is_adopted_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let texts = [policy("one"), policy("other")];
    let file = |text| Configured::File {
        text,
        second_person: true,
    };
    let (a, b) = tokio::join!(
        nodes[0].admit_policy(file(&texts[0]), start()),
        nodes[1].admit_policy(file(&texts[1]), start() + Duration::from_secs(1))
    );
    let standings = [a.unwrap(), b.unwrap()];
    let first = standings.iter().filter(|s| **s == Standing::First).count();
    assert_eq!(first, 1, "{standings:?}");
    let ledger = nodes[0].ledger(1, 10).await.unwrap();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].action, "policy-adopted");
}

pub async fn one_node_is_told_that_a_forward_needs_a_notice(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let node = nodes[number % 2].clone();
        tasks.spawn(async move {
            let forwarded = Forwarded {
                mailbox: Some(&address("jo@trust.example")),
                target: &address("jo.private@mail.example"),
                marks: &[Arc::from("F4")],
                at: start(),
                day: date(2026, 11, 23),
            };
            node.note_forward(forwarded).await.unwrap()
        });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|noted| noted.notice_due).count(), 1);
    assert_eq!(all.iter().filter(|noted| noted.first_of_mailbox).count(), 1);
    assert_eq!(nodes[0].list_forwarding(10).await.unwrap()[0].messages, 40);
}

pub async fn one_node_writes_a_digest(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let line = NoticeRecord {
        lines: vec![("dpo".to_owned(), "body-name".to_owned(), "held"); 3],
        ..NoticeRecord::default()
    };
    assert_eq!(nodes[0].record_notices(&line, start()).await, Ok(true));
    assert_eq!(nodes[1].digest_counts().await.unwrap()[0].number, 3);
    let digest = NoticeRecord {
        digested: vec![("dpo".to_owned(), date(2026, 11, 23))],
        ..NoticeRecord::default()
    };
    let (one, two) = tokio::join!(
        nodes[0].record_notices(&digest, start()),
        nodes[1].record_notices(&digest, start())
    );
    let mut recorded = [one.unwrap(), two.unwrap()];
    recorded.sort_unstable();
    assert_eq!(recorded, [false, true]);
    assert!(nodes[0].digest_counts().await.unwrap().is_empty());
    assert_eq!(
        nodes[0].digest_days().await.unwrap(),
        [("dpo".to_owned(), date(2026, 11, 23))]
    );
}

/// A retry that reaches the other node is answered there.
pub async fn an_answer_is_recalled_by_every_node(place: Place) {
    let (one, two) = (place.node(0).await, place.node(1).await);
    let hold = new_hold(1);
    let identity = Identity::of(&hold.message);
    let answer = beadle::store::Answer {
        code: 250,
        enhanced: None,
        lines: vec!["queued".into()],
    };
    one.remember("client", &hold.envelope, &identity, &answer, start())
        .await
        .unwrap();
    let there = two.recall("client", &hold.envelope, &identity, start() + DAY);
    // One process serves from a folder with SQLite: a handle beside it is a command, which relays nothing.
    let expected = (!place.is_sqlite()).then_some(answer);
    assert_eq!(there.await.unwrap(), expected);
    let late = two.recall("client", &hold.envelope, &identity, start() + 2 * DAY);
    assert_eq!(late.await.unwrap(), None);
}

/// What only one may tell: who comes second records nothing of it, until the claim has ended.
pub async fn one_node_makes_a_claim(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let claim = nodes[0].notice_mark("reminders", &["2026-12-07T08:00:00"]);
    let record = NoticeRecord {
        claims: vec![(claim, start() + DAY)],
        lines: vec![("dpo".to_owned(), "body-name".to_owned(), "held")],
        ..NoticeRecord::default()
    };
    let (one, two) = tokio::join!(
        nodes[0].record_notices(&record, start()),
        nodes[1].record_notices(&record, start())
    );
    let mut recorded = [one.unwrap(), two.unwrap()];
    recorded.sort_unstable();
    assert_eq!(recorded, [false, true]);
    assert_eq!(nodes[0].digest_counts().await.unwrap()[0].number, 1);
    let known = nodes[1].notices_known(&[claim], start()).await.unwrap();
    assert_eq!(known, [true]);
    let later = nodes[1].record_notices(&record, start() + 2 * DAY).await;
    assert_eq!(later, Ok(true));
}

/// A waiting hold is read with what notices tell of it, and nothing of it is opened.
pub async fn waiting_holds_say_when_they_end(place: Place) {
    let node = place.node(0).await;
    for byte in [1, 2] {
        node.hold(new_hold(byte)).await.unwrap();
    }
    let desk = desk(&node);
    desk.legal_hold(id(2), by("a case"), true).await.unwrap();
    let waiting = node.waiting_holds(10).await.unwrap();
    let kept = 30 * DAY;
    let ends: Vec<_> = waiting
        .iter()
        .map(|hold| {
            (
                hold.id,
                hold.ends_at.map(|end| end == hold.received_at + kept),
            )
        })
        .collect();
    assert_eq!(ends, [(id(1), Some(true)), (id(2), None)]);
    assert!(waiting[1].version > waiting[0].version);
    assert_eq!(node.waiting_holds(1).await.unwrap().len(), 1);
    assert!(node.asked_holds(10).await.unwrap().is_empty());
}

/// A release that is put into the queue while its hold's time ends: either the content stays until it is sent, or there is no release.
pub async fn what_is_on_its_way_does_not_end(place: Place) {
    let (one, two) = (place.node(0).await, place.node(1).await);
    let late = start() + 400 * DAY;
    for byte in 0..20 {
        one.hold(new_hold(byte)).await.unwrap();
        let release = By {
            at: late,
            ..by("yes")
        };
        let desk = desk(&one);
        let (released, ended) = tokio::join!(
            desk.release(id(byte), release, To::All),
            two.expire_due(late),
        );
        ended.unwrap();
        let leases = one.lease_due(late, "w", 5, DAY).await.unwrap();
        if released.is_ok() {
            assert_eq!(leases.len(), 1);
            assert_eq!(
                two.delivery_message(&leases[0]).await.unwrap(),
                message(byte)
            );
        } else {
            assert!(leases.is_empty());
            assert_eq!(two.open_message(id(byte)).await, Err(StoreError::Missing));
        }
    }
}

/// What a node adds rings at the others, and each keeps to its own leases and its own memory.
pub async fn nodes_ring_each_other_and_keep_their_own(place: Place) {
    if place.is_sqlite() {
        assert_eq!(place.open().await.worker("relay"), "relay");
        assert!(!place.data_dir(0).join("node.id").exists());
        return;
    }
    let (one, two) = (place.node(0).await, place.node(1).await);
    let (name, other) = (one.worker("relay"), two.worker("relay"));
    assert_ne!(name, other);
    let wake = two.wake();
    rings(&wake).await; // it begins to listen
    one.enqueue(delivery(1)).await.unwrap();
    rings(&wake).await;
    assert_eq!(
        one.lease_due(start(), &name, 5, DAY).await.unwrap().len(),
        1
    );
    assert_eq!(two.reclaim(&other).await.unwrap(), 0);
    assert_eq!(one.reclaim(&name).await.unwrap(), 1);
    assert_eq!(place.node(0).await.worker("relay"), name, "after a restart");
    one.save_correspondents(&Correspondents::default().to_bytes(), start())
        .await
        .unwrap();
    assert!(two.load_correspondents().await.unwrap().is_none());
    assert!(one.load_correspondents().await.unwrap().is_some());
}

async fn rings(wake: &tokio::sync::Notify) {
    tokio::time::timeout(Duration::from_secs(10), wake.notified())
        .await
        .expect("it rings");
}
