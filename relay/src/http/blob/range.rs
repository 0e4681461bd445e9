//! Which part of a blob is asked for (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it. So are ranges that are none, several at once, and other units: a server may answer those with all of it.
    Whole,
    /// Those bytes.
    Part(Range<u64>),
    /// Nothing that is there.
    Nothing,
}

/// Reads it, for a blob of that length.
pub(super) fn read(header: &str, length: u64) -> Asked {
    let Some((unit, range)) = header.split_once('=') else { return Asked::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let Some((first, last)) = range.trim().split_once('-') else { return Asked::Whole };
    match (number(first), number(last)) {
        (Number::None, Number::Is(suffix)) => part(length.saturating_sub(suffix)..length),
        (Number::Is(first), Number::None) => part(first..length),
        (Number::Is(first), Number::Is(last)) if first <= last => {
            part(first..last.saturating_add(1).min(length))
        }
        _ => Asked::Whole,
    }
}

fn part(range: Range<u64>) -> Asked {
    if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
}

enum Number {
    None,
    Is(u64),
    Bad,
}

/// Digits alone; past the last number is as good as the last number.
fn number(text: &str) -> Number {
    if text.is_empty() {
        return Number::None;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Number::Bad;
    }
    Number::Is(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_rfc_has_it() {
        for (header, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-99", Asked::Part(0..100)),
            ("bytes=0-100", Asked::Part(0..100)),
            ("bytes=5-", Asked::Part(5..100)),
            ("bytes=99-", Asked::Part(99..100)),
            ("BYTES = 5-6", Asked::Part(5..7)),
            ("bytes=-1", Asked::Part(99..100)),
            ("bytes=-100", Asked::Part(0..100)),
            ("bytes=-101", Asked::Part(0..100)),
            ("bytes=7-99999999999999999999999999", Asked::Part(7..100)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=100-200", Asked::Nothing),
            ("bytes=99999999999999999999999999-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=6-5", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=1-2,4-5", Asked::Whole),
            ("bytes=--1", Asked::Whole),
            ("items=0-5", Asked::Whole),
            ("0-5", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(read(header, 100), expected, "{header}");
        }
    }
}
