//! Subjects, charsets, transfer encodings, flowed text and pages: how a changed text is written.

use base64::Engine as _;

use crate::{body, is_clean, parsed, part, said, subject, turned};

#[test]
fn encoded_subjects_are_written_again() {
    for (field, expected) in [
        ("Subject: Oliver Whitcombe", "O.W."),
        (
            "subject: Re: Oliver\r\n Whitcombe and the trip",
            "Re: O.W. and the trip",
        ),
        (
            "Subject: =?utf-8?B?Wm/DqyBhbmQgT2xpdmVyIFdoaXRjb21iZQ==?=",
            "Zo\u{eb} and O.W.",
        ),
        (
            "Subject: =?iso-8859-1?Q?J=FCrgen_M=FCller?= is ill",
            "J.M. is ill",
        ),
        (
            "Subject: =?utf-8?Q?Siobh=C3=A1n?= =?utf-8?Q?_O=27Connell?=",
            "S.O.",
        ),
    ] {
        let message = format!(
            "From: t@trust.example\r\n{field}\r\nThread-Topic: Oliver Whitcombe\r\n\r\nHello\r\n"
        );
        let asked = turned(message.as_bytes());
        let new = &asked.proposal.message;
        assert_eq!(subject(new), expected);
        assert_eq!(
            parsed(new).headers.decoded("Thread-Topic").as_deref(),
            Some("O.W.")
        );
        assert!(new.is_ascii() && is_clean(&asked), "{field}");
        assert!(new.split(|b| *b == b'\n').all(|line| line.len() <= 100));
    }
}

#[test]
fn transfer_encodings_are_kept() {
    let said = "Good morning Zo\u{eb},\r\n\r\nthis is about Oliver Whitcombe, who has asthma and a long sentence after it, so that lines break.\r\n";
    let coded = base64::engine::general_purpose::STANDARD.encode(said);
    let coded: Vec<&str> = coded
        .as_bytes()
        .chunks(76)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect();
    let after = said
        .replace("Oliver Whitcombe", "O.W.")
        .replace("\r\n", "\n");
    for (headers, body_text) in [
        ("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", coded.join("\r\n") + "\r\n\r\n"),
        (
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
            "Good morning Zo=C3=AB,\r\n\r\nthis is about Oli=\r\nver Whit=\r\ncombe, who has asthma and a long sentence after it, so =\r\nthat lines break.\r\n".to_owned(),
        ),
        ("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", said.to_owned()),
    ] {
        let message = part(headers, &body_text);
        let asked = turned(&message);
        let new = &asked.proposal.message;
        assert_eq!(body(new, 0), after, "{headers}");
        assert!(is_clean(&asked));
        let text = String::from_utf8(new.clone()).unwrap();
        assert!(text.contains(&format!("MIME-Version: 1.0\r\n{headers}\r\n\r\n")), "{text}");
        assert!(text.lines().all(|line| line.len() <= 998));
    }
}

#[test]
fn charsets_are_kept_where_they_can_carry_the_text() {
    let mut message = part(
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit",
        "",
    );
    message.extend_from_slice(b"Oliver Whitcombe met Zo\xeb. \xc9lodie too.\r\n");
    let asked = turned(&message);
    assert!(
        asked
            .proposal
            .message
            .ends_with(b"O.W. met Zo\xeb. \xc9lodie too.\r\n")
    );
    // A label that the bytes contradict: what was read is written, in UTF-8.
    let mut message = part(
        "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit",
        "",
    );
    message.extend_from_slice(b"Oliver Whitcombe met Zo\xeb Applegate in the library.\r\n");
    let asked = turned(&message);
    assert_eq!(
        body(&asked.proposal.message, 0),
        "O.W. met Zo\u{eb} Applegate in the library.\n"
    );
    // UTF-16 in base64, which no encoder writes.
    let wide: Vec<u8> = "Oliver Whitcombe met Zo\u{eb}.\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wide = base64::engine::general_purpose::STANDARD.encode(wide);
    let message = part(
        "Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64",
        &wide,
    );
    let asked = turned(&message);
    assert_eq!(body(&asked.proposal.message, 0), "O.W. met Zo\u{eb}.\n");
}

#[test]
fn flowed_text_stays_flowed() {
    let headers = "Content-Type: text/plain; charset=us-ascii; format=flowed";
    let message = part(
        headers,
        "We talked about Oliver \r\nWhitcombe, who has \r\nasthma.\r\n> Oliver \r\n> Whitcombe is ill\r\n",
    );
    let asked = turned(&message);
    let text = String::from_utf8(asked.proposal.message.clone()).unwrap();
    assert!(
        text.ends_with(
            "\r\n\r\nWe talked about \r\nO.W., who has \r\nasthma.\r\n> O.W. is ill\r\n"
        ),
        "{text}"
    );
    assert!(is_clean(&asked));
    let delsp = part(
        "Content-Type: text/plain; format=flowed; delsp=yes",
        "We talked about Oliver Whit \r\ncombe, who has asthma.\r\n",
    );
    let asked = turned(&delsp);
    assert!(is_clean(&asked), "{}", body(&asked.proposal.message, 0));
}

