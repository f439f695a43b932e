//! What Beadle writes to people: which kinds of notice there are, what each may say, its words, its mail, and when it is due.
//!
//! # Invariants
//! A notice holds no matched text, no subject, no file name and no address but its own `From` and `To`: it is written from
//! [`Content`], which has no place for them. Its envelope sender is null and it is marked automatic, so that it starts no loop.
//!
//! # Standards
//! RFC 3834 (automatic responses), RFC 5322, RFC 2046 5.1.4 (alternatives), MS-OXCMAIL (`X-Auto-Response-Suppress`).
//!
//! # Known gaps
//! Addresses with a non-ASCII local part are not tested. Anybody can write `X-Beadle-Notice` into a message of their own; all it
//! does is that what is held goes into the digest instead of a notice at once.

pub mod calendar;
pub mod checkpoint;
pub mod content;
mod letter;
pub mod link;
pub mod plan;
mod refused;
pub mod report;
mod samples;
mod templates;

pub use checkpoint::CheckpointLetter;
pub use content::Content;
pub use letter::Letter;
pub use refused::RefusedHold;
pub use report::ReportLetter;
pub use templates::{Rendered, TemplateProblem, Templates};

/// The header that marks a notice of ours; its value is the kind.
pub const MARK: &str = "X-Beadle-Notice";

/// Why a notice cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The builder refused an address.
    #[error("address cannot stand in a header")]
    Address,
    /// The builder refused the message.
    #[error("notice cannot be composed")]
    Compose,
    /// Not even the built-in text can be filled in.
    #[error("text of a notice cannot be filled in")]
    Text,
}

/// The kinds of notice; each has a text and an HTML template of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// To a sender: not sent, and nobody else says so.
    SenderRefused,
    /// To a sender: held for review.
    SenderHeld,
    /// To a sender: delivered, but against the policy.
    SenderWarned,
    /// To a sender: a reviewer refused what was held.
    SenderReviewerRefused,
    /// To the owner of a mailbox that forwards automatically.
    OwnerForwarding,
    /// To a role: something was held, refused or warned about just now.
    RoleHold,
    /// To a role: what came together since the last digest, and what waits.
    RoleDigest,
    /// To IT: technical facts of an automatic forward.
    ItForwarding,
    /// To a role: a hold that cannot wait.
    Urgent,
    /// To those who review: what has waited long, or is about to end undecided.
    RoleAgeing,
    /// To those who review: a release waits for a second person.
    RoleAsked,
    /// To who asked for a release: a second person has answered.
    RequesterAnswered,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::SenderRefused,
        Self::SenderHeld,
        Self::SenderWarned,
        Self::SenderReviewerRefused,
        Self::OwnerForwarding,
        Self::RoleHold,
        Self::RoleDigest,
        Self::ItForwarding,
        Self::Urgent,
        Self::RoleAgeing,
        Self::RoleAsked,
        Self::RequesterAnswered,
    ];

    /// The name of its templates, in its header and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::SenderRefused => "sender-refused",
            Self::SenderHeld => "sender-held",
            Self::SenderWarned => "sender-warned",
            Self::SenderReviewerRefused => "sender-reviewer-refused",
            Self::OwnerForwarding => "owner-forwarding",
            Self::RoleHold => "role-hold",
            Self::RoleDigest => "role-digest",
            Self::ItForwarding => "it-forwarding",
            Self::Urgent => "urgent",
            Self::RoleAgeing => "role-ageing",
            Self::RoleAsked => "role-asked",
            Self::RequesterAnswered => "requester-answered",
        }
    }
}
