//! Sockets, timers and TLS around the protocol cores: the listeners that mail servers connect to, and the way to the next hop.

pub mod access;
mod body;
mod connection;
mod door;
pub mod inbound;
pub mod outbound;
mod poll;
pub mod pool;
pub mod proxy;
mod quota;
mod stream;
pub mod tls_client;
pub mod tls_server;
