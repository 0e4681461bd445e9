//! From an HTTP request to a WebSocket (RFC 6455, section 4.2).

use super::connection::Connection;
use super::registry::Connections;
use crate::access::same_origin;
use crate::config::Tuning;
use crate::http::{Described, Routes, plain};
use crate::limit::{Addresses, Full, Pace, client_address, peer_address, whole_ms};
use crate::room::{Rooms, Session};
use crate::server::Stream;
use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::TokioIo;
use sotto_protocol::{Challenge, ROOM_SOCKET_PATH};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// When to come again, for whom there is no place.
const RETRY_AFTER_S: u64 = 60;

/// What every socket shares.
#[derive(Clone)]
pub(crate) struct SocketState {
    /// All rooms.
    pub rooms: Arc<Rooms>,
    /// All connections.
    pub connections: Arc<Connections>,
    /// Whom limits count.
    pub addresses: Arc<Addresses>,
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
        .answers(429, "The address begins sockets too often.", Some(plain()))
        .answers(500, "The relay has a fault.", Some(plain()))
        .answers(503, "The relay, or the address, has as many connections as it takes.", Some(plain()));
    Routes::new().on(ROOM_SOCKET_PATH, [described], get(upgrade).with_state(state))
}

/// Answers the upgrade, or says why not.
async fn upgrade(State(state): State<SocketState>, mut request: Request) -> Response {
    match accept(&state, &mut request) {
        Ok(response) => response,
        Err(Refusal(status, text, retry_after_s)) => {
            let mut response = (status, text).into_response();
            let headers = response.headers_mut();
            if status == StatusCode::UPGRADE_REQUIRED {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            if let Some(seconds) = retry_after_s {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Why there is no socket, and after how many seconds there may be one.
struct Refusal(StatusCode, &'static str, Option<u64>);

impl From<(StatusCode, &'static str)> for Refusal {
    fn from((status, text): (StatusCode, &'static str)) -> Self {
        Self(status, text, None)
    }
}

fn accept(state: &SocketState, request: &mut Request) -> Result<Response, Refusal> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && has_token(headers, &CONNECTION, "upgrade")
        && has_token(headers, &UPGRADE, "websocket");
    if !is_upgrade {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "This is Sotto's room socket: connect to it with a WebSocket.\n",
        )
            .into());
    }
    if text(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "This relay speaks version 13 of WebSocket (RFC 6455).\n",
        )
            .into());
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or not of 16 bytes.\n"))?;
    let authority = only(headers, &HOST).filter(|host| !host.is_empty());
    let authority =
        authority.ok_or((StatusCode::BAD_REQUEST, "The Host header is missing, or there twice.\n"))?;
    if request.uri().authority().is_some_and(|named| !named.as_str().eq_ignore_ascii_case(authority)) {
        return Err(
            (StatusCode::BAD_REQUEST, "The Host header names another host than the request.\n").into()
        );
    }
    let authority: Box<str> = authority.to_ascii_lowercase().into();
    let origin = headers.contains_key(ORIGIN).then(|| only(headers, &ORIGIN).unwrap_or_default());
    if !same_origin(origin, &authority) {
        return Err((
            StatusCode::FORBIDDEN,
            "A page of another site may not connect to this relay. (A reverse proxy must pass on the Host header.)\n",
        )
            .into());
    }
    let accept_key = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    let accept_key =
        accept_key.map_err(|_| (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not a key.\n"))?;
    let client = client_address(request, state.addresses.trusted());
    let pace = Pace::begin(&state.addresses, peer_address(request), client).map_err(no_place)?;
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
    tokio::spawn(run(upgraded, Arc::new(session), pace, state.clone()));
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept_key),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn no_place(full: Full) -> Refusal {
    match full {
        Full::Relay => Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "This relay has as many connections as it takes. Try again in a minute.\n",
            Some(RETRY_AFTER_S),
        ),
        Full::Address => Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "Your address has as many connections as one may have here. Close some, or try again in a minute.\n",
            Some(RETRY_AFTER_S),
        ),
        Full::TooOften(wait) => Refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "Your address connects too often. Try again later.\n",
            Some(whole_ms(wait).div_ceil(1000)),
        ),
    }
}

async fn run(upgraded: OnUpgrade, session: Arc<Session>, pace: Pace, state: SocketState) {
    // An error means that the peer is gone already.
    let Ok(upgraded) = upgraded.await else { return };
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<Stream>>() else {
        tracing::error!("the upgraded connection is none of ours");
        return;
    };
    Connection::new((io.into_inner(), &read_buf), session, pace, state).await;
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}
