//! The ledger proves what it says: every way to change it is found and named, nothing else is, and a leaver's name can go.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "ledger/kept.rs"]
mod kept;
#[path = "ledger/rig.rs"]
mod rig;
mod servers;
#[path = "ledger/shared.rs"]
mod shared;

use beadle::store::ledger::{ERASED, action};
use beadle::store::{Against, FaultKind, NotaryError, Refusal};
use rig::{ENTRIES, Rig, at, execute, fill, found, open};

#[tokio::test]
async fn what_nobody_touched_is_good() {
    let rig = Rig::new().await;
    for verified in [rig.verify().await, rig.verify_kept().await] {
        assert_eq!(found(&verified), []);
        assert_eq!((verified.entries, verified.head.seq), (60, ENTRIES));
        assert_eq!((verified.checkpoints, verified.erased), (3, 0));
    }
    // Fields, hashes and names are the ones that the format says, by a second hand.
    let before = rig.verify().await.head;
    rig.tamper("SELECT 1").await;
    rig.rehash(1).await;
    assert_eq!(rig.verify().await.head, before);
}

/// (what was done, the first fault's kind, its entry)
const TAMPERED: &[(&str, &str, i64)] = &[
    (
        "UPDATE ledger SET detail = '{\"number\":31}' WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET at = at + 1 WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET action = 'read' WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET subject = 'X' WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET actor = 'system' WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET actor = action, action = actor WHERE seq = 30",
        "changed",
        30,
    ),
    ("UPDATE ledger SET format = 1 WHERE seq = 30", "changed", 30),
    ("UPDATE ledger SET format = 3 WHERE seq = 30", "changed", 30),
    (
        "UPDATE ledger SET person = NULL WHERE seq = 29",
        "changed",
        29,
    ),
    (
        "UPDATE ledger SET person = hash WHERE seq = 29",
        "changed",
        29,
    ),
    (
        "UPDATE ledger SET hash = prev WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET prev = hash WHERE seq = 30",
        "changed",
        30,
    ),
    (
        "UPDATE ledger SET detail = '{}' WHERE seq = 1",
        "changed",
        1,
    ),
    (
        "UPDATE ledger SET detail = '{}' WHERE seq = 60",
        "changed",
        60,
    ),
    ("DELETE FROM ledger WHERE seq = 30", "missing", 30),
    ("DELETE FROM ledger WHERE seq = 1", "missing", 1),
    (
        "DELETE FROM ledger WHERE seq BETWEEN 30 AND 35",
        "missing",
        30,
    ),
    // Taken out, and the gap closed.
    (
        "DELETE FROM ledger WHERE seq = 30; UPDATE ledger SET seq = -seq WHERE seq > 30; UPDATE ledger SET seq = -seq - 1 WHERE seq < 0",
        "missing",
        30,
    ),
    (
        "UPDATE ledger SET seq = -30 WHERE seq = 30; UPDATE ledger SET seq = 30 WHERE seq = 31; UPDATE ledger SET seq = 31 WHERE seq = -30",
        "reordered",
        30,
    ),
    (
        "UPDATE ledger SET seq = -30 WHERE seq = 30; UPDATE ledger SET seq = 30 WHERE seq = 50; UPDATE ledger SET seq = 50 WHERE seq = -30",
        "reordered",
        30,
    ),
    ("DELETE FROM ledger WHERE seq > 59", "truncated", 60),
    ("DELETE FROM ledger", "truncated", 60),
    (
        "UPDATE ledger_person SET actor = 'c.reviewer' WHERE seq = 29",
        "name-changed",
        29,
    ),
    (
        "UPDATE ledger_person SET salt = zeroblob(16) WHERE seq = 29",
        "name-changed",
        29,
    ),
    (
        "UPDATE ledger_person SET actor = 'b.reviewer', salt = (SELECT salt FROM ledger_person WHERE seq = 33) WHERE seq = 32",
        "name-changed",
        32,
    ),
    // Names go by `erase-person` only, which says so.
    (
        "DELETE FROM ledger_person WHERE actor = 'b.reviewer'",
        "name-missing",
        1,
    ),
    (
        "INSERT INTO ledger_person SELECT 30, salt, actor FROM ledger_person WHERE seq = 29",
        "name-changed",
        30,
    ),
    (
        "UPDATE checkpoint SET hash = zeroblob(32) WHERE seq = 41",
        "checkpoint-changed",
        41,
    ),
    (
        "UPDATE checkpoint SET note = replace(note, 'time 2', 'time 1') WHERE seq = 41",
        "checkpoint-unsigned",
        41,
    ),
    (
        "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE seq = 21) WHERE seq = 41",
        "checkpoint-changed",
        41,
    ),
    (
        "INSERT INTO checkpoint SELECT 42, at, hash, note FROM checkpoint WHERE seq = 41",
        "checkpoint-changed",
        42,
    ),
];

