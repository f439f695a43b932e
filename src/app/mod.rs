//! The roof: command line, configuration, wiring, and what runs when.

pub mod admin;
pub mod admission;
pub mod check;
pub mod cli;
pub mod compiled;
pub mod config;
pub mod demo;
pub mod explain;
pub mod extract;
pub mod forwarding;
pub mod generate;
pub mod holds;
pub mod initials;
pub mod input;
pub mod letters;
pub mod people;
pub mod policy;
pub mod queue;
pub mod retention;
pub mod roster;
pub mod run;
pub mod scan;
pub mod serve;
pub mod settings;
pub mod telemetry;
pub mod tools;
pub mod upkeep;
pub mod wiring;

pub use run::run;
