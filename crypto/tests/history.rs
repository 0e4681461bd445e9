//! What can be read of the time before: by capsules, by history links, and by nobody else.

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
    account::RecoveryKey,
    room::{Flaw, Handshake, History, MessageSecret, Room, RoomChange, Suite},
};
use sotto_protocol::RoomId;
use support::{Person, change, commit, hear, hear_later, invite, receive, room_of, say};

/// What a relay keeps: for each epoch the handshake that began it, and what was said in it.
#[derive(Default)]
struct Log {
    epochs: Vec<(Handshake, Vec<Vec<u8>>)>,
}

impl Log {
    fn begins(&mut self, handshake: Handshake) {
        self.epochs.push((handshake, Vec::new()));
    }

    fn says(&mut self, room: &Room, text: &str) {
        self.epochs.last_mut().unwrap().1.push(say(room, text));
    }

    /// Epoch 1 is the first one here.
    fn epoch(&self, number: u64) -> &(Handshake, Vec<Vec<u8>>) {
        &self.epochs[usize::try_from(number).unwrap() - 1]
    }

    fn last(&self) -> (&Handshake, u64) {
        (&self.epochs.last().unwrap().0, self.epochs.len() as u64)
    }
}

fn text(room: RoomId, past: &sotto_crypto::room::PastEpoch, entry: &[u8]) -> String {
    match hear_later(room, past, entry).unwrap().content {
        sotto_crypto::message::Content::Text(text) => text.text,
        other => panic!("{other:?}"),
    }
}

/// A conversation of Ada, Bob and Cy over many epochs; Bob has an account and came in at epoch 2.
fn conversation(epochs: u64) -> (Log, Person, Vec<Room>) {
    let (ada, bob, cy) = (Person::registered("Ada"), Person::registered("Bob"), Person::new("Cy"));
    let mut log = Log::default();
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, held) = invite(&mut adas, &ada, None);
    log.begins(held);
    log.says(&adas, "before Bob");
    let mut rooms = vec![adas];
    for person in [&bob, &cy] {
        let (held, epoch) = log.last();
        let joining = person.tries_to_join(&link, held, epoch).unwrap();
        for room in &mut rooms {
            receive(room, &joining.handshake).unwrap();
        }
        log.begins(joining.handshake);
        rooms.push(joining.room);
        log.says(&rooms[0], &format!("welcome, {}", person.name));
    }
    while log.last().1 < epochs {
        let who = usize::try_from(log.last().1 % 3).unwrap();
        log.begins(change(&mut rooms, who, &RoomChange::Rotate));
        let number = log.last().1;
        log.says(&rooms[who], &format!("in epoch {number}"));
    }
    (log, bob, rooms)
}

#[test]
fn an_account_that_lost_every_device_reads_everything_since_it_joined() {
    let (log, bob, rooms) = conversation(12);
    let room = rooms[0].id();
    drop(rooms);
    // A new device, with nothing but what the sealed record and the vault hold.
    let (held, epoch) = log.last();
    let joining = bob.on_another_device().returns(room, held, epoch);
    let mut reader = joining.history().unwrap();
    let mut read = Vec::new();
    while reader.epoch() >= 2 {
        let (handshake, messages) = log.epoch(reader.epoch());
        let past = bob.opens_capsule(&mut reader, handshake).unwrap();
        read.extend(messages.iter().rev().map(|entry| text(room, &past, entry)));
    }
    read.reverse();
    let mut expected = vec!["welcome, Bob".to_owned(), "welcome, Cy".to_owned()];
    expected.extend((4..=12).map(|epoch| format!("in epoch {epoch}")));
    assert_eq!(read, expected);
    // What was said before Bob came in is not his to read.
    let refused = bob.opens_capsule(&mut reader, &log.epoch(1).0);
    assert_eq!(refused, Err(CryptoError::DoesNotOpen));
}

