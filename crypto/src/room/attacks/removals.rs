//! Removals without a right. Prevented: everyone refuses alike; the user is told [`CryptoError::Forbidden`].

use super::{ADA, MALLORY, Person, World, forge};
use crate::room::{
    LeaveScope, LeaveStatement, RoomChange, config,
    policy::{self, DeviceRemoval, Removal, RemovalProof, Violation},
};
use openmls::prelude::{Extensions, LeafNodeIndex};

pub fn removal(world: &mut World, removed: &[u32], kind: Removal, aad: &[u8]) -> super::Forged {
    let room = &mut world.rooms[MALLORY];
    let state = policy::state_after_removal(&room.before(), removed, kind);
    let list = Extensions::from_vec(vec![config::required_capabilities(), state.to_extension()]).unwrap();
    let removed: Vec<_> = removed.iter().map(|leaf| LeafNodeIndex::new(*leaf)).collect();
    forge(room, aad, |builder| {
        builder.propose_removals(removed).propose_group_context_extensions(list).unwrap()
    })
}

fn leave_proof(statement: &LeaveStatement) -> Vec<u8> {
    sotto_protocol::encode(&RemovalProof::Leave(statement.clone()))
}

/// Prevented: an unlocked device of Mallory's, in a thief's hands, cannot throw her other device out.
#[test]
fn a_stolen_device_does_not_remove_its_siblings() {
    let mut world = World::three();
    let phone = world.people[MALLORY].next_device();
    world.returns(&phone);
    let room = world.rooms[MALLORY].id();
    let thief = world.rooms[MALLORY].roster().get(1).unwrap().clone();
    let sibling = phone.own.device.public();
    let proof = |removal: DeviceRemoval| sotto_protocol::encode(&RemovalProof::OwnDevices(removal));
    let eves = super::IdentityKey::generate().unwrap();
    let mallorys = world.people[MALLORY].identity.clone();
    // What Mallory signed for her phone against the stolen device, and for another room.
    let against = world.rooms[3].sign_device_removal(&mallorys, &[thief.device_key]).unwrap();
    let elsewhere = sotto_protocol::RoomId::new([9; 16]);
    for (what, aad) in [
        ("no word at all", Vec::new()),
        ("the word of another key", proof(DeviceRemoval::sign(&eves, &room, &thief, &[sibling]))),
        ("the word against the thief", proof(against)),
        ("of another room", proof(DeviceRemoval::sign(&mallorys, &elsewhere, &thief, &[sibling]))),
    ] {
        let forged = removal(&mut world, &[3], Removal::Forced, &aad);
        world.all_forbid(what, &forged, Violation::DeviceRemoval);
    }
    assert_eq!(world.rooms[MALLORY].sign_device_removal(&eves, &[sibling]), Err(crate::CryptoError::BadKey));
    // Mallory's phone removes the stolen device, with her identity's word.
    let word = world.rooms[3].sign_device_removal(&mallorys, &[thief.device_key]).unwrap();
    world.change(3, &RoomChange::RemoveDevice(word, None));
    assert!(world.rooms[MALLORY].is_removed());
}

#[test]
fn a_plain_member_removes_nobody_else() {
    let mut world = World::three();
    for (what, leaf) in [("the owner", 0), ("another member", 2)] {
        let forged = removal(&mut world, &[leaf], Removal::Forced, &[]);
        world.all_forbid(what, &forged, Violation::Removal);
    }
}

#[test]
fn an_admin_removes_no_owner_and_no_single_device_of_somebody() {
    let mut world = World::three();
    let next = world.people[2].next_device();
    world.returns(&next);
    let mallory = world.people[MALLORY].account();
    world.change(ADA, &RoomChange::SetRole(mallory, crate::room::Role::Admin));
    let forged = removal(&mut world, &[0], Removal::Forced, &[]);
    world.all_forbid("the owner", &forged, Violation::Removal);
    let forged = removal(&mut world, &[3], Removal::Forced, &[]);
    world.all_forbid("one device of an account", &forged, Violation::Removal);
    let forged = removal(&mut world, &[2, 3], Removal::Forced, &[]);
    assert!(world.verdicts(&forged).iter().take(1).all(Option::is_none), "the whole account");
}

