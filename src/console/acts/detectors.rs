//! What is looked for: the catalogue, and which rules of the policy in force use it.

use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::detect::{Detector, Dictionary};
use crate::policy::rule::Rule;
use crate::policy::{Mode, Policy};

/// A detector in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DetectorLine {
    /// Its id.
    pub id: String,
    /// What it looks for.
    pub title: String,
    /// The category of its findings.
    pub category: &'static str,
    /// A rule that is enforced uses it.
    pub on: bool,
    /// Rules that use it: ids.
    pub rules: Vec<String>,
}

/// A rule that uses a detector.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Use {
    /// The rule's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it does.
    pub action: &'static str,
    /// `enforce`, `shadow` or `off`.
    pub mode: &'static str,
}

/// A detector by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DetectorPage {
    /// As in the list.
    pub line: DetectorLine,
    /// How sure its findings are by themselves.
    pub confidence: &'static str,
    /// Words nearby that raise that.
    pub keywords: Vec<String>,
    /// Words nearby that speak against a finding.
    pub negative: Vec<String>,
    /// Texts in which it finds something.
    pub examples: Vec<String>,
    /// Texts in which it finds nothing.
    pub counterexamples: Vec<String>,
    /// Where its facts come from.
    pub references: Vec<String>,
    /// Terms in its dictionaries.
    pub terms: usize,
    /// Rules that use it.
    pub uses: Vec<Use>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Detectors {
    /// By category and title.
    pub detectors: Vec<DetectorLine>,
    /// Terms in all dictionaries.
    pub terms: usize,
    /// Pupils that are looked for by name.
    pub pupils: usize,
}

/// Everything that is looked for.
pub fn list(site: &Site, caller: &Caller) -> Result<Detectors, Refusal> {
    needs(caller, Permission::SeeDetectors)?;
    let catalogue = site
        .premises()
        .catalogue()
        .map_err(|error| unreadable(&error))?;
    let tools = site.pipeline().tools();
    let all = catalogue.detectors.iter();
    let mut detectors: Vec<_> = all.map(|detector| line(detector, &tools.policy)).collect();
    detectors.sort_by(|a, b| (a.category, &a.title).cmp(&(b.category, &b.title)));
    Ok(Detectors {
        detectors,
        terms: catalogue.dictionaries.iter().map(terms).sum(),
        pupils: tools.engine.person_count(),
    })
}

/// One detector.
pub fn show(site: &Site, caller: &Caller, id: &str) -> Result<DetectorPage, Refusal> {
    needs(caller, Permission::SeeDetectors)?;
    let catalogue = site
        .premises()
        .catalogue()
        .map_err(|error| unreadable(&error))?;
    let mut all = catalogue.detectors.iter();
    let detector = all.find(|known| known.id == id).ok_or(Refusal::Missing)?;
    let policy = site.pipeline().tools().policy.clone();
    let own = catalogue.dictionaries.iter();
    let own = own.filter(|one| one.detector.as_deref() == Some(id));
    let uses = policy.rules.iter().filter(|rule| uses(rule, detector));
    Ok(DetectorPage {
        line: line(detector, &policy),
        confidence: detector.confidence.name(),
        keywords: detector.keywords.clone(),
        negative: detector.negative.clone(),
        examples: detector.examples.clone(),
        counterexamples: detector.counterexamples.clone(),
        references: detector.references.clone(),
        terms: own.map(terms).sum(),
        uses: uses
            .map(|rule| Use {
                id: rule.id.to_string(),
                title: rule.title.to_string(),
                action: rule.action.name(),
                mode: mode(rule.mode),
            })
            .collect(),
    })
}

fn unreadable(error: &str) -> Refusal {
    tracing::error!(%error, "console: the catalogue cannot be read");
    Refusal::Fault("catalogue")
}

fn line(detector: &Detector, policy: &Policy) -> DetectorLine {
    let rules: Vec<&Rule> = policy
        .rules
        .iter()
        .filter(|rule| rule.mode != Mode::Off && uses(rule, detector))
        .collect();
    DetectorLine {
        id: detector.id.clone(),
        title: detector.title.clone(),
        category: detector.category.name(),
        on: rules.iter().any(|rule| rule.mode == Mode::Enforce),
        rules: rules.iter().map(|rule| rule.id.to_string()).collect(),
    }
}

/// Whether a rule asks for what a detector finds. Rules that name neither category nor detector do not mean how people write.
fn uses(rule: &Rule, detector: &Detector) -> bool {
    let Some(found) = &rule.when.found else {
        return false;
    };
    if found.except_detectors.contains(&detector.id) {
        return false;
    }
    match (found.categories.as_slice(), found.detectors.as_slice()) {
        ([], []) => !detector.category.is_conduct(),
        (categories, []) => categories.contains(&detector.category),
        ([], ids) => ids.contains(&detector.id),
        (categories, ids) => categories.contains(&detector.category) && ids.contains(&detector.id),
    }
}

fn terms(dictionary: &Dictionary) -> usize {
    [
        &dictionary.strong,
        &dictionary.weak,
        &dictionary.hints,
        &dictionary.codes,
    ]
    .iter()
    .map(|list| list.len())
    .sum()
}

/// The name of a mode.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
        Mode::Off => "off",
    }
}
