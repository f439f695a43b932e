//! What names become in plain text, and what the result is judged to be.

use beadle::detect::Category;
use beadle::policy::Action;
use beadle::quarantine::initials::CHANGED_HEADER;

use crate::{ask, body, difference, is_clean, letter, said, tools, turned};

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
        (
            "Oliver and Grace Whitcombe are ill",
            "O.W. and G.W. are ill",
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

#[test]
fn only_the_lines_with_names_change() {
    let message = letter(
        "Dear all,\r\n\r\nOliver Whitcombe has asthma.\r\nSee you at 7.\r\n\r\n-- \r\nJo Marsden",
    );
    let asked = turned(&message);
    let (gone, new) = difference(&message, &asked.proposal.message);
    assert_eq!(gone, ["Oliver Whitcombe has asthma.\r\n"]);
    assert_eq!(new.len(), 2);
    assert!(new[0].starts_with(&format!("{CHANGED_HEADER}: ")) && new[0].ends_with("\r\n"));
    assert_eq!(new[1], "O.W. has asthma.\r\n");
    assert!(asked.proposal.message.starts_with(new[0].as_bytes()));
    let altered = &asked.proposal.altered[0];
    assert_eq!((altered.place.as_str(), altered.names), ("text/plain", 1));
    assert_eq!(altered.initials, [("O.W.".to_owned(), 1)]);
    assert_eq!(
        (altered.lines[0].0.reveal(), altered.lines[0].1.reveal()),
        (
            "\u{2022}\u{2022}\u{2022}\u{2022} has asthma.",
            "O.W. has asthma."
        )
    );
    assert!(!format!("{:?}", asked.proposal.altered).contains("asthma"));
}

#[test]
fn the_result_is_judged_again() {
    let message =
        letter("Oliver Whitcombe (UPN Q999400119001) is in 7A. Oliver Whitcombe has asthma.");
    let asked = turned(&message);
    assert!(is_clean(&asked));
    // What is no name stays, and the proposal says so.
    assert!(body(&asked.proposal.message, 0).starts_with("O.W. (UPN Q999400119001)"));
    let kinds: Vec<Category> = asked
        .judgement
        .findings
        .list
        .iter()
        .map(|f| f.category)
        .collect();
    assert!(kinds.contains(&Category::PupilId), "{kinds:?}");
    assert!(asked.judgement.verdict.action > Action::Deliver);
    let passes = turned(&letter(
        "Could you move Oliver Whitcombe to the later bus, please?",
    ));
    assert_eq!(passes.judgement.verdict.action, Action::Deliver);
}

#[test]
fn a_sender_of_the_same_forename_keeps_it() {
    let message = letter("Oliver Whitcombe has asthma. Oliver will ring you.\r\n\r\nOliver Dane");
    let message = String::from_utf8(message)
        .unwrap()
        .replace("Jo Marsden", "Oliver Dane");
    let asked = turned(message.as_bytes());
    assert_eq!(
        body(&asked.proposal.message, 0).trim_end(),
        "O.W. has asthma. Oliver will ring you.\n\nOliver Dane"
    );
}
