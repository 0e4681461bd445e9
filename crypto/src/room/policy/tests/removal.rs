//! Who may remove whom, and what the state becomes.

use super::*;
use crate::room::{
    LeaveScope, LeaveStatement, Role, RosterChange,
    policy::{Removal, state_after_removal},
};

impl World {
    /// A removal by the member at `leaf`, with the state that the rules make of it.
    fn removal(&self, leaf: u32, removed: &[u32], aad: &'static [u8]) -> Facts<'static> {
        let kind = if aad.is_empty() { Removal::Forced } else { Removal::Left };
        let state = state_after_removal(&self.before(), removed, kind);
        Facts { removed: removed.to_vec(), new_state: Some(Ok(state)), aad, ..self.commit(leaf) }
    }
}

fn leaves(number: u8, joined: u64, scope: LeaveScope) -> &'static [u8] {
    Vec::leak(LeaveStatement::sign(&ROOM, &key(number), joined, scope).to_bytes())
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
fn an_account_removes_its_own_devices() {
    let world = World::new();
    world.check("its other device", &world.removal(2, &[3], b""), Ok(()));
    world.check("and another's", &world.removal(2, &[3, 1], b""), Err(Violation::Removal));
}

#[test]
fn the_state_after_a_removal_is_what_the_rules_make_of_it() {
    let world = World::new();
    let removal = world.removal(0, &[2, 3], b"");
    let Some(Ok(state)) = removal.new_state.clone() else { unreachable!() };
    assert!(state.invites.is_empty(), "whoever was removed may know the links");
    assert!(state.revoked.contains(&revocation_hash(&key(3).public()).into()));
    assert!(state.revoked.contains(&revocation_hash(&key(103).public()).into()));
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
    let state = world.removal(2, &[3], b"").new_state.unwrap().unwrap();
    assert_eq!(state.suspended_doors, vec![suspension_hash(&renewed).into(), known.into()]);
}

#[test]
fn the_room_remembers_the_last_devices_that_were_removed() {
    let mut world = World::new();
    world.state.revoked = (0..256_u32).map(|n| revocation_hash(&[n as u8; 32]).into()).collect();
    let oldest = world.state.revoked[0];
    let removal = world.removal(0, &[1], b"");
    world.check("past the limit", &removal, Ok(()));
    let state = removal.new_state.unwrap().unwrap();
    assert_eq!(state.revoked.len(), 256);
    assert!(!state.revoked.contains(&oldest));
}

#[test]
fn whoever_signed_that_they_leave_is_removed_by_anyone() {
    let world = World::new();
    let scope = LeaveScope::Account;
    world.check("with the statement", &world.removal(1, &[2, 3], leaves(3, 0, scope)), Ok(()));
    let device = leaves(3, 0, LeaveScope::Device);
    world.check("one device", &world.removal(1, &[2], device), Ok(()));
    world.check("more than said", &world.removal(1, &[2, 3], device), Err(Violation::LeaveStatement));
    let less = world.removal(1, &[2], leaves(3, 0, scope));
    world.check("less than said", &less, Err(Violation::LeaveStatement));
    let anothers = world.removal(1, &[4], leaves(3, 0, scope));
    world.check("someone else", &anothers, Err(Violation::LeaveStatement));
    let before = world.removal(1, &[2, 3], leaves(3, 4, scope));
    world.check("of an earlier stay", &before, Err(Violation::LeaveStatement));
    world.check("garbage", &world.removal(1, &[2, 3], b"x"), Err(Violation::LeaveStatement));
    let mut forged = LeaveStatement::sign(&ROOM, &key(3), 0, scope);
    forged.signature = LeaveStatement::sign(&ROOM, &key(2), 0, scope).signature;
    let forged = world.removal(1, &[2, 3], Vec::leak(forged.to_bytes()));
    world.check("signed by another", &forged, Err(Violation::LeaveStatement));
    let elsewhere = LeaveStatement::sign(&RoomId::new([8; 16]), &key(3), 0, scope);
    let elsewhere = world.removal(1, &[2, 3], Vec::leak(elsewhere.to_bytes()));
    world.check("of another room", &elsewhere, Err(Violation::LeaveStatement));

    let state = world.removal(1, &[2, 3], leaves(3, 0, scope)).new_state.unwrap().unwrap();
    assert_eq!(state.invites.len(), 1, "leaving closes nothing");
    assert_eq!(state.invites[0].spent, 1, "and gives no use back");
    assert!(!state.revoked.contains(&revocation_hash(&key(3).public()).into()));
}

#[test]
fn the_owner_may_leave_and_the_closed_room_too() {
    let mut world = World::new();
    let owner_leaves = world.removal(1, &[0], leaves(1, 0, LeaveScope::Account));
    world.check("the owner leaves", &owner_leaves, Ok(()));
    world.state.is_closed = true;
    world.state.invites.clear();
    let from_closed = world.removal(1, &[2, 3], leaves(3, 0, LeaveScope::Account));
    world.check("out of a closed room", &from_closed, Ok(()));
    world.roster.apply(&RosterChange([(2, None)].into()));
    let gone = world.removal(1, &[3], leaves(3, 0, LeaveScope::Account));
    world.check("signed by a device that is gone", &gone, Err(Violation::LeaveStatement));
}
