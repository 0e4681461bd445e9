//! What a malicious member may try with what every client offers: each attack, what comes of it, and what the user is told.
//!
//! Commits that only the MLS library makes (ghosts by Add, roles by GroupContextExtensions, garbage paths, …) are in the unit tests
//! under `src/room/attacks`.

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
    message::{self, Content, Draft},
    room::{Flaw, Place, Role, Room, RoomChange, Suite, policy::Violation},
};
use sotto_protocol::{Chain, EntryKind, entry_hash};
use support::{Person, change, commit, hear, logged, no_log, receive, room_of, same_epoch, say, start};

/// Ada owns the room; Mallory and Bob are in it.
fn three() -> (Vec<Person>, Vec<Room>, sotto_crypto::room::Handshake) {
    let people: Vec<_> = ["Ada", "Mallory", "Bob"].iter().map(|name| Person::registered(name)).collect();
    let (rooms, held, _) = room_of(Suite::Classical, &people.iter().collect::<Vec<_>>());
    (people, rooms, held)
}

fn draft(leaf: u32, chain: Chain, content: &[u8]) -> Draft<'_> {
    Draft { leaf, id: [9; 16], sent_at_ms: 1, chain, content }
}

/// Prevented: [`CryptoError::BadSignature`] (an unknown leaf: [`CryptoError::Malformed`] or the like). Nothing is shown; the engine
/// says `EntryDamaged` with the place.
#[test]
fn a_forged_sender_is_refused() {
    let (_, rooms, _) = three();
    let (mallory, bob) = (&rooms[1], &rooms[2]);
    let content = Content::Text("I owe Mallory ten crowns".into()).encode().unwrap();
    let secret = mallory.secrets().unwrap().message;
    let forge = |leaf| {
        let draft = draft(leaf, start(mallory), &content);
        message::seal(&secret, mallory.device(), &mallory.id(), mallory.epoch(), &draft).unwrap().1
    };
    assert_eq!(hear(bob, &forge(rooms[0].own_leaf())).err(), Some(CryptoError::BadSignature), "as Ada");
    assert_eq!(hear(bob, &forge(bob.own_leaf())).err(), Some(CryptoError::BadSignature), "as Bob himself");
    assert!(hear(bob, &forge(77)).is_err(), "as nobody");
    hear(bob, &forge(mallory.own_leaf())).unwrap();
}

/// Prevented: [`CryptoError::BadSignature`]: a signature binds room, epoch and entry.
#[test]
fn a_signature_from_another_room_or_epoch_is_refused() {
    let (_, mut rooms, _) = three();
    let content = Content::Text("yes".into()).encode().unwrap();
    let elsewhere = |rooms: &[Room], room: sotto_protocol::RoomId, epoch| {
        let draft = draft(rooms[1].own_leaf(), start(&rooms[1]), &content);
        let secret = rooms[1].secrets().unwrap().message;
        message::seal(&secret, rooms[1].device(), &room, epoch, &draft).unwrap().1
    };
    let other_room = elsewhere(&rooms, support::other_room(), rooms[1].epoch());
    assert!(hear(&rooms[2], &other_room).is_err());
    let epoch = rooms[1].epoch();
    let ahead = elsewhere(&rooms, rooms[1].id(), epoch + 1);
    assert_eq!(
        hear(&rooms[2], &ahead).err(),
        Some(CryptoError::WrongEpoch { expected: epoch, found: epoch + 1 })
    );
    change(&mut rooms, 0, &RoomChange::Rotate);
    // What claims to be of the epoch that has come now was sealed with the secret of the one before.
    assert_eq!(hear(&rooms[2], &ahead).err(), Some(CryptoError::DoesNotOpen));
}

/// Prevented: [`CryptoError::WrongEpoch`]: what is signed in an epoch that has ended is not heard, though its author still knows
/// the epoch's secret.
#[test]
fn a_late_message_signed_in_an_old_epoch_is_refused() {
    let (people, mut rooms, _) = three();
    let late = say(&rooms[1], "I never left");
    let epoch = rooms[1].epoch();
    let removal = commit(&mut rooms[0], &RoomChange::RemoveMember(people[1].account(), None));
    receive(&mut rooms[2], &removal).unwrap();
    assert_eq!(
        hear(&rooms[2], &late).err(),
        Some(CryptoError::WrongEpoch { expected: epoch + 1, found: epoch })
    );
    // And whoever was removed seals nothing that opens.
    assert!(receive(&mut rooms[1], &removal).unwrap().is_removed);
    let mut renumbered = late;
    renumbered[1..9].copy_from_slice(&(epoch + 1).to_be_bytes());
    assert_eq!(hear(&rooms[2], &renumbered).err(), Some(CryptoError::DoesNotOpen));
}

