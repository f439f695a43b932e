//! Rosters as school systems export them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use beadle::roster::columns::Column;
use beadle::roster::{ColumnUse, Date, ImportReport, Risk, Roster, RosterError, RosterKind};

fn import(text: &str) -> (Roster, ImportReport) {
    Roster::import(text.as_bytes(), RosterKind::Pupils).unwrap()
}

fn names(roster: &Roster) -> Vec<String> {
    roster
        .people
        .iter()
        .map(|person| {
            format!(
                "{}|{}|{}",
                person.legal.forename, person.middle, person.legal.surname
            )
        })
        .collect()
}

#[test]
fn the_sample_is_whole() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample");
    let pupils = std::fs::read(root.join("roster.csv")).unwrap();
    let staff = std::fs::read(root.join("staff.csv")).unwrap();
    let (pupils, report) = Roster::import(&pupils, RosterKind::Pupils).unwrap();
    let (staff, staff_report) = Roster::import(&staff, RosterKind::Staff).unwrap();
    assert_eq!(
        (
            report.people,
            report.rows,
            report.skipped.len(),
            report.schools.len()
        ),
        (64, 64, 0, 2)
    );
    assert!(
        report
            .columns
            .iter()
            .all(|(_, what)| matches!(what, ColumnUse::Mapped(_))),
        "{:?}",
        report.columns
    );
    assert_eq!(
        (staff_report.people, staff.people[0].legal.forename.as_str()),
        (13, "Daniel")
    );
    assert!(pupils.people.iter().all(|person| person.born.is_some()
        && person.upn.is_some()
        && !person.contacts.is_empty()));
    let upns: std::collections::HashSet<_> = pupils
        .people
        .iter()
        .map(|person| person.upn.clone())
        .collect();
    assert_eq!(upns.len(), 64);
    assert!(
        upns.iter()
            .flatten()
            .all(|upn| beadle::detect::checks::upn(upn.as_bytes()))
    );
    let risks: Vec<(String, Risk)> = pupils
        .risky_names(&staff)
        .into_iter()
        .map(|risky| (risky.name, risky.risk))
        .collect();
    assert!(
        risks.contains(&("Daniel Wright".to_owned(), Risk::SharedWithStaff)),
        "{risks:?}"
    );
    for ordinary in [
        "Grace Hope",
        "Will Young",
        "Mark Long",
        "Holly Green",
        "Summer Marsh",
    ] {
        assert!(
            risks.contains(&(ordinary.to_owned(), Risk::OrdinaryWords)),
            "{ordinary}: {risks:?}"
        );
    }
}

#[test]
fn headers_of_many_systems() {
    for (header, row) in [
        ("Surname,Forename,Reg,UPN", "Whitcombe,Oliver,7A,"),
        ("Legal Surname;Legal Forename;Year", "Whitcombe;Oliver;7"),
        (
            "sourcedId\tstatus\trole\tgivenName\tfamilyName\tpassword",
            "1\tactive\tstudent\tOliver\tWhitcombe\tx",
        ),
        (
            "SIS ID,School SIS ID,First Name,Last Name,Username,Password",
            "1,2,Oliver,Whitcombe,ow,secret",
        ),
        ("Name,DOB", "\"Whitcombe, Oliver\",05/02/2014"),
        ("Full Name,DOB", "Oliver Whitcombe,05/02/2014"),
        ("Pupil Name,DOB", "\"WHITCOMBE, Master Oliver\",05/02/2014"),
        ("txtSurname,txtForename", "Whitcombe,Oliver"),
        (
            "preferred_first_name,preferred_last_name",
            "Oliver,Whitcombe",
        ),
    ] {
        let (roster, _) = import(&format!("{header}\r\n{row}\r\n"));
        let person = &roster.people[0];
        assert_eq!(person.legal.forename, "Oliver", "{header}");
        assert_eq!(person.legal.surname.to_lowercase(), "whitcombe", "{header}");
    }
}

#[test]
fn full_names_are_split() {
    let (roster, _) = import(
        "Name\nOliver James Whitcombe\nLotte van der Berg\n\"Pemberton, Jack William\"\nMr Cher\n",
    );
    assert_eq!(
        names(&roster),
        [
            "Oliver|James|Whitcombe",
            "Lotte||van der Berg",
            "Jack|William|Pemberton",
            "||Cher"
        ]
    );
}

#[test]
fn encodings() {
    let text = "Surname;Forename\r\nM\u{fc}ller;Zo\u{eb}\r\n";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(text.as_bytes());
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut wide_marked = vec![0xff, 0xfe];
    wide_marked.extend(&wide);
    for bytes in [latin, text.as_bytes().to_vec(), marked, wide, wide_marked] {
        let (roster, _) = Roster::import(&bytes, RosterKind::Pupils).unwrap();
        assert_eq!(names(&roster), ["Zo\u{eb}||M\u{fc}ller"]);
    }
}

