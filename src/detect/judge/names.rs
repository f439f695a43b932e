//! Names in one unit: which of the pairs found are a pupil, and how sure that is.
//!
//! # Invariants
//! A name of ordinary words needs capitals and a second sign. A participant's own name in a signature or a quoted header is none.

use std::collections::HashMap;
use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::context::WINDOW;
use crate::detect::engine::{Checked, Engine};
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::index::{HALF, INITIAL, LOOSE, ORDINARY, STAFF};
use crate::detect::judge::readings::Initial;
use crate::detect::judge::{Anchor, Draft, Judge};
use crate::detect::raw::{Raw, RawName};
use crate::detect::table::Table;
use crate::detect::vocabulary::TermKind;

/// Signs that a certain pupil is meant.
const BORN: &str = "date of birth nearby";
const NUMBERED: &str = "pupil's number nearby";

impl Judge<'_> {
    pub(super) fn names(&mut self, names: &[RawName], raw: &Raw) {
        let Some(checked) = self.engine.checked(Check::PupilName) else {
            return;
        };
        for (index, name) in names.iter().enumerate() {
            if self.is_participant(name) || self.is_listed(name) || self.is_no_name(name) {
                continue;
            }
            let neighbours = (
                index.checked_sub(1).and_then(|before| names.get(before)),
                names.get(index + 1),
            );
            if let Some(draft) = self.name(checked, name, neighbours, raw) {
                let anchor = Anchor {
                    person: draft.person,
                    forename: Some(name.forename),
                    range: name.range.clone(),
                    weak: draft.confidence == Confidence::Low,
                };
                if self.is_announced(name) {
                    self.about.push(anchor.clone());
                }
                self.anchors.push(anchor);
                self.named.push((name.clone(), draft.person));
                let text = match &name.columns {
                    // As they stand in the row, whatever stands between them.
                    Some((f, s)) => {
                        let (first, last) = if f.start < s.start { (f, s) } else { (s, f) };
                        let (first, last) = (
                            self.scene.original(first.clone()),
                            self.scene.original(last.clone()),
                        );
                        format!("{first} {last}")
                    }
                    None => self.scene.original(name.range.clone()),
                };
                self.push_text(draft, text);
            }
        }
    }

    /// "Mr Daniel Wright" is the teacher.
    fn has_title(&self, name: &RawName) -> bool {
        let start = name.range.start;
        let before = &self.scene.bytes(start.saturating_sub(8)..start);
        let before = before.trim_ascii_end();
        let word = before
            .rsplit(|b| !b.is_ascii_alphabetic() && *b != b'.')
            .next();
        let title = word.unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let title = title.strip_suffix(b".").unwrap_or(&title);
        [&b"mr"[..], b"mrs", b"ms", b"miss", b"mx", b"dr", b"sir"].contains(&title)
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
        if pair.is(STAFF) && self.has_title(name) {
            return None;
        }
        let (person, mut reasons) = self.person(name);
        let window = self.scene.window(&name.range, WINDOW);
        let strong = self.corroborate(name, person, &window, neighbours, &mut reasons);
        if pair.is(ORDINARY) && name.columns.is_none() {
            let sign = strong
                || has_role(&window, raw)
                || self.is_in_name_column(name)
                || self.is_set_apart(name, raw);
            if !name.capitals || !sign {
                return None;
            }
            reasons.push("made of ordinary words, with capitals and a second sign".to_owned());
        }
        let mut confidence = if strong {
            Confidence::High
        } else {
            Confidence::Medium
        };
        if pair.is(INITIAL) && !(strong && name.capitals) {
            return None;
        }
        let loose = [
            (pair.is(HALF), "part of a double name left out"),
            (pair.is(LOOSE), "a short form of the forename"),
            (pair.is(INITIAL), "one of the names is an initial"),
            (name.misspelt, "one of the names has another spelling"),
        ];
        if let Some((_, reason)) = loose.iter().find(|(is, _)| *is) {
            reasons.push((*reason).to_owned());
            confidence = if strong && !pair.is(INITIAL) {
                Confidence::Medium
            } else {
                Confidence::Low
            };
        }
        if let Some(doubt) = self.doubt(name)
            && !self.is_surely(person, &window, &reasons)
        {
            reasons.push(doubt.to_owned());
            confidence = Confidence::Low;
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
        let meant = match self.initial(name) {
            Initial::Agrees(person) => Some(person),
            Initial::Contradicts => None,
            Initial::Silent => name.person.filter(|person| pupils.contains(person)),
        };
        if let Some(person) = meant {
            return (person, vec!["middle name or initial agrees".to_owned()]);
        }
        if pupils.len() < 2 {
            return (pupils.first().copied().unwrap_or_default(), Vec::new());
        }
        let window = self.scene.window(&name.range, WINDOW);
        let bytes = self.scene.bytes(window.clone());
        let score = |person: &u32| {
            let (known, keys) = (&engine.known, &engine.indexes.keys);
            let is_born = |date| known.is_born(keys, *person, date);
            let born = known.has_date(*person) && self.scene.has_birth(window.clone(), is_born);
            let form = known.has_form(keys, *person, bytes, true);
            let mut recipients = self.context.recipients.iter();
            let contact = recipients.any(|address| known.is_contact(keys, *person, address));
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
        let is_staff = engine.indexes.names.pair(name.place).is(STAFF);
        let (known, keys, scene) = (&engine.known, &engine.indexes.keys, self.scene);
        if scene.has_birth(window.clone(), |date| known.is_born(keys, person, date)) {
            reasons.push(BORN.to_owned());
        }
        if near(&self.ids, window) {
            reasons.push(NUMBERED.to_owned());
        }
        if !is_staff && scene.has_postcode(window.clone()) {
            reasons.push("postcode nearby".to_owned());
        }
        // "Head of Year 9" and the pupils around say nothing against a member of staff.
        let class = !is_staff && scene.has_class(window.clone());
        // A form that is a word ("Oak", "Elm") is told from the word by its column or by "class" beside it.
        if class || known.has_form(keys, person, scene.bytes(window.clone()), false) {
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
                    && self.doubt(neighbour).is_none()
            })
        };
        if !is_staff && (other(neighbours.0) || other(neighbours.1)) {
            reasons.push("another pupil's name nearby".to_owned());
        }
        reasons.len() > before
    }

    /// A participant's own name further down a quoted list of recipients.
    fn is_listed(&self, name: &RawName) -> bool {
        self.scene.table.is_none()
            && self.participants.contains(&name.place)
            && self.is_in_header(name.range.start)
    }

    /// Whether something says that this very pupil is meant, whatever else speaks against it: not only that pupils are the topic.
    fn is_surely(&self, person: u32, window: &Range<usize>, reasons: &[String]) -> bool {
        let (known, keys) = (&self.engine.known, &self.engine.indexes.keys);
        let said = |reason: &String| reason == BORN || reason == NUMBERED;
        let text = self.scene.bytes(window.clone());
        reasons.iter().any(said) || known.has_form(keys, person, text, false)
    }

    fn is_in_name_column(&self, name: &RawName) -> bool {
        self.scene
            .header(&name.range)
            .is_some_and(Table::names_people)
    }

    /// Forenames alone, once the full name has said who is meant.
    pub(super) fn mentions(&mut self, raw: &Raw) {
        let named: Vec<Anchor> = self
            .about
            .iter()
            .chain(&self.anchors)
            .filter(|anchor| anchor.forename.is_some())
            .cloned()
            .collect();
        let mut by_forename: HashMap<u64, &Anchor> = HashMap::new();
        for anchor in &named {
            by_forename
                .entry(anchor.forename.unwrap_or_default())
                .or_insert(anchor);
        }
        if by_forename.is_empty() {
            return;
        }
        let mut named_at: Vec<u32> = self.found.iter().map(|(at, _)| at.start as u32).collect();
        named_at.sort_unstable();
        let mentions: Vec<Anchor> = raw
            .words
            .iter()
            .enumerate()
            .filter_map(|(index, word)| {
                let anchor = by_forename.get(&word.hash)?;
                // "Oliver Hughes" is another Oliver, if Hughes is a name here.
                let other = raw
                    .words
                    .get(index + 1)
                    .is_some_and(|next| next.start == word.end + 1);
                let whole = named_at.binary_search(&word.start).is_ok();
                (!other && !whole).then(|| Anchor {
                    range: word.start as usize..word.end as usize,
                    ..(*anchor).clone()
                })
            })
            .take(10_000)
            .collect();
        self.anchors.extend(mentions);
    }
}

fn near(ranges: &[Range<usize>], window: &Range<usize>) -> bool {
    let from = ranges.partition_point(|range| range.end <= window.start);
    ranges
        .get(from)
        .is_some_and(|range| range.start < window.end)
}

/// Of names that overlap, the one that explains most: whole before half, forename first before surname first, longer before shorter.
pub(super) fn best_of_overlapping(names: &mut [RawName], engine: &Engine) -> Vec<RawName> {
    let worth = |name: &RawName| {
        let pair = engine.indexes.names.pair(name.place);
        let whole = !pair.is(HALF | LOOSE | INITIAL) && !name.misspelt;
        (
            whole,
            name.range.len().min(200) / 4 * usize::from(whole),
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

/// Whether a word for a single pupil stands in a window.
fn has_role(window: &Range<usize>, raw: &Raw) -> bool {
    let from = raw
        .terms
        .partition_point(|term| term.range.end <= window.start);
    let inside = raw.terms[from..]
        .iter()
        .take_while(|term| term.range.start < window.end);
    inside
        .map(|term| term.term.kind)
        .any(|kind| kind == TermKind::Role)
}
