//! A forged token for each check, and any text at all.

use std::time::Duration;

use jsonwebtoken::Header;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::console::sign_in::oidc::forge::{
    ACCESS, CLIENT, ISSUER, Key, NONCE, NOW, claims, now, with,
};

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: NONCE,
        access_token: ACCESS,
        began_at: now() - Duration::from_secs(30),
        now: now(),
    }
}

fn checked(key: &Key, token: &str) -> Result<Claims, Distrust> {
    check(token, &[key.public()], &expected())
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_right_token_passes_by_each_algorithm() {
    let keys = [
        Key::rsa("a", Algorithm::RS256),
        Key::rsa("b", Algorithm::PS256),
        Key::ec("c"),
    ];
    let published: Vec<Jwk> = keys.iter().map(Key::public).collect();
    for key in &keys {
        let read = check(&key.sign(&claims()), &published, &expected()).unwrap();
        assert_eq!(text(&read, "sub"), Some("24400320"));
    }
}

#[test]
fn each_wrong_claim_is_refused_for_its_own_reason() {
    let key = Key::ec("k");
    let wrong: Vec<(&str, Value, Distrust)> = vec![
        ("iss", json!("https://idp.example/t/"), Distrust::Issuer),
        ("iss", json!(["https://idp.example/t"]), Distrust::Issuer),
        ("iss", Value::Null, Distrust::Issuer),
        ("aud", json!("another-app"), Distrust::Audience),
        ("aud", json!([]), Distrust::Audience),
        ("aud", json!({"a": CLIENT}), Distrust::Audience),
        ("aud", Value::Null, Distrust::Audience),
        (
            "aud",
            json!([CLIENT, "another-app"]),
            Distrust::AuthorizedParty,
        ),
        ("azp", json!("another-app"), Distrust::AuthorizedParty),
        ("azp", json!(7), Distrust::AuthorizedParty),
        ("exp", json!(NOW - 61), Distrust::Expired),
        ("exp", json!("tomorrow"), Distrust::Expired),
        ("exp", Value::Null, Distrust::Expired),
        ("iat", json!(NOW + 61), Distrust::IssuedAt),
        ("iat", json!(NOW - 91), Distrust::IssuedAt),
        ("iat", Value::Null, Distrust::IssuedAt),
        ("nbf", json!(NOW + 61), Distrust::NotBefore),
        ("nbf", json!("now"), Distrust::NotBefore),
        ("nonce", json!("of another sign-in"), Distrust::Nonce),
        ("nonce", json!(""), Distrust::Nonce),
        ("nonce", Value::Null, Distrust::Nonce),
        (
            "at_hash",
            json!(half_hash("another token")),
            Distrust::AccessTokenHash,
        ),
        ("at_hash", json!(7), Distrust::AccessTokenHash),
    ];
    for (name, value, reason) in wrong {
        let token = key.sign(&with(name, value.clone()));
        assert_eq!(checked(&key, &token), Err(reason), "{name} = {value}");
    }
}

#[test]
fn what_is_allowed_passes() {
    let key = Key::ec("k");
    let right = [
        ("aud", json!([CLIENT])),
        ("azp", json!(CLIENT)),
        ("exp", json!(NOW - 59)),
        ("iat", json!(NOW + 59)),
        ("iat", json!(NOW - 89)),
        ("nbf", json!(NOW + 59)),
        ("at_hash", json!(half_hash(ACCESS))),
    ];
    for (name, value) in right {
        let token = key.sign(&with(name, value.clone()));
        assert!(checked(&key, &token).is_ok(), "{name} = {value}");
    }
    let mut both = with("aud", json!([CLIENT, "another-app"]));
    both["azp"] = json!(CLIENT);
    assert!(checked(&key, &key.sign(&both)).is_ok());
}

#[test]
fn at_hash_is_that_of_the_standard() {
    // OpenID Connect Core 1.0, appendix A.3.
    assert_eq!(
        half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
}

#[test]
fn none_and_macs_are_refused() {
    let key = Key::rsa("k", Algorithm::RS256);
    for algorithm in ["none", "None", "HS256", "HS512", "RS1", "RS512", "EdDSA"] {
        let token = format!(
            "{}.{}.",
            encoded(&json!({"alg": algorithm, "kid": "k"})),
            encoded(&claims())
        );
        assert_eq!(
            checked(&key, &token),
            Err(Distrust::Algorithm),
            "{algorithm}"
        );
    }
    // The classic: the public key used as the secret of a MAC.
    let public = serde_json::to_string(&key.public()).unwrap();
    let mac = jsonwebtoken::EncodingKey::from_secret(public.as_bytes()).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k".to_owned());
    let token = jsonwebtoken::encode(&header, &claims(), &mac).unwrap();
    assert_eq!(checked(&key, &token), Err(Distrust::Algorithm));
}

#[test]
fn the_algorithm_is_the_keys_own() {
    let (rsa, ec) = (Key::rsa("k", Algorithm::RS256), Key::ec("k"));
    // An RSA signature that names the elliptic key, and a PSS one by a key for RS256.
    assert_eq!(
        check(&rsa.sign(&claims()), &[ec.public()], &expected()),
        Err(Distrust::Algorithm)
    );
    let pss = Key::rsa("k", Algorithm::PS256);
    assert_eq!(
        check(&pss.sign(&claims()), &[rsa.public()], &expected()),
        Err(Distrust::Algorithm)
    );
    // A key that does not say its algorithm is good for both.
    let mut open = rsa.public();
    open.common.key_algorithm = None;
    assert!(check(&pss.sign(&claims()), &[open], &expected()).is_ok());
}

#[test]
fn the_key_is_the_providers_own() {
    let (key, stranger) = (Key::rsa("k", Algorithm::RS256), Key::stranger("k"));
    assert_eq!(
        checked(&key, &stranger.sign(&claims())),
        Err(Distrust::Signature)
    );
    let other = Key::stranger("other");
    assert_eq!(checked(&key, &other.sign(&claims())), Err(Distrust::Key));
    assert_eq!(
        check(&key.sign(&claims()), &[], &expected()),
        Err(Distrust::Key)
    );
    // A key that the token brings along is not looked at.
    let brought = other.sign_with(&claims(), |header| {
        header.jwk = Some(other.public());
        header.kid = Some("k".to_owned());
    });
    assert_eq!(checked(&key, &brought), Err(Distrust::Signature));
}

#[test]
fn a_token_without_key_id_needs_a_single_key() {
    let (a, b) = (Key::rsa("a", Algorithm::RS256), Key::stranger("b"));
    let token = a.sign_with(&claims(), |header| header.kid = None);
    assert!(checked(&a, &token).is_ok());
    assert!(check(&token, &[a.public(), Key::ec("c").public()], &expected()).is_ok());
    assert_eq!(
        check(&token, &[a.public(), b.public()], &expected()),
        Err(Distrust::Key)
    );
}

#[test]
fn tokens_of_other_kinds_are_refused() {
    let key = Key::ec("k");
    for kind in ["at+jwt", "logout+jwt", "JOSE"] {
        let token = key.sign_with(&claims(), |header| header.typ = Some(kind.to_owned()));
        assert_eq!(checked(&key, &token), Err(Distrust::Form), "{kind}");
    }
    let token = key.sign_with(&claims(), |header| {
        header.crit = Some(vec!["exp".to_owned()]);
    });
    assert_eq!(checked(&key, &token), Err(Distrust::Form));
    for header in [json!({"alg": "ES256", "kid": 7}), json!([]), json!("ES256")] {
        let token = format!("{}.{}.AA", encoded(&header), encoded(&claims()));
        assert_eq!(checked(&key, &token), Err(Distrust::Form), "{header}");
    }
}

#[test]
fn changed_claims_break_the_signature() {
    let key = Key::ec("k");
    let token = key.sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let forged = format!(
        "{}.{}.{}",
        parts[0],
        encoded(&with("sub", "another")),
        parts[2]
    );
    assert_eq!(checked(&key, &forged), Err(Distrust::Signature));
    for token in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.x"),
        String::new(),
    ] {
        assert!(checked(&key, &token).is_err(), "{token}");
    }
    let long = format!("{}.{}.{}", parts[0], "A".repeat(TOKEN_AT_MOST), parts[2]);
    assert_eq!(checked(&key, &long), Err(Distrust::Form));
}

proptest! {
    #[test]
    fn no_text_makes_the_checks_panic(token in "\\PC{0,200}", header in ".{0,60}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let keys = [Key::rsa("k", Algorithm::RS256).public()];
        prop_assert!(check(&token, &keys, &expected()).is_err());
        let half = format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(&body));
        prop_assert!(check(&half, &keys, &expected()).is_err());
        let known = format!("{}.{}.{}", encoded(&json!({"alg": "RS256", "kid": "k"})), URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(&body));
        prop_assert!(check(&known, &keys, &expected()).is_err());
    }

    #[test]
    fn no_signed_claims_make_the_checks_panic(name in "iss|aud|azp|exp|iat|nbf|nonce|at_hash|sub", number in any::<f64>(), text in ".{0,40}", which in 0..5u8) {
        let key = Key::rsa("k", Algorithm::RS256);
        let value = match which {
            0 => json!(number),
            1 => json!(text),
            2 => json!([text, number]),
            3 => json!({ "a": text }),
            _ => Value::Bool(true),
        };
        let _ = checked(&key, &key.sign(&with(&name, value)));
    }
}
