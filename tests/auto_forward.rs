//! Each mark of automatic forwarding, and everything that must not be taken for it, read from messages as mail systems write them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "forwards/fixture.rs"]
mod fixture;
#[path = "forwards/held.rs"]
mod held;
#[path = "forwards/passed.rs"]
mod passed;

use beadle::policy::AutomationState::{
    AutoForward, AutoReply, Journal, None as Nothing, Suspected,
};
use beadle::policy::{Action, HabitMark, Policy, automation, decide, mailbox_owner};
use jiff::civil::date;

use fixture::{Fixture, OUT, PLAIN, message, policy};
use held::FORWARDS;
use passed::OTHERS;

/// The messages that the reference asks for by name (its section 12), but for `af_client_rule_behaviour`, which takes many.
const NAMED_FORWARDS: &[&str] = &[
    "af_exo_inbox_forward",
    "af_exo_forward_attachment",
    "af_exo_redirect_resentfrom",
    "af_exo_forwardingsmtp_srs",
    "af_exo_forwardingsmtp_nosrs",
    "af_exo_forwardinghandled",
    "af_transport_rule",
    "af_powerautomate_forward",
    "af_gmail_caf",
    "af_gmail_xforwarded",
    "af_postfix_dotforward",
    "af_postfix_alias_structural",
    "af_sieve_redirect",
    "af_exim_srs0",
    "af_zimbra",
    "af_hmail_forward",
    "af_autosubmitted_forwarded",
];

const NAMED_OTHERS: &[&str] = &[
    "neg_exchange_oof",
    "neg_exchange_template_reply",
    "neg_gmail_vacation",
    "neg_sieve_vacation",
    "neg_zimbra_vacation",
    "neg_hmail_vacation",
    "neg_list_mailman_own",
    "neg_newsletter_human_fwd",
    "neg_thunderbird_fwd",
    "neg_outlook_fwd",
    "neg_manual_resend",
    "neg_ldprocessed_extaddr",
    "neg_ldprocessed_extfwd",
    "neg_phish_report_rfc822_with_loop_headers_inside",
    "neg_journal",
    "neg_meeting_forward",
    "neg_dsn",
    "neg_internal_autoforward",
];

/// Marks that a message can be known by. F8, F14, F16 and F19 name systems that leave no header of their own: their messages are
/// here under `envelope`. F20 tells of mail that comes in and is among what passes.
const MARKS: &[&str] = &[
    "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F9", "F10", "F11", "F12", "F13", "F15", "F17",
    "F18", "F21", "F22", "F23", "F24", "F25", "envelope",
];

fn judge(fixture: &Fixture) {
    let policy = policy();
    let message = fixture.message();
    let facts = message.facts();
    let automation = automation(&facts, &policy.classes);
    let name = fixture.name;
    assert_eq!(
        automation.state, fixture.state,
        "{name}: {:?}",
        automation.evidence
    );
    let evidence = &automation.evidence;
    if fixture.evidence.is_empty() {
        assert!(evidence.is_empty(), "{name}: {evidence:?}");
    } else {
        assert!(
            evidence.iter().any(|id| **id == *fixture.evidence),
            "{name}: {evidence:?}"
        );
    }
    let verdict = decide(&policy, &facts, date(2026, 11, 23).at(10, 0, 0, 0));
    let held = verdict.hits.iter().any(|hit| &*hit.rule == "auto-forward");
    assert_eq!(held, automation.is_forward(), "{name}");
    assert_ne!(verdict.action, Action::Refuse, "{name}");
    if automation.is_forward() {
        let owner = mailbox_owner(&facts, &policy.classes).map(|owner| owner.key());
        assert_eq!(owner.unwrap_or_default(), fixture.owner, "{name}");
        assert_eq!(automation.owner_known, !fixture.owner.is_empty(), "{name}");
    } else {
        let hits: Vec<&str> = verdict.hits.iter().map(|hit| &*hit.rule).collect();
        assert_eq!(verdict.action, Action::Deliver, "{name}: {hits:?}");
    }
}

#[test]
fn every_mark_is_recognised_and_held() {
    for fixture in FORWARDS {
        judge(fixture);
        assert!(matches!(fixture.state, AutoForward | Suspected));
    }
}

#[test]
fn nothing_else_is_taken_for_a_forward() {
    for fixture in OTHERS {
        judge(fixture);
    }
}

