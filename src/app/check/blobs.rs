//! Whether sealed messages can be kept where `[store.blobs]` says.

use std::io;

use super::Report;
use crate::app::config::Config;
use crate::store::Blobs;

/// Looks at the settings and, unless `offline`, puts, reads, lists and removes a small object. The folder of the default needs
/// no line of its own: it lies in the data folder.
pub(super) async fn run(config: &Config, offline: bool, report: &mut Report<'_>) -> io::Result<()> {
    let settings = &config.store.blobs;
    if !settings.is_remote() {
        return Ok(());
    }
    let blobs = match Blobs::open(settings, &config.server.data_dir.join("blobs")) {
        Ok(blobs) => blobs,
        Err(error) => return report.problem("store.blobs", &error.to_string()),
    };
    if offline {
        return report.note("store.blobs", "settings are sound; not contacted");
    }
    match blobs.try_out().await {
        Ok(()) => report.good("store.blobs", &settings.url),
        Err(error) => report.problem("store.blobs", &error.to_string()),
    }
}
