//! Cuts: what whoever was removed can still get from an honest relay.

use crate::support::*;
use sotto_protocol::{
    DoorId, ErrorCode, HeldRequest, HistoryRequest, OpenRoom, RepairEpoch, Reply, Request, RoomAccess,
    StatusRequest, WriteStatus,
};

#[tokio::test]
async fn who_was_removed_learns_that_and_nothing_more() {
    let relay = TestRelay::start().await;
    let (mut alice, mut removed) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[]).await; // 1
    removed.open(&room).await;
    alice.append(&room, &entry(1, b"with them")).await; // 2
    let mut cut = room.commit(&[]);
    cut.cut = Some(true);
    alice.send_commit(&mut room, cut).await; // 3
    alice.append(&room, &entry(2, b"without")).await; // 4
    alice.commit(&mut room, &[]).await; // 5
    let mut again = room.commit(&[]);
    again.cut = Some(true);
    alice.send_commit(&mut room, again).await; // 6: another one is removed

    for seq in [2, 3] {
        assert_eq!(removed.pushed_entry().await.1.seq, seq);
    }
    removed.expect_silence().await;
    assert_eq!(seqs(&removed.whole_log(&room).await), [3]);
    for (epoch, last, now) in [(0, 3, 2), (1, 3, 2), (2, 6, 4), (3, 6, 4)] {
        let mut back = relay.connect().await;
        let opened = back.open_at(&room, epoch).await;
        assert_eq!(opened.access, RoomAccess::Handshakes);
        let seen = (opened.epoch, opened.head_seq, opened.last_handshake_seq);
        assert_eq!(seen, (now, last, last), "the room as it was when it was removed from it, {epoch}");
        assert_eq!(back.whole_log(&room).await.last().map(|entry| entry.seq), Some(last));
        // Whichever epoch and place it tries: no answer tells what is current.
        for guess in 0..=5 {
            assert_eq!(back.refusal_code(append(&room, &entry(guess, b""))).await, ErrorCode::RoomNotOpen);
            let mut commit = room.clone().commit(&[]);
            commit.entry = entry(guess, b"commit");
            commit.last_handshake_seq = guess + 1;
            assert_eq!(back.refusal_code(Request::AppendHandshake(commit)).await, ErrorCode::RoomNotOpen);
            let confirm = room.confirm(1, guess, b"commit");
            assert_eq!(back.refusal_code(Request::Confirm(confirm)).await, ErrorCode::RoomNotOpen);
            let repair = RepairEpoch {
                room: room.id,
                epoch: guess,
                published: None,
                history: None,
                last_handshake_seq: guess,
            };
            assert_eq!(back.refusal_code(Request::Repair(repair)).await, ErrorCode::RoomNotOpen);
            let rewind = room.rewind(0, (guess, b"commit"), Some(&signing_key()));
            assert_eq!(back.refusal_code(Request::Rewind(rewind)).await, ErrorCode::RoomNotOpen);
            // Nor does it tell which epochs there are, without their keys.
            let open = OpenRoom { room: room.id, epoch: guess, signature: [7; 64] };
            assert_eq!(back.refusal_code(Request::Open(open)).await, ErrorCode::BadSignature);
        }
        for request in [
            Request::Held(HeldRequest { room: room.id, door: None, tag: None }),
            Request::History(HistoryRequest { room: room.id, before: 9, limit: 9, tag: None }),
            Request::Statuses(StatusRequest { room: room.id }),
            Request::WriteStatus(WriteStatus { room: room.id, key: [1; 32], value: [1; 256] }),
        ] {
            assert_eq!(back.ask(request).await, error(ErrorCode::RoomNotOpen));
        }
        alice.append(&room, &entry(4, b"without")).await;
        back.expect_silence().await;
    }
    removed.expect_silence().await;
}

#[tokio::test]
async fn who_was_away_follows_over_a_cut() {
    let relay = TestRelay::start().await;
    let (mut alice, mut away) = (relay.connect().await, relay.connect().await);
    let mut room = Room::new();
    alice.create(&room).await;
    alice.open(&room).await;
    for is_cut in [false, true, false, true, false] {
        let mut commit = room.commit(&[]);
        commit.cut = is_cut.then_some(true);
        alice.send_commit(&mut room, commit).await;
    }
    let mut epoch = 0;
    let mut found = Vec::new();
    loop {
        let opened = away.open_at(&room, epoch).await;
        if opened.access == RoomAccess::Full {
            break;
        }
        let log = away.whole_log(&room).await;
        found.push(seqs(&log));
        epoch += log.len() as u64; // Each of them leads to the next epoch.
    }
    assert_eq!(found, [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(away.whole_log(&room).await.len(), 5);
}

#[tokio::test]
async fn who_comes_in_cuts_nobody() {
    let relay = TestRelay::start().await;
    let mut alice = relay.connect().await;
    let (mut room, door) = (Room::new(), DoorId::new(random()));
    alice.create(&room).await;
    alice.open(&room).await;
    alice.commit(&mut room, &[door]).await;
    let mut newcomer = relay.connect().await;
    let mut commit = room.clone().commit(&[door]);
    room.join(&newcomer, 1, door, &mut commit);
    commit.cut = Some(true);
    assert_eq!(newcomer.ask(Request::AppendHandshake(commit)).await, error(ErrorCode::MalformedFrame));
    assert!(matches!(newcomer.card(&room, door).await, Reply::Card(_)));
}
