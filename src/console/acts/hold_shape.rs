//! One hold as plain data: what a page writes and a program gets.

use std::time::SystemTime;

use serde::Serialize;
use utoipa::ToSchema;

use super::holds::HoldLine;

/// A hold, as far as its caller may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldView {
    /// As in the list.
    pub line: HoldLine,
    /// When its content is deleted, unless it is decided before or kept for a case.
    pub ends_at: String,
    /// Seconds until then.
    pub left_seconds: u64,
    /// Why it waits.
    pub reasons: Vec<ReasonView>,
    /// Nobody reads its content.
    pub confidential: bool,
    /// Two people release it.
    pub needs_second_person: bool,
    /// Health, SEN, safeguarding: a release needs words.
    pub special: bool,
    /// Who is to get it.
    pub recipients: Vec<RecipientLine>,
    /// How many people the findings are about.
    pub people: usize,
    /// What was found, masked.
    pub evidence: Vec<EvidenceLine>,
    /// Findings that are not listed.
    pub more_evidence: usize,
    /// Its attachments.
    pub attachments: Vec<AttachmentLine>,
    /// What happened to it, oldest first.
    pub history: Vec<PastLine>,
    /// Holds like it.
    pub similar: Vec<SimilarLine>,
    /// What its sender wrote to the reviewer.
    pub words: Vec<WordLine>,
    /// The release that waits for a second person.
    pub request: Option<RequestView>,
    /// Why it must be kept.
    pub legal_hold_reason: Option<String>,
    /// What a reviewer judged.
    pub judgement: Option<String>,
    /// What the caller may do with it.
    pub may: May,
    /// When its content ends.
    #[serde(skip)]
    pub ends: Option<SystemTime>,
}

/// What a caller may do with a hold.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct May {
    /// See the masked evidence.
    pub see_evidence: bool,
    /// Read the message.
    pub read: bool,
    /// Decide.
    pub decide: bool,
    /// Have it kept for a case.
    pub legal_hold: bool,
}

/// Why it waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReasonView {
    /// The rule's title.
    pub title: String,
    /// Where the trust's policy says so.
    pub clause: Option<String>,
    /// What was seen, as a sentence; for those who may see evidence.
    pub sentence: Option<String>,
    /// How grave it is.
    pub severity: String,
    /// It held the message.
    pub decisive: bool,
    /// What to look at before deciding.
    pub what_to_do: String,
}

/// A recipient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecipientLine {
    /// Its place in the message, from 0: what a release names.
    pub number: usize,
    /// The address.
    pub address: String,
    /// What it is to the trust, in words.
    pub known: String,
    /// It is not inside the trust and no partner.
    pub outside: bool,
    /// Other classes of the policy.
    pub classes: Vec<String>,
    /// It can be reached by a way that encrypts.
    pub encrypted: bool,
}

/// Something that was found, once for each place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceLine {
    /// What kind of data.
    pub category: String,
    /// How sure.
    pub confidence: String,
    /// Where.
    pub location: String,
    /// What, masked.
    pub masked: String,
}

/// An attachment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttachmentLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Its declared type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// Why it cannot be removed, when it cannot.
    pub bound: Option<String>,
    /// How it is protected, when it is.
    pub protection: Option<String>,
    /// What was found in it.
    pub found: Vec<String>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PastLine {
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What, as the ledger names it.
    pub action: String,
    /// Why, for those who may see it.
    pub reason: Option<String>,
    /// When.
    #[serde(skip)]
    pub time: Option<SystemTime>,
}

/// A hold like another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SimilarLine {
    /// As in the list.
    pub line: HoldLine,
    /// From the same sender.
    pub same_sender: bool,
    /// For the same reason.
    pub same_rule: bool,
    /// So many of the same things were found.
    pub values: usize,
}

/// What a sender wrote.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WordLine {
    /// When.
    pub at: String,
    /// What.
    pub text: String,
    /// They ask for the release.
    pub asks: bool,
    /// When.
    #[serde(skip)]
    pub time: Option<SystemTime>,
}

/// A release that waits for a second person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequestView {
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// To whom.
    pub recipients: Vec<String>,
    /// To how many it was.
    pub of: usize,
    /// Which text: `held`, `initials`, `without-attachments`.
    pub version: String,
    /// How many attachments are left out.
    pub without: usize,
    /// By the way that encrypts.
    pub encrypt: bool,
    /// The caller asked, and another must approve.
    pub yours: bool,
}
