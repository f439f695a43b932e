//! A trust of two schools and six messages that were stopped in the autumn of 2026. All invented.

use std::time::{Duration, SystemTime};

use beadle::detect::Category;
use beadle::mail::{Address, QueueId};
use beadle::policy::governance::Retention;
use beadle::policy::{
    Policy, SchoolConfig, Schools, SenderGroupConfig, SenderGroups, Senders, Severity,
};
use beadle::quarantine::{By, Tell, To};
use beadle::report::{Period, Report, Scope, Setting, Wanted, gather};
use beadle::store::{Config, Custody, Forwarded, Judgement, MasterKey, Origin, Refusal};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::custody::{address, desk, message, new_hold};

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

/// A moment by the clock of the trust.
pub fn at(text: &str) -> SystemTime {
    let moment: DateTime = text.parse().unwrap();
    SystemTime::try_from(zone().to_timestamp(moment).unwrap()).unwrap()
}

pub fn moment(at: SystemTime) -> DateTime {
    zone().to_datetime(jiff::Timestamp::try_from(at).unwrap())
}

pub fn id(byte: u8) -> QueueId {
    crate::custody::id(byte)
}

pub fn november() -> Scope {
    Scope::all(Period::new(day("2026-11-01"), day("2026-11-30")).unwrap())
}

pub fn senders() -> Senders {
    let school = |id: &str, name: &str| SchoolConfig {
        id: id.into(),
        name: name.into(),
        domains: vec![format!("{id}.trust.example")],
    };
    let group = |id: &str, title: &str, sender: &str| SenderGroupConfig {
        id: id.into(),
        title: title.into(),
        senders: vec![sender.into()],
    };
    Senders {
        schools: Schools::new(&[
            school("oak", "Oak Primary School"),
            school("elm", "Elm High School"),
        ])
        .unwrap(),
        groups: SenderGroups::new(&[
            group("send", "SEND team", "send@*"),
            group("office", "School offices", "office@*"),
        ])
        .unwrap(),
    }
}

pub async fn open(folder: &std::path::Path) -> Custody {
    let master = MasterKey::from_bytes(Zeroizing::new([9; 32]));
    Custody::open(Config::new(folder), master).await.unwrap()
}

/// Where a message of this sender is counted, as the pipeline settles it.
pub fn origin(store: &Custody, sender: &Address) -> Origin {
    let senders = senders();
    let (school, group) = senders.of(sender);
    Origin {
        school: school.map(str::to_owned),
        group: group.map(str::to_owned),
        sender: Some(store.sender_token(sender)),
    }
}

/// The trust, with its store.
pub struct Sample {
    pub store: Custody,
    pub now: SystemTime,
    pub folder: TempDir,
}

impl Sample {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        store.set_retention(Retention {
            held_days: 30,
            released_days: 7,
            refused_days: 3,
            event_days: 365,
            ..Retention::default()
        });
        let sample = Self {
            store,
            now: at("2026-12-03T12:00:00"),
            folder,
        };
        sample
            .hold(1, "send@oak.trust.example", "2026-11-02T09:00:00")
            .await;
        sample
            .hold(2, "office@oak.trust.example", "2026-11-03T09:00:00")
            .await;
        sample
            .hold(3, "head@elm.trust.example", "2026-11-10T09:00:00")
            .await;
        sample
            .hold(4, "send@elm.trust.example", "2026-11-10T15:00:00")
            .await;
        sample.refuse(5, "2026-11-11T10:00:00").await;
        sample.refuse(6, "2026-12-02T00:30:00").await;
        sample.decide(1, 600, true, Judgement::Wrong).await;
        sample.decide(2, 3_600, false, Judgement::Right).await;
        sample.decide(4, 172_800, true, Judgement::Partly).await;
        sample.forward("2026-11-12T08:00:00").await;
        sample.forward("2026-11-13T08:00:00").await;
        sample
    }

    async fn hold(&self, byte: u8, sender: &str, when: &str) {
        let sender = address(sender);
        let mut new = new_hold(byte);
        new.origin = origin(&self.store, &sender);
        // Two senders are told apart by their tokens; one of them has no group.
        if byte != 2 {
            new.origin.sender = Some(7);
        }
        new.received_at = at(when);
        new.message = message(byte);
        self.store.hold(new).await.unwrap();
    }

    async fn refuse(&self, byte: u8, when: &str) {
        let refusal = Refusal {
            id: id(byte),
            at: at(when),
            rules: vec!["subject-name".into(), "body-name".into()],
            categories: vec![Category::PupilName, Category::Medical],
            explanation: "Refused.".into(),
            severity: Some(Severity::Criminal),
            people: 3,
            origin: origin(&self.store, &address("office@oak.trust.example")),
        };
        self.store.record_refusal(&refusal).await.unwrap();
    }

    async fn decide(&self, byte: u8, after: u64, release: bool, judgement: Judgement) {
        let received = self.store.open_hold(id(byte)).await.unwrap();
        let at = received.summary.received_at + Duration::from_secs(after);
        let by = By {
            actor: "a.reviewer",
            reason: "as agreed",
            at,
        };
        if release {
            desk(&self.store)
                .release(id(byte), by, To::All)
                .await
                .unwrap();
        } else {
            desk(&self.store)
                .refuse(id(byte), by, Tell::Nobody)
                .await
                .unwrap();
        }
        self.store
            .judge_hold(id(byte), judgement, "a.reviewer", at)
            .await
            .unwrap();
    }

    async fn forward(&self, when: &str) {
        let forwarded = Forwarded {
            mailbox: Some(&address("a.teacher@oak.trust.example")),
            target: &address("someone@home.example"),
            marks: &[],
            at: at(when),
            day: moment(at(when)).date(),
        };
        self.store.note_forward(forwarded).await.unwrap();
    }

    pub async fn report(&self, scope: &Scope, wanted: Wanted<'_>) -> Report {
        self.made(scope, wanted, self.now).await
    }

    /// A report of the last 60 days before this moment.
    pub async fn report_at(&self, now: SystemTime, wanted: Wanted<'_>) -> Report {
        let scope = Scope::all(Period::ending(moment(now).date(), 60));
        self.made(&scope, wanted, now).await
    }

    async fn made(&self, scope: &Scope, wanted: Wanted<'_>, now: SystemTime) -> Report {
        let setting = Setting {
            senders: &senders(),
            policy: &Policy::embedded("standard").unwrap(),
            zone: &zone(),
            now,
        };
        gather(&self.store, setting, scope, wanted).await.unwrap()
    }
}
