//! `holds`: what waits, why, and a reviewer's decision, from the command line.
//!
//! # Invariants
//! Reading a message is recorded in the ledger before its bytes are written out.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;

use crate::app::cli::{HoldsArgs, HoldsCommand, JudgingArgs, Output};
use crate::app::config::Config;
use crate::app::initials;
use crate::app::letters;
use crate::app::policy::login;
use crate::app::review::{self, FormArgs};
use crate::app::tools::{self, ToolsError};
use crate::app::which_holds::{WhichError, WhichHolds};
use crate::app::wiring::{self, StartError};
use crate::mail::{Address, QueueId};
use crate::quarantine::desk::{By, Desk, DeskError, Outcome, Release, Tell, To, Version};
use crate::quarantine::initials::NoProposal;
use crate::quarantine::lifecycle;
use crate::store::ledger::action;
use crate::store::{Custody, HoldDetails, HoldState, HoldSummary, Referenced, Refusal, StoreError};

/// Why a command about holds did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HoldsError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The desk said no.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// Roster, policy or patterns cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The holds asked for cannot be told.
    #[error(transparent)]
    Which(#[from] WhichError),
    /// Without a roster nobody's name is known.
    #[error("no roster is configured; name it with --roster, or the configuration with --config")]
    NoRoster,
    /// There is no version with initials.
    #[error(transparent)]
    NoProposal(#[from] NoProposal),
    /// The version with initials is not the one that was shown: the roster changed, or the mark is wrong.
    #[error(
        "the version with initials is not the one of this mark; look at it again with `holds initials`"
    )]
    OtherVersion,
    /// Judging ended without an answer.
    #[error("judging failed")]
    Judging,
    /// There is no way that encrypts.
    #[error("--encrypt: no next hop encrypts; name one in [[outbound.encrypting]]")]
    NothingEncrypts,
    /// An argument is not an address.
    #[error("--to: found `{0}`; allowed: an address such as name@school.example")]
    Address(String),
}

impl HoldsError {
    /// Whether the answer is no (nothing there, decided already) rather than something being broken.
    pub fn is_no(&self) -> bool {
        let store = match self {
            Self::Store(error) | Self::Desk(DeskError::Store(error)) => error,
            Self::Desk(_) | Self::NoProposal(_) | Self::OtherVersion => return true,
            _ => return false,
        };
        matches!(
            store,
            StoreError::Missing | StoreError::Ambiguous | StoreError::Conflict { .. }
        )
    }
}

/// Does what `holds` was asked.
pub async fn run(args: &HoldsArgs, config: &Config, out: &mut dyn Write) -> Result<(), HoldsError> {
    let store = wiring::open_store(config, false).await?;
    let now = SystemTime::now();
    match &args.command {
        HoldsCommand::List { output, which } => list(&store, config, *output, which, out).await,
        HoldsCommand::Show { id, save, actor } => {
            let actor = actor.clone().unwrap_or_else(login_name);
            let id = match store.find_reference(id).await? {
                Referenced::Hold(id) => id,
                Referenced::Refusal(refusal) => return Ok(show_refusal(&refusal, out)?),
            };
            opened(
                &desk(store, config),
                id,
                (&actor, now),
                save.as_deref(),
                out,
            )
            .await
        }
        HoldsCommand::Initials {
            id,
            reveal,
            actor,
            rules,
        } => {
            let id = store.find_hold(id).await?;
            let actor = actor.clone().unwrap_or_else(login_name);
            let reader = initials::Reader {
                actor: &actor,
                at: now,
                reveal: *reveal,
            };
            let desk = desk(store.clone(), config);
            initials::preview((&store, &desk), id, (config, rules), reader, out).await
        }
        HoldsCommand::Release {
            id,
            initials,
            rules,
            reason,
            to,
            form,
            actor,
        } => {
            let id = store.find_hold(id).await?;
            let chosen = addresses(to)?;
            let actor = actor.clone().unwrap_or_else(login_name);
            let by = By {
                actor: &actor,
                reason,
                at: now,
            };
            let with = initials.as_deref().map(|mark| (mark, rules));
            release(&store, config, id, (by, &chosen), (with, form), out).await
        }
        HoldsCommand::Refuse {
            id,
            reason,
            tell_sender,
            actor,
        } => {
            let id = store.find_hold(id).await?;
            let actor = actor.clone().unwrap_or_else(login_name);
            let by = By {
                actor: &actor,
                reason,
                at: now,
            };
            refuse(&desk(store, config), id, by, *tell_sender, out).await
        }
        command => {
            let desk = desk(store.clone(), config);
            review::run(command, (&store, &desk), config, now, out).await
        }
    }
}

