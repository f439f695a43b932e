//! The policies that come with the program, against the matrix of requirements that five trusts' documents make, and against real messages.
//!
//! # Invariants
//! A requirement a document states or supports is enforced and proven by cases; one it does not speak of is there and switched off; one it
//! contradicts is off. No policy names a real person, firm, school or mailbox. `docs/POLICIES.md` says what the files say.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "policy_profiles/messages.rs"]
mod messages;
#[path = "policy_profiles/page.rs"]
mod page;

use std::collections::{BTreeMap, BTreeSet};

use beadle::mail::QueueId;
use beadle::policy::governance::ReviewAccess;
use beadle::policy::{Action, Mode, Policy, Role, Verdict, decide, reply_text};

/// The profiles in the order of the columns of [`MATRIX`].
const PROFILES: [&str; 5] = [
    "st-albans",
    "one-it",
    "st-marys",
    "chancery",
    "southwell-nottingham",
];

/// Each requirement with what the five documents say: `+` states it, `o` supports it, `-` is silent, `x` contradicts it.
const MATRIX: [(&str, &str, &str); 23] = [
    ("R1", "+++++", "personal data leaves only protected"),
    (
        "R2",
        "----+",
        "financial and personal medical information is not sent",
    ),
    ("R3", "-+---", "no pupil's full name in the subject"),
    ("R4", "-o---", "initials rather than full names in the text"),
    (
        "R6",
        "o++++",
        "no work mail or files to the own private mailbox",
    ),
    (
        "R7",
        "o++++",
        "no personal account for the trust's business",
    ),
    (
        "R8",
        "+o+o+",
        "no personal account towards pupils or parents",
    ),
    (
        "R9",
        "+o+-+",
        "no disclosure outside, even protected, save exceptions",
    ),
    ("R11", "x--+-", "suspect mail is not passed on"),
    ("R12", "-+-+-", "no chain letters, no mass mailings"),
    ("R13", "+++++", "no offensive content"),
    ("R14", "+++-+", "no copies of what is under copyright"),
    ("R15", "o-o+o", "no large attachments"),
    ("R16", "ooo+o", "the sender is who it says"),
    ("R17", "-o-o+", "recipients are checked"),
    (
        "R18",
        "o+o+o",
        "confidential documents by secure methods only",
    ),
    (
        "R19",
        "+++++",
        "pictures of pupils: names, consent, private equipment",
    ),
    ("R20", "+++++", "passwords are given to nobody"),
    ("R21", "---+-", "what is for internal use stays inside"),
    ("R23", "+o+-+", "the filter is not got round"),
    ("R33", "-+-++", "accounts of leavers are shut"),
    (
        "X1",
        "+o+-+",
        "police, social care and authorities may be told",
    ),
    ("X2", "+-ox-", "doubtful mail goes to the helpdesk"),
];

/// Requirements that every policy meets in a way of its own, whatever its document says.
const ALWAYS: [(&str, &str); 11] = [
    ("R5", "no automatic forwarding to the outside"),
    ("R10", "registers and transfer files are graver"),
    ("X3", "some channels are read by no reviewer"),
    ("X4", "personal mail is left alone"),
    ("X5", "exceptions are dated"),
    ("G1", "users are told that mail is monitored"),
    ("G2", "records are kept; who may see them"),
    ("G3", "how long things are kept"),
    ("G4", "who is told of incidents"),
    ("G5", "changes have a reason and a second person"),
    ("G6", "limits, tests and training"),
];

/// The clause of a duty that the document does not speak of.
const SILENT: &str = "not in the document";

fn policy(name: &str) -> Policy {
    Policy::embedded(name).unwrap()
}

fn verdicts(policy: &Policy) -> Vec<Verdict> {
    let judging = policy.for_cases();
    let cases = policy.cases.iter();
    cases
        .map(|case| decide(&judging, &case.message.facts(), case.now))
        .collect()
}

/// The rules and exceptions, by id, that are for a requirement and act.
fn acting<'a>(policy: &'a Policy, row: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let is_for = |covers: &[std::sync::Arc<str>]| covers.iter().any(|covered| **covered == *row);
    let rules = policy.rules.iter();
    let rules = rules.filter(|rule| rule.mode == Mode::Enforce && is_for(&rule.covers));
    let exceptions = policy.exceptions.iter();
    let exceptions = exceptions.filter(|e| e.mode == Mode::Enforce && is_for(&e.covers));
    (
        rules.map(|rule| &*rule.id).collect(),
        exceptions.map(|exception| &*exception.id).collect(),
    )
}

#[test]
fn every_policy_has_something_for_every_requirement() {
    for name in Policy::names() {
        let policy = policy(name);
        let mut covered: BTreeSet<&str> = BTreeSet::new();
        covered.extend(policy.rules.iter().flat_map(|r| &r.covers).map(|c| &**c));
        let exceptions = policy.exceptions.iter().flat_map(|e| &e.covers);
        covered.extend(exceptions.map(|c| &**c));
        covered.extend(policy.governance.duties.iter().map(|duty| &*duty.covers));
        let rows = MATRIX.iter().map(|(row, ..)| *row);
        let rows: BTreeSet<&str> = rows.chain(ALWAYS.map(|(row, _)| row)).collect();
        assert_eq!(covered, rows, "{name}");
    }
}

