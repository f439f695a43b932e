//! Tells mail that a machine forwarded from mail that a person sent, from top-level headers, envelope and client.
//!
//! # Invariants
//! Exclusions come first: a vacation reply of Exchange carries the very marks of an Exchange forward. A message that goes to the
//! trust's own people only is no automatic forward, whatever it carries. Headers of nested messages are never read.
//!
//! # Standards
//! RFC 3834 (Auto-Submitted), RFC 5322 3.6.6 (Resent fields), RFC 2919 and RFC 2369 (List fields), RFC 6522 (reports).
//!
//! # Known gaps
//! Rules that Outlook runs itself leave no mark; only behaviour over time shows them. HCL Domino's marks are not known.

use std::sync::{Arc, LazyLock};

use super::classes::Classes;
use super::facts::Facts;
use crate::mail::Address;
use crate::mail::Domain;

/// How a message came to be sent.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum AutomationState {
    /// As far as can be told a person sent it.
    #[default]
    None,
    /// A machine forwarded it to the outside.
    AutoForward,
    /// A machine probably forwarded it to the outside.
    Suspected,
    /// A vacation reply or another answer by rule.
    AutoReply,
    /// A mailing list of the trust sent it on.
    List,
    /// A delivery or disposition report.
    Report,
    /// A person redirected it.
    ManualRedirect,
    /// A journal report for the archive.
    Journal,
}

impl AutomationState {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AutoForward => "auto-forward",
            Self::Suspected => "suspected",
            Self::AutoReply => "auto-reply",
            Self::List => "list",
            Self::Report => "report",
            Self::ManualRedirect => "manual-redirect",
            Self::Journal => "journal",
        }
    }
}

/// What was concluded about automation, and from which marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Automation {
    /// The conclusion.
    pub state: AutomationState,
    /// The ids of the marks that were seen (`F4`, `envelope`), each once, also those an exclusion set aside.
    pub evidence: Vec<Arc<str>>,
    /// Whether the mailbox that forwards is named; [`mailbox_owner`] tells it.
    pub owner_known: bool,
}

impl Automation {
    /// Whether it is, or probably is, an automatic forward to the outside.
    pub fn is_forward(&self) -> bool {
        matches!(
            self.state,
            AutomationState::AutoForward | AutomationState::Suspected
        )
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternFile {
    fingerprint: Vec<Fingerprint>,
    exclusions: Exclusions,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fingerprint {
    id: Arc<str>,
    origin: String,
    score: u32,
    header: Option<String>,
    contains: Vec<String>,
    not_contains: Vec<String>,
    address: Option<AddressOf>,
    also: Option<Also>,
    without: Vec<String>,
    from_outside: bool,
    mail_from_starts: Vec<String>,
    mail_from_contains: Vec<String>,
    mail_from_own: bool,
    trace: bool,
}

#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AddressOf {
    Own,
    Recipient,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Also {
    header: String,
    #[serde(default)]
    contains: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusions {
    auto_reply_headers: Vec<String>,
    auto_submitted: Vec<String>,
    precedence: Vec<String>,
    never_with_reply: Vec<String>,
    forward_subjects: Vec<String>,
    list_senders: Vec<String>,
    report_senders: Vec<String>,
    journal_class: String,
}

/// The marks, with an index by header name.
#[derive(Debug)]
struct Patterns {
    file: PatternFile,
    /// Header names with their marks. Few enough that comparing lengths first beats hashing every field's name.
    by_header: Vec<(String, Vec<usize>)>,
    by_envelope: Vec<usize>,
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
static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::parse(include_str!("../../patterns/auto-forward.toml"))
        .expect("embedded patterns are valid")
});

/// From this score a mark makes an automatic forward.
const CERTAIN: u32 = 70;
/// From this score a mark makes a suspicion.
const PROBABLE: u32 = 40;

/// A message as the decision below looks at it.
struct Seen<'a> {
    facts: &'a Facts<'a>,
    classes: &'a Classes,
    from: Vec<Address>,
    patterns: &'a Patterns,
}

/// The marks that hold.
#[derive(Default)]
struct Marks {
    ids: Vec<Arc<str>>,
    best: u32,
    best_without_traces: u32,
}

impl Marks {
    fn add(&mut self, id: &Arc<str>, score: u32, trace: bool) {
        if !self.ids.contains(id) {
            self.ids.push(id.clone());
        }
        self.best = self.best.max(score);
        if !trace {
            self.best_without_traces = self.best_without_traces.max(score);
        }
    }

    fn has(&self, ids: &[String]) -> bool {
        self.ids.iter().any(|id| ids.iter().any(|o| **o == **id))
    }
}

/// Concludes how a message came to be sent; `classes` say who belongs to the trust.
pub fn automation(facts: &Facts<'_>, classes: &Classes) -> Automation {
    let seen = Seen {
        facts,
        classes,
        from: facts
            .headers
            .first("From")
            .map(addresses)
            .unwrap_or_default(),
        patterns: &PATTERNS,
    };
    let mut marks = seen.marks();
    let state = seen.state(&mut marks);
    let forward = matches!(
        state,
        AutomationState::AutoForward | AutomationState::Suspected
    );
    Automation {
        state,
        owner_known: forward && mailbox_owner(facts, classes).is_some(),
        evidence: marks.ids,
    }
}

impl Seen<'_> {
    fn is_own(&self, address: &Address) -> bool {
        self.classes.of(address).is_internal()
    }

    /// When the policy does not know the trust's domains, any address a forwarding header names is taken for the trust's.
    fn may_be_own(&self, address: &Address) -> bool {
        !self.classes.knows_internal() || self.is_own(address)
    }

    fn author_is_own(&self) -> bool {
        self.from.iter().any(|address| self.may_be_own(address))
    }

    fn author_is_outside(&self) -> bool {
        self.classes.knows_internal()
            && !self.from.is_empty()
            && !self.from.iter().any(|address| self.is_own(address))
    }

    fn mail_from(&self) -> Option<&Address> {
        self.facts.envelope.mail_from.address()
    }

    /// Anybody can write the trust's name into From; the envelope of a forward that an exclusion must not excuse gives it away.
    fn sender_is_own_or_null(&self) -> bool {
        self.mail_from()
            .is_none_or(|sender| self.may_be_own(sender))
    }

    fn first<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.facts.headers.first(name)
    }

