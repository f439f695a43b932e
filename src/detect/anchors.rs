//! The search for the literals around which administrators' patterns run.
//!
//! # Invariants
//! One pass over a text for all of them, whatever their number. Windows of one pattern are merged, so they never overlap.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use crate::detect::catalogue::{CatalogueError, Detector};

/// Bytes of an anchor that the search looks for before the whole is compared.
const HEAD: usize = 3;
/// Spellings of anchors that are looked for at once: more leave the fast search.
const SPELLINGS: usize = 48;

/// One search for the anchors of many patterns.
pub(super) struct Anchors {
    /// Finds where an anchor may begin.
    search: AhoCorasick,
    /// The anchors, each with the pattern that has it.
    literals: Vec<(Vec<u8>, usize)>,
    case_sensitive: bool,
}

impl Anchors {
    /// Compiles the anchors of the detectors for which capitals matter, or of the others; none when there are none. Patterns are
    /// numbered as the detectors come.
    pub(super) fn build<'d>(
        detectors: impl Iterator<Item = &'d Detector>,
        case_sensitive: bool,
    ) -> Result<Option<Self>, CatalogueError> {
        let literals: Vec<(Vec<u8>, usize)> = detectors
            .enumerate()
            .filter(|(_, detector)| detector.case_sensitive == case_sensitive)
            .flat_map(|(number, detector)| {
                let anchors = detector.anchors.iter();
                anchors.map(move |anchor| (anchor.as_bytes().to_vec(), number))
            })
            .collect();
        if literals.is_empty() {
            return Ok(None);
        }
        let heads = literals
            .iter()
            .map(|(literal, _)| &literal[..literal.len().min(HEAD)]);
        let spelled = if case_sensitive {
            Some(heads.clone().map(<[u8]>::to_vec).collect())
        } else {
            spellings(heads.clone())
        };
        let search = match spelled {
            Some(spelled) => search_for(&spelled, false),
            None => search_for(&heads.collect::<Vec<_>>(), true),
        };
        let search = search.map_err(|reason| CatalogueError::Detector {
            id: "anchors".to_owned(),
            reason,
        })?;
        Ok(Some(Self {
            search,
            literals,
            case_sensitive,
        }))
    }

    /// The windows around the anchors, for each pattern in ascending order and apart from each other.
    pub(super) fn windows(&self, text: &[u8], reach: usize, windows: &mut [Vec<Range<usize>>]) {
        let mut at = 0;
        while let Some(head) = self.search.find(Input::new(text).span(at..text.len())) {
            at = head.start() + 1;
            for (literal, number) in &self.literals {
                let Some(here) = text.get(head.start()..head.start() + literal.len()) else {
                    continue;
                };
                let same = if self.case_sensitive {
                    here == literal
                } else {
                    here.eq_ignore_ascii_case(literal)
                };
                if !same {
                    continue;
                }
                let start = head.start().saturating_sub(reach);
                let end = (head.start() + literal.len() + reach).min(text.len());
                match windows[*number].last_mut() {
                    Some(last) if last.end >= start => last.end = last.end.max(end),
                    _ => windows[*number].push(start..end),
                }
            }
        }
    }
}

/// Every spelling of some literals in capitals and small letters; none when they are too many. A search for exact literals runs at
/// 4.5 GB/s, one that folds case at 0.2 (16 MiB of English words, one core of the machine of `docs/PERFORMANCE.md`).
fn spellings<'l>(literals: impl Iterator<Item = &'l [u8]>) -> Option<Vec<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for literal in literals {
        let mut spelled = vec![Vec::new()];
        for byte in literal {
            let both = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            let kinds = if both[0] == both[1] { 1 } else { 2 };
            spelled = spelled
                .iter()
                .flat_map(|begun: &Vec<u8>| {
                    both.iter()
                        .take(kinds)
                        .map(|byte| [begun.as_slice(), &[*byte]].concat())
                })
                .collect();
        }
        all.extend(spelled);
    }
    all.sort();
    all.dedup();
    (all.len() <= SPELLINGS).then_some(all)
}

/// A search for literals whose longest match at a place wins.
pub(super) fn search_for<L: AsRef<[u8]>>(
    literals: &[L],
    fold_case: bool,
) -> Result<AhoCorasick, String> {
    AhoCorasick::builder()
        .ascii_case_insensitive(fold_case)
        .match_kind(MatchKind::LeftmostLongest)
        .build(literals)
        .map_err(|error| error.to_string())
}
