//! What a policy says of people and procedure: who is told and reviews, how long things are kept, how the policy is changed.
//!
//! # Invariants
//! Plain data. Deciding does not look at it; custody, notices and the review of changes do.

use std::sync::Arc;

use super::rule::Severity;
use crate::detect::Category;
use crate::mail::Address;

/// When a role is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TellWhen {
    /// As soon as something happens.
    #[default]
    AtOnce,
    /// Once a day, with counts.
    Daily,
}

/// A role with the mailboxes it is told at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The role's name (`dpo`, `head`, `it`).
    pub role: Arc<str>,
    /// Who the trust's document says this is.
    pub title: Option<Arc<str>>,
    /// Its mailboxes; the trust fills them in.
    pub addresses: Vec<Address>,
    /// When it is told.
    pub when: TellWhen,
    /// Told beside its own what happens in these domains only (a head, of the own school); empty means the whole trust.
    pub domains: Vec<crate::mail::Domain>,
}

/// What stands in notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// That the trust monitors mail, as users were told (G1).
    pub monitoring: Option<Arc<str>>,
    /// Where help is found.
    pub help: Option<Arc<str>>,
    /// The telephone for urgent safeguarding matters.
    pub urgent_phone: Option<Arc<str>>,
    /// The accepted ways of sending personal data.
    pub secure_route: Option<Arc<str>>,
    /// Where the document says so.
    pub clause: Option<Arc<str>>,
}

/// How content that is held may be opened (G2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewAccess {
    /// Those who have the role.
    #[default]
    ByRole,
    /// Those who are named for a case, and nobody else.
    ByCase,
    /// On request to the head, each time granted and recorded.
    OnRequest,
}

/// Who reviews (G2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Roles that decide holds.
    pub reviewers: Vec<Arc<str>>,
    /// How content may be opened.
    pub access: ReviewAccess,
    /// Two people release a held message on which a rule fired that is as grave as this, or graver; `None`: only rules of `four_eyes` ask
    /// for two.
    pub second_person_from: Option<Severity>,
    /// Where the document says so.
    pub clause: Option<Arc<str>>,
}

/// How long things are kept (G3), in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Content of holds that nobody decided, from their arrival.
    pub held_days: u32,
    /// Content of released holds, from the decision.
    pub released_days: u32,
    /// Content of refused holds, from the decision.
    pub refused_days: u32,
    /// What happened, without content.
    pub event_days: u32,
    /// Categories with times of their own.
    pub categories: Vec<CategoryRetention>,
    /// Where the document says so.
    pub clause: Option<Arc<str>>,
}

/// How long the content of holds with findings of some categories is kept, where that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryRetention {
    /// The categories.
    pub of: Vec<Category>,
    /// Instead of `held_days`.
    pub held_days: Option<u32>,
    /// Instead of `released_days`.
    pub released_days: Option<u32>,
    /// Instead of `refused_days`.
    pub refused_days: Option<u32>,
}

/// What became of a hold, as far as retention asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Nobody decided it yet.
    Held,
    /// It was released.
    Released,
    /// It was refused.
    Refused,
}

impl Kept {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Held, Self::Released, Self::Refused];
}

impl Retention {
    /// Days that the content of a hold with findings of these categories is kept. Of several times the shortest counts: what must be
    /// gone after two weeks must be gone whatever stood beside it.
    pub fn days(&self, kept: Kept, categories: &[Category]) -> u32 {
        let usual = match kept {
            Kept::Held => self.held_days,
            Kept::Released => self.released_days,
            Kept::Refused => self.refused_days,
        };
        let own = self
            .categories
            .iter()
            .filter(|own| own.of.iter().any(|category| categories.contains(category)))
            .filter_map(|own| own.days(kept));
        own.min().unwrap_or(usual)
    }

    /// The fewest days that any content is kept: what is younger need not be looked at.
    pub fn fewest_days(&self) -> u32 {
        let own = self.categories.iter();
        let all = Kept::ALL.into_iter();
        own.flat_map(|own| Kept::ALL.into_iter().filter_map(|kept| own.days(kept)))
            .chain(all.map(|kept| self.days(kept, &[])))
            .min()
            .unwrap_or(0)
    }
}

impl CategoryRetention {
    fn days(&self, kept: Kept) -> Option<u32> {
        match kept {
            Kept::Held => self.held_days,
            Kept::Released => self.released_days,
            Kept::Refused => self.refused_days,
        }
    }
}

impl Default for Retention {
    /// The proposal of the research behind this product: 30 days as Microsoft keeps its quarantine, a week after a decision, a
    /// year of events.
    fn default() -> Self {
        Self {
            held_days: 30,
            released_days: 7,
            refused_days: 7,
            event_days: 365,
            categories: Vec::new(),
            clause: None,
        }
    }
}

/// How the policy is changed (G5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// A change needs a second person.
    pub second_person: bool,
    /// Days that an exception may last.
    pub max_days: u32,
    /// Where the document says so.
    pub clause: Option<Arc<str>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            second_person: true,
            max_days: 90,
            clause: None,
        }
    }
}

/// A requirement that no rule can meet, and how it is met instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The requirement of the catalogue (`G6`).
    pub covers: Arc<str>,
    /// Where the document says so.
    pub clause: Arc<str>,
    /// How Beadle meets it, or that it does not.
    pub met: Arc<str>,
}

/// People and procedure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Governance {
    /// Roles with their mailboxes.
    pub people: Vec<Person>,
    /// What stands in notices.
    pub notices: Notices,
    /// Who reviews.
    pub review: Review,
    /// How long things are kept.
    pub retention: Retention,
    /// How the policy is changed.
    pub changes: Changes,
    /// What no rule can meet.
    pub duties: Vec<Duty>,
}

impl Review {
    /// Whether two people release a held message on which a rule of this severity fired, whatever the rule itself says.
    pub fn needs_second_person(&self, severity: Severity) -> bool {
        self.second_person_from.is_some_and(|from| severity >= from)
    }
}

impl Governance {
    /// A role by its name.
    pub fn person(&self, role: &str) -> Option<&Person> {
        self.people.iter().find(|person| &*person.role == role)
    }
}
