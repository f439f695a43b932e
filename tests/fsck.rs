//! The check of the whole store: every kind of damage is found and named, a clean store is clean, and work beside it is no damage.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod custody;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use beadle::mail::QueueId;
use beadle::quarantine::{By, ComposeNotice, Desk, Tell, To};
use beadle::store::fsck::{Fsck, Problem, Scope, Summary};
use beadle::store::seal::Kind;
use beadle::store::{Config, Custody, KeySource, MasterKeys};
use custody::{dead_letter, id, new_delivery, new_hold, raw, start};

/// Holds and deliveries of [`filled`]: one waits, one was released, one refused; a release and a notice are on their way, a notice is a
/// dead letter.
const WAITING: u8 = 1;
const RELEASED: u8 = 2;
const REFUSED: u8 = 3;
const NOTICE: u8 = 4;
const DEAD: u8 = 5;

fn keys(folder: &Path) -> MasterKeys {
    let path = folder.join("keys/master.key");
    MasterKeys::open(KeySource::File { path, create: true }).unwrap()
}

async fn open(folder: &Path) -> Custody {
    Custody::open(Config::new(folder), keys(folder))
        .await
        .unwrap()
}

fn desk(store: &Custody) -> Desk {
    let compose: ComposeNotice = Arc::new(|_| None);
    Desk::new(store.clone(), compose)
}

fn by(reason: &str) -> By<'_> {
    By {
        actor: "a.reviewer",
        reason,
        at: start(),
    }
}

async fn filled(folder: &Path) {
    let store = open(folder).await;
    for byte in [WAITING, RELEASED, REFUSED] {
        store.hold(new_hold(byte)).await.unwrap();
    }
    dead_letter(&store, DEAD).await;
    store.enqueue(new_delivery(NOTICE)).await.unwrap();
    let desk = desk(&store);
    let released = desk.release(id(RELEASED), by("fine"), To::All).await;
    released.unwrap();
    let refused = desk.refuse(id(REFUSED), by("no"), Tell::Nobody).await;
    refused.unwrap();
    store.close().await;
}

async fn check(folder: &Path, deep: bool, repair: bool) -> (Vec<Problem>, Summary) {
    let config = Config {
        check: false,
        ..Config::new(folder)
    };
    let fsck = Fsck::open(&config, keys(folder)).await.unwrap();
    let mut found = Vec::new();
    let scope = Scope {
        deep,
        repair,
        now: SystemTime::now(),
    };
    let summary = fsck
        .run(scope, &mut |problem| found.push(problem.clone()))
        .await
        .unwrap();
    fsck.close().await;
    (found, summary)
}

/// What was found, as subject, id and name of the fault.
fn names(found: &[Problem]) -> Vec<(&'static str, String, &'static str)> {
    found
        .iter()
        .map(|problem| {
            assert!(!problem.fault.mend().is_empty() && !problem.fault.to_string().is_empty());
            let fault = problem.fault.name();
            (problem.subject.name(), problem.id.clone(), fault)
        })
        .collect()
}

/// Changes the database by one statement, with nothing that would guard it.
async fn damage(folder: &Path, statement: &'static str, id: Option<QueueId>) {
    let pool = raw(folder).await;
    let mut connection = pool.acquire().await.unwrap();
    for pragma in [
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA foreign_keys = OFF",
    ] {
        sqlx::query(pragma).execute(&mut *connection).await.unwrap();
    }
    let done = sqlx::query(statement)
        .bind(id.map(|id| id.to_string()))
        .execute(&mut *connection)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1, "{statement}");
    drop(connection);
    pool.close().await;
}

async fn blob_of(folder: &Path, table: &str, id: QueueId) -> PathBuf {
    let statement = match table {
        "hold" => "SELECT blob FROM hold WHERE id = ?",
        _ => "SELECT blob FROM delivery WHERE id = ?",
    };
    let pool = raw(folder).await;
    let blob: String = sqlx::query_scalar(statement)
        .bind(id.to_string())
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    folder.join("blobs").join(blob)
}

/// The id of the release that is on its way.
async fn release_id(folder: &Path) -> String {
    let pool = raw(folder).await;
    let found = sqlx::query_scalar("SELECT id FROM delivery WHERE kind = 'release'");
    let found = found.fetch_one(&pool).await.unwrap();
    pool.close().await;
    found
}

