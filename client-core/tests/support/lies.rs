//! A relay that lies: once, or until it is told to be honest.

use super::{Device, World, settle};
use sotto_protocol::{Reply, Request, RoomId};

/// Answers the first request that `is_it` with `reply`, and everything else honestly.
pub fn lie_once(relay: &World, is_it: fn(&Request) -> bool, reply: Reply) {
    let mut reply = Some(reply);
    relay.borrow_mut().lie = Some(Box::new(move |request| if is_it(request) { reply.take() } else { None }));
}

pub fn be_honest(relay: &World) {
    relay.borrow_mut().lie = None;
    relay.borrow_mut().bend = None;
}

pub const fn is_append(request: &Request) -> bool {
    matches!(request, Request::Append(_))
}

pub const fn is_create(request: &Request) -> bool {
    matches!(request, Request::Create(_))
}

pub const fn is_open(request: &Request) -> bool {
    matches!(request, Request::Open(_))
}

/// Bob is offline while Ada says these; gives the place of the last one.
pub fn says_alone(relay: &World, room: RoomId, ada: &mut Device, texts: &[&str]) -> usize {
    for text in texts {
        ada.says(room, text);
        settle(&mut [ada]);
    }
    relay.borrow().rooms[&room].log.len() - 1
}
