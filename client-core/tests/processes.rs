//! Several processes (or tabs) of one profile at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::Outcome;
use support::{Device, room_of, settle, world};

#[test]
fn two_processes_of_one_profile_do_not_disturb_each_other() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    let mut other = ada.another_process();
    other.connect();
    settle(&mut [&mut ada, &mut bob, &mut other]);
    for round in 0..5 {
        let sends = (ada.says(room, &format!("one {round}")), other.says(room, &format!("two {round}")));
        bob.says(room, &format!("bob {round}"));
        let ticket = other.invites(room, None);
        settle(&mut [&mut ada, &mut bob, &mut other]);
        assert!(matches!(other.expect(ticket), Outcome::InviteCreated(_)));
        // Either process may have sent either message, and seen it come back first.
        assert!(matches!(ada.expect(sends.0), Outcome::Sent { .. }));
        assert!(matches!(other.expect(sends.1), Outcome::Sent { .. }));
    }
    let expected = bob.texts(room);
    assert_eq!(expected.len(), 15);
    for device in [&ada, &other] {
        assert_eq!(device.texts(room), expected);
        assert_eq!(device.told(room), expected, "each item is told once in each process");
        assert_eq!(device.alarm(room), None);
        assert!(device.outbox(room).is_empty());
        assert_eq!(device.session.invites(&room).len(), 6);
    }
}

#[test]
fn an_answer_that_comes_late_is_no_reason_for_an_alarm_when_another_process_has_read_on() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    // The second process asks to open the room and gets its answer, but does not look at it yet.
    let mut other = ada.another_process();
    other.connect();
    other.take_one();
    // Meanwhile the first one reads on, into another epoch.
    bob.says(room, "meanwhile");
    settle(&mut [&mut ada, &mut bob]);
    let mut cy = Device::new(&relay, "Cy");
    cy.connect();
    cy.joins(&link);
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    settle(&mut [&mut other]);
    assert_eq!((ada.alarm(room), other.alarm(room)), (None, None));
    bob.says(room, "and on");
    settle(&mut [&mut ada, &mut bob, &mut other]);
    assert_eq!(other.texts(room), ["meanwhile", "and on"]);
    assert_eq!(other.told(room), ["meanwhile", "and on"]);
    let ticket = other.says(room, "both fine");
    settle(&mut [&mut ada, &mut bob, &mut other]);
    assert!(matches!(other.expect(ticket), Outcome::Sent { .. }));
}

#[test]
fn two_processes_that_were_away_catch_up_side_by_side() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    let mut other = ada.another_process();
    ada.disconnect_for_good();
    for name in ["Cy", "Di"] {
        let mut guest = Device::new(&relay, name);
        guest.connect();
        guest.joins(&link);
        settle(&mut [&mut guest, &mut bob]);
        bob.says(room, &format!("welcome, {name}"));
        settle(&mut [&mut guest, &mut bob]);
    }
    ada.connect();
    other.connect();
    settle(&mut [&mut ada, &mut other, &mut bob]);
    for device in [&ada, &other] {
        assert_eq!(device.texts(room), ["welcome, Cy", "welcome, Di"]);
        assert_eq!(device.told(room), ["welcome, Cy", "welcome, Di"]);
    }
    for device in [&mut ada, &mut other] {
        let ticket = device.says(room, "here");
        settle(&mut [device, &mut bob]);
        assert!(matches!(device.expect(ticket), Outcome::Sent { .. }));
    }
}

#[test]
fn two_processes_that_join_by_one_link_end_as_one_member() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let (room, link) = room_of(&mut [&mut ada]);
    let mut bob = Device::new(&relay, "Bob");
    let mut other = bob.another_process();
    bob.connect();
    other.connect();
    let tickets = (bob.joins(&link), other.joins(&link));
    settle(&mut [&mut ada, &mut bob, &mut other]);
    assert_eq!(bob.expect(tickets.0), Outcome::Joined(room));
    assert_eq!(other.expect(tickets.1), Outcome::Joined(room));
    assert_eq!(ada.member_names(room), ["Ada", "Bob"]);
    for device in [&mut bob, &mut other] {
        assert_eq!(device.alarm(room), None);
        device.says(room, "in");
        settle(&mut [device, &mut ada]);
    }
    assert_eq!(ada.texts(room), ["in", "in"]);
}
