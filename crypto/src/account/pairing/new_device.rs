//! The device that comes in.

use super::{
    GrantContents, Nonce, PairingOffer, SessionSecret, ShortCode, body_of,
    transcript::{commit, session_key, short_code, transcript},
};
use crate::{
    CryptoError, DeviceKey, Secret,
    account::{AccountDevice, DeviceSecrets, VaultIndex},
    committed,
    identity::{AccountId, Certificate},
    labels, random_array,
    wrap::WrapKey,
};
use core::fmt;
use sotto_protocol::limits::{PAIRING_MESSAGE_MAX_BYTES, PAIRING_SESSION_MAX_BYTES};
use zeroize::Zeroizing;

/// Length of a sealed session secret: an X-Wing ciphertext, 32 bytes, a tag.
pub(super) const SEALED_SECRET_BYTES: usize = 1168;

/// A new device that shows its offer and waits for the answer.
pub struct NewDevice {
    device: DeviceKey,
    offer: PairingOffer,
    key: WrapKey,
    nonce: Nonce,
    hello: Vec<u8>,
}

/// A new device that shows the short code.
pub struct VerifyingNewDevice {
    device: DeviceKey,
    session: SessionSecret,
    nonce: Nonce,
    code: ShortCode,
}

/// A new device whose person says that the old device took the code.
#[derive(Debug)]
pub struct ComparedNewDevice(VerifyingNewDevice);

/// What a new device has in the end.
pub struct Paired {
    /// Whose device it is now.
    pub account: AccountId,
    /// What it keeps at rest.
    pub secrets: DeviceSecrets,
    /// The identity's word for it.
    pub certificate: Certificate,
    /// The account's recovery public key, which the certificate names.
    pub recovery_public: Vec<u8>,
    /// What the old device obtained at the relay for it; opaque here.
    pub session: Zeroizing<Vec<u8>>,
    /// Sealed record and index of the vault, as the old device has seen them.
    pub seen: VaultIndex,
}

impl NewDevice {
    /// Begins, with the key that the device is to have.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn start(device: DeviceKey) -> Result<Self, CryptoError> {
        Ok(Self::start_seeded(device, PairingOffer::generate()?, &Secret::random()?, random_array()?))
    }

    /// What is shown to the person.
    #[must_use]
    pub const fn offer(&self) -> &PairingOffer {
        &self.offer
    }

    /// The first message: 1,249 bytes.
    #[must_use]
    pub fn hello(&self) -> &[u8] {
        &self.hello
    }

    /// Takes the answer, and gives the reveal: 354 bytes.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::BadKey`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn receive_answer(self, answer: &[u8]) -> Result<(VerifyingNewDevice, Vec<u8>), CryptoError> {
        self.receive_answer_salted(answer, &random_array()?)
    }

    pub(crate) fn start_seeded(device: DeviceKey, offer: PairingOffer, seed: &Secret, nonce: Nonce) -> Self {
        let key = WrapKey::from_seed(seed);
        let public = key.public();
        let commitment = commit(&offer, &public, &nonce);
        let hello = [[super::FORMAT].as_slice(), &public, &commitment].concat();
        Self { device, offer, key, nonce, hello }
    }

    pub(crate) fn receive_answer_salted(
        self,
        answer: &[u8],
        salt: &[u8; 16],
    ) -> Result<(VerifyingNewDevice, Vec<u8>), CryptoError> {
        let malformed = || CryptoError::Malformed("pairing answer");
        let (sealed, nonce) =
            body_of(answer, "pairing answer")?.split_at_checked(SEALED_SECRET_BYTES).ok_or_else(malformed)?;
        if nonce.len() != 32 {
            return Err(malformed());
        }
        let context = transcript(&self.offer, &[&self.hello]);
        let secret = Secret::from_slice(&self.key.open_bytes(labels::hpke::PAIRING, &context, sealed)?)?;
        let transcript = transcript(&self.offer, &[&self.hello, answer]);
        let session = session_key(&secret, &transcript)?;
        let code = short_code(&self.offer, &self.hello, answer, &self.nonce)?;
        let signature = self.device.sign(&possession(&transcript, &self.nonce));
        let device = [self.device.public().as_slice(), &signature].concat();
        let sealed = committed::seal_with_salt(
            &session.0,
            labels::expand::PAIRING_DEVICE,
            &self.nonce,
            &device,
            salt,
        )?;
        let reveal = [[super::FORMAT].as_slice(), &self.nonce, &sealed].concat();
        Ok((VerifyingNewDevice { device: self.device, session, nonce: self.nonce, code }, reveal))
    }
}

impl VerifyingNewDevice {
    /// What the person reads here and types on the old device.
    #[must_use]
    pub const fn code(&self) -> ShortCode {
        self.code
    }

    /// The person says that the old device took the code. Without that a grant is not to be trusted: anybody between could
    /// have made this device one of another account.
    #[must_use]
    pub const fn confirm(self) -> ComparedNewDevice {
        ComparedNewDevice(self)
    }
}

impl ComparedNewDevice {
    /// Takes the grant.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`], [`CryptoError::BadSignature`],
    /// [`CryptoError::NewerVersion`].
    pub fn receive_grant(self, grant: &[u8]) -> Result<Paired, CryptoError> {
        let malformed = || CryptoError::Malformed("pairing grant");
        if grant.len() > PAIRING_MESSAGE_MAX_BYTES {
            return Err(malformed());
        }
        let Self(VerifyingNewDevice { device, session, nonce, .. }) = self;
        let contents = committed::open(&session.0, labels::expand::PAIRING_GRANT, &nonce, grant)?;
        let contents: GrantContents = sotto_protocol::decode(&contents).map_err(|_| malformed())?;
        let AccountDevice { certificate, recovery_public, .. } =
            AccountDevice::checked(&contents.certificate, contents.recovery_public, &contents.account)?;
        let is_ours = *certificate.device_key() == device.public();
        if !is_ours || contents.session.len() > PAIRING_SESSION_MAX_BYTES {
            return Err(malformed());
        }
        let secrets =
            DeviceSecrets { account: contents.account, device, vault: contents.vault, door: contents.door };
        Ok(Paired {
            account: contents.account,
            secrets,
            certificate,
            recovery_public,
            session: contents.session,
            seen: VaultIndex::from_bytes(&contents.seen)?,
        })
    }
}

/// What the new device signs to show that it has the key that is to be certified.
pub(super) fn possession(transcript: &[u8; 32], nonce: &Nonce) -> Vec<u8> {
    [labels::signature::PAIRING_DEVICE, transcript, nonce].concat()
}

impl fmt::Debug for NewDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewDevice(…)")
    }
}

impl fmt::Debug for VerifyingNewDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingNewDevice(…)")
    }
}

impl fmt::Debug for Paired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paired").field("account", &self.account).finish_non_exhaustive()
    }
}
