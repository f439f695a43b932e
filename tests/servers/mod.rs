//! Real servers for integration tests: PostgreSQL, an S3-compatible store, an OpenID provider, and an object store that fails when it is
//! told to.
//!
//! A test says `mod servers;` and takes what it needs. `tests/run unit` installs the servers; a test that does not find them fails.
//! Each test process starts its own, on free loopback ports in a folder of its own, and shares it among its tests.
//!
//! # Invariants
//! Nothing stays behind: when the test process ends, in whatever way, a watcher stops the server and removes its folder.
//! Servers run as an unprivileged user when the tests run as root.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "no test uses everything, and a test that cannot set up has failed"
)]

pub mod faulty_objects;
pub mod oidc;
pub mod postgres;
pub mod process;
pub mod s3;
