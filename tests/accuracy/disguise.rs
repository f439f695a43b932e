//! Ways in which a name reaches a reader although its bytes are not the plain name.

use std::fmt::Write as _;

use crate::message::{self, CARRIERS, Carrier, run};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Sample, anywhere, carried, chosen, sentence, turns};

/// Messages a class.
const COUNT: usize = 120;
const ZERO_WIDTH: &[char] = &[
    '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{200e}', '\u{202c}',
];
const IGNORABLE: &[char] = &[
    '\u{34f}',
    '\u{115f}',
    '\u{1160}',
    '\u{17b4}',
    '\u{180b}',
    '\u{180e}',
    '\u{2061}',
    '\u{2064}',
    '\u{206a}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{ffa0}',
    '\u{e0020}',
    '\u{e0101}',
    '\u{61c}',
    '\u{1d173}',
];
const SPACES: &[char] = &[
    '\u{a0}', '\u{2007}', '\u{202f}', '\u{2009}', '\u{2003}', '\u{200a}', '\u{205f}', '\u{3000}',
    '\u{1680}',
];
const MARKS: &[char] = &[
    '\u{301}', '\u{308}', '\u{336}', '\u{332}', '\u{335}', '\u{30a}', '\u{323}', '\u{20dd}',
    '\u{489}',
];
const CYRILLIC: &[(char, char)] = &[
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('o', 'о'),
    ('p', 'р'),
    ('x', 'х'),
    ('y', 'у'),
    ('i', 'і'),
    ('s', 'ѕ'),
    ('j', 'ј'),
    ('h', 'һ'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('I', 'І'),
    ('J', 'Ј'),
    ('Y', 'Ү'),
];
const GREEK: &[(char, char)] = &[
    ('o', 'ο'),
    ('v', 'ν'),
    ('A', 'Α'),
    ('B', 'Β'),
    ('E', 'Ε'),
    ('H', 'Η'),
    ('I', 'Ι'),
    ('K', 'Κ'),
    ('M', 'Μ'),
    ('N', 'Ν'),
    ('O', 'Ο'),
    ('P', 'Ρ'),
    ('T', 'Τ'),
    ('X', 'Χ'),
    ('Y', 'Υ'),
    ('Z', 'Ζ'),
    ('i', 'ι'),
    ('a', 'α'),
    ('u', 'υ'),
    ('p', 'ρ'),
];
const LEET: &[(char, char)] = &[
    ('o', '0'),
    ('i', '1'),
    ('l', '1'),
    ('e', '3'),
    ('a', '4'),
    ('s', '5'),
    ('t', '7'),
    ('b', '8'),
];

/// Puts signs into the words of a name: everywhere, or in one to three places.
fn strewn(name: &str, signs: &[char], random: &mut Random, everywhere: bool) -> String {
    let chars: Vec<char> = name.chars().collect();
    let inside: Vec<usize> = (1..chars.len())
        .filter(|i| chars[*i].is_alphabetic() && chars[*i - 1].is_alphabetic())
        .collect();
    let some: Vec<usize> = (0..=random.below(3))
        .map(|_| inside[random.below(inside.len())])
        .collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        if inside.contains(&index) && (everywhere || some.contains(&index)) {
            out.push(signs[random.below(signs.len())]);
        }
        out.push(*c);
    }
    out
}

/// Replaces letters by look-alikes: all that have one, or one to three of them. None when no letter has one.
fn swapped(name: &str, table: &[(char, char)], random: &mut Random, all: bool) -> Option<String> {
    let twin = |c: char| {
        table
            .iter()
            .find(|(plain, _)| *plain == c)
            .map(|(_, odd)| *odd)
    };
    let places: Vec<usize> = name
        .chars()
        .enumerate()
        .filter(|(_, c)| twin(*c).is_some())
        .map(|(index, _)| index)
        .collect();
    if places.is_empty() {
        return None;
    }
    let some: Vec<usize> = (0..=random.below(3))
        .map(|_| places[random.below(places.len())])
        .collect();
    let swap = |(index, c): (usize, char)| match twin(c) {
        Some(odd) if all || some.contains(&index) => odd,
        _ => c,
    };
    Some(name.chars().enumerate().map(swap).collect())
}

