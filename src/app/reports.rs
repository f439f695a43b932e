//! Reports that go out by mail when their time has come.
//!
//! # Invariants
//! A report and the memory that it went out are one transaction, on whichever node is first: a crash neither loses nor repeats one. A node
//! that was off when one was due sends it when it is back, and only the last: what was missed before stays missed. Figures only: no
//! sender and no breach is mailed, and what is mailed goes to the trust's own and its secure partners.
//!
//! Small groups are not suppressed: who gets a report is set by the trust, and the report says so itself.
//!
//! # Known gaps
//! A changed schedule needs a restart.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::app::config;
use crate::app::tools;
use crate::mail::{Address, Domain};
use crate::policy::{Policy, Senders};
use crate::relay::notice::report::KIND;
use crate::relay::notice::{NoticeError, ReportLetter};
use crate::report::{
    Form, FormError, Period, ReportKind, Scope, Setting, Wanted, gather, text::glance,
};
use crate::store::{
    Body, Custody, DeliveryKind, NewDelivery, NoticeDelivery, NoticeRecord, StoreError,
};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_mins(5);

/// The hour of the trust's day from which on reports go out.
const HOUR: i8 = 6;

/// `[reports]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Reports that go out by mail.
    pub scheduled: Vec<ScheduledConfig>,
}

/// How often a report goes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// On Mondays, about the week before.
    #[default]
    Week,
    /// On the first of a month, about the month before.
    Month,
}

/// `[[reports.scheduled]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduledConfig {
    /// Its name, which tells it from others and is remembered with what went out.
    pub name: String,
    /// `summary`, `near-misses`, `senders` (by group) or `retention`.
    pub report: ReportKind,
    /// `week` or `month`.
    pub every: Every,
    /// Ids of schools; all when empty.
    pub schools: Vec<String>,
    /// The id of a group of senders.
    pub group: Option<String>,
    /// `pdf`, `html`, `xlsx`, `csv`, `text` or `json`.
    pub format: Form,
    /// Addresses of the trust or its secure partners.
    pub to: Vec<String>,
}

impl Default for ScheduledConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            report: ReportKind::Summary,
            every: Every::Week,
            schools: Vec::new(),
            group: None,
            format: Form::Pdf,
            to: Vec::new(),
        }
    }
}

/// Why reports do not go out.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The letter cannot be written.
    #[error(transparent)]
    Letter(#[from] NoticeError),
}

/// A report with whom it is for.
#[derive(Debug, Clone)]
struct Scheduled {
    name: String,
    report: ReportKind,
    every: Every,
    schools: Vec<String>,
    group: Option<String>,
    format: Form,
    to: Vec<Address>,
}

/// The schedule of a configuration.
#[derive(Debug, Clone)]
pub struct Schedule {
    list: Vec<Scheduled>,
    from: Address,
    from_name: String,
}

impl Schedule {
    /// The schedule of this configuration; `None` when nothing is scheduled. The error says what to change.
    pub fn of(config: &config::Config) -> Result<Option<Self>, String> {
        if config.reports.scheduled.is_empty() {
            return Ok(None);
        }
        let Some(from) = &config.notices.from else {
            return Err(
                "notices.from: found none; allowed: an address of the trust; scheduled reports come from it".to_owned(),
            );
        };
        let senders = tools::senders(&config.trust).map_err(|error| error.to_string())?;
        let mut names = BTreeSet::new();
        let mut list = Vec::new();
        for scheduled in &config.reports.scheduled {
            let read = read(scheduled, config, &senders)?;
            if !names.insert(read.name.clone()) {
                return Err(format!(
                    "reports.scheduled.name: found `{}` twice; allowed: each name once; give one of them another",
                    read.name
                ));
            }
            list.push(read);
        }
        Ok(Some(Self {
            list,
            from: Address::parse(from).map_err(|_| {
                format!("notices.from: found `{from}`; allowed: an address of the trust")
            })?,
            from_name: config.notices.from_name.clone(),
        }))
    }

