//! The summary of a period: what was stopped, by whom, why, how quickly it was decided, and how often wrongly.

use super::counted::{Counts, Scope, Sources, Tally};
use super::model::{
    Block, Cell, Chart, ChartKind, Column, KeyFigure, Report, Section, Series, Table,
};
use super::words::{about, category_title, severity_title};
use crate::store::{FigureOutcome, Judgement};

/// Mailboxes that forward by themselves, as the register knows them; no address is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardingFigure {
    /// When its first message was seen, in microseconds since 1970 UTC.
    pub first_seen: i64,
    /// When its last was.
    pub last_seen: i64,
    /// How many there were.
    pub messages: u64,
}

/// Bars of a chart; more stand in the table alone.
const BARS: usize = 12;

/// Spans that times to a decision fall into, in seconds, with what they are called.
const SPANS: [(u32, &str); 5] = [
    (3_600, "Within an hour"),
    (4 * 3_600, "1 to 4 hours"),
    (24 * 3_600, "4 to 24 hours"),
    (3 * 86_400, "1 to 3 days"),
    (7 * 86_400, "3 to 7 days"),
];

/// The summary of a scope. `forwarding` is of the whole trust; `None` where the reader may not see all of it.
pub fn summary(
    sources: Sources<'_>,
    scope: &Scope,
    forwarding: Option<&[ForwardingFigure]>,
) -> Report {
    let tally = Tally::of(sources, scope);
    let mut sections = vec![
        at_a_glance(&tally),
        over_time(&tally),
        reasons(sources, &tally),
        places(sources, &tally),
        decisions(&tally),
        judgements(sources, &tally),
    ];
    if let Some(forwarding) = forwarding {
        sections.push(forwarded(sources, scope, forwarding));
    }
    sections.push(how_it_was_counted());
    Report {
        kind: "summary",
        title: "Mail protection: summary".to_owned(),
        about: about(sources, scope),
        sections,
    }
}

fn at_a_glance(tally: &Tally) -> Section {
    let all = &tally.all;
    let count = |outcome| Cell::Count(all.outcome(outcome));
    let times = tally.waits.deciles();
    let figures = vec![
        KeyFigure::new(
            "Messages stopped or checked",
            Cell::Count(all.all()),
            "refused at once or held for review",
        ),
        KeyFigure::new(
            "Never left the trust",
            Cell::Count(all.stopped()),
            "refused at once, refused on review, or expired",
        ),
        KeyFigure::new(
            "Refused at once",
            count(FigureOutcome::TurnedAway),
            "the sender was told why",
        ),
        KeyFigure::new(
            "Held for review",
            Cell::Count(all.held()),
            format!(
                "{} released, {} refused, {} waiting, {} expired",
                count(FigureOutcome::Released),
                count(FigureOutcome::Refused),
                count(FigureOutcome::Waiting),
                count(FigureOutcome::Expired)
            ),
        ),
        KeyFigure::new(
            "Time to a decision",
            times.map_or(Cell::Nothing, |(median, _)| Cell::Seconds(median)),
            times.map_or_else(
                || "nobody has decided any yet".to_owned(),
                |(_, most)| {
                    let most = Cell::Seconds(most);
                    format!("half were decided sooner; nine of ten within {most}")
                },
            ),
        ),
        KeyFigure::new(
            "False positives",
            Cell::share(all.judged_as(Judgement::Wrong), all.judged()),
            format!(
                "wrong: {} of {} that reviewers judged; {} were held",
                Cell::Count(all.judged_as(Judgement::Wrong)),
                Cell::Count(all.judged()),
                Cell::Count(all.held())
            ),
        ),
    ];
    Section::new("At a glance").with(figures)
}

fn over_time(tally: &Tally) -> Section {
    let (unit, axis) = if tally.by_day {
        ("day", "Day")
    } else {
        ("week", "Week beginning")
    };
    let series = |name: &str, value: &dyn Fn(&Counts) -> u64| Series {
        name: name.to_owned(),
        values: tally
            .times
            .iter()
            .map(|(_, counts)| value(counts))
            .collect(),
    };
    let chart = Chart {
        title: format!("Messages held and refused, by {unit}"),
        kind: ChartKind::Lines,
        axis: axis.to_owned(),
        labels: tally
            .times
            .iter()
            .map(|(day, _)| day.strftime("%-d %b %Y").to_string())
            .collect(),
        series: vec![
            series("Held for review", &Counts::held),
            series("Refused at once", &|counts| {
                counts.outcome(FigureOutcome::TurnedAway)
            }),
        ],
    };
    Section::new("Over time").with(chart)
}

