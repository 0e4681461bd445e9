//! Not an interface: what Sotto's own known answers, fuzz targets and golden bytes need to see of the inside.
//!
//! Names for what is here anyway, so that nothing tested through them differs from what is shipped; and one function that
//! makes what no honest device makes.

pub use crate::account::given::*;
pub use crate::committed::{
    open as open_committed, seal as seal_committed, seal_with_salt as seal_committed_with_salt,
};
pub use crate::entry::{open as open_entry, seal as seal_entry};
pub use crate::epoch_mark::epoch_mark;
pub use crate::kdf::expand;
pub use crate::message::envelope::seal_as as seal_message;
pub use crate::padding::{pad, unpad};
pub use crate::provider::{CLASSICAL, GroupState, HYBRID, Primitives, Provider};
pub use crate::room::given::*;
pub use crate::sign::{RecoveryLoginKey, verify};
pub use crate::wrap::{
    WrapKey, check_public_key, check_x25519, seal as seal_wrap, seal_given as seal_to_given,
    seal_seeded as seal_to,
};

use crate::{
    CryptoError, DeviceKey,
    account::{LoggingIn, Login, Password, Registered, Registration},
    attachment::{AttachmentKey, FileState, Sealer},
    room::Room,
    status::{OWN_MARK_BYTES, Status, StatusRegisters, StatusWrite},
};
use opaque_ke::{Identifiers, ksf::Identity, rand};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn},
    group::{MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY},
    prelude::{
        BasicCredential, Capabilities, CredentialType, CredentialWithKey, Extension, ExtensionType,
        Extensions, LeafNodeParameters, UnknownExtension,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::OpenMlsProvider as _;

/// Begins to seal a file under a given key, as [`crate::attachment::Sealer::new`] under a fresh one.
///
/// # Errors
/// As [`crate::attachment::Sealer::new`].
pub fn sealer_with_key(key: AttachmentKey, state: FileState, max_bytes: u64) -> Result<Sealer, CryptoError> {
    Sealer::with_key(key, state, max_bytes)
}

/// Seals a device's status with a salt that is used once, and with the bytes that stand where there is no mark, as [`StatusRegisters::seal`].
///
/// # Errors
/// As [`StatusRegisters::seal`].
pub fn seal_status(
    registers: &StatusRegisters<'_>,
    device: &DeviceKey,
    leaf: u32,
    status: &Status,
    salt: [u8; 16],
    no_mark: [u8; OWN_MARK_BYTES],
) -> Result<StatusWrite, CryptoError> {
    registers.seal_given(device, leaf, status, salt, no_mark)
}

/// Seals a stored value with a salt that is used once, as [`crate::StorageKey::seal`].
///
/// # Errors
/// As [`crate::StorageKey::seal`].
pub fn seal_stored(
    key: &crate::StorageKey,
    place: &[u8],
    value: &[u8],
    salt: &[u8; 16],
) -> Result<Vec<u8>, CryptoError> {
    key.seal_with_salt(place, value, salt)
}

/// Extension types of `docs/PROTOCOL.md`: room state and leaf data.
const EXTENSIONS: [u16; 2] = [0xF501, 0xF502];

/// The `authenticated_data` of a commit in a room's present epoch, with any proof.
#[must_use]
pub fn commit_data(room: &Room, proof: &[u8]) -> Vec<u8> {
    room.commit_data(proof, None)
}

/// A join that is right by MLS, with any credential, leaf data and `authenticated_data`; `None` where even MLS refuses it.
#[must_use]
pub fn join_with(
    group_info: &[u8],
    device: &DeviceKey,
    credential: &[u8],
    leaf_data: &[u8],
    aad: &[u8],
) -> Option<Vec<u8>> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(group_info).ok()?;
    let MlsMessageBodyIn::GroupInfo(group_info) = message.extract() else { return None };
    let provider = Provider::default();
    let [_, leaf_type] = EXTENSIONS;
    let capabilities = Capabilities::builder()
        .ciphersuites(vec![group_info.ciphersuite()])
        .extensions(EXTENSIONS.map(ExtensionType::Unknown).to_vec())
        .credentials(vec![CredentialType::Basic])
        .build();
    let leaf_data = Extension::Unknown(leaf_type, UnknownExtension(leaf_data.to_vec()));
    let leaf = LeafNodeParameters::builder()
        .with_capabilities(capabilities)
        .with_extensions(Extensions::single(leaf_data).ok()?)
        .build();
    let credential = CredentialWithKey {
        credential: BasicCredential::new(credential.to_vec()).into(),
        signature_key: device.public().to_vec().into(),
    };
    let config = MlsGroupJoinConfig::builder().wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY).build();
    let builder = MlsGroup::external_commit_builder()
        .with_config(config)
        .with_aad(aad.to_vec())
        .skip_lifetime_validation()
        .build_group(&provider, group_info, credential)
        .ok()?
        .leaf_node_parameters(leaf)
        .load_psks(provider.storage())
        .ok()?
        .build(provider.rand(), provider.crypto(), device, |_| true)
        .ok()?;
    let (_, bundle) = builder.finalize(&provider).ok()?;
    bundle.commit().tls_serialize_detached().ok()
}

/// A registration in which the password is not stretched, over given randomness: the relay's response, read by the same
/// code as in [`crate::account::RegistrationStart`], a thousand times as fast.
///
/// # Errors
/// As [`crate::account::RegistrationStart::finish`].
pub fn register_unstretched(
    password: &Password,
    randomness: &[u8],
    response: &[u8],
) -> Result<Registered, CryptoError> {
    let mut randomness = Script::new(randomness);
    let identifiers = Identifiers { client: None, server: None };
    Registration::<Identity>::start(password, &mut randomness)?.finish(
        response,
        identifiers,
        &Identity,
        &mut randomness,
    )
}

/// A login in which the password is not stretched, as [`register_unstretched`].
///
/// # Errors
/// As [`crate::account::LoginStart::finish`].
pub fn log_in_unstretched(
    password: &Password,
    context: &[u8],
    randomness: &[u8],
    response: &[u8],
) -> Result<Login, CryptoError> {
    let mut randomness = Script::new(randomness);
    let identifiers = Identifiers { client: None, server: None };
    let begun = LoggingIn::<Identity>::start(password, &mut randomness)?;
    begun.finish(response, identifiers, context, &Identity, &mut randomness)
}

/// Gives bytes in order, and zeros after them.
pub struct Script<'a>(core::slice::Iter<'a, u8>);

impl<'a> Script<'a> {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }
}

impl rand::RngCore for Script<'_> {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        destination.iter_mut().for_each(|byte| *byte = self.0.next().copied().unwrap_or_default());
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl rand::CryptoRng for Script<'_> {}
