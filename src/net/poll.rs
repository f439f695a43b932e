//! Asking a future once, without a timer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// What the future has to give right now; `None` when it would wait. It is dropped then.
pub(super) async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_what_is_there_and_waits_for_nothing() {
        assert_eq!(poll_once(async { 7 }).await, Some(7));
        assert_eq!(poll_once(std::future::pending::<u8>()).await, None);
    }
}
