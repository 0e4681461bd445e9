//! Sessions: what a device shows instead of a password.

use super::call;
use core::fmt;
use minicbor::{Decode, Encode};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 random bytes that stand for an account. A secret: wiped when dropped, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Encode, Decode)]
#[cbor(transparent)]
pub struct SessionToken(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl SessionToken {
    /// Takes the bytes as they are.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SessionToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SessionToken {}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// A session of its own, for a device that is being paired. Needs a proof.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AddSession {
    /// A fresh proof.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
}
call!(AddSession, "/v1/account/sessions/add", 1024, Session, SessionGiven);

/// A new token for the same session. The old one is good for one more call, in case this answer is lost, and not even that
/// once the new one was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RefreshSession {}
call!(RefreshSession, "/v1/account/sessions/refresh", 64, Session, SessionGiven);

/// A session and its token.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionGiven {
    /// What to show from now on.
    #[n(0)]
    pub token: SessionToken,
    /// What the session is called in the list. The client notes in its vault which device it is.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub session: [u8; 16],
}

/// The sessions of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListSessions {}
call!(ListSessions, "/v1/account/sessions", 64, Session, Sessions);

/// Answers [`ListSessions`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sessions {
    /// The one that was used last first.
    #[n(0)]
    pub sessions: Vec<SessionInfo>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionInfo {
    /// Its name.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub session: [u8; 16],
    /// When it began, in days since 1970.
    #[n(1)]
    pub created_day: u32,
    /// When it was last used, in days since 1970.
    #[n(2)]
    pub used_day: u32,
    /// Whether it is the one that asks.
    #[n(3)]
    pub is_own: bool,
}

/// Ends sessions.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EndSession {
    /// Which.
    #[n(0)]
    pub which: Which,
    /// A fresh proof; not needed for the own one.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub proof: Option<Vec<u8>>,
}
call!(EndSession, "/v1/account/sessions/end", 1024, Session, EndedSessions);

/// Which sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Which {
    /// The one that asks: logging out.
    #[n(0)]
    Own,
    /// One of them.
    #[n(1)]
    One(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// All but the one that asks.
    #[n(2)]
    Others,
}

/// Answers [`EndSession`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EndedSessions {
    /// How many were ended.
    #[n(0)]
    pub ended: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_wiped_and_compared_as_a_whole() {
        fn is_wiped<T: ZeroizeOnDrop>() {}
        is_wiped::<SessionToken>();
        let token = SessionToken::new([7; 32]);
        assert_eq!(token, SessionToken::new([7; 32]));
        let mut other = [7; 32];
        other[31] = 8;
        assert_ne!(token, SessionToken::new(other));
    }
}
