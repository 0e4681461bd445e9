//! Who may come in.

use super::*;
use crate::room::RosterChange;
use sotto_protocol::DoorId;

/// Somebody who comes in with the commit that leaves the world's epoch.
fn newcomer(number: u8) -> RosterEntry {
    RosterEntry { joined: EPOCH + 1, ..device(number, World::via()) }
}

pub(super) fn join(leaf: RosterEntry, aad: &'static [u8]) -> Facts<'static> {
    Facts {
        kind: EntryKind::Join,
        member: None,
        leaf: Some(Ok(leaf)),
        has_foreign_proposal: false,
        removed: Vec::new(),
        new_state: None,
        past: PAST,
        aad,
        reason: None,
    }
}

/// Who comes in by the world's invite as it may.
pub(super) fn by_the_invite() -> (RosterEntry, &'static [u8]) {
    let leaf = newcomer(5);
    let aad = proof(&leaf, &secret(100), EPOCH);
    (leaf, aad)
}

fn by_account(door: DoorId) -> &'static [u8] {
    Vec::leak(sotto_protocol::encode(&JoinProof::Account(door)))
}

#[test]
fn by_an_invite_come_those_whom_it_signed() {
    let world = World::new();
    let dee = newcomer(5);
    let aad = proof(&dee, &secret(100), EPOCH);
    world.check("with the invite's proof", &join(dee.clone(), aad), Ok(()));
    world.check("without proof", &join(dee.clone(), b""), Err(Violation::JoinProof));
    let earlier = proof(&dee, &secret(100), EPOCH - 1);
    world.check("of another epoch", &join(dee.clone(), earlier), Err(Violation::JoinProof));
    let anothers = proof(&newcomer(6), &secret(100), EPOCH);
    world.check("another's proof", &join(dee.clone(), anothers), Err(Violation::JoinProof));
    let closed = RosterEntry { via: Some(link::invite_door(&secret(101)).unwrap()), ..newcomer(5) };
    let no_such = proof(&closed, &secret(101), EPOCH);
    world.check("by a closed invite", &join(closed, no_such), Err(Violation::InviteNotOpen));
    let unmarked = RosterEntry { via: None, ..newcomer(5) };
    let proof_of_unmarked = proof(&unmarked, &secret(100), EPOCH);
    world.check("without saying how", &join(unmarked, proof_of_unmarked), Err(Violation::InviteNotOpen));
    let changes = Facts { new_state: Some(Ok(world.state.clone())), ..join(dee.clone(), aad) };
    world.check("with a new state", &changes, Err(Violation::StateChange));
    let late = RosterEntry { joined: EPOCH, ..newcomer(5) };
    let proof_of_late = proof(&late, &secret(100), EPOCH);
    world.check("claiming to be here longer", &join(late, proof_of_late), Err(Violation::InvalidLeaf));
    let old = RosterEntry { updated: EPOCH, ..newcomer(5) };
    let proof_of_old = proof(&old, &secret(100), EPOCH);
    world.check("with a leaf of before", &join(old, proof_of_old), Err(Violation::InvalidLeaf));
    let revoked = RosterEntry { device_key: [66; 32], ..newcomer(5) };
    let proof_of_revoked = proof(&revoked, &secret(100), EPOCH);
    world.check("a revoked device", &join(revoked, proof_of_revoked), Err(Violation::DeviceRevoked));
    let padded: &[u8] = Vec::leak([&[0x9f], &aad[1..], &[0xff]].concat());
    world.check("written in another way", &join(dee, padded), Err(Violation::JoinProof));
}

#[test]
fn an_account_that_is_here_does_not_come_in_by_an_invite() {
    let world = World::new();
    let second = RosterEntry { device_key: [22; 32], ..newcomer(2) };
    let aad = proof(&second, &secret(100), EPOCH);
    world.check("a second device", &join(second, aad), Err(Violation::AccountPresent));
    let again = newcomer(2);
    let aad = proof(&again, &secret(100), EPOCH);
    world.check("beside the old leaf", &join(again.clone(), aad), Err(Violation::Removal));
    world.check("in its place", &Facts { removed: vec![1], ..join(again.clone(), aad) }, Ok(()));
    let anothers = Facts { removed: vec![0], ..join(newcomer(5), proof(&newcomer(5), &secret(100), EPOCH)) };
    world.check("in another's place", &anothers, Err(Violation::Removal));
    let two = Facts { removed: vec![1, 2], ..join(again, aad) };
    world.check("in two places", &two, Err(Violation::Removal));
}

