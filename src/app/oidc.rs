//! `oidc test`: tries a provider step by step, says what was seen at each, and how to mend what is wrong.
//!
//! # Invariants
//! Nobody signs in, and no secret is printed. The steps are independent: a later one is tried although an earlier one failed.
//!
//! # Known gaps
//! Whether the redirect URI is registered, and which claims a token has, shows only when somebody signs in.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};

use crate::app::config::Config;
use crate::console::sign_in::oidc::provider::Discovery;
use crate::console::sign_in::oidc::trial::{Secret, Trial};
use crate::console::sign_in::oidc::{Kind, Oidc, OidcConfig, OidcError, redirect_uri};

/// Clocks that differ by more make tokens fail, for which a minute is allowed.
const CLOCKS_APART: Duration = Duration::from_secs(45);
/// Clocks that differ by more are worth a word.
const CLOCKS_DRIFT: Duration = Duration::from_secs(10);

/// Flags of `oidc`.
#[derive(Debug, Clone, Args)]
pub struct OidcArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: OidcCommand,
    /// Configuration file.
    #[arg(
        long,
        short = 'c',
        value_name = "FILE",
        env = "BEADLE_CONFIG",
        global = true
    )]
    pub config: Option<PathBuf>,
}

/// What can be done with providers.
#[derive(Debug, Clone, Subcommand)]
pub enum OidcCommand {
    /// Try each step that needs nobody to sign in: settings, discovery document, clock, keys, client secret.
    Test {
        /// Only this provider: its id.
        #[arg(long, value_name = "ID")]
        provider: Option<String>,
        /// Address of the console as people type it; console.site.url when not given.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

/// What became of trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Good,
    /// There is nothing to try.
    NoProvider,
    /// So many things are to be mended.
    Problems(usize),
}

/// The lines, with the number of problems among them.
struct Lines<'w> {
    out: &'w mut dyn Write,
    problems: usize,
}

impl Lines<'_> {
    fn good(&mut self, what: &str, found: &str) -> io::Result<()> {
        writeln!(self.out, "ok       {what}: {found}")
    }

    fn note(&mut self, what: &str, found: &str) -> io::Result<()> {
        writeln!(self.out, "note     {what}: {found}")
    }

    fn problem(&mut self, what: &str, found: &str) -> io::Result<()> {
        self.problems += 1;
        writeln!(self.out, "PROBLEM  {what}: {found}")
    }
}

/// Does what `oidc` was asked.
pub async fn run(args: &OidcArgs, config: &Config, out: &mut dyn Write) -> io::Result<Outcome> {
    let OidcCommand::Test { provider, url } = &args.command;
    let url = url.as_ref().unwrap_or(&config.console.site.url);
    let wanted = |one: &&OidcConfig| provider.as_ref().is_none_or(|id| one.id == *id);
    let providers: Vec<&OidcConfig> = config.console.oidc.iter().filter(wanted).collect();
    if providers.is_empty() {
        return Ok(Outcome::NoProvider);
    }
    let schools = config.trust.schools.iter().map(|school| school.id.as_str());
    let schools: Vec<&str> = schools.collect();
    let mut lines = Lines { out, problems: 0 };
    for one in providers {
        test(one, url, &schools, &mut lines).await?;
    }
    Ok(match lines.problems {
        0 => Outcome::Good,
        problems => Outcome::Problems(problems),
    })
}

async fn test(
    config: &OidcConfig,
    site: &str,
    schools: &[&str],
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    writeln!(lines.out, "{} ({})", config.id, config.issuer)?;
    grants(config, schools, lines)?;
    let back = redirect_uri(site, &config.id);
    let oidc = match Oidc::new(config.clone(), &back) {
        Ok(oidc) => oidc,
        Err(error) => return lines.problem("settings", &error.to_string()),
    };
    let kind = match oidc.kind() {
        Kind::Entra(_) => "Microsoft Entra ID, one tenant",
        Kind::Google => "Google Workspace, one domain",
        Kind::Other => "a provider of the trust's own",
    };
    lines.good("settings", kind)?;
    lines.note(
        "redirect URI",
        &format!("register exactly {back} (kind Web; same scheme and port, no slash at the end)"),
    )?;
    let trial = oidc.trial().await;
    let document = discovery(&trial, lines)?;
    keys(&trial, lines)?;
    secret(&trial, lines)?;
    if let Some(document) = document {
        document_says(&document, lines)?;
    }
    ages(config, &oidc, lines)
}

fn grants(config: &OidcConfig, schools: &[&str], lines: &mut Lines<'_>) -> io::Result<()> {
    for grant in &config.grants {
        for school in &grant.schools {
            if !schools.contains(&school.as_str()) {
                let found = format!(
                    "found `{school}` for `{}`; allowed: an id in [[trust.schools]]; mend the spelling or add the school",
                    grant.value
                );
                lines.problem("grants.schools", &found)?;
            }
        }
    }
    match (config.grants.len(), config.senders) {
        (0, false) => lines.note(
            "grants",
            "none, and senders = false: people come in only by roles that the console itself gives them",
        ),
        (count, senders) => lines.good(
            "grants",
            &format!(
                "{count} values of the claim `{}`; {}",
                config.roles_claim,
                if senders {
                    "everybody with an address is a sender"
                } else {
                    "nobody else comes in by them"
                }
            ),
        ),
    }
}

