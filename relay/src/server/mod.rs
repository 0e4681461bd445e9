//! A running relay: start, serve, stop.

mod accept;
mod names;
mod patience;
mod refuse;
mod stream;
mod unnamed;

pub(crate) use stream::Stream;
pub(crate) use unnamed::was_seen as unnamed_proxy_was_seen;

use crate::account::Accounts;
use crate::blob::Blobs;
use crate::config::{Config, Tuning};
use crate::error::StartError;
use crate::http::blob::{self, BlobState};
use crate::http::{self, HttpState, Readiness};
use crate::limit::{Addresses, Limits, Strictness};
use crate::metrics::{MetricsListener, Sources};
use crate::preflight;
use crate::push::{Push, Pushing};
use crate::room::{Rooms, WriterTask};
use crate::socket::{Connections, SocketState, routes as sockets};
use crate::store::Store;
use crate::tls::Tls;
use crate::web;
use accept::Door;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderValue, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use names::{Names, only_by_name};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use unnamed::Unnamed;

/// Connections that may wait to be accepted: after a restart everybody comes back at once.
const BACKLOG: u32 = 4096;

/// Connections of those that watch the relay.
const FEW: u32 = 64;

/// Open files that are not connections.
const OTHER_FILES: u64 = 128;
/// A year, in which browsers come back under TLS only (RFC 6797).
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// A relay that serves until it is stopped. Dropping it stops it, too, without waiting.
pub struct RunningRelay {
    addr: SocketAddr,
    tls: Option<Arc<Tls>>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    rooms: Arc<Rooms>,
    accounts: Arc<Accounts>,
    blobs: Arc<Blobs>,
    sweeping: [JoinHandle<()>; 2],
    pushing: Option<Pushing>,
    connections: Arc<Connections>,
    metrics: Option<MetricsListener>,
    writer: Option<WriterTask>,
    stop_within: Duration,
}

/// Opens the database, listens, and serves in the background.
///
/// # Errors
/// [`StartError`], with the remedy.
pub async fn start(config: Config) -> Result<RunningRelay, StartError> {
    if let Some((_, fault)) = preflight::faults(&config).await.into_iter().next() {
        return Err(fault);
    }
    let listen = config.listen;
    let tls = config.tls.map(Tls::load).transpose()?.map(Arc::new);
    let addresses = Addresses::new(bounded(config.limits), &config.accounts.trusted_proxies);
    if tls.is_none()
        && !listen.ip().is_loopback()
        && addresses.trusted().iter().all(|proxy| proxy.is_loopback())
    {
        tracing::warn!(
            "serving others in the clear: browsers encrypt only under https. Give --tls-certificate, or --trusted-proxies if a proxy ends TLS"
        );
    }
    let listener = bind(listen).map_err(|source| StartError::Listen { listen, source })?;
    let addr = listener.local_addr().map_err(|source| StartError::Listen { listen, source })?;
    let store = Store::open(&config.database, &config.data_dir, config.max_database_bytes).await?;
    let clock = config.tuning.clock.clone();
    let mut accounts =
        Accounts::open(store.accounts.clone(), config.accounts, &config.data_dir, clock.clone()).await?;
    let stores = (store.read.clone(), store.accounts.clone());
    let (push, pushing) = match Push::start(accounts.push_keys(), config.push, stores, clock) {
        Some((push, pushing, gone)) => {
            accounts.wake_by(push.clone());
            (Some((push, gone)), Some(pushing))
        }
        None => (None, None),
    };
    let accounts = Arc::new(accounts);
    let clock = config.tuning.clock.clone();
    let blobs = Arc::new(Blobs::open(store.blobs.clone(), config.blobs, &config.data_dir, clock).await?);
    let sweeping = [accounts.sweep_now_and_then(), blobs.sweep_now_and_then()];
    let (rooms, writer) = Rooms::start(
        store,
        (config.nats.as_ref(), accounts.hint_key()),
        config.max_retention,
        (accounts.room_gate(), push),
        &config.tuning,
    )
    .await?;
    let rooms = Arc::new(rooms);
    let connections = Arc::new(Connections::default());
    let tuning = Arc::new(config.tuning);
    let state = SocketState {
        rooms: Arc::clone(&rooms),
        connections: Arc::clone(&connections),
        addresses: Arc::clone(&addresses),
        tuning: Arc::clone(&tuning),
    };
    let (stop, stopped) = watch::channel(false);
    let readiness = Arc::new(Readiness::new(Arc::clone(&rooms), stopped.clone()));
    let calls = HttpState {
        accounts: Arc::clone(&accounts),
        addresses: Arc::clone(&addresses),
        body_timeout: tuning.body_timeout,
    };
    let files = blob::routes(&BlobState { blobs: Arc::clone(&blobs), addresses: Arc::clone(&addresses) });
    let services = sockets(state)
        .merge(http::calls(&calls))
        .merge(http::health(Arc::clone(&readiness)))
        .merge(files)
        .merge(http::about(config.source.as_ref()));
    let mut router = web::router(config.web, services.into_router());
    if !config.names.is_empty() {
        let names: Names = config.names.iter().map(|name| name.as_str().to_owned()).collect();
        router = router.layer(from_fn_with_state(names, only_by_name));
    }
    router = router.layer(from_fn(close_where_in_doubt));
    if let Some(tls) = &tls {
        router = router.layer(map_response(insist_on_tls));
        tls.watch(tuning.certificate_every);
    }
    addresses.forget_now_and_then();
    let metrics = match config.metrics {
        None => None,
        Some(listen) => {
            let (rooms, connections) = (Arc::clone(&rooms), Arc::clone(&connections));
            let sources = Sources { rooms, connections, readiness };
            Some(MetricsListener::start(listen, sources, Arc::clone(&tuning)).await?)
        }
    };
    let unnamed = Some(Arc::new(Unnamed::begin(Arc::clone(&addresses), &config.data_dir)));
    let door = Door {
        router,
        unnamed,
        addresses,
        tls: tls.clone(),
        stopped,
        handshake_timeout: tuning.handshake_timeout,
        header_timeout: tuning.header_timeout,
        header_max_bytes: tuning.header_max_bytes,
        answer_timeout: tuning.answer_timeout,
    };
    let accepting = tokio::spawn(accept::accept(listener, door));
    tracing::info!(tls = tls.is_some(), "serving");
    Ok(RunningRelay {
        addr,
        tls,
        stop,
        accepting,
        rooms,
        accounts,
        blobs,
        sweeping,
        pushing,
        connections,
        metrics,
        writer: Some(writer),
        stop_within: tuning.stop_within,
    })
}

