//! One message as rules look at it: its facts with what follows from them for every rule.
//!
//! # Invariants
//! Pure. What only few rules ask for is worked out when the first asks. A recipient that is not known (`<Postmaster>`, or a
//! file scanned without an envelope) counts as outside.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;

use jiff::civil::DateTime;

use super::auto_forward::{Automation, AutomationState, automation_towards};
use super::classes::{ClassSet, Classes};
use super::condition::{ClassRef, FileKind, Files, Found, IdentityMark, When};
use super::facts::Facts;
use super::header_text::{addresses, starts_with};
use super::identity;
use super::own_mailbox::OwnMailbox;
use super::rule::{Exception, Policy};
use super::traits::Traits;
use super::wording::{Count, described};
use crate::detect::{Category, Confidence, Finding, Findings, PersonId};
use crate::extract::{Place, Protection};
use crate::mail::Address;

/// A recipient as rules see it.
pub(super) struct Rcpt<'a> {
    pub(super) address: Option<&'a Address>,
    pub(super) classes: ClassSet,
    contact: OnceCell<bool>,
    first_contact: bool,
    index: usize,
    traits: Rc<Traits<'a>>,
    named: Rc<Named<'a>>,
}

impl Rcpt<'_> {
    fn is_in(&self, class: ClassRef) -> bool {
        match class {
            ClassRef::Any => true,
            ClassRef::Outside => self.classes.is_outside(),
            ClassRef::NotInternal => !self.classes.is_internal(),
            ClassRef::Null => false,
            ClassRef::Contact => self.is_contact(),
            ClassRef::FirstContact => self.first_contact,
            ClassRef::OwnMailbox => self.own_mailbox().is_some_and(OwnMailbox::is_own),
            ClassRef::PerhapsOwnMailbox => self.own_mailbox().is_some_and(OwnMailbox::is_perhaps),
            ClassRef::LookAlike => self.traits.look_alike(self.index).is_some(),
            ClassRef::Namesake => self.traits.namesake(self.index).is_some(),
            ClassRef::Named(index) => self.classes.has(index),
        }
    }

    /// Worked out when a rule asks: of most recipients none does.
    fn is_contact(&self) -> bool {
        let known = |address| self.named.all_have_contact(address);
        *self.contact.get_or_init(|| self.address.is_some_and(known))
    }

    fn own_mailbox(&self) -> Option<&OwnMailbox> {
        self.traits.own_mailbox(self.index)
    }

    /// What makes the recipient one of a class that is told by traits, in words.
    pub(super) fn trait_in_words(&self, class: ClassRef) -> Option<String> {
        if !self.is_in(class) {
            return None;
        }
        let traits = &self.traits;
        Some(match class {
            ClassRef::OwnMailbox => {
                let score = self.own_mailbox()?.in_words();
                format!("a recipient looks like the sender's own private mailbox ({score})")
            }
            ClassRef::PerhapsOwnMailbox => {
                let score = self.own_mailbox()?.in_words();
                format!("a recipient may be the sender's own private mailbox ({score})")
            }
            ClassRef::LookAlike => {
                let how = traits.look_alike(self.index)?.in_words();
                format!("a recipient's domain is {how}")
            }
            ClassRef::Namesake => {
                let how = traits.namesake(self.index)?.words();
                format!("a recipient outside has {how}")
            }
            _ => return None,
        })
    }

    /// Whether a rule speaks of this recipient, exceptions left aside.
    pub(super) fn is_listed(&self, when: &When) -> bool {
        when.recipients.is_empty() || when.recipients.iter().any(|c| self.is_in(*c))
    }
}

/// The facts of a message with what follows from them for every rule.
pub(super) struct Message<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) classes: &'a Classes,
    pub(super) automation: Automation,
    pub(super) rcpts: Vec<Rcpt<'a>>,
    policy: &'a Policy,
    pub(super) now: DateTime,
    sender: Option<ClassSet>,
    authors: OnceCell<Vec<ClassSet>>,
    reply_to: OnceCell<Vec<ClassSet>>,
    shown: OnceCell<HashSet<String>>,
    held: OnceCell<Held>,
    identity: OnceCell<Vec<IdentityMark>>,
}

/// What kinds of findings there are.
#[derive(Default)]
struct Held {
    categories: Vec<Category>,
    obfuscated: bool,
}

/// What a rule's conditions came to.
pub(super) enum Outcome {
    /// All hold.
    Met(Met),
    /// One does not, in a way a person should know of.
    Nearly(String),
    /// They do not hold.
    No,
}

