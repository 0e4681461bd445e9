//! The web client: the files that `cargo xtask web` built, and the headers that keep them honest.

mod assets;
mod content_type;
mod files;
mod headers;

pub use files::Files;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::map_response;
use axum::response::Response;
use std::sync::Arc;

/// Everything that the relay answers over HTTP: the web client beside `services`, security headers on all of it.
pub fn router(files: Files, services: Router) -> Router {
    Router::new()
        .fallback(serve)
        .with_state(Arc::new(files))
        .merge(services)
        .layer(map_response(headers::secure))
}

async fn serve(State(files): State<Arc<Files>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    assets::respond(&files, &method, uri.path(), &headers)
}
