//! Update paths that are garbage: for one victim, for some, or for those who commit later.

use super::{
    ADA, Forged, MALLORY, World,
    evil::{Evil, Garbage},
    try_forge,
};
use crate::{
    CryptoError,
    room::{AccountJoin, RoomChange, Suite, config, policy::Violation},
};
use openmls::prelude::{Extensions, LeafNodeIndex, tls_codec::Serialize as _};
use sotto_protocol::Chain;

/// The HPKE public key of a leaf.
fn leaf_key(world: &World, leaf: u32) -> Vec<u8> {
    let room = &world.rooms[ADA];
    let leaf = room.group.public_group().leaf(LeafNodeIndex::new(leaf)).unwrap();
    let wire = leaf.encryption_key().tls_serialize_detached().unwrap();
    wire[if room.suite() == Suite::Hybrid { 2 } else { 1 }..].to_vec()
}

/// Of `garbage` for the device at `leaf`.
pub(super) fn garbage_for(world: &World, leaf: u32, garbage: Garbage) -> Evil {
    Evil::with_garbage_for(leaf_key(world, leaf), garbage)
}

/// Prevented: nobody is locked out. Detected: by the victim, who is told [`CryptoError::CannotFollow`] and comes in again by its
/// account's door; everybody else goes on.
#[test]
fn a_garbage_path_for_one_victim_keeps_it_out_until_it_returns_by_its_door_and_nobody_else() {
    for suite in [Suite::Classical, Suite::Hybrid] {
        for garbage in [Garbage::Ciphertext, Garbage::OtherSecret, Garbage::Empty] {
            let mut world = World::new(suite, 1);
            let evil = garbage_for(&world, 2, garbage);
            let forged = try_forge(&mut world.rooms[MALLORY], &evil, &[], |builder| builder).unwrap();
            let victim = world.rooms[2].stage(forged.kind, &forged.entry, &forged.access_key).err();
            assert_eq!(victim, Some(CryptoError::CannotFollow));
            let ada = &mut world.rooms[ADA];
            let staged = ada.stage(forged.kind, &forged.entry, &forged.access_key).unwrap();
            ada.merge(staged).unwrap();
            world.rooms[MALLORY].merge_pending().unwrap();

            // The victim heals with the card that any member publishes, and everybody follows.
            let held = world.rooms[ADA].republish(Chain::start(&world.rooms[ADA].id())).unwrap();
            let (room, own) = (world.rooms[ADA].id(), &world.people[2].own);
            let door = own.door(&room).unwrap();
            let wrap = &held.doors.iter().find(|held| held.id == door).unwrap().wrap;
            let epoch = world.rooms[ADA].epoch();
            let healed = AccountJoin { room, card: &held.card, wrap, epoch, own }.join().unwrap();
            for who in [ADA, MALLORY] {
                let room = &mut world.rooms[who];
                let staged = room
                    .stage(healed.handshake.kind, &healed.handshake.entry, &healed.handshake.access_key)
                    .unwrap();
                let transition = room.merge(staged).unwrap();
                assert!(transition.is_return && transition.removed.is_empty());
                assert_eq!(room.secrets().unwrap(), healed.room.secrets().unwrap());
            }
        }
    }
}

/// Prevented: a victim is not led into an epoch that everybody else refuses. It finds what they find.
#[test]
fn a_garbage_path_does_not_hide_a_forbidden_commit_from_its_victim() {
    let mut world = World::three();
    let mut state = world.rooms[MALLORY].state().clone();
    state.owner = world.people[MALLORY].account();
    let list = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()]).unwrap();
    let evil = garbage_for(&world, 2, Garbage::Ciphertext);
    let forged = try_forge(&mut world.rooms[MALLORY], &evil, &[], |builder| {
        builder.propose_group_context_extensions(list).unwrap()
    })
    .unwrap();
    world.all_forbid("owner, and garbage for one", &forged, Violation::StateChange);
}

/// A room whose tree is full, and of which all have committed, so that every node has a key. Ada and Mallory are neighbours.
fn full_tree(suite: Suite, size: usize) -> World {
    let mut world = World::new(suite, size - 2);
    for who in 0..size {
        world.change(who, &RoomChange::Rotate);
    }
    world
}

fn with_path_key(world: &mut World, height: usize, key: &[u8]) -> Forged {
    let evil = Evil::with_path_key(height, key);
    let forged = try_forge(&mut world.rooms[MALLORY], &evil, &[], |builder| builder).unwrap();
    world.rooms[MALLORY].discard_pending().unwrap();
    forged
}

/// Prevented: a member cannot put a key into the tree that keeps others from committing. Everybody refuses alike, those too who
/// would otherwise find that they cannot follow; the user is told [`CryptoError::Forbidden`] with [`Violation::InvalidPath`].
#[test]
fn a_malformed_or_weak_key_of_a_parent_node_is_refused_by_everyone_in_both_suites() {
    let hybrid = || {
        let mut low_order = crate::wrap::WrapKey::from_seed(&crate::Secret::new([3; 32])).public();
        low_order[1184..].fill(0);
        vec![low_order, vec![0xff; 1216], vec![7; 32], Vec::new()]
    };
    let cases = [
        (Suite::Classical, 3, vec![vec![0; 32], vec![7; 31], vec![7; 1216], Vec::new()]),
        (Suite::Hybrid, 2, hybrid()),
    ];
    for (suite, heights, keys) in cases {
        let mut world = full_tree(suite, 1 << heights);
        for height in 0..heights {
            for key in &keys {
                let forged = with_path_key(&mut world, height, key);
                let what = format!("{suite:?}, height {height}, {} bytes", key.len());
                world.all_forbid(&what, &forged, Violation::InvalidPath);
            }
        }
        world.change(3, &RoomChange::Rotate);
    }
}

/// A good key that is not the path secret's: whoever sits below that node cannot follow and returns by its door. Detected by them;
/// the others go on, and can commit.
#[test]
fn a_parent_key_that_nobody_has_keeps_out_only_those_below_it_until_they_return() {
    let mut world = full_tree(Suite::Classical, 8);
    let stranger = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from([9; 32]));
    let forged = with_path_key(&mut world, 0, stranger.as_bytes());
    let verdicts = world.verdicts(&forged);
    assert_eq!(verdicts[0], Some(CryptoError::CannotFollow), "Ada, Mallory's neighbour");
    assert!(verdicts[1..].iter().all(Option::is_none), "{verdicts:?}");
}
