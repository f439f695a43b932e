//! Joining the raw hits of one unit to findings: which count, how sure, about whom.
//!
//! # Invariants
//! No finding of a term without a person or a pupil's identifier. Reasons never hold a value.

use std::collections::HashSet;
use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::context::{Scene, WINDOW, has_word};
use crate::detect::engine::{Checked, Engine, ScanContext};
use crate::detect::finding::{Category, Confidence, Finding, Findings, PersonId, Secret, ValueKey};
use crate::detect::index::{HALF, ORDINARY, PUPIL, STAFF};
use crate::detect::mask;
use crate::detect::numbers::NumberKind;
use crate::detect::stream::{Raw, RawName, RawTerm, letters};
use crate::detect::table::Table;
use crate::detect::token::Tokens;
use crate::detect::vocabulary::TermKind;
use crate::extract::{Place, View};

/// Bytes around a term within which a word like "policy" or "training" belongs to it.
const PHRASE: usize = 14;

/// A place in the text that stands for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The pupil; none for an identifier that is not on the roster.
    pub person: Option<PersonId>,
    /// Hash of the forename, when it was found by name.
    pub forename: Option<u64>,
    /// Where, in plain offsets of its own unit.
    pub range: Range<usize>,
    /// The finding it comes from is of low confidence.
    pub weak: bool,
}

/// What a finding is made of.
pub struct Draft<'d> {
    /// The detector's id.
    pub detector: &'d std::sync::Arc<str>,
    /// The category.
    pub category: Category,
    /// How sure, before disguise.
    pub confidence: Confidence,
    /// Where.
    pub range: Range<usize>,
    /// Whom.
    pub person: Option<PersonId>,
    /// The value as it is counted.
    pub value: Vec<u8>,
    /// The evidence.
    pub reasons: Vec<String>,
    /// Undoing a disguise made the match, beyond what the plain text knows.
    pub obfuscated: bool,
}

/// The judgement of one unit.
pub struct Judge<'j> {
    engine: &'j Engine,
    scene: &'j Scene<'j>,
    context: &'j ScanContext,
    participants: &'j HashSet<usize>,
    about: Vec<Anchor>,
    anchors: Vec<Anchor>,
    ids: Vec<Range<usize>>,
    /// Findings with their plain offset.
    pub found: Vec<(usize, Finding)>,
}

