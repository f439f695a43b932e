//! Blobs in a folder and in a real S3-compatible store: the same promises of both, and what happens when the store fails.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set up has failed"
)]

mod servers;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::quarantine::{By, ComposeNotice, Desk, To};
use beadle::store::{
    BlobConfig, Blobs, Config, Custody, FindingRecord, HoldClient, HoldFilter, HoldRecord,
    HoldState, MasterKey, NewHold, RuleRecord, StoreError, Sweep,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use servers::faulty_objects::{Call, Fault, FaultyObjects};
use servers::s3::S3;

const DAY: Duration = Duration::from_hours(24);
const NAME: &str = "Ottoline Quarrington";

/// Bytes that no compression or repetition makes easy.
fn content(size: usize) -> Vec<u8> {
    let mut state = size as u64 + 1;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        out.extend_from_slice(&state.to_be_bytes());
    }
    out.truncate(size);
    out
}

fn folder_blobs(folder: &Path) -> Blobs {
    Blobs::open(&BlobConfig::default(), &folder.join("blobs")).unwrap()
}

fn s3_blobs(config: &BlobConfig) -> Blobs {
    Blobs::open(config, Path::new("unused")).unwrap()
}

/// What both places promise.
async fn conforms(blobs: &Blobs) {
    let key = Blobs::new_key().unwrap();
    assert_eq!(blobs.get(&key).await, Err(StoreError::Missing));
    assert_eq!(
        blobs.delete(&key).await,
        Ok(()),
        "what is not there is gone"
    );
    assert_eq!(blobs.list().await.unwrap(), []);

    let sizes = [0, 1, 1_000, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 50 << 20];
    let mut keys = Vec::new();
    for size in sizes {
        let key = Blobs::new_key().unwrap();
        blobs.put(&key, content(size)).await.unwrap();
        keys.push(key);
    }
    for (key, size) in keys.iter().zip(sizes) {
        assert!(
            blobs.get(key).await.unwrap() == content(size),
            "{size} bytes"
        );
    }

    let listed = blobs.list().await.unwrap();
    let mut expected = keys.clone();
    expected.sort();
    let found: Vec<&String> = listed.iter().map(|blob| &blob.key).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    for blob in &listed {
        let age = i64::try_from(now.as_micros()).unwrap() - blob.written;
        assert!(
            (-5_000_000..300_000_000).contains(&age),
            "written {age} µs ago"
        );
    }

    for key in &keys {
        blobs.delete(key).await.unwrap();
        assert_eq!(blobs.get(key).await, Err(StoreError::Missing));
    }
    assert_eq!(blobs.list().await.unwrap(), []);
    assert_eq!(blobs.try_out().await, Ok(()));
    assert_eq!(blobs.list().await.unwrap(), [], "a trial leaves nothing");
}

