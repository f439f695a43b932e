//! The facts that are kept of a message: another judgement of them is the same judgement, and they hold no content.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::LazyLock;

use beadle::detect::{Category, Confidence, Finding, PersonId, Secret, ValueKey};
use beadle::extract::{
    FileFact, Location, Place, Protection, ProtectionState, Unit, Unread, UnreadReason, View,
};
use beadle::mail::{Address, Domain, Envelope, ForwardPath, Recipient};
use beadle::mime::Defect;
use beadle::policy::case::{CaseFinding, CaseMessage};
use beadle::policy::{HabitMark, Policy, RecordedFacts, Verdict, decide};
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

const NOW: DateTime = date(2026, 11, 23).at(19, 0, 0, 0);
const MARKER: &str = "Ottoline Quarrington";

/// Every kind of condition that a recipient, a file, a header or a text can meet, beside the standard policy.
const EVERYTHING: &str = r#"
name = "everything"
title = "Everything"
case_internal = ["oakfieldtrust.example"]
[classes]
internal = { domains = ["oakfieldtrust.example"] }
partner = { domains = ["council.example"] }
[[rule]]
id = "own"
title = "Own mailbox"
action = "hold"
when = { recipients = ["own-mailbox"] }
[[rule]]
id = "perhaps-own"
title = "Perhaps own mailbox"
action = "warn"
when = { recipients = ["perhaps-own-mailbox"] }
[[rule]]
id = "namesake"
title = "Namesake"
action = "hold"
when = { recipients = ["namesake"] }
[[rule]]
id = "look-alike"
title = "Look-alike"
action = "hold"
when = { recipients = ["look-alike"] }
[[rule]]
id = "first"
title = "First contact"
action = "tag"
tag = { headers = ["X-First: yes"] }
when = { recipients = ["first-contact"] }
[[rule]]
id = "contact"
title = "Contact"
action = "warn"
when = { recipients = ["outside"], except_recipients = ["contact"], found = { min_confidence = "medium" } }
[[rule]]
id = "visible"
title = "Visible"
action = "warn"
when = { recipients = ["outside"], min_recipients = 2, visible = true }
[[rule]]
id = "personal"
title = "Personal"
action = "warn"
when = { personal = true }
[[rule]]
id = "by-hand"
title = "By hand"
action = "warn"
when = { forwarded_by_hand = true }
[[rule]]
id = "pictures"
title = "Pictures"
action = "hold"
when = { files = { kinds = ["image"], min_count = 1 }, found = { categories = ["pupil-name"], files = ["image"] } }
[[rule]]
id = "misnamed"
title = "Misnamed"
action = "hold"
when = { files = { misnamed = true, min_bytes = 10 } }
[[rule]]
id = "identity"
title = "Identity"
action = "hold"
when = { identity = ["author-outside", "author-differs", "display-name", "reply-to-outside", "several-authors"] }
[[rule]]
id = "late"
title = "Late"
action = "warn"
when = { hours = { from = "18:00", to = "07:00", days = ["sunday"] } }
[[rule]]
id = "many"
title = "Many"
action = "hold"
when = { found = { min_people = 2, min_values = 3, min_confidence = "low" } }
[[rule]]
id = "disguised"
title = "Disguised"
action = "hold"
when = { found = { obfuscated = true, min_confidence = "low", views = ["hidden", "table"] } }
[[rule]]
id = "unread"
title = "Unread"
action = "hold"
when = { unread = ["any"] }
[[rule]]
id = "locked"
title = "Locked"
action = "warn"
when = { protection = ["apparent"], locks = false }
[[rule]]
id = "big"
title = "Big"
action = "warn"
when = { min_bytes = 1000 }
"#;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(policies);

fn policies() -> Vec<Policy> {
    let mut list = vec![Policy::parse("everything.toml", EVERYTHING).unwrap()];
    for name in Policy::names() {
        let policy = Policy::embedded(name).unwrap();
        list.push(policy.with_domains(
            &[Domain::parse("oakfieldtrust.example").unwrap()],
            &[Domain::parse("council.example").unwrap()],
        ));
    }
    list
}

fn ids(verdict: &Verdict) -> Vec<&str> {
    verdict.hits.iter().map(|hit| &*hit.rule).collect()
}

/// The record of a message, written and read again.
fn recorded(message: &CaseMessage, verdict: &Verdict) -> RecordedFacts {
    let text = serde_json::to_string(&RecordedFacts::of(&message.facts(), verdict)).unwrap();
    assert!(
        !text.contains("Ottoline") && !text.contains("Quarrington"),
        "{text}"
    );
    serde_json::from_str(&text).unwrap()
}

