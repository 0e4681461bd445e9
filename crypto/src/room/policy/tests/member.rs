//! What every commit of a member keeps to.

use super::*;
use crate::CryptoError;

#[test]
fn a_members_leaf_stays_the_members() {
    let world = World::new();
    let bob = device(2, World::via());
    let with = |leaf: RosterEntry| Facts { leaf: Some(Ok(leaf)), ..world.commit(1) };
    world.check("new keys", &world.commit(1), Ok(()));
    let renamed = RosterEntry { display_name: "Another name".into(), ..bob.clone() };
    world.check("another display name", &with(renamed), Ok(()));
    world.check("no path", &Facts { leaf: None, ..world.commit(1) }, Err(Violation::NoPath));
    let invalid = Facts { leaf: Some(Err(CryptoError::BadSignature)), ..world.commit(1) };
    world.check("an invalid certificate", &invalid, Err(Violation::InvalidLeaf));
    let foreign = Facts { has_foreign_proposal: true, ..world.commit(0) };
    world.check("a foreign proposal", &foreign, Err(Violation::ProposalKind));
    let lies = Facts { past: Past { last: [8; 32], ..PAST }, ..world.commit(1) };
    world.check("with another time before", &lies, Err(Violation::CommitData));
    let lies = Facts { past: Past { whole: [8; 32], ..PAST }, ..world.commit(1) };
    world.check("with another whole roster before", &lies, Err(Violation::CommitData));
    let absent = Facts { member: Some(9), ..world.commit(1) };
    world.check("a leaf that is not there", &absent, Err(Violation::InvalidLeaf));
    for (what, leaf) in [
        ("another account", RosterEntry { account: account(3), ..bob.clone() }),
        ("another device", RosterEntry { device_key: [9; 32], ..bob.clone() }),
        ("another way in", RosterEntry { via: None, ..bob.clone() }),
        ("another time of coming in", RosterEntry { joined: 8, ..bob.clone() }),
        ("another stay", RosterEntry { stay: [8; 16], ..bob.clone() }),
    ] {
        world.check(what, &with(leaf), Err(Violation::LeafChangedHands));
    }
    let old = RosterEntry { updated: EPOCH, ..bob };
    world.check("a leaf of before", &with(old), Err(Violation::InvalidLeaf));
}

#[test]
fn certificates_only_go_forward() {
    let mut world = World::new();
    let at = |generation, hash: u8| RosterEntry {
        generation,
        recovery_key_hash: Some([hash; 32]),
        ..device(2, World::via())
    };
    let with = |world: &World, leaf: RosterEntry| Facts { leaf: Some(Ok(leaf)), ..world.commit(1) };
    world.check("a guest registers", &with(&world, at(1, 1)), Ok(()));
    world.roster = Roster::from_entries([(0, device(1, None)), (1, at(2, 2))]);
    world.check("the next recovery key", &with(&world, at(3, 3)), Ok(()));
    world.check("the same one", &with(&world, at(2, 2)), Ok(()));
    world.check("an earlier one", &with(&world, at(1, 1)), Err(Violation::Generation));
    world.check("another of the same generation", &with(&world, at(2, 9)), Err(Violation::Generation));
    let guest = RosterEntry { generation: 0, recovery_key_hash: None, ..at(0, 0) };
    world.check("a guest again", &with(&world, guest), Err(Violation::Generation));
    // Another device of the account may be behind, but not disagree.
    let ahead = RosterEntry { device_key: [77; 32], ..at(3, 3) };
    world.roster = Roster::from_entries([(0, device(1, None)), (1, at(2, 2)), (2, ahead)]);
    world.check("behind another device", &with(&world, at(2, 2)), Ok(()));
    world.check("at odds with another device", &with(&world, at(3, 4)), Err(Violation::Generation));
}

#[test]
fn a_door_of_an_account_has_one_key() {
    let world = World::new();
    let bob = device(2, World::via());
    let with = |leaf: RosterEntry| Facts { leaf: Some(Ok(leaf)), ..world.commit(1) };
    let new_door =
        RosterEntry { door: sotto_protocol::DoorId::new([42; 16]), door_key_hash: [42; 32], ..bob };
    world.check("a new door", &with(new_door), Ok(()));
    let two_keys = RosterEntry { door_key_hash: [1; 32], ..device(3, World::via()) };
    let two_keys = Facts { leaf: Some(Ok(two_keys)), ..world.commit(2) };
    world.check("one door with two keys", &two_keys, Err(Violation::DoorTaken));
}

/// The committer's own certificate only goes forward; a sibling's may be later meanwhile, and of one version there is one list.
#[test]
fn a_members_certificate_keeps_to_its_accounts_lists_of_devices() {
    let mut world = World::new();
    let list = |version, hash: u8| Some(DeviceList { version, hash: [hash; 32] });
    let bob = world.roster.get(1).unwrap().clone();
    let commits = |world: &World, devices| {
        let leaf = RosterEntry { devices, ..bob.clone() };
        Facts { leaf: Some(Ok(leaf)), ..world.commit(1) }
    };
    world.check("the first removal", &commits(&world, list(1, 1)), Ok(()));
    let here = RosterEntry { devices: list(2, 2), ..bob.clone() };
    world.roster.apply(&RosterChange([(1, Some(here))].into()));
    world.check("the same list", &commits(&world, list(2, 2)), Ok(()));
    world.check("a later one", &commits(&world, list(3, 3)), Ok(()));
    let refused = Err(Violation::DeviceList);
    world.check("an earlier one", &commits(&world, list(1, 1)), refused);
    world.check("none any more", &commits(&world, None), refused);
    world.check("another of the same version", &commits(&world, list(2, 9)), refused);
    let ahead = RosterEntry { devices: list(5, 5), device_key: [77; 32], ..bob.clone() };
    world.roster.apply(&RosterChange([(9, Some(ahead))].into()));
    world.check("a sibling is ahead", &commits(&world, list(2, 2)), Ok(()));
    world.check("another list than the sibling's", &commits(&world, list(5, 9)), refused);
}

#[test]
fn a_program_stays_one_and_a_person_too() {
    let world = World::new();
    let bob = world.roster.get(1).unwrap().clone();
    let leaf = RosterEntry { operator: Some(account(9)), ..bob };
    let commit = Facts { leaf: Some(Ok(leaf)), ..world.commit(1) };
    world.check("a person becomes a program", &commit, Err(Violation::LeafChangedHands));
}

#[test]
fn only_a_removal_by_role_says_why() {
    let world = World::new();
    let state = |removed: &[u32]| {
        let state =
            super::super::state_after_removal(&world.before(), removed, super::super::Removal::Forced);
        Some(Ok(state))
    };
    let removes = |reason| Facts { removed: vec![1], new_state: state(&[1]), reason, ..world.commit(0) };
    world.check("without a reason", &removes(None), Ok(()));
    world.check("with one", &removes(Some("Spam, three times")), Ok(()));
    let long = "x".repeat(257);
    for bad in ["", " spaces ", "a\u{202e}b", &long] {
        world.check("a reason that cannot be shown", &removes(Some(bad)), Err(Violation::CommitData));
    }
    let idle = Facts { reason: Some("Spam"), ..world.commit(0) };
    world.check("nobody is removed", &idle, Err(Violation::CommitData));
}
