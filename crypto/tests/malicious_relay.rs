//! What a malicious relay may try with what it holds: each attack, what comes of it, and what the user is told.
//!
//! Dropping, reordering, replaying and forking show in the chain that every message carries: `client-core/tests/dishonesty.rs`.

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
    room::{AccountJoin, Flaw, JoinRequest, Publication, RewindEffect, Room, RoomChange, Suite},
};
use sotto_protocol::{EntryKind, entry_hash};
use support::{
    Person, change, commit, hear, invite, logged, no_log, receive, room_of, same_epoch, say, start,
};

fn two() -> (Vec<Person>, Vec<Room>, sotto_crypto::room::Handshake, sotto_crypto::link::InviteLink) {
    let people = vec![Person::registered("Ada"), Person::registered("Bob")];
    let (rooms, held, link) = room_of(Suite::Classical, &people.iter().collect::<Vec<_>>());
    (people, rooms, held, link)
}

/// Prevented: [`CryptoError::WrongEpoch`], or [`CryptoError::DoesNotOpen`] where the relay also lies about the epoch. The newcomer
/// is told that the link cannot be used.
#[test]
fn an_old_card_lets_nobody_in() {
    let (ada, eve) = (Person::new("Ada"), Person::new("Eve"));
    let mut room = ada.creates(Suite::Classical);
    let (_, old) = invite(&mut room, &ada, None);
    let (link, new) = invite(&mut room, &ada, None);
    let wrap = &new.doors.iter().find(|door| door.id == link.door().unwrap()).unwrap().wrap;
    let join =
        |card: &[u8], epoch| JoinRequest { link: &link, card, wrap, epoch, own: &eve.own }.join().err();
    assert_eq!(join(&old.card, 2), Some(CryptoError::DoesNotOpen), "the old card under the new wrap");
    assert_eq!(join(&new.card, 1), Some(CryptoError::DoesNotOpen), "the new card as an old one");
    // Card and wrap of an epoch in which the link's door was open, but not any more: the joiner's commit leaves that epoch.
    let joining = eve.tries_to_join(&link, &new, 2).unwrap();
    commit(&mut room, &RoomChange::Rotate);
    let refused = receive(&mut room, &joining.handshake).err();
    assert_eq!(refused, Some(CryptoError::WrongEpoch { expected: 3, found: 2 }));
}

/// Prevented: [`CryptoError::WrongEpoch`]. A card of the time before the link was made would show the room as it was then.
#[test]
fn a_card_older_than_the_link_is_refused() {
    let (ada, eve) = (Person::new("Ada"), Person::new("Eve"));
    let mut room = ada.creates(Suite::Classical);
    let (mut link, held) = invite(&mut room, &ada, None);
    link.epoch = 7;
    let refused = eve.tries_to_join(&link, &held, 1).err();
    assert_eq!(refused, Some(CryptoError::WrongEpoch { expected: 7, found: 1 }));
}

/// Prevented: whoever comes in through a stale door makes a commit that leaves an epoch long gone.
#[test]
fn a_door_that_the_relay_keeps_open_after_its_invite_was_closed_lets_nobody_in() {
    let (people, mut rooms, held, link) = two();
    let eve = Person::new("Eve");
    let stale = eve.tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
    change(&mut rooms, 0, &RoomChange::RemoveInvite(link.door().unwrap()));
    for room in &mut rooms {
        assert!(matches!(receive(room, &stale.handshake), Err(CryptoError::WrongEpoch { .. })));
    }
    drop(people);
}

/// Prevented: the wrap is bound to its door, room and epoch. The newcomer is told that the door does not open.
#[test]
fn wraps_and_doors_that_are_exchanged_do_not_open() {
    let (people, rooms, held, link) = two();
    let epoch = rooms[0].epoch();
    let eve = Person::new("Eve");
    let door = link.door().unwrap();
    for other in held.doors.iter().filter(|held| held.id != door) {
        let request = JoinRequest { link: &link, card: &held.card, wrap: &other.wrap, epoch, own: &eve.own };
        assert_eq!(request.join().err(), Some(CryptoError::DoesNotOpen));
    }
    let phone = people[0].on_another_device();
    let own = phone.own.door(&rooms[0].id()).unwrap();
    for other in held.doors.iter().filter(|held| held.id != own) {
        let room = rooms[0].id();
        let request = AccountJoin { room, card: &held.card, wrap: &other.wrap, epoch, own: &phone.own };
        assert_eq!(request.join().err(), Some(CryptoError::DoesNotOpen));
    }
}

/// Prevented: a card of another room, though all else is the same.
#[test]
fn a_card_of_another_room_does_not_open() {
    let (ada, eve) = (Person::new("Ada"), Person::new("Eve"));
    let (mut one, mut other) = (ada.creates(Suite::Classical), ada.creates(Suite::Classical));
    let (link, _) = invite(&mut one, &ada, None);
    let (_, held) = invite(&mut other, &ada, None);
    let wrap = &held.doors[0].wrap;
    let request = JoinRequest { link: &link, card: &held.card, wrap, epoch: 1, own: &eve.own };
    assert_eq!(request.join().err(), Some(CryptoError::DoesNotOpen));
}

