//! From every released schema of SQLite forward: what was kept by an older version is there, opens and verifies in this one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use beadle::store::{
    AccountKind, Config, Custody, HoldFilter, HoldState, MasterKey, NewAccount, Referenced,
    StoreError,
};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

/// The schemas that were released, as they were: these files never change.
const RELEASED: [(i64, &str, &str); 13] = [
    (
        1,
        "custody",
        include_str!("../src/store/migrations/sqlite/0001_custody.sql"),
    ),
    (
        2,
        "forwarding",
        include_str!("../src/store/migrations/sqlite/0002_forwarding.sql"),
    ),
    (
        3,
        "notices",
        include_str!("../src/store/migrations/sqlite/0003_notices.sql"),
    ),
    (
        4,
        "facts",
        include_str!("../src/store/migrations/sqlite/0004_facts.sql"),
    ),
    (
        5,
        "refusal",
        include_str!("../src/store/migrations/sqlite/0005_refusal.sql"),
    ),
    (
        6,
        "cycle",
        include_str!("../src/store/migrations/sqlite/0006_cycle.sql"),
    ),
    (
        7,
        "ledger",
        include_str!("../src/store/migrations/sqlite/0007_ledger.sql"),
    ),
    (
        8,
        "keys",
        include_str!("../src/store/migrations/sqlite/0008_keys.sql"),
    ),
    (
        9,
        "retention",
        include_str!("../src/store/migrations/sqlite/0009_retention.sql"),
    ),
    (
        10,
        "search",
        include_str!("../src/store/migrations/sqlite/0010_search.sql"),
    ),
    (
        11,
        "dead_letters",
        include_str!("../src/store/migrations/sqlite/0011_dead_letters.sql"),
    ),
    (
        12,
        "accounts",
        include_str!("../src/store/migrations/sqlite/0012_accounts.sql"),
    ),
    (
        13,
        "figures",
        include_str!("../src/store/migrations/sqlite/0013_figures.sql"),
    ),
];

/// From this schema on whoever holds a message lists it by its rules in the same transaction.
const LISTS: usize = 10;
const AT: i64 = 1_790_000_000_000_000;
const HOLD: &str = "0G0G40R40G2GC1R8";
const REFUSED: &str = "1G0G40R40G2GC1R9";

