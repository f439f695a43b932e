//! Why a rule fired, in plain words.
//!
//! # Invariants
//! Kinds, counts, places and recipient classes; no value, name, address or file name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::condition::{ClassRef, FileKind, When};
use super::message::{Message, Met, protects};
use super::wording::{described, joined, parts_of};

impl Message<'_> {
    pub(super) fn because(&self, when: &When, met: &Met) -> String {
        let mut parts = Vec::new();
        if when.found.is_some() {
            parts.push(described(&self.facts.findings.list, &met.findings));
        }
        self.circumstances(when, &mut parts);
        self.origins(when, &mut parts);
        self.traits(when, met, &mut parts);
        let mut text = parts.join("; ");
        if !text.is_empty() {
            text.push_str("; ");
        }
        let named = self.recipients_named(when, met.rcpts.len());
        let _infallible = write!(text, "to {named}");
        text
    }

    /// The circumstances of the content a rule asked for.
    fn circumstances(&self, when: &When, parts: &mut Vec<String>) {
        let content = self.facts.content;
        if !when.protection.is_empty() {
            let named = content.protections.iter().filter(|p| protects(when, p));
            let states: Vec<_> = named.map(|part| part.state).collect();
            let names: BTreeSet<&str> = states.iter().map(|state| state.name()).collect();
            let (count, names) = (parts_of(states.len()), joined(names));
            parts.push(format!("{count} with {names} protection"));
        }
        if let Some(wanted) = &when.unread {
            let reasons = content.unread.iter().map(|part| part.reason);
            let reasons: Vec<_> = reasons.filter(|reason| wanted.holds(reason)).collect();
            let names = joined(reasons.iter().map(|reason| reason.name()).collect());
            parts.push(format!("{} not read ({names})", parts_of(reasons.len())));
        }
        if let Some(wanted) = &when.defects {
            let defects = self.facts.defects.iter().chain(&content.defects);
            let names = defects.filter(|defect| wanted.holds(defect));
            let names = joined(names.map(|defect| defect.name()).collect());
            parts.push(format!("malformed structure ({names})"));
        }
        if when.recognised == Some(true) {
            let pictures = content.recognised.len();
            parts.push(format!("{} read by OCR", parts_of(pictures)));
        }
        if when.unfinished == Some(true) {
            parts.push("the scan ended before everything was read".into());
        }
        if when.min_bytes.is_some() {
            parts.push(mebibytes(self.facts.message_bytes));
        }
        if let Some(files) = &when.files {
            let kinds: BTreeSet<&str> = files.kinds.iter().map(|kind| kind.name()).collect();
            let mut text = if kinds.is_empty() {
                "attached files".to_owned()
            } else {
                format!("attached files of kind {}", joined(kinds))
            };
            if files.misnamed {
                text.push_str(" whose names say another kind");
            }
            if files.min_bytes > 0 {
                let own = content.files.iter();
                let counted = own.filter(|file| {
                    files.kinds.is_empty() || files.kinds.contains(&FileKind::of(&file.kind))
                });
                let bytes = counted.map(|file| file.bytes).sum();
                let _infallible = write!(text, " of {}", mebibytes(bytes));
            }
            parts.push(text);
        }
    }

    /// The circumstances of sender, headers and time a rule asked for.
    fn origins(&self, when: &When, parts: &mut Vec<String>) {
        if !when.automation.is_empty() {
            let marks = &self.automation.evidence;
            let marks: Vec<&str> = marks.iter().map(|id| &**id).collect();
            let state = self.automation.state.name();
            parts.push(format!("{state}, by marks {}", marks.join(", ")));
        }
        for mark in self.identity_wanted(when) {
            parts.push(mark.to_owned());
        }
        if !when.senders.is_empty() {
            parts.push(format!("from a sender {}", self.named(&when.senders)));
        }
        if !when.authors.is_empty() {
            parts.push(format!("by an author {}", self.named(&when.authors)));
        }
        if !when.reply_to.is_empty() {
            let named = self.named(&when.reply_to);
            parts.push(format!("with answers to somebody {named}"));
        }
        if when.forwarded_by_hand == Some(true) {
            parts.push("another message is forwarded with it".into());
        }
        if when.personal == Some(true) {
            parts.push("it is marked as personal".into());
        }
        for header in &when.headers {
            parts.push(format!("it has the header {}", header.name));
        }
        if when.hours.is_some() {
            parts.push("at the hours the rule is for".into());
        }
    }

    /// What was seen in the recipients, once for each class that is told by it.
    fn traits(&self, when: &When, met: &Met, parts: &mut Vec<String>) {
        for class in &when.recipients {
            let rcpts = met.rcpts.iter().filter_map(|index| self.rcpts.get(*index));
            let mut words = rcpts.filter_map(|rcpt| rcpt.trait_in_words(*class));
            parts.extend(words.next());
        }
    }

    fn identity_wanted(&self, when: &When) -> Vec<&'static str> {
        if when.identity.is_empty() {
            return Vec::new();
        }
        let marks = self.identity().iter();
        let wanted = marks.filter(|mark| when.identity.contains(mark));
        wanted.map(|mark| mark.words()).collect()
    }

    fn recipients_named(&self, when: &When, count: usize) -> String {
        let noun = match (count, when.visible) {
            (1, false) => "recipient",
            (_, false) => "recipients",
            (1, true) => "recipient shown to the others",
            (_, true) => "recipients shown to the others",
        };
        match self.named(&when.recipients) {
            names if names.is_empty() => format!("{count} {noun}"),
            names => format!("{count} {noun} {names}"),
        }
    }

    /// Classes in words, as they stand behind a noun.
    fn named(&self, classes: &[ClassRef]) -> String {
        let names: Vec<&str> = classes
            .iter()
            .map(|class| match class {
                ClassRef::Any => "of any class",
                ClassRef::Outside => "outside the trust and its secure partners",
                ClassRef::NotInternal => "outside the trust",
                ClassRef::Null => "without an address",
                ClassRef::Contact => "who are registered contacts",
                ClassRef::FirstContact => "nobody of the trust wrote to before",
                ClassRef::OwnMailbox => "at a private mailbox of the sender",
                ClassRef::PerhapsOwnMailbox => "at what may be a private mailbox of the sender",
                ClassRef::LookAlike => "at a look-alike domain",
                ClassRef::Namesake => "with the name of somebody of the trust",
                ClassRef::Named(index) => {
                    let class = self.classes.list().get(*index);
                    class.map_or("", |class| &*class.name)
                }
            })
            .collect();
        names.join(" or ")
    }
}

fn mebibytes(bytes: u64) -> String {
    let size = bytes as f64 / f64::from(1u32 << 20);
    format!("{size:.1} MiB")
}
