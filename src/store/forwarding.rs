//! The register of mailboxes that forward to the outside by themselves, and the state of what is watched over time.
//!
//! # Invariants
//! Addresses are found by keyed hashes and stand sealed beside them. Asking whether a notice is due and noting that it is asked for
//! are one transaction: of two messages at once one is told so.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Custody;
use super::clock::{micros, span, time};
use super::error::StoreError;
use super::holding::{from_json, json_text, parse};
use super::rows::ForwardingRow;
use super::seal::Kind;
use crate::mail::Address;
use crate::policy::behaviour::Snapshot;
use crate::policy::correspondents::Correspondents;

/// How long a pair is kept after its last message: a school year and the holidays after it, so that a forward that was found late can
/// be dated.
const KEPT: Duration = Duration::from_hours(400 * 24);

/// Marks kept of a pair; there are fewer kinds.
const MARKS_AT_MOST: usize = 64;

/// What the kept state of automatic forwarding is called.
const BEHAVIOUR: &str = "behaviour";

/// What the kept list of correspondents is called.
const CORRESPONDENTS: &str = "correspondents";

/// One message that a mailbox forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The mailbox; `None` when the message does not name it.
    pub mailbox: Option<&'a Address>,
    /// Where it goes.
    pub target: &'a Address,
    /// The ids of the marks it was known by.
    pub marks: &'a [Arc<str>],
    /// When.
    pub at: SystemTime,
    /// The day by the trust's calendar, for notices.
    pub day: Date,
}

/// What the register says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardNoted {
    /// Nobody was told today of this mailbox and target; now somebody must be.
    pub notice_due: bool,
    /// Nothing was known of this mailbox before.
    pub first_of_mailbox: bool,
    /// Messages of this mailbox to this target, with this one.
    pub messages: u64,
}

/// A line of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The mailbox, when messages name it.
    pub mailbox: Option<String>,
    /// Where it forwards to.
    pub target: String,
    /// Its first message.
    pub first_seen: SystemTime,
    /// Its last message.
    pub last_seen: SystemTime,
    /// How many there were.
    pub messages: u64,
    /// The ids of the marks they were known by.
    pub marks: Vec<String>,
    /// Days for which a notice was asked for.
    pub notices: u64,
    /// The last of them.
    pub notice_day: Option<Date>,
}

#[derive(Serialize, Deserialize)]
struct Addresses {
    mailbox: Option<String>,
    target: String,
}

impl Custody {
    /// Counts a message that was held because a mailbox forwards, and says whether somebody must be told today.
    pub async fn note_forward(&self, forwarded: Forwarded<'_>) -> Result<ForwardNoted, StoreError> {
        let mailbox_key = forwarded.mailbox.map(Address::key).unwrap_or_default();
        let mailbox = self.mark(b"forwarding mailbox", mailbox_key.as_bytes());
        let target = self.mark(b"forwarding target", forwarded.target.key().as_bytes());
        let addresses = Zeroizing::new(json_text(&Addresses {
            mailbox: forwarded.mailbox.map(ToString::to_string),
            target: forwarded.target.to_string(),
        })?);
        let context = [mailbox, target].concat();
        let sealed = self
            .secret
            .seal(Kind::Forwarding, &context, addresses.as_bytes())?;
        let fresh = ForwardingRow {
            mailbox: mailbox.to_vec(),
            target: target.to_vec(),
            first_seen: micros(forwarded.at),
            last_seen: micros(forwarded.at),
            messages: 1,
            marks: json_text(&forwarded.marks)?,
            notices: 1,
            notice_day: Some(forwarded.day.to_string()),
            addresses: sealed,
        };
        let merge = |known: &str| {
            let mut all: Vec<String> = from_json(known)?;
            for mark in forwarded.marks {
                if all.len() < MARKS_AT_MOST && !all.iter().any(|known| **known == **mark) {
                    all.push(mark.to_string());
                }
            }
            json_text(&all)
        };
        let noted = self.database.note_forward(&fresh, &merge).await?;
        Ok(ForwardNoted {
            notice_due: noted.notice_due,
            first_of_mailbox: noted.first_of_mailbox,
            messages: noted.messages.unsigned_abs(),
        })
    }

    /// The register, last seen first.
    pub async fn list_forwarding(&self, limit: u32) -> Result<Vec<Forwarding>, StoreError> {
        let rows = self.database.forwardings(limit).await?;
        rows.iter().map(|row| self.forwarding(row)).collect()
    }

    fn forwarding(&self, row: &ForwardingRow) -> Result<Forwarding, StoreError> {
        let context = [row.mailbox.as_slice(), &row.target].concat();
        let plain = self
            .secret
            .open(Kind::Forwarding, &context, &row.addresses)?;
        let addresses: Addresses = parse(&plain)?;
        let day = row.notice_day.as_deref().map(str::parse).transpose();
        Ok(Forwarding {
            mailbox: addresses.mailbox,
            target: addresses.target,
            first_seen: time(row.first_seen),
            last_seen: time(row.last_seen),
            messages: row.messages.unsigned_abs(),
            marks: from_json(&row.marks)?,
            notices: row.notices.unsigned_abs(),
            notice_day: day.map_err(|_| StoreError::Corrupt("day of a notice"))?,
        })
    }

    /// Keeps the state of what is watched over time, in place of the one before.
    pub async fn save_behaviour(
        &self,
        snapshot: &Snapshot,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let plain = json_text(snapshot)?;
        self.save_habits(BEHAVIOUR, plain.as_bytes(), now).await
    }

    /// The state that was kept last, if any was.
    pub async fn load_behaviour(&self) -> Result<Option<Snapshot>, StoreError> {
        let plain = self.load_habits(BEHAVIOUR).await?;
        plain.map(|plain| parse(&plain)).transpose()
    }

    /// Keeps who was written to before, in place of what was kept.
    pub async fn save_correspondents(
        &self,
        kept: &[u8],
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.save_habits(CORRESPONDENTS, kept, now).await
    }

    /// Who was written to before, if that was kept.
    pub async fn load_correspondents(&self) -> Result<Option<Correspondents>, StoreError> {
        let Some(plain) = self.load_habits(CORRESPONDENTS).await? else {
            return Ok(None);
        };
        let known = Correspondents::from_bytes(&plain);
        known.map(Some).ok_or(StoreError::Corrupt("correspondents"))
    }

    /// Each node keeps its own, so that none overwrites what another saw.
    async fn save_habits(
        &self,
        name: &str,
        plain: &[u8],
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let name = self.own_name(name);
        let sealed = self.secret.seal(Kind::Habits, name.as_bytes(), plain)?;
        self.database.save_habits(&name, micros(now), &sealed).await
    }

    async fn load_habits(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let name = self.own_name(name);
        let Some(sealed) = self.database.habits(&name).await? else {
            return Ok(None);
        };
        let plain = self.secret.open(Kind::Habits, name.as_bytes(), &sealed)?;
        Ok(Some(plain))
    }

    pub(super) async fn forget_forwardings(&self, now: SystemTime) -> Result<(), StoreError> {
        let before = micros(now).saturating_sub(span(KEPT));
        self.database.forget_forwardings(before).await
    }
}
