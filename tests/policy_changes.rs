//! A change of the policy needs a second person: proposed, approved, rejected, put into force in an emergency; and what a relay refuses.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use beadle::app::config::{Admin, Config, Listener, Server, Trust};
use beadle::app::policy::{PolicyCommandError, propose};
use beadle::app::{check, wiring};
use beadle::mail::QueueId;
use beadle::store::{
    Configured, Custody, Person, ProposalError, ProposalState, Standing, policy_sha256,
};

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

const HEAD: Person<'_> = Person {
    actor: "a.head",
    login: "uid 1001",
};
const DPO: Person<'_> = Person {
    actor: "b.dpo",
    login: "uid 1002",
};

/// A policy whose one rule has this id.
fn policy(rule: &str) -> String {
    format!(
        "name = \"own\"\ntitle = \"Own\"\n[[rule]]\nid = \"{rule}\"\ntitle = \"A rule\"\nclause = \"1\"\naction = \"hold\"\n\
         remedy = \"Ask.\"\nwhen = {{ recipients = [\"outside\"], unread = [\"any\"] }}\n"
    )
}

fn config(folder: &Path, policy: &str) -> Config {
    let loopback = "127.0.0.1:0".parse().unwrap();
    let roster = folder.join("roster.csv");
    std::fs::write(&roster, ROSTER).unwrap();
    Config {
        server: Server {
            data_dir: folder.join("data"),
            maildir: Some(folder.join("maildir")),
            ..Server::default()
        },
        trust: Trust {
            policy: policy.to_owned(),
            internal_domains: vec!["trust.example".to_owned()],
            roster: vec![roster],
            ..Trust::default()
        },
        listener: vec![Listener {
            address: loopback,
            ..Listener::default()
        }],
        admin: Admin { listen: None },
        ..Config::default()
    }
}

/// The actions in the ledger, which must verify.
async fn ledger(store: &Custody) -> Vec<String> {
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
    let entries = store.ledger(1, 100).await.unwrap();
    entries.into_iter().map(|entry| entry.action).collect()
}

fn rule(running: &wiring::Running) -> String {
    running.policy().rules[0].id.to_string()
}

async fn proposed(store: &Custody, settings: &Config, file: &Path, by: Person<'_>) -> QueueId {
    let now = SystemTime::now();
    propose(store, settings, file, "the document changed", by, now)
        .await
        .unwrap()
}

