//! Messages with pupils' names turned into initials: what changes, what does not, and what policy says of the result.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod coding;
mod names;
mod random;
mod release;
mod whole;

use std::sync::{Arc, LazyLock};

use beadle::detect::{Catalogue, Category, Engine};
use beadle::extract::{InProcess, Place};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::mime;
use beadle::pipeline::initials::{Reconsidered, reconsider};
use beadle::pipeline::judge::{Case, Tools};
use beadle::policy::history::History;
use beadle::policy::{ClientFacts, Policy};
use beadle::quarantine::initials::NoProposal;
use beadle::roster::{Roster, RosterKind};

const ROSTER: &[u8] = include_bytes!("../../patterns/sample/roster.csv");

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

fn part(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "From: t@trust.example\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n{headers}\r\n\r\n{body}"
    )
    .into_bytes()
}
