//! The policies that are built in, the policy language, and what it says to a person who made a mistake in it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use beadle::detect::{Category, Confidence};
use beadle::extract::{Place, ProtectionState, UnreadReason, View};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::mime::Defect;
use beadle::policy::case::{CaseFinding, CaseMessage};
use beadle::policy::document::PolicyError;
use beadle::policy::fields::Mistake;
use beadle::policy::{
    Action, Explanation, Gravity, Mode, Policy, Severity, Verdict, decide, reply_text,
    smallest_change,
};
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

const NOW: DateTime = date(2026, 11, 23).at(10, 0, 0, 0);

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn standard() -> Policy {
    Policy::embedded("standard")
        .unwrap()
        .with_domains(&[domain("trust.example")], &[domain("council.example")])
}

fn message(from: &str, to: &[&str]) -> CaseMessage {
    let from = (!from.is_empty()).then(|| Address::parse(from).unwrap());
    let to = to.iter().map(|text| Address::parse(text).unwrap());
    CaseMessage::new(Envelope::of(from, to))
}

fn finding(category: Category, place: Place, person: Option<u32>) -> CaseFinding {
    CaseFinding {
        category,
        detector: category.name().to_owned(),
        confidence: Confidence::High,
        place,
        view: View::Visible,
        person,
        value: None,
        obfuscated: false,
    }
}

fn judged(policy: &Policy, message: &CaseMessage) -> Verdict {
    decide(policy, &message.facts(), NOW)
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.hits.iter().map(|hit| &*hit.rule).collect()
}

fn mistakes(text: &str) -> Vec<Mistake> {
    match Policy::parse("test.toml", text) {
        Err(PolicyError::Mistakes { mistakes, .. }) => mistakes,
        other => panic!("expected mistakes, got {other:?}"),
    }
}

#[test]
fn every_built_in_policy_keeps_its_own_cases() {
    for name in Policy::names() {
        let policy = Policy::embedded(name).unwrap();
        assert!(policy.cases.len() >= policy.rules.len(), "{name}");
        let errors: Vec<String> = policy
            .check()
            .iter()
            .filter(|problem| problem.gravity == Gravity::Error)
            .map(ToString::to_string)
            .collect();
        assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
    }
}

#[test]
fn the_standard_policy_needs_nothing_but_domains() {
    let told = standard().check();
    assert!(told.is_empty(), "{told:?}");
    let bare = Policy::embedded("standard").unwrap().check();
    assert_eq!(bare.len(), 1, "{bare:?}");
    assert!(bare[0].text.contains("--internal-domain"));
}

