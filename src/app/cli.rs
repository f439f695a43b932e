//! The command line: every command and flag, from which help, man pages and completions are made.
//!
//! # Invariants
//! The flags of `serve` and `scan` and the output of `scan` and `holds list` are a contract with outside programs: they are added
//! to, never changed.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::which_holds::WhichHolds;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::account::AccountArgs;
use crate::app::backup::{BackupArgs, RestoreArgs};
use crate::app::oidc::OidcArgs;
use crate::app::queue::QueueArgs;
use crate::app::report::ReportArgs;
use crate::app::retention::RetentionArgs;
use crate::app::review::{FormArgs, OnArgs};

/// Exit codes, as printed by `beadle --help`.
pub const EXIT_CODES: &str = "Exit codes:
  0  done; nothing is wrong
  1  the answer is no: `check` found problems, a hold does not exist or was decided already, a file to scan could not be read
  2  the command line, the configuration, the policy or the roster is not usable; the text says what to change
  3  a fault of the machine: disk, database, socket";

/// Outbound mail filter for school trusts: an SMTP relay that stops pupils' personal data leaving unprotected.
#[derive(Debug, Parser)]
#[command(name = "beadle", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the relay.
    Serve(Box<ServeArgs>),
    /// Start a relay on loopback with built-in sample data, send it sample mail, and show what became of each message.
    Demo(DemoArgs),
    /// Judge messages from files and print one JSON line for each.
    Scan(Box<ScanArgs>),
    /// Validate configuration, patterns, policy, roster, permissions and next hop.
    Check(CheckArgs),
    /// Show what is found in one message, which rules fire and why.
    Explain(Box<ExplainArgs>),
    /// Print what is read in files: text by place, what could not be read, how it is protected. It prints their content.
    Extract(ExtractArgs),
    /// Review held messages.
    Holds(HoldsArgs),
    /// Try a changed policy on what passed, and have a change approved by a second person.
    Policy(PolicyArgs),
    /// Show which mailboxes forward to the outside by themselves.
    Forwarding(ForwardingArgs),
    /// Show and change the master keys, while the relay runs.
    Keys(KeysArgs),
    /// Check that everything in the store is there and opens, while the relay runs.
    Fsck(FsckArgs),
    /// Look at released mail, notices and returns on their way; send dead letters again or take them out.
    Queue(QueueArgs),
    /// Show how long things are kept and what ends next, or end what is past its time.
    Retention(RetentionArgs),
    /// Make a report of a period: summary, near misses, senders, a breach's work-sheet, retention.
    Report(Box<ReportArgs>),
    /// Prove, list and sign the ledger: who did what to which hold.
    Ledger(LedgerArgs),
    /// Take a backup of holds, queue and ledger while the relay runs, or check one.
    Backup(BackupArgs),
    /// Restore a backup into a new data folder.
    Restore(RestoreArgs),
    /// Work with roster files.
    Roster(RosterArgs),
    /// Make, list and change the accounts of the console.
    Account(AccountArgs),
    /// Try the sign-in by Microsoft Entra ID, Google or another provider.
    Oidc(OidcArgs),
    /// Print shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages.
    Man {
        /// Folder to write `beadle.1`, `beadle-serve.1` and so on into.
        dir: PathBuf,
    },
    /// Read documents handed over on standard input; started by the relay, not by people.
    #[command(hide = true)]
    Worker,
    /// Read a picture handed over on standard input; started by the relay, not by people.
    #[command(hide = true)]
    Recognise {
        /// Tesseract.
        tesseract: PathBuf,
    },
}

/// Where rules, people and domains come from; flags override the configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArgs {
    /// Configuration file.
    #[arg(long, short = 'c', value_name = "FILE", env = "BEADLE_CONFIG")]
    pub config: Option<PathBuf>,
    /// A built-in policy by name, or a policy file.
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
    /// Roster of pupils: an export (CSV, .xlsx, CTF, JSON, OneRoster, School Data Sync), or a folder of one. Repeatable.
    #[arg(long, value_name = "FILE|DIR")]
    pub roster: Vec<PathBuf>,
    /// List of staff, in the same forms. Repeatable.
    #[arg(long, value_name = "FILE|DIR")]
    pub staff: Vec<PathBuf>,
    /// A domain of the trust; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN")]
    pub internal_domain: Vec<String>,
    /// A secure partner's domain; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN")]
    pub partner_domain: Vec<String>,
}

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Rules, people and domains.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Address and port to accept mail on.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where passed mail goes: HOST:PORT, or maildir:DIR.
    #[arg(long, value_name = "HOST:PORT|maildir:DIR")]
    pub next_hop: Option<String>,
    /// A network whose hosts may relay, as the trust's own mail servers. Repeatable.
    #[arg(long, value_name = "CIDR")]
    pub allow: Vec<String>,
    /// A domain the trust sends from. Repeatable; the internal domains when none is given.
    #[arg(long, value_name = "DOMAIN")]
    pub sender_domain: Vec<String>,
    /// Address and port for /livez, /readyz and /metrics.
    #[arg(long, value_name = "ADDR:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// Address and port of the console.
    #[arg(long, value_name = "ADDR:PORT")]
    pub console_listen: Option<SocketAddr>,
    /// Folder for holds, queue, ledger and keys.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Flags of `demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Leave the relay up when the sample mail is through.
    #[arg(long)]
    pub keep_running: bool,
    /// Folder for the demo's data; a new temporary folder when not given.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    #[value(alias = "json")]
    Jsonl,
}

