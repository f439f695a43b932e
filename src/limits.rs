//! Ceilings on everything a stranger controls, and the budget of one message that is handed down and spent.
//!
//! # Invariants
//! A limit that is hit is a fact for policy, never a silent cut. Work is bounded by bytes produced, not by
//! sizes a file declares. The pure floors read no clock: the shell raises [`Budget::cancel`]'s flag when time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Configured ceilings. Defaults and their sources are in the table of `docs/ARCHITECTURE.md`, Limits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest message accepted, in bytes.
    pub message_bytes: usize,
    /// Recipients of one transaction; more are answered 452 4.5.3.
    pub recipients: usize,
    /// MIME parts of one message.
    pub mime_parts: usize,
    /// Nesting of multiparts and messages.
    pub mime_depth: usize,
    /// Nesting of encodings (base64 within base64) that the sweep of raw bytes follows.
    pub encoded_nesting: usize,
    /// Nesting of containers (an archive in an archive in a message).
    pub container_depth: usize,
    /// Files unpacked from one message.
    pub files: usize,
    /// Bytes unpacked from one file.
    pub file_bytes: u64,
    /// Bytes unpacked from one message.
    pub unpacked_bytes: u64,
    /// Expansion allowed once `ratio_grace_bytes` were produced: bytes out for each byte in.
    pub ratio: u64,
    /// Bytes that may come out before `ratio` counts.
    pub ratio_grace_bytes: u64,
    /// Text taken from one file, in bytes.
    pub file_text_bytes: usize,
    /// Text taken from one message, in bytes.
    pub text_bytes: usize,
    /// Findings kept of one message; counts of distinct people and values go on beyond it.
    pub findings: usize,
    /// Pictures of one message that are read by OCR.
    pub ocr_pictures: usize,
    /// Pixels of them together.
    pub ocr_pixels: u64,
    /// Words of a message's own text that are tried as passwords on what it attaches; as many again from its attachments.
    pub password_candidates: usize,
    /// Milliseconds of work that trying them may cost, by the cost of each format's key derivation.
    pub password_ms: u64,
    /// Seconds that judging one message may take.
    pub scan_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            message_bytes: 50 * MIB,
            recipients: 1_000,
            mime_parts: 1_000,
            mime_depth: 32,
            encoded_nesting: 6,
            container_depth: 8,
            files: 2_000,
            file_bytes: 100 * MIB as u64,
            unpacked_bytes: 400 * MIB as u64,
            ratio: 200,
            ratio_grace_bytes: 10 * MIB as u64,
            file_text_bytes: 32 * MIB,
            text_bytes: 64 * MIB,
            findings: 10_000,
            ocr_pictures: 20,
            ocr_pixels: 40_000_000,
            password_candidates: 32,
            password_ms: 4_000,
            scan_seconds: 25,
        }
    }
}

/// What one message may still cost. Cheap to clone; clones spend the same budget.
#[derive(Debug, Clone)]
pub struct Budget {
    /// The ceilings this budget was made from.
    pub limits: Arc<Limits>,
    spent: Arc<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    cancelled: Arc<AtomicBool>,
    unpacked: AtomicU64,
    text: AtomicUsize,
    files: AtomicUsize,
    pictures: AtomicUsize,
    pixels: AtomicU64,
    passwords: AtomicU64,
}

