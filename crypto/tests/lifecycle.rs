//! A room's life: next devices, healing, removal, leaving, roles, closing, registering.

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
    link::InviteSecret,
    room::{
        History, Invite, LeaveScope, LeaveStatement, Permissions, Role, RoomChange, Suite, policy::Violation,
    },
};
use support::{Person, change, commit, hear, invite, pass_on, receive, room_of, same_epoch, say, start};

const HYBRID: Suite = Suite::Hybrid;

fn forbidden<T>(result: Result<T, CryptoError>) -> Option<Violation> {
    match result {
        Err(CryptoError::Forbidden(violation)) => Some(violation),
        _ => None,
    }
}

#[test]
fn an_accounts_next_device_comes_in_by_its_own_door() {
    for suite in [Suite::Hybrid, Suite::Classical] {
        let (ada, bob) = (Person::registered("Ada"), Person::new("Bob"));
        let (mut rooms, held, _) = room_of(suite, &[&ada, &bob]);
        let phone = ada.on_another_device();
        let joining = phone.returns(rooms[0].id(), &held, rooms[0].epoch());
        for room in &mut rooms {
            let transition = receive(room, &joining.handshake).unwrap();
            assert!(transition.is_return && !transition.is_join, "nobody new came in");
        }
        same_epoch(&rooms[0], &joining.room);
        let heard = hear(&rooms[1], &say(&joining.room, "from my phone")).unwrap();
        assert_eq!(heard.sender.account, ada.account());
        // With the same keys somebody else's device has another door, which is not there.
        let mut thief = Person::new("Thief");
        (thief.own.vault_key, thief.own.door_key) = (ada.own.vault_key.clone(), ada.own.door_key.clone());
        assert!(thief.tries_to_return(rooms[0].id(), &joining.handshake, rooms[0].epoch()).is_none());
    }
}

#[test]
fn a_device_that_lost_its_way_heals_by_its_accounts_door() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(HYBRID, &[&ada, &bob]);
    let stale = rooms.pop().unwrap();
    let held = commit(&mut rooms[0], &RoomChange::Rotate);
    let joining = bob.returns(stale.id(), &held, rooms[0].epoch());
    let transition = receive(&mut rooms[0], &joining.handshake).unwrap();
    assert!(transition.is_return);
    assert!(transition.removed.is_empty(), "the device is still here");
    assert_eq!(rooms[0].roster().device_count(), 2);
    same_epoch(&rooms[0], &joining.room);
}

#[test]
fn a_removed_member_is_out_with_all_devices_and_finds_no_way_back() {
    let (ada, bob, cy) = (Person::registered("Ada"), Person::registered("Bob"), Person::new("Cy"));
    let (mut rooms, held, link) = room_of(HYBRID, &[&ada, &bob, &cy]);
    let laptop = bob.on_another_device();
    let joining = laptop.returns(rooms[0].id(), &held, rooms[0].epoch());
    pass_on(&mut rooms, &joining.handshake, 9);
    rooms.push(joining.room);
    let before = rooms[1].secrets().unwrap();
    let tag = rooms[1].own_capsule_tag().unwrap();
    assert!(held.capsule_wraps.iter().any(|wrap| wrap.tag == tag));

    let removal = commit(&mut rooms[0], &RoomChange::RemoveMember(bob.account(), None));
    assert!(removal.cut, "the relay closes the log to older keys");
    for index in [1, 3] {
        let transition = receive(&mut rooms[index], &removal).unwrap();
        assert!(transition.is_removed && rooms[index].is_removed());
        assert!(rooms[index].secrets().is_err(), "no secret of the epoch after");
        let chain = start(&rooms[0]);
        assert!(rooms[index].commit(&RoomChange::Rotate, chain).is_err());
    }
    let transition = receive(&mut rooms[2], &removal).unwrap();
    assert_eq!(transition.removed.len(), 2);
    same_epoch(&rooms[0], &rooms[2]);

    // What is said now does not open with anything that was copied before.
    let said = say(&rooms[0], "he is gone");
    let old = sotto_crypto::message::open(
        &before.message,
        &rooms[0].id(),
        rooms[0].epoch(),
        rooms[0].roster(),
        &said,
    );
    assert!(old.is_err());
    // No door is left to him: not his account's, and not the link's.
    assert!(bob.tries_to_return(rooms[0].id(), &removal, rooms[0].epoch()).is_none());
    let door = link.door().unwrap();
    assert!(removal.doors.iter().all(|candidate| candidate.id != door));
    assert!(removal.capsule_wraps.iter().all(|wrap| wrap.tag != tag), "nor a capsule");
    // With a new link that somebody gives him, the device that was removed is refused; others come in.
    let (link, held) = invite(&mut rooms[0], &ada, None);
    let refused = bob.tries_to_join(&link, &held, rooms[0].epoch());
    assert_eq!(forbidden(refused), Some(Violation::DeviceRevoked));
    Person::new("Dee").tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
}

