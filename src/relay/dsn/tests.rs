//! Golden and parse-back tests of delivery status notifications.

use std::time::Duration;

use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::mail::{ForwardPath, ReversePath};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn envelope(mail_params: &str, rcpts: &[(&str, &str)]) -> Envelope {
    Envelope {
        mail_from: ReversePath::of(Address::parse("teacher@school.example").unwrap()),
        mail_params: mail_params.to_owned(),
        rcpts: rcpts
            .iter()
            .map(|(address, params)| Recipient {
                path: ForwardPath::of(Address::parse(address).unwrap()),
                params: (*params).to_owned(),
            })
            .collect(),
    }
}

fn report<'a>(
    kind: Kind,
    envelope: &'a Envelope,
    message: &'a [u8],
    recipients: &'a [(usize, Reply)],
) -> Report<'a> {
    Report {
        reporting_mta: "relay.trust.example",
        kind,
        id: QueueId::from_random([5; 10]),
        envelope,
        message,
        arrived: at(0),
        last_attempt: at(60),
        now: at(61),
        remote_mta: Some("mx.out.example"),
        recipients,
    }
}

fn gone() -> Reply {
    Reply {
        code: 550,
        enhanced: Some(EnhancedCode(5, 1, 1)),
        lines: vec!["no such user".into(), "see https://out.example".into()],
    }
}

const MESSAGE: &[u8] = b"Subject: trip\r\nTo: x@out.example\r\n\r\nsecret body\r\n";

#[test]
fn a_failure_exactly() {
    let envelope = envelope(
        "RET=HDRS ENVID=QQ+2B314159",
        &[(
            "x@out.example",
            "NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@c.example",
        )],
    );
    let recipients = [(0, gone())];
    let (to, message) = report(Kind::Failed, &envelope, MESSAGE, &recipients)
        .compose()
        .unwrap();
    assert!(to.mail_from.address().is_none());
    assert_eq!(to.rcpts[0].path.raw(), "<teacher@school.example>");
    let expected = "\
From: Mail Delivery System <MAILER-DAEMON@relay.trust.example>
To: teacher@school.example
Subject: Undelivered mail returned to sender
Date: Fri, 15 Jan 2027 08:01:01 +0000
Message-ID: <0M2GA1850M2GA185.failed@relay.trust.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"=_beadle_0M2GA1850M2GA185\"

--=_beadle_0M2GA1850M2GA185
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

Your message could not be delivered to the recipients below.
It will not be tried again.

x@out.example
    no such user
    see https://out.example

--=_beadle_0M2GA1850M2GA185
Content-Type: message/delivery-status

Original-Envelope-Id: QQ+314159
Reporting-MTA: dns; relay.trust.example
Arrival-Date: Fri, 15 Jan 2027 08:00:00 +0000

Original-Recipient: rfc822; a+b@c.example
Final-Recipient: rfc822; x@out.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.out.example
Diagnostic-Code: smtp; 550 5.1.1 no such user
 see https://out.example
Last-Attempt-Date: Fri, 15 Jan 2027 08:01:00 +0000

--=_beadle_0M2GA1850M2GA185
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

Subject: trip
To: x@out.example

--=_beadle_0M2GA1850M2GA185--
"
    .replace('\n', "\r\n");
    assert_eq!(String::from_utf8(message.to_vec()).unwrap(), expected);
}

#[test]
fn a_delay_says_until_when_and_parses_back() {
    let envelope = envelope("", &[("x@out.example", "")]);
    let later = Reply::plain(450, "greylisted, come back");
    let recipients = [(0, later)];
    let (_, message) = report(
        Kind::Delayed { until: at(172_800) },
        &envelope,
        MESSAGE,
        &recipients,
    )
    .compose()
    .unwrap();
    let parsed = MessageParser::default().parse(&message[..]).unwrap();
    let kind = parsed.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype(), kind.attribute("report-type")),
        ("multipart", Some("report"), Some("delivery-status"))
    );
    assert_eq!(parsed.parts.len(), 4);
    let fields = String::from_utf8_lossy(parsed.parts[2].contents()).into_owned();
    for line in [
        "Action: delayed",
        "Status: 4.0.0",
        "Will-Retry-Until: Sun, 17 Jan 2027 08:00:00 +0000",
        "Diagnostic-Code: smtp; 450 greylisted, come back",
    ] {
        assert!(fields.contains(line), "{line} in {fields}");
    }
}

