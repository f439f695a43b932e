//! What a form sent: names and values, bounded.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::refusal::Refusal;

/// Bytes of a form: a policy file and its reason.
const BYTES: usize = 1 << 20;

/// For the whole of a body: a megabyte over a poor line.
const PATIENCE: Duration = Duration::from_secs(30);

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
    Ok(Fields::parse(&whole(body, BYTES).await?))
}

/// A body of at most so many bytes, as long as it comes in time: one that trickles would keep its connection from others.
pub async fn whole(body: Body, at_most: usize) -> Result<Bytes, Refusal> {
    within(body, at_most, PATIENCE).await
}

async fn within(body: Body, at_most: usize, patience: Duration) -> Result<Bytes, Refusal> {
    let read = tokio::time::timeout(patience, axum::body::to_bytes(body, at_most));
    match read.await {
        Ok(read) => read.map_err(|_| Refusal::TooLarge),
        Err(_) => Err(Refusal::Slow),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_trickles_is_given_up() {
        let first = Ok::<_, std::io::Error>(Bytes::from_static(b"login=k"));
        let begun = futures_util::stream::iter([first]);
        let never = futures_util::stream::pending();
        let body = Body::from_stream(futures_util::StreamExt::chain(begun, never));
        let read = within(body, BYTES, Duration::from_millis(20)).await;
        assert!(matches!(read, Err(Refusal::Slow)), "{read:?}");
    }
}
