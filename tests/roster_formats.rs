//! Rosters in every shape that school systems export: workbooks, sets of files, transfer files, JSON, contacts apart.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Cursor, Write};

use beadle::roster::columns::Column;
use beadle::roster::{
    ColumnUse, Date, File, Import, ImportReport, Person, Roster, RosterError, RosterKind,
};

fn import(bytes: &[u8]) -> (Roster, ImportReport) {
    Roster::import(bytes, RosterKind::Pupils).unwrap()
}

fn failure(bytes: &[u8]) -> RosterError {
    Roster::import(bytes, RosterKind::Pupils)
        .map(|_| ())
        .unwrap_err()
}

fn files<'f>(all: &'f [(&str, &str)]) -> Vec<File<'f>> {
    let file = |(name, text): &(&'f str, &'f str)| File {
        name,
        bytes: text.as_bytes(),
    };
    all.iter().map(file).collect()
}

fn import_set(all: &[(&str, &str)], kind: RosterKind) -> (Roster, ImportReport) {
    let mut import = Import::new(kind);
    let report = import.add(&files(all)).unwrap();
    (import.finish().0, report)
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn names(roster: &Roster) -> Vec<String> {
    let name = |person: &Person| format!("{} {}", person.legal.forename, person.legal.surname);
    roster.people.iter().map(name).collect()
}

/// Everything a roster keeps, as text.
fn everything(roster: &Roster) -> String {
    let all = |person: &Person| {
        let names = [&person.legal, &person.preferred, &person.former];
        let names = names.map(|name| format!("{} {}", name.forename, name.surname));
        format!(
            "{names:?} {:?} {:?} {:?} {:?} {} {} {} {} {:?} {:?}",
            person.id,
            person.upn,
            person.former_upn,
            person.uln,
            person.middle,
            person.year,
            person.form,
            person.school,
            person.contacts,
            person.addresses
        )
    };
    roster.people.iter().map(all).collect()
}

const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/><Relationship Id="rId3" Target="worksheets/sheet3.xml"/></Relationships>"#;

fn workbook(sheets: &str, first: &str, second: &str, third: &str) -> Vec<u8> {
    let book = format!(
        r#"<workbook xmlns:r="http://r.example"><workbookPr/><sheets>{sheets}</sheets></workbook>"#
    );
    let sheet = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let strings = "<sst><si><t>Surname</t></si><si><r><t>Fore</t></r><r><t>name</t></r></si><si><t>Whit&#99;ombe</t></si><si><t>O&apos;Brien</t><rPh><t>no</t></rPh></si></sst>";
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet(first).as_bytes()),
        ("xl/worksheets/sheet2.xml", sheet(second).as_bytes()),
        ("xl/worksheets/sheet3.xml", sheet(third).as_bytes()),
    ])
}

const TITLED: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Fenwick Hall Academy</t></is></c></row>
<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="C3" t="inlineStr"><is><t>DOB</t></is></c><c r="D3" t="inlineStr"><is><t>ULN</t></is></c><c r="F3" t="inlineStr"><is><t>Password</t></is></c></row>
<row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4" t="str"><v>Oliver</v></c><c r="C4" s="2"><v>41675</v></c><c r="D4"><v>9.434765919E9</v></c><c r="F4" t="inlineStr"><is><t>hunter2</t></is></c></row>
<row r="5"><c r="A5" t="s"><v>3</v></c><c r="B5" t="str"><v>Amelia</v></c><c r="C5"><v>41675</v></c></row>
<row r="7"><c r="A7" t="s"><v>2</v></c></row>"#;

