//! What reviewers judge of holds, looking back: whether the rules were right.
//!
//! # Invariants
//! A judgement and its entry in the ledger are one transaction; the last word counts, and the ledger has them all.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Custody;
use super::clock::micros;
use super::error::StoreError;
use super::ledger::action;
use super::rows::NewEntry;
use crate::mail::QueueId;

/// What a reviewer says of a hold, looking back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It was right to hold it.
    Right,
    /// It should not have been held: a false positive.
    Wrong,
    /// Some of what was found was right, some was not.
    Partly,
}

impl Judgement {
    /// Every judgement.
    pub const ALL: [Self; 3] = [Self::Right, Self::Wrong, Self::Partly];

    /// The name used in the database, the ledger and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Partly => "partly",
        }
    }

    /// The judgement of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|judgement| judgement.name() == name)
    }
}

/// The detail of the entry that a judgement makes.
pub(crate) fn judged_detail(before: Option<&str>, judgement: &str) -> String {
    json!({ "before": before, "judgement": judgement }).to_string()
}

impl Custody {
    /// Notes what a reviewer judges of a hold, also when its content is gone; the last word counts, and the ledger has them all. It changes
    /// nothing of the hold's course, so it takes and makes no version.
    pub async fn judge_hold(
        &self,
        id: QueueId,
        judgement: Judgement,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), StoreError> {
        let subject = id.to_string();
        let entry = NewEntry {
            at: micros(at),
            actor,
            action: action::JUDGED,
            subject: &subject,
            detail: "",
        };
        self.database.judge(judgement.name(), entry).await
    }
}
