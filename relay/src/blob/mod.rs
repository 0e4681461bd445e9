//! Blobs: sealed files that the relay keeps without knowing whose they are.
//!
//! ```text
//! create, append, read, delete   what can be asked; `http/blob` is how
//! place                          where the pieces are: a folder, or a bucket
//! quota                          what one address may upload
//! sweep                          what has had its time, and what was left behind
//! ```
//!
//! # Invariants
//!
//! - A blob belongs to no room and no account: a request that shows a session is refused, and nothing is kept of where it came from.
//! - A piece is durable before its name is in the database, and the offset that a client is told is the database's. So whatever
//!   happens, what was acknowledged is there, and nothing is there twice.
//! - A blob is read only when it is whole, and never changes then.
//! - Names of files are random. Nothing that comes from outside becomes part of one.
//! - An upload holds one piece in memory, a download some parts of one; both are bounded in number.

mod append;
mod create;
mod delete;
mod fault;
mod place;
mod quota;
mod read;
mod settings;
mod sweep;

pub(crate) use append::Segment;
pub(crate) use create::{Begun, Creation};
pub(crate) use place::{Place, PlaceFault, path_of as piece_path};
pub(crate) use read::{Found, Progress};
pub use settings::{BlobPlace, BlobRates, BlobSettings, NoBlobPlace};

use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::preflight::check_writable;
use crate::store::{BlobStore, StoredBlob, WriteFault, own_blob_place};
use fault::{internal, wait};
use place::{Bucket, Disk};
use quota::Quota;
use sha2::{Digest as _, Sha256};
use sotto_protocol::BlobId;
use sotto_protocol::blob::{BlobError, BlobErrorCode, BlobToken};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Semaphore, watch};

/// The folder of blobs in the data folder.
pub(crate) const FOLDER: &str = "blobs";
/// When an address has too many transfers under way.
const AGAIN: Duration = Duration::from_secs(1);

/// The blobs of a relay.
#[derive(Debug)]
pub(crate) struct Blobs {
    settings: BlobSettings,
    clock: Clock,
    store: BlobStore,
    /// None where the relay takes no blobs.
    place: Option<Arc<Place>>,
    quota: Arc<Quota>,
    uploads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// Why blobs are not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobsError {
    /// The folder or the bucket is not to be had.
    #[error("the place for files is not to be had: {0}")]
    Place(String),
    /// The address of the object store is none.
    #[error("the address of the object store is not of the form https://host:9000")]
    Endpoint,
    /// The folder or the bucket is another relay's.
    #[error("the place for files belongs to another database")]
    Others,
    /// The database refuses.
    #[error("the database does not say which place for files is its own: {0}")]
    Database(String),
}

impl BlobsError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Place(_) => {
                "check the disk, or --blobs, --blobs-endpoint and the AWS_… variables; `--blobs off` runs without files"
            }
            Self::Endpoint => "correct --blobs-endpoint",
            Self::Others => {
                "restore the database that belongs to these files, move the data folder's `blobs` away, or choose another bucket or \
                 prefix with --blobs"
            }
            Self::Database(_) => "check the database",
        }
    }
}

impl Blobs {
    /// Opens the place, and checks that it belongs to the database.
    pub(crate) async fn open(
        store: BlobStore,
        settings: BlobSettings,
        data_dir: &Path,
        clock: Clock,
    ) -> Result<Self, BlobsError> {
        let place = open_place(&settings, data_dir).map_err(|fault| BlobsError::Place(fault.to_string()))?;
        if let Some(place) = &place {
            check_owner(&store, place).await?;
        }
        Ok(Self {
            place: place.map(Arc::new),
            store,
            quota: Arc::new(Quota::new(settings.by_address)),
            uploads: Arc::new(Semaphore::new(settings.uploads_at_once as usize)),
            downloads: Arc::new(Semaphore::new(settings.downloads_at_once as usize)),
            stopping: watch::Sender::new(false),
            settings,
            clock,
        })
    }

    /// Counts a request of any kind.
    pub(crate) fn count_request(&self, address: IpAddr) -> Result<(), BlobError> {
        self.quota.count_request(address).map_err(wait)
    }

    /// Ends uploads where they are, and keeps what came of them. To be given a deadline.
    pub(crate) async fn close(&self) {
        // Uploads that are under way hold receivers; without any there is nobody to tell.
        self.stopping.send_replace(true);
        // All of them are given back when nothing is under way.
        let _ = self.uploads.acquire_many(self.settings.uploads_at_once).await;
    }

    fn place(&self) -> Result<&Arc<Place>, BlobError> {
        self.place.as_ref().ok_or(BlobErrorCode::Closed.into())
    }

    /// The blob of that id, whoever asks.
    async fn find(&self, id: &BlobId) -> Result<StoredBlob, BlobError> {
        self.store.find(&hash(id.as_bytes())).await.map_err(internal)?.ok_or(BlobErrorCode::NotFound.into())
    }

