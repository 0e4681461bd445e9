//! From a request to a call: who asks, by which session, and what.

use super::HttpState;
use super::answer::Refused;
use super::memory::CallMemory;
use crate::access::same_origin;
use crate::account::{Caller, Session};
use crate::limit::client_address;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_protocol::account::{self, AccountError, AccountErrorCode, Call, SessionToken};
use zeroize::Zeroizing;

/// A call by whoever.
pub(super) struct Anonymous<C> {
    /// Where from.
    pub caller: Caller,
    /// What is asked.
    pub call: C,
    /// What the call takes, until it is done.
    pub memory: CallMemory,
}

/// A call by the holder of a session.
pub(super) struct WithSession<C> {
    /// Where from.
    pub caller: Caller,
    /// Whose.
    pub session: Session,
    /// What is asked.
    pub call: C,
    /// What the call takes, until it is done.
    pub memory: CallMemory,
}

impl<C: Call> FromRequest<HttpState> for Anonymous<C> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Refused> {
        let caller = check_head::<C>(request.headers(), &request, state)?;
        // A client that shows a session here by mistake is told, rather than joined with an account.
        if request.headers().contains_key(AUTHORIZATION) {
            return Err(AccountErrorCode::SessionNotWanted.into());
        }
        let (call, memory) = read_call(request, &caller, state).await?;
        let bounds = (state.accounts.settings(), state.body_timeout);
        let memory = memory.with_answer::<C>(&state.addresses, caller.address, bounds).await?;
        Ok(Self { caller, call, memory })
    }
}

impl<C: Call> FromRequest<HttpState> for WithSession<C> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Refused> {
        let caller = check_head::<C>(request.headers(), &request, state)?;
        let token = token_of(request.headers()).ok_or(AccountErrorCode::SessionNeeded)?;
        // A request without a valid session takes no memory for its body.
        state.accounts.check_session(&token).await?;
        // Then what was asked: a request that cannot be read does not use up anything.
        let (call, memory) = read_call(request, &caller, state).await?;
        let session = state.accounts.session(&token).await?;
        let bounds = (state.accounts.settings(), state.body_timeout);
        let memory = memory.with_answer::<C>(&state.addresses, caller.address, bounds).await?;
        Ok(Self { caller, session, call, memory })
    }
}

/// What can be said before the body is read.
fn check_head<C: Call>(headers: &HeaderMap, request: &Request, state: &HttpState) -> Result<Caller, Refused> {
    let authority = only(headers, &HOST).filter(|host| !host.is_empty());
    let authority = authority.ok_or(AccountErrorCode::ForeignOrigin)?.to_ascii_lowercase();
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if !same_origin(origin, &authority) {
        return Err(AccountErrorCode::ForeignOrigin.into());
    }
    let address = client_address(request, state.addresses.trusted());
    let caller = Caller { address, authority };
    state.accounts.count_call(&caller)?;
    if only(headers, &CONTENT_TYPE) != Some(account::CONTENT_TYPE) {
        return Err(AccountErrorCode::Malformed.into());
    }
    if length_of(headers).is_some_and(|length| length > C::MAX_BYTES as u64) {
        return Err(too_large::<C>());
    }
    Ok(caller)
}

async fn read_call<C: Call>(
    request: Request,
    caller: &Caller,
    state: &HttpState,
) -> Result<(C, CallMemory), Refused> {
    let length = length_of(request.headers()).and_then(|length| usize::try_from(length).ok());
    let length = length.map_or(C::MAX_BYTES, |length| length.min(C::MAX_BYTES));
    let memory =
        CallMemory::for_request(&state.addresses, caller.address, length, state.body_timeout).await?;
    // Whoever is this slow is no client of ours.
    let body = tokio::time::timeout(state.body_timeout, to_bytes(request.into_body(), C::MAX_BYTES)).await;
    let body = body.map_err(|_| AccountErrorCode::Malformed)?.map_err(|_| too_large::<C>())?;
    let call = sotto_protocol::decode(&body).map_err(|_| AccountErrorCode::Malformed)?;
    Ok((call, memory))
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    only(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok())
}

fn too_large<C: Call>() -> Refused {
    AccountError::with_limit(AccountErrorCode::LimitExceeded, C::MAX_BYTES as u64).into()
}

/// RFC 6750, section 2.1; the token in base64url.
fn token_of(headers: &HeaderMap) -> Option<SessionToken> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    let mut bytes = Zeroizing::new([0; 32]);
    let length = scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| URL_SAFE_NO_PAD.decode_slice(token, bytes.as_mut_slice()));
    (length?.ok()? == bytes.len()).then(|| SessionToken::new(*bytes))
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
