//! Who may remove whom, and what the state becomes.

use super::*;
use crate::room::{
    LeaveScope, LeaveStatement, Role, RosterChange,
    policy::{DeviceRemoval, Removal, state_after_removal},
};

impl World {
    /// A removal by the member at `leaf`, with the state that the rules make of it.
    fn removal(&self, leaf: u32, removed: &[u32], aad: &'static [u8]) -> Facts<'static> {
        let kind = match sotto_protocol::decode(aad) {
            Ok(RemovalProof::Leave(_)) => Removal::Left,
            Ok(RemovalProof::Retired(_)) => Removal::Retired,
            _ => Removal::Forced,
        };
        let state = state_after_removal(&self.before(), removed, kind);
        Facts { removed: removed.to_vec(), new_state: Some(Ok(state)), aad, ..self.commit(leaf) }
    }
}

fn leaves(number: u8, stay: u8, scope: LeaveScope) -> &'static [u8] {
    leave_proof(LeaveStatement::sign(&ROOM, &key(number), &[stay; 16], scope))
}

fn leave_proof(statement: LeaveStatement) -> &'static [u8] {
    Vec::leak(sotto_protocol::encode(&RemovalProof::Leave(statement)))
}

/// The word of an account's identity key that `committer` removes those devices.
fn signs(identity: &IdentityKey, committer: &RosterEntry, device_keys: &[[u8; 32]]) -> &'static [u8] {
    own_proof(DeviceRemoval::sign(identity, &ROOM, committer, device_keys))
}

fn own_proof(removal: DeviceRemoval) -> &'static [u8] {
    Vec::leak(sotto_protocol::encode(&RemovalProof::OwnDevices(removal)))
}

#[test]
fn those_of_a_higher_role_remove_whole_accounts_of_a_lower_one() {
    let mut world = World::new();
    world.check("the owner removes a member", &world.removal(0, &[1], b""), Ok(()));
    world.check("an admin removes a member", &world.removal(4, &[1], b""), Ok(()));
    world.check("with all devices", &world.removal(4, &[2, 3], b""), Ok(()));
    world.check("two accounts at once", &world.removal(4, &[1, 2, 3], b""), Ok(()));
    world.check("the owner removes an admin", &world.removal(0, &[4], b""), Ok(()));
    world.check("with one device only", &world.removal(4, &[2], b""), Err(Violation::Removal));
    world.check("a member removes another", &world.removal(1, &[2, 3], b""), Err(Violation::Removal));
    world.check("an admin removes the owner", &world.removal(4, &[0], b""), Err(Violation::Removal));
    world.check("someone who is not there", &world.removal(0, &[9], b""), Err(Violation::Removal));
    world.check("oneself", &world.removal(0, &[0], b""), Err(Violation::Removal));
    world.state.admins = vec![account(2), account(4)];
    world.check("an admin removes an admin", &world.removal(4, &[1], b""), Err(Violation::Removal));
    world.state.admins.clear();
    world.state.permissions.remove = Role::Member;
    let equal = world.removal(1, &[2, 3], b"");
    world.check("a member removes a member even where members may", &equal, Err(Violation::Removal));
}

#[test]
fn an_account_removes_its_own_devices_with_the_word_of_its_identity() {
    let mut world = World::new();
    let refused = Err(Violation::DeviceRemoval);
    let (me, phone) = (device(3, World::via()), key(103).public());
    let good = signs(&identity(3), &me, &[phone]);
    world.check("its other device", &world.removal(2, &[3], good), Ok(()));
    world.check("without its word", &world.removal(2, &[3], b""), refused);
    world.check("and another's", &world.removal(2, &[3, 1], good), refused);
    world.check("another's", &world.removal(2, &[1], good), refused);
    world.check("by another", &world.removal(1, &[3], good), refused);
    world.check("even by the owner", &world.removal(0, &[3], good), refused);
    world.check("by the device that is named", &world.removal(3, &[3], good), Err(Violation::Removal));
    let by_device = IdentityKey::from_seed(&Secret::new([103; 32]));
    let forged = signs(&by_device, &me, &[phone]);
    world.check("signed by another key", &world.removal(2, &[3], forged), refused);
    let unnamed = signs(&identity(3), &me, &[key(104).public()]);
    world.check("of another device", &world.removal(2, &[3], unnamed), refused);
    let both = signs(&identity(3), &me, &[phone, key(104).public()]);
    world.check("one that is named is gone already", &world.removal(2, &[3], both), Ok(()));
    let elsewhere = DeviceRemoval::sign(&identity(3), &RoomId::new([8; 16]), &me, &[phone]);
    world.check("of another room", &world.removal(2, &[3], own_proof(elsewhere)), refused);
    let stay = RosterEntry { stay: [4; 16], ..me.clone() };
    let before = signs(&identity(3), &stay, &[phone]);
    world.check("of an earlier stay", &world.removal(2, &[3], before), refused);
    let sibling = signs(&identity(3), &second_device(3, None), &[me.device_key]);
    world.check("made for another device", &world.removal(2, &[3], sibling), refused);
    let mut twice = DeviceRemoval::sign(&identity(3), &ROOM, &me, &[phone]);
    twice.device_keys.push(phone.into());
    world.check("named twice", &world.removal(2, &[3], own_proof(twice)), refused);
    let padded: &[u8] = Vec::leak([&[0x9f], &good[1..], &[0xff]].concat());
    world.check("written in another way", &world.removal(2, &[3], padded), Err(Violation::Removal));
    // A device that came in anew is still named.
    let healed = RosterEntry { joined: 8, stay: [8; 16], ..second_device(3, World::via()) };
    world.roster.apply(&RosterChange([(3, Some(healed))].into()));
    world.check("after it came in anew", &world.removal(2, &[3], good), Ok(()));
}

