//! A child process whose threads are traced with strace, one at a time, so that its n-th system call of a kind can end it or fail.
//!
//! strace counts calls for each thread and each kind by itself. A child here has a fixed set of threads (one for the runtime, one that
//! blocks, one for each connection), all started before tracing begins; going over threads, kinds and numbers goes over every call.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Calls that change what is on a disk, or open what will.
pub const CALLS: &[&str] = &[
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "pwrite64",
    "write",
    "ftruncate",
    "fallocate",
    "openat",
    "mkdir",
    "mkdirat",
    "rmdir",
];

/// How strace writes the file by which threads wake each other.
pub const WAKING: &str = "<anon_inode:[eventfd]>";

/// Longer than SQLite's busy timeout and the pool's together.
const PATIENCE: Duration = Duration::from_secs(45);

/// What the child answered, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The call returned `Ok`.
    Ok,
    /// The call returned this error.
    Error(String),
    /// The child ended without an answer.
    Nothing,
    /// The child does not answer.
    Silence,
}

/// Where a call is: which thread of the child's, which kind.
pub type Place = (usize, &'static str);

/// A child that has opened its store and waits.
pub struct Child {
    process: std::process::Child,
    input: ChildStdin,
    lines: Receiver<String>,
    threads: Vec<u32>,
    /// What the trace on it writes.
    log: Option<PathBuf>,
}

impl Child {
    /// Starts this test binary again as the child that does `act` in `folder`.
    pub fn start(act: &str, folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--ignored", "--nocapture"])
            .env("BEADLE_TEST_ACT", act)
            .env("BEADLE_TEST_FOLDER", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(said) = line.strip_prefix("> ") {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        let mut child = Self {
            process,
            input,
            lines,
            threads: Vec::new(),
            log: None,
        };
        assert_eq!(child.hear(), Heard::Error("ready".into()), "{act}");
        child.threads = child.tasks();
        child
    }

    /// The threads by their names, and those of one name as they began, which is how the kernel lists them: two that begin side by side
    /// would change places from run to run, and numbers begin anew when they run out.
    fn tasks(&self) -> Vec<u32> {
        let folder = format!("/proc/{}/task", self.process.id());
        let name = |task: u32| std::fs::read_to_string(format!("{folder}/{task}/comm"));
        let mut tasks: Vec<u32> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        tasks.sort_by_cached_key(|task| name(*task).unwrap());
        tasks
    }

    /// Tells the child to do its act; gives what it answers.
    pub fn act(&mut self) -> Heard {
        if writeln!(self.input, "go").is_err() {
            return Heard::Nothing;
        }
        self.hear()
    }

    fn hear(&mut self) -> Heard {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.lines.recv_timeout(Duration::from_millis(300)) {
                Ok(line) if line == "ok" => return Heard::Ok,
                Ok(line) => return Heard::Error(line),
                Err(RecvTimeoutError::Disconnected) => return Heard::Nothing,
                Err(RecvTimeoutError::Timeout) if self.cannot_wake() => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Heard::Silence
    }

    /// Whether what failed is one thread waking another, so that there is nothing to wait for.
    fn cannot_wake(&self) -> bool {
        let text = self
            .log
            .as_ref()
            .and_then(|log| std::fs::read_to_string(log).ok());
        text.is_some_and(|text| {
            text.lines()
                .any(|line| line.contains(WAKING) && line.ends_with("(INJECTED)"))
        })
    }

    /// Ends it, as a power switch would.
    pub fn end(mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A running strace.
pub struct Trace {
    process: std::process::Child,
    log: PathBuf,
}

impl Trace {
    /// Watches every thread of the child.
    fn all(child: &Child, log: PathBuf) -> Self {
        let threads = child.threads.iter().map(|thread| format!("-p{thread}"));
        Self::attach(child, &child.threads, threads.collect(), CALLS, None, log)
    }

    /// Does something (in strace's words: `signal=SIGKILL`, `error=EIO`) to the calls that `when` counts at this place.
    pub fn inject(child: &mut Child, place: Place, what: &str, when: &str, log: PathBuf) -> Self {
        child.log = Some(log.clone());
        let thread = child.threads[place.0];
        let injected = format!("inject={}:{what}:when={when}", place.1);
        let which = vec![format!("-p{thread}")];
        Self::attach(child, &[thread], which, &[place.1], Some(injected), log)
    }

    /// As [`Trace::inject`] in every thread there is and will be, each counting for itself: the first to come so far has it.
    pub fn inject_anywhere(
        child: &Child,
        call: &'static str,
        what: &str,
        when: &str,
        log: PathBuf,
    ) -> Self {
        let injected = format!("inject={call}:{what}:when={when}");
        let mut which: Vec<String> = child
            .threads
            .iter()
            .map(|thread| format!("-p{thread}"))
            .collect();
        which.push("-f".to_owned());
        Self::attach(child, &child.threads, which, &[call], Some(injected), log)
    }

    fn attach(
        child: &Child,
        threads: &[u32],
        which: Vec<String>,
        calls: &[&str],
        injected: Option<String>,
        log: PathBuf,
    ) -> Self {
        let mut command = Command::new("strace");
        command
            .args(["-qq", "-y", "-s300", "-o"])
            .arg(&log)
            .args(which);
        command.arg(format!("-etrace={}", calls.join(",")));
        if let Some(injected) = injected {
            command.arg(format!("-e{injected}"));
        }
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let mut trace = Self { process, log };
        let begun = Instant::now();
        while !threads
            .iter()
            .all(|thread| traced(child.process.id(), *thread))
        {
            let ended = trace.process.try_wait().unwrap();
            assert_eq!(ended, None, "strace cannot attach");
            assert!(begun.elapsed() < PATIENCE, "strace does not attach");
            std::thread::sleep(Duration::from_micros(500));
        }
        trace
    }

    /// Lets go of the child and gives what was seen, a line for each call.
    pub fn end(mut self) -> Vec<String> {
        if self.process.try_wait().unwrap().is_none() {
            let id = rustix::process::Pid::from_raw(self.process.id().cast_signed()).unwrap();
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        self.process.wait().unwrap();
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

fn traced(process: u32, thread: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/task/{thread}/status")).is_ok_and(|status| {
        status
            .lines()
            .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    })
}

/// Whether a line is of a call on something in this folder.
pub fn is_in(line: &str, folder: &Path) -> bool {
    line.contains(folder.to_str().unwrap())
}

/// What was seen at a place while nothing was done to the child.
#[derive(Debug, Default)]
pub struct Seen {
    /// Which of its calls are on files of the folder, from 1.
    pub ours: Vec<usize>,
    /// Calls in all. Beyond ours there are the child's answer, and threads waking each other, which not every run does alike.
    pub all: usize,
    /// How many of the others are not threads waking each other.
    pub answers: usize,
}

/// The places that an act comes by, without those where threads only wake each other.
pub fn census(act: &str, folder: &Path, log: PathBuf) -> Vec<(Place, Seen)> {
    let mut child = Child::start(act, folder);
    let trace = Trace::all(&child, log);
    assert_eq!(child.act(), Heard::Ok, "{act} undisturbed");
    assert_eq!(
        child.tasks(),
        child.threads,
        "{act} starts a thread that no trace is on"
    );
    let threads = child.threads.clone();
    let lines = trace.end();
    child.end();
    let mut places = BTreeMap::<Place, Seen>::new();
    for line in &lines {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let Some(call) = CALLS
            .iter()
            .find(|name| call.trim_start().starts_with(&format!("{name}(")))
        else {
            continue;
        };
        let thread: u32 = thread.parse().unwrap();
        let index = threads.iter().position(|known| *known == thread).unwrap();
        let seen = places.entry((index, *call)).or_default();
        seen.all += 1;
        if is_in(line, folder) {
            seen.ours.push(seen.all);
        } else if !line.contains(WAKING) {
            seen.answers += 1;
        }
    }
    places.retain(|_, seen| !seen.ours.is_empty() || seen.answers > 0);
    places.into_iter().collect()
}

/// Why calls cannot be traced on this machine, if they cannot.
pub fn cannot() -> Option<String> {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(format!("strace: {error}")),
    }
}
