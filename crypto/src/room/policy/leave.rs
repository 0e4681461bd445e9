//! Leaving: a device's signed word, by which any member may remove it.

use super::{Before, Violation};
use crate::{CryptoError, DeviceKey, labels, room::RosterEntry, sign};
use minicbor::{Decode, Encode};
use sotto_protocol::RoomId;
use std::collections::BTreeSet;

/// Who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LeaveScope {
    /// The device that signs.
    #[n(0)]
    Device,
    /// Its account, with all devices.
    #[n(1)]
    Account,
}

/// A device's signed word that it leaves. Any member may remove it with that.
///
/// It names this stay of the device in the room: it is not good for a leaf that came back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeaveStatement {
    /// The device that signs.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// Its leaf's stay.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub stay: [u8; 16],
    /// Who leaves.
    #[n(2)]
    pub scope: LeaveScope,
    /// By the device, over all of it with the room's id.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl LeaveStatement {
    /// Makes and signs one.
    #[must_use]
    pub fn sign(room: &RoomId, device: &DeviceKey, stay: &[u8; 16], scope: LeaveScope) -> Self {
        let device_key = device.public();
        let signature = device.sign(&statement(room, &device_key, stay, scope));
        Self { device_key, stay: *stay, scope, signature }
    }

    /// The bytes that are sent as a message and stand in the commit's authenticated data.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        sotto_protocol::encode(self)
    }

    /// Reads the bytes of a message.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        sotto_protocol::decode_exact(bytes).map_err(|_| CryptoError::Malformed("leave statement"))
    }

    /// Whether it is about this leaf.
    fn is_of(&self, entry: &RosterEntry) -> bool {
        entry.device_key == self.device_key && entry.stay == self.stay
    }

    /// Whether the device has signed it, for this room.
    ///
    /// # Errors
    /// [`CryptoError::BadSignature`], [`CryptoError::BadKey`].
    pub fn verify(&self, room: &RoomId) -> Result<(), CryptoError> {
        let statement = statement(room, &self.device_key, &self.stay, self.scope);
        sign::verify(&self.device_key, &statement, &self.signature)
    }
}

fn statement(room: &RoomId, device_key: &[u8; 32], stay: &[u8; 16], scope: LeaveScope) -> Vec<u8> {
    let scope = match scope {
        LeaveScope::Device => [0],
        LeaveScope::Account => [1],
    };
    [labels::signature::LEAVE, room.as_bytes(), device_key, stay, &scope].concat()
}

/// Exactly those are removed who signed that they leave.
pub(super) fn judge(
    before: &Before<'_>,
    removed: &[u32],
    statement: &LeaveStatement,
) -> Result<(), Violation> {
    let (leaf, entry) =
        before.roster.iter().find(|(_, entry)| statement.is_of(entry)).ok_or(Violation::LeaveStatement)?;
    statement.verify(&before.room).map_err(|_| Violation::LeaveStatement)?;
    let leaving: BTreeSet<u32> = match statement.scope {
        LeaveScope::Device => [leaf].into(),
        LeaveScope::Account => before.roster.devices_of(&entry.account).map(|(leaf, _)| leaf).collect(),
    };
    let removed_set: BTreeSet<u32> = removed.iter().copied().collect();
    if leaving == removed_set && removed.len() == leaving.len() {
        Ok(())
    } else {
        Err(Violation::LeaveStatement)
    }
}
