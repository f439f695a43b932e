//! Two relays on one PostgreSQL and one object store, either of them killed at any time under load: nothing is lost, nothing is held
//! twice, nothing is delivered twice beyond the one window that the protocol leaves open, and nothing needs a hand.
//!
//! The window: a next hop has said 250 and the relay dies before it could say or write so. Each such case is known to one side, the client
//! that got no answer to a whole message or the queue that counts a possible duplicate, and is held against that here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "two_nodes/load.rs"]
mod load;
#[path = "two_nodes/node.rs"]
mod node;
mod servers;
#[path = "two_nodes/sink.rs"]
mod sink;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use beadle::quarantine::desk::{By, Desk, To};
use beadle::store::{Config, Custody, HoldFilter, HoldState, KeySource, MasterKeys};

use load::{Kind, Sent};
use node::{Cluster, Node};
use sink::Sink;

/// Messages of a run.
const MESSAGES: usize = 480;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn either_node_may_die_at_any_time() {
    let cluster = Cluster::start().await;
    let sink = Sink::start();
    let mut nodes = [
        Node::new(&cluster, &sink, "a"),
        Node::new(&cluster, &sink, "b"),
    ];
    nodes.iter_mut().for_each(Node::start);
    let desk_store = desk_store(&cluster).await;
    let ended = Arc::new(AtomicBool::new(false));
    let reviewing = tokio::spawn(review(desk_store.clone(), Arc::clone(&ended)));
    let ports = [nodes[0].port, nodes[1].port];
    let sending = std::thread::spawn(move || load::send_all(MESSAGES, ports));
    let kills = kill_until(&mut nodes, || sending.is_finished());
    let sent = sending.join().unwrap();
    ended.store(true, Ordering::SeqCst);
    reviewing.await.unwrap();
    release_all(&desk_store).await;
    until_empty(&desk_store).await;
    let unanswered: u32 = sent.iter().map(|sent| sent.unanswered).sum();
    let twice = audit(&desk_store, &sink, &sent).await;
    eprintln!(
        "{MESSAGES} messages, {kills} kills, {unanswered} whole messages without an answer, {twice} delivered twice within the window"
    );
    assert!(kills >= 8, "too few kills to prove anything: {kills}");
    for node in &mut nodes {
        node.stop();
    }
    let check = desk_store.verify_ledger(None).await.unwrap();
    assert_eq!(check.first_bad, None, "{check:?}");
    desk_store.close().await;
    nodes[0].fsck();
}

/// The store as a reviewer's command beside the nodes has it.
async fn desk_store(cluster: &Cluster) -> Custody {
    let config = Config {
        database: cluster.database.clone(),
        blobs: cluster.blobs.clone(),
        check: false,
        ..Config::new(cluster.folder.path().join("desk"))
    };
    let path = cluster.key_file();
    let keys = MasterKeys::open(KeySource::File {
        path,
        create: false,
    })
    .unwrap();
    Custody::open(config, keys).await.unwrap()
}

/// Kills one node after the other while the load lasts, and starts each again at once.
fn kill_until(nodes: &mut [Node; 2], done: impl Fn() -> bool) -> usize {
    let mut kills = 0;
    let mut seed = 0x9E37_79B9_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    while !done() {
        std::thread::sleep(Duration::from_millis(150 + random(700)));
        let node = &mut nodes[random(2) as usize];
        node.kill();
        node.start();
        kills += 1;
    }
    kills
}

/// Releases about every second hold while the load lasts.
async fn review(store: Custody, ended: Arc<AtomicBool>) {
    let mut odd = false;
    while !ended.load(Ordering::SeqCst) {
        for id in waiting(&store).await {
            odd = !odd;
            if odd {
                release(&store, id).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn waiting(store: &Custody) -> Vec<beadle::mail::QueueId> {
    let filter = HoldFilter {
        state: Some(HoldState::Held),
        ..HoldFilter::default()
    };
    let holds = store.list_holds(filter).await.unwrap();
    holds.into_iter().map(|hold| hold.id).collect()
}

async fn release(store: &Custody, id: beadle::mail::QueueId) {
    let desk = Desk::new(store.clone(), Arc::new(|_| None));
    let by = By {
        actor: "r.eviewer",
        reason: "agreed by telephone",
        at: SystemTime::now(),
    };
    desk.release(id, by, To::All).await.unwrap();
}

async fn release_all(store: &Custody) {
    for id in waiting(store).await {
        release(store, id).await;
    }
}

/// Waits until the nodes have delivered everything, without anybody's doing.
async fn until_empty(store: &Custody) {
    let begun = Instant::now();
    loop {
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.dead, 0, "nothing needs a hand");
        if counts.queued == 0 {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(3),
            "{} deliveries still wait",
            counts.queued
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Holds what each client was told against what is there; gives how many came twice.
async fn audit(store: &Custody, sink: &Sink, sent: &[Sent]) -> usize {
    let holds = store.list_holds(HoldFilter::default()).await.unwrap();
    let mut held: HashMap<String, Vec<beadle::mail::QueueId>> = HashMap::new();
    for hold in holds {
        let subject = hold.sealed.unwrap().subject.unwrap();
        held.entry(subject).or_default().push(hold.id);
    }
    let queue = store.list_queue(None, u32::MAX).await.unwrap();
    let unknown: HashMap<_, _> = queue
        .iter()
        .map(|delivery| (delivery.id, delivery.possible_duplicates as usize))
        .collect();
    let mut twice = 0;
    for sent in sent {
        let arrived = sink.count(&sent.id);
        let holds = held.remove(&sent.id).unwrap_or_default();
        let window = match sent.kind {
            Kind::Pass => {
                assert!(holds.is_empty(), "{}: passes", sent.id);
                sent.unanswered as usize
            }
            Kind::Hold => {
                assert_eq!(holds.len(), 1, "{}: held once", sent.id);
                unknown.get(&holds[0]).copied().unwrap_or_default()
            }
        };
        assert!(arrived >= 1, "{} was answered 250 and is lost", sent.id);
        assert!(
            arrived <= 1 + window,
            "{} arrived {arrived} times, {window} of which were in the window",
            sent.id
        );
        twice += arrived - 1;
    }
    assert!(held.is_empty(), "holds that nobody sent: {}", held.len());
    twice
}
