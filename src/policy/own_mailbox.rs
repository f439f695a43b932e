//! How likely a recipient is the sender's own private mailbox: a score from 0 to 100 with its signals in plain words.
//!
//! # Invariants
//! Pure. Only a private mailbox can be one: a host of the lists of mail services, or a domain named after the sender. Mailboxes of
//! posts and teams, and firms, score 0. A surname alone stays below [`PERHAPS_AT`], whatever the message looks like: parents and
//! relatives share it. No signal says an address or a name.
//!
//! # Standards
//! Points by section 7.3 of the policy reference (from public practice of send-to-self detection, not from measured mail); what
//! differs from it says why at its constant.
//!
//! # Known gaps
//! Not known here: a leaver's last days, the trust's list of private addresses, and mail that came in from the address. An address
//! that says nothing of its owner is told by history alone, and then never surely.

use super::lists::ListName;
use super::name_agreement::{SenderNames, by_domain, by_local_part, weigh_display_name};
use super::person_name::{LocalPart, PersonName};
use crate::mail::{Address, Domain};

/// From this score on a mailbox counts as the sender's own.
pub const OWN_AT: u8 = 60;
/// From this score on a mailbox is perhaps the sender's own.
pub const PERHAPS_AT: u8 = 40;

/// A reason for a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// The local part, or the domain, holds the sender's full name.
    SameName,
    /// The local part is the sender's own at the trust.
    SameLocalPart,
    /// Surname and a short form of the forename, as in the table of nicknames.
    ShortForm,
    /// Surname and initial.
    SurnameAndInitial,
    /// A name one slip away from the sender's.
    SimilarName,
    /// Forename and the initial of the surname.
    ForenameAndInitial,
    /// Surname only.
    SurnameOnly,
    /// The display name is the sender's.
    SameDisplayName,
    /// The domain is named after the sender.
    OwnDomain,
    /// The only recipient.
    OnlyRecipient,
    /// Little or no text.
    LittleText,
    /// There are attachments.
    Attachments,
    /// Sent in the evening or at the weekend.
    OutOfHours,
    /// Nobody else of the trust writes there.
    SoleWriter,
    /// An alias that hides a mailbox.
    Relay,
    /// A registered contact of a pupil the message names.
    RegisteredContact,
    /// A domain that companies use too.
    WeakDomain,
}

impl Signal {
    /// Its points: section 7.3 of the policy reference.
    pub(super) fn points(self) -> i32 {
        match self {
            Self::SameName | Self::SameLocalPart | Self::SameDisplayName => 60,
            // 45 for surname and initial, 10 for the table of nicknames.
            Self::ShortForm => 55,
            Self::SurnameAndInitial => 45,
            // The reference has no line for `janew`; it says less than a surname and as much as a misspelt name.
            Self::SimilarName | Self::ForenameAndInitial => 40,
            Self::SurnameOnly => 20,
            Self::SoleWriter => 25,
            // "Raise the score" (section 7.1) without a number; our choice.
            Self::Relay => 15,
            Self::OnlyRecipient | Self::LittleText | Self::Attachments => 10,
            Self::OutOfHours => 5,
            Self::OwnDomain | Self::WeakDomain => 0,
            Self::RegisteredContact => -60,
        }
    }

    /// In plain words, without a name or an address.
    pub fn words(self) -> &'static str {
        match self {
            Self::SameName => "same name",
            Self::SameLocalPart => "same part before the @",
            Self::ShortForm => "same surname and a short form of the forename",
            Self::SurnameAndInitial => "same surname and initial",
            Self::SimilarName => "nearly the same name",
            Self::ForenameAndInitial => "same forename and initial of the surname",
            Self::SurnameOnly => "same surname",
            Self::SameDisplayName => "same display name",
            Self::OwnDomain => "a domain named after the sender",
            Self::OnlyRecipient => "only recipient",
            Self::LittleText => "little or no text",
            Self::Attachments => "attachments",
            Self::OutOfHours => "in the evening or at the weekend",
            Self::SoleWriter => "nobody else of the trust writes there",
            Self::Relay => "an alias that hides a mailbox",
            Self::RegisteredContact => "but a registered contact of a pupil",
            Self::WeakDomain => "but a domain that companies use too",
        }
    }

    /// Whether it says that the mailbox bears the sender's name.
    pub(super) fn is_of_name(self) -> bool {
        matches!(
            self,
            Self::SameName
                | Self::SameLocalPart
                | Self::ShortForm
                | Self::SurnameAndInitial
                | Self::SimilarName
                | Self::ForenameAndInitial
                | Self::SameDisplayName
        )
    }
}

