//! The engine: built once from roster, staff and catalogue, then asked about message after message.
//!
//! # Invariants
//! Scanning takes `&self` and cannot fail: what was left out is said by `unfinished`. An engine is immutable; a reload builds
//! another and swaps it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::detect::catalogue::{Catalogue, CatalogueError, Check, Detector};
use crate::detect::compiled::PeopleIndex;
use crate::detect::context::Scene;
use crate::detect::finding::{
    Category, Finding, Findings, NameSpan, PersonFacts, PersonId, ValueKey,
};
use crate::detect::index::Words;
use crate::detect::judge::{Anchor, Judge, weigh_phrases};
use crate::detect::keywords::Keywords;
use crate::detect::known::Known;
use crate::detect::masked::Masked;
use crate::detect::modulus::ModulusTable;
use crate::detect::options::Options;
use crate::detect::patterns::Patterns;
use crate::detect::raw::Raw;
use crate::detect::spelling::Neighbours;
use crate::detect::stream::{Indexes, Stream};
use crate::detect::token::Keys;
use crate::detect::vocabulary::Vocabulary;
use crate::extract::{Content, Location, Place, Unit, View};
use crate::limits::Budget;
use crate::roster::Roster;

/// Who takes part in a message. Their own names in signatures and quoted headers are no findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanContext {
    /// Display names and addresses of sender and recipients, as they stand in the headers and the envelope.
    pub participants: Vec<String>,
    /// Keys of the recipients' addresses, to tell namesakes apart.
    pub recipients: Vec<String>,
    /// The trust's own domains in small letters, those below them included; none if they are not known.
    pub inside: Vec<String>,
}

/// A detector with a built-in check.
pub(super) struct Checked {
    pub(super) id: Arc<str>,
    pub(super) detector: Detector,
    pub(super) keywords: Keywords,
    pub(super) negative: Keywords,
}

/// Finds people, identifiers and terms.
pub struct Engine {
    pub(super) indexes: Indexes,
    pub(super) known: Known,
    pub(super) checked: Vec<Checked>,
    pub(super) modulus: Option<ModulusTable>,
    /// Words that are looked for behind asterisks, too.
    pub(super) masked: Vec<Masked>,
    patterns: Patterns,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({} pupils)", self.known.len())
    }
}

/// What findings that become one have in common: a value, a person and a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Same(Arc<str>, ValueKey, Option<PersonId>, Location);

impl Same {
    pub(super) fn of(finding: &Finding) -> Self {
        Self(
            finding.detector.clone(),
            finding.value,
            finding.person,
            finding.location.without_row(),
        )
    }
}

/// What other units say about a place: the subject about the bodies, a file's name about the file.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) subject: Vec<Anchor>,
    pub(super) files: Vec<(Vec<String>, Anchor)>,
}

impl Surroundings {
    /// The people that a unit is about before its text is read.
    pub(super) fn about(&self, location: &Location) -> Vec<Anchor> {
        let mut people = match location.place {
            Place::Body | Place::Attachment(_) => self.subject.clone(),
            Place::Subject | Place::Header => Vec::new(),
        };
        if let Place::Attachment(names) = &location.place {
            let inside = self
                .files
                .iter()
                .filter(|(file, _)| names.starts_with(file));
            people.extend(inside.map(|(_, anchor)| anchor.clone()));
        }
        people
    }
}

impl Engine {
    /// Builds the indexes for exact forms of names. `secret` keys every hash; the same secret gives the same value keys.
    pub fn build(
        roster: &Roster,
        staff: &Roster,
        catalogue: &Catalogue,
        secret: [u8; 16],
    ) -> Result<Self, CatalogueError> {
        Self::build_with(roster, staff, catalogue, Options::default(), secret)
    }

    /// Builds the indexes, with the looser ways of reading names that are switched on.
    pub fn build_with(
        roster: &Roster,
        staff: &Roster,
        catalogue: &Catalogue,
        options: Options,
        secret: [u8; 16],
    ) -> Result<Self, CatalogueError> {
        let people = PeopleIndex::build(roster, staff, options, secret);
        Self::of(people, catalogue, secret)
    }

