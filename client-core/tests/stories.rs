//! What people do, and what may go wrong meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_client_core::{ClientError, Command, Event, Outcome};
use sotto_protocol::{ErrorCode, RoomId};
use support::{Device, Fault, room_of, settle, world};

#[test]
fn people_meet_and_talk() {
    let relay = world();
    let (mut ada, mut bob, mut cy) =
        (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"), Device::new(&relay, "Cy"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob, &mut cy]);
    ada.says(room, "hello");
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    bob.says(room, "hi");
    cy.says(room, "hey");
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    for device in [&ada, &bob, &cy] {
        let mut texts = device.texts(room);
        assert_eq!(texts.remove(0), "hello");
        texts.sort();
        assert_eq!(texts, ["hey", "hi"]);
        assert_eq!(device.told(room), device.texts(room));
        assert_eq!(device.alarm(room), None);
        assert!(device.outbox(room).is_empty());
        let mut names = device.member_names(room);
        names.sort();
        assert_eq!(names, ["Ada", "Bob", "Cy"]);
    }
    assert_eq!(ada.texts(room), bob.texts(room));
}

#[test]
fn a_newcomer_reads_nothing_from_before() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada]);
    ada.says(room, "before");
    settle(&mut [&mut ada]);
    bob.connect();
    bob.joins(&link);
    settle(&mut [&mut ada, &mut bob]);
    ada.says(room, "after");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["after"]);
    assert_eq!((ada.alarm(room), bob.alarm(room)), (None, None));
}

#[test]
fn whoever_was_away_catches_up_through_many_epochs() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    bob.disconnect_for_good();
    let mut expected = Vec::new();
    for round in 0..5 {
        for index in 0..4 {
            let text = format!("{round}.{index}");
            ada.says(room, &text);
            expected.push(text);
        }
        settle(&mut [&mut ada]);
        let mut guest = Device::new(&relay, &format!("Guest {round}"));
        guest.connect();
        guest.joins(&link);
        settle(&mut [&mut ada, &mut guest]);
    }
    let mut bob = bob.restart();
    bob.connect();
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), expected);
    assert_eq!(bob.told(room), expected);
    assert_eq!(bob.alarm(room), None);
    assert_eq!(bob.member_names(room).len(), 7);
    bob.says(room, "back");
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.texts(room).last().unwrap(), "back");
}

#[test]
fn a_message_is_there_once_whatever_the_network_loses() {
    for fault in [Fault::LoseRequest, Fault::LoseReply] {
        for crash in [false, true] {
            let relay = world();
            let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
            let (room, _) = room_of(&mut [&mut ada, &mut bob]);
            ada.fault = Some(fault);
            ada.says(room, "once");
            if crash {
                ada = ada.restart();
                ada.connect();
            }
            settle(&mut [&mut ada, &mut bob]);
            assert_eq!(bob.texts(room), ["once"], "{fault:?}, crash: {crash}");
            assert_eq!(ada.texts(room), ["once"]);
            assert!(ada.outbox(room).is_empty());
        }
    }
}

#[test]
fn a_message_written_offline_goes_out_later_even_in_another_epoch() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    ada.disconnect_for_good();
    let ticket = ada.says(room, "later");
    assert_eq!(ada.outbox(room).len(), 1);
    let mut cy = Device::new(&relay, "Cy");
    cy.connect();
    cy.joins(&link);
    settle(&mut [&mut bob, &mut cy]);
    ada.connect();
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }));
    for device in [&ada, &bob, &cy] {
        assert_eq!(device.texts(room), ["later"]);
    }
}

#[test]
fn a_message_sealed_just_before_the_epoch_changed_is_sealed_anew_and_shown_once() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    let mut cy = Device::new(&relay, "Cy");
    cy.connect();
    cy.joins(&link);
    settle(&mut [&mut cy, &mut bob]);
    // Ada has not heard of Cy yet.
    ada.says(room, "crossing");
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    for device in [&ada, &bob, &cy] {
        assert_eq!(device.texts(room), ["crossing"]);
        assert_eq!(device.alarm(room), None);
    }
}

