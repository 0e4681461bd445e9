//! A relay that says that something is at a place in the log where it is not: messages, commits, joins, handshakes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{Alarm, ClientError, Outcome};
use sotto_protocol::{ErrorCode, OpenedRoom, Page, Reply, Request, RoomAccess};
use support::{
    Device,
    lies::{be_honest, is_append, lie_once, says_alone},
    room_of, settle, world,
};

#[test]
fn a_place_beyond_the_log_is_no_proof_that_a_message_was_sent() {
    for place in [u64::MAX, 1 << 40, 9] {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, _) = room_of(&mut [&mut ada, &mut bob]);
        lie_once(&relay, is_append, Reply::Appended(place));
        let ticket = ada.says(room, "really");
        ada.take_frames();
        assert_eq!(ada.outcome(ticket), None, "{place}");
        assert_eq!(ada.alarm(room), Some(Alarm::NotInLog(place)));
        assert!(!ada.outbox(room)[0].is_acknowledged, "it is not shown as sent");
        settle(&mut [&mut ada, &mut bob]);
        assert_eq!(bob.texts(room), ["really"], "it goes out after all");
        assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }));
        assert_eq!(ada.alarms(room), [Alarm::NotInLog(place)], "and that stays");
    }
}

#[test]
fn a_place_that_holds_something_else_is_no_proof_either() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    lie_once(&relay, is_append, Reply::Appended(1));
    let ticket = ada.says(room, "really");
    ada.take_frames();
    assert_eq!((ada.outcome(ticket), ada.alarm(room)), (None, Some(Alarm::NotInLog(1))));
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["really"]);
}

#[test]
fn a_false_place_is_found_out_after_a_restart_too() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    lie_once(&relay, is_append, Reply::Appended(1 << 40));
    ada.says(room, "really");
    ada.take_one();
    assert!(ada.outbox(room)[0].is_acknowledged, "the relay said so");
    let mut ada = ada.restart();
    ada.connect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["really"]);
    assert_eq!(ada.alarms(room), [Alarm::NotInLog(1 << 40)]);
}

#[test]
fn a_message_that_is_acknowledged_and_dropped_is_found_out_and_sent_again() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().drops_acknowledged = true;
    let ticket = ada.says(room, "dropped");
    for _ in 0..5 {
        ada.take_frames();
        ada.wake();
    }
    assert!(matches!(ada.alarm(room), Some(Alarm::NotInLog(_))));
    assert_eq!(ada.outcome(ticket), None);
    assert!(relay.borrow().count(is_append) < 10, "a liar is not asked in a loop");
    relay.borrow_mut().drops_acknowledged = false;
    bob.says(room, "next");
    settle(&mut [&mut bob]);
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["next", "dropped"]);
}

#[test]
fn a_commit_that_is_acknowledged_and_not_in_the_log_is_made_again() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    lie_once(&relay, |request| matches!(request, Request::AppendHandshake(_)), Reply::Appended(77));
    let ticket = ada.invites(room, None);
    ada.take_frames();
    assert_eq!(ada.alarm(room), Some(Alarm::NotInLog(77)));
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.expect(ticket), Outcome::InviteCreated(_)));
}

#[test]
fn a_join_is_found_by_its_entry_wherever_the_relay_says_that_it_is() {
    for place in [u64::MAX, 0, 3] {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, link) = room_of(&mut [&mut ada]);
        ada.says(room, "before");
        settle(&mut [&mut ada]);
        relay.borrow_mut().bend = Some(Box::new(move |request, reply| match request {
            Request::AppendHandshake(append) if append.join.is_some() => Reply::Appended(place),
            _ => reply,
        }));
        bob.connect();
        let ticket = bob.joins(&link);
        settle(&mut [&mut ada, &mut bob]);
        be_honest(&relay);
        assert_eq!(bob.expect(ticket), Outcome::Joined(room));
        ada.says(room, "after");
        settle(&mut [&mut ada, &mut bob]);
        bob.says(room, "heard");
        settle(&mut [&mut ada, &mut bob]);
        assert_eq!(bob.texts(room), ["after", "heard"], "{place}");
        assert_eq!((ada.alarms(room), bob.alarms(room)), (vec![], vec![]));
    }
}

