//! What reading in a child process costs: the start of a confined child, and the way of one small file there and back.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its figures are what it is for"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::extract::{FileInput, InProcess, Location, Place, Reader};
use beadle::limits::{Budget, Limits};
use beadle::worker::{Pool, PoolConfig};

const SPAWNS: usize = 100;
const HOPS: usize = 2_000;

fn pool() -> Pool {
    Pool::new(PoolConfig {
        program: env!("CARGO_BIN_EXE_beadle").into(),
        size: 1,
        // Never retired while it is measured.
        retire_after: Duration::from_hours(1),
        ..PoolConfig::own_program().unwrap()
    })
}

/// An archive with one text of `size` bytes that does not compress away.
fn file(size: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut state = 1u32;
    while text.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        write!(text, "word{:x} ", state >> 8).unwrap();
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a.txt", stored).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

fn read(reader: &dyn Reader, bytes: &[u8]) -> usize {
    let location = Location::of(Place::Body).inside("a.zip");
    let file = FileInput {
        location: &location,
        name: "a.zip",
        declared: None,
        bytes,
        passwords: &beadle::extract::Passwords::default(),
    };
    let content = reader.read(&file, &Budget::new(Arc::new(Limits::default())));
    assert!(content.unread.is_empty(), "{:?}", content.unread);
    black_box(content.units.len())
}

/// Median and 99th percentile in microseconds.
fn spread(mut times: Vec<Duration>) -> (u128, u128) {
    times.sort_unstable();
    (
        times[times.len() / 2].as_micros(),
        times[times.len() * 99 / 100].as_micros(),
    )
}

fn timed(rounds: usize, mut work: impl FnMut()) -> (u128, u128) {
    let times = (0..rounds).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    spread(times.collect())
}

fn main() {
    let small = file(1_000);
    let (half, most) = timed(SPAWNS, || {
        read(&pool(), &small);
    });
    println!("start of a child and its first file of 1 kB: median {half} us, 99 % {most} us");
    let confinement = pool().confinement().unwrap();
    println!("confinement: {confinement:?}");
    let shared = pool();
    for size in [1_000, 100_000, 5_000_000] {
        let bytes = file(size);
        let rounds = (HOPS * 1_000 / size.max(1_000)).max(20);
        let (here, here_most) = timed(rounds, || {
            read(&InProcess, &bytes);
        });
        let (there, there_most) = timed(rounds, || {
            read(&shared, &bytes);
        });
        println!(
            "{size:>8} bytes: in process {here} us (99 % {here_most}), in a child {there} us (99 % {there_most}), hop {} us",
            there.saturating_sub(here)
        );
    }
}
