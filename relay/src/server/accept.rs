//! Accepting connections and speaking HTTP on them, until they become WebSockets.

use crate::limit::Peer;
use axum::Router;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;

/// Request line and headers together.
const HEADER_MAX_BYTES: usize = 16 * 1024;
/// How long to wait when the system has no file descriptors left.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Accepts until told to stop, or until there is nobody to tell.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    stopped: watch::Receiver<bool>,
    header_timeout: Duration,
) {
    let mut until = pin!(until_stopped(stopped.clone()));
    loop {
        let accepted = tokio::select! {
            () = &mut until => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = Peer(peer.ip());
                tokio::spawn(serve((stream, peer), router.clone(), stopped.clone(), header_timeout));
            }
            // The peer went away before it was accepted.
            Err(error) if is_about_the_peer(error.kind()) => {}
            Err(error) => {
                tracing::error!(kind = %error.kind(), "cannot accept connections; is the limit of open files too low?");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

async fn serve(
    (stream, peer): (TcpStream, Peer),
    router: Router,
    stopped: watch::Receiver<bool>,
    header_timeout: Duration,
) {
    // Without it entries would wait for more to come.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // Cheaper than a layer, which would build the routes anew for every connection.
    let service = router.map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(HEADER_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong here is the peer's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = until_stopped(stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// A relay that is dropped has stopped, too.
async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

fn is_about_the_peer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}
