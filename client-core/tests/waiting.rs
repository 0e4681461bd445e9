//! Messages that wait: sent again or discarded by a person, kept while the relay refuses; and people who wait in front of a
//! crowded relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{ClientError, Command, Event, Outcome};
use sotto_protocol::{ErrorCode, Reply, Request, WireError};
use support::{Device, Fault, room_of, settle, world};

#[test]
fn a_refused_message_waits_until_a_person_sends_it_again_or_discards_it() {
    for is_retried in [false, true] {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, _) = room_of(&mut [&mut ada, &mut bob]);
        relay.borrow_mut().refuse_appends = Some(ErrorCode::BadEntry);
        let ticket = ada.says(room, "refused");
        settle(&mut [&mut ada, &mut bob]);
        assert!(matches!(ada.expect(ticket), Outcome::Refused { reason: ClientError::Refused(_), .. }));
        relay.borrow_mut().refuse_appends = None;
        let mut ada = ada.restart();
        ada.connect();
        settle(&mut [&mut ada, &mut bob]);
        let waiting = ada.outbox(room);
        assert!(waiting.len() == 1 && waiting[0].has_failed, "it does not go out by itself");
        let message = waiting[0].id;
        let (command, expected) = if is_retried {
            (Command::Retry { room, message }, Outcome::Retried)
        } else {
            (Command::Discard { room, message }, Outcome::Discarded { may_be_sent: false })
        };
        let ticket = ada.command(command);
        assert_eq!(ada.expect(ticket), expected);
        let mut ada = ada.restart();
        ada.connect();
        settle(&mut [&mut ada, &mut bob]);
        assert_eq!(bob.texts(room).len(), usize::from(is_retried));
        assert!(ada.outbox(room).is_empty());
    }
}

#[test]
fn a_discarded_message_is_never_sent_and_not_called_sent() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.disconnect_for_good();
    let send = ada.says(room, "better not");
    let message = ada.outbox(room)[0].id;
    // Another process discards it; this one has to hear of it.
    let mut other = ada.another_process();
    let ticket = other.command(Command::Discard { room, message });
    assert_eq!(other.expect(ticket), Outcome::Discarded { may_be_sent: false });
    ada.connect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.outcome(send), Some(Err(ClientError::Discarded)));
    assert_eq!(bob.texts(room), Vec::<String>::new());
    let ticket = ada.command(Command::Discard { room, message });
    assert_eq!(ada.outcome(ticket), Some(Err(ClientError::UnknownMessage)));
}

#[test]
fn discarding_says_whether_the_others_may_have_it_all_the_same() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.fault = Some(Fault::LoseReply);
    ada.says(room, "on its way");
    let message = ada.outbox(room)[0].id;
    let ticket = ada.command(Command::Discard { room, message });
    assert_eq!(ada.expect(ticket), Outcome::Discarded { may_be_sent: true });
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!((ada.texts(room), bob.texts(room)), (vec!["on its way".into()], vec!["on its way".into()]));
}

#[test]
fn what_the_relay_has_acknowledged_cannot_be_discarded() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().lie = Some(Box::new(|request| match request {
        Request::Append(_) => Some(Reply::Appended(1 << 40)),
        _ => None,
    }));
    ada.says(room, "out");
    ada.take_one();
    let message = ada.outbox(room)[0].id;
    let ticket = ada.command(Command::Discard { room, message });
    assert_eq!(ada.outcome(ticket), Some(Err(ClientError::AlreadyStored)));
}

#[test]
fn a_send_in_a_room_that_stopped_is_kept_and_goes_out_once_the_room_goes_on() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    ada.says(room, "first");
    settle(&mut [&mut ada, &mut bob]);
    // The relay runs on an older copy for a while.
    let whole = relay.borrow().rooms[&room].clone();
    relay.borrow_mut().rooms.get_mut(&room).unwrap().log.pop();
    ada.disconnect();
    let ticket = ada.says(room, "kept");
    settle(&mut [&mut ada]);
    assert!(matches!(ada.expect(ticket), Outcome::Kept { reason: ClientError::RoomStopped, .. }));
    relay.borrow_mut().rooms.insert(room, whole);
    ada.disconnect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["first", "kept"]);
}

