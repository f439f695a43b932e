//! Searching sealed holds: what is found, that pages join, and that the database file tells no name.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod servers;

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beadle::detect::{Category, Confidence};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::policy::{Action, Severity};
use beadle::store::{
    Config, Custody, DatabaseConfig, Decision, FindingRecord, HoldClient, HoldDetails, HoldQuery,
    HoldRecord, HoldState, MasterKey, NewHold, RuleRecord, SearchText, Sort, VersionSent,
};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use servers::postgres::Postgres;
use sqlx::Connection as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

const SUBJECTS: [&str; 8] = [
    "Trip",
    "José",
    "jose",
    "register.xlsx",
    "Łukasz",
    "TRIP",
    "exam",
    "v2.1",
];
const LOCALS: [&str; 5] = ["jane.smith", "Trip", "josé", "head", "a_b"];
const DOMAINS: [&str; 5] = [
    "oak.example",
    "infants.oak.example",
    "Elm.Example",
    "home.example",
    "bücher.example",
];
/// Domains of schools, one within another.
const WITHIN: [&str; 3] = ["oak.example", "infants.oak.example", "elm.example"];
const RULES: [&str; 3] = ["body-name", "medical", "bulk"];
const CATEGORIES: [Category; 3] = [Category::PupilName, Category::Medical, Category::Financial];
const STATES: [HoldState; 3] = [HoldState::Held, HoldState::Refused, HoldState::Released];
const FILES: [&str; 3] = [
    "marks.xlsx",
    "Zoë.docx (row 4)",
    "pack (final).zip!list.csv (Sheet1!row 2)",
];
const SEARCHES: [&str; 24] = [
    "trip",
    "jose",
    "josé",
    "register",
    "register.xlsx",
    "lukasz",
    "łukasz",
    "exam trip",
    "v2.1",
    "jane",
    "jane.smith",
    "JANE.Smith@oak.example",
    "@elm.example",
    "home.example",
    "trip @oak.example",
    "head@home.example",
    "marks",
    "zoe",
    "zoë.docx",
    "final",
    "list.csv exam",
    "nothing",
    "@bücher.example",
    "absent",
];

fn at(second: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + u64::from(second))
}

async fn open(folder: &Path) -> Custody {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    Custody::open(config, key).await.unwrap()
}

/// A hold, by indexes into the lists above.
#[derive(Debug, Clone)]
struct Sample {
    second: u32,
    subject: Vec<usize>,
    from: Option<(usize, usize)>,
    rcpts: Vec<(usize, usize)>,
    rules: Vec<usize>,
    categories: Vec<(usize, Option<usize>)>,
    state: usize,
}

fn address((local, domain): (usize, usize)) -> Address {
    Address::parse(&format!("{}@{}", LOCALS[local], DOMAINS[domain])).unwrap()
}

fn rule(id: &str) -> RuleRecord {
    RuleRecord {
        id: id.into(),
        title: String::new(),
        clause: None,
        action: Action::Hold,
        because: String::new(),
        severity: Severity::High,
        urgent: false,
        four_eyes: false,
    }
}

fn hold(id: QueueId, subject: &str, received_at: SystemTime) -> NewHold {
    NewHold {
        id,
        envelope: Envelope::of(
            Some(address((0, 0))),
            [Address::parse("parent@home.example").unwrap()],
        ),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at,
        message: Bytes::from_static(b"Subject: x\r\n\r\nx\r\n"),
        record: HoldRecord {
            subject: Some(subject.to_owned()),
            rules: vec![rule("body-name")],
            ..HoldRecord::default()
        },
        origin: beadle::store::Origin::default(),
    }
}

fn finding(category: Category, location: &str) -> FindingRecord {
    FindingRecord {
        category,
        detector: "d".into(),
        confidence: Confidence::High,
        location: location.into(),
        masked: "**".into(),
    }
}

