//! What is not inside the group: links, the log's chain, what the relay verifies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use sotto_crypto::link::InviteLink;
use sotto_independent_peer::{
    certificate::verify_signature, chain::Chain as PeerChain, encoding::Id, link::InviteLink as PeerLink,
    statement,
};
use sotto_protocol::{
    Chain, Challenge, DoorId, EntryKind, RoomId, entry_hash, join_statement, open_statement,
};

const ROOM: [u8; 16] = [1; 16];
const DOOR: [u8; 16] = [2; 16];

#[test]
fn both_sides_write_and_read_the_same_link() {
    let peers = PeerLink { room: ROOM.into(), secret: [3; 32], inviter: [4; 16].into(), epoch: 1 << 40 };
    let ours = InviteLink::from_fragment(&peers.to_fragment()).unwrap();
    assert_eq!((*ours.room.as_bytes(), *ours.inviter.as_bytes(), ours.epoch), (ROOM, [4; 16], 1 << 40));
    assert_eq!(*ours.to_fragment(), peers.to_fragment());
    assert_eq!(PeerLink::from_fragment(&ours.to_fragment()).unwrap(), peers);
    let fragment = peers.to_fragment();
    assert!(PeerLink::from_fragment(&fragment[1..]).is_err());
    assert!(InviteLink::from_fragment(&fragment[1..]).is_err());
}

#[test]
fn both_sides_hash_the_same_log() {
    let (mut ours, mut peers) = (Chain::start(&RoomId::new(ROOM)), PeerChain::start(&ROOM.into()));
    for (seq, kind) in [(1, EntryKind::Handshake), (2, EntryKind::Message), (3, EntryKind::Join)] {
        let entry = [u8::try_from(seq).unwrap(); 300];
        ours = ours.then(seq, kind, &entry_hash(&entry));
        peers = peers.then(kind.code(), &entry);
        assert_eq!((ours.seq, ours.hash), (peers.seq, *peers.hash));
    }
}

#[test]
fn both_sides_sign_the_same_statements() {
    let (room, peer_room, peer_door) = (RoomId::new(ROOM), Id::from(ROOM), Id::from(DOOR));
    let authority = "relay.example:8443";
    assert_eq!(
        open_statement(authority, &Challenge::new([5; 32]), &room, 9),
        statement::open_statement(authority, &[5; 32], &peer_room, 9)
    );
    assert_eq!(
        join_statement(authority, &Challenge::new([5; 32]), &room, 9, &DoorId::new(DOOR), b"entry"),
        statement::join_statement(authority, &[5; 32], &peer_room, 9, &peer_door, b"entry")
    );
}

/// The peer verifies as we do, at the edges too (`sotto-known-answers` runs the same lines through our own).
#[test]
fn the_peer_judges_edge_cases_of_ed25519_alike() {
    let mut judged = 0;
    for line in include_str!("../../known-answers/data/ed25519-edges.txt").lines() {
        let [name, key, signature, message, answer] = line.split(' ').collect::<Vec<_>>()[..] else {
            continue;
        };
        let Some([key, signature, message]) = from_hex([key, signature, message]) else { continue };
        let (key, signature): ([u8; 32], [u8; 64]) = (key.try_into().unwrap(), signature.try_into().unwrap());
        let verified = verify_signature(&key.into(), &message, &signature.into(), "signature");
        assert_eq!(verified.is_ok(), answer == "valid", "{name}");
        judged += 1;
    }
    assert_eq!(judged, 52);
}

fn from_hex(texts: [&str; 3]) -> Option<[Vec<u8>; 3]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = |text: &str| {
        text.as_bytes()
            .chunks(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<_>>()
    };
    let [key, signature, message] = texts.map(bytes);
    Some([key?, signature?, message?])
}
