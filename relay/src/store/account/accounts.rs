//! Accounts themselves: made, found, changed, deleted.

use super::sessions::{insert_session, spend};
use super::{AccountStore, NewSession, array, number_of, to_sql};
use crate::store::error::WriteFault;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// An account as it is stored.
pub(crate) struct StoredAccount {
    /// The relay's number of it.
    pub number: i64,
    /// OPAQUE's record.
    pub login: [u8; 192],
    /// HMAC of its name.
    pub name_hash: [u8; 32],
    /// The recovery code's login key.
    pub code_key: [u8; 32],
    /// The sealed record.
    pub record: Vec<u8>,
}

/// An account that is to be made.
pub(crate) struct NewAccount<'a> {
    /// HMAC of its name.
    pub name_hash: [u8; 32],
    /// Hash of its identity.
    pub account_id: [u8; 16],
    /// OPAQUE's record.
    pub login: &'a [u8; 192],
    /// The sealed record, version 1.
    pub record: &'a [u8],
    /// The recovery code's login key.
    pub code_key: [u8; 32],
    /// The directory entry, encoded.
    pub entry: &'a [u8],
    /// Whether the name leads to it.
    pub is_findable: bool,
    /// An invite code that is to be used up, by its hash.
    pub invite_code: Option<[u8; 32]>,
    /// Its first session.
    pub session: NewSession,
    /// What it was begun by, once.
    pub exchange: [u8; 16],
}

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there.
    Done,
    /// The invite code is none, or used up.
    BadCode,
    /// The name is taken, or rests.
    NameUnavailable,
    /// Identity or recovery code belong to another account.
    IdentityTaken,
    /// What it was begun by has led to an account before.
    IsOver,
}

/// What changes together with a sealed record.
pub(crate) struct Replacement<'a> {
    /// The login that must be the account's now: whoever changed it in between has made the proof worthless.
    pub proven_login: &'a [u8; 192],
    /// Version n + 1.
    pub version: u64,
    /// The sealed record.
    pub record: &'a [u8],
    /// The recovery code's login key, as in the record.
    pub code_key: [u8; 32],
    /// OPAQUE's record, where the password changes.
    pub login: Option<&'a [u8; 192]>,
    /// The directory entry, where the recovery key changes.
    pub entry: Option<&'a [u8]>,
    /// The session to keep, where all others end.
    pub keep_only: Option<i64>,
}

/// What became of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It is there.
    Done,
    /// The relay has this version, or another login.
    Conflict(u64),
    /// The account is gone.
    Gone,
    /// The recovery code belongs to another account.
    CodeTaken,
}

macro_rules! account {
    ($by:literal) => {
        concat!("SELECT number, login, name_hash, code_key, record FROM accounts WHERE ", $by, " = $1")
    };
}

impl AccountStore {
    /// Makes an account and its first session.
    pub(crate) async fn create(&self, new: NewAccount<'_>, today: u32) -> Result<Created, WriteFault> {
        let mut transaction = self.begin().await?;
        if let Some(code) = new.invite_code {
            let used = sqlx::query(
                "UPDATE invite_codes SET uses_left = uses_left - 1 WHERE code_hash = $1 AND uses_left > 0",
            )
            .bind(&code[..])
            .execute(&mut *transaction)
            .await?;
            if used.rows_affected() == 0 {
                return Ok(Created::BadCode);
            }
        }
        if is_resting(&mut transaction, &new.name_hash, today).await? {
            return Ok(Created::NameUnavailable);
        }
        let number: Option<i64> = sqlx::query_scalar(
            "INSERT INTO accounts (name_hash, account_id, login, record, record_version, code_key, entry, is_findable,
                    vault_records, vault_bytes, inbox_letters)
                VALUES ($1, $2, $3, $4, 1, $5, $6, $7, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING number",
        )
        .bind(&new.name_hash[..])
        .bind(&new.account_id[..])
        .bind(&new.login[..])
        .bind(new.record)
        .bind(&new.code_key[..])
        .bind(new.entry)
        .bind(i64::from(new.is_findable))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(number) = number else {
            let same_name: Option<i64> =
                sqlx::query_scalar("SELECT number FROM accounts WHERE name_hash = $1")
                    .bind(&new.name_hash[..])
                    .fetch_optional(&mut *transaction)
                    .await?;
            return Ok(if same_name.is_some() { Created::NameUnavailable } else { Created::IdentityTaken });
        };
        // At the end: who asks again because the answer was lost is to learn that the name is taken.
        if !spend(&mut transaction, &new.exchange, today).await? {
            return Ok(Created::IsOver);
        }
        insert_session(&mut transaction, number, &new.session, today).await?;
        transaction.commit().await?;
        Ok(Created::Done)
    }

