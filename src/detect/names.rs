//! The forms under which a person's name is looked for.
//!
//! # Invariants
//! A form needs a forename and a surname: a single name makes no form. Halves of double names and names without their particle
//! are marked, and weigh less. At most [`MAX_PAIRS`] forms a person, so that no row of a roster can swell the index.

use crate::detect::index::{HALF, INITIAL, LOOSE, MIDDLE, NAME, NAME_START, ORDINARY};
use crate::detect::nicknames;
use crate::detect::normalise::Plain;
use crate::detect::options::Options;
use crate::detect::token::{Keys, MAX_WORD, Tokens};
use crate::roster::{Person, Roster, ordinary};

/// Forms kept of one person.
pub const MAX_PAIRS: usize = 64;
/// Words of one forename or surname.
pub const MAX_PARTS: usize = 4;

/// Parts of a surname that are no surname alone.
const PARTICLES: &[&str] = &[
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "le", "la", "las",
    "los", "al", "el", "ul", "ud", "bin", "bint", "ibn", "ter", "ten", "st", "o", "d", "n", "mc",
    "mac", "ap", "ab", "ní", "ni", "y", "e", "san",
];

/// One forename with one surname.
pub(super) struct NamePair {
    pub(super) forename: u64,
    pub(super) surname: u64,
    pub(super) verify: u64,
    pub(super) flags: u32,
}

/// All forms of one person.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) pairs: Vec<NamePair>,
    pub(super) words: Vec<(u64, u32)>,
    pub(super) middles: Vec<u64>,
}

/// A spelling of a forename or a surname: its letters, its parts, whether it leaves something out.
#[derive(PartialEq, Eq)]
struct Spelling {
    parts: Vec<String>,
    half: bool,
    /// [`LOOSE`] for a short form, [`INITIAL`] for an initial, else 0.
    option: u32,
}

impl Spelling {
    fn letters(&self) -> String {
        self.parts.concat()
    }
}

/// Makes the forms of a person.
pub(super) fn forms(keys: &Keys, person: &Person, options: Options) -> Forms {
    let mut forms = Forms::default();
    let mut forenames = spellings(keys, &person.forenames(), false);
    let mut surnames = spellings(keys, &person.surnames(), true);
    if options.nicknames {
        add_nicknames(&mut forenames);
    }
    if options.initials {
        add_initials(&mut forenames);
        add_initials(&mut surnames);
    }
    for forename in &forenames {
        for surname in &surnames {
            let left_out = [forename, surname].map(|name| name.half || name.option != 0);
            if forms.pairs.len() == MAX_PAIRS || left_out == [true, true] {
                continue;
            }
            forms.pairs.push(pair(keys, forename, surname));
        }
    }
    if forms.pairs.is_empty() {
        return forms;
    }
    for spelling in forenames.iter().chain(&surnames) {
        add_words(keys, spelling, &mut forms.words);
    }
    for spelling in spellings(keys, &[&person.middle], false) {
        for part in &spelling.parts {
            let middle = keys.word(part.as_bytes());
            forms.middles.push(middle);
            forms.words.push((middle, MIDDLE));
            forms
                .middles
                .extend(part.bytes().next().map(|initial| keys.word(&[initial])));
        }
    }
    // Who has middle names may put the initial of another forename there, too: "Oliver J." of James Oliver.
    if !forms.middles.is_empty() {
        let parts = forenames.iter().flat_map(|forename| &forename.parts);
        let initials = parts.filter_map(|part| part.bytes().next());
        forms
            .middles
            .extend(initials.map(|initial| keys.word(&[initial])));
    }
    forms
}

/// The whole forenames and surnames of a roster, folded, each as often as it stands there.
pub(super) fn words<'r>(keys: &'r Keys, roster: &'r Roster) -> impl Iterator<Item = String> + 'r {
    roster.people.iter().flat_map(|person| {
        let forenames = spellings(keys, &person.forenames(), false);
        let surnames = spellings(keys, &person.surnames(), true);
        let whole = forenames
            .into_iter()
            .chain(surnames)
            .filter(|name| !name.half);
        whole.map(|name| name.letters())
    })
}

fn add_nicknames(forenames: &mut Vec<Spelling>) {
    let known: Vec<String> = forenames.iter().map(Spelling::letters).collect();
    let short = known.iter().flat_map(|forename| nicknames::of(forename));
    for form in short.filter(|form| !known.iter().any(|known| known == *form)) {
        forenames.push(Spelling {
            parts: vec![(*form).to_owned()],
            half: false,
            option: LOOSE,
        });
    }
}

