//! The pages, one file each, and the navigation.

mod account;
mod breaches;
mod hold;
mod hold_bulk;
mod hold_decide;
mod hold_form;
mod hold_look;
mod hold_views;
mod hold_words;
mod holds;
mod mine;
mod overview;
mod reports;

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
        href: "/reports",
        label: "nav-reports",
        permission: Permission::SeeReports,
    },
    Place {
        href: "/breaches",
        label: "nav-breaches",
        permission: Permission::SeeBreaches,
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
    let doors = reports::doors(doors);
    account::doors(doors)
}
