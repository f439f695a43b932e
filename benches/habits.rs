//! What watching mail over time costs one message, with the memory full: `cargo bench --bench habits`.
//!
//! Look is done before each judgement: headers, hashes, and marks. Snapshot is done once a minute, off the way of messages.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot set up has failed; the figures are its output"
)]

use std::hash::Hasher as _;
use std::hint::black_box;
use std::time::Instant;

use beadle::mail::{Address, Domain, Envelope};
use beadle::mime::headers;
use beadle::policy::behaviour::{Behaviour, IDS_AT_MOST, Moment, PAIRS_AT_MOST, Passage, Shape};
use beadle::policy::sighting::Sighting;
use beadle::policy::{ClientFacts, Policy};
use siphasher::sip::SipHasher24;

const ROUNDS: u32 = 50_000;

fn hash(text: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_key(&[1; 16]);
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn full(moment: Moment) -> Behaviour {
    let mut state = Behaviour::default();
    for number in 0..IDS_AT_MOST as u64 {
        let relayed = number < PAIRS_AT_MOST as u64;
        let passage = Passage {
            mailbox: Some(number),
            targets: vec![number],
            shape: if relayed {
                Shape::Relayed
            } else {
                Shape::Ordinary
            },
            lag: Some(60),
            message_id: Some(number),
            shared_inside: true,
            ..Passage::default()
        };
        state.note(&passage, moment);
    }
    state
}

fn main() {
    let own = [Domain::parse("oakfield-trust.example").unwrap()];
    let policy = Policy::embedded("standard")
        .unwrap()
        .with_domains(&own, &[]);
    let now = "2026-11-02T09:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let moment = Moment::new(now, jiff::tz::Offset::UTC.to_datetime(now));
    let mut state = full(moment);
    println!("memory: {:?} pairs and ids", state.sizes());
    for (name, file) in [
        ("written", "everyday-csv"),
        ("forwarded", "forward-hmailserver"),
    ] {
        let path = format!("{}/corpus/messages/{file}.eml", env!("CARGO_MANIFEST_DIR"));
        let raw = std::fs::read(path).unwrap();
        let sender = Address::parse("office@oakfield-trust.example").unwrap();
        let target = Address::parse("somebody@home.example").unwrap();
        let envelope = Envelope::of(Some(sender), [target]);
        let client = ClientFacts { own_server: true };
        let mut looking = std::time::Duration::ZERO;
        let mut noting = std::time::Duration::ZERO;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let headers = headers::section(&raw).headers;
            let sighting = Sighting::of(&envelope, client, &headers, &policy.classes, now);
            let passage = sighting.hashed(hash);
            black_box(state.marks(&passage, moment));
            looking += start.elapsed();
            let start = Instant::now();
            black_box(state.note(&passage, moment));
            noting += start.elapsed();
        }
        println!(
            "{name}: look {:?}, note {:?}",
            looking / ROUNDS,
            noting / ROUNDS
        );
    }
    let start = Instant::now();
    let bytes = serde_json::to_string(&state.snapshot()).unwrap().len();
    println!("snapshot: {:?}, {bytes} bytes", start.elapsed());
}
