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
use crate::preflight;
use crate::store::Store;

/// Looks for everything that keeps a relay from starting, short of the network, and for settings that contradict each other. Nothing is
/// written.
pub async fn check(config: &Config) -> Vec<Finding> {
    let faults = preflight::faults(config).await.into_iter();
    let faults = faults.map(|(what, error)| Finding { what, state: Err((error.to_string(), error.help())) });
    faults.chain(contradictions(config)).collect()
}

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
