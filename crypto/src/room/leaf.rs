//! What a leaf says about itself besides its certificate: through which invite it came in.

use super::InviteId;
use crate::CryptoError;
use minicbor::{Decode, Encode};
use openmls::prelude::{Extension, Extensions, LeafNode, UnknownExtension};

/// Type of the leaf extension (RFC 9420, section 17.3: private use).
pub const LEAF_EXTENSION: u16 = 0xF502;

/// The leaf extension. Account doors come in here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct LeafData {
    /// The invite through which the device came in; `None` for whoever made the room. Never changes.
    #[n(0)]
    pub via: Option<InviteId>,
}

impl LeafData {
    /// As a leaf extension.
    pub fn to_extensions(&self) -> Result<Extensions<LeafNode>, CryptoError> {
        let extension = Extension::Unknown(LEAF_EXTENSION, UnknownExtension(sotto_protocol::encode(self)));
        Extensions::single(extension).map_err(|_| CryptoError::Mls("leaf extension"))
    }

    /// From a leaf's extensions, which must hold this one and no other.
    pub fn of(leaf: &LeafNode) -> Result<Self, CryptoError> {
        let malformed = || CryptoError::Malformed("leaf extension");
        let mut extensions = leaf.extensions().iter();
        match (extensions.next(), extensions.next()) {
            (Some(Extension::Unknown(LEAF_EXTENSION, UnknownExtension(bytes))), None) => {
                let data: Self = sotto_protocol::decode(bytes).map_err(|_| malformed())?;
                // Nothing may hide in it.
                if sotto_protocol::encode(&data) == *bytes { Ok(data) } else { Err(malformed()) }
            }
            _ => Err(malformed()),
        }
    }
}
