//! Sockets, timers and TLS around the protocol cores.

pub mod outbound;
pub mod pool;
pub mod tls_client;
