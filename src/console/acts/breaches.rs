//! The register of personal data breaches: work-sheets with the 72-hour clock.
//!
//! # Standards
//! UK GDPR Art. 33 and 34; the questions are those of `report::breach`.

use std::time::SystemTime;

use serde::Serialize;
use utoipa::ToSchema;

use super::needs;
use crate::console::access::Permission;
use crate::console::page::machine_time;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::QueueId;
use crate::store::{
    Incident, IncidentAnswers, IncidentDraft, IncidentError, Referenced, StoreError,
};

/// Work-sheets listed: a trust with more has other worries.
const LISTED: u32 = 1_000;

/// Messages that a form may name.
const HOLDS: usize = 200;

/// A line of the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BreachLine {
    /// Its id.
    pub id: String,
    /// What people call it by.
    pub reference: String,
    /// A short name; empty until one is given.
    pub title: String,
    /// The id of the school, where it is one school's.
    pub school: Option<String>,
    /// When the trust became aware.
    pub aware_at: String,
    /// Until when the commissioner is to be told.
    pub due_at: String,
    /// Seconds left of the 72 hours; negative when they are over.
    pub left_seconds: i64,
    /// When it was closed.
    pub closed_at: Option<String>,
    /// Questions that are answered.
    pub answered: usize,
}

/// A work-sheet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Breach {
    /// As in the register.
    pub line: BreachLine,
    /// The version that a change must name.
    pub version: i64,
    /// The messages that it is about: their ids.
    pub holds: Vec<String>,
    /// The answers, by the name of their question.
    pub answers: Vec<Answer>,
}

/// An answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    /// The question's name: one of [`QUESTIONS`].
    pub name: String,
    /// What was answered; empty when nothing was.
    pub text: String,
}

/// The names of the questions, in the order they are asked.
pub const QUESTIONS: [&str; 11] = [
    "title",
    "nature",
    "people",
    "records",
    "contact",
    "consequences",
    "measures",
    "risk",
    "commissioner",
    "delay",
    "people_told",
];

/// What a work-sheet is to be.
#[derive(Debug, Clone, Default)]
pub struct BreachInput {
    /// When the trust became aware; as it was, or now, when not given.
    pub aware_at: Option<SystemTime>,
    /// The id of the school.
    pub school: Option<String>,
    /// Ids or references of holds and refusals.
    pub holds: Vec<String>,
    /// The answers, by the name of their question.
    pub answers: Vec<(String, String)>,
}

/// The register: open ones first, then the latest.
pub async fn list(site: &Site, caller: &Caller) -> Result<Vec<BreachLine>, Refusal> {
    needs(caller, Permission::SeeBreaches)?;
    let now = site.now();
    let incidents = site.store().incidents(LISTED).await?;
    Ok(incidents.iter().map(|one| line(one, now)).collect())
}

/// One work-sheet.
pub async fn open(site: &Site, caller: &Caller, id: &str) -> Result<Breach, Refusal> {
    let incident = incident(site, caller, id).await?;
    let answers = QUESTIONS.iter().map(|name| Answer {
        name: (*name).to_owned(),
        text: answer(&incident.answers, name).cloned().unwrap_or_default(),
    });
    Ok(Breach {
        line: line(&incident, site.now()),
        version: incident.version,
        holds: incident.holds.iter().map(ToString::to_string).collect(),
        answers: answers.collect(),
    })
}

/// One work-sheet as the store has it, for a report.
pub async fn incident(site: &Site, caller: &Caller, id: &str) -> Result<Incident, Refusal> {
    needs(caller, Permission::SeeBreaches)?;
    let id = site.store().find_incident(id).await?;
    Ok(site.store().incident(id).await?)
}

/// Puts a breach on record; gives its id.
pub async fn record(site: &Site, caller: &Caller, input: BreachInput) -> Result<QueueId, Refusal> {
    needs(caller, Permission::KeepBreaches)?;
    let draft = draft(site, input).await?;
    let opened = site
        .store()
        .open_incident(draft, caller.actor(), site.now());
    opened.await.map_err(refused)
}

/// Writes a work-sheet anew; `version` is the one that was seen.
pub async fn change(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    input: BreachInput,
) -> Result<(), Refusal> {
    needs(caller, Permission::KeepBreaches)?;
    let id = site.store().find_incident(id).await?;
    let draft = draft(site, input).await?;
    let (actor, now) = (caller.actor(), site.now());
    let changed = site
        .store()
        .change_incident(id, version, draft, actor, now)
        .await;
    changed.map_err(refused)
}