#[test]
fn commits_that_race_all_take_effect_in_the_end() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada, &mut bob]);
    let mut cy = Device::new(&relay, "Cy");
    cy.connect();
    let tickets = (ada.invites(room, None), bob.invites(room, Some(3)), cy.joins(&link));
    settle(&mut [&mut ada, &mut bob, &mut cy]);
    assert!(matches!(ada.expect(tickets.0), Outcome::InviteCreated(_)));
    assert!(matches!(bob.expect(tickets.1), Outcome::InviteCreated(_)));
    assert_eq!(cy.expect(tickets.2), Outcome::Joined(room));
    for mut device in [ada, bob, cy] {
        assert_eq!(device.alarm(room), None);
        assert_eq!(device.member_names(room).len(), 3);
        device.says(room, "still fine");
        settle(&mut [&mut device]);
    }
}

#[test]
fn a_commit_is_made_once_whatever_the_network_loses() {
    for fault in [Fault::LoseRequest, Fault::LoseReply] {
        for crash in [false, true] {
            let relay = world();
            let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
            let (room, _) = room_of(&mut [&mut ada, &mut bob]);
            let before = relay.borrow().rooms[&room].log.len();
            ada.fault = Some(fault);
            ada.invites(room, None);
            if crash {
                ada = ada.restart();
                ada.connect();
            }
            settle(&mut [&mut ada, &mut bob]);
            assert_eq!(relay.borrow().rooms[&room].log.len(), before + 1, "{fault:?}, crash: {crash}");
            assert_eq!(ada.session.invites(&room).len(), 2);
            let link = ada.session.invites(&room)[0].link.clone().unwrap();
            let mut cy = Device::new(&relay, "Cy");
            cy.connect();
            let ticket = cy.joins(&link);
            settle(&mut [&mut ada, &mut bob, &mut cy]);
            assert_eq!(cy.expect(ticket), Outcome::Joined(room));
        }
    }
}

#[test]
fn a_join_is_made_once_whatever_the_network_loses() {
    for (fault, at_append) in
        [(Fault::LoseRequest, false), (Fault::LoseRequest, true), (Fault::LoseReply, true)]
    {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, link) = room_of(&mut [&mut ada]);
        bob.connect();
        if at_append {
            let ticket = bob.joins(&link);
            // The card is answered; the append that follows meets the fault.
            bob.fault = Some(fault);
            settle(&mut [&mut ada, &mut bob]);
            assert_eq!(bob.expect(ticket), Outcome::Joined(room));
        } else {
            bob.fault = Some(fault);
            let ticket = bob.joins(&link);
            settle(&mut [&mut ada, &mut bob]);
            assert_eq!(bob.expect(ticket), Outcome::Joined(room));
        }
        assert_eq!(ada.member_names(room).len(), 2, "{fault:?}");
        bob.says(room, "in");
        settle(&mut [&mut ada, &mut bob]);
        assert_eq!(ada.texts(room), ["in"]);
    }
}

#[test]
fn a_join_by_a_link_for_one_person_survives_a_crash_before_the_answer() {
    for reopens_link in [false, true] {
        let relay = world();
        let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
        let (room, _) = room_of(&mut [&mut ada]);
        let ticket = ada.invites(room, Some(1));
        settle(&mut [&mut ada]);
        let link = ada.link(ticket);
        bob.connect();
        bob.joins(&link);
        // The welcome and the card are taken in; the append that follows is done, and the process dies.
        bob.take_one();
        bob.fault = Some(Fault::LoseReply);
        bob.take_one();
        assert!(bob.session.rooms().is_empty());
        settle(&mut [&mut ada]);
        assert_eq!(ada.member_names(room).len(), 2);
        let mut bob = bob.restart();
        if reopens_link {
            let ticket = bob.joins(&link);
            bob.connect();
            settle(&mut [&mut ada, &mut bob]);
            assert_eq!(bob.expect(ticket), Outcome::Joined(room));
        } else {
            bob.connect();
            settle(&mut [&mut ada, &mut bob]);
        }
        bob.says(room, "in after all");
        settle(&mut [&mut ada, &mut bob]);
        assert_eq!(ada.texts(room), ["in after all"]);
        assert_eq!(ada.member_names(room).len(), 2);
        assert_eq!(bob.restart().session.rooms().len(), 1, "nothing is left over");
    }
}

