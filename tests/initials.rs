//! Messages with pupils' names turned into initials: what changes, what does not, and what policy says of the result.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::sync::{Arc, LazyLock};

use beadle::detect::{Catalogue, Category, Engine};
use beadle::extract::{InProcess, Place};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::mime;
use beadle::pipeline::initials::{Reconsidered, reconsider};
use beadle::pipeline::judge::{Case, Tools};
use beadle::policy::history::History;
use beadle::policy::{Action, ClientFacts, Policy};
use beadle::quarantine::initials::{CHANGED_HEADER, Left, NoProposal};
use beadle::roster::{Roster, RosterKind};
use proptest::prelude::*;

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

static TOOLS: LazyLock<Tools> = LazyLock::new(|| tools(ROSTER));

fn tools(roster: &[u8]) -> Tools {
    let (roster, _) = Roster::import(roster, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, [7; 16]).unwrap();
    let policy = Policy::embedded("standard").unwrap();
    let policy = policy.with_domains(&[Domain::parse("trust.example").unwrap()], &[]);
    Tools {
        engine: Arc::new(engine),
        policy: Arc::new(policy),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    }
}

fn ask(tools: &Tools, message: &[u8]) -> Result<Reconsidered, NoProposal> {
    let address = |text| Address::parse(text).unwrap();
    let envelope = Envelope::of(
        Some(address("teacher@trust.example")),
        [address("parent@home.example")],
    );
    let case = Case {
        envelope: &envelope,
        client: ClientFacts { own_server: true },
        message,
        now: jiff::civil::date(2026, 11, 28).at(10, 0, 0, 0),
        history: &History::default(),
    };
    reconsider(&case, QueueId::from_random([9; 10]), tools, &Arc::default())
}

fn turned(message: &[u8]) -> Reconsidered {
    ask(&TOOLS, message).unwrap()
}

fn parsed(message: &[u8]) -> mime::Message<'_> {
    mime::parse(message, &Budget::new(Arc::new(Limits::default())))
}

/// The decoded text of the body of this number among the leaves.
fn body(message: &[u8], number: usize) -> String {
    let message = parsed(message);
    let mut leaves = message.parts.iter().filter(|part| part.text.is_some());
    leaves.nth(number).unwrap().text.clone().unwrap()
}

fn subject(message: &[u8]) -> String {
    parsed(message).headers.decoded("Subject").unwrap()
}

/// No pupil's name is found in what is rewritten.
fn is_clean(asked: &Reconsidered) -> bool {
    asked.judgement.findings.list.iter().all(|finding| {
        finding.category != Category::PupilName
            || matches!(finding.location.place, Place::Attachment(_))
    })
}

/// Lines of the old message that are not in the new one, and the other way round.
fn difference<'a>(old: &'a [u8], new: &'a [u8]) -> (Vec<&'a str>, Vec<&'a str>) {
    let lines = |bytes: &'a [u8]| -> Vec<&'a str> {
        std::str::from_utf8(bytes)
            .unwrap()
            .split_inclusive('\n')
            .collect()
    };
    let (old, new) = (lines(old), lines(new));
    let only = |these: &[&'a str], those: &[&'a str]| -> Vec<&'a str> {
        these
            .iter()
            .copied()
            .filter(|line| !those.contains(line))
            .collect()
    };
    (only(&old, &new), only(&new, &old))
}

