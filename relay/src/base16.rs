//! Bytes as text in base16, in lower case.

/// Two digits for each byte.
pub(crate) fn base16(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}