#[test]
fn a_forwarded_quote_is_changed_too() {
    let text = said(
        "See below.\r\n\r\n-----Original Message-----\r\nFrom: Kim Lees\r\nSubject: Oliver Whitcombe\r\n\r\n> > Oliver Whitcombe has asthma\r\n> and so has Whitcombe, Oliver",
    );
    assert!(
        text.contains("Subject: O.W.\n") && text.contains("> > O.W. has asthma"),
        "{text}"
    );
}

fn page(html: &str) -> String {
    let message = part(
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
        html,
    );
    let asked = turned(&message);
    assert!(
        is_clean(&asked),
        "{html}: {:?}",
        asked.judgement.findings.list
    );
    body(&asked.proposal.message, 0)
}

#[test]
fn pages_keep_their_markup() {
    for (before, after) in [
        (
            "<p>About <b>Oliver</b> Whitcombe.</p>",
            "<p>About <b>O.W</b>.</p>",
        ),
        (
            "<p>About Oliver&nbsp;Whitcombe, <i>who</i></p>",
            "<p>About O.W., <i>who</i></p>",
        ),
        (
            "<p>About Oli<span>ver</span> <u>Whit</u>combe, who</p>",
            "<p>About O.W.<span></span><u></u>, who</p>",
        ),
        (
            "<p>About J&uuml;rgen M&#252;ller, who</p>",
            "<p>About J.M., who</p>",
        ),
        (
            "<img alt=\"Oliver Whitcombe\" title='Oliver Whitcombe at play'><p>x",
            "<img alt=\"O.W.\" title='O.W. at play'><p>x",
        ),
        (
            "<a href=\"mailto:oliver.whitcombe@pupils.example\">Oliver Whitcombe</a>",
            "<a href=\"mailto:O.W.@pupils.example\">O.W.</a>",
        ),
        (
            "<div style='display:none'>Oliver Whitcombe is ill</div><!-- Oliver Whitcombe --><p>x",
            "<div style='display:none'>O.W. is ill</div><!-- O.W. --><p>x",
        ),
        (
            "<table><tr><th>Surname</th><th>Forename</th><th>Form</th></tr><tr><td>Whitcombe</td><td>Oliver</td><td>7A</td></tr></table>",
            "<table><tr><th>Surname</th><th>Forename</th><th>Form</th></tr><tr><td>W.</td><td>O.</td><td>7A</td></tr></table>",
        ),
        (
            "<table><tr><th>Name</th><th>Form</th></tr><tr><td>Oliver Whitcombe</td><td>7A</td></tr><tr><td>Amelia Hartley-Jones</td><td>8C</td></tr></table>",
            "<table><tr><th>Name</th><th>Form</th></tr><tr><td>O.W.</td><td>7A</td></tr><tr><td>A.H-J.</td><td>8C</td></tr></table>",
        ),
    ] {
        assert_eq!(page(before), after);
    }
}

#[test]
fn messages_with_bare_line_ends_keep_them() {
    for (headers, text) in [
        ("X: y", "Oliver Whitcombe met Zoe.\nBye\n"),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            "Oli=\nver Whitcombe met Zo=C3=AB.\nBye\n",
        ),
    ] {
        let message =
            format!("From: t@trust.example\nSubject: Oliver Whitcombe\n{headers}\n\n{text}");
        let asked = turned(message.as_bytes());
        let new = String::from_utf8(asked.proposal.message.clone()).unwrap();
        assert!(!new.contains('\r'), "{new:?}");
        assert!(
            new.contains("\nSubject: O.W.\n") && new.contains("O.W. met Zo"),
            "{new}"
        );
        assert!(is_clean(&asked));
    }
}

#[test]
fn what_no_header_announces_is_announced_only_when_it_changes() {
    let undeclared = part("X: y", "Oliver Whitcombe met Zo\u{eb}.\r\n");
    let asked = turned(&undeclared);
    let new = String::from_utf8(asked.proposal.message).unwrap();
    assert!(new.ends_with("X: y\r\n\r\nO.W. met Zo\u{eb}.\r\n"), "{new}");
    let mut latin = part("X: y", "");
    latin.extend_from_slice(b"Oliver Whitcombe met Zo\xeb Applegate in the library.\r\n");
    let asked = turned(&latin);
    let new = String::from_utf8(asked.proposal.message).unwrap();
    assert!(
        new.contains("X: y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"),
        "{new}"
    );
    assert_eq!(
        body(new.as_bytes(), 0),
        "O.W. met Zo\u{eb} Applegate in the library.\n"
    );
}

#[test]
fn a_page_says_letters_that_its_charset_has_not() {
    let mut message = part(
        "Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit",
        "",
    );
    message.extend_from_slice(b"<p>caf\xe9: &#321;&oacute;j &#272;or\xf0e &#321;ukasz Micha&#322; &#321;ukaszewicz</p>\r\n");
    let text = String::from_utf8_lossy(&message).into_owned();
    if let Ok(asked) = crate::ask(&crate::TOOLS, &message) {
        assert!(is_clean(&asked), "{text}");
        assert!(
            asked
                .proposal
                .message
                .windows(4)
                .any(|bytes| bytes == b"caf\xe9")
        );
    } else {
        panic!("Micha\u{142} \u{141}ukaszewicz is on the roster: {text}");
    }
}
