//! The roof: command line, configuration, wiring, and what runs when.

pub mod admin;
pub mod cli;
pub mod generate;
pub mod input;
pub mod settings;
pub mod telemetry;
