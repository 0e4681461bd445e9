//! What a device brings into a room: its key, its certificate, and the keys of its account that belong to rooms.

use super::{
    InviteId,
    leaf::{LeafData, account_door},
    state::POLICY_VERSION,
};
use crate::{
    AdminKey, CryptoError, DeviceKey,
    account::{DoorKey, VaultKey},
    identity::Certificate,
    kdf,
    labels::expand,
    random_array,
    sign::AccountDoorKey,
    wrap::WrapKey,
};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{CardRequest, Challenge, DoorId, RoomId, card_statement};

/// Since when a leaf is in the room.
#[derive(Clone, Copy)]
pub(super) struct Stay {
    /// The epoch that began when it came in.
    pub joined: u64,
    /// What it drew then.
    pub stay: [u8; 16],
    /// The epoch that its last commit began.
    pub updated: u64,
}

impl Stay {
    /// Of a device that comes in now, in the epoch that its commit begins.
    pub fn begin(epoch: u64) -> Result<Self, CryptoError> {
        Ok(Self { joined: epoch, stay: random_array()?, updated: epoch })
    }
}

/// A device of an account, as it makes and joins rooms.
#[derive(Clone)]
pub struct OwnDevice {
    /// The account's statement that the device is its own.
    pub certificate: Certificate,
    /// The device's signature key.
    pub device: DeviceKey,
    /// The account's vault key: ids of its doors and its room-admin keys come from it.
    pub vault_key: VaultKey,
    /// The X-Wing key of the account's doors.
    pub door_key: DoorKey,
    /// The account's recovery public key; `None` for guests.
    pub recovery_key: Option<Vec<u8>>,
}

impl OwnDevice {
    /// The account's door into a room.
    ///
    /// # Errors
    /// Never for a key of 32 bytes.
    pub fn door(&self, room: &RoomId) -> Result<DoorId, CryptoError> {
        self.door_signature_key(room).map(|key| account_door(&self.certificate.account(), &key.public()))
    }

    /// What the relay is asked for the card behind that door.
    ///
    /// # Errors
    /// Never for a key of 32 bytes.
    pub fn card_request(
        &self,
        room: &RoomId,
        authority: &str,
        challenge: &Challenge,
    ) -> Result<CardRequest, CryptoError> {
        let door = self.door(room)?;
        let statement = card_statement(authority, challenge, room, &door);
        Ok(CardRequest { room: *room, door, signature: self.door_signature_key(room)?.sign(&statement) })
    }

    fn door_signature_key(&self, room: &RoomId) -> Result<AccountDoorKey, CryptoError> {
        kdf::derive(self.vault_key.seed(), expand::ACCOUNT_DOOR, &[room.as_bytes()])
            .map(|seed| AccountDoorKey::from_seed(&seed))
    }

    /// The key with which the account acts on a room at the relay while it has a role there.
    ///
    /// # Errors
    /// Never for a key of 32 bytes.
    pub fn admin_key(&self, room: &RoomId) -> Result<AdminKey, CryptoError> {
        kdf::derive(self.vault_key.seed(), expand::ROOM_ADMIN, &[room.as_bytes()])
            .map(|seed| AdminKey::from_seed(&seed))
    }

    /// Opens what is sealed to the account's doors.
    pub(super) fn wrap_key(&self) -> WrapKey {
        self.door_key.wrap_key()
    }

    /// The leaf extension of this device in a room.
    pub(super) fn leaf_data(
        &self,
        room: &RoomId,
        via: Option<InviteId>,
        Stay { joined, stay, updated }: Stay,
    ) -> Result<LeafData, CryptoError> {
        Ok(LeafData {
            via,
            joined,
            door_signature_key: self.door_signature_key(room)?.public(),
            door_key: self.door_key.public(),
            admin_key: self.admin_key(room)?.public(),
            recovery_key: self.recovery_key.clone(),
            stay,
            updated,
            avatar: None,
            rules: POLICY_VERSION,
        })
    }

    /// A certificate may be used only with the keys that it names.
    pub(super) fn check(&self) -> Result<(), CryptoError> {
        let hash = self.recovery_key.as_deref().map(|key| <[u8; 32]>::from(Sha256::digest(key)));
        if *self.certificate.device_key() == self.device.public()
            && hash.as_ref() == self.certificate.recovery_key_hash()
        {
            Ok(())
        } else {
            Err(CryptoError::BadKey)
        }
    }
}

impl core::fmt::Debug for OwnDevice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OwnDevice").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
