//! The pages and acts of this folder, looked at by each role without a browser and without a sign-in: what is shown, what is denied.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use axum::response::Response;
use bytes::Bytes;

use crate::console::access::Access;
use crate::console::config::Config;
use crate::console::premises::{Check, Premises, RosterContents, RosterState};
use crate::console::refusal::Refusal;
use crate::console::signed::{Caller, Signed};
use crate::console::site::{Parts, Site};
use crate::detect::{Catalogue, Engine};
use crate::extract::InProcess;
use crate::mail::{Address, Envelope, QueueId};
use crate::pipeline::judge::Tools;
use crate::pipeline::way::{Pipeline, Settings};
use crate::policy::{Action, Policy, SchoolConfig, Schools, Senders, Severity};
use crate::quarantine::desk::Desk;
use crate::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing};
use crate::relay::trace;
use crate::roster::{Roster, RosterKind};
use crate::store::{
    self, Account, AccountKind, Custody, Grant, HoldClient, HoldRecord, MasterKey, NewHold, Origin,
    Role, RuleRecord, Session,
};

/// Invented people; the same as in the tests of the pipeline.
const ROSTER: &[u8] =
    b"Forename,Surname,School\nOlivia,Tremblay-Smythe,Oak\nHarrison,Okonkwo,Elm\n";

/// A next hop that is not there.
struct Nobody;

impl NextHop for Nobody {
    fn deliver(&self, _: Outgoing) -> BoxFuture<'_, Attempt> {
        Box::pin(std::future::pending())
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async { None })
    }
}

/// A program that is well but for one thing.
struct Calm;

#[async_trait]
impl Premises for Calm {
    async fn health(&self) -> Vec<Check> {
        let check = |name, good| Check {
            name,
            good,
            detail: String::new(),
        };
        vec![check("store", true), check("next-hop", false)]
    }

    fn roster(&self) -> RosterState {
        RosterState {
            people: 2,
            ..RosterState::default()
        }
    }

    fn read_roster(&self) -> Result<RosterContents, String> {
        Ok(RosterContents {
            schools: [("Oak".to_owned(), 1), ("Elm".to_owned(), 1)].into(),
            pupils: 2,
            ..RosterContents::default()
        })
    }
}

/// A console over a store of its own.
pub(super) struct Bench {
    pub(super) site: Site,
    pub(super) store: Custody,
    _folder: tempfile::TempDir,
}

/// A console of a trust with two schools.
pub(super) async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config = store::Config::new(folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let secret = store.subkey("findings");
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, secret).unwrap();
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let tools = Tools {
        engine: Arc::new(engine),
        policy: Arc::new(Policy::embedded("standard").unwrap()),
        reader: Arc::new(InProcess),
        zone: zone.clone(),
    };
    let settings = Settings {
        identity: trace::Identity {
            host: "beadle.trust.example".into(),
            instance: "trust".into(),
        },
        reply_deadline: Duration::from_secs(20),
        judging: 2,
        judging_wait: Duration::from_secs(5),
    };
    let pipeline = Pipeline::new(
        settings,
        Arc::default(),
        tools,
        store.clone(),
        Arc::new(Nobody),
        Arc::new(|_| None),
    );
    let school = |id: &str, name: &str| SchoolConfig {
        id: id.to_owned(),
        name: name.to_owned(),
        domains: vec![format!("{id}.example")],
    };
    let schools = [school("oak", "Oak School"), school("elm", "Elm School")];
    let parts = Parts {
        config: Config {
            url: "https://console.example".to_owned(),
            ..Config::default()
        },
        store: store.clone(),
        desk: Desk::new(store.clone(), Arc::new(|_| None)),
        pipeline,
        senders: Senders {
            schools: Schools::new(&schools).unwrap(),
            ..Senders::default()
        },
        providers: Vec::new(),
        time_zone: zone,
        premises: Arc::new(Calm),
    };
    Bench {
        site: Site::new(parts).unwrap(),
        store,
        _folder: folder,
    }
}

/// Somebody with one role.
pub(super) fn signed(name: &str, role: Role, schools: &[&str]) -> Signed {
    let now = SystemTime::now();
    let id = QueueId::from_random([7; 10]);
    let account = Account {
        id,
        kind: AccountKind::Local,
        login: name.to_owned(),
        name: name.to_owned(),
        address: None,
        grants: vec![Grant {
            role,
            schools: schools.iter().map(|&school| school.to_owned()).collect(),
        }],
        disabled: false,
        created_at: now,
        signed_in_at: None,
        version: 1,
    };
    Signed {
        caller: Caller {
            access: Access::of(&account),
            account,
        },
        session: Session {
            id,
            account: id,
            method: "password+totp".to_owned(),
            device: String::new(),
            began_at: now,
            seen_at: now,
            ends_at: now,
        },
        token_sha256: [0; 32],
        csrf: "csrf".to_owned(),
    }
}

/// Holds a message of this school, so long ago.
pub(super) async fn hold(bench: &Bench, byte: u8, school: &str, ago: Duration) -> QueueId {
    let id = QueueId::from_random([byte; 10]);
    let sender = Address::parse(&format!("teacher@{school}.example")).unwrap();
    let record = HoldRecord {
        subject: Some("Secret subject".to_owned()),
        rules: vec![RuleRecord {
            id: "medical".to_owned(),
            title: "it links a pupil with medical details".to_owned(),
            clause: None,
            action: Action::Hold,
            because: "because".to_owned(),
            severity: Severity::High,
            urgent: false,
            four_eyes: false,
        }],
        ..HoldRecord::default()
    };
    let new = NewHold {
        id,
        envelope: Envelope::of(Some(sender), [Address::parse("p@out.example").unwrap()]),
        client: HoldClient {
            ip: [127, 0, 0, 1].into(),
            helo: "x.example".into(),
        },
        received_at: SystemTime::now() - ago,
        message: Bytes::from(format!("Message-ID: <{byte}@trust.example>\r\n\r\nx\r\n")),
        record,
        origin: Origin {
            school: Some(school.to_owned()),
            ..Origin::default()
        },
    };
    bench.store.hold(new).await.unwrap();
    id
}

/// The text of a page that is shown.
pub(super) async fn text(response: Result<Response, Refusal>) -> String {
    let response = response.unwrap();
    assert!(
        response.status().is_success() || response.status().as_u16() == 422,
        "{}",
        response.status()
    );
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await;
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

/// Whether the page is denied.
pub(super) fn is_denied(response: &Result<Response, Refusal>) -> bool {
    matches!(response, Err(Refusal::Denied))
}