#[tokio::test]
async fn every_kind_of_tampering_is_found_and_named() {
    for (script, kind, entry) in TAMPERED {
        let rig = Rig::new().await;
        rig.tamper(script).await;
        let verified = rig.verify().await;
        assert_eq!(found(&verified).first(), Some(&(*kind, *entry)), "{script}");
        let verified = rig.verify_kept().await;
        assert_eq!(found(&verified).first(), Some(&(*kind, *entry)), "{script}");
    }
}

#[tokio::test]
async fn an_entry_put_in_between_is_found() {
    let rig = Rig::new().await;
    rig.tamper(
        "UPDATE ledger SET seq = -seq WHERE seq >= 30; UPDATE ledger SET seq = -seq + 1 WHERE seq < 0; \
         INSERT INTO ledger SELECT 30, at, actor, 'read', subject, detail, prev, hash, format, NULL FROM ledger WHERE seq = 31",
    )
    .await;
    assert_eq!(found(&rig.verify().await)[0], ("changed", 30));
    // With a hash that fits, the next one shows it.
    let pool = rig.pool().await;
    let (at, actor, action, subject, detail): (i64, String, String, String, String) =
        sqlx::query_as("SELECT at, actor, action, subject, detail FROM ledger WHERE seq = 30")
            .fetch_one(&pool)
            .await
            .unwrap();
    let before: Vec<u8> = sqlx::query_scalar("SELECT hash FROM ledger WHERE seq = 29")
        .fetch_one(&pool)
        .await
        .unwrap();
    let fields = [&actor, &action, &subject, &detail].map(String::as_bytes);
    let hash = rig::hash_2(&before, (30, at), fields, b"");
    sqlx::query("UPDATE ledger SET prev = ?, hash = ? WHERE seq = 30")
        .bind(before)
        .bind(hash)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found(&rig.verify().await)[0], ("inserted", 31));
}

#[tokio::test]
async fn one_entry_written_anew_shows_at_the_next() {
    let rig = Rig::new().await;
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 59")
        .await;
    let pool = rig.pool().await;
    let (prev, hash): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT prev, hash FROM ledger WHERE seq = 60")
            .fetch_one(&pool)
            .await
            .unwrap();
    rig.rehash(59).await;
    sqlx::query("UPDATE ledger SET prev = ?, hash = ? WHERE seq = 60")
        .bind(prev)
        .bind(hash)
        .execute(&pool)
        .await
        .unwrap();
    let verified = rig.verify().await;
    assert_eq!(found(&verified)[0], ("rewritten", 60));
    assert_eq!(verified.faults[0].from, 42, "signed heads say since when");
}

