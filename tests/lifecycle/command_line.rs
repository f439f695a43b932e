//! The same by `beadle holds`.

use std::process::{Command, Output};

use beadle::store::HoldState;

use super::*;

fn holds(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beadle"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("BEADLE_CONFIG")
        .arg("holds")
        .args(args)
        .args(["--data-dir", folder.to_str().unwrap()])
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Exit code 1 with this on standard error.
fn refused(output: &Output, with: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(with), "{with} in {error}");
}

#[tokio::test]
async fn a_hold_is_claimed_shown_and_sent_without_its_list() {
    let folder = tempfile::tempdir().unwrap();
    one_person(folder.path()).await.close().await;
    let (folder, hold) = (folder.path(), id(1).to_string());
    let claimed = said(&holds(folder, &["claim", &hold, "--actor", "ann"]));
    assert!(
        claimed.starts_with(&format!("ann has {hold} until 20")),
        "{claimed}"
    );
    refused(
        &holds(folder, &["claim", &hold, "--actor", "bob"]),
        "ann has claimed it",
    );
    let listed = said(&holds(folder, &["list"]));
    assert!(
        listed.contains("claimed  teacher@trust.example -> ")
            && listed.contains("  claimed by ann"),
        "{listed}"
    );
    let lines = said(&holds(folder, &["list", "--output", "jsonl"]));
    let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(
        (&line["state"], &line["claimed_by"], &line["legal_hold"]),
        (&"claimed".into(), &"ann".into(), &false.into())
    );
    let kept = [
        "legal-hold",
        &hold,
        "--reason",
        "case 2026/4",
        "--actor",
        "dpo",
    ];
    said(&holds(folder, &kept));
    let shown = said(&holds(folder, &["show", &hold, "--actor", "ann"]));
    for line in [
        "Version    3\n",
        "Claimed    by ann until 20",
        "Legal hold by dpo since 20",
        "attachment:pupils.csv\n",
        "dpo: case 2026/4\n",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let mut lift = kept.to_vec();
    lift.push("--lift");
    said(&holds(folder, &lift));
    let release = [
        "release",
        &hold,
        "--without",
        "1",
        "--to",
        "a@home.example",
        "--reason",
        "list not needed",
        "--actor",
        "ann",
    ];
    let mut encrypted = release.to_vec();
    encrypted.push("--encrypt");
    let output = holds(folder, &encrypted);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no next hop encrypts"));
    let sent = said(&holds(folder, &release));
    assert!(
        sent.contains("without attachment 1; it is on its way"),
        "{sent}"
    );
    let store = open(folder).await;
    let leases = store.lease_due(start() + DAY, "w", 10, DAY).await.unwrap();
    assert_eq!(leases[0].envelope.rcpts, envelope().rcpts[..1]);
    let message = store.delivery_message(&leases[0]).await.unwrap();
    assert!(!String::from_utf8_lossy(&message).contains("pupils"));
}

#[tokio::test]
async fn a_release_that_takes_two_is_asked_for_and_not_approved_from_the_same_login() {
    let folder = tempfile::tempdir().unwrap();
    needs_two(folder.path()).await.close().await;
    let (folder, hold) = (folder.path(), id(1).to_string());
    let asked = said(&holds(
        folder,
        &[
            "release",
            &hold,
            "--reason",
            "parents agreed",
            "--actor",
            "ann",
        ],
    ));
    assert!(asked.contains("two people release this message"), "{asked}");
    let shown = said(&holds(folder, &["show", &hold, "--actor", "bob"]));
    for line in [
        "State      awaiting\n",
        "Release    takes two people\n",
        "Asked for  by ann at 20",
        "release as it is held, to a@home.example, b@home.example; mark ",
        "parents agreed",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let approve = |actor| {
        let reason = "so it is";
        holds(
            folder,
            &["approve", &hold, "--reason", reason, "--actor", actor],
        )
    };
    refused(&approve("ann"), "the name is the requester's");
    // This machine knows one login here, so another name is no second person.
    refused(&approve("bob"), "a second person must decide");
    let decline = ["decline", &hold, "--reason", "not yet", "--actor", "bob"];
    said(&holds(folder, &decline));
    refused(&holds(folder, &decline), "no release waits");
    let store = open(folder).await;
    let state = store.open_hold(id(1)).await.unwrap().summary.state;
    assert_eq!(state, HoldState::Held);
}

#[tokio::test]
async fn the_person_at_the_machine_approves_what_somebody_else_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let (folder, hold) = (folder.path(), id(1).to_string());
    desk(&store, "uid 424242")
        .release_or_ask(
            id(1),
            by("cat", "fine"),
            &beadle::quarantine::To::All.into(),
        )
        .await
        .unwrap();
    store.close().await;
    refused(
        &holds(folder, &["withdraw", &hold, "--actor", "cat"]),
        "only cat, who asked",
    );
    let stale = [
        "approve",
        &hold,
        "--reason",
        "yes",
        "--actor",
        "bob",
        "--version",
        "1",
    ];
    refused(&holds(folder, &stale), "already awaiting by cat");
    let sent = said(&holds(
        folder,
        &["approve", &hold, "--reason", "so it is", "--actor", "bob"],
    ));
    assert!(
        sent.contains("as it was asked for") && sent.contains("to a@home.example"),
        "{sent}"
    );
    let shown = said(&holds(folder, &["show", &hold, "--actor", "bob"]));
    let history = shown.split("History\n").nth(1).unwrap();
    let acts: Vec<&str> = history
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(
        acts,
        ["held", "requested", "approved", "released", "opened"]
    );
}
