//! One unit's text in the plain form everything else reads, with the way back to the original.
//!
//! ASCII text is its own plain form and is not copied. Otherwise: compatibility decomposition, marks stripped, letters that do not
//! decompose spelled out, invisible characters dropped, dashes, quotes and spaces unified, digits in ASCII, look-alike letters
//! of other scripts replaced inside words that mix scripts. Case is kept for ASCII letters, since capitals are evidence.
//!
//! # Invariants
//! Every plain range maps to a range of the original that lies on character boundaries. What only a disguise needs undone is
//! remembered in `tricks`; diacritics, no-break spaces, curly quotes and soft hyphens at a line's end are no disguise.
//!
//! # Standards
//! UAX 15 (normalisation), UTS 39 4 (confusables, a hand-written subset), DerivedCoreProperties Default_Ignorable_Code_Point.
//!
//! # Known gaps
//! Currency and other symbols become spaces. Words wholly in another script are replaced only when each letter has a Latin twin
//! and the text around is mostly ASCII.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A text in plain form.
#[derive(Debug)]
pub struct Plain<'a> {
    /// The plain text; letters outside ASCII are lower case.
    pub text: Cow<'a, str>,
    original: &'a str,
    /// (plain offset, original offset), ascending in both; between two entries both advance alike.
    runs: Vec<(u32, u32)>,
    /// Twice the plain offset, plus one where a character was replaced rather than dropped; ascending.
    tricks: Vec<u32>,
}

impl<'a> Plain<'a> {
    /// Brings a text into plain form.
    pub fn of(original: &'a str) -> Self {
        if original.is_ascii() {
            return Self {
                text: Cow::Borrowed(original),
                original,
                runs: Vec::new(),
                tricks: Vec::new(),
            };
        }
        Folder::new(original).run()
    }

    /// The original range of a plain range, its ends moved outward to character boundaries.
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let mut start = self.back(range.start).min(self.original.len());
        let mut end = self.back(range.end).min(self.original.len());
        while !self.original.is_char_boundary(start) {
            start -= 1;
        }
        while !self.original.is_char_boundary(end) {
            end += 1;
        }
        start..end.max(start)
    }

    /// The original text of a plain range.
    pub fn original_text(&self, range: Range<usize>) -> &'a str {
        &self.original[self.original_range(range)]
    }

    /// Whether a disguise was undone inside a plain range.
    pub fn is_disguised(&self, range: &Range<usize>) -> bool {
        let low = 2 * range.start as u32;
        let high = 2 * range.end as u32;
        let first = self.tricks.partition_point(|trick| *trick <= low);
        self.tricks.get(first).is_some_and(|trick| *trick < high)
    }

    fn back(&self, offset: usize) -> usize {
        if self.runs.is_empty() {
            return offset;
        }
        let after = self
            .runs
            .partition_point(|(plain, _)| *plain as usize <= offset);
        match self.runs.get(after.wrapping_sub(1)) {
            Some((plain, original)) => *original as usize + (offset - *plain as usize),
            None => offset,
        }
    }
}

struct Folder<'a> {
    original: &'a str,
    text: String,
    runs: Vec<(u32, u32)>,
    tricks: Vec<u32>,
    /// Letters of most words are ASCII; found out when first needed.
    mostly_ascii: Option<bool>,
    /// Where the word whose scripts were last looked at ends, and whether its look-alikes are replaced.
    word: (usize, bool),
}

impl<'a> Folder<'a> {
    fn new(original: &'a str) -> Self {
        Self {
            original,
            text: String::with_capacity(original.len()),
            runs: vec![(0, 0)],
            tricks: Vec::new(),
            mostly_ascii: None,
            word: (0, false),
        }
    }

