//! `explain`: one message, what is read of it, what is found, and what each rule makes of it.
//!
//! # Invariants
//! Without `--reveal` no text of the message is printed: units show their size, findings their masked value.

use std::io::{self, Write};

use crate::mail::Envelope;
use crate::pipeline::judge::Judgement;
use crate::policy::{Explanation, Policy};

/// Writes the explanation of a judged message.
pub fn write(
    judgement: &Judgement,
    envelope: &Envelope,
    policy: &Policy,
    reveal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    units(judgement, reveal, out)?;
    unread(judgement, out)?;
    findings(judgement, reveal, out)?;
    writeln!(out, "\nJudgement")?;
    writeln!(
        out,
        "{}",
        Explanation::of(policy, &judgement.facts(envelope, true), &judgement.verdict)
    )
}

fn units(judgement: &Judgement, reveal: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "What is read ({} units)",
        judgement.content.units.len()
    )?;
    for unit in &judgement.content.units {
        let view = format!("{:?}", unit.view).to_lowercase();
        writeln!(
            out,
            "  {:<40} {view:<10} {:>8} characters",
            unit.location.to_string(),
            unit.text.chars().count()
        )?;
        if reveal {
            for line in unit
                .text
                .lines()
                .filter(|line| !line.trim().is_empty())
                .take(20)
            {
                writeln!(out, "    | {line}")?;
            }
        }
    }
    Ok(())
}

fn unread(judgement: &Judgement, out: &mut dyn Write) -> io::Result<()> {
    let content = &judgement.content;
    if !content.unread.is_empty() {
        writeln!(out, "\nWhat could not be read")?;
    }
    for unread in &content.unread {
        writeln!(
            out,
            "  {:<40} {} ({})",
            unread.location.to_string(),
            unread.reason.name(),
            unread.kind
        )?;
    }
    if !content.protections.is_empty() {
        writeln!(out, "\nProtection")?;
    }
    for protection in &content.protections {
        writeln!(
            out,
            "  {:<40} {}: {}",
            protection.location.to_string(),
            protection.state.name(),
            protection.reason
        )?;
    }
    let defects: Vec<&str> = judgement
        .defects
        .iter()
        .chain(&content.defects)
        .map(|defect| defect.name())
        .collect();
    if !defects.is_empty() {
        writeln!(out, "\nMalformed structure\n  {}", defects.join(", "))?;
    }
    Ok(())
}

fn findings(judgement: &Judgement, reveal: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nWhat is found ({} findings)",
        judgement.findings.list.len()
    )?;
    for finding in &judgement.findings.list {
        let value = if reveal {
            finding.text.reveal()
        } else {
            &finding.masked
        };
        writeln!(
            out,
            "  {:<12} {:<18} {:<7} {:<30} {value}{}",
            finding.category.name(),
            finding.detector,
            finding.confidence.name(),
            finding.location.to_string(),
            if finding.obfuscated {
                "  (disguised)"
            } else {
                ""
            },
        )?;
        for reason in &finding.reasons {
            writeln!(out, "      - {reason}")?;
        }
    }
    if judgement.findings.unfinished {
        writeln!(out, "  not all text could be scanned within the limits")?;
    }
    Ok(())
}