#[tokio::test]
async fn a_clean_store_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.close().await;
    assert_eq!(check(folder.path(), true, false).await.0, []);
    filled(folder.path()).await;
    for deep in [false, true] {
        let (found, summary) = check(folder.path(), deep, false).await;
        assert_eq!(found, [], "deep: {deep}");
        assert_eq!(
            (
                summary.holds,
                summary.deliveries,
                summary.secrets,
                summary.blobs,
                summary.young
            ),
            (3, 3, 1, 5, 0)
        );
        assert_eq!(summary.entries, 6);
        assert_eq!(summary.opened > 0, deep);
        assert_eq!((summary.problems, summary.repaired), (0, 0));
    }
}

/// A statement, the row it damages, and what is found then.
const DAMAGE: [(&str, u8, &[&str]); 12] = [
    (
        "UPDATE hold SET dek = zeroblob(61) WHERE id = ?",
        WAITING,
        &["hold wrapped-key"],
    ),
    (
        "UPDATE hold SET record = zeroblob(200) WHERE id = ?",
        REFUSED,
        &["hold record"],
    ),
    (
        "UPDATE hold SET decision = zeroblob(200) WHERE id = ?",
        REFUSED,
        &["hold decision"],
    ),
    // Content of one hold in another's place.
    (
        "UPDATE hold SET record = (SELECT record FROM hold WHERE state = 'refused') WHERE id = ?",
        WAITING,
        &["hold record"],
    ),
    (
        "UPDATE hold SET state = 'expired' WHERE id = ?",
        WAITING,
        &["database database", "hold contradiction"],
    ),
    (
        "UPDATE hold SET decided_by = NULL WHERE id = ?",
        RELEASED,
        &["hold contradiction"],
    ),
    (
        "UPDATE hold SET size = -1 WHERE id = ?",
        WAITING,
        &["database database"],
    ),
    (
        "UPDATE delivery SET progress = zeroblob(200) WHERE id = ?",
        NOTICE,
        &["delivery progress"],
    ),
    (
        "UPDATE delivery SET dek = zeroblob(61) WHERE id = ?",
        NOTICE,
        &["delivery wrapped-key"],
    ),
    (
        "UPDATE dead_letter SET progress = zeroblob(200) WHERE id = ?",
        DEAD,
        &["delivery progress"],
    ),
    (
        "UPDATE dead_letter SET dek = zeroblob(61) WHERE id = ?",
        DEAD,
        &["delivery wrapped-key"],
    ),
    (
        "UPDATE delivery SET finished_at = 7 WHERE id = ?",
        NOTICE,
        &["database database", "delivery contradiction"],
    ),
];

#[tokio::test]
async fn damage_to_a_row_is_named() {
    for (statement, byte, expected) in DAMAGE {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        damage(folder.path(), statement, Some(id(byte))).await;
        let (found, summary) = check(folder.path(), false, true).await;
        let found = names(&found);
        let told: Vec<String> = found
            .iter()
            .map(|(subject, _, fault)| format!("{subject} {fault}"))
            .collect();
        assert_eq!(told, expected, "{statement}");
        assert_eq!(
            (summary.problems, summary.repaired),
            (expected.len() as u64, 0)
        );
        for (subject, named, _) in found {
            assert!(subject == "database" || named == id(byte).to_string());
        }
    }
}

#[tokio::test]
async fn damage_beside_the_rows_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    filled(folder).await;
    damage(folder, "DELETE FROM hold WHERE id = ?", Some(id(RELEASED))).await;
    let (found, _) = check(folder, true, false).await;
    assert_eq!(
        names(&found),
        [("ticket", id(RELEASED).to_string(), "no-hold")]
    );

    let pool = raw(folder).await;
    for statement in [
        "DROP TRIGGER ledger_no_update",
        "UPDATE ledger SET actor = 'somebody' WHERE seq = 4",
        "UPDATE keyring SET dek = zeroblob(61)",
        "UPDATE hold SET kek = 'ffffffffffffffff'",
        "UPDATE delivery SET kek = 'eeeeeeeeeeeeeeee' WHERE kind = 'notice' AND kek IS NOT NULL",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    assert!(
        Custody::open(Config::new(folder), keys(folder))
            .await
            .is_err()
    );
    let (found, summary) = check(folder, true, false).await;
    let unknown = |digit: &str| ("key", digit.repeat(16), "key-unknown");
    assert_eq!(
        names(&found),
        [
            ("ticket", id(RELEASED).to_string(), "no-hold"),
            ("secret", "store".to_owned(), "wrapped-key"),
            unknown("e"),
            unknown("f"),
            ("ledger", "4".to_owned(), "ledger"),
        ]
    );
    let counts: Vec<u64> = summary.unknown_keys.into_values().collect();
    assert_eq!((counts, summary.entries), (vec![1, 2], 3));
}

