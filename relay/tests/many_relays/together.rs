//! Two live relays serve one room: what one of them is told holds at the other, whether hints arrive or not.

use crate::client::{Person, call};
use crate::cluster::Cluster;
use crate::pair::Pair;
use crate::support::*;
use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::StreamExt as _;
use sotto_protocol::account::{AccountErrorCode, EndSession, ListSessions, Which};
use sotto_protocol::{
    EntryKind, ErrorCode, LogEntry, RelayFrame, Reply, Request, RoomAccess, SetRetention, Status,
    StatusRequest, WireError, WriteStatus, entry_hash, limits, register_of, retention_statement,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longer than a relay takes to look by itself.
const A_LOOK: Duration = Duration::from_millis(1500);

/// A room in epoch 1 with an admin, open.
async fn room_of(client: &mut Client, admin: &SigningKey) -> Room {
    let mut room = Room::new();
    client.create(&room).await;
    client.open(&room).await;
    lead(client, &mut room, admin, None).await;
    room
}

/// Leads the room on. Place and bytes of the handshake.
async fn lead(client: &mut Client, room: &mut Room, admin: &SigningKey, cut: Option<bool>) -> (u64, Vec<u8>) {
    let mut commit = room.commit(&[]);
    room.hand_over(&mut commit, &[admin]);
    commit.cut = cut;
    let entry = commit.entry.clone();
    (client.send_commit(room, commit).await, entry)
}

async fn next_entry(client: &mut Client) -> LogEntry {
    timeout(PATIENCE, client.pushed_entry()).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_voided_at_one_relay_is_voided_at_the_other() {
    for with_nats in [true, false] {
        let pair = Pair::start(with_nats).await;
        let (mut ada, mut bob, mut cy) =
            (pair.connect(0).await, pair.connect(1).await, pair.connect(1).await);
        let admin = signing_key();
        let mut room = room_of(&mut ada, &admin).await;
        cy.open(&room).await;
        let (bad_seq, bad_entry) = lead(&mut ada, &mut room, &admin, None).await;
        bob.open(&room).await;
        let mut voided = room.clone();
        ada.append(&room, &entry(2, b"of what will be void")).await;
        assert_eq!(next_entry(&mut bob).await.kind, EntryKind::Message);
        let rewind = room.rewind(1, (bad_seq, &bad_entry), Some(&admin));
        let seq = appended(ada.ask(Request::Rewind(rewind)).await);
        room.go_back(1, seq);
        ada.open(&room).await;
        let after = ada.append(&room, &entry(1, b"after it")).await;

        // Who is in the voided epoch hears of it, and nothing more.
        let heard = next_entry(&mut bob).await;
        assert_eq!((heard.seq, heard.kind), (seq, EntryKind::Rewind));
        assert_eq!(bob.refusal_code(append(&voided, &entry(2, b"late"))).await, ErrorCode::RoomNotOpen);
        voided.last_handshake_seq = bad_seq;
        let late = voided.commit(&[]);
        assert_eq!(bob.refusal_code(Request::AppendHandshake(late)).await, ErrorCode::RoomNotOpen);
        // Who has stayed goes on.
        let mut kinds = Vec::new();
        while kinds.last() != Some(&(after, EntryKind::Message)) {
            let entry = next_entry(&mut cy).await;
            kinds.push((entry.seq, entry.kind));
        }
        assert_eq!(
            kinds.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(),
            [EntryKind::Handshake, EntryKind::Rewind, EntryKind::Message]
        );
        sleep(A_LOOK).await;
        bob.expect_silence().await;
        assert_eq!(bob.open(&room).await.access, RoomAccess::Full);
        assert_eq!(bob.append(&room, &entry(1, b"back")).await, after + 1);
        // Her relay shows what it has heard of, which is everything soon.
        while next_entry(&mut ada).await.seq != after + 1 {}
        assert_eq!(bob.whole_log(&room).await, ada.whole_log(&room).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_cut_at_one_relay_reads_nothing_more_at_the_other() {
    for with_nats in [true, false] {
        let mut pair = Pair::start(true).await;
        let (mut ada, mut bob, mut eve) =
            (pair.connect(0).await, pair.connect(1).await, pair.connect(1).await);
        let admin = signing_key();
        let mut room = room_of(&mut ada, &admin).await;
        bob.open(&room).await;
        eve.open(&room).await;
        let before = room.clone();
        ada.append(&room, &entry(1, b"with eve")).await;
        assert_eq!(next_entry(&mut eve).await.kind, EntryKind::Message);
        if !with_nats {
            // Away, just when it matters.
            pair.nats.take();
        }
        let (cut_seq, _) = lead(&mut ada, &mut room, &admin, Some(true)).await;
        for index in 0..20_u64 {
            ada.append(&room, &entry(2, b"without eve")).await;
            if index == 0 {
                // At once, when her relay may not have heard of it yet.
                let log = eve.whole_log(&before).await;
                let is_later = |entry: &&LogEntry| entry.kind == EntryKind::Message && entry.seq > cut_seq;
                assert_eq!(log.iter().filter(is_later).count(), 0);
                assert_eq!(
                    eve.refusal_code(append(&before, &entry(1, b"still me"))).await,
                    ErrorCode::RoomNotOpen
                );
            }
        }
        let told = next_entry(&mut eve).await;
        assert_eq!((told.seq, told.kind), (cut_seq, EntryKind::Handshake), "that it ends, and not why");
        sleep(A_LOOK).await;
        eve.expect_silence().await;
        let log = eve.whole_log(&before).await;
        assert!(log.iter().all(|entry| entry.seq <= cut_seq), "{:?}", seqs(&log));
        let again = eve.open_at(&before, 1).await;
        assert_eq!((again.access, again.head_seq), (RoomAccess::Handshakes, cut_seq));
        bob.open(&room).await;
        assert_eq!(bob.whole_log(&room).await.len() as u64, cut_seq + 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_handshakes_that_race_at_two_relays_one_wins() {
    let pair = Pair::start(true).await;
    let (mut one, mut other) = (pair.connect(0).await, pair.connect(1).await);
    let mut room = Room::new();
    one.create(&room).await;
    let mut winners = [0, 0];
    for _ in 0..15 {
        one.open(&room).await;
        other.open(&room).await;
        let mut rooms = [room.clone(), room.clone()];
        let commits = rooms.each_mut().map(|room| Request::AppendHandshake(room.commit(&[])));
        let [first, second] = commits;
        let replies: [Reply; 2] = tokio::join!(one.ask(first), other.ask(second)).into();
        let won = replies.iter().position(|reply| matches!(reply, Reply::Appended(_))).expect("one wins");
        assert_eq!(replies[1 - won], error(ErrorCode::Conflict));
        winners[won] += 1;
        room = rooms[won].clone();
        room.last_handshake_seq = appended(replies[won].clone());
    }
    println!("won: {winners:?}");
    one.open(&room).await;
    other.open(&room).await;
    let log = one.whole_log(&room).await;
    assert_eq!(log, other.whole_log(&room).await);
    assert_eq!(log.len(), 15);
}

async fn statuses(client: &mut Client, room: &Room) -> BTreeMap<u8, u8> {
    match client.ask(Request::Statuses(StatusRequest { room: room.id })).await {
        Reply::Statuses(all) => all.iter().map(|status| (status.register[0], status.value[0])).collect(),
        other => panic!("{other:?}"),
    }
}

fn write(room: &Room, key: [u8; 32], value: u8) -> Request {
    Request::WriteStatus(WriteStatus { room: room.id, key, value: [value; 256] })
}

/// How the register of that key begins.
fn seven() -> u8 {
    register_of(&[7; 32])[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_has_one_value_at_all_relays() {
    for with_nats in [true, false] {
        let pair = Pair::start(with_nats).await;
        let (mut one, mut other) = (pair.connect(0).await, pair.connect(1).await);
        let room = Room::new();
        one.create(&room).await;
        one.open(&room).await;
        other.open(&room).await;
        // A device that goes from one relay to the other and back: the one that it has left must not hold on to what it knew.
        for (value, at_first) in [(1, true), (2, false), (3, true)] {
            let writer = if at_first { &mut one } else { &mut other };
            assert_eq!(writer.ask(write(&room, [7; 32], value)).await, Reply::Done);
            assert_eq!(
                statuses(writer, &room).await,
                [(seven(), value)].into(),
                "at once where it was written"
            );
            // Written behind within a second.
            sleep(A_LOOK).await;
            assert_eq!(statuses(&mut one, &room).await, [(seven(), value)].into());
            assert_eq!(statuses(&mut other, &room).await, [(seven(), value)].into());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_has_no_more_registers_than_it_may_however_many_relays_take_them() {
    let pair = Pair::start(false).await;
    let mut one = pair.connect(0).await;
    let room = Room::new();
    one.create(&room).await;
    let almost_all = "INSERT INTO registers (room, register_id, value)
        SELECT rooms.number, decode(lpad(to_hex(n), 32, '0'), 'hex'), decode(repeat('00', 256), 'hex')
        FROM rooms, generate_series(11, $1) n";
    let mut database = pair.database().await;
    sqlx::query(almost_all).bind(limits::REGISTERS_MAX as i64).execute(&mut database).await.unwrap();
    // There is room for ten.
    let many = async |relay: usize| {
        let mut client = pair.connect(relay).await;
        for count in 0..20 {
            if count % limits::REGISTERS_OF_CONNECTION_MAX == 0 {
                client = pair.connect(relay).await;
                client.open(&room).await;
            }
            let reply = client.ask(write(&room, random(), 1)).await;
            let limit = WireError::with_limit(ErrorCode::LimitExceeded, limits::REGISTERS_MAX as u64);
            assert!(reply == Reply::Done || reply == Reply::Error(limit), "{reply:?}");
        }
    };
    tokio::join!(many(0), many(1));
    sleep(A_LOOK * 2).await;
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM registers").fetch_one(&mut database).await.unwrap();
    assert_eq!(count, limits::REGISTERS_MAX as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_one_relay_has_ended_at_the_other() {
    let pair = Pair::start(true).await;
    let ada = Person::registered(&pair.authority(0), "ada").await;
    let at_other = async || call(&pair.authority(1), Some(&ada.token), &ListSessions {}).await;
    assert!(at_other().await.is_ok());
    ada.call(&EndSession { which: Which::Own, proof: None }).await.unwrap();
    assert_eq!(at_other().await.unwrap_err().code, AccountErrorCode::SessionNeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_gone_at_both_relays_while_both_write() {
    let pair = Pair::start(true).await;
    let (mut one, mut other) = (pair.connect(0).await, pair.connect(1).await);
    let admin = signing_key();
    let room = room_of(&mut one, &admin).await;
    other.open(&room).await;
    let old = entry(1, b"old");
    let old_seq = one.append(&room, &old).await;
    let mut database = pair.database().await;
    sqlx::query("UPDATE entries SET stored_hour = stored_hour - 5").execute(&mut database).await.unwrap();
    let seconds = Some(3600);
    let statement = retention_statement(&one.authority, &one.welcome.challenge, &room.id, 3600);
    let signature = admin.sign(&statement).to_bytes();
    let set = SetRetention { room: room.id, seconds, admin_key: public(&admin), signature };
    assert_eq!(one.ask(Request::SetRetention(set)).await, Reply::Done);
    let mut last_seq = old_seq;
    let is_dropped = |log: &[LogEntry]| log[old_seq as usize - 1].dropped == Some(entry_hash(&old));
    let both_write = async {
        loop {
            // Each relay sweeps, and takes what comes.
            one.append(&room, &entry(1, b"new")).await;
            last_seq = other.append(&room, &entry(1, b"new")).await;
            let logs = (one.whole_log(&room).await, other.whole_log(&room).await);
            if is_dropped(&logs.0) && is_dropped(&logs.1) {
                return logs;
            }
        }
    };
    let (log, _) = timeout(PATIENCE, both_write).await.expect("it is swept out");
    // The last one may not have come to the first relay yet.
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    assert!(log.len() as u64 + 1 >= last_seq);
    assert_eq!(log.iter().filter(|entry| entry.dropped.is_some()).count(), 1, "and nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_stood_still_catches_up_and_holds_nobody_up() {
    let cluster = Cluster::start(2, true);
    let mut writer = Client::connect(&cluster.relays[0].authority).await;
    let mut slow = Client::connect(&cluster.relays[1].authority).await;
    let mut reader = Client::connect(&cluster.relays[1].authority).await;
    let admin = signing_key();
    let mut room = room_of(&mut writer, &admin).await;
    slow.open(&room).await;
    reader.open(&room).await;
    let mut sent = Vec::new();
    for index in 0..20 {
        // In the middle of its own writing: it may hold the room.
        sent.push(entry(1, &random::<100>()));
        slow.send(append(&room, &sent[index])).await;
    }
    cluster.freeze_relay(1);
    for _ in 0..20 {
        sent.push(entry(1, &random::<100>()));
        // PostgreSQL ends what stands still in the middle of a transaction after five seconds.
        writer.append(&room, sent.last().unwrap()).await;
    }
    let (handshake_seq, _) = lead(&mut writer, &mut room, &admin, None).await;
    sleep(Duration::from_secs(5)).await;
    cluster.thaw_relay(1);
    // Live, in order, without a gap.
    let mut next_seq = 2;
    while next_seq <= handshake_seq {
        match timeout(PATIENCE, reader.pushed()).await.unwrap() {
            RelayFrame::Entry(_, entry) => {
                assert_eq!(entry.seq, next_seq);
                next_seq += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    // What it was still to write was of an epoch that is over, or was written in time.
    slow.open(&room).await;
    let log = slow.whole_log(&room).await;
    assert_eq!(log, writer.whole_log(&room).await);
    let bodies: Vec<_> =
        log.iter().filter(|entry| entry.kind == EntryKind::Message).map(|entry| &entry.entry).collect();
    assert!(sent[20..].iter().all(|entry| bodies.contains(&entry)), "what was acknowledged");
    assert!(bodies.iter().all(|body| sent.contains(body)) && bodies.len() <= sent.len());
}

/// The operator of the NATS server, or an attacker on the network, hears hints, and may repeat or forge them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_the_nats_server_says_nothing_in_a_relays_name() {
    let pair = Pair::start(true).await;
    let (mut ada, mut bob) = (pair.connect(0).await, pair.connect(1).await);
    let room = Room::new();
    ada.create(&room).await;
    ada.open(&room).await;
    bob.open(&room).await;
    let spy = async_nats::connect(pair.nats.as_ref().unwrap().url()).await.unwrap();
    let mut heard = spy.subscribe("sotto.status").await.unwrap();
    spy.flush().await.unwrap();
    let expected = |value: u8| {
        RelayFrame::Status(room.id, Status { register: register_of(&[7; 32]), value: [value; 256] })
    };
    assert_eq!(ada.ask(write(&room, [7; 32], 1)).await, Reply::Done);
    assert_eq!(bob.pushed().await, expected(1));
    let good = tokio::time::timeout(PATIENCE, heard.next()).await.unwrap().unwrap().payload.to_vec();
    let say = async |message: Vec<u8>| {
        spy.publish("sotto.status", message.into()).await.unwrap();
        spy.flush().await.unwrap();
    };
    say(good.clone()).await;
    for place in [0, 8, 16, 24, 40, 48, 56, good.len() - 40, good.len() - 1] {
        let mut changed = good.clone();
        changed[place] ^= 1;
        say(changed).await;
    }
    // As relays said it once: a sender, the content, and nothing that proves it.
    let bare = [&[9; 8][..], &good[24..good.len() - 32]].concat();
    say(bare).await;
    say(Vec::new()).await;
    bob.expect_silence().await;
    sleep(A_LOOK).await;
    assert_eq!(statuses(&mut bob, &room).await, [(seven(), 1)].into());
    assert_eq!(ada.ask(write(&room, [7; 32], 2)).await, Reply::Done);
    assert_eq!(bob.pushed().await, expected(2), "and relays hear each other still");
}
