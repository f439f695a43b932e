//! Notices: what is written parses back and leaks nothing; a message causes exactly what is due; nothing loops; limits and clocks hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "notices/ageing.rs"]
mod ageing;
#[path = "notices/console.rs"]
mod console;
#[path = "notices/schools.rs"]
mod schools;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use beadle::app::letters;
use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::{Budget, Limits as Ceilings};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::pipeline::judge::{Case, Judgement, Tools, judge};
use beadle::pipeline::notices::{Happened, Notices, Settings};
use beadle::pipeline::way::{self, Pipeline};
use beadle::pipeline::{Accept, Client, Received};
use beadle::policy::history::UNKNOWN;
use beadle::policy::{ClientFacts, Policy, Schools, Senders};
use beadle::quarantine::desk::{By, Desk, DeskError, Tell};
use beadle::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing};
use beadle::relay::notice::Templates;
use beadle::relay::notice::calendar::Calendar;
use beadle::relay::notice::content::TrustText;
use beadle::relay::notice::plan::{Limits, Outcome};
use beadle::relay::queue::{self, Queue};
use beadle::relay::trace;
use beadle::roster::{Roster, RosterKind};
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::store::{Config, Custody, DeliveryKind, MasterKey};
use bytes::Bytes;
use mail_parser::{MessageParser, MimeHeaders};

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

const POLICY: &str = r#"
name = "told"
title = "A policy that tells people"

[classes]
internal = { domains = ["trust.example"] }
partner = {}
police = { domains = ["force.example"] }

[people]
dpo = { title = "the data protection lead", addresses = ["dpo@trust.example"] }
head = { addresses = ["head@trust.example"], when = "daily" }
it = { addresses = ["it@trust.example"] }
dsl = { addresses = ["dsl@trust.example", "deputy@trust.example"] }
supplier = { addresses = ["desk@elsewhere.example"] }
far-head = { addresses = ["far@trust.example"], domains = ["far.trust.example"] }

[notices]
monitoring = "Mail is monitored, as the ICT policy says."
urgent_phone = "020 7946 0123"
secure_route = "Egress"
clause = "ICT policy 2"

[[rule]]
id = "police"
title = "it names a pupil to the police without encryption"
clause = "ICT policy 7"
action = "hold"
urgent = true
split = true
tell = ["sender", "head"]
escalate = { minutes = 15, to = ["dsl"] }
when = { recipients = ["police"], found = { categories = ["pupil-name"] } }

[[rule]]
id = "medical"
title = "it holds medical details of a pupil"
severity = "criminal"
action = "hold"
tell = ["dpo"]
when = { recipients = ["outside"], found = { categories = ["medical"] } }

[[rule]]
id = "name"
title = "it holds a pupil's full name"
clause = "ICT policy 5"
severity = "high"
action = "hold"
remedy = "Use initials."
tell = ["sender", "dpo", "head", "supplier", "far-head"]
when = { recipients = ["outside"], except_recipients = ["police"], found = { categories = ["pupil-name"] } }

[[rule]]
id = "forward"
title = "it was forwarded automatically"
clause = "ICT policy 9"
action = "hold"
tell = ["owner", "it", "dpo", "sender"]
when = { recipients = ["outside"], automation = ["auto-forward", "suspected"] }

[[rule]]
id = "card"
title = "it holds card details"
action = "refuse"
tell = ["sender", "head"]
when = { recipients = ["outside"], found = { categories = ["financial"] } }

[[rule]]
id = "big"
title = "it is large"
action = "warn"
remedy = "Send a link."
when = { recipients = ["outside"], min_bytes = 20000 }
"#;

/// Takes everything and remembers it.
#[derive(Default)]
struct Taking(Mutex<Vec<Outgoing>>);

impl NextHop for Taking {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        self.0.lock().unwrap().push(outgoing);
        Box::pin(async {
            Attempt::Accepted {
                reply: Reply::new(250, EnhancedCode(2, 0, 0), "taken"),
                refused: Vec::new(),
            }
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(std::future::pending())
    }
}

struct Bench {
    pipeline: Pipeline,
    notices: Notices,
    tools: Tools,
    store: Custody,
    folder: tempfile::TempDir,
}

fn tools(store: &Custody, policy: &str) -> Tools {
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let secret = store.subkey("findings");
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, secret).unwrap();
    Tools {
        engine: Arc::new(engine),
        policy: Arc::new(Policy::parse("told", policy).unwrap()),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::get("Europe/London").unwrap(),
    }
}