    /// Sends what is due at this moment; gives how many reports that were.
    pub async fn round(
        &self,
        store: &Custody,
        senders: &Senders,
        policy: &Policy,
        zone: &jiff::tz::TimeZone,
        now: SystemTime,
    ) -> Result<usize, ScheduleError> {
        let local = local(zone, now);
        let days = store.digest_days().await?;
        let mut sent = 0;
        for scheduled in &self.list {
            let Some(period) = due(scheduled.every, local) else {
                continue;
            };
            let mark = mark(&scheduled.name);
            let known = days.iter().find(|(name, _)| *name == mark);
            if known.is_some_and(|(_, day)| *day >= period.to) {
                continue;
            }
            let setting = Setting {
                senders,
                policy,
                zone,
                now,
            };
            sent += usize::from(self.send(store, setting, scheduled, period).await?);
        }
        Ok(sent)
    }

    /// Makes a report and puts it into the queue; `false` when another node was first.
    async fn send(
        &self,
        store: &Custody,
        setting: Setting<'_>,
        scheduled: &Scheduled,
        period: Period,
    ) -> Result<bool, ScheduleError> {
        let scope = Scope {
            schools: scheduled.schools.clone(),
            group: scheduled.group.clone(),
            ..Scope::all(period)
        };
        let wanted = match scheduled.report {
            ReportKind::NearMisses => Wanted::NearMisses,
            ReportKind::Senders => Wanted::Groups,
            ReportKind::Retention => Wanted::Retention { follow: true },
            ReportKind::Summary | ReportKind::Breach => Wanted::Summary,
        };
        let report = gather(store, setting, &scope, wanted).await?;
        let (form, made) = (scheduled.format, local(setting.zone, setting.now));
        let written = report.clone();
        let file = tokio::task::spawn_blocking(move || form.write(&written, made)).await;
        let file = file.map_err(|_| StoreError::Unavailable("a task ended".to_owned()))??;
        let id = Custody::new_id()?;
        let name = format!(
            "{}-{}-{}.{}",
            report.kind,
            period.from,
            period.to,
            form.name()
        );
        let letter = ReportLetter {
            from: &self.from,
            from_name: &self.from_name,
            to: &scheduled.to,
            id,
            now: setting.now,
            subject: &format!("{}, {} to {}", report.title, period.from, period.to),
            text: &glance(&report),
            file_name: &name,
            media_type: form.media_type(),
            file: &file,
        };
        let (envelope, message) = letter.compose()?;
        let delivery = NewDelivery {
            id,
            kind: DeliveryKind::Notice,
            envelope,
            body: Body::Message(message),
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: setting.now,
            not_before: setting.now,
        };
        let record = NoticeRecord {
            deliveries: vec![NoticeDelivery {
                delivery,
                kind: KIND,
                to: scheduled.name.clone(),
                about: None,
                scope: None,
            }],
            digested: vec![(mark(&scheduled.name), period.to)],
            ..NoticeRecord::default()
        };
        Ok(store.record_notices(&record, setting.now).await?)
    }
}

/// What is remembered of a scheduled report; no role of a policy has a colon in its name.
fn mark(name: &str) -> String {
    format!("report:{name}")
}

fn local(zone: &jiff::tz::TimeZone, at: SystemTime) -> DateTime {
    let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(at)
}

/// The last whole week or month before this moment, once its report may go out.
fn due(every: Every, now: DateTime) -> Option<Period> {
    let today = now.date();
    let first = match every {
        Every::Week => {
            let back = today.weekday().to_monday_zero_offset();
            today.checked_sub(jiff::Span::new().days(back)).ok()?
        }
        Every::Month => today.first_of_month(),
    };
    if today == first && now.hour() < HOUR {
        return None;
    }
    let last = first.yesterday().ok()?;
    let from: Date = match every {
        Every::Week => last.checked_sub(jiff::Span::new().days(6)).ok()?,
        Every::Month => last.first_of_month(),
    };
    Period::new(from, last).ok()
}

