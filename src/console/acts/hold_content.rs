//! The text of a held message, its attachments, and its version with initials.
//!
//! # Invariants
//! Nothing here is given out before the ledger has it: a look is noted by [`note`], and what a page shows afterwards is shown on a mark that
//! only that look gives; what is saved is noted as it is given. At most `AT_ONCE` messages are read again at a time on a node, each under the
//! limits that judging has.

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::hold::found;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::limits::Budget;
use crate::mail::QueueId;
use crate::pipeline::initials::{Reconsidered, looked_at, reconsider};
use crate::pipeline::judge::Case;
use crate::policy::{Action, ClientFacts, History};
use crate::quarantine::initials::NoProposal;
use crate::quarantine::strip;
use crate::quarantine::view::{self, MessageView, Side};
use crate::store::HoldDetails;
use crate::store::ledger::action;

/// Messages read again at the same time: judging mail comes first.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// How closely somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// At the text, with what was found masked.
    Text,
    /// At all of it in clear.
    Clear,
}

impl Look {
    /// The word that marks of this look are made for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "read",
            Self::Clear => "unmasked",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Text => action::READ,
            Self::Clear => action::UNMASKED,
        }
    }
}

/// Enters in the ledger that the caller is about to read a message; gives its id.
pub async fn note(site: &Site, caller: &Caller, id: &str, look: Look) -> Result<QueueId, Refusal> {
    let hold = found(site, caller, id, Permission::ReadContent).await?;
    let id = hold.summary.id;
    let (actor, now) = (caller.actor(), site.now());
    let desk = caller.desk(site);
    desk.read_as(id, actor, look.action(), now).await?;
    Ok(id)
}

/// The message as a reviewer may see it. The caller's look has been noted.
pub async fn read(
    site: &Site,
    caller: &Caller,
    id: &str,
) -> Result<(HoldDetails, MessageView), Refusal> {
    let hold = readable(site, caller, id).await?;
    let message = site.store().open_message(hold.summary.id).await?;
    let (tools, limits) = (site.pipeline().tools(), site.pipeline().limits());
    let envelope = hold.envelope.clone();
    let view = in_turn(move || looked_at(&message, &envelope, &tools, &limits)).await?;
    Ok((hold, view))
}

/// One page of the message as a document in which nothing is live. The caller's look in clear has been noted.
pub async fn preview(
    site: &Site,
    caller: &Caller,
    id: &str,
    part: usize,
) -> Result<String, Refusal> {
    let hold = readable(site, caller, id).await?;
    let message = site.store().open_message(hold.summary.id).await?;
    let limits = site.pipeline().limits();
    let page = in_turn(move || view::html(&message, part, &Budget::new(limits))).await?;
    page.ok_or(Refusal::Missing)
}

/// An attachment to be saved, which the ledger has.
pub async fn attachment(
    site: &Site,
    caller: &Caller,
    id: &str,
    number: usize,
) -> Result<Vec<u8>, Refusal> {
    let message = saved(site, caller, id).await?;
    let limits = site.pipeline().limits();
    let file = in_turn(move || strip::file(&message, number, &Budget::new(limits))).await?;
    file.map(|(_, bytes)| bytes).ok_or(Refusal::Missing)
}

/// The message itself to be saved, which the ledger has.
pub async fn saved(site: &Site, caller: &Caller, id: &str) -> Result<Bytes, Refusal> {
    let hold = readable(site, caller, id).await?;
    let (actor, now) = (caller.actor(), site.now());
    let desk = caller.desk(site);
    let message = desk.read_as(hold.summary.id, actor, action::SAVED, now);
    Ok(message.await?)
}

/// The message beside its version with initials. The caller's look in clear has been noted.
pub async fn versions(
    site: &Site,
    caller: &Caller,
    id: &str,
) -> Result<(Vec<Side>, bool), Refusal> {
    let hold = readable(site, caller, id).await?;
    let made = with_initials(site, &hold).await?;
    let message = site.store().open_message(hold.summary.id).await?;
    let limits = site.pipeline().limits();
    let passes = passes(&made);
    let version = made.proposal.message;
    let sides = in_turn(move || view::compare(&message, &version, &Budget::new(limits))).await?;
    Ok((sides, passes))
}

/// The version with initials of a held message, judged by the policy as it is now.
pub(super) async fn with_initials(
    site: &Site,
    hold: &HoldDetails,
) -> Result<Reconsidered, Refusal> {
    if hold.record.confidential {
        return Err(Refusal::Desk(crate::quarantine::DeskError::Confidential));
    }
    let id = hold.summary.id;
    let message = site.store().open_message(id).await?;
    let envelope = hold.envelope.clone();
    let (tools, limits) = (site.pipeline().tools(), site.pipeline().limits());
    let now = tools.local(site.now());
    let made = in_turn(move || {
        let case = Case {
            envelope: &envelope,
            // Only the trust's own servers hand mail over; a hold does not keep which of them did.
            client: ClientFacts { own_server: true },
            message: &message,
            now,
            // What was seen before the message came is not kept with it.
            history: &History::default(),
        };
        reconsider(&case, id, &tools, &limits)
    });
    made.await?
        .map_err(|no: NoProposal| Refusal::Wrong(no.to_string()))
}

/// Whether policy lets the version with initials go by itself.
pub(super) fn passes(made: &Reconsidered) -> bool {
    matches!(
        made.judgement.verdict.action,
        Action::Deliver | Action::Tag | Action::Warn
    )
}

async fn readable(site: &Site, caller: &Caller, id: &str) -> Result<HoldDetails, Refusal> {
    let hold = found(site, caller, id, Permission::ReadContent).await?;
    if hold.record.confidential {
        return Err(Refusal::Desk(crate::quarantine::DeskError::Confidential));
    }
    Ok(hold)
}

/// Work on a whole message, off the asynchronous threads, a few at a time.
pub(super) async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let turn = TURNS.acquire().await;
    let turn = turn.map_err(|_| Refusal::Fault("turns"))?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|_| Refusal::Fault("a thread ended"))
}
