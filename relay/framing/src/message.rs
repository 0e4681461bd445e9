//! Messages out of bytes: the receiving half of RFC 6455, section 5.
//!
//! Memory follows what has arrived, never what a header announces. A message over its limit is skipped without being
//! kept; only its head stays, to tell which request it was.

use super::Violation;
use super::close::check_close;
use super::frame::{Frame, Opcode, parse_header};

/// Most messages are not longer than this; how long one may become that is, is asked.
const SHORT_MAX_BYTES: usize = 64 * 1024;
/// What is kept of a message that is too long.
const HEAD_BYTES: usize = 64;
/// A message longer than this is not even skipped.
const SKIPPED_MAX_BYTES: u64 = 64 * 1024 * 1024;
const CONTROL_MAX_BYTES: u64 = 125;
/// What a message reserves at first; it doubles from there as bytes arrive.
const FIRST_RESERVE_BYTES: usize = 16 * 1024;

/// Something complete.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A binary message.
    Binary(Vec<u8>),
    /// A text message, which this protocol does not have.
    Text,
    /// A binary message over its limit: its first bytes, and the limit in bytes.
    TooLong(Vec<u8>, usize),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong,
    /// The peer is done.
    Close,
}

/// Puts messages together.
#[derive(Default)]
pub struct Messages {
    /// Bytes that have arrived and are not understood yet: never more than a header or a control frame, plus one read.
    bytes: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Partial>,
}

struct Partial {
    is_text: bool,
    bytes: Vec<u8>,
    /// How long it may become without asking again.
    limit: usize,
    /// Set once the message is over its limit.
    over: Option<usize>,
    length: u64,
}

impl Messages {
    /// Where the next bytes from the peer are to be appended.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How much has come of a message that is not whole yet; nothing where none is on its way.
    #[must_use]
    pub fn partial_bytes(&self) -> Option<usize> {
        let kept = self.message.as_ref().map(|message| message.bytes.len());
        let is_begun = kept.is_some() || self.frame.is_some() || !self.bytes.is_empty();
        is_begun.then(|| kept.unwrap_or_default() + self.bytes.len())
    }

    /// How many bytes are held in memory for this connection.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity() + self.message.as_ref().map_or(0, |message| message.bytes.capacity())
    }

    /// The next complete thing. `limit_of` tells, of a message that is longer than it has said before, how long it may become; one that
    /// is longer than that is skipped.
    ///
    /// # Errors
    /// [`Violation`]. Nothing that follows means anything.
    pub fn next(&mut self, mut limit_of: impl FnMut(&[u8]) -> usize) -> Result<Option<Event>, Violation> {
        loop {
            if self.frame.is_none() {
                let Some((frame, header_len)) = parse_header(&self.bytes)? else { break };
                self.begin(&frame)?;
                self.bytes.drain(..header_len);
                self.frame = Some(frame);
            }
            let Some(frame) = &mut self.frame else { break };
            if frame.opcode.is_control() {
                if (self.bytes.len() as u64) < frame.left {
                    break;
                }
                let mut payload = self.bytes.split_off(usize::try_from(frame.left).unwrap_or(0));
                std::mem::swap(&mut payload, &mut self.bytes);
                frame.unmask(&mut payload);
                let opcode = frame.opcode;
                self.frame = None;
                return match opcode {
                    Opcode::Close => check_close(&payload).map(|()| Some(Event::Close)),
                    Opcode::Ping => Ok(Some(Event::Ping(payload))),
                    _ => Ok(Some(Event::Pong)),
                };
            }
            let Some(message) = &mut self.message else { return Err(Violation::Protocol) };
            let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(self.bytes.len());
            if let Some(payload) = self.bytes.get_mut(..here) {
                frame.unmask(payload);
                message.take(payload, &mut limit_of);
            }
            self.bytes.drain(..here);
            frame.left -= here as u64;
            if frame.left > 0 {
                break;
            }
            let is_final = frame.is_final;
            self.frame = None;
            if is_final && let Some(message) = self.message.take() {
                return Ok(Some(message.finish()));
            }
        }
        if self.bytes.is_empty() {
            // An idle connection keeps no buffer.
            self.bytes = Vec::new();
        }
        Ok(None)
    }

    /// Whether the frame may come here (RFC 6455, sections 5.4 and 5.5).
    fn begin(&mut self, frame: &Frame) -> Result<(), Violation> {
        match (frame.opcode, &mut self.message) {
            (opcode, _) if opcode.is_control() => {
                if !frame.is_final || frame.left > CONTROL_MAX_BYTES {
                    return Err(Violation::Protocol);
                }
            }
            (Opcode::Continue, Some(message)) => message.announce(frame.left)?,
            (Opcode::Continue, None) | (_, Some(_)) => return Err(Violation::Protocol),
            (opcode, empty @ None) => {
                let is_text = opcode == Opcode::Text;
                let mut message =
                    Partial { is_text, bytes: Vec::new(), limit: SHORT_MAX_BYTES, over: None, length: 0 };
                message.announce(frame.left)?;
                *empty = Some(message);
            }
        }
        Ok(())
    }
}

impl Partial {
    fn announce(&mut self, more: u64) -> Result<(), Violation> {
        self.length = self.length.saturating_add(more);
        if self.length > SKIPPED_MAX_BYTES {
            return Err(Violation::TooBig);
        }
        if !self.is_text {
            let announced = usize::try_from(more).unwrap_or(usize::MAX);
            self.bytes.reserve(announced.min(FIRST_RESERVE_BYTES));
        }
        Ok(())
    }

