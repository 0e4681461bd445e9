//! Who may void a handshake.

use super::*;
use crate::{AccessKey, AdminKey, room::policy::judge_rewind};
use sotto_protocol::{EntryKind, Rewind, RewindAuthority};

fn rewind(authority: RewindAuthority, sign: impl Fn(&[u8]) -> [u8; 64]) -> Rewind {
    let mut rewind = Rewind {
        bad_seq: 12,
        epoch: EPOCH,
        bad_entry: [1; 32],
        access_key: [2; 32],
        published_hash: [3; 32],
        authority,
        left_out: None,
        signature: [0; 64],
    };
    rewind.signature = sign(&rewind.statement(&ROOM));
    rewind
}

#[test]
fn a_member_voids_what_came_by_a_door_and_an_admin_anything() {
    let mut world = World::new();
    let admin = AdminKey::from_seed(secret(44).seed());
    let access = AccessKey::from_seed(secret(45).seed());
    let with_key = |number: u8| RosterEntry { admin_key: admin.public(), ..device(number, None) };
    world.roster.apply(&crate::room::RosterChange([(4, Some(with_key(4)))].into()));
    let check = |world: &World, what: &str, rewind: &Rewind, came_by_door, expected| {
        let kind = EntryKind::of_commit(came_by_door);
        assert_eq!(judge_rewind(&world.before(), &access.public(), rewind, kind), expected, "{what}");
    };
    let refused = Err(Violation::Rewind);
    let by_access = rewind(RewindAuthority::Access, |statement| access.sign(statement));
    check(&world, "a join, by a member", &by_access, true, Ok(()));
    check(&world, "a member's commit, by a member", &by_access, false, refused);
    let by_admin = rewind(RewindAuthority::Admin(admin.public().into()), |statement| admin.sign(statement));
    check(&world, "a member's commit, by an admin", &by_admin, false, Ok(()));
    check(&world, "a join, by an admin", &by_admin, true, Ok(()));
    let forged = rewind(RewindAuthority::Access, |statement| admin.sign(statement));
    check(&world, "with another key", &forged, true, refused);
    let altered = Rewind { published_hash: [9; 32], ..by_access.clone() };
    check(&world, "with another card", &altered, true, refused);
    let elsewhere = Rewind { epoch: EPOCH - 1, ..by_access };
    check(&world, "to another epoch", &elsewhere, true, refused);
    world.state.suspended_doors = vec![suspension_hash(world.roster.get(4).unwrap()).into()];
    check(&world, "by a key that a removed device knows", &by_admin, false, refused);
    world.state.suspended_doors.clear();
    world.state.admins.clear();
    check(&world, "by one who is no admin", &by_admin, false, refused);
    let without = |authority| {
        let mut rewind = rewind(authority, |_| [0; 64]);
        rewind.left_out = World::via();
        rewind.signature = access.sign(&rewind.statement(&ROOM));
        rewind
    };
    let without = without(RewindAuthority::Access);
    check(&world, "a join, and nobody comes by that invite any more", &without, true, Ok(()));
    let other = Rewind { left_out: None, ..without.clone() };
    check(&world, "it is part of what is signed", &other, true, refused);
    check(&world, "a member's commit came by no invite", &without, false, refused);
}

/// Only in the epoch to which the rewind led back, and nothing but that invite.
#[test]
fn an_invite_that_a_rewind_left_out_lets_nobody_in_and_is_closed_by_any_member() {
    let mut world = World::new();
    let id = World::via().unwrap();
    let (_, member) = world.roster.iter().find(|(_, entry)| entry.account == account(3)).unwrap();
    let member = member.clone();
    let refused = Err(Violation::StateChange);
    let close = |world: &World| world.change(2, |state| state.invites.clear());
    assert_eq!(world.state.role_of(&member.account), crate::room::Role::Member);
    world.check("another one's invite", &close(&world), refused);
    world.left_out = vec![id];
    world.check("that was left out", &close(&world), Ok(()));
    let (leaf, aad) = joiner::by_the_invite();
    world.check("nobody comes in", &joiner::join(leaf.clone(), aad), Err(Violation::InviteNotOpen));
    world.left_out.clear();
    world.check("as before", &joiner::join(leaf, aad), Ok(()));
}
