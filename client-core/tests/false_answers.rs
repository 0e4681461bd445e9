//! A relay that answers what is not true: hashes apart from content, places that are not in the log, answers to other questions,
//! alarms that it tries to take back, rooms that it has a client delete.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{Alarm, ClientError, Command, ConnectionState, Event, Input, Outcome, TimelineBody};
use sotto_protocol::{EntryKind, ErrorCode, LogEntry, Page, RelayFrame, Reply, Request, WireError};
use support::{
    Device,
    lies::{be_honest, is_append, is_create, is_open, lie_once, says_alone},
    room_of, settle, world,
};

#[test]
fn an_old_message_under_the_hash_of_a_withheld_one_is_not_taken_for_it() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.says(room, "old");
    settle(&mut [&mut ada, &mut bob]);
    let old = relay.borrow().rooms[&room].log.last().unwrap().clone();
    bob.disconnect_for_good();
    let at = says_alone(&relay, room, &mut ada, &["do not pay"]);
    let withheld = relay.borrow().rooms[&room].log[at].clone();
    // Bob would pass over the duplicate, and his chain would agree with everybody's.
    let forged = LogEntry { seq: withheld.seq, dropped: Some(withheld.hash()), ..old };
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log[at] = forged;
    bob.connect();
    bob.take_frames();
    assert!(bob.events.contains(&Event::Problem(ClientError::MalformedFrame)));
    assert!(bob.view(room).head_seq < withheld.seq, "nothing is read in its place");
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log[at] = withheld;
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["old", "do not pay"]);
}

#[test]
fn a_message_that_the_relay_has_dropped_is_a_gap_that_stays() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let at = says_alone(&relay, room, &mut ada, &["too old"]);
    relay.borrow_mut().rooms.get_mut(&room).unwrap().drop_body(at, 60);
    bob.connect();
    ada.says(room, "new");
    settle(&mut [&mut ada, &mut bob]);
    let bob = bob.restart();
    let bodies: Vec<_> = bob.timeline(room).into_iter().map(|item| (item.seq, item.body)).collect();
    assert!(bodies.contains(&(at as u64 + 1, TimelineBody::Gap)));
    assert_eq!(bob.texts(room), ["new"]);
    assert_eq!(bob.alarms(room), [], "the chains agree");
}

#[test]
fn an_own_message_that_was_dropped_before_its_answer_came_is_known_and_not_sent_again() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.fault = Some(support::Fault::LoseReply);
    let ticket = ada.says(room, "once");
    let at = relay.borrow().rooms[&room].log.len() - 1;
    relay.borrow_mut().rooms.get_mut(&room).unwrap().drop_body(at, 60);
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room), ["once"]);
    assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }) && ada.outbox(room).is_empty());
    assert_eq!(relay.borrow().count(is_append), 1);
}

#[test]
fn alarms_stand_side_by_side_and_no_later_answer_takes_one_away() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    // A fork: Bob is not shown the first of two messages.
    bob.disconnect_for_good();
    let whole = says_alone(&relay, room, &mut ada, &["hidden", "shown"]);
    let honest = relay.borrow().rooms[&room].log.clone();
    let mut forked = honest.clone();
    let mut last = forked.pop().unwrap();
    last.seq -= 1;
    forked[whole - 1] = last;
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log = forked.clone();
    bob.connect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarms(room)[..], [Alarm::HistoryDiverged(_)]));
    // The relay goes back, and then forward again.
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log.pop();
    bob.disconnect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarms(room)[..], [Alarm::RelayRolledBack(_), Alarm::HistoryDiverged(_)]));
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log = forked;
    let mut bob = bob.restart();
    bob.connect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarms(room)[..], [Alarm::RelayRolledBack(_), Alarm::HistoryDiverged(_)]));
    // A person puts them aside; what is found later is told again.
    let seen = bob.alarms(room);
    let ticket = bob.command(Command::PutAlarmsAside { room, seen });
    assert_eq!((bob.expect(ticket), bob.alarms(room)), (Outcome::AlarmsPutAside, vec![]));
    relay.borrow_mut().append_garbage(room);
    settle(&mut [&mut bob]);
    bob.disconnect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarms(room)[..], [Alarm::EntryDamaged(_)]), "{:?}", bob.alarms(room));
}

