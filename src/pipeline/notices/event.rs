//! A judged message as its notices see it: what happened, who may be told, and what each of them may read.
//!
//! # Invariants
//! Pure. Outside authors are never told: a sender or owner is one of the trust's own, a role's mailbox the trust's or a secure
//! partner's. What goes into a notice is counts, classes, rules and marks.
//!
//! # Standards
//! RFC 3834 2 (what is not answered), RFC 2919 and RFC 2369 (lists).

use std::sync::Arc;

use crate::mail::{Address, Recipient};
use crate::pipeline::forwarded::owner;
use crate::pipeline::notices::Happened;
use crate::pipeline::notices::seats::{Seat, seats};
use crate::policy::governance::Person;
use crate::policy::{
    Action, AutomationState, Explanation, Policy, Role, RuleHit, Schools, Severity, counted,
    mark_origin,
};
use crate::relay::notice::content::{
    Content, ForwardText, RuleText, TrustText, listed, moment, role,
};
use crate::relay::notice::link::Links;
use crate::relay::notice::plan::{Due, Event, Fired, ForwardEvent, Outcome, To};
use crate::relay::notice::{Kind, MARK};

/// The role that alone is told of mail of a confidential channel (a union, occupational health), and then without what was found.
pub(super) const OVERSIGHT: &str = "dpo";

/// The people of a message who may be told.
pub(super) struct Parties {
    /// Its sender, when one of the trust's own.
    pub(super) sender: Option<Address>,
    /// The mailbox that forwards it, when one of the trust's own.
    pub(super) owner: Option<Address>,
    /// Whom it was for outside the trust, as [`Address::key`] gives them.
    pub(super) targets: Vec<String>,
}

impl Parties {
    pub(super) fn of(happened: &Happened<'_>) -> Self {
        let classes = &happened.tools.policy.classes;
        let own = |address: &Address| classes.of(address).is_internal();
        let envelope = &happened.received.envelope;
        let forward = happened.judgement.verdict.automation.is_forward();
        let rcpts = envelope.rcpts.iter().filter_map(Recipient::address);
        let mut targets: Vec<String> = rcpts.filter(|rcpt| !own(rcpt)).map(Address::key).collect();
        targets.sort_unstable();
        targets.dedup();
        Self {
            sender: envelope.mail_from.address().filter(|a| own(a)).cloned(),
            owner: forward
                .then(|| owner(happened.received, happened.judgement, happened.tools))
                .flatten()
                .filter(own),
            targets,
        }
    }

    /// Whose school it happened in.
    fn home(&self) -> Option<&Address> {
        self.owner.as_ref().or(self.sender.as_ref())
    }
}

/// What happened, for the planner; what is known of earlier forwards is filled in by the caller.
pub(super) fn event(happened: &Happened<'_>, parties: &Parties) -> Event {
    let judgement = happened.judgement;
    let forward = judgement.verdict.automation.is_forward();
    Event {
        outcome: happened.outcome,
        fired: hits(happened)
            .map(|hit| fired(happened.tools.policy.as_ref(), hit, happened.outcome))
            .collect(),
        sender: parties.sender.is_some() && !answers_by_machine(happened),
        told_by_smtp: happened.received.client.own_server,
        forward: forward.then_some(ForwardEvent {
            owner: parties.owner.is_some(),
            mailbox_known: false,
            targets_told: false,
        }),
        automatic: judgement.headers.has(MARK) || (!forward && by_machine(happened)),
    }
}

/// The rules that fired, in the verdict's order.
fn hits<'a>(happened: &'a Happened<'_>) -> impl Iterator<Item = &'a RuleHit> {
    happened.judgement.verdict.hits.iter()
}

fn fired(policy: &Policy, hit: &RuleHit, outcome: Outcome) -> Fired {
    let rule = policy.rules.iter().find(|rule| rule.id == hit.rule);
    let mut tell: Vec<To> = hit.tell.iter().map(to).collect();
    // Advice is for the sender, whoever else hears of it.
    let advice = hit.action == Action::Warn && outcome == Outcome::Delivered;
    if advice && hit.severity != Severity::Criminal && !tell.contains(&To::Sender) {
        tell.push(To::Sender);
    }
    let escalate = hit.escalate.as_ref().map(|escalation| {
        let roles = escalation.to.iter().filter_map(|role| match role {
            Role::Named(name) => Some(Arc::clone(name)),
            Role::Sender | Role::Owner => None,
        });
        (escalation.minutes, roles.collect())
    });
    Fired {
        rule: Arc::clone(&hit.rule),
        tell,
        urgent: hit.urgent,
        criminal: hit.severity == Severity::Criminal,
        forwarding: rule.is_some_and(|rule| !rule.when.automation.is_empty()),
        escalate,
    }
}

