//! `keys`: where the master keys come from, which there are, and changing them while the relay runs.
//!
//! # Invariants
//! No key is printed, only ids, which tell nothing about keys.

use std::io::{self, Write};
use std::time::SystemTime;

use serde::Serialize;

use crate::app::cli::{KeysArgs, KeysCommand, Output};
use crate::app::config::Config;
use crate::app::holds::{login_name, rfc3339};
use crate::app::wiring::{self, StartError};
use crate::store::rotation::{DropError, Dropped, KeyStanding, Rewrapped};
use crate::store::{Custody, KeyCommand, KeySource, StoreError};

/// Why a command about keys did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key stays.
    #[error(transparent)]
    Drop(#[from] DropError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// Rows need keys that are not there.
    #[error(
        "{0} holds, deliveries or secrets need keys that the source does not have; put those keys back into it, in any place but the first"
    )]
    Unavailable(u64),
    /// Something is still under an older key.
    #[error(
        "{0} holds, deliveries or secrets are still wrapped under older keys; see above, then run this again"
    )]
    Left(u64),
    /// The database's log still has old wrapped keys.
    #[error(
        "everything is wrapped anew, but somebody was reading the database and its log keeps old wrapped keys; run this again"
    )]
    LogKept,
}

impl KeysError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        match self {
            Self::Drop(DropError::Store(error)) => *error == StoreError::Missing,
            Self::Drop(_) | Self::Unavailable(_) | Self::Left(_) | Self::LogKept => true,
            _ => false,
        }
    }
}

/// The source of master keys that this configuration names: one that is set, else the credential of systemd, else the file in the data folder,
/// which is made for a store that is new.
pub fn source(config: &Config) -> Result<KeySource, String> {
    let store = &config.store;
    let set: Vec<&str> = [
        ("store.key_file", store.key_file.is_some()),
        ("store.key_env", store.key_env.is_some()),
        ("store.key_credential", store.key_credential.is_some()),
        ("store.key_command", !store.key_command.is_empty()),
    ]
    .into_iter()
    .filter_map(|(key, set)| set.then_some(key))
    .collect();
    if set.len() > 1 {
        return Err(format!(
            "{}: found {} sources of master keys; allowed: one; take out the others",
            set.join(", "),
            set.len()
        ));
    }
    if !store.key_command_env.is_empty() && store.key_command.is_empty() {
        return Err(
            "store.key_command_env: found variables and no program that would see them; allowed: with store.key_command only; set that too, or              take this out"
                .to_owned(),
        );
    }
    let mend = |key: &str| {
        let key = key.to_owned();
        move |error: StoreError| format!("{key}: {error}")
    };
    if let Some(path) = &store.key_file {
        return Ok(KeySource::File {
            path: path.clone(),
            create: false,
        });
    }
    if let Some(name) = &store.key_env {
        return Ok(KeySource::Environment { name: name.clone() });
    }
    if let Some(name) = &store.key_credential {
        return KeySource::credential(name).map_err(mend("store.key_credential"));
    }
    if !store.key_command.is_empty() {
        return KeyCommand::new(&store.key_command, &store.key_command_env)
            .map(KeySource::Command)
            .map_err(mend("store.key_command"));
    }
    if let Some(credential) = KeySource::default_credential() {
        return Ok(credential);
    }
    let settings = wiring::store_settings(config, false);
    // A command that is run without the credential of the service must not make a key that fits nothing.
    let create = !config.server.data_dir.join("beadle.db").exists();
    let path = settings.default_key_file();
    Ok(KeySource::File { path, create })
}

/// Does what `keys` was asked.
pub async fn run(args: &KeysArgs, config: &Config, out: &mut dyn Write) -> Result<(), KeysError> {
    let store = wiring::open_store(config, false).await?;
    let actor = args.actor.clone().unwrap_or_else(login_name);
    let now = SystemTime::now();
    let done = match &args.command {
        KeysCommand::Status { output } => status(&store, *output, out).await,
        KeysCommand::Add => add(&store, &actor, now, out).await,
        KeysCommand::Rewrap { batch } => {
            let done = store
                .rewrap((*batch).into(), &actor, &SystemTime::now)
                .await?;
            rewrapped(&done, out)
        }
        KeysCommand::Drop { id } => drop_key(&store, id, (&actor, now), out).await,
    };
    store.close().await;
    done
}

async fn add(
    store: &Custody,
    actor: &str,
    now: SystemTime,
    out: &mut dyn Write,
) -> Result<(), KeysError> {
    if let Some(id) = store.add_key(actor, now).await? {
        writeln!(
            out,
            "added key {id}, which is the current one now; a relay that runs takes it up within seconds"
        )?;
        writeln!(
            out,
            "Copy the file to a safe place and to every other node, then run `beadle keys rewrap`."
        )?;
        return Ok(());
    }
    let source = store.master_keys().source();
    let source = source.map(ToString::to_string).unwrap_or_default();
    writeln!(
        out,
        "The keys come from {source}, which Beadle does not write. To add a key:"
    )?;
    writeln!(
        out,
        "  1. make one:                     openssl rand -hex 32\n  \
           2. put it before the others there, with white space between them, and keep the others\n  \
           3. have the relay read it:       systemctl reload beadle (restart it for a credential or a variable)\n  \
           4. wrap everything under it:     beadle keys rewrap"
    )?;
    Ok(())
}

