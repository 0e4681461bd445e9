//! What rooms do: create, invite, join, talk, rotate, race, be stored and loaded.

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
    message::Content,
    room::{Room, RoomChange, Suite},
};
use support::{Person, hear, invite, receive, same_epoch, say, start};

const SUITES: [Suite; 2] = [Suite::Hybrid, Suite::Classical];

#[test]
fn two_people_meet_by_a_link_and_talk() {
    for suite in SUITES {
        let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
        let mut adas = ada.creates(suite);
        assert_eq!((adas.epoch(), adas.suite()), (0, suite));
        let (link, card) = invite(&mut adas, &ada, None);

        let joining = bob.tries_to_join(&link, &card, adas.epoch()).unwrap();
        assert!(joining.is_inviter_present);
        let transition = receive(&mut adas, &joining.handshake).unwrap();
        assert!(transition.is_join);
        assert_eq!(transition.committer.display_name, "Bob");
        let bobs = joining.room;
        same_epoch(&adas, &bobs);
        assert_eq!(bobs.state().name, "Garden");

        let heard = hear(&bobs, &say(&adas, "hello")).unwrap();
        assert_eq!(
            (heard.content, heard.sender.display_name.as_str()),
            (Content::Text("hello".into()), "Ada")
        );
        let heard = hear(&adas, &say(&bobs, "hi")).unwrap();
        assert_eq!(heard.sender.account, bob.account());
    }
}

#[test]
fn a_third_person_joins_by_the_second_ones_card() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let bobs_join = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &bobs_join.handshake).unwrap();
    let mut bobs = bobs_join.room;

    let cys_join = cy.tries_to_join(&link, &bobs_join.handshake, 2).unwrap();
    for room in [&mut adas, &mut bobs] {
        receive(room, &cys_join.handshake).unwrap();
    }
    let mut cys = cys_join.room;
    same_epoch(&adas, &cys);
    same_epoch(&bobs, &cys);

    let renamed = cys.commit(&RoomChange::Rename("Mine".into()), start(&cys));
    assert!(matches!(renamed, Err(CryptoError::Forbidden(_))), "only the owner renames");
    let handshake = cys.commit(&RoomChange::Rotate, start(&cys)).unwrap();
    cys.merge_pending().unwrap();
    let before = adas.secrets().unwrap();
    for room in [&mut adas, &mut bobs] {
        receive(room, &handshake).unwrap();
        same_epoch(room, &cys);
    }
    assert_ne!(before, adas.secrets().unwrap());
}

#[test]
fn of_two_commits_the_one_in_the_log_wins_and_the_other_is_made_again() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    let mut bobs = joining.room;

    let won = adas.commit(&RoomChange::Rename("Meadow".into()), start(&adas)).unwrap();
    let lost = bobs.commit(&RoomChange::Rotate, start(&bobs)).unwrap();
    assert_eq!(bobs.commit(&RoomChange::Rotate, start(&bobs)), Err(CryptoError::CommitPending));
    adas.merge_pending().unwrap();
    let transition = receive(&mut bobs, &won).unwrap();
    assert_eq!(transition.renamed.as_deref(), Some("Meadow"));
    assert!(!bobs.has_pending_commit());
    same_epoch(&adas, &bobs);
    assert!(matches!(
        adas.stage(lost.kind, &lost.entry, &lost.access_key),
        Err(CryptoError::WrongEpoch { .. })
    ));

    let again = bobs.commit(&RoomChange::Rotate, start(&bobs)).unwrap();
    bobs.merge_pending().unwrap();
    receive(&mut adas, &again).unwrap();
    same_epoch(&adas, &bobs);
}

#[test]
fn a_stored_room_goes_on_where_it_stopped_even_with_a_commit_pending() {
    for suite in SUITES {
        let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
        let mut adas = ada.creates(suite);
        let (link, card) = invite(&mut adas, &ada, None);
        let joining = bob.tries_to_join(&link, &card, 1).unwrap();
        receive(&mut adas, &joining.handshake).unwrap();
        let mut bobs = Room::load(adas.id(), bob.own.device.clone(), &joining.room.save().unwrap()).unwrap();
        same_epoch(&adas, &bobs);

        let handshake = adas.commit(&RoomChange::Rotate, start(&adas)).unwrap();
        let mut adas = Room::load(adas.id(), ada.own.device.clone(), &adas.save().unwrap()).unwrap();
        assert!(adas.has_pending_commit());
        adas.merge_pending().unwrap();
        receive(&mut bobs, &handshake).unwrap();
        same_epoch(&adas, &bobs);
        hear(&bobs, &say(&adas, "still here")).unwrap();

        // A discarded commit leaves the room as it was.
        bobs.commit(&RoomChange::Rotate, start(&bobs)).unwrap();
        bobs.discard_pending().unwrap();
        let bobs = Room::load(adas.id(), bob.own.device.clone(), &bobs.save().unwrap()).unwrap();
        assert!(!bobs.has_pending_commit());
        same_epoch(&adas, &bobs);
    }
}

#[test]
fn processing_a_commit_can_be_repeated_until_it_is_merged() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    let before = adas.save().unwrap();
    for _ in 0..2 {
        adas.stage(joining.handshake.kind, &joining.handshake.entry, &joining.handshake.access_key).unwrap();
    }
    assert_eq!(*adas.save().unwrap(), *before, "staging writes nothing");
    receive(&mut adas, &joining.handshake).unwrap();
    same_epoch(&adas, &joining.room);
}

#[test]
fn doors_are_padded_and_every_member_can_recompute_them() {
    let ada = Person::new("Ada");
    let mut adas = ada.creates(Suite::Hybrid);
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let (_, card) = invite(&mut adas, &ada, None);
        assert!(card.doors.iter().all(|door| door.wrap.len() == card.doors[0].wrap.len()));
        sizes.push(card.doors.len());
        assert_eq!(adas.audit(&card.publication(), support::no_log).unwrap(), []);
    }
    // The invites, and the door of Ada's account.
    assert_eq!(sizes, [2, 4, 4, 8, 8]);
}

#[test]
fn a_device_that_lost_its_room_comes_back_by_the_link_and_replaces_its_old_leaf() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, Some(2));
    let first = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &first.handshake).unwrap();
    let again = bob.tries_to_join(&link, &first.handshake, 2).unwrap();
    let transition = receive(&mut adas, &again.handshake).unwrap();
    assert!(!transition.is_join, "nobody new came in");
    assert_eq!(adas.roster().device_count(), 2);
    same_epoch(&adas, &again.room);
    hear(&adas, &say(&again.room, "back")).unwrap();
}
