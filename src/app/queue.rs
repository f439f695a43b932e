//! `queue`: what is on its way, what ended without reaching everybody, and an operator's hand, from the command line.
//!
//! # Invariants
//! Addresses and answers of next hops are shown for one delivery at a time, never in the list. Sending again and taking out are entered in
//! the ledger.

use std::io::{self, Write};
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use crate::app::cli::{Output, StorePlace};
use crate::app::config::Config;
use crate::app::holds::{login_name, rfc3339};
use crate::app::wiring::{self, StartError};
use crate::mail::QueueId;
use crate::store::{
    Answer, Custody, DeliveryDetails, DeliverySummary, QueueState, RecipientState, StoreError,
};

/// Flags of `queue`.
#[derive(Debug, Clone, Args)]
pub struct QueueArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// What to do.
    #[command(subcommand)]
    pub command: QueueCommand,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Those that wait or are worked on.
    Waiting,
    /// Those that ended without reaching everybody.
    Dead,
    /// Those that are finished.
    Finished,
}

/// What can be done with the queue.
#[derive(Debug, Clone, Subcommand)]
pub enum QueueCommand {
    /// List deliveries: dead letters first, then what waits by its time. Finished ones only with --state finished.
    List {
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<Listed>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: u32,
        /// How to print.
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Show one delivery: recipients, what the next hop said, attempts.
    Show {
        /// Its id.
        id: String,
    },
    /// Try deliveries now; a dead letter begins again for those who did not get it.
    Retry {
        /// Their ids.
        #[arg(required_unless_present = "dead")]
        ids: Vec<String>,
        /// Every dead letter.
        #[arg(long, conflicts_with = "ids")]
        dead: bool,
        /// Who asks, for the ledger; your login name when not given.
        #[arg(long)]
        actor: Option<String>,
    },
    /// Take a delivery out of the queue for good. It is not sent, and its sender is not told.
    Cancel {
        /// Its id.
        id: String,
        /// Why, for the ledger.
        #[arg(long)]
        reason: String,
        /// Who asks, for the ledger; your login name when not given.
        #[arg(long)]
        actor: Option<String>,
    },
}

/// Why a command about the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store said no.
    #[error("{id}: {error}")]
    Store {
        /// The delivery.
        id: String,
        /// Why.
        error: StoreError,
    },
    /// The queue could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// An argument is no id.
    #[error(
        "found `{0}`; allowed: the 16 letters and digits of a delivery's id, as `beadle queue list` prints them"
    )]
    Id(String),
    /// A reason in words is needed.
    #[error("--reason: a reason in words is needed")]
    NoReason,
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

impl QueueError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        matches!(
            self,
            Self::Store {
                error: StoreError::Missing | StoreError::Busy,
                ..
            }
        )
    }

    /// Whether the command line is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Id(_) | Self::NoReason)
    }
}

/// Does what `queue` was asked.
pub async fn run(args: &QueueArgs, config: &Config, out: &mut dyn Write) -> Result<(), QueueError> {
    let store = wiring::open_store(config, false).await?;
    let now = SystemTime::now();
    match &args.command {
        QueueCommand::List {
            state,
            limit,
            output,
        } => list(&store, *state, *limit, *output, out).await,
        QueueCommand::Show { id } => {
            let details = store.open_delivery(parse(id)?).await;
            let details = details.map_err(|error| of(id, error))?;
            Ok(show(&details, out)?)
        }
        QueueCommand::Retry { ids, dead, actor } => {
            let actor = actor.clone().unwrap_or_else(login_name);
            let ids = if *dead {
                let all = store.list_queue(Some(QueueState::Dead), u32::MAX).await?;
                all.iter().map(|delivery| delivery.id.to_string()).collect()
            } else {
                ids.clone()
            };
            for id in &ids {
                let done = store.retry_delivery(parse(id)?, &actor, now).await;
                done.map_err(|error| of(id, error))?;
                writeln!(out, "{id} is due now")?;
            }
            Ok(())
        }
        QueueCommand::Cancel { id, reason, actor } => {
            if !reason.chars().any(char::is_alphanumeric) {
                return Err(QueueError::NoReason);
            }
            let actor = actor.clone().unwrap_or_else(login_name);
            let done = store.cancel_delivery(parse(id)?, &actor, reason, now).await;
            done.map_err(|error| of(id, error))?;
            writeln!(out, "{id} is taken out; it will not be sent")?;
            Ok(())
        }
    }
}

fn parse(id: &str) -> Result<QueueId, QueueError> {
    let text = id.trim().to_ascii_uppercase();
    text.parse().map_err(|_| QueueError::Id(id.to_owned()))
}

