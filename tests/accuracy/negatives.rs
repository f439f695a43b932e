//! Ordinary mail that comes close: parts of pupils' names, other people, near-miss numbers, topics without a pupil.

use std::collections::HashSet;

use crate::identifiers;
use crate::message::{self, CARRIERS, Carrier};
use crate::people::{Pupil, folded};
use crate::random::Random;
use crate::sample::{Sample, chosen};

/// Messages a class.
const COUNT: usize = 250;

/// Whom the makers choose from.
pub struct Crowd<'p> {
    pub pupils: &'p [Pupil],
    clear: Vec<usize>,
    full: HashSet<(String, String)>,
}

impl<'p> Crowd<'p> {
    pub fn of(pupils: &'p [Pupil]) -> Self {
        let mut full = HashSet::new();
        for p in pupils {
            for forename in [&p.forename, &p.known_as] {
                for surname in p
                    .surname
                    .split(['-', ' '])
                    .chain([p.surname.as_str(), p.former.as_str()])
                {
                    full.insert((folded(forename), folded(surname)));
                }
            }
        }
        Self {
            pupils,
            clear: chosen(pupils, |_| true),
            full,
        }
    }

    pub fn pupil(&self, random: &mut Random) -> &'p Pupil {
        &self.pupils[self.clear[random.below(self.clear.len())]]
    }

    pub fn forenames(&self, random: &mut Random, count: usize) -> Vec<&'p str> {
        (0..count)
            .map(|_| self.pupil(random).forename.as_str())
            .collect()
    }

    /// A forename that is no pupil's beside this surname.
    pub fn stranger(&self, random: &mut Random, surname: &str) -> &'p str {
        loop {
            let forename = &self.pupil(random).forename;
            if surname
                .split(['-', ' '])
                .chain([surname])
                .all(|half| !self.full.contains(&(folded(forename), folded(half))))
            {
                return forename;
            }
        }
    }

    /// A forename and a surname of two pupils that together, in either order, are nobody's name.
    pub fn crossed(&self, random: &mut Random) -> (&'p str, &'p str) {
        loop {
            let (one, two) = (self.pupil(random), self.pupil(random));
            let halves: Vec<&str> = two
                .surname
                .split(['-', ' '])
                .chain([two.surname.as_str()])
                .collect();
            let nobody = halves.iter().all(|half| {
                let (f, s) = (folded(&one.forename), folded(half));
                !self.full.contains(&(f.clone(), s.clone())) && !self.full.contains(&(s, f))
            });
            if nobody {
                return (&one.forename, &two.surname);
            }
        }
    }
}

type Make = fn(&mut Random, &Crowd) -> String;

fn initial(name: &str) -> char {
    name.chars().next().unwrap_or('x')
}

fn joined<T>(count: usize, separator: &str, mut one: impl FnMut() -> T) -> String
where
    T: Into<String>,
{
    (0..count)
        .map(|_| one().into())
        .collect::<Vec<String>>()
        .join(separator)
}

fn crossed(random: &mut Random, crowd: &Crowd) -> String {
    let (f, s) = crowd.crossed(random);
    format!("{f} {s}")
}

