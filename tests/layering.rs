//! The floor plan as a test: a module imports only what its row names, and every file says what it is for.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources has failed"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lowest floor first: (module, what it may import beside itself). `docs/ARCHITECTURE.md` says why.
const FLOORS: &[(&str, &[&str])] = &[
    ("mail", &[]),
    ("limits", &[]),
    ("smtp", &["mail", "limits"]),
    ("mime", &["mail", "limits"]),
    ("extract", &["limits", "mime"]),
    ("roster", &["mail", "limits"]),
    ("detect", &["limits", "extract", "roster"]),
    ("policy", &["mail", "mime", "extract", "detect"]),
    ("store", &["mail", "detect", "policy"]),
    (
        "quarantine",
        &[
            "mail", "limits", "smtp", "mime", "extract", "roster", "detect", "policy", "store",
        ],
    ),
    (
        "relay",
        &[
            "mail", "limits", "smtp", "mime", "extract", "roster", "detect", "policy", "store",
        ],
    ),
    (
        "report",
        &[
            "mail", "limits", "smtp", "mime", "extract", "roster", "detect", "policy", "store",
        ],
    ),
    (
        "worker",
        &[
            "mail", "limits", "smtp", "mime", "extract", "roster", "detect", "policy", "store",
        ],
    ),
    (
        "pipeline",
        &[
            "mail",
            "limits",
            "smtp",
            "mime",
            "extract",
            "roster",
            "detect",
            "policy",
            "store",
            "quarantine",
            "relay",
            "report",
            "worker",
        ],
    ),
    (
        "net",
        &[
            "mail",
            "limits",
            "smtp",
            "mime",
            "extract",
            "roster",
            "detect",
            "policy",
            "store",
            "quarantine",
            "relay",
            "report",
            "worker",
            "pipeline",
        ],
    ),
    (
        "console",
        &[
            "mail",
            "limits",
            "smtp",
            "mime",
            "extract",
            "roster",
            "detect",
            "policy",
            "store",
            "quarantine",
            "relay",
            "report",
            "worker",
            "pipeline",
        ],
    ),
    (
        "app",
        &[
            "mail",
            "limits",
            "smtp",
            "mime",
            "extract",
            "roster",
            "detect",
            "policy",
            "store",
            "quarantine",
            "relay",
            "report",
            "worker",
            "pipeline",
            "net",
            "console",
        ],
    ),
];

/// Modules of floors 0 to 4: no clock, no file, no socket, no async.
const PURE: &[&str] = &[
    "mail", "smtp", "mime", "extract", "roster", "detect", "policy",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                let first = relative.iter().next().unwrap().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((module, path, text));
            }
        }
    }
    found
}

/// The modules a source names as `crate::x`, comments left out.
fn imports(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn floors_import_downward_only() {
    let table: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some(allowed) = table.get(module.as_str()) else {
            assert!(
                ["lib", "main"].contains(&module.as_str()),
                "{} is on no floor",
                path.display()
            );
            continue;
        };
        for import in imports(&text) {
            if import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!(
                    "{}: {module} may not import {import:?}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_floor_and_every_floor_a_module() {
    let modules: Vec<String> = sources().into_iter().map(|(module, ..)| module).collect();
    for (floor, _) in FLOORS {
        assert!(
            modules.iter().any(|module| module == floor),
            "no module {floor}"
        );
    }
}

#[test]
fn imports_do_not_hide_their_floor() {
    for (_, path, text) in sources() {
        assert!(
            !text.contains("use crate::{"),
            "{}: name each floor in its own use",
            path.display()
        );
        assert!(
            !text.contains("super::super"),
            "{}: name the floor instead of climbing",
            path.display()
        );
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (_, path, text) in sources() {
        assert!(
            text.starts_with("//!"),
            "{} does not open with //!",
            path.display()
        );
    }
}

#[test]
fn pure_floors_deny_clocks_and_files() {
    for (module, path, text) in sources() {
        if !PURE.contains(&module.as_str()) {
            continue;
        }
        if path.ends_with("mod.rs")
            && path
                .parent()
                .is_some_and(|folder| folder.ends_with(&module))
        {
            assert!(
                text.contains("#![deny(clippy::disallowed_methods, clippy::disallowed_types)]"),
                "{} does not deny clocks, files and sockets",
                path.display()
            );
        }
        assert!(
            !text.contains("async fn") && !text.contains("tokio::"),
            "{} is not pure",
            path.display()
        );
    }
}
