//! Every label that separates one use of a key, hash or signature from another, in one table.
//!
//! `docs/PROTOCOL.md` lists the same table. A label is never reused for another purpose. What the relay checks, too, has its
//! label where its statement is made: `sotto_protocol::{open_statement, Rewind, …}`.

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
    pub const EPOCH_MARK: &[u8] = b"sotto/1 epoch mark";
    pub const CARD_KEY: &[u8] = b"sotto/1 card";
    pub const CARD: &[u8] = b"sotto/1 card sealing";
    pub const DOOR_RANDOMNESS: &[u8] = b"sotto/1 door randomness";
    pub const DOOR_DECOY: &[u8] = b"sotto/1 door decoy";
    pub const INVITE_SIGNATURE: &[u8] = b"sotto/1 invite signature key";
    pub const INVITE_WRAP: &[u8] = b"sotto/1 invite wrap key";
    pub const ATTACHMENT: &[u8] = b"sotto/1 attachment";
    pub const STATUS: &[u8] = b"sotto/1 status value";
    pub const READ_MARK: &[u8] = b"sotto/1 read mark";
    pub const STATUS_REGISTER: &[u8] = b"sotto/1 status register";
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
    pub const SEEDED: &[u8] = b"sotto/1 seeded randomness";
    pub const PASSWORD_KEY: &[u8] = b"sotto/1 password key";
    pub const LOGIN_SESSION: &[u8] = b"sotto/1 login session";
    pub const RECORD: &[u8] = b"sotto/1 record sealing";
    pub const RECORD_KEY: &[u8] = b"sotto/1 record key sealing";
    pub const RECOVERY_CODE_WRAP: &[u8] = b"sotto/1 recovery code wrap key";
    pub const RECOVERY_CODE_SIGNATURE: &[u8] = b"sotto/1 recovery code signature key";
    pub const VAULT_NAME: &[u8] = b"sotto/1 vault name";
    pub const VAULT_VALUE: &[u8] = b"sotto/1 vault value";
    pub const PAIRING_CODE: &[u8] = b"sotto/1 pairing code";
    pub const PAIRING_KEY: &[u8] = b"sotto/1 pairing key";
    pub const PAIRING_DEVICE: &[u8] = b"sotto/1 pairing device sealing";
    pub const PAIRING_GRANT: &[u8] = b"sotto/1 pairing grant sealing";
}

/// What a signature is made over begins with one of these.
pub mod signature {
    pub const CERTIFICATE: &[u8] = b"sotto/1 device certificate";
    pub const JOIN_PROOF: &[u8] = b"sotto/1 join by invite";
    pub const MESSAGE: &[u8] = b"sotto/1 message signature";
    pub const LEAVE: &[u8] = b"sotto/1 leave";
    pub const REMOVE_DEVICE: &[u8] = b"sotto/1 remove device";
    pub const RETIRE_DEVICE: &[u8] = b"sotto/1 retire device";
    pub const DIRECT_INVITE: &[u8] = b"sotto/1 direct invite signature";
    pub const PAIRING_DEVICE: &[u8] = b"sotto/1 pairing device signature";
    pub const STATUS: &[u8] = b"sotto/1 status signature";
}

/// HPKE `info`.
pub mod hpke {
    pub const DOOR: &[u8] = b"sotto/1 door wrap";
    pub const CAPSULE: &[u8] = b"sotto/1 capsule wrap";
    pub const RECORD_KEY: &[u8] = b"sotto/1 record key wrap";
    pub const DIRECT_INVITE: &[u8] = b"sotto/1 direct invite";
    pub const HISTORY_ARCHIVE: &[u8] = b"sotto/1 history archive";
    pub const PAIRING: &[u8] = b"sotto/1 pairing secret";
}

/// What a hash is made over begins with one of these.
pub mod hash {
    pub const LINK_CHECKSUM: &[u8] = b"sotto/1 link";
    pub const ATTACHMENT_INDEX: &[u8] = b"sotto/1 attachment index";
    pub const FILE_STATE: &[u8] = b"sotto/1 file state";
    pub const ROOM_FINGERPRINT: &[u8] = b"sotto/1 room fingerprint";
    pub const SAFETY_NUMBER: &[u8] = b"sotto/1 safety number";
    pub const SAFETY_NAME: &[u8] = b"sotto/1 safety number name";
    pub const INVITE_DOOR: &[u8] = b"sotto/1 invite door";
    pub const ACCOUNT_DOOR: &[u8] = b"sotto/1 account door id";
    pub const REMOVED_ACCOUNT: &[u8] = b"sotto/1 removed account";
    pub const REVOKED_DEVICE: &[u8] = b"sotto/1 revoked device";
    pub const RECOVERY_SECRET: &[u8] = b"sotto/1 recovery secret";
    pub const RECOVERY_CHECK: &[u8] = b"sotto/1 recovery check";
    pub const VAULT_MARK: &[u8] = b"sotto/1 vault mark";
    pub const DIRECT_INVITE_ID: &[u8] = b"sotto/1 direct invite id";
    pub const PASSWORD_SALT: &[u8] = b"sotto/1 password salt";
    pub const PAIRING_MAILBOX: &[u8] = b"sotto/1 pairing mailbox";
    pub const PAIRING_COMMITMENT: &[u8] = b"sotto/1 pairing commitment";
    pub const PAIRING_TRANSCRIPT: &[u8] = b"sotto/1 pairing transcript";
    pub const SUSPENDED_DOOR: &[u8] = b"sotto/1 suspended door";
}
