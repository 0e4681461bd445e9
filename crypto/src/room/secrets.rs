//! The secrets of an epoch, from MLS's exporter (RFC 9420, section 8.5): a type for each, so that none is taken for another.

use crate::{AccessKey, CryptoError, JoinKey, Secret, labels::exporter, secret::secret_type};
use zeroize::Zeroizing;

secret_type!(
    /// Seals the messages of an epoch.
    MessageSecret
);
secret_type!(
    /// Seals the commit that leaves an epoch.
    HandshakeSecret
);
secret_type!(
    /// Seed of the key that opens the room at the relay.
    AccessSeed
);
secret_type!(
    /// Seed of the key that permits one handshake through a door.
    JoinSeed
);
secret_type!(
    /// Seals the status registers of an epoch.
    StatusKey
);
secret_type!(
    /// From which the keys of card and capsule come, and the randomness of their wraps.
    WrapSecret
);

/// The secrets of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSecrets {
    /// Seals messages.
    pub message: MessageSecret,
    /// Seals the commit that leaves the epoch.
    pub handshake: HandshakeSecret,
    /// Seed of the key that opens the room at the relay.
    pub access: AccessSeed,
    /// Seed of the key that permits one handshake through a door.
    pub join: JoinSeed,
    /// Seals the status registers.
    pub status: StatusKey,
    /// From which the keys of card and capsule come.
    pub(super) wrap: WrapSecret,
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
            message: MessageSecret(export(exporter::MESSAGE)?),
            handshake: HandshakeSecret(export(exporter::HANDSHAKE)?),
            access: AccessSeed(export(exporter::ACCESS)?),
            join: JoinSeed(export(exporter::JOIN)?),
            status: StatusKey(export(exporter::STATUS)?),
            wrap: WrapSecret(export(exporter::WRAP)?),
        })
    }

    /// The key that opens the room at the relay.
    #[must_use]
    pub fn access_key(&self) -> AccessKey {
        AccessKey::from_seed(self.access.seed())
    }

    /// The key that permits one handshake through a door.
    #[must_use]
    pub fn join_key(&self) -> JoinKey {
        JoinKey::from_seed(self.join.seed())
    }
}