impl Sample {
    fn hold(&self) -> NewHold {
        let subject: Vec<&str> = self.subject.iter().map(|word| SUBJECTS[*word]).collect();
        let mut new = hold(
            Custody::new_id().unwrap(),
            &subject.join(", "),
            at(self.second),
        );
        new.envelope = Envelope::of(
            self.from.map(address),
            self.rcpts.iter().copied().map(address),
        );
        new.record.rules = self.rules.iter().map(|id| rule(RULES[*id])).collect();
        new.record.findings = self
            .categories
            .iter()
            .map(|(category, file)| {
                let place = file.map(|file| format!("attachment:{}", FILES[file]));
                finding(CATEGORIES[*category], place.as_deref().unwrap_or("body"))
            })
            .collect();
        new
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let mailbox = || (0..LOCALS.len(), 0..DOMAINS.len());
    (
        // Seconds repeat, so that order by id matters.
        0u32..12,
        prop::collection::vec(0..SUBJECTS.len(), 0..4),
        prop::option::weighted(0.9, mailbox()),
        prop::collection::vec(mailbox(), 1..3),
        prop::collection::vec(0..RULES.len(), 0..3),
        prop::collection::vec(
            (0..CATEGORIES.len(), prop::option::of(0..FILES.len())),
            0..3,
        ),
        0..STATES.len(),
    )
        .prop_map(
            |(second, subject, from, rcpts, rules, categories, state)| Sample {
                second,
                subject,
                from,
                rcpts,
                rules,
                categories,
                state,
            },
        )
}

fn query() -> impl Strategy<Value = (HoldQuery, &'static str)> {
    let several = |n: usize| prop::collection::vec(0..n, 0..3);
    let maybe = |n: usize| prop::option::weighted(0.3, 0..n);
    (
        several(STATES.len()),
        (maybe(RULES.len()), maybe(CATEGORIES.len())),
        (
            maybe(LOCALS.len()),
            maybe(DOMAINS.len()),
            several(WITHIN.len()),
        ),
        (prop::option::of(0u32..12), prop::option::of(0u32..12)),
        prop::option::weighted(0.6, 0..SEARCHES.len()),
        any::<bool>(),
        1u32..6,
    )
        .prop_map(
            |(
                states,
                (rule, category),
                (local, domain, within),
                (since, until),
                text,
                newest,
                limit,
            )| {
                let typed = text.map_or("", |text| SEARCHES[text]);
                let query = HoldQuery {
                    states: states.into_iter().map(|state| STATES[state]).collect(),
                    rule: rule.map(|rule| RULES[rule].to_owned()),
                    category: category.map(|category| CATEGORIES[category]),
                    from: local.map(|local| address((local, 0))),
                    from_domain: domain.map(|domain| Domain::parse(DOMAINS[domain]).unwrap()),
                    from_domains: within
                        .into_iter()
                        .map(|domain| Domain::parse(WITHIN[domain]).unwrap())
                        .collect(),
                    since: since.map(at),
                    until: until.map(at),
                    text: SearchText::parse(typed).unwrap(),
                    sort: if newest { Sort::Newest } else { Sort::Oldest },
                    cursor: None,
                    limit,
                };
                (query, typed)
            },
        )
}

/// The words of a text, found by other means than the store's: letters of these tests only.
fn plain_words(text: &str) -> HashSet<String> {
    let lower = text.to_lowercase();
    let mut words = HashSet::new();
    let pieces = lower.split(|c: char| !c.is_alphanumeric() && c != '.');
    for piece in pieces {
        let piece = piece.trim_matches('.');
        for word in std::iter::once(piece).chain(piece.split('.')) {
            if word.chars().count() > 1 {
                words.insert(word.to_owned());
                words.insert(word.replace('é', "e").replace('ł', "l").replace('ë', "e"));
            }
        }
    }
    words
}

/// Whether an opened hold meets what was typed, by reading all of it.
fn reads(hold: &HoldDetails, typed: &str) -> bool {
    let from = hold.envelope.mail_from.address();
    let all: Vec<&Address> = from
        .into_iter()
        .chain(hold.envelope.rcpts.iter().filter_map(|rcpt| rcpt.address()))
        .collect();
    let mut words = plain_words(hold.record.subject.as_deref().unwrap_or(""));
    for address in &all {
        words.extend(plain_words(address.local()));
    }
    for finding in &hold.record.findings {
        if let Some(name) = finding.location.strip_prefix("attachment:") {
            let name = name.rsplit_once(" (").map_or(name, |(name, _)| name);
            words.extend(plain_words(name));
        }
    }
    let is_domain = |text: &str| {
        let domain = Domain::parse(text).ok();
        all.iter()
            .any(|address| Some(address.domain()) == domain.as_ref())
    };
    typed.to_lowercase().split_whitespace().all(|word| {
        if let Some(domain) = word.strip_prefix('@') {
            return is_domain(domain);
        }
        if word.contains('@') {
            return all
                .iter()
                .any(|address| address.as_str().to_lowercase() == word);
        }
        words.contains(word) || (word.contains('.') && is_domain(word))
    })
}

fn meets(hold: &HoldDetails, query: &HoldQuery, typed: &str) -> bool {
    let summary = &hold.summary;
    let from = hold.envelope.mail_from.address();
    (query.states.is_empty() || query.states.contains(&summary.state))
        && query
            .rule
            .as_ref()
            .is_none_or(|rule| summary.rules.contains(rule))
        && query
            .category
            .is_none_or(|category| summary.categories.contains(&category))
        && query
            .from
            .as_ref()
            .is_none_or(|wanted| from.is_some_and(|from| from.key() == wanted.key()))
        && query
            .from_domain
            .as_ref()
            .is_none_or(|wanted| from.is_some_and(|from| from.domain() == wanted))
        && (query.from_domains.is_empty()
            || query
                .from_domains
                .iter()
                .any(|wanted| from.is_some_and(|from| from.domain().is_within(wanted))))
        && query.since.is_none_or(|since| summary.received_at >= since)
        && query.until.is_none_or(|until| summary.received_at < until)
        && reads(hold, typed)
}

/// Every page from the front to the end, then from the last one back to the front: they must be the same.
async fn pages(store: &Custody, query: &HoldQuery) -> Vec<QueueId> {
    let mut query = query.clone();
    let mut there: Vec<Vec<QueueId>> = Vec::new();
    let mut back = loop {
        let page = store.search_holds(&query).await.unwrap();
        assert_eq!(page.previous.is_some(), query.cursor.is_some());
        assert!(page.holds.len() <= query.limit as usize);
        there.push(page.holds.iter().map(|hold| hold.id).collect());
        let Some(next) = page.next else {
            break page.previous;
        };
        query.cursor = Some(next.to_string().parse().unwrap());
    };
    for expected in there.iter().rev().skip(1) {
        query.cursor = Some(back.unwrap());
        let page = store.search_holds(&query).await.unwrap();
        let ids: Vec<_> = page.holds.iter().map(|hold| hold.id).collect();
        assert_eq!(&ids, expected);
        assert!(page.next.is_some());
        back = page.previous;
    }
    assert_eq!(back, None);
    there.concat()
}

async fn decide(store: &Custody, id: QueueId, to: HoldState) {
    store
        .decide(Decision {
            id,
            version: 1,
            to,
            actor: "a.reviewer".into(),
            reason: "seen".into(),
            at: at(100),
            delivery: None,
            ticket: None,
            version_sent: VersionSent::Held,
        })
        .await
        .unwrap();
}

async fn found(store: &Custody, text: &str) -> Vec<QueueId> {
    let query = HoldQuery {
        text: SearchText::parse(text).unwrap(),
        limit: 50,
        ..HoldQuery::default()
    };
    let page = store.search_holds(&query).await.unwrap();
    page.holds.iter().map(|hold| hold.id).collect()
}

/// Gives how many searches by text found something, and how many lists had several pages.
async fn check(
    store: Custody,
    samples: Vec<Sample>,
    queries: Vec<(HoldQuery, &str)>,
) -> (usize, usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for sample in samples {
        let store = store.clone();
        tasks.spawn(async move {
            let id = store.hold(sample.hold()).await.unwrap();
            let state = STATES[sample.state];
            if state != HoldState::Held {
                decide(&store, id, state).await;
            }
            store.open_hold(id).await.unwrap()
        });
    }
    let mut holds = tasks.join_all().await;
    holds.sort_by_key(|hold| (hold.summary.received_at, hold.summary.id.to_string()));
    let (mut found, mut paged) = (0, 0);
    for (query, typed) in queries {
        let mut expected: Vec<QueueId> = holds
            .iter()
            .filter(|hold| meets(hold, &query, typed))
            .map(|hold| hold.summary.id)
            .collect();
        if query.sort == Sort::Newest {
            expected.reverse();
        }
        assert_eq!(pages(&store, &query).await, expected, "{query:?} {typed}");
        found += usize::from(!typed.is_empty() && !expected.is_empty());
        paged += usize::from(expected.len() > query.limit as usize);
        let count = store.count_holds(&query, 3).await.unwrap();
        assert_eq!(count.number as usize, expected.len().min(3));
        assert_eq!(count.more, expected.len() > 3);
    }
    let held = holds
        .iter()
        .filter(|hold| hold.summary.state == HoldState::Held);
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.held as usize, held.clone().count());
    assert_eq!(
        counts.oldest_held,
        held.map(|hold| hold.summary.received_at).min()
    );
    (found, paged)
}

