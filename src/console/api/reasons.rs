//! Why something is decided, and what is to be sent, as programs say it.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::console::acts::hold_decide::{Form, ReleaseInput, Why};
use crate::console::refusal::Refusal;
use crate::console::words::Words;
use crate::store::Judgement;

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    /// The version that was seen.
    pub version: i64,
    /// Of a release or an approval: `entitled`, `agreed`, `checked`, `urgent-care`, `no-data` or `other`.
    pub reason: String,
    /// In words; needed for `other`, and for what holds health, SEN or safeguarding data.
    #[serde(default)]
    pub text: String,
    /// Whether it was right to stop it: `right`, `partly` or `wrong`.
    #[serde(default)]
    pub judgement: Option<String>,
}

/// Why, in words alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The version that was seen.
    pub version: i64,
    /// In words.
    pub text: String,
}

/// What is to be sent, to whom, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Release)]
pub struct Released {
    /// The version that was seen.
    version: i64,
    /// `entitled`, `agreed`, `checked`, `urgent-care`, `no-data` or `other`.
    reason: String,
    /// In words; needed for `other`, and for what holds health, SEN or safeguarding data.
    #[serde(default)]
    text: String,
    /// Whether it was right to stop it: `right`, `partly` or `wrong`.
    #[serde(default)]
    judgement: Option<String>,
    /// Numbers of the recipients, as the hold numbers them. Somebody must be named.
    recipients: Vec<usize>,
    /// Which text: `held` (when none is given), `initials` or `without-attachments`.
    #[serde(default)]
    form: Option<String>,
    /// Numbers of the attachments that are left out.
    #[serde(default)]
    without: Vec<usize>,
    /// Their names stay in the text that stands for them.
    #[serde(default)]
    keep_names: bool,
    /// By the way that encrypts only.
    #[serde(default)]
    encrypt: bool,
}

impl Reasons {
    /// As acts have it.
    pub fn read(self) -> Result<Why, Refusal> {
        Ok(Why {
            version: self.version,
            reason: self.reason,
            text: self.text,
            judgement: self.judgement.as_deref().map(judgement).transpose()?,
        })
    }
}

impl Written {
    /// As acts have it.
    pub fn read(self) -> Why {
        Why {
            version: self.version,
            text: self.text,
            ..Why::default()
        }
    }
}

impl Released {
    /// As acts have it.
    pub fn read(self) -> Result<ReleaseInput, Refusal> {
        if self.recipients.is_empty() {
            let text = Words::english().say("hold-choose-recipients");
            return Err(Refusal::Wrong(text));
        }
        let form = match self.form.as_deref() {
            None | Some("held") => Form::Held,
            Some("initials") => Form::Initials,
            Some("without-attachments") => Form::Without {
                numbers: self.without,
                keep_names: self.keep_names,
            },
            Some(_) => {
                let text = "form: held, initials or without-attachments";
                return Err(Refusal::Wrong(text.to_owned()));
            }
        };
        let why = Reasons {
            version: self.version,
            reason: self.reason,
            text: self.text,
            judgement: self.judgement,
        };
        Ok(ReleaseInput {
            why: why.read()?,
            rcpts: self.recipients,
            form,
            encrypt: self.encrypt,
        })
    }
}

/// The judgement of this name.
pub fn judgement(name: &str) -> Result<Judgement, Refusal> {
    let unknown = || Refusal::Wrong("judgement: right, partly or wrong".to_owned());
    Judgement::of(name).ok_or_else(unknown)
}
