//! A database that fails at one call, before doing it or after, around one that works: for tests.
//!
//! # Invariants
//! Only calls that write are counted and fail. Reads go through, as does closing.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::delivery::QueueState;
use super::error::StoreError;
use super::hold::HoldFilter;
use super::rows::*;

/// When the call that fails does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    /// Nothing was done.
    Before,
    /// All was done; the answer was lost.
    After,
}

/// A database of which the n-th writing call fails.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    fails: Fails,
    /// Writing calls until the one that fails; it goes on counting below.
    left: AtomicU64,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl Faulty {
    /// Fails at the `number`-th writing call from now, once.
    pub(crate) fn around(inner: Arc<dyn Store>, number: u64, fails: Fails) -> Self {
        Self {
            inner,
            fails,
            left: AtomicU64::new(number),
        }
    }

    /// Whether the call that was to fail was made.
    pub(crate) fn has_failed(&self) -> bool {
        let left = self.left.load(Ordering::SeqCst);
        left == 0 || left > u64::MAX / 2
    }

    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return call.await;
        }
        if self.fails == Fails::After {
            call.await?;
        }
        Err(StoreError::Unavailable("as the test asked".to_owned()))
    }

    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        call.await
    }
}

/// Hands every method on, through [`Faulty::write`] or [`Faulty::read`].
macro_rules! hand_on {
    ($(impl $part:ident { $($kind:ident $method:ident($($arg:ident: $type:ty),*) -> $out:ty;)* })*) => {
        $(#[async_trait]
        impl $part for Faulty {
            $(async fn $method(&self, $($arg: $type),*) -> Result<$out, StoreError> {
                self.$kind(self.inner.$method($($arg),*)).await
            })*
        })*
    };
}

