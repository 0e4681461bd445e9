//! The account id: the first 16 bytes of SHA-256 of the identity key.

use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// Names an identity. Public among those who share a room; the relay never sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct AccountId(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

impl AccountId {
    /// The id of an identity's public key.
    #[must_use]
    pub fn of(identity_public: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::digest(identity_public).into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }

    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Enough of it to tell two people of the same name apart: 8 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let [a, b, c, d, ..] = self.0;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "AccountId({a:02x}{b:02x}…)")
    }
}
