//! gzip: its members one after the other, and what its headers say.
//!
//! # Invariants
//! Members are joined as `gunzip` joins them. What follows the last one and is no padding is read as a file of its own.
//!
//! # Standards
//! RFC 1952.

use std::io::Read;

use flate2::bufread::GzDecoder;

use crate::extract::bounded::{self, Stop, Taken};
use crate::extract::content::{Location, View};
use crate::extract::gather::Gather;
use crate::extract::text;
use crate::mime::charset;

const KIND: &str = "application/gzip";
const MAGIC: &[u8] = b"\x1f\x8b";
/// Members whose names are kept.
const MOST_NAMES: usize = 64;

/// Reads a file.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let mut taken = Taken::new(bytes.len());
    let (mut rest, mut stop) = (bytes, None);
    let (mut names, mut comments): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    while rest.starts_with(MAGIC) && stop.is_none() {
        let before = rest.len();
        let mut member = GzDecoder::new(rest);
        stop = taken.fill(&mut member, gather.budget);
        if let Some(header) = member.header().filter(|_| names.len() < MOST_NAMES) {
            // RFC 1952 2.3.1: Latin-1, in practice what the writer's system uses.
            names.extend(
                header
                    .filename()
                    .map(|name| charset::decode(name, Some("utf-8"))),
            );
            comments.extend(header.comment().map(|text| charset::decode(text, None)));
            comments.extend(header.extra().map(text::runs));
        }
        rest = member.into_inner();
        if rest.len() == before {
            stop = stop.or(Some(Stop::Broken));
        }
    }
    gather.unit(location, View::FileName, names.join("\n"));
    gather.unit(location, View::Properties, comments.join("\n"));
    let name = bounded::inner_name(location, &["gz", "gzip", "z"]);
    let inside = location.inside(&name);
    bounded::found(gather, &inside, &name, KIND, (&taken.bytes, stop), depth);
    if stop.is_none() {
        bounded::after_end(gather, location, rest, depth);
    }
}

/// Raw deflate or zlib data, as CMS and OpenPGP pack it. Returns what came out and what follows.
pub(crate) fn inflate<'b>(
    packed: &'b [u8],
    zlib: bool,
    budget: &crate::limits::Budget,
) -> (Vec<u8>, Option<Stop>, &'b [u8]) {
    let mut taken = Taken::new(packed.len());
    let mut run = |reader: &mut dyn Read| taken.fill(reader, budget);
    let (stop, rest) = if zlib {
        let mut decoder = flate2::bufread::ZlibDecoder::new(packed);
        (run(&mut decoder), decoder.into_inner())
    } else {
        let mut decoder = flate2::bufread::DeflateDecoder::new(packed);
        (run(&mut decoder), decoder.into_inner())
    };
    (taken.bytes, stop, rest)
}