/// What made a rule fire.
pub(super) struct Met {
    pub(super) rcpts: Vec<usize>,
    pub(super) findings: Vec<usize>,
}

impl<'a> Message<'a> {
    pub(super) fn of(policy: &'a Policy, facts: &'a Facts<'a>, now: DateTime) -> Self {
        let classes = &policy.classes;
        let named = Rc::new(Named::of(facts.findings));
        let traits = Rc::new(Traits::new(facts, classes, now));
        let rcpts = facts.envelope.rcpts.iter().enumerate();
        let rcpts = rcpts.map(|(index, rcpt)| {
            let address = rcpt.address();
            Rcpt {
                address,
                classes: address.map(|a| classes.of(a)).unwrap_or_default(),
                contact: OnceCell::new(),
                first_contact: facts.history.is_first_contact(index),
                index,
                traits: Rc::clone(&traits),
                named: Rc::clone(&named),
            }
        });
        let mut rcpts: Vec<Rcpt<'_>> = rcpts.collect();
        if rcpts.is_empty() {
            rcpts.push(Rcpt {
                address: None,
                classes: ClassSet::default(),
                contact: OnceCell::new(),
                first_contact: false,
                index: 0,
                traits,
                named,
            });
        }
        Self {
            facts,
            classes,
            automation: automation_towards(facts, classes, || {
                let own = |rcpt: &Rcpt<'_>| rcpt.own_mailbox().is_some_and(OwnMailbox::is_own);
                rcpts.iter().any(own)
            }),
            sender: facts.envelope.mail_from.address().map(|a| classes.of(a)),
            rcpts,
            policy,
            now,
            authors: OnceCell::new(),
            reply_to: OnceCell::new(),
            shown: OnceCell::new(),
            held: OnceCell::new(),
            identity: OnceCell::new(),
        }
    }

    pub(super) fn meets(&self, when: &When) -> Outcome {
        if !self.circumstances_hold(when) {
            return Outcome::No;
        }
        // A letter to nobody of a special class is most letters: their findings need not be weighed.
        if when.recipients.iter().all(is_known_at_once) && self.concerns_nobody(when) {
            return Outcome::No;
        }
        let findings = match &when.found {
            None => Ok(Vec::new()),
            Some(found) => match self.found(found) {
                Some(found) => found,
                None => return Outcome::No,
            },
        };
        let rcpts = self.counted_rcpts(when);
        let enough = rcpts.len() >= when.min_recipients.max(1);
        match (enough, findings) {
            (true, Ok(findings)) => Outcome::Met(Met { rcpts, findings }),
            (true, Err(missing)) => Outcome::Nearly(missing),
            (false, Ok(_)) if is_worth_a_word(when, rcpts.len()) => {
                Outcome::Nearly(self.recipients_missing(when, &rcpts))
            }
            (false, _) => Outcome::No,
        }
    }

    /// The conditions that hold or do not, without a nearly. The cheap ones come first.
    fn circumstances_hold(&self, when: &When) -> bool {
        let facts = self.facts;
        let content = facts.content;
        let mut defects = facts.defects.iter().chain(&content.defects);
        (when.automation.is_empty() || when.automation.contains(&self.automation.state))
            && (when.senders.is_empty() || when.senders.iter().any(|c| self.sender_is(*c)))
            && !when.except_senders.iter().any(|c| self.sender_is(*c))
            && (!when.only_recipient || facts.envelope.rcpts.len() == 1)
            && self.rcpts.len() * 2 >= when.min_recipients
            && (when.protection.is_empty()
                || content.protections.iter().any(|part| protects(when, part)))
            && when
                .unread
                .as_ref()
                .is_none_or(|list| content.unread.iter().any(|part| list.holds(&part.reason)))
            && when
                .defects
                .as_ref()
                .is_none_or(|list| defects.any(|defect| list.holds(defect)))
            && when
                .recognised
                .is_none_or(|wanted| wanted != content.recognised.is_empty())
            && when
                .unfinished
                .is_none_or(|wanted| wanted == facts.findings.unfinished)
            && when
                .min_bytes
                .is_none_or(|least| facts.message_bytes >= least)
            && when.files.as_ref().is_none_or(|files| self.has(files))
            && when.hours.as_ref().is_none_or(|h| h.contain(self.now))
            && self.headers_hold(when)
    }

