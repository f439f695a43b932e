//! `report`: figures of a period for boards and the regulator, from the command line.
//!
//! # Invariants
//! No sender's address stands in a report unless `--addresses` asks for it; no pupil's name ever does. Who may run this on the machine may open
//! every hold.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use crate::app::cli::StorePlace;
use crate::app::config::Config;
use crate::app::tools::{self, ToolsError};
use crate::app::wiring::{self, StartError};
use crate::mail::Address;
use crate::report::{
    Form, FormError, Period, PeriodError, ReportKind, Scope, Setting, Wanted, gather,
};
use crate::store::{Custody, HoldFilter, StoreError};

/// Days of a report when none are given.
const DAYS: i64 = 30;

/// Holds opened at a time to learn senders' addresses.
const PAGE: u32 = 1_000;

/// Flags of `report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// Which report.
    #[arg(value_enum, default_value_t = What::Summary)]
    pub report: What,
    /// For `breach`: its id, its reference, or the beginning of the id.
    pub id: Option<String>,
    /// A built-in policy by name, or a policy file: for the titles of rules and for how long things are kept.
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
    /// The first day, such as 2026-09-01; 30 days before the last when not given.
    #[arg(long, value_name = "DAY")]
    pub from: Option<Date>,
    /// The last day; today when not given.
    #[arg(long, value_name = "DAY")]
    pub to: Option<Date>,
    /// Count this school alone, by its id. Repeatable.
    #[arg(long, value_name = "ID")]
    pub school: Vec<String>,
    /// Count messages that this rule fired on alone.
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Count this group of senders alone.
    #[arg(long, value_name = "ID")]
    pub group: Option<String>,
    /// For `senders`: show addresses of senders, where a hold's content still tells them. They are personal data: mind where the report goes.
    #[arg(long)]
    pub addresses: bool,
    /// The form; by the end of the file's name, or text, when not given.
    #[arg(long, value_enum)]
    pub format: Option<FormArg>,
    /// The file to write; standard output when not given.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The reports, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// What was stopped, why, where, how quickly it was decided and how often wrongly.
    Summary,
    /// What would have left the trust and did not.
    NearMisses,
    /// Patterns of groups of senders and of senders, and what training would help.
    Senders,
    /// The work-sheet of one personal data breach.
    Breach,
    /// What ended and what is kept, with proofs.
    Retention,
}

impl From<What> for ReportKind {
    fn from(what: What) -> Self {
        match what {
            What::Summary => Self::Summary,
            What::NearMisses => Self::NearMisses,
            What::Senders => Self::Senders,
            What::Breach => Self::Breach,
            What::Retention => Self::Retention,
        }
    }
}

/// The forms, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// A page with charts, in one file.
    Html,
    /// Tables.
    Csv,
    /// A workbook.
    Xlsx,
    /// For boards and paper.
    Pdf,
    /// For a terminal.
    Text,
    /// One JSON object.
    Json,
}

impl From<FormArg> for Form {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Html => Self::Html,
            FormArg::Csv => Self::Csv,
            FormArg::Xlsx => Self::Xlsx,
            FormArg::Pdf => Self::Pdf,
            FormArg::Text => Self::Text,
            FormArg::Json => Self::Json,
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Policy, schools or groups cannot be read.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The days are no period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// It cannot be written in this form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A school or a group is not known.
    #[error("{flag}: found `{found}`; allowed: {allowed}; use one of them")]
    Unknown {
        /// The flag.
        flag: &'static str,
        /// What it says.
        found: String,
        /// What is known.
        allowed: String,
    },
    /// A breach is not named.
    #[error("report breach: found no id; allowed: the id or reference of a breach; name it")]
    NoId,
    /// What is no text would fill a terminal.
    #[error("--format {0}: this is no text for a terminal; name a file with --out")]
    Terminal(&'static str),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

impl ReportError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Missing | StoreError::Ambiguous)
        )
    }

    /// Whether the command line or the configuration cannot be used.
    pub fn is_unusable(&self) -> bool {
        matches!(
            self,
            Self::Tools(_)
                | Self::Period(_)
                | Self::Unknown { .. }
                | Self::NoId
                | Self::Terminal(_)
        )
    }
}

