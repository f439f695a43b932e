//! Records of one kind, each a list of named values, as a table with headers; and the records in XML and JSON.
//!
//! # Invariants
//! A table has at most [`MOST_COLUMNS`] columns; all tables together have no more bytes than the room by more than a row, so that their last
//! one is cut and the cut is said. XML is walked without a tree and of at most [`MOST_FIELDS`] values; JSON above [`LARGEST_JSON`] is left to
//! its plain text.
//!
//! # Known gaps
//! A record within a record is a row of its own table: only JSON joins it to its owner.

use std::collections::HashMap;

use serde_json::Value;

use crate::extract::text::push_cell;
use crate::extract::xml::{self, Step};

/// Columns of a table; values beyond stand together in the last.
const MOST_COLUMNS: usize = 256;
/// JSON above this many bytes is not built as a tree, whose memory is thirty times the text.
const LARGEST_JSON: usize = 8 << 20;
/// Values of one XML document that are kept for its tables, a hundred bytes each; all of them are in its text. A school's whole census has a
/// tenth.
const MOST_FIELDS: usize = 2_000_000;
/// Nesting of elements whose values are kept apart.
const DEEPEST: usize = 64;

type Fields = Vec<(String, String)>;

/// Records as a table: headers in the order they first appear. `None` for fewer than two records or columns.
fn table(records: &[Fields], room: usize) -> Option<String> {
    let mut columns: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (name, _) in records.iter().flatten() {
        if columns.len() < MOST_COLUMNS && !places.contains_key(name.as_str()) {
            places.insert(name, columns.len());
            columns.push(name);
        }
    }
    if records.is_empty() || columns.len() < 2 {
        return None;
    }
    let mut out = String::new();
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push('\t');
        }
        push_cell(&mut out, column);
    }
    let mut cells = vec![String::new(); columns.len()];
    for record in records {
        if out.len() > room {
            break;
        }
        cells.iter_mut().for_each(String::clear);
        for (name, value) in record {
            let place = places
                .get(name.as_str())
                .copied()
                .unwrap_or(columns.len() - 1);
            if !cells[place].is_empty() {
                cells[place].push(' ');
            }
            cells[place].push_str(value);
        }
        out.push('\n');
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.push('\t');
            }
            push_cell(&mut out, cell);
        }
    }
    Some(out)
}

/// An element under way: its name, its values, its own text.
struct Open {
    name: String,
    fields: Fields,
    text: String,
}

/// Elements that hold values, as tables by the element's name: each a name and its table.
pub(crate) fn of_xml(bytes: &[u8], room: usize) -> Vec<(String, String)> {
    let mut kinds: Vec<(String, Vec<Fields>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut deeper, mut kept) = (0usize, 0usize);
    let mut close = |open: &mut Vec<Open>| {
        let Some(done) = open.pop() else { return };
        let text = done.text.trim();
        if done.fields.is_empty() {
            if let Some(parent) = open.last_mut().filter(|_| !text.is_empty()) {
                parent.fields.push((done.name, text.to_owned()));
            }
            return;
        }
        let mut fields = done.fields;
        if !text.is_empty() {
            fields.push((done.name.clone(), text.to_owned()));
        }
        let place = *places.entry(done.name.clone()).or_insert_with(|| {
            kinds.push((done.name, Vec::new()));
            kinds.len() - 1
        });
        kinds[place].1.push(fields);
    };
    xml::walk(bytes, |step| match step {
        Step::Start(name, start, empty) => {
            if open.len() >= DEEPEST {
                deeper += usize::from(!empty);
                return;
            }
            if kept > MOST_FIELDS {
                return;
            }
            let fields: Fields = start
                .attributes()
                .with_checks(false)
                .flatten()
                .filter(|attribute| !attribute.key.as_ref().starts_with("xmlns"))
                .map(|attribute| {
                    let name = attribute.key.local_name().as_ref().to_owned();
                    (name, xml::value(&attribute))
                })
                .take(MOST_COLUMNS)
                .collect();
            kept += fields.len() + 1;
            open.push(Open {
                name: name.to_owned(),
                fields,
                text: String::new(),
            });
            if empty {
                close(&mut open);
            }
        }
        Step::End(_) if deeper > 0 => deeper -= 1,
        Step::End(_) => close(&mut open),
        Step::Text(text) => {
            if let Some(last) = open.last_mut() {
                last.text.push_str(text);
            }
        }
    });
    let mut left = Some(room);
    kinds
        .into_iter()
        .filter_map(|(name, records)| {
            let table = table(&records, left?)?;
            left = left?.checked_sub(table.len());
            Some((name, table))
        })
        .collect()
}

