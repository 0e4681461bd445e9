//! From what a request about a blob came to, to a response.

use super::{BlobState, range};
use crate::blob::{Begun, Found, Progress};
use crate::limit::whole_ms;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
    RETRY_AFTER,
};
use axum::http::{HeaderMap, Response, StatusCode};
use futures_util::StreamExt as _;
use sotto_protocol::account;
use sotto_protocol::blob::{self, BlobError, BlobErrorCode, KEEP_HEADER, LENGTH_HEADER, OFFSET_HEADER};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;
use tokio::time::timeout;

const OFFSET: HeaderName = HeaderName::from_static(OFFSET_HEADER);
const LENGTH: HeaderName = HeaderName::from_static(LENGTH_HEADER);
const KEEP: HeaderName = HeaderName::from_static(KEEP_HEADER);

/// What was opened as a page by mistake does nothing there.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";
/// A blob never changes. It is the reader's own affair, and no proxy's.
const FOREVER: &str = "private, max-age=31536000, immutable";

/// How long a download waits for memory.
const MEMORY_WAIT: Duration = Duration::from_secs(10);

type Answer = Response<Body>;

/// A blob was made, or was there.
pub(super) fn begun(begun: &Begun) -> Answer {
    let mut answer = empty(if begun.is_new { StatusCode::CREATED } else { StatusCode::OK });
    set(&mut answer, OFFSET, begun.offset);
    if let Some(days) = begun.keep_days {
        set(&mut answer, KEEP, u64::from(days));
    }
    answer
}

/// A segment was taken in.
pub(super) fn appended(offset: u64) -> Answer {
    let mut answer = empty(StatusCode::NO_CONTENT);
    set(&mut answer, OFFSET, offset);
    answer
}

/// A blob was deleted.
pub(super) fn deleted() -> Answer {
    empty(StatusCode::NO_CONTENT)
}

/// How far an upload is.
pub(super) fn progress(progress: Progress) -> Answer {
    let mut answer = empty(StatusCode::OK);
    set(&mut answer, OFFSET, progress.offset);
    set(&mut answer, LENGTH, progress.length);
    answer
}

/// What a blob is, without its bytes.
pub(super) fn head(found: &Found) -> Answer {
    let mut answer = whole(found, Body::empty());
    set(&mut answer, OFFSET, found.length);
    set(&mut answer, LENGTH, found.length);
    answer
}

/// A blob, or the part of it that is asked for (RFC 9110, sections 13 and 14).
pub(super) async fn read(
    state: &BlobState,
    address: IpAddr,
    found: &Found,
    headers: &HeaderMap,
) -> Result<Answer, BlobError> {
    let tag = tag_of(found);
    let names = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if names(&IF_NONE_MATCH).is_some_and(|known| {
        known.trim() == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
    }) {
        let mut answer = whole(found, Body::empty());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer.headers_mut().remove(CONTENT_LENGTH);
        return Ok(answer);
    }
    let is_current = names(&IF_RANGE).is_none_or(|known| known.trim() == tag);
    let asked = names(&RANGE).filter(|_| is_current && headers.get_all(RANGE).iter().count() == 1);
    match asked.map_or(range::Asked::Whole, |asked| range::read(asked, found.length)) {
        range::Asked::Whole => Ok(whole(found, download(state, address, found, 0..found.length).await?)),
        range::Asked::Part(part) => {
            let (first, end) = (part.start, part.end);
            let mut answer = whole(found, download(state, address, found, part).await?);
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            let last = end.saturating_sub(1);
            set(&mut answer, CONTENT_RANGE, format!("bytes {first}-{last}/{}", found.length));
            set(&mut answer, CONTENT_LENGTH, end.saturating_sub(first));
            Ok(answer)
        }
        range::Asked::Nothing => {
            let error = BlobError::with_limit(BlobErrorCode::NoSuchRange, found.length);
            let mut answer = refused(error);
            set(&mut answer, CONTENT_RANGE, format!("bytes */{}", found.length));
            Ok(answer)
        }
    }
}

/// What is read, and memory for as much of it as is under way at once.
async fn download(
    state: &BlobState,
    address: IpAddr,
    found: &Found,
    part: Range<u64>,
) -> Result<Body, BlobError> {
    let busy = || BlobError::with_delay(BlobErrorCode::Overloaded, whole_ms(MEMORY_WAIT));
    let taken = state.addresses.take_for_download(address);
    let taken = timeout(MEMORY_WAIT, taken).await.ok().flatten().ok_or_else(busy)?;
    let parts = state.blobs.read(address, found, part).await?;
    Ok(Body::from_stream(parts.inspect(move |_| {
        // It is there for as long as the stream is.
        let _ = &taken;
    })))
}

/// What went wrong.
pub(super) fn refused(error: BlobError) -> Answer {
    let mut answer = Response::new(Body::from(sotto_protocol::encode(&error)));
    *answer.status_mut() =
        StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut answer, CONTENT_TYPE, account::CONTENT_TYPE);
    set(&mut answer, CACHE_CONTROL, "no-store");
    if let Some(milliseconds) = error.retry_after_ms {
        set(&mut answer, RETRY_AFTER, milliseconds.div_ceil(1000));
    }
    if let Some(offset) = error.offset {
        set(&mut answer, OFFSET, offset);
    }
    answer
}

fn whole(found: &Found, body: Body) -> Answer {
    let mut answer = Response::new(body);
    set(&mut answer, CONTENT_TYPE, blob::CONTENT_TYPE);
    set(&mut answer, CONTENT_LENGTH, found.length);
    set(&mut answer, CONTENT_DISPOSITION, "attachment");
    set(&mut answer, CONTENT_SECURITY_POLICY, SANDBOX);
    set(&mut answer, ACCEPT_RANGES, "bytes");
    set(&mut answer, CACHE_CONTROL, FOREVER);
    set(&mut answer, ETAG, tag_of(found));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    set(&mut answer, CACHE_CONTROL, "no-store");
    answer
}

/// A strong one.
fn tag_of(found: &Found) -> String {
    format!("\"{:016x}\"", u64::from_be_bytes(found.tag))
}

fn set(answer: &mut Answer, name: HeaderName, value: impl ToString) {
    // Numbers and our own words are good values.
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        answer.headers_mut().insert(name, value);
    }
}
