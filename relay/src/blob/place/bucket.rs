//! Pieces as objects in an S3 bucket, or in anything that speaks S3.

use super::{OWNER_FILE, PlaceFault, Reading, name_of, path_of};
use crate::store::PieceName;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long the object store may take for a piece, and then be silent. Whoever reads slowly is another matter, and is let go
/// earlier if nothing moves.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Until when it is asked again when it fails.
const RETRY_FOR: Duration = Duration::from_secs(20);
const RETRIES: usize = 5;

/// A bucket, or a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Path,
}

impl Bucket {
    /// Credentials and region come from the usual environment variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`), or from the machine's role. Nothing is asked yet.
    pub(in crate::blob) fn open(
        name: &str,
        prefix: &str,
        endpoint: Option<&str>,
    ) -> Result<Self, PlaceFault> {
        // Whoever was there first has chosen; the program itself chooses the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = ClientOptions::new().with_timeout_disabled().with_read_timeout(TIMEOUT);
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
        let mut builder =
            AmazonS3Builder::from_env().with_bucket_name(name).with_client_options(options).with_retry(retry);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        Ok(Self {
            store: Arc::new(builder.build()?),
            prefix: Path::parse(prefix).map_err(object_store::Error::from)?,
        })
    }

    pub(super) async fn put(&self, name: &PieceName, bytes: Bytes) -> Result<(), PlaceFault> {
        self.store.put(&self.object(&path_of(name)), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    pub(super) async fn read(&self, name: &PieceName, range: Range<u64>) -> Result<Reading, PlaceFault> {
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        let found = self.store.get_opts(&self.object(&path_of(name)), options).await?;
        Ok(found.into_stream().map(|part| Ok(part?)).boxed())
    }

    pub(super) async fn delete(&self, name: &PieceName) -> Result<(), PlaceFault> {
        match self.store.delete(&self.object(&path_of(name))).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn list(&self, older_than: Duration) -> BoxStream<'static, Result<PieceName, PlaceFault>> {
        let before = SystemTime::now().checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        let named = self.store.list(prefix).map(move |object| {
            let object = object?;
            let is_old = SystemTime::from(object.last_modified) < before;
            Ok(object.location.filename().and_then(name_of).filter(|_| is_old))
        });
        named.filter_map(|name| std::future::ready(name.transpose())).boxed()
    }

    pub(super) async fn owner(&self) -> Result<Option<Vec<u8>>, PlaceFault> {
        match self.store.get(&self.object(OWNER_FILE)).await {
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn take(&self, owner: &[u8; 16]) -> Result<(), PlaceFault> {
        self.store.put(&self.object(OWNER_FILE), PutPayload::from(owner.to_vec())).await?;
        Ok(())
    }

    fn object(&self, name: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(name).parts()))
    }
}

impl From<object_store::Error> for PlaceFault {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            error => Self::Bucket(error),
        }
    }
}
