//! The SMTP next hop against scripted servers: what it reports is what happened.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "outbound/fake.rs"]
mod fake;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::mail::{Address, Envelope, QueueId};
use beadle::net::outbound::{Config, HopConfig, RouteConfig, SmtpNextHop, TlsLevel};
use beadle::relay::{Attempt, NextHop, Offer, Outgoing, Partial};
use beadle::smtp::reply::{EnhancedCode, Reply};
use bytes::Bytes;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use fake::{Act, Fake, Script, say};

const KEYWORDS: &[&str] = &["PIPELINING", "SIZE 100000000", "8BITMIME", "CHUNKING"];

fn hop(fake: &Fake) -> HopConfig {
    HopConfig {
        tls: TlsLevel::None,
        ..fake.address.to_string().parse().unwrap()
    }
}

fn config(hops: Vec<HopConfig>) -> Config {
    let mut config = Config {
        ehlo_name: "relay.trust.example".into(),
        hops,
        ..Config::default()
    };
    let short = &mut config.deadlines;
    (short.connect, short.greeting, short.mail, short.rcpt) = (1, 1, 1, 1);
    (short.data, short.content, short.dot) = (1, 1, 2);
    config
}

fn outgoing(rcpts: &[&str], message: impl Into<Bytes>) -> Outgoing {
    let address = |text: &str| Address::parse(text).unwrap();
    Outgoing {
        id: QueueId::from_random([1; 10]),
        envelope: Envelope::of(
            Some(address("a@trust.example")),
            rcpts.iter().copied().map(address),
        ),
        prefix: Bytes::from_static(b"Received: x\r\n"),
        message: message.into(),
        partial: Partial::AllOrDefer,
        xforward: None,
        encrypt: false,
    }
}

fn one() -> Outgoing {
    outgoing(&["r@out.example"], "Subject: x\r\n\r\nhi\r\n")
}

async fn deliver(config: &Config, outgoing: Outgoing) -> Attempt {
    let next = SmtpNextHop::new(config).unwrap();
    tokio::time::timeout(Duration::from_secs(20), next.deliver(outgoing))
        .await
        .unwrap()
}

fn brief(attempt: &Attempt) -> (&'static str, u16, Vec<(usize, u16)>) {
    let codes = |refused: &[(usize, Reply)]| {
        refused
            .iter()
            .map(|(at, reply)| (*at, reply.code))
            .collect()
    };
    match attempt {
        Attempt::Accepted { reply, refused } => ("accepted", reply.code, codes(refused)),
        Attempt::Failed { reply, refused } => ("failed", reply.code, codes(refused)),
        Attempt::Unknown { reply } => ("unknown", reply.code, vec![]),
    }
}

#[tokio::test]
async fn what_servers_get_wrong() {
    let none: Vec<(usize, u16)> = vec![];
    let bytes = |bytes: &[u8]| Act::Say(bytes.to_vec());
    let close = |text: &str| Act::SayAndClose(text.as_bytes().to_vec());
    let cases: Vec<(&'static str, Act, &str, u16)> = vec![
        // Replies that look odd and are fine.
        (".", bytes(b"250\r\n"), "accepted", 250),
        (".", bytes(b"250 gr\xfc\xdfe\r\n"), "accepted", 250),
        (".", bytes(b"250 ok\n"), "accepted", 250),
        (
            ".",
            bytes(b"250-2.0.0 a\r\n250 2.0.0 b\r\n"),
            "accepted",
            250,
        ),
        (".", bytes(b"250 ok\r\n421 going\r\n"), "accepted", 250),
        (".", Act::Late(Duration::from_millis(1300)), "accepted", 250),
        // Refusals at each step.
        ("MAIL", say("550 5.7.64 no\r\n"), "failed", 550),
        ("MAIL", say("451 4.3.0 later\r\n"), "failed", 451),
        ("RCPT", say("450 4.2.1 later\r\n"), "failed", 450),
        ("DATA", say("554 5.5.1 no\r\n"), "failed", 554),
        (".", say("552 5.3.4 big\r\n"), "failed", 552),
        (".", say("452 4.3.1 full\r\n"), "failed", 452),
        (".", close("421 4.3.2 closing\r\n"), "failed", 451),
        // Codes out of place.
        ("DATA", say("250 ok\r\n"), "failed", 451),
        ("MAIL", say("354 go\r\n"), "failed", 451),
        (".", say("354 go\r\n"), "unknown", 451),
        (".", say("550-a\r\n551 b\r\n"), "unknown", 451),
        (".", say("hello\r\n"), "unknown", 451),
        // Floods, silence, half answers, hanging up.
        ("greeting", Act::Flood(64), "failed", 451),
        (".", Act::Flood(64), "unknown", 451),
        ("greeting", Act::Hang, "failed", 451),
        ("EHLO", Act::Hang, "failed", 451),
        ("RCPT", Act::Hang, "failed", 451),
        ("DATA", Act::Close, "failed", 451),
        (".", Act::Hang, "unknown", 451),
        (".", Act::Close, "unknown", 451),
        (".", close("250-2.0.0 ha"), "unknown", 451),
        (".", close("25"), "unknown", 451),
        ("content", Act::Close, "unknown", 451),
        ("greeting", close("554 5.7.1 go away\r\n"), "failed", 451),
        ("greeting", Act::Close, "failed", 451),
        ("EHLO", close("421 no\r\n"), "failed", 451),
    ];
    for (step, act, kind, code) in cases {
        let fake = Fake::start(Script::offering(KEYWORDS).when(step, act)).await;
        let attempt = deliver(&config(vec![hop(&fake)]), one()).await;
        let (said, reply, _) = brief(&attempt);
        assert_eq!((said, reply), (kind, code), "{step}: {attempt:?}");
        if kind == "accepted" {
            assert_eq!(brief(&attempt).2, none);
            assert_eq!(
                fake.messages(),
                [b"Received: x\r\nSubject: x\r\n\r\nhi\r\n".to_vec()]
            );
        }
    }
}

