//! Section "The log": the hash chain.

use crate::{
    encoding::{Bytes32, Id},
    labels,
};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// `chain`: a place in the log, and the hash of everything up to it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Chain {
    /// Seq of the last entry, 0 before the first.
    #[n(0)]
    pub seq: u64,
    /// `H_seq`.
    #[n(1)]
    pub hash: Bytes32,
}

impl Chain {
    /// `H_0`.
    pub fn start(room: &Id) -> Self {
        let hash: [u8; 32] =
            Sha256::new().chain_update(labels::LOG).chain_update(&room[..]).finalize().into();
        Self { seq: 0, hash: hash.into() }
    }

    /// `H_n` after one more entry. `kind`: 1 handshake, 2 message.
    pub fn then(&self, kind: u8, entry: &[u8]) -> Self {
        let seq = self.seq.saturating_add(1);
        let hash: [u8; 32] = Sha256::new()
            .chain_update(&self.hash[..])
            .chain_update(seq.to_be_bytes())
            .chain_update([kind])
            .chain_update(Sha256::digest(entry))
            .finalize()
            .into();
        Self { seq, hash: hash.into() }
    }
}
