//! The compiled roster as bytes: it gives the same findings, tells nothing, and is not believed when anything about it is changed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use beadle::app::compiled;
use beadle::app::config::Config;
use beadle::detect::{Catalogue, Engine, Options, PeopleIndex, ScanContext};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::{Roster, RosterKind};

const SECRET: [u8; 16] = [9; 16];
const SOURCES: u128 = 77;
const EVERYTHING: Options = Options {
    nicknames: true,
    initials: true,
    spelling: true,
};

fn sample() -> (Roster, Roster) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample");
    let read = |name, kind| Roster::import(&std::fs::read(root.join(name)).unwrap(), kind);
    (
        read("roster.csv", RosterKind::Pupils).unwrap().0,
        read("staff.csv", RosterKind::Staff).unwrap().0,
    )
}

fn index() -> PeopleIndex {
    let (pupils, staff) = sample();
    PeopleIndex::build(&pupils, &staff, EVERYTHING, SECRET)
}

/// Every pupil and member of staff with all that the roster says, in prose and as a table.
fn everything_said() -> Content {
    let (pupils, staff) = sample();
    let mut prose = String::new();
    let mut table = "Forename\tSurname\tBorn\tForm\tUPN\n".to_owned();
    for person in pupils.people.iter().chain(&staff.people) {
        let (forename, surname) = (person.forenames()[0], person.surnames()[0]);
        let born = person
            .born
            .map(|date| format!("{:02}/{:02}/{}", date.day, date.month, date.year));
        let born = born.unwrap_or_default();
        let upn = person.upn.clone().unwrap_or_default();
        let form = &person.form;
        writeln!(
            prose,
            "{forename} {surname}, born {born}, form {form}, has asthma. {upn}"
        )
        .unwrap();
        writeln!(prose, "\n{} {surname} was late.\n", &forename[..1]).unwrap();
        writeln!(table, "{forename}\t{surname}\t{born}\t{form}\t{upn}").unwrap();
    }
    let unit = |place, view, text| Unit {
        location: Location::of(place),
        view,
        text,
    };
    Content {
        units: vec![
            unit(Place::Body, View::Visible, prose),
            unit(
                Place::Attachment(vec!["list.csv".to_owned()]),
                View::Table,
                table,
            ),
        ],
        ..Content::default()
    }
}

