//! Where master keys come from: a file, a credential of systemd, the environment, a program.
//!
//! # Invariants
//! There is exactly one source. All hold the same text (`key_text`), the current key first; only a file and a credential may also be
//! 32 bytes, one key.
//!
//! # Standards
//! Credentials: systemd.exec(5), `LoadCredential=`, `LoadCredentialEncrypted=`; <https://systemd.io/CREDENTIALS/>.
//!
//! # Known gaps
//! What stands in the environment can be read in `/proc/PID/environ` by the same user for as long as the process runs, and is not wiped.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::StoreError;
use super::key::MasterKey;
use super::key_command::KeyCommand;
use super::key_file::{self, Guard, Stamp};
use super::key_text;

/// The credential that is used by itself when systemd hands it over and nothing else is configured.
pub const DEFAULT_CREDENTIAL: &str = "beadle-master-key";

/// A source of master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file, mode 0600 or 0400.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it is made, with a new key, when it is not there.
        create: bool,
    },
    /// A credential that systemd handed to the service.
    Credential {
        /// Its name.
        name: String,
        /// The file it stands in.
        path: PathBuf,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A program that prints them.
    Command(KeyCommand),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "file `{}`", path.display()),
            Self::Credential { name, .. } => write!(f, "credential `{name}`"),
            Self::Environment { name } => write!(f, "environment variable `{name}`"),
            Self::Command(command) => write!(f, "program `{}`", command.program()),
        }
    }
}

impl KeySource {
    /// The credential of this name. An error when the service has no credentials or the name is a path.
    pub fn credential(name: &str) -> Result<Self, StoreError> {
        let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        if !plain {
            return Err(StoreError::Key(
                "the name of a credential has no `/`".into(),
            ));
        }
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
            StoreError::Key(
                "systemd handed over no credentials ($CREDENTIALS_DIRECTORY is not set); run this with them, as docs/KEYS.md shows".into(),
            )
        })?;
        Ok(Self::Credential {
            name: name.to_owned(),
            path: Path::new(&folder).join(name),
        })
    }

    /// The credential [`DEFAULT_CREDENTIAL`], when systemd handed it over.
    pub fn default_credential() -> Option<Self> {
        let source = Self::credential(DEFAULT_CREDENTIAL).ok()?;
        matches!(&source, Self::Credential { path, .. } if path.exists()).then_some(source)
    }

    /// The keys, the current one first; at least one. May take as long as a program takes ([`key_command`](super::key_command)).
    pub(super) fn read(&self) -> Result<Vec<MasterKey>, StoreError> {
        self.read_unnamed().map_err(|error| match error {
            StoreError::Key(text) => StoreError::Key(format!("{self}: {text}").into()),
            other => other,
        })
    }

    fn read_unnamed(&self) -> Result<Vec<MasterKey>, StoreError> {
        match self {
            Self::File { path, create } => {
                if *create {
                    key_file::create(path)?;
                }
                key_text::parse(&key_file::read(path, Guard::Owner)?)
            }
            Self::Credential { path, .. } => {
                key_text::parse(&key_file::read(path, Guard::AccessList)?)
            }
            Self::Environment { name } => {
                let text = std::env::var(name)
                    .map(Zeroizing::new)
                    .map_err(|_| StoreError::Key("environment variable is not set".into()))?;
                key_text::parse_lines(text.as_bytes())
            }
            Self::Command(command) => key_text::parse_lines(&command.run()?),
        }
    }

    /// Whether [`stamp`](Self::stamp) can tell a change.
    pub(super) fn can_change(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Credential { .. })
    }

    /// What tells, without reading it, that a source may have changed; `None` where nothing does.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File { path, .. } | Self::Credential { path, .. } => key_file::stamp(path),
            Self::Environment { .. } | Self::Command(_) => None,
        }
    }
}
