//! Rooms of some size, grown as they grow in life: one join after the other, each by a link and with no one online.

use crate::people::{Person, commit, invite, receive, start};
use sotto_crypto::{
    DeviceKey,
    link::InviteLink,
    room::{Handshake, Joining, Room, RoomChange, Suite},
};
use zeroize::Zeroizing;

/// Both suites, and what the tables call them.
pub const SUITES: [(&str, Suite); 2] = [("hybrid", Suite::Hybrid), ("classical", Suite::Classical)];

/// A room, as two of its members and the relay have it.
pub struct Stage {
    /// Of the room.
    pub suite: Suite,
    /// How many are in the room, each of another person.
    pub devices: usize,
    link: InviteLink,
    epoch: u64,
    held: Handshake,
    committer: Member,
    other: Member,
    newcomer: Person,
}

struct Member {
    device: DeviceKey,
    stored: Zeroizing<Vec<u8>>,
}

impl Stage {
    /// Grows one room and shows it at each of the `sizes`, from 2 on. Half of the members have accounts, and so capsules.
    pub fn grow(suite: Suite, sizes: &[usize], mut show: impl FnMut(&Self)) {
        let first = member(0);
        let mut newest = first.creates(suite);
        let (link, mut held) = invite(&mut newest, &first, None);
        for number in 1..sizes.iter().copied().max().unwrap_or(0) {
            let joining = member(number).tries_to_join(&link, &held, newest.epoch()).unwrap();
            let mut before = std::mem::replace(&mut newest, joining.room);
            held = joining.handshake;
            let devices = number + 1;
            if sizes.contains(&devices) {
                receive(&mut before, &held).unwrap();
                held = commit(&mut newest, &RoomChange::Rotate);
                receive(&mut before, &held).unwrap();
                show(&Self {
                    suite,
                    devices,
                    link: link.clone(),
                    epoch: newest.epoch(),
                    held: held.clone(),
                    committer: Member::of(&newest),
                    other: Member::of(&before),
                    newcomer: Person::registered("Newcomer"),
                });
            }
        }
    }

    /// The room, as the member who commits has it.
    pub fn committer(&self) -> Room {
        self.committer.room(&self.link)
    }

    /// The room, as another member has it.
    pub fn other(&self) -> Room {
        self.other.room(&self.link)
    }

    /// How much the committer stores for the room.
    pub fn stored_bytes(&self) -> usize {
        self.committer.stored.len()
    }

    /// The external commit of a newcomer with an account, who has the link and what the relay holds.
    pub fn join(&self) -> Joining {
        self.newcomer.tries_to_join(&self.link, &self.held, self.epoch).unwrap()
    }
}

impl Member {
    fn of(room: &Room) -> Self {
        Self { device: room.device().clone(), stored: room.save().unwrap() }
    }

    fn room(&self, link: &InviteLink) -> Room {
        Room::load(link.room, self.device.clone(), &self.stored).unwrap()
    }
}

/// A commit that only renews keys, with all that goes out beside it.
pub fn rotate(room: &mut Room) -> Handshake {
    let chain = start(room);
    room.commit(&RoomChange::Rotate, chain).unwrap()
}

fn member(number: usize) -> Person {
    let name = format!("Member {number}");
    if number.is_multiple_of(2) { Person::registered(&name) } else { Person::new(&name) }
}
