//! The salted, committing AEAD under which everything of an account is sealed: record, record key, vault, pairing.
//!
//! ```text
//! sealed     = salt (16) || commitment (32) || AES-256-GCM(key, nonce, content, additional data)
//! key, nonce = Expand(secret, label, "key and nonce", salt)     44 bytes
//! commitment = Expand(secret, label, "commitment", salt)        32 bytes
//! ```
//! The salt is random: no counter is kept, so none can be rolled back. The commitment is compared before anything is
//! decrypted: what opens under one secret opens under no other.

use crate::{CryptoError, Secret, entry::split_key_and_nonce, kdf};
use aes_gcm::aead::{Aead, Payload};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The salt of one sealing: random, but for golden bytes.
pub type Salt = [u8; 16];

/// Seals `content` under a salt that is used once.
pub fn seal(
    secret: &Secret,
    label: &[u8],
    aad: &[u8],
    content: &[u8],
    salt: &Salt,
) -> Result<Vec<u8>, CryptoError> {
    let (okm, commitment) = keys(secret, label, salt)?;
    let (cipher, nonce) = split_key_and_nonce(&okm)?;
    let sealed = cipher
        .encrypt(&nonce, Payload { msg: content, aad })
        .map_err(|_| CryptoError::Malformed("content"))?;
    Ok([salt.as_slice(), commitment.as_slice(), &sealed].concat())
}

/// Opens what was sealed under the same secret, label and additional data.
pub fn open(
    secret: &Secret,
    label: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let malformed = || CryptoError::Malformed("sealed value");
    let (salt, rest) = sealed.split_first_chunk::<16>().ok_or_else(malformed)?;
    let (commitment, sealed) = rest.split_first_chunk::<32>().ok_or_else(malformed)?;
    let (okm, expected) = keys(secret, label, salt)?;
    if !bool::from(expected.as_slice().ct_eq(commitment)) {
        return Err(CryptoError::DoesNotOpen);
    }
    let (cipher, nonce) = split_key_and_nonce(&okm)?;
    cipher
        .decrypt(&nonce, Payload { msg: sealed, aad })
        .map(Zeroizing::new)
        .map_err(|_| CryptoError::DoesNotOpen)
}

type KeyAndNonce = Zeroizing<[u8; 44]>;
type Commitment = Zeroizing<[u8; 32]>;

fn keys(secret: &Secret, label: &[u8], salt: &Salt) -> Result<(KeyAndNonce, Commitment), CryptoError> {
    Ok((
        kdf::expand::<44>(secret, label, &[b"key and nonce", salt])?,
        kdf::expand::<32>(secret, label, &[b"commitment", salt])?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_under_its_secret_label_and_additional_data_alone() {
        let (secret, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let sealed = seal(&secret, b"label", b"aad", b"content", &[3; 16]).unwrap();
        assert_eq!(sealed.len(), 16 + 32 + 7 + 16);
        assert_eq!(open(&secret, b"label", b"aad", &sealed).unwrap().as_slice(), b"content");
        assert_ne!(sealed[48..], seal(&secret, b"label", b"aad", b"content", &[4; 16]).unwrap()[48..]);
        assert_eq!(open(&other, b"label", b"aad", &sealed), Err(CryptoError::DoesNotOpen));
        assert_eq!(open(&secret, b"Label", b"aad", &sealed), Err(CryptoError::DoesNotOpen));
        assert_eq!(open(&secret, b"label", b"Aad", &sealed), Err(CryptoError::DoesNotOpen));
        for position in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert!(open(&secret, b"label", b"aad", &flipped).is_err(), "byte {position}");
            assert!(open(&secret, b"label", b"aad", &sealed[..position]).is_err(), "cut at {position}");
        }
    }
}
