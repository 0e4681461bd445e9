//! X-Wing as `hpke` has it (KEM 0x647a): the draft's vectors.
//!
//! `data/x-wing.json` is `spec/test-vectors.json` of draft-connolly-cfrg-xwing-kem, as the `x-wing` crate ships it.

use crate::replay::Replay;
use hpke::{Deserializable as _, Kem as _, Serializable as _, kem::XWing};
use serde::Deserialize;

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
