//! Sealing with a key commitment, for what is opened under a key that came out of a wrap: cards, capsules, history; and for
//! all that belongs to an account.
//!
//! ```text
//! sealed          = version (1) || salt (16) || commitment (32) || AES-256-GCM(pad(content))
//! key, nonce (44) = Expand(key, label, "key and nonce", salt)
//! commitment (32) = Expand(key, label, "commitment", salt)
//! ```
//! AES-GCM alone commits to no key: one ciphertext can be made to open under two. The commitment makes sure that it opens under
//! one only. The salt is random: the same content sealed again never meets the same nonce.

use crate::{CryptoError, Secret, entry::split_key_and_nonce, kdf, padding, random_array};
use aes_gcm::aead::{Aead, Payload};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// Seals `content`; `label` tells apart what is sealed, `context` where it belongs.
pub fn seal(key: &Secret, label: &[u8], context: &[u8], content: &[u8]) -> Result<Vec<u8>, CryptoError> {
    seal_with_salt(key, label, context, content, &random_array()?)
}

/// Opens what [`seal`] made with the same key, label and context.
pub fn open(
    key: &Secret,
    label: &[u8],
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let malformed = || CryptoError::Malformed("sealed value");
    let (version, rest) = sealed.split_first().ok_or_else(malformed)?;
    if *version != VERSION {
        return Err(CryptoError::NewerVersion);
    }
    let (salt, rest) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
    let (commitment, sealed) = rest.split_first_chunk::<32>().ok_or_else(malformed)?;
    let (okm, expected) = derive_keys(key, label, salt)?;
    if !bool::from(expected.as_slice().ct_eq(commitment)) {
        return Err(CryptoError::DoesNotOpen);
    }
    let (cipher, nonce) = split_key_and_nonce(&okm)?;
    let payload = Payload { msg: sealed, aad: context };
    let padded = Zeroizing::new(cipher.decrypt(&nonce, payload).map_err(|_| CryptoError::DoesNotOpen)?);
    padding::unpad(&padded).map(|content| Zeroizing::new(content.to_vec()))
}

/// As [`seal`], with a salt that is used once: for bytes that tests fix.
pub fn seal_with_salt(
    key: &Secret,
    label: &[u8],
    context: &[u8],
    content: &[u8],
    salt: &[u8; 16],
) -> Result<Vec<u8>, CryptoError> {
    let padded = padding::pad(content)?;
    let (okm, commitment) = derive_keys(key, label, salt)?;
    let (cipher, nonce) = split_key_and_nonce(&okm)?;
    let sealed = cipher
        .encrypt(&nonce, Payload { msg: &padded, aad: context })
        .map_err(|_| CryptoError::Malformed("content"))?;
    Ok([[VERSION].as_slice(), salt, commitment.as_slice(), &sealed].concat())
}

type KeyAndNonce = Zeroizing<[u8; 44]>;
type Commitment = Zeroizing<[u8; 32]>;

fn derive_keys(
    key: &Secret,
    label: &[u8],
    salt: &[u8; 16],
) -> Result<(KeyAndNonce, Commitment), CryptoError> {
    Ok((
        kdf::expand::<44>(key, label, &[b"key and nonce", salt])?,
        kdf::expand::<32>(key, label, &[b"commitment", salt])?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_under_its_key_label_and_context_alone() {
        let secret = |byte| Secret::new([byte; 32]);
        let sealed = seal(&secret(9), b"label", b"context", b"content").unwrap();
        assert_eq!(open(&secret(9), b"label", b"context", &sealed).unwrap().as_slice(), b"content");
        assert!(open(&secret(8), b"label", b"context", &sealed).is_err());
        assert!(open(&secret(9), b"Label", b"context", &sealed).is_err());
        assert!(open(&secret(9), b"label", b"Context", &sealed).is_err());
        assert_ne!(sealed, seal(&secret(9), b"label", b"context", b"content").unwrap());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let key = Secret::new([9; 32]);
        let sealed = seal(&key, b"label", b"context", b"content").unwrap();
        for position in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert!(open(&key, b"label", b"context", &flipped).is_err(), "byte {position}");
            assert!(open(&key, b"label", b"context", &sealed[..position]).is_err(), "cut at {position}");
        }
    }
}
