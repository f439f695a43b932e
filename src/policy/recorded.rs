//! The facts of a message as they are kept, so that a changed policy can be tried on real traffic before anybody switches it on.
//!
//! # Invariants
//! No content: no text, no subject, no matched or masked value, no file name. Addresses and display names of sender and recipients are
//! there, because classes are judged by them: whoever keeps a record seals it. Judging a record by the policy of its time gives the
//! action and the rules of its time, but for rules that ask for a header that is not kept. What is kept of one message is bounded.
//!
//! # Known gaps
//! Of a subject only the words that a forward or a personal message begins with are kept, and whether it says anything. A message
//! with more findings, files or header text than is kept is marked ([`RecordedFacts::is_cut`]) and may be judged more mildly.

use std::collections::HashMap;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::case::CaseMessage;
use super::condition::FileKind;
use super::facts::{ClientFacts, Facts};
use super::fingerprints::PATTERNS;
use super::header_text::starts_with;
use super::history::{HabitMark, History};
use super::rule::Policy;
use super::traits::{bodies_say_little, says_little};
use super::verdict::{Action, Verdict};
use crate::detect::{Category, Confidence, Finding, PersonId, Secret, ValueKey};
use crate::extract::{
    FileFact, Location, Place, Protection, ProtectionState, Unit, Unread, UnreadReason, View,
};
use crate::mail::{Address, Envelope, ForwardPath, Recipient};
use crate::mime::Defect;

/// Headers whose values rules and marks of automatic forwarding look at, in lower case; beside them every field of `X-MS-Exchange-`.
/// Of Content-Type the media type is kept, of Received the mailbox that the hop was for, of a signature its domain.
const KEPT: [&str; 32] = [
    "auto-submitted",
    "autoforwarded",
    "cc",
    "content-type",
    "delivered-to",
    "dkim-signature",
    "from",
    "list-id",
    "precedence",
    "received",
    "reply-to",
    "resent-cc",
    "resent-from",
    "resent-to",
    "sender",
    "sensitivity",
    "to",
    "x-auto-response-suppress",
    "x-autoreply",
    "x-autorespond",
    "x-forwarded-for",
    "x-forwarded-to",
    "x-gm-original-to",
    "x-hmailserver-loopcount",
    "x-loop",
    "x-ms-has-attach",
    "x-ms-mail-application",
    "x-ms-mail-operation-type",
    "x-original-to",
    "x-sieve",
    "x-sieve-redirected-from",
    "x-zimbra-forwarded",
];

/// Headers of which it is kept that they stand, and not what they say.
const PRESENCE: [&str; 9] = [
    "arc-seal",
    "in-reply-to",
    "list-post",
    "list-unsubscribe",
    "resent-date",
    "resent-message-id",
    "subject",
    "x-forwarded-message-id",
    "x-ms-journal-report",
];

/// The beginning of the fields that Exchange adds.
const EXCHANGE: &str = "x-ms-exchange-";

/// Bytes kept of one of them: longer ones are reports of its spam filter.
const EXCHANGE_AT_MOST: usize = 256;

/// Bytes of header values kept of one message: 1,000 recipients shown with their names have as many.
const HEADERS_AT_MOST: usize = 64 << 10;

/// Fields kept of one message.
const FIELDS_AT_MOST: usize = 1_000;

/// Findings, and files, unread and protected parts, kept of one message: no rule counts further.
const LIST_AT_MOST: usize = 1_000;

/// Stands for a subject that says something.
const SAID: &str = "subject";

/// Beginnings of a subject by which its author marks a message as personal.
const PERSONAL: [&str; 4] = ["[personal]", "personal:", "[private]", "private:"];

/// Whether a record can answer a condition on a header: on its value, or on its presence alone.
pub(super) fn keeps(header: &str, value: bool) -> bool {
    let name = header.to_ascii_lowercase();
    let name = name.as_str();
    KEPT.contains(&name) || name.starts_with(EXCHANGE) || (!value && PRESENCE.contains(&name))
}

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
    kind: FileKind,
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
    recognised: bool,
    unfinished: bool,
    /// Whether the bodies have next to no words; `None` when nothing was read.
    little_text: Option<bool>,
    /// More was there than is kept.
    cut: bool,
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
struct Parts(Numbers<Vec<String>>);