/// What the score of one recipient came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnMailbox {
    /// 0 to 100.
    pub score: u8,
    /// What made it, names first.
    pub signals: Vec<Signal>,
}

impl OwnMailbox {
    /// The score is [`OWN_AT`] or more.
    pub fn is_own(&self) -> bool {
        self.score >= OWN_AT
    }

    /// The score is from [`PERHAPS_AT`] to below [`OWN_AT`].
    pub fn is_perhaps(&self) -> bool {
        (PERHAPS_AT..OWN_AT).contains(&self.score)
    }

    /// `score 75: same name, only recipient`.
    pub fn in_words(&self) -> String {
        let words: Vec<&str> = self.signals.iter().map(|signal| signal.words()).collect();
        format!("score {}: {}", self.score, words.join(", "))
    }
}

/// What is known of a message to one recipient.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances {
    /// The message goes to nobody else.
    pub only_recipient: bool,
    /// The subject or the body says next to nothing.
    pub little_text: bool,
    /// There are attachments.
    pub attachments: bool,
    /// It is evening or weekend at the trust.
    pub out_of_hours: bool,
    /// Only this sender of the trust ever wrote there, several times.
    pub sole_writer: bool,
    /// The address is a registered contact of a pupil the message names.
    pub registered_contact: bool,
}

/// What a recipient's host says of whose mailboxes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Anybody's.
    Freemail,
    /// Anybody's, behind an alias.
    Relay,
    /// Anybody's, or a company's.
    Weak,
    /// Not known.
    Unlisted,
}

impl Host {
    /// Looks a host up in the lists.
    pub fn of(domain: &Domain) -> Self {
        if ListName::Relay.holds(domain) {
            Self::Relay
        } else if ListName::WeakFreemail.holds(domain) {
            Self::Weak
        } else if ListName::Freemail.holds(domain) || ListName::Disposable.holds(domain) {
            Self::Freemail
        } else {
            Self::Unlisted
        }
    }
}

/// Scores a recipient outside the trust; `display_name` is what To or Cc calls it.
pub fn own_mailbox(
    sender: &SenderNames,
    recipient: &Address,
    host: Host,
    display_name: Option<&str>,
    circumstances: Circumstances,
) -> OwnMailbox {
    let local = LocalPart::of(recipient.local());
    if local.is_role() {
        return OwnMailbox::default();
    }
    let mut signals = Vec::new();
    if host == Host::Unlisted {
        match by_domain(sender, recipient.domain(), &local) {
            Some(signal) => signals.extend([signal, Signal::OwnDomain]),
            None => return OwnMailbox::default(),
        }
    } else {
        signals.extend(by_local_part(sender, &local));
    }
    if let Some(shown) = display_name.and_then(PersonName::of_display) {
        weigh_display_name(sender, &shown, &mut signals);
    }
    let c = circumstances;
    let rest = [
        (c.only_recipient, Signal::OnlyRecipient),
        (c.little_text, Signal::LittleText),
        (c.attachments, Signal::Attachments),
        (c.out_of_hours, Signal::OutOfHours),
        (c.sole_writer, Signal::SoleWriter),
        (host == Host::Relay, Signal::Relay),
        (c.registered_contact, Signal::RegisteredContact),
        (host == Host::Weak, Signal::WeakDomain),
    ];
    signals.extend(rest.iter().filter(|(is, _)| *is).map(|(_, signal)| *signal));
    OwnMailbox {
        score: score(&signals),
        signals,
    }
}