#[test]
fn only_those_who_may_remove_do() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let (mut rooms, _, _) = room_of(HYBRID, &[&ada, &bob, &cy]);
    let removes = |rooms: &mut Vec<sotto_crypto::room::Room>, who: usize, whom: &Person| {
        let room = &mut rooms[who];
        let result = room.commit(&RoomChange::RemoveMember(whom.account(), None), start(room)).map(|_| ());
        if result.is_ok() {
            room.discard_pending().unwrap();
        }
        result
    };
    assert_eq!(forbidden(removes(&mut rooms, 1, &cy)), Some(Violation::Removal));
    assert_eq!(forbidden(removes(&mut rooms, 1, &bob)), Some(Violation::Removal), "oneself: that is leaving");
    change(&mut rooms, 0, &RoomChange::SetRole(bob.account(), Role::Admin));
    assert_eq!(removes(&mut rooms, 1, &cy), Ok(()));
    assert_eq!(forbidden(removes(&mut rooms, 1, &ada)), Some(Violation::Removal));
    let absent = removes(&mut rooms, 1, &Person::new("Nobody"));
    assert!(matches!(absent, Err(CryptoError::Malformed(_))));
}

#[test]
fn a_stolen_device_is_removed_and_its_account_keeps_its_place() {
    let (ada, bob) = (Person::registered("Ada"), Person::new("Bob"));
    let (mut rooms, held, _) = room_of(HYBRID, &[&ada, &bob]);
    let phone = ada.on_another_device();
    let joining = phone.returns(rooms[0].id(), &held, rooms[0].epoch());
    pass_on(&mut rooms, &joining.handshake, 9);
    let mut stolen = joining.room;

    let word = ada.removes(&rooms[0], &phone);
    let removal = commit(&mut rooms[0], &word);
    receive(&mut rooms[1], &removal).unwrap();
    assert!(receive(&mut stolen, &removal).unwrap().is_removed);
    let epoch = rooms[0].epoch();
    // The thief knows the account's door key: nothing is sealed to it any more.
    assert!(phone.tries_to_return(rooms[0].id(), &removal, epoch).is_none());
    assert!(ada.tries_to_return(rooms[0].id(), &removal, epoch).is_none());

    // Ada replaces vault key and door key, publishes them, and has a door again; the thief has none.
    let ada = ada.with_new_account_keys();
    let renewed = change(&mut rooms, 0, &RoomChange::Renew(Box::new(ada.own.clone())));
    let epoch = rooms[0].epoch();
    assert!(phone.tries_to_return(rooms[0].id(), &renewed, epoch).is_none());
    let tablet = ada.on_another_device();
    let joining = tablet.returns(rooms[0].id(), &renewed, epoch);
    pass_on(&mut rooms, &joining.handshake, 9);
    same_epoch(&rooms[1], &joining.room);
    // The old key is closed for good, even should the account publish it again.
    let old = RoomChange::Renew(Box::new(phone.with_device_of(&ada).own));
    let again = change(&mut rooms, 0, &old);
    assert!(phone.tries_to_return(rooms[0].id(), &again, rooms[0].epoch()).is_none());
}

