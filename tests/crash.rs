//! Nothing is lost and nothing half done when the process dies, or the disk fails, at any system call of any act of custody.
//!
//! Each act is done in a child process under strace, once for each call that it makes: the call ends the process before it is made, or
//! fails with an error. The store is audited after each. Where tracing is not permitted these tests fail, unless `BEADLE_TEST_NO_PTRACE=1`
//! says that this is known.
//!
//! # Known gaps
//! A killed process leaves what it wrote in the kernel's cache; a power loss does not. What is synced when is checked by failing syncs,
//! not by taking away what was not synced.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]
#![expect(
    clippy::print_stdout,
    reason = "the child answers its parent, and numbers are part of the result"
)]

#[path = "crash/acts.rs"]
mod acts;
#[path = "crash/audit.rs"]
mod audit;
#[path = "crash/trace.rs"]
mod trace;

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use acts::Act;
use audit::Expected;
use trace::{Child, Heard, Place, Seen, Trace};

/// Makes two tests of each act, and the list by which the child finds it.
macro_rules! every_act {
    ($($name:ident: $act:expr;)*) => {
        fn act_of(name: &str) -> Option<&'static dyn Act> {
            match name {
                $(stringify!($name) => Some(&$act),)*
                _ => None,
            }
        }
        $(mod $name {
            #[test]
            fn killed() {
                super::killed_at_every_call(stringify!($name));
            }

            #[test]
            fn failing() {
                super::failing_at_every_call(stringify!($name));
            }
        })*
    };
}

every_act! {
    hold: acts::Holds(800);
    hold_large: acts::Holds(300_000);
    hold_beside: acts::HoldsBeside;
    enqueue: acts::Enqueues;
    release: acts::Releases;
    release_initials: acts::ReleasesInitials;
    refuse: acts::Refuses;
    lease: acts::Leases;
    settle_finished: acts::Settles::Finished;
    settle_retry: acts::Settles::Retry;
    settle_returned: acts::Settles::Returned;
    dead_letter_retry: acts::Operates::Retries;
    dead_letter_cancel: acts::Operates::Cancels;
    refusal: acts::RecordsRefusal;
    remember: acts::Remembers;
    notify: acts::Notifies;
    purge: acts::Purges;
    rewrap: acts::Rewraps;
    sweep: acts::Sweeps;
}

/// What the child does in place of an act: it opens a store where there is none.
const OPENING: &str = "opening";

/// A store whose first opening, with the making of its key and every change of its schema, ended anywhere is opened the next time. Threads
/// begin here during the act, so that a call is missed when another thread came as far with calls of the kind before; writes to the
/// database all come from one thread.
#[test]
fn opening_killed() {
    if !can_trace() {
        return;
    }
    let begun = Instant::now();
    let top = scratch();
    let names = |folder: &Path| -> Vec<(String, usize)> {
        let tables = runtime().block_on(audit::tables(folder, false));
        tables
            .into_iter()
            .map(|(name, rows)| (name, rows.len()))
            .collect()
    };
    let good = top.path().join("good");
    runtime().block_on(async { audit::open(&good).await.close().await });
    let good = names(&good);
    let mut killed = 0;
    for call in trace::CALLS {
        for number in 1.. {
            let folder = top.path().join("opening");
            let mut child = Child::start(OPENING, &folder);
            let log = folder.with_extension("trace");
            let trace =
                Trace::inject_anywhere(&child, call, "signal=SIGKILL", &number.to_string(), log);
            let heard = child.act();
            child.end();
            trace.end();
            let what = format!("opening: killed before {call} {number}: {heard:?}");
            runtime().block_on(async {
                let store = audit::open(&folder).await;
                acts::Holds(800).run(&store, None).await.unwrap();
                audit::whole(&store, &folder, &what).await;
                store.close().await;
            });
            let mut found = names(&folder);
            // What the hold made just now is no effect of opening.
            for (name, rows) in &mut found {
                let own = ["hold", "ledger", "hold_count"].contains(&name.as_str());
                *rows -= usize::from(own);
                if name == "hold_token" {
                    *rows = 0;
                }
            }
            assert_eq!(found, good, "{what}");
            std::fs::remove_dir_all(&folder).unwrap();
            if heard != Heard::Nothing {
                assert_eq!(heard, Heard::Ok, "{what}");
                break;
            }
            killed += 1;
        }
    }
    println!("opening: killed at {killed} calls in {:?}", begun.elapsed());
    assert!(killed > 100, "{killed}");
}

/// Whether calls can be traced; fails where they cannot and nobody said so.
fn can_trace() -> bool {
    let Some(why) = trace::cannot() else {
        return true;
    };
    assert_eq!(
        std::env::var("BEADLE_TEST_NO_PTRACE").as_deref(),
        Ok("1"),
        "no tracing here ({why}); BEADLE_TEST_NO_PTRACE=1 leaves this out"
    );
    println!("crash at every call: NOT TESTED, {why}");
    false
}