/// Holds and queries of all kinds, on fresh stores.
fn try_searches<F: Future<Output = Custody>>(cases: u32, fresh: impl Fn(PathBuf) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 50,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let holds = prop::collection::vec(sample(), 0..40);
    let queries = prop::collection::vec(query(), 60);
    let totals = Cell::new((0, 0));
    runner
        .run(&(holds, queries), |(holds, queries)| {
            let folder = tempfile::tempdir().unwrap();
            let (found, paged) = runtime.block_on(async {
                let store = fresh(folder.path().to_owned()).await;
                check(store, holds, queries).await
            });
            let (all_found, all_paged) = totals.get();
            totals.set((all_found + found, all_paged + paged));
            Ok(())
        })
        .unwrap();
    let (found, paged) = totals.get();
    assert!(found > 15 && paged > 15, "{found} found, {paged} in pages");
}

#[test]
fn a_search_finds_what_reading_every_hold_finds() {
    try_searches(12, |folder| async move { open(&folder).await });
}

/// A store on a PostgreSQL database of its own.
async fn on_postgres(folder: &Path) -> (Custody, String) {
    let url = Postgres::shared().await.fresh_url().await;
    let (before, host) = url.rsplit_once('@').unwrap();
    let (user, password) = before.rsplit_once(':').unwrap();
    let file = folder.join("password");
    std::fs::write(&file, password).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).unwrap();
    let mut config = Config::new(folder);
    config.database = DatabaseConfig {
        url: format!("{user}@{host}"),
        password_file: Some(file),
        ..DatabaseConfig::default()
    };
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    (Custody::open(config, key).await.unwrap(), url)
}

