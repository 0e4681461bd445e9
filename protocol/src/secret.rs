//! The bytes of what holds secrets.

use minicbor::{Encode, encode::Write};
use zeroize::Zeroizing;

/// Most of what is written fits, so that nothing is moved.
const FIRST_BYTES: usize = 1024;

/// The bytes of something that holds secrets, to be wiped: no copy of them stays behind where they outgrow their buffer.
#[must_use]
pub fn encode_secret<T: Encode<()>>(value: &T) -> Zeroizing<Vec<u8>> {
    encode_into(Wiped(Zeroizing::new(Vec::with_capacity(FIRST_BYTES))), value)
}

fn encode_into<T: Encode<()>>(mut wiped: Wiped, value: &T) -> Zeroizing<Vec<u8>> {
    match minicbor::encode(value, &mut wiped) {
        Ok(()) => wiped.0,
        // Writing into memory cannot fail; nothing at all would be refused by every reader.
        Err(_) => Zeroizing::default(),
    }
}

/// A buffer that is wiped where a larger one takes its place.
struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    /// Makes room in a new buffer: the old one is wiped when it is dropped, which one that grows by itself is not.
    fn make_room(&mut self, more: usize) {
        let needed = self.0.len().saturating_add(more);
        if needed > self.0.capacity() {
            let mut larger =
                Zeroizing::new(Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2))));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }
}

impl Write for Wiped {
    type Error = core::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.make_room(bytes.len());
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn secrets_are_written_like_everything_else_however_small_the_buffer() {
        let value: Vec<Vec<u8>> = (0..100).map(|length| vec![7; length]).collect();
        let bytes = encode(&value);
        assert_eq!(*encode_secret(&value), bytes);
        for capacity in [0, 1, 7, 100, bytes.len()] {
            let wiped = Wiped(Zeroizing::new(Vec::with_capacity(capacity)));
            assert_eq!(*encode_into(wiped, &value), bytes, "{capacity}");
        }
    }

    #[test]
    fn a_buffer_is_never_outgrown() {
        let mut wiped = Wiped(Zeroizing::new(Vec::with_capacity(4)));
        for length in 0..200 {
            wiped.make_room(length);
            let capacity = wiped.0.capacity();
            assert!(wiped.write_all(&vec![1; length]).is_ok());
            assert_eq!(wiped.0.capacity(), capacity, "the vector moved by itself");
        }
    }
}
