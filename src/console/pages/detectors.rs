//! What is looked for, and which rule uses it.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::detectors::{self, DetectorLine, DetectorPage, Detectors};
use crate::console::doors::Doors;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The catalogue.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/detectors", Permission::SeeDetectors, list).get(
        "/detectors/{id}",
        Permission::SeeDetectors,
        show,
    )
}

/// Detectors of one category.
struct Group {
    title: String,
    detectors: Vec<DetectorLine>,
}

#[derive(askama::Template)]
#[template(path = "detectors.html")]
struct ListPage {
    frame: Frame,
    of: Detectors,
    groups: Vec<Group>,
    off: usize,
}

#[derive(askama::Template)]
#[template(path = "detector.html")]
struct OnePage {
    frame: Frame,
    of: DetectorPage,
}

async fn list(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "detectors-title", "/detectors");
    let of = detectors::list(&site, &signed)?;
    let mut groups: Vec<Group> = Vec::new();
    for detector in &of.detectors {
        let title = frame.words.of("category", detector.category);
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.detectors.push(detector.clone()),
            None => groups.push(Group {
                title,
                detectors: vec![detector.clone()],
            }),
        }
    }
    Ok(page(&ListPage {
        off: of.detectors.iter().filter(|one| !one.on).count(),
        groups,
        of,
        frame,
    }))
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let of = detectors::show(&site, &signed, &id)?;
    let frame = Frame::of(&site, &signed, "detectors-title", "/detectors");
    let frame = frame.titled(of.line.title.clone());
    Ok(page(&OnePage { frame, of }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{bench, is_denied, signed, text};
    use crate::store::Role;

    #[tokio::test]
    async fn what_is_looked_for_and_which_rule_uses_it() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let head = || signed("h.head", Role::Head, &["oak"]);
        let all = text(list(at(), head()).await).await;
        assert!(all.contains("href=\"/detectors/nhs-number\""), "{all}");
        assert!(all.contains("2 pupils from the roster"));
        let id = || Path("nhs-number".to_owned());
        let one = text(show(at(), head(), id()).await).await;
        assert!(one.contains("It finds something in") && one.contains("it holds an NHS number"));
        let none = show(at(), head(), Path("no-such".to_owned())).await;
        assert!(matches!(none, Err(Refusal::Missing)));
        let sender = || signed("s.sender", Role::Sender, &[]);
        assert!(is_denied(&list(at(), sender()).await));
        assert!(is_denied(&show(at(), sender(), id()).await));
    }
}