hand_on! {
    impl AccountStore {
        write create_account(row: &AccountRow, at_most: i64, entry: NewEntry<'_>) -> Created;
        read accounts() -> Vec<AccountRow>;
        read account(id: &str) -> AccountRow;
        read account_by_login(login: &[u8]) -> Option<AccountRow>;
        write change_account(row: &AccountRow, ends: Ends, entry: NewEntry<'_>) -> bool;
        write remove_account(id: &str, entry: NewEntry<'_>) -> bool;
        write set_credentials(row: &CredentialRow, entry: NewEntry<'_>) -> ();
        read credentials(account: &str) -> Option<CredentialRow>;
        write use_totp_step(account: &str, step: i64) -> bool;
        write use_recovery(account: &str, sha256: &[u8], entry: NewEntry<'_>) -> bool;
        write begin_session(row: &SessionRow, at_most: i64, entry: NewEntry<'_>) -> bool;
        read session(token: &[u8]) -> Option<(SessionRow, AccountRow)>;
        write touch_session(token: &[u8], at: i64) -> ();
        read sessions_of(account: &str) -> Vec<SessionRow>;
        write end_sessions(account: &str, only: Option<&[u8]>, except: Option<&[u8]>, entry: NewEntry<'_>) -> u64;
        write sweep_sessions(sessions: i64, tokens: i64) -> u64;
        write create_token(row: &TokenRow, at_most: i64, entry: NewEntry<'_>) -> Created;
        read api_tokens(account: Option<&str>) -> Vec<TokenRow>;
        read api_token(token: &[u8]) -> Option<(TokenRow, AccountRow)>;
        write touch_token(token: &[u8], at: i64) -> ();
        read token_account(id: &str) -> Option<String>;
        write revoke_token(account: &str, id: &str, entry: NewEntry<'_>) -> bool;
        write save_view(row: &ViewRow, at_most: i64) -> Created;
        read views(account: &str) -> Vec<ViewRow>;
        write delete_view(account: &str, id: &str) -> bool;
    }
    impl CommitStore {
        write insert_all(rows: &[Insert]) -> Vec<Result<(), StoreError>>;
    }
    impl QueueStore {
        write lease(now: i64, worker: &str, limit: u32, until: i64) -> Vec<LeasedRow>;
        write reclaim(worker: &str) -> u64;
        write attempting(id: &str, fence: i64) -> ();
        write extend(id: &str, fence: i64, until: i64) -> ();
        write settle(row: &SettledRow) -> Option<String>;
        read delivery_blob(id: &str, fence: i64) -> (String, String, String, Vec<u8>);
        read queue(state: Option<QueueState>, limit: u32) -> Vec<QueueRow>;
        read delivery(id: &str) -> QueueRow;
        write retry(row: &RetryRow) -> bool;
        write cancel(row: &CancelRow) -> Option<Option<String>>;
        write end_dead(before: i64, now: i64, limit: u32) -> Vec<Option<String>>;
        read dead_letters() -> i64;
        read queue_depth() -> (i64, Option<i64>);
    }
    impl FactsStore {
        write keep_facts(rows: &[FactsRow]) -> ();
        read facts(at: i64, id: &str, limit: u32) -> Vec<FactsRow>;
        write forget_facts(before: i64, limit: u32) -> u64;
    }
    impl FiguresStore {
        read figures(since: i64) -> Vec<String>;
        read figures_after(seq: i64) -> Vec<String>;
        read ends(from: i64, to: i64, limit: u32) -> Vec<(i64, i64, String, String, String)>;
        read end_counts(from: i64, to: i64) -> Vec<(String, i64)>;
        write judge(judgement: &str, entry: NewEntry<'_>) -> ();
    }
    impl IncidentStore {
        write open_incident(row: &IncidentRow, entry: NewEntry<'_>) -> ();
        write change_incident(row: &IncidentRow, entry: NewEntry<'_>) -> bool;
        read incident(id: &str) -> IncidentRow;
        read incidents(limit: u32) -> Vec<IncidentRow>;
    }
    impl ForwardingStore {
        write note_forward(fresh: &ForwardingRow, merge: &(dyn for<'a> Fn(&'a str) -> Result<String, StoreError> + Send + Sync)) -> Noted;
        read forwardings(limit: u32) -> Vec<ForwardingRow>;
        write forget_forwardings(before: i64) -> ();
        write save_habits(name: &str, at: i64, state: &[u8]) -> ();
        read habits(name: &str) -> Option<Vec<u8>>;
    }
    impl GuardStore {
        write remember(key: &[u8], answer: &[u8], until: i64) -> ();
        read recalled(key: &[u8], now: i64) -> Option<Vec<u8>>;
        read remembered() -> Vec<(Vec<u8>, Vec<u8>, i64)>;
        write secret(kek: &str, offered: &[u8]) -> (String, Vec<u8>);
    }
    impl HoldStore {
        read hold(id: &str) -> StoredHold;
        read holds(filter: HoldFilter) -> Vec<StoredHold>;
        read held_as(mark: &[u8]) -> Option<String>;
        read holds_like(prefix: &str) -> Vec<String>;
        read refusals(reference: &str) -> Vec<(String, i64, String, String, String)>;
        read hold_counts() -> Vec<(String, i64, i64)>;
        write act(row: &ActRow) -> ();
        read tickets(message: &[u8], now: i64) -> Vec<TicketMatch>;
    }
    impl LedgerStore {
        write note(at: i64, actor: &str, action: &str, subject: &str, detail: &str) -> ();
        write note_change(entry: NewEntry<'_>) -> bool;
        read ledger_page(query: LedgerQuery<'_>) -> LedgerPage;
        read ledger_head() -> Option<(i64, Vec<u8>)>;
        write erase_person(name: &str, entry: NewEntry<'_>) -> (u64, u64);
        write ledger_key(offered: Option<(&str, &[u8], NewEntry<'_>)>) -> Option<(String, Vec<u8>)>;
        write keep_checkpoint(row: &CheckpointRow) -> CheckpointRow;
        read checkpoints(from: i64, limit: u32) -> Vec<CheckpointRow>;
        read checkpoint_before(seq: i64) -> Option<CheckpointRow>;
    }
    impl NoticeStore {
        write record_notices(row: &NoticeRow) -> bool;
        read notice_known(mark: &[u8], now: i64) -> bool;
        read notices_sent(scope: &[u8], since: i64) -> u32;
        read digest_days() -> Vec<(String, String)>;
        read digest_counts() -> Vec<(String, String, String, i64)>;
        read waiting_holds(asked: bool, limit: u32) -> Vec<WaitingRow>;
        read due_escalations(now: i64) -> Vec<(EscalationRow, bool)>;
        write forget_notices(now: i64, sent: i64) -> ();
    }
    impl ProposalStore {
        write propose(row: &ProposalRow, step: &Step) -> ();
        read proposals(sha256: Option<&str>) -> Vec<ProposalRow>;
        read proposal(id: &str) -> ProposalRow;
        read enforced() -> Option<String>;
        write decide_proposal(row: &ProposalRow, to: &str, step: &Step) -> bool;
        write admit(new: Admission<'_>) -> bool;
    }
    impl RetentionStore {
        read kept(before: i64, after: (i64, &str), limit: u32) -> Vec<KeptRow>;
        write end_holds(rows: &[EndRow], now: i64) -> Ended;
        write forget(what: Forget, limit: u32) -> u64;
        read needs(blob: &str) -> bool;
        read blobs() -> Vec<(String, String)>;
    }
    impl SearchStore {
        read search(wanted: &Wanted) -> Found;
        read count(wanted: &Wanted) -> (u32, bool);
        read unindexed(before: Option<(i64, &str)>, limit: u32) -> Vec<StoredHold>;
        write index(tokens: &[(String, Vec<u8>)]) -> ();
    }
    impl KeyStore {
        read wrapped_counts() -> Vec<WrappedCount>;
        read wrapped_page(place: Place, current: &str, after: &str, limit: u32) -> Vec<WrappedRow>;
        write rewrap(place: Place, current: &str, rows: &[RewrappedRow], at: i64, actor: &str) -> u64;
        write add_keys(ids: &[String], at: i64, actor: &str) -> u64;
        read keys() -> Vec<KeyRow>;
        write drop_key(id: &str, at: i64, actor: &str) -> u64;
    }
    impl FsckStore {
        read integrity() -> Vec<String>;
        read contradictions() -> Contradictions;
        read sealed_holds(after: &str, limit: u32) -> Vec<StoredHold>;
        read sealed_deliveries(after: &str, limit: u32) -> Vec<SealedDelivery>;
        read sealed_delivery(id: &str) -> Option<SealedDelivery>;
    }
    impl BackupStore {
        read schema() -> Vec<i64>;
        read snapshot() -> Box<dyn Snapshot>;
        read is_empty(tables: &[Table]) -> bool;
        read refill() -> Box<dyn Refill>;
        write resume(paused: i64, now: i64, actor: &str) -> u64;
    }
}

#[async_trait]
impl Store for Faulty {
    async fn probe(&self) -> Result<(), StoreError> {
        self.inner.probe().await
    }

    async fn shred(&self) -> Result<bool, StoreError> {
        self.write(self.inner.shred()).await
    }

    fn shared(&self) -> bool {
        self.inner.shared()
    }

    async fn listen(&self, wake: Arc<Notify>) {
        self.inner.listen(wake).await;
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use bytes::Bytes;

    use super::*;
    use crate::mail::{Address, Envelope, QueueId};
    use crate::store::committer::Committer;
    use crate::store::{
        Answer, Body, Config, Custody, Decision, DeliveryKind, HoldClient, HoldRecord, HoldState,
        Identity, MasterKey, NewDelivery, NewHold, Next, NoticeDelivery, NoticeRecord,
        RecipientState, Refusal, Settlement, Ticket, VersionSent,
    };

    const DAY: Duration = Duration::from_hours(24);
    const STEPS: usize = 10;

    fn start() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn id(byte: u8) -> QueueId {
        QueueId::from_random([byte, 1, 2, 3, 4, byte, 5, 6, 7, 8])
    }

    fn message(number: u8) -> Bytes {
        Bytes::from(format!(
            "Message-ID: <{number}@trust.example>\r\n\r\nhello\r\n"
        ))
    }

    fn envelope() -> Envelope {
        let address = |text| Address::parse(text).unwrap();
        Envelope::of(
            Some(address("teacher@trust.example")),
            [address("parent@home.example")],
        )
    }

    /// A client that tries again has a new id for the same message.
    fn hold(number: u8, again: bool) -> NewHold {
        NewHold {
            id: id(number + if again { 100 } else { 0 }),
            envelope: envelope(),
            client: HoldClient {
                ip: "192.0.2.7".parse().unwrap(),
                helo: "mail.trust.example".into(),
            },
            received_at: start(),
            message: message(number),
            record: HoldRecord::default(),
            origin: crate::store::Origin::default(),
        }
    }

    fn delivery(byte: u8, kind: DeliveryKind, body: Body) -> NewDelivery {
        NewDelivery {
            id: id(byte),
            kind,
            envelope: envelope(),
            body,
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: start(),
            not_before: start(),
        }
    }

    fn decision(of: QueueId, to: HoldState, delivery: NewDelivery) -> Decision {
        let released = to == HoldState::Released;
        Decision {
            id: of,
            version: 1,
            to,
            actor: "a.reviewer".into(),
            reason: "because".into(),
            at: start(),
            delivery: Some(delivery),
            ticket: released.then(|| Ticket {
                rcpts: vec![0],
                expires_at: start() + DAY,
            }),
            version_sent: VersionSent::Held,
        }
    }

    async fn work(store: &Custody) -> Result<(), StoreError> {
        store.reclaim("w").await?;
        while let Some(lease) = store.lease_due(start(), "w", 1, DAY).await?.pop() {
            store.mark_attempting(&lease).await?;
            store.extend(&lease, start() + 2 * DAY).await?;
            store.delivery_message(&lease).await?;
            let settlement = Settlement {
                recipients: vec![RecipientState::Delivered],
                next: Next::Finished,
                delay_noticed: false,
                unknown: false,
                keep_dead: false,
            };
            store.settle(&lease, &settlement, &[], start()).await?;
        }
        Ok(())
    }

    async fn notify(store: &Custody) -> Result<(), StoreError> {
        let mark = store.notice_mark("fault", &["one"]);
        if store.notices_known(&[mark], start()).await? == [true] {
            return Ok(());
        }
        let body = Body::Message(message(30));
        let record = NoticeRecord {
            deliveries: vec![NoticeDelivery {
                delivery: delivery(30, DeliveryKind::Notice, body),
                kind: "held",
                to: "sender".into(),
                about: None,
                scope: Some(mark),
            }],
            marks: vec![(mark, start() + DAY)],
            ..NoticeRecord::default()
        };
        store.record_notices(&record, start()).await.map(|_| ())
    }

    /// The ids under which the first two messages are held.
    #[derive(Default)]
    struct Held([Option<QueueId>; 2]);

    async fn step(
        store: &Custody,
        held: &mut Held,
        step: usize,
        again: bool,
    ) -> Result<(), StoreError> {
        match step {
            0 => held.0[0] = Some(store.hold(hold(1, again)).await?),
            1 => {
                let number = if again { 112 } else { 12 };
                let beside = delivery(number, DeliveryKind::Spool, Body::Message(message(2)));
                held.0[1] = Some(store.hold_beside(hold(2, again), Some(beside)).await?);
            }
            2 => {
                let of = held.0[0].unwrap();
                let release = NewDelivery {
                    id: of,
                    ..delivery(0, DeliveryKind::Release, Body::Hold(of))
                };
                store
                    .decide(decision(of, HoldState::Released, release))
                    .await?;
            }
            3 => {
                let notice = delivery(21, DeliveryKind::Notice, Body::Message(message(21)));
                let refusal = decision(held.0[1].unwrap(), HoldState::Refused, notice);
                store.decide(refusal).await?;
            }
            4 => {
                store
                    .enqueue(delivery(
                        22,
                        DeliveryKind::Spool,
                        Body::Message(message(22)),
                    ))
                    .await?;
            }
            5 => {
                let refusal = Refusal {
                    id: id(40),
                    at: start(),
                    rules: vec![],
                    categories: vec![],
                    explanation: String::new(),
                    severity: None,
                    people: 0,
                    origin: crate::store::Origin::default(),
                };
                store.record_refusal(&refusal).await?;
            }
            6 => {
                let answer = Answer {
                    code: 250,
                    enhanced: None,
                    lines: vec![],
                };
                let identity = Identity::of(&message(5));
                store
                    .remember("c", &envelope(), &identity, &answer, start())
                    .await?;
            }
            7 => notify(store).await?,
            8 => work(store).await?,
            _ => drop(store.expire_due(start() + 200 * DAY).await?),
        }
        Ok(())
    }

    /// What anybody can see, without ids, which differ between tries.
    async fn seen(store: &Custody) -> Vec<String> {
        let mut seen = Vec::new();
        for hold in store
            .list_holds(crate::store::HoldFilter::default())
            .await
            .unwrap()
        {
            seen.push(format!(
                "{} {:?} {}",
                hold.state, hold.decided_by, hold.version
            ));
            if hold.sealed.is_some() {
                store.open_message(hold.id).await.unwrap();
            }
        }
        for delivery in store.list_queue(None, 100).await.unwrap() {
            seen.push(format!(
                "{:?} {:?} {}",
                delivery.kind, delivery.due_at, delivery.failed
            ));
        }
        let identity = Identity::of(&message(1));
        let envelope = envelope();
        let resend = crate::store::Resend {
            envelope: &envelope,
            identity: &identity,
            values: &[],
        };
        let released = store.was_released(resend, start()).await.unwrap();
        seen.push(format!("ticket {}", released.is_some()));
        for entry in store.ledger(1, 100).await.unwrap() {
            seen.push(format!("{} {}", entry.actor, entry.action));
        }
        seen.push(format!(
            "{:?}",
            store.find_reference(&id(40).reference().to_string()).await
        ));
        seen.sort_unstable();
        seen
    }

    async fn custody(
        folder: &std::path::Path,
        number: u64,
        fails: Fails,
    ) -> (Custody, Arc<Faulty>) {
        let config = Config::new(folder);
        let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
        let mut store = Custody::open(config, key).await.unwrap();
        let faulty = Arc::new(Faulty::around(Arc::clone(&store.database), number, fails));
        store.database = Arc::clone(&faulty) as Arc<dyn Store>;
        store.committer = Committer::start(Arc::clone(&store.database));
        (store, faulty)
    }

    #[tokio::test]
    async fn each_writing_call_may_fail_before_or_after_it_was_done() {
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let (store, _) = custody(&folder.path().join("good"), u64::MAX / 4, Fails::Before).await;
        let (mut held, mut good) = (Held::default(), Vec::new());
        for number in 0..STEPS {
            step(&store, &mut held, number, false).await.unwrap();
            good.push(seen(&store).await);
        }
        for fails in [Fails::Before, Fails::After] {
            let mut points = 0;
            loop {
                let what = format!("{fails:?} {}", points + 1);
                let (store, faulty) = custody(&folder.path().join(&what), points + 1, fails).await;
                let mut held = Held::default();
                let mut failures = 0;
                for (number, good) in good.iter().enumerate() {
                    let mut answer = step(&store, &mut held, number, false).await;
                    if let Err(StoreError::Unavailable(_)) = answer {
                        failures += 1;
                        answer = step(&store, &mut held, number, true).await;
                    }
                    assert!(
                        matches!(
                            answer,
                            Ok(()) | Err(StoreError::Exists | StoreError::Conflict { .. })
                        ),
                        "{what}: {answer:?}"
                    );
                    assert_eq!(seen(&store).await, *good, "{what}: after step {number}");
                }
                assert_eq!(
                    failures == 1,
                    faulty.has_failed(),
                    "{what}: every failure is told"
                );
                assert_eq!(
                    store.verify_ledger(None).await.unwrap().first_bad,
                    None,
                    "{what}"
                );
                let swept = store.sweep(SystemTime::now() + 2 * DAY).await.unwrap();
                assert_eq!(swept.missing, [], "{what}");
                if !faulty.has_failed() {
                    break;
                }
                points += 1;
            }
            // Nearly every step writes once at least, and the worker four times for each of five deliveries.
            assert!(points > 30, "{points} points");
        }
    }
}
