//! The areas: a file each, here and in `docs/vectors`.

mod calls;
mod certificates;
mod content;
mod doors;
mod entries;
mod files;
mod frames;
mod history;
mod messages;
mod rooms;
mod sealing;
mod statements;
mod status;

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

/// Every area, with its readers.
const AREAS: &[(fn() -> Area, &[(&str, Reader)])] = &[
    (calls::area, calls::READERS),
    (certificates::area, certificates::READERS),
    (content::area, content::READERS),
    (doors::area, doors::READERS),
    (entries::area, entries::READERS),
    (files::area, files::READERS),
    (frames::area, frames::READERS),
    (history::area, history::READERS),
    (messages::area, messages::READERS),
    (rooms::area, rooms::READERS),
    (sealing::area, sealing::READERS),
    (statements::area, statements::READERS),
    (status::area, status::READERS),
];

/// Every area.
pub fn all() -> Vec<Area> {
    AREAS.iter().map(|(area, _)| area()).collect()
}

/// The reader of that name.
pub fn reader(name: &str) -> Option<Reader> {
    let mut readers = AREAS.iter().flat_map(|(_, readers)| *readers);
    readers.find(|(known, _)| *known == name).map(|(_, reader)| *reader)
}