/// Flags of `scan`.
#[derive(Debug, Clone, Default, Args)]
pub struct ScanArgs {
    /// Rules, people and domains.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Lines of {"file","mail_from","rcpt_to"}; files are relative to the manifest. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub manifest: Vec<PathBuf>,
    /// Messages, mbox files, Maildirs or folders of messages; sender and recipients are read from their headers.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Threads; all cores when not given.
    #[arg(long, short = 'j', value_name = "N", default_value_t = 0)]
    pub jobs: usize,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Output::Jsonl)]
    pub output: Output,
    /// Print matched values in clear. They are personal data: mind where the output goes.
    #[arg(long)]
    pub reveal: bool,
    /// Read attachments in this process instead of in workers that can be killed.
    #[arg(long)]
    pub in_process: bool,
}

/// Flags of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Rules, people and domains.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Print a configuration file with every key, its default and what it means.
    #[arg(long)]
    pub print_default: bool,
    /// Do not try to reach the next hop, nor where sealed messages are kept if that is not a folder.
    #[arg(long)]
    pub offline: bool,
}

/// Flags of `explain`.
#[derive(Debug, Clone, Default, Args)]
pub struct ExplainArgs {
    /// Rules, people and domains.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// The message.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Envelope sender; the From header's address when not given.
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Envelope recipient; the To, Cc and Bcc addresses when not given. Repeatable.
    #[arg(long, value_name = "ADDRESS")]
    pub rcpt_to: Vec<String>,
    /// Print matched values in clear. They are personal data.
    #[arg(long)]
    pub reveal: bool,
}

/// Flags of `extract`.
#[derive(Debug, Clone, Args)]
pub struct ExtractArgs {
    /// Documents, archives, messages.
    #[arg(value_name = "FILE", required = true)]
    pub paths: Vec<PathBuf>,
    /// Configuration file, for limits and workers.
    #[arg(long, short = 'c', value_name = "FILE", env = "BEADLE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Read in this process instead of in workers that can be killed.
    #[arg(long)]
    pub in_process: bool,
}

/// Flags of `holds`.
#[derive(Debug, Clone, Args)]
pub struct HoldsArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// What to do.
    #[command(subcommand)]
    pub command: HoldsCommand,
}

/// Rules and people where the configuration file is named elsewhere on the command line; flags override it.
#[derive(Debug, Clone, Default, Args)]
pub struct JudgingArgs {
    /// A built-in policy by name, or a policy file.
    #[arg(long, value_name = "NAME|FILE")]
    pub policy: Option<String>,
    /// Roster of pupils. Repeatable.
    #[arg(long, value_name = "FILE|DIR")]
    pub roster: Vec<PathBuf>,
    /// List of staff. Repeatable.
    #[arg(long, value_name = "FILE|DIR")]
    pub staff: Vec<PathBuf>,
    /// A domain of the trust; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN")]
    pub internal_domain: Vec<String>,
    /// A secure partner's domain; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN")]
    pub partner_domain: Vec<String>,
}

impl JudgingArgs {
    /// The same flags for [`crate::app::config::Config::with_rules`].
    pub fn rules(&self) -> RuleArgs {
        RuleArgs {
            config: None,
            policy: self.policy.clone(),
            roster: self.roster.clone(),
            staff: self.staff.clone(),
            internal_domain: self.internal_domain.clone(),
            partner_domain: self.partner_domain.clone(),
        }
    }
}

