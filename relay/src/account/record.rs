//! The sealed record and what changes with it; the account's end.

use super::opaque::is_record;
use super::token::ProvenBy;
use super::{Accounts, Session, directory, internal, wait};
use crate::store::{Replaced, Replacement};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, DeleteAccount, DirectoryEntry, Done, PasswordStarted, ReplaceRecord,
    SealedRecordHead, StartPassword, version_of,
};
use sotto_protocol::limits::SEALED_RECORD_MAX_BYTES;

impl Accounts {
    /// Answers OPAQUE's first message of a change of password.
    pub(crate) async fn start_password(
        &self,
        session: &Session,
        asked: StartPassword,
    ) -> Result<PasswordStarted, AccountError> {
        let (account, _) = self.proven(session, &asked.proof).await?;
        self.proofs.take(session.number()).map_err(wait)?;
        let response = self.secrets.opaque.register(&account.name_hash, &asked.request)?;
        Ok(PasswordStarted { response })
    }

    /// Puts the next version of the record in place, with the password, the directory entry and the end of other sessions,
    /// where they are asked for: all or nothing.
    pub(crate) async fn replace_record(
        &self,
        session: &Session,
        asked: ReplaceRecord,
    ) -> Result<Done, AccountError> {
        let malformed = || AccountError::from(AccountErrorCode::Malformed);
        let head = read_head(&asked.record)?;
        if let Some(entry) = &asked.entry {
            directory::check(entry, self.identity.id())?;
        }
        if asked.login.is_some_and(|login| !is_record(&login)) {
            return Err(malformed());
        }
        let (account, by) = self.proven(session, &asked.proof).await?;
        let before = read_head(&account.record)?;
        // All that follows compares with this record; the store replaces no other one either.
        if before.version.checked_add(1) != Some(head.version) {
            return Err(AccountError::conflict(before.version));
        }
        let is_same_keys = head.device_keys == before.device_keys;
        // Who has the code alone may set a password, and nothing else: not another code either.
        let is_password_alone = asked.login.is_some()
            && asked.entry.is_none()
            && is_same_keys
            && head.code_login_key == account.code_key;
        if by == ProvenBy::RecoveryCode && !is_password_alone {
            return Err(AccountErrorCode::ProofNeeded.into());
        }
        // A device that still has the old keys of the vault would go on writing under them: it logs in again.
        let is_next_keys = before.device_keys.checked_add(1) == Some(head.device_keys);
        let is_allowed = is_same_keys || (is_next_keys && asked.end_others);
        if !is_allowed {
            return Err(malformed());
        }
        if let Some(entry) = &asked.entry
            && !self.is_of_account(&account, entry).await?
        {
            return Err(AccountErrorCode::IdentityTaken.into());
        }
        if let Some(entry) = &asked.entry {
            let present = self.entry_of(&account).await?;
            let list = |entry: &DirectoryEntry| version_of(entry.devices.as_ref());
            if entry.generation < present.generation || list(entry) < list(&present) {
                return Err(malformed());
            }
        }
        let entry = asked.entry.as_ref().map(sotto_protocol::encode);
        let new = Replacement {
            proven_login: &account.login,
            version: head.version,
            record: &asked.record,
            code_key: head.code_login_key,
            login: asked.login.as_ref(),
            entry: entry.as_deref(),
            keep_only: asked.end_others.then(|| session.number()),
        };
        match self.store.replace(account.number, new).await.map_err(internal)? {
            Replaced::Done => Ok(Done {}),
            Replaced::Conflict(version) => Err(AccountError::conflict(version)),
            Replaced::Gone => Err(AccountErrorCode::SessionNeeded.into()),
            Replaced::CodeTaken => Err(AccountErrorCode::IdentityTaken.into()),
        }
    }

    /// Deletes the account and everything of it.
    pub(crate) async fn delete_account(
        &self,
        session: &Session,
        asked: DeleteAccount,
    ) -> Result<Done, AccountError> {
        let account = self.proven_by_password(session, &asked.proof).await?;
        let rest = self.settings.name_rest_days;
        let until = (rest > 0).then(|| self.today().saturating_add(rest));
        if self.store.delete(account.number, &account.login, until).await.map_err(internal)? {
            Ok(Done {})
        } else {
            Err(AccountErrorCode::ProofNeeded.into())
        }
    }
}

/// What the relay reads of a sealed record.
pub(super) fn read_head(record: &[u8]) -> Result<SealedRecordHead, AccountError> {
    if record.len() > SEALED_RECORD_MAX_BYTES {
        return Err(AccountError::with_limit(
            AccountErrorCode::LimitExceeded,
            SEALED_RECORD_MAX_BYTES as u64,
        ));
    }
    let head: SealedRecordHead = sotto_protocol::decode(record).map_err(|_| AccountErrorCode::Malformed)?;
    // What the database can count.
    if head.version == 0 || i64::try_from(head.version).is_err() {
        return Err(AccountErrorCode::Malformed.into());
    }
    Ok(head)
}
