//! Who may do what, and for which schools.
//!
//! # Invariants
//! Pure: grants in, answers out. What a role does not name it may not do. IT never sees content: no subject, no evidence, no text. An
//! auditor reads and changes nothing, and sees evidence masked and no text. A sender sees their own holds and nothing else. A message from no
//! known school is for those who see every school.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::mail::Address;
use crate::policy::Schools;
use crate::store::{Account, Grant, HoldSummary, Role};

/// Something that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Being signed in: the own account, sessions, tokens.
    Own,
    /// The list of holds, and of one hold what is not content: times, addresses, rules, state, history.
    SeeHolds,
    /// Of a hold the subject, names of files and the masked evidence.
    SeeEvidence,
    /// The text of a held message, its attachments, evidence in clear. Each look is entered in the ledger.
    ReadContent,
    /// Claim, release, refuse, ask for a second person, judge.
    Decide,
    /// Have content kept for a case.
    LegalHold,
    /// Mailboxes that forward to the outside.
    SeeForwarding,
    /// Patterns of senders, and who may need training.
    SeeSenders,
    /// The policies, what was proposed, replays.
    SeePolicies,
    /// Propose a policy, and approve or reject what another proposed.
    ChangePolicies,
    /// Whom the relay looks for: numbers, never names.
    SeeRoster,
    /// What is looked for.
    SeeDetectors,
    /// The ledger, and whether it holds.
    SeeLedger,
    /// People, what they may do, who was here.
    SeePeople,
    /// Change what people may do; end their sessions.
    ManagePeople,
    /// What is kept how long, and proofs of an end.
    SeeRetention,
    /// What is on its way.
    SeeQueue,
    /// Try again, take out of the queue.
    ActOnQueue,
    /// Whether all is well.
    SeeHealth,
    /// Figures and their forms.
    SeeReports,
    /// The register of breaches: its work-sheets.
    SeeBreaches,
    /// Write in it.
    KeepBreaches,
    /// Own holds: why they wait, a word to the reviewer, the version with initials, withdrawal.
    OwnHolds,
}

impl Permission {
    /// Every one.
    pub const ALL: [Self; 23] = [
        Self::Own,
        Self::SeeHolds,
        Self::SeeEvidence,
        Self::ReadContent,
        Self::Decide,
        Self::LegalHold,
        Self::SeeForwarding,
        Self::SeeSenders,
        Self::SeePolicies,
        Self::ChangePolicies,
        Self::SeeRoster,
        Self::SeeDetectors,
        Self::SeeLedger,
        Self::SeePeople,
        Self::ManagePeople,
        Self::SeeRetention,
        Self::SeeQueue,
        Self::ActOnQueue,
        Self::SeeHealth,
        Self::SeeReports,
        Self::SeeBreaches,
        Self::KeepBreaches,
        Self::OwnHolds,
    ];

    /// Whether it means anything for one school alone; the others need a grant for the whole trust.
    pub fn is_by_school(self) -> bool {
        matches!(
            self,
            Self::SeeHolds
                | Self::SeeEvidence
                | Self::ReadContent
                | Self::Decide
                | Self::SeeForwarding
                | Self::SeeSenders
                | Self::SeeReports
                | Self::SeePolicies
                | Self::SeeDetectors
                | Self::Own
        )
    }
}

/// What a role may do.
pub fn permissions(role: Role) -> &'static [Permission] {
    use Permission::{
        ActOnQueue, ChangePolicies, Decide, KeepBreaches, LegalHold, ManagePeople, Own, OwnHolds,
        ReadContent, SeeBreaches, SeeDetectors, SeeEvidence, SeeForwarding, SeeHealth, SeeHolds,
        SeeLedger, SeePeople, SeePolicies, SeeQueue, SeeReports, SeeRetention, SeeRoster,
        SeeSenders,
    };
    match role {
        Role::Dpo => &[
            Own,
            SeeHolds,
            SeeEvidence,
            ReadContent,
            Decide,
            LegalHold,
            SeeForwarding,
            SeeSenders,
            SeePolicies,
            ChangePolicies,
            SeeRoster,
            SeeDetectors,
            SeeLedger,
            SeePeople,
            ManagePeople,
            SeeRetention,
            SeeQueue,
            SeeHealth,
            SeeReports,
            SeeBreaches,
            KeepBreaches,
        ],
        Role::Head => &[
            Own,
            SeeHolds,
            SeeEvidence,
            ReadContent,
            Decide,
            SeeForwarding,
            SeeSenders,
            SeePolicies,
            SeeDetectors,
            SeeReports,
        ],
        Role::It => &[
            Own,
            SeeHolds,
            SeeForwarding,
            SeePolicies,
            SeeRoster,
            SeeDetectors,
            SeeRetention,
            SeeQueue,
            ActOnQueue,
            SeeHealth,
        ],
        Role::Auditor => &[
            Own,
            SeeHolds,
            SeeEvidence,
            SeeForwarding,
            SeeSenders,
            SeePolicies,
            SeeRoster,
            SeeDetectors,
            SeeLedger,
            SeePeople,
            SeeRetention,
            SeeReports,
            SeeBreaches,
        ],
        Role::Sender => &[Own, OwnHolds],
    }
}

