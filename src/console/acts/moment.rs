//! A time as acts give it: machines read RFC 3339, pages write it by the trust's clock.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::console::page::machine_time;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(pub SystemTime);

impl From<SystemTime> for Moment {
    fn from(at: SystemTime) -> Self {
        Self(at)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&machine_time(self.0))
    }
}
