//! What the operator does to the database, beside the relays that work on it.

mod accounts;
mod rooms;
mod stats;

pub use accounts::{AccountSummary, SessionSummary, WhichAccount};
pub use rooms::RoomSummary;
pub use stats::Stats;

use super::dialect::{Dialect, Source, WRITER_BESIDE};
use super::error::{StoreError, WriteFault};
use super::read::to_sql;
use super::upkeep::reach;
use crate::base16::base16;
use crate::config::Database;
use serde::Serialize;
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use std::path::Path;

/// The database, while relays may be running on it.
pub(crate) struct AdminStore {
    pool: AnyPool,
    dialect: Dialect,
}

/// Limits that the operator can set while relays run. Nothing: as the settings have it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quotas {
    /// How large an SQLite database may grow.
    pub max_database_bytes: Option<u64>,
    /// How many records a vault may have.
    pub vault_max_records: Option<u64>,
    /// How many bytes a vault may have.
    pub vault_max_bytes: Option<u64>,
    /// How many letters an inbox may have.
    pub inbox_max_letters: Option<u64>,
}

/// An invite code, as far as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InviteCodeSummary {
    /// The beginning of its hash: enough to name it.
    pub handle: String,
    /// How many accounts can still be made with it.
    pub uses_left: i64,
}

pub(super) const QUOTAS: &str = "SELECT changes, max_database_bytes, vault_max_records, vault_max_bytes, inbox_max_letters FROM administration";

/// What relays remember is to be looked up again.
pub(super) const CHANGED: &str = "UPDATE administration SET changes = changes + 1";

impl AdminStore {
    /// Opens a database that a relay of this version has made.
    pub(crate) async fn open(database: &Database, data_dir: &Path) -> Result<Self, StoreError> {
        if matches!(database, Database::Sqlite) && !data_dir.join("relay.db").is_file() {
            return Err(StoreError::Missing { path: data_dir.to_owned() });
        }
        if !reach(database, data_dir).await? {
            return Err(StoreError::Older);
        }
        let (dialect, options) = Source::address(database, data_dir, false)?;
        let setup = match dialect {
            Dialect::Sqlite => WRITER_BESIDE,
            Dialect::Postgres => "SET statement_timeout = '300s'",
        };
        let pool = AnyPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(setup).execute(connection).await.map(|_| ()) })
        });
        Ok(Self { pool: pool.connect_with(options).await.map_err(StoreError::Open)?, dialect })
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the relay can keep the database to a size.
    pub(crate) fn bounds_itself(&self) -> bool {
        self.dialect == Dialect::Sqlite
    }

    /// The quotas that are set.
    pub(crate) async fn quotas(&self) -> Result<Quotas, WriteFault> {
        Ok(quotas_of(&sqlx::query(QUOTAS).fetch_one(&self.pool).await?).1)
    }

    /// Sets all quotas.
    pub(crate) async fn set_quotas(&self, quotas: &Quotas) -> Result<(), WriteFault> {
        sqlx::query(
            "UPDATE administration SET changes = changes + 1, max_database_bytes = $1, vault_max_records = $2,
                vault_max_bytes = $3, inbox_max_letters = $4",
        )
        .bind(quotas.max_database_bytes.map(to_sql))
        .bind(quotas.vault_max_records.map(to_sql))
        .bind(quotas.vault_max_bytes.map(to_sql))
        .bind(quotas.inbox_max_letters.map(to_sql))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All invite codes that can still be used.
    pub(crate) async fn invite_codes(&self) -> Result<Vec<InviteCodeSummary>, WriteFault> {
        let rows = sqlx::query(
            "SELECT code_hash, uses_left FROM invite_codes WHERE uses_left > 0 ORDER BY code_hash",
        )
        .fetch_all(&self.pool)
        .await?;
        let summary = |row: &sqlx::any::AnyRow| InviteCodeSummary {
            handle: handle_of(row.get("code_hash")),
            uses_left: row.get("uses_left"),
        };
        Ok(rows.iter().map(summary).collect())
    }

    /// Removes the codes with that handle. How many there were.
    pub(crate) async fn revoke_invite_code(&self, handle: &str) -> Result<u64, WriteFault> {
        let mut transaction = self.begin().await?;
        let hashes: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT code_hash FROM invite_codes").fetch_all(&mut *transaction).await?;
        let mut revoked: u64 = 0;
        for hash in hashes.into_iter().filter(|hash| handle_of(hash) == handle) {
            let done = sqlx::query("DELETE FROM invite_codes WHERE code_hash = $1")
                .bind(hash)
                .execute(&mut *transaction)
                .await?;
            revoked = revoked.saturating_add(done.rows_affected());
        }
        transaction.commit().await?;
        Ok(revoked)
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, WriteFault> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Ok(self.pool.begin_with(begin).await?)
    }
}

/// How often the operator has changed something, and the quotas.
pub(super) fn quotas_of(row: &sqlx::any::AnyRow) -> (i64, Quotas) {
    let quota = |name: &str| row.get::<Option<i64>, _>(name).and_then(|quota| u64::try_from(quota).ok());
    let quotas = Quotas {
        max_database_bytes: quota("max_database_bytes"),
        vault_max_records: quota("vault_max_records"),
        vault_max_bytes: quota("vault_max_bytes"),
        inbox_max_letters: quota("inbox_max_letters"),
    };
    (row.get("changes"), quotas)
}

/// The handle of a stored code.
pub(crate) fn handle_of(hash: &[u8]) -> String {
    base16(hash.get(..5).unwrap_or(hash))
}

/// A day since 1970 as a date.
fn date(day: i64) -> String {
    // Howard Hinnant's `civil_from_days`.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (day, expected) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_780, "2026-11-23")]
        {
            assert_eq!(date(day), expected);
        }
    }
}
