//! The ledger: who did what, and whether it holds.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::console::access::Permission;
use crate::console::acts::ledger::{self, EntryLine, FaultLine, Proof, SignedHead, Wanted};
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
        .post("/ledger", Permission::SeeLedger, search)
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
    /// The subject as people call it.
    on: String,
    detail: Vec<(String, String)>,
}

#[derive(askama::Template)]
#[template(path = "ledger.html")]
struct LedgerList {
    frame: Frame,
    lines: Vec<Line>,
    actions: Vec<Choice>,
    action: &'static str,
    about: String,
    actor: String,
    older: String,
    /// Where older ones of a person begin.
    older_of: Option<i64>,
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
    shown(&site, &signed, &fields, None).await
}

/// What a form asks for. A name stays out of addresses and so out of logs: it is asked for by the form alone, page after page.
async fn search(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let actor = fields.text("actor").to_owned();
    if !actor.is_empty() {
        return shown(&site, &signed, &fields, Some(actor)).await;
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["action", "about"] {
        let value = fields.text(name);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    Ok(Redirect::to(&format!("/ledger?{}", query.finish())).into_response())
}

async fn shown(
    site: &Site,
    signed: &Signed,
    fields: &Fields,
    actor: Option<String>,
) -> Result<Response, Refusal> {
    let frame = Frame::of(site, signed, "ledger-title", "/ledger").after(fields.one("done"));
    let about = fields.text("about");
    let parsed = ledger::named(site, signed, about).await?;
    let action = ACTIONS
        .into_iter()
        .find(|one| *one == fields.text("action"));
    let wanted = Wanted {
        upto: fields.text("upto").parse().ok(),
        action: action.map(str::to_owned),
        actor,
        about: parsed,
    };
    let found = ledger::page(site, signed, &wanted).await?;
    let head = ledger::signed(site, signed).await?;
    let older = found.older.filter(|_| wanted.actor.is_none());
    let older = older.map_or_else(String::new, |upto| {
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
    let lines = found.entries.iter().map(|one| line(site, &frame, one));
    Ok(page(&LedgerList {
        lines: lines.collect(),
        actions: actions.collect(),
        action: action.unwrap_or_default(),
        about: about.to_owned(),
        older,
        older_of: found.older.filter(|_| wanted.actor.is_some()),
        filtered: action.is_some() || wanted.actor.is_some(),
        actor: wanted.actor.unwrap_or_default(),
        end: found.end,
        looked_to: found.looked_to,
        error: wrong.then(|| frame.words.say("ledger-about-wrong")),
        signed_at: When::maybe(site, head.as_ref().and_then(|head| head.at)),
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
    let id = of.subject.parse::<QueueId>().ok();
    let place = if about_policy {
        "/policies/"
    } else if of.action.starts_with("incident-") {
        "/breaches/"
    } else if ABOUT_PEOPLE
        .iter()
        .any(|start| of.action.starts_with(start))
    {
        "/people/"
    } else {
        "/holds/"
    };
    Line {
        at: When::of(site, of.at),
        href: id.map_or_else(String::new, |id| format!("{place}{id}")),
        on: id.map_or_else(|| of.subject.clone(), |id| id.reference().to_string()),
        detail: detail(&of.detail),
        action,
        of: of.clone(),
    }
}

/// How the actions begin whose subject is an account.
const ABOUT_PEOPLE: [&str; 4] = ["account-", "signed-", "credentials-", "recovery-"];

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
    use crate::console::pages::rehearsal::{bench, hold, is_denied, signed, text};
    use crate::store::Role;
    use std::time::Duration;

    #[tokio::test]
    async fn entries_newest_first_by_action_subject_and_person() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let auditor = || signed("a.udit", Role::Auditor, &[]);
        let first = hold(&bench, 1, "oak", Duration::from_hours(2)).await;
        let second = hold(&bench, 2, "oak", Duration::from_hours(1)).await;
        let desk = bench.site.desk();
        desk.open(first, "r.eviewer", bench.site.now())
            .await
            .unwrap();
        let see = async |query: &str| {
            text(list(at(), auditor(), Fields::parse(query.as_bytes())).await).await
        };
        let all = see("").await;
        let place = |text: &str| all.rfind(text).unwrap();
        assert!(
            place("r.eviewer") < place(&second.to_string()),
            "newest first"
        );
        assert!(see("action=opened").await.contains("r.eviewer"));
        assert!(!see("action=opened").await.contains(&second.to_string()));
        let about = see(&format!("about={second}")).await;
        assert!(!about.contains("r.eviewer"), "{about}");
        assert!(see("about=nothing").await.contains("There is a problem"));
        let by = Fields::parse(b"actor=r.eviewer");
        let own = text(search(at(), auditor(), by).await).await;
        assert!(own.contains("Looked at, evidence masked"));
        assert!(!own.contains(&format!("{second}</a>")));
        let plain = search(at(), auditor(), Fields::parse(b"action=opened"))
            .await
            .unwrap();
        assert_eq!(plain.headers()["location"], "/ledger?action=opened");
        let head = || signed("h.head", Role::Head, &["oak"]);
        assert!(is_denied(&list(at(), head(), Fields::default()).await));
        assert!(is_denied(&verify(at(), head()).await));
        assert!(is_denied(&verified(at(), head()).await));
    }

    #[tokio::test]
    async fn the_ledger_is_followed_and_its_signed_head_can_be_copied() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let auditor = || signed("a.udit", Role::Auditor, &[]);
        hold(&bench, 1, "oak", Duration::from_hours(2)).await;
        let before = text(verified(at(), auditor()).await).await;
        assert!(before.contains("Nothing has been signed yet."), "{before}");
        let mut notary = bench.store.notary("", bench.site.now()).await.unwrap();
        let note = notary.sign(bench.site.now()).await.unwrap().unwrap();
        verify(at(), auditor()).await.unwrap();
        let end = bench.store.ledger_end().await.unwrap();
        let page = text(verified(at(), auditor()).await).await;
        assert!(
            page.contains(&format!("The ledger holds to entry {end}</h1>")),
            "{page}"
        );
        assert!(page.contains("1 signed checkpoint agrees with it."));
        assert!(
            page.contains(note.lines().nth(2).unwrap_or("?")),
            "the hash of the note"
        );
    }

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