impl Parts {
    fn of(&mut self, place: &Place) -> Part {
        match place {
            Place::Subject => Part::Subject,
            Place::Header => Part::Header,
            Place::Body => Part::Body,
            Place::Attachment(names) => Part::Attachment {
                number: self.0.of(names.clone()),
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
        let content = facts.content;
        let list = facts.findings.list.iter().take(LIST_AT_MOST);
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
        let findings = findings.collect();
        // Those of whom nothing is left in the list have contacts too.
        for person in facts.findings.people.keys().take(LIST_AT_MOST) {
            people.of(*person);
        }
        let (headers, headers_cut) = headers(facts);
        let protections = content.protections.iter().take(LIST_AT_MOST);
        let protections = protections.map(|p| (parts.of(&p.location.place), p.state, p.is_lock()));
        let protections = protections.collect();
        let unread = content.unread.iter().take(LIST_AT_MOST);
        let unread = unread.map(|u| (parts.of(&u.location.place), u.reason));
        let unread = unread.collect();
        let files = content.files.iter().take(LIST_AT_MOST);
        let files = files.map(|file| RecordedFile {
            part: parts.of(&file.location.place),
            kind: FileKind::of(&file.kind),
            bytes: file.bytes,
            mismatch: file.mismatch,
        });
        Self {
            at: verdict.at,
            action: verdict.action,
            rules: rules(verdict),
            sender: facts.envelope.mail_from.address().map(ToString::to_string),
            rcpts: addresses(facts.envelope),
            own_server: facts.client.own_server,
            bytes: facts.message_bytes,
            contacts: contacts(facts, &people),
            headers,
            findings,
            protections,
            unread,
            files: files.collect(),
            defects: distinct(facts.defects),
            content_defects: distinct(&content.defects),
            recognised: !content.recognised.is_empty(),
            unfinished: facts.findings.unfinished,
            little_text: (!content.units.is_empty()).then(|| bodies_say_little(&content.units)),
            cut: headers_cut || is_long(facts),
            first_contact: facts.history.first_contact.clone(),
            sole_writer: facts.history.sole_writer.clone(),
            marks: marks(facts.history),
        }
    }

    /// More was there than is kept: a policy that counts far may say less of it than it would have.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// About how many bytes it takes in memory, for a bound on what waits to be written.
    pub fn weight(&self) -> usize {
        let text = |text: &String| text.len() + size_of::<String>();
        let headers = self.headers.iter().map(|(n, v)| text(n) + text(v));
        let findings = self.findings.iter().map(|f| text(&f.detector));
        size_of::<Self>()
            + headers.sum::<usize>()
            + findings.sum::<usize>()
            + self.findings.len() * size_of::<RecordedFinding>()
            + self.files.len() * size_of::<RecordedFile>()
            + self.rcpts.iter().flatten().map(text).sum::<usize>()
            + (self.unread.len() + self.protections.len()) * size_of::<(Part, UnreadReason)>()
    }

    /// The verdict of a policy on what was kept.
    pub fn judged_by(&self, policy: &Policy) -> Verdict {
        let message = self.message();
        super::decide::decide(policy, &message.facts(), self.at)
    }

    /// The facts again, with stand-ins for every text.
    fn message(&self) -> CaseMessage {
        let read = |text: &String| Address::parse(text).ok();
        let mut envelope = Envelope::of(self.sender.as_ref().and_then(read), []);
        let rcpts = self.rcpts.iter().map(|text| {
            let address = text.as_ref().and_then(read);
            let nobody = || ForwardPath::new("<Postmaster>", None);
            Recipient {
                path: address.map_or_else(nobody, ForwardPath::of),
                params: String::new(),
            }
        });
        envelope.rcpts = rcpts.collect();
        let mut message = CaseMessage::new(envelope);
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
                kind: media_type(file.kind).to_owned(),
                bytes: file.bytes,
                mismatch: file.mismatch,
            })
            .collect();
        content.defects.clone_from(&self.content_defects);
        if self.recognised {
            content.recognised.push(Location::of(Place::Body));
        }
        content.units = self.little_text.map(body).into_iter().collect();
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

/// A body with next to no words, or with a few.
fn body(little: bool) -> Unit {
    Unit {
        location: Location::of(Place::Body),
        view: View::Visible,
        text: if little { "" } else { "a body of four words" }.to_owned(),
    }
}

/// A media type of a kind of file.
fn media_type(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Image => "image/x-recorded",
        FileKind::Audio => "audio/x-recorded",
        FileKind::Video => "video/x-recorded",
        FileKind::Program => "application/x-executable",
        FileKind::Archive => "application/zip",
        FileKind::Message => "message/rfc822",
        FileKind::Document => "application/octet-stream",
    }
}

/// The ids of the rules that fired, each once.
pub(super) fn rules(verdict: &Verdict) -> Vec<String> {
    let mut rules: Vec<String> = Vec::with_capacity(verdict.hits.len());
    for hit in &verdict.hits {
        if !rules.iter().any(|rule| **rule == *hit.rule) {
            rules.push(hit.rule.to_string());
        }
    }
    rules
}

fn is_long(facts: &Facts<'_>) -> bool {
    let content = facts.content;
    let lengths = [
        facts.findings.list.len(),
        facts.findings.people.len(),
        content.protections.len(),
        content.unread.len(),
        content.files.len(),
    ];
    lengths.iter().any(|length| *length > LIST_AT_MOST)
}

/// Each defect once: rules ask whether there is one.
fn distinct(defects: &[Defect]) -> Vec<Defect> {
    let mut list = Vec::new();
    for defect in defects {
        if !list.contains(defect) {
            list.push(*defect);
        }
    }
    list
}

fn marks(history: &History) -> Vec<RecordedMark> {
    let marks = history.marks.iter();
    let marks = marks.map(|mark| RecordedMark {
        id: mark.id.to_string(),
        score: mark.score,
    });
    marks.collect()
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

/// The headers that are kept, in order, and whether some are left out for their number or length.
fn headers(facts: &Facts<'_>) -> (Vec<(String, String)>, bool) {
    let mut kept: Vec<(String, String)> = Vec::new();
    let mut bytes = 0usize;
    for field in &facts.headers.fields {
        let name = field.name.to_ascii_lowercase();
        if !keeps(&name, false) {
            continue;
        }
        let value = kept_value(&name, &field.value);
        bytes = bytes.saturating_add(name.len() + value.len());
        if bytes > HEADERS_AT_MOST || kept.len() >= FIELDS_AT_MOST {
            return (kept, true);
        }
        kept.push((name, value));
    }
    (kept, false)
}

/// What is kept of the value of a header; `name` in lower case.
fn kept_value(name: &str, value: &str) -> String {
    match name {
        "subject" => subject_words(value),
        "received" => received_for(value),
        "dkim-signature" => signer(value),
        "content-type" => value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        name if PRESENCE.contains(&name) => String::new(),
        name if name.starts_with(EXCHANGE) => {
            value[..value.floor_char_boundary(EXCHANGE_AT_MOST)].to_owned()
        }
        _ => value.to_owned(),
    }
}

/// The word a forward or a personal message begins with, or a stand-in, or nothing for a subject that says nothing.
fn subject_words(subject: &str) -> String {
    let forwards = PATTERNS.file.exclusions.forward_subjects.iter();
    let begins = forwards.map(String::as_str).chain(PERSONAL);
    let begins = begins.filter(|word| starts_with(subject, word));
    match begins.max_by_key(|word| word.len()) {
        Some(word) => word.to_owned(),
        None if says_little(subject) => String::new(),
        None => SAID.to_owned(),
    }
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
    let domain = value.split(';').find_map(|tag| {
        let (name, text) = tag.split_once('=')?;
        (name.trim() == "d").then(|| text.trim())
    });
    domain.map_or_else(String::new, |domain| format!("d={domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_marks_of_forwarding_look_at_is_kept() {
        let file = &PATTERNS.file;
        for mark in &file.fingerprint {
            for name in mark.header.iter().chain(&mark.without) {
                assert!(keeps(name, mark.header.as_ref() == Some(name)), "{name}");
            }
            if let Some(also) = &mark.also {
                assert!(
                    keeps(&also.header, !also.contains.is_empty()),
                    "{}",
                    also.header
                );
            }
        }
        for name in &file.exclusions.auto_reply_headers {
            assert!(keeps(name, true), "{name}");
        }
        assert!(keeps("Subject", false) && !keeps("Subject", true) && !keeps("X-Project", false));
    }

    #[test]
    fn a_long_field_of_exchange_is_cut_between_characters() {
        let value = "é".repeat(EXCHANGE_AT_MOST);
        assert_eq!(
            kept_value("x-ms-exchange-report", &value).len(),
            EXCHANGE_AT_MOST
        );
    }
}
