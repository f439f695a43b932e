//! What every request has at hand: the store, the desk, the pipeline, the schools, and what only the program around us knows.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::hmac;

use super::access::Permission;
use super::acts::work::Work;
use super::config::{Config, ConfigError, Origin};
use super::live::Live;
use super::premises::Premises;
use super::sign_in::oidc::Oidc;
use super::sign_in::throttle::Throttle;
use crate::pipeline::way::Pipeline;
use crate::policy::{Schools, Senders};
use crate::quarantine::desk::Desk;
use crate::store::Custody;

/// A place in the navigation, and who sees it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Where it leads.
    pub href: &'static str,
    /// The key of its words.
    pub label: &'static str,
    /// Who sees it.
    pub permission: Permission,
}

/// What the console works with.
pub struct Parts {
    /// Its settings, checked.
    pub config: Config,
    /// What is in our keeping.
    pub store: Custody,
    /// Where decisions are made.
    pub desk: Desk,
    /// What judges messages; its tools are exchanged under us by a reload.
    pub pipeline: Pipeline,
    /// The trust's schools and groups of senders.
    pub senders: Senders,
    /// Who says who somebody is, beside local accounts.
    pub providers: Vec<Oidc>,
    /// The trust's clock.
    pub time_zone: jiff::tz::TimeZone,
    /// What only the program knows.
    pub premises: Arc<dyn Premises>,
}

/// What every request has at hand; cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    parts: Parts,
    origin: Origin,
    proxies: Vec<ipnet::IpNet>,
    /// Keys what is handed out and comes back: form tokens, places in lists, leave to read.
    key: hmac::Key,
    throttle: Throttle,
    work: Work,
    live: Live,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    /// A console over these parts.
    pub fn new(parts: Parts) -> Result<Self, ConfigError> {
        parts.config.check()?;
        let origin = parts.config.origin()?;
        let proxies = parts.config.proxies()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &parts.store.subkey("console forms"));
        Ok(Self(Arc::new(Inner {
            parts,
            origin,
            proxies,
            key,
            throttle: Throttle::default(),
            work: Work::default(),
            live: Live::default(),
        })))
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.parts.config
    }

    /// What is in our keeping.
    pub fn store(&self) -> &Custody {
        &self.0.parts.store
    }

    /// The desk, with nobody at it; [`Desk::signed_in_as`] sits somebody down.
    pub fn desk(&self) -> &Desk {
        &self.0.parts.desk
    }

    /// What judges messages.
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.parts.pipeline
    }

    /// The schools.
    pub fn schools(&self) -> &Schools {
        &self.0.parts.senders.schools
    }

    /// The schools and the groups of senders.
    pub fn senders(&self) -> &Senders {
        &self.0.parts.senders
    }

    /// Who says who somebody is, beside local accounts.
    pub fn providers(&self) -> &[Oidc] {
        &self.0.parts.providers
    }

    /// The trust's clock.
    pub fn time_zone(&self) -> &jiff::tz::TimeZone {
        &self.0.parts.time_zone
    }

    /// What only the program knows.
    pub fn premises(&self) -> &dyn Premises {
        &*self.0.parts.premises
    }

    /// Where people reach us.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Proxies whose word on a client's address counts.
    pub fn proxies(&self) -> &[ipnet::IpNet] {
        &self.0.proxies
    }

    /// Who tried to sign in how often.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Jobs that take longer than a page may.
    pub fn work(&self) -> &Work {
        &self.0.work
    }

    /// Who listens for news.
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// The navigation.
    pub fn places(&self) -> &'static [Place] {
        super::pages::PLACES
    }

    /// A mark only we can make, of texts that name what it is for; 43 characters.
    pub fn mark(&self, parts: &[&str]) -> String {
        use base64::Engine as _;
        let tag = hmac::sign(&self.0.key, &framed(parts));
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref())
    }

    /// Whether a mark is the one of these texts, compared in constant time.
    pub fn is_mark(&self, parts: &[&str], mark: &str) -> bool {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD
            .decode(mark)
            .is_ok_and(|tag| hmac::verify(&self.0.key, &framed(parts), &tag).is_ok())
    }

    /// Now.
    pub fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Texts one after the other, each with its length, so that none runs into the next.
fn framed(parts: &[&str]) -> Vec<u8> {
    let mut framed = Vec::new();
    for part in parts {
        framed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        framed.extend_from_slice(part.as_bytes());
    }
    framed
}
