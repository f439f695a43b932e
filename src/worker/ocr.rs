//! Reading pictures: Tesseract, started for one picture at a time by a child of our own that first gives up everything else.
//!
//! # Invariants
//! The decoder of pictures and the recogniser are C and C++: they get the picture on a pipe, no network, no other process, no file but
//! their own program, libraries and data, and are killed at their deadline.
//! A picture is read only when its own header says how large it is, and that fits what is left of the message's allowance.
//!
//! # Known gaps
//! Tesseract reads print, not handwriting. Only English data is asked for.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::extract::Picture;
use crate::limits::Budget;
use crate::worker::confine;

/// How pictures are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcrConfig {
    /// Tesseract itself.
    pub tesseract: PathBuf,
    /// The program that confines itself and becomes Tesseract; our own.
    pub program: PathBuf,
    /// Its arguments before the path of Tesseract: the hidden word.
    pub arguments: Vec<OsString>,
    /// Most recognisers at a time.
    pub size: usize,
    /// Most time for one picture.
    pub page: Duration,
    /// A picture in which nothing looks like text counts as read; else it stays a picture nobody has read.
    pub textless_is_read: bool,
}

impl OcrConfig {
    /// This Tesseract by way of the running program. 5 s a page: a dense A4 page at 300 dpi takes 3 s.
    pub fn own_program(tesseract: PathBuf) -> io::Result<Self> {
        Ok(Self {
            tesseract,
            program: std::env::current_exe()?,
            arguments: vec!["recognise".into()],
            size: std::thread::available_parallelism().map_or(2, usize::from),
            page: Duration::from_secs(5),
            textless_is_read: false,
        })
    }
}

/// What came of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recognised {
    /// What was read, line by line.
    pub(super) text: String,
    /// It is what the picture says, as far as can be told.
    pub(super) read: bool,
}

/// Reads pictures.
#[derive(Debug)]
pub(super) struct Ocr {
    config: OcrConfig,
    running: Mutex<usize>,
    freed: Condvar,
}

/// How often a wait looks whether the message's time is up.
const POLL: Duration = Duration::from_millis(25);
/// Most output of a recogniser: 60 bytes a word, and a page of newsprint has 5,000.
const OUTPUT: u64 = 8 << 20;
/// Confidence in percent from which a word is taken for what stands there; Tesseract's own reports call less doubtful.
const CONFIDENT: f32 = 60.0;
/// Confidence below which a word is a pattern in a photograph.
const NOISE: f32 = 30.0;
/// Confident letters and digits from which a picture says something.
const FEWEST: usize = 8;

impl Ocr {
    pub(super) fn new(config: OcrConfig) -> Self {
        Self {
            config,
            running: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Reads a picture; nothing when it could not be looked at in time.
    pub(super) fn read(&self, picture: &Picture, budget: &Budget) -> Option<Recognised> {
        let deadline = Instant::now() + self.config.page;
        let _turn = self.turn(deadline, budget)?;
        let output = self.run(&picture.bytes, budget)?;
        Some(judge(&words(&output), self.config.textless_is_read))
    }

    fn turn(&self, deadline: Instant, budget: &Budget) -> Option<Turn<'_>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= self.config.size.max(1) {
            if Instant::now() >= deadline || budget.is_cancelled() {
                return None;
            }
            let waited = self.freed.wait_timeout(running, POLL);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *running += 1;
        Some(Turn(self))
    }

    fn run(&self, picture: &[u8], budget: &Budget) -> Option<String> {
        let child = Command::new(&self.config.program)
            .args(&self.config.arguments)
            .arg(&self.config.tesseract)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut child = Killed(child);
        let (mut input, output) = (child.0.stdin.take()?, child.0.stdout.take()?);
        let deadline = Instant::now() + self.config.page;
        let (sender, answer) = sync_channel(1);
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("ocr-input".to_owned())
                .spawn_scoped(scope, move || input.write_all(picture))
                .ok()?;
            std::thread::Builder::new()
                .name("ocr-output".to_owned())
                .spawn_scoped(scope, move || {
                    let mut text = String::new();
                    let read = output.take(OUTPUT).read_to_string(&mut text);
                    let _ = sender.send(read.map(|_| text));
                })
                .ok()?;
            let text = loop {
                match answer.recv_timeout(POLL) {
                    Ok(text) => break text.ok(),
                    Err(RecvTimeoutError::Timeout)
                        if Instant::now() < deadline && !budget.is_cancelled() => {}
                    Err(_) => break None,
                }
            };
            // Its end frees both threads, whatever they wait for.
            let ended = child.end(text.is_some());
            text.filter(|_| ended)
        })
    }
}

