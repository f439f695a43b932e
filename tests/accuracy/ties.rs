//! Whose a term is, beyond its own sentence: a later sentence, a later paragraph, a list under a name, labelled lines; and terms that are
//! nobody's in a message that names a pupil.

use std::fmt::Write as _;

use crate::message;
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Planted, Sample, What, chosen, turns};

/// Messages a class in which the term is the pupil's.
const COUNT: usize = 168;
/// Messages in which it is not.
const OTHERS: usize = 480;
/// Messages with the same topics and a first name.
const NOBODY: usize = 830;

/// Terms that fit "{t}" as a noun, in all three vocabularies.
const TERMS: &[(&str, &str)] = &[
    ("medical-term", "epilepsy"),
    ("safeguarding-term", "self-harm"),
    ("sen-term", "dyslexia"),
    ("medical-term", "anorexia"),
    ("safeguarding-term", "domestic abuse"),
    ("sen-term", "autism"),
    ("medical-term", "coeliac disease"),
    ("medical-term", "anxiety"),
    ("medical-term", "counselling"),
    ("safeguarding-term", "bruising"),
    ("special-category-term", "free school meals"),
    ("sen-term", "learning support"),
];

/// Each class with its shapes: `{n}` full name, `{f}` forename, `{s}` surname, `{t}` term, `{He}`, `{he}`, `{his}`, `{him}` pronouns.
const THEIRS: &[(&str, &[&str])] = &[
    (
        "said of a pupil in a later sentence",
        &[
            "{n} will be late on Monday. {He} has {t}.",
            "I spoke to {n} after lunch. We talked about {t} for a while.",
            "{n} joins us on Monday. Please note {t}, blue bag in the office.",
            "Mum rang about {n} this morning. The letter about {t} is on its way.",
            "{n} was seen by the nurse this morning after the long run and has been told to rest at home for the remainder of the week. \
             It took an hour to reach anybody. {He} was diagnosed with {t} in March.",
            "Could you ring home about {n}? I am worried. There was talk of {t} at lunch.",
            "{n} - seen today, upset. Diagnosed with {t} in June. Mum aware.",
            "{n} is new in my group. The child has {t} and sits at the front.",
            "Thank you for taking {n} on Thursday. Because of {t} the bus must not be too loud.",
            "{n} was found in the library after the concert. {t} is likely.",
            "{n} drew a picture for the contest. I fear it is about {t}.",
            "Notes on {n} from today. Known: {t}. Seat near the door.",
        ],
    ),
    (
        "said of a pupil in a later paragraph",
        &[
            "{n} came to see me after lunch.\n\n{He} told me about {t}.",
            "{n} starts on Monday in the lower school.\n\nI have put the folder into the office. {His} old school says that {he} has {t}.",
            "Thank you for your letter about {n}.\n\nYour son has been referred because of {t}.",
            "{n} starts here on Monday.\n\n{f} has {t} and will need the front seat.",
            "I am writing about {n}, who joined in September.\n\nDiagnosed with {t} in June, no tablets so far.",
            "{n} has settled well, the work is neat and nobody has had to remind anybody of anything, which is a pleasure to see.\n\n\
             Mum asks whether the trip is possible with {t}.",
            "This is about {n}.\n\nThe child has {t}, so please keep the plan in the drawer.",
            "I met {n} and {his} aunt.\n\nThey are worried about {t} and asked for a call.",
            "Please ring the office about {n}.\n\nWe would like to talk about {his} {t}.",
        ],
    ),
    (
        "said of a pupil under the name",
        &[
            "{n}\n- {t}, plan in the office\n- collects at three",
            "{n}\n\n- new to us in September\n- {t}, see the folder\n- takes the bus",
            "{n} (new)\n* sits at the front\n* {t}",
            "{n}\n{t}, plan in the office",
            "{n}\n\nHas {t}. Please keep the plan in the drawer.",
            "{n} needs:\n- a seat at the front\n- a plan for {t}",
            "New on Monday:\n\n1. {n}\n   {t}, plan to follow\n2. one place still open",
            "{n}:\n{t} (letter received), no trips for now",
            "About {n}:\n\n\u{2022} quiet in lessons\n\u{2022} {t}\n\u{2022} likes chess",
        ],
    ),
    (
        "said of a pupil in labelled lines",
        &[
            "Name: {n}\nDiagnosis: {t}",
            "Pupil: {n}\nSeen: Monday\nConcern: {t}\nAction: ring home",
            "Name: {n}\n\nSeen on: Monday\n\nNotes: {t}, see folder",
            "Diagnosis: {t}\nName: {n}",
            "Child - {n}\nCondition - {t}",
            "Student name: {n}\nNeeds: {t}\nBus: blue",
            "Who: {n}\nWhat: {t}\nWhen: Monday after lunch",
            "Surname, forename: {s}, {f}\nReason for referral: {t}",
            "NAME {n}\nCONDITION {t}\nCONTACT mother",
        ],
    ),
    (
        "said before the pupil is named",
        &[
            "Please read: {t}, plan in the office. The pupil is {n}.",
            "A plan for {t} is now in the drawer. It is for {n}.",
            "{t}: plan attached.\nFor {n}.",
            "We were told about {t} by the old school. That was {n}, who starts on Monday.",
            "Plan for {t}\n\n{n}",
        ],
    ),
    (
        "said of a pupil, further shapes",
        &[
            "Dear Mrs Cole,\n\nThank you for meeting us about {n} last week.\n\nAs agreed, the school will write to the county. {t} was raised by the teacher as well.",
            "{n} had a hard morning. Another child saw the marks. It looks like {t}.",
            "Incident report\n\nDate: 3 November\nPupil involved: {n}\nLocation: playground\n\nDescription: the class was lining up when a row broke out about {t} and things got heated.",
            "{n} is back on Monday after three weeks off. Can you make sure that cover staff know? {t} means no contact sports for now.",
            "Just a heads up re {n}: mum mentioned {t} on the phone.",
            "{n}, 7K\n\nBackground\nMoved here in May. Lives with gran.\n\nHealth\n{t}, reviewed every six months by Dr Shah.",
            "{n} has asked to leave early. This is because of {t}, which is getting worse.",
            "Transfer note for {n}.\n\nAttendance is 96 per cent. Reading is fine. Maths is fine.\n\nOther: {t}.",
            "Can somebody please collect {n} from room 4?\n\nThe paramedics think it is {t}.",
            "Plan of {n}:\n\n1. Sit near the door.\n2. Card for leaving the room.\n3. Tell supply staff about {t}.",
            "Meeting notes\nPresent: Mrs Osgood, Dr Boakye\nRe {n}\nDr Boakye said that {t} is now confirmed.\nNext meeting in May.",
            "Both {n} and {his} brother were in today. They have lived with {t} for years.",
            "Following the call about {n}: {t} confirmed, letter to follow.",
            "The clinic rang for {n}. Friday at ten. Reason given: {t}.",
        ],
    ),
    (
        "said of a pupil, shapes of a second writing",
        &[
            "Hi Sam,\n\n{n} wasn't in yesterday. Dad says the {t} has come back and the consultant wants a word on Friday.\n\nThanks",
            "Good afternoon,\n\nI write on behalf of {n} who is moving to you in January. I attach the file.\n\nIn short: working at the expected level, likes football, {t} since Year 2, two younger siblings.",
            "{n} told a friend at break. The friend told me. It is about {t} and I have logged it.",
            "Could I have the form for {n} back by Friday please? We still have no details on the {t}.",
            "FAO school nurse\n\nRE: {n} (DOB on file)\n\nThis young man attended our clinic today. Impression: {t}. Plan: review in six weeks.",
            "{n} cannot swim this term (ear operation). {t} is also on the record, so keep the door open.",
            "Trip list:\n\n{n} - needs the front seat, {t}\nTwo adults to sit with this group.",
            "Please add to the file of {n}:\n\n3 Nov - spoke with home, no answer\n4 Nov - home rang back, {t} confirmed\n5 Nov - meeting booked",
            "{n} got the part in the play. {He} was thrilled. Sadly {his} {t} means that the stage lights are a problem.",
            "Well done to {n} for the medal! On another note, {he} has been diagnosed with {t}.",
        ],
    ),
    (
        "said of a pupil, shapes of a third writing",
        &[
            "Dear Dr Shah\n\nRe: {n}\n\nThank you for seeing this pupil. Over the last term staff have noticed difficulty with reading and spelling. We suspect {t} and would value an assessment.",
            "Hi all, quick update on {n} after today's meeting.\n\nHome is calmer. Attendance up. {t} still a worry at night.\n\nNext review in two weeks.",
            "Minutes of the review for {n}\n\nPresent: class teacher, Mrs Osgood, mum\n\n1. Progress: reading up two levels\n2. Needs: {t}\n3. Actions: laptop for exams",
            "{n} - 7K - arrived 10.40. {t} given as the reason.",
            "Sent from my phone\n\n{n} in the office again, says it's the {t}. Can someone come?",
            "Cover work\n\nP1 8B: reading\nP2 7K: quiz. {n} may leave early ({t})\nP3 free",
            "Trip list\n{n} - {t} - plan in bag\n2 more to follow",
            "To whom it may concern\n\n{n} has been known to our service since 2022. At first it was around sleep.\n\nOver time it became clear that {t} was the main difficulty.",
            "Please find attached the file for {n}.\n\nSummary: {t}; two house moves; attendance 82%.",
            "Bus escort note: {n}, seat 3, {t}. Ring base if late.",
        ],
    ),
];

