//! How long holds are kept: by outcome, by category, proven, and asked before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::policy::Policy;
use beadle::policy::governance::{CategoryRetention, Kept, Retention};
use beadle::store::{
    Body, Config, Custody, Decision, DeliveryKind, Expired, FindingRecord, HoldClient, HoldFilter,
    HoldRecord, HoldState, KeptHold, MasterKey, NewDelivery, NewHold, VersionSent,
};
use bytes::Bytes;
use zeroize::Zeroizing;

const DAY: Duration = Duration::from_hours(24);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte; 10])
}

async fn open(folder: &Path) -> Custody {
    let master = MasterKey::from_bytes(Zeroizing::new([9; 32]));
    let store = Custody::open(Config::new(folder), master).await.unwrap();
    store.set_retention(Retention {
        held_days: 30,
        released_days: 7,
        refused_days: 3,
        event_days: 100,
        categories: vec![CategoryRetention {
            of: vec![Category::Medical],
            held_days: Some(14),
            released_days: Some(2),
            refused_days: None,
        }],
        clause: None,
    });
    store
}

async fn hold(store: &Custody, byte: u8, categories: &[Category]) {
    let finding = |category: &Category| FindingRecord {
        category: *category,
        detector: "d".into(),
        confidence: Confidence::High,
        location: "body".into(),
        masked: "O…".into(),
    };
    let new = NewHold {
        id: id(byte),
        envelope: Envelope::of(
            Some(Address::parse("a@trust.example").unwrap()),
            [Address::parse("b@out.example").unwrap()],
        ),
        client: HoldClient {
            ip: [127, 0, 0, 1].into(),
            helo: "x.example".into(),
        },
        received_at: start(),
        message: Bytes::from(format!("Message-ID: <{byte}@trust.example>\r\n\r\nx\r\n")),
        record: HoldRecord {
            findings: categories.iter().map(finding).collect(),
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    };
    store.hold(new).await.unwrap();
}

async fn decide(store: &Custody, byte: u8, to: HoldState, at: SystemTime) {
    let details = store.open_hold(id(byte)).await.unwrap();
    let decision = Decision {
        id: id(byte),
        version: details.summary.version,
        to,
        actor: "r.eviewer".into(),
        reason: "because".into(),
        at,
        delivery: None,
        ticket: None,
        version_sent: VersionSent::Held,
    };
    store.decide(decision).await.unwrap();
}

async fn due(store: &Custody, now: SystemTime) -> Vec<KeptHold> {
    let mut reader = store.kept_until(now);
    let mut all = Vec::new();
    while let Some(page) = reader.next().await.unwrap() {
        all.extend(page);
    }
    all
}

async fn states(store: &Custody) -> Vec<(QueueId, HoldState)> {
    let mut list: Vec<_> = store
        .list_holds(HoldFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|hold| (hold.id, hold.state))
        .collect();
    list.sort_unstable();
    list
}

#[tokio::test]
async fn each_outcome_and_category_has_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1, &[Category::PupilName]).await;
    hold(&store, 2, &[Category::PupilName, Category::Medical]).await;
    hold(&store, 3, &[Category::PupilName]).await;
    hold(&store, 4, &[Category::Medical]).await;
    hold(&store, 5, &[Category::Medical]).await;
    decide(&store, 3, HoldState::Released, start() + 10 * DAY).await;
    decide(&store, 4, HoldState::Released, start() + 10 * DAY).await;
    decide(&store, 5, HoldState::Refused, start() + 10 * DAY).await;
    let mut last = Vec::new();
    for (day, gone) in [
        (11, vec![]),
        (12, vec![4]),
        (13, vec![4, 5]),
        (14, vec![2, 4, 5]),
        (16, vec![2, 4, 5]),
        (17, vec![2, 3, 4, 5]),
        (29, vec![2, 3, 4, 5]),
        (30, vec![1, 2, 3, 4, 5]),
    ] {
        let now = start() + day * DAY;
        let foreseen: Vec<QueueId> = due(&store, now).await.iter().map(|hold| hold.id).collect();
        let ended = store.expire_due(now).await.unwrap();
        assert_eq!(
            foreseen.len() as u64,
            ended.expired + ended.purged,
            "day {day}: what was foreseen is what ended"
        );
        let ids: Vec<QueueId> = gone.iter().map(|byte| id(*byte)).collect();
        let ended: Vec<QueueId> = states(&store)
            .await
            .into_iter()
            .filter(|(_, state)| matches!(state, HoldState::Expired | HoldState::Purged))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ended, ids, "day {day}");
        last = ended;
    }
    assert_eq!(last.len(), 5);
}

