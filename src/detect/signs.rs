//! Words that say whether a sentence is about one person or about many: "he", "the child", "all parents", "several cases".
//!
//! # Invariants
//! Found in one pass over a text for each kind; a look afterwards goes over the signs of one paragraph.
//!
//! # Known gaps
//! English only. A pronoun is a sign of one person whoever that is.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// Whom words are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Parents, pupils, cases: nobody in particular.
    Many,
    /// One person who was named before: "he", "the child", "Mum".
    One,
    /// One person or those named before: "they".
    They,
}

/// Bytes at the beginning of a text in which it says that it is a newsletter; footers recommend them everywhere.
const HEAD: usize = 160;

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants and a test compiles them"
)]
fn pattern(text: &str) -> Regex {
    // A line may end between two words, and the next begin with quote signs.
    let text = text.replace(' ', r"[ \r\n>]{1,4}");
    Regex::new(&text).expect("a constant pattern")
}

static MANY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:dear (?:all|parents|families|carers|guardians)",
        r"|(?:all|most|many|some|several|various|those|these|any|our|no|few|more|two|three|four|five|six|seven|eight|nine|ten|[0-9]{1,5})",
        r" (?:of (?:the|our) )?(?:[a-z]{1,16} ){0,2}(?:pupils|children|students|learners|parents|carers|families|staff|cases|people|classes|adults)",
        r"|(?:pupils|children|students|learners|people|families) (?:with|who|whose|in|from|affected|may|must|should|can|will|are|have|need|having|suffering)",
        r"|(?:parents|carers) (?:with|who|whose|of (?:children|pupils|students)|must|should)|staff (?:who|with)",
        r"|(?:parents|mums) (?:and|or|&) (?:carers|guardians|dads)|parents/carers",
        r"|(?:anyone|anybody|everyone|everybody|nobody) (?:who|with|whose|affected|in)",
        r"|(?:any|each|every) (?:child|pupil|student|learner|year|family)|one (?:child|pupil|student|person|adult) in|one in [a-z0-9]{1,8}",
        r"|if (?:your|a|any) (?:child|son|daughter|pupil)|(?:does|is|should|has|when|whether|unless) your child|your children|your child\(ren\)",
        r"|(?:he|him|his) or hers?|he or she|(?:he/she|his/her|him/her|she/he)",
        r"|(?:going|doing the) (?:round|around|rounds)|outbreaks?(?: of)?|cases of|are about|been reported in",
        r"|(?:parents|carers|families|pupils|students|staff) are (?:reminded|asked|invited|advised|welcome|encouraged)|reminders?",
        r"|(?:reception|nursery|year [0-9]) (?:to|and) year|for your diary|(?:figures|percentages|averages) (?:were|are|for|show|from|by)|governors (?:discussed|noted|reviewed|approved|heard|received)|the pta",
        r"|(?:across|throughout) the (?:school|trust)|whole school)\b"
    ))
});
static CIRCULAR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)\bdear (?:all )?(?:parents|families|carers|guardians|pupils|students)\b")
});
static HEADED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)\b(?:newsletter|bulletin|round-?up|noticeboard|what's on)\b"));
static ONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:he|she|him|his|hers?|himself|herself|(?P<they>they|them|theirs?)",
        r"|(?:the|this|that) (?:child|pupil|student|boy|girl|patient|young person|learner|lad|youngster)(?P<topic> (?:protection|premium|council|voice|leadership|health))?",
        r"|the family|(?:your|my|our|the|their) (?:son|daughter|child)|mum|dad|mother|father|gran|grandma|grandmother|grandad|grandfather|nan",
        r"|step-?(?:mum|dad|mother|father)|carer|guardian|brother|sister|parents (?:are|were|have been|both) (?:aware|informed|told|concerned|worried))\b"
    ))
});
/// How a sentence goes on about somebody without naming them.
static OPENER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)^(?:also |now |still |currently |previously |recently |newly |known |as yet |un)?(?:diagnosed|suffers|suffering|allergic|has|had|takes|taking",
        r"|needs|requires|prescribed|referred|admitted|disclosed|seen|known|under|receives|gets|waiting|history of|carries|uses|witnessed",
        r"|subject to|excluded|treated|hospitalised|self-harm(?:s|ed|ing)|on (?:a|an) )\b"
    ))
});
/// What turns a term into that of a group: "children with", "two cases of".
static OF_MANY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:(?:pupils|children|students|people|families|those|anyone|adults|babies|parents of children) (?:(?:living|born|affected|suffering) )?",
        r"(?:with|by|from)|(?:cases|outbreaks?) of) (?:[a-z0-9-]{1,16} )?$"
    ))
});

/// What a sentence says of somebody whose name is in the news of a school.
static PRAISE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:won|wins|winners?|winning|scored|scorers?|medals?|bronze|silver|trophy|prizes?|finalists?|the final|choir|orchestra",
        r"|concert|sang|trumpet|prefect|elected|chosen as|certificates?|congratulations|well done|thanks to|thank you to",
        r"|champions?|contest|competition|tournament|quiz|chess|the (?:fete|stall)|exhibition|raised (?:[0-9]|money|funds)|relay",
        r"|(?:star|player|pupil|reader|writer|artist|winner|child|student) of the (?:week|month|term|year|match)|sports day|lost property",
        r"|came (?:first|second|third)|plays the|played the|drew the (?:picture|cover|poster)|performed|best attendance|head of house|presented the)\b"
    ))
});

