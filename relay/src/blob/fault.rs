//! What faults of database and place look like to a client.

use super::place::PlaceFault;
use crate::limit::whole_ms;
use crate::store::WriteFault;
use sotto_protocol::blob::{BlobError, BlobErrorCode};
use std::time::Duration;

const AGAIN_MS: u64 = 1000;
/// Space does not come back in a second.
const SPACE_AGAIN_MS: u64 = 60_000;

/// Says it in the log, without what it was about, and to the client by a code.
pub(super) fn internal(fault: WriteFault) -> BlobError {
    match fault {
        WriteFault::Full => {
            tracing::error!("blobs: the disk of the database is full");
            BlobError::with_delay(BlobErrorCode::StorageFull, SPACE_AGAIN_MS)
        }
        fault @ WriteFault::Unwritable(_) => {
            tracing::error!(%fault, "blobs: nothing is stored");
            full()
        }
        WriteFault::Unreachable(error) => {
            tracing::error!(%error, "blobs: the database is not to be reached");
            busy()
        }
        fault if fault.is_busy() => {
            tracing::warn!("blobs: others write the database for too long");
            busy()
        }
        fault => {
            tracing::error!(%fault, "blobs: the database failed");
            BlobErrorCode::Internal.into()
        }
    }
}

/// The same for the place.
pub(super) fn misplaced(fault: PlaceFault) -> BlobError {
    match fault {
        PlaceFault::Full => {
            tracing::error!("blobs: the disk is full, but for what is left to the database");
            full()
        }
        PlaceFault::Missing => {
            tracing::warn!("blobs: a piece is missing; unless its blob was just deleted, it is lost");
            BlobErrorCode::NotFound.into()
        }
        PlaceFault::Disk(error) => {
            tracing::error!(kind = %error.kind(), "blobs: the disk failed");
            BlobErrorCode::Internal.into()
        }
        // Its words hold names of objects.
        PlaceFault::Bucket(_) => {
            tracing::error!("blobs: the object store failed");
            busy()
        }
    }
}

/// No space, for a while.
pub(super) fn full() -> BlobError {
    BlobError::with_delay(BlobErrorCode::StorageFull, SPACE_AGAIN_MS)
}

/// Come again soon.
pub(super) fn busy() -> BlobError {
    BlobError::with_delay(BlobErrorCode::Overloaded, AGAIN_MS)
}

/// Come again then.
pub(super) fn wait(duration: Duration) -> BlobError {
    BlobError::with_delay(BlobErrorCode::TooMany, whole_ms(duration))
}
