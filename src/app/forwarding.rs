//! `forwarding`: which mailboxes forward to the outside by themselves, from the command line.

use std::io::{self, Write};

use serde::Serialize;

use crate::app::cli::{ForwardingArgs, ForwardingCommand};
use crate::app::config::Config;
use crate::app::holds::rfc3339;
use crate::app::wiring::{self, StartError};
use crate::policy::mark_origin;
use crate::store::{Forwarding, StoreError};

/// Lines that are printed; a trust has fewer mailboxes.
const LINES_AT_MOST: u32 = 100_000;

/// Why a command about forwarding mailboxes did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ForwardingError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

/// One line of the register as the contract names it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    mailbox: Option<&'a str>,
    target: &'a str,
    first_seen: String,
    last_seen: String,
    messages: u64,
    marks: &'a [String],
    notices_due: u64,
    notice_due_on: Option<String>,
}

impl<'a> From<&'a Forwarding> for Line<'a> {
    fn from(forwarding: &'a Forwarding) -> Self {
        Self {
            mailbox: forwarding.mailbox.as_deref(),
            target: &forwarding.target,
            first_seen: rfc3339(forwarding.first_seen),
            last_seen: rfc3339(forwarding.last_seen),
            messages: forwarding.messages,
            marks: &forwarding.marks,
            notices_due: forwarding.notices,
            notice_due_on: forwarding.notice_day.map(|day| day.to_string()),
        }
    }
}

/// Does what `forwarding` was asked.
pub async fn run(
    args: &ForwardingArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), ForwardingError> {
    let store = wiring::open_store(config, false).await?;
    let ForwardingCommand::List { json } = &args.command;
    let list = store.list_forwarding(LINES_AT_MOST).await?;
    for forwarding in &list {
        let line = Line::from(forwarding);
        if *json {
            writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default())?;
        } else {
            show(&line, out)?;
        }
    }
    if !json && list.is_empty() {
        writeln!(out, "no mailbox is known to forward")?;
    }
    Ok(())
}

fn show(line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mailbox = line.mailbox.unwrap_or("(not named)");
    let (messages, noun) = match line.messages {
        1 => (1, "message"),
        many => (many, "messages"),
    };
    writeln!(
        out,
        "{mailbox} -> {}  {messages} {noun}, {} to {}, last notice due {}",
        line.target,
        line.first_seen,
        line.last_seen,
        line.notice_due_on.as_deref().unwrap_or("never")
    )?;
    for mark in line.marks {
        let words = mark_origin(mark).unwrap_or("a mark of an earlier version");
        writeln!(out, "    {mark:<8} {words}")?;
    }
    Ok(())
}
