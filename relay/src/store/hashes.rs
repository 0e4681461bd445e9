//! Hashes of handshakes and rewinds that were stored before the relay kept them: filled in when a database is opened, once.

use super::dialect::Dialect;
use super::error::StoreError;
use sotto_protocol::entry_hash;
use sqlx::{AnyConnection, Connection as _, Row as _};

/// Entries that are read together: they may be megabytes each.
const TOGETHER: i64 = 8;

/// Fills in what is missing: all of it, or nothing. PostgreSQL hashes by itself.
pub(super) async fn fill_hashes(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), StoreError> {
    if dialect == Dialect::Postgres {
        return Ok(());
    }
    let has_some =
        sqlx::query("SELECT room FROM handshake_hashes LIMIT 1").fetch_optional(&mut *connection).await;
    if has_some.map_err(StoreError::Open)?.is_some() {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(StoreError::Open)?;
    let mut after = (0, 0);
    loop {
        let rows = sqlx::query(
            "SELECT room, seq, entry FROM entries WHERE kind <> 2 AND (room, seq) > ($1, $2) ORDER BY room, seq LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(TOGETHER)
        .fetch_all(&mut *transaction)
        .await
        .map_err(StoreError::Open)?;
        let Some(last) = rows.last() else { break };
        after = (last.get("room"), last.get("seq"));
        for row in rows {
            sqlx::query(
                "INSERT INTO handshake_hashes (room, seq, hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(row.get::<i64, _>("room"))
            .bind(row.get::<i64, _>("seq"))
            .bind(entry_hash(&row.get::<Vec<u8>, _>("entry")).to_vec())
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::Open)?;
        }
    }
    transaction.commit().await.map_err(StoreError::Open)
}