const PARTS: &[(&str, Make)] = &[
    ("first names only", |r, c| {
        let separator = [", ", "\n", " and ", " / ", "; ", "  "][r.below(6)];
        let names = c.forenames(r, 6).join(separator);
        format!(
            "Well done to{}{names}",
            if separator == "\n" { "\n" } else { " " }
        )
    }),
    ("initials", |r, c| {
        let way = r.below(4);
        joined(4, ", ", || {
            let p = c.pupil(r);
            match way {
                0 => format!("{}.{}.", initial(&p.forename), initial(&p.surname)),
                1 => format!("{}{}", initial(&p.forename), initial(&p.surname)),
                2 => format!("{} {}", initial(&p.forename), p.surname),
                _ => format!("{} {}", p.forename, initial(&p.surname)),
            }
        })
    }),
    ("families and titles", |r, c| {
        let (a, b) = (c.pupil(r), c.pupil(r));
        match r.below(4) {
            0 => format!("Dear Mr and Mrs {}, thank you for coming.", a.surname),
            1 => format!(
                "Mrs {} and Dr {} will meet us at the gate.",
                a.surname, b.surname
            ),
            2 => format!(
                "Thanks to the {} and {} families for the tent.",
                a.surname, b.surname
            ),
            _ => format!(
                "Miss {} is off today; Mr {} takes the register.",
                a.surname, b.surname
            ),
        }
    }),
    ("forename of one with surname of another", |r, c| {
        let name = crossed(r, c);
        match r.below(3) {
            0 => format!("{name} from the depot will ring at ten."),
            1 => format!("Dear {name}, please send the invoice again."),
            _ => format!("Our new supplier is {name} & Sons."),
        }
    }),
    ("sports results", |r, c| {
        let way = r.below(4);
        joined(5, ["\n", ", "][r.below(2)], || {
            let (a, b) = (c.pupil(r), c.pupil(r));
            match way {
                0 => format!("{} {}", a.surname, r.below(40)),
                1 => format!(
                    "{} c {} b {} {}",
                    a.surname,
                    b.surname,
                    c.pupil(r).surname,
                    r.below(60)
                ),
                2 => format!(
                    "{}. {} 12.{:02}s",
                    initial(&a.forename),
                    a.surname,
                    r.below(100)
                ),
                _ => format!("{} ({} min)", a.surname, 1 + r.below(80)),
            }
        })
    }),
    ("places with family names", |r, c| {
        let (a, b) = (c.pupil(r), c.pupil(r));
        let place = [
            "Road",
            "Street",
            "Hall",
            "Park",
            "Primary School",
            "Library",
            "Farm",
            "Close",
        ];
        match r.below(4) {
            0 => format!(
                "Turn left into {} {} and park by {} {}.",
                a.surname,
                r.pick(&place),
                b.surname,
                r.pick(&place)
            ),
            1 => format!(
                "The match is at {} {}, kick-off 10.30.",
                a.surname,
                r.pick(&place)
            ),
            2 => format!(
                "14 {} {}, {}ton, ZZ9 9ZZ",
                a.surname,
                r.pick(&place),
                b.surname
            ),
            _ => format!(
                "{} {} beat {} {} by two goals.",
                a.surname,
                r.pick(&place),
                b.surname,
                r.pick(&place)
            ),
        }
    }),
    ("authors and famous people", |r, c| {
        let famous = [
            "Dickens",
            "Nightingale",
            "Lovelace-King",
            "Attenborough",
            "Churchill",
            "Shakespeare",
            "Hepworth",
            "Turing",
        ];
        let (a, b) = (c.pupil(r), c.pupil(r));
        let one = famous[r.below(famous.len())];
        match r.below(4) {
            0 => format!("Our speaker is {} {one}, a former pupil.", a.forename),
            1 => format!(
                "{}, {}. and {}, {}. ({}) Reading in schools.",
                a.surname,
                initial(&b.forename),
                b.surname,
                initial(&a.forename),
                1990 + r.below(30)
            ),
            2 => format!(
                "This term we read {} {one} and {} {}.",
                a.forename,
                b.forename,
                famous[r.below(famous.len())]
            ),
            _ => format!("Winner of the {} Prize: {} {one}", a.surname, b.forename),
        }
    }),
    ("cast lists by first name", |r, c| {
        let parts = [
            "Titania",
            "Oberon",
            "Puck",
            "Bottom",
            "Narrator 1",
            "Macbeth",
            "Banquo",
            "First Witch",
            "Chorus",
            "Fagin",
            "Nancy",
        ];
        let separator = [" - ", ": ", "\t", " as ", " ..... "][r.below(5)];
        joined(6, "\n", || {
            let p = c.pupil(r);
            let part = parts[r.below(parts.len())];
            if separator == " as " {
                format!("{}{separator}{part}", p.forename)
            } else {
                format!("{part}{separator}{}", p.forename)
            }
        })
    }),
    ("two sentences", |r, c| {
        let p = c.pupil(r);
        match r.below(4) {
            0 => format!("I met {}. {} Hall is booked.", p.forename, p.surname),
            1 => format!(
                "Is that you, {}? {} Ltd rang about the roof.",
                p.forename, p.surname
            ),
            2 => format!(
                "Thank you, {}\n\n{} House won the cup.",
                p.forename, p.surname
            ),
            _ => format!("Ask {}! {} Road is closed.", p.forename, p.surname),
        }
    }),
    ("lists in which names meet", |r, c| {
        let (p, a, b) = (c.pupil(r), c.crossed(r), c.crossed(r));
        match r.below(4) {
            // The end of one entry and the beginning of the next are a pupil's two names.
            0 => format!(
                "Drivers: {} {}; {} {}",
                a.1,
                p.forename,
                p.surname,
                c.stranger(r, &p.surname)
            ),
            1 => format!(
                "{}, {}, {}, {}",
                a.0,
                p.forename,
                p.surname,
                c.stranger(r, &p.surname)
            ),
            2 => format!(
                "First names: {}, {}\nHouses: {}, {}",
                a.0, p.forename, p.surname, b.1
            ),
            _ => format!("- {}\n- {}\n- {} Street", a.0, p.forename, p.surname),
        }
    }),
    ("recipient lists", |r, c| {
        // One entry ends with the forename, the next begins with the surname.
        let (p, a, b) = (c.pupil(r), c.crossed(r), c.crossed(r));
        let other = c.stranger(r, &p.surname);
        match r.below(4) {
            0 => format!(
                "To: {}, {}; {}, {}; {}, {}",
                a.1, p.forename, p.surname, other, b.1, b.0
            ),
            1 => format!("> To: {}, {} J.; {}, {}", a.1, p.forename, p.surname, other),
            2 => format!("Cc: {}, {}; {}, {} M.", a.1, p.forename, p.surname, other),
            _ => format!(
                "Sent to {} <x@depot.example>, {} {}; {} {}",
                p.forename, a.0, a.1, b.0, b.1
            ),
        }
    }),
    ("signatures and quoted headers", |r, c| {
        let (a, b) = (crossed(r, c), crossed(r, c));
        match r.below(3) {
            0 => format!(
                "See you then.\n\nKind regards\n{a}\nFacilities\n\nOn Mon, 2 Nov 2026, {b} <b@depot.example> wrote:\n> When?"
            ),
            1 => format!(
                "> From: {a} <a@depot.example>\n> To: {b} <b@depot.example>\n> Subject: Paint\n>\n> Blue, please."
            ),
            _ => format!("{a} | Sales | 01632 960{} | www.depot.example", r.digits(3)),
        }
    }),
];