/// Closes a work-sheet.
pub async fn close(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
) -> Result<(), Refusal> {
    needs(caller, Permission::KeepBreaches)?;
    let id = site.store().find_incident(id).await?;
    let (actor, now) = (caller.actor(), site.now());
    let closed = site.store().close_incident(id, version, actor, now).await;
    closed.map_err(refused)
}

fn refused(error: IncidentError) -> Refusal {
    match error {
        IncidentError::Store(error) => error.into(),
        IncidentError::Changed => Refusal::Changed,
        error => Refusal::Wrong(error.to_string()),
    }
}

async fn draft(site: &Site, input: BreachInput) -> Result<IncidentDraft, Refusal> {
    if input.holds.len() > HOLDS {
        return Err(Refusal::Wrong(format!("at most {HOLDS} messages")));
    }
    let mut holds = Vec::with_capacity(input.holds.len());
    for text in &input.holds {
        let id = match site.store().find_reference(text).await {
            Ok(Referenced::Hold(id)) => id,
            Ok(Referenced::Refusal(refusal)) => refusal.id,
            Err(StoreError::Missing | StoreError::Ambiguous) => {
                return Err(Refusal::Wrong(format!("{text}: no such message")));
            }
            Err(error) => return Err(error.into()),
        };
        if !holds.contains(&id) {
            holds.push(id);
        }
    }
    let school = input.school.filter(|school| !school.is_empty());
    if let Some(unknown) = school
        .as_ref()
        .filter(|id| site.schools().get(id).is_none())
    {
        return Err(Refusal::Wrong(format!("{unknown}: no such school")));
    }
    let mut answers = IncidentAnswers::default();
    for (name, text) in input.answers {
        if let Some(answer) = answer_mut(&mut answers, &name) {
            *answer = text;
        }
    }
    Ok(IncidentDraft {
        aware_at: input.aware_at,
        school,
        holds,
        answers,
    })
}

fn line(incident: &Incident, now: SystemTime) -> BreachLine {
    let due = incident.due_at();
    let left = match due.duration_since(now) {
        Ok(left) => i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        Err(late) => -i64::try_from(late.duration().as_secs()).unwrap_or(i64::MAX),
    };
    let answered = QUESTIONS.iter().filter(|name| {
        let text = answer(&incident.answers, name);
        text.is_some_and(|text| !text.trim().is_empty())
    });
    BreachLine {
        id: incident.id.to_string(),
        reference: incident.id.reference().to_string(),
        title: incident.answers.title.trim().to_owned(),
        school: incident.school.clone(),
        aware_at: machine_time(incident.aware_at),
        due_at: machine_time(due),
        left_seconds: left,
        closed_at: incident.closed_at.map(machine_time),
        answered: answered.count(),
    }
}

fn answer<'a>(answers: &'a IncidentAnswers, name: &str) -> Option<&'a String> {
    Some(match name {
        "title" => &answers.title,
        "nature" => &answers.nature,
        "people" => &answers.people,
        "records" => &answers.records,
        "contact" => &answers.contact,
        "consequences" => &answers.consequences,
        "measures" => &answers.measures,
        "risk" => &answers.risk,
        "commissioner" => &answers.commissioner,
        "delay" => &answers.delay,
        "people_told" => &answers.people_told,
        _ => return None,
    })
}

fn answer_mut<'a>(answers: &'a mut IncidentAnswers, name: &str) -> Option<&'a mut String> {
    Some(match name {
        "title" => &mut answers.title,
        "nature" => &mut answers.nature,
        "people" => &mut answers.people,
        "records" => &mut answers.records,
        "contact" => &mut answers.contact,
        "consequences" => &mut answers.consequences,
        "measures" => &mut answers.measures,
        "risk" => &mut answers.risk,
        "commissioner" => &mut answers.commissioner,
        "delay" => &mut answers.delay,
        "people_told" => &mut answers.people_told,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_a_place_and_every_place_a_question() {
        let mut answers = IncidentAnswers::default();
        for name in QUESTIONS {
            name.clone_into(answer_mut(&mut answers, name).unwrap());
        }
        for name in QUESTIONS {
            assert_eq!(answer(&answers, name).unwrap(), name);
        }
        let written = serde_json::to_value(&answers).unwrap();
        let written = written.as_object().unwrap();
        assert_eq!(written.len(), QUESTIONS.len());
        assert!(
            written
                .iter()
                .all(|(name, text)| text.as_str() == Some(name))
        );
    }
}
