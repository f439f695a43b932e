//! The server session from outside: dialogues, look-alikes of the end of DATA, every split of the input, and another
//! parser's opinion.
//!
//! Dialogues are in `tests/smtp/*.txt`: `C:` is a line of the client (`\n`, `\r`, `\0` and `\\` as in Rust; `\c` at the end
//! leaves out the CRLF), `X: n m` is n letters x and m line ends, `S:` a line of the server, `E:` an event. Lines of the client that
//! follow each other are one read.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::fmt::Write;
use std::path::Path;

use beadle::smtp::command::Command;
use beadle::smtp::data::{DataReceiver, LineEnds, Piece};
use beadle::smtp::extension::Offered;
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::smtp::server::{Event, Session, Settings};
use proptest::prelude::*;

/// A session with its shell: collects what is said and what happens.
struct Shell {
    session: Session,
    unused: Vec<u8>,
    body: Vec<u8>,
    replies: Vec<String>,
    events: Vec<String>,
    secured: bool,
}

impl Shell {
    fn new(line_ends: LineEnds) -> Self {
        let mut session = Session::new(Settings {
            hostname: "gate.trust.example".into(),
            recipients: 3,
            ..Settings::default()
        });
        session.set_line_ends(line_ends);
        session.banner();
        Self {
            session,
            unused: Vec::new(),
            body: Vec::new(),
            replies: Vec::new(),
            events: Vec::new(),
            secured: false,
        }
    }

    /// One read.
    fn read(&mut self, octets: &[u8]) {
        self.unused.extend_from_slice(octets);
        let input = std::mem::take(&mut self.unused);
        let mut used = 0;
        loop {
            let (taken, event) = self.session.poll(&input[used..]);
            used += taken;
            let Some(event) = event else { break };
            self.happened(event);
        }
        self.unused = input[used..].to_vec();
        assert!(self.unused.len() <= 4096, "the session leaves too much");
        let output = std::mem::take(self.session.output());
        let output = String::from_utf8(output).unwrap();
        self.replies
            .extend(output.split_terminator("\r\n").map(str::to_owned));
    }

    fn happened(&mut self, event: Event<'_>) {
        let say = |code, enhanced, text: &str| Reply::new(code, enhanced, text);
        match event {
            Event::Hello => self.session.greet(Offered {
                size: 1000,
                starttls: !self.secured,
                dsn: true,
                smtputf8: true,
                xforward: true,
                recipients: 3,
            }),
            Event::Mail { .. } => self
                .session
                .answer(&say(250, EnhancedCode(2, 1, 0), "mail")),
            Event::Rcpt(path) if path.raw().contains("refused") => {
                self.session
                    .answer(&say(550, EnhancedCode(5, 1, 1), "refused"));
            }
            Event::Rcpt(_) => self
                .session
                .answer(&say(250, EnhancedCode(2, 1, 5), "rcpt")),
            Event::Body => self.body.clear(),
            Event::Data(octets) => self.body.extend_from_slice(octets),
            Event::Discarded => {
                self.body.clear();
                self.events.push("discarded".into());
            }
            Event::Complete(envelope) => {
                let mut text = format!(
                    "complete {} [{}]",
                    envelope.mail_from.raw(),
                    envelope.mail_params
                );
                for rcpt in &envelope.rcpts {
                    write!(text, " {} [{}]", rcpt.path.raw(), rcpt.params).unwrap();
                }
                write!(text, " {:?}", String::from_utf8_lossy(&self.body)).unwrap();
                if let Some(xforward) = self.session.xforward() {
                    write!(text, " xforward {xforward}").unwrap();
                }
                self.events.push(text);
                self.session
                    .answer(&say(250, EnhancedCode(2, 0, 0), "complete"));
            }
            Event::StartTls => {
                self.events.push("starttls".into());
                self.secured = true;
                self.session.secured();
            }
            Event::Close => self.events.push("close".into()),
        }
    }
}

