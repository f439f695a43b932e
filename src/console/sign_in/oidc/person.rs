//! Who a checked token says somebody is: account, name, address, and what they may do.
//!
//! # Invariants
//! The account is the issuer with `sub`, or at Entra with `oid`, and never an address, which is given to somebody else one day. An address
//! counts only if the provider vouches for it: `email` with `email_verified`, or at Entra the sign-in name of an account that is no guest.
//! A person of another tenant or Workspace is refused before anything else is read.
//!
//! # Standards
//! OpenID Connect Core 1.0 sections 2 and 5.1; sections 5.6.2 (`_claim_names`). Entra's `tid`, `oid`, `idp`, `roles`; Google's `hd`.
//!
//! # Known gaps
//! Groups that a token leaves out for their number are not asked of Microsoft Graph: app roles are the way.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::config::{Kind, OidcConfig};
use super::error::{Again, Mend, OidcError, Refusal};
use super::token::{self, Claims, text};
use crate::mail::Address;

/// Longest subject (OpenID Connect Core section 2).
const SUBJECT_AT_MOST: usize = 255;
/// Longest name that is kept, in characters.
const NAME_AT_MOST: usize = 120;
/// Values of the roles claim that are looked at; Entra sends at most 200 groups.
const ROLES_AT_MOST: usize = 1000;
/// Methods that are kept.
const METHODS_AT_MOST: usize = 16;

/// A role for schools, as the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// dpo, head, it, auditor or sender.
    pub role: String,
    /// Ids of the schools that it is for; empty: all of them.
    pub schools: Vec<String>,
}

/// Somebody who signed in at a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The account, as long as it exists: `ISSUER|SUBJECT`. Personal data.
    pub login: String,
    /// The name to show; empty when the provider sends none. Personal data.
    pub name: String,
    /// The mail address, if the provider vouches for it. Personal data.
    pub address: Option<Address>,
    /// What the provider's roles give. Empty: the person may come in only if the console itself gives the account a role.
    pub grants: Vec<Granted>,
    /// When the person typed a password or used a key, if the provider says so.
    pub auth_time: Option<SystemTime>,
    /// How they did (RFC 8176), such as `pwd` and `mfa`.
    pub amr: Vec<String>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("has_address", &self.address.is_some())
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// What the sign-in asked for that the claims must keep to.
pub(super) struct Asked {
    /// When the person must have signed in at the provider at the latest ago; `None`: whenever.
    pub(super) max_age: Option<Duration>,
    pub(super) now: SystemTime,
}

/// Reads the person out of checked claims.
pub(super) fn read(
    claims: &Claims,
    config: &OidcConfig,
    kind: &Kind,
    asked: &Asked,
) -> Result<SignedIn, OidcError> {
    belongs(claims, config, kind).map_err(OidcError::NotAllowed)?;
    let auth_time = auth_time(claims, asked)?;
    let guest = is_guest(claims, config, kind);
    let address = if guest {
        None
    } else {
        address(claims, config)?
    };
    let mut grants = roles(claims, config)?;
    if config.senders && address.is_some() && !grants.iter().any(|granted| granted.role == "sender")
    {
        grants.push(Granted {
            role: "sender".to_owned(),
            schools: Vec::new(),
        });
    }
    Ok(SignedIn {
        login: format!("{}|{}", config.issuer, subject(claims, config, kind)?),
        name: shown(text(claims, &config.name_claim).unwrap_or_default()),
        address,
        grants,
        auth_time,
        amr: values(claims, "amr")
            .take(METHODS_AT_MOST)
            .map(|method| method.chars().take(32).collect())
            .collect(),
    })
}

fn belongs(claims: &Claims, config: &OidcConfig, kind: &Kind) -> Result<(), Refusal> {
    if let Kind::Entra(tenant) = kind
        && text(claims, "tid") != Some(tenant)
    {
        return Err(Refusal::Tenant);
    }
    match &config.hosted_domain {
        Some(domain) if text(claims, "hd") != Some(domain) => Err(Refusal::HostedDomain),
        _ => Ok(()),
    }
}

