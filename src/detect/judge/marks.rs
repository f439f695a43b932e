//! Where the findings of one unit stand, for whoever shows the text with them.
//!
//! # Invariants
//! A spot lies on character boundaries of the unit's own text; a name whose parts stand in cells apart has a spot for each part.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::detect::finding::{Category, Findings};
use crate::detect::judge::Judge;
use crate::detect::mask;

/// One place of a finding of a unit, in byte offsets of the unit's text.
pub(in crate::detect) struct Spot {
    /// Where.
    pub(in crate::detect) range: Range<usize>,
    /// Which of the unit's findings.
    pub(in crate::detect) finding: usize,
    /// What stands there, masked.
    pub(in crate::detect) masked: String,
}

impl Judge<'_> {
    /// The findings as [`Judge::finish`] gives them, with their places, and the forenames alone of those who were named: at most `room` of each.
    pub(in crate::detect) fn finish_marked(mut self, room: usize) -> (Findings, Vec<Spot>) {
        let unfinished = self.order(room);
        let mut spots = Vec::new();
        let apart: HashMap<usize, _> = self
            .named
            .iter()
            .filter_map(|(name, _)| Some((name.range.start, name.columns.as_ref()?)))
            .collect();
        for (index, (range, finding)) in self.found.iter().take(room).enumerate() {
            let is_name = finding.category == Category::PupilName;
            let columns = apart.get(&range.start).filter(|_| is_name);
            let parts = match columns {
                Some((forename, surname)) => vec![forename.clone(), surname.clone()],
                None => vec![range.clone()],
            };
            let apart = parts.len() > 1;
            for part in parts {
                let masked = if apart {
                    mask::name(&self.scene.original(part.clone()))
                } else {
                    finding.masked.clone()
                };
                spots.push(Spot {
                    range: self.scene.plain.original_range(part),
                    finding: index,
                    masked,
                });
            }
        }
        spots.extend(self.forenames_alone(room));
        (self.ordered(room, unfinished), spots)
    }

    /// "Oliver" alone, where this unit names him in full.
    fn forenames_alone(&self, room: usize) -> Vec<Spot> {
        let mut owners = HashMap::new();
        for (index, (_, finding)) in self.found.iter().take(room).enumerate() {
            if finding.category == Category::PupilName && finding.person.is_some() {
                owners.entry(finding.person).or_insert(index);
            }
        }
        let starts: HashSet<usize> = self
            .named
            .iter()
            .map(|(name, _)| name.range.start)
            .collect();
        self.anchors
            .iter()
            .filter(|anchor| anchor.forename.is_some() && !starts.contains(&anchor.range.start))
            .filter_map(|anchor| {
                Some(Spot {
                    finding: *owners.get(&anchor.person)?,
                    masked: mask::name(&self.scene.original(anchor.range.clone())),
                    range: self.scene.plain.original_range(anchor.range.clone()),
                })
            })
            .take(room)
            .collect()
    }
}