    /// The account of a name.
    pub(crate) async fn by_name(&self, name_hash: &[u8; 32]) -> Result<Option<StoredAccount>, WriteFault> {
        self.account(account!("name_hash"), name_hash).await
    }

    /// The account whose recovery code has that login key.
    pub(crate) async fn by_code(&self, code_key: &[u8; 32]) -> Result<Option<StoredAccount>, WriteFault> {
        self.account(account!("code_key"), code_key).await
    }

    /// The account of a session.
    pub(crate) async fn by_number(&self, number: i64) -> Result<Option<StoredAccount>, WriteFault> {
        let row = sqlx::query(account!("number")).bind(number).fetch_optional(&self.read).await?;
        row.map(|row| stored(&row)).transpose()
    }

    /// OPAQUE's record of a name.
    pub(crate) async fn login_of(&self, name_hash: &[u8; 32]) -> Result<Option<[u8; 192]>, WriteFault> {
        let login: Option<Vec<u8>> = sqlx::query_scalar("SELECT login FROM accounts WHERE name_hash = $1")
            .bind(&name_hash[..])
            .fetch_optional(&self.read)
            .await?;
        login.map(|login| array(&login, "login")).transpose()
    }

    /// The account id of an account.
    pub(crate) async fn id_of(&self, account: i64) -> Result<Option<[u8; 16]>, WriteFault> {
        let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT account_id FROM accounts WHERE number = $1")
            .bind(account)
            .fetch_optional(&self.read)
            .await?;
        id.map(|id| array(&id, "account id")).transpose()
    }

    /// The directory entry of a name that wants to be found.
    pub(crate) async fn entry_by_name(&self, name_hash: &[u8; 32]) -> Result<Option<Vec<u8>>, WriteFault> {
        let found = sqlx::query_scalar("SELECT entry FROM accounts WHERE name_hash = $1 AND is_findable = 1")
            .bind(&name_hash[..])
            .fetch_optional(&self.read);
        Ok(found.await?)
    }

    /// The directory entry of an account.
    pub(crate) async fn entry_by_id(&self, account_id: &[u8; 16]) -> Result<Option<Vec<u8>>, WriteFault> {
        let found = sqlx::query_scalar("SELECT entry FROM accounts WHERE account_id = $1")
            .bind(&account_id[..])
            .fetch_optional(&self.read);
        Ok(found.await?)
    }

    /// Whether the name is to lead to the account.
    pub(crate) async fn set_findable(&self, account: i64, is_findable: bool) -> Result<(), WriteFault> {
        sqlx::query("UPDATE accounts SET is_findable = $2 WHERE number = $1")
            .bind(account)
            .bind(i64::from(is_findable))
            .execute(self.writers()?)
            .await?;
        Ok(())
    }

