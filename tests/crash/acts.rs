//! What is done to a store while the process dies or the disk fails: each act is prepared once, then done in a child.
//!
//! To add an act, implement [`Act`] and name it in `every_act!` in `tests/crash.rs`. What it changed is read from the tables, so that it
//! needs no audit of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use beadle::detect::Category;
use beadle::mail::{Address, Envelope, QueueId};
use beadle::quarantine::{By, ComposeNotice, Desk, DeskError, Tell, To};
use beadle::store::{
    Answer, Body, Custody, Decision, DeliveryKind, HoldClient, HoldRecord, HoldState, Identity,
    Lease, NewDelivery, NewHold, Next, NoticeDelivery, NoticeRecord, QueueState, RecipientState,
    Refusal, Settlement, StoreError, VersionSent,
};
use bytes::Bytes;

pub const DAY: Duration = Duration::from_hours(24);

/// One thing that custody is asked to do.
#[async_trait]
pub trait Act: Send + Sync {
    /// Puts there what the act needs; done once, undisturbed.
    async fn prepare(&self, store: &Custody, folder: &Path) {
        let _ = (store, folder);
    }

    /// What the process that acts has done right before: the lease that it works under.
    async fn ready(&self, store: &Custody) -> Option<Lease> {
        let _ = store;
        None
    }

    /// The act itself.
    async fn run(&self, store: &Custody, lease: Option<Lease>) -> Result<(), StoreError>;

    /// Tables that the act changes in transactions of their own, one group for each. Empty: all it does is one transaction.
    fn steps(&self) -> &'static [&'static [&'static str]] {
        &[]
    }

    /// Whether a part of it may be found done, which doing it again completes.
    fn goes_on(&self) -> bool {
        false
    }

    /// Whether the act removes files and changes no row.
    fn sweeps(&self) -> bool {
        false
    }

    /// Whether what is to be gone must be gone from the files themselves.
    fn shreds(&self) -> bool {
        false
    }
}

pub fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

pub fn id(byte: u8) -> QueueId {
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

/// A message of about this many bytes.
fn message(number: u8, size: usize) -> Bytes {
    let mut text = format!("Message-ID: <{number}@trust.example>\r\n\r\n");
    while text.len() < size {
        text.push_str(
            "Dear parent of Ottoline Quarrington, nothing here repeats but this line.\r\n",
        );
    }
    Bytes::from(text)
}

fn hold(byte: u8, size: usize) -> NewHold {
    NewHold {
        id: id(byte),
        envelope: envelope(),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: start() + Duration::from_secs(u64::from(byte)),
        message: message(byte, size),
        record: HoldRecord {
            values: vec![7],
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    }
}

fn delivery(byte: u8, kind: DeliveryKind, at: SystemTime) -> NewDelivery {
    NewDelivery {
        id: id(byte),
        kind,
        envelope: envelope(),
        body: Body::Message(message(byte, 800)),
        prefix: String::new(),
        xforward: None,
        encrypt: false,
        created_at: at,
        not_before: at,
    }
}

fn desk(store: &Custody) -> Desk {
    let compose: ComposeNotice = Arc::new(|_| Some(message(99, 400)));
    Desk::new(store.clone(), compose)
}

fn by() -> By<'static> {
    By {
        actor: "a.reviewer",
        reason: "consent on file",
        at: start() + Duration::from_mins(10),
    }
}

fn plain(error: DeskError) -> StoreError {
    match error {
        DeskError::Store(error) => error,
        other => unreachable!("{other}"),
    }
}

async fn lease_of(store: &Custody) -> Option<Lease> {
    let now = start() + Duration::from_hours(1);
    let lease = store.lease_due(now, "w", 1, DAY).await.unwrap().pop()?;
    store.mark_attempting(&lease).await.unwrap();
    Some(lease)
}

/// Holds a message of so many bytes.
pub struct Holds(pub usize);

#[async_trait]
impl Act for Holds {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        store.hold(hold(1, self.0)).await.map(drop)
    }
}

/// Holds a message for some and sends it to others.
pub struct HoldsBeside;

#[async_trait]
impl Act for HoldsBeside {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let beside = delivery(2, DeliveryKind::Spool, start());
        store
            .hold_beside(hold(1, 800), Some(beside))
            .await
            .map(drop)
    }
}

/// Puts a message into the queue.
pub struct Enqueues;

