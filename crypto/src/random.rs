//! Randomness, from the operating system (in the browser: `crypto.getRandomValues`) and from nowhere else.

use crate::CryptoError;

/// Fresh random bytes.
///
/// # Errors
/// [`CryptoError::NoRandomness`] where the system gives none.
pub fn random_array<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| CryptoError::NoRandomness)?;
    Ok(bytes)
}

/// A fresh random number, for jitter and the like.
///
/// # Errors
/// [`CryptoError::NoRandomness`] where the system gives none.
pub fn random_u64() -> Result<u64, CryptoError> {
    random_array().map(u64::from_le_bytes)
}