    /// Puts version n + 1 of the sealed record in the place of version n, and all that changes with it.
    pub(crate) async fn replace(&self, account: i64, new: Replacement<'_>) -> Result<Replaced, WriteFault> {
        let mut transaction = self.begin().await?;
        let before: Option<i64> = sqlx::query_scalar("SELECT record_version FROM accounts WHERE number = $1")
            .bind(account)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(before) = before else { return Ok(Replaced::Gone) };
        let before = number_of(before)?;
        if before.checked_add(1) != Some(new.version) {
            return Ok(Replaced::Conflict(before));
        }
        let same_code: Option<i64> =
            sqlx::query_scalar("SELECT number FROM accounts WHERE code_key = $1 AND number <> $2")
                .bind(&new.code_key[..])
                .bind(account)
                .fetch_optional(&mut *transaction)
                .await?;
        if same_code.is_some() {
            return Ok(Replaced::CodeTaken);
        }
        let done = sqlx::query(
            "UPDATE accounts SET record = $4, record_version = $5, code_key = $6, login = $7
                WHERE number = $1 AND record_version = $2 AND login = $3",
        )
        .bind(account)
        .bind(to_sql(before))
        .bind(&new.proven_login[..])
        .bind(new.record)
        .bind(to_sql(new.version))
        .bind(&new.code_key[..])
        .bind(&new.login.unwrap_or(new.proven_login)[..])
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(Replaced::Conflict(before));
        }
        if let Some(entry) = new.entry {
            sqlx::query("UPDATE accounts SET entry = $2 WHERE number = $1")
                .bind(account)
                .bind(entry)
                .execute(&mut *transaction)
                .await?;
        }
        if let Some(session) = new.keep_only {
            sqlx::query("DELETE FROM sessions WHERE account = $1 AND number <> $2")
                .bind(account)
                .bind(session)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Replaced::Done)
    }

    /// Deletes the account and all that belongs to it, while that is its login. Its name rests until that day, if at all.
    pub(crate) async fn delete(
        &self,
        account: i64,
        proven_login: &[u8; 192],
        rest_until: Option<u32>,
    ) -> Result<bool, WriteFault> {
        let mut transaction = self.begin().await?;
        let name: Option<Vec<u8>> =
            sqlx::query_scalar("DELETE FROM accounts WHERE number = $1 AND login = $2 RETURNING name_hash")
                .bind(account)
                .bind(&proven_login[..])
                .fetch_optional(&mut *transaction)
                .await?;
        let Some(name) = name else { return Ok(false) };
        remove_account(&mut transaction, account, name, rest_until).await?;
        transaction.commit().await?;
        // What is left when this fails goes with the next sweep.
        if let Err(fault) = self.sweep_leftovers().await {
            tracing::warn!(%fault, "what is left of a deleted account cannot be removed now");
        }
        self.empty_log().await;
        Ok(true)
    }

    async fn account(
        &self,
        query: &'static str,
        key: &[u8; 32],
    ) -> Result<Option<StoredAccount>, WriteFault> {
        let row = sqlx::query(query).bind(&key[..]).fetch_optional(&self.read).await?;
        row.map(|row| stored(&row)).transpose()
    }
}

/// Holds an account until the transaction ends, so that whoever changes several tables of it does that in one order with all
/// others, and nobody deletes it meanwhile. Whether it is there.
pub(super) async fn hold(connection: &mut AnyConnection, account: i64) -> Result<bool, WriteFault> {
    let held = sqlx::query("UPDATE accounts SET login = login WHERE number = $1")
        .bind(account)
        .execute(connection)
        .await?;
    Ok(held.rows_affected() == 1)
}

/// What goes with an account whose row is gone: what is much goes later, in pieces. Its name rests until that day, if at all.
pub(in crate::store) async fn remove_account(
    connection: &mut AnyConnection,
    account: i64,
    name: Vec<u8>,
    rest_until: Option<u32>,
) -> Result<(), WriteFault> {
    for statement in [
        "DELETE FROM sessions WHERE account = $1",
        "INSERT INTO account_leftovers (account) VALUES ($1) ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(statement).bind(account).execute(&mut *connection).await?;
    }
    if let Some(until) = rest_until {
        sqlx::query(
            "INSERT INTO resting_names (name_hash, until_day) VALUES ($1, $2)
                ON CONFLICT (name_hash) DO UPDATE SET until_day = $2",
        )
        .bind(name)
        .bind(i64::from(until))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn is_resting(
    connection: &mut AnyConnection,
    name_hash: &[u8; 32],
    today: u32,
) -> Result<bool, WriteFault> {
    let until: Option<i64> = sqlx::query_scalar("SELECT until_day FROM resting_names WHERE name_hash = $1")
        .bind(&name_hash[..])
        .fetch_optional(connection)
        .await?;
    Ok(until.is_some_and(|until| until > i64::from(today)))
}

fn stored(row: &AnyRow) -> Result<StoredAccount, WriteFault> {
    Ok(StoredAccount {
        number: row.get("number"),
        login: array(row.get("login"), "login")?,
        name_hash: array(row.get("name_hash"), "name")?,
        code_key: array(row.get("code_key"), "recovery code")?,
        record: row.get("record"),
    })
}
