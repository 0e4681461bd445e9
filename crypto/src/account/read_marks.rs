//! How far the account has read in all its rooms, as one vault record: it is written for all rooms together and at times that have nothing
//! to do with reading, so it ties the account to no room. What devices hear of each other at once goes by the rooms' status registers.

use crate::{CryptoError, status::ReadMark};
use minicbor::{Decode, Encode};
use sotto_protocol::{Chain, RoomId};
use std::collections::BTreeMap;

/// Most rooms of a record.
pub const READ_MARKS_MAX_ROOMS: usize = 2_048;
/// A device in use writes the record this long after it was last written by any device, at the earliest, in milliseconds.
pub const READ_MARKS_AFTER_MS: u64 = 3 * 3_600_000;
/// It adds a random time below this, in milliseconds.
pub const READ_MARKS_WITHIN_MS: u64 = 6 * 3_600_000;

/// A room, as the account's devices have left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomPosition {
    /// How far the person has read.
    pub mark: ReadMark,
    /// The last entry that a device of the account has verified: a new device compares it with what the relay says.
    pub chain: Chain,
}

/// The rooms of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadMarks {
    rooms: BTreeMap<RoomId, RoomPosition>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    room: RoomId,
    #[n(1)]
    turn: u32,
    #[n(2)]
    seq: u64,
    #[n(3)]
    chain: Chain,
}

impl ReadMarks {
    /// Takes in what a device knows of a room: the greatest mark and the later chain count.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] where it is a room too many.
    pub fn take(&mut self, room: RoomId, found: RoomPosition) -> Result<(), CryptoError> {
        let (actual, max) = (self.rooms.len(), READ_MARKS_MAX_ROOMS);
        if actual >= max && !self.rooms.contains_key(&room) {
            return Err(CryptoError::OverLimit { what: "read marks", actual: actual.saturating_add(1), max });
        }
        let known = self.rooms.entry(room).or_insert(found);
        known.mark = known.mark.max(found.mark);
        if found.chain.seq > known.chain.seq {
            known.chain = found.chain;
        }
        Ok(())
    }

    /// Takes in all of another record, as a device does before it writes its own over that.
    ///
    /// # Errors
    /// As [`ReadMarks::take`].
    pub fn merge(&mut self, other: &Self) -> Result<(), CryptoError> {
        other.rooms.iter().try_for_each(|(room, found)| self.take(*room, *found))
    }

    /// What is known of a room.
    #[must_use]
    pub fn get(&self, room: &RoomId) -> Option<&RoomPosition> {
        self.rooms.get(room)
    }

    /// Forgets a room that the account has left.
    pub fn forget(&mut self, room: &RoomId) {
        self.rooms.remove(room);
    }

    /// As it stands in its record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = |(room, found): (&RoomId, &RoomPosition)| {
            let RoomPosition { mark: ReadMark { turn, seq }, chain } = *found;
            Stored { room: *room, turn, seq, chain }
        };
        sotto_protocol::encode(&self.rooms.iter().map(stored).collect::<Vec<_>>())
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`]: also where a room stands twice, out of order, or is one too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("read marks");
        let stored: Vec<Stored> = sotto_protocol::decode(bytes).map_err(|_| malformed())?;
        let is_ascending = stored.is_sorted_by(|one, next| one.room < next.room);
        if stored.len() > READ_MARKS_MAX_ROOMS || !is_ascending {
            return Err(malformed());
        }
        let read =
            |Stored { room, turn, seq, chain }| (room, RoomPosition { mark: ReadMark { turn, seq }, chain });
        Ok(Self { rooms: stored.into_iter().map(read).collect() })
    }
}

/// When a device in use writes the record, by when any device of the account last wrote it.
#[must_use]
pub const fn read_marks_due_ms(last_written_ms: u64, random: u64) -> u64 {
    last_written_ms.saturating_add(READ_MARKS_AFTER_MS).saturating_add(random % READ_MARKS_WITHIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::limits::VAULT_CONTENT_MAX_BYTES;

    fn room(number: u16) -> RoomId {
        let [high, low] = number.to_be_bytes();
        RoomId::new([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    const fn position(turn: u32, read: u64, seq: u64) -> RoomPosition {
        RoomPosition { mark: ReadMark { turn, seq: read }, chain: Chain { seq, hash: [seq as u8; 32] } }
    }

    #[test]
    fn marks_of_two_devices_come_to_the_same_in_either_order() {
        let (mut one, mut other) = (ReadMarks::default(), ReadMarks::default());
        one.take(room(1), position(0, 9, 12)).unwrap();
        one.take(room(2), position(1, 2, 20)).unwrap();
        other.take(room(2), position(0, 30, 31)).unwrap();
        other.take(room(3), position(0, 1, 1)).unwrap();
        let (mut both, mut reversed) = (one.clone(), other.clone());
        both.merge(&other).unwrap();
        reversed.merge(&one).unwrap();
        assert_eq!(both, reversed);
        assert_eq!(
            both.get(&room(2)),
            Some(&position(1, 2, 20))
                .map(|known| RoomPosition { chain: position(0, 0, 31).chain, ..*known })
                .as_ref()
        );
        assert_eq!(ReadMarks::from_bytes(&both.to_bytes()), Ok(both.clone()));
        both.forget(&room(2));
        assert_eq!(both.get(&room(2)), None);
    }

    #[test]
    fn as_many_rooms_as_there_may_be_fit_into_a_record_and_no_more_are_read() {
        let mut marks = ReadMarks::default();
        let largest = RoomPosition {
            mark: ReadMark { turn: u32::MAX, seq: u64::MAX },
            chain: Chain { seq: u64::MAX, hash: [255; 32] },
        };
        for number in 0..2_048 {
            marks.take(room(number), largest).unwrap();
        }
        assert!(marks.take(room(2_048), largest).is_err());
        assert_eq!(marks.take(room(7), largest), Ok(()));
        let bytes = marks.to_bytes();
        assert!(bytes.len() <= VAULT_CONTENT_MAX_BYTES);
        assert_eq!(ReadMarks::from_bytes(&bytes), Ok(marks.clone()));
        marks.rooms.insert(room(2_048), largest);
        assert!(ReadMarks::from_bytes(&marks.to_bytes()).is_err());
    }

    #[test]
    fn a_room_stands_once_and_in_its_place() {
        let stored =
            |number: u16| Stored { room: room(number), turn: 0, seq: 1, chain: position(0, 0, 1).chain };
        for order in [[1, 1], [2, 1]] {
            let bytes = sotto_protocol::encode(&Vec::from(order.map(stored)));
            assert_eq!(ReadMarks::from_bytes(&bytes), Err(CryptoError::Malformed("read marks")));
        }
    }

    #[test]
    fn the_record_is_written_at_a_time_that_says_nothing_of_reading() {
        for random in [0, 1, READ_MARKS_WITHIN_MS - 1, READ_MARKS_WITHIN_MS, u64::MAX] {
            let due = read_marks_due_ms(1_000, random);
            assert!((1_000 + 10_800_000..1_000 + 32_400_000).contains(&due));
        }
    }
}
