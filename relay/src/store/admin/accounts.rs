//! Accounts and sessions as an operator sees them: what they take, and when they were last used.

use super::{AdminStore, date};
use crate::base16::base16;
use crate::store::account::{remove_account, sweep_account_leftovers};
use crate::store::dialect::empty_log;
use crate::store::error::WriteFault;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Which account is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichAccount {
    /// By the keyed hash of its name.
    Name([u8; 32]),
    /// By the relay's number of it.
    Number(i64),
    /// By its id.
    Id([u8; 16]),
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSummary {
    /// The relay's number of it.
    pub number: i64,
    /// Its id, in base16.
    pub id: String,
    /// Whether its name leads to it.
    pub is_findable: bool,
    /// How many sessions it has.
    pub sessions: i64,
    /// When one of them was last used.
    pub used: Option<String>,
    /// How many records its vault has.
    pub vault_records: i64,
    /// How many bytes.
    pub vault_bytes: i64,
    /// How many letters are in its inbox.
    pub inbox_letters: i64,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// The relay's number of its account.
    pub account: i64,
    /// Its name in the account's own list, in base16.
    pub session: String,
    /// When it began.
    pub created: String,
    /// When it was last used.
    pub used: String,
}

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "SELECT a.number, a.account_id, a.is_findable, a.vault_records, a.vault_bytes, a.inbox_letters,
                (SELECT count(*) FROM sessions s WHERE s.account = a.number) AS sessions,
                (SELECT max(s.used_day) FROM sessions s WHERE s.account = a.number) AS used_day
            FROM accounts a ",
            $rest
        )
    };
}

const SESSIONS: &str = "SELECT account, session_id, created_day, used_day FROM sessions
    WHERE account = $1 ORDER BY used_day DESC, number DESC";
const ALL_SESSIONS: &str = "SELECT account, session_id, created_day, used_day FROM sessions
    WHERE account > $1 ORDER BY account, used_day DESC, number DESC LIMIT $2";

impl AdminStore {
    /// Accounts after that number, in the order in which they were made.
    pub(crate) async fn accounts(&self, after: i64, limit: u32) -> Result<Vec<AccountSummary>, WriteFault> {
        let rows = sqlx::query(accounts!("WHERE a.number > $1 ORDER BY a.number LIMIT $2"))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(summary).collect())
    }

    /// One of them.
    pub(crate) async fn account(&self, which: WhichAccount) -> Result<Option<AccountSummary>, WriteFault> {
        let query = match which {
            WhichAccount::Name(hash) => sqlx::query(accounts!("WHERE a.name_hash = $1")).bind(hash.to_vec()),
            WhichAccount::Number(number) => sqlx::query(accounts!("WHERE a.number = $1")).bind(number),
            WhichAccount::Id(id) => sqlx::query(accounts!("WHERE a.account_id = $1")).bind(id.to_vec()),
        };
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(summary))
    }

    /// Deletes an account and all that belongs to it. Its name rests until that day, if at all.
    pub(crate) async fn delete_account(
        &self,
        number: i64,
        rest_until: Option<u32>,
    ) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        let name: Option<Vec<u8>> =
            sqlx::query_scalar("DELETE FROM accounts WHERE number = $1 RETURNING name_hash")
                .bind(number)
                .fetch_optional(&mut *transaction)
                .await?;
        let Some(name) = name else { return Ok(false) };
        remove_account(&mut transaction, number, name, rest_until).await?;
        transaction.commit().await?;
        loop {
            let mut transaction = self.begin().await?;
            let has_more = sweep_account_leftovers(&mut transaction).await?;
            transaction.commit().await?;
            if !has_more {
                break;
            }
        }
        empty_log(self.dialect, &self.pool).await;
        Ok(true)
    }

    /// The sessions of an account, or some of all, after the account of that number.
    pub(crate) async fn all_sessions(
        &self,
        account: Option<i64>,
        (after, limit): (i64, u32),
    ) -> Result<Vec<SessionSummary>, WriteFault> {
        let query = match account {
            Some(account) => sqlx::query(SESSIONS).bind(account),
            None => sqlx::query(ALL_SESSIONS).bind(after).bind(i64::from(limit)),
        };
        let session = |row: &AnyRow| SessionSummary {
            account: row.get("account"),
            session: base16(row.get("session_id")),
            created: date(row.get("created_day")),
            used: date(row.get("used_day")),
        };
        Ok(query.fetch_all(&self.pool).await?.iter().map(session).collect())
    }

    /// Ends all sessions of an account. How many there were.
    pub(crate) async fn end_sessions(&self, account: i64) -> Result<u64, WriteFault> {
        let done = sqlx::query("DELETE FROM sessions WHERE account = $1").bind(account);
        Ok(done.execute(&self.pool).await?.rows_affected())
    }
}

fn summary(row: &AnyRow) -> AccountSummary {
    AccountSummary {
        number: row.get("number"),
        id: base16(row.get("account_id")),
        is_findable: row.get::<i64, _>("is_findable") == 1,
        sessions: row.get("sessions"),
        used: row.get::<Option<i64>, _>("used_day").map(date),
        vault_records: row.get("vault_records"),
        vault_bytes: row.get("vault_bytes"),
        inbox_letters: row.get("inbox_letters"),
    }
}
