//! The relay's keys for web push. They lie in its file of secrets, so that relays on one database share them.

use crate::account::keyed_hash;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use sotto_protocol::PushSubscription;
use sotto_protocol::limits::PUSH_KEY_BYTES;
use zeroize::Zeroizing;

/// What the file holds of them: the key of subscriptions, and a P-256 key in PKCS #8 as `ring` writes it.
pub(crate) const PUSH_KEYS_BYTES: usize = SEALING_BYTES + PKCS8_BYTES;
const SEALING_BYTES: usize = 32;
const PKCS8_BYTES: usize = 138;

const SALT_BYTES: usize = 16;
/// Length of a subscription before sealing, whatever is in it: lengths join nothing.
const PLAIN_BYTES: usize = 1200;

/// Whose a subscription is. It can be opened in no other place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// A room, by the relay's number.
    Room(i64),
    /// A session of an account, by the relay's number.
    Session(i64),
}

/// The keys.
pub(crate) struct PushKeys {
    sealing: Zeroizing<[u8; SEALING_BYTES]>,
    /// As it lies in the file, and not parsed: it signs twice a day for each push service, and `ring` does not wipe.
    signing: Zeroizing<Vec<u8>>,
    public: [u8; PUSH_KEY_BYTES],
}

impl PushKeys {
    /// Fresh ones, as they go into the file; nothing where there is no randomness.
    pub(crate) fn generate() -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; SEALING_BYTES]);
        getrandom::fill(&mut bytes).ok()?;
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
        bytes.reserve_exact(PKCS8_BYTES);
        bytes.extend_from_slice(document.as_ref());
        (bytes.len() == PUSH_KEYS_BYTES).then_some(bytes)
    }

    /// As they lie in the file.
    pub(crate) fn from_file(bytes: &[u8]) -> Option<Self> {
        let (sealing, signing) = bytes.split_at_checked(SEALING_BYTES)?;
        let public = pair(signing)?.public_key().as_ref().try_into().ok()?;
        let sealing = Zeroizing::new(sealing.try_into().ok()?);
        Some(Self { sealing, signing: Zeroizing::new(signing.to_vec()), public })
    }

    /// By which push services know the relay: a point, uncompressed.
    pub(crate) fn public(&self) -> &[u8; PUSH_KEY_BYTES] {
        &self.public
    }

    /// ECDSA with SHA-256, both numbers end to end (RFC 7518, section 3.4).
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = pair(&self.signing)?.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }

    /// What a subscription is called in its place: tells nothing to who has not the key.
    pub(crate) fn id(&self, owner: Owner, tag: &[u8; 16]) -> [u8; 16] {
        let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            keyed_hash(&self.sealing, &[b"sotto relay push id", &owner.to_bytes(), tag]);
        id
    }

    /// By which a push service puts a new message for the device in the place of one that it still has.
    pub(super) fn topic(&self, owner: Owner, tag: &[u8; 16]) -> [u8; 24] {
        let [topic @ .., _, _, _, _, _, _, _, _] =
            keyed_hash(&self.sealing, &[b"sotto relay push topic", &owner.to_bytes(), tag]);
        topic
    }

    /// Seals a subscription for the database: `salt || AES-256-GCM(HMAC(key, salt || label), nonce 0, padded)`. Each has a key
    /// of its own, so that equal ones do not look alike, and all have one length.
    pub(crate) fn seal(&self, owner: Owner, subscription: &PushSubscription) -> Option<Vec<u8>> {
        let encoded = Zeroizing::new(sotto_protocol::encode(subscription));
        let length = u16::try_from(encoded.len()).ok()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(&encoded);
        if plain.len() > PLAIN_BYTES {
            return None;
        }
        plain.resize(PLAIN_BYTES, 0);
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).ok()?;
        let payload = Payload { msg: &plain, aad: &owner.to_bytes() };
        let sealed = self.cipher(&salt).encrypt(&Nonce::default(), payload).ok()?;
        Some([&salt[..], &sealed].concat())
    }

    /// Opens what was sealed for that owner.
    pub(super) fn open(&self, owner: Owner, sealed: &[u8]) -> Option<PushSubscription> {
        let (salt, sealed) = sealed.split_first_chunk::<SALT_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &owner.to_bytes() };
        let plain = Zeroizing::new(self.cipher(salt).decrypt(&Nonce::default(), payload).ok()?);
        let (length, rest) = plain.split_first_chunk::<2>()?;
        sotto_protocol::decode(rest.get(..usize::from(u16::from_be_bytes(*length)))?).ok()
    }

    fn cipher(&self, salt: &[u8; SALT_BYTES]) -> Aes256Gcm {
        Aes256Gcm::new(&keyed_hash(&self.sealing, &[salt, b"sotto relay push subscription"]).into())
    }
}

