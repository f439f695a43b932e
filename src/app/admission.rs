//! Whether the configured policy may be enforced: what stands on record in the store, and what to do when it does not.
//!
//! # Invariants
//! A policy file is enforced only when its very text is approved, adopted as the first, or free to change. Built-in policies are the
//! program's own and always allowed. `scan`, `explain`, `demo` and `check` judge without asking: they enforce nothing.
//!
//! # Known gaps
//! The trust's domains, roster and settings are no part of a policy's text: they change without a second person.

use std::time::SystemTime;

use crate::app::tools::ReadPolicy;
use crate::app::wiring::StartError;
use crate::store::{Configured, Custody, ProposalState, Standing, StoreError};

/// Characters of a SHA-256 that are shown: enough to tell a trust's policies apart.
pub const SHOWN: usize = 12;

/// The store's question of a policy that was read under this name.
pub fn configured<'a>(name: &'a str, read: &'a ReadPolicy) -> Configured<'a> {
    match &read.text {
        None => Configured::BuiltIn(name),
        Some(text) => Configured::File {
            text,
            second_person: read.policy.governance.changes.second_person,
        },
    }
}

/// Lets the relay enforce the policy that the configuration calls `name`, or says why not and what to do.
pub async fn admit(store: &Custody, name: &str, read: &ReadPolicy) -> Result<(), StartError> {
    let standing = store.admit_policy(configured(name, read), SystemTime::now());
    let standing = standing.await.map_err(|source| failed(store, source))?;
    match &standing {
        Standing::Unknown { .. } => return Err(StartError::Settings(refused(name, &standing))),
        Standing::First => tracing::info!("policy file adopted: it is the first"),
        Standing::Free => {
            tracing::warn!("policy file changed; the policy before asks for no second person");
        }
        Standing::BuiltIn | Standing::Approved | Standing::Emergency(_) => {}
    }
    remind(store).await;
    Ok(())
}

/// Whether this policy is what a relay enforces on this store; where none was enforced yet, whether it may be.
pub async fn is_enforced(store: &Custody, name: &str, read: &ReadPolicy) -> Result<(), StartError> {
    let asked = configured(name, read);
    let standing = store.policy_standing(asked).await;
    let standing = standing.map_err(|source| failed(store, source))?;
    if matches!(standing, Standing::Unknown { .. }) {
        return Err(StartError::Settings(refused(name, &standing)));
    }
    let enforced = store.policy_enforced().await;
    match enforced.map_err(|source| failed(store, source))? {
        Some(what) if what != asked.what() => Err(StartError::Settings(format!(
            "policy `{name}`: found {}; allowed: {}, which the relay enforces; name that one with --policy or --config",
            short(&asked.what()),
            short(&what)
        ))),
        _ => Ok(()),
    }
}

fn failed(store: &Custody, source: StoreError) -> StartError {
    StartError::Store {
        path: store.config().data_dir.clone(),
        source,
    }
}

/// Why a policy is not enforced: the file, what was found, what is allowed, the mend.
pub fn refused(name: &str, standing: &Standing) -> String {
    let Standing::Unknown { found, allowed } = standing else {
        return String::new();
    };
    let allowed: Vec<String> = allowed
        .iter()
        .take(3)
        .map(|(sha256, state)| format!("{} ({})", short(sha256), state.name()))
        .collect();
    let allowed = match allowed.as_slice() {
        [] => "none of the files on record".to_owned(),
        list => list.join(", "),
    };
    format!(
        "policy `{name}`: found a text with SHA-256 {}, which nobody approved; allowed: {allowed}, or a built-in policy; put the approved \
         file back, or have it approved by a second person: beadle policy propose --file {name} --reason TEXT",
        short(found)
    )
}

/// The beginning of a SHA-256, or a whole name.
pub fn short(what: &str) -> &str {
    let is_hash = what.len() == 64 && what.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash { &what[..SHOWN] } else { what }
}

/// The proposals that were put into force by one person and that a second must still approve; with one in force, an alarm.
pub async fn remind(store: &Custody) {
    let proposals = match store.policy_proposals().await {
        Ok(proposals) => proposals,
        Err(error) => {
            tracing::error!(%error, "policies on record could not be read");
            return;
        }
    };
    let waiting = proposals
        .iter()
        .filter(|proposal| proposal.state == ProposalState::Emergency);
    let mut count = 0u32;
    for proposal in waiting {
        count += 1;
        tracing::warn!(
            id = %proposal.id,
            "ALARM: a policy was put into force in an emergency by one person; a second must approve it: beadle policy approve"
        );
    }
    metrics::gauge!("beadle_policy_unapproved").set(f64::from(count));
}
