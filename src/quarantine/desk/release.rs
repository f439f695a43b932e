//! Releasing and refusing: to whom, which text, by which way.

use bytes::Bytes;

use super::{By, Desk, DeskError, NoticeRequest, On, Seen, Tell, off_the_threads};
use crate::limits::Budget;
use crate::mail::{Address, Envelope, QueueId};
use crate::quarantine::lifecycle::Act;
use crate::quarantine::{initials, strip};
use crate::store::{
    Body, Custody, Decision, DeliveryKind, HoldDetails, Identity, NewDelivery, Request, Ticket,
    VersionSent,
};
use std::sync::Arc;

/// To whom a message is released.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// To all it was for.
    All,
    /// To these of them.
    Only(&'a [Address]),
}

/// Which text of a held message is released.
#[derive(Debug, Clone)]
pub enum Version<'a> {
    /// The message as it is held.
    Held,
    /// What [`crate::quarantine::initials::propose`] made of this hold.
    Initials(Bytes),
    /// Without the attachments of these numbers, as [`Desk::attachments`] counts them.
    Without {
        /// The numbers.
        numbers: &'a [usize],
        /// The text that stands for them keeps their names.
        keep_names: bool,
    },
}

/// How a message is released.
#[derive(Debug, Clone)]
pub struct Release<'a> {
    /// To whom.
    pub to: To<'a>,
    /// Which text.
    pub version: Version<'a>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
}

impl<'a> From<To<'a>> for Release<'a> {
    fn from(to: To<'a>) -> Self {
        Self {
            to,
            version: Version::Held,
            encrypt: false,
        }
    }
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way.
    Released,
    /// It waits for a second person.
    Asked,
}

/// A text to send.
pub(super) struct Text {
    pub(super) body: Body,
    pub(super) sha256: [u8; 32],
    pub(super) sent: VersionSent,
}

/// What a release sends.
pub(super) struct Sending {
    pub(super) text: Text,
    pub(super) rcpts: Vec<usize>,
    pub(super) encrypt: bool,
}

/// What a decision sets off.
#[derive(Debug, Default)]
pub(super) struct Causes {
    delivery: Option<NewDelivery>,
    ticket: Option<Ticket>,
    version_sent: VersionSent,
}

impl Desk {
    /// Lets a message go as it is, to all its recipients or some. For the store's ticket time the same message with the same
    /// findings passes to the same recipients. [`DeskError::SecondPerson`] where one person is not enough.
    pub async fn release(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        to: To<'_>,
    ) -> Result<(), DeskError> {
        self.release_alone(on.into(), by, &to.into()).await
    }

    /// Lets a message go with initials for its pupils' names: `message` is what [`initials::propose`] made of this hold.
    pub async fn release_initials(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        to: To<'_>,
        message: Bytes,
    ) -> Result<(), DeskError> {
        let release = Release {
            version: Version::Initials(message),
            ..to.into()
        };
        self.release_alone(on.into(), by, &release).await
    }

    async fn release_alone(
        &self,
        on: On,
        by: By<'_>,
        release: &Release<'_>,
    ) -> Result<(), DeskError> {
        let (seen, sending) = self.prepared(on, by, release).await?;
        if seen.hold.needs_second_person() {
            return Err(DeskError::SecondPerson);
        }
        self.send(&seen, by, sending, None).await
    }

    /// Lets a message go, or asks for it where two people release it.
    pub async fn release_or_ask(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        release: &Release<'_>,
    ) -> Result<Outcome, DeskError> {
        let on = on.into();
        let (seen, sending) = self.prepared(on, by, release).await?;
        if seen.hold.needs_second_person() {
            self.ask(on, by, sending).await?;
            return Ok(Outcome::Asked);
        }
        self.send(&seen, by, sending, None).await?;
        Ok(Outcome::Released)
    }

    pub(super) async fn prepared(
        &self,
        on: On,
        by: By<'_>,
        release: &Release<'_>,
    ) -> Result<(Seen, Sending), DeskError> {
        by.check()?;
        if let Version::Initials(message) = &release.version
            && !initials::is_made_for(message, on.id)
        {
            return Err(DeskError::Foreign);
        }
        let seen = self.stands(on, Act::Release, by.actor, by.at).await?;
        let rcpts = chosen(&seen.hold.envelope, release.to)?;
        let text = self.text(&seen.hold, &release.version).await?;
        let sending = Sending {
            text,
            rcpts,
            encrypt: release.encrypt,
        };
        Ok((seen, sending))
    }

    /// The text that a version is.
    pub(super) async fn text(
        &self,
        hold: &HoldDetails,
        version: &Version<'_>,
    ) -> Result<Text, DeskError> {
        let id = hold.summary.id;
        let (message, sent) = match version {
            Version::Held => {
                return Ok(Text {
                    body: Body::Hold(id),
                    sha256: hold.sha256,
                    sent: VersionSent::Held,
                });
            }
            Version::Initials(message) => (message.clone(), VersionSent::Initials),
            Version::Without {
                numbers,
                keep_names,
            } => {
                let sent = VersionSent::Without {
                    numbers: numbers.to_vec(),
                    keep_names: *keep_names,
                };
                let message = self.without(hold, numbers.to_vec(), *keep_names).await?;
                (message, sent)
            }
        };
        Ok(Text {
            sha256: Identity::of(&message).whole,
            body: Body::Message(message),
            sent,
        })
    }

