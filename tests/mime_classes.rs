//! Sixty-odd classes of messages that mail programs read in different ways: a secret stands in each, and each must show it or be
//! called malformed, so that policy can hold it.
//!
//! The classes follow RFC 7103 and draft-chen-email-mime-ambiguity-defense; every message here is our own.
#![expect(clippy::too_many_lines, reason = "a family of classes is one list")]

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use beadle::extract::{Content, InProcess, walk};
use beadle::limits::Budget;
use beadle::mime::{Defect, parse};

const NAME: &str = "Amelia Hartwell";
const SECRET: &str = "Amelia Hartwell has asthma and takes salbutamol";

/// What is asked of a class.
#[derive(Clone, Copy)]
enum Want {
    /// The secret is read, and nothing is called malformed.
    Read,
    /// The secret is read, and this is said as well.
    ReadAnd(Defect),
    /// The content is elsewhere: this is said.
    Said(Defect),
}
use Want::{Read, ReadAnd, Said};

type Class = (&'static str, Vec<u8>, Want);

fn content(raw: &[u8]) -> Content {
    let budget = Budget::new(Arc::default());
    let message = parse(raw, &budget);
    let mut content = walk(&message, &budget, &InProcess);
    content.defects.extend(message.defects);
    content
}

fn b64(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// A message with these further headers and body.
fn message(headers: &str, body: &str) -> Vec<u8> {
    crlf(&format!(
        "From: a@oak.example\nTo: b@home.example\nSubject: x\nMIME-Version: 1.0\n{headers}\n\n{body}\n"
    ))
}

fn mixed_text(part: &str) -> String {
    format!("--b\nContent-Type: text/plain\n\nhello\n--b\n{part}\n--b--")
}

/// A multipart whose second part is `part`: headers, an empty line, a body.
fn mixed(part: &str) -> Vec<u8> {
    message(
        "Content-Type: multipart/mixed; boundary=b",
        &mixed_text(part),
    )
}

/// An attachment with this field for its encoding.
fn encoded(field: &str, body: &str) -> Vec<u8> {
    mixed(&format!(
        "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.txt\n{field}\n\n{body}"
    ))
}

/// A multipart with this type and the secret in base64 behind this delimiter.
fn delimited(kind: &str, delimiter: &str, close: &str) -> Vec<u8> {
    message(
        &format!("Content-Type: {kind}"),
        &format!(
            "{delimiter}\nContent-Type: text/plain; name=a.txt\nContent-Transfer-Encoding: base64\n\n{}\n{close}",
            b64(SECRET)
        ),
    )
}

fn uu(bytes: &[u8]) -> String {
    let mut out = String::new();
    let sign = |value: u8| char::from(if value == 0 { b'`' } else { value + b' ' });
    for line in bytes.chunks(45) {
        out.push(sign(line.len() as u8));
        for group in line.chunks(3) {
            let mut three = [0u8; 3];
            three[..group.len()].copy_from_slice(group);
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for shift in [18, 12, 6, 0] {
                out.push(sign((bits >> shift & 63) as u8));
            }
        }
        out.push('\n');
    }
    out
}

fn transfer_encodings() -> Vec<Class> {
    let secret = b64(SECRET);
    let cte = "Content-Transfer-Encoding:";
    let tagged = |value: &str| encoded(&format!("{cte} {value}"), &secret);
    vec![
        ("encoding: base64", tagged("base64"), Read),
        ("encoding: upper case", tagged("BASE64"), Read),
        ("encoding: comment after", tagged("base64 (x)"), Read),
        ("encoding: comment before", tagged("(x) base64"), Read),
        ("encoding: quoted", tagged("\"base64\""), Read),
        ("encoding: semicolon", tagged("base64;"), Read),
        ("encoding: parameter", tagged("base64; x=y"), Read),
        (
            "encoding: folded onto the next line",
            tagged("\n base64"),
            Read,
        ),
        ("encoding: trailing blanks", tagged("base64 \t "), Read),
        (
            "encoding: unknown token",
            tagged("x-base64"),
            ReadAnd(Defect::UnknownEncoding),
        ),
        (
            "encoding: encoded word",
            tagged("=?us-ascii?Q?base64?="),
            ReadAnd(Defect::UnknownEncoding),
        ),
        (
            "encoding: twice, base64 first",
            tagged(&format!("base64\n{cte} 7bit")),
            ReadAnd(Defect::DuplicateHeader),
        ),
        (
            "encoding: twice, base64 last",
            tagged(&format!("7bit\n{cte} base64")),
            ReadAnd(Defect::DuplicateHeader),
        ),
        ("encoding: binary that is base64", tagged("binary"), Read),
        (
            "encoding: quoted-printable that is base64",
            tagged("quoted-printable"),
            Read,
        ),
        (
            "encoding: none, body is base64",
            encoded("X-A: b", &secret),
            Read,
        ),
        (
            "encoding: blank before the colon",
            encoded("Content-Transfer-Encoding : base64", &secret),
            ReadAnd(Defect::MalformedHeader),
        ),
    ]
}

fn base64_bodies() -> Vec<Class> {
    let secret = b64(SECRET);
    let (head, tail) = secret.split_at(20);
    let body = |text: &str| encoded("Content-Transfer-Encoding: base64", text);
    let short: Vec<&str> = (0..secret.len())
        .step_by(4)
        .map(|at| &secret[at..at + 4])
        .collect();
    let long = format!("{}{SECRET}", "x".repeat(3_000));
    let pieces: String = SECRET.as_bytes().chunks(4).map(b64).collect();
    let spaced: String = secret.chars().flat_map(|c| [c, ' ']).collect();
    let twice = b64(&secret);
    let broken = ReadAnd(Defect::BrokenBase64);
    vec![
        (
            "base64: junk signs",
            body(&format!("!!{head}*{tail}")),
            broken,
        ),
        (
            "base64: url-safe",
            body(&URL_SAFE.encode(format!("??>>~~ÿÿ {SECRET}"))),
            broken,
        ),
        ("base64: padding in the middle", body(&pieces), broken),
        (
            "base64: no padding",
            body(secret.trim_end_matches('=')),
            Read,
        ),
        ("base64: four signs a line", body(&short.join("\n")), Read),
        ("base64: one line of 4,000 signs", body(&b64(&long)), Read),
        ("base64: a blank after each sign", body(&spaced), Read),
        (
            "base64: plain text after it",
            body(&format!("{}\n\n{SECRET}.", b64("nothing here to see"))),
            broken,
        ),
        ("base64: twice over", body(&twice), Read),
        (
            "base64: five times over",
            body(&b64(b64(b64(&twice)))),
            Read,
        ),
        (
            "base64: behind the signs of a quotation",
            mixed(&format!("Content-Type: text/plain\n\n> {secret}")),
            Read,
        ),
    ]
}

fn other_encodings() -> Vec<Class> {
    let lines = uu(SECRET.as_bytes());
    let block = format!("begin 644 x.txt\n{lines}`\nend");
    let inside = |text: &str| mixed(&format!("Content-Type: text/plain\n\nsee below\n{text}"));
    let qp = "Content-Transfer-Encoding: quoted-printable";
    let hidden = ReadAnd(Defect::HiddenEncoding);
    vec![
        ("uuencode: inside a text", inside(&block), hidden),
        (
            "uuencode: as encoding",
            encoded("Content-Transfer-Encoding: x-uuencode", &block),
            Read,
        ),
        (
            "uuencode: without an end",
            inside(&format!("begin 644 x.txt\n{lines}")),
            hidden,
        ),
        (
            "uuencode: text around it as encoding",
            encoded(
                "Content-Transfer-Encoding: x-uuencode",
                &format!("{NAME} is inside\n{block}"),
            ),
            Read,
        ),
        (
            "uuencode: base64 form",
            inside(&format!("begin-base64 644 x.txt\n{}\n====", b64(SECRET))),
            Read,
        ),
        ("yEnc: inside a text", yenc(), hidden),
        ("BinHex: inside a text", inside(&binhex()), hidden),
        (
            "BinHex: as type",
            mixed(&format!(
                "Content-Type: application/mac-binhex40; name=a.hqx\n\n{}",
                binhex()
            )),
            Read,
        ),
        (
            "quoted-printable: small letters and soft breaks",
            encoded(qp, "=41me=6cia Hart=  \nwell has asthma"),
            Read,
        ),
        (
            "quoted-printable: stray signs",
            encoded(qp, "=ZZ =4 =\tx =41melia Hartwell=="),
            Read,
        ),
        (
            "quoted-printable: no header says so",
            mixed("Content-Type: text/plain\n\n=41=6D=65=6C=69=61 Hartwell has asthma"),
            Read,
        ),
    ]
}

/// yEnc adds 42 to each byte and escapes four of them with `=`.
fn yenc() -> Vec<u8> {
    let mut coded = Vec::new();
    for byte in SECRET.bytes() {
        let byte = byte.wrapping_add(42);
        if matches!(byte, 0 | b'\n' | b'\r' | b'=') {
            coded.extend([b'=', byte.wrapping_add(64)]);
        } else {
            coded.push(byte);
        }
    }
    let mut raw = message("Content-Type: text/plain; charset=iso-8859-1", "see below");
    let head = format!("=ybegin line=128 size={} name=a.txt\r\n", SECRET.len());
    raw.extend(head.as_bytes());
    raw.extend(coded);
    raw.extend(format!("\r\n=yend size={}\r\n", SECRET.len()).as_bytes());
    raw
}

/// BinHex 4.0: a header, the data fork and the resource fork, each with a checksum that readers ignore, six bits a sign.
fn binhex() -> String {
    const SIGNS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let mut bytes = vec![5];
    bytes.extend(b"a.txt\0TEXTttxt\0\0");
    bytes.extend(u32::try_from(SECRET.len()).unwrap_or(0).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 0, 0]);
    bytes.extend(SECRET.as_bytes());
    bytes.extend([0, 0, 0, 0]);
    let mut out = String::from("(This file must be converted with BinHex 4.0)\n\n:");
    let mut column = 1;
    for group in bytes.chunks(3) {
        let mut three = [0u8; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for shift in [18, 12, 6, 0].iter().take(group.len() + 1) {
            out.push(char::from(SIGNS[(bits >> shift & 63) as usize]));
            column += 1;
            if column == 64 {
                out.push('\n');
                column = 0;
            }
        }
    }
    out + ":"
}

fn delimiters() -> Vec<Class> {
    let broken = ReadAnd(Defect::BrokenBoundary);
    let doubled = ReadAnd(Defect::DuplicateHeader);
    let mixed_b = "multipart/mixed; boundary=b";
    vec![
        (
            "boundary: never closed",
            delimited(mixed_b, "--b", ""),
            broken,
        ),
        (
            "boundary: no parameter",
            delimited("multipart/mixed", "--b", "--b--"),
            broken,
        ),
        (
            "boundary: empty parameter",
            delimited("multipart/mixed; boundary=\"\"", "--", "----"),
            broken,
        ),
        (
            "boundary: never occurs",
            delimited("multipart/mixed; boundary=o", "--b", "--b--"),
            broken,
        ),
        (
            "boundary: two parameters, first used",
            delimited("multipart/mixed; boundary=b; boundary=c", "--b", "--b--"),
            doubled,
        ),
        (
            "boundary: two parameters, last used",
            delimited("multipart/mixed; boundary=c; boundary=b", "--b", "--b--"),
            doubled,
        ),
        (
            "boundary: blanks after the delimiter",
            delimited(mixed_b, "--b \t", "--b--  "),
            Read,
        ),
        (
            "boundary: a blank before the delimiter",
            delimited(mixed_b, " --b", " --b--"),
            broken,
        ),
        (
            "boundary: in the middle of a line",
            delimited(mixed_b, "hello --b", "x --b--"),
            broken,
        ),
        (
            "boundary: continued (RFC 2231)",
            delimited(
                "multipart/mixed; boundary*0=\"b\"; boundary*1=\"c\"",
                "--bc",
                "--bc--",
            ),
            Read,
        ),
        (
            "boundary: percent-encoded (RFC 2231)",
            delimited("multipart/mixed; boundary*=us-ascii''%62", "--b", "--b--"),
            Read,
        ),
        (
            "boundary: with a comment",
            delimited("multipart/mixed (x); boundary=b (y)", "--b", "--b--"),
            Read,
        ),
        (
            "boundary: in single quotes",
            delimited("multipart/mixed; boundary='b'", "--'b'", "--'b'--"),
            Read,
        ),
        (
            "boundary: longer than 70 signs",
            {
                let long = "b".repeat(200);
                delimited(
                    &format!("multipart/mixed; boundary={long}"),
                    &format!("--{long}"),
                    &format!("--{long}--"),
                )
            },
            Read,
        ),
        (
            "boundary: one begins with the other",
            message(
                "Content-Type: multipart/mixed; boundary=b",
                &format!(
                    "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Transfer-Encoding: base64\n\n{}\n--bb--\n--b--",
                    b64(SECRET)
                ),
            ),
            Read,
        ),
        (
            "boundary: the same one nested",
            message(
                "Content-Type: multipart/mixed; boundary=b",
                &format!(
                    "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n{}\n--b--\n--b--",
                    b64(SECRET)
                ),
            ),
            broken,
        ),
        (
            "boundary: closed twice, the part after the first",
            message(
                "Content-Type: multipart/mixed; boundary=b",
                &format!(
                    "--b\n\nhello\n--b--\n--b\nContent-Transfer-Encoding: base64\n\n{}\n--b--",
                    b64(SECRET)
                ),
            ),
            ReadAnd(Defect::HiddenEncoding),
        ),
        (
            "preamble",
            message(
                "Content-Type: multipart/mixed; boundary=b",
                &format!("{}\n--b\n\nhi\n--b--", b64(SECRET)),
            ),
            ReadAnd(Defect::HiddenEncoding),
        ),
        (
            "epilogue",
            message(
                "Content-Type: multipart/mixed; boundary=b",
                &format!("--b\n\nhi\n--b--\n{}", b64(SECRET)),
            ),
            ReadAnd(Defect::HiddenEncoding),
        ),
        (
            "multipart that is encoded",
            message(
                "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64",
                &b64(format!("--b\r\n\r\n{SECRET}\r\n--b--\r\n")),
            ),
            ReadAnd(Defect::EncodedComposite),
        ),
    ]
}

fn types_and_names() -> Vec<Class> {
    let secret = b64(SECRET);
    let cte = "Content-Transfer-Encoding: base64";
    let kind = |value: &str| mixed(&format!("Content-Type: {value}\n{cte}\n\n{secret}"));
    let part = format!("--b\n{cte}\n\n{secret}\n--b--");
    let doubled = ReadAnd(Defect::DuplicateHeader);
    let named = |fields: &str| {
        mixed(&format!(
            "Content-Type: application/octet-stream\n{fields}\n\nx"
        ))
    };
    vec![
        (
            "type: text first, multipart last",
            message(
                "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b",
                &part,
            ),
            doubled,
        ),
        (
            "type: multipart first, text last",
            message(
                "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain",
                &part,
            ),
            doubled,
        ),
        ("type: no semicolon", kind("text/plain charset=utf-8"), Read),
        ("type: empty", kind(""), Read),
        ("type: nonsense", kind(";;;"), Read),
        (
            "type: a picture that is text",
            kind("image/png; name=a.png"),
            Read,
        ),
        (
            "type: encoded word",
            kind("=?us-ascii?Q?text/plain?="),
            Read,
        ),
        (
            "type: multipart without MIME-Version",
            {
                crlf(&format!(
                    "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n{part}\n"
                ))
            },
            Read,
        ),
        (
            "name: two filenames",
            named(&format!(
                "Content-Disposition: attachment; filename=\"a.txt\"; filename=\"{NAME}.txt\""
            )),
            doubled,
        ),
        (
            "name: filename and name differ",
            mixed(&format!(
                "Content-Type: application/octet-stream; name=\"{NAME}.bin\"\nContent-Disposition: attachment; filename=a.bin\n\nx"
            )),
            Read,
        ),
        (
            "name: continued out of order (RFC 2231)",
            named(
                "Content-Disposition: attachment; filename*1=\" Hartwell.txt\"; filename*0=\"Amelia\"",
            ),
            Read,
        ),
        (
            "name: percent and plain pieces mixed (RFC 2231)",
            named(
                "Content-Disposition: attachment; filename*0*=utf-8''Amelia%20; filename*1=\"Hartwell.txt\"",
            ),
            Read,
        ),
        (
            "name: encoded word inside quotes",
            named(&format!(
                "Content-Disposition: attachment; filename=\"=?utf-8?B?{}?=\"",
                b64(format!("{NAME}.txt"))
            )),
            Read,
        ),
        (
            "name: without quotes",
            named(&format!(
                "Content-Disposition: attachment; filename={NAME}.txt"
            )),
            Read,
        ),
        (
            "message: in base64",
            mixed(&format!(
                "Content-Type: message/rfc822\n{cte}\n\n{}",
                b64(format!("Subject: y\r\n\r\n{SECRET}\r\n"))
            )),
            ReadAnd(Defect::EncodedComposite),
        ),
        (
            "message: partial",
            message(
                "Content-Type: message/partial; id=a; number=1; total=2",
                "Content-Type: text/plain\n\nAmel",
            ),
            Said(Defect::PartialMessage),
        ),
        (
            "message: body elsewhere",
            message(
                "Content-Type: message/external-body; access-type=URL; URL=\"https://x.example/a\"",
                "Content-Type: text/plain\n\n",
            ),
            Said(Defect::PartialMessage),
        ),
    ]
}

fn lines_and_charsets() -> Vec<Class> {
    let secret = b64(SECRET);
    let cte = "Content-Transfer-Encoding: base64";
    let text = |bytes: Vec<u8>| {
        mixed(&format!(
            "Content-Type: text/plain\n{cte}\n\n{}",
            b64(bytes)
        ))
    };
    let wide = |big: bool| -> Vec<u8> {
        let units = SECRET.encode_utf16();
        let turn = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        units.flat_map(turn).collect()
    };
    let plain = format!("Content-Type: text/plain\n{cte}\n\n{secret}");
    let joined = |raw: &[u8], from: &[u8], to: &[u8]| -> Vec<u8> {
        let at = memchr::memmem::find(raw, from).unwrap_or(raw.len());
        [&raw[..at], to, &raw[(at + from.len()).min(raw.len())..]].concat()
    };
    vec![
        (
            "header: a line without a colon",
            mixed(&format!(
                "Content-Type: text/plain\nnonsense\n{cte}\n\n{secret}"
            )),
            ReadAnd(Defect::MalformedHeader),
        ),
        (
            "header: a separator of blanks",
            mixed(&format!("Content-Type: text/plain\n{cte}\n \t\n{secret}")),
            ReadAnd(Defect::MalformedHeader),
        ),
        (
            "header: no separator at all",
            mixed(&format!("Content-Type: text/plain\n{cte}\n{secret}")),
            ReadAnd(Defect::MalformedHeader),
        ),
        (
            "header: NUL in a name",
            joined(&mixed(&plain), b"Content-Transfer", b"Content\0-Transfer"),
            ReadAnd(Defect::ControlCharacters),
        ),
        (
            "header: eight-bit bytes",
            joined(
                &message("Content-Type: text/plain", "hi"),
                b"Subject: x",
                b"Subject: Zo\xeb, \xff\xfe Amelia Hartwell",
            ),
            Read,
        ),
        (
            "header: a subject twice",
            joined(
                &message("Content-Type: text/plain", "hi"),
                b"Subject: x",
                format!("Subject: x\r\nSubject: {NAME}").as_bytes(),
            ),
            ReadAnd(Defect::DuplicateHeader),
        ),
        (
            "lines: LF only",
            String::from_utf8_lossy(&mixed(&plain))
                .replace("\r\n", "\n")
                .into_bytes(),
            Read,
        ),
        (
            "lines: CR only",
            String::from_utf8_lossy(&mixed(&plain))
                .replace("\r\n", "\r")
                .into_bytes(),
            ReadAnd(Defect::ControlCharacters),
        ),
        (
            "lines: CR instead of the separator",
            joined(&mixed(&plain), b"base64\r\n\r\n", b"base64\r\n\r"),
            ReadAnd(Defect::ControlCharacters),
        ),
        (
            "text: NUL between the letters",
            joined(
                &mixed(&format!("Content-Type: text/plain\n\nAm_elia\n{SECRET}")),
                b"Am_",
                b"Am\0",
            ),
            ReadAnd(Defect::ControlCharacters),
        ),
        (
            "charset: UTF-7, declared",
            mixed(
                "Content-Type: text/plain; charset=utf-7\n\n+AEEAbQBlAGwAaQBh Hartwell has asthma",
            ),
            Read,
        ),
        (
            "charset: UTF-7, not declared",
            mixed(
                "Content-Type: text/plain\n\n+AEEAbQBlAGwAaQBhACAASABhAHIAdAB3AGUAbABs- has asthma",
            ),
            Read,
        ),
        (
            "charset: UTF-16 little-endian, not declared",
            text(wide(false)),
            Read,
        ),
        (
            "charset: UTF-16 big-endian, not declared",
            text(wide(true)),
            Read,
        ),
        (
            "charset: UTF-16 declared as Latin-1",
            mixed(&format!(
                "Content-Type: text/plain; charset=iso-8859-1\n{cte}\n\n{}",
                b64(wide(false))
            )),
            Read,
        ),
        (
            "charset: unknown label",
            mixed(&format!(
                "Content-Type: text/plain; charset=x-none\n{cte}\n\n{secret}"
            )),
            Read,
        ),
        (
            "charset: eight-bit garbage around it",
            text(
                [
                    &b"\xff\x80\xfe\x9d\n"[..],
                    SECRET.as_bytes(),
                    b"\n\x81\x8d\xff",
                ]
                .concat(),
            ),
            Read,
        ),
        (
            "html: base64 in a data link",
            message(
                "Content-Type: text/html",
                &format!("<p>hi</p><a href=\"data:text/plain;base64,{secret}\">x</a>"),
            ),
            Read,
        ),
    ]
}

#[test]
fn every_class_shows_its_text_or_is_called_malformed() {
    let classes: Vec<Class> = [
        transfer_encodings(),
        base64_bodies(),
        other_encodings(),
        delimiters(),
        types_and_names(),
        lines_and_charsets(),
    ]
    .concat();
    let mut names: Vec<&str> = classes.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), classes.len(), "every class has its own name");
    assert!(classes.len() >= 63, "{} classes", classes.len());
    let mut missed = String::new();
    for (name, raw, want) in &classes {
        let content = content(raw);
        let read = content.units.iter().any(|unit| unit.text.contains(NAME));
        let fits = match want {
            Read => read,
            ReadAnd(defect) => read && content.defects.contains(defect),
            Said(defect) => content.defects.contains(defect),
        };
        if !fits {
            let texts: Vec<&String> = content.units.iter().map(|unit| &unit.text).collect();
            writeln!(
                missed,
                "{name}: read {read}, {:?} {texts:?}",
                content.defects
            )
            .ok();
        }
    }
    assert!(missed.is_empty(), "of {}:\n{missed}", classes.len());
}

/// A cut in the middle of any of them costs no panic, and stays within the limits.
#[test]
fn no_cut_of_a_class_panics() {
    let classes: Vec<Class> = [delimiters(), other_encodings(), lines_and_charsets()].concat();
    for (_, raw, _) in &classes {
        for cut in (0..raw.len()).step_by(11) {
            let _ = content(&raw[..cut]);
        }
    }
}
