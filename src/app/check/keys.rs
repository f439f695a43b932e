//! The part of `check` that reads the master keys. It makes none.

use std::io;

use super::Report;
use crate::app::config::Config;
use crate::app::keys;
use crate::store::{KeySource, MasterKeys};

/// Reads the master keys from where they come from, which may run a program, and says which is the current one.
pub(super) fn run(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    const WHAT: &str = "master keys";
    let source = match keys::source(config) {
        Ok(source) => source,
        Err(error) => return report.problem(WHAT, &error),
    };
    if let KeySource::File { path, create: true } = &source
        && !path.exists()
    {
        let found = format!("none yet; `{}` is made on first start", path.display());
        return report.note(WHAT, &found);
    }
    let name = source.to_string();
    match MasterKeys::open(source) {
        Ok(keys) => {
            let found = format!(
                "{} from {name}; current: {}",
                keys.ids().len(),
                keys.current()
            );
            report.good(WHAT, &found)
        }
        Err(error) => report.problem(WHAT, &format!("{error}; see docs/KEYS.md")),
    }
}