fn full_width(name: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
        ' ' => '\u{3000}',
        c => c,
    };
    name.chars().map(wide).collect()
}

fn mathematical(name: &str, style: usize) -> String {
    // Bold, sans-serif bold, monospace, bold script, circled.
    let (upper, lower) = [
        (0x1d400, 0x1d41a),
        (0x1d5d4, 0x1d5ee),
        (0x1d670, 0x1d68a),
        (0x1d4d0, 0x1d4ea),
        (0x24b6, 0x24d0),
    ][style % 5];
    let letter = |c: char| match c {
        'a'..='z' => char::from_u32(lower + (c as u32 - 97)).unwrap_or(c),
        'A'..='Z' => char::from_u32(upper + (c as u32 - 65)).unwrap_or(c),
        c => c,
    };
    name.chars().map(letter).collect()
}

fn spaced(name: &str, within: &str, between: &str) -> String {
    let words: Vec<String> = name
        .split(' ')
        .map(|word| {
            word.chars()
                .map(String::from)
                .collect::<Vec<_>>()
                .join(within)
        })
        .collect();
    words.join(between)
}

/// Cuts a text into pieces at random places inside words.
fn pieces(name: &str, random: &mut Random) -> Vec<String> {
    let mut out = vec![String::new()];
    for c in name.chars() {
        let last = out.last_mut().unwrap();
        if !last.is_empty() && random.below(3) == 0 {
            out.push(String::from(c));
        } else {
            last.push(c);
        }
    }
    out
}

/// All messages of the classes of disguise.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    in_text(pupils, &mut out);
    letter_spacing(pupils, &mut out);
    leet(pupils, &mut out);
    in_markup(pupils, &mut out);
    over_lines(pupils, &mut out);
    out
}

type Change = fn(&str, usize, &mut Random) -> Option<String>;

