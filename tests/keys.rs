//! Master keys on a real folder: every source, several at a time, rotation beside a store that holds and opens, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod custody;
mod servers;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use beadle::mail::QueueId;
use beadle::store::rotation::{DropError, Dropped};
use beadle::store::{
    Custody, HoldFilter, KeyCommand, KeySource, MasterKey, MasterKeys, StoreError,
};
use custody::{dead_letter, id, new_delivery, new_hold, raw, start};

const LINE: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
const OTHER: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

fn key_id(byte: u8) -> String {
    let key = MasterKey::from_bytes(zeroize::Zeroizing::new([byte; 32]));
    key.id().to_owned()
}

fn file(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    path.to_owned()
}

fn of_file(path: &Path) -> KeySource {
    KeySource::File {
        path: path.to_owned(),
        create: false,
    }
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("keys/master.key")
}

/// A store whose keys come from the file in its folder.
async fn open(folder: &Path) -> Custody {
    let path = key_file(folder);
    let create = !path.exists();
    let keys = MasterKeys::open(KeySource::File { path, create }).unwrap();
    Custody::open(beadle::store::Config::new(folder), keys)
        .await
        .unwrap()
}

fn number(n: u32) -> QueueId {
    let mut bytes = [9; 10];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    QueueId::from_random(bytes)
}

async fn hold(store: &Custody, n: u32) -> Result<QueueId, StoreError> {
    let mut new = new_hold(1);
    new.id = number(n);
    new.message = numbered(n);
    store.hold(new).await
}

fn numbered(n: u32) -> bytes::Bytes {
    format!("Message-ID: <{n}@trust.example>\r\n\r\nnumber {n}\r\n").into()
}

#[test]
fn a_file_holds_one_key_or_several_and_is_ours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k");
    let ids = |path: &Path| MasterKeys::open(of_file(path)).map(|keys| keys.ids());
    file(&path, [10; 32], 0o400);
    assert_eq!(ids(&path), Ok(vec![key_id(10)]));
    let _ = std::fs::remove_file(&path);
    file(&path, format!("{LINE}\n{OTHER}\n"), 0o600);
    assert_eq!(ids(&path), Ok(vec![key_id(10), key_id(11)]));
    let bad = [
        (LINE.to_owned(), 0o640),
        (LINE.to_owned(), 0o604),
        (String::new(), 0o600),
        (format!("{LINE}\nhorse\n"), 0o600),
        (format!("{LINE}\n").repeat(100), 0o600),
    ];
    for (content, mode) in bad {
        let path = file(&folder.path().join("bad"), content, mode);
        let error = ids(&path).unwrap_err();
        assert!(matches!(error, StoreError::Key(_)), "{error}");
        assert!(!error.to_string().contains("horse"), "{error}");
    }
    assert!(ids(&folder.path().join("none")).is_err());
    assert!(ids(folder.path()).is_err(), "a folder");
}

/// Runs this test program for one of the `child_` tests below, with these variables.
fn in_child(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("BEADLE_TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn is_child() -> bool {
    std::env::var_os("BEADLE_TEST_CHILD").is_some()
}

#[test]
fn child_prints_its_keys() {
    if !is_child() {
        return;
    }
    let config = config_of(&std::env::var("BEADLE_TEST_DATA").unwrap());
    let keys = beadle::app::keys::source(&config)
        .and_then(|source| MasterKeys::open(source).map_err(|error| error.to_string()));
    println!("KEYS {keys:?}");
}

fn config_of(folder: &str) -> beadle::app::config::Config {
    let mut config = beadle::app::config::Config::default();
    config.server.data_dir = folder.into();
    config.store.key_env = std::env::var("BEADLE_TEST_ENV").ok();
    config.store.key_credential = std::env::var("BEADLE_TEST_CREDENTIAL").ok();
    config
}

/// What the child says of its keys.
fn keys_in_child(data: &Path, variables: &[(&str, &str)]) -> String {
    let data = data.to_str().unwrap();
    let variables = [&[("BEADLE_TEST_DATA", data)], variables].concat();
    let output = in_child("child_prints_its_keys", &variables);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("KEYS "));
    assert!(line.is_some(), "{text}");
    line.unwrap().1.to_owned()
}

