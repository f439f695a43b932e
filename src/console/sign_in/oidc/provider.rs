//! What a provider says of itself: its discovery document and its keys, kept for an hour.
//!
//! # Invariants
//! The document's issuer is the configured one, byte for byte, and every address in it is https (or on this machine). An unknown key makes
//! the keys be read again at most once a minute. While a provider is down, what was read before is used for a day, and it is asked every
//! five seconds at most, so that people who wait do not queue behind one another's time-outs.
//!
//! # Standards
//! OpenID Connect Discovery 1.0 sections 3 and 4, RFC 7517 (JWK Set; keys that are not understood are passed over), RFC 9207 section 3.

use std::sync::{Arc, Mutex as Guard, PoisonError};
use std::time::{Duration, SystemTime};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use oauth2::url::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::is_safe;
use super::error::{Fault, Mend, OidcError, Saw, Step};
use super::http::Http;

/// What was read is read again after this time.
const FRESH_FOR: Duration = Duration::from_hours(1);
/// While the provider is down, what was read is used for this time.
const USABLE_FOR: Duration = Duration::from_hours(24);
/// After a failure nothing is asked for this time.
const DOWN_FOR: Duration = Duration::from_secs(5);
/// How often an unknown key makes the keys be read.
const UNKNOWN_KEY_EVERY: Duration = Duration::from_mins(1);
/// Keys that are looked at; Entra publishes about eight.
const KEYS_AT_MOST: usize = 64;

/// The parts of a discovery document that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Where people sign in.
    pub authorization_endpoint: Url,
    /// Where a code becomes a token.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Where people sign out.
    pub end_session_endpoint: Option<Url>,
    /// Whether the secret goes into the body because the `Authorization` header is not taken.
    pub secret_in_body: bool,
    /// Whether answers name their issuer (RFC 9207).
    pub answers_name_issuer: bool,
    /// Whether the document says that PKCE with S256 is understood; Entra and Google do it without saying so.
    pub says_s256: bool,
}

/// The document as it is written.
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where the document of an issuer is.
pub(super) fn well_known(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    )
}

/// Reads a document that must be `issuer`'s.
fn read(body: &[u8], issuer: &str) -> Result<Discovery, OidcError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| down(Step::Discovery, Saw::NotJson))?;
    if document.issuer != issuer {
        let bare = |text: &str| text.trim_end_matches('/').to_owned();
        return Err(OidcError::Misconfigured(Mend::Issuer {
            only_slash: bare(&document.issuer) == bare(issuer),
            at: well_known(issuer),
        }));
    }
    let endpoint = |text: Option<String>, name| {
        let url = text.and_then(|text| Url::parse(&text).ok()).filter(is_safe);
        url.ok_or(OidcError::Misconfigured(Mend::Endpoint(name)))
    };
    let methods = document.token_endpoint_auth_methods_supported;
    let takes = |method: &str| methods.iter().any(|taken| taken == method);
    Ok(Discovery {
        authorization_endpoint: endpoint(
            document.authorization_endpoint,
            "authorization_endpoint",
        )?,
        token_endpoint: endpoint(document.token_endpoint, "token_endpoint")?,
        jwks_uri: endpoint(document.jwks_uri, "jwks_uri")?,
        end_session_endpoint: document
            .end_session_endpoint
            .and_then(|text| Url::parse(&text).ok())
            .filter(is_safe),
        // Without a list the header is taken (Discovery section 3).
        secret_in_body: !methods.is_empty()
            && !takes("client_secret_basic")
            && takes("client_secret_post"),
        answers_name_issuer: document.authorization_response_iss_parameter_supported,
        says_s256: document
            .code_challenge_methods_supported
            .iter()
            .any(|method| method == "S256"),
    })
}

/// Keys for signatures that are understood.
pub(super) fn read_keys(body: &[u8]) -> Result<Vec<Jwk>, OidcError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|_| down(Step::Keys, Saw::NotJson))?;
    let keys = set.keys.into_iter().take(KEYS_AT_MOST);
    let is_understood = |key: &Jwk| {
        let encrypts = matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        let kind = &key.algorithm;
        !encrypts
            && matches!(
                kind,
                AlgorithmParameters::RSA(_) | AlgorithmParameters::EllipticCurve(_)
            )
    };
    Ok(keys
        .filter_map(|key| serde_json::from_value(key).ok())
        .filter(is_understood)
        .collect())
}