/// The columns that every table of outcomes has after its first.
fn outcome_columns(first: &str) -> Vec<Column> {
    let mut columns = vec![Column::words(first, 6)];
    let names = [
        "All",
        "Refused at once",
        "Held",
        "Released",
        "Refused on review",
        "Expired",
        "Waiting",
    ];
    columns.extend(names.map(Column::number));
    columns
}

fn outcome_row(name: String, counts: &Counts) -> Vec<Cell> {
    let outcome = |outcome| Cell::Count(counts.outcome(outcome));
    vec![
        Cell::Text(name),
        Cell::Count(counts.all()),
        outcome(FigureOutcome::TurnedAway),
        Cell::Count(counts.held()),
        outcome(FigureOutcome::Released),
        outcome(FigureOutcome::Refused),
        outcome(FigureOutcome::Expired),
        outcome(FigureOutcome::Waiting),
    ]
}

/// A table of outcomes, most first.
pub(super) fn outcome_table(
    caption: &str,
    first: &str,
    mut lines: Vec<(String, &Counts)>,
) -> Table {
    lines.sort_by(|a, b| b.1.all().cmp(&a.1.all()).then_with(|| a.0.cmp(&b.0)));
    let rows = lines.into_iter();
    Table {
        caption: caption.to_owned(),
        columns: outcome_columns(first),
        rows: rows
            .map(|(name, counts)| outcome_row(name, counts))
            .collect(),
    }
}

/// The first rows of a table as bars: held beside refused at once.
fn bars(title: &str, table: &Table) -> Option<Block> {
    if table.rows.is_empty() {
        return None;
    }
    let rows = || table.rows.iter().take(BARS);
    let column = |at: usize| {
        rows()
            .map(|row| match row.get(at) {
                Some(Cell::Count(count)) => *count,
                _ => 0,
            })
            .collect()
    };
    let labels = rows().map(|row| row.first().map(ToString::to_string).unwrap_or_default());
    Some(Block::Chart(Chart {
        title: title.to_owned(),
        kind: ChartKind::Bars,
        axis: table
            .columns
            .first()
            .map(|c| c.title.clone())
            .unwrap_or_default(),
        labels: labels.collect(),
        series: vec![
            Series {
                name: "Held for review".to_owned(),
                values: column(3),
            },
            Series {
                name: "Refused at once".to_owned(),
                values: column(2),
            },
        ],
    }))
}

fn charted(section: Section, title: &str, table: Table) -> Section {
    let chart = bars(title, &table);
    let section = match chart {
        Some(chart) => section.with(chart),
        None => section,
    };
    section.with(table)
}

fn reasons(sources: Sources<'_>, tally: &Tally) -> Section {
    let rules = tally.rules.iter();
    let rules = rules.map(|(id, counts)| (sources.rule_title(id), counts));
    let rules = outcome_table("Messages by rule", "Rule", rules.collect());
    let categories = tally.categories.iter();
    let categories =
        categories.map(|(category, counts)| (category_title(*category).to_owned(), counts));
    let categories = outcome_table(
        "Messages by kind of data",
        "Kind of data",
        categories.collect(),
    );
    let severities = tally.severities.iter().rev();
    let severities = severities
        .map(|(severity, counts)| outcome_row(severity_title(*severity).to_owned(), counts));
    let severities = Table {
        caption: "Messages by the severity of the gravest rule".to_owned(),
        columns: outcome_columns("Severity"),
        rows: severities.collect(),
    };
    let section = Section::new("Why messages were stopped").say(
        "A message counts once for each rule that fired and once for each kind of data found in it, so that these tables add up to more \
         than the total.",
    );
    charted(section, "The rules that fired most", rules)
        .with(categories)
        .with(severities)
}

fn places(sources: Sources<'_>, tally: &Tally) -> Section {
    let schools = tally.schools.iter().map(|(id, counts)| {
        let name = id.as_deref().map(|id| sources.school_name(id));
        (name.unwrap_or_else(|| "No school".to_owned()), counts)
    });
    let schools = outcome_table("Messages by school", "School", schools.collect());
    let groups = tally.groups.iter().map(|(id, counts)| {
        let title = id.as_deref().map(|id| sources.group_title(id));
        (title.unwrap_or_else(|| "No group".to_owned()), counts)
    });
    let groups = outcome_table("Messages by group of senders", "Group", groups.collect());
    charted(
        Section::new("Where they came from"),
        "Messages by school",
        schools,
    )
    .with(groups)
}

