//! Letters: put in by anybody, taken out by the account.

use super::accounts::hold;
use super::{AccountStore, array};
use crate::store::error::WriteFault;
use sotto_protocol::account::InboxLetter;
use sotto_protocol::limits::ACKNOWLEDGED_MAX;
use sqlx::Row as _;

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deposited {
    /// It is in the inbox of the account with this number.
    Done(i64),
    /// The inbox holds as many as it may.
    Full,
    /// There is no such inbox.
    NoAccount,
}

impl AccountStore {
    /// Puts a letter in.
    pub(crate) async fn deposit(
        &self,
        account_id: &[u8; 16],
        letter_id: &[u8; 16],
        letter: &[u8],
        (today, max): (u32, u32),
    ) -> Result<Deposited, WriteFault> {
        let mut transaction = self.begin().await?;
        let number: Option<i64> = sqlx::query_scalar(
            "UPDATE accounts SET inbox_letters = inbox_letters + 1 WHERE account_id = $1 AND inbox_letters < $2
                RETURNING number",
        )
        .bind(&account_id[..])
        .bind(i64::from(max))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(number) = number else {
            let there: Option<i64> = sqlx::query_scalar("SELECT number FROM accounts WHERE account_id = $1")
                .bind(&account_id[..])
                .fetch_optional(&mut *transaction)
                .await?;
            return Ok(if there.is_some() { Deposited::Full } else { Deposited::NoAccount });
        };
        sqlx::query("INSERT INTO inbox (account, letter_id, letter, arrived_day) VALUES ($1, $2, $3, $4)")
            .bind(number)
            .bind(&letter_id[..])
            .bind(letter)
            .bind(i64::from(today))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Deposited::Done(number))
    }

    /// Letters, the oldest first: as many as can be taken out at once. The others come when these are gone.
    pub(crate) async fn letters(&self, account: i64) -> Result<Vec<InboxLetter>, WriteFault> {
        let rows =
            sqlx::query("SELECT letter_id, letter FROM inbox WHERE account = $1 ORDER BY number LIMIT $2")
                .bind(account)
                .bind(i64::try_from(ACKNOWLEDGED_MAX).unwrap_or(i64::MAX))
                .fetch_all(&self.read)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(InboxLetter { id: array(row.get("letter_id"), "letter")?, letter: row.get("letter") })
            })
            .collect()
    }

    /// Takes letters out.
    pub(crate) async fn acknowledge<'a>(
        &self,
        account: i64,
        ids: impl Iterator<Item = &'a [u8; 16]>,
    ) -> Result<(), WriteFault> {
        let mut transaction = self.begin().await?;
        if !hold(&mut transaction, account).await? {
            return Ok(());
        }
        let mut taken: u64 = 0;
        for id in ids {
            let done = sqlx::query("DELETE FROM inbox WHERE account = $1 AND letter_id = $2")
                .bind(account)
                .bind(&id[..])
                .execute(&mut *transaction)
                .await?;
            taken = taken.saturating_add(done.rows_affected());
        }
        if taken > 0 {
            sqlx::query("UPDATE accounts SET inbox_letters = inbox_letters - $2 WHERE number = $1")
                .bind(account)
                .bind(super::to_sql(taken))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
