//! Ways in which people write a pupil's name.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::message::{self, Carrier};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Sample, anywhere, carried, chosen, sentence, turns};

/// Messages a class.
const COUNT: usize = 100;

/// How a pupil's name is written in turn; none where the form does not fit the name.
type Form = fn(&Pupil, usize) -> Option<String>;

/// Surnames with a particle in front: how many words it has.
fn particle(p: &Pupil) -> Option<(&str, &str)> {
    const PARTICLES: &[&str] = &[
        "van der ", "van den ", "de la ", "della ", "de ", "dos ", "al-", "el-", "bin ", "von ",
        "di ", "ud-",
    ];
    PARTICLES
        .iter()
        .find_map(|particle| Some((*particle, p.surname.strip_prefix(particle)?)))
}

/// Letters without marks, the others spelled as people type them.
fn unmarked(text: &str) -> String {
    let spelled: String = text
        .chars()
        .map(|c| match c {
            'ß' => "ss".to_owned(),
            'ø' => "o".to_owned(),
            'Ø' => "O".to_owned(),
            'ł' => "l".to_owned(),
            'Ł' => "L".to_owned(),
            'đ' => "d".to_owned(),
            'Đ' => "D".to_owned(),
            'æ' => "ae".to_owned(),
            'Æ' => "Ae".to_owned(),
            'ı' => "i".to_owned(),
            'þ' => "th".to_owned(),
            'Þ' => "Th".to_owned(),
            'ð' => "d".to_owned(),
            c => c.to_string(),
        })
        .collect();
    spelled.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Two letters for an umlaut and the like.
fn two_letters(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'ä' => "ae".to_owned(),
            'ö' | 'ø' => "oe".to_owned(),
            'ü' => "ue".to_owned(),
            'å' => "aa".to_owned(),
            'Ö' | 'Ø' => "Oe".to_owned(),
            'Å' => "Aa".to_owned(),
            'Ü' => "Ue".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn changed(before: &str, after: String) -> Option<String> {
    (before != after).then_some(after)
}

fn lower_ascii(text: &str) -> String {
    unmarked(text)
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect()
}

fn capitalised(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|c| c.to_uppercase().chain(chars).collect::<String>())
                .unwrap_or_default()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn initial(text: &str) -> char {
    text.chars().next().unwrap_or('x')
}

const FORMS: &[(&str, Form)] = &[
    ("forename surname", |p, _| Some(p.name())),
    ("surname forename", |p, _| {
        Some(format!("{} {}", p.surname, p.forename))
    }),
    ("surname, forename", |p, t| {
        Some(format!("{},{}{}", p.surname, [" ", ""][t % 2], p.forename))
    }),
    ("capitals", |p, t| {
        Some(match t % 4 {
            0 => p.name().to_uppercase(),
            1 => format!("{} {}", p.surname.to_uppercase(), p.forename),
            2 => format!("{} {}", p.forename, p.surname.to_uppercase()),
            _ => format!("{}, {}", p.surname.to_uppercase(), p.forename),
        })
    }),
    ("small letters", |p, t| {
        Some(if t % 3 == 2 {
            format!("{}, {}", p.surname, p.forename).to_lowercase()
        } else {
            p.name().to_lowercase()
        })
    }),
    ("middle names", |p, t| {
        (!p.middle.is_empty()).then(|| match t % 2 {
            0 => format!("{} {} {}", p.forename, p.middle, p.surname),
            _ => format!("{}, {} {}", p.surname, p.forename, p.middle),
        })
    }),
    ("middle initials", |p, t| {
        let letter = if p.middle.is_empty() {
            'J'
        } else {
            initial(&p.middle)
        };
        Some(match t % 4 {
            0 => format!("{} {letter}. {}", p.forename, p.surname),
            1 => format!("{} {letter} {}", p.forename, p.surname),
            2 => format!("{}, {} {letter}.", p.surname, p.forename),
            _ => format!("{} {letter}. M. {}", p.forename, p.surname),
        })
    }),
    ("preferred forename", |p, t| {
        (!p.known_as.is_empty()).then(|| match t % 4 {
            0 => format!("{} {}", p.known_as, p.surname),
            1 => format!("{}, {}", p.surname, p.known_as),
            2 => format!("{} ({}) {}", p.forename, p.known_as, p.surname),
            _ => format!(
                "{} \u{201c}{}\u{201d} {}",
                p.forename, p.known_as, p.surname
            ),
        })
    }),
    ("former surname", |p, t| {
        (!p.former.is_empty()).then(|| match t % 2 {
            0 => format!("{} {}", p.forename, p.former),
            _ => format!("{}, {}", p.former, p.forename),
        })
    }),
    ("double-barrelled surname", |p, t| {
        let (one, two) = p
            .surname
            .split_once('-')
            .filter(|_| particle(p).is_none())?;
        let f = &p.forename;
        Some(match t % 7 {
            0 => format!("{f} {one}-{two}"),
            1 => format!("{f} {one} {two}"),
            2 => format!("{f} {one}{two}"),
            3 => format!("{f} {one}\u{2013}{two}"),
            4 => format!("{f} {one}\u{2011}{two}"),
            5 => format!("{one} {two}, {f}"),
            _ => format!("{f} {} {}", one.to_lowercase(), two.to_lowercase()),
        })
    }),
    ("half of a double surname", |p, t| {
        let (one, two) = p
            .surname
            .split_once(['-', ' '])
            .filter(|_| particle(p).is_none() && !p.surname.starts_with("St"))?;
        Some(match t % 4 {
            0 => format!("{} {one}", p.forename),
            1 => format!("{} {two}", p.forename),
            2 => format!("{one}, {}", p.forename),
            _ => format!("{two}, {}", p.forename),
        })
    }),
    ("double forename", |p, t| {
        let (one, two) = p.forename.split_once('-')?;
        Some(match t % 4 {
            0 => p.name(),
            1 => format!("{one} {two} {}", p.surname),
            2 => format!("{one}{} {}", two.to_lowercase(), p.surname),
            _ => format!("{}, {one} {two}", p.surname),
        })
    }),
    ("two surnames", |p, t| {
        let (one, two) = p
            .surname
            .split_once(' ')
            .filter(|_| particle(p).is_none() && !p.surname.starts_with("St"))?;
        Some(match t % 3 {
            0 => p.name(),
            1 => format!("{} {one}-{two}", p.forename),
            _ => format!("{one} {two}, {}", p.forename),
        })
    }),
    ("apostrophes", |p, t| {
        let (one, two) = p.surname.split_once('\'')?;
        let mark = [
            "'", "\u{2019}", "\u{2bc}", "`", "\u{b4}", "\u{2018}", "", " ",
        ][t % 8];
        Some(match t % 3 {
            1 => format!("{one}{mark}{two}, {}", p.forename),
            2 => format!("{} {one}{mark}{two}", p.forename).to_lowercase(),
            _ => format!("{} {one}{mark}{two}", p.forename),
        })
    }),
    ("particles", |p, t| {
        let (particle, rest) = particle(p)?;
        let f = &p.forename;
        Some(match t % 7 {
            0 => p.name(),
            1 => format!("{f} {}{rest}", capitalised(particle)),
            2 => p.name().to_uppercase(),
            3 => format!(
                "{f} {}{}",
                particle.replace([' ', '-'], ""),
                rest.to_lowercase()
            ),
            4 => format!(
                "{f} {}{rest}",
                particle.replace([' ', '-'], " ").trim_end().to_owned() + "-"
            ),
            5 => format!("{particle}{rest}, {f}"),
            _ => format!("{f} {}{rest}", particle.replace('-', " ")),
        })
    }),
    ("particle left out", |p, t| {
        let (_, rest) = particle(p)?;
        Some(if t % 2 == 0 {
            format!("{} {rest}", p.forename)
        } else {
            format!("{rest}, {}", p.forename)
        })
    }),
    ("Mc and Mac", |p, t| {
        let (start, rest) = ["Mc", "Mac"]
            .iter()
            .find_map(|start| Some((*start, p.surname.strip_prefix(start)?)))?;
        let f = &p.forename;
        Some(match t % 6 {
            0 => p.name(),
            1 => format!("{f} {start} {rest}"),
            2 => format!("{f} {start}{}", rest.to_lowercase()),
            3 => p.name().to_uppercase(),
            4 => format!("{start} {rest}, {f}"),
            _ => format!("{f} {start}'{rest}"),
        })
    }),
    ("possessives", |p, t| {
        let name = p.name();
        Some(match t % 4 {
            0 => format!("{name}'s"),
            1 => format!("{name}\u{2019}s"),
            2 if name.ends_with('s') => format!("{name}'"),
            2 => format!("{name}`s"),
            _ => format!("{}'S", name.to_uppercase()),
        })
    }),
    ("diacritics left out", |p, _| {
        changed(&p.name(), unmarked(&p.name()))
    }),
    ("diacritics decomposed", |p, _| {
        changed(&p.name(), p.name().nfd().collect())
    }),
    ("two letters for one", |p, _| {
        let name = two_letters(&p.name());
        changed(&p.name(), unmarked(&name)).filter(|_| name != p.name())
    }),
    ("CamelCase", |p, t| {
        let plain = |text: &str| text.replace(['\'', '-', ' ', '.'], "");
        let (f, s) = (plain(&p.forename), plain(&capitalised(&p.surname)));
        let small = particle(p).is_some_and(|_| p.surname.starts_with(char::is_lowercase));
        Some(match t % 3 {
            0 => format!("{f}{s}"),
            1 => format!("{s}{f}"),
            _ if small => format!("{f}_{s}"),
            _ => format!("{}{s}", f.to_lowercase()),
        })
    }),
    ("e-mail local parts", |p, t| {
        let (f, s) = (lower_ascii(&p.forename), lower_ascii(&p.surname));
        let local = match t % 7 {
            0 => format!("{f}.{s}"),
            1 => format!("{s}.{f}"),
            2 => format!("{f}_{s}"),
            3 => format!("{f}{s}"),
            4 => format!("{f}.{s}{}", 10 + t % 20),
            5 => format!("{f}-{s}"),
            _ => format!("20{f}.{s}"),
        };
        Some(format!("{local}@pupils.larkrise.example"))
    }),
    ("underscores and dashes", |p, t| {
        let name = unmarked(&p.name());
        Some(match t % 4 {
            0 => name.replace(' ', "_"),
            1 => name.to_lowercase().replace(' ', "-"),
            2 => name.to_lowercase().replace(' ', "."),
            _ => name.replace(' ', "+"),
        })
    }),
    ("title before the name", |p, t| {
        Some(format!(
            "{} {}",
            ["Miss", "Master", "Mr", "Ms"][t % 4],
            p.name()
        ))
    }),
];

/// All messages of the forms.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    for (class, form) in FORMS {
        let mut random = Random::of(class);
        // The forms that only some names have go round them several times, another way each time.
        let people = chosen(pupils, |p| form(p, 0).is_some());
        for (turn, pupil) in turns(&people, COUNT) {
            let round = turn / people.len() + turn;
            if let Some(name) = form(&pupils[pupil], round) {
                let carriers: &[Carrier] = if *class == "e-mail local parts" {
                    &[Carrier::Plain8, Carrier::Html, Carrier::Csv, Carrier::Docx]
                } else {
                    message::CARRIERS
                };
                out.push(carried(class, turn, carriers, &mut random, pupil, &name));
            }
        }
    }
    file_names(pupils, &mut out);
    columns(pupils, &mut out);
    labelled(pupils, &mut out);
    ordinary(pupils, &mut out);
    taking_part(pupils, &mut out);
    out
}

