//! Randomness expanded from one fresh seed, for libraries that ask for a generator and cannot be told that there is none.
//!
//! The seed is drawn first, and drawing it can fail; from then on nothing can. Tests fix the seed and get the same bytes.
//! A seed serves one operation and is never used again.

use crate::{Secret, kdf, labels};
use core::convert::Infallible;
use hpke::rand_core::{TryCryptoRng, TryRng};
use opaque_ke::rand::{CryptoRng, Error, RngCore};

/// A stream of `Expand(seed, label, u32(block))`, 64 bytes a block.
pub struct SeededRandomness {
    seed: Secret,
    block: u32,
}

impl SeededRandomness {
    /// The stream of a seed.
    pub const fn new(seed: Secret) -> Self {
        Self { seed, block: 0 }
    }

    fn fill(&mut self, destination: &mut [u8]) {
        for chunk in destination.chunks_mut(64) {
            // 64 bytes and a 4-byte context are always within HKDF's limits.
            if let Ok(okm) =
                kdf::expand::<64>(&self.seed, labels::expand::SEEDED, &[&self.block.to_be_bytes()])
            {
                chunk.iter_mut().zip(okm.iter()).for_each(|(to, from)| *to = *from);
            }
            self.block = self.block.wrapping_add(1);
        }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// As HPKE wants it.
impl TryRng for SeededRandomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        self.fill(destination);
        Ok(())
    }
}

impl TryCryptoRng for SeededRandomness {}

/// As OPAQUE wants it.
impl RngCore for SeededRandomness {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        self.fill(destination);
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Error> {
        self.fill(destination);
        Ok(())
    }
}

impl CryptoRng for SeededRandomness {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream_that_does_not_repeat() {
        let stream = |seed| SeededRandomness::new(Secret::new([seed; 32])).take::<200>();
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
        let bytes = stream(1);
        assert_ne!(bytes[..64], bytes[64..128]);
        assert!(bytes[128..].iter().any(|byte| *byte != 0));
    }
}
