//! What time ends, and what is left of accounts that were deleted. Both may be much, and go in pieces: other writers wait for
//! one of them at most.

use super::AccountStore;
use crate::store::error::WriteFault;
use sqlx::{AnyConnection, Row as _};
use std::time::Duration;

/// Rows and bytes that one piece takes on.
const ROWS_MAX: i64 = 256;
const BYTES_MAX: i64 = 2 * 1024 * 1024;
/// Between two pieces, so that others go on.
const PAUSE: Duration = Duration::from_millis(5);

/// Before which days what ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    /// Today.
    pub today: u32,
    /// Sessions that were used last before this.
    pub idle_before: u32,
    /// Letters that arrived before this.
    pub letters_before: u32,
    /// Room tokens of before this stretch of days.
    pub periods_before: u32,
}

impl AccountStore {
    /// Removes what has had its time: sessions and letters last touched before these days, room tokens that nobody can use any more, and what
    /// is only kept for a day. And what is left of deleted accounts.
    pub(crate) async fn sweep(&self, days: Days) -> Result<(), WriteFault> {
        // Of today and yesterday: an exchange lasts minutes, and days end in the middle of some.
        let yesterday = days.today.saturating_sub(1);
        for (statement, day) in [
            (
                "DELETE FROM sessions WHERE number IN
                    (SELECT number FROM sessions WHERE used_day < $1 ORDER BY used_day LIMIT $2)",
                days.idle_before,
            ),
            (
                "UPDATE sessions SET push = NULL, push_until_day = NULL WHERE number IN
                    (SELECT number FROM sessions WHERE push_until_day < $1 ORDER BY push_until_day LIMIT $2)",
                days.today,
            ),
            (
                "DELETE FROM resting_names WHERE name_hash IN
                    (SELECT name_hash FROM resting_names WHERE until_day <= $1 ORDER BY until_day LIMIT $2)",
                days.today,
            ),
            (
                "DELETE FROM spent WHERE exchange IN (SELECT exchange FROM spent WHERE day < $1 ORDER BY day LIMIT $2)",
                yesterday,
            ),
            (
                "DELETE FROM pairings WHERE (letter_box, step) IN
                    (SELECT letter_box, step FROM pairings WHERE day < $1 ORDER BY day LIMIT $2)",
                yesterday,
            ),
            (
                "DELETE FROM spent_room_tokens WHERE token_hash IN
                    (SELECT token_hash FROM spent_room_tokens WHERE period < $1 ORDER BY period LIMIT $2)",
                days.periods_before,
            ),
        ] {
            while self.end_some(statement, day).await? {
                tokio::time::sleep(PAUSE).await;
            }
        }
        while self.end_letters(days.letters_before).await? {
            tokio::time::sleep(PAUSE).await;
        }
        self.sweep_leftovers().await?;
        // Only where a deletion could not: it takes space, which may be what is short.
        if self.has_deleted_in_log() {
            self.empty_log().await;
        }
        Ok(())
    }

    /// Removes what is left of accounts that were deleted.
    pub(super) async fn sweep_leftovers(&self) -> Result<(), WriteFault> {
        loop {
            let mut transaction = self.begin().await?;
            let has_more = sweep_account_leftovers(&mut transaction).await?;
            transaction.commit().await?;
            if !has_more {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether there may be more.
    async fn end_some(&self, statement: &'static str, day: u32) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        let done =
            sqlx::query(statement).bind(i64::from(day)).bind(ROWS_MAX).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(i64::try_from(done.rows_affected()).is_ok_and(|rows| rows >= ROWS_MAX))
    }

    /// Removes letters that arrived before that day. Whether there may be more.
    async fn end_letters(&self, before: u32) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        let letters = sqlx::query(
            "SELECT number, account FROM inbox WHERE arrived_day < $1 ORDER BY arrived_day LIMIT $2",
        )
        .bind(i64::from(before))
        .bind(ROWS_MAX)
        .fetch_all(&mut *transaction)
        .await?;
        let mut letters: Vec<(i64, i64)> =
            letters.iter().map(|row| (row.get("account"), row.get("number"))).collect();
        // Always in the same order, so that relays on one database never wait for each other in a circle.
        letters.sort_unstable();
        for (account, _) in &letters {
            // A transaction that changes what belongs to an account holds its row first.
            sqlx::query("UPDATE accounts SET login = login WHERE number = $1")
                .bind(account)
                .execute(&mut *transaction)
                .await?;
        }
        for (account, number) in &letters {
            let done = sqlx::query("DELETE FROM inbox WHERE number = $1")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 1 {
                sqlx::query("UPDATE accounts SET inbox_letters = inbox_letters - 1 WHERE number = $1")
                    .bind(account)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(i64::try_from(letters.len()).is_ok_and(|count| count >= ROWS_MAX))
    }
}

/// Removes a piece of what is left of a deleted account, in the transaction that is open. Whether there may be more.
pub(in crate::store) async fn sweep_account_leftovers(
    connection: &mut AnyConnection,
) -> Result<bool, WriteFault> {
    let account: Option<i64> =
        sqlx::query_scalar("SELECT account FROM account_leftovers ORDER BY account LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
    let Some(account) = account else { return Ok(false) };
    let records = sqlx::query(
        "SELECT name, CAST(length(value) AS BIGINT) AS length_bytes FROM vault WHERE account = $1 ORDER BY name LIMIT $2",
    )
    .bind(account)
    .bind(ROWS_MAX)
    .fetch_all(&mut *connection)
    .await?;
    let mut left_bytes = BYTES_MAX;
    for record in &records {
        if left_bytes <= 0 {
            break;
        }
        left_bytes -= record.get::<i64, _>("length_bytes");
        sqlx::query("DELETE FROM vault WHERE account = $1 AND name = $2")
            .bind(account)
            .bind(record.get::<Vec<u8>, _>("name"))
            .execute(&mut *connection)
            .await?;
    }
    if !records.is_empty() {
        return Ok(true);
    }
    let letters = sqlx::query(
        "DELETE FROM inbox WHERE number IN (SELECT number FROM inbox WHERE account = $1 ORDER BY number LIMIT $2)",
    )
    .bind(account)
    .bind(ROWS_MAX)
    .execute(&mut *connection)
    .await?;
    if letters.rows_affected() == 0 {
        sqlx::query("DELETE FROM account_leftovers WHERE account = $1")
            .bind(account)
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}
