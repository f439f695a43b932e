//! Holds and deliveries of invented people, and the database beneath a store.
#![allow(dead_code, reason = "each test uses some of it")]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::store::{
    Answer, Body, Custody, DeliveryKind, FindingRecord, HoldClient, HoldRecord, NewDelivery,
    NewHold, Next, RecipientState, RuleRecord, Settlement,
};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

/// When everything here happens.
pub fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte, 1, 2, 3, 4, byte, 5, 6, 7, 8])
}

pub fn message(number: u8) -> Bytes {
    format!("Message-ID: <{number}@trust.example>\r\n\r\nDear parent of Ottoline Quarrington\r\n")
        .into()
}

fn envelope() -> Envelope {
    Envelope::of(
        Some(address("teacher@trust.example")),
        [address("parent@home.example")],
    )
}

pub fn new_hold(byte: u8) -> NewHold {
    NewHold {
        id: id(byte),
        envelope: envelope(),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: start(),
        message: message(byte),
        record: HoldRecord {
            rules: vec![RuleRecord {
                id: "body-name".into(),
                title: "A pupil's full name".into(),
                clause: None,
                action: Action::Hold,
                because: "1 pupil in the body".into(),
                severity: Severity::High,
                urgent: false,
                four_eyes: false,
            }],
            findings: vec![FindingRecord {
                category: Category::PupilName,
                detector: "pupil-full-name".into(),
                confidence: Confidence::High,
                location: "body".into(),
                masked: "O. Q.".into(),
            }],
            people: 1,
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    }
}

pub fn new_delivery(byte: u8) -> NewDelivery {
    NewDelivery {
        id: id(byte),
        kind: DeliveryKind::Notice,
        envelope: envelope(),
        body: Body::Message(message(byte)),
        prefix: String::new(),
        created_at: start(),
        not_before: start(),
        xforward: None,
        encrypt: false,
    }
}

pub async fn raw(folder: &Path) -> SqlitePool {
    SqlitePool::connect_with(SqliteConnectOptions::new().filename(folder.join("beadle.db")))
        .await
        .unwrap()
}

/// Puts a delivery into the queue and has it end as a dead letter.
pub async fn dead_letter(store: &Custody, byte: u8) {
    store.enqueue(new_delivery(byte)).await.unwrap();
    let until = Duration::from_mins(5);
    let leases = store.lease_due(start(), "w", 1, until).await.unwrap();
    let refused = Answer {
        code: 550,
        enhanced: None,
        lines: vec!["no such person".into()],
    };
    let settlement = Settlement {
        recipients: vec![RecipientState::Failed(refused)],
        next: Next::Finished,
        delay_noticed: false,
        unknown: false,
        keep_dead: true,
    };
    assert_eq!(leases[0].id, id(byte));
    let settled = store.settle(&leases[0], &settlement, &[], start()).await;
    settled.unwrap();
}
