//! What differs between two policies, in words for the person who must approve the change.
//!
//! # Invariants
//! Pure. Every field of rules, exceptions, ceilings, classes and procedure is compared; what is not listed is the same, but for notes,
//! cases and the order of rules, which change no outcome.

use std::fmt::Debug;

use super::classes::{Class, Classes};
use super::condition::{ClassRef, Found, When};
use super::governance::Retention;
use super::rule::{Exception, Party, Policy, Role, Rule, Severity};
use crate::mail::Domain;

/// Fields of one thing with their values in words; an empty value means that it is not set.
type Described = Vec<(String, String)>;

/// Gives every thing of a kind with its fields.
type Describe = fn(&Policy) -> Vec<(String, Described)>;

/// The differences, one a line, in the order rules, exceptions, ceilings, identities, classes, procedure.
pub fn compared(before: &Policy, after: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    let kinds: [(&str, Describe); 5] = [
        ("rule", rules),
        ("exception", exceptions),
        ("ceiling", caps),
        ("class", classes),
        ("procedure", procedure),
    ];
    for (what, kind) in kinds {
        differences(what, &kind(before), &kind(after), &mut lines);
    }
    lines
}

fn differences(
    what: &str,
    before: &[(String, Described)],
    after: &[(String, Described)],
    lines: &mut Vec<String>,
) {
    for (id, fields) in after {
        let Some((_, old)) = before.iter().find(|(known, _)| known == id) else {
            let set: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            lines.push(format!("{what} {id} is new; {}", set.join("; ")));
            continue;
        };
        for (name, value) in fields {
            let was = old.iter().find(|(known, _)| known == name);
            let was = was.map_or("", |(_, was)| was.as_str());
            if was != value {
                lines.push(format!(
                    "{what} {id}, {name}: {} -> {}",
                    or_nothing(was),
                    or_nothing(value)
                ));
            }
        }
    }
    for (id, fields) in before {
        if !after.iter().any(|(known, _)| known == id) {
            let first: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .take(3)
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            lines.push(format!("{what} {id} is gone; it had {}", first.join("; ")));
        }
    }
}

fn or_nothing(value: &str) -> &str {
    if value.is_empty() { "(nothing)" } else { value }
}

/// Each rule's id with what it asks of a message before it fires, by name and in words; what it does not ask is left out.
pub fn rule_conditions(policy: &Policy) -> Vec<(String, Vec<(String, String)>)> {
    let rules = policy.rules.iter().map(|rule| {
        let mut list = Described::new();
        conditions(&rule.when, &policy.classes, &mut list);
        list.retain(|(_, value)| !value.is_empty());
        (rule.id.to_string(), list)
    });
    rules.collect()
}

fn rules(policy: &Policy) -> Vec<(String, Described)> {
    let rules = policy.rules.iter();
    rules
        .map(|rule| (rule.id.to_string(), rule_fields(rule, &policy.classes)))
        .collect()
}

fn rule_fields(rule: &Rule, classes: &Classes) -> Described {
    let mut list = vec![
        field("action", rule.action.name()),
        field("mode", &words(&rule.mode)),
        field("title", &rule.title),
        field("clause", rule.clause.as_deref().unwrap_or_default()),
        field("severity", rule.severity.name()),
        field("waivable", &flag(rule.waivable)),
        field("remedy", rule.remedy.as_deref().unwrap_or_default()),
        field("tell", &joined(rule.tell.iter().map(Role::name))),
        field("urgent", &flag(rule.urgent)),
        field("split", &flag(rule.split)),
        field("two people release", &flag(rule.four_eyes)),
    ];
    let escalate = rule.escalate.as_ref().map(|escalate| {
        let to = joined(escalate.to.iter().map(Role::name));
        format!("after {} minutes to {to}", escalate.minutes)
    });
    list.push(field("escalation", &escalate.unwrap_or_default()));
    list.push(field("mark", &set(rule.tag.as_ref())));
    conditions(&rule.when, classes, &mut list);
    list
}

