//! Accounts (`docs/PROTOCOL.md`, "Accounts" to "Pairing"): keys, login, the sealed record, the vault, direct invites and
//! device pairing.
//!
//! The private identity and recovery keys live in the sealed record alone. A device holds them in memory while somebody
//! logs in, changes the password or adds a device, and keeps [`DeviceSecrets`] at rest.

mod base32;
mod direct_invite;
mod directory;
pub(crate) mod given;
mod keys;
mod opaque;
#[cfg(test)]
mod opaque_tests;
#[cfg(test)]
mod opaque_vectors;
mod pairing;
mod password;
mod read_marks;
mod record;
mod recovery_code;
mod relay;
mod room_token;
mod seen_invites;
mod strength;
mod stretching;
#[cfg(test)]
mod tests;
mod username;
mod vault;
mod vault_index;

pub use direct_invite::{DirectInvite, InviteRecipient, open_direct_invite, seal_direct_invite};
pub use directory::{SeenIdentity, check_directory_entry};
pub use keys::{AccountKeys, DeviceSecrets, DoorKey, RecoveryKey, RecoveryKeys, VaultKey};
pub(crate) use opaque::{LoggingIn, Registration};
pub use opaque::{
    Login, LoginStart, PasswordKey, Registered, RegistrationStart, SessionKey, sizes as opaque_sizes,
};
pub use pairing::{
    ComparedNewDevice, NewDevice, OldDevice, Paired, PairingGrant, PairingOffer, ShortCode,
    VerifyingNewDevice, VerifyingOldDevice,
};
#[cfg(feature = "chosen-passwords")]
pub use password::KnownWords;
pub use password::{NewPassword, PASSPHRASE_WORDS, Password};
pub use read_marks::{
    READ_MARKS_AFTER_MS, READ_MARKS_MAX_ROOMS, READ_MARKS_WITHIN_MS, ReadMarks, RoomPosition,
    read_marks_due_ms,
};
pub use record::{OpenedRecord, SealedRecord};
pub use recovery_code::{RecoveryCode, RecoveryCodePublic};
pub use relay::{RelayQuestion, check_relay};
pub use room_token::RoomTokenRequest;
pub use seen_invites::{SEEN_INVITES_MAX, SeenInvites, Taken};
pub use strength::Weakness;
pub use username::{UserAddress, Username};
pub use vault::{AccountDevice, OpenedValue, Rebuilt, VaultLabel, VaultName, open_archive, seal_archive};
pub use vault_index::{Mark, VaultIndex};