#[derive(Default)]
struct Turn {
    input: Vec<u8>,
    replies: Vec<String>,
    events: Vec<String>,
}

fn turns(text: &str) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let mut answered = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_at(2);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if matches!(kind, "C:" | "X:") && answered {
            turns.push(Turn::default());
        }
        answered = matches!(kind, "S:" | "E:");
        let turn = turns.last_mut().unwrap();
        match kind {
            "C:" => turn.input.extend(unescape(rest)),
            "X:" => {
                let (letters, ends) = rest.split_once(' ').unwrap();
                turn.input.extend(vec![b'x'; letters.parse().unwrap()]);
                turn.input.extend(b"\r\n".repeat(ends.parse().unwrap()));
            }
            "S:" => turn.replies.push(rest.to_owned()),
            "E:" => turn.events.push(rest.to_owned()),
            other => panic!("no such line: {other}"),
        }
    }
    turns
}

fn unescape(line: &str) -> Vec<u8> {
    let (line, end) = match line.strip_suffix("\\c") {
        Some(line) => (line, &b""[..]),
        None => (line, &b"\r\n"[..]),
    };
    let text = line
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\0", "\0")
        .replace("\\\\", "\\");
    [text.as_bytes(), end].concat()
}

#[test]
fn dialogues_go_as_written_for_every_size_of_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let turns = turns(&std::fs::read_to_string(&path).unwrap());
        count += 1;
        // These two are about what is in the same read.
        let sizes = match name.as_str() {
            "early.txt" | "starttls.txt" => vec![usize::MAX],
            _ => vec![usize::MAX, 1, 2, 7],
        };
        for size in sizes {
            let mut shell = Shell::new(LineEnds::Refuse);
            for (number, turn) in turns.iter().enumerate() {
                if turn.input.is_empty() {
                    shell.read(b"");
                }
                for part in turn.input.chunks(size) {
                    shell.read(part);
                }
                let at = format!("{name} turn {number} reads of {size}");
                assert_eq!(std::mem::take(&mut shell.replies), turn.replies, "{at}");
                assert_eq!(std::mem::take(&mut shell.events), turn.events, "{at}");
            }
        }
    }
    assert!(count >= 9, "dialogues are missing");
}

const OPENING: &[u8] = b"MAIL FROM:<a@trust.example>\r\nRCPT TO:<b@c.example>\r\n";

fn opened(line_ends: LineEnds, last: &[u8]) -> Shell {
    let mut shell = Shell::new(line_ends);
    shell.read(b"HELO client.example\r\n");
    shell.read(&[OPENING, last].concat());
    shell.replies.clear();
    shell
}

/// Each stands between `a` and a second message; whoever takes one for the end of DATA has two messages.
const LOOK_ALIKES: &[&[u8]] = &[
    b"\n.\n",
    b"\n.\r\n",
    b"\n.\r",
    b"\r.\r",
    b"\r.\n",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r\n.\r\r\n",
    b"\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\0\n",
    b"\0\n.\r\n",
    b"\r\n .\r\n",
    b"\r\n. \r\n",
    b"\r\n.\x0b\r\n",
    b"\x85.\x85",
    b"\r\n\x85.\r\n",
    b"\n\n.\n\n",
    b"\r\n\n.\r\n",
];