#[test]
fn keys_that_were_published_before_a_removal_open_no_door_after_it() {
    let ada = Person::registered("Ada");
    let (mut rooms, held, _) = room_of(HYBRID, &[&ada, &Person::new("Bob")]);
    let phone = ada.on_another_device();
    let joining = phone.returns(rooms[0].id(), &held, rooms[0].epoch());
    pass_on(&mut rooms, &joining.handshake, 9);
    // The phone may have learnt the new keys from the vault before it was removed.
    let renewed = ada.with_new_account_keys();
    change(&mut rooms, 0, &RoomChange::Renew(Box::new(renewed.own.clone())));
    let word = ada.removes(&rooms[0], &phone);
    let removal = change(&mut rooms, 0, &word);
    for known in [&ada, &phone, &renewed] {
        assert!(known.tries_to_return(rooms[0].id(), &removal, rooms[0].epoch()).is_none());
    }
    let fresh = renewed.with_new_account_keys();
    let held = change(&mut rooms, 0, &RoomChange::Renew(Box::new(fresh.own.clone())));
    assert!(fresh.tries_to_return(rooms[0].id(), &held, rooms[0].epoch()).is_some());
}

#[test]
fn whoever_leaves_is_removed_by_anyone_and_may_come_again() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let (mut rooms, _, link) = room_of(HYBRID, &[&ada, &bob, &cy]);
    let statement = rooms[1].leave(LeaveScope::Account).unwrap();
    let handshake = commit(&mut rooms[2], &RoomChange::Leave(statement.clone()));
    assert!(!handshake.cut);
    receive(&mut rooms[0], &handshake).unwrap();
    assert!(receive(&mut rooms[1], &handshake).unwrap().is_removed);
    same_epoch(&rooms[0], &rooms[2]);
    assert_eq!(rooms[0].roster().device_count(), 2);

    // The link is still good for him, and the old statement is not good against him.
    let joining = bob.tries_to_join(&link, &handshake, rooms[0].epoch()).unwrap();
    receive(&mut rooms[0], &joining.handshake).unwrap();
    let room = &mut rooms[0];
    let again = room.commit(&RoomChange::Leave(statement), start(room));
    assert_eq!(forbidden(again), Some(Violation::LeaveStatement));
    let forged = LeaveStatement::sign(&room.id(), &cy.own.device, &[0; 16], LeaveScope::Account);
    assert!(room.commit(&RoomChange::Leave(forged), start(room)).is_err());
}

#[test]
fn the_state_of_a_room_changes_and_everyone_has_the_same() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(HYBRID, &[&ada, &bob]);
    let permissions = Permissions { invite: Role::Admin, ..Permissions::default() };
    for change_ in [
        RoomChange::Rename("Meadow".into()),
        RoomChange::SetTopic("Bees and hives".into()),
        RoomChange::SetAvatar(Some(vec![1; 90])),
        RoomChange::SetHistory(History::Shared),
        RoomChange::SetPermissions(permissions),
        RoomChange::SetTimer(Some(3600)),
        RoomChange::SetRole(bob.account(), Role::Owner),
    ] {
        change(&mut rooms, 0, &change_);
        same_epoch(&rooms[0], &rooms[1]);
    }
    let state = rooms[1].state();
    assert_eq!((state.name.as_str(), state.topic.as_str()), ("Meadow", "Bees and hives"));
    assert_eq!((state.timer_s, state.history), (Some(3600), History::SinceJoining), "a timer forces it");
    assert_eq!((state.owner, &state.admins), (bob.account(), &vec![ada.account()]));
    let handshake = change(&mut rooms, 1, &RoomChange::Rotate);
    assert!(handshake.capsule.is_none() && handshake.capsule_wraps.is_empty(), "a room with a timer");
    let chain = start(&rooms[0]);
    let refused = rooms[0].commit(&RoomChange::Rename("x".repeat(300)), chain);
    assert_eq!(refused.err(), Some(CryptoError::Malformed("room name")));
}

