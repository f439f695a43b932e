//! Ordinary mail that comes close: parts of pupils' names, other people, near-miss numbers, topics without a pupil.

use crate::identifiers;
use crate::message::{self, CARRIERS, Carrier};
use crate::parts::{Crowd, Make, PARTS};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::Sample;
use crate::strangers;

/// Messages a class.
const COUNT: usize = 250;

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
    strangers::samples(&crowd, &mut out);
    out
}
