//! Initials: in every disguise and form, what detection finds in subject and body can be turned, and is not found again.

use std::collections::BTreeMap;
use std::sync::Arc;

use beadle::detect::Category;
use beadle::extract::Place;
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Envelope, QueueId};
use beadle::pipeline::initials::reconsider;
use beadle::pipeline::judge::{Case, Judgement, Tools, judge};
use beadle::policy::ClientFacts;
use beadle::policy::history::UNKNOWN;

use crate::sample::Sample;
use crate::{people, report, samples, tools};

/// Messages in which every name found in subject and body is gone afterwards, in thousandths of those that had one.
const TURNED: usize = 990;
/// The same for each class.
const OF_CLASS: usize = 900;

/// Every so manieth message is tried: rewriting and judging all 8,000 takes three quarters of a minute where nothing is optimised. All of
/// them were (2026-11-28): 6,168 have a name in subject or body, and all of those have none with initials.
const STEP: usize = 5;

/// Messages with a name, those with none afterwards, and what became of the others.
#[derive(Default)]
struct Tally {
    named: usize,
    turned: usize,
    others: Vec<String>,
}

fn names(judgement: &Judgement) -> Vec<&str> {
    let list = judgement.findings.list.iter();
    list.filter(|finding| {
        finding.category == Category::PupilName
            && !matches!(finding.location.place, Place::Attachment(_))
    })
    .map(|finding| finding.text.reveal())
    .collect()
}

fn count(tally: &mut Tally, sample: &Sample, case: &Case<'_>, tools: &Tools) {
    let limits = Arc::new(Limits::default());
    let before = judge(case, tools, &Budget::new(Arc::clone(&limits)));
    if names(&before).is_empty() {
        return;
    }
    tally.named += 1;
    match reconsider(case, QueueId::from_random([1; 10]), tools, &limits) {
        Ok(asked) if names(&asked.judgement).is_empty() => {
            tally.turned += 1;
            for (text, _) in asked
                .proposal
                .altered
                .iter()
                .flat_map(|place| &place.initials)
            {
                assert!(
                    text.len() <= 24,
                    "{text} says more than initials: {}",
                    sample.shown
                );
            }
        }
        Ok(asked) => tally.others.push(format!(
            "still {:?}: {}",
            names(&asked.judgement),
            sample.shown
        )),
        Err(error) => tally.others.push(format!("{error}: {}", sample.shown)),
    }
}

#[test]
fn what_is_found_can_be_turned() {
    let pupils = people::pupils();
    let tools = tools(&pupils);
    let address = |text: &str| Address::parse(text).unwrap();
    let envelope = Envelope::of(
        Some(address("office@larkrise.example")),
        [address("desk@riverside-museum.example")],
    );
    let mut classes: BTreeMap<&str, Tally> = BTreeMap::new();
    for sample in samples(&pupils).iter().step_by(STEP) {
        let case = Case {
            envelope: &envelope,
            client: ClientFacts { own_server: true },
            message: &sample.message,
            now: jiff::civil::date(2026, 11, 2).at(10, 0, 0, 0),
            history: &UNKNOWN,
        };
        count(
            classes.entry(sample.class).or_default(),
            sample,
            &case,
            &tools,
        );
    }
    let named: usize = classes.values().map(|tally| tally.named).sum();
    let turned: usize = classes.values().map(|tally| tally.turned).sum();
    println!(
        "{named} messages with a name in subject or body; {} have none with initials",
        report::share(turned, named)
    );
    for (class, tally) in classes
        .iter()
        .filter(|(_, tally)| tally.turned < tally.named)
    {
        println!("{class}: {} of {}", tally.turned, tally.named);
        tally
            .others
            .iter()
            .take(6)
            .for_each(|other| println!("    {other}"));
    }
    assert!(turned * 1000 >= named * TURNED);
    for (class, tally) in &classes {
        assert!(tally.turned * 1000 >= tally.named * OF_CLASS, "{class}");
    }
}
