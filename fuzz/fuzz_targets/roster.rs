//! Any bytes are a roster: every shape must be read or refused, without a panic and within bounds.
#![no_main]

use beadle::roster::{File, Import, Roster, RosterKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Roster::import(bytes, RosterKind::Pupils);
    // The first byte parts the rest into the files of a set.
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let mut parts = rest.split(|byte| byte == first);
    let mut part = || parts.next().unwrap_or_default();
    let names = ["users.csv", "roles.csv", "orgs.csv", "demographics.csv", "relationships.csv", "contacts.csv"];
    let files = names.map(|name| File { name, bytes: part() });
    for kind in [RosterKind::Pupils, RosterKind::Staff] {
        let mut import = Import::new(kind);
        if import.add(&files).is_ok() {
            let _ = import.finish();
        }
    }
});
