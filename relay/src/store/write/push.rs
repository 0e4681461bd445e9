//! Where devices want to be woken when a room has a new message.

use super::{WriteStore, to_sql};
use crate::store::WriteFault;
use sqlx::Row as _;

/// Subscriptions that one sweep takes on.
const SWEPT_MAX: i64 = 512;

/// A subscription that is to be kept.
#[derive(Debug)]
pub(crate) struct NewPush {
    /// What it is called in its room.
    pub id: [u8; 16],
    /// The last day on which it is good.
    pub until_day: u32,
    /// Sealed.
    pub sealed: Vec<u8>,
}

impl WriteStore {
    /// Keeps a subscription that was made in the epoch that `began_seq` began, in place of the one of that id: unless there are
    /// `max` others. Whether it is kept.
    pub(crate) async fn subscribe(
        &mut self,
        (row, began_seq): (i64, u64),
        push: &NewPush,
        max: usize,
    ) -> Result<bool, WriteFault> {
        let others: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM push_subscriptions WHERE room = $1 AND subscription_id <> $2",
        )
        .bind(row)
        .bind(&push.id[..])
        .fetch_one(&mut self.connection)
        .await?;
        if usize::try_from(others).is_ok_and(|others| others >= max) {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO push_subscriptions (room, subscription_id, began_seq, until_day, subscription)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (room, subscription_id) DO UPDATE SET
                began_seq = excluded.began_seq, until_day = excluded.until_day, subscription = excluded.subscription",
        )
        .bind(row)
        .bind(&push.id[..])
        .bind(to_sql(began_seq))
        .bind(i64::from(push.until_day))
        .bind(&push.sealed[..])
        .execute(&mut self.connection)
        .await?;
        Ok(true)
    }

    /// Forgets a subscription.
    pub(crate) async fn unsubscribe(&mut self, row: i64, id: &[u8; 16]) -> Result<(), WriteFault> {
        sqlx::query("DELETE FROM push_subscriptions WHERE room = $1 AND subscription_id = $2")
            .bind(row)
            .bind(&id[..])
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Forgets a subscription that its push service does not know any more, unless it was replaced meanwhile.
    pub(crate) async fn forget_push(
        &mut self,
        row: i64,
        id: &[u8; 16],
        sealed: &[u8],
    ) -> Result<(), WriteFault> {
        sqlx::query(
            "DELETE FROM push_subscriptions WHERE room = $1 AND subscription_id = $2 AND subscription = $3",
        )
        .bind(row)
        .bind(&id[..])
        .bind(sealed)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Forgets those that were made in epochs which began at `began_seq` or later: they were voided.
    pub(super) async fn forget_pushes_since(&mut self, row: i64, began_seq: u64) -> Result<(), WriteFault> {
        sqlx::query("DELETE FROM push_subscriptions WHERE room = $1 AND began_seq >= $2")
            .bind(row)
            .bind(to_sql(began_seq))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Forgets those that were made in epochs which began before `cut_seq`: somebody who was removed may have made them.
    pub(super) async fn forget_pushes_before(&mut self, row: i64, cut_seq: u64) -> Result<(), WriteFault> {
        sqlx::query("DELETE FROM push_subscriptions WHERE room = $1 AND began_seq < $2")
            .bind(row)
            .bind(to_sql(cut_seq))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Forgets those that were not renewed. Whether there may be more.
    pub(super) async fn end_pushes(&mut self, today: i64) -> Result<bool, WriteFault> {
        let ended = sqlx::query(
            "SELECT room, subscription_id FROM push_subscriptions WHERE until_day < $1 ORDER BY room LIMIT $2",
        )
        .bind(today)
        .bind(SWEPT_MAX)
        .fetch_all(&mut self.connection)
        .await?;
        let mut held = None;
        for push in &ended {
            let row: i64 = push.get("room");
            if held.is_none_or(|(other, _)| other != row) {
                held = Some((row, self.hold_if_free(row).await?));
            }
            if held.is_some_and(|(_, is_held)| is_held) {
                sqlx::query(
                    "DELETE FROM push_subscriptions WHERE room = $1 AND subscription_id = $2 AND until_day < $3",
                )
                .bind(row)
                .bind(push.get::<Vec<u8>, _>("subscription_id"))
                .bind(today)
                .execute(&mut self.connection)
                .await?;
            }
        }
        Ok(i64::try_from(ended.len()).is_ok_and(|count| count == SWEPT_MAX))
    }
}
