//! Releases by two people: one asks, another approves exactly what was asked for, or declines.
//!
//! # Invariants
//! Whether a hold needs two people was settled when it was held, and no later policy changes it. Who asked never approves, by name or by
//! login. An approval sends the text whose SHA-256 was asked for, to the recipients and by the way that were asked for, and only while the
//! hold is the version that the request was made for; otherwise it sends nothing.

use bytes::Bytes;

use std::time::SystemTime;

use super::release::Sending;
use super::{By, Desk, DeskError, On, Seen, Version, named};
use crate::quarantine::initials;
use crate::quarantine::lifecycle::{Act, Forbidden};
use crate::store::{Person, Request, VersionSent, What, same_name, two_people};

impl Desk {
    /// Asks a second person for a release.
    pub(super) async fn ask(&self, on: On, by: By<'_>, sending: Sending) -> Result<(), DeskError> {
        let seen = self.stands(on, Act::Ask, by.actor, by.at).await?;
        let request = Request {
            by: by.actor.trim().to_owned(),
            login: self.login.to_string(),
            at: by.at,
            reason: by.reason.trim().to_owned(),
            version: seen.hold.summary.version,
            rcpts: sending.rcpts,
            encrypt: sending.encrypt,
            sent: sending.text.sent,
            sha256: sending.text.sha256,
        };
        let what = What::Ask(Box::new(request));
        self.act(&seen, by.actor, by.at, what).await
    }

    /// Approves the release that was asked for, which sends it. For a version with initials that version, made again.
    pub async fn approve(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        with_initials: Option<Bytes>,
    ) -> Result<(), DeskError> {
        by.check()?;
        let seen = self
            .stands(on.into(), Act::Approve, by.actor, by.at)
            .await?;
        let request = asked(&seen)?.clone();
        two_people(requester(&request), self.person(by.actor)).map_err(DeskError::SamePerson)?;
        if request.version != seen.hold.summary.version {
            return Err(DeskError::Void);
        }
        let version = match &request.sent {
            VersionSent::Held => Version::Held,
            VersionSent::Initials => {
                let message = with_initials.ok_or(DeskError::NoVersion)?;
                if !initials::is_made_for(&message, seen.hold.summary.id) {
                    return Err(DeskError::Foreign);
                }
                Version::Initials(message)
            }
            VersionSent::Without {
                numbers,
                keep_names,
            } => Version::Without {
                numbers,
                keep_names: *keep_names,
            },
        };
        let text = self.text(&seen.hold, &version).await?;
        let known = |index: &usize| *index < seen.hold.envelope.rcpts.len();
        if text.sha256 != request.sha256 || !request.rcpts.iter().all(known) {
            return Err(DeskError::Void);
        }
        let sending = Sending {
            text,
            rcpts: request.rcpts.clone(),
            encrypt: request.encrypt,
        };
        self.send(&seen, by, sending, Some(&request)).await
    }

    /// Says no to the release that was asked for: the hold waits again.
    pub async fn decline(&self, on: impl Into<On>, by: By<'_>) -> Result<(), DeskError> {
        by.check()?;
        let seen = self
            .stands(on.into(), Act::Decline, by.actor, by.at)
            .await?;
        let what = What::Decline(by.reason.trim().to_owned());
        self.act(&seen, by.actor, by.at, what).await
    }

    /// Takes back what one asked for oneself: the hold waits again.
    pub async fn withdraw(
        &self,
        on: impl Into<On>,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), DeskError> {
        let actor = named(actor)?;
        let seen = self.stands(on.into(), Act::Withdraw, actor, at).await?;
        let request = asked(&seen)?;
        let own = same_name(&request.by, actor) && request.login == *self.login;
        if !own {
            return Err(DeskError::NotRequester(request.by.clone()));
        }
        self.act(&seen, actor, at, What::Withdraw).await
    }
}

fn asked(seen: &Seen) -> Result<&Request, DeskError> {
    let request = seen.hold.request.as_ref();
    request.ok_or(DeskError::Forbidden(Forbidden::NothingAsked))
}

fn requester(request: &Request) -> Person<'_> {
    Person {
        actor: &request.by,
        login: &request.login,
    }
}
