//! Whose mailbox forwards, read from what mail systems write into a forwarded message.
//!
//! # Invariants
//! Only an address of the trust is taken for an owner. The order is that of how surely a header names the mailbox itself.

use super::classes::Classes;
use super::facts::Facts;
use super::header_text::{addresses, received_for};
use crate::mail::Address;

/// The mailbox that forwards, as far as the message names it: whom to tell. Not for logs.
pub fn mailbox_owner(facts: &Facts<'_>, classes: &Classes) -> Option<Address> {
    let headers = facts.headers;
    let own = |address: &Address| !classes.knows_internal() || classes.of(address).is_internal();
    let named = |name: &str| {
        let values: Vec<Address> = headers.all(name).flat_map(addresses).collect();
        values.into_iter().find(|address| own(address))
    };
    named("X-MS-Exchange-ForwardingLoop")
        .or_else(|| named("X-Sieve-Redirected-From"))
        .or_else(|| named("X-Zimbra-Forwarded"))
        .or_else(|| {
            let loops = headers.all("X-MS-Exchange-Inbox-Rules-Loop");
            loops.flat_map(addresses).filter(own).last()
        })
        .or_else(|| caf_mailbox(facts).filter(own))
        .or_else(|| named("X-Forwarded-For"))
        .or_else(|| named("Resent-From"))
        .or_else(|| named("Delivered-To"))
        .or_else(|| {
            let mut hops = headers.all("Received").filter_map(received_for);
            hops.find(own)
        })
}

/// `user` of Gmail's `user+caf_=target=domain@trust`.
fn caf_mailbox(facts: &Facts<'_>) -> Option<Address> {
    let sender = facts.envelope.mail_from.address()?;
    let at = sender.local().to_ascii_lowercase().find("+caf_=")?;
    let local = sender.local().get(..at)?;
    Address::parse(&format!("{local}@{}", sender.domain())).ok()
}
