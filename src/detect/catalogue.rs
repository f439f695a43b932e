//! The catalogue: detectors and dictionaries as TOML, embedded in the binary and replaceable from a folder.
//!
//! # Invariants
//! Unknown keys are errors. Ids are unique. A pattern cannot match the empty text and has literal anchors, so it costs nothing where
//! they do not occur; its word boundaries are ASCII (Unicode ones measured 25 times slower, `docs`). A mistake is named with file,
//! line and key, what was found, what is allowed and how to mend it.

use std::collections::HashSet;

use serde::Deserialize;

use crate::detect::checksum::Checksum;
use crate::detect::finding::{Category, Confidence};
use crate::detect::patterns;

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
    /// A key of a detector or a dictionary says what cannot be.
    #[error("{place}: `{key}`: {fault}")]
    Key {
        /// The file, with the line of the key.
        place: String,
        /// The key.
        key: &'static str,
        /// What is wrong.
        fault: Fault,
    },
}

/// What is wrong with a value, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found}; allowed: {allowed}; {mend}")]
pub struct Fault {
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: &'static str,
    /// What to do.
    pub mend: &'static str,
}

impl Fault {
    /// A fault.
    pub fn new(found: impl Into<String>, allowed: &'static str, mend: &'static str) -> Self {
        Self {
            found: found.into(),
            allowed,
            mend,
        }
    }
}

/// What decides whether a candidate of a detector counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The roster.
    PupilName,
    /// A dictionary of this detector's name, near a person.
    Terms,
    /// A dictionary of this detector's name, whoever is meant: its strong words, and its weak ones with less confidence.
    Words,
    /// A dictionary of this detector's name, whoever is meant: one strong phrase or two weak ones in a message.
    Phrases,
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
    /// A label of a secret with the secret behind it.
    Credential,
    /// A marking that stands as one.
    Marking,
    /// The name or the root element of a common transfer file.
    CtfFile,
    /// A word of money, a person and an amount together.
    Money,
    /// An amount of a medicine, near a pupil.
    Dose,
}

impl Check {
    /// Whether a dictionary holds what it looks for.
    pub fn has_dictionary(self) -> bool {
        matches!(self, Self::Terms | Self::Words | Self::Phrases)
    }

    /// Whether its anchors are words that the pass over a text looks for; an administrator's pattern has a search of its own.
    pub fn has_words(self) -> bool {
        matches!(
            self,
            Self::Credential | Self::Marking | Self::CtfFile | Self::Money | Self::Dose
        )
    }
}

/// What something nearby does to a pattern's match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearby {
    /// It is not looked for.
    Ignored,
    /// It raises the confidence.
    #[default]
    Raises,
    /// Without it nothing is found.
    Required,
}

