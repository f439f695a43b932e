//! Reads a policy file. What its keys mean is told in `patterns/policies/standard.toml`.
//!
//! # Invariants
//! A file with any mistake gives no policy, and every mistake is reported at once with its line.

use std::fmt::Write as _;
use std::sync::Arc;

use toml::de::DeTable;

use super::case_document::case;
use super::classes::{CLASSES_AT_MOST, Class, Classes};
use super::condition::ClassRef;
use super::fields::{Fields, Lined, Mistake, Sink};
use super::governance::Governance;
use super::governance_document::governance;
use super::lists::ListName;
use super::rule::{Party, Policy, Rule};
use super::rule_document::{cap, exception, identity, rule};
use crate::mail::{Address, Domain};

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file has mistakes: mend them.
    #[error("{}", listed(file, mistakes))]
    Mistakes {
        /// The name of the file.
        file: String,
        /// Every mistake in the order of lines.
        mistakes: Vec<Mistake>,
    },
    /// No policy of that name is built in: choose another.
    #[error("no built-in policy {name:?}; there are: {}", Policy::names().join(", "))]
    UnknownName {
        /// The name that was asked for.
        name: String,
    },
}

fn listed(file: &str, mistakes: &[Mistake]) -> String {
    let mut text = format!("policy {file} has {} mistake(s)", mistakes.len());
    for mistake in mistakes {
        let _infallible = write!(text, "\n  {file}: {mistake}");
    }
    text
}

/// The policies that are part of the binary.
const EMBEDDED: &[(&str, &str)] = &[
    (
        "standard",
        include_str!("../../patterns/policies/standard.toml"),
    ),
    (
        "st-albans",
        include_str!("../../patterns/policies/st-albans.toml"),
    ),
    (
        "one-it",
        include_str!("../../patterns/policies/one-it.toml"),
    ),
    (
        "st-marys",
        include_str!("../../patterns/policies/st-marys.toml"),
    ),
    (
        "chancery",
        include_str!("../../patterns/policies/chancery.toml"),
    ),
    (
        "southwell-nottingham",
        include_str!("../../patterns/policies/southwell-nottingham.toml"),
    ),
];

/// Names that have a meaning of their own and cannot be given to a class.
const RESERVED: &[&str] = &[
    "any",
    "outside",
    "not-internal",
    "null",
    "contact",
    "first-contact",
    "own-mailbox",
    "perhaps-own-mailbox",
    "look-alike",
    "namesake",
];

/// Of whom a list of classes speaks: not every word fits everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Recipients of the envelope.
    Recipients,
    /// The sender of the envelope.
    Senders,
    /// Addresses that headers name.
    Named,
}

impl Side {
    fn reads(self, word: &str) -> Option<ClassRef> {
        match (word, self) {
            ("any", _) => Some(ClassRef::Any),
            ("outside", _) => Some(ClassRef::Outside),
            ("not-internal", _) => Some(ClassRef::NotInternal),
            ("null", Self::Senders) => Some(ClassRef::Null),
            ("contact", Self::Recipients) => Some(ClassRef::Contact),
            ("first-contact", Self::Recipients) => Some(ClassRef::FirstContact),
            ("own-mailbox", Self::Recipients) => Some(ClassRef::OwnMailbox),
            ("perhaps-own-mailbox", Self::Recipients) => Some(ClassRef::PerhapsOwnMailbox),
            ("look-alike", Self::Recipients) => Some(ClassRef::LookAlike),
            ("namesake", Self::Recipients) => Some(ClassRef::Namesake),
            _ => None,
        }
    }
}

impl Policy {
    /// Reads the text of a policy file; `file` is its name, for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, PolicyError> {
        let mut sink = Sink::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(1, |span| sink.line(span.start));
            let what = error.message().lines().collect::<Vec<_>>().join(", ");
            sink.mistake(line, "", what, "TOML 1.1", "mend the syntax of this line");
        }
        // After a syntax error the tables may be torn apart; what follows from that would only confuse.
        let policy = errors
            .is_empty()
            .then(|| policy(&mut sink, Fields::new("", 1, table.get_ref())));
        let mut mistakes = sink.mistakes;
        mistakes.sort_by_key(|mistake| mistake.line);
        match policy {
            Some(policy) if mistakes.is_empty() => Ok(policy),
            _ => Err(PolicyError::Mistakes {
                file: file.to_owned(),
                mistakes,
            }),
        }
    }

    /// A policy that is part of the binary.
    pub fn embedded(name: &str) -> Result<Self, PolicyError> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        let Some((name, text)) = found else {
            return Err(PolicyError::UnknownName {
                name: name.to_owned(),
            });
        };
        Self::parse(&format!("{name}.toml (built in)"), text)
    }

    /// The text of a policy that is part of the binary; `None` when there is none of that name.
    pub fn embedded_text(name: &str) -> Option<&'static str> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| *text)
    }

    /// The names [`Policy::embedded`] knows.
    pub fn names() -> Vec<&'static str> {
        EMBEDDED.iter().map(|(name, _)| *name).collect()
    }
}

