//! What PostgreSQL's errors mean here.
//!
//! # Invariants
//! The server's own texts never leave: message and DETAIL may hold values of rows. SQLSTATE codes say enough.
//!
//! # Standards
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use sqlx::postgres::PgDatabaseError;

use crate::store::error::StoreError;

/// The error of the store that this one is.
pub(crate) fn classed(error: &PgDatabaseError) -> StoreError {
    let code = error.code();
    // The code alone, and only if it is one: five letters or digits.
    let code = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(5)
        .collect::<String>();
    let told = |text: &str| StoreError::Unavailable(format!("database: {text} (SQLSTATE {code})"));
    match (code.as_str(), code.get(..2).unwrap_or_default()) {
        ("23505", _) => StoreError::Exists,
        ("53100", _) => StoreError::Full,
        ("XX001" | "XX002", _) => StoreError::Corrupt("database file"),
        ("25006", _) => told("the server takes no writes; a standby?"),
        ("57014" | "55P03", _) => told("a statement or lock took too long"),
        ("42501", _) => told("the role may not do this; it needs rights on the schema"),
        ("3D000", _) => told("there is no such database"),
        (_, "08") => told("connection lost"),
        (_, "28") => told("the server refuses this login"),
        (_, "40") => told("lost to other transactions too often"),
        (_, "53") => told("the server has run out of something"),
        (_, "57") => told("the server is stopping or starting"),
        _ => told("the server refuses"),
    }
}
