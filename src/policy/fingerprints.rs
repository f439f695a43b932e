//! The marks of automatic forwarding as `patterns/auto-forward.toml` gives them, indexed by header name.

use std::sync::{Arc, LazyLock};

use super::auto_forward::OWN_MAILBOX;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternFile {
    pub(super) fingerprint: Vec<Fingerprint>,
    pub(super) exclusions: Exclusions,
    pub(super) behaviour: Behavioural,
}

/// What only many messages together show; the file explains each number.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Behavioural {
    pub(super) night: Vec<u8>,
    pub(super) days: u32,
    pub(super) quotation_starts: Vec<String>,
    pub(super) all_hours: AllHours,
    pub(super) at_once: AtOnce,
    pub(super) echo: Echo,
    pub(super) many_authors: ManyAuthors,
    pub(super) own_rules: OwnRules,
}

/// How a mark is named, explained and weighed.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) id: Arc<str>,
    pub(super) origin: String,
    pub(super) score: u32,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllHours {
    pub(super) mark: Mark,
    pub(super) night_hours: u32,
    pub(super) nights: u32,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtOnce {
    pub(super) mark: Mark,
    pub(super) messages: usize,
    pub(super) seconds: i64,
    pub(super) lag_seconds: u32,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Echo {
    pub(super) mark: Mark,
    pub(super) reply_seconds: i64,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManyAuthors {
    pub(super) mark: Mark,
    pub(super) domains: usize,
    pub(super) seconds: i64,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnRules {
    pub(super) mark: Mark,
    pub(super) occasions: u32,
    pub(super) hours: u32,
    pub(super) night_hours: u32,
    pub(super) nights: u32,
    pub(super) elsewhere_one_in: u32,
}

impl Behavioural {
    pub(super) fn marks(&self) -> [&Mark; 5] {
        [
            &self.all_hours.mark,
            &self.at_once.mark,
            &self.echo.mark,
            &self.many_authors.mark,
            &self.own_rules.mark,
        ]
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fingerprint {
    pub(super) id: Arc<str>,
    pub(super) origin: String,
    pub(super) score: u32,
    pub(super) header: Option<String>,
    pub(super) contains: Vec<String>,
    pub(super) not_contains: Vec<String>,
    pub(super) address: Option<AddressOf>,
    pub(super) also: Option<Also>,
    pub(super) without: Vec<String>,
    pub(super) from_outside: bool,
    pub(super) mail_from_starts: Vec<String>,
    pub(super) mail_from_contains: Vec<String>,
    pub(super) mail_from_own: bool,
    pub(super) trace: bool,
}

#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AddressOf {
    Own,
    Recipient,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Also {
    pub(super) header: String,
    #[serde(default)]
    pub(super) contains: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclusions {
    pub(super) auto_reply_headers: Vec<String>,
    pub(super) auto_submitted: Vec<String>,
    pub(super) precedence: Vec<String>,
    pub(super) never_with_reply: Vec<String>,
    pub(super) forward_subjects: Vec<String>,
    pub(super) list_senders: Vec<String>,
    pub(super) calendar_senders: Vec<String>,
    pub(super) report_senders: Vec<String>,
    pub(super) journal_class: String,
}

/// The marks, with an index by header name.
#[derive(Debug)]
pub(super) struct Patterns {
    pub(super) file: PatternFile,
    /// Header names with their marks. Few enough that comparing lengths first beats hashing every field's name.
    pub(super) by_header: Vec<(String, Vec<usize>)>,
    pub(super) by_envelope: Vec<usize>,
}

impl Patterns {
    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: PatternFile = toml::from_str(text)?;
        let mut by_header: Vec<(String, Vec<usize>)> = Vec::new();
        let mut by_envelope = Vec::new();
        for (index, mark) in file.fingerprint.iter().enumerate() {
            let Some(name) = &mark.header else {
                by_envelope.push(index);
                continue;
            };
            let known = by_header
                .iter_mut()
                .find(|(other, _)| other.eq_ignore_ascii_case(name));
            match known {
                Some((_, marks)) => marks.push(index),
                None => by_header.push((name.clone(), vec![index])),
            }
        }
        Ok(Self {
            file,
            by_header,
            by_envelope,
        })
    }
}

#[expect(
    clippy::expect_used,
    reason = "the text is part of the binary and a test reads it"
)]
pub(super) static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::parse(include_str!("../../patterns/auto-forward.toml"))
        .expect("embedded patterns are valid")
});

/// The origin of each mark by its id, for explanations.
pub fn origin(id: &str) -> Option<&'static str> {
    let marks = &PATTERNS.file.fingerprint;
    let behaviour = PATTERNS.file.behaviour.marks();
    marks
        .iter()
        .map(|mark| (&mark.id, &mark.origin))
        .chain(behaviour.map(|mark| (&mark.id, &mark.origin)))
        .find(|(known, _)| &***known == id)
        .map(|(_, origin)| origin.as_str())
        .or(match id {
            "envelope" => Some("an outside sender, handed over by one of the trust's own servers"),
            OWN_MAILBOX => Some("it goes to what looks like the sender's own private mailbox"),
            "F23" => Some("an outside author, submitted by one of the trust's own servers"),
            "F24" => Some("it was delivered to a mailbox of the trust before"),
            "F25" => Some("the recipient is not addressed in it, or its outside author signed it"),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_marks_are_complete() {
        let patterns = Patterns::parse(include_str!("../../patterns/auto-forward.toml")).unwrap();
        for mark in &patterns.file.fingerprint {
            let envelope = !mark.mail_from_starts.is_empty() || !mark.mail_from_contains.is_empty();
            assert!(mark.header.is_some() != envelope, "{}", mark.id);
            assert!([15, 40, 70, 100].contains(&mark.score), "{}", mark.id);
            assert!(origin(&mark.id).is_some_and(|text| !text.is_empty()));
        }
        for (index, mark) in patterns.file.behaviour.marks().into_iter().enumerate() {
            assert_eq!(&*mark.id, format!("B{}", index + 1));
            assert!([15, 40].contains(&mark.score), "{}", mark.id);
            assert!(origin(&mark.id).is_some_and(|text| !text.is_empty()));
        }
        assert!(patterns.file.behaviour.days <= 32);
    }
}
