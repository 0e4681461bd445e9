//! Who takes part in the vectors: everything from seeds of one byte, 32 times.

use super::area::hex;
use serde_json::{Value, json};
use sotto_crypto::{
    DeviceKey, Secret,
    account::{AccountKeys, DoorKey, RecoveryKey, VaultKey},
    identity::{Certificate, CertificateRequest, IdentityKey},
    room::OwnDevice,
    testing::account_keys,
};

/// A point in time, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// A secret of one byte, 32 times.
pub fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32])
}

/// Somebody with one device.
#[derive(Clone, Copy)]
pub struct Person {
    /// What they are called.
    pub name: &'static str,
    /// Seed of the identity key.
    pub identity: u8,
    /// Seed of the device key.
    pub device: u8,
    /// Seed of the recovery key; none for a guest.
    pub recovery: Option<u8>,
    /// The vault key.
    pub vault: u8,
    /// Seed of the door key.
    pub door: u8,
}

/// Has an account.
pub const ADA: Person =
    Person { name: "Ada", identity: 0x03, device: 0x04, recovery: Some(0x21), vault: 0x23, door: 0x22 };
/// Is a guest.
pub const BOB: Person =
    Person { name: "Bob", identity: 0x13, device: 0x14, recovery: None, vault: 0x33, door: 0x32 };
/// Has an account.
pub const CLEO: Person =
    Person { name: "Cleo", identity: 0x43, device: 0x44, recovery: Some(0x61), vault: 0x63, door: 0x62 };

impl Person {
    /// The identity key.
    pub fn identity(&self) -> IdentityKey {
        IdentityKey::from_seed(&secret(self.identity))
    }

    /// The device key.
    pub fn device(&self) -> DeviceKey {
        DeviceKey::from_seed(&secret(self.device))
    }

    /// The recovery public key; none for a guest.
    pub fn recovery_public(&self) -> Option<Vec<u8>> {
        self.recovery.map(|seed| RecoveryKey::from_seed(secret(seed)).public())
    }

    /// The keys of the account, generation 1.
    pub fn keys(&self) -> AccountKeys {
        let recovery = (secret(self.recovery.expect("has an account")), 1, Vec::new());
        account_keys(&secret(self.identity), recovery, secret(self.vault), secret(self.door), 1)
    }

    /// The certificate of the device.
    pub fn certificate(&self) -> Certificate {
        let recovery_key_hash = self.recovery.map(|seed| RecoveryKey::from_seed(secret(seed)).public_hash());
        let request = CertificateRequest {
            device_key: self.device().public(),
            recovery_key_hash,
            display_name: self.name,
            generation: u32::from(self.recovery.is_some()),
            not_before_ms: NOW_MS,
            operator: None,
            devices: None,
        };
        Certificate::issue(&self.identity(), request).unwrap()
    }

    /// The device as it goes into a room.
    pub fn own(&self) -> OwnDevice {
        OwnDevice {
            certificate: self.certificate(),
            device: self.device(),
            vault_key: VaultKey::from_seed(secret(self.vault)),
            door_key: DoorKey::from_seed(secret(self.door)),
            recovery_key: self.recovery_public(),
        }
    }

    /// What a stranger needs to make the same keys and certificate.
    pub fn to_json(self) -> Value {
        json!({
            "name": self.name, "identity seed": hex([self.identity; 32]), "device seed": hex([self.device; 32]),
            "recovery seed": self.recovery.map(|seed| hex([seed; 32])), "vault key": hex([self.vault; 32]),
            "door seed": hex([self.door; 32]), "generation": u32::from(self.recovery.is_some()),
            "not before": NOW_MS,
        })
    }
}