fn ignored() -> Nearby {
    Nearby::Ignored
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
    /// The file it comes from.
    #[serde(skip)]
    pub file: String,
    /// Words nearby that raise the confidence.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// What the keywords do; for a marking, whether it must stand on a line of its own.
    #[serde(default)]
    pub context: Nearby,
    /// What a pupil nearby does, for [`Check::Pattern`].
    #[serde(default = "ignored")]
    pub pupil: Nearby,
    /// A sum that a match of the pattern must pass.
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// The pattern and its anchors stand for capitals and small letters as they are written.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Words nearby that speak against it.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Literals of which each match of `regex` holds one; for the checks that have words, the words they begin with.
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
    /// Everyday words that count only close to a person and beside another term; in a dictionary of [`Check::Words`], where somebody
    /// is called by them.
    pub hints: Vec<String>,
    /// Abbreviations that count only in capitals and near a word of their field.
    pub codes: Vec<String>,
    /// Which of the strong, weak and everyday terms count only in capitals ("SEND" is no "send").
    pub capitals: Vec<String>,
    /// Which words of [`Check::Words`] and [`Check::Phrases`] are names when they begin with a capital, and then do not count.
    pub small: Vec<String>,
    /// Words of the codes' field.
    pub code_context: Vec<String>,
    /// Headers of columns whose filled cells are such data.
    pub headers: Vec<String>,
    /// Words that turn a term into talk about a topic (policy, training, awareness week). In a dictionary of [`Check::Words`] or
    /// [`Check::Phrases`], innocent phrases: a word inside one of them does not count ("shag pile").
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
    "detectors/conduct/chain-letter.toml",
    "detectors/conduct/offensive-word.toml",
    "detectors/conduct/suspect-message.toml",
    "detectors/credential/api-key.toml",
    "detectors/credential/labelled-secret.toml",
    "detectors/credential/private-key.toml",
    "detectors/financial/financial-term.toml",
    "detectors/financial/iban.toml",
    "detectors/financial/invoice-term.toml",
    "detectors/financial/payment-card.toml",
    "detectors/financial/sort-code-account.toml",
    "detectors/financial/utr.toml",
    "detectors/marking/child-protection-file.toml",
    "detectors/marking/confidential.toml",
    "detectors/marking/official-sensitive.toml",
    "detectors/marking/restricted-circulation.toml",
    "detectors/medical/medical-term.toml",
    "detectors/medical/medicine-dose.toml",
    "detectors/medical/nhs-number.toml",
    "detectors/medical/safeguarding-term.toml",
    "detectors/medical/sen-term.toml",
    "detectors/medical/special-category-term.toml",
    "detectors/personal/date-of-birth.toml",
    "detectors/personal/driving-licence.toml",
    "detectors/personal/email-address.toml",
    "detectors/personal/machine-readable-zone.toml",
    "detectors/personal/national-insurance-number.toml",
    "detectors/personal/passport.toml",
    "detectors/personal/postcode.toml",
    "detectors/personal/telephone.toml",
    "detectors/pupil/ctf-file.toml",
    "detectors/pupil/pupil-full-name.toml",
    "detectors/pupil/uln.toml",
    "detectors/pupil/upn.toml",
    "dictionaries/chain-letter.toml",
    "dictionaries/context.toml",
    "dictionaries/medical.toml",
    "dictionaries/offensive.toml",
    "dictionaries/safeguarding.toml",
    "dictionaries/sen.toml",
    "dictionaries/special-category.toml",
    "dictionaries/suspect.toml",
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
        let mut ids = HashSet::new();
        let mut owned = Vec::new();
        for (name, text) in files {
            let syntax = |error: toml::de::Error| CatalogueError::Syntax {
                file: error
                    .span()
                    .map_or_else(|| name.to_owned(), |span| place(name, text, span.start)),
                reason: error.message().to_owned(),
            };
            let wrong = |(key, fault): (&'static str, Fault)| CatalogueError::Key {
                place: key_at(text, key)
                    .map_or_else(|| name.to_owned(), |at| place(name, text, at)),
                key,
                fault,
            };
            if name.contains("detectors/") {
                let mut detector: Detector = toml::from_str(text).map_err(syntax)?;
                name.clone_into(&mut detector.file);
                if !ids.insert(detector.id.clone()) {
                    return Err(wrong((
                        "id",
                        Fault::new(
                            format!("`{}`, which another detector has", detector.id),
                            "an id of its own",
                            "choose another",
                        ),
                    )));
                }
                detector.check_keys().map_err(wrong)?;
                catalogue.detectors.push(detector);
            } else if name.contains("dictionaries/") {
                let dictionary: Dictionary = toml::from_str(text).map_err(syntax)?;
                owned.extend(
                    dictionary
                        .detector
                        .clone()
                        .map(|owner| (owner, wrong_owner(name, text))),
                );
                catalogue.dictionaries.push(dictionary);
            }
        }
        let known = |id: &str| {
            let mut owners = catalogue.detectors.iter();
            owners.any(|detector| detector.id == id && detector.check.has_dictionary())
        };
        if let Some((_, error)) = owned.into_iter().find(|(owner, _)| !known(owner)) {
            return Err(error);
        }
        Ok(catalogue)
    }

    /// The catalogue without those detectors of conduct that are not `wanted`, and without their dictionaries.
    #[must_use]
    pub fn with_conduct(&self, wanted: &[Category]) -> Self {
        let mut kept = self.clone();
        kept.detectors.retain(|detector| {
            !detector.category.is_conduct() || wanted.contains(&detector.category)
        });
        let known = |id: &String| kept.detectors.iter().any(|detector| detector.id == *id);
        kept.dictionaries
            .retain(|dictionary| dictionary.detector.as_ref().is_none_or(known));
        kept
    }
}

impl Detector {
    /// Whether its keys agree with its check; the first that does not.
    fn check_keys(&self) -> Result<(), (&'static str, Fault)> {
        if self.check == Check::Pattern {
            return patterns::check(self);
        }
        let only_patterns = [
            ("regex", self.regex.is_some()),
            ("checksum", self.checksum.is_some()),
            ("pupil", self.pupil != Nearby::Ignored),
        ];
        if let Some((key, _)) = only_patterns.into_iter().find(|(_, set)| *set) {
            let fault = Fault::new(
                format!("it beside check = \"{}\"", self.check_name()),
                "it with check = \"pattern\" only",
                "leave it out, or write check = \"pattern\"",
            );
            return Err((key, fault));
        }
        if self.check.has_words() && self.anchors.is_empty() {
            let fault = Fault::new(
                "none",
                "the words that open such a statement",
                "list at least one",
            );
            return Err(("anchors", fault));
        }
        Ok(())
    }

    fn check_name(&self) -> String {
        format!("{:?}", self.check).to_lowercase()
    }
}

fn wrong_owner(name: &str, text: &str) -> CatalogueError {
    CatalogueError::Key {
        place: key_at(text, "detector").map_or_else(|| name.to_owned(), |at| place(name, text, at)),
        key: "detector",
        fault: Fault::new(
            "an id that no detector with check = \"terms\", \"words\" or \"phrases\" has",
            "the id of such a detector",
            "add the detector, or leave the key out of a dictionary of context words",
        ),
    }
}

/// A file with a line, from a byte offset.
fn place(file: &str, text: &str, at: usize) -> String {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    format!("{file}:{}", memchr::memchr_iter(b'\n', before).count() + 1)
}

/// Where a key of the top level stands.
fn key_at(text: &str, key: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key);
        if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(at);
        }
        at += line.len();
    }
    None
}
