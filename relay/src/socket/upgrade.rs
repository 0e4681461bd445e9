//! From an HTTP request to a WebSocket (RFC 6455, section 4.2).

use super::connection::Connection;
use super::registry::Connections;
use crate::access::same_origin;
use crate::config::Tuning;
use crate::http::{Described, Routes, plain};
use crate::room::{Rooms, Session};
use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::TokioIo;
use sotto_protocol::{Challenge, ROOM_SOCKET_PATH};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What every socket shares.
#[derive(Clone)]
pub(crate) struct SocketState {
    /// All rooms.
    pub rooms: Arc<Rooms>,
    /// All connections.
    pub connections: Arc<Connections>,
    /// Bounds and times.
    pub tuning: Arc<Tuning>,
}

/// The one route.
pub(crate) fn routes(state: SocketState) -> Routes {
    let described = Described::get("roomSocket", "Becomes the room socket: a WebSocket (RFC 6455) of binary frames")
        .says("Every page of this origin, and every program that is no browser, may connect. Rooms are opened on it by proofs.")
        .answers(101, "The connection is a WebSocket now.", None)
        .answers(400, "A header of the upgrade is missing or wrong.", Some(plain()))
        .answers(403, "A page of another site asks.", Some(plain()))
        .answers(426, "It is no upgrade to version 13 of WebSocket.", Some(plain()))
        .answers(500, "The relay has a fault.", Some(plain()));
    Routes::new().on(ROOM_SOCKET_PATH, [described], get(upgrade).with_state(state))
}

/// Answers the upgrade, or says why not.
async fn upgrade(State(state): State<SocketState>, mut request: Request) -> Response {
    match accept(&state, &mut request) {
        Ok(response) => response,
        Err((status, text)) => {
            let mut response = (status, text).into_response();
            if status == StatusCode::UPGRADE_REQUIRED {
                response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            response
        }
    }
}

fn accept(state: &SocketState, request: &mut Request) -> Result<Response, (StatusCode, &'static str)> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && has_token(headers, &CONNECTION, "upgrade")
        && has_token(headers, &UPGRADE, "websocket");
    if !is_upgrade {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "This is Sotto's room socket: connect to it with a WebSocket.\n",
        ));
    }
    if text(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "This relay speaks version 13 of WebSocket (RFC 6455).\n",
        ));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or not of 16 bytes.\n"))?;
    let authority = text(headers, &HOST).filter(|host| !host.is_empty());
    let authority = authority.ok_or((StatusCode::BAD_REQUEST, "The Host header is missing.\n"))?;
    let authority: Box<str> = authority.to_ascii_lowercase().into();
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if !same_origin(origin, &authority) {
        return Err((
            StatusCode::FORBIDDEN,
            "A page of another site may not connect to this relay. (A reverse proxy must pass on the Host header.)\n",
        ));
    }
    let accept_key = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    let accept_key =
        accept_key.map_err(|_| (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not a key.\n"))?;
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge)
        .map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "The relay's random number source failed.\n"))?;
    let upgraded = request.extensions_mut().remove::<OnUpgrade>();
    let upgraded = upgraded.ok_or((StatusCode::UPGRADE_REQUIRED, "This connection cannot be upgraded.\n"))?;

    let session = Session::new(
        state.connections.next_id(),
        Challenge::new(challenge),
        authority,
        state.tuning.live_queue_max_bytes,
    );
    tokio::spawn(run(upgraded, Arc::new(session), state.clone()));
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept_key),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

async fn run(upgraded: OnUpgrade, session: Arc<Session>, state: SocketState) {
    // An error means that the peer is gone already.
    let Ok(upgraded) = upgraded.await else { return };
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!("the upgraded connection is no TCP stream");
        return;
    };
    let SocketState { rooms, connections, tuning } = state;
    Connection::new(io.into_inner(), &read_buf, session, rooms, connections, &tuning).await;
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}
