//! Notices as they are configured: settings, templates, and the letter of a reviewer's refusal.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::app::config;
use crate::app::tools::{self, ToolsError};
use crate::console;
use crate::mail::Address;
use crate::pipeline::notices::{Notices, Settings, trust};
use crate::policy::{Policy, Schools, SchoolsError};
use crate::quarantine::desk::{ComposeNotice, NoticeRequest};
use crate::relay::notice::calendar::Calendar;
use crate::relay::notice::content::{RuleText, TrustText, moment};
use crate::relay::notice::link::Links;
use crate::relay::notice::plan::Limits;
use crate::relay::notice::{RefusedHold, Templates};
use crate::store::{Custody, HoldDetails};

/// Hours between reminders at most: two working weeks, and most policies end a hold after four.
const AGEING_AT_MOST: u32 = 240;

/// `[notices]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address they come from, one that people read; without it nobody is told.
    pub from: Option<String>,
    /// The name shown with it.
    pub from_name: String,
    /// When daily digests go out, by the trust's clock: hours and minutes.
    pub digest_at: String,
    /// Notices at once to one role within an hour; what is beyond goes into its digest.
    pub role_hourly: u32,
    /// Notices to one sender within an hour.
    pub sender_hourly: u32,
    /// A page with help, when the policy names none.
    pub help_url: Option<String>,
    /// Where staff share files by link, by the name they know.
    pub cloud: Option<String>,
    /// The address that people reach the console at, for links; without it notices have none.
    pub console_url: Option<String>,
    /// Hours on working days after which those who review are reminded of what waits, and again after as many; 0: never.
    pub ageing_hours: u32,
    /// Days beside weekends on which nobody works: `2026-12-25`, or the first and the last of several, `2026-12-21/2027-01-01`.
    pub holidays: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            from: None,
            from_name: "Mail protection".to_owned(),
            digest_at: "07:30".to_owned(),
            role_hourly: 10,
            sender_hourly: 20,
            help_url: None,
            cloud: None,
            console_url: None,
            ageing_hours: 24,
            holidays: Vec::new(),
        }
    }
}

