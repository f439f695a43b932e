//! Encrypted Office documents: opened with the passwords that are built into Office or travel with the message, or said to be protected.
//!
//! # Invariants
//! A document that opens for everybody is no protection. Documents of Office 2003 and before are under RC4 or an exclusive-or: closed, they are
//! unread and their protection is only apparent. What claims to be encrypted and could not be confirmed is opaque and unread.
//!
//! # Standards
//! MS-OFFCRYPTO 2.3.4 (Standard, Agile, Extensible), 2.3.5 and 2.3.6 (RC4), 2.3.7 (XOR); the passwords: MS-OFFCRYPTO 2.4.2.3 and MS-XLS 2.2.10
//! ("VelvetSweatshop"), Apache POI's `Decryptor` for PowerPoint's.
//!
//! # Known gaps
//! Word's XOR and documents of Word 95 and Excel 95 are not decrypted.

use msoffice_crypto::{
    Classification, Document, Family, classify, decrypt_binary_office, decrypt_ooxml,
};

use crate::extract::cfb;
use crate::extract::content::{Location, ProtectionState, UnreadReason};
use crate::extract::gather::Gather;
use crate::extract::password::{self, TRAVELS};
use crate::extract::read;

const KIND: &str = "application/x-encrypted-office";
/// Opens a workbook that is encrypted only to guard its structure, and one whose author wanted no password.
const BUILT_IN: [&str; 2] = ["VelvetSweatshop", "/01Hannes Ruescher/01"];
/// Rounds of the key derivation beyond which nothing is tried: ten times what Office writes.
const MOST_ROUNDS: u32 = 1_000_000;
/// Nanoseconds of one round (measured: 100,000 rounds of SHA-512 in 60 ms).
const ROUND_NANOS: u64 = 600;
/// Rounds of Office 2007, which the format fixes.
const STANDARD_ROUNDS: u32 = 50_000;
/// Microseconds of one try on an older document, which derives its key in one round.
const TRY_OLD: u64 = 500;

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let in_order = cfb::in_order(bytes);
    let bytes = in_order.as_deref().unwrap_or(bytes);
    let class = classify(bytes);
    let Some(cost) = cost(&class) else {
        opaque(gather, location);
        return;
    };
    let package = class.document == Document::OoxmlPackage;
    let open = |word: &str| {
        let opened = if package {
            decrypt_ooxml(bytes, word)
        } else {
            decrypt_binary_office(bytes, word)
        };
        opened.ok()
    };
    let (plain, reason) = if let Some(plain) = BUILT_IN.iter().find_map(|word| open(word)) {
        (plain, "Office opens the document without asking")
    } else if let Some(plain) =
        password::attempt(gather, cost + bytes.len() as u64 / 200, |word| open(word))
    {
        (plain, TRAVELS)
    } else {
        closed(gather, location, package);
        return;
    };
    gather.protect(location, ProtectionState::Apparent, reason);
    if gather.budget.take_unpacked(plain.len() as u64) {
        read::opened(gather, location, &plain, depth + 1);
    } else {
        gather.unread(location, UnreadReason::TooBig, KIND);
    }
}

/// Microseconds of one try; `None` when the encryption is none that is known.
fn cost(class: &Classification) -> Option<u64> {
    let rounds = match (class.document, class.family) {
        (Document::OoxmlPackage, Family::Agile) => {
            class.password_key.and_then(|key| key.spin_count)?
        }
        (Document::OoxmlPackage, Family::Standard) => STANDARD_ROUNDS,
        (Document::OoxmlPackage, _) => return None,
        (_, Family::Rc4CryptoApi | Family::Rc4 | Family::XorObfuscation) => return Some(TRY_OLD),
        _ => return None,
    };
    (rounds <= MOST_ROUNDS).then(|| u64::from(rounds) * ROUND_NANOS / 1_000 + 1_000)
}

fn opaque(gather: &mut Gather<'_>, location: &Location) {
    gather.protect(
        location,
        ProtectionState::Opaque,
        "encryption that could not be confirmed",
    );
    gather.unread(location, UnreadReason::Unsupported, KIND);
}

fn closed(gather: &mut Gather<'_>, location: &Location, package: bool) {
    if package {
        gather.protect(
            location,
            ProtectionState::Password,
            "Office document encrypted with AES",
        );
    } else {
        gather.protect(
            location,
            ProtectionState::Apparent,
            "Office document under a cipher that can be broken",
        );
        gather.unread(location, UnreadReason::Unsupported, KIND);
    }
}
