//! Login by password without showing it to the relay: the client's half of OPAQUE (RFC 9807).
//!
//! Suite: OPRF ristretto255-SHA512, HKDF-SHA-512, HMAC-SHA-512, SHA-512, 3DH over ristretto255, and Argon2id with
//! m = 64 MiB, t = 3, p = 1, a salt from relay and username, and 64 bytes of output. The server's identity is the relay's id, so
//! that a password lasts when the relay moves; the context names the address under which the client reached it, so that nobody
//! between can use a login. The client's identity is left out (it is then its public key). The parameters never change within
//! protocol version 1.

use super::{NewPassword, Password, Username, stretching::Stretching};
use crate::{CryptoError, Secret, kdf, labels::expand, seeded::SeededRandomness};
use core::{fmt, marker::PhantomData};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, Identifiers, RegistrationResponse, Ristretto255,
    TripleDh, errors::ProtocolError, ksf::Ksf,
};
use sotto_protocol::account::{RelayId, login_context};
use zeroize::Zeroize as _;

/// Sizes of the messages, in bytes.
pub mod sizes {
    /// Client to relay: the blinded password.
    pub const REGISTRATION_REQUEST_BYTES: usize = 32;
    /// Relay to client: the evaluated element, the relay's public key.
    pub const REGISTRATION_RESPONSE_BYTES: usize = 64;
    /// Client to relay: what the relay stores.
    pub const REGISTRATION_RECORD_BYTES: usize = 192;
    /// Client to relay: KE1.
    pub const LOGIN_REQUEST_BYTES: usize = 96;
    /// Relay to client: KE2.
    pub const LOGIN_RESPONSE_BYTES: usize = 320;
    /// Client to relay: KE3.
    pub const LOGIN_CONFIRMATION_BYTES: usize = 64;
}

/// What a password opens the sealed record with.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordKey(Secret);

/// What a login gives client and relay in common; nobody else has it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(Secret);

/// A registration under way, or a change of password: both are the same exchange.
pub struct RegistrationStart {
    inner: Registration<Stretching>,
}

/// The end of a registration.
pub struct Registered {
    /// What the relay stores: [`sizes::REGISTRATION_RECORD_BYTES`].
    pub record: Vec<u8>,
    /// Seals the account's record.
    pub password_key: PasswordKey,
}

/// A login under way, or a fresh proof of the password: both are the same exchange.
pub struct LoginStart {
    inner: LoggingIn<Stretching>,
}

/// The end of a login.
pub struct Login {
    /// What convinces the relay: [`sizes::LOGIN_CONFIRMATION_BYTES`].
    pub confirmation: Vec<u8>,
    /// Opens the account's record.
    pub password_key: PasswordKey,
    /// The relay has it as well.
    pub session_key: SessionKey,
}

impl RegistrationStart {
    /// Begins.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn new(password: &NewPassword) -> Result<Self, CryptoError> {
        Registration::start(password.password(), &mut SeededRandomness::new(Secret::random()?))
            .map(|inner| Self { inner })
    }

    /// What is sent to the relay: [`sizes::REGISTRATION_REQUEST_BYTES`].
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.inner.request
    }

    /// Takes the response of that relay, for an account of that name. Takes about as long as a person notices, and 64 MiB of
    /// memory.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] or [`CryptoError::NoRandomness`].
    pub fn finish(
        self,
        relay: &RelayId,
        username: &Username,
        response: &[u8],
    ) -> Result<Registered, CryptoError> {
        let mut randomness = SeededRandomness::new(Secret::random()?);
        let stretching = Stretching::of(relay, username);
        self.inner.finish(response, identifiers(relay), &stretching, &mut randomness)
    }
}

impl fmt::Debug for RegistrationStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationStart(…)")
    }
}

impl LoginStart {
    /// Begins.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn new(password: &Password) -> Result<Self, CryptoError> {
        LoggingIn::start(password, &mut SeededRandomness::new(Secret::random()?)).map(|inner| Self { inner })
    }

    /// What is sent to the relay: [`sizes::LOGIN_REQUEST_BYTES`].
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.inner.request
    }

    /// Takes the response of that relay, under the address (`host[:port]`) by which it was reached. Takes about as long as a
    /// person notices, and 64 MiB of memory.
    ///
    /// # Errors
    /// [`CryptoError::WrongPassword`] where password, account, relay or address is another; [`CryptoError::Malformed`].
    pub fn finish(
        self,
        (relay, authority): (&RelayId, &str),
        username: &Username,
        response: &[u8],
    ) -> Result<Login, CryptoError> {
        let mut randomness = SeededRandomness::new(Secret::random()?);
        let (context, stretching) = (login_context(authority), Stretching::of(relay, username));
        self.inner.finish(response, identifiers(relay), &context, &stretching, &mut randomness)
    }
}

