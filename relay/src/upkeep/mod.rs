//! What an operator does beside running the relay: bring the database up to date, copy it, put a copy back, look for faults, and see
//! to accounts and rooms.

mod admin;
mod contradictions;
mod copy;
mod doctor;

pub use crate::store::admin::{
    AccountSummary, InviteCodeSummary, Quotas, RoomSummary, SessionSummary, Stats,
};
pub use admin::{Admin, AdminError, Who};
pub use contradictions::contradictions;
pub use copy::{Copied, CopyFault, SealedFiles, UpkeepError, back_up, restore, verify};
pub use doctor::{Finding, examine};

use crate::config::Config;
use crate::error::StartError;
use crate::store::Store;

/// Brings the database up to date.
///
/// # Errors
/// [`StartError`], with the remedy.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    let store = Store::open(&config.database, &config.data_dir, config.max_database_bytes).await?;
    store.accounts.close().await;
    store.read.close().await;
    Ok(store.write.close().await?)
}