/// A pupil who is among the recipients is written about all the same.
fn taking_part(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let class = "a pupil among the recipients";
    let mut random = Random::of(class);
    for (turn, pupil) in turns(&chosen(pupils, Pupil::is_plain), COUNT) {
        let n = pupils[pupil].name();
        let text = match turn % 3 {
            0 => sentence(&mut random, &n),
            1 => format!("Thanks\n\n{n} has been moved to the later bus."),
            _ => format!("- {n}, back on Monday, has the keys to the hall."),
        };
        let raw = format!(
            "From: Office <office@larkrise.example>\r\nTo: desk@riverside-museum.example, {n} <p{turn}@larkrise.example>\r\n\
             Subject: Tomorrow\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            text.replace('\n', "\r\n")
        );
        out.push(Sample::name(
            class,
            pupil,
            "body",
            raw.into_bytes(),
            &format!("{text:?}"),
        ));
    }
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
        2 => {
            let cell = |cells: &Vec<String>| {
                cells
                    .iter()
                    .map(|c| format!("<td>{}</td>", message::escaped(c)))
                    .collect::<String>()
            };
            let body: String = rows
                .iter()
                .map(|row| format!("<tr>{}</tr>", cell(row)))
                .collect();
            ("body", message::html(&format!("<table>{body}</table>")))
        }
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

/// Names of everyday words with something beside them that says a pupil is meant.
fn ordinary(pupils: &[Pupil], out: &mut Vec<Sample>) {
    let class = "everyday words with a second sign";
    let mut random = Random::of(class);
    let people: Vec<usize> = (0..pupils.len())
        .filter(|index| pupils[*index].ordinary)
        .collect();
    let others = chosen(pupils, Pupil::is_plain);
    for (turn, pupil) in turns(&people, COUNT) {
        let p = &pupils[pupil];
        let n = p.name();
        let text = match turn / people.len() {
            0 => format!("{n} in {} forgot the kit.", p.form),
            1 => format!("Please add {n} (DOB {}) to the list.", p.born),
            2 => format!("Pupil: {n}"),
            3 => format!("Our pupil {n} would like to come too."),
            _ => {
                let other = others[random.below(others.len())];
                let text = format!("{n} and {} share a locker.", pupils[other].name());
                let mut sample = anywhere(class, 0, &mut random, pupil, &n);
                sample.message = message::carry(Carrier::Plain8, &text);
                sample.shown = text;
                sample
                    .planted
                    .extend(Sample::name(class, other, "body", Vec::new(), "").planted);
                out.push(sample);
                continue;
            }
        };
        let mut sample = Sample::name(
            class,
            pupil,
            "body",
            message::carry(Carrier::Plain8, &text),
            &text,
        );
        sample.allowed = &["personal-detail"];
        out.push(sample);
    }
    let class = "name with date of birth, number, postcode or form";
    let mut random = Random::of(class);
    for (turn, pupil) in turns(&chosen(pupils, |_| true), COUNT) {
        let p = &pupils[pupil];
        let beside = match turn % 4 {
            0 => format!("born {}", p.born),
            1 => format!("UPN {}", p.upn),
            2 => "ZZ9 9ZZ".to_owned(),
            _ => format!("form {}", p.form),
        };
        let text = sentence(&mut random, &format!("{} ({beside})", p.name()));
        let carrier = [Carrier::Plain8, Carrier::Html, Carrier::Docx][turn % 3];
        let mut sample = Sample::name(
            class,
            pupil,
            carrier.place(),
            message::carry(carrier, &text),
            &format!("{carrier:?} {text:?}"),
        );
        sample.allowed = &["personal-detail", "pupil-id"];
        out.push(sample);
    }
}
