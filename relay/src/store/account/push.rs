//! Where sessions want to be woken when a letter comes. A subscription is a part of its session's row, and ends with it.

use super::AccountStore;
use crate::store::error::WriteFault;
use sqlx::Row as _;

/// A session's subscription as it is stored.
#[derive(Debug)]
pub(crate) struct StoredAccountPush {
    /// The relay's number of the session.
    pub session: i64,
    /// Sealed.
    pub sealed: Vec<u8>,
}

impl AccountStore {
    /// Keeps a session's subscription in place of an earlier one.
    pub(crate) async fn set_push(
        &self,
        (session, id): (i64, &[u8; 16]),
        sealed: &[u8],
        until_day: u32,
    ) -> Result<(), WriteFault> {
        // By now another session may have the number of one that has ended.
        sqlx::query(
            "UPDATE sessions SET push = $2, push_until_day = $3 WHERE number = $1 AND session_id = $4",
        )
        .bind(session)
        .bind(sealed)
        .bind(i64::from(until_day))
        .bind(&id[..])
        .execute(self.writers()?)
        .await?;
        Ok(())
    }

    /// Forgets a session's subscription.
    pub(crate) async fn drop_push(&self, (session, id): (i64, &[u8; 16])) -> Result<(), WriteFault> {
        sqlx::query(
            "UPDATE sessions SET push = NULL, push_until_day = NULL WHERE number = $1 AND session_id = $2",
        )
        .bind(session)
        .bind(&id[..])
        .execute(self.writers()?)
        .await?;
        Ok(())
    }

    /// Forgets a subscription that its push service does not know any more, unless it was replaced meanwhile.
    pub(crate) async fn forget_push(&self, session: i64, sealed: &[u8]) -> Result<(), WriteFault> {
        sqlx::query("UPDATE sessions SET push = NULL, push_until_day = NULL WHERE number = $1 AND push = $2")
            .bind(session)
            .bind(sealed)
            .execute(self.writers()?)
            .await?;
        Ok(())
    }

    /// Whether a session's subscription is still there, and the same.
    pub(crate) async fn has_push(&self, session: i64, sealed: &[u8]) -> Result<bool, WriteFault> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT number FROM sessions WHERE number = $1 AND push = $2")
                .bind(session)
                .bind(sealed)
                .fetch_optional(&self.read)
                .await?;
        Ok(found.is_some())
    }

    /// All subscriptions of an account that have not ended.
    pub(crate) async fn pushes(
        &self,
        account: i64,
        today: u32,
    ) -> Result<Vec<StoredAccountPush>, WriteFault> {
        let rows = sqlx::query(
            "SELECT number, push FROM sessions WHERE account = $1 AND push IS NOT NULL AND push_until_day >= $2",
        )
        .bind(account)
        .bind(i64::from(today))
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .iter()
            .map(|row| StoredAccountPush { session: row.get("number"), sealed: row.get("push") })
            .collect())
    }
}
