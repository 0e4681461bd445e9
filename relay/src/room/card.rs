//! The card behind a door, for a holder of the door's secret.

use super::session::Session;
use super::{ReplyTo, Rooms, read_failed, refused};
use crate::access::{NOBODYS_KEY, proves_door};
use crate::store::{CardLookup, OpenDoor};
use sotto_protocol::{CardReply, CardRequest, ErrorCode, Reply};

impl Rooms {
    /// Answers with card and sealed key.
    pub(crate) async fn card(&self, request: CardRequest, reply_to: ReplyTo) {
        let reply = self.card_of(&request, reply_to.session()).await;
        reply_to.send(reply);
    }

    /// Fetches card and sealed key. Ids of doors are known to everybody who was ever in the room: without a signature by the door's key
    /// nobody learns whether it is there, and nothing that is long is read.
    pub(super) async fn card_of(&self, request: &CardRequest, session: &Session) -> Reply {
        let door = match self.read.door(&request.room, &request.door, (false, self.clock.latest_ms())).await {
            Ok(CardLookup::Found { door, .. }) => door,
            Ok(CardLookup::UnknownRoom) => return refused(ErrorCode::UnknownRoom),
            Err(error) => return read_failed(&error),
        };
        let key = door.as_ref().map_or(&NOBODYS_KEY, |door| &door.key);
        let is_proven = proves_door(key, session.authority(), session.challenge(), request);
        let Some(proven) = door.filter(|_| is_proven).map(|door| door.key) else {
            return refused(ErrorCode::DoorClosed);
        };
        match self.read.door(&request.room, &request.door, (true, self.clock.latest_ms())).await {
            Ok(CardLookup::Found {
                head, door: Some(OpenDoor { key, card: Some(card), wrap, .. }), ..
            }) if key == proven => {
                let last_handshake_seq = head.last_handshake_seq;
                Reply::Card(CardReply { epoch: head.epoch, last_handshake_seq, card, wrap, turn_ms: None })
            }
            Ok(CardLookup::Found { .. }) => refused(ErrorCode::DoorClosed),
            Ok(CardLookup::UnknownRoom) => refused(ErrorCode::UnknownRoom),
            Err(error) => read_failed(&error),
        }
    }
}
