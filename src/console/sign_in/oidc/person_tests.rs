//! Claims of Entra, Google and others, right and wrong.

use serde_json::json;

use super::*;
use crate::console::sign_in::oidc::config::OidcGrant;
use crate::console::sign_in::oidc::forge::{NOW, now};

const TENANT: &str = "9f0c1a52-6b1d-4c58-8a30-2d7e4b61f0aa";

fn entra() -> OidcConfig {
    let grant = |value: &str, role: &str, schools: &[&str]| OidcGrant {
        value: value.to_owned(),
        role: role.to_owned(),
        schools: schools.iter().map(|&id| id.to_owned()).collect(),
    };
    OidcConfig {
        issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        address_claim: "preferred_username".to_owned(),
        grants: vec![
            grant("Beadle.DPO", "dpo", &[]),
            grant("Beadle.Head.Ash", "head", &["ash"]),
        ],
        senders: true,
        ..OidcConfig::default()
    }
}

fn google() -> OidcConfig {
    OidcConfig {
        issuer: "https://accounts.google.com".to_owned(),
        address_claim: "email".to_owned(),
        hosted_domain: Some("trust.example".to_owned()),
        senders: true,
        ..OidcConfig::default()
    }
}

fn read_entra(config: &OidcConfig, change: &Value) -> Result<SignedIn, OidcError> {
    let claims = json!({
        "tid": TENANT, "oid": "oid-1", "sub": "pairwise-1", "name": "Priya Nair",
        "preferred_username": "p.nair@trust.example", "email": "else@where.example",
    });
    read_of(
        claims,
        change,
        config,
        &Kind::Entra(TENANT.to_owned()),
        None,
    )
}

fn read_google(change: &Value) -> Result<SignedIn, OidcError> {
    let claims = json!({
        "sub": "1150", "name": "Priya Nair", "hd": "trust.example",
        "email": "p.nair@trust.example", "email_verified": true,
    });
    read_of(claims, change, &google(), &Kind::Google, None)
}

fn read_of(
    claims: Value,
    change: &Value,
    config: &OidcConfig,
    kind: &Kind,
    max_age: Option<Duration>,
) -> Result<SignedIn, OidcError> {
    let Value::Object(mut claims) = claims else {
        unreachable!()
    };
    for (name, value) in change.as_object().unwrap() {
        claims.insert(name.clone(), value.clone());
        if value.is_null() {
            claims.remove(name);
        }
    }
    read(
        &claims,
        config,
        kind,
        &Asked {
            max_age,
            now: now(),
        },
    )
}

fn roles_of(person: &SignedIn) -> Vec<&str> {
    person
        .grants
        .iter()
        .map(|granted| granted.role.as_str())
        .collect()
}

#[test]
fn an_entra_account_is_its_object_in_its_tenant() {
    let person = read_entra(&entra(), &json!({})).unwrap();
    assert_eq!(
        person.login,
        format!("https://login.microsoftonline.com/{TENANT}/v2.0|oid-1")
    );
    assert_eq!(person.address.unwrap().as_str(), "p.nair@trust.example");
    let named = OidcConfig {
        subject_claim: "sub".to_owned(),
        ..entra()
    };
    assert!(
        read_entra(&named, &json!({}))
            .unwrap()
            .login
            .ends_with("|pairwise-1")
    );
    for bad in [
        json!(null),
        json!(7),
        json!(""),
        json!("x".repeat(256)),
        json!("a\nb"),
    ] {
        let error = read_entra(&entra(), &json!({ "oid": bad })).unwrap_err();
        assert_eq!(error, OidcError::Misconfigured(Mend::NoSubject), "{bad}");
    }
}

#[test]
fn another_tenant_is_refused() {
    for tid in [
        json!("9188040d-6c67-4c5b-b112-36a304b66dad"),
        json!(null),
        json!([TENANT]),
    ] {
        let error = read_entra(&entra(), &json!({ "tid": tid })).unwrap_err();
        assert_eq!(error, OidcError::NotAllowed(Refusal::Tenant), "{tid}");
    }
}

#[test]
fn app_roles_give_roles_and_everybody_is_a_sender() {
    let person = read_entra(
        &entra(),
        &json!({"roles": ["Beadle.Head.Ash", "Beadle.DPO", "Other"]}),
    )
    .unwrap();
    assert_eq!(roles_of(&person), ["dpo", "head", "sender"]);
    assert_eq!(person.grants[1].schools, ["ash"]);
    assert_eq!(
        roles_of(&read_entra(&entra(), &json!({})).unwrap()),
        ["sender"]
    );
    // Near misses give nothing.
    for held in [
        json!("beadle.dpo"),
        json!(["Beadle.DPO "]),
        json!({"Beadle.DPO": 1}),
        json!(7),
    ] {
        assert_eq!(
            roles_of(&read_entra(&entra(), &json!({ "roles": held })).unwrap()),
            ["sender"],
            "{held}"
        );
    }
    let closed = OidcConfig {
        senders: false,
        ..entra()
    };
    assert!(read_entra(&closed, &json!({})).unwrap().grants.is_empty());
}

