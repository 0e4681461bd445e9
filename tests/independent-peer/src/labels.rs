//! Section "Labels".

/// Exporter: message secret.
pub const EXPORT_MESSAGE: &str = "sotto/1 message";
/// Exporter: handshake secret.
pub const EXPORT_HANDSHAKE: &str = "sotto/1 handshake";
/// Exporter: access seed.
pub const EXPORT_ACCESS: &str = "sotto/1 access";
/// Exporter: join seed.
pub const EXPORT_JOIN: &str = "sotto/1 join";
/// Exporter: wrap secret.
pub const EXPORT_WRAP: &str = "sotto/1 wrap";

/// Expand: key and nonce of an entry.
pub const ENTRY_KEY: &str = "sotto/1 entry key";
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

/// Signed: certificate.
pub const DEVICE_CERTIFICATE: &str = "sotto/1 device certificate";
/// Signed: join proof.
pub const JOIN_BY_INVITE: &str = "sotto/1 join by invite";
/// Signed: message.
pub const MESSAGE_SIGNATURE: &str = "sotto/1 message signature";
/// Signed: open statement.
pub const OPEN_ROOM: &str = "sotto/1 open room";
/// Signed: join statement.
pub const JOIN_ROOM: &str = "sotto/1 join room";
/// HPKE info: wrap.
pub const DOOR_WRAP: &str = "sotto/1 door wrap";
/// Hashed: link checksum.
pub const LINK: &str = "sotto/1 link";
/// Hashed: revoked device key.
pub const REVOKED_DEVICE: &str = "sotto/1 revoked device";
/// Hashed: start of the chain.
pub const LOG: &str = "sotto/1 log";
