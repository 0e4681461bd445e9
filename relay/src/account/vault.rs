//! The vault: what an account keeps, sealed, by names that say nothing.

use super::{Accounts, Session, internal};
use crate::store::VaultChange;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, DeleteVault, Done, PutVault, ReadVault, VaultEntries, VaultList,
};
use sotto_protocol::limits::{VAULT_READ_MAX_BYTES, VAULT_READ_MAX_RECORDS, VAULT_RECORD_MAX_BYTES};

impl Accounts {
    /// Names and versions.
    pub(crate) async fn list_vault(&self, session: &Session) -> Result<VaultList, AccountError> {
        Ok(VaultList { records: self.store.vault_list(session.account()).await.map_err(internal)? })
    }

    /// Some records.
    pub(crate) async fn read_vault(
        &self,
        session: &Session,
        asked: ReadVault,
    ) -> Result<VaultEntries, AccountError> {
        if asked.names.len() > VAULT_READ_MAX_RECORDS {
            let limit = VAULT_READ_MAX_RECORDS as u64;
            return Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, limit));
        }
        let mut answer = VaultEntries { records: Vec::new(), is_cut: false };
        let mut bytes: usize = 0;
        for name in &asked.names {
            let found = self.store.vault_read(session.account(), name).await.map_err(internal)?;
            let Some(record) = found else { continue };
            bytes = bytes.saturating_add(record.value.len());
            if bytes > VAULT_READ_MAX_BYTES {
                answer.is_cut = true;
                break;
            }
            answer.records.push(record);
        }
        Ok(answer)
    }

    /// Replaces version n by n + 1.
    pub(crate) async fn put_vault(&self, session: &Session, asked: PutVault) -> Result<Done, AccountError> {
        let record = &asked.record;
        if record.value.len() > VAULT_RECORD_MAX_BYTES {
            let limit = VAULT_RECORD_MAX_BYTES as u64;
            return Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, limit));
        }
        if record.version == 0 || i64::try_from(record.version).is_err() {
            return Err(AccountErrorCode::Malformed.into());
        }
        let quotas = self.store.quotas().await.map_err(internal)?;
        let max_bytes = quotas.vault_max_bytes.unwrap_or(self.settings.vault_max_bytes);
        let limits = (quotas.vault_max_records.unwrap_or(self.settings.vault_max_records), max_bytes);
        changed(self.store.vault_put(session.account(), record, limits).await.map_err(internal)?, max_bytes)
    }

    /// Deletes a record.
    pub(crate) async fn delete_vault(
        &self,
        session: &Session,
        asked: DeleteVault,
    ) -> Result<Done, AccountError> {
        self.proven_by_password(session, &asked.proof).await?;
        let done = self.store.vault_delete(session.account(), &asked.name, asked.version);
        changed(done.await.map_err(internal)?, self.settings.vault_max_bytes)
    }
}

fn changed(change: VaultChange, max_bytes: u64) -> Result<Done, AccountError> {
    match change {
        VaultChange::Done => Ok(Done {}),
        VaultChange::Conflict(version) => Err(AccountError::conflict(version)),
        VaultChange::Full => Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, max_bytes)),
    }
}
