//! Whoever changes a room: handshakes that race, rewinds, repairs, retention, doors and registers.

use super::room::{Known, Link, PAUSE, Settled, Shared, publication};
use crate::support::*;
use ed25519_dalek::Signer as _;
use sotto_protocol::{
    ErrorCode, RepairEpoch, Reply, Request, RoomAccess, SetRetention, StatusRequest, WriteStatus, entry_hash,
    retention_statement,
};
use sotto_test_services::Dice;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Two of these race in every room. Only the first repairs and sets how long messages are kept, so that it knows what came last.
pub async fn lead(shared: Arc<Shared>, mut dice: Dice, is_first: bool) {
    let mut link = Link::new(&shared);
    while !shared.is_over() {
        let known = shared.known();
        if link.open(&known.room).await != Some(RoomAccess::Full) {
            sleep(PAUSE).await;
            continue;
        }
        match dice.below(8) {
            0 if is_first => repair(&shared, &mut link, &known, &mut dice).await,
            1 if is_first => retain(&shared, &mut link, &known, &mut dice).await,
            2 | 3 if is_first => write_and_read_register(&shared, &mut link, &known).await,
            4 if known.chain.len() >= 3 => rewind(&shared, &mut link, known, &mut dice).await,
            5 => look_behind_the_door(&mut link, &known).await,
            _ => commit(&shared, &mut link, known, &mut dice).await,
        }
        sleep(Duration::from_millis(10 + dice.below(50))).await;
    }
}

async fn commit(shared: &Shared, link: &mut Link, known: Known, dice: &mut Dice) {
    let mut next = known;
    let published = publication(dice);
    let mut commit = next.room.commit(&[]);
    commit.card = published.card.clone();
    commit.doors = published.doors.clone();
    commit.capsule = published.capsule;
    commit.capsule_wraps = published.capsule_wraps;
    if dice.one_in(3) {
        commit.handover = Some(next.room.handover(&commit, &shared.admin, &[&shared.admin]));
    }
    commit.history = Some(random::<40>().to_vec());
    commit.cut = dice.one_in(5).then_some(true);
    let entry = commit.entry.clone();
    match link.settle(&Request::AppendHandshake(commit)).await {
        Settled::Appended(seq) => {
            next.room.last_handshake_seq = seq;
            next.chain.push((seq, entry.clone()));
            next.card = published.card;
            next.doors = published.doors.iter().map(|door| door.id).collect();
            shared.acknowledge(seq, entry);
            shared.advance(next);
        }
        Settled::Refused(code) | Settled::Doubtful(code) => {
            assert_eq!(code, ErrorCode::Conflict);
            shared.refuse(entry);
        }
    }
}

async fn rewind(shared: &Shared, link: &mut Link, known: Known, dice: &mut Dice) {
    let mut next = known;
    let (bad_seq, bad_entry) = next.chain.pop().unwrap();
    let epoch = next.room.epoch() - 1;
    let published = publication(dice);
    let append = next.room.rewind_with(epoch, (bad_seq, &bad_entry), Some(&shared.admin), published.clone());
    let entry = append.rewind.clone();
    match link.settle(&Request::Rewind(append)).await {
        Settled::Appended(seq) => {
            next.room.go_back(epoch, seq);
            next.card = published.card;
            next.doors = published.doors.iter().map(|door| door.id).collect();
            shared.acknowledge(seq, entry);
            shared.advance(next);
        }
        Settled::Refused(code) | Settled::Doubtful(code) => {
            assert_eq!(code, ErrorCode::Conflict);
            shared.refuse(entry);
        }
    }
}

async fn repair(shared: &Shared, link: &mut Link, known: &Known, dice: &mut Dice) {
    let published = publication(dice);
    let (room, epoch) = (known.room.id, known.room.epoch());
    let last_handshake_seq = known.room.last_handshake_seq;
    let published_now = Some(published.clone());
    let repair = RepairEpoch { room, epoch, published: published_now, history: None, last_handshake_seq };
    loop {
        match link.ask(|_| Request::Repair(repair.clone())).await {
            Some(Reply::Done) => {
                return shared.note_published(known.room.last_handshake_seq, &published);
            }
            Some(Reply::Error(error)) => {
                assert!(matches!(error.code, ErrorCode::StaleEpoch | ErrorCode::RoomNotOpen), "{error:?}");
                return;
            }
            // Perhaps it is there and perhaps not: until it is, nobody knows what the card is.
            None => while link.open(&known.room).await.is_none() {},
            Some(other) => panic!("{other:?}"),
        }
    }
}

async fn retain(shared: &Shared, link: &mut Link, known: &Known, dice: &mut Dice) {
    let room = known.room.id;
    let kept_s = 24 * 60 * 60 * (1 + dice.below(100));
    let seconds = Some(kept_s);
    loop {
        let signed = |client: &Client| {
            let challenge = &client.welcome.challenge;
            let statement = retention_statement(&client.authority, challenge, &room, kept_s);
            let signature = shared.admin.sign(&statement).to_bytes();
            Request::SetRetention(SetRetention { room, seconds, admin_key: public(&shared.admin), signature })
        };
        match link.ask(signed).await {
            Some(Reply::Done) => return shared.note_retention(seconds),
            // Another one has led the room on meanwhile.
            Some(Reply::Error(error)) if error.code == ErrorCode::RoomNotOpen => return,
            None => while link.open(&known.room).await.is_none() {},
            Some(other) => panic!("{other:?}"),
        }
    }
}

async fn look_behind_the_door(link: &mut Link, known: &Known) {
    let Some(door) = known.doors.first().copied() else { return };
    match link.ask(|client| client.card_request(known.room.id, door)).await {
        Some(Reply::Card(card)) => {
            let is_same_epoch = card.last_handshake_seq == known.room.last_handshake_seq;
            assert!(!is_same_epoch || entry_hash(&card.card) == entry_hash(&known.card), "another card");
        }
        // Somebody else has led the room on, or repaired it.
        Some(Reply::Error(error)) => assert_eq!(error.code, ErrorCode::DoorClosed),
        None => {}
        Some(other) => panic!("{other:?}"),
    }
}

/// A register is acknowledged before it is on disk: after a crash an earlier value may be there, but none that nobody wrote.
async fn write_and_read_register(shared: &Shared, link: &mut Link, known: &Known) {
    let mut value = [0; 256];
    value[..32].copy_from_slice(&random::<32>());
    shared.note_status(value);
    let room = known.room.id;
    match link.ask(|_| Request::WriteStatus(WriteStatus { room, key: [1; 32], value })).await {
        Some(Reply::Done | Reply::Error(_)) | None => {}
        Some(other) => panic!("{other:?}"),
    }
    match link.ask(|_| Request::Statuses(StatusRequest { room })).await {
        Some(Reply::Statuses(statuses)) => {
            assert!(statuses.iter().all(|status| shared.was_written(&status.value)));
        }
        Some(Reply::Error(error)) => assert_eq!(error.code, ErrorCode::RoomNotOpen),
        None => {}
        Some(other) => panic!("{other:?}"),
    }
}
