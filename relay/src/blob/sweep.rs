//! What has had its time: blobs past their day, uploads that were given up, and pieces that nothing names.

use super::Blobs;
use crate::store::WriteFault;
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How many blobs are removed between two looks at the database.
const AT_ONCE: u32 = 100;
/// How often pieces are looked for that nothing names: all of them are listed.
const LIST_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

impl Blobs {
    /// Removes now and then what has had its time. To be aborted when the relay stops.
    pub(crate) fn sweep_now_and_then(self: &Arc<Self>) -> JoinHandle<()> {
        let blobs = Arc::downgrade(self);
        let every = self.settings.sweep_every;
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(every);
            let mut listed: Option<Instant> = None;
            loop {
                interval.tick().await;
                let Some(blobs) = blobs.upgrade() else { return };
                blobs.quota.forget();
                if let Err(fault) = blobs.sweep_expired(blobs.clock.earliest_day()).await {
                    tracing::error!(%fault, "cannot remove old blobs");
                }
                if listed.is_none_or(|listed| listed.elapsed() >= LIST_EVERY.min(every * 24)) {
                    listed = Some(Instant::now());
                    if let Some(days) = blobs.settings.max_days
                        && let Err(fault) = blobs.store.end_by(blobs.today().saturating_add(days)).await
                    {
                        tracing::error!(%fault, "cannot give old blobs an end");
                    }
                    if let Err(fault) = blobs.store.recount().await {
                        tracing::error!(%fault, "cannot count what there is of blobs");
                    }
                    blobs.sweep_forgotten().await;
                }
            }
        })
    }

    /// Removes a blob and its pieces. A piece that stays is swept later.
    pub(super) async fn remove(&self, number: i64) -> Result<(), WriteFault> {
        let names = self.store.delete(number).await?;
        let Some(place) = &self.place else { return Ok(()) };
        let deletions = futures_util::stream::iter(names).for_each_concurrent(8, async |name| {
            if place.delete(&name).await.is_err() {
                tracing::warn!("blobs: a piece could not be removed; it is tried again within days");
            }
        });
        deletions.await;
        Ok(())
    }

    async fn sweep_expired(&self, today: u32) -> Result<(), WriteFault> {
        loop {
            let expired = self.store.expired(today, AT_ONCE).await?;
            if expired.is_empty() {
                return Ok(());
            }
            for number in expired {
                self.remove(number).await?;
            }
        }
    }

    /// Pieces that were written and not named, or whose blob is gone.
    async fn sweep_forgotten(&self) {
        let Some(place) = &self.place else { return };
        let mut names = place.list(self.settings.forgotten_after);
        let mut removed = 0_u64;
        while let Some(name) = names.next().await {
            let Ok(name) = name else {
                tracing::warn!("blobs: the pieces cannot be listed");
                return;
            };
            match self.store.has_piece(&name).await {
                Ok(true) => {}
                Ok(false) => removed += u64::from(place.delete(&name).await.is_ok()),
                Err(fault) => {
                    tracing::error!(%fault, "blobs: cannot tell which pieces belong to blobs");
                    return;
                }
            }
        }
        if removed > 0 {
            tracing::info!(removed, "blobs: removed pieces that were left behind");
        }
    }
}