    fn take(&mut self, payload: &[u8], limit_of: impl FnOnce(&[u8]) -> usize) {
        if self.is_text || self.over.is_some() {
            return;
        }
        self.bytes.extend_from_slice(payload);
        if self.bytes.len() > self.limit {
            self.limit = limit_of(&self.bytes);
            if self.bytes.len() > self.limit {
                self.over = Some(self.limit);
                self.bytes.truncate(HEAD_BYTES);
                self.bytes.shrink_to_fit();
            }
        }
    }

    fn finish(self) -> Event {
        match self.over {
            _ if self.is_text => Event::Text,
            Some(limit) => Event::TooLong(self.bytes, limit),
            None => Event::Binary(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_protocol::limits;

    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short if short < 126 => bytes.push(0x80 | short as u8),
            medium if medium < 65_536 => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes
    }

    /// What comes out if the bytes arrive `step` at a time.
    fn events(bytes: &[u8], step: usize) -> Result<Vec<Event>, Violation> {
        let mut messages = Messages::default();
        let mut events = Vec::new();
        for chunk in bytes.chunks(step) {
            messages.buffer().extend_from_slice(chunk);
            let limit_of = |head: &[u8]| match head.first() {
                Some(b'H') => limits::HANDSHAKE_FRAME_MAX_BYTES,
                _ => limits::FRAME_MAX_BYTES,
            };
            while let Some(event) = messages.next(limit_of)? {
                events.push(event);
            }
        }
        if messages.frame.is_none() && messages.message.is_none() {
            assert_eq!(messages.bytes.capacity(), 0, "an idle connection keeps no buffer");
        }
        Ok(events)
    }

    #[test]
    fn messages_come_out_however_the_bytes_arrive() {
        let long: Vec<u8> = (0..70_000_u32).map(|n| n as u8).collect();
        let mut bytes = frame(0x82, b"");
        bytes.extend(frame(0x82, b"hello"));
        bytes.extend(frame(0x02, b"in "));
        bytes.extend(frame(0x89, b"ping"));
        bytes.extend(frame(0x00, b"three "));
        bytes.extend(frame(0x80, b"parts"));
        bytes.extend(frame(0x81, b"text"));
        bytes.extend(frame(0x82, &long[..200]));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x82, &long));
        bytes.extend(frame(0x88, &[3, 0xe8]));
        let expected = [
            Event::Binary(vec![]),
            Event::Binary(b"hello".to_vec()),
            Event::Ping(b"ping".to_vec()),
            Event::Binary(b"in three parts".to_vec()),
            Event::Text,
            Event::Binary(long[..200].to_vec()),
            Event::Pong,
            Event::Binary(long),
            Event::Close,
        ];
        for step in [1, 2, 3, 7, 13, 1000, 4096, 1_000_000] {
            assert_eq!(events(&bytes, step).as_deref(), Ok(&expected[..]), "{step} bytes at a time");
        }
    }

    #[test]
    fn what_the_rfc_forbids_is_a_violation() {
        for (what, bytes) in [
            ("reserved bit", frame(0xc2, b"")),
            ("not masked", vec![0x82, 0]),
            ("unknown opcode", frame(0x83, b"")),
            ("unknown control opcode", frame(0x8b, b"")),
            ("control frame in parts", frame(0x09, b"")),
            ("long control frame", frame(0x89, &[0; 126])),
            ("continuation of nothing", frame(0x80, b"")),
            ("message within a message", [frame(0x02, b"a"), frame(0x82, b"b")].concat()),
        ] {
            assert_eq!(events(&bytes, 1), Err(Violation::Protocol), "{what}");
        }
        for (what, payload, violation) in [
            ("half a code", &[3][..], Violation::Protocol),
            ("a code that never stands in a frame", &1005_u16.to_be_bytes(), Violation::Protocol),
            ("a reason that is no text", &[3, 0xe8, 0xff], Violation::Text),
        ] {
            assert_eq!(events(&frame(0x88, payload), 1), Err(violation), "{what}");
        }
        let announced = |length: u64| [&[0x82, 0xff][..], &length.to_be_bytes(), &MASK].concat();
        assert_eq!(events(&announced(u64::MAX >> 1), 100), Err(Violation::TooBig));
        for (what, bytes) in [
            ("the first bit of a length", announced(1 << 63)),
            ("a length in 8 bytes that takes 2", announced(65_535)),
            ("a length in 2 bytes that takes none", [&[0x82, 0xfe, 0, 125][..], &MASK].concat()),
            ("a control frame with a length of its own", [&[0x89, 0xfe, 0, 5][..], &MASK].concat()),
        ] {
            assert_eq!(events(&bytes, 100), Err(Violation::Protocol), "{what}");
        }
    }

    #[test]
    fn a_message_over_its_limit_is_skipped_and_the_next_one_read() {
        for (first, limit) in [(b'M', limits::FRAME_MAX_BYTES), (b'H', limits::HANDSHAKE_FRAME_MAX_BYTES)] {
            let mut payload = vec![first; limit];
            let at_limit = frame(0x82, &payload);
            assert_eq!(events(&at_limit, 4096), Ok(vec![Event::Binary(payload.clone())]));
            payload.push(first);
            let over = [frame(0x82, &payload), frame(0x82, b"next")].concat();
            let expected =
                vec![Event::TooLong(vec![first; HEAD_BYTES], limit), Event::Binary(b"next".to_vec())];
            assert_eq!(events(&over, 4096), Ok(expected));
        }
    }
}