fn to(role: &Role) -> To {
    match role {
        Role::Sender => To::Sender,
        Role::Owner => To::Owner,
        Role::Named(name) => To::Role(Arc::clone(name)),
    }
}

/// Nobody is told at once of what no person sent: an answer to it would answer a machine.
fn by_machine(happened: &Happened<'_>) -> bool {
    let headers = &happened.judgement.headers;
    let list = ["List-Id", "List-Post", "List-Unsubscribe"];
    let precedence = headers.first("Precedence").unwrap_or_default().trim();
    let bulk = ["bulk", "list", "junk"];
    let machine = matches!(
        happened.judgement.verdict.automation.state,
        AutomationState::AutoReply
            | AutomationState::List
            | AutomationState::Report
            | AutomationState::Journal
    );
    machine
        || happened.received.envelope.mail_from.address().is_none()
        || list.iter().any(|name| headers.has(name))
        || bulk
            .iter()
            .any(|word| precedence.eq_ignore_ascii_case(word))
}

/// The school's information system writes in a mailbox's name, and nobody reads there: its roles are told, its sender is not.
fn answers_by_machine(happened: &Happened<'_>) -> bool {
    let submitted = happened.judgement.headers.first("Auto-Submitted");
    submitted.is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"))
}

/// Who may hear of it: roles with a mailbox inside the trust or at a secure partner, of the school it happened in, and of a confidential
/// channel the oversight alone.
pub(super) fn seats_of(happened: &Happened<'_>, parties: &Parties, schools: &Schools) -> Vec<Seat> {
    let confidential = happened.judgement.verdict.confidential;
    let mut list = seats(&happened.tools.policy, schools);
    list.retain(|seat| {
        let may = !confidential || &*seat.role == OVERSIGHT;
        may && seat.hears_of(parties.home(), schools)
    });
    list
}

/// The mailboxes of a role that notices may go to.
pub(super) fn mailboxes(policy: &Policy, person: &Person) -> Vec<Address> {
    let inside = |address: &&Address| !policy.classes.of(address).is_outside();
    person.addresses.iter().filter(inside).cloned().collect()
}

/// What a notice that is due may say.
pub(super) fn content(
    happened: &Happened<'_>,
    due: &Due,
    trust: &TrustText,
    links: Option<&Links>,
) -> Content {
    let verdict = &happened.judgement.verdict;
    let told = due
        .rules
        .iter()
        .filter_map(|index| verdict.hits.get(*index));
    let told: Vec<&RuleHit> = told.collect();
    let rules: Vec<RuleText> = told.iter().map(|hit| rule_of_hit(hit)).collect();
    let oversight = verdict.confidential && matches!(due.to, To::Role(_));
    let policy = &happened.tools.policy;
    let received = happened.received;
    let facts = happened
        .judgement
        .facts(&received.envelope, received.client.own_server);
    let minutes = told.iter().filter_map(|hit| hit.escalate.as_ref());
    Content {
        outcome: happened.outcome.name(),
        reference: happened.id.reference().to_string(),
        arrived: moment(received.arrived, &happened.tools.zone),
        rule: rules.first().cloned(),
        rules,
        found: if oversight {
            Vec::new()
        } else {
            found(happened, &told)
        },
        recipients: Explanation::of(policy, &facts, verdict).recipients,
        passed: passed(happened),
        reviewers: reviewers(policy),
        last: due.last,
        minutes: minutes.map(|escalation| escalation.minutes).min(),
        forward: forward(happened),
        link: links.and_then(|links| link(happened, due.kind, links)),
        register: links
            .filter(|_| matches!(due.to, To::Role(_)) && verdict.automation.is_forward())
            .map(Links::forwarding),
        trust: trust.clone(),
        ..Content::default()
    }
}