/// Makes the report that was asked for.
pub async fn run(
    args: &ReportArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let form = form(args);
    if args.out.is_none() && matches!(form, Form::Pdf | Form::Xlsx) && io::stdout().is_terminal() {
        return Err(ReportError::Terminal(form.name()));
    }
    let mut trust = config.trust.clone();
    if let Some(policy) = &args.policy {
        trust.policy.clone_from(policy);
    }
    let (read, senders) = (tools::read_policy(&trust)?, tools::senders(&trust)?);
    let zone = tools::zone(&trust)?;
    let now = SystemTime::now();
    let today = zone.to_datetime(jiff::Timestamp::try_from(now).unwrap_or_default());
    let scope = scope(args, today.date())?;
    known(
        "--school",
        &scope.schools,
        senders.schools.iter().map(|school| &*school.id),
    )?;
    known(
        "--group",
        scope.group.as_slice(),
        senders.groups.iter().map(|group| &*group.id),
    )?;
    let store = wiring::open_store(config, false).await?;
    store.set_retention(read.policy.governance.retention.clone());
    let setting = Setting {
        senders: &senders,
        policy: &read.policy,
        zone: &zone,
        now,
    };
    let names;
    let wanted = match args.report {
        What::Summary => Wanted::Summary,
        What::NearMisses => Wanted::NearMisses,
        What::Senders if args.addresses => {
            names = addresses(&store).await?;
            Wanted::Addresses(&names)
        }
        What::Senders => Wanted::Senders,
        What::Breach => {
            let id = args.id.as_deref().ok_or(ReportError::NoId)?;
            Wanted::Breach(store.find_incident(id).await?)
        }
        What::Retention => Wanted::Retention { follow: true },
    };
    let report = gather(&store, setting, &scope, wanted).await?;
    let bytes = form.write(&report, today)?;
    match &args.out {
        Some(path) => std::fs::write(path, &bytes)?,
        None => out.write_all(&bytes)?,
    }
    Ok(())
}

/// The form that is asked for, or that the file's name tells.
fn form(args: &ReportArgs) -> Form {
    if let Some(form) = args.format {
        return form.into();
    }
    let end = args.out.as_ref().and_then(|path| path.extension());
    let end = end.and_then(|end| end.to_str()).unwrap_or_default();
    let named = Form::ALL.into_iter();
    named
        .into_iter()
        .find(|form| form.name().eq_ignore_ascii_case(end))
        .unwrap_or(Form::Text)
}

fn scope(args: &ReportArgs, today: Date) -> Result<Scope, PeriodError> {
    let to = args.to.unwrap_or(today);
    let period = match args.from {
        Some(from) => Period::new(from, to)?,
        None => Period::ending(to, DAYS),
    };
    Ok(Scope {
        period,
        schools: args.school.clone(),
        rule: args.rule.clone(),
        group: args.group.clone(),
    })
}

fn known<'a>(
    flag: &'static str,
    wanted: &[String],
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ReportError> {
    let found = wanted
        .iter()
        .find(|id| !known.clone().any(|one| one == *id));
    let Some(found) = found else {
        return Ok(());
    };
    let allowed: Vec<&str> = known.collect();
    Err(ReportError::Unknown {
        flag,
        found: found.clone(),
        allowed: if allowed.is_empty() {
            "none, since none is configured".to_owned()
        } else {
            allowed.join(", ")
        },
    })
}

/// Addresses of senders by their token, from holds whose content is there.
async fn addresses(store: &Custody) -> Result<HashMap<i64, String>, StoreError> {
    let mut names = HashMap::new();
    let mut filter = HoldFilter {
        limit: PAGE,
        ..HoldFilter::default()
    };
    loop {
        let page = store.list_holds(filter).await?;
        for hold in &page {
            let sealed = hold.sealed.as_ref();
            if let Some(address) = sealed.and_then(|sealed| Address::parse(&sealed.mail_from).ok())
            {
                names
                    .entry(store.sender_token(&address))
                    .or_insert_with(|| address.to_string());
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => filter.before = Some(last.id),
            _ => return Ok(names),
        }
    }
}