#[test]
fn look_alikes_never_end_data_and_bare_line_ends_are_refused() {
    for look_alike in LOOK_ALIKES {
        let smuggled = b"MAIL FROM:<x@trust.example>\r\nRCPT TO:<y@c.example>\r\nDATA\r\n";
        let input = [b"a", *look_alike, smuggled, b"b\r\n.\r\n"].concat();
        let strays = {
            let text = [b"a", *look_alike, b"M"].concat();
            (0..text.len()).any(|at| match text[at] {
                b'\r' => text.get(at + 1) != Some(&b'\n'),
                b'\n' => at == 0 || text[at - 1] != b'\r',
                _ => false,
            })
        };
        for split in 0..=input.len() {
            let mut shell = opened(LineEnds::Refuse, b"DATA\r\n");
            shell.read(&input[..split]);
            shell.read(&input[split..]);
            let at = format!("{look_alike:?} at {split}");
            if strays {
                assert_eq!(shell.events, ["discarded"], "{at}");
                assert_eq!(shell.replies.len(), 1, "{at}");
                assert!(shell.replies[0].starts_with("554 5.6.0 "), "{at}");
            } else {
                assert_eq!(shell.events.len(), 1, "{at}");
                assert!(
                    shell.events[0].starts_with("complete <a@trust.example>"),
                    "{at}"
                );
                assert_eq!(shell.replies, ["250 2.0.0 complete"], "{at}");
            }
            let mut shell = opened(LineEnds::Normalise, b"DATA\r\n");
            shell.read(&input[..split]);
            shell.read(&input[split..]);
            assert_eq!(shell.events.len(), 1, "{at}");
            assert!(
                shell.events[0].starts_with("complete <a@trust.example>"),
                "{at}"
            );
            let rest = shell.body.replace_crlf();
            assert!(!rest.contains(&b'\r') && !rest.contains(&b'\n'), "{at}");
        }
    }
}

trait ReplaceCrlf {
    fn replace_crlf(&self) -> Vec<u8>;
}

impl ReplaceCrlf for Vec<u8> {
    /// Takes every CRLF out.
    fn replace_crlf(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut at = 0;
        while at < self.len() {
            if self[at..].starts_with(b"\r\n") {
                at += 2;
            } else {
                rest.push(self[at]);
                at += 1;
            }
        }
        rest
    }
}

#[test]
fn look_alikes_are_just_octets_in_chunks() {
    for look_alike in LOOK_ALIKES {
        let message = [b"a", *look_alike, b"QUIT\r\n.\r\nRSET\r\n"].concat();
        let (one, two) = message.split_at(message.len() / 2);
        let input = [
            format!("BDAT {}\r\n", one.len()).as_bytes(),
            one,
            format!("BDAT {} LAST\r\n", two.len()).as_bytes(),
            two,
            b"NOOP\r\n",
        ]
        .concat();
        for split in 0..=input.len() {
            let mut shell = opened(LineEnds::Refuse, b"");
            shell.read(&input[..split]);
            shell.read(&input[split..]);
            assert_eq!(shell.body, message, "{look_alike:?} at {split}");
            assert_eq!(shell.events.len(), 1, "{look_alike:?} at {split}");
            assert_eq!(shell.replies[1..], ["250 2.0.0 complete", "250 2.0.0 ok"]);
        }
    }
}

#[test]
fn long_and_lf_only_lines_are_errors_and_the_next_line_counts() {
    let long = |letters: usize| [b"NOOP ", vec![b'x'; letters].as_slice(), b"\r\n"].concat();
    for (input, reply) in [
        (long(4096 - 7), "250 2.0.0 ok"),
        (long(4096 - 6), "500 5.5.6 line too long"),
        (long(100_000), "500 5.5.6 line too long"),
        (b"NOOP\n".to_vec(), "500 5.5.2 lines must end in CR LF"),
        (
            b"NOOP\rNOOP\r\n".to_vec(),
            "500 5.5.2 characters that are not allowed",
        ),
    ] {
        for size in [1, 1000, usize::MAX] {
            let mut shell = Shell::new(LineEnds::Refuse);
            for part in [&input[..], b"QUIT\r\n"].concat().chunks(size) {
                shell.read(part);
            }
            assert_eq!(shell.replies[1..], [reply, "221 2.0.0 closing connection"]);
        }
    }
}

#[test]
fn commands_without_mail_do_not_go_on_for_ever() {
    let mut shell = Shell::new(LineEnds::Refuse);
    shell.read(&b"NOOP\r\n".repeat(100));
    assert_eq!(shell.replies.len(), 1 + 21 + 1);
    assert!(shell.replies[22].starts_with("421 4.7.0 "));
    assert_eq!(shell.events, ["close"]);
}

