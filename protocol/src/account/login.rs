//! Registration, login by password, the fresh proof of it, and login by recovery code.

use super::{DirectoryEntry, SessionToken, call};
use crate::{Challenge, limits::SEALED_RECORD_MAX_BYTES};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// An invite code of the relay, where it takes new accounts by code only: 10 to 64 letters and digits.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct InviteCode(#[n(0)] pub String);

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(…)")
    }
}

/// Begins a registration.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StartRegister {
    /// The name, normalised.
    #[n(0)]
    pub name: String,
    /// OPAQUE's registration request.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub request: [u8; 32],
    /// Where the relay asks for one.
    #[n(2)]
    pub code: Option<InviteCode>,
}
call!(StartRegister, "/v1/account/register/start", 1024, Anonymous, RegisterStarted);

/// Answers [`StartRegister`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RegisterStarted {
    /// OPAQUE's registration response.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub response: [u8; 64],
    /// What the identity is to sign, in a [`registration_statement`].
    #[n(1)]
    pub challenge: Challenge,
    /// What the relay wants back: sealed for itself, good for two minutes and once.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub state: Vec<u8>,
}

/// Ends it: the account is there, and logged in.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Register {
    /// The name, normalised.
    #[n(0)]
    pub name: String,
    /// OPAQUE's registration record.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub login: [u8; 192],
    /// The sealed record, version 1.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub record: Vec<u8>,
    /// Whose account it is.
    #[n(3)]
    pub entry: DirectoryEntry,
    /// Whether others find the account by its name.
    #[n(4)]
    pub is_findable: bool,
    /// Where the relay asks for one.
    #[n(5)]
    pub code: Option<InviteCode>,
    /// As it came with the challenge.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub state: Vec<u8>,
    /// By the identity key, over the [`registration_statement`].
    #[cbor(n(7), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}
call!(Register, "/v1/account/register", SEALED_RECORD_MAX_BYTES + 4096, Anonymous, LoggedIn);

/// What an identity signs to have an account at the relay of that authority: without it, anyone who has seen its directory entry could
/// register it as their own.
#[must_use]
pub fn registration_statement(
    authority: &str,
    challenge: &Challenge,
    (login, record): (&[u8; 192], &[u8]),
    entry: &DirectoryEntry,
    (name, is_findable): (&str, bool),
) -> Vec<u8> {
    let authority = authority.to_ascii_lowercase();
    let mut statement = b"sotto/1 register account".to_vec();
    statement.extend_from_slice(&(authority.len() as u64).to_be_bytes());
    statement.extend_from_slice(authority.as_bytes());
    statement.extend_from_slice(challenge.as_bytes());
    for part in [&login[..], record, &crate::encode(entry), name.as_bytes()] {
        statement.extend_from_slice(&Sha256::digest(part));
    }
    statement.push(is_findable.into());
    statement
}

/// A login that succeeded.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LoggedIn {
    /// What to show from now on.
    #[n(0)]
    pub token: SessionToken,
    /// What the session is called in the list.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub session: [u8; 16],
    /// Good for five minutes, for what needs a fresh proof.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
    /// The sealed record.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub record: Vec<u8>,
}

/// Begins a login.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StartLogin {
    /// The name, normalised.
    #[n(0)]
    pub name: String,
    /// OPAQUE's KE1.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub request: [u8; 96],
}
call!(StartLogin, "/v1/account/login/start", 1024, Anonymous, LoginStarted);

/// Answers [`StartLogin`] and [`StartProof`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LoginStarted {
    /// OPAQUE's KE2.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub response: [u8; 320],
    /// What the relay wants back: sealed for itself, good for two minutes and once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub state: Vec<u8>,
}

/// Ends a login.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FinishLogin {
    /// As it came.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub state: Vec<u8>,
    /// OPAQUE's KE3.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub confirmation: [u8; 64],
}
call!(FinishLogin, "/v1/account/login", 2048, Anonymous, LoggedIn);

/// Begins a login by the recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StartRecovery {}
call!(StartRecovery, "/v1/account/recovery/start", 64, Anonymous, Challenged);

/// Answers [`StartRecovery`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenged {
    /// What is to be signed, in a [`recovery_statement`](crate::recovery_statement).
    #[n(0)]
    pub challenge: Challenge,
    /// What the relay wants back: sealed for itself, good for two minutes and once.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub state: Vec<u8>,
}

/// Ends it. The proof that comes back is good for one thing only: a new password.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FinishRecovery {
    /// As it came.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub state: Vec<u8>,
    /// The code's login key: the relay finds the account by it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub login_key: [u8; 32],
    /// Over the recovery statement.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}
call!(FinishRecovery, "/v1/account/recovery", 2048, Anonymous, LoggedIn);

/// Begins a fresh proof of the password, on a session.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StartProof {
    /// OPAQUE's KE1.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub request: [u8; 96],
}
call!(StartProof, "/v1/account/proof/start", 1024, Session, LoginStarted);

/// Ends it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FinishProof {
    /// As it came.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub state: Vec<u8>,
    /// OPAQUE's KE3.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub confirmation: [u8; 64],
}
call!(FinishProof, "/v1/account/proof", 2048, Session, Proven);

/// Answers [`FinishProof`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Proven {
    /// Good for five minutes, on this session, while the password stays the same.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
    /// The sealed record.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub record: Vec<u8>,
}

/// Begins a change of the password: a registration for an account that is there.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StartPassword {
    /// A fresh proof, by password or by recovery code.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proof: Vec<u8>,
    /// OPAQUE's registration request.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub request: [u8; 32],
}
call!(StartPassword, "/v1/account/password/start", 1024, Session, PasswordStarted);

/// Answers [`StartPassword`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PasswordStarted {
    /// OPAQUE's registration response.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub response: [u8; 64],
}
