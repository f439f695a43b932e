//! JSON as the Wonde interface and similar exports give it: a list of records, bare or under a key such as `data`.
//!
//! # Standards
//! RFC 8259. Nesting is bounded by the reader at 128.
//!
//! # Known gaps
//! One page is one file: an export of several pages is a folder of files.

use serde_json::Value;

use crate::roster::import::{Draft, RosterError};
use crate::roster::nested::Records;

/// Reads a JSON text.
pub(super) fn read(draft: &mut Draft<'_>, text: &str) -> Result<(), RosterError> {
    let document: Value = serde_json::from_str(text.trim_matches('\u{feff}')).map_err(|_| {
        RosterError::Unreadable {
            what: "the JSON is not well-formed or breaks off",
            mend: "export the file again",
        }
    })?;
    let list = list(&document).ok_or(RosterError::Unreadable {
        what: "the JSON holds no list of records",
        mend: "give a list, or an object with a list under `data`",
    })?;
    let mut records = Records::new(draft.kind);
    for item in list {
        records.begin();
        let mut path = Vec::new();
        flatten(item, &mut path, &mut records);
    }
    draft.report.is_of("JSON");
    records.finish(draft, None)
}

/// The records: the document itself, the list under `data`, or the only list of objects there is.
fn list(document: &Value) -> Option<&Vec<Value>> {
    let Value::Object(fields) = document else {
        return document.as_array();
    };
    match fields.get("data") {
        Some(data @ Value::Object(_)) => return list(data),
        Some(Value::Array(data)) => return Some(data),
        _ => {}
    }
    let mut lists = fields
        .values()
        .filter_map(Value::as_array)
        .filter(|list| list.iter().all(Value::is_object));
    match (lists.next(), lists.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn flatten<'v>(value: &'v Value, path: &mut Vec<&'v str>, records: &mut Records) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                path.push(name);
                flatten(inner, path, records);
                path.pop();
            }
        }
        Value::Array(items) => items.iter().for_each(|item| flatten(item, path, records)),
        Value::String(text) => records.value(path, text),
        Value::Number(number) => records.value(path, &number.to_string()),
        Value::Bool(_) | Value::Null => records.value(path, ""),
    }
}
