//! A held message with its pupils' names turned into initials, for a reviewer to send instead.
//!
//! A name is whatever detection makes a finding of, at each of its places: the engine gives spans, not texts, so that what it sees through
//! (cells, tags, line ends, letters spaced out) is changed too. Once a message names a pupil in full, the forename alone is changed
//! as well where it is certain (`edits.rs`). Changed are the Subject and the other free-text fields of the message (Thread-Topic, Comments, Keywords), and the
//! plain and HTML bodies that mail programs show.
//!
//! # Invariants
//! Everything else stays byte for byte: boundaries, other header fields, attachments. What was written is parsed again before it is
//! given out: the parts that were to change read as they should, all others have the bytes they had. When that does not hold, or the
//! message's structure is one that programs read differently, there is no proposal.
//!
//! A signature over the text that was is no longer true. `DKIM-Signature` and the ARC set are removed: RFC 6376 6.1 has a broken
//! signature treated as none, yet filters punish it, and RFC 6377 5.7 has whoever changes a message remove what the change breaks; the
//! rule of RFC 6376 4.2 against removal speaks to those who sign. A next hop that signs does so afterwards. `Content-MD5` goes too.
//! Parts under `multipart/signed` and texts signed in OpenPGP's clear form are left as they are, since nobody but their author can sign
//! them again.
//!
//! # Standards
//! RFC 2045, 2047, 3676; RFC 9580 7 (cleartext signatures); RFC 6376 4.2 and 6.1, RFC 6377 5.7, RFC 8617 4.1 (ARC fields).
//!
//! # Known gaps
//! A surname alone stays. Identifiers (UPN, ULN) and file names stay. Calendar invitations, `text/enriched` and attached messages stay;
//! `left` says which of them the message has. A name that stands in the structure between parts stays, and judging the result shows it.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod coding;
mod edits;
mod letters;
mod page;
mod people;
mod plain;
mod sources;
mod traced;
mod write;

use std::collections::HashSet;
use std::fmt;

pub use super::splice::CHANGED_HEADER;

use self::edits::Reading;
use self::people::People;
use self::sources::Source;
use self::traced::Traced;
use super::{fields, splice};
use crate::detect::{Engine, ScanContext, Secret};
use crate::extract::{Content, Unit, View};
use crate::limits::Budget;
use crate::mail::QueueId;
use crate::mime;

/// Times the sources are read at most: a name that another one hides shows when that one is gone, and of a long list detection tells
/// several thousand at a time. A letter takes two.
const PASSES: usize = 16;

/// Why there is no proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProposal {
    /// Nothing to change.
    #[error("no pupil is named in the subject or the bodies")]
    NoNames,
    /// Programs read the message differently, so a change of one reading leaves the others.
    #[error("the structure of the message is malformed, and mail programs read it differently")]
    Malformed,
    /// What was written would not be read as intended.
    #[error("the message cannot be rewritten without changing something else")]
    Unfaithful,
    /// The budget ended.
    #[error("there was no time to rewrite the message")]
    Unfinished,
}

/// What a proposal leaves alone, though it may name somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// An attached message.
    Message,
    /// A calendar invitation.
    Calendar,
    /// A signed part: a change breaks the signature.
    Signed,
    /// Text of a kind that is not rewritten.
    Kind,
    /// Text longer than is rewritten, or coded in a way that cannot be written again.
    Coding,
}

impl Left {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "an attached message",
            Self::Calendar => "a calendar invitation",
            Self::Signed => "a signed part",
            Self::Kind => "a text of a kind that is not rewritten",
            Self::Coding => {
                "a text that is too long, or coded in a way that cannot be written again"
            }
        }
    }
}

/// What changes in one place of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// The field's name, or the media type of the body.
    pub place: String,
    /// How many names were turned.
    pub names: usize,
    /// The initials that stand there now, each once, with how often.
    pub initials: Vec<(String, usize)>,
    /// The lines that change: with the names masked, and as they will be. At most 200.
    pub lines: Vec<(Secret, Secret)>,
}

/// A message with initials for names.
#[derive(Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The new message.
    pub message: Vec<u8>,
    /// What changed.
    pub altered: Vec<Altered>,
    /// What was left alone.
    pub left: Vec<Left>,
    /// How many pupils' names were turned.
    pub people: usize,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("altered", &self.altered)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// Proposes a message with initials for the names of pupils.
///
/// `context` says who takes part, as for detection; `id` is the hold's, for the field that says what was done.
pub fn propose(
    raw: &[u8],
    id: QueueId,
    engine: &Engine,
    context: &ScanContext,
    budget: &Budget,
) -> Result<Proposal, NoProposal> {
    let message = mime::parse(raw, budget);
    if splice::is_ambiguous(&message) {
        return Err(NoProposal::Malformed);
    }
    let (mut sources, left) = sources::of(&message);
    let people = turn(&mut sources, engine, context, budget);
    if budget.is_cancelled() {
        return Err(NoProposal::Unfinished);
    }
    sources.retain(Source::is_changed);
    if sources.is_empty() {
        return Err(NoProposal::NoNames);
    }
    let written = write::message(&message, &sources, id).ok_or(NoProposal::Unfaithful)?;
    if !write::is_faithful(&message, &written, &sources, budget) {
        return Err(NoProposal::Unfaithful);
    }
    Ok(Proposal {
        message: written,
        altered: sources.into_iter().map(|source| source.altered).collect(),
        left,
        people: people.count(),
    })
}

/// Whether a message is a version that was made for this hold.
pub fn is_made_for(message: &[u8], id: QueueId) -> bool {
    let first = message.split(|byte| *byte == b'\n').next();
    let changed = write::changed_field(id);
    first.is_some_and(|line| line.trim_ascii_end() == changed.as_bytes())
}

/// Turns names into initials in every source, until no more are found.
fn turn(sources: &mut [Source], engine: &Engine, context: &ScanContext, budget: &Budget) -> People {
    let spared: HashSet<String> = context
        .participants
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphabetic()))
        .map(str::to_lowercase)
        .collect();
    let mut people = People::default();
    for _ in 0..PASSES {
        let readings = read(sources, engine, context, budget);
        let named = readings.iter().flatten();
        people.learn(named.map(|reading| (reading.text.text(), reading.names.as_slice())));
        let mut changed = false;
        for (source, readings) in sources.iter_mut().zip(&readings) {
            changed |= source.change(readings, &people, &spared);
        }
        if !changed || budget.is_cancelled() {
            break;
        }
    }
    people
}

/// Each source's texts with the names in them.
fn read(
    sources: &[Source],
    engine: &Engine,
    context: &ScanContext,
    budget: &Budget,
) -> Vec<Vec<Reading>> {
    let texts: Vec<Vec<(View, Traced)>> = sources.iter().map(Source::texts).collect();
    let mut content = Content::default();
    for (source, texts) in sources.iter().zip(&texts) {
        content.units.extend(texts.iter().map(|(view, text)| Unit {
            location: source.location.clone(),
            view: *view,
            text: text.text().to_owned(),
        }));
    }
    let mut names = engine.name_spans(&content, context, budget).into_iter();
    texts
        .into_iter()
        .map(|texts| {
            let readings = texts.into_iter().map(|(_, text)| Reading {
                text,
                names: names.next().unwrap_or_default(),
            });
            readings.collect()
        })
        .collect()
}

/// Whether a media type is a page of HTML.
fn is_page(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}