/// Prevented by the client's own rules already: [`CryptoError::Forbidden`]. That others refuse it as well: `src/room/attacks`.
#[test]
fn a_plain_member_is_told_that_roles_are_not_theirs_to_give() {
    let (people, mut rooms, _) = three();
    let (mallory, ada) = (people[1].account(), people[0].account());
    let refused = |room: &mut Room, change: &RoomChange| room.commit(change, start(room)).err();
    let forbidden = |violation| Some(CryptoError::Forbidden(violation));
    for role in [Role::Admin, Role::Owner] {
        let change = RoomChange::SetRole(mallory, role);
        assert_eq!(refused(&mut rooms[1], &change), forbidden(Violation::StateChange));
    }
    assert_eq!(refused(&mut rooms[1], &RoomChange::TakeOver), forbidden(Violation::StateChange));
    assert_eq!(refused(&mut rooms[1], &RoomChange::RemoveMember(ada, None)), forbidden(Violation::Removal));
    assert!(!rooms[1].has_pending_commit());
}

/// Detected by every member alike: [`CryptoError::Mls`], `InvalidChange` in the engine. The room stands still until owner or an
/// admin void it; nothing is lost.
#[test]
fn a_wrong_next_access_key_is_noticed_by_all_and_voided_by_an_admin() {
    let (people, mut rooms, _) = three();
    let mallorys = commit(&mut rooms[1], &RoomChange::Rotate);
    for who in [0, 2] {
        assert!(matches!(
            rooms[who].stage(mallorys.kind, &mallorys.entry, &[1; 32]),
            Err(CryptoError::Mls(_))
        ));
    }
    let hash = entry_hash(&mallorys.entry);
    let admin = people[0].own.admin_key(&rooms[0].id()).unwrap();
    let (rewind, _) = rooms[0].make_rewind(5, &hash, Some(&admin), start(&rooms[0])).unwrap();
    for who in [0, 2] {
        rooms[who].rewind(&rewind, logged(&rewind, &mallorys.entry, false)).unwrap();
    }
    let next = commit(&mut rooms[0], &RoomChange::RemoveMember(people[1].account(), None));
    receive(&mut rooms[2], &next).unwrap();
    same_epoch(&rooms[0], &rooms[2]);
}

/// Detected by the one whose wrap it is, and by whoever commits next: [`Flaw::Doors`], [`Flaw::CapsuleWraps`]. Any member repairs
/// it, and what is repaired opens.
#[test]
fn an_omitted_or_garbled_wrap_is_found_by_its_account_and_repaired_by_anyone() {
    let (people, mut rooms, _) = three();
    let handshake = change(&mut rooms, 1, &RoomChange::Rotate);
    let (door, tag) = (rooms[2].own_door().unwrap(), rooms[2].own_capsule_tag().unwrap());
    let good = handshake.publication();
    let door_wrap = good.doors.iter().find(|held| held.id == door).unwrap().wrap.clone();
    let capsule_wrap = good.capsule_wraps.iter().find(|held| held.tag == tag).unwrap().wrap.clone();
    assert_eq!(rooms[2].audit_own(Some(&door_wrap), Some(&capsule_wrap)).unwrap(), []);
    let mut garbled = door_wrap.clone();
    garbled[8] ^= 1;
    assert_eq!(rooms[2].audit_own(Some(&garbled), Some(&capsule_wrap)).unwrap(), [Flaw::Doors]);
    assert_eq!(rooms[2].audit_own(None, None).unwrap(), [Flaw::Doors, Flaw::CapsuleWraps]);

    let mut bad = good;
    bad.doors.retain(|held| held.id != door);
    bad.capsule_wraps.retain(|held| held.tag != tag);
    assert_eq!(rooms[0].audit(&bad, no_log).unwrap(), [Flaw::Doors, Flaw::CapsuleWraps]);
    let repaired = rooms[0].republish(start(&rooms[0])).unwrap();
    assert_eq!(rooms[2].audit(&repaired, no_log).unwrap(), []);
    let phone = people[2].on_another_device();
    let wrap = &repaired.doors.iter().find(|held| held.id == door).unwrap().wrap;
    let request = sotto_crypto::room::AccountJoin {
        room: rooms[0].id(),
        card: &repaired.card,
        wrap,
        epoch: rooms[0].epoch(),
        own: &phone.own,
    };
    let joining = request.join().unwrap();
    let mut reader = joining.history().unwrap();
    let wrap = repaired.capsule_wraps.iter().find(|held| held.tag == tag).unwrap();
    let recovery = people[2].recovery.as_ref().unwrap();
    reader.open_capsule(recovery, repaired.capsule.as_ref().unwrap(), &wrap.wrap).unwrap();
}

