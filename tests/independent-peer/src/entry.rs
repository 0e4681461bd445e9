//! Section "Entries".

use crate::{
    PeerError,
    encoding::{Id, random, take},
    expand::expand_key_and_nonce,
    labels,
    padding::{pad, unpad},
};
use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};

const VERSION: u8 = 1;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A member's commit.
    Handshake = 1,
    /// Anything said.
    Message = 2,
    /// A newcomer's commit.
    Join = 4,
}

/// `header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The epoch whose secret seals it.
    pub epoch: u64,
    /// Entry id, the salt.
    pub id: [u8; 16],
}

impl Header {
    /// A header with a fresh entry id.
    pub fn fresh(epoch: u64) -> Result<Self, PeerError> {
        Ok(Self { epoch, id: random()? })
    }

    /// Reads the header of an entry, and gives the rest.
    pub fn read(entry: &[u8]) -> Result<(Self, &[u8]), PeerError> {
        const WHAT: &str = "entry";
        let mut rest = entry;
        let [version] = *take::<1>(&mut rest, WHAT)?;
        if version != VERSION {
            return Err(PeerError::Version(version.into()));
        }
        let epoch = u64::from_be_bytes(*take::<8>(&mut rest, WHAT)?);
        Ok((Self { epoch, id: *take::<16>(&mut rest, WHAT)? }, rest))
    }

    fn to_bytes(self) -> Vec<u8> {
        [&[VERSION][..], &self.epoch.to_be_bytes(), &self.id].concat()
    }
}

/// Seals content.
pub fn seal(
    secret: &[u8; 32],
    kind: Kind,
    room: &Id,
    header: Header,
    content: &[u8],
) -> Result<Vec<u8>, PeerError> {
    let (key, nonce) = key_and_nonce(secret, kind, room, &header)?;
    let aad = additional_data(kind, room, &header);
    let payload = Payload { msg: &pad(content)?, aad: &aad };
    let sealed = Aes256Gcm::new(&key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| PeerError::Malformed("content that is too long"))?;
    Ok([header.to_bytes(), sealed].concat())
}

/// Opens an entry that must be of this epoch.
pub fn open(
    secret: &[u8; 32],
    kind: Kind,
    room: &Id,
    epoch: u64,
    entry: &[u8],
) -> Result<(Header, Vec<u8>), PeerError> {
    const WHAT: &str = "entry";
    let (header, sealed) = Header::read(entry)?;
    if header.epoch != epoch {
        return Err(PeerError::NotOpened("entry of another epoch"));
    }
    let (key, nonce) = key_and_nonce(secret, kind, room, &header)?;
    let aad = additional_data(kind, room, &header);
    let payload = Payload { msg: sealed, aad: &aad };
    let padded = Aes256Gcm::new(&key.into())
        .decrypt(&nonce.into(), payload)
        .map_err(|_| PeerError::NotOpened(WHAT))?;
    Ok((header, unpad(&padded)?.to_vec()))
}

fn key_and_nonce(
    secret: &[u8; 32],
    kind: Kind,
    room: &Id,
    header: &Header,
) -> Result<([u8; 32], [u8; 12]), PeerError> {
    expand_key_and_nonce(secret, labels::ENTRY_KEY, &[&[kind as u8], &room[..], &header.id])
}

fn additional_data(kind: Kind, room: &Id, header: &Header) -> Vec<u8> {
    [&header.to_bytes()[..], &[kind as u8], &room[..]].concat()
}