#[test]
fn every_message_that_the_reference_names_is_here() {
    let once = |set: &[Fixture], name: &str| {
        let count = set.iter().filter(|fixture| fixture.name == name).count();
        assert_eq!(count, 1, "{name}");
    };
    for name in NAMED_FORWARDS {
        once(FORWARDS, name);
    }
    for name in NAMED_OTHERS {
        once(OTHERS, name);
    }
    for mark in MARKS {
        let shown = FORWARDS.iter().any(|fixture| fixture.evidence == *mark);
        assert!(shown, "no message for {mark}");
    }
}

#[test]
fn the_header_section_alone_decides() {
    // The same marks that hold a message mean nothing inside an attached one or in its text.
    let policy = policy();
    for fixture in FORWARDS {
        let top = "From: jo@trust.example\nTo: helpdesk@support.example\nSubject: Is this real?\nMIME-Version: 1.0\n";
        let attached = format!(
            "--b\nContent-Type: text/plain\n\nIt looks wrong.\n--b\nContent-Type: message/rfc822\n\n{}\n{}\n--b--\n",
            fixture.headers, fixture.body
        );
        let mixed = format!("{top}Content-Type: multipart/mixed; boundary=b\n");
        let quoted = format!("It looks wrong:\n\n{}\n{}", fixture.headers, fixture.body);
        for (headers, body) in [(mixed.as_str(), &attached), (top, &quoted)] {
            let message = message(
                "jo@trust.example",
                &["helpdesk@support.example"],
                headers,
                body,
            );
            let found = automation(&message.facts(), &policy.classes);
            assert_eq!(
                found.state, Nothing,
                "{}: {:?}",
                fixture.name, found.evidence
            );
            assert!(found.evidence.is_empty(), "{}", fixture.name);
        }
    }
}

#[test]
fn a_device_that_may_write_for_others_is_not_judged_by_the_envelope() {
    let policy = policy();
    let headers = "From: parent@home.example\nTo: jo.private@mail.example\n";
    let mut message = message("parent@home.example", OUT, headers, PLAIN);
    assert_eq!(
        automation(&message.facts(), &policy.classes).state,
        AutoForward
    );
    message.client.own_server = false;
    assert_eq!(automation(&message.facts(), &policy.classes).state, Nothing);
}

#[test]
fn without_known_domains_only_headers_speak() {
    let policy = Policy::embedded("standard").unwrap();
    let headers = "From: jo@trust.example\nTo: jo.private@mail.example\n";
    let plain = message("jo@trust.example", OUT, headers, PLAIN);
    assert_eq!(automation(&plain.facts(), &policy.classes).state, Nothing);
    let headers = "X-MS-Exchange-ForwardingLoop: jo@trust.example;1\n";
    let marked = message("jo@trust.example", OUT, headers, PLAIN);
    assert_eq!(
        automation(&marked.facts(), &policy.classes).state,
        AutoForward
    );
}

#[test]
fn an_out_of_office_reply_carries_no_files() {
    let headers = format!(
        "{}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
        OTHERS[0].headers
    );
    let body = "--b\nContent-Type: text/plain\n\nAway.\n--b\nContent-Type: message/rfc822\n\nFrom: parent@home.example\nSubject: Trip\n\nAre there places left?\n--b--\n";
    let message = message(OTHERS[0].from, OTHERS[0].to, &headers, body);
    assert_eq!(
        automation(&message.facts(), &policy().classes).state,
        AutoForward
    );
}

#[test]
fn a_journal_goes_to_the_archive_only_when_one_is_named() {
    let text = "name = \"a\"\ntitle = \"a\"\n[classes]\ninternal = { domains = [\"trust.example\"] }\narchive = { domains = [\"vault.example\"] }\n";
    let policy = Policy::parse("a.toml", text).unwrap();
    let headers = "From: journal@trust.example\nX-MS-Journal-Report:\nX-MS-Exchange-Transport-Rules-Loop: 1\n";
    let right = message(
        "journal@trust.example",
        &["in@vault.example"],
        headers,
        PLAIN,
    );
    assert_eq!(automation(&right.facts(), &policy.classes).state, Journal);
    let wrong = message("journal@trust.example", OUT, headers, PLAIN);
    assert_eq!(automation(&wrong.facts(), &policy.classes).state, Suspected);
}

