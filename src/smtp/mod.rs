//! The protocol cores: SMTP server and client as state machines on bytes, without sockets, clocks or files.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod client;
pub mod command;
pub mod data;
pub mod extension;
pub mod reply;
pub mod reply_reader;
pub mod server;
