//! Whether the relay is alive, and whether it could serve: for whoever starts it anew or sends it traffic.

use super::describe::{Described, plain};
use super::routes::Routes;
use crate::room::Rooms;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};

/// How long the database may take to answer.
const DATABASE_WITHIN: Duration = Duration::from_secs(1);
/// However often somebody asks, the database is asked no more often than this.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Whether the relay could serve.
pub(crate) struct Readiness {
    rooms: Arc<Rooms>,
    stopped: watch::Receiver<bool>,
    known: Mutex<Option<(Instant, Result<(), NotReady>)>>,
}

/// Why it could not. What the database said is in the log, not here: it may name servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotReady {
    Stopping,
    WriterStopped,
    DatabaseAway,
    OtherSchema,
}

impl NotReady {
    const fn describe(self) -> &'static str {
        match self {
            Self::Stopping => "the relay is stopping\n",
            Self::WriterStopped => "nothing is written any more: see the log\n",
            Self::DatabaseAway => "the database does not answer\n",
            Self::OtherSchema => "the database is of another version of the relay\n",
        }
    }
}

impl Readiness {
    /// Of a relay that stops when `stopped` says so.
    pub(crate) fn new(rooms: Arc<Rooms>, stopped: watch::Receiver<bool>) -> Self {
        Self { rooms, stopped, known: Mutex::default() }
    }

    /// As it is now, or was a moment ago.
    pub(crate) async fn check(&self) -> Result<(), NotReady> {
        if *self.stopped.borrow() {
            return Err(NotReady::Stopping);
        }
        if !self.rooms.is_writing() {
            return Err(NotReady::WriterStopped);
        }
        let mut known = self.known.lock().await;
        if let Some((at, outcome)) = *known
            && at.elapsed() < GOOD_FOR
        {
            return outcome;
        }
        let outcome = match timeout(DATABASE_WITHIN, self.rooms.schema_is_current()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(NotReady::OtherSchema),
            Ok(Err(_)) | Err(_) => Err(NotReady::DatabaseAway),
        };
        *known = Some((Instant::now(), outcome));
        outcome
    }
}

/// The routes.
pub(crate) fn routes(readiness: Arc<Readiness>) -> Routes {
    let healthz =
        Described::get("healthz", "Whether the relay is alive").answers(200, "It is.", Some(plain()));
    let readyz = Described::get("readyz", "Whether the relay could serve: the database answers and has this version's schema, and entries are written")
        .answers(200, "It could.", Some(plain()))
        .answers(503, "It could not, and why.", Some(plain()));
    Routes::new().on("/healthz", [healthz], get(async || no_store(StatusCode::OK, "ok\n"))).on(
        "/readyz",
        [readyz],
        get(ready).with_state(readiness),
    )
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    match readiness.check().await {
        Ok(()) => no_store(StatusCode::OK, "ready\n"),
        Err(why) => no_store(StatusCode::SERVICE_UNAVAILABLE, why.describe()),
    }
}

fn no_store(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}
