//! Golden bytes of what the relay answers about blobs when it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

#[path = "support/golden.rs"]
mod golden;

use sotto_protocol::blob::{BlobError, BlobErrorCode};
use sotto_protocol::{decode, encode};

fn check(format: &str, error: BlobError) {
    let format = format!("blob-{format}.v1");
    golden::check(&format, &encode(&error));
    assert!(decode(&golden::read(&format)) == Ok(error), "{format} is read as it was meant");
}

#[test]
fn errors_are_what_they_were() {
    check("error", BlobError::new(BlobErrorCode::NotFound));
    check("error-with-limit", BlobError::with_limit(BlobErrorCode::LimitExceeded, 64));
    check("error-with-delay", BlobError::with_delay(BlobErrorCode::TooMany, 1500));
    check("error-with-offset", BlobError::new(BlobErrorCode::WrongOffset).at(300));
}
