//! Sign-in by OpenID Connect against a real provider, from the address to the person.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod servers;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use beadle::app::config::Config;
use beadle::app::oidc::{OidcArgs, OidcCommand, Outcome};
use beadle::console::sign_in::oidc::error::{Again, Distrust, Fault, Mend, Refusal, Saw, Step};
use beadle::console::sign_in::oidc::{
    Oidc, OidcConfig, OidcError, OidcGrant, Pending, Returned, SignedIn, redirect_uri,
};
use tempfile::NamedTempFile;

use crate::servers::oidc::Provider;

/// Nobody listens there: the browser of the tests stops before it.
const SITE: &str = "http://127.0.0.1:9";

struct Console {
    provider: Provider,
    oidc: Oidc,
    config: OidcConfig,
    _secret: NamedTempFile,
}

impl Console {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut OidcConfig)) -> Self {
        Self::at("client_secret_basic,client_secret_post", change).await
    }

    async fn at(methods: &'static str, change: impl FnOnce(&mut OidcConfig)) -> Self {
        let back = redirect_uri(SITE, "test");
        let provider = Provider::own(&back, methods).await;
        let secret = NamedTempFile::new().unwrap();
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
            hosted_domain: Some("trust.example".to_owned()),
            grants: vec![
                grant("Beadle.DPO", "dpo", &[]),
                grant("Beadle.Head.Ash", "head", &["ash"]),
            ],
            senders: true,
            ..OidcConfig::default()
        };
        change(&mut config);
        let oidc = Oidc::new(config.clone(), &back).unwrap();
        Self {
            provider,
            oidc,
            config,
            _secret: secret,
        }
    }

    /// Begins, and signs in at the provider as `login`.
    async fn signed(&self, login: &str) -> (Pending, Returned) {
        let (address, pending) = self.oidc.begin(SystemTime::now(), false).await.unwrap();
        let back = self.provider.sign_in(&address, login).await;
        (pending, returned(&back))
    }

    async fn finish(&self, pending: &Pending, query: &Returned) -> Result<SignedIn, OidcError> {
        self.oidc.finish(pending, query, SystemTime::now()).await
    }

    async fn sign_in(&self, login: &str) -> Result<SignedIn, OidcError> {
        let (pending, query) = self.signed(login).await;
        self.finish(&pending, &query).await
    }
}

fn returned(query: &BTreeMap<String, String>) -> Returned {
    let part = |name: &str| query.get(name).cloned();
    Returned {
        code: part("code"),
        state: part("state"),
        iss: part("iss"),
        error: part("error"),
    }
}

fn roles(person: &SignedIn) -> Vec<(&str, Vec<&str>)> {
    let grants = person.grants.iter();
    grants
        .map(|granted| {
            (
                granted.role.as_str(),
                granted.schools.iter().map(String::as_str).collect(),
            )
        })
        .collect()
}

#[tokio::test]
async fn people_sign_in_with_their_roles() {
    let console = Console::new().await;
    let dpo = console.sign_in("dpo").await.unwrap();
    assert_eq!(dpo.login, format!("{}|dpo", console.provider.issuer()));
    assert_eq!(dpo.name, "Person dpo");
    assert_eq!(dpo.address.as_ref().unwrap().as_str(), "dpo@trust.example");
    assert_eq!(roles(&dpo), [("dpo", vec![]), ("sender", vec![])]);
    let since = dpo.auth_time.unwrap().elapsed().unwrap_or_default();
    assert!(since < Duration::from_mins(1), "{since:?}");
    let head = console.sign_in("head").await.unwrap();
    assert_eq!(roles(&head), [("head", vec!["ash"]), ("sender", vec![])]);
    let staff = console.sign_in("staff").await.unwrap();
    assert_eq!(roles(&staff), [("sender", vec![])]);
}

#[tokio::test]
async fn the_secret_goes_the_way_that_the_provider_takes() {
    for methods in ["client_secret_basic", "client_secret_post"] {
        let console = Console::at(methods, |_| ()).await;
        assert!(console.sign_in("dpo").await.is_ok(), "{methods}");
    }
}

#[tokio::test]
async fn who_does_not_belong_is_refused() {
    let console = Console::new().await;
    let error = console.sign_in("elsewhere").await.unwrap_err();
    assert_eq!(error, OidcError::NotAllowed(Refusal::HostedDomain));
    let error = console.sign_in("unverified").await.unwrap_err();
    assert_eq!(error, OidcError::NotAllowed(Refusal::AddressNotVerified));
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_own_sign_in() {
    let console = Console::new().await;
    let (pending, query) = console.signed("dpo").await;
    let (other, _) = console.signed("head").await;
    // Another browser's cookie: the state differs.
    let error = console.finish(&other, &query).await.unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::State));
    // The same with the state copied: the provider refuses the verifier.
    let stolen = Pending {
        state: pending.state.clone(),
        ..other
    };
    let error = console.finish(&stolen, &query).await.unwrap_err();
    assert_eq!(error, OidcError::TryAgain(Again::Code));
    // That used the code up. One more, taken twice.
    let (pending, query) = console.signed("dpo").await;
    assert!(console.finish(&pending, &query).await.is_ok());
    let error = console.finish(&pending, &query).await.unwrap_err();
    assert_eq!(error, OidcError::TryAgain(Again::Code));
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_refused() {
    let console = Console::new().await;
    let (mut pending, query) = console.signed("dpo").await;
    pending.nonce = "of another sign-in".to_owned();
    let error = console.finish(&pending, &query).await.unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::Nonce));
    let (pending, mut query) = console.signed("dpo").await;
    query.iss = Some("https://idp.example".to_owned());
    let error = console.finish(&pending, &query).await.unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::AnswerIssuer));
    query.iss = None;
    let error = console.finish(&pending, &query).await.unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::AnswerIssuer));
}

