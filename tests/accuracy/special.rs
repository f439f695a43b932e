//! Special categories beside a pupil, and as topics.

use std::fmt::Write as _;

use crate::kinds::{carrier, carry};
use crate::message;
use crate::people::Pupil;
use crate::sample::{Planted, Sample, What, chosen, turns};

/// Messages a class.
const COUNT: usize = 96;

/// What is said.
const TERMS: &[&str] = &[
    "looked after child",
    "asylum seeker",
    "pupil premium",
    "free school meals",
    "gender identity",
    "criminal record",
    "leave to remain",
    "personal education plan",
    "ethnicity",
    "no recourse to public funds",
    "religion",
    "youth caution",
];
/// How it is said of `{n}`.
const TEXTS: &[&str] = &[
    "{n}: {t}",
    "{n} was asked about {t} and would like the note to stay private.",
    "Please update {t} for {n}.",
    "Name: {n}\nGroup: B\nOn file: {t}",
    "{n} starts on Monday. There is a letter about {t} in the file.",
    "{t} - see {n}",
    "This is about {n}.\n\nHe says that {t} is the matter.",
    "- {n} ({t})\n- two places still open",
];
/// Topics in a message that names a pupil.
const TOPICS: &[&str] = &[
    "{n} won the art prize. Our pupil premium strategy is on the website.",
    "{n} sang at the fair.\n\nFree school meals vouchers go out to all families on Friday.",
    "{n} came first. Refugee week: a talk on asylum for Year 9, parents welcome.",
    "{n} is in the picture.\n\nMonday's RE lesson is about religion and ethics, with a guest speaker.",
    "Thank you to {n} for the stall, which raised 60 pounds for the refugee charity.",
    "{n} scored twice.\n\nGovernors noted the report on pupil premium spending.",
    "{n} plays the lead.\n\nPupils on free school meals get tickets at half price.",
    "{n} drew the cover. Guidance on gender identity for schools is out for consultation.",
];
/// Origin, belief, orientation, care and premium, of a pupil and of nobody.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    let everybody = chosen(pupils, |_| true);
    let class = "special categories of a pupil";
    for (turn, pupil) in turns(&everybody, COUNT * 2) {
        let term = TERMS[turn / TEXTS.len() % TERMS.len()];
        let name = pupils[pupil].name();
        let (place, message, shown) = if turn % 7 == 6 {
            let rows = [
                vec!["Pupil".to_owned(), "Notes".to_owned(), "Bus".to_owned()],
                vec![name, term.to_owned(), "4".to_owned()],
            ];
            let mut csv = String::new();
            for row in &rows {
                let _ = write!(csv, "{}\r\n", row.join(","));
            }
            let message = match turn / 7 % 3 {
                0 => message::with_file("list.csv", "text/csv", csv.as_bytes()),
                1 => message::with_file("list.xlsx", message::XLSX, &message::xlsx(&rows)),
                _ => message::html_table(&rows),
            };
            (
                ["attachment", "attachment", "body"][turn / 7 % 3],
                message,
                csv,
            )
        } else {
            let text = TEXTS[turn % TEXTS.len()]
                .replace("{n}", &name)
                .replace("{t}", term);
            let carrier = carrier(turn / 2, &text);
            (
                carrier.place(),
                carry(carrier, &text),
                format!("{carrier:?} {text:?}"),
            )
        };
        let mut sample = Sample::name(class, pupil, place, message, &shown);
        sample.planted.push(Planted {
            category: "medical",
            detector: "special-category-term",
            place,
            what: What::Value(term.to_owned()),
        });
        out.push(sample);
    }
    topics(pupils, &everybody, &mut out);
    out
}

fn topics(pupils: &[Pupil], everybody: &[usize], out: &mut Vec<Sample>) {
    let class = "special categories that are topics";
    for (turn, pupil) in turns(everybody, COUNT) {
        let text = TOPICS[turn % TOPICS.len()].replace("{n}", &pupils[pupil].name());
        let carrier = carrier(turn / TOPICS.len(), &text);
        let shown = format!("{carrier:?} {text:?}");
        out.push(Sample::name(
            class,
            pupil,
            carrier.place(),
            carry(carrier, &text),
            &shown,
        ));
    }
}
