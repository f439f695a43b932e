//! How long the standard policy takes to judge a message with 50 findings; the mark is 20 microseconds.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its figures are what it is for"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use beadle::detect::{Category, Confidence};
use beadle::extract::{Place, View};
use beadle::mail::{Address, Domain, Envelope};
use beadle::policy::case::{CaseFinding, CaseMessage};
use beadle::policy::{Action, Policy, decide};
use jiff::civil::date;

/// A class list as it ends up in registers and certificates: pupils by name and number, some with a medical term.
fn message() -> CaseMessage {
    let to = [
        "a@far.example",
        "head@trust.example",
        "duty@council.example",
    ];
    let to = to.iter().map(|text| Address::parse(text).unwrap());
    let from = Address::parse("office@trust.example").unwrap();
    let mut message = CaseMessage::new(Envelope::of(Some(from), to));
    for number in 0..50u32 {
        message.add_finding(CaseFinding {
            category: match number % 5 {
                0 => Category::Medical,
                1 => Category::PupilId,
                _ => Category::PupilName,
            },
            detector: "bench".to_owned(),
            confidence: Confidence::High,
            place: Place::Attachment(vec!["list.xlsx".to_owned()]),
            view: View::Table,
            person: Some(number / 2),
            value: None,
            obfuscated: false,
        });
        message.add_contact(number / 2, "parent@home.example");
    }
    // As many header fields as a message from Exchange Online has.
    for number in 0..40 {
        message.add_header(
            &format!("X-MS-Exchange-Field-{number}"),
            "value of some length, as they have",
        );
    }
    message.add_header("From", "Office <office@trust.example>");
    message.add_header(
        "To",
        "a@far.example, head@trust.example, duty@council.example",
    );
    message.add_header(
        "Received",
        "from a.trust.example by b.trust.example with ESMTPS id 1; Mon, 23 Nov 2026 09:00:00 +0000",
    );
    message
}

/// Rules that ask for everything that may be seen in a recipient.
const TRAITS: &str = r#"
[[rule]]
id = "traits"
title = "a recipient is somebody else than meant"
action = "warn"
when = { recipients = ["own-mailbox", "perhaps-own-mailbox", "look-alike", "namesake"] }
"#;

fn main() {
    let standard = include_str!("../patterns/policies/standard.toml");
    timed("standard policy", standard);
    timed("with traits of recipients", &format!("{standard}{TRAITS}"));
}

fn timed(what: &str, policy: &str) {
    let domain = |text| Domain::parse(text).unwrap();
    let policy = Policy::parse("bench.toml", policy)
        .unwrap()
        .with_domains(&[domain("trust.example")], &[domain("council.example")]);
    let message = message();
    let facts = message.facts();
    let now = date(2026, 11, 23).at(10, 0, 0, 0);
    assert_eq!(decide(&policy, &facts, now).action, Action::Refuse);
    let mut runs: Vec<Duration> = (0..20_000)
        .map(|_| {
            let start = Instant::now();
            black_box(decide(black_box(&policy), black_box(&facts), now));
            start.elapsed()
        })
        .collect();
    runs.sort_unstable();
    let at = |share: usize| runs[runs.len() * share / 100].as_nanos() as f64 / 1000.0;
    println!(
        "decide, {what}, 50 findings: median {:.1} us, p99 {:.1} us (mark: 20 us)",
        at(50),
        at(99)
    );
}
