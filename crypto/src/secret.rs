//! A 32-byte secret: wiped when dropped, compared in constant time, never shown.

use crate::CryptoError;
use core::fmt;
use minicbor::{Decode, Encode};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Encode, Decode)]
#[cbor(transparent)]
pub struct Secret(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl Secret {
    /// Takes the bytes as they are. The caller wipes its own copy.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 32 fresh random bytes.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn random() -> Result<Self, CryptoError> {
        crate::random_array().map(Self)
    }

    /// Takes the bytes of a slice.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it has not 32 of them.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        <[u8; 32]>::try_from(bytes).map(Self).map_err(|_| CryptoError::Malformed("secret"))
    }

    /// The bytes. Not to be kept.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A type for one kind of secret, so that none can be taken for another.
macro_rules! secret_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub(crate) $crate::Secret);

        impl $name {
            /// The one of those 32 bytes.
            #[must_use]
            pub const fn from_seed(seed: $crate::Secret) -> Self {
                Self(seed)
            }

            /// Its bytes, to be stored sealed.
            #[must_use]
            pub const fn seed(&self) -> &$crate::Secret {
                &self.0
            }
        }

        // What it holds wipes itself.
        impl zeroize::ZeroizeOnDrop for $name {}

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}
pub(crate) use secret_type;

/// For secrets that are made, not derived.
macro_rules! generated_secret {
    ($name:ident) => {
        impl $name {
            /// A fresh one.
            ///
            /// # Errors
            /// [`CryptoError::NoRandomness`](crate::CryptoError).
            pub fn generate() -> Result<Self, $crate::CryptoError> {
                $crate::Secret::random().map(Self)
            }
        }
    };
}
pub(crate) use generated_secret;

/// CBOR byte strings that are wiped when dropped.
pub(crate) mod bytes {
    use minicbor::{
        Decoder, Encoder,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };
    use zeroize::Zeroizing;

    pub fn encode<C, W: Write>(
        bytes: &Zeroizing<Vec<u8>>,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(bytes)?.ok()
    }

    pub fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
        decoder.bytes().map(|bytes| Zeroizing::new(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new([0x41; 32])), "Secret(…)");
    }

    #[test]
    fn comparison_sees_every_byte() {
        let mut other = [7; 32];
        assert_eq!(Secret::new([7; 32]), Secret::new(other));
        other[31] = 8;
        assert_ne!(Secret::new([7; 32]), Secret::new(other));
    }
}