#[test]
fn a_workbook_is_read_below_its_title() {
    let bytes = workbook(r#"<sheet name="Pupils" r:id="rId1"/>"#, TITLED, "", "");
    let (roster, report) = import(&bytes);
    assert_eq!(
        names(&roster),
        ["Oliver Whitcombe", "Amelia O'Brien", " Whitcombe"]
    );
    let oliver = &roster.people[0];
    assert!(oliver.born == Date::new(2014, 2, 5) && roster.people[1].born == oliver.born);
    assert_eq!(oliver.uln.as_deref(), Some("9434765919"));
    assert_eq!(report.format, "Excel workbook");
    assert!(
        report
            .columns
            .contains(&("Password".to_owned(), ColumnUse::Dropped))
    );
    assert!(!everything(&roster).contains("hunter2"));
}

#[test]
fn every_visible_sheet_with_names_is_read() {
    let rows = r#"<row><c t="inlineStr"><is><t>Name</t></is></c></row><row><c t="inlineStr"><is><t>Ada Quill</t></is></c></row>"#;
    let notes = r#"<row><c t="inlineStr"><is><t>Printed</t></is></c><c><v>3</v></c></row>"#;
    let sheets = r#"<sheet name="7A" r:id="rId1"/><sheet name="7B" r:id="rId2"/><sheet name="Notes" r:id="rId3"/>"#;
    let (roster, report) = import(&workbook(sheets, TITLED, rows, notes));
    assert_eq!(names(&roster)[3], "Ada Quill");
    assert!(
        report
            .columns
            .iter()
            .any(|(header, _)| header == "7B: Name")
    );
    assert!(
        report
            .files
            .iter()
            .any(|(sheet, what)| sheet == "Notes" && what.contains("no columns for names"))
    );
    let hidden = sheets.replace("name=\"7B\"", "name=\"7B\" state=\"hidden\"");
    let (roster, report) = import(&workbook(&hidden, TITLED, rows, notes));
    assert_eq!(roster.len(), 3);
    assert!(report.files.iter().any(|(_, what)| what.contains("hidden")));
    let only = r#"<sheet name="Notes" r:id="rId3"/>"#;
    assert_eq!(
        failure(&workbook(only, "", "", notes)).headers(),
        ["Printed", "3"]
    );
}

#[test]
fn hostile_workbooks_are_refused() {
    let good = workbook(r#"<sheet name="Pupils" r:id="rId1"/>"#, TITLED, "", "");
    for cut in [30, good.len() / 2, good.len() - 4] {
        failure(&good[..cut]);
    }
    let wide = r#"<row><c r="XFD1" t="inlineStr"><is><t>Name</t></is></c></row>"#;
    failure(&workbook(
        r#"<sheet name="Pupils" r:id="rId1"/>"#,
        wide,
        "",
        "",
    ));
    let deep = "<row>".repeat(100_000);
    let error = failure(&workbook(
        r#"<sheet name="Pupils" r:id="rId1"/>"#,
        &deep,
        "",
        "",
    ));
    assert!(error.to_string().contains("64 elements"), "{error}");
}

const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password
p1,active,,true,\"s2,s1\",student,ow,,Oliver,Whitcombe,James,,ow@trust.example,,,\"g1,t1\",07,hunter2
p2,active,,true,s1,student,aq,,Ada,Quill,,,,,,,08,hunter2
p3,tobedeleted,,true,s1,student,x,,Amelia,Gone,,,,,,,08,hunter2
g1,active,,true,s1,guardian,,,Claire,Whitcombe,,,claire@mailbox.example,,,,,
g2,active,,true,s1,parent,,,Ben,Quill,,,ben@mailbox.example,,,p2,,
t1,active,,true,s1,teacher,,,Helen,Cartwright,,,helen@trust.example,,,,,
";
const ORGS: &str = "sourcedId,status,name,type\ns1,active,Fenwick Hall Academy,school\ns2,active,Brookmere Primary School,school\n";

#[test]
fn one_roster_1_1() {
    let set = [
        ("users.csv", USERS),
        ("orgs.csv", ORGS),
        ("classes.csv", "sourcedId,title\n1,x\n"),
        (
            "demographics.csv",
            "sourcedId,status,birthDate\np1,active,2014-02-05\n",
        ),
    ];
    let (roster, report) = import_set(&set, RosterKind::Pupils);
    assert_eq!(names(&roster), ["Oliver Whitcombe", "Ada Quill"]);
    assert_eq!(report.format, "OneRoster 1.1");
    let [oliver, ada] = &roster.people[..] else {
        panic!("two pupils");
    };
    assert!(oliver.born == Date::new(2014, 2, 5));
    assert_eq!(oliver.school, "Brookmere Primary School");
    assert_eq!(oliver.contacts, ["claire@mailbox.example"], "no teacher");
    assert_eq!(ada.contacts, ["ben@mailbox.example"]);
    assert_eq!(report.schools["Fenwick Hall Academy"], 1);
    assert!(!everything(&roster).contains("hunter2"));
    assert!(
        report
            .columns
            .contains(&("users.csv: password".to_owned(), ColumnUse::Dropped))
    );
    let (staff, _) = import_set(&set, RosterKind::Staff);
    assert_eq!(names(&staff), ["Helen Cartwright"]);

    let entries: Vec<(String, &[u8])> = set
        .iter()
        .map(|(name, text)| (format!("export/{name}"), text.as_bytes()))
        .collect();
    let entries: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(name, bytes)| (name.as_str(), *bytes))
        .collect();
    let (packed, _) = import(&zip(&entries));
    assert!(packed == roster, "a zip is read as its folder is");
}

#[test]
fn one_roster_1_2_keeps_roles_apart() {
    let set = [
        (
            "users.csv",
            "sourcedId,status,givenName,familyName,preferredFirstName,preferredLastName,primaryOrgSourcedId\np1,active,Oliver,Whitcombe,Ollie,,s1\nt1,active,Helen,Cartwright,,,s1\nb1,active,Mia,Stag,,,s1\n",
        ),
        ("orgs.csv", ORGS),
        (
            "roles.csv",
            "sourcedId,status,userSourcedId,roleType,role,orgSourcedId\n1,active,p1,secondary,student,s1\n2,active,p1,primary,student,s2\n3,active,t1,primary,teacher,s1\n4,active,b1,primary,student,s1\n5,active,b1,secondary,aide,s1\n6,tobedeleted,t1,secondary,student,s1\n",
        ),
    ];
    let (roster, report) = import_set(&set, RosterKind::Pupils);
    assert_eq!(names(&roster), ["Oliver Whitcombe", "Mia Stag"]);
    assert_eq!(roster.people[0].preferred.forename, "Ollie");
    assert_eq!(roster.people[0].school, "Brookmere Primary School");
    assert_eq!(report.format, "OneRoster 1.2");
    assert_eq!(report.skipped[0].reason, "not a pupil");
    let (staff, _) = import_set(&set, RosterKind::Staff);
    assert_eq!(names(&staff), ["Helen Cartwright", "Mia Stag"]);
}

#[test]
fn school_data_sync_v1_and_uk() {
    let v1 = [
        (
            "student.csv",
            "SIS ID,School SIS ID,First Name,Last Name,Username,Password,State ID,Secondary Email,Student Number,Middle Name,Grade,Status,Birthdate,Graduation Year\n11,s1,Oliver,Whitcombe,ow,hunter2,Q999400119001,,11,James,7,Active,2/5/2014,\n",
        ),
        (
            "school.csv",
            "SIS ID,Name,School Number\ns1,Fenwick Hall Academy,3\n",
        ),
        (
            "teacher.csv",
            "SIS ID,School SIS ID,First Name,Last Name,Username,Password\n91,s1,Helen,Cartwright,hc,hunter2\n",
        ),
        (
            "guardianrelationship.csv",
            "SIS ID,Email,Role\n11,claire@mailbox.example,Parent\n11,gp@surgery.example,Doctor\n",
        ),
        (
            "user.csv",
            "Email,First Name,Last Name,Phone,SIS ID\nclaire@mailbox.example,Claire,Whitcombe,,\n",
        ),
    ];
    let (roster, report) = import_set(&v1, RosterKind::Pupils);
    assert_eq!(names(&roster), ["Oliver Whitcombe"]);
    let oliver = &roster.people[0];
    assert_eq!(oliver.school, "Fenwick Hall Academy");
    assert_eq!(oliver.upn.as_deref(), Some("Q999400119001"));
    assert_eq!(oliver.contacts, ["claire@mailbox.example"], "no doctor");
    assert_eq!(report.format, "School Data Sync v1");
    let (staff, _) = import_set(&v1, RosterKind::Staff);
    assert_eq!(names(&staff), ["Helen Cartwright"]);
    assert!(!everything(&roster).contains("hunter2") && !everything(&staff).contains("hunter2"));

    let uk = [
        (
            "Student.csv",
            "ID,School DfE Number,First Name,Last Name,Username,Password\n11,3304001,Oliver,Whitcombe,ow,hunter2\n",
        ),
        (
            "School.csv",
            "DfE Number,Name\n3304001,Fenwick Hall Academy\n",
        ),
    ];
    let (roster, report) = import_set(&uk, RosterKind::Pupils);
    assert_eq!(roster.people[0].school, "Fenwick Hall Academy");
    assert_eq!(report.format, "School Data Sync v1 UK");
}

#[test]
fn school_data_sync_v2_and_v2_1() {
    let v2 = [
        (
            "users.csv",
            "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n1,s1,Oliver,Whitcombe,ow,hunter2,student,7\n2,s1,Helen,Cartwright,hc,hunter2,teacher,\n",
        ),
        (
            "orgs.csv",
            "sourcedId,name,type\ns1,Fenwick Hall Academy,school\n",
        ),
    ];
    let (roster, report) = import_set(&v2, RosterKind::Pupils);
    assert_eq!(names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(roster.people[0].school, "Fenwick Hall Academy");
    assert_eq!(report.format, "School Data Sync v2");

    let v21 = [
        (
            "users.csv",
            "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\n1,ow,Oliver,Whitcombe,hunter2,,ow@trust.example,,\n2,hc,Helen,Cartwright,hunter2,,helen@trust.example,,\n4,bw,Ben,Whitcombe,,,ben@mailbox.example,,\n5,xx,Ada,Quill,,,,,\n3,cw,Claire,Whitcombe,,,claire@mailbox.example,,\n",
        ),
        (
            "roles.csv",
            "userSourcedId,orgSourcedId,role,isPrimary,grade\n1,s1,student,true,7\n2,s1,teacher,true,\n3,s1,guardian,,\n",
        ),
        (
            "orgs.csv",
            "sourcedId,name,type\ns1,Fenwick Hall Academy,school\n",
        ),
        (
            "demographics.csv",
            "userSourcedId,birthDate\n1,2014-02-05\n",
        ),
        (
            "relationships.csv",
            "userSourcedId,relationshipUserSourcedId,relationshipRole\n1,3,guardian\n1,2,guardian\n1,4,parent\n",
        ),
    ];
    let (roster, report) = import_set(&v21, RosterKind::Pupils);
    // Ada has no role and is taken for a pupil; Ben has none either, but is a parent.
    assert_eq!(names(&roster), ["Oliver Whitcombe", "Ada Quill"]);
    assert!(report.warnings[0].reason.contains("no role"));
    let (staff, _) = import_set(&v21, RosterKind::Staff);
    assert_eq!(names(&staff), ["Helen Cartwright"]);
    let oliver = &roster.people[0];
    assert_eq!(
        oliver.contacts,
        ["ben@mailbox.example", "claire@mailbox.example"],
        "no staff"
    );
    assert!(oliver.born == Date::new(2014, 2, 5));
    assert_eq!(report.format, "School Data Sync v2.1");
    assert!(!everything(&roster).contains("hunter2"));

    let bare = [
        ("users.csv", "sourcedId,username,role\n1,ow,student\n"),
        ("orgs.csv", "sourcedId,name\ns1,Fenwick\n"),
    ];
    let error = Import::new(RosterKind::Pupils)
        .add(&files(&bare))
        .unwrap_err();
    assert_eq!(
        error.headers(),
        ["sourcedId", "username", "role"].map(ToOwned::to_owned)
    );
    assert!(error.to_string().contains("`users.csv`"), "{error}");
}

const CTF: &str = r#"<?xml version="1.0" encoding="utf-8"?><!DOCTYPE CTfile [<!ENTITY boom "boom boom">]>
<CTfile><Header><DocumentName>Common Transfer File</DocumentName><SourceSchool><LEA>999</LEA><Estab>4001</Estab><SchoolName>Fenwick Hall Academy</SchoolName></SourceSchool><DestSchool><LEA>999</LEA><Estab>4002</Estab><SchoolName>Elsewhere</SchoolName></DestSchool></Header>
<CTFpupilData>
<Pupil><UPN>Q999400119001</UPN><UniqueLearnerNumber>9434765919</UniqueLearnerNumber><Surname>WHITCOMBE</Surname><Forename>OLIVER</Forename><DOB>2014-02-05</DOB><Sex>M</Sex>
 <BasicDetails><FormerUPN>A999400119002</FormerUPN><PreferredSurname>Whitcombe</PreferredSurname><PreferredForename>Ollie</PreferredForename><FormerSurname>Stag</FormerSurname><MiddleNames>James &amp; Tom</MiddleNames><NCyearActual>7</NCyearActual><MedicalFlag>1</MedicalFlag></BasicDetails>
 <Email>ow@trust.example</Email>
 <Contacts><Contact><Order>1</Order><Surname>Whitcombe</Surname><Forename>Claire</Forename><Email>claire@mailbox.example</Email></Contact><Contact><Forename>Ben</Forename><Email>ben@mailbox.example</Email></Contact></Contacts>
 <SchoolHistory><School><SchoolName>Other School</SchoolName></School></SchoolHistory></Pupil>
<Pupil><Surname>Quill</Surname><Forename>&boom;Ada</Forename></Pupil>
</CTFpupilData></CTfile>"#;

#[test]
fn common_transfer_files() {
    let (roster, report) = import(CTF.as_bytes());
    assert_eq!(names(&roster), ["OLIVER WHITCOMBE", "Ada Quill"]);
    let oliver = &roster.people[0];
    assert_eq!(oliver.upn.as_deref(), Some("Q999400119001"));
    assert_eq!(oliver.former_upn.as_deref(), Some("A999400119002"));
    assert_eq!(oliver.uln.as_deref(), Some("9434765919"));
    assert_eq!(oliver.preferred.forename, "Ollie");
    assert_eq!(oliver.former.surname, "Stag");
    assert_eq!(oliver.middle, "James & Tom");
    assert_eq!(oliver.year, "7");
    assert_eq!(oliver.school, "Fenwick Hall Academy");
    assert_eq!(
        oliver.contacts,
        ["ben@mailbox.example", "claire@mailbox.example"]
    );
    assert_eq!(oliver.addresses, ["ow@trust.example"]);
    assert!(oliver.born == Date::new(2014, 2, 5));
    assert_eq!(report.format, "Common Transfer File");
    let used = |path: &str| {
        let found = report.columns.iter().find(|(shown, _)| shown == path);
        found.map(|(_, used)| used.clone())
    };
    assert_eq!(used("BasicDetails/MedicalFlag"), Some(ColumnUse::Unmapped));
    assert_eq!(
        used("Contacts/Contact/Email"),
        Some(ColumnUse::Mapped(Column::ContactEmail))
    );
    assert_eq!(used("Contacts/Contact/Surname"), Some(ColumnUse::Unmapped));

    let cut = failure(&CTF.as_bytes()[..CTF.len() - 40]);
    assert!(matches!(cut, RosterError::Unreadable { .. }), "{cut}");
    failure(b"<html><body><table><tr><td>Name</td></tr></table></body></html>");
    let nobody =
        "<CTfile><CTFpupilData><Pupil><Surname/><Forename/></Pupil></CTFpupilData></CTfile>";
    assert_eq!(failure(nobody.as_bytes()), RosterError::Nobody);
    assert!(Roster::import(CTF.as_bytes(), RosterKind::Staff).is_err());
}

const WONDE: &str = r#"{"data":[
 {"id":"A1","upi":"u1","mis_id":"11","surname":"Quill","forename":"Addie","middle_names":"May","legal_surname":"Quill-Rook","legal_forename":"Adelaide","date_of_birth":{"date":"2014-02-05 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"},
  "education_details":{"data":{"upn":"q 9994 0011 9001","former_upn":null,"uln":9434765919,"current_nc_year":"7"}},
  "contact_details":{"data":{"emails":{"email":"aq@trust.example","primary":null}}},
  "contacts":{"data":[{"surname":"Quill","forename":"Ben","contact_details":{"data":{"emails":{"email":"ben@mailbox.example","home":"ben@homepost.example"}}}},{"surname":"Rook","contact_details":{"data":{"emails":{"email":"rook@mailbox.example"}}}}]},
  "portal":{"password":"hunter2"}},
 {"surname":"Stag","forename":"Cal","date_of_birth":"2013-01-09"}],
 "meta":{"pagination":{"more":false}}}"#;