    async fn without(
        &self,
        hold: &HoldDetails,
        numbers: Vec<usize>,
        keep_names: bool,
    ) -> Result<Bytes, DeskError> {
        // Nobody may know which attachment is which.
        if hold.record.confidential {
            return Err(DeskError::Confidential);
        }
        let id = hold.summary.id;
        let message = self.store.open_message(id).await?;
        let budget = Budget::new(Arc::clone(&self.limits));
        let made =
            off_the_threads(move || strip::without(&message, id, &numbers, keep_names, &budget));
        Ok(made.await??.into())
    }

    /// Sends what was decided on.
    pub(super) async fn send(
        &self,
        seen: &Seen,
        by: By<'_>,
        sending: Sending,
        request: Option<&Request>,
    ) -> Result<(), DeskError> {
        let causes = self.sent(seen, by, sending);
        let decision = decision(seen, by, causes);
        Ok(self.store.decide_as_asked(decision, request).await?)
    }

    /// What sending this sets off.
    pub(super) fn sent(&self, seen: &Seen, by: By<'_>, sending: Sending) -> Causes {
        let version_sent = sending.text.sent.clone();
        let rcpts = sending.rcpts.clone();
        Causes {
            delivery: Some(release_of(&seen.hold, by, sending)),
            ticket: Some(Ticket {
                rcpts,
                expires_at: by.at + self.store.config().ticket,
            }),
            version_sent,
        }
    }

    /// Refuses a message for good.
    pub async fn refuse(&self, on: impl Into<On>, by: By<'_>, tell: Tell) -> Result<(), DeskError> {
        by.check()?;
        let seen = self.stands(on.into(), Act::Refuse, by.actor, by.at).await?;
        let notice = match tell {
            Tell::Nobody => None,
            Tell::Sender => Some(self.notice(&seen.hold, by)?),
        };
        let causes = Causes {
            delivery: notice,
            ..Causes::default()
        };
        let decision = decision(&seen, by, causes);
        Ok(self.store.decide(decision).await?)
    }

    fn notice(&self, hold: &HoldDetails, by: By<'_>) -> Result<NewDelivery, DeskError> {
        let sender = hold
            .envelope
            .mail_from
            .address()
            .cloned()
            .ok_or(DeskError::Notice)?;
        let id = Custody::new_id()?;
        let message = (self.compose)(&NoticeRequest {
            hold,
            reason: by.reason.trim(),
            id,
        })
        .ok_or(DeskError::Notice)?;
        // The null sender: a notice must never cause a return (RFC 5321 4.5.5, RFC 3834 4).
        let envelope = Envelope::of(None, [sender]);
        Ok(NewDelivery {
            kind: DeliveryKind::Notice,
            ..delivery(id, envelope, Body::Message(message), by)
        })
    }
}

/// A decision with what it causes.
pub(super) fn decision(seen: &Seen, by: By<'_>, causes: Causes) -> Decision {
    Decision {
        id: seen.hold.summary.id,
        version: seen.hold.summary.version,
        to: seen.after.state,
        actor: by.actor.trim().to_owned(),
        reason: by.reason.trim().to_owned(),
        at: by.at,
        delivery: causes.delivery,
        ticket: causes.ticket,
        version_sent: causes.version_sent,
    }
}

/// The delivery of a release.
fn release_of(hold: &HoldDetails, by: By<'_>, sending: Sending) -> NewDelivery {
    let chosen = sending.rcpts.iter();
    let chosen = chosen.filter_map(|index| hold.envelope.rcpts.get(*index).cloned());
    let envelope = Envelope {
        rcpts: chosen.collect(),
        ..hold.envelope.clone()
    };
    NewDelivery {
        encrypt: sending.encrypt,
        ..delivery(hold.summary.id, envelope, sending.text.body, by)
    }
}

fn delivery(id: QueueId, envelope: Envelope, body: Body, by: By<'_>) -> NewDelivery {
    NewDelivery {
        id,
        kind: DeliveryKind::Release,
        envelope,
        body,
        prefix: String::new(),
        xforward: None,
        encrypt: false,
        created_at: by.at,
        not_before: by.at,
    }
}

/// Indexes of the recipients a release is for, in the envelope's order.
fn chosen(envelope: &Envelope, to: To<'_>) -> Result<Vec<usize>, DeskError> {
    let To::Only(wanted) = to else {
        return Ok((0..envelope.rcpts.len()).collect());
    };
    let wanted: Vec<String> = wanted.iter().map(Address::key).collect();
    let keys: Vec<Option<String>> = envelope
        .rcpts
        .iter()
        .map(|rcpt| rcpt.address().map(Address::key))
        .collect();
    let all_theirs = wanted
        .iter()
        .all(|wanted| keys.iter().flatten().any(|key| key == wanted));
    let rcpts: Vec<usize> = (0..keys.len())
        .filter(|index| {
            keys[*index]
                .as_ref()
                .is_some_and(|key| wanted.contains(key))
        })
        .collect();
    if rcpts.is_empty() || !all_theirs {
        return Err(DeskError::Recipients);
    }
    Ok(rcpts)
}
