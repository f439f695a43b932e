//! Every way into the console, and everybody who might try it: who gets through is what `access.rs` says, and nobody else.
//!
//! The list of doors is the console's own; a door that is added is tried here without a word being written.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set up has failed"
)]

mod console;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use beadle::console as web;
use beadle::console::scope::Scope;
use beadle::console::signed::{form_token, sha256};
use beadle::console::{Access, Door, Key, Permission};
use beadle::mail::QueueId;
use beadle::store::{
    Account, AccountChange, AccountKind, Custody, Grant, NewAccount, NewSession, NewToken, Role,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

use crate::console::{Bench, Held, bench};

/// Stands in names, addresses and searches, and must stand in no address of a page.
const MARK: &str = "quillfeather";
const OURS: &str = "http://127.0.0.1:8443";
const MINUTE: Duration = Duration::from_mins(1);

struct Gates {
    bench: Bench,
    router: Router,
    made: std::sync::atomic::AtomicU32,
}

/// Somebody at a browser.
struct Visitor {
    account: QueueId,
    cookie: String,
    csrf: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        let to = self.headers.get(header::LOCATION);
        to.map_or("", |to| to.to_str().unwrap())
    }

    fn leads_to_sign_in(&self) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location().starts_with("/sign-in?")
    }
}

impl Gates {
    async fn new() -> Self {
        let bench = bench().await;
        Self {
            router: web::router(&bench.site),
            bench,
            made: std::sync::atomic::AtomicU32::new(0),
        }
    }

    fn store(&self) -> &Custody {
        &self.bench.store
    }

    fn list(&self) -> Vec<Door> {
        web::doors(&self.bench.site).list().to_vec()
    }

    async fn account(&self, grants: Vec<Grant>) -> Account {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let new = NewAccount {
            kind: AccountKind::Local,
            login: format!("{MARK}{number}"),
            name: format!("Q. {MARK} {number}"),
            address: Some(console::address(&format!(
                "{MARK}{number}@oak.trust.example"
            ))),
            grants,
        };
        let made = self.store().create_account(new, "test", SystemTime::now());
        self.store().account(made.await.unwrap()).await.unwrap()
    }

    /// Somebody who signed in so long ago, and has done something until so long ago.
    async fn visitor(&self, account: QueueId, began: Duration, seen: Duration) -> Visitor {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (now, token) = (SystemTime::now(), format!("token-{number}"));
        let hash = sha256(token.as_bytes());
        let session = NewSession {
            token_sha256: hash,
            account,
            method: "password+totp".into(),
            device: "a browser".into(),
            at: now - began,
            ends_at: now - began + Duration::from_hours(10),
        };
        self.store().begin_session(session).await.unwrap();
        let touched = self.store().session(hash, now - seen, Duration::MAX / 4);
        touched.await.unwrap();
        Visitor {
            account,
            csrf: form_token(&self.bench.site, hash),
            cookie: format!("beadle={token}"),
        }
    }

    async fn signed_in(&self, grants: Vec<Grant>) -> Visitor {
        let account = self.account(grants).await;
        self.visitor(account.id, Duration::ZERO, Duration::ZERO)
            .await
    }

    async fn token(&self, account: QueueId, scopes: &[Scope], ends: Duration) -> String {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let token = format!("beadle_token-of-program-{number}");
        let scopes = scopes.iter().map(|scope| scope.name().to_owned());
        let new = NewToken {
            sha256: sha256(token.as_bytes()),
            account,
            label: "a program".into(),
            scopes: scopes.collect(),
            ends_at: SystemTime::now() - Duration::from_hours(1) + ends,
        };
        let made = self.store().create_token(new, "test", SystemTime::now());
        made.await.unwrap();
        token
    }

