//! Golden bytes: what is sent and stored must stay readable, so each format has a file under `tests/goldens`.
//!
//! A line is `name = hex`; lines that begin with `#` explain. A format that changes gets a new file beside the old one.

/// The bytes of a line.
pub fn line(file: &str, name: &str) -> Vec<u8> {
    let found = file.lines().find_map(|line| {
        let (found, hex) = line.split_once(" = ")?;
        (found.trim() == name).then(|| from_hex(hex.trim()))
    });
    found.unwrap_or_default()
}

/// Compares with the file's lines, and on failure says what they would have to be.
pub fn check(file: &str, lines: &[(&str, Vec<u8>)]) {
    let is_same = lines.iter().all(|(name, bytes)| line(file, name) == *bytes);
    let wanted: String = lines.iter().map(|(name, bytes)| format!("{name} = {}\n", to_hex(bytes))).collect();
    assert!(is_same, "golden bytes differ; these are the present ones:\n{wanted}");
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
