//! The register of mailboxes that forward to the outside.
//!
//! # Invariants
//! A mailbox that messages do not name belongs to no school and is for those who see every school. Whoever does not see the whole trust's
//! register, or only reads, sees where it goes by its domain alone.

use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::Address;
use crate::policy::mark_origin;
use crate::store::{Forwarding, Role};

/// Lines that are looked at: a trust has dozens.
const LOOKED_AT: u32 = 1_000;

/// A line of the register.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ForwardingLine {
    /// The mailbox, when messages name it.
    pub mailbox: Option<String>,
    /// The school's id; `None` when it belongs to no known school.
    pub school: Option<String>,
    /// Where it forwards to; masked where the caller does not see it.
    pub target: String,
    /// Its first message.
    pub first_seen: Moment,
    /// Its last message.
    pub last_seen: Moment,
    /// Messages that were held.
    pub messages: u64,
    /// What it was known by, in words.
    pub marks: Vec<String>,
    /// Days on which people were told.
    pub told: u64,
}

/// The register as far as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Register {
    /// Last seen first.
    pub lines: Vec<ForwardingLine>,
    /// There are more than are looked at.
    pub more: bool,
    /// Targets are shown without what stands before the @.
    pub masked: bool,
}

/// The register, of one school or of all that the caller sees.
pub async fn list(site: &Site, caller: &Caller, school: Option<&str>) -> Result<Register, Refusal> {
    needs(caller, Permission::SeeForwarding)?;
    let all = site.store().list_forwarding(LOOKED_AT).await?;
    let more = all.len() == LOOKED_AT as usize;
    let masked = is_masked(caller);
    let mut lines = Vec::new();
    for forwarding in &all {
        let own = school_of(site, forwarding);
        if !caller
            .access
            .may_for(Permission::SeeForwarding, own.as_deref())
        {
            continue;
        }
        if school.is_some_and(|wanted| own.as_deref() != Some(wanted)) {
            continue;
        }
        lines.push(line(forwarding, own, masked));
    }
    Ok(Register {
        lines,
        more,
        masked,
    })
}

/// Those who have to shut a forward see where it goes.
fn is_masked(caller: &Caller) -> bool {
    !caller
        .access
        .roles()
        .any(|role| matches!(role, Role::Dpo | Role::It))
}

fn school_of(site: &Site, forwarding: &Forwarding) -> Option<String> {
    let mailbox = Address::parse(forwarding.mailbox.as_deref()?).ok()?;
    let school = site.schools().of(&mailbox)?;
    Some(school.id.to_string())
}

fn line(forwarding: &Forwarding, school: Option<String>, masked: bool) -> ForwardingLine {
    let words = |id: &String| mark_origin(id).map_or_else(|| id.clone(), str::to_owned);
    let target = if masked {
        behind_dots(&forwarding.target)
    } else {
        forwarding.target.clone()
    };
    ForwardingLine {
        mailbox: forwarding.mailbox.clone(),
        school,
        target,
        first_seen: forwarding.first_seen.into(),
        last_seen: forwarding.last_seen.into(),
        messages: forwarding.messages,
        marks: forwarding.marks.iter().map(words).collect(),
        told: forwarding.notices,
    }
}

/// An address with dots for what stands before its domain.
fn behind_dots(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    format!("••••@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_target_keeps_its_domain_and_no_more() {
        assert_eq!(
            behind_dots("j.smith@freemail.example"),
            "••••@freemail.example"
        );
        assert_eq!(
            behind_dots("\"a@b\"@freemail.example"),
            "••••@freemail.example"
        );
        assert_eq!(behind_dots("nothing"), "••••@");
    }
}
