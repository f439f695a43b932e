//! The policy in force: its rules, what it does about each requirement, and what was proposed.

use axum::extract::State;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::policies::{self, InForce, Met, RuleLine};
use crate::console::acts::proposals::{self, ProposalLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::pages::parts::When;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The policy in force.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/policies", Permission::SeePolicies, show)
}

/// A policy on record, with its times in words.
pub(super) struct Line {
    pub(super) of: ProposalLine,
    pub(super) at: When,
    pub(super) decided: Option<When>,
}

impl Line {
    pub(super) fn of(site: &Site, of: ProposalLine) -> Self {
        Self {
            at: When::of(site, of.at),
            decided: When::maybe(site, of.decided_at),
            of,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "policies.html")]
struct PoliciesPage {
    frame: Frame,
    of: InForce,
    on: Vec<RuleLine>,
    watching: Vec<RuleLine>,
    off: Vec<RuleLine>,
    matrix: Vec<Met>,
    lines: Vec<Line>,
    waiting: usize,
    changes: bool,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let mut of = policies::in_force(&site, &signed).await?;
    let frame = Frame::of(&site, &signed, "policies-title", "/policies");
    let lines = proposals::list(&site, &signed).await?.into_iter();
    let lines: Vec<Line> = lines.map(|one| Line::of(&site, one)).collect();
    let rules = std::mem::take(&mut of.rules);
    let (on, rest): (Vec<_>, Vec<_>) = rules.into_iter().partition(|one| one.mode == "enforce");
    let (watching, off) = rest.into_iter().partition(|one| one.mode == "shadow");
    Ok(page(&PoliciesPage {
        on,
        watching,
        off,
        matrix: std::mem::take(&mut of.matrix),
        waiting: lines
            .iter()
            .filter(|line| matches!(line.of.state, "proposed" | "emergency"))
            .count(),
        lines,
        changes: signed.access.may(Permission::ChangePolicies),
        of,
        frame: frame.after(fields.one("done")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{bench, is_denied, signed, text};
    use crate::store::Role;

    #[tokio::test]
    async fn the_policy_in_force_is_read_in_plain_words() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let head = signed("h.head", Role::Head, &["oak"]);
        let page = text(show(at(), head, Fields::default()).await).await;
        assert!(page.contains("If it holds an NHS number"), "{page}");
        assert!(page.contains("Personal data leaves only protected"));
        assert!(page.contains("Only watched: Held for review"));
        assert!(
            !page.contains("/policies/propose"),
            "a head proposes nothing"
        );
        let dpo = signed("d.officer", Role::Dpo, &[]);
        let page = text(show(at(), dpo, Fields::default()).await).await;
        assert!(page.contains("/policies/propose"));
        let sender = signed("s.sender", Role::Sender, &[]);
        assert!(is_denied(&show(at(), sender, Fields::default()).await));
    }
}
