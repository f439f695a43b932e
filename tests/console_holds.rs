//! Held messages in the console: who sees what, who decides, what a decision needs, and what senders do with their own.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]
#![expect(
    clippy::too_many_lines,
    reason = "a test tells one way of a message from its beginning to its end"
)]

mod console;
#[path = "console_holds/decide.rs"]
mod decide;
#[path = "console_holds/list.rs"]
mod list;
#[path = "console_holds/look.rs"]
mod look;
#[path = "console_holds/senders.rs"]
mod senders;
#[path = "console_holds/together.rs"]
mod together;

use axum::http::StatusCode;
use beadle::console::acts::hold_decide::{self, Why};
use beadle::console::refusal::Refusal;
use beadle::detect::Category;
use beadle::store::{HoldState, Judgement, Role};
use console::{Bench, Held, Person, bench, bench_with};

const OK: StatusCode = StatusCode::OK;
const SEE_OTHER: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const DENIED: StatusCode = StatusCode::FORBIDDEN;
const MISSING: StatusCode = StatusCode::NOT_FOUND;
const CONFLICT: StatusCode = StatusCode::CONFLICT;

async fn dpo(bench: &Bench) -> Person {
    bench.person(Role::Dpo, &[]).await
}