impl Owner {
    fn to_bytes(self) -> [u8; 9] {
        let (kind, number) = match self {
            Self::Room(number) => (1, number),
            Self::Session(number) => (2, number),
        };
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        [kind, a, b, c, d, e, f, g, h]
    }
}

fn pair(pkcs8: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sotto_protocol::limits::PUSH_ENDPOINT_MAX_BYTES;

    pub(in crate::push) fn keys() -> PushKeys {
        PushKeys::from_file(&PushKeys::generate().unwrap()).unwrap()
    }

    fn subscription(endpoint_bytes: usize) -> PushSubscription {
        PushSubscription {
            endpoint: "e".repeat(endpoint_bytes),
            p256dh: [4; 65],
            auth: [5; 16],
            tag: [6; 16],
        }
    }

    #[test]
    fn a_sealed_subscription_opens_in_its_own_place_alone() {
        let (keys, other) = (keys(), keys());
        let owner = Owner::Room(7);
        let sealed = keys.seal(owner, &subscription(90)).unwrap();
        assert_eq!(keys.open(owner, &sealed), Some(subscription(90)));
        assert_eq!(keys.open(Owner::Room(8), &sealed), None);
        assert_eq!(keys.open(Owner::Session(7), &sealed), None);
        assert_eq!(other.open(owner, &sealed), None);
        for position in [0, 15, 16, 17, sealed.len() - 1] {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert_eq!(keys.open(owner, &flipped), None, "{position}");
        }
        assert_eq!(keys.open(owner, &sealed[..15]), None);
    }

    #[test]
    fn equal_subscriptions_have_nothing_in_common_but_their_length() {
        let keys = keys();
        let one = keys.seal(Owner::Room(1), &subscription(90)).unwrap();
        let same = keys.seal(Owner::Room(1), &subscription(90)).unwrap();
        let long = keys.seal(Owner::Room(1), &subscription(PUSH_ENDPOINT_MAX_BYTES)).unwrap();
        assert!(one.len() == 1232 && one.len() == same.len() && one.len() == long.len());
        assert!(!one.windows(8).any(|part| same.windows(8).any(|other| part == other)));
        assert_eq!(keys.seal(Owner::Room(1), &subscription(1200)), None, "longer than may be");
        assert_ne!(keys.id(Owner::Room(1), &[6; 16]), keys.id(Owner::Room(2), &[6; 16]));
        assert_ne!(keys.id(Owner::Room(1), &[6; 16]), keys.id(Owner::Session(1), &[6; 16]));
        assert_ne!(keys.topic(Owner::Room(1), &[6; 16]), keys.topic(Owner::Room(1), &[7; 16]));
    }

    #[test]
    fn keys_from_the_file_are_the_same_again() {
        let bytes = PushKeys::generate().unwrap();
        let (one, again) = (PushKeys::from_file(&bytes).unwrap(), PushKeys::from_file(&bytes).unwrap());
        assert_eq!(one.public(), again.public());
        assert_eq!(one.public()[0], 4);
        assert!(PushKeys::from_file(&bytes[..bytes.len() - 1]).is_none());
        assert!(PushKeys::from_file(&[7; PUSH_KEYS_BYTES]).is_none());
    }
}
