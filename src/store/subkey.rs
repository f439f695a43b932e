//! Secrets that other floors derive from the store's, so that one key file protects them all.

use aws_lc_rs::hmac;

use super::Custody;
use super::seal::DataKey;

/// Keys the hashes that are compared, derived from the store's own secret.
pub(super) fn index_key(secret: &DataKey) -> hmac::Key {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let index = hmac::sign(&secret, b"beadle index 1");
    hmac::Key::new(hmac::HMAC_SHA256, index.as_ref())
}

impl Custody {
    /// A 16-byte secret for one purpose: the same for the same store and label, and telling nothing about other secrets.
    pub fn subkey(&self, label: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.index, format!("beadle subkey {label}").as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&tag.as_ref()[..16]);
        key
    }
}
