//! A blob is read: all of it or a part, by whoever knows its id.

use super::fault::{busy, internal, misplaced, wait};
use super::place::Place;
use super::quota::Transfer;
use super::settings::Pacing;
use super::{AGAIN, Blobs, hash};
use crate::store::{BlobStore, Piece};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use sotto_protocol::BlobId;
use sotto_protocol::blob::{BlobError, BlobErrorCode, BlobToken};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Sender};

/// How many pieces are looked up at once.
const PIECES_AHEAD: u32 = 64;
/// How many parts wait for whoever reads.
const PARTS_AHEAD: usize = 1;

/// A blob that can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// How long it is.
    pub length: u64,
    /// Tells it from another that once had the same id.
    pub tag: [u8; 8],
    number: i64,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How much is there.
    pub offset: u64,
    /// How long it will be.
    pub length: u64,
}

struct Download {
    store: BlobStore,
    place: Arc<Place>,
    number: i64,
    range: Range<u64>,
    pacing: Pacing,
    /// What was waited for whoever reads.
    waited: Duration,
    sent: u64,
    parts: Sender<Result<Bytes, BlobError>>,
}

impl Blobs {
    /// Looks for a whole blob.
    pub(crate) async fn look_up(&self, id: &BlobId) -> Result<Found, BlobError> {
        self.place()?;
        let blob = self.find(id).await?;
        if !blob.is_whole() {
            return Err(BlobErrorCode::NotFound.into());
        }
        let [a, b, c, d, e, f, g, h, ..] = hash(&blob.token_hash);
        Ok(Found { length: blob.length, tag: [a, b, c, d, e, f, g, h], number: blob.number })
    }

    /// How far an upload is, for whoever has its token.
    pub(crate) async fn progress(&self, id: &BlobId, token: &BlobToken) -> Result<Progress, BlobError> {
        self.place()?;
        let blob = self.find_own(id, token).await?;
        Ok(Progress { offset: blob.offset, length: blob.length })
    }

    /// Reads a part. The first bytes are there when this returns; if something goes wrong later, the stream ends early.
    pub(crate) async fn read(
        &self,
        address: IpAddr,
        found: &Found,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let counted = self.quota.begin_transfer(address, Transfer::Download).ok_or_else(|| wait(AGAIN))?;
        let permit = Arc::clone(&self.downloads).try_acquire_owned().map_err(|_| busy())?;
        let (sender, mut parts) = mpsc::channel(PARTS_AHEAD);
        let download = Download {
            store: self.store.clone(),
            place: Arc::clone(self.place()?),
            number: found.number,
            range,
            pacing: self.settings.pacing(),
            waited: Duration::ZERO,
            sent: 0,
            parts: sender,
        };
        tokio::spawn(async move {
            download.run().await;
            drop((counted, permit));
        });
        let first = parts.recv().await.ok_or(BlobErrorCode::Internal)??;
        let rest = stream::unfold(parts, async |mut parts| parts.recv().await.map(|part| (part, parts)));
        Ok(stream::once(std::future::ready(Ok(first))).chain(rest).boxed())
    }
}

impl Download {
    async fn run(mut self) {
        if let Err(error) = self.read_pieces().await {
            // Whoever reads may be gone, or asleep: then there is nobody to tell.
            let _ = self.parts.send_timeout(Err(error), self.pacing.silence).await;
        }
    }

    async fn read_pieces(&mut self) -> Result<(), BlobError> {
        while !self.range.is_empty() {
            let pieces =
                self.store.pieces(self.number, self.range.start, PIECES_AHEAD).await.map_err(internal)?;
            if pieces.is_empty() {
                // It was deleted meanwhile.
                return Err(BlobErrorCode::NotFound.into());
            }
            for piece in pieces {
                if self.range.is_empty() {
                    break;
                }
                self.read_piece(piece).await?;
            }
        }
        Ok(())
    }

    async fn read_piece(&mut self, piece: Piece) -> Result<(), BlobError> {
        let end = piece.start.saturating_add(piece.length).min(self.range.end);
        let within = self.range.start.saturating_sub(piece.start)..end.saturating_sub(piece.start);
        if within.is_empty() || piece.start > self.range.start {
            return Err(BlobErrorCode::Internal.into());
        }
        let mut reading = self.place.read(&piece.name, within).await.map_err(misplaced)?;
        while let Some(part) = reading.next().await {
            let part = part.map_err(misplaced)?;
            self.range.start = self.range.start.saturating_add(part.len() as u64);
            // Who does not read for so long, or so little, is let go.
            let Pacing { silence, slowest_bytes_per_s } = self.pacing;
            let patience = silence.saturating_add(Duration::from_secs(self.sent / slowest_bytes_per_s));
            let within = silence.min(patience.saturating_sub(self.waited));
            self.sent = self.sent.saturating_add(part.len() as u64);
            let offered = Instant::now();
            let sent = self.parts.send_timeout(Ok(part), within).await;
            self.waited = self.waited.saturating_add(offered.elapsed());
            sent.map_err(|_| BlobErrorCode::Interrupted)?;
        }
        if self.range.start == end { Ok(()) } else { Err(BlobErrorCode::Internal.into()) }
    }
}
