//! Frames as they go onto a WebSocket (RFC 6455, section 5.2), server side: one final, unmasked frame each.
//!
//! A live entry is encoded once, WebSocket header included, and the same bytes are shared by everybody who gets it.

use bytes::Bytes;
use sotto_protocol::{LogEntry, RelayFrame, Reply, RoomId};

/// Longest header of a frame that is not masked.
const HEADER_MAX_BYTES: usize = 10;
/// What room id, numbers, access key and CBOR add to an entry.
const ENTRY_OVERHEAD_BYTES: usize = 104;
const FINAL: u8 = 0x80;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Any frame of the protocol.
pub(crate) fn frame(frame: &RelayFrame) -> Bytes {
    let mut bytes = vec![0; HEADER_MAX_BYTES];
    // Writing CBOR into a vector cannot fail.
    let _ = minicbor::encode(frame, &mut bytes);
    with_header(bytes, BINARY)
}

/// The answer to a request.
pub(crate) fn reply(request: u32, reply: Reply) -> Bytes {
    frame(&RelayFrame::Reply(request, reply))
}

/// [`RelayFrame::Entry`], without taking the entry.
pub(crate) fn entry(room: &RoomId, entry: &LogEntry) -> Bytes {
    let mut bytes = Vec::with_capacity(HEADER_MAX_BYTES + entry.entry.len() + ENTRY_OVERHEAD_BYTES);
    bytes.resize(HEADER_MAX_BYTES, 0);
    // Writing CBOR into a vector cannot fail.
    let _ = minicbor::Encoder::new(&mut bytes)
        .array(2)
        .and_then(|encoder| encoder.u32(2)?.array(2)?.encode(room)?.encode(entry).map(|_| ()));
    with_header(bytes, BINARY)
}

/// A ping.
pub(crate) fn ping() -> Bytes {
    control(PING, &[])
}

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

/// The end of the conversation (RFC 6455, section 7.4).
pub(crate) fn close(code: u16) -> Bytes {
    control(CLOSE, &code.to_be_bytes())
}

fn control(opcode: u8, payload: &[u8]) -> Bytes {
    let mut bytes = vec![0; HEADER_MAX_BYTES];
    bytes.extend_from_slice(payload);
    with_header(bytes, opcode)
}

/// Writes the header right before the payload, into the room that was left for it.
fn with_header(mut bytes: Vec<u8>, opcode: u8) -> Bytes {
    let length = bytes.len() - HEADER_MAX_BYTES;
    let (header, header_len) = header(opcode, length);
    let start = HEADER_MAX_BYTES - header_len;
    for (place, byte) in bytes.iter_mut().skip(start).zip(header.into_iter().take(header_len)) {
        *place = byte;
    }
    Bytes::from(bytes).slice(start..)
}

fn header(opcode: u8, length: usize) -> ([u8; HEADER_MAX_BYTES], usize) {
    let first = FINAL | opcode;
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        return ([first, short, 0, 0, 0, 0, 0, 0, 0, 0], 2);
    }
    if let Ok(medium) = u16::try_from(length) {
        let [a, b] = medium.to_be_bytes();
        return ([first, 126, a, b, 0, 0, 0, 0, 0, 0], 4);
    }
    let [a, b, c, d, e, f, g, h] = (length as u64).to_be_bytes();
    ([first, 127, a, b, c, d, e, f, g, h], 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::EntryKind;

    #[test]
    fn headers_have_the_three_lengths_of_the_rfc() {
        for (length, expected) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xff, 0xff]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut bytes = vec![0; HEADER_MAX_BYTES];
            bytes.resize(HEADER_MAX_BYTES + length, 7);
            let framed = with_header(bytes, BINARY);
            let (header, payload) = framed.split_at(expected.len());
            assert_eq!(header, expected, "{length}");
            assert!(payload.len() == length && payload.iter().all(|byte| *byte == 7), "{length}");
        }
    }

    #[test]
    fn an_entry_is_encoded_as_the_protocol_says() {
        let room = RoomId::new([3; 16]);
        for access_key in [None, Some([9; 32])] {
            let kind = EntryKind::Handshake;
            let log_entry = LogEntry { kind, access_key, ..LogEntry::message(1 << 40, vec![7; 300]) };
            assert_eq!(entry(&room, &log_entry), frame(&RelayFrame::Entry(room, log_entry)));
        }
    }

    #[test]
    fn control_frames_are_those_of_the_rfc() {
        assert_eq!(ping(), &[0x89, 0][..]);
        assert_eq!(pong(b"ab"), &[0x8a, 2, b'a', b'b'][..]);
        assert_eq!(close(1001), &[0x88, 2, 3, 0xe9][..]);
    }
}
