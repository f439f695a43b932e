//! The configuration file: a structure of every module's own settings, read together and laid under the flags.
//!
//! # Invariants
//! `default.toml` documents every key; a test holds that it parses to the defaults and names every key there is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::checkpoints;
use crate::app::cli::{RuleArgs, ServeArgs};
use crate::app::letters;
use crate::app::reports;
use crate::app::settings::{self, SettingsError};
use crate::app::telemetry;
use crate::console;
use crate::console::sign_in::oidc::OidcConfig;
use crate::detect;
use crate::limits::Limits;
use crate::net::access;
use crate::net::inbound;
use crate::net::outbound::{Config as OutboundConfig, HopConfig};
use crate::net::tls_server;
use crate::policy::{SchoolConfig, SenderGroupConfig};
use crate::store::{BlobConfig, DatabaseConfig};

/// The sample that `check --print-default` prints.
pub const DEFAULT: &str = include_str!("default.toml");

/// All settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where things are kept and how long they may take.
    pub server: Server,
    /// Whose mail it is, and under which rules.
    pub trust: Trust,
    /// Where mail is accepted; `127.0.0.1:2525` in clear when none is set.
    pub listener: Vec<Listener>,
    /// Who may hand over mail.
    pub access: access::Config,
    /// Where passed mail goes.
    pub outbound: OutboundConfig,
    /// Holds, queue and keys.
    pub store: Store,
    /// Where signed checkpoints of the ledger are kept.
    pub ledger: checkpoints::Config,
    /// Processes that read rich attachments.
    pub worker: Worker,
    /// How pictures are read.
    pub extract: Extract,
    /// Looser ways of reading names; all off.
    pub detect: detect::Options,
    /// Ceilings for one message.
    pub limits: Limits,
    /// What people are told.
    pub notices: letters::Config,
    /// Reports that go out by mail.
    pub reports: reports::Config,
    /// The operator's listener.
    pub admin: Admin,
    /// The pages for people.
    pub console: Console,
    /// Log lines.
    pub log: telemetry::Config,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Our name in the banner, EHLO, trace headers and reports; the machine's host name when empty.
    pub name: String,
    /// Names this deployment in the trace header that stops loops; all nodes of a trust share it. The name when empty.
    pub instance: String,
    /// Folder for holds, queue, ledger and keys.
    pub data_dir: PathBuf,
    /// Deliver passed mail into this Maildir instead of to a next hop: for trying things out.
    pub maildir: Option<PathBuf>,
    /// Seconds from the last byte of a message to our answer; Postfix's filter client waits 100.
    pub reply_seconds: u64,
    /// Messages judged at a time; 0: two for each core.
    pub judging: usize,
    /// Seconds a message may wait for its turn to be judged before it is told 451 4.3.2.
    pub judging_wait_seconds: u64,
    /// Threads for sockets; 0: one for each core.
    pub threads: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: String::new(),
            instance: String::new(),
            data_dir: PathBuf::from("/var/lib/beadle"),
            maildir: None,
            reply_seconds: 90,
            judging: 0,
            judging_wait_seconds: 30,
            threads: 0,
        }
    }
}

/// `[trust]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// A built-in policy by name, or a policy file.
    pub policy: String,
    /// Where the trust is, by its name in the time zone database: for working hours and the last day of exceptions.
    pub time_zone: String,
    /// The trust's domains; subdomains count.
    pub internal_domains: Vec<String>,
    /// Secure partners' domains; subdomains count.
    pub partner_domains: Vec<String>,
    /// Rosters of pupils: files or folders, one or several.
    #[serde(deserialize_with = "one_or_several")]
    pub roster: Vec<PathBuf>,
    /// Lists of staff: files or folders, one or several.
    #[serde(deserialize_with = "one_or_several")]
    pub staff: Vec<PathBuf>,
    /// Folder whose `detectors`, `dictionaries` and `notices` replace built-in ones of the same name.
    pub patterns: Option<PathBuf>,
    /// The banks' modulus weight table (`valacdos.txt`), to tell account numbers from other digits.
    pub modulus_table: Option<PathBuf>,
    /// The sort code substitutions that belong to it (`scsubtab.txt`).
    pub sort_code_substitutions: Option<PathBuf>,
    /// Mailboxes of the roles that the policy knows, beside those it names itself.
    pub people: BTreeMap<String, Vec<String>>,
    /// The trust's schools, for access and reports by school.
    pub schools: Vec<SchoolConfig>,
    /// Groups of senders that reports tell apart.
    pub sender_groups: Vec<SenderGroupConfig>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            policy: "standard".to_owned(),
            time_zone: "Europe/London".to_owned(),
            internal_domains: Vec::new(),
            partner_domains: Vec::new(),
            roster: Vec::new(),
            staff: Vec::new(),
            patterns: None,
            modulus_table: None,
            sort_code_substitutions: None,
            people: BTreeMap::new(),
            schools: Vec::new(),
            sender_groups: Vec::new(),
        }
    }
}

