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
    /// Everybody who has a role.
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
    /// To each role.
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
    /// The role.
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
    /// Lines for digests: the role, and the rule by index into [`Event::fired`].
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
    let to = To::Role(Arc::clone(&holder.role));
    let rules = telling(event, &to);
    if rules.is_empty() {
        return;
    }
    let sent = recent.roles.get(&holder.role).copied().unwrap_or_default();
    let kind = role_kind(event, holder, &rules);
    match kind.filter(|kind| *kind == Kind::Urgent || sent < limits.per_role) {
        Some(kind) => plan.now.push(Due {
            kind,
            to,
            rules,
            last: false,
        }),
        None => {
            let lines = rules.into_iter();
            plan.later
                .extend(lines.map(|rule| (Arc::clone(&holder.role), rule)));
        }
    }
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
        for role in roles {
            let known = holders.iter().any(|holder| holder.role == *role);
            if known && seen.insert(Arc::clone(role)) {
                list.push(Escalation {
                    role: Arc::clone(role),
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
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    const LIMITS: Limits = Limits {
        per_role: 10,
        per_sender: 20,
    };

    fn to(role: &str) -> To {
        To::Role(role.into())
    }

    fn fired(rule: &str, tell: &[To]) -> Fired {
        Fired {
            rule: rule.into(),
            tell: tell.to_vec(),
            urgent: false,
            criminal: false,
            forwarding: false,
            escalate: None,
        }
    }

    fn held(fired: Vec<Fired>) -> Event {
        Event {
            outcome: Outcome::Held,
            fired,
            sender: true,
            told_by_smtp: true,
            forward: None,
            automatic: false,
        }
    }

    fn forward(fired_more: Vec<Fired>) -> Event {
        let mut rules = vec![Fired {
            forwarding: true,
            ..fired("forward", &[To::Owner, to("it"), to("dpo"), To::Sender])
        }];
        rules.extend(fired_more);
        Event {
            forward: Some(ForwardEvent {
                owner: true,
                mailbox_known: false,
                targets_told: false,
            }),
            ..held(rules)
        }
    }

    fn holders() -> Vec<Holder> {
        [("dpo", true), ("head", false), ("it", true), ("dsl", true)]
            .map(|(role, at_once)| Holder {
                role: role.into(),
                at_once,
            })
            .to_vec()
    }

    fn kinds(event: &Event, recent: &Recent) -> Vec<(Kind, To)> {
        let plan = plan(event, &holders(), recent, LIMITS);
        plan.now.into_iter().map(|due| (due.kind, due.to)).collect()
    }

    #[test]
    fn a_hold_tells_its_sender_once_and_roles_as_they_wish() {
        let event = held(vec![
            fired("name", &[To::Sender, to("dpo"), to("head")]),
            fired("secret", &[to("dpo")]),
        ]);
        let plan = plan(&event, &holders(), &Recent::default(), LIMITS);
        let rules: Vec<_> = plan
            .now
            .iter()
            .map(|due| (due.kind, due.rules.clone()))
            .collect();
        assert_eq!(
            rules,
            [(Kind::SenderHeld, vec![0]), (Kind::RoleHold, vec![0, 1])],
            "the sender learns nothing of a rule that does not tell them"
        );
        assert_eq!(plan.later, [("head".into(), 0)]);
        let again = Recent {
            told: true,
            ..Recent::default()
        };
        assert!(super::plan(&event, &holders(), &again, LIMITS).is_empty());
    }

    #[test]
    fn what_becomes_of_a_message_makes_the_kind() {
        let of = |outcome, told_by_smtp| {
            let event = Event {
                outcome,
                told_by_smtp,
                ..held(vec![fired("name", &[To::Sender])])
            };
            kinds(&event, &Recent::default())
        };
        assert_eq!(of(Outcome::Refused, true), []);
        assert_eq!(
            of(Outcome::Refused, false),
            [(Kind::SenderRefused, To::Sender)]
        );
        assert_eq!(
            of(Outcome::Delivered, true),
            [(Kind::SenderWarned, To::Sender)]
        );
    }

    #[test]
    fn outside_authors_and_machines_are_never_told() {
        let mut event = held(vec![fired("name", &[To::Sender, to("dpo")])]);
        event.sender = false;
        assert_eq!(
            kinds(&event, &Recent::default()),
            [(Kind::RoleHold, to("dpo"))]
        );
        event.sender = true;
        event.automatic = true;
        event.fired[0].urgent = true;
        event.fired[0].escalate = Some((15, vec!["head".into()]));
        let plan = plan(&event, &holders(), &Recent::default(), LIMITS);
        assert!(plan.now.is_empty() && plan.escalations.is_empty());
        assert_eq!(plan.later, [("dpo".into(), 0)], "the digest still says it");
    }

    #[test]
    fn beyond_the_limit_a_role_waits_for_its_digest_and_a_sender_is_told_that_there_is_more() {
        let event = held(vec![fired("name", &[To::Sender, to("dpo")])]);
        let mut recent = Recent {
            sender: 19,
            roles: [("dpo".into(), 9)].into(),
            ..Recent::default()
        };
        let planned = plan(&event, &holders(), &recent, LIMITS);
        assert_eq!(planned.now.len(), 2);
        assert!(planned.now[0].last);
        recent.sender = 20;
        recent.roles.insert("dpo".into(), 10);
        let planned = plan(&event, &holders(), &recent, LIMITS);
        assert!(planned.now.is_empty());
        assert_eq!(planned.later, [("dpo".into(), 0)]);
        let mut urgent = event.clone();
        urgent.fired[0].urgent = true;
        assert_eq!(kinds(&urgent, &recent), [(Kind::Urgent, to("dpo"))]);
    }

    #[test]
    fn urgent_does_not_wait_for_a_digest_and_escalates_to_those_who_exist() {
        let mut event = held(vec![fired("police", &[To::Sender, to("head")])]);
        event.fired[0].urgent = true;
        event.fired[0].escalate = Some((15, vec!["dsl".into(), "nobody".into()]));
        let plan = plan(&event, &holders(), &Recent::default(), LIMITS);
        assert_eq!(plan.now[1].kind, Kind::Urgent);
        assert_eq!(plan.now[1].to, to("head"));
        assert_eq!(
            plan.escalations,
            [Escalation {
                role: "dsl".into(),
                rule: 0,
                minutes: 15
            }]
        );
        event.outcome = Outcome::Refused;
        assert_eq!(kinds(&event, &Recent::default()), [], "nothing waits then");
    }

    #[test]
    fn a_forward_is_told_once_a_mailbox_target_and_day() {
        let mut event = forward(Vec::new());
        assert_eq!(
            kinds(&event, &Recent::default()),
            [
                (Kind::OwnerForwarding, To::Owner),
                (Kind::RoleHold, to("dpo")),
                (Kind::ItForwarding, to("it"))
            ],
            "never its sender"
        );
        let of = |mailbox_known, targets_told| ForwardEvent {
            owner: true,
            mailbox_known,
            targets_told,
        };
        event.forward = Some(of(true, false));
        assert_eq!(
            kinds(&event, &Recent::default()),
            [
                (Kind::OwnerForwarding, To::Owner),
                (Kind::ItForwarding, to("it"))
            ],
            "a new target of a known mailbox, or the next day"
        );
        event.forward = Some(of(true, true));
        let plan = plan(&event, &holders(), &Recent::default(), LIMITS);
        assert!(plan.now.is_empty() && !plan.forward_told);
        assert_eq!(plan.later, [("dpo".into(), 0), ("it".into(), 0)]);
    }

    #[test]
    fn content_of_a_forward_is_told_though_the_forward_is_known() {
        let mut event = forward(vec![fired("medical", &[to("dpo"), to("it")])]);
        event.forward = Some(ForwardEvent {
            owner: true,
            mailbox_known: true,
            targets_told: true,
        });
        assert_eq!(
            kinds(&event, &Recent::default()),
            [(Kind::RoleHold, to("dpo")), (Kind::RoleHold, to("it"))]
        );
    }

    #[test]
    fn nobody_is_tipped_off_in_a_criminal_matter() {
        let mut event = held(vec![
            fired("name", &[To::Sender]),
            fired("illegal", &[to("head"), to("dpo")]),
        ]);
        event.fired[1].criminal = true;
        assert_eq!(
            kinds(&event, &Recent::default()),
            [(Kind::RoleHold, to("dpo"))]
        );
        event.fired[1].tell.push(To::Sender);
        assert_eq!(kinds(&event, &Recent::default())[0].0, Kind::SenderHeld);
        let mut forward = forward(vec![fired("illegal", &[to("dpo")])]);
        forward.fired[1].criminal = true;
        assert!(
            kinds(&forward, &Recent::default())
                .iter()
                .all(|(_, to)| *to != To::Owner)
        );
    }

    #[test]
    fn a_digest_comes_once_a_day_whatever_the_clock_does() {
        let (at, today) = (time(7, 30, 0, 0), date(2026, 11, 28));
        let now = |hour, minute| today.at(hour, minute, 0, 0);
        let yesterday = date(2026, 11, 27);
        assert_eq!(digest(None, at, now(9, 0)), Digest::Begin(today));
        assert_eq!(digest(None, at, now(7, 29)), Digest::Begin(yesterday));
        assert_eq!(digest(Some(yesterday), at, now(7, 29)), Digest::NotYet);
        assert_eq!(digest(Some(yesterday), at, now(7, 30)), Digest::Due(today));
        assert_eq!(digest(Some(today), at, now(23, 59)), Digest::NotYet);
        assert_eq!(digest(Some(today), at, now(6, 0)), Digest::NotYet);
        // The relay was off for a week: one digest.
        assert_eq!(
            digest(Some(date(2026, 11, 20)), at, now(6, 0)),
            Digest::Due(yesterday)
        );
        // The end of summer time: 01:30 comes twice.
        let (at, night) = (time(1, 30, 0, 0), date(2026, 10, 25));
        let first = digest(Some(date(2026, 10, 24)), at, night.at(1, 45, 0, 0));
        assert_eq!(first, Digest::Due(night));
        assert_eq!(
            digest(Some(night), at, night.at(1, 31, 0, 0)),
            Digest::NotYet
        );
        // A clock that was a day ahead.
        assert_eq!(
            digest(Some(date(2026, 11, 29)), time(7, 30, 0, 0), now(8, 0)),
            Digest::NotYet
        );
    }
}