    fn leaves(&self) -> bool {
        let rcpts = &self.facts.envelope.rcpts;
        let goes_out = |address: &Address| !self.is_own(address);
        rcpts.is_empty() || rcpts.iter().any(|rcpt| rcpt.address().is_none_or(goes_out))
    }

    /// The decision, in the order in which its steps may overrule each other.
    fn state(&self, marks: &mut Marks) -> AutomationState {
        if self.is_report() {
            return AutomationState::Report;
        }
        if self.is_auto_reply(marks) {
            return AutomationState::AutoReply;
        }
        if self.is_own_list() {
            return AutomationState::List;
        }
        if self.is_journal() {
            return AutomationState::Journal;
        }
        if !self.leaves() {
            return AutomationState::None;
        }
        self.forward(marks)
    }

    fn forward(&self, marks: &mut Marks) -> AutomationState {
        let handed_over = self.outside_sender_from_own_server();
        if handed_over {
            let score = if self.author_is_outside() || self.from.is_empty() {
                CERTAIN
            } else {
                PROBABLE
            };
            marks.add(&"envelope".into(), score, false);
        }
        if marks.best_without_traces < PROBABLE && self.is_manual_redirect() {
            return AutomationState::ManualRedirect;
        }
        let structural = self.structural_marks();
        for id in &structural {
            marks.add(&Arc::from(*id), 0, false);
        }
        if marks.best >= CERTAIN {
            AutomationState::AutoForward
        } else if marks.best >= PROBABLE || structural.len() >= 2 {
            AutomationState::Suspected
        } else {
            AutomationState::None
        }
    }

    fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        for field in &self.facts.headers.fields {
            let of_name = self.patterns.by_header.iter();
            let of_name = of_name.filter(|(name, _)| name.eq_ignore_ascii_case(&field.name));
            for index in of_name.flat_map(|(_, marks)| marks) {
                let mark = &self.patterns.file.fingerprint[*index];
                if self.header_fits(mark, &field.value) {
                    marks.add(&mark.id, mark.score, mark.trace);
                }
            }
        }
        for index in &self.patterns.by_envelope {
            let mark = &self.patterns.file.fingerprint[*index];
            if self.envelope_fits(mark) {
                marks.add(&mark.id, mark.score, mark.trace);
            }
        }
        marks
    }

    fn header_fits(&self, mark: &Fingerprint, value: &str) -> bool {
        let headers = self.facts.headers;
        let address = match mark.address {
            None => true,
            Some(AddressOf::Own) => addresses(value).iter().any(|a| self.may_be_own(a)),
            Some(AddressOf::Recipient) => addresses(value)
                .iter()
                .any(|a| !self.is_own(a) && self.is_recipient(a)),
        };
        address
            && (mark.contains.is_empty() || contains_one(value, &mark.contains))
            && !contains_one(value, &mark.not_contains)
            && mark.also.as_ref().is_none_or(|also| {
                headers
                    .all(&also.header)
                    .any(|value| also.contains.is_empty() || contains_one(value, &also.contains))
            })
            && !mark.without.iter().any(|name| headers.has(name))
            && (!mark.from_outside || self.author_is_outside())
    }

    fn envelope_fits(&self, mark: &Fingerprint) -> bool {
        let Some(sender) = self.mail_from() else {
            return false;
        };
        let local = sender.local().to_lowercase();
        let starts = &mark.mail_from_starts;
        let named = starts.iter().any(|start| local.starts_with(start))
            || contains_one(&local, &mark.mail_from_contains);
        named && (!mark.mail_from_own || self.may_be_own(sender))
    }

    fn is_recipient(&self, address: &Address) -> bool {
        let key = address.key();
        let rcpts = &self.facts.envelope.rcpts;
        rcpts
            .iter()
            .any(|rcpt| rcpt.address().is_some_and(|a| a.key() == key))
    }

    /// RFC 6522, and bounces of older servers. Reports have the null sender (RFC 3461 6.1, RFC 8098 3); one with an outside
    /// sender is a report that is being forwarded.
    fn is_report(&self) -> bool {
        if !self.sender_is_own_or_null() || (self.mail_from().is_some() && !self.author_is_own()) {
            return false;
        }
        let multipart = self
            .first("Content-Type")
            .is_some_and(|value| starts_with(value, "multipart/report"));
        let senders = &self.patterns.file.exclusions.report_senders;
        multipart
            || (self.mail_from().is_none()
                && self
                    .from
                    .iter()
                    .any(|a| senders.contains(&a.local().to_lowercase())))
    }

    /// RFC 3834; the last branch is the shape of Exchange's out-of-office and template replies, which carry F1.
    fn is_auto_reply(&self, marks: &Marks) -> bool {
        let words = &self.patterns.file.exclusions;
        let own = self.sender_is_own_or_null() && self.author_is_own();
        if !own || marks.has(&words.never_with_reply) {
            return false;
        }
        let submitted = self.first("Auto-Submitted").unwrap_or_default();
        let said = words
            .auto_submitted
            .iter()
            .any(|w| starts_with(submitted, w))
            || words
                .auto_reply_headers
                .iter()
                .any(|name| self.first(name).is_some_and(|value| value != "no"))
            || self
                .first("Precedence")
                .is_some_and(|v| words.precedence.iter().any(|w| v.eq_ignore_ascii_case(w)));
        said || (starts_with(submitted, "auto-generated") && self.is_exchange_reply())
    }

    fn is_exchange_reply(&self) -> bool {
        let suppress = self.first("X-Auto-Response-Suppress").unwrap_or_default();
        let subject = self.first("Subject").unwrap_or_default();
        let forwards = &self.patterns.file.exclusions.forward_subjects;
        self.mail_from().is_none()
            && suppress
                .split(',')
                .any(|w| ["all", "oof"].contains(&w.trim().to_ascii_lowercase().as_str()))
            && self.facts.envelope.rcpts.len() == 1
            && self.facts.content.files.is_empty()
            && !forwards.iter().any(|prefix| starts_with(subject, prefix))
    }

    /// A List header alone is no excuse: newsletters that a mailbox forwards carry them too.
    fn is_own_list(&self) -> bool {
        let names = ["List-Id", "List-Post", "List-Unsubscribe"];
        let Some(sender) = self.mail_from() else {
            return false;
        };
        let local = sender.local().to_lowercase();
        let own_host = self.first("List-Id").is_none_or(|id| {
            list_host(id).is_some_and(|host| self.classes.of_domain(&host).is_internal())
        });
        names.iter().any(|name| self.first(name).is_some())
            && self.is_own(sender)
            && contains_one(&local, &self.patterns.file.exclusions.list_senders)
            && own_host
    }

    fn is_journal(&self) -> bool {
        let source = self
            .first("X-MS-Exchange-Generated-Message-Source")
            .unwrap_or_default();
        let agents = ["Journal Agent", "Approval Processing Agent"];
        let said = self.facts.headers.has("X-MS-Journal-Report")
            || source.split(',').any(|name| agents.contains(&name.trim()));
        let archive = self
            .classes
            .position(&self.patterns.file.exclusions.journal_class);
        let to_archive = archive.is_none_or(|index| {
            let rcpts = &self.facts.envelope.rcpts;
            rcpts.iter().all(|rcpt| {
                rcpt.address().is_some_and(|address| {
                    let set = self.classes.of(address);
                    set.has(index) || set.is_internal()
                })
            })
        });
        said && to_archive && self.sender_is_own_or_null() && !self.author_is_outside()
    }

    /// An own server never submits for an outsider, except when it forwards.
    fn outside_sender_from_own_server(&self) -> bool {
        self.facts.client.own_server
            && self.classes.knows_internal()
            && self.mail_from().is_some_and(|sender| !self.is_own(sender))
    }

    /// RFC 5322 3.6.6: a person's program adds the whole Resent block and submits under the person's address.
    fn is_manual_redirect(&self) -> bool {
        let headers = self.facts.headers;
        let own = headers
            .first("Resent-From")
            .is_some_and(|value| addresses(value).iter().any(|a| self.may_be_own(a)));
        own && headers.has("Resent-To")
            && (headers.has("Resent-Message-ID") || headers.has("Resent-Date"))
            && self
                .mail_from()
                .is_some_and(|sender| self.may_be_own(sender))
    }

    fn structural_marks(&self) -> Vec<&'static str> {
        let mut marks = Vec::new();
        let outside = self.author_is_outside();
        let sender_own = self
            .first("Sender")
            .is_some_and(|value| addresses(value).iter().any(|a| self.is_own(a)));
        if outside && !sender_own && self.facts.client.own_server {
            marks.push("F23");
        }
        if self.was_delivered_to_own_mailbox() {
            marks.push("F24");
        }
        if outside && (self.recipient_is_not_addressed() || self.is_signed_by_author()) {
            marks.push("F25");
        }
        marks
    }

    fn was_delivered_to_own_mailbox(&self) -> bool {
        if !self.classes.knows_internal() {
            return false;
        }
        let headers = self.facts.headers;
        let stored = headers
            .all("Delivered-To")
            .chain(headers.all("X-Original-To"))
            .any(|value| addresses(value).iter().any(|a| self.is_own(a)));
        // The top hop may name the present recipient of a message that has only just been submitted.
        stored
            || headers
                .all("Received")
                .skip(1)
                .any(|value| received_for(value).is_some_and(|address| self.is_own(&address)))
    }

    fn recipient_is_not_addressed(&self) -> bool {
        let headers = self.facts.headers;
        let named: Vec<String> = ["To", "Cc", "Resent-To", "Resent-Cc"]
            .iter()
            .flat_map(|name| headers.all(name))
            .flat_map(addresses)
            .map(|address| address.key())
            .collect();
        let rcpts = &self.facts.envelope.rcpts;
        rcpts
            .iter()
            .filter_map(|rcpt| rcpt.address())
            .any(|address| !self.is_own(address) && !named.contains(&address.key()))
    }

    /// A DKIM signature in the name of an outside author: the message crossed the border before.
    fn is_signed_by_author(&self) -> bool {
        let headers = self.facts.headers;
        let signers = headers.all("DKIM-Signature").filter_map(|value| {
            let tag = value.split(';').find_map(|tag| {
                let (name, text) = tag.split_once('=')?;
                (name.trim() == "d").then(|| text.trim())
            })?;
            Domain::parse(tag).ok()
        });
        let signed = signers.into_iter().any(|signer| {
            !self.classes.of_domain(&signer).is_internal()
                && self.from.iter().any(|a| a.domain().is_within(&signer))
        });
        signed || headers.has("ARC-Seal")
    }
}

