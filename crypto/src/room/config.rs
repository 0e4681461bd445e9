//! How the MLS groups of rooms are set up.

use super::{leaf::LEAF_EXTENSION, state::STATE_EXTENSION};
use crate::{DeviceKey, identity::Certificate, provider};
use openmls::{
    credentials::{BasicCredential, CredentialWithKey},
    group::{MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY},
    prelude::{
        Capabilities, Ciphersuite, CredentialType, Extension, ExtensionType, RequiredCapabilitiesExtension,
        SenderRatchetConfiguration, SignatureScheme,
    },
};
use openmls_traits::signatures::{Signer, SignerError};
use sotto_protocol::limits::{CLASSICAL_DEVICES_MAX, HYBRID_DEVICES_MAX};

/// A room's cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suite {
    /// X25519 + ML-KEM-768, AES-256-GCM, SHA-384, Ed25519 (0x004E).
    #[default]
    Hybrid,
    /// X25519, AES-128-GCM, SHA-256, Ed25519 (0x0001).
    Classical,
}

impl Suite {
    pub(super) const fn ciphersuite(self) -> Ciphersuite {
        match self {
            Self::Hybrid => provider::HYBRID,
            Self::Classical => provider::CLASSICAL,
        }
    }

    pub(super) fn of(ciphersuite: Ciphersuite) -> Self {
        if ciphersuite == provider::CLASSICAL { Self::Classical } else { Self::Hybrid }
    }

    /// Most devices that a room of this suite holds.
    #[must_use]
    pub const fn max_devices(self) -> usize {
        match self {
            Self::Hybrid => HYBRID_DEVICES_MAX,
            Self::Classical => CLASSICAL_DEVICES_MAX,
        }
    }
}

/// What every leaf must support: the two suites' leaves differ in nothing else.
pub(super) fn capabilities(suite: Suite) -> Capabilities {
    Capabilities::builder()
        .ciphersuites(vec![suite.ciphersuite()])
        .extensions(vec![ExtensionType::Unknown(STATE_EXTENSION), ExtensionType::Unknown(LEAF_EXTENSION)])
        .credentials(vec![CredentialType::Basic])
        .build()
}

/// The RequiredCapabilities of every room.
pub(super) fn required_capabilities() -> Extension {
    let extensions = [ExtensionType::Unknown(STATE_EXTENSION), ExtensionType::Unknown(LEAF_EXTENSION)];
    Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(
        &extensions,
        &[],
        &[CredentialType::Basic],
    ))
}

/// Handshakes are PublicMessages (under an outer layer of ours), so that processing one can be repeated; past epochs'
/// MLS secrets are not kept, because messages are not MLS application messages.
pub(super) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(0)
        .number_of_resumption_psks(0)
        .use_ratchet_tree_extension(true)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(0, 0))
        .build()
}

/// A leaf's credential: the device certificate as a basic credential's identity.
pub(super) fn credential(certificate: &Certificate) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(certificate.as_bytes().to_vec()).into(),
        signature_key: certificate.device_key().to_vec().into(),
    }
}

impl Signer for DeviceKey {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(Self::sign(self, payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
