//! Figures of a period, and their forms on paper and screen.
//!
//! A builder takes figures and gives a [`Report`], a form takes a report and gives bytes: both are pure. [`gather`](gather()) alone reads the store.

pub mod breach;
mod chart;
pub mod counted;
pub mod csv;
pub mod form;
pub mod gather;
pub mod html;
pub mod model;
pub mod near_misses;
pub mod pdf;
pub mod retention;
pub mod senders;
pub mod summary;
mod svg;
pub mod text;
pub mod words;
pub mod xlsx;

pub use breach::breach;
pub use counted::{Scope, Sources};
pub use form::{Form, FormError};
pub use gather::{ReportKind, Setting, Wanted, gather};
pub use model::{Period, PeriodError, Report};
pub use near_misses::near_misses;
pub use retention::retention;
pub use senders::senders;
pub use summary::summary;
