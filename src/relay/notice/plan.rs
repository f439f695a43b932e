//! Which notices are due now and which wait for a digest: a function of what happened, who is to be told, and what was sent lately.
//!
//! # Invariants
//! One notice for each sender and message. What a machine sent (a notice, an automatic answer, a report, a list) causes no notice,
//! only lines of a digest. An automatic forward is told once for each mailbox, target and day, and never to its author. A role gets
//! [`Limits::per_role`] notices an hour, urgent ones beside; what is beyond goes into its digest. Nobody learns of a rule that does
//! not tell them, and a criminal matter whose rule does not tell the sender is told to no sender.
//!
//! # Standards
//! RFC 3834 2 (no answer to what is automatic).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};

use super::Kind;

/// The role that gets technical facts of automatic forwards instead of counts.
pub const IT: &str = "it";

/// Whom a rule tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// Who sent the message.
    Sender,
    /// The owner of the mailbox that forwards.
    Owner,
    /// Everybody who has a role; in a plan, everybody of a seat ([`Holder::seat`]).
    Role(Arc<str>),
}

/// A rule that fired, as far as notices care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The rule's id.
    pub rule: Arc<str>,
    /// Whom it tells.
    pub tell: Vec<To>,
    /// It cannot wait.
    pub urgent: bool,
    /// The police may have to look into it: its sender is not to be warned off.
    pub criminal: bool,
    /// It is about automatic forwarding and not about content.
    pub forwarding: bool,
    /// Whom to tell when it is not decided within so many minutes.
    pub escalate: Option<(u32, Vec<Arc<str>>)>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It waits for a reviewer.
    Held,
    /// It was refused.
    Refused,
    /// It was delivered although a rule warns.
    Delivered,
}

impl Outcome {
    /// The name in templates and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
        }
    }
}

/// A message about which somebody may be told.
#[derive(Debug, Clone)]
pub struct Event {
    /// What became of it.
    pub outcome: Outcome,
    /// The rules that fired, strictest first.
    pub fired: Vec<Fired>,
    /// Its sender is one of the trust's and may be told.
    pub sender: bool,
    /// The client's own mail program or server says that it was refused.
    pub told_by_smtp: bool,
    /// It is an automatic forward, whose owner may be told where the mailbox is known.
    pub forward: Option<ForwardEvent>,
    /// A machine sent it (but it is no forward of what a person sent), or it bears our own mark.
    pub automatic: bool,
}

/// What matters of an automatic forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardEvent {
    /// The mailbox is one of the trust's and known.
    pub owner: bool,
    /// This mailbox has been told of before, for whatever target.
    pub mailbox_known: bool,
    /// Every target of it has been told of today.
    pub targets_told: bool,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The role.
    pub role: Arc<str>,
    /// What tells it from others of this role, of other schools; what is planned names this.
    pub seat: Arc<str>,
    /// It is told at once, not by digest only.
    pub at_once: bool,
}

/// How many notices go out at once within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To one role.
    pub per_role: u32,
    /// To one sender; a mail merge that is held 300 times is told of so many times.
    pub per_sender: u32,
}

/// What was sent within the last hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    /// Notices about this very message went out before: the client sent it again.
    pub told: bool,
    /// To this sender.
    pub sender: u32,
    /// To each seat.
    pub roles: BTreeMap<Arc<str>, u32>,
}

/// A notice that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its kind.
    pub kind: Kind,
    /// Whom it is for.
    pub to: To,
    /// Which rules it may speak of, by index into [`Event::fired`].
    pub rules: Vec<usize>,
    /// It is the last one to this sender within the hour.
    pub last: bool,
}

/// A role to tell later, if nobody has decided by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// The seat.
    pub role: Arc<str>,
    /// The rule that asks for it, by index into [`Event::fired`].
    pub rule: usize,
    /// Minutes from now.
    pub minutes: u32,
}

/// What is to be done about a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Notices to send now.
    pub now: Vec<Due>,
    /// Lines for digests: the seat, and the rule by index into [`Event::fired`].
    pub later: Vec<(Arc<str>, usize)>,
    /// Roles to tell unless somebody decides.
    pub escalations: Vec<Escalation>,
    /// The owner or IT is told of the forward: it is not told again today.
    pub forward_told: bool,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.now.is_empty() && self.later.is_empty() && self.escalations.is_empty()
    }
}

/// Who is told of a message, and how.
pub fn plan(event: &Event, holders: &[Holder], recent: &Recent, limits: Limits) -> Plan {
    if recent.told {
        return Plan::default();
    }
    let mut plan = Plan::default();
    plan.now.extend(sender(event, recent, limits));
    plan.now.extend(owner(event));
    for holder in holders {
        role(event, holder, recent, limits, &mut plan);
    }
    plan.escalations = escalations(event, holders);
    plan.forward_told = plan
        .now
        .iter()
        .any(|due| matches!(due.kind, Kind::OwnerForwarding | Kind::ItForwarding));
    plan
}

