//! What can go wrong with the browser's storage, each with what to do about it.

use std::fmt;
use wasm_bindgen::{JsCast, JsValue};

/// Why storage does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The page came over plain http from another machine: browsers then keep cryptography and locks from it.
    NotSecure,
    /// The browser keeps storage from this page: a private window, or settings.
    Unavailable,
    /// There is no room left.
    Full,
    /// Something that was stored does not open under this browser's key.
    Damaged,
    /// The database was written by a newer version of this page.
    Newer,
    /// The browser said something else. Its name for it, never content.
    Other(String),
}

impl StoreError {
    /// The error behind what the browser threw.
    pub fn from_js(thrown: &JsValue) -> Self {
        let name = thrown
            .dyn_ref::<web_sys::DomException>()
            .map(web_sys::DomException::name)
            .or_else(|| thrown.dyn_ref::<js_sys::Error>().map(|error| String::from(error.name())))
            .unwrap_or_default();
        match name.as_str() {
            "QuotaExceededError" => Self::Full,
            "OperationError" | "DataError" => Self::Damaged,
            "VersionError" => Self::Newer,
            "SecurityError" | "InvalidStateError" | "NotAllowedError" => Self::Unavailable,
            _ => Self::Other(name),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSecure => f.write_str("this page is not on a secure address"),
            Self::Unavailable => f.write_str("this browser keeps its storage from this page"),
            Self::Full => f.write_str("this browser has no storage left"),
            Self::Damaged => f.write_str("what this browser stored does not open any more"),
            Self::Newer => f.write_str("a newer version of Sotto wrote to this browser's storage"),
            Self::Other(name) => write!(f, "this browser's storage failed ({name})"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<JsValue> for StoreError {
    fn from(thrown: JsValue) -> Self {
        Self::from_js(&thrown)
    }
}
