//! What can go wrong in here, without a word of what was sealed.

use crate::{account::Weakness, room::policy::Violation};

/// Why a cryptographic operation did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The operating system gave no randomness.
    #[error("the system gives no randomness")]
    NoRandomness,
    /// Something sealed does not open: a wrong key or a changed byte.
    #[error("what was sealed does not open")]
    DoesNotOpen,
    /// Bytes are not of the shape they should be.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A signature does not verify.
    #[error("a signature does not verify")]
    BadSignature,
    /// A public key that must not be used (of low order, or not a key at all).
    #[error("a public key is not valid")]
    BadKey,
    /// An entry belongs to another epoch than the one it was opened in.
    #[error("the entry belongs to epoch {found}, not {expected}")]
    WrongEpoch {
        /// The epoch asked for.
        expected: u64,
        /// The epoch in the entry.
        found: u64,
    },
    /// Written by a version that this one does not know.
    #[error("written by a newer version")]
    NewerVersion,
    /// Past a limit.
    #[error("{what}: {actual} is over the limit of {max}")]
    OverLimit {
        /// Of what.
        what: &'static str,
        /// How much.
        actual: usize,
        /// The limit.
        max: usize,
    },
    /// A commit is valid MLS, but the room's rules forbid it.
    #[error("the room's rules forbid this change: {0}")]
    Forbidden(#[from] Violation),
    /// A commit is waiting for the relay already.
    #[error("another change of this device is still under way")]
    CommitPending,
    /// A commit's new keys do not open for this device: it has to come in again, by its account's door.
    #[error("this device cannot follow a change of the room")]
    CannotFollow,
    /// A card shows another room than the commit leads to that this device could judge but not follow, or one that no commits
    /// can lead to: its writer lies.
    #[error("the room is not the one that this device knows")]
    AnotherRoom,
    /// Behind an address is another relay than the one that was there before.
    #[error("another relay answers under this address")]
    AnotherRelay,
    /// The password is not the account's, or the relay is not the one that it was chosen for.
    #[error("the password is wrong")]
    WrongPassword,
    /// A password that is chosen is too weak.
    #[error("the password is too weak: {0}")]
    WeakPassword(#[from] Weakness),
    /// The relay shows an older version than one that was seen before.
    #[error("version {found} was given, but version {expected} had been seen")]
    RolledBack {
        /// The newest version seen.
        expected: u64,
        /// The version given now.
        found: u64,
    },
    /// The relay shows another value of a version than it showed this device, or another one, before.
    #[error("the relay has shown different values of one version")]
    Forked,
    /// The code typed is not the code shown: somebody may sit between the two devices.
    #[error("the codes of the two devices differ")]
    CodesDiffer,
    /// The MLS library refused; the text names its error, never data.
    #[error("MLS: {0}")]
    Mls(&'static str),
}
