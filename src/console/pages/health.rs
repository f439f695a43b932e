//! Whether all is well, and what to do when it is not.

use axum::extract::State;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::health::{self, Health};
use crate::console::doors::Doors;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::pages::parts::When;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The state of the service.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/health", Permission::SeeHealth, show)
}

#[derive(askama::Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    of: Health,
    bad: usize,
    room: String,
    held_since: Option<When>,
    queued_since: Option<When>,
}

async fn show(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let of = health::look(&site, &signed).await?;
    let frame = Frame::of(&site, &signed, "health-title", "/health");
    Ok(page(&HealthPage {
        bad: of.checks.iter().filter(|check| !check.good).count(),
        room: of.free_bytes.map_or_else(String::new, gibibytes),
        held_since: When::maybe(&site, of.oldest_held),
        queued_since: When::maybe(&site, of.oldest_queued),
        of,
        frame,
    }))
}

/// Bytes in GiB, to a tenth.
fn gibibytes(bytes: u64) -> String {
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_said_to_a_tenth() {
        assert_eq!(gibibytes(0), "0.0 GiB");
        assert_eq!(gibibytes(3 << 29), "1.5 GiB");
    }

    #[test]
    fn every_check_has_words_and_a_mend() {
        let words = crate::console::words::Words::english();
        for name in [
            "store",
            "next-hop",
            "readers",
            "roster",
            "room",
            "checkpoint",
            "policy",
            "notices",
            "certificate",
            "queue-age",
            "hold-age",
            "dead-letters",
        ] {
            for key in [format!("health-{name}"), format!("health-mend-{name}")] {
                assert!(words.has(&key), "{key}");
            }
        }
    }
}