/// The name counts, the term is nobody's: `{n}` full name.
const NOT_THEIRS: &[&str] = &[
    "Well done to {n} for the poster about asthma awareness week.",
    "{n} came second in the spelling contest. The SEND policy was reviewed by governors.",
    "Thank you to {n} for reading at assembly. Child protection training for staff is on Monday.",
    "{n} raised 40 pounds for the epilepsy charity.",
    "{n} will give the talk on diabetes research for the science lesson.",
    "{n} scored twice on Saturday.\n\nA reminder to all parents: please label inhalers and tell the office of allergies.",
    "{n} scored twice on Saturday.\n\nDear parents, there have been several cases of chickenpox in the lower school.",
    "Dear parents\n\nThere is a tummy bug going round. Please keep children with diarrhoea at home for two days.\n\n{n} won the chess cup.",
    "{n} won the chess cup. Parents of children with epilepsy are asked to renew the plans.",
    "Player of the week: {n}\n\nWe have had two confirmed cases of scarlet fever in Year 4.",
    "{n} plays the lead in May.\n\nThe school nurse comes on Tuesday for the flu vaccine. Forms are at reception.",
    "Certificates went to {n} for art.\n\nHead lice have been reported in the infants. Please check hair tonight.",
    "{n} and the choir sang well.\n\nIf your child has asthma, please send a spare inhaler to the office.",
    "- {n} won the chess cup\n- Nit check on Friday: head lice are about\n- Bake stall on Saturday",
    "{n} has the best attendance.\n\nAny pupil with a nut allergy needs a form before the trip.",
    "{n} collected the prize for maths.\n\nPupils with an EHCP may bring a laptop to the exam hall.",
    "{n} ran the stall at the fair.\n\nThe trust now has 61 pupils with SEN support and 14 with an EHCP.",
    "{n} led the quiz team. Some children have anxiety before tests, so we shall read a story first.",
    "Goals: {n} (2)\n\nCoffee morning for families affected by autism, Thursday at nine.",
    "{n} is our new head of house.\n\nEach year one child in eleven is treated for asthma. Keep EpiPens in date.",
    "Thank you to {n}, whose stall raised 80 pounds for children with cystic fibrosis.",
    "Congratulations, {n}!\n\nMeasles: anyone who has not had both doses should ring the surgery.",
    "{n} found a purse by the gate. Everyone who was sick on the coach should wash the kit.",
    "Lost by {n}: one grey scarf.\n\nStaff who need an EpiPen course should tell Philippa.",
    "{n} played the trumpet at the fair.\n\nNext week is dyslexia week and the library will show books on the subject.",
    "Thanks to {n} for the photographs.\n\nThe canteen will no longer serve peanuts because of allergies.",
    "{n} is this month's reader of the month.\n\nCovid: tests are no longer free.",
    "{n} won bronze at judo.\n\nVolunteers are wanted for the hospital shop.",
    "Library fines: {n}, 2 books\n\nPlease remember that nuts are banned on site as we have pupils with severe nut allergy.",
    "{n} came first in the cross country. Families who receive free school meals can claim a voucher.",
    "Our relay team with {n} reached the final.\n\nWe are hiring: learning support assistant, experience of autism welcome.",
    "{n} drew the cover.\n\nInside: how we teach about depression, page 4; new uniform, page 6.",
    "Lost property: coat of {n}, two bags.\n\nSun safety: children with eczema should bring their own cream.",
    "Sports day: {n} threw 21 metres. First aiders treated two sprained ankles and one case of heat stroke.",
    "Minutes: 1. {n} presented the eco report. 2. Pupil premium figures were noted. 3. Exclusions fell by a third.",
    "{n} sits the grade 5 exam on Friday.\n\nGovernors discussed the SEND budget and the cost of EHCP transport.",
    "Bus 4: {n}, stop at the green.\n\nParents are reminded that nut allergy forms are due.",
    "Rehearsal at four for {n} and others.\n\nThe PTA thanks everybody who gave to the children's hospice.",
    "Chess club: {n} plays board one.\n\nFor your diary: flu nasal spray, 12 November, Reception to Year 6.",
    "{n} left a scarf in the theatre.\n\nReminder: medication must be handed in at reception in its box.",
    "Friday bulletin\n\nNetball: {n} was our top scorer.\n\nHealth news: hay fever season is here. Tablets cannot be given without a form.\n\nDates: INSET day 3 May.",
    "Governors' minutes\n\n4. Hall floor: quotes obtained.\n5. Art prize: {n} to receive the cup.\n6. SEND: three new EHCPs, funding agreed.\n7. Attendance 95.1%",
    "House points: {n} 12, Oak 140, Elm 152.\n\nMental health: our wellbeing hub is open every lunch.",
    "Dear families,\n\n{n} in Year 5 wrote to the mayor and got a reply.\n\nWe were sorry that so many were off with norovirus.\n\nThe nurse can advise on asthma pumps.",
    "Photo: {n} with the mayor.\n\nOur new ADHD leaflet is on the website.",
];