fn policy(sink: &mut Sink, mut top: Fields<'_, '_>) -> Policy {
    let name = top.required_text(sink, "name").value.into();
    let title = top.required_text(sink, "title").value.into();
    let source = optional(top.text(sink, "source"));
    let limits = plain(top.texts(sink, "limits"));
    let classes = match top.table(sink, "classes") {
        Some(table) => Classes::new(classes(sink, &table)),
        None => Classes::default(),
    };
    let governance = governance(sink, &mut top);
    let mut rules = Vec::new();
    for fields in top.tables(sink, "rule") {
        let rule = rule(sink, &classes, fields);
        if rules.iter().any(|other: &Rule| other.id == rule.id) && !rule.id.is_empty() {
            let found = format!("\"{}\" a second time", rule.id);
            let mend = "give this rule another id";
            sink.mistake(rule.line, "rule.id", found, "an id used once", mend);
        }
        rules.push(rule);
    }
    let caps = top.tables(sink, "cap").into_iter();
    let caps = caps.map(|fields| cap(sink, &classes, fields)).collect();
    let exceptions = top.tables(sink, "exception").into_iter();
    let exceptions = exceptions
        .map(|fields| exception(sink, &classes, &rules, fields))
        .collect();
    let identities = top.tables(sink, "identity").into_iter();
    let identities = identities
        .filter_map(|fields| identity(sink, fields))
        .collect();
    let confidential = class_refs(sink, &classes, &mut top, "confidential", Side::Recipients);
    roles_exist(sink, &rules, &governance);
    let case_internal = domains(sink, &mut top, "case_internal");
    let case_partner = domains(sink, &mut top, "case_partner");
    let case_members = case_members(sink, &classes, &mut top);
    let cases = top.tables(sink, "case").into_iter();
    let cases = cases
        .filter_map(|fields| case(sink, &rules, fields))
        .collect();
    top.finish(sink);
    Policy {
        name,
        title,
        source,
        limits,
        classes,
        rules,
        caps,
        exceptions,
        identities,
        confidential,
        governance,
        cases,
        case_internal,
        case_partner,
        case_members,
    }
}

/// Rules may only tell roles that `[people]` knows.
fn roles_exist(sink: &mut Sink, rules: &[Rule], governance: &Governance) {
    let mut known = vec!["sender", "owner"];
    known.extend(governance.people.iter().map(|person| &*person.role));
    for rule in rules {
        let escalated = rule.escalate.iter().flat_map(|e| &e.to);
        for role in rule.tell.iter().chain(escalated) {
            if !known.contains(&role.name()) {
                let key = format!("rule {}.tell", rule.id);
                sink.wrong_word(rule.line, &key, role.name(), &known);
            }
        }
    }
    for role in &governance.review.reviewers {
        if governance.person(role).is_none() {
            sink.wrong_word(1, "review.reviewers", role, &known[2..]);
        }
    }
}

/// Members of classes that only the cases count on.
fn case_members(
    sink: &mut Sink,
    classes: &Classes,
    top: &mut Fields<'_, '_>,
) -> Vec<(usize, Party)> {
    let Some(table) = top.table(sink, "case_members") else {
        return Vec::new();
    };
    let mut members = Vec::new();
    let names: Vec<&str> = classes.list().iter().map(|class| &*class.name).collect();
    for (name, texts) in table.lists(sink) {
        let Some(index) = classes.position(&name.value) else {
            sink.wrong_word(name.line, &table.key(&name.value), &name.value, &names);
            continue;
        };
        for text in texts {
            match Party::parse(&text.value) {
                Some(party) => members.push((index, party)),
                None => no_address(sink, &table.key(&name.value), text.line, "nor a domain"),
            }
        }
    }
    members
}