#[async_trait]
impl Act for Enqueues {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        store
            .enqueue(delivery(2, DeliveryKind::Spool, start()))
            .await
    }
}

/// Releases a message as it is.
pub struct Releases;

#[async_trait]
impl Act for Releases {
    async fn prepare(&self, store: &Custody, _: &Path) {
        store.hold(hold(1, 800)).await.unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        desk(store)
            .release(id(1), by(), To::All)
            .await
            .map_err(plain)
    }
}

/// Releases a message with another text.
pub struct ReleasesInitials;

#[async_trait]
impl Act for ReleasesInitials {
    async fn prepare(&self, store: &Custody, _: &Path) {
        store.hold(hold(1, 800)).await.unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let decision = Decision {
            id: id(1),
            version: 1,
            to: HoldState::Released,
            actor: "a.reviewer".into(),
            reason: "initials will do".into(),
            at: by().at,
            delivery: Some(delivery(1, DeliveryKind::Release, by().at)),
            ticket: None,
            version_sent: VersionSent::Initials,
        };
        store.decide(decision).await
    }
}

/// Refuses a message and tells the sender.
pub struct Refuses;

#[async_trait]
impl Act for Refuses {
    async fn prepare(&self, store: &Custody, _: &Path) {
        store.hold(hold(1, 800)).await.unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        desk(store)
            .refuse(id(1), by(), Tell::Sender)
            .await
            .map_err(plain)
    }
}

/// Leases what is due.
pub struct Leases;

#[async_trait]
impl Act for Leases {
    async fn prepare(&self, store: &Custody, _: &Path) {
        store
            .enqueue(delivery(2, DeliveryKind::Spool, start()))
            .await
            .unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let now = start() + Duration::from_hours(1);
        store.lease_due(now, "w", 1, DAY).await.map(drop)
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Settles {
    /// Delivered to all.
    Finished,
    /// To be tried again.
    Retry,
    /// Given up; a return to the sender goes into the queue.
    Returned,
}

#[async_trait]
impl Act for Settles {
    async fn prepare(&self, store: &Custody, _: &Path) {
        store
            .enqueue(delivery(2, DeliveryKind::Spool, start()))
            .await
            .unwrap();
    }

    async fn ready(&self, store: &Custody) -> Option<Lease> {
        lease_of(store).await
    }

    async fn run(&self, store: &Custody, lease: Option<Lease>) -> Result<(), StoreError> {
        // Without a lease there was nothing to settle: the first answer was lost.
        let Some(lease) = lease else { return Ok(()) };
        let now = start() + Duration::from_hours(1);
        let answer = Answer {
            code: 550,
            enhanced: None,
            lines: vec!["no".into()],
        };
        let state = match self {
            Self::Finished => RecipientState::Delivered,
            Self::Retry => RecipientState::Pending(None),
            Self::Returned => RecipientState::Failed(answer),
        };
        let settlement = Settlement {
            recipients: vec![state; 2],
            next: match self {
                Self::Retry => Next::Retry(now + DAY),
                _ => Next::Finished,
            },
            delay_noticed: false,
            unknown: false,
            keep_dead: *self == Self::Returned,
        };
        let more = match self {
            Self::Returned => vec![delivery(3, DeliveryKind::Dsn, now + DAY)],
            _ => vec![],
        };
        store.settle(&lease, &settlement, &more, now).await
    }
}

/// What an operator does with a dead letter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operates {
    /// Sends it again.
    Retries,
    /// Ends it.
    Cancels,
}

#[async_trait]
impl Act for Operates {
    async fn prepare(&self, store: &Custody, folder: &Path) {
        Settles::Returned.prepare(store, folder).await;
        let lease = lease_of(store).await;
        Settles::Returned.run(store, lease).await.unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let now = start() + 2 * DAY;
        // An operator looks first.
        if store
            .list_queue(Some(QueueState::Dead), 1)
            .await?
            .is_empty()
        {
            return Ok(());
        }
        match self {
            Self::Retries => store.retry_delivery(id(2), "operator", now).await,
            Self::Cancels => {
                store
                    .cancel_delivery(id(2), "operator", "not wanted", now)
                    .await
            }
        }
    }
}

/// Records a refusal that was answered at the door.
pub struct RecordsRefusal;

#[async_trait]
impl Act for RecordsRefusal {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        store.record_refusal(&refusal(4, start())).await
    }
}

