//! Where a notice leads: pages of the console.
//!
//! # Invariants
//! A link shows and never acts: it is read with GET, by people and by scanners of mail alike, and what it leads to asks who somebody is and
//! for a form. It carries an id and nothing else: no token, no address, no name.
//!
//! # Standards
//! RFC 9110 9.2.1 (safe methods), RFC 3986.

use std::sync::Arc;

use crate::mail::QueueId;

/// The pages of the console, or none when nobody has said where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(Option<Arc<str>>);

impl Links {
    /// Links to the console at this origin: scheme, host and port, with nothing after it.
    pub fn to(origin: &str) -> Self {
        Self(Some(origin.trim_end_matches('/').into()))
    }

    /// A held message, for those who decide.
    pub fn hold(&self, id: QueueId) -> Option<String> {
        self.page(&format!("/holds/{id}"))
    }

    /// A held message, for the person who sent it.
    pub fn own(&self, id: QueueId) -> Option<String> {
        self.page(&format!("/mine/{id}"))
    }

    /// Everything that waits for a decision.
    pub fn waiting(&self) -> Option<String> {
        self.page("/holds?state=held")
    }

    /// The register of automatic forwards.
    pub fn forwarding(&self) -> Option<String> {
        self.page("/forwarding")
    }

    fn page(&self, path: &str) -> Option<String> {
        self.0.as_ref().map(|origin| format!("{origin}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_exact() {
        let id = QueueId::from_random([7; 10]);
        let links = Links::to("https://beadle.trust.example:8443/");
        let all = [
            links.hold(id),
            links.own(id),
            links.waiting(),
            links.forwarding(),
        ];
        let at = "https://beadle.trust.example:8443";
        let expected = [
            format!("{at}/holds/{id}"),
            format!("{at}/mine/{id}"),
            format!("{at}/holds?state=held"),
            format!("{at}/forwarding"),
        ];
        assert_eq!(all, expected.map(Some));
        assert_eq!(Links::default().hold(id), None);
        assert_eq!(Links::default().waiting(), None);
    }
}
