//! Section "Labels".

/// Exporter: message secret.
pub const EXPORT_MESSAGE: &str = "sotto/1 message";
/// Exporter: handshake secret.
pub const EXPORT_HANDSHAKE: &str = "sotto/1 handshake";
/// Exporter: access seed.
pub const EXPORT_ACCESS: &str = "sotto/1 access";
/// Exporter: join seed.
pub const EXPORT_JOIN: &str = "sotto/1 join";
/// Exporter: status key.
pub const EXPORT_STATUS: &str = "sotto/1 status";
/// Exporter: wrap secret.
pub const EXPORT_WRAP: &str = "sotto/1 wrap";

/// Expand: key and nonce of an entry.
pub const ENTRY_KEY: &str = "sotto/1 entry key";
/// Expand: what only one epoch has.
pub const EPOCH_MARK: &str = "sotto/1 epoch mark";
/// Expand: card key.
pub const CARD: &str = "sotto/1 card";
/// Expand: key and nonce, and commitment, of one sealed card.
pub const CARD_SEALING: &str = "sotto/1 card sealing";
/// Expand: randomness of wraps.
pub const DOOR_RANDOMNESS: &str = "sotto/1 door randomness";
/// Expand: ids and keys of decoys.
pub const DOOR_DECOY: &str = "sotto/1 door decoy";
/// Expand: an invite's signature key.
pub const INVITE_SIGNATURE_KEY: &str = "sotto/1 invite signature key";
/// Expand: an invite's X-Wing key.
pub const INVITE_WRAP_KEY: &str = "sotto/1 invite wrap key";
/// Expand: an invite's door id.
pub const INVITE_DOOR: &str = "sotto/1 invite door";

/// Expand: an account's door id in a room.
pub const ACCOUNT_DOOR: &str = "sotto/1 account door";
/// Hashed: an account's door id.
pub const ACCOUNT_DOOR_ID: &str = "sotto/1 account door id";
/// Expand: an account's room-admin key.
pub const ROOM_ADMIN: &str = "sotto/1 room admin";
/// Expand: capsule key.
pub const CAPSULE: &str = "sotto/1 capsule";
/// Expand: key and nonce, and commitment, of one sealed capsule.
pub const CAPSULE_SEALING: &str = "sotto/1 capsule sealing";
/// Expand: an account's tag in capsule wraps.
pub const CAPSULE_TAG: &str = "sotto/1 capsule tag";
/// Expand: seed of one capsule wrap.
pub const CAPSULE_RANDOMNESS: &str = "sotto/1 capsule randomness";
/// Expand: tags and keys of capsule decoys.
pub const CAPSULE_DECOY: &str = "sotto/1 capsule decoy";
/// Expand: key of a history link.
pub const HISTORY: &str = "sotto/1 history";
/// Expand: key and nonce, and commitment, of one history link.
pub const HISTORY_SEALING: &str = "sotto/1 history sealing";

/// Signed: leave statement.
pub const LEAVE: &str = "sotto/1 leave";
/// Signed: certificate.
pub const DEVICE_CERTIFICATE: &str = "sotto/1 device certificate";
/// Signed: join proof.
pub const JOIN_BY_INVITE: &str = "sotto/1 join by invite";
/// Signed: message.
pub const MESSAGE_SIGNATURE: &str = "sotto/1 message signature";
/// Signed: status.
pub const STATUS_SIGNATURE: &str = "sotto/1 status signature";
/// Expand: key and nonce of a status.
pub const STATUS_VALUE: &str = "sotto/1 status value";
/// Expand: key and nonce of an own mark.
pub const READ_MARK: &str = "sotto/1 read mark";
/// Signed: open statement.
pub const OPEN_ROOM: &str = "sotto/1 open room";
/// Signed: join statement.
pub const JOIN_ROOM: &str = "sotto/1 join room";
/// HPKE info: wrap.
pub const DOOR_WRAP: &str = "sotto/1 door wrap";
/// HPKE info: wrap of a capsule key.
pub const CAPSULE_WRAP: &str = "sotto/1 capsule wrap";
/// Hashed: link checksum.
pub const LINK: &str = "sotto/1 link";
/// Signed: an account removes devices of its own.
pub const REMOVE_DEVICE: &str = "sotto/1 remove device";
/// Signed: an account retires devices of its own.
pub const RETIRE_DEVICE: &str = "sotto/1 retire device";
/// Hashed: whose a revoked device key or suspended door key is.
pub const REMOVED_ACCOUNT: &str = "sotto/1 removed account";
/// Hashed: revoked device key.
pub const REVOKED_DEVICE: &str = "sotto/1 revoked device";
/// Hashed: suspended door key.
pub const SUSPENDED_DOOR: &str = "sotto/1 suspended door";
/// Hashed: start of the chain.
pub const LOG: &str = "sotto/1 log";
