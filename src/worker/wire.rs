//! What parent and child say to each other: a JSON head with a length before it, then raw bytes.
//!
//! # Invariants
//! Both sides refuse frames larger than [`LARGEST`]. Reasons of protection cross as indexes of a fixed list, so a child cannot put words of
//! its own in front of people.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::extract::content::PROTECTION_REASONS;
use crate::extract::{
    Content, FileFact, Location, Passwords, Picture, Place, Protection, ProtectionState, Unit,
    Unread, UnreadReason, View,
};
use crate::limits::Limits;
use crate::mime::Defect;

/// Opens the child's output: what libraries or a test harness print before it is skipped.
pub(super) const HELLO: &[u8; 8] = b"\0beadle\x01";
/// Largest frame: the text of one file as JSON, with room for escapes.
pub(super) const LARGEST: usize = 512 << 20;

/// A file to read, without its bytes. It has no `Debug`: it holds passwords.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) location: WireLocation,
    pub(super) name: String,
    pub(super) declared: Option<String>,
    pub(super) passwords: Passwords,
    pub(super) limits: Limits,
    pub(super) length: usize,
}

/// A place: its kind, the names of an attachment, the detail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WireLocation(u8, Vec<String>, Option<String>);

impl From<&Location> for WireLocation {
    fn from(location: &Location) -> Self {
        let (kind, names) = match &location.place {
            Place::Subject => (0, Vec::new()),
            Place::Header => (1, Vec::new()),
            Place::Body => (2, Vec::new()),
            Place::Attachment(names) => (3, names.clone()),
        };
        Self(kind, names, location.detail.clone())
    }
}

impl From<WireLocation> for Location {
    fn from(wire: WireLocation) -> Self {
        let place = match wire.0 {
            0 => Place::Subject,
            1 => Place::Header,
            2 => Place::Body,
            _ => Place::Attachment(wire.1),
        };
        Self {
            place,
            detail: wire.2,
        }
    }
}

/// A child's answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Answer {
    units: Vec<(WireLocation, u8, String)>,
    unread: Vec<(WireLocation, UnreadReason, String)>,
    protections: Vec<(WireLocation, ProtectionState, usize)>,
    files: Vec<(WireLocation, String, u64, bool)>,
    defects: Vec<Defect>,
    /// Pictures without their bytes, which follow the frame: place, place it answers for, pixels, length.
    pictures: Vec<(WireLocation, WireLocation, u64, usize)>,
    #[serde(skip)]
    bytes: Vec<Vec<u8>>,
    /// Work spent on trying passwords, in microseconds.
    pub(super) tried: u64,
}

const VIEWS: [View; 5] = [
    View::Visible,
    View::Hidden,
    View::Table,
    View::FileName,
    View::Properties,
];

impl From<Content> for Answer {
    fn from(content: Content) -> Self {
        let (pictures, bytes) = content
            .pictures
            .into_iter()
            .map(|picture| {
                let (at, answers) = (&picture.location, &picture.answers);
                let head = (
                    at.into(),
                    answers.into(),
                    picture.pixels,
                    picture.bytes.len(),
                );
                (head, picture.bytes)
            })
            .unzip();
        Self {
            pictures,
            bytes,
            units: content
                .units
                .into_iter()
                .map(|unit| {
                    let view = VIEWS
                        .iter()
                        .position(|view| *view == unit.view)
                        .unwrap_or(1);
                    ((&unit.location).into(), view as u8, unit.text)
                })
                .collect(),
            unread: content
                .unread
                .into_iter()
                .map(|unread| ((&unread.location).into(), unread.reason, unread.kind))
                .collect(),
            protections: content
                .protections
                .iter()
                .map(|protection| {
                    let reason = PROTECTION_REASONS
                        .iter()
                        .position(|reason| *reason == protection.reason);
                    (
                        (&protection.location).into(),
                        protection.state,
                        reason.unwrap_or(usize::MAX),
                    )
                })
                .collect(),
            files: content
                .files
                .into_iter()
                .map(|file| {
                    (
                        (&file.location).into(),
                        file.kind,
                        file.bytes,
                        file.mismatch,
                    )
                })
                .collect(),
            defects: content.defects,
            tried: 0,
        }
    }
}

