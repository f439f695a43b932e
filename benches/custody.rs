//! Holds per second on stable storage: SQLite and PostgreSQL, one after another and many at once, side by side in one run.
//!
//! The folder is `BEADLE_BENCH_FOLDER`, or the system's temporary one, which must be on the disk that is meant: on a file system in memory
//! the figures are of no disk. PostgreSQL is Debian's own with `fsync=on`, started for the run on the same disk. The disk's own rate is
//! measured beside them: 4 KB written and synced, again and again.
//!
//! Run: `cargo bench --bench custody`. `BEADLE_BENCH_SECONDS` sets how long each case runs (3).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot set up has failed, and printing is what it is for"
)]

#[path = "../tests/servers/mod.rs"]
mod servers;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use beadle::mail::{Address, Envelope};
use beadle::store::{Config, Custody, DatabaseConfig, HoldClient, HoldRecord, MasterKey, NewHold};
use bytes::Bytes;
use servers::postgres::Postgres;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

async fn run() {
    let seconds = std::env::var("BEADLE_BENCH_SECONDS").map_or(3, |text| text.parse().unwrap());
    let span = Duration::from_secs(seconds);
    let top =
        std::env::var_os("BEADLE_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(top).unwrap();
    let disk = synced_writes(&folder.path().join("disk"), span);
    println!("4 KB written and synced: {disk:.0} a second");
    for (name, database) in [
        ("SQLite", DatabaseConfig::default()),
        ("PostgreSQL", postgres(folder.path()).await),
    ] {
        let store = open(&folder.path().join(name), database).await;
        for at_once in [1, 8, 64] {
            let rate = holds(&store, at_once, span).await;
            println!(
                "{name}, {at_once} at once: {rate:.0} holds a second, {:.2} of the disk's rate",
                rate / disk
            );
        }
    }
}

/// How often a second the disk takes 4 KB for good.
fn synced_writes(path: &Path, span: Duration) -> f64 {
    let mut file = std::fs::File::create(path).unwrap();
    let begun = Instant::now();
    let mut number = 0u32;
    while begun.elapsed() < span {
        file.write_all(&[number as u8; 4096]).unwrap();
        file.sync_data().unwrap();
        number += 1;
    }
    f64::from(number) / begun.elapsed().as_secs_f64()
}

async fn postgres(folder: &Path) -> DatabaseConfig {
    let url = Postgres::shared().await.fresh_url().await;
    let (user, place) = url.split_once('@').unwrap();
    let (user, password) = user.rsplit_once(':').unwrap();
    let file = folder.join("password");
    std::fs::write(&file, password).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    DatabaseConfig {
        url: format!("{user}@{place}"),
        password_file: Some(file),
        ..DatabaseConfig::default()
    }
}

async fn open(folder: &Path, database: DatabaseConfig) -> Custody {
    let config = Config {
        database,
        ..Config::new(folder)
    };
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

/// Holds of 4 KB messages a second, so many waiting at a time.
async fn holds(store: &Custody, at_once: usize, span: Duration) -> f64 {
    let number = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks = (0..at_once).map(|_| {
        let (store, number) = (store.clone(), Arc::clone(&number));
        tokio::spawn(async move {
            while begun.elapsed() < span {
                store.hold(message()).await.unwrap();
                number.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    number.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn message() -> NewHold {
    let id = Custody::new_id().unwrap();
    let text = format!(
        "Subject: list\r\nMessage-ID: <{id}@trust.example>\r\n\r\n{}\r\n",
        "x".repeat(4000)
    );
    NewHold {
        id,
        envelope: Envelope::of(
            Some(Address::parse("teacher@trust.example").unwrap()),
            [Address::parse("parent@home.example").unwrap()],
        ),
        client: HoldClient {
            ip: [192, 0, 2, 1].into(),
            helo: "mail.trust.example".into(),
        },
        received_at: SystemTime::now(),
        message: Bytes::from(text),
        record: HoldRecord {
            subject: Some("list".into()),
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    }
}
