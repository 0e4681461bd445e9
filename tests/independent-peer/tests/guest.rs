//! The peer as a guest in a room of the first implementation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use mls_rs::group::proposal::Proposal;
use sotto_crypto::{
    CryptoError,
    message::Content,
    room::policy::Violation,
    room::{Room, RoomChange},
};
use sotto_independent_peer::{
    card::{Card, card_key},
    certificate::Device,
    room::{Change, PeerRoom},
};
use support::{
    Person, audit, commit, hear, invite, peer_commit, peer_joins, peer_receive, peer_start, prepare, receive,
    same_doors, same_epoch,
};

/// Ada's room with the peer in it, in the same epoch.
fn meet() -> (Person, Room, PeerRoom, String) {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let (bobs, handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    receive(&mut adas, &handshake).unwrap();
    (ada, adas, bobs, fragment)
}

#[test]
fn the_peer_joins_through_a_door_and_both_sides_see_the_same() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let (bobs, handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    assert_eq!(handshake.doors.len(), 4, "the invite's, both accounts', and a decoy");

    let transition = receive(&mut adas, &handshake).unwrap();
    assert!(transition.is_join);
    assert_eq!(transition.committer.display_name, "Bob");
    same_epoch(&adas, &bobs);
    audit(&adas, &handshake);
}

#[test]
fn each_side_opens_what_the_other_says() {
    let (ada, adas, bobs, _) = meet();
    let (body, content) = bobs.hear(&ada.says(&adas, "hello")).unwrap();
    assert_eq!((body.leaf, content.as_text().unwrap().as_deref()), (0, Some("hello")));

    let heard = hear(&adas, &bobs.say("hi", peer_start(&bobs)).unwrap()).unwrap();
    assert_eq!(heard.content, Content::Text("hi".into()));
    assert_eq!(heard.sender.display_name, "Bob");

    let long = "long ".repeat(2_000);
    assert_eq!(bobs.hear(&ada.says(&adas, &long)).unwrap().1.as_text().unwrap(), Some(long.clone()));
    let heard = hear(&adas, &bobs.say(&long, peer_start(&bobs)).unwrap()).unwrap();
    assert_eq!(heard.content, Content::Text(long.into()));
}

#[test]
fn the_peer_follows_commits() {
    let (ada, mut adas, mut bobs, _) = meet();
    for change in [RoomChange::Rename("Meadow".into()), RoomChange::Rotate, RoomChange::Rename("Wood".into())]
    {
        let handshake = commit(&mut adas, &change);
        peer_receive(&mut bobs, &handshake).unwrap();
        same_epoch(&adas, &bobs);
        same_doors(&handshake, &bobs);
    }
    assert_eq!(bobs.state().unwrap().name, "Wood");

    // More doors than one, decoys among them.
    for _ in 0..4 {
        let (_, handshake) = invite(&mut adas, &ada, Some(1));
        peer_receive(&mut bobs, &handshake).unwrap();
        same_epoch(&adas, &bobs);
        same_doors(&handshake, &bobs);
    }
    assert_eq!(bobs.doors().unwrap().len(), 8);
}

#[test]
fn the_peers_commits_are_followed() {
    let (_, mut adas, mut bobs, _) = meet();
    let handshake = peer_commit(&mut bobs, Change::default());
    receive(&mut adas, &handshake).unwrap();
    same_epoch(&adas, &bobs);

    // One that replaces the GroupContext's extensions: a member may open an invite.
    let keys = sotto_independent_peer::door::InviteKeys::of_secret(&[7; 32]).unwrap();
    let mut state = bobs.state().unwrap();
    let own = bobs.roster().unwrap().0[&bobs.own_leaf()].certificate.account();
    state.invites.push(keys.to_invite(own, Some(3)));
    let change = Change { state: Some(state), ..Change::default() };
    let handshake = peer_commit(&mut bobs, change);
    receive(&mut adas, &handshake).unwrap();
    same_epoch(&adas, &bobs);
    assert_eq!(adas.state().invites.len(), 2);

    let handshake = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &handshake).unwrap();
    same_epoch(&adas, &bobs);
    same_doors(&handshake, &bobs);
}

