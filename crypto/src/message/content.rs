//! What a message says: CBOR `[type, payload]`, where the payload is a byte string that a reader who does not know the type
//! can pass over.

use crate::CryptoError;
use minicbor::{Decode, Encode};
use sotto_protocol::limits::MESSAGE_CONTENT_MAX_BYTES;

const TEXT: u32 = 1;
// 2 to 10 are kept: edit, delete, reaction, reply, attachment, sticker, poll, pin, streamed text.

/// A message's content.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// CommonMark subset.
    Text(String),
    /// Of a type that this version does not know.
    Unknown(u32),
}

#[derive(Encode, Decode)]
struct Typed(#[n(0)] u32, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>);

#[derive(Encode, Decode)]
#[cbor(map)]
struct TextPayload<'a> {
    #[cbor(b(0))]
    text: &'a str,
}

impl Content {
    /// The bytes that are sealed.
    ///
    /// # Errors
    /// [`CryptoError::OverLimit`] past 64 KiB of text.
    pub fn encode(&self) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Text(text) if text.len() > MESSAGE_CONTENT_MAX_BYTES => Err(CryptoError::OverLimit {
                what: "message",
                actual: text.len(),
                max: MESSAGE_CONTENT_MAX_BYTES,
            }),
            Self::Text(text) => {
                Ok(sotto_protocol::encode(&Typed(TEXT, sotto_protocol::encode(&TextPayload { text }))))
            }
            Self::Unknown(_) => Err(CryptoError::NewerVersion),
        }
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = |_| CryptoError::Malformed("message content");
        let Typed(kind, payload) = sotto_protocol::decode(bytes).map_err(malformed)?;
        match kind {
            TEXT => {
                let TextPayload { text } = sotto_protocol::decode(&payload).map_err(malformed)?;
                Ok(Self::Text(text.to_owned()))
            }
            unknown => Ok(Self::Unknown(unknown)),
        }
    }
}

/// Content stays out of logs.
impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Unknown(kind) => write!(f, "Unknown({kind})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives() {
        let content = Content::Text("héllo **you**".into());
        assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content.clone()));
        assert!(!format!("{content:?}").contains("llo"));
    }

    #[test]
    fn a_later_type_is_passed_over() {
        let later = sotto_protocol::encode(&Typed(77, vec![0xff; 9]));
        assert_eq!(Content::decode(&later), Ok(Content::Unknown(77)));
    }

    #[test]
    fn the_limit_is_named() {
        let over = Content::Text("x".repeat(MESSAGE_CONTENT_MAX_BYTES + 1));
        assert!(matches!(over.encode(), Err(CryptoError::OverLimit { max: MESSAGE_CONTENT_MAX_BYTES, .. })));
    }
}
