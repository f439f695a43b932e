//! What detection concludes: findings with category, confidence, person and masked evidence.
//!
//! # Invariants
//! A matched text lives only in a [`Secret`], which does not print, serialise or log itself. Everything else in a finding may be
//! stored and shown.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::extract::{Location, View};

/// What a finding is about, in the words of the outside contract.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Category {
    /// A pupil's full name from the roster.
    PupilName,
    /// An identifier of a pupil: UPN, ULN.
    PupilId,
    /// An identifier that a state gives one person: National Insurance number, passport, driving licence.
    PersonalId,
    /// Date of birth, address, telephone number or e-mail address of a pupil.
    PersonalDetail,
    /// A password or a key shown with its label.
    Credential,
    /// A marking that restricts where a document may go: OFFICIAL-SENSITIVE, internal use only.
    Marking,
    /// Payment cards, bank accounts.
    Financial,
    /// Health, SEN, safeguarding and other special-category data; NHS numbers.
    Medical,
    /// Swear words, slurs, threats, sexual words.
    Offensive,
    /// Phrases of chain letters and hoaxes.
    ChainLetter,
    /// Marks of phishing in a message that somebody passes on.
    Suspect,
    /// The message was forwarded automatically. Policy concludes it; no detector does.
    AutoForward,
    /// A part is protected, or seems so. Extraction concludes it; no detector does.
    Protected,
}

impl Category {
    /// How people write rather than whom they write about: looked for only where a rule of the policy asks for it.
    pub const CONDUCT: [Self; 3] = [Self::Offensive, Self::ChainLetter, Self::Suspect];

    /// Whether it is one of [`Self::CONDUCT`].
    pub fn is_conduct(self) -> bool {
        Self::CONDUCT.contains(&self)
    }

    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::PupilName => "pupil-name",
            Self::PupilId => "pupil-id",
            Self::PersonalId => "personal-id",
            Self::PersonalDetail => "personal-detail",
            Self::Credential => "credential",
            Self::Marking => "marking",
            Self::Financial => "financial",
            Self::Medical => "medical",
            Self::Offensive => "offensive",
            Self::ChainLetter => "chain-letter",
            Self::Suspect => "suspect",
            Self::AutoForward => "auto-forward",
            Self::Protected => "protected",
        }
    }
}

/// How sure a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// 65 of 100.
    Low,
    /// 75 of 100.
    Medium,
    /// 85 of 100.
    High,
}

impl Confidence {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// One level higher, at most high.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
        }
    }
}

/// A person of the roster, as a number that is stable while that roster is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub u32);

/// A keyed hash of a normalised value: equal values have equal keys, and the key tells nothing without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueKey(pub u128);

/// A matched text. It is shown only by [`Secret::reveal`] and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a matched text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Only for output that an operator asked for with `--reveal`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One conclusion of one detector about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of data.
    pub category: Category,
    /// The detector's id (`pupil-full-name`, `nhs-number`, `payment-card`, `medical-term`).
    pub detector: Arc<str>,
    /// How sure.
    pub confidence: Confidence,
    /// Where.
    pub location: Location,
    /// How a reader meets it.
    pub view: View,
    /// Whom it is about, when that is known. A medical term always has a person or a pupil's identifier beside it.
    pub person: Option<PersonId>,
    /// The matched value as a key, for counting distinct values.
    pub value: ValueKey,
    /// The matched text itself.
    pub text: Secret,
    /// The matched text masked: initials of names, last digits of numbers.
    pub masked: String,
    /// The evidence in words, without the value (`keyword "sort code" nearby`).
    pub reasons: Vec<String>,
    /// Undoing a disguise made the match.
    pub obfuscated: bool,
}

/// One place of a pupil's name, in byte offsets of its unit's text. It tells where a name is to be turned into initials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameSpan {
    /// Where it stands, from its first sign to its last.
    pub range: Range<usize>,
    /// Whose name it is.
    pub person: Option<PersonId>,
    /// What stands there.
    pub form: NameForm,
}

/// What stands at a [`NameSpan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameForm {
    /// Forename and surname.
    Whole {
        /// Where the forename stands; with middle names, where those stand with it.
        forename: Range<usize>,
        /// Where the surname stands.
        surname: Range<usize>,
        /// They stand in cells of their own.
        apart: bool,
    },
    /// The forename alone, of somebody whom the message names in full.
    Forename,
}

/// What policy may know of a person that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Keys ([`crate::mail::Address::key`]) of those recipients that are registered contacts.
    pub contacts: Vec<String>,
}

/// Everything detection concluded about one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The findings in the order of units and offsets, at most `Limits::findings`.
    pub list: Vec<Finding>,
    /// The people the findings are about.
    pub people: BTreeMap<PersonId, PersonFacts>,
    /// A budget ended before all text was scanned, or findings were left out.
    pub unfinished: bool,
}
