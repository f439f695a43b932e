//! Who is meant: the initials that each pupil has throughout a message, so that two pupils stay two.
//!
//! # Invariants
//! One pupil has the same initials everywhere in a message: those of the fullest form of the name in it. Pupils with equal initials
//! get a number in the order in which the message names them: "O.W. (1)", "O.W. (2)". A form or a year group would tell more of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::letters;
use crate::detect::{NameForm, NameSpan, PersonId};

/// The two halves of a name's initials, and the number that tells its bearer from others.
#[derive(Clone)]
pub(super) struct Label {
    forename: String,
    surname: String,
    number: usize,
    shared: bool,
    /// The forename in small letters, to find it where it stands alone.
    called: String,
}

/// The initials of everybody whom a message names.
#[derive(Default)]
pub(super) struct People {
    labels: BTreeMap<PersonId, Label>,
    /// How many have these initials.
    taken: BTreeMap<String, usize>,
    /// How many have this forename, in small letters.
    called: BTreeMap<String, usize>,
}

impl Label {
    /// The initials, with their number where others have the same.
    pub(super) fn text(&self) -> String {
        self.with_number(format!("{}{}", self.forename, self.surname))
    }

    /// The initials of the forename, for a cell that holds it alone.
    pub(super) fn forename(&self) -> &str {
        &self.forename
    }

    /// The initials of the surname, for a cell that holds it alone.
    pub(super) fn surname(&self) -> String {
        self.with_number(self.surname.clone())
    }

    fn with_number(&self, text: String) -> String {
        if self.shared {
            format!("{text} ({})", self.number)
        } else {
            text
        }
    }

    fn whole(&self) -> String {
        format!("{}{}", self.forename, self.surname)
    }
}

impl People {
    /// Learns of the names in these texts, in their order.
    pub(super) fn learn<'a>(&mut self, texts: impl Iterator<Item = (&'a str, &'a [NameSpan])>) {
        let mut order: Vec<PersonId> = Vec::new();
        let mut fullest: BTreeMap<PersonId, Label> = BTreeMap::new();
        for (text, span) in
            texts.flat_map(|(text, spans)| spans.iter().map(move |span| (text, span)))
        {
            let (Some(person), Some(label)) = (span.person, of_whole(text, span)) else {
                continue;
            };
            if self.labels.contains_key(&person) {
                continue;
            }
            match fullest.entry(person) {
                Entry::Vacant(entry) => {
                    order.push(person);
                    entry.insert(label);
                }
                Entry::Occupied(mut entry) => {
                    if label.whole().len() > entry.get().whole().len() {
                        entry.insert(label);
                    }
                }
            }
        }
        for person in order {
            if let Some(mut label) = fullest.remove(&person) {
                let taken = self.taken.entry(label.whole()).or_default();
                *taken += 1;
                label.number = *taken;
                *self.called.entry(label.called.clone()).or_default() += 1;
                self.labels.insert(person, label);
            }
        }
        for label in self.labels.values_mut() {
            label.shared = self.taken.get(&label.whole()).is_some_and(|many| *many > 1);
        }
    }

    /// The initials of a pupil.
    pub(super) fn label(&self, person: PersonId) -> Option<&Label> {
        self.labels.get(&person)
    }

    /// Whether only one of the pupils is called by this forename.
    pub(super) fn is_only_one(&self, forename: &str) -> bool {
        self.called.get(&forename.to_lowercase()) == Some(&1)
    }

    /// How many pupils the message names.
    pub(super) fn count(&self) -> usize {
        self.labels.len()
    }
}

/// The initials of a name that stands whole.
fn of_whole(text: &str, span: &NameSpan) -> Option<Label> {
    let NameForm::Whole {
        forename,
        surname,
        apart,
    } = &span.form
    else {
        return None;
    };
    let between = text
        .get(forename.end.min(surname.end)..forename.start.max(surname.start))
        .unwrap_or_default();
    let (first, last) = (text.get(forename.clone())?, text.get(surname.clone())?);
    let alone = *apart || letters::divides(between) || siblings(between).is_some();
    let middle = if alone {
        String::new()
    } else {
        letters::middle(between)
    };
    let label = Label {
        forename: letters::initials(first) + &middle,
        surname: letters::initials(last),
        number: 1,
        shared: false,
        called: first.split_whitespace().next()?.to_lowercase(),
    };
    (!label.forename.is_empty() && !label.surname.is_empty()).then_some(label)
}

/// Where the second forename begins in what stands between "Oliver" and "Whitcombe" of "Oliver and Grace Whitcombe".
pub(super) fn siblings(between: &str) -> Option<usize> {
    [" and ", " & "]
        .into_iter()
        .find_map(|joint| Some(between.find(joint)? + joint.len()))
}
