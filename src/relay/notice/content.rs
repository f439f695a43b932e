//! What a notice may say: the variables of its templates.
//!
//! # Invariants
//! No field is for matched text, a subject, a file name, a name or an address of anybody but the trust's own desk. Texts come from
//! the trust's policy and settings, from counts, and from classes; a reviewer's reason is the reviewer's own.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// The variables of every template. `patterns/notices/README.md` lists them for whoever edits the templates.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Content {
    /// What became of the message: `held`, `refused` or `delivered`.
    pub outcome: &'static str,
    /// The reference to ask about; empty in a digest.
    pub reference: String,
    /// When the message arrived, by the trust's clock.
    pub arrived: String,
    /// The rules that this reader is told of, strictest first; `rule` is the first of them.
    pub rule: Option<RuleText>,
    /// All of them.
    pub rules: Vec<RuleText>,
    /// What was found, counted, and where: `2 pupils' full names in the body`.
    pub found: Vec<String>,
    /// Recipients by class: `1 outside`.
    pub recipients: Vec<String>,
    /// Of a message that is held for some of its recipients only: how many others have it.
    pub passed: u32,
    /// Who looks at what is held, in words.
    pub reviewers: String,
    /// What a reviewer wrote for the sender.
    pub reason: Option<String>,
    /// No further notices to this sender within the hour.
    pub last: bool,
    /// Minutes in which it should be decided.
    pub minutes: Option<u32>,
    /// Minutes it has waited undecided, when others were told before.
    pub waited: Option<u32>,
    /// Facts of an automatic forward.
    pub forward: Option<ForwardText>,
    /// For a digest: what happened since the last one, a line for each rule.
    pub counts: Vec<CountText>,
    /// For a digest: what happened at each school since the last one, and what waits from it.
    pub schools: Vec<SchoolText>,
    /// For a digest: what was decided since the last one.
    pub decided: Option<DecidedText>,
    /// For a digest or a reminder: how many holds end undecided within so many days.
    pub ending: Option<EndingText>,
    /// For a reminder: how many wait longer than how long, each hold counted once.
    pub ages: Vec<AgeText>,
    /// What a second person answered: `approved`, `declined` or nothing.
    pub answer: Option<&'static str>,
    /// For a digest or a reminder: what waits, the oldest first.
    pub open: Vec<OpenText>,
    /// How many more wait than `open` lists.
    pub more_open: u32,
    /// The page of the console that this is about; it asks who is there.
    pub link: Option<String>,
    /// For an automatic forward: the console's register of mailboxes that forward.
    pub register: Option<String>,
    /// The trust's own words and ways.
    pub trust: TrustText,
}

/// A rule as readers see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleText {
    /// Its id.
    pub id: String,
    /// Its title: `it holds a pupil's full name`.
    pub title: String,
    /// Where the trust's policy says so.
    pub clause: Option<String>,
    /// `low`, `medium`, `high`, `criminal`.
    pub severity: String,
    /// The smallest change that would let the message pass.
    pub remedy: Option<String>,
}

/// What is known of an automatic forward without naming anybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ForwardText {
    /// It is not certain, only likely.
    pub suspected: bool,
    /// The marks with the system that leaves each: `F4 (Exchange mailbox forwarding)`.
    pub marks: Vec<String>,
    /// The mail server that handed it over.
    pub server: String,
    /// Whether the mailbox that forwards is named in the message.
    pub owner_known: bool,
}

/// A line of a digest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CountText {
    /// The rule's id.
    pub rule: String,
    /// Its title; the id for a rule that is gone.
    pub title: String,
    /// Messages held.
    pub held: u64,
    /// Messages refused.
    pub refused: u64,
    /// Messages delivered with a warning.
    pub delivered: u64,
}

/// A hold that waits.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OpenText {
    /// Its reference.
    pub reference: String,
    /// Title of the rule that holds it.
    pub title: String,
    /// How long it has waited: `3 hours`.
    pub age: String,
    /// Days until it ends undecided; nothing while it must be kept.
    pub days_left: Option<u64>,
    /// Its page of the console.
    pub link: Option<String>,
}

