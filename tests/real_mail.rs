//! What real mail without pupils has taught: lists of recipients, signatures, quoted headers, numbers of other countries, and words that
//! only look like a name. Each case is the invented like of something that was found wrongly.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, LazyLock};

use beadle::detect::Confidence::{High, Low, Medium};
use beadle::detect::{Catalogue, Confidence, Engine, Finding, ScanContext};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::{Roster, RosterKind};

const PUPILS: &str = "UPN,Legal Surname,Legal Forename,Middle Names,Date of Birth,Year,Reg\n\
    Q999400119001,Whitcombe,Oliver,James,05/02/2014,7,7A\n\
    B999400119002,Tunnicliffe,Hollis,,06/02/2014,7,7A\n\
    C999400119003,King,George,,07/02/2014,7,7B\n\
    D999400119004,May,John,,08/02/2014,8,8B\n\
    E999400119005,Stone,Robert,,09/02/2014,8,8B\n\
    F999400119006,Fenton,Amber,,10/02/2014,8,8B\n\
    G999400119007,Dean,William,,11/02/2014,8,8B\n";

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let pupils = Roster::import(PUPILS.as_bytes(), RosterKind::Pupils)
        .unwrap()
        .0;
    let staff = Roster::default();
    Engine::build(&pupils, &staff, &Catalogue::embedded().unwrap(), [42; 16]).unwrap()
});