/// Detected by whoever looks (the account itself, and the next committer): [`Flaw`] names what is wrong, and any member publishes
/// it again. The user is told nothing where it is repaired.
#[test]
fn cards_capsules_and_wraps_of_another_epoch_are_found_and_repaired() {
    let (_, mut rooms, _, _) = two();
    let old = change(&mut rooms, 0, &RoomChange::Rotate).publication();
    let new = change(&mut rooms, 1, &RoomChange::Rotate).publication();
    let cases = [
        ("an old card", Publication { card: old.card.clone(), ..new.clone() }, Flaw::Card),
        ("stale doors", Publication { doors: old.doors.clone(), ..new.clone() }, Flaw::Doors),
        ("a swapped capsule", Publication { capsule: old.capsule.clone(), ..new.clone() }, Flaw::Capsule),
        (
            "old wraps",
            Publication { capsule_wraps: old.capsule_wraps.clone(), ..new.clone() },
            Flaw::CapsuleWraps,
        ),
    ];
    for (what, held, flaw) in cases {
        for room in &rooms {
            assert_eq!(room.audit(&held, no_log).unwrap(), [flaw], "{what}");
        }
    }
    let repaired = rooms[0].republish(start(&rooms[0])).unwrap();
    assert_eq!(rooms[1].audit(&repaired, no_log).unwrap(), []);
}

/// Prevented: [`CryptoError::Mls`]. The commit is not merged; `InvalidChange` in the engine.
#[test]
fn another_access_key_than_the_epochs_is_noticed_before_the_commit_is_merged() {
    let (_, mut rooms, _, _) = two();
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    let epoch = rooms[1].epoch();
    let refused = rooms[1].stage(handshake.kind, &handshake.entry, &[7; 32]).err();
    assert!(matches!(refused, Some(CryptoError::Mls(_))));
    assert_eq!(rooms[1].epoch(), epoch);
    receive(&mut rooms[1], &handshake).unwrap();
}

/// Prevented: [`CryptoError::WrongEpoch`] for a handshake, and no message opens in another epoch than its own.
#[test]
fn what_was_said_in_an_epoch_is_not_heard_again_in_another() {
    let (_, mut rooms, _, _) = two();
    let said = say(&rooms[0], "yes");
    hear(&rooms[1], &said).unwrap();
    let handshake = change(&mut rooms, 0, &RoomChange::Rotate);
    assert!(matches!(hear(&rooms[1], &said), Err(CryptoError::WrongEpoch { .. })));
    assert!(matches!(receive(&mut rooms[1], &handshake), Err(CryptoError::WrongEpoch { .. })));
    // With another number in its header it does not open at all.
    let mut renumbered = said;
    renumbered[1..9].copy_from_slice(&rooms[1].epoch().to_be_bytes());
    assert_eq!(hear(&rooms[1], &renumbered).err(), Some(CryptoError::DoesNotOpen));
}

/// Prevented: a handshake passed off as a message, or the other way round.
#[test]
fn an_entry_is_of_the_kind_that_it_was_sealed_as() {
    let (_, mut rooms, _, _) = two();
    let said = say(&rooms[0], "yes");
    let handshake = commit(&mut rooms[0], &RoomChange::Rotate);
    assert_eq!(rooms[1].stage(EntryKind::Handshake, &said, &[0; 32]).err(), Some(CryptoError::DoesNotOpen));
    assert_eq!(hear(&rooms[1], &handshake.entry).err(), Some(CryptoError::DoesNotOpen));
}

/// Detected: two members whom the relay has led apart do not open each other's entries, and their epoch authenticators (the
/// room's fingerprint) differ. In the engine the place of the fork shows in the chain: `HistoryDiverged`.
#[test]
fn two_views_of_a_room_never_grow_together_again() {
    let (_, mut rooms, _, _) = two();
    let adas = commit(&mut rooms[0], &RoomChange::Rotate);
    let bobs = commit(&mut rooms[1], &RoomChange::Rotate);
    assert_eq!(rooms[0].epoch(), rooms[1].epoch());
    assert_ne!(rooms[0].epoch_authenticator(), rooms[1].epoch_authenticator());
    assert_eq!(hear(&rooms[1], &say(&rooms[0], "hello")).err(), Some(CryptoError::DoesNotOpen));
    assert!(receive(&mut rooms[0], &bobs).is_err() && receive(&mut rooms[1], &adas).is_err());
    let next = commit(&mut rooms[0], &RoomChange::Rotate);
    assert_eq!(receive(&mut rooms[1], &next).err(), Some(CryptoError::DoesNotOpen));
}

