//! The pages that data protection officers, heads, auditors, operators and senders work at, and the same acts as JSON.
//!
//! # Invariants
//! What somebody may do is said once, in `access`, and checked before a handler runs, in `doors`. Pages and programs do the same things by the
//! same functions, in `acts`. Every page works without its script. No address of a page holds personal data, and nothing here is
//! logged but what went wrong. A page that shows content says so to the ledger first.
//!
//! # Standards
//! WCAG 2.2 AA; Content Security Policy 3; RFC 9110.

pub mod access;
pub mod acts;
pub mod api;
pub mod assets;
pub mod config;
pub mod doors;
pub mod fields;
pub mod finish;
pub mod frame;
pub mod live;
pub mod origin;
pub mod page;
pub mod pages;
pub mod premises;
pub mod refusal;
#[cfg(test)]
mod sample;
pub mod scope;
pub mod sealed;
pub mod serving;
pub mod sign_in;
pub mod signed;
pub mod site;
pub mod words;

use axum::Router;
use axum::middleware;

pub use access::{Access, Permission};
pub use config::{Config, ConfigError};
pub use doors::{Door, Doors, Key};
pub use premises::{
    Check, PolicySource, Premises, RosterContents, RosterFile, RosterRead, RosterState,
};
pub use serving::{Acceptor, serve};
pub use site::{Parts, Site};

/// Every way in.
pub fn doors(site: &Site) -> Doors {
    let doors = Doors::new(site.clone());
    let doors = sign_in::doors(doors);
    let doors = pages::doors(doors);
    let doors = live::doors(doors);
    api::doors(doors)
}

/// The console as a router.
pub fn router(site: &Site) -> Router {
    doors(site)
        .router()
        .route("/assets/{name}", axum::routing::get(assets::serve))
        .fallback(finish::nowhere)
        .layer(middleware::from_fn_with_state(site.clone(), finish::finish))
        .with_state(site.clone())
}
