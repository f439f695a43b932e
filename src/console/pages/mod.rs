//! The pages, one file each, and the navigation.

mod account;
mod breaches;
mod overview;

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
        href: "/breaches",
        label: "nav-breaches",
        permission: Permission::SeeBreaches,
    },
];

/// Every page.
pub fn doors(doors: Doors) -> Doors {
    let doors = overview::doors(doors);
    let doors = breaches::doors(doors);
    account::doors(doors)
}
