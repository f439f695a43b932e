//! Any line: the parser does not panic, and what it takes is on one line and keeps its text.
#![no_main]

use beadle::smtp::command::Command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let text = String::from_utf8_lossy(line);
    let (raw, params) = match Command::parse(line) {
        Ok(Command::Mail { path, params }) => (path.raw().to_owned(), params),
        Ok(Command::Rcpt { path, params }) => (path.raw().to_owned(), params),
        _ => return,
    };
    assert!(raw.starts_with('<') && raw.ends_with('>') && text.contains(&raw));
    assert!(text.contains(&params));
    assert!(!raw.bytes().chain(params.bytes()).any(|b| b < 0x20 || b == 0x7f));
});