const TOPICS: &[&str] = &[
    "Asthma awareness week: please label inhalers. One child in eleven has asthma.",
    "Our anti-bullying policy was reviewed. It covers online abuse, racism and self-harm.",
    "Epilepsy first aid course: seizures, rescue medicine and recovery. 65 pounds a head.",
    "The SENCO vacancy closes on Friday. You will lead EHCP reviews and work with CAMHS.",
    "Child protection training is on Monday for all staff. Bring the safeguarding booklet.",
    "In biology Year 9 compares type 1 and type 2 diabetes. Homework: how does insulin work?",
    "Of 412 pupils 61 have SEN support, 14 an EHCP and 96 receive pupil premium.",
    "Menu: fish pie, coeliac option, nut-free cake. Tell the kitchen of any allergy.",
    "The medicines policy says that paracetamol is given only with a signed form.",
    "Webinar on autism and ADHD in girls, Tuesday at seven, free for parents.",
    "Head lice have been seen in two classes. Please check hair this weekend.",
    "Exclusion guidance has changed: suspensions of more than five days go to governors.",
    "Keeping children safe in education, part two: early help, section 47 and the LADO.",
    "World mental health day: assemblies on anxiety, depression and eating disorders.",
    "The council sells spare EpiPen kits for anaphylaxis. Each holds two pens.",
    "Free school meals: apply online. The looked-after children strategy is on the website.",
];

const NUMBERS: &[(&str, Make)] = &[
    ("order numbers and tracking ids", |r, _| match r.below(7) {
        0 => format!(
            "Order {} has been sent, tracking JD01{}.",
            identifiers::nhs(r),
            r.digits(14)
        ),
        1 => format!(
            "Parcel 1Z999AA1{} arrives on Tuesday, PO{}.",
            r.digits(10),
            r.digits(8)
        ),
        2 => format!(
            "Your order number is {}. Track it at https://parcels.example/t/{}",
            r.digits(10),
            identifiers::nhs(r)
        ),
        3 => format!(
            "Consignment {} {} {}",
            r.digits(4),
            r.digits(4),
            r.digits(4)
        ),
        4 => format!(
            "Ticket #{} (case {}) was closed.",
            r.digits(10),
            identifiers::nhs(r)
        ),
        5 => format!(
            "Invoice {} of 02/11/2026, customer {}, total 1,204.50",
            r.digits(8),
            r.digits(8)
        ),
        _ => format!(
            "Booking ref {}{} confirmed; order no. {}",
            ["QX", "LT", "VB"][r.below(3)],
            r.digits(6),
            r.digits(9)
        ),
    }),
    ("near-miss identifiers", |r, _| {
        let wrong = |number: &str| {
            let last = number
                .chars()
                .last()
                .and_then(|c| c.to_digit(10))
                .unwrap_or(0);
            format!("{}{}", &number[..number.len() - 1], (last + 3) % 10)
        };
        match r.below(6) {
            0 => format!("Card {} was declined.", wrong(&identifiers::card(r))),
            1 => format!("Part {}Z is out of stock.", &identifiers::upn(r)[..12]),
            2 => format!("IBAN {} is wrong.", wrong(&identifiers::iban(r))),
            3 => format!(
                "NHS number {} was not accepted.",
                wrong(&identifiers::nhs(r))
            ),
            4 => format!(
                "Use the test card 4111 1111 1111 1111, not 4242 4242 4242 424{}.",
                r.below(2)
            ),
            _ => format!(
                "Licence key {}-{}-{}-{}",
                r.digits(5),
                r.digits(5),
                r.digits(5),
                r.digits(5)
            ),
        }
    }),
    ("dates, phones, prices and codes", |r, _| match r.below(8) {
        0 => "The weeks begin 20-07-26, 26-10-26 and 21-12-26; invoice 20260720 covers the first."
            .to_owned(),
        1 => format!(
            "Ring 01632 960{} or 07700 900{}, fax +44 1632 960{}.",
            r.digits(3),
            r.digits(3),
            r.digits(3)
        ),
        2 => format!(
            "ISBN 978-1-86197-876-9, EAN 50{}, 30 copies at 4.99",
            r.digits(11)
        ),
        3 => format!(
            "Log from 17{} to 17{}: {} lines, 0 errors",
            r.digits(8),
            r.digits(8),
            r.digits(4)
        ),
        4 => format!(
            "Meter 00-41-77 read {}.{} on Monday.",
            r.digits(5),
            r.digits(3)
        ),
        5 => format!(
            "build {:016x} at 10.0.{}.{}:8443, v12.34.56",
            r.below(usize::MAX),
            r.below(255),
            r.below(255)
        ),
        6 => format!(
            "A4 paper 80g\t500\t{}.99\nExercise book\t100\t{}.45\nArticle {}",
            r.below(9),
            r.below(9),
            r.digits(8)
        ),
        _ => format!(
            "Centre 6{}, component 8461/1H, candidate 0{}, room 12-34-56.",
            r.digits(4),
            r.digits(3)
        ),
    }),
];

