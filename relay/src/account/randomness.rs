//! Random bytes. What asks for a generator and cannot be told that there is none gets one that was seeded before.

use hmac::{Hmac, KeyInit as _, Mac as _};
use opaque_ke::rand::{CryptoRng, Error, RngCore};
use sha2::Sha256;
use sotto_protocol::account::AccountErrorCode;
use zeroize::Zeroizing;

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], AccountErrorCode> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        AccountErrorCode::Internal
    })?;
    Ok(bytes)
}

/// HMAC-SHA-256 over the parts, which are of fixed length or the last.
pub(crate) fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A stream of `HMAC(seed, label || block)`. A seed serves one operation.
pub(crate) struct Seeded {
    seed: Zeroizing<[u8; 32]>,
    block: u32,
}

impl Seeded {
    /// From a fresh seed.
    pub(crate) fn fresh() -> Result<Self, AccountErrorCode> {
        Ok(Self { seed: Zeroizing::new(random()?), block: 0 })
    }
}

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        for chunk in destination.chunks_mut(32) {
            let block = keyed_hash(&self.seed, &[b"sotto relay randomness", &self.block.to_be_bytes()]);
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            self.block = self.block.wrapping_add(1);
        }
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(destination);
        Ok(())
    }
}

impl CryptoRng for Seeded {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream_that_does_not_repeat() {
        let stream = |seed| {
            let mut bytes = [0; 100];
            Seeded { seed: Zeroizing::new([seed; 32]), block: 0 }.fill_bytes(&mut bytes);
            bytes
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
        assert_ne!(stream(1)[..32], stream(1)[32..64]);
    }
}