impl<'j> Judge<'j> {
    /// Prepares the judgement; `about` are the people the unit is about before its text is read.
    pub(super) fn new(
        engine: &'j Engine,
        scene: &'j Scene<'j>,
        context: &'j ScanContext,
        participants: &'j HashSet<usize>,
        about: Vec<Anchor>,
    ) -> Self {
        Self {
            engine,
            scene,
            context,
            participants,
            about,
            anchors: Vec::new(),
            ids: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Judges the raw hits.
    pub fn judge(&mut self, raw: &mut Raw) {
        self.names_in_columns(raw);
        self.note_ids(raw);
        let names = best_of_overlapping(&mut raw.names, self.engine);
        self.names(&names, raw);
        self.mentions(raw);
        self.anchors.sort_by_key(|anchor| anchor.range.start);
        self.numbers(raw);
        self.anchors.sort_by_key(|anchor| anchor.range.start);
        self.terms(raw);
        self.columns(raw);
    }

    /// The places that stand for people.
    pub fn anchors(&self) -> Vec<Anchor> {
        self.anchors.clone()
    }

    /// The findings in the order of the text, at most `room`.
    pub fn finish(mut self, room: usize) -> Findings {
        self.found
            .sort_by_key(|(at, finding)| (*at, finding.category));
        let unfinished = self.found.len() > room;
        let list = self
            .found
            .into_iter()
            .take(room)
            .map(|(_, finding)| finding)
            .collect();
        Findings {
            list,
            unfinished,
            ..Findings::default()
        }
    }

    fn push(&mut self, draft: Draft<'_>) {
        let text = self.scene.original(draft.range.clone());
        self.push_text(draft, text);
    }

    fn push_text(&mut self, mut draft: Draft<'_>, text: String) {
        let obfuscated = draft.obfuscated || self.scene.plain.is_disguised(&draft.range);
        let mut confidence = draft.confidence;
        if obfuscated {
            confidence = confidence.raised();
            draft.reasons.push("written in disguise".to_owned());
        }
        let key = self
            .engine
            .indexes
            .keys
            .value(draft.category.name(), &draft.value);
        let finding = Finding {
            category: draft.category,
            detector: draft.detector.clone(),
            confidence,
            location: self.scene.unit.location.clone(),
            view: self.scene.unit.view,
            person: draft.person,
            value: ValueKey(key),
            masked: match draft.category {
                Category::Medical
                    if text.bytes().any(|b| b.is_ascii_digit()) && text.len() >= 10 =>
                {
                    mask::number(&text)
                }
                category => mask::value(category, &text),
            },
            text: Secret::new(text),
            reasons: draft.reasons,
            obfuscated,
        };
        self.found.push((draft.range.start, finding));
    }

    /// Forename and surname in columns that do not touch.
    fn names_in_columns(&self, raw: &mut Raw) {
        let Some(table) = &self.scene.table else {
            return;
        };
        let Some((forename_column, surname_column)) = table.name_columns() else {
            return;
        };
        let text = self.scene.text();
        let engine = self.engine;
        let mut at = table.body;
        while at < text.len() && raw.names.len() < 100_000 {
            let row = Table::row(text, at);
            at = row.end + 1;
            let cells: Vec<Range<usize>> = Table::cells(text, row).collect();
            let (Some(f), Some(s)) = (cells.get(forename_column), cells.get(surname_column)) else {
                continue;
            };
            let spelled = |cell: &Range<usize>| {
                let whole = letters(&text.as_bytes()[cell.clone()]);
                let first = Tokens::new(&engine.indexes.keys, &text.as_bytes()[cell.clone()])
                    .next()
                    .map(|token| {
                        letters(
                            &text.as_bytes()[cell.start + token.start as usize
                                ..cell.start + token.end as usize],
                        )
                    });
                (whole, first.unwrap_or_default())
            };
            let ((forename, first), (surname, _)) = (spelled(f), spelled(s));
            for forename in if first == forename {
                vec![forename]
            } else {
                vec![forename, first]
            } {
                let hashes = (
                    engine.indexes.keys.word(&forename),
                    engine.indexes.keys.word(&surname),
                );
                let verify = engine.indexes.keys.verify(&forename, &surname);
                let names = &engine.indexes.names;
                let place = names
                    .with_key(engine.indexes.keys.pair(hashes.0, hashes.1))
                    .find(|place| names.agrees(*place, verify) && names.pair(*place).is(PUPIL));
                if let Some(place) = place {
                    raw.names.push(RawName {
                        range: f.start.min(s.start)..f.end.max(s.end),
                        place,
                        forename: hashes.0,
                        capitals: true,
                        spaced: false,
                        forename_first: f.start < s.start,
                        person: None,
                        columns: Some((f.clone(), s.clone())),
                    });
                    break;
                }
            }
        }
    }

    /// Identifiers that confirm a name beside them.
    fn note_ids(&mut self, raw: &Raw) {
        let ids = raw
            .numbers
            .iter()
            .filter(|number| matches!(number.kind, NumberKind::Upn | NumberKind::Nhs));
        self.ids = ids.map(|number| number.range.clone()).collect();
    }

    fn names(&mut self, names: &[RawName], raw: &Raw) {
        let Some(checked) = self.engine.checked(Check::PupilName) else {
            return;
        };
        for (index, name) in names.iter().enumerate() {
            if self.is_participant(name) {
                continue;
            }
            let neighbours = (
                index.checked_sub(1).and_then(|before| names.get(before)),
                names.get(index + 1),
            );
            if let Some(draft) = self.name(checked, name, neighbours, raw) {
                self.anchors.push(Anchor {
                    person: draft.person,
                    forename: Some(name.forename),
                    range: name.range.clone(),
                    weak: draft.confidence == Confidence::Low,
                });
                let text = match &name.columns {
                    Some((f, s)) => format!(
                        "{} {}",
                        self.scene.original(f.clone()),
                        self.scene.original(s.clone())
                    ),
                    None => self.scene.original(name.range.clone()),
                };
                self.push_text(draft, text);
            }
        }
    }

    /// A participant's own name in a signature or a quoted header.
    fn is_participant(&self, name: &RawName) -> bool {
        if !self.participants.contains(&name.place) || self.scene.table.is_some() {
            return false;
        }
        let text = self.scene.text();
        let row = Table::row(text, name.range.start);
        let before = text[row.start..name.range.start.max(row.start)]
            .trim_start_matches(['>', ' ', '*', '|', '\t']);
        let after = text.get(name.range.end..row.end).unwrap_or_default();
        let lower = before.to_ascii_lowercase();
        let header = [
            "from:",
            "to:",
            "cc:",
            "sent by",
            "on ",
            "reply-to:",
            "von:",
            "sent:",
        ];
        let signature = before.split_whitespace().count() + after.split_whitespace().count() <= 1
            && self.scene.unit.location.place == Place::Body;
        let quoted = header.iter().any(|start| lower.starts_with(start))
            && (!lower.starts_with("on ") || after.contains("wrote"));
        let address = after.starts_with('@') || before.ends_with('<');
        signature || quoted || (address && self.scene.is_in_link(&name.range))
    }

    fn name<'d>(
        &self,
        checked: &'d Checked,
        name: &RawName,
        neighbours: (Option<&RawName>, Option<&RawName>),
        raw: &Raw,
    ) -> Option<Draft<'d>> {
        let engine = self.engine;
        let pair = engine.indexes.names.pair(name.place);
        let (person, mut reasons) = self.person(name);
        let window = self.scene.window(&name.range, WINDOW);
        let strong = self.corroborate(name, person, &window, neighbours, &mut reasons);
        if pair.is(ORDINARY) && !name.columns.is_some() {
            let role = strong || self.has_role(&window, raw) || self.is_in_name_column(name);
            if !name.capitals || !role {
                return None;
            }
            reasons.push("made of ordinary words, with capitals and a second sign".to_owned());
        }
        let mut confidence = if strong {
            Confidence::High
        } else {
            Confidence::Medium
        };
        if pair.is(HALF) {
            reasons.push("part of a double name left out".to_owned());
            confidence = if strong {
                Confidence::Medium
            } else {
                Confidence::Low
            };
        }
        if pair.is(STAFF) && !strong {
            reasons.push("a member of staff has this name".to_owned());
            confidence = Confidence::Low;
        }
        if pair.is(ORDINARY) && confidence == Confidence::High && !strong {
            confidence = Confidence::Medium;
        }
        reasons.insert(
            0,
            "forename and surname of a pupil on the roster".to_owned(),
        );
        Some(Draft {
            detector: &checked.id,
            category: checked.detector.category,
            confidence,
            range: name.range.clone(),
            person: Some(PersonId(person)),
            value: [b'p'].into_iter().chain(person.to_le_bytes()).collect(),
            reasons,
            obfuscated: name.spaced,
        })
    }

