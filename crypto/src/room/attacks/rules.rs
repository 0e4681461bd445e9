//! A room moves to later rules, with clients in it that know them and clients that do not.

use super::{ADA, MALLORY, World};
use crate::{
    CryptoError,
    room::{Room, RoomChange, policy::Violation},
};
use sotto_protocol::Chain;

const RULES: RoomChange = RoomChange::MoveToRules(2);

fn name(text: &str) -> RoomChange {
    RoomChange::Rename(text.into())
}

/// Who does not know them follows the move, and stands still after it: it neither judges nor commits, loses nothing, and goes on once it
/// is updated.
#[test]
fn a_room_moves_to_later_rules_with_old_and_new_clients_in_it() {
    let mut world = World::three();
    let (old, start) = (2, Chain::start(&world.rooms[ADA].id()));
    for who in [ADA, MALLORY] {
        world.rooms[who].know_rules(2);
    }
    // Their next commits say what they know.
    world.change(ADA, &RoomChange::Rotate);
    assert_eq!(world.rooms[ADA].left_standing(2), [1, 2]);
    world.change(MALLORY, &RoomChange::Rotate);
    assert_eq!(world.rooms[ADA].left_standing(2), [2]);
    world.change(ADA, &RULES);
    assert!(world.rooms[old].needs_newer_version());
    assert!(!world.rooms[ADA].needs_newer_version());
    assert_eq!(world.rooms[old].epoch(), world.rooms[ADA].epoch(), "it reads what is said in this epoch");
    let mark = |room: &Room| room.secrets().unwrap().message.seed().expose().to_vec();
    assert_eq!(mark(&world.rooms[old]), mark(&world.rooms[ADA]));

    // By the new rules a name is for ever; the old ones would take another.
    let refused = world.rooms[MALLORY].commit(&name("Meadow"), start);
    assert_eq!(refused.err(), Some(CryptoError::Forbidden(Violation::StateChange)));
    let refused = world.rooms[ADA].commit(&name("Meadow"), start);
    assert_eq!(refused.err(), Some(CryptoError::Forbidden(Violation::StateChange)));

    // What comes next an old client does not judge, nor does it commit; and it is as it was, stored and loaded again, too.
    let next = world.rooms[ADA].commit(&RoomChange::SetTopic("Bees".into()), start).unwrap();
    world.rooms[ADA].merge_pending().unwrap();
    let saved = world.rooms[old].save().unwrap();
    let stage = |room: &mut Room| room.stage(next.kind, &next.entry, &next.access_key).map(|_| ());
    assert_eq!(stage(&mut world.rooms[old]), Err(CryptoError::NewerVersion));
    let commits = world.rooms[old].commit(&RoomChange::Rotate, start);
    assert_eq!(commits.err(), Some(CryptoError::NewerVersion));
    assert_eq!(world.rooms[old].save().unwrap(), saved, "nothing was lost");
    let device = world.people[old].own.device.clone();
    let mut updated = Room::load(world.rooms[old].id(), device, &saved).unwrap();
    assert!(updated.needs_newer_version());
    assert_eq!(stage(&mut updated), Err(CryptoError::NewerVersion));

    // It goes on where it stood, once it is updated.
    updated.know_rules(2);
    for room in [&mut world.rooms[MALLORY], &mut updated] {
        let staged = room.stage(next.kind, &next.entry, &next.access_key).unwrap();
        room.merge(staged).unwrap();
    }
    assert_eq!(updated.state().topic, "Bees");
    let own = updated.commit(&RoomChange::Rotate, start).unwrap();
    updated.merge_pending().unwrap();
    for who in [ADA, MALLORY] {
        let staged = world.rooms[who].stage(own.kind, &own.entry, &own.access_key).unwrap();
        world.rooms[who].merge(staged).unwrap();
    }
    assert_eq!(world.rooms[ADA].left_standing(2), [0_u32; 0]);
}

/// Nobody comes in by a card whose rules they do not know, and is told why.
#[test]
fn a_newcomer_who_does_not_know_the_rules_is_told_so() {
    let mut world = World::three();
    world.rooms[ADA].know_rules(2);
    world.change(ADA, &RoomChange::Rotate);
    world.change(ADA, &RULES);
    let joining = world.tries_to_join(&super::Person::new("Eve"));
    assert_eq!(joining.err(), Some(CryptoError::NewerVersion));
}

/// A removal says why to those who stay and to who goes.
#[test]
fn a_removal_with_a_reason_is_followed_and_a_picture_and_a_list_are_seen() {
    let mut world = World::three();
    world.change(MALLORY, &RoomChange::SetOwnAvatar(Some(vec![7; 100])));
    assert_eq!(world.rooms[ADA].avatar_of(1), Some(vec![7; 100]));
    assert_eq!(world.rooms[ADA].avatar_of(0), None);
    let too_long = RoomChange::SetOwnAvatar(Some(vec![7; 513]));
    let start = Chain::start(&world.rooms[ADA].id());
    assert!(world.rooms[MALLORY].commit(&too_long, start).is_err());
    assert!(!world.rooms[MALLORY].has_pending_commit());
    let account = world.people[MALLORY].account();
    world.change(ADA, &RoomChange::SetSpeakers(vec![account]));
    assert!(world.rooms[2].state().authority().may_post(&account));
    world.change(ADA, &RoomChange::RemoveMember(account, Some("Spam".into())));
    assert!(world.rooms[MALLORY].is_removed());
    assert!(world.rooms[2].state().speakers.is_empty(), "who is gone speaks no more");
}
