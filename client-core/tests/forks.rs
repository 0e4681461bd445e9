//! What a malicious relay may do with a log: drop, reorder, replay, fork and join again. What it shows to one is found out as soon
//! as anybody speaks who has seen something else, and the alarm names the place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{Alarm, RoomId};
use sotto_protocol::LogEntry;
use support::{Device, World, room_of, settle, world};

fn log(relay: &World, room: RoomId) -> Vec<LogEntry> {
    relay.borrow().rooms[&room].log.clone()
}

/// From now on the relay shows this, with places given out anew.
fn show(relay: &World, room: RoomId, mut entries: Vec<LogEntry>) {
    for (seq, entry) in (1..).zip(&mut entries) {
        entry.seq = seq;
    }
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log = entries;
}

/// Ada says these while Bob is away; gives the log without them, and with them.
fn says_alone(
    relay: &World,
    room: RoomId,
    ada: &mut Device,
    texts: &[&str],
) -> (Vec<LogEntry>, Vec<LogEntry>) {
    let before = log(relay, room);
    for text in texts {
        ada.says(room, text);
    }
    settle(&mut [ada]);
    (before, log(relay, room))
}

/// Detected by Bob with Ada's next words: `HistoryDiverged` at the place where the message should be.
#[test]
fn a_message_that_is_dropped_for_one_member_is_missed_at_its_place() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let (mut without, _) = says_alone(&relay, room, &mut ada, &["kept from Bob"]);
    let dropped = without.len() as u64 + 1;
    let (_, with) = says_alone(&relay, room, &mut ada, &["shown to both"]);
    without.push(with.last().unwrap().clone());
    ada.disconnect_for_good();
    show(&relay, room, without);
    bob.connect();
    settle(&mut [&mut bob]);
    assert_eq!(bob.texts(room), ["shown to both"]);
    assert_eq!(bob.alarm(room), Some(Alarm::HistoryDiverged(dropped)));
}

/// Detected by both as soon as either speaks: `HistoryDiverged` at the last place that its author had read.
#[test]
fn messages_that_are_reordered_for_one_member_are_found_out() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    // Neither of the two knows of the other, so that nothing is impossible in the order that Bob is shown.
    let (before, mut after) = says_alone(&relay, room, &mut ada, &["sell", "do not"]);
    let honest = after.clone();
    let last = after.len() as u64;
    assert_eq!(after.len(), before.len() + 2);
    after.swap(before.len(), before.len() + 1);
    show(&relay, room, after);
    bob.connect();
    settle(&mut [&mut bob]);
    assert_eq!((bob.texts(room), bob.alarm(room)), (vec!["do not".to_owned(), "sell".to_owned()], None));
    show(&relay, room, honest);
    ada.says(room, "as I said");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.alarm(room), Some(Alarm::HistoryDiverged(last)));
    bob.says(room, "what?");
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.alarm(room), Some(Alarm::HistoryDiverged(at)) if at >= last));
}

/// Prevented: a message is shown once, however often it is in the log; and since all see the same log, there is no alarm.
#[test]
fn a_replayed_message_is_not_shown_again() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.says(room, "yes");
    settle(&mut [&mut ada, &mut bob]);
    let mut entries = log(&relay, room);
    for _ in 0..3 {
        entries.push(entries.last().unwrap().clone());
    }
    show(&relay, room, entries);
    ada.disconnect();
    bob.disconnect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room), ["yes"]);
    ada.says(room, "once is enough");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["yes", "once is enough"]);
    assert_eq!((ada.alarm(room), bob.alarm(room)), (None, None));
}

/// Detected: what is replayed to one alone is one entry more in that member's chain.
#[test]
fn a_message_that_is_replayed_to_one_member_alone_is_found_out() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let (_, mut entries) = says_alone(&relay, room, &mut ada, &["pay", "never mind"]);
    let honest = entries.clone();
    // Bob is shown the first twice, in the second one's place.
    let replayed = entries.len() - 1;
    entries[replayed] = entries[replayed - 1].clone();
    show(&relay, room, entries);
    bob.connect();
    settle(&mut [&mut bob]);
    assert_eq!(bob.texts(room), ["pay"]);
    show(&relay, room, honest.clone());
    ada.says(room, "all clear");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.alarm(room), Some(Alarm::HistoryDiverged(honest.len() as u64)));
}

/// Detected by both, as soon as the views meet: `HistoryDiverged` after the fork.
#[test]
fn two_views_that_are_joined_again_are_found_out_on_both_sides() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    let fork = log(&relay, room).len() as u64;
    bob.disconnect_for_good();
    let (common, adas) = says_alone(&relay, room, &mut ada, &["only Ada's"]);
    ada.disconnect_for_good();
    show(&relay, room, common);
    bob.connect();
    bob.says(room, "only Bob's");
    settle(&mut [&mut bob]);
    assert_eq!((ada.alarm(room), bob.alarm(room)), (None, None), "apart, nobody can tell");
    // The views have the same length: from here on the relay shows the same to both.
    show(&relay, room, adas);
    ada.connect();
    settle(&mut [&mut ada, &mut bob]);
    ada.says(room, "together again");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.alarm(room), Some(Alarm::HistoryDiverged(fork + 1)));
    bob.says(room, "are we?");
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.alarm(room), Some(Alarm::HistoryDiverged(at)) if at > fork));
}

/// Prevented: a commit that is replayed changes nothing. Detected: `InvalidChange` at its place, where the room stands still.
#[test]
fn a_replayed_join_changes_nothing_and_is_named() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    let members = ada.member_names(room);
    let mut entries = log(&relay, room);
    let join = entries.iter().rfind(|entry| entry.kind.is_handshake()).unwrap().clone();
    entries.push(join);
    let replayed = entries.len() as u64;
    show(&relay, room, entries);
    ada.disconnect();
    settle(&mut [&mut ada]);
    assert_eq!(ada.alarm(room), Some(Alarm::InvalidChange(replayed)));
    assert_eq!(ada.member_names(room), members);
}

/// Detected: `InvalidChange` at its place. What was said before stays readable, and what waits is not lost.
#[test]
fn a_garbage_commit_is_named_and_nothing_after_it_is_believed() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.says(room, "before");
    settle(&mut [&mut ada, &mut bob]);
    let mut entries = log(&relay, room);
    let mut garbage = entries.iter().rfind(|entry| entry.kind.is_handshake()).unwrap().clone();
    garbage.entry.truncate(25);
    garbage.entry.extend_from_slice(&[7; 300]);
    entries.push(garbage);
    let bad = entries.len() as u64;
    show(&relay, room, entries);
    ada.disconnect();
    settle(&mut [&mut ada]);
    assert_eq!(ada.alarm(room), Some(Alarm::InvalidChange(bad)));
    assert_eq!(ada.texts(room), ["before"]);
}
