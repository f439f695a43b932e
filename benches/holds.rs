//! Lists and searches over many sealed holds: `BEADLE_BENCH_HOLDS=1000000 cargo bench --bench holds` (100,000 unless told).
//!
//! # How the store is made
//! Through `Custody::hold`, 256 at once, so that the commits of many go together; tiny messages. The folder is `BEADLE_BENCH_FOLDER`,
//! `/dev/shm` where there is one: each hold is synced, and a disk would be measured instead. Decisions are set by one SQL statement for all,
//! since only the state matters here. The sealed messages are removed as they are made: lists read none, and a million small files would
//! take more memory than the rest.
//!
//! # What is timed
//! Each query 50 times, with another sender, word or place each time where there is another: choosing, reading, and opening every
//! record of the page. The mark is 100 ms for the worst.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot set up has failed; the figures are its output"
)]

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::store::{
    Config, Cursor, Custody, FindingRecord, HoldClient, HoldQuery, HoldRecord, HoldState,
    MasterKey, NewHold, RuleRecord, SearchText, Sort,
};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use zeroize::Zeroizing;

const ROUNDS: u64 = 50;
const AT_ONCE: usize = 256;
/// Holds after which their messages are removed.
const CHUNK: usize = 50_000;
const START: u64 = 1_760_000_000;
/// All holds come within a year, whatever their number.
const YEAR: u64 = 365 * 86_400;
const SENDERS: u64 = 2_000;
const RARE: u64 = 50_000;
const RULES: [&str; 8] = [
    "pupil-name-outside",
    "medical-outside",
    "financial-outside",
    "bulk-personal",
    "auto-forward",
    "image-only",
    "protected-unknown",
    "safeguarding",
];
const CATEGORIES: [Category; 5] = [
    Category::PupilName,
    Category::PersonalDetail,
    Category::Medical,
    Category::Financial,
    Category::AutoForward,
];

/// The same number for the same holds on every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Small numbers far more often, as words and correspondents are.
    fn skewed(&mut self, end: u64) -> u64 {
        let within = self.below(end) + 1;
        self.below(within)
    }
}

/// An invented word that no other number has.
fn word(mut number: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu",
        "za",
    ];
    let mut text = String::new();
    for _ in 0..2 {
        text.push_str(SYLLABLES[(number % 16) as usize]);
        number /= 16;
    }
    while number > 0 {
        text.push_str(SYLLABLES[(number % 16) as usize]);
        number /= 16;
    }
    text
}

fn sender(number: u64) -> Address {
    let text = format!(
        "{}.{}@school{}.trust.example",
        word(number % 200),
        word(300 + number),
        number % 12
    );
    Address::parse(&text).unwrap()
}

fn subject(number: u64, of: u64, numbers: &mut Numbers) -> String {
    let mut words: Vec<String> = (0..=2 + numbers.below(5))
        .map(|_| word(10_000 + numbers.skewed(5_000)))
        .collect();
    // A pupil's name, which few others share.
    words.push(word(100_000 + numbers.below(RARE)));
    match number % 20 {
        0 | 1 => words.push("trip".into()),
        2 => words.push("exam".into()),
        _ => {}
    }
    // 25 messages of all have both.
    if number % (of / 25).max(1) == 5 {
        words.extend(["trip".into(), "exam".into()]);
    }
    words.join(" ")
}

