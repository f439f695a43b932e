//! What a node says of itself in the ledger: that it started and stopped, and what it works with.
//!
//! # Invariants
//! Counts and hashes only. Configuration has no secrets in it (they are in files and variables that it names); were one added, its
//! structure would have to keep it from being written out, as `check` and this hash need. A node is named by `server.name`.

use std::path::Path;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::app::config::Config;
use crate::store::ledger::action;
use crate::store::{Custody, StoreError};

/// Notes the configuration and the roster that this node works with from now on, where they are not what they were. `index` is the
/// file of the compiled roster: its SHA-256 is what `sha256sum` says.
pub async fn in_force(
    store: &Custody,
    config: &Config,
    (people, index): (usize, &Path),
    now: SystemTime,
) -> Result<(), StoreError> {
    let node = &config.server.name;
    let configuration = json!(configuration_sha256(config));
    store
        .note_in_force(node, action::CONFIGURATION, &configuration, now)
        .await?;
    let roster = json!({ "people": people, "sha256": roster_sha256(people, index) });
    store
        .note_in_force(node, action::ROSTER, &roster, now)
        .await?;
    Ok(())
}

/// Notes that this node accepts mail.
pub async fn started(store: &Custody, node: &str, now: SystemTime) -> Result<(), StoreError> {
    let detail = json!({ "version": env!("CARGO_PKG_VERSION") });
    store.note_node(node, action::STARTED, &detail, now).await
}

/// Notes that this node ended in order.
pub async fn stopped(store: &Custody, node: &str, now: SystemTime) -> Result<(), StoreError> {
    store
        .note_node(node, action::STOPPED, &json!({}), now)
        .await
}

/// SHA-256 of the effective configuration, flags and environment included, as JSON with sorted keys.
pub fn configuration_sha256(config: &Config) -> String {
    let all = serde_json::to_value(config).unwrap_or_default();
    hex(digest(&SHA256, all.to_string().as_bytes()).as_ref())
}

/// Without people nothing is compiled, and a file that is there is an older one.
fn roster_sha256(people: usize, index: &Path) -> Option<String> {
    let bytes = std::fs::read(index).ok().filter(|_| people > 0)?;
    Some(hex(digest(&SHA256, &bytes).as_ref()))
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
