//! From a request to what it asks of a blob. Whoever shows a session is refused: nothing is to join blobs with an account.

use crate::access::same_origin;
use crate::blob::{Blobs, Creation, Segment};
use crate::limit::client_address;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_protocol::BlobId;
use sotto_protocol::blob::{
    self, BlobError, BlobErrorCode, BlobToken, KEEP_HEADER, LENGTH_HEADER, OFFSET_HEADER, TOKEN_HEADER,
};
use std::net::IpAddr;

/// What is known of any request.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where from; of IPv6 the network.
    pub address: IpAddr,
    /// About which blob.
    pub id: BlobId,
}

/// Checks what holds for all of them, and counts the request.
pub(super) fn check(request: &Request, blobs: &Blobs, trusted: &[IpAddr]) -> Result<Asked, BlobError> {
    let headers = request.headers();
    let authority = only(headers, &HOST).filter(|host| !host.is_empty());
    let authority = authority.ok_or(BlobErrorCode::ForeignOrigin)?.to_ascii_lowercase();
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if !same_origin(origin, &authority) {
        return Err(BlobErrorCode::ForeignOrigin.into());
    }
    let address = client_address(request, trusted);
    blobs.count_request(address)?;
    if headers.contains_key(AUTHORIZATION) {
        return Err(BlobErrorCode::SessionNotWanted.into());
    }
    // As it came: an id has no characters that anybody would encode.
    let id = request.uri().path().strip_prefix(blob::PATH).and_then(decode);
    let id = BlobId::new(id.ok_or(BlobErrorCode::Malformed)?);
    Ok(Asked { address, id })
}

/// What a blob is to be.
pub(super) fn creation(headers: &HeaderMap) -> Result<Creation, BlobError> {
    let keep_days = if headers.contains_key(KEEP_HEADER) {
        let days = number(headers, KEEP_HEADER).ok_or(BlobErrorCode::Malformed)?;
        Some(u32::try_from(days).unwrap_or(u32::MAX))
    } else {
        None
    };
    // There is nothing to be said in the body.
    if content_length(headers)?.is_some_and(|length| length > 0) {
        return Err(BlobErrorCode::Malformed.into());
    }
    let length = number(headers, LENGTH_HEADER).ok_or(BlobErrorCode::Malformed)?;
    Ok(Creation { length, token: token(headers)?, keep_days })
}

/// What is said of a segment.
pub(super) fn segment(headers: &HeaderMap) -> Result<Segment, BlobError> {
    if only(headers, &CONTENT_TYPE) != Some(blob::CONTENT_TYPE) {
        return Err(BlobErrorCode::Malformed.into());
    }
    let offset = number(headers, OFFSET_HEADER).ok_or(BlobErrorCode::Malformed)?;
    Ok(Segment { offset, length: content_length(headers)? })
}

/// The token, which must be there.
pub(super) fn token(headers: &HeaderMap) -> Result<BlobToken, BlobError> {
    if !headers.contains_key(TOKEN_HEADER) {
        return Err(BlobErrorCode::TokenRefused.into());
    }
    let token = only(headers, &HeaderName::from_static(TOKEN_HEADER)).and_then(decode);
    Ok(BlobToken::new(token.ok_or(BlobErrorCode::Malformed)?))
}

/// A header that is there once.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, BlobError> {
    if !headers.contains_key(CONTENT_LENGTH) {
        return Ok(None);
    }
    let length = only(headers, &CONTENT_LENGTH).and_then(decimal);
    length.map(Some).ok_or(BlobErrorCode::Malformed.into())
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    only(headers, &HeaderName::from_static(name)).and_then(decimal)
}

/// Digits alone.
fn decimal(text: &str) -> Option<u64> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| text.parse().ok())?
}

/// Exactly so many bytes, in the only form that they have.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let mut bytes = [0; N];
    (URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = |text: &str| decode::<16>(text);
        assert_eq!(id("AAAAAAAAAAAAAAAAAAAAAA"), Some([0; 16]));
        for text in [
            "",
            "..",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAA==",
            "%2e%2e%2fAAAAAAAAAAAAA",
            "../../AAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA/",
            "ÄÄÄÄÄÄÄÄÄÄÄ",
        ] {
            assert_eq!(id(text), None, "{text}");
        }
    }
}
