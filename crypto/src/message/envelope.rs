//! The envelope of a message (`docs/PROTOCOL.md`, "Messages").
//!
//! ```text
//! sealed    = signature (64) || body
//! body      = CBOR [leaf, message id, sent at (ms), [seq, H], content]
//! signature = Ed25519 by the device over label || room || epoch || epoch mark || entry id || body
//! ```
//! The signature binds the message to room, epoch and entry, so that no member can pass another's words on as new, and to the
//! secret under which it is sealed, so that an entry has one meaning.

use super::Content;
use crate::{
    CryptoError, DeviceKey, entry,
    epoch_mark::epoch_mark,
    labels, random_array,
    room::{MessageSecret, Roster, RosterEntry},
    sign,
};
use minicbor::{Decode, Encode};
use sotto_protocol::{Chain, EntryHeader, EntryId, EntryKind, RoomId};

/// Names a message for good, however often it has to be sealed anew.
pub type MessageId = [u8; 16];

/// A message before it is sealed.
#[derive(Clone)]
pub struct Draft<'a> {
    /// The sender's place in the tree.
    pub leaf: u32,
    /// Chosen once.
    pub id: MessageId,
    /// By the sender's clock, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// The last entry that the sender has verified.
    pub chain: Chain,
    /// What is said, encoded.
    pub content: &'a [u8],
}

/// Content stays out of logs.
impl core::fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Draft").field("leaf", &self.leaf).finish_non_exhaustive()
    }
}

/// A message whose signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedMessage {
    /// Who said it.
    pub sender: RosterEntry,
    /// The sender's name for it.
    pub id: MessageId,
    /// By the sender's clock, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// The last entry that the sender had verified.
    pub chain: Chain,
    /// What is said.
    pub content: Content,
}

#[derive(Encode, Decode)]
struct Body(
    #[n(0)] u32,
    #[cbor(n(1), with = "minicbor::bytes")] MessageId,
    #[n(2)] u64,
    #[n(3)] Chain,
    #[cbor(n(4), with = "minicbor::bytes")] Vec<u8>,
);

/// Seals and signs a draft for an epoch; the entry's id is fresh.
///
/// # Errors
/// [`CryptoError::NoRandomness`], [`CryptoError::OverLimit`].
pub fn seal(
    message_secret: &MessageSecret,
    device: &DeviceKey,
    room: &RoomId,
    epoch: u64,
    draft: &Draft<'_>,
) -> Result<(EntryId, Vec<u8>), CryptoError> {
    let id = EntryId::new(random_array()?);
    seal_as(message_secret, device, room, epoch, draft, id).map(|entry| (id, entry))
}

/// As [`seal`], as the entry of an id that is used once.
pub fn seal_as(
    message_secret: &MessageSecret,
    device: &DeviceKey,
    room: &RoomId,
    epoch: u64,
    draft: &Draft<'_>,
    id: EntryId,
) -> Result<Vec<u8>, CryptoError> {
    let body = sotto_protocol::encode(&Body(
        draft.leaf,
        draft.id,
        draft.sent_at_ms,
        draft.chain,
        draft.content.to_vec(),
    ));
    let mut sealed = zeroize::Zeroizing::new(Vec::with_capacity(64 + body.len()));
    sealed.extend_from_slice(&device.sign(&statement(message_secret, room, epoch, &id, &body)?));
    sealed.extend_from_slice(&body);
    entry::seal(message_secret.seed(), room, EntryKind::Message, epoch, id, &sealed)
}

/// Opens an entry and checks who said it, by the roster of its epoch.
///
/// # Errors
/// [`CryptoError::DoesNotOpen`], [`CryptoError::BadSignature`], [`CryptoError::WrongEpoch`],
/// [`CryptoError::Malformed`] or [`CryptoError::NewerVersion`].
pub fn open(
    message_secret: &MessageSecret,
    room: &RoomId,
    epoch: u64,
    roster: &Roster,
    bytes: &[u8],
) -> Result<(EntryHeader, OpenedMessage), CryptoError> {
    let (header, sealed) = entry::open(message_secret.seed(), room, EntryKind::Message, epoch, bytes)?;
    let (signature, body) = sealed.split_first_chunk::<64>().ok_or(CryptoError::Malformed("message"))?;
    let Body(leaf, id, sent_at_ms, chain, content) =
        sotto_protocol::decode(body).map_err(|_| CryptoError::Malformed("message"))?;
    let sender = roster.get(leaf).ok_or(CryptoError::BadSignature)?;
    let statement = statement(message_secret, room, epoch, &header.id, body)?;
    sign::verify(&sender.device_key, &statement, signature)?;
    // The signature holds, so the entry is what its sender wrote. Nonsense in it is shown as such, and is no damage.
    let content = Content::decode(&content).unwrap_or(Content::Unreadable);
    Ok((header, OpenedMessage { sender: sender.clone(), id, sent_at_ms, chain, content }))
}

