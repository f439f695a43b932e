//! The `beadle` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    beadle::app::run()
}
