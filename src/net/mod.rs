//! Sockets: the listeners that mail servers connect to, with their access rules, TLS and limits.

pub mod access;
mod body;
mod connection;
mod door;
pub mod inbound;
pub mod proxy;
mod quota;
mod stream;
pub mod tls_server;
