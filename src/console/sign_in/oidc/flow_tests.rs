//! The whole way against a provider of the test's own, which answers whatever it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse as _;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::error::{Refusal, Saw};
use super::forge::{CLIENT, Key, now};
use super::*;

/// What the provider does and saw.
struct Script {
    document: Value,
    keys: Value,
    /// Status, content and address to go to, for the token endpoint.
    token: (u16, String),
    /// For any other path.
    status: u16,
    asked: HashMap<String, usize>,
    last_body: String,
    last_authorization: Option<String>,
}

struct Fake {
    issuer: String,
    script: Arc<Mutex<Script>>,
    key: Key,
    _server: tokio::task::JoinHandle<()>,
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let mut script = script.lock().unwrap();
    *script.asked.entry(uri.path().to_owned()).or_default() += 1;
    let status = StatusCode::from_u16(script.status).unwrap();
    match uri.path() {
        "/.well-known/openid-configuration" => {
            (status, script.document.to_string()).into_response()
        }
        "/keys" => (status, script.keys.to_string()).into_response(),
        "/token" => {
            script.last_body = String::from_utf8(body.to_vec()).unwrap();
            let authorization = headers.get("authorization");
            script.last_authorization =
                authorization.map(|value| value.to_str().unwrap().to_owned());
            let (status, body) = script.token.clone();
            let headers = [
                ("content-type", "application/json"),
                ("location", "/elsewhere"),
            ];
            (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Fake {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::rsa("first", Algorithm::RS256);
        let script = Arc::new(Mutex::new(Script {
            document: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }),
            keys: json!({ "keys": [key.public()] }),
            token: (200, String::new()),
            status: 200,
            asked: HashMap::new(),
            last_body: String::new(),
            last_authorization: None,
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            issuer,
            script,
            key,
            _server: server,
        }
    }

    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn asked(&self, path: &str) -> usize {
        self.script
            .lock()
            .unwrap()
            .asked
            .get(path)
            .copied()
            .unwrap_or_default()
    }

    fn config(&self) -> OidcConfig {
        OidcConfig {
            id: "fake".to_owned(),
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret_env: "PATH".to_owned(),
            ..OidcConfig::default()
        }
    }

    fn oidc(&self) -> (Oidc, tempfile::NamedTempFile) {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "s3cret").unwrap();
        let config = OidcConfig {
            client_secret_file: Some(secret.path().to_owned()),
            ..self.config()
        };
        (
            Oidc::new(config, "https://beadle.trust.example/sign-in/fake").unwrap(),
            secret,
        )
    }

    /// Lets the token endpoint give a right token for a sign-in, but for what `change` does.
    fn gives(&self, key: &Key, pending: &Pending, change: impl FnOnce(&mut Value)) {
        let mut claims = super::forge::claims();
        claims["iss"] = self.issuer.clone().into();
        claims["nonce"] = pending.nonce.clone().into();
        change(&mut claims);
        let body =
            json!({"access_token": "a", "token_type": "Bearer", "id_token": key.sign(&claims)});
        self.set(|script| script.token = (200, body.to_string()));
    }
}

fn returned(pending: &Pending) -> Returned {
    Returned {
        code: Some("the-code".to_owned()),
        state: Some(pending.state.clone()),
        ..Returned::default()
    }
}

#[tokio::test]
async fn the_address_asks_for_a_code_with_pkce_state_and_nonce() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (url, pending) = oidc.begin(now(), false).await.unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["scope"], "openid profile email");
    assert_eq!(
        query["redirect_uri"],
        "https://beadle.trust.example/sign-in/fake"
    );
    assert_eq!(
        (&query["state"], &query["nonce"]),
        (&pending.state, &pending.nonce)
    );
    assert_eq!(query["code_challenge_method"], "S256");
    let verifier = PkceCodeVerifier::new(pending.verifier.clone());
    assert_eq!(
        query["code_challenge"],
        PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str()
    );
    assert!(pending.state.len() >= 43 && pending.nonce.len() >= 43 && pending.verifier.len() >= 43);
    assert!(!query.contains_key("prompt") && !query.contains_key("max_age"));
    let (fresh, again) = oidc.begin(now(), true).await.unwrap();
    assert!(fresh.as_str().contains("prompt=login") && fresh.as_str().contains("max_age=0"));
    assert_ne!(
        (again.state, again.nonce, again.verifier),
        (pending.state, pending.nonce, pending.verifier)
    );
    assert_eq!(fake.asked("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn a_right_answer_is_a_person() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    fake.gives(&fake.key, &pending, |_| ());
    let person = oidc
        .finish(&pending, &returned(&pending), now())
        .await
        .unwrap();
    assert_eq!(person.login, format!("{}|24400320", fake.issuer));
    fake.set(|script| {
        assert!(
            script
                .last_body
                .contains(&format!("code_verifier={}", pending.verifier))
        );
        assert!(
            script
                .last_authorization
                .as_ref()
                .unwrap()
                .starts_with("Basic ")
        );
        assert!(!script.last_body.contains("s3cret"));
    });
}

#[tokio::test]
async fn the_secret_goes_into_the_body_where_the_header_is_not_taken() {
    let fake = Fake::start().await;
    fake.set(|script| {
        script.document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    });
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    fake.gives(&fake.key, &pending, |_| ());
    oidc.finish(&pending, &returned(&pending), now())
        .await
        .unwrap();
    fake.set(|script| {
        assert!(script.last_body.contains("client_secret=s3cret"));
        assert_eq!(script.last_authorization, None);
    });
}

#[tokio::test]
async fn an_answer_of_another_sign_in_sends_no_code_anywhere() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    let (_, other) = oidc.begin(now(), false).await.unwrap();
    let late = now() + SIGN_IN_WITHIN + Duration::from_secs(1);
    let answers = [
        (
            returned(&other),
            now(),
            OidcError::Untrusted(Distrust::State),
        ),
        (
            Returned {
                state: None,
                ..returned(&pending)
            },
            now(),
            OidcError::Untrusted(Distrust::State),
        ),
        (
            Returned {
                state: Some(String::new()),
                ..returned(&pending)
            },
            now(),
            OidcError::Untrusted(Distrust::State),
        ),
        (
            Returned {
                iss: Some("https://idp.example".to_owned()),
                ..returned(&pending)
            },
            now(),
            OidcError::Untrusted(Distrust::AnswerIssuer),
        ),
        (
            returned(&pending),
            late,
            OidcError::TryAgain(Again::TooLate),
        ),
        (
            Returned {
                code: None,
                ..returned(&pending)
            },
            now(),
            OidcError::TryAgain(Again::Nothing),
        ),
        (
            Returned {
                code: Some("x".repeat(9000)),
                ..returned(&pending)
            },
            now(),
            OidcError::TryAgain(Again::Nothing),
        ),
    ];
    for (answer, at, reason) in answers {
        assert_eq!(
            oidc.finish(&pending, &answer, at).await,
            Err(reason),
            "{answer:?}"
        );
    }
    let elsewhere = Pending {
        provider: "google".to_owned(),
        ..pending.clone()
    };
    let error = oidc
        .finish(&elsewhere, &returned(&pending), now())
        .await
        .unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::State));
    assert_eq!(fake.asked("/token"), 0);
}

