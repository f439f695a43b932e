//! The life of a hold: who may decide what, and everything a decision sets off.

pub mod desk;
pub mod initials;
pub mod lifecycle;

pub use desk::{By, ComposeNotice, Desk, DeskError, NoticeRequest, Tell, To};
pub use lifecycle::{Act, Forbidden, next};