/// A relay with notices by this policy, and these settings of notices beside the usual ones.
async fn bench_with(policy: &str, change: impl FnOnce(&mut Settings)) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let tools = tools(&store, policy);
    let settings = way::Settings {
        identity: trace::Identity {
            host: "beadle.trust.example".into(),
            instance: "trust".into(),
        },
        reply_deadline: Duration::from_secs(20),
        judging: 2,
        judging_wait: Duration::from_secs(5),
    };
    let pipeline = Pipeline::new(
        settings,
        Arc::new(Ceilings::default()),
        tools.clone(),
        store.clone(),
        Arc::new(Taking::default()),
        Arc::new(|_| None),
    );
    let from = Address::parse("dataprotection@trust.example").unwrap();
    let mut settings = Settings {
        trust: TrustText {
            name: "Mail protection".into(),
            address: from.to_string(),
            cloud: Some("OneDrive".into()),
            ..TrustText::default()
        },
        from,
        digest_at: jiff::civil::time(7, 30, 0, 0),
        limits: Limits {
            per_role: 3,
            per_sender: 5,
        },
        links: None,
        schools: Schools::default(),
        ageing: Some(Duration::from_hours(24)),
        calendar: Calendar::default(),
    };
    change(&mut settings);
    pipeline.swap_senders(Senders {
        schools: settings.schools.clone(),
        ..Senders::default()
    });
    let notices = Notices::new(settings, Templates::embedded(), store.clone());
    pipeline.swap_notices(Some(notices.clone()));
    Bench {
        pipeline,
        notices,
        tools,
        store,
        folder,
    }
}

async fn bench() -> Bench {
    bench_with(POLICY, |_| ()).await
}

fn address(text: &str) -> Option<Address> {
    (!text.is_empty()).then(|| Address::parse(text).unwrap())
}

fn received(number: u8, from: &str, to: &str, message: &str) -> Received {
    Received {
        id: QueueId::from_random([number, 1, 2, 3, 4, number, 6, 7, 8, 9]),
        client: Client {
            ip: "192.0.2.1".parse().unwrap(),
            helo: "mail.trust.example".into(),
            esmtp: true,
            tls: None,
            own_server: true,
            spool: false,
            xforward: None,
        },
        envelope: Envelope::of(address(from), address(to)),
        message: Bytes::from(message.replace('\n', "\r\n")),
        started: Instant::now(),
        completed: Instant::now(),
        arrived: SystemTime::now(),
    }
}

/// A message with a mark in every place that no notice may repeat.
fn marked(number: u8, more: &str, body: &str) -> String {
    format!(
        "Message-ID: <marker{number}@trust.example>\nFrom: \"Markperson Sender\" <marksender@trust.example>\n\
         To: \"Markother Person\" <markrcpt@marktarget.example>\nSubject: Marksubject of {number}\n{more}MIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{body}\n\n--b\nContent-Type: text/plain; name=markfile.txt\n\
         Content-Disposition: attachment; filename=markfile.txt\n\nMarktext of Oliver Whitcombe\n\n--b--\n"
    )
}

const NAMED: &str = "Marktext. Oliver Whitcombe takes part.";
const MARKS: &[&str] = &[
    "marksubject",
    "markperson",
    "markother",
    "markrcpt",
    "marktarget",
    "markfile",
    "marktext",
    "markowner",
    "whitcombe",
    "oliver",
    "epilep",
    "marker",
    "force.example",
    // Longer than what a random boundary or id may hold by chance.
    "9944 9397",
    "99449397",
];
const SENDER: &str = "marksender@trust.example";
const OUTSIDE: &str = "markrcpt@marktarget.example";

/// A notice as it would reach people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    kind: String,
    to: Vec<String>,
    subject: String,
    text: String,
    html: String,
    raw: Bytes,
}

impl Bench {
    async fn accept(&self, received: Received) -> String {
        self.pipeline.accept(received).await.to_string()
    }

    /// Delivers what the queue holds; every notice is checked for what none may be or say.
    async fn sent(&self) -> Vec<Sent> {
        self.sent_at(SystemTime::now()).await
    }

