//! What a device is woken with, sealed to it (RFC 8291, over RFC 8188): one record, always of the same length.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};
use sotto_protocol::limits::{PUSH_AUTH_BYTES, PUSH_KEY_BYTES};
use zeroize::Zeroizing;

const SALT_BYTES: usize = 16;
/// Longer than any record that is made here (RFC 8188, section 2.1).
const RECORD_SIZE: u32 = 4096;
/// The record is the last one (RFC 8188, section 2).
const LAST: u8 = 2;

/// Whether a public key is a point of the curve.
pub(super) fn is_key(p256dh: &[u8; PUSH_KEY_BYTES]) -> bool {
    agree(p256dh, |_, _| ()).is_some()
}

/// Seals a payload to the device; nothing where its key is no point, or there is no randomness.
pub(super) fn seal(
    p256dh: &[u8; PUSH_KEY_BYTES],
    auth: &[u8; PUSH_AUTH_BYTES],
    payload: &[u8],
) -> Option<Vec<u8>> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).ok()?;
    agree(p256dh, |own, secret| seal_under(secret, own, (p256dh, auth), &salt, payload))?
}

fn agree<R>(p256dh: &[u8; PUSH_KEY_BYTES], then: impl FnOnce(&[u8], &[u8]) -> R) -> Option<R> {
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).ok()?;
    let public = own.compute_public_key().ok()?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &p256dh[..]);
    agree_ephemeral(own, &theirs, |secret| then(public.as_ref(), secret)).ok()
}

/// `secret` is what both keys agree on.
fn seal_under(
    secret: &[u8],
    own: &[u8],
    (p256dh, auth): (&[u8; PUSH_KEY_BYTES], &[u8; PUSH_AUTH_BYTES]),
    salt: &[u8; SALT_BYTES],
    payload: &[u8],
) -> Option<Vec<u8>> {
    let shared = Salt::new(HKDF_SHA256, auth).extract(secret);
    let ikm = expand::<32>(&shared, &[b"WebPush: info\0", p256dh, own])?;
    let prk = Salt::new(HKDF_SHA256, salt).extract(&ikm[..]);
    let key = expand::<16>(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = expand::<12>(&prk, &[b"Content-Encoding: nonce\0"])?;
    let mut record = [payload, &[LAST]].concat();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..]).ok()?);
    cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut record).ok()?;
    let id_bytes = u8::try_from(own.len()).ok()?;
    Some([&salt[..], &RECORD_SIZE.to_be_bytes(), &[id_bytes], own, &record].concat())
}

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    prk.expand(info, Bytes(N)).ok()?.fill(&mut bytes[..]).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    const UA_PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AS_PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

    #[test]
    fn the_example_of_rfc_8291_comes_out() {
        let p256dh = bytes(UA_PUBLIC).try_into().unwrap();
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let secret = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let plain = b"When I grow up, I want to be a watermelon";
        let sealed = seal_under(&secret, &bytes(AS_PUBLIC), (&p256dh, &auth), &salt, plain).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(sealed), expected);
    }

    #[test]
    fn a_key_that_is_no_point_is_refused() {
        let good = bytes(UA_PUBLIC).try_into().unwrap();
        assert!(is_key(&good));
        let mut off_the_curve = good;
        off_the_curve[64] ^= 1;
        let mut compressed = good;
        compressed[0] = 2;
        for bad in [off_the_curve, compressed, [0; 65], [4; 65]] {
            assert!(!is_key(&bad) && seal(&bad, &[1; 16], &[2; 17]).is_none());
        }
        assert_eq!(seal(&good, &[1; 16], &[2; 17]).unwrap().len(), 86 + 17 + 1 + 16);
    }
}
