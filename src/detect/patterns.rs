//! Detectors that administrators write: literal anchors, a pattern around them, words and people nearby.
//!
//! # Invariants
//! A pattern runs only in windows around its anchors; windows that overlap are searched as one, so no byte is searched twice however
//! often an anchor stands there. It matches neither the empty text nor across a word's ASCII boundary, and is compiled under a size
//! limit.
//!
//! # Known gaps
//! A match that holds no anchor is passed over, and after `RETRIES` of them on end the search goes on behind the last one.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use crate::detect::anchors::{Anchors, search_for};
use crate::detect::catalogue::{Catalogue, CatalogueError, Check, Detector, Fault, Nearby};
use crate::detect::context::{Scene, WINDOW};
use crate::detect::finding::{Confidence, Finding, PersonId, Secret, ValueKey};
use crate::detect::judge::Judge;
use crate::detect::keywords::Keywords;
use crate::detect::mask;
use crate::detect::token::{Keys, is_word_byte};

/// Bytes before and behind an anchor that a match may reach; also half the longest match.
const REACH: usize = 256;
/// Compiled size of one pattern.
const SIZE: usize = 1 << 20;
/// Characters of a pattern (Purview allows as many).
const PATTERN_CHARACTERS: usize = 1024;
/// Characters of an anchor: fewer stand everywhere, more are a text of their own.
const ANCHOR_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=64;
/// Matches without an anchor after which the search gives up on a place.
const RETRIES: usize = 8;
/// The group of a pattern that holds the value, where not the whole match is it.
const VALUE: &str = "value";

struct Pattern {
    id: Arc<str>,
    detector: Detector,
    regex: Regex,
    has_value: bool,
    anchors: AhoCorasick,
    keywords: Keywords,
    negative: Keywords,
}

/// All pattern detectors behind one search for their anchors, or two where capitals matter to some.
#[derive(Default)]
pub struct Patterns {
    searches: Vec<Anchors>,
    compiled: Vec<Pattern>,
}

impl std::fmt::Debug for Patterns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patterns({})", self.compiled.len())
    }
}

impl Patterns {
    /// Compiles the pattern detectors of a catalogue.
    pub fn build(catalogue: &Catalogue) -> Result<Self, CatalogueError> {
        let compiled = catalogue
            .detectors
            .iter()
            .filter(|detector| detector.check == Check::Pattern)
            .map(Pattern::build)
            .collect::<Result<Vec<_>, CatalogueError>>()?;
        let mut searches = Vec::new();
        for case_sensitive in [false, true] {
            let detectors = compiled.iter().map(|pattern| &pattern.detector);
            searches.extend(Anchors::build(detectors, case_sensitive)?);
        }
        Ok(Self { searches, compiled })
    }

    /// Adds the findings of one unit to those judged so far, up to `cap` in all. `false` when more were left out.
    pub(super) fn scan(
        &self,
        keys: &Keys,
        scene: &Scene<'_>,
        judge: &mut Judge<'_>,
        cap: usize,
    ) -> bool {
        let mut finished = true;
        // Looking around a match costs more than finding it, so refused ones are bounded too.
        let mut tries = cap.saturating_mul(4);
        self.each_match(scene.text(), |pattern, range| {
            if judge.found.len() < cap && tries > 0 {
                tries -= 1;
                let found = pattern.judge(keys, scene, judge, range);
                judge.found.extend(found);
            } else {
                finished = false;
            }
        });
        finished
    }

    /// How many matches a text holds, whatever stands around them.
    pub fn count(&self, text: &str) -> usize {
        let mut count = 0;
        self.each_match(text, |_, _| count += 1);
        count
    }

    fn each_match(&self, text: &str, mut each: impl FnMut(&Pattern, Range<usize>)) {
        if self.searches.is_empty() {
            return;
        }
        let mut windows = vec![Vec::new(); self.compiled.len()];
        for anchors in &self.searches {
            anchors.windows(text.as_bytes(), REACH, &mut windows);
        }
        for (pattern, windows) in self.compiled.iter().zip(windows) {
            for window in windows {
                pattern.search(text, window, &mut each);
            }
        }
    }
}

