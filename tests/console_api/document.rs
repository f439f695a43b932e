//! The document: whole, true to the doors, and true to the answers.

use std::collections::{BTreeMap, BTreeSet};

use super::console::{Bench, bench};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use beadle::console::Key;
use beadle::console::scope::Scope;
use serde_json::Value;

pub async fn document(bench: &Bench) -> Value {
    let request = Request::get("/api/v1/openapi.json").body(Body::empty());
    let answer = bench.answer(request.unwrap()).await;
    answer.is(StatusCode::OK);
    serde_json::from_str(&answer.body).unwrap()
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

#[tokio::test]
async fn it_names_every_route_with_the_scope_that_it_takes() {
    let bench = bench().await;
    let document = document(&bench).await;
    let mut named = BTreeMap::new();
    for (method, path, operation) in operations(&document) {
        let scopes = operation["security"][0]["token"].as_array().unwrap();
        assert_eq!(scopes.len(), 1, "{method} {path}");
        named.insert((method, path), scopes[0].as_str().unwrap().to_owned());
    }
    let doors = beadle::console::doors(&bench.site);
    let mut there = BTreeMap::new();
    for door in doors.list() {
        if let Key::Token(permission) = door.key {
            let scope = Scope::for_permission(permission).name().to_owned();
            there.insert((door.method.to_string(), door.path.to_owned()), scope);
        }
    }
    assert!(there.len() > 60, "{}", there.len());
    assert_eq!(named, there);
}

#[tokio::test]
async fn it_is_a_whole_openapi_document() {
    let bench = bench().await;
    let document = document(&bench).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for key in ["title", "version"] {
        assert!(document["info"][key].is_string(), "{key}");
    }
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&"http".into(), &"bearer".into())
    );
    resolves(&document, &document);
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{what}: {id} twice");
        assert!(operation["summary"].is_string(), "{what} says nothing");
        let no_parameters = Vec::new();
        let parameters = operation["parameters"].as_array();
        let parameters = parameters.unwrap_or(&no_parameters);
        let mut in_path = BTreeSet::new();
        for parameter in parameters {
            assert!(parameter["schema"].is_object(), "{what}: {parameter}");
            if parameter["in"] == "path" {
                assert_eq!(parameter["required"], true, "{what}");
                in_path.insert(parameter["name"].as_str().unwrap());
            } else {
                assert_eq!(parameter["in"], "query", "{what}");
                assert_ne!(parameter["required"], true, "{what}: {parameter}");
            }
        }
        let gaps = path.split('/').filter_map(|part| part.strip_prefix('{'));
        let gaps: BTreeSet<&str> = gaps.map(|gap| gap.trim_end_matches('}')).collect();
        assert_eq!(in_path, gaps, "{what}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{what}"
        );
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{what} {status}");
        }
        assert!(responses.contains_key("default"), "{what}");
        assert!(
            !(method == "GET" && operation["requestBody"].is_object()),
            "{what}"
        );
    }
}

/// Every reference leads somewhere.
fn resolves(document: &Value, value: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref") {
                let place = reference.as_str().unwrap().strip_prefix('#').unwrap();
                assert!(document.pointer(place).is_some(), "{place} is nowhere");
            }
            object.values().for_each(|one| resolves(document, one));
        }
        Value::Array(list) => list.iter().for_each(|one| resolves(document, one)),
        _ => {}
    }
}

/// Two types of one name would stand in the document as one of them.
#[test]
fn no_two_types_share_a_name() {
    let mut names = BTreeMap::new();
    for folder in ["src/console/acts", "src/console/api"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                if !(line.starts_with("#[derive(") && line.contains("ToSchema")) {
                    continue;
                }
                let mut name = None;
                for line in lines.by_ref() {
                    let renamed = line.strip_prefix("#[schema(as = ");
                    name = name.or(renamed.map(|name| name.trim_end_matches(")]").to_owned()));
                    let kinds = ["pub struct ", "struct ", "pub enum ", "enum "];
                    let found = kinds.iter().find_map(|kind| line.strip_prefix(kind));
                    if let Some(found) = found {
                        let end = found.find(|c: char| !c.is_alphanumeric());
                        let own = found[..end.unwrap_or(found.len())].to_owned();
                        let name = name.unwrap_or(own);
                        let file = path.file_name().unwrap().to_owned();
                        let before = names.insert(name.clone(), file.clone());
                        assert_eq!(before, None, "{name} is in {file:?} too");
                        break;
                    }
                }
            }
        }
    }
    assert!(names.len() > 60, "{}", names.len());
}

/// Whether an answer is what the document says of it: no field more, none that must be there less.
#[track_caller]
pub fn fits(document: &Value, (method, path): (&str, &str), status: &str, answer: &Value) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} {status}");
    let wrong = is_of(document, schema, answer).err();
    assert_eq!(wrong, None, "{method} {path}: {answer:#}");
}

fn is_of(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let place = reference.trim_start_matches('#');
        let schema = document.pointer(place).ok_or(place)?;
        return is_of(document, schema, value).map_err(|wrong| format!("{place}: {wrong}"));
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let mut wrong = String::new();
        for way in ways {
            match is_of(document, way, value) {
                Ok(()) => return Ok(()),
                Err(why) => wrong = why,
            }
        }
        return Err(wrong);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return Err(format!("{kind} rather than {kinds:?}"));
    }
    match value {
        Value::Array(list) if schema["items"].is_object() => list
            .iter()
            .try_for_each(|one| is_of(document, &schema["items"], one)),
        Value::Object(object) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !object.contains_key(name) {
                    return Err(format!("no {name}"));
                }
            }
            for (name, one) in object {
                let known = &schema["properties"][name];
                let others = &schema["additionalProperties"];
                match (known.is_object(), others.is_object()) {
                    (true, _) => {
                        is_of(document, known, one).map_err(|wrong| format!("{name}: {wrong}"))?;
                    }
                    (false, true) => is_of(document, others, one)?,
                    (false, false) => return Err(format!("{name} is not in the document")),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