/// The page that a notice leads to. What was refused or delivered is no hold and has none, and the owner of a mailbox that forwards did not
/// send the message and so may not see it.
fn link(happened: &Happened<'_>, kind: Kind, links: &Links) -> Option<String> {
    let held = happened.outcome == Outcome::Held;
    match kind {
        Kind::ItForwarding => Some(links.forwarding()),
        Kind::SenderHeld if held => Some(links.mine(happened.id)),
        Kind::RoleHold | Kind::Urgent if held => Some(links.hold(happened.id)),
        _ => None,
    }
}

/// How many recipients a split let have the message.
fn passed(happened: &Happened<'_>) -> u32 {
    let rcpts = happened.received.envelope.rcpts.len();
    let split = happened.judgement.verdict.split.as_ref();
    let split = split.filter(|_| happened.outcome == Outcome::Held);
    split.map_or(0, |held| rcpts.saturating_sub(held.len()) as u32)
}

/// What made these rules fire, counted; a rule that fired for something else than findings says why in its own words.
fn found(happened: &Happened<'_>, told: &[&RuleHit]) -> Vec<String> {
    let list = &happened.judgement.findings.list;
    let mut indexes: Vec<usize> = told.iter().flat_map(|hit| hit.findings.clone()).collect();
    indexes.retain(|index| *index < list.len());
    indexes.sort_unstable();
    indexes.dedup();
    let mut found = counted(list, &indexes);
    let others = told.iter().filter(|hit| hit.findings.is_empty());
    found.extend(others.map(|hit| hit.because.clone()));
    found
}

fn forward(happened: &Happened<'_>) -> Option<ForwardText> {
    let automation = &happened.judgement.verdict.automation;
    automation.is_forward().then(|| ForwardText {
        suspected: automation.state == AutomationState::Suspected,
        marks: automation
            .evidence
            .iter()
            .map(|id| match mark_origin(id) {
                Some(origin) => format!("{id} ({origin})"),
                None => id.to_string(),
            })
            .collect(),
        server: happened.received.client.ip.to_string(),
        owner_known: automation.owner_known,
    })
}

fn rule_of_hit(hit: &RuleHit) -> RuleText {
    RuleText {
        id: hit.rule.to_string(),
        title: hit.title.to_string(),
        clause: hit.clause.as_deref().map(ToOwned::to_owned),
        severity: hit.severity.name().to_owned(),
        remedy: hit.remedy.as_deref().map(ToOwned::to_owned),
    }
}

/// A rule by its id as the policy has it now; one that is gone keeps its id.
pub(super) fn rule_by_id(policy: &Policy, id: &str) -> RuleText {
    let rule = policy.rules.iter().find(|rule| &*rule.id == id);
    rule.map_or_else(
        || RuleText {
            id: id.to_owned(),
            title: id.to_owned(),
            ..RuleText::default()
        },
        |rule| RuleText {
            id: rule.id.to_string(),
            title: rule.title.to_string(),
            clause: rule.clause.as_deref().map(ToOwned::to_owned),
            severity: rule.severity.name().to_owned(),
            remedy: rule.remedy.as_deref().map(ToOwned::to_owned),
        },
    )
}

/// Who decides holds, in words.
pub(super) fn reviewers(policy: &Policy) -> String {
    let governance = &policy.governance;
    let named: Vec<String> = governance
        .review
        .reviewers
        .iter()
        .map(|id| role_in_words(policy, id))
        .collect();
    if named.is_empty() {
        role_in_words(policy, OVERSIGHT)
    } else {
        listed(&named, "or")
    }
}

fn role_in_words(policy: &Policy, id: &str) -> String {
    let title = policy
        .governance
        .person(id)
        .and_then(|p| p.title.as_deref());
    title.map_or_else(|| role(id), ToOwned::to_owned)
}

/// The trust's own words: its policy's where it has some, else its settings'.
pub fn trust(policy: &Policy, settings: &TrustText) -> TrustText {
    let said = &policy.governance.notices;
    let text = |text: &Option<Arc<str>>| text.as_deref().map(ToOwned::to_owned);
    let monitoring = text(&said.monitoring).map(|text| match &said.clause {
        Some(clause) => format!("{text} ({clause})"),
        None => text,
    });
    TrustText {
        help: text(&said.help).or_else(|| settings.help.clone()),
        phone: text(&said.urgent_phone).or_else(|| settings.phone.clone()),
        monitoring: monitoring.or_else(|| settings.monitoring.clone()),
        secure_route: text(&said.secure_route).or_else(|| settings.secure_route.clone()),
        ..settings.clone()
    }
}
