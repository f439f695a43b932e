//! Why the store could not do what it was asked, told apart by what the caller does next.
//!
//! # Invariants
//! No text here holds a value that was to be stored: database and file errors name tables, codes and random keys only.

use std::borrow::Cow;
use std::io::ErrorKind;

use sqlx::postgres::PgDatabaseError;

use super::hold::HoldState;

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database or the blob store does not answer now: answer 451 and try again.
    #[error("store is not available: {0}")]
    Unavailable(String),
    /// There is no space left: answer 452 and raise an alarm.
    #[error("store has no space left")]
    Full,
    /// What was stored does not pass its own checks: nobody may act on it.
    #[error("stored record is damaged: {0}")]
    Corrupt(&'static str),
    /// There is no such record, or its content is gone.
    #[error("no such record")]
    Missing,
    /// The text names more than one record.
    #[error("more than one record begins like this")]
    Ambiguous,
    /// A record of this id is there already.
    #[error("a record of this id exists already")]
    Exists,
    /// Somebody else acted on this hold first.
    #[error("{} {state}{}", if *state == HoldState::Held { "changed meanwhile, and again" } else { "already" }, by_whom(by.as_deref()))]
    Conflict {
        /// What the hold has become.
        state: HoldState,
        /// Who decided it, or acted on it last.
        by: Option<String>,
    },
    /// A worker has this delivery now; it may be asked for again when that has ended.
    #[error("a worker is busy with this delivery, or it changed just now; try again")]
    Busy,
    /// The lease ran out and another worker may have the delivery.
    #[error("the lease on this delivery is no longer held")]
    LeaseLost,
    /// The database was written by a newer version of Beadle.
    #[error("database has schema {0}, which this version does not know")]
    NewerSchema(i64),
    /// A restore into this folder was begun and did not end.
    #[error("a restore into this folder did not end; run `beadle restore` again")]
    HalfRestored,
    /// The master key is missing, readable by others, or not the one the store was sealed with.
    #[error("master key: {0}")]
    Key(Cow<'static, str>),
    /// A setting cannot be used; the text names key, what was found, what is allowed and how to mend it.
    #[error("{0}")]
    Settings(String),
}

impl StoreError {
    /// Whether trying again later may help without anybody's doing.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full)
    }
}

fn by_whom(by: Option<&str>) -> String {
    by.map_or_else(String::new, |by| format!(" by {by}"))
}

/// The primary result code of SQLite within an extended one (<https://sqlite.org/rescode.html>).
fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    error.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        const SQLITE_CORRUPT: i32 = 11;
        const SQLITE_FULL: i32 = 13;
        const SQLITE_NOTADB: i32 = 26;
        match &error {
            sqlx::Error::RowNotFound => Self::Missing,
            sqlx::Error::Io(io) => Self::from_io(io),
            sqlx::Error::Database(database) => {
                if let Some(error) = database.try_downcast_ref::<PgDatabaseError>() {
                    return super::postgres::classed(error);
                }
                if database.is_unique_violation() {
                    return Self::Exists;
                }
                match sqlite_code(database.as_ref()) {
                    Some(SQLITE_FULL) => Self::Full,
                    Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt("database file"),
                    _ => Self::Unavailable(format!("database: {}", database.message())),
                }
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_) => Self::Corrupt("database row"),
            sqlx::Error::PoolTimedOut => {
                Self::Unavailable("database: no connection within its time".to_owned())
            }
            // Its text names hosts and files, and may quote a configuration.
            _ => Self::Unavailable("database: it does not answer as it should".to_owned()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::VersionMissing(version) => Self::NewerSchema(version),
            MigrateError::VersionMismatch(_) => Self::Corrupt("schema is not the released one"),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Unavailable(format!("migration: {other}")),
        }
    }
}

impl StoreError {
    /// Classes a file error; the kind says enough, and a path could name a home folder.
    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full
            }
            kind => Self::Unavailable(format!("file: {kind}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disks_are_told_apart() {
        let full = || std::io::Error::from(ErrorKind::StorageFull);
        assert_eq!(StoreError::from_io(&full()), StoreError::Full);
        assert!(StoreError::Full.is_temporary());
    }

    #[test]
    fn a_conflict_says_who_was_first() {
        let conflict = StoreError::Conflict {
            state: HoldState::Released,
            by: Some("a.reviewer".into()),
        };
        assert_eq!(conflict.to_string(), "already released by a.reviewer");
    }
}
