//! Rules that speak of recipients by what may be seen in them: own mailboxes, look-alike domains, namesakes, lists of mail services.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use beadle::extract::{Location, Place, Unit, View};
use beadle::mail::{Address, Domain, Envelope};
use beadle::policy::case::CaseMessage;
use beadle::policy::document::PolicyError;
use beadle::policy::look_alike::LookAlikes;
use beadle::policy::mailboxes::named_mailboxes;
use beadle::policy::name_agreement::SenderNames;
use beadle::policy::namesake::Insiders;
use beadle::policy::own_mailbox::{Circumstances, Host, own_mailbox};
use beadle::policy::person_name::{LocalPart, PersonName, is_short_form};
use beadle::policy::{Action, Policy, Verdict, decide};
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

/// A Monday morning.
const NOW: DateTime = date(2026, 11, 23).at(10, 0, 0, 0);
/// The Sunday evening before.
const SUNDAY: DateTime = date(2026, 11, 22).at(20, 0, 0, 0);

/// A mailbox that its service cannot issue: it asks for six characters and counts no dots.
const NEVER_ISSUED: &str = "jo.xu@gmail.com";

const POLICY: &str = r#"
name = "traits"
title = "Traits of recipients"

[classes]
internal = { domains = ["oakfieldtrust.example"] }
partner = { domains = ["meadowcouncil.example"] }
sister = { domains = ["oakfield-trust.example"] }
freemail = { lists = ["freemail", "disposable"] }
provider = { lists = ["weak-freemail"] }

[[rule]]
id = "own"
title = "it goes to the sender's own mailbox"
action = "hold"
when = { recipients = ["own-mailbox"] }

[[rule]]
id = "perhaps"
title = "it may go to the sender's own mailbox"
action = "warn"
when = { recipients = ["perhaps-own-mailbox"] }

[[rule]]
id = "look-alike"
title = "a recipient's domain looks like another"
action = "hold"
when = { recipients = ["look-alike"] }

[[rule]]
id = "namesake"
title = "a recipient outside has a colleague's name"
action = "hold"
when = { recipients = ["namesake"], except_recipients = ["own-mailbox"] }

[[rule]]
id = "first"
title = "nobody wrote there before"
action = "warn"
when = { recipients = ["first-contact"] }

[[rule]]
id = "freemail"
title = "it goes to a private mailbox"
action = "warn"
when = { recipients = ["freemail"] }

[[rule]]
id = "provider"
title = "it goes to a provider"
action = "warn"
when = { recipients = ["provider"] }
"#;

fn policy() -> Policy {
    Policy::parse("traits.toml", POLICY).unwrap()
}

/// A message from Jane Whitcombe of the trust; `headers` are further ones.
fn message(to: &[&str], headers: &[(&str, &str)]) -> CaseMessage {
    let from = Address::parse("jane.whitcombe@oakfieldtrust.example").unwrap();
    let to = to.iter().map(|text| Address::parse(text).unwrap());
    let mut message = CaseMessage::new(Envelope::of(Some(from), to));
    let from = "Jane Whitcombe <jane.whitcombe@oakfieldtrust.example>";
    message.add_header("From", from);
    message.add_header("Subject", "Minutes of the meeting");
    for (name, value) in headers {
        message.add_header(name, value);
    }
    message
}

fn body(message: &mut CaseMessage, text: &str) {
    message.content.units.push(Unit {
        location: Location::of(Place::Body),
        view: View::Visible,
        text: text.to_owned(),
    });
}

fn judged(message: &CaseMessage) -> Verdict {
    decide(&policy(), &message.facts(), NOW)
}

fn fired(message: &CaseMessage) -> Vec<String> {
    let verdict = judged(message);
    let mut rules: Vec<String> = verdict
        .hits
        .iter()
        .map(|hit| hit.rule.to_string())
        .collect();
    rules.sort_unstable();
    rules
}

fn because(verdict: &Verdict, rule: &str) -> String {
    let hit = verdict.hits.iter().find(|hit| &*hit.rule == rule);
    hit.unwrap_or_else(|| panic!("{rule} did not fire"))
        .because
        .clone()
}