#[test]
fn links_that_open_nothing_say_why() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, link) = room_of(&mut [&mut ada]);
    bob.connect();
    let mut refused = |link: &str| {
        let ticket = bob.joins(link);
        settle(&mut [&mut ada, &mut bob]);
        bob.outcome(ticket).unwrap().unwrap_err()
    };
    assert_eq!(refused(&link[..link.len() - 3]), ClientError::BadLink);
    assert_eq!(refused("hello"), ClientError::BadLink);
    let elsewhere = link.replace("relay.example", "other.example");
    assert_eq!(refused(&elsewhere), ClientError::OtherRelay("http://other.example".into()));

    let invite = ada.session.invites(&room)[0].id;
    let ticket = ada.command(Command::RevokeInvite { room, invite });
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(ada.expect(ticket), Outcome::InviteRevoked);
    let ticket = bob.joins(&link);
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.outcome(ticket), Some(Err(ClientError::InviteClosed)));

    relay.borrow_mut().rooms.remove(&room);
    let ticket = bob.joins(&link);
    settle(&mut [&mut bob]);
    assert_eq!(bob.outcome(ticket), Some(Err(ClientError::UnknownRoom)));
    assert!(bob.session.rooms().is_empty(), "nothing is left behind");
}

#[test]
fn what_cannot_be_sent_says_why_and_loses_nothing() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let (room, _) = room_of(&mut [&mut ada]);
    let ticket = ada.says(room, &"x".repeat(65_537));
    let too_long = ClientError::MessageTooLong { actual_bytes: 65_537, max_bytes: 65_536 };
    assert_eq!(ada.outcome(ticket), Some(Err(too_long)));
    let ticket = ada.says(room, " \n ");
    assert_eq!(ada.outcome(ticket), Some(Err(ClientError::EmptyMessage)));
    let ticket = ada.says(RoomId::new([9; 16]), "hello");
    assert_eq!(ada.outcome(ticket), Some(Err(ClientError::NotInRoom)));
    let ticket = ada.says(room, &"x".repeat(65_536));
    settle(&mut [&mut ada]);
    assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }));
}

#[test]
fn a_full_disk_at_the_relay_keeps_the_message_here() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    relay.borrow_mut().refuse_appends = Some(ErrorCode::StorageFull);
    let ticket = ada.says(room, "patient");
    ada.take_frames();
    let is_told = |event: &Event| matches!(event, Event::Waiting { code: ErrorCode::StorageFull, .. });
    assert_eq!(ada.events.iter().filter(|event| is_told(event)).count(), 1);
    assert_eq!((ada.outcome(ticket), ada.outbox(room).len()), (None, 1));
    relay.borrow_mut().refuse_appends = None;
    settle(&mut [&mut ada, &mut bob]);
    assert_eq!(bob.texts(room), ["patient"]);
    assert!(ada.outbox(room).is_empty());
    assert!(matches!(ada.expect(ticket), Outcome::Sent { .. }));
}

#[test]
fn a_clock_that_is_a_day_off_is_told_and_changes_no_order() {
    let relay = world();
    let (mut ada, mut bob) = (Device::new(&relay, "Ada"), Device::new(&relay, "Bob"));
    bob.clock_offset_ms = 86_400_000;
    let (room, _) = room_of(&mut [&mut ada, &mut bob]);
    assert!(bob.events.contains(&Event::ClockSkew(86_400_000)));
    assert!(!ada.events.iter().any(|event| matches!(event, Event::ClockSkew(_))));
    for round in 0..3 {
        bob.says(room, &format!("{round} from tomorrow"));
        settle(&mut [&mut ada, &mut bob]);
        ada.says(room, &format!("{round} from today"));
        settle(&mut [&mut ada, &mut bob]);
    }
    let expected = [
        "0 from tomorrow",
        "0 from today",
        "1 from tomorrow",
        "1 from today",
        "2 from tomorrow",
        "2 from today",
    ];
    assert_eq!(ada.texts(room), expected);
    assert_eq!(bob.texts(room), expected);
}
