//! Running the pure stages on a received message: at once when it is small, else on a thread that may block, under a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::extract::{Content, FileInput, Reader};
use crate::limits::Budget;
use crate::pipeline::fault::Fault;
use crate::pipeline::habits::Seen;
use crate::pipeline::judge::{Case, Judgement, Tools, judge};
use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::ClientFacts;
use crate::relay::trace;
use crate::store::Identity;

/// Messages up to this size in bytes are judged on the socket's thread: 0.1 ms of text, less than handing them over costs.
const JUDGED_AT_ONCE: usize = 32 << 10;

/// A reader that reads nothing and remembers that it was asked: the judgement made with it is thrown away then.
#[derive(Debug, Default)]
struct Elsewhere(AtomicBool);

impl Elsewhere {
    fn was_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Reader for Elsewhere {
    fn read(&self, _: &FileInput<'_>, _: &Budget) -> Content {
        self.0.store(true, Ordering::Relaxed);
        Content::default()
    }
}

/// A message after the pure stages.
pub(super) struct Examined {
    pub(super) judgement: Judgement,
    pub(super) identity: Identity,
    pub(super) looping: Option<trace::Loop>,
    /// How it fits what was seen before.
    pub(super) seen: Seen,
}

impl Pipeline {
    /// Parse, extract, detect and decide, under the scan deadline. A small message without rich attachments is judged at once; the
    /// others on a thread that may block, in their turn.
    pub(super) async fn examine(&self, received: &Received) -> Result<Examined, Fault> {
        let inner = &self.inner;
        let tools = inner.tools.load_full();
        let seen = inner.habits.look(received, &tools, &inner.limits);
        if received.message.len() <= JUDGED_AT_ONCE
            && let Some(examined) = self.examine_at_once(received, &tools, &seen)
        {
            return Ok(examined);
        }
        let turn = tokio::time::timeout(inner.settings.judging_wait, inner.turns.acquire()).await;
        let _turn = turn.map_err(|_| Fault::Busy)?.map_err(|_| Fault::Busy)?;
        let budget = Budget::new(Arc::clone(&inner.limits));
        let (job_budget, received) = (budget.clone(), received.clone());
        let names = inner.settings.identity.clone();
        let mut job = tokio::task::spawn_blocking(move || {
            examine(&received, &tools, &job_budget, &names, seen)
        });
        let limit = Duration::from_secs(inner.limits.scan_seconds);
        if let Ok(examined) = tokio::time::timeout(limit, &mut job).await {
            return examined.map_err(|_| Fault::Judge);
        }
        // Every stage looks at the flag; what it left undone comes back as a fact that policy rules on.
        budget.cancel();
        let examined = tokio::time::timeout(limit, job).await;
        examined
            .map_err(|_| Fault::Judge)?
            .map_err(|_| Fault::Judge)
    }

    /// Judges here and now, a matter of microseconds; `None` when an attachment needs a reader that may take its time.
    fn examine_at_once(&self, received: &Received, tools: &Tools, seen: &Seen) -> Option<Examined> {
        let elsewhere = Arc::new(Elsewhere::default());
        let tools = Tools {
            reader: elsewhere.clone(),
            ..tools.clone()
        };
        let budget = Budget::new(Arc::clone(&self.inner.limits));
        let names = &self.inner.settings.identity;
        let examined = examine(received, &tools, &budget, names, seen.clone());
        (!elsewhere.was_asked()).then_some(examined)
    }
}

/// The pure stages for one received message, with what identifies it.
fn examine(
    received: &Received,
    tools: &Tools,
    budget: &Budget,
    names: &trace::Identity,
    seen: Seen,
) -> Examined {
    let case = Case {
        envelope: &received.envelope,
        client: ClientFacts {
            own_server: received.client.own_server,
        },
        message: &received.message,
        now: tools.local(received.arrived),
        history: &seen.history,
    };
    Examined {
        judgement: judge(&case, tools, budget),
        identity: Identity::of(&received.message),
        looping: names.check_loop(&received.message).err(),
        seen,
    }
}