/// Input in turns: within a turn any split must make no difference.
fn any_turns() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let commands = prop::sample::select(vec![
        &b"MAIL FROM:<a@trust.example>\r\n"[..],
        b"MAIL FROM:<> SIZE=10\r\n",
        b"RCPT TO:<b@c.example>\r\n",
        b"RCPT TO:<refused@c.example> NOTIFY=NEVER\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"NOOP\n",
        b"VRFY x\r\n",
        b"XFORWARD NAME=a\r\n",
        b"nonsense\r\n",
        b"BDAT 3\r\na\r\n",
        b"BDAT 4 LAST\r\n\r\n.\n",
        b"BDAT 990\r\n",
        b"BDAT 0 LAST\r\n",
    ]);
    let octets = prop::collection::vec(prop::sample::select(b"\r\n\r\n..a\0".to_vec()), 0..24);
    let item = prop_oneof![
        6 => commands.prop_map(<[u8]>::to_vec),
        1 => octets.clone(),
        1 => (4000..5000usize).prop_map(|n| [&vec![b'x'; n][..], b"\r\n"].concat()),
    ];
    let group = prop::collection::vec(item, 0..5).prop_map(|items| items.concat());
    let ends = prop::sample::select(vec![&b""[..], b"DATA\r\n", b"EHLO client.example\r\n"]);
    let turn = (group, ends, octets).prop_map(|(group, end, octets)| {
        let mut turns = vec![[&group[..], end].concat()];
        if end == b"DATA\r\n" {
            turns.push([&octets[..], b"\r\n.\r\n"].concat());
        }
        turns
    });
    prop::collection::vec(turn, 1..8).prop_map(|turns| {
        let mut all = vec![b"HELO client.example\r\n".to_vec()];
        all.extend(turns.concat());
        all
    })
}

/// DATA as RFC 5321 4.5.2 has it, octet by octet: the body, what it took of the input, and whether a bare CR or LF came.
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

