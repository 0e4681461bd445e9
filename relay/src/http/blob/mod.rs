//! Blobs over HTTP: PUT, PATCH, HEAD, GET and DELETE of one path.
//!
//! What holds for all of them: only this origin's pages and programs that are no browsers, no session, a limit by address, and
//! no CORS. What is answered is never taken for a page: it is an attachment of no known type, sandboxed.

mod answer;
mod asked;
mod described;
mod range;

use super::Routes;
use crate::blob::Blobs;
use crate::limit::Addresses;
use asked::Asked;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::routing::put;
use sotto_protocol::blob::{BlobError, TOKEN_HEADER};
use std::sync::Arc;

const PATH: &str = "/v1/blobs/{id}";

/// What every request shares.
#[derive(Clone)]
pub(crate) struct BlobState {
    /// The blobs.
    pub blobs: Arc<Blobs>,
    /// Which proxies are believed, and where memory is taken from, for each address.
    pub addresses: Arc<Addresses>,
}

/// The routes.
pub(crate) fn routes(state: &BlobState) -> Routes {
    let methods = put(create).patch(append).head(look).get(read).delete(delete);
    Routes::new().on(PATH, described::all(), methods.with_state(state.clone()))
}

async fn create(State(state): State<BlobState>, request: Request) -> Response<Body> {
    let created = async move {
        let Asked { address, id } = state.check(&request)?;
        let creation = asked::creation(request.headers())?;
        state.blobs.create(address, &id, &creation).await
    };
    answer(created.await.map(|begun| answer::begun(&begun)))
}

async fn append(State(state): State<BlobState>, request: Request) -> Response<Body> {
    let appended = async move {
        let Asked { address, id } = state.check(&request)?;
        let token = asked::token(request.headers())?;
        let segment = asked::segment(request.headers())?;
        let body = request.into_body().into_data_stream();
        state.blobs.append(address, (&id, &token), segment, body).await
    };
    answer(appended.await.map(answer::appended))
}

/// With a token: how far the upload is. Without: what whoever reads would get.
async fn look(State(state): State<BlobState>, request: Request) -> Response<Body> {
    let looked = async move {
        let Asked { id, .. } = state.check(&request)?;
        if request.headers().contains_key(TOKEN_HEADER) {
            let token = asked::token(request.headers())?;
            return state.blobs.progress(&id, &token).await.map(answer::progress);
        }
        state.blobs.look_up(&id).await.map(|found| answer::head(&found))
    };
    answer(looked.await)
}

async fn read(State(state): State<BlobState>, request: Request) -> Response<Body> {
    let found = async move {
        let Asked { address, id } = state.check(&request)?;
        let found = state.blobs.look_up(&id).await?;
        answer::read(&state, address, &found, request.headers()).await
    };
    answer(found.await)
}

async fn delete(State(state): State<BlobState>, request: Request) -> Response<Body> {
    let deleted = async move {
        let Asked { address, id } = state.check(&request)?;
        let token = asked::token(request.headers())?;
        state.blobs.delete(address, &id, &token).await
    };
    answer(deleted.await.map(|()| answer::deleted()))
}

fn answer(result: Result<Response<Body>, BlobError>) -> Response<Body> {
    result.unwrap_or_else(answer::refused)
}

impl BlobState {
    fn check(&self, request: &Request) -> Result<Asked, BlobError> {
        asked::check(request, &self.blobs, self.addresses.trusted())
    }
}