#[test]
fn a_capsule_opens_for_its_accounts_alone_and_only_in_its_place() {
    let (log, bob, rooms) = conversation(5);
    let (held, epoch) = log.last();
    let joining = bob.on_another_device().returns(rooms[0].id(), held, epoch);
    let reader = joining.history().unwrap();
    let stranger = Person { recovery: Some(RecoveryKey::generate().unwrap()), ..bob.clone() };
    assert!(stranger.opens_capsule(&mut reader.clone(), held).is_err(), "another recovery key");
    let older = &log.epoch(4).0;
    assert!(bob.opens_capsule(&mut reader.clone(), older).is_err(), "another epoch's capsule");
    let mut swapped = held.clone();
    swapped.capsule.clone_from(&older.capsule);
    assert!(bob.opens_capsule(&mut reader.clone(), &swapped).is_err(), "a swapped capsule");
    let mut damaged = held.clone();
    damaged.capsule.as_mut().unwrap()[80] ^= 1;
    assert!(bob.opens_capsule(&mut reader.clone(), &damaged).is_err(), "a damaged capsule");
    bob.opens_capsule(&mut reader.clone(), held).unwrap();
}

#[test]
fn a_lost_capsule_costs_no_more_than_the_epochs_up_to_the_next_whole_roster() {
    let (log, bob, rooms) = conversation(67);
    let room = rooms[0].id();
    let (held, epoch) = log.last();
    let joining = bob.on_another_device().returns(room, held, epoch);
    let mut reader = joining.history().unwrap();
    bob.opens_capsule(&mut reader, held).unwrap();
    reader.skip();
    assert!(bob.opens_capsule(&mut reader.clone(), &log.epoch(65).0).is_err(), "who spoke is not known");
    reader.skip();
    assert_eq!(reader.epoch(), 64);
    for epoch in (2..=64).rev() {
        let (handshake, messages) = log.epoch(epoch);
        let past = bob.opens_capsule(&mut reader, handshake).unwrap();
        let read: Vec<_> = messages.iter().map(|entry| text(room, &past, entry)).collect();
        assert_eq!(read.len(), 1);
    }
}

#[test]
fn words_in_history_cannot_be_put_into_anothers_mouth() {
    let (log, bob, rooms) = conversation(4);
    let (held, epoch) = log.last();
    let joining = bob.on_another_device().returns(rooms[0].id(), held, epoch);
    let past = bob.opens_capsule(&mut joining.history().unwrap(), held).unwrap();
    let said = &log.epoch(4).1[0];
    assert!(hear_later(rooms[0].id(), &past, said).is_ok());
    let mut forged = said.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(hear_later(rooms[0].id(), &past, &forged).is_err());
}

#[test]
fn a_newcomer_reads_what_the_history_policy_allows_and_nothing_else() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut log = Log::default();
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, held) = invite(&mut adas, &ada, None);
    log.begins(held);
    log.says(&adas, "private");
    log.begins(commit(&mut adas, &RoomChange::SetHistory(History::Shared)));
    log.says(&adas, "first of what is shared");
    log.begins(commit(&mut adas, &RoomChange::Rotate));
    log.says(&adas, "last before Bob");

    let (held, epoch) = log.last();
    let joining = bob.tries_to_join(&link, held, epoch).unwrap();
    assert!(joining.handshake.history.is_none(), "who comes in has nothing to hand on");
    let mut reader = joining.history().unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    // A member who was there adds the link; until then, nothing.
    let added = adas.history_link().unwrap().unwrap();
    log.begins(joining.handshake);
    let room = adas.id();

    let past = reader.open_link(&added).unwrap();
    assert_eq!(text(room, &past, &log.epoch(3).1[0]), "last before Bob");
    let past = reader.open_link(log.epoch(3).0.history.as_ref().unwrap()).unwrap();
    assert_eq!(text(room, &past, &log.epoch(2).1[0]), "first of what is shared");
    assert!(log.epoch(2).0.history.is_none(), "what was said before stays with those who were there");
    // The link of another place does not open.
    assert!(reader.open_link(&added).is_err());
}

#[test]
fn a_history_link_that_is_missing_or_wrong_is_found_and_made_again() {
    let people = ["Ada", "Bob"].map(Person::new);
    let (mut rooms, _, _) = room_of(Suite::Classical, &[&people[0], &people[1]]);
    let before = change(&mut rooms, 0, &RoomChange::SetHistory(History::Shared));
    assert_eq!(before.history, None);
    assert_eq!(rooms[1].audit_history(None), Ok(None), "what was said before is not handed on");
    let first = change(&mut rooms, 0, &RoomChange::Rotate).history.unwrap();
    assert_eq!(rooms[1].audit_history(Some(&first)), Ok(None));
    assert_eq!(rooms[1].audit_history(None), Ok(Some(Flaw::History)), "missing");
    let mut garbled = first.clone();
    garbled[100] ^= 1;
    assert_eq!(rooms[1].audit_history(Some(&garbled)), Ok(Some(Flaw::History)));
    let again = rooms[1].history_link().unwrap().unwrap();
    assert_eq!(rooms[0].audit_history(Some(&again)), Ok(None));
    change(&mut rooms, 0, &RoomChange::Rotate);
    assert_eq!(rooms[1].audit_history(Some(&first)), Ok(Some(Flaw::History)), "another epoch's");
    // Where newcomers may read nothing, a link gives something away.
    change(&mut rooms, 0, &RoomChange::SetHistory(History::SinceJoining));
    assert_eq!(rooms[1].audit_history(Some(&again)), Ok(Some(Flaw::History)));
}