pub(super) fn plain(texts: Vec<Lined<String>>) -> Vec<Arc<str>> {
    texts.into_iter().map(|text| text.value.into()).collect()
}

pub(super) fn optional(text: Option<Lined<String>>) -> Option<Arc<str>> {
    text.map(|text| text.value.into())
}

pub(super) fn domains(
    sink: &mut Sink,
    fields: &mut Fields<'_, '_>,
    name: &'static str,
) -> Vec<Domain> {
    let texts = fields.texts(sink, name);
    let mut domains = Vec::new();
    for text in texts {
        if let Ok(domain) = Domain::parse(&text.value) {
            domains.push(domain);
        } else {
            let mend = "write only what stands after the @";
            let allowed = "a domain such as trust.example";
            sink.mistake(text.line, fields.key(name), "no domain", allowed, mend);
        }
    }
    domains
}

fn classes(sink: &mut Sink, table: &Fields<'_, '_>) -> Vec<Class> {
    let mut list = Vec::new();
    for (name, mut fields) in table.entries(sink) {
        if RESERVED.contains(&name.value.as_str()) {
            let allowed = format!("a name other than {}", RESERVED.join(", "));
            let mend = "rename the class";
            let found = "a reserved name";
            sink.mistake(name.line, table.key(&name.value), found, allowed, mend);
        }
        let class_domains = domains(sink, &mut fields, "domains");
        let subdomains = fields.flag(sink, "subdomains").unwrap_or(true);
        let addresses = addresses(sink, &mut fields, "addresses");
        let optional = fields.flag(sink, "optional").unwrap_or(false);
        let lists: Vec<ListName> = fields.choices(sink, "lists");
        if !lists.is_empty() && ["internal", "partner"].contains(&name.value.as_str()) {
            let allowed = "a class of its own, such as freemail = { lists = [\"freemail\"] }";
            let found = "mail services that are open to anybody";
            let mend = "take the lists out of this class";
            sink.mistake(name.line, fields.key("lists"), found, allowed, mend);
        }
        fields.finish(sink);
        list.push(Class {
            name: name.value.into(),
            domains: class_domains,
            subdomains,
            addresses: addresses.iter().map(Address::key).collect(),
            optional,
            lists,
        });
    }
    if list.len() > CLASSES_AT_MOST - 2 {
        let found = format!("{} classes", list.len());
        let allowed = format!("at most {}", CLASSES_AT_MOST - 2);
        sink.mistake(table.line, "classes", found, allowed, "join some of them");
    }
    list
}

pub(super) fn addresses(
    sink: &mut Sink,
    fields: &mut Fields<'_, '_>,
    name: &'static str,
) -> Vec<Address> {
    let texts = fields.texts(sink, name);
    let mut list = Vec::new();
    for text in texts {
        match Address::parse(&text.value) {
            Ok(address) => list.push(address),
            Err(error) => no_address(sink, &fields.key(name), text.line, &error.to_string()),
        }
    }
    list
}

pub(super) fn no_address(sink: &mut Sink, key: &str, line: usize, why: &str) {
    let found = format!("no address ({why})");
    let allowed = "an address such as office@trust.example";
    sink.mistake(line, key, found, allowed, "write it as local@domain");
}

pub(super) fn class_refs(
    sink: &mut Sink,
    classes: &Classes,
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    side: Side,
) -> Vec<ClassRef> {
    let texts = fields.some_texts(sink, name);
    let mut refs = Vec::new();
    for text in texts {
        let word = text.value.as_str();
        let class = side
            .reads(word)
            .or_else(|| classes.position(word).map(ClassRef::Named));
        if class.is_none() {
            let reserved = RESERVED.iter().copied();
            let mut allowed: Vec<&str> = reserved.filter(|w| side.reads(w).is_some()).collect();
            allowed.extend(classes.list().iter().map(|class| &*class.name));
            sink.wrong_word(text.line, &fields.key(name), &text.value, &allowed);
        }
        refs.extend(class);
    }
    refs
}

pub(super) fn rules_exist(sink: &mut Sink, rules: &[Rule], key: &str, named: &[Lined<String>]) {
    let ids: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
    for text in named {
        if !ids.contains(&text.value.as_str()) {
            sink.wrong_word(text.line, key, &text.value, &ids);
        }
    }
}