    /// The conditions that headers answer.
    fn headers_hold(&self, when: &When) -> bool {
        let headers = self.facts.headers;
        when.headers.iter().all(|wanted| {
            let mut values = headers.all(&wanted.name);
            values.any(|value| {
                let value = value.to_lowercase();
                wanted.contains.is_empty() || wanted.contains.iter().any(|t| value.contains(t))
            })
        }) && when
            .personal
            .is_none_or(|wanted| wanted == self.is_personal())
            && when
                .forwarded_by_hand
                .is_none_or(|wanted| wanted == self.is_forwarded_by_hand())
            && (when.authors.is_empty() || is_one(self.authors(), &when.authors))
            && (when.reply_to.is_empty() || is_one(self.reply_to(), &when.reply_to))
            && (when.identity.is_empty()
                || when.identity.iter().any(|m| self.identity().contains(m)))
    }

    fn sender_is(&self, class: ClassRef) -> bool {
        match (class, self.sender) {
            (ClassRef::Any, _) => true,
            (ClassRef::Null, sender) => sender.is_none(),
            (_, None) => false,
            (class, Some(set)) => set_is(set, class),
        }
    }

    fn authors(&self) -> &[ClassSet] {
        self.authors.get_or_init(|| self.classes_named("From"))
    }

    fn reply_to(&self) -> &[ClassSet] {
        self.reply_to.get_or_init(|| self.classes_named("Reply-To"))
    }

    fn classes_named(&self, header: &str) -> Vec<ClassSet> {
        let named = self.facts.headers.all(header).flat_map(addresses);
        named.map(|address| self.classes.of(&address)).collect()
    }

    /// How the message misrepresents its sender.
    pub(super) fn identity(&self) -> &[IdentityMark] {
        let state = self.automation.state;
        self.identity.get_or_init(|| {
            identity::marks(self.facts, self.classes, &self.policy.identities, state)
        })
    }

    /// RFC 2156 Sensitivity as mail programs set it, or a subject that says so.
    fn is_personal(&self) -> bool {
        let headers = self.facts.headers;
        let sensitivity = headers.first("Sensitivity").unwrap_or_default();
        let marked = ["personal", "private"];
        let subject = headers.first("Subject").unwrap_or_default();
        marked.iter().any(|w| sensitivity.eq_ignore_ascii_case(w))
            || ["[personal]", "personal:", "[private]", "private:"]
                .iter()
                .any(|start| starts_with(subject, start))
    }

    /// A person sends another message on: as text, by the subject mail programs give it, or as an attachment.
    fn is_forwarded_by_hand(&self) -> bool {
        let by_hand = matches!(
            self.automation.state,
            AutomationState::None | AutomationState::ManualRedirect
        );
        let headers = self.facts.headers;
        let subject = headers.first("Subject").unwrap_or_default();
        let attached = |kind: &str| FileKind::of(kind) == FileKind::Message;
        by_hand
            && (["fw:", "fwd:"].iter().any(|s| starts_with(subject, s))
                || headers.has("X-Forwarded-Message-Id")
                || self.automation.state == AutomationState::ManualRedirect
                || self.facts.content.files.iter().any(|f| attached(&f.kind)))
    }

    /// Whether enough files of the kinds asked for are attached. What a document or an archive holds counts only for misnamed files and
    /// kinds, not for sizes: the container was sent, not its parts.
    fn has(&self, wanted: &Files) -> bool {
        let list = &self.facts.content.files;
        let fitting = list.iter().filter(|file| {
            (wanted.kinds.is_empty() || wanted.kinds.contains(&FileKind::of(&file.kind)))
                && (!wanted.misnamed || file.mismatch)
        });
        let (mut count, mut bytes) = (0usize, 0u64);
        for file in fitting {
            count += 1;
            let outermost =
                matches!(&file.location.place, Place::Attachment(names) if names.len() <= 1);
            bytes = bytes.saturating_add(if outermost { file.bytes } else { 0 });
        }
        count >= wanted.min_count.max(1) && bytes >= wanted.min_bytes
    }

