//! The limits that hold between relay and clients, in one table. `docs/PROTOCOL.md` repeats them for readers.

/// Longest content of one message, in bytes, before padding and sealing.
pub const MESSAGE_CONTENT_MAX_BYTES: usize = 64 * 1024;

/// Longest `message` entry, in bytes: the longest content, its envelope, and at most 12 % of padding.
pub const MESSAGE_ENTRY_MAX_BYTES: usize = 80 * 1024;

/// Most entries between the place up to which the sender of a message has read and the end of the log: among them the relay looks for one
/// that was sent before.
pub const APPEND_TAIL_MAX: u64 = 1024;

/// Longest frame from a client, in bytes, unless it appends a handshake.
pub const FRAME_MAX_BYTES: usize = 1024 * 1024;

/// Longest frame that appends a handshake, in bytes: a card of a full hybrid room is several megabytes.
pub const HANDSHAKE_FRAME_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Most entries in one page of the log.
pub const PAGE_MAX_ENTRIES: u32 = 500;

/// Most entry bytes in one page of the log; a single larger entry is still returned, alone.
pub const PAGE_MAX_BYTES: usize = 1024 * 1024;

/// Most invites open in one room. Only its owner opens the last of them.
pub const OPEN_INVITES_MAX: usize = 16;

/// Most invites that are open in a room once an admin has opened one: the rest is kept for the owner.
pub const OPEN_INVITES_BY_ADMINS_MAX: usize = 14;

/// Most invites that are open in a room once a plain member has opened one: the rest is kept for admins and the owner.
pub const OPEN_INVITES_BY_MEMBERS_MAX: usize = 12;

/// Most open invites that a plain member has in a room once they have opened one.
pub const OPEN_INVITES_OF_A_MEMBER_MAX: usize = 4;

/// Most doors that one handshake may list (a power of two: lists are padded to one).
pub const DOORS_MAX: usize = 1024;

/// Longest sealed key behind a door, in bytes.
pub const DOOR_WRAP_MAX_BYTES: usize = 2048;

/// Most capsule wraps of one epoch (a power of two: lists are padded to one).
pub const CAPSULE_WRAPS_MAX: usize = 1024;

/// Longest wrap of a capsule's key, in bytes.
pub const CAPSULE_WRAP_MAX_BYTES: usize = 2048;

/// Most room-admin keys of one epoch: one for each device of owner and admins.
pub const ADMIN_KEYS_MAX: usize = (ADMINS_MAX + 1) * DEVICES_PER_ACCOUNT_MAX;

/// Most joins of a room that nobody has confirmed yet: all of them can be voided at once.
pub const UNCONFIRMED_JOINS_MAX: u64 = 500;

/// Most epochs that one rewind voids: members notice a fault long before.
pub const REWIND_MAX_EPOCHS: u64 = 1000;

/// Most past epochs in one answer about history.
pub const HISTORY_MAX_EPOCHS: u32 = 100;

/// Length of every value of a status register, in bytes.
pub const STATUS_VALUE_BYTES: usize = 256;

/// Most status registers of one epoch of a room.
pub const REGISTERS_MAX: usize = 1024;

/// Most of them that one connection writes: a device has one.
pub const REGISTERS_OF_CONNECTION_MAX: usize = 8;

/// A status register is written at most once in so many milliseconds.
pub const STATUS_TICK_MS: u64 = 1000;

/// Shortest and longest time that a room's messages may be kept at the relay, in seconds.
pub const RETENTION_S: core::ops::RangeInclusive<u64> = 60..=10 * 366 * 24 * 60 * 60;

/// Longest room name, in bytes of UTF-8.
pub const ROOM_NAME_MAX_BYTES: usize = 256;

/// Longest room topic, in bytes of UTF-8.
pub const ROOM_TOPIC_MAX_BYTES: usize = 1024;

/// Longest reference to a room's picture, in bytes.
pub const ROOM_AVATAR_MAX_BYTES: usize = 512;

/// Most admins of a room, besides its owner.
pub const ADMINS_MAX: usize = 64;

/// Longest reference to a member's picture, in bytes.
pub const MEMBER_AVATAR_MAX_BYTES: usize = 512;

/// Most accounts that may post in a room though their role may not.
pub const SPEAKERS_MAX: usize = 64;

/// Most assistants on a room's list.
pub const ASSISTANTS_MAX: usize = 8;

/// Longest reason of a removal, in bytes of UTF-8.
pub const REMOVAL_REASON_MAX_BYTES: usize = 256;

