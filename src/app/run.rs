//! Every thing the program can do, by command, with its exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::app::account::{self, AccountArgs};
use crate::app::backup::{self, BackupArgs, RestoreArgs};
use crate::app::cli::{
    CheckArgs, Cli, Command, DemoArgs, ExplainArgs, ExtractArgs, ForwardingArgs, FsckArgs,
    HoldsArgs, KeysArgs, LedgerArgs, PolicyArgs, RosterCommand, RuleArgs, ScanArgs, ServeArgs,
    StorePlace,
};
use crate::app::config::{self, Config};
use crate::app::input::{self, Input};
use crate::app::oidc::{self, OidcArgs};
use crate::app::queue::{self, QueueArgs};
use crate::app::report::{self, ReportArgs};
use crate::app::retention::{self, RetentionArgs};
use crate::app::wiring::StartError;
use crate::app::{
    check, demo, explain, extract, forwarding, fsck, generate, holds, keys, ledger, policy, roster,
    scan, serve, telemetry, tools, wiring,
};
use crate::extract::{InProcess, Reader};
use crate::limits::Budget;
use crate::mail::{Address, Envelope};
use crate::pipeline::judge::{Case, judge};
use crate::policy::ClientFacts;
use crate::policy::history::UNKNOWN;
use crate::worker;

/// The answer is no.
const NO: u8 = 1;
/// Command line, configuration, policy or roster cannot be used.
const UNUSABLE: u8 = 2;
/// A fault of the machine.
const MACHINE: u8 = 3;

