//! Signing in: by a local account, and by a real provider, as a browser would, from the first page to the session.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod console;
mod servers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use beadle::console as web;
use beadle::console::serving::Peer;
use beadle::console::sign_in::oidc::{Oidc, OidcConfig, OidcGrant, redirect_uri};
use beadle::mail::QueueId;
use beadle::store::credentials::{hash_password, recovery_sha256};
use beadle::store::{AccountChange, AccountKind, Credentials, Custody, Grant, NewAccount, Role};
use reqwest::Url;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use crate::console::{Bench, bench_at};
use crate::servers::oidc::Provider;

const CLEAR: &str = "http://127.0.0.1:9";
const TLS: &str = "https://mail.trust.example";
const PASSWORD: &str = "a goose in the rain";
const SECRET: &[u8; 20] = b"12345678901234567890";
const RECOVERY: [&str; 2] = ["aaaa-bbbb-cccc-dddd", "eeee-ffff-gggg-hhhh"];

struct Door {
    bench: Bench,
    router: Router,
    origin: &'static str,
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

    /// A cookie that is set, with its attributes.
    fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let mut lines = lines.map(|line| line.to_str().unwrap().to_owned());
        lines.find(|line| line.starts_with(&format!("{name}=")))
    }
}

/// What a browser sends back of a cookie.
fn kept(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

fn attributes(cookie: &str) -> Vec<String> {
    let mut all: Vec<String> = cookie
        .split(';')
        .skip(1)
        .map(|one| one.trim().to_owned())
        .collect();
    all.sort();
    all
}

/// RFC 6238 from the other side.
fn code(at: SystemTime) -> String {
    let step = at.duration_since(UNIX_EPOCH).unwrap().as_secs() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let from = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

impl Door {
    async fn at(origin: &'static str) -> Self {
        Self::of(origin, Vec::new()).await
    }

    async fn of(origin: &'static str, providers: Vec<Oidc>) -> Self {
        let bench = bench_at(origin, false, providers).await;
        Self {
            router: web::router(&bench.site),
            bench,
            origin,
        }
    }

    fn store(&self) -> &Custody {
        &self.bench.store
    }

    async fn local(&self, login: &str) -> QueueId {
        let new = NewAccount {
            kind: AccountKind::Local,
            login: login.into(),
            name: format!("Person {login}"),
            address: None,
            grants: vec![Grant {
                role: Role::Dpo,
                schools: Vec::new(),
            }],
        };
        let now = SystemTime::now();
        let id = self.store().create_account(new, "test", now).await.unwrap();
        let credentials = Credentials {
            password: hash_password(PASSWORD).unwrap(),
            totp: Zeroizing::new(SECRET.to_vec()),
            recovery: RECOVERY.map(recovery_sha256).to_vec(),
        };
        let set = self.store().set_credentials(id, credentials, "test", now);
        set.await.unwrap();
        id
    }

    async fn send(&self, mut request: Request<Body>, from: &str) -> Answer {
        let from: SocketAddr = format!("{from}:4000").parse().unwrap();
        request.extensions_mut().insert(Peer(from));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap(), "192.0.2.1")
            .await
    }

    fn form(&self, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Request<Body> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = Request::post("/sign-in").header(header::ORIGIN, self.origin);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(Body::from(form.finish())).unwrap()
    }

    async fn sign_in(&self, login: &str, password: &str, code: &str) -> Answer {
        let fields = [("login", login), ("password", password), ("code", code)];
        self.send(self.form(&fields, &[]), "192.0.2.1").await
    }

    async fn actions(&self, account: QueueId) -> Vec<String> {
        let about = account.to_string();
        let entries = self.store().ledger_of(1, 1_000, Some(&about), None).await;
        let entries = entries.unwrap().into_iter();
        entries
            .map(|entry| format!("{} {}", entry.action, entry.detail))
            .collect()
    }
}

#[tokio::test]
async fn a_session_is_a_cookie_for_this_host_alone() {
    for (origin, name, secure) in [(CLEAR, "beadle", false), (TLS, "__Host-beadle", true)] {
        let door = Door::at(origin).await;
        let id = door.local("kim").await;
        let answer = door
            .sign_in(" KIM ", PASSWORD, &code(SystemTime::now()))
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/")
        );
        let cookie = answer.cookie(name).unwrap();
        let mut expected = vec!["HttpOnly", "Path=/", "SameSite=Lax"];
        if secure {
            expected.push("Secure");
        }
        // No Domain, and no Max-Age: it goes with the browser.
        assert_eq!(attributes(&cookie), expected);
        let transport = answer
            .headers
            .contains_key(header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(transport, secure);
        let cookie = kept(&cookie);
        let token = cookie.split_once('=').unwrap().1;
        assert_eq!(token.len(), 43);
        let page = door.get("/account", &cookie).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains(token));
        assert_eq!(
            door.store().sessions_of(id).await.unwrap()[0].method,
            "password+totp"
        );

        let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let csrf = csrf.split('"').next().unwrap();
        let out = Request::post("/sign-out")
            .header(header::COOKIE, &cookie)
            .header(header::ORIGIN, origin)
            .body(Body::from(format!("csrf={csrf}")));
        let out = door.send(out.unwrap(), "192.0.2.1").await;
        assert_eq!(out.location(), "/sign-in?done=signed-out");
        assert!(out.cookie(name).unwrap().contains("Max-Age=0"));
        assert!(out.headers.contains_key("clear-site-data"));
        assert_eq!(
            door.get("/account", &cookie).await.status,
            StatusCode::SEE_OTHER
        );
    }
}

