//! Reports: builders against figures counted by hand, every form read back, schedules, the command.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "report/command.rs"]
mod command;
#[path = "conformance/fixtures.rs"]
mod custody;
#[path = "report/forms.rs"]
mod forms;
#[path = "report/quick.rs"]
mod quick;
#[path = "report/sample.rs"]
mod sample;
#[path = "report/schedule.rs"]
mod schedule;

use std::collections::HashMap;
use std::time::Duration;

use beadle::report::model::{Block, Cell, KeyFigure, Report, Table};
use beadle::report::{Scope, Wanted, senders::pseudonym};
use beadle::store::{IncidentAnswers, IncidentDraft};

use sample::{Sample, day, id, moment};

fn table<'a>(report: &'a Report, caption: &str) -> &'a Table {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let mut tables = blocks.filter_map(|block| match block {
        Block::Table(table) if table.caption == caption => Some(table),
        _ => None,
    });
    tables
        .next()
        .unwrap_or_else(|| panic!("no table `{caption}`"))
}

fn row<'a>(table: &'a Table, first: &str) -> &'a [Cell] {
    let mut rows = table.rows.iter();
    let row = rows.find(|row| row[0] == Cell::text(first));
    &row.unwrap_or_else(|| panic!("no row `{first}` in {table:?}"))[1..]
}

fn figure<'a>(report: &'a Report, label: &str) -> &'a KeyFigure {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let figures = blocks.filter_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    let mut all = figures.flatten();
    all.find(|figure| figure.label == label)
        .unwrap_or_else(|| panic!("no figure `{label}`"))
}

fn counts(numbers: [u64; 7]) -> Vec<Cell> {
    numbers.map(Cell::Count).to_vec()
}

#[tokio::test]
async fn a_summary_counts_what_was_counted_by_hand() {
    let sample = Sample::new().await;
    let report = sample.report(&sample::november(), Wanted::Summary).await;
    let value = |label: &str| figure(&report, label).value.clone();
    assert_eq!(value("Messages stopped or checked"), Cell::Count(5));
    assert_eq!(value("Never left the trust"), Cell::Count(2));
    assert_eq!(value("Refused at once"), Cell::Count(1));
    assert_eq!(value("Held for review"), Cell::Count(4));
    assert_eq!(
        figure(&report, "Held for review").note,
        "2 released, 1 refused, 1 waiting, 0 expired"
    );
    // Of 600, 3,600 and 172,800 seconds.
    assert_eq!(value("Time to a decision"), Cell::Seconds(3_600));
    let time = &figure(&report, "Time to a decision").note;
    assert!(time.ends_with("within 2 d 0 h"), "{time}");
    let wrong = figure(&report, "False positives");
    assert_eq!(wrong.value, Cell::Share(1.0 / 3.0));
    assert_eq!(
        wrong.note,
        "wrong: 1 of 3 that reviewers judged; 4 were held"
    );

    // All, refused at once, held, released, refused on review, expired, waiting.
    let schools = table(&report, "Messages by school");
    assert_eq!(
        row(schools, "Oak Primary School"),
        counts([3, 1, 2, 1, 1, 0, 0])
    );
    assert_eq!(
        row(schools, "Elm High School"),
        counts([2, 0, 2, 1, 0, 0, 1])
    );
    let groups = table(&report, "Messages by group of senders");
    assert_eq!(row(groups, "SEND team"), counts([2, 0, 2, 2, 0, 0, 0]));
    assert_eq!(row(groups, "School offices"), counts([2, 1, 1, 0, 1, 0, 0]));
    assert_eq!(row(groups, "No group"), counts([1, 0, 1, 0, 0, 0, 1]));
    let kinds = table(&report, "Messages by kind of data");
    assert_eq!(
        row(kinds, "Pupils' full names"),
        counts([5, 1, 4, 2, 1, 0, 1])
    );
    assert_eq!(
        row(kinds, "Health and special categories"),
        counts([1, 1, 0, 0, 0, 0, 0])
    );
    let severities = table(&report, "Messages by the severity of the gravest rule");
    let order: Vec<String> = severities
        .rows
        .iter()
        .map(|row| row[0].to_string())
        .collect();
    assert_eq!(order, ["Criminal", "High"]);
    let judged = table(&report, "What reviewers judged of held messages");
    assert_eq!(
        row(judged, "All rules"),
        [4, 3, 1, 1, 1]
            .map(Cell::Count)
            .into_iter()
            .chain([Cell::Share(1.0 / 3.0)])
            .collect::<Vec<_>>()
    );
    let outcomes = table(&report, "What became of held messages");
    assert_eq!(
        row(outcomes, "Released by a reviewer"),
        [Cell::Count(2), Cell::Share(0.5)]
    );
}