/// What a sentence says when it brings up a matter about whom it names.
static MATTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:about|re|regarding|concerning|concerns?|notes?|file|records?|incident|forms?|referr?(?:al|ed|ing)|attend(?:ed|s|ing)",
        r"|appointment|transfer(?:s|red|ring)?|report|plan|met|meet|spoke|spoken|speak|rang|ring|call(?:ed)?|meeting|behalf|collect|update|known to|service|assess(?:ed|ment)",
        r"|admitted|admission|moving to|joins?|joined|starts?|upset|worried|unwell|ill|off|absent|absence|returns?|back on|parent|letter)\b"
    ))
});

/// The signs of one text.
#[derive(Debug)]
pub(super) struct Signs {
    /// In the order of the text and apart from each other.
    list: Vec<(u32, Sign)>,
    /// The text is a letter to parents at large, or a newsletter.
    pub(super) circular: bool,
}

impl Signs {
    /// Reads a text.
    pub(super) fn of(text: &[u8]) -> Self {
        Self {
            list: list(text),
            circular: CIRCULAR.is_match(text) || HEADED.is_match(&text[..HEAD.min(text.len())]),
        }
    }

    /// The number of signs before an offset.
    fn before(&self, offset: usize) -> usize {
        self.list
            .partition_point(|(start, _)| (*start as usize) < offset)
    }

    /// Whom a sentence is about by its own words, and if they do not say, by those from `from` on up to it.
    pub(super) fn said(&self, from: usize, sentence: &Range<usize>) -> Option<Sign> {
        let first = self.before(sentence.start);
        let own = &self.list[first..self.before(sentence.end).max(first)];
        let has = |sign: Sign| own.iter().any(|(_, own)| *own == sign);
        if has(Sign::One) {
            return Some(Sign::One);
        }
        if has(Sign::Many) {
            return Some(Sign::Many);
        }
        let earlier = &self.list[self.before(from).min(first)..first];
        let named = earlier.iter().rev().find(|(_, sign)| *sign != Sign::They);
        let they = has(Sign::They) || !earlier.is_empty();
        named
            .map(|(_, sign)| *sign)
            .or_else(|| they.then_some(Sign::They))
    }

    /// Whether a word for one person stands in a range.
    pub(super) fn names_one(&self, range: &Range<usize>) -> bool {
        let first = self.before(range.start);
        let inside = &self.list[first..self.before(range.end).max(first)];
        inside.iter().any(|(_, sign)| *sign == Sign::One)
    }
}

/// Whether a sentence begins as one does that goes on about somebody.
pub(super) fn goes_on(sentence: &str) -> bool {
    OPENER.is_match(sentence.as_bytes())
}

/// Whether the words at the end of a text make what follows that of a group.
pub(super) fn is_of_many(before: &str) -> bool {
    OF_MANY.is_match(before.as_bytes()) && !before.to_ascii_lowercase().contains("one of")
}

/// Whether a sentence brings up a matter about whom it names.
pub(super) fn is_matter(sentence: &str) -> bool {
    MATTER.is_match(sentence.as_bytes())
}

/// Whether a sentence praises whom it names.
pub(super) fn is_praise(sentence: &str) -> bool {
    PRAISE.is_match(sentence.as_bytes())
}

/// All signs of a text, those that overlap once.
fn list(text: &[u8]) -> Vec<(u32, Sign)> {
    let mut many = MANY.find_iter(text).map(|found| found.range()).peekable();
    let mut signs = Vec::new();
    for found in ONE.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        while let Some(range) = many.next_if(|range| range.start <= whole.start()) {
            signs.push((range.start as u32, range.end, Sign::Many));
        }
        let inside = signs.last().is_some_and(|last| last.1 > whole.start());
        if found.name("topic").is_some() || inside {
            continue;
        }
        let sign = if found.name("they").is_some() {
            Sign::They
        } else {
            Sign::One
        };
        signs.push((whole.start() as u32, whole.end(), sign));
    }
    signs.extend(many.map(|range| (range.start as u32, range.end, Sign::Many)));
    signs
        .into_iter()
        .map(|(start, _, sign)| (start, sign))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_say_how_many_are_meant() {
        let said = |text: &str| Signs::of(text.as_bytes()).said(0, &(0..text.len()));
        for text in [
            "Several cases of flu",
            "Dear parents, please label inhalers",
            "Pupils in Year 4 are ill",
            "If your child has asthma",
            "A bug is going round",
            "We have pupils\n> with severe allergies",
            "Each pupil needs his or her form",
        ] {
            assert_eq!(said(text), Some(Sign::Many), "{text}");
        }
        for text in [
            "He has asthma",
            "The child has asthma",
            "Mum is worried",
            "Your son was seen",
        ] {
            assert_eq!(said(text), Some(Sign::One), "{text}");
        }
        assert_eq!(said("They are worried"), Some(Sign::They));
        for text in [
            "The child protection policy",
            "Concerns about epilepsy",
            "The other pupils saw it",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