/// Not a test: the process that acts. It opens the store of `BEADLE_TEST_FOLDER`, says `ready`, and does `BEADLE_TEST_ACT` for each line
/// that it reads.
#[test]
#[ignore = "run by other tests in a child process"]
fn child() {
    let (Ok(name), Some(folder)) = (
        std::env::var("BEADLE_TEST_ACT"),
        std::env::var_os("BEADLE_TEST_FOLDER"),
    ) else {
        return;
    };
    // Where only ancestors may trace (Yama), strace is none. Elsewhere the call is refused, and not needed.
    let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
    if name == OPENING {
        say("ready");
        std::io::stdin().lock().lines().next().unwrap().unwrap();
        drop(runtime().block_on(audit::open(Path::new(&folder))));
        say("ok");
        std::io::stdin().lock().lines().next();
        return;
    }
    let act = act_of(&name).unwrap();
    runtime().block_on(async {
        let store = audit::open(Path::new(&folder)).await;
        let mut lease = act.ready(&store).await;
        // Every connection and thread is at work before tracing begins.
        store.counts().await.unwrap();
        store.probe().await.unwrap();
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        say("ready");
        for _ in std::io::stdin().lock().lines() {
            let answer = act.run(&store, lease.clone()).await;
            match &answer {
                answer if audit::done(answer) => say("ok"),
                Err(error) => say(&format!("{error:?}")),
                Ok(()) => {}
            }
            if answer.is_ok() {
                lease = None;
            }
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // One call: what libtest wrote before stands on a line of its own.
    out.write_all(format!("\n> {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// One thread for what is asynchronous, one for what blocks.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_hours(1))
        .build()
        .unwrap()
}

/// An act with its prepared folder and what is expected of it.
struct Case {
    name: &'static str,
    act: &'static dyn Act,
    top: TempDir,
    expected: Expected,
    places: Vec<(Place, Seen)>,
}

impl Case {
    /// Prepares; `None` where nothing can be traced and that is known.
    fn of(name: &'static str) -> Option<Self> {
        if !can_trace() {
            return None;
        }
        let act = act_of(name).unwrap();
        let top = scratch();
        let prepared = top.path().join("prepared");
        let runtime = runtime();
        runtime.block_on(async {
            let store = audit::open(&prepared).await;
            act.prepare(&store, &prepared).await;
            store.close().await;
        });
        let before = top.path().join("before");
        copy(&prepared, &before);
        runtime.block_on(async {
            let store = audit::open(&before).await;
            act.ready(&store).await;
            store.close().await;
        });
        let after = top.path().join("after");
        copy(&prepared, &after);
        let places = trace::census(name, &after, top.path().join("census"));
        let ours: usize = places.iter().map(|(_, seen)| seen.ours.len()).sum();
        assert!(ours > 0, "no call is on a file");
        let expected = runtime.block_on(Expected::of(act, &before, &after));
        println!("{name}: {ours} calls on files");
        Some(Self {
            name,
            act,
            top,
            expected,
            places,
        })
    }

    fn fresh(&self, label: &str) -> (PathBuf, PathBuf) {
        let folder = self.top.path().join(label);
        copy(&self.top.path().join("prepared"), &folder);
        (folder.clone(), folder.with_extension("trace"))
    }

    fn audit(&self, folder: &Path, heard: &Heard, disturbed: bool, what: &str) {
        let what = format!("{}: {what}: {heard:?}", self.name);
        runtime().block_on(audit::audit(
            self.act,
            &self.expected,
            folder,
            heard,
            disturbed,
            &what,
        ));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// A folder in memory where there is one: what a killed process wrote stays, and syncs cost nothing.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn killed_at_every_call(name: &'static str) {
    let Some(case) = Case::of(name) else { return };
    let begun = Instant::now();
    let mut killed = 0;
    for (place, seen) in &case.places {
        let (mut number, mut missed) = (1, 0);
        loop {
            let what = format!("killed before {} {number} of thread {}", place.1, place.0);
            let (folder, log) = case.fresh("killed");
            let mut child = Child::start(name, &folder);
            let trace = Trace::inject(
                &mut child,
                *place,
                "signal=SIGKILL",
                &number.to_string(),
                log,
            );
            let heard = child.act();
            child.end();
            trace.end();
            case.audit(&folder, &heard, false, &what);
            if heard == Heard::Nothing {
                killed += 1;
                number += 1;
                continue;
            }
            assert_eq!(heard, Heard::Ok, "{what}");
            if number > seen.ours.len() {
                break;
            }
            // Two random keys may share a folder: that run makes it once.
            missed += 1;
            assert!(missed < 5, "{what}: {seen:?}");
        }
    }
    println!("{name}: killed at {killed} calls in {:?}", begun.elapsed());
}

/// What fails, for how long, and what becomes of the process.
struct Failure {
    error: &'static str,
    /// Only the n-th call, or it and every later one of its kind.
    lasts: bool,
    /// The process gets over it and tries again, or ends there.
    recovers: bool,
}

const FAILURES: &[Failure] = &[
    Failure {
        error: "EIO",
        lasts: false,
        recovers: true,
    },
    Failure {
        error: "EIO",
        lasts: true,
        recovers: false,
    },
    Failure {
        error: "ENOSPC",
        lasts: false,
        recovers: false,
    },
    Failure {
        error: "ENOSPC",
        lasts: true,
        recovers: true,
    },
];

/// Calls that can find no space.
const TAKES_SPACE: &[&str] = &[
    "pwrite64",
    "write",
    "openat",
    "mkdir",
    "mkdirat",
    "fsync",
    "fdatasync",
    "rename",
    "link",
    "linkat",
    "ftruncate",
    "fallocate",
];

fn failing_at_every_call(name: &'static str) {
    let Some(case) = Case::of(name) else { return };
    let begun = Instant::now();
    let (mut failed, mut unharmed, mut elsewhere) = (0, 0, 0);
    let on_files = case.places.iter().filter(|(_, seen)| !seen.ours.is_empty());
    for (place, seen) in on_files {
        for failure in FAILURES {
            if failure.error == "ENOSPC" && !TAKES_SPACE.contains(&place.1) {
                continue;
            }
            // Where threads wake each other by the same call, the numbers of those on files differ between runs: a busy machine wakes
            // them more often than the census saw, so each round looks further.
            let mut met = false;
            for more in 0..10 {
                for number in 1..=seen.all + more {
                    let outcome = fail(&case, *place, failure, number, seen);
                    met |= outcome != Outcome::Elsewhere;
                    match outcome {
                        Outcome::Elsewhere => elsewhere += 1,
                        Outcome::Told => failed += 1,
                        Outcome::Unharmed => unharmed += 1,
                    }
                }
                if met {
                    break;
                }
            }
            assert!(met, "{name}: {} of {place:?} was not met", failure.error);
        }
    }
    assert!(failed > 0, "no failure was told");
    println!(
        "{name}: {failed} failures told, {unharmed} did no harm, {elsewhere} calls were on no file, in {:?}",
        begun.elapsed()
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// In this run that call was not on a file.
    Elsewhere,
    /// The act returned an error.
    Told,
    /// The act returned `Ok`, and it was so.
    Unharmed,
}

fn fail(case: &Case, place: Place, failure: &Failure, number: usize, seen: &Seen) -> Outcome {
    // Threads must be able to wake each other: where they do so by the same call, one alone fails.
    let mixed = seen.all > seen.ours.len();
    let when = format!("{number}{}", if failure.lasts && !mixed { "+" } else { "" });
    let what = format!(
        "{} at {} {when} of thread {}",
        failure.error, place.1, place.0
    );
    let (folder, log) = case.fresh("failing");
    let mut child = Child::start(case.name, &folder);
    let trace = Trace::inject(
        &mut child,
        place,
        &format!("error={}", failure.error),
        &when,
        log,
    );
    let heard = child.act();
    let hit: Vec<String> = trace
        .end()
        .into_iter()
        .filter(|line| line.ends_with("(INJECTED)"))
        .collect();
    let ours = hit.iter().any(|line| trace::is_in(line, &folder));
    if !ours || hit.iter().any(|line| line.contains(trace::WAKING)) {
        child.end();
        std::fs::remove_dir_all(&folder).unwrap();
        return Outcome::Elsewhere;
    }
    if let Heard::Error(text) = &heard {
        let full = text == "Full";
        assert!(full || text.starts_with("Unavailable("), "{what}: {text}");
        let wrote = matches!(place.1, "pwrite64" | "write");
        assert!(
            full || !wrote || failure.error != "ENOSPC",
            "{what}: {text}"
        );
    } else {
        assert_eq!(heard, Heard::Ok, "{what}: the process ended, {hit:?}");
        // SQLite syncs the folder for the name of its log, which opening the store has done already, and does not mind.
        let named = |line: &String| line.contains(&format!("<{}>", folder.display()));
        let synced = place.1.ends_with("sync") && !hit.iter().all(named);
        assert!(!synced, "{what}: said Ok after {hit:?}");
    }
    let mut last = heard.clone();
    if failure.recovers {
        last = child.act();
        assert_eq!(
            last,
            Heard::Ok,
            "{what}: {heard:?}, and with the disk well again"
        );
    }
    child.end();
    case.audit(&folder, &last, true, &what);
    if heard == Heard::Ok {
        Outcome::Unharmed
    } else {
        Outcome::Told
    }
}
