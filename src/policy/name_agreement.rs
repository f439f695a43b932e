//! How far a recipient's address and display name agree with the sender's name.
//!
//! # Invariants
//! Pure. Of two names the strongest agreement counts. A surname with another forename beside it is a surname only, however alike the
//! forenames look: Maria and Marie are two people.

use super::lists::registrable;
use super::own_mailbox::Signal;
use super::person_name::{LocalPart, PersonName, forenames_agree, is_short_form, letters};
use super::slip::slip;
use crate::mail::{Address, Domain};

/// The shortest surname that one slip may be overlooked in: Hall and Hill are two people.
///
/// The reference asks for a Jaro-Winkler similarity of 0.92 instead. Over the common names of `patterns/dictionaries` that took 2% of the
/// people who share no more than a forename for the sender (`christophercooper`, `christopherwood`), because it weighs what comes first.
const SLIP_IN_LETTERS: usize = 6;

/// The sender as far as names are concerned.
#[derive(Debug, Clone, Default)]
pub struct SenderNames {
    names: Vec<PersonName>,
    /// Local parts that are a person's and more than a forename.
    telling: Vec<String>,
}

/// The shortest local part that can tell a person from others: `jsmith` does, `jo` does not.
const TELLING_LETTERS: usize = 5;

impl SenderNames {
    /// What an address of the sender and the display name beside it say.
    pub fn of(address: &Address, display_name: Option<&str>) -> Self {
        let mut names = Self::default();
        names.add(address, display_name);
        names
    }

    /// Adds another address of the sender, such as the one in From.
    pub fn add(&mut self, address: &Address, display_name: Option<&str>) {
        let local = LocalPart::of(address.local());
        let shown = display_name.and_then(PersonName::of_display);
        let written = PersonName::of_local(&local);
        self.names.extend(shown);
        self.names.extend(written);
        let is_forename = self.names.iter().any(|name| name.forename == local.joined);
        if !local.is_role() && local.joined.len() >= TELLING_LETTERS && !is_forename {
            self.telling.push(local.joined);
        }
    }
}

/// The strongest agreement of a local part with the sender.
pub(super) fn by_local_part(sender: &SenderNames, local: &LocalPart) -> Option<Signal> {
    let same = sender.telling.contains(&local.joined);
    let by_name = sender
        .names
        .iter()
        .filter_map(|name| agreement(name, local));
    let whole = same.then_some(Signal::SameLocalPart);
    whole.into_iter().chain(by_name).max_by_key(|s| s.points())
}

/// The agreement of a domain that is on no list: it must be named after the sender.
pub(super) fn by_domain(
    sender: &SenderNames,
    domain: &Domain,
    local: &LocalPart,
) -> Option<Signal> {
    let label = letters(registrable(domain)?.split('.').next()?);
    let of_name = |name: &PersonName| {
        let full = [&name.forename, &name.surname];
        if full.iter().all(|word| word.len() > 1)
            && is_joined(&label, &name.forename, &name.surname)
        {
            return Some(Signal::SameName);
        }
        let family = [
            name.surname.clone(),
            format!("{}s", name.surname),
            format!("the{}s", name.surname),
            format!("{}family", name.surname),
            format!("family{}", name.surname),
        ];
        // A short surname is as often a firm's own short name.
        if name.surname.len() < 4 || !family.contains(&label) {
            return None;
        }
        let joined = local.joined.as_str();
        Some(if joined == name.forename && joined.len() > 1 {
            Signal::SameName
        } else if is_short_form(joined, &name.forename) {
            Signal::ShortForm
        } else if joined.len() == 1 && name.forename.starts_with(joined) {
            Signal::SurnameAndInitial
        } else {
            agreement(name, local).unwrap_or(Signal::SurnameOnly)
        })
    };
    sender
        .names
        .iter()
        .filter_map(of_name)
        .max_by_key(|s| s.points())
}

/// How far a local part agrees with a person's name.
fn agreement(name: &PersonName, local: &LocalPart) -> Option<Signal> {
    let surnames = name
        .surnames()
        .map(|surname| with_surname(name, &surname, local));
    surnames.flatten().max_by_key(|signal| signal.points())
}

