//! A running relay: start, serve, stop.

mod accept;

use crate::account::Accounts;
use crate::config::Config;
use crate::error::StartError;
use crate::http::{self, HttpState};
use crate::room::{Rooms, WriterTask};
use crate::socket::{Connections, SocketState, upgrade};
use crate::store::Store;
use crate::web;
use axum::Router;
use axum::routing::any;
use sotto_protocol::ROOM_SOCKET_PATH;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Connections that may wait to be accepted: after a restart everybody comes back at once.
const BACKLOG: u32 = 4096;

/// A relay that serves until it is stopped. Dropping it stops it, too, without waiting.
pub struct RunningRelay {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    rooms: Arc<Rooms>,
    accounts: Arc<Accounts>,
    sweeping: JoinHandle<()>,
    connections: Arc<Connections>,
    writer: Option<WriterTask>,
    stop_within: Duration,
}

/// Opens the database, listens, and serves in the background.
///
/// # Errors
/// [`StartError`], with the remedy.
pub async fn start(config: Config) -> Result<RunningRelay, StartError> {
    let listen = config.listen;
    let listener = bind(listen).map_err(|source| StartError::Listen { listen, source })?;
    let addr = listener.local_addr().map_err(|source| StartError::Listen { listen, source })?;
    let store = Store::open(&config.database, &config.data_dir, config.max_database_bytes).await?;
    let accounts = Accounts::open(
        store.accounts.clone(),
        config.accounts,
        &config.data_dir,
        config.tuning.clock.clone(),
    )
    .await?;
    let accounts = Arc::new(accounts);
    let sweeping = accounts.sweep_now_and_then();
    let (rooms, writer) =
        Rooms::start(store, config.nats.as_ref(), config.max_retention, &config.tuning).await?;
    let rooms = Arc::new(rooms);
    let connections = Arc::new(Connections::default());
    let tuning = Arc::new(config.tuning);
    let state = SocketState {
        rooms: Arc::clone(&rooms),
        connections: Arc::clone(&connections),
        tuning: Arc::clone(&tuning),
    };
    let sockets = Router::new().route(ROOM_SOCKET_PATH, any(upgrade)).with_state(state);
    let calls =
        http::router(HttpState { accounts: Arc::clone(&accounts), body_timeout: tuning.body_timeout });
    let router = web::router(config.web, sockets.merge(calls));
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept::accept(listener, router, stopped, tuning.header_timeout));
    tracing::info!("serving");
    Ok(RunningRelay {
        addr,
        stop,
        accepting,
        rooms,
        accounts,
        sweeping,
        connections,
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

    /// The address to open in a browser, or to give to a client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
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
        self.sweeping.abort();
        let writer = self.writer.take();
        let is_in_time = timeout_at(deadline, async {
            if let Some(writer) = writer {
                writer.finish().await;
            }
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
        self.sweeping.abort();
        self.connections.close_all();
    }
}

fn bind(listen: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A relay that restarts takes its port over from connections that linger.
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}