    /// The findings that count, what is missing to enough of them, or nothing at all.
    fn found(&self, found: &Found) -> Option<Result<Vec<usize>, String>> {
        let list = &self.facts.findings.list;
        if !self.holds_one_of(found) {
            return None;
        }
        let fits = |(index, finding): (usize, &Finding)| {
            (found.fits(finding) && self.is_in_files(finding, &found.files)).then_some(index)
        };
        let fitting: Vec<usize> = list.iter().enumerate().filter_map(fits).collect();
        if fitting.is_empty() {
            return None;
        }
        let sure: Vec<usize> = fitting
            .iter()
            .copied()
            .filter(|index| list[*index].confidence >= found.min_confidence)
            .collect();
        // Less than half of a count is every message.
        let counts = found.min_people > 1 || found.min_values > 1;
        if counts {
            let near = Count::of(list, if sure.is_empty() { &fitting } else { &sure });
            if near.people * 2 < found.min_people || near.values * 2 < found.min_values {
                return None;
            }
        }
        if sure.is_empty() {
            let missing = format!(
                "{}, but with less than {} confidence",
                described(list, &fitting),
                found.min_confidence.name()
            );
            return Some(Err(missing));
        }
        if counts {
            let count = Count::of(list, &sure);
            if count.people < found.min_people {
                let missing = format!("{} of {} people", count.people, found.min_people);
                return Some(Err(missing));
            }
            if count.values < found.min_values {
                let missing = format!("{} of {} different values", count.values, found.min_values);
                return Some(Err(missing));
            }
        }
        Some(Ok(sure))
    }

    /// Whether there is any finding of the categories and disguise asked for, wherever it stands.
    fn holds_one_of(&self, found: &Found) -> bool {
        let held = self.held.get_or_init(|| {
            let mut held = Held::default();
            for finding in &self.facts.findings.list {
                if !held.categories.contains(&finding.category) {
                    held.categories.push(finding.category);
                }
                held.obfuscated |= finding.obfuscated;
            }
            held
        });
        let categories = &found.categories;
        (categories.is_empty() || categories.iter().any(|c| held.categories.contains(c)))
            && (!found.obfuscated || held.obfuscated)
    }

    /// Whether a finding stands in a file of one of these kinds.
    fn is_in_files(&self, finding: &Finding, kinds: &[FileKind]) -> bool {
        if kinds.is_empty() {
            return true;
        }
        let place = &finding.location.place;
        let files = &self.facts.content.files;
        files
            .iter()
            .any(|file| file.location.place == *place && kinds.contains(&FileKind::of(&file.kind)))
    }

    /// Whether no recipient is of the special classes that a rule is for.
    fn concerns_nobody(&self, when: &When) -> bool {
        !when.recipients.is_empty() && !self.rcpts.iter().any(|rcpt| rcpt.is_listed(when))
    }

