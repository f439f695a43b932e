//! What the console asks of the program it runs in: the state of what is no part of the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::detect::Catalogue;
use crate::policy::Policy;

/// One thing that must be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is: keys of words `health-NAME`, and `health-mend-NAME` for what to do.
    pub name: &'static str,
    /// Whether it is well.
    pub good: bool,
    /// What was seen, in words without personal data.
    pub detail: String,
}

/// The policy that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// The name of a built-in policy, or the path of a file.
    pub name: String,
    /// Whether it is a file.
    pub is_file: bool,
}

/// A file of the roster, as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterFile {
    /// Its name without folders.
    pub name: String,
    /// Whether it lists staff rather than pupils.
    pub staff: bool,
    /// It is a folder with the files of one export.
    pub folder: bool,
    /// When it was changed last; `None` when it cannot be looked at.
    pub changed_at: Option<SystemTime>,
}

/// Whom the relay looks for, without anybody's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterState {
    /// Pupils it looks for.
    pub people: usize,
    /// When it took them up: its start or its last reload.
    pub taken_up_at: Option<SystemTime>,
    /// The configured files.
    pub files: Vec<RosterFile>,
}

/// How one file of the roster is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterRead {
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

/// What stands in the roster's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterContents {
    /// File by file.
    pub files: Vec<RosterRead>,
    /// Pupils by the school that the files name; an empty name where they name none.
    pub schools: BTreeMap<String, usize>,
    /// Pupils in all, each once.
    pub pupils: usize,
    /// Staff in all.
    pub staff: usize,
}

/// The program around the console.
#[async_trait]
pub trait Premises: Send + Sync {
    /// Whether all is well, each thing by itself. Answers within ten seconds.
    async fn health(&self) -> Vec<Check>;

    /// Where the policy in force comes from; `None` where the program does not say.
    fn policy_source(&self) -> Option<PolicySource> {
        None
    }

    /// A policy with the trust's domains and mailboxes, as the relay would enforce it; the error says what in it does not fit the trust.
    fn fitted(&self, policy: &Policy) -> Result<Policy, String> {
        Ok(policy.clone())
    }

    /// What is looked for. The error says what cannot be read.
    fn catalogue(&self) -> Result<Arc<Catalogue>, String> {
        Catalogue::embedded()
            .map(Arc::new)
            .map_err(|error| error.to_string())
    }

    /// Whom the relay looks for.
    fn roster(&self) -> RosterState {
        RosterState::default()
    }

    /// Reads the roster's files to count what is in them: seconds for a large trust, and blocking. The error names no person.
    fn read_roster(&self) -> Result<RosterContents, String> {
        Ok(RosterContents::default())
    }
}