#[tokio::test]
async fn a_ledger_written_anew_is_caught_by_what_was_signed() {
    let rig = Rig::new().await;
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 30")
        .await;
    rig.rehash(30).await;
    let verified = rig.verify().await;
    assert_eq!(found(&verified)[0], ("rewritten", 41));
    assert_eq!(verified.faults[0].from, 22);
    // The heads beside the notes are easily changed; the signed notes are not.
    let heads =
        "UPDATE checkpoint SET hash = (SELECT hash FROM ledger WHERE ledger.seq = checkpoint.seq)";
    rig.tamper(heads).await;
    let kinds = found(&rig.verify().await);
    let signed = ("checkpoint-changed", 41);
    assert!(
        kinds[0] == ("rewritten", 41) && kinds.contains(&signed),
        "{kinds:?}"
    );
    // Without any checkpoint in the database it fits itself; what was kept elsewhere shows it.
    rig.tamper("DELETE FROM checkpoint").await;
    assert_eq!(found(&rig.verify().await), []);
    let kinds = found(&rig.verify_kept().await);
    assert_eq!(
        kinds,
        [
            ("rewritten", 41),
            ("checkpoint-missing", 21),
            ("checkpoint-missing", 41),
            ("checkpoint-missing", 60)
        ]
    );
}

#[tokio::test]
async fn a_cut_is_caught_by_the_file_of_checkpoints() {
    let rig = Rig::new().await;
    rig.tamper("DELETE FROM ledger WHERE seq > 30; DELETE FROM ledger_person WHERE seq > 30; DELETE FROM checkpoint WHERE seq > 30")
        .await;
    assert_eq!(found(&rig.verify().await), [], "nothing here shows it");
    let verified = rig.verify_kept().await;
    assert_eq!(
        found(&verified),
        [
            ("truncated", 60),
            ("checkpoint-missing", 41),
            ("checkpoint-missing", 60)
        ]
    );
    assert_eq!(verified.faults[0].from, 31);
    assert!(verified.faults[0].to_string().contains("31 to 60"));
    // And whoever signs does not go on from there.
    let mut notary = rig.store.notary(&rig.kept, at(100)).await.unwrap();
    let refused = notary.sign(at(100)).await;
    assert!(
        matches!(refused, Err(NotaryError::Broken(fault)) if fault.kind == FaultKind::Truncated),
        "{refused:?}"
    );
}

#[tokio::test]
async fn another_key_is_noticed() {
    let (rig, other) = (Rig::new().await, Rig::new().await);
    let against = Against {
        key: Some(other.key),
        ..Against::default()
    };
    let verified = rig.store.prove_ledger(against).await.unwrap();
    let kinds = found(&verified);
    assert_eq!(kinds[0], ("other-key", 0));
    assert_eq!(kinds[1], ("checkpoint-unsigned", 21));
    assert_eq!(verified.checkpoints, 0);
    // Checkpoints of another ledger do not speak for this one.
    let against = Against {
        kept: Some(&other.kept),
        ..Against::default()
    };
    let verified = rig.store.prove_ledger(against).await.unwrap();
    assert_eq!(found(&verified).len(), 3);
    assert!(
        verified
            .faults
            .iter()
            .all(|fault| fault.kind == FaultKind::CheckpointUnsigned)
    );
    // Somebody without the master key takes the key away, so that a new one is made: the noted key shows it.
    rig.tamper("DELETE FROM keyring WHERE name = 'ledger'")
        .await;
    let notary = rig.store.notary("", at(200)).await.unwrap();
    assert_ne!(notary.key(), rig.key);
    assert_eq!(found(&rig.verify_kept().await), [("other-key", 0)]);
    assert_eq!(
        found(&rig.verify().await).len(),
        3,
        "nor does the new one fit the old checkpoints"
    );
}

