//! The way of a message against a scripted next hop and a real store: what is delivered, held, refused, deferred, and said.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::Limits;
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::pipeline::judge::Tools;
use beadle::pipeline::way::{Pipeline, Settings};
use beadle::pipeline::{Accept, Client, Received};
use beadle::policy::{
    Policy, SchoolConfig, Schools, SenderGroupConfig, SenderGroups, Senders, Severity,
};
use beadle::quarantine::{By, Desk, Outcome, Release, To};
use beadle::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing};
use beadle::relay::trace;
use beadle::roster::{Roster, RosterKind};
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::store::{Config, Custody, DeliveryKind, FigureOutcome, HoldFilter, MasterKey};
use bytes::Bytes;

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

/// Answers from a script, then accepts; remembers what it was given.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Attempt>>,
    seen: Mutex<Vec<Outgoing>>,
    pause: Mutex<Duration>,
    encrypts: bool,
}

impl NextHop for Scripted {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        let pause = *self.pause.lock().unwrap();
        self.seen.lock().unwrap().push(outgoing);
        let next = self.script.lock().unwrap().pop_front();
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            next.unwrap_or_else(|| Attempt::Accepted {
                reply: ok("taken"),
                refused: Vec::new(),
            })
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(std::future::pending())
    }

    fn encrypts(&self) -> bool {
        self.encrypts
    }
}

fn ok(text: &str) -> Reply {
    Reply::new(250, EnhancedCode(2, 0, 0), text)
}

struct Bench {
    pipeline: Pipeline,
    store: Custody,
    hop: Arc<Scripted>,
    _folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    bench_under(Policy::embedded("standard").unwrap(), Scripted::default()).await
}

async fn bench_under(policy: Policy, hop: Scripted) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let hop = Arc::new(hop);
    Bench {
        pipeline: bench_over(&policy, hop.clone(), &store),
        store,
        hop,
        _folder: folder,
    }
}

/// A pipeline as the process has it after a start.
fn bench_over(policy: &Policy, hop: Arc<Scripted>, store: &Custody) -> Pipeline {
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let engine = Engine::build(
        &roster,
        &Roster::default(),
        &catalogue,
        store.subkey("findings"),
    )
    .unwrap();
    let policy = policy.with_domains(&[Domain::parse("trust.example").unwrap()], &[]);
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
        reply_deadline: Duration::from_millis(400),
        judging: 2,
        judging_wait: Duration::from_secs(5),
    };
    let returns: beadle::relay::queue::Compose = Arc::new(|request| {
        Some(Bytes::from(format!(
            "return of {} recipients\r\n",
            request.refused.len()
        )))
    });
    Pipeline::new(
        settings,
        Arc::new(Limits::default()),
        tools,
        store.clone(),
        hop,
        returns,
    )
}

fn received(number: u8, rcpts: &[&str], message: &str) -> Received {
    let rcpts = rcpts.iter().map(|text| Address::parse(text).unwrap());
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
        envelope: Envelope::of(Some(Address::parse("office@trust.example").unwrap()), rcpts),
        message: Bytes::from(message.replace('\n', "\r\n")),
        started: Instant::now(),
        completed: Instant::now(),
        arrived: SystemTime::now(),
    }
}

const HARMLESS: &str = "Message-ID: <1@trust.example>\nFrom: office@trust.example\nSubject: Coaches\n\nTwo coaches for Friday, please.\n";
const NAMED: &str = "Message-ID: <2@trust.example>\nFrom: office@trust.example\nSubject: Trip\n\nOliver Whitcombe takes part.\n";
const MEDICAL: &str = "Message-ID: <3@trust.example>\nFrom: office@trust.example\nSubject: Trip\n\nOliver Whitcombe has epilepsy.\n";
const OUTSIDE: &[&str] = &["coaches@hire.example"];

#[tokio::test]
async fn clean_mail_goes_on_byte_for_byte_with_the_next_hops_answer() {
    let bench = bench().await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, HARMLESS)).await;
    assert_eq!(reply, ok("taken"));
    let seen = bench.hop.seen.lock().unwrap();
    assert_eq!(seen[0].message, HARMLESS.replace('\n', "\r\n"));
    assert!(seen[0].prefix.starts_with(b"X-Beadle-Trace: trust; "));
}

