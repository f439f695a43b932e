//! The life of a hold: who may decide what, and everything a decision sets off.

pub mod desk;
mod fields;
pub mod initials;
pub mod lifecycle;
mod splice;
pub mod strip;
pub mod view;

pub use desk::{
    By, ComposeNotice, Desk, DeskError, NoticeRequest, On, Outcome, Release, Tell, To, Version,
};
pub use lifecycle::{Act, Forbidden, Standing, next};
