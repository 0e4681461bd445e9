//! What is done at the word of a key that the room has registered: deleting it, saying how long its messages are kept, and
//! dropping an account's wraps. The signatures are over this connection's challenge.

use super::held::open_fully;
use super::operation::Operation;
use super::{ReplyTo, Rooms, read_failed, refused};
use crate::access::{is_among, verifies};
use sotto_protocol::{
    DeleteRoom, DropWraps, ErrorCode, Reply, SetRetention, WireError, delete_statement, drop_statement,
    limits, retention_statement,
};

impl Rooms {
    /// Deletes a room with everything in it.
    pub(crate) async fn delete(&self, delete: &DeleteRoom, reply_to: ReplyTo) {
        let DeleteRoom { room, admin_key, signature } = delete;
        let Some((open, _)) = open_fully(&reply_to, room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let session = reply_to.session();
        let statement = delete_statement(session.authority(), session.challenge(), room);
        if !verifies(admin_key, &statement, signature) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        if let Err(reply) = self.may_administer(open.grant.room, admin_key).await {
            return reply_to.send(reply);
        }
        self.writer
            .submit(Operation::Delete { room: *room, grant: open.grant, admin_key: *admin_key }, reply_to);
    }

    /// Keeps messages of a room so long.
    pub(crate) async fn set_retention(&self, set: &SetRetention, reply_to: ReplyTo) {
        let SetRetention { room, seconds, admin_key, signature } = set;
        if let Some(seconds) = seconds
            && !limits::RETENTION_S.contains(seconds)
        {
            let (shortest, longest) = (limits::RETENTION_S.start(), limits::RETENTION_S.end());
            let limit = if seconds < shortest { *shortest } else { *longest };
            return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        }
        let Some((open, _)) = open_fully(&reply_to, room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let session = reply_to.session();
        let statement =
            retention_statement(session.authority(), session.challenge(), room, seconds.unwrap_or(0));
        if !verifies(admin_key, &statement, signature) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        if let Err(reply) = self.may_administer(open.grant.room, admin_key).await {
            return reply_to.send(reply);
        }
        let (room, grant, admin_key, seconds) = (*room, open.grant, *admin_key, *seconds);
        let operation = Operation::Retain { room, grant, admin_key, seconds };
        self.writer.submit(operation, reply_to);
    }

    /// Whether the room has registered that key. Everybody has one that signs: the writer is spared those who have no other.
    async fn may_administer(&self, row: i64, key: &[u8; 32]) -> Result<(), Reply> {
        let keys = self.read.epochs(async |epochs| epochs.current_admin_keys(row).await).await;
        let keys = keys.map_err(|error| read_failed(&error))?;
        if is_among(key, &keys) { Ok(()) } else { Err(refused(ErrorCode::BadSignature)) }
    }

    /// Drops an account's capsule wraps.
    pub(crate) fn drop_wraps(&self, drop: DropWraps, reply_to: ReplyTo) {
        let session = reply_to.session();
        let Some(open) = session.room(&drop.room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let statement =
            drop_statement(session.authority(), session.challenge(), &drop.room, &drop.tag, drop.before);
        if !verifies(&drop.owner, &statement, &drop.signature) {
            return reply_to.error(ErrorCode::BadSignature);
        }
        self.writer.submit(Operation::DropWraps { grant: open.grant, drop }, reply_to);
    }
}
