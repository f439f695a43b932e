//! The index of names and terms: which words matter at all, and which two words are somebody's name.
//!
//! # Invariants
//! The index holds keyed hashes, never letters. A pair of words is a name only if 64 bits of the pair key and 64 bits of a
//! SipHash over the letters agree.

use crate::detect::names;
use crate::detect::options::Options;
use crate::detect::token::Keys;
use crate::roster::Roster;

/// The word is a forename or a surname.
pub const NAME: u32 = 1;
/// The word begins a name of several words.
pub const NAME_START: u32 = 2;
/// The word ends a term; the list's number stands above [`TERM_SHIFT`].
pub const TERM_END: u32 = 4;
/// The word may stand between the labelled parts of a name ("Surname", "first", "name").
pub const LABEL: u32 = 8;
/// The word is a pupil's middle name.
pub const MIDDLE: u32 = 16;
/// Bits below the number of a term list.
pub const TERM_SHIFT: u32 = 8;

/// Which keys a table may hold, in so little memory that most look-ups never leave the cache.
#[derive(Debug, Default)]
struct Bitmap {
    bits: Vec<u64>,
    mask: u64,
}

impl Bitmap {
    /// Room for so many keys at 16 bits each: one absent key in sixteen at most passes.
    fn for_keys(count: usize) -> Self {
        let bits = (count * 16).next_power_of_two().max(1 << 12);
        Self {
            bits: vec![0; bits / 64],
            mask: bits as u64 - 1,
        }
    }

    /// The upper half of a key picks its bit; tables are addressed by the lower half.
    fn set(&mut self, key: u64) {
        let bit = (key >> 32) & self.mask;
        self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    #[inline]
    fn may_hold(&self, key: u64) -> bool {
        let bit = (key >> 32) & self.mask;
        self.bits
            .get((bit / 64) as usize)
            .is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    fn bytes(&self) -> usize {
        self.bits.len() * 8
    }
}

/// What is known of a word, behind a bitmap that most words do not pass.
#[derive(Debug, Default)]
pub struct Words {
    bitmap: Bitmap,
    keys: Vec<u64>,
    values: Vec<u32>,
    mask: usize,
}

impl Words {
    /// Builds the table of spread hashes; values of equal hashes are united.
    pub fn build(mut entries: Vec<(u64, u32)>) -> Self {
        entries.sort_unstable();
        entries.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 |= next.1;
            }
            same
        });
        let slots = (entries.len() * 3 / 2).next_power_of_two().max(16);
        let mut table = Self {
            bitmap: Bitmap::for_keys(entries.len()),
            keys: vec![0; slots],
            values: vec![0; slots],
            mask: slots - 1,
        };
        for (key, value) in entries {
            table.bitmap.set(key);
            let mut slot = key as usize & table.mask;
            while table.keys[slot] != 0 {
                slot = (slot + 1) & table.mask;
            }
            table.keys[slot] = key;
            table.values[slot] = value;
        }
        table
    }

    /// What is known of the word with this spread hash; 0 for nothing.
    #[inline]
    pub fn get(&self, key: u64) -> u32 {
        if !self.bitmap.may_hold(key) {
            return 0;
        }
        let mut slot = key as usize & self.mask;
        loop {
            match self.keys[slot] {
                0 => return 0,
                found if found == key => return self.values[slot],
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.bitmap.bytes() + self.keys.len() * 8 + self.values.len() * 4
    }
}

/// The pair leaves out a part of a double name.
pub const HALF: u32 = 1 << 24;
/// Both words are ordinary English words, or one word twice.
pub const ORDINARY: u32 = 1 << 25;
/// A member of staff has this name.
pub const STAFF: u32 = 1 << 26;
/// A pupil has this name.
pub const PUPIL: u32 = 1 << 27;

/// The forename is a short form that the roster does not give; only with the option for them.
pub const LOOSE: u32 = 1 << 28;
/// One of the two is an initial; only with the option for them.
pub const INITIAL: u32 = 1 << 29;

/// One pair of words that is a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pair {
    key: u64,
    verify: u64,
    /// Number of the only person, or with the high bit of a list of people.
    people: u32,
    /// The top 24 bits of the forename's hash, and flags.
    flags: u32,
}

