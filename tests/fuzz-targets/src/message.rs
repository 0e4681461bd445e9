//! Entries and messages, from the outer layer to what is said.

use crate::fixture::Fixture;
use sotto_crypto::{
    CryptoError, Secret,
    message::{Content, Draft, OpenedMessage, open, seal},
    testing::{epoch_mark, open_entry, pad, seal_entry, unpad},
};
use sotto_protocol::{Chain, EntryId, EntryKind, RoomId};

const ROOM: RoomId = RoomId::new([1; 16]);
const EPOCH: u64 = 5;
const ID: EntryId = EntryId::new([2; 16]);

fn secret() -> Secret {
    Secret::new([3; 32])
}

/// An entry under a known secret. Sealing is deterministic: what opens is sealed again to the same bytes.
pub fn entry(input: &[u8]) {
    if let Ok((header, content)) = open_entry(&secret(), &ROOM, EntryKind::Message, EPOCH, input) {
        let again = seal_entry(&secret(), &ROOM, EntryKind::Message, EPOCH, header.id, &content);
        assert_eq!(again.as_deref(), Ok(input));
    }
}

/// What an entry holds under its outer layer.
pub fn padding(input: &[u8]) {
    if let Ok(content) = unpad(input) {
        assert_eq!(pad(content).expect("is padded").as_slice(), input);
    }
}

/// The body of a message that a member signs, whatever stands in it.
pub fn body(input: &[u8]) {
    // An error is an answer.
    let _ = open_body(input);
}

fn open_body(body: &[u8]) -> Result<OpenedMessage, CryptoError> {
    Fixture::with(|fixture| {
        let room = &fixture.room;
        let (id, epoch) = (room.id(), room.epoch());
        let label: &[u8] = b"sotto/1 message signature";
        let secret = room.secrets()?.message;
        let mark = epoch_mark(secret.seed(), &id, epoch)?;
        let statement = [label, id.as_bytes(), &epoch.to_be_bytes(), &mark, ID.as_bytes(), body].concat();
        let sealed = [fixture.own.device.sign(&statement).as_slice(), body].concat();
        let entry = seal_entry(secret.seed(), &id, EntryKind::Message, epoch, ID, &sealed)?;
        open(&secret, &id, epoch, room.roster(), &entry).map(|(_, message)| message)
    })
}

/// What is said.
pub fn content(input: &[u8]) {
    if let Ok(content) = Content::decode(input)
        && let Ok(encoded) = content.encode()
    {
        assert_eq!(Content::decode(&encoded), Ok(content));
    }
}

/// An entry under the known secret.
pub fn real_entry() -> Vec<u8> {
    seal_entry(&secret(), &ROOM, EntryKind::Message, EPOCH, ID, b"hello").expect("is sealed")
}

/// What an entry holds under its outer layer.
pub fn real_padded() -> Vec<u8> {
    pad(b"hello").expect("is padded").to_vec()
}

/// A message's content.
pub fn real_content() -> Vec<u8> {
    Content::Text("héllo".into()).encode().expect("is within the limit")
}

/// A message's body, as Ada seals it.
pub fn real_body() -> Vec<u8> {
    Fixture::with(|fixture| {
        let (room, content) = (&fixture.room, real_content());
        let (id, epoch) = (room.id(), room.epoch());
        let chain = Chain::start(&id);
        let draft = Draft { leaf: room.own_leaf(), id: [7; 16], sent_at_ms: 8, chain, content: &content };
        let secret = room.secrets().expect("has secrets").message;
        let (_, entry) = seal(&secret, &fixture.own.device, &id, epoch, &draft).expect("is sealed");
        let (_, sealed) = open_entry(secret.seed(), &id, EntryKind::Message, epoch, &entry).expect("opens");
        sealed[64..].to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_body_is_a_message() {
        let opened = open_body(&real_body()).expect("opens");
        assert_eq!(opened.content, Content::Text("héllo".into()));
    }
}
