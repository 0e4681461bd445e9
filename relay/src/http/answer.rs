//! From the outcome of a call to a response.

use super::routes::Refusal;
use crate::limit::Taken;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sotto_protocol::account::{self, AccountError, AccountErrorCode, Call};

/// What a call came to, and memory for it.
pub(super) struct Answer<C: Call>(pub Result<C::Answer, AccountError>, pub Option<Taken>);

/// A request that was refused before it became a call.
pub(super) struct Refused(AccountError);

impl<C: Call> IntoResponse for Answer<C> {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(answer) => {
                let bytes = sotto_protocol::encode(&answer);
                let bytes = match self.1 {
                    Some(taken) => taken.by(bytes),
                    None => bytes.into(),
                };
                respond(StatusCode::OK, bytes)
            }
            Err(error) => Refused(error).into_response(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = respond(status, sotto_protocol::encode(&error).into());
        response.extensions_mut().insert(Refusal(error.code));
        if let Some(milliseconds) = error.retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000)));
        }
        response
    }
}

impl From<AccountError> for Refused {
    fn from(error: AccountError) -> Self {
        Self(error)
    }
}

impl From<AccountErrorCode> for Refused {
    fn from(code: AccountErrorCode) -> Self {
        Self(code.into())
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(account::CONTENT_TYPE)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}