#[test]
fn behaviour_over_time_makes_a_suspicion_and_never_more() {
    let policy = policy();
    let headers = "From: jo@trust.example\nTo: jo.private@mail.example\nSubject: FW: Trip\nIn-Reply-To: <1@home.example>\n";
    let mut message = message("jo@trust.example", OUT, headers, PLAIN);
    assert_eq!(automation(&message.facts(), &policy.classes).state, Nothing);
    let mark = |score| HabitMark {
        id: "B5".into(),
        score,
    };
    for (score, state) in [(15, Nothing), (40, Suspected), (100, Suspected)] {
        message.history.marks = vec![mark(score), mark(score)];
        let found = automation(&message.facts(), &policy.classes);
        assert_eq!(found.state, state);
        assert_eq!(found.evidence, ["B5".into()]);
    }
    let verdict = decide(
        &policy,
        &message.facts(),
        date(2026, 11, 23).at(10, 0, 0, 0),
    );
    assert_eq!(verdict.action, Action::Hold);
    assert!(verdict.hits.iter().any(|hit| hit.because.contains("B5")));
    // What an exclusion explains stays explained, and the trust's own people may get what they like.
    let mut reply = OTHERS[0].message();
    reply.history.marks = vec![mark(40)];
    let found = automation(&reply.facts(), &policy.classes);
    assert_eq!(found.state, AutoReply);
    let mut inside = OTHERS
        .iter()
        .find(|f| f.name == "neg_internal_autoforward")
        .unwrap()
        .message();
    inside.history.marks = vec![mark(40)];
    assert_eq!(automation(&inside.facts(), &policy.classes).state, Nothing);
}

#[test]
fn a_case_of_a_policy_may_speak_of_behaviour() {
    let text = |habits: &str| {
        format!(
            "name = \"a\"\ntitle = \"a\"\ncase_internal = [\"trust.example\"]\n[[rule]]\nid = \"forward\"\ntitle = \"it was forwarded\"\naction = \"hold\"\n\
             when = {{ recipients = [\"not-internal\"], automation = [\"suspected\"] }}\n[[case]]\nname = \"over time\"\nfrom = \"jo@trust.example\"\n\
             to = [\"jo@mail.example\"]\nhabits = {habits}\nexpect = \"hold\"\nrules = [\"forward\"]\nautomation = \"suspected\"\n"
        )
    };
    let policy = Policy::parse("a.toml", &text("[\"B2\"]")).unwrap();
    let wrong: Vec<String> = policy
        .check()
        .into_iter()
        .map(|problem| problem.text)
        .collect();
    assert!(
        !wrong.iter().any(|text| text.contains("over time")),
        "{wrong:?}"
    );
    let policy = Policy::parse("a.toml", &text("[]")).unwrap();
    assert!(
        policy
            .check()
            .iter()
            .any(|problem| problem.text.contains("over time"))
    );
    let error = Policy::parse("a.toml", &text("[\"B9\"]"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("habits") && error.contains("B1 to B5"),
        "{error}"
    );
}

#[test]
fn towards_the_senders_own_mailbox_every_mark_says_more() {
    let policy = policy();
    let judged = |to: &str, headers: &str, habit: Option<u32>| {
        let headers = format!(
            "From: Jane Whitcombe <jane.whitcombe@trust.example>\nTo: {to}\nSubject: Trip\n{headers}"
        );
        let mut message = message("jane.whitcombe@trust.example", &[to], &headers, PLAIN);
        message.history.marks = habit
            .into_iter()
            .map(|score| HabitMark {
                id: "B1".into(),
                score,
            })
            .collect();
        decide(
            &policy,
            &message.facts(),
            date(2026, 11, 23).at(10, 0, 0, 0),
        )
        .automation
    };
    let flow = "x-ms-mail-application: Microsoft Power Automate\nx-ms-mail-operation-type: Send\n";
    let rule = "X-MS-Exchange-Transport-Rules-Loop: 1\n";
    let own = "me@jane-whitcombe.example";
    for (headers, habit, usual, towards_own) in [
        ("", None, Nothing, Nothing),
        (flow, None, Nothing, Suspected),
        (rule, None, Suspected, AutoForward),
        ("", Some(15), Nothing, Suspected),
        ("", Some(40), Suspected, Suspected),
        (flow, Some(40), Suspected, Suspected),
    ] {
        assert_eq!(
            judged("a@firm.example", headers, habit).state,
            usual,
            "{headers}{habit:?}"
        );
        let found = judged(own, headers, habit);
        assert_eq!(found.state, towards_own, "{headers}{habit:?}");
        let named = found.evidence.iter().any(|id| &**id == "own-mailbox");
        assert_eq!(named, found.is_forward(), "{:?}", found.evidence);
    }
}
