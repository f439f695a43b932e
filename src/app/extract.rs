//! `extract`: what Beadle reads in a file, as recipients would: its text by place, what it could not read, how it is protected.
//!
//! # Invariants
//! This is the one command whose purpose is to print content. It prints to its caller and writes nothing down.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::app::cli::Output;
use crate::extract::{Content, FileInput, Location, Passwords, Place, Reader};
use crate::limits::{Budget, Limits};

/// What was read in one file, as a line of JSON.
#[derive(Serialize)]
struct Line<'r> {
    file: String,
    milliseconds: u128,
    units: Vec<UnitLine<'r>>,
    unread: Vec<[String; 3]>,
    protections: Vec<[String; 3]>,
    files: Vec<[String; 2]>,
    defects: Vec<&'static str>,
}

#[derive(Serialize)]
struct UnitLine<'r> {
    location: String,
    view: String,
    text: &'r str,
}

/// Reads each file and prints it. A file that cannot be opened ends the run.
pub fn run(
    paths: &[std::path::PathBuf],
    reader: &dyn Reader,
    limits: &Arc<Limits>,
    output: Output,
    out: &mut dyn Write,
) -> io::Result<()> {
    for path in paths {
        let bytes = std::fs::read(path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("failed to read `{}`: {error}", path.display()),
            )
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let location = Location::of(Place::Attachment(vec![name.to_string()]));
        let file = FileInput {
            location: &location,
            name: &name,
            declared: None,
            bytes: &bytes,
            passwords: &Passwords::default(),
        };
        let started = Instant::now();
        let content = in_time(limits, |budget| reader.read(&file, budget));
        match output {
            Output::Jsonl => json(path, &content, started.elapsed(), out)?,
            Output::Text => text(path, &content, out)?,
        }
    }
    Ok(())
}

/// Does the work with as long a time as a message has; what then still wants to be read is said as unread.
fn in_time(limits: &Arc<Limits>, work: impl FnOnce(&Budget) -> Content) -> Content {
    let budget = Budget::new(Arc::clone(limits));
    let (done, waiting) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let budget = &budget;
        scope.spawn(move || {
            let longest = Duration::from_secs(limits.scan_seconds);
            if waiting.recv_timeout(longest) == Err(mpsc::RecvTimeoutError::Timeout) {
                budget.cancel();
            }
        });
        let content = work(budget);
        drop(done);
        content
    })
}

fn json(path: &Path, content: &Content, took: Duration, out: &mut dyn Write) -> io::Result<()> {
    let units = content.units.iter().map(|unit| UnitLine {
        location: unit.location.to_string(),
        view: format!("{:?}", unit.view).to_lowercase(),
        text: &unit.text,
    });
    let unread = content.unread.iter().map(|unread| {
        [
            unread.location.to_string(),
            unread.reason.name().to_owned(),
            unread.kind.clone(),
        ]
    });
    let protections = content.protections.iter().map(|protection| {
        [
            protection.location.to_string(),
            protection.state.name().to_owned(),
            protection.reason.to_owned(),
        ]
    });
    let files = content.files.iter();
    let line = Line {
        file: path.display().to_string(),
        milliseconds: took.as_millis(),
        units: units.collect(),
        unread: unread.collect(),
        protections: protections.collect(),
        files: files
            .map(|file| [file.location.to_string(), file.kind.clone()])
            .collect(),
        defects: content.defects.iter().map(|defect| defect.name()).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

fn text(path: &Path, content: &Content, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", path.display())?;
    for unit in &content.units {
        writeln!(
            out,
            "\n[{} {}]",
            unit.location,
            format!("{:?}", unit.view).to_lowercase()
        )?;
        writeln!(out, "{}", unit.text.trim_end())?;
    }
    for unread in &content.unread {
        writeln!(
            out,
            "\nnot read: {} ({}, {})",
            unread.location,
            unread.reason.name(),
            unread.kind
        )?;
    }
    for protection in &content.protections {
        writeln!(
            out,
            "\n{}: {} ({})",
            protection.location,
            protection.state.name(),
            protection.reason
        )?;
    }
    for defect in &content.defects {
        writeln!(out, "\ndefect: {}", defect.name())?;
    }
    Ok(())
}
