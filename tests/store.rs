//! The store and the desk on a real folder: what is promised survives, what is sealed stays sealed, what is decided is decided once.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use beadle::mail::QueueId;
use beadle::quarantine::{DeskError, Tell, To};
use beadle::store::{
    Answer, Config, Custody, Head, HoldFilter, HoldState, Identity, MasterKey, StoreError,
};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

#[path = "conformance/fixtures.rs"]
mod fixtures;

use fixtures::{DAY, NAME, by, desk, id, message, new_hold, start};

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

async fn raw(folder: &Path) -> SqlitePool {
    SqlitePool::connect_with(SqliteConnectOptions::new().filename(folder.join("beadle.db")))
        .await
        .unwrap()
}

fn blob_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for shard in std::fs::read_dir(folder.join("blobs")).unwrap() {
        let shard = shard.unwrap().path();
        if shard.is_dir() {
            found.extend(
                std::fs::read_dir(shard)
                    .unwrap()
                    .map(|file| file.unwrap().path()),
            );
        }
    }
    found
}

#[tokio::test]
async fn what_is_held_is_there_after_a_restart_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.hold(new_hold(1)).await.unwrap();
    let mut same_id = new_hold(1);
    same_id.message = message(2);
    assert_eq!(store.hold(same_id).await, Err(StoreError::Exists));
    store.close().await;
    let store = open(folder.path()).await;
    let hold = store.open_hold(id(1)).await.unwrap();
    let new = new_hold(1);
    assert_eq!(
        (&hold.envelope, &hold.record, &hold.client),
        (&new.envelope, &new.record, &new.client)
    );
    assert_eq!(hold.summary.received_at, new.received_at);
    assert_eq!(hold.summary.size, new.message.len() as u64);
    assert_eq!(store.open_message(id(1)).await.unwrap(), new.message);
    assert_eq!(
        blob_files(folder.path()).len(),
        1,
        "the second try left its blob"
    );
}

#[tokio::test]
async fn nothing_on_disk_shows_a_name_or_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.hold(new_hold(1)).await.unwrap();
    desk(&store)
        .release(id(1), by("spoke to Quarrington's home"), To::All)
        .await
        .unwrap();
    let answer = Answer {
        code: 250,
        enhanced: Some((2, 1, 5)),
        lines: vec!["Parent@home.example ok".into()],
    };
    let identity = Identity::of(&message(1));
    store
        .remember("c", &new_hold(1).envelope, &identity, &answer, start())
        .await
        .unwrap();
    store.close().await;
    let mut files = blob_files(folder.path());
    files.extend(["beadle.db", "beadle.db-wal"].map(|name| folder.path().join(name)));
    let mut read = 0;
    for file in files {
        let Ok(content) = std::fs::read(&file) else {
            continue;
        };
        read += content.len();
        let content = content.to_ascii_lowercase();
        for secret in [
            "quarrington",
            "home.example",
            "teacher",
            "o. q.",
            "trust.example",
        ] {
            assert!(
                memchr::memmem::find(&content, secret.as_bytes()).is_none(),
                "{} shows {secret}",
                file.display()
            );
        }
    }
    assert!(read > 4096);
    assert_eq!(
        std::fs::metadata(folder.path().join("blobs"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
}

#[tokio::test]
async fn damage_and_swaps_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.hold(new_hold(1)).await.unwrap();
    store.hold(new_hold(2)).await.unwrap();
    let files = blob_files(folder.path());
    let (one, two) = (
        std::fs::read(&files[0]).unwrap(),
        std::fs::read(&files[1]).unwrap(),
    );
    std::fs::write(&files[0], &two).unwrap();
    std::fs::write(&files[1], &one).unwrap();
    for byte in [1, 2] {
        assert!(matches!(
            store.open_message(id(byte)).await,
            Err(StoreError::Corrupt(_))
        ));
    }
    std::fs::write(&files[0], &one[..one.len() - 1]).unwrap();
    std::fs::write(&files[1], &two).unwrap();
    let results = [
        store.open_message(id(1)).await,
        store.open_message(id(2)).await,
    ];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    // Rows put in each other's place: the keys are bound to the ids.
    let pool = raw(folder.path()).await;
    sqlx::query(
        "UPDATE hold SET (dek, record, blob) = (SELECT dek, record, blob FROM hold WHERE id = ?) WHERE id = ?",
    )
    .bind(id(2).to_string())
    .bind(id(1).to_string())
    .execute(&pool)
    .await
    .unwrap();
    assert!(matches!(
        store.open_hold(id(1)).await,
        Err(StoreError::Corrupt(_))
    ));
}

#[tokio::test]
async fn the_ledger_shows_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for byte in 1..=3 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    store
        .note(
            "a.reviewer",
            "opened",
            Some(id(2)),
            &serde_json::json!({}),
            start(),
        )
        .await
        .unwrap();
    let noted = store.verify_ledger(None).await.unwrap().head;
    assert_eq!(noted.seq, 4);
    let pool = raw(folder.path()).await;
    for statement in [
        "UPDATE ledger SET actor = 'x' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 4",
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 2",
        "INSERT INTO ledger SELECT 9, at, actor, action, subject, detail, prev, hash, format, person FROM ledger WHERE seq = 4",
    ] {
        assert!(
            sqlx::query(statement).execute(&pool).await.is_err(),
            "{statement}"
        );
    }
    // Somebody who owns the file can drop the triggers; the chain shows what they did.
    for trigger in ["ledger_no_update", "ledger_no_delete"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}")))
            .execute(&pool)
            .await
            .unwrap();
    }
    sqlx::query("DELETE FROM ledger WHERE seq = 4")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        store.verify_ledger(None).await.unwrap().first_bad,
        None,
        "a cut needs a noted head"
    );
    assert_eq!(
        store.verify_ledger(Some(noted)).await.unwrap().first_bad,
        Some(4)
    );
    let wrong = Head {
        seq: 2,
        hash: [1; 32],
    };
    assert_eq!(
        store.verify_ledger(Some(wrong)).await.unwrap().first_bad,
        Some(2)
    );
    sqlx::query("UPDATE ledger SET detail = '{ }' WHERE seq = 2")
        .execute(&pool)
        .await
        .unwrap();
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (1, Some(2)));
}