#[tokio::test]
async fn a_provider_that_names_itself_in_answers_must_do_it() {
    let fake = Fake::start().await;
    fake.set(|script| {
        script.document["authorization_response_iss_parameter_supported"] = true.into();
    });
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    fake.gives(&fake.key, &pending, |_| ());
    let error = oidc
        .finish(&pending, &returned(&pending), now())
        .await
        .unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::AnswerIssuer));
    let named = Returned {
        iss: Some(fake.issuer.clone()),
        ..returned(&pending)
    };
    assert!(oidc.finish(&pending, &named, now()).await.is_ok());
}

#[tokio::test]
async fn errors_of_the_sign_in_page_say_what_to_do_next() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    for (error, next) in [
        ("access_denied", OidcError::TryAgain(Again::Cancelled)),
        ("login_required", OidcError::TryAgain(Again::Interaction)),
        ("consent_required", OidcError::Misconfigured(Mend::Consent)),
        ("temporarily_unavailable", down(Step::SignIn, Saw::SaysSo)),
        (
            "invalid_scope",
            OidcError::Misconfigured(Mend::Request(None)),
        ),
        (
            "anything <script>",
            OidcError::Misconfigured(Mend::Request(None)),
        ),
    ] {
        let answer = Returned {
            code: None,
            error: Some(error.to_owned()),
            ..returned(&pending)
        };
        let found = oidc.finish(&pending, &answer, now()).await.unwrap_err();
        assert!(!found.to_string().contains("script"));
        assert_eq!(found, next, "{error}");
    }
}

