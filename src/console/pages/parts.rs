//! What several pages write alike: times, schools, bars beside numbers.

use crate::console::acts::moment::Moment;
use crate::console::frame::Frame;
use crate::console::page::{machine_time, moment};
use crate::console::site::Site;

/// Width of the longest bar, in the units of a picture.
const LONGEST: u64 = 200;

/// A time for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// `28 November 2026, 16:05`.
    pub text: String,
    /// `2026-11-28T16:05:00Z`.
    pub machine: String,
}

impl When {
    /// This moment by the trust's clock.
    pub fn of(site: &Site, at: Moment) -> Self {
        Self {
            text: moment(site, at.0),
            machine: machine_time(at.0),
        }
    }

    /// The same, where there is one.
    pub fn maybe(site: &Site, at: Option<Moment>) -> Option<Self> {
        at.map(|at| Self::of(site, at))
    }
}

/// A moment as people say it: `today at 09:10`, `yesterday at 14:02`, or the day.
pub fn since(site: &Site, frame: &Frame, at: Moment) -> String {
    let local = |at| {
        let at = jiff::Timestamp::try_from(at).unwrap_or_default();
        site.time_zone().to_datetime(at)
    };
    let (then, now) = (local(at.0), local(site.now()));
    let time = then.strftime("%H:%M").to_string();
    let days = now.date().since(then.date()).map(|span| span.get_days());
    match days {
        Ok(0) => frame.words.with("when-today", "time", time),
        Ok(1) => frame.words.with("when-yesterday", "time", time),
        _ => moment(site, at.0),
    }
}

/// The name of a school; where there is none, that it is no known school.
pub fn school(site: &Site, frame: &Frame, id: Option<&str>) -> String {
    match id {
        None | Some("") => frame.words.say("school-unknown"),
        Some(id) => {
            let known = site.schools().get(id);
            known.map_or_else(|| id.to_owned(), |school| school.name.to_string())
        }
    }
}

/// A school to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub id: String,
    /// What it says.
    pub name: String,
    /// It is chosen now.
    pub chosen: bool,
}

/// The length of a bar for `number` where `most` is the longest.
pub fn bar(number: u64, most: u64) -> u64 {
    if most == 0 {
        return 0;
    }
    // What is there can be seen, however small its share.
    (number * LONGEST / most).max(u64::from(number > 0) * 2)
}

/// Where a job is, for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// `running`, `done` or `failed`.
    pub state: &'static str,
    /// Since or at.
    pub at: When,
}

impl JobLine {
    /// Where this job is.
    pub fn of<T>(site: &Site, job: &crate::console::acts::jobs::Job<T>) -> Self {
        use crate::console::acts::jobs::Job;
        let (state, at) = match job {
            Job::Running { since } => ("running", *since),
            Job::Done { at, .. } => ("done", *at),
            Job::Failed { at } => ("failed", *at),
        };
        Self {
            state,
            at: When::of(site, at.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_never_vanish() {
        assert_eq!(bar(10, 10), LONGEST);
        assert_eq!(bar(5, 10), LONGEST / 2);
        assert_eq!(bar(1, 100_000), 2);
        assert_eq!(bar(0, 10), 0);
        assert_eq!(bar(0, 0), 0);
    }
}
