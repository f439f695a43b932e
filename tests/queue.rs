//! The delivery worker against a scripted next hop and a clock that the test turns.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beadle::mail::{Address, Envelope, QueueId};
use beadle::relay::next_hop::BoxFuture;
use beadle::relay::queue::{Compose, Config as QueueConfig};
use beadle::relay::{Attempt, NextHop, Offer, Outgoing, Partial, Queue, ReturnKind, ReturnRequest};
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::store::{
    Body, Config, Custody, DeliveryKind, MasterKey, NewDelivery, Next, QueueState, RecipientState,
    Settlement, StoreError,
};
use bytes::Bytes;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// What the next hop says to each offer; when the script is used up, it accepts everything.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Attempt>>,
    otherwise: Mutex<Option<Attempt>>,
    seen: Mutex<Vec<Outgoing>>,
    pause: Duration,
}

impl NextHop for Scripted {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        Box::pin(async move {
            assert_eq!(outgoing.partial, Partial::Each);
            self.seen.lock().unwrap().push(outgoing);
            tokio::time::sleep(self.pause).await;
            let next = self.script.lock().unwrap().pop_front();
            next.or_else(|| self.otherwise.lock().unwrap().clone())
                .unwrap_or_else(|| accepted(vec![]))
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async { None })
    }
}

fn accepted(refused: Vec<(usize, Reply)>) -> Attempt {
    Attempt::Accepted {
        reply: Reply::new(250, EnhancedCode(2, 0, 0), "ok"),
        refused,
    }
}

fn deferred() -> Reply {
    Reply::new(451, EnhancedCode(4, 3, 2), "later")
}

fn refused() -> Reply {
    Reply::new(550, EnhancedCode(5, 1, 1), "no such mailbox")
}

fn failed(reply: Reply, refused: Vec<(usize, Reply)>) -> Attempt {
    Attempt::Failed { reply, refused }
}

struct Bench {
    folder: tempfile::TempDir,
    store: Custody,
    hop: Arc<Scripted>,
    queue: Queue,
    seconds: Arc<AtomicU64>,
    returns: Arc<Mutex<Vec<ReturnRequest>>>,
}

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

impl Bench {
    async fn new(hop: Scripted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        let hop = Arc::new(hop);
        let seconds = Arc::new(AtomicU64::new(0));
        let returns = Arc::new(Mutex::new(Vec::new()));
        let queue = Queue::new(
            store.clone(),
            Arc::clone(&hop) as Arc<dyn NextHop>,
            composer(&returns),
            clock(&seconds),
            QueueConfig {
                poll: Duration::from_millis(20),
                ..QueueConfig::default()
            },
        );
        Self {
            folder,
            store,
            hop,
            queue,
            seconds,
            returns,
        }
    }

    fn script(&self, attempts: impl IntoIterator<Item = Attempt>) {
        self.hop.script.lock().unwrap().extend(attempts);
    }

    fn always(&self, attempt: Attempt) {
        *self.hop.otherwise.lock().unwrap() = Some(attempt);
    }

    async fn at(&self, seconds: u64) -> usize {
        self.seconds.store(seconds, Ordering::SeqCst);
        self.queue.run_due().await.unwrap()
    }

    fn seen(&self) -> Vec<Outgoing> {
        self.hop.seen.lock().unwrap().clone()
    }

    fn returns(&self) -> Vec<ReturnRequest> {
        self.returns.lock().unwrap().clone()
    }

    async fn left(&self) -> u64 {
        self.store.counts().await.unwrap().queued
    }
}

fn composer(returns: &Arc<Mutex<Vec<ReturnRequest>>>) -> Compose {
    let returns = Arc::clone(returns);
    Arc::new(move |request| {
        returns.lock().unwrap().push(request.clone());
        Some(Bytes::from_static(b"Subject: returned\r\n\r\n"))
    })
}

fn clock(seconds: &Arc<AtomicU64>) -> beadle::relay::queue::Clock {
    let seconds = Arc::clone(seconds);
    Arc::new(move || time(seconds.load(Ordering::SeqCst)))
}

