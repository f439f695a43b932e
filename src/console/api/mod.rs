//! The same acts for programs: JSON under `/api/v1`, with tokens that are good for a part of what their owner may do.
//!
//! # Invariants
//! A route answers to a bearer token only, never to a cookie, so that no page of another site can use it. The console has no other door: what
//! its pages do is in `acts`, and so is what these routes do. Refusals are problems as RFC 9457 has them. The document at
//! `/api/v1/openapi.json` is made from the routes' own types; a test holds that it names every route.
//!
//! # Standards
//! RFC 6750 (bearer tokens), RFC 9457 (problem details), OpenAPI 3.1.

mod body;
mod breaches;
mod deliveries;
mod detectors;
pub mod document;
mod forwarding;
pub mod guard;
mod job;
mod ledger;
mod overview;
mod people;
mod policies;
mod reports;
mod retention;
mod roster;
mod tokens;

use axum::http::Method;

use super::doors::Doors;

/// Every route for programs.
pub fn doors(doors: Doors) -> Doors {
    let doors = doors.open(Method::GET, "/api/v1/openapi.json", document::show);
    let doors = tokens::doors(doors);
    let doors = overview::doors(doors);
    let doors = forwarding::doors(doors);
    let doors = policies::doors(doors);
    let doors = detectors::doors(doors);
    let doors = roster::doors(doors);
    let doors = people::doors(doors);
    let doors = retention::doors(doors);
    let doors = ledger::doors(doors);
    let doors = deliveries::doors(doors);
    let doors = breaches::doors(doors);
    reports::doors(doors)
}
