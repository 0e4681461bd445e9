//! Who is to be woken when a room has a new message.

use super::ReadStore;
use crate::store::StoreError;

impl ReadStore {
    /// All subscriptions of a room that have not ended, sealed.
    pub(crate) async fn pushes(&self, row: i64, today: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        sqlx::query_scalar(
            "SELECT subscription FROM push_subscriptions WHERE room = $1 AND until_day >= $2 ORDER BY subscription_id",
        )
        .bind(row)
        .bind(i64::from(today))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Open)
    }

    /// Whether a subscription is still there, and the same.
    pub(crate) async fn has_push(&self, row: i64, id: &[u8; 16], sealed: &[u8]) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT room FROM push_subscriptions WHERE room = $1 AND subscription_id = $2 AND subscription = $3",
        )
        .bind(row)
        .bind(&id[..])
        .bind(sealed)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::Open)?;
        Ok(found.is_some())
    }
}
