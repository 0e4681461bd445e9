//! Wedge and repair: voiding a handshake, and confirming a join.
//!
//! A rewind is an entry of the log that is signed and not sealed: the relay reads it as members do.

use crate::{DoorId, EntryId, FrameError, RoomId, decode_exact, encode, entry_hash};
use minicbor::{Decode, Encode};

/// By which key a rewind is signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RewindAuthority {
    /// The access key of the epoch that becomes current again.
    #[n(0)]
    Access,
    /// The room-admin key of an owner or admin in that epoch.
    #[n(1)]
    Admin(#[n(0)] minicbor::bytes::ByteArray<32>),
}

/// Voids everything from a handshake on. Its bytes are the entry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Rewind {
    /// The handshake's place in the log.
    #[n(0)]
    pub bad_seq: u64,
    /// The epoch that it left, and that is current again.
    #[n(1)]
    pub epoch: u64,
    /// SHA-256 of the handshake.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub bad_entry: [u8; 32],
    /// The access key of that epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    /// [`Published::hash`](crate::Published::hash) of what the relay is to keep for it.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub published_hash: [u8; 32],
    /// Who signs.
    #[n(5)]
    pub authority: RewindAuthority,
    /// The invite through which the voided join came, where nobody is to come in by it any more.
    #[n(6)]
    pub left_out: Option<DoorId>,
    /// Over [`Rewind::statement`].
    #[cbor(n(7), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl Rewind {
    /// The bytes that are appended.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`FrameError`] where these bytes are no rewind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        decode_exact(bytes)
    }

    /// What is signed.
    #[must_use]
    pub fn statement(&self, room: &RoomId) -> Vec<u8> {
        let authority = match &self.authority {
            RewindAuthority::Access => vec![0],
            RewindAuthority::Admin(key) => [&[1][..], &**key].concat(),
        };
        let left_out = self.left_out.map_or_else(|| vec![0], |door| [&[1][..], door.as_bytes()].concat());
        [
            b"sotto/1 rewind",
            room.as_bytes().as_slice(),
            &self.bad_seq.to_be_bytes(),
            &self.epoch.to_be_bytes(),
            &self.bad_entry,
            &self.access_key,
            &self.published_hash,
            &authority,
            &left_out,
        ]
        .concat()
    }

    /// The key that signs.
    #[must_use]
    pub fn signer(&self) -> &[u8; 32] {
        match &self.authority {
            RewindAuthority::Access => &self.access_key,
            RewindAuthority::Admin(key) => key,
        }
    }

    /// By which the relay recognises an entry that is sent twice: the beginning of its hash, for it has no id of its own.
    #[must_use]
    pub fn entry_id(entry: &[u8]) -> EntryId {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = entry_hash(entry);
        EntryId::new([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

/// What the access key of the epoch before signs to confirm a join.
#[must_use]
pub fn confirm_statement(room: &RoomId, seq: u64, entry_hash: &[u8; 32]) -> Vec<u8> {
    [b"sotto/1 confirm", room.as_bytes().as_slice(), &seq.to_be_bytes(), entry_hash].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewind_is_read_as_members_write_it() {
        for (golden, is_admins) in [
            (include_str!("../../crypto/tests/goldens/rewind-by-access-key.v1.hex"), false),
            (include_str!("../../crypto/tests/goldens/rewind-by-admin.v1.hex"), true),
        ] {
            let digits: Vec<u8> = golden.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let bytes: Vec<u8> = digits
                .chunks(2)
                .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
            let rewind = Rewind::from_bytes(&bytes).unwrap();
            assert_eq!(matches!(rewind.authority, RewindAuthority::Admin(_)), is_admins);
            assert_eq!(rewind.to_bytes(), bytes);
        }
    }
}
