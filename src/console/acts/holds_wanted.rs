//! Which holds somebody asks for, in words: as a form, an address, a kept search or a program says it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::holds::{self, HoldsFilter, Standing};
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;

/// Which holds are asked for. What is empty does not matter.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HoldsWanted {
    /// `waiting` (also when it is empty), `mine`, `all`, `held`, `claimed`, `awaiting`, `released`, `refused`, `expired` or `purged`.
    pub state: String,
    /// The id of a rule that fired.
    pub rule: String,
    /// A category of which something was found.
    pub category: String,
    /// The id of the sender's school.
    pub school: String,
    /// The first day of arrival: `2026-11-28`.
    pub from: String,
    /// The last.
    pub until: String,
    /// `newest` for the newest first; the oldest come first otherwise.
    pub order: String,
    /// Words that all stand in addresses, subject or names of files.
    pub text: String,
}

impl std::fmt::Debug for HoldsWanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HoldsWanted").finish_non_exhaustive()
    }
}

impl HoldsWanted {
    /// What the fields of a form or an address say, with a text that addresses do not hold.
    pub fn of(fields: &Fields, text: String) -> Self {
        let one = |name: &str| fields.text(name).to_owned();
        Self {
            state: one("state"),
            rule: one("rule"),
            category: one("category"),
            school: one("school"),
            from: one("from"),
            until: one("until"),
            order: one("order"),
            text,
        }
    }

    /// The filter that it means.
    pub fn filter(&self) -> Result<HoldsFilter, Refusal> {
        let wrong = |what: &str| Refusal::Wrong(what.to_owned());
        let day = |text: &str| match text {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| wrong("A day must be a real date, like 2026-11-28.")),
        };
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let category = given(&self.category).map(|name| {
            holds::category(&name).ok_or_else(|| wrong("There is no such kind of data."))
        });
        Ok(HoldsFilter {
            state: Standing::of(&self.state).ok_or_else(|| wrong("There is no such state."))?,
            rule: given(&self.rule),
            category: category.transpose()?,
            school: given(&self.school),
            from: day(&self.from)?,
            until: day(&self.until)?,
            text: self.text.clone(),
            newest_first: self.order == "newest",
        })
    }

    /// Everything but the text, as an address has it.
    pub fn plain(&self) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let all = [
            ("state", &self.state),
            ("rule", &self.rule),
            ("category", &self.category),
            ("school", &self.school),
            ("from", &self.from),
            ("until", &self.until),
            ("order", &self.order),
        ];
        for (name, value) in all {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query
    }

    /// All of it in clear, to be kept sealed.
    pub fn query(&self) -> String {
        let mut query = self.plain();
        if !self.text.is_empty() {
            query.append_pair("text", &self.text);
        }
        query.finish()
    }

    /// What [`Self::query`] wrote.
    pub fn parse(query: &str) -> Self {
        let fields = Fields::parse(query.as_bytes());
        Self::of(&fields, fields.text("text").to_owned())
    }
}
