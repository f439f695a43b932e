//! Versions without attachments: byte for byte what a message is made of but for what was removed, and read so by another parser.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "messages are built piece by piece, to be read"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beadle::limits::{Budget, Limits};
use beadle::mail::QueueId;
use beadle::quarantine::strip::{Bound, NoStrip, attachments, without};
use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use proptest::prelude::*;

fn budget() -> Budget {
    Budget::new(Arc::new(Limits::default()))
}

fn id() -> QueueId {
    QueueId::from_random([7; 10])
}

/// What a message is built from.
#[derive(Debug, Clone)]
enum Node {
    Body {
        html: bool,
        lines: Vec<String>,
    },
    File {
        name: Option<String>,
        coding: u8,
        bytes: Vec<u8>,
    },
    Message(Box<Node>),
    Multi {
        kind: &'static str,
        children: Vec<Node>,
        around: Option<String>,
    },
}

/// Writes messages, with notes in the place of what is removed.
struct Writer {
    line_end: &'static str,
    removed: BTreeSet<usize>,
    /// Attachments seen so far, with why they are bound and how many bytes they have.
    seen: Vec<(Option<Bound>, usize)>,
    boundaries: usize,
    unnamed: usize,
    names: Vec<String>,
}

impl Writer {
    fn new(line_end: &'static str, removed: &[usize]) -> Self {
        Self {
            line_end,
            removed: removed.iter().copied().collect(),
            seen: Vec::new(),
            boundaries: 0,
            unnamed: 0,
            names: Vec::new(),
        }
    }

    fn lines(&self, lines: &[&str]) -> String {
        lines
            .iter()
            .map(|line| format!("{line}{}", self.line_end))
            .collect()
    }

