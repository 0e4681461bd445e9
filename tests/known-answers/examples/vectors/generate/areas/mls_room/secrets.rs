//! Secrets of MLS, from which a stranger computes the exporter's, the confirmation tag and the external key.

use super::{super::hex, group_info_of};
use openmls_traits::{crypto::OpenMlsCrypto as _, types::HashType};
use serde_json::{Value, json};
use sotto_crypto::{
    room::{EpochSecrets, Room, Suite},
    testing::{CLASSICAL, HYBRID, Primitives, observe, saved_group},
};

/// Secrets of MLS (RFC 9420, section 8) from which a stranger computes the rest.
pub struct MlsSecrets {
    init: Vec<u8>,
    exporter: Vec<u8>,
    external: Vec<u8>,
    membership: Vec<u8>,
    confirmation: Vec<u8>,
}

impl MlsSecrets {
    /// From what the library keeps: postcard, in our provider's table. 12: of the epoch, 9: of its messages.
    pub fn of(room: &Room) -> Self {
        let saved = saved_group(room).unwrap();
        let value = |slot: u8| {
            let mut decoder = minicbor::Decoder::new(&saved);
            decoder.array().unwrap();
            decoder.u8().unwrap();
            let count = decoder.array().unwrap().unwrap();
            (0..count)
                .find_map(|_| {
                    decoder.array().unwrap();
                    let (key, value) = (decoder.bytes().unwrap(), decoder.bytes().unwrap());
                    (key.first() == Some(&slot)).then(|| value.to_vec())
                })
                .unwrap()
        };
        let (epoch, messages) = (value(12), value(9));
        let mut rest = &epoch[..];
        let [init, exporter, _authenticator, external] = core::array::from_fn(|_| take(&mut rest));
        // Past epochs: none are kept, and there are none.
        let mut rest = messages.strip_prefix(&[0, 0]).unwrap();
        let [_sender_data, membership, confirmation] = core::array::from_fn(|_| take(&mut rest));
        Self { init, exporter, external, membership, confirmation }
    }

    /// They are what they are called: exporter secrets and confirmation tag come from them.
    pub fn check(&self, suite: Suite, room: &Room, secrets: &EpochSecrets) {
        let hash = if suite == Suite::Hybrid { HashType::Sha2_384 } else { HashType::Sha2_256 };
        let length = self.exporter.len() as u16;
        let expand = |secret: &[u8], label: &str, context: &[u8], length: u16| {
            let label = [b"MLS 1.0 ", label.as_bytes()].concat();
            let info =
                [&length.to_be_bytes()[..], &[label.len() as u8], &label, &[context.len() as u8], context]
                    .concat();
            Primitives.hkdf_expand(hash, secret, &info, usize::from(length)).unwrap().as_slice().to_vec()
        };
        let derived = expand(&self.exporter, "sotto/1 message", b"", length);
        let context = Primitives.hash(hash, b"").unwrap();
        assert_eq!(expand(&derived, "exported", &context, 32), secrets.message.seed().expose());
        if let Some(info) = group_info_of(room) {
            let seen = observe(&info, None).unwrap();
            let tag =
                Primitives.hkdf_extract(hash, &self.confirmation, &seen.confirmed_transcript_hash).unwrap();
            assert_eq!(tag.as_slice(), &seen.confirmation_tag[1..]);
            let suite = if suite == Suite::Hybrid { HYBRID } else { CLASSICAL };
            let keys = Primitives.derive_hpke_keypair(suite.hpke_config(), &self.external).unwrap();
            assert!(
                info.windows(keys.public.len()).any(|window| window == keys.public),
                "external_pub is in it"
            );
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "init_secret": hex(&self.init), "exporter_secret": hex(&self.exporter),
            "external_secret": hex(&self.external), "membership_key": hex(&self.membership),
            "confirmation_key": hex(&self.confirmation),
        })
    }
}

/// Postcard: a length of one byte, and so many bytes.
fn take(bytes: &mut &[u8]) -> Vec<u8> {
    let (length, rest) = bytes.split_first().unwrap();
    let (taken, rest) = rest.split_at(usize::from(*length));
    *bytes = rest;
    taken.to_vec()
}
