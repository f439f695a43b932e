//! Putting together what judging works with: policy, patterns, roster and the reader of attachments, from files or built in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::compiled;
use crate::app::config::{Config, Trust};
use crate::detect::catalogue::EMBEDDED;
use crate::detect::{Catalogue, CatalogueError, Category, Engine, ModulusError, ModulusTable};
use crate::extract::Reader;
use crate::mail::{Address, Domain};
use crate::pipeline::judge::Tools;
use crate::policy::{
    Mode, Policy, PolicyError, Schools, SchoolsError, SenderGroups, SenderGroupsError, Senders,
};
use crate::relay::notice::Templates;
use crate::roster::RosterError;

/// Why judging cannot begin; every text says what to mend.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// A file cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The policy has mistakes.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Detectors or dictionaries have mistakes.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A roster cannot be used.
    #[error("`{path}`: {source}")]
    Roster {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RosterError,
    },
    /// More files than a roster has.
    #[error(
        "`{path}`: more than {files} files, {folders} folders deep or 2 GiB; name the folder that holds the export alone"
    )]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// Files that are read at most.
        files: usize,
        /// Depth to which folders are read.
        folders: usize,
    },
    /// The banks' table has another form.
    #[error("`{path}`: {source}")]
    Modulus {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModulusError,
    },
    /// Substitutions without the table that they belong to.
    #[error(
        "trust.sort_code_substitutions is set and trust.modulus_table is not; set both (`scsubtab.txt` and `valacdos.txt`), or neither"
    )]
    NoModulusTable,
    /// A reload would lose the roster.
    #[error("the configuration names no roster any more")]
    RosterGone,
    /// A reload would lose most of the roster: an export that was cut short is likelier than half a trust leaving.
    #[error(
        "the roster shrank from {before} to {after} pupils; if that is right, restart the relay, else mend the export and reload"
    )]
    RosterShrank {
        /// Pupils looked for now.
        before: usize,
        /// Pupils in the new files.
        after: usize,
    },
    /// A time zone is none.
    #[error(
        "trust.time_zone: found `{found}`; allowed: a name of the time zone database such as Europe/London; mend the name"
    )]
    Zone {
        /// What stands there.
        found: String,
    },
    /// A role is none of the policy's.
    #[error(
        "trust.people: found `{found}`; allowed: the roles of the policy's [people] ({known}); use one of them"
    )]
    Role {
        /// What stands there.
        found: String,
        /// The policy's roles.
        known: String,
    },
    /// A mailbox is none.
    #[error(
        "trust.people.{role}: found `{found}`; allowed: addresses such as office@trust.example; write it as local@domain"
    )]
    Mailbox {
        /// The role.
        role: String,
        /// What stands there.
        found: String,
    },
    /// The list of schools cannot be used.
    #[error(transparent)]
    Schools(#[from] SchoolsError),
    /// The list of groups of senders cannot be used.
    #[error(transparent)]
    SenderGroups(#[from] SenderGroupsError),
    /// A domain is none.
    #[error(
        "{key}: found `{found}`; allowed: domain names such as trust.example; write the part after the @"
    )]
    Domain {
        /// The key or flag.
        key: &'static str,
        /// What stands there.
        found: String,
    },
}

/// Everything judging works with under this configuration. `secret` keys the hashes of names and values; `kept` is where the compiled
/// roster is kept between starts, for a secret that outlives the process.
pub fn build(
    config: &Config,
    secret: [u8; 16],
    reader: Arc<dyn Reader>,
    kept: Option<&Path>,
) -> Result<Tools, ToolsError> {
    let policy = policy(&config.trust)?;
    build_with(config, policy, secret, reader, kept)
}

/// As [`build`], with a policy that was read before.
pub fn build_with(
    config: &Config,
    policy: Policy,
    secret: [u8; 16],
    reader: Arc<dyn Reader>,
    kept: Option<&Path>,
) -> Result<Tools, ToolsError> {
    let people = compiled::people(config, secret, kept)?;
    let catalogue = catalogue(config.trust.patterns.as_deref())?;
    let modulus = modulus_table(&config.trust)?;
    let conduct = conduct(&policy, &catalogue);
    let engine = Engine::with_conduct(people, &catalogue, &conduct, secret)?.with_modulus(modulus);
    Ok(Tools {
        engine: Arc::new(engine),
        policy: Arc::new(policy),
        reader,
        zone: zone(&config.trust)?,
    })
}

