//! Sessions, by the hash of their token; and the log-ins that were finished.

use super::{AccountStore, StoredAccount, array, day_of};
use crate::store::error::WriteFault;
use sqlx::{AnyConnection, Row as _};

/// Most sessions of an account; the one that was used least recently makes room.
const SESSIONS_MAX: i64 = 64;
const NO_TOKEN: &[u8] = &[];

/// A session as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredSession {
    /// The relay's number of it.
    pub number: i64,
    /// The relay's number of its account.
    pub account: i64,
    /// Its name in the account's list.
    pub session_id: [u8; 16],
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// SHA-256 of the token before, while that is good for one more call.
    pub previous_hash: Option<[u8; 32]>,
    /// When it began.
    pub created_day: u32,
    /// When it was last used.
    pub used_day: u32,
}

/// A session that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSession {
    /// Random.
    pub session_id: [u8; 16],
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
}

impl AccountStore {
    /// Begins a session, and notes that the exchange which led to it is over: none where it was over before, or where what
    /// proved the account to be somebody's (password, recovery code) is not the account's any more.
    pub(crate) async fn begin_session(
        &self,
        proven: &StoredAccount,
        session: &NewSession,
        exchange: Option<[u8; 16]>,
        today: u32,
    ) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        if let Some(exchange) = exchange
            && !spend(&mut transaction, &exchange, today).await?
        {
            return Ok(false);
        }
        // The account may be gone by now, or have another password. Nothing is changed, but the row is held: whoever changes
        // or deletes the account waits for this session, and ends it.
        let account = proven.number;
        let held = sqlx::query(
            "UPDATE accounts SET login = login WHERE number = $1 AND login = $2 AND code_key = $3",
        )
        .bind(account)
        .bind(&proven.login[..])
        .bind(&proven.code_key[..])
        .execute(&mut *transaction)
        .await?;
        if held.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM sessions WHERE number IN (SELECT number FROM sessions WHERE account = $1
                ORDER BY used_day DESC, number DESC LIMIT 1000000 OFFSET $2)",
        )
        .bind(account)
        .bind(SESSIONS_MAX - 1)
        .execute(&mut *transaction)
        .await?;
        insert_session(&mut transaction, account, session, today).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Notes that an exchange is over: `false` where it was over before.
    pub(crate) async fn spend(&self, exchange: &[u8; 16], today: u32) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        let is_first = spend(&mut transaction, exchange, today).await?;
        transaction.commit().await?;
        Ok(is_first)
    }

    /// The session whose token, or token before, has that hash.
    pub(crate) async fn session(&self, hash: &[u8; 32]) -> Result<Option<StoredSession>, WriteFault> {
        let row = sqlx::query(
            "SELECT number, account, session_id, token_hash, previous_hash, created_day, used_day FROM sessions
                WHERE token_hash = $1 OR (previous_hash = $1 AND length(previous_hash) > 0)",
        )
        .bind(&hash[..])
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| stored(&row)).transpose()
    }

    /// Notes a use of the current token: the one before is good for nothing any more.
    pub(crate) async fn note_use(&self, session: &StoredSession, today: u32) -> Result<(), WriteFault> {
        sqlx::query(
            "UPDATE sessions SET used_day = $2, previous_hash = $3 WHERE number = $1 AND token_hash = $4",
        )
        .bind(session.number)
        .bind(i64::from(today))
        .bind(NO_TOKEN)
        .bind(&session.token_hash[..])
        .execute(self.writers()?)
        .await?;
        Ok(())
    }

    /// Uses up the one call for which the token before is good: `false` where it was used up.
    pub(crate) async fn use_grace(&self, session: i64, previous: &[u8; 32]) -> Result<bool, WriteFault> {
        let done =
            sqlx::query("UPDATE sessions SET previous_hash = $3 WHERE number = $1 AND previous_hash = $2")
                .bind(session)
                .bind(&previous[..])
                .bind(NO_TOKEN)
                .execute(self.writers()?)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a session another token, while it has the one that it had.
    pub(crate) async fn rotate(
        &self,
        session: &StoredSession,
        token_hash: &[u8; 32],
        keeps_previous: bool,
    ) -> Result<bool, WriteFault> {
        let previous: &[u8] = if keeps_previous { &session.token_hash } else { NO_TOKEN };
        let done = sqlx::query(
            "UPDATE sessions SET token_hash = $3, previous_hash = $4 WHERE number = $1 AND token_hash = $2",
        )
        .bind(session.number)
        .bind(&session.token_hash[..])
        .bind(&token_hash[..])
        .bind(previous)
        .execute(self.writers()?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// All sessions of an account, the one that was used last first.
    pub(crate) async fn sessions(&self, account: i64) -> Result<Vec<StoredSession>, WriteFault> {
        let rows = sqlx::query(
            "SELECT number, account, session_id, token_hash, previous_hash, created_day, used_day FROM sessions
                WHERE account = $1 ORDER BY used_day DESC, number DESC",
        )
        .bind(account)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Ends one session of an account.
    pub(crate) async fn end_session(&self, account: i64, session_id: &[u8; 16]) -> Result<u64, WriteFault> {
        let done = sqlx::query("DELETE FROM sessions WHERE account = $1 AND session_id = $2")
            .bind(account)
            .bind(&session_id[..])
            .execute(self.writers()?)
            .await?;
        Ok(done.rows_affected())
    }

    /// Ends all sessions of an account but one.
    pub(crate) async fn end_others(&self, account: i64, kept: i64) -> Result<u64, WriteFault> {
        let done = sqlx::query("DELETE FROM sessions WHERE account = $1 AND number <> $2")
            .bind(account)
            .bind(kept)
            .execute(self.writers()?)
            .await?;
        Ok(done.rows_affected())
    }
}

pub(super) async fn insert_session(
    connection: &mut AnyConnection,
    account: i64,
    session: &NewSession,
    today: u32,
) -> Result<(), WriteFault> {
    sqlx::query(
        "INSERT INTO sessions (account, session_id, token_hash, previous_hash, created_day, used_day)
            VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(account)
    .bind(&session.session_id[..])
    .bind(&session.token_hash[..])
    .bind(NO_TOKEN)
    .bind(i64::from(today))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn spend(
    connection: &mut AnyConnection,
    exchange: &[u8; 16],
    today: u32,
) -> Result<bool, WriteFault> {
    let done = sqlx::query("INSERT INTO spent (exchange, day) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(&exchange[..])
        .bind(i64::from(today))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn stored(row: &sqlx::any::AnyRow) -> Result<StoredSession, WriteFault> {
    let previous: &[u8] = row.get("previous_hash");
    let previous_hash = if previous.is_empty() { None } else { Some(array(previous, "token")?) };
    Ok(StoredSession {
        number: row.get("number"),
        account: row.get("account"),
        session_id: array(row.get("session_id"), "session")?,
        token_hash: array(row.get("token_hash"), "token")?,
        previous_hash,
        created_day: day_of(row.get("created_day"))?,
        used_day: day_of(row.get("used_day"))?,
    })
}
