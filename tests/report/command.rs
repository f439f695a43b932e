//! `beadle report` as people run it.

use std::path::Path;
use std::process::{Command, Output};

use beadle::app::config::Config;
use beadle::app::wiring;
use beadle::store::IncidentDraft;

use crate::custody::new_hold;

fn beadle(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beadle"))
        .arg("report")
        .args(args)
        .arg("--data-dir")
        .arg(folder)
        .env_remove("BEADLE_CONFIG")
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_writes_every_form_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut config = Config::default();
    config.server.data_dir = path.into();
    let store = wiring::open_store(&config, false).await.unwrap();
    let mut new = new_hold(1);
    new.received_at = std::time::SystemTime::now();
    store.hold(new).await.unwrap();
    let draft = IncidentDraft::default();
    let now = std::time::SystemTime::now();
    let breach = store.open_incident(draft, "a.dpo", now).await.unwrap();
    store.close().await;

    let text = beadle(path, &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("Held for review") && text.contains("1 waiting"),
        "{text}"
    );
    for (name, begins) in [
        ("a.pdf", "%PDF-1.7"),
        ("a.html", "<!DOCTYPE html>"),
        ("a.xlsx", "PK"),
        ("a.csv", "\u{feff}Mail protection"),
        ("a.json", "{"),
    ] {
        let file = path.join(name);
        let done = beadle(path, &["near-misses", "--out", file.to_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
        let bytes = std::fs::read(&file).unwrap();
        let begins = begins.replace("Mail protection", "Register of near misses");
        assert!(bytes.starts_with(begins.as_bytes()), "{name}");
    }
    let sheet = beadle(path, &["breach", &breach.reference().to_string()]);
    let sheet = String::from_utf8(sheet.stdout).unwrap();
    assert!(sheet.contains("Left of the 72 hours"), "{sheet}");
    let retention = beadle(path, &["retention", "--format", "json"]);
    assert!(retention.status.success(), "{retention:?}");

    let code = |args: &[&str]| beadle(path, args).status.code();
    assert_eq!(code(&["breach", "ZZZZ-ZZZZ"]), Some(1));
    assert_eq!(code(&["breach"]), Some(2));
    assert_eq!(code(&["--school", "oak"]), Some(2));
    assert_eq!(
        code(&["--from", "2026-02-02", "--to", "2026-02-01"]),
        Some(2)
    );
    assert_eq!(code(&["--from", "yesterday"]), Some(2));
}
