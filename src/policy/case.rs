//! A policy's own cases: a message in short form and what must become of it.

use jiff::civil::DateTime;

use super::auto_forward::AutomationState;
use super::facts::{ClientFacts, Facts};
use super::history::History;
use super::verdict::Action;
use crate::detect::{Category, Confidence, Finding, Findings, PersonId, Secret, ValueKey};
use crate::extract::{
    Content, FileFact, Location, Place, Protection, ProtectionState, Unread, UnreadReason, View,
};
use crate::mail::Envelope;
use crate::mime::Defect;
use crate::mime::Headers;

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about.
    pub name: String,
    /// The message.
    pub message: CaseMessage,
    /// What must become of it.
    pub expect: Action,
    /// The rules that must fire, in any order, when the case names them.
    pub rules: Option<Vec<String>>,
    /// The rules in shadow mode that must have fired, when the case names them.
    pub shadow: Option<Vec<String>>,
    /// The exceptions that must have set a rule aside, when the case names them.
    pub waived: Option<Vec<String>>,
    /// How many recipients are held while the others get the message, when the case says so.
    pub split: Option<usize>,
    /// How the message must be taken to have been sent, when the case says so.
    pub automation: Option<AutomationState>,
    /// When it is judged.
    pub now: DateTime,
    /// The line it starts on.
    pub line: usize,
}

/// The facts of one message, owned.
#[derive(Debug, Clone)]
pub struct CaseMessage {
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The client.
    pub client: ClientFacts,
    /// The top-level headers.
    pub headers: Headers,
    /// Malformed structure.
    pub defects: Vec<Defect>,
    /// Text, unread parts, protection.
    pub content: Content,
    /// What was found.
    pub findings: Findings,
    /// Size in bytes.
    pub bytes: u64,
    /// What was seen before.
    pub history: History,
}

impl CaseMessage {
    /// A message of which nothing is known but its envelope; one of the trust's servers handed it over.
    pub fn new(envelope: Envelope) -> Self {
        Self {
            envelope,
            client: ClientFacts { own_server: true },
            headers: Headers::default(),
            defects: Vec::new(),
            content: Content::default(),
            findings: Findings::default(),
            bytes: 0,
            history: History::default(),
        }
    }

    /// The facts as policy takes them.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            envelope: &self.envelope,
            client: self.client,
            headers: &self.headers,
            defects: &self.defects,
            content: &self.content,
            findings: &self.findings,
            message_bytes: self.bytes,
            history: &self.history,
        }
    }

    /// Adds a header.
    pub fn add_header(&mut self, name: &str, value: &str) {
        self.headers.fields.push(crate::mime::headers::Field {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }

    /// Adds a finding; its text is a stand-in.
    pub fn add_finding(&mut self, finding: CaseFinding) {
        let number = self.findings.list.len() as u128;
        let person = finding.person.map(PersonId);
        if let Some(person) = person {
            self.findings.people.entry(person).or_default();
        }
        let value = match (finding.value, finding.person) {
            (Some(value), _) => u128::from(value),
            (None, Some(person)) => 1_000_000 + u128::from(person),
            (None, None) => 10_000_000_000 + number,
        };
        self.findings.list.push(Finding {
            category: finding.category,
            detector: finding.detector.into(),
            confidence: finding.confidence,
            location: Location::of(finding.place),
            view: finding.view,
            person,
            value: ValueKey(value),
            text: Secret::new("case"),
            masked: "c...".to_owned(),
            reasons: Vec::new(),
            obfuscated: finding.obfuscated,
        });
    }

    /// Registers an address (in the form of [`crate::mail::Address::key`]) as a contact of a person.
    pub fn add_contact(&mut self, person: u32, address: &str) {
        let people = self.findings.people.entry(PersonId(person)).or_default();
        people.contacts.push(address.to_owned());
    }

    /// Adds a protected part.
    pub fn add_protection(&mut self, state: ProtectionState) {
        self.content.protections.push(Protection {
            location: Location::of(Place::Body).inside("file"),
            state,
            reason: "case",
        });
    }

    /// Adds a file that is locked against changes.
    pub fn add_lock(&mut self) {
        let place = Location::of(Place::Body).inside("file");
        self.content.protections.push(Protection::lock(place));
    }

    /// Adds a picture whose text was read by OCR.
    pub fn add_recognised(&mut self) {
        let place = Place::Attachment(vec!["picture".to_owned()]);
        self.content
            .recognised
            .push(Location::of(place).at("picture"));
    }

    /// Adds an attached file of a media type; findings in attachments stand in the first.
    pub fn add_file(&mut self, media_type: &str, bytes: u64, mismatch: bool) {
        let name = match self.content.files.len() {
            0 => "file".to_owned(),
            more => format!("file {}", more + 1),
        };
        self.content.files.push(FileFact {
            location: Location::of(Place::Attachment(vec![name])),
            kind: media_type.to_owned(),
            bytes,
            mismatch,
        });
    }

    /// Adds an unread part.
    pub fn add_unread(&mut self, reason: UnreadReason) {
        self.content.unread.push(Unread {
            location: Location::of(Place::Body).inside("file"),
            reason,
            kind: "application/octet-stream".to_owned(),
        });
    }
}

/// A finding in short form.
#[derive(Debug, Clone)]
pub struct CaseFinding {
    /// What kind of data.
    pub category: Category,
    /// The detector's id.
    pub detector: String,
    /// How sure.
    pub confidence: Confidence,
    /// Where.
    pub place: Place,
    /// How a reader meets it.
    pub view: View,
    /// Whom it is about.
    pub person: Option<u32>,
    /// A disguise was undone for it.
    pub obfuscated: bool,
    /// Which value it is, for counting distinct ones; by default one for each person, else a new one.
    pub value: Option<u32>,
}
