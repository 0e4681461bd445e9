//! Web push (RFC 8030): where a device that is not connected wants to be woken. Nothing here says what for.

use crate::limits::{PUSH_AUTH_BYTES, PUSH_KEY_BYTES, PUSH_PAYLOAD_BYTES};
use core::fmt;
use minicbor::{Decode, Encode};

/// First byte of what a device is woken with.
const SUPPORTED_PAYLOAD_VERSION: u8 = 1;

/// What a browser gives out for one registration (`PushSubscription` of the Push API), and a word of the client's own.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PushSubscription {
    /// Where the push service takes messages for this device: an `https` URL of at most
    /// [`PUSH_ENDPOINT_MAX_BYTES`](crate::limits::PUSH_ENDPOINT_MAX_BYTES). Whoever knows it and `auth` may wake the device.
    #[n(0)]
    pub endpoint: String,
    /// The device's P-256 public key for this registration, uncompressed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub p256dh: [u8; PUSH_KEY_BYTES],
    /// The registration's secret (RFC 8291, section 3.2).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub auth: [u8; PUSH_AUTH_BYTES],
    /// Random, another one for every room and for the account: it comes back in the sealed payload and tells the device, and
    /// nobody else, where to look.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub tag: [u8; 16],
}

impl fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushSubscription(…)")
    }
}

/// What a device is woken with: always of the same length.
#[must_use]
pub fn push_payload(tag: &[u8; 16]) -> [u8; PUSH_PAYLOAD_BYTES] {
    let mut payload = [SUPPORTED_PAYLOAD_VERSION; PUSH_PAYLOAD_BYTES];
    for (place, byte) in payload.iter_mut().skip(1).zip(tag) {
        *place = *byte;
    }
    payload
}

/// The tag that a device was woken with; nothing where the payload is of a later version, or none.
#[must_use]
pub fn read_push_payload(payload: &[u8]) -> Option<[u8; 16]> {
    let (version, tag) = payload.split_first()?;
    (*version == SUPPORTED_PAYLOAD_VERSION).then_some(())?;
    tag.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_it_was_written_and_no_other_is() {
        let payload = push_payload(&[7; 16]);
        assert_eq!(read_push_payload(&payload), Some([7; 16]));
        assert_eq!(read_push_payload(&payload[..16]), None);
        assert_eq!(read_push_payload(&[&payload[..], &[0]].concat()), None);
        assert_eq!(read_push_payload(&[2; PUSH_PAYLOAD_BYTES]), None);
        assert_eq!(read_push_payload(&[]), None);
    }

    #[test]
    fn a_subscription_does_not_show_itself() {
        let endpoint = "https://push.example/secret".to_owned();
        let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [5; 16], tag: [6; 16] };
        assert_eq!(format!("{subscription:?}"), "PushSubscription(…)");
    }
}
