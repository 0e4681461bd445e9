//! Headers and masks of frames from a client (RFC 6455, sections 5.2 and 5.3).

use super::Violation;

/// The frame whose payload is arriving.
pub(crate) struct Frame {
    pub opcode: Opcode,
    pub is_final: bool,
    /// Bytes of the payload that have not arrived.
    pub left: u64,
    /// Turned so that it begins with the key of the next byte.
    mask: [u8; 4],
}

/// What a frame is (RFC 6455, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continue,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x0 => Self::Continue,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Frame {
    /// Takes the mask off the next bytes of the payload (RFC 6455, section 5.3), and turns it on to the byte that follows.
    pub(crate) fn unmask(&mut self, payload: &mut [u8]) {
        let [a, b, c, d] = self.mask;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let turn = payload.len() % 4;
        let (chunks, rest) = payload.as_chunks_mut::<8>();
        for chunk in chunks {
            *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
            *byte ^= key;
        }
        self.mask.rotate_left(turn);
    }
}

/// A frame's header and its length, once it is there as a whole.
pub(crate) fn parse_header(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Violation> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    const RESERVED: u8 = 0x70;
    const MASKED: u8 = 0x80;
    if first & RESERVED != 0 || second & MASKED == 0 {
        return Err(Violation::Protocol);
    }
    let opcode = Opcode::of(first & 0xf).ok_or(Violation::Protocol)?;
    // The shortest form alone (RFC 6455, section 5.2); control frames have no other (5.5).
    let (left, rest) = match second & 0x7f {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => match u16::from_be_bytes(*length) {
                ..126 => return Err(Violation::Protocol),
                length => (u64::from(length), rest),
            },
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => match u64::from_be_bytes(*length) {
                ..65_536 | 0x8000_0000_0000_0000.. => return Err(Violation::Protocol),
                length => (length, rest),
            },
            None => return Ok(None),
        },
        short => (u64::from(short), rest),
    };
    let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
    let frame = Frame { opcode, is_final: first & 0x80 != 0, left, mask: *mask };
    Ok(Some((frame, bytes.len() - rest.len())))
}