#[test]
fn an_invite_is_for_as_many_and_for_whom_it_says() {
    let mut world = World::new();
    let dee = join(newcomer(5), proof(&newcomer(5), &secret(100), EPOCH));
    world.check("two of three uses", &dee, Ok(()));
    world.state.invites[0].spent = 1;
    world.check("used up by one who left", &dee, Err(Violation::InviteUsedUp));
    let again = newcomer(2);
    let again = Facts { removed: vec![1], ..join(again.clone(), proof(&again, &secret(100), EPOCH)) };
    world.check("coming back is no new use", &again, Ok(()));
    world.state.invites[0].spent = 0;
    world.state.invites[0].for_account = Some(account(5));
    world.check("for this account", &dee, Ok(()));
    world.state.invites[0].for_account = Some(account(6));
    world.check("for another", &dee, Err(Violation::InviteForAnother));
}

#[test]
fn by_an_accounts_door_comes_its_next_device() {
    let mut world = World::new();
    let door = device(3, None).door;
    let third = RosterEntry { device_key: [33; 32], ..newcomer(3) };
    world.check("the next device", &join(third.clone(), by_account(door)), Ok(()));
    let anothers = RosterEntry { device_key: [33; 32], ..newcomer(2) };
    world.check("by another's door", &join(anothers, by_account(door)), Err(Violation::AccountDoor));
    world.check(
        "an account that is not here",
        &join(newcomer(5), by_account(door)),
        Err(Violation::AccountDoor),
    );
    let other_way = RosterEntry { via: None, ..third.clone() };
    world.check("with another way in", &join(other_way, by_account(door)), Err(Violation::AccountDoor));
    let no_door = join(third.clone(), by_account(DoorId::new([99; 16])));
    world.check("by no door", &no_door, Err(Violation::AccountDoor));
    let two_keys = RosterEntry { door_key_hash: [1; 32], ..third.clone() };
    world.check("one door with two keys", &join(two_keys, by_account(door)), Err(Violation::DoorTaken));
    let healed = Facts { removed: vec![2], ..join(newcomer(3), by_account(door)) };
    world.check("a device that comes back", &healed, Ok(()));
    let revoked = RosterEntry { device_key: [66; 32], ..newcomer(3) };
    world.check("a removed device", &join(revoked, by_account(door)), Err(Violation::DeviceRevoked));

    let is_open = world.state.clone();
    world.state.is_closed = true;
    world.state.invites.clear();
    world.check("into a closed room", &join(third.clone(), by_account(door)), Ok(()));
    let dee = join(newcomer(5), proof(&newcomer(5), &secret(100), EPOCH));
    world.check("a newcomer into a closed room", &dee, Err(Violation::RoomClosed));
    world.state = is_open;
    world.state.suspended_doors = vec![suspension_hash(&device(3, None)).into()];
    world.check("a suspended door", &join(third, by_account(door)), Err(Violation::AccountDoor));
}

#[test]
fn the_next_device_has_the_accounts_latest_certificate() {
    let mut world = World::new();
    let door = device(3, None).door;
    let at = |generation, hash: u8| RosterEntry {
        generation,
        recovery_key_hash: Some([hash; 32]),
        ..device(3, World::via())
    };
    world.roster.apply(&RosterChange([(2, Some(at(2, 2))), (3, None)].into()));
    let next = |entry: RosterEntry| {
        join(RosterEntry { device_key: [33; 32], joined: EPOCH + 1, ..entry }, by_account(door))
    };
    world.check("the latest", &next(at(2, 2)), Ok(()));
    world.check("a later one", &next(at(3, 3)), Ok(()));
    world.check("an earlier one", &next(at(1, 1)), Err(Violation::Generation));
    world.check("another of the same generation", &next(at(2, 9)), Err(Violation::Generation));
}

