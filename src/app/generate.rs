//! Shell completions and man pages, made from the command line's own definition.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use crate::app::cli::Cli;

/// Writes completions for `shell` to `out`.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn io::Write) {
    clap_complete::generate(shell, &mut Cli::command(), "beadle", out);
}

/// Writes `beadle.1` and a page for each command into `dir`, which is made when it does not exist.
pub fn man(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), dir)
}