fn decisions(tally: &Tally) -> Section {
    let all = &tally.all;
    let names = SPANS.map(|(_, name)| name.to_owned());
    let labels = names.into_iter().chain(["Over 7 days".to_owned()]);
    let values = tally.waits.within(SPANS.map(|(seconds, _)| seconds));
    let chart = Chart {
        title: "How long held messages waited for a decision".to_owned(),
        kind: ChartKind::Bars,
        axis: "Waited".to_owned(),
        labels: labels.collect(),
        series: vec![Series {
            name: "Decisions".to_owned(),
            values,
        }],
    };
    let (released, refused) = (
        all.outcome(FigureOutcome::Released),
        all.outcome(FigureOutcome::Refused),
    );
    let table = Table {
        caption: "What became of held messages".to_owned(),
        columns: vec![
            Column::words("Outcome", 4),
            Column::number("Messages"),
            Column::number("Share"),
        ],
        rows: [
            ("Released by a reviewer", released),
            ("Refused by a reviewer", refused),
            ("Expired undecided", all.outcome(FigureOutcome::Expired)),
            ("Waiting now", all.outcome(FigureOutcome::Waiting)),
        ]
        .map(|(name, count)| {
            vec![
                Cell::text(name),
                Cell::Count(count),
                Cell::share(count, all.held()),
            ]
        })
        .to_vec(),
    };
    Section::new("Decisions")
        .say(format!(
            "Reviewers decided {} of {} held messages. Waiting is elapsed time from arrival, nights and weekends included.",
            Cell::Count(all.decided()),
            Cell::Count(all.held())
        ))
        .with(table)
        .with(chart)
}

fn judgements(sources: Sources<'_>, tally: &Tally) -> Section {
    let mut lines: Vec<_> = tally
        .rules
        .iter()
        .filter(|(_, counts)| counts.held() > 0)
        .map(|(id, counts)| (sources.rule_title(id), counts))
        .collect();
    lines.sort_by(|a, b| b.1.judged().cmp(&a.1.judged()).then_with(|| a.0.cmp(&b.0)));
    let row = |name: String, counts: &Counts| {
        vec![
            Cell::Text(name),
            Cell::Count(counts.held()),
            Cell::Count(counts.judged()),
            Cell::Count(counts.judged_as(Judgement::Right)),
            Cell::Count(counts.judged_as(Judgement::Partly)),
            Cell::Count(counts.judged_as(Judgement::Wrong)),
            Cell::share(counts.judged_as(Judgement::Wrong), counts.judged()),
        ]
    };
    let mut rows = vec![row("All rules".to_owned(), &tally.all)];
    rows.extend(lines.into_iter().map(|(name, counts)| row(name, counts)));
    let numbers = [
        "Held",
        "Judged",
        "Right",
        "Partly",
        "Wrong",
        "False positives",
    ];
    let mut columns = vec![Column::words("Rule", 6)];
    columns.extend(numbers.map(Column::number));
    let table = Table {
        caption: "What reviewers judged of held messages".to_owned(),
        columns,
        rows,
    };
    Section::new("How often the rules were right")
        .say(
            "The share of false positives is that of the messages that reviewers judged, not of all that were held: what nobody judged is \
             not known to be right.",
        )
        .with(table)
}

fn forwarded(sources: Sources<'_>, scope: &Scope, forwarding: &[ForwardingFigure]) -> Section {
    let from = sources.midnight(scope.period.from);
    let to = sources.midnight(scope.period.to.tomorrow().unwrap_or(scope.period.to));
    let is_within = |at: i64| (from..to).contains(&at);
    let is_new = |known: &&ForwardingFigure| is_within(known.first_seen);
    let new = forwarding.iter().filter(is_new).count() as u64;
    let seen = |known: &&ForwardingFigure| known.first_seen < to && known.last_seen >= from;
    let active = forwarding.iter().filter(seen).count() as u64;
    let messages = forwarding.iter().filter(is_new).map(|known| known.messages);
    Section::new("Automatic forwarding found").with(vec![
        KeyFigure::new(
            "Found in this period",
            Cell::Count(new),
            "pairs of a mailbox and an outside address that were not known before",
        ),
        KeyFigure::new(
            "Their messages",
            Cell::Count(messages.sum()),
            "held since they were found",
        ),
        KeyFigure::new(
            "Active in this period",
            Cell::Count(active),
            "pairs that forwarded, new or known",
        ),
    ])
}

fn how_it_was_counted() -> Section {
    Section::new("How this was counted")
        .say(
            "Counted are messages that the policy refused at once or held for review; mail that passed is not. A message belongs to the school \
             and the group that its sender had when it was sent.",
        )
        .say(
            "Small numbers are shown as they are and not suppressed: the figures count messages of staff, name nobody and hold nothing of what \
             was written, and whoever may see this report may see each hold that it counts. Suppress groups of fewer than five yourself \
             before you publish it.",
        )
}
