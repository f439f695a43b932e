//! A next hop that takes everything and counts what it took.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The next hop.
pub struct Sink {
    pub port: u16,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Sink {
    pub fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let taken: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let counts = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let counts = Arc::clone(&counts);
                // A relay that dies leaves its session behind.
                std::thread::spawn(move || {
                    let _ = session(&stream, &counts);
                });
            }
        });
        Self { port, taken }
    }

    /// How often the message of this subject was taken.
    pub fn count(&self, subject: &str) -> usize {
        let taken = self.taken.lock().unwrap();
        taken.get(subject).copied().unwrap_or_default()
    }
}

fn session(stream: &TcpStream, counts: &Mutex<HashMap<String, usize>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    writer.write_all(b"220 sink.example ESMTP\r\n")?;
    let mut line = String::new();
    while {
        line.clear();
        reader.read_line(&mut line)?
    } > 0
    {
        let verb = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                writer.write_all(b"250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n")?;
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let subject = message(&mut reader)?;
                // Long enough for a kill to fall between our taking it and the relay's hearing of it.
                std::thread::sleep(Duration::from_millis(4));
                *counts.lock().unwrap().entry(subject).or_default() += 1;
                writer.write_all(b"250 2.0.0 taken\r\n")?;
            }
            "QUIT" => {
                writer.write_all(b"221 2.0.0 bye\r\n")?;
                return Ok(());
            }
            _ => writer.write_all(b"250 2.0.0 ok\r\n")?,
        }
    }
    Ok(())
}

/// Reads a message to its end and gives its subject.
fn message(reader: &mut BufReader<&TcpStream>) -> std::io::Result<String> {
    let (mut subject, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(subject);
        }
        if let Some(text) = line.strip_prefix("Subject: ")
            && subject.is_empty()
        {
            text.trim_end().clone_into(&mut subject);
        }
    }
}