fn add_initials(names: &mut Vec<Spelling>) {
    let mut initials: Vec<String> = names
        .iter()
        .filter(|name| !name.half && name.option == 0)
        .filter_map(|name| name.letters().get(..1).map(str::to_owned))
        .collect();
    initials.sort();
    initials.dedup();
    names.extend(initials.into_iter().map(|initial| Spelling {
        parts: vec![initial],
        half: false,
        option: INITIAL,
    }));
}

fn pair(keys: &Keys, forename: &Spelling, surname: &Spelling) -> NamePair {
    let (first, last) = (forename.letters(), surname.letters());
    let mut flags = forename.option | surname.option;
    if forename.half || surname.half {
        flags |= HALF;
    }
    if first == last || (ordinary::is_word(&first) && ordinary::is_word(&last)) {
        flags |= ORDINARY;
    }
    NamePair {
        forename: keys.word(first.as_bytes()),
        surname: keys.word(last.as_bytes()),
        verify: keys.verify(first.as_bytes(), last.as_bytes()),
        flags,
    }
}

fn add_words(keys: &Keys, spelling: &Spelling, words: &mut Vec<(u64, u32)>) {
    let letters = spelling.letters();
    words.push((keys.word(letters.as_bytes()), NAME));
    let mut start = String::new();
    for part in spelling
        .parts
        .iter()
        .take(spelling.parts.len().saturating_sub(1))
    {
        start.push_str(part);
        words.push((keys.word(start.as_bytes()), NAME_START));
    }
    // "Mc Donald", "O Brien" in the text where the roster writes one word.
    for prefix in ["mc", "mac", "o", "d", "n"] {
        let rest = letters.strip_prefix(prefix);
        if rest.is_some_and(|rest| rest.len() >= 3)
            && (prefix.len() > 1 || spelling.parts.len() > 1)
        {
            words.push((keys.word(prefix.as_bytes()), NAME_START));
        }
    }
}

fn spellings(keys: &Keys, names: &[&str], surname: bool) -> Vec<Spelling> {
    let mut found: Vec<Spelling> = Vec::new();
    let mut add = |parts: &[String], half: bool| {
        let letters: usize = parts.iter().map(String::len).sum();
        if !(2..=MAX_WORD).contains(&letters) {
            return;
        }
        match found
            .iter_mut()
            .find(|known| known.letters() == parts.concat())
        {
            Some(known) => known.half &= half,
            None => found.push(Spelling {
                parts: parts.to_vec(),
                half,
                option: 0,
            }),
        }
    };
    for name in names {
        for written in [(*name).to_owned(), transliterated(name)] {
            let parts = parts(keys, &written);
            add(&parts, false);
            if parts.len() < 2 {
                continue;
            }
            if surname {
                for (index, part) in parts.iter().enumerate() {
                    // "Berg" of "van der Berg"; but not "John" of "St John" or "Donald" of "MacDonald", which are forenames.
                    let bound = index > 0
                        && ["st", "mc", "mac", "o", "d", "n"].contains(&parts[index - 1].as_str());
                    if part.len() >= 3 && !bound && !PARTICLES.contains(&part.as_str()) {
                        add(std::slice::from_ref(part), true);
                    }
                }
            } else {
                // "Mary" of "Mary-Ann" is half a name, "Lucy" of "Lucy Jane" in one column is the forename.
                add(&parts[..1], name.contains('-'));
            }
        }
    }
    found
}

/// The folded words of a name. Apostrophes part words here, so that "O Brien" is known as a beginning.
fn parts(keys: &Keys, name: &str) -> Vec<String> {
    let plain = Plain::of(name);
    let spaced: String = plain
        .text
        .chars()
        .map(|c| if c == '\'' || c == '`' { ' ' } else { c })
        .collect();
    let mut parts: Vec<String> = Tokens::new(keys, spaced.as_bytes())
        .map(|token| spaced[token.start as usize..token.end as usize].to_ascii_lowercase())
        .collect();
    if parts.len() > MAX_PARTS {
        let rest = parts.split_off(MAX_PARTS - 1).concat();
        parts.push(rest);
    }
    parts
}

/// The spelling with two letters for an umlaut and the like; the text itself when there is none.
fn transliterated(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'ä' | 'Ä' => out.push_str("ae"),
            'ö' | 'Ö' | 'ø' | 'Ø' => out.push_str("oe"),
            'ü' | 'Ü' => out.push_str("ue"),
            'å' | 'Å' => out.push_str("aa"),
            c => out.push(c),
        }
    }
    out
}