#[test]
fn an_account_retires_devices_that_are_gone_and_nothing_else_changes() {
    let world = World::new();
    let refused = Err(Violation::DeviceRemoval);
    let (me, phone) = (device(3, World::via()), key(103).public());
    let retired = |word| -> &'static [u8] { Vec::leak(sotto_protocol::encode(&RemovalProof::Retired(word))) };
    let good = retired(DeviceRemoval::sign_retirement(&identity(3), &ROOM, &me, &[phone]));
    let commit = world.removal(2, &[3], good);
    world.check("its other device", &commit, Ok(()));
    let after = commit.new_state.clone().unwrap().unwrap();
    assert_eq!(after.revoked.last().map(|hash| **hash), Some(revocation_hash(&account(3), &phone)));
    assert_eq!(RoomState { revoked: world.state.revoked.clone(), ..after }, world.state, "and nothing else");
    world.check("by the owner", &world.removal(0, &[3], good), refused);
    world.check("another's", &world.removal(2, &[1], good), refused);
    let removed = DeviceRemoval::sign(&identity(3), &ROOM, &me, &[phone]);
    world.check("the word for a removal", &world.removal(2, &[3], retired(removed)), refused);
    let word = DeviceRemoval::sign_retirement(&identity(3), &ROOM, &me, &[phone]);
    world.check("as one for a removal", &world.removal(2, &[3], own_proof(word)), refused);
    let as_removal = state_after_removal(&world.before(), &[3], Removal::Forced);
    let closes_all = Facts { new_state: Some(Ok(as_removal)), ..commit };
    world.check("and closes what a removal closes", &closes_all, Err(Violation::StateChange));
}

#[test]
fn the_state_after_a_removal_is_what_the_rules_make_of_it() {
    let world = World::new();
    let removal = world.removal(0, &[2, 3], b"");
    let Some(Ok(state)) = removal.new_state.clone() else { unreachable!() };
    assert!(state.invites.is_empty(), "whoever was removed may know the links");
    assert!(state.revoked.contains(&revocation_hash(&account(3), &key(3).public()).into()));
    assert!(state.revoked.contains(&revocation_hash(&account(3), &key(103).public()).into()));
    let known = suspension_hash(world.roster.get(3).unwrap());
    assert_eq!(state.suspended_doors, vec![known.into()], "both devices had the same door key");
    let with = |change: fn(&mut RoomState)| {
        let mut other = state.clone();
        change(&mut other);
        Facts { new_state: Some(Ok(other)), ..removal.clone() }
    };
    world.check("as it is", &with(|_| {}), Ok(()));
    let kept = with(|state| state.invites.push(invite(100, 1, Some(3))));
    world.check("with an invite kept", &kept, Err(Violation::StateChange));
    let unrevoked = with(|state| {
        state.revoked.pop();
    });
    world.check("with a device not revoked", &unrevoked, Err(Violation::StateChange));
    world.check("with another name", &with(|s| s.name = "New".into()), Err(Violation::StateChange));
    let unchanged = Facts { new_state: None, ..removal.clone() };
    world.check("without a new state", &unchanged, Err(Violation::StateChange));

    let of_admin = world.removal(0, &[4], b"").new_state.unwrap().unwrap();
    assert!(of_admin.admins.is_empty(), "who is gone is no admin");
    // Every door key that the account had published is suspended, whichever of them the removed device knew.
    let mut world = World::new();
    let renewed = RosterEntry { door_key_hash: [77; 32], ..world.roster.get(2).unwrap().clone() };
    world.roster.apply(&RosterChange([(2, Some(renewed.clone()))].into()));
    let word = signs(&identity(3), &renewed, &[key(103).public()]);
    let state = world.removal(2, &[3], word).new_state.unwrap().unwrap();
    assert_eq!(state.suspended_doors, vec![suspension_hash(&renewed).into(), known.into()]);
}