/// Nobody's either, but no word says so: only their sense tells them from what is said of a pupil.
const BY_SENSE: &[&str] = &[
    "{n} was chosen as prefect. The epilepsy nurse from the county visits on Friday to speak with year groups.",
    "Year 6 residential\n\n{n} has paid in full. Kit list below.\n\n- waterproof coat\n- any medication in its box\n- no nuts",
    "Thank you for the lovely cards for {n} and the team.\n\nThe autism base opens in May; tours at nine.",
    "{n} has reached grade 3 on the violin. Concert tickets on sale.\n\nDrama club is performing a piece on self-harm for Year 11.",
    "Coat pegs: {n} has number 12. Medical rooms have moved to block B; the defibrillator is by the gym.",
    "{n} asked a good question in science: why does asthma get worse in spring?",
    "{n} is reading a book in which the hero has epilepsy.",
    "{n} will show visitors round.\n\nOur SENCO, Mrs McKenzie, can talk you through dyslexia screening.",
    "{n} is on the list for the trip. Travel sickness tablets can be handed to the leader.",
];

/// All of them.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    let everybody = chosen(pupils, |_| true);
    for (class, shapes) in THEIRS {
        let mut random = Random::of(class);
        for (turn, pupil) in turns(&everybody, COUNT) {
            let p = &pupils[pupil];
            let (detector, term) = TERMS[random.below(TERMS.len())];
            let text = filled(shapes[turn % shapes.len()], p, &mut random).replace("{t}", term);
            let layout = LAYOUTS[turn / shapes.len() % LAYOUTS.len()];
            let mut sample = Sample::name(
                class,
                pupil,
                layout.place(),
                layout.message(&text),
                &format!("{layout:?} {text:?}"),
            );
            if text.contains("Surname, forename") {
                sample.planted.clear();
            }
            sample.planted.push(Planted {
                category: "medical",
                detector,
                place: layout.place(),
                what: What::Value(term.to_owned()),
            });
            sample.allowed = &["medical", "pupil-name"];
            out.push(sample);
        }
    }
    for (class, shapes, count) in [
        (
            "a pupil beside a topic that is not theirs",
            NOT_THEIRS,
            OTHERS,
        ),
        (
            "a pupil beside a topic, by sense alone",
            BY_SENSE,
            OTHERS / 4,
        ),
    ] {
        let mut random = Random::of(class);
        for (turn, pupil) in turns(&everybody, count) {
            let text = filled(shapes[turn % shapes.len()], &pupils[pupil], &mut random);
            let layout = LAYOUTS[turn / shapes.len() % LAYOUTS.len()];
            let shown = format!("{layout:?} {text:?}");
            out.push(Sample::name(
                class,
                pupil,
                layout.place(),
                layout.message(&text),
                &shown,
            ));
        }
    }
    let class = "topics beside a first name";
    let mut random = Random::of(class);
    for (turn, pupil) in turns(&everybody, NOBODY) {
        let shape = NOT_THEIRS[turn % NOT_THEIRS.len()].replace("{n}", "{f}");
        let text = filled(&shape, &pupils[pupil], &mut random);
        let layout = LAYOUTS[turn / NOT_THEIRS.len() % LAYOUTS.len()];
        let shown = format!("{layout:?} {text:?}");
        out.push(Sample::negative(class, layout.message(&text), &shown));
    }
    out
}