#[tokio::test]
async fn what_is_broken_is_not_signed() {
    let rig = Rig::new().await;
    fill(&rig.store, 61..=70).await;
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 65")
        .await;
    let mut notary = rig.store.notary("", at(100)).await.unwrap();
    let refused = notary.sign(at(100)).await;
    assert!(
        matches!(refused, Err(NotaryError::Broken(fault)) if fault.entry == 65),
        "{refused:?}"
    );
    // Nor is what was written anew with hashes that fit, before the last signed head.
    let rig = Rig::new().await;
    let mut notary = rig.store.notary("", at(100)).await.unwrap();
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 30; DELETE FROM checkpoint")
        .await;
    rig.rehash(30).await;
    fill(&rig.store, 61..=61).await;
    let refused = notary.sign(at(100)).await;
    assert!(
        matches!(refused, Err(NotaryError::Broken(fault)) if fault.kind == FaultKind::Rewritten),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_leavers_name_goes_and_the_chain_holds() {
    const LEAVER: &str = "J. O'Leaver";
    let rig = Rig::new().await;
    let by_them = rig
        .store
        .ledger_of(1, 100, None, Some(LEAVER))
        .await
        .unwrap();
    assert_eq!(by_them.len(), 15);
    assert!(by_them.iter().all(|entry| entry.actor == LEAVER));
    let erased = rig
        .store
        .erase_person(LEAVER, ("dpo", "letter of 3 May"), at(90))
        .await;
    assert_eq!(erased, Ok((15, 0)));
    for verified in [rig.verify().await, rig.verify_kept().await] {
        assert_eq!((found(&verified), verified.erased), (vec![], 15));
    }
    let entries = rig.store.ledger(1, 100).await.unwrap();
    assert_eq!(entries[2].actor, ERASED);
    let last = entries.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor.as_str()),
        (action::PERSON_ERASED, "dpo")
    );
    assert!(
        last.detail.contains("\"entries\":15") && !last.detail.contains("letter"),
        "{}",
        last.detail
    );
    for file in ["beadle.db", "beadle.db-wal"] {
        let bytes = std::fs::read(rig.folder.path().join(file)).unwrap_or_default();
        assert!(
            !bytes
                .windows(LEAVER.len())
                .any(|window| window == LEAVER.as_bytes()),
            "{file}"
        );
    }
    let again = rig
        .store
        .erase_person(LEAVER, ("dpo", "again"), at(91))
        .await;
    assert_eq!(again, Ok((0, 0)));
    assert_eq!(
        rig.store.ledger_end().await,
        Ok(61),
        "nothing erased, nothing noted"
    );
    // One more name gone than entries account for.
    rig.tamper("DELETE FROM ledger_person WHERE seq = 1").await;
    assert_eq!(found(&rig.verify().await), [("name-missing", 1)]);
}

#[tokio::test]
async fn entries_of_the_first_format_still_count() {
    use aws_lc_rs::digest::{SHA256, digest};
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let rig = Rig {
        key: Rig::new().await.key,
        folder,
        store,
        kept: String::new(),
    };
    let pool = rig.pool().await;
    let mut previous = vec![0_u8; 32];
    for seq in 1..=5_i64 {
        let mut all = b"beadle ledger 1".to_vec();
        all.extend(&previous);
        all.extend(seq.to_be_bytes());
        all.extend(7_i64.to_be_bytes());
        for field in ["a.reviewer", "opened", "", "{}"] {
            all.extend((field.len() as u64).to_be_bytes());
            all.extend(field.as_bytes());
        }
        let hash = digest(&SHA256, &all).as_ref().to_vec();
        sqlx::query("INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) VALUES (?, 7, 'a.reviewer', 'opened', '', '{}', ?, ?)")
            .bind(seq)
            .bind(&previous)
            .bind(&hash)
            .execute(&pool)
            .await
            .unwrap();
        previous = hash;
    }
    fill(&rig.store, 6..=10).await;
    let verified = rig.verify().await;
    assert_eq!((found(&verified), verified.entries), (vec![], 10));
    assert_eq!(
        rig.store
            .ledger_of(1, 9, None, Some("a.reviewer"))
            .await
            .unwrap()
            .len(),
        6
    );
    rig.tamper("UPDATE ledger SET actor = 'b.reviewer' WHERE seq = 3")
        .await;
    assert_eq!(found(&rig.verify().await), [("changed", 3)]);
    rig.tamper("UPDATE ledger SET actor = 'a.reviewer', person = zeroblob(32) WHERE seq = 3")
        .await;
    assert_eq!(found(&rig.verify().await), [("changed", 3)]);
}

