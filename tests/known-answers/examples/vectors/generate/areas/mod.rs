//! The areas: a file each, here and in `docs/vectors`.

mod accounts;
mod calls;
mod certificates;
mod content;
mod direct_invites;
mod doors;
mod entries;
mod files;
mod frames;
mod history;
mod login;
mod messages;
mod mls_room;
mod names;
mod pairing;
mod relay;
mod rooms;
mod safety;
mod sealing;
mod statements;
mod status;
mod vault;

use super::{
    area::{Area, Change, hex},
    canonical::{CborMap, other_forms},
    case::{Reader, Refused, With},
    diagnostic::diagnostic,
    people::{ADA, BOB, CLEO, NOW_MS, Person, secret},
};
use sotto_crypto::testing::expand;
use sotto_protocol::{
    EntryId, RoomId,
    account::{RelayId, RelayKeys},
};

/// The room that is meant, where a case says nothing else.
const ROOM: RoomId = RoomId::new([0x11; 16]);
/// The entry that is meant.
const ENTRY: EntryId = EntryId::new([0x22; 16]);
/// The epoch that is meant.
const EPOCH: u64 = 3;
/// Where the relay that is meant is reached.
const AUTHORITY: &str = "relay.example:8443";

/// The keys of the relay that is meant: see `relay.rs`.
fn relay_keys() -> RelayKeys {
    relay::keys(0x8b, 0x8c)
}

/// The relay that is meant.
fn relay_id() -> RelayId {
    relay_keys().id()
}

/// The randomness of an encapsulation where the code draws it from a seed of one byte, 32 times.
fn encapsulation(seed: u8) -> [u8; 64] {
    *expand::<64>(&secret(seed), b"sotto/1 seeded randomness", &[&0_u32.to_be_bytes()]).unwrap()
}

/// Makes a file.
type Make = fn() -> Area;
/// Readers by name.
type Readers = &'static [(&'static str, Reader)];

/// Every area that is made alike each time, with its readers.
const AREAS: &[(Make, Readers)] = &[
    (accounts::area, accounts::READERS),
    (calls::area, calls::READERS),
    (certificates::area, certificates::READERS),
    (content::area, content::READERS),
    (direct_invites::area, direct_invites::READERS),
    (doors::area, doors::READERS),
    (entries::area, entries::READERS),
    (files::area, files::READERS),
    (frames::area, frames::READERS),
    (history::area, history::READERS),
    (login::area, login::READERS),
    (messages::area, messages::READERS),
    (names::area, names::READERS),
    (pairing::area, pairing::READERS),
    (relay::area, relay::READERS),
    (rooms::area, rooms::READERS),
    (safety::area, safety::READERS),
    (sealing::area, sealing::READERS),
    (statements::area, statements::READERS),
    (status::area, status::READERS),
    (vault::area, vault::READERS),
];

/// Areas that are made alike each time.
pub fn all() -> Vec<Area> {
    AREAS.iter().map(|(area, _)| area()).collect()
}

/// Areas that are recorded: what they are made of is drawn inside the MLS library.
pub fn recorded() -> Vec<Area> {
    vec![mls_room::classical(), mls_room::hybrid()]
}

/// The reader of that name.
pub fn reader(name: &str) -> Option<Reader> {
    let readers = AREAS.iter().flat_map(|(_, readers)| *readers).chain(mls_room::READERS);
    let found: Vec<_> = readers.filter(|(known, _)| *known == name).map(|(_, reader)| *reader).collect();
    assert!(found.len() <= 1, "two readers are called {name}");
    found.first().copied()
}
