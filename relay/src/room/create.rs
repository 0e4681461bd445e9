//! A new room.

use super::writer::Operation;
use super::{ReplyTo, Rooms};
use sotto_protocol::CreateRoom;

impl Rooms {
    /// Makes a room, at epoch 0 with an empty log. The same room with the same keys is answered alike.
    pub(crate) fn create(&self, create: CreateRoom, reply_to: ReplyTo) {
        self.writer.submit(Operation::Create(create), reply_to);
    }
}
