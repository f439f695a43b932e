//! Rosters as school systems export them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;

use beadle::roster::columns::Column;
use beadle::roster::{
    ColumnUse, Date, File, Import, ImportReport, Risk, Roster, RosterError, RosterKind,
};
use proptest::prelude::*;

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

/// A zip of these files.
fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Legal names, forename first.
fn full_names(roster: &Roster) -> Vec<String> {
    let legal = roster.people.iter().map(|person| &person.legal);
    legal
        .map(|name| format!("{} {}", name.forename, name.surname))
        .collect()
}

fn pupils(bytes: &[u8]) -> (Roster, ImportReport) {
    Roster::import(bytes, RosterKind::Pupils).unwrap()
}

#[test]
fn one_roster_sets_are_joined() {
    let users = "sourcedId,status,enabledUser,orgSourcedIds,role,username,givenName,familyName,middleName,email,agentSourcedIds,grades,password\n\
        u1,active,true,s1,student,ow,Oliver,Whitcombe,James,,u3,07,pw1\n\
        u2,active,true,s1,teacher,ah,Anna,Raman,,a.raman@trust.example,,,pw2\n\
        u3,active,true,s1,guardian,cw,Claire,Whitcombe,,claire@home.example,,,pw3\n\
        u4,tobedeleted,true,s1,student,xx,Callum,Gone,,,,08,pw4\n";
    let set = [
        ("users.csv", users),
        (
            "orgs.csv",
            "sourcedId,name,type\ns1,Fenwick Hall Academy,school\n",
        ),
        ("demographics.csv", "sourcedId,birthDate\nu1,2014-02-05\n"),
        ("manifest.csv", "propertyName,value\nmanifest.version,1.0\n"),
    ];
    let (roster, report) = pupils(&zipped(&set));
    assert!(report.format.contains("OneRoster"), "{}", report.format);
    assert_eq!(full_names(&roster), ["Oliver Whitcombe"]);
    let oliver = &roster.people[0];
    assert_eq!(oliver.contacts, ["claire@home.example"]);
    assert_eq!(oliver.school, "Fenwick Hall Academy");
    assert!(oliver.born == Date::new(2014, 2, 5));
    let files: Vec<File<'_>> = set
        .iter()
        .map(|(name, text)| File {
            name,
            bytes: text.as_bytes(),
        })
        .collect();
    let mut import = Import::new(RosterKind::Staff);
    import.add(&files).unwrap();
    let (staff, _) = import.finish();
    assert_eq!(full_names(&staff), ["Anna Raman"]);
}

