//! Holding, deciding and remembering, one handle at a time or several on one folder.

use beadle::detect::Category;
use beadle::mail::{Envelope, QueueId};
use beadle::quarantine::{By, DeskError, Tell, To};
use beadle::store::{
    Answer, Body, DeliveryKind, HoldFilter, HoldState, Identity, NewDelivery, Referenced, Refusal,
    Resend, StoreError,
};
use bytes::Bytes;
use std::time::Duration;

use crate::fixtures::{DAY, NAME, address, by, desk, id, message, new_hold, start};
use crate::place::Place;

pub async fn many_holds_at_once_are_all_kept(place: Place) {
    let store = place.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for byte in 0..100 {
        let store = store.clone();
        tasks.spawn(async move { store.hold(new_hold(byte)).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let list = store.list_holds(HoldFilter::default()).await.unwrap();
    assert_eq!(list.len(), 100);
    assert!(list.is_sorted_by(|a, b| a.received_at > b.received_at));
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (100, None));
    assert_eq!(store.counts().await.unwrap().held, 100);
}

pub async fn lists_page_and_filter(place: Place) {
    let store = place.open().await;
    for byte in 1..=5 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    desk(&store)
        .refuse(id(4), by("no"), Tell::Nobody)
        .await
        .unwrap();
    let ids = |list: Vec<beadle::store::HoldSummary>| -> Vec<QueueId> {
        list.into_iter().map(|hold| hold.id).collect()
    };
    let mut filter = HoldFilter {
        state: Some(HoldState::Held),
        limit: 2,
        before: None,
    };
    assert_eq!(ids(store.list_holds(filter).await.unwrap()), [id(5), id(3)]);
    filter.before = Some(id(3));
    let page = store.list_holds(filter).await.unwrap();
    let sealed = page[0].sealed.clone().unwrap();
    assert_eq!(sealed.mail_from, "teacher@trust.example");
    assert_eq!(
        sealed.rcpt_to,
        ["Parent@home.example", "other@home.example"]
    );
    assert_eq!(sealed.subject.as_deref(), Some(NAME));
    assert_eq!(page[0].rules, ["body-name"]);
    assert_eq!(page[0].categories, [Category::PupilName]);
    assert_eq!(ids(page), [id(2), id(1)]);
}

pub async fn a_message_that_waits_is_not_held_twice(place: Place) {
    let store = place.open().await;
    let again = |byte| {
        let mut hold = new_hold(byte);
        hold.message = message(1);
        hold
    };
    assert_eq!(store.hold(new_hold(1)).await, Ok(id(1)));
    assert_eq!(store.hold(again(2)).await, Ok(id(1)), "the client's retry");
    let mut fewer = again(3);
    fewer.envelope.rcpts.pop();
    assert_eq!(store.hold(fewer).await, Ok(id(3)), "other recipients");
    let mut nameless = again(4);
    nameless.message = Bytes::from_static(b"\r\nno Message-ID\r\n");
    let mut twin = nameless.clone();
    twin.id = id(5);
    assert_eq!(store.hold(nameless).await, Ok(id(4)));
    assert_eq!(store.hold(twin).await, Ok(id(5)), "nothing to tell them by");
    desk(&store)
        .refuse(id(1), by("wrong recipient"), Tell::Nobody)
        .await
        .unwrap();
    assert_eq!(
        store.hold(again(6)).await,
        Ok(id(6)),
        "decided holds answer for nothing"
    );
}

pub async fn holds_are_found_by_id_reference_and_beginning(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let mut twin = new_hold(1);
    twin.id = QueueId::from_random([1, 1, 2, 3, 4, 99, 5, 6, 7, 9]);
    twin.message = message(2);
    store.hold(twin).await.unwrap();
    let full = id(1).to_string();
    for text in [
        full.clone(),
        full.to_lowercase(),
        id(1).reference().to_string(),
        full[..12].into(),
    ] {
        assert_eq!(store.find_hold(&text).await, Ok(id(1)), "{text}");
    }
    assert_eq!(
        store.find_hold(&full[..6]).await,
        Err(StoreError::Ambiguous)
    );
    for text in ["ZZZZZZ", "", "a%", "AB"] {
        assert_eq!(
            store.find_hold(text).await,
            Err(StoreError::Missing),
            "{text}"
        );
    }
    let refusal = Refusal {
        explanation: "Refused under policy standard.".into(),
        id: id(77),
        at: start(),
        rules: vec!["subject-name".into()],
        categories: vec![Category::Medical],
        severity: None,
        people: 0,
        origin: beadle::store::Origin::default(),
    };
    store.record_refusal(&refusal).await.unwrap();
    assert_eq!(
        store.find_reference(&id(77).reference().to_string()).await,
        Ok(Referenced::Refusal(refusal))
    );
    assert_eq!(
        store.find_reference(&id(1).reference().to_string()).await,
        Ok(Referenced::Hold(id(1)))
    );
}

pub async fn a_release_queues_the_message_in_the_same_step(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let only = [address("parent@HOME.example")];
    desk(&store)
        .release(id(1), by("consent on file"), To::Only(&only))
        .await
        .unwrap();
    let hold = store.open_hold(id(1)).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Released);
    assert_eq!(hold.summary.decided_by.as_deref(), Some("a.reviewer"));
    assert_eq!(hold.reason.as_deref(), Some("consent on file"));
    let now = start() + Duration::from_secs(601);
    let leases = store
        .lease_due(now, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(
        (leases[0].id, leases[0].kind),
        (id(1), DeliveryKind::Release)
    );
    assert_eq!(leases[0].envelope.rcpts, new_hold(1).envelope.rcpts[..1]);
    assert_eq!(
        store.delivery_message(&leases[0]).await.unwrap(),
        message(1)
    );
    let ledger = store.ledger(1, 10).await.unwrap();
    assert_eq!(
        ledger
            .iter()
            .map(|entry| entry.action.as_str())
            .collect::<Vec<_>>(),
        ["held", "released"]
    );
    assert_eq!(ledger[1].actor, "a.reviewer");
    assert!(!ledger[1].detail.contains("consent"));
}

pub async fn the_second_decision_is_told_of_the_first(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    // Another process decides between our reading and our writing.
    let beside = place.open().await;
    let (first, second) = tokio::join!(
        async { desk(&store).release(id(1), by("yes"), To::All).await },
        async { desk(&beside).refuse(id(1), by("no"), Tell::Sender).await },
    );
    let lost = match (first, second) {
        (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
        other => panic!("one decides: {other:?}"),
    };
    assert!(matches!(
        lost,
        DeskError::Store(StoreError::Conflict { .. })
    ));
    assert!(lost.to_string().ends_with("by a.reviewer"), "{lost}");
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 1);
    assert_eq!(store.ledger(1, 10).await.unwrap().len(), 2);
    let again = desk(&store).release(id(1), by("yes"), To::All).await;
    assert!(matches!(
        again,
        Err(DeskError::Store(StoreError::Conflict { .. }))
    ));
}

pub async fn a_decision_needs_a_reason_a_name_and_its_own_recipients(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let desk = desk(&store);
    for reason in ["", "  \n", "...", "-"] {
        assert_eq!(
            desk.release(id(1), by(reason), To::All).await,
            Err(DeskError::NoReason)
        );
    }
    let nobody = By {
        actor: " ",
        ..by("yes")
    };
    assert_eq!(
        desk.refuse(id(1), nobody, Tell::Nobody).await,
        Err(DeskError::NoActor)
    );
    let stranger = [
        address("parent@home.example"),
        address("stranger@else.example"),
    ];
    for only in [&[][..], &stranger[..]] {
        assert_eq!(
            desk.release(id(1), by("yes"), To::Only(only)).await,
            Err(DeskError::Recipients)
        );
    }
    assert_eq!(
        desk.release(id(9), by("yes"), To::All).await,
        Err(DeskError::Store(StoreError::Missing))
    );
    assert_eq!(store.ledger(1, 10).await.unwrap().len(), 1);
}

pub async fn whoever_reads_a_hold_stands_in_the_ledger(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let desk = desk(&store);
    let hold = desk.open(id(1), "a.reviewer", start()).await.unwrap();
    assert_eq!(hold.record, new_hold(1).record);
    let read = desk.read(id(1), "a.reviewer", start()).await.unwrap();
    assert_eq!(read, message(1));
    assert_eq!(
        desk.open(id(1), " ", start()).await,
        Err(DeskError::NoActor)
    );
    let missing = desk.read(id(9), "a.reviewer", start()).await;
    assert_eq!(missing, Err(DeskError::Store(StoreError::Missing)));
    let entries = store.ledger(2, 10).await.unwrap();
    let acts: Vec<_> = entries
        .iter()
        .map(|entry| (entry.action.as_str(), entry.subject.clone()))
        .collect();
    let subject = id(1).to_string();
    assert_eq!(acts, [("opened", subject.clone()), ("read", subject)]);
}

pub async fn a_refusal_tells_the_sender_when_asked(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let mut forward = new_hold(2);
    forward.envelope.mail_from = beadle::mail::ReversePath::null();
    store.hold(forward).await.unwrap();
    let desk = desk(&store);
    desk.refuse(id(1), by("use the portal"), Tell::Sender)
        .await
        .unwrap();
    assert_eq!(
        desk.refuse(id(2), by("no"), Tell::Sender).await,
        Err(DeskError::Notice)
    );
    desk.refuse(id(2), by("no"), Tell::Nobody).await.unwrap();
    let leases = store.lease_due(start() + DAY, "w", 10, DAY).await.unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].kind, DeliveryKind::Notice);
    assert_eq!(
        leases[0].envelope,
        Envelope::of(None, [address("teacher@trust.example")])
    );
    let notice = store.delivery_message(&leases[0]).await.unwrap();
    assert!(notice.ends_with(b"use the portal\r\n"));
}

