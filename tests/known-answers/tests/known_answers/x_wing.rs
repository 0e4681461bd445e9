//! X-Wing as `hpke` has it (KEM 0x647a): the draft's vectors.
//!
//! `data/x-wing.json` is `spec/test-vectors.json` of draft-connolly-cfrg-xwing-kem, as the `x-wing` crate ships it.

use crate::replay::Replay;
use hpke::{Deserializable as _, Kem as _, Serializable as _, kem::XWing};
use openmls_traits::{
    crypto::OpenMlsCrypto as _,
    types::{CryptoError, HpkeAeadType, HpkeConfig, HpkeKdfType, HpkeKemType},
};
use serde::Deserialize;
use sotto_crypto::Secret;
use sotto_crypto::testing::{Primitives, WrapKey, check_public_key};

#[derive(Deserialize)]
struct Vector {
    eseed: String,
    ss: String,
    sk: String,
    pk: String,
    ct: String,
}

#[test]
fn the_draft_s_vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../data/x-wing.json")).unwrap();
    for vector in &vectors {
        let private =
            <XWing as hpke::Kem>::PrivateKey::from_bytes(&hex::decode(&vector.sk).unwrap()).unwrap();
        let public = XWing::sk_to_pk(&private);
        assert_eq!(hex::encode(public.to_bytes()), vector.pk);
        let mut randomness = Replay::new(&[&hex::decode(&vector.eseed).unwrap()]);
        let (sent, encapsulated) = XWing::encap_with_rng(&public, None, &mut randomness).unwrap();
        assert_eq!(hex::encode(encapsulated.to_bytes()), vector.ct);
        assert_eq!(hex::encode(sent.0), vector.ss);
        let received = XWing::decap(&private, None, &encapsulated).unwrap();
        assert_eq!(hex::encode(received.0), vector.ss);
    }
    assert!(vectors.len() >= 3, "{}", vectors.len());
}

/// draft-ietf-hpke-pq, appendix A (MLKEM768-X25519): DeriveKeyPair from `ikmR`.
#[test]
fn a_key_pair_is_derived_as_the_hpke_draft_says() {
    let ikm = hex::decode("b86e76a59fabfc87b30cd7b1f7aaa28a834eb64e7a261c197b9a842893fbce56").unwrap();
    let (private, public) = XWing::derive_keypair(&ikm);
    let expected = "3ec47fa82dd5689d27c6190e724c74ec8f608df3331ce331929e37b829676630";
    assert_eq!(hex::encode(private.to_bytes()), expected);
    assert!(hex::encode(public.to_bytes()).starts_with("f5fb01a5db909ac907ecc9524de9b9eaf4997dac7d22c961"));
}

/// FIPS 203, section 7.2: each of the 768 coefficients of an encapsulation key is below q = 3329. Whichever is not, wherever the
/// key comes in: in our own wraps, and in MLS.
#[test]
fn a_key_with_a_coefficient_that_is_not_reduced_is_refused_everywhere() {
    let good = WrapKey::from_seed(&Secret::new([1; 32])).public();
    let seals = |key: &[u8]| Primitives.hpke_seal(hybrid(), key, b"info", b"", b"plain").is_ok();
    assert!(check_public_key(&good).is_ok() && seals(&good));
    let with = |coefficient: usize, value: u16| {
        let mut key = good.clone();
        let (at, low) = (coefficient / 2 * 3, value as u8);
        // Two coefficients of 12 bits lie in three bytes, the least significant bits first.
        if coefficient.is_multiple_of(2) {
            (key[at], key[at + 1]) = (low, key[at + 1] & 0xf0 | (value >> 8) as u8);
        } else {
            (key[at + 1], key[at + 2]) = (key[at + 1] & 0x0f | low << 4, (value >> 4) as u8);
        }
        key
    };
    for coefficient in 0..768 {
        assert!(check_public_key(&with(coefficient, 3328)).is_ok(), "{coefficient}");
        for value in [3329, 4095] {
            let key = with(coefficient, value);
            assert!(check_public_key(&key).is_err() && !seals(&key), "{coefficient}: {value}");
        }
    }
}

const fn hybrid() -> HpkeConfig {
    HpkeConfig(HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha384, HpkeAeadType::AesGcm256)
}

/// The other half: a point of small order leaves the secret to ML-KEM alone. MLS libraries do not look.
#[test]
fn a_key_whose_x25519_part_has_small_order_is_refused_everywhere() {
    let private = WrapKey::from_seed(&Secret::new([1; 32]));
    let (own, own_public) = XWing::derive_keypair(&[1; 32]);
    let good = Primitives.hpke_seal(hybrid(), &own_public.to_bytes(), b"info", b"", b"plain").unwrap();
    assert!(Primitives.hpke_open(hybrid(), &good, &own.to_bytes(), b"info", b"").is_ok());
    for small in ["00", "01", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"] {
        let mut point = hex::decode(small).unwrap();
        point.resize(32, 0);
        let mut key = private.public();
        key[1184..].copy_from_slice(&point);
        assert!(check_public_key(&key).is_err(), "{small}");
        assert!(Primitives.hpke_seal(hybrid(), &key, b"info", b"", b"plain").is_err(), "{small}");
        let mut sent = good.clone();
        let mut output = sent.kem_output.as_slice().to_vec();
        output[1088..].copy_from_slice(&point);
        sent.kem_output = output.into();
        let opened = Primitives.hpke_open(hybrid(), &sent, &own.to_bytes(), b"info", b"");
        assert_eq!(opened, Err(CryptoError::InvalidPublicKey), "{small}");
    }
}