    /// The pupil meant: by middle names, a date of birth or a form nearby, a contact among the recipients, else the first.
    fn person(&self, name: &RawName) -> (u32, Vec<String>) {
        let engine = self.engine;
        let pupils: Vec<u32> = engine
            .indexes
            .names
            .people(name.place)
            .iter()
            .copied()
            .filter(|number| (*number as usize) < engine.known.len())
            .collect();
        if let Some(person) = name.person.filter(|person| pupils.contains(person)) {
            return (person, vec!["middle name or initial agrees".to_owned()]);
        }
        if pupils.len() < 2 {
            return (pupils.first().copied().unwrap_or_default(), Vec::new());
        }
        let window = self.scene.window(&name.range, WINDOW);
        let bytes = self.scene.bytes(window.clone());
        let score = |person: &u32| {
            let known = &engine.known[*person as usize];
            let born = known.born.is_some() && self.scene.has_birth(window.clone(), known.born);
            let form = known.form.len() > 1 && has_word(bytes, known.form.as_bytes());
            let contact = known
                .contacts
                .iter()
                .any(|contact| self.context.recipients.contains(contact));
            u8::from(born) * 4 + u8::from(form) * 2 + u8::from(contact)
        };
        let best = pupils
            .iter()
            .max_by_key(|person| (score(person), std::cmp::Reverse(**person)));
        (
            best.copied().unwrap_or_default(),
            vec!["several pupils have this name".to_owned()],
        )
    }

