//! Cards that a member writes for those who come in, and that are not what they should be.

use super::{ADA, MALLORY, Person, World};
use crate::{
    CryptoError,
    room::{
        AccountJoin, Flaw, History, Place, Publication, Room, RoomChange, Suite, card::Card, door,
        history::EpochRecord,
    },
};
use sotto_protocol::Chain;
use tls_codec::{Serialize as _, VLBytes};

/// With what a GroupInfo ends: signer, and an Ed25519 signature with its length.
const TAIL: usize = 4 + 66;

fn no_log(_: u64) -> Place {
    Place::Unknown
}

/// Mallory's card, with a GroupInfo that is changed at `from_end` and signed by her again.
fn forged(world: &World, from_end: usize) -> Publication {
    let mallory = &world.rooms[MALLORY];
    let held = mallory.republish(Chain::start(&mallory.id())).unwrap();
    let key = door::card_key(&mallory.secrets().unwrap()).unwrap();
    let mut card = Card::open(&key, &mallory.id(), &held.card).unwrap();
    let length = card.group_info.len();
    card.group_info[length - from_end] ^= 1;
    let content = card.group_info[4..length - 66].to_vec();
    let signed = [
        VLBytes::from(b"MLS 1.0 GroupInfoTBS".to_vec()).tls_serialize_detached().unwrap(),
        VLBytes::from(content).tls_serialize_detached().unwrap(),
    ]
    .concat();
    card.group_info[length - 64..].copy_from_slice(&mallory.device().sign(&signed));
    Publication { card: card.seal(&key, &mallory.id()).unwrap(), ..held }
}

/// Detected by whoever looks: [`Flaw::Card`]. With a wrong confirmation tag a newcomer would make a commit that everyone refuses.
#[test]
fn a_card_with_a_wrong_confirmation_tag_is_found() {
    let world = World::three();
    let held = forged(&world, TAIL + 1);
    for who in [ADA, 2] {
        assert_eq!(world.rooms[who].audit(&held, no_log).unwrap(), [Flaw::Card]);
    }
}

/// Detected by whoever looks: [`Flaw::Card`]. By a wrong access key whoever comes in could not tell who may void that.
#[test]
fn a_card_with_another_access_key_is_found() {
    let world = World::three();
    let mallory = &world.rooms[MALLORY];
    let held = mallory.republish(Chain::start(&mallory.id())).unwrap();
    let key = door::card_key(&mallory.secrets().unwrap()).unwrap();
    let card = Card::open(&key, &mallory.id(), &held.card).unwrap();
    let card = Card { access_key: [7; 32], ..card };
    let held = Publication { card: card.seal(&key, &mallory.id()).unwrap(), ..held };
    assert_eq!(world.rooms[ADA].audit(&held, no_log).unwrap(), [Flaw::Card]);
}

/// Detected by whoever was there before: [`Flaw::History`]. Newcomers would believe it, about who had which role.
#[test]
fn a_history_link_that_lies_about_the_epoch_before_is_found() {
    let mut world = World::three();
    world.change(ADA, &RoomChange::SetHistory(History::Shared));
    world.change(MALLORY, &RoomChange::Rotate);
    let mallory = &world.rooms[MALLORY];
    let mut record = mallory.previous.clone().unwrap();
    let link = |record: &EpochRecord| record.to_link(&mallory.secrets().unwrap().message, &mallory.id());
    let honest = link(&record).unwrap();
    record.authority.owner = world.people[MALLORY].account();
    let lie = link(&record).unwrap();
    for who in [ADA, 2] {
        assert_eq!(world.rooms[who].audit_history(Some(&honest)), Ok(None));
        assert_eq!(world.rooms[who].audit_history(Some(&lie)), Ok(Some(Flaw::History)));
    }
}

