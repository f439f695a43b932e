//! Reads rules, caps, exceptions and identities of a policy file.
//!
//! # Invariants
//! Every mistake is reported with its line; what could not be read is left at its default, and the file gives no policy.

use std::sync::Arc;

use super::classes::Classes;
use super::condition::{AddedHeader, Files, Found, HeaderWanted, Hours, PlaceKind, When};
use super::document::{Side, addresses, class_refs, no_address, optional, plain, rules_exist};
use super::fields::{AnyOf, Fields, Lined, Sink};
use super::rule::{Cap, Escalation, Exception, Identity, Mode, Party, Role, Rule, Tag};
use super::verdict::Action;
use crate::detect::Confidence;

/// The words an action may be, for mistakes.
pub(super) const ACTIONS: &str = "deliver, tag, warn, reroute, hold, refuse";

pub(super) fn rule(sink: &mut Sink, classes: &Classes, mut fields: Fields<'_, '_>) -> Rule {
    let (id, title) = names(sink, &mut fields);
    let clause = optional(fields.text(sink, "clause"));
    let severity = fields.choice(sink, "severity").unwrap_or_default();
    let action = action(sink, &mut fields);
    let mode = fields.choice(sink, "mode").unwrap_or_default();
    let waivable = fields.flag(sink, "waivable").unwrap_or(true);
    let remedy = optional(fields.text(sink, "remedy"));
    let covers = plain(fields.texts(sink, "covers"));
    let tell = roles(sink, &mut fields, "tell");
    let urgent = fields.flag(sink, "urgent").unwrap_or(false);
    let escalate = escalation(sink, &mut fields);
    let tag = tag(sink, &mut fields);
    let split = fields.flag(sink, "split").unwrap_or(false);
    let four_eyes = fields.flag(sink, "four_eyes").unwrap_or(false);
    let note = optional(fields.text(sink, "note"));
    let when = match fields.table(sink, "when") {
        Some(table) => when(sink, classes, table),
        None => When::default(),
    };
    if action == Action::Tag && tag.is_none() {
        let allowed = "tag = { headers = [...], subject_prefix = \"...\" }";
        let mend = "say how the message is marked";
        sink.mistake(fields.line, fields.key("tag"), "nothing", allowed, mend);
    }
    let line = fields.line;
    fields.finish(sink);
    Rule {
        id,
        title,
        clause,
        severity,
        action,
        mode,
        waivable,
        when,
        remedy,
        covers,
        tell,
        urgent,
        escalate,
        tag,
        split,
        four_eyes,
        note,
        line,
    }
}

