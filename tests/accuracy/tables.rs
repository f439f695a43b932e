//! Names in file names, in columns, in cells that touch, and behind labels.

use crate::forms::{capitalised, unmarked};
use crate::message::{self, Carrier};
use crate::people::Pupil;
use crate::sample::{Sample, chosen, turns};

/// Messages a class.
const COUNT: usize = 100;

/// All of them.
pub fn samples(pupils: &[Pupil], out: &mut Vec<Sample>) {
    file_names(pupils, out);
    columns(pupils, out);
    labelled(pupils, out);
}

fn file_names(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let class = "file names";
    for (turn, pupil) in turns(&chosen(pupils, |_| true), COUNT) {
        let p = &pupils[pupil];
        let (f, s) = (unmarked(&p.forename), unmarked(&p.surname));
        let joined = |text: &str| capitalised(text).replace([' ', '-', '\'', '.'], "");
        let name = match turn % 8 {
            0 => format!("{f}_{s}_report.txt"),
            1 => format!("{s}-{f}.txt").to_lowercase().replace(' ', "-"),
            2 => format!("{}{}.txt", joined(&f), joined(&s)),
            3 => format!("{} {} letter.txt", p.forename, p.surname),
            4 => format!("2026-11-02 {s}, {f}.txt"),
            5 => format!(
                "report_{}_{}_final (2).txt",
                f.to_lowercase(),
                s.to_lowercase().replace(' ', "_")
            ),
            6 => format!("{}.{}.txt", f, s.replace(' ', ".")),
            _ => format!("{}{}Report.txt", joined(&s), joined(&f)),
        };
        let message = message::with_file(&name, "text/plain", b"See you on Thursday.\r\n");
        out.push(Sample::name(class, pupil, "attachment", message, &name));
    }
}

fn columns(pupils: &[Pupil], out: &mut Vec<Sample>) {
    const HEADERS: &[(&str, &str)] = &[
        ("Forename", "Surname"),
        ("First Name", "Last Name"),
        ("Given name", "Family name"),
        ("Legal Forename", "Legal Surname"),
        ("FirstName", "LastName"),
        ("first_name", "last_name"),
        ("Pupil forename", "Pupil surname"),
        ("Student First Name", "Student Last Name"),
        ("Chosen name", "Surname"),
        ("Name", "Surname"),
    ];
    let everybody = chosen(pupils, |_| true);
    for (turn, pupil) in turns(&everybody, COUNT) {
        let p = &pupils[pupil];
        let (f, s) = HEADERS[turn % HEADERS.len()];
        let rows: Vec<Vec<String>> = match turn % 4 {
            0 => vec![vec![f, s, "Group"], vec![&p.forename, &p.surname, "B"]],
            1 => vec![vec![s, f, "Group"], vec![&p.surname, &p.forename, "B"]],
            2 => vec![
                vec!["No", s, "Group", f],
                vec!["1", &p.surname, "B", &p.forename],
            ],
            _ => vec![
                vec![f, "Locker", "Group", s],
                vec![&p.forename, "17", "B", &p.surname],
            ],
        }
        .into_iter()
        .map(|row| row.into_iter().map(str::to_owned).collect())
        .collect();
        push_table("forename and surname in columns", turn, pupil, &rows, out);
    }
    for (turn, pupil) in turns(&everybody, COUNT) {
        let p = &pupils[pupil];
        let rows: Vec<Vec<String>> = match turn % 3 {
            0 => vec![vec!["Seat", "", ""], vec!["1", &p.forename, &p.surname]],
            1 => vec![
                vec!["1", &p.surname, &p.forename],
                vec!["2", "free", "free"],
            ],
            _ => vec![vec![&p.forename, &p.surname, "17"]],
        }
        .into_iter()
        .map(|row| row.into_iter().map(str::to_owned).collect())
        .collect();
        push_table(
            "names in neighbouring cells without headers",
            turn,
            pupil,
            &rows,
            out,
        );
    }
}

fn push_table(
    class: &'static str,
    turn: usize,
    pupil: usize,
    rows: &[Vec<String>],
    out: &mut Vec<Sample>,
) {
    let shown = format!("{rows:?}");
    let lines = |separator: &str| {
        rows.iter()
            .map(|row| row.join(separator))
            .collect::<Vec<_>>()
            .join("\r\n")
            + "\r\n"
    };
    let (place, message) = match turn % 5 {
        0 => (
            "attachment",
            message::with_file("list.csv", "text/csv", lines(",").as_bytes()),
        ),
        1 => (
            "attachment",
            message::with_file("list.xlsx", message::XLSX, &message::xlsx(rows)),
        ),
        2 => ("body", message::html_table(rows)),
        3 => (
            "attachment",
            message::with_file("list.csv", "text/csv", lines(";").as_bytes()),
        ),
        _ => (
            "attachment",
            message::with_file(
                "list.tsv",
                "text/tab-separated-values",
                lines("\t").as_bytes(),
            ),
        ),
    };
    out.push(Sample::name(class, pupil, place, message, &shown));
}

fn labelled(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let class = "names behind labels";
    for (turn, pupil) in turns(&chosen(pupils, |_| true), COUNT) {
        let p = &pupils[pupil];
        let (f, s) = (&p.forename, &p.surname);
        let text = match turn % 8 {
            0 => format!("Forename: {f}\nSurname: {s}"),
            1 => format!("Surname: {s}\nForename: {f}"),
            2 => format!("First name: {f}, Last name: {s}"),
            3 => format!("Pupil: {f} {s}"),
            4 => format!("Name of child: {s}, {f}"),
            5 => format!("Surname {s} Forename(s) {f}"),
            6 => format!("Surname: {s}\n\nFirst name: {f}"),
            _ => format!("Legal surname: {s}\nLegal forename: {f}"),
        };
        let carrier = [
            Carrier::Plain8,
            Carrier::Docx,
            Carrier::PlainQp,
            Carrier::TxtFile,
        ][turn % 4];
        out.push(Sample::name(
            class,
            pupil,
            carrier.place(),
            message::carry(carrier, &text),
            &format!("{carrier:?} {text:?}"),
        ));
    }
}
