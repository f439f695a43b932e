//! Getting mail onward: the next hop as the pipeline sees it, the retry schedule, delivery status notifications.

pub mod dsn;
pub mod maildir;
pub mod next_hop;
pub mod notice;
pub mod trace;

pub use maildir::Maildir;
pub use next_hop::{Attempt, NextHop, Offer, Outgoing, Partial};