impl Pattern {
    fn build(detector: &Detector) -> Result<Self, CatalogueError> {
        let wrong = |reason: String| CatalogueError::Detector {
            id: detector.id.clone(),
            reason,
        };
        let regex = compile(detector).map_err(|fault| wrong(fault.to_string()))?;
        Ok(Self {
            id: Arc::from(detector.id.as_str()),
            has_value: regex.capture_names().flatten().any(|name| name == VALUE),
            regex,
            anchors: search_for(&detector.anchors, !detector.case_sensitive).map_err(wrong)?,
            keywords: Keywords::new(&detector.id, &detector.keywords)?,
            negative: Keywords::new(&detector.id, &detector.negative)?,
            detector: detector.clone(),
        })
    }

    /// Every match in a window that holds an anchor.
    fn search(&self, text: &str, window: Range<usize>, each: &mut impl FnMut(&Self, Range<usize>)) {
        let bytes = text.as_bytes();
        // The window must not part a word, or its end would pass for the word's.
        let mut end = window.end;
        while end < bytes.len() && end < window.end + REACH && is_word_byte(bytes[end]) {
            end += 1;
        }
        let (mut at, mut misses) = (window.start, 0_usize);
        while let Some(hit) = self.regex.find_at(&bytes[..end], at) {
            let holds_anchor =
                !hit.is_empty() && hit.len() <= 2 * REACH && self.anchors.is_match(hit.as_bytes());
            if holds_anchor {
                each(self, widened(text, hit.range()));
                misses = 0;
            } else {
                misses += 1;
            }
            let next = if holds_anchor || misses.is_multiple_of(RETRIES) {
                hit.end()
            } else {
                hit.start()
            };
            at = next.max(hit.start() + 1);
            if at >= end {
                break;
            }
        }
    }

    fn judge(
        &self,
        keys: &Keys,
        scene: &Scene<'_>,
        judge: &Judge<'_>,
        whole: Range<usize>,
    ) -> Option<Placed> {
        let window = scene.bytes(scene.window(&whole, 100));
        if self.negative.find(window).is_some() {
            return None;
        }
        let range = self.value(scene, &whole);
        let mut confidence = self.detector.confidence;
        let mut reasons = vec!["pattern agrees".to_owned()];
        if let Some(sum) = self.detector.checksum {
            if !sum.passes(scene.bytes(range.clone())) {
                return None;
            }
            reasons.push("checksum agrees".to_owned());
        }
        let word = self.keywords.find(window).or_else(|| {
            let header = scene.header(&whole)?;
            self.keywords.find(header.as_bytes())
        });
        weigh(
            self.detector.context,
            word.map(|word| format!("keyword \"{word}\" nearby")),
            &mut confidence,
            &mut reasons,
        )?;
        let pupil = judge.pupil_near(&whole, WINDOW);
        weigh(
            self.detector.pupil,
            pupil.map(|_| "a pupil nearby".to_owned()),
            &mut confidence,
            &mut reasons,
        )?;
        let person = pupil
            .filter(|_| self.detector.pupil != Nearby::Ignored)
            .and_then(|anchor| anchor.person);
        Some(self.finding(keys, scene, range, confidence, reasons, person))
    }

    /// The part of a match that is the value.
    fn value(&self, scene: &Scene<'_>, whole: &Range<usize>) -> Range<usize> {
        if !self.has_value {
            return whole.clone();
        }
        let text = &scene.text().as_bytes()[..whole.end];
        self.regex
            .captures_at(text, whole.start)
            .and_then(|groups| groups.name(VALUE))
            .map_or(whole.clone(), |group| widened(scene.text(), group.range()))
    }

    fn finding(
        &self,
        keys: &Keys,
        scene: &Scene<'_>,
        range: Range<usize>,
        confidence: Confidence,
        reasons: Vec<String>,
        person: Option<PersonId>,
    ) -> Placed {
        let text = scene.original(range.clone());
        let obfuscated = scene.plain.is_disguised(&range);
        let value = keys.value(&self.id, text.to_lowercase().as_bytes());
        let finding = Finding {
            category: self.detector.category,
            detector: self.id.clone(),
            confidence: if obfuscated {
                confidence.raised()
            } else {
                confidence
            },
            location: scene.unit.location.clone(),
            view: scene.unit.view,
            person,
            value: ValueKey(value),
            masked: mask::value(self.detector.category, &text),
            text: Secret::new(text),
            reasons,
            obfuscated,
        };
        (range, finding)
    }
}