    /// Counts an attachment; whether it is removed.
    fn count(&mut self, above: &[&'static str], bytes: usize, name: String) -> Option<usize> {
        let bound = match above.last() {
            Some(&"alternative") => Some(Bound::Alternative),
            _ if above.contains(&"signed") => Some(Bound::Signed),
            _ => None,
        };
        self.seen.push((bound, bytes));
        self.names.push(name);
        Some(self.seen.len()).filter(|number| self.removed.contains(number))
    }

    fn note(&self, number: usize, bytes: usize) -> String {
        let size = match bytes {
            0..1_000 => format!("{bytes} bytes"),
            _ => format!("{} KB", bytes.div_ceil(1_000)),
        };
        let head = self.lines(&[
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
            "Content-Disposition: inline",
            "",
        ]);
        format!(
            "{head}Attachment {number} ({size}) was removed by a reviewer before this message was sent."
        )
    }

    /// A part: header, empty line and body, without the line end before the next delimiter. `inside`: within an attached message.
    fn part(&mut self, node: &Node, above: &[&'static str], inside: bool) -> String {
        match node {
            Node::Body { html, lines } => {
                let kind = if *html { "html" } else { "plain" };
                let head = self.lines(&[&format!("Content-Type: text/{kind}; charset=utf-8"), ""]);
                head + &lines.join(self.line_end)
            }
            Node::File {
                name,
                coding,
                bytes,
            } => self.file(name.as_deref(), *coding, bytes, above, inside),
            Node::Message(node) => {
                let inner = self.whole(node, "Inner", true);
                if !inside
                    && let Some(number) =
                        self.count(above, inner.len(), "attachment:message.eml".into())
                {
                    return self.note(number, inner.len());
                }
                self.lines(&["Content-Type: message/rfc822", ""]) + &inner
            }
            Node::Multi {
                kind,
                children,
                around,
            } => {
                self.boundaries += 1;
                let boundary = format!("=_{:05}_b", self.boundaries);
                let mut out = self.lines(&[
                    &format!("Content-Type: multipart/{kind};"),
                    &format!("\tboundary=\"{boundary}\""),
                    "",
                ]);
                out += &around
                    .iter()
                    .map(|text| self.lines(&[text]))
                    .collect::<String>();
                let above = [above, &[*kind]].concat();
                for child in children {
                    let child = self.part(child, &above, inside);
                    out += &format!("--{boundary}{0}{child}{0}", self.line_end);
                }
                out += &format!("--{boundary}--");
                if let Some(text) = around {
                    out += &format!("{0}{text}{0}", self.line_end);
                }
                out
            }
        }
    }

    fn file(
        &mut self,
        name: Option<&str>,
        coding: u8,
        bytes: &[u8],
        above: &[&'static str],
        inside: bool,
    ) -> String {
        let text = bytes.iter().map(|byte| char::from(b'a' + byte % 26));
        let text: String = text.collect();
        let shown = name.map_or_else(
            || {
                self.unnamed += usize::from(!inside);
                format!("attachment:part-{}.", self.unnamed)
            },
            |name| format!("attachment:{name}"),
        );
        let size = if coding == 0 { bytes.len() } else { text.len() };
        if !inside && let Some(number) = self.count(above, size, shown) {
            return self.note(number, size);
        }
        let mut head = String::from("Content-Type: application/pdf");
        if let Some(name) = name {
            head += &format!(";{}  name=\"{name}\"", self.line_end);
            head += &format!(
                "{}Content-Disposition: attachment; filename=\"{name}\"",
                self.line_end
            );
        }
        let (coding, body) = match coding {
            0 => ("base64", STANDARD.encode(bytes)),
            1 => ("7bit", text),
            _ => ("quoted-printable", text),
        };
        let head = self.lines(&[&head, &format!("Content-Transfer-Encoding: {coding}"), ""]);
        head + &body
    }

    /// A message with this subject.
    fn whole(&mut self, node: &Node, subject: &str, inside: bool) -> String {
        let top = self.lines(&[
            "From: teacher@trust.example",
            &format!("Subject: {subject}"),
            "MIME-Version: 1.0",
        ]);
        top + &self.part(node, &[], inside)
    }
}

fn node() -> impl Strategy<Value = Node> {
    let line = "[a-zA-Z ,.]{0,40}";
    let body = (any::<bool>(), prop::collection::vec(line, 0..4))
        .prop_map(|(html, lines)| Node::Body { html, lines });
    let file = (
        prop::option::of("[a-z]{1,12}\\.pdf"),
        0..3u8,
        prop::collection::vec(any::<u8>(), 1..3_000),
    )
        .prop_map(|(name, coding, bytes)| Node::File {
            name,
            coding,
            bytes,
        });
    let leaf = prop_oneof![1 => body, 2 => file];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let kinds = prop::sample::select(vec!["mixed", "mixed", "related", "alternative", "signed"]);
        prop_oneof![
            3 => (kinds, prop::collection::vec(inner.clone(), 1..5), prop::option::of("[a-z ]{1,20}"))
                .prop_map(|(kind, children, around)| Node::Multi { kind, children, around }),
            1 => inner.prop_map(|node| Node::Message(Box::new(in_a_message(node)))),
        ]
    })
    .prop_filter("an attached message needs a message around it", |node| {
        !matches!(node, Node::Message(_))
    })
}

/// What an attached message is made of. One that is nothing but another attached message makes `mail-parser` give up.
fn in_a_message(node: Node) -> Node {
    match node {
        Node::Message(_) => Node::Multi {
            kind: "mixed",
            children: vec![node],
            around: None,
        },
        node => node,
    }
}

/// The fields before the message that a relay puts there, and a signature that the change breaks.
fn vouched(line_end: &str) -> String {
    format!(
        "Received: from mail.trust.example{line_end}DKIM-Signature: v=1; a=rsa-sha256;{line_end}\tb=abc{line_end}"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_but_what_is_removed(node in node(), lines in any::<bool>(), chosen in any::<u64>()) {
        let line_end = if lines { "\r\n" } else { "\n" };
        let mut plain = Writer::new(line_end, &[]);
        let message = vouched(line_end) + &plain.whole(&node, "Outer", false);
        let list = attachments(message.as_bytes(), &budget());
        prop_assert_eq!(list.len(), plain.seen.len());
        for (index, found) in list.iter().enumerate() {
            prop_assert_eq!(found.number, index + 1);
            prop_assert_eq!((found.bound, found.bytes), plain.seen[index], "{:?}", found.location);
            prop_assert!(found.location.starts_with(&plain.names[index]), "{}", found.location);
        }
        let free: Vec<usize> = list.iter().filter(|found| found.bound.is_none()).map(|found| found.number).collect();
        let removed: Vec<usize> = free.iter().copied().filter(|number| chosen >> (number % 64) & 1 == 1).collect();
        let made = without(message.as_bytes(), id(), &removed, false, &budget());
        if removed.is_empty() {
            prop_assert_eq!(made, Err(NoStrip::Nothing));
            return Ok(());
        }
        let numbers: Vec<String> = removed.iter().map(usize::to_string).collect();
        let plural = if removed.len() == 1 { "" } else { "s" };
        let mut expected = format!("X-Beadle-Changed: without attachment{plural} {}, by review; {}{line_end}", numbers.join(", "), id());
        expected += &format!("Received: from mail.trust.example{line_end}");
        expected += &Writer::new(line_end, &removed).whole(&node, "Outer", false);
        if matches!(node, Node::File { .. }) {
            expected += line_end;
        }
        let made = String::from_utf8(made.unwrap()).unwrap();
        prop_assert_eq!(&made, &expected);
        same_for_another_parser(&message, &made)?;
        // Nothing is left to remove of what went, and the rest is counted anew.
        let left = attachments(made.as_bytes(), &budget());
        prop_assert_eq!(left.len(), list.len() - removed.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// A message that is damaged somewhere: there is no version, or one in which nothing but whole lines of the header and parts went.
    #[test]
    fn damage_is_refused_or_harmless(at in any::<prop::sample::Index>(), cut in 0..40usize, with in prop::collection::vec(any::<u8>(), 0..20), number in 0..4usize) {
        let raw = MIXED.as_bytes();
        let start = at.index(raw.len());
        let end = (start + cut).min(raw.len());
        let damaged = [&raw[..start], &with, &raw[end..]].concat();
        let Ok(made) = without(&damaged, id(), &[number], false, &budget()) else {
            return Ok(());
        };
        let list = attachments(&damaged, &budget());
        let left = attachments(&made, &budget());
        prop_assert_eq!(left.len() + 1, list.len());
        let kept = list.iter().filter(|found| found.number != number);
        for (old, new) in kept.zip(&left) {
            prop_assert_eq!((&old.media_type, old.bytes), (&new.media_type, new.bytes));
        }
    }
}

/// The parts that `mail-parser` sees, but for notes.
fn same_for_another_parser(before: &str, after: &str) -> Result<(), TestCaseError> {
    let (before, after) = (
        MessageParser::default().parse(before).unwrap(),
        MessageParser::default().parse(after).unwrap(),
    );
    prop_assert_eq!(before.parts.len(), after.parts.len());
    for (old, new) in before.parts.iter().zip(&after.parts) {
        let note = matches!(&new.body, PartType::Text(text) if text.starts_with("Attachment ") && text.contains(" was removed by "));
        if note {
            prop_assert!(new.attachment_name().is_none());
            continue;
        }
        prop_assert_eq!(old.contents(), new.contents());
        prop_assert_eq!(old.attachment_name(), new.attachment_name());
    }
    Ok(())
}

const MIXED: &str = "From: teacher@trust.example\r\nSubject: trip\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n\
    --b\r\nContent-Type: text/csv; name=\"=?utf-8?Q?Zo=C3=AB_list.csv?=\"\r\nContent-Disposition: attachment\r\n\r\na,b\r\n1,2\r\n\
    --b\r\nContent-Type: application/pdf; name=\"form.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n\
    --b--\r\n";

#[test]
fn a_name_stays_only_when_it_is_kept() {
    let list = attachments(MIXED.as_bytes(), &budget());
    let places: Vec<&str> = list.iter().map(|found| found.location.as_str()).collect();
    assert_eq!(places, ["attachment:Zoë list.csv", "attachment:form.pdf"]);
    let text = |numbers: &[usize], keep| {
        let made = without(MIXED.as_bytes(), id(), numbers, keep, &budget()).unwrap();
        String::from_utf8(made).unwrap()
    };
    let bare = text(&[1], false);
    assert!(!bare.contains("Zo") && bare.contains("Attachment 1 (8 bytes) was removed"));
    assert!(bare.contains("JVBERi0xLjQK"));
    let kept = text(&[2], true);
    assert!(
        kept.contains("Attachment 2 (\"form.pdf\", 9 bytes) was removed"),
        "{kept}"
    );
    // A name outside ASCII is carried in base64, and read back.
    let kept = text(&[1], true);
    let parsed = MessageParser::default().parse(&kept).unwrap();
    let said = parsed.body_text(1).unwrap();
    assert!(
        said.starts_with("Attachment 1 (\"Zoë list.csv\", 8 bytes)"),
        "{said}"
    );
    let both = text(&[2, 1, 2], false);
    assert!(both.starts_with("X-Beadle-Changed: without attachments 1, 2, by review; "));
    assert!(attachments(both.as_bytes(), &budget()).is_empty());
}

#[test]
fn what_cannot_be_removed_says_why() {
    let made = |raw: &str, numbers: &[usize]| {
        without(raw.as_bytes(), id(), numbers, false, &budget()).unwrap_err()
    };
    assert_eq!(made(MIXED, &[]), NoStrip::Nothing);
    assert_eq!(made(MIXED, &[1, 3]), NoStrip::Unknown(3));
    assert_eq!(made(MIXED, &[0]), NoStrip::Unknown(0));
    let signed = MIXED.replace("multipart/mixed", "multipart/signed");
    assert_eq!(
        made(&signed, &[1]).to_string(),
        "attachment 1 cannot be removed: it is part of something signed"
    );
    let twice = MIXED.replace(
        "Subject: trip\r\n",
        "Subject: trip\r\nContent-Type: text/plain\r\n",
    );
    assert_eq!(made(&twice, &[1]), NoStrip::Malformed);
    let open = MIXED.replace("--b--\r\n", "");
    assert_eq!(made(&open, &[1]), NoStrip::Malformed);
}

#[test]
fn what_a_file_holds_cannot_make_a_structure() {
    // The file's own text looks like a delimiter of nothing; with it goes all that it pretends.
    let raw = MIXED.replace(
        "a,b\r\n",
        "--c\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n",
    );
    let made = without(raw.as_bytes(), id(), &[1], false, &budget()).unwrap();
    let made = String::from_utf8(made).unwrap();
    assert!(!made.contains("--c") && !made.contains("<p>"));
    // A name can end neither the note nor its part.
    let raw = MIXED.replace(
        "=?utf-8?Q?Zo=C3=AB_list.csv?=",
        "=?utf-8?B?eA0KLS1iLS0NCi5jc3Y=?=",
    );
    let made = without(raw.as_bytes(), id(), &[1], true, &budget()).unwrap();
    let parsed = MessageParser::default().parse(&made).unwrap();
    assert_eq!(parsed.parts.len(), 4);
}
