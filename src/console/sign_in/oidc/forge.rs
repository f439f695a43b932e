//! Keys and tokens made by the tests, right or wrong in one way.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub(super) const ISSUER: &str = "https://idp.example/t";
pub(super) const CLIENT: &str = "beadle-console";
pub(super) const NONCE: &str = "the-nonce-of-this-sign-in";
pub(super) const ACCESS: &str = "an-access-token";
/// When everything happens: 2026-11-28.
pub(super) const NOW: u64 = 1_795_800_000;

pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A key of the provider's.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) id: &'static str,
    secret: EncodingKey,
}

impl Key {
    pub(super) fn rsa(id: &'static str, algorithm: Algorithm) -> Self {
        static PAIR: OnceLock<Vec<u8>> = OnceLock::new();
        let der = PAIR.get_or_init(rsa_der);
        Self {
            algorithm,
            id,
            secret: EncodingKey::from_rsa_der(der),
        }
    }

    /// Another RSA key.
    pub(super) fn stranger(id: &'static str) -> Self {
        static PAIR: OnceLock<Vec<u8>> = OnceLock::new();
        let der = PAIR.get_or_init(rsa_der);
        Self {
            algorithm: Algorithm::RS256,
            id,
            secret: EncodingKey::from_rsa_der(der),
        }
    }

    pub(super) fn ec(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self {
            algorithm: Algorithm::ES256,
            id,
            secret: EncodingKey::from_ec_der(der.as_ref()),
        }
    }

    pub(super) fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| ())
    }

    pub(super) fn sign_with(&self, claims: &Value, change: impl Fn(&mut Header)) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.to_owned());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.secret).unwrap()
    }
}

fn rsa_der() -> Vec<u8> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // jsonwebtoken takes the PKCS#1 key inside, which for 2,048 bits begins at byte 26.
    let inner = &pkcs8.as_ref()[26..];
    assert_eq!(inner[..2], [0x30, 0x82]);
    inner.to_vec()
}

/// Claims that are right.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "24400320", "nonce": NONCE,
        "iat": NOW - 5, "exp": NOW + 3600, "name": "Priya Nair",
    })
}

/// The same with one claim changed, or removed by a null.
pub(super) fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    match value.into() {
        Value::Null => _ = claims.as_object_mut().unwrap().remove(name),
        value => claims[name] = value,
    }
    claims
}