    /// The blob of that id, for the holder of its token.
    async fn find_own(&self, id: &BlobId, token: &BlobToken) -> Result<StoredBlob, BlobError> {
        let blob = self.find(id).await?;
        if is_token(&blob, token) { Ok(blob) } else { Err(BlobErrorCode::TokenRefused.into()) }
    }

    /// For what is kept until some day: that of the clock that is ahead.
    fn today(&self) -> u32 {
        self.clock.latest_day()
    }

    fn until_day(&self, blob: &StoredBlob, offset: u64) -> u32 {
        match (offset == blob.length, blob.keep_days) {
            (false, _) => self.today().saturating_add(1),
            (true, 0) => 0,
            (true, days) => self.today().saturating_add(days),
        }
    }
}

/// Whether the place for blobs answers, can be written, and is no other database's. Nothing is left there.
pub(crate) async fn examine(config: &Config) -> Result<&'static str, String> {
    let place = open_place(&config.blobs, &config.data_dir).map_err(|fault| fault.to_string())?;
    let Some(place) = place else { return Ok("none: the relay takes no files") };
    let mut probe = [0; 16];
    getrandom::fill(&mut probe).map_err(|error| error.to_string())?;
    let probed = async {
        let owner = place.owner().await?;
        place.put(&probe, bytes::Bytes::from_static(b"probe")).await?;
        place.delete(&probe).await?;
        Ok(owner)
    };
    let owner = probed.await.map_err(|fault: PlaceFault| fault.to_string())?;
    // What is wrong with the database is told elsewhere.
    let own = own_blob_place(&config.database, &config.data_dir).await.unwrap_or_default();
    if owner.is_some_and(|owner| own.is_some_and(|own| owner != own)) {
        return Err(BlobsError::Others.to_string());
    }
    Ok(match place {
        Place::Disk(_) => "the folder can be written",
        Place::Bucket(_) => "the bucket answers, and can be written",
    })
}

/// Whether the settings name a place for blobs that can be one, as far as that can be seen without the network. Nothing is written.
pub(crate) async fn check_place(config: &Config) -> Result<(), BlobsError> {
    let failed = |fault: PlaceFault| BlobsError::Place(fault.to_string());
    match &config.blobs.place {
        BlobPlace::Off => Ok(()),
        BlobPlace::Bucket { .. } => {
            let endpoint = config.blobs.endpoint.as_deref().map(url::Url::parse);
            let is_http = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            if endpoint.is_some_and(|url| !url.is_ok_and(|url| is_http(&url))) {
                return Err(BlobsError::Endpoint);
            }
            open_place(&config.blobs, &config.data_dir).map(drop).map_err(failed)
        }
        BlobPlace::Disk => {
            let folder = config.data_dir.join(FOLDER);
            // What is wrong with the data folder itself is said already.
            if !config.data_dir.is_dir() || std::fs::symlink_metadata(&folder).is_err() {
                return Ok(());
            }
            check_writable(&folder).map_err(|error| BlobsError::Place(error.to_string()))?;
            if matches!(config.database, Database::Postgres(_)) {
                return Ok(());
            }
            let own = own_blob_place(&config.database, &config.data_dir).await.unwrap_or_default();
            let owner = std::fs::read(folder.join(place::OWNER_FILE)).ok();
            if owner.is_some_and(|owner| own.is_some_and(|own| owner != own)) {
                return Err(BlobsError::Others);
            }
            Ok(())
        }
    }
}

fn open_place(settings: &BlobSettings, data_dir: &Path) -> Result<Option<Place>, PlaceFault> {
    Ok(match &settings.place {
        BlobPlace::Off => None,
        BlobPlace::Disk => {
            let disk = Disk::open(&data_dir.join(FOLDER), settings.keep_free_bytes);
            Some(Place::Disk(disk.map_err(PlaceFault::Disk)?))
        }
        BlobPlace::Bucket { name, prefix } => {
            Some(Place::Bucket(Bucket::open(name, prefix, settings.endpoint.as_deref())?))
        }
    })
}

/// Sweeping removes what the database does not name: it must be the right database.
async fn check_owner(store: &BlobStore, place: &Place) -> Result<(), BlobsError> {
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh).map_err(|error| BlobsError::Database(error.to_string()))?;
    let failed = |fault: WriteFault| BlobsError::Database(fault.to_string());
    let failed_there = |fault: PlaceFault| BlobsError::Place(fault.to_string());
    let own = store.place(&fresh).await.map_err(failed)?;
    match place.owner().await.map_err(failed_there)? {
        None => place.take(&own).await.map_err(failed_there),
        Some(owner) if owner == own => Ok(()),
        Some(_) => Err(BlobsError::Others),
    }
}

fn is_token(blob: &StoredBlob, token: &BlobToken) -> bool {
    blob.token_hash.ct_eq(&hash(token.expose())).into()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
