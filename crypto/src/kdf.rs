//! HKDF-Expand (RFC 5869) with SHA-256, from secrets that are uniformly random already.
//!
//! `info = len(label) (1) || label || for each part: len (2, big-endian) || part`: no two inputs share an `info`.

use crate::{CryptoError, Secret};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Fills `N` bytes from `secret` for the purpose named by `label` and `parts`.
pub fn expand<const N: usize>(
    secret: &Secret,
    label: &[u8],
    parts: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>, CryptoError> {
    let mut info = Vec::with_capacity(128);
    info.push(u8::try_from(label.len()).map_err(|_| CryptoError::Malformed("label"))?);
    info.extend_from_slice(label);
    for part in parts {
        let length = u16::try_from(part.len()).map_err(|_| CryptoError::Malformed("context"))?;
        info.extend_from_slice(&length.to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut okm = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::from_prk(secret.expose())
        .map_err(|_| CryptoError::Malformed("secret"))?
        .expand(&info, okm.as_mut_slice())
        .map_err(|_| CryptoError::Malformed("length"))?;
    Ok(okm)
}

/// A secret for another purpose.
pub fn derive(secret: &Secret, label: &[u8], parts: &[&[u8]]) -> Result<Secret, CryptoError> {
    expand::<32>(secret, label, parts).map(|okm| Secret::new(*okm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_and_parts_do_not_run_together() {
        let secret = Secret::new([1; 32]);
        let cases: [(&[u8], &[&[u8]]); 4] =
            [(b"ab", &[b"c"]), (b"a", &[b"bc"]), (b"ab", &[b"c", b""]), (b"abc", &[])];
        for (index, (label, parts)) in cases.iter().enumerate() {
            for (other_label, other_parts) in &cases[..index] {
                assert_ne!(derive(&secret, label, parts), derive(&secret, other_label, other_parts));
            }
        }
    }
}
