//! One connection: a single task that reads and writes as far as the socket lets it.
//!
//! Reading stops while too much is under way or still to be written, so that a peer is never owed more than a bound.

use super::dispatch::{
    Dispatched, FrameHead, IN_FLIGHT_MAX, MEMORY_WAIT, dispatch, refuse_too_long, slow_down,
};
use super::registry::Connections;
use super::upgrade::SocketState;
use super::watch::{SLOWEST_BYTES_PER_S, Watch};
use crate::clock::now_ms;
use crate::config::Tuning;
use crate::limit::{Pace, Share};
use crate::room::{CloseReason, Piece, Rooms, Session};
use crate::server::Stream;
use crate::wire;
use bytes::Buf as _;
use sotto_framing::{Event, Messages, Violation};
use sotto_protocol::{ErrorCode, PROTOCOL_VERSION, RelayFrame, Welcome};
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What one read takes at most. It lies on the stack: a connection has no read buffer of its own.
const READ_BYTES: usize = 8192;
/// Frames that one write takes at most.
const WRITE_FRAMES: usize = 64;
/// With so much on its way out to a peer, nothing more is read from it.
const WRITE_MAX_BYTES: usize = 1024 * 1024;
/// After so many frames in a row that cannot be read, the peer is taken for something else than a client.
const MALFORMED_MAX: u32 = 100;
/// After so many requests in a row that came too fast, the peer is taken for one that does not listen.
const TOO_FAST_MAX: u32 = 1000;
/// In what steps memory is taken for a long message.
const LONG_STEP_BYTES: usize = 64 * 1024;
/// How long the peer may take to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A connection that has been upgraded.
pub(super) struct Connection {
    stream: Stream,
    messages: Messages,
    /// Memory for a long message that is on its way, and how many bytes of it that is for.
    long: Option<(Share, usize)>,
    /// The message that is on its way found no memory.
    has_no_memory: bool,
    /// Frames on their way out, the first perhaps in part.
    writing: VecDeque<Piece>,
    /// Since when there is something on its way out that has to wait, and how much the peer has taken since.
    writing_since: Option<Instant>,
    written: usize,
    session: Arc<Session>,
    rooms: Arc<Rooms>,
    connections: Arc<Connections>,
    tuning: Arc<Tuning>,
    pace: Pace,
    watch: Watch,
    timer: Pin<Box<Sleep>>,
    last_heard: Instant,
    malformed_in_a_row: u32,
    too_fast_in_a_row: u32,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// We have sent a close and wait for the peer's.
    ClosedByUs,
    /// Both have closed: what is queued goes out, then the stream ends.
    Finishing,
}