#[test]
fn a_search_in_postgres_finds_what_reading_every_hold_finds() {
    try_searches(6, |folder| async move { on_postgres(&folder).await.0 });
}

#[tokio::test]
async fn postgres_indexes_older_holds_and_forgets_as_sqlite_does() {
    let folder = tempfile::tempdir().unwrap();
    let (store, url) = on_postgres(folder.path()).await;
    for second in 0..5 {
        let mut new = hold(Custody::new_id().unwrap(), "trip to oxford", at(second));
        new.record.findings = vec![finding(Category::Medical, "body")];
        store.hold(new).await.unwrap();
    }
    let mut pool = sqlx::PgConnection::connect(&url).await.unwrap();
    // As holds from before there were tokens.
    for statement in ["UPDATE hold SET tokens = NULL", "DELETE FROM hold_token"] {
        sqlx::query(statement).execute(&mut pool).await.unwrap();
    }
    assert!(found(&store, "oxford").await.is_empty());
    let indexed = store.index_holds(None, 100).await.unwrap();
    assert_eq!((indexed.indexed, indexed.next), (5, None));
    assert_eq!(found(&store, "oxford").await.len(), 5);

    let later = at(0) + days(store.config().retention.held_days) + Duration::from_millis(2_500);
    assert_eq!(store.expire_due(later).await.unwrap().expired, 3);
    assert_eq!(found(&store, "oxford").await.len(), 2);
    let holds: i64 = sqlx::query_scalar("SELECT count(DISTINCT hold) FROM hold_token")
        .fetch_one(&mut pool)
        .await
        .unwrap();
    assert_eq!((holds, store.counts().await.unwrap().held), (2, 2));
    let end = later + days(store.config().retention.event_days) + days(1);
    store.expire_due(end).await.unwrap();
    store.expire_due(end).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM hold_token) + (SELECT count(*) FROM hold_rule) + (SELECT count(*) FROM hold_category)",
    )
    .fetch_one(&mut pool)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn no_word_and_no_address_stands_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut new = hold(
        Custody::new_id().unwrap(),
        "Quarrington Zoë excluded",
        at(1),
    );
    new.envelope = Envelope::of(
        Some(Address::parse("wilhelmina@ashgrove.example").unwrap()),
        [Address::parse("thistlewood@farmhouse.example").unwrap()],
    );
    let place = "attachment:Penhaligon.docx";
    new.record.findings.push(finding(Category::Medical, place));
    let id = store.hold(new).await.unwrap();
    let searches = [
        "quarrington",
        "zoe",
        "excluded",
        "wilhelmina@ashgrove.example",
        "ashgrove.example",
        "thistlewood",
        "farmhouse.example",
        "penhaligon.docx",
    ];
    for text in searches {
        assert_eq!(found(&store, text).await, [id], "{text}");
    }
    let mut read = 0;
    for name in ["beadle.db", "beadle.db-wal"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        read += bytes.len();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in searches.join(" ").split([' ', '@', '.']) {
            // Shorter ones come about by chance, and `example` and `docx` are anybody's.
            let telling = word.len() > 4 && word != "example";
            assert!(!telling || !text.contains(word), "{word} in {name}");
        }
        // What is in clear on purpose shows that the file was really read.
        assert!(name == "beadle.db" || text.contains("body-name"));
    }
    assert!(read > 4096);
}

