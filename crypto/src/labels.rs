//! Every label that separates one use of a key, hash or signature from another, in one table.
//!
//! `docs/PROTOCOL.md` lists the same table. A label is never reused for another purpose.

/// Exporter labels (RFC 9420, section 8.5): one secret of 32 bytes per epoch each; the context is empty.
pub mod exporter {
    pub const MESSAGE: &str = "sotto/1 message";
    pub const HANDSHAKE: &str = "sotto/1 handshake";
    pub const ACCESS: &str = "sotto/1 access";
    pub const JOIN: &str = "sotto/1 join";
    pub const WRAP: &str = "sotto/1 wrap";
    pub const STATUS: &str = "sotto/1 status";
}

/// HKDF-Expand labels.
pub mod expand {
    pub const ENTRY: &[u8] = b"sotto/1 entry key";
    pub const CARD_KEY: &[u8] = b"sotto/1 card";
    pub const CARD: &[u8] = b"sotto/1 card sealing";
    pub const DOOR_RANDOMNESS: &[u8] = b"sotto/1 door randomness";
    pub const DOOR_DECOY: &[u8] = b"sotto/1 door decoy";
    pub const INVITE_SIGNATURE: &[u8] = b"sotto/1 invite signature key";
    pub const INVITE_WRAP: &[u8] = b"sotto/1 invite wrap key";
    pub const INVITE_DOOR: &[u8] = b"sotto/1 invite door";
    pub const STORAGE: &[u8] = b"sotto/1 storage value";
    pub const ACCOUNT_DOOR: &[u8] = b"sotto/1 account door";
    pub const ROOM_ADMIN: &[u8] = b"sotto/1 room admin";
    pub const CAPSULE_KEY: &[u8] = b"sotto/1 capsule";
    pub const CAPSULE: &[u8] = b"sotto/1 capsule sealing";
    pub const CAPSULE_TAG: &[u8] = b"sotto/1 capsule tag";
    pub const CAPSULE_RANDOMNESS: &[u8] = b"sotto/1 capsule randomness";
    pub const CAPSULE_DECOY: &[u8] = b"sotto/1 capsule decoy";
    pub const HISTORY_KEY: &[u8] = b"sotto/1 history";
    pub const HISTORY: &[u8] = b"sotto/1 history sealing";
}

/// What a signature is made over begins with one of these.
pub mod signature {
    pub const CERTIFICATE: &[u8] = b"sotto/1 device certificate";
    pub const JOIN_PROOF: &[u8] = b"sotto/1 join by invite";
    pub const MESSAGE: &[u8] = b"sotto/1 message signature";
    pub const LEAVE: &[u8] = b"sotto/1 leave";
    pub const CONFIRM: &[u8] = b"sotto/1 confirm";
    pub const REWIND: &[u8] = b"sotto/1 rewind";
}

/// HPKE `info`.
pub mod hpke {
    pub const DOOR: &[u8] = b"sotto/1 door wrap";
    pub const CAPSULE: &[u8] = b"sotto/1 capsule wrap";
}

/// What a hash is made over begins with one of these.
pub mod hash {
    pub const LINK_CHECKSUM: &[u8] = b"sotto/1 link";
    pub const REVOKED_DEVICE: &[u8] = b"sotto/1 revoked device";
}