/// The schools and groups that senders are counted by.
pub fn senders(trust: &Trust) -> Result<Senders, ToolsError> {
    Ok(Senders {
        schools: Schools::new(&trust.schools)?,
        groups: SenderGroups::new(&trust.sender_groups)?,
    })
}

/// Where the trust is.
pub fn zone(trust: &Trust) -> Result<jiff::tz::TimeZone, ToolsError> {
    jiff::tz::TimeZone::get(&trust.time_zone).map_err(|_| ToolsError::Zone {
        found: trust.time_zone.clone(),
    })
}

/// The categories of conduct that a rule asks for which acts or says what it would do: by their name, by a detector's, or by
/// naming neither. Without a name, rules on what belongs to a person or is disguised do not mean conduct.
fn conduct(policy: &Policy, catalogue: &Catalogue) -> Vec<Category> {
    let rules = policy.rules.iter().filter(|rule| rule.mode != Mode::Off);
    let found: Vec<_> = rules.filter_map(|rule| rule.when.found.as_ref()).collect();
    let asks = |category: Category| {
        let owned = |id: &String| {
            let mut detectors = catalogue.detectors.iter();
            detectors.any(|detector| detector.id == *id && detector.category == category)
        };
        found.iter().any(|found| {
            let of_data = found.tied_to_person || found.obfuscated;
            let named = match (found.categories.as_slice(), found.detectors.as_slice()) {
                ([], []) => !of_data,
                ([], _) => true,
                (categories, _) => categories.contains(&category),
            };
            named && (found.detectors.is_empty() || found.detectors.iter().any(owned))
        })
    };
    let mut wanted = Category::CONDUCT.to_vec();
    wanted.retain(|category| asks(*category));
    wanted
}

/// What a reload may put in the place of `present`: whatever was built, unless it would look for less than half of the pupils.
pub fn replacement(present: &Tools, built: Result<Tools, ToolsError>) -> Result<Tools, ToolsError> {
    let fresh = built?;
    let (before, after) = (present.engine.person_count(), fresh.engine.person_count());
    if before > 0 && after == 0 {
        return Err(ToolsError::RosterGone);
    }
    if after < before / 2 {
        return Err(ToolsError::RosterShrank { before, after });
    }
    Ok(fresh)
}

/// The banks' table, when the administrator has supplied it.
pub fn modulus_table(trust: &Trust) -> Result<Option<ModulusTable>, ToolsError> {
    let Some(path) = &trust.modulus_table else {
        return trust
            .sort_code_substitutions
            .as_ref()
            .map_or(Ok(None), |_| Err(ToolsError::NoModulusTable));
    };
    let weights = read_text(path)?;
    let substitutes = trust
        .sort_code_substitutions
        .as_deref()
        .map(read_text)
        .transpose()?;
    // A fault names the file that it is in: the table alone is tried first.
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ToolsError::Modulus { path, source }
    };
    let alone = ModulusTable::parse(&weights, "").map_err(failed(path))?;
    let Some((path, substitutes)) = trust.sort_code_substitutions.as_deref().zip(substitutes)
    else {
        return Ok(Some(alone));
    };
    ModulusTable::parse(&weights, &substitutes)
        .map(Some)
        .map_err(failed(path))
}

/// The policy with the trust's domains.
pub fn policy(trust: &Trust) -> Result<Policy, ToolsError> {
    read_policy(trust).map(|read| read.policy)
}

/// A policy with where it came from.
#[derive(Debug, Clone)]
pub struct ReadPolicy {
    /// The policy with the trust's domains.
    pub policy: Policy,
    /// The text of its file; `None` for a built-in one.
    pub text: Option<String>,
}