/// A finding with its plain offsets.
type Placed = (Range<usize>, Finding);

/// What something nearby does: nothing found without it, or one level more with it.
fn weigh(
    nearby: Nearby,
    reason: Option<String>,
    confidence: &mut Confidence,
    reasons: &mut Vec<String>,
) -> Option<()> {
    match (nearby, reason) {
        (Nearby::Ignored, _) | (Nearby::Raises, None) => {}
        (Nearby::Required, None) => return None,
        (Nearby::Raises, Some(reason)) => {
            *confidence = confidence.raised();
            reasons.push(reason);
        }
        (Nearby::Required, Some(reason)) => reasons.push(reason),
    }
    Some(())
}

/// A range that parts no character: patterns match bytes.
fn widened(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end);
    start..end
}

/// Whether the keys of a pattern can be used; the first that cannot.
pub fn check(detector: &Detector) -> Result<(), (&'static str, Fault)> {
    compile(detector).map_err(|fault| ("regex", fault))?;
    let allowed = "literals of 2 to 64 characters, one of which stands in every match";
    if detector.anchors.is_empty() {
        let mend = "name what never changes in the value, such as its prefix";
        return Err(("anchors", Fault::new("none", allowed, mend)));
    }
    let odd = |anchor: &&String| !ANCHOR_CHARACTERS.contains(&anchor.trim().len());
    if let Some(anchor) = detector.anchors.iter().find(odd) {
        let mend = "take a longer part of the value, or a shorter one";
        return Err(("anchors", Fault::new(format!("`{anchor}`"), allowed, mend)));
    }
    let needs_words = detector.context == Nearby::Required && detector.keywords.is_empty();
    if needs_words {
        let mend = "list keywords, or write context = \"raises\"";
        return Err((
            "context",
            Fault::new("\"required\" without keywords", "it beside keywords", mend),
        ));
    }
    Ok(())
}

fn compile(detector: &Detector) -> Result<Regex, Fault> {
    let Some(source) = detector.regex.as_deref() else {
        return Err(Fault::new(
            "none",
            "a regular expression with check = \"pattern\"",
            "add it",
        ));
    };
    if source.chars().count() > PATTERN_CHARACTERS {
        return Err(Fault::new(
            format!("{} characters", source.chars().count()),
            "at most 1,024",
            "split it over two detectors",
        ));
    }
    let bounded = format!(r"\b{{start-half}}(?:{source})\b{{end-half}}");
    let regex = RegexBuilder::new(&bounded)
        .unicode(false)
        .case_insensitive(!detector.case_sensitive)
        .size_limit(SIZE)
        .build()
        .map_err(|error| {
            Fault::new(
                one_line(&error.to_string(), source),
                "the syntax of the Rust crate regex, without Unicode classes, 1 MiB when compiled",
                "mend or shorten the expression",
            )
        })?;
    let empty = [&b""[..], b"a", b" ", b"1", b"a b"]
        .iter()
        .any(|text| regex.find(text).is_some_and(|hit| hit.is_empty()));
    if empty {
        return Err(Fault::new(
            format!("`{source}`, which matches the empty text"),
            "a pattern of one character or more",
            "ask for at least one character, with + in the place of *",
        ));
    }
    Ok(regex)
}

