//! Who has which name: told of those who want it, and of anybody to those who know the account id.

use super::{Accounts, Caller, Session, internal, wait};
use crate::access::verifies;
use crate::store::StoredAccount;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, DirectoryEntry, Done, Found, Lookup, RelayId, SetFindable,
    account_of, directory_statement,
};
use sotto_protocol::limits::RECOVERY_PUBLIC_BYTES;

impl Accounts {
    /// Finds somebody. A name that does not exist and one that does not want to be found are answered alike.
    pub(crate) async fn look_up(&self, caller: &Caller, asked: Lookup) -> Result<Found, AccountError> {
        self.looking_up.take(caller.address).map_err(wait)?;
        let entry = match &asked.who {
            AccountRef::Name(name) => self.store.entry_by_name(&self.checked_name(name)?).await,
            AccountRef::Account(id) => self.store.entry_by_id(id).await,
        };
        let entry = entry.map_err(internal)?.ok_or(AccountErrorCode::NotFound)?;
        let entry = sotto_protocol::decode(&entry).map_err(|_| AccountErrorCode::Internal)?;
        Ok(Found { entry })
    }

    /// Whether the account's name leads to it.
    pub(crate) async fn set_findable(
        &self,
        session: &Session,
        asked: SetFindable,
    ) -> Result<Done, AccountError> {
        self.store.set_findable(session.account(), asked.is_findable).await.map_err(internal)?;
        Ok(Done {})
    }

    /// The entry that an account has.
    pub(super) async fn entry_of(&self, account: &StoredAccount) -> Result<DirectoryEntry, AccountError> {
        let gone = || AccountError::from(AccountErrorCode::SessionNeeded);
        let id = self.store.id_of(account.number).await.map_err(internal)?.ok_or_else(gone)?;
        let entry = self.store.entry_by_id(&id).await.map_err(internal)?.ok_or_else(gone)?;
        Ok(sotto_protocol::decode(&entry).map_err(|_| AccountErrorCode::Internal)?)
    }

    /// Whether a directory entry is of that account.
    pub(super) async fn is_of_account(
        &self,
        account: &StoredAccount,
        entry: &DirectoryEntry,
    ) -> Result<bool, AccountError> {
        let id = self.store.id_of(account.number).await.map_err(internal)?;
        Ok(id == Some(account_of(&entry.identity_key)))
    }
}

/// Whether the identity says of itself what the entry says, for this relay.
pub(super) fn check(entry: &DirectoryEntry, relay: &RelayId) -> Result<(), AccountError> {
    let statement =
        directory_statement(relay, entry.generation, &entry.recovery_public, entry.devices.as_ref());
    let is_good = entry.recovery_public.len() == RECOVERY_PUBLIC_BYTES
        && entry.generation > 0
        && entry.devices.is_none_or(|list| list.version > 0)
        && verifies(&entry.identity_key, &statement, &entry.signature);
    if is_good { Ok(()) } else { Err(AccountErrorCode::Malformed.into()) }
}
