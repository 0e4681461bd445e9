//! Doors, cards, and the one handshake of a newcomer.

use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::{CardReply, CardRequest, DoorId, ErrorCode, Reply, Request, card_statement};

async fn room_with_door(relay: &TestRelay) -> (Client, Room, DoorId) {
    let mut client = relay.connect().await;
    let mut room = Room::new();
    let door = DoorId::new(random());
    client.create(&room).await;
    client.open(&room).await;
    client.commit(&mut room, &[door, DoorId::new(random())]).await;
    (client, room, door)
}

#[tokio::test]
async fn who_holds_a_doors_secret_gets_its_card() {
    let relay = TestRelay::start().await;
    let (mut alice, mut room, door) = room_with_door(&relay).await;
    let mut newcomer = relay.connect().await;
    let expected = CardReply {
        epoch: 1,
        last_handshake_seq: 1,
        card: b"card of epoch 1".to_vec(),
        wrap: [b"wrap ", &door.as_bytes()[..]].concat(),
        turn_ms: None,
    };
    assert_eq!(newcomer.card(&room, door).await, Reply::Card(expected));
    let error = |code: ErrorCode| Reply::Error(code.into());
    assert_eq!(newcomer.card(&room, DoorId::new(random())).await, error(ErrorCode::DoorClosed));
    assert_eq!(newcomer.card(&Room::new(), door).await, error(ErrorCode::UnknownRoom));

    alice.commit(&mut room, &[]).await;
    assert_eq!(newcomer.card(&room, door).await, error(ErrorCode::DoorClosed), "revoked");
}

/// Ids of doors stay the same, and everybody who was ever in the room knows them: who was removed, or once opened a card by a link that
/// was revoked since, could ask for the card for ever, and so learn that there was a commit.
#[tokio::test]
async fn who_knows_a_doors_id_and_has_not_its_secret_learns_nothing() {
    let relay = TestRelay::start().await;
    let (mut alice, mut room, door) = room_with_door(&relay).await;
    let mut removed = relay.connect().await;
    let elsewhere = Client::try_connect(&relay.authority(), &[("host", "other.example")]).await.unwrap();
    let by = |client: &Client, key: &SigningKey, signed_door: DoorId| {
        let statement = card_statement(&client.authority, &client.welcome.challenge, &room.id, &signed_door);
        let signature = key.sign(&statement).to_bytes();
        Request::Card(CardRequest { room: room.id, door, signature })
    };
    let secret = door_secret(&door);
    let other_room = removed.card_request(Room::new().id, door);
    let Request::Card(mut moved) = other_room else { panic!("no card") };
    moved.room = room.id;
    let asked = [
        ("no signature", Request::Card(CardRequest { room: room.id, door, signature: [0; 64] })),
        ("a key of one's own", by(&removed, &signing_key(), door)),
        ("another door's", by(&removed, &secret, DoorId::new(random()))),
        ("another connection's challenge", by(&alice, &secret, door)),
        ("another relay's name", by(&elsewhere, &secret, door)),
        ("another room", Request::Card(moved)),
        ("no such door", removed.card_request(room.id, DoorId::new(random()))),
    ];
    for (what, request) in asked.clone() {
        assert_eq!(removed.ask(request).await, error(ErrorCode::DoorClosed), "{what}");
    }
    assert!(matches!(removed.card(&room, door).await, Reply::Card(_)), "its holder does");
    // After a commit, and after the door was closed, it is all the same.
    alice.commit(&mut room, &[door]).await;
    for (what, request) in asked.clone() {
        assert_eq!(removed.ask(request).await, error(ErrorCode::DoorClosed), "{what}, later");
    }
    alice.commit(&mut room, &[]).await;
    for (what, request) in asked {
        assert_eq!(removed.ask(request).await, error(ErrorCode::DoorClosed), "{what}, closed");
    }
}