const LIST: u32 = 1 << 31;

impl Pair {
    /// As three numbers.
    pub(super) fn to_words(self) -> [u64; 3] {
        let rest = u64::from(self.people) << 32 | u64::from(self.flags);
        [self.key, self.verify, rest]
    }

    /// What [`Self::to_words`] gave.
    pub(super) fn from_words([key, verify, rest]: [u64; 3]) -> Self {
        Self {
            key,
            verify,
            people: (rest >> 32) as u32,
            flags: rest as u32,
        }
    }

    /// Whether a flag is set.
    pub fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether the word with this hash is the forename of the pair.
    pub fn starts_with(&self, hash: u64) -> bool {
        self.flags & 0xff_ffff == forename_tag(hash)
    }
}

fn forename_tag(hash: u64) -> u32 {
    (hash >> 40) as u32
}

/// The pairs of words that are names.
#[derive(Debug, Default)]
pub struct Names {
    bitmap: Bitmap,
    table: Vec<Pair>,
    mask: usize,
    lists: Vec<Box<[u32]>>,
    /// Middle names and their initials: person and hash cut to 32 bits, ascending.
    middles: Vec<(u32, u32)>,
}

/// A form of a name on its way into the table.
struct Entry {
    key: u64,
    verify: u64,
    flags: u32,
    person: u32,
}

impl Names {
    /// Indexes pupils, then staff; people are numbered in that order. Words go to `words` with their flags.
    pub fn build(
        keys: &Keys,
        pupils: &Roster,
        staff: &Roster,
        options: Options,
        words: &mut Vec<(u64, u32)>,
    ) -> Self {
        let mut entries = Vec::with_capacity(pupils.len() * 2);
        let mut middles = Vec::new();
        let people = pupils.people.iter().map(|person| (person, PUPIL));
        for (number, (person, kind)) in people
            .chain(staff.people.iter().map(|person| (person, STAFF)))
            .enumerate()
        {
            // A colleague's initials are no reason to doubt a pupil's name.
            let options = if kind == PUPIL {
                options
            } else {
                Options::default()
            };
            let forms = names::forms(keys, person, options);
            if kind == PUPIL {
                middles.extend(
                    forms
                        .middles
                        .iter()
                        .map(|hash| (number as u32, *hash as u32)),
                );
            }
            words.extend(
                forms
                    .words
                    .iter()
                    .map(|(hash, flags)| (keys.spread(*hash), *flags)),
            );
            entries.extend(forms.pairs.iter().map(|pair| Entry {
                key: keys.pair(pair.forename, pair.surname),
                verify: pair.verify,
                flags: forename_tag(pair.forename) | pair.flags | kind,
                person: number as u32,
            }));
        }
        Self::fill(entries, middles)
    }

    fn fill(mut entries: Vec<Entry>, mut middles: Vec<(u32, u32)>) -> Self {
        middles.sort_unstable();
        middles.dedup();
        middles.shrink_to_fit();
        entries.sort_unstable_by_key(|entry| (entry.key, entry.verify, entry.person));
        let mut names = Self::with_room(entries.len(), middles);
        for same in entries.chunk_by(|a, b| a.key == b.key && a.verify == b.verify) {
            let flags = unite(same);
            let mut people: Vec<u32> = same.iter().map(|entry| entry.person).collect();
            people.dedup();
            let people = if let [only] = people[..] {
                only
            } else {
                names.lists.push(people.into_boxed_slice());
                LIST | (names.lists.len() as u32 - 1)
            };
            names.insert(Pair {
                key: same[0].key,
                verify: same[0].verify,
                people,
                flags,
            });
        }
        names
    }