/// A path, or a list of paths.
fn one_or_several<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a path, or a list of paths")]
    enum Paths {
        One(PathBuf),
        Several(Vec<PathBuf>),
    }
    Ok(match Paths::deserialize(from)? {
        Paths::One(path) => vec![path],
        Paths::Several(paths) => paths,
    })
}

/// `[[listener]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// Certificate and key; without them no STARTTLS is offered.
    pub tls: Option<tls_server::Config>,
    /// How sessions are run.
    pub session: inbound::Config,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 2525)),
            tls: None,
            session: inbound::Config::default(),
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Which database.
    pub database: DatabaseConfig,
    /// Days that a release lets the same message pass again.
    pub ticket_days: u32,
    /// Days that the facts of judged messages are kept, for `policy replay`; 0 keeps none.
    pub facts_days: u32,
    /// File with the master keys, mode 0600 or 0400; made in the data folder on first start when no source is set.
    pub key_file: Option<PathBuf>,
    /// Environment variable with the master keys, instead of a file.
    pub key_env: Option<String>,
    /// Credential of systemd with the master keys, instead of a file.
    pub key_credential: Option<String>,
    /// Program with its arguments that prints the master keys, instead of a file.
    pub key_command: Vec<String>,
    /// Variables that the program may see besides `PATH` and `HOME`.
    pub key_command_env: Vec<String>,
    /// Where sealed messages are kept.
    pub blobs: BlobConfig,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            ticket_days: 7,
            facts_days: 30,
            key_file: None,
            key_env: None,
            key_credential: None,
            key_command: Vec::new(),
            key_command_env: Vec::new(),
            database: DatabaseConfig::default(),
            blobs: BlobConfig::default(),
        }
    }
}

/// `[worker]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Child processes that read attachments; 0: one for each core.
    pub processes: usize,
    /// Seconds after which a child that is still reading one file is killed; the file is unread then.
    pub file_seconds: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            processes: 0,
            file_seconds: 20,
        }
    }
}

/// `[extract]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extract {
    /// `auto` (Tesseract if it is installed), `off`, or the path of Tesseract.
    pub ocr: String,
    /// What a picture is in which OCR finds nothing like text.
    pub textless_pictures: Textless,
}

impl Default for Extract {
    fn default() -> Self {
        Self {
            ocr: "auto".to_owned(),
            textless_pictures: Textless::Unread,
        }
    }
}

/// What a picture without text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Textless {
    /// Unread: a photograph may show a face, handwriting, or a list that OCR could not make out.
    Unread,
    /// Read: there was nothing to read in it.
    Read,
}

/// Where Tesseract may be under `auto`.
const TESSERACT: [&str; 2] = ["/usr/bin/tesseract", "/usr/local/bin/tesseract"];

impl Extract {
    /// The Tesseract to use; `None` when OCR is off or not installed. An error names what was found and what is allowed.
    pub fn tesseract(&self) -> Result<Option<PathBuf>, String> {
        use std::os::unix::fs::PermissionsExt;
        let runs = |path: &Path| {
            std::fs::metadata(path)
                .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
        };
        match self.ocr.as_str() {
            "off" => Ok(None),
            "auto" => Ok(TESSERACT.iter().map(PathBuf::from).find(|path| runs(path))),
            path if Path::new(path).is_absolute() && runs(Path::new(path)) => {
                Ok(Some(PathBuf::from(path)))
            }
            other => Err(format!(
                "extract.ocr: found `{other}`, which is no program that can be run; allowed: auto, off, or the full path of Tesseract; \
                 install tesseract-ocr and its English data, or set `off`"
            )),
        }
    }
}

/// `[admin]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port for /livez, /readyz and /metrics; nothing is served when not set.
    pub listen: Option<SocketAddr>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 9225))),
        }
    }
}

/// `[console]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// Address and port; there is no console when not set.
    pub address: Option<SocketAddr>,
    /// Certificate and key. Without them the address must be loopback, or a proxy of `site.trusted_proxies` must be in front.
    pub tls: Option<tls_server::Config>,
    /// How people reach it.
    pub site: console::Config,
    /// By whom people sign in, beside local accounts.
    pub oidc: Vec<OidcConfig>,
}

/// Reads the configuration file, if one is named, with the environment over it.
pub fn load(path: Option<&Path>) -> Result<Config, SettingsError> {
    settings::read(
        path,
        std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))),
    )
}

impl Config {
    /// Lays the flags that `serve`, `scan`, `check` and `explain` share over the file.
    #[must_use]
    pub fn with_rules(mut self, args: &RuleArgs) -> Self {
        let trust = &mut self.trust;
        if let Some(policy) = &args.policy {
            trust.policy.clone_from(policy);
        }
        if !args.roster.is_empty() {
            trust.roster.clone_from(&args.roster);
        }
        if !args.staff.is_empty() {
            trust.staff.clone_from(&args.staff);
        }
        if !args.internal_domain.is_empty() {
            trust.internal_domains.clone_from(&args.internal_domain);
        }
        if !args.partner_domain.is_empty() {
            trust.partner_domains.clone_from(&args.partner_domain);
        }
        self
    }

