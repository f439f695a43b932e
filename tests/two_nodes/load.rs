//! Clients that behave as a mail server does: what is not answered, or answered 4xx, is sent again, to the other node.

use std::io::{BufRead as _, BufReader, Error, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is relayed while the client waits.
    Pass,
    /// It is held for a reviewer: a pupil's full name goes outside.
    Hold,
}

/// A message that was answered 250.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its subject, and the left side of its Message-ID.
    pub id: String,
    pub kind: Kind,
    /// How often it was handed over whole and not answered.
    pub unanswered: u32,
}

/// Clients at a time.
const CLIENTS: usize = 4;

/// How long one message may take in all.
const PATIENCE: Duration = Duration::from_mins(2);

/// Sends messages of both kinds until each was answered 250.
pub fn send_all(messages: usize, ports: [u16; 2]) -> Vec<Sent> {
    let clients = (0..CLIENTS).map(|client| {
        std::thread::spawn(move || {
            let own = (client..messages).step_by(CLIENTS);
            own.map(|number| send(number, ports)).collect::<Vec<Sent>>()
        })
    });
    let clients: Vec<_> = clients.collect();
    clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect()
}

fn send(number: usize, ports: [u16; 2]) -> Sent {
    let kind = if number.is_multiple_of(3) {
        Kind::Hold
    } else {
        Kind::Pass
    };
    let mut sent = Sent {
        id: format!("trip-{number}"),
        kind,
        unanswered: 0,
    };
    let message = message(&sent);
    let begun = Instant::now();
    for attempt in 0.. {
        let port = ports[(number + attempt) % 2];
        match hand_over(port, &message) {
            Ok(code) if code / 100 == 2 => return sent,
            Ok(code) => assert_eq!(code / 100, 4, "{}: {code}", sent.id),
            Err(Lost::Whole) => sent.unanswered += 1,
            Err(Lost::Before) => {}
        }
        assert!(begun.elapsed() < PATIENCE, "{} is not taken", sent.id);
        std::thread::sleep(Duration::from_millis(50));
    }
    unreachable!("the loop ends by returning")
}

fn message(sent: &Sent) -> String {
    let body = match sent.kind {
        Kind::Pass => "The coach leaves at nine. Please bring a packed lunch.",
        Kind::Hold => "Noah Lightfoot will need a seat near the front of the coach.",
    };
    let id = &sent.id;
    format!(
        "From: Rose Moss <rmoss@brookmere.oakfield-trust.example>\r\nTo: <office@hillcoaches.example>\r\nSubject: {id}\r\n\
         Date: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{id}@oakfield-trust.example>\r\n\r\n{body}\r\n"
    )
}

/// The connection was lost.
enum Lost {
    /// Before the message was there whole.
    Before,
    /// After its last byte.
    Whole,
}

impl From<Error> for Lost {
    fn from(_: Error) -> Self {
        Self::Before
    }
}

fn hand_over(port: u16, message: &str) -> Result<u16, Lost> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut reader = BufReader::new(&stream);
    let mut writer = &stream;
    for command in [
        "",
        "EHLO exchange.oakfield-trust.example\r\n",
        "MAIL FROM:<rmoss@brookmere.oakfield-trust.example>\r\n",
        "RCPT TO:<office@hillcoaches.example>\r\n",
        "DATA\r\n",
    ] {
        writer.write_all(command.as_bytes())?;
        let code = reply(&mut reader)?;
        if code >= 400 {
            return Ok(code);
        }
    }
    writer.write_all(message.as_bytes())?;
    writer.write_all(b".\r\n")?;
    let code = reply(&mut reader).map_err(|_| Lost::Whole)?;
    let _ = writer.write_all(b"QUIT\r\n");
    Ok(code)
}

fn reply(reader: &mut BufReader<&TcpStream>) -> Result<u16, Error> {
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line
                .get(..3)
                .and_then(|code| code.parse().ok())
                .unwrap_or(500));
        }
    }
}