/// For which schools something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// For none: it is not allowed.
    Nowhere,
    /// For messages from these schools.
    Schools(BTreeSet<String>),
    /// For the whole trust.
    Everywhere,
}

/// What one person may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    grants: Vec<Grant>,
    address: Option<Address>,
    /// Nothing but these, whatever the grants say: a program has a part of what its owner may do.
    only: Option<BTreeSet<Permission>>,
    /// When a program's token ends.
    until: Option<SystemTime>,
}

impl Access {
    /// What this account may do.
    pub fn of(account: &Account) -> Self {
        Self {
            grants: account.grants.clone(),
            address: account.address.clone(),
            only: None,
            until: None,
        }
    }

    /// The same, for a program whose token ends then: a token that it makes ends no later.
    #[must_use]
    pub fn until(mut self, ends_at: SystemTime) -> Self {
        self.until = Some(ends_at);
        self
    }

    /// When the token ends that this is done by; `None` for a person at a page.
    pub fn ends_at(&self) -> Option<SystemTime> {
        self.until
    }

    /// The same, cut down to these: never more than before.
    #[must_use]
    pub fn only(mut self, allowed: impl IntoIterator<Item = Permission>) -> Self {
        let allowed: BTreeSet<Permission> = allowed.into_iter().collect();
        self.only = Some(match self.only {
            Some(before) => before.intersection(&allowed).copied().collect(),
            None => allowed,
        });
        self
    }

    /// For which schools this is allowed.
    pub fn reach(&self, permission: Permission) -> Reach {
        if self
            .only
            .as_ref()
            .is_some_and(|only| !only.contains(&permission))
        {
            return Reach::Nowhere;
        }
        if permission == Permission::Own {
            // Who has no role yet sees that, and signs out.
            return Reach::Everywhere;
        }
        let mut schools = BTreeSet::new();
        for grant in &self.grants {
            if !permissions(grant.role).contains(&permission) {
                continue;
            }
            if grant.schools.is_empty() {
                return match grant.role {
                    // A head without a school is head of nothing, not of everything.
                    Role::Head => continue,
                    _ => Reach::Everywhere,
                };
            }
            if permission.is_by_school() {
                schools.extend(grant.schools.iter().cloned());
            }
        }
        if schools.is_empty() {
            Reach::Nowhere
        } else {
            Reach::Schools(schools)
        }
    }

    /// Whether it is allowed for any school at all.
    pub fn may(&self, permission: Permission) -> bool {
        self.reach(permission) != Reach::Nowhere
    }

    /// Whether it is allowed for messages from this school; `None` is no known school.
    pub fn may_for(&self, permission: Permission, school: Option<&str>) -> bool {
        match self.reach(permission) {
            Reach::Nowhere => false,
            Reach::Everywhere => true,
            Reach::Schools(own) => school.is_some_and(|school| own.contains(school)),
        }
    }

    /// Whether it is allowed for this hold, by where its sender belongs.
    pub fn may_on(&self, permission: Permission, hold: &HoldSummary, schools: &Schools) -> bool {
        self.may_for(permission, school_of(hold, schools).as_deref())
    }

    /// Whether the hold is this person's own mail: seen by them as its sender, and decided by others.
    pub fn sent(&self, hold: &HoldSummary) -> bool {
        let sender = sender_of(hold);
        let own = self.address.as_ref();
        own.is_some_and(|own| sender.is_some_and(|sender| sender.key() == own.key()))
    }

