//! Where the database is, and how it is reached.
//!
//! # Invariants
//! A password stands in a file of mode 0600 or in the environment, never in the address, and no error, log line or `Debug` shows it.
//! Certificate and name of a server that is not this machine are verified unless the address says otherwise.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use zeroize::Zeroizing;

use super::common;
use crate::store::error::StoreError;

/// Bytes of a password.
const PASSWORD_AT_MOST: u64 = 1024;

const ALLOWED: &str = "nothing (SQLite in the data folder), postgres://USER@HOST:PORT/DATABASE or postgres:///DATABASE?host=/FOLDER";

/// `[store.database]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// Empty: SQLite in the data folder. `postgres://USER@HOST:PORT/DATABASE`: PostgreSQL, which several nodes may share.
    pub url: String,
    /// File with the password, mode 0600 or 0400.
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password, where no file is set.
    pub password_env: Option<String>,
    /// Certificates (PEM) to trust for the server instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Connections to PostgreSQL, from 2 on; one more listens.
    pub connections: u32,
    /// Take a server whose `fsync` or `full_page_writes` is off, and which so may lose what it has committed.
    pub allow_unsynced: bool,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            password_file: None,
            password_env: None,
            ca_file: None,
            connections: 8,
            allow_unsynced: false,
        }
    }
}

impl DatabaseConfig {
    /// Whether it is PostgreSQL.
    pub fn is_shared(&self) -> bool {
        !self.url.is_empty()
    }

    /// What a connection is made with.
    pub(super) fn options(&self) -> Result<PgConnectOptions, StoreError> {
        let ssl_mode_is_set = self.check_url()?;
        let options = PgConnectOptions::from_str(&self.url).map_err(|_| {
            wrong(
                "url",
                "an address that cannot be read",
                ALLOWED,
                "write it in this form",
            )
        })?;
        if options.get_database().is_none() {
            return Err(wrong(
                "url",
                "an address without a database",
                ALLOWED,
                "name the database behind the last `/`",
            ));
        }
        let mode = match (ssl_mode_is_set, is_this_machine(&options)) {
            (true, _) => options.get_ssl_mode(),
            (false, true) => PgSslMode::Prefer,
            (false, false) => PgSslMode::VerifyFull,
        };
        let mut options = common(options).ssl_mode(mode);
        if let Some(file) = &self.ca_file {
            options = options.ssl_root_cert(file);
        }
        if let Some(password) = self.password()? {
            options = options.password(&password);
        }
        Ok(options)
    }

    /// Whether the address says how TLS is used. It has no password and nothing else that would undo what this module promises.
    fn check_url(&self) -> Result<bool, StoreError> {
        let rest = self
            .url
            .strip_prefix("postgres://")
            .or_else(|| self.url.strip_prefix("postgresql://"))
            .ok_or_else(|| {
                wrong(
                    "url",
                    "another kind of address",
                    ALLOWED,
                    "begin it with postgres://",
                )
            })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let pairs: Vec<(&str, &str)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let user = place.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') || pairs.iter().any(|(key, _)| *key == "password") {
            return Err(wrong(
                "url",
                "a password in the address",
                "an address without one",
                "put it into a file of mode 0600 and set store.database.password_file",
            ));
        }
        if pairs
            .iter()
            .any(|(key, _)| !matches!(*key, "sslmode" | "host"))
        {
            return Err(wrong(
                "url",
                "a parameter behind `?` that is not known here",
                "sslmode=disable|allow|prefer|require|verify-ca|verify-full, host=/FOLDER",
                "remove it; certificates to trust are store.database.ca_file",
            ));
        }
        Ok(pairs.iter().any(|(key, _)| *key == "sslmode"))
    }

    fn password(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let text = match (&self.password_file, &self.password_env) {
            (Some(file), _) => read_password(file)?,
            (None, Some(name)) => std::env::var(name).map(Zeroizing::new).map_err(|_| {
                let found = format!("nothing in the environment variable `{name}`");
                wrong(
                    "password_env",
                    &found,
                    "a variable that is set",
                    "set it for this process, or set password_file",
                )
            })?,
            (None, None) => return Ok(None),
        };
        Ok(Some(Zeroizing::new(
            text.trim_end_matches(['\r', '\n']).to_owned(),
        )))
    }
}

