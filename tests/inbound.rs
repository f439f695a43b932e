//! Listeners over real sockets on loopback, with a pipeline that only remembers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use beadle::limits::Limits;
use beadle::mail::QueueId;
use beadle::net::access::{self, Access, ClientRule};
use beadle::net::inbound::{Config, Inbound, serve};
use beadle::net::tls_server::{self, TlsServer};
use beadle::pipeline::{Accept, Received};
use beadle::relay::next_hop::{BoxFuture, Offer};
use beadle::smtp::reply::{EnhancedCode, Reply};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Remembers what it was handed.
#[derive(Default)]
struct Memory {
    received: Mutex<Vec<Received>>,
    replied: Mutex<Vec<(QueueId, bool)>>,
    offer: Option<Offer>,
    delay: Duration,
    panics: AtomicBool,
}

impl Accept for Memory {
    fn accept(&self, received: Received) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            assert!(!self.panics.load(Ordering::Relaxed), "as told");
            self.received.lock().unwrap().push(received);
            Reply::new(250, EnhancedCode(2, 0, 0), "taken")
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async { self.offer.clone() })
    }

    fn refused_before(&self, recipient: &str) -> Option<Reply> {
        recipient
            .starts_with("gone@")
            .then(|| Reply::new(550, EnhancedCode(5, 1, 1), "no such user"))
    }

    fn replied(&self, id: QueueId, delivered: bool) {
        self.replied.lock().unwrap().push((id, delivered));
    }
}

struct Server {
    address: SocketAddr,
    memory: Arc<Memory>,
    inbound: Arc<Inbound>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn own_servers() -> ClientRule {
    ClientRule {
        networks: vec!["127.0.0.0/8".into()],
        own_server: true,
        ..ClientRule::default()
    }
}

async fn start_with(
    config: Config,
    rules: Vec<ClientRule>,
    tls: Option<Arc<TlsServer>>,
    memory: Memory,
) -> Server {
    let access = Access::new(&access::Config {
        clients: rules,
        sender_domains: vec!["trust.example".into()],
        ..access::Config::default()
    })
    .unwrap();
    let limits = Limits {
        message_bytes: 4 << 20,
        ..Limits::default()
    };
    let config = Config {
        hostname: "gate.trust.example".into(),
        ..config
    };
    let memory = Arc::new(memory);
    let accept: Arc<dyn Accept> = Arc::clone(&memory) as _;
    let inbound = Arc::new(Inbound::new(config, &limits, access, tls, accept));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, receiver) = watch::channel(false);
    let task = tokio::spawn(serve(listener, Arc::clone(&inbound), receiver));
    Server {
        address,
        memory,
        inbound,
        shutdown,
        task,
    }
}

async fn start(config: Config) -> Server {
    start_with(config, vec![own_servers()], None, Memory::default()).await
}

/// A client that reads whole replies.
struct Peer<S> {
    stream: S,
    unread: Vec<u8>,
}

async fn connect(server: &Server) -> Peer<TcpStream> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    Peer::new(stream)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next line without its CRLF, or `None` at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            let mut octets = [0; 4096];
            let read = tokio::time::timeout(Duration::from_secs(10), self.stream.read(&mut octets));
            match read.await.expect("the server answers in time") {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.unread.extend_from_slice(&octets[..count]),
            }
        }
    }

    /// The last line of the next reply.
    async fn reply(&mut self) -> String {
        loop {
            let line = self.line().await.expect("a reply");
            if line.as_bytes().get(3) == Some(&b' ') {
                return line;
            }
        }
    }

    async fn expect(&mut self, start: &str) {
        let reply = self.reply().await;
        assert!(reply.starts_with(start), "{reply:?} for {start:?}");
    }

    async fn ask(&mut self, line: &str, start: &str) {
        self.send(format!("{line}\r\n")).await;
        self.expect(start).await;
    }

    async fn greet(&mut self) {
        self.expect("220 gate.trust.example").await;
        self.ask("EHLO client.example", "250 ").await;
    }

    /// MAIL, RCPT and DATA.
    async fn open(&mut self) {
        self.send("MAIL FROM:<a@trust.example>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n")
            .await;
        for code in ["250 2.1.0", "250 2.1.5", "354"] {
            self.expect(code).await;
        }
    }

    async fn mail(&mut self, text: &str) {
        self.open().await;
        self.ask(&format!("{text}\r\n."), "250 2.0.0 taken").await;
    }

    async fn quit(&mut self) {
        self.ask("QUIT", "221 2.0.0").await;
        assert_eq!(self.line().await, None);
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to pass within five seconds");
}