fn id(byte: u8) -> QueueId {
    QueueId::from_random([byte; 10])
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn delivery(byte: u8, rcpts: usize) -> NewDelivery {
    let rcpts: Vec<Address> = (0..rcpts)
        .map(|n| address(&format!("r{n}@home.example")))
        .collect();
    NewDelivery {
        id: id(byte),
        kind: DeliveryKind::Release,
        envelope: Envelope::of(Some(address("teacher@trust.example")), rcpts),
        body: Body::Message(Bytes::from(format!("Subject: {byte}\r\n\r\nbody\r\n"))),
        prefix: "Received: x\r\n".into(),
        xforward: None,
        encrypt: false,
        created_at: time(0),
        not_before: time(0),
    }
}

fn rcpts(outgoing: &Outgoing) -> Vec<String> {
    outgoing
        .envelope
        .rcpts
        .iter()
        .map(|rcpt| rcpt.address().unwrap().as_str().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_queued_is_delivered_once() {
    let bench = Bench::new(Scripted::default()).await;
    for byte in 0..30 {
        bench.store.enqueue(delivery(byte, 1)).await.unwrap();
    }
    assert_eq!(bench.at(0).await, 30);
    assert_eq!(bench.at(100 * HOUR).await, 0);
    let mut ids: Vec<QueueId> = bench.seen().iter().map(|outgoing| outgoing.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..30).map(id).collect::<Vec<_>>());
    let first = &bench.seen()[0];
    assert_eq!(first.prefix, "Received: x\r\n");
    assert!(first.message.ends_with(b"body\r\n"));
    let list = bench.store.list_queue(None, 100).await.unwrap();
    assert!(
        list.iter().all(|done| done.due_at.is_none()
            && done.possible_duplicates == 0
            && done.attempts == 1)
    );
    assert!(bench.returns().is_empty());
    assert_eq!(
        bench.store.sweep(SystemTime::now()).await.unwrap().missing,
        []
    );
}

#[tokio::test]
async fn the_schedule_is_kept_to_the_end() {
    let bench = Bench::new(Scripted::default()).await;
    bench.always(failed(deferred(), vec![]));
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    let mut when = Vec::new();
    for minute in 0..=48 * 60 + 30 {
        if bench.at(minute * MINUTE).await > 0 {
            when.push(minute);
        }
    }
    assert_eq!(when[..9], [0, 1, 3, 8, 18, 33, 63, 123, 183]);
    // The last attempt is made at 48 hours; the return to the sender leaves in the same minute but fails as well here.
    let own = bench
        .seen()
        .iter()
        .filter(|outgoing| outgoing.id == id(1))
        .count();
    assert_eq!(own, 54);
    let returns = bench.returns();
    assert_eq!(returns.len(), 2);
    assert_eq!(returns[0].kind, ReturnKind::Delayed);
    let age = returns[0].now.duration_since(time(0)).unwrap().as_secs();
    assert_eq!(age, 243 * MINUTE, "the first attempt after 4 hours");
    assert_eq!(returns[0].until, time(48 * HOUR));
    assert_eq!(returns[1].kind, ReturnKind::Failed);
    assert_eq!(returns[1].now, time(48 * HOUR));
    assert_eq!(returns[1].refused, [(0, deferred())]);
    assert_eq!(returns[1].header_bytes, "Subject: 1\r\n\r\n");
    assert_eq!(returns[1].arrived, time(0));
}

#[tokio::test]
async fn each_recipient_goes_its_own_way() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 4)).await.unwrap();
    bench.script([
        accepted(vec![(1, deferred()), (2, refused())]),
        failed(deferred(), vec![(0, deferred())]),
    ]);
    // The first attempt, and at once the return about the third recipient.
    assert_eq!(bench.at(0).await, 2);
    let returns = bench.returns();
    assert_eq!(returns.len(), 1);
    assert_eq!(
        (returns[0].kind, &returns[0].refused),
        (ReturnKind::Failed, &vec![(2, refused())])
    );
    assert_eq!(
        bench.seen()[1].envelope,
        Envelope::of(None, [address("teacher@trust.example")])
    );
    // The script's second answer went to the return; it and the second recipient are tried again.
    assert_eq!(bench.at(MINUTE).await, 2);
    let again: Vec<_> = bench
        .seen()
        .into_iter()
        .filter(|outgoing| outgoing.id == id(1))
        .collect();
    assert_eq!(again.len(), 2);
    assert_eq!(rcpts(&again[1]), ["r1@home.example"]);
    assert_eq!(bench.left().await, 0);
    assert_eq!(bench.returns().len(), 1);
}

