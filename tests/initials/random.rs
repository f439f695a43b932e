//! The promises on messages at random: no names, no proposal; names go and the rest stays; nothing stops it.

use std::sync::atomic::{AtomicU32, Ordering};

use beadle::quarantine::initials::NoProposal;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::whole::rich;
use crate::{TOOLS, ask, body, is_clean, part};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_a_stranger_sends_stops_it(at in 0..1400usize, cut in 0..200usize, bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        let mut message = rich();
        let at = at.min(message.len());
        let end = (at + cut).min(message.len());
        message.splice(at..end, bytes);
        if let Ok(asked) = ask(&TOOLS, &message) {
            prop_assert!(asked.proposal.message.len() < message.len() + 4096);
        }
    }

    #[test]
    fn without_names_there_is_nothing_to_send(pieces in pieces(false), html: bool) {
        let kind = if html { "html" } else { "plain" };
        let message = part(&format!("Content-Type: text/{kind}; charset=utf-8"), &pieces.concat());
        prop_assert!(matches!(ask(&TOOLS, &message), Err(NoProposal::NoNames | NoProposal::Malformed)));
    }
}

/// A message with names in a body of this coding, and a file behind it.
fn named(text: &str, coded: usize, html: bool) -> (Vec<u8>, usize) {
    use base64::Engine as _;
    let body_text = match coded {
        0 => text.to_owned(),
        1 => base64::engine::general_purpose::STANDARD.encode(text),
        _ => text
            .as_bytes()
            .chunks(20)
            .map(|bytes| {
                bytes
                    .iter()
                    .fold(String::new(), |line, byte| line + &format!("={byte:02X}"))
            })
            .collect::<Vec<_>>()
            .join("=\r\n"),
    };
    let kind = if html { "html" } else { "plain" };
    let encoding = ["8bit", "base64", "quoted-printable"][coded];
    let message = part(
        "Content-Type: multipart/mixed; boundary=b",
        &format!(
            "--b\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body_text}\r\n{FILE}"
        ),
    );
    let head = memchr::memmem::find(&message, encoding.as_bytes()).unwrap();
    (message, head)
}

const FILE: &str =
    "--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\nName\r\nOliver Whitcombe\r\n--b--\r\n";

#[test]
fn names_go_and_the_rest_stays() {
    const CASES: u32 = 96;
    let turned = AtomicU32::new(0);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
    let all = runner.run(
        &(pieces(true), 0..3usize, any::<bool>()),
        |(pieces, coded, html)| {
            let text = pieces.concat();
            let (message, head) = named(&text, coded, html);
            let asked = match ask(&TOOLS, &message) {
                Ok(asked) => asked,
                // Signs around every name can keep all of them from being names.
                Err(error) => {
                    prop_assert_eq!(error, NoProposal::NoNames);
                    return Ok(());
                }
            };
            turned.fetch_add(1, Ordering::Relaxed);
            let new = &asked.proposal.message;
            prop_assert!(is_clean(&asked), "{:?} {:?}", text, body(new, 0));
            prop_assert!(new.ends_with(FILE.as_bytes()));
            let start = new.iter().position(|b| *b == b'\n').unwrap() + 1;
            prop_assert_eq!(&new[start..start + head], &message[..head]);
            let again = ask(&TOOLS, new);
            prop_assert!(
                matches!(again, Err(NoProposal::NoNames)),
                "{:?}",
                again.map(|asked| asked.proposal)
            );
            Ok(())
        },
    );
    all.unwrap();
    let turned = turned.into_inner();
    assert!(
        turned * 10 >= CASES * 9,
        "only {turned} of {CASES} messages had a name to turn"
    );
}
