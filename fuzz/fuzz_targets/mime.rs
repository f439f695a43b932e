//! Any bytes are a message: parsing and the in-process readers must end, without a panic and within bounds.
#![no_main]

use std::sync::Arc;

use beadle::extract::{InProcess, walk};
use beadle::limits::{Budget, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: beadle_fuzz::guard(), |raw: &[u8]| {
    let limits = Limits {
        unpacked_bytes: 16 << 20,
        file_bytes: 8 << 20,
        password_ms: 0, // `sealed` tries words
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    let message = beadle::mime::parse(raw, &budget);
    beadle_fuzz::no_crash(&walk(&message, &budget, &InProcess));
});
