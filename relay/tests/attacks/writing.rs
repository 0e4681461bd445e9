//! What the one writer can be made to do, and for whom.

use crate::instrument::*;
use crate::support::*;
use ed25519_dalek::Signer as _;
use futures_util::future::join_all;
use sotto_protocol::{
    AppendHandshake, AppendRewind, ConfirmJoin, DeleteRoom, DoorId, EntryHeader, EntryId, ErrorCode, Reply,
    Request, SetRetention, delete_statement, limits, retention_statement,
};

const MIB: u64 = 1024 * 1024;

/// A room with a handshake of that length, which came through a door.
async fn room_with_join(scene: &Scene, length_bytes: usize) -> (Client, Room, Vec<u8>) {
    let (mut client, mut room) = scene.member().await;
    let door = DoorId::new(random());
    client.commit(&mut room, &[door]).await;
    let mut newcomer = scene.connect().await;
    let mut join = room.commit(&[door]);
    join.entry = entry(1, &vec![7; length_bytes]);
    room.join(&newcomer, 1, door, &mut join);
    let entry = join.entry.clone();
    room.last_handshake_seq = appended(newcomer.ask(Request::AppendHandshake(join)).await);
    client.open(&room).await;
    (client, room, entry)
}

fn assert_refused(answers: &[Reply], code: ErrorCode) {
    assert!(answers.iter().all(|answer| *answer == error(code)), "{:?}", answers.first());
}

/// One transaction would load every stored body at once, 2 GiB and more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_stored_handshakes_make_nobody_load_them() {
    const STORED: usize = 24;
    let scene = Scene::new();
    let (mut client, mut room) = scene.member().await;
    let mut again = Vec::new();
    for _ in 0..STORED {
        let mut commit = room.commit(&[]);
        commit.entry = entry(room.epoch() - 1, &vec![7; 4 << 20]);
        let id = EntryHeader::split(&commit.entry).unwrap().0.id;
        again.push(AppendHandshake { entry: entry_with_id(room.epoch() - 1, id, b"tiny"), ..commit.clone() });
        client.send_commit(&mut room, commit).await;
    }
    let measured = scene
        .attack(async {
            for_a_while(async || {
                let again = again.iter().cloned().map(Request::AppendHandshake);
                assert_refused(&flood(&mut client, again).await, ErrorCode::EntryIdReused);
            })
            .await;
        })
        .await;
    measured.assert_bounded("ids of stored handshakes", 40 * MIB);
}

/// Bytes that were sent before are compared by their hashes, and no more is read than was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_sent_again_are_not_all_loaded() {
    let scene = Scene::new();
    let (mut client, room) = scene.member().await;
    let long = || entry(0, &vec![9; limits::MESSAGE_ENTRY_MAX_BYTES - 100]);
    let stored: Vec<_> = (0..300).map(|_| long()).collect();
    let first = flood(&mut client, stored.iter().map(|entry| append(&room, entry))).await;
    let ids: Vec<_> = stored.iter().map(|entry| EntryHeader::split(entry).unwrap().0.id).collect();
    let measured = scene
        .attack(async {
            for_a_while(async || {
                let again = ids.iter().map(|id| append(&room, &entry_with_id(0, *id, b"tiny")));
                assert_refused(&flood(&mut client, again).await, ErrorCode::EntryIdReused);
                let same = flood(&mut client, stored.iter().map(|entry| append(&room, entry))).await;
                assert_eq!(same, first, "the same bytes have the same place");
            })
            .await;
        })
        .await;
    measured.assert_bounded("messages sent again", 64 * MIB);
}

/// Whether a message was sent before is looked for in as much of a log as its sender names, within a bound: nobody makes the relay go
/// through more, however many rooms they have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_names_a_place_far_back_makes_nobody_wait() {
    const ROOMS: usize = 16;
    let scene = Scene::new();
    let mut attackers = Vec::new();
    for _ in 0..ROOMS {
        let (mut client, room) = scene.member().await;
        let mut head_seq = 0;
        while head_seq < limits::APPEND_TAIL_MAX {
            let many = (0..512).map(|_| append_after(&room, head_seq, &entry(0, &[7; 200])));
            flood(&mut client, many.collect::<Vec<_>>()).await;
            head_seq = client.open(&room).await.head_seq;
        }
        attackers.push((client, room, head_seq));
    }
    let measured = scene
        .attack(async {
            join_all(attackers.iter_mut().map(async |(attacker, room, head_seq)| {
                for_a_while(async || {
                    let furthest = |n| head_seq.saturating_sub(limits::APPEND_TAIL_MAX) + n;
                    let tries: Vec<_> =
                        (1..=16).map(|n| append_after(room, furthest(n), &entry(0, b"new"))).collect();
                    for answer in flood(attacker, tries).await {
                        *head_seq = appended(answer);
                    }
                })
                .await;
            }))
            .await;
        })
        .await;
    measured.assert_bounded("places far back", 64 * MIB);
}

/// A member without a valid signature made the writer read and hash megabytes for each try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_for_a_join_that_is_signed_badly_is_no_work_for_the_writer() {
    let scene = Scene::new();
    let (client, room, join) = room_with_join(&scene, 6 << 20).await;
    let mut attackers = vec![client];
    for _ in 0..3 {
        let mut other = scene.connect().await;
        other.open(&room).await;
        attackers.push(other);
    }
    let bad = ConfirmJoin { signature: [7; 64], ..room.confirm(1, room.last_handshake_seq, &join) };
    let measured = scene
        .attack(async {
            join_all(attackers.iter_mut().map(async |attacker| {
                for_a_while(async || {
                    let tries = (0..64).map(|_| Request::Confirm(bad.clone()));
                    assert_refused(&flood(attacker, tries).await, ErrorCode::BadSignature);
                })
                .await;
            }))
            .await;
        })
        .await;
    measured.assert_bounded("bad words for a join", 40 * MIB);
    let good = room.confirm(1, room.last_handshake_seq, &join);
    assert_eq!(attackers[0].ask(Request::Confirm(good)).await, Reply::Done);
}

