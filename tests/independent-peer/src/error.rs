//! Why the peer refuses.

use mls_rs::error::MlsError;

/// What went wrong.
#[derive(Debug)]
pub enum PeerError {
    /// Bytes that are not what the document says.
    Malformed(&'static str),
    /// A version that this peer does not know.
    Version(u32),
    /// Something sealed that does not open.
    NotOpened(&'static str),
    /// A signature that does not verify.
    BadSignature(&'static str),
    /// A rule of rooms that is broken.
    Forbidden(&'static str),
    /// What the MLS library says.
    Mls(Box<MlsError>),
    /// The system gave no randomness.
    NoRandomness,
}

impl std::fmt::Display for PeerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for PeerError {}

impl mls_rs::error::IntoAnyError for PeerError {
    fn into_dyn_error(self) -> Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        Ok(Box::new(self))
    }
}

impl From<MlsError> for PeerError {
    fn from(error: MlsError) -> Self {
        Self::Mls(Box::new(error))
    }
}