/// The last line of a parser's message, which says what is wrong; the others draw the expression.
fn one_line(message: &str, source: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    format!("`{source}` ({})", last.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(keys: &str) -> Patterns {
        let file = format!(
            "id = \"own\"\ntitle = \"Own\"\ncategory = \"pupil-id\"\ncheck = \"pattern\"\nexamples = []\ncounterexamples = []\n{keys}"
        );
        let catalogue = Catalogue::load([("detectors/own.toml", file.as_str())]).unwrap();
        Patterns::build(&catalogue).unwrap()
    }

    fn found(patterns: &Patterns, text: &str) -> Vec<String> {
        let mut list = Vec::new();
        patterns.each_match(text, |_, range| list.push(text[range].to_owned()));
        list
    }

    #[test]
    fn matches_beside_each_other_are_all_found() {
        let own = patterns("anchors = [\"HP-\"]\nregex = 'HP-[0-9]{4}'");
        assert_eq!(
            found(&own, "HP-12 HP-1234,hp-5678 xHP-1111 HP-22222 (HP-3333)"),
            ["HP-1234", "hp-5678", "HP-3333"]
        );
        // The first match of a window that holds no anchor must not swallow the one that does.
        let own = patterns("anchors = [\"AB\"]\nregex = '[A-Z]{2}[ -]?[0-9]{2,4}'");
        assert_eq!(found(&own, "XY 12 AB 34, CD 56 AB-78"), ["AB 34", "AB-78"]);
        // Anchors inside and beside each other.
        let own = patterns("anchors = [\"HP\", \"HP-\", \"P-1\"]\nregex = 'HP-[0-9]+'");
        assert_eq!(found(&own, "HP-1 HP-12"), ["HP-1", "HP-12"]);
    }

    #[test]
    fn signs_may_open_and_close_a_match() {
        let own = patterns("anchors = [\"#ref\"]\nregex = '#ref[0-9]+='");
        assert_eq!(found(&own, "see #ref12=, #ref3="), ["#ref12=", "#ref3="]);
    }

    #[test]
    fn capitals_count_only_where_asked() {
        let own = patterns("case_sensitive = true\nanchors = [\"HP\"]\nregex = 'HP[0-9]+'");
        assert_eq!(found(&own, "hp12 HP34"), ["HP34"]);
    }

    #[test]
    fn characters_are_not_parted() {
        let own = patterns("anchors = [\"key\"]\nregex = 'key.'");
        assert_eq!(
            found(&own, "key\u{e9} and key\u{20ac}"),
            ["key\u{e9}", "key\u{20ac}"]
        );
    }

    #[test]
    fn anchors_everywhere_cost_one_search() {
        let own = patterns("anchors = [\"HP\"]\nregex = 'HP[a-z ]{0,200}[0-9]{9}'");
        let text = "HP ".repeat(400_000);
        assert_eq!(own.count(&text), 0);
        let mut windows = vec![Vec::new()];
        own.searches[0].windows(text.as_bytes(), REACH, &mut windows);
        assert_eq!(windows[0].len(), 1);
        assert_eq!(windows[0][0], 0..text.len());
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let load = |keys: &str| {
            let file = format!(
                "id = \"own\"\ntitle = \"Own\"\ncategory = \"pupil-id\"\nexamples = []\ncounterexamples = []\n{keys}"
            );
            Catalogue::load([("detectors/own.toml", file.as_str())])
                .unwrap_err()
                .to_string()
        };
        for (keys, expected) in [
            (
                "check = \"pattern\"\nanchors = [\"HP\"]\nregex = '(HP)*'",
                "own.toml:8: `regex`: found `(HP)*`, which matches",
            ),
            (
                "check = \"pattern\"\nanchors = [\"HP\"]\nregex = 'HP('",
                "own.toml:8: `regex`: found `HP(`",
            ),
            (
                "check = \"pattern\"\nanchors = [\"HP\"]",
                "own.toml: `regex`: found none",
            ),
            (
                "check = \"pattern\"\nregex = 'HP'\nanchors = []",
                "own.toml:8: `anchors`: found none",
            ),
            (
                "check = \"pattern\"\nregex = 'HP'\nanchors = [\"H\"]",
                "own.toml:8: `anchors`: found `H`",
            ),
            (
                "check = \"pattern\"\nregex = 'HP'\nanchors = [\"HP\"]\ncontext = \"required\"",
                "own.toml:9: `context`",
            ),
            (
                "check = \"pattern\"\nregex = 'HP'\nanchors = [\"HP\"]\nchecksum = \"mod12\"",
                "own.toml:9: unknown variant `mod12`, expected one of `luhn`",
            ),
            ("check = \"iban\"\nregex = 'HP'", "own.toml:7: `regex`"),
            ("chekc = \"iban\"", "own.toml:6: unknown field `chekc`"),
        ] {
            let found = load(keys);
            assert!(found.contains(expected), "{keys}\n{found}");
        }
    }
}
