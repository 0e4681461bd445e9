//! A connection's bytes, in the clear or under TLS. Nothing above it knows which.

use super::patience::Patience;
use crate::limit::Place;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection, counted for as long as it is there.
#[derive(Debug)]
pub(crate) struct Stream {
    bytes: Layer,
    /// With the reader of the answers, as long as they are HTTP's.
    patience: Patience,
    /// Whether they are not any more: a WebSocket looks after itself.
    is_upgraded: Arc<AtomicBool>,
    /// Nothing reads it.
    _place: Place,
}

#[derive(Debug)]
enum Layer {
    Plain(TcpStream),
    /// Elsewhere, so that a connection in the clear is no larger for it.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) fn plain(stream: TcpStream, place: Place, patience: Patience) -> Self {
        Self::new(Layer::Plain(stream), place, patience)
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, place: Place, patience: Patience) -> Self {
        Self::new(Layer::Tls(Box::new(stream)), place, patience)
    }

    fn new(bytes: Layer, place: Place, patience: Patience) -> Self {
        Self { bytes, patience, is_upgraded: Arc::default(), _place: place }
    }

    /// To be set when HTTP has ended on it.
    pub(super) fn is_upgraded(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_upgraded)
    }

    /// Whether what was written may still lie in between: it has to be flushed.
    pub(crate) fn is_buffered(&self) -> bool {
        matches!(self.bytes, Layer::Tls(_))
    }

    /// What comes of a write, unless nobody has taken anything for too long: then what waits is dropped, here and in the
    /// system.
    fn within_patience<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() || self.is_upgraded.load(Ordering::Relaxed) || !self.patience.is_over(cx) {
            return outcome;
        }
        let socket = match &self.bytes {
            Layer::Plain(stream) => stream,
            Layer::Tls(stream) => stream.get_ref().0,
        };
        // Where that cannot be set, the system keeps for a while what was written.
        let _ = socket.set_zero_linger();
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.bytes {
            Layer::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Layer::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = match &mut self.bytes {
            Layer::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Layer::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        let written = ready!(self.within_patience(cx, outcome))?;
        self.patience.note_taken(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = match &mut self.bytes {
            Layer::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Layer::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        };
        let written = ready!(self.within_patience(cx, outcome))?;
        self.patience.note_taken(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = match &mut self.bytes {
            Layer::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        ready!(self.within_patience(cx, outcome))?;
        self.patience.note_all_taken();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = match &mut self.bytes {
            Layer::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        // A goodbye under TLS waits, too.
        self.within_patience(cx, outcome)
    }
}