#[test]
fn the_room_remembers_the_last_devices_that_were_removed() {
    let mut world = World::new();
    let many = (0..=255_u8).map(|n| revocation_hash(&account(n), &[n; 32]).into());
    world.state.revoked = many.collect();
    let oldest = world.state.revoked[0];
    let removal = world.removal(0, &[1], b"");
    world.check("past the limit", &removal, Ok(()));
    let state = removal.new_state.unwrap().unwrap();
    assert_eq!(state.revoked.len(), 256);
    // Account 2 has one already, and now most.
    assert!(state.revoked.contains(&oldest));
    assert!(!state.revoked.contains(&revocation_hash(&account(2), &[2; 32]).into()));
    let removal = world.removal(0, &[4], b"");
    let state = removal.new_state.unwrap().unwrap();
    assert!(!state.revoked.contains(&revocation_hash(&account(4), &[4; 32]).into()));
}

#[test]
fn nobody_makes_a_room_forget_the_devices_of_others() {
    let mut world = World::new();
    let bobs = revocation_hash(&account(2), &[2; 32]).into();
    let phone = world.roster.get(3).unwrap().clone();
    world.state.revoked = vec![bobs];
    world.state.suspended_doors = vec![suspension_hash(&device(2, None)).into()];
    let suspended = world.state.suspended_doors[0];
    for number in 0..300_u32 {
        let mut device_key = [9; 32];
        device_key[..4].copy_from_slice(&number.to_be_bytes());
        let mut door_key_hash = [8; 32];
        door_key_hash[..4].copy_from_slice(&number.to_be_bytes());
        let next = RosterEntry { device_key, door_key_hash, ..phone.clone() };
        world.roster.apply(&RosterChange([(3, Some(next))].into()));
        let word = signs(&identity(3), &device(3, None), &[device_key]);
        let removal = world.removal(2, &[3], word);
        world.check("one of many", &removal, Ok(()));
        world.state = removal.new_state.unwrap().unwrap();
    }
    assert_eq!((world.state.revoked.len(), world.state.suspended_doors.len()), (256, 256));
    assert_eq!(world.state.revoked[0], bobs, "the oldest of all");
    assert_eq!(world.state.suspended_doors[0], suspended);
}

#[test]
fn whoever_signed_that_they_leave_is_removed_by_anyone() {
    let world = World::new();
    let scope = LeaveScope::Account;
    world.check("with the statement", &world.removal(1, &[2, 3], leaves(3, 3, scope)), Ok(()));
    let device = leaves(3, 3, LeaveScope::Device);
    world.check("one device", &world.removal(1, &[2], device), Ok(()));
    world.check("more than said", &world.removal(1, &[2, 3], device), Err(Violation::LeaveStatement));
    let less = world.removal(1, &[2], leaves(3, 3, scope));
    world.check("less than said", &less, Err(Violation::LeaveStatement));
    let anothers = world.removal(1, &[4], leaves(3, 3, scope));
    world.check("someone else", &anothers, Err(Violation::LeaveStatement));
    let before = world.removal(1, &[2, 3], leaves(3, 4, scope));
    world.check("of an earlier stay", &before, Err(Violation::LeaveStatement));
    world.check("garbage", &world.removal(1, &[2, 3], b"x"), Err(Violation::Removal));
    let mut forged = LeaveStatement::sign(&ROOM, &key(3), &[3; 16], scope);
    forged.signature = LeaveStatement::sign(&ROOM, &key(2), &[3; 16], scope).signature;
    let forged = world.removal(1, &[2, 3], leave_proof(forged));
    world.check("signed by another", &forged, Err(Violation::LeaveStatement));
    let elsewhere = LeaveStatement::sign(&RoomId::new([8; 16]), &key(3), &[3; 16], scope);
    let elsewhere = world.removal(1, &[2, 3], leave_proof(elsewhere));
    world.check("of another room", &elsewhere, Err(Violation::LeaveStatement));

    let closed = World { state: RoomState { invites: Vec::new(), ..world.state.clone() }, ..World::new() };
    let unsent = Facts { new_state: None, ..closed.removal(1, &[2, 3], leaves(3, 3, scope)) };
    closed.check("a state that stays as it was is not sent", &unsent, Ok(()));
    let state = world.removal(1, &[2, 3], leaves(3, 3, scope)).new_state.unwrap().unwrap();
    assert_eq!(state.invites.len(), 1, "leaving closes nothing");
    assert_eq!(state.invites[0].spent, 1, "and gives no use back");
    assert!(!state.revoked.contains(&revocation_hash(&account(3), &key(3).public()).into()));
}

#[test]
fn the_owner_may_leave_and_the_closed_room_too() {
    let mut world = World::new();
    let owner_leaves = world.removal(1, &[0], leaves(1, 1, LeaveScope::Account));
    world.check("the owner leaves", &owner_leaves, Ok(()));
    world.state.is_closed = true;
    world.state.invites.clear();
    let from_closed = world.removal(1, &[2, 3], leaves(3, 3, LeaveScope::Account));
    world.check("out of a closed room", &from_closed, Ok(()));
    world.roster.apply(&RosterChange([(2, None)].into()));
    let gone = world.removal(1, &[3], leaves(3, 3, LeaveScope::Account));
    world.check("signed by a device that is gone", &gone, Err(Violation::LeaveStatement));
}