#[test]
fn accounts_and_rooms_have_a_limit() {
    let mut world = World::new();
    let door = device(3, None).door;
    let next = join(RosterEntry { device_key: [33; 32], ..newcomer(3) }, by_account(door));
    for number in 0..13 {
        let entry = RosterEntry { device_key: [200 + number; 32], ..device(3, World::via()) };
        world.roster.apply(&RosterChange([(50 + u32::from(number), Some(entry))].into()));
    }
    world.check("the sixteenth device", &next, Ok(()));
    let entry = RosterEntry { device_key: [250; 32], ..device(3, World::via()) };
    world.roster.apply(&RosterChange([(70, Some(entry))].into()));
    world.check("the seventeenth device", &next, Err(Violation::TooManyDevices));

    let mut world = World::new();
    world.state.invites[0].max_uses = None;
    let dee = join(newcomer(5), proof(&newcomer(5), &secret(100), EPOCH));
    let mut fill = |leaf: u32| {
        let mut door_id = [0; 16];
        door_id[..4].copy_from_slice(&leaf.to_be_bytes());
        let mut device_key = [0; 32];
        device_key[..4].copy_from_slice(&leaf.to_be_bytes());
        let account = AccountId::new(door_id);
        let sample = RosterEntry::sample(9, device_key);
        let entry = RosterEntry { account, device_key, door: DoorId::new(door_id), ..sample };
        world.roster.apply(&RosterChange([(leaf, Some(entry))].into()));
    };
    (5..255).for_each(&mut fill);
    world.check("one place left", &dee, Ok(()));
    let mut device_key = [0; 32];
    device_key[0] = 0xff;
    let last = RosterEntry { door: DoorId::new([0xfe; 16]), ..RosterEntry::sample(10, device_key) };
    world.roster.apply(&RosterChange([(255, Some(last))].into()));
    world.check("full", &dee, Err(Violation::RoomFull));
}

/// Moving from one invite to another with the same device would give the first one's use back.
#[test]
fn nobody_moves_from_one_invite_to_another() {
    let mut world = World::new();
    world.state.invites.push(invite(101, 1, None));
    let other = Some(link::invite_door(&secret(101)).unwrap());
    let here = world.roster.get(1).unwrap().clone();
    let again = |via, secret_number| {
        let back = RosterEntry { joined: EPOCH + 1, stay: [9; 16], via, ..here.clone() };
        let aad = proof(&back, &secret(secret_number), EPOCH);
        Facts { removed: vec![1], ..join(back, aad) }
    };
    world.check("by another invite", &again(other, 101), Err(Violation::AccountPresent));
    world.check("by the same one", &again(World::via(), 100), Ok(()));
}

/// A certificate of before a removal does not come in where a later one is known; a device that is in already stays.
#[test]
fn a_joiners_certificate_is_of_the_latest_list_that_the_room_knows() {
    let mut world = World::new();
    let list = |version, hash: u8| Some(DeviceList { version, hash: [hash; 32] });
    let sibling = world.roster.get(2).unwrap().clone();
    let door = sibling.door;
    world.roster.apply(&RosterChange([(2, Some(RosterEntry { devices: list(2, 2), ..sibling }))].into()));
    let comes = |devices, operator| {
        let entry = RosterEntry { device_key: [33; 32], devices, operator, ..newcomer(3) };
        join(entry, by_account(door))
    };
    world.check("with the same list", &comes(list(2, 2), None), Ok(()));
    world.check("with a later one", &comes(list(3, 3), None), Ok(()));
    for (what, devices) in [("none", None), ("an earlier one", list(1, 1)), ("another", list(2, 9))] {
        world.check(what, &comes(devices, None), Err(Violation::DeviceList));
    }
    world.check("as a program", &comes(list(2, 2), Some(account(9))), Err(Violation::LeafChangedHands));
}
