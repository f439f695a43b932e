//! Patterns of senders: which groups, and for those with access which people, are stopped again and again, and what training would help.
//!
//! # Invariants
//! A sender is a pseudonym that is the same within one trust, unless the caller passes addresses in: only a caller whose reader may see
//! them does. Nobody is ranked as a wrongdoer: what the rules got wrong, by the reviewers' word, stands beside what they stopped.

use std::collections::{BTreeMap, HashMap};

use super::counted::{Counts, Scope, Sources};
use super::model::{Cell, Column, KeyFigure, Report, Section, Table};
use super::words::{about, category_title};
use crate::detect::Category;
use crate::store::{Figure, FigureOutcome, Judgement};

/// Senders listed at most.
pub const LINES: usize = 200;

/// A sender with fewer stopped messages shows no pattern.
const PATTERN: u64 = 3;

/// How senders are shown.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// By group alone.
    Groups,
    /// Each by a pseudonym.
    Pseudonyms,
    /// Each by the address that `Custody::sender_token` made the token of; a pseudonym where none is known.
    Addresses(&'a HashMap<i64, String>),
}

/// What is known of a group or a sender.
#[derive(Debug, Default)]
struct Pattern {
    counts: Counts,
    rules: BTreeMap<u16, u64>,
    categories: BTreeMap<Category, u64>,
    school: Option<u16>,
    group: Option<u16>,
}

impl Pattern {
    fn add(&mut self, sources: Sources<'_>, figure: &Figure) {
        self.counts.add(figure);
        for rule in sources.figures.rule_numbers(figure) {
            *self.rules.entry(*rule).or_default() += 1;
        }
        for category in sources.figures.categories(figure) {
            *self.categories.entry(*category).or_default() += 1;
        }
        self.school = sources.figures.school_number(figure);
        self.group = sources.figures.group_number(figure);
    }

    /// Stopped or held, less what reviewers judged wrong.
    fn weight(&self) -> u64 {
        self.counts.all() - self.counts.judged_as(Judgement::Wrong)
    }

    fn most_often(&self, sources: Sources<'_>) -> Cell {
        most(&self.rules).map_or(Cell::Nothing, |rule| {
            Cell::Text(sources.rule_title(sources.figures.rule_of(*rule)))
        })
    }

    fn training(&self) -> Option<(Category, &'static str)> {
        let category = *most(&self.categories)?;
        Some((category, training(category)))
    }
}

/// What occurs most, the first of equals.
fn most<K: Ord>(counts: &BTreeMap<K, u64>) -> Option<&K> {
    let mut best: Option<(&K, u64)> = None;
    for (key, count) in counts {
        if best.is_none_or(|(_, most)| *count > most) {
            best = Some((key, *count));
        }
    }
    best.map(|(key, _)| key)
}

/// What somebody needs to know whose messages are stopped for this.
fn training(category: Category) -> &'static str {
    match category {
        Category::PupilName | Category::PupilId | Category::PersonalDetail => {
            "Write about pupils with initials, and send details by the trust's secure channel"
        }
        Category::PersonalId | Category::Medical => {
            "Recognise special categories and national identifiers; send them encrypted"
        }
        Category::Financial => "Keep bank and card details out of mail; use the finance system",
        Category::Credential => "Send passwords by another way than what they open",
        Category::Marking => "What protective markings mean and where marked documents may go",
        Category::AutoForward => {
            "Why mail is not forwarded to private mailboxes, and how to stop it"
        }
        Category::Protected => "How to encrypt so that the trust can still check what leaves",
        Category::Suspect | Category::ChainLetter => {
            "Recognise phishing and hoaxes, and report them"
        }
        Category::Offensive => "What the acceptable-use policy says about language",
    }
}

/// The report on senders of a scope.
pub fn senders(sources: Sources<'_>, scope: &Scope, shown: Shown<'_>) -> Report {
    let mut groups: BTreeMap<Option<u16>, Pattern> = BTreeMap::new();
    let mut people: HashMap<i64, Pattern> = HashMap::new();
    for figure in sources.of(scope) {
        let group = sources.figures.group_number(figure);
        groups.entry(group).or_default().add(sources, figure);
        if let Some(sender) = figure.sender {
            people.entry(sender).or_default().add(sources, figure);
        }
    }
    let mut sections = vec![
        at_a_glance(&people),
        by_group(sources, &groups),
        needs(sources, &groups),
    ];
    match shown {
        Shown::Groups => {}
        Shown::Pseudonyms => sections.push(by_sender(sources, people, None)),
        Shown::Addresses(names) => sections.push(by_sender(sources, people, Some(names))),
    }
    Report {
        kind: "senders",
        title: "Senders: patterns and training needs".to_owned(),
        about: about(sources, scope),
        sections,
    }
}

fn at_a_glance(people: &HashMap<i64, Pattern>) -> Section {
    let again = people.values().filter(|p| p.weight() >= PATTERN).count();
    let all: u64 = people.values().map(|p| p.counts.all()).sum();
    let mut each: Vec<u64> = people.values().map(|p| p.counts.all()).collect();
    each.sort_unstable_by(|a, b| b.cmp(a));
    let tenth: u64 = each.iter().take(each.len().div_ceil(10)).sum();
    Section::new("At a glance").with(vec![
        KeyFigure::new(
            "Senders",
            Cell::Count(people.len() as u64),
            "had a message refused or held",
        ),
        KeyFigure::new(
            "Stopped again and again",
            Cell::Count(again as u64),
            format!("{PATTERN} messages or more, without those judged wrong"),
        ),
        KeyFigure::new(
            "Share of the most frequent tenth",
            Cell::share(tenth, all),
            "of the messages whose sender is known",
        ),
    ])
}

