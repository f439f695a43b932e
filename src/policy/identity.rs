//! Whether a message says truly who sends it: From, Sender and Reply-To against the envelope.
//!
//! # Invariants
//! Nothing is said of mail whose domains are not known, of automatic mail, or of mail the trust did not send.
//!
//! # Standards
//! RFC 5322 3.6.2 (From, Sender, Reply-To).
//!
//! # Known gaps
//! What the mail system knows of the login is not handed over; the envelope sender stands for it.

use super::auto_forward::AutomationState;
use super::classes::Classes;
use super::condition::IdentityMark;
use super::facts::Facts;
use super::header_text::addresses;
use super::rule::Identity;
use crate::mail::Address;

/// Parts of local parts that bounce addresses of bulk systems have: their envelope sender is never the author.
const BOUNCES: [&str; 4] = ["bounce", "-return", "owner-", "no-reply"];

/// The ways in which a message misrepresents its sender, in the order of the enum.
pub(super) fn marks(
    facts: &Facts<'_>,
    classes: &Classes,
    identities: &[Identity],
    automation: AutomationState,
) -> Vec<IdentityMark> {
    let quiet = automation != AutomationState::None || !classes.knows_internal();
    let sender = facts.envelope.mail_from.address();
    let Some(sender) = sender.filter(|a| !quiet && classes.of(a).is_internal()) else {
        return Vec::new();
    };
    let headers = facts.headers;
    let from = headers.first("From").map(addresses).unwrap_or_default();
    let mut marks = Vec::new();
    let own = |address: &Address| classes.of(address).is_internal();
    if !from.is_empty() && !from.iter().any(own) {
        marks.push(IdentityMark::AuthorOutside);
    }
    if from.iter().any(own) && !speaks_for(facts, sender, &from, identities) {
        marks.push(IdentityMark::AuthorDiffers);
    }
    if shows_another_address(facts, &from) {
        marks.push(IdentityMark::DisplayName);
    }
    let reply_to = headers.first("Reply-To").map(addresses).unwrap_or_default();
    if !reply_to.is_empty() && !reply_to.iter().any(own) {
        marks.push(IdentityMark::ReplyToOutside);
    }
    let several = from.len() > 1 && !headers.has("Sender");
    if several || headers.contradicts("From") {
        marks.push(IdentityMark::SeveralAuthors);
    }
    marks
}

/// Whether the envelope sender may be the one who sent what `from` is the author of.
fn speaks_for(
    facts: &Facts<'_>,
    sender: &Address,
    from: &[Address],
    identities: &[Identity],
) -> bool {
    let local = sender.local().to_lowercase();
    let named = facts.headers.first("Sender").map(addresses);
    from.iter().any(|author| author.key() == sender.key())
        || BOUNCES.iter().any(|part| local.contains(part))
        || named.is_some_and(|list| list.iter().any(|a| a.key() == sender.key()))
        || identities.iter().any(|identity| {
            from.iter().any(|author| author.key() == identity.author)
                && identity.senders.iter().any(|party| party.covers(sender))
        })
}

/// Whether the name shown with the author is an address that is not the author's.
fn shows_another_address(facts: &Facts<'_>, from: &[Address]) -> bool {
    let Some(shown) = facts.headers.decoded("From") else {
        return false;
    };
    let name = shown.split('<').next().unwrap_or_default();
    if !shown.contains('<') || !name.contains('@') {
        return false;
    }
    let words = name.split(|c: char| c.is_whitespace() || "\"'(),;:[]".contains(c));
    let mut named = words.filter_map(|word| Address::parse(word).ok());
    named.any(|address| !from.iter().any(|author| author.key() == address.key()))
}