    /// Entries of the ledger, which must follow.
    async fn entries(&self) -> i64 {
        let check = self.store().verify_ledger(None).await.unwrap();
        assert_eq!(check.first_bad, None);
        check.good
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let peer = web::serving::Peer("192.0.2.9:4000".parse().unwrap());
        let mut request = request;
        request.extensions_mut().insert(peer);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let kind = kind.map_or("", |kind| kind.to_str().unwrap());
        // News come for as long as one listens.
        let body = if kind.starts_with("text/event-stream") {
            String::new()
        } else {
            let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        is_guarded(&answer, &format!("{method} {path}"));
        answer
    }

    /// Asks at a door as a browser of this visitor would, with a form of theirs where it takes one.
    async fn asks(&self, door: &Door, who: Option<&Visitor>) -> Answer {
        let mut request = Request::builder()
            .method(&door.method)
            .uri(filled(door.path));
        let mut form = String::new();
        if let Some(who) = who {
            request = request.header(header::COOKIE, &who.cookie);
            form = format!("csrf={}", who.csrf);
        }
        if door.method != Method::GET {
            request = request.header("sec-fetch-site", "same-origin");
        }
        self.answer(request.body(Body::from(form)).unwrap()).await
    }

    async fn program(&self, door: &Door, token: &str) -> Answer {
        let request = Request::builder()
            .method(&door.method)
            .uri(filled(door.path))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.answer(request.body(Body::from("{}")).unwrap()).await
    }
}

/// A path of the list with something in its gaps that is not there.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{kind}" => "summary",
        part if part.starts_with('{') => "0G0G40R40G2GC1R8",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What every answer has, whatever it is.
fn is_guarded(answer: &Answer, what: &str) {
    let header = |name: &str| {
        let value = answer.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("{what}: no {name}"));
        value.to_str().unwrap()
    };
    assert!(
        header("content-security-policy").contains("default-src 'none'"),
        "{what}"
    );
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert!(
        ["same-origin", "no-referrer"].contains(&header("referrer-policy")),
        "{what}"
    );
    assert!(
        ["DENY", "SAMEORIGIN"].contains(&header("x-frame-options")),
        "{what}"
    );
    assert_eq!(
        header("cross-origin-opener-policy"),
        "same-origin",
        "{what}"
    );
    assert_eq!(
        header("cross-origin-resource-policy"),
        "same-origin",
        "{what}"
    );
    if !what.contains(" /assets/") {
        assert!(header("cache-control").contains("no-store"), "{what}");
    }
    let to = answer.location();
    assert!(
        !to.contains(MARK) && !to.contains('@') && !to.contains("%40"),
        "{what}: {to}"
    );
    for address in ["href=\"", "action=\"", "src=\""]
        .iter()
        .flat_map(|name| answer.body.split(name).skip(1))
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(
            !address.contains(MARK) && !address.contains("%40") && !address.contains('@'),
            "{what}: {address}"
        );
    }
}

fn grant(role: Role) -> Vec<Grant> {
    let schools = match role {
        Role::Head => vec!["oak".to_owned()],
        _ => Vec::new(),
    };
    vec![Grant { role, schools }]
}

/// Roles that anybody might have, and none.
fn everybody() -> Vec<Vec<Grant>> {
    let mut all: Vec<Vec<Grant>> = Role::ALL.into_iter().map(grant).collect();
    all.push(Vec::new());
    // A part of the trust: what has no school is not theirs.
    all.push(vec![Grant {
        role: Role::Dpo,
        schools: vec!["elm".to_owned()],
    }]);
    all
}

