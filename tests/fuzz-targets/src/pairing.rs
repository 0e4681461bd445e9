//! Device pairing: its four messages between two real devices, changed on the way; and a grant of any content.

use crate::{direct_invite::sha256, edits};
use minicbor::{Encode, bytes::ByteSlice};
use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    account::{AccountKeys, NewDevice, OldDevice, Paired, PairingGrant, PairingOffer, VaultIndex},
    testing::{expand, seal_committed, seal_to},
};

/// Crockford's base32.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

thread_local! {
    static KEYS: AccountKeys = AccountKeys::generate().expect("has randomness");
}

/// `input = message (1, modulo 4) || edits of it`. With any message changed, no device comes in; with none, it does.
pub fn messages(input: &[u8]) {
    let (which, edited) = input.split_first().unwrap_or((&0, &[]));
    let mut is_changed = false;
    let mut pass_on = |message: u8, bytes: &[u8]| {
        if message != which % 4 {
            return bytes.to_vec();
        }
        let passed = edits::apply(edited, &[bytes.to_vec()]);
        is_changed = passed != bytes;
        passed
    };
    let paired = pair(&mut pass_on);
    assert_eq!(paired.is_ok(), !is_changed, "{:?}", paired.err());
}

fn pair(pass_on: &mut impl FnMut(u8, &[u8]) -> Vec<u8>) -> Result<Paired, CryptoError> {
    let new = NewDevice::start(device())?;
    let offer = PairingOffer::parse(&new.offer().to_text())?;
    let (old, answer) = OldDevice::answer(&offer, &pass_on(0, new.hello()))?;
    let (new, reveal) = new.receive_answer(&pass_on(1, &answer))?;
    let old = old.receive_reveal(&pass_on(2, &reveal))?;
    assert_eq!(*old.device_key(), device().public(), "another device's key was put in");
    let seen = VaultIndex::default();
    let details = PairingGrant { display_name: "Ada", not_before_ms: 1, session: b"session", seen: &seen };
    let code = new.code().to_string();
    let grant = KEYS.with(|keys| old.grant(&code, keys, details))?;
    new.confirm().receive_grant(&pass_on(3, &grant))
}

/// What an old device that keeps to nothing may grant: `input` is edits of real contents.
pub fn grant(input: &[u8]) {
    let contents = edits::apply(input, &[real_contents()]);
    if let Ok(paired) = receive(&contents) {
        assert_eq!(*paired.certificate.device_key(), device().public());
        assert_eq!(paired.certificate.account(), paired.account);
        let is_whole = paired.secrets.own_device(paired.certificate, paired.recovery_public).is_ok();
        assert!(is_whole, "what was granted does not belong together");
    }
}

fn receive(contents: &[u8]) -> Result<Paired, CryptoError> {
    let new = NewDevice::start(device())?;
    let (offer, hello) = (symbols(&new.offer().to_text()), new.hello().to_vec());
    let transcript = |messages: &[&[u8]]| {
        let label = b"sotto/1 pairing transcript".as_slice();
        sha256(&[&[label, &offer], messages].concat())
    };
    let secret = Secret::new([6; 32]);
    let public_key = &hello[1..hello.len() - 32];
    let info = b"sotto/1 pairing secret";
    let sealed = seal_to(public_key, info, &transcript(&[&hello]), secret.expose(), &Secret::new([7; 32]))?;
    let answer = [[1].as_slice(), &sealed, &[8; 32]].concat();
    let (new, reveal) = new.receive_answer(&answer)?;
    let key = expand::<32>(&secret, b"sotto/1 pairing key", &[&transcript(&[&hello, &answer])])?;
    let label = b"sotto/1 pairing grant sealing";
    new.confirm().receive_grant(&seal_committed(&Secret::new(*key), label, &reveal[1..33], contents)?)
}

#[derive(Encode)]
#[cbor(map)]
struct Contents<'a> {
    #[n(0)]
    account: sotto_crypto::identity::AccountId,
    #[n(1)]
    certificate: &'a ByteSlice,
    #[n(2)]
    vault: &'a ByteSlice,
    #[n(3)]
    door: &'a ByteSlice,
    #[n(4)]
    recovery_public: &'a ByteSlice,
    #[n(5)]
    session: &'a ByteSlice,
    #[n(6)]
    seen: &'a ByteSlice,
}

fn real_contents() -> Vec<u8> {
    KEYS.with(|keys| {
        let certificate = keys.certify(device().public(), "Ada", 1).expect("is certified");
        let recovery_public = keys.recovery().public();
        let seen = VaultIndex::default().to_bytes();
        sotto_protocol::encode(&Contents {
            account: keys.account(),
            certificate: certificate.as_bytes().into(),
            vault: [1; 32].as_slice().into(),
            door: [2; 32].as_slice().into(),
            recovery_public: recovery_public.as_slice().into(),
            session: b"session".as_slice().into(),
            seen: seen.as_slice().into(),
        })
    })
}

fn device() -> DeviceKey {
    DeviceKey::from_seed(&Secret::new([0xd; 32]))
}

/// The symbols of a text in base32, a byte each.
fn symbols(text: &str) -> Vec<u8> {
    let symbol = |byte: u8| ALPHABET.iter().position(|known| *known == byte).map(|place| place as u8);
    text.bytes().filter_map(symbol).collect()
}

/// Each message unchanged, and each with a byte flipped.
pub fn real_messages() -> Vec<Vec<u8>> {
    let unchanged = (0..4).map(|message| vec![message, 1]);
    unchanged.chain((0..4).map(|message| vec![message, 1, 0, 40, 1, 4])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_devices_pair_and_a_grant_that_is_made_by_hand_is_one() {
        pair(&mut |_, bytes| bytes.to_vec()).expect("is paired");
        assert_eq!(receive(&real_contents()).expect("is paired").session.as_slice(), b"session");
    }
}
