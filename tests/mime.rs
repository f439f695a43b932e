//! Messages as clients write them, and as people who want to hide something write them: what is read, what is called malformed.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, InProcess, Place, View, walk};
use beadle::limits::{Budget, Limits};
use beadle::mime::{Defect, Role, parse};

fn budget() -> Budget {
    Budget::new(Arc::default())
}

fn content(raw: &str) -> Content {
    let budget = budget();
    let mut content = walk(&parse(raw.as_bytes(), &budget), &budget, &InProcess);
    content
        .defects
        .extend(parse(raw.as_bytes(), &budget).defects);
    content
}

fn says(content: &Content, text: &str) -> bool {
    content.units.iter().any(|unit| unit.text.contains(text))
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn b64(text: &str) -> String {
    b64_bytes(text.as_bytes())
}

fn b64_bytes(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

const SECRET: &str = "Amelia Hartwell has asthma and takes salbutamol";

/// Outlook by way of Exchange Online: tabs in folded fields, GUID-like boundaries, related inside mixed.
const OUTLOOK: &str = "From: Jo Tutor <jo@oak.example>\nTo: \"parent@home.example\" <parent@home.example>\nSubject: Trip\nThread-Topic: Trip\n\
Thread-Index: AdoB1k2x7Y1k3v9uQ0a9b8c7d6e5f4==\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMessage-ID:\n <LO0P123MB1234.GBRP123.PROD.OUTLOOK.EXAMPLE>\n\
Accept-Language: en-GB, en-US\nContent-Language: en-GB\nX-MS-Has-Attach: yes\nX-Microsoft-Antispam-Message-Info:\n\
\t=?us-ascii?Q?abcdEFGH1234567890abcdEFGH1234567890abcdEFGH1234567890abcdEFGH12?=\n\
Content-Type: multipart/mixed;\n\tboundary=\"_004_LO0P123MB1234_\"\nMIME-Version: 1.0\n\n--_004_LO0P123MB1234_\n\
Content-Type: multipart/alternative;\n\tboundary=\"_000_LO0P123MB1234_\"\n\n--_000_LO0P123MB1234_\nContent-Type: text/plain; charset=\"iso-8859-1\"\n\
Content-Transfer-Encoding: quoted-printable\n\nDear parent,\nthe trip costs =A312 =96 please pay=\n by Friday.\n\n--_000_LO0P123MB1234_\n\
Content-Type: text/html; charset=\"iso-8859-1\"\nContent-Transfer-Encoding: quoted-printable\n\n<html xmlns:o=3D\"urn\"><body lang=3D\"EN-GB\"><p class=3D\"MsoNormal\">Dear parent,<o:p></o:p></p></body></html>\n\
--_000_LO0P123MB1234_--\n\n--_004_LO0P123MB1234_\nContent-Type: text/csv; name=\"list.csv\"\nContent-Description: list.csv\n\
Content-Disposition: attachment; filename=\"list.csv\"; size=20;\n\tcreation-date=\"Mon, 02 Nov 2026 09:59:00 GMT\"\nContent-Transfer-Encoding: base64\n\n\
TmFtZSxBZ2UKQSw5CkIsMTAK\n\n--_004_LO0P123MB1234_--\n";

/// Gmail: bare boundary, base64 attachment with X-Attachment-Id, delivery fields.
const GMAIL: &str = "MIME-Version: 1.0\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMessage-ID: <CAF=abc+def@mail.oak.example>\nSubject: =?UTF-8?Q?Zo=C3=AB=27s_trip?=\n\
From: Jo <jo@oak.example>\nTo: p@home.example\nContent-Type: multipart/mixed; boundary=\"00000000000012ab34cd56ef\"\n\n--00000000000012ab34cd56ef\n\
Content-Type: multipart/alternative; boundary=\"00000000000012ab34cd56ee\"\n\n--00000000000012ab34cd56ee\nContent-Type: text/plain; charset=\"UTF-8\"\n\nHello\n\n\
--00000000000012ab34cd56ee\nContent-Type: text/html; charset=\"UTF-8\"\n\n<div dir=\"ltr\">Hello</div>\n\n--00000000000012ab34cd56ee--\n--00000000000012ab34cd56ef\n\
Content-Type: text/plain; charset=\"US-ASCII\"; name=\"a.txt\"\nContent-Disposition: attachment; filename=\"a.txt\"\nContent-Transfer-Encoding: base64\nX-Attachment-Id: f_abc\nContent-ID: <f_abc>\n\n\
aGVsbG8gd29ybGQ=\n--00000000000012ab34cd56ef--\n";

/// Thunderbird: preamble for old readers, format=flowed, inline reply, signature.
const THUNDERBIRD: &str = "Message-ID: <1@oak.example>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nUser-Agent: Mozilla Thunderbird\nContent-Language: en-GB\nTo: p@home.example\n\
From: Jo <jo@oak.example>\nSubject: Trip\nContent-Type: multipart/mixed; boundary=\"------------cLW9v\"\n\nThis is a multi-part message in MIME format.\n--------------cLW9v\n\
Content-Type: text/plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: 7bit\n\nHello, this is a long line that the \nprogram broke.\n> quoted\n\n-- \nJo\n--------------cLW9v\n\
Content-Type: text/x-log; name=\"x.log\"\nContent-Disposition: attachment; filename=\"x.log\"\nContent-Transfer-Encoding: 7bit\n\nlog line\n\n--------------cLW9v--\n";

/// Apple Mail: quoted boundary with equals signs, universally unique, HTML with an inline picture.
const APPLE: &str = "From: Jo <jo@oak.example>\nContent-Type: multipart/alternative;\n\tboundary=\"Apple-Mail=_0C1D2E3F-1111-2222-3333-444455556666\"\nMime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774\\))\n\
Subject: Trip\nMessage-Id: <A@oak.example>\nTo: p@home.example\nX-Mailer: Apple Mail (2.3774)\n\n\n--Apple-Mail=_0C1D2E3F-1111-2222-3333-444455556666\nContent-Transfer-Encoding: 7bit\nContent-Type: text/plain;\n\tcharset=us-ascii\n\n\
Hello\n\n--Apple-Mail=_0C1D2E3F-1111-2222-3333-444455556666\nContent-Type: multipart/related;\n\ttype=\"text/html\";\n\tboundary=\"Apple-Mail=_9F8E7D6C-1111-2222-3333-444455556666\"\n\n\n--Apple-Mail=_9F8E7D6C-1111-2222-3333-444455556666\n\
Content-Transfer-Encoding: quoted-printable\nContent-Type: text/html;\n\tcharset=us-ascii\n\n<html><body>Hello <img src=3D\"cid:logo@oak\"></body></html>=\n\n--Apple-Mail=_9F8E7D6C-1111-2222-3333-444455556666\n\
Content-Transfer-Encoding: base64\nContent-Disposition: inline;\n\tfilename=logo.png\nContent-Type: image/png;\n\tname=\"logo.png\"\nContent-Id: <logo@oak>\n\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n\
\n--Apple-Mail=_9F8E7D6C-1111-2222-3333-444455556666--\n\n--Apple-Mail=_0C1D2E3F-1111-2222-3333-444455556666--\n";

/// Mailman: list fields, a footer as a part of its own, DKIM and ARC fields full of base64.
const MAILMAN: &str = "Received: from mx (mx [192.0.2.1]) by list.example with ESMTP id 4; Mon, 2 Nov 2026 10:00:00 +0000\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=oak.example;\n s=s1; t=1; h=from:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR\n\
From: Jo <jo@oak.example>\nTo: staff@list.example\nSubject: [Staff] Trip\nList-Id: Staff <staff.list.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"===============123==\"\n\n--===============123==\n\
Content-Type: text/plain; charset=\"us-ascii\"\nContent-Transfer-Encoding: 7bit\n\nHello\nhttps://safelinks.example/?url=aHR0cHM6Ly9vYWsuZXhhbXBsZS90cmlw&data=05%7C02%7Cjo%40oak.example\n\n--===============123==\n\
Content-Type: text/plain; charset=\"us-ascii\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\nContent-Disposition: inline\n\n_______________________________________________\nStaff mailing list\n\n--===============123==--\n";

#[test]
fn ordinary_clients_raise_no_defect_and_nothing_is_unread() {
    for (client, raw) in [
        ("outlook", OUTLOOK),
        ("gmail", GMAIL),
        ("thunderbird", THUNDERBIRD),
        ("apple", APPLE),
        ("mailman", MAILMAN),
    ] {
        for raw in [crlf(raw), raw.to_owned()] {
            let content = content(&raw);
            assert_eq!(content.defects, [], "{client}");
            assert_eq!(content.unread, [], "{client}");
            assert_eq!(content.protections, [], "{client}");
            assert!(
                parse(raw.as_bytes(), &budget())
                    .sweep
                    .iter()
                    .all(|swept| swept
                        .text
                        .as_deref()
                        .is_some_and(|t| t.contains("multi-part"))),
                "{client}"
            );
        }
    }
}

#[test]
fn places_and_views_of_an_ordinary_message() {
    let content = content(&crlf(OUTLOOK));
    let unit = |place: &str, view| {
        content
            .units
            .iter()
            .find(|unit| unit.location.place.to_string() == place && unit.view == view)
            .map(|unit| unit.text.as_str())
    };
    assert_eq!(unit("subject", View::Visible), Some("Trip"));
    assert_eq!(
        unit("body", View::Visible),
        Some("Dear parent,\nthe trip costs £12 – please pay by Friday.\n")
    );
    assert_eq!(
        unit("attachment:list.csv", View::FileName),
        Some("list.csv")
    );
    assert_eq!(
        unit("attachment:list.csv", View::Table),
        Some("Name\tAge\nA\t9\nB\t10")
    );
    assert_eq!(unit("header", View::Properties), Some("Trip"));
}

#[test]
fn parts_carry_names_roles_and_bytes() {
    let raw = crlf(GMAIL);
    let budget = budget();
    let message = parse(raw.as_bytes(), &budget);
    let roles: Vec<Role> = message.parts.iter().map(|part| part.role).collect();
    assert_eq!(
        roles,
        [
            Role::Multipart,
            Role::Multipart,
            Role::Body,
            Role::Body,
            Role::Attachment
        ]
        .map(|role| role)
        .to_vec()
    );
    let file = message.parts.last().unwrap();
    assert_eq!(
        (file.names.as_slice(), &*file.bytes),
        (&["a.txt".to_owned()][..], &b"hello world"[..])
    );
    assert_eq!(message.headers.decoded("subject").unwrap(), "Zoë's trip");
}

fn with_body(headers: &str, body: &str) -> String {
    crlf(&format!(
        "From: a@oak.example\nSubject: x\nMIME-Version: 1.0\n{headers}\n\n{body}\n"
    ))
}

fn mixed(part: &str) -> String {
    with_body(
        "Content-Type: multipart/mixed; boundary=b",
        &format!("--b\nContent-Type: text/plain\n\nhello\n--b\n{part}\n--b--"),
    )
}

/// Every way of hiding a text is read; those that programs read differently are also called malformed.
#[test]
fn hidden_texts_are_found() {
    let secret = b64(SECRET);
    let qp = "Amelia =48artwell has asthma=\n and takes salbutamol";
    let uu = "begin 644 x.txt\nM06UE;&EA($AA<G1W96QL(&AA<R!A<W1H;6$@86YD('1A:V5S('-A;&)U=&%M\n\"V]L\n`\nend";
    let cases: Vec<(&str, String, Option<Defect>)> = vec![
        ("plain base64 attachment", mixed(&format!("Content-Type: text/plain; name=a.txt\nContent-Transfer-Encoding: base64\n\n{secret}")), None),
        ("no closing boundary", mixed(&format!("Content-Type: text/plain; name=a.txt\nContent-Transfer-Encoding: base64\n\n{secret}")).replace("--b--", ""), Some(Defect::BrokenBoundary)),
        ("junk in base64", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!{}*{}", &secret[..20], &secret[20..])), Some(Defect::BrokenBase64)),
        ("encoding with a comment", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64 (x)\n\n{secret}")), None),
        ("quoted encoding", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: \"base64\"\n\n{secret}")), None),
        ("encoding with a semicolon", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64;\n\n{secret}")), None),
        ("unknown encoding", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: x-base64\n\n{secret}")), Some(Defect::UnknownEncoding)),
        ("two encodings, identity last", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n{secret}")), Some(Defect::DuplicateHeader)),
        ("two encodings, identity first", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n{secret}")), Some(Defect::DuplicateHeader)),
        ("two types", mixed(&format!("Content-Type: text/plain\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n{secret}")), Some(Defect::DuplicateHeader)),
        ("binary that is base64", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: binary\n\n{secret}")), None),
        ("preamble", with_body("Content-Type: multipart/mixed; boundary=b", &format!("{secret}\n--b\nContent-Type: text/plain\n\nhi\n--b--")), Some(Defect::HiddenEncoding)),
        ("epilogue", with_body("Content-Type: multipart/mixed; boundary=b", &format!("--b\nContent-Type: text/plain\n\nhi\n--b--\n{secret}")), Some(Defect::HiddenEncoding)),
        ("plain text in the epilogue", with_body("Content-Type: multipart/mixed; boundary=b", &format!("--b\nContent-Type: text/plain\n\nhi\n--b--\n{SECRET}")), None),
        ("no boundary parameter", with_body("Content-Type: multipart/mixed", &format!("--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{secret}\n--b--")), Some(Defect::BrokenBoundary)),
        ("boundary that never occurs", with_body("Content-Type: multipart/mixed; boundary=other", &format!("--b\nContent-Transfer-Encoding: base64\n\n{secret}\n--b--")), Some(Defect::BrokenBoundary)),
        ("encoded multipart", with_body("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64", &b64(&format!("--b\r\nContent-Type: text/plain\r\n\r\n{SECRET}\r\n--b--\r\n"))), Some(Defect::EncodedComposite)),
        ("uuencode inline", mixed(&format!("Content-Type: text/plain\n\nsee below\n{uu}")), Some(Defect::HiddenEncoding)),
        ("uuencode as encoding", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\n{uu}")), None),
        ("quoted-printable without a header", mixed("Content-Type: text/plain\n\n=41=6D=65=6C=69=61 Hartwell has asthma and takes salbutamol"), None),
        ("quoted-printable", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n{qp}")), None),
        ("base64 of base64", mixed(&format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}", b64(&secret))), None),
        ("base64 message", mixed(&format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}", b64(&format!("Subject: y\r\n\r\n{SECRET}\r\n")))), Some(Defect::EncodedComposite)),
        ("message in message", mixed(&format!("Content-Type: message/rfc822\n\nSubject: y\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n{SECRET}\n--c--")), None),
        ("missing semicolon", mixed(&format!("Content-Type: text/plain charset=utf-8\nContent-Transfer-Encoding: base64\n\n{secret}")), None),
        ("line without a colon", mixed(&format!("Content-Type: text/plain\nnonsense\nContent-Transfer-Encoding: base64\n\n{secret}")), Some(Defect::MalformedHeader)),
        ("wrong type", mixed(&format!("Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n{secret}")), None),
        ("utf-7", mixed("Content-Type: text/plain; charset=utf-7\n\n+AEEAbQBlAGwAaQBh Hartwell has asthma and takes salbutamol"), None),
        ("nul in text", mixed(&format!("Content-Type: text/plain\n\nhi\0\n{SECRET}")), Some(Defect::ControlCharacters)),
        ("upper-case everything", mixed(&format!("CONTENT-TYPE: TEXT/PLAIN\nCONTENT-TRANSFER-ENCODING: BASE64\n\n{secret}")), None),
    ];
    let mut missed = Vec::new();
    for (name, raw, defect) in &cases {
        let content = content(raw);
        if !says(&content, "Amelia Hartwell") {
            missed.push(format!(
                "{name}: not found in {:?}",
                content
                    .units
                    .iter()
                    .map(|unit| &unit.text)
                    .collect::<Vec<_>>()
            ));
        }
        if defect.is_some_and(|defect| !content.defects.contains(&defect))
            || defect.is_none() && !content.defects.is_empty()
        {
            missed.push(format!("{name}: defects {:?}", content.defects));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_body_that_is_only_base64_is_apparent_protection() {
    let long = format!("{SECRET}. {SECRET}. {SECRET}.");
    let content = content(&with_body("Content-Type: text/plain", &b64(&long)));
    assert_eq!(content.protections.len(), 1);
    assert_eq!(content.protections[0].location.place, Place::Body);
    assert!(says(&content, SECRET));
}

/// What ordinary bodies carry that is base64 and no disguise: keys, certificates, signatures, tokens, wrapped links, rules.
#[test]
fn keys_and_links_are_noise() {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let noise: Vec<u8> = (0u64..60)
        .flat_map(|i| {
            let mut hasher = DefaultHasher::new();
            i.hash(&mut hasher);
            hasher.finish().to_be_bytes()
        })
        .collect();
    let lines: Vec<String> = b64_bytes(&noise)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let body = format!(
        "Hello,\n-----BEGIN CERTIFICATE-----\n{0}\n-----END CERTIFICATE-----\n-----BEGIN PGP SIGNATURE-----\n\n{0}\n=abcd\n\
         -----END PGP SIGNATURE-----\nhttps://links.example/{1}\n{1}\n> {1}\neyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ.x\n\
         ____________________________________________________\nThis line of the letter has no full stop and is long enough",
        lines.join("\n"),
        lines[0]
    );
    let raw = with_body("Content-Type: text/plain", &body);
    let content = content(&raw);
    assert_eq!(parse(raw.as_bytes(), &budget()).sweep, []);
    assert_eq!(
        (content.defects.as_slice(), content.protections.as_slice()),
        (&[][..], &[][..])
    );
}

#[test]
fn external_bodies_are_partial() {
    for kind in [
        "message/partial; id=1; number=1; total=2",
        "message/external-body; access-type=URL; URL=\"http://x.example\"",
    ] {
        assert!(
            content(&with_body(
                &format!("Content-Type: {kind}"),
                "Content-Type: text/plain\n\nx"
            ))
            .defects
            .contains(&Defect::PartialMessage)
        );
    }
}

#[test]
fn attached_messages_say_their_subject_and_body_under_their_name() {
    let content = content(&mixed(
        "Content-Type: message/rfc822; name=\"fwd.eml\"\n\nSubject: =?utf-8?B?Wm/Dqw==?= Hart\nContent-Type: text/plain\n\ninner text",
    ));
    let at = |text: &str| {
        content
            .units
            .iter()
            .find(|unit| unit.text.contains(text))
            .unwrap()
            .location
            .to_string()
    };
    assert_eq!(at("Zoë Hart"), "attachment:fwd.eml (subject)");
    assert_eq!(at("inner text"), "attachment:fwd.eml");
    assert_eq!(at("hello"), "body");
}

/// Cuts and overlaps of boundaries that mutation found; debug builds of `mail-parser` assert on some of them.
#[test]
fn no_cut_of_a_nested_message_panics() {
    let raw = crlf(OUTLOOK) + &crlf(APPLE);
    for cut in (0..raw.len()).step_by(7) {
        let budget = budget();
        let _ = walk(&parse(&raw.as_bytes()[..cut], &budget), &budget, &InProcess);
        let twice = [&raw.as_bytes()[cut..], &raw.as_bytes()[..cut]].concat();
        let _ = walk(&parse(&twice, &budget), &budget, &InProcess);
    }
}

#[test]
fn bombs_of_structure_end_quickly_and_say_so() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000)
        + "Subject: x\r\n\r\nAmelia Hartwell";
    let mut multiparts = String::from("From: a@oak.example\r\n");
    for i in 0..20_000 {
        write!(
            multiparts,
            "Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"
        )
        .unwrap();
    }
    multiparts.push_str("\r\nAmelia Hartwell");
    let deep = {
        let mut inner = "Content-Type: text/plain\r\n\r\nAmelia Hartwell".to_owned();
        for _ in 0..60 {
            inner = format!("Content-Type: message/rfc822\r\n\r\n{inner}");
        }
        inner
    };
    let many = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        "--b\r\n\r\nx\r\n".repeat(50_000)
    );
    for raw in [nested, multiparts, deep] {
        let content = content(&raw);
        assert!(content.defects.contains(&Defect::TooComplex));
        assert!(!content.unread.is_empty());
        assert!(says(&content, "Amelia Hartwell"));
    }
    assert!(content(&many).defects.contains(&Defect::TooComplex));
    let encoded = (0..12).fold(SECRET.to_owned(), |inner, _| {
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            b64(&inner)
        )
    });
    assert!(!content(&encoded).defects.is_empty());
}

/// Old programs end lines with a return alone, and devices mix them: nothing is hidden by it.
#[test]
fn a_return_within_a_plain_text_is_no_defect() {
    let raw = b"From: a@oak.example\r\nTo: b@elm.example\r\nSubject: lines\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\ntwo\rthree\n.\nfour\r\n";
    let budget = Budget::new(Arc::new(Limits::default()));
    let message = parse(raw, &budget);
    assert!(message.defects.is_empty(), "{:?}", message.defects);
    assert!(message.sweep.is_empty(), "{:?}", message.sweep);
    let hiding = b"From: a@oak.example\r\nSubject: lines\r\n\r\nsee\rContent-Transfer-Encoding: base64\r\rT2xpdmVyIFdoaXRjb21iZSBoYXMgYXN0aG1hIGFuZCBjYXJyaWVzIGFuIGluaGFsZXIu\r";
    let message = parse(hiding, &budget);
    assert!(
        message.defects.contains(&Defect::ControlCharacters)
            || message.defects.contains(&Defect::HiddenEncoding)
    );
    let said = |found: &beadle::mime::Swept| {
        found
            .text
            .as_deref()
            .is_some_and(|text| text.contains("has asthma"))
    };
    assert!(message.sweep.iter().any(said), "{:?}", message.sweep);
}
