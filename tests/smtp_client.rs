//! Dialogues with the client session machine: what it says, what it makes of the answers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;

use beadle::mail::{Address, Envelope, ForwardPath, Recipient, ReversePath};
use beadle::smtp::client::{
    Client, Credentials, Event, Lost, Message, Mixed, Outcome, Phase, Settings, StartTls,
};
use beadle::smtp::reply::{EnhancedCode, Reply};
use bytes::Bytes;
use proptest::prelude::*;

const EHLO: &str = "EHLO relay.trust.example\r\n";

fn settings(starttls: StartTls) -> Settings {
    Settings {
        ehlo_name: "relay.trust.example".into(),
        starttls,
        implicit_tls: false,
        credentials: None,
    }
}

struct Dialogue(Client);

impl Dialogue {
    fn new(settings: Settings) -> Self {
        Self(Client::new(settings))
    }

    /// A session that is open; `keywords` are the EHLO lines.
    fn open(keywords: &str) -> Self {
        let mut dialogue = Self::new(settings(StartTls::Never));
        dialogue.hears("220 mx ESMTP\r\n");
        dialogue.says(EHLO);
        dialogue.hears(&ehlo(keywords));
        assert_eq!(dialogue.event(), Some(Event::Ready));
        dialogue
    }

    fn says(&mut self, expected: &str) {
        let mut out = Vec::new();
        while self.0.fill(&mut out) {}
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    fn hears(&mut self, text: &str) {
        self.0.receive(text.as_bytes());
    }

    fn event(&mut self) -> Option<Event> {
        self.0.event()
    }

    fn outcome(&mut self) -> Outcome {
        match self.event() {
            Some(Event::Done(outcome)) => outcome,
            other => panic!("no outcome but {other:?}"),
        }
    }

    fn broken(&mut self) -> Reply {
        match self.event() {
            Some(Event::Broken(reply)) => reply,
            other => panic!("not broken but {other:?}"),
        }
    }
}

fn ehlo(keywords: &str) -> String {
    let mut lines: Vec<&str> = vec!["mx"];
    lines.extend(keywords.split(',').filter(|word| !word.is_empty()));
    let mut text = format!("250-{}\r\n", lines.join("\r\n250-"));
    let last = text.rfind("250-").unwrap();
    text.replace_range(last..last + 4, "250 ");
    text
}

fn message(rcpts: usize, mixed: Mixed, text: &'static str) -> Message {
    let address = |text: String| Address::parse(&text).unwrap();
    Message {
        envelope: Envelope::of(
            Some(address("a@trust.example".into())),
            (1..=rcpts).map(|n| address(format!("r{n}@out.example"))),
        ),
        prefix: Bytes::new(),
        message: Bytes::from_static(text.as_bytes()),
        mixed,
        xforward: None,
    }
}

fn code(outcome: &Outcome) -> (&'static str, u16, Vec<(usize, u16)>) {
    let codes = |refused: &[(usize, Reply)]| {
        refused
            .iter()
            .map(|(at, reply)| (*at, reply.code))
            .collect()
    };
    match outcome {
        Outcome::Accepted { reply, refused } => ("accepted", reply.code, codes(refused)),
        Outcome::Failed { reply, refused } => ("failed", reply.code, codes(refused)),
        Outcome::Unknown { reply } => ("unknown", reply.code, vec![]),
    }
}

#[test]
fn one_command_at_a_time_without_pipelining() {
    let mut d = Dialogue::open("");
    d.0.begin(message(2, Mixed::AllOrDefer, "hi\r\n.x\r\n"));
    d.says("MAIL FROM:<a@trust.example>\r\n");
    assert_eq!(d.0.phase(), Phase::Mail);
    d.hears("250 ok\r\n");
    d.says("RCPT TO:<r1@out.example>\r\n");
    assert_eq!(d.0.phase(), Phase::Rcpt);
    d.hears("250\r\n");
    d.says("RCPT TO:<r2@out.example>\r\n");
    d.hears("251 will forward\r\n");
    d.says("DATA\r\n");
    assert_eq!(d.0.phase(), Phase::Data);
    d.hears("354 go\r\n");
    assert_eq!(d.0.phase(), Phase::Content);
    d.says("hi\r\n..x\r\n.\r\n");
    assert_eq!(d.0.phase(), Phase::Dot);
    d.hears("250-2.0.0 queued\r\n250 2.0.0 as 4711\r\n");
    let Outcome::Accepted { reply, refused } = d.outcome() else {
        panic!()
    };
    assert_eq!(reply.lines, ["queued", "as 4711"]);
    assert_eq!(reply.enhanced, Some(EnhancedCode(2, 0, 0)));
    assert!(refused.is_empty() && d.0.is_idle());
    d.0.quit();
    d.says("QUIT\r\n");
}

#[test]
fn a_flight_of_commands_with_pipelining() {
    // One recipient: DATA joins the flight, two round trips in all.
    let mut d = Dialogue::open("PIPELINING,SIZE 1000");
    d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
    d.says("MAIL FROM:<a@trust.example> SIZE=4\r\nRCPT TO:<r1@out.example>\r\nDATA\r\n");
    d.hears("250 a\r\n250 b\r\n354 c\r\n");
    d.says("hi\r\n.\r\n");
    d.hears("250 d\r\n");
    assert_eq!(code(&d.outcome()), ("accepted", 250, vec![]));
    // Several: a mixed answer must be able to stop the content, so DATA waits.
    d.0.begin(message(2, Mixed::AllOrDefer, "hi\r\n"));
    d.says("MAIL FROM:<a@trust.example> SIZE=4\r\nRCPT TO:<r1@out.example>\r\nRCPT TO:<r2@out.example>\r\n");
    d.hears("250 a\r\n250 b\r\n550 5.1.1 c\r\n");
    d.says("DATA\r\n");
    d.hears("354\r\n");
    d.says("hi\r\n.\r\n");
    d.hears("250 ok\r\n");
    assert_eq!(code(&d.outcome()), ("accepted", 250, vec![(1, 550)]));
}

#[test]
fn bdat_carries_what_data_cannot() {
    let mut d = Dialogue::open("PIPELINING,CHUNKING");
    let mut with_prefix = message(1, Mixed::AllOrDefer, "a\n.b\r");
    with_prefix.prefix = Bytes::from_static(b"R: x\r\n");
    d.0.begin(with_prefix);
    d.says("MAIL FROM:<a@trust.example>\r\nRCPT TO:<r1@out.example>\r\n");
    d.hears("250\r\n250\r\n");
    d.says("BDAT 11 LAST\r\nR: x\r\na\n.b\r");
    d.hears("250 ok\r\n");
    assert_eq!(code(&d.outcome()).0, "accepted");

    let mut d = Dialogue::open("PIPELINING");
    d.0.begin(message(1, Mixed::AllOrDefer, "a\nb\r\n"));
    d.says("");
    let Outcome::Failed { reply, .. } = d.outcome() else {
        panic!()
    };
    assert_eq!(
        (reply.code, reply.enhanced),
        (554, Some(EnhancedCode(5, 6, 11)))
    );
    assert!(d.0.is_idle(), "nothing was said, the session goes on");
}

#[test]
fn answers_to_recipients_decide() {
    // (mixed, replies to RCPT, whether DATA follows, outcome code)
    let cases: &[(Mixed, &[&str], bool, u16)] = &[
        (
            Mixed::AllOrDefer,
            &["550 5.1.1 a", "554 5.7.1 b"],
            false,
            554,
        ),
        (Mixed::AllOrDefer, &["550 a", "450 b"], false, 450),
        (Mixed::AllOrDefer, &["250 a", "450 b"], false, 450),
        (Mixed::AllOrDefer, &["250 a", "552 too many"], false, 452),
        (Mixed::AllOrDefer, &["250 a", "550 b"], true, 250),
        (Mixed::Each, &["250 a", "450 b"], true, 250),
        (Mixed::Each, &["450 a", "550 b"], false, 450),
    ];
    for (mixed, replies, goes_on, expected) in cases {
        let mut d = Dialogue::open("");
        d.0.begin(message(2, *mixed, "hi\r\n"));
        d.says("MAIL FROM:<a@trust.example>\r\n");
        d.hears("250\r\n");
        for (n, reply) in (1..).zip(*replies) {
            d.says(&format!("RCPT TO:<r{n}@out.example>\r\n"));
            d.hears(&format!("{reply}\r\n"));
        }
        if *goes_on {
            d.says("DATA\r\n");
            d.hears("354\r\n");
            d.says("hi\r\n.\r\n");
            d.hears("250\r\n");
        } else {
            d.says("RSET\r\n");
            assert!(!d.0.is_idle());
            d.hears("250\r\n");
        }
        assert_eq!(code(&d.outcome()).1, *expected, "{replies:?}");
        assert!(d.0.is_idle(), "{replies:?}");
    }
}

#[test]
fn an_unwanted_354_ends_the_connection_without_a_dot() {
    for after in ["503 5.5.1 no\r\n", "354 go\r\n"] {
        let mut d = Dialogue::open("PIPELINING");
        d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
        d.says("MAIL FROM:<a@trust.example>\r\nRCPT TO:<r1@out.example>\r\nDATA\r\n");
        d.hears("250\r\n550 5.1.1 gone\r\n");
        d.hears(after);
        assert_eq!(code(&d.outcome()), ("failed", 550, vec![(0, 550)]));
        if after.starts_with("354") {
            d.says("");
            assert!(d.0.is_closed() && !d.0.may_try_elsewhere());
        } else {
            d.says("RSET\r\n");
            d.hears("250\r\n");
            assert!(d.0.is_idle());
        }
    }
}

#[test]
fn a_refused_sender_takes_all_replies_of_the_flight() {
    let mut d = Dialogue::open("PIPELINING");
    d.0.begin(message(2, Mixed::Each, "hi\r\n"));
    d.says("MAIL FROM:<a@trust.example>\r\nRCPT TO:<r1@out.example>\r\nRCPT TO:<r2@out.example>\r\nDATA\r\n");
    d.hears("550 5.7.64 TenantAttribution; Relay Access Denied\r\n503 a\r\n503 b\r\n");
    assert_eq!(d.event(), None);
    d.hears("503 c\r\n");
    let Outcome::Failed { reply, .. } = d.outcome() else {
        panic!()
    };
    assert_eq!(
        (reply.code, reply.enhanced, reply.lines[0].as_str()),
        (
            550,
            Some(EnhancedCode(5, 7, 64)),
            "TenantAttribution; Relay Access Denied"
        )
    );
}

#[test]
fn each_step_has_its_codes() {
    for answers in [
        &["354 go\r\n"][..],
        &["250\r\n", "354 go\r\n"],
        &["250\r\n", "250\r\n", "250 ok\r\n"],
        &["250\r\n", "220\r\n"],
    ] {
        let mut d = Dialogue::open("");
        d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
        for answer in answers {
            let mut out = Vec::new();
            assert!(d.0.fill(&mut out));
            d.hears(answer);
        }
        assert_eq!(code(&d.outcome()), ("failed", 451, vec![]), "{answers:?}");
        assert!(d.0.is_closed() && d.0.may_try_elsewhere());
    }
}

/// A session whose message went out whole and is unanswered.
fn at_the_dot(keywords: &str) -> Dialogue {
    let mut d = Dialogue::open(keywords);
    d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
    for answer in ["250\r\n", "250\r\n", "354\r\n"] {
        let mut out = Vec::new();
        d.0.fill(&mut out);
        d.hears(answer);
    }
    d.says("hi\r\n.\r\n");
    d
}

#[test]
fn after_the_last_byte_only_a_clear_answer_counts() {
    for (answer, expected) in [
        ("250 ok\r\n", ("accepted", 250)),
        ("552 5.3.4 too big\r\n", ("failed", 552)),
        ("421 4.3.2 closing\r\n", ("failed", 451)),
        ("354 go\r\n", ("unknown", 451)),
        ("rubbish\r\n", ("unknown", 451)),
        ("250-half\r\n251 other\r\n", ("unknown", 451)),
    ] {
        let mut d = at_the_dot("");
        d.hears(answer);
        let outcome = d.outcome();
        let (kind, reply, _) = code(&outcome);
        assert_eq!((kind, reply), expected, "{answer:?}");
        assert!(!d.0.may_try_elsewhere());
    }
    for how in [Lost::Closed, Lost::Timeout] {
        let mut d = at_the_dot("");
        d.hears("250-half a reply\r\n25");
        d.0.lost(how);
        assert_eq!(code(&d.outcome()).0, "unknown");
        assert_eq!(d.event(), None);
    }
}

#[test]
fn content_cut_off_before_its_end_was_not_delivered() {
    let big: &'static str = Box::leak("x\r\n".repeat(100_000).into_boxed_str());
    for (early, expected) in [
        (Some("552 5.3.4 too much\r\n"), 552),
        (Some("250 thanks\r\n"), 451),
        (None, 451),
    ] {
        let mut d = Dialogue::open("");
        d.0.begin(message(1, Mixed::AllOrDefer, big));
        let mut out = Vec::new();
        for answer in ["250\r\n", "250\r\n", "354\r\n"] {
            d.0.fill(&mut out);
            d.hears(answer);
        }
        d.0.fill(&mut out);
        assert_eq!(d.0.phase(), Phase::Content);
        match early {
            Some(reply) => d.hears(reply),
            None => d.0.lost(Lost::Timeout),
        }
        let outcome = d.outcome();
        assert_eq!((code(&outcome).0, code(&outcome).1), ("failed", expected));
        assert!(d.0.is_closed() && !d.0.may_try_elsewhere());
        out.clear();
        assert!(!d.0.fill(&mut out), "nothing more goes out");
    }
}

#[test]
fn an_unasked_421_is_told() {
    let mut d = at_the_dot("");
    d.hears("250 2.0.0 ok\r\n421 4.3.2 shutting down\r\n");
    assert_eq!(code(&d.outcome()).0, "accepted");
    assert!(!d.0.is_idle() && d.0.is_closed());
    assert_eq!(d.0.closing().unwrap().lines, ["shutting down"]);

    let mut d = Dialogue::open("PIPELINING");
    d.0.begin(message(3, Mixed::AllOrDefer, "hi\r\n"));
    d.hears("250\r\n550 a\r\n421 4.7.0 too many\r\n");
    assert_eq!(
        code(&d.outcome()),
        ("failed", 451, vec![(0, 550), (1, 451)])
    );
    assert!(d.0.is_closed() && d.0.may_try_elsewhere());
}

#[test]
fn refused_sessions_are_deferrals() {
    for (greeting, line) in [
        ("554 5.7.1 go away\r\n", "go away"),
        ("421 too busy\r\n", "too busy"),
    ] {
        let mut d = Dialogue::new(settings(StartTls::Never));
        d.hears(greeting);
        let reply = d.broken();
        assert_eq!(reply.code, 451);
        assert_eq!(reply.lines[1], line);
    }
    for greeting in ["250 hello\r\n", "SSH-2.0-x\r\n"] {
        let mut d = Dialogue::new(settings(StartTls::Never));
        d.hears(greeting);
        assert_eq!(d.broken().code, 451);
    }
}

#[test]
fn helo_when_ehlo_is_unknown() {
    let mut d = Dialogue::new(settings(StartTls::IfOffered));
    d.hears("220 old\r\n");
    d.says(EHLO);
    d.hears("502 what\r\n");
    d.says("HELO relay.trust.example\r\n");
    d.hears("250 hello\r\n");
    assert_eq!(d.event(), Some(Event::Ready));
    assert!(!d.0.offered().pipelining);
}

#[test]
fn starttls_starts_anew() {
    let mut d = Dialogue::new(settings(StartTls::Required));
    d.hears("220 mx\r\n");
    d.says(EHLO);
    d.hears(&ehlo("STARTTLS,CHUNKING,SIZE 5"));
    d.says("STARTTLS\r\n");
    d.hears("220 go\r\n");
    assert_eq!(d.event(), Some(Event::StartTls));
    d.0.tls_started();
    assert!(
        !d.0.offered().chunking,
        "what was said in clear is forgotten"
    );
    d.says(EHLO);
    d.hears(&ehlo("PIPELINING"));
    assert_eq!(d.event(), Some(Event::Ready));
    assert!(d.0.is_secure() && d.0.offered().size_limit.is_none());
}

#[test]
fn starttls_injection_ends_the_session() {
    for injected in [
        "220 go\r\n250 injected\r\n",
        "220 go\r\n25",
        "220 go\r\n\r\n",
    ] {
        let mut d = Dialogue::new(settings(StartTls::IfOffered));
        d.hears("220 mx\r\n");
        d.hears(&ehlo("STARTTLS"));
        d.hears(injected);
        assert_eq!(d.broken().code, 451, "{injected:?}");
        assert!(d.0.is_closed());
    }
}

#[test]
fn starttls_refused() {
    for (level, goes_on) in [(StartTls::IfOffered, true), (StartTls::Required, false)] {
        let mut d = Dialogue::new(settings(level));
        d.hears("220 mx\r\n");
        d.hears(&ehlo("STARTTLS"));
        d.hears("454 4.7.0 not now\r\n");
        assert_eq!(d.event() == Some(Event::Ready), goes_on);
        let mut d = Dialogue::new(settings(level));
        d.hears("220 mx\r\n");
        d.hears(&ehlo(""));
        assert_eq!(d.event() == Some(Event::Ready), goes_on);
    }
}

fn with_credentials(implicit_tls: bool) -> Dialogue {
    Dialogue::new(Settings {
        implicit_tls,
        credentials: Some(Arc::new(Credentials {
            user: "relay".into(),
            secret: "geheim".to_owned().into(),
        })),
        ..settings(StartTls::IfOffered)
    })
}

#[test]
fn credentials_only_inside_tls() {
    let mut d = with_credentials(false);
    d.hears("220 mx\r\n");
    d.says(EHLO);
    d.hears(&ehlo("AUTH PLAIN LOGIN"));
    d.says("");
    assert_eq!(d.broken().code, 451);
}

#[test]
fn auth_plain_and_login() {
    let mut d = with_credentials(true);
    d.hears("220 mx\r\n");
    d.says(EHLO);
    d.hears(&ehlo("AUTH LOGIN PLAIN"));
    d.says("AUTH PLAIN AHJlbGF5AGdlaGVpbQ==\r\n");
    d.hears("235 2.7.0 ok\r\n");
    assert_eq!(d.event(), Some(Event::Ready));

    let mut d = with_credentials(true);
    d.hears("220 mx\r\n");
    d.says(EHLO);
    d.hears(&ehlo("AUTH LOGIN"));
    d.says("AUTH LOGIN\r\n");
    d.hears("334 VXNlcm5hbWU6\r\n");
    d.says("cmVsYXk=\r\n");
    d.hears("334 UGFzc3dvcmQ6\r\n");
    d.says("Z2VoZWlt\r\n");
    d.hears("535 5.7.8 wrong\r\n");
    let reply = d.broken();
    assert_eq!((reply.code, reply.lines[1].as_str()), (451, "wrong"));
    assert!(!format!("{d:?}", d = with_credentials(true).0).contains("geheim"));
}

#[test]
fn xforward_goes_before_mail_and_its_refusal_stops_nothing() {
    let mut d = Dialogue::open("PIPELINING,XFORWARD NAME ADDR");
    let mut with = message(1, Mixed::AllOrDefer, "hi\r\n");
    with.xforward = Some("NAME=c.example ADDR=192.0.2.1 PORT=5".into());
    d.0.begin(with);
    d.says("XFORWARD NAME=c.example ADDR=192.0.2.1\r\nMAIL FROM:<a@trust.example>\r\nRCPT TO:<r1@out.example>\r\nDATA\r\n");
    d.hears("503 no\r\n250\r\n250\r\n354\r\n");
    d.says("hi\r\n.\r\n");
    d.hears("250\r\n");
    assert_eq!(code(&d.outcome()).0, "accepted");
}

#[test]
fn envelopes_go_out_byte_for_byte() {
    let mut d = Dialogue::open("PIPELINING,DSN");
    let mut raw = message(1, Mixed::AllOrDefer, "hi\r\n");
    raw.envelope = Envelope {
        mail_from: ReversePath::new("<\"a b\"@T.example>", None),
        mail_params: "ENVID=x+2By RET=FULL".into(),
        rcpts: vec![
            Recipient {
                path: ForwardPath::new("<Postmaster>", None),
                params: String::new(),
            },
            Recipient {
                path: ForwardPath::new("<@r.example:\"a@b\"@c.example>", None),
                params: "ORCPT=rfc822;a+2Bb@c.example".into(),
            },
        ],
    };
    d.0.begin(raw);
    d.says(
        "MAIL FROM:<\"a b\"@T.example> ENVID=x+2By RET=FULL\r\nRCPT TO:<Postmaster>\r\n\
        RCPT TO:<@r.example:\"a@b\"@c.example> ORCPT=rfc822;a+2Bb@c.example\r\n",
    );
}

#[test]
fn a_flood_ends_the_session() {
    let mut d = at_the_dot("");
    let flood = vec![b'2'; 1 << 16];
    d.0.receive(&flood);
    assert_eq!(code(&d.outcome()).0, "unknown");
    assert!(d.0.is_closed());
}

#[test]
fn a_busy_session_takes_no_second_message() {
    let mut d = Dialogue::open("PIPELINING");
    d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
    d.0.begin(message(1, Mixed::AllOrDefer, "hi\r\n"));
    assert_eq!(code(&d.outcome()), ("failed", 451, vec![]));
}

proptest! {
    /// Whatever a server says, however it is split: one outcome at most, `Accepted` only after the content went out
    /// whole, and no content without an accepted recipient.
    #[test]
    fn any_server_gives_at_most_one_outcome(
        replies in proptest::collection::vec(prop_oneof![
            4 => Just("250 ok\r\n"), 2 => Just("354 go\r\n"), 1 => Just("550 5.1.1 no\r\n"), 1 => Just("450 later\r\n"),
            1 => Just("421 bye\r\n"), 1 => Just("250-a\r\n"), 1 => Just("x\r\n")], 0..10),
        pipelining in any::<bool>(), each in any::<bool>(), rcpts in 1usize..4, lost in any::<bool>(), split in 1usize..9,
    ) {
        let mut d = Dialogue::open(if pipelining { "PIPELINING" } else { "" });
        let mixed = if each { Mixed::Each } else { Mixed::AllOrDefer };
        d.0.begin(message(rcpts, mixed, "hello\r\n"));
        let mut wire = Vec::new();
        for piece in replies.concat().as_bytes().chunks(split) {
            while d.0.fill(&mut wire) {}
            d.0.receive(piece);
        }
        while d.0.fill(&mut wire) {}
        if lost {
            d.0.lost(Lost::Closed);
        }
        let wire = String::from_utf8(wire).unwrap();
        let outcomes: Vec<_> = std::iter::from_fn(|| d.event()).collect();
        prop_assert!(outcomes.len() <= 1);
        prop_assert!(!lost || outcomes.len() == 1);
        let whole = wire.contains("hello\r\n.\r\n");
        match outcomes.first() {
            Some(Event::Done(Outcome::Accepted { refused, .. })) => prop_assert!(whole && refused.len() < rcpts),
            Some(Event::Done(Outcome::Unknown { .. })) => prop_assert!(whole),
            _ => {}
        }
        if wire.contains("hello") {
            prop_assert!(replies.iter().filter(|reply| reply.starts_with("250 ")).count() >= 2);
        }
    }
}

proptest! {
    /// A foreign reader, `smtp-proto`, sees the same code, enhanced code and text in whatever is well formed.
    #[test]
    fn a_foreign_reader_agrees(
        code in prop_oneof![200u16..300, 400u16..600], subject in 0u8..8, detail in 0u8..100, enhanced in any::<bool>(),
        lines in proptest::collection::vec("[a-z]{1,8}( [a-z]{1,8})?", 1..5),
    ) {
        let class = (code / 100) as u8;
        let reply = Reply {
            code,
            enhanced: enhanced.then_some(EnhancedCode(class, u16::from(subject), u16::from(detail))),
            lines,
        };
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        let foreign = smtp_proto::response::parser::ResponseReceiver::default()
            .parse(&mut wire.iter())
            .unwrap();
        let mut reader = beadle::smtp::reply_reader::ReplyReader::new();
        reader.push(&wire).unwrap();
        let own = reader.next_reply().unwrap();
        prop_assert_eq!(&own, &reply);
        prop_assert_eq!(foreign.code, own.code);
        let esc = own.enhanced.map_or([0, 0, 0], |EnhancedCode(a, b, c)| [a, b as u8, c as u8]);
        prop_assert_eq!(foreign.esc, esc);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(words(&foreign.message), words(&own.lines.join(" ")));
    }
}