/// What can be done with holds.
#[derive(Debug, Clone, Subcommand)]
pub enum HoldsCommand {
    /// List held messages, oldest first.
    List {
        /// Form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// Which of them.
        #[command(flatten)]
        which: WhichHolds,
    },
    /// Show why a message is held: rules, clauses, masked evidence. The ledger notes who looked.
    Show {
        /// Id or reference of the hold.
        id: String,
        /// Write the message itself to this file.
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
        /// Who reads, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
    /// Show what a message would be with initials for pupils' names, and what would become of it.
    Initials {
        /// Id or reference of the hold.
        id: String,
        /// Show the new text in clear; the ledger notes that the message was read.
        #[arg(long)]
        reveal: bool,
        /// Who looks, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Rules and people to judge by.
        #[command(flatten)]
        rules: JudgingArgs,
    },
    /// Release a message to its recipients.
    Release {
        /// Id or reference of the hold.
        id: String,
        /// Send it with initials for pupils' names, as `holds initials` shows it; the message as it was stays unsent. With the mark that
        /// `holds initials` prints, only if it is still that version.
        #[arg(long, value_name = "MARK", num_args = 0..=1, require_equals = true, default_missing_value = "")]
        initials: Option<String>,
        /// Rules and people, for `--initials`.
        #[command(flatten)]
        rules: JudgingArgs,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only to these recipients of the message. Repeatable.
        #[arg(long, value_name = "ADDRESS")]
        to: Vec<String>,
        /// How else.
        #[command(flatten)]
        form: FormArgs,
        /// Who decides, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
    /// Take a hold for a time, so that nobody else works on it.
    Claim {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
        /// Minutes until it is free again; at most 480.
        #[arg(long, value_name = "N", default_value_t = 30)]
        minutes: u32,
        /// Take it from the reviewer who has it; the ledger says so.
        #[arg(long)]
        take_over: bool,
    },
    /// Give a claimed hold back.
    Unclaim {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
    },
    /// Approve a release that another person asked for, which sends it.
    Approve {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Rules and people, where a version with initials was asked for.
        #[command(flatten)]
        rules: JudgingArgs,
    },
    /// Say no to a release that was asked for; the message waits again.
    Decline {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take back a release that you asked for; the message waits again.
    Withdraw {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
    },
    /// Keep the content of a hold for a case, whatever its retention.
    LegalHold {
        /// Which hold, and who.
        #[command(flatten)]
        on: OnArgs,
        /// The reference of the case; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Keep it no longer.
        #[arg(long)]
        lift: bool,
    },
    /// Refuse a message for good.
    Refuse {
        /// Id or reference of the hold.
        id: String,
        /// Why; it is recorded.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Tell the sender, by mail, that the message was not sent.
        #[arg(long)]
        tell_sender: bool,
        /// Who decides, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Where the store is, for commands beside the relay.
#[derive(Debug, Clone, Default, Args)]
pub struct StorePlace {
    /// Configuration file.
    #[arg(
        long,
        short = 'c',
        value_name = "FILE",
        env = "BEADLE_CONFIG",
        global = true
    )]
    pub config: Option<PathBuf>,
    /// Folder for holds, queue, ledger and keys.
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

/// Flags of `forwarding`.
#[derive(Debug, Clone, Args)]
pub struct ForwardingArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// What to do.
    #[command(subcommand)]
    pub command: ForwardingCommand,
}

/// What can be done with the register of forwarding mailboxes.
#[derive(Debug, Clone, Subcommand)]
pub enum ForwardingCommand {
    /// List mailboxes whose forwarded mail was held: target, first and last message, how many, by which marks. Last seen first.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Flags of `keys`.
#[derive(Debug, Clone, Args)]
pub struct KeysArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// Who changes keys, for the ledger; the login name when not given.
    #[arg(long, value_name = "NAME", global = true)]
    pub actor: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with master keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Show each key's id, which one is the current one, and how much is wrapped under it.
    Status {
        /// Form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Add a new key as the current one; for a source that is no file, say how.
    Add,
    /// Wrap everything that is under older keys under the current one. It may be stopped and begun again at any time.
    Rewrap {
        /// Rows in one transaction.
        #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        batch: u16,
    },
    /// Drop a key that nothing is wrapped under.
    Drop {
        /// The key's id, as `keys status` shows it.
        id: String,
    },
}

/// Flags of `fsck`.
#[derive(Debug, Clone, Args)]
pub struct FsckArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// Also open every message and compare it with the hash that was recorded. Reads all of the store.
    #[arg(long)]
    pub deep: bool,
    /// Remove blobs that no row knows and leftovers of writing, both older than a day; nothing else.
    #[arg(long)]
    pub repair: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = FsckOutput::Text)]
    pub output: FsckOutput,
}

/// How `fsck` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum FsckOutput {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line; the last one is the summary.
    Json,
}

