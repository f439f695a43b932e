//! Detectors that administrators write: literal anchors, a pattern around them, words nearby.
//!
//! # Invariants
//! A pattern runs only in the window around one of its anchors. It matches neither the empty text nor across a word's ASCII
//! boundary, and is compiled under a size limit.

use std::collections::HashSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use crate::detect::catalogue::{Catalogue, CatalogueError, Check, Detector};
use crate::detect::context::Scene;
use crate::detect::finding::{Finding, Secret, ValueKey};
use crate::detect::keywords::Keywords;
use crate::detect::mask;
use crate::detect::token::Keys;

/// Bytes before and behind an anchor that a match may reach.
const REACH: usize = 256;
/// Compiled size of one pattern.
const SIZE: usize = 1 << 20;

struct Pattern {
    id: Arc<str>,
    detector: Detector,
    regex: Regex,
    keywords: Keywords,
    negative: Keywords,
}

/// All pattern detectors behind one search for their anchors.
#[derive(Default)]
pub struct Patterns {
    anchors: Option<AhoCorasick>,
    /// The pattern of each anchor.
    owners: Vec<usize>,
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
        let mut all = Self::default();
        let mut literals = Vec::new();
        for detector in catalogue
            .detectors
            .iter()
            .filter(|detector| detector.check == Check::Pattern)
        {
            all.owners
                .extend(detector.anchors.iter().map(|_| all.compiled.len()));
            literals.extend(detector.anchors.iter().cloned());
            all.compiled.push(Pattern {
                id: Arc::from(detector.id.as_str()),
                regex: compile(detector)?,
                keywords: Keywords::new(&detector.id, &detector.keywords)?,
                negative: Keywords::new(&detector.id, &detector.negative)?,
                detector: detector.clone(),
            });
        }
        if !literals.is_empty() {
            let built = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(&literals);
            all.anchors = Some(built.map_err(|error| CatalogueError::Detector {
                id: "anchors".to_owned(),
                reason: error.to_string(),
            })?);
        }
        Ok(all)
    }

    /// Adds the findings of one unit, at most `cap` in all.
    pub fn scan(
        &self,
        keys: &Keys,
        scene: &Scene<'_>,
        found: &mut Vec<(usize, Finding)>,
        cap: usize,
    ) {
        let Some(anchors) = &self.anchors else {
            return;
        };
        let text = scene.text().as_bytes();
        let mut seen = HashSet::new();
        let mut searched = vec![0; self.compiled.len()];
        for anchor in anchors.find_overlapping_iter(text) {
            let number = self.owners[anchor.pattern().as_usize()];
            let pattern = &self.compiled[number];
            if anchor.end() <= searched[number] {
                continue;
            }
            let start = anchor.start().saturating_sub(REACH);
            let end = (anchor.end() + REACH).min(text.len());
            searched[number] = anchor.end();
            for hit in pattern.regex.find_iter(&text[start..end]) {
                let range = start + hit.start()..start + hit.end();
                let reaches_anchor = range.start <= anchor.start() && range.end >= anchor.end();
                if reaches_anchor && found.len() < cap && seen.insert((number, range.start)) {
                    found.extend(pattern.judge(keys, scene, range));
                }
            }
        }
    }
}

impl Pattern {
    fn judge(
        &self,
        keys: &Keys,
        scene: &Scene<'_>,
        range: std::ops::Range<usize>,
    ) -> Option<(usize, Finding)> {
        let window = scene.bytes(scene.window(&range, 100));
        if self.negative.find(window).is_some() {
            return None;
        }
        let mut confidence = self.detector.confidence;
        let mut reasons = vec!["pattern agrees".to_owned()];
        if let Some(word) = self.keywords.find(window) {
            confidence = confidence.raised();
            reasons.push(format!("keyword \"{word}\" nearby"));
        }
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
            person: None,
            value: ValueKey(value),
            masked: mask::value(self.detector.category, &text),
            text: Secret::new(text),
            reasons,
            obfuscated,
        };
        Some((range.start, finding))
    }
}

fn compile(detector: &Detector) -> Result<Regex, CatalogueError> {
    let wrong = |reason: String| CatalogueError::Detector {
        id: detector.id.clone(),
        reason,
    };
    let source = detector.regex.as_deref().unwrap_or_default();
    if source.len() > 1024 {
        return Err(wrong("pattern is longer than 1,024 characters".to_owned()));
    }
    let bounded = format!(
        r"(?-u:\b)(?:{})(?-u:\b)",
        source.replace(r"\b", r"(?-u:\b)")
    );
    let regex = RegexBuilder::new(&bounded)
        .unicode(false)
        .case_insensitive(true)
        .size_limit(SIZE)
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let empty = [&b""[..], b"a", b" "]
        .iter()
        .any(|text| regex.find(text).is_some_and(|hit| hit.is_empty()));
    if empty {
        return Err(wrong("pattern matches the empty text".to_owned()));
    }
    Ok(regex)
}
