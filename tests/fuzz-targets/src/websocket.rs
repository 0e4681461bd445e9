//! Frames of WebSocket, as the relay reads them.

use sotto_framing::{Event, Messages, Violation};

/// What a short message may hold, and what one may become that says so.
const LIMIT_BYTES: usize = 100 * 1024;

/// Any bytes, however they are cut: the same messages come out, no more memory is taken than bytes came, and what is idle holds none.
pub fn frames(input: &[u8]) {
    let whole = read(input, input.len().max(1));
    for step in [1, 7, 1000] {
        assert!(read(input, step) == whole, "messages depend on how bytes arrive");
    }
}

fn read(input: &[u8], step: usize) -> (Vec<Event>, Option<Violation>) {
    let mut messages = Messages::default();
    let mut events = Vec::new();
    for chunk in input.chunks(step) {
        messages.buffer().extend_from_slice(chunk);
        loop {
            match messages.next(|_| LIMIT_BYTES) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(violation) => return (events, Some(violation)),
            }
        }
        // What a header announces is not reserved beyond 16 KiB; vectors double as they grow.
        assert!(messages.held_bytes() <= 4 * input.len() + 64 * 1024, "memory for bytes that did not come");
        if messages.partial_bytes().is_none() {
            assert_eq!(messages.held_bytes(), 0, "an idle connection holds memory");
        }
    }
    (events, None)
}

/// Frames as clients send them: short and long, in parts with a ping between them, a text, and a close.
pub fn real_frames() -> Vec<Vec<u8>> {
    let parts = [frame(0x02, b"in "), frame(0x89, b"ping"), frame(0x00, b"three "), frame(0x80, b"parts")];
    let close = [&1000_u16.to_be_bytes()[..], b"bye"].concat();
    vec![
        frame(0x82, b"hello"),
        parts.concat(),
        [frame(0x82, &[7; 300]), frame(0x8a, b"")].concat(),
        [frame(0x81, b"text"), frame(0x88, &close)].concat(),
    ]
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
    let mut bytes = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => bytes.push(0x80 | short),
        _ => {
            bytes.push(0x80 | 126);
            let length = u16::try_from(payload.len()).expect("a short example");
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}
