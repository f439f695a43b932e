//! The console over a store in a folder of its own, with a small trust, people of every role who are signed in, and holds of invented people.
//!
//! The trust: `oak` sends from oak.trust.example, `elm` from elm.trust.example, and `nursery` from nursery.oak.trust.example, within
//! the domain of another school. trust.example itself belongs to no school.
#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, Request, StatusCode, header};
use beadle::console::sign_in::oidc::Oidc;
use beadle::console::signed::{Caller, sha256};
use beadle::console::{self, Access, Check, Parts, Premises, Site};
use beadle::detect::{Catalogue, Category, Confidence, Engine};
use beadle::extract::InProcess;
use beadle::limits::Limits;
use beadle::mail::{Address, Domain, Envelope, QueueId};
use beadle::pipeline::judge::Tools;
use beadle::pipeline::way::{Pipeline, Settings};
use beadle::policy::{Action, Policy, SchoolConfig, Schools, Senders, Severity};
use beadle::quarantine::Desk;
use beadle::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing};
use beadle::relay::trace;
use beadle::roster::{Roster, RosterKind};
use beadle::store::{
    Account, AccountKind, Config, Custody, FindingRecord, Grant, HoldClient, HoldRecord, MasterKey,
    NewAccount, NewHold, NewSession, Role, RuleRecord,
};
use bytes::Bytes;
use tower::ServiceExt as _;

const ROSTER: &[u8] = include_bytes!("../../patterns/sample/roster.csv");

/// Names a pupil of the sample roster, whose name becomes initials.
pub const MESSAGE: &str = "Message-ID: <N@trust.example>\r\nFrom: teacher@oak.trust.example\r\nTo: parent@home.example\r\n\
    Subject: The trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOliver Whitcombe comes to the trip on Monday.\r\n\
    --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Oliver Whitcombe comes</p><script>alert(1)</script><img src=\"https://tracker.example/a.gif\">\r\n\
    --b\r\nContent-Type: text/csv; name=\"plan.csv\"\r\nContent-Disposition: attachment; filename=\"plan.csv\"\r\n\r\na,b\r\n1,2\r\n\
    --b--\r\n";

/// Takes everything, or has a way that encrypts.
struct Hop {
    encrypts: bool,
}

impl NextHop for Hop {
    fn deliver(&self, _: Outgoing) -> BoxFuture<'_, Attempt> {
        Box::pin(std::future::pending())
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(std::future::pending())
    }

    fn encrypts(&self) -> bool {
        self.encrypts
    }
}

struct Well;

#[async_trait]
impl Premises for Well {
    async fn health(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// The console and what is beneath it.
pub struct Bench {
    pub site: Site,
    pub store: Custody,
    router: Router,
    next: AtomicU8,
    _folder: tempfile::TempDir,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub account: Account,
    pub cookie: String,
    pub csrf: String,
}

impl Person {
    /// As acts know them.
    pub fn caller(&self) -> Caller {
        Caller {
            access: Access::of(&self.account),
            account: self.account.clone(),
        }
    }
}

/// What the console answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Where it leads to.
    pub fn location(&self) -> &str {
        let to = self.headers.get(header::LOCATION);
        to.and_then(|to| to.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "no `{text}` in:\n{}", self.body);
        self
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "`{text}` in:\n{}", self.body);
        self
    }

