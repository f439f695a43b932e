//! Holds and people that the tests of custody share. All are invented.
#![allow(dead_code, reason = "no test uses everything")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::quarantine::{By, ComposeNotice, Desk};
use beadle::store::{Custody, FindingRecord, HoldClient, HoldRecord, NewHold, RuleRecord};
use bytes::Bytes;

pub const DAY: Duration = Duration::from_hours(24);
pub const NAME: &str = "Ottoline Quarrington";

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
    Bytes::from(format!(
        "Message-ID: <{number}@trust.example>\r\nSubject: {NAME}\r\n\r\nDear parent of {NAME}\r\n"
    ))
}

pub fn new_hold(byte: u8) -> NewHold {
    NewHold {
        id: id(byte),
        envelope: Envelope::of(
            Some(address("teacher@trust.example")),
            [
                address("Parent@home.example"),
                address("other@home.example"),
            ],
        ),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: start() + Duration::from_secs(u64::from(byte)),
        message: message(byte),
        record: HoldRecord {
            subject: Some(NAME.into()),
            rules: vec![RuleRecord {
                id: "body-name".into(),
                title: "A pupil's full name".into(),
                clause: Some("4.2".into()),
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
                location: "attachment:Quarrington.docx".into(),
                masked: "O. Q.".into(),
            }],
            people: 1,
            explanation: "body names a pupil".into(),
            values: vec![u128::MAX, 7],
            confidential: false,
        },
        origin: beadle::store::Origin::default(),
    }
}

pub fn desk(store: &Custody) -> Desk {
    let compose: ComposeNotice = Arc::new(|request| {
        Some(Bytes::from(format!(
            "Subject: refused\r\n\r\n{}\r\n",
            request.reason
        )))
    });
    Desk::new(store.clone(), compose)
}

pub fn by(reason: &str) -> By<'_> {
    By {
        actor: "a.reviewer",
        reason,
        at: start() + Duration::from_mins(10),
    }
}
