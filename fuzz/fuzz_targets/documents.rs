//! Any bytes are a document of the kind the first byte picks: its reader must end, without a panic and within bounds.
#![no_main]

use std::sync::Arc;

use beadle::extract::{FileInput, InProcess, Location, Passwords, Place, Reader};
use beadle::limits::{Budget, Limits};
use libfuzzer_sys::fuzz_target;

/// Names with the bytes that make the content that kind.
const KINDS: [(&str, &[u8]); 12] = [
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a.xls", b"\x09\x04\x06\x00"),
    ("a.rtf", b"{\\rtf1"),
    ("winmail.dat", b"\x78\x9f\x3e\x22"),
    ("a.zip", b"PK\x03\x04"),
    ("a.vcf", b"BEGIN:VCARD\n"),
    ("a.ics", b"BEGIN:VCALENDAR\n"),
    ("a.json", b"{\""),
    ("a.xml", b"<?xml"),
    ("a.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"),
    ("a.pdf", b"%PDF-1."),
    ("a.htm", b"<html"),
];

fuzz_target!(init: beadle_fuzz::guard(), |raw: &[u8]| {
    let Some((pick, rest)) = raw.split_first() else { return };
    let (name, magic) = KINDS[usize::from(*pick) % KINDS.len()];
    // A corpus of whole files already begins as its kind does.
    let bytes = if rest.starts_with(magic) { rest.to_vec() } else { [magic, rest].concat() };
    let limits = Limits {
        unpacked_bytes: 16 << 20,
        file_bytes: 8 << 20,
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    let location = Location::of(Place::Attachment(vec![name.to_owned()]));
    let input = FileInput { location: &location, name, declared: None, bytes: &bytes, passwords: &Passwords::default() };
    let content = InProcess.read(&input, &budget);
    beadle_fuzz::no_crash(&content);
    let said: usize = content.units.iter().map(|unit| unit.text.len()).sum();
    assert!(said <= budget.limits.text_bytes);
});
