//! Section "Labels": HKDF-Expand with SHA-256 and labelled parts.

use crate::PeerError;
use hkdf::Hkdf;
use sha2::Sha256;

/// `N` bytes from a secret: `info = u8(len(label)) || label || for each part: u16(len(part)) || part`.
pub fn expand<const N: usize>(secret: &[u8; 32], label: &str, parts: &[&[u8]]) -> Result<[u8; N], PeerError> {
    const TOO_LONG: PeerError = PeerError::Malformed("a label or part that is too long");
    let mut info = vec![u8::try_from(label.len()).map_err(|_| TOO_LONG)?];
    info.extend_from_slice(label.as_bytes());
    for part in parts {
        info.extend_from_slice(&u16::try_from(part.len()).map_err(|_| TOO_LONG)?.to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut out = [0; N];
    let hkdf = Hkdf::<Sha256>::from_prk(secret).map_err(|_| TOO_LONG)?;
    hkdf.expand(&info, &mut out).map_err(|_| TOO_LONG)?;
    Ok(out)
}

/// 44 bytes as AES-256-GCM key and nonce.
pub fn expand_key_and_nonce(
    secret: &[u8; 32],
    label: &str,
    parts: &[&[u8]],
) -> Result<([u8; 32], [u8; 12]), PeerError> {
    let bytes: [u8; 44] = expand(secret, label, parts)?;
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    let (first, second) = bytes.split_at(32);
    key.copy_from_slice(first);
    nonce.copy_from_slice(second);
    Ok((key, nonce))
}
