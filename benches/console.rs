//! Every page of the console over many held messages: `BEADLE_BENCH_HOLDS=100000 cargo bench --bench console` (that many unless told).
//!
//! # How the store is made
//! Through `Custody::hold` and the desk's `refuse`, 256 at once, as in use: 100,000 holds give 200,000 entries of the ledger. Each is synced, so
//! `TMPDIR=/dev/shm` spares the disk. Sealed messages are removed as they are made, but for the one that is opened.
//!
//! # What is timed
//! The router answers in this process, without a socket: each page [`ROUNDS`] times, after a first time that is told by itself, since it
//! may read what later ones have in memory. The mark is 50 ms for 99 in 100.
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up has failed")]
#![allow(missing_docs, reason = "a bench has no callers")]
#![allow(clippy::print_stdout, reason = "figures are the bench's output")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of holds"
)]

#[path = "../tests/console/mod.rs"]
mod console;
use std::time::{Duration, Instant, SystemTime};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Envelope};
use beadle::policy::{Action, Severity};
use beadle::quarantine::desk::{By, Desk, Tell};
use beadle::store::{Custody, FindingRecord, HoldClient, HoldRecord, NewHold, Role, RuleRecord};
use bytes::Bytes;
use console::{Bench, Held, Person};

/// Times that each page is asked for.
const ROUNDS: usize = 200;
/// What 99 of 100 must be under.
const MARK: Duration = Duration::from_millis(50);
/// Holds put in at once.
const AT_ONCE: usize = 256;
/// One hold in so many waits; the others are refused an hour after they came.
const WAITS: u64 = 40;
/// Over so long the holds came.
const YEAR: Duration = Duration::from_hours(24 * 365);
/// Senders.
const SENDERS: u64 = 400;
/// Rules of the standard policy that hold.
const RULES: [&str; 5] = [
    "pupil-name",
    "pupil-number",
    "unread",
    "credential",
    "auto-forward",
];
/// What is found.
const CATEGORIES: [Category; 3] = [Category::PupilName, Category::PupilId, Category::Credential];

/// Numbers that look random and are the same each time (splitmix64).
fn mixed(seed: u64) -> u64 {
    let z = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seed >> 30))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 7
}

fn sender(number: u64) -> Address {
    let school = ["oak", "elm"][(number % 2) as usize];
    console::address(&format!("teacher{number}@{school}.trust.example"))
}

fn new_hold(number: u64, of: u64) -> NewHold {
    let some = mixed(number);
    let rcpts: Vec<Address> = (0..=some % 3)
        .map(|place| {
            console::address(&format!(
                "office{}@place{}.example",
                some % 5_000,
                place + some % 300
            ))
        })
        .collect();
    let rule = RULES[(some % 5) as usize];
    let common = if number.is_multiple_of(10) {
        " trip"
    } else {
        ""
    };
    NewHold {
        id: Custody::new_id().unwrap(),
        envelope: Envelope::of(Some(sender(some % SENDERS)), rcpts),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: SystemTime::now() - YEAR / (of as u32) * ((of - number) as u32),
        message: Bytes::from_static(b"Subject: x\r\n\r\nx\r\n"),
        record: HoldRecord {
            subject: Some(format!("Letter {number} to class{}{common}", some % 4_000)),
            rules: vec![RuleRecord {
                id: rule.into(),
                title: "it holds a pupil's full name".into(),
                clause: Some("4.2".into()),
                action: Action::Hold,
                because: "1 pupil in the body; to 1 recipient outside the trust".into(),
                severity: Severity::High,
                urgent: false,
                four_eyes: number.is_multiple_of(50),
            }],
            findings: vec![FindingRecord {
                category: CATEGORIES[(some % 3) as usize],
                detector: "pupil-full-name".into(),
                confidence: Confidence::High,
                location: "body".into(),
                masked: "O*** W***".into(),
            }],
            people: 1,
            explanation: "The body names a pupil, and a recipient is outside the trust.".into(),
            values: vec![u128::from(number % 40_000)],
            confidential: false,
        },
        origin: beadle::store::Origin::default(),
    }
}

async fn fill(bench: &Bench, of: u64) {
    let store = &bench.store;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..of {
        if tasks.len() == AT_ONCE {
            tasks.join_next().await.unwrap().unwrap();
        }
        let (to, desk) = (store.clone(), bench.site.desk().clone());
        tasks.spawn(async move { keep(&to, &desk, number, of).await });
        if number % 10_000 == 9_999 {
            tasks = emptied(tasks, store).await;
        }
    }
    emptied(tasks, store).await;
}

/// Waits for what is under way, and takes the sealed messages away.
async fn emptied(tasks: tokio::task::JoinSet<()>, store: &Custody) -> tokio::task::JoinSet<()> {
    tasks.join_all().await;
    for folder in std::fs::read_dir(store.config().data_dir.join("blobs")).unwrap() {
        std::fs::remove_dir_all(folder.unwrap().path()).unwrap();
    }
    tokio::task::JoinSet::new()
}

