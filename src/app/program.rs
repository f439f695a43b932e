//! This program as the console sees it: what is well, which policy is configured, whom and what it looks for.
//!
//! # Invariants
//! No name of a pupil leaves here: counts, files, reasons.
//!
//! # Known gaps
//! The configuration is the one that the program started with: a reload that names other files shows here after a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::app::config::Config;
use crate::app::people;
use crate::app::tools;
use crate::console::{
    Check, PolicySource, Premises, RosterContents, RosterFile, RosterRead, RosterState,
};
use crate::detect::{Catalogue, Engine};
use crate::pipeline::way::Pipeline;
use crate::policy::Policy;
use crate::relay::NextHop;
use crate::roster::{ImportReport, RosterKind, SkippedRow};
use crate::store::{Checkpoint, Custody, ProposalState};
use crate::worker;

/// How long a next hop may take to say what it offers.
const PATIENCE: Duration = Duration::from_secs(5);
/// A roster that is older misses pupils who joined: schools export monthly at least.
const ROSTER_LATE: Duration = Duration::from_hours(24 * 31);
/// A checkpoint is made every hour while there is something to sign; a late one is an alarm.
const CHECKPOINT_LATE: Duration = Duration::from_hours(3);
/// Certificates are renewed two to four weeks before their end.
const CERTIFICATE_SOON: Duration = Duration::from_hours(24 * 14);
/// Less room for holds is an alarm, as in `upkeep`.
const LITTLE_ROOM: u64 = 1 << 30;

/// The catalogue, and the engine that was built when it was read: a reload brings another.
type Kept = Option<(Arc<Engine>, Arc<Catalogue>)>;

/// This program.
pub(super) struct Program {
    pub(super) config: Config,
    pub(super) store: Custody,
    pub(super) pipeline: Pipeline,
    pub(super) next_hop: Arc<dyn NextHop>,
    pub(super) readers: Arc<worker::Pool>,
    pub(super) catalogue: Mutex<Kept>,
}

#[async_trait]
impl Premises for Program {
    async fn health(&self) -> Vec<Check> {
        let now = SystemTime::now();
        let offered = tokio::time::timeout(PATIENCE, self.next_hop.offer()).await;
        let said = |name, good| check(name, good, String::new());
        let mut all = vec![
            said("store", self.store.probe().await.is_ok()),
            said("next-hop", offered.is_ok_and(|offer| offer.is_some())),
            self.readers().await,
            self.people(now),
            self.room(),
            self.checkpoint(now).await,
            self.policies().await,
            said("notices", self.pipeline.notices().is_some()),
        ];
        all.extend(self.certificates(now));
        all
    }

    fn policy_source(&self) -> Option<PolicySource> {
        let name = self.config.trust.policy.clone();
        // As `tools::read_policy` decides.
        let built_in = Policy::names().contains(&name.as_str()) || !Path::new(&name).exists();
        Some(PolicySource {
            name,
            is_file: !built_in,
        })
    }

    fn fitted(&self, policy: &Policy) -> Result<Policy, String> {
        tools::with_domains(policy, &self.config.trust).map_err(|error| error.to_string())
    }

    fn catalogue(&self) -> Result<Arc<Catalogue>, String> {
        let engine = Arc::clone(&self.pipeline.tools().engine);
        let mut kept = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((known, catalogue)) = &*kept
            && Arc::ptr_eq(known, &engine)
        {
            return Ok(Arc::clone(catalogue));
        }
        let read = tools::catalogue(self.config.trust.patterns.as_deref());
        let read = Arc::new(read.map_err(|error| error.to_string())?);
        *kept = Some((engine, Arc::clone(&read)));
        Ok(read)
    }

    fn roster(&self) -> RosterState {
        let trust = &self.config.trust;
        let pupils = trust.roster.iter().map(|path| file(path, false));
        let staff = trust.staff.iter().map(|path| file(path, true));
        RosterState {
            people: self.pipeline.tools().engine.person_count(),
            taken_up_at: Some(self.pipeline.tools_since()),
            files: pupils.chain(staff).collect(),
        }
    }

    fn read_roster(&self) -> Result<RosterContents, String> {
        let trust = &self.config.trust;
        let mut contents = RosterContents::default();
        for (paths, kind) in [
            (&trust.roster, RosterKind::Pupils),
            (&trust.staff, RosterKind::Staff),
        ] {
            let is_staff = kind == RosterKind::Staff;
            let loaded = people::load(paths, kind).map_err(|error| error.to_string())?;
            if is_staff {
                contents.staff = loaded.roster.len();
            } else {
                contents.pupils = loaded.roster.len();
            }
            for (path, report) in &loaded.reports {
                contents.files.push(read(path, report, is_staff));
                if !is_staff {
                    for (school, number) in &report.schools {
                        *contents.schools.entry(school.clone()).or_default() += number;
                    }
                }
            }
        }
        Ok(contents)
    }
}

