//! What the targets share: which panics are findings.
//!
//! `libfuzzer-sys` ends the process at every panic, also at one that production catches. A decoder of another crate may panic where a guard
//! stands around it: `mime::structure` and `extract::legacy` catch and go on, `extract::read` makes the file unread as
//! [`Crashed`](beadle::extract::UnreadReason::Crashed), which the targets take for a finding. So only a panic that no registry crate raised
//! ends the run at once; the others have to get past those guards first.

pub mod checksums;

use std::backtrace::Backtrace;

use beadle::extract::{Content, UnreadReason};

/// Replaces the hook of `libfuzzer-sys`: to be called by a target's `init`.
pub fn guard() {
    std::panic::set_hook(Box::new(|panic| {
        let foreign = panic
            .location()
            .is_some_and(|at| at.file().contains("/registry/src/"));
        if foreign && std::env::var_os("SHOW_PANICS").is_none() {
            return;
        }
        eprintln!("{panic}");
        if !foreign {
            eprintln!("{}", Backtrace::force_capture());
            std::process::abort();
        }
    }));
}

/// Ends the run when a decoder's panic cost a whole file.
///
/// # Panics
/// When something in `content` is unread because its reader panicked.
pub fn no_crash(content: &Content) {
    let crashed = |unread: &&beadle::extract::Unread| unread.reason == UnreadReason::Crashed;
    if let Some(unread) = content.unread.iter().find(crashed) {
        panic!("a reader panicked at {:?}: run again with SHOW_PANICS=1", unread.location);
    }
}
