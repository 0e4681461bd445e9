//! What is to be written, as it waits for the writer.

use super::reply::ReplyTo;
use crate::access::Grant;
use crate::account::GoodToken;
use crate::push::GonePush;
use crate::store::{HandshakeRecord, NewPush, Registers, Swept};
use sotto_protocol::{
    ConfirmJoin, CreateRoom, DoorId, DropWraps, EntryHeader, EntryId, Published, Rewind, RoomId, Status,
};
use tokio::sync::oneshot;

/// Something to be written.
pub(super) enum Operation {
    /// A new room.
    Create {
        create: CreateRoom,
        /// The right to make it, where that takes one: used up with it.
        token: Option<GoodToken>,
    },
    /// A message.
    Append {
        /// Where to.
        room: RoomId,
        /// What the connection has proven.
        grant: Grant,
        /// Of the entry.
        header: EntryHeader,
        /// Up to where its sender has read.
        read_seq: u64,
        /// Header and ciphertext.
        entry: Vec<u8>,
    },
    /// A handshake.
    Handshake(Box<Handshake>),
    /// A rewind, signed by the key that it names.
    Rewind(Box<AppendedRewind>),
    /// A word for a join, signed by that key.
    Confirm(Box<ConfirmedJoin>),
    /// What is to be kept for the current epoch instead.
    Repair(Box<Repair>),
    /// Wraps that are to be dropped, signed by their owner.
    DropWraps { grant: Grant, drop: DropWraps },
    /// The end of a room, signed by this key.
    Delete { room: RoomId, grant: Grant, admin_key: [u8; 32] },
    /// How long messages are kept, signed by this key.
    Retain { room: RoomId, grant: Grant, admin_key: [u8; 32], seconds: Option<u64> },
    /// Where a device wants to be woken.
    Subscribe { room: RoomId, grant: Grant, push: NewPush },
    /// That it wants to be woken no more.
    Unsubscribe { room: RoomId, grant: Grant, id: [u8; 16] },
    /// That its push service does not know it any more.
    ForgetPush(GonePush),
    /// Status registers.
    Registers { registers: Registers, done: oneshot::Sender<()> },
    /// What is too old, or left of what is gone.
    Sweep { sweep: Sweep, done: oneshot::Sender<Swept> },
}

/// What one sweep is about.
pub(super) enum Sweep {
    /// Bodies of messages in these rooms, by the relay's numbers of them.
    Bodies { retention_s: Option<u64>, rooms: Vec<i64> },
    /// Everything else.
    Rest,
}

/// A word for a join whose signature is good.
pub(super) struct ConfirmedJoin {
    pub grant: Grant,
    pub confirm: ConfirmJoin,
    /// By whom.
    pub key: [u8; 32],
}

/// A rewind to be written, if it is still to the point.
pub(super) struct AppendedRewind {
    pub room: RoomId,
    pub grant: Grant,
    pub rewind: Rewind,
    pub entry: Vec<u8>,
    /// SHA-256 of it.
    pub hash: [u8; 32],
    pub published: Published,
}

/// What a member publishes again.
pub(super) struct Repair {
    pub room: RoomId,
    pub grant: Grant,
    pub epoch: u64,
    /// The last handshake its writer knows.
    pub known_seq: u64,
    pub published: Option<Published>,
    pub history: Option<Vec<u8>>,
}

/// A handshake to be written, if it comes next.
pub(super) struct Handshake {
    pub room: RoomId,
    /// The last handshake its writer knows.
    pub known_seq: u64,
    pub header: EntryHeader,
    pub entry: Vec<u8>,
    /// SHA-256 of it.
    pub hash: [u8; 32],
    pub record: HandshakeRecord,
    pub authority: Authority,
}

/// By what right a handshake comes.
pub(super) enum Authority {
    /// A member's connection.
    Member(Grant),
    /// A newcomer who proved to have opened the card behind `door`, under this join key.
    Joiner { door: DoorId, join_key: [u8; 32] },
}

impl Operation {
    pub(super) fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Create { create, .. } => Some(&create.room),
            Self::Append { room, .. }
            | Self::Delete { room, .. }
            | Self::Retain { room, .. }
            | Self::Subscribe { room, .. }
            | Self::Unsubscribe { room, .. } => Some(room),
            Self::ForgetPush(gone) => Some(&gone.room.0),
            Self::Handshake(handshake) => Some(&handshake.room),
            Self::Rewind(rewind) => Some(&rewind.room),
            Self::Confirm(confirmed) => Some(&confirmed.confirm.room),
            Self::Repair(repair) => Some(&repair.room),
            Self::DropWraps { drop, .. } => Some(&drop.room),
            Self::Registers { registers, .. } => Some(&registers.room),
            Self::Sweep { .. } => None,
        }
    }

    /// The id of the message that it brings.
    pub(super) fn message_id(&self) -> Option<EntryId> {
        match self {
            Self::Append { header, .. } => Some(header.id),
            _ => None,
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 256;
        let history = |link: &Option<Vec<u8>>| link.as_ref().map_or(0, Vec::len);
        OVERHEAD_BYTES
            + match self {
                Self::Append { entry, .. } => entry.len(),
                Self::Handshake(handshake) => {
                    let record = &handshake.record;
                    handshake.entry.len() + published_bytes(&record.published) + history(&record.history)
                }
                Self::Rewind(rewind) => rewind.entry.len() + published_bytes(&rewind.published),
                Self::Repair(repair) => {
                    repair.published.as_ref().map_or(0, published_bytes) + history(&repair.history)
                }
                Self::Subscribe { push, .. } => push.sealed.len(),
                Self::Registers { registers, .. } => registers.values.len() * size_of::<Status>(),
                _ => 0,
            }
    }
}

fn published_bytes(published: &Published) -> usize {
    const ROW_BYTES: usize = 64;
    let doors = published.doors.iter().map(|door| door.wrap.len() + ROW_BYTES);
    let wraps = published.capsule_wraps.iter().flatten().map(|wrap| wrap.wrap.len() + ROW_BYTES);
    let capsule = published.capsule.as_ref().map_or(0, Vec::len);
    published.card.len() + capsule + doors.chain(wraps).sum::<usize>()
}

/// An operation and who waits for it.
pub(super) struct Queued {
    pub operation: Operation,
    /// Nobody, where the relay's own task waits.
    pub reply_to: Option<ReplyTo>,
}
