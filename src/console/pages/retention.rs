//! What is kept how long, and the proof that something ended.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::retention::{self, EndPage, KeptCount, KeptLine, Times};
use crate::console::acts::roster;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::{JobLine, When};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// Retention.
pub fn doors(doors: Doors) -> Doors {
    doors
        .get("/retention", Permission::SeeRetention, show)
        .post("/retention/count", Permission::SeeRetention, count)
        .post("/retention/proof", Permission::SeeRetention, prove)
}

/// Messages of one outcome and category, with their end in words.
struct Line {
    of: KeptLine,
    outcome: String,
    category: String,
    mebibytes: u64,
    next_end: Option<When>,
}

#[derive(askama::Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    frame: Frame,
    times: Times,
    job: Option<JobLine>,
    count: Option<KeptCount>,
    lines: Vec<Line>,
    id: String,
    error: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "retention_proof.html")]
struct ProofPage {
    frame: Frame,
    of: EndPage,
    at: When,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "retention-title", "/retention");
    let frame = frame.after(fields.one("done"));
    Ok(page(&shown(&site, &signed, frame, String::new(), None)?))
}

fn shown(
    site: &Site,
    signed: &Signed,
    frame: Frame,
    id: String,
    error: Option<String>,
) -> Result<RetentionPage, Refusal> {
    let job = retention::last_count(site, signed)?;
    let count = roster::result(job.as_ref()).map(|count| KeptCount::clone(&count));
    let line = |of: &KeptLine| Line {
        outcome: frame.words.of("retention-outcome", of.outcome),
        category: frame.words.of("category", of.category),
        mebibytes: of.bytes.div_ceil(1 << 20),
        next_end: When::maybe(site, of.next_end),
        of: of.clone(),
    };
    Ok(RetentionPage {
        times: retention::times(site, signed)?,
        lines: count
            .iter()
            .flat_map(|count| &count.lines)
            .map(line)
            .collect(),
        job: job.map(|job| JobLine::of(site, &job)),
        count,
        id,
        error,
        frame,
    })
}

async fn count(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    retention::count(&site, &signed).await?;
    Ok(done("/retention", "retention-count"))
}

async fn prove(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let id = fields.text("id");
    let of = match retention::prove(&site, &signed, id).await {
        Ok(of) => of,
        Err(Refusal::Missing) => {
            let frame = Frame::of(&site, &signed, "retention-title", "/retention");
            let error = frame.words.say("retention-proof-none");
            let again = shown(&site, &signed, frame, id.to_owned(), Some(error))?;
            let mut response = page(&again);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
        Err(refusal) => return Err(refusal),
    };
    let frame = Frame::of(&site, &signed, "retention-proof-title", "/retention");
    Ok(page(&ProofPage {
        at: When::of(&site, of.at),
        frame,
        of,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{bench, hold, is_denied, signed, text};
    use crate::store::Role;
    use std::time::Duration;

    const DAY: Duration = Duration::from_hours(24);

    #[tokio::test]
    async fn what_is_kept_is_counted_and_an_end_is_proven() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let auditor = || signed("a.udit", Role::Auditor, &[]);
        let days = bench.store.retention().held_days;
        let over = hold(&bench, 1, "oak", DAY * (days + 1)).await;
        hold(&bench, 2, "oak", DAY * (days - 3)).await;
        let kept = hold(&bench, 3, "oak", DAY).await;
        bench.store.expire_due(bench.site.now()).await.unwrap();
        count(at(), auditor()).await.unwrap();
        let page = text(show(at(), auditor(), Fields::default()).await).await;
        assert!(page.contains("The text of 2 messages is kept."), "{page}");
        assert!(page.contains("1 message that nobody has decided ends in the next 7 days."));
        let id = |id: &str| Fields::parse(format!("id={id}").as_bytes());
        let proof = text(prove(at(), auditor(), id(&over.to_string())).await).await;
        assert!(
            proof.contains("The text of this message is gone"),
            "{proof}"
        );
        assert!(proof.contains("Ended undecided; content destroyed"));
        assert!(proof.contains("it holds"));
        for other in [kept.to_string(), "nothing".to_owned()] {
            let none = text(prove(at(), auditor(), id(&other)).await).await;
            assert!(none.contains("The ledger knows of no end"), "{other}");
        }
        let head = || signed("h.head", Role::Head, &["oak"]);
        assert!(is_denied(&show(at(), head(), Fields::default()).await));
        assert!(is_denied(&count(at(), head()).await));
        assert!(is_denied(&prove(at(), head(), id(&over.to_string())).await));
    }
}
