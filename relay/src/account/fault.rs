//! What the database's faults look like to a client.

use crate::store::WriteFault;
use sotto_protocol::account::{AccountError, AccountErrorCode};

const AGAIN_MS: u64 = 1000;

/// Says it in the log, without what it was about, and to the client by a code.
pub(super) fn internal(fault: WriteFault) -> AccountError {
    match fault {
        WriteFault::Full => {
            tracing::error!("accounts: the disk is full");
            AccountError::with_delay(AccountErrorCode::StorageFull, AGAIN_MS)
        }
        fault @ WriteFault::Unwritable(_) => {
            tracing::error!(%fault, "accounts: nothing is stored");
            AccountError::with_delay(AccountErrorCode::StorageFull, AGAIN_MS)
        }
        WriteFault::Unreachable(error) => {
            tracing::error!(%error, "accounts: the database is not to be reached");
            AccountError::with_delay(AccountErrorCode::Overloaded, AGAIN_MS)
        }
        fault if fault.is_busy() => {
            tracing::warn!("accounts: others write the database for too long");
            AccountError::with_delay(AccountErrorCode::Overloaded, AGAIN_MS)
        }
        fault => {
            tracing::error!(%fault, "accounts: the database failed");
            AccountErrorCode::Internal.into()
        }
    }
}
