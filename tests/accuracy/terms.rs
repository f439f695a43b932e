//! Health, special needs and safeguarding said of a pupil, in a sentence, across subject and body, and in a row.

use crate::message::{self, Carrier};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Planted, Sample, What, chosen, turns};

/// What is said of a pupil: the words that must be found, and a sentence around `{n}` and `{t}`.
const SAID: &[(&str, &str, &str, &str)] = &[
    (
        "health of a pupil",
        "medical-term",
        "epilepsy",
        "{n} was diagnosed with {t} in March.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "asthma",
        "{n} has {t} and needs the blue inhaler before PE.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "type 1 diabetes",
        "{n} has {t}.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "EpiPen",
        "Please keep the {t} of {n} in the office.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "anorexia",
        "{n} is being treated for {t}.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "coeliac disease",
        "{n} has {t}, so no bread please.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "anxiety",
        "{n} has been signed off with {t}.",
    ),
    (
        "health of a pupil",
        "medical-term",
        "cystic fibrosis",
        "The nurse will come in for {n}, who has {t}.",
    ),
    (
        "special needs of a pupil",
        "sen-term",
        "EHCP",
        "{n} has an {t}.",
    ),
    (
        "special needs of a pupil",
        "sen-term",
        "autism",
        "{n} has a diagnosis of {t}.",
    ),
    (
        "special needs of a pupil",
        "sen-term",
        "dyslexia",
        "{n} has {t} and gets extra time.",
    ),
    (
        "special needs of a pupil",
        "sen-term",
        "ADHD",
        "{n} takes tablets for {t}.",
    ),
    (
        "special needs of a pupil",
        "sen-term",
        "speech and language therapy",
        "{n} gets {t} on Tuesdays.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "child protection plan",
        "{n} is on a {t}.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "self-harm",
        "{n} told us about {t} last night.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "looked after child",
        "{n} is a {t}.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "neglect",
        "We referred {n} to the MASH because of {t} at home.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "permanently excluded",
        "{n} was {t} on Friday.",
    ),
    (
        "safeguarding of a pupil",
        "safeguarding-term",
        "domestic abuse",
        "{n} has witnessed {t}.",
    ),
];
const COUNT: usize = 190;

/// All messages about somebody's health, needs or safety.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    let mut random = Random::of("terms");
    for (turn, pupil) in turns(&chosen(pupils, |_| true), COUNT) {
        let (class, detector, term, text) = SAID[turn % SAID.len()];
        let p = &pupils[pupil];
        let place;
        let (name_place, message, shown) = match (turn / SAID.len()) % 5 {
            0 | 1 => {
                let carrier = [
                    Carrier::Plain8,
                    Carrier::Html,
                    Carrier::Docx,
                    Carrier::PlainB64,
                ][random.below(4)];
                let text = text.replace("{n}", &p.name()).replace("{t}", term);
                place = carrier.place();
                (place, message::carry(carrier, &text), text)
            }
            2 => {
                place = "body";
                let text = text.replace("{n}", &p.forename).replace("{t}", term);
                let raw = message::message(
                    &format!("Re: {}", p.name()),
                    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
                    text.as_bytes(),
                );
                ("subject", raw, format!("subject Re: {} / {text}", p.name()))
            }
            3 => {
                place = "body";
                let text = format!(
                    "I saw {} and Mum today. {}",
                    p.name(),
                    text.replace("{n}", &p.forename).replace("{t}", term)
                );
                (place, message::plain(&text, ""), text)
            }
            _ => {
                place = "attachment";
                let rows = [vec!["Pupil", "Group", "Notes"], vec![&p.name(), "B", term]]
                    .map(|row| row.into_iter().map(str::to_owned).collect());
                (
                    place,
                    message::with_file("list.xlsx", message::XLSX, &message::xlsx(&rows)),
                    format!("{rows:?}"),
                )
            }
        };
        let mut sample = Sample::name(class, pupil, name_place, message, &shown);
        sample.planted.push(Planted {
            category: "medical",
            detector,
            place,
            what: What::Value(term.to_owned()),
        });
        sample.allowed = &["medical"];
        out.push(sample);
    }
    out
}
