//! Section "Labels": what an epoch's exporter gives.

use crate::labels;
use ed25519_dalek::SigningKey;

/// The secrets of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSecrets {
    /// Seals messages.
    pub message: [u8; 32],
    /// Seals the commit that leaves the epoch.
    pub handshake: [u8; 32],
    /// Ed25519 seed: opens the room.
    pub access: [u8; 32],
    /// Ed25519 seed: permits one handshake through a door.
    pub join: [u8; 32],
    /// Seals the status registers.
    pub status: [u8; 32],
    /// Card key, wrap randomness, decoys.
    pub wrap: [u8; 32],
}

impl EpochSecrets {
    /// Derives all, with an exporter of 32 bytes with empty context.
    pub fn derive<E>(export: impl Fn(&'static str) -> Result<[u8; 32], E>) -> Result<Self, E> {
        Ok(Self {
            message: export(labels::EXPORT_MESSAGE)?,
            handshake: export(labels::EXPORT_HANDSHAKE)?,
            access: export(labels::EXPORT_ACCESS)?,
            join: export(labels::EXPORT_JOIN)?,
            status: export(labels::EXPORT_STATUS)?,
            wrap: export(labels::EXPORT_WRAP)?,
        })
    }

    /// Registered with the relay.
    pub fn access_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.access).verifying_key().to_bytes()
    }

    /// Registered with the relay.
    pub fn join_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.join).verifying_key().to_bytes()
    }
}
