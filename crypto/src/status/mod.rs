//! A device's soft state in a room: how far it has received and read, whether its person types or is there. All of it is one
//! value of one size in one register, so that the relay sees that something changed and never what.

mod board;
mod read_mark;
mod register;
mod schedule;

use crate::CryptoError;
use sotto_protocol::Chain;

pub use board::StatusBoard;
pub use read_mark::{OWN_MARK_BYTES, ReadMark};
pub use register::{OpenedStatus, REGISTER_BYTES, RegisterId, StatusRegisters, StatusWrite};
pub use schedule::{REPUBLISH_WITHIN_MS, StatusSchedule, TICK_MS, cadence_ms};

/// Furthest ahead that typing is believed, in milliseconds.
pub const TYPING_MAX_MS: u64 = 10_000;
/// Furthest ahead that presence is believed, in milliseconds.
pub const PRESENT_MAX_MS: u64 = 120_000;

/// The soft state of one device. Times are in milliseconds since 1970, by the relay's clock as the writer knows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Rises with every write of the device.
    pub version: u64,
    /// The last entry that the device has verified.
    pub chain: Chain,
    /// Has received everything up to this entry.
    pub delivered_seq: Option<u64>,
    /// Its person has read everything up to this entry.
    pub read_seq: Option<u64>,
    /// Its person types, until then.
    pub typing_until_ms: Option<u64>,
    /// Its person is there, until then. Said only while the room is in view.
    pub present_until_ms: Option<u64>,
    /// How far its person has read, for the person's own devices alone. None: nothing is known. No switch leaves it out, and others
    /// cannot tell whether it is there.
    pub own_mark: Option<ReadMark>,
}

/// Which parts a person lets others see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "four switches that a person sets one by one")]
pub struct StatusSwitches {
    /// What was received.
    pub delivered: bool,
    /// What was read.
    pub read: bool,
    /// Typing.
    pub typing: bool,
    /// Being there.
    pub present: bool,
}

impl Status {
    /// A status that says nothing but how far the device has verified the log.
    #[must_use]
    pub const fn new(version: u64, chain: Chain) -> Self {
        let (delivered_seq, read_seq, typing_until_ms, present_until_ms) = (None, None, None, None);
        let own_mark = None;
        Self { version, chain, delivered_seq, read_seq, typing_until_ms, present_until_ms, own_mark }
    }

    /// Without the parts that are switched off. The sealed value has the same size.
    #[must_use]
    pub fn only(self, switches: StatusSwitches) -> Self {
        Self {
            delivered_seq: self.delivered_seq.filter(|_| switches.delivered),
            read_seq: self.read_seq.filter(|_| switches.read),
            typing_until_ms: self.typing_until_ms.filter(|_| switches.typing),
            present_until_ms: self.present_until_ms.filter(|_| switches.present),
            ..self
        }
    }
}

impl StatusSwitches {
    /// Whether others see anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.delivered || self.shows_view()
    }

    /// Whether others see anything that a person does while the room is in view.
    #[must_use]
    pub const fn shows_view(self) -> bool {
        self.read || self.typing || self.present
    }
}

impl Default for StatusSwitches {
    fn default() -> Self {
        Self { delivered: true, read: true, typing: true, present: true }
    }
}

/// What a person does stays out of logs.
impl core::fmt::Debug for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Status(…)")
    }
}

fn malformed() -> CryptoError {
    CryptoError::Malformed("status")
}

#[cfg(test)]
mod cadence_tests;
#[cfg(test)]
mod own_mark_tests;
#[cfg(test)]
mod tests;
