//! Ed25519 keys, a type for each purpose. They are verified in one place: [`sotto_protocol::signature`].

use crate::{CryptoError, Secret};
use core::fmt;
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::signature::{self, SignatureError};

macro_rules! signing_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SigningKey);

        impl $name {
            /// The key that belongs to a seed.
            #[must_use]
            pub fn from_seed(seed: &Secret) -> Self {
                Self(SigningKey::from_bytes(seed.expose()))
            }

            /// The public key: 32 bytes.
            #[must_use]
            pub fn public(&self) -> [u8; 32] {
                self.0.verifying_key().to_bytes()
            }

            /// Signs a statement that begins with a label of its own.
            #[must_use]
            pub fn sign(&self, statement: &[u8]) -> [u8; 64] {
                self.0.sign(statement).to_bytes()
            }
        }

        // What it holds wipes itself.
        impl zeroize::ZeroizeOnDrop for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

/// For keys that are made, not derived: a fresh one, and its seed for storing it.
macro_rules! generated_key {
    ($name:ident) => {
        impl $name {
            /// A fresh key.
            ///
            /// # Errors
            /// [`CryptoError::NoRandomness`].
            pub fn generate() -> Result<Self, CryptoError> {
                Secret::random().map(|seed| Self::from_seed(&seed))
            }

            /// The seed, to be stored sealed.
            #[must_use]
            pub fn seed(&self) -> Secret {
                Secret::new(self.0.to_bytes())
            }
        }
    };
}

signing_key!(
    /// A person's identity: signs the certificates of their devices.
    IdentityKey
);
generated_key!(IdentityKey);
signing_key!(
    /// A device: signs its MLS leaf, its commits and its messages.
    DeviceKey
);
generated_key!(DeviceKey);
signing_key!(
    /// What an invite link lets its holder sign: a place in the room.
    InviteKey
);
signing_key!(
    /// What members of an epoch open the room with, at the relay.
    AccessKey
);
signing_key!(
    /// What the holder of an account's door looks behind it with, at the relay.
    AccountDoorKey
);
signing_key!(
    /// What permits one handshake through a door, at the relay.
    JoinKey
);
signing_key!(
    /// What an account with a role rewinds and deletes a room with, at the relay.
    AdminKey
);

signing_key!(
    /// What a recovery code lets its holder log in with, at the relay.
    RecoveryLoginKey
);

/// Checks a signature ([`sotto_protocol::signature`]).
pub fn verify(public: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
    signature::verify(public, statement, signature).map_err(|error| match error {
        SignatureError::Key => CryptoError::BadKey,
        SignatureError::Signature => CryptoError::BadSignature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let key = DeviceKey::from_seed(&Secret::new([1; 32]));
        assert_eq!(format!("{key:?}"), "DeviceKey(…)");
    }

    #[test]
    fn a_signature_is_bound_to_key_and_statement() {
        let (key, other) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let signature = key.sign(b"statement");
        assert_eq!(verify(&key.public(), b"statement", &signature), Ok(()));
        assert_eq!(verify(&key.public(), b"Statement", &signature), Err(CryptoError::BadSignature));
        assert_eq!(verify(&other.public(), b"statement", &signature), Err(CryptoError::BadSignature));
    }

    #[test]
    fn a_key_of_small_order_is_refused() {
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert!(verify(&identity_point, b"anything", &[0; 64]).is_err());
    }
}
