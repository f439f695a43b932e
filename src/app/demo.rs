//! `demo`: a relay on loopback with built-in sample data, the sample messages sent through it by SMTP, and a table of what became of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rust_embed::RustEmbed;

use crate::app::account;
use crate::app::cli::DemoArgs;
use crate::app::config::{Admin, Config, Console, Listener, Server, Trust};
use crate::app::serve;
use crate::app::wiring::{self, Running, StartError};
use crate::console;
use crate::mail::{Address, Envelope, QueueId};
use crate::net::access;
use crate::net::outbound::SmtpNextHop;
use crate::net::outbound::{Config as OutboundConfig, HopConfig};
use crate::policy::SchoolConfig;
use crate::relay::{Attempt, NextHop, Outgoing, Partial};
use crate::store::{Custody, Referenced};

/// The sample messages with their manifest.
#[derive(RustEmbed)]
#[folder = "corpus/demo"]
struct Messages;

/// The sample pupils, whom the examples of detectors name too.
pub(super) const ROSTER: &str = include_str!("../../patterns/sample/roster.csv");
/// The sample members of staff.
pub(super) const STAFF: &str = include_str!("../../patterns/sample/staff.csv");

/// Domain of the sample trust and of its secure partner.
const INTERNAL: &str = "oakfield-trust.example";
const PARTNER: &str = "council-safeguarding.example";

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The relay did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file could not be written, or output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// The sample messages are not as they should be.
    #[error("sample messages: {0}")]
    Samples(String),
}

/// A line of the samples' manifest.
#[derive(serde::Deserialize)]
struct Sample {
    file: String,
    mail_from: String,
    rcpt_to: Vec<String>,
    why: String,
}

/// Runs the demo.
pub async fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<(), DemoError> {
    let folder = match &args.data_dir {
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new()
            .prefix("beadle-demo-")
            .tempdir()?
            .keep(),
    };
    let running = wiring::start(config(&folder)?).await?;
    let address = running
        .addresses
        .first()
        .copied()
        .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    writeln!(
        out,
        "The relay listens on {address}, its data is in {}\n",
        folder.display()
    )?;
    let outcomes = send_all(address, &running.store, out).await?;
    summarise(&outcomes, &folder, out)?;
    if args.keep_running {
        keep_running(running, address, &folder, out).await?;
    } else {
        running.stop().await;
        writeln!(
            out,
            "\nWhat is released goes out while a relay runs on that folder: add --keep-running to have one."
        )?;
    }
    Ok(())
}

/// The embedded defaults: sample roster and policy, SQLite, a Maildir as next hop, everything on loopback.
fn config(folder: &Path) -> io::Result<Config> {
    let sample = folder.join("sample");
    std::fs::create_dir_all(&sample)?;
    std::fs::write(sample.join("roster.csv"), ROSTER)?;
    std::fs::write(sample.join("staff.csv"), STAFF)?;
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let domains = [INTERNAL.to_owned()];
    Ok(Config {
        server: Server {
            name: "beadle.demo.example".to_owned(),
            data_dir: folder.join("data"),
            maildir: Some(folder.join("maildir")),
            ..Server::default()
        },
        trust: Trust {
            internal_domains: domains.to_vec(),
            partner_domains: vec![PARTNER.to_owned()],
            roster: vec![sample.join("roster.csv")],
            staff: vec![sample.join("staff.csv")],
            schools: schools(),
            ..Trust::default()
        },
        listener: vec![Listener {
            address: loopback,
            ..Listener::default()
        }],
        access: access::Config::of_flags(&["127.0.0.0/8".to_owned()], &domains),
        admin: Admin {
            listen: Some(loopback),
        },
        console: Console {
            address: Some(loopback),
            site: console::Config {
                trust_name: "Oakfield Trust".to_owned(),
                ..console::Config::default()
            },
            ..Console::default()
        },
        ..Config::default()
    })
}

/// The sample trust's schools.
fn schools() -> Vec<SchoolConfig> {
    let school = |id: &str, name: &str| SchoolConfig {
        id: id.to_owned(),
        name: name.to_owned(),
        domains: vec![format!("{id}.{INTERNAL}")],
    };
    vec![
        school("brookmere", "Brookmere Primary School"),
        school("fenwick", "Fenwick Academy"),
    ]
}

fn samples() -> Result<Vec<Sample>, DemoError> {
    let wrong = |found: &str| DemoError::Samples(found.to_owned());
    let manifest = Messages::get("manifest.jsonl").ok_or_else(|| wrong("no manifest"))?;
    let text = std::str::from_utf8(&manifest.data).map_err(|_| wrong("manifest is not UTF-8"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            serde_json::from_str(line).map_err(|error| DemoError::Samples(error.to_string()))
        })
        .collect()
}

/// Sends every sample and prints its row; counts outcomes.
async fn send_all(
    address: SocketAddr,
    store: &Custody,
    out: &mut dyn Write,
) -> Result<BTreeMap<&'static str, usize>, DemoError> {
    let hop = HopConfig {
        host: address.ip().to_string(),
        port: address.port(),
        ..HopConfig::default()
    };
    let config = OutboundConfig {
        hops: vec![hop],
        ehlo_name: "mail.oakfield-trust.example".to_owned(),
        ..OutboundConfig::default()
    };
    let client =
        SmtpNextHop::new(&config).map_err(|error| DemoError::Samples(error.to_string()))?;
    let mut outcomes = BTreeMap::new();
    for (number, sample) in samples()?.into_iter().enumerate() {
        let attempt = client.deliver(outgoing(&sample, number)?).await;
        let (outcome, reason) = outcome(attempt, store).await;
        *outcomes.entry(outcome).or_default() += 1;
        writeln!(
            out,
            "{outcome:<10} {}",
            sample.file.trim_start_matches("messages/")
        )?;
        writeln!(
            out,
            "           to {}: {}",
            sample.rcpt_to.join(", "),
            sample.why
        )?;
        for line in reason {
            writeln!(out, "           {line}")?;
        }
        out.flush()?;
    }
    Ok(outcomes)
}