    /// Signs beside a name that a pupil is meant; the reasons say which.
    fn corroborate(
        &self,
        name: &RawName,
        person: u32,
        window: &Range<usize>,
        neighbours: (Option<&RawName>, Option<&RawName>),
        reasons: &mut Vec<String>,
    ) -> bool {
        let engine = self.engine;
        let before = reasons.len();
        let known = engine
            .known
            .get(person as usize)
            .cloned()
            .unwrap_or_default();
        let scene = self.scene;
        if scene.has_birth(window.clone(), known.born) {
            reasons.push("date of birth nearby".to_owned());
        }
        if near(&self.ids, window) {
            reasons.push("pupil's number nearby".to_owned());
        }
        if scene.has_postcode(window.clone()) {
            reasons.push("postcode nearby".to_owned());
        }
        if scene.has_class(window.clone(), &known.form) {
            reasons.push("year or form nearby".to_owned());
        }
        let other = |neighbour: Option<&RawName>| {
            neighbour.is_some_and(|neighbour| {
                let pair = engine.indexes.names.pair(neighbour.place);
                neighbour.place != name.place
                    && neighbour.range.end > window.start
                    && neighbour.range.start < window.end
                    && !pair.is(HALF | STAFF)
                    && (!pair.is(ORDINARY) || neighbour.capitals)
                    && !(pair.is(ORDINARY) && engine.indexes.names.pair(name.place).is(ORDINARY))
            })
        };
        if other(neighbours.0) || other(neighbours.1) {
            reasons.push("another pupil's name nearby".to_owned());
        }
        reasons.len() > before
    }

    fn has_role(&self, window: &Range<usize>, raw: &Raw) -> bool {
        let from = raw
            .terms
            .partition_point(|term| term.range.end <= window.start);
        raw.terms[from..]
            .iter()
            .take_while(|term| term.range.start < window.end)
            .any(|term| term.term.kind == TermKind::Role)
    }

    fn is_in_name_column(&self, name: &RawName) -> bool {
        self.scene
            .header(&name.range)
            .is_some_and(Table::names_people)
    }

    /// Forenames alone, once the full name has said who is meant.
    fn mentions(&mut self, raw: &Raw) {
        let named: Vec<Anchor> = self
            .about
            .iter()
            .chain(&self.anchors)
            .filter(|anchor| anchor.forename.is_some())
            .cloned()
            .collect();
        let mut by_forename: std::collections::HashMap<u64, &Anchor> =
            std::collections::HashMap::new();
        for anchor in &named {
            by_forename
                .entry(anchor.forename.unwrap_or_default())
                .or_insert(anchor);
        }
        if by_forename.is_empty() {
            return;
        }
        let surname_follows = |end: u32| raw.words.iter().any(|word| word.start == end + 1);
        let mentions: Vec<Anchor> = raw
            .words
            .iter()
            .filter_map(|word| {
                let anchor = by_forename.get(&word.hash)?;
                let inside = self.found.iter().any(|(at, _)| *at == word.start as usize);
                (!inside && !(raw.words.len() < 1000 && surname_follows(word.end))).then(|| {
                    Anchor {
                        range: word.start as usize..word.end as usize,
                        ..(*anchor).clone()
                    }
                })
            })
            .take(10_000)
            .collect();
        self.anchors.extend(mentions);
    }