#[tokio::test]
async fn what_went_to_a_confidential_channel_is_not_found_by_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut new = hold(Custody::new_id().unwrap(), "grievance", at(1));
    new.record.confidential = true;
    let id = store.hold(new).await.unwrap();
    assert!(found(&store, "grievance").await.is_empty());
    assert_eq!(found(&store, "parent@home.example").await, [id]);
}

#[tokio::test]
async fn pages_join_while_holds_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut there = HashSet::new();
    for second in 0..60 {
        let id = Custody::new_id().unwrap();
        there.insert(store.hold(hold(id, "trip", at(second / 3))).await.unwrap());
    }
    for sort in [Sort::Newest, Sort::Oldest] {
        let mut query = HoldQuery {
            text: SearchText::parse("trip").unwrap(),
            states: vec![HoldState::Held],
            sort,
            limit: 7,
            ..HoldQuery::default()
        };
        let mut seen = Vec::new();
        for round in 0.. {
            let page = store.search_holds(&query).await.unwrap();
            seen.extend(page.holds.iter().map(|hold| hold.id));
            // Before, among and after what was seen already.
            for second in [0, round, 19, 40 + round] {
                let id = Custody::new_id().unwrap();
                store.hold(hold(id, "trip", at(second))).await.unwrap();
            }
            assert!(round < 60, "an end is never reached");
            let Some(next) = page.next else { break };
            query.cursor = Some(next);
            // Holds added at the far end would be met for ever.
            query.until = (sort == Sort::Oldest).then(|| at(40));
        }
        let distinct: HashSet<_> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len());
        assert!(there.is_subset(&distinct));
    }
}