#[test]
fn nobody_is_told_who_must_not_be() {
    let recipients = [(0, gone())];
    let mut null = envelope("", &[("x@out.example", "")]);
    null.mail_from = ReversePath::null();
    assert!(
        report(Kind::Failed, &null, MESSAGE, &recipients)
            .compose()
            .is_none()
    );
    let delayed = Kind::Delayed { until: at(9) };
    for (notify, failed, delay) in [
        ("", true, true),
        ("NOTIFY=NEVER", false, false),
        ("NOTIFY=SUCCESS", false, false),
        ("notify=failure,DELAY", true, true),
        ("NOTIFY=FAILURE", true, false),
        ("NOTIFY=DELAY", false, true),
    ] {
        let envelope = envelope("", &[("x@out.example", notify)]);
        let told = |kind| {
            report(kind, &envelope, MESSAGE, &recipients)
                .compose()
                .is_some()
        };
        assert_eq!(
            (told(Kind::Failed), told(delayed)),
            (failed, delay),
            "{notify}"
        );
    }
}

#[test]
fn content_goes_back_only_when_asked_for() {
    let recipients = [(0, gone())];
    let composed = |params: &str, message: &[u8]| {
        let envelope = envelope(params, &[("x@out.example", "")]);
        let (_, bytes) = report(Kind::Failed, &envelope, message, &recipients)
            .compose()
            .unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    assert!(!composed("", MESSAGE).contains("secret body"));
    assert!(!composed("RET=HDRS", MESSAGE).contains("secret body"));
    assert!(composed("RET=FULL", MESSAGE).contains("secret body"));
    let bare = [MESSAGE, b"x\ny"].concat();
    assert!(!composed("RET=FULL", &bare).contains("secret body"));
    let large = [MESSAGE, &vec![b'x'; MAX_RETURNED]].concat();
    assert!(!composed("RET=FULL", &large).contains("secret body"));
}

#[test]
fn line_ends_and_lengths_hold_for_hostile_input() {
    let envelope = envelope("", &[("x@out.example", "ORCPT=rfc822;a+0D+0AEvil:+20b")]);
    let mut reply = gone();
    reply.lines = vec!["x".repeat(4000), "y\u{fc}".into()];
    let recipients = [(0, reply), (7, gone())];
    let message = b"A: 1\nB: 2\rC: 3\n\nbody\n";
    let (_, bytes) = report(Kind::Failed, &envelope, message, &recipients)
        .compose()
        .unwrap();
    assert!(!has_bare_line_end(&bytes));
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(
        text.lines()
            .all(|line| line.len() <= 998 && !line.starts_with("Evil"))
    );
    assert!(text.contains("A: 1\r\nB: 2 C: 3\r\n") && !text.contains("body"));
}

#[test]
fn the_boundary_is_nowhere_in_the_parts() {
    let id = QueueId::from_random([5; 10]);
    let part = format!("--=_beadle_{id}--\r\n").into_bytes();
    assert_eq!(boundary(id, &[part]), format!("=_beadle_{id}_"));
}

#[test]
fn utf8_addresses_get_the_global_forms() {
    let envelope = envelope("SMTPUTF8", &[("jörg@bücher.example", "")]);
    let recipients = [(0, gone())];
    let (_, bytes) = report(Kind::Failed, &envelope, MESSAGE, &recipients)
        .compose()
        .unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for line in [
        "message/global-delivery-status",
        "message/global-headers",
        "Final-Recipient: utf-8; jörg@bücher.example",
    ] {
        assert!(text.contains(line), "{line}");
    }
}

#[test]
fn giving_up_after_deferrals_is_expiry() {
    let envelope = envelope("", &[("x@out.example", "")]);
    let recipients = [(0, Reply::new(451, EnhancedCode(4, 4, 1), "no answer"))];
    let (_, bytes) = report(Kind::Failed, &envelope, MESSAGE, &recipients)
        .compose()
        .unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("Status: 4.4.7\r\n") && text.contains("smtp; 451 4.4.1 no answer"));
}
