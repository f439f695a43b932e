//! How fast the ledger is written and proved: entries a second, one after another and verified as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its figures are what it is for"
)]

use std::time::{Instant, SystemTime};

use beadle::store::{Against, Config, Custody, MasterKey};
use serde_json::json;

/// Entries that are verified.
const ENTRIES: u32 = 400_000;
/// Entries that are added in the ordinary way, each with its own sync.
const ADDED: u32 = 500;
/// Of each way the best counts.
const ROUNDS: u32 = 5;

/// A store with entries by seven people, written in one transaction as the format says.
async fn filled(folder: &std::path::Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("beadle.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let mut previous = vec![0_u8; 32];
    for seq in 1..=i64::from(ENTRIES) {
        let (action, subject) = ("released", format!("{seq:016}"));
        let detail = json!({ "reason": "0".repeat(64), "delivery": subject, "rcpts": 2, "of": 3 });
        let detail = detail.to_string();
        let salt = [seq.to_be_bytes()[7]; 16];
        let name = format!("reviewer.{}", seq % 7);
        let person = sha256(&[&salt, name.as_bytes()]);
        let hash = hash(
            &previous,
            seq,
            [
                b"",
                action.as_bytes(),
                subject.as_bytes(),
                detail.as_bytes(),
                &person,
            ],
        );
        sqlx::query("INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash, format, person) VALUES (?, 7, '', ?, ?, ?, ?, ?, 2, ?)")
            .bind(seq)
            .bind(action)
            .bind(subject)
            .bind(detail)
            .bind(previous)
            .bind(&hash)
            .bind(person)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("INSERT INTO ledger_person (seq, salt, actor) VALUES (?, ?, ?)")
            .bind(seq)
            .bind(salt.as_slice())
            .bind(name)
            .execute(&mut *tx)
            .await
            .unwrap();
        previous = hash;
    }
    tx.commit().await.unwrap();
    pool.close().await;
    store
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let all = parts.concat();
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &all)
        .as_ref()
        .to_vec()
}

fn hash(previous: &[u8], seq: i64, fields: [&[u8]; 5]) -> Vec<u8> {
    let mut all = b"beadle ledger 2".to_vec();
    all.extend(previous);
    all.extend(seq.to_be_bytes());
    all.extend(7_i64.to_be_bytes());
    for field in fields {
        all.extend((field.len() as u64).to_be_bytes());
        all.extend(field);
    }
    sha256(&[&all])
}

/// Figures of one store, whatever database it is in.
async fn measure(name: &str, store: &Custody) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let verified = store.prove_ledger(Against::default()).await.unwrap();
        best = best.min(begun.elapsed().as_secs_f64());
        assert!(verified.is_good(), "{:?}", verified.faults);
        assert!(verified.entries >= u64::from(ENTRIES));
    }
    println!(
        "{name}: verify {:.0} entries/s ({ENTRIES} entries, best of {ROUNDS})",
        f64::from(ENTRIES) / best
    );
    let begun = Instant::now();
    for number in 0..ADDED {
        let detail = json!({ "number": number });
        let now = SystemTime::now();
        store
            .note("a.reviewer", "opened", None, &detail, now)
            .await
            .unwrap();
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{name}: add {:.0} entries/s, one after another",
        f64::from(ADDED) / took
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path()).await;
        measure("sqlite", &store).await;
    });
}
