//! Tables of other people, staff, and people who take part in the mail, with names that are pupils' or come close.

use crate::message::{self, Carrier};
use crate::parts::Crowd;
use crate::random::Random;
use crate::sample::Sample;

/// Messages a class.
const COUNT: usize = 250;

/// All of them.
pub fn samples(crowd: &Crowd, out: &mut Vec<Sample>) {
    tables(crowd, out);
    staff(crowd, out);
    participants(crowd, out);
}

/// Tables whose neighbouring cells and rows bring names together that do not belong together.
fn tables(crowd: &Crowd, out: &mut Vec<Sample>) {
    let class = "tables of other people and parts of names";
    let mut random = Random::of(class);
    for turn in 0..COUNT {
        let r = &mut random;
        let (p, a, b) = (crowd.pupil(r), crowd.crossed(r), crowd.crossed(r));
        let rows: Vec<Vec<&str>> = match turn % 5 {
            0 => vec![
                vec!["Surname", "Forename", "Depot"],
                vec![a.1, a.0, "North"],
                vec![b.1, b.0, "South"],
            ],
            // A row ends with the forename, the next begins with the surname.
            1 => vec![
                vec!["House", "Captain"],
                vec![a.1, &p.forename],
                vec![&p.surname, b.0],
            ],
            2 => vec![
                vec!["First name", "Group", "Score"],
                vec![a.0, "B", "12"],
                vec![&p.forename, "C", "14"],
            ],
            3 => vec![
                vec!["Room", "Staff", "Period 1"],
                vec!["12", a.1, "Maths"],
                vec!["14", &p.surname, "Art"],
            ],
            _ => vec![
                vec!["Driver", "Road", "Time"],
                vec![&p.forename, "8", "North"],
                vec![a.0, "9", &p.surname],
            ],
        };
        let shown = format!("{rows:?}");
        let lines = |separator: &str| {
            rows.iter()
                .map(|row| row.join(separator))
                .collect::<Vec<_>>()
                .join("\r\n")
        };
        let owned: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|c| (*c).to_owned()).collect())
            .collect();
        let message = match turn / 5 % 3 {
            0 => message::with_file("list.csv", "text/csv", lines(",").as_bytes()),
            1 => message::with_file("list.xlsx", message::XLSX, &message::xlsx(&owned)),
            _ => message::html_table(&owned),
        };
        out.push(Sample::negative(class, message, &shown));
    }
}

/// Staff, among them two who share a pupil's name.
fn staff(crowd: &Crowd, out: &mut Vec<Sample>) {
    let class = "staff";
    let mut random = Random::of(class);
    for turn in 0..COUNT {
        let r = &mut random;
        let (a, b) = (crowd.crossed(r), crowd.crossed(r));
        let text = match turn % 6 {
            0 => format!(
                "{} {}, Headteacher\n{} {}, SENCO\nHarriet Osgood, Teacher of Music",
                a.0, a.1, b.0, b.1
            ),
            1 => "Owen Ryan (PE) takes the cricket team on Saturday.".to_owned(),
            2 => format!(
                "Ask Isla McKenzie, our SENCO, or {} {} in the office.",
                a.0, a.1
            ),
            3 => format!("Mrs Isla McKenzie and Mr {} will be on the gate.", a.1),
            4 => format!("Cover today: Mr Owen Ryan 9K2, Ms {} 8M1", b.1),
            _ => format!(
                "Best wishes\n\nOwen Ryan\nTeacher of PE\nLarkrise School\n\ncc {} {}",
                a.0, a.1
            ),
        };
        let carrier = [Carrier::Plain8, Carrier::Html, Carrier::Docx][turn % 3];
        out.push(Sample::negative(
            class,
            message::carry(carrier, &text),
            &format!("{carrier:?} {text:?}"),
        ));
    }
}

/// Senders and recipients who bear a pupil's name: a parent, a pupil grown up.
fn participants(crowd: &Crowd, out: &mut Vec<Sample>) {
    let class = "participants with a pupil's name";
    let mut random = Random::of(class);
    for turn in 0..COUNT {
        let p = loop {
            let p = crowd.pupil(&mut random);
            if p.is_plain() {
                break p;
            }
        };
        let n = p.name();
        let text = match turn % 7 {
            4 => format!(
                "Fine by me.\r\n\r\nAt 12:05 on Monday, \"{n}\" <paint@depot.example> writes:\r\n> Blue?\r\n"
            ),
            5 => format!("Dear {n},\r\n\r\nThe paint is blue.\r\n"),
            6 => format!(
                "Hello\r\n\r\nThe paint is blue.\r\n\r\nThanks\r\n{n}, Head of Sales\r\n01632 960111\r\n"
            ),
            0 => {
                format!("The paint is blue.\r\n\r\nKind regards\r\n\r\n{n}\r\nSales, Depot Ltd\r\n")
            }
            1 => format!(
                "Fine by me.\r\n\r\nOn Mon, 2 Nov 2026 at 09:00, {n} <paint@depot.example> wrote:\r\n> Blue?\r\n"
            ),
            2 => format!(
                "Fine by me.\r\n\r\nFrom: {n} <paint@depot.example>\r\nSent: 2 November 2026\r\nTo: office@larkrise.example\r\nSubject: Paint\r\n\r\nBlue?\r\n"
            ),
            _ => format!("The paint is blue.\r\n\r\n--\r\n{n} | Depot Ltd | 01632 960111\r\n"),
        };
        let (from, to) = if [1, 2, 4, 5].contains(&(turn % 7)) {
            (
                "Office <office@larkrise.example>".to_owned(),
                format!("{n} <paint@depot.example>"),
            )
        } else {
            (
                format!("{n} <paint@depot.example>"),
                "Office <office@larkrise.example>".to_owned(),
            )
        };
        let raw = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: Paint\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"
        );
        out.push(Sample::negative(
            class,
            raw.into_bytes(),
            &format!("from {from} to {to}: {text:?}"),
        ));
    }
}
