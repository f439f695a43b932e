//! The pages, one file each, and the navigation.

mod account;
mod breaches;
mod deliveries;
mod detectors;
mod forwarding;
mod health;
mod hold;
mod hold_bulk;
mod hold_decide;
mod hold_form;
mod hold_look;
mod hold_views;
mod hold_words;
mod holds;
mod ledger;
mod mine;
mod overview;
pub mod parts;
mod people;
mod policies;
mod policy_changes;
#[cfg(test)]
mod rehearsal;
mod reports;
mod retention;
mod roster;
mod tokens;

use super::access::Permission;
use super::doors::Doors;
use super::site::Place;

/// The navigation, in its order.
pub const PLACES: &[Place] = &[
    Place {
        href: "/",
        label: "nav-overview",
        permission: Permission::SeeHolds,
    },
    Place {
        href: "/holds",
        label: "nav-holds",
        permission: Permission::SeeHolds,
    },
    Place {
        href: "/mine",
        label: "nav-mine",
        permission: Permission::OwnHolds,
    },
    Place {
        href: "/forwarding",
        label: "nav-forwarding",
        permission: Permission::SeeForwarding,
    },
    Place {
        href: "/reports",
        label: "nav-reports",
        permission: Permission::SeeReports,
    },
    Place {
        href: "/breaches",
        label: "nav-breaches",
        permission: Permission::SeeBreaches,
    },
    Place {
        href: "/policies",
        label: "nav-policies",
        permission: Permission::SeePolicies,
    },
    Place {
        href: "/detectors",
        label: "nav-detectors",
        permission: Permission::SeeDetectors,
    },
    Place {
        href: "/roster",
        label: "nav-roster",
        permission: Permission::SeeRoster,
    },
    Place {
        href: "/people",
        label: "nav-people",
        permission: Permission::SeePeople,
    },
    Place {
        href: "/retention",
        label: "nav-retention",
        permission: Permission::SeeRetention,
    },
    Place {
        href: "/ledger",
        label: "nav-ledger",
        permission: Permission::SeeLedger,
    },
    Place {
        href: "/deliveries",
        label: "nav-deliveries",
        permission: Permission::SeeQueue,
    },
    Place {
        href: "/health",
        label: "nav-health",
        permission: Permission::SeeHealth,
    },
];

/// Every page.
pub fn doors(doors: Doors) -> Doors {
    let doors = overview::doors(doors);
    let doors = holds::doors(doors);
    let doors = hold::doors(doors);
    let doors = hold_decide::doors(doors);
    let doors = hold_look::doors(doors);
    let doors = hold_bulk::doors(doors);
    let doors = hold_views::doors(doors);
    let doors = mine::doors(doors);
    let doors = breaches::doors(doors);
    let doors = forwarding::doors(doors);
    let doors = policies::doors(doors);
    let doors = policy_changes::doors(doors);
    let doors = detectors::doors(doors);
    let doors = roster::doors(doors);
    let doors = retention::doors(doors);
    let doors = ledger::doors(doors);
    let doors = people::doors(doors);
    let doors = deliveries::doors(doors);
    let doors = health::doors(doors);
    let doors = reports::doors(doors);
    tokens::doors(account::doors(doors))
}