/// Prevented: a card that a member writes for another room state, tree or epoch is found by all others: [`Flaw::Card`].
#[test]
fn a_card_that_shows_another_room_is_found_by_everyone_else() {
    let (people, mut rooms, _) = three();
    let honest = change(&mut rooms, 0, &RoomChange::Rotate);
    // Mallory goes on alone: in her view Bob is gone. She offers that view's card for the epoch that all are in.
    let mut fork = Room::load(rooms[1].id(), rooms[1].device().clone(), &rooms[1].save().unwrap()).unwrap();
    let left = rooms[2].leave(sotto_crypto::room::policy::LeaveScope::Device).unwrap();
    let other = commit(&mut fork, &RoomChange::Leave(left));
    let held = sotto_crypto::room::Publication { card: other.card, ..honest.publication() };
    for who in [0, 2] {
        assert_eq!(rooms[who].audit(&held, no_log).unwrap(), [Flaw::Card]);
    }
    drop(people);
}

/// Prevented: [`CryptoError::Forbidden`]. A spent invite has no door, and whoever has the card all the same is refused.
#[test]
fn a_spent_invite_has_no_door_and_lets_nobody_in() {
    let (ada, bob, eve) = (Person::new("Ada"), Person::new("Bob"), Person::new("Eve"));
    let mut adas = ada.creates(Suite::Classical);
    let (link, held) = support::invite(&mut adas, &ada, Some(1));
    let joining = bob.tries_to_join(&link, &held, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    assert!(joining.handshake.doors.iter().all(|held| held.id != link.door().unwrap()));
    // The card of the epoch before, with a commit that is made for it: of another epoch.
    let late = eve.tries_to_join(&link, &held, 1).unwrap();
    assert!(matches!(receive(&mut adas, &late.handshake), Err(CryptoError::WrongEpoch { .. })));
}

/// Prevented: a removed device that holds all old state, the link and its account's keys finds no door.
#[test]
fn a_removed_device_with_all_old_state_finds_no_way_back() {
    let (people, mut rooms, held) = three();
    let stolen = people[1].on_another_device();
    let joining = stolen.returns(rooms[0].id(), &held, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let mut thief = joining.room;
    let old = thief.secrets().unwrap();
    let word = people[1].removes(&rooms[1], &stolen);
    let removal = change(&mut rooms, 1, &word);
    assert!(removal.cut);
    assert!(receive(&mut thief, &removal).unwrap().is_removed);
    let said = say(&rooms[0], "without the thief");
    let (room, epoch) = (rooms[0].id(), rooms[0].epoch());
    assert!(message::open(&old.message, &room, epoch, rooms[0].roster(), &said).is_err());
    assert!(stolen.tries_to_return(rooms[0].id(), &removal, rooms[0].epoch()).is_none());
    // None of the door's keys that it knows opens any wrap.
    for held in &removal.doors {
        let request = sotto_crypto::room::AccountJoin {
            room: rooms[0].id(),
            card: &removal.card,
            wrap: &held.wrap,
            epoch: rooms[0].epoch(),
            own: &stolen.own,
        };
        assert!(request.join().is_err());
    }
}

/// Prevented: a room-admin key that a removed device knows voids nothing: [`CryptoError::Forbidden`].
#[test]
fn a_removed_device_of_an_admin_voids_nothing_with_the_admin_key_that_it_knows() {
    let (people, mut rooms, held) = three();
    let stolen = people[0].on_another_device();
    let joining = stolen.returns(rooms[0].id(), &held, rooms[0].epoch());
    for room in &mut rooms {
        receive(room, &joining.handshake).unwrap();
    }
    let admin = stolen.own.admin_key(&rooms[0].id()).unwrap();
    let word = people[0].removes(&rooms[0], &stolen);
    let removal = change(&mut rooms, 0, &word);
    assert!(removal.admin_keys.iter().all(|key| **key != admin.public()), "nor does the relay take it");
    let epoch = rooms[0].epoch();
    let (mut rewind, _) =
        joining.room.make_rewind(9, &entry_hash(b"garbage"), Some(&admin), start(&rooms[0])).unwrap();
    rewind.epoch = epoch;
    rewind.signature = admin.sign(&rewind.statement(&rooms[0].id()));
    for room in &mut rooms {
        assert_eq!(
            room.rewind(&rewind, logged(&rewind, b"garbage", false)),
            Err(CryptoError::Forbidden(Violation::Rewind))
        );
    }
    // Once Ada has published new keys, her word counts again.
    let renewed = people[0].with_new_account_keys();
    let handshake = change(&mut rooms, 0, &RoomChange::Renew(Box::new(renewed.own.clone())));
    let admin = renewed.own.admin_key(&rooms[0].id()).unwrap();
    assert!(handshake.admin_keys.iter().any(|key| **key == admin.public()));
    let (rewind, _) =
        rooms[0].make_rewind(9, &entry_hash(b"garbage"), Some(&admin), start(&rooms[0])).unwrap();
    assert!(rooms[2].rewind(&rewind, logged(&rewind, b"garbage", false)).is_ok());
}

/// Detected: by whoever looks, [`Flaw::Chain`], an integrity alarm; and by the newcomer with the first message of somebody honest.
#[test]
fn a_card_that_shows_newcomers_another_log_is_found_and_alarms_them() {
    let people = ["Ada", "Mallory", "Cy"].map(Person::registered);
    let (mut rooms, _, link) = room_of(Suite::Classical, &[&people[0], &people[1], &people[2]]);
    // All have read the same three entries; Mallory writes a card that says otherwise.
    let room = rooms[0].id();
    let log: Vec<Chain> = [[1; 32], [2; 32], [3; 32]]
        .iter()
        .zip(1..)
        .scan(Chain::start(&room), |chain, (entry, seq)| {
            *chain = chain.then(seq, EntryKind::Message, entry);
            Some(*chain)
        })
        .collect();
    let place = |seq| match seq {
        1..=3 => Place::Hash(log[seq as usize - 1].hash),
        _ => Place::Ahead,
    };
    let honest = rooms[0].republish(log[2]).unwrap();
    for who in [0, 2] {
        assert_eq!(rooms[who].audit(&honest, place).unwrap(), []);
        assert_eq!(rooms[who].audit(&honest, |_| Place::Unknown).unwrap(), [], "before what it has read");
    }
    let lies = [
        Chain { hash: [9; 32], ..log[2] },
        Chain { seq: 2, hash: log[2].hash },
        Chain { seq: 4, hash: [9; 32] },
        Chain { seq: 0, hash: [9; 32] },
    ];
    for lie in lies {
        let held = rooms[1].republish(lie).unwrap();
        for who in [0, 2] {
            assert_eq!(rooms[who].audit(&held, place).unwrap(), [Flaw::Chain], "{}", lie.seq);
        }
    }
    // Eve begins where the card says. What Ada says next names a place that Eve has hashed otherwise.
    let lie = lies[0];
    let handshake = rooms[1].commit(&RoomChange::Rotate, lie).unwrap();
    rooms[1].merge_pending().unwrap();
    receive(&mut rooms[0], &handshake).unwrap();
    let joining = Person::new("Eve").tries_to_join(&link, &handshake, rooms[0].epoch()).unwrap();
    assert_eq!(joining.chain, lie);
    receive(&mut rooms[0], &joining.handshake).unwrap();
    let read = |from: Chain| {
        let commit = from.then(4, EntryKind::Handshake, &entry_hash(&handshake.entry));
        commit.then(5, EntryKind::Handshake, &entry_hash(&joining.handshake.entry))
    };
    let content = Content::Text("hello".into()).encode().unwrap();
    let ada = &rooms[0];
    let draft =
        Draft { leaf: ada.own_leaf(), id: [1; 16], sent_at_ms: 1, chain: read(log[2]), content: &content };
    let secret = ada.secrets().unwrap().message;
    let (_, said) = message::seal(&secret, ada.device(), &room, ada.epoch(), &draft).unwrap();
    let heard = hear(&joining.room, &said).unwrap();
    assert_eq!(heard.chain.seq, read(lie).seq);
    assert_ne!(heard.chain.hash, read(lie).hash, "Eve's alarm");
}