fn in_text(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let changes: &[(&'static str, Change)] = &[
        ("zero-width characters", |n, t, r| {
            Some(strewn(n, ZERO_WIDTH, r, t % 2 == 0))
        }),
        ("default-ignorable characters", |n, t, r| {
            Some(strewn(n, IGNORABLE, r, t % 2 == 0))
        }),
        ("soft hyphens", |n, t, r| {
            Some(strewn(n, &['\u{ad}'], r, t % 2 == 0))
        }),
        ("no-break and other spaces", |n, _, r| {
            let space = SPACES[r.below(SPACES.len())];
            Some(n.replace(' ', &String::from(space)))
        }),
        ("Cyrillic look-alikes, some", |n, _, r| {
            swapped(n, CYRILLIC, r, false)
        }),
        ("Cyrillic look-alikes, all", |n, _, r| {
            swapped(n, CYRILLIC, r, true)
        }),
        ("Greek look-alikes", |n, t, r| {
            swapped(n, GREEK, r, t % 2 == 0)
        }),
        ("full-width letters", |n, _, _| Some(full_width(n))),
        ("mathematical and circled letters", |n, t, _| {
            Some(mathematical(n, t))
        }),
        ("combining marks", |n, t, r| {
            Some(strewn(n, MARKS, r, t % 2 == 0))
        }),
    ];
    for (class, change) in changes {
        let mut random = Random::of(class);
        let everybody = chosen(pupils, |_| true);
        for (turn, pupil) in turns(&everybody, COUNT) {
            if let Some(name) = change(&pupils[pupil].name(), turn, &mut random) {
                out.push(anywhere(class, turn, &mut random, pupil, &name));
            }
        }
    }
}

fn letter_spacing(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let ways = [
        (" ", "   "),
        (" ", "  "),
        (".", "  "),
        ("\u{a0}", " \u{a0} "),
        ("-", " "),
        ("_", "  "),
    ];
    let class = "letter spacing";
    let mut random = Random::of(class);
    let people = chosen(pupils, |p| {
        p.name().chars().all(|c| c.is_alphabetic() || c == ' ') && p.surname.chars().count() > 2
    });
    for (turn, pupil) in turns(&people, COUNT) {
        let (within, between) = ways[turn % ways.len()];
        let name = spaced(&pupils[pupil].name(), within, between);
        out.push(anywhere(class, turn, &mut random, pupil, &name));
    }
    for (class, within, between) in [
        ("letter spacing, words not set apart", " ", " "),
        ("letter spacing with full stops and spaces", ". ", "  "),
    ] {
        let mut random = Random::of(class);
        for (turn, pupil) in turns(&people, COUNT) {
            let name = spaced(&pupils[pupil].name(), within, between);
            out.push(anywhere(class, turn, &mut random, pupil, &name));
        }
    }
}

fn leet(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let people = chosen(pupils, |p| {
        p.is_plain() && p.forename.len() > 4 && p.surname.len() > 4
    });
    for (class, both) in [
        ("leetspeak in one of the names", false),
        ("leetspeak in both names", true),
    ] {
        let mut random = Random::of(class);
        for (turn, pupil) in turns(&people, COUNT) {
            let p = &pupils[pupil];
            let (mut forename, mut surname) = (p.forename.clone(), p.surname.clone());
            let mut change = |word: &mut String| {
                // The capital stays, as people leave it.
                let (first, rest) = word.split_at(1);
                *word = format!("{first}{}", swapped(rest, LEET, &mut random, false)?);
                Some(())
            };
            let done = match (both, turn % 2) {
                (true, _) => change(&mut forename).and_then(|()| change(&mut surname)),
                (false, 0) => change(&mut forename),
                (false, _) => change(&mut surname),
            };
            if done.is_some() {
                out.push(anywhere(
                    class,
                    turn,
                    &mut random,
                    pupil,
                    &format!("{forename} {surname}"),
                ));
            }
        }
    }
}

fn in_markup(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let everybody = chosen(pupils, |_| true);
    let class = "words split by tags";
    let mut random = Random::of(class);
    for (turn, pupil) in turns(&everybody, COUNT) {
        let name = pupils[pupil].name();
        let parts: Vec<String> = pieces(&name, &mut random)
            .iter()
            .map(|p| message::escaped(p))
            .collect();
        let markup = match turn % 6 {
            0 => parts.join("<b></b>"),
            1 => parts.iter().fold(String::new(), |mut out, part| {
                let _ = write!(out, "<span style=\"color:#111\">{part}</span>");
                out
            }),
            2 => parts.join("<!-- x -->"),
            3 => parts.join("<wbr>"),
            4 => name.chars().fold(String::new(), |mut out, c| {
                let _ = write!(out, "&#{};", c as u32);
                out
            }),
            _ => format!("<i>{}</i>", parts.join("</i><i>")),
        };
        let text = sentence(&mut random, "@@");
        let page = message::html(&format!("<p>{}</p>", text.replace("@@", &markup)));
        out.push(Sample::name(class, pupil, "body", page, &markup));
    }
    let class = "words split by runs";
    let mut random = Random::of(class);
    for (_, pupil) in turns(&everybody, COUNT) {
        let name = pupils[pupil].name();
        let text = sentence(&mut random, "@@");
        let (before, after) = text.split_once("@@").unwrap_or_default();
        let parts = pieces(&name, &mut random);
        let mut runs = run(before);
        for part in &parts {
            let _ = write!(runs, "{}<w:proofErr w:type=\"spellStart\"/>", run(part));
        }
        runs.push_str(&run(after));
        let file = message::docx(&[run("Notes"), runs]);
        out.push(Sample::name(
            class,
            pupil,
            "attachment",
            message::with_file("note.docx", message::DOCX, &file),
            &parts.join("|"),
        ));
    }
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
