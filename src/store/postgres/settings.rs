//! Where the database is: SQLite in the data folder, or a PostgreSQL server.
//!
//! # Invariants
//! A password comes from a file or the environment, never from the URL, so that it stands in no configuration file, process list or log.
//! Connections to other hosts are encrypted and the server's name is checked unless the URL says otherwise in so many words.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use zeroize::Zeroizing;

use crate::store::error::StoreError;

/// How long a statement or the wait for a lock may last: a message's client waits for us 90 s in all.
const STATEMENT: &str = "15s";

/// `[store.database]`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `postgres://user@host:port/database`, or empty for SQLite in the data folder.
    pub url: String,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password, instead of a file.
    pub password_env: Option<String>,
    /// File with the certificate authorities that the server's certificate is checked against; the system's when not set.
    pub ca_file: Option<PathBuf>,
    /// Connections of this node.
    pub connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            password_file: None,
            password_env: None,
            ca_file: None,
            connections: 8,
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("postgres", &self.is_postgres())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// What is wrong with `[store.database]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is none.
    #[error(
        "store.database.url: found what is no URL of a PostgreSQL database; allowed: postgres://user@host:port/database, or empty for SQLite in \
         the data folder"
    )]
    Url,
    /// A password stands in it.
    #[error(
        "store.database.url: found a password in the URL; allowed: a URL without one; put it into a file and name that as \
         store.database.password_file"
    )]
    PasswordInUrl,
    /// The password cannot be read.
    #[error("store.database.{key}: {why}")]
    Password {
        /// The key that names it.
        key: &'static str,
        /// Why.
        why: &'static str,
    },
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Settings(error.to_string())
    }
}

impl DatabaseConfig {
    /// The database of this URL.
    pub fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// Whether it is a PostgreSQL server.
    pub fn is_postgres(&self) -> bool {
        !self.url.is_empty()
    }

    pub(super) fn options(&self) -> Result<PgConnectOptions, DatabaseError> {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(DatabaseError::Url);
        }
        if has_password(&self.url) {
            return Err(DatabaseError::PasswordInUrl);
        }
        let mut options: PgConnectOptions = self.url.parse().map_err(|_| DatabaseError::Url)?;
        if !self.url.contains("sslmode=") {
            let mode = if is_local(&options) {
                PgSslMode::Prefer
            } else {
                PgSslMode::VerifyFull
            };
            options = options.ssl_mode(mode);
        }
        if let Some(file) = &self.ca_file {
            options = options.ssl_root_cert(file);
        }
        if let Some(password) = self.password()? {
            options = options.password(password.trim_end_matches(['\r', '\n']));
        }
        Ok(options
            .application_name("beadle")
            .options([
                ("synchronous_commit", "on"),
                ("statement_timeout", STATEMENT),
                ("lock_timeout", STATEMENT),
                ("idle_in_transaction_session_timeout", "60s"),
            ])
            .disable_statement_logging())
    }

    fn password(&self) -> Result<Option<Zeroizing<String>>, DatabaseError> {
        match (&self.password_file, &self.password_env) {
            (Some(_), Some(_)) => Err(DatabaseError::Password {
                key: "password_env",
                why: "found beside password_file; allowed: one of the two; remove one",
            }),
            (Some(file), None) => {
                let text = std::fs::read_to_string(file);
                let text = text.map_err(|_| DatabaseError::Password {
                    key: "password_file",
                    why: "the file cannot be read; allowed: a readable file with the password; check its path and owner",
                })?;
                Ok(Some(Zeroizing::new(text)))
            }
            (None, Some(name)) => {
                let text = std::env::var(name).map_err(|_| DatabaseError::Password {
                    key: "password_env",
                    why: "the environment variable is not set; set it, or use password_file",
                })?;
                Ok(Some(Zeroizing::new(text)))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Whether the user part of a URL, or its query, has a password.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let in_user = authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'));
    in_user || url.contains("password=")
}

fn is_local(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some()
        || options.get_host().starts_with('/')
        || options.get_host() == "localhost"
        || options
            .get_host()
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_stand_in_urls() {
        for (url, error) in [
            (
                "postgres://beadle:secret@db.trust.example/beadle",
                DatabaseError::PasswordInUrl,
            ),
            (
                "postgres://beadle@db.trust.example/beadle?password=secret",
                DatabaseError::PasswordInUrl,
            ),
            ("mysql://db.trust.example/beadle", DatabaseError::Url),
            ("db.trust.example", DatabaseError::Url),
        ] {
            let found = DatabaseConfig::of(url).options().unwrap_err();
            assert_eq!(found, error, "{url}");
            assert!(!found.to_string().contains("secret"));
            assert!(!format!("{:?}", DatabaseConfig::of(url)).contains("secret"));
        }
    }

    #[test]
    fn other_hosts_are_verified_unless_the_url_says_otherwise() {
        let mode = |url: &str| DatabaseConfig::of(url).options().unwrap().get_ssl_mode();
        let name = |mode: PgSslMode| format!("{mode:?}");
        assert_eq!(
            name(mode("postgres://b@db.trust.example/beadle")),
            "VerifyFull"
        );
        assert_eq!(name(mode("postgres://b@127.0.0.1/beadle")), "Prefer");
        assert_eq!(name(mode("postgres://b@localhost:5433/beadle")), "Prefer");
        assert_eq!(
            name(mode("postgres://b@db.trust.example/beadle?sslmode=require")),
            "Require"
        );
    }

    #[test]
    fn a_password_comes_from_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "s3\n").unwrap();
        let both = DatabaseConfig {
            password_file: Some(file),
            password_env: Some("X".into()),
            ..DatabaseConfig::of("postgres://b@localhost/beadle")
        };
        assert!(matches!(
            both.options(),
            Err(DatabaseError::Password {
                key: "password_env",
                ..
            })
        ));
        let one = DatabaseConfig {
            password_env: None,
            ..both
        };
        assert!(one.options().is_ok());
    }
}
