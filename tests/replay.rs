//! What passed is on record without its content, and another policy can be tried on it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use beadle::app::policy::replay;
use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::Limits;
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::pipeline::judge::Tools;
use beadle::pipeline::keeping::Keeper;
use beadle::pipeline::way::{Pipeline, Settings};
use beadle::pipeline::{Accept, Client, Received};
use beadle::policy::case::CaseMessage;
use beadle::policy::{Action, Policy, RecordedFacts, decide};
use beadle::relay::{Maildir, trace};
use beadle::roster::{Roster, RosterKind};
use beadle::store::{Config, Custody, KeptFacts, MasterKey, StoreError};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");
const PATIENCE: Duration = Duration::from_secs(20);

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

fn inside(policy: &Policy) -> Policy {
    policy.with_domains(&[Domain::parse("trust.example").unwrap()], &[])
}

fn pipeline(store: &Custody, folder: &Path) -> Pipeline {
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let secret = store.subkey("findings");
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, secret).unwrap();
    let tools = Tools {
        engine: Arc::new(engine),
        policy: Arc::new(inside(&Policy::embedded("standard").unwrap())),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    };
    let settings = Settings {
        identity: trace::Identity {
            host: "beadle.trust.example".into(),
            instance: "trust".into(),
        },
        reply_deadline: PATIENCE,
        judging: 2,
        judging_wait: PATIENCE,
    };
    let hop = Arc::new(Maildir::open(folder.join("maildir")).unwrap());
    let limits = Arc::new(Limits::default());
    Pipeline::new(
        settings,
        limits,
        tools,
        store.clone(),
        hop,
        Arc::new(|_| None),
    )
}

fn id(number: u8) -> QueueId {
    QueueId::from_random([number, 1, 2, 3, 4, number, 6, 7, 8, 9])
}

fn received(number: u8, rcpt: &str, subject: &str, body: &str) -> Received {
    let text = format!(
        "Message-ID: <{number}@trust.example>\nFrom: office@trust.example\nX-Project: {subject}\nSubject: {subject}\n\n{body}\n"
    );
    let from = Address::parse("office@trust.example").unwrap();
    Received {
        id: id(number),
        client: Client {
            ip: "192.0.2.1".parse().unwrap(),
            helo: "mail.trust.example".into(),
            esmtp: true,
            tls: None,
            own_server: true,
            spool: false,
            xforward: None,
        },
        envelope: Envelope::of(Some(from), [Address::parse(rcpt).unwrap()]),
        message: Bytes::from(text.replace('\n', "\r\n")),
        started: Instant::now(),
        completed: Instant::now(),
        arrived: SystemTime::now(),
    }
}

/// Medical details are held, names pass, everything to the inside is held, and one rule asks for a header that is not kept.
const OTHER: &str = r#"
name = "other"
title = "Other"
[[rule]]
id = "medical"
title = "Medical"
action = "hold"
when = { recipients = ["outside"], found = { categories = ["medical"] } }
[[rule]]
id = "nobody-inside"
title = "Nobody inside"
action = "hold"
when = { except_recipients = ["outside"] }
[[rule]]
id = "project"
title = "Project"
action = "warn"
when = { recipients = ["outside"], headers = [{ name = "X-Project", contains = ["coaches"] }] }
"#;

