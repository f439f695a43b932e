//! Names over line ends: wrapped, hyphenated, quoted, flowed, in soft breaks, with tabs and many spaces.

use std::fmt::Write as _;

use crate::message::{self, CARRIERS, Carrier};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Sample, carried, chosen, sentence, turns};

/// Messages a class.
const COUNT: usize = 120;

/// All of them.
pub fn samples(pupils: &[Pupil], out: &mut Vec<Sample>) {
    over_lines(pupils, out);
    in_transfer(pupils, out);
    in_white_space(pupils, out);
}

/// A name with a break between its words, or at a hyphen.
fn broken(p: &Pupil, mark: &str) -> String {
    p.name().replacen(' ', mark, 1)
}

fn over_lines(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let everybody = chosen(pupils, |_| true);
    let mut push =
        |class: &'static str, turn: usize, pupil: usize, message: Vec<u8>, text: &str| {
            out.push(Sample::name(
                class,
                pupil,
                "body",
                message,
                &format!("{turn} {text:?}"),
            ));
        };
    let mut random = Random::of("lines");
    let letter = |text: &str| format!("Hello\n\n{text}\n\nKind regards\n");
    for (turn, pupil) in turns(&everybody, COUNT) {
        let p = &pupils[pupil];
        let class = "words split by lines";
        let text = sentence(&mut random, &broken(p, "\n"));
        push(
            class,
            turn,
            pupil,
            message::plain(&letter(&text), ""),
            &text,
        );

        let class = "words hyphenated at the line's end";
        if p.surname.chars().count() > 6 && p.surname.chars().all(char::is_alphabetic) {
            let cut = p.surname.char_indices().nth(3).map_or(0, |(at, _)| at);
            let text = sentence(
                &mut random,
                &format!(
                    "{} {}-\n{}",
                    p.forename,
                    &p.surname[..cut],
                    &p.surname[cut..]
                ),
            );
            push(
                class,
                turn,
                pupil,
                message::plain(&letter(&text), ""),
                &text,
            );
        }

        let class = "words split by quote prefixes";
        let prefix = ["> ", ">> ", "> > ", ">"][turn % 4];
        let text = sentence(&mut random, &broken(p, "\n"));
        let quoted: String = text.lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "{prefix}{line}");
            out
        });
        let text = format!("Yes, that works.\n\n{quoted}");
        push(
            class,
            turn,
            pupil,
            message::plain(&letter(&text), ""),
            &text,
        );
    }
}

fn in_transfer(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let everybody = chosen(pupils, |_| true);
    let mut push =
        |class: &'static str, turn: usize, pupil: usize, message: Vec<u8>, text: &str| {
            out.push(Sample::name(
                class,
                pupil,
                "body",
                message,
                &format!("{turn} {text:?}"),
            ));
        };
    let mut random = Random::of("transfer");
    let letter = |text: &str| format!("Hello\n\n{text}\n\nKind regards\n");
    for (turn, pupil) in turns(&everybody, COUNT) {
        let p = &pupils[pupil];
        let class = "format=flowed";
        let inside = p.surname.char_indices().nth(2).map_or(0, |(at, _)| at);
        let (name, parameters) = match turn % 3 {
            0 => (broken(p, " \n"), "; format=flowed"),
            1 => (
                format!(
                    "{} {} \n{}",
                    p.forename,
                    &p.surname[..inside],
                    &p.surname[inside..]
                ),
                "; format=flowed; delsp=yes",
            ),
            _ => (broken(p, " \n> "), "; format=flowed"),
        };
        let text = sentence(&mut random, &name);
        let text = if turn % 3 == 2 {
            format!("> {text}")
        } else {
            text
        };
        push(
            class,
            turn,
            pupil,
            message::plain(&letter(&text), parameters),
            &format!("{parameters} {text}"),
        );

        let class = "quoted-printable soft breaks";
        let text = letter(&sentence(&mut random, &p.name()));
        let every = 1 + turn % 5;
        let whole = |index: usize| text.is_char_boundary(index + 1) || turn % 2 == 0;
        let raw = message::quoted_printable(&text, ["plain", "html"][turn % 2], &|index| {
            index % every == 0 && whole(index)
        });
        push(class, turn, pupil, raw, &text);
    }
}

fn in_white_space(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let everybody = chosen(pupils, |_| true);
    let class = "tabs and many spaces";
    let mut random = Random::of(class);
    let carriers: Vec<Carrier> = CARRIERS
        .iter()
        .copied()
        .filter(|c| !matches!(c, Carrier::Xlsx | Carrier::Csv | Carrier::Subject))
        .collect();
    for (turn, pupil) in turns(&everybody, COUNT) {
        let name = broken(
            &pupils[pupil],
            ["    ", "\t", " \t ", "         "][turn % 4],
        );
        out.push(carried(class, turn, &carriers, &mut random, pupil, &name));
    }
}
