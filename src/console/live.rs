//! News of what waits, as server-sent events: numbers and nothing else.
//!
//! # Invariants
//! One task a node asks the store, only while somebody listens, every `EVERY`; listeners ask it only when that task saw something new. There are at
//! most [`OF_A_SESSION`] listeners of a sign-in and [`IN_ALL`] of a node. A browser that listens asks nothing, so that its sign-in still ends
//! when nobody uses it: after that time the stream says nothing more, and it stays open, since a browser whose stream ends comes back.
//!
//! # Standards
//! HTML 9.2 (server-sent events).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::access::Permission;
use super::acts::holds;
use super::doors::Doors;
use super::refusal::Refusal;
use super::signed::Signed;
use super::site::Site;
use super::words::Words;
use crate::store::{HoldQuery, HoldState, Sort, StoreError};

/// Between two questions to the store.
const EVERY: Duration = Duration::from_secs(5);

/// Listeners of one sign-in: tabs of a browser, which by HTTP/1.1 has six connections.
pub const OF_A_SESSION: usize = 3;

/// Listeners of a node.
pub const IN_ALL: usize = 200;

/// Seconds until somebody who is one too many may ask again.
const LATER: u64 = 60;

/// Who listens, and to whom.
#[derive(Clone, Default)]
pub struct Live(Arc<Inner>);

#[derive(Default)]
struct Inner {
    listeners: Mutex<HashMap<[u8; 32], usize>>,
    /// The news, while somebody listens.
    news: Mutex<Weak<watch::Sender<Seen>>>,
}

/// What the store was seen to hold: the newest hold, and how many wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    newest: Option<String>,
    waiting: u32,
}

/// A place among the listeners, given back when the stream goes.
struct Place {
    live: Live,
    session: [u8; 32],
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut listeners = self.live.listeners();
        if let Some(number) = listeners.get_mut(&self.session) {
            *number -= 1;
            if *number == 0 {
                listeners.remove(&self.session);
            }
        }
    }
}

impl Live {
    fn listeners(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], usize>> {
        let listeners = self.0.listeners.lock();
        listeners.unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more listener of this sign-in, if there is one.
    fn place(&self, session: [u8; 32]) -> Option<Place> {
        let mut listeners = self.listeners();
        let all: usize = listeners.values().sum();
        let own = listeners.get(&session).copied().unwrap_or(0);
        if all >= IN_ALL || own >= OF_A_SESSION {
            return None;
        }
        listeners.insert(session, own + 1);
        drop(listeners);
        Some(Place {
            live: self.clone(),
            session,
        })
    }

    /// The news, from the one task that asks for them; it begins with its first listener and ends with its last.
    fn news(&self, site: &Site) -> watch::Receiver<Seen> {
        let mut news = self.0.news.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = news.upgrade()
            && !sender.is_closed()
        {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(Seen::default());
        let sender = Arc::new(sender);
        *news = Arc::downgrade(&sender);
        tokio::spawn(ask(site.clone(), sender));
        receiver
    }
}

/// Asks the store until nobody listens.
async fn ask(site: Site, sender: Arc<watch::Sender<Seen>>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = sender.closed() => return,
            _ = ticks.tick() => {}
        }
        match seen(&site).await {
            Ok(now) => {
                sender.send_if_modified(|before| {
                    let changed = *before != now;
                    *before = now;
                    changed
                });
            }
            // It says so where it is asked for more than news.
            Err(error) => tracing::debug!(%error, "console: no news"),
        }
    }
}

async fn seen(site: &Site) -> Result<Seen, StoreError> {
    let states = HoldState::ALL.into_iter();
    let query = HoldQuery {
        states: states.filter(|state| state.is_waiting()).collect(),
        sort: Sort::Newest,
        limit: 1,
        ..HoldQuery::default()
    };
    let page = site.store().search_holds(&query).await?;
    let counted = site.store().count_holds(&query, 1_000).await?;
    Ok(Seen {
        newest: page.holds.first().map(|hold| hold.id.to_string()),
        waiting: counted.number,
    })
}

/// The stream of news.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/live/holds", Permission::SeeHolds, listen)
}

/// One who listens.
struct Listener {
    site: Site,
    signed: Signed,
    news: watch::Receiver<Seen>,
    /// How many waited for them when they began; more are news.
    before: u32,
    /// How many new ones they were told of last.
    told: u32,
    /// When they have been told enough.
    quiet_from: Instant,
    _place: Place,
}

async fn listen(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let place = site.live().place(signed.token_sha256);
    let place = place.ok_or(Refusal::Throttled { seconds: LATER })?;
    let idle = Duration::from_mins(u64::from(site.config().idle_minutes));
    let (before, _) = holds::waiting(&site, &signed).await?;
    let listener = Listener {
        news: site.live().news(&site),
        before,
        told: 0,
        quiet_from: Instant::now() + idle,
        signed,
        site,
        _place: place,
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let news = Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)));
    // What is held now is for nobody's cache.
    Ok(([(axum::http::header::CACHE_CONTROL, "no-store")], news).into_response())
}

impl Listener {
    /// The next news, as a whole sentence.
    async fn next(&mut self) -> Event {
        loop {
            match timeout_at(self.quiet_from, self.news.changed()).await {
                Ok(Ok(())) => {}
                // Told enough, or the store is gone: the stream stays, and says nothing.
                _ => std::future::pending().await,
            }
            self.news.mark_unchanged();
            let Ok((waiting, _)) = holds::waiting(&self.site, &self.signed).await else {
                continue;
            };
            let new = waiting.saturating_sub(self.before);
            // Of those that were decided meanwhile nothing is said, but the next one is new again.
            self.before = self.before.min(waiting);
            if new == 0 || new == self.told {
                continue;
            }
            self.told = new;
            let text = Words::english().count("live-new", &new);
            return Event::default().event("news").data(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_given_back() {
        let live = Live::default();
        let mut places: Vec<Place> = (0..OF_A_SESSION)
            .map(|_| live.place([1; 32]).unwrap())
            .collect();
        assert!(live.place([1; 32]).is_none());
        places.pop();
        places.push(live.place([1; 32]).unwrap());
        for number in 2..=u8::MAX {
            places.extend((0..OF_A_SESSION).filter_map(|_| live.place([number; 32])));
        }
        assert_eq!(places.len(), IN_ALL);
        assert!(live.place([0; 32]).is_none());
        drop(places);
        assert!(live.listeners().is_empty());
    }
}
