//! Work that takes longer than a page may: begun by a form, looked at later, one of a kind at a time.
//!
//! # Invariants
//! Bounded: one job of a kind runs at a time, for ten minutes at most, and a fixed number of results is kept, the oldest given up first. A
//! job that fails or panics says that it failed and frees its place. Results are this node's own and end with the process.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::console::refusal::Refusal;

/// Longest that a job may take.
const LONGEST: Duration = Duration::from_mins(10);
/// Results that are kept.
const KEPT: usize = 16;
/// How long the form that began a job waits for its end: most are done by then, and the page shows the result at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a job is.
#[derive(Debug, PartialEq, Eq)]
pub enum Job<T> {
    /// It runs.
    Running {
        /// Since then.
        since: SystemTime,
    },
    /// It ended.
    Done {
        /// Then.
        at: SystemTime,
        /// With this.
        result: Arc<T>,
    },
    /// It could not be ended: the log says why.
    Failed {
        /// Then.
        at: SystemTime,
    },
}

impl<T> Clone for Job<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Running { since } => Self::Running { since: *since },
            Self::Failed { at } => Self::Failed { at: *at },
            Self::Done { at, result } => Self::Done {
                at: *at,
                result: Arc::clone(result),
            },
        }
    }
}

/// Jobs of one kind, by what they are about.
#[derive(Debug)]
pub struct Jobs<T>(Arc<Mutex<BTreeMap<String, Job<T>>>>);

impl<T> Default for Jobs<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Send + Sync + 'static> Jobs<T> {
    /// Where the job about this is; `None` when there was none.
    pub fn of(&self, about: &str) -> Option<Job<T>> {
        self.kept().get(about).cloned()
    }

    /// Begins a job, unless one of this kind runs, and waits for it a little. Joins the one that is about the same.
    pub async fn begin<F>(&self, about: &str, now: SystemTime, work: F) -> Result<(), Refusal>
    where
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        {
            let mut kept = self.kept();
            let running = kept
                .iter()
                .find(|(_, job)| matches!(job, Job::Running { .. }));
            match running {
                Some((other, _)) if other == about => return Ok(()),
                Some(_) => return Err(Refusal::Throttled { seconds: 10 }),
                None => {}
            }
            make_room(&mut kept);
            kept.insert(about.to_owned(), Job::Running { since: now });
        }
        let (all, name) = (Arc::clone(&self.0), about.to_owned());
        let ended = tokio::spawn(async move {
            // A task of its own, so that a panic in it is an end too.
            let task = tokio::spawn(tokio::time::timeout(LONGEST, work));
            let end = match task.await {
                Ok(Ok(Ok(result))) => Job::Done {
                    at: SystemTime::now(),
                    result: Arc::new(result),
                },
                _ => Job::Failed {
                    at: SystemTime::now(),
                },
            };
            let mut kept = all.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(name, end);
        });
        // It goes on when it takes longer.
        let _in_time = tokio::time::timeout(PATIENCE, ended).await;
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Job<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives up the result that ended first when there are too many.
fn make_room<T>(kept: &mut BTreeMap<String, Job<T>>) {
    while kept.len() >= KEPT {
        let ended = kept.iter().min_by_key(|(_, job)| match job {
            Job::Running { since: at } | Job::Done { at, .. } | Job::Failed { at } => *at,
        });
        let Some(name) = ended.map(|(name, _)| name.clone()) else {
            return;
        };
        kept.remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_ends_with_its_result_and_one_that_panics_has_failed() {
        let jobs = Jobs::<u32>::default();
        assert_eq!(jobs.of("a"), None);
        let now = SystemTime::now();
        jobs.begin("a", now, async { Ok(7) }).await.unwrap();
        assert!(matches!(jobs.of("a"), Some(Job::Done { result, .. }) if *result == 7));
        jobs.begin("b", now, async { panic!("no") }).await.unwrap();
        assert!(matches!(jobs.of("b"), Some(Job::Failed { .. })));
    }

    #[tokio::test]
    async fn one_of_a_kind_runs_at_a_time() {
        let jobs = Jobs::<u32>::default();
        let now = SystemTime::now();
        let (end, ended) = tokio::sync::oneshot::channel::<u32>();
        let slow = async { ended.await.map_err(|_| Refusal::Fault("test")) };
        jobs.begin("slow", now, slow).await.unwrap();
        assert!(matches!(jobs.of("slow"), Some(Job::Running { .. })));
        let other = jobs.begin("other", now, async { Ok(2) }).await;
        assert!(matches!(other, Err(Refusal::Throttled { .. })));
        assert!(jobs.begin("slow", now, async { Ok(3) }).await.is_ok());
        end.send(1).unwrap();
        while matches!(jobs.of("slow"), Some(Job::Running { .. })) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(matches!(jobs.of("slow"), Some(Job::Done { result, .. }) if *result == 1));
    }

    #[tokio::test]
    async fn results_are_bounded() {
        let jobs = Jobs::<usize>::default();
        for number in 0..3 * KEPT {
            let name = format!("{number}");
            let done = jobs.begin(&name, SystemTime::now(), async move { Ok(number) });
            done.await.unwrap();
        }
        assert_eq!(jobs.kept().len(), KEPT);
    }
}