fn refusal(byte: u8, at: SystemTime) -> Refusal {
    Refusal {
        id: id(byte),
        at,
        rules: vec!["subject-name".into()],
        categories: vec![Category::Medical],
        explanation: "Refused under the policy.".into(),
        severity: None,
        people: 0,
        origin: beadle::store::Origin::default(),
    }
}

/// Keeps the next hop's answer for a client that could not be told.
pub struct Remembers;

#[async_trait]
impl Act for Remembers {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let answer = Answer {
            code: 250,
            enhanced: Some((2, 0, 0)),
            lines: vec!["queued".into()],
        };
        let identity = Identity::of(&message(1, 800));
        store
            .remember("c", &envelope(), &identity, &answer, start())
            .await
    }
}

/// Writes a notice and remembers that it did.
pub struct Notifies;

#[async_trait]
impl Act for Notifies {
    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let mark = store.notice_mark("crash", &["one"]);
        if store.notices_known(&[mark], start()).await? == [true] {
            return Ok(());
        }
        let record = NoticeRecord {
            deliveries: vec![NoticeDelivery {
                delivery: delivery(5, DeliveryKind::Notice, start()),
                kind: "held",
                to: "sender".into(),
                about: None,
                scope: Some(mark),
            }],
            marks: vec![(mark, start() + DAY)],
            lines: vec![("dpo".into(), "body-name".into(), "held")],
            ..NoticeRecord::default()
        };
        store.record_notices(&record, start()).await.map(|_| ())
    }
}

/// Ends what is past its time.
pub struct Purges;

#[async_trait]
impl Act for Purges {
    async fn prepare(&self, store: &Custody, _: &Path) {
        for byte in 1..=3 {
            store.hold(hold(byte, 800)).await.unwrap();
        }
        desk(store).refuse(id(3), by(), Tell::Nobody).await.unwrap();
        // A release that is still on its way keeps its content.
        store.hold(hold(4, 800)).await.unwrap();
        desk(store).release(id(4), by(), To::All).await.unwrap();
        store
            .record_refusal(&refusal(6, start() - 9_000 * DAY))
            .await
            .unwrap();
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        store.expire_due(purge_time()).await.map(drop)
    }

    fn steps(&self) -> &'static [&'static [&'static str]] {
        &[
            &["hold", "hold_count", "hold_token", "dead_letter", "ledger"],
            &["refusal", "ticket", "delivery", "delivered"],
        ]
    }

    fn shreds(&self) -> bool {
        true
    }
}

fn purge_time() -> SystemTime {
    start() + 200 * DAY
}

/// Wraps every key anew under a master key that was added.
pub struct Rewraps;

#[async_trait]
impl Act for Rewraps {
    async fn prepare(&self, store: &Custody, _: &Path) {
        for byte in 1..=3 {
            store.hold(hold(byte, 800)).await.unwrap();
        }
        desk(store).release(id(1), by(), To::All).await.unwrap();
        let added = store.add_key("o.perator", start()).await.unwrap();
        assert!(added.is_some(), "a file takes another key");
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        // Two rows a transaction: it may end between any two of them.
        let done = store.rewrap(2, "o.perator", &start).await?;
        assert_eq!((done.failed.len(), done.left), (0, 0));
        Ok(())
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn shreds(&self) -> bool {
        true
    }
}

/// Removes files that no row knows.
pub struct Sweeps;

#[async_trait]
impl Act for Sweeps {
    async fn prepare(&self, store: &Custody, folder: &Path) {
        store.hold(hold(1, 800)).await.unwrap();
        for (shard, name) in [
            ("ab", "0123456789abcdef0123456789abcd"),
            ("ab", "123456789abcdef0123456789abcde#1"),
            ("cd", "23456789abcdef0123456789abcdef"),
        ] {
            let shard = folder.join("blobs").join(shard);
            std::fs::create_dir_all(&shard).unwrap();
            std::fs::write(shard.join(name), b"nobody's").unwrap();
        }
    }

    async fn run(&self, store: &Custody, _: Option<Lease>) -> Result<(), StoreError> {
        let sweep = store.sweep(SystemTime::now() + 2 * DAY).await?;
        assert_eq!(sweep.missing, []);
        Ok(())
    }

    fn sweeps(&self) -> bool {
        true
    }
}
