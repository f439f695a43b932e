//! Real messages through the stages that judge, one for each point on which the profiles differ.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beadle::detect::{Catalogue, Category, Engine, Options, PeopleIndex};
use beadle::extract::InProcess;
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope};
use beadle::pipeline::judge::{Case, Tools, judge};
use beadle::policy::governance::ReviewAccess;
use beadle::policy::rule::Party;
use beadle::policy::{Action, ClientFacts, History, Policy, Verdict};
use beadle::roster::{Roster, RosterKind};
use zip::AesMode;
use zip::write::SimpleFileOptions;

const ROSTER: &[u8] = include_bytes!("../../patterns/sample/roster.csv");

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let people = PeopleIndex::build(&roster, &Roster::default(), Options::default(), [7; 16]);
    // As it runs under the profiles, which all speak of language.
    let engine = Engine::with_conduct(people, &catalogue, &Category::CONDUCT, [7; 16]).unwrap();
    Arc::new(engine)
});

/// A profile whose trust is `trust.example`, with members of classes and further secure partners.
fn profile(name: &str, members: &[(&str, &str)], partners: &[&str]) -> Policy {
    let domain = |text: &str| Domain::parse(text).unwrap();
    let partners: Vec<Domain> = partners.iter().map(|text| domain(text)).collect();
    let policy = Policy::embedded(name).unwrap();
    let mut policy = policy.with_domains(&[domain("trust.example")], &partners);
    for (class, member) in members {
        let index = policy.classes.position(class).unwrap();
        policy
            .classes
            .add_member(index, &Party::parse(member).unwrap());
    }
    policy
}

struct Mail<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    body: &'a str,
    file: Option<(&'a str, &'a str, Vec<u8>)>,
}

impl Mail<'_> {
    fn text(&self) -> String {
        let mut raw = format!(
            "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@trust.example>\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n",
            self.from, self.to, self.subject, self.body
        );
        if let Some((name, media, bytes)) = &self.file {
            write!(
                raw,
                "--b\r\nContent-Type: {media}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n"
            )
            .unwrap();
            if *media == "message/rfc822" {
                raw += "\r\n";
                raw += &String::from_utf8_lossy(bytes);
                raw += "\r\n";
            } else {
                raw += "Content-Transfer-Encoding: base64\r\n\r\n";
                for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
                    raw += std::str::from_utf8(line).unwrap();
                    raw += "\r\n";
                }
            }
        }
        raw + "--b--\r\n"
    }

    fn judged(&self, policy: Policy) -> Verdict {
        let address = |text: &str| Address::parse(text).unwrap();
        let envelope = Envelope::of(Some(address(self.from)), [address(self.to)]);
        let tools = Tools {
            engine: ENGINE.clone(),
            policy: Arc::new(policy),
            reader: Arc::new(InProcess),
            zone: jiff::tz::TimeZone::UTC,
        };
        let text = self.text();
        let case = Case {
            envelope: &envelope,
            client: ClientFacts { own_server: true },
            message: text.as_bytes(),
            now: jiff::civil::date(2026, 11, 23).at(10, 0, 0, 0),
            history: &History::default(),
        };
        let budget = Budget::new(Arc::new(Limits::default()));
        judge(&case, &tools, &budget).verdict
    }
}

fn mail<'a>(to: &'a str, subject: &'a str, body: &'a str) -> Mail<'a> {
    Mail {
        from: "office@trust.example",
        to,
        subject,
        body,
        file: None,
    }
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.hits.iter().map(|hit| &*hit.rule).collect()
}

fn waived(verdict: &Verdict) -> bool {
    !verdict.waived.is_empty()
}

/// An archive encrypted with AES whose password is not in the message.
fn locked() -> Vec<u8> {
    let options = SimpleFileOptions::default();
    let options = options.with_aes_encryption(AesMode::Aes256, "told by telephone, 4 words");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("plan.txt", options).unwrap();
    zip.write_all(b"Oliver Whitcombe, epilepsy").unwrap();
    zip.finish().unwrap().into_inner()
}

const NAMED: &str = "Oliver Whitcombe was not at school on Friday.";
const POLICE: (&str, &str) = ("police", "force.police.example");
const DESK: (&str, &str) = ("helpdesk", "desk@support.example");