/// What a school's mail came to since the last digest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SchoolText {
    /// The school's name; its id for one that is gone.
    pub name: String,
    /// Messages held.
    pub held: u64,
    /// Messages refused by the relay.
    pub refused: u64,
    /// Holds that were decided.
    pub decided: u64,
    /// Holds that wait now.
    pub waiting: u64,
}

/// What reviewers decided, and what they did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct DecidedText {
    /// Holds released.
    pub released: u64,
    /// Holds refused.
    pub refused: u64,
    /// Holds that ended undecided; nothing where only a part of the trust is counted.
    pub expired: Option<u64>,
}

/// What is about to end undecided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct EndingText {
    /// How many holds.
    pub number: u64,
    /// Within so many days.
    pub days: u64,
}

/// Holds that have waited about equally long.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AgeText {
    /// Hours they have waited at least, on working days.
    pub hours: u64,
    /// How many.
    pub number: u64,
    /// Days until the first of them ends undecided; nothing while all must be kept.
    pub days_left: Option<u64>,
}

/// What the trust has set for its notices.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TrustText {
    /// The name notices come from.
    pub name: String,
    /// The address that answers.
    pub address: String,
    /// A page with help.
    pub help: Option<String>,
    /// The telephone for what cannot wait.
    pub phone: Option<String>,
    /// The statement that mail is monitored, and on what ground.
    pub monitoring: Option<String>,
    /// The way to send personal data safely, by the name that staff know.
    pub secure_route: Option<String>,
    /// Where files can be shared by link, by the name that staff know.
    pub cloud: Option<String>,
}

/// A role's id in words; one that is not known stands for itself.
pub fn role(id: &str) -> String {
    let known = match id {
        "dpo" => "the data protection officer",
        "head" => "the headteacher",
        "it" => "IT support",
        "dsl" => "the designated safeguarding lead",
        "coo" => "the chief operating officer",
        "sbm" => "the school business manager",
        "hr" => "human resources",
        _ => return format!("the {}", id.replace(['-', '_'], " ")),
    };
    known.to_owned()
}

/// Things in a row: `a, b and c`, with the last word given.
pub fn listed(items: &[String], last: &str) -> String {
    match items.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// A time for readers, by the clock of this zone: `27 November 2026, 15:04`.
pub fn moment(at: SystemTime, zone: &TimeZone) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let at = at.to_zoned_datetime(zone.clone());
    at.strftime("%-d %B %Y, %H:%M").to_string()
}

/// How long ago something was, in the largest unit that fits: `2 days`, `1 hour`, `5 minutes`.
pub fn age(since: SystemTime, now: SystemTime) -> String {
    const HOUR: Duration = Duration::from_hours(1);
    let waited = now.duration_since(since).unwrap_or_default();
    let (number, unit) = if waited >= HOUR * 48 {
        (waited.as_secs() / 86_400, "day")
    } else if waited >= HOUR {
        (waited.as_secs() / 3_600, "hour")
    } else {
        (waited.as_secs() / 60, "minute")
    };
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_as_english() {
        let roles = [role("dpo"), role("it"), role("chair-of-governors")];
        assert_eq!(
            listed(&roles, "or"),
            "the data protection officer, IT support or the chair of governors"
        );
    }

    #[test]
    fn times_are_the_trusts_own() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(495_250);
        let london = TimeZone::get("Europe/London").unwrap();
        assert_eq!(moment(at, &london), "1 July 2026, 11:00");
        assert_eq!(moment(at, &TimeZone::UTC), "1 July 2026, 10:00");
    }

    #[test]
    fn ages_grow_coarser() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        let ago = |minutes| age(now - Duration::from_mins(minutes), now);
        assert_eq!(
            [ago(0), ago(1), ago(60), ago(47 * 60), ago(48 * 60)],
            ["0 minutes", "1 minute", "1 hour", "47 hours", "2 days"]
        );
        assert_eq!(age(now, now - Duration::from_hours(1)), "0 minutes");
    }
}
