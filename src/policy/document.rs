//! Reads a policy file. What its keys mean is told in `patterns/policies/standard.toml`.
//!
//! # Invariants
//! A file with any mistake gives no policy, and every mistake is reported at once with its line.

use std::fmt::Write as _;
use std::sync::Arc;

use toml::de::DeTable;

use super::case_document::case;
use super::classes::{CLASSES_AT_MOST, Class, Classes};
use super::fields::{Fields, Lined, Mistake, Sink};
use super::rule::{Cap, ClassRef, Exception, Found, Party, PlaceKind, Policy, Rule, When};
use super::verdict::Action;
use crate::detect::Confidence;
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
const EMBEDDED: &[(&str, &str)] = &[(
    "standard",
    include_str!("../../patterns/policies/standard.toml"),
)];

/// Names that have a meaning of their own and cannot be given to a class.
const RESERVED: &[&str] = &["any", "outside", "not-internal", "contact"];

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

    /// The names [`Policy::embedded`] knows.
    pub fn names() -> Vec<&'static str> {
        EMBEDDED.iter().map(|(name, _)| *name).collect()
    }
}

fn policy(sink: &mut Sink, mut top: Fields<'_, '_>) -> Policy {
    let name = top.required_text(sink, "name").value.into();
    let title = top.required_text(sink, "title").value.into();
    let source = optional(top.text(sink, "source"));
    let classes = match top.table(sink, "classes") {
        Some(table) => Classes::new(classes(sink, &table)),
        None => Classes::default(),
    };
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
    let caps = caps.map(|fields| cap(sink, fields)).collect();
    let exceptions = top.tables(sink, "exception").into_iter();
    let exceptions = exceptions
        .filter_map(|fields| exception(sink, &classes, &rules, fields))
        .collect();
    let case_internal = domains(sink, &mut top, "case_internal");
    let case_partner = domains(sink, &mut top, "case_partner");
    let cases = top.tables(sink, "case").into_iter();
    let cases = cases
        .filter_map(|fields| case(sink, &rules, fields))
        .collect();
    top.finish(sink);
    Policy {
        name,
        title,
        source,
        classes,
        rules,
        caps,
        exceptions,
        cases,
        case_internal,
        case_partner,
    }
}

fn optional(text: Option<Lined<String>>) -> Option<Arc<str>> {
    text.map(|text| text.value.into())
}