    /// Puts people that were compiled under the same secret beside the catalogue, without its detectors of conduct.
    pub fn of(
        people: PeopleIndex,
        catalogue: &Catalogue,
        secret: [u8; 16],
    ) -> Result<Self, CatalogueError> {
        Self::with_conduct(people, catalogue, &[], secret)
    }

    /// Likewise, with those detectors of [`Category::CONDUCT`] whose category is in `conduct`. The others cost nothing.
    pub fn with_conduct(
        people: PeopleIndex,
        catalogue: &Catalogue,
        conduct: &[Category],
        secret: [u8; 16],
    ) -> Result<Self, CatalogueError> {
        let catalogue = &catalogue.with_conduct(conduct);
        let keys = Keys::new(secret);
        let PeopleIndex {
            mut words,
            names,
            neighbours,
            known,
        } = people;
        let vocabulary = Vocabulary::build(&keys, catalogue, &mut words);
        let built_in = catalogue
            .detectors
            .iter()
            .filter(|detector| detector.check != Check::Pattern);
        let checked = built_in
            .map(|detector| {
                Ok(Checked {
                    id: Arc::from(detector.id.as_str()),
                    keywords: Keywords::new(&detector.id, &detector.keywords)?,
                    negative: Keywords::new(&detector.id, &detector.negative)?,
                    detector: detector.clone(),
                })
            })
            .collect::<Result<_, CatalogueError>>()?;
        Ok(Self {
            indexes: Indexes {
                words: Words::build(words),
                names,
                vocabulary,
                neighbours,
                keys,
            },
            known,
            checked,
            modulus: None,
            masked: Masked::all(catalogue),
            patterns: Patterns::build(catalogue)?,
        })
    }

    /// Checks sort codes with account numbers by the administrator's table.
    #[must_use]
    pub fn with_modulus(mut self, table: Option<ModulusTable>) -> Self {
        self.modulus = table;
        self
    }

    /// How many pupils it looks for.
    pub fn person_count(&self) -> usize {
        self.known.len()
    }

    /// Memory of the facts beside the names (dates, forms, contacts, numbers), in bytes.
    pub fn facts_bytes(&self) -> usize {
        self.known.bytes()
    }

    /// Memory of the index of names and words, in bytes.
    pub fn index_bytes(&self) -> usize {
        let neighbours = self.indexes.neighbours.as_ref();
        self.indexes.words.bytes()
            + self.indexes.names.bytes()
            + neighbours.map_or(0, Neighbours::bytes)
    }

    /// Looks at everything a message says.
    pub fn scan(&self, content: &Content, context: &ScanContext, budget: &Budget) -> Findings {
        let mut by_unit: BTreeMap<usize, Findings> = BTreeMap::new();
        let mut room = budget.limits.findings;
        self.each_unit(content, context, budget, |number, judge, complete| {
            let mut found = judge.finish(room);
            room -= found.list.len();
            found.unfinished |= !complete;
            by_unit.insert(number, found);
        });
        self.join(by_unit, context)
    }

    /// Every name that [`Engine::scan`] makes a finding of, at each of its places, by unit. One finding may have many.
    pub fn name_spans(
        &self,
        content: &Content,
        context: &ScanContext,
        budget: &Budget,
    ) -> Vec<Vec<NameSpan>> {
        let mut spans = vec![Vec::new(); content.units.len()];
        self.each_unit(content, context, budget, |number, judge, _| {
            spans[number] = judge.name_spans();
        });
        spans
    }

