//! `check`: validates everything that `serve` would use, and says of each what is wrong and how to mend it.

mod blobs;
mod detectors;
mod letters;

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::app::config::Config;
use crate::app::{admission, people, tools, wiring};
use crate::net::access::Access;
use crate::net::tls_server::TlsServer;
use crate::policy::Gravity;
use crate::roster::RosterKind;
use crate::store::{ProposalState, Standing};

/// The lines of a check, with the number of problems among them.
struct Report<'w> {
    out: &'w mut dyn Write,
    problems: usize,
}

impl Report<'_> {
    fn good(&mut self, what: &str, found: &str) -> io::Result<()> {
        writeln!(self.out, "ok       {what}: {found}")
    }

    fn note(&mut self, what: &str, found: &str) -> io::Result<()> {
        writeln!(self.out, "note     {what}: {found}")
    }

    fn problem(&mut self, what: &str, found: &str) -> io::Result<()> {
        self.problems += 1;
        writeln!(self.out, "PROBLEM  {what}: {found}")
    }
}

/// Checks everything and gives the number of problems. `offline` leaves the next hop and the blob store alone.
pub async fn run(config: &Config, offline: bool, out: &mut dyn Write) -> io::Result<usize> {
    let config = config.clone().completed();
    let mut report = Report { out, problems: 0 };
    domains(&config, &mut report)?;
    policy(&config, &mut report)?;
    approval(&config, &mut report).await?;
    patterns(&config, &mut report)?;
    letters::run(&config, &mut report)?;
    modulus_table(&config, &mut report)?;
    rosters(&config, &mut report)?;
    access(&config, &mut report)?;
    certificates(&config, &mut report)?;
    permissions(&config, &mut report)?;
    blobs::run(&config, offline, &mut report).await?;
    workers(&config, &mut report)?;
    next_hop(&config, offline, &mut report).await?;
    Ok(report.problems)
}

fn domains(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let (internal, partners) = (
        &config.trust.internal_domains,
        &config.trust.partner_domains,
    );
    if internal.is_empty() {
        return report.problem(
            "trust.internal_domains",
            "found none; the relay cannot tell inside from outside; list the trust's domains",
        );
    }
    report.good(
        "domains",
        &format!(
            "{} internal, {} of secure partners",
            internal.len(),
            partners.len()
        ),
    )
}

fn policy(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let policy = match tools::policy(&config.trust) {
        Ok(policy) => policy,
        Err(error) => return report.problem("policy", &error.to_string()),
    };
    let mut found = policy.check();
    match tools::zone(&config.trust) {
        Ok(zone) => {
            let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
            let today = zone.to_datetime(now).date();
            found.extend(policy.expired(today));
            found.extend(policy.overlong(today));
        }
        Err(error) => report.problem("time zone", &error.to_string())?,
    }
    let mut mistakes = 0;
    for problem in found {
        if problem.gravity == Gravity::Note {
            report.note("policy", &problem.to_string())?;
        } else {
            mistakes += 1;
            report.problem("policy", &problem.to_string())?;
        }
    }
    let reroutes = policy.rules.iter().find(|rule| {
        rule.action == crate::policy::Action::Reroute && rule.mode == crate::policy::Mode::Enforce
    });
    if let Some(rule) = reroutes.filter(|_| config.outbound.encrypting.is_empty()) {
        let found = format!(
            "rule {} reroutes to an encrypting next hop and there is none: such messages are held; add [[outbound.encrypting]]",
            rule.id
        );
        report.note("policy", &found)?;
    }
    if mistakes == 0 {
        report.good(
            "policy",
            &format!("`{}`, its own cases pass", config.trust.policy),
        )
    } else {
        Ok(())
    }
}

/// Whether the policy may be enforced, and whether one still waits for a second person.
async fn approval(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let Ok(read) = tools::read_policy(&config.trust) else {
        return Ok(());
    };
    let is_file = read.text.is_some();
    if !config.server.data_dir.join("beadle.db").exists() {
        if is_file {
            let found = "nothing is on record yet: the relay adopts the file when it first starts";
            report.note("approval", found)?;
        }
        return Ok(());
    }
    let store = match wiring::open_store(config, false).await {
        Ok(store) => store,
        Err(error) => return report.note("approval", &format!("not known: {error}")),
    };
    let name = &config.trust.policy;
    let standing = store.policy_standing(admission::configured(name, &read));
    let proposals = store.policy_proposals().await;
    match standing.await {
        Ok(Standing::BuiltIn) => {}
        Ok(Standing::Approved) => report.good("approval", "the policy file is approved")?,
        Ok(Standing::Emergency(id)) => {
            let found = format!("the policy file is in force by an emergency ({id})");
            report.note("approval", &found)?;
        }
        Ok(Standing::First) => {
            report.note(
                "approval",
                "the policy file is the first and will be adopted",
            )?;
        }
        Ok(Standing::Free) => {
            let found = "the policy file is a new one; the one before asks for no second person";
            report.note("approval", found)?;
        }
        Ok(standing @ Standing::Unknown { .. }) => {
            report.note("approval", &admission::refused(name, &standing))?;
        }
        Err(error) => report.note("approval", &format!("not known: {error}"))?,
    }
    let emergencies = proposals.into_iter().flatten();
    for proposal in emergencies.filter(|proposal| proposal.state == ProposalState::Emergency) {
        let id = proposal.id;
        let found = format!(
            "{} put a policy into force alone; a second person must approve it: beadle policy approve {id} --reason TEXT",
            proposal.requester
        );
        report.note("approval", &found)?;
    }
    store.close().await;
    Ok(())
}