#[tokio::test]
async fn a_medical_detail_of_a_pupil_is_refused_without_repeating_it() {
    let bench = bench().await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, MEDICAL)).await;
    let text = reply.to_string();
    assert!(
        text.starts_with("550 5.7.1 ") && text.contains("ref "),
        "{text}"
    );
    assert!(
        !text.contains("Whitcombe") && !text.contains("epilepsy"),
        "{text}"
    );
    assert!(bench.hop.seen.lock().unwrap().is_empty());
    let inside = bench
        .pipeline
        .accept(received(2, &["head@trust.example"], MEDICAL))
        .await;
    assert_eq!(inside, ok("taken"), "mail within the trust passes");
}

#[tokio::test]
async fn a_name_is_held_once_whatever_the_client_repeats() {
    let bench = bench().await;
    for number in 1..4 {
        let reply = bench
            .pipeline
            .accept(received(number, OUTSIDE, NAMED))
            .await;
        assert!(
            reply
                .to_string()
                .starts_with("250 2.0.0 accepted, held for review (ref "),
            "{reply}"
        );
    }
    let holds = bench.store.list_holds(HoldFilter::default()).await.unwrap();
    assert_eq!(holds.len(), 1);
    let message = bench.store.open_message(holds[0].id).await.unwrap();
    assert!(
        message.ends_with(NAMED.replace('\n', "\r\n").as_bytes()),
        "our headers, then the message as it came"
    );
}

#[tokio::test]
async fn a_retry_is_answered_and_not_sent_again_only_while_its_answer_may_be_lost() {
    let bench = bench().await;
    for number in 1..3 {
        assert_eq!(
            bench
                .pipeline
                .accept(received(number, OUTSIDE, HARMLESS))
                .await,
            ok("taken")
        );
    }
    assert_eq!(
        bench.hop.seen.lock().unwrap().len(),
        1,
        "the first answer is not known to have arrived"
    );
    bench
        .pipeline
        .replied(received(1, OUTSIDE, HARMLESS).id, true);
    assert_eq!(
        bench.pipeline.accept(received(3, OUTSIDE, HARMLESS)).await,
        ok("taken")
    );
    assert_eq!(
        bench.hop.seen.lock().unwrap().len(),
        2,
        "the client has its answer: this is a second message"
    );
    bench
        .pipeline
        .replied(received(3, OUTSIDE, HARMLESS).id, false);
    bench.pipeline.finish(Duration::from_secs(5)).await;
    assert_eq!(
        bench.pipeline.accept(received(4, OUTSIDE, HARMLESS)).await,
        ok("taken")
    );
    assert_eq!(
        bench.hop.seen.lock().unwrap().len(),
        2,
        "the answer was lost: this is the retry"
    );
}

