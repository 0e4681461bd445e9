//! What rooms refuse: joiners without a right, damaged cards, commits against the rules.

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
    link::{InviteLink, InviteSecret},
    room::{Handshake, Invite, JoinRequest, Room, RoomChange, Suite, policy::Violation},
};
use sotto_protocol::EntryKind;
use support::{Person, invite, receive, start};

#[test]
fn an_invite_lets_in_as_many_people_as_it_says() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, Some(1));
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    // Cy made a commit from the same card; the log has Bob's first, so it has to be made again, and then is refused.
    let late = cy.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    assert!(matches!(receive(&mut adas, &late.handshake), Err(CryptoError::WrongEpoch { .. })));
    // The used-up link opens no door any more: not even the card can be fetched with it.
    let door = link.door().unwrap();
    assert!(joining.handshake.doors.iter().all(|candidate| candidate.id != door));
    let (_, next) = invite(&mut adas, &ada, None);
    assert!(next.doors.iter().all(|candidate| candidate.id != door));
}

#[test]
fn doors_of_two_epochs_do_not_tell_decoys_from_invites() {
    let ada = Person::new("Ada");
    let mut adas = ada.creates(Suite::Hybrid);
    let mut card = None;
    for _ in 0..3 {
        card = Some(invite(&mut adas, &ada, None).1);
    }
    let rotated = adas.commit(&RoomChange::Rotate, start(&adas)).unwrap();
    let ids = |doors: &[sotto_protocol::Door]| doors.iter().map(|door| door.id).collect::<Vec<_>>();
    assert_eq!(ids(&card.unwrap().doors), ids(&rotated.doors), "three invites and an account, all as before");
}

#[test]
fn a_revoked_invite_opens_nothing() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let stale = bob.tries_to_join(&link, &card, 1).unwrap();
    let revoked = adas.commit(&RoomChange::RemoveInvite(link.door().unwrap()), start(&adas)).unwrap();
    adas.merge_pending().unwrap();
    assert!(revoked.doors.iter().all(|door| door.id != link.door().unwrap()), "the relay has no such door");
    // Even a relay that lets the old commit through gets it refused: it leaves another epoch.
    let result = adas.stage(stale.handshake.kind, &stale.handshake.entry, &stale.handshake.access_key);
    assert!(matches!(result.err(), Some(CryptoError::WrongEpoch { .. })));
}

#[test]
fn a_link_of_another_secret_or_epoch_opens_nothing() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let join = |link: &InviteLink, card_bytes: &[u8], wrap: &[u8], epoch| {
        JoinRequest { link, card: card_bytes, wrap, epoch, own: &bob.own }.join().err()
    };
    let door = link.door().unwrap();
    let wrap = &card.doors.iter().find(|candidate| candidate.id == door).unwrap().wrap;
    assert_eq!(join(&link, &card.card, wrap, 1), None);
    let other = InviteLink { secret: InviteSecret::generate().unwrap(), ..link.clone() };
    assert_eq!(join(&other, &card.card, wrap, 1), Some(CryptoError::DoesNotOpen));
    let later = InviteLink { epoch: 2, ..link.clone() };
    assert_eq!(join(&later, &card.card, wrap, 1), Some(CryptoError::WrongEpoch { expected: 2, found: 1 }));
    assert_eq!(
        join(&link, &card.card, wrap, 2),
        Some(CryptoError::DoesNotOpen),
        "the relay lies about the epoch"
    );
    for position in [0, 20, 60, card.card.len() / 2, card.card.len() - 1] {
        let mut damaged = card.card.clone();
        damaged[position] ^= 1;
        assert!(join(&link, &damaged, wrap, 1).is_some(), "byte {position} of the card");
    }
    for position in [0, 1000, wrap.len() - 1] {
        let mut damaged = wrap.clone();
        damaged[position] ^= 1;
        assert!(join(&link, &card.card, &damaged, 1).is_some(), "byte {position} of the wrap");
    }
}

#[test]
fn a_certificate_for_another_device_is_not_used() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let mut thief = Person::new("Thief");
    thief.own.certificate = bob.own.certificate.clone();
    assert_eq!(thief.tries_to_join(&link, &card, 1).err(), Some(CryptoError::BadKey));
}

#[test]
fn an_account_that_is_in_the_room_needs_its_own_door_for_another_device() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    let second = bob.on_another_device();
    let result = second.tries_to_join(&link, &joining.handshake, 2);
    assert_eq!(result.err(), Some(CryptoError::Forbidden(Violation::AccountPresent)));
}