fn days(number: u32) -> Duration {
    Duration::from_hours(24 * u64::from(number))
}

async fn sqlite(file: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    SqlitePool::connect_with(options).await.unwrap()
}

async fn number(pool: &SqlitePool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn tokens_end_with_the_content_and_rules_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for second in 0..5 {
        let mut new = hold(Custody::new_id().unwrap(), "trip to oxford", at(second));
        new.record.findings = vec![finding(Category::Medical, "body")];
        store.hold(new).await.unwrap();
    }
    let pool = sqlite(&folder.path().join("beadle.db")).await;
    assert!(number(&pool, "SELECT count(*) FROM hold_token").await > 25);
    let later = at(0) + days(store.config().retention.held_days) + Duration::from_millis(2_500);
    assert_eq!(store.expire_due(later).await.unwrap().expired, 3);
    assert_eq!(found(&store, "oxford").await.len(), 2);
    assert_eq!(
        number(&pool, "SELECT count(DISTINCT hold) FROM hold_token").await,
        2
    );
    let ended = store.expire_due(later + Duration::from_hours(1)).await;
    assert_eq!(ended.unwrap().expired, 2);
    assert_eq!(number(&pool, "SELECT count(*) FROM hold_token").await, 0);
    assert_eq!(
        number(&pool, "SELECT count(*) FROM hold WHERE tokens IS NOT NULL").await,
        0
    );
    let query = HoldQuery {
        rule: Some("body-name".into()),
        states: vec![HoldState::Expired],
        ..HoldQuery::default()
    };
    let page = store.search_holds(&query).await.unwrap();
    assert_eq!(page.holds.len(), 5);
    assert!(!page.indexing);
    assert_eq!(store.counts().await.unwrap().held, 0);
    let sum = "SELECT sum(number) FROM hold_count";
    assert_eq!(number(&pool, sum).await, 5);
    // When what happened is forgotten, the lists are too.
    let end = later + days(store.config().retention.event_days);
    store.expire_due(end).await.unwrap();
    for table in ["hold", "hold_rule", "hold_category"] {
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(number(&pool, sum).await, 0);
}

/// A database as it was before there were tokens, with the holds of another.
async fn at_schema_5(new: &Path, old: &Path) {
    let scripts = [
        (
            1,
            "custody",
            include_str!("../src/store/migrations/sqlite/0001_custody.sql"),
        ),
        (
            2,
            "forwarding",
            include_str!("../src/store/migrations/sqlite/0002_forwarding.sql"),
        ),
        (
            3,
            "notices",
            include_str!("../src/store/migrations/sqlite/0003_notices.sql"),
        ),
        (
            4,
            "facts",
            include_str!("../src/store/migrations/sqlite/0004_facts.sql"),
        ),
        (
            5,
            "refusal",
            include_str!("../src/store/migrations/sqlite/0005_refusal.sql"),
        ),
    ];
    let migrations = scripts.map(|(version, name, script)| {
        use sqlx::SqlSafeStr as _;
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, script.into_sql_str(), false)
    });
    let pool = sqlite(new).await;
    let mut connection = pool.acquire().await.unwrap();
    Migrator::with_migrations(migrations.to_vec())
        .run(&mut *connection)
        .await
        .unwrap();
    sqlx::query("ATTACH ? AS old")
        .bind(old.to_str().unwrap())
        .execute(&mut *connection)
        .await
        .unwrap();
    for statement in [
        "INSERT INTO keyring SELECT * FROM old.keyring",
        "INSERT INTO ledger SELECT seq, at, actor, action, subject, detail, prev, hash FROM old.ledger ORDER BY seq",
        "INSERT INTO hold (id, reference, received_at, size, state, version, rules, categories, mark, decided_at, decided_by, kek, dek,          record, decision, blob) SELECT id, reference, received_at, size, state, version, rules, categories, mark, decided_at,          decided_by, kek, dek, record, decision, blob FROM old.hold",
        "DETACH old",
    ] {
        sqlx::query(statement)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    drop(connection);
    pool.close().await;
}

#[tokio::test]
async fn holds_from_before_there_were_tokens_are_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for second in 0..250 {
        let id = Custody::new_id().unwrap();
        store.hold(hold(id, "trip", at(second))).await.unwrap();
    }
    let later = at(0) + days(store.config().retention.held_days) + Duration::from_millis(9_500);
    assert_eq!(store.expire_due(later).await.unwrap().expired, 10);
    store.close().await;
    let (file, old) = (
        folder.path().join("beadle.db"),
        folder.path().join("old.db"),
    );
    std::fs::rename(&file, &old).unwrap();
    at_schema_5(&file, &old).await;

    let store = open(folder.path()).await;
    let trips = HoldQuery {
        text: SearchText::parse("trip").unwrap(),
        ..HoldQuery::default()
    };
    let page = store.search_holds(&trips).await.unwrap();
    assert!(page.holds.is_empty() && page.indexing);
    assert_eq!(store.counts().await.unwrap().held, 240);
    let rule = HoldQuery {
        rule: Some("body-name".into()),
        ..HoldQuery::default()
    };
    assert_eq!(store.count_holds(&rule, 1_000).await.unwrap().number, 250);
    // One that does not open stays unfound and stops nothing.
    let pool = sqlite(&file).await;
    sqlx::query(
        "UPDATE hold SET record = x'00' WHERE received_at = (SELECT max(received_at) FROM hold)",
    )
    .execute(&pool)
    .await
    .unwrap();

    let first = store.index_holds(None, 130).await.unwrap();
    assert_eq!((first.indexed, first.unread), (129, 1));
    // A new hold, and a restart, in between.
    let fresh = hold(Custody::new_id().unwrap(), "trip", at(500));
    store.hold(fresh).await.unwrap();
    store.close().await;
    let store = open(folder.path()).await;
    let rest = store.index_holds(None, 1_000).await.unwrap();
    assert_eq!((rest.indexed, rest.unread, rest.next), (110, 1, None));
    sqlx::query("DELETE FROM hold WHERE record = x'00'")
        .execute(&pool)
        .await
        .unwrap();
    let page = store.search_holds(&trips).await.unwrap();
    assert_eq!((page.holds.len(), page.indexing), (240, false));
}

