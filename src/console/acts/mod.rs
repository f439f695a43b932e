//! What somebody who is signed in may do, by subject: pages and programs both come here.
//!
//! # Invariants
//! Every act checks what its caller may do, and for which school, before it looks at anything; what a caller may not know of is told as if it
//! were not there. What an act gives is plain data that a page writes as HTML and a program gets as JSON. Work that takes longer than a page may is a job.

pub mod account;
pub mod breaches;
pub mod compare;
pub mod deliveries;
pub mod detectors;
pub mod forwarding;
pub mod health;
pub mod hold;
pub mod hold_bulk;
pub mod hold_content;
pub mod hold_decide;
pub mod hold_message;
pub mod hold_plan;
pub mod hold_shape;
pub mod hold_views;
pub mod holds;
pub mod holds_wanted;
pub mod jobs;
pub mod ledger;
pub mod mine;
pub mod moment;
pub mod overview;
pub mod people;
pub mod policies;
pub mod proposals;
pub mod replay;
pub mod reports;
pub mod retention;
pub mod roster;
pub mod sessions;
pub mod work;

use super::access::Permission;
use super::refusal::Refusal;
use super::signed::Caller;

/// Refuses a caller to whom no role gives this, for any school.
pub fn needs(caller: &Caller, permission: Permission) -> Result<(), Refusal> {
    if caller.access.may(permission) {
        Ok(())
    } else {
        Err(Refusal::Denied)
    }
}

/// A reason in words, as it is kept: without white space around it, at most 4,000 characters.
pub fn reason(text: &str) -> Result<&str, Refusal> {
    /// As the desk's: more is a document of its own.
    const LONGEST: usize = 4_000;
    let text = text.trim();
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::Wrong("A reason is needed.".to_owned()));
    }
    if text.chars().count() > LONGEST {
        return Err(Refusal::Wrong(
            "The reason has more than 4,000 characters.".to_owned(),
        ));
    }
    Ok(text)
}
