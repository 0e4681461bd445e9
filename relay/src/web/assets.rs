//! Answering for one file: which, in which encoding, and how long a browser may keep it.

use super::content_type::content_type;
use super::files::{File, Files};
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue, IF_NONE_MATCH, VARY,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::fmt::Write as _;

/// The name says the content: it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Ask each time; the answer is mostly 304.
const ASK: &str = "no-cache";

const NO_WEB_CLIENT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Sotto relay</title>
<h1>Sotto relay</h1>
<p>This relay is running, but it was built without the web client.</p>
<p>To build both, run <code>cargo xtask run</code>. The terminal client, <code>sotto</code>, works with this relay as it is.</p>
</html>
";

/// The answer to any path that is not a socket.
pub(super) fn respond(files: &Files, method: &Method, path: &str, headers: &HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], "Only GET and HEAD.\n")
            .into_response();
    }
    let (name, caching) = match path {
        "/" | "/join" => ("index.html", ASK),
        _ => match path.strip_prefix('/') {
            Some(name) if name.starts_with("assets/") => (name, FOREVER),
            // Single files beside index.html: service worker, manifest, icon.
            Some(name) if !name.contains('/') && name != "index.html" => (name, ASK),
            _ => return not_found(),
        },
    };
    // Compressed siblings are an encoding of a file, not files.
    if name.ends_with(".br") {
        return not_found();
    }
    let Some(file) = files.get(name) else {
        return if name == "index.html" { without_web_client() } else { not_found() };
    };
    let compressed = if accepts_brotli(headers) { files.get(&format!("{name}.br")) } else { None };
    let (file, encoding) = match compressed {
        Some(compressed) => (compressed, Some("br")),
        None => (file, None),
    };
    let mut response = with_body(file, method, headers);
    let answer = response.headers_mut();
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    answer.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    if let Some(encoding) = encoding {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn with_body(file: File, method: &Method, headers: &HeaderMap) -> Response {
    let tag = entity_tag(&file.hash);
    let mut response = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let length = file.bytes.len();
        let body = if method == Method::HEAD { Body::empty() } else { Body::from(file.bytes) };
        ([(CONTENT_LENGTH, HeaderValue::from(length))], body).into_response()
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn entity_tag(hash: &[u8; 32]) -> String {
    let mut tag = String::from("\"");
    for byte in hash.iter().take(16) {
        // Writing into a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// RFC 9110, section 13.1.2.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    })
}

/// RFC 9110, section 12.5.3.
fn accepts_brotli(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_brotli = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
            is_brotli && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    })
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, ASK)], "There is nothing here.\n").into_response()
}

fn without_web_client() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, ASK)];
    (headers, NO_WEB_CLIENT).into_response()
}