impl From<Answer> for Content {
    fn from(answer: Answer) -> Self {
        Self {
            units: answer
                .units
                .into_iter()
                .map(|(location, view, text)| Unit {
                    location: location.into(),
                    view: VIEWS
                        .get(usize::from(view))
                        .copied()
                        .unwrap_or(View::Hidden),
                    text,
                })
                .collect(),
            unread: answer
                .unread
                .into_iter()
                .map(|(location, reason, kind)| Unread {
                    location: location.into(),
                    reason,
                    kind,
                })
                .collect(),
            protections: answer
                .protections
                .into_iter()
                .map(|(location, state, reason)| Protection {
                    location: location.into(),
                    state,
                    reason: PROTECTION_REASONS
                        .get(reason)
                        .copied()
                        .unwrap_or("protected"),
                })
                .collect(),
            files: answer
                .files
                .into_iter()
                .map(|(location, kind, bytes, mismatch)| FileFact {
                    location: location.into(),
                    kind,
                    bytes,
                    mismatch,
                })
                .collect(),
            defects: answer.defects,
            pictures: answer
                .pictures
                .into_iter()
                .zip(answer.bytes)
                .map(|((location, answers, pixels, _), bytes)| Picture {
                    location: location.into(),
                    answers: answers.into(),
                    bytes,
                    pixels,
                })
                .collect(),
            recognised: Vec::new(),
        }
    }
}

/// Writes an answer and the pictures that belong to it.
pub(super) fn send_answer(out: &mut impl Write, answer: &mut Answer) -> io::Result<()> {
    send(out, answer)?;
    for picture in std::mem::take(&mut answer.bytes) {
        out.write_all(&picture)?;
    }
    Ok(())
}

/// Reads an answer and the pictures that belong to it, [`LARGEST`] bytes of them together; `None` at the end of the stream.
pub(super) fn receive_answer(input: &mut impl Read) -> io::Result<Option<Answer>> {
    let Some(mut answer) = receive::<Answer>(input)? else {
        return Ok(None);
    };
    let lengths: Vec<usize> = answer.pictures.iter().map(|head| head.3).collect();
    let total = lengths.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
    if total > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    for length in lengths {
        answer.bytes.push(bytes(input, length)?);
    }
    Ok(Some(answer))
}

/// Writes one value with its length before it.
pub(super) fn send(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    // A request holds words that may be passwords.
    let text = Zeroizing::new(serde_json::to_vec(value)?);
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(&text)
}

/// Reads one value; `None` at the end of the stream.
pub(super) fn receive<T: for<'d> Deserialize<'d>>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0u8; 8];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    let text = Zeroizing::new(bytes(input, length)?);
    Ok(Some(serde_json::from_slice(&text)?))
}

/// Reads `length` bytes, growing with what arrives rather than with what was announced.
pub(super) fn bytes(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut out = Vec::new();
    input.take(length as u64).read_to_end(&mut out)?;
    if out.len() == length {
        Ok(out)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_crosses_unchanged() {
        let place = Location::of(Place::Body)
            .inside("a.zip")
            .inside("b.pdf")
            .at("page 2");
        let content = Content {
            units: vec![Unit {
                location: place.clone(),
                view: View::Table,
                text: "a\tb".into(),
            }],
            unread: vec![Unread {
                location: place.clone(),
                reason: UnreadReason::TooBig,
                kind: "x/y".into(),
            }],
            protections: vec![Protection {
                location: place.clone(),
                state: ProtectionState::Apparent,
                reason: PROTECTION_REASONS[0],
            }],
            files: vec![FileFact {
                location: place,
                kind: "x/y".into(),
                bytes: 7,
                mismatch: true,
            }],
            defects: vec![Defect::ContainerMismatch],
            pictures: vec![Picture {
                location: Location::of(Place::Body).at("picture"),
                answers: Location::of(Place::Body),
                bytes: b"\x89PNG".to_vec(),
                pixels: 9,
            }],
            recognised: Vec::new(),
        };
        let mut pipe = Vec::new();
        send_answer(&mut pipe, &mut Answer::from(content.clone())).unwrap();
        let answer = receive_answer(&mut pipe.as_slice()).unwrap().unwrap();
        assert_eq!(Content::from(answer), content);
        assert!(receive::<Answer>(&mut &b""[..]).unwrap().is_none());
        assert!(bytes(&mut &b"abc"[..], LARGEST + 1).is_err());
    }
}