#[tokio::test]
async fn checking_can_begin_at_a_checkpoint() {
    let rig = Rig::new().await;
    let since = |since| Against {
        since: Some(since),
        ..Against::default()
    };
    let verified = rig.store.prove_ledger(since(50)).await.unwrap();
    assert_eq!(
        (found(&verified), verified.from, verified.entries),
        (vec![], 41, 20)
    );
    let verified = rig.store.prove_ledger(since(5)).await.unwrap();
    assert_eq!(
        (verified.from, verified.entries),
        (1, 60),
        "no checkpoint before"
    );
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 10")
        .await;
    assert_eq!(found(&rig.store.prove_ledger(since(50)).await.unwrap()), []);
    rig.tamper("UPDATE ledger SET detail = '{}' WHERE seq = 41")
        .await;
    let verified = rig.store.prove_ledger(since(50)).await.unwrap();
    assert_eq!(found(&verified), [("changed", 41)]);
    rig.tamper("DELETE FROM ledger WHERE seq >= 41").await;
    let verified = rig.store.prove_ledger(since(50)).await.unwrap();
    assert_eq!(found(&verified), [("truncated", 60)]);
}

#[tokio::test]
async fn what_policy_refuses_stands_in_the_ledger() {
    let rig = Rig::new().await;
    let id = beadle::mail::QueueId::from_random([7; 10]);
    let refusal = Refusal {
        id,
        at: at(70),
        rules: vec!["names-outside".to_owned()],
        categories: vec![],
        explanation: "2 pupils in the body".to_owned(),
        severity: None,
        people: 0,
        origin: beadle::store::Origin::default(),
    };
    rig.store.record_refusal(&refusal).await.unwrap();
    let subject = id.to_string();
    let entries = rig
        .store
        .ledger_of(1, 9, Some(&subject), None)
        .await
        .unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].action.as_str(), entries[0].at),
        (action::TURNED_AWAY, at(70))
    );
    assert_eq!(entries[0].detail, r#"{"rules":["names-outside"]}"#);
    assert_eq!(found(&rig.verify_kept().await), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_cannot_fork_it() {
    const EACH: i64 = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    let (first, second) = (one.clone(), two.clone());
    let writers = [
        tokio::spawn(async move { fill(&first, 1..=EACH).await }),
        tokio::spawn(async move { fill(&second, 1..=EACH).await }),
    ];
    let mut notary = one.notary("", at(0)).await.unwrap();
    for writer in writers {
        // Signing goes on while both write.
        notary.sign(at(1)).await.unwrap();
        writer.await.unwrap();
    }
    notary.sign(at(2)).await.unwrap();
    let verified = two.prove_ledger(Against::default()).await.unwrap();
    // And the entry of the key.
    assert_eq!((found(&verified), verified.entries), (vec![], 4_001));
    assert!(verified.checkpoints >= 2);
    // Two nodes sign the same head: one checkpoint, and no quarrel.
    let mut other = two.notary("", at(3)).await.unwrap();
    assert_eq!(other.sign(at(3)).await, Ok(None));
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_it() {
    let rig = Rig::new().await;
    let pool = rig.pool().await;
    for statement in [
        "UPDATE ledger SET detail = '{}' WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 60",
        "UPDATE ledger_person SET actor = 'x'",
        "UPDATE checkpoint SET at = 0",
        "DELETE FROM checkpoint",
        "INSERT INTO ledger SELECT 99, at, actor, action, subject, detail, prev, hash, format, person FROM ledger WHERE seq = 1",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&pool).await;
        assert!(refused.is_err(), "{statement}");
    }
    execute(&pool, "SELECT 1").await;
}
