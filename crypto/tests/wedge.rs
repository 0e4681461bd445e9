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
    AccessKey, CryptoError, Secret,
    link::InviteLink,
    room::{
        Confirm, Flaw, JoinRequest, Left, RewindEffect, Room, RoomChange, Suite, UndoneJoin, WayIn,
        policy::Violation,
    },
};
use sotto_protocol::{EntryKind, Rewind, confirm_statement, entry_hash};
use support::{Person, change, commit, hear, logged, no_log, receive, room_of, same_epoch, say, start};

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
    assert!(rooms[1].stage(EntryKind::Handshake, &garbage, &[0; 32]).is_err());
    let (rewind, held) = rooms[1].make_rewind(5, &entry_hash(&garbage), None, start(&rooms[1])).unwrap();
    for room in &mut rooms {
        assert_eq!(room.rewind(&rewind, logged(&rewind, &garbage, true)), Ok(RewindEffect::Unmoved));
    }
    // The card that goes with it lets people in.
    assert_eq!(rooms[0].audit(&held, no_log).unwrap(), []);
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
    assert!(matches!(
        rooms[0].rewind(&by_member, logged(&by_member, b"garbage", false)),
        Err(CryptoError::Forbidden(_))
    ));
    let not_an_admin = people[1].own.admin_key(&rooms[1].id()).unwrap();
    let (by_member, _) = rooms[1].make_rewind(5, &bad, Some(&not_an_admin), start(&rooms[1])).unwrap();
    assert!(matches!(
        rooms[0].rewind(&by_member, logged(&by_member, b"garbage", false)),
        Err(CryptoError::Forbidden(_))
    ));
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let (by_owner, _) = rooms[0].make_rewind(5, &bad, Some(&owners), start(&rooms[0])).unwrap();
    for room in &mut rooms {
        assert_eq!(room.rewind(&by_owner, logged(&by_owner, b"garbage", false)), Ok(RewindEffect::Unmoved));
    }
}

#[test]
fn a_good_join_is_confirmed_and_an_unconfirmed_one_can_be_undone() {
    let (_, mut rooms, held, link) = three();
    let joining = Person::new("Dee").tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    let entry = joining.handshake.entry.clone();
    let hash = entry_hash(&entry);
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
    assert_eq!(bobs.rewind(&rewind, logged(&rewind, &entry, true)), Ok(RewindEffect::Restored));
    same_epoch(&bobs, &rooms[2]);
    assert!(matches!(
        rooms[0].rewind(&rewind, logged(&rewind, &entry, true)),
        Err(CryptoError::Forbidden(_))
    ));
    hear(&rooms[2], &say(&bobs, "back where we were")).unwrap();
}

#[test]
fn a_members_commit_leaves_nothing_to_undo() {
    let (people, mut rooms, _, _) = three();
    let bad = entry_hash(b"garbage");
    let (by_member, _) = rooms[2].make_rewind(5, &bad, None, start(&rooms[2])).unwrap();
    let owners = people[0].own.admin_key(&rooms[2].id()).unwrap();
    let (by_owner, _) = rooms[2].make_rewind(5, &bad, Some(&owners), start(&rooms[2])).unwrap();
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    receive(&mut rooms[1], &handshake).unwrap();
    assert!(matches!(
        rooms[1].rewind(&by_member, logged(&by_member, b"garbage", true)),
        Err(CryptoError::Forbidden(_))
    ));
    let refused = rooms[1].rewind(&by_owner, logged(&by_owner, b"garbage", false));
    assert_eq!(refused, Err(CryptoError::Forbidden(Violation::Rewind)), "nor by an admin");
    assert!(rooms[2].secrets().is_ok());
}

#[test]
fn a_rewind_of_an_epoch_to_come_is_not_followed() {
    let (_, mut rooms, _, _) = three();
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    let (ahead, _) = rooms[0].make_rewind(6, &entry_hash(b"garbage"), None, start(&rooms[0])).unwrap();
    assert!(matches!(
        rooms[1].rewind(&ahead, logged(&ahead, b"garbage", true)),
        Err(CryptoError::WrongEpoch { .. })
    ));
    receive(&mut rooms[1], &handshake).unwrap();
    assert_eq!(rooms[1].rewind(&ahead, logged(&ahead, b"garbage", true)), Ok(RewindEffect::Unmoved));
}

