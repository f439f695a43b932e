//! What a release would do, told before it is done.
//!
//! # Invariants
//! Nothing is changed, and nothing is entered in the ledger: whoever may decide on a hold may ask.

use serde::Serialize;
use utoipa::ToSchema;

use super::hold::{RecipientLine, recipients, state_now};
use super::hold_content::{passes, with_initials};
use super::hold_decide::{
    Form, RELEASE_REASONS, ReleaseInput, chosen, conflict, decidable, encrypts, is_special, reason,
};
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::store::HoldDetails;

/// What a release would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReleasePlan {
    /// Who gets it.
    pub to: Vec<String>,
    /// Who does not.
    pub not_to: Vec<String>,
    /// How many of those who get it are outside the trust and its partners.
    pub outside: usize,
    /// How many of all recipients are.
    pub outside_of: usize,
    /// Which text: `held`, `initials`, `without-attachments`.
    pub version: String,
    /// Names of the attachments that are left out.
    pub left_out: Vec<String>,
    /// Names that stand there as initials, of so many pupils.
    pub initials: Option<InitialsPlan>,
    /// By the way that encrypts only.
    pub encrypt: bool,
    /// It is asked for, and a second person decides.
    pub asks: bool,
}

/// What the version with initials is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct InitialsPlan {
    /// Names that were turned.
    pub names: usize,
    /// Of so many pupils.
    pub people: usize,
    /// Findings that still stand in it.
    pub still: usize,
    /// Policy would let it pass.
    pub passes: bool,
}

/// What a release would do. Nothing is changed, and nothing is entered in the ledger.
pub async fn plan(
    site: &Site,
    caller: &Caller,
    id: &str,
    input: &ReleaseInput,
) -> Result<ReleasePlan, Refusal> {
    let hold = decidable(site, caller, id).await?;
    let state = state_now(&hold, site.now());
    if hold.summary.version != input.why.version || !state.is_waiting() {
        return Err(conflict(&hold));
    }
    reason(&input.why, &RELEASE_REASONS, "release", is_special(&hold))?;
    let chosen = chosen(&hold, &input.rcpts)?;
    let all = recipients(site, &hold);
    let (to, not_to): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|one| chosen.contains(&one.number));
    encrypts(site, input)?;
    let outside = |list: &[RecipientLine]| list.iter().filter(|one| one.outside).count();
    let named = |list: Vec<RecipientLine>| list.into_iter().map(|one| one.address).collect();
    let (initials, left_out) = form(site, caller, &hold, &input.form).await?;
    Ok(ReleasePlan {
        outside: outside(&to),
        outside_of: outside(&to) + outside(&not_to),
        to: named(to),
        not_to: named(not_to),
        version: match input.form {
            Form::Held => "held",
            Form::Initials => "initials",
            Form::Without { .. } => "without-attachments",
        }
        .to_owned(),
        left_out,
        initials,
        encrypt: input.encrypt,
        asks: hold.needs_second_person(),
    })
}

async fn form(
    site: &Site,
    caller: &Caller,
    hold: &HoldDetails,
    form: &Form,
) -> Result<(Option<InitialsPlan>, Vec<String>), Refusal> {
    match form {
        Form::Held => Ok((None, Vec::new())),
        Form::Initials => {
            let made = with_initials(site, hold).await?;
            let names = made.proposal.altered.iter().map(|altered| altered.names);
            let plan = InitialsPlan {
                names: names.sum(),
                people: made.proposal.people,
                still: made.judgement.findings.list.len(),
                passes: passes(&made),
            };
            Ok((Some(plan), Vec::new()))
        }
        Form::Without { numbers, .. } => {
            let all = caller.desk(site).attachments(hold.summary.id).await?;
            let name = |number: &usize| {
                let found = all.iter().find(|one| one.number == *number);
                let place = found.map(|one| one.location.as_str());
                place.map(|place| {
                    place
                        .strip_prefix("attachment:")
                        .unwrap_or(place)
                        .to_owned()
                })
            };
            let names: Option<Vec<String>> = numbers.iter().map(name).collect();
            let names = names.filter(|names| !names.is_empty());
            let missing = || Refusal::Wrong(Words::english().say("hold-choose-attachments"));
            Ok((None, names.ok_or_else(missing)?))
        }
    }
}