#[tokio::test]
async fn messages_that_are_gone_damaged_or_exchanged_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    filled(folder).await;
    let release = release_id(folder).await;
    std::fs::remove_file(blob_of(folder, "hold", id(WAITING)).await).unwrap();
    let path = blob_of(folder, "delivery", id(NOTICE)).await;
    let mut content = std::fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    std::fs::write(&path, content).unwrap();
    // Sealed as it should be, for the right place, and another message.
    let pool = raw(folder).await;
    let (kek, dek): (String, Vec<u8>) = sqlx::query_as("SELECT kek, dek FROM hold WHERE id = ?")
        .bind(id(RELEASED).to_string())
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    let context = [b"hold".as_slice(), id(RELEASED).as_bytes()].concat();
    let dek = keys(folder).unwrap(&kek, &context, &dek).unwrap();
    let other = dek
        .seal(Kind::Message, id(RELEASED).as_bytes(), b"another")
        .unwrap();
    std::fs::write(blob_of(folder, "hold", id(RELEASED)).await, other).unwrap();

    let missing = ("hold", id(WAITING).to_string(), "message-missing");
    let (found, _) = check(folder, false, false).await;
    assert_eq!(names(&found), std::slice::from_ref(&missing));
    let (found, _) = check(folder, true, true).await;
    let mut found = names(&found);
    let mut expected = [
        missing,
        ("hold", id(RELEASED).to_string(), "message-differs"),
        ("delivery", release, "message-differs"),
        ("delivery", id(NOTICE).to_string(), "message-damaged"),
    ];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let path = blob_of(folder, "hold", id(REFUSED)).await;
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (found, _) = check(folder, true, false).await;
    let refused = id(REFUSED).to_string();
    assert!(
        names(&found)
            .iter()
            .any(|(_, named, fault)| *named == refused && fault.starts_with("message-"))
    );
}

/// A file in the folder of blobs that was written so long ago.
fn stray(folder: &Path, name: &str, age: Duration) -> PathBuf {
    let path = folder.join("blobs").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    path
}