#[test]
fn mail_home_is_held_and_the_reason_names_nobody() {
    let message = message(&["jane@whitcombe.example"], &[]);
    let verdict = judged(&message);
    assert_eq!(verdict.action, Action::Hold);
    let because = because(&verdict, "own");
    let said = "a recipient looks like the sender's own private mailbox \
                (score 70: same name, a domain named after the sender, only recipient)";
    assert!(because.contains(said), "{because}");
    assert!(!because.to_lowercase().contains("whitcombe"), "{because}");
}

#[test]
fn a_mail_service_makes_a_name_an_own_mailbox_and_a_firm_does_not() {
    let from = Address::parse("jo.xu@oakfieldtrust.example").unwrap();
    for (to, rules) in [
        (NEVER_ISSUED, vec!["freemail", "own"]),
        ("jo.xu@firm.example", vec![]),
        ("jo.xu@meadowcouncil.example", vec![]),
        ("office@gmail.com", vec!["freemail"]),
    ] {
        let to = Address::parse(to).unwrap();
        let message = CaseMessage::new(Envelope::of(Some(from.clone()), [to.clone()]));
        assert_eq!(fired(&message), rules, "{to}");
    }
    // Outsiders and machines have no own mailbox here.
    for from in [None, Some(Address::parse("jo.xu@far.example").unwrap())] {
        let to = Address::parse(NEVER_ISSUED).unwrap();
        let message = CaseMessage::new(Envelope::of(from, [to]));
        assert_eq!(fired(&message), ["freemail"]);
    }
}

#[test]
fn what_the_message_looks_like_raises_the_score() {
    let to = ["j@whitcombe.example"];
    let mut long = message(&to, &[]);
    body(
        &mut long,
        "The minutes of the meeting are below, as promised.",
    );
    assert_eq!(fired(&long), ["perhaps"]);
    let score = because(&judged(&long), "perhaps");
    assert!(score.contains("(score 55: "), "{score}");

    let mut short = message(&to, &[]);
    body(&mut short, " \n");
    short.add_file("application/pdf", 40_000, false);
    let verdict = decide(&policy(), &short.facts(), SUNDAY);
    let score = because(&verdict, "own");
    let said = "(score 80: same surname and initial, a domain named after the sender, only recipient, little or no text, \
                attachments, in the evening or at the weekend)";
    assert!(score.contains(said), "{score}");

    // The logo of a signature is no attachment, and a subject such as "FYI" is no text.
    let mut logo = message(&to, &[]);
    body(
        &mut logo,
        "The minutes of the meeting are below, as promised.",
    );
    logo.add_file("image/png", 8_000, false);
    logo.headers.fields.retain(|field| field.name != "Subject");
    logo.add_header("Subject", "=?utf-8?q?FYI_-_to_print?=");
    let score = because(&judged(&logo), "own");
    assert!(
        score.contains("only recipient, little or no text)"),
        "{score}"
    );
}

#[test]
fn relatives_parents_and_registered_contacts_are_left_alone() {
    let mut family = message(
        &["peter@whitcombe.example"],
        &[("To", "Peter Whitcombe <peter@whitcombe.example>")],
    );
    family.history.sole_writer = vec![true];
    family.add_file("application/pdf", 40_000, false);
    assert!(fired(&family).is_empty());

    let mut parent = message(&["jane@whitcombe.example"], &[]);
    parent.add_contact(1, "jane@whitcombe.example");
    assert!(fired(&parent).is_empty());
}

#[test]
fn a_delegate_sends_home_for_the_author_too() {
    let from = Address::parse("office@oakfieldtrust.example").unwrap();
    let to = Address::parse("jane@whitcombe.example").unwrap();
    let mut message = CaseMessage::new(Envelope::of(Some(from), [to]));
    assert!(fired(&message).is_empty());
    message.add_header("From", "Whitcombe, Jane <head@oakfieldtrust.example>");
    assert_eq!(fired(&message), ["own"]);
}