    /// Lays the flags of `serve` over the file.
    pub fn with_serve(self, args: &ServeArgs) -> Result<Self, SettingsError> {
        let mut config = self.with_rules(&args.rules);
        if let Some(address) = args.listen {
            let first = config.listener.first().cloned().unwrap_or_default();
            config.listener = vec![Listener { address, ..first }];
        }
        if let Some(next_hop) = &args.next_hop {
            config.set_next_hop(next_hop)?;
        }
        if !args.allow.is_empty() {
            config.access.clients = access::Config::of_flags(&args.allow, &[]).clients;
        }
        if !args.sender_domain.is_empty() {
            config.access.sender_domains.clone_from(&args.sender_domain);
        }
        if let Some(address) = args.admin_listen {
            config.admin.listen = Some(address);
        }
        if let Some(address) = args.console_listen {
            config.console.address = Some(address);
        }
        if let Some(folder) = &args.data_dir {
            config.server.data_dir.clone_from(folder);
        }
        Ok(config)
    }

    /// `HOST:PORT` or `maildir:DIR`.
    fn set_next_hop(&mut self, text: &str) -> Result<(), SettingsError> {
        if let Some(folder) = text.strip_prefix("maildir:") {
            self.server.maildir = Some(PathBuf::from(folder));
            return Ok(());
        }
        let hop: HopConfig = text.parse().map_err(|error| SettingsError::Content {
            place: "--next-hop".to_owned(),
            message: format!("found `{text}`; {error}"),
            mend: "; or maildir:DIR".to_owned(),
        })?;
        self.server.maildir = None;
        self.outbound.hops = vec![hop];
        Ok(())
    }

    /// Fills in what follows from other settings: names, the sender domains, a listener.
    #[must_use]
    pub fn completed(mut self) -> Self {
        if self.server.name.is_empty() {
            self.server.name = host_name();
        }
        if self.server.instance.is_empty() {
            self.server.instance.clone_from(&self.server.name);
        }
        if self.access.sender_domains.is_empty() {
            self.access
                .sender_domains
                .clone_from(&self.trust.internal_domains);
        }
        if self.listener.is_empty() {
            self.listener.push(Listener::default());
        }
        for listener in &mut self.listener {
            if listener.session.hostname == inbound::Config::default().hostname {
                listener.session.hostname.clone_from(&self.server.name);
            }
        }
        if self.outbound.ehlo_name == OutboundConfig::default().ehlo_name {
            self.outbound.ehlo_name.clone_from(&self.server.name);
        }
        self
    }
}

/// The machine's host name, or `localhost`.
fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `# key = value` of the sample made real.
    fn uncommented() -> String {
        let is_key = |line: &str| {
            let name: String = line
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            !name.is_empty() && line[name.len()..].starts_with(" = ")
        };
        let made = |line: &str| match line.strip_prefix('#') {
            Some(rest) if is_key(rest) || rest.starts_with('[') => rest.to_owned() + "\n",
            _ => line.to_owned() + "\n",
        };
        DEFAULT.lines().map(made).collect()
    }

    #[test]
    fn the_sample_is_the_default() {
        let sample: Config = toml::from_str(DEFAULT).unwrap();
        assert_eq!(
            sample.completed(),
            Config {
                listener: vec![Listener::default()],
                ..Config::default()
            }
            .completed()
        );
    }

    #[test]
    fn every_key_of_the_sample_exists_and_every_key_is_in_the_sample() {
        let text = uncommented();
        let full: Config = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        let have: toml::Table = toml::from_str(&text).unwrap();
        let serialized = toml::Table::try_from(&full).unwrap();
        let mut missing = Vec::new();
        compare(&serialized, &have, "", &mut missing);
        assert!(
            missing.is_empty(),
            "not documented in default.toml: {missing:?}"
        );
    }

    #[test]
    fn one_roster_or_several() {
        let read = |text: &str| toml::from_str::<Trust>(text).map(|trust| trust.roster.len());
        assert_eq!(read("roster = 'a.csv'"), Ok(1));
        assert_eq!(read("roster = ['a', 'b.zip']"), Ok(2));
        let error = read("roster = 3").unwrap_err().to_string();
        assert!(error.contains("a path, or a list of paths"), "{error}");
    }

    fn compare(all: &toml::Table, have: &toml::Table, at: &str, missing: &mut Vec<String>) {
        for (key, value) in all {
            let path = format!("{at}{key}");
            match (value, have.get(key)) {
                (_, None) => missing.push(path),
                (toml::Value::Table(all), Some(toml::Value::Table(have))) => {
                    compare(all, have, &format!("{path}."), missing);
                }
                (toml::Value::Array(all), Some(toml::Value::Array(have))) => {
                    if let (Some(toml::Value::Table(all)), Some(toml::Value::Table(have))) =
                        (all.first(), have.first())
                    {
                        compare(all, have, &format!("{path}[]."), missing);
                    }
                }
                _ => {}
            }
        }
    }
}
