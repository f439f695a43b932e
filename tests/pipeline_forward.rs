//! Automatic forwards on their way through the pipeline under a turned clock: held, registered, told of once a day, never bounced.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::Limits;
use beadle::mail::{Address, Domain, Envelope, QueueId, ReversePath};
use beadle::pipeline::judge::Tools;
use beadle::pipeline::way::{Pipeline, Settings};
use beadle::pipeline::{Accept, Client, Received};
use beadle::policy::Policy;
use beadle::policy::behaviour::Behaviour;
use beadle::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing};
use beadle::relay::trace;
use beadle::roster::Roster;
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::store::{Config, Custody, Forwarding, HoldFilter, MasterKey};
use bytes::Bytes;

/// Answers 250, or 451 when it is told to.
#[derive(Default)]
struct Hop {
    seen: Mutex<Vec<Outgoing>>,
    code: AtomicU16,
}

impl NextHop for Hop {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        self.seen.lock().unwrap().push(outgoing);
        let attempt = match self.code.load(Ordering::Relaxed) {
            0 => Attempt::Accepted {
                reply: Reply::new(250, EnhancedCode(2, 0, 0), "taken"),
                refused: Vec::new(),
            },
            code => Attempt::Failed {
                reply: Reply::new(code, EnhancedCode(4, 3, 2), "later"),
                refused: Vec::new(),
            },
        };
        Box::pin(async move { attempt })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(std::future::pending())
    }
}

/// A relay over a folder, and its clock.
struct Bench {
    pipeline: Pipeline,
    store: Custody,
    hop: Arc<Hop>,
    now: AtomicU64,
    number: AtomicU64,
}

async fn bench(folder: &Path) -> Bench {
    let config = Config::new(folder);
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let nobody = Roster::default();
    let catalogue = Catalogue::embedded().unwrap();
    let engine = Engine::build(&nobody, &nobody, &catalogue, store.subkey("findings")).unwrap();
    let policy = Policy::embedded("standard").unwrap();
    let policy = policy.with_domains(
        &[Domain::parse("trust.example").unwrap()],
        &[Domain::parse("council.example").unwrap()],
    );
    let tools = Tools {
        engine: Arc::new(engine),
        policy: Arc::new(policy),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    };
    let settings = Settings {
        identity: trace::Identity {
            host: "beadle.trust.example".into(),
            instance: "trust".into(),
        },
        reply_deadline: Duration::from_secs(5),
        judging: 2,
        judging_wait: Duration::from_secs(5),
    };
    let hop = Arc::new(Hop::default());
    let returns: beadle::relay::queue::Compose =
        Arc::new(|_| Some(Bytes::from_static(b"a return\r\n")));
    let pipeline = Pipeline::new(
        settings,
        Arc::new(Limits::default()),
        tools,
        store.clone(),
        hop.clone(),
        returns,
    );
    pipeline.recall_habits().await;
    Bench {
        pipeline,
        store,
        hop,
        // 2026-11-02 09:00 UTC, a Monday.
        now: AtomicU64::new(1_793_610_000),
        number: AtomicU64::new(0),
    }
}

impl Bench {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.now.load(Ordering::Relaxed))
    }

    fn turn(&self, hours: u64) {
        self.now.fetch_add(hours * 3600, Ordering::Relaxed);
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    async fn send(&self, from: &str, rcpt: &str, message: &str) -> Reply {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mut random = [7; 10];
        random[..8].copy_from_slice(&number.to_be_bytes());
        let mut envelope = Envelope::of(None, [Address::parse(rcpt).unwrap()]);
        if !from.is_empty() {
            envelope.mail_from = ReversePath::of(Address::parse(from).unwrap());
        }
        let received = Received {
            id: QueueId::from_random(random),
            client: Client {
                ip: "192.0.2.1".parse().unwrap(),
                helo: "mail.trust.example".into(),
                esmtp: true,
                tls: None,
                own_server: true,
                spool: false,
                xforward: None,
            },
            envelope,
            message: Bytes::from(message.replace('\n', "\r\n")),
            started: Instant::now(),
            completed: Instant::now(),
            arrived: self.now(),
        };
        let id = received.id;
        let reply = self.pipeline.accept(received).await;
        self.pipeline.replied(id, true);
        reply
    }

    /// A parent's message that jo's mailbox forwards, the parent still in the envelope.
    async fn forwarded(&self) -> Reply {
        let message = format!(
            "X-MS-Exchange-ForwardingLoop: jo@trust.example;1\nMessage-ID: <{}@home.example>\nFrom: parent@home.example\n\
             To: jo@trust.example\nSubject: Trip\n\nAre there places left?\n",
            self.number()
        );
        self.send("parent@home.example", HOME, &message).await
    }

    async fn register(&self) -> Vec<Forwarding> {
        self.store.list_forwarding(10).await.unwrap()
    }
}

