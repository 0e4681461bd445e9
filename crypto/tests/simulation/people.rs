//! Accounts and their devices: keys as they are made, replaced, and known to whoever had them.

use sotto_crypto::{
    DeviceKey,
    account::{DoorKey, RecoveryKey, VaultKey},
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    room::OwnDevice,
};
use sotto_protocol::{DoorId, RoomId};

/// A device: of which account, and which of all that the account ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub account: usize,
    pub device: usize,
}

/// Somebody. Guests have no recovery key; whoever registers gets one.
pub struct Account {
    pub id: AccountId,
    pub identity: IdentityKey,
    /// By generation. The first is of generation 1.
    recovery: Vec<RecoveryKey>,
    /// Vault key and door key, as often as they were replaced.
    keys: Vec<(VaultKey, DoorKey)>,
    devices: Vec<DeviceKey>,
    /// Of no device: where only keys matter.
    spare: Certificate,
}

impl Account {
    pub fn new(is_registered: bool) -> Self {
        let identity = IdentityKey::generate().unwrap();
        let id = AccountId::of(&identity.public());
        let request = CertificateRequest {
            device_key: [0; 32],
            recovery_key_hash: None,
            display_name: "Nobody",
            generation: 0,
            not_before_ms: 0,
            operator: None,
            devices: None,
        };
        let spare = Certificate::issue(&identity, request).unwrap();
        let mut account =
            Self { id, identity, recovery: Vec::new(), keys: Vec::new(), devices: Vec::new(), spare };
        account.replace_keys();
        if is_registered {
            account.replace_recovery_key();
        }
        account
    }

    /// A fresh device. Gives its number.
    pub fn add_device(&mut self) -> usize {
        self.devices.push(DeviceKey::generate().unwrap());
        self.devices.len() - 1
    }

    pub fn device(&self, device: usize) -> &DeviceKey {
        &self.devices[device]
    }

    pub fn find_device(&self, key: &[u8; 32]) -> Option<usize> {
        self.devices.iter().position(|device| device.public() == *key)
    }

    pub fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// New vault and door key. Gives their number.
    pub fn replace_keys(&mut self) -> usize {
        self.keys.push((VaultKey::generate().unwrap(), DoorKey::generate().unwrap()));
        self.keys.len() - 1
    }

    /// A new recovery key, with which a guest registers. Gives the new generation.
    pub fn replace_recovery_key(&mut self) -> usize {
        self.recovery.push(RecoveryKey::generate().unwrap());
        self.recovery.len()
    }

    /// The number of the latest vault and door key.
    pub fn latest_keys(&self) -> usize {
        self.keys.len() - 1
    }

    /// 0 for guests.
    pub fn generation(&self) -> usize {
        self.recovery.len()
    }

    pub fn recovery_key(&self, generation: usize) -> Option<&RecoveryKey> {
        self.recovery.get(generation.checked_sub(1)?)
    }

    /// The account's door into a room, by these keys.
    pub fn door(&self, keys: usize, room: &RoomId) -> DoorId {
        let (vault_key, door_key) = self.keys[keys].clone();
        let device = DeviceKey::from_seed(vault_key.seed());
        let certificate = self.spare.clone();
        OwnDevice { certificate, device, vault_key, door_key, recovery_key: None }.door(room).unwrap()
    }

    /// A device with the account's keys as they were.
    pub fn own(&self, device: usize, keys: usize, generation: usize) -> OwnDevice {
        let recovery = self.recovery_key(generation);
        let request = CertificateRequest {
            device_key: self.devices[device].public(),
            recovery_key_hash: recovery.map(RecoveryKey::public_hash),
            display_name: "Somebody",
            generation: u32::try_from(generation).unwrap(),
            not_before_ms: 1_700_000_000_000,
            operator: None,
            devices: None,
        };
        let (vault_key, door_key) = self.keys[keys].clone();
        OwnDevice {
            certificate: Certificate::issue(&self.identity, request).unwrap(),
            device: self.devices[device].clone(),
            vault_key,
            door_key,
            recovery_key: recovery.map(RecoveryKey::public),
        }
    }
}