#[test]
fn wonde_json() {
    let (roster, report) = import(WONDE.as_bytes());
    assert_eq!(names(&roster), ["Adelaide Quill-Rook", "Cal Stag"]);
    let ada = &roster.people[0];
    assert_eq!(
        (
            ada.preferred.forename.as_str(),
            ada.preferred.surname.as_str()
        ),
        ("Addie", "Quill")
    );
    assert_eq!(ada.upn.as_deref(), Some("Q999400119001"));
    assert_eq!(ada.uln.as_deref(), Some("9434765919"));
    assert_eq!((ada.middle.as_str(), ada.year.as_str()), ("May", "7"));
    assert!(ada.born == Date::new(2014, 2, 5));
    assert!(roster.people[1].born.is_none() || roster.people[1].born == Date::new(2013, 1, 9));
    assert_eq!(
        ada.contacts,
        [
            "ben@homepost.example",
            "ben@mailbox.example",
            "rook@mailbox.example"
        ]
    );
    assert_eq!(ada.addresses, ["aq@trust.example"]);
    assert!(
        report
            .columns
            .contains(&("portal/password".to_owned(), ColumnUse::Dropped))
    );
    assert!(!everything(&roster).contains("hunter2"));

    let bromcom = r#"[{"LearnerId":5,"Forename":"Addie","LegalForename":"Adelaide","Surname":"Quill","LegalSurname":"Quill","FormerSurname":"Rook","DateOfBirth":"2014-02-05T00:00:00","UPN":"Q999400119001","FormerUPN":"A999400119002"}]"#;
    let (roster, _) = import(bromcom.as_bytes());
    let ada = &roster.people[0];
    assert_eq!((ada.forenames().len(), ada.surnames().len()), (2, 2));
    assert_eq!(ada.former_upn.as_deref(), Some("A999400119002"));
    for bad in ["{", "{\"data\":3}", "[1,2]", "{\"a\":[],\"b\":[]}", "[]"] {
        failure(bad.as_bytes());
    }
    failure("[".repeat(100_000).as_bytes());
}

