//! The version with initials at the reviewer's desk: shown masked or revealed, released once, for its own hold, and in the ledger.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use beadle::mail::{Address, Envelope, QueueId};
use beadle::quarantine::{By, Desk, DeskError, To};
use beadle::store::{
    Config, Custody, DeliveryKind, HoldClient, HoldRecord, HoldState, Identity, MasterKey, NewHold,
    Resend, StoreError,
};
use bytes::Bytes;

const MESSAGE: &[u8] = b"X-Beadle-Trace: trust; 1\r\nMessage-ID: <1@trust.example>\r\nFrom: Jo Marsden <teacher@trust.example>\r\n\
    Subject: Oliver Whitcombe\r\n\r\nOliver Whitcombe (UPN Q999400119001) has asthma.\r\nSee you at 7.\r\n";

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte, 1, 2, 3, 4, byte, 5, 6, 7, 8])
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn envelope() -> Envelope {
    Envelope::of(
        Some(address("teacher@trust.example")),
        [
            address("parent@home.example"),
            address("other@home.example"),
        ],
    )
}

async fn hold(store: &Custody, byte: u8) {
    let new = NewHold {
        id: id(byte),
        envelope: envelope(),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: SystemTime::now(),
        message: Bytes::from([MESSAGE, &[byte]].concat()),
        record: HoldRecord::default(),
        origin: beadle::store::Origin::default(),
    };
    store.hold(new).await.unwrap();
}

fn desk(store: &Custody) -> Desk {
    Desk::new(store.clone(), Arc::new(|_| None))
}

fn by(reason: &str) -> By<'_> {
    By {
        actor: "a.reviewer",
        reason,
        at: SystemTime::now(),
    }
}

/// `beadle holds` in this folder.
fn holds(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beadle"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("BEADLE_CONFIG")
        .arg("holds")
        .args(args)
        .args([
            "--data-dir",
            folder.to_str().unwrap(),
            "--actor",
            "a.reviewer",
        ])
        .output()
        .unwrap()
}