    async fn sent_at(&self, now: SystemTime) -> Vec<Sent> {
        let hop = Arc::new(Taking::default());
        let queue = Queue::new(
            self.store.clone(),
            hop.clone(),
            Arc::new(|_| None),
            Arc::new(move || now + Duration::from_secs(1)),
            queue::Config::default(),
        );
        queue.run_due().await.unwrap();
        let taken = std::mem::take(&mut *hop.0.lock().unwrap());
        // Mail that passed goes through the same queue.
        let notices = taken
            .iter()
            .filter(|outgoing| outgoing.envelope.mail_from.address().is_none());
        let mut sent: Vec<Sent> = notices.map(read).collect();
        sent.sort();
        sent
    }

    /// Kinds and addressees of what the queue holds, in order.
    async fn due(&self) -> Vec<(String, String)> {
        let sent = self.sent().await;
        let due = sent.into_iter().map(|sent| (sent.kind, sent.to.join(" ")));
        due.collect()
    }

    fn judged(&self, received: &Received) -> Judgement {
        let case = Case {
            envelope: &received.envelope,
            client: ClientFacts { own_server: true },
            message: &received.message,
            now: self.tools.local(received.arrived),
            history: &UNKNOWN,
        };
        judge(&case, &self.tools, &Budget::new(Arc::default()))
    }

    /// Tells of a hold at a time of our own.
    async fn tell(&self, received: &Received, now: SystemTime) {
        let judgement = self.judged(received);
        self.notices
            .tell(&Happened {
                outcome: Outcome::Held,
                id: received.id,
                received,
                judgement: &judgement,
                tools: &self.tools,
                now,
            })
            .await;
    }
}

/// Whether a page fetches, runs or sends anything by itself.
fn loads(html: &str) -> bool {
    let lower = html.to_lowercase();
    let ways = [
        "src=",
        "<img",
        "<link",
        "<style",
        "url(",
        "@import",
        "<script",
        "<form",
        "<iframe",
        "background=",
    ];
    ways.iter().any(|way| lower.contains(way))
}

