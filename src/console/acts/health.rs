//! Whether all is well, and the few numbers that tell an operator how things stand.

use std::time::{Duration, SystemTime};

use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// A delivery that waits longer has met more than a busy next hop: the delay notice goes out then.
const QUEUE_LATE: Duration = Duration::from_hours(4);
/// A hold that waits longer than a long weekend has been forgotten.
const HOLD_LATE: Duration = Duration::from_hours(4 * 24);

/// One thing that must be well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CheckLine {
    /// What it is.
    pub name: &'static str,
    /// Whether it is well.
    pub good: bool,
    /// What was seen.
    pub detail: String,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Health {
    /// What is not well first.
    pub checks: Vec<CheckLine>,
    /// Messages that wait for a reviewer.
    pub held: u64,
    /// Since when the oldest does.
    pub oldest_held: Option<Moment>,
    /// Deliveries that wait.
    pub queued: u64,
    /// Since when the oldest does.
    pub oldest_queued: Option<Moment>,
    /// Deliveries that ended without reaching everybody.
    pub dead: u64,
    /// Bytes free where the store is.
    pub free_bytes: Option<u64>,
    /// Pupils looked for.
    pub pupils: usize,
    /// Entries of the ledger.
    pub entries: i64,
    /// The program's version.
    pub version: &'static str,
}

/// How things stand now.
pub async fn look(site: &Site, caller: &Caller) -> Result<Health, Refusal> {
    needs(caller, Permission::SeeHealth)?;
    let (store, now) = (site.store(), site.now());
    let mut checks: Vec<CheckLine> = site
        .premises()
        .health()
        .await
        .into_iter()
        .map(|check| CheckLine {
            name: check.name,
            good: check.good,
            detail: check.detail,
        })
        .collect();
    // A store that does not answer is a check that says so, and the page still comes.
    let counts = store.counts().await.unwrap_or_default();
    let entries = store.ledger_end().await.unwrap_or_default();
    checks.push(waits("queue-age", counts.oldest_queued, QUEUE_LATE, now));
    checks.push(waits("hold-age", counts.oldest_held, HOLD_LATE, now));
    checks.push(CheckLine {
        name: "dead-letters",
        good: counts.dead == 0,
        detail: counts.dead.to_string(),
    });
    // Stable: what belongs together stays together.
    checks.sort_by_key(|check| check.good);
    Ok(Health {
        checks,
        held: counts.held,
        oldest_held: counts.oldest_held.map(Moment),
        queued: counts.queued,
        oldest_queued: counts.oldest_queued.map(Moment),
        dead: counts.dead,
        free_bytes: store.free_bytes().ok(),
        pupils: site.pipeline().tools().engine.person_count(),
        entries,
        version: env!("CARGO_PKG_VERSION"),
    })
}

fn waits(
    name: &'static str,
    since: Option<SystemTime>,
    late: Duration,
    now: SystemTime,
) -> CheckLine {
    let age = since.map(|since| now.duration_since(since).unwrap_or_default());
    CheckLine {
        name,
        good: age.is_none_or(|age| age < late),
        detail: age.map_or_else(String::new, span),
    }
}

/// A span in words: days, hours or minutes.
pub fn span(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let (number, unit) = match minutes {
        0..=119 => (minutes, "minute"),
        120..=2_879 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{many}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let of = |minutes| span(Duration::from_mins(minutes));
        assert_eq!(of(1), "1 minute");
        assert_eq!(of(119), "119 minutes");
        assert_eq!(of(120), "2 hours");
        assert_eq!(of(3 * 1_440), "3 days");
    }
}