/// The configured policy with the trust's domains, and the very text that it was read from.
pub fn read_policy(trust: &Trust) -> Result<ReadPolicy, ToolsError> {
    let path = Path::new(&trust.policy);
    let built_in = Policy::names().contains(&trust.policy.as_str()) || !path.exists();
    let text = (!built_in).then(|| read_text(path)).transpose()?;
    let policy = match &text {
        Some(text) => Policy::parse(&trust.policy, text)?,
        None => Policy::embedded(&trust.policy)?,
    };
    Ok(ReadPolicy {
        policy: with_domains(&policy, trust)?,
        text,
    })
}

/// A policy with the trust's domains.
pub fn with_domains(policy: &Policy, trust: &Trust) -> Result<Policy, ToolsError> {
    let internal = domains("trust.internal_domains", &trust.internal_domains)?;
    let partners = domains("trust.partner_domains", &trust.partner_domains)?;
    let mut policy = policy.with_domains(&internal, &partners);
    for (role, mailboxes) in &trust.people {
        add_mailboxes(&mut policy, role, mailboxes)?;
    }
    Ok(policy)
}

/// Gives a role of the policy these mailboxes beside its own.
fn add_mailboxes(policy: &mut Policy, role: &str, mailboxes: &[String]) -> Result<(), ToolsError> {
    let people = &mut policy.governance.people;
    let known: Vec<&str> = people.iter().map(|person| &*person.role).collect();
    let known = known.join(", ");
    let Some(person) = people.iter_mut().find(|person| &*person.role == role) else {
        return Err(ToolsError::Role {
            found: role.to_owned(),
            known,
        });
    };
    for text in mailboxes {
        let address = Address::parse(text).map_err(|_| ToolsError::Mailbox {
            role: role.to_owned(),
            found: text.clone(),
        })?;
        if !person.addresses.contains(&address) {
            person.addresses.push(address);
        }
    }
    Ok(())
}

fn domains(key: &'static str, texts: &[String]) -> Result<Vec<Domain>, ToolsError> {
    texts
        .iter()
        .map(|text| {
            Domain::parse(text).map_err(|_| ToolsError::Domain {
                key,
                found: text.clone(),
            })
        })
        .collect()
}

/// The built-in catalogue, with files of `folder` in the place of built-in ones of the same name.
pub fn catalogue(folder: Option<&Path>) -> Result<Catalogue, ToolsError> {
    let Some(folder) = folder else {
        return Ok(Catalogue::embedded()?);
    };
    let mut files = Vec::new();
    for part in ["detectors", "dictionaries"] {
        collect(&folder.join(part), part, &mut files)?;
    }
    let own = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let kept = EMBEDDED
        .iter()
        .copied()
        .filter(|(name, _)| !files.iter().any(|(own, _)| own == name));
    Ok(Catalogue::load(kept.chain(own))?)
}

/// The words of notices, with files of `folder` in the place of built-in ones of the same name. What is wrong with one is said in
/// them, and does not keep the others from use.
pub fn templates(folder: Option<&Path>) -> Result<Templates, ToolsError> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        collect(&folder.join("notices"), "notices", &mut files)?;
    }
    let files: Vec<(String, String)> = files
        .into_iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("notices/")?.to_owned(), text)))
        .filter(|(name, _)| name != "README.md")
        .collect();
    Ok(Templates::load(&files))
}

/// The files of a folder and its folders, named relative to the patterns folder. A folder that is not there is empty.
fn collect(folder: &Path, name: &str, files: &mut Vec<(String, String)>) -> Result<(), ToolsError> {
    let failed = |source| ToolsError::Read {
        path: folder.to_owned(),
        source,
    };
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let inner = format!(
            "{name}/{}",
            path.file_name().unwrap_or_default().to_string_lossy()
        );
        if path.is_dir() {
            collect(&path, &inner, files)?;
        } else {
            files.push((inner, read_text(&path)?));
        }
    }
    Ok(())
}

/// The text of a file.
pub fn read_text(path: &Path) -> Result<String, ToolsError> {
    std::fs::read_to_string(path).map_err(|source| ToolsError::Read {
        path: path.to_owned(),
        source,
    })
}
