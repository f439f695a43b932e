//! Parts of pupils' names and other people's: texts in which names meet that do not belong together.

use std::collections::HashSet;

use crate::people::{Pupil, folded};
use crate::random::Random;
use crate::sample::chosen;

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

    /// A surname that is no pupil's beside this forename.
    pub fn family(&self, random: &mut Random, forename: &str) -> &'p str {
        loop {
            let surname = &self.pupil(random).surname;
            let halves = surname.split(['-', ' ']).chain([surname.as_str()]);
            if halves
                .into_iter()
                .all(|half| !self.full.contains(&(folded(forename), folded(half))))
            {
                return surname;
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

/// Makes one text.
pub type Make = fn(&mut Random, &Crowd) -> String;

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

/// Each class with its texts.
pub const PARTS: &[(&str, Make)] = &[
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
        let (other, before) = (c.stranger(r, &p.surname), c.family(r, &p.forename));
        match r.below(4) {
            0 => format!(
                "To: {}, {}; {}, {}; {}, {}",
                before, p.forename, p.surname, other, b.1, b.0
            ),
            1 => format!(
                "> To: {}, {} J.; {}, {}",
                before, p.forename, p.surname, other
            ),
            2 => format!(
                "Cc: {}, {}; {}, {} M.",
                before, p.forename, p.surname, other
            ),
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
