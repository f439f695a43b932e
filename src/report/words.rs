//! Words that several reports share.
//!
//! # Known gaps
//! Reports are in English alone; the console's other words are kept for translation.

use super::counted::{Scope, Sources};
use super::model::Cell;
use crate::detect::Category;
use crate::policy::Severity;
use crate::store::FigureOutcome;

/// What a report covers.
pub(super) fn about(sources: Sources<'_>, scope: &Scope) -> Vec<(String, String)> {
    let mut about = made(sources);
    let day = |day: jiff::civil::Date| day.strftime("%-d %B %Y").to_string();
    let period = scope.period;
    let mut line = |label: &str, value: String| about.push((label.to_owned(), value));
    line(
        "Period",
        format!("{} to {}", day(period.from), day(period.to)),
    );
    if sources.midnight(period.from) < sources.kept_since {
        let since = sources.local(sources.kept_since).date();
        line(
            "Records",
            format!("kept since {}; nothing before that is counted", day(since)),
        );
    }
    if !scope.schools.is_empty() {
        let names = scope.schools.iter().map(|id| sources.school_name(id));
        line("Schools", names.collect::<Vec<_>>().join(", "));
    }
    if let Some(rule) = &scope.rule {
        line("Rule", sources.rule_title(rule));
    }
    if let Some(group) = &scope.group {
        line("Group of senders", sources.group_title(group));
    }
    about
}

/// By which policy, and when it was made.
pub(super) fn made(sources: Sources<'_>) -> Vec<(String, String)> {
    let now = sources.local_of(sources.now);
    vec![
        ("Policy".to_owned(), sources.policy.title.to_string()),
        ("Made".to_owned(), Cell::Moment(now).to_string()),
    ]
}

/// A category for people.
pub fn category_title(category: Category) -> &'static str {
    match category {
        Category::PupilName => "Pupils' full names",
        Category::PupilId => "Pupil numbers",
        Category::PersonalId => "National identifiers",
        Category::PersonalDetail => "Personal details",
        Category::Credential => "Passwords and keys",
        Category::Marking => "Protective markings",
        Category::Financial => "Financial data",
        Category::Medical => "Health and special categories",
        Category::Offensive => "Offensive language",
        Category::ChainLetter => "Chain letters",
        Category::Suspect => "Suspect content",
        Category::AutoForward => "Automatic forwarding",
        Category::Protected => "Encrypted content",
    }
}

/// A severity for people.
pub fn severity_title(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "Not recorded",
        Some(Severity::Low) => "Low",
        Some(Severity::Medium) => "Medium",
        Some(Severity::High) => "High",
        Some(Severity::Criminal) => "Criminal",
    }
}

/// An outcome for people.
pub fn outcome_title(outcome: FigureOutcome) -> &'static str {
    match outcome {
        FigureOutcome::TurnedAway => "Refused at once",
        FigureOutcome::Waiting => "Waiting for review",
        FigureOutcome::Released => "Released on review",
        FigureOutcome::Refused => "Refused on review",
        FigureOutcome::Expired => "Expired undecided",
    }
}