/// Most devices of one account in a room.
pub const DEVICES_PER_ACCOUNT_MAX: usize = 16;

/// How many removed devices a room remembers.
pub const REVOKED_DEVICES_MAX: usize = 256;

/// How many door keys that removed devices know a room remembers.
pub const SUSPENDED_DOORS_MAX: usize = 256;

/// Shortest time after which messages may vanish, in seconds.
pub const TIMER_MIN_S: u32 = 60;

/// Longest time after which messages may vanish, in seconds: a year.
pub const TIMER_MAX_S: u32 = 366 * 24 * 60 * 60;

/// Longest display name, in bytes of UTF-8.
pub const DISPLAY_NAME_MAX_BYTES: usize = 128;

/// Most devices in a room of the hybrid suite.
pub const HYBRID_DEVICES_MAX: usize = 256;

/// Most devices in a room of the classical suite.
pub const CLASSICAL_DEVICES_MAX: usize = 1000;

/// Most rooms that one connection may have open.
pub const OPEN_ROOMS_PER_CONNECTION_MAX: usize = 1000;

/// Shortest and longest username, in characters after normalisation.
pub const USERNAME_CHARS: core::ops::RangeInclusive<usize> = 2..=32;

/// Fewest characters of a password that is chosen; a client's rule, for the relay never sees one.
pub const PASSWORD_MIN_CHARS: usize = 12;

/// Longest password, in bytes of UTF-8.
pub const PASSWORD_MAX_BYTES: usize = 1024;

/// Longest sealed record of an account, in bytes.
pub const SEALED_RECORD_MAX_BYTES: usize = 16 * 1024;

/// Longest content of one vault record, in bytes, before padding and sealing.
pub const VAULT_CONTENT_MAX_BYTES: usize = 256 * 1024;

/// Longest sealed vault record, in bytes: the longest content, its label, and at most 12 % of padding.
pub const VAULT_RECORD_MAX_BYTES: usize = VAULT_CONTENT_MAX_BYTES + VAULT_CONTENT_MAX_BYTES / 8 + 1024;

/// Most records in one vault.
pub const VAULT_RECORDS_MAX: usize = 4096;

/// Most records that are read from a vault at once.
pub const VAULT_READ_MAX_RECORDS: usize = 100;

/// Most bytes that are read from a vault at once; a single larger record does not exist.
pub const VAULT_READ_MAX_BYTES: usize = 2 * 1024 * 1024;

/// Length of an X-Wing public key, in bytes.
pub const RECOVERY_PUBLIC_BYTES: usize = 1216;

/// Most letters that are acknowledged at once.
pub const ACKNOWLEDGED_MAX: usize = 256;

/// Length of every sealed direct invite, in bytes.
pub const DIRECT_INVITE_BYTES: usize = 5233;

/// Longest invite link inside a direct invite, in bytes.
pub const DIRECT_INVITE_LINK_MAX_BYTES: usize = 1024;

/// Longest message of a device pairing, in bytes.
pub const PAIRING_MESSAGE_MAX_BYTES: usize = 16 * 1024;

/// Longest session that a pairing hands over, in bytes.
pub const PAIRING_SESSION_MAX_BYTES: usize = 4096;

/// Clocks further apart than this are worth a word to the user, in milliseconds.
pub const CLOCK_SKEW_TOLERATED_MS: u64 = 5 * 60 * 1000;

/// Longest address of a push service, in bytes.
pub const PUSH_ENDPOINT_MAX_BYTES: usize = 1024;

/// Length of a P-256 public key, uncompressed, in bytes.
pub const PUSH_KEY_BYTES: usize = 65;

/// Length of the secret of a push subscription, in bytes.
pub const PUSH_AUTH_BYTES: usize = 16;

/// Length of what a device is woken with, in bytes, before it is sealed.
pub const PUSH_PAYLOAD_BYTES: usize = 17;

/// Most push subscriptions of a room.
pub const PUSH_SUBSCRIPTIONS_MAX: usize = 1000;

/// Most of them that one connection makes or renews in one room: a device has one.
pub const PUSH_SUBSCRIPTIONS_OF_CONNECTION_MAX: usize = 8;

/// A push subscription that was not renewed for so many days ends.
pub const PUSH_DAYS: u32 = 30;

/// Messages that an outline may name after the lost head.
pub const OUTLINE_MORE_MAX: usize = 1024;

/// Bytes that a client keeps of one room for a relay that may have to be restored.
pub const KEPT_MAX_BYTES: usize = 64 * 1024 * 1024;