pub async fn a_released_message_passes_again_but_nothing_more_does(place: Place) {
    let store = place.open().await;
    store.hold(new_hold(1)).await.unwrap();
    let hold = new_hold(1);
    let first_only = [address("parent@home.example")];
    let now = by("x").at + DAY;
    // The resend has another Received line before it.
    let resent = [b"Received: again\r\n".as_slice(), &message(1)].concat();
    let identity = Identity::of(&resent);
    let to_first = Envelope::of(Some(address("Teacher@trust.example")), first_only.clone());
    let ask = |envelope: &Envelope, identity: &Identity, values: &[u128], now| {
        let store = store.clone();
        let (envelope, identity, values) = (envelope.clone(), identity.clone(), values.to_vec());
        async move {
            let resend = Resend {
                identity: &identity,
                envelope: &envelope,
                values: &values,
            };
            let passes = store.was_released(resend, now).await.unwrap();
            passes.map(|passes| passes.hold)
        }
    };
    assert_eq!(
        ask(&to_first, &identity, &[7], now).await,
        None,
        "not released yet"
    );
    desk(&store)
        .release(id(1), by("yes"), To::Only(&first_only))
        .await
        .unwrap();
    assert_eq!(ask(&to_first, &identity, &[7], now).await, Some(id(1)));
    assert_eq!(
        ask(&to_first, &identity, &[7, u128::MAX], now).await,
        Some(id(1))
    );
    assert_eq!(
        ask(&to_first, &identity, &[7, 8], now).await,
        None,
        "a new finding"
    );
    assert_eq!(
        ask(&hold.envelope, &identity, &[7], now).await,
        None,
        "a recipient too many"
    );
    assert_eq!(
        ask(&to_first, &identity, &[7], now + 8 * DAY).await,
        None,
        "too late"
    );
    let other = Identity::of(&message(2));
    assert_eq!(
        ask(&to_first, &other, &[7], now).await,
        None,
        "another message"
    );
    let forged = Envelope::of(Some(address("x@trust.example")), first_only);
    assert_eq!(
        ask(&forged, &identity, &[7], now).await,
        None,
        "another sender"
    );
}

