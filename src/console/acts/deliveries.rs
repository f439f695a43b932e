//! What is on its way: the queue, one delivery, and getting it moving or taking it out.

use super::moment::Moment;
use super::{needs, reason};
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::QueueId;
use crate::store::{Answer, DeliverySummary, QueueState, RecipientState, StoreError};

/// Deliveries of one state that are listed.
pub const LISTED: u32 = 200;

/// The states that can be asked for.
pub const STATES: [QueueState; 3] = [QueueState::Waiting, QueueState::Dead, QueueState::Finished];

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DeliveryLine {
    /// Its id.
    pub id: String,
    /// `release`, `spool`, `notice` or `dsn`.
    pub kind: &'static str,
    /// `waiting`, `dead` or `finished`.
    pub state: &'static str,
    /// When it became ours.
    pub created_at: Moment,
    /// When it is tried next.
    pub due_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Attempts begun.
    pub attempts: u32,
    /// Recipients it failed for.
    pub failed: u32,
    /// Attempts whose outcome is not known: they may have arrived.
    pub possible_duplicates: u32,
    /// A worker has it now.
    pub under_way: bool,
}

/// A recipient of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DeliveryRecipient)]
pub struct RecipientLine {
    /// The address.
    pub address: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: &'static str,
    /// What the next hop said last.
    pub answer: Option<String>,
}

/// One delivery, without its message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DeliveryPage {
    /// As in the list.
    pub line: DeliveryLine,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
    /// The sender; `None` once it is finished.
    pub sender: Option<String>,
    /// The recipients; none once it is finished.
    pub recipients: Vec<RecipientLine>,
}

/// The queue of one state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Queue {
    /// What waits by its time, what ended newest first.
    pub deliveries: Vec<DeliveryLine>,
    /// There are more than are listed.
    pub more: bool,
    /// All that wait.
    pub waiting: u64,
    /// All that ended without reaching everybody.
    pub dead: u64,
}

/// The state of this name; what waits for an empty one.
pub fn state_of(name: &str) -> Result<QueueState, Refusal> {
    let unknown = || Refusal::Wrong("state: waiting, dead or finished".to_owned());
    match name {
        "" => Ok(QueueState::Waiting),
        name => {
            let mut all = STATES.into_iter();
            all.find(|state| state.name() == name).ok_or_else(unknown)
        }
    }
}

/// What is in the queue.
pub async fn list(site: &Site, caller: &Caller, state: QueueState) -> Result<Queue, Refusal> {
    needs(caller, Permission::SeeQueue)?;
    let found = site.store().list_queue(Some(state), LISTED).await?;
    let counts = site.store().counts().await?;
    Ok(Queue {
        more: found.len() == LISTED as usize,
        deliveries: found.iter().map(line).collect(),
        waiting: counts.queued,
        dead: counts.dead,
    })
}

/// One delivery.
pub async fn show(site: &Site, caller: &Caller, id: &str) -> Result<DeliveryPage, Refusal> {
    needs(caller, Permission::SeeQueue)?;
    let details = site.store().open_delivery(parsed(id)?).await?;
    let envelope = details.envelope.as_ref();
    let recipients = envelope.into_iter().flat_map(|envelope| &envelope.rcpts);
    let recipients = recipients.zip(&details.recipients);
    Ok(DeliveryPage {
        line: line(&details.summary),
        encrypt: details.encrypt,
        sender: envelope.map(|envelope| envelope.mail_from.raw().to_string()),
        recipients: recipients
            .map(|(rcpt, state)| recipient(rcpt.path.raw().to_string(), state))
            .collect(),
    })
}

/// Has it tried now.
pub async fn retry(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    needs(caller, Permission::ActOnQueue)?;
    let (id, actor, now) = (parsed(id)?, caller.actor(), site.now());
    let done = site.store().retry_delivery(id, actor, now).await;
    done.map_err(busy)
}

/// Takes it out of the queue for good.
pub async fn cancel(site: &Site, caller: &Caller, id: &str, why: &str) -> Result<(), Refusal> {
    needs(caller, Permission::ActOnQueue)?;
    let (id, why) = (parsed(id)?, reason(why)?);
    let done = site
        .store()
        .cancel_delivery(id, caller.actor(), why, site.now())
        .await;
    done.map_err(busy)
}

fn busy(error: StoreError) -> Refusal {
    match error {
        StoreError::Busy => Refusal::Wrong(
            "It is being sent at this moment. Wait until that has ended, then look again."
                .to_owned(),
        ),
        error => error.into(),
    }
}

fn parsed(id: &str) -> Result<QueueId, Refusal> {
    id.trim()
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Refusal::Missing)
}

fn line(delivery: &DeliverySummary) -> DeliveryLine {
    DeliveryLine {
        id: delivery.id.to_string(),
        kind: delivery.kind.name(),
        state: delivery.state.name(),
        created_at: delivery.created_at.into(),
        due_at: delivery.due_at.map(Moment),
        ended_at: delivery.ended_at.map(Moment),
        attempts: delivery.attempts,
        failed: delivery.failed,
        possible_duplicates: delivery.possible_duplicates,
        under_way: delivery.leased.is_some(),
    }
}

fn recipient(address: String, state: &RecipientState) -> RecipientLine {
    let (state, answer) = match state {
        RecipientState::Pending(answer) => ("waiting", answer.as_ref()),
        RecipientState::Delivered => ("delivered", None),
        RecipientState::Failed(answer) => ("failed", Some(answer)),
    };
    RecipientLine {
        address,
        state,
        answer: answer.map(said),
    }
}

/// An answer on one line, without what a next hop has no business sending.
fn said(answer: &Answer) -> String {
    let lines = answer.lines.join(" ");
    let text: String = lines
        .chars()
        .filter(|c| !c.is_control())
        .take(500)
        .collect();
    let enhanced = answer
        .enhanced
        .map_or_else(String::new, |(a, b, c)| format!(" {a}.{b}.{c}"));
    format!("{}{enhanced} {text}", answer.code)
}
