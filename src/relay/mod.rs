//! Getting mail onward: the next hop as the pipeline sees it, the Maildir, trace headers, the retry schedule, the delivery worker,
//! delivery status notifications, notices.

pub mod dsn;
pub mod maildir;
pub mod next_hop;
pub mod notice;
pub mod outcome;
pub mod queue;
pub mod retry;
pub mod trace;

pub use maildir::Maildir;
pub use next_hop::{Attempt, NextHop, Offer, Outgoing, Partial};
pub use queue::{Queue, ReturnKind, ReturnRequest};
pub use retry::Schedule;