fn domains(sink: &mut Sink, fields: &mut Fields<'_, '_>, name: &'static str) -> Vec<Domain> {
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
            let allowed = "a name other than any, outside, not-internal, contact";
            let mend = "rename the class";
            let found = "a reserved name";
            sink.mistake(name.line, table.key(&name.value), found, allowed, mend);
        }
        let class_domains = domains(sink, &mut fields, "domains");
        let subdomains = fields.flag(sink, "subdomains").unwrap_or(true);
        let addresses = addresses(sink, &mut fields, "addresses");
        fields.finish(sink);
        list.push(Class {
            name: name.value.into(),
            domains: class_domains,
            subdomains,
            addresses: addresses.iter().map(Address::key).collect(),
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

fn class_refs(
    sink: &mut Sink,
    classes: &Classes,
    fields: &mut Fields<'_, '_>,
    name: &'static str,
) -> Vec<ClassRef> {
    let texts = fields.some_texts(sink, name);
    let mut refs = Vec::new();
    for text in texts {
        let class = match text.value.as_str() {
            "any" => Some(ClassRef::Any),
            "outside" => Some(ClassRef::Outside),
            "not-internal" => Some(ClassRef::NotInternal),
            "contact" => Some(ClassRef::Contact),
            named => classes.position(named).map(ClassRef::Named),
        };
        if class.is_none() {
            let mut allowed = RESERVED.to_vec();
            allowed.extend(classes.list().iter().map(|class| &*class.name));
            sink.wrong_word(text.line, &fields.key(name), &text.value, &allowed);
        }
        refs.extend(class);
    }
    refs
}

fn rule(sink: &mut Sink, classes: &Classes, mut fields: Fields<'_, '_>) -> Rule {
    let id = fields.required_text(sink, "id");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !id.value.chars().all(plain) {
        let allowed = "lower-case letters, digits and hyphens";
        let found = format!("\"{}\"", id.value);
        let mend = "ids are written in logs and replies: simplify it";
        sink.mistake(id.line, fields.key("id"), found, allowed, mend);
    }
    let title = fields.required_text(sink, "title");
    let printable = title.value.chars().all(|c| (' '..='~').contains(&c));
    if !printable || title.value.len() > 100 {
        let allowed = "one line of at most 100 ASCII characters";
        let found = "a title that an SMTP reply cannot carry";
        let mend = "shorten it, or replace characters such as curly quotes";
        sink.mistake(title.line, fields.key("title"), found, allowed, mend);
    }
    let clause = optional(fields.text(sink, "clause"));
    let severity = fields.choice(sink, "severity").unwrap_or_default();
    let has_action = fields.has("action");
    let action = fields.choice(sink, "action");
    if action.is_none() && !has_action {
        let mend = "add action = \"hold\"";
        let allowed = "deliver, hold, refuse";
        sink.mistake(fields.line, fields.key("action"), "nothing", allowed, mend);
    }
    let mode = fields.choice(sink, "mode").unwrap_or_default();
    let waivable = fields.flag(sink, "waivable").unwrap_or(true);
    let remedy = optional(fields.text(sink, "remedy"));
    let when = match fields.table(sink, "when") {
        Some(table) => when(sink, classes, table),
        None => When::default(),
    };
    let line = fields.line;
    fields.finish(sink);
    Rule {
        id: id.value.into(),
        title: title.value.into(),
        clause,
        severity,
        action: action.unwrap_or(Action::Hold),
        mode,
        waivable,
        when,
        remedy,
        line,
    }
}

fn when(sink: &mut Sink, classes: &Classes, mut fields: Fields<'_, '_>) -> When {
    let recipients = class_refs(sink, classes, &mut fields, "recipients");
    let except_recipients = class_refs(sink, classes, &mut fields, "except_recipients");
    let min_recipients = fields.number(sink, "min_recipients").unwrap_or(1) as usize;
    let found = fields.table(sink, "found").map(|table| found(sink, table));
    let when = When {
        recipients,
        except_recipients,
        min_recipients,
        senders: fields.choices(sink, "senders"),
        found,
        protection: fields.choices(sink, "protection"),
        locks: fields.flag(sink, "locks"),
        unread: fields.choices_or_any(sink, "unread"),
        defects: fields.choices_or_any(sink, "defects"),
        automation: fields.choices(sink, "automation"),
        recognised: fields.flag(sink, "recognised"),
        unfinished: fields.flag(sink, "unfinished"),
        min_bytes: fields.number(sink, "min_bytes"),
    };
    fields.finish(sink);
    when
}

fn found(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Found {
    let plain = |texts: Vec<Lined<String>>| texts.into_iter().map(|text| text.value).collect();
    let detectors = plain(fields.texts(sink, "detectors"));
    let except_detectors = plain(fields.texts(sink, "except_detectors"));
    let places = fields.choices_or_any::<PlaceKind>(sink, "locations");
    let found = Found {
        categories: fields.choices(sink, "categories"),
        detectors,
        except_detectors,
        min_confidence: fields
            .choice(sink, "min_confidence")
            .unwrap_or(Confidence::Medium),
        min_people: fields.number(sink, "min_people").unwrap_or(0) as usize,
        min_values: fields.number(sink, "min_values").unwrap_or(0) as usize,
        places: match places {
            Some(super::fields::AnyOf::Of(list)) => Some(list),
            Some(super::fields::AnyOf::Any) | None => None,
        },
        views: fields.choices(sink, "views"),
        tied_to_person: fields.flag(sink, "tied_to_person").unwrap_or(false),
    };
    fields.finish(sink);
    found
}

fn cap(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Cap {
    let cap = Cap {
        automation: fields.choices(sink, "automation"),
        senders: fields.choices(sink, "senders"),
        at: fields.choice(sink, "at").unwrap_or(Action::Hold),
        reason: fields.required_text(sink, "reason").value.into(),
    };
    if cap.automation.is_empty() && cap.senders.is_empty() {
        let allowed = "automation or senders";
        let mend = "say for which messages the cap is";
        let key = fields.key("");
        let key = key.trim_end_matches('.');
        sink.mistake(fields.line, key, "a cap on everything", allowed, mend);
    }
    fields.finish(sink);
    cap
}

fn exception(
    sink: &mut Sink,
    classes: &Classes,
    rules: &[Rule],
    mut fields: Fields<'_, '_>,
) -> Option<Exception> {
    let id = fields.required_text(sink, "id").value;
    let named = fields.texts(sink, "rules");
    rules_exist(sink, rules, &fields.key("rules"), &named);
    for text in &named {
        let fixed = rules.iter().any(|r| *r.id == *text.value && !r.waivable);
        if fixed {
            let found = format!("\"{}\", which cannot be waived", text.value);
            let allowed = "rules without waivable = false";
            let mend = "remove it from this exception";
            sink.mistake(text.line, fields.key("rules"), found, allowed, mend);
        }
    }
    if named.is_empty() {
        let mend = "add rules = [\"...\"]";
        let allowed = "the rules it waives, by id";
        sink.mistake(fields.line, fields.key("rules"), "nothing", allowed, mend);
    }
    let before = sink.mistakes.len();
    let senders = parties(sink, &mut fields, "senders");
    let recipients = parties(sink, &mut fields, "recipients");
    let class_list = class_refs(sink, classes, &mut fields, "classes");
    let unlimited = senders.is_empty() && recipients.is_empty() && class_list.is_empty();
    if unlimited && sink.mistakes.len() == before {
        let allowed = "senders, recipients or classes";
        let mend = "say for whom it is, or switch the rule off";
        let key = fields.key("senders");
        sink.mistake(
            fields.line,
            key,
            "an exception for everybody",
            allowed,
            mend,
        );
    }
    let reason = fields.required_text(sink, "reason").value.into();
    let approver = fields.required_text(sink, "approver").value.into();
    let dated = fields.has("expires");
    let expires = fields.date(sink, "expires");
    if expires.is_none() && !dated {
        let mend = "add expires = 2027-07-31";
        let key = fields.key("expires");
        sink.mistake(fields.line, key, "nothing", "a date, required", mend);
    }
    let line = fields.line;
    fields.finish(sink);
    Some(Exception {
        id: id.into(),
        rules: named.into_iter().map(|text| text.value.into()).collect(),
        senders,
        recipients,
        classes: class_list,
        reason,
        approver,
        expires: expires?,
        line,
    })
}

pub(super) fn rules_exist(sink: &mut Sink, rules: &[Rule], key: &str, named: &[Lined<String>]) {
    let ids: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
    for text in named {
        if !ids.contains(&text.value.as_str()) {
            sink.wrong_word(text.line, key, &text.value, &ids);
        }
    }
}

fn parties(sink: &mut Sink, fields: &mut Fields<'_, '_>, name: &'static str) -> Vec<Party> {
    let texts = fields.texts(sink, name);
    let mut list = Vec::new();
    for text in texts {
        match Party::parse(&text.value) {
            Some(party) => list.push(party),
            None => no_address(sink, &fields.key(name), text.line, "nor a domain"),
        }
    }
    list
}
