//! Sockets: the listeners that mail servers connect to, with their access rules, TLS and limits.

pub mod access;
mod body;
mod connection;
pub mod inbound;
pub mod proxy;
mod quota;
pub mod tls_server;
