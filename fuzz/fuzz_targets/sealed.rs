//! Any bytes as something sealed: CMS, OpenPGP, age, encrypted Office documents and PDFs, with a word to try. Each reader must end.
#![no_main]

use std::sync::Arc;

use beadle::extract::{InProcess, walk};
use beadle::limits::{Budget, Limits};
use libfuzzer_sys::fuzz_target;

const STARTS: [&[u8]; 9] = [
    b"",
    b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07",
    b"\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09",
    b"-----BEGIN PKCS7-----\n",
    b"-----BEGIN PGP MESSAGE-----\n\n",
    b"\xa3\x01",
    b"age-encryption.org/v1\n-> ",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"%PDF-1.4\n1 0 obj<</Filter/Standard/R 3/O ",
];

fuzz_target!(init: beadle_fuzz::guard(), |input: &[u8]| {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let file = [STARTS[usize::from(*first) % STARTS.len()], rest].concat();
    let mut raw = b"Subject: password abc\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=qqqqqq\r\n\r\n\
        --qqqqqq\r\nContent-Type: application/octet-stream; name=a\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        .to_vec();
    raw.extend(file);
    raw.extend(b"\r\n--qqqqqq--\r\n");
    let limits = Limits {
        unpacked_bytes: 16 << 20,
        file_bytes: 8 << 20,
        password_ms: 50,
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    let message = beadle::mime::parse(&raw, &budget);
    beadle_fuzz::no_crash(&walk(&message, &budget, &InProcess));
});
