//! Section "Entries": length, content, zeros, up to a Padmé length of at least 256 bytes.

use crate::PeerError;

/// `u32(len(content)) || content || zeros`.
pub fn pad(content: &[u8]) -> Result<Vec<u8>, PeerError> {
    let length =
        u32::try_from(content.len()).map_err(|_| PeerError::Malformed("content that is too long"))?;
    let mut padded = length.to_be_bytes().to_vec();
    padded.extend_from_slice(content);
    padded.resize(padme(padded.len()), 0);
    Ok(padded)
}

/// The content, if the padding is exactly what [`pad`] makes.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PeerError> {
    const WRONG: PeerError = PeerError::Malformed("padding");
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(WRONG)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| WRONG)?;
    let (content, zeros) = rest.split_at_checked(length).ok_or(WRONG)?;
    let is_exact = padded.len() == padme(4 + length) && zeros.iter().all(|byte| *byte == 0);
    if is_exact { Ok(content) } else { Err(WRONG) }
}

fn padme(n: usize) -> usize {
    if n <= 256 {
        return 256;
    }
    let e = n.ilog2();
    let s = e.ilog2() + 1;
    let mask = (1 << (e - s)) - 1;
    (n + mask) & !mask
}
