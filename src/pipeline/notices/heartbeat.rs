//! Whether rounds of notices go on: when the last one ended well, and the alarm when none has for an hour.
//!
//! # Invariants
//! Reads no clock. Of a row of failed rounds the first is said at once, and an alarm is raised once an hour while it lasts.

use std::time::{Duration, SystemTime};

/// Rounds that fail for so long are an alarm: a hold may have to be decided within the day.
const ALARM_AFTER: Duration = Duration::from_hours(1);

/// What a round that failed is to be said with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Rounds failed before, and that was said.
    Nothing,
    /// It is the first that failed.
    First,
    /// Rounds have failed for so long.
    Alarm(Duration),
}

/// The rounds so far.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    /// When the first of a row of rounds failed.
    failing_since: Option<SystemTime>,
    /// When that was last said or alarmed.
    said_at: Option<SystemTime>,
}

impl Heartbeat {
    /// A round ended well.
    pub(super) fn good(&mut self, now: SystemTime) {
        *self = Self::default();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH);
        metrics::gauge!("beadle_notices_last_round_seconds")
            .set(seconds.unwrap_or_default().as_secs_f64());
    }

    /// A round failed.
    pub(super) fn bad(&mut self, now: SystemTime) -> Said {
        let (Some(since), Some(said)) = (self.failing_since, self.said_at) else {
            self.failing_since = Some(now);
            self.said_at = Some(now);
            return Said::First;
        };
        if now.duration_since(said).unwrap_or_default() < ALARM_AFTER {
            return Said::Nothing;
        }
        self.said_at = Some(now);
        Said::Alarm(now.duration_since(since).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_failures_is_an_alarm_and_each_further_hour() {
        let at = |minutes| SystemTime::UNIX_EPOCH + Duration::from_mins(minutes);
        let mut beat = Heartbeat::default();
        beat.good(at(0));
        let said: Vec<Said> = [1, 2, 60, 61, 62, 121]
            .map(|minute| beat.bad(at(minute)))
            .to_vec();
        let hours = |hours| Said::Alarm(Duration::from_hours(hours));
        let quiet = Said::Nothing;
        assert_eq!(said, [Said::First, quiet, quiet, hours(1), quiet, hours(2)]);
        beat.good(at(122));
        assert_eq!(beat.bad(at(200)), Said::First);
        assert_eq!(beat.bad(at(10)), quiet, "a clock turned back");
    }
}