#[tokio::test]
async fn answers_to_a_second_attempt_are_counted_among_those_it_was_for() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 3)).await.unwrap();
    bench.script([
        accepted(vec![(1, deferred()), (2, deferred())]),
        accepted(vec![(1, refused())]),
    ]);
    bench.at(0).await;
    bench.at(MINUTE).await;
    assert_eq!(bench.returns()[0].refused, [(2, refused())]);
    let list = bench.store.list_queue(None, 10).await.unwrap();
    let own = list.iter().find(|line| line.id == id(1)).unwrap();
    assert_eq!((own.failed, own.due_at, own.attempts), (1, None, 2));
    assert_eq!(bench.left().await, 0);
}

#[tokio::test]
async fn answers_before_the_data_belong_to_their_recipients() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 3)).await.unwrap();
    bench.script([
        failed(deferred(), vec![(0, refused()), (2, deferred())]),
        accepted(vec![]),
        failed(refused(), vec![(1, deferred())]),
        accepted(vec![]),
    ]);
    bench.at(0).await;
    assert_eq!(bench.returns()[0].refused, [(0, refused())]);
    // Now r1 and r2 are offered; the message is refused as a whole, but r2's own answer was "later".
    bench.at(MINUTE).await;
    assert_eq!(bench.returns()[1].refused, [(1, refused())]);
    bench.at(3 * MINUTE).await;
    let last = bench
        .seen()
        .into_iter()
        .rfind(|outgoing| outgoing.id == id(1))
        .unwrap();
    assert_eq!(rcpts(&last), ["r2@home.example"]);
    assert_eq!((bench.left().await, bench.returns().len()), (0, 2));
}

#[tokio::test]
async fn nobody_answers_the_null_sender_or_those_who_asked_for_silence() {
    let bench = Bench::new(Scripted::default()).await;
    bench.always(failed(refused(), vec![]));
    let mut null = delivery(1, 1);
    null.envelope = Envelope::of(None, [address("r0@home.example")]);
    null.kind = DeliveryKind::Notice;
    bench.store.enqueue(null).await.unwrap();
    let mut quiet = delivery(2, 3);
    quiet.envelope.rcpts[0].params = "NOTIFY=NEVER".into();
    quiet.envelope.rcpts[1].params = "ORCPT=rfc822;x notify=success,failure".into();
    quiet.envelope.rcpts[2].params = "NOTIFY=DELAY".into();
    bench.store.enqueue(quiet).await.unwrap();
    bench.at(0).await;
    assert_eq!(
        bench.left().await,
        0,
        "the return that was refused too is not returned"
    );
    let returns = bench.returns();
    assert_eq!(returns.len(), 1);
    assert_eq!(returns[0].refused, [(1, refused())]);
    let list = bench.store.list_queue(None, 10).await.unwrap();
    assert_eq!(list.iter().map(|done| done.failed).sum::<u32>(), 1 + 3 + 1);
}