fn read(
    scheduled: &ScheduledConfig,
    config: &config::Config,
    senders: &Senders,
) -> Result<Scheduled, String> {
    let key = "reports.scheduled";
    let name = scheduled.name.trim();
    if name.is_empty() || name.len() > 60 || name.chars().any(char::is_control) {
        return Err(format!(
            "{key}.name: found `{name}`; allowed: a name of 1 to 60 characters; write one"
        ));
    }
    if scheduled.report == ReportKind::Breach {
        return Err(format!(
            "{key}.report: found `breach`; allowed: summary, near-misses, senders, retention; a breach is one person's work and is not mailed"
        ));
    }
    let unknown = scheduled.schools.iter();
    if let Some(id) = unknown.clone().find(|id| senders.schools.get(id).is_none()) {
        return Err(format!(
            "{key}.schools: found `{id}`; allowed: ids of [[trust.schools]]; mend it"
        ));
    }
    if let Some(id) = &scheduled.group
        && senders.groups.get(id).is_none()
    {
        return Err(format!(
            "{key}.group: found `{id}`; allowed: ids of [[trust.sender_groups]]; mend it"
        ));
    }
    if scheduled.to.is_empty() {
        return Err(format!(
            "{key}.to: found none for `{name}`; allowed: addresses of the trust; list them"
        ));
    }
    let to = scheduled.to.iter().map(|text| recipient(text, config));
    Ok(Scheduled {
        name: name.to_owned(),
        report: scheduled.report,
        every: scheduled.every,
        schools: scheduled.schools.clone(),
        group: scheduled.group.clone(),
        format: scheduled.format,
        to: to.collect::<Result<_, _>>()?,
    })
}

/// An address that a report may go to.
fn recipient(text: &str, config: &config::Config) -> Result<Address, String> {
    let address = Address::parse(text).map_err(|_| {
        format!(
            "reports.scheduled.to: found `{text}`; allowed: an address such as head@trust.example; write it as local@domain"
        )
    })?;
    let trust = &config.trust;
    let mut known = trust.internal_domains.iter().chain(&trust.partner_domains);
    let inside = known.any(|domain| {
        Domain::parse(domain).is_ok_and(|domain| address.domain().is_within(&domain))
    });
    if inside {
        return Ok(address);
    }
    Err(format!(
        "reports.scheduled.to: found `{text}`, which is outside trust.internal_domains and trust.partner_domains; allowed: the trust's own \
         and secure partners; choose another"
    ))
}

/// Sends reports as they are due until `stop` turns true. `senders` are those of the configuration.
pub async fn run(
    schedule: Schedule,
    pipeline: crate::pipeline::way::Pipeline,
    store: Custody,
    senders: Senders,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let tools = pipeline.tools();
        let done = schedule.round(
            &store,
            &senders,
            &tools.policy,
            &tools.zone,
            SystemTime::now(),
        );
        match done.await {
            Ok(0) => {}
            Ok(sent) => tracing::info!(reports = sent, "scheduled reports are in the queue"),
            Err(error) => {
                metrics::counter!("beadle_notice_failures_total").increment(1);
                tracing::error!(%error, alarm = true, "scheduled reports are put off");
            }
        }
        let ended = tokio::time::timeout(LOOK, stop.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn period(every: Every, now: &str) -> Option<(String, String)> {
        due(every, at(now)).map(|period| (period.from.to_string(), period.to.to_string()))
    }

    #[test]
    fn a_report_is_about_the_last_whole_week_or_month() {
        let week = Some(("2026-11-16".to_owned(), "2026-11-22".to_owned()));
        // A Monday before and after six, and the Sunday that ends the next week.
        assert_eq!(period(Every::Week, "2026-11-23T05:59:00"), None);
        assert_eq!(period(Every::Week, "2026-11-23T06:00:00"), week);
        assert_eq!(period(Every::Week, "2026-11-29T23:59:00"), week);
        let month = Some(("2026-02-01".to_owned(), "2026-02-28".to_owned()));
        assert_eq!(period(Every::Month, "2026-03-01T05:00:00"), None);
        assert_eq!(period(Every::Month, "2026-03-01T06:00:00"), month);
        assert_eq!(period(Every::Month, "2026-03-31T06:00:00"), month);
        let december = period(Every::Month, "2027-01-01T12:00:00").unwrap();
        assert_eq!(december.0, "2026-12-01");
    }
}
