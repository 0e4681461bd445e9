//! The one way in which an Ed25519 signature is verified, by relay and clients alike.
//!
//! Verifiers in the field differ at the edges (cofactor, encodings, small order). Two clients that differ may split over one
//! commit. So there is one function, and `docs/PROTOCOL.md`, "Signatures", states it.

use core::fmt;
use ed25519_dalek::{Signature, VerifyingKey};

/// Why a signature is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// The public key is not the canonical encoding of a point, or of small order.
    Key,
    /// The signature is not this key's over these bytes.
    Signature,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the public key is not valid",
            Self::Signature => "the signature is not valid",
        })
    }
}

impl core::error::Error for SignatureError {}

/// Verifies a signature: public key A and the signature's R in their canonical encodings and not of small order, S below
/// the group's order, and the equation without cofactor, `[S]B = R + [k]A`, compared as encodings.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(public: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
    // R needs no further check: it is compared with an encoding that is computed, and that one is canonical.
    key(public)?
        .verify_strict(statement, &Signature::from_bytes(signature))
        .map_err(|_| SignatureError::Signature)
}

fn key(public: &[u8; 32]) -> Result<VerifyingKey, SignatureError> {
    let key = VerifyingKey::from_bytes(public).map_err(|_| SignatureError::Key)?;
    let is_canonical = key.to_edwards().compress().as_bytes() == public;
    if is_canonical && !key.is_weak() { Ok(key) } else { Err(SignatureError::Key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    #[test]
    fn a_signature_is_of_one_key_and_one_statement() {
        let [ada, bob] = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
        let public = ada.verifying_key().to_bytes();
        let signature = ada.sign(b"statement").to_bytes();
        assert_eq!(verify(&public, b"statement", &signature), Ok(()));
        assert_eq!(verify(&public, b"another", &signature), Err(SignatureError::Signature));
        assert_eq!(
            verify(&bob.verifying_key().to_bytes(), b"statement", &signature),
            Err(SignatureError::Signature)
        );
    }

    /// The encodings of y = p and y = p + 3, and of the neutral point: other readers take some of them for keys.
    #[test]
    fn a_key_has_one_encoding_and_no_small_order() {
        for first in [0xed, 0xf0] {
            let mut above = [0xff; 32];
            (above[0], above[31]) = (first, 0x7f);
            assert!(VerifyingKey::from_bytes(&above).is_ok(), "is a point");
            assert_eq!(verify(&above, b"", &[0; 64]), Err(SignatureError::Key));
        }
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(verify(&neutral, b"", &[0; 64]), Err(SignatureError::Key));
    }
}
