//! Removing an account's own devices: only with the word of its identity key, which lies on no device of a registered account.
//!
//! *Removed* is a device that may be in foreign hands; *retired* is one that is gone: a wiped phone, a private window, a forgotten logout.
//!
//! So whoever holds one unlocked device does not throw the others out.

use super::{Before, Removal, Violation};
use crate::{CryptoError, identity::IdentityKey, labels, room::RosterEntry, sign};
use minicbor::{Decode, Encode, bytes::ByteArray};
use sotto_protocol::{RoomId, limits::DEVICES_PER_ACCOUNT_MAX};

/// An account's signed word that devices of its own are removed from a room.
///
/// It names the device that is to commit it, in its present stay: nobody else can use it, and it
/// stays good when a race is lost or a device that it names comes in anew.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceRemoval {
    /// The devices that are removed, in order.
    #[n(0)]
    pub device_keys: Vec<ByteArray<32>>,
    /// By the account's identity key, over all of it with the room's id and the committer.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl DeviceRemoval {
    /// Signs that `committer`, a leaf of the identity's account, removes these devices.
    #[must_use]
    pub fn sign(
        identity: &IdentityKey,
        room: &RoomId,
        committer: &RosterEntry,
        device_keys: &[[u8; 32]],
    ) -> Self {
        Self::sign_for(labels::signature::REMOVE_DEVICE, identity, (room, committer), device_keys)
    }

    /// Signs that `committer`, a leaf of the identity's account, retires these devices.
    #[must_use]
    pub fn sign_retirement(
        identity: &IdentityKey,
        room: &RoomId,
        committer: &RosterEntry,
        device_keys: &[[u8; 32]],
    ) -> Self {
        Self::sign_for(labels::signature::RETIRE_DEVICE, identity, (room, committer), device_keys)
    }

    fn sign_for(
        label: &[u8],
        identity: &IdentityKey,
        (room, committer): (&RoomId, &RosterEntry),
        device_keys: &[[u8; 32]],
    ) -> Self {
        let mut device_keys: Vec<ByteArray<32>> = device_keys.iter().map(|key| (*key).into()).collect();
        device_keys.sort_unstable();
        device_keys.dedup();
        let signature = identity.sign(&statement(label, room, committer, &device_keys));
        Self { device_keys, signature }
    }

    /// Whether the identity of `committer` has signed it, for that device to commit in this room; and its keys are in order.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`], [`CryptoError::BadSignature`], [`CryptoError::BadKey`].
    pub fn verify(&self, room: &RoomId, committer: &RosterEntry) -> Result<(), CryptoError> {
        self.verify_for(labels::signature::REMOVE_DEVICE, room, committer)
    }

    /// Whether the identity of `committer` has signed that these devices are retired.
    ///
    /// # Errors
    /// As [`DeviceRemoval::verify`].
    pub fn verify_retirement(&self, room: &RoomId, committer: &RosterEntry) -> Result<(), CryptoError> {
        self.verify_for(labels::signature::RETIRE_DEVICE, room, committer)
    }

    fn verify_for(&self, label: &[u8], room: &RoomId, committer: &RosterEntry) -> Result<(), CryptoError> {
        let are_in_order = self.device_keys.is_sorted_by(|one, next| one < next)
            && self.device_keys.len() <= DEVICES_PER_ACCOUNT_MAX;
        if !are_in_order {
            return Err(CryptoError::Malformed("device removal"));
        }
        let statement = statement(label, room, committer, &self.device_keys);
        sign::verify(&committer.identity_key, &statement, &self.signature)
    }

    /// Whether it names that device.
    #[must_use]
    pub fn names(&self, device_key: &[u8; 32]) -> bool {
        self.device_keys.iter().any(|key| **key == *device_key)
    }
}

fn statement(label: &[u8], room: &RoomId, committer: &RosterEntry, device_keys: &[ByteArray<32>]) -> Vec<u8> {
    let mut statement =
        [label, room.as_bytes(), committer.account.as_bytes(), &committer.device_key, &committer.stay]
            .concat();
    for key in device_keys {
        statement.extend_from_slice(&**key);
    }
    statement
}

/// Exactly those devices of the committer's account are removed that are here and that its identity key has named, for that.
pub(super) fn judge(
    before: &Before<'_>,
    removed: &[u32],
    (removal, kind): (&DeviceRemoval, Removal),
    committer: &RosterEntry,
) -> Result<(), Violation> {
    let named: Vec<u32> = before
        .roster
        .devices_of(&committer.account)
        .filter(|(_, entry)| removal.names(&entry.device_key))
        .map(|(leaf, _)| leaf)
        .collect();
    let are_those = named.len() == removed.len() && named.iter().all(|leaf| removed.contains(leaf));
    if !are_those {
        return Err(Violation::DeviceRemoval);
    }
    let verified = match kind {
        Removal::Retired => removal.verify_retirement(&before.room, committer),
        Removal::Forced | Removal::Left => removal.verify(&before.room, committer),
    };
    verified.map_err(|_| Violation::DeviceRemoval)
}
