//! What a message shows of its mailbox's habits, in clear, and its keyed form for [`super::behaviour`].
//!
//! # Invariants
//! Read from envelope and top-level headers; the body is asked only when those look like a quotation. What an exclusion explains (a
//! vacation reply, a report, a list, a journal, a person who redirects) is ordinary mail here. A [`Sighting`] holds addresses: it is
//! hashed at once and never kept or printed.
//!
//! # Standards
//! RFC 5322 3.3 (Date), 3.6.4 (Message-ID, In-Reply-To).

use super::auto_forward::{AutomationState, automation};
use super::behaviour::{Passage, Shape, TARGETS_AT_MOST};
use super::classes::Classes;
use super::facts::{ClientFacts, Facts};
use super::fingerprints::PATTERNS;
use super::header_text::{addresses, starts_with};
use super::history::UNKNOWN;
use super::mailbox_owner::mailbox_owner;
use crate::detect::Findings;
use crate::extract::Content;
use crate::extract::html;
use crate::mail::{Address, Domain, Envelope, Recipient};
use crate::mime::{Headers, Message, Role};

/// Seconds by which an author's clock may be ahead of ours: an hour covers a wrong daylight-saving setting.
const AHEAD: i64 = 3_600;

/// A message as its habits are read from it.
pub struct Sighting {
    mailbox: Option<Address>,
    targets: Vec<Address>,
    shape: Shape,
    author_domain: Option<Domain>,
    lag: Option<u32>,
    message_id: Option<String>,
    parent: Option<String>,
    addressed: bool,
    shared_inside: bool,
    inbound: bool,
}

impl Sighting {
    /// Reads envelope and headers of a message that passes at `now`. `classes` say who belongs to the trust; when they do not, every
    /// message is ordinary.
    pub fn of(
        envelope: &Envelope,
        client: ClientFacts,
        headers: &Headers,
        classes: &Classes,
        now: jiff::Timestamp,
    ) -> Self {
        let (content, findings) = (Content::default(), Findings::default());
        let look = Look {
            facts: Facts {
                envelope,
                client,
                headers,
                defects: &[],
                content: &content,
                findings: &findings,
                message_bytes: 0,
                history: &UNKNOWN,
            },
            classes,
            from: headers.first("From").map(addresses).unwrap_or_default(),
        };
        let rcpts: Vec<&Address> = envelope
            .rcpts
            .iter()
            .filter_map(Recipient::address)
            .collect();
        let outside = |address: &&&Address| !classes.of(address).is_internal();
        let all: Vec<Address> = rcpts.iter().filter(outside).map(|a| (*a).clone()).collect();
        let crowd = all.len() > TARGETS_AT_MOST;
        let named = look.named();
        let inbound = all.is_empty() && look.author_is_outside();
        let shape = look.shape(!all.is_empty());
        let excused = shape.is_none();
        let shape = shape.unwrap_or_default();
        Self {
            mailbox: look.mailbox(shape),
            addressed: !crowd && all.iter().any(|target| named.contains(&target.key())),
            shared_inside: all.len() < rcpts.len() || look.names_own(&named),
            targets: if crowd { Vec::new() } else { all },
            author_domain: look.from.first().map(|author| author.domain().clone()),
            lag: look.lag(now),
            message_id: id(headers, "Message-ID").filter(|_| !excused),
            parent: id(headers, "In-Reply-To")
                .or_else(|| id(headers, "X-MS-Exchange-Parent-Message-Id")),
            shape,
            inbound,
        }
    }

    /// Whether the body decides what the message looks like; ask [`adds_nothing`] and say so with [`Sighting::read`].
    pub fn asks_for_body(&self) -> bool {
        self.shape == Shape::Quoted
    }

    /// Says whether the message adds nothing to the one it quotes.
    pub fn read(&mut self, adds_nothing: bool) {
        if self.shape == Shape::Quoted && !adds_nothing {
            self.shape = Shape::Ordinary;
        }
    }

    /// The keyed form; `hash` is a keyed hash of what it is given.
    pub fn hashed(&self, hash: impl Fn(&str) -> u64) -> Passage {
        Passage {
            mailbox: self
                .mailbox
                .as_ref()
                .map(|mailbox| hash(&untagged(mailbox))),
            targets: self
                .targets
                .iter()
                .map(|target| hash(&target.key()))
                .collect(),
            shape: self.shape,
            author_domain: self
                .author_domain
                .as_ref()
                .map_or(0, |domain| hash(domain.as_str())),
            lag: self.lag,
            message_id: self.message_id.as_deref().map(&hash),
            parent: self.parent.as_deref().map(&hash),
            addressed: self.addressed,
            shared_inside: self.shared_inside,
            inbound: self.inbound,
        }
    }
}

struct Look<'a> {
    /// Envelope, client and headers; nothing is known of the content yet.
    facts: Facts<'a>,
    classes: &'a Classes,
    from: Vec<Address>,
}

