//! Argon2id (RFC 9106) with the parameters of protocol version 1, as OPAQUE's key stretching function.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use opaque_ke::{
    errors::InternalError,
    generic_array::{ArrayLength, GenericArray},
    ksf::Ksf,
};
use zeroize::Zeroize as _;

/// Memory in KiB: 64 MiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over the memory.
const PASSES: u32 = 3;
/// Lanes: one, because a browser's worker has one thread.
const LANES: u32 = 1;
/// The OPRF's output is salted already (RFC 9807, section 7).
const SALT: [u8; 16] = [0; 16];

/// Argon2id, m = 64 MiB, t = 3, p = 1.
#[derive(Default)]
pub struct Stretching;

impl Ksf for Stretching {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::default();
        stretch(&input, &mut output, MEMORY_KIB).map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

fn stretch(input: &[u8], output: &mut [u8], memory_kib: u32) -> Result<(), argon2::Error> {
    let params = Params::new(memory_kib, PASSES, LANES, Some(output.len()))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        input,
        &SALT,
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
    pub struct Quick;

    impl Ksf for Quick {
        fn hash<L: ArrayLength<u8>>(
            &self,
            input: GenericArray<u8, L>,
        ) -> Result<GenericArray<u8, L>, InternalError> {
            let mut output = GenericArray::default();
            stretch(&input, &mut output, 64).map_err(|_| InternalError::KsfError)?;
            Ok(output)
        }
    }

    #[test]
    fn the_parameters_are_those_of_the_protocol() {
        assert_eq!((MEMORY_KIB, PASSES, LANES, SALT), (65_536, 3, 1, [0; 16]));
    }
}