/// Prevented: the rewind names the join that it voids. [`CryptoError::Forbidden`], and the later join stands.
#[test]
fn a_rewind_that_is_replayed_does_not_void_a_later_join() {
    let (_, mut rooms, held, link) = two();
    let epoch = rooms[0].epoch();
    let bad = Person::new("Eve").tries_to_join(&link, &held, epoch).unwrap();
    let entry = &bad.handshake.entry;
    let hash = entry_hash(entry);
    let (rewind, held) = rooms[1].make_rewind(5, &hash, None, start(&rooms[1])).unwrap();
    receive(&mut rooms[0], &bad.handshake).unwrap();
    assert_eq!(rooms[0].rewind(&rewind, logged(&rewind, entry, true)), Ok(RewindEffect::Restored));
    same_epoch(&rooms[0], &rooms[1]);

    let good = Person::new("Zoe");
    let wrap = &held.doors.iter().find(|held| held.id == link.door().unwrap()).unwrap().wrap;
    let joining = JoinRequest { link: &link, card: &held.card, wrap, epoch, own: &good.own }.join().unwrap();
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
        assert!(
            matches!(room.rewind(&rewind, logged(&rewind, entry, true)), Err(CryptoError::Forbidden(_))),
            "replayed"
        );
    }
    same_epoch(&rooms[0], &joining.room);
}

/// Prevented: the relay has no key of a member, and none of its inventions is followed.
#[test]
fn a_relay_cannot_make_a_rewind_or_change_one() {
    let (people, mut rooms, _, _) = two();
    let (good, _) = rooms[1].make_rewind(5, &entry_hash(b"garbage"), None, start(&rooms[1])).unwrap();
    let owners = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let (by_owner, _) =
        rooms[0].make_rewind(5, &entry_hash(b"garbage"), Some(&owners), start(&rooms[0])).unwrap();
    for rewind in [good, by_owner] {
        let changed = [
            sotto_protocol::Rewind { bad_seq: 4, ..rewind.clone() },
            sotto_protocol::Rewind { bad_entry: [2; 32], ..rewind.clone() },
            sotto_protocol::Rewind { published_hash: [2; 32], ..rewind.clone() },
            sotto_protocol::Rewind { access_key: [2; 32], ..rewind.clone() },
            sotto_protocol::Rewind { signature: [0; 64], ..rewind },
        ];
        for rewind in changed {
            assert!(matches!(
                rooms[0].rewind(&rewind, logged(&rewind, b"garbage", true)),
                Err(CryptoError::Forbidden(_))
            ));
        }
    }
}

/// Prevented: [`CryptoError::DoesNotOpen`]; the epoch stays unread (and says so), nothing false is shown.
#[test]
fn a_swapped_capsule_or_wrap_is_not_taken_for_the_epochs_own() {
    let (people, mut rooms, _, _) = two();
    let older = change(&mut rooms, 0, &RoomChange::Rotate);
    let newer = change(&mut rooms, 0, &RoomChange::Rotate);
    let phone = people[1].on_another_device();
    let joining = phone.returns(rooms[0].id(), &newer, rooms[0].epoch());
    let reader = joining.history().unwrap();
    let mut swapped = newer.clone();
    swapped.capsule.clone_from(&older.capsule);
    assert_eq!(people[1].opens_capsule(&mut reader.clone(), &swapped).err(), Some(CryptoError::DoesNotOpen));
    let mut swapped = newer.clone();
    swapped.capsule_wraps.clone_from(&older.capsule_wraps);
    assert_eq!(people[1].opens_capsule(&mut reader.clone(), &swapped).err(), Some(CryptoError::DoesNotOpen));
    assert_eq!(people[1].opens_capsule(&mut reader.clone(), &older).err(), Some(CryptoError::DoesNotOpen));
    people[1].opens_capsule(&mut reader.clone(), &newer).unwrap();
}

/// Detected: whoever takes somebody's name has another account, with another fingerprint; the room shows the account of each leaf.
/// Nobody can take an account that is not theirs.
#[test]
fn a_substituted_identity_is_another_account_whatever_it_calls_itself() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut room = ada.creates(Suite::Classical);
    let (link, held) = invite(&mut room, &ada, None);
    let impostor = Person::new("Bob");
    let joining = impostor.tries_to_join(&link, &held, 1).unwrap();
    let transition = receive(&mut room, &joining.handshake).unwrap();
    assert_eq!(transition.committer.display_name, "Bob");
    assert_ne!(transition.committer.account, bob.account());
    assert_ne!(transition.committer.identity_key, bob.identity.public());
    // An invite for Bob alone does not let the other Bob in.
    let secret = sotto_crypto::link::InviteSecret::generate().unwrap();
    let only_bob =
        sotto_crypto::room::Invite::of_secret(&secret, ada.account(), None).unwrap().bound_to(bob.account());
    let held = commit(&mut room, &RoomChange::AddInvite(Box::new(only_bob), 0));
    let link = sotto_crypto::link::InviteLink { secret, epoch: room.epoch(), ..link };
    let refused = Person::new("Bob").tries_to_join(&link, &held, room.epoch()).err();
    let violation = sotto_crypto::room::policy::Violation::InviteForAnother;
    assert_eq!(refused, Some(CryptoError::Forbidden(violation)));
    bob.tries_to_join(&link, &held, room.epoch()).unwrap();
}
