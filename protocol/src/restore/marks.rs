//! What a relay keeps of a room's head, in the journal and beside the log.

use crate::{AppendHandshake, Chain, CreateRoom, EntryKind, RoomId, entry_hash};
use minicbor::bytes::ByteArray;

/// A room's head as far as a restored relay has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The members' chain.
    pub chain: Chain,
    /// A chain over everything that was registered with handshakes and joins, and counts for rights: the members' chain does not hold it.
    pub registered: [u8; 32],
}

impl Marks {
    /// Those of a new room.
    #[must_use]
    pub fn start(create: &CreateRoom) -> Self {
        let keys =
            [b"sotto/1 registered first".as_slice(), &create.access_key, &create.join_key, &create.admin_key]
                .concat();
        Self { chain: Chain::start(&create.room), registered: entry_hash(&keys) }
    }

    /// After one more entry; `registered` comes with handshakes and joins.
    #[must_use]
    pub fn then(&self, kind: EntryKind, hash: &[u8; 32], registered: Option<&[u8; 32]>) -> Self {
        let chain = self.chain.then(self.chain.seq.saturating_add(1), kind, hash);
        let registered = match registered {
            Some(more) => entry_hash(&[self.registered, *more].concat()),
            None => self.registered,
        };
        Self { chain, registered }
    }

    /// How a journal names the room.
    #[must_use]
    pub fn room_hash(room: &RoomId) -> [u8; 32] {
        entry_hash(room.as_bytes())
    }
}

/// Hash of what is registered with a handshake or join. A handover counts by its keys alone: members know these, and only its writer knows the
/// signature.
#[must_use]
pub fn registered_by(append: &AppendHandshake) -> [u8; 32] {
    let flags = [u8::from(append.cut == Some(true)), u8::from(append.handover.is_some())];
    let keys = append.handover.as_ref().map(|handover| admin_keys_hash(&handover.keys)).unwrap_or_default();
    entry_hash(
        &[b"sotto/1 registered".as_slice(), &append.access_key, &append.join_key, &flags, &keys].concat(),
    )
}

/// Hash of room-admin keys, ascending.
#[must_use]
pub fn admin_keys_hash(keys: &[ByteArray<32>]) -> [u8; 32] {
    let keys: Vec<u8> = keys.iter().flat_map(|key| **key).collect();
    entry_hash(&keys)
}
