//! Any body in any split: the same octets and the same end as an octet-by-octet reading of RFC 5321 4.5.2.
#![no_main]

use beadle::smtp::data::{DataReceiver, LineEnds, Piece};
use libfuzzer_sys::fuzz_target;

/// The body up to its end, how much input that took, and whether a bare CR or LF came before.
fn plainly(input: &[u8]) -> (Vec<u8>, Option<usize>, bool) {
    let end = if input.starts_with(b".\r\n") {
        Some(0)
    } else {
        let found = input.windows(5).position(|five| five == b"\r\n.\r\n");
        found.map(|at| at + 2)
    };
    let text = &input[..end.unwrap_or(input.len())];
    let (mut body, mut stray, mut line_start) = (Vec::new(), false, true);
    for (at, byte) in text.iter().enumerate() {
        let dot = *byte == b'.' && line_start;
        line_start = text[..=at].ends_with(b"\r\n");
        stray |= match byte {
            b'\r' => text.get(at + 1).is_some_and(|next| *next != b'\n'),
            b'\n' => !line_start,
            _ => false,
        };
        if !dot {
            body.push(*byte);
        }
    }
    (body, end.map(|at| at + 3), stray)
}

fn receive(mut input: &[u8], sizes: &[u8], line_ends: LineEnds) -> (Vec<u8>, Option<usize>, bool) {
    let mut receiver = DataReceiver::new(line_ends);
    let (mut body, mut used) = (Vec::new(), 0);
    let mut sizes = sizes.iter().cycle();
    while !input.is_empty() {
        let size = usize::from(*sizes.next().unwrap_or(&255)).clamp(1, input.len());
        let (mut read, rest) = input.split_at(size);
        input = rest;
        while !read.is_empty() {
            let (taken, piece) = receiver.step(read);
            used += taken;
            read = &read[taken..];
            match piece {
                Piece::Bytes(octets) => body.extend_from_slice(octets),
                Piece::End => return (body, Some(used), receiver.has_stray()),
                Piece::More => assert!(read.is_empty()),
            }
        }
    }
    (body, None, receiver.has_stray())
}

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (octets, sizes) = input;
    let expected = plainly(&octets);
    let found = receive(&octets, &sizes, LineEnds::Refuse);
    assert_eq!(found.1, expected.1);
    if expected.1.is_some() {
        assert_eq!(found.2, expected.2);
        if !expected.2 {
            assert_eq!(found.0, expected.0);
        }
    }
    let normalised = receive(&octets, &sizes, LineEnds::Normalise);
    assert_eq!(normalised.1, expected.1);
    let bare = normalised.0.iter().enumerate().any(|(at, byte)| match byte {
        b'\r' => normalised.0.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || normalised.0[at - 1] != b'\r',
        _ => false,
    });
    assert!(!bare, "normalising leaves no bare line end");
    if expected.1.is_some() && !expected.2 {
        assert_eq!(normalised.0, expected.0);
    }
});