#[tokio::test]
async fn the_ledger_proves_each_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1, &[Category::Medical]).await;
    let ended = store.expire_due(start() + 15 * DAY).await.unwrap();
    assert_eq!(
        ended,
        Expired {
            expired: 1,
            purged: 0
        }
    );
    let entries = store.ledger(1, 100).await.unwrap();
    let end = entries
        .iter()
        .find(|entry| entry.action == "expired")
        .unwrap();
    assert_eq!(end.subject, id(1).to_string());
    let detail: serde_json::Value = serde_json::from_str(&end.detail).unwrap();
    assert_eq!(detail["days"], 14);
    assert_eq!(detail["was"], "held");
    assert_eq!(detail["key"].as_str().unwrap().len(), 32);
    assert!(detail["bytes"].as_u64().unwrap() > 0);
    assert!(detail["blob"].as_str().unwrap().contains('/'));
    let proof = store.prove_end(id(1)).await.unwrap();
    assert_eq!(&proof.entry, end);
    assert!(proof.ledger_holds && !proof.blob_is_there && !proof.came_back);
    assert_eq!(proof.checkpoint, None, "nothing is signed yet");
    let mut notary = store.notary("", start()).await.unwrap();
    let note = notary.sign(start()).await.unwrap();
    let proof = store.prove_end(id(1)).await.unwrap();
    assert_eq!(proof.checkpoint, note);
    assert_eq!(
        store.prove_end(id(2)).await,
        Err(beadle::store::StoreError::Missing)
    );
}

#[tokio::test]
async fn a_release_on_its_way_keeps_its_content_and_ends_after() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1, &[Category::PupilName]).await;
    let details = store.open_hold(id(1)).await.unwrap();
    let delivery = NewDelivery {
        id: id(1),
        kind: DeliveryKind::Release,
        envelope: details.envelope.clone(),
        body: Body::Hold(id(1)),
        prefix: String::new(),
        xforward: None,
        encrypt: false,
        created_at: start(),
        not_before: start(),
    };
    let decision = Decision {
        id: id(1),
        version: details.summary.version,
        to: HoldState::Released,
        actor: "r.eviewer".into(),
        reason: "because".into(),
        at: start(),
        delivery: Some(delivery),
        ticket: None,
        version_sent: VersionSent::Held,
    };
    store.decide(decision).await.unwrap();
    let now = start() + 8 * DAY;
    let waiting = due(&store, now).await;
    assert!(waiting[0].on_its_way && waiting.len() == 1);
    assert_eq!(store.expire_due(now).await.unwrap(), Expired::default());
    assert!(store.open_message(id(1)).await.is_ok());
}

#[tokio::test]
async fn what_happened_is_forgotten_after_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    hold(&store, 1, &[]).await;
    store.expire_due(start() + 31 * DAY).await.unwrap();
    assert_eq!(states(&store).await.len(), 1);
    store.expire_due(start() + 101 * DAY).await.unwrap();
    assert!(states(&store).await.is_empty());
    let check = store.verify_ledger(None).await.unwrap();
    assert_eq!(
        (check.good, check.first_bad),
        (2, None),
        "the ledger still tells of it"
    );
}

#[test]
fn of_several_times_the_shortest_counts() {
    let retention = Retention {
        categories: vec![
            CategoryRetention {
                of: vec![Category::Medical, Category::Financial],
                held_days: Some(20),
                ..CategoryRetention::default()
            },
            CategoryRetention {
                of: vec![Category::Medical],
                held_days: Some(10),
                refused_days: Some(1),
                ..CategoryRetention::default()
            },
        ],
        ..Retention::default()
    };
    let days = |kept, categories: &[Category]| retention.days(kept, categories);
    assert_eq!(days(Kept::Held, &[]), 30);
    assert_eq!(days(Kept::Held, &[Category::Financial]), 20);
    assert_eq!(
        days(Kept::Held, &[Category::Financial, Category::Medical]),
        10
    );
    assert_eq!(days(Kept::Released, &[Category::Medical]), 7);
    assert_eq!(days(Kept::Refused, &[Category::Medical]), 1);
    assert_eq!(retention.fewest_days(), 1);
}

#[test]
fn a_policy_says_so_in_words_and_mistakes_are_named() {
    let head = include_str!("../patterns/policies/standard.toml");
    let with = |retention: &str| {
        let start = head.find("[retention]").unwrap();
        let end = start + head[start + 1..].find("\n[").unwrap() + 1;
        format!("{}{retention}\n{}", &head[..start], &head[end..])
    };
    let good = "[retention]\nheld_days = 21\ndecided_days = 5\nrefused_days = 2\nevent_days = 200\n\n\
                [[retention.category]]\nof = [\"medical\", \"financial\"]\nheld_days = 9\n";
    let policy = Policy::parse("t.toml", &with(good)).unwrap();
    let retention = &policy.governance.retention;
    assert_eq!(
        (
            retention.held_days,
            retention.released_days,
            retention.refused_days
        ),
        (21, 5, 2)
    );
    assert_eq!(retention.days(Kept::Held, &[Category::Financial]), 9);
    for (bad, says) in [
        ("[retention]\nheld_days = 0\n", "1 to 3660 days"),
        ("[retention]\nevent_days = 99999\n", "1 to 3660 days"),
        (
            "[[retention.category]]\nheld_days = 3\n",
            "a list of categories",
        ),
        (
            "[[retention.category]]\nof = [\"medicinal\"]\n",
            "did you mean \"medical\"?",
        ),
    ] {
        let error = Policy::parse("t.toml", &with(bad)).unwrap_err().to_string();
        assert!(error.contains(says), "{bad}: {error}");
    }
}
