//! The smallest change to a message that would have let it pass, found by judging it again without what its sender can leave out.
//!
//! # Invariants
//! What is proposed was tried: the policy that stopped the message delivers it after the change. Text is counts, kinds and places, never a
//! value, a name, an address or a file name. At most [`TRIES`] judgements are made, and only for mail that was stopped.
//!
//! # Known gaps
//! A forward that a machine made, a sender who may not send, and mail that breaks at its structure have no change here: their rules' remedies
//! say what to do.

use std::collections::BTreeSet;
use std::fmt;

use super::decide::decide;
use super::facts::Facts;
use super::rule::Policy;
use super::verdict::Verdict;
use super::wording::joined;
use crate::detect::{Category, Finding, Findings};
use crate::extract::{Content, Location, Place, Protection, ProtectionState};
use crate::mail::Envelope;

/// Judgements made at most: every choice of up to four steps, each attachment step in two ways.
pub const TRIES: usize = 24;

/// One thing the sender can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Take out of the subject what was found there.
    Subject,
    /// Take out of the text what was found there.
    Text,
    /// Protect the attachments with a password that travels another way.
    Protect,
    /// Leave the attachments out that something was found in.
    Detach,
    /// Send only to those whom no rule spoke of.
    Recipients,
}

/// Every choice of steps, the smallest first; protecting comes before leaving out.
const CHOICES: [&[Step]; 19] = {
    use Step::{Detach as D, Protect as P, Recipients as R, Subject as S, Text as T};
    [
        &[S],
        &[T],
        &[P],
        &[D],
        &[R],
        &[S, T],
        &[S, P],
        &[S, D],
        &[T, P],
        &[T, D],
        &[S, R],
        &[T, R],
        &[P, R],
        &[D, R],
        &[S, T, P],
        &[S, T, D],
        &[S, T, R],
        &[S, T, P, R],
        &[S, T, D, R],
    ]
};

/// What would have let a message pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The steps in plain words, each to be taken.
    pub steps: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join(", and "))
    }
}

/// The smallest change that would have let the message pass; `None` when it passed, or when no change of its content would have done.
pub fn smallest_change(policy: &Policy, facts: &Facts<'_>, verdict: &Verdict) -> Option<Change> {
    if verdict.action.passes() || verdict.automation.is_forward() {
        return None;
    }
    let trial = Trial::of(policy, facts, verdict);
    let possible = CHOICES.iter().filter(|steps| trial.can(steps)).take(TRIES);
    let mut passing = possible.filter(|steps| trial.passes(steps));
    let steps = passing.next()?;
    Some(Change {
        steps: steps.iter().map(|step| trial.words(*step)).collect(),
    })
}

/// A stopped message and what was counted of it.
struct Trial<'a> {
    policy: &'a Policy,
    facts: &'a Facts<'a>,
    verdict: &'a Verdict,
    /// Recipients that rules spoke of.
    rcpts: BTreeSet<usize>,
    /// Attachments, by their outermost names, that something was found in or that could not be read.
    attachments: BTreeSet<String>,
}

impl<'a> Trial<'a> {
    fn of(policy: &'a Policy, facts: &'a Facts<'a>, verdict: &'a Verdict) -> Self {
        let found = facts.findings.list.iter().map(|f| &f.location.place);
        let content = facts.content;
        let unread = content.unread.iter().map(|part| &part.location.place);
        let protected = content.protections.iter().map(|part| &part.location.place);
        let files = content.files.iter().map(|file| &file.location.place);
        let places = found.chain(unread).chain(protected).chain(files);
        Self {
            policy,
            facts,
            verdict,
            rcpts: verdict
                .hits
                .iter()
                .flat_map(|hit| hit.rcpts.clone())
                .collect(),
            attachments: places.filter_map(outermost).map(str::to_owned).collect(),
        }
    }

    /// Whether there is anything for every one of the steps to do.
    fn can(&self, steps: &[Step]) -> bool {
        steps.iter().all(|step| match step {
            Step::Subject => self.found(Step::Subject).next().is_some(),
            Step::Text => self.found(Step::Text).next().is_some(),
            Step::Protect | Step::Detach => !self.attachments.is_empty(),
            Step::Recipients => self.rcpts.len() < self.facts.envelope.rcpts.len(),
        })
    }

