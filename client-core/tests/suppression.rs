//! A relay that keeps back what was said: it shows the hash of a message, as of one that was too old to be kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{Alarm, Event, RoomId};
use sotto_protocol::{Dropped, LogEntry, RelayFrame, Reply};
use support::{
    Device, NOW_MS, World,
    lies::{is_open, says_alone},
    room_of, settle, world,
};

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_S: u64 = 24 * 60 * 60;

/// Ada says something while Bob is away, after he has read everything. Gives where in the log it is.
fn said_while_bob_is_away() -> (World, RoomId, Device, Device, usize) {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.says(room, "everybody reads this");
    settle(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let at = says_alone(&relay, room, &mut ada, &["do not pay"]);
    (relay, room, ada, bob, at)
}

fn drop_body(relay: &World, room: RoomId, at: usize, aged_s: u64) {
    relay.borrow_mut().rooms.get_mut(&room).unwrap().drop_body(at, aged_s);
}

/// Bob comes back when so many hours have passed, by the relay's clock and by his.
fn comes_back_after(relay: &World, bob: &mut Device, (relay_hours, own_hours): (u64, u64)) {
    relay.borrow_mut().now_ms = NOW_MS + relay_hours * HOUR_MS;
    bob.clock_offset_ms = (own_hours * HOUR_MS) as i64;
    bob.connect();
    settle(&mut [bob]);
}

#[test]
fn what_is_dropped_before_its_time_by_the_relays_own_words_is_an_alarm() {
    for (hours, is_alarm) in [((1, 1), true), ((23, 23), true), ((25, 25), false), ((1, 25), false)] {
        let (relay, room, _ada, bob, at) = said_while_bob_is_away();
        // Up to there all is gone: it is the order of the log that says nothing here.
        drop_body(&relay, room, at, DAY_S);
        // What is known of the time is stored.
        let mut bob = bob.restart();
        comes_back_after(&relay, &mut bob, hours);
        let expected = is_alarm.then_some(Alarm::BodyMissing(at as u64 + 1));
        assert_eq!(bob.alarm(room), expected, "{hours:?}");
        assert_eq!(bob.texts(room), ["everybody reads this"]);
    }
}

#[test]
fn a_relay_that_sets_its_clock_forward_is_told_by_its_clock() {
    let (relay, room, _ada, mut bob, at) = said_while_bob_is_away();
    drop_body(&relay, room, at, DAY_S);
    comes_back_after(&relay, &mut bob, (25, 1));
    assert_eq!(bob.alarm(room), None);
    assert!(bob.events.iter().any(|event| matches!(event, Event::ClockSkew(_))));
}

#[test]
fn a_body_that_is_missing_where_a_later_one_is_there_or_none_is_said_to_be_is_an_alarm() {
    for up_to in [None, Some(0)] {
        let (relay, room, _ada, mut bob, at) = said_while_bob_is_away();
        drop_body(&relay, room, at, 60);
        let dropped = up_to.map(|up_to_seq| Dropped { up_to_seq, aged_s: 60 });
        relay.borrow_mut().rooms.get_mut(&room).unwrap().retention.dropped = dropped;
        let before = relay.borrow().count(is_open);
        comes_back_after(&relay, &mut bob, (1_000, 1_000));
        assert_eq!(bob.alarm(room), Some(Alarm::BodyMissing(at as u64 + 1)), "{up_to:?}");
        let opened = relay.borrow().count(is_open) - before;
        assert_eq!(opened, 2, "it was asked once more, and then no more");
    }
}

#[test]
fn what_is_dropped_between_two_answers_is_no_alarm() {
    let (relay, room, _ada, mut bob, at) = said_while_bob_is_away();
    drop_body(&relay, room, at, 60);
    // It is opened, and only then the sweep comes by.
    let mut is_first = true;
    relay.borrow_mut().bend = Some(Box::new(move |_, reply| match reply {
        Reply::Opened(mut opened) if std::mem::take(&mut is_first) => {
            opened.retention.as_mut().unwrap().dropped = None;
            Reply::Opened(opened)
        }
        other => other,
    }));
    comes_back_after(&relay, &mut bob, (1_000, 1_000));
    assert_eq!(bob.alarm(room), None);
    assert_eq!(bob.view(room).head_seq, at as u64 + 1);
}

#[test]
fn what_is_pushed_has_its_body() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    // Bob is in the room, and gets of what is said the hash.
    ada.says(room, "to all but Bob");
    ada.take_frames();
    let whole = relay.borrow().rooms[&room].log.last().unwrap().clone();
    let bare = LogEntry { dropped: Some(whole.hash()), ..LogEntry::message(whole.seq, Vec::new()) };
    bob.hold_frame();
    relay.borrow_mut().send(bob.connection(), &RelayFrame::Entry(room, bare));
    bob.take_frames();
    assert_eq!(bob.alarm(room), Some(Alarm::BodyMissing(whole.seq)));
}

#[test]
fn the_end_of_the_log_is_looked_at_again_while_something_is_said() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().rooms.get_mut(&room).unwrap().retention.room_s = Some(DAY_S);
    for device in [&mut ada, &mut bob] {
        device.disconnect();
    }
    settle(&mut [&mut ada, &mut bob]);
    let opened = |relay: &World| relay.borrow().count(is_open);
    // For a long time they are in the room, without an end of the connection.
    let before = opened(&relay);
    ada.says(room, "good morning");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(opened(&relay), before);
    bob.clock_offset_ms = (8 * HOUR_MS) as i64;
    ada.says(room, "good evening");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(opened(&relay), before + 1, "Bob has looked again");
    // So what is kept back from then on is known not to be so old.
    bob.disconnect_for_good();
    let at = says_alone(&relay, room, &mut ada, &["do not pay"]);
    drop_body(&relay, room, at, DAY_S);
    comes_back_after(&relay, &mut bob, (25, 25));
    assert_eq!(bob.alarm(room), Some(Alarm::BodyMissing(at as u64 + 1)));
}
