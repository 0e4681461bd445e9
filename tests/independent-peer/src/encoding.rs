//! Section "Encodings": CBOR, one value and nothing after it; and a few shorthands.

use crate::PeerError;
use minicbor::{Decode, Encode, bytes::ByteArray, decode::Decoder};

/// `id` and `account-id`.
pub type Id = ByteArray<16>;
/// `key`, and any other 32 bytes.
pub type Bytes32 = ByteArray<32>;
/// `signature`.
pub type SignatureBytes = ByteArray<64>;

/// One CBOR value.
pub fn encode<T: Encode<()>>(value: &T) -> Result<Vec<u8>, PeerError> {
    minicbor::to_vec(value).map_err(|_| PeerError::Malformed("value that cannot be written"))
}

/// One CBOR value with nothing after it. `what` names it in the error.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], what: &'static str) -> Result<T, PeerError> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| PeerError::Malformed(what))?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(PeerError::Malformed(what)) }
}

/// The same, in exactly the bytes that [`encode`] writes.
pub fn decode_exact<T: Encode<()> + for<'b> Decode<'b, ()>>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, PeerError> {
    let value = decode(bytes, what)?;
    if encode(&value)? == bytes { Ok(value) } else { Err(PeerError::Malformed(what)) }
}

/// Takes `N` bytes from the front.
pub fn take<'b, const N: usize>(bytes: &mut &'b [u8], what: &'static str) -> Result<&'b [u8; N], PeerError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(PeerError::Malformed(what))?;
    *bytes = rest;
    Ok(head)
}

/// Fresh random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], PeerError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PeerError::NoRandomness)?;
    Ok(bytes)
}