#[test]
fn a_page_that_was_asked_for_before_a_room_stopped_does_not_let_it_go_on() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    says_alone(&relay, room, &mut ada, &["later"]);
    bob.connect();
    bob.take_one();
    bob.take_one();
    let page = bob.hold_frame();
    let gone = Reply::Error(ErrorCode::UnknownRoom.into());
    lie_once(&relay, is_open, gone);
    relay.borrow_mut().send(bob.connection(), &RelayFrame::Behind(room));
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::RelayRolledBack(_))));
    bob.give(Input::Received(page));
    settle(&mut [&mut bob]);
    assert_eq!(bob.texts(room), Vec::<String>::new());
    let ticket = bob.says(room, "not now");
    settle(&mut [&mut bob]);
    assert_eq!(bob.outcome(ticket), None, "nothing goes out either");
}

#[test]
fn a_relay_that_says_behind_is_asked_one_question_at_a_time_and_not_without_end() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    says_alone(&relay, room, &mut ada, &["one", "two"]);
    bob.connect();
    bob.take_one();
    let before = relay.borrow().count(is_open);
    // While the room is being opened, and after.
    for _ in 0..50 {
        bob.give(Input::Received(sotto_protocol::encode(&RelayFrame::Behind(room))));
    }
    assert_eq!(relay.borrow().count(is_open), before, "one question is enough");
    bob.take_frames();
    for _ in 0..50 {
        relay.borrow_mut().send(bob.connection(), &RelayFrame::Behind(room));
        bob.take_frames();
    }
    assert!(relay.borrow().count(is_open) <= before + 2, "and it is not asked in a loop");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["one", "two"]);
    assert_eq!(bob.told(room), ["one", "two"]);
}

#[test]
fn a_second_greeting_changes_nothing() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    let other = relay.borrow_mut().connect();
    let greeting = relay.borrow_mut().next_frame(other).unwrap();
    let opened = relay.borrow().count(is_open);
    bob.give(Input::Received(greeting));
    assert!(bob.events.contains(&Event::Problem(ClientError::MalformedFrame)));
    ada.says(room, "still here");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["still here"]);
    assert_eq!(relay.borrow().count(is_open), opened);
}

#[test]
fn a_room_in_the_making_outlives_a_relay_that_asks_to_wait() {
    for code in [ErrorCode::SlowDown, ErrorCode::StorageFull, ErrorCode::Internal] {
        let relay = world();
        let mut ada = Device::new(&relay, "Ada");
        lie_once(&relay, is_create, Reply::Error(WireError::with_delay(code, 2_000)));
        ada.connect();
        let ticket = ada.creates("Garden");
        let room = ada.session.rooms()[0].id;
        let send = ada.says(room, "first words");
        ada.take_frames();
        let waiting = ada.events.iter().find_map(|event| match event {
            Event::Waiting { room: of, code, retry_in_ms } => Some((*of, *code, *retry_in_ms)),
            _ => None,
        });
        assert!(matches!(waiting, Some((of, why, ms)) if of == room && why == code && ms >= 2_000));
        assert_eq!((ada.outcome(ticket), ada.outcome(send)), (None, None), "{code:?}");
        assert_eq!((ada.session.rooms().len(), ada.outbox(room).len()), (1, 1), "nothing is lost");
        settle(&mut [&mut ada]);
        assert_eq!(ada.expect(ticket), Outcome::RoomCreated(room));
        assert!(matches!(ada.expect(send), Outcome::Sent { .. }));
        assert_eq!(ada.texts(room), ["first words"]);
    }
}

