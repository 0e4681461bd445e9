//! Section "MLS": how the library is set up.

use crate::{
    PeerError,
    certificate::{Device, signature_key, verify},
    leaf_data::LEAF_DATA,
    room_state::ROOM_STATE,
};
use mls_rs::{
    CipherSuite, Client, ExtensionList, IdentityProvider,
    client_builder::{BaseConfig, WithCryptoProvider, WithIdentityProvider, WithMlsRules},
    crypto::SignatureSecretKey,
    identity::{Credential, CredentialType, SigningIdentity, basic::BasicCredential},
    mls_rules::{CommitOptions, DefaultMlsRules},
    time::MlsTime,
};
use mls_rs_core::identity::MemberValidationContext;
use mls_rs_crypto_rustcrypto::RustCryptoProvider;

/// The classical suite.
pub const SUITE: CipherSuite = CipherSuite::CURVE25519_AES128;

/// What the library is made of here.
pub type Config = WithMlsRules<
    DefaultMlsRules,
    WithIdentityProvider<Certificates, WithCryptoProvider<RustCryptoProvider, BaseConfig>>,
>;
/// A group on it.
pub type Group = mls_rs::Group<Config>;

/// A client with a device's key. Its capabilities are the room's suite, the two extension types and the basic
/// credential.
pub fn client(device: &Device) -> Client<Config> {
    client_with_suites(device, vec![SUITE])
}

/// The same, with other suites in its capabilities.
pub fn client_with_suites(device: &Device, suites: Vec<CipherSuite>) -> Client<Config> {
    let options = CommitOptions::new()
        .with_path_required(true)
        .with_ratchet_tree_extension(true)
        .with_allow_external_commit(true);
    Client::builder()
        .crypto_provider(RustCryptoProvider::with_enabled_cipher_suites(suites))
        .identity_provider(Certificates)
        .mls_rules(DefaultMlsRules::new().with_commit_options(options))
        .extension_types([ROOM_STATE, LEAF_DATA])
        .signing_identity(signing_identity(device), secret_key(device), SUITE)
        .build()
}

/// A device's credential and key.
pub fn signing_identity(device: &Device) -> SigningIdentity {
    let credential = Credential::Basic(BasicCredential::new(device.certificate.clone()));
    SigningIdentity::new(credential, device.key.verifying_key().to_bytes().to_vec().into())
}

/// A device's secret key as the library's provider wants it: seed and public key.
pub fn secret_key(device: &Device) -> SignatureSecretKey {
    device.key.to_keypair_bytes().to_vec().into()
}

/// Certificates as credentials.
#[derive(Debug, Clone, Copy)]
pub struct Certificates;

impl IdentityProvider for Certificates {
    type Error = PeerError;

    fn validate_member(
        &self,
        signing_identity: &SigningIdentity,
        _timestamp: Option<MlsTime>,
        _context: MemberValidationContext<'_>,
    ) -> Result<(), PeerError> {
        let certificate = certificate_bytes(signing_identity)?;
        let device = verify(certificate)?.device;
        if device[..] != signing_identity.signature_key[..] {
            return Err(PeerError::Forbidden("certificate of another device"));
        }
        // The library's provider verifies signatures less strictly than the document asks: such keys end here.
        signature_key(&device).map(|_| ()).ok_or(PeerError::Forbidden("device key"))
    }

    fn validate_external_sender(
        &self,
        _signing_identity: &SigningIdentity,
        _timestamp: Option<MlsTime>,
        _extensions: Option<&ExtensionList>,
    ) -> Result<(), PeerError> {
        Err(PeerError::Forbidden("external sender"))
    }

    fn identity(
        &self,
        signing_identity: &SigningIdentity,
        _extensions: &ExtensionList,
    ) -> Result<Vec<u8>, PeerError> {
        Ok(signing_identity.signature_key.to_vec())
    }

    fn valid_successor(
        &self,
        predecessor: &SigningIdentity,
        successor: &SigningIdentity,
        _extensions: &ExtensionList,
    ) -> Result<bool, PeerError> {
        let (before, after) =
            (verify(certificate_bytes(predecessor)?)?, verify(certificate_bytes(successor)?)?);
        Ok(before.identity == after.identity && before.device == after.device)
    }

    fn supported_types(&self) -> Vec<CredentialType> {
        vec![CredentialType::BASIC]
    }
}

fn certificate_bytes(identity: &SigningIdentity) -> Result<&[u8], PeerError> {
    let basic = identity.credential.as_basic().ok_or(PeerError::Forbidden("credential that is not basic"))?;
    Ok(basic.identifier())
}
