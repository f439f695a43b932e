//! Getting mail onward: the next hop as the pipeline sees it, the retry schedule, delivery status notifications.

pub mod next_hop;
pub mod outcome;
pub mod queue;
pub mod retry;

pub use next_hop::{Attempt, NextHop, Offer, Outgoing, Partial};
pub use queue::{Queue, ReturnKind, ReturnRequest};
pub use retry::Schedule;