    /// All pairs, the lists of namesakes and the middle names, to be kept.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.table.iter().filter(|pair| pair.key != 0)
    }

    pub(super) fn lists(&self) -> &[Box<[u32]>] {
        &self.lists
    }

    pub(super) fn middles(&self) -> &[(u32, u32)] {
        &self.middles
    }

    /// Puts together what was kept; none when a pair names a list that is not there.
    pub(super) fn from_parts(
        pairs: &[Pair],
        lists: Vec<Box<[u32]>>,
        middles: Vec<(u32, u32)>,
    ) -> Option<Self> {
        let sound = |pair: &Pair| {
            let list = (pair.people & !LIST) as usize;
            pair.key != 0 && (pair.people & LIST == 0 || list < lists.len())
        };
        if !pairs.iter().all(sound) {
            return None;
        }
        let mut names = Self::with_room(pairs.len(), middles);
        names.lists = lists;
        for pair in pairs {
            names.insert(*pair);
        }
        Some(names)
    }

    fn with_room(pairs: usize, middles: Vec<(u32, u32)>) -> Self {
        let slots = (pairs * 4 / 3 + 8).next_power_of_two();
        Self {
            bitmap: Bitmap::for_keys(pairs),
            table: vec![Pair::default(); slots],
            mask: slots - 1,
            lists: Vec::new(),
            middles,
        }
    }

    fn insert(&mut self, pair: Pair) {
        self.bitmap.set(pair.key);
        let mut slot = pair.key as usize & self.mask;
        while self.table[slot].key != 0 {
            slot = (slot + 1) & self.mask;
        }
        self.table[slot] = pair;
    }

    /// Places in the table of pairs with this key.
    pub fn with_key(&self, key: u64) -> impl Iterator<Item = usize> {
        let mut slot = key as usize & self.mask;
        let may_hold = self.bitmap.may_hold(key);
        std::iter::from_fn(move || {
            while may_hold && self.table.get(slot)?.key != 0 {
                let here = slot;
                slot = (slot + 1) & self.mask;
                if self.table[here].key == key {
                    return Some(here);
                }
            }
            None
        })
    }

    /// The pair at a place that [`Self::with_key`] gave.
    pub fn pair(&self, place: usize) -> &Pair {
        &self.table[place]
    }

    /// Whether the pair's letters have this verifying hash.
    pub fn agrees(&self, place: usize, verify: u64) -> bool {
        self.table[place].verify == verify
    }

    /// The people with the pair's name, pupils before staff.
    pub fn people(&self, place: usize) -> &[u32] {
        let pair = &self.table[place];
        if pair.people & LIST == 0 {
            std::slice::from_ref(&pair.people)
        } else {
            &self.lists[(pair.people & !LIST) as usize]
        }
    }

    /// Whether a word is one of a pupil's middle names or its initial.
    pub fn is_middle(&self, person: u32, hash: u64) -> bool {
        self.middles.binary_search(&(person, hash as u32)).is_ok()
    }

    /// Whether the roster gives middle names of a person.
    pub fn has_middle(&self, person: u32) -> bool {
        let at = self.middles.partition_point(|middle| middle.0 < person);
        self.middles
            .get(at)
            .is_some_and(|middle| middle.0 == person)
    }

    /// Memory it takes, in bytes, lists of namesakes and middle names included.
    pub fn bytes(&self) -> usize {
        let lists: usize = self.lists.iter().map(|list| 16 + list.len() * 4).sum();
        let middles = self.middles.len() * 8;
        self.bitmap.bytes() + self.table.len() * size_of::<Pair>() + lists + middles
    }
}

/// A whole name weighs more than a half; staff and ordinary words taint the form.
fn unite(same: &[Entry]) -> u32 {
    let mut flags = same.iter().fold(0, |flags, entry| flags | entry.flags);
    let whole = |entry: &Entry| entry.flags & HALF == 0 && entry.flags & PUPIL != 0;
    if same.iter().any(whole) {
        flags &= !HALF;
    }
    for option in [LOOSE, INITIAL] {
        if same
            .iter()
            .any(|entry| entry.flags & (option | PUPIL) == PUPIL)
        {
            flags &= !option;
        }
    }
    (flags & !0xff_ffff) | (same[0].flags & 0xff_ffff)
}
