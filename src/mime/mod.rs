//! The message as its recipients' programs may read it: headers, parts, and what is malformed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod defect;
pub mod headers;

pub use defect::Defect;
pub use headers::Headers;
