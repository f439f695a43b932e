//! What may be seen in the recipients of a message: the sender's own mailbox, a look-alike domain, a namesake of somebody inside.
//!
//! # Invariants
//! Pure, and worked out when a rule first asks: a policy without such a rule pays nothing. Only recipients outside the trust and its
//! partners have traits, and only where the trust's domains are known. A domain or mailbox that a class of the policy names is no
//! look-alike: that is how an administrator takes a wrong guess back.
//!
//! # Known gaps
//! Display names are those of To and Cc; a recipient in Bcc has none.

use std::cell::OnceCell;
use std::collections::HashMap;

use foldhash::HashSet;

use jiff::civil::{DateTime, Weekday, time};

use super::classes::Classes;
use super::condition::{FileKind, Hours};
use super::facts::Facts;
use super::look_alike::LookAlike;
use super::mailboxes::{NamedMailbox, named_mailboxes};
use super::name_agreement::SenderNames;
use super::namesake::{Insiders, Namesake};
use super::own_mailbox::{Circumstances, Host, OwnMailbox, own_mailbox};
use crate::extract::{Place, Unit, View};
use crate::mail::Address;
use crate::mime::words;

/// Pictures below this size are taken for logos of a signature. Our own choice: a photograph of a page has more.
const LOGO_BYTES: u64 = 100_000;
/// A text of so many words says next to nothing ("see attached", "as discussed earlier").
const LITTLE_WORDS: usize = 3;
/// Words of a subject that says nothing but where the sender wants it (section 7.3 of the policy reference, and what joins them).
const EMPTY_WORDS: [&str; 10] = [
    "fyi", "print", "printing", "work", "home", "for", "to", "at", "from", "me",
];

/// The traits of a message's recipients.
pub(super) struct Traits<'a> {
    facts: &'a Facts<'a>,
    classes: &'a Classes,
    now: DateTime,
    sender: OnceCell<Option<SenderNames>>,
    shown: OnceCell<Shown>,
    insiders: OnceCell<Insiders>,
    circumstances: OnceCell<Circumstances>,
    contacts: OnceCell<HashSet<&'a str>>,
    each: OnceCell<Vec<Each>>,
}

/// What was worked out of one recipient.
#[derive(Default)]
struct Each {
    own: OnceCell<OwnMailbox>,
    look_alike: OnceCell<Option<LookAlike>>,
    namesake: OnceCell<Option<Namesake>>,
}

/// The mailboxes of To and Cc.
struct Shown {
    list: Vec<NamedMailbox>,
    /// Names by [`Address::key`].
    names: HashMap<String, String>,
}

impl<'a> Traits<'a> {
    /// Of a message judged at `now` in the trust's local time.
    pub(super) fn new(facts: &'a Facts<'a>, classes: &'a Classes, now: DateTime) -> Self {
        Self {
            facts,
            classes,
            now,
            sender: OnceCell::new(),
            shown: OnceCell::new(),
            insiders: OnceCell::new(),
            circumstances: OnceCell::new(),
            contacts: OnceCell::new(),
            each: OnceCell::new(),
        }
    }

    /// How likely the recipient at `index` is the sender's own private mailbox; `None` when it cannot be.
    pub(super) fn own_mailbox(&self, index: usize) -> Option<&OwnMailbox> {
        let address = self.outsider(index)?;
        let sender = self.sender.get_or_init(|| self.sender_names()).as_ref()?;
        let own = self.each(index)?.own.get_or_init(|| {
            let host = Host::of(address.domain());
            let circumstances = Circumstances {
                sole_writer: self.facts.history.is_sole_writer(index),
                registered_contact: self.is_contact(address),
                ..*self.circumstances.get_or_init(|| self.circumstances())
            };
            own_mailbox(sender, address, host, self.name_of(address), circumstances)
        });
        Some(own)
    }

    /// Whose domain that of the recipient at `index` looks like.
    pub(super) fn look_alike(&self, index: usize) -> Option<LookAlike> {
        let address = self.outsider(index)?;
        let find = || {
            let unnamed = !self.classes.names(address);
            let known = self.classes.look_alikes();
            unnamed.then(|| known.of(address.domain())).flatten()
        };
        *self.each(index)?.look_alike.get_or_init(find)
    }

    /// How the recipient at `index` resembles somebody inside.
    pub(super) fn namesake(&self, index: usize) -> Option<Namesake> {
        let address = self.outsider(index)?;
        let find = || {
            let insiders = self.insiders.get_or_init(|| self.insiders());
            let inside = |named: &Address| self.classes.of(named).is_internal();
            insiders.namesake(address, self.name_of(address), inside)
        };
        *self.each(index)?.namesake.get_or_init(find)
    }

