//! A scan that also says where in the text each finding stands.
//!
//! # Invariants
//! The findings are those of [`Engine::scan`], in the same order. Marks lie on character boundaries of their unit's text and may overlap.
//!
//! # Known gaps
//! A forename alone is marked only in the units that name its bearer in full.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::detect::engine::{Engine, Same, ScanContext};
use crate::detect::finding::Findings;
use crate::extract::Content;
use crate::limits::Budget;

/// One place of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where it stands, in byte offsets of its unit's text.
    pub range: Range<usize>,
    /// Which finding: its index in [`Findings::list`].
    pub finding: usize,
    /// What stands there, masked.
    pub masked: String,
}

impl Engine {
    /// Looks at everything a message says, and where in each unit it says it. The marks are by unit, in no order.
    pub fn scan_marked(
        &self,
        content: &Content,
        context: &ScanContext,
        budget: &Budget,
    ) -> (Findings, Vec<Vec<Mark>>) {
        let mut by_unit: BTreeMap<usize, Findings> = BTreeMap::new();
        let mut spots = Vec::new();
        let mut room = budget.limits.findings;
        self.each_unit(content, context, budget, |number, judge, complete| {
            let (mut found, places) = judge.finish_marked(room);
            room -= found.list.len();
            found.unfinished |= !complete;
            let same: Vec<Same> = found.list.iter().map(Same::of).collect();
            spots.extend(
                places
                    .into_iter()
                    .map(|spot| (number, same[spot.finding].clone(), spot)),
            );
            by_unit.insert(number, found);
        });
        let findings = self.join(by_unit, context);
        let numbers: HashMap<Same, usize> = findings
            .list
            .iter()
            .enumerate()
            .map(|(number, finding)| (Same::of(finding), number))
            .collect();
        let mut marks = vec![Vec::new(); content.units.len()];
        for (unit, same, spot) in spots {
            // Phrases that were weighed and found too light are no findings any more.
            if let Some(finding) = numbers.get(&same) {
                marks[unit].push(Mark {
                    range: spot.range,
                    finding: *finding,
                    masked: spot.masked,
                });
            }
        }
        (findings, marks)
    }
}
