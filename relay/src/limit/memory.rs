//! Memory for what is long: answers that wait for somebody to read them, and messages that have not come to their end. So much by
//! address, and so much all in all; whoever wants more waits for it.

use sotto_protocol::limits::HANDSHAKE_FRAME_MAX_BYTES;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What semaphores count in.
const UNIT_BYTES: usize = 1024;
/// An address has this part of all there is.
const PART: usize = 8;
/// The longest answer: what was published comes in one frame and goes in one, and so does the longest entry.
pub(crate) const LONGEST_ANSWER_BYTES: usize = HANDSHAKE_FRAME_MAX_BYTES + 64 * UNIT_BYTES;

/// What there is of it for one address.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    of_address: Arc<Semaphore>,
    of_all: Arc<Semaphore>,
}

/// Memory that is taken for as long as this is there.
#[derive(Debug)]
pub(crate) struct Share {
    of_address: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

/// What there is for everybody.
pub(super) fn for_all(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(units(bytes).max(units(LONGEST_ANSWER_BYTES) * PART)))
}

/// What there is for one address.
pub(super) fn for_address(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((units(bytes) / PART).max(units(LONGEST_ANSWER_BYTES))))
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS / 2)
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(units(bytes)).unwrap_or(u32::MAX)
}

impl Memory {
    pub(super) fn new(of_address: &Arc<Semaphore>, of_all: &Arc<Semaphore>) -> Self {
        Self { of_address: Arc::clone(of_address), of_all: Arc::clone(of_all) }
    }

    /// Waits for so much. First for the address's own, so that one that has none left takes nothing from others meanwhile.
    /// Nothing where nobody gives any: the relay is stopping.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Share> {
        let of_address = Arc::clone(&self.of_address).acquire_many_owned(permits(bytes)).await.ok()?;
        let of_all = Arc::clone(&self.of_all).acquire_many_owned(permits(bytes)).await.ok()?;
        Some(Share { of_address, of_all })
    }

    /// So much, if it is to be had now.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Share> {
        let of_address = Arc::clone(&self.of_address).try_acquire_many_owned(permits(bytes)).ok()?;
        let of_all = Arc::clone(&self.of_all).try_acquire_many_owned(permits(bytes)).ok()?;
        Some(Share { of_address, of_all })
    }
}

impl Share {
    /// Gives back what is more than so much.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        for permit in [&mut self.of_address, &mut self.of_all] {
            let more = permit.num_permits().saturating_sub(units(bytes));
            drop(permit.split(more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_waits_for_its_own_and_takes_nothing_from_others() {
        let bytes = LONGEST_ANSWER_BYTES * PART * 2;
        let all = for_all(bytes);
        let [one, other] =
            [for_address(bytes), for_address(bytes)].map(|of_address| Memory::new(&of_address, &all));
        let mut first = one.take(LONGEST_ANSWER_BYTES).await.unwrap();
        let second = one.try_take(LONGEST_ANSWER_BYTES).unwrap();
        assert!(one.try_take(LONGEST_ANSWER_BYTES).is_none());
        let waits = one.take(LONGEST_ANSWER_BYTES);
        tokio::pin!(waits);
        assert!(futures_util::poll!(&mut waits).is_pending());
        let others: Vec<_> = (0..2).map(|_| other.try_take(LONGEST_ANSWER_BYTES).unwrap()).collect();
        first.shrink_to(5);
        assert!(futures_util::poll!(&mut waits).is_pending(), "there is nearly enough");
        drop(second);
        let third = waits.await.unwrap();
        drop((first, third, others));
        let everything = (units(bytes), units(bytes) / PART);
        assert_eq!((all.available_permits(), one.of_address.available_permits()), everything);
    }

    #[test]
    fn there_is_enough_for_the_longest_answer_however_little_is_set() {
        let memory = Memory::new(&for_address(1), &for_all(1));
        assert!(memory.try_take(LONGEST_ANSWER_BYTES).is_some());
        let unlimited = Memory::new(&for_address(usize::MAX), &for_all(usize::MAX));
        assert!(unlimited.try_take(LONGEST_ANSWER_BYTES).is_some());
    }
}