#[test]
fn pol_s0_police_encrypted_ok() {
    // Verified TLS to a secure partner is the encryption.
    let policy = profile("st-albans", &[POLICE], &["force.police.example"]);
    let verdict = mail("pc@force.police.example", "Friday", NAMED).judged(policy);
    assert_eq!((verdict.action, waived(&verdict)), (Action::Deliver, true));
    let policy = profile("st-albans", &[POLICE], &["council.example"]);
    let verdict = mail("clerk@council.example", "Friday", NAMED).judged(policy);
    assert_eq!(rules(&verdict), ["disclosure"]);
}

#[test]
fn pol_s0_police_plain_hold() {
    let policy = profile("st-albans", &[POLICE], &[]);
    let verdict = mail("pc@force.police.example", "Friday", NAMED).judged(policy);
    assert_eq!(verdict.action, Action::Hold);
    assert_eq!(rules(&verdict), ["pupil-name", "urgent-disclosure"]);
    assert!(
        verdict
            .hits
            .iter()
            .any(|hit| hit.urgent && hit.escalate.is_some())
    );
    let policy = profile("st-albans", &[POLICE], &[]);
    let verdict = mail("someone@far.example", "Friday", NAMED).judged(policy);
    assert_eq!(rules(&verdict), ["pupil-name", "disclosure"]);
    assert!(!verdict.hits.iter().any(|hit| hit.urgent));
}

/// A phishing message as an attachment of a forward.
fn phishing(body: &str) -> Mail<'_> {
    let inner = "From: it@bank.example\r\nSubject: Verify your account\r\n\r\nDear user, your mailbox is full. Verify your account.";
    Mail {
        file: Some(("bad.eml", "message/rfc822", inner.as_bytes().to_vec())),
        ..mail("desk@support.example", "Fwd: Verify your account", body)
    }
}

#[test]
fn pol_s0_helpdesk_phish_ok() {
    let verdict = phishing(NAMED).judged(profile("st-albans", &[DESK], &[]));
    assert_eq!((verdict.action, waived(&verdict)), (Action::Deliver, true));
    let marks: Vec<&str> = verdict
        .tags()
        .flat_map(|tag| tag.headers.iter().map(|header| &*header.name))
        .collect();
    assert!(marks.contains(&"X-Beadle-Report"), "{marks:?}");
    // Without the class nobody is the helpdesk.
    let verdict = phishing(NAMED).judged(profile("st-albans", &[], &[]));
    assert_eq!(verdict.action, Action::Hold);
}

#[test]
fn pol_s3_helpdesk_phish_warn() {
    let verdict = phishing("Please have a look.").judged(profile("chancery", &[DESK], &[]));
    assert_eq!(verdict.action, Action::Warn);
    assert_eq!(rules(&verdict), ["suspect-forward"]);
    let verdict = phishing(NAMED).judged(profile("chancery", &[DESK], &[]));
    assert_eq!(verdict.action, Action::Hold);
    let harmless = mail(
        "desk@support.example",
        "Fwd: Printer",
        "It is out of toner.",
    );
    assert_eq!(
        harmless.judged(profile("chancery", &[DESK], &[])).action,
        Action::Deliver
    );
}

#[test]
fn pol_s1_subject_fullname() {
    for to in [
        "someone@far.example",
        "head@trust.example",
        "duty@council.example",
    ] {
        let policy = profile("one-it", &[], &["council.example"]);
        let verdict = mail(to, "Oliver Whitcombe", "He is away.").judged(policy);
        assert_eq!(verdict.action, Action::Refuse, "{to}");
        assert!(rules(&verdict).contains(&"subject-name"), "{to}");
    }
}

#[test]
fn pol_s1_initials_ok() {
    let policy = || profile("one-it", &[], &[]);
    let verdict = mail("someone@far.example", "O.W. (Y7)", "O.W. is away.").judged(policy());
    assert_eq!(verdict.action, Action::Deliver);
    assert!(verdict.hits.is_empty());
    let verdict = mail("head@trust.example", "Friday", NAMED).judged(policy());
    assert_eq!(verdict.action, Action::Warn);
    assert!(
        verdict.hits[0]
            .remedy
            .as_deref()
            .unwrap()
            .contains("initials")
    );
}

fn with_archive() -> Mail<'static> {
    Mail {
        file: Some(("plan.zip", "application/zip", locked())),
        ..mail("someone@far.example", "Plan", "The plan is attached.")
    }
}

#[test]
fn pol_s1_password_zip_ok() {
    let verdict = with_archive().judged(profile("one-it", &[], &[]));
    assert_eq!(verdict.action, Action::Deliver, "{:?}", rules(&verdict));
}