#[test]
fn a_removal_that_keeps_the_invites_or_forgets_the_revocation_is_refused() {
    let mut world = World::three();
    let phone = world.people[MALLORY].next_device();
    world.returns(&phone);
    let identity = phone.identity.clone();
    let word = world.rooms[MALLORY].sign_device_removal(&identity, &[phone.own.device.public()]).unwrap();
    let word = sotto_protocol::encode(&RemovalProof::OwnDevices(word));
    let room = &mut world.rooms[MALLORY];
    let leaf = LeafNodeIndex::new(3);
    let forged = forge(room, &word, |builder| builder.propose_removals([leaf]));
    world.all_forbid("no new state", &forged, Violation::StateChange);
    let room = &mut world.rooms[MALLORY];
    let unchanged = vec![config::required_capabilities(), room.state().to_extension()];
    let list = Extensions::from_vec(unchanged).unwrap();
    let forged = forge(room, &word, |builder| {
        builder.propose_removals([leaf]).propose_group_context_extensions(list).unwrap()
    });
    world.all_forbid("the state before", &forged, Violation::StateChange);
}

#[test]
fn a_leave_statement_is_good_for_nobody_else_and_for_no_leaf_that_came_back() {
    let mut world = World::three();
    let room = &world.rooms[2];
    let victim = room.roster().get(2).unwrap().clone();
    let forged_statement = LeaveStatement {
        device_key: victim.device_key,
        ..LeaveStatement::sign(&room.id(), world.rooms[MALLORY].device(), &victim.stay, LeaveScope::Device)
    };
    let old = LeaveStatement::sign(&room.id(), room.device(), &[9; 16], LeaveScope::Device);
    let elsewhere = LeaveStatement::sign(
        &sotto_protocol::RoomId::new([9; 16]),
        room.device(),
        &victim.stay,
        LeaveScope::Device,
    );
    let true_one = LeaveStatement::sign(&room.id(), room.device(), &victim.stay, LeaveScope::Device);
    for (what, statement, removed) in [
        ("signed by another", &forged_statement, vec![2]),
        ("of an earlier stay", &old, vec![2]),
        ("of another room", &elsewhere, vec![2]),
        ("with somebody else on top", &true_one, vec![0, 2]),
        ("for somebody else", &true_one, vec![0]),
    ] {
        let forged = removal(&mut world, &removed, Removal::Left, &leave_proof(statement));
        world.all_forbid(what, &forged, Violation::LeaveStatement);
    }
    let forged = removal(&mut world, &[2], Removal::Left, &leave_proof(&true_one));
    assert_eq!(world.verdicts(&forged), [None, None]);
}

#[test]
fn a_member_cannot_close_anothers_door_with_a_copy_of_its_key() {
    let mut world = World::three();
    // Mallory's second device publishes Ada's door key as its own, and is removed then.
    let mut copy = world.people[MALLORY].next_device();
    let adas_door_key = world.people[ADA].own.door_key.clone();
    copy.own.vault_key = crate::account::VaultKey::generate().unwrap();
    world.returns(&copy_with_own_door(&world, &copy));
    let last = world.rooms.len() - 1;
    copy.own.door_key = adas_door_key; // The public half is all she would need.
    world.change(last, &RoomChange::Renew(Box::new(copy.own.clone())));
    world.removes_device(MALLORY, &copy);
    let room = world.rooms[ADA].id();
    let adas = world.people[ADA].own.door(&room).unwrap();
    assert!(world.held.doors.iter().any(|door| door.id == adas), "Ada's next device still comes in");
    let phone = world.people[ADA].next_device();
    world.rooms.truncate(3);
    world.returns(&phone);
}

/// Comes in by Mallory's door first.
fn copy_with_own_door(world: &World, copy: &Person) -> Person {
    let mut at_first = copy.clone();
    at_first.own.vault_key = world.people[MALLORY].own.vault_key.clone();
    at_first
}
