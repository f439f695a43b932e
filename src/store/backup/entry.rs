//! Rows as lines of JSON, and reading files of rows and lists back.
//!
//! # Invariants
//! A line has exactly the values that its table's columns ask for, or the file is refused.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::{
    BlobNote, LIST_AT_MOST, LISTS, ListNote, Manifest, ProblemKind, ROWS, ROWS_AT_MOST, RowsNote,
    Secrets, file, is_key, rows_context,
};
use crate::store::rows::{ColumnKind, Row, Table, Value};
use crate::store::seal::Kind;

/// Why a file cannot be read: its own fault, or the machine's.
#[derive(Debug)]
pub(super) enum Unread {
    Problem(ProblemKind),
    Machine(std::io::Error),
}

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Self {
        match file::not_as_it_was(&error) {
            Some(kind) => Self::Problem(kind),
            None => Self::Machine(error),
        }
    }
}

/// Adds a row as one line.
pub(super) fn write_row(row: &Row, out: &mut Vec<u8>) {
    let values: Vec<Json> = row.iter().map(json).collect();
    // Writing JSON into memory does not fail.
    let _ = serde_json::to_writer(&mut *out, &values);
    out.push(b'\n');
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => Json::from(*number),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(BASE64_STANDARD.encode(bytes)),
        Value::Boolean(set) => Json::from(*set),
    }
}

fn value(kind: ColumnKind, json: Json) -> Option<Value> {
    Some(match (kind, json) {
        (_, Json::Null) => Value::Null,
        (ColumnKind::Integer, Json::Number(number)) => Value::Integer(number.as_i64()?),
        (ColumnKind::Text, Json::String(text)) => Value::Text(text),
        (ColumnKind::Bytes, Json::String(text)) => Value::Bytes(BASE64_STANDARD.decode(text).ok()?),
        (ColumnKind::Boolean, Json::Bool(set)) => Value::Boolean(set),
        _ => return None,
    })
}

fn read_row(table: &Table, line: &[u8]) -> Option<Row> {
    let values: Vec<Json> = serde_json::from_slice(line).ok()?;
    if values.len() != table.columns.len() {
        return None;
    }
    let columns = table.columns.iter();
    let pairs = columns.zip(values);
    pairs
        .map(|(column, json)| value(column.kind, json))
        .collect()
}

/// The rows of one file, checked against the manifest.
pub(super) fn read_rows(
    dir: &Path,
    id: &str,
    note: &RowsNote,
    table: &Table,
    secrets: &Secrets,
) -> Result<Vec<Row>, Unread> {
    let sealed = file::read_at_most(&dir.join(&note.file), ROWS_AT_MOST)?;
    if sealed.len() as u64 != note.bytes || file::sha256(&sealed) != note.sha256 {
        return Err(Unread::Problem(ProblemKind::Changed));
    }
    let context = rows_context(id, &note.file);
    let plain: Zeroizing<Vec<u8>> = secrets
        .secret
        .open(Kind::Backup, &context, &sealed)
        .map_err(|_| Unread::Problem(ProblemKind::DoesNotOpen))?;
    let lines = plain
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let rows: Option<Vec<Row>> = lines.map(|line| read_row(table, line)).collect();
    let rows = rows.filter(|rows| rows.len() as u64 == note.rows);
    rows.ok_or(Unread::Problem(ProblemKind::Malformed))
}

/// The blobs of one list, checked against the manifest.
pub(super) fn read_list(dir: &Path, note: &ListNote) -> Result<Vec<BlobNote>, Unread> {
    let bytes = file::read_at_most(&dir.join(&note.file), LIST_AT_MOST)?;
    if bytes.len() as u64 != note.bytes || file::sha256(&bytes) != note.sha256 {
        return Err(Unread::Problem(ProblemKind::Changed));
    }
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let blobs: Option<Vec<BlobNote>> = lines
        .map(|line| {
            serde_json::from_slice::<BlobNote>(line)
                .ok()
                .filter(|blob| is_key(&blob.key))
        })
        .collect();
    let blobs = blobs.filter(|blobs| blobs.len() as u64 == note.blobs);
    blobs.ok_or(Unread::Problem(ProblemKind::Malformed))
}

/// Whether every file that a manifest names is one of ours by its name, so that none leads out of the folder, and every file of rows
/// names a table.
pub(super) fn are_plain(manifest: &Manifest) -> bool {
    let plain = |file: &str, folder: &str| {
        let name = file
            .strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| {
            let mut bytes = name.bytes();
            !name.starts_with('.')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
    };
    let known = |table: &str| manifest.tables.iter().any(|note| note.table.name == table);
    manifest
        .rows
        .iter()
        .all(|note| plain(&note.file, ROWS) && known(&note.table))
        && manifest.lists.iter().all(|note| plain(&note.file, LISTS))
        && manifest
            .ended
            .iter()
            .chain(&manifest.missing)
            .all(|key| is_key(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::Column;

    fn table() -> Table {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
        };
        Table {
            name: "t".to_owned(),
            columns: vec![
                column("i", ColumnKind::Integer),
                column("t", ColumnKind::Text),
                column("b", ColumnKind::Bytes),
                column("f", ColumnKind::Boolean),
            ],
            key: Vec::new(),
        }
    }

    #[test]
    fn values_travel_as_they_are() {
        let full = vec![
            Value::Integer(i64::MIN),
            Value::Text("a\n\"\u{0}é".to_owned()),
            Value::Bytes((0..=255).collect()),
            Value::Boolean(true),
        ];
        for row in [full, vec![Value::Null; 4]] {
            let mut out = Vec::new();
            write_row(&row, &mut out);
            assert_eq!(
                out.iter().position(|byte| *byte == b'\n'),
                Some(out.len() - 1)
            );
            assert_eq!(read_row(&table(), &out), Some(row));
        }
    }

    #[test]
    fn a_line_of_another_shape_is_refused() {
        for line in [
            "[]",
            "[1, \"t\", \"\", true, 1]",
            "[1.5, \"t\", \"\", true]",
            "[9223372036854775808, \"t\", \"\", true]",
            "[1, 2, \"\", true]",
            "[1, \"t\", \"not base64!\", true]",
            "[1, \"t\", \"\", 1]",
            "{}",
        ] {
            assert_eq!(read_row(&table(), line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn only_keys_of_ours_become_paths() {
        assert!(is_key("3f/0123456789abcdef0123456789abcd"));
        for text in [
            "",
            "../etc/passwd",
            "3f/0123456789ABCDEF0123456789abcd",
            "3f0/123456789abcdef0123456789abcd",
        ] {
            assert!(!is_key(text), "{text}");
        }
    }
}