impl RunningRelay {
    /// Where it listens, with the real port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where metrics are told, with the real port, if anywhere.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsListener::addr)
    }

    /// The address to open in a browser, or to give to a client.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Reads certificate and key anew, where the relay speaks TLS. What is no good is not taken, and logged.
    pub fn reload_certificate(&self) {
        if let Some(tls) = &self.tls {
            tls.reload(true);
        }
    }

    /// Stops: accepts nothing more, refuses new entries, commits and acknowledges what is queued, closes every connection
    /// and the database.
    pub async fn shutdown(mut self) {
        let deadline = Instant::now() + self.stop_within;
        // There may be nobody left to tell.
        let _ = self.stop.send(true);
        // Half of the time at most: what is queued is worth more.
        let flush_until = Instant::now() + self.stop_within / 2;
        if timeout_at(flush_until, self.rooms.flush_statuses()).await.is_err() {
            tracing::warn!("the last status values were not written");
        }
        self.rooms.stop_writing();
        self.sweeping.iter().for_each(JoinHandle::abort);
        // What is under way is forgotten: the next message wakes again.
        drop(self.pushing.take());
        let writer = self.writer.take();
        let is_in_time = timeout_at(deadline, async {
            if let Some(writer) = writer {
                writer.finish().await;
            }
            // What an upload has not kept by then, its client sends again.
            let _ = timeout(self.stop_within / 3, self.blobs.close()).await;
            self.connections.close_all_and_wait().await;
            self.accounts.close().await;
            self.rooms.close().await;
            // The task only fails by panicking, and there is nothing left to accept.
            let _ = (&mut self.accepting).await;
        })
        .await;
        match is_in_time {
            Ok(()) => tracing::info!("stopped"),
            Err(_) => tracing::warn!("stopped with connections still open"),
        }
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        // The task that accepts sees that the sender of `stop` is gone.
        self.rooms.stop_writing();
        self.sweeping.iter().for_each(JoinHandle::abort);
        self.connections.close_all();
    }
}

/// Serves a few, on an address of its own, with as little patience as everybody else, until told to stop.
pub(crate) async fn serve_few(
    listener: TcpListener,
    router: Router,
    stopped: watch::Receiver<bool>,
    tuning: Arc<Tuning>,
) {
    let limits =
        Limits { connections: FEW, connections_by_address: FEW, ..Limits::new(Strictness::default()) };
    let door = Door {
        router,
        addresses: Addresses::new(limits, &[]),
        unnamed: None,
        tls: None,
        stopped,
        handshake_timeout: tuning.handshake_timeout,
        header_timeout: tuning.header_timeout,
        header_max_bytes: tuning.header_max_bytes,
        answer_timeout: tuning.answer_timeout,
    };
    accept::accept(listener, door).await;
}

/// No more connections than there are files for them.
fn bounded(limits: Limits) -> Limits {
    let files = rlimit::Resource::NOFILE.get().map_or(u64::MAX, |(soft, _)| soft);
    let room = u32::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(u32::MAX);
    Limits { connections: limits.connections.min(room), ..limits }
}

/// A request whose length another program on the way may have read differently is the last one of its connection: what
/// follows it may be part of it (RFC 9112, section 6.1).
async fn close_where_in_doubt(request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Two lengths that differ are refused before this; two that are alike are one.
    let is_in_doubt = headers.contains_key(TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if is_in_doubt {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn insist_on_tls(mut response: Response) -> Response {
    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    response
}

fn bind(listen: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A relay that restarts takes its port over from connections that linger.
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}
