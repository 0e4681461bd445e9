//! CBOR as everything here is written: one encoding for each value, and readers that refuse every other.
//!
//! The rules are those of RFC 8949, section 4.2.1 (shortest integers and lengths, definite lengths, map keys in order and
//! none twice), and fewer kinds of values than CBOR has: see [`is_deterministic`]. So nobody can sign, hash or send bytes that
//! two readers understand differently.

use core::fmt;
use minicbor::{Decode, Encode};

/// How deep values may lie inside each other.
const MAX_DEPTH: u32 = 16;

/// Bytes that are not the value they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError;

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame is malformed")
    }
}

impl core::error::Error for FrameError {}

/// The value's bytes.
#[must_use]
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Writing CBOR into a vector cannot fail; an empty value would be refused by every reader.
    minicbor::to_vec(value).unwrap_or_default()
}

/// Reads exactly one value. Map keys that are not known are passed over.
///
/// # Errors
/// [`FrameError`] where the bytes are not CBOR of that shape, not [deterministic](is_deterministic), or more than one value.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, FrameError> {
    let value = minicbor::decode(bytes).map_err(|_| FrameError)?;
    // After decoding: most of what is refused fails there already, and bounded.
    if is_deterministic(bytes) { Ok(value) } else { Err(FrameError) }
}

/// Reads exactly one value in exactly the bytes that this version writes: with nothing that it does not know. For what all
/// have to judge alike.
///
/// # Errors
/// [`FrameError`] as [`decode`], and where there is anything else in the bytes.
pub fn decode_exact<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, FrameError> {
    let value = minicbor::decode(bytes).map_err(|_| FrameError)?;
    if encode(&value) == bytes { Ok(value) } else { Err(FrameError) }
}

/// Whether the bytes are one CBOR value in deterministic encoding: integers and lengths in their shortest form, definite
/// lengths, UTF-8 in texts, unsigned integers in ascending order as keys of maps and no null as their values, no tags, no
/// floating-point numbers, no simple values but false, true and null, at most sixteen levels.
#[must_use]
pub fn is_deterministic(bytes: &[u8]) -> bool {
    skip(bytes, MAX_DEPTH).is_some_and(<[u8]>::is_empty)
}

const NULL: u8 = 0xf6;

/// What follows the first value, if that is deterministic.
fn skip(bytes: &[u8], depth: u32) -> Option<&[u8]> {
    let depth = depth.checked_sub(1)?;
    let (major, argument, mut rest) = head(bytes)?;
    match major {
        0 | 1 => {}
        2 => rest = rest.get(usize::try_from(argument).ok()?..)?,
        3 => {
            let (text, after) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
            core::str::from_utf8(text).ok()?;
            rest = after;
        }
        4 => {
            // Each element has at least a byte, so this ends where the bytes do.
            for _ in 0..argument {
                rest = skip(rest, depth)?;
            }
        }
        5 => {
            let mut last = None;
            for _ in 0..argument {
                let (0, key, after) = head(rest)? else { return None };
                if last >= Some(key) || after.first() == Some(&NULL) {
                    return None;
                }
                last = Some(key);
                rest = skip(after, depth)?;
            }
        }
        7 if matches!(argument, 20..=22) => {}
        _ => return None,
    }
    Some(rest)
}