#[tokio::test]
async fn a_pipelined_session_hands_over_its_messages() {
    let server = start(Config::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.send(
        "MAIL FROM:<a@trust.example> SIZE=9\r\nRCPT TO:<gone@c.example>\r\nRCPT TO:<\"b b\"@c.example>\r\nDATA\r\n",
    )
    .await;
    for code in ["250 2.1.0", "550 5.1.1 no such user", "250 2.1.5", "354"] {
        peer.expect(code).await;
    }
    peer.ask("one\r\n..two\r\n.", "250 2.0.0 taken").await;
    peer.mail("three").await;
    peer.quit().await;
    let received = server.memory.received.lock().unwrap();
    assert_eq!(received[0].message, "one\r\n.two\r\n");
    assert_eq!(received[1].message, "three\r\n");
    let envelope = &received[0].envelope;
    assert_eq!(envelope.mail_from.raw(), "<a@trust.example>");
    assert_eq!(envelope.mail_params, "SIZE=9");
    assert_eq!(envelope.rcpts.len(), 1);
    assert_eq!(envelope.rcpts[0].path.raw(), "<\"b b\"@c.example>");
    let client = &received[0].client;
    assert!(client.own_server && client.esmtp && client.tls.is_none() && !client.spool);
    assert_eq!(client.helo, "client.example");
    assert_eq!(
        *server.memory.replied.lock().unwrap(),
        [(received[0].id, true), (received[1].id, true)]
    );
}

#[tokio::test]
async fn a_client_that_vanishes_is_reported() {
    let memory = Memory {
        delay: Duration::from_millis(100),
        ..Memory::default()
    };
    let server = start_with(Config::default(), vec![own_servers()], None, memory).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.open().await;
    peer.send("text\r\n.\r\n").await;
    drop(peer);
    until(|| !server.memory.replied.lock().unwrap().is_empty()).await;
    let id = server.memory.received.lock().unwrap()[0].id;
    assert_eq!(*server.memory.replied.lock().unwrap(), [(id, false)]);
}

#[tokio::test]
async fn a_fault_in_the_pipeline_defers() {
    let server = start(Config::default()).await;
    server.memory.panics.store(true, Ordering::Relaxed);
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.open().await;
    peer.ask("text\r\n.", "451 4.3.0").await;
    server.memory.panics.store(false, Ordering::Relaxed);
    peer.mail("again").await;
    assert_eq!(server.memory.received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn strangers_are_refused_at_the_door() {
    let rule = ClientRule {
        networks: vec!["192.0.2.0/24".into()],
        ..ClientRule::default()
    };
    let server = start_with(Config::default(), vec![rule], None, Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.expect("554 5.7.1").await;
    assert_eq!(peer.line().await, None);
}

#[tokio::test]
async fn devices_send_only_in_the_trusts_name() {
    let rule = ClientRule {
        own_server: false,
        ..own_servers()
    };
    let server = start_with(Config::default(), vec![rule], None, Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("MAIL FROM:<x@elsewhere.example>", "550 5.7.1")
        .await;
    peer.ask("MAIL FROM:<>", "550 5.7.1").await;
    peer.mail("mine").await;
    assert!(!server.memory.received.lock().unwrap()[0].client.own_server);
}

#[tokio::test]
async fn the_offer_follows_the_next_hop() {
    let offer = Offer {
        dsn: true,
        size: Some(1_000_000),
        ..Offer::default()
    };
    let memory = Memory {
        offer: Some(offer),
        ..Memory::default()
    };
    let server = start_with(Config::default(), vec![own_servers()], None, memory).await;
    let mut peer = connect(&server).await;
    peer.expect("220").await;
    peer.send("EHLO client.example\r\n").await;
    let mut lines = Vec::new();
    while !lines
        .last()
        .is_some_and(|line: &String| line.starts_with("250 "))
    {
        lines.push(peer.line().await.unwrap());
    }
    let offers = |keyword: &str| lines.iter().any(|line| line[4..].starts_with(keyword));
    assert!(offers("DSN") && offers("CHUNKING") && offers("SIZE 995904"));
    assert!(!offers("SMTPUTF8") && !offers("STARTTLS") && !offers("XFORWARD"));
    assert!(!offers("BINARYMIME"));
}

/// Pseudo-random octets without CR and LF rules: BDAT takes anything.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[tokio::test]
async fn two_megabytes_in_chunks_of_64_kib_come_through_a_file_unchanged() {
    let server = start(Config::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    let message = noise(2_000_001);
    let mut input = b"MAIL FROM:<a@trust.example>\r\nRCPT TO:<b@c.example>\r\n".to_vec();
    for chunk in message.chunks(65_536) {
        input.extend_from_slice(format!("BDAT {}\r\n", chunk.len()).as_bytes());
        input.extend_from_slice(chunk);
    }
    input.extend_from_slice(b"BDAT 0 LAST\r\n");
    peer.send(&input).await;
    for _ in 0..2 + message.len().div_ceil(65_536) {
        peer.expect("250 2.").await;
    }
    peer.expect("250 2.0.0 taken").await;
    assert!(server.memory.received.lock().unwrap()[0].message == message);
}

#[tokio::test]
async fn two_megabytes_of_lines_come_through_a_file_unchanged() {
    let server = start(Config::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.open().await;
    let line = "..a line of quite ordinary length that stands for many others like it\r\n";
    peer.send(line.repeat(2_000_000 / line.len())).await;
    peer.ask(".", "250 2.0.0 taken").await;
    let expected = line[1..].repeat(2_000_000 / line.len());
    assert!(server.memory.received.lock().unwrap()[0].message == expected);
}

#[tokio::test]
async fn oversized_messages_are_heard_out_and_refused() {
    let server = start(Config::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("MAIL FROM:<a@trust.example> SIZE=9999999", "552 5.3.4")
        .await;
    peer.open().await;
    peer.send("0123456789abcdef\r\n".repeat(300_000)).await;
    peer.ask(".", "552 5.3.4").await;
    peer.mail("small").await;
    assert_eq!(server.memory.received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_disk_defers() {
    let config = Config {
        temp_dir: Some("/nonexistent/beadle".into()),
        check_disk: false,
        memory_bytes: 1000,
        ..Config::default()
    };
    let server = start(config.clone()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.open().await;
    peer.send("0123456789abcdef\r\n".repeat(10_000)).await;
    peer.ask(".", "452 4.3.1").await;
    peer.mail("small").await;
    let server = start(Config {
        check_disk: true,
        ..config
    })
    .await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("MAIL FROM:<a@trust.example>", "452 4.3.1").await;
}

#[tokio::test]
async fn clients_that_talk_first_are_refused() {
    let config = Config {
        banner_delay_ms: 500,
        ..Config::default()
    };
    let server = start(config).await;
    let mut peer = connect(&server).await;
    peer.send("EHLO client.example\r\n").await;
    peer.expect("554 5.5.0").await;
    assert_eq!(peer.line().await, None);
}

#[tokio::test]
async fn sessions_are_limited_for_one_client_and_for_all() {
    let config = Config {
        sessions_per_client: 2,
        sessions: 3,
        ..Config::default()
    };
    let server = start(config).await;
    let mut one = connect(&server).await;
    let mut two = connect(&server).await;
    one.greet().await;
    two.greet().await;
    let mut three = connect(&server).await;
    three.expect("421 4.3.2").await;
    assert_eq!(three.line().await, None);
    one.quit().await;
    drop(one);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut four = connect(&server).await;
    four.greet().await;
    let config = Config {
        sessions: 1,
        ..Config::default()
    };
    let server = start(config).await;
    let mut one = connect(&server).await;
    one.greet().await;
    connect(&server).await.expect("421 4.3.2").await;
}

#[tokio::test]
async fn messages_and_recipients_have_a_rate() {
    let rule = ClientRule {
        messages_per_minute: 2,
        recipients_per_minute: 3,
        ..own_servers()
    };
    let server = start_with(Config::default(), vec![rule], None, Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.mail("one").await;
    peer.ask("MAIL FROM:<a@trust.example>", "250").await;
    peer.ask("RCPT TO:<b@c.example>", "250").await;
    peer.ask("RCPT TO:<b@c.example>", "250").await;
    peer.ask("RCPT TO:<b@c.example>", "450 4.7.1").await;
    peer.ask("RSET", "250").await;
    peer.ask("MAIL FROM:<a@trust.example>", "450 4.7.1").await;
}

#[tokio::test]
async fn slow_clients_run_into_their_deadlines() {
    let config = Config {
        command_seconds: 1,
        data_idle_seconds: 1,
        data_bytes_per_second: 1000,
        ..Config::default()
    };
    let server = start(config).await;
    let mut idle = connect(&server).await;
    idle.greet().await;
    let mut dripping = connect(&server).await;
    dripping.greet().await;
    dripping.open().await;
    let began = Instant::now();
    // An octet every 100 ms is never idle, and too slow.
    let drip = async {
        for _ in 0..50 {
            if dripping.stream.write_all(b"x").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::join!(drip, async {
        idle.expect("421 4.4.2").await;
        assert!(began.elapsed() < Duration::from_secs(3));
    });
    dripping.expect("421 4.4.2").await;
    assert!(server.memory.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_command_line_in_drips_does_not_move_its_deadline() {
    let config = Config {
        command_seconds: 1,
        ..Config::default()
    };
    let server = start(config).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        if peer.stream.write_all(b"N").await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    peer.expect("421 4.4.2").await;
}

#[tokio::test]
async fn shutdown_sends_idle_clients_away_and_finishes_messages() {
    let memory = Memory {
        delay: Duration::from_millis(300),
        ..Memory::default()
    };
    let server = start_with(Config::default(), vec![own_servers()], None, memory).await;
    let mut idle = connect(&server).await;
    idle.greet().await;
    let mut busy = connect(&server).await;
    busy.greet().await;
    busy.open().await;
    busy.send("begun\r\n").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.shutdown.send(true).unwrap();
    idle.expect("421 4.3.2").await;
    assert_eq!(idle.line().await, None);
    assert!(TcpStream::connect(server.address).await.is_err());
    busy.ask("and ended\r\n.", "250 2.0.0 taken").await;
    busy.expect("421 4.3.2").await;
    drop(busy);
    tokio::time::timeout(Duration::from_secs(5), server.task)
        .await
        .unwrap()
        .unwrap();
    let received = server.memory.received.lock().unwrap();
    assert_eq!(received[0].message, "begun\r\nand ended\r\n");
}

#[tokio::test]
async fn draining_has_an_end() {
    let config = Config {
        drain_seconds: 1,
        ..Config::default()
    };
    let server = start(config).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.open().await;
    server.shutdown.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn listed_balancers_name_the_client() {
    let balancer = ClientRule {
        networks: vec!["127.0.0.1".into()],
        proxy: true,
        ..ClientRule::default()
    };
    let behind = ClientRule {
        networks: vec!["192.0.2.0/24".into()],
        xforward: true,
        ..own_servers()
    };
    let config = Config {
        proxy_seconds: 1,
        ..Config::default()
    };
    let rules = vec![balancer, behind];
    let server = start_with(config, rules, None, Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.send("PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\r\n")
        .await;
    peer.greet().await;
    peer.ask("XFORWARD NAME=pc.trust.example ADDR=192.0.2.77", "250")
        .await;
    peer.mail("text").await;
    peer.mail("text").await;
    {
        let received = server.memory.received.lock().unwrap();
        assert_eq!(received[0].client.ip.to_string(), "192.0.2.9");
        assert_eq!(
            received[0].client.xforward.as_deref(),
            Some("NAME=pc.trust.example ADDR=192.0.2.77")
        );
        assert_eq!(received[1].client.xforward, None);
    }
    let mut stranger = connect(&server).await;
    stranger
        .send("PROXY TCP4 203.0.113.9 198.51.100.1 1234 25\r\n")
        .await;
    stranger.expect("554 5.7.1").await;
    let mut without = connect(&server).await;
    without.send("EHLO client.example\r\n").await;
    assert_eq!(without.line().await, None);
    let mut silent = connect(&server).await;
    assert_eq!(silent.line().await, None);
}

/// An authority, and what it signs, in a folder.
struct Pki {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate and key for this name.
    fn sign(&self, name: &str, file: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    fn server(&self) -> Arc<TlsServer> {
        self.sign("gate.trust.example", "server");
        let config = tls_server::Config {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: Some(self.path("ca.pem")),
            client_ca_system: false,
        };
        Arc::new(TlsServer::load(config).unwrap())
    }

    async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        client: Option<&str>,
    ) -> std::io::Result<tokio_rustls::client::TlsStream<S>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(file) => builder
                .with_client_auth_cert(
                    vec![certificate(&self.path(&format!("{file}.pem")))],
                    PrivateKeyDer::from_pem_file(self.path(&format!("{file}.key"))).unwrap(),
                )
                .unwrap(),
        };
        tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("gate.trust.example").unwrap(), stream)
            .await
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

#[tokio::test]
async fn starttls_discards_what_was_injected() {
    let pki = Pki::new();
    let config = Config {
        require_tls: true,
        ..Config::default()
    };
    let rules = vec![own_servers()];
    let server = start_with(config, rules, Some(pki.server()), Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("MAIL FROM:<a@trust.example>", "530 5.7.0").await;
    peer.send("STARTTLS\r\nMAIL FROM:<evil@trust.example>\r\nRCPT TO:<x@c.example>\r\n")
        .await;
    peer.expect("220 2.0.0").await;
    assert!(peer.unread.is_empty());
    let stream = pki.handshake(peer.stream, None).await.unwrap();
    let mut peer = Peer::new(stream);
    peer.ask("MAIL FROM:<a@trust.example>", "503 5.5.1 say EHLO first")
        .await;
    peer.ask("EHLO client.example", "250 ").await;
    peer.ask("STARTTLS", "503").await;
    peer.mail("secret").await;
    let received = server.memory.received.lock().unwrap();
    assert_eq!(received[0].message, "secret\r\n");
    let tls = received[0].client.tls.clone().unwrap();
    assert_eq!(tls.version, "TLSv1.3");
    assert!(tls.cipher.starts_with("TLS13_") && tls.client_names.is_empty());
}

#[tokio::test]
async fn a_certificate_opens_the_door_and_its_absence_keeps_it_shut() {
    let pki = Pki::new();
    pki.sign("mx.trust.example", "good");
    pki.sign("mx.other.example", "other");
    let foreign = Pki::new();
    foreign.sign("mx.trust.example", "forged");
    for file in ["forged.pem", "forged.key"] {
        std::fs::copy(foreign.path(file), pki.path(file)).unwrap();
    }
    let rule = ClientRule {
        certificate_names: vec!["*.trust.example".into()],
        own_server: true,
        ..ClientRule::default()
    };
    let tls = pki.server();
    let server = start_with(Config::default(), vec![rule], Some(tls), Memory::default()).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("MAIL FROM:<a@trust.example>", "530 5.7.0").await;
    for (client, code) in [
        (None, "550 5.7.1"),
        (Some("other"), "550 5.7.1"),
        (Some("good"), "250 2.1.0"),
    ] {
        let mut peer = connect(&server).await;
        peer.greet().await;
        peer.ask("STARTTLS", "220").await;
        let mut peer = Peer::new(pki.handshake(peer.stream, client).await.unwrap());
        peer.ask("EHLO client.example", "250 ").await;
        peer.ask("MAIL FROM:<a@trust.example>", code).await;
    }
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("STARTTLS", "220").await;
    // In TLS 1.3 the client learns of the refusal when it reads.
    if let Ok(stream) = pki.handshake(peer.stream, Some("forged")).await {
        let mut peer = Peer::new(stream);
        let _ = peer.stream.write_all(b"EHLO client.example\r\n").await;
        assert_eq!(peer.line().await, None);
    }
}

#[tokio::test]
async fn implicit_tls_and_a_new_certificate_without_a_restart() {
    let pki = Pki::new();
    let tls = pki.server();
    let config = Config {
        implicit_tls: true,
        ..Config::default()
    };
    let rules = vec![own_servers()];
    let server = start_with(config, rules, Some(Arc::clone(&tls)), Memory::default()).await;
    let seen = async || {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let stream = pki.handshake(stream, None).await.unwrap();
        let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        let mut peer = Peer::new(stream);
        peer.greet().await;
        peer.mail("text").await;
        peer.quit().await;
        certificate
    };
    let first = seen().await;
    assert_eq!(first, certificate(&pki.path("server.pem")).to_vec());
    pki.sign("gate.trust.example", "server");
    assert_eq!(seen().await, first);
    tls.reload().unwrap();
    let second = seen().await;
    assert_ne!(second, first);
    std::fs::write(pki.path("server.pem"), "nothing").unwrap();
    assert!(tls.reload().is_err());
    assert_eq!(seen().await, second);
}

#[tokio::test]
async fn a_silent_handshake_does_not_last() {
    let pki = Pki::new();
    let config = Config {
        implicit_tls: true,
        handshake_seconds: 1,
        ..Config::default()
    };
    let rules = vec![own_servers()];
    let server = start_with(config, rules, Some(pki.server()), Memory::default()).await;
    let mut peer = connect(&server).await;
    let began = Instant::now();
    assert_eq!(peer.line().await, None);
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn new_access_rules_count_for_new_sessions() {
    let server = start(Config::default()).await;
    connect(&server).await.greet().await;
    server
        .inbound
        .set_access(Access::new(&access::Config::default()).unwrap());
    connect(&server).await.expect("554 5.7.1").await;
}

#[tokio::test]
async fn strangers_without_their_certificate_do_not_stay() {
    let pki = Pki::new();
    let rule = ClientRule {
        certificate_names: vec!["mx.trust.example".into()],
        ..ClientRule::default()
    };
    let config = Config {
        handshake_seconds: 1,
        ..Config::default()
    };
    let tls = pki.server();
    pki.sign("mx.trust.example", "good");
    let server = start_with(config, vec![rule], Some(tls), Memory::default()).await;
    let mut stranger = connect(&server).await;
    stranger.greet().await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    peer.ask("STARTTLS", "220").await;
    let mut peer = Peer::new(pki.handshake(peer.stream, Some("good")).await.unwrap());
    peer.ask("EHLO client.example", "250 ").await;
    stranger.expect("421 4.4.2").await;
    peer.mail("still here").await;
    let received = server.memory.received.lock().unwrap();
    let tls = received[0].client.tls.clone().unwrap();
    assert_eq!(tls.client_names, ["mx.trust.example"]);
}

#[tokio::test]
async fn sessions_have_an_end() {
    let config = Config {
        session_seconds: 1,
        ..Config::default()
    };
    let server = start(config).await;
    let mut peer = connect(&server).await;
    peer.greet().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(800) {
        peer.mail("text").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    peer.expect("421 4.4.2").await;
}

#[test]
fn settings_survive_toml_and_unknown_keys_do_not() {
    let text = toml::to_string(&Config::default()).unwrap();
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
    assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    assert!(toml::from_str::<Config>("sesions = 3").is_err());
    let access = access::Config {
        clients: vec![own_servers()],
        sender_domains: vec!["trust.example".into()],
        null_sender: access::NullSender::Refuse,
    };
    let text = toml::to_string(&access).unwrap();
    assert_eq!(toml::from_str::<access::Config>(&text).unwrap(), access);
    assert!(toml::from_str::<access::Config>("[[clients]]\nnetwork = []").is_err());
    let tls = tls_server::Config::default();
    let text = toml::to_string(&tls).unwrap();
    assert_eq!(toml::from_str::<tls_server::Config>(&text).unwrap(), tls);
}