#[test]
fn contacts_in_a_file_of_their_own() {
    let pupils = "UPN,Adno,Surname,Forename,School\nQ999400119001,7,Whitcombe,Oliver,Fenwick\nE999200225001,8,Quill,Ada,Fenwick\n,8,Stag,Cal,Brookmere\n";
    let contacts = "Pupil UPN,Adno,Contact Forename,Contact Surname,Contact Email\nQ999400119001,,Claire,Whitcombe,claire@mailbox.example\n,8,Ben,Quill,ben@mailbox.example\nX1,,No,Body,no@mailbox.example\nQ999400119001,,No,Mail,\n";
    let mut import = Import::new(RosterKind::Pupils);
    import.add(&files(&[("pupils.csv", pupils)])).unwrap();
    let report = import.add(&files(&[("contacts.csv", contacts)])).unwrap();
    assert_eq!((report.people, report.contacts), (0, 3));
    assert_eq!(report.skipped[0].reason, "no e-mail address");
    let (roster, unmatched) = import.finish();
    assert_eq!(roster.people[0].contacts, ["claire@mailbox.example"]);
    assert!(roster.people[1].contacts.is_empty() && roster.people[2].contacts.is_empty());
    assert_eq!((unmatched.unknown, unmatched.ambiguous), (1, 1));

    // By its name: the names are the contacts' own. With the pupils' own columns it lists pupils all the same.
    let named =
        "UPN,Forename,Surname,Email\nQ999400119001,Claire,Whitcombe,claire@mailbox.example\n";
    let (roster, _) = import_set(
        &[("pupils.csv", pupils), ("parents.csv", named)],
        RosterKind::Pupils,
    );
    assert_eq!(roster.len(), 3);
    assert_eq!(roster.people[0].contacts, ["claire@mailbox.example"]);
    let own = "UPN,Forename,Surname,Parent Email\nQ999400119001,Oliver,Whitcombe,claire@mailbox.example\n";
    let (roster, _) = import_set(&[("parents.csv", own)], RosterKind::Pupils);
    assert_eq!(names(&roster), ["Oliver Whitcombe"]);
}

