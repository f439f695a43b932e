//! Reports of a period, cut to the schools that somebody may see.
//!
//! # Invariants
//! A scope that names no school covers what the caller may see and nothing more. Addresses of senders stand in the senders' report only for
//! callers who see holds' senders anyway, and only of holds whose content is still kept.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::console::access::{Permission, Reach, sender_of};
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::report::form::Form;
use crate::report::model::Period;
use crate::report::{self, Report, Scope};
use crate::store::HoldQuery;
use crate::store::ledger::action;

/// Days of a report that names none.
pub const USUAL_DAYS: i64 = 30;

/// Holds looked through for the addresses of senders.
const ADDRESSES: u32 = 1_000;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was stopped, decided, and judged.
    Summary,
    /// What would have left.
    NearMisses,
    /// Patterns of senders, and training.
    Senders,
    /// What ended, and what is kept.
    Retention,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Summary,
        Self::NearMisses,
        Self::Senders,
        Self::Retention,
    ];

    /// The name used in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::NearMisses => "near-misses",
            Self::Senders => "senders",
            Self::Retention => "retention",
        }
    }

    /// The report of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it takes to see it.
    pub fn permission(self) -> Permission {
        match self {
            Self::Summary | Self::NearMisses => Permission::SeeReports,
            Self::Senders => Permission::SeeSenders,
            Self::Retention => Permission::SeeRetention,
        }
    }
}

/// What a report is to cover.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The first day; 29 days before the last when not given.
    pub from: Option<Date>,
    /// The last day; today when not given.
    pub to: Option<Date>,
    /// The id of a school.
    pub school: Option<String>,
    /// The id of a rule.
    pub rule: Option<String>,
    /// The id of a group of senders.
    pub group: Option<String>,
}

impl Wanted {
    /// What an address asks for.
    pub fn read(fields: &Fields) -> Result<Self, Refusal> {
        let day = |name: &str| {
            let text = fields.text(name);
            if text.is_empty() {
                return Ok(None);
            }
            let wrong = |_| Refusal::Wrong(format!("{name}: a day such as 2026-11-28"));
            text.parse().map(Some).map_err(wrong)
        };
        let some = |name: &str| Some(fields.text(name).to_owned()).filter(|text| !text.is_empty());
        Ok(Self {
            from: day("from")?,
            to: day("to")?,
            school: some("school"),
            rule: some("rule"),
            group: some("group"),
        })
    }
}

/// Makes a report.
pub async fn make(
    site: &Site,
    caller: &Caller,
    kind: Kind,
    wanted: &Wanted,
) -> Result<Report, Refusal> {
    let scope = scope(site, caller, kind.permission(), wanted)?;
    let addresses = match kind {
        Kind::Senders if caller.access.may(Permission::SeeHolds) => {
            Some(addresses(site, caller).await?)
        }
        _ => None,
    };
    let wanted = match (kind, &addresses) {
        (Kind::Summary, _) => report::Wanted::Summary,
        (Kind::NearMisses, _) => report::Wanted::NearMisses,
        (Kind::Senders, Some(addresses)) => report::Wanted::Addresses(addresses),
        (Kind::Senders, None) => report::Wanted::Senders,
        (Kind::Retention, _) => report::Wanted::Retention { follow: false },
    };
    gathered(site, &scope, wanted).await
}

/// The work-sheet of a breach as a report.
pub async fn breach(site: &Site, caller: &Caller, id: &str) -> Result<Report, Refusal> {
    let incident = super::breaches::incident(site, caller, id).await?;
    let scope = Scope::all(Period::ending(today(site), USUAL_DAYS));
    gathered(site, &scope, report::Wanted::Breach(incident.id)).await
}

async fn gathered(
    site: &Site,
    scope: &Scope,
    wanted: report::Wanted<'_>,
) -> Result<Report, Refusal> {
    let tools = site.pipeline().tools();
    let setting = report::Setting {
        senders: site.senders(),
        policy: &tools.policy,
        zone: site.time_zone(),
        now: site.now(),
    };
    Ok(report::gather(site.store(), setting, scope, wanted).await?)
}

/// The scope that was asked for, as far as the caller may see it.
fn scope(
    site: &Site,
    caller: &Caller,
    permission: Permission,
    wanted: &Wanted,
) -> Result<Scope, Refusal> {
    let school = wanted.school.as_deref().filter(|school| !school.is_empty());
    let schools = match (caller.access.reach(permission), school) {
        (Reach::Nowhere, _) => return Err(Refusal::Denied),
        (_, Some(school)) if !caller.access.may_for(permission, Some(school)) => {
            return Err(Refusal::Denied);
        }
        (_, Some(school)) => vec![school.to_owned()],
        (Reach::Everywhere, None) => Vec::new(),
        (Reach::Schools(own), None) => own.into_iter().collect(),
    };
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(Scope {
        period: period(site, wanted)?,
        schools,
        rule: some(&wanted.rule),
        group: some(&wanted.group),
    })
}

/// The days that were asked for.
pub fn period(site: &Site, wanted: &Wanted) -> Result<Period, Refusal> {
    let to = wanted.to.unwrap_or_else(|| today(site));
    let Some(from) = wanted.from else {
        return Ok(Period::ending(to, USUAL_DAYS));
    };
    Period::new(from, to).map_err(|error| Refusal::Wrong(error.to_string()))
}

/// Today by the trust's clock.
pub fn today(site: &Site) -> Date {
    local_now(site).date()
}

fn local_now(site: &Site) -> jiff::civil::DateTime {
    let now = jiff::Timestamp::try_from(site.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    site.time_zone().to_datetime(now)
}

/// The addresses of the latest senders whose mail is still kept, by the token that figures have.
async fn addresses(site: &Site, caller: &Caller) -> Result<HashMap<i64, String>, Refusal> {
    let query = HoldQuery {
        limit: ADDRESSES,
        ..HoldQuery::default()
    };
    let page = site.store().search_holds(&query).await?;
    let seen = page.holds.iter().filter(|hold| {
        caller
            .access
            .may_on(Permission::SeeSenders, hold, site.schools())
    });
    let senders = seen.filter_map(sender_of);
    Ok(senders
        .map(|sender| (site.store().sender_token(&sender), sender.to_string()))
        .collect())
}

/// A report as a file: its name and its bytes. The ledger notes that it left the console.
pub async fn save(
    site: &Site,
    caller: &Caller,
    report: &Report,
    form: Form,
) -> Result<(String, Vec<u8>), Refusal> {
    let (written, made) = (report.clone(), local_now(site));
    let bytes = tokio::task::spawn_blocking(move || form.write(&written, made)).await;
    let bytes = match bytes {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            tracing::error!(%error, "console: a report could not be written");
            return Err(Refusal::Fault("report"));
        }
        Err(_) => return Err(Refusal::Fault("report")),
    };
    let detail = serde_json::json!({ "report": report.kind, "form": form.name() });
    let (actor, now) = (caller.actor(), site.now());
    let noted = site
        .store()
        .note(actor, action::EXPORTED, None, &detail, now);
    noted.await?;
    let name = format!("{}-{}.{}", report.kind, today(site), form.name());
    Ok((name, bytes))
}