#[tokio::test]
async fn retention_shreds_keys_and_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for byte in 1..=3 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    desk(&store)
        .release(id(2), by("yes"), To::All)
        .await
        .unwrap();
    desk(&store)
        .refuse(id(3), by("no"), Tell::Nobody)
        .await
        .unwrap();
    let pool = raw(folder.path()).await;
    let keys: Vec<(String, Vec<u8>)> = sqlx::query_as("SELECT id, dek FROM hold ORDER BY id")
        .fetch_all(&pool)
        .await
        .unwrap();
    pool.close().await;
    assert_eq!(
        store.expire_due(start() + 6 * DAY).await.unwrap(),
        beadle::store::Expired::default()
    );
    let late = start() + 31 * DAY;
    let ended = store.expire_due(late).await.unwrap();
    assert_eq!(
        (ended.expired, ended.purged),
        (1, 1),
        "the undelivered release keeps its content"
    );
    let on_disk = ["beadle.db", "beadle.db-wal"]
        .map(|name| std::fs::read(folder.path().join(name)).unwrap())
        .concat();
    for (held, key) in keys {
        let there = memchr::memmem::find(&on_disk, &key).is_some();
        assert_eq!(there, held == id(2).to_string(), "the key of {held}");
    }
    assert_eq!(store.open_message(id(1)).await, Err(StoreError::Missing));
    assert_eq!(store.open_hold(id(3)).await, Err(StoreError::Missing));
    assert_eq!(store.open_message(id(2)).await.unwrap(), message(2));
    assert_eq!(blob_files(folder.path()).len(), 1);
    let list = store.list_holds(HoldFilter::default()).await.unwrap();
    assert_eq!(
        list.iter()
            .map(|hold| (hold.state, hold.sealed.is_some()))
            .collect::<Vec<_>>(),
        [
            (HoldState::Purged, false),
            (HoldState::Released, true),
            (HoldState::Expired, false)
        ]
    );
    let decided = desk(&store).release(id(1), by("too late"), To::All).await;
    assert!(decided.is_err());
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (7, None));
}

#[tokio::test]
async fn a_blob_nobody_answered_for_is_swept_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.hold(new_hold(1)).await.unwrap();
    // As a crash between blob and row leaves it.
    let orphan = folder
        .path()
        .join("blobs/ab/00112233445566778899aabbccddee");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"sealed").unwrap();
    let staged = orphan.with_extension("#1");
    std::fs::write(&staged, b"half").unwrap();
    let now = SystemTime::now();
    assert_eq!(store.sweep(now).await.unwrap().orphans, 0);
    assert!(
        orphan.exists(),
        "it may belong to a message that is just being held"
    );
    let sweep = store.sweep(now + 2 * DAY).await.unwrap();
    assert_eq!((sweep.orphans, sweep.missing), (2, vec![]));
    assert!(!orphan.exists() && !staged.exists());
    assert_eq!(store.open_message(id(1)).await.unwrap(), message(1));
    std::fs::remove_file(&blob_files(folder.path())[0]).unwrap();
    assert_eq!(store.sweep(now).await.unwrap().missing, [id(1)]);
}