/// Shows a hold, and writes its message to a file where that is asked for.
async fn opened(
    desk: &Desk,
    id: QueueId,
    (actor, at): (&str, SystemTime),
    save: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let hold = match desk.open(id, actor, at).await {
        // The ledger outlasts the content.
        Err(DeskError::Store(StoreError::Missing)) if save.is_none() => {
            let reference = id.reference();
            writeln!(out, "Hold       {id} (reference {reference})")?;
            writeln!(out, "Its content is gone.")?;
            return review::history(desk, id, out).await;
        }
        opened => opened?,
    };
    show(&hold, at, out)?;
    review::attachments(desk, &hold, out).await?;
    review::history(desk, id, out).await?;
    if let Some(path) = save {
        let mut file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&desk.read_as(id, actor, action::SAVED, at).await?)?;
        writeln!(out, "\nMessage written to {}", path.display())?;
    }
    Ok(())
}

async fn refuse(
    desk: &Desk,
    id: QueueId,
    by: By<'_>,
    tell_sender: bool,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let tell = if tell_sender {
        Tell::Sender
    } else {
        Tell::Nobody
    };
    desk.refuse(id, by, tell).await?;
    writeln!(out, "refused {id}")?;
    Ok(())
}

/// Releases a hold as it is, with initials by these rules, or in another form; or asks a second person for it.
async fn release(
    store: &Custody,
    config: &Config,
    id: QueueId,
    (by, to): (By<'_>, &[Address]),
    (with, form): (Option<(&str, &JudgingArgs)>, &FormArgs),
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let to = if to.is_empty() { To::All } else { To::Only(to) };
    let desk = desk(store.clone(), config);
    if form.encrypt && config.outbound.encrypting.is_empty() {
        return Err(HoldsError::NothingEncrypts);
    }
    let (version, how) = match with {
        Some((mark, rules)) => {
            let message = with_initials(store, config, id, (mark, rules)).await?;
            (Version::Initials(message), " with initials".to_owned())
        }
        None => form.version(),
    };
    let release = Release {
        to,
        version,
        encrypt: form.encrypt,
    };
    let route = if form.encrypt {
        " by the route that encrypts"
    } else {
        ""
    };
    match desk.release_or_ask(id, by, &release).await? {
        Outcome::Released => writeln!(out, "released {id}{how}{route}; it is on its way")?,
        Outcome::Asked => writeln!(
            out,
            "asked for the release of {id}{how}{route}: two people release this message, and nothing is sent until another one \
             approves it with `holds approve`"
        )?,
    }
    Ok(())
}

/// The version of a hold with initials, if it has this mark.
pub(super) async fn with_initials(
    store: &Custody,
    config: &Config,
    id: QueueId,
    (mark, rules): (&str, &JudgingArgs),
) -> Result<Bytes, HoldsError> {
    let hold = store.open_hold(id).await?;
    let proposal = initials::of_hold(store, &hold, config, rules)
        .await?
        .proposal;
    if !mark.is_empty() && initials::mark(&proposal) != mark {
        return Err(HoldsError::OtherVersion);
    }
    Ok(proposal.message.into())
}

fn desk(store: Custody, config: &Config) -> Desk {
    Desk::new(store, letters::refusals(config))
        .signed_in_as(&login())
        .within(config.limits.clone())
}

fn addresses(texts: &[String]) -> Result<Vec<Address>, HoldsError> {
    texts
        .iter()
        .map(|text| Address::parse(text).map_err(|_| HoldsError::Address(text.clone())))
        .collect()
}

/// Who is at the keyboard, for the ledger.
pub(super) fn login_name() -> String {
    let named = ["SUDO_USER", "LOGNAME", "USER"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// One hold as the contract names it.
#[derive(Debug, Serialize)]
struct HoldLine {
    id: String,
    mail_from: String,
    rcpt_to: Vec<String>,
    rules: Vec<String>,
    categories: Vec<&'static str>,
    received_at: String,
    reference: String,
    state: &'static str,
    bytes: u64,
    version: i64,
    claimed_by: Option<String>,
    claimed_until: Option<String>,
    legal_hold: bool,
}

impl From<&HoldSummary> for HoldLine {
    fn from(hold: &HoldSummary) -> Self {
        let sealed = hold.sealed.as_ref();
        let state = lifecycle::at(hold.state, hold.claim.as_ref(), SystemTime::now());
        let claim = hold.claim.as_ref();
        let claim = claim.filter(|_| state == HoldState::Claimed);
        Self {
            id: hold.id.to_string(),
            mail_from: sealed
                .map(|sealed| sealed.mail_from.clone())
                .unwrap_or_default(),
            rcpt_to: sealed
                .map(|sealed| sealed.rcpt_to.clone())
                .unwrap_or_default(),
            rules: hold.rules.clone(),
            categories: hold
                .categories
                .iter()
                .map(|category| category.name())
                .collect(),
            received_at: rfc3339(hold.received_at),
            reference: hold.id.reference().to_string(),
            state: state.name(),
            bytes: hold.size,
            version: hold.version,
            claimed_by: claim.map(|claim| claim.by.clone()),
            claimed_until: claim.map(|claim| rfc3339(claim.until)),
            legal_hold: hold.legal_hold,
        }
    }
}

/// `2026-11-23T20:26:07Z`.
pub(super) fn rfc3339(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| at.round(jiff::Unit::Second).unwrap_or(at).to_string())
        .unwrap_or_default()
}

async fn list(
    store: &Custody,
    config: &Config,
    output: Output,
    which: &WhichHolds,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let query = which.query(&tools::zone(&config.trust)?)?;
    let mut reading = which.reading(query);
    let mut any = false;
    while let Some(holds) = reading.next(store).await? {
        any |= !holds.is_empty();
        for hold in &holds {
            let line = HoldLine::from(hold);
            match output {
                Output::Jsonl => {
                    writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default())?;
                }
                Output::Text => {
                    let remark = review::remark(hold, line.claimed_by.as_deref());
                    write_line(&line, &remark, out)?;
                }
            }
        }
    }
    if output == Output::Text && !any {
        writeln!(out, "{}", which.nothing())?;
    }
    Ok(())
}

fn write_line(line: &HoldLine, remark: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}  {:<8} {} -> {}  [{}]{remark}",
        line.id,
        line.received_at,
        line.state,
        line.mail_from,
        line.rcpt_to.join(", "),
        line.rules.join(" ")
    )
}