#[test]
fn a_proxy_that_changes_the_address_is_named_and_no_room_is_made_that_cannot_be_used() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada]);
    let is_signed = |request: &Request| {
        is_open(request) || matches!(request, Request::AppendHandshake(a) if a.join.is_some())
    };
    relay.borrow_mut().lie = Some(Box::new(move |request| {
        is_signed(request).then(|| Reply::Error(ErrorCode::BadSignature.into()))
    }));
    bob.connect();
    let tickets = (bob.creates("Shut"), bob.joins(&link));
    settle(&mut [&mut bob]);
    for ticket in [tickets.0, tickets.1] {
        assert_eq!(bob.outcome(ticket), Some(Err(ClientError::AddressDiffers)));
    }
    assert!(bob.session.rooms().is_empty(), "nothing is left over");
    // A room that was made before stays, and says why it stands still.
    ada.disconnect();
    let ticket = ada.says(room, "kept");
    settle(&mut [&mut ada]);
    assert!(matches!(ada.expect(ticket), Outcome::Kept { reason: ClientError::AddressDiffers, .. }));
    assert_eq!(ada.alarms(room), []);
}

/// Nobody is told which epochs a room has, by whose key they do not sign: that one is lost shows by the new life of the database.
#[test]
fn a_relay_that_was_put_back_and_has_lost_an_epoch_is_told_from_another_address() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let (room, _) = room_of(&mut [&mut ada]);
    ada.disconnect();
    relay.borrow_mut().restored += 1;
    lie_once(&relay, is_open, Reply::Error(ErrorCode::BadSignature.into()));
    ada.connect();
    settle(&mut [&mut ada]);
    assert!(matches!(ada.alarms(room)[..], [Alarm::RelayRolledBack(_)]), "{:?}", ada.alarms(room));
}

#[test]
fn a_room_that_is_refused_for_good_is_forgotten_only_where_nothing_was_written_into_it() {
    for has_words in [false, true] {
        let relay = world();
        let mut ada = Device::new(&relay, "Ada");
        lie_once(&relay, is_create, Reply::Error(ErrorCode::TokenNeeded.into()));
        ada.connect();
        let ticket = ada.creates("Garden");
        let room = ada.session.rooms()[0].id;
        let send = has_words.then(|| ada.says(room, "first words"));
        ada.take_frames();
        assert_eq!(ada.outcome(ticket), Some(Err(ClientError::Refused(ErrorCode::TokenNeeded))));
        assert_eq!(ada.session.rooms().len(), usize::from(has_words));
        let Some(send) = send else { continue };
        assert!(matches!(ada.expect(send), Outcome::Kept { .. }), "and not sent");
        let mut ada = ada.restart();
        assert_eq!(ada.outbox(room).len(), 1);
        ada.connect();
        settle(&mut [&mut ada]);
        assert_eq!(ada.texts(room), ["first words"]);
    }
}

#[test]
fn a_relay_that_says_behind_while_a_room_is_made_does_not_delete_it() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    ada.connect();
    ada.take_frames();
    let ticket = ada.creates("Garden");
    let room = ada.session.rooms()[0].id;
    // The answer to the room's making is on its way; a second one would be refused.
    ada.give(Input::Received(sotto_protocol::encode(&RelayFrame::Behind(room))));
    assert_eq!(relay.borrow().count(is_create), 1);
    settle(&mut [&mut ada]);
    for request in 0..20 {
        let refused = Reply::Error(ErrorCode::RoomExists.into());
        ada.give(Input::Received(sotto_protocol::encode(&RelayFrame::Reply(request, refused))));
    }
    settle(&mut [&mut ada]);
    assert_eq!(ada.expect(ticket), Outcome::RoomCreated(room));
    assert_eq!(ada.session.rooms().len(), 1);
    ada.says(room, "alive");
    settle(&mut [&mut ada]);
    assert_eq!(ada.texts(room), ["alive"]);
}

