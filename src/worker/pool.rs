//! The parent's side: a bounded set of children, lent to one file each, killed at its deadline, replaced after a crash.
//!
//! # Invariants
//! Waiting for a child counts against the message's own time. Every way a read can fail ends as an unread at the file's place.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::extract::{
    Content, FileInput, Location, Picture, Reader, Unit, Unread, UnreadReason, View,
};
use crate::limits::Budget;
use crate::worker::confine::Confinement;
use crate::worker::ocr::{Ocr, OcrConfig};
use crate::worker::wire::{self, Answer, HELLO, Request};

/// How the pool runs its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// The program; its own path by default.
    pub program: PathBuf,
    /// Its arguments: the hidden word.
    pub arguments: Vec<OsString>,
    /// Most children at a time.
    pub size: usize,
    /// Most time for one file.
    pub wall: Duration,
    /// Time of work after which a child is replaced, so that leaks and its CPU allowance never meet an innocent file.
    pub retire_after: Duration,
}

impl PoolConfig {
    /// The running program with the word `worker`, a child for each core.
    pub fn own_program() -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec!["worker".into()],
            size: std::thread::available_parallelism().map_or(2, usize::from),
            wall: Duration::from_secs(20),
            retire_after: Duration::from_secs(10),
        })
    }
}

/// Reads rich formats in child processes.
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    idle: Mutex<Idle>,
    freed: Condvar,
    held: Arc<OnceLock<Confinement>>,
    ocr: Option<Ocr>,
}

#[derive(Debug, Default)]
struct Idle {
    workers: Vec<Worker>,
    lent: usize,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Answer>,
    worked: Duration,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Gone already is as good; waiting keeps no zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Worker {
    fn spawn(config: &PoolConfig, held: Arc<OnceLock<Confinement>>) -> io::Result<Self> {
        let mut child = Command::new(&config.program)
            .args(&config.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (sender, answers) = sync_channel(1);
        std::thread::Builder::new()
            .name("worker-answers".to_owned())
            .spawn(move || listen(output, &sender, &held))?;
        Ok(Self {
            child,
            input,
            answers,
            worked: Duration::ZERO,
        })
    }
}

/// Hands on answers until the child's output ends; then the channel closes, which is how the parent learns of a crash.
fn listen(output: ChildStdout, sender: &SyncSender<Answer>, held: &OnceLock<Confinement>) {
    let mut output = BufReader::with_capacity(64 * 1024, output);
    if skip_to_hello(&mut output).is_err() {
        return;
    }
    match wire::receive(&mut output) {
        Ok(Some(confinement)) => note(held, confinement),
        _ => return,
    }
    while let Ok(Some(answer)) = wire::receive_answer(&mut output) {
        if sender.send(answer).is_err() {
            return;
        }
    }
}

/// The kernel does not change under us: what the first child says holds for all.
fn note(held: &OnceLock<Confinement>, confinement: Confinement) {
    if held.set(confinement).is_err() {
        return;
    }
    let full = confinement.is_full();
    metrics::gauge!("beadle_workers_confined").set(if full { 1.0 } else { 0.0 });
    if !full {
        tracing::warn!(
            landlock = confinement.landlock.name(),
            seccomp = confinement.seccomp.name(),
            "this kernel does not confine the readers of attachments fully"
        );
    }
}

fn skip_to_hello(output: &mut impl Read) -> io::Result<()> {
    let mut window = Vec::new();
    let mut byte = [0u8; 1];
    while !window.ends_with(HELLO) {
        output.read_exact(&mut byte)?;
        window.push(byte[0]);
        if window.len() > 64 * 1024 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}

/// Why a child gave no answer.
enum Failed {
    TimedOut,
    Crashed,
}

impl Pool {
    /// A pool without children; they start when needed.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            config,
            idle: Mutex::default(),
            freed: Condvar::new(),
            held: Arc::default(),
            ocr: None,
        }
    }

    /// The same pool, with pictures read as well.
    #[must_use]
    pub fn with_ocr(mut self, config: OcrConfig) -> Self {
        self.ocr = Some(Ocr::new(config));
        self
    }

    /// What holds the children; starts one if none has run. `None` when none can be started.
    pub fn confinement(&self) -> Option<Confinement> {
        let deadline = Instant::now() + self.config.wall;
        let budget = Budget::new(Arc::default());
        let worker = self.borrow(deadline, &budget).ok()?;
        while self.held.get().is_none() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        self.give_back(Some(worker));
        self.held.get().copied()
    }

    /// Waits for a child, at most until `deadline`.
    fn borrow(&self, deadline: Instant, budget: &Budget) -> Result<Worker, Failed> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if idle.lent < self.config.size.max(1) {
                idle.lent += 1;
                if let Some(worker) = idle.workers.pop() {
                    return Ok(worker);
                }
                drop(idle);
                return Worker::spawn(&self.config, Arc::clone(&self.held)).map_err(|_| {
                    self.give_back(None);
                    Failed::Crashed
                });
            }
            if Instant::now() >= deadline || budget.is_cancelled() {
                return Err(Failed::TimedOut);
            }
            let waited = self.freed.wait_timeout(idle, POLL);
            idle = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, worker: Option<Worker>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.lent = idle.lent.saturating_sub(1);
        idle.workers.extend(worker);
        drop(idle);
        self.freed.notify_one();
    }