#[test]
fn pol_s0_password_zip_block() {
    for name in ["st-albans", "st-marys", "chancery", "southwell-nottingham"] {
        let verdict = with_archive().judged(profile(name, &[], &[]));
        assert_eq!(verdict.action, Action::Hold, "{name}");
        assert_eq!(rules(&verdict), ["unaccepted-protection"], "{name}");
    }
    let partner = Mail {
        to: "duty@council.example",
        ..with_archive()
    };
    let verdict = partner.judged(profile("st-albans", &[], &["council.example"]));
    assert_eq!(verdict.action, Action::Deliver);
}

#[test]
fn pol_s4_sortcode_encrypted_still_block() {
    let body = "Please refund it to sort code 00-62-64, account number 46642060.";
    for to in [
        "duty@council.example",
        "finance@trust.example",
        "shop@far.example",
    ] {
        let sent = Mail {
            file: Some(("plan.zip", "application/zip", locked())),
            ..mail(to, "Refund", body)
        };
        let policy = profile("southwell-nottingham", &[], &["council.example"]);
        let verdict = sent.judged(policy);
        assert_eq!(verdict.action, Action::Refuse, "{to}");
        assert_eq!(rules(&verdict)[0], "financial", "{to}");
        // Nobody else bans it inside and to partners.
        let verdict = sent.judged(profile("st-albans", &[], &["council.example"]));
        let outside = to == "shop@far.example";
        assert_eq!(verdict.action == Action::Deliver, !outside, "{to}");
    }
}

#[test]
fn pol_s3_6mb_warn() {
    let sent = |bytes: usize| Mail {
        file: Some((
            "minutes.txt",
            "text/plain",
            "The board met.\n".repeat(bytes / 15).into_bytes(),
        )),
        ..mail("someone@far.example", "Minutes", "See the file.")
    };
    let verdict = sent(6_000_000).judged(profile("chancery", &[], &[]));
    assert_eq!(
        (verdict.action, rules(&verdict)),
        (Action::Warn, vec!["large"])
    );
    let verdict = sent(4_000_000).judged(profile("chancery", &[], &[]));
    assert_eq!(verdict.action, Action::Deliver);
    let verdict = sent(6_000_000).judged(profile("st-albans", &[], &[]));
    assert_eq!(verdict.action, Action::Deliver);
}

#[test]
fn pol_s3_freemail_self() {
    let own = |subject, body| Mail {
        from: "jane.porter@trust.example",
        ..mail("jane@janeporter.example", subject, body)
    };
    let policy = || profile("chancery", &[], &[]);
    let verdict = own("Rota", "Here is the rota for the week.").judged(policy());
    assert_eq!(
        (verdict.action, rules(&verdict)),
        (Action::Warn, vec!["own-mailbox"])
    );
    let verdict = own("Rota", NAMED).judged(policy());
    assert_eq!(verdict.action, Action::Hold);
    assert!(rules(&verdict).contains(&"own-mailbox-data"));
    let verdict = own("Private: Saturday", "Shall we meet at noon?").judged(policy());
    assert_eq!(verdict.action, Action::Deliver);
}

#[test]
fn pol_s4_headteacher_access_audit() {
    let policy = Policy::embedded("southwell-nottingham").unwrap();
    let governance = &policy.governance;
    assert_eq!(governance.review.access, ReviewAccess::OnRequest);
    let reviewers: Vec<&str> = governance.review.reviewers.iter().map(|r| &**r).collect();
    assert_eq!(reviewers, ["head", "deputy"]);
    assert!(governance.person("head").is_some() && governance.changes.second_person);
    // A held message of the profile tells the head.
    let verdict = mail("someone@far.example", "Friday", NAMED).judged(profile(
        "southwell-nottingham",
        &[],
        &[],
    ));
    let told = verdict.hits.iter().flat_map(|hit| &hit.tell);
    assert!(told.into_iter().any(|role| role.name() == "head"));
}

#[test]
fn confidential_channels_are_not_for_reviewers() {
    for name in Policy::names() {
        let union = [("union", "union.example")];
        let verdict = mail("rep@union.example", "Friday", NAMED).judged(profile(name, &union, &[]));
        assert!(
            verdict.confidential && verdict.action == Action::Hold,
            "{name}"
        );
        let verdict =
            mail("someone@far.example", "Friday", NAMED).judged(profile(name, &union, &[]));
        assert!(!verdict.confidential, "{name}");
    }
}