#[test]
fn a_commit_with_another_registered_access_key_is_not_merged() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Hybrid);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    let mut wrong = joining.handshake.access_key;
    wrong[0] ^= 1;
    assert!(adas.stage(EntryKind::Join, &joining.handshake.entry, &wrong).is_err());
    receive(&mut adas, &joining.handshake).unwrap();
}

#[test]
fn every_flipped_bit_of_a_handshake_is_noticed() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Classical);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    let entry = &joining.handshake.entry;
    for position in (0..entry.len()).step_by(37) {
        let mut damaged = entry.clone();
        damaged[position] ^= 0x10;
        assert!(
            adas.stage(EntryKind::Join, &damaged, &joining.handshake.access_key).is_err(),
            "byte {position}"
        );
    }
    receive(&mut adas, &joining.handshake).unwrap();
}

/// Opens an invite and gives what the others are sent.
fn invite_of(room: &mut Room, person: &Person, max_uses: Option<u32>) -> Handshake {
    let invite = Invite::of_secret(&InviteSecret::generate().unwrap(), person.account(), max_uses).unwrap();
    let handshake = room.commit(&RoomChange::AddInvite(Box::new(invite), 5_000), start(room)).unwrap();
    room.merge_pending().unwrap();
    handshake
}

#[test]
fn used_up_and_expired_invites_free_their_places() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut adas = ada.creates(Suite::Classical);
    let (link, card) = invite(&mut adas, &ada, Some(1));
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    let mut bobs = joining.room;
    for expires_at_ms in [4_999, 5_000, 5_001] {
        let expiring = Invite::of_secret(&InviteSecret::generate().unwrap(), ada.account(), None).unwrap();
        let change = RoomChange::AddInvite(Box::new(expiring.expiring(expires_at_ms)), 0);
        let handshake = adas.commit(&change, start(&adas)).unwrap();
        adas.merge_pending().unwrap();
        receive(&mut bobs, &handshake).unwrap();
    }
    assert!(adas.state().invite(&link.door().unwrap()).is_none(), "used up: gone with the next one");
    assert_eq!(adas.state().invites.len(), 3);
    // Not Bob's own, and he is no admin.
    receive(&mut adas, &invite_of(&mut bobs, &bob, None)).unwrap();
    assert_eq!(adas.state().invites.len(), 2, "the one whose time is not over, and Bob's");
}

#[test]
fn invites_are_limited_and_an_invite_is_closed_only_by_its_maker_or_the_owner() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let mut adas = ada.creates(Suite::Classical);
    let (link, card) = invite(&mut adas, &ada, None);
    let joining = bob.tries_to_join(&link, &card, 1).unwrap();
    receive(&mut adas, &joining.handshake).unwrap();
    let mut bobs = joining.room;
    let refused = bobs.commit(&RoomChange::RemoveInvite(link.door().unwrap()), start(&bobs));
    assert_eq!(refused.err(), Some(CryptoError::Forbidden(Violation::StateChange)));
    let in_anothers_name = Invite::of_secret(&InviteSecret::generate().unwrap(), cy.account(), None).unwrap();
    let refused = bobs.commit(&RoomChange::AddInvite(Box::new(in_anothers_name), 0), start(&bobs));
    assert_eq!(refused.err(), Some(CryptoError::Forbidden(Violation::StateChange)));
    receive(&mut bobs, &invite_of(&mut adas, &ada, None)).unwrap();
    for _ in 0..4 {
        receive(&mut adas, &invite_of(&mut bobs, &bob, None)).unwrap();
    }
    let one_more = Invite::of_secret(&InviteSecret::generate().unwrap(), bob.account(), None).unwrap();
    let refused = bobs.commit(&RoomChange::AddInvite(Box::new(one_more), 0), start(&bobs));
    assert!(matches!(refused, Err(CryptoError::OverLimit { max: 4, .. })));
    for _ in 6..16 {
        invite(&mut adas, &ada, None);
    }
    let one_more = Invite::of_secret(&InviteSecret::generate().unwrap(), ada.account(), None).unwrap();
    let refused = adas.commit(&RoomChange::AddInvite(Box::new(one_more), 0), start(&adas));
    assert!(matches!(refused, Err(CryptoError::OverLimit { max: 16, .. })));
}
