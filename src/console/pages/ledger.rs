//! The ledger: who did what, and whether it holds.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::console::access::Permission;
use crate::console::acts::ledger::{
    self, EntryLine, FaultLine, Proof, Signed as SignedHead, Wanted,
};
use crate::console::acts::roster;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::pages::parts::{Choice, JobLine, When};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::mail::QueueId;

/// The ledger.
pub fn doors(doors: Doors) -> Doors {
    doors
        .get("/ledger", Permission::SeeLedger, list)
        .get("/ledger/verify", Permission::SeeLedger, verified)
        .post("/ledger/verify", Permission::SeeLedger, verify)
}

/// Actions that can be looked for; `ledger-action-NAME` has their words.
const ACTIONS: [&str; 52] = [
    "held",
    "turned-away",
    "opened",
    "read",
    "unmasked",
    "saved",
    "claimed",
    "unclaimed",
    "requested",
    "approved",
    "declined",
    "withdrawn",
    "released",
    "refused",
    "expired",
    "purged",
    "told",
    "judged",
    "legal-hold",
    "legal-hold-lifted",
    "policy-proposed",
    "policy-approved",
    "policy-emergency",
    "policy-rejected",
    "policy-adopted",
    "policy-changed",
    "signed-in",
    "signed-out",
    "account-created",
    "account-changed",
    "account-removed",
    "credentials-set",
    "recovery-used",
    "token-created",
    "token-revoked",
    "incident-opened",
    "incident-changed",
    "incident-closed",
    "queue-retried",
    "queue-cancelled",
    "queue-resumed",
    "backed-up",
    "restored",
    "key-added",
    "key-rewrapped",
    "key-dropped",
    "started",
    "stopped",
    "configuration",
    "roster",
    "person-erased",
    "ledger-key",
];

/// An entry in words.
struct Line {
    of: EntryLine,
    at: When,
    action: String,
    href: String,
    detail: Vec<(String, String)>,
}

#[derive(askama::Template)]
#[template(path = "ledger.html")]
struct LedgerList {
    frame: Frame,
    lines: Vec<Line>,
    actions: Vec<Choice>,
    about: String,
    older: String,
    end: i64,
    looked_to: i64,
    filtered: bool,
    error: Option<String>,
    head: Option<SignedHead>,
    signed_at: Option<When>,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "ledger-title", "/ledger").after(fields.one("done"));
    let about = fields.text("about");
    let parsed: Option<QueueId> = about.to_ascii_uppercase().parse().ok();
    let action = ACTIONS
        .into_iter()
        .find(|one| *one == fields.text("action"));
    let wanted = Wanted {
        upto: fields.text("upto").parse().ok(),
        action: action.map(str::to_owned),
        actor: None,
        about: parsed,
    };
    let found = ledger::page(&site, &signed, &wanted).await?;
    let head = ledger::signed(&site, &signed).await?;
    let older = found.older.map_or_else(String::new, |upto| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("upto", &upto.to_string());
        if let Some(action) = action {
            query.append_pair("action", action);
        }
        format!("/ledger?{}", query.finish())
    });
    let actions = ACTIONS.into_iter().map(|name| Choice {
        id: name.to_owned(),
        name: frame.words.of("ledger-action", name),
        chosen: action == Some(name),
    });
    let wrong = !about.is_empty() && parsed.is_none();
    Ok(page(&LedgerList {
        lines: found
            .entries
            .iter()
            .map(|one| line(&site, &frame, one))
            .collect(),
        actions: actions.collect(),
        about: about.to_owned(),
        older,
        end: found.end,
        looked_to: found.looked_to,
        filtered: action.is_some() || parsed.is_some(),
        error: wrong.then(|| frame.words.say("ledger-about-wrong")),
        signed_at: When::maybe(&site, head.as_ref().and_then(|head| head.at)),
        head,
        frame,
    }))
}

fn line(site: &Site, frame: &Frame, of: &EntryLine) -> Line {
    let key = format!("ledger-action-{}", of.action);
    let action = if frame.words.has(&key) {
        frame.words.of("ledger-action", &of.action)
    } else {
        of.action.clone()
    };
    let about_policy = of.action.starts_with("policy-");
    let is_id = of.subject.parse::<QueueId>().is_ok();
    let place = if about_policy {
        "/policies/"
    } else if of.action.starts_with("incident-") {
        "/breaches/"
    } else if of.action.starts_with("account-") || of.action.starts_with("signed-") {
        "/people/"
    } else {
        "/holds/"
    };
    Line {
        at: When::of(site, of.at),
        href: if is_id {
            format!("{place}{}", of.subject)
        } else {
            String::new()
        },
        detail: detail(&of.detail),
        action,
        of: of.clone(),
    }
}

/// Values longer than this are cut: a hash is known by its beginning.
const SHOWN: usize = 60;

/// The fields of a detail, without those that say nothing.
fn detail(text: &str) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(all)) = serde_json::from_str(text) else {
        return Vec::new();
    };
    let said = all.into_iter().filter_map(|(name, value)| {
        let text = match value {
            serde_json::Value::Null => return None,
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        (!shown.is_empty()).then_some((name, shown))
    });
    said.collect()
}

/// A fault in words.
struct Fault {
    of: FaultLine,
    text: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_verify.html")]
struct VerifyPage {
    frame: Frame,
    job: Option<JobLine>,
    proof: Option<Proof>,
    faults: Vec<Fault>,
    head: Option<SignedHead>,
    signed_at: Option<When>,
}

async fn verify(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    ledger::verify(&site, &signed).await?;
    Ok(Redirect::to("/ledger/verify").into_response())
}

async fn verified(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "ledger-verify-title", "/ledger");
    let job = ledger::verified(&site, &signed)?;
    let proof = roster::result(job.as_ref()).map(|proof| Proof::clone(&proof));
    let head = ledger::signed(&site, &signed).await?;
    let faults = proof.iter().flat_map(|proof| &proof.faults);
    let faults = faults.map(|fault| Fault {
        text: frame.words.of("ledger-fault", fault.kind),
        of: fault.clone(),
    });
    Ok(page(&VerifyPage {
        faults: faults.collect(),
        job: job.map(|job| JobLine::of(&site, &job)),
        proof,
        signed_at: When::maybe(&site, head.as_ref().and_then(|head| head.at)),
        head,
        frame,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_words_and_a_detail_reads_as_fields() {
        let words = crate::console::words::Words::english();
        for action in ACTIONS {
            assert!(words.has(&format!("ledger-action-{action}")), "{action}");
        }
        let of = |text: &str| detail(text);
        assert_eq!(
            of(r#"{"days":30,"key":"ab","none":null}"#),
            [
                ("days".to_owned(), "30".to_owned()),
                ("key".to_owned(), "ab".to_owned())
            ]
        );
        assert_eq!(of("no JSON"), []);
    }

    #[test]
    fn every_kind_of_fault_has_words() {
        use crate::store::FaultKind::{
            Changed, CheckpointChanged, CheckpointMissing, CheckpointUnsigned, Inserted, Missing,
            NameChanged, NameMissing, OtherKey, Reordered, Rewritten, Truncated,
        };
        let words = crate::console::words::Words::english();
        for kind in [
            Changed,
            Missing,
            Inserted,
            Reordered,
            Rewritten,
            Truncated,
            NameChanged,
            NameMissing,
            CheckpointUnsigned,
            CheckpointMissing,
            CheckpointChanged,
            OtherKey,
        ] {
            let key = format!("ledger-fault-{}", kind.name());
            assert!(words.has(&key), "{key}");
        }
    }
}