#[test]
fn stale_handshakes_with_more_to_come_are_not_asked_for_in_a_loop() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    let stale: Vec<LogEntry> = relay.borrow().rooms[&room].log.clone();
    let stale: Vec<_> = stale.into_iter().filter(|entry| entry.kind.is_handshake()).collect();
    bob.disconnect_for_good();
    let mut cy = Device::new(&relay, "Cy");
    cy.connect();
    cy.joins(&link);
    settle(&mut [&mut ada, &mut cy]);
    relay.borrow_mut().lie = Some(Box::new(move |request| match request {
        Request::Page(page) if page.handshakes_only => {
            Some(Reply::Page(Page { entries: stale.clone(), more: true }))
        }
        _ => None,
    }));
    bob.connect();
    // No time passes.
    for _ in 0..200 {
        bob.take_one();
    }
    let asked =
        relay.borrow().count(|request| matches!(request, Request::Page(page) if page.handshakes_only));
    assert!(asked <= 2, "{asked}");
    be_honest(&relay);
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.member_names(room).len(), 3);
}

#[test]
fn a_change_that_is_not_valid_stops_a_room_only_as_long_as_it_stands_there() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    let bad = relay.borrow().rooms[&room].log.len() as u64 + 1;
    let garbage = LogEntry {
        kind: EntryKind::Handshake,
        access_key: Some([7; 32]),
        ..LogEntry::message(bad, vec![1; 300])
    };
    bob.give(Input::Received(sotto_protocol::encode(&RelayFrame::Entry(room, garbage))));
    assert_eq!(bob.alarms(room), [Alarm::InvalidChange(bad)]);
    // In the log of everybody else a message is there.
    ada.says(room, "words");
    settle(&mut [&mut ada]);
    bob.disconnect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["words"]);
    let ticket = bob.invites(room, None);
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(bob.expect(ticket), Outcome::InviteCreated(_)));
    assert_eq!((bob.alarm(room), bob.alarms(room).len()), (None, 1), "settled, and still to be read");
}

#[test]
fn a_first_commit_that_is_refused_is_not_made_again_in_a_loop() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    ada.connect();
    relay.borrow_mut().lie = Some(Box::new(|request| match request {
        Request::AppendHandshake(_) => Some(Reply::Error(ErrorCode::LimitExceeded.into())),
        _ => None,
    }));
    ada.creates("Garden");
    for _ in 0..300 {
        ada.take_one();
    }
    let asked = relay.borrow().count(|request| matches!(request, Request::AppendHandshake(_)));
    assert!(asked <= 2, "{asked}");
    be_honest(&relay);
    settle(&mut [&mut ada]);
    let room = ada.session.rooms()[0].id;
    ada.says(room, "at last");
    settle(&mut [&mut ada]);
    assert_eq!(ada.texts(room), ["at last"]);
}

#[test]
fn an_alarm_is_not_settled_by_an_entry_that_opens_before_what_came_after_it_is_judged_again() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let first = says_alone(&relay, room, &mut ada, &["one"]) as u64 + 1;
    says_alone(&relay, room, &mut ada, &["hidden"]);
    says_alone(&relay, room, &mut ada, &["shown"]);
    // Bob is shown a damaged entry, and a fork after it.
    let honest = relay.borrow().rooms[&room].log.clone();
    let mut forked = honest.clone();
    let mut last = forked.pop().unwrap();
    let hidden = forked.pop().unwrap();
    last.seq = hidden.seq;
    forked.push(last);
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log = forked;
    relay.borrow_mut().damage = Some(first);
    bob.connect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::HistoryDiverged(_))));
    // The damage is repaired, and nothing else.
    relay.borrow_mut().damage = None;
    bob.disconnect();
    settle(&mut [&mut bob]);
    assert!(matches!(bob.alarm(room), Some(Alarm::HistoryDiverged(_))), "{:?}", bob.view(room).alarms);
}

#[test]
fn a_relay_that_greets_and_closes_is_asked_less_and_less_often() {
    let relay = world();
    let (mut ada, _) = (Device::new(&relay, "Ada"), ());
    let mut delays = Vec::new();
    for _ in 0..8 {
        ada.connect();
        ada.take_one();
        ada.disconnect();
        let last = ada.events.iter().rev().find_map(|event| match event {
            Event::Connection(ConnectionState::Offline { retry_in_ms }) => Some(*retry_in_ms),
            _ => None,
        });
        delays.extend(last);
    }
    assert!(delays.last().is_some_and(|delay| *delay > 10_000), "{delays:?}");
}