async fn at_schema(path: &Path, version: usize) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let migrations = RELEASED[..version].iter().map(|(version, name, script)| {
        let kind = MigrationType::Simple;
        Migration::new(*version, (*name).into(), kind, script.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    migrator.run(&pool).await.unwrap();
    pool
}

/// Rows as the version of the first schema wrote them: a hold whose content ended, a refusal, and a ledger of three entries in format 1.
async fn fill(pool: &SqlitePool, version: usize) {
    sqlx::query(
        "INSERT INTO hold (id, reference, received_at, size, state, version, rules, categories, decided_at, decided_by) \
         VALUES (?, ?, ?, 900, 'purged', 3, '[\"pupil-name\"]', '[\"pupil-name\"]', ?, 'a.reviewer')",
    )
    .bind(HOLD)
    .bind(&HOLD[8..])
    .bind(AT)
    .bind(AT + 1)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO refusal (id, reference, at, rules, categories) VALUES (?, ?, ?, '[\"medical\"]', '[\"medical\"]')",
    )
    .bind(REFUSED)
    .bind(&REFUSED[8..])
    .bind(AT)
    .execute(pool)
    .await
    .unwrap();
    if version >= LISTS {
        for table in ["hold_rule", "hold_category"] {
            let sql = format!("INSERT INTO {table} VALUES ('pupil-name', ?, ?)");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(AT)
                .bind(HOLD)
                .execute(pool)
                .await
                .unwrap();
        }
    }
    let mut previous = vec![0u8; 32];
    for (seq, (actor, action)) in [
        ("relay", "held"),
        ("a.reviewer", "released"),
        ("system", "purged"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = i64::try_from(seq).unwrap();
        let (seq, at) = (before + 1, AT + before);
        let mut text = b"beadle ledger 1".to_vec();
        text.extend_from_slice(&previous);
        text.extend_from_slice(&seq.to_be_bytes());
        text.extend_from_slice(&at.to_be_bytes());
        for field in [actor, action, HOLD, "{}"] {
            text.extend_from_slice(&(field.len() as u64).to_be_bytes());
            text.extend_from_slice(field.as_bytes());
        }
        let hash = digest(&SHA256, &text).as_ref().to_vec();
        sqlx::query("INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) VALUES (?, ?, ?, ?, ?, '{}', ?, ?)")
            .bind(seq)
            .bind(at)
            .bind(actor)
            .bind(action)
            .bind(HOLD)
            .bind(&previous)
            .bind(&hash)
            .execute(pool)
            .await
            .unwrap();
        previous = hash;
    }
}

#[tokio::test]
async fn every_released_schema_goes_forward_with_what_it_kept() {
    for version in 1..=RELEASED.len() {
        let folder = tempfile::tempdir().unwrap();
        let pool = at_schema(&folder.path().join("beadle.db"), version).await;
        fill(&pool, version).await;
        pool.close().await;
        let config = Config::new(folder.path());
        let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
        let store = Custody::open(config, key).await.unwrap();
        let holds = store.list_holds(HoldFilter::default()).await.unwrap();
        assert_eq!(holds.len(), 1, "schema {version}");
        let hold = &holds[0];
        assert_eq!(
            (hold.id.to_string().as_str(), hold.state, hold.version),
            (HOLD, HoldState::Purged, 3)
        );
        assert_eq!(hold.decided_by.as_deref(), Some("a.reviewer"));
        assert_eq!(store.open_message(hold.id).await, Err(StoreError::Missing));
        let found = store.find_reference(&REFUSED[8..]).await.unwrap();
        assert!(matches!(found, Referenced::Refusal(refusal) if refusal.rules == ["medical"]));
        // The old entries verify, and new ones go on from them in the new format.
        let now: SystemTime = UNIX_EPOCH + Duration::from_micros(AT.unsigned_abs() + 10);
        let nothing = serde_json::json!({});
        store
            .note("b.reviewer", "opened", None, &nothing, now)
            .await
            .unwrap();
        let check = store.verify_ledger(None).await.unwrap();
        assert_eq!((check.good, check.first_bad), (4, None), "schema {version}");
        let actors: Vec<String> = store
            .ledger(1, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|entry| entry.actor)
            .collect();
        assert_eq!(actors, ["relay", "a.reviewer", "system", "b.reviewer"]);
        // Lists by rule know what was there before they were.
        let query = beadle::store::HoldQuery {
            rule: Some("pupil-name".into()),
            ..beadle::store::HoldQuery::default()
        };
        assert_eq!(store.search_holds(&query).await.unwrap().holds.len(), 1);
        // What came later is there: somebody can be given an account, and figures know the hold.
        let new = NewAccount {
            kind: AccountKind::Local,
            login: "kim".into(),
            name: "Kim Ford".into(),
            address: None,
            grants: Vec::new(),
        };
        let id = store.create_account(new, "an.admin", now).await.unwrap();
        let known = store.account_by_login(AccountKind::Local, "kim").await;
        assert_eq!(known.unwrap().unwrap().id, id, "schema {version}");
        assert!(store.figures(now).await.unwrap().get(hold.id).is_some());
        store.close().await;
    }
}

/// A released file that changes would refuse every store that was made with it.
#[test]
fn released_files_are_as_they_were() {
    let known = [
        "4b590abdfec8e6571f2147e07d28bfae15333ffd46d233ea3a97c2b17e90de2c",
        "cd3bb83dd688547089d285a6355eeeff1b9ef64398a3ed2f93b15f46f64f6171",
        "496e1e813510bd7b6ff938ed39596f57b9888e831f100b8523abf85114c08947",
        "256cd8f3785c38ea82c355823f01542e2b0892821c17fcc7a98abfe629706918",
        "740cfbeda21c14af1f20eabd1b0b049fbe362cb0b711d487c74f01d24852dc88",
        "31af33321acffcfe36bfb58f135e5f2fdeaa9b864387f7fa3cb7e67dabf4b75e",
        "fd79a5aca898741b5e13952fd4a302789e5b89987c71a19d495cff0775016ce7",
        "a1724ca48e2dd64cf937e65e25e73f9cb36e76f2cb3b2fd0bc0e25d514a40381",
        "be79d8548b6e11f3899df63b5b78c8f9338277de21a1747022fba36d31a1462b",
        "8ce0a9fe1b46d300e1c127347a78a40f14ac1ea13f0df3176fb0546d27608f4e",
        "157a6f059f73fb7a6f9d37abda115d73075389a7433f1de9c46c3cdc5ffb7825",
    ];
    for ((version, _, script), known) in RELEASED.iter().zip(known) {
        let found = digest(&SHA256, script.as_bytes());
        let known: Vec<u8> = (0..known.len() / 2)
            .map(|at| u8::from_str_radix(&known[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        assert_eq!(found.as_ref(), known, "schema {version}");
    }
}
