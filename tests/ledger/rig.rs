//! A ledger to tamper with, and the hand of whoever owns the database.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use beadle::store::{Against, Config, Custody, Fault, MasterKey, Verified, VerifyingKey};
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

/// Entries of [`Rig::new`], the key's own included.
pub const ENTRIES: i64 = 60;

pub fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_874_400 + second)
}

pub async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

/// Number, time, actor, action, subject, detail, person.
type Fields = (i64, i64, String, String, String, String, Option<Vec<u8>>);

/// 60 entries by three people and the relay, signed at 21, 41 and 60.
pub struct Rig {
    pub folder: tempfile::TempDir,
    pub store: Custody,
    /// The checkpoints as they were kept elsewhere.
    pub kept: String,
    pub key: VerifyingKey,
}

pub async fn fill(store: &Custody, entries: std::ops::RangeInclusive<i64>) {
    for number in entries {
        let actor = match number % 4 {
            0 => "a.reviewer",
            1 => "b.reviewer",
            2 => "relay",
            _ => "J. O'Leaver",
        };
        let detail = json!({ "number": number });
        let now = at(number.unsigned_abs());
        store
            .note(actor, "opened", None, &detail, now)
            .await
            .unwrap();
    }
}

impl Rig {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        fill(&store, 1..=20).await;
        let mut notary = store.notary("", at(21)).await.unwrap();
        let mut kept = notary.sign(at(21)).await.unwrap().unwrap();
        for (entries, number) in [(22..=41, 41), (42..=ENTRIES, 60)] {
            fill(&store, entries).await;
            kept += "\n";
            kept += &notary.sign(at(number)).await.unwrap().unwrap();
        }
        assert_eq!(notary.sign(at(99)).await, Ok(None), "nothing came since");
        let key = notary.key();
        Self {
            folder,
            store,
            kept,
            key,
        }
    }

    /// Runs SQL with all triggers dropped: whoever owns the file can.
    pub async fn tamper(&self, script: &str) {
        let pool = self.pool().await;
        let triggers: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&pool)
                .await
                .unwrap();
        for trigger in triggers {
            execute(&pool, &format!("DROP TRIGGER {trigger}")).await;
        }
        execute(&pool, script).await;
        pool.close().await;
    }

    pub async fn pool(&self) -> SqlitePool {
        let file = self.folder.path().join("beadle.db");
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(file))
            .await
            .unwrap()
    }

    pub async fn verify(&self) -> Verified {
        self.store.prove_ledger(Against::default()).await.unwrap()
    }

    /// Against the file of checkpoints and the key that were kept elsewhere.
    pub async fn verify_kept(&self) -> Verified {
        let against = Against {
            kept: Some(&self.kept),
            key: Some(self.key),
            since: None,
        };
        self.store.prove_ledger(against).await.unwrap()
    }

    /// Writes every entry from `first` on anew with hashes that fit, from what stands in its fields.
    pub async fn rehash(&self, first: i64) {
        let pool = self.pool().await;
        let rows: Vec<Fields> = sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, person FROM ledger WHERE seq >= ? ORDER BY seq",
        )
        .bind(first)
        .fetch_all(&pool)
        .await
        .unwrap();
        let before = sqlx::query_scalar("SELECT hash FROM ledger WHERE seq = ?");
        let before = before.bind(first - 1).fetch_optional(&pool).await.unwrap();
        let mut previous: Vec<u8> = before.unwrap_or_else(|| vec![0; 32]);
        for (seq, at, actor, action, subject, detail, person) in rows {
            let fields = [&actor, &action, &subject, &detail].map(String::as_bytes);
            let person = person.unwrap_or_default();
            let hash = hash_2(&previous, (seq, at), fields, &person);
            sqlx::query("UPDATE ledger SET prev = ?, hash = ? WHERE seq = ?")
                .bind(&previous)
                .bind(&hash)
                .bind(seq)
                .execute(&pool)
                .await
                .unwrap();
            previous = hash;
        }
        pool.close().await;
    }
}

/// Format 2 as docs/LEDGER.md has it, written down a second time.
pub fn hash_2(
    previous: &[u8],
    (seq, at): (i64, i64),
    fields: [&[u8]; 4],
    person: &[u8],
) -> Vec<u8> {
    let mut all = b"beadle ledger 2".to_vec();
    all.extend(previous);
    all.extend(seq.to_be_bytes());
    all.extend(at.to_be_bytes());
    for field in fields.into_iter().chain([person]) {
        all.extend((field.len() as u64).to_be_bytes());
        all.extend(field);
    }
    digest(&SHA256, &all).as_ref().to_vec()
}

pub async fn execute(pool: &SqlitePool, script: &str) {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(pool)
        .await
        .unwrap();
}

/// Kind and entry of what was found, in order.
pub fn found(verified: &Verified) -> Vec<(&'static str, i64)> {
    let faults = verified.faults.iter();
    faults
        .map(|Fault { kind, entry, .. }| (kind.name(), *entry))
        .collect()
}