pub async fn a_retry_gets_the_answer_its_first_try_earned(place: Place) {
    let store = place.open().await;
    let hold = new_hold(1);
    let identity = Identity::of(&hold.message);
    let answer = Answer {
        code: 250,
        enhanced: Some((2, 0, 0)),
        lines: vec!["queued as 1".into(), "bye".into()],
    };
    assert_eq!(
        store
            .recall("client", &hold.envelope, &identity, start())
            .await
            .unwrap(),
        None
    );
    store
        .remember("client", &hold.envelope, &identity, &answer, start())
        .await
        .unwrap();
    store.close().await;
    let store = place.open().await;
    let mut turned = hold.envelope.clone();
    turned.rcpts.reverse();
    let recall = async |client: &str, envelope: &Envelope, identity: &Identity, now| {
        let recalled = store.recall(client, envelope, identity, now);
        recalled.await.unwrap()
    };
    assert_eq!(
        recall("client", &turned, &identity, start() + DAY).await,
        Some(answer)
    );
    assert_eq!(recall("other", &turned, &identity, start()).await, None);
    assert_eq!(
        recall("client", &turned, &identity, start() + 2 * DAY).await,
        None
    );
    turned.rcpts.pop();
    assert_eq!(recall("client", &turned, &identity, start()).await, None);
    let other = Identity::of(b"Message-ID: <1@trust.example>\r\n\r\nanother body");
    assert_eq!(
        recall("client", &hold.envelope, &other, start()).await,
        None
    );
}

pub async fn big_messages_round_trip(place: Place) {
    let store = place.open().await;
    let mut hold = new_hold(1);
    hold.message = Bytes::from(
        (0..3_000_000u32)
            .map(|n| ((n * 31) >> 3) as u8)
            .collect::<Vec<_>>(),
    );
    store.hold(hold.clone()).await.unwrap();
    assert_eq!(store.open_message(id(1)).await.unwrap(), hold.message);
    let spool = NewDelivery {
        id: id(2),
        kind: DeliveryKind::Spool,
        envelope: hold.envelope.clone(),
        body: Body::Message(hold.message.clone()),
        prefix: "Received: by beadle\r\n".into(),
        xforward: Some("NAME=x".into()),
        encrypt: false,
        created_at: start(),
        not_before: start(),
    };
    store.enqueue(spool.clone()).await.unwrap();
    assert_eq!(
        store.enqueue(spool).await.expect_err("twice"),
        StoreError::Exists
    );
    let lease = store
        .lease_due(start(), "w", 1, DAY)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(store.delivery_message(&lease).await.unwrap(), hold.message);
    assert_eq!(
        (lease.prefix.as_str(), lease.xforward.as_deref()),
        ("Received: by beadle\r\n", Some("NAME=x"))
    );
}
