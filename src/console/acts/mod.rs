//! What somebody who is signed in may do, by subject: pages and programs both come here.
//!
//! # Invariants
//! Every act checks what its caller may do, and for which school, before it looks at anything; what a caller may not know of is told as if it
//! were not there. What an act gives is plain data that a page writes as HTML and a program gets as JSON.

pub mod breaches;
pub mod hold;
pub mod hold_bulk;
pub mod hold_content;
pub mod hold_decide;
pub mod hold_plan;
pub mod hold_shape;
pub mod hold_views;
pub mod holds;
pub mod mine;
pub mod reports;
