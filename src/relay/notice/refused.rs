//! What tells a sender that a reviewer refused their held message.

use std::time::SystemTime;

use bytes::Bytes;

use super::content::{Content, RuleText, TrustText};
use super::letter::Letter;
use super::templates::Templates;
use super::{Kind, NoticeError};
use crate::mail::{Address, Envelope, QueueId, Reference};

/// What tells a sender that a held message was refused by a reviewer.
#[derive(Debug, Clone)]
pub struct RefusedHold<'a> {
    /// The notice's own id.
    pub id: QueueId,
    /// The address the notice comes from, one that people may answer.
    pub from: &'a Address,
    /// The trust's own words; its name is shown with the address.
    pub trust: TrustText,
    /// The sender of the held message.
    pub to: &'a Address,
    /// The reference to ask about.
    pub reference: Reference,
    /// The rules that held it.
    pub rules: Vec<RuleText>,
    /// What was found, counted.
    pub found: Vec<String>,
    /// What the reviewer wrote for the sender.
    pub reason: &'a str,
    /// The page of the console on which the sender sees it.
    pub link: Option<String>,
    /// When the message arrived, by the trust's clock.
    pub arrived: String,
    /// Now.
    pub now: SystemTime,
}

impl RefusedHold<'_> {
    /// The envelope and the message.
    pub fn compose(&self, templates: &Templates) -> Result<(Envelope, Bytes), NoticeError> {
        let content = Content {
            outcome: "refused",
            reference: self.reference.to_string(),
            arrived: self.arrived.clone(),
            rule: self.rules.first().cloned(),
            rules: self.rules.clone(),
            found: self.found.clone(),
            reason: Some(self.reason.to_owned()),
            link: self.link.clone(),
            trust: self.trust.clone(),
            ..Content::default()
        };
        let words = templates.render(Kind::SenderReviewerRefused, &content)?;
        Letter {
            kind: Kind::SenderReviewerRefused,
            from: self.from,
            from_name: &self.trust.name,
            to: std::slice::from_ref(self.to),
            id: self.id,
            now: self.now,
            words: &words,
        }
        .compose()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn says_why_and_nothing_more() {
        let (from, to) = (
            Address::parse("dpo@trust.example").unwrap(),
            Address::parse("\"j. doe\"@school.example").unwrap(),
        );
        let (envelope, message) = RefusedHold {
            id: QueueId::from_random([7; 10]),
            from: &from,
            trust: TrustText {
                name: "Data protection\r\nBcc: x@y.example".to_owned(),
                ..TrustText::default()
            },
            to: &to,
            reference: "7K3Q-91ZD".parse().unwrap(),
            rules: vec![RuleText {
                title: "full name of a pupil outside the trust".to_owned(),
                ..RuleText::default()
            }],
            found: vec!["1 pupil's full name".to_owned()],
            reason: "Please use initials – zażółć.\nThank you.",
            link: Some("https://beadle.trust.example/mine/7K3Q-91ZD".to_owned()),
            arrived: "15 January 2027, 08:00".to_owned(),
            now: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
        }
        .compose(&Templates::embedded())
        .unwrap();
        assert!(envelope.mail_from.address().is_none());
        assert_eq!(envelope.rcpts[0].address(), Some(&to));
        let parsed = mail_parser::MessageParser::default()
            .parse(&message[..])
            .unwrap();
        assert_eq!(
            parsed.subject(),
            Some("Your message will not be delivered (7K3Q-91ZD)")
        );
        let header = |name: &'static str| parsed.header(name).and_then(|h| h.as_text());
        assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(header("X-Auto-Response-Suppress"), Some("All"));
        assert_eq!(header("X-Beadle-Notice"), Some("sender-reviewer-refused"));
        assert!(parsed.header("Bcc").is_none());
        let body = parsed.body_text(0).unwrap();
        for text in [
            "Rule: full name of a pupil outside the trust",
            "Please use initials – zażółć.\r\nThank you.",
            "Reference: 7K3Q-91ZD",
            "15 January 2027",
            "1 pupil's full name",
            "https://beadle.trust.example/mine/7K3Q-91ZD",
        ] {
            assert!(body.contains(text), "{text} in {body}");
        }
        let html = parsed.body_html(0).unwrap();
        assert!(html.contains("Please use initials – zażółć."), "{html}");
        assert!(message.is_ascii() && message.ends_with(b"\r\n"));
    }
}