#[tokio::test]
async fn a_newcomer_joins_through_a_door() {
    let relay = TestRelay::start().await;
    let (mut alice, mut room, door) = room_with_door(&relay).await;
    let mut newcomer = relay.connect().await;
    let mut commit = room.commit(&[door]);
    room.join(&newcomer, 1, door, &mut commit);
    let seq = appended(newcomer.ask(Request::AppendHandshake(commit.clone())).await);
    newcomer.open(&room).await;
    newcomer.append(&room, &entry(2, b"hello")).await;
    let (_, pushed) = alice.pushed_entry().await;
    assert_eq!(pushed.seq, 1, "her own");
    assert_eq!(alice.pushed_entry().await.1.access_key, Some(room.access_key(2)));

    // The acknowledgement got lost: the same bytes under a new challenge, though the join key has changed.
    let mut again = relay.connect().await;
    room.join(&again, 1, door, &mut commit);
    assert_eq!(again.ask(Request::AppendHandshake(commit)).await, Reply::Appended(seq));
}

#[tokio::test]
async fn a_join_needs_door_key_and_challenge() {
    let relay = TestRelay::start().await;
    let (mut alice, room, door) = room_with_door(&relay).await;
    let mut newcomer = relay.connect().await;
    let elsewhere = Client::try_connect(&relay.authority(), &[("host", "other.example")]).await.unwrap();
    let next = |from: &Room, by: &Client, epoch, through| {
        let mut commit = from.clone().commit(&[door]);
        from.join(by, epoch, through, &mut commit);
        commit
    };

    let wrong_door = next(&room, &newcomer, 1, DoorId::new(random()));
    let mut another_door = next(&room, &newcomer, 1, door);
    another_door.join.as_mut().unwrap().door = DoorId::new(random());
    let old_key = next(&room, &newcomer, 0, door);
    let other_room = Room { id: room.id, last_handshake_seq: 1, ..second_epoch() };
    let wrong_key = next(&other_room, &newcomer, 1, door);
    let replayed = next(&room, &alice, 1, door);
    let other_host = next(&room, &elsewhere, 1, door);
    let mut other_entry = next(&room, &newcomer, 1, door);
    *other_entry.entry.last_mut().unwrap() ^= 1;
    let mut unknown_room = next(&room, &newcomer, 1, door);
    unknown_room.room = Room::new().id;
    let mut conflict = next(&room, &newcomer, 1, door);
    conflict.last_handshake_seq = 0;
    for (what, commit, expected) in [
        ("a door that never was", wrong_door, ErrorCode::DoorClosed),
        ("another door than signed", another_door, ErrorCode::BadSignature),
        ("the join key of an earlier epoch", old_key, ErrorCode::BadSignature),
        ("a key of one's own", wrong_key, ErrorCode::BadSignature),
        ("another connection's challenge", replayed, ErrorCode::BadSignature),
        ("another relay's name", other_host, ErrorCode::BadSignature),
        ("a flipped bit", other_entry, ErrorCode::BadSignature),
        ("no such room", unknown_room, ErrorCode::UnknownRoom),
        ("an older state", conflict, ErrorCode::Conflict),
    ] {
        assert_eq!(newcomer.refusal_code(Request::AppendHandshake(commit)).await, expected, "{what}");
    }

    let mut room = room;
    let prepared = next(&room, &newcomer, 1, door);
    alice.commit(&mut room, &[]).await;
    assert_eq!(
        newcomer.refusal_code(Request::AppendHandshake(prepared)).await,
        ErrorCode::BadSignature,
        "the card is of an epoch that is over"
    );
    // With the card of the current epoch it is told that its door is closed.
    let closed = next(&room, &newcomer, 2, door);
    assert_eq!(
        newcomer.refusal_code(Request::AppendHandshake(closed)).await,
        ErrorCode::DoorClosed,
        "revoked"
    );
    assert_eq!(alice.whole_log(&room).await.len(), 2, "none of them left a trace");
}

fn second_epoch() -> Room {
    let mut room = Room::new();
    room.commit(&[]);
    room
}
