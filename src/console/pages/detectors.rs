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
