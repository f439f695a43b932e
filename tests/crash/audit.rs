//! What a store must look like after a process died over it or its disk failed.
//!
//! The tables themselves are compared, row by row, with what they were before the act and with what the act makes of them undisturbed;
//! random keys and sealed columns count by their presence. Then custody is asked to open, send and sweep what it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use beadle::mail::QueueId;
use beadle::store::{Config, Custody, HoldFilter, KeySource, MasterKeys, StoreError};
use regex::Regex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};

use super::acts::{Act, DAY, id, start};
use super::trace::Heard;

/// The rows of every table.
pub type Tables = BTreeMap<String, Vec<String>>;

/// Columns that differ when an act was tried twice.
const TRIED_TWICE: &[&str] = &["fence", "attempts", "duplicates", "attempting"];

pub async fn open(folder: &Path) -> Custody {
    let mut config = Config::new(folder);
    config.readers = 1;
    config.reserve = 0;
    let source = KeySource::File {
        path: config.default_key_file(),
        create: true,
    };
    let keys = MasterKeys::open(source).unwrap();
    Custody::open(config, keys).await.unwrap()
}

async fn raw(folder: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("beadle.db"))
        .journal_mode(SqliteJournalMode::Wal);
    SqlitePool::connect_with(options).await.unwrap()
}

/// Reads every table; without the columns that a second try changes, when `tried_twice`.
pub async fn tables(folder: &Path, tried_twice: bool) -> Tables {
    let pool = raw(folder).await;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let ours: BTreeSet<String> = (0..=u8::MAX).map(|byte| id(byte).to_string()).collect();
    let ids = Regex::new(r"\b[0-9A-HJKMNP-TV-Z]{16}\b").unwrap();
    let keys = Regex::new("[0-9a-f]{2}/[0-9a-f]{30}").unwrap();
    // Each is made with a salt of its own.
    let reasons = Regex::new(r#""reason":"[0-9a-f]{64}""#).unwrap();
    let mut tables = Tables::new();
    for name in names {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(&name)
            .fetch_all(&pool)
            .await
            .unwrap();
        let shown: Vec<String> = columns
            .iter()
            .filter(|column| !(tried_twice && TRIED_TWICE.contains(&column.as_str())))
            .map(|column| {
                format!("'{column}=' || CASE typeof({column}) WHEN 'blob' THEN 'set' ELSE quote({column}) END")
            })
            .collect();
        let query = format!("SELECT {} FROM {name}", shown.join(" || ' ' || "));
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_all(&pool)
            .await
            .unwrap();
        let mut rows: Vec<String> = rows
            .into_iter()
            .map(|row| {
                let row = keys.replace_all(&row, "<blob>");
                let row = reasons.replace_all(&row, "<reason>");
                let id = |found: &regex::Captures<'_>| {
                    // Times are numbers of 16 digits.
                    let other = found[0].bytes().all(|byte| byte.is_ascii_digit());
                    let known = other || ours.contains(&found[0]);
                    if known {
                        found[0].to_owned()
                    } else {
                        "<id>".to_owned()
                    }
                };
                ids.replace_all(&row, id).into_owned()
            })
            .collect();
        rows.sort_unstable();
        tables.insert(name, rows);
    }
    pool.close().await;
    tables
}

/// The tables as they are, as the act makes them, and what is wrapped in the rows before.
pub struct Expected {
    pub before: Tables,
    pub after: Tables,
    /// `after` without what a second try changes.
    pub after_twice: Tables,
    /// Wrapped keys that are to be gone.
    pub gone: Vec<Vec<u8>>,
}

impl Expected {
    pub async fn of(act: &dyn Act, before: &Path, after: &Path) -> Self {
        let mut gone = Vec::new();
        if act.shreds() {
            let (were, are) = (wrapped(before).await, wrapped(after).await);
            gone = were.into_iter().filter(|key| !are.contains(key)).collect();
            assert!(!gone.is_empty(), "the act is to destroy keys");
        }
        let expected = Self {
            before: tables(before, false).await,
            after: tables(after, false).await,
            after_twice: tables(after, true).await,
            gone,
        };
        let changes = expected.before != expected.after;
        assert!(changes || act.sweeps(), "the act changes rows");
        expected
    }

    /// Whether these tables may be found when no answer came.
    fn allows(&self, act: &dyn Act, found: &Tables) -> bool {
        let whole: Vec<&str> = found.keys().map(String::as_str).collect();
        let groups: Vec<&[&str]> = match act.steps() {
            [] => vec![&whole],
            steps => steps.to_vec(),
        };
        let is = |wanted: &Tables, group: &[&str]| {
            group
                .iter()
                .all(|table| found.get(*table) == wanted.get(*table))
        };
        groups
            .iter()
            .all(|group| is(&self.before, group) || is(&self.after, group))
            && found.keys().all(|table| {
                groups.iter().any(|group| group.contains(&table.as_str()))
                    || is(&self.before, &[table]) && is(&self.after, &[table])
            })
    }
}

async fn wrapped(folder: &Path) -> BTreeSet<Vec<u8>> {
    let pool = raw(folder).await;
    let keys: Vec<Vec<u8>> = sqlx::query_scalar("SELECT dek FROM hold WHERE dek IS NOT NULL")
        .fetch_all(&pool)
        .await
        .unwrap();
    pool.close().await;
    keys.into_iter().collect()
}

