//! `scan`: judges messages from files on all cores and prints one line for each.
//!
//! # Invariants
//! Lines come out in the order of the input whatever the number of threads. Matched values are masked unless `--reveal` was given.
//! The JSON object's keys are a contract: they are added to, never changed.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::app::cli::Output;
use crate::app::input::Input;
use crate::limits::{Budget, Limits};
use crate::pipeline::judge::{Case, Conclusion, Judgement, Tools, judge};
use crate::policy::history::UNKNOWN;
use crate::policy::{Action, ClientFacts};

/// How a scan is done.
#[derive(Clone)]
pub struct Options {
    /// Threads; at least 1.
    pub jobs: usize,
    /// Form of the output.
    pub output: Output,
    /// Print matched values in clear.
    pub reveal: bool,
    /// Ceilings for each message.
    pub limits: Arc<Limits>,
    /// The moment of judging.
    pub now: jiff::civil::DateTime,
}

/// One finding as printed.
#[derive(Debug, Serialize)]
pub struct FindingLine {
    category: &'static str,
    detector: String,
    confidence: &'static str,
    location: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    obfuscated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<String>,
}

/// One part that could not be read, as printed.
#[derive(Debug, Serialize)]
pub struct UnreadLine {
    location: String,
    reason: &'static str,
    kind: String,
}

/// One judged message as printed.
#[derive(Debug, Serialize)]
pub struct Line {
    file: String,
    disposition: &'static str,
    /// How a delivered message is treated when it is not just delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow: Vec<String>,
    findings: Vec<FindingLine>,
    unread: Vec<UnreadLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    defects: Vec<&'static str>,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The contract's word for an action.
pub fn disposition(action: Action) -> &'static str {
    match action {
        Action::Deliver | Action::Tag | Action::Warn | Action::Reroute => "deliver",
        Action::Hold => "quarantine",
        Action::Refuse => "block",
    }
}

/// What a scan came to.
#[derive(Debug, Default)]
pub struct Totals {
    /// Messages judged.
    pub messages: usize,
    /// Messages that could not be read from disk.
    pub failed: usize,
    bytes: u64,
    by_disposition: BTreeMap<&'static str, usize>,
    times: Vec<Duration>,
}

/// Judges every input and writes its line to `out`, in order.
pub fn run(
    inputs: &[Input],
    tools: &Tools,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Totals> {
    let next = AtomicUsize::new(0);
    let bar = progress(inputs.len());
    let (sender, receiver) = mpsc::sync_channel(options.jobs * 64);
    let started = Instant::now();
    let mut totals = Totals::default();
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            let (sender, next) = (sender.clone(), &next);
            // Deep documents are walked on this stack; 16 MiB covers every depth that `Limits` allows.
            let spawned = std::thread::Builder::new()
                .stack_size(16 << 20)
                .spawn_scoped(scope, move || {
                    scan_next(inputs, next, tools, options, &sender);
                });
            spawned?;
        }
        drop(sender);
        print_in_order(&receiver, options, &bar, &mut totals, out)
    })?;
    bar.finish_and_clear();
    totals.times.sort_unstable();
    summarise(&totals, started.elapsed());
    Ok(totals)
}

type Scanned = (usize, Line, u64);

fn scan_next(
    inputs: &[Input],
    next: &AtomicUsize,
    tools: &Tools,
    options: &Options,
    sender: &mpsc::SyncSender<Scanned>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(input) = inputs.get(index) else {
            return;
        };
        let (line, bytes) = scan_one(input, tools, options);
        if sender.send((index, line, bytes)).is_err() {
            return;
        }
    }
}

fn scan_one(input: &Input, tools: &Tools, options: &Options) -> (Line, u64) {
    let message = match input.read() {
        Ok(message) => message,
        Err(error) => return (unreadable(input, &error), 0),
    };
    let started = Instant::now();
    let envelope = input.envelope(&message);
    let case = Case {
        envelope: &envelope,
        // Files stand for mail that the trust's own servers handed over.
        client: ClientFacts { own_server: true },
        message: &message,
        now: options.now,
        history: &UNKNOWN,
    };
    let judgement = judge(&case, tools, &Budget::new(Arc::clone(&options.limits)));
    let line = describe(input, &judgement, options.reveal, started.elapsed());
    (line, message.len() as u64)
}

