//! Reads what a policy file says of people and procedure.

use super::document::{addresses, domains, optional, plain};
use super::fields::{Fields, Sink};
use super::governance::{Changes, Duty, Governance, Notices, Person, Retention, Review};

/// Reads `[people]`, `[notices]`, `[review]`, `[retention]`, `[changes]` and every `[[duty]]`.
pub(super) fn governance(sink: &mut Sink, top: &mut Fields<'_, '_>) -> Governance {
    let people = top.table(sink, "people");
    let people = people.map(|table| {
        let entries = table.entries(sink);
        let people = entries.into_iter();
        let read = people.map(|(role, fields)| person(sink, &role.value, fields));
        read.collect()
    });
    let notices = top.table(sink, "notices").map(|t| notices(sink, t));
    let review = top.table(sink, "review").map(|t| review(sink, t));
    let retention = top.table(sink, "retention").map(|t| retention(sink, t));
    let changes = top.table(sink, "changes").map(|t| changes(sink, t));
    let duties = top.tables(sink, "duty").into_iter();
    let duties = duties.map(|fields| duty(sink, fields)).collect();
    Governance {
        people: people.unwrap_or_default(),
        notices: notices.unwrap_or_default(),
        review: review.unwrap_or_default(),
        retention: retention.unwrap_or_default(),
        changes: changes.unwrap_or_default(),
        duties,
    }
}

fn person(sink: &mut Sink, role: &str, mut fields: Fields<'_, '_>) -> Person {
    let person = Person {
        role: role.into(),
        title: optional(fields.text(sink, "title")),
        addresses: addresses(sink, &mut fields, "addresses"),
        when: fields.choice(sink, "when").unwrap_or_default(),
        domains: domains(sink, &mut fields, "domains"),
    };
    fields.finish(sink);
    person
}

fn notices(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Notices {
    let notices = Notices {
        monitoring: optional(fields.text(sink, "monitoring")),
        help: optional(fields.text(sink, "help")),
        urgent_phone: optional(fields.text(sink, "urgent_phone")),
        secure_route: optional(fields.text(sink, "secure_route")),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    notices
}

fn review(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Review {
    let review = Review {
        reviewers: plain(fields.texts(sink, "reviewers")),
        access: fields.choice(sink, "access").unwrap_or_default(),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    review
}

fn retention(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Retention {
    let usual = Retention::default();
    let mut days = |name, usual| {
        let number = fields.number(sink, name);
        number.and_then(|n| u32::try_from(n).ok()).unwrap_or(usual)
    };
    let retention = Retention {
        held_days: days("held_days", usual.held_days),
        decided_days: days("decided_days", usual.decided_days),
        event_days: days("event_days", usual.event_days),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    retention
}

fn changes(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Changes {
    let usual = Changes::default();
    let max_days = fields.number(sink, "max_days");
    let changes = Changes {
        second_person: fields.flag(sink, "second_person").unwrap_or(true),
        max_days: max_days.map_or(usual.max_days, |n| u32::try_from(n).unwrap_or(u32::MAX)),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    changes
}

fn duty(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Duty {
    let duty = Duty {
        covers: fields.required_text(sink, "covers").value.into(),
        clause: fields.required_text(sink, "clause").value.into(),
        met: fields.required_text(sink, "met").value.into(),
    };
    fields.finish(sink);
    duty
}