fn findings(people: PeopleIndex) -> String {
    let engine = Engine::of(people, &Catalogue::embedded().unwrap(), SECRET).unwrap();
    let (pupils, _) = sample();
    let context = ScanContext {
        participants: Vec::new(),
        recipients: pupils
            .people
            .iter()
            .flat_map(|person| person.contacts.clone())
            .take(3)
            .collect(),
        ..ScanContext::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    format!("{:?}", engine.scan(&everything_said(), &context, &budget))
}

#[test]
fn what_comes_back_finds_the_same() {
    let bytes = index().to_bytes(SOURCES, SECRET);
    let back = PeopleIndex::from_bytes(&bytes, SOURCES, SECRET).unwrap();
    assert_eq!(back.to_bytes(SOURCES, SECRET).len(), bytes.len());
    let (fresh, kept) = (findings(index()), findings(back));
    assert!(
        fresh.contains("PupilName") && fresh.contains("Medical") && fresh.contains("contacts: [\"")
    );
    assert_eq!(fresh, kept);
}

#[test]
fn it_tells_nothing() {
    let bytes = index().to_bytes(SOURCES, SECRET);
    let lower = bytes.to_ascii_lowercase();
    let holds = |text: &str| memchr::memmem::find(&lower, text.to_lowercase().as_bytes()).is_some();
    let (pupils, staff) = sample();
    let mut asked = 0;
    for person in pupils.people.iter().chain(&staff.people) {
        let names = person.forenames().into_iter().chain(person.surnames());
        let names = names
            .map(str::to_owned)
            .chain(person.upn.clone())
            .chain(person.contacts.clone());
        for text in names.filter(|text| text.len() >= 4) {
            assert!(!holds(&text), "the index holds a text of the roster");
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
    // Another secret gives other hashes throughout.
    let (pupils, staff) = sample();
    let other = PeopleIndex::build(&pupils, &staff, EVERYTHING, [8; 16]).to_bytes(SOURCES, [8; 16]);
    let telling = |window: &[u8]| {
        let distinct: std::collections::HashSet<u8> = window.iter().copied().collect();
        distinct.len() > 5 && !distinct.contains(&0)
    };
    // Behind the mark that every index begins with.
    let same = bytes[8..]
        .windows(8)
        .filter(|window| telling(window) && memchr::memmem::find(&other, window).is_some());
    assert_eq!(same.count(), 0);
}

#[test]
fn it_is_not_believed_when_anything_is_changed() {
    let bytes = index().to_bytes(SOURCES, SECRET);
    assert!(PeopleIndex::from_bytes(&bytes, SOURCES + 1, SECRET).is_none());
    assert!(PeopleIndex::from_bytes(&bytes, SOURCES, [10; 16]).is_none());
    for length in (0..bytes.len()).step_by(bytes.len() / 50) {
        assert!(PeopleIndex::from_bytes(&bytes[..length], SOURCES, SECRET).is_none());
    }
    for place in (0..bytes.len()).step_by(bytes.len() / 300) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(
            PeopleIndex::from_bytes(&changed, SOURCES, SECRET).is_none(),
            "{place}"
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(PeopleIndex::from_bytes(&longer, SOURCES, SECRET).is_none());
}

/// A change of the forms of names or of the hashes must raise the format, or a start would use an index of the old kind.
#[test]
fn a_change_of_what_is_indexed_raises_the_format() {
    let bytes = index().to_bytes(SOURCES, SECRET);
    let format = u32::from_le_bytes(bytes[8..12].try_into().unwrap());
    let code = u128::from_le_bytes(bytes[12..28].try_into().unwrap());
    assert_eq!(
        (format, code),
        (2, GOLDEN),
        "raise `FORMAT` in src/detect/compiled.rs, then note both here"
    );
}

const GOLDEN: u128 = 62_501_721_145_498_270_781_831_188_351_663_302_291;

#[test]
fn a_start_uses_it_only_for_the_very_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let roster = folder.path().join("pupils.csv");
    let kept = folder.path().join(compiled::FILE);
    let text = "Forename,Surname\nOliver,Ashgrove\nBen,Birchwood\n";
    std::fs::write(&roster, text).unwrap();
    let mut config = Config::default();
    config.trust.roster = vec![roster.clone()];
    let people = |config: &Config| compiled::people(config, SECRET, Some(&kept)).unwrap();
    let plain = |index: &PeopleIndex| index.to_bytes(0, SECRET);

    let first = people(&config);
    let written = std::fs::read(&kept).unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&kept).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let stamp = std::fs::metadata(&kept).unwrap().modified().unwrap();
    assert_eq!(plain(&people(&config)), plain(&first));
    assert_eq!(
        std::fs::metadata(&kept).unwrap().modified().unwrap(),
        stamp,
        "it was used, not written again"
    );

    // A damaged file is made anew.
    std::fs::write(&kept, &written[..written.len() / 2]).unwrap();
    assert_eq!(plain(&people(&config)), plain(&first));
    assert_eq!(std::fs::read(&kept).unwrap(), written);

    // Another pupil, another option.
    std::fs::write(&roster, format!("{text}Cai,Cedarholt\n")).unwrap();
    let more = people(&config);
    assert_ne!(plain(&more), plain(&first));
    assert_ne!(std::fs::read(&kept).unwrap(), written);
    config.detect.nicknames = true;
    assert_ne!(plain(&people(&config)), plain(&more));

    // A roster that cannot be read is an error, whatever is kept.
    std::fs::write(&roster, "nothing\n").unwrap();
    assert!(compiled::people(&config, SECRET, Some(&kept)).is_err());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing is left beside them"
    );
}
