//! `holds initials` and `holds release --initials`: a held message with initials for pupils' names, shown and sent.
//!
//! # Invariants
//! Without `--reveal` nothing is shown but initials, counts and masked evidence. The ledger notes a look before it is given: `opened`
//! for a masked one, `read` for a revealed one. What is released is made anew from the held message, by the same rules.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use crate::app::cli::JudgingArgs;
use crate::app::config::Config;
use crate::app::holds::HoldsError;
use crate::app::scan::disposition;
use crate::app::{tools, wiring};
use crate::detect::Secret;
use crate::mail::QueueId;
use crate::pipeline::initials::{Reconsidered, reconsider};
use crate::pipeline::judge::Case;
use crate::policy::ClientFacts;
use crate::policy::history::History;
use crate::quarantine::desk::{Desk, DeskError};
use crate::quarantine::initials::{Altered, Proposal};
use crate::store::{Custody, HoldDetails, Identity};

/// Makes the version with initials of a held message and judges it.
pub async fn of_hold(
    store: &Custody,
    hold: &HoldDetails,
    config: &Config,
    rules: &JudgingArgs,
) -> Result<Reconsidered, HoldsError> {
    if hold.record.confidential {
        return Err(DeskError::Confidential.into());
    }
    let config = config.clone().with_rules(&rules.rules());
    let reader = Arc::new(wiring::workers(&config, 1)?);
    let tools = tools::build(&config, store.subkey("findings"), reader, None)?;
    if tools.engine.person_count() == 0 {
        return Err(HoldsError::NoRoster);
    }
    let id = hold.summary.id;
    let message = store.open_message(id).await?;
    let envelope = hold.envelope.clone();
    let limits = Arc::new(config.limits);
    let judging = tokio::task::spawn_blocking(move || {
        let case = Case {
            envelope: &envelope,
            // Only the trust's own servers hand mail over; a hold does not keep which of them did.
            client: ClientFacts { own_server: true },
            message: &message,
            now: tools.local(SystemTime::now()),
            // What was seen before the message came is not kept with it.
            history: &History::default(),
        };
        reconsider(&case, id, &tools, &limits)
    });
    Ok(judging.await.map_err(|_| HoldsError::Judging)??)
}

/// Shows what would be sent and what would become of it.
pub async fn preview(
    (store, desk): (&Custody, &Desk),
    id: QueueId,
    (config, rules): (&Config, &JudgingArgs),
    reader: Reader<'_>,
    out: &mut dyn Write,
) -> Result<(), HoldsError> {
    let hold = desk.open(id, reader.actor, reader.at).await?;
    let asked = of_hold(store, &hold, config, rules).await?;
    if reader.reveal {
        // The lines are the message's own: this is reading it.
        desk.read(id, reader.actor, reader.at).await?;
    }
    let proposal = &asked.proposal;
    let names: usize = proposal.altered.iter().map(|altered| altered.names).sum();
    writeln!(out, "Hold       {id} (reference {})", id.reference())?;
    let people = proposal.people;
    writeln!(
        out,
        "Proposal   {names} name{} of {people} pupil{} as initials; mark {}",
        plural(names),
        plural(people),
        mark(proposal)
    )?;
    for altered in &proposal.altered {
        place(altered, reader.reveal, out)?;
    }
    for left in &proposal.left {
        writeln!(out, "Left alone {}", left.name())?;
    }
    outcome(&asked, out)?;
    Ok(())
}

/// Tells one version of a message from another: the first 32 bits of its SHA-256.
pub fn mark(proposal: &Proposal) -> String {
    let whole = Identity::of(&proposal.message).whole;
    let [a, b, c, d, ..] = whole;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Who looks, when, and at how much.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The name for the ledger.
    pub actor: &'a str,
    /// When.
    pub at: SystemTime,
    /// The new text is shown in clear.
    pub reveal: bool,
}

fn place(altered: &Altered, reveal: bool, out: &mut dyn Write) -> io::Result<()> {
    let initials: Vec<String> = altered
        .initials
        .iter()
        .map(|(text, count)| match count {
            1 => text.clone(),
            count => format!("{text} ({count} times)"),
        })
        .collect();
    writeln!(out, "\n{}: {}", altered.place, initials.join(", "))?;
    let line = |mark: char, text: &Secret, out: &mut dyn Write| {
        let plain: String = text.reveal().chars().filter(|c| !c.is_control()).collect();
        writeln!(out, "  {mark} {plain}")
    };
    for (before, after) in altered.lines.iter().filter(|_| reveal) {
        line('-', before, out)?;
        line('+', after, out)?;
    }
    Ok(())
}

/// What policy says of the new message, and what still stands in it.
fn outcome(asked: &Reconsidered, out: &mut dyn Write) -> io::Result<()> {
    let judgement = &asked.judgement;
    writeln!(
        out,
        "\nWith initials this message would be: {}",
        disposition(judgement.verdict.action)
    )?;
    for hit in &judgement.verdict.hits {
        writeln!(out, "  {:<18} {}", hit.rule, hit.title)?;
    }
    if judgement.findings.list.is_empty() {
        return writeln!(out, "Nothing else is found in it");
    }
    writeln!(out, "Still in it")?;
    for finding in &judgement.findings.list {
        writeln!(
            out,
            "  {:<12} {:<18} {:<7} {:<30} {}",
            finding.category.name(),
            finding.detector,
            finding.confidence.name(),
            finding.location.to_string(),
            finding.masked
        )?;
    }
    Ok(())
}
