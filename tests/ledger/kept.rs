//! Checkpoints in the places where they are kept, a relay that starts and stops, and the command line.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use beadle::app::checkpoints::{self, Checkpoints, Places};
use beadle::app::config::{Admin, Config, Listener, Server, Trust};
use beadle::app::wiring;
use beadle::store::checkpoint::notes;
use beadle::store::{Against, Custody};
use serde_json::Value;
use tokio::net::{UdpSocket, UnixDatagram};

use crate::rig::{Rig, at, fill, found, open};

fn config(folder: &Path) -> Config {
    let loopback = "127.0.0.1:0".parse().unwrap();
    let config = Config {
        server: Server {
            name: "mail.trust.example".to_owned(),
            data_dir: folder.to_owned(),
            maildir: Some(folder.join("maildir")),
            ..Server::default()
        },
        trust: Trust {
            internal_domains: vec!["trust.example".to_owned()],
            ..Trust::default()
        },
        listener: vec![Listener {
            address: loopback,
            ..Listener::default()
        }],
        admin: Admin {
            listen: Some(loopback),
        },
        ..Config::default()
    };
    config.completed()
}

async fn checkpoints(config: &Config, store: &Custody) -> Checkpoints {
    let places = Places::of(config).unwrap();
    Checkpoints::open(store, places, at(0)).await.unwrap()
}

#[tokio::test]
async fn a_checkpoint_goes_to_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(folder.path());
    config.ledger.syslog = format!("udp:{}", udp.local_addr().unwrap());
    config.ledger.mail_to = vec!["auditor@audit.example".to_owned()];
    config.ledger.file = Some(folder.path().join("elsewhere"));
    let keeping = checkpoints(&config, &store).await;
    fill(&store, 1..=5).await;
    let first = keeping.write(true, at(10)).await.unwrap().unwrap();
    fill(&store, 6..=9).await;
    let second = keeping.write(true, at(20)).await.unwrap().unwrap();

    let text = checkpoints::read(&folder.path().join("elsewhere")).unwrap();
    assert_eq!(notes(&text), [first.as_str(), second.as_str()]);

    let mut lines = String::new();
    for _ in 0..2 {
        let mut room = [0; 2_048];
        let length = udp.recv(&mut room).await.unwrap();
        lines += std::str::from_utf8(&room[..length]).unwrap();
        lines += "\n";
    }
    assert!(
        lines.starts_with("<109>1 2026-11-28T14:00:10Z mail.trust.example beadle "),
        "{lines}"
    );
    assert_eq!(notes(&lines), [first.as_str(), second.as_str()]);

    // One letter a day, in the queue, and in the ledger as what was told.
    let queue = store.list_queue(None, 10).await.unwrap();
    assert_eq!(queue.len(), 1);
    let lease = store
        .lease_due(at(30), "test", 1, Duration::from_mins(1))
        .await
        .unwrap()
        .remove(0);
    let letter = store.delivery_message(&lease).await.unwrap();
    let letter = mail_parser::MessageParser::default()
        .parse(&letter)
        .unwrap();
    assert_eq!(notes(&letter.body_text(0).unwrap()), [first.as_str()]);
    assert_eq!(
        letter.header_raw("Auto-Submitted").unwrap().trim(),
        "auto-generated"
    );
    let told = store.ledger_of(1, 99, None, Some("relay")).await.unwrap();
    let told: Vec<_> = told.iter().filter(|entry| entry.action == "told").collect();
    assert_eq!(
        (told.len(), told[0].detail.as_str()),
        (1, r#"{"kind":"checkpoint","to":"auditor"}"#)
    );

    for kept in [text, lines] {
        let against = Against {
            kept: Some(&kept),
            ..Against::default()
        };
        let verified = store.prove_ledger(against).await.unwrap();
        assert_eq!((found(&verified), verified.checkpoints), (vec![], 2));
    }
}

#[tokio::test]
async fn a_unix_socket_takes_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let path = folder.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut config = config(folder.path());
    config.ledger.syslog = format!("unix:{}", path.display());
    fill(&store, 1..=5).await;
    let note = checkpoints(&config, &store).await.write(true, at(10)).await;
    let mut room = [0; 2_048];
    let length = socket.recv(&mut room).await.unwrap();
    let line = std::str::from_utf8(&room[..length]).unwrap();
    assert_eq!(notes(line), [note.unwrap().unwrap().as_str()]);
}

