//! Settings that are refused, with their mends.

use std::io::Write as _;

use super::*;

pub(super) const TENANT: &str = "9f0c1a52-6b1d-4c58-8a30-2d7e4b61f0aa";

fn entra() -> OidcConfig {
    OidcConfig {
        id: "entra".to_owned(),
        issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        client_id: "0c7d".to_owned(),
        client_secret_env: "X".to_owned(),
        address_claim: "preferred_username".to_owned(),
        ..OidcConfig::default()
    }
}

fn google() -> OidcConfig {
    OidcConfig {
        id: "google".to_owned(),
        issuer: "https://accounts.google.com".to_owned(),
        address_claim: "email".to_owned(),
        hosted_domain: Some("trust.example".to_owned()),
        ..entra()
    }
}

#[test]
fn the_kinds_are_told_by_their_issuers() {
    assert_eq!(entra().check(), Ok(Kind::Entra(TENANT.to_owned())));
    assert_eq!(google().check(), Ok(Kind::Google));
    let other = OidcConfig {
        issuer: "https://idp.trust.example/".to_owned(),
        ..google()
    };
    assert_eq!(other.check(), Ok(Kind::Other));
    let here = OidcConfig {
        issuer: "http://127.0.0.1:9000/x".to_owned(),
        ..google()
    };
    assert_eq!(here.check(), Ok(Kind::Other));
}

#[test]
fn each_wrong_setting_is_named() {
    type Change = fn(&mut OidcConfig);
    let wrong: [(&str, Change); 19] = [
        ("id", |c| c.id = "Entra ID".to_owned()),
        ("client_id", |c| c.client_id.clear()),
        ("issuer", |c| {
            c.issuer = "https://login.microsoftonline.com/common/v2.0".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "https://login.microsoftonline.com/organizations/v2.0".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "https://login.microsoftonline.com/consumers/v2.0".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "https://login.microsoftonline.com/trust.example/v2.0".to_owned();
        }),
        ("issuer", |c| c.issuer.push('/')),
        ("issuer", |c| c.issuer = c.issuer.replace("/v2.0", "")),
        ("issuer", |c| {
            c.issuer = "https://accounts.google.com/".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "http://idp.trust.example".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "https://user:word@idp.trust.example".to_owned();
        }),
        ("issuer", |c| {
            c.issuer = "https://idp.trust.example/.well-known/openid-configuration".to_owned();
        }),
        ("scopes", |c| c.scopes = vec!["profile".to_owned()]),
        ("scopes", |c| c.scopes.push("offline_access".to_owned())),
        ("address_claim", |c| c.address_claim = "email".to_owned()),
        ("address_claim", |c| c.address_claim = "nickname".to_owned()),
        ("address_claim", |c| {
            (c.address_claim, c.senders) = (String::new(), true);
        }),
        ("client_secret_file", |c| c.client_secret_env.clear()),
        ("hosted_domain", |c| {
            c.hosted_domain = Some("@Trust.example".to_owned());
        }),
    ];
    for (key, change) in wrong {
        let mut config = entra();
        change(&mut config);
        let error = config.check().unwrap_err();
        assert_eq!(error.key, key, "{error}");
    }
    let open = OidcConfig {
        hosted_domain: None,
        ..google()
    };
    assert_eq!(open.check().unwrap_err().key, "hosted_domain");
}

#[test]
fn grants_name_roles_that_there_are() {
    let grant = |value: &str, role: &str, schools: &[&str]| OidcGrant {
        value: value.to_owned(),
        role: role.to_owned(),
        schools: schools.iter().map(|&id| id.to_owned()).collect(),
    };
    for (found, key) in [
        (grant("Beadle.DPO", "dpo", &[]), None),
        (grant("Beadle.Head.Ash", "head", &["ash"]), None),
        (grant("", "dpo", &[]), Some("grants.value")),
        (grant("x", "admin", &[]), Some("grants.role")),
        (grant("x", "head", &[]), Some("grants.schools")),
        (grant("x", "sender", &["ash"]), Some("grants.schools")),
    ] {
        let config = OidcConfig {
            grants: vec![found],
            ..entra()
        };
        assert_eq!(config.check().err().map(|error| error.key), key);
    }
}

#[test]
fn the_secret_is_one_word_in_a_file_of_ones_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"s3cret~value\n").unwrap();
    let config = OidcConfig {
        client_secret_file: Some(file.path().to_owned()),
        ..entra()
    };
    assert_eq!(config.secret().unwrap().as_str(), "s3cret~value");
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = config.secret().unwrap_err().to_string();
    assert!(
        error.contains("mode 0644") && !error.contains("s3cret"),
        "{error}"
    );
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    file.write_all(b"another word\n").unwrap();
    let error = config.secret().unwrap_err().to_string();
    assert!(
        error.contains("one word") && !error.contains("s3cret"),
        "{error}"
    );
    let absent = OidcConfig {
        client_secret_env: "BEADLE_NO_SUCH_VARIABLE".to_owned(),
        ..entra()
    };
    assert_eq!(absent.secret().unwrap_err().key, "client_secret_env");
}

#[test]
fn people_come_back_to_an_address_with_tls() {
    for good in [
        "https://beadle.trust.example/sign-in/entra",
        "http://localhost:8080/x",
        "http://[::1]/x",
    ] {
        assert!(redirect(good).is_ok(), "{good}");
    }
    for bad in [
        "http://beadle.trust.example/x",
        "https://a.example/#x",
        "/sign-in",
        "",
    ] {
        assert_eq!(redirect(bad).unwrap_err().key, "redirect_uri", "{bad}");
    }
}

#[test]
fn unknown_keys_are_refused_and_defaults_fill_up() {
    let read: OidcConfig =
        toml::from_str("id = \"google\"\n[[grants]]\nvalue = \"x\"\nrole = \"dpo\"").unwrap();
    assert_eq!(read.scopes, ["openid", "profile", "email"]);
    assert_eq!(read.grants[0].role, "dpo");
    assert!(toml::from_str::<OidcConfig>("client_secret = \"x\"").is_err());
}
