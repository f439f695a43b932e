//! A labelled message and the sentences names are put into.

use crate::message::{self, CARRIERS, Carrier};
use crate::people::Pupil;
use crate::random::Random;

/// Whom or what a finding must be about.
#[derive(Clone)]
pub enum What {
    /// A pupil, by number.
    Pupil(usize),
    /// A value, compared by its letters and digits.
    Value(String),
}

/// One finding that must be made.
#[derive(Clone)]
pub struct Planted {
    pub category: &'static str,
    pub detector: &'static str,
    pub place: &'static str,
    pub what: What,
}

/// One message with its label.
pub struct Sample {
    pub class: &'static str,
    pub planted: Vec<Planted>,
    /// Categories that may be found beside what is planted.
    pub allowed: &'static [&'static str],
    pub message: Vec<u8>,
    /// What it says, for the report of what was missed.
    pub shown: String,
}

impl Sample {
    /// A message that names one pupil.
    pub fn name(
        class: &'static str,
        pupil: usize,
        place: &'static str,
        message: Vec<u8>,
        shown: &str,
    ) -> Self {
        Self {
            class,
            planted: vec![Planted {
                category: "pupil-name",
                detector: "pupil-full-name",
                place,
                what: What::Pupil(pupil),
            }],
            allowed: &[],
            message,
            shown: format!("{place}: {shown}"),
        }
    }

    /// A message in which nothing may be found.
    pub fn negative(class: &'static str, message: Vec<u8>, shown: &str) -> Self {
        Self {
            class,
            planted: Vec::new(),
            allowed: &[],
            message,
            shown: shown.to_owned(),
        }
    }
}

/// Sentences that hold a name and nothing else to ask about.
const SENTENCES: &[&str] = &[
    "Could you move {} to the later bus, please?",
    "We need one more ticket for {}.",
    "{} left a grey scarf in the theatre.",
    "The certificate of {} has the wrong date on it.",
    "Mum rang about {} this morning and will ring again.",
    "Please put {} down for the morning group, not the afternoon.",
    "I have spoken to {} and all is well.",
    "This is about {}, who has not returned the slip.",
    "We are still waiting for a reply (see {} below).",
    "Thank you for seeing {} on Thursday.",
    "Places go to {} and to nobody else.",
    "Following our call, {} will come by taxi.",
];

/// A sentence around a name.
pub fn sentence(random: &mut Random, name: &str) -> String {
    random.pick(SENTENCES).replace("{}", name)
}

/// Puts a name into the carrier whose turn it is: alone into a cell, else into a sentence.
pub fn carried(
    class: &'static str,
    turn: usize,
    carriers: &[Carrier],
    random: &mut Random,
    pupil: usize,
    name: &str,
) -> Sample {
    let carrier = carriers[turn % carriers.len()];
    let text = if carrier.is_cell() {
        name.to_owned()
    } else {
        sentence(random, name)
    };
    Sample::name(
        class,
        pupil,
        carrier.place(),
        message::carry(carrier, &text),
        &format!("{carrier:?} {text:?}"),
    )
}

/// The same in every carrier in turn.
pub fn anywhere(
    class: &'static str,
    turn: usize,
    random: &mut Random,
    pupil: usize,
    name: &str,
) -> Sample {
    carried(class, turn, CARRIERS, random, pupil, name)
}

/// Pupils whose name alone is evidence, in a mixed order; `test` chooses among them.
pub fn chosen(pupils: &[Pupil], test: impl Fn(&Pupil) -> bool) -> Vec<usize> {
    let staff = ["Owen Ryan", "Isla McKenzie"];
    let fits = |p: &Pupil| !p.ordinary && !staff.contains(&p.name().as_str()) && test(p);
    let count = pupils.len();
    // A stride that shares no factor with the count, so that every pupil comes once and neighbours come from different cultures.
    let stride = [37, 41, 43]
        .into_iter()
        .find(|stride| !count.is_multiple_of(*stride))
        .unwrap_or(1);
    (0..count)
        .map(|index| index * stride % count)
        .filter(|index| fits(&pupils[*index]))
        .collect()
}

/// At most `most` rounds over some pupils.
pub fn turns(people: &[usize], most: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let count = if people.is_empty() { 0 } else { most };
    (0..count).map(|turn| (turn, people[turn % people.len()]))
}
