//! How often somebody may try to sign in.
//!
//! # Invariants
//! Wrong tries are counted by account and client together, so that nobody can lock another out of their account from elsewhere, and by client
//! alone. What is counted is bounded: when it is full the oldest counts are given up. Time is handed in.
//!
//! # Standards
//! NIST SP 800-63B 5.2.2: no more than 100 failed tries in a row; here five, and then with growing waits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tries on one account from one client before it waits.
const TRIES: u32 = 5;
/// Wrong tries from one client, whatever the account: a school has one address for everybody.
const TRIES_OF_CLIENT: u32 = 30;
/// The first wait; each wrong try after it doubles the next.
const WAIT: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(15);
/// After which a count is forgotten.
const FORGET: Duration = Duration::from_hours(1);
/// Counts that are kept.
const KEPT: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(String, IpAddr),
    Client(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
}

/// Who tried how often.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Who, Tries>>);

impl Throttle {
    /// How long this client has to wait before it may try this account.
    #[cfg(test)]
    pub fn wait(&self, login: &str, client: IpAddr, now: Instant) -> Option<Duration> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits(&tries, &keys(login, client), now)
    }

    /// Counts a try as wrong before it is known, and gives how long it has to wait instead; one that waits is not counted.
    /// [`Self::right`] takes it back.
    pub fn attempt(&self, login: &str, client: IpAddr, now: Instant) -> Option<Duration> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = waits(&tries, &keys(login, client), now);
        if wait.is_none() {
            count(&mut tries, keys(login, client), now);
        }
        wait
    }

    /// A try was wrong.
    #[cfg(test)]
    pub fn wrong(&self, login: &str, client: IpAddr, now: Instant) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut tries, keys(login, client), now);
    }

    /// A try was right: the account's count begins anew, the client's is what it was before this try.
    pub fn right(&self, login: &str, client: IpAddr) {
        let [account, client] = keys(login, client);
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(&account);
        if let Some(count) = tries.get_mut(&client) {
            count.wrong = count.wrong.saturating_sub(1);
        }
    }
}

fn waits(
    tries: &HashMap<Who, Tries>,
    [account, client]: &[Who; 2],
    now: Instant,
) -> Option<Duration> {
    let left = |who: &Who, allowed: u32| {
        let known = tries.get(who)?;
        let beyond = known.wrong.checked_sub(allowed)?;
        let wait = WAIT.saturating_mul(1 << beyond.min(10)).min(LONGEST);
        (known.last + wait).checked_duration_since(now)
    };
    left(account, TRIES).max(left(client, TRIES_OF_CLIENT))
}

fn count(tries: &mut HashMap<Who, Tries>, whose: [Who; 2], now: Instant) {
    make_room(tries, now);
    for who in whose {
        let count = tries.entry(who).or_insert(Tries {
            wrong: 0,
            last: now,
        });
        if now.duration_since(count.last) > FORGET {
            count.wrong = 0;
        }
        count.wrong = count.wrong.saturating_add(1);
        count.last = now;
    }
}

fn keys(login: &str, client: IpAddr) -> [Who; 2] {
    let client = crate::console::origin::counted(client);
    let login: String = login.trim().to_lowercase().chars().take(64).collect();
    [Who::Account(login, client), Who::Client(client)]
}

fn make_room(tries: &mut HashMap<Who, Tries>, now: Instant) {
    if tries.len() < KEPT {
        return;
    }
    tries.retain(|_, count| now.duration_since(count.last) <= FORGET);
    if tries.len() < KEPT {
        return;
    }
    let mut ages: Vec<Instant> = tries.values().map(|count| count.last).collect();
    let middle = ages.len() / 2;
    let (_, median, _) = ages.select_nth_unstable(middle);
    let median = *median;
    tries.retain(|_, count| count.last > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn waits_grow_and_end() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..4 {
            throttle.wrong("kim", HERE, now);
        }
        assert_eq!(throttle.wait("kim", HERE, now), None);
        throttle.wrong("KIM ", HERE, now);
        assert_eq!(throttle.wait("kim", HERE, now), Some(WAIT));
        assert_eq!(throttle.wait("kim", HERE, now + WAIT * 2), None);
        throttle.wrong("kim", HERE, now);
        assert_eq!(throttle.wait("kim", HERE, now), Some(WAIT * 2));
        for _ in 0..20 {
            throttle.wrong("kim", HERE, now);
        }
        assert_eq!(throttle.wait("kim", HERE, now), Some(LONGEST));
        throttle.right("kim", HERE);
        assert_eq!(throttle.wait("kim", HERE, now), None);
    }

    #[test]
    fn of_many_at_once_no_more_are_checked() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let checked = (0..200).filter(|_| throttle.attempt("kim", HERE, now).is_none());
        assert_eq!(checked.count(), TRIES as usize);
        for _ in 0..100 {
            let throttle = Throttle::default();
            assert_eq!(throttle.attempt("lee", HERE, now), None);
            throttle.right("lee", HERE);
            assert_eq!(throttle.wait("lee", HERE, now), None);
        }
        // A school behind one address: whoever signs in rightly costs the others nothing.
        for number in 0..100 {
            let login = format!("teacher{number}");
            assert_eq!(throttle.attempt(&login, THERE, now), None, "{number}");
            throttle.right(&login, THERE);
        }
    }

    #[test]
    fn nobody_is_locked_out_from_elsewhere() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..40 {
            throttle.wrong("kim", THERE, now);
        }
        assert_eq!(throttle.wait("kim", HERE, now), None);
        assert!(
            throttle.wait("lee", THERE, now).is_some(),
            "the client waits, whoever it tries"
        );
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..30_000u32 {
            throttle.wrong(
                &number.to_string(),
                IpAddr::V4(number.into()),
                now + Duration::from_millis(number.into()),
            );
        }
        assert!(throttle.0.lock().unwrap().len() <= KEPT + 2);
    }
}