/// Judging the record is judging the message.
fn same(policy: &Policy, message: &CaseMessage, now: DateTime) -> Result<(), TestCaseError> {
    let verdict = decide(policy, &message.facts(), now);
    let record = recorded(message, &verdict);
    let again = record.judged_by(policy);
    prop_assert_eq!(again.action, verdict.action);
    prop_assert_eq!(ids(&again), ids(&verdict));
    prop_assert_eq!(again.automation.state, verdict.automation.state);
    prop_assert_eq!(&again.split, &verdict.split);
    prop_assert_eq!(record.action, verdict.action);
    prop_assert!(!record.is_cut());
    Ok(())
}

#[test]
fn every_case_of_every_built_in_policy_comes_out_the_same() {
    let mut cases = 0;
    for name in Policy::names() {
        let policy = Policy::embedded(name).unwrap();
        let judging = policy.for_cases();
        for case in &policy.cases {
            same(&judging, &case.message, case.now).unwrap_or_else(|error| {
                unreachable!("{name}: {}: {error}", case.name);
            });
            cases += 1;
        }
    }
    assert!(cases > 30, "{cases}");
}

fn any_finding() -> impl Strategy<Value = CaseFinding> {
    let category = prop_oneof![
        Just(Category::PupilName),
        Just(Category::PupilId),
        Just(Category::Financial),
        Just(Category::Medical),
        Just(Category::Credential)
    ];
    let confidence = prop_oneof![
        Just(Confidence::Low),
        Just(Confidence::Medium),
        Just(Confidence::High)
    ];
    let place = prop_oneof![
        Just(Place::Subject),
        Just(Place::Header),
        Just(Place::Body),
        Just(Place::Attachment(vec![
            format!("{MARKER}.zip"),
            "b.csv".to_owned()
        ])),
        Just(Place::Attachment(vec!["file".to_owned()]))
    ];
    let view = prop_oneof![
        Just(View::Visible),
        Just(View::Hidden),
        Just(View::Table),
        Just(View::FileName)
    ];
    (
        category,
        confidence,
        place,
        view,
        proptest::option::of(0u32..4),
        any::<bool>(),
        proptest::option::of(0u32..3),
    )
        .prop_map(
            |(category, confidence, place, view, person, obfuscated, value)| CaseFinding {
                category,
                detector: category.name().to_owned(),
                confidence,
                place,
                view,
                person,
                obfuscated,
                value,
            },
        )
}

fn any_address() -> impl Strategy<Value = String> {
    let of =
        |list: &'static [&'static str]| proptest::sample::select(list).prop_map(ToOwned::to_owned);
    prop_oneof![
        3 => of(&[
            "jane.whitcombe@oakfieldtrust.example",
            "kit.yarrow@oakfieldtrust.example",
            "office@oakfieldtrust.example"
        ]),
        3 => of(&[
            "jane@whitcombe.example",
            "j@whitcombe.example",
            "jane.whitcombe@far.example",
            "peter@whitcombe.example",
            "kit.yarrow@far.example",
            "a@home.example",
            "clerk@oakfeildtrust.example"
        ]),
        1 => "[a-z]{1,3}(\\.[a-z]{1,4})?@(home|council|x\\.oakfieldtrust)\\.example"
    ]
}

fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just(""),
        Just("Jane Whitcombe "),
        Just("\"Yarrow, Kit\" "),
        Just("\"head@oakfieldtrust.example\" "),
        Just("Peter Whitcombe ")
    ];
    let mailbox = (name, any_address()).prop_map(|(name, address)| format!("{name}<{address}>"));
    let field = prop_oneof![
        Just("From"),
        Just("To"),
        Just("Cc"),
        Just("Reply-To"),
        Just("Sender"),
        Just("Resent-From"),
        Just("Resent-To"),
        Just("Resent-Date"),
        Just("Delivered-To"),
        Just("X-MS-Exchange-ForwardingLoop"),
        Just("x-ms-exchange-inbox-rules-loop"),
        Just("X-Forwarded-For")
    ];
    let subject = prop_oneof![
        Just("FW: trip"),
        Just(" fwd: trip"),
        Just("WG: Ausflug"),
        Just("[Personal] lunch"),
        Just("fyi"),
        Just("for home"),
        Just(""),
        Just("=?utf-8?q?print?="),
        Just("=?utf-8?q?Ottoline?= plan"),
        Just("Ottoline Quarrington's plan")
    ];
    let words = prop_oneof![
        Just(("Auto-Submitted", "auto-forwarded")),
        Just(("Auto-Submitted", "auto-replied")),
        Just(("Precedence", "bulk")),
        Just(("Sensitivity", "Personal")),
        Just((
            "Content-Type",
            "multipart/report; name=\"Ottoline Quarrington.pdf\""
        )),
        Just(("List-Id", "Parents <parents.lists.oakfieldtrust.example>")),
        Just((
            "DKIM-Signature",
            "v=1; a=rsa; d = home.example; s=x; h=Ottoline"
        )),
        Just((
            "Received",
            "from Ottoline by b with ESMTP id 1 for <u@oakfieldtrust.example>; Mon"
        )),
        Just(("X-Custom", "Ottoline Quarrington"))
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    prop_oneof![
        3 => (field, proptest::collection::vec(mailbox, 1..4))
            .prop_map(|(field, list)| (field.to_owned(), list.join(", "))),
        1 => subject.prop_map(|text| ("Subject".to_owned(), text.to_owned())),
        1 => words.prop_map(own),
        1 => ("[A-Za-z-]{0,12}", ".{0,60}"),
        1 => ".{0,60}".prop_map(|text| ("Subject".to_owned(), text)),
    ]
}

fn any_message() -> impl Strategy<Value = CaseMessage> {
    (
        proptest::option::of(any_address()),
        proptest::collection::vec(proptest::option::weighted(0.9, any_address()), 0..5),
        proptest::collection::vec(any_finding(), 0..12),
        proptest::collection::vec(any_header(), 0..8),
        proptest::collection::vec(
            (
                "(image/png|video/mp4|message/rfc822|application/zip|application/pdf|)",
                0u64..100,
                any::<bool>(),
            ),
            0..3,
        ),
        any::<[bool; 12]>(),
        proptest::collection::vec(any::<bool>(), 0..5),
    )
        .prop_map(|(from, to, findings, headers, files, flags, first)| {
            let from = from.map(|text| Address::parse(&text).unwrap());
            let mut envelope = Envelope::of(from, []);
            envelope.rcpts = to
                .iter()
                .map(|text| Recipient {
                    path: match text {
                        Some(text) => ForwardPath::of(Address::parse(text).unwrap()),
                        None => ForwardPath::new("<Postmaster>", None),
                    },
                    params: String::new(),
                })
                .collect();
            let mut mail = CaseMessage::new(envelope);
            for finding in findings {
                mail.add_finding(finding);
            }
            for (name, value) in &headers {
                mail.add_header(name, value);
            }
            for (kind, bytes, misnamed) in &files {
                mail.add_file(kind, *bytes, *misnamed);
            }
            mail.history.first_contact.clone_from(&first);
            mail.history.sole_writer = first;
            flagged(&mut mail, flags);
            mail
        })
}

fn flagged(mail: &mut CaseMessage, flags: [bool; 12]) {
    mail.client.own_server = flags[0];
    mail.findings.unfinished = flags[1];
    if flags[2] {
        mail.add_unread(UnreadReason::TooDeep);
    }
    if flags[3] {
        mail.add_protection(ProtectionState::Apparent);
    }
    if flags[4] {
        mail.defects.push(Defect::BrokenBoundary);
    }
    if flags[5] {
        mail.add_contact(1, "a@home.example");
        mail.add_contact(9, "b@home.example");
    }
    if flags[6] {
        mail.add_lock();
    }
    if flags[7] {
        mail.add_recognised();
    }
    if flags[8] || flags[9] {
        mail.content.units.push(Unit {
            location: Location::of(Place::Body),
            view: View::Visible,
            text: if flags[9] {
                "see attached"
            } else {
                "Dear parent of Ottoline Quarrington, hello"
            }
            .to_owned(),
        });
    }
    if flags[10] {
        mail.history.marks.push(HabitMark {
            id: "B1".into(),
            score: 70,
        });
    }
    mail.bytes = if flags[11] { 5_000 } else { 10 };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn any_message_comes_out_the_same_by_any_policy(mail in any_message()) {
        for policy in POLICIES.iter() {
            same(policy, &mail, NOW)?;
        }
    }
}

