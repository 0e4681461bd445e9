//! HPKE (`hpke`), RFC 9180 appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, the suite of classical rooms.
//!
//! The RFC has no vector with AES-256-GCM over X25519, and none with X-Wing; those suites are checked part by part (`x_wing`,
//! `aes_gcm`, `hkdf`), and as a whole against another implementation (`mls_provider`).

use crate::{replay::Replay, vectors};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::AesGcm128, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use openmls_traits::{
    crypto::OpenMlsCrypto as _,
    types::{HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType, HpkeKemType},
};
use sotto_crypto::testing::Primitives;

const CLASSICAL: HpkeConfig =
    HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128);

fn vector() -> vectors::Vector {
    vectors::parse(include_str!("../../data/hpke-rfc9180.txt")).remove(0)
}

#[test]
fn rfc_9180_keys_ciphertexts_and_exports() {
    let vector = vector();
    let (private, public) = X25519HkdfSha256::derive_keypair(&vector.bytes("ikmR"));
    // The crate keeps the clamped form, the RFC the bytes as they come out of the derivation.
    let mut expected = vector.bytes("skRm");
    expected[0] &= 248;
    expected[31] = (expected[31] & 127) | 64;
    assert_eq!(private.to_bytes().as_slice(), expected);
    assert_eq!(public.to_bytes().as_slice(), vector.bytes("pkRm"));
    let mut randomness = Replay::new(&[&vector.bytes("ikmE")]);
    let (encapsulated, mut sender) = hpke::setup_sender_with_rng::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        &vector.bytes("info"),
        &mut randomness,
    )
    .unwrap();
    assert_eq!(encapsulated.to_bytes().as_slice(), vector.bytes("enc"));
    let received = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&vector.bytes("enc")).unwrap();
    let mut receiver = hpke::setup_receiver::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &received,
        &vector.bytes("info"),
    )
    .unwrap();

    let mut compared = 0;
    for sequence in 0..=256 {
        let aad = format!("Count-{sequence}");
        let sealed = sender.seal(&vector.bytes("pt"), aad.as_bytes()).unwrap();
        if let Some(expected) = vector.get(&format!("ct {sequence}")) {
            assert_eq!(sealed, expected, "{sequence}");
            compared += 1;
        }
        assert_eq!(receiver.open(&sealed, aad.as_bytes()).unwrap(), vector.bytes("pt"), "{sequence}");
    }
    assert_eq!(compared, 6);
    for context in ["", "00", "54657374436f6e74657874"] {
        let mut exported = [0; 32];
        receiver.export(&hex::decode(context).unwrap(), &mut exported).unwrap();
        assert_eq!(exported.as_slice(), vector.bytes(&format!("export {context}")), "{context}");
    }
}

#[test]
fn our_mls_provider_opens_the_rfc_s_ciphertext_and_no_other() {
    let vector = vector();
    let mut input =
        HpkeCiphertext { kem_output: vector.bytes("enc").into(), ciphertext: vector.bytes("ct 0").into() };
    let (private, info) = (vector.bytes("skRm"), vector.bytes("info"));
    assert_eq!(
        Primitives.hpke_open(CLASSICAL, &input, &private, &info, b"Count-0").unwrap(),
        vector.bytes("pt")
    );
    assert!(Primitives.hpke_open(CLASSICAL, &input, &private, &info, b"Count-1").is_err());
    input.ciphertext = vector.bytes("ct 1").into();
    assert!(Primitives.hpke_open(CLASSICAL, &input, &private, &info, b"Count-0").is_err());
    let pair = Primitives.derive_hpke_keypair(CLASSICAL, &vector.bytes("ikmR")).unwrap();
    assert_eq!(pair.public, vector.bytes("pkRm"));
}
