//! The catalogue: detectors and dictionaries as TOML, embedded in the binary and replaceable from a folder.
//!
//! # Invariants
//! Unknown keys are errors. Ids are unique. A pattern cannot match the empty text and has literal anchors, so it costs nothing where
//! they do not occur; its word boundaries are ASCII (Unicode ones measured 25 times slower, `docs`).

use std::collections::HashSet;

use serde::Deserialize;

use crate::detect::finding::{Category, Confidence};

/// Why a catalogue cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A file is no valid TOML of its kind.
    #[error("{file}: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// What is wrong, with its place.
        reason: String,
    },
    /// A detector contradicts itself.
    #[error("detector {id}: {reason}")]
    Detector {
        /// The detector.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

/// What decides whether a candidate of a detector counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The roster.
    PupilName,
    /// A dictionary of this detector's name, near a person.
    Terms,
    /// Issuer range, length, Luhn.
    PaymentCard,
    /// Country, length, remainder.
    Iban,
    /// Sort code and account number together.
    SortCode,
    /// Weighted sum of the NHS family.
    NhsNumber,
    /// Check letter.
    Upn,
    /// Weighted sum that leaves ten.
    Uln,
    /// Prefixes that are given out.
    Nino,
    /// Weighted sum of the tax reference, with a word that says so.
    Utr,
    /// Shape, with the word beside it.
    Passport,
    /// Check digits of the machine-readable zone.
    MachineReadable,
    /// Layout and the date inside.
    DrivingLicence,
    /// The date of birth on the roster, beside the pupil's name.
    BirthDate,
    /// Postcode beside a pupil's name.
    Postcode,
    /// Telephone number beside a pupil's name.
    Telephone,
    /// E-mail address beside a pupil's name.
    EmailAddress,
    /// The pattern alone.
    Pattern,
}

/// One detector.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Its id, as findings carry it.
    pub id: String,
    /// Its title, for people.
    pub title: String,
    /// The category of its findings.
    pub category: Category,
    /// What decides.
    pub check: Check,
    /// Confidence of a pattern's findings.
    #[serde(default = "medium")]
    pub confidence: Confidence,
    /// Words nearby that raise the confidence.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Words nearby that speak against it.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Literals of which each match of `regex` holds one.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// The pattern, for [`Check::Pattern`].
    #[serde(default)]
    pub regex: Option<String>,
    /// Texts in which it finds something.
    pub examples: Vec<String>,
    /// Texts in which it finds nothing.
    pub counterexamples: Vec<String>,
    /// Where its facts come from.
    #[serde(default)]
    pub references: Vec<String>,
}

fn medium() -> Confidence {
    Confidence::Medium
}

/// One dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dictionary {
    /// The detector its terms belong to; none for words of context.
    pub detector: Option<String>,
    /// Terms that say something about a person's health, needs or safety by themselves.
    pub strong: Vec<String>,
    /// Terms that do so only close to a person.
    pub weak: Vec<String>,
    /// Everyday words that count only close to a person and beside another term.
    pub hints: Vec<String>,
    /// Abbreviations that count only in capitals and near a word of their field.
    pub codes: Vec<String>,
    /// Which of the strong, weak and everyday terms count only in capitals ("SEND" is no "send").
    pub capitals: Vec<String>,
    /// Words of the codes' field.
    pub code_context: Vec<String>,
    /// Headers of columns whose filled cells are such data.
    pub headers: Vec<String>,
    /// Words that turn a term into talk about a topic (policy, training, awareness week).
    pub negative: Vec<String>,
    /// Words for a single pupil or the relation to one.
    pub role: Vec<String>,
    /// Labels between the parts of a name in a form.
    pub labels: Vec<String>,
}

/// Detectors and dictionaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The detectors.
    pub detectors: Vec<Detector>,
    /// The dictionaries.
    pub dictionaries: Vec<Dictionary>,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../patterns/", $name)))),*] };
}

/// Every file of the catalogue; `tests/detectors.rs` compares the list with the folder.
pub const EMBEDDED: &[(&str, &str)] = embedded![
    "detectors/financial/iban.toml",
    "detectors/financial/payment-card.toml",
    "detectors/financial/sort-code-account.toml",
    "detectors/financial/utr.toml",
    "detectors/medical/medical-term.toml",
    "detectors/medical/nhs-number.toml",
    "detectors/medical/safeguarding-term.toml",
    "detectors/medical/sen-term.toml",
    "detectors/personal/date-of-birth.toml",
    "detectors/personal/driving-licence.toml",
    "detectors/personal/email-address.toml",
    "detectors/personal/machine-readable-zone.toml",
    "detectors/personal/national-insurance-number.toml",
    "detectors/personal/passport.toml",
    "detectors/personal/postcode.toml",
    "detectors/personal/telephone.toml",
    "detectors/pupil/pupil-full-name.toml",
    "detectors/pupil/uln.toml",
    "detectors/pupil/upn.toml",
    "dictionaries/context.toml",
    "dictionaries/medical.toml",
    "dictionaries/safeguarding.toml",
    "dictionaries/sen.toml",
];

impl Catalogue {
    /// The catalogue in the binary.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::load(EMBEDDED.iter().copied())
    }

    /// Reads a catalogue from named files; `detectors/` and `dictionaries/` in the name say which kind a file is.
    pub fn load<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for (name, text) in files {
            let syntax = |error: toml::de::Error| CatalogueError::Syntax {
                file: name.to_owned(),
                reason: error.message().to_owned(),
            };
            if name.contains("detectors/") {
                catalogue
                    .detectors
                    .push(toml::from_str(text).map_err(syntax)?);
            } else if name.contains("dictionaries/") {
                catalogue
                    .dictionaries
                    .push(toml::from_str(text).map_err(syntax)?);
            }
        }
        catalogue.check()?;
        Ok(catalogue)
    }

    fn check(&self) -> Result<(), CatalogueError> {
        let mut ids = HashSet::new();
        for detector in &self.detectors {
            let wrong = |reason: &str| CatalogueError::Detector {
                id: detector.id.clone(),
                reason: reason.to_owned(),
            };
            if !ids.insert(detector.id.as_str()) {
                return Err(wrong("id is taken"));
            }
            let pattern = detector.check == Check::Pattern;
            if pattern != detector.regex.is_some() {
                return Err(wrong("a pattern needs a regex, and nothing else has one"));
            }
            if pattern && !detector.anchors.iter().any(|anchor| anchor.len() >= 2) {
                return Err(wrong("a pattern needs anchors of two or more characters"));
            }
        }
        Ok(())
    }
}
