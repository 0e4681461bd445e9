//! The card behind a door, for whoever knows the door.

use super::{ReplyTo, Rooms, read_failed};
use crate::store::{CardLookup, OpenDoor};
use sotto_protocol::{CardReply, CardRequest, ErrorCode, Reply};

impl Rooms {
    /// Fetches card and sealed key.
    pub(crate) async fn card(&self, request: CardRequest, reply_to: ReplyTo) {
        match self.read.door(&request.room, &request.door, (true, self.clock.latest_ms())).await {
            Ok(CardLookup::Found { head, door: Some(OpenDoor { card: Some(card), wrap }), .. }) => {
                let last_handshake_seq = head.last_handshake_seq;
                reply_to.send(Reply::Card(CardReply { epoch: head.epoch, last_handshake_seq, card, wrap }));
            }
            Ok(CardLookup::Found { .. }) => reply_to.error(ErrorCode::DoorClosed),
            Ok(CardLookup::UnknownRoom) => reply_to.error(ErrorCode::UnknownRoom),
            Err(error) => reply_to.send(read_failed(&error)),
        }
    }
}
