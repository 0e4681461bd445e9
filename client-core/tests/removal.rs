//! Being removed from a room: an end of its own, and no alarm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use pollster::block_on;
use sotto_client_core::{
    ClientError, Command, Event, Outcome, RoomEnd, RoomId, Scan, Store as _, Table, Transaction as _,
};
use sotto_crypto::room::RoomChange;
use support::{Device, World, member::Member, settle, world};

/// A room of Mira's, whose client is made by hand, with Bob in it.
fn room_with_bob() -> (World, Member, Device, RoomId) {
    let relay = world();
    let mut mira = Member::with_room(&relay, "Mira");
    let link = mira.invites();
    let mut bob = Device::new(&relay, "Bob");
    bob.connect();
    let ticket = bob.joins(&link);
    settle(&mut [&mut bob]);
    let room = mira.id();
    assert_eq!(bob.expect(ticket), Outcome::Joined(room));
    mira.reads();
    bob.says(room, "said");
    settle(&mut [&mut bob]);
    (relay, mira, bob, room)
}

/// How many rows a table has.
fn rows(device: &Device, table: Table) -> usize {
    block_on(async {
        let mut transaction = device.store.begin().await.unwrap();
        transaction.scan(Scan::all(table, Vec::new())).await.unwrap().len()
    })
}

#[test]
fn who_is_removed_is_told_by_whom_keeps_what_was_said_and_no_key() {
    for is_away in [false, true] {
        let (_relay, mut mira, mut bob, room) = room_with_bob();
        if is_away {
            bob.disconnect_for_good();
        }
        let waiting = is_away.then(|| bob.says(room, "too late"));
        let account = mira.account_of("Bob");
        mira.commits(&RoomChange::RemoveMember(account, None));
        if is_away {
            bob.connect();
        }
        settle(&mut [&mut bob]);
        let end = RoomEnd::Removed { by: *mira.account.as_bytes(), by_name: "Mira".into() };
        assert_eq!(bob.view(room).end, Some(end.clone()), "away: {is_away}");
        assert_eq!(bob.alarms(room), [], "it is not an attack");
        assert!(bob.events.contains(&Event::Stopped(room, ClientError::Removed)));
        assert_eq!([Table::Room, Table::Group, Table::Cursor].map(|table| rows(&bob, table)), [0, 0, 0]);

        let mut bob = bob.restart();
        bob.connect();
        settle(&mut [&mut bob]);
        assert_eq!((bob.view(room).name, bob.view(room).end), ("Garden".to_owned(), Some(end)));
        assert_eq!(bob.texts(room), ["said"], "what was said stays readable");
        let ticket = bob.says(room, "hello?");
        assert_eq!(bob.outcome(ticket), Some(Err(ClientError::Removed)));
        let kept: Vec<_> =
            bob.outbox(room).into_iter().map(|waiting| (waiting.text, waiting.has_failed)).collect();
        assert_eq!(kept.len(), usize::from(is_away));
        if waiting.is_some() {
            assert_eq!(kept, [("too late".to_owned(), true)], "it can be copied");
            let message = bob.outbox(room)[0].id;
            let ticket = bob.command(Command::Discard { room, message });
            assert_eq!(bob.expect(ticket), Outcome::Discarded { may_be_sent: false });
            assert!(bob.outbox(room).is_empty());
        }
    }
}

#[test]
fn another_process_of_the_same_profile_hears_of_the_removal() {
    let (_relay, mut mira, mut bob, room) = room_with_bob();
    let mut other = bob.another_process();
    other.connect();
    settle(&mut [&mut bob, &mut other]);
    let account = mira.account_of("Bob");
    mira.commits(&RoomChange::RemoveMember(account, None));
    settle(&mut [&mut bob, &mut other]);
    for device in [&bob, &other] {
        assert!(device.view(room).end.is_some());
        assert_eq!((device.alarms(room), device.texts(room)), (vec![], vec!["said".to_owned()]));
    }
}

#[test]
fn a_removed_device_does_not_come_back_by_a_new_link_and_loses_nothing_by_trying() {
    let (_relay, mut mira, mut bob, room) = room_with_bob();
    bob.disconnect_for_good();
    bob.says(room, "too late");
    let account = mira.account_of("Bob");
    mira.commits(&RoomChange::RemoveMember(account, None));
    bob.connect();
    settle(&mut [&mut bob]);
    assert!(bob.view(room).end.is_some());
    let link = mira.invites();
    let mut bob = bob.restart();
    bob.connect();
    let ticket = bob.joins(&link);
    settle(&mut [&mut bob]);
    // The room's rules keep a removed device out for good. Trying loses nothing.
    assert_eq!(bob.outcome(ticket), Some(Err(ClientError::Removed)));
    assert!(bob.view(room).end.is_some());
    assert_eq!((bob.texts(room), bob.outbox(room).len()), (vec!["said".to_owned()], 1));
}
