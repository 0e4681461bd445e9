//! Identifiers: 16 random bytes each, a type of its own for each.
//!
//! `Debug` prints only the first two bytes: enough to tell two apart in a test, too little to link log lines to rooms.

use core::fmt;
use minicbor::{Decode, Encode};

/// An identifier of the wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier has 16 bytes")
    }
}

impl core::error::Error for IdError {}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = 16;

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
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                <[u8; 16]>::try_from(bytes).map(Self).map_err(|_| IdError)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}…)"), a, b)
            }
        }
    };
}

identifier!(
    /// A room; also the MLS group id inside it.
    RoomId
);
identifier!(
    /// A log entry: chosen by its writer before sending, so that sending twice is recognised. Also the entry's salt.
    EntryId
);
identifier!(
    /// A way into a room. Unguessable; whoever knows it may fetch the card behind it, still sealed.
    DoorId
);
identifier!(
    /// A blob: made by its uploader. Whoever knows it may fetch the blob, still sealed.
    BlobId
);
identifier!(
    /// One life of a relay's database: changes when it is restored from a backup.
    Incarnation
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_whole_identifier() {
        let shown = format!("{:?}", RoomId::new([0xab; 16]));
        assert_eq!(shown, "RoomId(abab…)");
    }

    #[test]
    fn a_wrong_length_is_refused() {
        assert_eq!(RoomId::try_from(&[0_u8; 15][..]), Err(IdError));
    }
}
