//! How a local account proves itself: a password, a one-time code, and codes for the day the telephone is lost.
//!
//! # Invariants
//! Checking takes as long for an account that is not there as for one that is. Codes are compared in constant time.
//!
//! # Standards
//! RFC 9106 (argon2id), RFC 6238 and 4226 (one-time codes: SHA-1, 30 seconds, 6 digits, which every authenticator app takes), NIST SP 800-63B 5.1.1.2
//! (passwords of people: at least 15 characters where they stand alone, no rules of composition).

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// Fewest characters of a password.
pub const SHORTEST: usize = 14;
/// Most bytes of a password: argon2 takes any number, and a form does not.
pub const LONGEST: usize = 1_024;
/// Seconds of a step of one-time codes.
const STEP: u64 = 30;
/// Steps before and after the present one whose codes are taken: clocks differ, and people type slowly.
const DRIFT: u16 = 1;
/// Memory in KiB, passes and lanes of argon2id: RFC 9106 section 4, second choice.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// Letters and digits that nobody takes for another.
const PLAIN: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why no credentials were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The password is too short or too long.
    #[error("a password has {SHORTEST} to {LONGEST} characters")]
    Length,
    /// The system gave no random numbers.
    #[error("no random numbers")]
    Random,
    /// The login cannot stand in an authenticator app.
    #[error("this login cannot stand in an authenticator app")]
    Name,
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash,
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    // These are within argon2's bounds; its defaults would do otherwise.
    let params = Params::new(memory, passes, lanes, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password as a PHC string. It takes 64 MiB and a good tenth of a second.
pub fn hash_password(password: &str) -> Result<String, CredentialError> {
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(CredentialError::Length);
    }
    hashed(password)
}

fn hashed(password: &str) -> Result<String, CredentialError> {
    let hash = argon2().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| CredentialError::Hash)
}

/// Whether this is the password of this hash; without a hash the same work is done, and it is not.
pub fn verify_password(phc: Option<&str>, password: &str) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = || hashed("there is no such account").unwrap_or_default();
    let known = phc.is_some();
    // Made for everybody: the first name that is not there would otherwise take longer than one that is.
    let nobody = NOBODY.get_or_init(nobody);
    let phc = phc.unwrap_or(nobody);
    let right = PasswordHash::new(phc).is_ok_and(|hash| {
        password.len() <= LONGEST && argon2().verify_password(password.as_bytes(), &hash).is_ok()
    });
    known && right
}

/// A new password: 24 letters and digits, 120 random bits, in groups that can be read aloud.
pub fn new_password() -> Result<Zeroizing<String>, CredentialError> {
    grouped(24, 6)
}

/// A new recovery code: 16 letters and digits, 80 random bits.
pub fn recovery_code() -> Result<Zeroizing<String>, CredentialError> {
    grouped(16, 4)
}

/// The hash that is kept of a recovery code, however it was typed.
pub fn recovery_sha256(code: &str) -> [u8; 32] {
    let plain: Zeroizing<String> = Zeroizing::new(
        code.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect(),
    );
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, plain.as_bytes()).as_ref());
    hash
}

fn grouped(length: usize, group: usize) -> Result<Zeroizing<String>, CredentialError> {
    let mut random = Zeroizing::new(vec![0; length]);
    getrandom::fill(&mut random).map_err(|_| CredentialError::Random)?;
    let mut text = Zeroizing::new(String::with_capacity(length + length / group));
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % group == 0 {
            text.push('-');
        }
        // 256 is a multiple of 32: every letter is as likely.
        let letter = PLAIN.get(usize::from(byte % 32)).copied();
        text.push(char::from(letter.unwrap_or(b'a')));
    }
    Ok(text)
}

/// A new secret of one-time codes: 160 bits (RFC 4226 section 4, R6).
pub fn new_totp() -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let mut secret = Zeroizing::new(vec![0; 20]);
    getrandom::fill(&mut secret).map_err(|_| CredentialError::Random)?;
    Ok(secret)
}

fn totp(secret: &[u8], issuer: Option<&str>, login: &str) -> Totp {
    // What the builder would refuse is the length of the secret, which is ours, and a colon in a name.
    Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_skew(DRIFT)
        .with_step_duration(STEP)
        .with_secret(secret.to_vec())
        .with_issuer(issuer)
        .with_account_name(login)
        .build_noncompliant()
}

/// The step whose code this is, within a minute of now.
pub fn verify_totp(secret: &[u8], code: &str, now: SystemTime) -> Option<i64> {
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let step = totp(secret, None, "").check(code, seconds)?;
    i64::try_from(step).ok()
}

/// What an authenticator app reads: <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>.
pub fn totp_uri(
    secret: &[u8],
    issuer: &str,
    login: &str,
) -> Result<Zeroizing<String>, CredentialError> {
    // A colon would end the issuer within the address.
    let issuer = issuer.replace(':', " ");
    let url = totp(secret, Some(&issuer), login).to_url();
    url.map(Zeroizing::new).map_err(|_| CredentialError::Name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238 appendix B, the last six of its eight digits.
        let at = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ];
        for (seconds, code) in at {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            let step = Some(i64::try_from(seconds / 30).unwrap());
            let later = |seconds| verify_totp(SECRET, code, now + Duration::from_secs(seconds));
            assert_eq!(later(0), step);
            assert_eq!(later(30), step);
            assert_eq!(later(90), None);
        }
        let now = UNIX_EPOCH + Duration::from_secs(59);
        for wrong in ["", "28708", "2870822", "２８７０８２", "28708x"] {
            assert_eq!(verify_totp(SECRET, wrong, now), None, "{wrong}");
        }
        let uri = totp_uri(SECRET, "Oak Trust", "kim").unwrap();
        assert!(
            uri.starts_with(
                "otpauth://totp/Oak%20Trust:kim?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            ),
            "{}",
            *uri
        );
    }

    #[test]
    fn a_password_is_right_or_wrong_and_nobody_has_one() {
        let phc = hash_password("fourteen characters").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{phc}");
        assert!(verify_password(Some(&phc), "fourteen characters"));
        assert!(!verify_password(Some(&phc), "fourteen character"));
        assert!(!verify_password(None, "there is no such account"));
        assert!(!verify_password(Some("no hash"), "fourteen characters"));
        assert_eq!(hash_password("short"), Err(CredentialError::Length));
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = recovery_code().unwrap();
        assert_eq!(code.len(), 19);
        let spaced = code.replace('-', " ").to_uppercase();
        assert_eq!(recovery_sha256(&code), recovery_sha256(&spaced));
        assert_ne!(new_password().unwrap(), new_password().unwrap());
    }
}
