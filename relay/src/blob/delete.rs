//! A blob ends before its time.

use super::Blobs;
use super::fault::internal;
use sotto_protocol::BlobId;
use sotto_protocol::blob::{BlobError, BlobToken};
use std::net::IpAddr;

impl Blobs {
    /// Deletes a blob, whole or not. Nobody reads it any more when this returns; its pieces go next.
    pub(crate) async fn delete(
        &self,
        address: IpAddr,
        id: &BlobId,
        token: &BlobToken,
    ) -> Result<(), BlobError> {
        self.place()?;
        let blob = self.find_own(id, token).await?;
        self.remove(blob.number).await.map_err(internal)?;
        self.quota.end(address, &super::hash(id.as_bytes()));
        Ok(())
    }
}
