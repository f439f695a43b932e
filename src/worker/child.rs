//! The child's life: give up what reading does not need, say what holds, then answer requests until the pipe closes.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use crate::extract::read::keeping_pictures;
use crate::extract::{FileInput, Location};
use crate::limits::Budget;
use crate::worker::confine::{self, Confinement};
use crate::worker::wire::{self, Answer, HELLO, Request};

/// Parsers of nested formats recurse; measured need is far below this.
const STACK: usize = 16 << 20;

/// Runs the child to its end. The program calls this when it is started with the hidden word and does nothing else.
pub fn child_main() -> ExitCode {
    // A panic message can quote the text it choked on.
    std::panic::set_hook(Box::new(|_| {}));
    let Ok((landlock, no_new_privileges)) = confine::lower() else {
        return ExitCode::FAILURE;
    };
    let life = move || {
        let seccomp = confine::seal();
        serve(Confinement {
            landlock,
            seccomp,
            no_new_privileges,
        })
    };
    let life = std::thread::Builder::new().stack_size(STACK).spawn(life);
    match life.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn serve(confinement: Confinement) -> io::Result<()> {
    let mut input = io::BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut output = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    output.write_all(HELLO)?;
    wire::send(&mut output, &confinement)?;
    output.flush()?;
    while let Some(request) = wire::receive::<Request>(&mut input)? {
        let mut answer = answer(&mut input, request)?;
        wire::send_answer(&mut output, &mut answer)?;
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
    let mut answer = Answer::from(keeping_pictures(&file, &budget));
    answer.tried = budget.tried();
    Ok(answer)
}