#[tokio::test]
async fn charts_of_a_summary_have_every_day_and_every_wait() {
    let sample = Sample::new().await;
    let report = sample.report(&sample::november(), Wanted::Summary).await;
    let chart = |title: &str| {
        let blocks = report.sections.iter().flat_map(|section| &section.blocks);
        let mut charts = blocks.filter_map(|block| match block {
            Block::Chart(chart) if chart.title == title => Some(chart),
            _ => None,
        });
        charts.next().unwrap().clone()
    };
    let days = chart("Messages held and refused, by day");
    assert_eq!(days.labels.len(), 30);
    assert_eq!(days.labels[1], "2 Nov 2026");
    assert_eq!(days.series[0].values[1], 1);
    assert_eq!(days.series[0].values[9], 2);
    assert_eq!(days.series[1].values[10], 1);
    assert_eq!(days.series[0].values.iter().sum::<u64>(), 4);
    let waits = chart("How long held messages waited for a decision");
    assert_eq!(waits.series[0].values, [1, 1, 0, 1, 0, 0]);
    assert_eq!(
        figure(&report, "Found in this period").value,
        Cell::Count(1)
    );
}

#[tokio::test]
async fn a_scope_narrows_what_is_counted() {
    let sample = Sample::new().await;
    let all = async |scope: Scope| {
        let report = sample.report(&scope, Wanted::Summary).await;
        figure(&report, "Messages stopped or checked").value.clone()
    };
    let november = sample::november();
    let of_oak = Scope {
        schools: vec!["oak".into()],
        ..november.clone()
    };
    assert_eq!(all(of_oak.clone()).await, Cell::Count(3));
    let of_both = Scope {
        schools: vec!["oak".into(), "elm".into()],
        ..november.clone()
    };
    assert_eq!(all(of_both).await, Cell::Count(5));
    let by_rule = Scope {
        rule: Some("subject-name".into()),
        ..november.clone()
    };
    assert_eq!(all(by_rule).await, Cell::Count(1));
    let of_send = Scope {
        group: Some("send".into()),
        ..of_oak.clone()
    };
    assert_eq!(all(of_send).await, Cell::Count(1));
    // Days are the trust's: the message of 2 December came half an hour after midnight.
    let last =
        Scope::all(beadle::report::Period::new(day("2026-11-30"), day("2026-12-01")).unwrap());
    assert_eq!(all(last).await, Cell::Count(0));
    let first =
        Scope::all(beadle::report::Period::new(day("2026-12-02"), day("2026-12-02")).unwrap());
    assert_eq!(all(first).await, Cell::Count(1));
    // A part of the trust is shown no figures of the whole trust's register.
    let report = sample.report(&of_oak, Wanted::Summary).await;
    let headings: Vec<&str> = report.sections.iter().map(|s| s.heading.as_str()).collect();
    assert!(
        !headings.contains(&"Automatic forwarding found"),
        "{headings:?}"
    );
}

#[tokio::test]
async fn the_register_lists_what_would_have_left_and_nothing_of_what_it_says() {
    let sample = Sample::new().await;
    let report = sample.report(&sample::november(), Wanted::NearMisses).await;
    assert_eq!(figure(&report, "Near misses").value, Cell::Count(2));
    assert_eq!(figure(&report, "Criminal").value, Cell::Count(1));
    assert_eq!(figure(&report, "High").value, Cell::Count(1));
    assert_eq!(
        figure(&report, "Most people in one message").value,
        Cell::Count(3)
    );
    assert_eq!(figure(&report, "Waiting").value, Cell::Count(1));
    let register = table(&report, "Near misses, the gravest first");
    let references: Vec<String> = register.rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(
        references,
        [id(5).reference().to_string(), id(2).reference().to_string()]
    );
    assert_eq!(
        row(register, &references[0])[..4],
        [
            Cell::Moment("2026-11-11T10:00:00".parse().unwrap()),
            Cell::text("Refused at once"),
            Cell::text("Criminal"),
            Cell::text("Oak Primary School")
        ]
    );
    let text = beadle::report::text::text(&report);
    assert!(!text.contains(custody::NAME) && !text.contains("@trust.example"));
}

