//! Turning a judgement into what is kept of a held message.
//!
//! # Invariants
//! Nothing here holds matched text: findings go in masked, values as keys.

use bytes::Bytes;

use crate::detect::Category;
use crate::mail::{Envelope, QueueId};
use crate::pipeline::judge::Judgement;
use crate::pipeline::received::Received;
use crate::policy::{Explanation, Policy, Verdict};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::{FindingRecord, HoldClient, HoldRecord, NewHold, Origin, RuleRecord};

/// The answer to a message that is held.
pub fn reply(id: QueueId) -> Reply {
    Reply::new(
        250,
        EnhancedCode(2, 0, 0),
        format!("accepted, held for review (ref {})", id.reference()),
    )
}

/// The keys of the values found: what a release allows.
pub fn values(judgement: &Judgement) -> Vec<u128> {
    let mut values: Vec<u128> = judgement
        .findings
        .list
        .iter()
        .map(|finding| finding.value.0)
        .collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The categories concluded.
pub fn categories(judgement: &Judgement) -> Vec<Category> {
    let mut categories: Vec<Category> = judgement
        .conclusions()
        .map(|found| found.category)
        .collect();
    categories.sort_unstable();
    categories.dedup();
    categories
}

/// The envelope a message is held under: its own, or with a split the recipients it is kept from.
pub fn held_envelope(envelope: &Envelope, verdict: &Verdict) -> Envelope {
    rest(envelope, verdict.split.as_deref(), true)
}

/// The envelope of those who get a message that is held for others; `None` without a split.
pub fn passed_envelope(envelope: &Envelope, verdict: &Verdict) -> Option<Envelope> {
    let split = verdict.split.as_deref()?;
    Some(rest(envelope, Some(split), false))
}

/// The recipients that are (or are not) among `split`; everybody without one.
fn rest(envelope: &Envelope, split: Option<&[usize]>, among: bool) -> Envelope {
    let Some(split) = split else {
        return envelope.clone();
    };
    let rcpts = envelope.rcpts.iter().enumerate();
    let chosen = rcpts.filter(|(index, _)| split.contains(index) == among);
    Envelope {
        rcpts: chosen.map(|(_, rcpt)| rcpt.clone()).collect(),
        ..envelope.clone()
    }
}

/// What is kept of a message, `stored` being its bytes with our own header lines before them.
pub fn new_hold(
    received: &Received,
    stored: Bytes,
    judgement: &Judgement,
    policy: &Policy,
    origin: Origin,
) -> NewHold {
    NewHold {
        id: received.id,
        envelope: held_envelope(&received.envelope, &judgement.verdict),
        client: HoldClient {
            ip: received.client.ip,
            helo: received.client.helo.clone(),
        },
        received_at: received.arrived,
        message: stored,
        record: record(received, judgement, policy),
        origin,
    }
}

fn record(received: &Received, judgement: &Judgement, policy: &Policy) -> HoldRecord {
    let review = &policy.governance.review;
    let rules = judgement.verdict.hits.iter().map(|hit| RuleRecord {
        id: hit.rule.to_string(),
        title: hit.title.to_string(),
        clause: hit.clause.as_deref().map(ToOwned::to_owned),
        action: hit.action,
        because: hit.because.clone(),
        severity: hit.severity,
        urgent: hit.urgent,
        // Settled now: what the policy becomes later changes nothing about this hold.
        four_eyes: hit.four_eyes || review.needs_second_person(hit.severity),
    });
    let findings = judgement
        .conclusions()
        .take(KEPT_FINDINGS)
        .map(|found| FindingRecord {
            category: found.category,
            detector: found.detector.to_owned(),
            confidence: found.confidence,
            location: found.location.to_string(),
            masked: found.masked.to_owned(),
        });
    HoldRecord {
        subject: judgement.headers.decoded("Subject"),
        rules: rules.collect(),
        findings: findings.collect(),
        people: judgement.findings.people.len(),
        explanation: Explanation::of(
            policy,
            &judgement.facts(&received.envelope, received.client.own_server),
            &judgement.verdict,
        )
        .to_string(),
        values: values(judgement),
        confidential: judgement.verdict.confidential,
    }
}

/// Findings that are kept for the reviewer; a register of a whole school needs no more to be judged.
const KEPT_FINDINGS: usize = 200;
