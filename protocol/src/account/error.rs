//! The closed set of errors of the account API.

use core::fmt;
use minicbor::{Decode, Encode};

/// A stable code: a client decides by it, and says the remedy in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum AccountErrorCode {
    /// Not CBOR of the call's shape, another content type, or a value that cannot be.
    #[n(1)]
    Malformed,
    /// A field or the request is past its limit.
    #[n(2)]
    LimitExceeded,
    /// Too many calls from this address, or tries for this name: wait.
    #[n(3)]
    TooMany,
    /// The relay takes no new accounts, or none without an invite code.
    #[n(4)]
    RegistrationClosed,
    /// The invite code is none, or used up.
    #[n(5)]
    BadInviteCode,
    /// The name is taken, reserved, or rests after its account was deleted.
    #[n(6)]
    NameUnavailable,
    /// The name is not one, or not normalised.
    #[n(7)]
    BadName,
    /// The identity or the recovery code belongs to another account here.
    #[n(8)]
    IdentityTaken,
    /// Password, name, code or signature is wrong, or the exchange is too old or was finished before.
    #[n(9)]
    LoginRefused,
    /// No session, or one that has ended.
    #[n(10)]
    SessionNeeded,
    /// The call needs a fresh proof of the password.
    #[n(11)]
    ProofNeeded,
    /// Somebody else changed it first: fetch it and try again.
    #[n(12)]
    Conflict,
    /// The relay has no such thing.
    #[n(13)]
    NotFound,
    /// The inbox is full.
    #[n(14)]
    InboxFull,
    /// A page of another site asks, or `Host` is missing.
    #[n(15)]
    ForeignOrigin,
    /// The call is made without a session, so that nothing joins it with an account.
    #[n(16)]
    SessionNotWanted,
    /// The relay's disk is full: nothing was stored.
    #[n(17)]
    StorageFull,
    /// The relay is busy or its database is away: nothing was stored.
    #[n(18)]
    Overloaded,
    /// A fault in the relay.
    #[n(19)]
    Internal,
    /// The relay sends no pushes, or none to that push service.
    #[n(20)]
    PushUnavailable,
}

impl AccountErrorCode {
    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::TooMany | Self::StorageFull | Self::Overloaded | Self::Internal)
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::BadName => 400,
            Self::SessionNeeded => 401,
            Self::RegistrationClosed
            | Self::BadInviteCode
            | Self::LoginRefused
            | Self::ProofNeeded
            | Self::ForeignOrigin
            | Self::SessionNotWanted
            | Self::PushUnavailable => 403,
            Self::NotFound => 404,
            Self::NameUnavailable | Self::IdentityTaken | Self::Conflict => 409,
            Self::LimitExceeded => 413,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Overloaded => 503,
            Self::InboxFull | Self::StorageFull => 507,
        }
    }

    /// What happened, in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Malformed => "the relay could not read the request",
            Self::LimitExceeded => "a limit is exceeded",
            Self::TooMany => "too many tries: wait a while",
            Self::RegistrationClosed => "the relay takes no new accounts",
            Self::BadInviteCode => "the invite code is none, or used up",
            Self::NameUnavailable => "the name is not to be had",
            Self::BadName => "the name is not one",
            Self::IdentityTaken => "the identity has an account here already",
            Self::LoginRefused => "name, password or code is wrong",
            Self::SessionNeeded => "not logged in",
            Self::ProofNeeded => "the password is needed once more",
            Self::Conflict => "another device changed it first",
            Self::NotFound => "there is nothing of that name",
            Self::InboxFull => "the inbox is full",
            Self::ForeignOrigin => "a page of another site asked",
            Self::SessionNotWanted => "the call is made without a session",
            Self::StorageFull => "the relay's disk is full",
            Self::Overloaded => "the relay is busy",
            Self::Internal => "the relay has a fault",
            Self::PushUnavailable => "the relay wakes nobody there",
        }
    }
}

/// An error as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AccountError {
    /// What happened.
    #[n(0)]
    pub code: AccountErrorCode,
    /// The limit that was exceeded, in its own unit.
    #[n(1)]
    pub limit: Option<u64>,
    /// When to try again, in milliseconds from now; also in `Retry-After`, in seconds.
    #[n(2)]
    pub retry_after_ms: Option<u64>,
    /// With `Conflict`: the version that the relay has; 0 where it has none.
    #[n(3)]
    pub version: Option<u64>,
}

impl AccountError {
    /// An error with nothing but its code.
    #[must_use]
    pub const fn new(code: AccountErrorCode) -> Self {
        Self { code, limit: None, retry_after_ms: None, version: None }
    }

    /// An error that names the limit it is about.
    #[must_use]
    pub const fn with_limit(code: AccountErrorCode, limit: u64) -> Self {
        Self { limit: Some(limit), ..Self::new(code) }
    }

    /// An error that passes.
    #[must_use]
    pub const fn with_delay(code: AccountErrorCode, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(code) }
    }

    /// Another change came first.
    #[must_use]
    pub const fn conflict(version: u64) -> Self {
        Self { version: Some(version), ..Self::new(AccountErrorCode::Conflict) }
    }
}

impl From<AccountErrorCode> for AccountError {
    fn from(code: AccountErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.describe())?;
        if let Some(limit) = self.limit {
            write!(f, " (limit: {limit})")?;
        }
        Ok(())
    }
}

impl core::error::Error for AccountError {}
