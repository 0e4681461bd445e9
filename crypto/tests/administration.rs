//! Who administers a room at the relay, devices that are retired, and links that are abused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_crypto::{
    CryptoError,
    room::{Flaw, Handshake, RewindEffect, Role, Room, RoomChange, Suite, policy::Violation},
};
use sotto_protocol::{
    DoorId, EntryHeader, Rewind, RewindAuthority, entry_hash, handover_statement, signature,
};
use support::{Person, change, commit, invite, logged, no_log, pass_on, receive, room_of, same_epoch, start};

fn three() -> (Vec<Person>, Vec<Room>, Handshake, sotto_crypto::link::InviteLink) {
    let people: Vec<_> = ["Ada", "Bob", "Cy"].iter().map(|name| Person::registered(name)).collect();
    let (rooms, held, link) = room_of(Suite::Classical, &people.iter().collect::<Vec<_>>());
    (people, rooms, held, link)
}

fn admin_key(person: &Person, room: &Room) -> [u8; 32] {
    person.own.admin_key(&room.id()).unwrap().public()
}

/// What the relay is told, by a key that counted before; it has that list.
fn told(handshake: &mut Handshake, by: &Person, room: &Room, present: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let present: Vec<_> = present.iter().map(|key| (*key).into()).collect();
    handshake.hand_over(&room.id(), &by.own.admin_key(&room.id()).unwrap(), &present).unwrap();
    let told = handshake.handover.as_ref().unwrap();
    let (header, _) = EntryHeader::split(&handshake.entry).unwrap();
    let hash = entry_hash(&handshake.entry);
    let statement = handover_statement(&room.id(), header.epoch, &hash, &told.keys);
    signature::verify(&told.signer, &statement, &told.signature).unwrap();
    assert!(told.is_well_formed() && told.may_follow(&present) && handshake.changes_admins);
    told.keys.iter().map(|key| **key).collect()
}

#[test]
fn the_relay_is_told_with_the_commit_that_changes_who_administers_the_room() {
    let (people, mut rooms, held, _) = three();
    assert!(!held.changes_admins, "who comes in changes nothing");
    let (ada, bob) = (admin_key(&people[0], &rooms[0]), admin_key(&people[1], &rooms[0]));
    assert_eq!(rooms[2].admin_keys().unwrap(), [ada]);
    let mut named = change(&mut rooms, 0, &RoomChange::SetRole(people[1].account(), Role::Admin));
    let both = [ada, bob];
    assert_eq!(told(&mut named, &people[0], &rooms[0], &[ada]), both, "the owner's first");
    assert_eq!(named.admin_keys.iter().map(|key| **key).collect::<Vec<_>>(), both);
    assert_eq!(rooms[2].admin_keys().unwrap(), both);
    assert!(!change(&mut rooms, 1, &RoomChange::Rotate).changes_admins);
    assert!(!change(&mut rooms, 2, &RoomChange::Rotate).changes_admins);
    let removed = change(&mut rooms[..2], 0, &RoomChange::RemoveMember(people[2].account(), None));
    assert!(!removed.changes_admins, "a plain member has no key there");
    let mut left = change(&mut rooms[..2], 1, &RoomChange::SetRole(people[1].account(), Role::Member));
    let after = told(&mut left, &people[1], &rooms[0], &both);
    assert_eq!(after, [ada], "who lays a role down says so, before they leave");
    // Where the relay still has another's key, who is not the owner leaves it there.
    let third = [9; 32];
    let mut kept = [bob, third];
    kept.sort_unstable();
    assert_eq!(told(&mut left, &people[1], &rooms[0], &[&[ada][..], &kept].concat()), [ada, third]);
    assert_eq!(rooms[0].admin_keys().unwrap(), [ada]);
}

