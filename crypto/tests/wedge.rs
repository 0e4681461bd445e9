//! What becomes of a handshake that nobody, or not everybody, can follow; and of what the relay holds wrongly.

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
    room::{Confirm, Flaw, RewindEffect, Room, RoomChange, Suite, confirm_statement},
};
use sotto_protocol::entry_hash;
use support::{Person, change, commit, hear, receive, room_of, same_epoch, say, start};

fn three() -> (Vec<Person>, Vec<Room>, sotto_crypto::room::Handshake, sotto_crypto::link::InviteLink) {
    let people: Vec<_> = ["Ada", "Bob", "Cy"].iter().map(|name| Person::registered(name)).collect();
    let (rooms, held, link) = room_of(Suite::Hybrid, &people.iter().collect::<Vec<_>>());
    (people, rooms, held, link)
}

#[test]
fn a_join_that_nobody_can_follow_is_voided_by_any_member() {
    let (people, mut rooms, _, _) = three();
    // The relay has taken something as a join that does not even open. The members stay where they are.
    let garbage = vec![7; 600];
    assert!(rooms[1].stage(&garbage, &[0; 32]).is_err());
    let (rewind, held) = rooms[1].make_rewind(5, &entry_hash(&garbage), None, start(&rooms[1])).unwrap();
    for room in &mut rooms {
        assert_eq!(room.rewind(&rewind, true), Ok(RewindEffect::Unmoved));
    }
    // The card that goes with it lets people in.
    assert_eq!(rooms[0].audit(&held).unwrap(), []);
    let epoch = rooms[0].epoch();
    let phone = people[0].on_another_device();
    let door = phone.own.door(&rooms[0].id()).unwrap();
    let wrap = &held.doors.iter().find(|candidate| candidate.id == door).unwrap().wrap;
    let request = sotto_crypto::room::AccountJoin {
        room: rooms[0].id(),
        card: &held.card,
        wrap,
        epoch,
        own: &phone.own,
    };
    let joining = request.join().unwrap();
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    same_epoch(&rooms[2], &joining.room);
}

#[test]
fn a_members_garbage_is_voided_by_an_admin_and_by_nobody_else() {
    let (people, mut rooms, _, _) = three();
    let bad = entry_hash(b"garbage");
    let (by_member, _) = rooms[1].make_rewind(5, &bad, None, start(&rooms[1])).unwrap();
    assert!(matches!(rooms[0].rewind(&by_member, false), Err(CryptoError::Forbidden(_))));
    let not_an_admin = people[1].own.admin_key(&rooms[1].id()).unwrap();
    let (by_member, _) = rooms[1].make_rewind(5, &bad, Some(&not_an_admin), start(&rooms[1])).unwrap();
    assert!(matches!(rooms[0].rewind(&by_member, false), Err(CryptoError::Forbidden(_))));
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let (by_owner, _) = rooms[0].make_rewind(5, &bad, Some(&owners), start(&rooms[0])).unwrap();
    for room in &mut rooms {
        assert_eq!(room.rewind(&by_owner, false), Ok(RewindEffect::Unmoved));
    }
}

#[test]
fn a_good_join_is_confirmed_and_an_unconfirmed_one_can_be_undone() {
    let (_, mut rooms, held, link) = three();
    let joining = Person::new("Dee").tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    let hash = entry_hash(&joining.handshake.entry);
    let previous = rooms[0].secrets().unwrap().access_key();
    let (rewind, _) = rooms[2].make_rewind(5, &hash, None, start(&rooms[2])).unwrap();
    for room in &mut rooms[..2] {
        receive(room, &joining.handshake).unwrap();
    }
    let confirm: Confirm = rooms[0].confirm(5, &hash).unwrap().unwrap();
    let statement = confirm_statement(&rooms[0].id(), 5, &hash);
    assert_eq!(confirm.signature, previous.sign(&statement), "by the access key of the epoch before");
    rooms[0].forget_checkpoint();
    assert_eq!(rooms[0].confirm(5, &hash).unwrap(), None);

    // Bob has not confirmed yet, also not after he was stored; he goes back. Ada is past that, and does not believe it.
    let mut bobs = Room::load(rooms[1].id(), rooms[1].device().clone(), &rooms[1].save().unwrap()).unwrap();
    assert_eq!(bobs.rewind(&rewind, true), Ok(RewindEffect::Restored));
    same_epoch(&bobs, &rooms[2]);
    assert!(matches!(rooms[0].rewind(&rewind, true), Err(CryptoError::Forbidden(_))));
    hear(&rooms[2], &say(&bobs, "back where we were")).unwrap();
}