#[test]
fn by_default_there_are_no_history_links() {
    let (log, _, rooms) = conversation(5);
    assert!(log.epochs.iter().all(|(handshake, _)| handshake.history.is_none()));
    assert_eq!(rooms[0].history_link().unwrap(), None);
}

#[test]
fn a_removed_member_opens_no_later_capsule() {
    let (ada, bob) = (Person::registered("Ada"), Person::registered("Bob"));
    let (mut rooms, held, _) = room_of(Suite::Hybrid, &[&ada, &bob]);
    let tag = rooms[1].own_capsule_tag().unwrap();
    let wrap = |held: &Handshake| held.capsule_wraps.iter().find(|wrap| wrap.tag == tag).cloned();
    assert!(wrap(&held).is_some());
    let removal = commit(&mut rooms[0], &RoomChange::RemoveMember(bob.account(), None));
    assert!(wrap(&removal).is_none());
    // None of the wraps opens with his recovery key, whichever he tries.
    for other in &removal.capsule_wraps {
        let joining = ada.on_another_device().returns(rooms[0].id(), &removal, rooms[0].epoch());
        let mut reader = joining.history().unwrap();
        let capsule = removal.capsule.as_ref().unwrap();
        assert!(reader.open_capsule(bob.recovery.as_ref().unwrap(), capsule, &other.wrap).is_err());
    }
}

#[test]
fn in_a_room_with_a_timer_no_capsule_is_made_and_messages_die_with_their_epochs_keys() {
    let (ada, bob) = (Person::registered("Ada"), Person::registered("Bob"));
    let (mut rooms, _, _) = room_of(Suite::Hybrid, &[&ada, &bob]);
    let timed = change(&mut rooms, 0, &RoomChange::SetTimer(Some(60)));
    // Everything that the relay ever stores: each epoch with what was said in it.
    let mut relay = vec![(timed, say(&rooms[0], "this will vanish"))];
    for who in [1, 0, 1] {
        let handshake = change(&mut rooms, who, &RoomChange::Rotate);
        let said = say(&rooms[who], "this too");
        relay.push((handshake, said));
    }
    let last = change(&mut rooms, 0, &RoomChange::Rotate);
    let room = rooms[0].id();

    // The devices after expiry, as they are stored; the account's keys; a device that comes in with them.
    let joining = ada.on_another_device().returns(room, &last, rooms[0].epoch());
    let reader = joining.history().unwrap();
    relay.push((last, say(&rooms[0], "not expired")));
    let stores: Vec<Room> = rooms
        .iter()
        .zip([&ada, &bob])
        .map(|(kept, person)| Room::load(room, person.own.device.clone(), &kept.save().unwrap()).unwrap())
        .chain([joining.room])
        .collect();
    let (_, expired) = relay.split_last().unwrap();
    for (epoch, (handshake, said)) in expired.iter().enumerate() {
        assert!(handshake.capsule.is_none() && handshake.capsule_wraps.is_empty());
        assert!(handshake.history.is_none());
        for person in [&ada, &bob] {
            assert!(person.opens_capsule(&mut reader.clone(), handshake).is_err());
        }
        for store in &stores {
            assert!(hear(store, said).is_err(), "epoch {epoch}");
            // Not even by taking the epoch's number for granted.
            let secrets = store.secrets().unwrap();
            for secret in [secrets.message.seed(), secrets.handshake.seed(), secrets.status.seed()] {
                let secret = &MessageSecret::from_seed(secret.clone());
                let epoch = handshake_epoch(handshake) + 1;
                let opened = sotto_crypto::message::open(secret, &room, epoch, store.roster(), said);
                assert!(opened.is_err());
            }
        }
    }
}

fn handshake_epoch(handshake: &Handshake) -> u64 {
    sotto_protocol::EntryHeader::split(&handshake.entry).unwrap().0.epoch
}
