//! `/metrics`, on an address of its own: for the operator's network, not for everybody.

use super::render::{Sample, render};
use crate::config::Tuning;
use crate::error::StartError;
use crate::http::Readiness;
use crate::room::Rooms;
use crate::server::serve_few;
use crate::socket::Connections;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The rest is told without what the database says of itself.
const DATABASE_WITHIN: Duration = Duration::from_secs(1);

/// Who is asked when somebody looks.
#[derive(Clone)]
pub(crate) struct Sources {
    /// All rooms.
    pub rooms: Arc<Rooms>,
    /// All connections.
    pub connections: Arc<Connections>,
    /// Whether the relay could serve.
    pub readiness: Arc<Readiness>,
}

/// Listens until it is dropped.
pub(crate) struct MetricsListener {
    addr: SocketAddr,
    task: JoinHandle<()>,
    /// Connections end with it.
    _running: watch::Sender<bool>,
}

impl MetricsListener {
    /// Listens there.
    pub(crate) async fn start(
        listen: SocketAddr,
        sources: Sources,
        tuning: Arc<Tuning>,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError::ListenForMetrics { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let router = Router::new().fallback(get(show)).with_state(sources);
        let (running, stopped) = watch::channel(false);
        let task = tokio::spawn(serve_few(listener, router, stopped, tuning));
        Ok(Self { addr, task, _running: running })
    }

    /// Where, with the real port.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for MetricsListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn show(State(sources): State<Sources>, request: axum::extract::Request) -> Response {
    if request.uri().path() != "/metrics" {
        return (StatusCode::NOT_FOUND, "Metrics are at /metrics.\n").into_response();
    }
    let bytes = tokio::time::timeout(DATABASE_WITHIN, sources.rooms.database_bytes()).await;
    let sample = Sample {
        connections: sources.connections.count(),
        rooms_followed: sources.rooms.followed(),
        write_queue_bytes: sources.rooms.queued_bytes(),
        database_bytes: bytes.ok().and_then(Result::ok),
        nats_is_connected: sources.rooms.nats_is_connected(),
        is_ready: sources.readiness.check().await.is_ok(),
    };
    match render(&sample) {
        Ok(page) => ([(CONTENT_TYPE, OPENMETRICS), (CACHE_CONTROL, "no-store")], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