#[test]
fn every_rule_of_a_built_in_policy_fires_in_one_of_its_cases() {
    for name in Policy::names() {
        let policy = Policy::embedded(name).unwrap();
        let judging = policy.for_cases();
        for rule in policy
            .rules
            .iter()
            .filter(|rule| rule.mode == Mode::Enforce)
        {
            let fires = policy.cases.iter().any(|case| {
                let verdict = decide(&judging, &case.message.facts(), case.now);
                verdict.hits.iter().any(|hit| hit.rule == rule.id)
            });
            assert!(fires, "{name}: no case for {}", rule.id);
        }
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let text = Policy::embedded("standart").unwrap_err().to_string();
    assert!(
        text.contains("standart") && text.contains("standard"),
        "{text}"
    );
}

#[test]
fn a_route_in_the_local_part_leads_outside() {
    let action = |to: &str| {
        let mut mail = message("office@trust.example", &[to]);
        mail.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
        mail.add_finding(finding(Category::Medical, Place::Body, Some(1)));
        judged(&standard(), &mail).action
    };
    for to in [
        "friend%evil.example@trust.example",
        "evil.example!friend@trust.example",
        "\"friend@evil.example\"@trust.example",
        "\"friend\\@evil.example\"@trust.example",
        "\"friend\\%evil.example\"@trust.example",
        "\"@evil.example:friend\"@trust.example",
        "\"@relay.example,@evil.example:friend\"@trust.example",
        "friend%evil.example@sub.trust.example",
        "friend%evil.example@council.example",
    ] {
        assert_eq!(action(to), Action::Refuse, "{to}");
    }
    for to in [
        "friend@trust.example",
        "friend+evil.example@trust.example",
        "\"friend evil\"@trust.example",
        "bounce-friend=evil.example@trust.example",
        "o'neil/staff@trust.example",
    ] {
        assert_eq!(action(to), Action::Deliver, "{to}");
    }
}

#[test]
fn hits_stand_strictest_first_then_in_file_order() {
    let mut mail = message("office@trust.example", &["a@far.example"]);
    mail.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
    mail.add_finding(finding(Category::Medical, Place::Body, Some(1)));
    mail.add_finding(finding(Category::Financial, Place::Body, None));
    mail.add_unread(UnreadReason::Broken);
    let verdict = judged(&standard(), &mail);
    assert_eq!(verdict.action, Action::Refuse);
    assert_eq!(
        rules(&verdict),
        ["financial", "medical", "pupil-name", "unread"]
    );
    assert_eq!(verdict.hits[1].findings, [1]);
    assert_eq!(
        verdict.hits[2].because,
        "1 pupil's full name in the body; to 1 recipient outside the trust and its secure partners"
    );
    assert_eq!(
        verdict.hits[3].because,
        "1 part not read (broken); to 1 recipient outside the trust and its secure partners"
    );
}

#[test]
fn counts_are_people_and_values_not_hits() {
    let mut mail = message("office@trust.example", &["a@far.example", "b@far.example"]);
    for person in [1, 1, 2, 2, 2] {
        mail.add_finding(finding(Category::PupilName, Place::Body, Some(person)));
    }
    let verdict = judged(&standard(), &mail);
    assert_eq!(
        verdict.hits[0].because,
        "2 pupils' full names in the body; to 2 recipients outside the trust and its secure partners"
    );
}

#[test]
fn near_misses_say_what_was_missing() {
    let missing = |mail: &CaseMessage| {
        let verdict = judged(&standard(), mail);
        assert_eq!(verdict.action, Action::Deliver);
        verdict
            .near
            .into_iter()
            .map(|near| (near.rule.to_string(), near.missing))
            .collect::<Vec<_>>()
    };
    let mut unsure = message("office@trust.example", &["a@far.example"]);
    unsure.add_finding(CaseFinding {
        confidence: Confidence::Low,
        ..finding(Category::PupilName, Place::Body, Some(1))
    });
    assert_eq!(
        missing(&unsure),
        [(
            "pupil-name".to_owned(),
            "1 pupil's full name in the body, but with less than medium confidence".to_owned()
        )]
    );
    let mut inside = message("office@trust.example", &["a@trust.example"]);
    inside.add_finding(finding(Category::Financial, Place::Body, None));
    assert_eq!(
        missing(&inside),
        [(
            "financial".to_owned(),
            "only internal recipients".to_owned()
        )]
    );
    let mut partner = message("office@trust.example", &["a@council.example"]);
    partner.add_finding(finding(Category::Financial, Place::Body, None));
    assert_eq!(
        missing(&partner)[0].1,
        "only recipients of the trust and its secure partners"
    );
    let mut parent = message("office@trust.example", &["mum@home.example"]);
    parent.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
    parent.add_contact(1, "mum@home.example");
    assert_eq!(
        missing(&parent)[0].1,
        "every recipient outside is a registered contact of every pupil named"
    );
}

#[test]
fn a_parent_beside_a_stranger_does_not_waive_the_name() {
    let mut mail = message(
        "office@trust.example",
        &["Mum@Home.example", "b@far.example"],
    );
    mail.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
    mail.add_contact(1, "mum@home.example");
    assert_eq!(rules(&judged(&standard(), &mail)), ["pupil-name"]);
    // A parent of the named child; but the message also gives the number of a pupil nobody could name.
    let mut mail = message("office@trust.example", &["mum@home.example"]);
    mail.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
    mail.add_contact(1, "mum@home.example");
    mail.add_finding(finding(Category::PupilId, Place::Body, None));
    assert_eq!(
        rules(&judged(&standard(), &mail)),
        ["pupil-name", "pupil-number"]
    );
}

#[test]
fn a_recipient_that_is_not_known_is_outside() {
    let mut mail = message("office@trust.example", &["a@trust.example"]);
    mail.envelope.rcpts[0].path = beadle::mail::ForwardPath::new("<Postmaster>", None);
    mail.add_finding(finding(Category::Financial, Place::Body, None));
    assert_eq!(judged(&standard(), &mail).action, Action::Refuse);
    mail.envelope.rcpts.clear();
    assert_eq!(judged(&standard(), &mail).action, Action::Refuse);
}

#[test]
fn refusals_are_capped_where_they_would_reach_the_wrong_person() {
    let mut mail = message("", &["a@far.example"]);
    mail.add_finding(finding(Category::Financial, Place::Body, None));
    let verdict = judged(&standard(), &mail);
    assert_eq!(
        (verdict.action, verdict.hits[0].action),
        (Action::Hold, Action::Refuse)
    );
    assert!(verdict.capped.is_some());
    let mut mail = message("parent@home.example", &["a@far.example"]);
    mail.add_header("From", "parent@home.example");
    mail.add_finding(finding(Category::Financial, Place::Body, None));
    let verdict = judged(&standard(), &mail);
    assert_eq!(verdict.action, Action::Hold);
    assert_eq!(rules(&verdict), ["financial", "auto-forward"]);
}

#[test]
fn the_reply_says_what_to_change_and_nothing_else() {
    let reference = QueueId::from_random([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).reference();
    let mut mail = message("office@trust.example", &["a@far.example"]);
    mail.add_finding(finding(Category::PupilName, Place::Subject, Some(1)));
    let verdict = judged(&standard(), &mail);
    assert_eq!(
        reply_text(&verdict, reference),
        format!(
            "Not sent: a pupil's full name is in the subject line. Use initials. (Standard policy 1, ref {reference})"
        )
    );
    // Every rule of the policy gives a reply with its remedy that fits.
    for rule in &standard().rules {
        let mut verdict = verdict.clone();
        verdict.hits[0].title = rule.title.clone();
        verdict.hits[0].clause.clone_from(&rule.clause);
        verdict.hits[0].remedy.clone_from(&rule.remedy);
        let text = reply_text(&verdict, reference);
        assert!(text.is_ascii() && text.len() <= 200, "{text}");
        assert!(text.contains(rule.remedy.as_deref().unwrap()), "{text}");
    }
    // Over-long or typographic words are shortened and written plainly, the reference stays.
    let mut long = verdict;
    long.hits[0].remedy = Some("r".repeat(300).into());
    long.hits[0].title = "a pupil\u{2019}s name".into();
    let text = reply_text(&long, reference);
    assert_eq!(
        text,
        format!("Not sent: a pupil's name (Standard policy 1, ref {reference})")
    );
    long.hits[0].title = "t".repeat(300).into();
    assert_eq!(
        reply_text(&long, reference),
        format!("Not sent (rule subject-name, ref {reference})")
    );
}

#[test]
fn an_explanation_tells_rule_clause_evidence_and_way_out() {
    let mut mail = message(
        "parent@home.example",
        &["a@far.example", "b@council.example"],
    );
    mail.add_header("From", "parent@home.example");
    mail.add_finding(finding(Category::PupilName, Place::Subject, Some(1)));
    let policy = standard();
    let verdict = judged(&policy, &mail);
    let text = Explanation::of(&policy, &mail.facts(), &verdict).to_string();
    for part in [
        "Held for review under policy standard, although a rule says refuse",
        "Recipients: 1 outside, 1 partner",
        "Automation: auto-forward; marks: envelope (an outside sender",
        "Fired: subject-name (refuse): a pupil's full name is in the subject line [Standard policy 1]. Because: 1 pupil's full name in the subject; to 1 recipient",
        "To send it: Use initials.",
        "Fired: auto-forward (hold)",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains('@'), "{text}");
}

const SMALL: &str = r#"
name = "small"
title = "Small"
[classes]
internal = { domains = ["trust.example"] }
police = { domains = ["force.example"], addresses = ["lado@council.example"] }
[[rule]]
id = "bulk"
title = "many pupils"
action = "hold"
when = { recipients = ["outside"], found = { categories = ["pupil-name"], min_people = 3 } }
[[rule]]
id = "wide"
title = "many recipients"
action = "hold"
when = { recipients = ["outside"], min_recipients = 3 }
[[rule]]
id = "large"
title = "large"
action = "hold"
mode = "shadow"
when = { min_bytes = 1000 }
[[rule]]
id = "gone"
title = "off"
action = "refuse"
mode = "off"
when = { recipients = ["any"] }
[[rule]]
id = "health"
title = "health data"
action = "refuse"
when = { recipients = ["outside"], except_recipients = ["police"], senders = ["internal"], found = { categories = ["medical"], tied_to_person = true, views = ["visible", "table"] } }
[[exception]]
id = "E1"
rules = ["bulk", "health"]
senders = ["dsl@trust.example"]
recipients = ["council.example", "gp@clinic.example"]
reason = "agreed disclosure"
approver = "DPO"
expires = 2026-12-31
"#;

fn small() -> Policy {
    Policy::parse("small.toml", SMALL).unwrap()
}

#[test]
fn thresholds_modes_and_sender_classes_are_honoured() {
    let policy = small();
    let mut mail = message("a@trust.example", &["x@far.example"]);
    for person in [1, 2] {
        mail.add_finding(finding(Category::PupilName, Place::Body, Some(person)));
    }
    mail.bytes = 2000;
    let verdict = judged(&policy, &mail);
    assert_eq!(verdict.action, Action::Deliver);
    let near: Vec<String> = verdict
        .near
        .iter()
        .map(|n| format!("{}: {}", n.rule, n.missing))
        .collect();
    assert_eq!(
        near,
        [
            "bulk: 2 of 3 people",
            "large: it is in shadow mode; it would have said hold",
        ]
    );
    mail.add_finding(finding(Category::PupilName, Place::Body, Some(3)));
    assert_eq!(rules(&judged(&policy, &mail)), ["bulk"]);
    let crowd = message(
        "a@trust.example",
        &["1@far.example", "2@far.example", "3@far.example"],
    );
    assert_eq!(rules(&judged(&policy, &crowd)), ["wide"]);
}

#[test]
fn excepted_classes_tied_people_and_views_are_honoured() {
    let policy = small();
    let medical = |person, view| {
        let mut mail = message("a@trust.example", &["x@far.example"]);
        mail.add_finding(CaseFinding {
            view,
            ..finding(Category::Medical, Place::Body, person)
        });
        mail
    };
    assert_eq!(
        rules(&judged(&policy, &medical(Some(1), View::Table))),
        ["health"]
    );
    assert!(rules(&judged(&policy, &medical(None, View::Table))).is_empty());
    assert!(rules(&judged(&policy, &medical(Some(1), View::Hidden))).is_empty());
    for (to, fires) in [
        ("pc@north.force.example", false),
        ("LADO@council.example", false),
        ("clerk@council.example", true),
    ] {
        let mut mail = message("a@trust.example", &[to]);
        mail.add_finding(finding(Category::Medical, Place::Body, Some(1)));
        assert_eq!(judged(&policy, &mail).hits.len() == 1, fires, "{to}");
    }
}

#[test]
fn exceptions_waive_named_rules_for_named_people_until_their_day() {
    let policy = small();
    let medical = |from: &str, to: &[&str]| {
        let mut mail = message(from, to);
        mail.add_finding(finding(Category::Medical, Place::Body, Some(1)));
        mail
    };
    let waived = medical(
        "dsl@trust.example",
        &["a@north.council.example", "gp@clinic.example"],
    );
    let verdict = judged(&policy, &waived);
    assert_eq!(verdict.action, Action::Deliver);
    let mut near = verdict.near.iter().map(|near| near.missing.as_str());
    assert_eq!(near.next_back(), Some("waived by exception E1"));
    let last = decide(
        &policy,
        &waived.facts(),
        date(2026, 12, 31).at(23, 59, 0, 0),
    );
    let past = decide(&policy, &waived.facts(), date(2027, 1, 1).at(0, 0, 0, 0));
    assert_eq!(
        (last.action, past.action),
        (Action::Deliver, Action::Refuse)
    );
    assert_eq!(policy.expired(date(2027, 1, 1)).len(), 1);
    for refused in [
        medical("head@trust.example", &["gp@clinic.example"]),
        medical("dsl@trust.example", &["nurse@clinic.example"]),
        medical("dsl@trust.example", &["gp@clinic.example", "x@far.example"]),
    ] {
        assert_eq!(judged(&policy, &refused).action, Action::Refuse);
    }
}

#[test]
fn near_misses_leave_out_what_every_message_lacks() {
    let text = r#"
name = "n"
title = "t"
[classes]
internal = { domains = ["trust.example"] }
police = { optional = true }
[[rule]]
id = "register"
title = "register"
action = "hold"
when = { recipients = ["outside"], found = { categories = ["pupil-name"], min_people = 5 } }
[[rule]]
id = "police"
title = "police"
action = "hold"
when = { recipients = ["police"], found = { categories = ["pupil-name"] } }
[[rule]]
id = "crowd"
title = "crowd"
action = "hold"
when = { recipients = ["outside"], visible = true, min_recipients = 4 }
[[rule]]
id = "alone"
title = "alone"
action = "warn"
when = { recipients = ["own-mailbox"], personal = false }
"#;
    let policy = Policy::parse("near.toml", text).unwrap();
    let missing = |people: u32, to: &[&str]| -> Vec<String> {
        let mut mail = message("office@trust.example", to);
        for person in 0..people {
            mail.add_finding(finding(Category::PupilName, Place::Body, Some(person)));
        }
        mail.add_header("To", &to.join(", "));
        let near = judged(&policy, &mail).near.into_iter();
        near.map(|n| format!("{}: {}", n.rule, n.missing)).collect()
    };
    // Nobody has to be told that a letter about one pupil is no register, nor that it goes to no police officer.
    assert!(missing(1, &["a@far.example"]).is_empty());
    assert!(missing(2, &["a@trust.example"]).is_empty());
    assert_eq!(
        missing(3, &["a@far.example", "b@far.example"]),
        ["register: 3 of 5 people", "crowd: 2 of 4 recipients"]
    );
    // An optional class may stay empty without a word.
    let told = policy.check();
    assert!(
        !told.iter().any(|p| p.text.contains("class police")),
        "{told:?}"
    );
}

#[test]
fn planted_mistakes_are_all_told_at_once_with_line_and_mend() {
    let text = r#"
name = "wrong"
titel = "typo in a key"
[classes]
internal = { domains = ["trust..example"], adresses = [] }
contact = { domains = ["home.example"] }
[[rule]]
id = "Subject Name"
title = "x"
action = "block"
when = { recipients = ["outsied"], found = { categories = ["pupil-nane"], min_people = "three" } }
[[rule]]
id = "twice"
title = "curly ’ quote"
when = { unread = ["any"], protection = "apparent" }
[[rule]]
id = "twice"
title = "y"
action = "hold"
waivable = false
when = { min_bytes = 1 }
[[exception]]
id = "E1"
rules = ["twcie", "twice"]
senders = ["a@b@c"]
reason = "r"
approver = "a"
expires = "31.12.2026"
[[cap]]
reason = "everything"
[[case]]
name = "c"
to = ["x@y.example"]
headers = ["no colon"]
"#;
    let told: Vec<String> = mistakes(text).iter().map(ToString::to_string).collect();
    let expected = [
        "line 1, title: found nothing",
        "line 3, titel: found an unknown key; allowed: name, title, source",
        "did you mean title?",
        "line 5, classes.internal.domains: found no domain",
        "line 5, classes.internal.adresses: found an unknown key; allowed: domains, subdomains, addresses, optional, lists; did you mean addresses?",
        "line 6, classes.contact: found a reserved name",
        "line 8, rule[1].id: found \"Subject Name\"",
        "line 10, rule[1].action: found \"block\"; allowed: deliver, tag, warn, reroute, hold, refuse",
        "line 11, rule[1].when.recipients: found \"outsied\"",
        "did you mean \"outside\"?",
        "line 11, rule[1].when.found.categories: found \"pupil-nane\"; allowed: pupil-name, pupil-id, personal-id, personal-detail, credential, marking, financial, medical",
        "did you mean \"pupil-name\"?",
        "line 11, rule[1].when.found.min_people: found a value of type string; allowed: a whole number from 0; write digits without quotes",
        "line 12, rule[2].action: found nothing; allowed: deliver, tag, warn, reroute, hold, refuse; add action = \"hold\"",
        "line 14, rule[2].title: found a title that an SMTP reply cannot carry",
        "line 15, rule[2].when.protection: found a value of type string; allowed: a list of texts; put it in square brackets",
        "line 16, rule.id: found \"twice\" a second time",
        "line 24, exception[1].rules: found \"twcie\"",
        "did you mean \"twice\"?",
        "line 24, exception[1].rules: found \"twice\", which cannot be waived",
        "line 25, exception[1].senders: found no address",
        "line 28, exception[1].expires",
        "line 29, cap[1]: found a cap on everything",
        "line 31, case[1].expect: found nothing",
        "line 34, case[1].headers: found no colon",
    ];
    let all = told.join("\n");
    for part in expected {
        assert!(all.contains(part), "{part:?} is not in:\n{all}");
    }
    assert!(!all.contains("a@b@c"), "an address was repeated:\n{all}");
    let starts = expected
        .iter()
        .filter(|part| part.starts_with("line "))
        .count();
    assert_eq!(told.len(), starts, "\n{all}");
}

#[test]
fn an_empty_list_is_a_mistake_and_never_everybody() {
    let text = r#"
name = "n"
title = "t"
[[rule]]
id = "a"
title = "a"
action = "hold"
when = { recipients = [], unread = [] }
[[exception]]
id = "E1"
rules = ["a"]
senders = []
reason = "r"
approver = "a"
expires = 2026-12-31
"#;
    let told: Vec<String> = mistakes(text).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("line 8, rule[1].when.recipients: found an empty list"));
    assert!(told[1].starts_with("line 8, rule[1].when.unread: found an empty list"));
    assert!(told[2].starts_with("line 9, exception[1].senders: found an exception for everybody"));
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let told = mistakes("name = \"x\"\ntitle = \"y\n[classes]\n");
    assert!(told.iter().any(|mistake| mistake.line == 2), "{told:?}");
}

#[test]
fn check_finds_rules_that_cannot_fire_and_cases_that_fail() {
    let text = r#"
name = "n"
title = "t"
case_internal = ["trust.example"]
[classes]
police = {}
[[rule]]
id = "a"
title = "a"
action = "hold"
when = { recipients = ["outside"], except_recipients = ["outside"], unread = ["any"] }
[[rule]]
id = "b"
title = "b"
action = "hold"
when = { recipients = ["outside"], defects = ["any"] }
[[rule]]
id = "c"
title = "c"
action = "refuse"
when = { recipients = ["outside"], defects = ["any"] }
[[rule]]
id = "d"
title = "d"
action = "hold"
[[case]]
name = "fails"
from = "a@trust.example"
to = ["x@far.example"]
expect = "deliver"
rules = ["b"]
"#;
    let policy = Policy::parse("n.toml", text).unwrap();
    let told: Vec<String> = policy.check().iter().map(ToString::to_string).collect();
    let all = told.join("\n");
    for part in [
        "class internal has no members",
        "class police has no members",
        "no rule stops pupil-name from leaving",
        "line 12: rule b: it has no clause",
        "line 7: rule a: it can never fire: every class of recipients is excepted again",
        "line 17: rule c: its conditions are those of rule b",
        "line 22: rule d: it has no conditions",
        "line 26: case \"fails\": expected deliver, came out as hold (rules that fired: d)",
        "line 26: case \"fails\": expected rules b, but d fired",
    ] {
        assert!(all.contains(part), "{part:?} is not in:\n{all}");
    }
}

fn any_message() -> impl Strategy<Value = CaseMessage> {
    let address = "[a-z]{1,8}@(trust|home|council|x\\.trust)\\.example";
    let category = prop_oneof![
        Just(Category::PupilName),
        Just(Category::PupilId),
        Just(Category::Financial),
        Just(Category::Medical)
    ];
    let place = prop_oneof![
        Just(Place::Subject),
        Just(Place::Header),
        Just(Place::Body),
        Just(Place::Attachment(vec![
            "a.zip".to_owned(),
            "b.csv".to_owned()
        ]))
    ];
    let name = prop_oneof![
        Just("From".to_owned()),
        Just("Resent-From".to_owned()),
        Just("X-MS-Exchange-ForwardingLoop".to_owned()),
        Just("Received".to_owned()),
        Just("Auto-Submitted".to_owned()),
        Just("DKIM-Signature".to_owned()),
        Just("List-Id".to_owned()),
        ".{0,12}",
    ];
    (
        proptest::option::of(address),
        proptest::collection::vec(address, 0..5),
        proptest::collection::vec((category, place, proptest::option::of(0u32..4)), 0..20),
        proptest::collection::vec((name, ".{0,60}"), 0..12),
        any::<[bool; 6]>(),
    )
        .prop_map(|(from, to, findings, headers, flags)| {
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            let mut mail = message(from.as_deref().unwrap_or(""), &to);
            for (category, place, person) in findings {
                mail.add_finding(finding(category, place, person));
            }
            for (name, value) in headers {
                mail.add_header(&name, &value);
            }
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
            }
            mail
        })
}