const HOME: &str = "jo.private@mail.example";

fn is_held(reply: &Reply) -> bool {
    reply.code == 250 && reply.to_string().contains("held for review")
}

#[tokio::test]
async fn a_forward_is_held_registered_and_told_of_once_a_day_and_never_bounced() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    for (turn, messages, notices) in [
        (0, 1, 1),
        (2, 2, 1),
        (5, 3, 1),
        (10, 4, 2),
        (1, 5, 2),
        (24, 6, 3),
    ] {
        bench.turn(turn);
        let reply = bench.forwarded().await;
        assert!(is_held(&reply), "{reply}");
        let list = bench.register().await;
        assert_eq!(list.len(), 1);
        let line = &list[0];
        assert_eq!(
            (line.mailbox.as_deref(), line.target.as_str()),
            (Some("jo@trust.example"), HOME)
        );
        assert_eq!((line.messages, line.notices), (messages, notices));
        assert_eq!(line.last_seen, bench.now());
        assert!(
            line.marks.iter().any(|mark| mark == "F4"),
            "{:?}",
            line.marks
        );
    }
    assert_eq!(
        bench
            .store
            .list_holds(HoldFilter::default())
            .await
            .unwrap()
            .len(),
        6
    );
    assert!(bench.hop.seen.lock().unwrap().is_empty(), "nothing went on");
    assert!(
        bench.store.list_queue(None, 10).await.unwrap().is_empty(),
        "and nobody outside was told"
    );
}

#[tokio::test]
async fn a_client_that_sends_again_what_is_held_is_not_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    let message = "X-MS-Exchange-ForwardingLoop: jo@trust.example;1\nMessage-ID: <1@home.example>\nFrom: parent@home.example\n\nHello.\n";
    for _ in 0..3 {
        assert!(is_held(
            &bench.send("parent@home.example", HOME, message).await
        ));
    }
    assert_eq!(bench.register().await[0].messages, 1);
}

#[tokio::test]
async fn mail_that_is_held_for_its_content_is_not_in_the_register() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    let message = "Message-ID: <1@trust.example>\nFrom: jo@trust.example\nTo: jo.private@mail.example\nSubject: Line\nMIME-Version: 1.0\n\
                   Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAECAwQFBgcICQ==\n";
    let reply = bench.send("jo@trust.example", HOME, message).await;
    assert!(is_held(&reply), "{reply}");
    assert!(bench.register().await.is_empty());
}

#[tokio::test]
async fn mail_that_goes_out_again_at_once_is_held_from_the_fifth_on_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = bench(folder.path()).await;
    for number in 1..=7 {
        let date = jiff::Timestamp::try_from(bench.now()).unwrap();
        let date = jiff::fmt::rfc2822::to_string(&date.to_zoned_datetime(jiff::tz::TimeZone::UTC))
            .unwrap();
        let message = format!(
            "From: parent@home.example\nTo: jo@trust.example, {HOME}\nDate: {date}\nMessage-ID: <{number}@home.example>\nSubject: Trip\n\nHello.\n"
        );
        bench.turn(0);
        bench.now.fetch_add(9, Ordering::Relaxed);
        let reply = bench.send("jo@trust.example", HOME, &message).await;
        assert_eq!(is_held(&reply), number >= 5, "{number}: {reply}");
        bench.turn(1);
        if number == 3 {
            bench.pipeline.keep_habits(bench.now()).await;
            bench.store.close().await;
            let (now, count) = (bench.now.load(Ordering::Relaxed), bench.number());
            bench = self::bench(folder.path()).await;
            bench.now.store(now, Ordering::Relaxed);
            bench.number.store(count, Ordering::Relaxed);
        }
    }
    let line = &bench.register().await[0];
    assert_eq!(line.mailbox.as_deref(), Some("jo@trust.example"));
    assert_eq!(
        (line.messages, line.marks.contains(&"B2".to_owned())),
        (3, true)
    );
}