    fn run(mut self) -> Plain<'a> {
        let bytes = self.original.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let ascii = bytes[at..]
                .iter()
                .position(|b| !b.is_ascii())
                .unwrap_or(bytes.len() - at);
            if ascii > 0 {
                self.mark(at);
                self.text.push_str(&self.original[at..at + ascii]);
                at += ascii;
            }
            let Some(c) = self.original[at..].chars().next() else {
                break;
            };
            self.mark(at);
            self.fold(c, at);
            at += c.len_utf8();
        }
        self.mark(at);
        Plain {
            text: Cow::Owned(self.text),
            original: self.original,
            runs: self.runs,
            tricks: self.tricks,
        }
    }

    /// Notes that the next plain byte comes from this original offset.
    fn mark(&mut self, original: usize) {
        let entry = (self.text.len() as u32, original as u32);
        match self.runs.last_mut() {
            Some(last) if last.0 == entry.0 => *last = entry,
            Some(last) if entry.0 - last.0 == entry.1 - last.1 => {}
            _ => self.runs.push(entry),
        }
    }

    fn trick(&mut self, replaced: bool) {
        self.tricks
            .push(2 * self.text.len() as u32 + u32::from(replaced));
    }

    fn fold(&mut self, c: char, at: usize) {
        // No letter with a twin is any of the others.
        if let Some(twin) = twin(c) {
            if self.mixes_scripts(at) {
                self.trick(true);
                self.text.push(twin);
            } else {
                self.text.extend(c.to_lowercase());
            }
        } else if is_ignorable(c) {
            let next = self.original[at + c.len_utf8()..].chars().next();
            if c != '\u{ad}' || !matches!(next, Some('\n' | '\r') | None) {
                self.trick(false);
            }
        } else if let Some(plain) = punctuation(c) {
            self.text.push(plain);
        } else if let Some(digit) = digit(c) {
            self.text.push(digit);
        } else if let Some(small) = small_capital(c) {
            self.trick(true);
            self.text.push(small);
        } else {
            self.decompose(c);
        }
    }

    fn decompose(&mut self, c: char) {
        if matches!(c, '\u{334}'..='\u{338}' | '\u{20d0}'..='\u{20ff}') {
            self.trick(false); // struck-through text reads as the text
            return;
        }
        if matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{2460}'..='\u{24ff}' | '\u{1f130}'..='\u{1f189}')
        {
            self.trick(true);
        }
        if let Some(letter) = squared(c) {
            self.text.push(letter);
            return;
        }
        let text = &mut self.text;
        decompose_compatible(c, |part| {
            if part.is_ascii() {
                text.push(part);
            } else if is_combining_mark(part) {
                // stripped
            } else if let Some(spelled) = spelled_out(part) {
                text.push_str(spelled);
            } else if part == '\u{2044}' {
                text.push('/');
            } else if part.is_alphabetic() {
                text.extend(part.to_lowercase());
            } else {
                text.push(' ');
            }
        });
    }

    /// Whether look-alikes in the word around `at` are to be read as Latin.
    fn mixes_scripts(&mut self, at: usize) -> bool {
        const REACH: usize = 64;
        if at < self.word.0 {
            return self.word.1;
        }
        let part_of_word = |c: &char| {
            if c.is_ascii() {
                return c.is_ascii_alphabetic();
            }
            c.is_alphabetic() || is_combining_mark(*c) || is_ignorable(*c)
        };
        let before = self.original[..at]
            .chars()
            .rev()
            .take(REACH)
            .take_while(part_of_word);
        let after = self.original[at..]
            .chars()
            .take(REACH)
            .take_while(part_of_word);
        let end = at + after.clone().map(char::len_utf8).sum::<usize>();
        let (mut latin, mut foreign) = (false, false);
        for c in before.chain(after) {
            if c.is_ascii() {
                latin = true;
                continue;
            }
            if twin(c).is_some() {
                continue;
            }
            match c {
                '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                    latin = true;
                }
                c if c.is_alphabetic() => foreign = true,
                _ => {}
            }
        }
        let fold = latin || (!foreign && self.is_mostly_ascii());
        self.word = (end, fold);
        fold
    }

    fn is_mostly_ascii(&mut self) -> bool {
        *self.mostly_ascii.get_or_insert_with(|| {
            let letters = self
                .original
                .bytes()
                .filter(u8::is_ascii_alphabetic)
                .count();
            let others = self.original.bytes().filter(|b| !b.is_ascii()).count();
            letters * 2 > others
        })
    }
}

/// Default_Ignorable_Code_Point, as far as it is assigned, and the byte order mark.
pub(super) fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn punctuation(c: char) -> Option<char> {
    Some(match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_whitespace() => ' ',
        '\u{2010}'..='\u{2015}'
        | '\u{2212}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}'
        | '\u{58a}'
        | '\u{2e3a}'
        | '\u{2e3b}' => '-',
        '\u{2018}'..='\u{201b}'
        | '\u{2032}'
        | '\u{2b9}'..='\u{2bd}'
        | '\u{2c8}'
        | '\u{b4}'
        | '\u{ff07}'
        | '\u{55a}'
        | '\u{a78c}'
        | '\u{5f3}'
        | '\u{1fbf}'
        | '\u{1ffd}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => '"',
        _ => return None,
    })
}

/// Decimal digits of other scripts; the zeros of the blocks that mail shows.
fn digit(c: char) -> Option<char> {
    const ZEROS: [u32; 13] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50,
    ];
    let code = c as u32;
    let zero = ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// Letters that no decomposition takes apart.
#[expect(clippy::match_same_arms, reason = "one line a letter reads better")]
pub(crate) fn spelled_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'þ' => "th",
        'Þ' => "Th",
        'ı' => "i",
        'ħ' => "h",
        'Ħ' => "H",
        'ŋ' => "ng",
        'Ŋ' => "Ng",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ə' => "e",
        'Ə' => "E",
        'ɓ' => "b",
        'Ɓ' => "B",
        'ɗ' => "d",
        'Ɗ' => "D",
        'ƙ' => "k",
        'Ƙ' => "K",
        'ɛ' => "e",
        'ɔ' => "o",
        _ => return None,
    })
}