#[test]
fn recipients_without_an_address_stay_recipients() {
    let mut mail = CaseMessage::new(Envelope::of(
        Some(Address::parse("a@oakfieldtrust.example").unwrap()),
        [Address::parse("b@oakfieldtrust.example").unwrap()],
    ));
    mail.envelope.rcpts.push(Recipient {
        path: ForwardPath::new("<Postmaster>", None),
        params: String::new(),
    });
    mail.history.first_contact = vec![false, true];
    let text = EVERYTHING.replace("id = \"first\"", "id = \"renamed\"");
    let policy = Policy::parse("renamed.toml", &text).unwrap();
    let verdict = decide(&policy, &mail.facts(), NOW);
    let again = recorded(&mail, &verdict).judged_by(&policy);
    let of = |verdict: &Verdict| {
        let hit = verdict.hits.iter().find(|hit| &*hit.rule == "renamed");
        hit.map(|hit| hit.rcpts.clone())
    };
    assert_eq!(of(&again), Some(vec![1]));
    assert_eq!(of(&again), of(&verdict));
}

#[test]
fn nothing_of_the_content_is_kept() {
    let name = MARKER.to_owned();
    let place = Place::Attachment(vec![format!("{MARKER}.docx"), format!("{MARKER}.png")]);
    let location = Location {
        detail: Some(name.clone()),
        ..Location::of(place)
    };
    let mut mail = CaseMessage::new(Envelope::of(
        Some(Address::parse("a@oakfieldtrust.example").unwrap()),
        [Address::parse("b@home.example").unwrap()],
    ));
    for header in [
        "Subject",
        "X-Whatever",
        "Thread-Topic",
        "In-Reply-To",
        "Comments",
        "Message-ID",
        "Resent-Message-ID",
    ] {
        mail.add_header(header, MARKER);
    }
    mail.add_header(
        "Content-Type",
        "application/pdf; name=\"Ottoline Quarrington.pdf\"",
    );
    mail.add_header(
        "Received",
        "from Ottoline (Quarrington) by x for <a@oakfieldtrust.example>; Mon",
    );
    mail.findings.list.push(Finding {
        category: Category::PupilName,
        detector: "pupil-name".into(),
        confidence: Confidence::High,
        location: location.clone(),
        view: View::Visible,
        person: Some(PersonId(7)),
        value: ValueKey(0x4f74_746f_6c69_6e65),
        text: Secret::new(MARKER),
        masked: name.clone(),
        reasons: vec![name.clone()],
        obfuscated: false,
    });
    mail.content.units.push(Unit {
        location: location.clone(),
        view: View::Visible,
        text: name.clone(),
    });
    mail.content.unread.push(Unread {
        location: location.clone(),
        reason: UnreadReason::Broken,
        kind: name.clone(),
    });
    mail.content
        .protections
        .push(Protection::lock(location.clone()));
    mail.content.files.push(FileFact {
        location: location.clone(),
        kind: name,
        bytes: 1,
        mismatch: true,
    });
    mail.content.recognised.push(location);
    let policy = Policy::parse("everything.toml", EVERYTHING).unwrap();
    let verdict = decide(&policy, &mail.facts(), NOW);
    let record = recorded(&mail, &verdict);
    let text = serde_json::to_string(&record).unwrap();
    assert!(text.contains("pupil-name") && text.contains("b@home.example"));
    let value = 0x4f74_746f_6c69_6e65_u128.to_string();
    assert!(!text.contains(&value), "values are numbered, not kept");
}

#[test]
fn a_message_that_is_too_long_is_marked() {
    let mut mail = CaseMessage::new(Envelope::of(None, []));
    for number in 0..40 {
        mail.add_header(
            "To",
            &format!("{} <a{number}@home.example>", "x".repeat(4_000)),
        );
    }
    let policy = Policy::parse("everything.toml", EVERYTHING).unwrap();
    let verdict = decide(&policy, &mail.facts(), NOW);
    let record = recorded(&mail, &verdict);
    assert!(record.is_cut());
    assert!(record.weight() < 100_000, "{}", record.weight());
}

#[test]
fn the_random_messages_reach_every_rule() {
    use proptest::strategy::ValueTree;
    let policy = Policy::parse("everything.toml", EVERYTHING).unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut fired = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        let mail = any_message().new_tree(&mut runner).unwrap().current();
        let verdict = decide(&policy, &mail.facts(), NOW);
        fired.extend(verdict.hits.iter().map(|hit| hit.rule.to_string()));
    }
    let all: std::collections::BTreeSet<String> = policy
        .rules
        .iter()
        .map(|rule| rule.id.to_string())
        .collect();
    assert_eq!(fired, all);
}
