//! Vault records: names, versions and sealed values.

use super::accounts::hold;
use super::{AccountStore, array, number_of, to_sql};
use crate::store::error::WriteFault;
use sotto_protocol::account::{VaultEntry, VaultListed};
use sqlx::Row as _;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VaultChange {
    /// It is there.
    Done,
    /// The relay has this version; 0 where it has none.
    Conflict(u64),
    /// The vault would have too many records or bytes.
    Full,
}

impl AccountStore {
    /// Names and versions, sorted by name.
    pub(crate) async fn vault_list(&self, account: i64) -> Result<Vec<VaultListed>, WriteFault> {
        let rows = sqlx::query("SELECT name, version FROM vault WHERE account = $1 ORDER BY name")
            .bind(account)
            .fetch_all(&self.read)
            .await?;
        let listed = |row: &sqlx::any::AnyRow| {
            let name = array(row.get("name"), "vault name")?;
            Ok(VaultListed { name, version: number_of(row.get("version"))? })
        };
        rows.iter().map(listed).collect()
    }

    /// One record.
    pub(crate) async fn vault_read(
        &self,
        account: i64,
        name: &[u8; 32],
    ) -> Result<Option<VaultEntry>, WriteFault> {
        let row = sqlx::query("SELECT version, value FROM vault WHERE account = $1 AND name = $2")
            .bind(account)
            .bind(&name[..])
            .fetch_optional(&self.read)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let version = number_of(row.get("version"))?;
        Ok(Some(VaultEntry { name: *name, version, value: row.get("value") }))
    }

    /// Puts version n + 1 in the place of version n.
    pub(crate) async fn vault_put(
        &self,
        account: i64,
        record: &VaultEntry,
        (max_records, max_bytes): (u64, u64),
    ) -> Result<VaultChange, WriteFault> {
        let mut transaction = self.begin().await?;
        let before: Option<(i64, i64)> = sqlx::query_as(
            "SELECT version, CAST(length(value) AS BIGINT) FROM vault WHERE account = $1 AND name = $2",
        )
        .bind(account)
        .bind(&record.name[..])
        .fetch_optional(&mut *transaction)
        .await?;
        let (version, bytes_before) = before.unwrap_or((0, 0));
        let version = number_of(version)?;
        if version.checked_add(1) != Some(record.version) {
            return Ok(VaultChange::Conflict(version));
        }
        let grows_by = to_sql(record.value.len() as u64).saturating_sub(bytes_before);
        let counted = sqlx::query(
            "UPDATE accounts SET vault_bytes = vault_bytes + $2, vault_records = vault_records + $3 WHERE number = $1
                AND ($2 <= 0 OR vault_bytes + $2 <= $4) AND ($3 = 0 OR vault_records + $3 <= $5)",
        )
        .bind(account)
        .bind(grows_by)
        .bind(i64::from(version == 0))
        .bind(to_sql(max_bytes))
        .bind(to_sql(max_records))
        .execute(&mut *transaction)
        .await?;
        if counted.rows_affected() == 0 {
            return Ok(VaultChange::Full);
        }
        let statement = if version == 0 {
            "INSERT INTO vault (account, name, version, value) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        } else {
            "UPDATE vault SET version = $3, value = $4 WHERE account = $1 AND name = $2 AND version = $3 - 1"
        };
        let done = sqlx::query(statement)
            .bind(account)
            .bind(&record.name[..])
            .bind(to_sql(record.version))
            .bind(&record.value[..])
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            // Somebody else came between the two statements, who has the next version now.
            return Ok(VaultChange::Conflict(record.version));
        }
        transaction.commit().await?;
        Ok(VaultChange::Done)
    }

    /// Deletes a record of that version.
    pub(crate) async fn vault_delete(
        &self,
        account: i64,
        name: &[u8; 32],
        version: u64,
    ) -> Result<VaultChange, WriteFault> {
        let mut transaction = self.begin().await?;
        if !hold(&mut transaction, account).await? {
            return Ok(VaultChange::Conflict(0));
        }
        let bytes: Option<i64> = sqlx::query_scalar(
            "DELETE FROM vault WHERE account = $1 AND name = $2 AND version = $3
                RETURNING CAST(length(value) AS BIGINT)",
        )
        .bind(account)
        .bind(&name[..])
        .bind(to_sql(version))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(bytes) = bytes else {
            let found: Option<i64> =
                sqlx::query_scalar("SELECT version FROM vault WHERE account = $1 AND name = $2")
                    .bind(account)
                    .bind(&name[..])
                    .fetch_optional(&mut *transaction)
                    .await?;
            return Ok(VaultChange::Conflict(number_of(found.unwrap_or(0))?));
        };
        sqlx::query(
            "UPDATE accounts SET vault_bytes = vault_bytes - $2, vault_records = vault_records - 1 WHERE number = $1",
        )
        .bind(account)
        .bind(bytes)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(VaultChange::Done)
    }
}