#[tokio::test]
async fn repair_removes_old_strays_and_nothing_else() {
    const HOUR: Duration = Duration::from_hours(1);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    filled(folder).await;
    let gone = blob_of(folder, "hold", id(WAITING)).await;
    std::fs::remove_file(&gone).unwrap();
    let key = |digit: &str| format!("{0}{0}/{1}", digit, digit.repeat(30));
    let (old, young) = (key("a"), key("b"));
    let orphan = stray(folder, &old, 25 * HOUR);
    let fresh = stray(folder, &young, 23 * HOUR);
    let leftover = format!("{}#1", key("c"));
    let staged = stray(folder, &leftover, 25 * HOUR);
    let staging = stray(folder, &format!("{}#1", key("d")), HOUR);
    // What a row needs is old too.
    for byte in [RELEASED, REFUSED] {
        let path = blob_of(folder, "hold", id(byte)).await;
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - 500 * HOUR).unwrap();
    }
    let missing = ("hold", id(WAITING).to_string(), "message-missing");
    let strays = [("blob", old, "orphan"), ("blob", leftover, "leftover")];
    let (found, summary) = check(folder, false, false).await;
    assert_eq!(
        names(&found),
        [[missing.clone()].as_slice(), &strays].concat()
    );
    assert_eq!(
        (summary.problems, summary.repaired, summary.young),
        (3, 0, 1)
    );
    assert!(orphan.exists() && staged.exists());
    let (found, summary) = check(folder, false, true).await;
    assert_eq!((summary.problems, summary.repaired), (1, 2));
    assert_eq!(found.iter().filter(|problem| problem.repaired).count(), 2);
    assert!(!orphan.exists() && !staged.exists() && fresh.exists() && staging.exists());
    let (found, _) = check(folder, true, true).await;
    assert_eq!(names(&found), [missing]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_beside_it_is_no_damage() {
    const HOLDS: u8 = 200;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let done = Arc::new(AtomicBool::new(false));
    let work = tokio::spawn({
        let (store, done) = (store.clone(), Arc::clone(&done));
        async move {
            let mut tasks = tokio::task::JoinSet::new();
            for byte in 0..HOLDS {
                let one = store.clone();
                tasks.spawn(async move {
                    one.hold(new_hold(byte)).await.unwrap();
                    let desk = desk(&one);
                    match byte % 3 {
                        0 => desk.release(id(byte), by("fine"), To::All).await.unwrap(),
                        1 => desk.refuse(id(byte), by("no"), Tell::Nobody).await.unwrap(),
                        _ => {}
                    }
                });
                if byte % 20 == 19 {
                    while let Some(ended) = tasks.join_next().await {
                        ended.unwrap();
                    }
                }
                if byte == HOLDS / 2 {
                    store.add_key("a.keeper", start()).await.unwrap();
                    store.rewrap(50, "a.keeper", &start).await.unwrap();
                }
            }
            // And what is there ends.
            let later = start() + Duration::from_hours(24 * 365);
            let ended = store.expire_due(later).await.unwrap();
            done.store(true, Ordering::Relaxed);
            ended
        }
    });
    let (mut rounds, mut most) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let (found, summary) = check(folder.path(), rounds % 2 == 0, true).await;
        assert_eq!(found, [], "round {rounds}");
        most = most.max(summary.holds);
        rounds += 1;
    }
    let ended = work.await.unwrap();
    println!("{rounds} checks, up to {most} holds at once");
    assert!(rounds > 2 && most > 20, "{rounds} {most}");
    assert_eq!(
        ended.expired + ended.purged,
        133,
        "releases wait for their delivery"
    );
    let (found, summary) = check(folder.path(), true, false).await;
    assert_eq!((found, summary.holds, summary.deliveries), (vec![], 67, 67));
}

fn beadle(folder: &Path, words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_beadle"))
        .args(words)
        .arg("--data-dir")
        .arg(folder)
        .env_remove("CREDENTIALS_DIRECTORY")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

#[tokio::test]
async fn the_command_line_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    filled(folder).await;
    let (code, text) = beadle(folder, &["fsck", "--deep"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("3 holds, 3 deliveries, 1 secrets, 5 blobs"),
        "{text}"
    );
    assert!(text.contains("0 problems, 0 repaired"), "{text}");
    std::fs::remove_file(blob_of(folder, "hold", id(WAITING)).await).unwrap();
    let (code, text) = beadle(folder, &["fsck"]);
    assert_eq!(code, 1, "{text}");
    let line = format!("hold {}: its message is not there", id(WAITING));
    assert!(
        text.contains(&line) && text.contains("restore this blob"),
        "{text}"
    );
    let (code, text) = beadle(folder, &["fsck", "--output", "json"]);
    assert_eq!(code, 1, "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["id"], id(WAITING).to_string());
    assert_eq!(lines[0]["problem"], "message-missing");
    assert_eq!(lines[1]["summary"]["problems"], 1);
    std::fs::write(folder.join("beadle.db"), vec![7; 8192]).unwrap();
    let (code, text) = beadle(folder, &["fsck"]);
    assert_eq!(code, 3, "{text}");
}

#[tokio::test]
async fn nothing_is_removed_while_it_is_not_known_to_be_ours() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    filled(folder).await;
    let name = format!("aa/{}", "a".repeat(30));
    let orphan = stray(folder, &name, Duration::from_hours(25));
    damage(
        folder,
        "UPDATE keyring SET dek = zeroblob(61) WHERE ?1 IS NULL",
        None,
    )
    .await;
    let (found, summary) = check(folder, false, true).await;
    assert_eq!(
        names(&found),
        [
            ("secret", "store".to_owned(), "wrapped-key"),
            ("blob", name, "orphan")
        ]
    );
    assert!(orphan.exists() && summary.repaired == 0);
}