fn of(id: &str, error: StoreError) -> QueueError {
    QueueError::Store {
        id: id.to_owned(),
        error,
    }
}

/// One delivery as the contract names it.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    kind: &'static str,
    state: &'static str,
    created_at: String,
    due_at: Option<String>,
    ended_at: Option<String>,
    attempts: u32,
    failed: u32,
    possible_duplicates: u32,
    worker: Option<String>,
}

impl From<&DeliverySummary> for Line {
    fn from(delivery: &DeliverySummary) -> Self {
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind.name(),
            state: delivery.state.name(),
            created_at: rfc3339(delivery.created_at),
            due_at: delivery.due_at.map(rfc3339),
            ended_at: delivery.ended_at.map(rfc3339),
            attempts: delivery.attempts,
            failed: delivery.failed,
            possible_duplicates: delivery.possible_duplicates,
            worker: delivery.leased.as_ref().map(|(worker, _)| worker.clone()),
        }
    }
}

async fn list(
    store: &Custody,
    state: Option<Listed>,
    limit: u32,
    output: Output,
    out: &mut dyn Write,
) -> Result<(), QueueError> {
    let states = match state {
        None => vec![QueueState::Dead, QueueState::Waiting],
        Some(Listed::Waiting) => vec![QueueState::Waiting],
        Some(Listed::Dead) => vec![QueueState::Dead],
        Some(Listed::Finished) => vec![QueueState::Finished],
    };
    let mut number = 0;
    for state in states {
        for delivery in &store.list_queue(Some(state), limit).await? {
            number += 1;
            let line = Line::from(delivery);
            match output {
                Output::Jsonl => {
                    writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default())?;
                }
                Output::Text => print_line(&line, out)?,
            }
        }
    }
    if output == Output::Text && number == 0 {
        writeln!(out, "nothing is in the queue")?;
    }
    Ok(())
}

fn print_line(line: &Line, out: &mut dyn Write) -> io::Result<()> {
    let when = match (&line.due_at, &line.ended_at) {
        (Some(due), _) => format!("due {due}"),
        (None, Some(ended)) => format!("ended {ended}"),
        (None, None) => String::new(),
    };
    let worker = line.worker.as_deref();
    let worker = worker.map_or_else(String::new, |worker| format!(", worked on by {worker}"));
    writeln!(
        out,
        "{}  {:<8} {:<8} since {}  {when}  {} attempts, {} recipients failed{worker}",
        line.id, line.state, line.kind, line.created_at, line.attempts, line.failed
    )
}

fn show(details: &DeliveryDetails, out: &mut dyn Write) -> io::Result<()> {
    let line = Line::from(&details.summary);
    writeln!(out, "Delivery   {} ({})", line.id, line.kind)?;
    writeln!(out, "State      {}", line.state)?;
    writeln!(out, "Since      {}", line.created_at)?;
    if let Some(due) = &line.due_at {
        writeln!(out, "Due        {due}")?;
    }
    if let Some(ended) = &line.ended_at {
        writeln!(out, "Ended      {ended}")?;
    }
    if let Some((worker, until)) = &details.summary.leased {
        writeln!(out, "Worker     {worker}, until {}", rfc3339(*until))?;
    }
    let (attempts, unknown) = (line.attempts, line.possible_duplicates);
    writeln!(
        out,
        "Attempts   {attempts}, of which {unknown} with an outcome that is not known"
    )?;
    if details.encrypt {
        writeln!(out, "Route      only a next hop that encrypts")?;
    }
    let Some(envelope) = &details.envelope else {
        return writeln!(
            out,
            "\nFinished; its addresses and its message are gone from the queue."
        );
    };
    writeln!(out, "Sender     {}", envelope.mail_from.raw())?;
    for (rcpt, state) in envelope.rcpts.iter().zip(&details.recipients) {
        writeln!(out, "Recipient  {}  {}", rcpt.path.raw(), state_text(state))?;
    }
    Ok(())
}

fn state_text(state: &RecipientState) -> String {
    match state {
        RecipientState::Delivered => "delivered".to_owned(),
        RecipientState::Pending(None) => "not tried yet".to_owned(),
        RecipientState::Pending(Some(answer)) => format!("waits: {}", answer_text(answer)),
        RecipientState::Failed(answer) => format!("failed: {}", answer_text(answer)),
    }
}

/// An answer on one line; control characters of a next hop do not reach the terminal.
fn answer_text(answer: &Answer) -> String {
    let text: String = answer.lines.join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let enhanced = answer
        .enhanced
        .map_or_else(String::new, |(class, subject, detail)| {
            format!(" {class}.{subject}.{detail}")
        });
    format!("{}{enhanced} {text}", answer.code)
}