/// What is kept of a refused message; its content never was.
fn show_refusal(refusal: &Refusal, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "Refused    {} (reference {})",
        refusal.id,
        refusal.id.reference()
    )?;
    writeln!(out, "At         {}", rfc3339(refusal.at))?;
    writeln!(out, "Rules      {}", refusal.rules.join(", "))?;
    writeln!(
        out,
        "\nThe message went back to its sender and was not kept.\n\n{}",
        refusal.explanation
    )
}

fn show(details: &HoldDetails, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
    let line = HoldLine::from(&details.summary);
    writeln!(out, "Hold       {} (reference {})", line.id, line.reference)?;
    writeln!(out, "State      {}", line.state)?;
    writeln!(
        out,
        "Received   {} from {}",
        line.received_at, details.client.ip
    )?;
    writeln!(
        out,
        "Sender     {}",
        if line.mail_from.is_empty() {
            "<>"
        } else {
            &line.mail_from
        }
    )?;
    writeln!(out, "Recipients {}", line.rcpt_to.join(", "))?;
    writeln!(
        out,
        "Subject    {}",
        match &details.record.subject {
            Some(subject) => subject,
            None if details.record.confidential => "(not shown: a confidential channel)",
            None => "(none)",
        }
    )?;
    writeln!(out, "Size       {} bytes", line.bytes)?;
    if let (Some(by), Some(reason)) = (&details.summary.decided_by, &details.reason) {
        writeln!(out, "Decided    by {by}: {reason}")?;
    }
    review::standing(details, at, out)?;
    writeln!(out, "\nFindings ({} people)", details.record.people)?;
    for finding in &details.record.findings {
        let (category, confidence) = (finding.category.name(), finding.confidence.name());
        writeln!(
            out,
            "  {category:<12} {:<18} {confidence:<7} {:<30} {}",
            finding.detector, finding.location, finding.masked
        )?;
    }
    writeln!(out, "\n{}", details.record.explanation)
}
