//! `ledger`: what was done, shown, proved, signed, and a leaver's name taken out of it, from the command line.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::checkpoints::{self, Checkpoints, Places};
use crate::app::cli::{LedgerArgs, LedgerCommand, Output};
use crate::app::config::Config;
use crate::app::holds::{login_name, rfc3339};
use crate::app::record::hex;
use crate::app::wiring::{self, StartError};
use crate::store::{
    Against, Custody, Entry, NotaryError, Referenced, StoreError, Verified, VerifyingKey,
};

/// Entries read at once.
const PAGE: u32 = 4_096;

/// Why a command about the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head was not signed.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// A file that was named cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key that was named is none.
    #[error(
        "--key: found no key; allowed: what `beadle ledger key` prints, or a file with it; print it again"
    )]
    Key,
    /// The ledger is not what it was.
    #[error("the ledger is not as it was written")]
    Bad,
    /// No entry has this name.
    #[error("no entry that it can be erased from has this name")]
    NoSuchPerson,
    /// A reason is not one, or a name is empty.
    #[error("a name and a reason in words are needed")]
    NoReason,
}

impl LedgerError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        matches!(
            self,
            Self::Bad
                | Self::NoSuchPerson
                | Self::Notary(NotaryError::Broken(_) | NotaryError::Forked(_))
                | Self::Store(StoreError::Missing | StoreError::Ambiguous)
        )
    }

    /// Whether the command line is to be changed.
    pub fn is_unusable(&self) -> bool {
        matches!(self, Self::Key | Self::NoReason)
    }
}

/// Does what `ledger` was asked.
pub async fn run(
    args: &LedgerArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), LedgerError> {
    let store = wiring::open_store(config, false).await?;
    let now = SystemTime::now();
    match &args.command {
        LedgerCommand::Verify {
            checkpoints,
            key,
            since,
            output,
        } => {
            let kept = match checkpoints {
                Some(path) => Some(read(path)?),
                None => None,
            };
            let against = Against {
                kept: kept.as_deref(),
                key: key.as_deref().map(verifying_key).transpose()?,
                since: *since,
            };
            let verified = store.prove_ledger(against).await?;
            match output {
                Output::Text => tell(&verified, out)?,
                Output::Jsonl => writeln!(out, "{}", verdict(&verified))?,
            }
            verified.is_good().then_some(()).ok_or(LedgerError::Bad)
        }
        LedgerCommand::List {
            since,
            limit,
            about,
            actor,
            output,
        } => {
            let about = match about {
                Some(text) => Some(subject(&store, text).await?),
                None => None,
            };
            let wanted = Wanted {
                since: *since,
                limit: *limit,
                about: about.as_deref(),
                actor: actor.as_deref(),
            };
            list(&store, wanted, *output, out).await
        }
        LedgerCommand::Checkpoint => {
            let places = Places::of(config).map_err(StartError::Settings)?;
            let checkpoints = Checkpoints::open(&store, places, now).await?;
            match checkpoints.write(false, now).await? {
                Some(note) => write!(out, "{note}")?,
                None => writeln!(out, "nothing came since the last checkpoint")?,
            }
            Ok(())
        }
        LedgerCommand::Key => {
            let notary = store.notary("", now).await?;
            Ok(writeln!(out, "{}", notary.key())?)
        }
        LedgerCommand::ErasePerson {
            name,
            reason,
            actor,
        } => {
            let actor = actor.clone().unwrap_or_else(login_name);
            erase(&store, (name, reason), &actor, now, out).await
        }
    }
}

fn read(path: &std::path::Path) -> Result<String, LedgerError> {
    let failed = |source| LedgerError::Read {
        path: path.to_owned(),
        source,
    };
    // Elsewhere a file that is not there is an empty one; a file that was named must be there.
    std::fs::metadata(path).map_err(failed)?;
    checkpoints::read(path).map_err(failed)
}

/// A key as text, or a file with it.
fn verifying_key(text: &str) -> Result<VerifyingKey, LedgerError> {
    if let Some(key) = VerifyingKey::parse(text) {
        return Ok(key);
    }
    let text = read(std::path::Path::new(text)).map_err(|_| LedgerError::Key)?;
    VerifyingKey::parse(&text).ok_or(LedgerError::Key)
}