/// Why notices cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// The address is none.
    #[error(
        "notices.from: found `{0}`; allowed: an address of the trust such as dataprotection@trust.example; one that people read"
    )]
    From(String),
    /// The address is not the trust's.
    #[error(
        "notices.from: found an address outside trust.internal_domains; allowed: one of the trust's own"
    )]
    Outside,
    /// The time is none.
    #[error("notices.digest_at: found `{0}`; allowed: hours and minutes such as 07:30")]
    Time(String),
    /// The console's address is none that people could be sent to safely.
    #[error(
        "notices.console_url: found `{0}`; allowed: https://HOST or https://HOST:PORT without a path, http:// for a loopback address only; \
         write the address that people type"
    )]
    ConsoleUrl(String),
    /// The hours of reminders are too many.
    #[error(
        "notices.ageing_hours: found {0}; allowed: 1 to {AGEING_AT_MOST}, or 0 for no reminders; the default is 24"
    )]
    Ageing(u32),
    /// A holiday is no day.
    #[error(
        "notices.holidays: found `{0}`; allowed: days such as 2026-12-25, or first and last such as 2026-12-21/2027-01-01"
    )]
    Holiday(String),
    /// The list of schools cannot be used.
    #[error(transparent)]
    Schools(#[from] SchoolsError),
    /// Policy or templates cannot be read.
    #[error(transparent)]
    Tools(#[from] ToolsError),
}

/// The notices of this configuration; `None` when no address is set.
pub fn notices(config: &config::Config, store: &Custody) -> Result<Option<Notices>, LettersError> {
    let Some(settings) = settings(config)? else {
        return Ok(None);
    };
    let templates = tools::templates(config.trust.patterns.as_deref())?;
    for problem in templates.problems() {
        tracing::error!(%problem, "ALARM: a template of notices is not used; the built-in one takes its place");
    }
    Ok(Some(Notices::new(settings, templates, store.clone())))
}

/// The settings of this configuration; `None` when no address is set.
pub fn settings(config: &config::Config) -> Result<Option<Settings>, LettersError> {
    let own = &config.notices;
    let Some(from) = &own.from else {
        return Ok(None);
    };
    let address = Address::parse(from).map_err(|_| LettersError::From(from.clone()))?;
    let policy = tools::policy(&config.trust)?;
    if !policy.classes.of(&address).is_internal() {
        return Err(LettersError::Outside);
    }
    let digest_at = own.digest_at.parse();
    Ok(Some(Settings {
        trust: words(config, &address),
        from: address,
        digest_at: digest_at.map_err(|_| LettersError::Time(own.digest_at.clone()))?,
        limits: Limits {
            per_role: own.role_hourly,
            per_sender: own.sender_hourly,
        },
        links: links(own)?,
        schools: Schools::new(&config.trust.schools)?,
        ageing: ageing(own)?,
        calendar: Calendar::parse(&own.holidays).map_err(LettersError::Holiday)?,
    }))
}

/// The console's pages; by the rules that the console has for its own address.
fn links(own: &Config) -> Result<Option<Links>, LettersError> {
    let Some(url) = &own.console_url else {
        return Ok(None);
    };
    let site = console::Config {
        url: url.clone(),
        ..console::Config::default()
    };
    let origin = site.origin();
    let origin = origin.map_err(|_| LettersError::ConsoleUrl(url.clone()))?;
    Ok(Some(Links::new(origin.text)))
}

fn ageing(own: &Config) -> Result<Option<Duration>, LettersError> {
    match own.ageing_hours {
        0 => Ok(None),
        hours @ 1..=AGEING_AT_MOST => Ok(Some(Duration::from_hours(u64::from(hours)))),
        hours => Err(LettersError::Ageing(hours)),
    }
}

fn words(config: &config::Config, from: &Address) -> TrustText {
    TrustText {
        name: config.notices.from_name.clone(),
        address: from.to_string(),
        help: config.notices.help_url.clone(),
        cloud: config.notices.cloud.clone(),
        ..TrustText::default()
    }
}

/// Writes notices to senders of holds that a reviewer refused; from the postmaster when no address is set.
pub fn refusals(config: &config::Config) -> ComposeNotice {
    let domain = config
        .trust
        .internal_domains
        .first()
        .unwrap_or(&config.server.name);
    let postmaster = format!("postmaster@{domain}");
    let from = config.notices.from.as_ref().unwrap_or(&postmaster);
    let from = Address::parse(from).ok();
    let templates = tools::templates(config.trust.patterns.as_deref());
    let templates = templates.unwrap_or_else(|_| Templates::embedded());
    let policy = tools::policy(&config.trust).ok();
    let zone = tools::zone(&config.trust).unwrap_or(jiff::tz::TimeZone::UTC);
    let words = from.as_ref().map(|from| words(config, from));
    let links = links(&config.notices).ok().flatten();
    Arc::new(move |request: &NoticeRequest<'_>| -> Option<Bytes> {
        let hold = request.hold;
        let (to, words) = (hold.envelope.mail_from.address()?, words.as_ref()?);
        // The sender of an automatic forward is an outsider, and nobody outside is ever told.
        if policy
            .as_ref()
            .is_some_and(|policy| is_outsider(policy, to))
        {
            return None;
        }
        let notice = RefusedHold {
            id: request.id,
            from: from.as_ref()?,
            trust: policy
                .as_ref()
                .map_or_else(|| words.clone(), |policy| trust(policy, words)),
            to,
            reference: hold.summary.id.reference(),
            rules: rules(hold),
            found: found(hold),
            reason: request.reason,
            link: links.as_ref().map(|links| links.mine(hold.summary.id)),
            arrived: moment(hold.summary.received_at, &zone),
            now: SystemTime::now(),
        };
        notice.compose(&templates).ok().map(|(_, message)| message)
    })
}

fn is_outsider(policy: &Policy, address: &Address) -> bool {
    let classes = &policy.classes;
    classes.knows_internal() && !classes.of(address).is_internal()
}

fn rules(hold: &HoldDetails) -> Vec<RuleText> {
    let rules = hold.record.rules.iter().map(|rule| RuleText {
        id: rule.id.clone(),
        title: rule.title.clone(),
        clause: rule.clause.clone(),
        ..RuleText::default()
    });
    rules.collect()
}

fn found(hold: &HoldDetails) -> Vec<String> {
    let rules = hold.record.rules.iter();
    rules.map(|rule| rule.because.clone()).collect()
}
