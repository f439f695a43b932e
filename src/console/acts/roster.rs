//! Whom the relay looks for: numbers, files, ages. Never a name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::jobs::Job;
use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::premises::{RosterContents, RosterRead};
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// The name of the one job.
const ABOUT: &str = "roster";

/// A file of the roster, as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FileLine {
    /// Its name without folders.
    pub name: String,
    /// Whether it lists staff rather than pupils.
    pub staff: bool,
    /// It is a folder with the files of one export.
    pub folder: bool,
    /// When it was changed last; `None` when it cannot be looked at.
    pub changed_at: Option<Moment>,
    /// It was changed after the relay took the roster up: it looks for what stood there before.
    pub newer: bool,
}

/// What the relay works with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RosterNow {
    /// Pupils that it looks for.
    pub people: usize,
    /// When it took them up.
    pub taken_up_at: Option<Moment>,
    /// The files.
    pub files: Vec<FileLine>,
    /// No file has changed since, and each can be looked at.
    pub fresh: bool,
}

/// How one file was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FileRead {
    /// Its name without folders.
    pub name: String,
    /// Whether it lists staff rather than pupils.
    pub staff: bool,
    /// What kind of file it is.
    pub format: String,
    /// Rows in it.
    pub rows: usize,
    /// People in it.
    pub people: usize,
    /// Rows that were left out, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Rows that were read in part, by reason.
    pub doubtful: BTreeMap<&'static str, usize>,
}

/// What stands in the files.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RosterCount {
    /// What is wrong with a file, when one cannot be used.
    pub problem: Option<String>,
    /// File by file.
    pub files: Vec<FileRead>,
    /// Pupils by the school that the files name; an empty name where they name none.
    pub schools: BTreeMap<String, usize>,
    /// Pupils in all.
    pub pupils: usize,
    /// Staff in all.
    pub staff: usize,
}

/// What the relay works with.
pub fn now(site: &Site, caller: &Caller) -> Result<RosterNow, Refusal> {
    needs(caller, Permission::SeeRoster)?;
    let state = site.premises().roster();
    let files: Vec<FileLine> = state
        .files
        .into_iter()
        .map(|file| FileLine {
            newer: file
                .changed_at
                .zip(state.taken_up_at)
                .is_some_and(|(changed, taken)| changed > taken),
            name: file.name,
            staff: file.staff,
            folder: file.folder,
            changed_at: file.changed_at.map(Moment),
        })
        .collect();
    Ok(RosterNow {
        people: state.people,
        taken_up_at: state.taken_up_at.map(Moment),
        fresh: files
            .iter()
            .all(|file| !file.newer && file.changed_at.is_some()),
        files,
    })
}

/// Has the files counted.
pub async fn count(site: &Site, caller: &Caller) -> Result<(), Refusal> {
    needs(caller, Permission::SeeRoster)?;
    let reading = site.clone();
    let work = async move {
        let read = tokio::task::spawn_blocking(move || reading.premises().read_roster());
        let read = read.await.map_err(|_| Refusal::Fault("roster"))?;
        Ok(counted(read))
    };
    site.work().rosters.begin(ABOUT, site.now(), work).await
}

/// What the last count came to.
pub fn last_count(site: &Site, caller: &Caller) -> Result<Option<Job<RosterCount>>, Refusal> {
    needs(caller, Permission::SeeRoster)?;
    Ok(site.work().rosters.of(ABOUT))
}

fn counted(read: Result<RosterContents, String>) -> RosterCount {
    let (contents, problem) = match read {
        Ok(contents) => (contents, None),
        Err(problem) => (RosterContents::default(), Some(problem)),
    };
    let line = |file: RosterRead| FileRead {
        name: file.name,
        staff: file.staff,
        format: file.format,
        rows: file.rows,
        people: file.people,
        left_out: file.left_out,
        doubtful: file.doubtful,
    };
    RosterCount {
        problem,
        files: contents.files.into_iter().map(line).collect(),
        schools: contents.schools,
        pupils: contents.pupils,
        staff: contents.staff,
    }
}

/// The result of a job that ended, if it did.
pub fn result<T>(job: Option<&Job<T>>) -> Option<Arc<T>> {
    match job {
        Some(Job::Done { result, .. }) => Some(Arc::clone(result)),
        _ => None,
    }
}