fn conditions(when: &When, classes: &Classes, list: &mut Described) {
    for (name, refs) in [
        ("recipients", &when.recipients),
        ("recipients left aside", &when.except_recipients),
        ("senders", &when.senders),
        ("senders left aside", &when.except_senders),
        ("authors", &when.authors),
        ("answers go to", &when.reply_to),
    ] {
        list.push(field(name, &names(refs, classes)));
    }
    let least = if when.min_recipients > 1 {
        when.min_recipients.to_string()
    } else {
        String::new()
    };
    list.push(field("recipients at least", &least));
    list.push(field("only shown recipients", &flag(when.visible)));
    list.push(field("only one recipient", &flag(when.only_recipient)));
    list.push(field("identity", &many(&when.identity)));
    found(when.found.as_ref(), list);
    list.push(field("protection", &many(&when.protection)));
    list.push(field("locks", &set(when.locks.as_ref())));
    list.push(field("unread", &set(when.unread.as_ref())));
    list.push(field("defects", &set(when.defects.as_ref())));
    list.push(field("automation", &many(&when.automation)));
    list.push(field(
        "forwarded by hand",
        &set(when.forwarded_by_hand.as_ref()),
    ));
    list.push(field("read by OCR", &set(when.recognised.as_ref())));
    list.push(field("unfinished", &set(when.unfinished.as_ref())));
    list.push(field("personal", &set(when.personal.as_ref())));
    list.push(field("bytes at least", &set(when.min_bytes.as_ref())));
    list.push(field("files", &set(when.files.as_ref())));
    let headers = when.headers.iter().map(|wanted| {
        let contains = wanted.contains.join(" or ");
        format!("{} {contains}", wanted.name).trim_end().to_owned()
    });
    list.push(field("headers", &joined(headers)));
    list.push(field("hours", &set(when.hours.as_ref())));
}

fn found(found: Option<&Found>, list: &mut Described) {
    let Some(found) = found else {
        return;
    };
    let anything = if found.categories.is_empty() && found.detectors.is_empty() {
        "anything".to_owned()
    } else {
        joined(found.categories.iter().map(|category| category.name()))
    };
    list.push(field("found", &anything));
    list.push(field("found by", &found.detectors.join(", ")));
    list.push(field("not found by", &found.except_detectors.join(", ")));
    list.push(field("confidence at least", found.min_confidence.name()));
    for (name, least) in [
        ("people at least", found.min_people),
        ("values at least", found.min_values),
    ] {
        let least = if least > 1 {
            least.to_string()
        } else {
            String::new()
        };
        list.push(field(name, &least));
    }
    list.push(field("places", &set(found.places.as_ref())));
    list.push(field("views", &many(&found.views)));
    list.push(field("tied to a person", &flag(found.tied_to_person)));
    list.push(field("disguised", &flag(found.obfuscated)));
    list.push(field("in files", &many(&found.files)));
}

fn exceptions(policy: &Policy) -> Vec<(String, Described)> {
    let list = policy.exceptions.iter();
    list.map(|exception| {
        let fields = exception_fields(exception, &policy.classes);
        (exception.id.to_string(), fields)
    })
    .collect()
}

fn exception_fields(exception: &Exception, classes: &Classes) -> Described {
    vec![
        field("rules", &joined(exception.rules.iter())),
        field("mode", &words(&exception.mode)),
        field("senders", &joined(exception.senders.iter().map(party))),
        field("sender classes", &names(&exception.sender_classes, classes)),
        field(
            "recipients",
            &joined(exception.recipients.iter().map(party)),
        ),
        field("recipient classes", &names(&exception.classes, classes)),
        field("only one recipient", &flag(exception.only_recipient)),
        field("mark", &set(exception.tag.as_ref())),
        field("reason", &exception.reason),
        field(
            "granted by",
            exception.approver.as_deref().unwrap_or_default(),
        ),
        field("clause", exception.clause.as_deref().unwrap_or_default()),
        field("from", &set(exception.starts.as_ref())),
        field("to", &set(exception.expires.as_ref())),
    ]
}

fn caps(policy: &Policy) -> Vec<(String, Described)> {
    let caps = policy.caps.iter();
    caps.map(|cap| {
        let fields = vec![
            field("at most", cap.at.name()),
            field("automation", &many(&cap.automation)),
            field("senders", &names(&cap.senders, &policy.classes)),
        ];
        (format!("\"{}\"", cap.reason), fields)
    })
    .collect()
}

fn classes(policy: &Policy) -> Vec<(String, Described)> {
    let classes = policy.classes.list().iter();
    let mut list: Vec<(String, Described)> = classes
        .map(|class| (class.name.to_string(), class_fields(class)))
        .collect();
    for identity in &policy.identities {
        let senders = joined(identity.senders.iter().map(party));
        let name = format!("of those who send as {}", identity.author);
        list.push((name, vec![field("senders", &senders)]));
    }
    list
}

fn class_fields(class: &Class) -> Described {
    vec![
        field("domains", &joined(class.domains.iter().map(Domain::as_str))),
        field("subdomains", &flag(class.subdomains)),
        field("addresses", &class.addresses.join(", ")),
        field("lists", &joined(class.lists.iter().map(|list| list.name()))),
    ]
}

