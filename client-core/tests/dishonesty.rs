//! What a relay or a member may do that they should not: damage, garbage, forks, lies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{Alarm, ClientError, Event};
use support::{Device, room_of, settle, world};

#[test]
fn a_flipped_bit_on_the_way_is_noticed_and_read_right_once_it_is_mended() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    ada.says(room, "one");
    settle(&mut [&mut ada]);
    let damaged = relay.borrow().rooms[&room].log.len() as u64;
    relay.borrow_mut().damage = Some(damaged);
    bob.connect();
    settle(&mut [&mut bob]);
    assert_eq!(bob.texts(room), Vec::<String>::new());
    assert_eq!(bob.alarm(room), Some(Alarm::EntryDamaged(damaged)));
    // The relay is mended; the next message shows that Ada saw something else, and the entry is read again.
    relay.borrow_mut().damage = None;
    ada.says(room, "two");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["one", "two"]);
    assert_eq!((ada.alarm(room), bob.alarm(room)), (None, None));
    // What was raised is settled, and stays until Bob has seen it.
    assert_eq!(bob.alarms(room).len(), 2);
}

#[test]
fn a_flipped_bit_that_is_never_mended_is_told_and_stops_nobody() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    ada.says(room, "one");
    settle(&mut [&mut ada]);
    let damaged = relay.borrow().rooms[&room].log.len() as u64;
    relay.borrow_mut().damage = Some(damaged);
    bob.connect();
    settle(&mut [&mut bob]);
    bob.says(room, "own words change nothing");
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::EntryDamaged(_))));
    ada.says(room, "two");
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::HistoryDiverged(_))));
    assert_eq!(bob.texts(room), ["own words change nothing", "two"]);
    // Ada learns it from Bob's words: he was shown something else.
    assert!(matches!(ada.alarm(room), Some(Alarm::HistoryDiverged(_))));
    for round in 0..3 {
        ada.says(room, &format!("more {round}"));
        settle(&mut [&mut ada, &mut bob]);
    }
    assert_eq!(bob.texts(room).len(), 5, "and all goes on");
}

#[test]
fn garbage_from_a_member_stops_nobody() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().append_garbage(room);
    ada.disconnect();
    bob.disconnect();
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.alarm(room), Some(Alarm::EntryDamaged(_))));
    ada.says(room, "I see garbage");
    bob.says(room, "so do I");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room).len(), 2);
    // Each has learnt from the other that the log holds the same garbage for both.
    assert_eq!((ada.alarm(room), bob.alarm(room)), (None, None));
}

#[test]
fn any_amount_of_garbage_is_passed_over() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    for _ in 0..30 {
        relay.borrow_mut().append_garbage(room);
    }
    ada.disconnect();
    settle(&mut [&mut ada]);
    ada.says(room, "after the garbage");
    bob.connect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["after the garbage"]);
    bob.says(room, "indeed");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room), ["after the garbage", "indeed"]);
}

#[test]
fn two_damaged_entries_do_not_make_a_client_read_for_ever() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    ada.says(room, "one");
    settle(&mut [&mut ada]);
    let damaged = relay.borrow().rooms[&room].log.len() as u64;
    relay.borrow_mut().damage = Some(damaged);
    relay.borrow_mut().append_garbage(room);
    ada.disconnect();
    settle(&mut [&mut ada]);
    ada.says(room, "two");
    settle(&mut [&mut ada]);
    bob.connect();
    settle(&mut [&mut bob]);
    assert_eq!(bob.texts(room), ["two"]);
    assert!(matches!(bob.alarm(room), Some(Alarm::HistoryDiverged(_))));
}

#[test]
fn a_relay_that_shows_two_histories_is_found_out_when_they_meet() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    // Bob is shown a log without Ada's message, then Ada's next one in its place.
    let snapshot = relay.borrow().rooms[&room].clone();
    bob.disconnect_for_good();
    ada.says(room, "hidden from Bob");
    settle(&mut [&mut ada]);
    ada.says(room, "shown to both");
    settle(&mut [&mut ada]);
    let adas_log = relay.borrow().rooms[&room].log.clone();
    let mut forked = snapshot;
    let mut last = adas_log.last().unwrap().clone();
    last.seq -= 1;
    forked.log.push(last);
    relay.borrow_mut().rooms.insert(room, forked);
    bob.connect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::HistoryDiverged(_))), "{:?}", bob.alarm(room));
}

#[test]
fn a_relay_that_forgot_entries_is_found_out() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.says(room, "kept here");
    settle(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log.pop();
    ada.disconnect();
    settle(&mut [&mut ada]);
    assert!(matches!(ada.alarm(room), Some(Alarm::RelayRolledBack(_))));
    assert_eq!(ada.texts(room), ["kept here"]);
}

#[test]
fn nonsense_from_the_relay_is_survived() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    for nonsense in [&b""[..], b"\xff", b"\x82\x00\xa0", &[0x9b; 40]] {
        ada.give(sotto_client_core::Input::Received(nonsense.to_vec()));
    }
    assert!(ada.events.contains(&Event::Problem(ClientError::MalformedFrame)));
    ada.says(room, "fine");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["fine"]);
}