impl Program {
    /// Whether the processes that read attachments are confined.
    async fn readers(&self) -> Check {
        let readers = Arc::clone(&self.readers);
        let asked = tokio::task::spawn_blocking(move || readers.confinement());
        let held = tokio::time::timeout(PATIENCE, asked).await;
        match held.ok().and_then(Result::ok).flatten() {
            Some(held) => {
                let (landlock, calls) = (held.landlock.name(), held.seccomp.name());
                let detail = format!("Landlock {landlock}, seccomp {calls}");
                check("readers", held.is_full(), detail)
            }
            None => check("readers", false, String::new()),
        }
    }

    /// Whether there is a roster, and one of this month.
    fn people(&self, now: SystemTime) -> Check {
        let pupils = self.pipeline.tools().engine.person_count();
        let files = self.roster().files;
        let pupils_files = files.iter().filter(|file| !file.staff);
        let newest = pupils_files.filter_map(|file| file.changed_at).max();
        let age = newest.map(|at| now.duration_since(at).unwrap_or_default());
        let days = age.map(|age| age.as_secs() / 86_400);
        let good = pupils > 0 && age.is_some_and(|age| age < ROSTER_LATE);
        let detail = match days {
            Some(days) => format!("{pupils} pupils, newest file {days} days old"),
            None => format!("{pupils} pupils"),
        };
        check("roster", good, detail)
    }

    fn room(&self) -> Check {
        let Ok(free) = self.store.free_bytes() else {
            return check("room", false, String::new());
        };
        let least = LITTLE_ROOM.max(4 * self.store.config().reserve);
        let detail = format!("{:.1} GiB free", free as f64 / f64::from(1u32 << 30));
        check("room", free >= least, detail)
    }

    /// Whether the ledger's head was signed lately, or nothing has happened since it was.
    async fn checkpoint(&self, now: SystemTime) -> Check {
        let newest = self.store.newest_checkpoint().await.ok().flatten();
        let Some((entry, text)) = newest else {
            return check("checkpoint", false, String::new());
        };
        let end = self.store.ledger_end().await.unwrap_or(i64::MAX);
        let age = Checkpoint::parse(&text).map(|signed| signed.at);
        let age = age.map(|at| now.duration_since(at).unwrap_or_default());
        let minutes = age.map_or(0, |age| age.as_secs() / 60);
        let good = end == entry || age.is_some_and(|age| age < CHECKPOINT_LATE);
        let detail = format!("entry {entry} of {end}, signed {minutes} minutes ago");
        check("checkpoint", good, detail)
    }

    /// Whether a policy is in force that a second person must still approve.
    async fn policies(&self) -> Check {
        let all = self.store.policy_proposals().await.unwrap_or_default();
        let alone = all
            .iter()
            .filter(|one| one.state == ProposalState::Emergency);
        let number = alone.count();
        check("policy", number == 0, number.to_string())
    }

    /// How long the certificates of listeners and console are good for.
    fn certificates(&self, now: SystemTime) -> Vec<Check> {
        let listening = self.config.listener.iter();
        let listening = listening.filter_map(|listener| listener.tls.as_ref());
        let files: std::collections::BTreeSet<&PathBuf> = listening
            .chain(&self.config.console.tls)
            .map(|tls| &tls.certificate)
            .collect();
        let ends = |path: &&PathBuf| end_of(path);
        let all = files.iter().map(|path| {
            let left = ends(path).map(|end| end.duration_since(now).unwrap_or_default());
            let good = left.is_some_and(|left| left > CERTIFICATE_SOON);
            let days = left.map_or(0, |left| left.as_secs() / 86_400);
            check("certificate", good, format!("{days} days"))
        });
        all.collect()
    }
}

fn check(name: &'static str, good: bool, detail: String) -> Check {
    Check { name, good, detail }
}

/// When the first certificate of a file ends; `None` when there is none that can be read.
fn end_of(path: &Path) -> Option<SystemTime> {
    let first = CertificateDer::pem_file_iter(path).ok()?.next()?.ok()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&first).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A file of the roster as it is on disk; of a folder, the newest file in it.
fn file(path: &Path, staff: bool) -> RosterFile {
    let folder = path.is_dir();
    let changed = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|facts| facts.modified())
            .ok()
    };
    let inside = || {
        let entries = std::fs::read_dir(path).ok()?;
        // An export has a few dozen files; a folder that has more is not looked through.
        let times = entries
            .take(2_000)
            .filter_map(|entry| changed(&entry.ok()?.path()));
        times.max()
    };
    RosterFile {
        name: named(path),
        staff,
        folder,
        changed_at: if folder { inside() } else { changed(path) },
    }
}

fn named(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn read(path: &Path, report: &ImportReport, staff: bool) -> RosterRead {
    RosterRead {
        name: named(path),
        staff,
        format: report.format.clone(),
        rows: report.rows,
        people: report.people,
        left_out: by_reason(&report.skipped),
        doubtful: by_reason(&report.warnings),
    }
}

fn by_reason(rows: &[SkippedRow]) -> BTreeMap<&'static str, usize> {
    let mut reasons = BTreeMap::new();
    for row in rows {
        *reasons.entry(row.reason).or_default() += 1;
    }
    reasons
}