impl Budget {
    /// A full budget under these ceilings.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            spent: Arc::default(),
        }
    }

    /// Says that time is up; every stage stops at its next check and reports what it left undone.
    pub fn cancel(&self) {
        self.spent.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether time is up.
    pub fn is_cancelled(&self) -> bool {
        self.spent.cancelled.load(Ordering::Relaxed)
    }

    /// The same ceilings and the same end of time, but a spending of its own: for what may turn out to be nothing, such as a try with
    /// a wrong password.
    #[must_use]
    pub fn scratch(&self) -> Self {
        Self {
            limits: Arc::clone(&self.limits),
            spent: Arc::new(Spent {
                cancelled: Arc::clone(&self.spent.cancelled),
                ..Spent::default()
            }),
        }
    }

    /// Spends one unpacked file; `false` when none is left.
    pub fn take_file(&self) -> bool {
        self.spent.files.fetch_add(1, Ordering::Relaxed) < self.limits.files
    }

    /// Spends `bytes` of unpacking; `false` when the message's allowance is gone.
    pub fn take_unpacked(&self, bytes: u64) -> bool {
        self.spent
            .unpacked
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes)
            <= self.limits.unpacked_bytes
    }

    /// Spends `bytes` of text; `false` when the message's allowance is gone.
    pub fn take_text(&self, bytes: usize) -> bool {
        self.spent
            .text
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes)
            <= self.limits.text_bytes
    }
}

/// What is left.
impl Budget {
    /// Whether the message's allowance of text is gone: what is read from now on would only be dropped.
    pub fn is_text_spent(&self) -> bool {
        self.spent.text.load(Ordering::Relaxed) >= self.limits.text_bytes
    }
}

/// Reading of pictures.
impl Budget {
    /// Spends one picture of this many pixels; `false` when it is too much for what is left.
    pub fn take_picture(&self, pixels: u64) -> bool {
        if self.pictures_left() == 0 || pixels > self.pixels_left() {
            return false;
        }
        self.spent.pictures.fetch_add(1, Ordering::Relaxed);
        self.spent.pixels.fetch_add(pixels, Ordering::Relaxed);
        true
    }

    /// Pictures that may still be read.
    pub fn pictures_left(&self) -> usize {
        let spent = self.spent.pictures.load(Ordering::Relaxed);
        self.limits.ocr_pictures.saturating_sub(spent)
    }

    /// Pixels that may still be read.
    pub fn pixels_left(&self) -> u64 {
        let spent = self.spent.pixels.load(Ordering::Relaxed);
        self.limits.ocr_pixels.saturating_sub(spent)
    }
}

/// Work of trying passwords.
impl Budget {
    /// Spends `micros` of work on one try; `false` when it may not be made. A word that only might be a password (`guess`) may use half
    /// of the allowance, so that the words which the message calls passwords can be tried on every file.
    pub fn take_try(&self, micros: u64, guess: bool) -> bool {
        let whole = self.limits.password_ms.saturating_mul(1_000);
        let allowance = if guess { whole / 2 } else { whole };
        let spent = self.spent.passwords.load(Ordering::Relaxed);
        if spent.saturating_add(micros) > allowance {
            return false;
        }
        self.spent.passwords.fetch_add(micros, Ordering::Relaxed);
        true
    }

    /// Work spent on tries so far, in microseconds.
    pub fn tried(&self) -> u64 {
        self.spent.passwords.load(Ordering::Relaxed)
    }

    /// Charges tries that another process made.
    pub fn charge_tries(&self, micros: u64) {
        self.spent.passwords.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_spend_one_budget() {
        let limits = Limits {
            files: 2,
            unpacked_bytes: 10,
            text_bytes: 10,
            ..Limits::default()
        };
        let budget = Budget::new(Arc::new(limits));
        let other = budget.clone();
        assert!(budget.take_file() && other.take_file() && !budget.take_file());
        assert!(budget.take_unpacked(6) && !other.take_unpacked(6));
        assert!(!other.is_text_spent());
        assert!(budget.take_text(10) && !other.take_text(1) && other.is_text_spent());
        assert!(budget.take_picture(30_000_000) && !other.take_picture(10_000_001));
        assert_eq!(
            (other.pictures_left(), other.pixels_left()),
            (19, 10_000_000)
        );
        assert!(budget.take_try(2_000_000, true) && !other.take_try(1, true));
        assert!(other.take_try(2_000_000, false) && !budget.take_try(1, false));
        other.cancel();
        assert!(budget.is_cancelled());
    }
}