/// Why the task ends, when it is not by a regular close.
enum End {
    Gone,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Connection {
    /// `read_ahead` are bytes that came with the upgrade.
    pub(super) fn new(
        (stream, read_ahead): (Stream, &[u8]),
        session: Arc<Session>,
        pace: Pace,
        state: SocketState,
    ) -> Self {
        let SocketState { rooms, connections, tuning, .. } = state;
        let now = Instant::now();
        let mut messages = Messages::default();
        messages.buffer().extend_from_slice(read_ahead);
        session.send(&RelayFrame::Welcome(Welcome {
            version: PROTOCOL_VERSION,
            challenge: *session.challenge(),
            incarnation: rooms.incarnation(),
            now_ms: now_ms(),
        }));
        connections.add(&session);
        Self {
            stream,
            messages,
            long: None,
            has_no_memory: false,
            writing: VecDeque::new(),
            writing_since: None,
            written: 0,
            session,
            rooms,
            connections,
            timer: Box::pin(tokio::time::sleep(tuning.ping_after.min(tuning.first_frame_timeout))),
            tuning,
            pace,
            watch: Watch::new(now),
            last_heard: now,
            malformed_in_a_row: 0,
            too_fast_in_a_row: 0,
            stage: Stage::Open,
        }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.session.outbox().register(cx.waker());
        self.poll_timer(cx)?;
        loop {
            let written = self.poll_write(cx)?;
            if self.stage == Stage::Finishing && self.writing.is_empty() && written.is_ready() {
                if self.stream.is_buffered() {
                    // A word of goodbye under TLS; whoever does not take it misses nothing.
                    let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
                }
                return Poll::Ready(Ok(()));
            }
            // Reading may have brought answers to write, and writing may have made room to read.
            let read = self.poll_read(cx)?;
            // After a goodbye nothing more is taken out of the outbox, whatever comes into it.
            let has_more_to_write =
                written.is_ready() && self.stage == Stage::Open && !self.session.outbox().is_empty();
            if read.is_pending() && !has_more_to_write && (written.is_pending() || self.writing.is_empty()) {
                return Poll::Pending;
            }
        }
    }

    /// Writes until there is nothing more to write (ready) or the socket takes no more (pending).
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, End> {
        loop {
            if self.stage == Stage::Open {
                let closing = self.session.outbox().take(&mut self.writing, WRITE_FRAMES);
                if let Some(reason) = closing {
                    self.close(reason);
                }
            }
            if self.writing.is_empty() {
                self.writing_since = None;
                if self.writing.capacity() > 4 {
                    // An idle connection keeps nothing of a burst.
                    self.writing = VecDeque::new();
                }
                if self.stream.is_buffered() && Pin::new(&mut self.stream).poll_flush(cx)?.is_pending() {
                    return Ok(Poll::Pending);
                }
                return Ok(Poll::Ready(()));
            }
            let mut slices = [IoSlice::new(&[]); WRITE_FRAMES];
            for (slice, piece) in slices.iter_mut().zip(&self.writing) {
                *slice = IoSlice::new(&piece.bytes);
            }
            let slices = slices.get(..self.writing.len()).unwrap_or(&slices);
            match Pin::new(&mut self.stream).poll_write_vectored(cx, slices)? {
                Poll::Ready(0) => return Err(End::Gone),
                Poll::Ready(written) => {
                    self.written = self.written.saturating_add(written);
                    self.advance(written);
                }
                Poll::Pending => {
                    if self.writing_since.is_none() {
                        (self.writing_since, self.written) = (Some(Instant::now()), 0);
                    }
                    return Ok(Poll::Pending);
                }
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.writing.front_mut() {
            if written < piece.bytes.len() {
                piece.bytes.advance(written);
                return;
            }
            written -= piece.bytes.len();
            self.writing.pop_front();
        }
    }

    /// Reads once and does what has become complete. Pending if nothing came, or nothing more is wanted now.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, End> {
        if self.stage == Stage::Finishing || (self.stage == Stage::Open && self.is_owed_too_much()) {
            return Ok(Poll::Pending);
        }
        if self.take_events()? {
            return Ok(Poll::Ready(()));
        }
        if self.stage == Stage::Open && self.has_to_wait() {
            return Ok(Poll::Pending);
        }
        let mut scratch = [0; READ_BYTES];
        let mut read = ReadBuf::new(&mut scratch);
        if Pin::new(&mut self.stream).poll_read(cx, &mut read)?.is_pending() {
            return Ok(Poll::Pending);
        }
        if read.filled().is_empty() {
            return Err(End::Gone);
        }
        let now = Instant::now();
        self.messages.buffer().extend_from_slice(read.filled());
        self.last_heard = now;
        self.pace.count_bytes(read.filled().len(), now.into_std());
        self.take_events()?;
        self.watch.note_partial(self.messages.partial_bytes().is_some(), now);
        Ok(Poll::Ready(()))
    }

    /// Whether more has come than may come: the rest waits at the peer's end. Sees to it that reading goes on.
    fn has_to_wait(&mut self) -> bool {
        let Some(until) = self.pace.waits_until() else { return false };
        let until = Instant::from_std(until);
        // The silence is ours, and so is the time that a message takes meanwhile.
        self.last_heard = self.last_heard.max(until);
        self.watch.excuse(until, Instant::now());
        if until < self.timer.deadline() {
            self.timer.as_mut().reset(until);
        }
        true
    }

    fn is_owed_too_much(&self) -> bool {
        self.session.in_flight() >= IN_FLIGHT_MAX
            || self.writing.len() >= WRITE_FRAMES
            || self.writing.iter().map(|piece| piece.bytes.len()).sum::<usize>() >= WRITE_MAX_BYTES
    }

    /// Does what has arrived in full, as long as not too much is under way. Whether there was anything.
    fn take_events(&mut self) -> Result<bool, End> {
        let mut is_any = false;
        while self.stage != Stage::Finishing && (self.stage != Stage::Open || !self.is_owed_too_much()) {
            let Self { messages, pace, long, has_no_memory, .. } = self;
            let limit_of = |message: &[u8]| {
                let limit = FrameHead::read(message).limit_bytes();
                if message.len() > limit {
                    return limit;
                }
                // As it grows, so that nobody has to begin much to take much.
                let next = message.len().saturating_mul(2).next_multiple_of(LONG_STEP_BYTES).min(limit);
                let taken = long.as_ref().map_or(0, |(_, bytes)| *bytes);
                let more = pace.messages().try_take(next.saturating_sub(taken));
                *has_no_memory = more.is_none();
                let Some(mut share) = more else { return taken };
                if let Some((before, _)) = long.take() {
                    share.merge(before);
                }
                *long = Some((share, next));
                next
            };
            match messages.next(limit_of) {
                Ok(Some(event)) => self.handle(event),
                Ok(None) => break,
                Err(violation) => {
                    let reason = match violation {
                        Violation::Protocol => CloseReason::Protocol,
                        Violation::Text => CloseReason::Text,
                        Violation::TooBig => CloseReason::TooBig,
                    };
                    self.writing.push_back(wire::close(reason.code()).into());
                    // What follows a violation means nothing: there is no use in waiting for the peer's close.
                    self.stage = Stage::Finishing;
                }
            }
            is_any = true;
        }
        Ok(is_any)
    }

    fn handle(&mut self, event: Event) {
        // What comes of a long message is bounded by what waits for the disk.
        let _whole = if matches!(event, Event::Binary(_) | Event::Text | Event::TooLong(..)) {
            self.watch.note_message();
            self.long.take()
        } else {
            None
        };
        if self.stage == Stage::ClosedByUs {
            if event == Event::Close {
                self.stage = Stage::Finishing;
            }
            return;
        }
        let is_readable = match event {
            Event::Binary(bytes) => match dispatch(&self.rooms, &self.session, &mut self.pace, &bytes) {
                Dispatched::Done => {
                    self.watch.note_request(self.last_heard);
                    self.too_fast_in_a_row = 0;
                    true
                }
                Dispatched::TooFast => {
                    self.too_fast_in_a_row += 1;
                    if self.too_fast_in_a_row > TOO_FAST_MAX {
                        self.session.outbox().close(CloseReason::Policy);
                    }
                    return;
                }
                Dispatched::Malformed => false,
            },
            Event::Text => {
                self.session.refuse(0, ErrorCode::MalformedFrame.into());
                false
            }
            // It had to be skipped, and was none the less good.
            Event::TooLong(head, _) if std::mem::take(&mut self.has_no_memory) => {
                self.session.refuse(FrameHead::read(&head).request, slow_down(MEMORY_WAIT));
                return;
            }
            Event::TooLong(head, limit_bytes) => {
                refuse_too_long(&self.session, &head, limit_bytes);
                false
            }
            Event::Ping(payload) => {
                self.writing.push_back(wire::pong(&payload).into());
                return;
            }
            Event::Pong => return,
            Event::Close => {
                self.writing.push_back(wire::close(1000).into());
                self.stage = Stage::Finishing;
                return;
            }
        };
        self.malformed_in_a_row = if is_readable { 0 } else { self.malformed_in_a_row + 1 };
        if self.malformed_in_a_row > MALFORMED_MAX {
            self.session.outbox().close(CloseReason::Policy);
        }
    }

    fn close(&mut self, reason: CloseReason) {
        self.writing.push_back(wire::close(reason.code()).into());
        self.stage = Stage::ClosedByUs;
        self.timer.as_mut().reset(Instant::now() + CLOSE_WITHIN);
    }

    /// Pings after silence, gives up after more of it, and hangs up on who only holds a place.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let silence = now.saturating_duration_since(self.last_heard);
            let Tuning { ping_after, drop_after, .. } = *self.tuning;
            // Whoever takes a little now and then would hold memory for days.
            let taken_s = u64::try_from(self.written / SLOWEST_BYTES_PER_S).unwrap_or(u64::MAX);
            let is_stalled = self.writing_since.is_some_and(|since| {
                now.saturating_duration_since(since)
                    >= drop_after.saturating_add(Duration::from_secs(taken_s))
            });
            if self.stage != Stage::Open || silence >= drop_after || is_stalled {
                return Err(End::Gone);
            }
            let partial_bytes = self.messages.partial_bytes().unwrap_or_default();
            let deadline = self.watch.deadline(self.session.follows_a_room(), partial_bytes, &self.tuning);
            if let Some((_, reason)) = deadline.filter(|(deadline, _)| *deadline <= now) {
                self.close(reason);
                continue;
            }
            let next = if silence >= ping_after {
                if self.writing.is_empty() {
                    self.writing.push_back(wire::ping().into());
                }
                now + ping_after.min(drop_after - silence)
            } else {
                now + (ping_after - silence)
            };
            self.timer.as_mut().reset(deadline.map_or(next, |(deadline, _)| deadline.min(next)));
        }
        Ok(())
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_all(cx).map(|_| ())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.rooms.end(&self.session);
        self.connections.remove(&self.session);
    }
}
