//! The JSON API: every form of a page has its route, the document says what is there, and a program gets what its owner gets, by its scopes.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod console;
#[path = "console_api/document.rs"]
mod document;
#[path = "console_api/page.rs"]
mod page;
#[path = "console_api/places.rs"]
mod places;
#[path = "console_api/refusals.rs"]
mod refusals;
#[path = "console_api/twins.rs"]
mod twins;
#[path = "console_api/walk.rs"]
mod walk;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use beadle::console::scope::Scope;
use beadle::console::signed::sha256;
use beadle::store::NewToken;
use console::{Answer, Bench, Person};
use serde_json::Value;

/// A program of somebody's.
struct Program<'a> {
    bench: &'a Bench,
    token: String,
}

/// A program of this person's whose token is good for these scopes.
async fn program<'a>(bench: &'a Bench, of: &Person, scopes: &[Scope]) -> Program<'a> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let token = format!("beadle_test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let now = SystemTime::now();
    let new = NewToken {
        sha256: sha256(token.as_bytes()),
        account: of.account.id,
        label: "a test".into(),
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        ends_at: now + Duration::from_hours(24),
    };
    bench.store.create_token(new, "test", now).await.unwrap();
    Program { bench, token }
}

impl Program<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Said {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        Said(self.bench.answer(request.body(body).unwrap()).await)
    }

    async fn get(&self, path: &str) -> Said {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Said {
        self.call(Method::POST, path, Some(&body)).await
    }
}

/// What a program was told.
struct Said(Answer);

impl Said {
    #[track_caller]
    fn is(&self, status: StatusCode) -> &Self {
        assert_eq!(self.0.status, status, "{}", self.0.body);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.0.body).unwrap()
    }

    fn kind(&self) -> &str {
        self.0.headers[header::CONTENT_TYPE].to_str().unwrap()
    }

    /// It is a refusal, and a problem says so.
    #[track_caller]
    fn refused(&self, status: StatusCode, title: &str) -> &Self {
        self.is(status);
        assert_eq!(self.kind(), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["title"], title, "{problem}");
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(problem["type"], format!("urn:beadle:refused:{title}"));
        self
    }
}