#[tokio::test]
async fn a_lease_that_ends_is_taken_over_and_counted() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    let minute = Duration::from_secs(MINUTE);
    // A worker that takes the delivery, begins to send, and dies.
    let dead = bench
        .store
        .lease_due(time(0), "dead", 5, minute)
        .await
        .unwrap()
        .remove(0);
    bench.store.mark_attempting(&dead).await.unwrap();
    assert_eq!(bench.at(59).await, 0);
    assert_eq!(bench.at(60).await, 1);
    assert_eq!(bench.seen().len(), 1);
    assert_eq!(
        bench.store.list_queue(None, 1).await.unwrap()[0].possible_duplicates,
        1
    );
    // It was only asleep: nothing it does counts any more.
    let done = Settlement {
        recipients: vec![RecipientState::Delivered],
        next: Next::Finished,
        delay_noticed: false,
        unknown: false,
        keep_dead: false,
    };
    assert_eq!(
        bench.store.settle(&dead, &done, &[], time(61)).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(
        bench.store.mark_attempting(&dead).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(
        bench.store.delivery_message(&dead).await,
        Err(StoreError::LeaseLost)
    );
}

#[tokio::test]
async fn a_stale_worker_cannot_undo_the_new_ones_lease() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    let lease_for = Duration::from_secs(10);
    let old = bench
        .store
        .lease_due(time(0), "a", 1, lease_for)
        .await
        .unwrap()
        .remove(0);
    let new = bench
        .store
        .lease_due(time(10), "b", 1, lease_for)
        .await
        .unwrap()
        .remove(0);
    assert!(new.fence > old.fence);
    assert_eq!(new.possible_duplicates, 0, "the first worker had not begun");
    assert_eq!(
        bench.store.extend(&old, time(99)).await,
        Err(StoreError::LeaseLost)
    );
    let stale = bench.store.mark_attempting(&old).await;
    assert_eq!(stale, Err(StoreError::LeaseLost));
    bench.store.extend(&new, time(99)).await.unwrap();
    assert!(
        bench
            .store
            .lease_due(time(50), "c", 1, lease_for)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(bench.store.reclaim("b").await.unwrap(), 1);
    assert_eq!(
        bench
            .store
            .lease_due(time(50), "b", 1, lease_for)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_unknown_outcome_is_tried_again_and_counted() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    bench.script([Attempt::Unknown { reply: deferred() }]);
    bench.at(0).await;
    assert_eq!(bench.left().await, 1);
    bench.at(MINUTE).await;
    assert_eq!(bench.left().await, 0);
    assert_eq!(
        bench.store.list_queue(None, 1).await.unwrap()[0].possible_duplicates,
        1
    );
    assert!(bench.returns().is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_in_a_return() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    std::fs::remove_dir_all(bench.folder.path().join("blobs")).unwrap();
    std::fs::create_dir(bench.folder.path().join("blobs")).unwrap();
    bench.at(0).await;
    assert_eq!((bench.seen().len(), bench.left().await), (0, 1));
    bench.at(48 * HOUR).await;
    let returns = bench.returns();
    assert_eq!(returns.len(), 1);
    assert_eq!(
        (returns[0].kind, returns[0].header_bytes.len()),
        (ReturnKind::Failed, 0)
    );
    assert_eq!(returns[0].refused[0].1.code, 451);
}

#[tokio::test]
async fn the_worker_wakes_polls_and_stops() {
    let bench = Bench::new(Scripted {
        pause: Duration::from_millis(30),
        ..Scripted::default()
    })
    .await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = tokio::spawn(bench.queue.clone().run(stopped));
    for byte in 0..20 {
        bench.store.enqueue(delivery(byte, 1)).await.unwrap();
    }
    // As a command in another process would.
    let beside = open(bench.folder.path()).await;
    beside.enqueue(delivery(99, 1)).await.unwrap();
    let everything = async {
        while bench.left().await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), everything)
        .await
        .unwrap();
    assert_eq!(bench.seen().len(), 21);
    bench.store.enqueue(delivery(100, 1)).await.unwrap();
    while bench.seen().len() < 22 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Stopping waits for what has begun, and its outcome is recorded.
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(5), worker)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bench.left().await, 0);
}

#[tokio::test]
async fn a_slow_attempt_keeps_its_lease() {
    let bench = Bench::new(Scripted {
        pause: Duration::from_millis(1500),
        ..Scripted::default()
    })
    .await;
    bench.store.enqueue(delivery(1, 1)).await.unwrap();
    let real: beadle::relay::queue::Clock = Arc::new(SystemTime::now);
    let config = QueueConfig {
        lease: Duration::from_millis(600),
        ..QueueConfig::default()
    };
    let hop = Arc::clone(&bench.hop) as Arc<dyn NextHop>;
    let queue = Queue::new(
        bench.store.clone(),
        hop,
        composer(&bench.returns),
        real,
        config,
    );
    let (done, thief) = tokio::join!(queue.run_due(), async {
        let mut stolen = 0;
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !bench.seen().is_empty() {
                let now = SystemTime::now();
                stolen += bench
                    .store
                    .lease_due(now, "thief", 1, Duration::ZERO)
                    .await
                    .unwrap()
                    .len();
            }
        }
        stolen
    });
    assert_eq!((done.unwrap(), thief), (1, 0));
    assert_eq!(bench.left().await, 0);
}

/// A next hop that says on standard output what it took, before its answer can be recorded.
struct Told;

impl NextHop for Told {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        Box::pin(async move {
            let mut out = std::io::stdout().lock();
            writeln!(out, "\ntook {}", outgoing.id).unwrap();
            out.flush().unwrap();
            accepted(vec![])
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async { None })
    }
}