proptest! {
    #[test]
    fn any_facts_give_a_verdict_that_keeps_its_promises(mail in any_message()) {
        let policy = standard();
        let verdict = judged(&policy, &mail);
        let strictest = verdict.hits.iter().map(|hit| hit.action).max().unwrap_or(Action::Deliver);
        prop_assert!(verdict.action <= strictest);
        prop_assert_eq!(verdict.action < strictest, verdict.capped.is_some());
        prop_assert!(verdict.hits.is_sorted_by(|a, b| a.action >= b.action));
        for hit in &verdict.hits {
            prop_assert!(hit.findings.iter().all(|index| *index < mail.findings.list.len()));
            prop_assert!(!hit.because.contains('@'));
        }
        let inside = |rcpt: &beadle::mail::Recipient| {
            rcpt.address().is_some_and(|a| a.domain().is_within(&domain("trust.example")))
        };
        let rcpts = &mail.envelope.rcpts;
        if !rcpts.is_empty() && rcpts.iter().all(inside) {
            prop_assert_eq!(verdict.action, Action::Deliver);
        }
        let reference = QueueId::from_random([7; 10]).reference();
        prop_assert!(reply_text(&verdict, reference).len() <= 200);
        prop_assert!(!Explanation::of(&policy, &mail.facts(), &verdict).outcome.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_policy_or_mistakes(text in "[a-z=\\[\\]\"'{},. \n-]{0,200}") {
        let outcome = Policy::parse("any.toml", &text);
        if let Err(error) = outcome {
            prop_assert!(error.to_string().contains("any.toml"));
        }
    }
}

fn change(mail: &CaseMessage) -> Option<String> {
    let policy = standard();
    let verdict = judged(&policy, mail);
    smallest_change(&policy, &mail.facts(), &verdict).map(|change| change.to_string())
}

#[test]
fn the_smallest_change_is_one_that_was_tried() {
    let far = ["a@far.example"];
    let mut mail = message("office@trust.example", &far);
    assert_eq!(change(&mail), None, "it passes as it is");
    mail.add_finding(finding(Category::PupilName, Place::Subject, Some(1)));
    assert_eq!(
        change(&mail).unwrap(),
        "use initials instead of full names in the subject"
    );
    mail.add_finding(finding(Category::Medical, Place::Body, Some(1)));
    assert_eq!(
        change(&mail).unwrap(),
        "use initials instead of full names in the subject, and take medical, SEN or safeguarding details out of the text"
    );
    let file = || Place::Attachment(vec!["register.xlsx".to_owned()]);
    let mut list = message("office@trust.example", &far);
    list.add_finding(finding(Category::PupilName, file(), Some(1)));
    list.add_finding(finding(Category::PupilName, file(), Some(2)));
    assert_eq!(
        change(&list).unwrap(),
        "encrypt the attachment with a password and give it by telephone"
    );
    let mut mixed = message(
        "office@trust.example",
        &["head@trust.example", "a@far.example"],
    );
    mixed.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
    mixed.add_finding(finding(Category::PupilName, file(), Some(1)));
    assert_eq!(
        change(&mixed).unwrap(),
        "leave out the recipient that the rule is about"
    );
    // What is broken at its structure cannot be mended by leaving something out.
    let mut broken = message("office@trust.example", &far);
    broken.defects.push(Defect::TooComplex);
    assert_eq!(change(&broken), None);
}

#[test]
fn a_change_that_the_policy_does_not_accept_is_not_proposed() {
    let text = r#"
name = "n"
title = "t"
[[rule]]
id = "any-lock"
title = "it is encrypted"
action = "hold"
when = { recipients = ["outside"], protection = ["password", "end-to-end"] }
[[rule]]
id = "names"
title = "it holds names"
action = "hold"
when = { recipients = ["outside"], found = { categories = ["pupil-name"] } }
"#;
    let policy = Policy::parse("t.toml", text).unwrap();
    let mut mail = message("office@trust.example", &["a@far.example"]);
    let file = Place::Attachment(vec!["list.csv".to_owned()]);
    mail.add_finding(finding(Category::PupilName, file, Some(1)));
    let verdict = judged(&policy, &mail);
    let change = smallest_change(&policy, &mail.facts(), &verdict).unwrap();
    assert_eq!(change.to_string(), "leave the attachment out");
    let words = Explanation::of(&policy, &mail.facts(), &verdict).to_string();
    assert!(
        words.contains("To let it pass: leave the attachment out.\n"),
        "{words}"
    );
}

/// A rule for each condition that is not about findings.
const CONDITIONS: &str = r#"
name = "n"
title = "t"
[classes]
internal = { domains = ["trust.example"] }
freemail = { domains = ["free.example"] }
leaver = { addresses = ["gone@trust.example"] }
[[rule]]
id = "leaver"
title = "leaver"
action = "hold"
when = { recipients = ["outside"], senders = ["leaver"] }
[[rule]]
id = "reply"
title = "reply"
action = "warn"
when = { reply_to = ["freemail"] }
[[rule]]
id = "identity"
title = "identity"
action = "refuse"
waivable = false
when = { identity = ["author-outside", "author-differs", "display-name"] }
[[rule]]
id = "media"
title = "media"
action = "warn"
when = { recipients = ["outside"], files = { kinds = ["video", "audio"], min_bytes = 1000 } }
[[rule]]
id = "label"
title = "label"
action = "hold"
when = { headers = [{ name = "X-Label", contains = ["internal"] }] }
[[rule]]
id = "night"
title = "night"
action = "tag"
tag = { headers = ["X-Night: yes"] }
when = { senders = ["internal"], hours = { from = "22:00", to = "05:00", days = ["sunday"] } }
[[rule]]
id = "crowd"
title = "crowd"
action = "hold"
when = { recipients = ["outside"], min_recipients = 3, visible = true }
[[rule]]
id = "handed-on"
title = "handed on"
action = "warn"
when = { forwarded_by_hand = true, only_recipient = true }
[[rule]]
id = "private"
title = "private"
action = "deliver"
when = { personal = true }
[[rule]]
id = "first"
title = "first"
action = "warn"
when = { recipients = ["first-contact"] }
"#;

#[test]
fn senders_authors_files_headers_and_hours_are_conditions() {
    let policy = Policy::parse("t.toml", CONDITIONS).unwrap();
    let fired = |mail: &CaseMessage| -> Vec<String> {
        let verdict = judged(&policy, mail);
        verdict
            .hits
            .iter()
            .map(|hit| hit.rule.to_string())
            .collect()
    };
    let plain = || message("office@trust.example", &["a@far.example", "b@far.example"]);
    let with = |name: &str, value: &str| {
        let mut mail = plain();
        mail.add_header("To", "a@far.example, b@far.example");
        mail.add_header(name, value);
        mail
    };
    assert!(fired(&plain()).is_empty());
    assert_eq!(
        fired(&message("gone@trust.example", &["a@far.example"])),
        ["leaver"]
    );
    assert!(fired(&message("gone@trust.example", &["a@trust.example"])).is_empty());
    assert_eq!(fired(&with("Reply-To", "me@free.example")), ["reply"]);
    assert_eq!(
        fired(&with("From", "Someone <x@far.example>")),
        ["identity"]
    );
    assert_eq!(
        fired(&with("From", "The Head <head@trust.example>")),
        ["identity"]
    );
    assert_eq!(
        fired(&with(
            "From",
            "\"head@trust.example\" <office@trust.example>"
        )),
        ["identity"]
    );
    assert!(fired(&with("From", "Office <office@trust.example>")).is_empty());
    let mut behalf = with("From", "The Head <head@trust.example>");
    behalf.add_header("Sender", "office@trust.example");
    assert!(fired(&behalf).is_empty());
    let mut film = plain();
    film.add_file("video/mp4", 2000, false);
    assert_eq!(fired(&film), ["media"]);
    let mut note = plain();
    note.add_file("text/plain", 2000, false);
    assert!(fired(&note).is_empty());
    assert_eq!(fired(&with("X-Label", "INTERNAL use")), ["label"]);
    assert!(fired(&with("X-Label", "public")).is_empty());
    let far = ["a@far.example", "b@far.example", "c@far.example"];
    let mut crowd = message("office@trust.example", &far);
    assert!(fired(&crowd).is_empty(), "blind copies are not shown");
    crowd.add_header("To", "a@far.example, b@far.example");
    crowd.add_header("Cc", "c@far.example");
    assert_eq!(fired(&crowd), ["crowd"]);
    let mut passed_on = message("office@trust.example", &["a@far.example"]);
    passed_on.add_header("Subject", "FW: your parcel");
    assert_eq!(fired(&passed_on), ["handed-on"]);
    assert_eq!(fired(&with("Sensitivity", "Personal")), ["private"]);
    let mut first = plain();
    first.history.first_contact = vec![false, true];
    assert_eq!(fired(&first), ["first"]);
    let night = decide(
        &policy,
        &plain().facts(),
        date(2026, 11, 24).at(23, 0, 0, 0),
    );
    assert_eq!(rules(&night), ["night"]);
    assert_eq!(night.tags().count(), 1);
    assert!(night.action.passes());
}

#[test]
fn a_standing_exception_cites_its_clause_and_a_dated_one_begins_and_ends() {
    let text = r#"
name = "n"
title = "t"
[classes]
helpdesk = { addresses = ["help@desk.example"] }
[[rule]]
id = "names"
title = "names"
action = "hold"
when = { recipients = ["outside"], found = { categories = ["pupil-name"] } }
[[exception]]
id = "report"
clause = "AUP 3"
rules = ["names"]
classes = ["helpdesk"]
only_recipient = true
reason = "suspect mail is shown to the helpdesk"
tag = { headers = ["X-Report: yes"] }
[[exception]]
id = "trip"
rules = ["names"]
recipients = ["coach.example"]
reason = "a trip"
approver = "dpo"
starts = 2026-11-24
expires = 2026-11-30
"#;
    let policy = Policy::parse("t.toml", text).unwrap();
    let named = |to: &[&str]| {
        let mut mail = message("office@trust.example", to);
        mail.add_finding(finding(Category::PupilName, Place::Body, Some(1)));
        mail
    };
    let reported = judged(&policy, &named(&["help@desk.example"]));
    assert_eq!(reported.action, Action::Deliver);
    assert_eq!(&*reported.waived[0].exception, "report");
    assert_eq!(reported.waived[0].clause.as_deref(), Some("AUP 3"));
    assert_eq!(reported.tags().count(), 1);
    let beside = judged(&policy, &named(&["help@desk.example", "a@far.example"]));
    assert_eq!(beside.action, Action::Hold);
    let on = |day| {
        let mail = named(&["x@coach.example"]);
        decide(&policy, &mail.facts(), date(2026, 11, day).at(9, 0, 0, 0)).action
    };
    assert_eq!(on(23), Action::Hold);
    assert_eq!(on(24), Action::Deliver);
    assert_eq!(on(30), Action::Deliver);
    assert_eq!(
        decide(
            &policy,
            &named(&["x@coach.example"]).facts(),
            date(2026, 12, 1).at(0, 0, 0, 0)
        )
        .action,
        Action::Hold
    );
}

/// Rules and exceptions that cannot all be meant.
const CONTRADICTIONS: &str = r#"
name = "n"
title = "t"
[classes]
internal = { domains = ["trust.example"] }
police = { domains = ["police.example"] }
[[rule]]
id = "names"
title = "names"
clause = "1"
remedy = "r"
action = "hold"
when = { recipients = ["outside"], except_recipients = ["police"], found = { categories = ["pupil-name"] } }
[[rule]]
id = "lists"
title = "lists"
clause = "1"
remedy = "r"
action = "warn"
when = { recipients = ["outside"], except_recipients = ["police"], found = { categories = ["pupil-name"], min_people = 5 } }
[[rule]]
id = "asleep"
title = "asleep"
action = "hold"
mode = "off"
when = { recipients = ["outside"], unread = ["any"] }
[[exception]]
id = "e1"
rules = ["asleep"]
classes = ["police"]
reason = "r"
clause = "1"
[[exception]]
id = "e2"
rules = ["names"]
classes = ["police"]
reason = "r"
clause = "1"
[[exception]]
id = "e3"
rules = ["names"]
classes = ["internal"]
reason = "r"
clause = "1"
[[exception]]
id = "e4"
rules = ["names"]
classes = ["outside"]
reason = "r"
clause = "1"
[[exception]]
id = "e5"
rules = ["names"]
recipients = ["far.example"]
reason = "r"
approver = "dpo"
starts = 2026-12-01
expires = 2026-11-01
[[exception]]
id = "e6"
rules = ["names"]
recipients = ["far.example"]
reason = "r"
approver = "dpo"
starts = 2026-01-01
expires = 2026-11-01
"#;

#[test]
fn check_finds_what_contradicts_itself() {
    let policy = Policy::parse("t.toml", CONTRADICTIONS).unwrap();
    let told: Vec<String> = policy.check().iter().map(ToString::to_string).collect();
    let all = told.join("\n");
    for part in [
        "rule lists: it changes nothing: rule names fires whenever it does and asks for hold",
        "exception e1 and rule asleep: it waives the rule, which is off",
        "exception e2 and rule names: the rule excepts those recipients already",
        "exception e3 and rule names: the rule is for recipients outside, the exception for others",
        "exception e4 and rule names: it waives the rule for everybody: switch the rule off instead",
        "exception e5 ends before it starts",
        "exception e6",
        "no rule stops medical from leaving",
    ] {
        assert!(all.contains(part), "{part:?} is not in:\n{all}");
    }
    assert!(!all.contains("rule names: it changes nothing"), "{all}");
}

#[test]
fn two_people_may_be_asked_for_from_a_severity_on() {
    let review = |line: &str| {
        let text = format!("name = \"t\"\ntitle = \"t\"\n[review]\n{line}\n");
        Policy::parse("p.toml", &text).map(|policy| policy.governance.review)
    };
    let all = [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Criminal,
    ];
    let none = review("").unwrap();
    assert!(!all.iter().any(|rule| none.needs_second_person(*rule)));
    let high = review("second_person_from = \"high\"").unwrap();
    assert_eq!(
        all.map(|rule| high.needs_second_person(rule)),
        [false, false, true, true]
    );
    let told = review("second_person_from = \"grave\"").unwrap_err();
    assert!(
        told.to_string().contains(
            "review.second_person_from: found \"grave\"; allowed: low, medium, high, criminal"
        ),
        "{told}"
    );
}