#[test]
fn what_a_document_says_is_enforced_and_what_it_does_not_say_is_off() {
    for (row, marks, _) in MATRIX {
        for (name, mark) in PROFILES.into_iter().zip(marks.chars()) {
            let policy = policy(name);
            let (rules, exceptions) = acting(&policy, row);
            let acts = !rules.is_empty() || !exceptions.is_empty();
            assert_eq!(acts, matches!(mark, '+' | 'o'), "{name}, {row}: {rules:?}");
        }
    }
    for name in Policy::names() {
        assert_eq!(acting(&policy(name), "R5").0, ["auto-forward"], "{name}");
    }
}

#[test]
fn every_requirement_that_is_enforced_fires_in_a_case_and_not_in_all() {
    for name in PROFILES {
        let policy = policy(name);
        let verdicts = verdicts(&policy);
        for row in MATRIX.map(|(row, ..)| row).into_iter().chain(["R5", "R10"]) {
            let (rules, exceptions) = acting(&policy, row);
            for id in rules {
                let fires = |v: &&Verdict| v.hits.iter().any(|hit| *hit.rule == *id);
                let count = verdicts.iter().filter(fires).count();
                assert!((1..verdicts.len()).contains(&count), "{name}, {row}: {id}");
            }
            for id in exceptions {
                let waives = |v: &&Verdict| v.waived.iter().any(|w| *w.exception == *id);
                let count = verdicts.iter().filter(waives).count();
                assert!((1..verdicts.len()).contains(&count), "{name}, {row}: {id}");
            }
        }
    }
}

#[test]
fn a_silent_rule_says_how_to_switch_it_on_and_then_fires_in_a_case() {
    for name in PROFILES {
        let built_in = policy(name);
        for (index, rule) in built_in.rules.iter().enumerate() {
            if rule.mode != Mode::Off {
                continue;
            }
            let note = rule.note.as_deref().unwrap_or_default();
            assert!(!note.is_empty(), "{name}, {}: no note", rule.id);
            assert!(rule.remedy.is_some(), "{name}, {}: no remedy", rule.id);
            let mut on = built_in.clone();
            on.rules[index].mode = Mode::Enforce;
            let fires = |v: &Verdict| v.hits.iter().any(|hit| hit.rule == rule.id);
            assert!(verdicts(&on).iter().any(fires), "{name}, {}", rule.id);
        }
        for exception in &built_in.exceptions {
            assert!(exception.clause.is_some(), "{name}, {}", exception.id);
        }
    }
}

#[test]
fn ids_mean_the_same_everywhere() {
    let mut shared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in Policy::names() {
        for rule in policy(name).rules {
            let own: BTreeSet<String> = rule.covers.iter().map(ToString::to_string).collect();
            let known = shared
                .entry(rule.id.to_string())
                .or_insert_with(|| own.clone());
            known.retain(|covered| own.contains(covered));
            assert!(
                !known.is_empty(),
                "{name}: {} is for something else",
                rule.id
            );
        }
    }
}

#[test]
fn duties_say_whether_the_document_speaks_of_them() {
    for (row, marks) in [
        ("G1", "+++++"),
        ("G2", "-++++"),
        ("G4", "+++++"),
        ("G5", "----+"),
    ] {
        for (name, mark) in PROFILES.into_iter().zip(marks.chars()) {
            let policy = policy(name);
            let duties = policy.governance.duties.iter();
            let duty = duties.clone().find(|duty| &*duty.covers == row).unwrap();
            let silent = &*duty.clause == SILENT;
            assert_eq!(silent, mark == '-', "{name}, {row}");
        }
    }
}

#[test]
fn enforced_rules_cite_their_document_and_tell_somebody() {
    for name in PROFILES {
        let policy = policy(name);
        for rule in policy.rules.iter().filter(|r| r.mode == Mode::Enforce) {
            assert!(rule.clause.is_some(), "{name}, {}: no clause", rule.id);
            assert!(!rule.tell.is_empty(), "{name}, {}: tells nobody", rule.id);
        }
        let forward = policy
            .rules
            .iter()
            .find(|r| &*r.id == "auto-forward")
            .unwrap();
        assert!(
            !forward.waivable && forward.tell.contains(&Role::Owner),
            "{name}"
        );
        assert!(policy.limits.len() >= 3, "{name}");
        assert!(policy.governance.notices.monitoring.is_some(), "{name}");
        assert!(policy.governance.changes.second_person, "{name}");
        assert!(policy.governance.changes.max_days <= 90, "{name}");
        let people = &policy.governance.people;
        assert!(
            people.iter().all(|person| person.addresses.is_empty()),
            "{name}"
        );
    }
}