impl Look<'_> {
    fn is_own(&self, address: &Address) -> bool {
        self.classes.of(address).is_internal()
    }

    fn author_is_outside(&self) -> bool {
        self.classes.knows_internal()
            && !self.from.is_empty()
            && !self.from.iter().any(|address| self.is_own(address))
    }

    /// The keys of everybody in To and Cc.
    fn named(&self) -> Vec<String> {
        ["To", "Cc"]
            .iter()
            .flat_map(|name| self.facts.headers.all(name))
            .flat_map(addresses)
            .map(|address| address.key())
            .collect()
    }

    fn names_own(&self, named: &[String]) -> bool {
        let own = |key: &String| Address::parse(key).is_ok_and(|address| self.is_own(&address));
        named.iter().any(own)
    }

    /// What the message looks like; `None` when an exclusion explains it.
    fn shape(&self, leaves: bool) -> Option<Shape> {
        if !self.classes.knows_internal() || !self.facts.client.own_server {
            return Some(Shape::Ordinary);
        }
        let looks = match (leaves, self.author_is_outside()) {
            (true, true) if self.keeps_an_outside_identity() => Shape::Relayed,
            (true, false) if self.is_titled_as_forward() => Shape::Quoted,
            _ => Shape::Ordinary,
        };
        match automation(&self.facts, self.classes).state {
            AutomationState::None | AutomationState::AutoForward | AutomationState::Suspected => {
                Some(looks)
            }
            _ => None,
        }
    }

    /// A form or a help desk of the trust may write in a visitor's name, but it makes the Message-ID, or says who sends.
    fn keeps_an_outside_identity(&self) -> bool {
        let sender = self
            .facts
            .headers
            .first("Sender")
            .map(addresses)
            .unwrap_or_default();
        let outside = |id: String| {
            let domain = id
                .rsplit_once('@')
                .and_then(|(_, domain)| Domain::parse(domain).ok());
            domain.is_none_or(|domain| !self.classes.of_domain(&domain).is_internal())
        };
        !sender.iter().any(|address| self.is_own(address))
            && id(self.facts.headers, "Message-ID").is_some_and(outside)
    }

    fn is_titled_as_forward(&self) -> bool {
        let subject = self.facts.headers.decoded("Subject").unwrap_or_default();
        let starts = &PATTERNS.file.exclusions.forward_subjects;
        starts.iter().any(|start| starts_with(&subject, start))
            && (self.facts.headers.has("In-Reply-To") || self.facts.headers.has("References"))
    }

    fn mailbox(&self, shape: Shape) -> Option<Address> {
        let own = |address: &&Address| self.is_own(address);
        let sender = self.facts.envelope.mail_from.address().filter(own).cloned();
        match shape {
            Shape::Relayed => mailbox_owner(&self.facts, self.classes)
                .or_else(|| sender.filter(|sender| !is_rewritten(sender))),
            _ => sender.or_else(|| self.from.iter().find(own).cloned()),
        }
    }

    /// Seconds from Date to now.
    fn lag(&self, now: jiff::Timestamp) -> Option<u32> {
        let date = self.facts.headers.first("Date")?;
        let written = jiff::fmt::rfc2822::DateTimeParser::new()
            .relaxed_weekday(true)
            .parse_timestamp(date)
            .ok()?;
        let lag = now.as_second() - written.as_second();
        (lag >= -AHEAD).then(|| u32::try_from(lag.max(0)).unwrap_or(u32::MAX))
    }
}

/// The first message id of a field, without its brackets.
fn id(headers: &Headers, name: &str) -> Option<String> {
    let value = headers.first(name)?;
    let text = value.split_once('<').map_or(value, |(_, rest)| rest);
    let text = text.split('>').next()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether an address is one that sender rewriting made (SRS): it names the outside sender, not a mailbox.
pub fn is_rewritten(sender: &Address) -> bool {
    let local = sender.local().to_lowercase();
    let patterns = PATTERNS.file.fingerprint.iter();
    patterns.filter(|mark| &*mark.id == "F7").any(|mark| {
        mark.mail_from_starts
            .iter()
            .any(|start| local.starts_with(start))
            || mark
                .mail_from_contains
                .iter()
                .any(|part| local.contains(part))
    })
}

/// The key of a mailbox without a `+tag`.
fn untagged(address: &Address) -> String {
    let key = address.key();
    match (key.split_once('+'), key.rsplit_once('@')) {
        (Some((local, _)), Some((_, domain))) if !local.is_empty() && !key.starts_with('"') => {
            format!("{local}@{domain}")
        }
        _ => key,
    }
}

/// Whether a message says nothing but what it quotes or attaches: its first line that is no rule of dashes begins a quotation.
pub fn adds_nothing(message: &Message<'_>) -> bool {
    let bodies = || message.parts.iter().filter(|part| part.role == Role::Body);
    let plain = bodies().find(|part| part.media_type == "text/plain");
    let text = match plain.or_else(|| bodies().next()) {
        Some(part) if part.media_type == "text/html" => {
            html::read(part.text.as_deref().unwrap_or_default()).visible
        }
        Some(part) => part.text.clone().unwrap_or_default(),
        None => String::new(),
    };
    let rule = |c: char| c.is_whitespace() || "-_=*>~\u{200b}\u{feff}".contains(c);
    let first = text
        .lines()
        .map(|line| line.trim_matches(rule))
        .find(|line| !line.is_empty());
    let starts = &PATTERNS.file.behaviour.quotation_starts;
    match first {
        Some(line) => {
            let line = line.to_lowercase();
            starts.iter().any(|start| line.starts_with(start))
        }
        None => message.parts.iter().any(|part| part.role == Role::Message),
    }
}