#[tokio::test]
async fn a_hold_that_is_dropped_half_way_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (turn, byte) in (0..40).enumerate() {
        let hold = store.hold(new_hold(byte));
        let _ = tokio::time::timeout(Duration::from_micros(turn as u64 * 150), hold).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for hold in store.list_holds(HoldFilter::default()).await.unwrap() {
        assert!(store.open_message(hold.id).await.is_ok());
    }
    let listed = store.list_holds(HoldFilter::default()).await.unwrap().len();
    store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
    assert_eq!(blob_files(folder.path()).len(), listed);
}

#[tokio::test]
async fn a_store_that_cannot_write_says_so_and_keeps_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (blobs, away) = (folder.path().join("blobs"), folder.path().join("away"));
    std::fs::rename(&blobs, &away).unwrap();
    std::fs::write(&blobs, b"a file where the folder was").unwrap();
    let error = store.hold(new_hold(1)).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    std::fs::remove_file(&blobs).unwrap();
    std::fs::rename(&away, &blobs).unwrap();
    assert!(
        store
            .list_holds(HoldFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    store.hold(new_hold(1)).await.unwrap();
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.hold(new_hold(1)).await.unwrap();
    store.close().await;
    let config = Config::new(folder.path());
    std::fs::remove_file(config.default_key_file()).unwrap();
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    assert!(matches!(
        Custody::open(config, key).await,
        Err(StoreError::Key(_))
    ));
}

#[tokio::test]
async fn a_newer_schema_and_a_broken_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.close().await;
    let pool = raw(folder.path()).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let config = Config::new(folder.path());
    let key = MasterKey::from_file(&config.default_key_file()).unwrap();
    let opened = Custody::open(config.clone(), key.clone()).await;
    assert_eq!(opened.err(), Some(StoreError::NewerSchema(9999)));
    std::fs::write(folder.path().join("beadle.db"), vec![7; 8192]).unwrap();
    let opened = Custody::open(config, key).await;
    assert_eq!(opened.err(), Some(StoreError::Corrupt("database file")));
}

#[tokio::test]
async fn a_command_beside_the_server_shares_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (serve, command) = tokio::join!(open(folder.path()), open(folder.path()));
    let claim = serve.claim().unwrap();
    assert!(command.claim().is_err());
    drop(claim);
    command.claim().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for byte in 0..60 {
        let store = if byte % 2 == 0 {
            serve.clone()
        } else {
            command.clone()
        };
        tasks.spawn(async move {
            store.hold(new_hold(byte)).await?;
            desk(&store)
                .refuse(id(byte), by("no"), Tell::Nobody)
                .await
                .unwrap();
            Ok::<_, StoreError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let check = serve.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (120, None));
}

/// Not a test: what the two tests below run in a process of its own. Holds messages one after the other, several at a time, releases every
/// third, and prints what it was promised, as a client that got its 250 would note it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests in a child process"]
async fn child() {
    let Some(folder) = std::env::var_os("BEADLE_TEST_FOLDER") else {
        return;
    };
    let store = open(Path::new(&folder)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4u8 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut refused = 0;
            for number in 0..u32::MAX {
                let mut hold = new_hold(worker);
                let [a, b, c, d] = number.to_be_bytes();
                hold.id = QueueId::from_random([a, b, c, d, worker, 0, a, b, c, d]);
                if number % 10 == 2 {
                    hold.message = Bytes::from(vec![b'x'; 3 << 20]);
                }
                let id = hold.id;
                if number % 10 != 2 {
                    hold.message = Bytes::from(format!(
                        "Message-ID: <{id}@trust.example>\r\n\r\nDear {NAME}\r\n"
                    ));
                }
                match store.hold(hold).await {
                    Ok(_) => say(&format!("held {id}")),
                    Err(error) => {
                        assert!(error.is_temporary(), "{error}");
                        say(&format!("not {id} {error}"));
                        refused += 1;
                    }
                }
                if number % 3 == 0 && desk(&store).release(id, by("yes"), To::All).await.is_ok() {
                    say(&format!("released {id}"));
                }
                if refused == 20 {
                    return;
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

/// Starts the child under a shell line; its lines are read as they come.
fn start_child(folder: &Path, shell: &str) -> (std::process::Child, impl Iterator<Item = String>) {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{shell} exec \"$0\" child --exact --ignored --nocapture"
        ))
        .arg(std::env::current_exe().unwrap())
        .env("BEADLE_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

/// Everything promised is there and opens, the ledger is whole, and what was not promised left nothing half.
async fn audit(folder: &Path, lines: &[String]) -> usize {
    let store = open(folder).await;
    let of = |word: &str| -> HashSet<QueueId> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(word)?.split(' ').next()?.parse().ok())
            .collect()
    };
    let (held, released) = (of("held "), of("released "));
    for id in &held {
        let message = store.open_message(*id).await.unwrap();
        assert!(message.len() == 3 << 20 || message.ends_with(b"\r\n"));
    }
    let queue: HashSet<QueueId> = store
        .list_queue(None, u32::MAX)
        .await
        .unwrap()
        .iter()
        .map(|delivery| delivery.id)
        .collect();
    assert!(released.is_subset(&queue));
    let filter = HoldFilter {
        limit: u32::MAX,
        ..HoldFilter::default()
    };
    let all = store.list_holds(filter).await.unwrap();
    for hold in &all {
        store.open_message(hold.id).await.unwrap();
        assert_eq!(hold.state == HoldState::Released, queue.contains(&hold.id));
    }
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!(check.first_bad, None);
    assert_eq!(
        usize::try_from(check.good).unwrap(),
        all.len() + queue.len()
    );
    let sweep = store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
    assert_eq!(sweep.missing, []);
    assert_eq!(blob_files(folder).len(), all.len());
    held.len()
}

#[tokio::test]
async fn killed_at_any_moment_it_keeps_what_it_promised() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6u64 {
        let folder = folder.path().join(round.to_string());
        let (mut child, lines) = start_child(&folder, "");
        let mut heard = Vec::new();
        let mut lines =
            lines.filter(|line| line.starts_with("held ") || line.starts_with("released "));
        heard.extend(lines.next());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60 + round * 47));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        heard.extend(lines);
        killer.join().unwrap();
        assert!(audit(&folder, &heard).await > 0);
    }
}

