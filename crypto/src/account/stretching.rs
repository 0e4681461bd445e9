//! Argon2id (RFC 9106) with the parameters of protocol version 1, as OPAQUE's key stretching function.

use super::Username;
use crate::labels::hash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use opaque_ke::{
    errors::InternalError,
    generic_array::{ArrayLength, GenericArray},
    ksf::Ksf,
};
use sha2::{Digest as _, Sha256};
use sotto_protocol::account::RelayId;
use zeroize::Zeroize as _;

/// Memory in KiB: 64 MiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over the memory.
const PASSES: u32 = 3;
/// Lanes: one, because a browser's worker has one thread.
const LANES: u32 = 1;

/// Argon2id, m = 64 MiB, t = 3, p = 1.
///
/// The OPRF salts its output, but with a key that is the relay's: one that gives everybody the same key could try one dictionary on
/// all. So relay and name are in the salt of the stretching as well.
#[derive(Default)]
pub struct Stretching {
    salt: [u8; 32],
}

impl Stretching {
    /// For an account of that name at that relay.
    pub fn of(relay: &RelayId, username: &Username) -> Self {
        let hash = Sha256::new()
            .chain_update(hash::PASSWORD_SALT)
            .chain_update(relay.as_bytes())
            .chain_update(username.as_str());
        Self { salt: hash.finalize().into() }
    }

    /// The salt.
    pub(super) const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }
}

impl Ksf for Stretching {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::default();
        stretch(&input, &mut output, MEMORY_KIB, &self.salt).map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

fn stretch(input: &[u8], output: &mut [u8], memory_kib: u32, salt: &[u8; 32]) -> Result<(), argon2::Error> {
    let params = Params::new(memory_kib, PASSES, LANES, Some(output.len()))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        input,
        salt,
        output,
        &mut memory,
    );
    memory.iter_mut().for_each(|block| block.zeroize());
    result
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The same function over little memory: tests of what stands around it need not wait.
    #[derive(Default)]
    pub struct Quick(pub Stretching);

    impl Ksf for Quick {
        fn hash<L: ArrayLength<u8>>(
            &self,
            input: GenericArray<u8, L>,
        ) -> Result<GenericArray<u8, L>, InternalError> {
            let mut output = GenericArray::default();
            stretch(&input, &mut output, 64, &self.0.salt).map_err(|_| InternalError::KsfError)?;
            Ok(output)
        }
    }

    #[test]
    fn the_parameters_are_those_of_the_protocol() {
        assert_eq!((MEMORY_KIB, PASSES, LANES), (65_536, 3, 1));
        let stretching = Stretching::of(&RelayId::new([1; 32]), &Username::parse("ada").unwrap());
        let salted = [b"sotto/1 password salt".as_slice(), &[1; 32], b"ada"].concat();
        assert_eq!(stretching.salt, <[u8; 32]>::from(Sha256::digest(salted)));
    }
}
