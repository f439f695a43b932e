//! What a program's token may be made for: parts of what its owner may do.
//!
//! # Invariants
//! Every permission belongs to one scope, and a token has no more than its owner has at the moment of each request.

use super::access::Permission;

/// A part of what somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Lists and details of holds, with masked evidence.
    HoldsRead,
    /// Text of held messages. Each look is entered in the ledger.
    HoldsContent,
    /// Decisions on holds.
    HoldsDecide,
    /// Own holds, as their sender; the own account.
    Own,
    /// Forwarding, senders, policies, roster, detectors, retention, people: reading.
    TrustRead,
    /// Proposing and approving policies.
    PoliciesChange,
    /// People and what they may do.
    PeopleManage,
    /// The ledger.
    LedgerRead,
    /// Reports and the register of breaches: reading.
    ReportsRead,
    /// Writing in the register of breaches.
    BreachesKeep,
    /// The queue and the state of the service: reading.
    ServiceRead,
    /// Acting on the queue.
    ServiceOperate,
}

impl Scope {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::HoldsRead,
        Self::HoldsContent,
        Self::HoldsDecide,
        Self::Own,
        Self::TrustRead,
        Self::PoliciesChange,
        Self::PeopleManage,
        Self::LedgerRead,
        Self::ReportsRead,
        Self::BreachesKeep,
        Self::ServiceRead,
        Self::ServiceOperate,
    ];

    /// Its name in tokens and in the API's document.
    pub fn name(self) -> &'static str {
        match self {
            Self::HoldsRead => "holds:read",
            Self::HoldsContent => "holds:content",
            Self::HoldsDecide => "holds:decide",
            Self::Own => "own",
            Self::TrustRead => "trust:read",
            Self::PoliciesChange => "policies:change",
            Self::PeopleManage => "people:manage",
            Self::LedgerRead => "ledger:read",
            Self::ReportsRead => "reports:read",
            Self::BreachesKeep => "breaches:keep",
            Self::ServiceRead => "service:read",
            Self::ServiceOperate => "service:operate",
        }
    }

    /// The scope of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// What it allows, where its owner may.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.into_iter();
        all.filter(move |permission| Self::for_permission(*permission) == self)
    }

    /// The scope that a permission belongs to.
    pub fn for_permission(permission: Permission) -> Self {
        match permission {
            Permission::SeeHolds | Permission::SeeEvidence => Self::HoldsRead,
            Permission::ReadContent => Self::HoldsContent,
            Permission::Decide | Permission::LegalHold => Self::HoldsDecide,
            Permission::Own | Permission::OwnHolds => Self::Own,
            Permission::SeeForwarding
            | Permission::SeeSenders
            | Permission::SeePolicies
            | Permission::SeeRoster
            | Permission::SeeDetectors
            | Permission::SeePeople
            | Permission::SeeRetention => Self::TrustRead,
            Permission::ChangePolicies => Self::PoliciesChange,
            Permission::ManagePeople => Self::PeopleManage,
            Permission::SeeLedger => Self::LedgerRead,
            Permission::SeeReports | Permission::SeeBreaches => Self::ReportsRead,
            Permission::KeepBreaches => Self::BreachesKeep,
            Permission::SeeQueue | Permission::SeeHealth => Self::ServiceRead,
            Permission::ActOnQueue => Self::ServiceOperate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_name_of_its_own_and_allows_something() {
        for scope in Scope::ALL {
            assert_eq!(Scope::of(scope.name()), Some(scope));
            assert!(scope.permissions().next().is_some(), "{scope:?}");
        }
        let reading = Scope::ALL
            .into_iter()
            .filter(|scope| scope.name().ends_with(":read"));
        let acting = [
            Permission::Decide,
            Permission::ManagePeople,
            Permission::ActOnQueue,
            Permission::ReadContent,
        ];
        for scope in reading {
            assert!(
                !scope.permissions().any(|one| acting.contains(&one)),
                "{scope:?}"
            );
        }
    }
}
