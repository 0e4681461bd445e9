//! What is served of blobs, described.

use crate::http::Described;
use crate::http::describe::Shape as _;
use sotto_protocol::account;
use sotto_protocol::blob::{
    self, BlobError, BlobErrorCode as Code, KEEP_HEADER, LENGTH_HEADER, OFFSET_HEADER, TOKEN_HEADER,
};
use std::collections::BTreeMap;
use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

/// What any request may be refused for.
const ALWAYS: [Code; 8] = [
    Code::Malformed,
    Code::ForeignOrigin,
    Code::SessionNotWanted,
    Code::Closed,
    Code::TooMany,
    Code::Internal,
    Code::Overloaded,
    Code::StorageFull,
];

/// Every method.
pub(super) fn all() -> [Described; 5] {
    let create = method(HttpMethod::Put, "create_blob", "Begins a blob")
        .in_header(LENGTH_HEADER, "How long it will be, in bytes.")
        .in_header(TOKEN_HEADER, TOKEN)
        .in_header(KEEP_HEADER, "For how many days it is to be kept once it is whole.")
        .answers(200, "It was begun before, with the same words; `upload-offset` says how far it is.", None)
        .answers(201, "It is there, and empty.", None);
    let append = method(HttpMethod::Patch, "append_blob", "Appends a segment to a blob")
        .in_header(OFFSET_HEADER, "Where the segment begins: where the blob ends.")
        .in_header(TOKEN_HEADER, TOKEN)
        .takes(bytes())
        .answers(204, "All of it is durable; `upload-offset` says where the blob ends now.", None);
    let look = method(HttpMethod::Head, "look_at_blob", "How far an upload is, or what a reader would get")
        .in_header(TOKEN_HEADER, TOKEN)
        .answers(200, "`upload-offset` and `upload-length` say how far it is.", None);
    let read = method(HttpMethod::Get, "read_blob", "Reads a whole blob, or a part of it")
        .in_header("range", "RFC 9110, section 14; one range of bytes.")
        .in_header("if-range", "The `etag` of an earlier answer.")
        .in_header("if-none-match", "The same.")
        .answers(200, "All of it.", Some(bytes()))
        .answers(206, "The part.", Some(bytes()))
        .answers(304, "It is as it was: blobs do not change.", None);
    let delete = method(HttpMethod::Delete, "delete_blob", "Deletes a blob")
        .in_header(TOKEN_HEADER, TOKEN)
        .answers(204, "It is gone.", None);
    [
        refusals(create, &[Code::LimitExceeded, Code::TokenRefused, Code::IdTaken, Code::TooManyUnfinished]),
        refusals(
            append,
            &[
                Code::LimitExceeded,
                Code::TokenRefused,
                Code::NotFound,
                Code::WrongOffset,
                Code::SegmentTooShort,
                Code::Interrupted,
            ],
        ),
        refusals(look, &[Code::TokenRefused, Code::NotFound]),
        refusals(read, &[Code::NotFound, Code::NoSuchRange]),
        refusals(delete, &[Code::TokenRefused, Code::NotFound]),
    ]
}

const TOKEN: &str =
    "32 bytes in base64url without padding: permits to append, to ask how far it is, and to delete.";

fn method(method: HttpMethod, id: &str, summary: &str) -> Described {
    let pattern = "^[A-Za-z0-9_-]{21}[AQgw]$";
    Described::new(method, id, summary).in_path("id", "16 bytes in base64url without padding.", pattern)
}

fn bytes() -> (&'static str, Schema) {
    let binary = ObjectBuilder::new().schema_type(Type::String);
    (blob::CONTENT_TYPE, binary.format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).into())
}

fn refusals(mut described: Described, codes: &[Code]) -> Described {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in ALWAYS.iter().chain(codes) {
        let named = format!("{code:?} ({}): {}", *code as u32, code.describe());
        by_status.entry(code.status()).or_default().push(named);
    }
    for (status, named) in by_status {
        let content = (account::CONTENT_TYPE, BlobError::shape());
        described = described.answers(status, &named.join("; "), Some(content));
    }
    described
}
