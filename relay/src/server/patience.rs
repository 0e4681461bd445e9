//! How long an answer may wait to be read. A client that takes nothing of it for too long, or too little, is hung up on:
//! else it would be held for as long as the other end likes.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// An answer has a second more for each so many bytes of it that were taken.
const SLOWEST_BYTES_PER_S: usize = 4096;

/// The patience with the reader of a connection's answers.
#[derive(Debug)]
pub(super) struct Patience {
    within: Duration,
    /// Since something waits. Elsewhere, so that a connection that is read is no larger for it.
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    taken: usize,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new(within: Duration) -> Self {
        Self { within, waiting: None }
    }

    /// So much was taken of what waits.
    pub(super) fn note_taken(&mut self, bytes: usize) {
        if let Some(waiting) = &mut self.waiting {
            waiting.taken = waiting.taken.saturating_add(bytes);
        }
    }

    /// Nothing waits any more.
    pub(super) fn note_all_taken(&mut self) {
        self.waiting = None;
    }

    /// Something waits, and nothing of it is taken now. Whether that has lasted too long; else the task is woken when it has.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let within = self.within;
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Box::new(Waiting { since, taken: 0, timer: Box::pin(sleep_until(since + within)) })
        });
        let more_s = u64::try_from(waiting.taken / SLOWEST_BYTES_PER_S).unwrap_or(u64::MAX);
        let until = waiting.since + within.saturating_add(Duration::from_secs(more_s));
        if waiting.timer.deadline() != until {
            waiting.timer.as_mut().reset(until);
        }
        waiting.timer.as_mut().poll(cx).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::poll_fn;
    use std::task::Poll;

    async fn is_over(patience: &mut Patience) -> bool {
        poll_fn(|cx| Poll::Ready(patience.is_over(cx))).await
    }

    #[tokio::test]
    async fn who_takes_nothing_is_over_and_who_takes_enough_goes_on() {
        let wait = |ms| tokio::time::sleep(Duration::from_millis(ms));
        let mut patience = Patience::new(Duration::from_millis(200));
        assert!(!is_over(&mut patience).await);
        // A second more.
        patience.note_taken(SLOWEST_BYTES_PER_S);
        wait(400).await;
        assert!(!is_over(&mut patience).await);
        wait(1000).await;
        assert!(is_over(&mut patience).await);
        patience.note_all_taken();
        assert!(!is_over(&mut patience).await, "the next answer has all its time");
        wait(400).await;
        assert!(is_over(&mut patience).await);
    }
}