/// What a JSON document says: a line for each value with its key, and its lists of objects as tables.
#[derive(Default)]
pub(crate) struct Json {
    pub(crate) lines: String,
    pub(crate) tables: Vec<(String, String)>,
}

/// Reads a document, or one document a line. `None` when it is too large or no JSON.
pub(crate) fn of_json(text: &str, room: usize) -> Option<Json> {
    if text.len() > LARGEST_JSON {
        return None;
    }
    let mut found = Json::default();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        visit(&value, "", &mut found, &mut Some(room));
        return Some(found);
    }
    let lines: Result<Vec<Value>, _> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str::<Value>)
        .collect();
    let lines = lines
        .ok()
        .filter(|lines| lines.iter().any(Value::is_object))?;
    visit(&Value::Array(lines), "", &mut found, &mut Some(room));
    Some(found)
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

// The parser itself stops at 128 levels.
fn visit(value: &Value, key: &str, found: &mut Json, room: &mut Option<usize>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                visit(value, key, found, room);
            }
        }
        Value::Array(items) => {
            let records: Vec<Fields> = items
                .iter()
                .filter_map(Value::as_object)
                .map(flat)
                .collect();
            if records.len() > 1
                && let Some(left) = *room
                && let Some(table) = table(&records, left)
            {
                *room = left.checked_sub(table.len());
                let name = if key.is_empty() { "list" } else { key };
                found.tables.push((name.to_owned(), table));
            }
            for item in items {
                visit(item, key, found, room);
            }
        }
        value => {
            if let Some(text) = shown(value) {
                if !key.is_empty() {
                    found.lines.push_str(key);
                    found.lines.push_str(": ");
                }
                found.lines.push_str(&text);
                found.lines.push('\n');
            }
        }
    }
}

/// The values of an object and of the objects right in it.
fn flat(map: &serde_json::Map<String, Value>) -> Fields {
    let mut fields = Vec::new();
    for (key, value) in map {
        match value {
            Value::Object(inner) => fields.extend(
                inner
                    .iter()
                    .filter_map(|(key, value)| shown(value).map(|text| (key.clone(), text))),
            ),
            value => fields.extend(shown(value).map(|text| (key.clone(), text))),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_become_rows() {
        let found = of_xml(
            b"<CTF><Pupils><Pupil id='1'><Surname>Hart</Surname><DOB>2011-03-12</DOB></Pupil><Pupil><DOB>x</DOB><Note>n</Note></Pupil></Pupils></CTF>",
            1000,
        );
        let table = "id\tSurname\tDOB\tNote\n1\tHart\t2011-03-12\t\n\t\tx\tn";
        assert_eq!(found, [("Pupil".to_owned(), table.to_owned())]);
    }

    #[test]
    fn tables_share_their_room() {
        let wide = (0..256).fold(String::new(), |all, n| all + &format!("c{n}='1' "));
        let kinds = (0..20).fold(String::new(), |all, n| {
            all + &format!("<k{n} {wide}/>") + &format!("<k{n} c0='1'/>").repeat(100)
        });
        let tables = of_xml(format!("<r>{kinds}</r>").as_bytes(), 50_000);
        let total: usize = tables.iter().map(|(_, table)| table.len()).sum();
        // More than fits, so that the cut is said, and not much more.
        assert!((50_001..60_000).contains(&total), "{total}");
    }

    #[test]
    fn lists_of_objects_become_rows() {
        let text = r#"{"pupils":[{"name":"Kai","home":{"postcode":"ZZ1"}},{"name":"Zoe"}],"n":1}"#;
        let found = of_json(text, 1000).unwrap_or_default();
        assert_eq!(
            found.tables,
            [(
                "pupils".to_owned(),
                "postcode\tname\nZZ1\tKai\n\tZoe".to_owned()
            )]
            .map(|(a, b)| (a, b))
        );
        assert!(found.lines.contains("name: Kai\n") && found.lines.ends_with("name: Zoe\n"));
        assert!(of_json("{\"a\":1}\n{\"a\":2,\"b\":3}\n", 1000).is_some());
        assert!(of_json("no json", 1000).is_none());
    }
}