/// Whether somebody else's directory vouches for the account, as Entra says by `idp` and, where it is told to send it, by `acct`.
fn is_guest(claims: &Claims, config: &OidcConfig, kind: &Kind) -> bool {
    let own = |idp: &str| match kind {
        // The older name of the same tenant.
        Kind::Entra(tenant) if idp == format!("https://sts.windows.net/{tenant}/") => true,
        _ => idp == config.issuer,
    };
    let elsewhere = claims
        .get("idp")
        .is_some_and(|idp| !idp.as_str().is_some_and(own));
    let member = |acct: &Value| acct.as_i64() == Some(0) || acct.as_str() == Some("0");
    elsewhere || claims.get("acct").is_some_and(|acct| !member(acct))
}

fn subject<'c>(claims: &'c Claims, config: &OidcConfig, kind: &Kind) -> Result<&'c str, OidcError> {
    let claim = match (config.subject_claim.as_str(), kind) {
        ("", Kind::Entra(_)) => "oid",
        ("", _) => "sub",
        (named, _) => named,
    };
    let sound = |subject: &&str| {
        (1..=SUBJECT_AT_MOST).contains(&subject.len())
            && subject.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    };
    text(claims, claim)
        .filter(sound)
        .ok_or(OidcError::Misconfigured(Mend::NoSubject))
}

fn address(claims: &Claims, config: &OidcConfig) -> Result<Option<Address>, OidcError> {
    let claim = config.address_claim.as_str();
    let Some(written) = text(claims, claim).filter(|_| !claim.is_empty()) else {
        return Ok(None);
    };
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(verified)) => verified == "true",
        _ => false,
    };
    if claim == "email" && !verified {
        return Err(OidcError::NotAllowed(Refusal::AddressNotVerified));
    }
    Ok(Address::parse(written).ok())
}

fn roles(claims: &Claims, config: &OidcConfig) -> Result<Vec<Granted>, OidcError> {
    let claim = config.roles_claim.as_str();
    let elsewhere = |name: &str| {
        let names = claims.get("_claim_names").and_then(Value::as_object);
        names.is_some_and(|names| names.contains_key(name))
    };
    // `hasgroups` is the same for tokens that come in an address.
    let left_out = elsewhere(claim) || (claim == "groups" && claims.contains_key("hasgroups"));
    if !config.grants.is_empty() && !claims.contains_key(claim) && left_out {
        return Err(OidcError::Misconfigured(Mend::TooManyGroups));
    }
    let held: Vec<&str> = values(claims, claim).take(ROLES_AT_MOST).collect();
    let mut grants: Vec<Granted> = Vec::new();
    for grant in config
        .grants
        .iter()
        .filter(|grant| held.contains(&grant.value.as_str()))
    {
        let granted = Granted {
            role: grant.role.clone(),
            schools: grant.schools.clone(),
        };
        if !grants.contains(&granted) {
            grants.push(granted);
        }
    }
    Ok(grants)
}

/// The texts of a claim that is a text or a list of them.
fn values<'c>(claims: &'c Claims, name: &str) -> impl Iterator<Item = &'c str> {
    let (one, several) = match claims.get(name) {
        Some(Value::String(one)) => (Some(one.as_str()), &[] as &[Value]),
        Some(Value::Array(several)) => (None, several.as_slice()),
        _ => (None, &[] as &[Value]),
    };
    one.into_iter()
        .chain(several.iter().filter_map(Value::as_str))
}

fn auth_time(claims: &Claims, asked: &Asked) -> Result<Option<SystemTime>, OidcError> {
    let said = token::number(claims, "auth_time").and_then(|seconds| {
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(since)
    });
    let Some(max_age) = asked.max_age else {
        return Ok(said);
    };
    let at = said.ok_or(OidcError::Misconfigured(Mend::NoAuthTime))?;
    let age = asked.now.duration_since(at).unwrap_or_default();
    if age > max_age + token::LEEWAY {
        return Err(OidcError::TryAgain(Again::TooLongAgo));
    }
    Ok(Some(at))
}

/// A name as it may be shown: one line, without what turns or hides text.
fn shown(name: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let name: String = name
        .chars()
        .filter(|c| !hidden(*c))
        .take(NAME_AT_MOST)
        .collect();
    name.trim().to_owned()
}

#[cfg(test)]
#[path = "person_tests.rs"]
mod tests;