fn scan(text: &str) -> Vec<Finding> {
    let content = Content {
        units: vec![Unit {
            location: Location::of(Place::Body),
            view: View::Visible,
            text: text.to_owned(),
        }],
        ..Content::default()
    };
    let context = ScanContext {
        participants: vec!["Hollis Tunnicliffe <hollis@depot.example>".to_owned()],
        inside: vec!["trust.example".to_owned()],
        ..ScanContext::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    ENGINE.scan(&content, &context, &budget).list
}

/// The values that one detector finds with medium confidence or more.
fn found(detector: &str, text: &str) -> Vec<String> {
    let acting = scan(text).into_iter();
    let acting = acting.filter(|f| *f.detector == *detector && f.confidence >= Medium);
    acting.map(|f| f.text.reveal().to_owned()).collect()
}

fn name(text: &str) -> Option<Confidence> {
    let found = scan(text);
    let name = found.iter().find(|f| *f.detector == *"pupil-full-name");
    name.map(|f| f.confidence)
}

#[test]
fn an_address_is_the_pupils_own_only_if_something_says_so() {
    for (text, own) in [
        (
            "Oliver Whitcombe <olw@mailbox.example> is away.",
            "olw@mailbox.example",
        ),
        (
            "Oliver Whitcombe: olw@mailbox.example",
            "olw@mailbox.example",
        ),
        (
            "Oliver Whitcombe's mum prefers jo@home.example",
            "jo@home.example",
        ),
        (
            "Write to jo@home.example about Oliver Whitcombe",
            "jo@home.example",
        ),
        (
            "Name: Oliver Whitcombe\nClass: 7A\nEmail: jo@home.example",
            "jo@home.example",
        ),
        (
            "Oliver Whitcombe asks again, see owhitcombe@mailbox.example",
            "owhitcombe@mailbox.example",
        ),
        ("Oliver Whitcombe | 7A | jo@home.example", "jo@home.example"),
    ] {
        assert_eq!(found("email-address", text), [own], "{text}");
    }
    for text in [
        "To: Oliver Whitcombe; jo@home.example; al@home.example",
        "> Cc: a@depot.example, b@depot.example,\n> Oliver Whitcombe, c@depot.example",
        "Sent to a@depot.example; b@depot.example; Oliver Whitcombe; c@depot.example",
        "Oliver Whitcombe won a prize in the hall and the programme is with box@hall.example",
        "a@depot.example, Oliver Whitcombe",
        "Oliver Whitcombe; ann.whitcombe@depot.example; oliver.hall@depot.example; x@depot.example",
        "Oliver Whitcombe\nDepot Ltd\nUnit 4\ninfo@depot.example",
    ] {
        assert_eq!(found("email-address", text), [""; 0], "{text}");
    }
}

#[test]
fn a_telephone_number_needs_a_tie_to_the_pupil() {
    for (text, own) in [
        ("Oliver Whitcombe 01632 960001", &["01632 960001"][..]),
        (
            "Oliver Whitcombe's dad is on 01632 960001",
            &["01632 960001"],
        ),
        (
            "Ring Oliver Whitcombe's mum on 01632 960001 or 01632 960002.",
            &["01632 960001", "01632 960002"],
        ),
        ("01632 960001 (Oliver Whitcombe)", &["01632 960001"]),
        (
            "Oliver Whitcombe, 7A, Fenwick Hall, 01632 960001",
            &["01632 960001"],
        ),
        (
            "Whitcombe;Oliver;7A;Fenwick Hall;01632 960001;paid",
            &["01632 960001"],
        ),
        (
            "Name: Oliver Whitcombe\nYear: 7\nMobile: 01632 960001",
            &["01632 960001"],
        ),
    ] {
        assert_eq!(found("telephone", text), own, "{text}");
    }
    for text in [
        "Oliver Whitcombe\nDepot Ltd\n1 High Street\nAB1 2DE\nTel: 01632 960001",
        "Oliver Whitcombe won and the line for tickets opens at 01632 960001",
        "Tickets 01632 960001, speaker Oliver Whitcombe",
    ] {
        assert_eq!(found("telephone", text), [""; 0], "{text}");
    }
}

#[test]
fn numbers_in_threes_and_fours_beside_a_name_may_be_telephone_numbers() {
    // The digits pass the check of the NHS, in the range for tests, or that of the learner numbers.
    for text in [
        "Oliver Whitcombe 999-000-0018",
        "Oliver Whitcombe 999.000.0018",
        "Oliver Whitcombe 999 000 0018\nAnn Hall 555 010 0199",
        "Oliver Whitcombe 927-630-8686",
        "Oliver Whitcombe 927 630 8686",
    ] {
        assert_eq!(found("nhs-number", text), [""; 0], "{text}");
        assert_eq!(found("uln", text), [""; 0], "{text}");
        assert_eq!(name(text), Some(Medium), "{text}");
    }
    for (detector, text) in [
        ("nhs-number", "Oliver Whitcombe 999 000 0018"),
        ("nhs-number", "Oliver Whitcombe, NHS no 999-000-0018"),
        (
            "nhs-number",
            "NHS numbers: Oliver Whitcombe 999 000 0018, Ann Hall 555 010 0199",
        ),
        ("uln", "Oliver Whitcombe 9276308686"),
        ("uln", "Oliver Whitcombe, ULN 927 630 8686"),
    ] {
        assert_eq!(found(detector, text).len(), 1, "{text}");
    }
    assert_eq!(name("Oliver Whitcombe 999 000 0018"), Some(High));
}

#[test]
fn another_middle_initial_is_another_person() {
    for (text, sure) in [
        ("Whitcombe, Oliver J. has left", Medium),
        ("Oliver J. Whitcombe has left", Medium),
        ("Oliver James Whitcombe has left", Medium),
        ("To: Ash, Ann; Whitcombe, Oliver James; Ash, Al", Medium),
        ("Whitcombe, Oliver I think", Medium),
        ("Whitcombe, Oliver T.; Ash, Ann", Low),
        ("Whitcombe, Oliver T.; Tunnicliffe, Hollis", Low),
        ("Whitcombe, Oliver T., 7A", High),
        ("Oliver T. Whitcombe has left", Low),
        ("To: Ash, Ann; Whitcombe, Oliver Thomas; Ash, Al", Low),
        ("Oliver T. Whitcombe, born 05/02/2014", High),
        // The roster does not tell.
        ("Tunnicliffe, Hollis T.; Ash, Ann", Medium),
    ] {
        assert_eq!(name(text), Some(sure), "{text}");
    }
}

#[test]
fn words_that_are_part_of_something_else_are_no_sure_name() {
    for text in [
        "If there are questions, John may know the answers",
        "To: Hall, Ann; Fenton-Stone, Robert; Ash, Al",
        "Robert Stone-Fenton sings",
        "The meeting is in the Oliver Whitcombe Centre",
        "The office is in Robert Stone Street, AB1 2DE",
    ] {
        assert_eq!(name(text), Some(Low), "{text}");
    }
    for text in [
        "In May, John Ash opened the hall",
        "It was for this that she fell under King George V's horse",
        "The firm is in King William Street, AB1 2DE",
        "I spoke to dean William about the chapel",
        "Speakers: Amber Whitcombe, Oliver Merrill, Robert May, John Ashman",
        "Write to office@oliverwhitcombe.example",
        "Week 7\t6.56\tAsh, William\tDean\tsigned",
        "To: Hall, Ann; Ash, Robert Stone; Hall, Al",
    ] {
        assert!(
            name(text).is_none_or(|sure| sure == Low),
            "{text}: {:?}",
            name(text)
        );
    }
    for text in [
        "King, George\nDean, William",
        "King George\nDean William",
        "George King has the flag, John May the drum",
        "Names: May, John",
        "Robert Stone - week 2",
        "Amber Whitcombe, Oliver",
        "Pupil Whitcombe, Oliver Attendance",
        "Write to oliverwhitcombe@mailbox.example",
        "john may",
    ] {
        assert!(
            name(text).is_some_and(|sure| sure >= Medium),
            "{text}: {:?}",
            name(text)
        );
    }
}

#[test]
fn correspondents_from_outside_are_not_taken_for_the_pupil() {
    for text in [
        "From: Oliver Whitcombe <oliver@depot.example>\nSent: Monday\nTo: office@trust.example\n\nBlue?",
        "> From: Whitcombe, Oliver [mailto:oliver.whitcombe@depot.example]\n> Sent: Monday",
        "To: ann@depot.example,\n  Oliver Whitcombe <ow@depot.example>",
        "On Monday, Oliver Whitcombe <ow@depot.example> wrote:\n> Blue?",
        "Cc: oliver.whitcombe@depot.example",
        "\"Whitcombe, Oliver\" <ow@depot.example> on 09/12/2000 07:49:26",
        "a@hall.example, \"Ann Hall\" <b@hall.example>, \"Oliver Whitcombe\" <ow@depot.example>, c@hall.example",
    ] {
        assert_eq!(name(text), Some(Low), "{text}");
        assert_eq!(found("email-address", text), [""; 0], "{text}");
    }
    for text in [
        "From: Oliver Whitcombe <oliver@trust.example>\nSent: Monday\nTo: x@depot.example",
        "From: Oliver Whitcombe <oliver@pupils.trust.example>\nSent: Monday",
        "From: Oliver Whitcombe\nSent: Monday\nTo: x@depot.example",
        "Please write to Oliver Whitcombe <ow@mailbox.example> at home.",
        "Ask oliver.whitcombe@mailbox.example about it.",
        "From: Oliver Whitcombe <ow@depot.example>, born 05/02/2014",
    ] {
        assert!(
            name(text).is_some_and(|sure| sure >= Medium),
            "{text}: {:?}",
            name(text)
        );
    }
}

#[test]
fn participants_are_known_on_every_line_of_a_quoted_list() {
    let list = "To: Ash, Ann; Ash, Al;\n Hall, Ben; Tunnicliffe, Hollis; Hall, Bo\nSubject: Paint";
    assert_eq!(name(list), None);
    assert_eq!(
        name("Subject: Paint\n\nHollis Tunnicliffe has asthma"),
        Some(Medium)
    );
}
