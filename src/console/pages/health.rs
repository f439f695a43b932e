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

    #[tokio::test]
    async fn what_is_not_well_comes_first_with_what_to_do() {
        use crate::console::pages::rehearsal::{bench, is_denied, signed, text};
        use crate::store::Role;
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let it = signed("i.tech", Role::It, &[]);
        let page = text(show(at(), it).await).await;
        assert!(page.contains("1 thing needs somebody</h1>"), "{page}");
        let place = |text: &str| page.find(text).unwrap();
        assert!(place("Next mail server") < place("Store of held messages"));
        assert!(page.contains("look at [outbound] in the configuration"));
        assert!(page.contains(env!("CARGO_PKG_VERSION")));
        let auditor = signed("a.udit", Role::Auditor, &[]);
        assert!(is_denied(&show(at(), auditor).await));
    }

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
