//! Invented contents that try every branch of a template: one with everything set, one with as little as there can be.

use super::content::{
    AgeText, Content, CountText, DecidedText, EndingText, ForwardText, OpenText, RuleText,
    SchoolText, TrustText, listed, role,
};

/// Everything set, every list filled.
pub(super) fn full() -> Content {
    let rule = RuleText {
        id: "pupil-name".to_owned(),
        title: "it holds a pupil's full name".to_owned(),
        clause: Some("Standard policy 5".to_owned()),
        severity: "medium".to_owned(),
        remedy: Some("Use initials, or send the file encrypted.".to_owned()),
    };
    Content {
        outcome: "held",
        reference: "7K3Q-91ZD".to_owned(),
        arrived: "27 November 2026, 15:04".to_owned(),
        rule: Some(rule.clone()),
        rules: vec![
            rule,
            RuleText {
                id: "credential".to_owned(),
                title: "it shows a password or a key".to_owned(),
                severity: "high".to_owned(),
                ..RuleText::default()
            },
        ],
        found: vec![
            "2 pupils' full names in the body and an attachment".to_owned(),
            "1 password or key in the body".to_owned(),
        ],
        recipients: vec!["2 outside".to_owned(), "1 internal".to_owned()],
        passed: 2,
        reviewers: listed(&[role("dpo"), role("head")], "or"),
        reason: Some("Please use initials.\nThank you.".to_owned()),
        last: true,
        minutes: Some(15),
        waited: Some(15),
        forward: Some(ForwardText {
            suspected: true,
            marks: vec!["F4 (Exchange mailbox forwarding)".to_owned()],
            server: "192.0.2.1".to_owned(),
            owner_known: true,
        }),
        counts: vec![CountText {
            rule: "pupil-name".to_owned(),
            title: "it holds a pupil's full name".to_owned(),
            held: 12,
            refused: 1,
            delivered: 3,
        }],
        schools: vec![SchoolText {
            name: "Oak Primary School".to_owned(),
            held: 9,
            refused: 1,
            decided: 4,
            waiting: 5,
        }],
        decided: Some(DecidedText {
            released: 3,
            refused: 1,
            expired: Some(1),
        }),
        ending: Some(EndingText { number: 2, days: 3 }),
        ages: vec![AgeText {
            hours: 24,
            number: 2,
            days_left: Some(12),
        }],
        answer: Some("approved"),
        open: vec![OpenText {
            reference: "7K3Q-91ZD".to_owned(),
            title: "it holds a pupil's full name".to_owned(),
            age: "19 hours".to_owned(),
            days_left: Some(29),
            link: Some("https://beadle.trust.example/holds/ABCDEFGHIJKLMNOP".to_owned()),
        }],
        more_open: 4,
        link: Some("https://beadle.trust.example/holds?state=held".to_owned()),
        register: Some("https://beadle.trust.example/forwarding".to_owned()),
        trust: TrustText {
            name: "Mail protection, Trust Example".to_owned(),
            address: "dataprotection@trust.example".to_owned(),
            help: Some("https://intranet.trust.example/mail".to_owned()),
            phone: Some("020 7946 0123".to_owned()),
            monitoring: Some(
                "Mail is monitored under the ICT policy, section 2, as the law allows.".to_owned(),
            ),
            secure_route: Some("the Encrypt button in Outlook".to_owned()),
            cloud: Some("OneDrive".to_owned()),
        },
    }
}

/// As little as there can be.
pub(super) fn bare() -> Content {
    Content {
        outcome: "held",
        reference: "7K3Q-91ZD".to_owned(),
        arrived: "27 November 2026, 15:04".to_owned(),
        reviewers: role("dpo"),
        trust: TrustText {
            name: "Mail protection".to_owned(),
            address: "postmaster@trust.example".to_owned(),
            ..TrustText::default()
        },
        ..Content::default()
    }
}