fn score(signals: &[Signal]) -> u8 {
    let has = |signal| signals.contains(&signal);
    let sum: i32 = signals.iter().map(|signal| signal.points()).sum();
    let named = signals.iter().any(|signal| signal.is_of_name());
    let ceiling = if named && !has(Signal::WeakDomain) {
        100
    } else if named
        || (has(Signal::SoleWriter) && has(Signal::LittleText) && !has(Signal::SurnameOnly))
    {
        i32::from(OWN_AT) - 1
    } else {
        // A class teacher is the only one to write to many parents, and often with an attachment in the evening.
        i32::from(PERHAPS_AT) - 1
    };
    u8::try_from(sum.clamp(0, ceiling)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Circumstances = Circumstances {
        only_recipient: true,
        little_text: false,
        attachments: false,
        out_of_hours: false,
        sole_writer: false,
        registered_contact: false,
    };
    const LOUD: Circumstances = Circumstances {
        little_text: true,
        attachments: true,
        out_of_hours: true,
        ..QUIET
    };

    /// A sender (address, display name) and a recipient (local part, display name) at a mail service.
    fn scored(sender: (&str, &str), recipient: (&str, &str), c: Circumstances) -> OwnMailbox {
        scored_at(
            sender,
            (&format!("{}@home.example", recipient.0), recipient.1),
            Host::Freemail,
            c,
        )
    }

    fn scored_at(
        sender: (&str, &str),
        recipient: (&str, &str),
        host: Host,
        c: Circumstances,
    ) -> OwnMailbox {
        let some = |name: &'_ str| (!name.is_empty()).then(|| name.to_owned());
        let address = Address::parse(&format!("{}@trust.example", sender.0)).unwrap();
        let sender = SenderNames::of(&address, some(sender.1).as_deref());
        let to = Address::parse(recipient.0).unwrap();
        own_mailbox(&sender, &to, host, some(recipient.1).as_deref(), c)
    }

    const JANE: (&str, &str) = ("jane.whitcombe", "Jane Whitcombe");
    const BETH: (&str, &str) = ("ewhitcombe3", "Whitcombe, Elizabeth (Oakfield)");

    #[test]
    fn mailboxes_with_the_senders_name_are_their_own() {
        for (sender, recipient) in [
            (JANE, ("jane.whitcombe", "")),
            (JANE, ("janewhitcombe1987+school", "")),
            (JANE, ("whitcombe_jane", "")),
            (JANE, ("Jane.M.Whitcombe", "")),
            (JANE, ("mrsjanewhitcombe", "")),
            (JANE, ("jane.whitcombe", "Home Email")),
            (JANE, ("snowleopard", "Jane Whitcombe")),
            (JANE, ("j.whitcombe", "Whitcombe, Jane")),
            (("jane.whitcombe", ""), ("jane-whitcombe", "")),
            (("jwhitcombe", ""), ("jwhitcombe", "")),
            (BETH, ("beth.whitcombe", "")),
            (BETH, ("elizabethwhitcombe", "Beth")),
            (("head", "Jane Whitcombe"), ("janewhitcombe", "")),
            (
                ("a.oneil-smith", "Aoife O\u{2019}Neil-Smith"),
                ("aoife.oneilsmith", ""),
            ),
            (("l.roux", "L\u{e9}a Roux"), ("lea.roux", "")),
        ] {
            let own = scored(sender, recipient, QUIET);
            assert!(own.is_own(), "{sender:?} {recipient:?} {own:?}");
        }
    }

    #[test]
    fn initials_and_slips_are_perhaps_their_own() {
        for (sender, recipient) in [
            (JANE, ("j.whitcombe", "")),
            (JANE, ("whitcombej", "")),
            (JANE, ("janew", "")),
            (JANE, ("janewitcombe", "")),
            (("micheal.yarrow", ""), ("michael.yarrow", "")),
            (("j.whitcombe", ""), ("jane.whitcombe", "")),
        ] {
            let own = scored(sender, recipient, QUIET);
            assert!(own.is_perhaps(), "{sender:?} {recipient:?} {own:?}");
        }
        assert!(scored(JANE, ("j.whitcombe", ""), LOUD).is_own());
    }

    #[test]
    fn namesakes_and_strangers_are_not() {
        let all = Circumstances {
            sole_writer: true,
            ..LOUD
        };
        for (sender, recipient) in [
            (JANE, ("peter.whitcombe", "")),
            (JANE, ("john.whitcombe", "")),
            (JANE, ("janet.whitcombe", "")),
            (JANE, ("whitcombe.family", "")),
            (JANE, ("whitcombe", "")),
            (JANE, ("j.whitcombe", "John Whitcombe")),
            (
                ("jwhitcombe", "Jane Whitcombe"),
                ("jwhitcombe", "Whitcombe, Joan"),
            ),
            (("maria.ash", "Maria Ash"), ("marie.ash", "Marie Ash")),
            (("paul.yarrow", "Paul Yarrow"), ("pauline.yarrow", "")),
        ] {
            let own = scored(sender, recipient, all);
            assert!(own.score < PERHAPS_AT, "{sender:?} {recipient:?} {own:?}");
        }
        for (sender, recipient) in [
            (JANE, ("snowleopard", "")),
            (JANE, ("jane", "")),
            (JANE, ("janew", "Jane Watson")),
            (("jane", "Jane Whitcombe"), ("jane", "")),
            (("m.ash", "Maria Ash"), ("ashley.marsh", "")),
            (("office", "Oakfield Office"), ("oakfield", "")),
            (("office", ""), ("officer", "")),
        ] {
            let own = scored(sender, recipient, LOUD);
            assert!(own.score < PERHAPS_AT, "{sender:?} {recipient:?} {own:?}");
        }
    }

    #[test]
    fn posts_and_firms_are_never_their_own() {
        for recipient in [
            "office@home.example",
            "no-reply@home.example",
            "1234@home.example",
        ] {
            let own = scored_at(JANE, (recipient, "Jane Whitcombe"), Host::Freemail, LOUD);
            assert_eq!(own, OwnMailbox::default(), "{recipient}");
        }
        for recipient in [
            "jane.whitcombe@firm.example",
            "office@whitcombe.example",
            "enquiries@janewhitcombe.example",
            "jane@whitcombe-partners.example",
        ] {
            let own = scored_at(JANE, (recipient, "Jane Whitcombe"), Host::Unlisted, LOUD);
            assert_eq!(own, OwnMailbox::default(), "{recipient}");
        }
        let own = scored_at(JANE, ("peter@whitcombe.example", ""), Host::Unlisted, LOUD);
        assert!(own.score < PERHAPS_AT, "{own:?}");
    }

    #[test]
    fn a_domain_named_after_the_sender_is_a_private_one() {
        for recipient in [
            "me@jane-whitcombe.example",
            "jane@whitcombe.example",
            "jane@mail.thewhitcombes.example",
        ] {
            let own = scored_at(JANE, (recipient, ""), Host::Unlisted, QUIET);
            assert!(
                own.is_own() && own.signals.contains(&Signal::OwnDomain),
                "{recipient} {own:?}"
            );
        }
    }

    #[test]
    fn the_tiers_and_the_contact_lower_the_score() {
        let full = ("jane.whitcombe@provider.example", "Jane Whitcombe");
        let weak = scored_at(JANE, full, Host::Weak, LOUD);
        assert!(weak.is_perhaps(), "{weak:?}");
        let parent = Circumstances {
            registered_contact: true,
            ..QUIET
        };
        assert_eq!(scored(JANE, ("jane.whitcombe", ""), parent).score, 10);
        let alias = Circumstances {
            sole_writer: true,
            ..LOUD
        };
        let relay = scored_at(JANE, ("k7q-2@alias.example", ""), Host::Relay, alias);
        assert!(relay.is_perhaps(), "{relay:?}");
    }

    #[test]
    fn the_words_say_no_name() {
        let own = scored(JANE, ("j.whitcombe", ""), QUIET);
        assert_eq!(
            own.in_words(),
            "score 55: same surname and initial, only recipient"
        );
        let own = scored(JANE, ("jane.whitcombe", "Jane Whitcombe"), LOUD);
        assert_eq!(own.score, 100);
        assert!(!own.in_words().to_lowercase().contains("whitcombe"));
    }

    #[test]
    fn no_input_panics() {
        for text in [
            "\u{4e2d}\u{6587}",
            "\u{418}\u{432}\u{430}\u{43d} \u{41f}",
            "a",
            "\u{130}\u{df} x",
            ", ,",
            "(((",
            "\u{301}",
        ] {
            let address = Address::parse(&format!("\"{text}\"@home.example")).unwrap();
            let sender = SenderNames::of(&address, Some(text));
            for host in [Host::Freemail, Host::Unlisted, Host::Weak, Host::Relay] {
                assert!(own_mailbox(&sender, &address, host, Some(text), LOUD).score <= 100);
            }
        }
    }
}
