//! The key under which a native client keeps its values at rest.
//!
//! `sealed = version (1) || salt (16) || AES-256-GCM`, key and nonce by HKDF-Expand from the storage key and the salt;
//! the additional data is the value's table and key, so that values cannot be swapped.

use crate::{CryptoError, Secret, entry::split_key_and_nonce, kdf, labels, random_array};
use aes_gcm::aead::{Aead, Payload};
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// A client's storage key.
#[derive(Debug, Clone)]
pub struct StorageKey(Secret);

impl StorageKey {
    /// Takes the key as it is.
    #[must_use]
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Seals a value for one place.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal(&self, place: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.seal_with_salt(place, value, &random_array()?)
    }

    /// As [`StorageKey::seal`], with a salt that is used once.
    pub(crate) fn seal_with_salt(
        &self,
        place: &[u8],
        value: &[u8],
        salt: &[u8; 16],
    ) -> Result<Vec<u8>, CryptoError> {
        let okm = kdf::expand::<44>(&self.0, labels::expand::STORAGE, &[salt])?;
        let (cipher, nonce) = split_key_and_nonce(&okm)?;
        let sealed = cipher
            .encrypt(&nonce, Payload { msg: value, aad: place })
            .map_err(|_| CryptoError::Malformed("value"))?;
        let mut stored = Vec::with_capacity(17 + sealed.len());
        stored.push(VERSION);
        stored.extend_from_slice(salt);
        stored.extend_from_slice(&sealed);
        Ok(stored)
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// [`CryptoError::DoesNotOpen`], [`CryptoError::Malformed`] or [`CryptoError::NewerVersion`].
    pub fn open(&self, place: &[u8], stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (version, rest) = stored.split_first().ok_or(CryptoError::Malformed("stored value"))?;
        if *version != VERSION {
            return Err(CryptoError::NewerVersion);
        }
        let (salt, sealed) = rest.split_first_chunk::<16>().ok_or(CryptoError::Malformed("stored value"))?;
        let okm = kdf::expand::<44>(&self.0, labels::expand::STORAGE, &[salt])?;
        let (cipher, nonce) = split_key_and_nonce(&okm)?;
        let payload = Payload { msg: sealed, aad: place };
        cipher.decrypt(&nonce, payload).map(Zeroizing::new).map_err(|_| CryptoError::DoesNotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_at_its_place() {
        let key = StorageKey::new(Secret::new([1; 32]));
        let stored = key.seal(b"here", b"value").unwrap();
        assert_eq!(key.open(b"here", &stored).unwrap().as_slice(), b"value");
        assert_eq!(key.open(b"there", &stored), Err(CryptoError::DoesNotOpen));
        assert_ne!(stored, key.seal(b"here", b"value").unwrap(), "each sealing has its own salt");
    }
}