/// Everyday words that are also pupils' names, in headlines and prose.
const WORDS: &[&str] = &[
    "Will power alone does not help; a plan does.",
    "WILL POWER: the key to revision, an assembly for parents",
    "Jack frost has been at the windows again.",
    "The rose bush by the gate needs water; ivy wall to be cut.",
    "Rich cook wanted: ask the canteen. Ha ha.",
    "Summer Day Out: coaches leave at nine",
    "We chase street vendors from the gate each summer day.",
    "Hope winter is short! The autumn lane is muddy.",
    "Please mark bishop and rook on the board.",
    "Drew long breath, then sang. Art best left to others.",
    "Please bill banks directly. Dawn rivers and meadows: our landscape show",
    "Grace, field trips are on again. Robin, wood is in the shed.",
    "An olive branch was offered; faith, church and school work together.",
    "Jade stone bracelets for sale at the fair",
];

/// All messages in which nothing may be found.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let crowd = Crowd::of(pupils);
    let mut out = Vec::new();
    let carriers: Vec<Carrier> = CARRIERS.iter().copied().filter(|c| !c.is_cell()).collect();
    for (class, make) in PARTS.iter().chain(NUMBERS) {
        let mut random = Random::of(class);
        for turn in 0..COUNT {
            let text = make(&mut random, &crowd);
            let carrier = carriers[turn % carriers.len()];
            // A subject has one line.
            let carrier = if text.contains('\n') && carrier == Carrier::Subject {
                Carrier::Plain8
            } else {
                carrier
            };
            let shown = format!("{carrier:?} {text:?}");
            out.push(Sample::negative(
                class,
                message::carry(carrier, &text),
                &shown,
            ));
        }
    }
    for (class, texts) in [
        ("newsletters, policies, vacancies", TOPICS),
        ("everyday words that are names", WORDS),
    ] {
        let mut random = Random::of(class);
        for turn in 0..COUNT {
            let first = texts[turn % texts.len()];
            // With a first name or a member of staff near by, as such mail has.
            let text = match turn % 3 {
                0 => first.to_owned(),
                1 => format!(
                    "{first}\n\nThank you to {} for the poster.",
                    crowd.pupil(&mut random).forename
                ),
                _ => format!("{first}\n\nHarriet Osgood, Larkrise School"),
            };
            let carrier = [Carrier::Plain8, Carrier::Html, Carrier::Docx][turn / texts.len() % 3];
            out.push(Sample::negative(
                class,
                message::carry(carrier, &text),
                &format!("{carrier:?} {text:?}"),
            ));
        }
    }
    tables(&crowd, &mut out);
    staff(&crowd, &mut out);
    participants(&crowd, &mut out);
    out
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
            _ => {
                let cells = |row: &Vec<&str>| {
                    row.iter()
                        .map(|c| format!("<td>{}</td>", message::escaped(c)))
                        .collect::<String>()
                };
                let body: String = rows
                    .iter()
                    .map(|row| format!("<tr>{}</tr>", cells(row)))
                    .collect();
                message::html(&format!("<table>{body}</table>"))
            }
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