fn columns(first: Column, more: &[Column]) -> Vec<Column> {
    let mut columns = vec![first];
    columns.extend_from_slice(more);
    let numbers = [
        "All",
        "Refused at once",
        "Held",
        "Refused on review",
        "Judged wrong",
    ];
    columns.extend(numbers.map(Column::number));
    columns.push(Column::words("Most often", 6));
    columns
}

fn figures(sources: Sources<'_>, pattern: &Pattern) -> Vec<Cell> {
    let counts = &pattern.counts;
    vec![
        Cell::Count(counts.all()),
        Cell::Count(counts.outcome(FigureOutcome::TurnedAway)),
        Cell::Count(counts.held()),
        Cell::Count(counts.outcome(FigureOutcome::Refused)),
        Cell::Count(counts.judged_as(Judgement::Wrong)),
        pattern.most_often(sources),
    ]
}

fn group_title(sources: Sources<'_>, number: Option<u16>) -> String {
    let title = number.map(|number| sources.group_title(sources.figures.group_of(number)));
    title.unwrap_or_else(|| "No group".to_owned())
}

fn by_group(sources: Sources<'_>, groups: &BTreeMap<Option<u16>, Pattern>) -> Section {
    let mut lines: Vec<_> = groups.iter().collect();
    lines.sort_by_key(|(id, pattern)| (std::cmp::Reverse(pattern.weight()), **id));
    let rows = lines.into_iter().map(|(id, pattern)| {
        let mut row = vec![Cell::Text(group_title(sources, *id))];
        row.extend(figures(sources, pattern));
        row
    });
    Section::new("By group of senders").with(Table {
        caption: "Messages by group of senders".to_owned(),
        columns: columns(Column::words("Group", 5), &[]),
        rows: rows.collect(),
    })
}

fn needs(sources: Sources<'_>, groups: &BTreeMap<Option<u16>, Pattern>) -> Section {
    let mut lines: Vec<_> = groups
        .iter()
        .filter(|(_, pattern)| pattern.weight() >= PATTERN)
        .filter_map(|(id, pattern)| Some((id, pattern, pattern.training()?)))
        .collect();
    lines.sort_by_key(|(id, pattern, _)| (std::cmp::Reverse(pattern.weight()), **id));
    let rows = lines.into_iter().map(|(id, pattern, (category, need))| {
        let of = pattern.categories.get(&category).copied().unwrap_or(0);
        vec![
            Cell::Text(group_title(sources, *id)),
            Cell::text(category_title(category)),
            Cell::Count(of),
            Cell::text(need),
        ]
    });
    Section::new("What training would help")
        .say("The kind of data that a group was stopped for most often, and what its people need to know about it.")
        .with(Table {
            caption: "Training needs by group of senders".to_owned(),
            columns: vec![
                Column::words("Group", 4),
                Column::words("Stopped most for", 5),
                Column::number("Messages"),
                Column::words("What would help", 9),
            ],
            rows: rows.collect(),
        })
}

fn by_sender(
    sources: Sources<'_>,
    people: HashMap<i64, Pattern>,
    names: Option<&HashMap<i64, String>>,
) -> Section {
    let all = people.len();
    let mut lines: Vec<(i64, Pattern)> = people.into_iter().collect();
    lines.sort_by_key(|(sender, pattern)| (std::cmp::Reverse(pattern.weight()), *sender));
    let rows = lines.iter().take(LINES).map(|(sender, pattern)| {
        let name = names.and_then(|names| names.get(sender)).cloned();
        let school = pattern
            .school
            .map(|n| sources.school_name(sources.figures.school_of(n)));
        let mut row = vec![
            Cell::Text(name.unwrap_or_else(|| pseudonym(*sender))),
            school.map_or(Cell::Nothing, Cell::Text),
            Cell::Text(group_title(sources, pattern.group)),
        ];
        row.extend(figures(sources, pattern));
        row
    });
    let table = Table {
        caption: "Messages by sender, the most frequent first".to_owned(),
        columns: columns(
            Column::words("Sender", 6),
            &[Column::words("School", 4), Column::words("Group", 3)],
        ),
        rows: rows.collect(),
    };
    let section = Section::new("By sender").say(
        "Being stopped is no offence: the relay exists so that slips stay inside. Read this with what reviewers judged wrong beside it.",
    );
    let section = match all.checked_sub(LINES) {
        Some(left @ 1..) => section.say(format!(
            "The first {LINES} are listed; {left} more are not."
        )),
        _ => section,
    };
    section.with(table)
}

/// A name that is the same for the same sender within one trust, and tells nothing.
pub fn pseudonym(sender: i64) -> String {
    let text = format!("{:012X}", sender.cast_unsigned() >> 16);
    let (first, rest) = text.split_at(6);
    format!("S-{first}-{rest}")
}
