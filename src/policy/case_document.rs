//! Reads the cases of a policy file.

use jiff::civil::{date, time};

use super::behaviour;
use super::case::{Case, CaseFinding, CaseMessage};
use super::condition::{PlaceKind, ViewKind};
use super::document::{addresses, no_address, rules_exist};
use super::facts::ClientFacts;
use super::fields::{Fields, Sink};
use super::history::HabitMark;
use super::rule::Rule;
use super::rule_document::ACTIONS;
use crate::detect::{Category, Confidence};
use crate::extract::{Place, View};
use crate::mail::{Address, Envelope};

/// Reads one case.
pub(super) fn case(sink: &mut Sink, rules: &[Rule], mut fields: Fields<'_, '_>) -> Option<Case> {
    let name = fields.required_text(sink, "name").value;
    let from = fields.text(sink, "from");
    let key = fields.key("from");
    let from = from.and_then(|text| match Address::parse(&text.value) {
        Ok(address) => Some(address),
        Err(_) if ["", "<>"].contains(&text.value.as_str()) => None,
        Err(error) => {
            no_address(sink, &key, text.line, &error.to_string());
            None
        }
    });
    let to = addresses(sink, &mut fields, "to");
    let mut message = CaseMessage::new(Envelope::of(from, to));
    message.client = ClientFacts {
        own_server: fields.flag(sink, "own_server").unwrap_or(true),
    };
    case_headers(sink, &mut fields, &mut message);
    for entry in fields.tables(sink, "found") {
        if let Some(finding) = case_finding(sink, entry) {
            message.add_finding(finding);
        }
    }
    case_contacts(sink, &mut fields, &mut message);
    for state in fields.choices(sink, "protection") {
        message.add_protection(state);
    }
    if fields.flag(sink, "locked").unwrap_or(false) {
        message.add_lock();
    }
    for reason in fields.choices(sink, "unread") {
        message.add_unread(reason);
    }
    if fields.flag(sink, "recognised").unwrap_or(false) {
        message.add_recognised();
    }
    message.defects = fields.choices(sink, "defects");
    message.findings.unfinished = fields.flag(sink, "unfinished").unwrap_or(false);
    message.bytes = fields.number(sink, "bytes").unwrap_or(0);
    case_files(sink, &mut fields, &mut message);
    let rcpts = message.envelope.rcpts.len();
    let known = |flag: Option<bool>| flag.map_or_else(Vec::new, |known| vec![known; rcpts]);
    message.history.first_contact = known(fields.flag(sink, "first_contact"));
    message.history.sole_writer = known(fields.flag(sink, "sole_writer"));
    message.history.marks = habits(sink, &mut fields);
    let expected = fields.has("expect");
    let expect = fields.choice(sink, "expect");
    if expect.is_none() && !expected {
        let mend = "add expect = \"deliver\"";
        let key = fields.key("expect");
        sink.mistake(fields.line, key, "nothing", ACTIONS, mend);
    }
    let fired = expected_rules(sink, rules, &mut fields, "rules");
    let shadow = expected_rules(sink, rules, &mut fields, "shadow");
    let has_waived = fields.has("waived");
    let waived = fields.texts(sink, "waived");
    let split = fields.number(sink, "split");
    let automation = fields.choice(sink, "automation");
    let today = fields.date(sink, "today").unwrap_or(date(2026, 1, 5));
    let time = fields.time(sink, "time").unwrap_or(time(10, 0, 0, 0));
    let line = fields.line;
    fields.finish(sink);
    Some(Case {
        name,
        message,
        expect: expect?,
        rules: fired,
        shadow,
        waived: has_waived.then(|| waived.into_iter().map(|text| text.value).collect()),
        split: split.map(|count| count as usize),
        automation,
        now: today.to_datetime(time),
        line,
    })
}

/// Rules by id that a case expects; `None` when it does not say.
fn expected_rules(
    sink: &mut Sink,
    rules: &[Rule],
    fields: &mut Fields<'_, '_>,
    name: &'static str,
) -> Option<Vec<String>> {
    let said = fields.has(name);
    let named = fields.texts(sink, name);
    rules_exist(sink, rules, &fields.key(name), &named);
    said.then(|| named.into_iter().map(|text| text.value).collect())
}

fn case_files(sink: &mut Sink, fields: &mut Fields<'_, '_>, message: &mut CaseMessage) {
    for mut entry in fields.tables(sink, "files") {
        let media = entry.required_text(sink, "type").value;
        let bytes = entry.number(sink, "bytes").unwrap_or(10_000);
        let misnamed = entry.flag(sink, "misnamed").unwrap_or(false);
        entry.finish(sink);
        message.add_file(&media, bytes, misnamed);
    }
}

/// Marks that only mail over time gives, by their ids.
fn habits(sink: &mut Sink, fields: &mut Fields<'_, '_>) -> Vec<HabitMark> {
    let mut marks = Vec::new();
    for text in fields.texts(sink, "habits") {
        if let Some(mark) = behaviour::mark(&text.value) {
            marks.push(mark);
        } else {
            let key = fields.key("habits");
            let allowed = "B1 to B5, as in patterns/auto-forward.toml";
            sink.mistake(text.line, key, text.value, allowed, "name one of them");
        }
    }
    marks
}

fn case_headers(sink: &mut Sink, fields: &mut Fields<'_, '_>, message: &mut CaseMessage) {
    for text in fields.texts(sink, "headers") {
        if let Some((name, value)) = text.value.split_once(':') {
            message.add_header(name.trim(), value.trim());
        } else {
            let key = fields.key("headers");
            let mend = "write it as \"Name: value\"";
            sink.mistake(text.line, key, "no colon", "header fields", mend);
        }
    }
}

fn case_finding(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Option<CaseFinding> {
    let category: Option<Category> = fields.choice(sink, "category");
    let detector = fields.text(sink, "detector");
    let confidence = fields.choice(sink, "confidence");
    let place: Option<PlaceKind> = fields.choice(sink, "at");
    let view: Option<ViewKind> = fields.choice(sink, "view");
    let person = fields.number(sink, "person");
    let value = fields.number(sink, "value");
    let obfuscated = fields.flag(sink, "obfuscated").unwrap_or(false);
    fields.finish(sink);
    let category = category?;
    Some(CaseFinding {
        category,
        detector: detector.map_or_else(|| category.name().to_owned(), |text| text.value),
        confidence: confidence.unwrap_or(Confidence::High),
        place: match place.unwrap_or(PlaceKind::Body) {
            PlaceKind::Subject => Place::Subject,
            PlaceKind::Header => Place::Header,
            PlaceKind::Body => Place::Body,
            PlaceKind::Attachment => Place::Attachment(vec!["file".to_owned()]),
        },
        view: match view.unwrap_or(ViewKind::Visible) {
            ViewKind::Visible => View::Visible,
            ViewKind::Hidden => View::Hidden,
            ViewKind::Table => View::Table,
            ViewKind::FileName => View::FileName,
            ViewKind::Properties => View::Properties,
        },
        person: person.map(|number| number as u32),
        value: value.map(|number| number as u32),
        obfuscated,
    })
}

fn case_contacts(sink: &mut Sink, fields: &mut Fields<'_, '_>, message: &mut CaseMessage) {
    for mut entry in fields.tables(sink, "contacts") {
        let person = entry.number(sink, "person").unwrap_or(0) as u32;
        for address in addresses(sink, &mut entry, "addresses") {
            message.add_contact(person, &address.key());
        }
        entry.finish(sink);
    }
}