#[test]
fn two_peers_and_two_of_ours_share_a_room() {
    let (ada, mut adas, mut bobs, fragment) = meet();

    // A second peer, through a card of ours.
    let handshake = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &handshake).unwrap();
    let cy = Device::generate("Cy").unwrap();
    let (mut cys, join) = peer_joins(&fragment, &handshake, &cy).unwrap();
    receive(&mut adas, &join).unwrap();
    peer_receive(&mut bobs, &join).unwrap();

    // One of ours, through a card of the peer's.
    let dora = Person::new("Dora");
    let (mut doras, joined) = dora.joins(&fragment, &join).unwrap();
    receive(&mut adas, &joined).unwrap();
    for room in [&mut bobs, &mut cys] {
        peer_receive(room, &joined).unwrap();
        same_epoch(&adas, room);
        same_epoch(&doras, room);
        same_doors(&joined, room);
    }

    let rotation = peer_commit(&mut cys, Change::default());
    receive(&mut adas, &rotation).unwrap();
    receive(&mut doras, &rotation).unwrap();
    peer_receive(&mut bobs, &rotation).unwrap();
    same_epoch(&adas, &cys);
    same_epoch(&doras, &bobs);
    let said = ada.says(&adas, "all here");
    for room in [&bobs, &cys] {
        assert_eq!(room.hear(&said).unwrap().1.as_text().unwrap().as_deref(), Some("all here"));
    }
}

#[test]
fn a_member_opens_the_card_that_a_joiner_of_ours_wrote() {
    let (_, mut adas, mut bobs, fragment) = meet();
    let offered = commit(&mut adas, &RoomChange::Rotate);
    peer_receive(&mut bobs, &offered).unwrap();
    let written = open_card(&offered.card, &bobs);

    let dora = Person::new("Dora");
    let offered = bobs.commit(Change::default(), written.chain.then(1, b"an entry")).unwrap().into();
    let (_, joined) = dora.joins(&fragment, &offered).unwrap();
    peer_receive(&mut bobs, &joined).unwrap();
    let card = open_card(&joined.card, &bobs);
    assert_eq!(
        card.chain,
        written.chain.then(1, b"an entry"),
        "a joiner passes on the chain of the card it used"
    );
}

/// Opens a card of the room's current epoch; it must say what the room knows.
fn open_card(sealed: &[u8], room: &PeerRoom) -> Card {
    let secrets = room.secrets().unwrap();
    let card = Card::open(&card_key(&secrets.wrap).unwrap(), room.id(), sealed).unwrap();
    assert_eq!((card.epoch, *card.handshake, *card.join), (room.epoch(), secrets.handshake, secrets.join));
    card
}

#[test]
fn the_groups_extensions_stand_in_any_order() {
    let (_, mut adas, mut bobs, _) = meet();
    let mut extensions = bobs.state().unwrap().to_extensions().unwrap().to_vec();
    extensions.reverse();
    let proposals = vec![Proposal::GroupContextExtensions(extensions.into())];
    let handshake = peer_commit(&mut bobs, Change { proposals, ..Change::default() });
    receive(&mut adas, &handshake).unwrap();
    same_epoch(&adas, &bobs);
}

#[test]
fn other_capabilities_than_the_rooms_are_refused_nothing_may_hide_in_them() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, None);
    let mut join = prepare(&fragment, &offered, &bob).unwrap();
    join.suites = mls_rs_crypto_rustcrypto::RustCryptoProvider::all_supported_cipher_suites();
    let (_, handshake) = join.commit().unwrap();
    let refused = receive(&mut adas, &handshake.into()).err();
    assert_eq!(refused, Some(CryptoError::Forbidden(Violation::InvalidLeaf)));
}

#[test]
fn a_peer_that_lost_its_room_replaces_its_leaf() {
    let (ada, bob) = (Person::new("Ada"), Device::generate("Bob").unwrap());
    let mut adas = ada.creates();
    let (fragment, offered) = invite(&mut adas, &ada, Some(2));
    let (first, handshake) = peer_joins(&fragment, &offered, &bob).unwrap();
    receive(&mut adas, &handshake).unwrap();

    let handshake = commit(&mut adas, &RoomChange::Rotate);
    let again = prepare(&fragment, &handshake, &bob).unwrap();
    assert_eq!(again.replaces, Some(first.own_leaf()));
    let (bobs, handshake) = again.commit().unwrap();
    let transition = receive(&mut adas, &handshake.into()).unwrap();
    assert!(!transition.is_join, "nobody new came in");
    same_epoch(&adas, &bobs);
    assert_eq!(adas.roster().device_count(), 2);
}
