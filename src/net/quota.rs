//! What one client may use: sessions at a time, messages and recipients a minute.
//!
//! # Invariants
//! The table holds only clients with a session or with a bucket that is not full again, so strangers cannot grow it for
//! long. IPv6 clients count by their /64, the smallest block one customer is given (RFC 6177).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After this, an unused bucket is full again.
const MINUTE: Duration = Duration::from_mins(1);

/// Clients remembered before those that are idle are dropped.
const PRUNE_ABOVE: usize = 1_024;

/// The table of all clients.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    clients: Mutex<HashMap<IpAddr, Use>>,
}

#[derive(Debug)]
struct Use {
    sessions: usize,
    messages: Bucket,
    recipients: Bucket,
    last: Instant,
}

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Messages,
    Recipients,
}

/// A token bucket: as many tokens as may be taken in a minute, filled again evenly.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    taken: f64,
    at: Instant,
}

/// One session's place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Slot {
    quotas: Arc<Quotas>,
    key: IpAddr,
}

impl Quotas {
    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, Use>> {
        // The counters stay usable whatever panicked elsewhere.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more session of this client, if it has fewer than `limit`.
    pub(super) fn enter(self: &Arc<Self>, ip: IpAddr, limit: usize, now: Instant) -> Option<Slot> {
        let key = key(ip);
        let mut clients = self.clients();
        if clients.len() > PRUNE_ABOVE {
            clients.retain(|_, client| {
                client.sessions > 0 || now.duration_since(client.last) < MINUTE
            });
        }
        let client = clients.entry(key).or_insert_with(|| Use {
            sessions: 0,
            messages: Bucket {
                taken: 0.0,
                at: now,
            },
            recipients: Bucket {
                taken: 0.0,
                at: now,
            },
            last: now,
        });
        if client.sessions >= limit {
            return None;
        }
        client.sessions += 1;
        client.last = now;
        Some(Slot {
            quotas: Arc::clone(self),
            key,
        })
    }
}

impl Slot {
    /// Takes one message or recipient out of this client's minute; `false` when none is left. 0 means no limit.
    pub(super) fn take(&self, kind: Kind, per_minute: u32, now: Instant) -> bool {
        if per_minute == 0 {
            return true;
        }
        let mut clients = self.quotas.clients();
        let Some(client) = clients.get_mut(&self.key) else {
            return true;
        };
        client.last = now;
        let bucket = match kind {
            Kind::Messages => &mut client.messages,
            Kind::Recipients => &mut client.recipients,
        };
        bucket.take(f64::from(per_minute), now)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(client) = self.quotas.clients().get_mut(&self.key) {
            client.sessions = client.sessions.saturating_sub(1);
        }
    }
}

impl Bucket {
    fn take(&mut self, per_minute: f64, now: Instant) -> bool {
        let minutes = now.saturating_duration_since(self.at).as_secs_f64() / 60.0;
        self.taken = (self.taken - minutes * per_minute).max(0.0);
        self.at = now;
        let free = self.taken + 1.0 <= per_minute;
        if free {
            self.taken += 1.0;
        }
        free
    }
}

fn key(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_by_client_and_given_back() {
        let quotas = Arc::new(Quotas::default());
        let now = Instant::now();
        let enter = |ip: &str| quotas.enter(ip.parse().unwrap(), 2, now);
        let one = enter("2001:db8::1").unwrap();
        let _two = enter("2001:db8::2").unwrap();
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        drop(one);
        assert!(enter("2001:db8::3").is_some());
    }

    #[test]
    fn buckets_fill_again_within_the_minute() {
        let quotas = Arc::new(Quotas::default());
        let start = Instant::now();
        let slot = quotas
            .enter("192.0.2.1".parse().unwrap(), 9, start)
            .unwrap();
        let take = |seconds| slot.take(Kind::Messages, 2, start + Duration::from_secs(seconds));
        assert!(take(0) && take(0) && !take(0));
        assert!(take(30) && !take(30));
        assert!(slot.take(Kind::Recipients, 1, start));
        assert!((0..100).all(|_| slot.take(Kind::Messages, 0, start)));
    }
}
