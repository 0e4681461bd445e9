//! Blobs: what clients and relay say to each other about sealed files, over HTTP.
//!
//! A blob is bytes that the relay cannot read, under an id that its uploader made. It belongs to no room and no account. It is
//! created with its length ([`PATH`], PUT), appended to in segments (PATCH), readable once it is whole (GET, HEAD), and never
//! changed after that. Who has its token may append, ask how far it is, and delete it. Requests never bear `Authorization`.
//! Errors are one CBOR value each, [`BlobError`], with the status of their code.

use core::fmt;
use minicbor::{Decode, Encode};

/// Where blobs are: the id follows, in base64url without padding.
pub const PATH: &str = "/v1/blobs/";

/// How many characters an id has in the path.
pub const ID_CHARS: usize = 22;

/// Length of a token, in bytes.
pub const TOKEN_BYTES: usize = 32;

/// Content type of segments and blobs.
pub const CONTENT_TYPE: &str = "application/octet-stream";

/// Header: how long the blob is to be, in bytes.
pub const LENGTH_HEADER: &str = "upload-length";

/// Header: how much of it the relay has, in bytes; at PATCH: where the segment begins.
pub const OFFSET_HEADER: &str = "upload-offset";

/// Header: the token, in base64url without padding.
pub const TOKEN_HEADER: &str = "upload-token";

/// Header: for how many days the whole blob is to be kept. Without it: as long as the relay keeps any.
pub const KEEP_HEADER: &str = "upload-keep-days";

/// Longest blob, in bytes, unless the relay sets another limit: a file of 2 GiB with a tag and a hash for
/// each of its pieces.
pub const BLOB_MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024 + 2 * 1024 * (16 + 32);

/// Shortest segment, in bytes, unless it is the last one.
pub const SEGMENT_MIN_BYTES: u64 = 64 * 1024;

/// Length of a segment that passes the usual proxies, in bytes: a client sends no longer ones.
pub const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// Most days that can be asked for.
pub const KEEP_MAX_DAYS: u32 = 3660;

/// Permits to append to a blob, to ask how far it is, and to delete it: random, for this blob alone. A secret.
#[derive(Clone)]
pub struct BlobToken([u8; TOKEN_BYTES]);

impl BlobToken {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; TOKEN_BYTES] {
        &self.0
    }
}

impl fmt::Debug for BlobToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobToken(…)")
    }
}

/// A stable code: a client decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum BlobErrorCode {
    /// A path or a header that is none, or is missing.
    #[n(1)]
    Malformed,
    /// Longer than the relay takes, or than was said at creation; or a day past the last.
    #[n(2)]
    LimitExceeded,
    /// Too many calls, uploads or bytes from this address: wait.
    #[n(3)]
    TooMany,
    /// There is no whole blob of that id, or none at all.
    #[n(4)]
    NotFound,
    /// The token is missing, or another blob's.
    #[n(5)]
    TokenRefused,
    /// The id is taken, by a blob of another token, length or time.
    #[n(6)]
    IdTaken,
    /// The segment begins elsewhere than where the blob ends.
    #[n(7)]
    WrongOffset,
    /// The segment is too short, and not the last.
    #[n(8)]
    SegmentTooShort,
    /// The segment ended early, or nothing came for too long. What came before is kept.
    #[n(9)]
    Interrupted,
    /// The blob has no such bytes.
    #[n(10)]
    NoSuchRange,
    /// The address has too many uploads under way: end one.
    #[n(11)]
    TooManyUnfinished,
    /// A page of another site asks, or `Host` is missing.
    #[n(12)]
    ForeignOrigin,
    /// The request shows a session, and nothing is to join blobs with an account.
    #[n(13)]
    SessionNotWanted,
    /// The relay keeps no more blobs: its quota or its disk is full.
    #[n(14)]
    StorageFull,
    /// The relay is busy, or its storage is away.
    #[n(15)]
    Overloaded,
    /// A fault in the relay.
    #[n(16)]
    Internal,
    /// The relay takes no blobs.
    #[n(17)]
    Closed,
}

impl BlobErrorCode {
    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::TooMany | Self::TooManyUnfinished | Self::StorageFull | Self::Overloaded | Self::Internal
        )
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::SegmentTooShort => 400,
            Self::TokenRefused | Self::ForeignOrigin | Self::SessionNotWanted | Self::Closed => 403,
            Self::NotFound => 404,
            Self::Interrupted => 408,
            Self::IdTaken | Self::WrongOffset => 409,
            Self::LimitExceeded => 413,
            Self::NoSuchRange => 416,
            Self::TooMany | Self::TooManyUnfinished => 429,
            Self::Internal => 500,
            Self::Overloaded => 503,
            Self::StorageFull => 507,
        }
    }

    /// What happened, in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Malformed => "the relay could not read the request",
            Self::LimitExceeded => "a limit is exceeded",
            Self::TooMany => "too much from this address: wait a while",
            Self::NotFound => "the relay does not have the file",
            Self::TokenRefused => "the token is another one's",
            Self::IdTaken => "there is another file of that name",
            Self::WrongOffset => "the relay has another part of the file",
            Self::SegmentTooShort => "the segment is too short",
            Self::Interrupted => "the upload was interrupted",
            Self::NoSuchRange => "the file has no such part",
            Self::TooManyUnfinished => "too many uploads at once from this address",
            Self::ForeignOrigin => "a page of another site asked",
            Self::SessionNotWanted => "the call is made without a session",
            Self::StorageFull => "the relay has no more space for files",
            Self::Overloaded => "the relay is busy",
            Self::Internal => "the relay has a fault",
            Self::Closed => "the relay takes no files",
        }
    }
}

/// An error as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobError {
    /// What happened.
    #[n(0)]
    pub code: BlobErrorCode,
    /// The limit that was exceeded, in its own unit.
    #[n(1)]
    pub limit: Option<u64>,
    /// When to try again, in milliseconds from now; also in `Retry-After`, in seconds.
    #[n(2)]
    pub retry_after_ms: Option<u64>,
    /// How much of the blob the relay has, in bytes, where the token was right; also in [`OFFSET_HEADER`].
    #[n(3)]
    pub offset: Option<u64>,
}

impl BlobError {
    /// An error with nothing but its code.
    #[must_use]
    pub const fn new(code: BlobErrorCode) -> Self {
        Self { code, limit: None, retry_after_ms: None, offset: None }
    }

    /// An error that names the limit it is about.
    #[must_use]
    pub const fn with_limit(code: BlobErrorCode, limit: u64) -> Self {
        Self { limit: Some(limit), ..Self::new(code) }
    }

    /// An error that passes.
    #[must_use]
    pub const fn with_delay(code: BlobErrorCode, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(code) }
    }

    /// The same, with how much the relay has.
    #[must_use]
    pub const fn at(self, offset: u64) -> Self {
        Self { offset: Some(offset), ..self }
    }
}

impl From<BlobErrorCode> for BlobError {
    fn from(code: BlobErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.describe())?;
        if let Some(limit) = self.limit {
            write!(f, " (limit: {limit})")?;
        }
        Ok(())
    }
}

impl core::error::Error for BlobError {}
