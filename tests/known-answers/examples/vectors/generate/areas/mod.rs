//! The areas: a file each, here and in `docs/vectors`.

mod certificates;
mod entries;
mod messages;
mod rooms;
mod sealing;

use super::{
    area::{Area, Change, hex},
    case::{Reader, Refused, With},
    diagnostic::diagnostic,
    people::{ADA, BOB, CLEO, NOW_MS, Person, secret},
};
use sotto_protocol::{EntryId, RoomId};

/// The room that is meant, where a case says nothing else.
const ROOM: RoomId = RoomId::new([0x11; 16]);
/// The entry that is meant.
const ENTRY: EntryId = EntryId::new([0x22; 16]);
/// The epoch that is meant.
const EPOCH: u64 = 3;

/// Every area.
pub fn all() -> Vec<Area> {
    vec![certificates::area(), entries::area(), messages::area(), rooms::area(), sealing::area()]
}

/// The reader of that name.
pub fn reader(name: &str) -> Option<Reader> {
    let readers =
        [certificates::READERS, entries::READERS, messages::READERS, rooms::READERS, sealing::READERS];
    readers.into_iter().flatten().find(|(known, _)| *known == name).map(|(_, reader)| *reader)
}