fn procedure(policy: &Policy) -> Vec<(String, Described)> {
    let governance = &policy.governance;
    let confidential = names(&policy.confidential, &policy.classes);
    let mut list = vec![
        (
            "of changes".to_owned(),
            vec![
                field("second person", &flag(governance.changes.second_person)),
                field(
                    "days of exceptions",
                    &governance.changes.max_days.to_string(),
                ),
            ],
        ),
        (
            "of retention".to_owned(),
            vec![
                field("days held", &governance.retention.held_days.to_string()),
                field(
                    "days released",
                    &governance.retention.released_days.to_string(),
                ),
                field(
                    "days refused",
                    &governance.retention.refused_days.to_string(),
                ),
                field("days by category", &days_by_category(&governance.retention)),
                field(
                    "days of events",
                    &governance.retention.event_days.to_string(),
                ),
            ],
        ),
        (
            "of review".to_owned(),
            vec![
                field("reviewers", &joined(governance.review.reviewers.iter())),
                field("access", &words(&governance.review.access)),
                field(
                    "second person from",
                    governance
                        .review
                        .second_person_from
                        .map_or("no severity", Severity::name),
                ),
                field("confidential recipients", &confidential),
            ],
        ),
        (
            "of notices".to_owned(),
            vec![field("text", &text_of(&governance.notices))],
        ),
    ];
    for person in &governance.people {
        let fields = vec![
            field("mailboxes", &joined(person.addresses.iter())),
            field("when", &words(&person.when)),
            field(
                "domains",
                &joined(person.domains.iter().map(Domain::as_str)),
            ),
        ];
        list.push((format!("role {}", person.role), fields));
    }
    list
}

fn text_of(notices: &super::governance::Notices) -> String {
    let texts = [
        &notices.monitoring,
        &notices.help,
        &notices.urgent_phone,
        &notices.secure_route,
    ];
    joined(texts.into_iter().flatten())
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn flag(value: bool) -> String {
    if value { "yes" } else { "" }.to_owned()
}

/// Times that differ for some categories: `medical: held 14, refused 3`.
fn days_by_category(retention: &Retention) -> String {
    let own = retention.categories.iter().map(|own| {
        let days = [
            ("held", own.held_days),
            ("released", own.released_days),
            ("refused", own.refused_days),
        ];
        let days = days.into_iter();
        let days = days.filter_map(|(name, days)| Some(format!("{name} {}", days?)));
        format!("{}: {}", many(&own.of), joined(days))
    });
    own.collect::<Vec<_>>().join("; ")
}

fn joined<T: ToString>(list: impl Iterator<Item = T>) -> String {
    let list: Vec<String> = list.map(|item| item.to_string()).collect();
    list.join(", ")
}

fn many<T: Debug>(list: &[T]) -> String {
    joined(list.iter().map(words))
}

fn set<T: Debug>(value: Option<&T>) -> String {
    value.map(words).unwrap_or_default()
}

/// The name of a variant as policies write it: `PupilName` is `pupil-name`.
fn words<T: Debug>(value: &T) -> String {
    let debug = format!("{value:?}");
    let mut text = String::with_capacity(debug.len() + 4);
    let mut before = ' ';
    for c in debug.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
        before = c;
    }
    text
}

fn party(party: &Party) -> String {
    match party {
        Party::Mailbox(mailbox) => mailbox.clone(),
        Party::Domain(domain) => domain.as_str().to_owned(),
    }
}

fn names(refs: &[ClassRef], classes: &Classes) -> String {
    joined(refs.iter().map(|class| {
        match class {
            ClassRef::Named(index) => classes
                .list()
                .get(*index)
                .map_or_else(String::new, |class| class.name.to_string()),
            other => words(other),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
name = "a"
title = "A"
[classes]
police = { domains = ["police.example"] }
[[rule]]
id = "names"
title = "Names"
action = "refuse"
when = { recipients = ["outside"], except_recipients = ["police"], found = { categories = ["pupil-name"] } }
[[rule]]
id = "old"
title = "Old"
action = "hold"
when = { unread = ["any"] }
"#;

    #[test]
    fn differences_are_said_and_the_order_of_classes_is_none() {
        let before = Policy::parse("a", BEFORE).unwrap();
        assert!(compared(&before, &before).is_empty());
        let text = BEFORE
            .replace(
                "[classes]\n",
                "[classes]\nunion = { domains = [\"union.example\"] }\n",
            )
            .replace("\"refuse\"", "\"hold\"")
            .replace("[\"pupil-name\"]", "[\"pupil-name\"], min_people = 2")
            .replace("\"old\"", "\"fresh\"");
        let after = Policy::parse("a", &text).unwrap();
        let lines = compared(&before, &after);
        for line in [
            "rule names, action: refuse -> hold",
            "rule names, people at least: (nothing) -> 2",
            "rule old is gone; it had action: hold; mode: enforce; title: Old",
            "class union is new; domains: union.example; subdomains: yes",
        ] {
            assert!(
                lines.iter().any(|found| found == line),
                "{line}: {lines:#?}"
            );
        }
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("rule fresh is new; action: hold"))
        );
        assert_eq!(lines.len(), 5, "{lines:#?}");
    }
}
