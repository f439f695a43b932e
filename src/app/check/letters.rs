//! The notices' part of `check`: address, time, templates, and whether everybody whom a rule tells can be told.

use std::io;

use crate::app::check::Report;
use crate::app::config::Config;
use crate::app::{letters, tools};
use crate::policy::{Mode, Policy, Role};

/// Checks what people are told.
pub(super) fn run(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    match tools::templates(config.trust.patterns.as_deref()) {
        Ok(templates) => {
            for problem in templates.problems() {
                report.problem("notices", &problem.to_string())?;
            }
        }
        Err(error) => report.problem("notices", &error.to_string())?,
    }
    let policy = tools::policy(&config.trust).ok();
    match letters::settings(config) {
        Err(error) => report.problem("notices", &error.to_string()),
        Ok(None) => report.note(
            "notices.from",
            "found none; nobody is told of what is held; set an address that people read",
        ),
        Ok(Some(settings)) => {
            let untold = policy.as_ref().map(untold).unwrap_or_default();
            for problem in &untold {
                report.problem("notices", problem)?;
            }
            if !untold.is_empty() {
                return Ok(());
            }
            let found = format!("from {}, digests at {}", settings.from, settings.digest_at);
            report.good("notices", &found)
        }
    }
}

/// Roles that rules tell and that nobody is told by.
fn untold(policy: &Policy) -> Vec<String> {
    let rules = policy
        .rules
        .iter()
        .filter(|rule| rule.mode == Mode::Enforce);
    let mut named: Vec<&str> = rules
        .flat_map(|rule| {
            let later = rule.escalate.iter().flat_map(|escalation| &escalation.to);
            rule.tell.iter().chain(later)
        })
        .filter_map(|role| match role {
            Role::Named(name) => Some(&**name),
            Role::Sender | Role::Owner => None,
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    named
        .into_iter()
        .filter_map(|role| fault(policy, role))
        .collect()
}

fn fault(policy: &Policy, role: &str) -> Option<String> {
    // Reading a policy refuses roles that it does not know.
    let person = policy.governance.person(role)?;
    if person.addresses.is_empty() {
        return Some(format!(
            "a rule tells `{role}`, which has no mailbox; allowed: one or more; add them in trust.people or in the policy's [people]"
        ));
    }
    let mut addresses = person.addresses.iter();
    let outside = addresses.any(|address| policy.classes.of(address).is_outside());
    outside.then(|| {
        format!(
            "`{role}` has a mailbox outside the trust and its partners, which gets no notices; allowed: mailboxes of \
             trust.internal_domains and trust.partner_domains; mend the address, or add its domain"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "name = \"own\"\ntitle = \"Own\"\n[people]\nit = {}\ndsl = {}\nhead = { addresses = [\"h@elsewhere.example\"] }\n\
        dpo = { addresses = [\"dpo@trust.example\"] }\n[[rule]]\nid = \"big\"\ntitle = \"it is large\"\naction = \"hold\"\n\
        tell = [\"sender\", \"dpo\", \"it\", \"head\"]\nescalate = { minutes = 5, to = [\"dsl\"] }\n\
        when = { min_bytes = 5 }\n";

    fn checked(config: &Config) -> (String, usize) {
        let mut out = Vec::new();
        let mut report = Report {
            out: &mut out,
            problems: 0,
        };
        run(config, &mut report).unwrap();
        let problems = report.problems;
        (String::from_utf8(out).unwrap(), problems)
    }

    fn config(from: &str) -> Config {
        let mut config = Config::default();
        config.trust.internal_domains = vec!["trust.example".to_owned()];
        config.notices.from = Some(from.to_owned());
        for role in ["dpo", "it", "dsl", "head"] {
            let mailbox = format!("{role}@trust.example");
            config.trust.people.insert(role.to_owned(), vec![mailbox]);
        }
        config
    }

    #[test]
    fn settings_are_checked() {
        let (said, problems) = checked(&Config::default());
        assert_eq!(problems, 0);
        assert!(
            said.starts_with("note     notices.from: found none;"),
            "{said}"
        );
        let (said, problems) = checked(&config("dpo@trust.example"));
        assert_eq!(problems, 0, "{said}");
        assert!(
            said.contains("from dpo@trust.example, digests at 07:30"),
            "{said}"
        );
        let (said, problems) = checked(&config("dpo"));
        assert_eq!(problems, 1);
        assert!(
            said.contains("notices.from: found `dpo`; allowed: "),
            "{said}"
        );
        let (said, _) = checked(&config("dpo@elsewhere.example"));
        assert!(
            said.contains("an address outside trust.internal_domains"),
            "{said}"
        );
        let mut late = config("dpo@trust.example");
        late.notices.digest_at = "25:00".to_owned();
        let (said, _) = checked(&late);
        assert!(
            said.contains("notices.digest_at: found `25:00`; allowed: "),
            "{said}"
        );
        let mut unknown = config("dpo@trust.example");
        unknown.trust.people.insert("cook".to_owned(), Vec::new());
        let (said, _) = checked(&unknown);
        assert!(
            said.contains("trust.people: found `cook`; allowed: "),
            "{said}"
        );
    }

    #[test]
    fn whoever_cannot_be_told_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("own.toml");
        std::fs::write(&policy, POLICY).unwrap();
        let mut config = config("dpo@trust.example");
        config.trust.policy = policy.display().to_string();
        config.trust.people.clear();
        let (said, problems) = checked(&config);
        assert!(said.contains("`it`, which has no mailbox;"), "{said}");
        assert!(
            said.contains("`head` has a mailbox outside the trust"),
            "{said}"
        );
        assert!(said.contains("`dsl`, which has no mailbox;"), "{said}");
        assert_eq!(problems, 3, "{said}");
    }

    #[test]
    fn broken_templates_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let notices = folder.path().join("notices");
        std::fs::create_dir(&notices).unwrap();
        std::fs::write(notices.join("urgent.txt"), "Subject: Now\n\n{{ pupil }}\n").unwrap();
        std::fs::write(notices.join("README.md"), "not a template").unwrap();
        let mut config = config("dpo@trust.example");
        config.trust.patterns = Some(folder.path().to_owned());
        let (said, problems) = checked(&config);
        assert_eq!(problems, 1, "{said}");
        assert!(
            said.contains("PROBLEM  notices: `notices/urgent.txt` line 3: found `pupil`, which no notice has; allowed: "),
            "{said}"
        );
    }
}