#[test]
fn the_environment_and_credentials_hold_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let (data, credentials) = (folder.path().join("data"), folder.path().join("cred"));
    std::fs::create_dir(&credentials).unwrap();
    let both = format!("Ok([{:?}, {:?}])", key_id(10), key_id(11));
    let text = format!("{LINE} {OTHER}");
    let set = [("BEADLE_TEST_ENV", "MY_KEYS"), ("MY_KEYS", &text)];
    // `Debug` of the keys shows ids only.
    assert_eq!(keys_in_child(&data, &set), both);
    assert!(keys_in_child(&data, &set[..1]).contains("`MY_KEYS`: environment variable is not set"));

    let directory = ("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    let named = [directory, ("BEADLE_TEST_CREDENTIAL", "other-name")];
    assert!(keys_in_child(&data, &named).contains("file does not exist"));
    file(&credentials.join("other-name"), LINE, 0o440);
    assert_eq!(
        keys_in_child(&data, &named),
        format!("Ok([{:?}])", key_id(10))
    );
    assert!(keys_in_child(&data, &named[1..]).contains("CREDENTIALS_DIRECTORY is not set"));

    // By itself, when it is there and nothing else is configured.
    assert!(!data.exists());
    file(&credentials.join("beadle-master-key"), OTHER, 0o400);
    assert_eq!(
        keys_in_child(&data, &[directory]),
        format!("Ok([{:?}])", key_id(11))
    );
    assert!(!data.exists(), "no key was made beside it");
    assert!(keys_in_child(&data, &[directory, set[0], set[1]]).contains(&key_id(10)));
    assert!(keys_in_child(&data, &[]).starts_with("Ok(["), "made anew");
    assert!(key_file(&data).exists());

    // A store without its key is not given another one.
    std::fs::remove_file(key_file(&data)).unwrap();
    std::fs::write(data.join("beadle.db"), "").unwrap();
    assert!(keys_in_child(&data, &[]).contains("file does not exist"));
    assert!(!key_file(&data).exists());
}

/// A program that is a shell script.
fn program(folder: &Path, script: &str) -> KeyCommand {
    let path = file(
        &folder.join("hook"),
        format!("#!/bin/sh\n{script}\n"),
        0o700,
    );
    command(&["/bin/sh", path.to_str().unwrap(), "an argument"])
}

fn command(words: &[&str]) -> KeyCommand {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    KeyCommand::new(&words, &[]).unwrap()
}

fn keys_of(command: KeyCommand) -> Result<Vec<String>, StoreError> {
    MasterKeys::open(KeySource::Command(command)).map(|keys| keys.ids())
}

#[test]
fn a_program_prints_the_keys_and_sees_little() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "env > {0}; echo \"$0 $1\" >> {0}; read line || echo no input >> {0}\necho {LINE}; echo {OTHER}; echo secret >&2",
        seen.display()
    );
    let program = program(folder.path(), &script);
    assert_eq!(keys_of(program.clone()), Ok(vec![key_id(10), key_id(11)]));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains("an argument") && seen.contains("no input"),
        "{seen}"
    );
    // Cargo's variables, which this test has, are not there.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let names: Vec<&str> = seen
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    for name in names {
        // The last three a shell sets by itself.
        assert!(
            ["PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name),
            "{name}"
        );
    }
    let listed = [
        "/bin/sh",
        "-c",
        "test -n \"$CARGO_MANIFEST_DIR\" && echo $0",
        LINE,
    ]
    .map(str::to_owned);
    let listed = KeyCommand::new(&listed, &["CARGO_MANIFEST_DIR".to_owned()]).unwrap();
    assert_eq!(keys_of(listed), Ok(vec![key_id(10)]));
    assert!(!format!("{program:?}").contains("argument"));
    assert!(KeyCommand::new(&["sh".to_owned()], &[]).is_err());
    assert!(KeyCommand::new(&[], &[]).is_err());
}

