//! When the trust works, as reminders count it: how long something has waited on working days, and when reminders go out.
//!
//! # Invariants
//! Pure; every time is the trust's own. A day of the weekend or of the holidays counts for nothing and nobody is reminded on it of what
//! is merely old. What is about to end undecided is said on every day, or a long holiday would end it in silence.
//!
//! # Known gaps
//! Hours of the night on working days count: 24 hours are a working day and the night after it. A night in which the clock is turned counts
//! as any other. Public holidays are known only as far as the configuration lists them.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Weekday};

/// Hours at which reminders go out on working days: as people come in, at noon, and while there is time to decide before they leave.
const WORKING: [i8; 3] = [8, 12, 16];
/// The hour at which they go out on other days, for what is about to end only.
const OTHER: [i8; 1] = [8];
/// Times of working days that are looked back to for the last reminder: five days on which the relay did not run.
const BACK: usize = 15;
/// Days that are looked back over in search of them: the summer holidays of English schools have 44.
const BACK_DAYS: usize = 60;
/// Days that are counted of something that waits: ten years.
const COUNTED_DAYS: usize = 3_660;
/// A working day, as it is counted.
const DAY: Duration = Duration::from_hours(24);

/// A time at which reminders go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// When it begins.
    pub at: DateTime,
    /// On a working day.
    pub working: bool,
}

/// The days on which nobody works beside weekends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    holidays: Vec<(Date, Date)>,
}

impl Calendar {
    /// Holidays as they are configured: a day (`2026-12-25`), or the first and the last of several (`2026-12-21/2027-01-01`). `Err` has
    /// the text that is neither.
    pub fn parse(holidays: &[String]) -> Result<Self, String> {
        let one = |text: &String| {
            let (first, last) = text.split_once('/').unwrap_or((text, text));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
                _ => Err(text.clone()),
            }
        };
        let holidays = holidays.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Self { holidays })
    }

    /// Whether people work on this day.
    pub fn is_working(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let free = |(first, last): &(Date, Date)| *first <= day && day <= *last;
        !weekend && !self.holidays.iter().any(free)
    }

    /// How long something has waited since then, working days only.
    pub fn waited(&self, since: DateTime, now: DateTime) -> Duration {
        let mut waited = Duration::ZERO;
        let mut day = since.date();
        for _ in 0..COUNTED_DAYS {
            if day > now.date() {
                break;
            }
            if self.is_working(day) {
                let from = if day == since.date() {
                    of_day(since)
                } else {
                    Duration::ZERO
                };
                let to = if day == now.date() { of_day(now) } else { DAY };
                waited += to.saturating_sub(from);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        waited
    }

    /// The last time for reminders up to now on this day, if there was one.
    pub fn slot(&self, now: DateTime) -> Option<Slot> {
        self.of_date(now.date())
            .into_iter()
            .rfind(|slot| slot.at <= now)
    }

    /// The times before this one, the last first: as many as reach over the last `BACK` of working days.
    pub fn before(&self, slot: Slot) -> Vec<Slot> {
        let mut list: Vec<Slot> = Vec::new();
        let mut working = 0;
        let mut day = slot.at.date();
        for _ in 0..BACK_DAYS {
            let earlier = self.of_date(day).into_iter().rev();
            for earlier in earlier.filter(|earlier| *earlier < slot) {
                list.push(earlier);
                working += usize::from(earlier.working);
                if working == BACK {
                    return list;
                }
            }
            let Ok(before) = day.yesterday() else { break };
            day = before;
        }
        list
    }

    fn of_date(&self, day: Date) -> Vec<Slot> {
        let working = self.is_working(day);
        let hours = if working { &WORKING[..] } else { &OTHER };
        let hours = hours.iter();
        hours
            .map(|hour| Slot {
                at: day.at(*hour, 0, 0, 0),
                working,
            })
            .collect()
    }
}

/// The time of day as a span since midnight.
fn of_day(at: DateTime) -> Duration {
    let seconds =
        i64::from(at.hour()) * 3_600 + i64::from(at.minute()) * 60 + i64::from(at.second());
    Duration::from_secs(seconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn holidays(list: &[&str]) -> Calendar {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        Calendar::parse(&list).unwrap()
    }

    /// Friday 27 November 2026 and the days after it.
    fn at(day: i8, hour: i8) -> DateTime {
        let month_end = day > 30;
        let (month, day) = if month_end { (12, day - 30) } else { (11, day) };
        date(2026, month, day).at(hour, 0, 0, 0)
    }

    #[test]
    fn weekends_and_holidays_do_not_count() {
        let calendar = holidays(&["2026-12-01", "2026-12-21/2027-01-01"]);
        let waited = |from, to| calendar.waited(from, to).as_secs() / 3_600;
        assert_eq!(waited(at(27, 16), at(27, 18)), 2);
        assert_eq!(waited(at(27, 16), at(30, 16)), 24, "over a weekend");
        assert_eq!(waited(at(28, 10), at(30, 1)), 1, "held on a Saturday");
        assert_eq!(waited(at(30, 12), at(32, 12)), 24, "over a holiday");
        assert_eq!(waited(at(30, 12), at(27, 12)), 0, "a clock turned back");
        assert!(!calendar.is_working(date(2027, 1, 1)) && calendar.is_working(date(2027, 1, 4)));
    }

    #[test]
    fn reminders_go_out_at_fixed_hours_and_on_other_days_once() {
        let calendar = Calendar::default();
        let hour = |now| {
            calendar
                .slot(now)
                .map(|slot| (slot.at.hour(), slot.working))
        };
        assert_eq!(hour(at(27, 7)), None);
        assert_eq!(hour(at(27, 8)), Some((8, true)));
        assert_eq!(hour(at(27, 15)), Some((12, true)));
        assert_eq!(hour(at(27, 23)), Some((16, true)));
        assert_eq!(hour(at(28, 23)), Some((8, false)));
        let before = calendar.before(calendar.slot(at(30, 8)).unwrap());
        let times: Vec<_> = before[..3].iter().map(|slot| slot.at).collect();
        assert_eq!(times, [at(29, 8), at(28, 8), at(27, 16)]);
        assert_eq!(before.iter().filter(|slot| slot.working).count(), BACK);
    }

    #[test]
    fn looking_back_is_bounded() {
        let always = holidays(&["0001-01-01/9999-12-31"]);
        let slot = always.slot(at(27, 9)).unwrap();
        assert_eq!(always.before(slot).len(), BACK_DAYS - 1);
        let long = always.waited(date(1, 1, 1).at(0, 0, 0, 0), at(27, 9));
        assert_eq!(long, Duration::ZERO);
        let none = Calendar::default();
        let waited = none.waited(date(1, 1, 1).at(0, 0, 0, 0), at(27, 9));
        assert!(waited <= DAY * 3_660 && waited > HOUR);
        assert!(
            none.before(Slot {
                at: Date::MIN.at(8, 0, 0, 0),
                working: true
            })
            .is_empty()
        );
    }

    #[test]
    fn what_is_no_day_is_named() {
        for text in [
            "Christmas",
            "2026-12-25/",
            "2027-01-01/2026-12-21",
            "2026-13-01",
        ] {
            let parsed = Calendar::parse(&[text.to_owned()]);
            assert_eq!(parsed, Err(text.to_owned()));
        }
    }
}