/// Everybody has a key that signs: a rewind by it is refused before the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rewind_by_any_key_is_no_work_for_the_writer() {
    let scene = Scene::new();
    let (mut client, room, join) = room_with_join(&scene, 6 << 20).await;
    let own = signing_key();
    let bad: AppendRewind = room.rewind(1, (room.last_handshake_seq, &join), Some(&own));
    let measured = scene
        .attack(async {
            for_a_while(async || {
                let tries = (0..64).map(|_| Request::Rewind(bad.clone()));
                assert_refused(&flood(&mut client, tries).await, ErrorCode::BadSignature);
            })
            .await;
        })
        .await;
    measured.assert_bounded("rewinds by any key", 40 * MIB);
}

/// The same for what only room-admin keys may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_and_retaining_by_any_key_is_no_work_for_the_writer() {
    let scene = Scene::new();
    let (mut member, room) = scene.member().await;
    let own = signing_key();
    let challenge = member.welcome.challenge;
    let delete = DeleteRoom {
        room: room.id,
        admin_key: public(&own),
        signature: own.sign(&delete_statement(&member.authority, &challenge, &room.id)).to_bytes(),
    };
    let retain = SetRetention {
        room: room.id,
        seconds: Some(90_000),
        admin_key: public(&own),
        signature: own.sign(&retention_statement(&member.authority, &challenge, &room.id, 90_000)).to_bytes(),
    };
    let measured = scene
        .attack(async {
            for_a_while(async || {
                let both = || [Request::DeleteRoom(delete.clone()), Request::SetRetention(retain.clone())];
                let tries = (0..32).flat_map(|_| both());
                assert_refused(&flood(&mut member, tries).await, ErrorCode::BadSignature);
            })
            .await;
        })
        .await;
    measured.assert_bounded("administration by any key", 40 * MIB);
}

/// One id, any number of times at once: the second was put off to the next transaction, and so everything behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entry_sent_thousands_of_times_at_once_stalls_nobody() {
    let scene = Scene::new();
    let (first, room) = scene.member().await;
    let mut attackers = vec![first];
    for _ in 0..31 {
        let mut other = scene.connect().await;
        other.open(&room).await;
        attackers.push(other);
    }
    let mut next_seq = 0;
    let measured = scene
        .attack(for_a_while(async || {
            next_seq += 1;
            let same = entry_with_id(0, EntryId::new(random()), b"again");
            let other = entry_with_id(0, EntryHeader::split(&same).unwrap().0.id, b"not the same");
            let answers = join_all(attackers.iter_mut().map(async |attacker| {
                let tries = (0..64).map(|n| append(&room, if n % 2 == 0 { &same } else { &other }));
                flood(attacker, tries).await
            }))
            .await;
            // Whichever came first has the id, and each time the same place.
            let (mut taken, mut refused) = ([0, 0], 0);
            for (n, answer) in answers.into_iter().flat_map(|answers| answers.into_iter().enumerate()) {
                match answer {
                    Reply::Appended(seq) => {
                        assert_eq!(seq, next_seq);
                        taken[n % 2] += 1;
                    }
                    Reply::Error(error) => {
                        assert_eq!(error.code, ErrorCode::EntryIdReused);
                        refused += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            taken.sort_unstable();
            assert_eq!((taken, refused), ([0, 32 * 32], 32 * 32));
        }))
        .await;
    measured.assert_bounded("one id again and again", 64 * MIB);
}

/// Many connections that send as much as they may: shares are fair by room and connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_writes_as_much_as_it_may_leaves_others_their_share() {
    let scene = Scene::new();
    let mut attackers = Vec::new();
    for _ in 0..16 {
        attackers.push(scene.member().await);
    }
    let long = vec![9; limits::MESSAGE_ENTRY_MAX_BYTES - 100];
    let measured = scene
        .attack(async {
            join_all(attackers.iter_mut().map(async |(attacker, room)| {
                for_a_while(async || {
                    let answers = flood(attacker, (0..32).map(|_| append(room, &entry(0, &long)))).await;
                    assert!(answers.iter().any(|answer| matches!(answer, Reply::Appended(_))));
                })
                .await;
            }))
            .await;
        })
        .await;
    measured.assert_bounded("a crowd that writes", 200 * MIB);
}

/// What is long goes by turns of its own: handshakes of megabytes do not hold up what is short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_handshakes_hold_up_nobody_who_is_brief() {
    let scene = Scene::new();
    let mut attackers = Vec::new();
    for _ in 0..6 {
        attackers.push(scene.member().await);
    }
    let measured = scene
        .attack(async {
            join_all(attackers.iter_mut().map(async |(attacker, room)| {
                for_a_while(async || {
                    let mut commit = room.commit(&[]);
                    commit.entry = entry(room.epoch() - 1, &vec![7; 3 << 20]);
                    attacker.send_commit(room, commit).await;
                })
                .await;
            }))
            .await;
        })
        .await;
    measured.assert_bounded("long handshakes", 200 * MIB);
}
