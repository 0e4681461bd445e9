//! A blob grows by a segment. What comes is made durable piece by piece; whatever ends the segment early, what came before it is
//! kept, and the client is told how much that is.

use super::fault::{busy, full, internal, misplaced, wait};
use super::place::Place;
use super::quota::Transfer;
use super::settings::Pacing;
use super::{AGAIN, Blobs, hash};
use crate::store::{Appended, Piece, StoredBlob};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use sotto_protocol::BlobId;
use sotto_protocol::blob::{BlobError, BlobErrorCode, BlobToken, SEGMENT_MIN_BYTES};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// What is said of a segment before it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// Where it begins.
    pub offset: u64,
    /// How long it is, where that is said.
    pub length: Option<u64>,
}

struct Upload {
    blobs: Arc<Blobs>,
    place: Arc<Place>,
    blob: StoredBlob,
    stopping: watch::Receiver<bool>,
    /// What came and is not durable yet.
    waiting: BytesMut,
    /// How much came.
    taken: u64,
}

impl Blobs {
    /// Takes in a segment; how much of the blob is there then.
    pub(crate) async fn append<E: Send + 'static>(
        self: &Arc<Self>,
        address: IpAddr,
        (id, token): (&BlobId, &BlobToken),
        segment: Segment,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    ) -> Result<u64, BlobError> {
        let place = Arc::clone(self.place()?);
        let blob = self.find_own(id, token).await?;
        check(&blob, segment)?;
        let counted = self.quota.begin_transfer(address, Transfer::Segment);
        let counted = counted.ok_or_else(|| wait(AGAIN).at(blob.offset))?;
        let permit = Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| busy().at(blob.offset))?;
        let upload = Upload {
            blobs: Arc::clone(self),
            place,
            blob,
            stopping: self.stopping.subscribe(),
            waiting: BytesMut::new(),
            taken: 0,
        };
        let id_hash = hash(id.as_bytes());
        // It goes on when the connection is gone: what came is still to be kept.
        let taking = tokio::spawn(async move {
            let taken = upload.take_in(body).await;
            drop((counted, permit));
            taken
        });
        let (offset, is_whole) = taking.await.unwrap_or_else(|_| Err(BlobErrorCode::Internal.into()))?;
        if is_whole {
            self.quota.end(address, &id_hash);
        }
        Ok(offset)
    }
}

/// What can be said before anything came.
fn check(blob: &StoredBlob, segment: Segment) -> Result<(), BlobError> {
    if segment.offset != blob.offset {
        return Err(BlobError::new(BlobErrorCode::WrongOffset).at(blob.offset));
    }
    let Some(length) = segment.length else { return Ok(()) };
    let missing = blob.length.saturating_sub(blob.offset);
    if length > missing {
        return Err(too_long(blob));
    }
    if length < SEGMENT_MIN_BYTES && length < missing {
        return Err(too_short(blob));
    }
    Ok(())
}

fn too_long(blob: &StoredBlob) -> BlobError {
    BlobError::with_limit(BlobErrorCode::LimitExceeded, blob.length).at(blob.offset)
}

fn too_short(blob: &StoredBlob) -> BlobError {
    BlobError::with_limit(BlobErrorCode::SegmentTooShort, SEGMENT_MIN_BYTES).at(blob.offset)
}

impl Upload {
    /// To the end of the segment, or as far as it goes.
    async fn take_in<E>(
        mut self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(u64, bool), BlobError> {
        let Pacing { silence, slowest_bytes_per_s } = self.blobs.settings.pacing();
        // What was waited for whoever sends, and not for the place where it goes.
        let mut waited = Duration::ZERO;
        loop {
            // Whoever is slower than that would hold a place for days.
            let patience = silence.saturating_add(Duration::from_secs(self.taken / slowest_bytes_per_s));
            let within = silence.min(patience.saturating_sub(waited));
            let asked = Instant::now();
            let next = tokio::select! {
                next = timeout(within, body.next()) => Some(next),
                _ = self.stopping.wait_for(|is_stopping| *is_stopping) => None,
            };
            waited = waited.saturating_add(asked.elapsed());
            let Some(next) = next else { return Err(self.keep(busy()).await) };
            match next {
                Ok(Some(Ok(bytes))) => self.take(&bytes).await?,
                Ok(None) => break,
                // The connection broke, or nothing came for too long, or too little.
                Ok(Some(Err(_))) | Err(_) => return Err(self.keep(BlobErrorCode::Interrupted.into()).await),
            }
        }
        if self.is_too_short() {
            return Err(too_short(&self.blob));
        }
        self.commit().await?;
        Ok((self.blob.offset, self.blob.is_whole()))
    }

    async fn take(&mut self, bytes: &Bytes) -> Result<(), BlobError> {
        let missing = self.blob.length.saturating_sub(self.blob.offset);
        let waiting = (self.waiting.len() as u64).saturating_add(bytes.len() as u64);
        if waiting > missing {
            return Err(too_long(&self.blob));
        }
        self.waiting.extend_from_slice(bytes);
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        // The last piece waits for the end: more than was said may still come.
        if self.waiting.len() >= self.blobs.settings.piece_bytes && waiting < missing {
            self.commit().await?;
        }
        Ok(())
    }

    /// Many short pieces would cost more than they hold.
    fn is_too_short(&self) -> bool {
        let end = self.blob.offset.saturating_add(self.waiting.len() as u64);
        self.taken < SEGMENT_MIN_BYTES && end < self.blob.length
    }

    /// Keeps what came before it went wrong, unless that is too little.
    async fn keep(&mut self, error: BlobError) -> BlobError {
        let kept = if self.is_too_short() { Ok(()) } else { self.commit().await };
        match kept {
            Ok(()) => error.at(self.blob.offset),
            Err(error) => error,
        }
    }

    /// Makes durable what waits.
    async fn commit(&mut self) -> Result<(), BlobError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = self.waiting.split().freeze();
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|_| BlobErrorCode::Internal)?;
        let piece = Piece { name, start: self.blob.offset, length: bytes.len() as u64 };
        let end = piece.start.saturating_add(piece.length);
        self.place.put(&name, bytes).await.map_err(|fault| misplaced(fault).at(self.blob.offset))?;
        let until_day = self.blobs.until_day(&self.blob, end);
        // If the answer of the database is lost, nobody knows whether the piece has a name: sweeping finds out.
        let store = &self.blobs.store;
        let quota = self.blobs.settings.quota_bytes;
        let appended = store.append(self.blob.number, &piece, (until_day, quota)).await.map_err(internal)?;
        if appended == Appended::Done {
            self.blob.offset = end;
            return Ok(());
        }
        // If the piece stays, it is swept.
        let _ = self.place.delete(&name).await;
        if appended == Appended::Full {
            return Err(full().at(self.blob.offset));
        }
        // Another segment came first, or the blob is gone.
        match store.offset(self.blob.number).await.map_err(internal)? {
            Some(offset) => Err(BlobError::new(BlobErrorCode::WrongOffset).at(offset)),
            None => Err(BlobErrorCode::NotFound.into()),
        }
    }
}
