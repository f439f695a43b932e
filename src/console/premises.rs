//! What the console asks of the program it runs in: the state of what is no part of the store.

use async_trait::async_trait;

/// One thing that must be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is: a key of words `health-NAME`.
    pub name: &'static str,
    /// Whether it is well.
    pub good: bool,
    /// What was seen, in words without personal data.
    pub detail: String,
}

/// The program around the console.
#[async_trait]
pub trait Premises: Send + Sync {
    /// Whether all is well, each thing by itself. Answers within ten seconds.
    async fn health(&self) -> Vec<Check>;
}