fn down(step: Step, saw: Saw) -> OidcError {
    OidcError::Down(Fault { step, saw })
}

/// Something that was read, and when.
struct Read<T> {
    what: Arc<T>,
    at: Instant,
}

/// One thing of the provider's, with what became of asking for it.
struct Kept<T> {
    read: Option<Read<T>>,
    failed: Option<(Instant, OidcError)>,
}

impl<T> Kept<T> {
    const EMPTY: Self = Self {
        read: None,
        failed: None,
    };

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        let read = self.read.as_ref().filter(|read| read.at.elapsed() < age);
        read.map(|read| Arc::clone(&read.what))
    }

    /// Keeps what asking brought, and gives what can be used now.
    fn settle(&mut self, asked: Result<T, OidcError>) -> Result<Arc<T>, OidcError> {
        match asked {
            Ok(what) => {
                let what = Arc::new(what);
                *self = Self {
                    read: Some(Read {
                        what: Arc::clone(&what),
                        at: Instant::now(),
                    }),
                    failed: None,
                };
                Ok(what)
            }
            Err(error) => {
                self.failed = Some((Instant::now(), error.clone()));
                self.after(error)
            }
        }
    }

    /// What can be used after an error: a fault of the moment leaves what was read, anything else does not.
    fn after(&self, error: OidcError) -> Result<Arc<T>, OidcError> {
        let passing = matches!(error, OidcError::Down(_));
        self.younger_than(USABLE_FOR)
            .filter(|_| passing)
            .ok_or(error)
    }

    /// What is to be used without asking, if asking is not due.
    fn ready(&self) -> Option<Result<Arc<T>, OidcError>> {
        if let Some(what) = self.younger_than(FRESH_FOR) {
            return Some(Ok(what));
        }
        let (at, error) = self.failed.as_ref()?;
        (at.elapsed() < DOWN_FOR).then(|| self.after(error.clone()))
    }
}

/// A provider, as far as it was read.
pub(super) struct Provider {
    issuer: String,
    document_at: Url,
    http: Http,
    document: Mutex<Kept<Discovery>>,
    /// The same for those who cannot wait.
    latest: Guard<Option<Arc<Discovery>>>,
    keys: Mutex<(Kept<Vec<Jwk>>, Option<Instant>)>,
}

