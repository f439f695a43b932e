//! The pages that data protection officers, heads, auditors, operators and senders work at, and the same acts as JSON.

pub mod assets;