/// Id and title, which go into logs and replies.
fn names(sink: &mut Sink, fields: &mut Fields<'_, '_>) -> (Arc<str>, Arc<str>) {
    let id = fields.required_text(sink, "id");
    let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !id.value.chars().all(simple) {
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
    (id.value.into(), title.value.into())
}

fn action(sink: &mut Sink, fields: &mut Fields<'_, '_>) -> Action {
    let given = fields.has("action");
    let action = fields.choice(sink, "action");
    if action.is_none() && !given {
        let mend = "add action = \"hold\"";
        sink.mistake(fields.line, fields.key("action"), "nothing", ACTIONS, mend);
    }
    action.unwrap_or(Action::Hold)
}

fn roles(sink: &mut Sink, fields: &mut Fields<'_, '_>, name: &'static str) -> Vec<Role> {
    let texts = fields.texts(sink, name).into_iter();
    let roles = texts.map(|text| match text.value.as_str() {
        "sender" => Role::Sender,
        "owner" => Role::Owner,
        named => Role::Named(named.into()),
    });
    roles.collect()
}

fn escalation(sink: &mut Sink, fields: &mut Fields<'_, '_>) -> Option<Escalation> {
    let mut table = fields.table(sink, "escalate")?;
    let minutes = table.number(sink, "minutes");
    let to = roles(sink, &mut table, "to");
    if minutes.is_none() || to.is_empty() {
        let allowed = "minutes and to";
        let mend = "write it as { minutes = 15, to = [\"dpo\"] }";
        let key = table.key("to");
        sink.mistake(table.line, key, "an escalation without them", allowed, mend);
    }
    table.finish(sink);
    Some(Escalation {
        minutes: minutes.unwrap_or(0).min(u64::from(u32::MAX)) as u32,
        to,
    })
}

/// Header lines and a subject prefix; both must be what a header can carry.
fn tag(sink: &mut Sink, fields: &mut Fields<'_, '_>) -> Option<Tag> {
    let mut table = fields.table(sink, "tag")?;
    let mut headers = Vec::new();
    for text in table.texts(sink, "headers") {
        if let Some(header) = added_header(&text.value) {
            headers.push(header);
        } else {
            let allowed = "\"X-Name: value\" in ASCII, of at most 200 characters";
            let mend = "begin with X-, a colon behind the name";
            let key = table.key("headers");
            sink.mistake(text.line, key, "no header line of our own", allowed, mend);
        }
    }
    let prefix = table.text(sink, "subject_prefix");
    if let Some(text) = &prefix {
        let printable = text.value.chars().all(|c| (' '..='~').contains(&c));
        if !printable || text.value.trim().is_empty() || text.value.len() > 40 {
            let allowed = "1 to 40 ASCII characters";
            let mend = "write something like [External]";
            let key = table.key("subject_prefix");
            sink.mistake(
                text.line,
                key,
                "no prefix a subject can carry",
                allowed,
                mend,
            );
        }
    }
    table.finish(sink);
    Some(Tag {
        headers,
        subject_prefix: optional(prefix),
    })
}

/// Only `X-` fields: a policy must not be able to forge trace or routing headers.
fn added_header(text: &str) -> Option<AddedHeader> {
    let (name, value) = text.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let token = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let own = name.len() > 2 && name.get(..2)?.eq_ignore_ascii_case("x-");
    let good = own
        && name.chars().all(token)
        && !value.is_empty()
        && value.chars().all(|c| (' '..='~').contains(&c))
        && text.len() <= 200;
    good.then(|| AddedHeader {
        name: name.into(),
        value: value.into(),
    })
}

fn when(sink: &mut Sink, classes: &Classes, mut fields: Fields<'_, '_>) -> When {
    let rcpts = Side::Recipients;
    let recipients = class_refs(sink, classes, &mut fields, "recipients", rcpts);
    let except_recipients = class_refs(sink, classes, &mut fields, "except_recipients", rcpts);
    let min_recipients = fields.number(sink, "min_recipients").unwrap_or(1) as usize;
    let senders = class_refs(sink, classes, &mut fields, "senders", Side::Senders);
    let except_senders = class_refs(sink, classes, &mut fields, "except_senders", Side::Senders);
    let authors = class_refs(sink, classes, &mut fields, "authors", Side::Named);
    let reply_to = class_refs(sink, classes, &mut fields, "reply_to", Side::Named);
    let found = fields.table(sink, "found").map(|table| found(sink, table));
    let files = fields.table(sink, "files").map(|table| files(sink, table));
    let headers = fields.tables(sink, "headers");
    let headers = headers.into_iter().map(|table| header_wanted(sink, table));
    let headers = headers.collect();
    let hours = fields.table(sink, "hours").map(|table| hours(sink, table));
    let when = When {
        recipients,
        except_recipients,
        min_recipients,
        visible: fields.flag(sink, "visible").unwrap_or(false),
        only_recipient: fields.flag(sink, "only_recipient").unwrap_or(false),
        senders,
        except_senders,
        authors,
        reply_to,
        identity: fields.choices(sink, "identity"),
        found,
        protection: fields.choices(sink, "protection"),
        locks: fields.flag(sink, "locks"),
        unread: fields.choices_or_any(sink, "unread"),
        defects: fields.choices_or_any(sink, "defects"),
        automation: fields.choices(sink, "automation"),
        forwarded_by_hand: fields.flag(sink, "forwarded_by_hand"),
        recognised: fields.flag(sink, "recognised"),
        unfinished: fields.flag(sink, "unfinished"),
        personal: fields.flag(sink, "personal"),
        min_bytes: fields.number(sink, "min_bytes"),
        files,
        headers,
        hours,
    };
    fields.finish(sink);
    when
}

fn found(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Found {
    let owned = |texts: Vec<Lined<String>>| texts.into_iter().map(|text| text.value).collect();
    let detectors = owned(fields.texts(sink, "detectors"));
    let except_detectors = owned(fields.texts(sink, "except_detectors"));
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
            Some(AnyOf::Of(list)) => Some(list),
            Some(AnyOf::Any) | None => None,
        },
        views: fields.choices(sink, "views"),
        tied_to_person: fields.flag(sink, "tied_to_person").unwrap_or(false),
        obfuscated: fields.flag(sink, "obfuscated").unwrap_or(false),
        files: fields.choices(sink, "files"),
    };
    fields.finish(sink);
    found
}