#[tokio::test]
async fn errors_of_the_token_endpoint_say_what_to_do_next() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    let error = |error: &str| {
        json!({"error": error, "error_description": "AADSTS7000215: Invalid secret of p.nair@trust.example"}).to_string()
    };
    let answers = [
        (
            400,
            error("invalid_grant"),
            OidcError::TryAgain(Again::Code),
        ),
        (
            401,
            error("invalid_client"),
            OidcError::Misconfigured(Mend::Client(Some(7_000_215))),
        ),
        (
            400,
            error("unauthorized_client"),
            OidcError::Misconfigured(Mend::Client(Some(7_000_215))),
        ),
        (
            400,
            error("invalid_request"),
            OidcError::Misconfigured(Mend::Request(Some(7_000_215))),
        ),
        (
            400,
            error("temporarily_unavailable"),
            down(Step::Token, Saw::SaysSo),
        ),
        (503, String::new(), down(Step::Token, Saw::Status(503))),
        (200, "<html>".to_owned(), down(Step::Token, Saw::NotJson)),
        (
            200,
            "x".repeat((1 << 20) + 1),
            down(Step::Token, Saw::TooLong),
        ),
        (302, String::new(), down(Step::Token, Saw::NotJson)),
        (
            200,
            json!({"access_token": "a", "token_type": "Bearer"}).to_string(),
            OidcError::Misconfigured(Mend::NoIdToken),
        ),
        (
            200,
            json!({"access_token": "a", "token_type": "Bearer", "id_token": "x"}).to_string(),
            OidcError::Untrusted(Distrust::Form),
        ),
    ];
    for (status, body, next) in answers {
        fake.set(|script| script.token = (status, body));
        let found = oidc
            .finish(&pending, &returned(&pending), now())
            .await
            .unwrap_err();
        assert!(!found.to_string().contains("nair"), "{found}");
        assert_eq!(found, next);
    }
    assert_eq!(fake.asked("/elsewhere"), 0);
}

#[tokio::test]
async fn each_part_of_a_token_is_held_against_this_sign_in() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    let wrong: [(&str, Value, Distrust); 5] = [
        ("nonce", json!("another"), Distrust::Nonce),
        ("iss", json!("https://idp.example"), Distrust::Issuer),
        ("aud", json!("another"), Distrust::Audience),
        ("exp", json!(1), Distrust::Expired),
        ("at_hash", json!("AA"), Distrust::AccessTokenHash),
    ];
    for (name, value, reason) in wrong {
        fake.gives(&fake.key, &pending, |claims| claims[name] = value);
        let found = oidc.finish(&pending, &returned(&pending), now()).await;
        assert_eq!(found, Err(OidcError::Untrusted(reason)), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_key_has_the_keys_read_again_once_a_minute() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    let sign_in = async |key: &Key| {
        fake.gives(key, &pending, |_| ());
        oidc.finish(&pending, &returned(&pending), now())
            .await
            .map(|_| ())
    };
    assert_eq!(sign_in(&fake.key).await, Ok(()));
    assert_eq!(fake.asked("/keys"), 1);
    let second = Key::stranger("second");
    fake.set(|script| script.keys = json!({ "keys": [second.public()] }));
    assert_eq!(sign_in(&second).await, Ok(()));
    assert_eq!(fake.asked("/keys"), 2);
    let third = Key::stranger("third");
    for _ in 0..3 {
        assert_eq!(
            sign_in(&third).await,
            Err(OidcError::Untrusted(Distrust::Key))
        );
    }
    // And the key that was withdrawn is no key any more.
    assert_eq!(
        sign_in(&fake.key).await,
        Err(OidcError::Untrusted(Distrust::Key))
    );
    assert_eq!(fake.asked("/keys"), 2);
}

#[tokio::test]
async fn an_unknown_key_while_the_provider_is_down_is_no_forgery() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    fake.gives(&fake.key, &pending, |_| ());
    oidc.finish(&pending, &returned(&pending), now())
        .await
        .unwrap();
    fake.gives(&Key::stranger("second"), &pending, |_| ());
    fake.set(|script| script.status = 503);
    let error = oidc
        .finish(&pending, &returned(&pending), now())
        .await
        .unwrap_err();
    assert_eq!(error, down(Step::Keys, Saw::Status(503)));
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_to_be_and_is_not_pressed() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    fake.set(|script| script.status = 503);
    for _ in 0..5 {
        let error = oidc.begin(now(), false).await.unwrap_err();
        assert_eq!(error, down(Step::Discovery, Saw::Status(503)));
    }
    assert_eq!(fake.asked("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let fake = Fake::start().await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cret").unwrap();
    let config = OidcConfig {
        issuer,
        client_secret_file: Some(secret.path().to_owned()),
        ..fake.config()
    };
    let oidc = Oidc::new(config, "https://beadle.trust.example/x").unwrap();
    assert_eq!(
        oidc.begin(now(), false).await.unwrap_err(),
        down(Step::Discovery, Saw::NoConnection)
    );
}

#[tokio::test]
async fn a_fresh_sign_in_must_be_of_now() {
    let fake = Fake::start().await;
    let (oidc, _secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), true).await.unwrap();
    let at = now() + Duration::from_mins(1);
    let seconds = pending.began_at;
    for (auth_time, found) in [
        (json!(seconds + 10), Ok(())),
        (
            json!(seconds - 3600),
            Err(OidcError::TryAgain(Again::TooLongAgo)),
        ),
        (json!(null), Err(OidcError::Misconfigured(Mend::NoAuthTime))),
    ] {
        fake.gives(&fake.key, &pending, |claims| {
            claims["auth_time"] = auth_time;
        });
        assert_eq!(
            oidc.finish(&pending, &returned(&pending), at)
                .await
                .map(|_| ()),
            found
        );
    }
}

