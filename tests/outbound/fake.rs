//! A scripted SMTP server on loopback: it behaves, except where its script says otherwise.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What to do instead of the usual answer.
#[derive(Clone)]
pub enum Act {
    /// Send these bytes and go on as usual.
    Say(Vec<u8>),
    /// Send these bytes and close.
    SayAndClose(Vec<u8>),
    /// Close.
    Close,
    /// Wait, then answer as usual.
    Late(Duration),
    /// Never answer.
    Hang,
    /// Zeroes without a newline, this many MiB.
    Flood(usize),
}

pub fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// Steps: `greeting`, `.` (the answer to the last byte), `content` (while content arrives), or the start of a command.
#[derive(Clone, Default)]
pub struct Script {
    pub keywords: Vec<&'static str>,
    pub acts: Vec<(&'static str, Act)>,
    pub tls: Option<TlsAcceptor>,
    pub implicit_tls: bool,
}

impl Script {
    pub fn offering(keywords: &[&'static str]) -> Self {
        Self {
            keywords: keywords.to_vec(),
            ..Self::default()
        }
    }

    pub fn when(mut self, step: &'static str, act: Act) -> Self {
        self.acts.push((step, act));
        self
    }

    fn act(&self, step: &str) -> Option<Act> {
        self.acts
            .iter()
            .find(|(start, _)| step.starts_with(start))
            .map(|(_, act)| act.clone())
    }
}

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    pub connections: usize,
    pub lines: Vec<String>,
    pub messages: Vec<Vec<u8>>,
    pub client_certificates: usize,
}

pub struct Fake {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Seen>>,
}

impl Fake {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                all.lock().unwrap().connections += 1;
                let (script, seen) = (script.clone(), Arc::clone(&all));
                tokio::spawn(async move {
                    // A client that hangs up ends the session; that is no fault of the test.
                    let _ = accept(stream, script, seen).await;
                });
            }
        });
        Self { address, seen }
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().lines.clone()
    }

    pub fn messages(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().messages.clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

type Io = std::io::Result<()>;

async fn accept(stream: tokio::net::TcpStream, script: Script, seen: Arc<Mutex<Seen>>) -> Io {
    let mut session = Session {
        script,
        seen,
        buffer: Vec::new(),
        accepted: 0,
    };
    if session.script.implicit_tls {
        let acceptor = session.script.tls.clone().unwrap();
        let mut stream = acceptor.accept(stream).await?;
        session.run(&mut stream, true).await?;
        return Ok(());
    }
    let mut stream = stream;
    if session.run(&mut stream, true).await? {
        let acceptor = session.script.tls.clone().unwrap();
        let mut stream = acceptor.accept(stream).await?;
        let certificates = stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
        session.seen.lock().unwrap().client_certificates += certificates;
        session.script.tls = None;
        session.run(&mut stream, false).await?;
    }
    Ok(())
}

struct Session {
    script: Script,
    seen: Arc<Mutex<Seen>>,
    buffer: Vec<u8>,
    accepted: usize,
}

impl Session {
    /// `true` when STARTTLS was agreed.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        greet: bool,
    ) -> std::io::Result<bool> {
        if greet
            && !self
                .answer(stream, "greeting", "220 fake ESMTP\r\n")
                .await?
        {
            return Ok(false);
        }
        loop {
            let Some(line) = self.line(stream).await? else {
                return Ok(false);
            };
            self.seen.lock().unwrap().lines.push(line.clone());
            if line.starts_with("MAIL") || line == "RSET" {
                self.accepted = 0;
            }
            let taken = match self.script.act(&line) {
                None => true,
                Some(Act::Say(bytes)) => bytes.starts_with(b"25"),
                Some(_) => false,
            };
            self.accepted += usize::from(line.starts_with("RCPT") && taken);
            let usual = if line.starts_with("EHLO") {
                self.ehlo()
            } else if line == "DATA" && self.accepted == 0 {
                "503 5.5.1 no recipients\r\n".to_owned()
            } else if line == "DATA" {
                "354 go ahead\r\n".to_owned()
            } else if line == "STARTTLS" {
                "220 go ahead\r\n".to_owned()
            } else if line.starts_with("AUTH") {
                "235 2.7.0 welcome\r\n".to_owned()
            } else if let Some(size) = line.strip_prefix("BDAT ") {
                let size = size.split(' ').next().unwrap().parse().unwrap();
                self.chunk(stream, size).await?;
                "250 2.0.0 chunk\r\n".to_owned()
            } else if line == "QUIT" {
                "221 bye\r\n".to_owned()
            } else {
                "250 2.1.0 ok\r\n".to_owned()
            };
            if !self.answer(stream, &line, &usual).await? || line == "QUIT" {
                return Ok(false);
            }
            let overridden = self.script.act(&line).is_some();
            if line == "DATA" && !overridden && self.accepted > 0 {
                if let Some(act) = self.script.act("content") {
                    stream.read_u8().await?;
                    self.perform(stream, act, "").await?;
                    return Ok(false);
                }
                self.content(stream).await?;
                if !self.answer(stream, ".", "250 2.0.0 queued\r\n").await? {
                    return Ok(false);
                }
            }
            if line == "STARTTLS" && !overridden {
                return Ok(true);
            }
        }
    }

    fn ehlo(&self) -> String {
        let mut lines = vec!["fake"];
        lines.extend(&self.script.keywords);
        if self.script.tls.is_some() && !self.script.implicit_tls {
            lines.push("STARTTLS");
        }
        let mut text = format!("250-{}\r\n", lines.join("\r\n250-"));
        let last = text.rfind("250-").unwrap();
        text.replace_range(last..last + 4, "250 ");
        text
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        step: &str,
        usual: &str,
    ) -> std::io::Result<bool> {
        if let Some(act) = self.script.act(step) {
            return self.perform(stream, act, usual).await;
        }
        stream.write_all(usual.as_bytes()).await?;
        stream.flush().await?;
        Ok(true)
    }

    async fn perform<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        act: Act,
        usual: &str,
    ) -> std::io::Result<bool> {
        let goes_on = match act {
            Act::Say(bytes) => {
                stream.write_all(&bytes).await?;
                true
            }
            Act::SayAndClose(bytes) => {
                stream.write_all(&bytes).await?;
                false
            }
            Act::Close => false,
            Act::Late(time) => {
                tokio::time::sleep(time).await;
                stream.write_all(usual.as_bytes()).await?;
                true
            }
            Act::Hang => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                false
            }
            Act::Flood(mib) => {
                for _ in 0..mib * 16 {
                    stream.write_all(&vec![b'2'; 65_536]).await?;
                }
                true
            }
        };
        stream.flush().await?;
        Ok(goes_on)
    }

    async fn more<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> std::io::Result<bool> {
        Ok(stream.read_buf(&mut self.buffer).await? > 0)
    }

    async fn line<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
    ) -> std::io::Result<Option<String>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(Some(String::from_utf8_lossy(&line[..at]).into_owned()));
            }
            if !self.more(stream).await? {
                return Ok(None);
            }
        }
    }

    async fn chunk<S: AsyncRead + Unpin>(&mut self, stream: &mut S, size: usize) -> Io {
        while self.buffer.len() < size {
            if !self.more(stream).await? {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let message = self.buffer.drain(..size).collect();
        self.seen.lock().unwrap().messages.push(message);
        Ok(())
    }

    /// Reads to the lone dot and keeps what came, stuffed as it was.
    async fn content<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> Io {
        loop {
            let end = if self.buffer.starts_with(b".\r\n") {
                Some(0)
            } else {
                memchr::memmem::find(&self.buffer, b"\r\n.\r\n").map(|at| at + 2)
            };
            if let Some(end) = end {
                let mut message: Vec<u8> = self.buffer.drain(..end + 3).collect();
                message.truncate(end);
                self.seen.lock().unwrap().messages.push(message);
                return Ok(());
            }
            if !self.more(stream).await? {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
