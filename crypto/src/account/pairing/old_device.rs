//! The device that lets another one in.

use super::{
    GrantContents, Nonce, PairingOffer, SessionSecret, ShortCode, body_of,
    new_device::possession,
    transcript::{commit, session_key, short_code, transcript},
};
use crate::{
    CryptoError, Secret,
    account::{AccountKeys, VaultIndex},
    committed, labels, random_array, sign,
    wrap::{self, PUBLIC_KEY_BYTES},
};
use core::fmt;
use sotto_protocol::limits::PAIRING_SESSION_MAX_BYTES;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// An old device that has answered and waits for the reveal.
pub struct OldDevice {
    offer: PairingOffer,
    hello: Vec<u8>,
    answer: Vec<u8>,
    session: SessionSecret,
}

/// An old device that waits for its person to type the code.
pub struct VerifyingOldDevice {
    session: SessionSecret,
    nonce: Nonce,
    code: ShortCode,
    pub(super) device_key: [u8; 32],
}

/// What a new device is to get.
#[derive(Clone, Copy)]
pub struct PairingGrant<'a> {
    /// The name in its certificate.
    pub display_name: &'a str,
    /// Now, in milliseconds since 1970.
    pub not_before_ms: u64,
    /// What was obtained at the relay for it; at most 4 KiB.
    pub session: &'a [u8],
    /// What this device has seen of sealed record and vault, its own index there written before: nobody shows the new device less.
    pub seen: &'a VaultIndex,
}

impl OldDevice {
    /// Answers a new device's hello: 1,201 bytes.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`],
    /// [`CryptoError::NoRandomness`].
    pub fn answer(offer: &PairingOffer, hello: &[u8]) -> Result<(Self, Vec<u8>), CryptoError> {
        Self::answer_seeded(offer, hello, &Secret::random()?, &random_array()?, &Secret::random()?)
    }

    /// Takes the reveal and checks it against the commitment.
    ///
    /// # Errors
    /// [`CryptoError::CodesDiffer`] where the nonce is not the one committed to; [`CryptoError::DoesNotOpen`],
    /// [`CryptoError::BadSignature`], [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
    pub fn receive_reveal(self, reveal: &[u8]) -> Result<VerifyingOldDevice, CryptoError> {
        let malformed = || CryptoError::Malformed("pairing reveal");
        let (nonce, sealed) =
            body_of(reveal, "pairing reveal")?.split_first_chunk::<32>().ok_or_else(malformed)?;
        let (public_key, commitment) = split_hello(&self.hello)?;
        if !bool::from(commit(&self.offer, public_key, nonce).as_slice().ct_eq(commitment)) {
            return Err(CryptoError::CodesDiffer);
        }
        let opened = committed::open(&self.session.0, labels::expand::PAIRING_DEVICE, nonce, sealed)?;
        let (device_key, signature) = opened.split_first_chunk::<32>().ok_or_else(malformed)?;
        let signature = <&[u8; 64]>::try_from(signature).map_err(|_| malformed())?;
        let transcript = transcript(&self.offer, &[&self.hello, &self.answer]);
        sign::verify(device_key, &possession(&transcript, nonce), signature)?;
        Ok(VerifyingOldDevice {
            code: short_code(&self.offer, &self.hello, &self.answer, nonce)?,
            session: self.session,
            nonce: *nonce,
            device_key: *device_key,
        })
    }

    pub(crate) fn answer_seeded(
        offer: &PairingOffer,
        hello: &[u8],
        secret: &Secret,
        nonce: &Nonce,
        seed: &Secret,
    ) -> Result<(Self, Vec<u8>), CryptoError> {
        let (public_key, _) = split_hello(hello)?;
        let context = transcript(offer, &[hello]);
        let sealed = wrap::seal_seeded(public_key, labels::hpke::PAIRING, &context, secret.expose(), seed)?;
        let answer = [[super::FORMAT].as_slice(), &sealed, nonce].concat();
        let session = session_key(secret, &transcript(offer, &[hello, &answer]))?;
        let device = Self { offer: offer.clone(), hello: hello.to_vec(), answer: answer.clone(), session };
        Ok((device, answer))
    }
}

impl VerifyingOldDevice {
    /// Makes the new device one of the account, if the code that was typed is the right one. The keys come from the sealed
    /// record: the person has just given the password or the recovery code.
    ///
    /// # Errors
    /// [`CryptoError::CodesDiffer`]: nothing is sent, and the person is told that somebody may sit between the devices.
    /// [`CryptoError::OverLimit`], [`CryptoError::Malformed`] (the name), [`CryptoError::NoRandomness`].
    pub fn grant(
        &self,
        typed_code: &str,
        keys: &AccountKeys,
        grant: PairingGrant<'_>,
    ) -> Result<Vec<u8>, CryptoError> {
        self.grant_salted(typed_code, keys, grant, &random_array()?)
    }

    /// The public key of the new device.
    #[must_use]
    pub const fn device_key(&self) -> &[u8; 32] {
        &self.device_key
    }

    pub(crate) fn grant_salted(
        &self,
        typed_code: &str,
        keys: &AccountKeys,
        grant: PairingGrant<'_>,
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        if !self.code.is(typed_code) {
            return Err(CryptoError::CodesDiffer);
        }
        if grant.session.len() > PAIRING_SESSION_MAX_BYTES {
            return Err(CryptoError::OverLimit {
                what: "session",
                actual: grant.session.len(),
                max: PAIRING_SESSION_MAX_BYTES,
            });
        }
        let certificate = keys.certify(self.device_key, grant.display_name, grant.not_before_ms)?;
        let contents = GrantContents {
            account: keys.account(),
            certificate: certificate.as_bytes().to_vec(),
            vault: keys.vault.clone(),
            door: keys.door.clone(),
            recovery_public: keys.recovery.public(),
            session: Zeroizing::new(grant.session.to_vec()),
            seen: grant.seen.for_new_device(&keys.vault)?.to_bytes(),
        };
        let contents = sotto_protocol::encode_secret(&contents);
        committed::seal_with_salt(
            &self.session.0,
            labels::expand::PAIRING_GRANT,
            &self.nonce,
            &contents,
            salt,
        )
    }
}

/// Public key and commitment of a hello.
fn split_hello(hello: &[u8]) -> Result<(&[u8], &[u8; 32]), CryptoError> {
    let malformed = || CryptoError::Malformed("pairing hello");
    let (public_key, commitment) =
        body_of(hello, "pairing hello")?.split_last_chunk::<32>().ok_or_else(malformed)?;
    if public_key.len() == PUBLIC_KEY_BYTES { Ok((public_key, commitment)) } else { Err(malformed()) }
}

impl fmt::Debug for OldDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldDevice(…)")
    }
}

impl fmt::Debug for VerifyingOldDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingOldDevice(…)")
    }
}