fn may(account: &Account, permission: Permission) -> bool {
    Access::of(account).may(permission)
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in() {
    let gates = Gates::new().await;
    let account = gates.account(grant(Role::Dpo)).await;
    let ended = gates
        .visitor(account.id, Duration::from_hours(11), MINUTE)
        .await;
    let idle = gates.visitor(account.id, 31 * MINUTE, 31 * MINUTE).await;
    let disabled = gates.signed_in(grant(Role::Dpo)).await;
    let off = AccountChange::Disabled(true);
    let off = gates
        .store()
        .change_account(disabled.account, 1, off, "test", SystemTime::now());
    off.await.unwrap();
    let changed = gates.signed_in(grant(Role::Dpo)).await;
    let other = AccountChange::Grants(grant(Role::Auditor));
    let other = gates
        .store()
        .change_account(changed.account, 1, other, "test", SystemTime::now());
    other.await.unwrap();
    let unknown = Visitor {
        account: account.id,
        cookie: "beadle=nobody-has-this".into(),
        csrf: ended.csrf.clone(),
    };
    let before = gates.entries().await;
    let mut doors = 0;
    for door in gates.list() {
        let (Key::Needs(_) | Key::Fresh(_)) = door.key else {
            continue;
        };
        doors += 1;
        let nobody = [
            None,
            Some(&ended),
            Some(&idle),
            Some(&disabled),
            Some(&changed),
            Some(&unknown),
        ];
        for (number, who) in nobody.into_iter().enumerate() {
            let answer = gates.asks(&door, who).await;
            assert!(
                answer.leads_to_sign_in(),
                "{door:?} {number}: {}",
                answer.status
            );
        }
    }
    assert!(doors > 20);
    assert_eq!(gates.entries().await, before, "something was done");
}

#[tokio::test]
async fn each_role_gets_through_the_doors_of_its_permissions_and_no_other() {
    let gates = Gates::new().await;
    gates.bench.hold(Held::default()).await;
    let mut wrong = Vec::new();
    for door in gates.list() {
        let (Key::Needs(permission) | Key::Fresh(permission)) = door.key else {
            continue;
        };
        for grants in everybody() {
            // Anew each time: a door may end the session.
            let account = gates.account(grants).await;
            let who = gates
                .visitor(account.id, Duration::ZERO, Duration::ZERO)
                .await;
            let before = gates.entries().await;
            let answer = gates.asks(&door, Some(&who)).await;
            let denied = answer.status == StatusCode::FORBIDDEN;
            let allowed = may(&account, permission);
            if denied == allowed
                || answer.leads_to_sign_in()
                    && door.path != "/sign-out"
                    && door.path != "/sign-out-everywhere"
            {
                wrong.push(format!(
                    "{} {} {:?}: {}",
                    door.method, door.path, account.grants, answer.status
                ));
            }
            if !allowed && gates.entries().await != before {
                wrong.push(format!(
                    "{} {} {:?}: done",
                    door.method, door.path, account.grants
                ));
            }
            if allowed && answer.status.is_server_error() {
                wrong.push(format!("{} {}: {}", door.method, door.path, answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_form_from_anywhere_else_does_nothing() {
    let gates = Gates::new().await;
    let other = gates.signed_in(grant(Role::Dpo)).await;
    let mut forms = 0;
    for door in gates.list() {
        if door.method == Method::GET || matches!(door.key, Key::Token(_)) {
            continue;
        }
        let role = Role::ALL.into_iter().find(|role| {
            door.key
                .permission()
                .is_none_or(|one| beadle::console::access::permissions(*role).contains(&one))
        });
        let who = gates.signed_in(grant(role.unwrap())).await;
        let before = gates.entries().await;
        let own = format!("csrf={}", who.csrf);
        let others = format!("csrf={}", other.csrf);
        let open = door.key == Key::Open;
        // A sign-in has no session and so no token: only where it comes from counts.
        let tokens: &[(&str, &str)] = &[
            ("", "same-origin"),
            (&others, "same-origin"),
            ("csrf=", "same-origin"),
        ];
        let places: Vec<(&str, &str, Option<&str>)> = tokens
            .iter()
            .filter(|_| !open)
            .map(|(form, site)| (*form, *site, None))
            .chain([
                (own.as_str(), "cross-site", None),
                (&own, "same-site", None),
                (&own, "none", None),
                (&own, "", None),
                (&own, "", Some("https://evil.example")),
                (&own, "", Some("null")),
                (&own, "", Some("http://127.0.0.1:8444")),
                (&own, "same-origin", Some("https://evil.example")),
            ])
            .collect();
        for (form, site, origin) in places {
            let mut request = Request::builder()
                .method(&door.method)
                .uri(filled(door.path))
                .header(header::COOKIE, &who.cookie);
            if !site.is_empty() {
                request = request.header("sec-fetch-site", site);
            }
            if let Some(origin) = origin {
                request = request.header(header::ORIGIN, origin);
            }
            let request = request.body(Body::from(form.to_owned())).unwrap();
            let answer = gates.answer(request).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{door:?} {form} {site} {origin:?}"
            );
            forms += 1;
        }
        assert_eq!(gates.entries().await, before, "{door:?} was done");
        // The same by a browser that says no more than where the page came from.
        let request = Request::builder()
            .method(&door.method)
            .uri(filled(door.path))
            .header(header::COOKIE, &who.cookie)
            .header(header::ORIGIN, OURS)
            .body(Body::from(own.clone()));
        let answer = gates.answer(request.unwrap()).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{door:?}");
    }
    assert!(forms > 100, "{forms}");
}

#[tokio::test]
async fn programs_get_through_by_their_token_and_its_scope_alone() {
    let gates = Gates::new().await;
    let year = Duration::from_hours(24 * 300);
    let mut wrong = Vec::new();
    for door in gates.list() {
        let Key::Token(permission) = door.key else {
            continue;
        };
        let scope = Scope::for_permission(permission);
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|one| *one != scope).collect();
        let mut expect = |what: &str, answer: &Answer, good: bool, status: StatusCode| {
            if (answer.status == status) != good {
                wrong.push(format!(
                    "{} {} {what}: {}",
                    door.method, door.path, answer.status
                ));
            }
            if answer.status == StatusCode::UNAUTHORIZED {
                assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
            }
            if !answer.status.is_success() {
                let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap();
                assert_eq!(kind, "application/problem+json", "{door:?} {what}");
            }
        };
        let who = gates.signed_in(grant(Role::Dpo)).await;
        let disabled = gates.account(grant(Role::Dpo)).await;
        let of_disabled = gates.token(disabled.id, &Scope::ALL, year).await;
        let off = AccountChange::Disabled(true);
        let off = gates
            .store()
            .change_account(disabled.id, 1, off, "test", SystemTime::now());
        off.await.unwrap();
        let ended = gates.token(who.account, &Scope::ALL, Duration::ZERO).await;
        let narrow = gates.token(who.account, &others, year).await;
        let before = gates.entries().await;
        let (none, forbidden) = (StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN);
        expect("cookie", &gates.asks(&door, Some(&who)).await, true, none);
        expect("nothing", &gates.asks(&door, None).await, true, none);
        let long = "beadle_".repeat(500);
        for token in ["", "beadle_", "beadle_unknown", "other", &long] {
            expect("unknown", &gates.program(&door, token).await, true, none);
        }
        expect("ended", &gates.program(&door, &ended).await, true, none);
        expect(
            "disabled",
            &gates.program(&door, &of_disabled).await,
            true,
            none,
        );
        expect(
            "scope",
            &gates.program(&door, &narrow).await,
            true,
            forbidden,
        );
        assert_eq!(gates.entries().await, before, "{door:?} was done");
        for grants in everybody() {
            let account = gates.account(grants).await;
            let token = gates.token(account.id, &[scope], year).await;
            let allowed = may(&account, permission);
            let what = format!("{:?}", account.grants);
            expect(
                &what,
                &gates.program(&door, &token).await,
                !allowed,
                forbidden,
            );
            // Whoever loses the role loses it for programs too, at once.
            let none = AccountChange::Grants(Vec::new());
            let none = gates
                .store()
                .change_account(account.id, 1, none, "test", SystemTime::now());
            none.await.unwrap();
            if permission != Permission::Own {
                expect(&what, &gates.program(&door, &token).await, true, forbidden);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_gives_power_for_long_takes_a_sign_in_of_now() {
    let gates = Gates::new().await;
    let account = gates.account(grant(Role::Dpo)).await;
    let recent = gates.visitor(account.id, 14 * MINUTE, MINUTE).await;
    let older = gates.visitor(account.id, 16 * MINUTE, MINUTE).await;
    let old = gates.visitor(account.id, 31 * MINUTE, MINUTE).await;
    let mut fresh = BTreeSet::new();
    for door in gates.list() {
        let Key::Fresh(_) = door.key else { continue };
        fresh.insert(door.path);
        let again = |answer: &Answer| answer.location().starts_with("/sign-in?again=yes&next=");
        let is_form = door.method == Method::POST;
        assert!(!again(&gates.asks(&door, Some(&recent)).await), "{door:?}");
        assert_eq!(
            again(&gates.asks(&door, Some(&older)).await),
            !is_form,
            "{door:?}"
        );
        let before = gates.entries().await;
        assert!(again(&gates.asks(&door, Some(&old)).await), "{door:?}");
        assert_eq!(gates.entries().await, before);
        if is_form {
            let from = |referer: &str| {
                let request = Request::post(filled(door.path))
                    .header(header::COOKIE, &old.cookie)
                    .header("sec-fetch-site", "same-origin")
                    .header(header::REFERER, referer);
                request
                    .body(Body::from(format!("csrf={}", old.csrf)))
                    .unwrap()
            };
            let back = gates
                .answer(from(&format!("{OURS}/people/0G0G40R40G2GC1R8?done=x")))
                .await;
            assert_eq!(
                back.location(),
                "/sign-in?again=yes&next=%2Fpeople%2F0G0G40R40G2GC1R8"
            );
            let back = gates.answer(from("https://evil.example/people")).await;
            assert_eq!(back.location(), "/sign-in?again=yes&next=%2F");
            let back = gates
                .answer(from(&format!("{OURS}.evil.example/people")))
                .await;
            assert_eq!(back.location(), "/sign-in?again=yes&next=%2F");
        }
    }
    let expected = [
        "/account/tokens",
        "/account/tokens/new",
        "/people/{id}/enable",
        "/people/{id}/grants",
        "/people/{id}/remove",
    ];
    assert_eq!(fresh, BTreeSet::from(expected));
}

#[tokio::test]
async fn other_methods_are_answered_and_do_nothing() {
    let gates = Gates::new().await;
    let mut by_path: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for door in gates.list() {
        let methods = by_path.entry(door.path).or_default();
        methods.insert(door.method.to_string());
        if door.method == Method::GET {
            methods.insert("HEAD".into());
        }
    }
    let who = gates.signed_in(grant(Role::Dpo)).await;
    let before = gates.entries().await;
    for (path, known) in by_path {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            if known.contains(method) {
                continue;
            }
            let request = Request::builder()
                .method(method)
                .uri(filled(path))
                .header(header::COOKIE, &who.cookie)
                .body(Body::empty());
            let answer = gates.answer(request.unwrap()).await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(
                answer.headers.contains_key(header::ALLOW),
                "{method} {path}"
            );
        }
    }
    assert_eq!(gates.entries().await, before);
    let head = Request::head("/account").header(header::COOKIE, &who.cookie);
    let head = gates.answer(head.body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    let head = gates
        .answer(Request::head("/account").body(Body::empty()).unwrap())
        .await;
    assert!(head.leads_to_sign_in());
}

#[tokio::test]
async fn what_is_nowhere_is_said_and_guarded() {
    let gates = Gates::new().await;
    for (path, kind) in [
        ("/nowhere", "text/html; charset=utf-8"),
        ("/api/v1/nowhere", "application/problem+json"),
        ("/assets/nowhere.css", ""),
        ("/assets/..%2f..%2fmod.rs", ""),
        ("/sign-in/nobody", "text/html; charset=utf-8"),
        (
            "/sign-in/nobody/back?code=a&state=b",
            "text/html; charset=utf-8",
        ),
    ] {
        let answer = gates
            .answer(Request::get(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let said = answer.headers.get(header::CONTENT_TYPE);
        assert_eq!(
            said.map_or("", |said| said.to_str().unwrap()),
            kind,
            "{path}"
        );
    }
    let page = gates
        .answer(Request::get("/sign-in").body(Body::empty()).unwrap())
        .await;
    assert_eq!(page.status, StatusCode::OK);
    let asset = page.body.split("href=\"/assets/").nth(1).unwrap();
    let asset = format!("/assets/{}", asset.split('"').next().unwrap());
    let asset = gates
        .answer(Request::get(asset).body(Body::empty()).unwrap())
        .await;
    assert_eq!(asset.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let gates = Gates::new().await;
    let who = gates.signed_in(grant(Role::Dpo)).await;
    let token = gates
        .token(who.account, &Scope::ALL, Duration::from_hours(48))
        .await;
    let large = || Body::from("a".repeat((1 << 20) + 1));
    let form = |path: &str| {
        Request::post(path)
            .header(header::COOKIE, &who.cookie)
            .header("sec-fetch-site", "same-origin")
            .body(large())
            .unwrap()
    };
    for path in ["/sign-in", "/account/tokens", "/sign-out"] {
        let answer = gates.answer(form(path)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    let request = Request::post("/api/v1/tokens")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(large());
    let answer = gates.answer(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_head_that_trickles_is_given_up() {
    let gates = Gates::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(web::serve(listener, None, gates.router.clone(), stopped));
    for begun in ["", "GET / HTTP/1.1\r\nHost: x\r\nA: "] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(25), stream.read_to_end(&mut rest));
        let _how = ended.await.expect("it is still open");
    }
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let flood = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
        "a".repeat(200_000)
    );
    let _cut = stream.write_all(flood.as_bytes()).await;
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 303"));
    stop.send(true).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn the_document_names_the_doors_of_programs_and_no_other() {
    let gates = Gates::new().await;
    let request = Request::get("/api/v1/openapi.json")
        .body(Body::empty())
        .unwrap();
    let document = gates.answer(request).await;
    let document: serde_json::Value = serde_json::from_str(&document.body).unwrap();
    let mut named = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            named.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let doors = gates.list().into_iter();
    let doors: BTreeSet<String> = doors
        .filter(|door| matches!(door.key, Key::Token(_)))
        .map(|door| format!("{} {}", door.method, door.path))
        .collect();
    assert!(doors.len() > 5);
    assert_eq!(named, doors);
}

/// A route that is made past the list would be one that nobody tries here.
#[test]
fn no_route_is_made_past_the_list() {
    let mut past = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/console"
    ))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs")
                && !path.to_string_lossy().ends_with("_tests.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let ways = [
                    ".route(",
                    ".route_service(",
                    ".nest(",
                    ".nest_service(",
                    ".merge(",
                    ".fallback(",
                    ".fallback_service(",
                ];
                for way in ways {
                    for _ in text.matches(way) {
                        past.push(format!("{} {way}", path.file_name().unwrap().display()));
                    }
                }
            }
        }
    }
    past.sort();
    // The list itself; the assets, and the page for what is nowhere.
    assert_eq!(
        past,
        ["doors.rs .route(", "mod.rs .fallback(", "mod.rs .route("]
    );
}

/// Who is not named here is asked for a session or a token.
#[tokio::test]
async fn few_doors_are_open() {
    let gates = Gates::new().await;
    let open = gates
        .list()
        .into_iter()
        .filter(|door| door.key == Key::Open);
    let open: BTreeSet<String> = open
        .map(|door| format!("{} {}", door.method, door.path))
        .collect();
    let expected = [
        "GET /api/v1/openapi.json",
        "GET /sign-in",
        "GET /sign-in/{provider}",
        "GET /sign-in/{provider}/back",
        "POST /sign-in",
    ];
    assert_eq!(open, expected.into_iter().map(str::to_owned).collect());
}

/// What the page for auditors says of roles and scopes is what the code does.
#[test]
fn the_page_on_access_says_what_the_code_does() {
    let page = include_str!("../docs/ACCESS.md");
    let rows = |length: usize| {
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let rows = rows.map(|row| {
            row.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
        });
        rows.filter(move |row| row.len() == length)
            .collect::<Vec<_>>()
    };
    let permissions = rows(7);
    assert_eq!(permissions.len(), Permission::ALL.len());
    for (row, permission) in permissions.iter().zip(Permission::ALL) {
        assert_eq!(row[0], format!("`{permission:?}`"));
        for (cell, role) in row[2..].iter().zip(Role::ALL) {
            let allowed = web::access::permissions(role).contains(&permission);
            let by_school = role == Role::Head && permission != Permission::Own;
            let expected = match (allowed, by_school) {
                (false, _) => "",
                (true, true) => "own schools",
                (true, false) => "yes",
            };
            assert_eq!(*cell, expected, "{permission:?} {role:?}");
            assert!(!allowed || !by_school || permission.is_by_school());
        }
    }
    let scopes = rows(2);
    assert_eq!(scopes.len(), Scope::ALL.len());
    for (row, scope) in scopes.iter().zip(Scope::ALL) {
        assert_eq!(row[0], format!("`{}`", scope.name()));
        let permissions = scope.permissions().map(|one| format!("`{one:?}`"));
        assert_eq!(row[1], permissions.collect::<Vec<_>>().join(", "));
    }
}