#[test]
fn a_join_that_is_acknowledged_and_not_in_the_log_is_an_alarm() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada]);
    let log = relay.borrow().rooms[&room].log.clone();
    let head_seq = log.len() as u64;
    relay.borrow_mut().lie = Some(Box::new(move |request| match request {
        Request::AppendHandshake(_) => Some(Reply::Appended(head_seq + 1)),
        Request::Open(_) => {
            let (access, epoch) = (RoomAccess::Full, 0);
            Some(Reply::Opened(Box::new(OpenedRoom {
                access,
                epoch,
                head_seq,
                last_handshake_seq: head_seq,
                retention: None,
                safe_seq: None,
                behind: None,
                went_on: None,
            })))
        }
        Request::Page(page) => {
            let entries = log.iter().filter(|entry| entry.seq > page.from).cloned().collect();
            Some(Reply::Page(Page { entries, more: false }))
        }
        _ => None,
    }));
    bob.connect();
    bob.joins(&link);
    settle(&mut [&mut bob]);
    assert_eq!(bob.alarms(room), [Alarm::NotInLog(head_seq + 1)]);
    let ticket = bob.says(room, "is anybody here?");
    settle(&mut [&mut bob]);
    assert_eq!((bob.outcome(ticket), bob.texts(room).len()), (None, 0));
}

#[test]
fn handshakes_at_false_places_kill_no_room() {
    for place in [3, 1 << 40, u64::MAX] {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, link) = room_of(&mut [&mut ada, &mut bob]);
        ada.says(room, "before");
        settle(&mut [&mut ada, &mut bob]);
        bob.disconnect_for_good();
        says_alone(&relay, room, &mut ada, &["meanwhile"]);
        let mut cy = Device::new(&relay, "Cy");
        cy.connect();
        cy.joins(&link);
        settle(&mut [&mut ada, &mut cy]);
        // The bytes are right; the place is the relay's invention.
        let cursor = bob.view(room).head_seq;
        relay.borrow_mut().bend = Some(Box::new(move |request, reply| match (request, reply) {
            (Request::Page(page), Reply::Page(mut answer)) if page.handshakes_only => {
                answer.entries.iter_mut().for_each(|entry| entry.seq = place.max(cursor + 1));
                Reply::Page(answer)
            }
            (_, reply) => reply,
        }));
        bob.connect();
        settle(&mut [&mut bob]);
        be_honest(&relay);
        for round in 0..2 {
            let mut again = bob.restart();
            again.connect();
            settle(&mut [&mut ada, &mut again, &mut cy]);
            let ticket = again.says(room, &format!("still here {round}"));
            settle(&mut [&mut ada, &mut again, &mut cy]);
            assert!(matches!(again.expect(ticket), Outcome::Sent { .. }), "{place}");
            bob = again;
        }
        let ticket = bob.invites(room, None);
        settle(&mut [&mut ada, &mut bob, &mut cy]);
        assert!(matches!(bob.expect(ticket), Outcome::InviteCreated(_)), "{place}");
        assert_eq!(bob.texts(room), ["before", "meanwhile", "still here 0", "still here 1"]);
        assert_eq!(bob.alarms(room), [], "{place}");
    }
}

#[test]
fn a_join_that_the_relay_lost_is_made_again_by_the_same_link() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada]);
    lie_once(&relay, |request| matches!(request, Request::AppendHandshake(_)), Reply::Appended(99));
    bob.connect();
    bob.joins(&link);
    settle(&mut [&mut bob]);
    assert_eq!(ada.member_names(room).len(), 1, "the relay dropped it");
    let mut bob = bob.restart();
    bob.connect();
    let ticket = bob.joins(&link);
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.expect(ticket), Outcome::Joined(room));
    bob.says(room, "in at last");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room), ["in at last"]);
}

#[test]
fn a_commit_that_is_refused_and_stored_all_the_same_is_followed_by_the_device_that_made_it() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().bend = Some(Box::new(|request, reply| match request {
        Request::AppendHandshake(_) => Reply::Error(ErrorCode::LimitExceeded.into()),
        _ => reply,
    }));
    let ticket = ada.invites(room, None);
    ada.take_frames();
    be_honest(&relay);
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.outcome(ticket), Some(Err(ClientError::Refused(_)) | Ok(_))));
    assert_eq!((ada.alarms(room), bob.alarms(room)), (vec![], vec![]));
    ada.says(room, "still here");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["still here"]);
    assert_eq!(ada.session.invites(&room).len(), 2, "the invite is there after all");
}