#[test]
fn every_reply_fits_and_says_what_to_do() {
    let reference = QueueId::from_random([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).reference();
    for name in Policy::names() {
        let policy = policy(name);
        let verdict = verdicts(&policy)
            .into_iter()
            .find(|v| !v.hits.is_empty())
            .unwrap();
        for rule in &policy.rules {
            let mut verdict = verdict.clone();
            verdict.hits.truncate(1);
            verdict.hits[0].rule = rule.id.clone();
            verdict.hits[0].title = rule.title.clone();
            verdict.hits[0].clause.clone_from(&rule.clause);
            verdict.hits[0].remedy.clone_from(&rule.remedy);
            let text = reply_text(&verdict, reference);
            let remedy = rule.remedy.as_deref().unwrap();
            assert!(text.len() <= 200 && text.contains(remedy), "{name}: {text}");
        }
    }
}

#[test]
fn the_profiles_need_nothing_but_domains() {
    let domain = beadle::mail::Domain::parse("trust.example").unwrap();
    for name in Policy::names() {
        let policy = policy(name).with_domains(std::slice::from_ref(&domain), &[]);
        let told = policy.check();
        assert!(told.is_empty(), "{name}: {told:?}");
    }
}

#[test]
fn two_documents_that_contradict_each_other_are_both_followed() {
    let helpdesk = |name: &str| {
        let policy = policy(name);
        let exception = policy.exceptions.iter().find(|e| &*e.id == "helpdesk");
        let rule = policy.rules.iter().find(|r| &*r.id == "suspect-forward");
        (exception.unwrap().mode, rule.unwrap().mode)
    };
    assert_eq!(helpdesk("st-albans"), (Mode::Enforce, Mode::Off));
    assert_eq!(helpdesk("chancery"), (Mode::Off, Mode::Enforce));
}

#[test]
fn what_makes_each_profile_itself() {
    let rule = |name: &str, id: &str| {
        let policy = policy(name);
        let found = policy.rules.iter().find(|rule| &*rule.id == id);
        found.cloned().unwrap()
    };
    // A password on a file is accepted where the document says so.
    for (name, mode) in PROFILES.into_iter().zip([
        Mode::Enforce,
        Mode::Off,
        Mode::Enforce,
        Mode::Enforce,
        Mode::Enforce,
    ]) {
        assert_eq!(rule(name, "unaccepted-protection").mode, mode, "{name}");
    }
    for id in ["financial", "nhs-number", "medical"] {
        let ban = rule("southwell-nottingham", id);
        assert!(ban.action == Action::Refuse && !ban.waivable, "{id}");
    }
    assert_eq!(rule("one-it", "subject-name").action, Action::Refuse);
    assert_eq!(rule("one-it", "picture-name").action, Action::Refuse);
    let files = rule("chancery", "large").when.files.unwrap();
    assert_eq!(files.min_bytes, 5_000_000);
    for name in ["standard", "chancery"] {
        assert_eq!(rule(name, "mass-visible").when.min_recipients, 5);
        assert_eq!(rule(name, "mass-visible").action, Action::Warn);
        assert_eq!(rule(name, "mass-visible-many").when.min_recipients, 20);
        assert_eq!(rule(name, "mass-visible-many").action, Action::Hold);
    }
    let access = |name: &str| policy(name).governance.review.access;
    assert_eq!(access("southwell-nottingham"), ReviewAccess::OnRequest);
    assert_eq!(access("one-it"), ReviewAccess::ByCase);
    let urgent = rule("st-albans", "urgent-disclosure");
    let escalation = urgent.escalate.unwrap();
    assert!(urgent.urgent && escalation.minutes == 15);
    assert_eq!(escalation.to, [Role::Named("dsl".into())]);
}

/// Words that stand with a capital within a sentence of a policy: names of things, headings of documents, abbreviations.
const CAPITALS: &str = include_str!("policy_profiles/capitals.txt");

#[test]
fn no_policy_names_a_real_person_firm_or_mailbox() {
    let known: BTreeSet<&str> = CAPITALS.split_whitespace().collect();
    for name in Policy::names() {
        let path = format!(
            "{}/patterns/policies/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        for word in text.split(|c: char| c.is_whitespace() || "\"'<>,;()[]".contains(c)) {
            let word = word.trim_end_matches(['.', ':']);
            if let Some((_, domain)) = word.rsplit_once('@') {
                assert!(domain.is_empty() || domain.ends_with(".example"), "{word}");
            }
            let ending = word.rsplit_once('.').map_or("", |(_, ending)| ending);
            let real = [
                "uk",
                "org",
                "com",
                "net",
                "education",
                "gov",
                "sch",
                "eu",
                "io",
            ];
            assert!(!real.contains(&ending), "{name}: {word}");
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2) {
            let within = pair[0].ends_with(|c: char| c.is_ascii_lowercase() || c == ',');
            let word = pair[1].trim_matches(|c: char| !c.is_alphabetic());
            let capital = word.starts_with(char::is_uppercase);
            assert!(
                !within || !capital || known.contains(word),
                "{name}: {word}"
            );
        }
    }
}