fn receive(
    mut input: &[u8],
    sizes: &[usize],
    line_ends: LineEnds,
) -> (Vec<u8>, Option<usize>, bool) {
    let mut receiver = DataReceiver::new(line_ends);
    let (mut body, mut used) = (Vec::new(), 0);
    let mut sizes = sizes.iter().cycle();
    while !input.is_empty() {
        let (mut read, rest) = input.split_at((*sizes.next().unwrap()).min(input.len()));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn data_is_what_a_plain_reading_makes_of_it(
        octets in prop::collection::vec(prop::sample::select(b"\r\n\r\n\r\n..a".to_vec()), 0..40),
        sizes in prop::collection::vec(1usize..9, 1..6),
    ) {
        let (body, end, stray) = plainly(&octets);
        let found = receive(&octets, &sizes, LineEnds::Refuse);
        let normalised = receive(&octets, &sizes, LineEnds::Normalise);
        prop_assert_eq!(found.1, end);
        prop_assert_eq!(normalised.1, end);
        if end.is_some() {
            prop_assert_eq!(found.2, stray);
            if !stray {
                prop_assert_eq!(&found.0, &body);
                prop_assert_eq!(&normalised.0, &body);
            }
        }
        let rest = normalised.0.replace_crlf();
        prop_assert!(!rest.contains(&b'\r') && !rest.contains(&b'\n'));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn splits_make_no_difference(turns in any_turns(), sizes in prop::collection::vec(1usize..40, 1..20)) {
        let mut whole = Shell::new(LineEnds::Refuse);
        let mut split = Shell::new(LineEnds::Refuse);
        let mut sizes = sizes.iter().cycle();
        for turn in &turns {
            whole.read(turn);
            let mut rest = &turn[..];
            while !rest.is_empty() {
                let size = (*sizes.next().unwrap()).min(rest.len());
                split.read(&rest[..size]);
                rest = &rest[size..];
            }
            prop_assert_eq!(&whole.replies, &split.replies);
            prop_assert_eq!(&whole.events, &split.events);
        }
        prop_assert_eq!(&whole.body, &split.body);
    }

    #[test]
    fn arbitrary_octets_never_panic(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
        opened_before in any::<bool>(),
    ) {
        let mut shell = if opened_before {
            opened(LineEnds::Normalise, b"DATA\r\n")
        } else {
            Shell::new(LineEnds::Refuse)
        };
        for part in &parts {
            shell.read(part);
        }
    }

    #[test]
    fn commands_of_any_text_never_panic(line in "(MAIL FROM:|RCPT TO:|EHLO |BDAT |XFORWARD )?[ -~ü<>@\"\\\\]{0,60}") {
        let _ = Command::parse(line.as_bytes());
    }

    #[test]
    fn smtp_proto_reads_ordinary_commands_alike(
        local in "[a-z0-9][a-z0-9.+_-]{0,20}[a-z0-9]",
        domain in "[a-z]{1,10}\\.example",
        size in 0u32..1_000_000,
        last in any::<bool>(),
    ) {
        prop_assume!(!local.contains(".."));
        let address = format!("{local}@{domain}");
        let mail = format!("MAIL FROM:<{address}> SIZE={size} BODY=8BITMIME");
        let Ok(Command::Mail { path, .. }) = Command::parse(mail.as_bytes()) else {
            panic!("{mail}");
        };
        match foreign(&mail) {
            Some(smtp_proto::Request::Mail { from }) => {
                prop_assert_eq!(&from.address, path.address().unwrap().as_str());
                prop_assert_eq!(from.size, size as usize);
            }
            other => panic!("{other:?}"),
        }
        let rcpt = format!("rcpt to:<{address}>");
        let Ok(Command::Rcpt { path, .. }) = Command::parse(rcpt.as_bytes()) else {
            panic!("{rcpt}");
        };
        match foreign(&rcpt) {
            Some(smtp_proto::Request::Rcpt { to }) => {
                prop_assert_eq!(&to.address, path.address().unwrap().as_str());
            }
            other => panic!("{other:?}"),
        }
        let bdat = if last { format!("BDAT {size} LAST") } else { format!("BDAT {size}") };
        match foreign(&bdat) {
            Some(smtp_proto::Request::Bdat { chunk_size, is_last }) => {
                let size = chunk_size as u64;
                prop_assert_eq!(Command::parse(bdat.as_bytes()), Ok(Command::Bdat { size, last: is_last }));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn foreign(line: &str) -> Option<smtp_proto::Request<String>> {
    let line = format!("{line}\r\n");
    let mut octets = line.as_bytes().iter();
    smtp_proto::Request::parse(&mut octets)
        .ok()
        .map(smtp_proto::Request::into_owned)
}

#[test]
fn where_smtp_proto_and_we_differ_is_known() {
    // What it refuses and we take, because such mail exists.
    for line in [
        "RCPT TO:<a@[127.0.0.1]>",
        "RCPT TO:<a..b@c.example>",
        "MAIL FROM:<a@trust.example> XOORG=trust.example",
        "XFORWARD NAME=a",
    ] {
        assert!(foreign(line).is_none(), "{line}");
        assert!(Command::parse(line.as_bytes()).is_ok(), "{line}");
    }
    // What it takes and we refuse.
    assert!(foreign("DATA foo").is_some());
    assert!(Command::parse(b"DATA foo").is_err());
    // Where it loses what we keep.
    for (line, theirs, ours) in [
        ("RCPT TO:<Postmaster>", "", "<Postmaster>"),
        (
            "RCPT TO:<\"a@b\"@c.example>",
            "a@b@c.example",
            "<\"a@b\"@c.example>",
        ),
    ] {
        match foreign(line) {
            Some(smtp_proto::Request::Rcpt { to }) => assert_eq!(to.address, theirs),
            other => panic!("{other:?}"),
        }
        match Command::parse(line.as_bytes()) {
            Ok(Command::Rcpt { path, .. }) => assert_eq!(path.raw(), ours),
            other => panic!("{other:?}"),
        }
    }
}
