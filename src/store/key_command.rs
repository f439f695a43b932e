//! A program that prints the master keys: the way to a key service.
//!
//! # Invariants
//! No shell. The program sees `PATH`, `HOME` and what is listed of our environment, nothing else; its input is empty. It has ten
//! seconds and room for 4 KiB; past either it is ended with all it started. What it says on standard error goes nowhere: programs
//! put tokens there.
//!
//! # Known gaps
//! A child of the program that left its process group is not ended; a thread of ours reads its output until it is.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::key_text;

/// How long the program may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is asked whether the program has ended, once its output has.
const POLL: Duration = Duration::from_millis(10);

/// A program and what it may see of the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
    environment: Vec<String>,
    patience: Duration,
}

impl fmt::Debug for KeyCommand {
    /// Without the arguments: somebody may have put a token there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCommand")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl KeyCommand {
    /// The program (by its full path) with its arguments, and names of variables it may see besides `PATH` and `HOME`.
    pub fn new(command: &[String], environment: &[String]) -> Result<Self, StoreError> {
        let (program, arguments) = command
            .split_first()
            .filter(|(program, _)| Path::new(program).is_absolute())
            .ok_or_else(|| {
                StoreError::Key(
                    "the program must be named by its full path, such as /usr/bin/vault".into(),
                )
            })?;
        Ok(Self {
            program: program.clone(),
            arguments: arguments.to_vec(),
            environment: environment.to_vec(),
            patience: PATIENCE,
        })
    }

    /// The same program with another time to answer in than [`PATIENCE`].
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The program's path.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Runs the program and gives what it printed.
    pub(super) fn run(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let mut child = self
            .spawn()
            .map_err(|error| self.error(&format!("cannot be started: {}", error.kind())))?;
        let output = self.output(&mut child, deadline);
        // Also when its output is of no use: a program that ended by itself needs no ending.
        let status = match output {
            Ok(_) => ended(&mut child, deadline),
            Err(_) => None,
        };
        let Some(status) = status else {
            end(&mut child);
            return Err(output.err().unwrap_or_else(|| self.too_slow()));
        };
        let content = output?;
        if status.success() {
            return Ok(content);
        }
        Err(match status.code() {
            Some(code) => self.error(&format!(
                "ended with code {code}; run it by hand as the user that serves to see why"
            )),
            None => self.error("was ended by a signal"),
        })
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let listed = self.environment.iter().map(String::as_str);
        for name in ["PATH", "HOME"].into_iter().chain(listed) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.spawn()
    }

    /// What the program prints until it closes its output. Read on a thread of its own, because reading cannot be given a time.
    fn output(
        &self,
        child: &mut Child,
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let unread = || self.error("its output cannot be read");
        let pipe = child.stdout.take().ok_or_else(unread)?;
        let (sender, receiver) = sync_channel(1);
        std::thread::Builder::new()
            .name("key-command".to_owned())
            .spawn(move || {
                // Nobody waits any more when the time is over.
                let _late = sender.send(key_text::read(pipe));
            })
            .map_err(|_| unread())?;
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(Ok(Some(content))) => Ok(content),
            Ok(Ok(None)) => Err(self.error(&format!("printed more than {} bytes", key_text::ROOM))),
            Err(RecvTimeoutError::Timeout) => Err(self.too_slow()),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(unread()),
        }
    }

    fn too_slow(&self) -> StoreError {
        self.error(&format!("did not end within {:?}", self.patience))
    }

    fn error(&self, text: &str) -> StoreError {
        StoreError::Key(format!("`{}` {text}", self.program).into())
    }
}

/// How the program ended, if it did in time.
fn ended(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// Ends the program and what it started. It was not waited for yet, so its number is still its own.
fn end(child: &mut Child) {
    // Both fail only where there is nothing left to end.
    let _gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _gone = child.wait();
}
