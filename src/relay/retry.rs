//! When a delivery that failed is tried again, when its sender hears of the delay, and when it is given up.
//!
//! # Standards
//! RFC 5321 4.5.4.1 asks for retries of at least 30 minutes apart over 4 to 5 days. Beadle is quicker at both ends: its next hop
//! is one known server, and released mail is late already.

use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Waits after the first attempts.
    pub first: Vec<Duration>,
    /// The wait after every later one.
    pub then: Duration,
    /// The sender is told of the delay when it is this old.
    pub delay_notice: Duration,
    /// It is given up when it is this old; the last attempt is made then.
    pub give_up: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            first: [1, 2, 5, 10, 15, 30]
                .map(|minutes| MINUTE * minutes)
                .to_vec(),
            then: HOUR,
            delay_notice: HOUR * 4,
            give_up: HOUR * 48,
        }
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Try again then.
    Retry(SystemTime),
    /// Time is over.
    GiveUp,
}

impl Schedule {
    /// What follows attempt number `attempts` (counted from 1) of a delivery that became ours at `created`.
    pub fn after(&self, created: SystemTime, now: SystemTime, attempts: u32) -> After {
        let end = created + self.give_up;
        if now >= end {
            return After::GiveUp;
        }
        let index = attempts.saturating_sub(1) as usize;
        let wait = self.first.get(index).copied().unwrap_or(self.then);
        After::Retry((now + wait).min(end))
    }

    /// Whether the sender is to hear of the delay by now.
    pub fn is_delayed(&self, created: SystemTime, now: SystemTime) -> bool {
        now >= created + self.delay_notice
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn minutes_first_then_hours_then_the_end() {
        let schedule = Schedule::default();
        let (mut now, mut attempts, mut waits) = (UNIX_EPOCH, 1, Vec::new());
        while let After::Retry(at) = schedule.after(UNIX_EPOCH, now, attempts) {
            waits.push(at.duration_since(now).unwrap().as_secs() / 60);
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!(waits[..8], [1, 2, 5, 10, 15, 30, 60, 60]);
        assert_eq!(now, UNIX_EPOCH + HOUR * 48);
        // 63 minutes in the first six waits, 46 whole hours, 57 minutes to the end.
        assert_eq!(waits.len(), 6 + 46 + 1);
        assert_eq!(waits.last(), Some(&57));
    }

    #[test]
    fn a_clock_turned_back_only_waits_longer() {
        let schedule = Schedule::default();
        let created = UNIX_EPOCH + HOUR;
        assert_eq!(
            schedule.after(created, UNIX_EPOCH, 1),
            After::Retry(UNIX_EPOCH + MINUTE)
        );
        assert!(!schedule.is_delayed(created, UNIX_EPOCH));
        assert!(schedule.is_delayed(created, created + HOUR * 4));
    }
}