#[tokio::test]
async fn a_place_that_fails_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut config = config(folder.path());
    config.ledger.file = Some(folder.path().join("no/such/folder"));
    config.ledger.syslog = "unix:/nonexistent".to_owned();
    let keeping = checkpoints(&config, &store).await;
    fill(&store, 1..=5).await;
    let note = keeping.write(true, at(10)).await.unwrap();
    assert!(note.is_some());
    let verified = store.prove_ledger(Against::default()).await.unwrap();
    assert_eq!(verified.checkpoints, 1, "the database has it");
}

#[test]
fn places_that_are_none_are_explained() {
    let folder = Path::new("/nonexistent");
    let mut wrong = config(folder);
    wrong.ledger.syslog = "tcp:x".to_owned();
    assert!(
        Places::of(&wrong)
            .unwrap_err()
            .contains("ledger.syslog: found `tcp:x`; allowed:")
    );
    let mut wrong = config(folder);
    wrong.ledger.mail_to = vec!["nobody".to_owned()];
    assert!(
        Places::of(&wrong)
            .unwrap_err()
            .contains("ledger.mail_to: found `nobody`; allowed:")
    );
}

/// A crash while the file is written leaves half a note; the next one is whole.
#[tokio::test]
async fn half_a_note_in_the_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let config = config(folder.path());
    let path = checkpoints::file(&config);
    fill(&store, 1..=5).await;
    let first = checkpoints(&config, &store).await.write(true, at(10)).await;
    let first = first.unwrap().unwrap();
    for cut in [1, 30, first.len() - 2] {
        std::fs::write(&path, format!("{first}\n{}", &first[..cut])).unwrap();
        fill(&store, 6..=7).await;
        let next = checkpoints(&config, &store).await.write(true, at(20)).await;
        let text = checkpoints::read(&path).unwrap();
        let read = notes(&text);
        assert_eq!(read[0], first);
        assert_eq!(read.last(), next.unwrap().as_ref());
        let against = Against {
            kept: Some(&text),
            ..Against::default()
        };
        let verified = store.prove_ledger(against).await.unwrap();
        assert_eq!(found(&verified), [], "{cut}");
    }
}

