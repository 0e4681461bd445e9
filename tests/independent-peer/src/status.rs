//! Section "Status registers": reading one.

use crate::{
    PeerError,
    certificate::verify_signature,
    chain::Chain,
    encoding::{Bytes32, Id, SignatureBytes, decode, take},
    expand::{expand, expand_key_and_nonce},
    labels,
};
use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use minicbor::{Decode, Encode, bytes::ByteArray};

const WHAT: &str = "status";
const VALUE_BYTES: usize = 256;
const HEADER_BYTES: usize = 25;

/// `status-body`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Body {
    /// The writer's leaf.
    #[n(0)]
    pub leaf: u32,
    /// Rises with every write.
    #[n(1)]
    pub version: u64,
    /// The last entry that the writer had verified.
    #[n(2)]
    pub chain: Chain,
    /// Received up to.
    #[n(3)]
    pub received: Option<u64>,
    /// Read up to.
    #[n(4)]
    pub read: Option<u64>,
    /// Types until.
    #[n(5)]
    pub types_until: Option<u64>,
    /// Is there until.
    #[n(6)]
    pub there_until: Option<u64>,
    /// Own mark, or random bytes.
    #[n(7)]
    pub own_mark: ByteArray<28>,
}

/// Where a value was found.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The epoch's status secret.
    pub secret: &'a [u8; 32],
    /// The room.
    pub room: &'a Id,
    /// The epoch.
    pub epoch: u64,
    /// The register.
    pub register: &'a Id,
}

/// Opens and verifies. `device_key` finds the key of a leaf. With the body goes the own mark (turn, seq), where there is one for this vault key.
pub fn open(
    place: Place<'_>,
    vault_key: &[u8; 32],
    device_key: impl FnOnce(u32) -> Option<Bytes32>,
    value: &[u8],
) -> Result<(Body, Option<(u32, u64)>), PeerError> {
    let Place { secret, room, epoch, register } = place;
    if value.len() != VALUE_BYTES {
        return Err(PeerError::Malformed(WHAT));
    }
    let (header, sealed) = value.split_at(HEADER_BYTES);
    let mut rest = header;
    let [version] = *take::<1>(&mut rest, WHAT)?;
    if version != 1 {
        return Err(PeerError::Version(version.into()));
    }
    if u64::from_be_bytes(*take::<8>(&mut rest, WHAT)?) != epoch {
        return Err(PeerError::NotOpened("status of another epoch"));
    }
    let salt = take::<16>(&mut rest, WHAT)?;
    let parts = [&room[..], &register[..], &salt[..]];
    let (key, nonce) = expand_key_and_nonce(secret, labels::STATUS_VALUE, &parts)?;
    let aad = [header, &register[..], &room[..]].concat();
    let plain = Aes256Gcm::new(&key.into())
        .decrypt(&nonce.into(), Payload { msg: sealed, aad: &aad })
        .map_err(|_| PeerError::NotOpened(WHAT))?;
    let mut rest = &plain[..];
    let length = usize::from(u16::from_be_bytes(*take::<2>(&mut rest, WHAT)?));
    let signature: SignatureBytes = (*take::<64>(&mut rest, WHAT)?).into();
    let (bytes, zeros) = rest.split_at_checked(length).ok_or(PeerError::Malformed(WHAT))?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(PeerError::Malformed(WHAT));
    }
    let body: Body = decode(bytes, WHAT)?;
    let signer = device_key(body.leaf).ok_or(PeerError::NotOpened("status of an unknown leaf"))?;
    let of_epoch = epoch.to_be_bytes();
    let mark: [u8; 32] = expand(secret, labels::EPOCH_MARK, &[&room[..], &of_epoch])?;
    let label = labels::STATUS_SIGNATURE.as_bytes();
    let statement = [label, &room[..], &of_epoch, &mark, &register[..], salt, bytes].concat();
    verify_signature(&signer, &statement, &signature, WHAT)?;
    let (key, nonce) = expand_key_and_nonce(vault_key, labels::READ_MARK, &parts)?;
    let opened = Aes256Gcm::new(&key.into()).decrypt(&nonce.into(), &body.own_mark[..]);
    let mark = opened.ok().map(|plain| read_mark(&plain)).transpose()?;
    Ok((body, mark))
}

fn read_mark(mut plain: &[u8]) -> Result<(u32, u64), PeerError> {
    let turn = u32::from_be_bytes(*take::<4>(&mut plain, "own mark")?);
    Ok((turn, u64::from_be_bytes(*take::<8>(&mut plain, "own mark")?)))
}