fn wrong(key: &str, found: &str, allowed: &str, mend: &str) -> StoreError {
    StoreError::Settings(format!(
        "store.database.{key}: found {found}; allowed: {allowed}; {mend}"
    ))
}

/// Whether the way to the server stays on this machine: a socket, or loopback.
fn is_this_machine(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn read_password(path: &Path) -> Result<Zeroizing<String>, StoreError> {
    let shown = format!("`{}`", path.display());
    let unreadable = |error: std::io::Error| {
        let found = format!("{shown}, which cannot be read ({})", error.kind());
        wrong(
            "password_file",
            &found,
            "a file that this user can read",
            "look at its path, owner and mode",
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let found = format!("{shown} of mode {:04o}", mode & 0o7777);
        return Err(wrong(
            "password_file",
            &found,
            "a mode of 0600 or 0400",
            "chmod go-rwx it",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_AT_MOST as usize + 1));
    file.take(PASSWORD_AT_MOST + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > PASSWORD_AT_MOST {
        return Err(wrong(
            "password_file",
            &shown,
            "a password of up to 1024 bytes",
            "write the password alone",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<PgConnectOptions, String> {
        let config = DatabaseConfig {
            url: url.to_owned(),
            ..DatabaseConfig::default()
        };
        config.options().map_err(|error| error.to_string())
    }

    fn mode(url: &str) -> String {
        format!("{:?}", of(url).unwrap().get_ssl_mode())
    }

    #[test]
    fn a_server_elsewhere_is_verified_unless_the_address_says_otherwise() {
        assert_eq!(mode("postgres://u@db.example/beadle"), "VerifyFull");
        assert_eq!(
            mode("postgres://u@db.example/beadle?sslmode=require"),
            "Require"
        );
        for here in ["127.0.0.1", "[::1]", "localhost"] {
            assert_eq!(mode(&format!("postgres://u@{here}:5433/beadle")), "Prefer");
        }
        assert_eq!(mode("postgres:///beadle?host=/run/postgresql"), "Prefer");
        assert_eq!(
            mode("postgres://u@127.0.0.1.db.example/beadle"),
            "VerifyFull"
        );
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_shown() {
        for url in [
            "postgres://u:open-sesame@db.example/beadle",
            "postgres://u@db.example/beadle?password=open-sesame",
            "postgres://u@db.example/beadle?sslmode=require&password=open-sesame",
        ] {
            let error = of(url).unwrap_err();
            assert!(
                error.starts_with("store.database.url: found a password in the address"),
                "{error}"
            );
            assert!(
                error.contains("password_file") && !error.contains("sesame"),
                "{error}"
            );
        }
    }

    #[test]
    fn other_addresses_are_refused_with_what_is_allowed() {
        for url in [
            "mysql://u@db.example/beadle",
            "postgres://u@db.example",
            "postgres://u@db.example/beadle?options=-csynchronous_commit%3Doff",
            "postgres://u@db.example:port/beadle",
        ] {
            let error = of(url).unwrap_err();
            assert!(error.starts_with("store.database.url: found "), "{error}");
            assert!(error.contains("; allowed: "), "{error}");
        }
    }

    #[test]
    fn a_password_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "open-sesame\n").unwrap();
        let config = DatabaseConfig {
            url: "postgres://u@db.example/beadle".to_owned(),
            password_file: Some(file.clone()),
            ..DatabaseConfig::default()
        };
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = config.options().unwrap_err().to_string();
        assert!(
            error.contains("of mode 0640; allowed: a mode of 0600 or 0400"),
            "{error}"
        );
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(config.password().unwrap().unwrap().as_str(), "open-sesame");
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