/// A place among those that run.
struct Turn<'o>(&'o Ocr);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *running = running.saturating_sub(1);
        drop(running);
        self.0.freed.notify_one();
    }
}

/// A child that does not outlive its turn.
struct Killed(Child);

impl Killed {
    /// Waits for the end, at once when the output is complete, else by killing; says whether it ended well.
    fn end(&mut self, complete: bool) -> bool {
        if !complete {
            let _ = self.0.kill();
        }
        self.0.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One word of a page.
struct Word<'t> {
    line: [&'t str; 4],
    confidence: f32,
    text: &'t str,
}

/// The words of a table of Tesseract: level, page, block, paragraph, line, word, four of place, confidence, text.
fn words(table: &str) -> Vec<Word<'_>> {
    const WORD: &str = "5";
    let mut words = Vec::new();
    for row in table.lines() {
        let mut columns = row.splitn(12, '\t');
        if columns.next() != Some(WORD) {
            continue;
        }
        let columns: Vec<&str> = columns.collect();
        let [page, block, paragraph, line, .., confidence, text] = columns.as_slice() else {
            continue;
        };
        let text = text.trim();
        if !text.is_empty() {
            words.push(Word {
                line: [page, block, paragraph, line],
                confidence: confidence.parse().unwrap_or(0.0),
                text,
            });
        }
    }
    words
}

/// A picture is read when what was read is sure: enough letters, and most of all letters in sure words. Handwriting and photographs
/// come out as doubtful words, and then nobody has read them.
fn judge(words: &[Word<'_>], textless_is_read: bool) -> Recognised {
    let mut text = String::new();
    let mut line = None;
    for word in words.iter().filter(|word| word.confidence >= NOISE) {
        match line {
            None => {}
            Some(last) if last == word.line => text.push(' '),
            Some(_) => text.push('\n'),
        }
        text.push_str(word.text);
        line = Some(word.line);
    }
    let letters = |least: f32| -> usize {
        words
            .iter()
            .filter(|word| word.confidence >= least)
            .map(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count())
            .sum()
    };
    let (sure, likely) = (letters(CONFIDENT), letters(NOISE));
    let read = sure >= FEWEST && sure * 10 >= likely * 7 || textless_is_read && likely == 0;
    Recognised { text, read }
}

/// The life of the child that becomes Tesseract. The program calls this when it is started with the hidden word and does nothing else.
pub fn recognise_main(tesseract: &Path) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    if confine::for_tesseract(tesseract).is_err() {
        return ExitCode::FAILURE;
    }
    // Only returns when it failed. One thread: pages are read side by side by several processes, and none may start threads.
    let _ = Command::new(tesseract)
        .args(["stdin", "stdout", "--psm", "1", "-l", "eng", "tsv"])
        .env_clear()
        .env("OMP_THREAD_LIMIT", "1")
        .exec();
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str, confidence: &str, text: &str) -> String {
        format!("5\t1\t1\t1\t{line}\t1\t0\t0\t9\t9\t{confidence}\t{text}\n")
    }

    #[test]
    fn words_become_lines_and_doubt_leaves_a_picture_unread() {
        let head =
            "running 1 test\nlevel\tpage_num\n1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t\n".to_owned();
        let sure = row("1", "93.1", "Amelia") + &row("1", "96", "Hart") + &row("2", "90", "943");
        let table = head.clone() + &sure;
        let told = judge(&words(&table), false);
        assert_eq!((told.text.as_str(), told.read), ("Amelia Hart\n943", true));
        let table = table + &row("3", "41", "scribbledwords");
        let told = judge(&words(&table), false);
        assert!(told.text.ends_with("scribbledwords") && !told.read);
        let photo = head + &row("1", "12", "|~") + &row("2", "3", "wl");
        assert!(!judge(&words(&photo), false).read);
        assert!(judge(&words(&photo), true).read);
        assert_eq!(judge(&words(&photo), true).text, "");
    }
}
