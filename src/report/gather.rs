//! Reading from the store what a report is made of: the one way for console, command line and schedule.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::counted::{Scope, Sources};
use super::model::Report;
use super::retention::{Kept, LINES};
use super::senders::Shown;
use super::summary::ForwardingFigure;
use crate::mail::QueueId;
use crate::policy::{Policy, Senders};
use crate::store::{Custody, HoldState, StoreError};

/// Pairs of the register of forwarding that are counted; it keeps 2,048 in memory and those of 400 days on disk.
const FORWARDINGS: u32 = 20_000;

/// The reports that there are.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// What was stopped, why, where, how it was decided.
    #[default]
    Summary,
    /// What would have left.
    NearMisses,
    /// Patterns of senders, and training needs.
    Senders,
    /// The work-sheet of one breach.
    Breach,
    /// What ended and what is kept.
    Retention,
}

impl ReportKind {
    /// Every report.
    pub const ALL: [Self; 5] = [
        Self::Summary,
        Self::NearMisses,
        Self::Senders,
        Self::Breach,
        Self::Retention,
    ];

    /// The name used in settings, addresses and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::NearMisses => "near-misses",
            Self::Senders => "senders",
            Self::Breach => "breach",
            Self::Retention => "retention",
        }
    }

    /// The report of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whose reports they are.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The trust's schools and groups of senders.
    pub senders: &'a Senders,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Where the trust is.
    pub zone: &'a TimeZone,
    /// Now.
    pub now: SystemTime,
}

/// Which report is wanted, by somebody whose right to it was settled before.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The summary.
    Summary,
    /// The register of near misses.
    NearMisses,
    /// Senders by group, and by pseudonym.
    Senders,
    /// Senders by group alone.
    Groups,
    /// Senders by group, and by address where one is known for a token of `Custody::sender_token`.
    Addresses(&'a HashMap<i64, String>),
    /// The work-sheet of a breach; the scope says nothing about it.
    Breach(QueueId),
    /// Retention. `follow`: follow the whole chain of the ledger too, which takes seconds for a million entries.
    Retention {
        /// Follow the chain.
        follow: bool,
    },
}

/// Reads what is needed and makes the report.
pub async fn gather(
    store: &Custody,
    setting: Setting<'_>,
    scope: &Scope,
    wanted: Wanted<'_>,
) -> Result<Report, StoreError> {
    let figures = store.figures(setting.now).await?;
    let sources = Sources {
        figures: &figures,
        senders: setting.senders,
        policy: setting.policy,
        zone: setting.zone,
        now: setting.now,
        kept_since: store.figures_since(setting.now),
    };
    Ok(match wanted {
        Wanted::Summary => {
            // The register knows mailboxes of the whole trust: a part of it sees no part of the register.
            let whole = scope.schools.is_empty() && scope.rule.is_none() && scope.group.is_none();
            let forwarding = if whole {
                Some(forwarding(store).await?)
            } else {
                None
            };
            super::summary(sources, scope, forwarding.as_deref())
        }
        Wanted::NearMisses => super::near_misses(sources, scope),
        Wanted::Senders => super::senders(sources, scope, Shown::Pseudonyms),
        Wanted::Groups => super::senders(sources, scope, Shown::Groups),
        Wanted::Addresses(names) => super::senders(sources, scope, Shown::Addresses(names)),
        Wanted::Breach(id) => super::breach(sources, &store.incident(id).await?),
        Wanted::Retention { follow } => retained(store, sources, scope, follow).await?,
    })
}

async fn forwarding(store: &Custody) -> Result<Vec<ForwardingFigure>, StoreError> {
    let times = store.forwarding_times(FORWARDINGS).await?.into_iter();
    Ok(times
        .map(|(first_seen, last_seen, messages)| ForwardingFigure {
            first_seen,
            last_seen,
            messages,
        })
        .collect())
}

async fn retained(
    store: &Custody,
    sources: Sources<'_>,
    scope: &Scope,
    follow: bool,
) -> Result<Report, StoreError> {
    let at = |micros: i64| UNIX_EPOCH + Duration::from_micros(micros.max(0).unsigned_abs());
    let after = scope.period.to.tomorrow().unwrap_or(scope.period.to);
    let (from, to) = (sources.midnight(scope.period.from), sources.midnight(after));
    let ended = store.ended_content(at(from), at(to), LINES).await?;
    let holds: Vec<(HoldState, u64, i64)> = store.hold_states().await?;
    let ledger_holds = if follow {
        Some(store.verify_ledger(None).await?.first_bad.is_none())
    } else {
        None
    };
    let kept = Kept {
        retention: &store.retention(),
        ended: &ended,
        holds: &holds,
        signed: store.signed_up_to().await?,
        ledger_holds,
    };
    Ok(super::retention(sources, scope, kept))
}
