//! A new room.

use super::operation::Operation;
use super::{ReplyTo, Rooms};
use crate::access::may_make_room;
use sotto_protocol::CreateRoom;

impl Rooms {
    /// Makes a room, at epoch 0 with an empty log. The same room with the same keys is answered alike.
    pub(crate) fn create(&self, create: CreateRoom, reply_to: ReplyTo) {
        match may_make_room(self.gate.as_ref(), create.token.as_ref()) {
            Ok(token) => self.writer.submit(Operation::Create { create, token }, reply_to),
            Err(code) => reply_to.error(code),
        }
    }
}