#[test]
fn a_members_commit_leaves_nothing_to_undo() {
    let (people, mut rooms, _, _) = three();
    let bad = entry_hash(b"whatever");
    let (by_member, _) = rooms[2].make_rewind(5, &bad, None, start(&rooms[2])).unwrap();
    let owners = people[0].own.admin_key(&rooms[2].id()).unwrap();
    let (by_owner, _) = rooms[2].make_rewind(5, &bad, Some(&owners), start(&rooms[2])).unwrap();
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    receive(&mut rooms[1], &handshake).unwrap();
    assert!(matches!(rooms[1].rewind(&by_member, true), Err(CryptoError::Forbidden(_))));
    assert_eq!(rooms[1].rewind(&by_owner, false), Ok(RewindEffect::MustReturn), "by its account's door");
    assert!(rooms[2].secrets().is_ok());
}

#[test]
fn a_rewind_of_an_epoch_to_come_is_not_followed() {
    let (_, mut rooms, _, _) = three();
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    let (ahead, _) = rooms[0].make_rewind(6, &[1; 32], None, start(&rooms[0])).unwrap();
    assert!(matches!(rooms[1].rewind(&ahead, true), Err(CryptoError::WrongEpoch { .. })));
    receive(&mut rooms[1], &handshake).unwrap();
    assert_eq!(rooms[1].rewind(&ahead, true), Ok(RewindEffect::Unmoved));
}

#[test]
fn what_the_relay_holds_is_checked_by_everybody_and_repaired_by_anybody() {
    let (_, mut rooms, _, _) = three();
    let handshake = change(&mut rooms, 0, &RoomChange::Rotate);
    let good = handshake.publication();
    let flaws = |held: &sotto_crypto::room::Publication| rooms[1].audit(held).unwrap();
    assert_eq!(flaws(&good), []);
    let mut bad = good.clone();
    bad.card[100] ^= 1;
    assert_eq!(flaws(&bad), [Flaw::Card]);
    let mut bad = good.clone();
    bad.doors[1].wrap[700] ^= 1;
    assert_eq!(flaws(&bad), [Flaw::Doors], "a garbled wrap");
    let mut bad = good.clone();
    bad.doors.pop();
    assert_eq!(flaws(&bad), [Flaw::Doors], "an omitted door");
    let mut bad = good.clone();
    bad.capsule = None;
    assert_eq!(flaws(&bad), [Flaw::Capsule]);
    let mut bad = good.clone();
    bad.capsule_wraps[2].wrap.clone_from(&good.capsule_wraps[1].wrap);
    assert_eq!(flaws(&bad), [Flaw::CapsuleWraps], "a swapped wrap");
    let mut bad = good.clone();
    bad.admin_keys.clear();
    assert_eq!(flaws(&bad), [Flaw::AdminKeys]);
    // Any member makes it again; whoever else looks finds nothing wrong.
    let repaired = rooms[2].republish(start(&rooms[2])).unwrap();
    assert_eq!(flaws(&repaired), []);
    assert_eq!((&repaired.doors, &repaired.capsule_wraps), (&good.doors, &good.capsule_wraps));
    // A card of the epoch before is not this epoch's.
    let next = change(&mut rooms, 1, &RoomChange::Rotate);
    let stale = sotto_crypto::room::Publication { card: good.card, ..next.publication() };
    assert_eq!(rooms[0].audit(&stale).unwrap(), [Flaw::Card]);
}

#[test]
fn each_device_checks_what_is_sealed_to_its_own_account() {
    let (_, mut rooms, _, _) = three();
    let handshake = change(&mut rooms, 0, &RoomChange::Rotate);
    let (door, tag) = (rooms[1].own_door().unwrap(), rooms[1].own_capsule_tag().unwrap());
    let door_wrap = handshake.doors.iter().find(|held| held.id == door).map(|held| held.wrap.as_slice());
    let capsule_wrap =
        handshake.capsule_wraps.iter().find(|held| held.tag == tag).map(|held| held.wrap.as_slice());
    assert_eq!(rooms[1].audit_own(door_wrap, capsule_wrap).unwrap(), []);
    assert_eq!(rooms[1].audit_own(None, capsule_wrap).unwrap(), [Flaw::Doors], "left out");
    let mut garbled = capsule_wrap.unwrap().to_vec();
    garbled[3] ^= 1;
    assert_eq!(rooms[1].audit_own(door_wrap, Some(&garbled)).unwrap(), [Flaw::CapsuleWraps]);
}