#[tokio::test]
async fn without_a_message_id_nothing_is_taken_for_a_retry() {
    let bench = bench().await;
    let alert = "Subject: alert\n\nThe boiler is off.\n";
    for number in 1..4 {
        assert_eq!(
            bench
                .pipeline
                .accept(received(number, OUTSIDE, alert))
                .await,
            ok("taken")
        );
        bench
            .pipeline
            .replied(received(number, OUTSIDE, alert).id, false);
    }
    bench.pipeline.finish(Duration::from_secs(5)).await;
    assert_eq!(bench.hop.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_next_hop_that_answers_too_late_is_remembered() {
    let bench = bench().await;
    *bench.hop.pause.lock().unwrap() = Duration::from_millis(900);
    let reply = bench.pipeline.accept(received(1, OUTSIDE, HARMLESS)).await;
    assert_eq!(
        (reply.code, reply.enhanced),
        (451, Some(EnhancedCode(4, 4, 2)))
    );
    let retry = bench.pipeline.accept(received(2, OUTSIDE, HARMLESS)).await;
    assert_eq!(
        (retry.code, retry.enhanced),
        (451, Some(EnhancedCode(4, 3, 2))),
        "still under way"
    );
    bench.pipeline.finish(Duration::from_secs(5)).await;
    assert_eq!(
        bench.pipeline.accept(received(3, OUTSIDE, HARMLESS)).await,
        ok("taken")
    );
    assert_eq!(bench.hop.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn recipients_left_behind_are_returned_or_queued() {
    let bench = bench().await;
    let refused = vec![
        (1, Reply::new(550, EnhancedCode(5, 1, 1), "no such user")),
        (2, Reply::new(451, EnhancedCode(4, 3, 2), "try later")),
        (
            3,
            Reply::new(550, EnhancedCode(5, 7, 1), "sender is not welcome"),
        ),
    ];
    bench
        .hop
        .script
        .lock()
        .unwrap()
        .push_back(Attempt::Accepted {
            reply: ok("taken"),
            refused,
        });
    let rcpts = [
        "a@hire.example",
        "b@hire.example",
        "c@hire.example",
        "d@hire.example",
    ];
    assert_eq!(
        bench.pipeline.accept(received(1, &rcpts, HARMLESS)).await,
        ok("taken")
    );
    let queue = bench.store.list_queue(None, 10).await.unwrap();
    let mut kinds: Vec<&str> = queue.iter().map(|delivery| delivery.kind.name()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [DeliveryKind::Dsn.name(), DeliveryKind::Spool.name()]
    );
    assert!(
        bench.pipeline.refused_before("b@hire.example").is_some(),
        "it does not exist"
    );
    for known in ["a@hire.example", "c@hire.example", "d@hire.example"] {
        assert!(bench.pipeline.refused_before(known).is_none(), "{known}");
    }
}

#[tokio::test]
async fn the_next_hops_refusal_goes_up_with_code_and_text() {
    let bench = bench().await;
    let reply = Reply {
        code: 552,
        enhanced: Some(EnhancedCode(5, 3, 4)),
        lines: vec!["too".into(), "big".into()],
    };
    bench.hop.script.lock().unwrap().push_back(Attempt::Failed {
        reply: reply.clone(),
        refused: Vec::new(),
    });
    assert_eq!(
        bench.pipeline.accept(received(1, OUTSIDE, HARMLESS)).await,
        reply
    );
}

#[tokio::test]
async fn a_spooling_client_gets_its_answer_from_the_queue() {
    let bench = bench().await;
    let mut message = received(1, OUTSIDE, HARMLESS);
    message.client.spool = true;
    let reply = bench.pipeline.accept(message).await;
    assert!(
        reply.to_string().starts_with("250 2.0.0 queued as "),
        "{reply}"
    );
    assert!(bench.hop.seen.lock().unwrap().is_empty());
    assert_eq!(
        bench.store.list_queue(None, 10).await.unwrap()[0].kind,
        DeliveryKind::Spool
    );
}

#[tokio::test]
async fn a_message_that_came_round_twice_is_a_loop() {
    let bench = bench().await;
    let hop = "Received: from a by beadle.trust.example (Beadle trust) with ESMTP id X; Mon, 23 Nov 2026 10:00:00 +0000\n";
    let looping = format!("{hop}{hop}{HARMLESS}");
    let reply = bench.pipeline.accept(received(1, OUTSIDE, &looping)).await;
    assert_eq!(
        (reply.code, reply.enhanced),
        (554, Some(EnhancedCode(5, 4, 6)))
    );
    let same_host = "Received: from a by beadle.trust.example (Postfix) with ESMTP id X; Mon, 23 Nov 2026 10:00:00 +0000\n";
    let passed = format!("{same_host}{same_host}{HARMLESS}");
    assert_eq!(
        bench.pipeline.accept(received(2, OUTSIDE, &passed)).await,
        ok("taken")
    );
}

#[tokio::test]
async fn a_silent_next_hop_does_not_keep_a_client_waiting() {
    let bench = bench().await;
    let asked = Instant::now();
    assert_eq!(bench.pipeline.offer().await, None);
    assert_eq!(bench.pipeline.offer().await, None);
    assert!(asked.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_automatic_forward_is_held_even_when_its_content_would_be_refused() {
    let bench = bench().await;
    let mut message = received(
        1,
        OUTSIDE,
        &MEDICAL.replace("From: office@trust.example", "From: parent@home.example"),
    );
    message.envelope.mail_from =
        beadle::mail::ReversePath::of(Address::parse("parent@home.example").unwrap());
    let reply = bench.pipeline.accept(message).await;
    assert!(
        reply.to_string().starts_with("250 2.0.0 accepted, held"),
        "{reply}"
    );
    let holds = bench.store.list_holds(HoldFilter::default()).await.unwrap();
    let categories: Vec<&str> = holds[0]
        .categories
        .iter()
        .map(|category| category.name())
        .collect();
    assert!(
        categories.contains(&"auto-forward") && categories.contains(&"medical"),
        "{categories:?}"
    );
}

/// A policy whose one rule about names in bodies does this.
fn policy(action: &str) -> Policy {
    let text = format!(
        r#"
name = "test"
title = "test"
[classes.board]
addresses = ["chair@board.example"]
[[rule]]
id = "name"
title = "it holds a pupil's full name"
clause = "Test 1"
remedy = "Use initials."
{action}
when = {{ recipients = ["outside"], except_recipients = ["board"], found = {{ categories = ["pupil-name"] }} }}
"#
    );
    Policy::parse("test.toml", &text).unwrap()
}

#[tokio::test]
async fn a_tag_marks_the_message_and_changes_nothing_else() {
    let action = r#"action = "tag"
tag = { headers = ["X-Trust-Contains: pupil-names"], subject_prefix = "[Pupil data]" }"#;
    let bench = bench_under(policy(action), Scripted::default()).await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    assert_eq!(reply, ok("taken"));
    let inside = received(2, &["head@trust.example"], NAMED);
    assert_eq!(bench.pipeline.accept(inside).await, ok("taken"));
    let seen = bench.hop.seen.lock().unwrap();
    assert!(
        seen[0]
            .prefix
            .starts_with(b"X-Trust-Contains: pupil-names\r\nX-Beadle-Trace: ")
    );
    let marked = NAMED.replace("Subject: Trip", "Subject: [Pupil data] Trip");
    assert_eq!(seen[0].message, marked.replace('\n', "\r\n"));
    assert!(seen[1].prefix.starts_with(b"X-Beadle-Trace: "));
    assert_eq!(seen[1].message, NAMED.replace('\n', "\r\n"));
}

#[tokio::test]
async fn a_warning_delivers() {
    let bench = bench_under(policy("action = \"warn\""), Scripted::default()).await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    assert_eq!(reply, ok("taken"));
    assert_eq!(
        bench.hop.seen.lock().unwrap()[0].message,
        NAMED.replace('\n', "\r\n")
    );
}

#[tokio::test]
async fn what_must_be_encrypted_goes_to_a_next_hop_that_encrypts_or_is_held() {
    let rule = || policy("action = \"reroute\"");
    let able = Scripted {
        encrypts: true,
        ..Scripted::default()
    };
    let bench = bench_under(rule(), able).await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    assert_eq!(reply, ok("taken"));
    let plain = bench.pipeline.accept(received(2, OUTSIDE, HARMLESS)).await;
    assert_eq!(plain, ok("taken"));
    {
        let seen = bench.hop.seen.lock().unwrap();
        assert!(seen[0].encrypt && !seen[1].encrypt);
    }
    let bench = bench_under(rule(), Scripted::default()).await;
    let reply = bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    assert!(reply.to_string().contains("held for review"), "{reply}");
    assert!(bench.hop.seen.lock().unwrap().is_empty());
    let holds = bench.store.list_holds(HoldFilter::default()).await.unwrap();
    let held = bench.store.open_hold(holds[0].id).await.unwrap();
    let why = &held.record.explanation;
    let said =
        "Held for review under policy test, although a rule says reroute: no next hop encrypts";
    assert!(why.starts_with(said), "{why}");
}

#[tokio::test]
async fn what_was_released_encrypted_passes_encrypted_or_is_held() {
    let hops = |encrypts| Scripted {
        encrypts,
        ..Scripted::default()
    };
    let bench = bench_under(policy("action = \"hold\""), hops(true)).await;
    bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    let desk = Desk::new(bench.store.clone(), Arc::new(|_| None));
    let by = By {
        actor: "ann",
        reason: "by the safe way",
        at: SystemTime::now(),
    };
    let release = Release {
        encrypt: true,
        ..To::All.into()
    };
    let held = received(1, OUTSIDE, NAMED).id;
    let outcome = desk.release_or_ask(held, by, &release).await;
    assert_eq!(outcome, Ok(Outcome::Released));
    let again = bench.pipeline.accept(received(2, OUTSIDE, NAMED)).await;
    assert_eq!(again, ok("taken"));
    assert!(bench.hop.seen.lock().unwrap()[0].encrypt);
    let mut spooled = received(3, OUTSIDE, NAMED);
    spooled.client.spool = true;
    // Another process: this one has answered the message and takes the next for a retry.
    let beside = bench_over(
        &policy("action = \"hold\""),
        bench.hop.clone(),
        &bench.store,
    );
    beside.accept(spooled).await;
    let now = SystemTime::now() + Duration::from_secs(1);
    let leases = bench
        .store
        .lease_due(now, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len(), 2, "the release itself, and the spooled one");
    assert!(leases.iter().all(|lease| lease.encrypt));
    // Where nothing encrypts any more, the release opens no other way.
    let plain = Arc::new(hops(false));
    let pipeline = bench_over(&policy("action = \"hold\""), plain.clone(), &bench.store);
    let reply = pipeline.accept(received(4, OUTSIDE, NAMED)).await;
    assert!(reply.to_string().contains("held for review"), "{reply}");
    assert!(plain.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whether_two_people_release_is_settled_when_a_message_is_held() {
    let from = |severity: Option<Severity>, rule: &str| {
        let mut policy = policy(&format!("action = \"hold\"\n{rule}"));
        policy.governance.review.second_person_from = severity;
        policy
    };
    for (from, two) in [
        (from(None, "severity = \"criminal\""), false),
        (from(None, "four_eyes = true"), true),
        (from(Some(Severity::High), "severity = \"medium\""), false),
        (from(Some(Severity::High), "severity = \"high\""), true),
        (from(Some(Severity::High), "severity = \"criminal\""), true),
    ] {
        let bench = bench_under(from, Scripted::default()).await;
        bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
        let id = received(1, OUTSIDE, NAMED).id;
        let held = bench.store.open_hold(id).await.unwrap();
        assert_eq!(held.needs_second_person(), two, "{:?}", held.record.rules);
    }
}

#[tokio::test]
async fn a_deferred_recipient_of_a_marked_and_rerouted_message_gets_it_the_same_way() {
    let action = r#"action = "reroute"
tag = { headers = ["X-Trust-Route: encrypted"] }"#;
    let deferred = Attempt::Accepted {
        reply: ok("taken"),
        refused: vec![(1, Reply::new(451, EnhancedCode(4, 2, 0), "later"))],
    };
    let able = Scripted {
        encrypts: true,
        script: Mutex::new(VecDeque::from([deferred])),
        ..Scripted::default()
    };
    let bench = bench_under(policy(action), able).await;
    let to = ["coaches@hire.example", "desk@hire.example"];
    let reply = bench.pipeline.accept(received(1, &to, NAMED)).await;
    assert_eq!(reply, ok("taken"));
    let now = SystemTime::now() + Duration::from_secs(1);
    let leases = bench
        .store
        .lease_due(now, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1);
    assert!(leases[0].encrypt, "the queue must not send it in clear");
    assert!(leases[0].prefix.starts_with("X-Trust-Route: encrypted\r\n"));
    assert_eq!(leases[0].envelope.rcpts.len(), 1);
}

#[tokio::test]
async fn a_split_holds_for_some_and_queues_for_the_others_once() {
    let bench = bench_under(
        policy("action = \"hold\"\nsplit = true"),
        Scripted::default(),
    )
    .await;
    let to = [
        "head@trust.example",
        "coaches@hire.example",
        "chair@board.example",
    ];
    for number in 1..4 {
        let reply = bench.pipeline.accept(received(number, &to, NAMED)).await;
        assert!(reply.to_string().contains("held for review"), "{reply}");
    }
    let holds = bench.store.list_holds(HoldFilter::default()).await.unwrap();
    assert_eq!(holds.len(), 1);
    let held = bench.store.open_hold(holds[0].id).await.unwrap();
    let rcpts: Vec<_> = held
        .envelope
        .rcpts
        .iter()
        .map(|r| r.path.raw().to_owned())
        .collect();
    assert_eq!(rcpts, ["<coaches@hire.example>"]);
    let now = SystemTime::now() + Duration::from_secs(1);
    let leases = bench
        .store
        .lease_due(now, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(leases.len(), 1, "the client's retries add nothing");
    let rcpts: Vec<_> = leases[0]
        .envelope
        .rcpts
        .iter()
        .map(|r| r.path.raw().to_owned())
        .collect();
    assert_eq!(rcpts, ["<head@trust.example>", "<chair@board.example>"]);
    assert_eq!(leases[0].kind, DeliveryKind::Spool);
    // Alone with outsiders there is nothing to split.
    let bench = bench_under(
        policy("action = \"hold\"\nsplit = true"),
        Scripted::default(),
    )
    .await;
    bench.pipeline.accept(received(1, OUTSIDE, NAMED)).await;
    let due = bench.store.list_queue(None, 10).await.unwrap();
    assert!(due.is_empty());
}

#[tokio::test]
async fn a_first_contact_is_known_after_two_weeks_of_mail_and_over_a_restart() {
    let text = r#"
name = "test"
title = "test"
[[rule]]
id = "new"
title = "nobody wrote there before"
action = "hold"
when = { recipients = ["first-contact"] }
"#;
    let rules = || Policy::parse("test.toml", text).unwrap();
    let start = SystemTime::now();
    let day = |days: u64| start + Duration::from_hours(24 * days);
    let send = |number: u8, to: &'static str, at: SystemTime| {
        let id = format!("<{number}@trust.example>");
        let message = HARMLESS.replace("<1@trust.example>", &id);
        Received {
            arrived: at,
            ..received(number, &[to], &message)
        }
    };
    let bench = bench_under(rules(), Scripted::default()).await;
    let known = "coaches@hire.example";
    for number in 1..4 {
        let reply = bench.pipeline.accept(send(number, known, day(0))).await;
        assert_eq!(reply, ok("taken"), "nothing is new while everything is");
    }
    bench.pipeline.keep_habits(day(0)).await;
    let again = bench_over(&rules(), Arc::default(), &bench.store);
    again.recall_habits().await;
    let reply = again.accept(send(5, known, day(15))).await;
    assert_eq!(reply, ok("taken"));
    let reply = again.accept(send(6, "stranger@far.example", day(15))).await;
    assert!(reply.to_string().contains("held for review"), "{reply}");
    let reply = again.accept(send(7, "head@trust.example", day(15))).await;
    assert_eq!(reply, ok("taken"));
}

#[tokio::test]
async fn what_does_not_pass_is_counted_by_its_senders_school_and_group() {
    let school = SchoolConfig {
        id: "oak".into(),
        name: "Oak Primary School".into(),
        domains: vec!["trust.example".into()],
    };
    let office = SenderGroupConfig {
        id: "office".into(),
        title: "School offices".into(),
        senders: vec!["office@*".into()],
    };
    let senders = Senders {
        schools: Schools::new(&[school]).unwrap(),
        groups: SenderGroups::new(&[office]).unwrap(),
    };
    let under = [
        (policy("action = \"hold\""), NAMED, FigureOutcome::Waiting),
        (
            Policy::embedded("standard").unwrap(),
            MEDICAL,
            FigureOutcome::TurnedAway,
        ),
    ];
    for (policy, message, outcome) in under {
        let bench = bench_under(policy, Scripted::default()).await;
        bench.pipeline.swap_senders(senders.clone());
        bench.pipeline.accept(received(1, OUTSIDE, message)).await;
        let mut outsider = received(2, OUTSIDE, &message.replace('<', "<x"));
        outsider.envelope.mail_from =
            Envelope::of(Some(Address::parse("a@elsewhere.example").unwrap()), []).mail_from;
        bench.pipeline.accept(outsider).await;
        let now = SystemTime::now() + Duration::from_secs(1);
        let figures = bench.store.figures(now).await.unwrap();
        let counted = figures.get(received(1, &[], "").id).unwrap();
        assert_eq!(counted.outcome, outcome);
        assert_eq!(figures.school(counted), Some("oak"));
        assert_eq!(figures.group(counted), Some("office"));
        let office = Address::parse("office@trust.example").unwrap();
        assert_eq!(counted.sender, Some(bench.store.sender_token(&office)));
        assert!(counted.severity.is_some() && counted.people == 1);
        // An outsider belongs to no school, and is not told apart.
        if let Some(outside) = figures.get(received(2, &[], "").id) {
            assert_eq!((figures.school(outside), outside.sender), (None, None));
        }
    }
}