#[test]
fn what_the_relay_holds_is_checked_by_everybody_and_repaired_by_anybody() {
    let (_, mut rooms, _, _) = three();
    let handshake = change(&mut rooms, 0, &RoomChange::Rotate);
    let good = handshake.publication();
    let flaws = |held: &sotto_crypto::room::Publication| rooms[1].audit(held, no_log).unwrap();
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
    assert_eq!(rooms[0].audit(&stale, no_log).unwrap(), [Flaw::Card]);
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

#[test]
fn a_rewind_of_another_handshake_than_the_log_has_is_refused() {
    let (people, mut rooms, _, _) = three();
    let bad = entry_hash(b"garbage");
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    for admin in [None, Some(&owners)] {
        let (rewind, _) = rooms[0].make_rewind(5, &bad, admin, start(&rooms[0])).unwrap();
        let log = Left { seq: 5, entry: b"garbage".to_vec(), kind: EntryKind::Join };
        let others = [
            ("nothing, or what is voided already", None),
            ("another place", Some(Left { seq: 6, ..log.clone() })),
            ("another entry", Some(Left { entry: vec![1; 32], ..log.clone() })),
        ];
        for (what, left) in others {
            let refused = rooms[1].rewind(&rewind, |_| left);
            assert_eq!(refused, Err(CryptoError::Forbidden(Violation::Rewind)), "{what}");
        }
        let followed = rooms[1].rewind(&rewind, |epoch| (epoch == rewind.epoch).then(|| log.clone()));
        assert_eq!(followed, Ok(RewindEffect::Unmoved));
    }
}

#[test]
fn a_rewind_to_another_access_key_than_the_epochs_is_refused() {
    let (people, mut rooms, _, _) = three();
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let bad = entry_hash(b"garbage");
    let (mut rewind, _) = rooms[0].make_rewind(5, &bad, Some(&owners), start(&rooms[0])).unwrap();
    rewind.access_key = [7; 32];
    rewind.signature = owners.sign(&rewind.statement(&rooms[0].id()));
    let refused = rooms[1].rewind(&rewind, logged(&rewind, b"garbage", false));
    assert_eq!(refused, Err(CryptoError::Forbidden(Violation::Rewind)));
}

/// Dee comes in, by a handshake that Cy does not follow.
fn an_undone_join() -> (Person, Vec<Room>, Room, Rewind, sotto_crypto::room::Publication, InviteLink, Vec<u8>)
{
    let (_, mut rooms, held, link) = three();
    let dee = Person::new("Dee");
    let joining = dee.tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    let entry = joining.handshake.entry.clone();
    let hash = entry_hash(&entry);
    let (rewind, held) = rooms[2].make_rewind(5, &hash, None, start(&rooms[2])).unwrap();
    for room in &mut rooms[..2] {
        receive(room, &joining.handshake).unwrap();
    }
    (dee, rooms, joining.room, rewind, held, link, entry)
}

#[test]
fn a_joiner_whose_join_is_undone_is_told_so_and_comes_in_again_by_the_same_link() {
    let (dee, mut rooms, room, rewind, held, link, entry) = an_undone_join();
    let mut dees = Room::load(room.id(), room.device().clone(), &room.save().unwrap()).unwrap();
    // Her own commits do not show that anybody has followed her.
    commit(&mut dees, &RoomChange::Rotate);
    let effect = dees.rewind(&rewind, logged(&rewind, &entry, true)).unwrap();
    let RewindEffect::JoinUndone(UndoneJoin { way: WayIn::Link(way), known: Some(known) }) = effect else {
        panic!("{effect:?}")
    };
    assert_eq!(*way, link);
    for room in &mut rooms {
        room.rewind(&rewind, logged(&rewind, &entry, true)).unwrap();
    }
    let wrap = &held.doors.iter().find(|held| held.id == way.door().unwrap()).unwrap().wrap;
    let epoch = rewind.epoch;
    let again = JoinRequest { link: &way, card: &held.card, wrap, epoch, own: &dee.own };
    let again = again.join_again(&known).unwrap();
    for room in &mut rooms {
        receive(room, &again.handshake).unwrap();
        same_epoch(room, &again.room);
    }
}

#[test]
fn a_device_whose_return_is_undone_comes_in_again_by_its_accounts_door() {
    let (people, rooms, held, _) = three();
    let returned = people[1].returns(rooms[0].id(), &held, rooms[0].epoch());
    let entry = returned.handshake.entry.clone();
    let hash = entry_hash(&entry);
    let (rewind, _) = rooms[2].make_rewind(5, &hash, None, start(&rooms[2])).unwrap();
    let mut bobs = returned.room;
    let effect = bobs.rewind(&rewind, logged(&rewind, &entry, true));
    assert!(
        matches!(&effect, Ok(RewindEffect::JoinUndone(UndoneJoin { way: WayIn::AccountDoor, .. }))),
        "{effect:?}"
    );
}

#[test]
fn nobody_outside_the_epoch_before_throws_a_joiner_out() {
    let (_, mut rooms, mut dees, rewind, _, _, entry) = an_undone_join();
    let forbidden = Err(CryptoError::Forbidden(Violation::Rewind));
    // By the access key of another epoch: Dee's own, or one that a stranger made up and names in the rewind.
    let stranger = AccessKey::from_seed(&Secret::new([9; 32]));
    for key in [&stranger, &dees.secrets().unwrap().access_key()] {
        for named in [rewind.access_key, key.public()] {
            let mut forged = Rewind { access_key: named, ..rewind.clone() };
            forged.signature = key.sign(&forged.statement(&dees.id()));
            assert_eq!(dees.rewind(&forged, logged(&forged, &entry, true)), forbidden);
        }
    }
    // A true one, of another handshake.
    let other = Left { seq: rewind.bad_seq, entry: vec![1; 32], kind: EntryKind::Join };
    assert_eq!(dees.rewind(&rewind, |_| Some(other)), forbidden);
    // Once a member who was there before has followed her, or confirmed her join, an access key does not undo it any more.
    let mut confirmed = Room::load(dees.id(), dees.device().clone(), &dees.save().unwrap()).unwrap();
    confirmed.forget_checkpoint();
    assert_eq!(confirmed.rewind(&rewind, logged(&rewind, &entry, true)), forbidden);
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    receive(&mut dees, &handshake).unwrap();
    assert_eq!(dees.rewind(&rewind, logged(&rewind, &entry, true)), forbidden);
}

/// What a member has followed nobody undoes: not the owner, who would choose then what the room is by the card.
#[test]
fn nobody_undoes_what_others_have_followed() {
    let (people, mut rooms, held, link) = three();
    let joining = Person::new("Dee").tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    let entry = joining.handshake.entry.clone();
    let hash = entry_hash(&entry);
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let (rewind, _) = rooms[0].make_rewind(5, &hash, Some(&owners), start(&rooms[0])).unwrap();
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let handshake = commit(&mut rooms[1], &RoomChange::Rotate);
    let mut dees = joining.room;
    receive(&mut dees, &handshake).unwrap();
    for room in [&mut dees, &mut rooms[1]] {
        let refused = room.rewind(&rewind, logged(&rewind, &entry, true));
        assert_eq!(refused, Err(CryptoError::Forbidden(Violation::Rewind)));
    }
}

#[test]
fn whoever_goes_back_has_nothing_pending() {
    let (_, mut rooms, held, link) = three();
    let joining = Person::new("Dee").tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    let entry = joining.handshake.entry.clone();
    let hash = entry_hash(&entry);
    let (rewind, _) = rooms[2].make_rewind(5, &hash, None, start(&rooms[2])).unwrap();
    // A commit of Bob's lost the race against the join.
    let chain = start(&rooms[1]);
    rooms[1].commit(&RoomChange::Rotate, chain).unwrap();
    receive(&mut rooms[1], &joining.handshake).unwrap();
    assert_eq!(rooms[1].rewind(&rewind, logged(&rewind, &entry, true)), Ok(RewindEffect::Restored));
    assert!(!rooms[1].has_pending_commit());
    let handshake = commit(&mut rooms[1], &RoomChange::Rotate);
    receive(&mut rooms[2], &handshake).unwrap();
    same_epoch(&rooms[1], &rooms[2]);
}
