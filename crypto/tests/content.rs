//! Content, status, safety numbers and room fingerprints in real rooms, with the secrets and roles of their epochs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use sotto_crypto::{
    CryptoError,
    identity::{RoomFingerprint, SafetyNumber},
    message::{
        self, Content, Draft,
        content::{Delete, Edit, Leave, Target},
        conversation::{Body, Conversation, Outcome, Said},
        rights::Refusal,
    },
    room::{LeaveScope, Role, Room, RoomChange, Suite},
    status::{Status, StatusBoard, StatusRegisters},
};
use support::{Person, change, commit, hear, room_of, start};

/// Sends from one room, opens in another, and takes it into a conversation at the next place of the log.
fn tell(conversation: &mut Conversation, from: &Room, to: &Room, number: u8, content: &Content) -> Outcome {
    let content = content.encode().unwrap();
    let (leaf, chain) = (from.own_leaf(), start(from));
    let draft = Draft { leaf, id: [number; 16], sent_at_ms: 1, chain, content: &content };
    let secret = from.secrets().unwrap().message;
    let (_, entry) = message::seal(&secret, from.device(), &from.id(), from.epoch(), &draft).unwrap();
    let opened = hear(to, &entry).unwrap();
    conversation.take(Said::new(number.into(), opened), &to.state().authority())
}

#[test]
fn what_was_said_is_changed_by_its_author_and_deleted_by_who_has_the_role_at_that_place() {
    let (ada, bob, cy) = (Person::new("Ada"), Person::new("Bob"), Person::new("Cy"));
    let (mut rooms, _, _) = room_of(Suite::Hybrid, &[&ada, &bob, &cy]);
    let mut seen = Conversation::default();
    let target = Target { account: bob.account(), id: [1; 16] };
    let edit = |text: &str| Content::Edit(Edit { target, text: text.into(), mentions: vec![], more: None });
    let delete = Content::Delete(Delete { target });

    tell(&mut seen, &rooms[1], &rooms[0], 1, &Content::text("frist"));
    assert_eq!(tell(&mut seen, &rooms[1], &rooms[0], 2, &edit("first")).changed, Some(target));
    let forged = tell(&mut seen, &rooms[0], &rooms[1], 3, &edit("I owe Ada a million"));
    assert_eq!(forged.notices[0].refusal, Refusal::NotAuthor, "not even the owner may");
    assert_eq!(seen.item(&target).unwrap().text(), Some("first"));

    let refused = tell(&mut seen, &rooms[2], &rooms[0], 4, &delete);
    assert_eq!(refused.notices[0].refusal, Refusal::NeedsRole(Role::Admin));
    change(&mut rooms, 0, &RoomChange::SetRole(cy.account(), Role::Admin));
    tell(&mut seen, &rooms[2], &rooms[0], 5, &delete);
    let item = seen.item(&target).unwrap();
    assert_eq!((item.body(), item.text()), (&Body::Deleted { by: cy.account() }, None));
}

#[test]
fn a_statement_of_leaving_travels_as_content() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(Suite::Classical, &[&ada, &bob]);
    let statement = rooms[1].leave(LeaveScope::Account).unwrap();
    let leave = Leave { statement: sotto_protocol::encode(&statement) };
    let mut seen = Conversation::default();
    tell(&mut seen, &rooms[1], &rooms[0], 1, &Content::Leave(leave));

    let Body::Leave(heard) = seen.items().next().unwrap().body() else { panic!("it is a statement") };
    let heard = sotto_protocol::decode(&heard.statement).unwrap();
    assert_eq!(heard, statement);
    commit(&mut rooms[0], &RoomChange::Leave(heard));
    assert_eq!(rooms[0].roster().device_count(), 1);
}

#[test]
fn a_status_is_read_in_its_epoch_and_lasts_into_the_next() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(Suite::Hybrid, &[&ada, &bob]);
    let (of_ada, of_bob) = (rooms[0].secrets().unwrap().status, rooms[1].secrets().unwrap().status);
    let (id, epoch) = (rooms[0].id(), rooms[0].epoch());
    let status = Status { read_seq: Some(3), ..Status::new(1, start(&rooms[1])) };
    let write = StatusRegisters::new(&of_bob, id, epoch)
        .seal(rooms[1].device(), rooms[1].own_leaf(), &status)
        .unwrap();

    let mut board = StatusBoard::default();
    let opened = StatusRegisters::new(&of_ada, id, epoch)
        .open(rooms[0].roster(), &write.register, &write.value)
        .unwrap();
    assert!(board.take(&opened, 1000));
    change(&mut rooms, 0, &RoomChange::Rotate);
    board.enter_epoch(rooms[0].roster());
    assert_eq!(board.read(3), [bob.account()].into());

    let next = rooms[0].secrets().unwrap().status;
    let registers = StatusRegisters::new(&next, id, rooms[0].epoch());
    assert_ne!(registers.id(rooms[1].device()).unwrap(), write.register, "the relay cannot follow a leaf");
    let again = registers.open(rooms[0].roster(), &write.register, &write.value);
    assert_eq!(again, Err(CryptoError::WrongEpoch { expected: epoch + 1, found: epoch }));
}

#[test]
fn members_see_the_same_numbers() {
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let (mut rooms, _, _) = room_of(Suite::Hybrid, &[&ada, &bob]);
    let of_room = |room: &Room| {
        RoomFingerprint::of(&room.id(), room.epoch(), &room.epoch_authenticator(), &start(room))
    };
    let before = of_room(&rooms[0]);
    assert_eq!(before, of_room(&rooms[1]));
    change(&mut rooms, 0, &RoomChange::Rotate);
    assert_ne!(before, of_room(&rooms[0]), "each epoch has its own");
    assert_eq!(of_room(&rooms[0]), of_room(&rooms[1]));

    let keys = |room: &Room| {
        let keys: Vec<_> = room.roster().iter().map(|(_, entry)| entry.identity_key).collect();
        SafetyNumber::of(&keys[0], &keys[1])
    };
    assert_eq!(keys(&rooms[0]), keys(&rooms[1]));
    assert_eq!(keys(&rooms[0]), SafetyNumber::of(&bob.identity.public(), &ada.identity.public()));
}
