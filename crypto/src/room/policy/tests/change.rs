//! Who may change what of the room state.

use super::*;
use crate::{
    CryptoError,
    room::{Assistant, History, Permissions, Role, RunsAt},
};

/// Leaves of the owner, an admin and a member.
const OWNER: u32 = 0;
const MEMBER: u32 = 1;
const ADMIN: u32 = 4;

type Change = fn(&mut RoomState);

fn assistant(number: u8) -> Assistant {
    Assistant {
        account: account(number),
        operator: "Ada".into(),
        model: "Model 1".into(),
        runs_at: RunsAt::Operator,
        kept_s: 0,
    }
}

#[test]
fn each_field_changes_by_those_who_may() {
    let world = World::new();
    let cases: &[(&str, Role, Change)] = &[
        ("name", Role::Admin, |state| state.name = "Meadow".into()),
        ("topic", Role::Admin, |state| state.topic = "Bees".into()),
        ("avatar", Role::Admin, |state| state.avatar = Some(vec![1; 100])),
        ("timer", Role::Admin, |state| state.timer_s = Some(3600)),
        ("history", Role::Admin, |state| state.history = History::Shared),
        ("speakers", Role::Admin, |state| state.speakers = vec![account(2)]),
        ("approval of newcomers", Role::Admin, |state| {
            state.by_approval = true;
            state.invites.clear();
        }),
        ("retention", Role::Admin, |state| state.retention_s = Some(3600)),
        ("assistants", Role::Admin, |state| state.assistants = vec![assistant(9)]),
        ("permissions", Role::Owner, |state| {
            state.permissions = Permissions { invite: Role::Admin, ..Permissions::default() };
        }),
        ("admins", Role::Owner, |state| state.admins = vec![account(2), account(4)]),
        ("the owner", Role::Owner, |state| state.owner = account(2)),
        ("closing", Role::Owner, |state| {
            state.is_closed = true;
            state.invites.clear();
        }),
    ];
    for (what, least, change) in cases {
        for (leaf, role) in [(OWNER, Role::Owner), (ADMIN, Role::Admin), (MEMBER, Role::Member)] {
            let expected = if role >= *least { Ok(()) } else { Err(Violation::StateChange) };
            world.check(&format!("{what} by {role:?}"), &world.change(leaf, *change), expected);
        }
    }
}

#[test]
fn some_fields_nobody_changes() {
    let world = World::new();
    let cases: &[(&str, Change)] = &[
        ("revocations", |state| state.revoked.clear()),
        ("rules that the committer does not know", |state| state.policy_version = 2),
        ("the decoys", |state| state.decoy_seed = [9; 32].into()),
        ("suspended doors", |state| state.suspended_doors.push([9; 32].into())),
    ];
    for (what, change) in cases {
        world.check(what, &world.change(OWNER, *change), Err(Violation::StateChange));
    }
    let with_proof = Facts { aad: b"x", ..world.commit(OWNER) };
    world.check("authenticated data", &with_proof, Err(Violation::Removal));
}

/// Whose client knows them moves the room, and in the same commit nothing else: so who does not know the new rules can judge the move.
#[test]
fn the_owner_moves_the_room_to_rules_that_its_client_knows() {
    let world = World::new();
    let moves = |leaf, rules, change: Change| {
        let commit = world.change(leaf, change);
        let leaf = RosterEntry { rules, ..world.roster.get(leaf).unwrap().clone() };
        Facts { leaf: Some(Ok(leaf)), ..commit }
    };
    let to: Change = |state| state.policy_version = 2;
    world.check("the owner", &moves(OWNER, 2, to), Ok(()));
    world.check("whose client knows later ones", &moves(OWNER, 3, to), Ok(()));
    let refused = Err(Violation::StateChange);
    world.check("whose client does not know them", &moves(OWNER, 1, to), refused);
    world.check("an admin", &moves(ADMIN, 2, to), refused);
    world.check("a member", &moves(MEMBER, 2, to), refused);
    let more: Change = |state| (state.policy_version, state.name) = (2, "Meadow".into());
    world.check("and another name", &moves(OWNER, 2, more), refused);
    let mut moved = World::new();
    moved.state.policy_version = 2;
    let back =
        Facts { leaf: moves(OWNER, 2, to).leaf, ..moved.change(OWNER, |state| state.policy_version = 1) };
    moved.check("back", &back, refused);
    moved.check("who does not know them commits", &moved.commit(MEMBER), Err(Violation::InvalidLeaf));
}

#[test]
fn where_admins_let_newcomers_in_only_they_invite_and_each_by_name() {
    let mut world = World::new();
    world.state.by_approval = true;
    world.state.invites.clear();
    let for_one = |inviter| invite(101, inviter, Some(1)).bound_to(account(7));
    let opens = |leaf, invite: Invite| world.change(leaf, |state| state.invites.push(invite));
    world.check("an admin, for one", &opens(ADMIN, for_one(4)), Ok(()));
    world.check("an admin, for anyone", &opens(ADMIN, invite(101, 4, None)), Err(Violation::InvalidState));
    world.check("a member, for one", &opens(MEMBER, for_one(2)), Err(Violation::StateChange));
}