fn statement(
    message_secret: &MessageSecret,
    room: &RoomId,
    epoch: u64,
    id: &EntryId,
    body: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let mark = epoch_mark(message_secret.seed(), room, epoch)?;
    let label = labels::signature::MESSAGE;
    Ok([label, room.as_bytes(), &epoch.to_be_bytes(), &mark, id.as_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    const ROOM: RoomId = RoomId::new([1; 16]);

    fn roster(devices: &[&DeviceKey]) -> Roster {
        let entry = |(leaf, device): (usize, &&DeviceKey)| {
            (leaf as u32, RosterEntry::sample(leaf as u8 + 1, device.public()))
        };
        Roster::from_entries(devices.iter().enumerate().map(entry))
    }

    fn draft(leaf: u32, content: &[u8]) -> Draft<'_> {
        Draft { leaf, id: [7; 16], sent_at_ms: 5, chain: Chain::start(&ROOM), content }
    }

    #[test]
    fn a_message_is_opened_by_those_of_its_epoch() {
        let (ada, bob) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let secret = Secret::random().map(MessageSecret::from_seed).unwrap();
        let content = Content::Text("hello".into());
        let (id, entry) = seal(&secret, &bob, &ROOM, 3, &draft(1, &content.encode().unwrap())).unwrap();
        let (header, opened) = open(&secret, &ROOM, 3, &roster(&[&ada, &bob]), &entry).unwrap();
        assert_eq!((header.id, header.epoch), (id, 3));
        assert_eq!(opened.content, content);
        assert_eq!(opened.sender.device_key, bob.public());
        assert!(
            open(
                &Secret::random().map(MessageSecret::from_seed).unwrap(),
                &ROOM,
                3,
                &roster(&[&ada, &bob]),
                &entry
            )
            .is_err()
        );
        assert_eq!(entry.len(), EntryHeader::LEN + 256 + 16, "a short message fills the smallest size");
    }

    #[test]
    fn no_member_can_speak_for_another() {
        let (ada, mallory) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let secret = Secret::random().map(MessageSecret::from_seed).unwrap();
        let content = Content::Text("I owe you".into()).encode().unwrap();
        let (_, forged) = seal(&secret, &mallory, &ROOM, 3, &draft(0, &content)).unwrap();
        let result = open(&secret, &ROOM, 3, &roster(&[&ada, &mallory]), &forged);
        assert_eq!(result, Err(CryptoError::BadSignature));
    }

    #[test]
    fn a_member_cannot_pass_anothers_words_on_as_new() {
        let (ada, bob) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let secret = Secret::random().map(MessageSecret::from_seed).unwrap();
        let roster = roster(&[&ada, &bob]);
        let content = Content::Text("yes".into()).encode().unwrap();
        let (_, original) = seal(&secret, &ada, &ROOM, 3, &draft(0, &content)).unwrap();
        let (_, inside) = entry::open(secret.seed(), &ROOM, EntryKind::Message, 3, &original).unwrap();
        let again =
            entry::seal(secret.seed(), &ROOM, EntryKind::Message, 3, EntryId::new([9; 16]), &inside).unwrap();
        assert_eq!(open(&secret, &ROOM, 3, &roster, &again), Err(CryptoError::BadSignature));
    }

    /// After a rewind, and in a fork, two epochs have the same number.
    #[test]
    fn a_member_cannot_pass_anothers_words_on_into_another_epoch_of_the_same_number() {
        let (ada, bob) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let [voided, current] = [(), ()].map(|()| Secret::random().map(MessageSecret::from_seed).unwrap());
        let roster = roster(&[&ada, &bob]);
        let content = Content::Text("let him in".into()).encode().unwrap();
        let (id, original) = seal(&voided, &ada, &ROOM, 3, &draft(0, &content)).unwrap();
        let (_, inside) = entry::open(voided.seed(), &ROOM, EntryKind::Message, 3, &original).unwrap();
        let again = entry::seal(current.seed(), &ROOM, EntryKind::Message, 3, id, &inside).unwrap();
        assert_eq!(open(&current, &ROOM, 3, &roster, &again), Err(CryptoError::BadSignature));
    }

    #[test]
    fn nonsense_that_is_well_signed_is_shown_as_such() {
        let ada = DeviceKey::generate().unwrap();
        let secret = Secret::random().map(MessageSecret::from_seed).unwrap();
        let (_, entry) = seal(&secret, &ada, &ROOM, 3, &draft(0, b"nonsense")).unwrap();
        let (_, opened) = open(&secret, &ROOM, 3, &roster(&[&ada]), &entry).unwrap();
        assert_eq!(opened.content, Content::Unreadable);
    }
}
