//! The child's life: lower the limits, then answer requests until the pipe closes.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::extract::{FileInput, InProcess, Location, Reader};
use crate::limits::Budget;
use crate::worker::wire::{self, Answer, HELLO, Request};

/// Address space: calamine-sized workbooks fit, a 2 GB stream does not.
const MEMORY: u64 = 1 << 30;
/// Seconds of CPU over the child's life: above what the parent lets it live, below forever.
const CPU: u64 = 60;
/// Parsers of nested formats recurse; measured need is far below this.
const STACK: usize = 16 << 20;

/// Runs the child to its end. The program calls this when it is started with the hidden word and does nothing else.
pub fn child_main() -> ExitCode {
    // A panic message can quote the text it choked on.
    std::panic::set_hook(Box::new(|_| {}));
    if confine().is_err() {
        return ExitCode::FAILURE;
    }
    let life = std::thread::Builder::new().stack_size(STACK).spawn(serve);
    match life.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn confine() -> io::Result<()> {
    let limit = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(io::Error::from)
    };
    limit(Resource::As, MEMORY)?;
    limit(Resource::Cpu, CPU)?;
    limit(Resource::Nofile, 16)?;
    limit(Resource::Core, 0)?;
    // No death signal: it comes when the parent's thread ends that made the child, while others use it. The end of its input is
    // what a child lives to, and `CPU` ends one that does not look at it.
    Ok(())
}

fn serve() -> io::Result<()> {
    let mut input = io::BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut output = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    output.write_all(HELLO)?;
    output.flush()?;
    while let Some(request) = wire::receive::<Request>(&mut input)? {
        let answer = answer(&mut input, request)?;
        wire::send(&mut output, &answer)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(input: &mut impl Read, request: Request) -> io::Result<Answer> {
    let bytes = wire::bytes(input, request.length)?;
    let location: Location = request.location.into();
    let file = FileInput {
        location: &location,
        name: &request.name,
        declared: request.declared.as_deref(),
        bytes: &bytes,
        passwords: &request.passwords,
    };
    let budget = Budget::new(Arc::new(request.limits));
    let mut answer = Answer::from(InProcess.read(&file, &budget));
    answer.tried = budget.tried();
    Ok(answer)
}
