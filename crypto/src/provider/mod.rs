//! The `openmls` provider: primitives from the RustCrypto and dalek crates, randomness from the system, state in memory.
//!
//! Two suites: X25519 + ML-KEM-768 with AES-256-GCM, SHA-384 and Ed25519 (0x004E), and X25519 with AES-128-GCM, SHA-256 and
//! Ed25519 (0x0001). Everything else is refused.

mod primitives;
mod state;

use crate::CryptoError;
use openmls_traits::{OpenMlsProvider, random::OpenMlsRand};
pub use primitives::Primitives;
pub use state::GroupState;

/// Primitives, randomness and one group's state.
#[derive(Default)]
pub struct Provider {
    primitives: Primitives,
    state: GroupState,
}

impl Provider {
    /// A provider over a stored state.
    pub fn with_state(state: GroupState) -> Self {
        Self { primitives: Primitives, state }
    }

    /// The group's state.
    pub const fn state(&self) -> &GroupState {
        &self.state
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = Primitives;
    type RandProvider = Primitives;
    type StorageProvider = GroupState;

    fn storage(&self) -> &GroupState {
        &self.state
    }

    fn crypto(&self) -> &Primitives {
        &self.primitives
    }

    fn rand(&self) -> &Primitives {
        &self.primitives
    }
}

impl OpenMlsRand for Primitives {
    type Error = CryptoError;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], CryptoError> {
        crate::random_array()
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, CryptoError> {
        let mut bytes = vec![0; len];
        getrandom::fill(&mut bytes).map_err(|_| CryptoError::NoRandomness)?;
        Ok(bytes)
    }
}
pub use primitives::{CLASSICAL, HYBRID};