    fn attempt(&self, file: &FileInput<'_>, budget: &Budget) -> Result<Answer, Failed> {
        let mut worker = self.borrow(Instant::now() + self.config.wall, budget)?;
        let started = Instant::now();
        let wanted = self.ocr.is_some();
        match exchange(
            &mut worker,
            file,
            budget,
            wanted,
            started + self.config.wall,
        ) {
            Ok(answer) => {
                worker.worked += started.elapsed();
                let spent = worker.worked > self.config.retire_after;
                self.give_back((!spent).then_some(worker));
                Ok(answer)
            }
            Err(failed) => {
                drop(worker);
                self.give_back(None);
                Err(failed)
            }
        }
    }
}

/// How often a wait looks whether the message's time is up.
const POLL: Duration = Duration::from_millis(25);

fn exchange(
    worker: &mut Worker,
    file: &FileInput<'_>,
    budget: &Budget,
    pictures: bool,
    deadline: Instant,
) -> Result<Answer, Failed> {
    let mut limits = (*budget.limits).clone();
    limits.ocr_pictures = if pictures { budget.pictures_left() } else { 0 };
    limits.ocr_pixels = budget.pixels_left();
    limits.password_ms = limits.password_ms.saturating_sub(budget.tried() / 1_000);
    let request = Request {
        location: file.location.into(),
        name: file.name.to_owned(),
        declared: file.declared.map(str::to_owned),
        passwords: file.passwords.clone(),
        limits,
        length: file.bytes.len(),
    };
    // The child reads a whole request before it works, so this cannot wait on a parser.
    wire::send(&mut worker.input, &request)
        .and_then(|()| worker.input.write_all(file.bytes))
        .and_then(|()| worker.input.flush())
        .map_err(|_| Failed::Crashed)?;
    loop {
        let now = Instant::now();
        if now >= deadline || budget.is_cancelled() {
            return Err(Failed::TimedOut);
        }
        match worker.answers.recv_timeout(POLL.min(deadline - now)) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Failed::Crashed),
        }
    }
}

impl Pool {
    /// Reads the pictures that came with an answer. A place that was a picture is none any more when all its pictures were read.
    fn recognise(&self, mut content: Content, budget: &Budget) -> Content {
        let pictures = std::mem::take(&mut content.pictures);
        let Some(ocr) = &self.ocr else {
            return content;
        };
        let mut read: HashSet<Location> = HashSet::new();
        for picture in pictures.iter().filter(|picture| !picture.bytes.is_empty()) {
            if budget.is_cancelled() || !budget.take_picture(picture.pixels) {
                metrics::counter!("beadle_pictures_total", "result" => "over-limit").increment(1);
                continue;
            }
            let told = ocr.read(picture, budget);
            let result = match &told {
                None => "failed",
                Some(told) if told.read => "read",
                Some(_) => "unsure",
            };
            metrics::counter!("beadle_pictures_total", "result" => result).increment(1);
            let Some(told) = told else { continue };
            if told.read {
                read.insert(picture.location.clone());
            }
            say(&mut content, picture, told.text, budget);
        }
        // One place may show several pictures over each other, of which one holds the words.
        let left: HashSet<&Location> = pictures
            .iter()
            .filter(|picture| !read.contains(&picture.location))
            .map(|picture| &picture.answers)
            .collect();
        let answered: HashSet<&Location> =
            pictures.iter().map(|picture| &picture.answers).collect();
        content.unread.retain(|unread| {
            unread.reason != UnreadReason::ImageOnly
                || !answered.contains(&unread.location)
                || left.contains(&unread.location)
        });
        content
    }
}

fn say(content: &mut Content, picture: &Picture, text: String, budget: &Budget) {
    if text.is_empty() || !budget.take_text(text.len()) {
        return;
    }
    content.recognised.push(picture.location.clone());
    content.units.push(Unit {
        location: picture.location.clone(),
        view: View::Visible,
        text,
    });
}

impl Reader for Pool {
    fn read(&self, file: &FileInput<'_>, budget: &Budget) -> Content {
        // A child may have been lost before it saw this file: what a second one dies of as well is the file's own doing.
        let attempt = match self.attempt(file, budget) {
            Err(Failed::Crashed) => self.attempt(file, budget),
            other => other,
        };
        let failed = match attempt {
            Ok(answer) => {
                budget.charge_tries(answer.tried);
                let content = charged(answer.into(), file, budget);
                return self.recognise(content, budget);
            }
            Err(failed) => failed,
        };
        let reason = match failed {
            Failed::TimedOut => UnreadReason::TimedOut,
            Failed::Crashed => UnreadReason::Crashed,
        };
        failure(file, reason)
    }
}

fn failure(file: &FileInput<'_>, reason: UnreadReason) -> Content {
    let kind = crate::extract::sniff::sniff(file.bytes, file.name, file.declared);
    let unread = Unread {
        location: file.location.clone(),
        reason,
        kind: kind.media_type().to_owned(),
    };
    // The name is known whatever became of the file.
    let name = crate::extract::Unit {
        location: file.location.clone(),
        view: crate::extract::View::FileName,
        text: file.name.to_owned(),
    };
    Content {
        units: vec![name],
        unread: vec![unread],
        ..Content::default()
    }
}

/// Charges the message's budget with what the child produced under a budget of its own.
fn charged(mut content: Content, file: &FileInput<'_>, budget: &Budget) -> Content {
    let unpacked: u64 = content.files.iter().map(|fact| fact.bytes).sum();
    let text: usize = content.units.iter().map(|unit| unit.text.len()).sum();
    let fits = budget.take_unpacked(unpacked)
        & budget.take_text(text)
        & content.files.iter().all(|_| budget.take_file());
    if !fits {
        content
            .unread
            .extend(failure(file, UnreadReason::TooBig).unread);
    }
    content
}