#[tokio::test]
async fn a_thousand_recipients_with_long_answers_do_not_lock() {
    let long = format!("250-{0}\r\n250-{0}\r\n250 {0}\r\n", "x".repeat(4000));
    let fake = Fake::start(Script::offering(KEYWORDS).when("RCPT", say(&long))).await;
    let rcpts: Vec<String> = (0..1000).map(|n| format!("r{n}@out.example")).collect();
    let rcpts: Vec<&str> = rcpts.iter().map(String::as_str).collect();
    let attempt = deliver(&config(vec![hop(&fake)]), outgoing(&rcpts, "x\r\n")).await;
    assert_eq!(brief(&attempt), ("accepted", 250, vec![]));
}

#[tokio::test]
async fn nobody_listens() {
    let fake = Fake::start(Script::default()).await;
    let mut dead = hop(&fake);
    dead.port = 1;
    let attempt = deliver(&config(vec![dead]), one()).await;
    let Attempt::Failed { reply, .. } = attempt else {
        panic!("{attempt:?}")
    };
    assert_eq!(
        (reply.code, reply.enhanced),
        (451, Some(EnhancedCode(4, 4, 1)))
    );
}

#[tokio::test]
async fn a_message_cut_off_half_way_was_not_delivered() {
    let body = "x\r\n".repeat(5_000_000);
    for (act, code) in [
        (Act::Close, 451),
        (Act::Hang, 451),
        (Act::SayAndClose(b"552 5.3.4 enough\r\n".to_vec()), 552),
    ] {
        let fake = Fake::start(Script::offering(KEYWORDS).when("content", act)).await;
        let message = outgoing(&["r@out.example"], body.clone());
        let attempt = deliver(&config(vec![hop(&fake)]), message).await;
        let (kind, reply, _) = brief(&attempt);
        assert_eq!(kind, "failed", "{attempt:?}");
        // The reset that follows a close can overtake the reply; it is a 4xx then.
        assert!(reply == code || reply == 451, "{attempt:?}");
        assert!(fake.messages().is_empty());
    }
}

#[tokio::test]
async fn recipients_are_answered_one_by_one() {
    let rcpts = ["ok@out.example", "gone@out.example", "late@out.example"];
    let script = Script::offering(KEYWORDS)
        .when("RCPT TO:<gone", say("550 5.1.1 gone\r\n"))
        .when("RCPT TO:<late", say("450 4.2.1 late\r\n"));
    let fake = Fake::start(script).await;
    let config = config(vec![hop(&fake)]);

    let attempt = deliver(&config, outgoing(&rcpts, "x\r\n")).await;
    assert_eq!(brief(&attempt), ("failed", 450, vec![(1, 550), (2, 450)]));
    assert!(fake.messages().is_empty(), "a deferral stops the content");

    let attempt = deliver(&config, outgoing(&rcpts[..2], "x\r\n")).await;
    assert_eq!(brief(&attempt), ("accepted", 250, vec![(1, 550)]));

    let mut each = outgoing(&rcpts, "x\r\n");
    each.partial = Partial::Each;
    let attempt = deliver(&config, each).await;
    assert_eq!(brief(&attempt), ("accepted", 250, vec![(1, 550), (2, 450)]));
    assert_eq!(fake.messages().len(), 2);
}

