//! Reads what a policy file says of people and procedure.

use super::document::{addresses, domains, optional, plain};
use super::fields::{Fields, Sink};
use super::governance::{
    CategoryRetention, Changes, Duty, Governance, Notices, Person, Retention, Review,
};

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
        second_person_from: fields.choice(sink, "second_person_from"),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    review
}

fn retention(sink: &mut Sink, mut fields: Fields<'_, '_>) -> Retention {
    let usual = Retention::default();
    let decided = days(sink, &mut fields, "decided_days");
    let retention = Retention {
        held_days: days(sink, &mut fields, "held_days").unwrap_or(usual.held_days),
        released_days: days(sink, &mut fields, "released_days")
            .or(decided)
            .unwrap_or(usual.released_days),
        refused_days: days(sink, &mut fields, "refused_days")
            .or(decided)
            .unwrap_or(usual.refused_days),
        event_days: days(sink, &mut fields, "event_days").unwrap_or(usual.event_days),
        categories: fields
            .tables(sink, "category")
            .into_iter()
            .map(|own| category_retention(sink, own))
            .collect(),
        clause: optional(fields.text(sink, "clause")),
    };
    fields.finish(sink);
    retention
}

fn category_retention(sink: &mut Sink, mut fields: Fields<'_, '_>) -> CategoryRetention {
    let own = CategoryRetention {
        of: fields.choices(sink, "of"),
        held_days: days(sink, &mut fields, "held_days"),
        released_days: days(sink, &mut fields, "released_days"),
        refused_days: days(sink, &mut fields, "refused_days"),
    };
    if own.of.is_empty() && !fields.has("of") {
        let allowed = "a list of categories";
        let mend = "name the categories that these days are for";
        sink.mistake(fields.line, fields.key("of"), "nothing", allowed, mend);
    }
    fields.finish(sink);
    own
}

/// A number of days: at least one, or a reviewer would have no time at all; at most ten years.
fn days(sink: &mut Sink, fields: &mut Fields<'_, '_>, name: &'static str) -> Option<u32> {
    const LONGEST: u64 = 3_660;
    let number = fields.number(sink, name)?;
    if !(1..=LONGEST).contains(&number) {
        let line = fields.line_of(sink, name);
        let allowed = format!("1 to {LONGEST} days");
        let mend = "write the days that the content may be kept";
        sink.mistake(line, fields.key(name), number.to_string(), allowed, mend);
        return None;
    }
    u32::try_from(number).ok()
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
