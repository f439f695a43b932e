//! Messages with pupils' names turned into initials: what changes, what does not, and what policy says of the result.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::sync::{Arc, LazyLock};

use beadle::detect::{Catalogue, Category, Engine};
use beadle::extract::{InProcess, Place};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::mime;
use beadle::pipeline::initials::{Reconsidered, reconsider};
use beadle::pipeline::judge::{Case, Tools};
use beadle::policy::{Action, ClientFacts, Policy};
use beadle::quarantine::initials::{CHANGED_HEADER, Left, NoProposal};
use beadle::roster::{Roster, RosterKind};
use proptest::prelude::*;

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

static TOOLS: LazyLock<Tools> = LazyLock::new(|| tools(ROSTER));

fn tools(roster: &[u8]) -> Tools {
    let (roster, _) = Roster::import(roster, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, [7; 16]).unwrap();
    let policy = Policy::embedded("standard").unwrap();
    let policy = policy.with_domains(&[Domain::parse("trust.example").unwrap()], &[]);
    Tools {
        engine: Arc::new(engine),
        policy: Arc::new(policy),
        reader: Arc::new(InProcess),
    }
}

fn ask(tools: &Tools, message: &[u8]) -> Result<Reconsidered, NoProposal> {
    let address = |text| Address::parse(text).unwrap();
    let envelope = Envelope::of(
        Some(address("teacher@trust.example")),
        [address("parent@home.example")],
    );
    let case = Case {
        envelope: &envelope,
        client: ClientFacts { own_server: true },
        message,
        today: jiff::civil::date(2026, 11, 28),
    };
    reconsider(&case, QueueId::from_random([9; 10]), tools, &Arc::default())
}

fn turned(message: &[u8]) -> Reconsidered {
    ask(&TOOLS, message).unwrap()
}

fn parsed(message: &[u8]) -> mime::Message<'_> {
    mime::parse(message, &Budget::new(Arc::new(Limits::default())))
}

/// The decoded text of the body of this number among the leaves.
fn body(message: &[u8], number: usize) -> String {
    let message = parsed(message);
    let mut leaves = message.parts.iter().filter(|part| part.text.is_some());
    leaves.nth(number).unwrap().text.clone().unwrap()
}

fn subject(message: &[u8]) -> String {
    parsed(message).headers.decoded("Subject").unwrap()
}

/// No pupil's name is found in what is rewritten.
fn is_clean(asked: &Reconsidered) -> bool {
    asked.judgement.findings.list.iter().all(|finding| {
        finding.category != Category::PupilName
            || matches!(finding.location.place, Place::Attachment(_))
    })
}

/// Lines of the old message that are not in the new one, and the other way round.
fn difference<'a>(old: &'a [u8], new: &'a [u8]) -> (Vec<&'a str>, Vec<&'a str>) {
    let lines = |bytes: &'a [u8]| -> Vec<&'a str> {
        std::str::from_utf8(bytes)
            .unwrap()
            .split_inclusive('\n')
            .collect()
    };
    let (old, new) = (lines(old), lines(new));
    let only = |these: &[&'a str], those: &[&'a str]| -> Vec<&'a str> {
        these
            .iter()
            .copied()
            .filter(|line| !those.contains(line))
            .collect()
    };
    (only(&old, &new), only(&new, &old))
}

/// A plain letter in ASCII with this text.
fn letter(text: &str) -> Vec<u8> {
    format!(
        "From: Jo Marsden <teacher@trust.example>\r\nTo: parent@home.example\r\nSubject: Trip\r\n\
         Message-ID: <1@trust.example>\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

fn said(text: &str) -> String {
    let asked = turned(&letter(text));
    assert!(
        is_clean(&asked),
        "{text}: {:?}",
        body(&asked.proposal.message, 0)
    );
    body(&asked.proposal.message, 0).trim_end().to_owned()
}

#[test]
fn names_become_initials() {
    for (before, after) in [
        (
            "Could you ring about Oliver Whitcombe, please?",
            "Could you ring about O.W., please?",
        ),
        ("This is about Oliver Whitcombe.", "This is about O.W."),
        ("Whitcombe, Oliver is in 7A", "O.W. is in 7A"),
        ("Whitcombe, Oliver James is in 7A", "O.J.W. is in 7A"),
        ("OLIVER WHITCOMBE has asthma", "O.W. has asthma"),
        ("oliver whitcombe has asthma", "O.W. has asthma"),
        ("Oliver James Whitcombe has asthma", "O.J.W. has asthma"),
        ("Oliver (Ollie) Whitcombe has asthma", "O.W. has asthma"),
        ("Amelia Hartley-Jones has asthma", "A.H-J. has asthma"),
        ("Lotte van der Berg's coat", "L.v.d.B.'s coat"),
        ("Layla al-Rashid has asthma", "L.a-R. has asthma"),
        ("Mateo de la Cruz has asthma", "M.d.l.C. has asthma"),
        ("Rhea D'Souza has asthma", "R.D. has asthma"),
        ("Mary-Ann Ashcroft has asthma", "M-A.A. has asthma"),
        (
            "O l i v e r  W h i t c o m b e has asthma",
            "O.W. has asthma",
        ),
        ("OliverWhitcombe has asthma", "O.W. has asthma"),
        ("0liver Wh1tcombe has asthma", "O.W. has asthma"),
        (
            "Forename: Oliver\r\nSurname: Whitcombe",
            "Forename: O.\nSurname: W.",
        ),
        (
            "Write to oliver.whitcombe@pupils.example",
            "Write to O.W.@pupils.example",
        ),
        ("see Oliver_Whitcombe_report.docx", "see O.W._report.docx"),
    ] {
        assert_eq!(said(before), after);
    }
}

#[test]
fn a_name_over_two_lines_keeps_the_lines() {
    assert_eq!(
        said("We spoke about Oliver\r\nWhitcombe, who has asthma."),
        "We spoke about\nO.W., who has asthma."
    );
    assert_eq!(
        said("> We spoke about Oliver\r\n> Whitcombe, who has asthma."),
        "> We spoke about\n> O.W., who has asthma."
    );
}

#[test]
fn forenames_alone_go_where_they_are_certain() {
    assert_eq!(
        said("Oliver Whitcombe has asthma. Oliver's inhaler is here. Oliver Twist is a book."),
        "O.W. has asthma. O.W.'s inhaler is here. Oliver Twist is a book."
    );
    // An ordinary word, and a name that two of them have.
    assert_eq!(
        said("Will Young (Year 3) has asthma. Will you ring?"),
        "W.Y. (Year 3) has asthma. Will you ring?"
    );
}

#[test]
fn two_with_the_same_initials_stay_two() {
    let roster = b"Surname,Forename,UPN\nWhitcombe,Oliver,\nWrenshall,Octavia,\n";
    let tools = tools(roster);
    let message = letter(
        "Oliver Whitcombe and Octavia Wrenshall: Oliver Whitcombe has asthma. Octavia has not. Octavia Wrenshall.",
    );
    let asked = ask(&tools, &message).unwrap();
    assert_eq!(
        body(&asked.proposal.message, 0).trim_end(),
        "O.W. (1) and O.W. (2): O.W. (1) has asthma. O.W. (2) has not. O.W. (2)."
    );
}
