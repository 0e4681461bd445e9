//! People and rooms whose names look alike are told apart wherever a name stands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use pollster::block_on;
use sotto_client_core::{Event, RoomId};
use support::{Device, room_of, settle, world};

impl Device {
    /// Each member's name with its tag.
    fn members_with_tags(&self, room: RoomId) -> Vec<(String, Option<String>)> {
        let members = self.session.members(&room);
        members.into_iter().map(|member| (member.display_name, member.tag)).collect()
    }

    /// The tag of who said this.
    fn tag_of(&self, room: RoomId, text: &str) -> Option<String> {
        let index = self.texts(room).iter().position(|said| said == text).unwrap();
        let spoken = self.timeline(room).into_iter().filter(|item| item.sent_at_ms.is_some());
        spoken.map(|item| item.sender_tag).nth(index).unwrap()
    }
}

fn fingerprint(device: &Device) -> String {
    device.session.account().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn two_people_of_one_name_are_told_apart_in_the_list_and_where_they_speak() {
    let names = [
        ("Ada", "Ada"),
        ("Zoe\u{308}", "Zoë"),
        ("Ada", "АDА"),
        ("Alice", "AIice"),
        ("می\u{200c}خواهم", "میخواهم"),
    ];
    for (one, other) in names {
        let relay = world();
        let (mut first, mut second, mut bob) =
            (Device::new(&relay, one), Device::new(&relay, other), Device::new(&relay, "Bob"));
        let (room, _) = room_of(&mut [&mut first, &mut bob]);
        first.says(room, "alone");
        settle(&mut [&mut first, &mut bob]);
        assert_eq!(bob.tag_of(room, "alone"), None, "{one}: nobody else has this name");
        let ticket = first.invites(room, None);
        settle(&mut [&mut first, &mut bob]);
        second.connect();
        second.joins(&first.link(ticket));
        settle(&mut [&mut first, &mut bob, &mut second]);
        second.says(room, "send the money here");
        settle(&mut [&mut first, &mut bob, &mut second]);

        let tags = [Some(fingerprint(&first)), Some(fingerprint(&second))];
        for device in [&first, &second, &bob] {
            let seen: Vec<_> = device.members_with_tags(room).into_iter().map(|(_, tag)| tag).collect();
            assert_eq!(
                seen.iter().filter(|tag| tags.contains(tag)).count(),
                2,
                "{one} and {other}: {seen:?}"
            );
            assert_eq!(seen.iter().filter(|tag| tag.is_none()).count(), 1, "Bob has none");
            assert_eq!(device.tag_of(room, "send the money here"), tags[1]);
        }
        // What was said before has its tag now, too.
        assert_eq!(bob.tag_of(room, "alone"), tags[0]);
        let told = bob.events.iter().rev().find_map(|event| match event {
            Event::Timeline(_, items) => items.last().map(|item| item.sender_tag.clone()),
            _ => None,
        });
        assert_eq!(told, Some(tags[1].clone()), "as an event");
        let mut old = vec![bob.timeline(room).remove(0)];
        old[0].sender_tag = None;
        bob.session.tag(&room, &mut old);
        assert!(old[0].sender_tag.is_some() || old[0].sender == bob.session.account());
    }
}

#[test]
fn a_name_that_looks_tagged_is_tagged() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    let victim = fingerprint(&ada);
    let mut eve = Device::new(&relay, &format!("Ada#{victim}"));
    let (room, _) = room_of(&mut [&mut ada, &mut eve]);
    let expected = [("Ada".into(), None), (format!("Ada#{victim}"), Some(fingerprint(&eve)))];
    assert_eq!(ada.members_with_tags(room), expected);
}

#[test]
fn rooms_of_one_name_are_told_apart_and_a_name_like_an_id_is_shown_as_one() {
    let relay = world();
    let mut ada = Device::new(&relay, "Ada");
    ada.connect();
    for name in ["Garden", "Gаrdеn", "Work", "deadbeef"] {
        ada.creates(name);
        settle(&mut [&mut ada]);
    }
    let rooms = ada.session.rooms();
    for room in &rooms {
        let digits: String = room.id.as_bytes().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(room.tag, (room.name != "Work").then_some(digits), "{}", room.name);
    }
    assert_eq!(rooms.len(), 4);
    assert_eq!(block_on(ada.session.timeline(&rooms[0].id, None, 1)).unwrap().len(), 0);
}
