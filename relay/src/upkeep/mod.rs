//! What an operator does beside running the relay: bring the database up to date, copy it, put a copy back, look for faults.

mod backup;
mod doctor;

pub use backup::{UpkeepError, back_up, restore};
pub use doctor::{Finding, examine};

use crate::account::{Accounts, SecretsError};
use crate::config::Config;
use crate::error::StartError;
use crate::store::{Store, accounts_beside};
use sotto_protocol::account::InviteCode;

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

/// Makes an invite code for so many accounts, while the relay runs.
///
/// # Errors
/// [`StartError`], with the remedy.
pub async fn create_invite_code(config: &Config, uses: u32) -> Result<InviteCode, StartError> {
    let store = accounts_beside(&config.database, &config.data_dir).await?;
    let accounts =
        Accounts::open(store, config.accounts.clone(), &config.data_dir, config.tuning.clock.clone()).await?;
    let code = accounts.create_invite_code(uses).await.map_err(|_| SecretsError::Database)?;
    accounts.close().await;
    Ok(code)
}