#[test]
fn a_crowd_in_front_of_one_relay_comes_in_by_itself() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let (room, link) = room_of(&mut [&mut ada]);
    // Every other request of those who join is told to wait.
    let mut count = 0;
    relay.borrow_mut().lie = Some(Box::new(move |request| {
        let is_join = match request {
            Request::Card(_) => true,
            Request::AppendHandshake(append) => append.join.is_some(),
            _ => false,
        };
        count += usize::from(is_join);
        let asked_to_wait = Reply::Error(WireError::with_delay(ErrorCode::SlowDown, 4_000));
        (is_join && count % 2 == 1).then_some(asked_to_wait)
    }));
    let mut guests: Vec<Device> = (0..8).map(|n| Device::new(&relay, &format!("Guest {n}"))).collect();
    let tickets: Vec<_> = guests
        .iter_mut()
        .map(|guest| {
            guest.connect();
            guest.joins(&link)
        })
        .collect();
    settle(&mut guests.iter_mut().collect::<Vec<_>>());
    for (guest, ticket) in guests.iter().zip(tickets) {
        assert_eq!(guest.expect(ticket), Outcome::Joined(room));
    }
    let is_told = |event: &Event| {
        matches!(event, Event::Waiting { room: of, code: ErrorCode::SlowDown, retry_in_ms }
            if *of == room && *retry_in_ms >= 4_000)
    };
    assert!(guests.iter().any(|guest| guest.events.iter().any(is_told)), "the reason is in sight");
    settle(&mut [&mut ada]);
    assert_eq!(ada.member_names(room).len(), 9);
}

#[test]
fn a_message_goes_out_again_once_what_came_since_is_read() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    // The relay looks no further back than the last entry: whoever has not read it has to.
    relay.borrow_mut().tail_max = 0;
    bob.says(room, "before");
    let ticket = ada.says(room, "at the same moment");
    settle(&mut [&mut ada, &mut bob]);
    assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }));
    assert_eq!(bob.texts(room), ["before", "at the same moment"]);
    let asked = &relay.borrow().asked;
    let appends: Vec<_> = asked
        .iter()
        .filter_map(|request| match request {
            Request::Append(append) => Some((append.read_seq, &append.entry)),
            _ => None,
        })
        .collect();
    let [.., (first_seq, first), (again_seq, again)] = appends[..] else { panic!("{}", appends.len()) };
    assert_eq!(
        (first, first_seq + 1),
        (again, again_seq),
        "the same bytes, of somebody who has read one more"
    );
}

#[test]
fn a_newcomer_waits_for_their_turn_and_makes_the_join_anew() {
    let relay = world();
    let (mut ada, mut eve) = (Device::new(&relay, "Ada"), Device::new(&relay, "Eve"));
    let (room, link) = room_of(&mut [&mut ada]);
    let wait = || Reply::Error(WireError::with_delay(ErrorCode::NotYourTurn, 250));
    // Twice while it waits in the line, and once more with a join that it has made.
    let mut left = (2, 1);
    relay.borrow_mut().lie = Some(Box::new(move |request| match request {
        Request::JoinTurn(_) if left.0 > 0 => {
            left.0 -= 1;
            Some(wait())
        }
        Request::AppendHandshake(append) if append.join.is_some() && left.1 > 0 => {
            left.1 -= 1;
            Some(wait())
        }
        _ => None,
    }));
    eve.connect();
    let ticket = eve.joins(&link);
    settle(&mut [&mut ada, &mut eve]);
    assert_eq!(eve.expect(ticket), Outcome::Joined(room));
    let waits = eve.events.iter().filter_map(|event| match event {
        Event::Waiting { code: ErrorCode::NotYourTurn, retry_in_ms, .. } => Some(*retry_in_ms),
        _ => None,
    });
    let waits: Vec<_> = waits.collect();
    assert_eq!(waits.len(), 3);
    assert!(
        waits.iter().all(|wait| (250..=375).contains(wait)),
        "as the relay says, and no longer: {waits:?}"
    );
    assert_eq!(relay.borrow().count(|request| matches!(request, Request::JoinTurn(_))), 4);
}