#[test]
fn several_schools_and_rows_of_one_pupil() {
    let first = "UPN,Surname,Forename,School,Contact Email\nQ999400119001,Whitcombe,Oliver,Fenwick,a@mailbox.example\nQ999400119001,Whitcombe,Oliver,Fenwick,b@mailbox.example\n";
    let second = "UPN,Surname,Forename,School,Year\nQ999400119001,WHITCOMBE,OLIVER,Brookmere,7\nQ999400119001,Quill,Ada,Brookmere,7\n";
    let mut import = Import::new(RosterKind::Pupils);
    import.add(&files(&[("a.csv", first)])).unwrap();
    import.add(&files(&[("b.csv", second)])).unwrap();
    let (roster, _) = import.finish();
    assert_eq!(names(&roster), ["Oliver Whitcombe", "Ada Quill"]);
    assert_eq!(roster.people[0].contacts.len(), 2);
    assert_eq!(roster.people[0].year, "7");

    let (roster, report) = import_set(
        &[
            ("fenwick/pupils.csv", first),
            ("brookmere/pupils.csv", second),
            ("readme.md", "# how this was made"),
        ],
        RosterKind::Pupils,
    );
    assert_eq!(roster.len(), 2);
    assert_eq!(report.schools.len(), 2);
    let bad = [("a.csv", first), ("b.csv", "Shoe,Hat,Form\n1,2,3\n")];
    let error = Import::new(RosterKind::Pupils)
        .add(&files(&bad))
        .unwrap_err();
    assert!(
        error.to_string().starts_with("`b.csv`") && error.to_string().contains("Shoe, Hat, Form"),
        "{error}"
    );
}

