//! Memory for what is long: answers that wait for somebody to read them, and messages that have not come to their end. So much by
//! address, and so much all in all, and the one apart from the other; whoever wants more waits for it.

use sotto_protocol::limits::HANDSHAKE_FRAME_MAX_BYTES;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What semaphores count in.
const UNIT_BYTES: usize = 1024;
/// An address has this part of all there is.
const PART: usize = 8;
/// The longest answer: what is held of one epoch came in two frames at most (its handshake, and a link or a capsule after it).
pub(crate) const LONGEST_ANSWER_BYTES: usize = 2 * HANDSHAKE_FRAME_MAX_BYTES + 64 * UNIT_BYTES;

/// What is under way at once of a file that is read.
pub(super) const DOWNLOAD_BYTES: usize = 512 * 1024;

/// What there is of it, for one address or for all.
#[derive(Debug)]
pub(super) struct Memory {
    answers: Arc<Semaphore>,
    messages: Arc<Semaphore>,
    /// Parts of files: who reads one slowly, for hours, keeps nobody's answers waiting.
    downloads: Arc<Semaphore>,
}

/// Memory for one of the two, as far as there is some for an address.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    of_address: Arc<Semaphore>,
    of_all: Arc<Semaphore>,
}

/// Memory that is taken for as long as this is there.
#[derive(Debug)]
pub(crate) struct Share {
    of_address: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

impl Memory {
    /// What there is for everybody: half of it for answers, a quarter each for messages and for files.
    pub(super) fn for_all(bytes: usize) -> Self {
        Self::of(bytes, 1)
    }

    /// What there is for one address.
    pub(super) fn for_address(bytes: usize) -> Self {
        Self::of(bytes, PART)
    }

    fn of(bytes: usize, parts: usize) -> Self {
        let quarter = bytes / 4;
        // Never less than the longest of each.
        let at_least = |bytes: usize, longest: usize| {
            let units = (units(bytes) / parts).max(units(longest).saturating_mul(PART / parts));
            Arc::new(Semaphore::new(units))
        };
        Self {
            answers: at_least(bytes - 2 * quarter, LONGEST_ANSWER_BYTES),
            messages: at_least(quarter, HANDSHAKE_FRAME_MAX_BYTES),
            downloads: at_least(quarter, DOWNLOAD_BYTES),
        }
    }

    /// For answers to this address, out of what there is for all.
    pub(super) fn answers(&self, all: &Self) -> Pool {
        Pool { of_address: Arc::clone(&self.answers), of_all: Arc::clone(&all.answers) }
    }

    /// For files that this address reads, out of what there is for all.
    pub(super) fn downloads(&self, all: &Self) -> Pool {
        Pool { of_address: Arc::clone(&self.downloads), of_all: Arc::clone(&all.downloads) }
    }

    /// For messages of this address, out of what there is for all.
    pub(super) fn messages(&self, all: &Self) -> Pool {
        Pool { of_address: Arc::clone(&self.messages), of_all: Arc::clone(&all.messages) }
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS / 2)
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(units(bytes)).unwrap_or(u32::MAX)
}

impl Pool {
    /// Waits for so much. First for the address's own, so that one that has none left takes nothing from others meanwhile.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Share> {
        // They are never closed: there is always an answer.
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

    /// Takes another share in.
    pub(crate) fn merge(&mut self, other: Self) {
        self.of_address.merge(other.of_address);
        self.of_all.merge(other.of_all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_waits_for_its_own_and_takes_nothing_from_others() {
        let bytes = LONGEST_ANSWER_BYTES * PART * 4;
        let all = Memory::for_all(bytes);
        let [one, other] = [(), ()].map(|()| Memory::for_address(bytes));
        let everything = (all.answers.available_permits(), one.answers.available_permits());
        let (one_pool, other_pool) = (one.answers(&all), other.answers(&all));
        let mut first = one_pool.take(LONGEST_ANSWER_BYTES).await.unwrap();
        let second = one_pool.try_take(LONGEST_ANSWER_BYTES).unwrap();
        assert!(one_pool.try_take(LONGEST_ANSWER_BYTES).is_none());
        let waits = one_pool.take(LONGEST_ANSWER_BYTES);
        tokio::pin!(waits);
        assert!(futures_util::poll!(&mut waits).is_pending());
        let others: Vec<_> = (0..2).map(|_| other_pool.try_take(LONGEST_ANSWER_BYTES).unwrap()).collect();
        let message = one.messages(&all).try_take(HANDSHAKE_FRAME_MAX_BYTES);
        assert!(message.is_some(), "what waits to be read keeps nobody from sending");
        first.shrink_to(5);
        assert!(futures_util::poll!(&mut waits).is_pending(), "there is nearly enough");
        drop(second);
        let mut third = waits.await.unwrap();
        third.merge(first);
        drop((third, others, message));
        assert_eq!((all.answers.available_permits(), one.answers.available_permits()), everything);
    }

    #[test]
    fn there_is_enough_for_the_longest_however_little_is_set() {
        for bytes in [0, 1, usize::MAX] {
            let (all, address) = (Memory::for_all(bytes), Memory::for_address(bytes));
            assert!(address.answers(&all).try_take(LONGEST_ANSWER_BYTES).is_some());
            assert!(address.messages(&all).try_take(HANDSHAKE_FRAME_MAX_BYTES).is_some());
        }
    }
}
