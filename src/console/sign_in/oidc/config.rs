//! `[[console.oidc]]`: one provider, read and held against what is allowed.
//!
//! # Invariants
//! A provider stands for one tenant: Entra's shared endpoints are refused, and Google needs a hosted domain, since anybody at all has an
//! account there. The client secret comes from a file that nobody else may read or from the environment; no error names it. Without TLS
//! only this machine is spoken to.
//!
//! # Standards
//! OpenID Connect Discovery 1.0 section 3 (issuer: https, no query, no fragment), OpenID Connect Core 1.0 section 3.1.2.1 (`openid`).

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use oauth2::url::{Host, Url};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Longest client secret: Entra's have 40 characters, Google's 35.
const SECRET_AT_MOST: u64 = 1024;
/// The roles of the console.
pub const ROLES: [&str; 5] = ["dpo", "head", "it", "auditor", "sender"];
/// Where Entra ID issues tokens: the world, and the United States' government.
const ENTRA_HOSTS: [&str; 2] = ["login.microsoftonline.com", "login.microsoftonline.us"];
/// Where Google issues tokens.
const GOOGLE_HOST: &str = "accounts.google.com";

/// `[[console.oidc]]`: a provider by which people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// Short name in addresses, such as `entra`: a-z, 0-9 and `-`.
    pub id: String,
    /// What the button says, such as `Microsoft`.
    pub title: String,
    /// The issuer exactly as the provider writes it: `https://login.microsoftonline.com/TENANT/v2.0`, `https://accounts.google.com`.
    pub issuer: String,
    /// The id that the provider gave the console.
    pub client_id: String,
    /// File with the client secret, mode 0600 or 0400. It is read at each sign-in, so that a new secret needs no restart.
    pub client_secret_file: Option<PathBuf>,
    /// Environment variable with the client secret, where no file is set.
    pub client_secret_env: String,
    /// What is asked for; `openid` is needed.
    pub scopes: Vec<String>,
    /// Claim that names the account: empty for `oid` at Entra and `sub` elsewhere.
    pub subject_claim: String,
    /// Claim with the mail address: `email` (which the provider must say is verified), or `preferred_username` at Entra; empty: no
    /// address is taken, and nobody is a sender.
    pub address_claim: String,
    /// Claim with the name to show.
    pub name_claim: String,
    /// Google: the Workspace domain whose people may sign in; the `hd` claim must equal it.
    pub hosted_domain: Option<String>,
    /// Claim with the values that `grants` look at: `roles` (app roles) or `groups`.
    pub roles_claim: String,
    /// What a value of `roles_claim` gives.
    pub grants: Vec<OidcGrant>,
    /// Everybody of the tenant with an address may sign in as a sender, who sees their own messages only. Guests may not.
    pub senders: bool,
    /// PEM file of the authorities to trust beside the system's, for a provider or a filter with certificates of the trust's own.
    pub client_ca: Option<PathBuf>,
    /// Minutes since the person last typed a password at the provider that are too many; 0: the provider decides.
    pub max_age_minutes: u32,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            client_secret_env: String::new(),
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            subject_claim: String::new(),
            address_claim: String::new(),
            name_claim: "name".to_owned(),
            hosted_domain: None,
            roles_claim: "roles".to_owned(),
            grants: Vec::new(),
            senders: false,
            client_ca: None,
            max_age_minutes: 0,
        }
    }
}

/// `[[console.oidc.grants]]`: what one value of the roles claim gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcGrant {
    /// The value: the value of an app role, or the object id of a group.
    pub value: String,
    /// dpo, head, it, auditor or sender.
    pub role: String,
    /// Ids of `[[trust.schools]]` that the role is for: needed for head; for dpo and auditor empty is all of them; none for it and sender.
    pub schools: Vec<String>,
}

/// A setting that cannot be used: which, what was found, what is allowed, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("console.oidc.{key}: found {found}; allowed: {allowed}; {mend}")]
pub struct OidcConfigError {
    /// The key.
    pub key: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: &'static str,
    /// What to do.
    pub mend: String,
}

/// Makes the error.
pub(super) fn wrong(
    key: &'static str,
    found: impl Into<String>,
    allowed: &'static str,
    mend: impl Into<String>,
) -> OidcConfigError {
    OidcConfigError {
        key,
        found: found.into(),
        allowed,
        mend: mend.into(),
    }
}

/// Whose provider it is, where that makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Microsoft Entra ID, with the tenant's id.
    Entra(String),
    /// Google Workspace.
    Google,
    /// Any other.
    Other,
}