impl fmt::Debug for LoginStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginStart(…)")
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("password_key", &self.password_key).finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("password_key", &self.password_key)
            .field("session_key", &self.session_key)
            .finish_non_exhaustive()
    }
}

impl PasswordKey {
    /// From OPAQUE's export key (64 bytes), whose first half is uniformly random by itself.
    pub(super) fn from_export_key(export_key: &[u8]) -> Result<Self, CryptoError> {
        kdf::derive(&first_half(export_key)?, expand::PASSWORD_KEY, &[]).map(Self)
    }

    pub(super) const fn secret(&self) -> &Secret {
        &self.0
    }

    /// One without a password, for tests of what it seals.
    pub(super) const fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    #[cfg(test)]
    pub(super) const fn for_test(secret: Secret) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for PasswordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordKey(…)")
    }
}

impl SessionKey {
    pub(super) fn from_session_key(session_key: &[u8]) -> Result<Self, CryptoError> {
        kdf::derive(&first_half(session_key)?, expand::LOGIN_SESSION, &[]).map(Self)
    }

    /// The bytes. Not to be kept.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// The suite, open as to how passwords are stretched: the RFC's vectors do not stretch them.
pub(crate) struct Suite<K>(PhantomData<K>);

impl<K: Ksf> CipherSuite for Suite<K> {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, <Ristretto255 as voprf::CipherSuite>::Hash>;
    type Ksf = K;
}

pub(super) const fn identifiers(relay: &RelayId) -> Identifiers<'_> {
    Identifiers { client: None, server: Some(relay.as_bytes()) }
}

pub(crate) struct Registration<K: Ksf> {
    password: Password,
    state: ClientRegistration<Suite<K>>,
    pub(crate) request: Vec<u8>,
}

impl<K: Ksf> Registration<K> {
    pub(crate) fn start(
        password: &Password,
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Self, CryptoError> {
        let started =
            ClientRegistration::<Suite<K>>::start(randomness, password.as_bytes()).map_err(refused)?;
        let request = started.message.serialize().to_vec();
        Ok(Self { password: password.clone(), state: started.state, request })
    }

    pub(crate) fn finish(
        self,
        response: &[u8],
        identifiers: Identifiers<'_>,
        stretching: &K,
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Registered, CryptoError> {
        check_length(response, sizes::REGISTRATION_RESPONSE_BYTES)?;
        let response = RegistrationResponse::deserialize(response).map_err(refused)?;
        let parameters = ClientRegistrationFinishParameters::new(identifiers, Some(stretching));
        let mut finished =
            self.state.finish(randomness, self.password.as_bytes(), response, parameters).map_err(refused)?;
        let password_key = PasswordKey::from_export_key(&finished.export_key);
        finished.export_key.as_mut_slice().zeroize();
        let password_key = password_key?;
        Ok(Registered { record: finished.message.serialize().to_vec(), password_key })
    }
}

pub(crate) struct LoggingIn<K: Ksf> {
    password: Password,
    state: ClientLogin<Suite<K>>,
    pub(crate) request: Vec<u8>,
}

impl<K: Ksf> LoggingIn<K> {
    pub(crate) fn start(
        password: &Password,
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Self, CryptoError> {
        let started = ClientLogin::<Suite<K>>::start(randomness, password.as_bytes()).map_err(refused)?;
        let request = started.message.serialize().to_vec();
        Ok(Self { password: password.clone(), state: started.state, request })
    }

    pub(crate) fn finish(
        self,
        response: &[u8],
        identifiers: Identifiers<'_>,
        context: &[u8],
        stretching: &K,
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Login, CryptoError> {
        check_length(response, sizes::LOGIN_RESPONSE_BYTES)?;
        let response = CredentialResponse::deserialize(response).map_err(refused)?;
        let parameters = ClientLoginFinishParameters::new(Some(context), identifiers, Some(stretching));
        let mut finished =
            self.state.finish(randomness, self.password.as_bytes(), response, parameters).map_err(refused)?;
        let password_key = PasswordKey::from_export_key(&finished.export_key);
        let session_key = SessionKey::from_session_key(&finished.session_key);
        finished.export_key.as_mut_slice().zeroize();
        finished.session_key.as_mut_slice().zeroize();
        Ok(Login {
            confirmation: finished.message.serialize().to_vec(),
            password_key: password_key?,
            session_key: session_key?,
        })
    }
}

fn first_half(key: &[u8]) -> Result<Secret, CryptoError> {
    key.first_chunk::<32>().copied().map(Secret::new).ok_or(CryptoError::Malformed("key"))
}

fn check_length(message: &[u8], expected: usize) -> Result<(), CryptoError> {
    if message.len() == expected { Ok(()) } else { Err(CryptoError::Malformed("login message")) }
}

fn refused(error: ProtocolError) -> CryptoError {
    match error {
        ProtocolError::InvalidLoginError => CryptoError::WrongPassword,
        _ => CryptoError::Malformed("login message"),
    }
}