fn new_hold(number: u64, of: u64) -> NewHold {
    let mut numbers = Numbers(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let rcpts = (0..=numbers.skewed(4)).map(|_| {
        let text = format!(
            "{}.{}@{}.example",
            word(numbers.below(500)),
            word(20_000 + numbers.skewed(50_000)),
            word(40_000 + numbers.skewed(400))
        );
        Address::parse(&text).unwrap()
    });
    let rcpts: Vec<Address> = rcpts.collect();
    let envelope = Envelope::of(Some(sender(numbers.skewed(SENDERS))), rcpts);
    let first = numbers.skewed(8) as usize;
    let rules = [RULES[first], RULES[(first + 1) % 8]];
    let findings = (0..2).map(|_| FindingRecord {
        category: CATEGORIES[numbers.skewed(5) as usize],
        detector: "pupil-full-name".into(),
        confidence: Confidence::High,
        location: "body".into(),
        masked: "O*** Q***".into(),
    });
    let findings = findings.collect();
    let rules = rules[..=usize::from(number.is_multiple_of(4))]
        .iter()
        .map(|id| RuleRecord {
            id: (*id).into(),
            title: "Personal data of pupils that leaves the trust".into(),
            clause: Some("4.2".into()),
            action: Action::Hold,
            because: "1 pupil in the body, to outside recipients".into(),
            severity: Severity::High,
            urgent: false,
            four_eyes: false,
        });
    NewHold {
        id: Custody::new_id().unwrap(),
        envelope,
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: when(number, of),
        message: Bytes::from_static(b"Subject: x\r\n\r\nx\r\n"),
        record: HoldRecord {
            subject: Some(subject(number, of, &mut numbers)),
            rules: rules.collect(),
            findings,
            people: 1,
            explanation: "The body names a pupil, and a recipient is outside the trust.".into(),
            values: vec![u128::from(number)],
            confidential: false,
        },
        origin: beadle::store::Origin::default(),
    }
}

fn when(number: u64, of: u64) -> SystemTime {
    UNIX_EPOCH
        + Duration::from_secs(START)
        + Duration::from_secs(YEAR) / (of as u32) * (number as u32)
}

async fn fill(store: &Custody, of: u64) -> Vec<QueueId> {
    let mut ids = Vec::new();
    for first in (0..of).step_by(CHUNK) {
        ids.extend(fill_chunk(store, first..of.min(first + CHUNK as u64), of).await);
        let blobs = store.config().data_dir.join("blobs");
        for folder in std::fs::read_dir(blobs).unwrap() {
            std::fs::remove_dir_all(folder.unwrap().path()).unwrap();
        }
    }
    ids
}

async fn fill_chunk(store: &Custody, numbers: std::ops::Range<u64>, of: u64) -> Vec<QueueId> {
    let mut tasks = tokio::task::JoinSet::new();
    let mut ids = Vec::new();
    for number in numbers {
        if tasks.len() == AT_ONCE {
            ids.push(tasks.join_next().await.unwrap().unwrap());
        }
        let store = store.clone();
        tasks.spawn(async move { store.hold(new_hold(number, of)).await.unwrap() });
    }
    ids.extend(tasks.join_all().await);
    ids
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap()
}

/// Nearly all are decided; 2,000 spread over the year and the latest half percent wait.
async fn decide(pool: &SqlitePool, of: u64) {
    let undecided = when(of - of / 200, of).duration_since(UNIX_EPOCH).unwrap();
    sqlx::query(
        "UPDATE hold SET state = CASE WHEN received_at % 3 = 0 THEN 'refused' ELSE 'released' END, decided_by = 'a.reviewer', \
         decided_at = received_at WHERE abs(random()) % ? >= 2000 AND received_at < ?",
    )
    .bind(number(of))
    .bind(i64::try_from(undecided.as_micros()).unwrap())
    .execute(pool)
    .await
    .unwrap();
}

async fn sizes(pool: &SqlitePool, of: u64) {
    let tables: Vec<(String, i64)> = sqlx::query_as(
        "SELECT name, sum(pgsize) FROM dbstat WHERE name LIKE 'hold%' GROUP BY name ORDER BY 2 DESC",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for (name, bytes) in tables {
        println!("{name:<22} {:>8} bytes a hold", bytes / number(of));
    }
    let tokens: i64 = sqlx::query_scalar("SELECT count(*) FROM hold_token")
        .fetch_one(pool)
        .await
        .unwrap();
    println!("{:<22} {:>8.1} a hold", "tokens", tokens as f64 / of as f64);
}

async fn timed<F: Future<Output = usize>>(name: &str, mut run: impl FnMut(u64) -> F) {
    let (mut times, mut holds) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let start = Instant::now();
        holds = run(round).await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let mark = if worst < Duration::from_millis(100) {
        ""
    } else {
        "  MISSED"
    };
    println!("{name:<44} median {median:>10.2?}  worst {worst:>10.2?}  {holds:>5} found{mark}");
}

fn page() -> HoldQuery {
    HoldQuery {
        limit: 50,
        ..HoldQuery::default()
    }
}

fn text(text: &str) -> HoldQuery {
    HoldQuery {
        text: SearchText::parse(text).unwrap(),
        ..page()
    }
}

async fn listed(store: &Custody, query: HoldQuery) -> usize {
    store.search_holds(&query).await.unwrap().holds.len()
}

async fn lists(store: &Custody, of: u64) {
    let moment = |round: u64| when(of / ROUNDS * round, of);
    timed("newest page", |_| listed(store, page())).await;
    let oldest = HoldQuery {
        sort: Sort::Oldest,
        ..page()
    };
    timed("oldest page", |_| listed(store, oldest.clone())).await;
    let mut places: Vec<Option<Cursor>> = Vec::new();
    for round in 0..ROUNDS {
        let query = HoldQuery {
            until: Some(moment(round + 1)),
            ..page()
        };
        places.push(store.search_holds(&query).await.unwrap().next);
    }
    timed("page from a deep place", |round| {
        let cursor = places[round as usize];
        listed(store, HoldQuery { cursor, ..page() })
    })
    .await;
    let held = || HoldQuery {
        states: vec![HoldState::Held],
        ..page()
    };
    timed("held, newest", |_| listed(store, held())).await;
    timed("by rule", |round| {
        let rule = Some(RULES[(round % 8) as usize].to_owned());
        listed(store, HoldQuery { rule, ..page() })
    })
    .await;
    timed("held, by rule, from a deep place", |round| {
        let rule = Some(RULES[(round % 8) as usize].to_owned());
        let cursor = places[round as usize];
        listed(
            store,
            HoldQuery {
                rule,
                cursor,
                ..held()
            },
        )
    })
    .await;
    timed("two states, by category, since, until", |round| {
        let query = HoldQuery {
            states: vec![HoldState::Refused, HoldState::Released],
            category: Some(CATEGORIES[(round % 5) as usize]),
            since: Some(moment(round)),
            until: Some(moment(round + 1)),
            ..page()
        };
        listed(store, query)
    })
    .await;
    timed("by sender", |round| {
        let from = Some(sender(round * (SENDERS / ROUNDS)));
        listed(store, HoldQuery { from, ..page() })
    })
    .await;
    timed("held, by the sender's school", |round| {
        let domain = format!("school{}.trust.example", round % 12);
        let from_domain = Some(Domain::parse(&domain).unwrap());
        listed(
            store,
            HoldQuery {
                from_domain,
                ..held()
            },
        )
    })
    .await;
}

async fn searches(store: &Custody, of: u64) {
    timed("one common word", |_| listed(store, text("trip"))).await;
    timed("one rare word", |round| {
        listed(store, text(&word(100_000 + round * 997 % RARE)))
    })
    .await;
    timed("two common words that seldom meet, one call", |_| {
        listed(store, text("trip exam"))
    })
    .await;
    timed("... every page until the end", |_| async {
        let (mut query, mut holds) = (text("trip exam"), 0);
        loop {
            let page = store.search_holds(&query).await.unwrap();
            holds += page.holds.len();
            query.cursor = page.next;
            if query.cursor.is_none() {
                return holds;
            }
        }
    })
    .await;
    timed("common word, two states, category, school", |round| {
        let query = HoldQuery {
            states: vec![HoldState::Refused, HoldState::Held],
            category: Some(CATEGORIES[4]),
            from_domain: Some(Domain::parse("school11.trust.example").unwrap()),
            until: Some(when(of / ROUNDS * (round + 1), of)),
            ..text("trip")
        };
        listed(store, query)
    })
    .await;
    let counted = |query: HoldQuery, at_most: u32| async move {
        store.count_holds(&query, at_most).await.unwrap().number as usize
    };
    let held = HoldQuery {
        states: vec![HoldState::Held],
        ..page()
    };
    timed("count of held, up to 10,000", |_| {
        counted(held.clone(), 10_000)
    })
    .await;
    timed("count of a common word, up to 10,000", |_| {
        counted(text("trip"), 10_000)
    })
    .await;
    timed("count of two that seldom meet", |_| {
        counted(text("trip exam"), 10_000)
    })
    .await;
}

async fn run(of: u64, folder: PathBuf) {
    let config = Config {
        check: false,
        ..Config::new(&folder)
    };
    let key = MasterKey::from_bytes(Zeroizing::new([7; 32]));
    let store = Custody::open(config, key).await.unwrap();
    let start = Instant::now();
    let ids = fill(&store, of).await;
    let took = start.elapsed();
    println!(
        "{of} holds kept in {took:.0?}, {:.0} a second",
        of as f64 / took.as_secs_f64()
    );
    let options = SqliteConnectOptions::new().filename(folder.join("beadle.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    decide(&pool, of).await;
    sizes(&pool, of).await;
    pool.close().await;
    lists(&store, of).await;
    searches(&store, of).await;
    timed("by reference", |round| {
        let id = ids[(round * of / ROUNDS) as usize];
        let store = store.clone();
        async move {
            let found = store.find_hold(&id.reference().to_string()).await;
            usize::from(found == Ok(id))
        }
    })
    .await;
    timed("counts for the gauges", |_| async {
        store.counts().await.unwrap().held as usize
    })
    .await;
    store.close().await;
}

fn main() {
    let of = std::env::var("BEADLE_BENCH_HOLDS").map_or(100_000, |text| text.parse().unwrap());
    let memory = PathBuf::from("/dev/shm");
    let parent = match std::env::var_os("BEADLE_BENCH_FOLDER") {
        Some(folder) => PathBuf::from(folder),
        None if memory.is_dir() => memory,
        None => std::env::temp_dir(),
    };
    let folder = tempfile::tempdir_in(parent).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(of, folder.path().to_owned()));
}