    /// The address that the person's own mail comes from.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Their roles.
    pub fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        self.grants.iter().map(|grant| grant.role)
    }
}

/// The sender of a hold, while its content is there and it has one.
pub fn sender_of(hold: &HoldSummary) -> Option<Address> {
    let sealed = hold.sealed.as_ref()?;
    Address::parse(&sealed.mail_from).ok()
}

/// The school that a hold comes from.
pub fn school_of(hold: &HoldSummary, schools: &Schools) -> Option<String> {
    let sender = sender_of(hold)?;
    schools.of(&sender).map(|school| school.id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(grants: &[(Role, &[&str])]) -> Access {
        let grants = grants.iter().map(|(role, schools)| Grant {
            role: *role,
            schools: schools.iter().map(|&school| school.to_owned()).collect(),
        });
        Access {
            grants: grants.collect(),
            address: None,
            only: None,
            until: None,
        }
    }

    #[test]
    fn nobody_may_do_what_no_role_names_but_see_that_and_sign_out() {
        for permission in Permission::ALL {
            let own = permission == Permission::Own;
            assert_eq!(access(&[]).may(permission), own, "{permission:?}");
        }
    }

    #[test]
    fn it_never_sees_content_and_an_auditor_changes_nothing() {
        use Permission::{
            ActOnQueue, ChangePolicies, Decide, KeepBreaches, LegalHold, ManagePeople, ReadContent,
            SeeEvidence,
        };
        let it = access(&[(Role::It, &[])]);
        for content in [SeeEvidence, ReadContent, Decide] {
            assert!(!it.may(content), "{content:?}");
        }
        let auditor = access(&[(Role::Auditor, &[])]);
        let changing = [
            ReadContent,
            Decide,
            LegalHold,
            ChangePolicies,
            ManagePeople,
            ActOnQueue,
            KeepBreaches,
        ];
        for act in changing {
            assert!(!auditor.may(act), "{act:?}");
        }
    }

    #[test]
    fn a_sender_has_their_own_and_nothing_else() {
        let sender = access(&[(Role::Sender, &[])]);
        let allowed = Permission::ALL.into_iter().filter(|one| sender.may(*one));
        let allowed: Vec<_> = allowed.collect();
        assert_eq!(allowed, [Permission::Own, Permission::OwnHolds]);
    }

    #[test]
    fn a_head_has_their_schools_and_no_message_of_no_school() {
        let head = access(&[(Role::Head, &["oak"])]);
        assert!(head.may_for(Permission::Decide, Some("oak")));
        assert!(!head.may_for(Permission::Decide, Some("elm")));
        assert!(!head.may_for(Permission::Decide, None));
        assert!(!head.may(Permission::SeeLedger));
        assert!(!access(&[(Role::Head, &[])]).may(Permission::SeeHolds));
    }

    #[test]
    fn a_grant_for_one_school_gives_nothing_of_the_whole_trust() {
        let delegate = access(&[(Role::Dpo, &["oak"])]);
        assert!(delegate.may_for(Permission::Decide, Some("oak")));
        assert!(!delegate.may_for(Permission::Decide, Some("elm")));
        assert!(!delegate.may(Permission::ManagePeople));
        assert!(!delegate.may(Permission::ChangePolicies));
    }

    #[test]
    fn a_program_has_a_part_and_never_more() {
        let dpo = access(&[(Role::Dpo, &[])]);
        let cut = dpo.only([Permission::SeeHolds, Permission::ActOnQueue]);
        assert!(cut.may(Permission::SeeHolds));
        assert!(!cut.may(Permission::Decide));
        assert!(
            !cut.may(Permission::ActOnQueue),
            "a DPO does not act on the queue"
        );
        let less = cut.only([Permission::Decide]);
        assert!(!less.may(Permission::SeeHolds) && !less.may(Permission::Decide));
    }

    #[test]
    fn grants_add_up() {
        let both = access(&[
            (Role::Head, &["oak"]),
            (Role::Head, &["elm"]),
            (Role::It, &[]),
        ]);
        assert_eq!(both.reach(Permission::SeeHolds), Reach::Everywhere);
        let schools = ["elm", "oak"].map(str::to_owned).into();
        assert_eq!(both.reach(Permission::Decide), Reach::Schools(schools));
    }
}