/// A failure with its exit code.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    fn no(text: impl Display) -> Self {
        Self {
            code: NO,
            text: text.to_string(),
        }
    }

    fn unusable(text: impl Display) -> Self {
        Self {
            code: UNUSABLE,
            text: text.to_string(),
        }
    }

    fn machine(text: impl Display) -> Self {
        Self {
            code: MACHINE,
            text: text.to_string(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Settings(text) => Self::unusable(text),
            StartError::Machine { .. } | StartError::Store { .. } => Self::machine(error),
        }
    }
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    keep_to_ourselves();
    let done = match cli.command {
        Command::Serve(args) => serve(&args),
        Command::Demo(args) => demo(&args),
        Command::Scan(args) => scan(&args),
        Command::Check(args) => check(&args),
        Command::Explain(args) => explain(&args),
        Command::Extract(args) => extract(&args),
        Command::Holds(args) => holds(&args),
        Command::Policy(args) => policy(&args),
        Command::Forwarding(args) => forwarding(&args),
        Command::Keys(args) => keys(&args),
        Command::Fsck(args) => fsck(&args),
        Command::Queue(args) => queue(&args),
        Command::Retention(args) => retention(&args),
        Command::Report(args) => report(&args),
        Command::Ledger(args) => ledger(&args),
        Command::Backup(args) => backup(&args),
        Command::Restore(args) => restore(&args),
        Command::Roster(args) => match args.command {
            RosterCommand::Check { paths, staff } => {
                roster::check(&paths, &staff, &mut io::stdout().lock()).map_err(Failure::unusable)
            }
        },
        Command::Account(args) => account(&args),
        Command::Oidc(args) => oidc(&args),
        Command::Completions { shell } => {
            generate::completions(shell, &mut io::stdout().lock());
            Ok(())
        }
        Command::Man { dir } => generate::man(&dir).map_err(Failure::machine),
        Command::Worker => return worker::child_main(),
        Command::Recognise { tesseract } => return worker::recognise_main(&tesseract),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // `beadle holds show ID | head`: the reader has had enough.
        Err(failure) if failure.text.contains("Broken pipe") => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell when standard error is closed.
            let _closed = writeln!(io::stderr(), "beadle: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

/// Files are ours alone, and a panic says where it happened, not what was in its hands: its message can quote mail.
fn keep_to_ourselves() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

fn runtime(threads: usize) -> Result<Runtime, Failure> {
    let mut builder = Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    // Deep documents are walked on blocking threads; 16 MiB covers every depth that `Limits` allows.
    builder
        .enable_all()
        .thread_stack_size(16 << 20)
        .build()
        .map_err(Failure::machine)
}

fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let config =
        config::load(args.rules.config.as_deref()).and_then(|config| config.with_serve(args));
    let config = config.map_err(Failure::unusable)?;
    telemetry::start_log(&config.log).map_err(Failure::unusable)?;
    Ok(runtime(config.server.threads)?.block_on(serve::run(config, args))?)
}

fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let quiet = telemetry::Config {
        level: "warn".to_owned(),
        ..telemetry::Config::default()
    };
    telemetry::start_log(&quiet).map_err(Failure::unusable)?;
    runtime(0)?
        .block_on(demo::run(args, &mut io::stdout().lock()))
        .map_err(|error| match error {
            demo::DemoError::Start(error) => error.into(),
            other => Failure::machine(other),
        })
}

fn scan(args: &ScanArgs) -> Result<(), Failure> {
    let config = config::load(args.rules.config.as_deref())
        .map_err(Failure::unusable)?
        .with_rules(&args.rules);
    telemetry::start_log(&config.log).map_err(Failure::unusable)?;
    let jobs = if args.jobs == 0 {
        std::thread::available_parallelism().map_or(2, usize::from)
    } else {
        args.jobs
    };
    let reader: Arc<dyn Reader> = if args.in_process {
        Arc::new(InProcess)
    } else {
        Arc::new(wiring::workers(&config, jobs)?)
    };
    let tools = tools::build(&config, random_secret()?, reader, None).map_err(Failure::unusable)?;
    let inputs = input::collect(&args.manifest, &args.paths).map_err(Failure::no)?;
    let options = scan::Options {
        jobs,
        output: args.output,
        reveal: args.reveal,
        limits: Arc::new(config.limits),
        now: tools.local(SystemTime::now()),
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let totals = scan::run(&inputs, &tools, &options, &mut out).map_err(Failure::machine)?;
    if totals.failed > 0 {
        return Err(Failure::no(format!(
            "{} of {} files could not be read",
            totals.failed, totals.messages
        )));
    }
    Ok(())
}

/// Keys the hashes of one run.
fn random_secret() -> Result<[u8; 16], Failure> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(Failure::machine)?;
    Ok(secret)
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if args.print_default {
        return out
            .write_all(config::DEFAULT.as_bytes())
            .map_err(Failure::machine);
    }
    let config = config::load(args.rules.config.as_deref())
        .map_err(Failure::unusable)?
        .with_rules(&args.rules);
    let problems = runtime(1)?
        .block_on(check::run(&config, args.offline, &mut out))
        .map_err(Failure::machine)?;
    if problems > 0 {
        Err(Failure::no(format!("{problems} problems")))
    } else {
        Ok(())
    }
}

fn extract(args: &ExtractArgs) -> Result<(), Failure> {
    let config = config::load(args.config.as_deref()).map_err(Failure::unusable)?;
    telemetry::start_log(&config.log).map_err(Failure::unusable)?;
    let reader: Arc<dyn Reader> = if args.in_process {
        Arc::new(InProcess)
    } else {
        Arc::new(wiring::workers(&config, 1)?)
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    extract::run(
        &args.paths,
        reader.as_ref(),
        &Arc::new(config.limits),
        args.output,
        &mut out,
    )
    .and_then(|()| out.flush())
    .map_err(Failure::no)
}

fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let config = config::load(args.rules.config.as_deref())
        .map_err(Failure::unusable)?
        .with_rules(&args.rules);
    let reader: Arc<dyn Reader> = Arc::new(wiring::workers(&config, 1)?);
    let tools = tools::build(&config, random_secret()?, reader, None).map_err(Failure::unusable)?;
    let input = Input::file(&args.file);
    let message = input.read().map_err(|error| {
        Failure::no(format!("failed to read `{}`: {error}", args.file.display()))
    })?;
    let envelope = explained_envelope(args, &input, &message)?;
    let case = Case {
        envelope: &envelope,
        client: ClientFacts { own_server: true },
        message: &message,
        now: tools.local(SystemTime::now()),
        history: &UNKNOWN,
    };
    let judgement = judge(&case, &tools, &Budget::new(Arc::new(config.limits)));
    explain::write(
        &judgement,
        &envelope,
        &tools.policy,
        args.reveal,
        &mut io::stdout().lock(),
    )
    .map_err(Failure::machine)
}

/// The envelope of the flags, filled up from the headers.
fn explained_envelope(
    args: &ExplainArgs,
    input: &Input,
    message: &[u8],
) -> Result<Envelope, Failure> {
    let address = |text: &String| {
        let found = text.trim_start_matches('<').trim_end_matches('>');
        Address::parse(found).map_err(|error| {
            Failure::unusable(format!("found `{text}`: {error}; allowed: name@domain"))
        })
    };
    let headers = input.envelope(message);
    let sender = match args.mail_from.as_ref() {
        Some(text) if text.trim_matches(['<', '>']).is_empty() => None,
        Some(text) => Some(address(text)?),
        None => headers.mail_from.address().cloned(),
    };
    if args.rcpt_to.is_empty() {
        return Ok(Envelope::of(
            sender,
            headers
                .rcpts
                .iter()
                .filter_map(|rcpt| rcpt.address().cloned()),
        ));
    }
    let rcpts: Result<Vec<Address>, Failure> = args.rcpt_to.iter().map(address).collect();
    Ok(Envelope::of(sender, rcpts?))
}

/// The configuration of a command that needs a store that is there.
fn with_store(place: &StorePlace) -> Result<Config, Failure> {
    let config = at(place)?;
    let here = !config.store.database.is_shared();
    if here && !config.server.data_dir.join("beadle.db").exists() {
        return Err(Failure::no(format!(
            "`{}` holds no store; name its folder with --data-dir",
            config.server.data_dir.display()
        )));
    }
    Ok(config)
}

/// The configuration with the store at this place, whether one is there or not.
fn at(place: &StorePlace) -> Result<Config, Failure> {
    let mut config = config::load(place.config.as_deref()).map_err(Failure::unusable)?;
    if let Some(folder) = &place.data_dir {
        config.server.data_dir.clone_from(folder);
    }
    Ok(config.completed())
}

fn policy(args: &PolicyArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let config = config.with_rules(&RuleArgs {
        internal_domain: args.internal_domain.clone(),
        partner_domain: args.partner_domain.clone(),
        ..RuleArgs::default()
    });
    let done = runtime(1)?.block_on(policy::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        policy::PolicyCommandError::Start(error) => error.into(),
        error if error.is_unusable() => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        error => Failure::machine(error),
    })
}

