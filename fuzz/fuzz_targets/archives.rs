//! Any bytes behind the signature of a packed format: each reader must end, without a panic of ours and within bounds.
#![no_main]

use std::sync::Arc;

use beadle::extract::{FileInput, InProcess, Location, Passwords, Place, Reader};
use beadle::limits::{Budget, Limits};
use libfuzzer_sys::fuzz_target;

const SIGNATURES: [&[u8]; 14] = [
    b"",
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c\0\x04",
    b"Rar!\x1a\x07\0",
    b"Rar!\x1a\x07\x01\0",
    b"MSCF\0\0\0\0",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"\x5d\0\0\x80\0",
    b"LZIP\x01",
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b"MZ\x90\0",
];

fuzz_target!(init: beadle_fuzz::guard(), |input: &[u8]| {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let mut bytes = [SIGNATURES[usize::from(*first) % SIGNATURES.len()], rest].concat();
    // Half of the inputs keep the checksums they came with.
    if first & 0x80 == 0 {
        beadle_fuzz::checksums::mend(&mut bytes);
    }
    let limits = Limits {
        unpacked_bytes: 16 << 20,
        file_bytes: 8 << 20,
        ..Limits::default()
    };
    let file = FileInput {
        location: &Location::of(Place::Body).inside("a"),
        name: "a",
        declared: None,
        bytes: &bytes,
        passwords: &Passwords::default(),
    };
    let content = InProcess.read(&file, &Budget::new(Arc::new(limits)));
    beadle_fuzz::no_crash(&content);
    assert!(content.units.iter().map(|unit| unit.text.len()).sum::<usize>() <= 64 << 20);
});
