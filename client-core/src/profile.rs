//! Who this profile is: a guest, made on the spot. (An account's device comes in beside it.)

use crate::{ClientError, store::Value};
use minicbor::{Decode, Encode};
use sotto_crypto::{
    DeviceKey, Secret,
    account::{DoorKey, VaultKey},
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    room::OwnDevice,
};
use zeroize::Zeroizing;

/// A guest's keys, and the name used last.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct Profile {
    #[n(0)]
    identity: Secret,
    #[n(1)]
    device: Secret,
    /// The display name used last.
    #[n(2)]
    pub display_name: Option<String>,
    /// From which the ids of this guest's doors come.
    #[n(3)]
    vault: VaultKey,
    /// Seed of the key of this guest's doors.
    #[n(4)]
    door: DoorKey,
}

impl Profile {
    /// A new guest.
    pub fn generate() -> Result<Self, ClientError> {
        let secret = || Secret::random().map_err(|_| ClientError::Bug("the system gives no randomness"));
        Ok(Self {
            identity: secret()?,
            device: secret()?,
            display_name: None,
            vault: VaultKey::from_seed(secret()?),
            door: DoorKey::from_seed(secret()?),
        })
    }

    /// Reads a stored profile.
    pub fn load(value: &Value) -> Result<Self, ClientError> {
        sotto_protocol::decode(value).map_err(|_| ClientError::Bug("the stored profile is damaged"))
    }

    /// The profile as it is stored.
    pub fn save(&self) -> Value {
        Zeroizing::new(sotto_protocol::encode(self))
    }

    /// Who this is.
    pub fn account(&self) -> AccountId {
        AccountId::of(&IdentityKey::from_seed(&self.identity).public())
    }

    /// This device.
    pub fn device(&self) -> DeviceKey {
        DeviceKey::from_seed(&self.device)
    }

    /// A certificate of this device under a display name.
    pub fn certificate(&self, display_name: &str, now_ms: u64) -> Result<Certificate, ClientError> {
        let request = CertificateRequest {
            device_key: self.device().public(),
            recovery_key_hash: None,
            display_name,
            generation: 0,
            not_before_ms: now_ms,
            operator: None,
            devices: None,
        };
        Certificate::issue(&IdentityKey::from_seed(&self.identity), request)
            .map_err(|_| ClientError::Bug("the certificate could not be made"))
    }
}

impl Profile {
    /// What this device brings into a room.
    pub fn own_device(&self, certificate: Certificate) -> OwnDevice {
        OwnDevice {
            certificate,
            device: self.device(),
            vault_key: self.vault.clone(),
            door_key: self.door.clone(),
            recovery_key: None,
        }
    }
}

impl core::fmt::Debug for Profile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Profile(…)")
    }
}