/// A plain letter in ASCII with this text.
fn letter(text: &str) -> Vec<u8> {
    format!(
        "From: Jo Marsden <teacher@trust.example>\r\nTo: parent@home.example\r\nSubject: Trip\r\n\
         Message-ID: <1@trust.example>\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

fn said(text: &str) -> String {
    let asked = turned(&letter(text));
    assert!(
        is_clean(&asked),
        "{text}: {:?}",
        body(&asked.proposal.message, 0)
    );
    body(&asked.proposal.message, 0).trim_end().to_owned()
}

#[test]
fn names_become_initials() {
    for (before, after) in [
        (
            "Could you ring about Oliver Whitcombe, please?",
            "Could you ring about O.W., please?",
        ),
        ("This is about Oliver Whitcombe.", "This is about O.W."),
        ("Whitcombe, Oliver is in 7A", "O.W. is in 7A"),
        ("Whitcombe, Oliver James is in 7A", "O.J.W. is in 7A"),
        ("OLIVER WHITCOMBE has asthma", "O.W. has asthma"),
        ("oliver whitcombe has asthma", "O.W. has asthma"),
        ("Oliver James Whitcombe has asthma", "O.J.W. has asthma"),
        ("Oliver (Ollie) Whitcombe has asthma", "O.W. has asthma"),
        ("Amelia Hartley-Jones has asthma", "A.H-J. has asthma"),
        ("Lotte van der Berg's coat", "L.v.d.B.'s coat"),
        ("Layla al-Rashid has asthma", "L.a-R. has asthma"),
        ("Mateo de la Cruz has asthma", "M.d.l.C. has asthma"),
        ("Rhea D'Souza has asthma", "R.D. has asthma"),
        ("Mary-Ann Ashcroft has asthma", "M-A.A. has asthma"),
        (
            "O l i v e r  W h i t c o m b e has asthma",
            "O.W. has asthma",
        ),
        ("OliverWhitcombe has asthma", "O.W. has asthma"),
        ("0liver Wh1tcombe has asthma", "O.W. has asthma"),
        (
            "Forename: Oliver\r\nSurname: Whitcombe",
            "Forename: O.\nSurname: W.",
        ),
        (
            "Write to oliver.whitcombe@pupils.example",
            "Write to O.W.@pupils.example",
        ),
        ("see Oliver_Whitcombe_report.docx", "see O.W._report.docx"),
    ] {
        assert_eq!(said(before), after);
    }
}

#[test]
fn a_name_over_two_lines_keeps_the_lines() {
    assert_eq!(
        said("We spoke about Oliver\r\nWhitcombe, who has asthma."),
        "We spoke about\nO.W., who has asthma."
    );
    assert_eq!(
        said("> We spoke about Oliver\r\n> Whitcombe, who has asthma."),
        "> We spoke about\n> O.W., who has asthma."
    );
}

#[test]
fn forenames_alone_go_where_they_are_certain() {
    assert_eq!(
        said("Oliver Whitcombe has asthma. Oliver's inhaler is here. Oliver Twist is a book."),
        "O.W. has asthma. O.W.'s inhaler is here. Oliver Twist is a book."
    );
    // An ordinary word, and a name that two of them have.
    assert_eq!(
        said("Will Young (Year 3) has asthma. Will you ring?"),
        "W.Y. (Year 3) has asthma. Will you ring?"
    );
}

#[test]
fn two_with_the_same_initials_stay_two() {
    let roster = b"Surname,Forename,UPN\nWhitcombe,Oliver,\nWrenshall,Octavia,\n";
    let tools = tools(roster);
    let message = letter(
        "Oliver Whitcombe and Octavia Wrenshall: Oliver Whitcombe has asthma. Octavia has not. Octavia Wrenshall.",
    );
    let asked = ask(&tools, &message).unwrap();
    assert_eq!(
        body(&asked.proposal.message, 0).trim_end(),
        "O.W. (1) and O.W. (2): O.W. (1) has asthma. O.W. (2) has not. O.W. (2)."
    );
}

#[test]
fn only_the_lines_with_names_change() {
    let message = letter(
        "Dear all,\r\n\r\nOliver Whitcombe has asthma.\r\nSee you at 7.\r\n\r\n-- \r\nJo Marsden",
    );
    let asked = turned(&message);
    let (gone, new) = difference(&message, &asked.proposal.message);
    assert_eq!(gone, ["Oliver Whitcombe has asthma.\r\n"]);
    assert_eq!(new.len(), 2);
    assert!(new[0].starts_with(&format!("{CHANGED_HEADER}: ")) && new[0].ends_with("\r\n"));
    assert_eq!(new[1], "O.W. has asthma.\r\n");
    assert!(asked.proposal.message.starts_with(new[0].as_bytes()));
    let altered = &asked.proposal.altered[0];
    assert_eq!((altered.place.as_str(), altered.names), ("text/plain", 1));
    assert_eq!(altered.initials, [("O.W.".to_owned(), 1)]);
    assert_eq!(
        (altered.lines[0].0.reveal(), altered.lines[0].1.reveal()),
        (
            "\u{2022}\u{2022}\u{2022}\u{2022} has asthma.",
            "O.W. has asthma."
        )
    );
    assert!(!format!("{:?}", asked.proposal.altered).contains("asthma"));
}

#[test]
fn the_result_is_judged_again() {
    let message =
        letter("Oliver Whitcombe (UPN Q999400119001) is in 7A. Oliver Whitcombe has asthma.");
    let asked = turned(&message);
    assert!(is_clean(&asked));
    // What is no name stays, and the proposal says so.
    assert!(body(&asked.proposal.message, 0).starts_with("O.W. (UPN Q999400119001)"));
    let kinds: Vec<Category> = asked
        .judgement
        .findings
        .list
        .iter()
        .map(|f| f.category)
        .collect();
    assert!(kinds.contains(&Category::PupilId), "{kinds:?}");
    assert!(asked.judgement.verdict.action > Action::Deliver);
    let passes = turned(&letter(
        "Could you move Oliver Whitcombe to the later bus, please?",
    ));
    assert_eq!(passes.judgement.verdict.action, Action::Deliver);
}

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

fn part(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "From: t@trust.example\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n{headers}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn transfer_encodings_are_kept() {
    use base64::Engine as _;
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
    use base64::Engine as _;
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

/// A letter with two bodies, a calendar, a signed text, a message and a file that all name a pupil.
fn rich() -> Vec<u8> {
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

#[test]
fn a_sender_of_the_same_forename_keeps_it() {
    let message = letter("Oliver Whitcombe has asthma. Oliver will ring you.\r\n\r\nOliver Dane");
    let message = String::from_utf8(message)
        .unwrap()
        .replace("Jo Marsden", "Oliver Dane");
    let asked = turned(message.as_bytes());
    assert_eq!(
        body(&asked.proposal.message, 0).trim_end(),
        "O.W. has asthma. Oliver will ring you.\n\nOliver Dane"
    );
}

/// Texts of pieces, with names among them or not.
fn pieces(named: bool) -> impl Strategy<Value = Vec<String>> {
    let plain = "[ -~\u{a0}-\u{ff}]{0,40}";
    let names = prop::sample::select(vec![
        "Oliver Whitcombe",
        "Whitcombe, Oliver",
        "Amelia Hartley-Jones",
        "Lotte van der Berg",
        "J\u{fc}rgen M\u{fc}ller",
        "Siobh\u{e1}n O'Connell",
    ]);
    let breaks = prop::sample::select(vec![" ", "\r\n", "\r\n\r\n", "\r\n> ", ", "]);
    let piece = (plain, names, breaks).prop_map(move |(plain, name, end)| {
        if named {
            format!("{plain}. {name} {end}")
        } else {
            format!("{plain}{end}")
        }
    });
    prop::collection::vec(piece, 1..8)
}

/// Every message of the corpus: where there is a proposal, subject and bodies name nobody any more, files are what they were, and
/// what is left says why.
#[test]
fn the_corpus_in_initials() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/messages");
    let mut counts: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let message = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = match ask(&TOOLS, &message) {
            Err(error) => error.to_string(),
            Ok(asked) => {
                let (old, new) = (parsed(&message), parsed(&asked.proposal.message));
                assert_eq!(old.parts.len(), new.parts.len(), "{name}");
                for (old, new) in old.parts.iter().zip(&new.parts) {
                    if old.role != mime::Role::Body {
                        assert_eq!(old.bytes, new.bytes, "{name}");
                    }
                }
                let still = asked.judgement.findings.list.iter().filter(|finding| {
                    finding.category == Category::PupilName
                        && !matches!(finding.location.place, Place::Attachment(_))
                });
                let still: Vec<String> = still
                    .map(|f| {
                        format!(
                            "{} {:?} {} {:?}",
                            f.text.reveal(),
                            f.view,
                            f.location,
                            asked.proposal.left
                        )
                    })
                    .collect();
                if still.is_empty() {
                    "clean".to_owned()
                } else {
                    format!("still: {still:?}")
                }
            }
        };
        counts.entry(outcome).or_default().push(name);
    }
    for (outcome, names) in &counts {
        println!(
            "{} {outcome} {}",
            names.len(),
            if names.len() < 40 {
                names.join(" ")
            } else {
                String::new()
            }
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn without_names_there_is_nothing_to_send(pieces in pieces(false), html: bool) {
        let kind = if html { "html" } else { "plain" };
        let message = part(&format!("Content-Type: text/{kind}; charset=utf-8"), &pieces.concat());
        prop_assert!(matches!(ask(&TOOLS, &message), Err(NoProposal::NoNames | NoProposal::Malformed)));
    }

    #[test]
    fn names_go_and_the_rest_stays(pieces in pieces(true), coded in 0..3usize, html: bool) {
        use base64::Engine as _;
        let text = pieces.concat();
        let body_text = match coded {
            0 => text.clone(),
            1 => base64::engine::general_purpose::STANDARD.encode(&text),
            _ => text.bytes().map(|b| format!("={b:02X}")).collect::<Vec<_>>().chunks(20).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n"),
        };
        let (kind, encoding) = (if html { "html" } else { "plain" }, ["8bit", "base64", "quoted-printable"][coded]);
        let file = "--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\nName\r\nOliver Whitcombe\r\n--b--\r\n";
        let message = part(
            "Content-Type: multipart/mixed; boundary=b",
            &format!("--b\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body_text}\r\n{file}"),
        );
        let asked = match ask(&TOOLS, &message) {
            Ok(asked) => asked,
            // Signs around every name can keep all of them from being names.
            Err(error) => { prop_assert_eq!(error, NoProposal::NoNames); return Ok(()); }
        };
        prop_assert!(is_clean(&asked), "{:?} {:?}", text, body(&asked.proposal.message, 0));
        let new = &asked.proposal.message;
        prop_assert!(new.ends_with(file.as_bytes()));
        let start = new.iter().position(|b| *b == b'\n').unwrap() + 1;
        let head = memchr::memmem::find(&message, encoding.as_bytes()).unwrap();
        prop_assert_eq!(&new[start..start + head], &message[..head]);
        let again = ask(&TOOLS, new);
        prop_assert!(matches!(again, Err(NoProposal::NoNames)), "{:?}", again.map(|asked| asked.proposal.altered));
    }
}