/// Where the scripts with twins of Latin letters begin: Greek, Cyrillic, Armenian, all of two bytes a letter in UTF-8.
const FIRST_TWIN: usize = 0x370;

/// Twins by letter; 0 for none.
const TWINS: [u8; 0x590 - FIRST_TWIN] = {
    const PAIRS: [(&str, &str); 3] = [
        (
            "аАвВсСԁеЕНһіІјЈкКмМоОрРԛѕЅтТуУҮүԝхХӏӀпгьн",
            "aAbBcCdeEHhiIjJkKmMoOpPqsStTyYYywxXlInrbh",
        ),
        (
            "αΑβΒεΕΖΗηιΙκΚΜνΝοΟρΡτΤυΥχΧγωϲ",
            "aAbBeEZHniIkKMvNoOpPtTuYxXywc",
        ),
        ("օսհոցѵѴ", "ouhngvV"),
    ];
    let mut table = [0; 0x590 - FIRST_TWIN];
    let mut pair = 0;
    while pair < PAIRS.len() {
        let (letters, twins) = (PAIRS[pair].0.as_bytes(), PAIRS[pair].1.as_bytes());
        let mut place = 0;
        while place < twins.len() {
            let (high, low) = (letters[2 * place] as usize, letters[2 * place + 1] as usize);
            table[((high & 0x1f) << 6 | low & 0x3f) - FIRST_TWIN] = twins[place];
            place += 1;
        }
        pair += 1;
    }
    table
};

/// The Latin twin of a letter of another script.
fn twin(c: char) -> Option<char> {
    let twin = *TWINS.get((c as usize).wrapping_sub(FIRST_TWIN))?;
    (twin != 0).then(|| char::from(twin))
}

/// Small capitals and phonetic twins of Latin letters, which no roster uses.
fn small_capital(c: char) -> Option<char> {
    const FROM: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡɩǀ";
    const TO: &str = "abcdefghijklmnoprstuvwyzagil";
    if !matches!(c, '\u{1c0}'..='\u{2af}' | '\u{1d00}'..='\u{1d2b}' | '\u{a730}'..='\u{a731}') {
        return None;
    }
    let place = FROM.chars().position(|other| other == c)?;
    TO.chars().nth(place)
}

/// Negative circled and squared capitals, which do not decompose.
fn squared(c: char) -> Option<char> {
    let code = c as u32;
    [0x1f130, 0x1f150, 0x1f170]
        .iter()
        .find(|first| (**first..**first + 26).contains(&code))
        .and_then(|first| char::from_u32('A' as u32 + code - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_finds_the_way_back() {
        for (text, plain, disguised) in [
            ("Siobh\u{e1}n O\u{2019}Connell", "Siobhan O'Connell", false),
            ("Siobha\u{301}n", "Siobhan", false),
            (
                "S\u{f8}ndergaard We\u{df}mann \u{141}uk \u{110}or\u{111}evi\u{107}",
                "Sondergaard Wessmann Luk Dordevic",
                false,
            ),
            ("Oli\u{200b}ver", "Oliver", true),
            ("Oli\u{ad}ver", "Oliver", true),
            ("Oli\u{ad}\nver", "Oli\nver", false),
            ("\u{ff2f}liver", "Oliver", true),
            ("\u{41e}liver", "Oliver", true),
            ("\u{1d40e}liver", "Oliver", true),
            ("O\u{336}l\u{336}iver", "Oliver", true),
            ("a\u{a0}b\u{2014}c", "a b-c", false),
            ("\u{661}\u{662}", "12", false),
        ] {
            let folded = Plain::of(text);
            assert_eq!(folded.text, plain, "{text:?}");
            assert_eq!(
                folded.is_disguised(&(0..plain.len())),
                disguised,
                "{text:?}"
            );
            assert_eq!(folded.original_text(0..plain.len()), text);
        }
    }

    #[test]
    fn words_of_one_script_stay() {
        let text = "\u{43c}\u{43e}\u{441}\u{43a}\u{432}\u{430} \u{434}\u{430}";
        assert_eq!(Plain::of(text).text, text);
    }

    #[test]
    fn maps_parts_back() {
        let text = "x \u{2014} Zo\u{eb} We\u{df}mann\u{200b}, y";
        let folded = Plain::of(text);
        let at = folded.text.find("Zoe Wessmann").unwrap();
        assert_eq!(folded.original_text(at..at + 3), "Zo\u{eb}");
        assert_eq!(
            folded
                .original_text(at + 4..at + 12)
                .trim_end_matches('\u{200b}'),
            "We\u{df}mann"
        );
    }
}
