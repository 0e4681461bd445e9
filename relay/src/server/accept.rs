//! Accepting connections and speaking HTTP on them, until they become WebSockets.

use super::patience::Patience;
use super::refuse::{refuse_full, refuse_plain};
use super::stream::Stream;
use super::unnamed::Unnamed;
use crate::limit::{Addresses, Peer, Place};
use crate::tls::Tls;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt as _;

/// Hyper takes no less for a request line and its headers.
const HEADER_MIN_BYTES: usize = 8 * 1024;
/// How long to wait when the system has no file descriptors left.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);
/// The first byte of a conversation under TLS: a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What every connection shares.
#[derive(Clone)]
pub(super) struct Door {
    pub router: Router,
    pub addresses: Arc<Addresses>,
    pub unnamed: Option<Arc<Unnamed>>,
    pub tls: Option<Arc<Tls>>,
    pub stopped: watch::Receiver<bool>,
    pub handshake_timeout: Duration,
    pub header_timeout: Duration,
    /// Request line and headers together.
    pub header_max_bytes: usize,
    /// How long an answer may wait to be read.
    pub answer_timeout: Duration,
}

/// Accepts until told to stop, or until there is nobody to tell.
pub(super) async fn accept(listener: TcpListener, door: Door) {
    let mut until = pin!(until_stopped(door.stopped.clone()));
    loop {
        let accepted = tokio::select! {
            () = &mut until => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match door.addresses.connect(peer.ip()) {
                Ok(place) => {
                    tokio::spawn(serve(stream, Peer(peer.ip()), place, door.clone()));
                }
                Err(full) => refuse_full(stream, full, door.tls.is_some()),
            },
            // The peer went away before it was accepted.
            Err(error) if is_about_the_peer(error.kind()) => {}
            Err(error) => {
                tracing::error!(kind = %error.kind(), "cannot accept connections; is the limit of open files too low?");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: Peer, place: Place, door: Door) {
    // Without it entries would wait for more to come.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let patience = Patience::new(door.answer_timeout);
    let stream = match &door.tls {
        None => Stream::plain(stream, place, patience),
        Some(tls) => {
            // On the heap, so that a connection in the clear is no larger for it.
            let handshake =
                Box::pin(timeout(door.handshake_timeout, begin_tls(tls, stream, (place, patience))));
            match handshake.await {
                Ok(Some(stream)) => stream,
                _ => return,
            }
        }
    };
    let (is_upgraded, unnamed) = (stream.is_upgraded(), door.unnamed);
    // Cheaper than a layer, which would build the routes anew for every connection.
    let service = door
        .router
        .map_request(move |mut request: Request<_>| {
            if let Some(unnamed) = &unnamed {
                unnamed.look(peer.0, request.headers());
            }
            request.extensions_mut().insert(peer);
            request
        })
        .map_response(move |response: Response| {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                is_upgraded.store(true, Ordering::Relaxed);
            }
            response
        });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(door.header_timeout)
        .max_buf_size(door.header_max_bytes.max(HEADER_MIN_BYTES))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong here is the peer's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = until_stopped(door.stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn begin_tls(tls: &Tls, stream: TcpStream, (place, patience): (Place, Patience)) -> Option<Stream> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 1 && first != [TLS_HANDSHAKE] {
        refuse_plain(stream).await;
        return None;
    }
    // What goes wrong here is the peer's affair, too.
    Some(Stream::tls(tls.accept(stream).await.ok()?, place, patience))
}

/// A relay that is dropped has stopped, too.
async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

fn is_about_the_peer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}
