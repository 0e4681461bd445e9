//! Randomness that is given: vectors say which bytes an implementation draws, one after the other.

use core::convert::Infallible;
use hpke::rand_core::{TryCryptoRng, TryRng};

/// Gives these bytes, once, and stops the test where more are asked for.
pub struct Replay(Vec<u8>);

impl Replay {
    /// The bytes, in the order in which they are drawn.
    pub fn new(parts: &[&[u8]]) -> Self {
        Self(parts.concat())
    }

    fn fill(&mut self, destination: &mut [u8]) {
        assert!(self.0.len() >= destination.len(), "more randomness is drawn than the vector gives");
        let rest = self.0.split_off(destination.len());
        destination.copy_from_slice(&self.0);
        self.0 = rest;
    }
}

impl TryRng for Replay {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        self.fill(destination);
        Ok(())
    }
}

impl TryCryptoRng for Replay {}

/// The same for the generation of traits that `opaque-ke` uses.
impl rand_core_06::RngCore for Replay {
    fn next_u32(&mut self) -> u32 {
        rand_core_06::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core_06::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, destination: &mut [u8]) {
        self.fill(destination);
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill(destination);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for Replay {}