#[tokio::test]
async fn af_client_rule_behaviour_is_held_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    let mut held = Vec::new();
    for _ in 0..24 {
        let number = bench.number();
        let message = format!(
            "From: Jo <jo@trust.example>\nTo: {HOME}\nSubject: FW: Trip\nMessage-ID: <{number}@trust.example>\nIn-Reply-To: <{number}@home.example>\n\
             MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<html><body><p>&nbsp;</p><hr><p><b>From:</b> A Parent<br><b>Sent:</b> Monday<br>\
             <b>Subject:</b> Trip</p><p>Are there places left?</p></body></html>\n"
        );
        held.push(is_held(
            &bench.send("jo@trust.example", HOME, &message).await,
        ));
        bench.turn(5);
    }
    assert!(!held[..10].contains(&true), "{held:?}");
    assert!(held[20..].iter().all(|held| *held), "{held:?}");
    let line = &bench.register().await[0];
    assert_eq!(line.mailbox.as_deref(), Some("jo@trust.example"));
    assert!(
        line.marks.iter().any(|mark| mark == "B5"),
        "{:?}",
        line.marks
    );
}

#[tokio::test]
async fn ordinary_mail_and_mail_that_the_next_hop_defers_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    let plain = "From: jo@trust.example\nTo: a@college.example\nMessage-ID: <1@trust.example>\nSubject: Trip\n\nHello.\n";
    assert_eq!(
        bench
            .send("jo@trust.example", "a@college.example", plain)
            .await
            .code,
        250
    );
    bench.hop.code.store(451, Ordering::Relaxed);
    let relayed =
        format!("From: parent@home.example\nTo: {HOME}\nMessage-ID: <1@home.example>\n\nHello.\n");
    assert_eq!(
        bench.send("jo@trust.example", HOME, &relayed).await.code,
        451
    );
    bench.pipeline.keep_habits(bench.now()).await;
    assert_eq!(bench.store.load_behaviour().await.unwrap(), None);
    bench.hop.code.store(0, Ordering::Relaxed);
    assert_eq!(
        bench.send("jo@trust.example", HOME, &relayed).await.code,
        250
    );
    bench.pipeline.keep_habits(bench.now()).await;
    let kept = bench.store.load_behaviour().await.unwrap().unwrap();
    assert_eq!(Behaviour::restored(kept).sizes(), (1, 1));
}

#[tokio::test]
async fn the_command_line_lists_the_register() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    let list = |json: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beadle"));
        command
            .args(["forwarding", "list", "--data-dir"])
            .arg(folder.path());
        let output = command.args(json.then_some("--json")).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(list(false), "no mailbox is known to forward\n");
    assert_eq!(list(true), "");
    bench.forwarded().await;
    bench.turn(24);
    bench.forwarded().await;
    let text = list(false);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "jo@trust.example -> jo.private@mail.example  2 messages, 2026-11-02T09:00:00Z to 2026-11-03T09:00:00Z, last notice due 2026-11-03"
    );
    assert!(
        text.contains("F4") && text.contains("Exchange mailbox forwarding"),
        "{text}"
    );
    let line: serde_json::Value = serde_json::from_str(&list(true)).unwrap();
    assert_eq!(line["mailbox"], "jo@trust.example");
    assert_eq!(line["messages"], 2);
    assert_eq!(line["notice_due_on"], "2026-11-03");
}

#[tokio::test]
async fn the_mailbox_is_the_senders_unless_an_administrator_made_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path()).await;
    for (mark, mailbox) in [
        ("Auto-Submitted: auto-forwarded", Some("jo@trust.example")),
        ("X-MS-Exchange-Transport-Rules-Loop: 1", None),
        ("X-Gm-Original-To: staff@trust.example", None),
    ] {
        let number = bench.number();
        let target = format!("a{number}@mail.example");
        let message = format!(
            "{mark}\nFrom: jo@trust.example\nTo: head@trust.example\nMessage-ID: <{number}@trust.example>\n\nHello.\n"
        );
        bench.turn(1);
        assert!(
            is_held(&bench.send("jo@trust.example", &target, &message).await),
            "{mark}"
        );
        assert_eq!(
            bench.register().await[0].mailbox.as_deref(),
            mailbox,
            "{mark}"
        );
    }
}
