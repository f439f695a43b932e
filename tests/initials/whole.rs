//! Messages of many parts: what changes, what is left, and that nothing else differs.

use beadle::mime;
use beadle::quarantine::initials::{Left, NoProposal};

use crate::{TOOLS, ask, difference, is_clean, letter, parsed, part, turned};

/// A letter with two bodies, a calendar, a signed text, a message and a file that all name a pupil.
pub fn rich() -> Vec<u8> {
    let leaf = |headers: &str, body: &str| format!("{headers}\r\n\r\n{body}\r\n");
    let alternative = [
        leaf(
            "Content-Type: text/plain; charset=utf-8",
            "About Oliver Whitcombe",
        ),
        leaf(
            "Content-Type: text/html; charset=utf-8\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
            "<p>About <b>Oliver</b> Whitcombe</p>",
        ),
        leaf(
            "Content-Type: text/calendar; charset=utf-8",
            "BEGIN:VCALENDAR\r\nSUMMARY:Oliver Whitcombe\r\nEND:VCALENDAR",
        ),
    ];
    let alternative = alternative.map(|part| format!("--in\r\n{part}")).concat() + "--in--\r\n";
    let parts = [
        leaf(
            "Content-Type: multipart/alternative; boundary=in",
            &alternative,
        ),
        leaf(
            "Content-Type: text/csv; name=\"list.csv\"\r\nContent-Disposition: attachment; filename=\"list.csv\"",
            "Name,Form\r\nOliver Whitcombe,7A",
        ),
        leaf(
            "Content-Type: message/rfc822",
            "Subject: Oliver Whitcombe\r\n\r\nOliver Whitcombe again",
        ),
    ];
    let parts = parts.map(|part| format!("--out\r\n{part}")).concat() + "--out--\r\n";
    format!(
        "X-Beadle-Trace: trust; 1\r\nDKIM-Signature: v=1; a=rsa-sha256;\r\n\td=trust.example; b=AAAA\r\nARC-Seal: i=1; a=rsa-sha256\r\n\
         ARC-Message-Signature: i=1; b=AA\r\nARC-Authentication-Results: i=1; none\r\nReceived: by trust.example\r\n\
         From: t@trust.example\r\nSubject: Oliver Whitcombe\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n\
         This is a message in MIME format.\r\n{parts}epilogue\r\n"
    )
    .into_bytes()
}

#[test]
fn both_alternatives_change_and_attachments_do_not() {
    let message = rich();
    let asked = turned(&message);
    let (gone, new) = difference(&message, &asked.proposal.message);
    assert_eq!(
        gone,
        [
            "DKIM-Signature: v=1; a=rsa-sha256;\r\n",
            "\td=trust.example; b=AAAA\r\n",
            "ARC-Seal: i=1; a=rsa-sha256\r\n",
            "ARC-Message-Signature: i=1; b=AA\r\n",
            "ARC-Authentication-Results: i=1; none\r\n",
            "About Oliver Whitcombe\r\n",
            "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n",
            "<p>About <b>Oliver</b> Whitcombe</p>\r\n",
        ]
    );
    assert_eq!(
        new[1..],
        [
            "Subject: O.W.\r\n",
            "About O.W.\r\n",
            "<p>About <b>O.W.</b></p>\r\n"
        ]
    );
    assert_eq!(asked.proposal.left, [Left::Message, Left::Calendar]);
    assert!(is_clean(&asked));
    let (old, new) = (parsed(&message), parsed(&asked.proposal.message));
    for (old, new) in old.parts.iter().zip(&new.parts) {
        if !matches!(old.media_type.as_str(), "text/plain" | "text/html") || old.parent == Some(0) {
            assert_eq!(old.bytes, new.bytes, "{}", old.media_type);
        }
    }
}

#[test]
fn what_is_signed_or_malformed_is_left() {
    let signed = part(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=s",
        "--s\r\nContent-Type: text/plain\r\n\r\nOliver Whitcombe\r\n--s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIB\r\n--s--\r\n",
    );
    assert_eq!(ask(&TOOLS, &signed).unwrap_err(), NoProposal::NoNames);
    let named = String::from_utf8(signed)
        .unwrap()
        .replace("Subject: Hello", "Subject: Oliver Whitcombe");
    let asked = turned(named.as_bytes());
    assert_eq!(asked.proposal.left, [Left::Signed]);
    assert!(
        !is_clean(&asked),
        "the signed part still names him, and the judgement says so"
    );
    let clear = letter(
        "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nOliver Whitcombe\r\n-----BEGIN PGP SIGNATURE-----\r\n",
    );
    assert_eq!(ask(&TOOLS, &clear).unwrap_err(), NoProposal::NoNames);
    let broken = part(
        "Content-Type: multipart/mixed; boundary=b",
        "--b\r\n\r\nOliver Whitcombe\r\n",
    );
    assert_eq!(ask(&TOOLS, &broken).unwrap_err(), NoProposal::Malformed);
    assert_eq!(
        ask(&TOOLS, &letter("Hello")).unwrap_err(),
        NoProposal::NoNames
    );
}

/// Every message of the corpus: subject and bodies name nobody any more, and files are what they were.
#[test]
fn the_corpus_in_initials() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/messages");
    let (mut turned, mut malformed) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let message = std::fs::read(&path).unwrap();
        let name = path.display();
        let asked = match ask(&TOOLS, &message) {
            Ok(asked) => asked,
            Err(NoProposal::NoNames) => continue,
            Err(error) => {
                assert_eq!(error, NoProposal::Malformed, "{name}");
                malformed += 1;
                continue;
            }
        };
        turned += 1;
        assert!(is_clean(&asked), "{name}");
        let (old, new) = (parsed(&message), parsed(&asked.proposal.message));
        assert_eq!(old.parts.len(), new.parts.len(), "{name}");
        for (old, new) in old.parts.iter().zip(&new.parts) {
            let text = old.role == mime::Role::Body
                && old
                    .parent
                    .is_none_or(|up| parsed(&message).parts[up].role != mime::Role::Message);
            assert!(text || old.bytes == new.bytes, "{name}");
        }
    }
    // 2026-11-28: 159 of 465 messages name somebody there, and 4 more are built to be read differently.
    assert!(turned >= 150 && malformed <= 6, "{turned} {malformed}");
}

#[test]
fn a_text_too_long_to_rewrite_is_said() {
    let long = "A quiet line of the minutes.\r\n".repeat(150_000);
    let message = letter(&format!("Oliver Whitcombe\r\n{long}"));
    assert_eq!(ask(&TOOLS, &message).unwrap_err(), NoProposal::NoNames);
    let named = String::from_utf8(message)
        .unwrap()
        .replace("Subject: Trip", "Subject: Oliver Whitcombe");
    let asked = turned(named.as_bytes());
    assert_eq!(asked.proposal.left, [Left::Coding]);
    assert!(!is_clean(&asked));
}

#[test]
fn many_names_on_one_line_take_no_longer_than_they_should() {
    let line = "Oliver Whitcombe, Amelia Hartley-Jones; ".repeat(6_000);
    let asked = turned(&letter(&line));
    assert_eq!(asked.proposal.altered[0].names, 12_000);
    assert!(is_clean(&asked));
}
