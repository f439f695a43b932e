//! The form of a decision: what can be chosen for this hold, and what was chosen when it comes back with an error.

use super::hold_words::Choice;
use crate::console::acts::hold::HoldView;
use crate::console::acts::hold_decide::{Form, REFUSE_REASONS, RELEASE_REASONS, ReleaseInput, Why};
use crate::console::fields::Fields;
use crate::console::words::Words;
use crate::store::Judgement;

/// What was sent, to be shown again.
#[derive(Default)]
pub struct FormState {
    /// What is wrong with it.
    pub error: Option<String>,
    /// What has just been done, as the address says.
    pub done: Option<String>,
    /// The form that was sent: `release`, `refuse`, `approve`, `decline`, `legal`.
    pub which: &'static str,
    /// What it said.
    pub fields: Fields,
}

impl FormState {
    /// Nothing was sent.
    pub fn fresh(done: Option<&str>) -> Self {
        Self {
            done: done.map(str::to_owned),
            ..Self::default()
        }
    }

    /// This was sent by this form.
    pub fn sent(which: &'static str, fields: &Fields) -> Self {
        Self {
            which,
            fields: fields.clone(),
            ..Self::default()
        }
    }

    /// The same with what is wrong.
    #[must_use]
    pub fn wrong(mut self, error: String) -> Self {
        self.error = Some(error);
        self
    }
}

/// A recipient to choose.
pub struct Chosen {
    /// Its place.
    pub number: usize,
    /// The address.
    pub address: String,
    /// What it is to the trust.
    pub known: String,
    /// It is ticked.
    pub ticked: bool,
}

/// What the form of a decision offers.
pub struct DecisionForm {
    /// What is wrong, if it is shown again.
    pub error: Option<String>,
    /// Which form that was.
    pub which: &'static str,
    /// It can be released or refused by the caller now.
    pub open: bool,
    /// Somebody else has it.
    pub taken: bool,
    /// The caller may claim it.
    pub can_claim: bool,
    /// The caller has it.
    pub yours: bool,
    /// Another asked, and the caller may approve.
    pub approve: bool,
    /// The caller asked, and may take that back.
    pub withdraw: bool,
    /// The caller sent it.
    pub own: bool,
    /// Recipients to choose.
    pub recipients: Vec<Chosen>,
    /// Reasons of a release.
    pub release_reasons: Vec<Choice>,
    /// Reasons of a refusal.
    pub refuse_reasons: Vec<Choice>,
    /// Judgements.
    pub judgements: Vec<Choice>,
    /// What was written.
    pub text: String,
    /// Which text: `held`, `initials`, `without`.
    pub form: String,
    /// Numbers of attachments that were ticked.
    pub without: Vec<usize>,
    /// A version with initials can be asked for.
    pub initials: bool,
    /// There is a way that encrypts.
    pub can_encrypt: bool,
    /// It was chosen.
    pub encrypt: bool,
    /// The sender is to be told of a refusal.
    pub tell: bool,
    /// The sender can be told at all.
    pub can_tell: bool,
}

impl DecisionForm {
    /// What can be decided on this hold, with what was sent before.
    pub fn of(words: &Words, view: &HoldView, state: FormState, can_encrypt: bool) -> Self {
        let line = &view.line;
        let decides = view.may.decide;
        let asked = view.request.as_ref().filter(|_| line.state == "awaiting");
        let claimed = line.state == "claimed";
        let fields = &state.fields;
        let fresh = state.which != "release";
        let ticked: Vec<&str> = fields.all("to").collect();
        let recipients = view.recipients.iter().map(|one| Chosen {
            number: one.number,
            ticked: fresh || ticked.contains(&one.number.to_string().as_str()),
            address: one.address.clone(),
            known: one.known.clone(),
        });
        let reason = fields.text("reason");
        let form = fields.text("form");
        Self {
            open: decides && (line.state == "held" || (claimed && line.yours)),
            taken: decides && claimed && !line.yours,
            can_claim: decides && line.state == "held",
            yours: decides && claimed && line.yours,
            approve: decides && asked.is_some_and(|asked| !asked.yours),
            withdraw: decides && asked.is_some_and(|asked| asked.yours),
            own: line.own,
            recipients: recipients.collect(),
            release_reasons: reasons(words, "release", &RELEASE_REASONS, reason),
            refuse_reasons: reasons(words, "refuse", &REFUSE_REASONS, reason),
            judgements: judgements(words, fields.text("judgement")),
            text: fields.text("text").to_owned(),
            form: if form.is_empty() { "held" } else { form }.to_owned(),
            without: numbers(fields, "without"),
            initials: !view.confidential,
            can_encrypt,
            encrypt: fields.has("encrypt"),
            tell: state.which != "refuse" || fields.text("tell") == "yes",
            can_tell: line
                .sender
                .as_ref()
                .is_some_and(|sender| !sender.is_empty()),
            error: state.error,
            which: state.which,
        }
    }
}

fn reasons(words: &Words, kind: &str, names: &[&str], chosen: &str) -> Vec<Choice> {
    let choice = |name: &&str| Choice {
        id: (*name).to_owned(),
        name: words.say(&format!("hold-{kind}-{name}")),
        chosen: *name == chosen,
    };
    names.iter().map(choice).collect()
}

fn judgements(words: &Words, chosen: &str) -> Vec<Choice> {
    let order = [Judgement::Right, Judgement::Partly, Judgement::Wrong];
    let choice = |judgement: Judgement| Choice {
        id: judgement.name().to_owned(),
        name: words.say(&format!("hold-judge-{}", judgement.name())),
        chosen: judgement.name() == chosen,
    };
    order.into_iter().map(choice).collect()
}

/// Why, as a form says it.
pub fn why_of(fields: &Fields) -> Why {
    Why {
        // No version is one that no hold has.
        version: version_of(fields),
        reason: fields.text("reason").to_owned(),
        text: fields.text("text").to_owned(),
        judgement: Judgement::of(fields.text("judgement")),
    }
}

/// The version that a form was shown for; -1, which no hold has, without one.
pub fn version_of(fields: &Fields) -> i64 {
    fields.text("version").parse().unwrap_or(-1)
}

/// What is to be sent, as a form says it; an error when nobody is to get it.
pub fn release_of(fields: &Fields, words: &Words) -> Result<ReleaseInput, String> {
    let rcpts = numbers(fields, "to");
    if rcpts.is_empty() {
        return Err(words.say("hold-choose-recipients"));
    }
    Ok(ReleaseInput {
        why: why_of(fields),
        rcpts,
        form: match fields.text("form") {
            "initials" => Form::Initials,
            "without" => Form::Without {
                numbers: numbers(fields, "without"),
                keep_names: false,
            },
            _ => Form::Held,
        },
        encrypt: fields.has("encrypt"),
    })
}

fn numbers(fields: &Fields, name: &str) -> Vec<usize> {
    let all = fields.all(name);
    all.filter_map(|number| number.parse().ok()).collect()
}
