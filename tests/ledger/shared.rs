//! The same ledger in PostgreSQL, where several nodes write it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use beadle::mail::QueueId;
use beadle::store::ledger::action;
use beadle::store::{Against, Config, Custody, DatabaseConfig, MasterKey, Refusal, Verified};
use serde_json::json;
use sqlx::PgPool;

use crate::rig::{at, fill, found};
use crate::servers::postgres::Postgres;

/// A node on this database; the password goes the way that is allowed.
async fn node(folder: &Path, url: &str) -> Custody {
    let (before, rest) = url.split_once("://beadle:").unwrap();
    let (password, place) = rest.split_once('@').unwrap();
    let file = folder.join("password");
    std::fs::write(&file, password).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = Config {
        database: DatabaseConfig {
            password_file: Some(file),
            url: format!("{before}://beadle@{place}"),
            ..DatabaseConfig::default()
        },
        ..Config::new(folder)
    };
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

async fn verify(store: &Custody, kept: &str) -> Verified {
    let against = Against {
        kept: Some(kept),
        ..Against::default()
    };
    store.prove_ledger(against).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_write_one_chain() {
    const EACH: i64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().await.fresh_url().await;
    let (one, two) = (
        node(folder.path(), &url).await,
        node(folder.path(), &url).await,
    );
    let writers = [one.clone(), two.clone(), one.clone(), two.clone()]
        .map(|store| tokio::spawn(async move { fill(&store, 1..=EACH).await }));
    let mut first = one.notary("", at(0)).await.unwrap();
    let mut second = two.notary("", at(0)).await.unwrap();
    assert_eq!(first.key(), second.key());
    for writer in writers {
        first.sign(at(1)).await.unwrap();
        second.sign(at(1)).await.unwrap();
        writer.await.unwrap();
    }
    first.sign(at(2)).await.unwrap();
    let verified = two.prove_ledger(Against::default()).await.unwrap();
    assert_eq!(
        (found(&verified), verified.entries),
        (vec![], 4 * 1_000 + 1)
    );
    assert!(verified.checkpoints >= 2);
}

#[tokio::test]
async fn it_proves_there_what_it_proves_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().await.fresh_url().await;
    let store = node(folder.path(), &url).await;
    fill(&store, 1..=40).await;
    let refusal = Refusal {
        id: QueueId::from_random([7; 10]),
        at: at(70),
        rules: vec!["names-outside".to_owned()],
        categories: vec![],
        explanation: String::new(),
        severity: None,
        people: 0,
        origin: beadle::store::Origin::default(),
    };
    store.record_refusal(&refusal).await.unwrap();
    for (roster, noted) in [(1, true), (1, false), (2, true)] {
        let roster = json!({ "people": roster });
        let done = store.note_in_force("mail", action::ROSTER, &roster, at(71));
        assert_eq!(done.await, Ok(noted));
    }
    let mut notary = store.notary("", at(80)).await.unwrap();
    let kept = notary.sign(at(80)).await.unwrap().unwrap();
    assert_eq!(found(&verify(&store, &kept).await), []);

    let of = async |about: Option<&str>, actor: Option<&str>| {
        store.ledger_of(1, 99, about, actor).await.unwrap().len()
    };
    let id = refusal.id.to_string();
    assert_eq!(of(None, None).await, 44);
    assert_eq!(of(Some(&id), None).await, 1);
    assert_eq!(of(None, Some("a.reviewer")).await, 10);
    assert_eq!(of(Some("mail"), Some("relay")).await, 2);

    let erased = store.erase_person("a.reviewer", ("dpo", "left"), at(90));
    assert_eq!(erased.await, Ok((10, 0)));
    let verified = verify(&store, &kept).await;
    assert_eq!((found(&verified), verified.erased), (vec![], 10));

    let pool = PgPool::connect(&url).await.unwrap();
    for statement in [
        "UPDATE ledger SET detail = '{}' WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 45",
        "UPDATE ledger_person SET actor = 'x'",
        "UPDATE checkpoint SET at = 0",
        "DELETE FROM checkpoint",
        "TRUNCATE checkpoint",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&pool).await;
        assert!(refused.is_err(), "{statement}");
    }
    for (statement, kind, entry) in [
        (
            "UPDATE ledger_person SET actor = 'x' WHERE seq = 1",
            "name-changed",
            1,
        ),
        (
            "DELETE FROM ledger WHERE seq >= 44; DELETE FROM checkpoint",
            "truncated",
            44,
        ),
        (
            "UPDATE ledger SET detail = '{}' WHERE seq = 30",
            "changed",
            30,
        ),
        ("DELETE FROM ledger WHERE seq = 20", "missing", 20),
    ] {
        let script = format!(
            "ALTER TABLE ledger DISABLE TRIGGER USER; ALTER TABLE ledger_person DISABLE TRIGGER USER; \
             ALTER TABLE checkpoint DISABLE TRIGGER USER; {statement}"
        );
        let tampering = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        tampering.execute(&pool).await.unwrap();
        assert_eq!(
            found(&verify(&store, &kept).await)[0],
            (kind, entry),
            "{statement}"
        );
    }
}
