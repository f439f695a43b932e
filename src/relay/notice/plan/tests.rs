//! Who is told of what, by every rule that the planner has, and digests under a clock that is turned.

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
            seat: role.into(),
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

proptest::proptest! {
    /// Holds at arbitrary times: no role gets more than the limit within any hour, and nothing that tells a role is lost.
    #[test]
    fn limits_hold_whatever_comes(minutes in proptest::collection::vec(0u32..40, 1..60), per_role in 1u32..6) {
        let limits = Limits { per_role, per_sender: 3 };
        let event = held(vec![fired("name", &[To::Sender, to("dpo"), to("head")])]);
        let (mut now, mut sender, mut dpo) = (0, Vec::new(), Vec::new());
        for step in minutes {
            now += step;
            let within = |sent: &Vec<u32>| sent.iter().filter(|at| now - **at < 60).count() as u32;
            let recent = Recent {
                told: false,
                sender: within(&sender),
                roles: [("dpo".into(), within(&dpo))].into(),
            };
            let plan = plan(&event, &holders(), &recent, limits);
            for due in &plan.now {
                match due.to {
                    To::Sender => sender.push(now),
                    _ => dpo.push(now),
                }
            }
            let told = plan.now.iter().any(|due| due.to == to("dpo"));
            let later = plan.later.iter().filter(|(role, _)| &**role == "dpo").count();
            proptest::prop_assert_eq!(usize::from(told) + later, 1);
            proptest::prop_assert!(plan.later.contains(&("head".into(), 0)));
            proptest::prop_assert!(within(&dpo) <= per_role && within(&sender) <= 3);
        }
    }
}
