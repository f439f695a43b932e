//! What schools write about pupils and what they write about everything else: terms, doses, pay, passwords, markings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use beadle::detect::Confidence::{self, High, Low, Medium};
use beadle::detect::{Catalogue, Category, Engine, Finding, ScanContext};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::{Roster, RosterKind};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample");
    let people = |file: &str, kind| {
        let bytes = std::fs::read(root.join(file)).unwrap();
        Roster::import(&bytes, kind).unwrap().0
    };
    let catalogue = Catalogue::embedded().unwrap();
    let (pupils, staff) = (
        people("roster.csv", RosterKind::Pupils),
        people("staff.csv", RosterKind::Staff),
    );
    Engine::build(&pupils, &staff, &catalogue, [7; 16]).unwrap()
});

fn scan(place: Place, view: View, text: &str) -> Vec<Finding> {
    let content = Content {
        units: vec![Unit {
            location: Location::of(place),
            view,
            text: text.to_owned(),
        }],
        ..Content::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    ENGINE.scan(&content, &ScanContext::default(), &budget).list
}

fn body(text: &str) -> Vec<Finding> {
    scan(Place::Body, View::Visible, text)
}

fn table(text: &str) -> Vec<Finding> {
    scan(
        Place::Attachment(vec!["list.csv".to_owned()]),
        View::Table,
        text,
    )
}

/// The surest finding of a category.
fn surest(found: &[Finding], category: Category) -> Option<Confidence> {
    found
        .iter()
        .filter(|finding| finding.category == category)
        .map(|finding| finding.confidence)
        .max()
}

fn show(found: &[Finding]) -> String {
    let mut text = String::new();
    for f in found {
        let (id, sure, value) = (&f.detector, f.confidence.name(), f.text.reveal());
        writeln!(text, "    {id} {sure} {value:?} {:?}", f.reasons).unwrap();
    }
    text
}

/// Checks that each text has a finding of the category that is at least, or below, a confidence.
fn each(category: Category, texts: &[&str], wanted: bool, at: Confidence) {
    let mut wrong = String::new();
    for text in texts {
        let found = body(text);
        let has = surest(&found, category).is_some_and(|sure| sure >= at);
        if has != wanted {
            writeln!(wrong, "{text:?}\n{}", show(&found)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "wanted {wanted}:\n{wrong}");
}

#[test]
fn what_a_nurse_a_senco_and_a_safeguarding_lead_write_is_found() {
    each(
        Category::Medical,
        &[
            "Oliver Whitcombe has buccal midazolam in the medical room, 5mg if a seizure lasts five minutes.",
            "Siobhán O'Connell uses Buccolam as rescue medication.",
            "Amelia Hartley-Jones is allergic to cow's milk and sesame.",
            "Please give Callum McAllister Movicol, one sachet daily.",
            "Oliver Whitcombe wears continence pads and has a toileting plan.",
            "Amelia Hartley-Jones has an omnipod and a Dexcom.",
            "Oliver Whitcombe: absence seizures, on Epilim",
            "Callum McAllister is waiting for an ADOS assessment.",
            "Siobhán O'Connell was taken to A&E after an overdose.",
            "Amelia Hartley-Jones told me she wants to end her life.",
            "Oliver Whitcombe was seen by CAMHS crisis team last night.",
            "Callum McAllister has selective mutism and gets play therapy.",
            "Oliver Whitcombe is on a CIN plan.",
            "Callum McAllister: CP plan, category neglect",
            "A MASH referral for Siobhán O'Connell went in today.",
            "Operation Encompass notification for Oliver Whitcombe",
            "Oliver Whitcombe's s47 enquiry has concluded.",
            "Social care opened a section 17 assessment for Amelia Hartley-Jones.",
            "Callum McAllister is LAC and his PEP meeting is on Monday.",
            "Siobhán O'Connell (CLA) moves to a new foster placement.",
            "We made a Prevent referral about Oliver Whitcombe.",
            "There is a risk of FGM for Amelia Hartley-Jones.",
            "Early help assessment for Callum McAllister attached",
            "Oliver Whitcombe was permanently excluded.",
            "Oliver Whitcombe has a fixed term suspension of three days.",
            "A managed move for Callum McAllister was agreed.",
            "Siobhán O'Connell has been missing from home since Friday.",
            "Amelia Hartley-Jones: SEN K, need SLCN",
            "Oliver Whitcombe has 1:1 support and an EHCP.",
            "Callum McAllister is on FSM.",
            "Siobhán O'Connell is pupil premium.",
            "Amelia Hartley-Jones came out as trans to her tutor.",
            "Oliver Whitcombe's family has no recourse to public funds.",
            "Callum McAllister is Jewish and cannot attend on Saturday.",
            "Callum McAllister is a young carer for his mother.",
            "Oliver Whitcombe has diabetes: check blood glucose before PE.",
            "Oliver Whitcombe is deaf in one ear.",
            "Whitcombe, Oliver - inhaler and spacer in the office, two puffs before PE",
            "Amelia Hartley-Jones had a panic attack in maths.",
            "Oliver Whitcombe is being assessed for ADHD.",
            "Callum McAllister has been sectioned.",
            "Siobhán O'Connell is pregnant.",
            "Oliver Whitcombe's mum is in hospital with cancer.",
            "Oliver Whitcombe has received a youth caution.",
            "Oliver Whitcombe: ethnicity White British, religion none",
        ],
        true,
        Medium,
    );
}

#[test]
fn what_schools_write_about_the_rest_stays_quiet() {
    each(
        Category::Medical,
        &[
            "Oliver Whitcombe ran the Race for Life for Cancer Research.",
            "Well done to Siobhán O'Connell for raising £120 for Macmillan.",
            "Oliver Whitcombe wrote an essay on the Great Depression.",
            "Callum McAllister plays the doctor in the school play and Amelia Hartley-Jones the nurse.",
            "Oliver Whitcombe scored twice in the fixture against Hill Lane.",
            "Amelia Hartley-Jones gave a talk on Islam in the RE lesson.",
            "Oliver Whitcombe plays for the Polish Saturday school.",
            "Callum McAllister sang in the Christian assembly.",
            "Siobhán O'Connell wants to be a psychologist.",
            "Oliver Whitcombe has a new ligature for his clarinet.",
            "Amelia Hartley-Jones looked after the school hamster.",
            "Callum McAllister neglected to bring his kit.",
            "Oliver Whitcombe was a runaway winner in the 800 m.",
            "The risk assessment for the trip lists Oliver Whitcombe as a helper.",
            "Amelia Hartley-Jones needs a 500 ml bottle of water.",
            "Oliver Whitcombe baked a cake with 200 ml of milk.",
            "Callum McAllister dressed as a doctor for World Book Day.",
            "Please pass this to Oliver Whitcombe before the concert.",
            "Siobhán O'Connell chose a poem about slavery.",
            "Oliver Whitcombe is in the debating final on abortion: a debate open to all.",
            "Callum McAllister joined the Children in Need day in yellow.",
            "Amelia Hartley-Jones designed the poster for anti-bullying week.",
            "Oliver Whitcombe visited the mosque with his class.",
            "Oliver Whitcombe borrowed two tablets from IT.",
            "Oliver Whitcombe scored 110 in non-verbal reasoning.",
            "Oliver Whitcombe's essay on Macbeth deals with hallucinations.",
            "Oliver Whitcombe is seizing every chance in the choir.",
            "Siobhán O'Connell got a gold star in French.",
            "Oliver Whitcombe is on the school council with Amelia Hartley-Jones.",
            "Callum McAllister hoisting the flag on Remembrance Day",
            "I'll collect Oliver Whitcombe, and he`ll bring his kit.",
            "Oliver Whitcombe finished unit 3 of the course and 2 units of maths.",
        ],
        false,
        Medium,
    );
}

#[test]
fn what_is_said_of_a_pupil_elsewhere_than_in_their_sentence_is_found() {
    each(
        Category::Medical,
        &[
            "Oliver Whitcombe is back on Monday.\n\nHe has epilepsy.",
            "Oliver Whitcombe\n\n- sits at the front\n- epilepsy, plan in the office",
            "Name: Oliver Whitcombe\n\nDiagnosis: epilepsy",
            "I rang home about Oliver Whitcombe.\n\nThe paramedics think it is epilepsy.",
            "Oliver Whitcombe has moved house. The new school was told about\nthe epilepsy and will ring.",
            "Oliver Whitcombe won the cup. He was diagnosed with epilepsy last week.",
            "This is a note about Oliver Whitcombe.\n\nThe anxiety has come back since the summer.",
            "Please ring about Oliver Whitcombe. I would like to talk about his epilepsy.",
        ],
        true,
        Medium,
    );
    each(
        Category::Medical,
        &[
            "Oliver Whitcombe won the cup.\n\nThere have been several cases of scarlet fever.",
            "Oliver Whitcombe is in the picture. Parents of children with epilepsy must renew the plan.",
            "Oliver Whitcombe raised 80 pounds for children with cystic fibrosis.",
            "Oliver Whitcombe drew the picture.\n\nThe canteen stopped serving peanuts because of allergies.",
            "Dear parents\n\nOliver Whitcombe shows you round.\n\nThe epilepsy clinic is on page 4.",
        ],
        false,
        Medium,
    );
}

#[test]
fn everyday_topics_without_a_pupil_are_nothing() {
    for text in [
        "The pupil premium strategy is on the website.",
        "Salary £28,000 to £31,000, pro rata.",
        "Keep EpiPens in date. Doses: 10 mg twice a day.",
        "Free school meals: apply online.",
    ] {
        assert!(body(text).is_empty(), "{text}\n{}", show(&body(text)));
    }
}

#[test]
fn money_needs_a_person_and_an_amount() {
    each(
        Category::Financial,
        &[
            "Mrs Cartwright's salary goes up to £41,604.",
            "The arrears for Oliver Whitcombe are £86.50.",
            "Oliver Whitcombe: dinner money debt 45 pounds",
            "Alan Fothergill will receive a severance payment of £30,000.",
        ],
        true,
        Medium,
    );
    each(
        Category::Financial,
        &[
            "£12 for the trip for Oliver Whitcombe",
            "Oliver Whitcombe owes £12 for the trip.",
            "Oliver Whitcombe raised £120 for charity.",
            "Salary: £28,000. Contact Mrs Cartwright.",
            "The debt of the trust is £30,000.",
            "Invoice for Oliver Whitcombe: £45 for clarinet lessons",
            "Oliver Whitcombe wrote about the debt of Greece.",
        ],
        false,
        Medium,
    );
    let found =
        table("Name\tSalary\nHelen Cartwright\t41,604\nPriya Raman\t52,300\nVacant\t30,000\n");
    let cells: Vec<&str> = found
        .iter()
        .filter(|f| f.category == Category::Financial && f.confidence == Medium)
        .map(|f| f.text.reveal())
        .collect();
    assert_eq!(cells, ["41,604", "52,300"], "{}", show(&found));
}

#[test]
fn secrets_stand_behind_their_label() {
    let found = table("Username\tPassword\njsmith\tKestrel42\nwjones\tBadger77\nnew\t\n");
    let cells: Vec<&str> = found
        .iter()
        .filter(|f| f.category == Category::Credential && f.confidence == High)
        .map(|f| f.text.reveal())
        .collect();
    assert_eq!(cells, ["Kestrel42", "Badger77"], "{}", show(&found));
    let found = table("Portal\thttps://portal.example\nUser\tjsmith\nPassword\tKestrel42\n");
    assert_eq!(surest(&found, Category::Credential), Some(High));
    for finding in &found {
        let shown = format!("{finding:?} {}", finding.masked);
        assert!(
            !shown.contains("Kestrel") && !shown.contains("42\""),
            "{shown}"
        );
    }
    each(
        Category::Credential,
        &[
            "Dear all, the password for the document is in my next message.",
            "I forgot my password. Can you help?",
            "Password reset: https://portal.example/reset?token=Kestrel42",
            "Passwords need upper case letters, digits and signs like ! and ?.",
            "Join Zoom Meeting\nMeeting ID: 812 345 678\nPasscode: Kestrel42",
            "The bus pass for 2026 costs £120.",
            "Use your usual password to log in.",
            "The PIN code reader is broken.",
            "password protected file attached",
            "Pass rate: 84.5%",
            "Password: please ring the office",
        ],
        false,
        Medium,
    );
}

#[test]
fn markings_stand_as_such() {
    let subject = |text: &str| {
        surest(
            &scan(Place::Subject, View::Visible, text),
            Category::Marking,
        )
    };
    assert_eq!(subject("OFFICIAL-SENSITIVE: strategy meeting"), Some(High));
    assert_eq!(subject("CONFIDENTIAL - pay committee"), Some(Medium));
    assert_eq!(subject("Confidential waste collection"), None);
    let footer = "This email and any files are confidential and intended solely for the addressee.";
    assert_eq!(surest(&body(footer), Category::Marking), None);
    let file = |text: &str| {
        let place = Place::Attachment(vec![text.to_owned()]);
        surest(&scan(place, View::FileName, text), Category::Marking)
    };
    assert_eq!(file("cp_file_part2.docx"), Some(High));
    assert_eq!(file("OW child protection file.pdf"), Some(High));
    assert_eq!(file("official-sensitive minutes.docx"), Some(High));
    assert_eq!(file("Confidential.pdf"), Some(Medium));
    assert_eq!(file("Child protection file transfer form.docx"), None);
    assert_eq!(file("staff only timetable.xlsx"), None);
    let letter = "PRIVATE AND CONFIDENTIAL\n\nDear Parents";
    assert!(surest(&body(letter), Category::Marking) <= Some(Low));
}

#[test]
fn transfer_files_are_known_by_name_and_root() {
    let name = |text: &str| {
        let place = Place::Attachment(vec![text.to_owned()]);
        surest(&scan(place, View::FileName, text), Category::PupilId)
    };
    assert_eq!(name("8881234_CTF_8885678_001.xml"), Some(High));
    assert_eq!(name("8881234_ctf_888LLLL_012.XML"), Some(High));
    assert_eq!(name("820LLLL_CTF_8201234_001.xml"), Some(High));
    assert_eq!(name("CTF guidance.pdf"), None);
    assert_eq!(name("1234_CTF_8885678_001.xml"), None);
    let xml = "<?xml version=\"1.0\"?><CTfile><Header><DocumentName>Common Transfer File</DocumentName></Header></CTfile>";
    assert_eq!(surest(&body(xml), Category::PupilId), Some(High));
    let prefixed = "<c:CTfile xmlns:c=\"x\"><c:Header/></c:CTfile>";
    assert_eq!(surest(&body(prefixed), Category::PupilId), Some(High));
    assert_eq!(
        surest(&body("The root element is CTfile."), Category::PupilId),
        None
    );
}

#[test]
fn columns_of_a_transfer_or_census_are_special() {
    let found = table(
        "Name\tLookedAfter\tFSMeligible\tSENprovision\tEthnicity\nOliver Whitcombe\tY\tN\tK\tWBRI\n",
    );
    let cells: Vec<(&str, &str)> = found
        .iter()
        .filter(|f| f.category == Category::Medical && f.confidence == High)
        .map(|f| (&*f.detector, f.text.reveal()))
        .collect();
    for expected in [
        ("special-category-term", "Y"),
        ("sen-term", "K"),
        ("special-category-term", "WBRI"),
    ] {
        assert!(cells.contains(&expected), "{expected:?}\n{}", show(&found));
    }
}

#[test]
fn a_text_of_nothing_but_labels_ends_and_says_so() {
    let content = |text: String| Content {
        units: vec![Unit {
            location: Location::of(Place::Body),
            view: View::Visible,
            text,
        }],
        ..Content::default()
    };
    let scan = |text: String| {
        let budget = Budget::new(Arc::new(Limits::default()));
        ENGINE.scan(&content(text), &ScanContext::default(), &budget)
    };
    assert!(scan("password is confidential mg salary ".repeat(20_000)).unfinished);
    assert!(!scan("The password policy is confidential. Each 5 mg counts. ".repeat(50)).unfinished);
}