/// More than two of S3's pages of 1,000.
async fn lists_many(blobs: &Blobs) {
    let mut keys: Vec<String> = (0..2_500).map(|_| Blobs::new_key().unwrap()).collect();
    futures_util::stream::iter(&keys)
        .for_each_concurrent(16, |key| async {
            blobs.put(key, vec![7; 20]).await.unwrap();
        })
        .await;
    keys.sort();
    let listed = blobs.list().await.unwrap();
    assert!(listed.into_iter().map(|blob| blob.key).eq(keys));
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&folder_blobs(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_lists_many() {
    let folder = tempfile::tempdir().unwrap();
    lists_many(&folder_blobs(folder.path())).await;
}

#[tokio::test]
async fn s3_conforms() {
    let config = S3::shared().await.fresh_bucket().await;
    conforms(&s3_blobs(&config)).await;
}

#[tokio::test]
async fn s3_conforms_under_a_prefix() {
    let s3 = S3::shared().await;
    let bucket = s3.fresh_bucket().await;
    let under = |prefix: &str| BlobConfig {
        url: format!("{}/{prefix}", bucket.url),
        ..bucket.clone()
    };
    conforms(&s3_blobs(&under("trust/one"))).await;
    // Neighbours do not see each other, and what is not ours is not listed.
    let (one, two) = (
        s3_blobs(&under("trust/one")),
        s3_blobs(&under("trust/two/")),
    );
    let key = Blobs::new_key().unwrap();
    one.put(&key, content(10)).await.unwrap();
    two.put(&key, content(20)).await.unwrap();
    let raw = s3.raw(&bucket);
    raw.put(&Key::from("trust/one/ab/notes.txt"), "theirs".into())
        .await
        .unwrap();
    assert!(
        raw.head(&Key::from(format!("trust/two/{key}")))
            .await
            .is_ok()
    );
    assert_eq!(one.list().await.unwrap().len(), 1);
    two.delete(&key).await.unwrap();
    assert_eq!(one.get(&key).await.unwrap(), content(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_lists_many() {
    let config = S3::shared().await.fresh_bucket().await;
    lists_many(&s3_blobs(&config)).await;
}

fn why(error: &StoreError) -> &str {
    match error {
        StoreError::Unavailable(why) => why,
        other => panic!("not unavailable: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_set_wrong_is_said() {
    let s3 = S3::shared().await;
    let good = s3.fresh_bucket().await;
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Some(path)
    };
    let wrong_secret = BlobConfig {
        secret_key_file: file("secret", "wrong"),
        ..good.clone()
    };
    let wrong_access = BlobConfig {
        access_key_file: file("access", "NOBODY"),
        ..good.clone()
    };
    let cases = [
        (wrong_secret, "secret_key_file"),
        (wrong_access, "access_key_file"),
        (s3.reader(&good), "PutObject"),
    ];
    for (config, part) in cases {
        let blobs = s3_blobs(&config);
        let key = Blobs::new_key().unwrap();
        let begun = Instant::now();
        let error = blobs.put(&key, content(10)).await.unwrap_err();
        assert!(why(&error).contains(part), "{error}");
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "not worth a retry"
        );
        for secret in ["wrong", "NOBODY", "127.0.0.1", &key] {
            assert!(!error.to_string().contains(secret), "{error}");
        }
        assert!(blobs.try_out().await.is_err());
    }
    // Another clock and another region are told by their codes, which SeaweedFS does not mind; see the unit tests of refusals.
    // A bucket that is not there loses no blob: nothing may be called missing, and nothing deleted.
    let nowhere = s3_blobs(&s3.settings("no-such-bucket"));
    why(&nowhere.put("aa/bb", content(10)).await.unwrap_err());
    assert!(why(&nowhere.get("aa/bb").await.unwrap_err()).contains("the bucket does not exist"));
    assert!(why(&nowhere.list().await.unwrap_err()).contains("the bucket does not exist"));
    let gone = nowhere.delete("aa/bb").await;
    assert!(gone.is_err(), "deleted where nothing is: {gone:?}");
}

/// A server that gives every request the same answer.
async fn answers(answer: &'static str) -> BlobConfig {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 16 << 10];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    if socket.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let files = tempfile::tempdir().unwrap().keep();
    let file = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = files.join(name);
        std::fs::write(&path, "KEY").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Some(path)
    };
    BlobConfig {
        url: "s3://trust-holds".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
        access_key_file: file("access"),
        secret_key_file: file("secret"),
        ..BlobConfig::default()
    }
}

/// What a put makes of an answer, through the real client.
async fn put_against(answer: &'static str) -> StoreError {
    let blobs = s3_blobs(&answers(answer).await);
    blobs
        .put(&Blobs::new_key().unwrap(), content(10))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn answers_of_other_stores_are_told_apart() {
    let quota = "HTTP/1.1 403 Forbidden\r\nContent-Length: 41\r\n\r\n<Error><Code>QuotaExceeded</Code></Error>";
    let full = "HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 45\r\n\r\n<Error><Code>XMinioStorageFull</Code></Error>";
    let bare = "HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\n\r\n";
    for answer in [quota, full, bare] {
        assert_eq!(put_against(answer).await, StoreError::Full, "{answer}");
    }
    let skewed = "HTTP/1.1 403 Forbidden\r\nContent-Length: 48\r\n\r\n<Error><Code>RequestTimeTooSkewed</Code></Error>";
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 36\r\n\r\n<Error><Code>SlowDown</Code></Error>";
    let region = "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n";
    let other = "HTTP/1.1 400 Bad Request\r\nContent-Length: 36\r\n\r\n<Error><Code>Whatever</Code></Error>";
    let noise = "220 mail.trust.example ESMTP\r\n";
    for (answer, part) in [
        (skewed, "clock"),
        (busy, "too busy"),
        (region, "region"),
        (other, "refused the request"),
        (noise, ""),
    ] {
        let error = put_against(answer).await;
        assert!(why(&error).contains(part), "{answer}: {error}");
        assert!(!error.to_string().contains("ESMTP"), "{error}");
    }
}

#[tokio::test]
async fn a_blob_of_absurd_size_is_not_read() {
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\nETag: \"x\"\r\nLast-Modified: Sat, 28 Nov 2026 10:00:00 GMT\r\n\r\nx";
    let blobs = s3_blobs(&answers(huge).await);
    let key = Blobs::new_key().unwrap();
    assert_eq!(
        blobs.get(&key).await,
        Err(StoreError::Corrupt("size of a blob"))
    );
}

#[tokio::test]
async fn check_tries_the_blob_store() {
    let s3 = S3::shared().await;
    let bucket = s3.fresh_bucket().await;
    let folder = tempfile::tempdir().unwrap();
    let told = async |blobs: BlobConfig, offline: bool| {
        let file = folder.path().join("beadle.toml");
        let data = folder.path().join("data");
        let text = format!(
            "[server]\ndata_dir = {:?}\n[store.blobs]\n{}",
            data,
            toml::to_string(&blobs).unwrap()
        );
        std::fs::write(&file, text).unwrap();
        let checked = tokio::process::Command::new(env!("CARGO_BIN_EXE_beadle"))
            .arg("check")
            .args(offline.then_some("--offline"))
            .arg("--config")
            .arg(&file)
            .output();
        let out = String::from_utf8(checked.await.unwrap().stdout).unwrap();
        assert!(out.contains("server.data_dir"), "{out}");
        let line = out.lines().find(|line| line.contains("store.blobs"));
        line.unwrap_or_default().to_owned()
    };
    let url = bucket.url.clone();
    assert_eq!(
        told(bucket.clone(), false).await,
        format!("ok       store.blobs: {url}")
    );
    assert!(told(s3.reader(&bucket), true).await.starts_with("note"));
    let line = told(s3.reader(&bucket), false).await;
    assert!(
        line.starts_with("PROBLEM  store.blobs") && line.contains("PutObject"),
        "{line}"
    );
    let typo = BlobConfig {
        url: "s3:/bucket".to_owned(),
        ..bucket
    };
    let line = told(typo, true).await;
    assert!(line.contains("found `s3:/bucket`; allowed: "), "{line}");
    assert_eq!(told(BlobConfig::default(), false).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_mid_put_is_unavailable_until_it_is_back() {
    let s3 = S3::own().await;
    let config = s3.fresh_bucket().await;
    let blobs = s3_blobs(&config);
    let kept = Blobs::new_key().unwrap();
    blobs.put(&kept, content(100_000)).await.unwrap();

    let torn = Blobs::new_key().unwrap();
    // On a quick machine the put may be done before the kill: then the next is killed sooner.
    let mut waits = [120, 40, 10, 0].map(Duration::from_millis).into_iter();
    let (begun, put) = loop {
        let (blobs, torn, begun) = (blobs.clone(), torn.clone(), Instant::now());
        let put = tokio::spawn(async move { blobs.put(&torn, content(60 << 20)).await });
        tokio::time::sleep(waits.next().expect("a put is slower than nothing")).await;
        if !put.is_finished() {
            break (begun, put);
        }
        put.await.unwrap().unwrap();
    };
    s3.kill();
    let error = put.await.unwrap().unwrap_err();
    why(&error);
    assert!(
        begun.elapsed() < Duration::from_secs(16),
        "{:?}",
        begun.elapsed()
    );
    for error in [
        blobs.get(&kept).await.unwrap_err(),
        blobs.delete(&kept).await.unwrap_err(),
        blobs.list().await.unwrap_err(),
    ] {
        assert!(why(&error).contains("cannot be reached"), "{error}");
    }

    s3.restart().await;
    assert_eq!(blobs.get(&kept).await.unwrap(), content(100_000));
    assert_eq!(
        blobs.get(&torn).await,
        Err(StoreError::Missing),
        "half a put is none"
    );
    blobs.put(&torn, content(60 << 20)).await.unwrap();
    assert!(blobs.get(&torn).await.unwrap() == content(60 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_costs_a_hold_15_seconds_and_no_more() {
    let s3 = S3::own().await;
    let config = s3.fresh_bucket().await;
    let blobs = s3_blobs(&config);
    blobs
        .put(&Blobs::new_key().unwrap(), content(10))
        .await
        .unwrap();
    s3.freeze();
    let begun = Instant::now();
    let error = blobs
        .put(&Blobs::new_key().unwrap(), content(1 << 20))
        .await
        .unwrap_err();
    let took = begun.elapsed();
    s3.thaw();
    why(&error);
    assert!(took < Duration::from_secs(16), "{took:?}");
    blobs
        .put(&Blobs::new_key().unwrap(), content(1 << 20))
        .await
        .unwrap();
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte, 1, 2, 3, 4, byte, 5, 6, 7, 8])
}

fn new_hold(byte: u8) -> NewHold {
    NewHold {
        id: id(byte),
        envelope: Envelope::of(
            Some(address("teacher@trust.example")),
            [address("parent@home.example")],
        ),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: SystemTime::now(),
        message: Bytes::from(format!(
            "Message-ID: <{byte}@trust.example>\r\nSubject: {NAME}\r\n\r\nDear parent of {NAME}\r\n{}",
            "All of it may be read by nobody.\r\n".repeat(5_000)
        )),
        record: HoldRecord {
            subject: Some(NAME.into()),
            rules: vec![RuleRecord {
                id: "body-name".into(),
                title: "A pupil's full name".into(),
                clause: None,
                action: Action::Hold,
                because: "1 pupil in the body".into(),
                severity: Severity::High,
                urgent: false,
                four_eyes: false,
            }],
            findings: vec![FindingRecord {
                category: Category::PupilName,
                detector: "pupil-full-name".into(),
                confidence: Confidence::High,
                location: "body".into(),
                masked: "O. Q.".into(),
            }],
            people: 1,
            explanation: "body names a pupil".into(),
            values: vec![7],
            confidential: false,
        },
        origin: beadle::store::Origin::default(),
    }
}

async fn open_over(folder: &Path, blobs: Blobs) -> Result<Custody, StoreError> {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open_over(config, key, blobs).await
}

async fn open_s3(folder: &Path, blobs: &BlobConfig) -> Result<Custody, StoreError> {
    let config = Config {
        blobs: blobs.clone(),
        ..Config::new(folder)
    };
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await
}

fn desk(store: &Custody) -> Desk {
    let compose: ComposeNotice = Arc::new(|_| None);
    Desk::new(store.clone(), compose)
}

/// Every object there is, with its bytes.
async fn objects(raw: &dyn ObjectStore) -> Vec<(String, Bytes)> {
    let list: Vec<_> = raw.list(None).try_collect().await.unwrap();
    let mut found = Vec::new();
    for object in list {
        let bytes = raw
            .get(&object.location)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        found.push((object.location.to_string(), bytes));
    }
    found
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn custody_over_s3_holds_opens_releases_and_sweeps() {
    let s3 = S3::shared().await;
    let bucket = s3.fresh_bucket().await;
    let raw = s3.raw(&bucket);
    let folder = tempfile::tempdir().unwrap();
    let store = open_s3(folder.path(), &bucket).await.unwrap();
    for byte in 1..=3 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    store.close().await;

    // Another start, as another process would see it.
    let store = open_s3(folder.path(), &bucket).await.unwrap();
    assert_eq!(
        store.open_message(id(2)).await.unwrap(),
        new_hold(2).message
    );
    let by = By {
        actor: "a.reviewer",
        reason: "spoke to the office",
        at: SystemTime::now(),
    };
    desk(&store).release(id(1), by, To::All).await.unwrap();
    let lease = store
        .lease_due(SystemTime::now(), "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(lease.len(), 1);
    assert_eq!(
        store.delivery_message(&lease[0]).await.unwrap(),
        new_hold(1).message
    );

    // Nothing there can be read, and no name of an object tells anything.
    let there = objects(&raw).await;
    assert_eq!(there.len(), 4, "three messages and the owner");
    for (key, bytes) in &there {
        for text in [
            "Quarrington",
            "nobody",
            "Message-ID",
            "home.example",
            "trust.example",
        ] {
            assert!(
                !has(bytes, text) && !key.contains(text),
                "{key} tells {text}"
            );
        }
    }
    assert!(
        !folder.path().join("blobs").exists(),
        "a folder nobody needs"
    );

    // An orphan and a loss.
    let orphan = Blobs::new_key().unwrap();
    s3_blobs(&bucket).put(&orphan, content(100)).await.unwrap();
    assert_eq!(
        store.sweep(SystemTime::now()).await.unwrap(),
        Sweep::default()
    );
    let swept = store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
    assert_eq!((swept.orphans, swept.missing.len()), (1, 0));
    let of_hold = there.iter().find(|(key, _)| key != "owner").unwrap();
    raw.delete(&Key::from(of_hold.0.as_str())).await.unwrap();
    let swept = store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
    assert_eq!(
        (swept.orphans, swept.missing.len()),
        (0, 1),
        "the lost one is named"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_cannot_share_a_place() {
    let bucket = S3::shared().await.fresh_bucket().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_s3(one.path(), &bucket).await.unwrap();
    store.hold(new_hold(1)).await.unwrap();
    let error = open_s3(two.path(), &bucket).await.unwrap_err().to_string();
    assert!(
        error.contains("another installation") && error.contains("choose another prefix"),
        "{error}"
    );
    let apart = BlobConfig {
        url: format!("{}/two", bucket.url),
        ..bucket.clone()
    };
    open_s3(two.path(), &apart).await.unwrap();
    // The same database from elsewhere is the same installation.
    store.close().await;
    open_s3(one.path(), &bucket).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_versions_is_noticed() {
    let s3 = S3::shared().await;
    let (plain, versioned) = (s3.fresh_bucket().await, s3.fresh_bucket().await);
    let name = versioned.url.trim_start_matches("s3://");
    let said = s3.shell(&format!("s3.bucket.versioning -name {name} -enable"));
    for (config, is) in [(plain, false), (versioned, true)] {
        let blobs = s3_blobs(&config);
        for _ in 0..2 {
            let place = blobs.claim("0123456789abcdef").await.unwrap();
            assert_eq!(place.versioned, is, "{said}");
        }
        // A delete in such a bucket puts a mark; to us the blob is gone.
        let key = Blobs::new_key().unwrap();
        blobs.put(&key, content(10)).await.unwrap();
        blobs.delete(&key).await.unwrap();
        assert_eq!(blobs.get(&key).await, Err(StoreError::Missing));
        assert_eq!(blobs.list().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_blob_store_it_starts_and_takes_no_hold() {
    let s3 = S3::own().await;
    let bucket = s3.fresh_bucket().await;
    let folder = tempfile::tempdir().unwrap();
    s3.kill();
    let store = open_s3(folder.path(), &bucket).await.unwrap();
    let error = store.hold(new_hold(1)).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    assert!(store.sweep(SystemTime::now()).await.is_err());
    assert!(
        store
            .list_holds(HoldFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    s3.restart().await;
    store.hold(new_hold(1)).await.unwrap();
    assert_eq!(
        store.open_message(id(1)).await.unwrap(),
        new_hold(1).message
    );
}

fn faulty() -> (FaultyObjects, Blobs) {
    let faulty = FaultyObjects::over(Arc::new(InMemory::new()));
    (faulty.clone(), Blobs::over(Arc::new(faulty)))
}

#[tokio::test]
async fn a_failed_put_is_no_hold_whatever_it_left() {
    for fault in [Fault::Before, Fault::After, Fault::Torn] {
        let (faulty, blobs) = faulty();
        let folder = tempfile::tempdir().unwrap();
        let store = open_over(folder.path(), blobs.clone()).await.unwrap();
        faulty.fail(Call::Put, 1, fault);
        let error = store.hold(new_hold(1)).await.unwrap_err();
        assert!(error.is_temporary(), "{fault:?}: {error}");
        assert!(
            store
                .list_holds(HoldFilter::default())
                .await
                .unwrap()
                .is_empty()
        );
        store.hold(new_hold(1)).await.unwrap();
        assert_eq!(
            store.open_message(id(1)).await.unwrap(),
            new_hold(1).message
        );
        let left = usize::from(fault != Fault::Before);
        assert_eq!(blobs.list().await.unwrap().len(), 1 + left, "{fault:?}");
        let swept = store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
        assert_eq!(swept.orphans, left as u64, "{fault:?}");
        assert_eq!(blobs.list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_read_now_is_not_missing() {
    let (faulty, blobs) = faulty();
    let folder = tempfile::tempdir().unwrap();
    let store = open_over(folder.path(), blobs.clone()).await.unwrap();
    store.hold(new_hold(1)).await.unwrap();
    faulty.fail(Call::Get, 1, Fault::Before);
    why(&store.open_message(id(1)).await.unwrap_err());
    assert!(store.open_message(id(1)).await.is_ok());
    // A list that breaks off says nothing about what it did not name: nothing is swept, nothing reported.
    let orphan = Blobs::new_key().unwrap();
    blobs.put(&orphan, content(10)).await.unwrap();
    for fault in [Fault::Before, Fault::After] {
        faulty.fail(Call::List, 1, fault);
        why(&store.sweep(SystemTime::now() + 2 * DAY).await.unwrap_err());
        assert!(blobs.get(&orphan).await.is_ok());
    }
    faulty.fail(Call::Delete, 1, Fault::After);
    why(&store.sweep(SystemTime::now() + 2 * DAY).await.unwrap_err());
    assert_eq!(
        store.sweep(SystemTime::now() + 2 * DAY).await.unwrap(),
        Sweep::default()
    );
}

#[tokio::test]
async fn a_purge_goes_on_without_the_blob_store_and_the_sweep_follows() {
    let (faulty, blobs) = faulty();
    let folder = tempfile::tempdir().unwrap();
    let store = open_over(folder.path(), blobs.clone()).await.unwrap();
    for byte in 1..=3 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    faulty.fail_all(Call::Delete, Fault::Before);
    let late = SystemTime::now() + 400 * DAY;
    assert_eq!(store.expire_due(late).await.unwrap().expired, 3);
    assert_eq!(
        faulty.count(Call::Delete),
        1,
        "asked once, not for every blob"
    );
    let hold = store.open_hold(id(1)).await;
    assert!(hold.is_err() || hold.is_ok_and(|hold| hold.summary.state == HoldState::Expired));
    assert!(store.open_message(id(1)).await.is_err(), "its key is gone");
    assert_eq!(blobs.list().await.unwrap().len(), 3);
    faulty.mend();
    assert_eq!(store.sweep(late).await.unwrap().orphans, 3);
    assert_eq!(blobs.list().await.unwrap(), []);
}

#[tokio::test]
async fn no_key_is_put_twice() {
    let (faulty, blobs) = faulty();
    let folder = tempfile::tempdir().unwrap();
    let store = open_over(folder.path(), blobs).await.unwrap();
    for byte in 1..=40 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    let twice = store
        .hold(NewHold {
            message: content(9).into(),
            ..new_hold(1)
        })
        .await;
    assert_eq!(twice, Err(StoreError::Exists));
    let keys = faulty.put_keys();
    assert_eq!(keys.len(), 1 + 41, "the owner, and one for each try");
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
}
