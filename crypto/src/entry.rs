//! The sealing of log entries (`docs/PROTOCOL.md`, "Entries").
//!
//! Key and nonce come from the epoch's secret and the entry's random salt by HKDF-Expand, so that no state that is rolled
//! back, no second tab and no second process can use a nonce twice. The additional data binds room, kind and header.

use crate::{CryptoError, Secret, kdf, labels, padding};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use sotto_protocol::{EntryHeader, EntryHeaderError, EntryId, EntryKind, RoomId};
use zeroize::Zeroizing;

/// Seals `content` as the entry `id`.
pub fn seal(
    secret: &Secret,
    room: &RoomId,
    kind: EntryKind,
    epoch: u64,
    id: EntryId,
    content: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let header = EntryHeader { epoch, id }.to_bytes();
    let padded = padding::pad(content)?;
    let (cipher, nonce) = cipher(secret, room, kind, &id)?;
    let sealed = cipher
        .encrypt(&nonce, Payload { msg: &padded, aad: &additional_data(room, kind, &header) })
        .map_err(|_| CryptoError::Malformed("content"))?;
    let mut entry = Vec::with_capacity(header.len() + sealed.len());
    entry.extend_from_slice(&header);
    entry.extend_from_slice(&sealed);
    Ok(entry)
}

/// Opens an entry of `epoch`, and gives its header back.
pub fn open(
    secret: &Secret,
    room: &RoomId,
    kind: EntryKind,
    epoch: u64,
    entry: &[u8],
) -> Result<(EntryHeader, Zeroizing<Vec<u8>>), CryptoError> {
    let (header, sealed) = split(entry)?;
    if header.epoch != epoch {
        return Err(CryptoError::WrongEpoch { expected: epoch, found: header.epoch });
    }
    let (cipher, nonce) = cipher(secret, room, kind, &header.id)?;
    let aad = additional_data(room, kind, &header.to_bytes());
    let padded = cipher
        .decrypt(&nonce, Payload { msg: sealed, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| CryptoError::DoesNotOpen)?;
    let content = Zeroizing::new(padding::unpad(&padded)?.to_vec());
    Ok((header, content))
}

/// Header and ciphertext, with this crate's errors.
pub fn split(entry: &[u8]) -> Result<(EntryHeader, &[u8]), CryptoError> {
    EntryHeader::split(entry).map_err(|error| match error {
        EntryHeaderError::Truncated => CryptoError::Malformed("entry"),
        EntryHeaderError::UnknownVersion(_) => CryptoError::NewerVersion,
    })
}

pub type Nonce = aes_gcm::Nonce<aes_gcm::aead::consts::U12>;

fn cipher(
    secret: &Secret,
    room: &RoomId,
    kind: EntryKind,
    id: &EntryId,
) -> Result<(Aes256Gcm, Nonce), CryptoError> {
    let okm =
        kdf::expand::<44>(secret, labels::expand::ENTRY, &[&[kind.code()], room.as_bytes(), id.as_bytes()])?;
    split_key_and_nonce(&okm)
}

/// The first 32 bytes are the key, the last 12 the nonce.
pub fn split_key_and_nonce(okm: &[u8; 44]) -> Result<(Aes256Gcm, Nonce), CryptoError> {
    let (key, nonce) = okm.split_first_chunk::<32>().ok_or(CryptoError::Malformed("key"))?;
    let nonce = Nonce::try_from(nonce).map_err(|_| CryptoError::Malformed("nonce"))?;
    Ok((Aes256Gcm::new(key.into()), nonce))
}

fn additional_data(room: &RoomId, kind: EntryKind, header: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(header.len() + 17);
    aad.extend_from_slice(header);
    aad.push(kind.code());
    aad.extend_from_slice(room.as_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::new([1; 16]);
    const ID: EntryId = EntryId::new([2; 16]);

    #[test]
    fn an_entry_opens_only_as_what_it_was_sealed() {
        let secret = Secret::new([3; 32]);
        let entry = seal(&secret, &ROOM, EntryKind::Message, 5, ID, b"hello").unwrap();
        let (header, content) = open(&secret, &ROOM, EntryKind::Message, 5, &entry).unwrap();
        assert_eq!((header.id, content.as_slice()), (ID, &b"hello"[..]));

        let other_room = RoomId::new([9; 16]);
        assert_eq!(
            open(&Secret::new([4; 32]), &ROOM, EntryKind::Message, 5, &entry),
            Err(CryptoError::DoesNotOpen)
        );
        assert_eq!(open(&secret, &other_room, EntryKind::Message, 5, &entry), Err(CryptoError::DoesNotOpen));
        assert_eq!(open(&secret, &ROOM, EntryKind::Handshake, 5, &entry), Err(CryptoError::DoesNotOpen));
        assert_eq!(
            open(&secret, &ROOM, EntryKind::Message, 6, &entry),
            Err(CryptoError::WrongEpoch { expected: 6, found: 5 })
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let secret = Secret::new([3; 32]);
        let entry = seal(&secret, &ROOM, EntryKind::Message, 5, ID, b"hello").unwrap();
        for position in 0..entry.len() {
            let mut flipped = entry.clone();
            flipped[position] ^= 1;
            assert!(open(&secret, &ROOM, EntryKind::Message, 5, &flipped).is_err(), "byte {position}");
        }
    }
}
