//! The facts of a message as they are kept, so that a changed policy can be tried on real traffic before anybody switches it on.
//!
//! # Invariants
//! No content: no text, no subject, no matched or masked value, no file name. Addresses and display names of sender and recipients are
//! there, because classes are judged by them: whoever keeps a record seals it. Judging a record by the policy of its time gives the
//! verdict of its time, but for rules that ask for a header that [`KEPT`] does not list.
//!
//! # Known gaps
//! Of a subject only the words that a forward or a personal message begins with are kept.

use std::collections::HashMap;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::case::CaseMessage;
use super::facts::{ClientFacts, Facts};
use super::history::{HabitMark, History};
use super::rule::Policy;
use super::verdict::{Action, Verdict};
use crate::detect::{Category, Confidence, Finding, PersonId, Secret, ValueKey};
use crate::extract::{
    FileFact, Location, Place, Protection, ProtectionState, Unread, UnreadReason, View,
};
use crate::mail::{Address, Envelope};
use crate::mime::Defect;

/// Headers whose values rules and marks of automatic forwarding look at, in lower case; beside them every field of `X-MS-Exchange-`.
pub const KEPT: [&str; 38] = [
    "auto-submitted",
    "autoforwarded",
    "cc",
    "content-type",
    "delivered-to",
    "from",
    "in-reply-to",
    "list-id",
    "list-post",
    "list-unsubscribe",
    "precedence",
    "reply-to",
    "resent-cc",
    "resent-date",
    "resent-from",
    "resent-message-id",
    "resent-to",
    "sender",
    "sensitivity",
    "to",
    "x-auto-response-suppress",
    "x-autoreply",
    "x-autorespond",
    "x-forwarded-for",
    "x-forwarded-message-id",
    "x-forwarded-to",
    "x-gm-original-to",
    "x-hmailserver-loopcount",
    "x-loop",
    "x-ms-has-attach",
    "x-ms-journal-report",
    "x-ms-mail-application",
    "x-ms-mail-operation-type",
    "x-original-to",
    "x-sieve",
    "x-sieve-redirected-from",
    "x-zimbra-forwarded",
    "arc-seal",
];

/// Characters kept of one header's value: a list of visible recipients may be long.
const VALUE_AT_MOST: usize = 8_000;

/// Findings kept of one message: no rule counts further.
const FINDINGS_AT_MOST: usize = 1_000;

/// Beginnings of a subject that conditions look at.
const SUBJECT_WORDS: [&str; 8] = [
    "fw:",
    "fwd:",
    "wg:",
    "tr:",
    "[personal]",
    "personal:",
    "[private]",
    "private:",
];

/// A finding without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedFinding {
    category: Category,
    detector: String,
    confidence: Confidence,
    part: Part,
    view: RecordedView,
    person: Option<u32>,
    /// Equal numbers are equal values.
    value: u32,
    obfuscated: bool,
}

