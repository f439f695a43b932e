//! One hold: what happens next, why it waits, who takes part, what was found, what was done, and the decision.
//!
//! # Invariants
//! The most important thing stands first. A decision that came too late shows the hold as it is now, and who was first.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::hold_form::{DecisionForm, FormState};
use super::hold_words;
use crate::console::access::Permission;
use crate::console::acts::hold::{self, HoldView, PastLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::{Frame, FrameNotice};
use crate::console::page::{moment, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::quarantine::DeskError;
use crate::store::StoreError;

/// The page of a hold.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/holds/{id}", Permission::SeeHolds, show)
}

/// What happens next.
struct Next {
    title: String,
    text: String,
    urgent: bool,
}

/// Something that happened.
struct Past {
    what: String,
    who: String,
    when: String,
    machine: String,
    reason: String,
}

/// Something that was found.
struct Evidence {
    kind: String,
    masked: String,
    place: String,
    sure: String,
}

/// An attachment.
struct Attached {
    number: usize,
    name: String,
    size: String,
    notes: Vec<String>,
    ticked: bool,
}

/// A hold like this one.
struct Like {
    id: String,
    reference: String,
    state: String,
    why: String,
}

/// A word of the sender.
struct Word {
    when: String,
    text: String,
    asks: bool,
}

#[derive(askama::Template)]
#[template(path = "hold.html")]
struct ShowPage {
    frame: Frame,
    view: HoldView,
    next: Next,
    received: String,
    recipients: String,
    state: String,
    colour: &'static str,
    evidence: Vec<Evidence>,
    attachments: Vec<Attached>,
    history: Vec<Past>,
    similar: Vec<Like>,
    words: Vec<Word>,
    form: DecisionForm,
    judgement: String,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    shown(&site, &signed, &id, FormState::fresh(fields.one("done"))).await
}

/// The page with this form in it.
pub(super) async fn shown(
    site: &Site,
    signed: &Signed,
    id: &str,
    state: FormState,
) -> Result<Response, Refusal> {
    let view = hold::open(site, signed, id).await?;
    let wrong = state.error.is_some();
    let frame = Frame::of(site, signed, "hold-title", "/holds").after(state.done.as_deref());
    let page_ = show_page(site, frame, view, state);
    let mut response = page(&page_);
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// What a decision came to that was not done: the form again, or the hold as it is now with who was first.
pub(super) async fn not_done(
    site: &Site,
    signed: &Signed,
    id: &str,
    (refusal, state): (Refusal, FormState),
) -> Result<Response, Refusal> {
    match refusal {
        Refusal::Wrong(error) => shown(site, signed, id, state.wrong(error)).await,
        Refusal::Desk(error) => {
            let status = Refusal::Desk(error.clone()).status();
            let Ok(view) = hold::open(site, signed, id).await else {
                // Its content has ended meanwhile: the page of the refusal says so.
                return Ok(Refusal::Desk(error).into_response());
            };
            let mut frame = Frame::of(site, signed, "hold-title", "/holds");
            frame.notice = Some(FrameNotice {
                kind: "warning",
                text: told(&frame.words, &view, &error),
            });
            let mut response = page(&show_page(site, frame, view, state));
            *response.status_mut() = status;
            Ok(response)
        }
        refusal => Err(refusal),
    }
}

/// Why the desk said no, in words.
fn told(words: &Words, view: &HoldView, error: &DeskError) -> String {
    let state = words.say(&format!("hold-state-{}", view.line.state));
    match error {
        DeskError::Store(StoreError::Conflict { by: Some(by), .. }) => words.all(
            "hold-first",
            vec![("who", by.into()), ("state", state.into())],
        ),
        DeskError::Store(_) => words.with("hold-changed", "state", state),
        DeskError::Claimed { by, .. } => words.with("hold-claimed-first", "who", by),
        DeskError::SamePerson(_) => words.say("hold-same-person"),
        DeskError::Notice => words.say("hold-cannot-tell"),
        error => words.with("hold-not-done", "why", error.to_string()),
    }
}

fn show_page(site: &Site, frame: Frame, view: HoldView, state: FormState) -> ShowPage {
    let words = frame.words.clone();
    let title = match view.line.subject.as_deref() {
        Some("") => words.say("holds-no-subject"),
        Some(subject) => subject.to_owned(),
        None => words.with("hold-title-reference", "reference", &view.line.reference),
    };
    let form = DecisionForm::of(&words, &view, state, site.pipeline().encrypts());
    ShowPage {
        next: next(site, &words, &view),
        received: view
            .line
            .received
            .map_or_else(String::new, |at| moment(site, at)),
        recipients: words.count("hold-recipients", &view.recipients.len()),
        state: words.say(&format!("hold-state-{}", view.line.state)),
        colour: hold_words::colour(crate::store::HoldState::of(&view.line.state)),
        evidence: evidence(&words, &view),
        attachments: attachments(&words, &view, &form.without),
        history: view
            .history
            .iter()
            .map(|past| past_of(site, &words, past))
            .collect(),
        similar: similar(&words, &view),
        words: view
            .words
            .iter()
            .map(|word| Word {
                when: word.time.map_or_else(String::new, |at| moment(site, at)),
                text: word.text.clone(),
                asks: word.asks,
            })
            .collect(),
        form,
        judgement: view.judgement.as_ref().map_or_else(String::new, |name| {
            words.say(&format!("hold-judged-{name}"))
        }),
        frame: frame.titled(title),
        view,
    }
}

/// What happens next, and how much time is left.
fn next(site: &Site, words: &Words, view: &HoldView) -> Next {
    let line = &view.line;
    let when = view.ends.map_or_else(String::new, |at| moment(site, at));
    let left = hold_words::span(words, view.left_seconds);
    let who = |by: &Option<String>| by.clone().unwrap_or_default();
    let asked = view.request.as_ref();
    let (title, text) = match line.state.as_str() {
        "held" if !view.may.decide => (words.say("hold-next-others"), "hold-next-held-text"),
        "held" => (words.say("hold-next-held"), "hold-next-held-text"),
        "claimed" if line.yours => (words.say("hold-next-yours"), "hold-next-held-text"),
        "claimed" => (
            words.with("hold-next-claimed", "who", who(&line.claimed_by)),
            "hold-next-held-text",
        ),
        "awaiting" if asked.is_some_and(|asked| asked.yours) => {
            (words.say("hold-next-asked"), "hold-next-held-text")
        }
        "awaiting" => {
            let by = asked.map_or_else(String::new, |asked| asked.by.clone());
            (
                if view.may.decide {
                    words.with("hold-next-approve", "who", by)
                } else {
                    words.with("hold-next-approve-others", "who", by)
                },
                "hold-next-held-text",
            )
        }
        "released" => (
            words.with("hold-next-released", "who", who(&line.decided_by)),
            "hold-next-decided-text",
        ),
        _ => (
            words.with("hold-next-refused", "who", who(&line.decided_by)),
            "hold-next-decided-text",
        ),
    };
    let text = if line.legal_hold {
        words.say("hold-next-legal-text")
    } else {
        words.all(text, vec![("when", when.into()), ("left", left.into())])
    };
    Next {
        title,
        text,
        urgent: line.urgent,
    }
}

fn evidence(words: &Words, view: &HoldView) -> Vec<Evidence> {
    let all = view.evidence.iter();
    all.map(|one| Evidence {
        kind: words.say(&format!("hold-found-{}", one.category)),
        masked: one.masked.clone(),
        place: hold_words::place(words, &one.location),
        sure: words.say(&format!("hold-sure-{}", one.confidence)),
    })
    .collect()
}

fn attachments(words: &Words, view: &HoldView, ticked: &[usize]) -> Vec<Attached> {
    let all = view.attachments.iter();
    all.map(|one| {
        let found = one
            .found
            .iter()
            .map(|name| words.say(&format!("hold-found-{name}")));
        let mut notes: Vec<String> = found.collect();
        notes.extend(
            one.protection
                .as_ref()
                .map(|how| words.with("hold-protected", "how", how)),
        );
        notes.extend(
            one.bound
                .as_ref()
                .map(|why| words.with("hold-bound", "why", why)),
        );
        Attached {
            number: one.number,
            name: one.name.clone(),
            size: hold_words::size(one.bytes as u64),
            notes,
            ticked: ticked.contains(&one.number),
        }
    })
    .collect()
}

fn past_of(site: &Site, words: &Words, past: &PastLine) -> Past {
    let key = format!("hold-act-{}", past.action);
    Past {
        what: if words.has(&key) {
            words.say(&key)
        } else {
            past.action.clone()
        },
        who: match past.actor.as_str() {
            "system" | "relay" => words.say("hold-by-service"),
            actor => actor.to_owned(),
        },
        when: past.time.map_or_else(String::new, |at| moment(site, at)),
        machine: past.at.clone(),
        reason: past.reason.clone().unwrap_or_default(),
    }
}

fn similar(words: &Words, view: &HoldView) -> Vec<Like> {
    let all = view.similar.iter();
    all.map(|one| {
        let mut why = Vec::new();
        if one.values > 0 {
            why.push(words.count("hold-like-values", &one.values));
        }
        if one.same_sender {
            why.push(words.say("hold-like-sender"));
        }
        if one.same_rule {
            why.push(words.say("hold-like-rule"));
        }
        Like {
            id: one.line.id.clone(),
            reference: one.line.reference.clone(),
            state: words.say(&format!("hold-state-{}", one.line.state)),
            why: why.join(", "),
        }
    })
    .collect()
}
