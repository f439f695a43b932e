//! What a form sent: names and values, bounded.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::refusal::Refusal;

/// Bytes of a form: a policy file and its reason.
const BYTES: usize = 1 << 20;

/// Fields of a form: a bulk decision names 200 holds.
const FIELDS: usize = 2_000;

/// What a form sent. It holds what people wrote and does not print it.
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fields").field(&self.0.len()).finish()
    }
}

impl Fields {
    /// The fields of a form or of an address's query.
    pub fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).take(FIELDS);
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of this name, as it was sent.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of this name without spaces around it; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.one(name).unwrap_or_default().trim()
    }

    /// Every value of this name: boxes that were ticked.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.0.iter();
        all.filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }
}

/// Reads the body of a form.
pub async fn read(body: Body) -> Result<Fields, Refusal> {
    let bytes = axum::body::to_bytes(body, BYTES)
        .await
        .map_err(|_| Refusal::TooLarge)?;
    Ok(Fields::parse(&bytes))
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Refusal;

    /// What the door read; of a page that is only shown, its query.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        if let Some(fields) = parts.extensions.remove::<Self>() {
            return Ok(fields);
        }
        Ok(Self::parse(
            parts.uri.query().unwrap_or_default().as_bytes(),
        ))
    }
}