/// Not a test: the worker that the test below kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test in a child process"]
async fn child() {
    let Some(folder) = std::env::var_os("BEADLE_TEST_FOLDER") else {
        return;
    };
    let store = open(Path::new(&folder)).await;
    let compose: Compose = Arc::new(|_| None);
    let now: beadle::relay::queue::Clock = Arc::new(|| time(0));
    let queue = Queue::new(store, Arc::new(Told), compose, now, QueueConfig::default());
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    queue.run(stopped).await;
}

#[tokio::test]
async fn killed_while_delivering_it_loses_nothing_and_counts_what_it_repeats() {
    let bench = Bench::new(Scripted::default()).await;
    let all: HashSet<QueueId> = (0..200).map(id).collect();
    for byte in 0..200 {
        bench.store.enqueue(delivery(byte, 1)).await.unwrap();
    }
    let (mut taken, mut taken_twice) = (HashSet::new(), HashSet::new());
    for round in 0..4u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--ignored", "--nocapture"])
            .env("BEADLE_TEST_FOLDER", bench.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut took = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("took ")?.parse::<QueueId>().ok());
        let first = took.next();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5 + 13 * round));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for id in first.into_iter().chain(took) {
            if !taken.insert(id) {
                taken_twice.insert(id);
            }
        }
        killer.join().unwrap();
    }
    assert!(!taken.is_empty());
    bench.at(HOUR).await;
    for outgoing in bench.seen() {
        if !taken.insert(outgoing.id) {
            taken_twice.insert(outgoing.id);
        }
    }
    assert_eq!(taken, all);
    assert_eq!(bench.left().await, 0);
    let counted: HashSet<QueueId> = bench
        .store
        .list_queue(None, 1000)
        .await
        .unwrap()
        .iter()
        .filter(|line| line.possible_duplicates > 0)
        .map(|line| line.id)
        .collect();
    assert!(
        taken_twice.is_subset(&counted),
        "a repetition was not counted"
    );
    assert!(counted.len() <= 4 * QueueConfig::default().concurrency);
}

async fn states(bench: &Bench) -> Vec<(QueueId, QueueState)> {
    let list = bench.store.list_queue(None, 100).await.unwrap();
    list.iter()
        .map(|delivery| (delivery.id, delivery.state))
        .collect()
}

async fn actions(bench: &Bench) -> Vec<String> {
    let entries = bench.store.ledger(1, 1_000).await.unwrap();
    entries.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn what_did_not_reach_everybody_waits_for_an_operator_and_goes_to_the_others_alone() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(1, 3)).await.unwrap();
    bench.script([accepted(vec![(1, refused())])]);
    assert_eq!(
        bench.at(0).await,
        2,
        "the release, and the return to its sender"
    );
    assert_eq!(bench.returns().len(), 1);
    assert_eq!(
        states(&bench).await[0],
        (id(1), QueueState::Dead),
        "dead letters come first"
    );
    assert_eq!(bench.store.counts().await.unwrap().dead, 1);
    let details = bench.store.open_delivery(id(1)).await.unwrap();
    assert_eq!(details.summary.failed, 1);
    assert!(matches!(&details.recipients[1], RecipientState::Failed(answer) if answer.code == 550));
    assert_eq!(details.recipients[0], RecipientState::Delivered);
    bench.at(HOUR).await;
    assert_eq!(bench.seen().len(), 2, "the release once and its return");
    bench
        .store
        .retry_delivery(id(1), "o.perator", time(60 * HOUR))
        .await
        .unwrap();
    assert_eq!(bench.at(60 * HOUR).await, 1);
    let again = bench.seen().pop().unwrap();
    assert_eq!(rcpts(&again), ["r1@home.example"]);
    assert_eq!(again.message, bench.seen()[0].message);
    let details = bench.store.open_delivery(id(1)).await.unwrap();
    assert_eq!(details.summary.state, QueueState::Finished);
    assert_eq!(details.envelope, None, "its addresses are gone");
    assert_eq!(bench.store.counts().await.unwrap().dead, 0);
    let actions = actions(&bench).await;
    assert_eq!(actions, ["undelivered", "queue-retried", "delivered"]);
}