#[tokio::test]
async fn a_code_and_a_recovery_code_are_good_once() {
    let door = Door::at(CLEAR).await;
    let id = door.local("kim").await;
    let now = code(SystemTime::now());
    assert_eq!(
        door.sign_in("kim", PASSWORD, &now).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        door.sign_in("kim", PASSWORD, &now).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let spaced = "AAAA BBBB CCCC DDDD";
    assert_eq!(
        door.sign_in("kim", PASSWORD, spaced).await.status,
        StatusCode::SEE_OTHER
    );
    let again = door.sign_in("kim", PASSWORD, RECOVERY[0]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A recovery code is no password.
    let alone = door.sign_in("kim", RECOVERY[1], RECOVERY[1]).await;
    assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        door.store()
            .credentials(id)
            .await
            .unwrap()
            .unwrap()
            .recovery
            .len(),
        1
    );
    let actions = door.actions(id).await;
    let after: Vec<&str> = actions.iter().map(String::as_str).skip(2).collect();
    assert_eq!(
        after,
        [
            r#"signed-in {"method":"password+totp"}"#,
            "recovery-used {}",
            r#"signed-in {"method":"recovery"}"#
        ]
    );
}

#[tokio::test]
async fn nothing_tells_which_part_was_wrong() {
    let door = Door::at(CLEAR).await;
    door.local("kim").await;
    let off = door.local("lee").await;
    let disabled = AccountChange::Disabled(true);
    let disable = door
        .store()
        .change_account(off, 1, disabled, "test", SystemTime::now());
    disable.await.unwrap();
    let now = code(SystemTime::now());
    let mut said = Vec::new();
    for (login, password, code) in [
        ("kim", "another goose again", now.as_str()),
        ("kim", PASSWORD, "000000"),
        ("kim", PASSWORD, ""),
        ("ann", PASSWORD, &now),
        ("lee", PASSWORD, &now),
        ("kim", "", &now),
    ] {
        let answer = door.sign_in(login, password, code).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{login}");
        assert!(answer.cookie("beadle").is_none());
        assert!(!answer.body.contains(password) || password.is_empty());
        said.push(answer.body.replace(login, "LOGIN"));
    }
    said.dedup();
    assert_eq!(said.len(), 1);
    // One that no form of ours would send is no different.
    let nothing = door.send(door.form(&[], &[]), "192.0.2.2").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_waits_and_nobody_else_does() {
    let door = Door::at(CLEAR).await;
    door.local("kim").await;
    // At once, since one after the other is what an attacker would not do.
    let guesses = (0..20).map(|_| door.sign_in("kim", "another goose again", "000000"));
    let answers = futures_util::future::join_all(guesses).await;
    let count = |status| answers.iter().filter(|one| one.status == status).count();
    assert_eq!(count(StatusCode::UNPROCESSABLE_ENTITY), 5);
    assert_eq!(count(StatusCode::TOO_MANY_REQUESTS), 15);
    let waits = answers
        .iter()
        .find(|one| one.status == StatusCode::TOO_MANY_REQUESTS);
    let wait = &waits.unwrap().headers[header::RETRY_AFTER];
    let seconds: u64 = wait.to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let now = code(SystemTime::now());
    let right = door.sign_in("kim", PASSWORD, &now).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the right one waits too"
    );
    // Nobody can write themselves another address.
    let fields = [
        ("login", "kim"),
        ("password", PASSWORD),
        ("code", now.as_str()),
    ];
    let forged = door.form(&fields, &[("x-forwarded-for", "198.51.100.7")]);
    let forged = door.send(forged, "192.0.2.1").await;
    assert_eq!(forged.status, StatusCode::TOO_MANY_REQUESTS);
    let elsewhere = door.send(door.form(&fields, &[]), "198.51.100.7").await;
    assert_eq!(
        elsewhere.status,
        StatusCode::SEE_OTHER,
        "who sits elsewhere is not locked out"
    );
}

#[tokio::test]
async fn one_comes_back_where_one_was_and_nowhere_else() {
    let door = Door::at(CLEAR).await;
    let id = door.local("kim").await;
    let away = door.get("/ledger?page=2", "").await;
    assert_eq!(away.location(), "/sign-in?next=%2Fledger%3Fpage%3D2");
    let form = door.get(away.location(), "").await;
    assert!(form.body.contains("name=\"next\" value=\"/ledger?page=2\""));
    let mut cookie = String::new();
    for (next, to) in [
        ("/ledger?page=2", "/ledger?page=2"),
        ("//evil.example", "/"),
    ] {
        let (cookies, recovery) = match cookie.as_str() {
            "" => (Vec::new(), RECOVERY[0]),
            before => (vec![("cookie", before)], RECOVERY[1]),
        };
        let fields = [
            ("login", "kim"),
            ("password", PASSWORD),
            ("code", recovery),
            ("next", next),
        ];
        let answer = door.send(door.form(&fields, &cookies), "192.0.2.1").await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, to)
        );
        let before = std::mem::replace(&mut cookie, kept(&answer.cookie("beadle").unwrap()));
        if !before.is_empty() {
            // Whoever signs in again leaves nothing open behind.
            assert_eq!(
                door.get("/account", &before).await.status,
                StatusCode::SEE_OTHER
            );
        }
        assert_eq!(door.get("/account", &cookie).await.status, StatusCode::OK);
    }
    assert_eq!(door.store().sessions_of(id).await.unwrap().len(), 1);
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one token from its making to its end"
)]
async fn a_token_is_made_shown_once_used_and_ended() {
    let door = Door::at(CLEAR).await;
    let kim = door.bench.person(Role::Dpo, &[]).await;
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    let make =
        async |fields: &[(&str, &str)]| door.bench.post(&kim, "/account/tokens", fields).await;
    let form = door.bench.get(&kim, "/account/tokens/new").await;
    form.is(StatusCode::OK)
        .says("value=\"holds:read\"")
        .hides("service:operate");
    for (fields, why) in [
        (
            vec![("label", ""), ("scope", "own"), ("ends", today.as_str())],
            "Write what the token is for",
        ),
        (
            vec![("label", "report"), ("ends", &today)],
            "Tick at least one",
        ),
        (
            vec![
                ("label", "report"),
                ("scope", "service:operate"),
                ("ends", &today),
            ],
            "more than you may do",
        ),
        (
            vec![
                ("label", "report"),
                ("scope", "everything"),
                ("ends", &today),
            ],
            "more than you may do",
        ),
        (
            vec![
                ("label", "report"),
                ("scope", "own"),
                ("ends", "2020-01-01"),
            ],
            "within a year",
        ),
        (
            vec![
                ("label", "report"),
                ("scope", "own"),
                ("ends", "2090-01-01"),
            ],
            "within a year",
        ),
        (
            vec![("label", "report"), ("scope", "own"), ("ends", "soon")],
            "within a year",
        ),
    ] {
        let answer = make(&fields).await;
        answer.is(StatusCode::UNPROCESSABLE_ENTITY).says(why);
    }
    assert!(
        door.store()
            .tokens_of(kim.account.id)
            .await
            .unwrap()
            .is_empty()
    );
    let made = make(&[
        ("label", "report"),
        ("scope", "own"),
        ("scope", "ledger:read"),
        ("ends", &today),
    ])
    .await;
    made.is(StatusCode::OK).says("shown this once");
    let token = made
        .body
        .split("value=\"beadle_")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let token = format!("beadle_{token}");
    let account = door.bench.get(&kim, "/account").await;
    account.says("report").says("See the ledger").hides(&token);
    door.bench
        .get(&kim, "/tokens")
        .await
        .says("report")
        .says("Pat dpo")
        .hides(&token);

    let api = async |method: &str, path: &str, token: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("bearer {token}"));
        door.send(
            request.body(Body::from(body.to_owned())).unwrap(),
            "192.0.2.3",
        )
        .await
    };
    let listed = api("GET", "/api/v1/tokens", &token, "").await;
    assert_eq!(listed.status, StatusCode::OK);
    assert!(listed.body.contains("\"label\":\"report\"") && !listed.body.contains(&token));
    // A program renews its token for no more, and no longer.
    let far = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 200);
    let far = &far.to_string()[..10];
    let wider = format!(r#"{{"label":"x","scopes":["people:manage"],"last_day":"{far}"}}"#);
    assert_eq!(
        api("POST", "/api/v1/tokens", &token, &wider).await.status,
        StatusCode::BAD_REQUEST
    );
    let longer = format!(r#"{{"label":"longer","scopes":["own"],"last_day":"{far}"}}"#);
    let longer = api("POST", "/api/v1/tokens", &token, &longer).await;
    assert_eq!(longer.status, StatusCode::CREATED, "{}", longer.body);
    let tokens = door.store().tokens_of(kim.account.id).await.unwrap();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0].ends_at, tokens[1].ends_at);

    // Nobody ends another's but whoever manages people.
    let head = door.bench.person(Role::Head, &["oak"]).await;
    for (who, path, status) in [
        (&head, "/account/tokens", StatusCode::NOT_FOUND),
        (&head, "/tokens", StatusCode::FORBIDDEN),
        (&kim, "/account/tokens", StatusCode::SEE_OTHER),
    ] {
        let path = format!("{path}/{}/end", tokens[0].id);
        door.bench.post(who, &path, &[]).await.is(status);
    }
    let other = door.bench.person(Role::Dpo, &[]).await;
    let path = format!("/tokens/{}/end", tokens[1].id);
    door.bench
        .post(&other, &path, &[])
        .await
        .is(StatusCode::SEE_OTHER);
    assert!(
        door.store()
            .tokens_of(kim.account.id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        api("GET", "/api/v1/tokens", &token, "").await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// A console whose people sign in at a provider of the test.
async fn by_provider(
    change: impl FnOnce(&mut OidcConfig),
) -> (Provider, Door, tempfile::NamedTempFile) {
    let back = redirect_uri(CLEAR, "test");
    let provider = Provider::own(&back, "client_secret_basic").await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret-of-the-test\n").unwrap();
    let grant = |value: &str, role: &str, schools: &[&str]| OidcGrant {
        value: value.to_owned(),
        role: role.to_owned(),
        schools: schools.iter().map(|&id| id.to_owned()).collect(),
    };
    let mut config = OidcConfig {
        id: "test".to_owned(),
        issuer: provider.issuer(),
        client_id: "beadle".to_owned(),
        client_secret_file: Some(secret.path().to_owned()),
        address_claim: "email".to_owned(),
        grants: vec![
            grant("Beadle.DPO", "dpo", &[]),
            grant("Beadle.Head.Ash", "head", &["oak"]),
        ],
        senders: true,
        ..OidcConfig::default()
    };
    change(&mut config);
    let oidc = Oidc::new(config, &back).unwrap();
    let door = Door::of(CLEAR, vec![oidc]).await;
    (provider, door, secret)
}

fn query(pairs: &BTreeMap<String, String>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("/sign-in/test/back?{}", query.finish())
}

/// Leaves for the provider and signs in there: the way back, and the cookie.
async fn away(provider: &Provider, door: &Door, path: &str, login: &str) -> (String, String) {
    let left = door.get(path, "").await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{}", left.body);
    let cookie = left.cookie("beadle-away").unwrap();
    assert_eq!(
        attributes(&cookie),
        ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]
    );
    let url = Url::parse(left.location()).unwrap();
    let back = provider.sign_in(&url, login).await;
    (query(&back), kept(&cookie))
}

#[tokio::test]
async fn a_person_of_the_provider_comes_back_with_their_roles() {
    let (provider, door, _secret) = by_provider(|_| ()).await;
    let form = door.get("/sign-in?next=%2Fpeople", "").await;
    assert!(form.body.contains("/sign-in/test?next="));
    let (back, cookie) = away(&provider, &door, "/sign-in/test?next=%2Fpeople", "dpo").await;
    let answer = door.get(&back, &cookie).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/people")
    );
    assert!(answer.cookie("beadle-away").unwrap().contains("Max-Age=0"));
    let session = kept(&answer.cookie("beadle").unwrap());
    let people = door.get("/people", &session).await;
    assert_eq!(people.status, StatusCode::OK);
    assert!(people.body.contains("Person dpo"));
    let accounts = door.store().accounts().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].login, format!("{}|dpo", provider.issuer()));
    assert_eq!(
        accounts[0].address.as_ref().unwrap().as_str(),
        "dpo@trust.example"
    );
    let actions = door.actions(accounts[0].id).await;
    assert!(actions[0].starts_with("account-created "), "{actions:?}");
    assert_eq!(actions[1], r#"signed-in {"method":"oidc"}"#);

    // The same answer a second time is nobody's.
    let replayed = door.get(&back, &cookie).await;
    assert_eq!(replayed.status, StatusCode::FORBIDDEN);
    assert!(replayed.cookie("beadle").is_none());
    // Nor can they sign in with a password.
    let local = door.sign_in(&accounts[0].login, PASSWORD, "000000").await;
    assert_eq!(local.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn only_the_browser_that_left_comes_back() {
    let (provider, door, _secret) = by_provider(|_| ()).await;
    let (back, cookie) = away(&provider, &door, "/sign-in/test", "dpo").await;
    let (_, other) = away(&provider, &door, "/sign-in/test", "head").await;
    let (name, value) = cookie.split_once('=').unwrap();
    let (text, mark) = value.split_once('.').unwrap();
    let forged = [
        String::new(),
        other.clone(),
        format!("{name}={text}.{}", "A".repeat(mark.len())),
        format!("{name}=x{text}.{mark}"),
        format!("{name}=."),
    ];
    for cookie in &forged {
        let answer = door.get(&back, cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{cookie}");
        assert!(answer.cookie("beadle").is_none());
    }
    for changed in [
        "/sign-in/test/back",
        "/sign-in/test/back?error=access_denied",
    ] {
        let answer = door.get(changed, &cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{changed}");
    }
    assert!(door.store().accounts().await.unwrap().is_empty());
    // None of that spent what is the browser's own.
    assert_eq!(door.get(&back, &cookie).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_role_that_the_provider_took_away_is_gone_at_the_next_sign_in() {
    let (provider, door, _secret) = by_provider(|_| ()).await;
    let (back, cookie) = away(&provider, &door, "/sign-in/test", "head").await;
    let first = door.get(&back, &cookie).await;
    let first = kept(&first.cookie("beadle").unwrap());
    let account = door.store().accounts().await.unwrap().remove(0);
    assert_eq!(account.grants[0].role, Role::Head);
    assert_eq!(account.grants[0].schools, ["oak"]);
    // They had been a DPO when they last signed in, and are no longer.
    let dpo = vec![Grant {
        role: Role::Dpo,
        schools: Vec::new(),
    }];
    let change = AccountChange::Grants(dpo);
    let store = door.store();
    let now = SystemTime::now();
    store
        .change_account(account.id, account.version, change, "test", now)
        .await
        .unwrap();
    assert_eq!(
        door.get("/account", &first).await.status,
        StatusCode::SEE_OTHER
    );
    let (back, cookie) = away(&provider, &door, "/sign-in/test", "head").await;
    let second = door.get(&back, &cookie).await;
    let second = kept(&second.cookie("beadle").unwrap());
    let account = store.account(account.id).await.unwrap();
    assert_eq!(account.grants[0].role, Role::Head);
    assert_eq!(
        door.get("/people", &second).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(door.get("/account", &second).await.status, StatusCode::OK);

    // Somebody who was stopped here does not come in by the provider.
    let stop = AccountChange::Disabled(true);
    store
        .change_account(account.id, account.version, stop, "test", now)
        .await
        .unwrap();
    let (back, cookie) = away(&provider, &door, "/sign-in/test", "head").await;
    let stopped = door.get(&back, &cookie).await;
    assert_eq!(stopped.status, StatusCode::FORBIDDEN);
    assert!(stopped.cookie("beadle").is_none());
    assert_eq!(
        door.get("/account", &second).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn whoever_is_asked_again_proves_it_at_the_provider() {
    let (provider, door, _secret) = by_provider(|_| ()).await;
    let form = door
        .get("/sign-in?again=yes&next=%2Faccount%2Ftokens%2Fnew", "")
        .await;
    assert!(
        form.body.contains("/sign-in/test?again=yes&amp;next="),
        "{}",
        form.body
    );
    let left = door.get("/sign-in/test?again=yes", "").await;
    let url = Url::parse(left.location()).unwrap();
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(
        (asked["prompt"].as_str(), asked["max_age"].as_str()),
        ("login", "0")
    );
    let (back, cookie) = away(&provider, &door, "/sign-in/test?again=yes", "dpo").await;
    assert_eq!(door.get(&back, &cookie).await.status, StatusCode::SEE_OTHER);
}