fn outgoing(sample: &Sample, number: usize) -> Result<Outgoing, DemoError> {
    let wrong = |found: String| DemoError::Samples(found);
    let file = Messages::get(&sample.file)
        .ok_or_else(|| wrong(format!("`{}` is not there", sample.file)))?;
    let address = |text: &String| {
        Address::parse(text).map_err(|error| wrong(format!("`{}`: {error}", sample.file)))
    };
    let sender = if sample.mail_from.is_empty() {
        None
    } else {
        Some(address(&sample.mail_from)?)
    };
    let rcpts: Result<Vec<Address>, DemoError> = sample.rcpt_to.iter().map(address).collect();
    let mut id = [0; 10];
    id[2..].copy_from_slice(&(number as u64).to_be_bytes());
    Ok(Outgoing {
        id: QueueId::from_random(id),
        envelope: Envelope::of(sender, rcpts?),
        prefix: Bytes::new(),
        message: Bytes::from(file.data.into_owned()),
        partial: Partial::AllOrDefer,
        encrypt: false,
        xforward: None,
    })
}

/// What became of a sample, and why in the relay's own words.
async fn outcome(attempt: Attempt, store: &Custody) -> (&'static str, Vec<String>) {
    match attempt {
        Attempt::Accepted { reply, .. } => match held(&reply.lines, store).await {
            Some(rules) => ("held", rules),
            None => ("delivered", Vec::new()),
        },
        Attempt::Failed { reply, .. } if reply.is_permanent() => {
            ("refused", vec![reply.to_string()])
        }
        Attempt::Failed { reply, .. } | Attempt::Unknown { reply } => {
            ("deferred", vec![reply.to_string()])
        }
    }
}

/// The rules of the hold whose reference the reply cites, if it cites one.
async fn held(lines: &[String], store: &Custody) -> Option<Vec<String>> {
    let reference = lines.iter().find_map(|line| {
        line.split_once("(ref ")?
            .1
            .split_once(')')
            .map(|(text, _)| text)
    })?;
    let Ok(Referenced::Hold(id)) = store.find_reference(reference).await else {
        return None;
    };
    let hold = store.open_hold(id).await.ok()?;
    let rule = |rule: &crate::store::RuleRecord| match &rule.clause {
        Some(clause) => format!("{}: {} ({clause}): {}", rule.id, rule.title, rule.because),
        None => format!("{}: {}: {}", rule.id, rule.title, rule.because),
    };
    Some(
        std::iter::once(format!("hold {id}"))
            .chain(hold.record.rules.iter().map(rule))
            .collect(),
    )
}

fn summarise(
    outcomes: &BTreeMap<&'static str, usize>,
    folder: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    let counts: Vec<String> = outcomes
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    let (program, data) = (program(), folder.join("data"));
    writeln!(out, "\n{}\n", counts.join(", "))?;
    writeln!(
        out,
        "Delivered mail is in {}",
        folder.join("maildir").join("new").display()
    )?;
    writeln!(out, "What was held waits for a reviewer:")?;
    writeln!(out, "  {program} holds list --data-dir {}", data.display())?;
    writeln!(
        out,
        "  {program} holds show ID --data-dir {}",
        data.display()
    )?;
    writeln!(
        out,
        "  {program} holds release ID --reason \"parent asked for it\" --data-dir {}",
        data.display()
    )?;
    writeln!(
        out,
        "  {program} holds refuse ID --reason \"wrong recipient\" --data-dir {}",
        data.display()
    )
}

/// How this program is called again.
fn program() -> String {
    std::env::current_exe().map_or_else(
        |_| "beadle".to_owned(),
        |path: PathBuf| path.display().to_string(),
    )
}

async fn keep_running(
    running: Running,
    address: SocketAddr,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<(), DemoError> {
    writeln!(
        out,
        "\nThe relay goes on listening on {address}; releases are delivered while it runs. Try it:"
    )?;
    writeln!(
        out,
        "  swaks --server {address} --from you@{INTERNAL} --to someone@elsewhere.example --body 'Hello'"
    )?;
    if let Some(admin) = running.admin {
        writeln!(out, "  curl http://{admin}/metrics")?;
    }
    if let Some(console) = running.console {
        let proof = account::for_demo(&running.store)
            .await
            .map_err(|error| DemoError::Samples(error.to_string()))?;
        let codes: Vec<&str> = proof.recovery().take(3).collect();
        writeln!(out, "\nThe console is at http://{console}")?;
        writeln!(
            out,
            "  login demo, password {}, and as code one of {} (each good once)",
            proof.password(),
            codes.join(", ")
        )?;
    }
    writeln!(out, "Stop it with Ctrl-C.")?;
    out.flush()?;
    let folder = folder.to_owned();
    let again = Arc::new(move || config(&folder));
    serve::wait(&running, || {
        again().map_err(|source| crate::app::settings::SettingsError::Read {
            path: PathBuf::from("sample"),
            source,
        })
    })
    .await?;
    running.stop().await;
    Ok(())
}
