//! The relay's half of OPAQUE (RFC 9807), in the suite of `docs/PROTOCOL.md`, "Login". The relay stretches nothing.
//!
//! The credential identifier is the keyed hash of the name: a name that does not exist is answered exactly as one that
//! does, before and after somebody takes it.

use super::randomness::{Seeded, keyed_hash};
use opaque_ke::errors::ProtocolError;
use opaque_ke::{
    CipherSuite, CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest,
    RegistrationUpload, Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    TripleDh,
};
use sotto_protocol::account::{AccountErrorCode, RelayId, login_context};
use zeroize::Zeroizing;

/// OPRF seed, private key, and the public key of nobody.
pub(super) const SETUP_BYTES: usize = 128;

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, <Ristretto255 as voprf::CipherSuite>::Hash>;
    type Ksf = opaque_ke::ksf::Identity;
}

/// What the relay needs for it.
pub(super) struct Opaque {
    setup: ServerSetup<Suite>,
    /// The record of a name that is not there.
    nobody: [u8; 192],
}

/// What the relay answers to KE1, and what it must remember until KE3.
pub(super) struct Answer {
    pub response: [u8; 320],
    pub state: Zeroizing<Vec<u8>>,
}

/// A fresh setup, as it is stored.
pub(super) fn generate_setup() -> Result<Zeroizing<Vec<u8>>, AccountErrorCode> {
    let setup = ServerSetup::<Suite>::new(&mut Seeded::fresh()?);
    Ok(Zeroizing::new(setup.serialize().to_vec()))
}

impl Opaque {
    /// From a stored setup; none where it is damaged.
    pub(super) fn from_setup(bytes: &[u8]) -> Option<Self> {
        let setup = ServerSetup::<Suite>::deserialize(bytes).ok().filter(|_| bytes.len() == SETUP_BYTES)?;
        let seed = Zeroizing::new(*bytes.first_chunk::<32>()?);
        let mut nobody = [0; 192];
        // A public key that nobody has the private half of, a masking key, and an envelope of zeros (RFC 9807, section 6.3.2.2).
        let mask = [b"1", b"2"].map(|part| keyed_hash(&seed, &[b"sotto relay nobody", part]));
        let record = bytes.last_chunk::<32>()?.iter().chain(mask.as_flattened());
        nobody.iter_mut().zip(record).for_each(|(to, from)| *to = *from);
        ServerRegistration::<Suite>::deserialize(&nobody).ok()?;
        Some(Self { setup, nobody })
    }

    /// The record that stands for a name which is not there.
    pub(super) const fn nobody(&self) -> &[u8; 192] {
        &self.nobody
    }

    /// Answers a registration, or a change of password.
    pub(super) fn register(
        &self,
        name_hash: &[u8; 32],
        request: &[u8; 32],
    ) -> Result<[u8; 64], AccountErrorCode> {
        let request = RegistrationRequest::deserialize(request).map_err(malformed)?;
        let started = ServerRegistration::start(&self.setup, request, name_hash).map_err(malformed)?;
        started.message.serialize().as_slice().try_into().map_err(|_| AccountErrorCode::Internal)
    }

    /// Answers KE1 for the account with that record.
    pub(super) fn log_in(
        &self,
        (name_hash, record): (&[u8; 32], &[u8; 192]),
        (relay, authority): (&RelayId, &str),
        request: &[u8; 96],
    ) -> Result<Answer, AccountErrorCode> {
        let request = CredentialRequest::deserialize(request).map_err(malformed)?;
        let record = ServerRegistration::deserialize(record).map_err(|_| AccountErrorCode::Internal)?;
        let mut randomness = Seeded::fresh()?;
        let started = ServerLogin::start(
            &mut randomness,
            &self.setup,
            Some(record),
            request,
            name_hash,
            parameters(relay, &login_context(authority)),
        )
        .map_err(malformed)?;
        let response = started.message.serialize();
        let response = response.as_slice().try_into().map_err(|_| AccountErrorCode::Internal)?;
        Ok(Answer { response, state: Zeroizing::new(started.state.serialize().to_vec()) })
    }
}

/// Whether a record is one at all.
pub(super) fn is_record(record: &[u8; 192]) -> bool {
    RegistrationUpload::<Suite>::deserialize(record).is_ok()
}

/// Whether KE3 proves the password.
pub(super) fn proves_password(
    state: &[u8],
    (relay, authority): (&RelayId, &str),
    confirmation: &[u8; 64],
) -> bool {
    let Ok(state) = ServerLogin::<Suite>::deserialize(state) else { return false };
    let Ok(confirmation) = CredentialFinalization::deserialize(confirmation) else { return false };
    state.finish(confirmation, parameters(relay, &login_context(authority))).is_ok()
}

/// The password's record is bound to the relay, wherever it is; the login to the address by which the client reached it.
fn parameters<'p>(relay: &'p RelayId, context: &'p [u8]) -> ServerLoginParameters<'p, 'p> {
    let identifiers = Identifiers { client: None, server: Some(relay.as_bytes()) };
    ServerLoginParameters { context: Some(context), identifiers }
}

fn malformed(_: ProtocolError) -> AccountErrorCode {
    AccountErrorCode::Malformed
}