#[tokio::test]
async fn bytes_arrive_as_they_are() {
    let fake = Fake::start(Script::offering(KEYWORDS)).await;
    let config = config(vec![hop(&fake)]);
    for message in ["a\nb\r\n", "no end", "", ".\r\n", "\u{e9}\r\n"] {
        let attempt = deliver(&config, outgoing(&["r@out.example"], message)).await;
        assert_eq!(brief(&attempt).0, "accepted", "{message:?}");
    }
    let arrived: Vec<String> = fake
        .messages()
        .into_iter()
        .map(|message| String::from_utf8(message).unwrap())
        .collect();
    let lines = ["a\nb\r\n", "no end", "", "..\r\n", "\u{e9}\r\n"];
    let expected: Vec<String> = lines.map(|line| format!("Received: x\r\n{line}")).into();
    assert_eq!(arrived, expected);
    assert_eq!(
        fake.lines()
            .iter()
            .filter(|line| line.starts_with("BDAT"))
            .count(),
        2
    );
}

#[tokio::test]
async fn what_the_next_hop_cannot_take_is_refused_unsaid() {
    let fake = Fake::start(Script::offering(&["SIZE 100"])).await;
    let config = config(vec![hop(&fake)]);
    let mut utf8 = one();
    utf8.envelope.mail_params = "SMTPUTF8".into();
    for (message, code, enhanced) in [
        (
            outgoing(&["r@out.example"], "a\nb\r\n"),
            554,
            EnhancedCode(5, 6, 11),
        ),
        (
            outgoing(&["r@out.example"], "\u{e9}\r\n"),
            554,
            EnhancedCode(5, 6, 3),
        ),
        (
            outgoing(&["r@out.example"], "x".repeat(99)),
            552,
            EnhancedCode(5, 3, 4),
        ),
        (utf8, 553, EnhancedCode(5, 6, 7)),
    ] {
        let attempt = deliver(&config, message).await;
        let Attempt::Failed { reply, .. } = attempt else {
            panic!("{attempt:?}")
        };
        assert_eq!((reply.code, reply.enhanced), (code, Some(enhanced)));
    }
    assert!(!fake.lines().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn the_next_host_takes_over() {
    let good = Fake::start(Script::offering(KEYWORDS)).await;
    for (step, act) in [
        ("greeting", Act::SayAndClose(b"421 busy\r\n".to_vec())),
        ("greeting", Act::SayAndClose(b"554 no\r\n".to_vec())),
        ("greeting", Act::Hang),
        ("EHLO", Act::Close),
        ("MAIL", Act::SayAndClose(b"421 4.3.2 bye\r\n".to_vec())),
        ("RCPT", Act::Close),
    ] {
        let bad = Fake::start(Script::offering(KEYWORDS).when(step, act)).await;
        let next = SmtpNextHop::new(&config(vec![hop(&bad), hop(&good)])).unwrap();
        assert_eq!(brief(&next.deliver(one()).await).0, "accepted", "{step}");
        let before = bad.connections();
        assert_eq!(brief(&next.deliver(one()).await).0, "accepted");
        assert_eq!(bad.connections(), before, "it is left alone for a while");
    }
    // A refusal of the message stands, and so does an unknown fate.
    for (step, act, kind) in [
        ("MAIL", say("550 5.7.1 no\r\n"), "failed"),
        (".", Act::Close, "unknown"),
    ] {
        let first = Fake::start(Script::offering(KEYWORDS).when(step, act)).await;
        let second = Fake::start(Script::offering(KEYWORDS)).await;
        let attempt = deliver(&config(vec![hop(&first), hop(&second)]), one()).await;
        assert_eq!(brief(&attempt).0, kind);
        assert_eq!(second.connections(), 0);
    }
}

#[tokio::test]
async fn an_outage_is_waited_out_together() {
    let silent = Fake::start(Script::default().when("greeting", Act::Hang)).await;
    let next = SmtpNextHop::new(&config(vec![hop(&silent)])).unwrap();
    assert_eq!(brief(&next.deliver(one()).await).0, "failed");
    let started = Instant::now();
    let all: Vec<_> = (0..10)
        .map(|_| {
            let next = next.clone();
            tokio::spawn(async move { next.deliver(one()).await })
        })
        .collect();
    for attempt in all {
        assert_eq!(brief(&attempt.await.unwrap()), ("failed", 451, vec![]));
    }
    assert_eq!(silent.connections(), 2, "one tries, the others wait for it");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_are_used_again_while_clean() {
    let fake =
        Fake::start(Script::offering(KEYWORDS).when("RCPT TO:<gone", say("550 x\r\n"))).await;
    let next = SmtpNextHop::new(&config(vec![hop(&fake)])).unwrap();
    for _ in 0..5 {
        assert_eq!(brief(&next.deliver(one()).await).0, "accepted");
        let gone = outgoing(&["gone@out.example"], "x\r\n");
        assert_eq!(
            brief(&next.deliver(gone).await),
            ("failed", 550, vec![(0, 550)])
        );
    }
    assert_eq!((fake.connections(), fake.messages().len()), (1, 5));

    let mut few = config(vec![hop(&fake)]);
    few.messages_per_connection = 2;
    let next = SmtpNextHop::new(&few).unwrap();
    for _ in 0..4 {
        next.deliver(one()).await;
    }
    assert_eq!(fake.connections(), 3);
}

#[tokio::test]
async fn a_server_that_left_meanwhile_costs_nothing() {
    let script = Script::offering(KEYWORDS).when(".", Act::SayAndClose(b"250 ok\r\n".to_vec()));
    let fake = Fake::start(script).await;
    let next = SmtpNextHop::new(&config(vec![hop(&fake)])).unwrap();
    for _ in 0..4 {
        assert_eq!(brief(&next.deliver(one()).await).0, "accepted");
    }
    assert_eq!((fake.connections(), fake.messages().len()), (4, 4));
}

#[tokio::test]
async fn a_cancelled_delivery_leaves_no_connection_behind() {
    let script = Script::offering(KEYWORDS).when(".", Act::Late(Duration::from_millis(300)));
    let fake = Fake::start(script).await;
    let next = SmtpNextHop::new(&config(vec![hop(&fake)])).unwrap();
    let cancelled = tokio::time::timeout(Duration::from_millis(100), next.deliver(one())).await;
    assert!(cancelled.is_err());
    assert_eq!(brief(&next.deliver(one()).await).0, "accepted");
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn connections_are_bounded() {
    let script = Script::offering(KEYWORDS).when(".", Act::Late(Duration::from_millis(50)));
    let fake = Fake::start(script).await;
    let mut two = config(vec![hop(&fake)]);
    two.connections_per_hop = 2;
    let next = SmtpNextHop::new(&two).unwrap();
    let all: Vec<_> = (0..8)
        .map(|_| {
            let next = next.clone();
            tokio::spawn(async move { next.deliver(one()).await })
        })
        .collect();
    for attempt in all {
        assert_eq!(brief(&attempt.await.unwrap()).0, "accepted");
    }
    assert_eq!((fake.connections(), fake.messages().len()), (2, 8));
}

#[tokio::test]
async fn routes_split_a_message() {
    let usual = Fake::start(Script::offering(KEYWORDS)).await;
    let partner = Fake::start(Script::offering(KEYWORDS)).await;
    let refusing =
        Fake::start(Script::offering(KEYWORDS).when("RCPT", say("550 5.1.1 x\r\n"))).await;
    let deferring = Fake::start(Script::offering(KEYWORDS).when("MAIL", say("451 x\r\n"))).await;
    let mut config = config(vec![hop(&usual)]);
    for (domain, fake) in [
        ("partner.example", &partner),
        ("refusing.example", &refusing),
        ("deferring.example", &deferring),
    ] {
        config.routes.push(RouteConfig {
            domains: vec![domain.into()],
            hops: vec![hop(fake)],
        });
    }
    let next = SmtpNextHop::new(&config).unwrap();
    let send = async |rcpts: &[&str]| brief(&next.deliver(outgoing(rcpts, "x\r\n")).await);

    let both = ["a@out.example", "b@partner.example", "c@out.example"];
    assert_eq!(send(&both).await, ("accepted", 250, vec![]));
    let rcpts = |fake: &Fake| {
        fake.lines()
            .iter()
            .filter(|line| line.starts_with("RCPT"))
            .count()
    };
    assert_eq!((rcpts(&usual), rcpts(&partner)), (2, 1));

    let mixed = ["a@out.example", "b@refusing.example", "c@deferring.example"];
    assert_eq!(
        send(&mixed).await,
        ("accepted", 250, vec![(1, 550), (2, 451)])
    );
    let first_fails = ["c@deferring.example", "a@out.example"];
    let before = usual.messages().len();
    assert_eq!(send(&first_fails).await, ("failed", 451, vec![(0, 451)]));
    assert_eq!(
        usual.messages().len(),
        before,
        "a deferral first stops the rest"
    );
}

#[tokio::test]
async fn the_offer_is_asked_for_and_kept() {
    let fake = Fake::start(Script::offering(&["SIZE 5", "DSN", "CHUNKING"])).await;
    let wide = Fake::start(Script::offering(&["SIZE 9", "DSN", "SMTPUTF8"])).await;
    let mut config = config(vec![hop(&fake)]);
    config.routes.push(RouteConfig {
        domains: vec!["partner.example".into()],
        hops: vec![hop(&wide)],
    });
    let next = SmtpNextHop::new(&config).unwrap();
    let common = Offer {
        dsn: true,
        size: Some(5),
        ..Offer::default()
    };
    for _ in 0..3 {
        assert_eq!(next.offer().await, Some(common.clone()));
    }
    assert_eq!((fake.connections(), wide.connections()), (1, 1));
    let mut dead = hop(&fake);
    dead.port = 1;
    let next = SmtpNextHop::new(&self::config(vec![dead])).unwrap();
    assert_eq!(next.offer().await, None);
    let asked_again = Instant::now();
    assert_eq!(next.offer().await, None);
    assert!(asked_again.elapsed() < Duration::from_millis(100));
}

/// A certificate authority, a server certificate for `mx.out.example` and a client certificate, on disk and in use.
struct Pki {
    folder: tempfile::TempDir,
    acceptor: TlsAcceptor,
}

impl Pki {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let leaf = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = leaf("mx.out.example");
        let (client, client_key) = leaf("relay.trust.example");
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", ca_certificate.pem());
        write("client.pem", client.pem());
        write("client.key", client_key.serialize_pem());
        write("secret", "geheim\n".into());
        let mut roots = RootCertStore::empty();
        roots.add(ca_certificate.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![server.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        Self {
            folder,
            acceptor: TlsAcceptor::from(Arc::new(server)),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self) -> Script {
        Script {
            tls: Some(self.acceptor.clone()),
            ..Script::offering(&["PIPELINING", "AUTH PLAIN"])
        }
    }
}

#[tokio::test]
async fn tls_levels() {
    let pki = Pki::new();
    let fake = Fake::start(pki.script()).await;
    let verified = HopConfig {
        tls: TlsLevel::Verified,
        tls_name: Some("mx.out.example".into()),
        ca_file: Some(pki.file("ca.pem")),
        ..hop(&fake)
    };
    let level = |tls| HopConfig { tls, ..hop(&fake) };
    let wrong_name = HopConfig {
        tls_name: Some("mx.other.example".into()),
        ..verified.clone()
    };
    let wrong_ca = HopConfig {
        ca_file: Some(pki.file("client.pem")),
        ..verified.clone()
    };
    for (name, hop, kind, encrypted) in [
        ("none", level(TlsLevel::None), "accepted", false),
        (
            "opportunistic",
            level(TlsLevel::Opportunistic),
            "accepted",
            true,
        ),
        ("required", level(TlsLevel::Required), "accepted", true),
        ("verified", verified.clone(), "accepted", true),
        ("wrong name", wrong_name, "failed", false),
        ("wrong authority", wrong_ca, "failed", false),
    ] {
        fake.seen.lock().unwrap().lines.clear();
        let attempt = deliver(&config(vec![hop]), one()).await;
        assert_eq!(brief(&attempt).0, kind, "{name}: {attempt:?}");
        let ehlos = fake
            .lines()
            .iter()
            .filter(|line| line.starts_with("EHLO"))
            .count();
        assert_eq!(ehlos == 2, encrypted, "{name}");
    }
    assert_eq!(fake.messages().len(), 4);
}

#[tokio::test]
async fn no_tls_where_it_is_needed() {
    let pki = Pki::new();
    let plain = Fake::start(Script::offering(KEYWORDS)).await;
    for (tls, kind) in [
        (TlsLevel::Opportunistic, "accepted"),
        (TlsLevel::Required, "failed"),
        (TlsLevel::Verified, "failed"),
    ] {
        let hop = HopConfig {
            tls_name: Some("mx.out.example".into()),
            tls,
            ca_file: Some(pki.file("ca.pem")),
            ..hop(&plain)
        };
        let attempt = deliver(&config(vec![hop]), one()).await;
        assert_eq!(brief(&attempt).0, kind);
    }
    // A handshake that fails: opportunistic goes on in clear over a new connection, required does not.
    let broken =
        Script::offering(&["STARTTLS"]).when("STARTTLS", Act::SayAndClose(b"220 go\r\n".to_vec()));
    let broken = Fake::start(broken).await;
    for (tls, kind) in [
        (TlsLevel::Opportunistic, "accepted"),
        (TlsLevel::Required, "failed"),
    ] {
        let attempt = deliver(
            &config(vec![HopConfig {
                tls,
                ..hop(&broken)
            }]),
            one(),
        )
        .await;
        assert_eq!(brief(&attempt).0, kind, "{tls:?}");
    }
}

#[tokio::test]
async fn text_injected_before_the_handshake_is_not_believed() {
    let injected = b"220 go\r\n250-fake\r\n250 AUTH PLAIN\r\n";
    let script = Script::offering(&["STARTTLS"]).when("STARTTLS", Act::Say(injected.to_vec()));
    let fake = Fake::start(script).await;
    for tls in [TlsLevel::Opportunistic, TlsLevel::Required] {
        let attempt = deliver(&config(vec![HopConfig { tls, ..hop(&fake) }]), one()).await;
        assert_eq!(brief(&attempt).0, "failed");
    }
    assert!(!fake.lines().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn client_certificate_credentials_and_implicit_tls() {
    let pki = Pki::new();
    let fake = Fake::start(pki.script()).await;
    let full = HopConfig {
        tls: TlsLevel::Required,
        client_certificate: Some(pki.file("client.pem")),
        client_key: Some(pki.file("client.key")),
        auth_user: Some("relay".into()),
        auth_secret_file: Some(pki.file("secret")),
        ehlo_name: Some("own.trust.example".into()),
        ..hop(&fake)
    };
    assert_eq!(
        brief(&deliver(&config(vec![full.clone()]), one()).await).0,
        "accepted"
    );
    let lines = fake.lines();
    assert!(lines.contains(&"AUTH PLAIN AHJlbGF5AGdlaGVpbQ==".to_owned()));
    assert!(lines.contains(&"EHLO own.trust.example".to_owned()));
    assert_eq!(fake.seen.lock().unwrap().client_certificates, 1);

    let script = Script {
        implicit_tls: true,
        ..pki.script()
    };
    let fake = Fake::start(script).await;
    let implicit = HopConfig {
        tls: TlsLevel::None,
        tls_implicit: true,
        ..hop(&fake)
    };
    assert_eq!(
        brief(&deliver(&config(vec![implicit]), one()).await).0,
        "accepted"
    );

    for broken in [
        HopConfig {
            tls: TlsLevel::Opportunistic,
            ..full.clone()
        },
        HopConfig {
            auth_secret_file: None,
            ..full.clone()
        },
        HopConfig {
            client_key: None,
            ..full.clone()
        },
        HopConfig {
            auth_secret_file: Some(pki.file("absent")),
            ..full
        },
    ] {
        assert!(SmtpNextHop::new(&config(vec![broken])).is_err());
    }
    assert!(SmtpNextHop::new(&Config::default()).is_err());
}

#[tokio::test]
async fn a_trickle_does_not_hold_a_session() {
    // One byte at a time within the deadline, never a whole reply.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut stream, b"2")
                .await
                .is_err()
            {
                return;
            }
        }
    });
    let hop = HopConfig {
        tls: TlsLevel::None,
        ..address.to_string().parse().unwrap()
    };
    let started = Instant::now();
    assert_eq!(brief(&deliver(&config(vec![hop]), one()).await).0, "failed");
    assert!(started.elapsed() < Duration::from_secs(3));
}