    fn numbers(&mut self, raw: &Raw) {
        for (index, number) in raw.numbers.iter().enumerate() {
            let draft = match number.kind {
                NumberKind::Card => self.card(&number.range),
                NumberKind::Iban => self.iban(&number.range),
                NumberKind::Nhs => self.nhs(&number.range),
                NumberKind::Upn => self.upn(&number.range),
                NumberKind::SortCode { pairs } => self.sort_code(raw, index, pairs),
                NumberKind::Account => None,
            };
            if let Some(draft) = draft {
                if matches!(number.kind, NumberKind::Upn | NumberKind::Nhs)
                    && draft.confidence > Confidence::Low
                {
                    self.anchors.push(Anchor {
                        person: draft.person,
                        forename: None,
                        range: draft.range.clone(),
                        weak: false,
                    });
                }
                self.push(draft);
            }
        }
    }

    fn draft<'d>(
        &self,
        checked: &'d Checked,
        range: &Range<usize>,
        confidence: Confidence,
        reasons: Vec<String>,
    ) -> Draft<'d> {
        let value = self
            .scene
            .bytes(range.clone())
            .iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .map(u8::to_ascii_uppercase);
        Draft {
            detector: &checked.id,
            category: checked.detector.category,
            confidence,
            range: range.clone(),
            person: None,
            value: value.collect(),
            reasons,
            obfuscated: false,
        }
    }

    /// A keyword in the column's header or in the window, as a reason.
    fn keyword(&self, checked: &Checked, range: &Range<usize>, reach: usize) -> Option<String> {
        if let Some(word) = self
            .scene
            .header(range)
            .and_then(|header| checked.keywords.find(header.as_bytes()))
        {
            return Some(format!("column header \"{word}\""));
        }
        let window = self.scene.window(range, reach);
        let word = checked
            .keywords
            .find(self.scene.bytes(window.start..range.start))
            .or_else(|| {
                checked
                    .keywords
                    .find(self.scene.bytes(range.end..window.end))
            })?;
        Some(format!("keyword \"{word}\" nearby"))
    }

    fn is_denied(&self, checked: &Checked, range: &Range<usize>) -> bool {
        let window = self.scene.window(range, 40);
        checked
            .negative
            .find(self.scene.bytes(window.start..range.start))
            .is_some()
    }

    fn card(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::PaymentCard)?;
        if self.scene.is_in_link(range) {
            return None;
        }
        let mut reasons = vec!["issuer range, length and Luhn check agree".to_owned()];
        let keyword = self.keyword(checked, range, 100);
        if keyword.is_none() && self.is_denied(checked, range) {
            return None;
        }
        let confidence = if keyword.is_some() {
            Confidence::High
        } else {
            Confidence::Medium
        };
        reasons.extend(keyword);
        Some(self.draft(checked, range, confidence, reasons))
    }

    fn iban(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::Iban)?;
        let reasons = vec!["country, length and check digits agree".to_owned()];
        Some(self.draft(checked, range, Confidence::High, reasons))
    }

    fn nhs(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::NhsNumber)?;
        if self.scene.is_in_link(range) {
            return None;
        }
        let mut reasons = vec!["check digit agrees".to_owned()];
        let keyword = self.keyword(checked, range, 80);
        if keyword.is_none() && self.is_denied(checked, range) {
            return None;
        }
        let window = self.scene.window(
            range,
            if self.scene.table.is_some() {
                WINDOW
            } else {
                150
            },
        );
        let person = self
            .nearest(range, &window)
            .filter(|anchor| !anchor.weak)
            .and_then(|anchor| anchor.person);
        let grouped = self
            .scene
            .bytes(range.clone())
            .iter()
            .any(|b| !b.is_ascii_digit());
        let confidence = match (&keyword, person) {
            (Some(_), _) => Confidence::High,
            (None, Some(_)) if grouped => Confidence::High,
            (None, Some(_)) => Confidence::Medium,
            (None, None) => Confidence::Low,
        };
        reasons.extend(keyword);
        if person.is_some() {
            reasons.push("a pupil's name nearby".to_owned());
        }
        let draft = self.draft(checked, range, confidence, reasons);
        Some(Draft { person, ..draft })
    }

    fn upn(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::Upn)?;
        if self.scene.is_in_link(range) && self.keyword(checked, range, 40).is_none() {
            return None;
        }
        let draft = self.draft(
            checked,
            range,
            Confidence::High,
            vec!["check letter agrees".to_owned()],
        );
        let key = self.engine.indexes.keys.value("upn", &draft.value) as u64;
        let person = self.engine.upns.get(&key).map(|number| PersonId(*number));
        let mut draft = Draft { person, ..draft };
        if person.is_some() {
            draft
                .reasons
                .push("it is a pupil's on the roster".to_owned());
        }
        draft.reasons.extend(self.keyword(checked, range, 60));
        Some(draft)
    }

    /// A sort code with an account number beside it.
    fn sort_code(&self, raw: &Raw, index: usize, pairs: bool) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::SortCode)?;
        let sort = &raw.numbers[index].range;
        let reach = if self.scene.table.is_some() {
            WINDOW
        } else {
            60
        };
        let window = self.scene.window(sort, reach);
        let account = raw
            .numbers
            .iter()
            .skip(index.saturating_sub(3))
            .take(8)
            .filter(|number| number.kind == NumberKind::Account)
            .map(|number| &number.range)
            .find(|account| account.start >= window.start && account.end <= window.end)?;
        let both = sort.start.min(account.start)..sort.end.max(account.end);
        if self.scene.is_in_link(sort) {
            return None;
        }
        let keyword = self.keyword(checked, &both, 60).or_else(|| {
            let word = checked.keywords.find(self.scene.bytes(both.clone()))?;
            Some(format!("keyword \"{word}\" nearby"))
        });
        let separator = self
            .scene
            .bytes(sort.clone())
            .get(2)
            .copied()
            .unwrap_or(b' ');
        let dated = looks_like_date(self.scene.bytes(sort.clone()))
            || looks_like_day(self.scene.bytes(account.clone()));
        let confidence = match (&keyword, pairs) {
            (Some(_), _) => Confidence::High,
            (None, true) if separator == b'-' && !dated && !self.is_denied(checked, &both) => {
                Confidence::Medium
            }
            (None, _) => return None,
        };
        let mut reasons = vec!["sort code and account number together".to_owned()];
        reasons.extend(keyword);
        Some(self.draft(checked, &both, confidence, reasons))
    }

    /// The anchor nearest to a range within a window.
    fn nearest(&self, range: &Range<usize>, window: &Range<usize>) -> Option<&Anchor> {
        let after = self
            .anchors
            .partition_point(|anchor| anchor.range.start < range.start);
        let fits =
            |anchor: &&Anchor| anchor.range.start < window.end && anchor.range.end > window.start;
        let gap = |anchor: &Anchor| {
            if anchor.range.start >= range.end {
                anchor.range.start - range.end
            } else {
                range.start.saturating_sub(anchor.range.end)
            }
        };
        // A few on each side: a half name before the whole one must not hide it.
        let before = self.anchors[after.saturating_sub(4)..after]
            .iter()
            .filter(fits);
        let behind = self.anchors[after..].iter().take(4).filter(fits);
        before
            .chain(behind)
            .min_by_key(|anchor| (anchor.weak, gap(anchor)))
    }

    fn terms(&mut self, raw: &mut Raw) {
        raw.terms
            .sort_by_key(|term| (term.range.start, std::cmp::Reverse(term.range.end)));
        let mut until = 0;
        let mut drafts = Vec::new();
        for (index, term) in raw.terms.iter().enumerate() {
            let owned = matches!(
                term.term.kind,
                TermKind::Strong | TermKind::Weak | TermKind::Code
            );
            if !owned || term.range.start < until {
                continue;
            }
            if let Some(draft) = self.term(&raw.terms, index, term) {
                until = term.range.end;
                drafts.push(draft);
            }
        }
        for draft in drafts {
            self.push(draft);
        }
    }

    fn term(&self, terms: &[RawTerm], index: usize, term: &RawTerm) -> Option<Draft<'j>> {
        let engine = self.engine;
        let owner = engine
            .indexes
            .vocabulary
            .detectors
            .get(usize::from(term.term.detector))?;
        let sentence = self.scene.sentence(&term.range);
        let around = |kind: TermKind, range: &Range<usize>| {
            let from = index
                - terms[..index]
                    .iter()
                    .rev()
                    .take(40)
                    .take_while(|other| other.range.end > range.start)
                    .count();
            terms[from..]
                .iter()
                .take(80)
                .take_while(|other| other.range.start < range.end)
                .any(|other| other.term.kind == kind)
        };
        let strong = match term.term.kind {
            TermKind::Strong => true,
            TermKind::Code => {
                let header = self
                    .scene
                    .header(&term.range)
                    .is_some_and(|header| owner.headers.iter().any(|known| known == header));
                let near = self.scene.window(&term.range, 40);
                if !header && !around(TermKind::CodeContext, &near) {
                    return None;
                }
                true
            }
            _ => false,
        };
        let phrase = self.scene.window(&term.range, PHRASE);
        if around(TermKind::Negative, &phrase) || self.scene.is_in_link(&term.range) {
            return None;
        }
        let (person, mut confidence, reason) = self.subject_of(term, strong, &sentence)?;
        if around(TermKind::Negative, &sentence) {
            confidence = lowered(confidence)?;
        }
        let value = self.scene.bytes(term.range.clone()).to_ascii_lowercase();
        Some(Draft {
            detector: &owner.id,
            category: owner.category,
            confidence,
            range: term.range.clone(),
            person,
            value,
            reasons: vec![reason.to_owned()],
            obfuscated: false,
        })
    }

    /// Whom a term is about, and how sure that is.
    fn subject_of(
        &self,
        term: &RawTerm,
        strong: bool,
        sentence: &Range<usize>,
    ) -> Option<(Option<PersonId>, Confidence, &'static str)> {
        let weaken = |anchor: &Anchor, confidence: Confidence| {
            if anchor.weak {
                lowered(confidence)
            } else {
                Some(confidence)
            }
        };
        if let Some(anchor) = self.nearest(&term.range, sentence) {
            let place = if self.scene.table.is_some() {
                "in the same row as a pupil"
            } else {
                "in the same sentence as a pupil"
            };
            let confidence = if strong {
                Confidence::High
            } else {
                Confidence::Medium
            };
            return Some((anchor.person, weaken(anchor, confidence)?, place));
        }
        if self.scene.table.is_none() {
            let near = self.scene.window(&term.range, 150);
            if strong && let Some(anchor) = self.nearest(&term.range, &near) {
                return Some((
                    anchor.person,
                    weaken(anchor, Confidence::High)?,
                    "close to a pupil",
                ));
            }
            let wide = self.scene.window(&term.range, WINDOW);
            if let Some(anchor) = self.nearest(&term.range, &wide) {
                return Some((
                    anchor.person,
                    weaken(anchor, Confidence::Medium)?,
                    "near a pupil",
                ));
            }
        }
        let anchor = self
            .about
            .iter()
            .find(|anchor| !anchor.weak)
            .filter(|_| strong)?;
        Some((
            anchor.person,
            Confidence::Medium,
            "the subject or the file's name is about a pupil",
        ))
    }

    /// Filled cells under a header that announces such data, in rows with a pupil.
    fn columns(&mut self, raw: &Raw) {
        let Some(table) = &self.scene.table else {
            return;
        };
        let detectors = &self.engine.indexes.vocabulary.detectors;
        let wanted: Vec<(usize, usize)> = table
            .headers
            .iter()
            .enumerate()
            .filter_map(|(column, header)| {
                let owner = detectors
                    .iter()
                    .position(|owner| owner.headers.contains(header))?;
                Some((column, owner))
            })
            .collect();
        let text = self.scene.text();
        let mut drafts: Vec<Draft<'j>> = Vec::new();
        let mut last_row = usize::MAX;
        for anchor in self
            .anchors
            .iter()
            .filter(|anchor| anchor.range.start >= table.body)
        {
            let row = Table::row(text, anchor.range.start);
            if row.start == last_row || wanted.is_empty() {
                continue;
            }
            last_row = row.start;
            let cells: Vec<Range<usize>> = Table::cells(text, row).collect();
            for (column, owner) in &wanted {
                let Some(cell) = cells
                    .get(*column)
                    .filter(|cell| Table::is_filled(&text[(*cell).clone()]))
                else {
                    continue;
                };
                let from = raw
                    .terms
                    .partition_point(|term| term.range.start < cell.start);
                let told = raw.terms[from..].iter().take(8).any(|term| {
                    term.range.end <= cell.end
                        && matches!(
                            term.term.kind,
                            TermKind::Strong | TermKind::Weak | TermKind::Code
                        )
                });
                if told || text[cell.clone()].trim().len() > WINDOW {
                    continue;
                }
                let owner = &detectors[*owner];
                drafts.push(Draft {
                    detector: &owner.id,
                    category: owner.category,
                    confidence: if anchor.weak {
                        Confidence::Medium
                    } else {
                        Confidence::High
                    },
                    range: cell.clone(),
                    person: anchor.person,
                    value: text[cell.clone()].trim().to_ascii_lowercase().into_bytes(),
                    reasons: vec!["a filled cell under such a header, in a pupil's row".to_owned()],
                    obfuscated: false,
                });
            }
        }
        let raise: Vec<(usize, usize)> = wanted;
        for draft in drafts {
            self.push(draft);
        }
        self.raise_in_columns(&raise);
    }

    /// A term in a column of its kind is certain.
    fn raise_in_columns(&mut self, wanted: &[(usize, usize)]) {
        if wanted.is_empty() || self.scene.unit.view != View::Table {
            return;
        }
        let scene = self.scene;
        for (at, finding) in &mut self.found {
            if finding.category != Category::Medical || finding.confidence == Confidence::High {
                continue;
            }
            let column = scene.header(&(*at..*at));
            let headers = wanted
                .iter()
                .flat_map(|(_, owner)| &self.engine.indexes.vocabulary.detectors[*owner].headers);
            if column.is_some_and(|column| headers.into_iter().any(|known| known == column)) {
                finding.confidence = finding.confidence.raised();
                finding.reasons.push("in a column for it".to_owned());
            }
        }
    }
}