/// A removed device knows the room-admin key: the same commit brings another one.
#[test]
fn who_removes_a_device_of_their_own_hands_over_to_a_new_key_at_once() {
    let (people, mut rooms, held, _) = three();
    let stolen = people[0].on_another_device();
    let joining = stolen.returns(rooms[0].id(), &held, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let renewed = people[0].with_new_account_keys();
    let word = rooms[0].sign_device_removal(&people[0].identity, &[stolen.own.device.public()]).unwrap();
    let own = Some(Box::new(renewed.own.clone()));
    let mut removal = change(&mut rooms, 0, &RoomChange::RemoveDevice(word, own));
    let ada = admin_key(&people[0], &rooms[0]);
    assert!(removal.cut);
    assert_eq!(told(&mut removal, &people[0], &rooms[0], &[ada]), [admin_key(&renewed, &rooms[0])]);
    assert_eq!(rooms[2].admin_keys().unwrap(), [admin_key(&renewed, &rooms[0])], "and the old one is gone");
    let held = removal.publication();
    assert_eq!(rooms[2].audit(&held, no_log).unwrap(), []);
    let door = renewed.own.door(&rooms[0].id()).unwrap();
    assert!(held.doors.iter().any(|listed| listed.id == door), "the account comes in by its new door");

    // Without new keys there is nobody to hand over to.
    let (people, mut rooms, held, _) = three();
    let phone = people[0].on_another_device();
    let joining = phone.returns(rooms[0].id(), &held, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let alone = people[0].removes(&rooms[0], &phone);
    assert!(!change(&mut rooms, 0, &alone).changes_admins);
}

#[test]
fn a_retired_device_is_out_and_links_and_doors_stay() {
    let (people, mut rooms, held, link) = three();
    let gone = people[1].on_another_device();
    let joining = gone.returns(rooms[0].id(), &held, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let mut theirs = joining.room;
    let word = rooms[1].sign_device_retirement(&people[1].identity, &[gone.own.device.public()]).unwrap();
    let another = rooms[0].sign_device_retirement(&people[1].identity, &[gone.own.device.public()]);
    assert_eq!(another.err(), Some(CryptoError::BadKey), "only the account itself");
    let before = rooms[0].state().clone();
    let retired = change(&mut rooms, 1, &RoomChange::RetireDevice(word));
    assert!(retired.cut, "what is said from now on is not for it");
    assert!(receive(&mut theirs, &retired).unwrap().is_removed);
    assert_eq!(rooms[0].state().invites, before.invites);
    assert_eq!(rooms[0].state().suspended_doors, before.suspended_doors);
    // The same device does not come back, another one of the account does.
    let again = gone.tries_to_return(rooms[0].id(), &retired, rooms[0].epoch()).unwrap().unwrap_err();
    assert_eq!(again, CryptoError::Forbidden(Violation::DeviceRevoked));
    let next = people[1].on_another_device().returns(rooms[0].id(), &retired, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &next.handshake).unwrap();
    }
    same_epoch(&rooms[2], &next.room);
    let dee = Person::new("Dee");
    dee.tries_to_join(&link, &next.handshake, rooms[0].epoch()).unwrap();
}

/// A link by which garbage comes again and again is closed by the member who voids it.
#[test]
fn an_abused_link_is_closed_with_the_rewind_by_any_member() {
    let (people, mut rooms, _, link) = three();
    let (_, other) = invite(&mut rooms[0], &people[0], None);
    pass_on(&mut rooms, &other, 0);
    let garbage = vec![7; 600];
    let (bad, abused) = (entry_hash(&garbage), link.door().unwrap());
    let unknown = rooms[1].make_rewind_leaving_out(9, &bad, (DoorId::new([9; 16]), None), start(&rooms[1]));
    assert_eq!(unknown.err(), Some(CryptoError::Malformed("invite")));
    let (rewind, held) = rooms[1].make_rewind_leaving_out(9, &bad, (abused, None), start(&rooms[1])).unwrap();
    assert_eq!((rewind.left_out, &rewind.authority), (Some(abused), &RewindAuthority::Access));
    assert!(!held.doors.iter().any(|door| door.id == abused), "its door is closed");
    for room in &mut rooms {
        assert_eq!(room.rewind(&rewind, logged(&rewind, &garbage, true)), Ok(RewindEffect::Unmoved));
        *room = Room::load(room.id(), room.device().clone(), &room.save().unwrap()).unwrap();
        assert_eq!(room.audit(&held, no_log).unwrap(), [], "and that is as it should be");
        assert_eq!(room.audit(&other.publication(), no_log).unwrap(), [Flaw::Doors], "the open door is not");
    }
    // With the card from before it is no way in either, whatever the relay does.
    let joining = Person::new("Eve").tries_to_join(&link, &other, rooms[0].epoch()).unwrap();
    for room in &mut rooms {
        let refused = receive(room, &joining.handshake).err();
        assert_eq!(refused, Some(CryptoError::Forbidden(Violation::InviteNotOpen)));
    }
    // Cy has no role, and the invite is Ada's.
    let closed = change(&mut rooms, 2, &RoomChange::RemoveInvite(abused));
    assert_eq!(rooms[0].state().invites.len(), 1);
    assert_eq!(rooms[0].audit(&closed.publication(), no_log).unwrap(), []);
    let other = rooms[0].state().invites[0].id;
    let chain = start(&rooms[2]);
    let refused = rooms[2].commit(&RoomChange::RemoveInvite(other), chain).err();
    assert_eq!(refused, Some(CryptoError::Forbidden(Violation::StateChange)), "no other, and no later");
}

#[test]
fn a_step_back_moves_nobody() {
    let (people, mut rooms, ..) = three();
    let key = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let epoch = rooms[0].epoch() + 5;
    let (step, nothing) = rooms[0].make_step_back((30, epoch, &[7; 32]), &[8; 32], &key);
    assert_eq!(step.published_hash, nothing.into_published().hash());
    signature::verify(&key.public(), &step.statement(&rooms[0].id()), &step.signature).unwrap();
    let read = Rewind::from_bytes(&step.to_bytes()).unwrap();
    for room in &mut rooms {
        let found = room.epoch();
        let effect = room.rewind(&read, logged(&read, b"garbage", false));
        assert_eq!(effect, Err(CryptoError::WrongEpoch { expected: epoch, found }));
        assert_eq!(room.epoch(), found);
    }
    commit(&mut rooms[0], &RoomChange::Rotate);
}
