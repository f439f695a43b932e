//! A change of the policy: proposing it, trying it on the past, and a second person's yes or no.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::policies::Line;
use crate::console::access::Permission;
use crate::console::acts::proposals::{self, ProblemLine, ProposalPage, Proposed};
use crate::console::acts::replay::{self, MovedLine, Replayed, RuleMovedLine};
use crate::console::acts::{policies, roster};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::{JobLine, bar};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::store::ProposalState;

/// Changes of the policy.
pub fn doors(doors: Doors) -> Doors {
    use Permission::{ChangePolicies, SeePolicies};
    doors
        .get("/policies/propose", ChangePolicies, new)
        .post("/policies/propose", ChangePolicies, propose)
        .get("/policies/{id}", SeePolicies, show)
        .post("/policies/{id}/approve", ChangePolicies, approve)
        .post("/policies/{id}/reject", ChangePolicies, reject)
        .get("/policies/{id}/replay", SeePolicies, replayed)
        .post("/policies/{id}/replay", ChangePolicies, begin)
}

#[derive(askama::Template)]
#[template(path = "policy_propose.html")]
struct ProposePage {
    frame: Frame,
    text: String,
    reason: String,
    problems: Vec<ProblemLine>,
    error: Option<String>,
}

async fn new(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    // A change begins with what is in force.
    let text = policies::text_of(&site, &signed).await;
    Ok(page(&ProposePage {
        frame: Frame::of(&site, &signed, "propose-title", "/policies"),
        text: text.unwrap_or_default(),
        reason: String::new(),
        problems: Vec::new(),
        error: None,
    }))
}

async fn propose(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let text = fields.one("text").unwrap_or_default();
    let made = proposals::propose(&site, &signed, text, fields.text("reason")).await;
    let (problems, error) = match made {
        Ok(Proposed::Made(id)) => return Ok(done(&format!("/policies/{id}"), "proposed")),
        Ok(Proposed::Problems(problems)) => (problems, None),
        Err(Refusal::Wrong(error)) => (Vec::new(), Some(error)),
        Err(refusal) => return Err(refusal),
    };
    let mut response = page(&ProposePage {
        frame: Frame::of(&site, &signed, "propose-title", "/policies"),
        text: text.to_owned(),
        reason: fields.text("reason").to_owned(),
        problems,
        error,
    });
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

#[derive(askama::Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    frame: Frame,
    line: Line,
    of: ProposalPage,
    configured: String,
    is_file: bool,
    decides: bool,
    emergency: bool,
    withdraws: bool,
    reason: String,
    error: Option<String>,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    one(&site, &signed, (&id, &fields), None).await
}