    /// The recipient at `index` if it is outside of what is known.
    fn outsider(&self, index: usize) -> Option<&'a Address> {
        let address = self.facts.envelope.rcpts.get(index)?.address()?;
        let outside = self.classes.knows_internal() && self.classes.of(address).is_outside();
        outside.then_some(address)
    }

    fn each(&self, index: usize) -> Option<&Each> {
        let rcpts = &self.facts.envelope.rcpts;
        let each = self
            .each
            .get_or_init(|| rcpts.iter().map(|_| Each::default()).collect());
        each.get(index)
    }

    /// The names of the sender, who must be the trust's: the envelope's and, where it is the trust's too, the author's.
    fn sender_names(&self) -> Option<SenderNames> {
        let sender = self.facts.envelope.mail_from.address();
        let sender = sender.filter(|address| self.classes.of(address).is_internal())?;
        let authors = self.facts.headers.first("From").map(named_mailboxes);
        let authors = authors.unwrap_or_default();
        let shown = authors.iter().find(|a| a.address.key() == sender.key());
        let mut names = SenderNames::of(sender, shown.map(|a| a.name.as_str()));
        let others = authors.iter().filter(|a| a.address.key() != sender.key());
        for author in others.filter(|a| self.classes.of(&a.address).is_internal()) {
            names.add(&author.address, Some(&author.name));
        }
        Some(names)
    }

    fn shown(&self) -> &Shown {
        self.shown.get_or_init(|| {
            let headers = self.facts.headers;
            let values = ["To", "Cc"].into_iter().flat_map(|name| headers.all(name));
            let list: Vec<NamedMailbox> = values.flat_map(named_mailboxes).collect();
            let named = list.iter().filter(|mailbox| !mailbox.name.is_empty());
            let names = named.map(|mailbox| (mailbox.address.key(), mailbox.name.clone()));
            Shown {
                names: names.collect(),
                list,
            }
        })
    }

    fn name_of(&self, address: &Address) -> Option<&str> {
        let names = &self.shown().names;
        (!names.is_empty())
            .then(|| names.get(&address.key()))?
            .map(String::as_str)
    }

    /// Those inside who are recipients or stand in To or Cc, but not who sends.
    fn insiders(&self) -> Insiders {
        let envelope = self.facts.envelope;
        let mut sender: Vec<String> = envelope
            .mail_from
            .address()
            .map(Address::key)
            .into_iter()
            .collect();
        let authors = self.facts.headers.all("From").flat_map(named_mailboxes);
        sender.extend(authors.map(|author| author.address.key()));
        let is_inside = |address: &Address| {
            self.classes.of(address).is_internal() && !sender.contains(&address.key())
        };
        let mut insiders = Insiders::default();
        for address in envelope.rcpts.iter().filter_map(|rcpt| rcpt.address()) {
            if is_inside(address) {
                insiders.add(address, None);
            }
        }
        for mailbox in &self.shown().list {
            if is_inside(&mailbox.address) {
                insiders.add(&mailbox.address, Some(&mailbox.name));
            }
        }
        insiders
    }

    /// What is the same for every recipient.
    fn circumstances(&self) -> Circumstances {
        // Evening and weekend: outside 7 to 18 on school days.
        let rest = Hours {
            from: time(18, 0, 0, 0),
            to: time(7, 0, 0, 0),
            days: vec![Weekday::Saturday, Weekday::Sunday],
        };
        let files = &self.facts.content.files;
        Circumstances {
            only_recipient: self.facts.envelope.rcpts.len() == 1,
            little_text: self.subject_says_little() || self.body_says_little(),
            attachments: files.iter().any(|file| {
                let logo = FileKind::of(&file.kind) == FileKind::Image && file.bytes < LOGO_BYTES;
                matches!(file.location.place, Place::Attachment(_)) && !logo
            }),
            out_of_hours: rest.contain(self.now),
            ..Circumstances::default()
        }
    }

    fn subject_says_little(&self) -> bool {
        // Without the header nothing is known of it: a message in short form has none.
        self.facts.headers.first("Subject").is_some_and(says_little)
    }

    fn body_says_little(&self) -> bool {
        bodies_say_little(&self.facts.content.units)
    }

    /// Whether an address is a registered contact of a pupil whom the message names.
    fn is_contact(&self, address: &Address) -> bool {
        let contacts = self.contacts.get_or_init(|| {
            let people = self.facts.findings.people.values();
            people
                .flat_map(|person| person.contacts.iter().map(String::as_str))
                .collect()
        });
        !contacts.is_empty() && contacts.contains(address.key().as_str())
    }
}

/// Whether a subject says nothing but where the sender wants it.
pub(super) fn says_little(subject: &str) -> bool {
    let subject = words::decode(subject).to_lowercase();
    let mut words = subject
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.all(|word| EMPTY_WORDS.contains(&word))
}

/// Whether the bodies of a message that was read have next to no words.
pub(super) fn bodies_say_little(units: &[Unit]) -> bool {
    let mut bodies = units
        .iter()
        .filter(|unit| unit.location.place == Place::Body && unit.view == View::Visible);
    !units.is_empty() && bodies.all(|unit| unit.text.split_whitespace().nth(LITTLE_WORDS).is_none())
}
