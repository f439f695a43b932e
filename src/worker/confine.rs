//! What a child gives up before it sees a byte: resources, files, the network, new processes, and all but a few system calls.
//!
//! # Invariants
//! Best effort, and said: what this kernel does not enforce is in the [`Confinement`] that every child reports to its parent.
//! A refused call fails with EPERM rather than ending the child: a library that probes the machine reads on without an answer.
//! Memory is never writable and executable, nor made executable later.
//!
//! # Standards
//! Landlock (Linux 5.13; TCP from 6.7, scopes from 6.12), seccomp-BPF (Linux 3.17 for all threads), `prctl(PR_SET_NO_NEW_PRIVS)`,
//! `setrlimit(2)`.
//!
//! # Known gaps
//! `RLIMIT_NPROC` does not bind root; the filter of system calls does.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use serde::{Deserialize, Serialize};

/// Address space: calamine-sized workbooks fit, a 2 GB stream does not.
const MEMORY: u64 = 1 << 30;
/// Seconds of CPU over the child's life: above what the parent lets it live, below forever.
const CPU: u64 = 60;
/// Descriptors: three pipes, and the few that the start of a program needs.
const DESCRIPTORS: u64 = 16;
/// Seconds of CPU for one picture: twice its wall time.
const RECOGNISING: u64 = 10;

/// How much of a protection the kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enforced {
    /// All that was asked for.
    Fully,
    /// Part of it: an older kernel.
    Partly,
    /// Nothing.
    Not,
}

impl Enforced {
    /// For logs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fully => "full",
            Self::Partly => "partial",
            Self::Not => "none",
        }
    }
}

/// What holds a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Landlock: no file, no TCP, no signal or abstract socket beyond the child.
    pub landlock: Enforced,
    /// seccomp: only the system calls that reading needs.
    pub seccomp: Enforced,
    /// No gain of privileges by an exec.
    pub no_new_privileges: bool,
}

impl Confinement {
    /// Whether everything is enforced.
    pub fn is_full(self) -> bool {
        self.landlock == Enforced::Fully
            && self.seccomp == Enforced::Fully
            && self.no_new_privileges
    }
}

/// Sets a soft and hard limit.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, limit).map_err(io::Error::from)
}

/// Lowers limits and closes files and network, for this thread and those it starts. Call it before the thread that reads is started,
/// and [`seal`] in that thread.
///
/// # Errors
/// Only limits, which every kernel has, can fail.
pub fn lower() -> io::Result<(Enforced, bool)> {
    limit(Resource::As, MEMORY)?;
    limit(Resource::Cpu, CPU)?;
    limit(Resource::Nofile, DESCRIPTORS)?;
    limit(Resource::Core, 0)?;
    // Answers go through a pipe, which this does not bind.
    limit(Resource::Fsize, 0)?;
    // No death signal: it comes when the parent's thread ends that made the child, while others use it. The end of its input is
    // what a child lives to, and `CPU` ends one that does not look at it.
    let privileges = rustix::thread::set_no_new_privs(true).is_ok();
    Ok((deny_all(), privileges))
}

/// A Landlock domain without any rule.
fn deny_all() -> Enforced {
    let domain = || {
        Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    domain().map_or(Enforced::Not, |status| enforced(&status.ruleset))
}

fn enforced(status: &RulesetStatus) -> Enforced {
    match status {
        RulesetStatus::FullyEnforced => Enforced::Fully,
        RulesetStatus::PartiallyEnforced => Enforced::Partly,
        RulesetStatus::NotEnforced => Enforced::Not,
    }
}

/// Gives up new processes and all system calls but those of `ALLOWED`, for every thread of this process.
pub fn seal() -> Enforced {
    let alone = limit(Resource::Nproc, 0).is_ok();
    let sealed =
        filter().is_some_and(|program| seccompiler::apply_filter_all_threads(&program).is_ok());
    match (sealed, alone) {
        (true, true) => Enforced::Fully,
        (true, false) => Enforced::Partly,
        (false, _) => Enforced::Not,
    }
}

/// Folders with the libraries and the data of Tesseract, and what the loader reads.
const TESSERACT: [&str; 9] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/usr/share/tesseract-ocr",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
];

/// Calls that a recogniser has no use for: the network, other processes, the kernel's wider doors.
const REFUSED: [libc::c_long; 24] = [
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_bpf,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_connect,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_kill,
    libc::SYS_listen,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_setns,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_tgkill,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Gives up all that Tesseract does not need, and keeps what an exec needs: reading the program, its libraries and data.
///
/// # Errors
/// Only limits can fail; what the kernel does not enforce is left out, as for [`lower`].
pub fn for_tesseract(program: &Path) -> io::Result<()> {
    limit(Resource::As, MEMORY)?;
    limit(Resource::Cpu, RECOGNISING)?;
    limit(Resource::Nofile, 64)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    let _ = rustix::thread::set_no_new_privs(true);
    let domain = || {
        // A program outside the usual folders has its data beside it.
        let beside = program
            .ancestors()
            .nth(2)
            .filter(|up| *up != Path::new("/") && *up != Path::new("/usr"));
        let paths = TESSERACT.iter().map(Path::new).chain([program]);
        let read = AccessFs::from_read(ABI::V6);
        Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .add_rules(path_beneath_rules(paths.chain(beside), read))?
            .restrict_self()
    };
    let _ = domain();
    let rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if let Some(program) = program_of(rules, SeccompAction::Allow, REFUSAL) {
        let _ = seccompiler::apply_filter(&program);
    }
    limit(Resource::Nproc, 0)
}

/// What a thread needs that computes, allocates, and talks through pipes that are open.
const ALLOWED: [libc::c_long; 25] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Calls whose third argument are the rights of a piece of memory.
const MEMORY_RIGHTS: [libc::c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

fn filter() -> Option<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    for call in MEMORY_RIGHTS {
        let data = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(executable),
            0,
        )
        .ok()?;
        rules.insert(call, vec![SeccompRule::new(vec![data]).ok()?]);
    }
    program_of(rules, REFUSAL, SeccompAction::Allow)
}

const REFUSAL: SeccompAction = SeccompAction::Errno(libc::EPERM.unsigned_abs());

/// A filter that does `matched` for calls with a rule, and `other` for the rest.
fn program_of(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    other: SeccompAction,
    matched: SeccompAction,
) -> Option<BpfProgram> {
    let architecture = std::env::consts::ARCH.try_into().ok()?;
    SeccompFilter::new(rules, other, matched, architecture)
        .ok()?
        .try_into()
        .ok()
}
