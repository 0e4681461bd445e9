//! Direct invites: as they lie in an inbox, and with anything in them that a sender signs and seals.

use crate::{edits, fixture::Fixture};
use minicbor::{Encode, bytes::ByteSlice};
use sotto_crypto::{
    CryptoError, Secret,
    account::{AccountKeys, DirectInvite, InviteRecipient, open_direct_invite, seal_direct_invite},
    testing::seal_to,
};
use sotto_protocol::{entry_hash, limits::DIRECT_INVITE_LINK_MAX_BYTES};

thread_local! {
    /// Bob's keys, and an invite that Ada sealed to him.
    static INBOX: (AccountKeys, Vec<u8>) = fill_inbox();
}

#[derive(Encode)]
struct Signed<'a>(#[n(0)] &'a ByteSlice, #[n(1)] &'a ByteSlice);

/// An invite of any bytes: only what Ada sealed opens.
pub fn sealed(input: &[u8]) {
    INBOX.with(|(keys, real)| {
        let sealed = edits::apply(input, std::slice::from_ref(real));
        assert_eq!(
            open_direct_invite(&keys.recovery_keys_alone(), &sealed).is_ok(),
            sealed == *real,
            "a changed invite opens"
        );
    });
}

/// An invite of any content, signed by Ada's device and sealed as it should be: `input` is edits of a real one, for her
/// certificate is another in every process.
pub fn body(input: &[u8]) {
    let body = edits::apply(input, &[real_body()]);
    INBOX.with(|(keys, _)| {
        if let Ok(invite) = open_body(keys, &body) {
            assert!(invite.link.len() <= DIRECT_INVITE_LINK_MAX_BYTES);
            let is_adas = Fixture::with(|fixture| *invite.sender.device_key() == fixture.own.device.public());
            assert!(is_adas, "somebody else's certificate stands beside Ada's signature");
        }
    });
}

fn open_body(keys: &AccountKeys, body: &[u8]) -> Result<DirectInvite, CryptoError> {
    let hash = keys.recovery().public_hash();
    let label = b"sotto/1 direct invite signature".as_slice();
    let statement = [label, keys.account().as_bytes(), &hash, body].concat();
    let signature = Fixture::with(|fixture| fixture.own.device.sign(&statement));
    let signed = sotto_protocol::encode(&Signed(body.into(), signature.as_slice().into()));
    let length = u32::try_from(signed.len()).expect("is short").to_be_bytes();
    let mut padded = [length.as_slice(), &signed].concat();
    padded.resize(4096.max(padded.len()), 0);
    let aad = [[1].as_slice(), &hash].concat();
    let info = b"sotto/1 direct invite";
    let sealed = seal_to(&keys.recovery().public(), info, &aad, &padded, &Secret::new([5; 32]))?;
    open_direct_invite(&keys.recovery_keys_alone(), &[[1].as_slice(), &sealed].concat())
}

fn fill_inbox() -> (AccountKeys, Vec<u8>) {
    let keys = AccountKeys::generate().expect("has randomness");
    let recovery_public = keys.recovery().public();
    let recipient = InviteRecipient { account: keys.account(), recovery_public: &recovery_public };
    let sealed = Fixture::with(|fixture| {
        let sender = (&fixture.own.device, &fixture.own.certificate);
        seal_direct_invite(b"link", sender, recipient, 5).expect("is sealed")
    });
    (keys, sealed)
}

fn real_body() -> Vec<u8> {
    let certificate = Fixture::with(|fixture| fixture.own.certificate.as_bytes().to_vec());
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    (|| encoder.map(3)?.u8(0)?.bytes(b"link")?.u8(1)?.bytes(&certificate)?.u8(2)?.u64(5)?.ok())()
        .expect("is encoded");
    body
}

/// SHA-256.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    entry_hash(&parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_body_is_an_invite() {
        let invite = INBOX.with(|(keys, _)| open_body(keys, &real_body())).expect("opens");
        assert_eq!((invite.link.as_slice(), invite.sent_at_ms), (b"link".as_slice(), 5));
    }
}
