//! The work-sheet of a personal data breach: the 72-hour clock, what it is about, the answers, and what is still missing.
//!
//! # Invariants
//! The answers are the controller's own words and may name people: only who may open the incident gets this report. The messages are named
//! by reference; nothing of what they say is here.
//!
//! # Standards
//! UK GDPR Art. 33 (1) (72 hours from becoming aware; reasons for a delay), 33 (3) (what the commissioner is told), 33 (5) (every breach is
//! documented), Art. 34 (people are told where the risk is high).

use super::counted::Sources;
use super::model::{Cell, Column, KeyFigure, Report, Section, Table};
use super::near_misses::{message_columns, message_row};
use super::words::made;
use crate::store::{Incident, IncidentAnswers};

/// What stands where nothing is answered.
const UNANSWERED: &str = "Not answered yet.";

/// A question of the work-sheet, with the part of the law that asks it.
struct Question {
    words: &'static str,
    law: &'static str,
    answer: fn(&IncidentAnswers) -> &str,
}

/// The questions, in the order in which they are asked.
const QUESTIONS: [Question; 10] = [
    Question {
        words: "What happened?",
        law: "nature of the breach: Art. 33 (3) (a)",
        answer: |answers| &answers.nature,
    },
    Question {
        words: "Which people does it concern, and about how many?",
        law: "Art. 33 (3) (a)",
        answer: |answers| &answers.people,
    },
    Question {
        words: "Which records does it concern, and about how many?",
        law: "Art. 33 (3) (a)",
        answer: |answers| &answers.records,
    },
    Question {
        words: "Who answers questions about it?",
        law: "data protection officer: Art. 33 (3) (b)",
        answer: |answers| &answers.contact,
    },
    Question {
        words: "What is likely to follow for the people?",
        law: "Art. 33 (3) (c)",
        answer: |answers| &answers.consequences,
    },
    Question {
        words: "What was done about it, and what will be?",
        law: "Art. 33 (3) (d)",
        answer: |answers| &answers.measures,
    },
    Question {
        words: "Is a risk to people unlikely, likely or high, and why?",
        law: "Art. 33 (1), Art. 34 (1)",
        answer: |answers| &answers.risk,
    },
    Question {
        words: "When was the Information Commissioner told, by whom; or why not?",
        law: "Art. 33 (1)",
        answer: |answers| &answers.commissioner,
    },
    Question {
        words: "If later than after 72 hours: why?",
        law: "Art. 33 (1)",
        answer: |answers| &answers.delay,
    },
    Question {
        words: "When were the people told, and how; or why not?",
        law: "Art. 34",
        answer: |answers| &answers.people_told,
    },
];

/// The work-sheet of a breach.
pub fn breach(sources: Sources<'_>, incident: &Incident) -> Report {
    let mut about = made(sources);
    about.push(("Breach".to_owned(), incident.id.reference().to_string()));
    if let Some(school) = &incident.school {
        about.push(("School".to_owned(), sources.school_name(school)));
    }
    let title = incident.answers.title.trim();
    Report {
        kind: "breach",
        title: if title.is_empty() {
            "Personal data breach: work-sheet".to_owned()
        } else {
            format!("Personal data breach: {title}")
        },
        about,
        sections: vec![
            clock(sources, incident),
            answers(incident),
            messages(sources, incident),
            guidance(),
        ],
    }
}

/// Where the clock stands.
fn clock(sources: Sources<'_>, incident: &Incident) -> Section {
    let due = incident.due_at();
    let moment = |at| Cell::Moment(sources.local_of(at));
    let seconds = |span: std::time::Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    let stand = match (incident.closed_at, due.duration_since(sources.now)) {
        (Some(closed), _) => KeyFigure::new("Closed", moment(closed), "a change opens it again"),
        (None, Ok(left)) => KeyFigure::new(
            "Left of the 72 hours",
            Cell::Seconds(seconds(left)),
            "to tell the commissioner, unless a risk to people is unlikely",
        ),
        (None, Err(late)) => KeyFigure::new(
            "Past the 72 hours by",
            Cell::Seconds(seconds(late.duration())),
            "say why in the work-sheet",
        ),
    };
    let answered = QUESTIONS
        .iter()
        .filter(|question| !(question.answer)(&incident.answers).trim().is_empty());
    Section::new("The clock")
        .say("The 72 hours run from when the trust became aware of the breach, not from when it happened.")
        .with(vec![
            KeyFigure::new("Became aware", moment(incident.aware_at), "the clock starts"),
            KeyFigure::new("Commissioner told by", moment(due), "72 hours later"),
            stand,
            KeyFigure::new(
                "Answered",
                Cell::Text(format!("{} of {}", answered.count(), QUESTIONS.len())),
                "questions of the work-sheet",
            ),
        ])
        .with(Table {
            caption: "What was recorded when".to_owned(),
            columns: vec![Column::words("Step", 4), Column::words("When", 4)],
            rows: [
                ("Became aware", Some(incident.aware_at)),
                ("Put on record", Some(incident.opened_at)),
                ("Last changed", Some(incident.changed_at)),
                ("Closed", incident.closed_at),
            ]
            .into_iter()
            .map(|(step, at)| vec![Cell::text(step), at.map_or(Cell::Nothing, moment)])
            .collect(),
        })
}

fn answers(incident: &Incident) -> Section {
    let rows = QUESTIONS.iter().map(|question| {
        let answer = (question.answer)(&incident.answers).trim();
        let answer = if answer.is_empty() {
            UNANSWERED
        } else {
            answer
        };
        vec![
            Cell::text(question.words),
            Cell::text(answer),
            Cell::text(question.law),
        ]
    });
    Section::new("The work-sheet").with(Table {
        caption: "Questions and answers".to_owned(),
        columns: vec![
            Column::words("Question", 5),
            Column::words("Answer", 9),
            Column::words("UK GDPR", 3),
        ],
        rows: rows.collect(),
    })
}

fn messages(sources: Sources<'_>, incident: &Incident) -> Section {
    let section = Section::new("The messages");
    if incident.holds.is_empty() {
        return section.say("No message is linked to this breach.");
    }
    let rows = incident.holds.iter().map(|id| {
        sources.figures.get(*id).map_or_else(
            || {
                let mut row = vec![Cell::Nothing; message_columns().len()];
                if let Some(first) = row.first_mut() {
                    *first = Cell::Text(id.reference().to_string());
                }
                row
            },
            |figure| message_row(sources, figure),
        )
    });
    section.with(Table {
        caption: "Messages that the breach is about".to_owned(),
        columns: message_columns(),
        rows: rows.collect(),
    })
}

fn guidance() -> Section {
    Section::new("What the law asks")
        .say(
            "The Information Commissioner is told within 72 hours of becoming aware, unless the breach is unlikely to result in a risk to \
             people. What is not known yet is told later, without undue further delay.",
        )
        .say(
            "People are told without undue delay where the risk to them is likely to be high. Every breach is documented, with its effects and \
             what was done, whether or not anybody is told.",
        )
}