#[test]
fn look_alikes_are_held_unless_a_class_names_them() {
    let message = message(&["clerk@oakfeildtrust.example"], &[]);
    let verdict = judged(&message);
    let said = "a recipient's domain is one slip away from a domain of the trust";
    assert!(because(&verdict, "look-alike").contains(said));
    for (to, rules) in [
        ("clerk@meadow-council.example", vec!["look-alike"]),
        ("x@gmial.com", vec!["freemail", "look-alike"]),
        ("clerk@oakfield-trust.example", vec![]),
        ("clerk@mail.oakfieldtrust.example", vec![]),
        ("clerk@ashmeretrust.example", vec![]),
    ] {
        assert_eq!(fired(&self::message(&[to], &[])), rules, "{to}");
    }
    assert_eq!(fired(&self::message(&["x@gmail.com"], &[])), ["freemail"]);
}

#[test]
fn namesakes_of_colleagues_are_held_and_offices_are_not() {
    let inside = "kit.yarrow@oakfieldtrust.example";
    let both = message(&[inside, "kit.yarrow@far.example"], &[]);
    let said = "a recipient outside has the same part before the @ as somebody of the trust in this message";
    assert!(because(&judged(&both), "namesake").contains(said));

    let named = message(
        &["k7@far.example"],
        &[
            ("To", "Kit Yarrow <k7@far.example>"),
            ("Cc", "\"Yarrow, Kit\" <ky@oakfieldtrust.example>"),
        ],
    );
    assert_eq!(fired(&named), ["namesake"]);

    let posed = message(
        &["k7@far.example"],
        &[(
            "To",
            "\"kit.yarrow@oakfieldtrust.example\" <k7@far.example>",
        )],
    );
    assert_eq!(fired(&posed), ["namesake"]);

    let offices = message(&["office@oakfieldtrust.example", "office@far.example"], &[]);
    assert!(fired(&offices).is_empty());
    // The sender's own copy makes no namesake of the sender's other mailbox.
    let copy = message(
        &[
            "jane.whitcombe@oakfieldtrust.example",
            "jane.whitcombe@far.example",
        ],
        &[],
    );
    assert!(fired(&copy).is_empty());
    let partner = message(&[inside, "kit.yarrow@meadowcouncil.example"], &[]);
    assert!(fired(&partner).is_empty());
}

#[test]
fn first_contact_and_lists_are_classes_like_others() {
    let mut message = message(&["new@far.example", "old@far.example"], &[]);
    assert!(fired(&message).is_empty());
    message.history.first_contact = vec![true, false];
    let verdict = judged(&message);
    assert!(because(&verdict, "first").contains("1 recipient nobody of the trust wrote to before"));
    for (to, rule) in [
        ("x@talktalk.net", "freemail"),
        ("x@mail.mailinator.com", "freemail"),
        ("x@bt.com", "provider"),
    ] {
        assert_eq!(fired(&self::message(&[to], &[])), [rule], "{to}");
    }
}

#[test]
fn without_the_trusts_domains_nobody_is_taken_for_anything() {
    let policy = Policy::parse(
        "traits.toml",
        &POLICY.replace("\"oakfieldtrust.example\"", ""),
    )
    .unwrap();
    let message = message(&["jane@whitcombe.example", "x@oakfeildtrust.example"], &[]);
    assert_eq!(
        decide(&policy, &message.facts(), NOW).action,
        Action::Deliver
    );
}

#[test]
fn the_words_are_reserved_and_lists_stay_out_of_the_trust() {
    let mistakes = |text: &str| match Policy::parse("t.toml", text) {
        Err(PolicyError::Mistakes { mistakes, .. }) => mistakes,
        other => panic!("expected mistakes, got {other:?}"),
    };
    let head = "name = \"t\"\ntitle = \"t\"\n";
    let taken = mistakes(&format!("{head}[classes]\nown-mailbox = {{}}\n"));
    assert!(taken[0].found.contains("reserved"), "{taken:?}");
    let open = mistakes(&format!(
        "{head}[classes]\ninternal = {{ lists = [\"freemail\"] }}\n"
    ));
    assert_eq!(open[0].key, "classes.internal.lists");
    let wrong = mistakes(&format!(
        "{head}[classes]\nx = {{ lists = [\"freemale\"] }}\n"
    ));
    assert!(wrong[0].mend.contains("freemail"), "{wrong:?}");
    let sender = "[[rule]]\nid = \"r\"\ntitle = \"r\"\naction = \"hold\"\nwhen = { senders = [\"look-alike\"] }\n";
    let sender = mistakes(&format!("{head}{sender}"));
    assert!(sender[0].found.contains("look-alike"), "{sender:?}");
}

