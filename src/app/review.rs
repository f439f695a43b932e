//! `holds claim`, `unclaim`, `approve`, `decline`, `withdraw` and `legal-hold`; and what `holds show` says of a hold's way.
//!
//! # Invariants
//! Who approves is told apart from who asked by the name given and by the login that the machine knows (`policy.rs`).

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use clap::Args;

use crate::app::cli::HoldsCommand;
use crate::app::config::Config;
use crate::app::holds::{HoldsError, login_name, rfc3339, with_initials};
use crate::mail::QueueId;
use crate::quarantine::desk::{By, Desk, DeskError, On, Version};
use crate::quarantine::lifecycle;
use crate::store::{Custody, HoldDetails, HoldState, HoldSummary, Request, VersionSent};

/// Which hold, and who acts on it.
#[derive(Debug, Clone, Args)]
pub struct OnArgs {
    /// Id or reference of the hold.
    pub id: String,
    /// Only if it is still this version, as `holds show` printed it.
    #[arg(long, value_name = "N")]
    pub version: Option<i64>,
    /// Who acts, for the ledger; the login name when not given.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// In which form a message is released.
#[derive(Debug, Clone, Args)]
pub struct FormArgs {
    /// Without this attachment, by its number in `holds show`; a note stands in its place. Repeatable.
    #[arg(long, value_name = "N", conflicts_with = "initials")]
    pub without: Vec<usize>,
    /// Let the notes say the names of the files that were removed.
    #[arg(long, requires = "without")]
    pub keep_names: bool,
    /// Only by the next hop that encrypts.
    #[arg(long)]
    pub encrypt: bool,
}

impl FormArgs {
    /// The version to send when it is not one with initials, and how to say so.
    pub(super) fn version(&self) -> (Version<'_>, String) {
        if self.without.is_empty() {
            return (Version::Held, String::new());
        }
        let version = Version::Without {
            numbers: &self.without,
            keep_names: self.keep_names,
        };
        (version, format!(" without {}", numbered(&self.without)))
    }
}

fn numbered(numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("attachment{plural} {}", texts.join(", "))
}

/// Does what one of these commands asks; the others have been seen to.
pub(super) async fn run(
    command: &HoldsCommand,
    (store, desk): (&Custody, &Desk),
    config: &Config,
    at: SystemTime,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    match command {
        HoldsCommand::Claim {
            on,
            minutes,
            take_over,
        } => {
            let (on, actor) = found(store, on).await?;
            let time = Duration::from_mins(u64::from(*minutes));
            let until = desk.claim(on, &actor, at, (time, *take_over)).await?;
            writeln!(out, "{actor} has {} until {}", on.id, rfc3339(until))?;
        }
        HoldsCommand::Unclaim { on } => {
            let (on, actor) = found(store, on).await?;
            desk.unclaim(on, &actor, at).await?;
            writeln!(out, "{} waits for whoever takes it", on.id)?;
        }
        HoldsCommand::Approve { on, reason, rules } => {
            let (on, actor) = found(store, on).await?;
            let hold = store.open_hold(on.id).await?;
            // What was read here is what is approved.
            let on = On {
                version: on.version.or(Some(hold.summary.version)),
                ..on
            };
            let initials = match hold.request.as_ref().map(|request| &request.sent) {
                Some(VersionSent::Initials) => {
                    Some(with_initials(store, config, on.id, ("", rules)).await?)
                }
                _ => None,
            };
            desk.approve(on, by(&actor, reason, at), initials).await?;
            writeln!(out, "released {} as it was asked for:", on.id)?;
            if let Some(request) = &hold.request {
                asked(&hold, request, out)?;
            }
        }
        HoldsCommand::Decline { on, reason } => {
            let (on, actor) = found(store, on).await?;
            desk.decline(on, by(&actor, reason, at)).await?;
            writeln!(out, "declined; {} waits again", on.id)?;
        }
        HoldsCommand::Withdraw { on } => {
            let (on, actor) = found(store, on).await?;
            desk.withdraw(on, &actor, at).await?;
            writeln!(out, "withdrawn; {} waits again", on.id)?;
        }
        HoldsCommand::LegalHold { on, reason, lift } => {
            let (on, actor) = found(store, on).await?;
            desk.legal_hold(on, by(&actor, reason, at), !lift).await?;
            let now = if *lift { "no longer" } else { "now" };
            writeln!(out, "{} is {now} kept for a case", on.id)?;
        }
        HoldsCommand::List { .. }
        | HoldsCommand::Show { .. }
        | HoldsCommand::Initials { .. }
        | HoldsCommand::Release { .. }
        | HoldsCommand::Refuse { .. } => {}
    }
    Ok(())
}

async fn found(store: &Custody, on: &OnArgs) -> Result<(On, String), HoldsError> {
    let id = store.find_hold(&on.id).await?;
    let version = on.version;
    let actor = on.actor.clone().unwrap_or_else(login_name);
    Ok((On { id, version }, actor))
}

fn by<'a>(actor: &'a str, reason: &'a str, at: SystemTime) -> By<'a> {
    By { actor, reason, at }
}

/// What follows a line of the list: who has the hold, and whether it is kept for a case.
pub(super) fn remark(hold: &HoldSummary, claimed_by: Option<&str>) -> String {
    let mut out = claimed_by.map_or_else(String::new, |by| format!("  claimed by {by}"));
    if hold.legal_hold {
        out.push_str("  legal hold");
    }
    out
}

/// Who has a hold, what waits for a second person, and why its content must be kept.
pub(super) fn standing(hold: &HoldDetails, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
    let summary = &hold.summary;
    writeln!(out, "Version    {}", summary.version)?;
    let claim = summary.claim.as_ref();
    let state = lifecycle::at(summary.state, claim, at);
    if let Some(claim) = claim.filter(|_| state == HoldState::Claimed) {
        writeln!(
            out,
            "Claimed    by {} until {}",
            claim.by,
            rfc3339(claim.until)
        )?;
    }
    if state.is_waiting() && hold.needs_second_person() {
        writeln!(out, "Release    takes two people")?;
    }
    if let Some(request) = &hold.request {
        asked(hold, request, out)?;
    }
    if let Some(placed) = &hold.legal_hold {
        writeln!(
            out,
            "Legal hold by {} since {}: {}",
            placed.by,
            rfc3339(placed.at),
            line(&placed.reason)
        )?;
    }
    Ok(())
}

/// All that an approval would do.
fn asked(hold: &HoldDetails, request: &Request, out: &mut dyn Write) -> io::Result<()> {
    let to: Vec<&str> = request
        .rcpts
        .iter()
        .filter_map(|index| hold.envelope.rcpts.get(*index))
        .map(|rcpt| {
            rcpt.address()
                .map_or("Postmaster", |address| address.as_str())
        })
        .collect();
    let text = match &request.sent {
        VersionSent::Held => "as it is held".to_owned(),
        VersionSent::Initials => "with initials".to_owned(),
        VersionSent::Without {
            numbers,
            keep_names,
        } => {
            let names = if *keep_names { ", names kept" } else { "" };
            format!("without {}{names}", numbered(numbers))
        }
    };
    let route = if request.encrypt {
        ", by the route that encrypts"
    } else {
        ""
    };
    let [a, b, c, d, ..] = request.sha256;
    writeln!(
        out,
        "Asked for  by {} at {}: release {text}{route}, to {}; mark {:08x}; {}",
        request.by,
        rfc3339(request.at),
        to.join(", "),
        u32::from_be_bytes([a, b, c, d]),
        line(&request.reason)
    )
}

/// A reason on one line.
fn line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The attachments of a hold with the numbers that `--without` takes.
pub(super) async fn attachments(
    desk: &Desk,
    hold: &HoldDetails,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let list = match desk.attachments(hold.summary.id).await {
        Ok(list) => list,
        Err(DeskError::Confidential) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nAttachments")?;
    for attachment in list {
        let bound = attachment.bound.map_or_else(String::new, |bound| {
            format!("  (cannot be removed: {})", bound.name())
        });
        writeln!(
            out,
            "  {:>3}  {:>10} bytes  {:<30} {}{bound}",
            attachment.number,
            attachment.bytes,
            attachment.media_type,
            line(&attachment.location)
        )?;
    }
    Ok(())
}

/// What happened to a hold, oldest first.
pub(super) async fn history(
    desk: &Desk,
    id: QueueId,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    writeln!(out, "\nHistory")?;
    for past in desk.history(id).await? {
        let entry = &past.entry;
        let reason = past
            .reason
            .as_deref()
            .map_or_else(String::new, |reason| format!(": {}", line(reason)));
        writeln!(
            out,
            "  {}  {:<17} {}{reason}",
            rfc3339(entry.at),
            entry.action,
            entry.actor
        )?;
    }
    Ok(())
}