/// Major type and argument of the first value, in the shortest form, and what follows.
fn head(bytes: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (argument, least, rest) = match first & 0x1f {
        short @ 0..=23 => (u64::from(short), 0, rest),
        24 => rest.split_first().map(|(&byte, rest)| (u64::from(byte), 24, rest))?,
        25 => rest.split_first_chunk().map(|(n, rest)| (u64::from(u16::from_be_bytes(*n)), 1 << 8, rest))?,
        26 => rest.split_first_chunk().map(|(n, rest)| (u64::from(u32::from_be_bytes(*n)), 1 << 16, rest))?,
        27 => rest.split_first_chunk().map(|(n, rest)| (u64::from_be_bytes(*n), 1 << 32, rest))?,
        _ => return None,
    };
    (argument >= least).then_some((first >> 5, argument, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Value {
        #[n(0)]
        number: u32,
        #[n(1)]
        text: Option<String>,
    }

    fn value() -> Value {
        Value { number: 1, text: Some("é".into()) }
    }

    /// What each reader says of bytes: the tolerant one, and the exact one.
    fn read(bytes: &[u8]) -> (bool, bool) {
        (decode::<Value>(bytes) == Ok(value()), decode_exact::<Value>(bytes) == Ok(value()))
    }

    #[test]
    fn a_value_has_one_encoding_and_readers_refuse_every_other() {
        assert_eq!(encode(&value()), b"\xa2\x00\x01\x01\x62\xc3\xa9");
        assert_eq!(read(b"\xa2\x00\x01\x01\x62\xc3\xa9"), (true, true));
        for (bytes, what) in [
            (&b"\xa2\x01\x62\xc3\xa9\x00\x01"[..], "keys out of order"),
            (b"\xa3\x00\x01\x00\x01\x01\x62\xc3\xa9", "a key twice"),
            (b"\xa2\x00\x18\x01\x01\x62\xc3\xa9", "a longer integer"),
            (b"\xa2\x18\x00\x01\x01\x62\xc3\xa9", "a longer key"),
            (b"\xa2\x00\x01\x01\x78\x02\xc3\xa9", "a longer length"),
            (b"\xb8\x02\x00\x01\x01\x62\xc3\xa9", "a longer length of the map"),
            (b"\xbf\x00\x01\x01\x62\xc3\xa9\xff", "an indefinite map"),
            (b"\xa2\x00\x01\x01\x7f\x62\xc3\xa9\xff", "an indefinite text"),
            (b"\xa2\x00\x01\x01\x62\xc3\x28", "no UTF-8"),
            (b"\xa2\x00\xc0\x01\x01\x62\xc3\xa9", "a tag"),
            (b"\xc0\xa2\x00\x01\x01\x62\xc3\xa9", "a tag around it"),
            (b"\xa2\x00\x01\x01\x62\xc3\xa9\x00", "one more byte"),
        ] {
            assert_eq!(read(bytes), (false, false), "{what}");
        }
        assert_eq!(decode::<Value>(b"\xa2\x00\x01\x01\xf6"), Err(FrameError), "null for an absent field");
        assert_eq!(decode::<Value>(b"\xa1\x00\x01"), Ok(Value { number: 1, text: None }));
    }

    #[test]
    fn what_is_not_known_is_passed_over_by_the_tolerant_reader_alone_and_must_be_in_order() {
        let with = |unknown: &[u8]| [b"\xa3\x00\x01\x01\x62\xc3\xa9", unknown].concat();
        for known_kinds in [&b"\x09\x20"[..], b"\x09\x82\xf6\xf5", b"\x09\xa1\x00\x41\xff", b"\x09\xf4"] {
            assert_eq!(read(&with(known_kinds)), (true, false), "{known_kinds:x?}");
        }
        for (unknown, what) in [
            (&b"\x09\x18\x05"[..], "a longer integer"),
            (b"\x09\x38\x05", "a longer negative integer"),
            (b"\x09\x61\xff", "no UTF-8"),
            (b"\x09\xf9\x00\x00", "a half"),
            (b"\x09\xfb\x00\x00\x00\x00\x00\x00\x00\x00", "a double"),
            (b"\x09\xf7", "undefined"),
            (b"\x09\xf8\xff", "a simple value"),
            (b"\x09\xf6", "null"),
            (b"\x09\xa2\x01\x00\x00\x00", "keys out of order inside"),
            (b"\x09\xa1\x20\x00", "a negative key"),
            (b"\x09\xa1\x61a\x00", "a text as key"),
            (b"\x09\xc2\x41\x01", "a tag"),
            (b"\x20\x00", "a negative key outside"),
        ] {
            assert_eq!(read(&with(unknown)), (false, false), "{what}");
        }
    }

    #[test]
    fn depth_and_lengths_are_bounded() {
        let deep = |levels: usize| [vec![0x81; levels], vec![0]].concat();
        assert!(is_deterministic(&deep(15)));
        assert!(!is_deterministic(&deep(16)));
        assert!(!is_deterministic(&deep(100_000)));
        assert!(!is_deterministic(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "an endless list");
        assert!(!is_deterministic(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "endless bytes");
        assert!(!is_deterministic(b""));
    }
}
