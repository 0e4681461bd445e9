//! A room with members of both kinds, through many changes: trees with gaps, unmerged leaves, replaced devices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_crypto::room::{Room, RoomChange};
use sotto_independent_peer::{
    certificate::Device,
    room::{Change, PeerRoom},
};
use support::{
    Offered, Person, Seen, commit, hear, invite, peer_commit, peer_joins, peer_receive, peer_seen,
    peer_start, prepare, receive, same_doors, seen,
};

const STEPS: u32 = 20;
const MEMBERS_MAX: usize = 6;

enum Member {
    Ours(Box<(Person, Room)>),
    Peers(Box<(Device, PeerRoom)>),
}

impl Member {
    fn rotates(&mut self) -> Offered {
        match self {
            Self::Ours(ours) => commit(&mut ours.1, &RoomChange::Rotate),
            Self::Peers(peers) => peer_commit(&mut peers.1, Change::default()),
        }
    }

    fn receives(&mut self, offered: &Offered) {
        match self {
            Self::Ours(ours) => drop(receive(&mut ours.1, offered).unwrap()),
            Self::Peers(peers) => {
                peer_receive(&mut peers.1, offered).unwrap();
                same_doors(offered, &peers.1);
            }
        }
    }

    /// Forgets the room and comes in again by the link, in place of its old leaf.
    fn returns(&mut self, fragment: &str, latest: &Offered) -> Offered {
        match self {
            Self::Ours(ours) => {
                let (person, room) = &mut **ours;
                let offered;
                (*room, offered) = person.joins(fragment, latest).unwrap();
                offered
            }
            Self::Peers(peers) => {
                let (device, room) = &mut **peers;
                let join = prepare(fragment, latest, device).unwrap();
                let handshake;
                (*room, handshake) = join.commit().unwrap();
                handshake.into()
            }
        }
    }

    fn says(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Ours(ours) => ours.0.says(&ours.1, text),
            Self::Peers(peers) => peers.1.say(text, peer_start(&peers.1)).unwrap(),
        }
    }

    fn hears(&self, entry: &[u8]) {
        match self {
            Self::Ours(ours) => drop(hear(&ours.1, entry).unwrap()),
            Self::Peers(peers) => drop(peers.1.hear(entry).unwrap()),
        }
    }

    fn seen(&self) -> Seen {
        match self {
            Self::Ours(ours) => seen(&ours.1),
            Self::Peers(peers) => peer_seen(&peers.1),
        }
    }
}

#[test]
fn members_of_both_kinds_agree_after_every_change() {
    let ada = Person::new("Ada");
    let mut adas = ada.creates();
    let (fragment, mut latest) = invite(&mut adas, &ada, None);
    let mut members = vec![Member::Ours(Box::new((ada, adas)))];
    let mut dice = Dice(20_260_101);
    for step in 0..STEPS {
        let who = dice.below(members.len());
        let (author, offered) = match dice.below(10) {
            0..=3 if members.len() < MEMBERS_MAX => {
                let name = format!("Member {step}");
                let (member, offered) = if dice.below(2) == 0 {
                    let person = Person::new(&name);
                    let (room, offered) = person.joins(&fragment, &latest).unwrap();
                    (Member::Ours(Box::new((person, room))), offered)
                } else {
                    let device = Device::generate(&name).unwrap();
                    let (room, offered) = peer_joins(&fragment, &latest, &device).unwrap();
                    (Member::Peers(Box::new((device, room))), offered)
                };
                members.push(member);
                (members.len() - 1, offered)
            }
            // The owner did not come in by the link; it would come back as a guest.
            4..=5 if who > 0 => (who, members[who].returns(&fragment, &latest)),
            _ => (who, members[who].rotates()),
        };
        for (index, member) in members.iter_mut().enumerate() {
            if index != author {
                member.receives(&offered);
            }
        }
        let first = members[0].seen();
        assert!(members.iter().all(|member| member.seen() == first), "step {step}");
        let said = members[author].says("after a change");
        members.iter().for_each(|member| member.hears(&said));
        latest = offered;
    }
    assert_eq!(members.len(), MEMBERS_MAX);
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