async fn nobody_approves_their_own(store: &Custody, id: QueueId) {
    let now = SystemTime::now();
    for (person, emergency) in [
        (HEAD, false),
        (
            Person {
                actor: "c.other",
                ..HEAD
            },
            false,
        ),
        (Person { login: "", ..DPO }, false),
        (DPO, true),
    ] {
        let tried = store
            .approve_policy(id, person, "fine", emergency, now)
            .await;
        assert!(
            matches!(
                tried,
                Err(ProposalError::SamePerson(_) | ProposalError::NotRequester(_))
            ),
            "{person:?}: {tried:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_waits_for_a_second_person() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, policy("first")).unwrap();
    let settings = config(folder.path(), &file.display().to_string());
    let running = wiring::start(settings.clone()).await.unwrap();
    let store = running.store.clone();
    assert_eq!(ledger(&store).await, ["policy-adopted"]);

    std::fs::write(&file, policy("second")).unwrap();
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "first", "not approved, not enforced");

    let id = proposed(&store, &settings, &file, HEAD).await;
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "first", "proposed is not approved");
    let now = SystemTime::now();
    nobody_approves_their_own(&store, id).await;
    let state = store
        .approve_policy(id, DPO, "fine", false, now)
        .await
        .unwrap();
    assert_eq!(state, ProposalState::Approved);
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "second");
    let again = store.approve_policy(id, DPO, "fine", false, now).await;
    assert_eq!(again, Err(ProposalError::Decided(ProposalState::Approved)));

    // Back to what was approved before: no second person, but an entry.
    std::fs::write(&file, policy("first")).unwrap();
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "first");
    assert_eq!(
        ledger(&store).await,
        [
            "policy-adopted",
            "policy-proposed",
            "policy-approved",
            "policy-changed",
            "policy-changed"
        ]
    );
    let entry = store.ledger(3, 1).await.unwrap().remove(0);
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
    assert_eq!(entry.actor, "b.dpo");
    assert_eq!(detail["requester"], "a.head");
    assert_eq!(detail["before"], policy_sha256(&policy("first")));
    assert_eq!(detail["sha256"], policy_sha256(&policy("second")));
    assert!(detail["reason"].as_str().unwrap().len() == 32 && !entry.detail.contains("fine"));
    running.stop().await;

    std::fs::write(&file, policy("third")).unwrap();
    let error = wiring::start(settings.clone())
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    let (first, third) = (
        policy_sha256(&policy("first")),
        policy_sha256(&policy("third")),
    );
    for part in [
        "own.toml",
        &third[..12],
        &first[..12],
        "approved",
        "beadle policy propose --file",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_in_force_and_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, policy("first")).unwrap();
    let settings = config(folder.path(), &file.display().to_string());
    let running = wiring::start(settings.clone()).await.unwrap();
    let store = running.store.clone();
    let now = SystemTime::now();
    std::fs::write(&file, policy("urgent")).unwrap();
    let id = proposed(&store, &settings, &file, HEAD).await;
    let state = store
        .approve_policy(id, HEAD, "now", true, now)
        .await
        .unwrap();
    assert_eq!(state, ProposalState::Emergency);
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "urgent");
    let said = checked(&settings).await;
    assert!(said.contains("a second person must approve it"), "{said}");
    let own = store.reject_policy(id, HEAD, "mistake", now).await;
    assert!(matches!(own, Err(ProposalError::SamePerson(_))), "{own:?}");
    let state = store
        .approve_policy(id, DPO, "seen", false, now)
        .await
        .unwrap();
    assert_eq!(state, ProposalState::Approved);
    let said = checked(&settings).await;
    assert!(!said.contains("a second person must approve it"), "{said}");
    assert!(said.contains("the policy file is approved"), "{said}");
    assert_eq!(
        ledger(&store).await,
        [
            "policy-adopted",
            "policy-proposed",
            "policy-emergency",
            "policy-changed",
            "policy-approved"
        ]
    );
    running.stop().await;
}

async fn checked(settings: &Config) -> String {
    let mut settings = settings.clone();
    // The program of this test is no worker: not long waited for.
    settings.worker.file_seconds = 1;
    let mut out = Vec::new();
    check::run(&settings, true, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_turned_down_is_not_enforced_even_as_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, policy("lax")).unwrap();
    let built_in = config(folder.path(), "standard");
    let running = wiring::start(built_in.clone()).await.unwrap();
    let store = running.store.clone();
    assert!(
        ledger(&store).await.is_empty(),
        "a first built-in policy changes nothing"
    );
    let id = proposed(&store, &built_in, &file, HEAD).await;
    let now = SystemTime::now();
    store.reject_policy(id, DPO, "too lax", now).await.unwrap();
    assert_eq!(
        store.approve_policy(id, DPO, "after all", false, now).await,
        Err(ProposalError::Decided(ProposalState::Rejected))
    );
    let settings = config(folder.path(), &file.display().to_string());
    running.reload(settings.clone()).await;
    assert_eq!(&*running.policy().name, "standard");
    let said = checked(&settings).await;
    assert!(said.contains("which nobody approved"), "{said}");
    assert_eq!(ledger(&store).await, ["policy-proposed", "policy-rejected"]);
    let found = store
        .find_policy_proposal(&id.to_string()[..6])
        .await
        .unwrap();
    assert_eq!(
        (found.state, found.approver.as_deref()),
        (ProposalState::Rejected, Some("b.dpo"))
    );
    let opened = store.open_policy_proposal(id).await.unwrap();
    assert_eq!(
        (opened.text.as_str(), opened.reason.as_str()),
        (policy("lax").as_str(), "the document changed")
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_say_that_one_person_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    let alone = |rule: &str| format!("{}[changes]\nsecond_person = false\n", policy(rule));
    std::fs::write(&file, alone("first")).unwrap();
    let settings = config(folder.path(), &file.display().to_string());
    let running = wiring::start(settings.clone()).await.unwrap();
    std::fs::write(&file, policy("second")).unwrap();
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "second");
    // That one asks for a second person again.
    std::fs::write(&file, alone("third")).unwrap();
    running.reload(settings.clone()).await;
    assert_eq!(rule(&running), "second");
    // A built-in policy in between takes nothing away from that.
    running.reload(config(folder.path(), "standard")).await;
    assert_eq!(&*running.policy().name, "standard");
    running.reload(settings.clone()).await;
    assert_eq!(&*running.policy().name, "standard");
    assert_eq!(
        ledger(&running.store).await,
        ["policy-adopted", "policy-changed", "policy-changed"]
    );
    running.stop().await;
}