#[test]
fn everything_is_told() {
    let (roster, report) = import(
        "Surname,Forename,Shoe Size,Password,Parent Email,contact_emails,DOB\n,,,,,,\nHope,,1,x,,,\n,\nWhitcombe,Oliver,3,pw,A@B.example,\"c@d.example; e@f.example\",2014-02-05\n",
    );
    assert_eq!(report.rows, 4);
    assert_eq!(report.skipped.len(), 2);
    assert_eq!(
        report.columns[2],
        ("Shoe Size".to_owned(), ColumnUse::Unmapped)
    );
    assert_eq!(
        report.columns[3],
        ("Password".to_owned(), ColumnUse::Dropped)
    );
    assert_eq!(report.columns[4].1, ColumnUse::Mapped(Column::ContactEmail));
    let oliver = &roster.people[1];
    assert_eq!(
        oliver.contacts,
        ["a@b.example", "c@d.example", "e@f.example"]
    );
    assert!(oliver.born == Date::new(2014, 2, 5));
    assert!(!format!("{roster:?} {oliver:?}").contains("Oliver"));
}

#[test]
fn one_roster_roles() {
    let text = "sourcedId,status,role,givenName,familyName\n1,active,student,Oliver,Whitcombe\n2,active,teacher,Helen,Cartwright\n3,tobedeleted,student,Amelia,Gone\n4,active,parent,Claire,Whitcombe\n";
    assert_eq!(names(&import(text).0), ["Oliver||Whitcombe"]);
    let (staff, _) = Roster::import(text.as_bytes(), RosterKind::Staff).unwrap();
    assert_eq!(names(&staff), ["Helen||Cartwright"]);
}

#[test]
fn what_is_no_roster_is_an_error() {
    let error = |text: &str| {
        Roster::import(text.as_bytes(), RosterKind::Pupils)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(error(""), RosterError::Empty);
    assert_eq!(
        error("sourcedId,username\n1,x\n"),
        RosterError::NoNames(vec!["sourcedId".to_owned(), "username".to_owned()])
    );
    assert!(
        error("Surname,Age\nx,1\n")
            .to_string()
            .contains("Surname, Age")
    );
    assert_eq!(error("Surname,Forename\n"), RosterError::Nobody);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = Roster::import(&bytes, RosterKind::Pupils);
        let mut with_header = b"Name,DOB\n".to_vec();
        with_header.extend(bytes);
        let _ = Roster::import(&with_header, RosterKind::Staff);
    }
}

#[test]
fn what_could_not_be_read_of_a_row_is_told() {
    let told = |text: &str| -> Vec<(usize, &'static str)> {
        let report = import(text).1;
        let rows = report.warnings.iter();
        rows.map(|row| (row.row, row.reason)).collect()
    };
    let (roster, report) =
        import("Forename,Surname,DOB\nAda,Quill,notadate\nBen,Rook,\nCal,Stag,31/02/2014\n");
    assert_eq!((roster.people.len(), report.skipped.len()), (3, 0));
    let rows: Vec<usize> = report.warnings.iter().map(|row| row.row).collect();
    assert_eq!(rows, [2, 4]);
    assert!(report.warnings[0].reason.contains("date of birth"));

    let open = told("Forename,Surname\nAda,Quill\n\n\"Ben,Rook\nCal,Stag\nDee,Teal\n");
    assert!(
        matches!(open[..], [(3, reason)] if reason.contains("never closed")),
        "{open:?}"
    );
    let early = told("Forename;Surname\r\nAda;\"Quill\r\nBen;\"Rook\"\r\nCal;Stag\r\n");
    assert!(
        matches!(early[..], [(2, reason)] if reason.contains("behind a closing quote")),
        "{early:?}"
    );
    for text in [
        "Forename,Surname\n\"Ada\",\"Quill\"\n",
        "Forename,Surname\n\"A \"\"Addie\"\"\" ,Quill",
        "Forename,Surname\nAda \"Addie\",Quill\n",
        "Forename,Surname,Address\nAda,Quill,\"1 Lane,\nTown\"",
        "Forename,Surname,DOB\nAda,Quill,2014-02-05",
    ] {
        assert_eq!(told(text), [], "{text:?}");
    }
}

#[test]
fn columns_have_plain_names() {
    assert_eq!(Column::Forename.name(), "legal forename");
    assert_eq!(Column::Born.name(), "date of birth");
}