#[tokio::test]
async fn a_token_is_good_for_its_time() {
    let console = Console::new().await;
    let (pending, query) = console.signed("dpo").await;
    // It is issued for two minutes, and a minute is allowed for clocks.
    let later = SystemTime::now() + Duration::from_mins(4);
    let error = console
        .oidc
        .finish(&pending, &query, later)
        .await
        .unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::Expired));
    // A clock of ours that is behind: the token seems to be of the future.
    let (mut pending, query) = console.signed("dpo").await;
    let behind = SystemTime::now() - Duration::from_mins(3);
    pending.began_at -= 180;
    let error = console
        .oidc
        .finish(&pending, &query, behind)
        .await
        .unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::IssuedAt));
}

#[tokio::test]
async fn a_new_key_of_the_providers_is_found() {
    let console = Console::new().await;
    assert!(console.sign_in("dpo").await.is_ok());
    console.provider.rotate().await;
    assert!(console.sign_in("dpo").await.is_ok());
    // A second time within a minute the keys are not read again.
    console.provider.rotate().await;
    let error = console.sign_in("dpo").await.unwrap_err();
    assert_eq!(error, OidcError::Untrusted(Distrust::Key));
}

#[tokio::test]
async fn who_cancels_may_try_again() {
    let console = Console::new().await;
    let (address, pending) = console.oidc.begin(SystemTime::now(), false).await.unwrap();
    let back = console.provider.cancel(&address).await;
    let error = console
        .finish(&pending, &returned(&back))
        .await
        .unwrap_err();
    assert_eq!(error, OidcError::TryAgain(Again::Cancelled));
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_to_be() {
    let console = Console::new().await;
    let (pending, query) = console.signed("dpo").await;
    console.provider.freeze();
    let begun = std::time::Instant::now();
    let error = console.finish(&pending, &query).await.unwrap_err();
    let late = Fault {
        step: Step::Token,
        saw: Saw::Late,
    };
    assert_eq!(error, OidcError::Down(late));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    console.provider.thaw();
    console.provider.kill();
    let error = console.finish(&pending, &query).await.unwrap_err();
    let gone = Fault {
        step: Step::Token,
        saw: Saw::NoConnection,
    };
    assert_eq!(error, OidcError::Down(gone));
}

#[tokio::test]
async fn a_wrong_secret_is_to_be_mended() {
    let wrong = NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "another").unwrap();
    let path = wrong.path().to_owned();
    let console = Console::with(move |config| config.client_secret_file = Some(path)).await;
    let error = console.sign_in("dpo").await.unwrap_err();
    assert_eq!(error, OidcError::Misconfigured(Mend::Client(None)));
    assert!(!error.to_string().contains("another"));
}

#[tokio::test]
async fn an_issuer_with_a_slash_too_many_is_told_apart() {
    let console = Console::with(|config| config.issuer.push('/')).await;
    let error = console
        .oidc
        .begin(SystemTime::now(), false)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("only the slash at the end differs"),
        "{error}"
    );
}

#[tokio::test]
async fn the_provider_signs_out_too() {
    let console = Console::new().await;
    console.sign_in("dpo").await.unwrap();
    let url = console
        .oidc
        .sign_out_url(&format!("{SITE}/sign-in/test/back/out"))
        .unwrap();
    assert!(
        url.starts_with(&format!(
            "{}/session/end?client_id=beadle&",
            console.provider.issuer()
        )),
        "{url}"
    );
}

/// What `beadle oidc test` prints, and what becomes of it.
async fn tried(config: &OidcConfig) -> (String, Outcome) {
    let mut all = Config::default();
    all.console.oidc.push(config.clone());
    all.trust.schools = toml::from_str::<Config>(
        "[[trust.schools]]\nid = 'ash'\nname = 'Ash'\ndomains = ['ash.trust.example']",
    )
    .unwrap()
    .trust
    .schools;
    let args = OidcArgs {
        command: OidcCommand::Test {
            provider: None,
            url: Some(SITE.to_owned()),
        },
        config: None,
    };
    let mut out = Vec::new();
    let outcome = beadle::app::oidc::run(&args, &all, &mut out).await.unwrap();
    (String::from_utf8(out).unwrap(), outcome)
}

#[tokio::test]
async fn the_command_tells_what_is_right_and_what_is_wrong() {
    let console = Console::new().await;
    let (text, outcome) = tried(&console.config).await;
    assert_eq!(outcome, Outcome::Good, "{text}");
    for line in [
        "register exactly http://127.0.0.1:9/sign-in/test/back ",
        "ok       discovery document: ",
        "ok       clock: ",
        "ok       keys: 1 that can check",
        "ok       client id and secret: taken",
        "sign-out at the provider: there is one",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("secret-of-the-test"));

    let wrong = NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "another").unwrap();
    let mut config = console.config.clone();
    config.client_secret_file = Some(wrong.path().to_owned());
    let (text, outcome) = tried(&config).await;
    assert_eq!(outcome, Outcome::Problems(1), "{text}");
    assert!(
        text.contains("PROBLEM  client id and secret: to be mended: the provider refuses"),
        "{text}"
    );

    let mut config = console.config.clone();
    config.issuer.push('/');
    let (text, _) = tried(&config).await;
    assert!(text.contains("only the slash at the end differs"), "{text}");

    console.provider.kill();
    let (text, outcome) = tried(&console.config).await;
    assert_eq!(outcome, Outcome::Problems(1), "{text}");
    assert!(
        text.contains("no connection; can this machine reach it"),
        "{text}"
    );
}