fn patterns(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    match tools::catalogue(config.trust.patterns.as_deref()) {
        Ok(catalogue) => {
            report.good(
                "patterns",
                &format!(
                    "{} detectors, {} dictionaries",
                    catalogue.detectors.len(),
                    catalogue.dictionaries.len()
                ),
            )?;
            detectors::run(&catalogue, report)
        }
        Err(error) => report.problem("patterns", &error.to_string()),
    }
}

fn modulus_table(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    match tools::modulus_table(&config.trust) {
        Ok(None) => Ok(()),
        Ok(Some(table)) => report.good("trust.modulus_table", &format!("{} rules", table.len())),
        Err(error) => report.problem("trust.modulus_table", &error.to_string()),
    }
}

fn rosters(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    if config.trust.roster.is_empty() {
        return report.problem(
            "trust.roster",
            "found none; pupils' names cannot be found; export the roster and name it",
        );
    }
    match people::load(&config.trust.roster, RosterKind::Pupils) {
        Ok(loaded) => report.good("roster", &format!("{} pupils", loaded.roster.len()))?,
        Err(error) => report.problem("roster", &error.to_string())?,
    }
    if config.trust.staff.is_empty() {
        return report.note(
            "trust.staff",
            "found none; staff who share a pupil's name cannot be told apart",
        );
    }
    match people::load(&config.trust.staff, RosterKind::Staff) {
        Ok(loaded) => report.good("staff", &format!("{} people", loaded.roster.len())),
        Err(error) => report.problem("staff", &error.to_string()),
    }
}

fn access(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    match Access::new(&config.access) {
        Err(error) => report.problem("access", &error.to_string()),
        Ok(_) if config.access.clients.is_empty() => {
            report.problem("access.clients", "found none; nobody may hand over mail; add [[access.clients]] with the servers' networks")
        }
        Ok(_) => report.good("access", &format!("{} client rules", config.access.clients.len())),
    }
}

fn certificates(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    for listener in &config.listener {
        let what = format!("listener {}", listener.address);
        match listener.tls.clone().map(TlsServer::load) {
            Some(Err(error)) => report.problem(&what, &error.to_string())?,
            Some(Ok(_)) => report.good(&what, "certificate and key fit")?,
            None if listener.address.ip().is_loopback() => report.note(&what, "no certificate; fine on loopback")?,
            None => report.problem(&what, "no certificate: mail would arrive in clear; set listener.tls.certificate and listener.tls.key")?,
        }
    }
    Ok(())
}

/// Children that read attachments start, and what the kernel takes from them.
fn workers(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let pool = match wiring::workers(config, 1) {
        Ok(pool) => pool,
        Err(error) => return report.problem("workers", &error.to_string()),
    };
    let Some(held) = pool.confinement() else {
        return report.problem(
            "workers",
            "a process that reads attachments does not start; every rich attachment would be unread",
        );
    };
    match config.extract.tesseract() {
        Err(error) => report.problem("extract.ocr", &error)?,
        Ok(Some(path)) => report.good("pictures", &format!("read by {}", path.display()))?,
        Ok(None) => report.note(
            "pictures",
            "no OCR; every scan and photograph is unread, and held by the standard policy; install tesseract-ocr",
        )?,
    }
    let found = format!(
        "Landlock {}, seccomp {}",
        held.landlock.name(),
        held.seccomp.name()
    );
    if held.is_full() {
        report.good("workers", &found)
    } else {
        report.note(
            "workers",
            &format!("{found}; a kernel from 6.12 on with Landlock confines them fully"),
        )
    }
}

/// The data folder exists or can be made, is ours alone, and the key file likewise.
fn permissions(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let folder = &config.server.data_dir;
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_err() {
        let found = format!(
            "`{}` cannot be written by this user; change its owner or set server.data_dir",
            existing.display()
        );
        return report.problem("server.data_dir", &found);
    }
    for path in [Some(folder), config.store.key_file.as_ref()]
        .into_iter()
        .flatten()
    {
        let Ok(facts) = std::fs::metadata(path) else {
            continue;
        };
        if facts.permissions().mode() & 0o077 != 0 {
            let found = format!(
                "`{}` may be read by others; chmod go-rwx it",
                path.display()
            );
            return report.problem("permissions", &found);
        }
    }
    report.good("server.data_dir", &folder.display().to_string())
}

async fn next_hop(config: &Config, offline: bool, report: &mut Report<'_>) -> io::Result<()> {
    let hop = match wiring::next_hop(config) {
        Ok(hop) => hop,
        Err(error) => return report.problem("next hop", &error.to_string()),
    };
    if offline {
        return report.note("next hop", "settings are sound; not contacted");
    }
    match tokio::time::timeout(Duration::from_secs(20), hop.offer()).await {
        Ok(Some(offer)) => {
            let size = offer.size.map_or_else(
                || "no size limit".to_owned(),
                |size| format!("messages up to {size} bytes"),
            );
            let words = [
                (offer.chunking, "CHUNKING"),
                (offer.dsn, "DSN"),
                (offer.smtputf8, "SMTPUTF8"),
            ];
            let offered: Vec<&str> = words
                .iter()
                .filter(|(has, _)| *has)
                .map(|(_, word)| *word)
                .collect();
            report.good(
                "next hop",
                &format!("answers, takes {size}, offers {}", offered.join(" ")),
            )
        }
        _ => report.problem(
            "next hop",
            "does not answer; look at host, port, TLS level and the firewall between",
        ),
    }
}