/// Prevented: [`CryptoError::Malformed`]. What is sealed to a public key, or by a member, may be anybody's making: a reader takes no record
/// but the one that the epoch after it names. After a gap it goes on at a whole roster that is named.
#[test]
fn a_made_up_record_of_the_time_before_is_not_read() {
    let mut world = World::three();
    world.change(ADA, &RoomChange::SetHistory(History::Shared));
    let mut records = Vec::new();
    while world.rooms[ADA].epoch() < 130 {
        let room = &mut world.rooms[ADA];
        records.push(room.record(&room.secrets().unwrap()).unwrap());
        world.held = room.commit(&RoomChange::Rotate, Chain::start(&room.id())).unwrap();
        room.merge_pending().unwrap();
    }
    let ada = &world.rooms[ADA];
    let reader = world.tries_to_join(&Person::new("Eve")).unwrap().history().unwrap();
    let refused = Some(CryptoError::Malformed("history that nothing vouches for"));
    let record = |epoch: u64| records.iter().find(|record| record.epoch == epoch).unwrap().clone();
    let lies = |record: &EpochRecord| {
        let mut made_up = record.clone();
        made_up.authority.owner = world.people[MALLORY].account();
        made_up
    };
    let current = ada.record(&ada.secrets().unwrap()).unwrap();
    assert_eq!(reader.clone().take(lies(&current)).err(), refused);
    let mut honest = reader;
    honest.take(current).unwrap();
    assert_eq!(honest.clone().take(lies(&record(129))).err(), refused);
    honest.take(record(129)).unwrap();
    // The relay says that it has lost 128, or lost 127 only.
    let mut without_whole = honest.clone();
    without_whole.skip();
    for epoch in [127, 126] {
        assert_eq!(without_whole.clone().take(record(epoch)).err(), refused, "{epoch}");
        without_whole.skip();
    }
    honest.take(record(128)).unwrap();
    honest.skip();
    for epoch in (65..127).rev() {
        assert!(honest.clone().take(record(epoch)).is_err(), "{epoch}: nobody says who was there");
        honest.skip();
    }
    assert_eq!(honest.clone().take(lies(&record(64))).err(), refused);
    honest.take(record(64)).unwrap();
    honest.take(record(63)).unwrap();
}

/// The same with a change anywhere else before the signer. Her own signature as such is no flaw.
#[test]
fn a_card_signed_by_another_member_is_good_as_long_as_it_says_the_same() {
    let world = World::three();
    let mallory = &world.rooms[MALLORY];
    let honest = mallory.republish(Chain::start(&mallory.id())).unwrap();
    assert_eq!(world.rooms[ADA].audit(&honest, no_log).unwrap(), []);
    for from_end in [TAIL + 20, TAIL + 40, TAIL + 200, TAIL + 1000] {
        assert_eq!(
            world.rooms[ADA].audit(&forged(&world, from_end), no_log).unwrap(),
            [Flaw::Card],
            "{from_end}"
        );
    }
}

/// Detected: whoever comes in with such a card makes a commit that does not fit; all refuse it, and any member voids it.
#[test]
fn whoever_comes_in_with_such_a_card_is_refused_by_everyone_alike() {
    let mut world = World::three();
    let held = forged(&world, TAIL + 1);
    world.held.card = held.card;
    world.held.doors = held.doors;
    // The library of the newcomer may notice; if it does not, the members do.
    let Ok(joining) = world.tries_to_join(&Person::new("Eve")) else { return };
    for who in [ADA, 2] {
        let room = &mut world.rooms[who];
        assert!(
            room.stage(joining.handshake.kind, &joining.handshake.entry, &joining.handshake.access_key)
                .is_err()
        );
    }
}

/// Prevented: [`CryptoError::Malformed`]. The library judges the lifetime of a leaf that came by a KeyPackage by the reader's clock, so
/// that two newcomers could judge one card differently. No room has such a leaf once there is a card.
#[test]
fn a_card_with_a_leaf_that_ages_is_refused_by_every_clock() {
    let ada = Person::new("Ada");
    let room = Room::create(Suite::Classical, "Garden", &ada.own).unwrap();
    let phone = ada.next_device();
    let comes_in = |room: &Room| {
        let held = room.republish(Chain::start(&room.id())).unwrap();
        let door = phone.own.door(&room.id()).unwrap();
        let wrap = &held.doors.iter().find(|held| held.id == door).unwrap().wrap;
        let (id, epoch, own) = (room.id(), room.epoch(), &phone.own);
        AccountJoin { room: id, card: &held.card, wrap, epoch, own }.join().map(drop)
    };
    assert_eq!(comes_in(&room), Err(CryptoError::Malformed("card")));
    let mut room = room;
    room.commit(&RoomChange::Rotate, Chain::start(&room.id())).unwrap();
    room.merge_pending().unwrap();
    assert_eq!(comes_in(&room), Ok(()));
}