/// A file that cannot be read was not judged: the strictest honest answer is that it would be held.
fn unreadable(input: &Input, error: &io::Error) -> Line {
    Line {
        file: input.name.clone(),
        disposition: disposition(Action::Hold),
        action: None,
        rules: Vec::new(),
        shadow: Vec::new(),
        findings: Vec::new(),
        unread: vec![UnreadLine {
            location: "body".to_owned(),
            reason: "broken",
            kind: "file".to_owned(),
        }],
        defects: Vec::new(),
        ms: 0.0,
        error: Some(format!("failed to read: {}", error.kind())),
    }
}

fn describe(input: &Input, judgement: &Judgement, reveal: bool, took: Duration) -> Line {
    let mut rules: Vec<String> = judgement
        .verdict
        .hits
        .iter()
        .map(|hit| hit.rule.to_string())
        .collect();
    rules.dedup();
    let action = judgement.verdict.action;
    let defects: Vec<&'static str> = judgement
        .defects
        .iter()
        .chain(&judgement.content.defects)
        .map(|defect| defect.name())
        .collect();
    Line {
        file: input.name.clone(),
        disposition: disposition(action),
        action: (action.passes() && action != Action::Deliver).then(|| action.name()),
        rules,
        shadow: judgement
            .verdict
            .shadow
            .iter()
            .map(|hit| hit.rule.to_string())
            .collect(),
        findings: finding_lines(judgement, reveal),
        unread: judgement
            .content
            .unread
            .iter()
            .map(|unread| UnreadLine {
                location: unread.location.place.to_string(),
                reason: unread.reason.name(),
                kind: unread.kind.clone(),
            })
            .collect(),
        defects,
        ms: (took.as_secs_f64() * 1e6).round() / 1e3,
        error: None,
    }
}

/// What was concluded, as lines.
fn finding_lines(judgement: &Judgement, reveal: bool) -> Vec<FindingLine> {
    let line = |found: Conclusion<'_>| FindingLine {
        category: found.category.name(),
        detector: found.detector.to_owned(),
        confidence: found.confidence.name(),
        location: found.location.place.to_string(),
        value: match found.text {
            Some(text) if reveal => text.reveal().to_owned(),
            _ => found.masked.to_owned(),
        },
        detail: found.location.detail,
        obfuscated: found.obfuscated,
        evidence: found.evidence.into_iter().map(ToOwned::to_owned).collect(),
    };
    judgement.conclusions().map(line).collect()
}

fn print_in_order(
    receiver: &mpsc::Receiver<Scanned>,
    options: &Options,
    bar: &ProgressBar,
    totals: &mut Totals,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut due = 0;
    for (index, line, bytes) in receiver {
        bar.inc(1);
        waiting.insert(index, (line, bytes));
        while let Some((line, bytes)) = waiting.remove(&due) {
            due += 1;
            count(totals, &line, bytes);
            print(&line, options.output, out)?;
        }
    }
    out.flush()
}

fn count(totals: &mut Totals, line: &Line, bytes: u64) {
    totals.messages += 1;
    totals.failed += usize::from(line.error.is_some());
    totals.bytes += bytes;
    *totals.by_disposition.entry(line.disposition).or_default() += 1;
    totals.times.push(Duration::from_secs_f64(line.ms / 1e3));
}

fn print(line: &Line, output: Output, out: &mut dyn Write) -> io::Result<()> {
    match output {
        Output::Jsonl => {
            serde_json::to_writer(&mut *out, line)?;
            out.write_all(b"\n")
        }
        Output::Text => {
            writeln!(
                out,
                "{:<10} {:>8.2} ms  {}  {}",
                line.disposition,
                line.ms,
                line.file,
                line.rules.join(" ")
            )
        }
    }
}

fn progress(messages: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(messages as u64), target);
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} messages, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The figures for people, on standard error.
fn summarise(totals: &Totals, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-9);
    let percentile = |percent: usize| -> f64 {
        let at = (totals.times.len() * percent / 100).min(totals.times.len().saturating_sub(1));
        totals
            .times
            .get(at)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let counts: Vec<String> = totals
        .by_disposition
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let mut err = io::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(
        err,
        "{} messages ({}), {:.1} MB in {seconds:.2} s: {:.0} messages/s, {:.1} MB/s, p50 {:.2} ms, p99 {:.2} ms, peak memory {} MB{}",
        totals.messages,
        counts.join(", "),
        totals.bytes as f64 / 1e6,
        totals.messages as f64 / seconds,
        totals.bytes as f64 / 1e6 / seconds,
        percentile(50),
        percentile(99),
        peak_memory_mib().unwrap_or(0),
        if totals.failed > 0 {
            format!(", {} could not be read", totals.failed)
        } else {
            String::new()
        },
    );
}

/// Peak resident memory of this process in MiB, from `/proc/self/status`.
fn peak_memory_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}