fn read(outgoing: &Outgoing) -> Sent {
    let raw = outgoing.message.clone();
    assert!(
        outgoing.envelope.mail_from.address().is_none(),
        "null sender"
    );
    assert!(raw.is_ascii() && raw.ends_with(b"\r\n"));
    assert!(
        !raw.windows(2)
            .any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
    );
    let message = MessageParser::default().parse(&raw[..]).unwrap();
    let header = |name: &'static str| message.header(name).and_then(|value| value.as_text());
    assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(header("X-Auto-Response-Suppress"), Some("All"));
    assert!(message.date().is_some() && message.message_id().is_some());
    let kind = header("X-Beadle-Notice").unwrap().to_owned();
    let top = message.content_type().unwrap();
    assert_eq!(
        (top.ctype(), top.subtype()),
        ("multipart", Some("alternative"))
    );
    assert_eq!((message.parts.len(), message.attachments().count()), (3, 0));
    let text = message.body_text(0).unwrap().into_owned();
    let html = message.body_html(0).unwrap().into_owned();
    let subject = message.subject().unwrap().to_owned();
    assert!(!loads(&html), "{html}");
    let rcpts = outgoing.envelope.rcpts.iter();
    let to: Vec<String> = rcpts
        .map(|rcpt| rcpt.address().unwrap().to_string())
        .collect();
    assert!(to.iter().all(|to| to.ends_with("trust.example")), "{to:?}");
    // The headers without `To`, which names whom the notice is for and nobody else.
    let named: Vec<&str> = message
        .to()
        .unwrap()
        .iter()
        .filter_map(|to| to.address())
        .collect();
    assert_eq!(named, to);
    let head = message.headers_raw().filter(|(name, _)| *name != "To");
    let head: Vec<String> = head
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let head = head.concat();
    for part in [&head, &subject, &text, &html] {
        let lower = part.to_lowercase();
        for mark in MARKS.iter().chain(&["marksender"]) {
            assert!(!lower.contains(mark), "{mark} in {kind}: {part}");
        }
    }
    Sent {
        kind,
        to,
        subject,
        text,
        html,
        raw,
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let list = list.iter();
    list.map(|(kind, to)| ((*kind).to_owned(), (*to).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_hold_tells_exactly_those_who_are_due_and_once() {
    let bench = bench().await;
    for number in [1, 2] {
        // The client sends it again: it is held once and told once.
        let reply = bench
            .accept(received(number, SENDER, OUTSIDE, &marked(1, "", NAMED)))
            .await;
        assert!(reply.contains("held for review"), "{reply}");
    }
    let sent = bench.sent().await;
    let due: Vec<_> = sent
        .iter()
        .map(|sent| (&*sent.kind, sent.to.join(" ")))
        .collect();
    assert_eq!(
        due,
        [
            ("role-hold", "dpo@trust.example".to_owned()),
            ("sender-held", SENDER.to_owned())
        ],
        "no supplier outside, no head of another school, the head by digest"
    );
    let reference = QueueId::from_random([1, 1, 2, 3, 4, 1, 6, 7, 8, 9])
        .reference()
        .to_string();
    let sender = &sent[1].text;
    for said in [
        &*reference,
        "1 pupil's full name in an attachment and the body",
        "it holds a pupil's full name (ICT policy 5)",
        "1. Use initials.",
        "OneDrive",
        "Egress",
        "the data protection lead",
        "020 7946 0123",
        "Mail is monitored, as the ICT policy says. (ICT policy 2)",
    ] {
        assert!(sender.contains(said), "{said} in {sender}");
    }
    let role = &sent[0].text;
    for said in [&*reference, "name, high, ICT policy 5", "1 outside"] {
        assert!(role.contains(said), "{said} in {role}");
    }
    let ledger = bench.store.ledger(1, 100).await.unwrap();
    let told: Vec<&str> = ledger
        .iter()
        .filter(|entry| entry.action == "told")
        .map(|entry| entry.detail.as_str())
        .collect();
    assert_eq!(
        told,
        [
            r#"{"kind":"sender-held","to":"sender"}"#,
            r#"{"kind":"role-hold","to":"dpo"}"#
        ]
    );
}

#[tokio::test]
async fn what_the_client_says_itself_is_not_said_twice() {
    let bench = bench().await;
    let card = marked(1, "", "Marktext card number 2720 9944 9397 3886");
    let card = card.replace("Oliver Whitcombe", "nobody");
    let reply = bench.accept(received(1, SENDER, OUTSIDE, &card)).await;
    assert!(reply.starts_with("550 "), "{reply}");
    let plain: Vec<_> = bench.due().await;
    assert_eq!(
        plain,
        pairs(&[]),
        "the mail server returns it; the head has a digest"
    );
    let mut device = received(2, SENDER, OUTSIDE, &card);
    device.client.own_server = false;
    bench.accept(device).await;
    assert_eq!(bench.due().await, pairs(&[("sender-refused", SENDER)]));
}

#[tokio::test]
async fn advice_goes_with_delivered_mail_and_nothing_with_clean_mail() {
    let bench = bench().await;
    let big = "Nothing personal, many times. ".repeat(1_000);
    let head =
        "Message-ID: <big@trust.example>\nFrom: marksender@trust.example\nSubject: Marksubject\n\n";
    let reply = bench
        .accept(received(1, SENDER, OUTSIDE, &format!("{head}{big}")))
        .await;
    assert!(reply.starts_with("250 "), "{reply}");
    let sent = bench.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind, "sender-warned");
    assert!(sent[0].text.contains("was delivered") && sent[0].text.contains("Send a link."));
    bench
        .accept(received(
            2,
            SENDER,
            OUTSIDE,
            &format!("{head}Two coaches, please."),
        ))
        .await;
    assert_eq!(bench.due().await, pairs(&[]));
    bench.pipeline.swap_notices(None);
    bench
        .accept(received(3, SENDER, OUTSIDE, &marked(3, "", NAMED)))
        .await;
    assert_eq!(
        bench.due().await,
        pairs(&[]),
        "nobody is told when notices are off"
    );
}

#[tokio::test]
async fn nothing_loops() {
    let bench = bench().await;
    let machines = [
        "X-Beadle-Notice: role-hold\n",
        "Auto-Submitted: auto-replied\n",
        "X-Autoreply: yes\n",
        "List-Id: <all.trust.example>\n",
        "Precedence: bulk\n",
    ];
    for (number, header) in (1..).zip(machines) {
        let reply = bench
            .accept(received(
                number,
                SENDER,
                OUTSIDE,
                &marked(number, header, NAMED),
            ))
            .await;
        assert!(reply.contains("held for review"), "{header}: {reply}");
        assert_eq!(bench.due().await, pairs(&[]), "{header}");
    }
    let reply = bench
        .accept(received(20, "", OUTSIDE, &marked(20, "", NAMED)))
        .await;
    assert!(reply.contains("held for review"), "{reply}");
    assert_eq!(bench.due().await, pairs(&[]), "null sender");
    // Mail of the school's information system: its roles are told, its sender is a machine.
    let system = marked(21, "Auto-Submitted: auto-generated\n", NAMED);
    bench.accept(received(21, SENDER, OUTSIDE, &system)).await;
    assert_eq!(
        bench.due().await,
        pairs(&[("role-hold", "dpo@trust.example")])
    );
}

#[tokio::test]
async fn a_notice_that_is_forwarded_outside_causes_none() {
    let bench = bench().await;
    bench
        .accept(received(1, SENDER, OUTSIDE, &marked(1, "", NAMED)))
        .await;
    let notices = bench.sent().await;
    assert_eq!(notices.len(), 2);
    for (number, notice) in (10..).zip(notices) {
        let text = String::from_utf8(notice.raw.to_vec())
            .unwrap()
            .replace('\r', "");
        let loops = "X-MS-Exchange-Inbox-Rules-Loop: dpo@trust.example\n";
        let forwarded = received(
            number,
            "dpo@trust.example",
            OUTSIDE,
            &format!("{loops}{text}"),
        );
        let reply = bench.accept(forwarded).await;
        assert!(reply.contains("held for review"), "{reply}");
        assert_eq!(bench.due().await, pairs(&[]), "{}", notice.subject);
    }
}

#[tokio::test]
async fn nobody_is_tipped_off_in_a_criminal_matter() {
    let bench = bench().await;
    let medical = marked(1, "", "Oliver Whitcombe has epilepsy.");
    bench.accept(received(1, SENDER, OUTSIDE, &medical)).await;
    assert_eq!(
        bench.due().await,
        pairs(&[("role-hold", "dpo@trust.example")])
    );
}

fn forward(number: u8, owner: &str) -> Received {
    let header = format!("X-MS-Exchange-ForwardingLoop: {owner};guid\n");
    let text = marked(number, &header, "Marktext, nothing personal.")
        .replace("Oliver Whitcombe", "nobody");
    let text = text.replace("marksender@trust.example", "markauthor@elsewhere.example");
    received(number, "markauthor@elsewhere.example", OUTSIDE, &text)
}

#[tokio::test]
async fn a_forward_is_told_to_owner_it_and_dpo_once_a_day_and_never_to_its_author() {
    let bench = bench().await;
    let owner = "markowner@trust.example";
    let reply = bench.accept(forward(1, owner)).await;
    assert!(reply.contains("held for review"), "{reply}");
    let sent = bench.sent().await;
    let due: Vec<_> = sent
        .iter()
        .map(|sent| (&*sent.kind, sent.to.join(" ")))
        .collect();
    assert_eq!(
        due,
        [
            ("it-forwarding", "it@trust.example".to_owned()),
            ("owner-forwarding", owner.to_owned()),
            ("role-hold", "dpo@trust.example".to_owned()),
        ]
    );
    assert!(
        sent[0].text.contains("F4 (Exchange mailbox forwarding"),
        "{}",
        sent[0].text
    );
    assert!(sent[0].text.contains("192.0.2.1"));
    bench.accept(forward(2, owner)).await;
    assert_eq!(bench.due().await, pairs(&[]), "the same day");
    bench.accept(forward(3, "markowner2@trust.example")).await;
    assert_eq!(bench.due().await.len(), 3, "another mailbox");
    let tomorrow = SystemTime::now() + Duration::from_hours(25);
    bench.tell(&forward(4, owner), tomorrow).await;
    let sent = bench.sent_at(tomorrow).await;
    let kinds: Vec<_> = sent.iter().map(|sent| &*sent.kind).collect();
    assert_eq!(
        kinds,
        ["it-forwarding", "owner-forwarding"],
        "the DPO knows the mailbox"
    );
}

/// 12:00 on a day in winter.
fn noon() -> SystemTime {
    let noon = jiff::civil::date(2026, 12, 1).at(12, 0, 0, 0);
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_timestamp(noon).unwrap().try_into().unwrap()
}

#[tokio::test]
async fn beyond_the_limit_of_an_hour_a_role_has_a_digest_once_a_day() {
    let bench = bench().await;
    let hours = |hours: u64| noon() + Duration::from_hours(hours);
    bench.notices.round(&bench.tools, noon()).await.unwrap();
    for number in 0..7u8 {
        let held = received(number, SENDER, OUTSIDE, &marked(number, "", NAMED));
        bench
            .tell(&held, noon() + Duration::from_mins(u64::from(number)))
            .await;
    }
    let sent = bench.sent_at(hours(1)).await;
    let of = |kind: &str| sent.iter().filter(|sent| sent.kind == kind).count();
    assert_eq!((of("role-hold"), of("sender-held"), sent.len()), (3, 5, 8));
    let last = sent
        .iter()
        .filter(|sent| sent.text.contains("You will not get"));
    assert_eq!(last.count(), 1);
    let held = received(8, SENDER, OUTSIDE, &marked(8, "", NAMED));
    bench.tell(&held, hours(2)).await;
    assert_eq!(bench.sent_at(hours(2)).await.len(), 2, "an hour later");
    bench.notices.round(&bench.tools, hours(19)).await.unwrap();
    assert_eq!(bench.sent_at(hours(19)).await, [], "07:00 is not 07:30");
    for later in [20, 21, 23] {
        bench
            .notices
            .round(&bench.tools, hours(later))
            .await
            .unwrap();
    }
    let sent = bench.sent_at(hours(24)).await;
    let lines: Vec<_> = sent
        .iter()
        .map(|sent| {
            (
                sent.to.join(" "),
                sent.text.lines().nth(1).unwrap().to_owned(),
            )
        })
        .collect();
    let line = |count: u8| {
        format!(
            "  - it holds a pupil's full name (name): {count} held, 0 refused, 0 delivered with"
        )
    };
    assert_eq!(
        lines,
        [
            ("dpo@trust.example".to_owned(), line(4)),
            ("head@trust.example".to_owned(), line(8)),
        ],
        "what was told at once is not told again, and roles without anything get none"
    );
    bench.notices.round(&bench.tools, hours(48)).await.unwrap();
    assert_eq!(
        bench.sent_at(hours(48)).await,
        [],
        "nothing new, nothing waits"
    );
}

#[tokio::test]
async fn a_digest_names_what_waits_by_reference_and_age() {
    let bench = bench().await;
    bench
        .accept(received(1, SENDER, OUTSIDE, &marked(1, "", NAMED)))
        .await;
    bench.sent().await;
    let now = SystemTime::now();
    bench.notices.round(&bench.tools, now).await.unwrap();
    let tomorrow = now + Duration::from_hours(24);
    bench.notices.round(&bench.tools, tomorrow).await.unwrap();
    let sent = bench.sent_at(tomorrow).await;
    let to: Vec<_> = sent.iter().map(|sent| sent.to.join(" ")).collect();
    assert_eq!(to, ["dpo@trust.example", "head@trust.example"]);
    let reference = QueueId::from_random([1, 1, 2, 3, 4, 1, 6, 7, 8, 9]).reference();
    let line = format!("  - {reference}, ");
    for sent in &sent {
        assert!(sent.text.contains(&line), "{}", sent.text);
        assert!(sent.subject.ends_with(", 1 waiting"), "{}", sent.subject);
    }
    assert!(
        sent[0].text.contains("Nothing new since"),
        "{}",
        sent[0].text
    );
}

#[tokio::test]
async fn an_urgent_hold_escalates_unless_somebody_decides() {
    let bench = bench().await;
    let to_police = |number| {
        received(
            number,
            SENDER,
            "desk@force.example",
            &marked(number, "", NAMED),
        )
    };
    for number in [1, 2] {
        bench.accept(to_police(number)).await;
    }
    let sent = bench.sent().await;
    let urgent: Vec<_> = sent.iter().filter(|sent| sent.kind == "urgent").collect();
    assert_eq!(
        urgent.len(),
        2,
        "the head has digests and is told of this at once"
    );
    assert_eq!(urgent[0].to, ["head@trust.example"]);
    assert!(
        urgent[0].text.contains("within 15 minutes") && urgent[0].text.contains("020 7946 0123")
    );
    let desk = Desk::new(bench.store.clone(), Arc::new(|_| None));
    let by = By {
        actor: "head",
        reason: "not needed",
        at: SystemTime::now(),
    };
    desk.refuse(to_police(1).id, by, Tell::Nobody)
        .await
        .unwrap();
    let later = |minutes| SystemTime::now() + Duration::from_mins(minutes);
    bench.notices.round(&bench.tools, later(14)).await.unwrap();
    assert_eq!(bench.sent_at(later(14)).await, []);
    for minutes in [16, 17, 60] {
        bench
            .notices
            .round(&bench.tools, later(minutes))
            .await
            .unwrap();
    }
    let sent = bench.sent_at(later(61)).await;
    assert_eq!(
        sent.len(),
        1,
        "one hold waits, and it is told once: {sent:?}"
    );
    assert_eq!(sent[0].to, ["dsl@trust.example", "deputy@trust.example"]);
    assert!(
        sent[0].text.contains("15 minutes without a decision"),
        "{}",
        sent[0].text
    );
    assert!(
        sent[0]
            .subject
            .contains(&to_police(2).id.reference().to_string())
    );
}

#[tokio::test]
async fn what_was_told_survives_a_restart() {
    let bench = bench().await;
    let folder = bench.folder.path();
    bench
        .tell(&forward(1, "markowner@trust.example"), noon())
        .await;
    assert_eq!(bench.sent_at(noon()).await.len(), 3);
    bench.store.close().await;
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let mark = store.notice_mark("mailbox", &["markowner@trust.example"]);
    let known = store.notices_known(&[mark], noon()).await.unwrap();
    assert_eq!(known, [true]);
    let scope = store.notice_mark("role", &["dpo"]);
    let since = noon() - Duration::from_mins(1);
    assert_eq!(store.notices_sent(&[scope], since).await.unwrap(), [1]);
    store
        .forget_notices(noon() + Duration::from_hours(24 * 91))
        .await
        .unwrap();
    let later = noon() + Duration::from_secs(1);
    assert_eq!(store.notices_known(&[mark], later).await.unwrap(), [false]);
    assert_eq!(store.notices_sent(&[scope], since).await.unwrap(), [0]);
}

#[tokio::test]
async fn a_split_says_how_many_have_it() {
    let bench = bench().await;
    let mut both = received(1, SENDER, "desk@force.example", &marked(1, "", NAMED));
    let rcpts = ["desk@force.example", "markcolleague@trust.example"];
    both.envelope = Envelope::of(address(SENDER), rcpts.map(|to| Address::parse(to).unwrap()));
    let reply = bench.accept(both).await;
    assert!(reply.contains("held for review"), "{reply}");
    let queued = bench.store.list_queue(None, 10).await.unwrap();
    let spooled = queued
        .iter()
        .filter(|line| line.kind == DeliveryKind::Spool);
    assert_eq!(spooled.count(), 1, "the colleague has it");
    let sent = bench.sent().await;
    let sender = sent.iter().find(|sent| sent.kind == "sender-held").unwrap();
    for said in [
        "has not left yet for some of its",
        "1 other recipient has it.",
    ] {
        let text = sender.text.replace("\r\n", " ");
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[tokio::test]
async fn a_reviewers_refusal_reaches_an_own_sender_and_no_outsider() {
    let bench = bench().await;
    bench
        .accept(received(1, SENDER, OUTSIDE, &marked(1, "", NAMED)))
        .await;
    bench.accept(forward(2, "markowner@trust.example")).await;
    bench.sent().await;
    let mut config = beadle::app::config::Config::default();
    config.trust.internal_domains = vec!["trust.example".to_owned()];
    config.notices.from = Some("dataprotection@trust.example".to_owned());
    let desk = Desk::new(bench.store.clone(), letters::refusals(&config));
    let by = By {
        actor: "dpo",
        reason: "Please use initials.",
        at: SystemTime::now(),
    };
    let own = received(1, SENDER, OUTSIDE, "").id;
    desk.refuse(own, by, Tell::Sender).await.unwrap();
    let outside = forward(2, "markowner@trust.example").id;
    let error = desk.refuse(outside, by, Tell::Sender).await.unwrap_err();
    assert_eq!(error, DeskError::Notice);
    let sent = bench.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (&*sent[0].kind, &*sent[0].to),
        ("sender-reviewer-refused", &[SENDER.to_owned()][..])
    );
    for said in [
        "Reason: Please use initials.",
        "it holds a pupil's full name (ICT policy 5)",
        "1 pupil's full name in",
    ] {
        assert!(sent[0].text.contains(said), "{said} in {}", sent[0].text);
    }
}