#[test]
fn a_guest_has_no_address_and_is_no_sender() {
    for guest in [
        json!({"idp": "https://sts.windows.net/another/"}),
        json!({"acct": 1}),
        json!({"idp": 7}),
    ] {
        let person = read_entra(&entra(), &guest).unwrap();
        assert_eq!((person.address, person.grants.len()), (None, 0), "{guest}");
    }
    for idp in [entra().issuer, format!("https://sts.windows.net/{TENANT}/")] {
        let own = json!({"idp": idp, "acct": 0});
        assert_eq!(roles_of(&read_entra(&entra(), &own).unwrap()), ["sender"]);
    }
}

#[test]
fn groups_that_are_left_out_are_said_aloud() {
    let groups = OidcConfig {
        roles_claim: "groups".to_owned(),
        ..entra()
    };
    for change in [
        json!({"_claim_names": {"groups": "src1"}}),
        json!({"hasgroups": true}),
    ] {
        let error = read_entra(&groups, &change).unwrap_err();
        assert_eq!(error, OidcError::Misconfigured(Mend::TooManyGroups));
        assert!(error.to_string().contains("app roles"));
        // Who uses app roles does not mind.
        assert!(read_entra(&entra(), &change).is_ok());
    }
}

#[test]
fn a_google_account_is_of_the_workspace() {
    let person = read_google(&json!({})).unwrap();
    assert_eq!(person.login, "https://accounts.google.com|1150");
    assert_eq!(roles_of(&person), ["sender"]);
    for hd in [
        json!(null),
        json!("other.example"),
        json!("TRUST.example"),
        json!(["trust.example"]),
    ] {
        let error = read_google(&json!({ "hd": hd })).unwrap_err();
        assert_eq!(error, OidcError::NotAllowed(Refusal::HostedDomain), "{hd}");
    }
}

#[test]
fn an_address_that_is_not_verified_is_refused() {
    for verified in [json!(false), json!(null), json!("false"), json!(1)] {
        let error = read_google(&json!({ "email_verified": verified })).unwrap_err();
        assert_eq!(
            error,
            OidcError::NotAllowed(Refusal::AddressNotVerified),
            "{verified}"
        );
    }
    assert!(read_google(&json!({"email_verified": "true"})).is_ok());
    // None at all is no sender.
    assert!(
        read_google(&json!({"email": null}))
            .unwrap()
            .grants
            .is_empty()
    );
    assert!(
        read_google(&json!({"email": "no address"}))
            .unwrap()
            .grants
            .is_empty()
    );
}

#[test]
fn a_sign_in_that_is_too_old_is_begun_again() {
    let age = |at: Value| {
        let max_age = Some(Duration::from_mins(10));
        read_of(
            json!({"sub": "1"}),
            &json!({ "auth_time": at }),
            &google_without_domain(),
            &Kind::Other,
            max_age,
        )
    };
    assert_eq!(
        age(json!(NOW - 659)).unwrap().auth_time,
        Some(now() - Duration::from_secs(659))
    );
    assert_eq!(
        age(json!(NOW - 661)).unwrap_err(),
        OidcError::TryAgain(Again::TooLongAgo)
    );
    for none in [json!(null), json!("now"), json!(-1), json!(1e300)] {
        let error = age(none.clone()).unwrap_err();
        assert_eq!(error, OidcError::Misconfigured(Mend::NoAuthTime), "{none}");
    }
}

fn google_without_domain() -> OidcConfig {
    OidcConfig {
        hosted_domain: None,
        ..google()
    }
}

#[test]
fn names_are_short_and_hide_nothing() {
    let person = read_google(
        &json!({"name": format!(" \u{202e}Pri\u{200b}ya\r\nNair {}", "x".repeat(500))}),
    )
    .unwrap();
    assert!(
        person.name.starts_with("PriyaNair x") && person.name.chars().count() <= 120,
        "{}",
        person.name
    );
    let debug = format!("{person:?}");
    assert!(
        !debug.contains("Priya") && !debug.contains("trust.example") && !debug.contains("1150"),
        "{debug}"
    );
}

#[test]
fn methods_are_kept_within_bounds() {
    let person = read_google(&json!({"amr": ["pwd", "mfa", 7, "y".repeat(100)]})).unwrap();
    assert_eq!(person.amr[..2], ["pwd", "mfa"]);
    assert_eq!(person.amr[2].len(), 32);
}
