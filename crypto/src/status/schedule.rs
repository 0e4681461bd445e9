//! When a device writes its status: on a grid of ticks, whatever it was that changed. Time and chance come from outside.

/// Distance between two ticks, in milliseconds. Ticks are the multiples of it, by the relay's clock.
pub const TICK_MS: u64 = 3_000;
/// After an epoch change the status is written again within this time, in milliseconds.
pub const REPUBLISH_WITHIN_MS: u64 = 60_000;

/// The next write of one device in one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusSchedule {
    due_ms: Option<u64>,
    version: u64,
}

impl StatusSchedule {
    /// Something changed: it goes out with everything else at the next tick.
    pub fn changed(&mut self, now_ms: u64) {
        self.due_by(now_ms);
    }

    /// The room has a new epoch: the status goes out again at a tick within a minute, which one is up to chance.
    pub fn epoch_changed(&mut self, now_ms: u64, random: u64) {
        self.due_by(now_ms.saturating_add(random % REPUBLISH_WITHIN_MS));
    }

    /// A version of this device's status was seen, so that what it writes next is above it.
    pub fn saw_own(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    /// When [`StatusSchedule::take`] is to be called.
    #[must_use]
    pub const fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// Where a write is due: the version to write. It rises with time, so that a device that forgot it goes on above it.
    pub fn take(&mut self, now_ms: u64) -> Option<u64> {
        self.due_ms.take_if(|due_ms| *due_ms <= now_ms)?;
        self.version = self.version.saturating_add(1).max(now_ms);
        Some(self.version)
    }

    fn due_by(&mut self, time_ms: u64) {
        let tick_ms = (time_ms / TICK_MS).saturating_add(1).saturating_mul(TICK_MS);
        self.due_ms = Some(self.due_ms.map_or(tick_ms, |due_ms| due_ms.min(tick_ms)));
    }
}