#[tokio::test]
async fn only_a_policy_without_errors_is_proposed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config(folder.path(), "standard");
    let store = wiring::open_store(&settings, true).await.unwrap();
    let file = folder.path().join("own.toml");
    let now = SystemTime::now();
    let exception = |days: &str| {
        format!(
            "{}[[exception]]\nid = \"e\"\nrules = [\"r\"]\nsenders = [\"a@trust.example\"]\nreason = \"r\"\napprover = \"dpo\"\n{days}\n",
            policy("r")
        )
    };
    for (text, why) in [
        ("name = 1".to_owned(), "mistake"),
        (
            policy("r").replace("unread = [\"any\"]", "except_recipients = [\"any\"]"),
            "can never fire",
        ),
        (
            exception("starts = 2026-01-01\nexpires = 2026-12-31"),
            "lasts 365 days; changes.max_days allows 90",
        ),
        (
            exception("expires = 2099-01-01"),
            "changes.max_days allows 90",
        ),
    ] {
        std::fs::write(&file, &text).unwrap();
        let error = propose(&store, &settings, &file, "why", HEAD, now)
            .await
            .unwrap_err();
        assert!(
            error.is_unusable() && error.to_string().contains(why),
            "{why}: {error}"
        );
    }
    std::fs::write(
        &file,
        exception("starts = 2026-01-01\nexpires = 2026-03-31"),
    )
    .unwrap();
    let error = propose(&store, &settings, &file, " ", HEAD, now)
        .await
        .unwrap_err();
    assert!(matches!(error, PolicyCommandError::NoReason));
    let id = proposed(&store, &settings, &file, HEAD).await;
    let error = propose(&store, &settings, &file, "again", DPO, now)
        .await
        .unwrap_err();
    assert!(
        error.is_no() && error.to_string().contains(&id.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn nodes_that_start_at_once_adopt_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config(folder.path(), "standard");
    let store = wiring::open_store(&settings, true).await.unwrap();
    let (one, other) = (policy("one"), policy("other"));
    let file = |text| Configured::File {
        text,
        second_person: true,
    };
    let now = SystemTime::now();
    let (a, b) = tokio::join!(
        store.admit_policy(file(&one), now),
        store.admit_policy(file(&other), now + Duration::from_secs(1))
    );
    let standings = [a.unwrap(), b.unwrap()];
    let first = standings.iter().filter(|s| **s == Standing::First).count();
    assert_eq!(first, 1, "{standings:?}");
    assert!(
        standings
            .iter()
            .any(|s| matches!(s, Standing::Unknown { .. }))
    );
    assert_eq!(ledger(&store).await, ["policy-adopted"]);
}
