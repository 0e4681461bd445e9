//! Inputs that reach deep: real bytes with a few edits, where random bytes would fail at the first check.
//!
//! ```text
//! input = 0 || bytes                              the bytes as they are
//!       / n (1..) || edits                        the n-th real encoding, edited
//! edit  = place (2, scaled to the length) || what (1) || value (1)
//! ```

/// The bytes that an input stands for.
pub fn apply(input: &[u8], real: &[Vec<u8>]) -> Vec<u8> {
    let Some((first, rest)) = input.split_first() else { return Vec::new() };
    let Some(index) = usize::from(*first).checked_sub(1) else { return rest.to_vec() };
    let mut bytes = real[index % real.len()].clone();
    for edit in rest.as_chunks::<4>().0 {
        let [high, low, what, value] = *edit;
        if bytes.is_empty() {
            break;
        }
        let place = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
        match what % 5 {
            0 => bytes[place] = value,
            1 => bytes[place] ^= value,
            2 => bytes.truncate(place),
            3 => bytes.insert(place, value),
            _ => drop(bytes.remove(place)),
        }
    }
    bytes
}

/// The input that stands for the n-th real encoding as it is.
pub const fn unchanged(index: u8) -> [u8; 1] {
    [index + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_bytes_or_edits() {
        let real = [b"one".to_vec(), b"two".to_vec()];
        assert_eq!(apply(b"", &real), b"");
        assert_eq!(apply(b"\0raw", &real), b"raw");
        assert_eq!(apply(&unchanged(1), &real), b"two");
        assert_eq!(apply(&[2, 0, 1, 0, b'h'], &real), b"tho");
        assert_eq!(apply(&[1, 0, 2, 2, 0, 0, 0, 3, b'x'], &real), b"xon");
        assert_eq!(apply(&[1, 0, 0, 2, 0, 0, 0, 0, 0], &real), b"");
    }
}
