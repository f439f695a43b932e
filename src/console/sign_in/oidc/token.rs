//! The checks of an ID token: signature, issuer, audience, times, nonce.
//!
//! # Invariants
//! Pure: the keys and the time are handed in. Only RS256, PS256 and ES256 are known, so that neither `none` nor a MAC made with a public key
//! passes; the algorithm must be the key's own. Nothing is taken from the header but `alg`, `kid`, `typ` and `crit`: keys that a token
//! brings along are not looked at. Whatever the text, nothing panics.
//!
//! # Standards
//! OpenID Connect Core 1.0 sections 3.1.3.7 and 3.1.3.6 (`at_hash`), RFC 7515 section 4.1.11 (`crit`), RFC 8725 (best practice).

use std::time::{Duration, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::error::Distrust;

/// Longest token; Entra's with 200 groups has 10 kB.
const TOKEN_AT_MOST: usize = 64 << 10;
/// How far two clocks may be apart.
pub(super) const LEEWAY: Duration = Duration::from_mins(1);

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// What a token is held against.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a str,
    /// When the sign-in began.
    pub(super) began_at: SystemTime,
    pub(super) now: SystemTime,
}

/// What the header says of the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    algorithm: Algorithm,
    /// The key's id.
    pub(super) key_id: Option<String>,
}

/// Reads the header; refuses what cannot be right whatever the keys are.
pub(super) fn header(token: &str) -> Result<Signed, Distrust> {
    if token.len() > TOKEN_AT_MOST || token.split('.').count() != 3 {
        return Err(Distrust::Form);
    }
    let part = token.split('.').next().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Distrust::Form)?;
    let header: Claims = serde_json::from_slice(&bytes).map_err(|_| Distrust::Form)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let algorithm = match text("alg") {
        Some("RS256") => Algorithm::RS256,
        Some("PS256") => Algorithm::PS256,
        Some("ES256") => Algorithm::ES256,
        _ => return Err(Distrust::Algorithm),
    };
    // A token of another kind says so (RFC 8725 section 3.11), and what is critical and not understood is refused.
    let is_jwt = match header.get("typ") {
        None => true,
        Some(kind) => kind
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("jwt")),
    };
    if !is_jwt || header.contains_key("crit") || header.contains_key("enc") {
        return Err(Distrust::Form);
    }
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(Distrust::Form),
    };
    Ok(Signed { algorithm, key_id })
}

/// The claims of a token that is signed by one of `keys` and is what was expected.
pub(super) fn check(
    token: &str,
    keys: &[Jwk],
    expected: &Expected<'_>,
) -> Result<Claims, Distrust> {
    let signed = header(token)?;
    let key = key(keys, &signed)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Distrust::Key)?;
    let mut validation = Validation::new(signed.algorithm);
    // The claims are looked at below, at the time that was handed in.
    validation.set_required_spec_claims::<&str>(&[]);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let data =
        jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|error| {
            match error.kind() {
                ErrorKind::InvalidSignature => Distrust::Signature,
                ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
                    Distrust::Algorithm
                }
                ErrorKind::InvalidKeyFormat | ErrorKind::InvalidRsaKey(_) => Distrust::Key,
                _ => Distrust::Form,
            }
        })?;
    look_at(&data.claims, expected)?;
    Ok(data.claims)
}

/// The one key that the header means.
fn key<'k>(keys: &'k [Jwk], signed: &Signed) -> Result<&'k Jwk, Distrust> {
    let mut meant = keys.iter().filter(|key| match &signed.key_id {
        Some(id) => key.common.key_id.as_ref() == Some(id),
        None => is_for(key, signed.algorithm),
    });
    let key = meant.next().ok_or(Distrust::Key)?;
    // Without an id one of several keys would be a guess.
    if signed.key_id.is_none() && meant.next().is_some() {
        return Err(Distrust::Key);
    }
    if is_for(key, signed.algorithm) {
        Ok(key)
    } else {
        Err(Distrust::Algorithm)
    }
}

/// Whether a key is made for an algorithm, by its kind and by what it says itself.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(algorithm, Algorithm::RS256 | Algorithm::PS256),
        AlgorithmParameters::EllipticCurve(curve) => {
            algorithm == Algorithm::ES256 && matches!(curve.curve, EllipticCurve::P256)
        }
        _ => false,
    };
    let named = match key.common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => algorithm == Algorithm::RS256,
        Some(KeyAlgorithm::PS256) => algorithm == Algorithm::PS256,
        Some(KeyAlgorithm::ES256) => algorithm == Algorithm::ES256,
        Some(_) => false,
    };
    kind && named
}

fn look_at(claims: &Claims, expected: &Expected<'_>) -> Result<(), Distrust> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(Distrust::Issuer);
    }
    audience(claims, expected.client_id)?;
    times(claims, expected)?;
    let nonce = text(claims, "nonce").unwrap_or_default();
    if !same(nonce, expected.nonce) {
        return Err(Distrust::Nonce);
    }
    match claims.get("at_hash") {
        None => Ok(()),
        Some(hash) if hash.as_str() == Some(&half_hash(expected.access_token)) => Ok(()),
        Some(_) => Err(Distrust::AccessTokenHash),
    }
}

fn audience(claims: &Claims, client_id: &str) -> Result<(), Distrust> {
    let (ours, others) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == client_id, false),
        Some(Value::Array(several)) => {
            let ours = several
                .iter()
                .any(|audience| audience.as_str() == Some(client_id));
            (ours, several.len() > 1)
        }
        _ => (false, false),
    };
    if !ours {
        return Err(Distrust::Audience);
    }
    match claims.get("azp") {
        None if others => Err(Distrust::AuthorizedParty),
        None => Ok(()),
        Some(party) if party.as_str() == Some(client_id) => Ok(()),
        Some(_) => Err(Distrust::AuthorizedParty),
    }
}

fn times(claims: &Claims, expected: &Expected<'_>) -> Result<(), Distrust> {
    let (now, leeway) = (seconds(expected.now), LEEWAY.as_secs_f64());
    let expires = number(claims, "exp").ok_or(Distrust::Expired)?;
    if now >= expires + leeway {
        return Err(Distrust::Expired);
    }
    let issued = number(claims, "iat").ok_or(Distrust::IssuedAt)?;
    if issued > now + leeway || issued < seconds(expected.began_at) - leeway {
        return Err(Distrust::IssuedAt);
    }
    match claims.get("nbf") {
        None => Ok(()),
        Some(_) if number(claims, "nbf").is_some_and(|begins| begins <= now + leeway) => Ok(()),
        Some(_) => Err(Distrust::NotBefore),
    }
}

/// A claim that is text.
pub(super) fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// A claim that is a finite number.
pub(super) fn number(claims: &Claims, name: &str) -> Option<f64> {
    claims
        .get(name)
        .and_then(Value::as_f64)
        .filter(|number| number.is_finite())
}

/// Seconds since 1970; 0 before.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// Compares without telling by its time where two texts differ; nothing equals an empty one.
pub(super) fn same(found: &str, expected: &str) -> bool {
    !expected.is_empty() && verify_slices_are_equal(found.as_bytes(), expected.as_bytes()).is_ok()
}

/// The left half of the SHA-256, as `at_hash` has it for the three algorithms.
fn half_hash(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