#[test]
fn a_state_that_is_not_well_formed_is_refused() {
    let world = World::new();
    let cases: &[(&str, Change)] = &[
        ("no rules", |state| state.policy_version = 0),
        ("an empty name", |state| state.name = String::new()),
        ("a name over the limit", |state| state.name = "x".repeat(257)),
        ("a topic over the limit", |state| state.topic = "x".repeat(1025)),
        ("a topic that cannot be shown", |state| state.topic = "a\u{202e}b".into()),
        ("a picture over the limit", |state| state.avatar = Some(vec![0; 513])),
        ("a timer too short", |state| state.timer_s = Some(59)),
        ("a timer too long", |state| state.timer_s = Some(u32::MAX)),
        ("history of what vanishes", |state| {
            state.timer_s = Some(3600);
            state.history = History::Shared;
        }),
        ("admins out of order", |state| state.admins = vec![account(4), account(2)]),
        ("an admin twice", |state| state.admins = vec![account(4), account(4)]),
        ("the owner as admin", |state| state.admins = vec![account(1), account(4)]),
        ("too many invites", |state| (101..118).for_each(|n| state.invites.push(invite(n, 1, None)))),
        ("the same invite twice", |state| state.invites.push(state.invites[0].clone())),
        ("an invite with a weak key", |state| {
            state.invites.push(Invite { wrap_key: vec![0; 1216], ..invite(101, 1, None) });
        }),
        ("an invite for nobody", |state| state.invites.push(invite(101, 1, Some(0)))),
        ("closed with open invites", |state| state.is_closed = true),
        ("by approval, with an invite for anyone", |state| state.by_approval = true),
        ("speakers out of order", |state| state.speakers = vec![account(4), account(2)]),
        ("a speaker twice", |state| state.speakers = vec![account(4), account(4)]),
        ("too many speakers", |state| state.speakers = (0..65).map(account).collect()),
        ("a retention too short", |state| state.retention_s = Some(59)),
        ("a retention too long", |state| state.retention_s = Some(u64::MAX)),
        ("assistants out of order", |state| state.assistants = vec![assistant(9), assistant(8)]),
        ("an assistant twice", |state| state.assistants = vec![assistant(9), assistant(9)]),
        ("too many assistants", |state| state.assistants = (0..9).map(assistant).collect()),
        ("an assistant without an operator", |state| {
            state.assistants = vec![Assistant { operator: String::new(), ..assistant(9) }];
        }),
        ("an assistant of a model that cannot be shown", |state| {
            state.assistants = vec![Assistant { model: "a\u{202e}b".into(), ..assistant(9) }];
        }),
    ];
    for (what, change) in cases {
        world.check(what, &world.change(OWNER, *change), Err(Violation::InvalidState));
    }
    let malformed = Err(CryptoError::Malformed("room state"));
    let malformed = Facts { new_state: Some(malformed), ..world.commit(OWNER) };
    world.check("malformed bytes", &malformed, Err(Violation::InvalidState));
}

#[test]
fn invites_are_opened_in_ones_own_name_and_closed_by_those_who_may() {
    let mut world = World::new();
    let opens = |leaf, change: Change| world.change(leaf, change);
    world.check("a member invites", &opens(MEMBER, |s| s.invites.push(invite(101, 2, None))), Ok(()));
    let anothers = opens(MEMBER, |s| s.invites.push(invite(101, 1, None)));
    world.check("in another's name", &anothers, Err(Violation::StateChange));
    let spent = opens(MEMBER, |s| s.invites.push(Invite { spent: 1, ..invite(101, 2, None) }));
    world.check("spent before it is used", &spent, Err(Violation::StateChange));
    let door = opens(MEMBER, |s| {
        s.invites.push(Invite { id: device(3, None).door, ..invite(101, 2, None) });
    });
    world.check("on an account's door", &door, Err(Violation::InvalidState));
    let widened = opens(OWNER, |s| s.invites[0].max_uses = None);
    world.check("widened", &widened, Err(Violation::StateChange));
    world.check("the inviter closes", &opens(OWNER, |s| s.invites.clear()), Ok(()));
    world.check("an admin closes", &opens(ADMIN, |s| s.invites.clear()), Ok(()));
    world.check("another closes", &opens(MEMBER, |s| s.invites.clear()), Err(Violation::StateChange));

    world.state.invites[0].expires_at_ms = Some(1);
    world.check("anyone closes what expires", &world.change(MEMBER, |s| s.invites.clear()), Ok(()));
    world.state.permissions.invite = Role::Admin;
    let refused = world.change(MEMBER, |s| s.invites.push(invite(101, 2, None)));
    world.check("where only admins invite", &refused, Err(Violation::StateChange));
    world.check("an admin may", &world.change(ADMIN, |s| s.invites.push(invite(101, 4, None))), Ok(()));
}