    #[track_caller]
    pub fn is(&self, status: StatusCode) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

pub async fn bench() -> Bench {
    bench_with(false).await
}

/// A bench whose next hop has a way that encrypts, or not.
pub async fn bench_with(encrypts: bool) -> Bench {
    bench_at("http://127.0.0.1:8443", encrypts, Vec::new()).await
}

/// A bench that people reach at this address and sign in to by these providers.
pub async fn bench_at(url: &str, encrypts: bool, providers: Vec<Oidc>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let site = Site::new(Parts {
        config: console::Config {
            url: url.into(),
            trust_name: "Hollin Trust".into(),
            ..console::Config::default()
        },
        desk: Desk::new(
            store.clone(),
            Arc::new(|_| Some(Bytes::from_static(b"no\r\n"))),
        ),
        pipeline: pipeline(&store, encrypts),
        senders: Senders {
            schools: schools(),
            ..Senders::default()
        },
        providers,
        time_zone: jiff::tz::TimeZone::UTC,
        premises: Arc::new(Well),
        store: store.clone(),
    })
    .unwrap();
    Bench {
        router: console::router(&site),
        site,
        store,
        next: AtomicU8::new(1),
        _folder: folder,
    }
}

fn schools() -> Schools {
    let school = |id: &str, domain: &str| SchoolConfig {
        id: id.into(),
        name: format!("{id} school"),
        domains: vec![domain.into()],
    };
    Schools::new(&[
        school("oak", "oak.trust.example"),
        school("elm", "elm.trust.example"),
        school("nursery", "nursery.oak.trust.example"),
    ])
    .unwrap()
}

fn pipeline(store: &Custody, encrypts: bool) -> Pipeline {
    let (roster, _) = Roster::import(ROSTER, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let key = store.subkey("findings");
    let engine = Engine::build(&roster, &Roster::default(), &catalogue, key).unwrap();
    let policy = Policy::embedded("standard").unwrap();
    let policy = policy.with_domains(&[Domain::parse("trust.example").unwrap()], &[]);
    let tools = Tools {
        engine: Arc::new(engine),
        policy: Arc::new(policy),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    };
    let settings = Settings {
        identity: trace::Identity {
            host: "beadle.trust.example".into(),
            instance: "trust".into(),
        },
        reply_deadline: Duration::from_secs(1),
        judging: 2,
        judging_wait: Duration::from_secs(5),
    };
    Pipeline::new(
        settings,
        Arc::new(Limits::default()),
        tools,
        store.clone(),
        Arc::new(Hop { encrypts }),
        Arc::new(|_| None),
    )
}

/// What a hold is made of.
pub struct Held {
    pub from: &'static str,
    pub to: Vec<&'static str>,
    pub subject: &'static str,
    pub rule: &'static str,
    pub category: Category,
    pub two_people: bool,
    pub confidential: bool,
    pub message: String,
    pub age: Duration,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            from: "teacher@oak.trust.example",
            to: vec![
                "parent@home.example",
                "carer@home.example",
                "nurse@clinic.example",
            ],
            subject: "The trip",
            rule: "pupil-name",
            category: Category::PupilName,
            two_people: false,
            confidential: false,
            message: MESSAGE.into(),
            age: Duration::from_hours(2),
        }
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl Bench {
    /// Somebody of this role, signed in.
    pub async fn person(&self, role: Role, schools: &[&str]) -> Person {
        self.signed_in(role, schools, None).await
    }

    /// Somebody with an address of their own, signed in.
    pub async fn signed_in(&self, role: Role, schools: &[&str], from: Option<&str>) -> Person {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let new = NewAccount {
            kind: AccountKind::Local,
            login: format!("{}{number}", role.name()),
            name: format!("Pat {} {number}", role.name()),
            address: from.map(address),
            grants: vec![Grant {
                role,
                schools: schools.iter().map(|&school| school.to_owned()).collect(),
            }],
        };
        let now = SystemTime::now();
        let id = self.store.create_account(new, "test", now).await.unwrap();
        let token = format!("token-of-person-{number}");
        let session = NewSession {
            token_sha256: sha256(token.as_bytes()),
            account: id,
            method: "password+totp".into(),
            device: "a browser".into(),
            at: now,
            ends_at: now + Duration::from_hours(8),
        };
        self.store.begin_session(session).await.unwrap();
        Person {
            account: self.store.account(id).await.unwrap(),
            csrf: beadle::console::signed::form_token(&self.site, sha256(token.as_bytes())),
            cookie: format!("beadle={token}"),
        }
    }

    /// Holds this.
    pub async fn hold(&self, held: Held) -> QueueId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = QueueId::from_random([number, 7, 1, 2, 3, 4, 5, 6, number, 9]);
        let rcpts: Vec<Address> = held.to.iter().copied().map(address).collect();
        let new = NewHold {
            id,
            envelope: Envelope::of(Some(address(held.from)), rcpts),
            client: HoldClient {
                ip: "192.0.2.7".parse().unwrap(),
                helo: "mail.trust.example".into(),
            },
            received_at: SystemTime::now() - held.age,
            message: held.message.replace("<N@", &format!("<{number}@")).into(),
            record: HoldRecord {
                subject: Some(held.subject.into()),
                rules: vec![RuleRecord {
                    id: held.rule.into(),
                    title: "A pupil is named".into(),
                    clause: Some("4.2".into()),
                    action: Action::Hold,
                    because: "1 pupil in the body; to 3 recipients outside the trust".into(),
                    severity: Severity::High,
                    urgent: false,
                    four_eyes: held.two_people,
                }],
                findings: vec![FindingRecord {
                    category: held.category,
                    detector: "pupil-full-name".into(),
                    confidence: Confidence::High,
                    location: "body".into(),
                    masked: "O•••• W•••".into(),
                }],
                people: 1,
                values: vec![u128::from(number)],
                confidential: held.confidential,
                ..HoldRecord::default()
            },
            origin: beadle::store::Origin::default(),
        };
        self.store.hold(new).await.unwrap()
    }

    /// The version of a hold as it is now.
    pub async fn version(&self, id: QueueId) -> String {
        let hold = self.store.open_hold(id).await.unwrap();
        hold.summary.version.to_string()
    }

    /// The ledger's actions on a hold, oldest first.
    pub async fn ledger(&self, id: QueueId) -> Vec<String> {
        let history = self.store.history(id).await.unwrap();
        history.into_iter().map(|past| past.entry.action).collect()
    }

    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &who.cookie);
        self.answer(request.body(HttpBody::empty()).unwrap()).await
    }

    /// Sends a form of this person's pages.
    pub async fn post(&self, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &who.csrf);
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        let request = Request::post(path)
            .header(header::COOKIE, &who.cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(HttpBody::from(form.finish()));
        self.answer(request.unwrap()).await
    }

    /// The answer as it comes, for what does not end.
    pub async fn open(&self, who: &Person, path: &str) -> axum::response::Response {
        let request = Request::get(path).header(header::COOKIE, &who.cookie);
        let request = request.body(HttpBody::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn answer(&self, request: Request<HttpBody>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