#[tokio::test]
async fn two_common_conditions_that_never_meet_end_in_bounded_steps() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = store
        .hold(hold(Custody::new_id().unwrap(), "trip", at(0)))
        .await
        .unwrap();
    let pool = sqlite(&folder.path().join("beadle.db")).await;
    let start = i64::try_from(at(1).duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    for (statement, start) in [
        (
            "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 69999) \
             INSERT INTO hold (id, reference, received_at, size, state, rules, categories) \
             SELECT printf('%016d', n), '00000000', ? + n, 1, 'purged', '[]', '[]' FROM n",
            start,
        ),
        (
            "INSERT INTO hold_rule SELECT 'bulk', received_at, id FROM hold WHERE received_at >= ? AND received_at % 2 = 0",
            start,
        ),
        (
            "INSERT INTO hold_category SELECT 'medical', received_at, id FROM hold WHERE received_at >= ? AND received_at % 2 = 1",
            start,
        ),
        (
            "INSERT INTO hold_rule SELECT 'bulk', received_at, id FROM hold WHERE received_at < ?",
            start,
        ),
        (
            "INSERT INTO hold_category SELECT 'medical', received_at, id FROM hold WHERE received_at < ?",
            start,
        ),
    ] {
        sqlx::query(statement)
            .bind(start)
            .execute(&pool)
            .await
            .unwrap();
    }
    let mut query = HoldQuery {
        rule: Some("bulk".into()),
        category: Some(Category::Medical),
        limit: 50,
        ..HoldQuery::default()
    };
    let count = store.count_holds(&query, 1_000).await.unwrap();
    assert_eq!((count.number, count.more), (0, true));
    let page = store.search_holds(&query).await.unwrap();
    assert!(page.holds.is_empty());
    query.cursor = Some(page.next.unwrap());
    let page = store.search_holds(&query).await.unwrap();
    let ids: Vec<_> = page.holds.iter().map(|hold| hold.id).collect();
    assert_eq!((ids, page.next), (vec![first], None));
    // And the same way back.
    query.cursor = page.previous;
    let page = store.search_holds(&query).await.unwrap();
    assert!(page.holds.is_empty());
    query.cursor = Some(page.previous.unwrap());
    let page = store.search_holds(&query).await.unwrap();
    assert!(page.holds.is_empty() && page.previous.is_none());
}