#[tokio::test]
async fn the_way_out_is_known_once_the_provider_was_asked() {
    let fake = Fake::start().await;
    let end = format!("{}/end", fake.issuer);
    fake.set(|script| script.document["end_session_endpoint"] = end.clone().into());
    let (oidc, _secret) = fake.oidc();
    assert_eq!(oidc.sign_out_url("https://beadle.trust.example/"), None);
    oidc.begin(now(), false).await.unwrap();
    let url = oidc.sign_out_url("https://beadle.trust.example/").unwrap();
    assert_eq!(
        url,
        format!(
            "{end}?client_id={CLIENT}&post_logout_redirect_uri=https%3A%2F%2Fbeadle.trust.example%2F"
        )
    );
}

#[tokio::test]
async fn a_new_secret_in_the_file_is_used_at_once() {
    let fake = Fake::start().await;
    fake.set(|script| {
        script.document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    });
    let (oidc, secret) = fake.oidc();
    let (_, pending) = oidc.begin(now(), false).await.unwrap();
    std::fs::write(secret.path(), "another").unwrap();
    fake.gives(&fake.key, &pending, |_| ());
    oidc.finish(&pending, &returned(&pending), now())
        .await
        .unwrap();
    fake.set(|script| assert!(script.last_body.contains("client_secret=another")));
    std::fs::write(secret.path(), "").unwrap();
    let error = oidc
        .finish(&pending, &returned(&pending), now())
        .await
        .unwrap_err();
    assert!(
        matches!(error, OidcError::Misconfigured(Mend::Setting(_))),
        "{error}"
    );
}

#[tokio::test]
async fn a_hosted_domain_is_asked_for_and_held() {
    let fake = Fake::start().await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cret").unwrap();
    let config = OidcConfig {
        hosted_domain: Some("trust.example".to_owned()),
        client_secret_file: Some(secret.path().to_owned()),
        ..fake.config()
    };
    let oidc = Oidc::new(config, "https://beadle.trust.example/x").unwrap();
    let (url, pending) = oidc.begin(now(), false).await.unwrap();
    assert!(url.as_str().contains("hd=trust.example"));
    fake.gives(&fake.key, &pending, |_| ());
    let found = oidc.finish(&pending, &returned(&pending), now()).await;
    assert_eq!(found, Err(OidcError::NotAllowed(Refusal::HostedDomain)));
}

#[test]
fn nothing_secret_is_printed() {
    let pending = Pending {
        provider: "fake".to_owned(),
        state: "state-1".to_owned(),
        nonce: "nonce-1".to_owned(),
        verifier: "verifier-1".to_owned(),
        began_at: 1,
        fresh: false,
    };
    let shown = format!("{pending:?} {:?}", returned(&pending));
    for secret in ["state-1", "nonce-1", "verifier-1", "the-code"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let kept: Pending = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    assert_eq!(kept, pending);
}
