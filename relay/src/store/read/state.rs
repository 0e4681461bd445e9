//! The database as a whole: whether it answers, and how large it is.

use super::{ReadStore, from_sql};
use crate::store::dialect::Dialect;
use crate::store::error::StoreError;
use crate::store::migrator;

impl ReadStore {
    /// Whether the database answers and has this version's schema, no other.
    pub(crate) async fn schema_is_current(&self) -> Result<bool, StoreError> {
        let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Open)?;
        let known = migrator(self.dialect);
        let mut known: Vec<i64> = known.iter().map(|migration| migration.version).collect();
        known.sort_unstable();
        Ok(applied == known)
    }

    /// How often the operator has changed something beside the relays.
    pub(crate) async fn changes(&self) -> Result<i64, StoreError> {
        let changes = sqlx::query_scalar("SELECT changes FROM administration").fetch_one(&self.pool);
        changes.await.map_err(StoreError::Open)
    }

    /// How much it takes.
    pub(crate) async fn size_bytes(&self) -> Result<u64, StoreError> {
        let statement = match self.dialect {
            Dialect::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Dialect::Postgres => "SELECT pg_database_size(current_database())",
        };
        let bytes = sqlx::query_scalar(statement).fetch_one(&self.pool).await.map_err(StoreError::Open)?;
        from_sql(bytes)
    }
}
