//! Under which names the relay is reached, where its operator says so: requests by any other name are sent away.
//!
//! Clients sign the name by which they reach a relay, so that no other relay can use what they have signed. Where somebody else has a
//! page that leads to this relay under a name of theirs (by DNS, or by a server between), that name is one of theirs.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// `host[:port]` each, in lower case.
pub(super) type Names = Arc<[String]>;

/// Whoever asks for these is a program that keeps watch, and often knows no name.
const FOR_ALL: [&str; 2] = ["/healthz", "/readyz"];

pub(super) async fn only_by_name(State(names): State<Names>, request: Request, next: Next) -> Response {
    if FOR_ALL.contains(&request.uri().path()) || is_named(&names, request.headers()) {
        return next.run(request).await;
    }
    let text = "This relay is not known by that name. (Its operator has named others with --names.)\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// Whether the one `Host` there is, is among the names.
fn is_named(names: &[String], headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    hosts.next().is_none()
        && host.is_some_and(|host| names.iter().any(|name| host.eq_ignore_ascii_case(name)))
}