async fn acts(store: &Custody) -> Vec<(String, String)> {
    let entries = store.ledger(1, 100).await.unwrap();
    let acts = entries
        .into_iter()
        .filter(|entry| entry.action != "policy-adopted");
    acts.map(|entry| (entry.action, entry.subject)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_says_when_it_ran_and_with_what() {
    const NODE: &str = "mail.trust.example";
    let folder = tempfile::tempdir().unwrap();
    let named = |actions: &[&str]| -> Vec<(String, String)> {
        let subject = |action: &str| match action {
            "ledger-key" | "key-added" => "",
            _ => NODE,
        };
        let acts = actions
            .iter()
            .map(|action| ((*action).to_owned(), subject(action).to_owned()));
        acts.collect()
    };
    let mut settings = config(folder.path());
    wiring::start(settings.clone()).await.unwrap().stop().await;
    let mut expected = vec![
        "key-added",
        "ledger-key",
        "started",
        "configuration",
        "roster",
        "stopped",
    ];
    assert_eq!(acts(&open(folder.path()).await).await, named(&expected));

    // The same again, and nothing to say of it.
    wiring::start(settings.clone()).await.unwrap().stop().await;
    expected.extend(["started", "stopped"]);
    assert_eq!(acts(&open(folder.path()).await).await, named(&expected));

    // Another configuration, and a roster by reload.
    let roster = folder.path().join("roster.csv");
    std::fs::write(&roster, include_bytes!("../../patterns/sample/roster.csv")).unwrap();
    settings.server.judging = 3;
    let running = wiring::start(settings.clone()).await.unwrap();
    settings.trust.roster = vec![roster];
    running.reload(settings).await;
    running.stop().await;
    let store = open(folder.path()).await;
    expected.extend([
        "started",
        "configuration",
        "configuration",
        "roster",
        "stopped",
    ]);
    assert_eq!(acts(&store).await, named(&expected));
    let entries = store.ledger_of(1, 100, Some(NODE), None).await.unwrap();
    let details = |action: &str| -> Vec<Value> {
        let entries = entries.iter().filter(|entry| entry.action == action);
        entries
            .map(|entry| serde_json::from_str(&entry.detail).unwrap())
            .collect()
    };
    let configurations = details("configuration");
    assert_eq!(configurations[0]["before"], Value::Null);
    assert_eq!(configurations[1]["before"], configurations[0]["after"]);
    assert_eq!(configurations[2]["after"].as_str().unwrap().len(), 64);
    let rosters = details("roster");
    assert_eq!(rosters[1]["before"]["people"], 0);
    assert_eq!(rosters[1]["after"]["people"], 64);
    let sum = Command::new("sha256sum")
        .arg(folder.path().join("roster.index"))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(
        sum.starts_with(rosters[1]["after"]["sha256"].as_str().unwrap()),
        "{sum}"
    );

    // The last thing a node does is to sign: everything is covered by its file.
    let file = checkpoints::read(&folder.path().join(checkpoints::FILE)).unwrap();
    let against = Against {
        kept: Some(&file),
        ..Against::default()
    };
    let verified = store.prove_ledger(against).await.unwrap();
    assert_eq!((found(&verified), verified.checkpoints), (vec![], 3));
    let last = notes(&file).pop().unwrap();
    assert!(
        last.contains(&format!("\n{}\n", verified.head.seq)),
        "{last}"
    );
}

fn beadle(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beadle"))
        .arg("ledger")
        .args(arguments)
        .arg("--data-dir")
        .arg(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn an_auditor_works_from_the_command_line() {
    let rig = Rig::new().await;
    let folder = rig.folder.path();
    let kept = folder.join("kept");
    std::fs::write(&kept, &rig.kept).unwrap();
    let kept = kept.to_str().unwrap();

    let key = beadle(folder, &["key"]);
    assert_eq!(text(&key), format!("{}\n", rig.key));
    let file = folder.join("key");
    std::fs::write(&file, key.stdout).unwrap();

    let good = beadle(
        folder,
        &[
            "verify",
            "--checkpoints",
            kept,
            "--key",
            file.to_str().unwrap(),
        ],
    );
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert!(
        text(&good).starts_with("60 entries follow one another, 1 to 60; head "),
        "{good:?}"
    );
    assert!(text(&good).ends_with("3 signed checkpoints\n"), "{good:?}");

    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 30")
        .await;
    let bad = beadle(folder, &["verify", "--output", "json"]);
    assert_eq!(bad.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(
        (&found["good"], &found["head"]["seq"]),
        (&Value::from(false), &Value::from(29))
    );
    assert_eq!(found["faults"][0]["kind"], "changed");
    assert_eq!(found["faults"][0]["entry"], 30);
    assert!(String::from_utf8_lossy(&bad.stderr).contains("not as it was written"));
    let wrong = beadle(folder, &["verify", "--key", "nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = beadle(folder, &["verify", "--checkpoints", "/nonexistent"]);
    assert_eq!(wrong.status.code(), Some(3));
}

#[tokio::test]
async fn an_administrator_lists_signs_and_erases() {
    let rig = Rig::new().await;
    let folder = rig.folder.path();
    let signed = beadle(folder, &["checkpoint"]);
    assert_eq!(text(&signed), "nothing came since the last checkpoint\n");
    fill(&rig.store, 61..=61).await;
    let signed = text(&beadle(folder, &["checkpoint"]));
    assert_eq!(notes(&signed), [signed.as_str()]);

    let list = text(&beadle(
        folder,
        &["list", "--limit", "2", "--output", "jsonl"],
    ));
    let lines: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[1]["seq"]), (2, &Value::from(61)));
    assert_eq!(lines[1]["actor"], "b.reviewer");
    assert_eq!(lines[1]["detail"]["number"], 61);
    let list = text(&beadle(
        folder,
        &[
            "list",
            "--since",
            "1",
            "--limit",
            "3",
            "--actor",
            "a.reviewer",
        ],
    ));
    assert_eq!(list.lines().count(), 3);
    assert!(
        list.starts_with("      4  2026-11-28T14:00:04Z  a.reviewer "),
        "{list}"
    );

    let erased = beadle(
        folder,
        &[
            "erase-person",
            "b.reviewer",
            "--reason",
            "left, and asks",
            "--actor",
            "dpo",
        ],
    );
    assert!(
        text(&erased).starts_with("erased from 15 entries"),
        "{erased:?}"
    );
    let again = beadle(folder, &["erase-person", "b.reviewer", "--reason", "left"]);
    assert_eq!(again.status.code(), Some(1));
    let none = beadle(folder, &["erase-person", "b.reviewer", "--reason", "..."]);
    assert_eq!(none.status.code(), Some(2));
}