impl Provider {
    pub(super) fn new(issuer: &str, document_at: Url, http: Http) -> Self {
        Self {
            issuer: issuer.to_owned(),
            document_at,
            http,
            document: Mutex::new(Kept::EMPTY),
            latest: Guard::new(None),
            keys: Mutex::new((Kept::EMPTY, None)),
        }
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn document_at(&self) -> &Url {
        &self.document_at
    }

    /// The document, and the provider's clock when it was asked.
    pub(super) async fn ask(&self) -> Result<(Discovery, Option<SystemTime>), OidcError> {
        let fetched = self.http.get(&self.document_at).await;
        let fetched = fetched.map_err(|saw| down(Step::Discovery, saw))?;
        Ok((read(&fetched.body, &self.issuer)?, fetched.date))
    }

    /// The document, from memory if it is fresh.
    pub(super) async fn discovery(&self) -> Result<Arc<Discovery>, OidcError> {
        let mut kept = self.document.lock().await;
        if let Some(ready) = kept.ready() {
            return ready;
        }
        let asked = self.ask().await.map(|(document, _)| document);
        let document = kept.settle(asked)?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&document));
        Ok(document)
    }

    /// The document if it was read before.
    pub(super) fn known(&self) -> Option<Arc<Discovery>> {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The keys, from memory if they are fresh and have the key that is wanted.
    pub(super) async fn keys(&self, wanted: Option<&str>) -> Result<Arc<Vec<Jwk>>, OidcError> {
        let document = self.discovery().await?;
        let mut guard = self.keys.lock().await;
        let (kept, asked_for_unknown) = &mut *guard;
        let has = |keys: &[Jwk]| {
            wanted.is_none_or(|wanted| {
                keys.iter()
                    .any(|key| key.common.key_id.as_deref() == Some(wanted))
            })
        };
        match kept.ready() {
            Some(Ok(keys)) if !has(&keys) => {
                if asked_for_unknown.is_some_and(|at| at.elapsed() < UNKNOWN_KEY_EVERY) {
                    return Ok(keys);
                }
                *asked_for_unknown = Some(Instant::now());
                // The keys of before do not help: that the provider is down is the answer then.
                let asked = self.ask_keys(&document).await?;
                kept.settle(Ok(asked))
            }
            Some(ready) => ready,
            None => kept.settle(self.ask_keys(&document).await),
        }
    }

    /// The keys, asked for anew.
    pub(super) async fn ask_keys(&self, document: &Discovery) -> Result<Vec<Jwk>, OidcError> {
        let fetched = self.http.get(&document.jwks_uri).await;
        let fetched = fetched.map_err(|saw| down(Step::Keys, saw))?;
        read_keys(&fetched.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://idp.example/t";

    fn document(change: impl Fn(&mut Value)) -> Vec<u8> {
        let mut document = serde_json::json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://idp.example/authorize",
            "token_endpoint": "https://idp.example/token",
            "jwks_uri": "https://idp.example/keys",
        });
        change(&mut document);
        document.to_string().into_bytes()
    }

    #[test]
    fn the_document_is_the_issuers_own() {
        assert!(read(&document(|_| ()), ISSUER).is_ok());
        for (issuer, only_slash) in [
            ("https://idp.example/t/", true),
            ("https://other.example/t", false),
        ] {
            let body = document(|document| document["issuer"] = issuer.into());
            let error = read(&body, ISSUER).unwrap_err();
            let OidcError::Misconfigured(Mend::Issuer {
                only_slash: found, ..
            }) = error
            else {
                panic!("{error}");
            };
            assert_eq!(found, only_slash);
        }
    }

    #[test]
    fn addresses_without_tls_or_with_credentials_are_refused() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for bad in [
                "http://idp.example/x",
                "https://u:p@idp.example/x",
                "ftp://idp.example",
                "x",
            ] {
                let body = document(|document| document[name] = bad.into());
                let error = read(&body, ISSUER).unwrap_err();
                assert_eq!(
                    error,
                    OidcError::Misconfigured(Mend::Endpoint(name)),
                    "{bad}"
                );
            }
        }
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        for (methods, in_body) in [
            (serde_json::json!(null), false),
            (
                serde_json::json!(["client_secret_basic", "client_secret_post"]),
                false,
            ),
            (
                serde_json::json!(["client_secret_post", "private_key_jwt"]),
                true,
            ),
        ] {
            let body = document(|document| {
                if !methods.is_null() {
                    document["token_endpoint_auth_methods_supported"] = methods.clone();
                }
            });
            assert_eq!(read(&body, ISSUER).unwrap().secret_in_body, in_body);
        }
    }

    #[test]
    fn keys_that_are_not_understood_are_passed_over() {
        let set = br#"{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"},{"kty":7},null,
            {"kty":"RSA","use":"sig","kid":"a","n":"AQAB","e":"AQAB","x5c":["AA"],"issuer":"x"}]}"#;
        let keys = read_keys(set).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].common.key_id.as_deref(), Some("a"));
    }

    #[test]
    fn a_failure_is_remembered_for_a_moment_and_leaves_what_was_read() {
        let mut kept = Kept::EMPTY;
        let error = down(Step::Keys, Saw::Late);
        assert_eq!(
            kept.settle(Err(error.clone())),
            Err::<Arc<u8>, _>(error.clone())
        );
        assert_eq!(kept.ready(), Some(Err(error.clone())));
        assert_eq!(kept.settle(Ok(7)), Ok(Arc::new(7)));
        assert_eq!(kept.settle(Err(error)), Ok(Arc::new(7)));
        let mend = OidcError::Misconfigured(Mend::Endpoint("jwks_uri"));
        assert_eq!(kept.settle(Err(mend.clone())), Err(mend));
    }
}