/// The mailbox that forwards, as far as the message names it: whom to tell. Not for logs.
pub fn mailbox_owner(facts: &Facts<'_>, classes: &Classes) -> Option<Address> {
    let headers = facts.headers;
    let own = |address: &Address| !classes.knows_internal() || classes.of(address).is_internal();
    let named = |name: &str| {
        let values: Vec<Address> = headers.all(name).flat_map(addresses).collect();
        values.into_iter().find(|address| own(address))
    };
    named("X-MS-Exchange-ForwardingLoop")
        .or_else(|| named("X-Sieve-Redirected-From"))
        .or_else(|| named("X-Zimbra-Forwarded"))
        .or_else(|| {
            let loops = headers.all("X-MS-Exchange-Inbox-Rules-Loop");
            loops.flat_map(addresses).filter(own).last()
        })
        .or_else(|| caf_mailbox(facts).filter(own))
        .or_else(|| named("X-Forwarded-For"))
        .or_else(|| named("Resent-From"))
        .or_else(|| named("Delivered-To"))
        .or_else(|| {
            let mut hops = headers.all("Received").filter_map(received_for);
            hops.find(own)
        })
}

/// `user` of Gmail's `user+caf_=target=domain@trust`.
fn caf_mailbox(facts: &Facts<'_>) -> Option<Address> {
    let sender = facts.envelope.mail_from.address()?;
    let at = sender.local().to_ascii_lowercase().find("+caf_=")?;
    let local = sender.local().get(..at)?;
    Address::parse(&format!("{local}@{}", sender.domain())).ok()
}

