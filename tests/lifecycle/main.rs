//! The life of a hold at the desk: claims, two people, forms of a release, legal holds, races, the command line, and the page that tells of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../servers/mod.rs"]
mod servers;

mod command_line;
mod forms;
mod page;
mod races;
mod steps;
mod two_people;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::quarantine::{By, ComposeNotice, Desk};
use beadle::store::{
    Config, Custody, DatabaseConfig, FindingRecord, HoldClient, HoldRecord, MasterKey, NewHold,
    RuleRecord,
};
use bytes::Bytes;
use servers::postgres::Postgres;

const DAY: Duration = Duration::from_hours(24);

const MESSAGE: &str = "Message-ID: <N@trust.example>\r\nDKIM-Signature: v=1; b=abc\r\nFrom: teacher@trust.example\r\n\
    Subject: trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n\
    --b\r\nContent-Type: text/csv; name=\"pupils.csv\"\r\nContent-Disposition: attachment; filename=\"pupils.csv\"\r\n\r\na,b\r\n1,2\r\n\
    --b\r\nContent-Type: application/pdf; name=\"form.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n\
    --b--\r\n";

fn message(byte: u8) -> Bytes {
    MESSAGE.replace("<N@", &format!("<{byte}@")).into()
}

/// Now, so that the command line and the desk agree on it.
fn start() -> SystemTime {
    SystemTime::now()
}

fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte; 10])
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn envelope() -> Envelope {
    Envelope::of(
        Some(address("teacher@trust.example")),
        [address("a@home.example"), address("b@home.example")],
    )
}

/// A folder whose store is in a database of its own on a PostgreSQL server.
async fn in_postgres() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().await.fresh_url().await;
    // The password stands apart, as it must.
    let (user, rest) = url.split_once("://").unwrap().1.split_once(':').unwrap();
    let (password, place) = rest.split_once('@').unwrap();
    let url = format!("postgres://{user}@{place}");
    std::fs::write(folder.path().join("database.url"), url).unwrap();
    let file = folder.path().join("database.password");
    std::fs::write(&file, password).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

async fn open(folder: &Path) -> Custody {
    let mut config = Config::new(folder);
    if let Ok(url) = std::fs::read_to_string(folder.join("database.url")) {
        config.database = DatabaseConfig {
            password_file: Some(folder.join("database.password")),
            connections: 4,
            url,
            ..DatabaseConfig::default()
        };
    }
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

fn new_hold(byte: u8, two_people: bool) -> NewHold {
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
                id: "list".into(),
                title: "A list of pupils".into(),
                clause: None,
                action: Action::Hold,
                because: "30 pupils in a file".into(),
                severity: Severity::High,
                urgent: false,
                four_eyes: two_people,
            }],
            findings: vec![FindingRecord {
                category: Category::PupilName,
                detector: "pupil-full-name".into(),
                confidence: Confidence::High,
                location: "attachment:pupils.csv".into(),
                masked: "O. Q.".into(),
            }],
            values: vec![7],
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    }
}

/// A store with one hold that one person releases.
async fn one_person(folder: &Path) -> Custody {
    let store = open(folder).await;
    store.hold(new_hold(1, false)).await.unwrap();
    store
}

/// A store with one hold that two people release.
async fn needs_two(folder: &Path) -> Custody {
    let store = open(folder).await;
    store.hold(new_hold(1, true)).await.unwrap();
    store
}

fn desk(store: &Custody, login: &str) -> Desk {
    let compose: ComposeNotice = Arc::new(|request| Some(request.reason.to_owned().into()));
    Desk::new(store.clone(), compose).signed_in_as(login)
}

fn by<'a>(actor: &'a str, reason: &'a str) -> By<'a> {
    By {
        actor,
        reason,
        at: start(),
    }
}

/// What the ledger says of the hold: who did what.
async fn acts(store: &Custody) -> Vec<(String, String)> {
    let history = store.history(id(1)).await.unwrap().into_iter();
    history
        .map(|past| (past.entry.actor, past.entry.action))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(who, what)| ((*who).to_owned(), (*what).to_owned()))
        .collect()
}