/// Where something stands: attachments by number, and how deep in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Part {
    Subject,
    Header,
    Body,
    Attachment { number: u32, depth: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RecordedView {
    Visible,
    Hidden,
    Table,
    FileName,
    Properties,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedFile {
    part: Part,
    kind: String,
    bytes: u64,
    mismatch: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedMark {
    id: String,
    score: u32,
}

/// What is kept of one judged message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFacts {
    /// When it was judged, in the trust's local time.
    pub at: DateTime,
    /// What was decided.
    pub action: Action,
    /// The rules that fired.
    pub rules: Vec<String>,
    sender: Option<String>,
    rcpts: Vec<Option<String>>,
    own_server: bool,
    bytes: u64,
    headers: Vec<(String, String)>,
    findings: Vec<RecordedFinding>,
    /// For each person by number: the recipients (by index) that are registered contacts.
    contacts: Vec<Vec<usize>>,
    protections: Vec<(Part, ProtectionState, bool)>,
    unread: Vec<(Part, UnreadReason)>,
    defects: Vec<Defect>,
    content_defects: Vec<Defect>,
    files: Vec<RecordedFile>,
    recognised: usize,
    unfinished: bool,
    first_contact: Vec<bool>,
    sole_writer: Vec<bool>,
    marks: Vec<RecordedMark>,
}

/// Numbers things in the order in which they are first met.
struct Numbers<T>(HashMap<T, u32>);

impl<T: std::hash::Hash + Eq> Numbers<T> {
    fn new() -> Self {
        Self(HashMap::new())
    }

    fn of(&mut self, thing: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(thing).or_insert(next)
    }
}

/// Attachments by number.
struct Parts(Numbers<String>);

impl Parts {
    fn of(&mut self, place: &Place) -> Part {
        match place {
            Place::Subject => Part::Subject,
            Place::Header => Part::Header,
            Place::Body => Part::Body,
            Place::Attachment(names) => Part::Attachment {
                number: self.0.of(names.join("\u{0}")),
                depth: names.len() as u32,
            },
        }
    }
}

impl RecordedFacts {
    /// What is kept of a message and its verdict.
    pub fn of(facts: &Facts<'_>, verdict: &Verdict) -> Self {
        let mut parts = Parts(Numbers::new());
        let mut people = Numbers::new();
        let mut values = Numbers::new();
        let list = facts.findings.list.iter().take(FINDINGS_AT_MOST);
        let findings = list.map(|finding| RecordedFinding {
            category: finding.category,
            detector: finding.detector.to_string(),
            confidence: finding.confidence,
            part: parts.of(&finding.location.place),
            view: finding.view.into(),
            person: finding.person.map(|person| people.of(person)),
            value: values.of(finding.value.0),
            obfuscated: finding.obfuscated,
        });
        let findings: Vec<_> = findings.collect();
        let content = facts.content;
        Self {
            at: verdict.at,
            action: verdict.action,
            rules: verdict
                .hits
                .iter()
                .map(|hit| hit.rule.to_string())
                .collect(),
            sender: facts.envelope.mail_from.address().map(ToString::to_string),
            rcpts: addresses(facts.envelope),
            own_server: facts.client.own_server,
            bytes: facts.message_bytes,
            headers: headers(facts),
            findings,
            contacts: contacts(facts, &people),
            protections: content
                .protections
                .iter()
                .map(|p| (parts.of(&p.location.place), p.state, p.is_lock()))
                .collect(),
            unread: content
                .unread
                .iter()
                .map(|u| (parts.of(&u.location.place), u.reason))
                .collect(),
            defects: facts.defects.to_vec(),
            content_defects: content.defects.clone(),
            files: content
                .files
                .iter()
                .map(|file| RecordedFile {
                    part: parts.of(&file.location.place),
                    kind: file.kind.clone(),
                    bytes: file.bytes,
                    mismatch: file.mismatch,
                })
                .collect(),
            recognised: content.recognised.len(),
            unfinished: facts.findings.unfinished,
            first_contact: facts.history.first_contact.clone(),
            sole_writer: facts.history.sole_writer.clone(),
            marks: facts
                .history
                .marks
                .iter()
                .map(|mark| RecordedMark {
                    id: mark.id.to_string(),
                    score: mark.score,
                })
                .collect(),
        }
    }

    /// The verdict of a policy on what was kept.
    pub fn judged_by(&self, policy: &Policy) -> Verdict {
        let message = self.message();
        super::decide::decide(policy, &message.facts(), self.at)
    }

    /// The facts again, with stand-ins for every text.
    fn message(&self) -> CaseMessage {
        let sender = self.sender.as_deref().and_then(|a| Address::parse(a).ok());
        let rcpts = self.rcpts.iter().flatten();
        let rcpts = rcpts.filter_map(|text| Address::parse(text).ok());
        let mut message = CaseMessage::new(Envelope::of(sender, rcpts));
        message.client = ClientFacts {
            own_server: self.own_server,
        };
        message.bytes = self.bytes;
        for (name, value) in &self.headers {
            message.add_header(name, value);
        }
        message.findings.list = self.findings.iter().map(RecordedFinding::finding).collect();
        message.findings.unfinished = self.unfinished;
        self.people(&mut message);
        self.content(&mut message);
        message.defects.clone_from(&self.defects);
        message.history = History {
            first_contact: self.first_contact.clone(),
            sole_writer: self.sole_writer.clone(),
            marks: self
                .marks
                .iter()
                .map(|mark| HabitMark {
                    id: mark.id.as_str().into(),
                    score: mark.score,
                })
                .collect(),
        };
        message
    }

    fn people(&self, message: &mut CaseMessage) {
        for (person, indexes) in self.contacts.iter().enumerate() {
            let facts = message.findings.people.entry(PersonId(person as u32));
            let facts = facts.or_default();
            let named = indexes.iter().filter_map(|index| self.rcpts.get(*index));
            let addresses = named.flatten().filter_map(|text| Address::parse(text).ok());
            facts
                .contacts
                .extend(addresses.map(|address| address.key()));
        }
    }

    fn content(&self, message: &mut CaseMessage) {
        let content = &mut message.content;
        content.protections = self
            .protections
            .iter()
            .map(|(part, state, lock)| {
                let location = Location::of(part.place());
                match lock {
                    true => Protection::lock(location),
                    false => Protection {
                        location,
                        state: *state,
                        reason: "protected",
                    },
                }
            })
            .collect();
        content.unread = self
            .unread
            .iter()
            .map(|(part, reason)| Unread {
                location: Location::of(part.place()),
                reason: *reason,
                kind: String::new(),
            })
            .collect();
        content.files = self
            .files
            .iter()
            .map(|file| FileFact {
                location: Location::of(file.part.place()),
                kind: file.kind.clone(),
                bytes: file.bytes,
                mismatch: file.mismatch,
            })
            .collect();
        content.defects.clone_from(&self.content_defects);
        content.recognised = vec![Location::of(Place::Body); self.recognised];
    }
}

impl Part {
    fn place(self) -> Place {
        match self {
            Self::Subject => Place::Subject,
            Self::Header => Place::Header,
            Self::Body => Place::Body,
            Self::Attachment { number, depth } => {
                Place::Attachment(vec![format!("file {number}"); depth.clamp(1, 64) as usize])
            }
        }
    }
}

impl RecordedFinding {
    fn finding(&self) -> Finding {
        Finding {
            category: self.category,
            detector: self.detector.as_str().into(),
            confidence: self.confidence,
            location: Location::of(self.part.place()),
            view: self.view.into(),
            person: self.person.map(PersonId),
            value: ValueKey(u128::from(self.value)),
            text: Secret::new(""),
            masked: String::new(),
            reasons: Vec::new(),
            obfuscated: self.obfuscated,
        }
    }
}

impl From<View> for RecordedView {
    fn from(view: View) -> Self {
        match view {
            View::Visible => Self::Visible,
            View::Hidden => Self::Hidden,
            View::Table => Self::Table,
            View::FileName => Self::FileName,
            View::Properties => Self::Properties,
        }
    }
}

impl From<RecordedView> for View {
    fn from(view: RecordedView) -> Self {
        match view {
            RecordedView::Visible => Self::Visible,
            RecordedView::Hidden => Self::Hidden,
            RecordedView::Table => Self::Table,
            RecordedView::FileName => Self::FileName,
            RecordedView::Properties => Self::Properties,
        }
    }
}

fn addresses(envelope: &Envelope) -> Vec<Option<String>> {
    let rcpts = envelope.rcpts.iter();
    let named = rcpts.map(|rcpt| rcpt.address().map(ToString::to_string));
    named.collect()
}

/// For each person, the recipients that are its registered contacts.
fn contacts(facts: &Facts<'_>, people: &Numbers<PersonId>) -> Vec<Vec<usize>> {
    let mut list = vec![Vec::new(); people.0.len()];
    for (person, number) in &people.0 {
        let Some(known) = facts.findings.people.get(person) else {
            continue;
        };
        let rcpts = facts.envelope.rcpts.iter().enumerate();
        let own = rcpts.filter(|(_, rcpt)| {
            let key = rcpt.address().map(Address::key);
            key.is_some_and(|key| known.contacts.contains(&key))
        });
        list[*number as usize] = own.map(|(index, _)| index).collect();
    }
    list
}

/// The headers that are kept, in order; of a subject and a signature only what conditions look at.
fn headers(facts: &Facts<'_>) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for field in &facts.headers.fields {
        let name = field.name.to_ascii_lowercase();
        let value = match name.as_str() {
            "subject" => subject_words(&field.value),
            "received" => received_for(&field.value),
            "dkim-signature" => signer(&field.value),
            name if KEPT.contains(&name) || name.starts_with("x-ms-exchange-") => {
                field.value.chars().take(VALUE_AT_MOST).collect()
            }
            _ => continue,
        };
        kept.push((field.name.clone(), value));
    }
    kept
}

fn subject_words(subject: &str) -> String {
    let begins = |word: &&&str| super::header_text::starts_with(subject, word);
    let word = SUBJECT_WORDS.iter().find(begins);
    word.map_or_else(String::new, |word| (*word).to_owned())
}

/// The For clause of a Received field, without the hosts.
fn received_for(value: &str) -> String {
    let address = super::header_text::received_for(value);
    address.map_or_else(String::new, |address| {
        format!("by relay for <{address}>; kept")
    })
}

/// The domain of a signature.
fn signer(value: &str) -> String {
    let tag = value
        .split(';')
        .find(|tag| tag.trim_start().starts_with("d="));
    tag.map_or_else(String::new, |tag| tag.trim().to_owned())
}
