//! Who is to be woken: at once, and then for all that comes in the next seconds together.

use super::job::Jobs;
use crate::lock::lock;
use sotto_protocol::RoomId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Rooms and accounts that may have been woken lately or wait. Past it, nobody else is.
const PLACES_MAX: usize = 100_000;

/// Whose devices are to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Woken {
    /// Those of a room, by the relay's number; the id is for writing to it.
    Room(i64, [u8; RoomId::LEN]),
    /// Those of an account, by the relay's number.
    Account(i64),
}

/// What is due, and when.
pub(super) struct Queue {
    every: Duration,
    state: Mutex<State>,
    is_new: Notify,
}

#[derive(Default)]
struct State {
    /// Whether something came since they were last woken. Each is in `times` once.
    places: HashMap<Woken, bool>,
    times: BinaryHeap<Reverse<(Instant, Woken)>>,
    is_full: bool,
}

impl Queue {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, state: Mutex::default(), is_new: Notify::new() }
    }

    /// Marks as due.
    pub(super) fn wake(&self, woken: Woken) {
        let mut state = lock(&self.state);
        if let Some(is_due) = state.places.get_mut(&woken) {
            *is_due = true;
            return;
        }
        if state.places.len() >= PLACES_MAX {
            if !std::mem::replace(&mut state.is_full, true) {
                tracing::warn!(
                    "more rooms have news than wake-ups can be kept for: some devices are not woken"
                );
            }
            return;
        }
        state.is_full = false;
        state.places.insert(woken, true);
        state.times.push(Reverse((Instant::now(), woken)));
        drop(state);
        self.is_new.notify_one();
    }

    /// Sends what is due, for ever.
    pub(super) async fn run(self: Arc<Self>, jobs: Arc<Jobs>) {
        let mut tasks = JoinSet::new();
        loop {
            let next = loop {
                match self.take(Instant::now()) {
                    Ok(woken) => {
                        if !jobs.start(woken, &mut tasks).await {
                            self.wake(woken);
                        }
                    }
                    Err(next) => break next,
                }
            };
            // What has come to its end is of no interest.
            while tasks.try_join_next().is_some() {}
            match next {
                Some(next) => tokio::select! {
                    () = self.is_new.notified() => {}
                    () = sleep_until(next) => {}
                },
                None => self.is_new.notified().await,
            }
        }
    }

    /// One that is due, or when to look again.
    fn take(&self, now: Instant) -> Result<Woken, Option<Instant>> {
        let mut state = lock(&self.state);
        loop {
            let Some(&Reverse((at, woken))) = state.times.peek() else { return Err(None) };
            if at > now {
                return Err(Some(at));
            }
            state.times.pop();
            if state.places.insert(woken, false) == Some(true) {
                state.times.push(Reverse((now + self.every, woken)));
                return Ok(woken);
            }
            // Nothing came for a while: the next one is woken for at once.
            state.places.remove(&woken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_woken_for_at_once_and_the_next_ones_together() {
        let every = Duration::from_secs(10);
        let queue = Queue::new(every);
        let (room, account) = (Woken::Room(1, [1; 16]), Woken::Account(1));
        queue.wake(room);
        queue.wake(room);
        let now = Instant::now();
        assert_eq!(queue.take(now), Ok(room));
        assert_eq!(queue.take(now), Err(Some(now + every)));
        for _ in 0..5 {
            queue.wake(room);
        }
        queue.wake(account);
        let now = now + Duration::from_secs(1);
        assert_eq!(queue.take(now), Ok(account), "another one does not wait for the first");
        assert!(queue.take(now).is_err());
        let later = now + every;
        assert_eq!(queue.take(later), Ok(room));
        assert!(queue.take(later).is_err(), "once for five");
        let much_later = later + every * 2;
        assert_eq!(queue.take(much_later), Err(None));
        assert!(lock(&queue.state).places.is_empty(), "forgotten");
        queue.wake(room);
        assert_eq!(queue.take(much_later), Ok(room), "at once again");
    }

    #[test]
    fn no_more_are_kept_than_there_is_space_for() {
        let queue = Queue::new(Duration::from_secs(10));
        for number in 0..=PLACES_MAX as i64 {
            queue.wake(Woken::Account(number));
        }
        assert_eq!(lock(&queue.state).places.len(), PLACES_MAX);
    }
}