#[tokio::test]
async fn a_dead_letter_begins_a_new_window_of_retries() {
    let bench = Bench::new(Scripted::default()).await;
    let mut notice = delivery(2, 1);
    notice.kind = DeliveryKind::Notice;
    notice.envelope = Envelope::of(None, [address("head@trust.example")]);
    bench.store.enqueue(notice).await.unwrap();
    bench.always(failed(deferred(), vec![]));
    let mut hours = 0;
    while bench.left().await > 0 {
        bench.at(hours * HOUR).await;
        hours += 1;
    }
    assert!((48..=50).contains(&hours), "{hours}");
    assert_eq!(states(&bench).await, [(id(2), QueueState::Dead)]);
    assert!(bench.returns().is_empty(), "the null sender is not told");
    let now = 100 * HOUR;
    bench
        .store
        .retry_delivery(id(2), "o.perator", time(now))
        .await
        .unwrap();
    bench.at(now).await;
    assert_eq!(
        states(&bench).await,
        [(id(2), QueueState::Waiting)],
        "one failure more does not end it again"
    );
    *bench.hop.otherwise.lock().unwrap() = None;
    bench.at(now + HOUR).await;
    assert_eq!(states(&bench).await, [(id(2), QueueState::Finished)]);
}

#[tokio::test]
async fn mail_that_only_passed_goes_back_to_its_sender_and_is_not_kept() {
    let bench = Bench::new(Scripted::default()).await;
    let mut spooled = delivery(3, 1);
    spooled.kind = DeliveryKind::Spool;
    bench.store.enqueue(spooled).await.unwrap();
    bench.script([failed(refused(), vec![])]);
    bench.at(0).await;
    assert_eq!(bench.returns().len(), 1);
    assert_eq!(bench.store.counts().await.unwrap().dead, 0);
    let missing = bench
        .store
        .retry_delivery(id(3), "o.perator", time(1))
        .await;
    assert_eq!(missing, Err(StoreError::Missing));
}

#[tokio::test]
async fn dead_letters_end_with_their_time_and_cancelled_ones_at_once() {
    let bench = Bench::new(Scripted::default()).await;
    bench.always(failed(refused(), vec![]));
    for byte in [4, 5, 6] {
        let mut notice = delivery(byte, 1);
        notice.envelope = Envelope::of(None, [address("head@trust.example")]);
        bench.store.enqueue(notice).await.unwrap();
    }
    bench.at(0).await;
    assert_eq!(bench.store.counts().await.unwrap().dead, 3);
    bench
        .store
        .cancel_delivery(id(4), "o.perator", "sent by hand", time(5))
        .await
        .unwrap();
    let gone = bench
        .store
        .cancel_delivery(id(4), "o.perator", "again", time(6))
        .await;
    assert_eq!(gone, Err(StoreError::Missing));
    assert_eq!(blobs(bench.folder.path()), 2);
    bench.store.expire_due(time(13 * 24 * HOUR)).await.unwrap();
    assert_eq!(bench.store.counts().await.unwrap().dead, 2);
    bench.store.expire_due(time(15 * 24 * HOUR)).await.unwrap();
    assert_eq!(bench.store.counts().await.unwrap().dead, 0);
    assert_eq!(blobs(bench.folder.path()), 0);
    let ended = actions(&bench).await;
    let count = |name: &str| ended.iter().filter(|action| *action == name).count();
    assert_eq!(
        (count("queue-cancelled"), count("dead-letter-ended")),
        (1, 2)
    );
}

#[tokio::test]
async fn what_a_worker_has_is_neither_cancelled_nor_hurried() {
    let bench = Bench::new(Scripted::default()).await;
    bench.store.enqueue(delivery(7, 1)).await.unwrap();
    let leases = bench
        .store
        .lease_due(time(0), "other", 10, Duration::from_mins(2))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1);
    let during = time(60);
    let cancel = bench.store.cancel_delivery(id(7), "o", "x", during).await;
    assert_eq!(cancel, Err(StoreError::Busy));
    let retry = bench.store.retry_delivery(id(7), "o", during).await;
    assert_eq!(retry, Err(StoreError::Busy));
    // The lease of a worker that died runs out.
    let after = time(3 * MINUTE);
    bench
        .store
        .cancel_delivery(id(7), "o", "x", after)
        .await
        .unwrap();
    let lost = bench.store.mark_attempting(&leases[0]).await;
    assert_eq!(lost, Err(StoreError::LeaseLost));
}

fn blobs(folder: &Path) -> usize {
    let shards = std::fs::read_dir(folder.join("blobs")).unwrap();
    shards
        .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}