    fn passes(&self, steps: &[Step]) -> bool {
        let takes = |step| steps.contains(&step);
        let apart = takes(Step::Protect) || takes(Step::Detach);
        let keeps = |finding: &Finding| match &finding.location.place {
            Place::Subject => !takes(Step::Subject),
            Place::Header | Place::Body => !takes(Step::Text),
            Place::Attachment(_) => !apart,
        };
        let findings = Findings {
            list: self
                .facts
                .findings
                .list
                .iter()
                .filter(|f| keeps(f))
                .cloned()
                .collect(),
            people: self.facts.findings.people.clone(),
            unfinished: self.facts.findings.unfinished && !apart,
        };
        let content = self.content(takes(Step::Protect), takes(Step::Detach));
        let envelope = self.envelope(takes(Step::Recipients));
        let bytes = if takes(Step::Detach) {
            self.bytes_without_files()
        } else {
            self.facts.message_bytes
        };
        let facts = Facts {
            findings: &findings,
            content: &content,
            envelope: &envelope,
            message_bytes: bytes,
            ..*self.facts
        };
        decide(self.policy, &facts, self.verdict.at).action.passes()
    }

    /// What is known of the content after the attachments were protected or left out. Rules do not look at its text.
    fn content(&self, protect: bool, detach: bool) -> Content {
        let content = self.facts.content;
        if !protect && !detach {
            return Content {
                unread: content.unread.clone(),
                protections: content.protections.clone(),
                files: content.files.clone(),
                defects: content.defects.clone(),
                recognised: content.recognised.clone(),
                ..Content::default()
            };
        }
        let outside = |place: &Place| outermost(place).is_none();
        let unread = content.unread.iter();
        let protections = content.protections.iter();
        let mut changed = Content {
            unread: unread
                .filter(|p| outside(&p.location.place))
                .cloned()
                .collect(),
            protections: protections
                .filter(|p| outside(&p.location.place))
                .cloned()
                .collect(),
            ..Content::default()
        };
        if protect {
            changed.protections.push(Protection {
                location: Location::of(Place::Body).inside("protected"),
                state: ProtectionState::Password,
                reason: "protected",
            });
        }
        changed
    }

    fn envelope(&self, fewer: bool) -> Envelope {
        let mut envelope = self.facts.envelope.clone();
        if fewer {
            let rcpts = envelope.rcpts.into_iter().enumerate();
            let kept = rcpts.filter(|(index, _)| !self.rcpts.contains(index));
            envelope.rcpts = kept.map(|(_, rcpt)| rcpt).collect();
        }
        envelope
    }

    /// Base64 makes four characters of three bytes (RFC 4648 4).
    fn bytes_without_files(&self) -> u64 {
        let files = self.facts.content.files.iter();
        let sent = files
            .filter(|file| matches!(&file.location.place, Place::Attachment(n) if n.len() == 1));
        let encoded: u64 = sent.map(|file| file.bytes.saturating_mul(4) / 3).sum();
        self.facts.message_bytes.saturating_sub(encoded)
    }

    /// The findings that a step takes out and that made a rule fire.
    fn found(&self, step: Step) -> impl Iterator<Item = &Finding> {
        let hits = self.verdict.hits.iter();
        let indexes: BTreeSet<usize> = hits.flat_map(|hit| hit.findings.iter().copied()).collect();
        let list = &self.facts.findings.list;
        let found = indexes.into_iter().filter_map(|index| list.get(index));
        found.filter(move |finding| match &finding.location.place {
            Place::Subject => step == Step::Subject,
            Place::Header | Place::Body => step == Step::Text,
            Place::Attachment(_) => matches!(step, Step::Protect | Step::Detach),
        })
    }

    fn words(&self, step: Step) -> String {
        let attachments = match self.attachments.len() {
            1 => "the attachment".to_owned(),
            count => format!("the {count} attachments"),
        };
        match step {
            Step::Subject => self.taken_out(step, "the subject"),
            Step::Text => self.taken_out(step, "the text"),
            Step::Protect => {
                format!("encrypt {attachments} with a password and give it by telephone")
            }
            Step::Detach => format!("leave {attachments} out"),
            Step::Recipients => match self.rcpts.len() {
                1 => "leave out the recipient that the rule is about".to_owned(),
                count => format!("leave out the {count} recipients that the rule is about"),
            },
        }
    }

    fn taken_out(&self, step: Step, place: &str) -> String {
        let kinds: BTreeSet<Category> = self.found(step).map(|f| f.category).collect();
        if kinds.iter().eq([&Category::PupilName]) {
            return format!("use initials instead of full names in {place}");
        }
        let names: BTreeSet<&str> = kinds.into_iter().map(noun).collect();
        format!("take {} out of {place}", joined(names))
    }
}

/// A category as a sender would call it.
fn noun(category: Category) -> &'static str {
    match category {
        Category::PupilName => "full names",
        Category::PupilId => "pupil numbers",
        Category::PersonalId => "personal identifiers",
        Category::PersonalDetail => "personal details",
        Category::Credential => "passwords and keys",
        Category::Marking => "markings",
        Category::Financial => "financial details",
        Category::Medical => "medical, SEN or safeguarding details",
        other => other.name(),
    }
}

/// The name of the attachment that a place lies in.
fn outermost(place: &Place) -> Option<&str> {
    match place {
        Place::Attachment(names) => names.first().map(String::as_str),
        _ => None,
    }
}