#[test]
fn anyone_closes_an_invite_that_is_used_up() {
    let mut world = World::new();
    let closes = |world: &World| world.change(MEMBER, |s| s.invites.clear());
    // Persons 2 and 3 came in by it, with three devices.
    for (max_uses, spent, expected) in [
        (None, 9, Err(Violation::StateChange)),
        (Some(3), 0, Err(Violation::StateChange)),
        (Some(3), 1, Ok(())),
        (Some(2), 0, Ok(())),
        (Some(1), u32::MAX, Ok(())),
    ] {
        (world.state.invites[0].max_uses, world.state.invites[0].spent) = (max_uses, spent);
        world.check(&format!("{max_uses:?}, {spent}"), &closes(&world), expected);
    }
}

#[test]
fn no_member_takes_all_places_for_invites() {
    let refused = Err(Violation::StateChange);
    let cases = [
        ("a member's fourth", MEMBER, 3, 1, Ok(())),
        ("a member's fifth", MEMBER, 4, 1, refused),
        ("two at once beyond", MEMBER, 3, 2, refused),
        ("an admin's thirteenth", ADMIN, 13, 1, Ok(())),
        ("an admin's fourteenth of all", ADMIN, 14, 1, refused),
        ("the owner's fifteenth", OWNER, 15, 1, Ok(())),
    ];
    for (what, leaf, own, more, expected) in cases {
        let mut world = World::new();
        world.state.invites.clear();
        let number = [(OWNER, 1), (MEMBER, 2), (ADMIN, 4)].into_iter().find(|(of, _)| *of == leaf).unwrap().1;
        world.state.invites.extend((0..own).map(|n| invite(101 + n, number, None)));
        let opens =
            world.change(leaf, |s| s.invites.extend((0..more).map(|n| invite(201 + n, number, None))));
        world.check(what, &opens, expected);
    }
    // Places for those of a higher role are left by all others.
    let mut world = World::new();
    world.state.invites = (0..11).map(|n| invite(101 + n, 3, None)).collect();
    world.check("the twelfth", &world.change(MEMBER, |s| s.invites.push(invite(201, 2, None))), Ok(()));
    world.state.invites.push(invite(112, 3, None));
    world.check("the thirteenth", &world.change(MEMBER, |s| s.invites.push(invite(201, 2, None))), refused);
    world.check("by an admin", &world.change(ADMIN, |s| s.invites.push(invite(201, 4, None))), Ok(()));
    world.state.invites.extend((0..2).map(|n| invite(121 + n, 4, None)));
    world.check("the fifteenth", &world.change(ADMIN, |s| s.invites.push(invite(201, 4, None))), refused);
    world.check("by the owner", &world.change(OWNER, |s| s.invites.push(invite(201, 1, None))), Ok(()));
    // Who has more than they may, having been an admin, still closes them and changes what they may.
    world.state.admins.clear();
    world.state.invites = (0..14).map(|n| invite(101 + n, 4, None)).collect();
    world.check("closing one of many", &world.change(ADMIN, |s| drop(s.invites.pop())), Ok(()));
}

#[test]
fn roles_are_given_to_those_who_are_there_and_a_room_is_never_without_anyone_to_care_for_it() {
    let mut world = World::new();
    let absent = world.change(OWNER, |s| s.admins = vec![account(4), account(50)]);
    world.check("an admin who is not there", &absent, Err(Violation::StateChange));
    let absent = world.change(OWNER, |s| s.owner = account(50));
    world.check("an owner who is not there", &absent, Err(Violation::StateChange));
    world.check("an admin lays the role down", &world.change(ADMIN, |s| s.admins.clear()), Ok(()));
    let grab = |s: &mut RoomState| {
        s.owner = account(4);
        s.admins.clear();
    };
    world.check("an admin takes over from an owner", &world.change(ADMIN, grab), Err(Violation::StateChange));
    let member_grabs = |s: &mut RoomState| s.owner = account(2);

    let without_owner = world.roster.iter().filter(|(leaf, _)| *leaf != OWNER);
    world.roster = Roster::from_entries(without_owner.map(|(leaf, entry)| (leaf, entry.clone())));
    world.check("an admin takes over", &world.change(ADMIN, grab), Ok(()));
    world.check(
        "a member, beside an admin",
        &world.change(MEMBER, member_grabs),
        Err(Violation::StateChange),
    );
    world.state.admins.clear();
    world.check("a member, where nobody else may", &world.change(MEMBER, member_grabs), Ok(()));
    let for_another = world.change(MEMBER, |s| s.owner = account(3));
    world.check("for another", &for_another, Err(Violation::StateChange));
}

#[test]
fn of_a_closed_room_only_the_owner_changes_only_that() {
    let mut world = World::new();
    world.state.is_closed = true;
    world.state.invites.clear();
    world.check("new keys", &world.commit(MEMBER), Ok(()));
    world.check("the owner reopens", &world.change(OWNER, |s| s.is_closed = false), Ok(()));
    world.check(
        "an admin reopens",
        &world.change(ADMIN, |s| s.is_closed = false),
        Err(Violation::RoomClosed),
    );
    world.check("renaming", &world.change(OWNER, |s| s.name = "New".into()), Err(Violation::RoomClosed));
}
