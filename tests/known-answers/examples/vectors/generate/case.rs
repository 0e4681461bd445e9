//! What a reader is given: a case of a file, with what it must know.

use serde_json::Value;
use sotto_crypto::{CryptoError, Secret};

/// Why bytes were refused; for people.
#[derive(Debug)]
pub struct Refused(pub String);

impl From<CryptoError> for Refused {
    fn from(error: CryptoError) -> Self {
        Self(error.to_string())
    }
}

impl From<sotto_protocol::FrameError> for Refused {
    fn from(error: sotto_protocol::FrameError) -> Self {
        Self(error.to_string())
    }
}

/// Reads a case's bytes (or text), and says what it found.
pub type Reader = fn(&With<'_>, &[u8]) -> Result<Value, Refused>;

/// What a reader must know. A value that is missing is a fault of the file.
pub struct With<'a>(pub &'a Value);

impl With<'_> {
    /// Bytes.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.text(name)).unwrap_or_else(|_| panic!("{name} is hex"))
    }

    /// Bytes of a fixed length.
    pub fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{name} has {N} bytes"))
    }

    /// A secret or a seed.
    pub fn secret(&self, name: &str) -> Secret {
        Secret::new(self.array(name))
    }

    /// A number.
    pub fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} is a number"))
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} is a text"))
    }

    /// Whether there is such a value.
    pub fn has(&self, name: &str) -> bool {
        !self.0[name].is_null()
    }

    /// What is inside a value.
    pub fn at(&self, name: &str) -> With<'_> {
        With(&self.0[name])
    }

    /// The items of a list.
    pub fn list(&self, name: &str) -> Vec<With<'_>> {
        self.0[name].as_array().unwrap_or_else(|| panic!("{name} is a list")).iter().map(With).collect()
    }
}