fn forwarding(args: &ForwardingArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    runtime(1)?
        .block_on(forwarding::run(args, &config, &mut io::stdout().lock()))
        .map_err(|error| match error {
            forwarding::ForwardingError::Start(error) => error.into(),
            other => Failure::machine(other),
        })
}

fn keys(args: &KeysArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(keys::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        keys::KeysError::Start(error) => error.into(),
        error if error.is_no() => Failure::no(error),
        error => Failure::machine(error),
    })
}

fn fsck(args: &FsckArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(fsck::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        fsck::FsckError::Start(error) => error.into(),
        error @ fsck::FsckError::Problems(_) => Failure::no(error),
        error => Failure::machine(error),
    })
}

fn queue(args: &QueueArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(queue::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        queue::QueueError::Start(error) => error.into(),
        error if error.is_usage() => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        other => Failure::machine(other),
    })
}

fn account(args: &AccountArgs) -> Result<(), Failure> {
    // The first account may be made before the relay first runs.
    let makes = matches!(args.command, account::AccountCommand::Create { .. });
    let config = placed(&args.place, !makes)?;
    let done = runtime(1)?.block_on(account::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        account::AccountsError::Start(error) => error.into(),
        error if error.is_usage() => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        other => Failure::machine(other),
    })
}

fn retention(args: &RetentionArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(retention::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        retention::RetentionError::Start(error) => error.into(),
        retention::RetentionError::Tools(error) => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        other => Failure::machine(other),
    })
}

fn report(args: &ReportArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(report::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        report::ReportError::Start(error) => error.into(),
        error if error.is_unusable() => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        other => Failure::machine(other),
    })
}

fn ledger(args: &LedgerArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(ledger::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        ledger::LedgerError::Start(error) => error.into(),
        error if error.is_unusable() => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        error => Failure::machine(error),
    })
}

fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let config = placed(&args.place, backup::needs_store(args))?;
    let done = runtime(2)?.block_on(backup::run(args, &config, &mut io::stdout().lock()));
    done.map_err(about_backup)
}

fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let config = placed(&args.place, args.command.is_some())?;
    let done = runtime(2)?.block_on(backup::restore(args, &config, &mut io::stdout().lock()));
    done.map_err(about_backup)
}

/// The configuration of a command that makes its store, or reads one that is there.
fn placed(place: &StorePlace, is_there: bool) -> Result<Config, Failure> {
    if is_there {
        with_store(place)
    } else {
        at(place)
    }
}

fn about_backup(error: backup::BackupCommandError) -> Failure {
    match error {
        backup::BackupCommandError::Start(error) => error.into(),
        backup::BackupCommandError::Tools(error) => Failure::unusable(error),
        backup::BackupCommandError::Usage(text) => Failure::unusable(text),
        error if error.is_no() => Failure::no(error),
        error => Failure::machine(error),
    }
}

fn oidc(args: &OidcArgs) -> Result<(), Failure> {
    let config = config::load(args.config.as_deref()).map_err(Failure::unusable)?;
    let done = runtime(1)?.block_on(oidc::run(args, &config, &mut io::stdout().lock()));
    match done.map_err(Failure::machine)? {
        oidc::Outcome::Good => Ok(()),
        oidc::Outcome::NoProvider => Err(Failure::unusable(
            "no such provider: there is none in [[console.oidc]] of the configuration, or none with this --provider",
        )),
        oidc::Outcome::Problems(count) => Err(Failure::no(format!("{count} problems"))),
    }
}

fn holds(args: &HoldsArgs) -> Result<(), Failure> {
    let config = with_store(&args.place)?;
    let done = runtime(1)?.block_on(holds::run(args, &config, &mut io::stdout().lock()));
    done.map_err(|error| match error {
        holds::HoldsError::Address(_)
        | holds::HoldsError::Which(_)
        | holds::HoldsError::Tools(_)
        | holds::HoldsError::NoRoster
        | holds::HoldsError::NothingEncrypts => Failure::unusable(error),
        error if error.is_no() => Failure::no(error),
        error => Failure::machine(error),
    })
}