const ROSTER: [&str; 4] = [
    "--roster",
    "patterns/sample/roster.csv",
    "--internal-domain",
    "trust.example",
];

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn a_preview_is_masked_until_it_is_revealed_and_both_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1).await;
    store.close().await;
    let shown = id(1).to_string();
    let masked = text(&holds(
        folder.path(),
        &[&["initials", &shown], &ROSTER[..]].concat(),
    ));
    for line in [
        "2 names of 1 pupil as initials; mark ",
        "Subject: O.W.\n",
        "text/plain: O.W.\n",
        "pupil-id",
    ] {
        assert!(masked.contains(line), "{line} in {masked}");
    }
    for secret in [
        "Oliver",
        "Whitcombe",
        "asthma",
        "Q999400119001",
        "home.example",
    ] {
        assert!(!masked.contains(secret), "{secret} in {masked}");
    }
    let revealed = text(&holds(
        folder.path(),
        &[&["initials", &shown, "--reveal"], &ROSTER[..]].concat(),
    ));
    assert!(
        revealed.contains("  + O.W. (UPN Q999400119001) has asthma."),
        "{revealed}"
    );
    assert!(
        revealed.contains("  - \u{2022}\u{2022}\u{2022}\u{2022} (UPN"),
        "{revealed}"
    );
    assert!(
        !revealed.contains("Oliver") && !revealed.contains("See you"),
        "{revealed}"
    );
    let store = open(folder.path()).await;
    let actions: Vec<String> = store
        .ledger(2, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(actions, ["opened", "opened", "unmasked"]);
    assert_eq!(
        store.open_hold(id(1)).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn without_people_or_names_there_is_nothing_to_release() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1).await;
    store.close().await;
    let shown = id(1).to_string();
    let release = ["release", &shown, "--initials", "--reason", "asked"];
    let output = holds(folder.path(), &release);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no roster"));
    let roster = folder.path().join("strangers.csv");
    std::fs::write(&roster, "Surname,Forename,UPN\nQuarrington,Ottoline,\n").unwrap();
    let output = holds(
        folder.path(),
        &[&release[..], &["--roster", roster.to_str().unwrap()]].concat(),
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let store = open(folder.path()).await;
    assert_eq!(
        store.open_hold(id(1)).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn a_release_with_initials_sends_those_bytes_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1).await;
    let original = store.open_message(id(1)).await.unwrap();
    store.close().await;
    let shown = id(1).to_string();
    let release = [
        "release",
        &shown,
        "--initials",
        "--reason",
        "names are not needed",
        "--to",
        "parent@home.example",
    ];
    let mut other = release;
    other[2] = "--initials=00000000";
    let refused = holds(folder.path(), &[&other[..], &ROSTER[..]].concat());
    assert_eq!(refused.status.code(), Some(1));
    let shown = text(&holds(
        folder.path(),
        &[&["initials", &shown], &ROSTER[..]].concat(),
    ));
    let mark = shown.split("mark ").nth(1).unwrap().lines().next().unwrap();
    let marked = format!("--initials={mark}");
    let mut release = release;
    release[2] = &marked;
    let said = text(&holds(folder.path(), &[&release[..], &ROSTER[..]].concat()));
    assert!(said.contains("with initials"), "{said}");
    let again = holds(folder.path(), &[&release[..], &ROSTER[..]].concat());
    assert_eq!(again.status.code(), Some(1));

    let store = open(folder.path()).await;
    let now = SystemTime::now() + Duration::from_secs(1);
    let leases = store
        .lease_due(now, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(
        (leases[0].id, leases[0].kind),
        (id(1), DeliveryKind::Release)
    );
    assert_eq!(leases[0].envelope.rcpts, envelope().rcpts[..1]);
    let sent = store.delivery_message(&leases[0]).await.unwrap();
    let expected = String::from_utf8(original.to_vec())
        .unwrap()
        .replace("Oliver Whitcombe", "O.W.");
    let expected = format!(
        "X-Beadle-Changed: names of pupils to initials, by review; {}\r\n{expected}",
        id(1)
    );
    assert_eq!(sent, expected);
    // The held message is still there as it was.
    assert_eq!(store.open_message(id(1)).await.unwrap(), original);

    let entries = store.ledger(1, 10).await.unwrap();
    let released = entries
        .iter()
        .find(|entry| entry.action == "released")
        .unwrap();
    let detail: serde_json::Value = serde_json::from_str(&released.detail).unwrap();
    assert_eq!(
        (&detail["version"], &detail["rcpts"], &detail["of"]),
        (&"initials".into(), &1.into(), &2.into())
    );
    let hash = Identity::of(&sent).whole;
    let [first, second, ..] = hash;
    let written = detail["sha256"].as_str().unwrap();
    assert!(written.len() == 64 && written.starts_with(&format!("{first:02x}{second:02x}")));
    assert!(store.verify_ledger(None).await.unwrap().first_bad.is_none());

    // The original was not released: sent again, it does not pass.
    let (envelope, identity) = (envelope(), Identity::of(&original));
    let resend = Resend {
        identity: &identity,
        envelope: &envelope,
        values: &[],
    };
    assert_eq!(store.was_released(resend, now).await, Ok(None));
}

#[tokio::test]
async fn a_version_goes_out_for_its_own_hold_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1).await;
    let version = |byte: u8| {
        let line = format!(
            "X-Beadle-Changed: names of pupils to initials, by review; {}\r\n",
            id(byte)
        );
        Bytes::from([line.as_bytes(), b"Subject: O.W.\r\n\r\nO.W.\r\n"].concat())
    };
    let desk = desk(&store);
    for foreign in [version(2), Bytes::from_static(MESSAGE), Bytes::new()] {
        assert_eq!(
            desk.release_initials(id(1), by("yes"), To::All, foreign)
                .await,
            Err(DeskError::Foreign)
        );
    }
    let first = desk.release_initials(id(1), by("yes"), To::All, version(1));
    let beside = open(folder.path()).await;
    let second_desk = self::desk(&beside);
    let second = second_desk.release(id(1), by("as it is"), To::All);
    let (first, second) = tokio::join!(first, second);
    let lost = match (first, second) {
        (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
        other => panic!("one decides: {other:?}"),
    };
    assert!(matches!(
        lost,
        DeskError::Store(StoreError::Conflict { .. })
    ));
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 1);
}