/// Keeps a hold, and refuses it unless it is one of those that wait.
async fn keep(store: &Custody, desk: &Desk, number: u64, of: u64) {
    let new = new_hold(number, of);
    let by = By {
        actor: "r.eviewer",
        reason: "It goes to the wrong person",
        at: new.received_at + Duration::from_hours(1),
    };
    let id = store.hold(new).await.unwrap();
    if !number.is_multiple_of(WAITS) {
        desk.refuse(id, by, Tell::Nobody).await.unwrap();
    }
}

/// Asks for a page again and again; says how long it took, and whether that is within the mark.
async fn timed(bench: &Bench, who: &Person, name: &str, path: &str) -> bool {
    let mut times = Vec::with_capacity(ROUNDS);
    let (mut first, mut bytes) = (Duration::ZERO, 0);
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let answer = bench.get(who, path).await;
        let took = start.elapsed();
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        bytes = answer.body.len();
        if round == 0 {
            first = took;
        } else {
            times.push(took);
        }
    }
    told(name, first, times, bytes)
}

fn told(name: &str, first: Duration, mut times: Vec<Duration>, bytes: usize) -> bool {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() * 99 / 100 - 1]);
    let good = worst < MARK;
    let mark = if good { "" } else { "  MISSED" };
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {} |{mark}",
        ms(first),
        ms(median),
        ms(worst),
        bytes / 1024
    );
    good
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A search by text, which goes by a form and leads to a page of its own.
async fn searched(bench: &Bench, who: &Person, name: &str, text: &str) -> bool {
    let form = bench
        .post(who, "/holds/search", &[("text", text), ("state", "all")])
        .await;
    let path = form.location().to_owned();
    assert!(path.starts_with("/holds"), "{} {path}", form.status);
    timed(bench, who, name, &path).await
}

/// The text of a message, to which a form leads.
async fn read(bench: &Bench, who: &Person, id: &str) -> bool {
    let form = bench.post(who, &format!("/holds/{id}/unmask"), &[]).await;
    let path = form.location().to_owned();
    timed(bench, who, "the message in clear", &path).await
}

async fn pages(bench: &Bench, id: &str) -> bool {
    let dpo = bench.person(Role::Dpo, &[]).await;
    let mut good = true;
    let one = format!("/holds/{id}");
    for (name, path) in [
        ("overview", "/"),
        ("held messages, longest wait first", "/holds"),
        ("newest first", "/holds?order=newest"),
        ("refused, newest first", "/holds?state=refused&order=newest"),
        ("any state, by rule", "/holds?state=all&rule=credential"),
        (
            "any state, by what was found",
            "/holds?state=all&category=credential",
        ),
        ("of a school", "/holds?school=elm"),
        ("one message", one.as_str()),
        ("forwarding", "/forwarding"),
        ("reports", "/reports"),
        ("report: summary", "/reports/summary"),
        ("report: near misses", "/reports/near-misses"),
        ("report: senders", "/reports/senders"),
        ("report: retention", "/reports/retention"),
        ("report: summary as CSV", "/reports/summary?form=csv"),
        ("breaches", "/breaches"),
        ("policies", "/policies"),
        ("detectors", "/detectors"),
        ("roster", "/roster"),
        ("people", "/people"),
        ("retention", "/retention"),
        ("ledger", "/ledger"),
        (
            "ledger, an action that is seldom",
            "/ledger?action=restored",
        ),
        ("ledger, on one message", &format!("/ledger?about={id}")),
        ("deliveries", "/deliveries"),
        ("health", "/health"),
        ("own account", "/account"),
    ] {
        good &= timed(bench, &dpo, name, path).await;
    }
    good &= searched(bench, &dpo, "search: a word that one in ten has", "trip").await;
    good &= searched(bench, &dpo, "search: a word that few have", "class77").await;
    good &= searched(
        bench,
        &dpo,
        "search: a sender",
        "teacher7@elm.trust.example",
    )
    .await;
    good &= read(bench, &dpo, id).await;
    let head = bench.person(Role::Head, &["elm"]).await;
    good &= timed(bench, &head, "head: overview", "/").await;
    good &= timed(bench, &head, "head: held messages", "/holds").await;
    let auditor = bench.person(Role::Auditor, &[]).await;
    good &= timed(bench, &auditor, "auditor: any state", "/holds?state=all").await;
    let own = bench
        .signed_in(Role::Sender, &[], Some("teacher7@elm.trust.example"))
        .await;
    good & timed(bench, &own, "sender: own messages", "/mine").await
}

async fn run(of: u64) -> bool {
    let bench = console::bench().await;
    let start = Instant::now();
    fill(&bench, of).await;
    println!("{of} holds kept in {:.0?}", start.elapsed());
    let id = bench.hold(Held::default()).await.to_string();
    println!("| page | first, ms | median, ms | 99 of 100, ms | KB |\n|---|---|---|---|---|");
    pages(&bench, &id).await
}

fn main() {
    // Why a page is a fault stands in the log alone.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .init();
    let of = std::env::var("BEADLE_BENCH_HOLDS").map_or(100_000, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let good = runtime.block_on(run(of));
    println!(
        "{}",
        if good {
            "every page is within its mark"
        } else {
            "MISSED"
        }
    );
}