fn discovery(trial: &Trial, lines: &mut Lines<'_>) -> io::Result<Option<Discovery>> {
    let what = "discovery document";
    match &trial.discovery {
        Ok((document, date)) => {
            lines.good(what, &trial.document_at)?;
            clock(*date, SystemTime::now(), lines)?;
            Ok(Some(document.clone()))
        }
        Err(error) => {
            let mend = mend(
                error,
                "can this machine reach it through the firewall and the web filter? Where the filter opens TLS, name its authority in client_ca",
            );
            lines.problem(what, &format!("{}: {error}{mend}", trial.document_at))?;
            Ok(None)
        }
    }
}

fn clock(theirs: Option<SystemTime>, ours: SystemTime, lines: &mut Lines<'_>) -> io::Result<()> {
    let Some(theirs) = theirs else {
        return lines.note("clock", "the provider does not show its own");
    };
    let (apart, which) = match ours.duration_since(theirs) {
        Ok(apart) => (apart, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    let found = format!("{} s {which} the provider's", apart.as_secs());
    if apart > CLOCKS_APART {
        let mend = "tokens will be refused as too old or too new; set up time synchronisation (timedatectl set-ntp true)";
        lines.problem("clock", &format!("{found}; {mend}"))
    } else if apart > CLOCKS_DRIFT {
        lines.note("clock", &found)
    } else {
        lines.good("clock", &found)
    }
}

fn keys(trial: &Trial, lines: &mut Lines<'_>) -> io::Result<()> {
    match &trial.keys {
        Ok(0) => lines.problem(
            "keys",
            "none that can check a signature; RS256, PS256 and ES256 are known; let the provider sign by RS256",
        ),
        Ok(count) => lines.good("keys", &format!("{count} that can check a signature")),
        Err(_) if trial.discovery.is_err() => {
            lines.note("keys", "not tried, their address is in the discovery document")
        }
        Err(error) => lines.problem("keys", &error.to_string()),
    }
}

fn secret(trial: &Trial, lines: &mut Lines<'_>) -> io::Result<()> {
    let what = "client id and secret";
    match &trial.secret {
        Ok(Secret::Taken) => lines.good(what, "taken: the provider refused only the made-up code"),
        Ok(Secret::Unknown(code)) => {
            let code = code
                .map(|code| format!(" (AADSTS{code})"))
                .unwrap_or_default();
            let found = format!(
                "sent, and the provider refused the made-up code before it looked{code}: a sign-in will tell"
            );
            lines.note(what, &found)
        }
        Err(_) if trial.discovery.is_err() => lines.note(what, "not tried"),
        Err(error) => lines.problem(what, &error.to_string()),
    }
}

fn document_says(document: &Discovery, lines: &mut Lines<'_>) -> io::Result<()> {
    if !document.says_s256 {
        lines.note(
            "PKCE",
            "the document does not list S256; Entra and Google take it all the same",
        )?;
    }
    let way = document.end_session_endpoint.as_ref();
    let way = way.map_or(
        "the provider has none: who signs out here stays signed in there",
        |_| "there is one; register the console's address as an address to return to",
    );
    lines.note("sign-out at the provider", way)
}

fn ages(config: &OidcConfig, oidc: &Oidc, lines: &mut Lines<'_>) -> io::Result<()> {
    match (config.max_age_minutes, oidc.kind()) {
        (0, _) => Ok(()),
        (_, Kind::Google) => lines.problem(
            "max_age_minutes",
            "Google does not say when somebody signed in, so that every sign-in would fail; set 0",
        ),
        (_, Kind::Entra(_)) => lines.note(
            "max_age_minutes",
            "add the optional claim auth_time to ID tokens (Token configuration), or every sign-in fails",
        ),
        _ => Ok(()),
    }
}

/// A mend for what the error alone does not tell.
fn mend(error: &OidcError, otherwise: &str) -> String {
    match error {
        OidcError::Down(_) => format!("; {otherwise}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(act: impl FnOnce(&mut Lines<'_>) -> io::Result<()>) -> (String, usize) {
        let mut out = Vec::new();
        let mut lines = Lines {
            out: &mut out,
            problems: 0,
        };
        act(&mut lines).unwrap();
        let problems = lines.problems;
        (String::from_utf8(out).unwrap(), problems)
    }

    #[test]
    fn a_clock_that_is_wrong_is_a_problem_both_ways() {
        let now = SystemTime::now();
        for (theirs, problems, word) in [
            (now, 0, "ok       clock: 0 s"),
            (
                now - Duration::from_secs(20),
                0,
                "note     clock: 20 s ahead of",
            ),
            (
                now + Duration::from_secs(20),
                0,
                "note     clock: 20 s behind",
            ),
            (
                now - Duration::from_mins(2),
                1,
                "PROBLEM  clock: 120 s ahead of",
            ),
            (
                now + Duration::from_mins(2),
                1,
                "PROBLEM  clock: 120 s behind",
            ),
        ] {
            let (text, found) = lines(|lines| clock(Some(theirs), now, lines));
            assert!(text.starts_with(word), "{text}");
            assert_eq!(found, problems);
        }
        assert_eq!(lines(|lines| clock(None, now, lines)).1, 0);
    }

    #[test]
    fn schools_that_there_are_not_are_a_problem() {
        let config: OidcConfig = toml::from_str(
            "[[grants]]\nvalue = \"a\"\nrole = \"head\"\nschools = [\"oak\", \"elm\"]",
        )
        .unwrap();
        let (text, problems) = lines(|lines| grants(&config, &["oak"], lines));
        assert_eq!(problems, 1);
        assert!(text.contains("found `elm`"), "{text}");
    }
}
