//! The register of forwarding mailboxes and the kept state of behaviour, on a real folder under a turned clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beadle::mail::Address;
use beadle::policy::behaviour::{Behaviour, Moment, Passage, Shape};
use beadle::store::{Config, Custody, Forwarded, MasterKey, StoreError};
use jiff::Timestamp;
use jiff::civil::{Date, date};

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// Notes a forward and says whether a notice is due, whether the mailbox is new, and how many messages there were.
async fn note(
    store: &Custody,
    mailbox: &str,
    target: &str,
    mark: &str,
    hours: u64,
    day: Date,
) -> (bool, bool, u64) {
    let mailbox = (!mailbox.is_empty()).then(|| address(mailbox));
    let marks = [Arc::from(mark)];
    let forwarded = Forwarded {
        mailbox: mailbox.as_ref(),
        target: &address(target),
        marks: &marks,
        at: start() + Duration::from_hours(hours),
        day,
    };
    let noted = store.note_forward(forwarded).await.unwrap();
    (noted.notice_due, noted.first_of_mailbox, noted.messages)
}

const JO: &str = "jo@trust.example";
const HOME: &str = "jo.private@mail.example";

#[tokio::test]
async fn one_notice_for_each_mailbox_target_and_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (monday, tuesday) = (date(2026, 11, 23), date(2026, 11, 24));
    assert_eq!(
        note(&store, JO, HOME, "F4", 0, monday).await,
        (true, true, 1)
    );
    assert_eq!(
        note(&store, "JO@Trust.example", HOME, "F7", 1, monday).await,
        (false, false, 2)
    );
    assert_eq!(
        note(&store, JO, "jo@second.example", "F4", 2, monday).await,
        (true, false, 1)
    );
    assert_eq!(
        note(&store, "sam@trust.example", HOME, "F4", 3, monday).await,
        (true, true, 1)
    );
    assert_eq!(
        note(&store, "", HOME, "F7", 4, monday).await,
        (true, true, 1)
    );
    assert_eq!(
        note(&store, "", HOME, "F7", 4, monday).await,
        (false, false, 2)
    );
    assert_eq!(
        note(&store, JO, HOME, "F4", 24, tuesday).await,
        (true, false, 3)
    );
    assert_eq!(
        note(&store, JO, HOME, "F4", 25, monday).await,
        (false, false, 4),
        "a clock set back"
    );
    assert_eq!(
        note(&store, JO, HOME, "F4", 25, tuesday).await,
        (false, false, 5)
    );
    let list = store.list_forwarding(10).await.unwrap();
    assert_eq!(list.len(), 4);
    let jo = &list[0];
    assert_eq!(
        (jo.mailbox.as_deref(), jo.target.as_str()),
        (Some(JO), HOME)
    );
    assert_eq!(
        (jo.first_seen, jo.last_seen),
        (start(), start() + Duration::from_hours(25))
    );
    assert_eq!(
        (jo.messages, jo.notices, jo.notice_day),
        (5, 2, Some(tuesday))
    );
    assert_eq!(jo.marks, ["F4", "F7"]);
    assert_eq!(list.iter().filter(|line| line.mailbox.is_none()).count(), 1);
}

#[tokio::test]
async fn of_many_at_once_one_is_told_that_a_notice_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { note(&store, JO, HOME, "F4", 0, date(2026, 11, 23)).await });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|(due, ..)| *due).count(), 1);
    assert_eq!(all.iter().filter(|(_, first, _)| *first).count(), 1);
    assert_eq!(store.list_forwarding(10).await.unwrap()[0].messages, 20);
}

#[tokio::test]
async fn the_register_outlives_a_restart_sealed_and_ends_after_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    note(&store, JO, HOME, "F4", 0, date(2026, 11, 23)).await;
    store.close().await;
    for file in ["beadle.db", "beadle.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap_or_default();
        for clear in [&b"jo.private"[..], b"jo@trust"] {
            assert!(
                !bytes.windows(clear.len()).any(|part| part == clear),
                "{file}"
            );
        }
    }
    let store = open(folder.path()).await;
    assert_eq!(
        note(&store, JO, HOME, "F4", 1, date(2026, 11, 23)).await,
        (false, false, 2)
    );
    let after = |days: u64| start() + Duration::from_hours(1 + 24 * days);
    store.expire_due(after(399)).await.unwrap();
    assert_eq!(store.list_forwarding(10).await.unwrap().len(), 1);
    store.expire_due(after(401)).await.unwrap();
    assert!(store.list_forwarding(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn behaviour_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.load_behaviour().await.unwrap(), None);
    let mut state = Behaviour::default();
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let moment = Moment::new(now, jiff::tz::Offset::UTC.to_datetime(now));
    let passage = Passage {
        mailbox: Some(u64::MAX),
        targets: vec![u64::MAX - 1],
        shape: Shape::Relayed,
        author_domain: u64::MAX - 2,
        lag: Some(3),
        message_id: Some(u64::MAX - 3),
        ..Passage::default()
    };
    for _ in 0..2 {
        state.note(&passage, moment);
        store
            .save_behaviour(&state.snapshot(), start())
            .await
            .unwrap();
    }
    store.close().await;
    let store = open(folder.path()).await;
    let kept = store.load_behaviour().await.unwrap().unwrap();
    assert_eq!(kept, state.snapshot());
    assert_eq!(Behaviour::restored(kept).sizes(), (1, 1));
}

#[tokio::test]
async fn a_line_moved_to_another_place_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    note(&store, JO, HOME, "F4", 0, date(2026, 11, 23)).await;
    note(
        &store,
        "sam@trust.example",
        HOME,
        "F4",
        0,
        date(2026, 11, 23),
    )
    .await;
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("beadle.db"));
    let pool = sqlx::sqlite::SqlitePool::connect_with(options)
        .await
        .unwrap();
    sqlx::query("UPDATE forwarding SET addresses = (SELECT addresses FROM forwarding ORDER BY mailbox LIMIT 1)")
        .execute(&pool)
        .await
        .unwrap();
    let listed = store.list_forwarding(10).await;
    assert_eq!(listed, Err(StoreError::Corrupt("sealed text")));
}