#[test]
fn no_list_of_the_binary_looks_like_a_school() {
    // Every host of the lists against a trust and a partner: a list that grew must not make the mail services look like schools.
    let domain = |text: &str| Domain::parse(text).unwrap();
    let known = LookAlikes::new(
        &[domain("oakfieldtrust.example")],
        &[domain("meadowcouncil.example")],
    );
    for text in [
        include_str!("../patterns/lists/uk-freemail.txt"),
        include_str!("../patterns/lists/uk-weak.txt"),
        include_str!("../patterns/lists/relays.txt"),
    ] {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(known.of(&domain(line)), None, "{line}");
        }
    }
}

/// Names of a dictionary.
fn dictionary(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// The score of a mailbox of another person, in a message that looks as much as it can like mail home.
fn score_of_other(sender: (&str, &str), local: &str) -> u8 {
    let address = format!("{}.{}@trust.example", sender.0, sender.1);
    let shown = format!("{} {}", sender.0, sender.1);
    let sender = SenderNames::of(&Address::parse(&address).unwrap(), Some(&shown));
    let other = Address::parse(&format!("{local}@home.example")).unwrap();
    let circumstances = Circumstances {
        only_recipient: true,
        little_text: true,
        attachments: true,
        out_of_hours: true,
        ..Circumstances::default()
    };
    own_mailbox(&sender, &other, Host::Freemail, None, circumstances).score
}

#[test]
fn people_with_common_names_are_told_apart() {
    let forenames = dictionary(include_str!(
        "../patterns/dictionaries/common-forenames.txt"
    ));
    let surnames = dictionary(include_str!("../patterns/dictionaries/common-surnames.txt"));
    let (mut relatives, mut strangers, mut alike) = (0, 0, Vec::new());
    for (nth, sender) in forenames.iter().enumerate() {
        let surname = surnames[nth % surnames.len()];
        for other in &forenames {
            if sender != other && !is_short_form(sender, other) {
                relatives += 1;
                let score = score_of_other((sender, surname), &format!("{other}.{surname}"));
                assert!(score < 40, "{sender} {other} {surname}: {score}");
            }
        }
        for other in surnames.iter().filter(|other| **other != surname) {
            strangers += 1;
            if score_of_other((sender, surname), &format!("{sender}{other}")) >= 40 {
                alike.push((surname, *other));
            }
        }
    }
    assert!(relatives > 12_000 && strangers > 11_000);
    // One letter between two surnames is as often a misspelling: Davies and Davis, Clarke and Clark.
    assert!(alike.len() * 1_000 < strangers, "{alike:?}");
}

proptest! {
    /// Strangers choose names, addresses and domains: nothing panics, and every score stays within its range.
    #[test]
    fn nothing_a_stranger_writes_panics(name in "\\PC{0,40}", local in "[^\"\\\\\\p{Cc}@]{1,20}", host in "[a-z0-9-]{1,12}(\\.[a-z0-9-]{1,12}){0,3}") {
        let _names = PersonName::of_display(&name);
        let _local = LocalPart::of(&local);
        let _list = named_mailboxes(&name);
        if let (Ok(address), Ok(domain)) = (Address::parse(&format!("\"{local}\"@{host}")), Domain::parse(&host)) {
            let sender = SenderNames::of(&address, Some(&name));
            for kind in [Host::of(&domain), Host::Freemail, Host::Unlisted] {
                let own = own_mailbox(&sender, &address, kind, Some(&name), Circumstances::default());
                prop_assert!(own.score <= 100);
            }
            let mut insiders = Insiders::default();
            insiders.add(&address, Some(&name));
            let _namesake = insiders.namesake(&address, Some(&name), |_| true);
            let known = LookAlikes::new(std::slice::from_ref(&domain), &[]);
            prop_assert!(known.of(&domain).is_none() || known.of(&domain).unwrap().of == beadle::policy::look_alike::LooksLike::MailService);
        }
    }
}