async fn one(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    error: Option<String>,
) -> Result<Response, Refusal> {
    let of = proposals::show(site, signed, id).await?;
    let frame = Frame::of(site, signed, "policy-title", "/policies");
    let changes = signed.access.may(Permission::ChangePolicies) && of.open;
    let source = site.premises().policy_source();
    let wrong = error.is_some();
    let mut response = page(&PolicyPage {
        line: Line::of(site, of.line.clone()),
        is_file: source.as_ref().is_some_and(|source| source.is_file),
        configured: source.map(|source| source.name).unwrap_or_default(),
        decides: changes && !of.own,
        emergency: changes && of.own && of.line.state == "proposed",
        withdraws: changes && of.own && of.line.state == "proposed",
        reason: fields.text("reason").to_owned(),
        error,
        of,
        frame: frame.after(fields.one("done")),
    });
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn approve(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let emergency = fields.has("emergency");
    let made = proposals::approve(&site, &signed, &id, fields.text("reason"), emergency).await;
    let there = format!("/policies/{id}");
    match made {
        Ok(ProposalState::Emergency) => Ok(done(&there, "policy-emergency")),
        Ok(_) => Ok(done(&there, "policy-approved")),
        Err(Refusal::Wrong(error)) => one(&site, &signed, (&id, &fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

async fn reject(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    match proposals::reject(&site, &signed, &id, fields.text("reason")).await {
        Ok(()) => Ok(done(&format!("/policies/{id}"), "policy-rejected")),
        Err(Refusal::Wrong(error)) => one(&site, &signed, (&id, &fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

/// Messages that would go another way.
struct Moved {
    of: MovedLine,
    bar: u64,
}

/// A rule that would fire for more or fewer.
struct RuleMoved {
    of: RuleMovedLine,
    fired: u64,
    would: u64,
}

#[derive(askama::Template)]
#[template(path = "policy_replay.html")]
struct ReplayPage {
    frame: Frame,
    id: String,
    job: Option<JobLine>,
    of: Option<Replayed>,
    moved: Vec<Moved>,
    rules: Vec<RuleMoved>,
    begins: bool,
}

async fn begin(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let days = fields.text("days").parse().unwrap_or(30);
    replay::begin(&site, &signed, &id, days).await?;
    Ok(Redirect::to(&format!("/policies/{id}/replay")).into_response())
}

async fn replayed(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (id, job) = replay::last(&site, &signed, &id).await?;
    let of = roster::result(job.as_ref()).map(|of| Replayed::clone(&of));
    let all = of.as_ref();
    let changed = all.into_iter().flat_map(|of| &of.moved);
    let changed: Vec<&MovedLine> = changed.filter(|line| line.from != line.to).collect();
    let most = changed.iter().map(|line| line.messages).max().unwrap_or(0);
    let rules: Vec<&RuleMovedLine> = all.into_iter().flat_map(|of| &of.rules).collect();
    let highest = rules.iter().map(|rule| rule.fired.max(rule.would_fire));
    let highest = highest.max().unwrap_or(0);
    Ok(page(&ReplayPage {
        frame: Frame::of(&site, &signed, "replay-title", "/policies"),
        moved: changed
            .iter()
            .map(|line| Moved {
                bar: bar(line.messages, most),
                of: (*line).clone(),
            })
            .collect(),
        rules: rules
            .iter()
            .map(|rule| RuleMoved {
                fired: bar(rule.fired, highest),
                would: bar(rule.would_fire, highest),
                of: (*rule).clone(),
            })
            .collect(),
        begins: signed.access.may(Permission::ChangePolicies),
        id,
        job: job.map(|job| JobLine::of(&site, &job)),
        of,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{Bench, bench, is_denied, signed, text};
    use crate::policy::Policy;
    use crate::store::Role;

    fn form(text: &str, reason: &str) -> Fields {
        let encoded = form_urlencoded::Serializer::new(String::new())
            .append_pair("text", text)
            .append_pair("reason", reason)
            .finish();
        Fields::parse(encoded.as_bytes())
    }

    fn dpo(name: &str) -> Signed {
        signed(name, Role::Dpo, &[])
    }

    fn reason() -> Fields {
        Fields::parse(b"reason=It+is+good")
    }

    /// A policy with one line changed, proposed by `a.first`.
    async fn proposed(bench: &Bench) -> String {
        let text = Policy::embedded_text("standard").unwrap();
        let text = text.replacen("\nheld_days = 30", "\nheld_days = 20", 1);
        let made = propose(
            State(bench.site.clone()),
            dpo("a.first"),
            form(&text.replace('\n', "\r\n"), "Too strict"),
        );
        let made = made.await.unwrap();
        let place = made.headers()["location"].to_str().unwrap().to_owned();
        let id = place.strip_prefix("/policies/").unwrap();
        id.strip_suffix("?done=proposed").unwrap().to_owned()
    }

    #[tokio::test]
    async fn what_must_be_mended_is_named_by_line_and_key() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let page = text(new(at(), dpo("a.first")).await).await;
        assert!(
            page.contains("name = &#34;standard&#34;"),
            "begins with what is in force"
        );
        let wrong = Policy::embedded_text("standard").unwrap();
        let wrong = wrong.replacen("action = \"refuse\"", "action = \"explode\"", 1);
        let page = text(propose(at(), dpo("a.first"), form(&wrong, "why")).await).await;
        assert!(page.contains("1 thing must be mended"), "{page}");
        assert!(page.contains("action</code>") && page.contains("explode"));
        let good = Policy::embedded_text("standard").unwrap();
        let page = text(propose(at(), dpo("a.first"), form(good, "  ")).await).await;
        assert!(page.contains("A reason is needed."));
        for role in [Role::It, Role::Auditor] {
            let denied = propose(at(), signed("n", role, &[]), form(good, "why")).await;
            assert!(is_denied(&denied), "{role:?}");
        }
    }

    #[tokio::test]
    async fn a_second_person_decides_once() {
        let bench = bench().await;
        let id = proposed(&bench).await;
        let at = || State(bench.site.clone());
        let path = || Path(id.clone());
        let own = text(show(at(), dpo("a.first"), path(), Fields::default()).await).await;
        assert!(
            own.contains("Somebody else must approve it") && !own.contains("Approve this policy")
        );
        let other = text(show(at(), dpo("b.second"), path(), Fields::default()).await).await;
        assert!(
            other.contains("Approve this policy") && other.contains("30 -&#62; 20"),
            "{other}"
        );
        assert!(other.contains("<ins>+ held_days = 20</ins>"));
        let same = text(approve(at(), dpo("a.first"), path(), reason()).await).await;
        assert!(same.contains("Somebody else must decide this"), "{same}");
        let it = signed("i.tech", Role::It, &[]);
        assert!(is_denied(&approve(at(), it, path(), reason()).await));
        let done = approve(at(), dpo("b.second"), path(), reason())
            .await
            .unwrap();
        assert!(
            done.headers()["location"]
                .to_str()
                .unwrap()
                .ends_with("done=policy-approved")
        );
        let page = text(show(at(), dpo("a.first"), path(), Fields::default()).await).await;
        assert!(page.contains("What is left to do on the host"), "{page}");
        let late = reject(at(), dpo("b.second"), path(), reason()).await;
        assert_eq!(late.unwrap_err().status(), StatusCode::CONFLICT);
        let none = show(
            at(),
            dpo("a.first"),
            Path("ZZZZ".to_owned()),
            Fields::default(),
        )
        .await;
        assert!(matches!(none, Err(Refusal::Missing)));
    }

    #[tokio::test]
    async fn an_emergency_is_the_requesters_and_still_waits_for_a_second() {
        let bench = bench().await;
        let id = proposed(&bench).await;
        let at = || State(bench.site.clone());
        let path = || Path(id.clone());
        let emergency = || Fields::parse(b"reason=Fire&emergency=yes");
        let wrong = text(approve(at(), dpo("b.second"), path(), emergency()).await).await;
        assert!(wrong.contains("An emergency is for the person who proposed it"));
        approve(at(), dpo("a.first"), path(), emergency())
            .await
            .unwrap();
        let own = text(reject(at(), dpo("a.first"), path(), reason()).await).await;
        assert!(own.contains("Somebody else must decide this"));
        reject(at(), dpo("b.second"), path(), reason())
            .await
            .unwrap();
        let page = text(show(at(), dpo("b.second"), path(), Fields::default()).await).await;
        assert!(page.contains("Rejected"));
    }

    #[tokio::test]
    async fn a_policy_is_tried_on_the_past() {
        let bench = bench().await;
        let id = proposed(&bench).await;
        let at = || State(bench.site.clone());
        let path = || Path(id.clone());
        begin(at(), dpo("b.second"), path(), Fields::parse(b"days=7"))
            .await
            .unwrap();
        let page = text(replayed(at(), dpo("b.second"), path()).await).await;
        assert!(page.contains("0 messages were looked at."), "{page}");
        let auditor = signed("a.udit", Role::Auditor, &[]);
        assert!(is_denied(
            &begin(at(), auditor.clone(), path(), Fields::default()).await
        ));
        assert!(replayed(at(), auditor, path()).await.is_ok());
        let sender = signed("s.sender", Role::Sender, &[]);
        assert!(is_denied(&replayed(at(), sender, path()).await));
    }
}
