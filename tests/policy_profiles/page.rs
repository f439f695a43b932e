//! `docs/POLICIES.md`, written from the policy files. `BEADLE_BLESS=1 cargo test --test policy_profiles` writes it anew.

use std::fmt::Write as _;
use std::sync::Arc;

use beadle::policy::rule::Rule;
use beadle::policy::verdict::Verdict;
use beadle::policy::{Action, Mode, Policy};

use super::{ALWAYS, MATRIX, PROFILES, SILENT, policy, verdicts};

#[test]
fn the_page_of_policies_says_what_the_files_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/POLICIES.md");
    let page = page();
    if std::env::var_os("BEADLE_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let differs = found.lines().zip(page.lines()).find(|(a, b)| a != b);
    assert!(
        found == page,
        "docs/POLICIES.md is stale: run BEADLE_BLESS=1 cargo test --test policy_profiles; first difference: {differs:?}"
    );
}

const HEAD: &str = "# Policies

Six policies are built in; `--policy NAME` takes one. Five follow a school trust's own document, clause by clause; `standard` is the sensible union for
a trust that has not chosen. A trust picks the nearest, copies `patterns/policies/NAME.toml`, and fills in domains, classes and the addresses of
`[people]`. `beadle check` then runs the policy's own cases.

This page is written from the policy files by `BEADLE_BLESS=1 cargo test --test policy_profiles`; a test keeps it true. Requirements (R1, X2, G4) are
those of the catalogue of all that the five documents ask for.

";

fn page() -> String {
    let mut out = HEAD.to_owned();
    overview(&mut out);
    for name in ["standard"].into_iter().chain(PROFILES) {
        one(&mut out, name);
    }
    out
}

/// Requirements by policies: the strictest action that is enforced, or why there is none.
fn overview(out: &mut String) {
    out.push_str("## Overview\n\nWhat each policy does about each requirement: the strictest action that is enforced; `allowed` for an exception that the document\nmakes; a word in brackets for \
                  a rule in shadow mode; `off` for rules that wait to be switched on. Duties: `stated` where the document speaks of it, `added` where it does not.\n\n");
    out.push_str("| | requirement | standard |");
    for name in PROFILES {
        let _infallible = write!(out, " {name} |");
    }
    out.push_str("\n|---|---|---|---|---|---|---|---|\n");
    let rows = MATRIX.iter().map(|(row, _, what)| (*row, *what));
    let (rules, rest): (Vec<_>, Vec<_>) = rows
        .chain(ALWAYS)
        .partition(|(row, _)| row.starts_with('R'));
    let mut rules = rules;
    rules.sort_by_key(|(row, _)| row[1..].parse::<u32>().unwrap());
    for (row, what) in rules.into_iter().chain(rest) {
        let _infallible = write!(out, "| {row} | {what} |");
        for name in ["standard"].into_iter().chain(PROFILES) {
            let _infallible = write!(out, " {} |", cell(&policy(name), row));
        }
        out.push('\n');
    }
    out.push('\n');
}

fn is_for(covers: &[Arc<str>], row: &str) -> bool {
    covers.iter().any(|covered| **covered == *row)
}

fn cell(policy: &Policy, row: &str) -> String {
    let rules = || policy.rules.iter().filter(|r| is_for(&r.covers, row));
    let by = |mode: Mode| rules().filter(move |r| r.mode == mode).map(|r| r.action);
    let mut exceptions = policy.exceptions.iter().filter(|e| is_for(&e.covers, row));
    let allows = exceptions.any(|e| e.mode == Mode::Enforce);
    let mut words = Vec::new();
    words.extend(by(Mode::Enforce).max().map(|a| a.name().to_owned()));
    if allows {
        words.push("allowed".to_owned());
    }
    if words.is_empty() {
        words.extend(by(Mode::Shadow).max().map(|a| format!("({})", a.name())));
    }
    if words.is_empty() {
        let duty = policy.governance.duties.iter().find(|d| *d.covers == *row);
        let word = match duty {
            Some(duty) if &*duty.clause == SILENT => "added",
            Some(_) => "stated",
            None => "off",
        };
        words.push(word.to_owned());
    }
    words.join(", ")
}

fn one(out: &mut String, name: &str) {
    let policy = policy(name);
    let verdicts = verdicts(&policy);
    let source = policy.source.as_deref().unwrap_or_default();
    let _infallible = write!(
        out,
        "## {name}\n\n{}. Source: {source}. {} rules, {} cases.\n\n",
        policy.title,
        policy.rules.len(),
        policy.cases.len()
    );
    out.push_str(
        "| requirement | clause | rule | action | mode | cases |\n|---|---|---|---|---|---|\n",
    );
    for rule in &policy.rules {
        let _infallible = writeln!(
            out,
            "| {} | {} | `{}`: {} | {} | {} | {} |",
            rule.covers.join(", "),
            clause(rule.clause.as_ref()),
            rule.id,
            rule.title,
            rule.action.name(),
            mode(rule.mode),
            cases(rule, &verdicts)
        );
    }
    for exception in &policy.exceptions {
        let waives = |v: &&Verdict| v.waived.iter().any(|w| w.exception == exception.id);
        let _infallible = writeln!(
            out,
            "| {} | {} | exception `{}`: {} | {} | {} | {} |",
            exception.covers.join(", "),
            clause(exception.clause.as_ref()),
            exception.id,
            exception.reason,
            Action::Deliver.name(),
            mode(exception.mode),
            verdicts.iter().filter(waives).count()
        );
    }
    out.push_str("\n*Cases* are those of the file in which the rule fires, or would fire in shadow mode; the others show where it does not.\n\n");
    notes(out, &policy);
    out.push_str("Duties that no rule can meet:\n\n| | clause | how it is met |\n|---|---|---|\n");
    for duty in &policy.governance.duties {
        let _infallible = writeln!(out, "| {} | {} | {} |", duty.covers, duty.clause, duty.met);
    }
    out.push_str("\nWhat an outbound relay cannot see or do of it:\n\n");
    for limit in &policy.limits {
        let _infallible = writeln!(out, "- {limit}");
    }
    out.push('\n');
}

/// What the administrator should know of single rules.
fn notes(out: &mut String, policy: &Policy) {
    let noted: Vec<&Rule> = policy.rules.iter().filter(|r| r.note.is_some()).collect();
    if noted.is_empty() {
        return;
    }
    out.push_str("Notes:\n\n");
    for rule in noted {
        let note = rule.note.as_deref().unwrap_or_default();
        let _infallible = writeln!(out, "- `{}`: {note}", rule.id);
    }
    out.push('\n');
}

fn clause(text: Option<&Arc<str>>) -> &str {
    text.map_or(SILENT, |text| &**text)
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
        Mode::Off => "off",
    }
}

fn cases(rule: &Rule, verdicts: &[Verdict]) -> usize {
    let fires = |v: &&Verdict| {
        let all = v.hits.iter().chain(&v.shadow);
        all.into_iter().any(|hit| hit.rule == rule.id)
    };
    verdicts.iter().filter(fires).count()
}