#[test]
fn a_program_that_is_no_good_is_told_without_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("echo horse", "is not 64 hexadecimal digits"),
        ("printf '\\000\\001\\377'", "is not 64 hexadecimal digits"),
        ("head -c 32 /dev/zero", "is not 64 hexadecimal digits"),
        (":", "the source is empty"),
        (
            &format!("echo {LINE}; echo horse >&2; exit 7"),
            "ended with code 7",
        ),
        ("kill -9 $$", "was ended by a signal"),
        ("yes horse", "printed more than 4096 bytes"),
        (
            &format!("yes {LINE} | head -c 4097"),
            "printed more than 4096 bytes",
        ),
    ];
    for (script, expected) in cases {
        let error = keys_of(program(folder.path(), script))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{script}: {error}");
        assert!(
            !error.contains("horse") && !error.contains("0a0a"),
            "{error}"
        );
    }
    let error = keys_of(command(&["/nowhere/vault"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`/nowhere/vault` cannot be started"),
        "{error}"
    );
}

#[test]
fn a_program_that_hangs_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let hangs = [
        format!(
            "echo $$ >> {0}; sleep 987 & echo $! >> {0}; wait",
            pids.display()
        ),
        // Its output is closed and it goes on.
        format!(
            "echo $$ >> {}; echo {LINE}; exec >&-; sleep 987",
            pids.display()
        ),
        // It ends, and a child of it keeps the output open.
        format!("sleep 987 & echo $! >> {}; echo {LINE}", pids.display()),
    ];
    for script in hangs {
        let begun = Instant::now();
        let program = program(folder.path(), &script).within(Duration::from_millis(700));
        let error = keys_of(program).unwrap_err().to_string();
        assert!(error.contains("did not end within 700ms"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{script}");
    }
    let pids = std::fs::read_to_string(&pids).unwrap();
    assert_eq!(pids.lines().count(), 4);
    for pid in pids.lines() {
        let gone = || {
            // What was ended and not yet waited for by its new parent is a zombie.
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .map_or(true, |stat| stat.contains(") Z "))
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        while !gone() {
            assert!(Instant::now() < deadline, "{pid} goes on");
            std::thread::yield_now();
        }
    }
    assert_eq!(
        beadle::store::key_command::PATIENCE,
        Duration::from_secs(10)
    );
}

#[tokio::test]
async fn keys_are_added_wrapped_under_and_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let old = store.master_keys().current();
    for n in 0..25 {
        hold(&store, n).await.unwrap();
    }
    dead_letter(&store, 78).await;
    store.enqueue(new_delivery(77)).await.unwrap();
    let before = store.key_standings().await.unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(
        (before[0].holds, before[0].deliveries, before[0].secrets),
        (25, 2, 1)
    );
    assert_eq!(before[0].oldest, Some(start()));
    let wrapped = wrapped_keys(folder.path()).await;
    assert_eq!(wrapped.len(), 28);

    let new = store.add_key("a.keeper", start()).await.unwrap().unwrap();
    assert_eq!(store.master_keys().ids(), [new.clone(), old.clone()]);
    let drop = |id: String| {
        let store = store.clone();
        async move { store.drop_key(&id, "a.keeper", start()).await }
    };
    assert_eq!(
        drop(new.clone()).await,
        Err(DropError::Current(new.clone()))
    );
    let needed = DropError::Needed {
        id: old.clone(),
        rows: 28,
    };
    assert_eq!(drop(old.clone()).await, Err(needed));
    assert_eq!(
        drop("0123456789abcdef".to_owned()).await,
        Err(DropError::Store(StoreError::Missing))
    );

    let done = store.rewrap(10, "a.keeper", &start).await.unwrap();
    assert_eq!(
        (done.exchanged, done.left, done.failed.len(), done.log_kept),
        (28, 0, 0, false)
    );
    assert_eq!(
        store
            .rewrap(10, "a.keeper", &start)
            .await
            .unwrap()
            .exchanged,
        0
    );
    assert_eq!(drop(old.clone()).await, Ok(Dropped::Gone));
    assert_eq!(drop(old.clone()).await, Ok(Dropped::Gone), "twice is once");
    assert_eq!(store.master_keys().ids(), std::slice::from_ref(&new));
    assert_eq!(
        open(folder.path())
            .await
            .open_message(number(3))
            .await
            .unwrap(),
        numbered(3)
    );

    send_the_dead_letter(&store).await;
    no_trace(folder.path(), &wrapped);
    rotation_is_in_the_ledger(&store, &old, &new).await;
}

/// A dead letter that is sent again opens under the new key.
async fn send_the_dead_letter(store: &Custody) {
    store
        .retry_delivery(id(78), "a.keeper", start())
        .await
        .unwrap();
    let leases = store
        .lease_due(start(), "w", 9, Duration::from_mins(5))
        .await
        .unwrap();
    assert_eq!(leases.len(), 2);
    for lease in &leases {
        assert!(!store.delivery_message(lease).await.unwrap().is_empty());
    }
}

/// Old wrapped keys are in neither the database nor its log.
fn no_trace(folder: &Path, wrapped: &[Vec<u8>]) {
    let mut read = 0;
    for name in ["beadle.db", "beadle.db-wal"] {
        let content = std::fs::read(folder.join(name)).unwrap_or_default();
        read += content.len();
        for dek in wrapped {
            assert!(memchr::memmem::find(&content, dek).is_none(), "{name}");
        }
    }
    assert!(read > 20_000);
}

async fn rotation_is_in_the_ledger(store: &Custody, old: &str, new: &str) {
    let entries = store.ledger(1, 1_000).await.unwrap();
    let acts: Vec<(&str, &str, String)> = entries
        .iter()
        .filter(|entry| entry.action.starts_with("key-"))
        .map(|entry| {
            (
                entry.actor.as_str(),
                entry.action.as_str(),
                entry.detail.clone(),
            )
        })
        .collect();
    let count = |action| acts.iter().filter(|(_, found, _)| *found == action).count();
    assert_eq!(
        (
            count("key-added"),
            count("key-rewrapped"),
            count("key-dropped")
        ),
        (2, 6, 1)
    );
    assert!(acts.iter().all(|(actor, ..)| *actor == "a.keeper"));
    let rewrapped = format!("{{\"count\":10,\"from\":{old:?},\"to\":{new:?}}}");
    assert!(
        acts.iter().any(|(_, _, detail)| *detail == rewrapped),
        "{acts:?}"
    );
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

/// Every wrapped key there is.
async fn wrapped_keys(folder: &Path) -> Vec<Vec<u8>> {
    sqlx::query_scalar(
        "SELECT dek FROM hold WHERE dek IS NOT NULL UNION ALL SELECT dek FROM delivery WHERE dek IS NOT NULL \
         UNION ALL SELECT dek FROM dead_letter UNION ALL SELECT dek FROM keyring",
    )
    .fetch_all(&raw(folder).await)
    .await
    .unwrap()
}

#[tokio::test]
async fn nothing_is_wrapped_under_a_dropped_key_by_whoever_still_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let late = open(folder.path()).await;
    let old = late.master_keys().current();
    hold(&late, 1).await.unwrap();
    let store = open(folder.path()).await;
    store.add_key("a.keeper", start()).await.unwrap().unwrap();
    store.rewrap(200, "a.keeper", &start).await.unwrap();
    store.drop_key(&old, "a.keeper", start()).await.unwrap();
    assert_eq!(late.master_keys().current(), old, "it has not looked");
    let error = hold(&late, 2).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    assert!(late.enqueue(new_delivery(3)).await.is_err());
    assert_eq!(late.open_message(number(1)).await.unwrap(), numbered(1));
    assert_ne!(late.master_keys().current(), old, "a row had it look");
    hold(&late, 2).await.unwrap();

    // Without a row to tell it, the next round does; and a key that was dropped is not taken back.
    let other = open(folder.path()).await;
    let second = other.master_keys().current();
    store.add_key("a.keeper", start()).await.unwrap();
    store.rewrap(200, "a.keeper", &start).await.unwrap();
    store.drop_key(&second, "a.keeper", start()).await.unwrap();
    other.follow_keys(start()).await.unwrap();
    assert_eq!(other.master_keys().ids(), store.master_keys().ids());
    hold(&other, 4).await.unwrap();
    assert_eq!(store.counts().await.unwrap().held, 3);
}

#[tokio::test]
async fn a_dropped_key_is_not_used_as_the_current_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let path = key_file(folder.path());
    let old = std::fs::read_to_string(&path).unwrap();
    let id = store.master_keys().current();
    store.add_key("a.keeper", start()).await.unwrap();
    store.rewrap(200, "a.keeper", &start).await.unwrap();
    store.drop_key(&id, "a.keeper", start()).await.unwrap();
    store.close().await;
    let new = std::fs::read_to_string(&path).unwrap();
    file(&path, format!("{old}{new}"), 0o600);
    let keys = MasterKeys::open(of_file(&path)).unwrap();
    let opened = Custody::open(beadle::store::Config::new(folder.path()), keys).await;
    let error = opened.err().unwrap().to_string();
    assert!(
        error.contains(&id) && error.contains("was dropped"),
        "{error}"
    );
    file(&path, format!("{new}{old}"), 0o600);
    assert!(
        hold(&open(folder.path()).await, 1).await.is_ok(),
        "as an older one it may stay"
    );
}

/// Holds and opens until it is told to stop, and gives how often.
async fn hold_and_open(store: Custody, stop: Arc<AtomicBool>, next: Arc<AtomicU32>) -> u32 {
    let mut held = 0;
    while !stop.load(Ordering::Relaxed) {
        let n = next.fetch_add(1, Ordering::Relaxed);
        // What is not taken was not promised: the client tries again.
        while hold(&store, n)
            .await
            .is_err_and(|error| error.is_temporary())
        {
            store.follow_keys(start()).await.unwrap();
        }
        held += 1;
        assert_eq!(store.open_message(number(n)).await.unwrap(), numbered(n));
        let earlier = n * 7 % (n + 1) % 50;
        assert_eq!(
            store.open_message(number(earlier)).await.unwrap(),
            numbered(earlier)
        );
        assert_eq!(
            store
                .list_holds(HoldFilter {
                    limit: 20,
                    ..HoldFilter::default()
                })
                .await
                .unwrap()
                .len(),
            20
        );
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotation_beside_a_store_that_holds_and_opens_all_the_time() {
    const ROUNDS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (stop, next) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    for _ in 0..50 {
        let n = next.fetch_add(1, Ordering::Relaxed);
        hold(&store, n).await.unwrap();
        store.enqueue(numbered_delivery(n)).await.unwrap();
    }
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (store, stop, next) = (store.clone(), Arc::clone(&stop), Arc::clone(&next));
        work.spawn(hold_and_open(store, stop, next));
    }
    let beside = open(folder.path()).await;
    let mut exchanged = 0;
    for _ in 0..ROUNDS {
        let old = beside.master_keys().current();
        beside.add_key("a.keeper", start()).await.unwrap().unwrap();
        loop {
            exchanged += beside
                .rewrap(20, "a.keeper", &start)
                .await
                .unwrap()
                .exchanged;
            match beside.drop_key(&old, "a.keeper", start()).await {
                Ok(done) => break assert_eq!(done, Dropped::Gone),
                Err(DropError::Needed { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut held = 0;
    while let Some(done) = work.join_next().await {
        held += done.unwrap();
    }
    println!("{held} holds made, {exchanged} keys exchanged");
    assert!(exchanged >= ROUNDS as u64 * 101);
    store.close().await;
    beside.close().await;

    all_is_there(folder.path(), next.load(Ordering::Relaxed)).await;
}

/// So many holds and fifty deliveries open under one key.
async fn all_is_there(folder: &Path, count: u32) {
    let store = open(folder).await;
    assert_eq!(store.master_keys().ids().len(), 1);
    assert_eq!(store.counts().await.unwrap().held, u64::from(count));
    for n in 0..count {
        assert_eq!(store.open_message(number(n)).await.unwrap(), numbered(n));
    }
    let leases = store
        .lease_due(
            start() + Duration::from_hours(1),
            "w",
            100,
            Duration::from_mins(5),
        )
        .await
        .unwrap();
    assert_eq!(leases.len(), 50);
    for lease in &leases {
        assert!(!store.delivery_message(lease).await.unwrap().is_empty());
    }
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!(check.first_bad, None);
}

fn numbered_delivery(n: u32) -> beadle::store::NewDelivery {
    let mut new = new_delivery(1);
    new.id = number(n + 1_000_000);
    new
}

#[tokio::test]
async fn child_wraps_anew_for_ever() {
    if !is_child() {
        return;
    }
    let folder = PathBuf::from(std::env::var("BEADLE_TEST_DATA").unwrap());
    let store = open(&folder).await;
    println!("BEGUN");
    store.rewrap(3, "a.keeper", &SystemTime::now).await.unwrap();
    println!("ENDED");
}

#[tokio::test]
async fn a_rotation_that_is_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for n in 0..400 {
        hold(&store, n).await.unwrap();
    }
    let old = store.master_keys().current();
    store.add_key("a.keeper", start()).await.unwrap().unwrap();
    let under_old = || async {
        let keys = store.key_standings().await.unwrap();
        keys.iter().find(|key| key.id == old).unwrap().wrapped()
    };
    let mut killed = 0;
    let mut left = under_old().await;
    while left > 100 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_wraps_anew_for_ever", "--nocapture"])
            .env("BEADLE_TEST_CHILD", "1")
            .env("BEADLE_TEST_DATA", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Killed once it has done something, wherever it is then.
        let deadline = Instant::now() + Duration::from_mins(1);
        while under_old().await + 20 > left {
            assert!(Instant::now() < deadline, "nothing happens");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        left = under_old().await;
    }
    println!("killed {killed} times, {left} left");
    assert!(killed > 0);
    for n in 0..400 {
        assert_eq!(
            store.open_message(number(n)).await.unwrap(),
            numbered(n),
            "in between"
        );
    }
    let done = store.rewrap(200, "a.keeper", &start).await.unwrap();
    assert_eq!((done.exchanged, done.left), (left, 0));
    let noted: u64 = store
        .ledger(1, 10_000)
        .await
        .unwrap()
        .iter()
        .filter(|entry| entry.action == "key-rewrapped")
        .map(|entry| {
            let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
            detail["count"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(noted, 401, "every exchange is in the ledger, once");
    store.drop_key(&old, "a.keeper", start()).await.unwrap();
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

#[tokio::test]
async fn a_damaged_row_is_named_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for n in 0..10 {
        hold(&store, n).await.unwrap();
    }
    sqlx::query("UPDATE hold SET dek = zeroblob(61) WHERE id = ?")
        .bind(number(4).to_string())
        .execute(&raw(folder.path()).await)
        .await
        .unwrap();
    let old = store.master_keys().current();
    store.add_key("a.keeper", start()).await.unwrap();
    let done = store.rewrap(3, "a.keeper", &start).await.unwrap();
    assert_eq!((done.exchanged, done.left), (10, 1));
    let named: Vec<&str> = done.failed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(named, [number(4).to_string()]);
    let kept = store.drop_key(&old, "a.keeper", start()).await;
    assert_eq!(kept, Err(DropError::Needed { id: old, rows: 1 }));
}

#[tokio::test]
async fn sources_that_are_no_file_are_left_to_their_owners() {
    let folder = tempfile::tempdir().unwrap();
    let hook = folder.path().join("keys.txt");
    let data = folder.path().join("data");
    file(&hook, LINE, 0o600);
    let source = KeySource::Command(command(&["/bin/cat", hook.to_str().unwrap()]));
    let keys = MasterKeys::open(source).unwrap();
    let store = Custody::open(beadle::store::Config::new(&data), keys)
        .await
        .unwrap();
    hold(&store, 1).await.unwrap();
    assert_eq!(store.add_key("a.keeper", start()).await, Ok(None));
    file(&hook, format!("{OTHER}\n{LINE}\n"), 0o600);
    store.reload_keys(start()).await.unwrap();
    assert_eq!(
        store.rewrap(9, "a.keeper", &start).await.unwrap().exchanged,
        2
    );
    let dropped = store.drop_key(&key_id(10), "a.keeper", start()).await;
    assert_eq!(dropped, Ok(Dropped::RemoveIt));
    let standings = store.key_standings().await.unwrap();
    let old = standings.iter().find(|key| key.id == key_id(10)).unwrap();
    assert!(old.available && old.dropped_at == Some(start()));
    file(&hook, "nothing of use", 0o600);
    assert!(store.reload_keys(start()).await.is_err());
    assert_eq!(
        store.open_message(number(1)).await.unwrap(),
        numbered(1),
        "the keys stay"
    );
}

/// Runs the program on the store in this folder.
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
async fn the_command_line_does_it_beside_an_open_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1).await.unwrap();
    let old = store.master_keys().current();
    let (code, text) = beadle(folder.path(), &["keys", "status"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains(&format!(
            "{old}  1 holds, 0 deliveries, 1 secrets, oldest 2026-"
        )),
        "{text}"
    );
    assert!(
        text.contains("master.key") && text.contains("  current"),
        "{text}"
    );
    let (code, text) = beadle(folder.path(), &["keys", "add", "--actor", "a.keeper"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = beadle(folder.path(), &["keys", "drop", &old]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("keys rewrap"), "{text}");
    let (code, text) = beadle(folder.path(), &["keys", "rewrap", "--batch", "1"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 wrapped anew"), "{text}");
    let (code, text) = beadle(
        folder.path(),
        &["keys", "drop", &old, "--actor", "a.keeper"],
    );
    assert_eq!(code, 0, "{text}");
    let (code, text) = beadle(folder.path(), &["keys", "status", "--output", "jsonl"]);
    assert_eq!(code, 0, "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["current"], &lines[0]["holds"]),
        (&true.into(), &1.into())
    );
    assert!(lines[1]["dropped_at"].is_string() && lines[1]["available"] == false);
    assert_eq!(store.open_message(number(1)).await.unwrap(), numbered(1));
    let secret = std::fs::read_to_string(key_file(folder.path())).unwrap();
    assert!(!text.contains(secret.trim()));
    // A key that is lost while rows need it.
    file(&key_file(folder.path()), LINE, 0o600);
    let (code, text) = beadle(folder.path(), &["keys", "status"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("is not among those of the source"), "{text}");
}

#[tokio::test]
async fn postgresql_rotates_and_is_checked_alike() {
    let folder = tempfile::tempdir().unwrap();
    let url = servers::postgres::Postgres::shared()
        .await
        .fresh_url()
        .await;
    let (user, server) = url.split_once('@').unwrap();
    let (user, password) = user["postgres://".len()..].split_once(':').unwrap();
    let config = beadle::store::Config {
        database: beadle::store::DatabaseConfig {
            password_file: Some(file(&folder.path().join("password"), password, 0o600)),
            url: format!("postgres://{user}@{server}"),
            ..beadle::store::DatabaseConfig::default()
        },
        ..beadle::store::Config::new(folder.path())
    };
    let keys = || {
        let path = key_file(folder.path());
        MasterKeys::open(KeySource::File { path, create: true }).unwrap()
    };
    let store = Custody::open(config.clone(), keys()).await.unwrap();
    let late = Custody::open(config.clone(), keys()).await.unwrap();
    for n in 0..25 {
        hold(&store, n).await.unwrap();
    }
    dead_letter(&store, 78).await;
    store.enqueue(new_delivery(77)).await.unwrap();
    let old = store.master_keys().current();
    let new = store.add_key("a.keeper", start()).await.unwrap().unwrap();
    let refused = store.drop_key(&old, "a.keeper", start()).await;
    assert_eq!(
        refused,
        Err(DropError::Needed {
            id: old.clone(),
            rows: 28
        })
    );
    let done = store.rewrap(10, "a.keeper", &start).await.unwrap();
    assert_eq!((done.exchanged, done.left), (28, 0));
    let dropped = store.drop_key(&old, "a.keeper", start()).await;
    assert_eq!(dropped, Ok(Dropped::Gone));
    assert!(hold(&late, 30).await.unwrap_err().is_temporary());
    late.follow_keys(start()).await.unwrap();
    hold(&late, 30).await.unwrap();
    send_the_dead_letter(&store).await;
    rotation_is_in_the_ledger(&store, &old, &new).await;
    let fsck = beadle::store::fsck::Fsck::open(&config, keys())
        .await
        .unwrap();
    let scope = beadle::store::fsck::Scope {
        deep: true,
        repair: true,
        now: SystemTime::now(),
    };
    let mut found = Vec::new();
    let summary = fsck
        .run(scope, &mut |problem| found.push(problem.clone()))
        .await
        .unwrap();
    assert_eq!((found, summary.holds, summary.deliveries), (vec![], 26, 2));
}
