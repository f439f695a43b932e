//! On which hours of which of the last 32 days something happened, in 100 bytes.
//!
//! # Invariants
//! Days only move forward: what is reported for a day before the last 32 is dropped, so a clock that is set back adds nothing.

/// Days that are remembered: one bit each.
const DAYS: i32 = 32;

/// Hours of the last 32 days.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Hours {
    /// The newest day, counted from 1970.
    newest: i32,
    /// For each hour of the day: bit `n` says that it happened `n` days before the newest.
    days: [u32; 24],
}

impl Hours {
    /// Notes an hour (0 to 23) of a day.
    pub(super) fn note(&mut self, day: i32, hour: u8) {
        let ahead = i64::from(day) - i64::from(self.newest);
        if ahead > 0 {
            for days in &mut self.days {
                *days =
                    u32::try_from(ahead).map_or(0, |ahead| days.checked_shl(ahead).unwrap_or(0));
            }
            self.newest = day;
        }
        let back = u32::try_from(-ahead.min(0)).unwrap_or(u32::MAX);
        if let Some(days) = self.days.get_mut(usize::from(hour)) {
            *days |= 1u32.checked_shl(back).unwrap_or(0);
        }
    }

    /// How much of this happened in the `window` days up to `today`, in hours for which `counts` holds.
    pub(super) fn tally(&self, today: i32, window: u32, counts: impl Fn(u8) -> bool) -> Tally {
        let mask = self.mask(today, window);
        let mut tally = Tally::default();
        let mut days = 0u32;
        for (hour, seen) in (0u8..).zip(&self.days) {
            let seen = seen & mask;
            if seen != 0 && counts(hour) {
                tally.hours += 1;
                tally.occasions += seen.count_ones();
                days |= seen;
            }
        }
        tally.days = days.count_ones();
        tally
    }

    /// The bits of the days that lie within `window` days up to `today`.
    fn mask(&self, today: i32, window: u32) -> u32 {
        let aged = (i64::from(today) - i64::from(self.newest)).clamp(0, i64::from(DAYS));
        let left = window
            .min(32)
            .saturating_sub(u32::try_from(aged).unwrap_or(32));
        1u32.checked_shl(left).map_or(u32::MAX, |bit| bit - 1)
    }

    /// Adds what the other calendar knows.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let (newer, older) = if self.newest >= other.newest {
            (self, other)
        } else {
            (other, self)
        };
        let aged = u32::try_from(i64::from(newer.newest) - i64::from(older.newest)).unwrap_or(32);
        let mut joined = newer.clone();
        for (days, more) in joined.days.iter_mut().zip(&older.days) {
            *days |= more.checked_shl(aged).unwrap_or(0);
        }
        joined
    }
}

/// What a calendar says of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Different hours of the day.
    pub(super) hours: u32,
    /// Different days.
    pub(super) days: u32,
    /// Hours of days, each once.
    pub(super) occasions: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_pass_and_are_forgotten() {
        let mut hours = Hours::default();
        hours.note(20_000, 3);
        hours.note(20_000, 3);
        hours.note(20_001, 3);
        hours.note(20_001, 9);
        let all = |today, window| hours.tally(today, window, |_| true);
        assert_eq!(
            all(20_001, 28),
            Tally {
                hours: 2,
                days: 2,
                occasions: 3
            }
        );
        assert_eq!(all(20_001, 1).occasions, 2, "today alone");
        assert_eq!(all(20_028, 28).occasions, 2, "the first day is over");
        assert_eq!(all(20_029, 28), Tally::default());
        assert_eq!(all(i32::MAX, 32), Tally::default());
        assert_eq!(hours.tally(20_001, 28, |hour| hour < 6).occasions, 2);
    }

    #[test]
    fn a_clock_set_back_or_far_ahead_is_survived() {
        let mut hours = Hours::default();
        hours.note(20_000, 3);
        hours.note(19_990, 4);
        hours.note(10, 5);
        hours.note(i32::MIN, 5);
        hours.note(20_000, 200);
        assert_eq!(hours.tally(20_000, 32, |_| true).occasions, 2);
        hours.note(i32::MAX, 6);
        assert_eq!(hours.tally(i32::MAX, 32, |_| true).occasions, 1);
    }

    #[test]
    fn two_calendars_are_one() {
        let (mut a, mut b) = (Hours::default(), Hours::default());
        a.note(20_000, 3);
        b.note(20_005, 4);
        for joined in [a.joined(&b), b.joined(&a)] {
            assert_eq!(joined.tally(20_005, 28, |_| true).days, 2);
            assert_eq!(joined.tally(20_005, 5, |_| true).days, 1);
        }
        assert_eq!(Hours::default().joined(&b), b);
    }
}