#[tokio::test]
async fn a_full_disk_is_temporary_and_tears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // No file may grow beyond 1.5 MB (3,000 blocks of 512 bytes; some shells count 1,024): large messages, and after
    // a while the database's log, find no room.
    let (mut child, lines) = start_child(folder.path(), "trap '' XFSZ; ulimit -f 3000;");
    let heard: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success());
    let full = heard
        .iter()
        .filter(|line| line.ends_with("no space left"))
        .count();
    assert!(
        !heard.iter().any(|line| line.contains("transaction")),
        "a connection was left in a transaction that is over"
    );
    assert!(full >= 4, "no large message was refused: {}", heard.len());
    assert!(audit(folder.path(), &heard).await > 0);
}

#[tokio::test]
#[ignore = "needs BEADLE_TEST_SMALL_FOLDER on an empty file system of 4 MB (mount -t tmpfs -o size=4m)"]
async fn space_that_comes_back_is_used_again() {
    let folder = std::env::var_os("BEADLE_TEST_SMALL_FOLDER").unwrap();
    let folder = Path::new(&folder).join("data");
    // No reserve: the faults of a disk that is really full are what is tried here.
    let config = Config {
        reserve: 0,
        ..Config::new(&folder)
    };
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let ballast = folder.with_extension("ballast");
    store.hold(new_hold(0)).await.unwrap();
    let mut held = 1;
    // A little more is left free each time, so that the blob fits and the database does not.
    for left in 0..20 {
        let size = store.free_bytes().unwrap() - left * 4096;
        std::fs::write(&ballast, vec![0; size as usize]).unwrap();
        let full = loop {
            match store.hold(new_hold(held)).await {
                Ok(_) => held += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(full, StoreError::Full, "{left} pages left");
        assert_eq!(store.open_message(id(0)).await.unwrap(), message(0));
        std::fs::remove_file(&ballast).unwrap();
        store.hold(new_hold(held)).await.unwrap();
        held += 1;
    }
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!((check.good, check.first_bad), (i64::from(held), None));
}

#[tokio::test]
async fn what_went_to_a_confidential_channel_is_decided_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut new = new_hold(1);
    new.record.confidential = true;
    store.hold(new).await.unwrap();
    let desk = desk(&store);
    let shown = desk.open(id(1), "dpo", start()).await.unwrap();
    assert!(shown.record.subject.is_none() && shown.record.findings.is_empty());
    assert_eq!(shown.record.rules.len(), 1, "why it waits is told");
    let read = desk.read(id(1), "dpo", start()).await;
    assert!(matches!(read, Err(DeskError::Confidential)), "{read:?}");
    desk.release(id(1), by("it is theirs"), To::All)
        .await
        .unwrap();
}