#[test]
fn a_closed_room_lets_nobody_in_until_it_is_opened_again() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, link) = room_of(HYBRID, &[&ada, &bob]);
    let closed = change(&mut rooms, 0, &RoomChange::Close);
    assert!(closed.doors.iter().all(|door| door.id != link.door().unwrap()));
    let room = &mut rooms[0];
    let open = Invite::of_secret(&InviteSecret::generate().unwrap(), ada.account(), None).unwrap();
    let refused = room.commit(&RoomChange::AddInvite(Box::new(open.clone()), 0), start(room));
    assert!(forbidden(refused).is_some());
    let room = &mut rooms[1];
    let refused = room.commit(&RoomChange::Reopen, start(room));
    assert_eq!(forbidden(refused), Some(Violation::RoomClosed));
    change(&mut rooms, 0, &RoomChange::Reopen);
    change(&mut rooms, 0, &RoomChange::AddInvite(Box::new(open), 0));
}

#[test]
fn a_guest_registers_and_changes_the_recovery_key_later() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, held, _) = room_of(HYBRID, &[&ada, &bob]);
    assert_eq!(held.capsule_wraps.len(), 1, "guests have no capsules; the list is never empty");
    let registered = bob.with_new_recovery_key();
    let handshake = change(&mut rooms, 1, &RoomChange::Renew(Box::new(registered.own.clone())));
    let tag = rooms[1].own_capsule_tag().unwrap();
    assert!(handshake.capsule_wraps.iter().any(|wrap| wrap.tag == tag), "now he has a wrap");
    let again = registered.with_new_recovery_key();
    change(&mut rooms, 1, &RoomChange::Renew(Box::new(again.own.clone())));
    assert_eq!(rooms[0].roster().devices_of(&bob.account()).next().unwrap().1.generation, 2);
    let room = &mut rooms[1];
    let back = room.commit(&RoomChange::Renew(Box::new(registered.own.clone())), start(room));
    assert_eq!(forbidden(back), Some(Violation::Generation));
}

#[test]
fn the_last_to_stay_takes_over_a_room_whose_owner_left() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(HYBRID, &[&ada, &bob]);
    let room = &mut rooms[1];
    assert_eq!(forbidden(room.commit(&RoomChange::TakeOver, start(room))), Some(Violation::StateChange));
    let statement = rooms[0].leave(LeaveScope::Account).unwrap();
    commit(&mut rooms[1], &RoomChange::Leave(statement));
    commit(&mut rooms[1], &RoomChange::TakeOver);
    assert_eq!(rooms[1].state().owner, bob.account());
}

#[test]
fn an_invite_bound_to_an_account_lets_in_that_account_alone_and_says_when_it_expires() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::registered("Bob"), Person::new("Cy"));
    let mut adas = ada.creates(HYBRID);
    let secret = InviteSecret::generate().unwrap();
    let invite = Invite::of_secret(&secret, ada.account(), Some(1)).unwrap();
    let invite = invite.bound_to(bob.account()).expiring(1_800_000_000_000);
    let held = commit(&mut adas, &RoomChange::AddInvite(Box::new(invite.clone()), 0));
    let door = held.doors.iter().find(|door| door.id == invite.id).unwrap();
    assert_eq!(door.expires_at_ms, Some(1_800_000_000_000), "the relay closes it then");
    let epoch = adas.epoch();
    let link = sotto_crypto::link::InviteLink { room: adas.id(), secret, inviter: ada.account(), epoch };
    let refused = cy.tries_to_join(&link, &held, epoch);
    assert_eq!(forbidden(refused), Some(Violation::InviteForAnother));
    receive(&mut adas, &bob.tries_to_join(&link, &held, epoch).unwrap().handshake).unwrap();
}