/// Flags of `policy`.
#[derive(Debug, Clone, Args)]
pub struct PolicyArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// A domain of the trust; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN", global = true)]
    pub internal_domain: Vec<String>,
    /// A secure partner's domain; subdomains count. Repeatable.
    #[arg(long, value_name = "DOMAIN", global = true)]
    pub partner_domain: Vec<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with policies.
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Show what another policy would have done to the messages of the last days, as a difference. What rules ask of headers that are
    /// not kept is said.
    Replay {
        /// How far back: a span such as 30d or 12h, or a day such as 2026-11-01.
        #[arg(long, value_name = "SPAN|DAY", default_value = "30d")]
        since: String,
        /// The other policy: a file, or a built-in one by name.
        #[arg(long, value_name = "FILE|NAME")]
        with: String,
        /// Messages to show.
        #[arg(long, value_name = "N", default_value_t = 20)]
        examples: usize,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Put a changed policy on record, for a second person to approve. It must parse and pass its own checks.
    Propose {
        /// The changed file.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// Why; the second person reads it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who proposes, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
    /// List the policies on record, newest first.
    Proposals {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show a policy on record: who and why, what it changes in words, what it would have done.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        /// How far back to try it: a span such as 30d or 12h, or a day.
        #[arg(long, value_name = "SPAN|DAY", default_value = "30d")]
        since: String,
    },
    /// Approve a policy that another person proposed.
    Approve {
        /// Its id, or the beginning of it.
        id: String,
        /// Why; the ledger keeps a keyed hash of it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who approves, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Put your own proposal into force alone. A second person must still approve it; until then the log and `check` say so.
        #[arg(long)]
        emergency: bool,
    },
    /// Turn a proposal down, or take your own back.
    Reject {
        /// Its id, or the beginning of it.
        id: String,
        /// Why; the ledger keeps a keyed hash of it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who decides, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Flags of `ledger`.
#[derive(Debug, Clone, Args)]
pub struct LedgerArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// What can be done with the ledger.
#[derive(Debug, Clone, Subcommand)]
pub enum LedgerCommand {
    /// Check that every entry and every checkpoint is what it was; the exit code is 1 when not.
    Verify {
        /// Checkpoints that were kept elsewhere: the file of a node, lines of syslog, or text saved from a mail.
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// The key that checkpoints must be signed with, as `ledger key` printed it once; the ledger's present one when not given.
        #[arg(long, value_name = "KEY|FILE")]
        key: Option<String>,
        /// Begin at the last checkpoint at or before this entry.
        #[arg(long, value_name = "ENTRY")]
        since: Option<i64>,
        /// Form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// List entries, oldest first: the last ones, or the first ones from `--since` on.
    List {
        /// Number of the first entry.
        #[arg(long, value_name = "ENTRY")]
        since: Option<i64>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
        /// On one hold, refusal or policy alone: its id or reference; or a node by its name.
        #[arg(long, value_name = "ID")]
        about: Option<String>,
        /// By one person alone.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// Form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Sign the head now, keep the checkpoint and print it.
    Checkpoint,
    /// Print the public key that checkpoints are signed with. Note it down: it shows later whether the key was replaced.
    Key,
    /// Take a person's name out of the ledger, for somebody who left and asks for it. The chain still holds.
    ErasePerson {
        /// The name as `ledger list` shows it.
        name: String,
        /// Why; the ledger keeps a keyed hash of it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who does it, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Flags of `roster`.
#[derive(Debug, Clone, Args)]
pub struct RosterArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RosterCommand,
}

/// What can be done with rosters.
#[derive(Debug, Clone, Subcommand)]
pub enum RosterCommand {
    /// Show how a roster's columns are read, how many people it has, and which names are risky.
    Check {
        /// Rosters of pupils, files or folders; files of contacts.
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// A list of staff, to find names that pupils and staff share. Repeatable.
        #[arg(long, value_name = "FILE|DIR")]
        staff: Vec<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_contract_of_serve_and_scan_parses() {
        let serve = "beadle serve --policy standard --roster r.csv --staff s.csv --internal-domain a.example --internal-domain b.example \
            --partner-domain p.example --listen 127.0.0.1:2525 --next-hop 127.0.0.1:2526 --allow 127.0.0.0/8 --sender-domain a.example \
            --admin-listen 127.0.0.1:9090 --data-dir /tmp/x";
        assert!(Cli::try_parse_from(serve.split_whitespace()).is_ok());
        let scan = "beadle scan --policy P --roster R --staff S --manifest M.jsonl --jobs 2 --output jsonl --reveal a.eml";
        assert!(Cli::try_parse_from(scan.split_whitespace()).is_ok());
        assert!(
            Cli::try_parse_from([
                "beadle",
                "holds",
                "list",
                "--output",
                "jsonl",
                "--data-dir",
                "/tmp/x"
            ])
            .is_ok()
        );
        assert!(
            Cli::try_parse_from(["beadle", "holds", "release", "X", "--data-dir", "/tmp/x"])
                .is_err(),
            "a reason is mandatory"
        );
    }
}