/// The rules that tell somebody.
fn telling(event: &Event, whom: &To) -> Vec<usize> {
    let fired = event.fired.iter().enumerate();
    fired
        .filter(|(_, fired)| fired.tell.contains(whom))
        .map(|(index, _)| index)
        .collect()
}

/// Whether a rule forbids that whoever did it is warned off.
fn silenced(event: &Event, whom: &To) -> bool {
    let silent = |fired: &Fired| fired.criminal && !fired.tell.contains(whom);
    event.fired.iter().any(silent)
}

fn sender(event: &Event, recent: &Recent, limits: Limits) -> Option<Due> {
    let kind = match event.outcome {
        Outcome::Held => Kind::SenderHeld,
        Outcome::Delivered => Kind::SenderWarned,
        Outcome::Refused if event.told_by_smtp => return None,
        Outcome::Refused => Kind::SenderRefused,
    };
    let rules = telling(event, &To::Sender);
    let may = event.sender && !event.automatic && event.forward.is_none();
    if !may || rules.is_empty() || silenced(event, &To::Sender) {
        return None;
    }
    (recent.sender < limits.per_sender).then(|| Due {
        kind,
        to: To::Sender,
        rules,
        last: recent.sender + 1 == limits.per_sender,
    })
}

fn owner(event: &Event) -> Option<Due> {
    let forward = event.forward.filter(|forward| forward.owner)?;
    let rules = telling(event, &To::Owner);
    let due = !rules.is_empty()
        && !event.automatic
        && !forward.targets_told
        && event.outcome == Outcome::Held
        && !silenced(event, &To::Owner);
    due.then_some(Due {
        kind: Kind::OwnerForwarding,
        to: To::Owner,
        rules,
        last: false,
    })
}

/// A role is told of a message at once and in one notice, or each of the rules that tell it becomes a line of its digest.
fn role(event: &Event, holder: &Holder, recent: &Recent, limits: Limits, plan: &mut Plan) {
    let rules = telling(event, &To::Role(Arc::clone(&holder.role)));
    if rules.is_empty() {
        return;
    }
    let sent = recent.roles.get(&holder.seat).copied().unwrap_or_default();
    let kind = role_kind(event, holder, &rules);
    if let Some(kind) = kind.filter(|kind| *kind == Kind::Urgent || sent < limits.per_role) {
        plan.now.push(Due {
            kind,
            to: To::Role(Arc::clone(&holder.seat)),
            rules,
            last: false,
        });
        return;
    }
    let lines = rules.into_iter();
    plan.later
        .extend(lines.map(|rule| (Arc::clone(&holder.seat), rule)));
}

/// The notice a role gets at once, if any.
fn role_kind(event: &Event, holder: &Holder, rules: &[usize]) -> Option<Kind> {
    let any = |wanted: fn(&Fired) -> bool| rules.iter().any(|index| wanted(&event.fired[*index]));
    if event.automatic {
        return None;
    }
    if event.outcome == Outcome::Held && any(|fired| fired.urgent) {
        return Some(Kind::Urgent);
    }
    if !holder.at_once {
        return None;
    }
    let content = any(|fired| !fired.forwarding).then_some(Kind::RoleHold);
    let Some(forward) = event.forward else {
        return Some(Kind::RoleHold);
    };
    if &*holder.role == IT {
        let due = any(|fired| fired.forwarding) && !forward.targets_told;
        return due.then_some(Kind::ItForwarding).or(content);
    }
    // Others hear of a mailbox once, and of what it forwards by digest.
    content.or((!forward.mailbox_known).then_some(Kind::RoleHold))
}

fn escalations(event: &Event, holders: &[Holder]) -> Vec<Escalation> {
    if event.outcome != Outcome::Held || event.automatic {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for (rule, fired) in event.fired.iter().enumerate() {
        let Some((minutes, roles)) = &fired.escalate else {
            continue;
        };
        let known = |holder: &&Holder| roles.contains(&holder.role);
        for holder in holders.iter().filter(known) {
            if seen.insert(Arc::clone(&holder.seat)) {
                list.push(Escalation {
                    role: Arc::clone(&holder.seat),
                    rule,
                    minutes: *minutes,
                });
            }
        }
    }
    list
}

/// Whether a role's digest is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// Not before the next time.
    NotYet,
    /// The role is new: count from this day's digest, without writing one.
    Begin(Date),
    /// Write the one of this day, if there is something to say.
    Due(Date),
}

/// Whether a digest that is written every day at `at` is due; `last` is the day of the one before. Times are the trust's own. A clock
/// that is turned back, for summer time or by mistake, brings none a second time; several days without any bring one.
pub fn digest(last: Option<Date>, at: Time, now: DateTime) -> Digest {
    let latest = if now.time() >= at {
        now.date()
    } else {
        now.date().yesterday().unwrap_or(Date::MIN)
    };
    match last {
        None => Digest::Begin(latest),
        Some(last) if last < latest => Digest::Due(latest),
        Some(_) => Digest::NotYet,
    }
}

#[cfg(test)]
mod tests;