#[test]
fn legal_and_known_names_are_both_kept() {
    let (roster, report) = import(
        b"Surname,Forename,Legal Surname,Legal Forename,Preferred Name\nQuill,Addie,Rook,Adelaide,\"Quill, Ad\"\n",
    );
    let ada = &roster.people[0];
    assert_eq!(ada.forenames(), ["Adelaide", "Ad", "Addie"]);
    assert_eq!(ada.surnames(), ["Rook", "Quill"]);
    assert!(
        report
            .columns
            .iter()
            .all(|(_, used)| matches!(used, ColumnUse::Mapped(_)))
    );
}

#[test]
fn a_title_above_the_header_is_passed_over() {
    let (roster, report) = import(
        b"Fenwick Hall Academy\r\nPupils on roll;;\r\n\r\nSurname;Forename;DOB\r\nWhitcombe;Oliver;no date\r\n",
    );
    assert_eq!(names(&roster), ["Oliver Whitcombe"]);
    assert_eq!(report.warnings[0].row, 4);
    assert_eq!(report.format, "CSV with semicolons");
}

#[test]
fn an_error_that_may_be_logged_quotes_headers_and_nobody() {
    let error = failure(b"11,Oliver,Whitcombe,05/02/2014,7A\n12,Ada,Quill,06/02/2014,7A\n");
    assert!(!error.to_string().contains("Oliver"), "{error}");
    assert_eq!(error.headers()[1], "Oliver", "for the administrator's eyes");
    let error = failure(b"Oliver,Whitcombe,Reg\n");
    assert!(!error.to_string().contains("Oliver"), "{error}");
    let error = failure(b"Forename,Shoe Size\nOliver,3\n");
    assert!(error.to_string().contains("Forename, Shoe Size"), "{error}");
}