/// Three messages and a retry on their way through a pipeline that keeps facts.
async fn send(store: &Custody, folder: &Path) {
    let pipeline = pipeline(store, folder);
    let keeper = Keeper::start(store.clone());
    pipeline.keep_facts_with(keeper.clone());
    for (message, code) in [
        (
            received(
                1,
                "head@trust.example",
                "Coaches",
                "Two coaches for Friday, please.",
            ),
            250,
        ),
        (
            received(
                2,
                "coaches@hire.example",
                "Trip",
                "Oliver Whitcombe takes part.",
            ),
            250,
        ),
        (
            received(
                3,
                "coaches@hire.example",
                "Trip",
                "Oliver Whitcombe has epilepsy.",
            ),
            550,
        ),
    ] {
        assert_eq!(pipeline.accept(message).await.code, code);
    }
    let again = received(
        1,
        "head@trust.example",
        "Coaches",
        "Two coaches for Friday, please.",
    );
    assert_eq!(pipeline.accept(again).await.code, 250);
    keeper.finish(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_is_tried_on_what_passed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    send(&store, folder.path()).await;
    let policy = inside(&Policy::parse("other.toml", OTHER).unwrap());
    let done = replay(&store, &policy, UNIX_EPOCH, 10).await.unwrap();
    assert_eq!((done.messages, done.changed, done.stricter), (3, 3, 1));
    let moved: Vec<_> = done
        .actions
        .iter()
        .map(|m| (m.from, m.to, m.messages))
        .collect();
    assert_eq!(
        moved,
        [
            (Action::Deliver, Action::Hold, 1),
            (Action::Hold, Action::Deliver, 1),
            (Action::Refuse, Action::Hold, 1)
        ]
    );
    let rule = |id: &str| {
        let found = done.rules.iter().find(|moved| moved.rule == id);
        found.map(|moved| (moved.fired, moved.would_fire, moved.newly, moved.no_longer))
    };
    assert_eq!(rule("pupil-name"), Some((2, 0, 0, 2)));
    assert_eq!(rule("nobody-inside"), Some((0, 1, 1, 0)));
    assert_eq!(rule("medical"), None, "it fires as before");
    let example = done
        .examples
        .iter()
        .find(|e| e.from == Action::Refuse)
        .unwrap();
    assert_eq!(example.reference, id(3).reference().to_string());
    assert_eq!(example.would_fire, ["medical"]);
    let untried: Vec<_> = done
        .untried
        .iter()
        .map(|u| (&*u.rule, &*u.header))
        .collect();
    assert_eq!(untried, [("project", "X-Project")]);
    let said = format!("{done}{}", serde_json::to_string(&done).unwrap());
    for absent in ["@", "office", "hire.example", "Whitcombe"] {
        assert!(!said.contains(absent), "{absent} is in {said}");
    }
    assert!(
        said.contains("limit: rule project asks for the header X-Project"),
        "{said}"
    );

    let none = replay(&store, &STANDARD, UNIX_EPOCH, 10).await.unwrap();
    assert_eq!((none.messages, none.changed, none.other_rules), (3, 0, 0));
    let later = SystemTime::now() + Duration::from_mins(1);
    let none = replay(&store, &STANDARD, later, 10).await.unwrap();
    assert_eq!(none.messages, 0);
}

static STANDARD: LazyLock<Policy> =
    LazyLock::new(|| inside(&Policy::embedded("standard").unwrap()));

fn facts(number: u16) -> RecordedFacts {
    let from = Address::parse("office@trust.example").unwrap();
    let to = Address::parse(&format!("parent{number}@home.example")).unwrap();
    let message = CaseMessage::new(Envelope::of(Some(from), [to]));
    let now = jiff::civil::date(2026, 11, 23).at(10, 0, 0, 0);
    RecordedFacts::of(&message.facts(), &decide(&STANDARD, &message.facts(), now))
}

fn kept(number: u16, at: SystemTime) -> KeptFacts {
    let [high, low] = number.to_be_bytes();
    KeptFacts {
        id: QueueId::from_random([high, low, 0, 0, 0, 0, 0, 0, 0, 1]),
        at,
        facts: facts(number),
    }
}

#[tokio::test]
async fn records_are_sealed_read_in_order_and_forgotten_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let day = Duration::from_hours(24);
    let start = UNIX_EPOCH + 20_000 * day;
    let batch: Vec<KeptFacts> = (0..1_000u16)
        .map(|n| kept(n, start + day * u32::from(n / 20)))
        .collect();
    store.keep_facts(batch.clone()).await.unwrap();
    store.keep_facts(batch[..3].to_vec()).await.unwrap();
    let since = |at| {
        let mut reader = store.facts_since(at);
        async move {
            let mut all = Vec::new();
            while let Some(kept) = reader.next().await.unwrap() {
                all.push(kept);
            }
            all
        }
    };
    assert_eq!(since(UNIX_EPOCH).await, batch);
    assert_eq!(since(start + 10 * day).await.len(), 800);

    let file = folder.path().join("beadle.db");
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&file))
        .await
        .unwrap();
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM facts")
        .fetch_all(&pool)
        .await
        .unwrap();
    for text in ["home.example", "office", "deliver"] {
        let inside = |row: &Vec<u8>| row.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!sealed.iter().any(inside), "{text}");
    }
    // Two records in each other's place do not open, and reading goes on after them.
    sqlx::query("UPDATE facts SET sealed = (SELECT sealed FROM facts ORDER BY at, id LIMIT 1 OFFSET 5) WHERE id = (SELECT id FROM facts ORDER BY at, id LIMIT 1)")
        .execute(&pool)
        .await
        .unwrap();
    let mut reader = store.facts_since(UNIX_EPOCH);
    assert!(matches!(reader.next().await, Err(StoreError::Corrupt(_))));
    assert_eq!(reader.next().await.unwrap().unwrap(), batch[1]);
    let policy = inside(&Policy::embedded("standard").unwrap());
    let done = replay(&store, &policy, UNIX_EPOCH, 1).await.unwrap();
    assert_eq!((done.messages, done.unreadable), (999, 1));

    store.expire_due(start + 55 * day).await.unwrap();
    let left = since(UNIX_EPOCH).await;
    assert_eq!(left.len(), 500);
    assert_eq!(left[0], batch[500]);
}

#[tokio::test]
async fn what_does_not_fit_is_left_out_and_nobody_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let keeper = Keeper::start(store.clone());
    let now = SystemTime::now();
    let batch: Vec<KeptFacts> = (0..6_000u16).map(|n| kept(n, now)).collect();
    let started = Instant::now();
    // Without an await in between, the writing task of this thread cannot run.
    for kept in batch {
        keeper.keep(kept);
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    keeper.finish(PATIENCE).await;
    let policy = inside(&Policy::embedded("standard").unwrap());
    let done = replay(&store, &policy, UNIX_EPOCH, 1).await.unwrap();
    assert_eq!(done.messages, 4_000);
    keeper.keep(kept(10_001, now));
    assert_eq!(
        replay(&store, &policy, UNIX_EPOCH, 1)
            .await
            .unwrap()
            .messages,
        4_000
    );
}