    fn counted_rcpts(&self, when: &When) -> Vec<usize> {
        let excepted = |rcpt: &Rcpt<'_>| when.except_recipients.iter().any(|c| rcpt.is_in(*c));
        self.rcpts
            .iter()
            .enumerate()
            .filter(|(_, rcpt)| rcpt.is_listed(when) && !excepted(rcpt))
            .filter(|(_, rcpt)| !when.visible || self.is_shown(rcpt))
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether the other recipients see this one in To or Cc.
    fn is_shown(&self, rcpt: &Rcpt<'_>) -> bool {
        let shown = self.shown.get_or_init(|| {
            let headers = self.facts.headers;
            let named = ["To", "Cc"].into_iter().flat_map(|name| headers.all(name));
            named.flat_map(addresses).map(|a| a.key()).collect()
        });
        rcpt.address.is_some_and(|a| shown.contains(&a.key()))
    }

    fn recipients_missing(&self, when: &When, counted: &[usize]) -> String {
        if !counted.is_empty() {
            return format!("{} of {} recipients", counted.len(), when.min_recipients);
        }
        let excepted = self.rcpts.iter().any(|rcpt| rcpt.is_listed(when));
        if excepted && when.except_recipients.contains(&ClassRef::Contact) {
            return "every recipient outside is a registered contact of every pupil named".into();
        }
        if excepted {
            return "every recipient is one the rule excepts".into();
        }
        if self.rcpts.iter().all(|rcpt| rcpt.classes.is_internal()) {
            return "only internal recipients".into();
        }
        if self.rcpts.iter().all(|rcpt| !rcpt.classes.is_outside()) {
            return "only recipients of the trust and its secure partners".into();
        }
        "no recipient of the classes the rule is for".into()
    }

    /// Whether an exception covers the sender and every recipient that made the rule fire.
    pub(super) fn covers(&self, exception: &Exception, met: &Met) -> bool {
        let sender = self.facts.envelope.mail_from.address();
        let sender_fits = exception.senders.is_empty()
            || sender.is_some_and(|a| exception.senders.iter().any(|party| party.covers(a)));
        let classes = &exception.sender_classes;
        let class_fits = classes.is_empty() || classes.iter().any(|c| self.sender_is(*c));
        let count_fits = !exception.only_recipient || self.rcpts.len() == 1;
        sender_fits
            && class_fits
            && count_fits
            && met.rcpts.iter().all(|index| {
                let rcpt = &self.rcpts[*index];
                let named = exception.recipients.is_empty()
                    || rcpt
                        .address
                        .is_some_and(|a| exception.recipients.iter().any(|p| p.covers(a)));
                let classed = exception.classes.is_empty()
                    || exception.classes.iter().any(|c| rcpt.is_in(*c));
                named && classed
            })
    }

    /// Whether somebody is written to whose mail no reviewer reads.
    pub(super) fn is_confidential(&self) -> bool {
        let classes = &self.policy.confidential;
        let is = |rcpt: &Rcpt<'_>| classes.iter().any(|class| rcpt.is_in(*class));
        !classes.is_empty() && self.rcpts.iter().any(is)
    }

    /// Whether a cap is for this message.
    pub(super) fn is_capped_by(&self, cap: &super::rule::Cap) -> bool {
        (cap.senders.is_empty() || cap.senders.iter().any(|c| self.sender_is(*c)))
            && (cap.automation.is_empty() || cap.automation.contains(&self.automation.state))
    }
}

/// Whether it costs nothing to tell who is of a class, and nobody needs to be told that no recipient was.
fn is_known_at_once(class: &ClassRef) -> bool {
    matches!(
        class,
        ClassRef::FirstContact | ClassRef::Contact | ClassRef::Null | ClassRef::Named(_)
    )
}

/// Whether a person should know that a rule lacked only recipients. Half of a count is worth it, one recipient of twenty is every
/// message; and every message has no recipient of the special classes (a leaver's mailbox, the police) that some rules are for.
fn is_worth_a_word(when: &When, counted: usize) -> bool {
    if counted > 0 {
        return counted * 2 >= when.min_recipients;
    }
    let asks_of_content = when.found.is_some()
        || !when.protection.is_empty()
        || when.unread.is_some()
        || when.defects.is_some()
        || when.unfinished.is_some()
        || when.files.is_some()
        || !when.automation.is_empty();
    let broad = |class: &ClassRef| {
        matches!(
            class,
            ClassRef::Any | ClassRef::Outside | ClassRef::NotInternal
        )
    };
    when.min_recipients <= 1 && asks_of_content && when.recipients.iter().any(broad)
}

/// Whether an address of these classes is one that a condition means.
fn set_is(set: ClassSet, class: ClassRef) -> bool {
    match class {
        ClassRef::Any => true,
        ClassRef::Outside => set.is_outside(),
        ClassRef::NotInternal => !set.is_internal(),
        ClassRef::Named(index) => set.has(index),
        ClassRef::Null
        | ClassRef::Contact
        | ClassRef::FirstContact
        | ClassRef::OwnMailbox
        | ClassRef::PerhapsOwnMailbox
        | ClassRef::LookAlike
        | ClassRef::Namesake => false,
    }
}

fn is_one(sets: &[ClassSet], classes: &[ClassRef]) -> bool {
    sets.iter()
        .any(|set| classes.iter().any(|class| set_is(*set, *class)))
}

/// The pupils a message names with at least medium confidence.
struct Named<'a> {
    findings: &'a Findings,
    people: Vec<PersonId>,
    /// A name or identifier that no pupil of the roster could be put to.
    unknown: bool,
}

impl<'a> Named<'a> {
    fn of(findings: &'a Findings) -> Self {
        let mut named = Self {
            findings,
            people: Vec::new(),
            unknown: false,
        };
        for finding in &findings.list {
            if finding.confidence < Confidence::Medium {
                continue;
            }
            let names = matches!(finding.category, Category::PupilName | Category::PupilId);
            match finding.person {
                Some(person) => named.people.push(person),
                None => named.unknown |= names,
            }
        }
        named.people.sort_unstable();
        named.people.dedup();
        named
    }

    fn all_have_contact(&self, address: &Address) -> bool {
        if self.unknown || self.people.is_empty() {
            return false;
        }
        let key = address.key();
        self.people.iter().all(|person| {
            let facts = self.findings.people.get(person);
            facts.is_some_and(|facts| facts.contacts.contains(&key))
        })
    }
}

/// Whether a part's protection is one that the condition names.
pub(super) fn protects(when: &When, part: &Protection) -> bool {
    when.protection.contains(&part.state) && (when.locks != Some(false) || !part.is_lock())
}