    /// Judges unit after unit; `see` gets the unit's number, its judgement, and whether all of it was read.
    pub(super) fn each_unit(
        &self,
        content: &Content,
        context: &ScanContext,
        budget: &Budget,
        mut see: impl FnMut(usize, Judge<'_>, bool),
    ) {
        let participants = self.participants(context);
        let mut raw = Raw::default();
        let mut surroundings = Surroundings::default();
        // The subject and the names of files first: they say whom the rest is about.
        let first =
            |unit: &Unit| unit.view == View::FileName || unit.location.place == Place::Subject;
        let order = content.units.iter().enumerate();
        let order = order
            .clone()
            .filter(|(_, unit)| first(unit))
            .chain(order.filter(|(_, unit)| !first(unit)));
        for (number, unit) in order {
            let scene = Scene::of(unit);
            raw.clear();
            let cap = budget.limits.findings.max(16);
            let stream = Stream::new(
                &self.indexes,
                scene.text().as_bytes(),
                unit.view,
                cap,
                &mut raw,
            );
            let finished = stream.run(&|| !budget.is_cancelled());
            let mut judge = Judge::new(
                self,
                &scene,
                context,
                &participants,
                surroundings.about(&unit.location),
            );
            judge.judge(&mut raw);
            let complete = self
                .patterns
                .scan(&self.indexes.keys, &scene, &mut judge, cap);
            note(&mut surroundings, unit, judge.anchors());
            see(number, judge, finished && complete && !raw.cut);
        }
    }

    pub(super) fn join(
        &self,
        by_unit: BTreeMap<usize, Findings>,
        context: &ScanContext,
    ) -> Findings {
        let mut all = Findings::default();
        let phrases = self.checked(Check::Phrases).is_some();
        // One finding for a value, a person and a place: the surest.
        let mut seen = HashMap::new();
        for found in by_unit.into_values() {
            all.unfinished |= found.unfinished;
            for finding in found.list {
                match seen.entry(Same::of(&finding)) {
                    Entry::Vacant(entry) => {
                        entry.insert(all.list.len());
                        all.list.push(finding);
                    }
                    Entry::Occupied(entry) => {
                        let kept = &mut all.list[*entry.get()];
                        let rowless = kept.location == kept.location.without_row();
                        if finding.confidence > kept.confidence {
                            *kept = finding;
                        } else if rowless {
                            kept.location = finding.location;
                        }
                    }
                }
            }
        }
        if phrases {
            weigh_phrases(&mut all.list, &self.checked);
        }
        for person in all.list.iter().filter_map(|finding| finding.person) {
            let is_contact =
                |address: &&String| self.known.is_contact(&self.indexes.keys, person.0, address);
            all.people.entry(person).or_insert_with(|| PersonFacts {
                contacts: context
                    .recipients
                    .iter()
                    .filter(is_contact)
                    .cloned()
                    .collect(),
            });
        }
        all
    }

    /// Names in the index that the participants bear.
    fn participants(&self, context: &ScanContext) -> HashSet<usize> {
        if context.participants.is_empty() {
            return HashSet::new();
        }
        let unit = Unit {
            location: Location::of(Place::Header),
            view: View::Visible,
            text: context.participants.join("\n\n"),
        };
        let scene = Scene::of(&unit);
        let mut raw = Raw::default();
        Stream::new(
            &self.indexes,
            scene.text().as_bytes(),
            View::Visible,
            4096,
            &mut raw,
        )
        .run(&|| true);
        raw.names.iter().map(|name| name.place).collect()
    }

    /// The detector with this check.
    pub(super) fn checked(&self, check: Check) -> Option<&Checked> {
        self.checked
            .iter()
            .find(|checked| checked.detector.check == check)
    }
}

fn note(surroundings: &mut Surroundings, unit: &Unit, anchors: Vec<Anchor>) {
    if unit.location.place == Place::Subject {
        surroundings.subject.extend(anchors);
    } else if let (View::FileName, Place::Attachment(names)) = (unit.view, &unit.location.place) {
        surroundings
            .files
            .extend(anchors.into_iter().map(|anchor| (names.clone(), anchor)));
    }
}

/// The pupils a set of findings is about.
pub fn people(findings: &Findings) -> impl Iterator<Item = PersonId> + '_ {
    findings.people.keys().copied()
}