fn rewrapped(done: &Rewrapped, out: &mut dyn Write) -> Result<(), KeysError> {
    for (id, error) in &done.failed {
        writeln!(out, "{id}: {error}")?;
    }
    writeln!(
        out,
        "{} wrapped anew under key {}; {} left under other keys",
        done.exchanged, done.to, done.left
    )?;
    if done.left > 0 {
        return Err(KeysError::Left(done.left));
    }
    if done.log_kept {
        return Err(KeysError::LogKept);
    }
    Ok(())
}

async fn drop_key(
    store: &Custody,
    id: &str,
    (actor, now): (&str, SystemTime),
    out: &mut dyn Write,
) -> Result<(), KeysError> {
    match store.drop_key(id, actor, now).await? {
        Dropped::Gone => writeln!(
            out,
            "dropped key {id}; backups from before still need it, so keep a copy in the safe for as long as you keep them"
        )?,
        Dropped::RemoveIt => writeln!(
            out,
            "dropped key {id}: nothing is wrapped under it again. Now remove it where the keys come from, and keep a copy in the safe for as \
             long as you keep backups from before"
        )?,
    }
    Ok(())
}

/// One key as `status` prints it.
#[derive(Debug, Serialize)]
struct KeyLine {
    id: String,
    current: bool,
    available: bool,
    holds: u64,
    deliveries: u64,
    secrets: u64,
    oldest: Option<String>,
    added_at: Option<String>,
    dropped_at: Option<String>,
}

impl From<&KeyStanding> for KeyLine {
    fn from(key: &KeyStanding) -> Self {
        Self {
            id: key.id.clone(),
            current: key.current,
            available: key.available,
            holds: key.holds,
            deliveries: key.deliveries,
            secrets: key.secrets,
            oldest: key.oldest.map(rfc3339),
            added_at: key.added_at.map(rfc3339),
            dropped_at: key.dropped_at.map(rfc3339),
        }
    }
}

/// What a key is for, in a word.
fn standing(key: &KeyStanding) -> &'static str {
    match (key.available, key.dropped_at.is_some(), key.wrapped()) {
        (true, true, _) => "dropped, remove it from the source",
        (true, false, _) if key.current => "current",
        (true, false, 0) => "not needed, drop it",
        (true, false, _) => "older",
        (false, _, 1..) => "MISSING from the source",
        (false, true, 0) => "dropped",
        (false, false, 0) => "gone",
    }
}

async fn status(store: &Custody, output: Output, out: &mut dyn Write) -> Result<(), KeysError> {
    let keys = store.key_standings().await?;
    if output == Output::Text
        && let Some(source) = store.master_keys().source()
    {
        writeln!(out, "Keys from {source}")?;
    }
    for key in &keys {
        let line = KeyLine::from(key);
        match output {
            Output::Jsonl => writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default())?,
            Output::Text => writeln!(
                out,
                "{}  {} holds, {} deliveries, {} secrets{}  {}",
                line.id,
                line.holds,
                line.deliveries,
                line.secrets,
                line.oldest
                    .map_or_else(String::new, |oldest| format!(", oldest {oldest}")),
                standing(key)
            )?,
        }
    }
    let missing = keys.iter().filter(|key| !key.available);
    match missing.map(KeyStanding::wrapped).sum() {
        0 => Ok(()),
        rows => Err(KeysError::Unavailable(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut crate::app::config::Store)) -> Result<KeySource, String> {
        let mut config = Config::default();
        config.server.data_dir = "/nowhere/beadle".into();
        change(&mut config.store);
        source(&config)
    }

    #[test]
    fn there_is_one_source() {
        assert_eq!(
            with(|_| ()).unwrap().to_string(),
            "file `/nowhere/beadle/keys/master.key`"
        );
        let set = with(|store| store.key_env = Some("KEYS".to_owned())).unwrap();
        assert_eq!(set.to_string(), "environment variable `KEYS`");
        let error = with(|store| {
            store.key_env = Some("KEYS".to_owned());
            store.key_command = vec!["/bin/true".to_owned()];
        })
        .unwrap_err();
        assert!(
            error.starts_with("store.key_env, store.key_command: found 2"),
            "{error}"
        );
        let error = with(|store| store.key_command_env = vec!["TOKEN".to_owned()]).unwrap_err();
        assert!(error.starts_with("store.key_command_env"), "{error}");
        let error = with(|store| store.key_command = vec!["vault".to_owned()]).unwrap_err();
        assert!(error.contains("full path"), "{error}");
        let error = with(|store| store.key_credential = Some("../x".to_owned())).unwrap_err();
        assert!(error.contains("store.key_credential"), "{error}");
    }
}