fn with_surname(name: &PersonName, surname: &str, local: &LocalPart) -> Option<Signal> {
    let forename = name.forename.as_str();
    let joined = local.joined.as_str();
    if forename.len() > 1 && holds_both(local, forename, surname) {
        return Some(Signal::SameName);
    }
    if let Some(rest) = beside_surname(local, surname) {
        return Some(beside(name, &rest));
    }
    if forename.len() > 1 {
        let initial: String = surname.chars().take(1).collect();
        if forename.len() >= 4 && is_joined(joined, forename, &initial) {
            return Some(Signal::ForenameAndInitial);
        }
        let full = [
            format!("{forename}{surname}"),
            format!("{surname}{forename}"),
        ];
        let misspelt = full.iter().any(|full| slip(full, joined).is_some());
        if surname.len() >= SLIP_IN_LETTERS && misspelt {
            return Some(Signal::SimilarName);
        }
    }
    None
}

/// What the rest of a local part beside the surname says.
fn beside(name: &PersonName, rest: &str) -> Signal {
    let forename = name.forename.as_str();
    let initials: String = name
        .middle
        .iter()
        .filter_map(|word| word.chars().next())
        .collect();
    let first = forename.chars().next();
    let forenames = format!("{forename}{}", name.middle.concat());
    let is_initials = first.is_some_and(|first| rest == format!("{first}{initials}"));
    if rest.is_empty() {
        Signal::SurnameOnly
    } else if (rest == forename || rest == forenames) && rest.len() > 1 {
        Signal::SameName
    } else if (rest.len() == 1 && forename.starts_with(rest)) || is_initials {
        Signal::SurnameAndInitial
    } else if forename.len() == 1 && rest.starts_with(forename) {
        // The sender is known by an initial only.
        Signal::SurnameAndInitial
    } else if is_short_form(rest, forename) {
        Signal::ShortForm
    } else if rest.len() > 1 && forenames_agree(rest, forename) {
        Signal::SimilarName
    } else {
        Signal::SurnameOnly
    }
}

/// Whether both names stand in the local part: as its words, or joined to one of them, a title before it left aside.
fn holds_both(local: &LocalPart, forename: &str, surname: &str) -> bool {
    let word = |name: &str| local.words.iter().any(|word| word == name);
    let joined = |text: &str| {
        is_joined(text, forename, surname) || is_joined(untitled(text), forename, surname)
    };
    // Not anywhere inside: `isabellafisher` is not Ella Fisher, `janesmithson` not Jane Smith.
    (word(forename) && word(surname))
        || joined(&local.joined)
        || local.words.iter().any(|word| joined(word))
}

/// `janewhitcombe` of `mrsjanewhitcombe`.
fn untitled(text: &str) -> &str {
    let titles = ["mrs", "miss", "mr", "ms", "dr"];
    let bare = titles.iter().find_map(|title| text.strip_prefix(title));
    bare.unwrap_or(text)
}

fn is_joined(text: &str, a: &str, b: &str) -> bool {
    text.len() == a.len() + b.len()
        && ((text.starts_with(a) && text.ends_with(b))
            || (text.starts_with(b) && text.ends_with(a)))
}

/// What a local part has beside the surname: `j` of `j.whitcombe` and of `whitcombej`; `None` when the surname is not there.
fn beside_surname(local: &LocalPart, surname: &str) -> Option<String> {
    // Short surnames are parts of many words (Ash, Ashley); then only a word of its own counts.
    if local.words.iter().any(|word| word == surname) {
        let others = local.words.iter().filter(|word| *word != surname);
        return Some(others.map(String::as_str).collect());
    }
    let joined = local.joined.as_str();
    let rest = joined
        .strip_suffix(surname)
        .or_else(|| joined.strip_prefix(surname))?;
    let initial = rest.len() == 1 && surname.len() >= 4;
    (initial || surname.len() >= 5).then(|| rest.to_owned())
}

/// Adds what the display name says, and takes back what it contradicts.
pub(super) fn weigh_display_name(
    sender: &SenderNames,
    shown: &PersonName,
    signals: &mut Vec<Signal>,
) {
    let names = &sender.names;
    if names.iter().any(|name| name.has_the_words_of(shown)) {
        let place = signals.len().min(1);
        signals.insert(place, Signal::SameDisplayName);
        return;
    }
    let surname = names.iter().any(|name| name.surname == shown.surname);
    let forename = names
        .iter()
        .any(|name| forenames_agree(&name.forename, &shown.forename));
    if surname && !forename {
        // A sister or a namesake: the address says "J. Whitcombe", the name beside it "John Whitcombe".
        let before = signals.len();
        signals.retain(|signal| *signal == Signal::SameName || !signal.is_of_name());
        if signals.len() < before {
            signals.insert(0, Signal::SurnameOnly);
        }
    } else if forename && !surname {
        // Another Jane, whose surname has the same initial.
        signals
            .retain(|signal| !matches!(signal, Signal::ForenameAndInitial | Signal::SimilarName));
    }
}