fn files(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Files {
    let files = Files {
        kinds: fields.choices(sink, "kinds"),
        min_count: fields.number(sink, "min_count").unwrap_or(1).max(1) as usize,
        min_bytes: fields.number(sink, "min_bytes").unwrap_or(0),
        misnamed: fields.flag(sink, "misnamed").unwrap_or(false),
    };
    fields.finish(sink);
    files
}

fn header_wanted(sink: &mut Sink, mut fields: Fields<'_, '_>) -> HeaderWanted {
    let wanted = HeaderWanted {
        name: fields.required_text(sink, "name").value,
        contains: fields
            .some_texts(sink, "contains")
            .into_iter()
            .map(|text| text.value.to_lowercase())
            .collect(),
    };
    fields.finish(sink);
    wanted
}

fn hours(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Hours {
    let from = fields.time(sink, "from");
    let to = fields.time(sink, "to");
    let days: Vec<Day> = fields.choices(sink, "days");
    let hours = Hours {
        from: from.unwrap_or_default(),
        to: to.unwrap_or_default(),
        days: days.into_iter().map(Day::weekday).collect(),
    };
    if hours.from == hours.to && hours.days.is_empty() {
        let allowed = "from and to, or days";
        let mend = "write it as { from = \"18:00\", to = \"07:00\", days = [\"saturday\"] }";
        let key = fields.key("from");
        sink.mistake(fields.line, key, "hours that never are", allowed, mend);
    }
    fields.finish(sink);
    hours
}

/// A day of the week by its name.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    fn weekday(self) -> jiff::civil::Weekday {
        use jiff::civil::Weekday;
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

pub(super) fn cap(sink: &mut Sink, classes: &Classes, mut fields: Fields<'_, '_>) -> Cap {
    let cap = Cap {
        automation: fields.choices(sink, "automation"),
        senders: class_refs(sink, classes, &mut fields, "senders", Side::Senders),
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

pub(super) fn identity(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Option<Identity> {
    let authors = addresses(sink, &mut fields, "author");
    let senders = parties(sink, &mut fields, "senders");
    if senders.is_empty() || authors.len() != 1 {
        let allowed = "author = [\"one address\"] and senders = [\"...\"]";
        let mend = "name one mailbox and who may send in its name";
        let key = fields.key("author");
        sink.mistake(fields.line, key, "an identity without them", allowed, mend);
    }
    fields.finish(sink);
    Some(Identity {
        author: authors.first()?.key(),
        senders,
    })
}

pub(super) fn exception(
    sink: &mut Sink,
    classes: &Classes,
    rules: &[Rule],
    mut fields: Fields<'_, '_>,
) -> Exception {
    let id = fields.required_text(sink, "id").value;
    let waived = waived_rules(sink, rules, &mut fields);
    let before = sink.mistakes.len();
    let senders = parties(sink, &mut fields, "senders");
    let recipients = parties(sink, &mut fields, "recipients");
    let sides = (Side::Senders, Side::Recipients);
    let sender_classes = class_refs(sink, classes, &mut fields, "sender_classes", sides.0);
    let class_list = class_refs(sink, classes, &mut fields, "classes", sides.1);
    let unlimited = senders.is_empty()
        && recipients.is_empty()
        && class_list.is_empty()
        && sender_classes.is_empty();
    if unlimited && sink.mistakes.len() == before {
        let allowed = "senders, sender_classes, recipients or classes";
        let mend = "say for whom it is, or switch the rule off";
        let (line, key) = (fields.line, fields.key("senders"));
        sink.mistake(line, key, "an exception for everybody", allowed, mend);
    }
    let reason = fields.required_text(sink, "reason").value.into();
    let clause = optional(fields.text(sink, "clause"));
    let standing = clause.is_some();
    let approver = if standing {
        optional(fields.text(sink, "approver"))
    } else {
        Some(fields.required_text(sink, "approver").value.into())
    };
    let starts = fields.date(sink, "starts");
    let dated = fields.has("expires");
    let expires = fields.date(sink, "expires");
    if expires.is_none() && !dated && !standing {
        let mend = "add expires = 2027-07-31, or the clause of the document that makes it standing";
        let key = fields.key("expires");
        sink.mistake(fields.line, key, "nothing", "a date, required", mend);
    }
    let exception = Exception {
        id: id.into(),
        covers: plain(fields.texts(sink, "covers")),
        clause,
        mode: fields.choice(sink, "mode").unwrap_or(Mode::Enforce),
        rules: waived,
        senders,
        sender_classes,
        recipients,
        classes: class_list,
        only_recipient: fields.flag(sink, "only_recipient").unwrap_or(false),
        tag: tag(sink, &mut fields),
        reason,
        approver,
        starts,
        expires,
        line: fields.line,
    };
    fields.finish(sink);
    exception
}

/// The rules an exception waives: they exist, and may be waived.
fn waived_rules(sink: &mut Sink, rules: &[Rule], fields: &mut Fields<'_, '_>) -> Vec<Arc<str>> {
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
    plain(named)
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
