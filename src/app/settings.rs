//! Reading a TOML file into a structure, with environment overrides, and with errors that say where, what and how to mend.
//!
//! # Invariants
//! An unknown key is an error, in the file and in the environment. `BEADLE__A__B=x` sets key `b` of section `a`; its value is read
//! as TOML and, failing that, as text.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Prefix of environment variables that override keys; a double underscore separates section from key.
pub const ENV_PREFIX: &str = "BEADLE__";

/// Why a file cannot be used as configuration.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("failed to read configuration `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or a key or value is not one of ours.
    #[error("{place}: {message}{mend}")]
    Content {
        /// `file:line:column`, or the environment variable.
        place: String,
        /// What was found and what is allowed.
        message: String,
        /// A suggestion, when one is near.
        mend: String,
    },
}

/// Reads `path` (nothing but defaults when `None`) and lays `environment` over it.
pub fn read<T: DeserializeOwned>(
    path: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.to_owned(),
            source,
        })?,
        None => String::new(),
    };
    let name = path.map_or_else(
        || "configuration".to_owned(),
        |path| path.display().to_string(),
    );
    let from_file: T = toml::from_str(&text).map_err(|error| describe(&name, &text, &error))?;
    let overrides: Vec<(String, String)> = environment
        .filter(|(key, _)| key.starts_with(ENV_PREFIX))
        .collect();
    if overrides.is_empty() {
        return Ok(from_file);
    }
    let mut table: toml::Table =
        toml::from_str(&text).map_err(|error| describe(&name, &text, &error))?;
    for (key, value) in &overrides {
        set(&mut table, key, value)?;
    }
    let names: Vec<&str> = overrides.iter().map(|(key, _)| key.as_str()).collect();
    table
        .try_into()
        .map_err(|error: toml::de::Error| SettingsError::Content {
            place: format!("environment ({})", names.join(", ")),
            mend: suggestion(error.message()),
            message: error.message().to_owned(),
        })
}

fn set(table: &mut toml::Table, key: &str, value: &str) -> Result<(), SettingsError> {
    let path: Vec<String> = key[ENV_PREFIX.len()..]
        .split("__")
        .map(str::to_ascii_lowercase)
        .collect();
    let (last, sections) = match path.split_last() {
        Some((last, sections)) if !last.is_empty() => (last, sections),
        _ => {
            return Err(environment_error(
                key,
                "names no key; expected BEADLE__SECTION__KEY",
            ));
        }
    };
    let mut at = table;
    for section in sections {
        let entry = at
            .entry(section.clone())
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = entry
            .as_table_mut()
            .ok_or_else(|| environment_error(key, "goes through a key that is no section"))?;
    }
    let wrapped: Result<toml::Table, _> = toml::from_str(&format!("v = {value}"));
    let parsed = wrapped.ok().and_then(|mut wrapped| wrapped.remove("v"));
    at.insert(
        last.clone(),
        parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())),
    );
    Ok(())
}

fn environment_error(key: &str, message: &str) -> SettingsError {
    SettingsError::Content {
        place: format!("environment variable `{key}`"),
        message: message.to_owned(),
        mend: String::new(),
    }
}

fn describe(name: &str, text: &str, error: &toml::de::Error) -> SettingsError {
    let place = error.span().map_or_else(
        || name.to_owned(),
        |span| {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |last| last.chars().count())
                + 1;
            format!("{name}:{line}:{column}")
        },
    );
    SettingsError::Content {
        place,
        message: error.message().to_owned(),
        mend: suggestion(error.message()),
    }
}

/// For serde's "unknown field `x`, expected one of `a`, `b`": names the nearest allowed word when it is near.
fn suggestion(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(found) = words.next().filter(|_| message.starts_with("unknown")) else {
        return String::new();
    };
    words
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .min()
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .map_or_else(String::new, |(_, word)| format!("; did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        server: Server,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Server {
        name: String,
        size: u64,
        names: Vec<String>,
    }

    fn env(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_environment_lies_over_the_file() {
        let (_folder, path) = file("[server]\nname = \"a\"\nsize = 1\n");
        let overrides = env(&[
            ("BEADLE__SERVER__SIZE", "7"),
            ("BEADLE__SERVER__NAME", "mail.trust.example"),
            ("BEADLE__SERVER__NAMES", "[\"x\"]"),
            ("OTHER", "1"),
        ]);
        let sample: Sample = read(Some(&path), overrides).unwrap();
        assert_eq!(
            (
                sample.server.name.as_str(),
                sample.server.size,
                sample.server.names.len()
            ),
            ("mail.trust.example", 7, 1)
        );
    }

    #[test]
    fn errors_name_place_found_allowed_and_mend() {
        let (_folder, path) = file("[server]\nname = \"a\"\nsiez = 1\n");
        let error = read::<Sample>(Some(&path), env(&[]))
            .unwrap_err()
            .to_string();
        for part in [
            "b.toml:3:1",
            "unknown field `siez`",
            "`name`, `size`",
            "did you mean `size`?",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = read::<Sample>(None, env(&[("BEADLE__SERVER__SIZE", "big")]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("BEADLE__SERVER__SIZE") && error.contains("invalid type"),
            "{error}"
        );
        let error = read::<Sample>(None, env(&[("BEADLE__SERVER__SIZ", "1")]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `size`?"), "{error}");
    }
}