#[test]
fn other_kinds_of_files_say_what_to_do() {
    for (bytes, word) in [
        (&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], ".xlsx"),
        (b"%PDF-1.7", "CSV"),
        (
            &zip(&[(
                "mimetype",
                b"application/vnd.oasis.opendocument.spreadsheet",
            )]),
            ".xlsx",
        ),
        (&zip(&[("a.bin", b"\0\0")]), "names"),
    ] {
        let error = failure(bytes).to_string();
        assert!(error.contains(word), "{error}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_in_any_shape_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), at in 0_usize..4_000) {
        let _ = Roster::import(&bytes, RosterKind::Pupils);
        for start in [&b"<CTfile><CTFpupilData><Pupil>"[..], b"{\"data\":[{\"surname\":", b"PK\x03\x04", b"Surname\tForename\n"] {
            let _ = Roster::import(&[start, &bytes].concat(), RosterKind::Pupils);
        }
        let text = String::from_utf8_lossy(&bytes);
        let set = [("users.csv", USERS), ("roles.csv", &*text), ("orgs.csv", &*text), ("relationships.csv", &*text)];
        let _ = Import::new(RosterKind::Pupils).add(&files(&set));
        let book = workbook(r#"<sheet name="Pupils" r:id="rId1"/>"#, &text, "", "");
        let _ = Roster::import(&book, RosterKind::Staff);
        for whole in [CTF.as_bytes(), WONDE.as_bytes(), USERS.as_bytes(), &book] {
            let mut broken = whole.to_vec();
            let at = at % broken.len();
            broken.splice(at..(at + bytes.len() / 8).min(broken.len()), bytes.iter().copied());
            let _ = Roster::import(&broken, RosterKind::Pupils);
        }
    }
}