/// What `holds list` prints with these flags, and its exit code.
fn command(folder: &Path, flags: &[&str]) -> (String, Option<i32>) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_beadle"))
        .args(["holds", "--data-dir", folder.to_str().unwrap(), "list"])
        .args(flags)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[tokio::test]
async fn the_command_line_lists_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut ids = Vec::new();
    for (second, subject) in ["trip to oxford", "exam", "trip", "sports day"]
        .iter()
        .enumerate()
    {
        let new = hold(
            Custody::new_id().unwrap(),
            subject,
            at(86_400 * second as u32),
        );
        ids.push(store.hold(new).await.unwrap());
    }
    decide(&store, ids[3], HoldState::Refused).await;
    store.close().await;
    let listed = |flags: &[&str]| {
        let (text, code) = command(folder.path(), flags);
        assert_eq!(code, Some(0), "{text}");
        let found = |line: &str| ids.iter().position(|id| line.starts_with(&id.to_string()));
        text.lines()
            .map(|line| found(line).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), [0, 1, 2]);
    assert_eq!(listed(&["--all", "--newest"]), [3, 2, 1, 0]);
    assert_eq!(listed(&["--limit", "2"]), [0, 1]);
    assert_eq!(listed(&["--search", "trip"]), [0, 2]);
    assert_eq!(
        listed(&[
            "--state",
            "refused",
            "--state",
            "held",
            "--search",
            "parent@home.example day"
        ]),
        [3]
    );
    // The first came on 2026-09-21.
    assert_eq!(
        listed(&["--since", "2026-09-22", "--until", "2026-09-23"]),
        [1, 2]
    );
    assert_eq!(listed(&["--rule", "body-name", "--limit", "1"]), [0]);
    let (text, code) = command(folder.path(), &["--category", "medical"]);
    assert_eq!((text.as_str(), code), ("nothing found\n", Some(0)));
    for wrong in [
        ["--state", "waiting"],
        ["--category", "health"],
        ["--since", "soon"],
        ["--search", "a@"],
    ] {
        let (text, code) = command(folder.path(), &wrong);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains(wrong[0]) && text.contains("allowed"),
            "{text}"
        );
    }
    let (text, _) = command(folder.path(), &["--output", "jsonl", "--search", "oxford"]);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["id"], ids[0].to_string());
    assert_eq!(line["rcpt_to"][0], "parent@home.example");
}