#[test]
fn one_roster_1_2_says_roles_in_a_file_of_their_own() {
    let (roster, _) = pupils(&zipped(&[
        (
            "export/users.csv",
            "sourcedId,enabledUser,username,givenName,familyName,preferredFirstName,password\nu1,true,ow,Oliver,Whitcombe,Ollie,x\nu2,true,ar,Anna,Raman,,x\n",
        ),
        (
            "export/roles.csv",
            "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,u1,primary,student,s1\nr2,u2,primary,teacher,s1\n",
        ),
    ]));
    assert_eq!(full_names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(roster.people[0].preferred.forename, "Ollie");
}

#[test]
fn school_data_sync_of_each_version() {
    let v1 = "SIS ID,School SIS ID,First Name,Last Name,Username,Password,State ID,Secondary Email,Student Number,Middle Name,Grade,Status,Birthdate,Graduation Year\n\
        7,1,Oliver,Whitcombe,ow,pw,,,007,James,7,,2014-02-05,2030\n";
    let (roster, report) = pupils(&zipped(&[
        ("School.csv", "SIS ID,Name\n1,Fenwick Hall Academy\n"),
        ("Student.csv", v1),
        (
            "GuardianRelationship.csv",
            "SIS ID,Email,Role\n7,claire@home.example,Parent\n",
        ),
    ]));
    assert!(
        report.format.contains("School Data Sync"),
        "{}",
        report.format
    );
    assert_eq!(full_names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(roster.people[0].school, "Fenwick Hall Academy");
    assert_eq!(roster.people[0].contacts, ["claire@home.example"]);
    let uk = v1.replace("SIS ID,School SIS ID", "ID,School DfE Number");
    assert_eq!(
        full_names(&pupils(&zipped(&[("Student.csv", &uk)])).0).len(),
        1
    );
    let v2 = "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n1,s,Oliver,Whitcombe,o,p,student,7\n2,s,Anna,Raman,a,p,teacher,\n";
    assert_eq!(
        full_names(&pupils(&zipped(&[("users.csv", v2)])).0),
        ["Oliver Whitcombe"]
    );
    let (roster, _) = pupils(&zipped(&[
        (
            "users.csv",
            "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\n1,o,Oliver,Whitcombe,p,,,,\n9,c,Claire,Whitcombe,p,,claire@home.example,,\n",
        ),
        (
            "roles.csv",
            "userSourcedId,orgSourcedId,role\n1,s,student\n9,s,guardian\n",
        ),
        (
            "relationships.csv",
            "userSourcedId,relationshipUserSourcedId,relationshipRole\n1,9,parent\n",
        ),
    ]));
    assert_eq!(full_names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(roster.people[0].contacts, ["claire@home.example"]);
}

#[test]
fn transfer_files_are_read() {
    let file = r#"<?xml version="1.0" encoding="ISO-8859-1"?><CTfile><Header><DocumentName>Common Transfer File</DocumentName>
        <SourceSchool><LEA>999</LEA><SchoolName>Brookmere Primary School</SchoolName></SourceSchool></Header><CTFpupilData>
        <Pupil><UPN>E999200225001</UPN><Surname>O&apos;CONNELL</Surname><Forename>SIOBHAN</Forename><DOB>2020-03-21</DOB>
        <BasicDetails><FormerUPN>Q999400119001</FormerUPN><PreferredForename>Shiv</PreferredForename><MiddleNames>Mary</MiddleNames><NCyearActual>1</NCyearActual></BasicDetails>
        <Contacts><Contact><Surname>Connell</Surname><Email>tom@home.example</Email></Contact><Contact><Email>gwen@home.example</Email></Contact></Contacts>
        </Pupil></CTFpupilData></CTfile>"#;
    let (roster, report) = pupils(file.as_bytes());
    assert!(
        report.format.contains("Common Transfer File"),
        "{}",
        report.format
    );
    assert_eq!(full_names(&roster), ["SIOBHAN O'CONNELL"]);
    let pupil = &roster.people[0];
    assert_eq!(pupil.contacts, ["gwen@home.example", "tom@home.example"]);
    assert_eq!(pupil.former_upn.as_deref(), Some("Q999400119001"));
    assert_eq!(pupil.school, "Brookmere Primary School");
    assert_eq!(pupil.preferred.forename, "Shiv");
    for wrong in ["<html><body>x</body></html>", &file[..file.len() - 40]] {
        let error = Roster::import(wrong.as_bytes(), RosterKind::Pupils).unwrap_err();
        assert!(error.to_string().contains("XML"), "{error}");
    }
}

#[test]
fn wonde_json_is_read() {
    let json = r#"{"data":[{"id":"A1","upi":"x","mis_id":"7","surname":"Whitcombe","forename":"Ollie","legal_surname":"Whitcombe","legal_forename":"Oliver",
        "middle_names":"James","date_of_birth":{"date":"2014-02-05 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"},
        "education_details":{"data":{"upn":"Q999400119001","current_nc_year":"7"}},
        "contacts":{"data":[{"forename":"Claire","contact_details":{"data":{"emails":{"email":"claire@home.example"}}}}]}}]}"#;
    let (roster, report) = pupils(json.as_bytes());
    assert!(report.format.contains("JSON"), "{}", report.format);
    let pupil = &roster.people[0];
    assert_eq!(full_names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(pupil.preferred.forename, "Ollie");
    assert!(pupil.born == Date::new(2014, 2, 5));
    assert_eq!(pupil.contacts, ["claire@home.example"]);
    assert_eq!(pupil.upn.as_deref(), Some("Q999400119001"));
    assert!(Roster::import(br#"{"data":{"surname":"x"}}"#, RosterKind::Pupils).is_err());
}

#[test]
fn what_cannot_be_read_says_why() {
    let said = |bytes: &[u8]| {
        let error = Roster::import(bytes, RosterKind::Pupils).unwrap_err();
        error.to_string()
    };
    assert!(
        said(b"PK\x03\x04rubbish").contains("broken"),
        "{}",
        said(b"PK\x03\x04rubbish")
    );
    assert!(
        said(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
            .to_lowercase()
            .contains("xlsx")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..4_usize) {
        let start: &[u8] = [&b""[..], b"PK\x03\x04", b"<CTfile><CTFpupilData><Pupil>", b"{\"data\":["][kind];
        bytes.splice(..0, start.iter().copied());
        let _ = Roster::import(&bytes, RosterKind::Pupils);
    }

    #[test]
    fn any_sheet_is_an_answer(cells in "[<>/a-z0-9 =\"&;A-Z]{0,200}") {
        let sheet = format!("<worksheet><sheetData><row r=\"1\">{cells}</row></sheetData></worksheet>");
        let book = zipped(&[("xl/workbook.xml", ""), ("xl/worksheets/sheet1.xml", &sheet)]);
        let _ = Roster::import(&book, RosterKind::Pupils);
    }
}
