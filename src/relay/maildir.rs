//! A Maildir as next hop: final delivery into a folder, for the demonstration, tests and capture.
//!
//! # Invariants
//! `Accepted` is said only after the file is on stable storage under its final name: written in `tmp`, fdatasync, renamed
//! into `new`, folder fsynced. One file a message. The message's bytes are as they came (bare LF included); before them
//! stand `Return-Path` and one `Delivered-To` for each recipient, as an MDA writes them.
//!
//! # Standards
//! RFC 5321 4.4 (Return-Path at final delivery); <https://cr.yp.to/proto/maildir.html> (names, tmp, new).

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::relay::next_hop::BoxFuture;
use crate::relay::{Attempt, NextHop, Offer, Outgoing};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Distinguishes files made by this process within one microsecond.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A Maildir that takes every message.
#[derive(Debug, Clone)]
pub struct Maildir {
    root: PathBuf,
}

impl Maildir {
    /// Opens or makes the Maildir at `root`.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        for folder in ["tmp", "new", "cur"] {
            std::fs::create_dir_all(root.join(folder))?;
        }
        Ok(Self { root })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    fn store(&self, outgoing: &Outgoing) -> Result<String, Fault> {
        let name = unique_name(outgoing);
        let (staged, published) = (
            self.root.join("tmp").join(&name),
            self.root.join("new").join(&name),
        );
        let written = write(&staged, outgoing).and_then(|()| std::fs::rename(&staged, &published));
        if let Err(error) = written {
            // Best effort: what stays in tmp was never promised to anybody.
            let _ = std::fs::remove_file(&staged);
            return Err(Fault::NotStored(error));
        }
        File::open(self.root.join("new"))
            .and_then(|folder| folder.sync_all())
            .map_err(Fault::Unsure)?;
        Ok(name)
    }
}

enum Fault {
    NotStored(io::Error),
    /// The file is there and may not survive a power loss.
    Unsure(io::Error),
}

fn unique_name(outgoing: &Outgoing) -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "{}.M{:06}P{}Q{}.{}",
        since.as_secs(),
        since.subsec_micros(),
        std::process::id(),
        SERIAL.fetch_add(1, Ordering::Relaxed),
        outgoing.id
    )
}

fn write(path: &Path, outgoing: &Outgoing) -> io::Result<()> {
    let mut head = format!(
        "Return-Path: {}\r\n",
        line(outgoing.envelope.mail_from.raw())
    );
    for rcpt in &outgoing.envelope.rcpts {
        let raw = rcpt.path.raw();
        let bare = raw.strip_prefix('<').and_then(|raw| raw.strip_suffix('>'));
        let text = rcpt.address().map_or(bare.unwrap_or(raw), |a| a.as_str());
        // Writing to a String cannot fail.
        let _ = write!(head, "Delivered-To: {}\r\n", line(text));
    }
    let mut file = File::options().write(true).create_new(true).open(path)?;
    let mut slices = [
        IoSlice::new(head.as_bytes()),
        IoSlice::new(&outgoing.prefix),
        IoSlice::new(&outgoing.message),
    ];
    let mut slices = &mut slices[..];
    while slices.iter().any(|slice| !slice.is_empty()) {
        match file.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut slices, count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.sync_data()
}

/// Envelope text as part of a header line.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn attempt(result: Result<String, Fault>) -> Attempt {
    match result {
        Ok(_) => Attempt::Accepted {
            reply: Reply::new(250, EnhancedCode(2, 0, 0), "delivered to the mail folder"),
            refused: Vec::new(),
        },
        Err(Fault::NotStored(error)) => {
            tracing::error!(kind = ?error.kind(), "mail folder cannot be written");
            let full = matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            );
            let reply = if full {
                Reply::new(452, EnhancedCode(4, 3, 1), "mail folder is full")
            } else {
                Reply::new(451, EnhancedCode(4, 3, 0), "mail folder cannot be written")
            };
            Attempt::Failed {
                reply,
                refused: Vec::new(),
            }
        }
        Err(Fault::Unsure(error)) => {
            tracing::error!(kind = ?error.kind(), "mail folder cannot be synced");
            Attempt::Unknown {
                reply: Reply::new(451, EnhancedCode(4, 3, 0), "mail folder cannot be synced"),
            }
        }
    }
}

impl NextHop for Maildir {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        let maildir = self.clone();
        Box::pin(async move {
            let stored = tokio::task::spawn_blocking(move || attempt(maildir.store(&outgoing)));
            stored.await.unwrap_or_else(|_| Attempt::Unknown {
                reply: Reply::new(
                    451,
                    EnhancedCode(4, 3, 0),
                    "writing to the mail folder failed",
                ),
            })
        })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async {
            Some(Offer {
                smtputf8: true,
                chunking: true,
                ..Offer::default()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::mail::{Address, Envelope, QueueId};
    use crate::relay::Partial;

    fn outgoing() -> Outgoing {
        let address = |text: &str| Address::parse(text).unwrap();
        Outgoing {
            id: QueueId::from_random([3; 10]),
            envelope: Envelope::of(
                Some(address("from@trust.example")),
                [address("a@b.example"), address("c@d.example")],
            ),
            prefix: Bytes::from_static(b"Received: x\r\n"),
            message: Bytes::from_static(b"Subject: y\r\n\r\nbare\nend"),
            partial: Partial::AllOrDefer,
            encrypt: false,
            xforward: None,
        }
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    #[tokio::test]
    async fn one_file_a_message_with_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(folder.path()).unwrap();
        for _ in 0..3 {
            let attempt = maildir.deliver(outgoing()).await;
            assert!(matches!(attempt, Attempt::Accepted { refused, .. } if refused.is_empty()));
        }
        let new = files(&folder.path().join("new"));
        assert_eq!(new.len(), 3);
        assert!(files(&folder.path().join("tmp")).is_empty());
        assert_eq!(
            std::fs::read(&new[0]).unwrap(),
            b"Return-Path: <from@trust.example>\r\nDelivered-To: a@b.example\r\nDelivered-To: c@d.example\r\n\
              Received: x\r\nSubject: y\r\n\r\nbare\nend"
        );
    }

    #[tokio::test]
    async fn a_missing_folder_defers() {
        let folder = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(folder.path().join("m")).unwrap();
        std::fs::remove_dir_all(folder.path().join("m/tmp")).unwrap();
        let Attempt::Failed { reply, .. } = maildir.deliver(outgoing()).await else {
            panic!("expected a failure");
        };
        assert_eq!(
            (reply.code, reply.enhanced),
            (451, Some(EnhancedCode(4, 3, 0)))
        );
    }

    #[test]
    fn a_full_disk_is_452() {
        let full = Fault::NotStored(ErrorKind::StorageFull.into());
        assert!(matches!(attempt(Err(full)), Attempt::Failed { reply, .. } if reply.code == 452));
        let unsure = Fault::Unsure(ErrorKind::Other.into());
        assert!(matches!(attempt(Err(unsure)), Attempt::Unknown { .. }));
    }

    #[test]
    fn envelope_text_cannot_add_lines() {
        assert_eq!(line("<a@b>\r\nX: y"), "<a@b>??X: y");
    }
}
