//! Section "Messages".

use crate::{
    PeerError,
    certificate::verify_signature,
    chain::Chain,
    encoding::{Bytes32, Id, SignatureBytes, decode, encode, take},
    entry::{self, Header, Kind},
    expand::expand,
    labels,
};
use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{Decode, Encode, bytes::ByteVec};

/// Content type of a text.
pub const TEXT: u32 = 1;

/// `message-body`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Body {
    /// Sender's leaf.
    #[n(0)]
    pub leaf: u32,
    /// Message id.
    #[n(1)]
    pub id: Id,
    /// By the sender's clock, ms since 1970.
    #[n(2)]
    pub sent_at: u64,
    /// Last entry the sender had verified.
    #[n(3)]
    pub chain: Chain,
    /// Encoded [`Content`].
    #[n(4)]
    pub content: ByteVec,
}

/// `content`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Content {
    /// Type.
    #[n(0)]
    pub kind: u32,
    /// Payload.
    #[n(1)]
    pub payload: ByteVec,
}

/// `text`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Text {
    #[n(0)]
    text: String,
}

impl Content {
    /// A text.
    pub fn text(text: &str) -> Result<Self, PeerError> {
        let payload = encode(&Text { text: text.to_owned() })?;
        Ok(Self { kind: TEXT, payload: payload.into() })
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Result<Option<String>, PeerError> {
        if self.kind != TEXT {
            return Ok(None);
        }
        decode::<Text>(&self.payload, "text").map(|text| Some(text.text))
    }
}

/// Signs and seals.
pub fn seal(
    secret: &[u8; 32],
    device: &SigningKey,
    room: &Id,
    epoch: u64,
    body: &Body,
) -> Result<Vec<u8>, PeerError> {
    let header = Header::fresh(epoch)?;
    let body = encode(body)?;
    let signature = device.sign(&statement(secret, room, &header, &body)?).to_bytes();
    entry::seal(secret, Kind::Message, room, header, &[&signature[..], &body].concat())
}

/// Opens and verifies. `device_key` finds the key of a leaf in the epoch's roster.
pub fn open(
    secret: &[u8; 32],
    room: &Id,
    epoch: u64,
    device_key: impl FnOnce(u32) -> Option<Bytes32>,
    entry: &[u8],
) -> Result<(Body, Content), PeerError> {
    const WHAT: &str = "message";
    let (header, content) = entry::open(secret, Kind::Message, room, epoch, entry)?;
    let mut rest = &content[..];
    let signature: SignatureBytes = (*take::<64>(&mut rest, WHAT)?).into();
    let body: Body = decode(rest, WHAT)?;
    let key = device_key(body.leaf).ok_or(PeerError::NotOpened("message of an unknown leaf"))?;
    verify_signature(&key, &statement(secret, room, &header, rest)?, &signature, WHAT)?;
    let content = decode(&body.content, "content")?;
    Ok((body, content))
}

fn statement(secret: &[u8; 32], room: &Id, header: &Header, body: &[u8]) -> Result<Vec<u8>, PeerError> {
    let epoch = header.epoch.to_be_bytes();
    let mark: [u8; 32] = expand(secret, labels::EPOCH_MARK, &[&room[..], &epoch])?;
    Ok([labels::MESSAGE_SIGNATURE.as_bytes(), &room[..], &epoch, &mark, &header.id, body].concat())
}
