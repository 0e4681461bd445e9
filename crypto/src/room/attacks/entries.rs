//! Garbage under the handshake key: what a member can put into the log that is no commit, or a commit that was tampered with.
//!
//! Detected by everyone alike: [`CryptoError::Malformed`] or [`CryptoError::Mls`], `InvalidChange` in the engine; owner or an admin
//! void it. Nothing in there may panic.

use super::{ADA, Forged, MALLORY, Person, World, forge};
use crate::{
    CryptoError, entry,
    room::{Left, RewindEffect, policy::Violation},
};
use openmls::prelude::tls_codec::Serialize as _;
use sotto_protocol::{Chain, EntryKind, RoomId, entry_hash};

#[test]
fn what_is_no_commit_is_refused_by_everyone() {
    let mut world = World::three();
    let mallory = &mut world.rooms[MALLORY];
    let update = {
        use openmls_traits::OpenMlsProvider as _;
        let (message, _) = mallory
            .group
            .propose_self_update(
                &mallory.provider,
                &mallory.device,
                openmls::prelude::LeafNodeParameters::default(),
            )
            .unwrap();
        mallory.group.clear_pending_proposals(mallory.provider.storage()).unwrap();
        message.tls_serialize_detached().unwrap()
    };
    for (what, content) in [
        ("nothing", Vec::new()),
        ("text", b"garbage".to_vec()),
        ("zeros", vec![0; 500]),
        ("a proposal of its own", update),
    ] {
        let forged = Forged::seal(&world.rooms[MALLORY], &content, [0; 32]);
        world.all_refuse(what, &forged, &CryptoError::Malformed("commit"));
    }
}

#[test]
fn a_commit_that_was_cut_or_changed_and_sealed_again_is_refused_and_panics_nobody() {
    let mut world = World::three();
    let honest = forge(&mut world.rooms[MALLORY], &[], |builder| builder);
    let room = &world.rooms[MALLORY];
    let secret = room.secrets().unwrap().handshake;
    let (_, commit) =
        entry::open(secret.seed(), &room.id(), EntryKind::Handshake, room.epoch(), &honest.entry).unwrap();
    let variants = (0..commit.len()).step_by(3).flat_map(|at| {
        let mut flipped = commit.to_vec();
        flipped[at] ^= 1 << (at % 8);
        [commit[..at].to_vec(), flipped]
    });
    for content in variants.collect::<Vec<_>>() {
        let forged = Forged::seal(&world.rooms[MALLORY], &content, honest.access_key);
        let room = &mut world.rooms[ADA];
        assert!(room.stage(forged.kind, &forged.entry, &forged.access_key).is_err());
    }
    let room = &mut world.rooms[ADA];
    let staged = room.stage(honest.kind, &honest.entry, &honest.access_key).unwrap();
    room.merge(staged).unwrap();
}

/// Prevented: [`CryptoError::Forbidden`], so it can be voided by every member of the epoch before; and where it was sealed as a member's
/// commit it does not even open. A member's commit that is sent through a door would be held by the relay as a join: until it is
/// confirmed nobody could be cut off, and a member from before could void it. And a newcomer's commit comes by no other way.
#[test]
fn a_members_commit_through_a_door_and_a_newcomers_by_another_way_are_refused() {
    let mut world = World::three();
    let honest = forge(&mut world.rooms[MALLORY], &[], |builder| builder);
    let room = &world.rooms[MALLORY];
    let secret = room.secrets().unwrap().handshake;
    let (_, commit) =
        entry::open(secret.seed(), &room.id(), honest.kind, room.epoch(), &honest.entry).unwrap();
    let through_a_door = Forged::seal_as(EntryKind::Join, room, &commit, honest.access_key);
    world.all_forbid("a member's commit through a door", &through_a_door, Violation::EntryKind);
    let kind = EntryKind::Join;
    world.all_refuse("sealed as a member's", &Forged { kind, ..honest.clone() }, &CryptoError::DoesNotOpen);

    let joining = world.tries_to_join(&Person::new("Eve")).unwrap().handshake;
    let room = &world.rooms[MALLORY];
    let (_, commit) =
        entry::open(secret.seed(), &room.id(), joining.kind, room.epoch(), &joining.entry).unwrap();
    let by_a_member = Forged::seal_as(EntryKind::Handshake, room, &commit, joining.access_key);
    world.all_forbid("a newcomer's commit, by a member", &by_a_member, Violation::EntryKind);

    let bad = &through_a_door.entry;
    let left = || Some(Left { seq: 9, entry: bad.clone(), kind: EntryKind::Join });
    let (rewind, _) =
        world.rooms[2].make_rewind(9, &entry_hash(bad), None, Chain::start(&room_id(&world))).unwrap();
    for who in [ADA, 2] {
        assert_eq!(world.rooms[who].rewind(&rewind, |_| left()), Ok(RewindEffect::Unmoved));
    }
    let staged = world.rooms[ADA].stage(honest.kind, &honest.entry, &honest.access_key);
    assert_eq!(
        staged.err(),
        Some(CryptoError::Forbidden(Violation::Rewind)),
        "voided is voided, whatever way it comes"
    );
}

fn room_id(world: &World) -> RoomId {
    world.rooms[ADA].id()
}
