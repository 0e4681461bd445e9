//! When a device writes its status. While the room is in view: at every tick of a fixed cadence, whether something has changed or not,
//! so that the times of the writes say nothing of what the person does. Else: at the next tick after something was received. Time and
//! chance come from outside.

use super::StatusSwitches;

/// Distance between two ticks, in milliseconds. Ticks are the multiples of it, by the relay's clock.
pub const TICK_MS: u64 = 3_000;
/// After an epoch change the status is written again within this time, in milliseconds.
pub const REPUBLISH_WITHIN_MS: u64 = 60_000;

/// Distance between two writes of a device that has the room in view, by the number of devices in the room: what each of them
/// receives grows with their number. A multiple of [`TICK_MS`], and less than [`super::TYPING_MAX_MS`].
#[must_use]
pub const fn cadence_ms(devices: usize) -> u64 {
    match devices {
        0..=32 => TICK_MS,
        33..=128 => 2 * TICK_MS,
        _ => 3 * TICK_MS,
    }
}

/// The next write of one device in one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusSchedule {
    due_ms: Option<u64>,
    version: u64,
    cadence_ms: Option<u64>,
    switches: StatusSwitches,
}

impl StatusSchedule {
    /// The room has come into view, or the number of its devices has changed while it is.
    pub fn in_view(&mut self, now_ms: u64, devices: usize) {
        self.cadence_ms = Some(cadence_ms(devices));
        if self.has_cadence() {
            self.due_ms = None;
            self.due_by(now_ms);
        }
    }

    /// The room is in view no longer. What was due at the next tick still goes out there: the last things that were read are in it.
    pub const fn out_of_view(&mut self) {
        self.cadence_ms = None;
    }

    /// What others may see has changed: one write says so, or takes back what was said. With every switch off that is the last one, and
    /// where others may see nothing but what was received, nothing is written because of the view: members would see by the writes that
    /// a person is there who does not want them to.
    pub fn switched(&mut self, now_ms: u64, switches: StatusSwitches) {
        let before = core::mem::replace(&mut self.switches, switches);
        if before != switches {
            self.due_at_tick_after(now_ms);
        }
    }

    /// Something changed that others or the account's own devices are to see: it goes out with everything else at the next tick. While
    /// the room is in view this changes nothing.
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
        if self.has_cadence() {
            self.due_by(now_ms);
        }
        self.version = self.version.saturating_add(1).max(now_ms);
        Some(self.version)
    }

    fn due_by(&mut self, time_ms: u64) {
        if self.switches.any() {
            self.due_at_tick_after(time_ms);
        }
    }

    const fn has_cadence(&self) -> bool {
        self.cadence_ms.is_some() && self.switches.shows_view()
    }

    fn due_at_tick_after(&mut self, time_ms: u64) {
        let distance_ms = self.cadence_ms.filter(|_| self.has_cadence()).unwrap_or(TICK_MS);
        let tick_ms = (time_ms / distance_ms).saturating_add(1).saturating_mul(distance_ms);
        self.due_ms = Some(self.due_ms.map_or(tick_ms, |due_ms| due_ms.min(tick_ms)));
    }
}