/// The mailbox a Received field says the hop was for (RFC 5321 4.4, For clause).
fn received_for(value: &str) -> Option<Address> {
    let lower = value.to_ascii_lowercase();
    let at = lower.find(" for ")?;
    let rest = value.get(at + 5..)?.trim_start();
    let word = rest.split([';', ' ', '\t']).next()?;
    Address::parse(word.trim_matches(['<', '>'])).ok()
}

/// The domain of a List-Id without its first label (`parents.lists.trust.example` is a list of `lists.trust.example`).
fn list_host(value: &str) -> Option<Domain> {
    let id = value
        .rsplit_once('<')
        .map_or(value, |(_, rest)| rest)
        .trim_end_matches([' ', '>']);
    let (_, host) = id.trim().split_once('.')?;
    Domain::parse(host).ok()
}

/// The addresses a header names: what stands in angle brackets, else the words with an `@`. Quoted names and comments do not
/// count, so that a display name cannot pose as an address.
pub(super) fn addresses(value: &str) -> Vec<Address> {
    let mut plain = String::with_capacity(value.len());
    let mut angles = Vec::new();
    let mut found = Vec::new();
    let (mut quoted, mut comment, mut escaped) = (false, 0usize, false);
    let mut angle: Option<String> = None;
    for c in value.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if quoted || comment > 0 => escaped = true,
            '"' if comment == 0 && angle.is_none() => quoted = !quoted,
            _ if quoted => {}
            '(' if angle.is_none() => comment += 1,
            ')' if comment > 0 => comment -= 1,
            _ if comment > 0 => {}
            '<' => angle = Some(String::new()),
            '>' => angles.extend(angle.take()),
            _ => match &mut angle {
                Some(text) => text.push(c),
                None => plain.push(c),
            },
        }
    }
    // An address list may mix both forms (RFC 5322 3.4): `a@b, Name <c@d>`.
    for text in angles {
        found.extend(Address::parse(text.trim()).ok());
    }
    for entry in plain.split([',', ';', ':', ' ', '\t']) {
        if entry.contains('@') {
            found.extend(Address::parse(entry.trim()).ok());
        }
    }
    found
}

fn starts_with(value: &str, prefix: &str) -> bool {
    value
        .trim_start()
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn contains_one(value: &str, texts: &[String]) -> bool {
    if texts.is_empty() {
        return false;
    }
    let value = value.to_lowercase();
    texts
        .iter()
        .any(|text| value.contains(&text.to_lowercase()))
}

/// The origin of each mark by its id, for explanations.
pub fn origin(id: &str) -> Option<&'static str> {
    let marks = &PATTERNS.file.fingerprint;
    marks
        .iter()
        .find(|mark| &*mark.id == id)
        .map(|mark| mark.origin.as_str())
        .or(match id {
            "envelope" => Some("an outside sender, handed over by one of the trust's own servers"),
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
    }

    #[test]
    fn addresses_are_not_taken_from_names() {
        let read =
            |text: &str| -> Vec<String> { addresses(text).iter().map(Address::key).collect() };
        assert_eq!(
            read("\"head@trust.example\" <x@far.example>"),
            ["x@far.example"]
        );
        assert_eq!(
            read("x@far.example (head@trust.example)"),
            ["x@far.example"]
        );
        assert_eq!(read("A@b.example, C <d@e.example>").len(), 2);
        assert_eq!(read("user@t.example;\t1111-2222"), ["user@t.example"]);
        assert!(read("undisclosed-recipients:;").is_empty());
    }

    #[test]
    fn the_for_clause_is_read() {
        let hop = "from a.example by b.example with ESMTPS id 1 for <u@t.example>; Mon, 1 Jan 2026";
        assert_eq!(received_for(hop).unwrap().as_str(), "u@t.example");
        assert!(received_for("from a by b; Mon").is_none());
    }
}
