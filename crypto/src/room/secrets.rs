//! The secrets of an epoch, from MLS's exporter (RFC 9420, section 8.5).

use crate::{AccessKey, CryptoError, JoinKey, Secret, labels::exporter};
use zeroize::Zeroizing;

/// The secrets of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSecrets {
    /// Seals messages.
    pub message: Secret,
    /// Seals the commit that leaves the epoch.
    pub handshake: Secret,
    /// Seed of the key that opens the room at the relay.
    pub access: Secret,
    /// Seed of the key that permits one handshake through a door.
    pub join: Secret,
    /// Seals the status registers.
    pub status: Secret,
    /// From which the card's key and the randomness of its wraps come.
    pub(super) wrap: Secret,
}

impl EpochSecrets {
    /// Takes them from an exporter.
    pub(super) fn export(exporter: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, CryptoError> {
        let export = |label| {
            let secret =
                exporter(label).map(Zeroizing::new).ok_or(CryptoError::Mls("the exporter gives nothing"))?;
            Secret::from_slice(&secret)
        };
        Ok(Self {
            message: export(exporter::MESSAGE)?,
            handshake: export(exporter::HANDSHAKE)?,
            access: export(exporter::ACCESS)?,
            join: export(exporter::JOIN)?,
            status: export(exporter::STATUS)?,
            wrap: export(exporter::WRAP)?,
        })
    }

    /// The key that opens the room at the relay.
    #[must_use]
    pub fn access_key(&self) -> AccessKey {
        AccessKey::from_seed(&self.access)
    }

    /// The key that permits one handshake through a door.
    #[must_use]
    pub fn join_key(&self) -> JoinKey {
        JoinKey::from_seed(&self.join)
    }
}