fn near(ranges: &[Range<usize>], window: &Range<usize>) -> bool {
    let from = ranges.partition_point(|range| range.end <= window.start);
    ranges
        .get(from)
        .is_some_and(|range| range.start < window.end)
}

fn lowered(confidence: Confidence) -> Option<Confidence> {
    match confidence {
        Confidence::High => Some(Confidence::Medium),
        Confidence::Medium => Some(Confidence::Low),
        Confidence::Low => None,
    }
}

/// Whether three pairs of digits could be a date (05-02-14).
fn looks_like_date(text: &[u8]) -> bool {
    let digits: Vec<u32> = text
        .iter()
        .filter(|b| b.is_ascii_digit())
        .map(|b| u32::from(b - b'0'))
        .collect();
    let [a, b, c, d, ..] = digits[..] else {
        return false;
    };
    let (first, second) = (a * 10 + b, c * 10 + d);
    (1..=31).contains(&first) && (1..=12).contains(&second)
}

/// Whether eight digits could be a day (20260105).
fn looks_like_day(text: &[u8]) -> bool {
    text.starts_with(b"19") || text.starts_with(b"20")
}

/// Of names that overlap, the one that explains most: whole before half, forename first before surname first, longer before shorter.
fn best_of_overlapping(names: &mut [RawName], engine: &Engine) -> Vec<RawName> {
    let worth = |name: &RawName| {
        let pair = engine.indexes.names.pair(name.place);
        (
            !pair.is(HALF),
            name.range.len().min(200) / 4 * usize::from(!pair.is(HALF)),
            name.forename_first,
        )
    };
    names.sort_by_key(|name| (name.range.start, name.range.end));
    let mut best: Vec<RawName> = Vec::new();
    for name in names.iter() {
        match best.last_mut() {
            Some(last) if last.range.end > name.range.start => {
                let columns = last.columns.is_some().cmp(&name.columns.is_some());
                if columns == std::cmp::Ordering::Less
                    || (columns.is_eq() && worth(name) > worth(last))
                {
                    *last = name.clone();
                }
            }
            _ => best.push(name.clone()),
        }
    }
    best
}