#[tokio::test]
async fn senders_are_pseudonyms_unless_their_addresses_are_passed_in() {
    let sample = Sample::new().await;
    let november = sample::november();
    let report = sample.report(&november, Wanted::Senders).await;
    assert_eq!(figure(&report, "Senders").value, Cell::Count(2));
    // One of them has three messages, of which one was judged wrong.
    assert_eq!(
        figure(&report, "Stopped again and again").value,
        Cell::Count(0)
    );
    let by_sender = table(&report, "Messages by sender, the most frequent first");
    let token = sample
        .store
        .sender_token(&custody::address("office@oak.trust.example"));
    let office = row(by_sender, &pseudonym(token));
    assert_eq!(
        office[..3],
        [
            Cell::text("Oak Primary School"),
            Cell::text("School offices"),
            Cell::Count(2)
        ]
    );
    assert!(!beadle::report::text::text(&report).contains('@'));
    let names = HashMap::from([(token, "office@oak.trust.example".to_owned())]);
    let report = sample.report(&november, Wanted::Addresses(&names)).await;
    let by_sender = table(&report, "Messages by sender, the most frequent first");
    assert_eq!(
        row(by_sender, "office@oak.trust.example")[2],
        Cell::Count(2)
    );
    let report = sample.report(&november, Wanted::Groups).await;
    let captions = |report: &Report| {
        let blocks = report.sections.iter().flat_map(|section| &section.blocks);
        blocks
            .filter_map(|block| match block {
                Block::Table(table) => Some(table.caption.clone()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(captions(&report).len(), 2);
}

#[tokio::test]
async fn a_work_sheet_shows_the_clock_and_what_is_missing() {
    let sample = Sample::new().await;
    let aware = sample.now - Duration::from_hours(70);
    let draft = IncidentDraft {
        aware_at: Some(aware),
        school: Some("oak".into()),
        holds: vec![id(5), id(99)],
        answers: IncidentAnswers {
            title: "List to the wrong parent".into(),
            nature: "A list went out.".into(),
            ..IncidentAnswers::default()
        },
    };
    let opened = sample.store.open_incident(draft, "a.dpo", sample.now);
    let breach = opened.await.unwrap();
    let report = sample
        .report(&sample::november(), Wanted::Breach(breach))
        .await;
    assert_eq!(
        report.title,
        "Personal data breach: List to the wrong parent"
    );
    assert_eq!(
        figure(&report, "Left of the 72 hours").value,
        Cell::Seconds(2 * 3_600)
    );
    assert_eq!(figure(&report, "Answered").value, Cell::text("1 of 10"));
    let answers = table(&report, "Questions and answers");
    assert_eq!(
        row(answers, "What happened?")[0],
        Cell::text("A list went out.")
    );
    let people = row(answers, "Which people does it concern, and about how many?");
    assert_eq!(people[0], Cell::text("Not answered yet."));
    let messages = table(&report, "Messages that the breach is about");
    assert_eq!(messages.rows.len(), 2);
    assert_eq!(
        row(messages, &id(5).reference().to_string())[1],
        Cell::text("Refused at once")
    );
    assert_eq!(
        row(messages, &id(99).reference().to_string())[1],
        Cell::Nothing
    );

    // Past the 72 hours the sheet asks why; once closed it says when.
    let late = sample.report_at(sample.now + Duration::from_hours(3), Wanted::Breach(breach));
    let late = late.await;
    assert_eq!(
        figure(&late, "Past the 72 hours by").value,
        Cell::Seconds(3_600)
    );
    let closing = sample.store.close_incident(breach, 1, "a.dpo", sample.now);
    closing.await.unwrap();
    let closed = sample
        .report(&sample::november(), Wanted::Breach(breach))
        .await;
    assert_eq!(
        figure(&closed, "Closed").value,
        Cell::Moment(moment(sample.now))
    );
}

#[tokio::test]
async fn retention_is_proven_by_the_ledgers_own_entries() {
    let sample = Sample::new().await;
    let later = sample.now + 40 * custody::DAY;
    let ended = sample.store.expire_due(later).await.unwrap();
    assert_eq!((ended.expired, ended.purged), (1, 1));
    let report = sample
        .report_at(later, Wanted::Retention { follow: true })
        .await;
    assert_eq!(figure(&report, "Contents ended").value, Cell::Count(2));
    assert_eq!(figure(&report, "Undecided").value, Cell::Count(1));
    let ledger = &figure(&report, "The ledger").value;
    assert_eq!(*ledger, Cell::text("holds: every entry was followed"));
    let proofs = table(&report, "Contents that ended, the last first");
    let refused = row(proofs, &id(2).reference().to_string());
    assert_eq!(refused[1], Cell::text("After a decision"));
    let Cell::Text(key) = &refused[4] else {
        panic!("{refused:?}")
    };
    assert_eq!(key.len(), 32, "{key}");
    let proof = sample.store.prove_end(id(2)).await.unwrap();
    assert_eq!(refused[3], Cell::Text(proof.entry.seq.to_string()));
}