fn filled(shape: &str, p: &Pupil, random: &mut Random) -> String {
    let [he, his, him] = [["he", "his", "him"], ["she", "her", "her"]][random.below(2)];
    let capital = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    shape
        .replace("{n}", &p.name())
        .replace("{f}", &p.forename)
        .replace("{s}", &p.surname)
        .replace("{He}", &capital(he))
        .replace("{His}", &capital(his))
        .replace("{he}", he)
        .replace("{his}", his)
        .replace("{him}", him)
}

/// How lines and paragraphs are written.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Plain text, a paragraph a line.
    Plain,
    /// Plain text in lines of at most 66 characters.
    Wrapped,
    /// A page with `<br>` for every line end.
    Breaks,
    /// A page with `<p>` for every line.
    Paragraphs,
    /// A Word file with a paragraph for every line.
    Word,
    /// A quoted message, wrapped.
    Quoted,
}

const LAYOUTS: &[Layout] = &[
    Layout::Plain,
    Layout::Wrapped,
    Layout::Breaks,
    Layout::Paragraphs,
    Layout::Word,
    Layout::Quoted,
];

impl Layout {
    fn place(self) -> &'static str {
        match self {
            Self::Word => "attachment",
            _ => "body",
        }
    }

    fn message(self, text: &str) -> Vec<u8> {
        let letter = format!("Hello\n\n{text}\n\nKind regards\nThe office\n");
        match self {
            Self::Plain => message::plain(&letter, ""),
            Self::Wrapped => message::plain(&wrapped(&letter, ""), ""),
            Self::Quoted => message::plain(
                &format!("Please see below.\n\n{}", wrapped(&letter, "> ")),
                "",
            ),
            Self::Breaks => message::html(&message::escaped(text).replace('\n', "<br>\n")),
            Self::Paragraphs => {
                let lines = text.lines().filter(|line| !line.is_empty());
                message::html(&lines.fold(String::new(), |mut page, line| {
                    let _ = writeln!(page, "<p>{}</p>", message::escaped(line));
                    page
                }))
            }
            Self::Word => {
                let lines = text.lines().filter(|line| !line.is_empty());
                let paragraphs: Vec<String> = lines.map(message::run).collect();
                message::with_file("note.docx", message::DOCX, &message::docx(&paragraphs))
            }
        }
    }
}

/// A text in lines of at most 66 characters, each behind a prefix.
fn wrapped(text: &str, prefix: &str) -> String {
    const WIDTH: usize = 66;
    let mut out = String::new();
    for line in text.lines() {
        let mut width = 0;
        out.push_str(prefix);
        for word in line.split(' ') {
            if width > 0 && width + 1 + word.chars().count() > WIDTH {
                out.push('\n');
                out.push_str(prefix);
                width = 0;
            } else if width > 0 {
                out.push(' ');
                width += 1;
            }
            out.push_str(word);
            width += word.chars().count();
        }
        out.push('\n');
    }
    out
}
