//! Text that goes out in an address and comes back: sealed, so that neither a log nor a browser's history tells what somebody searched for.
//!
//! # Invariants
//! What is sealed opens in the same sign-in only, and for the same purpose. Its length tells about the length of the text and nothing else.
//!
//! # Standards
//! AES-128-GCM (NIST SP 800-38D) with random nonces; RFC 4648 section 5.

use aws_lc_rs::aead::{AES_128_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::refusal::Refusal;
use super::signed::Signed;
use super::site::Site;

/// Longest text that is sealed, in bytes: it stands in an address.
pub const LONGEST: usize = 400;

/// Texts are filled up to a multiple of this, so that their length tells little.
const STEP: usize = 32;

/// Seals a text for this sign-in; one of more than [`LONGEST`] bytes is none of ours.
pub fn seal(site: &Site, signed: &Signed, purpose: &str, text: &str) -> Result<String, Refusal> {
    let fault = |_| Refusal::Fault("seal");
    if text.len() > LONGEST {
        return Err(Refusal::TooLarge);
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(STEP), 0);
    let nonce = key(site)
        .map_err(fault)?
        .seal_in_place_append_tag(about(signed, purpose), &mut bytes)
        .map_err(fault)?;
    let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
    Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens what [`seal`] made in this sign-in for this purpose.
pub fn open(site: &Site, signed: &Signed, purpose: &str, sealed: &str) -> Option<String> {
    if sealed.len() > 2 * LONGEST {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut rest = rest.to_vec();
    let about = about(signed, purpose);
    let plain = key(site)
        .ok()?
        .open_in_place(nonce, about, &mut rest)
        .ok()?;
    let end = plain.iter().position(|byte| *byte == 0)?;
    String::from_utf8(plain.get(..end)?.to_vec()).ok()
}

fn key(site: &Site) -> Result<RandomizedNonceKey, aws_lc_rs::error::Unspecified> {
    RandomizedNonceKey::new(&AES_128_GCM, &site.store().subkey("console sealed"))
}

fn about(signed: &Signed, purpose: &str) -> Aad<Vec<u8>> {
    Aad::from([signed.token_sha256.as_slice(), purpose.as_bytes()].concat())
}