impl OidcConfig {
    /// Holds every key against what is allowed, and says whose provider it is. Reads no file.
    pub fn check(&self) -> Result<Kind, OidcConfigError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&self.id.len()) || !self.id.bytes().all(plain) {
            let mend = "name the provider, such as `entra` or `google`";
            return Err(wrong(
                "id",
                quoted(&self.id),
                "1 to 32 of a-z, 0-9 and `-`",
                mend,
            ));
        }
        if self.client_id.is_empty() || !self.client_id.bytes().all(|b| b.is_ascii_graphic()) {
            let mend = "copy it from the provider's page of the application";
            return Err(wrong(
                "client_id",
                quoted(&self.client_id),
                "the application's id",
                mend,
            ));
        }
        let kind = self.kind()?;
        self.check_scopes()?;
        self.check_address(&kind)?;
        self.check_grants()?;
        self.check_hosted_domain(&kind)?;
        if self.client_secret_file.is_none() && self.client_secret_env.is_empty() {
            let mend = "write the secret alone into a file of mode 0600 and set client_secret_file";
            return Err(wrong(
                "client_secret_file",
                "nothing",
                "a file with the client secret",
                mend,
            ));
        }
        Ok(kind)
    }

    fn kind(&self) -> Result<Kind, OidcConfigError> {
        const ALLOWED: &str = "the issuer exactly as the provider's discovery document has it";
        let refused = |mend: &str| Err(wrong("issuer", quoted(&self.issuer), ALLOWED, mend));
        let Ok(url) = Url::parse(&self.issuer) else {
            return refused("begin it with https:// and the provider's host");
        };
        if !is_safe(&url) {
            return refused(
                "use https://, without a name or password; http:// is for this machine only",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refused("leave out what begins with `?` or `#`");
        }
        if self.issuer.contains("/.well-known/") {
            return refused("leave out /.well-known/openid-configuration");
        }
        let host = url.host_str().unwrap_or_default();
        if ENTRA_HOSTS.contains(&host) {
            return self.tenant(&url);
        }
        if host == GOOGLE_HOST {
            if self.issuer != "https://accounts.google.com" {
                return refused("write https://accounts.google.com, without a slash at the end");
            }
            return Ok(Kind::Google);
        }
        Ok(Kind::Other)
    }

    fn tenant(&self, url: &Url) -> Result<Kind, OidcConfigError> {
        const ALLOWED: &str = "https://login.microsoftonline.com/TENANT-ID/v2.0";
        let refused = |mend: &str| Err(wrong("issuer", quoted(&self.issuer), ALLOWED, mend));
        let tenant = url.path().split('/').nth(1).unwrap_or_default();
        if ["common", "organizations", "consumers"].contains(&tenant) {
            return refused(
                "every Microsoft account would be let in; use the Directory (tenant) ID of the page Overview of the app registration",
            );
        }
        let groups: Vec<&str> = tenant.split('-').collect();
        let is_id = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
            && tenant
                .bytes()
                .all(|b| b == b'-' || matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return refused(
                "use the Directory (tenant) ID in lower case, not a domain: tokens name the id",
            );
        }
        let host = url.host_str().unwrap_or_default();
        if self.issuer != format!("https://{host}/{tenant}/v2.0") {
            return refused("end it with /v2.0, and no slash behind it");
        }
        Ok(Kind::Entra(tenant.to_owned()))
    }

    fn check_scopes(&self) -> Result<(), OidcConfigError> {
        const ALLOWED: &str =
            "openid, profile, email, and what else the provider needs for its claims";
        let word =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        let found = || quoted(&self.scopes.join(" "));
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(wrong(
                "scopes",
                found(),
                ALLOWED,
                "add `openid`: without it no identity is given",
            ));
        }
        if self.scopes.iter().any(|scope| scope == "offline_access") {
            let mend = "leave out `offline_access`: the console keeps no token, and some providers refuse the sign-in for it";
            return Err(wrong("scopes", found(), ALLOWED, mend));
        }
        if !self.scopes.iter().all(word) {
            return Err(wrong(
                "scopes",
                found(),
                ALLOWED,
                "one word each, without spaces",
            ));
        }
        Ok(())
    }

    fn check_address(&self, kind: &Kind) -> Result<(), OidcConfigError> {
        const ALLOWED: &str = "email, preferred_username at Entra, or nothing";
        let refused = |mend: &str| {
            Err(wrong(
                "address_claim",
                quoted(&self.address_claim),
                ALLOWED,
                mend,
            ))
        };
        match (self.address_claim.as_str(), kind) {
            ("", _) if self.senders => {
                refused("a sender is known by the address; set it, or set senders = false")
            }
            ("", _)
            | ("email", Kind::Google | Kind::Other)
            | ("preferred_username", Kind::Entra(_)) => Ok(()),
            ("email", Kind::Entra(_)) => refused(
                "Entra does not verify `email`, which a tenant's administrator may set to anything; use preferred_username",
            ),
            _ => refused("people may choose other claims themselves"),
        }
    }

    fn check_grants(&self) -> Result<(), OidcConfigError> {
        for grant in &self.grants {
            if grant.value.is_empty() {
                let mend = "write the value of the app role, or the object id of the group";
                return Err(wrong(
                    "grants.value",
                    "nothing",
                    "a value of the roles claim",
                    mend,
                ));
            }
            if !ROLES.contains(&grant.role.as_str()) {
                let allowed = "dpo, head, it, auditor or sender";
                return Err(wrong(
                    "grants.role",
                    quoted(&grant.role),
                    allowed,
                    "write one of them",
                ));
            }
            let (named, role) = (!grant.schools.is_empty(), grant.role.as_str());
            if (role == "head" && !named) || (matches!(role, "it" | "sender") && named) {
                let found = format!("{} schools for the role {role}", grant.schools.len());
                let mend = "name the schools of a head by their ids in [[trust.schools]], and none for it and sender";
                return Err(wrong(
                    "grants.schools",
                    found,
                    "schools for head, optionally for dpo and auditor",
                    mend,
                ));
            }
        }
        if !self.grants.is_empty() && self.roles_claim.is_empty() {
            return Err(wrong(
                "roles_claim",
                "nothing",
                "roles or groups",
                "set it, or remove the grants",
            ));
        }
        Ok(())
    }

    fn check_hosted_domain(&self, kind: &Kind) -> Result<(), OidcConfigError> {
        let allowed = "the Workspace's primary domain in lower case, such as trust.example";
        match (&self.hosted_domain, kind) {
            (None, Kind::Google) => {
                let mend = "set it: without it every Google account would be let in";
                Err(wrong("hosted_domain", "nothing", allowed, mend))
            }
            (Some(domain), _)
                if domain.is_empty()
                    || domain.bytes().any(|b| b.is_ascii_uppercase() || b == b'@') =>
            {
                Err(wrong(
                    "hosted_domain",
                    quoted(domain),
                    allowed,
                    "write the domain alone",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The client secret, from its file or the environment.
    pub(super) fn secret(&self) -> Result<Zeroizing<String>, OidcConfigError> {
        let (key, text) = if let Some(path) = &self.client_secret_file {
            ("client_secret_file", read_secret(path)?)
        } else {
            let text = std::env::var(&self.client_secret_env).map_err(|_| {
                let found = format!(
                    "nothing in the environment variable {}",
                    quoted(&self.client_secret_env)
                );
                wrong(
                    "client_secret_env",
                    found,
                    "the client secret",
                    "set it for this process, or use client_secret_file",
                )
            })?;
            ("client_secret_env", Zeroizing::new(text))
        };
        let trimmed = text.trim();
        if trimmed.is_empty() || !trimmed.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong(
                key,
                "something else than one word",
                "the secret, and a line end behind it",
                "write the secret's value alone; at Entra that is the column Value, not Secret ID",
            ));
        }
        Ok(Zeroizing::new(trimmed.to_owned()))
    }
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, OidcConfigError> {
    const KEY: &str = "client_secret_file";
    let shown = quoted(&path.display().to_string());
    let unreadable = |error: std::io::Error| {
        let found = format!("{shown}, which cannot be read ({})", error.kind());
        wrong(
            KEY,
            found,
            "a file that this user can read",
            "look at its path, owner and mode",
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let found = format!("{shown} of mode {:04o}", mode & 0o7777);
        return Err(wrong(
            KEY,
            found,
            "a mode of 0600 or 0400",
            "chmod go-rwx it",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(SECRET_AT_MOST as usize + 1));
    file.take(SECRET_AT_MOST + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > SECRET_AT_MOST {
        return Err(wrong(
            KEY,
            shown,
            "at most 1,024 bytes",
            "write the secret alone",
        ));
    }
    Ok(text)
}

fn quoted(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}

/// Whether an address may be spoken to: https without credentials, or http on this machine.
pub(super) fn is_safe(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(url)))
}

/// Whether an address is a loopback one.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The address that the provider sends people back to, if it can be one.
pub(super) fn redirect(text: &str) -> Result<Url, OidcConfigError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| is_safe(url) && url.fragment().is_none());
    url.ok_or_else(|| {
        wrong(
            "redirect_uri",
            quoted(text),
            "https://HOST/..., or http:// on this machine",
            "set the address of the console as people write it",
        )
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