/// No file of the database holds a key that was destroyed.
fn shredded(folder: &Path, gone: &[Vec<u8>], what: &str) {
    for name in ["beadle.db", "beadle.db-wal"] {
        let content = std::fs::read(folder.join(name)).unwrap_or_default();
        for key in gone {
            assert!(
                memchr::memmem::find(&content, key).is_none(),
                "{what}: {name} still has a key that was destroyed"
            );
        }
    }
}

pub fn blob_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for shard in std::fs::read_dir(folder.join("blobs")).unwrap() {
        let shard = shard.unwrap().path();
        if shard.is_dir() {
            let files = std::fs::read_dir(shard).unwrap();
            found.extend(files.map(|file| file.unwrap().path()));
        }
    }
    found
}

/// How many blobs rows name, whatever table they are in.
async fn blob_rows(folder: &Path) -> usize {
    let pool = raw(folder).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'blob'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut found = BTreeSet::<String>::new();
    for table in tables {
        let query = format!("SELECT blob FROM {table} WHERE blob IS NOT NULL");
        let blobs: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_all(&pool)
            .await
            .unwrap();
        found.extend(blobs);
    }
    pool.close().await;
    found.len()
}

/// Audits the folder of a process that is gone. `disturbed`: a call failed, so that a file may be left although the act said `Ok`.
pub async fn audit(
    act: &dyn Act,
    expected: &Expected,
    folder: &Path,
    heard: &Heard,
    disturbed: bool,
    what: &str,
) {
    let said_ok = *heard == Heard::Ok;
    if said_ok && act.shreds() {
        shredded(folder, &expected.gone, what);
    }
    let files = blob_files(folder).len();
    let store = open(folder).await;
    // An act that said `Ok` after a failure may have been tried twice.
    let found = tables(folder, disturbed && said_ok).await;
    if disturbed && said_ok {
        assert_eq!(
            found, expected.after_twice,
            "{what}: said Ok, and it is not so"
        );
    } else if said_ok {
        assert_eq!(found, expected.after, "{what}: said Ok, and it is not so");
        assert_eq!(
            files,
            blob_rows(folder).await,
            "{what}: said Ok, and files are left"
        );
    } else if !act.goes_on() {
        assert!(
            expected.allows(act, &found),
            "{what}: half done:\n{found:#?}\nbefore:\n{:#?}\nafter:\n{:#?}",
            expected.before,
            expected.after
        );
    }
    whole(&store, folder, what).await;
    again(act, expected, &store, folder, what).await;
    queue_goes_on(&store, what).await;
    store.close().await;
}

/// Everything opens, nothing is missing, the ledger is whole, and the sweep leaves exactly what rows need.
pub async fn whole(store: &Custody, folder: &Path, what: &str) {
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!(check.first_bad, None, "{what}: ledger");
    for hold in store.list_holds(HoldFilter::default()).await.unwrap() {
        if hold.sealed.is_some() {
            let opened = store.open_message(hold.id).await;
            assert_eq!(
                opened.as_ref().map(|message| message.len() as u64),
                Ok(hold.size),
                "{what}"
            );
            store.open_hold(hold.id).await.unwrap();
        }
    }
    let later = SystemTime::now() + 2 * DAY;
    let sweep = store.sweep(later).await.unwrap();
    assert_eq!(
        sweep.missing,
        Vec::<QueueId>::new(),
        "{what}: a message is not there"
    );
    assert_eq!(
        blob_files(folder).len(),
        blob_rows(folder).await,
        "{what}: after the sweep"
    );
    assert_eq!(
        store.sweep(later).await.unwrap().orphans,
        0,
        "{what}: swept twice"
    );
}

/// The client, the reviewer or the worker tries again: it is done now, once, or is answered as done.
async fn again(act: &dyn Act, expected: &Expected, store: &Custody, folder: &Path, what: &str) {
    store.reclaim("w").await.unwrap();
    let lease = act.ready(store).await;
    let answer = act.run(store, lease).await;
    assert!(done(&answer), "{what}: again: {answer:?}");
    store.reclaim("w").await.unwrap();
    let mut found = tables(folder, true).await;
    let mut after = expected.after_twice.clone();
    for tables in [&mut found, &mut after] {
        for row in tables.values_mut().flatten() {
            *row = unleased(row);
        }
    }
    assert_eq!(found, after, "{what}: done again");
    if act.shreds() {
        shredded(folder, &expected.gone, &format!("{what}: done again"));
    }
}

/// A row without who works on it and until when.
fn unleased(row: &str) -> String {
    let columns = Regex::new("(leased_by|leased_until)=\\S+").unwrap();
    columns.replace_all(row, "").into_owned()
}

/// Whether an answer says that the act is done, by this try or an earlier one.
pub fn done(answer: &Result<(), StoreError>) -> bool {
    matches!(
        answer,
        Ok(()) | Err(StoreError::Exists | StoreError::Conflict { .. })
    )
}

/// Each delivery that waits is leased once and its message opens.
async fn queue_goes_on(store: &Custody, what: &str) {
    let waits = store.counts().await.unwrap().queued;
    let far = start() + 10_000 * DAY;
    let leases = store
        .lease_due(far, "other", 100, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len() as u64, waits, "{what}: leases");
    for lease in &leases {
        store.mark_attempting(lease).await.unwrap();
        store.delivery_message(lease).await.unwrap();
    }
}