/// The id of a hold or refusal by its reference or a beginning; other subjects are named in full.
async fn subject(store: &Custody, text: &str) -> Result<String, LedgerError> {
    match store.find_reference(text).await {
        Ok(Referenced::Hold(id)) => Ok(id.to_string()),
        Ok(Referenced::Refusal(refusal)) => Ok(refusal.id.to_string()),
        Err(StoreError::Missing) => Ok(text.to_owned()),
        Err(error) => Err(error.into()),
    }
}

fn tell(verified: &Verified, out: &mut dyn Write) -> io::Result<()> {
    for fault in &verified.faults {
        writeln!(out, "{:<20} {fault}", fault.kind.name())?;
    }
    let Verified { from, head, .. } = verified;
    writeln!(
        out,
        "{} entries follow one another, {from} to {}; head {}",
        verified.entries,
        head.seq,
        hex(&head.hash)
    )?;
    match verified.checkpoints {
        0 => writeln!(out, "no checkpoint: a cut at the end would not show")?,
        1 => writeln!(out, "1 signed checkpoint")?,
        many => writeln!(out, "{many} signed checkpoints")?,
    }
    if verified.erased > 0 {
        writeln!(out, "{} names were erased", verified.erased)?;
    }
    Ok(())
}

fn verdict(verified: &Verified) -> Value {
    let faults = verified.faults.iter().map(|fault| {
        json!({
            "kind": fault.kind.name(),
            "entry": fault.entry,
            "from": fault.from,
            "text": fault.to_string(),
        })
    });
    json!({
        "good": verified.is_good(),
        "entries": verified.entries,
        "from": verified.from,
        "head": { "seq": verified.head.seq, "hash": hex(&verified.head.hash) },
        "checkpoints": verified.checkpoints,
        "erased": verified.erased,
        "faults": faults.collect::<Vec<_>>(),
    })
}

/// Which entries `list` shows.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    since: Option<i64>,
    limit: u32,
    about: Option<&'a str>,
    actor: Option<&'a str>,
}

/// One entry as it is printed.
#[derive(Debug, Serialize)]
struct Line {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: Value,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            at: rfc3339(entry.at),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail)),
        }
    }
}

/// The entries that are wanted, oldest first: the first ones from `since` on, or else the last ones.
async fn entries(store: &Custody, wanted: Wanted<'_>) -> Result<Vec<Entry>, StoreError> {
    let limit = wanted.limit as usize;
    let mut found: VecDeque<Entry> = VecDeque::new();
    let unfiltered = wanted.about.is_none() && wanted.actor.is_none();
    let mut from = match wanted.since {
        Some(since) => since,
        None if unfiltered => store.ledger_end().await? - i64::from(wanted.limit) + 1,
        None => 1,
    };
    loop {
        let page = store
            .ledger_of(from, PAGE, wanted.about, wanted.actor)
            .await?;
        let Some(last) = page.last() else { break };
        from = last.seq.saturating_add(1);
        for entry in page {
            if found.len() == limit {
                if wanted.since.is_some() {
                    return Ok(found.into());
                }
                found.pop_front();
            }
            found.push_back(entry);
        }
    }
    Ok(found.into())
}

async fn list(
    store: &Custody,
    wanted: Wanted<'_>,
    output: Output,
    out: &mut dyn Write,
) -> Result<(), LedgerError> {
    for entry in entries(store, wanted).await? {
        let line = Line::from(entry);
        match output {
            Output::Jsonl => writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default())?,
            Output::Text => writeln!(
                out,
                "{:>7}  {}  {:<14} {:<16} {}  {}",
                line.seq, line.at, line.actor, line.action, line.subject, line.detail
            )?,
        }
    }
    Ok(())
}

async fn erase(
    store: &Custody,
    (name, reason): (&str, &str),
    actor: &str,
    now: SystemTime,
    out: &mut dyn Write,
) -> Result<(), LedgerError> {
    if name.is_empty() || !reason.chars().any(char::is_alphanumeric) {
        return Err(LedgerError::NoReason);
    }
    let (entries, holds) = store.erase_person(name, (actor, reason), now).await?;
    if (entries, holds) == (0, 0) {
        return Err(LedgerError::NoSuchPerson);
    }
    writeln!(
        out,
        "erased from {entries} entries of the ledger and {holds} holds whose content is gone"
    )?;
    Ok(())
}
