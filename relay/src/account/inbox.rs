//! Inboxes: anybody puts a sealed letter in, the account takes it out.

use super::randomness::random;
use super::{Accounts, Caller, Session, internal, wait};
use crate::store::Deposited;
use sotto_protocol::account::{AccountError, AccountErrorCode, Acknowledge, Deposit, Done, Letters};
use sotto_protocol::limits::{ACKNOWLEDGED_MAX, DIRECT_INVITE_BYTES};

impl Accounts {
    /// Puts a letter in.
    pub(crate) async fn deposit(&self, caller: &Caller, asked: Deposit) -> Result<Done, AccountError> {
        if asked.letter.len() != DIRECT_INVITE_BYTES {
            return Err(AccountErrorCode::Malformed.into());
        }
        self.depositing.take(caller.address).map_err(wait)?;
        let quota = self.store.quotas().await.map_err(internal)?.inbox_max_letters;
        let quota = quota.map(|quota| u32::try_from(quota).unwrap_or(u32::MAX));
        let max = quota.unwrap_or(self.settings.inbox_max_letters);
        let id = random()?;
        let done = self.store.deposit(&asked.account, &id, &asked.letter, (self.today(), max)).await;
        match done.map_err(internal)? {
            Deposited::Done(account) => {
                self.wake(account);
                Ok(Done {})
            }
            Deposited::Full => Err(AccountError::with_limit(AccountErrorCode::InboxFull, u64::from(max))),
            Deposited::NoAccount => Err(AccountErrorCode::NotFound.into()),
        }
    }

    /// Shows the letters.
    pub(crate) async fn letters(&self, session: &Session) -> Result<Letters, AccountError> {
        Ok(Letters { letters: self.store.letters(session.account()).await.map_err(internal)? })
    }

    /// Takes letters out.
    pub(crate) async fn acknowledge(
        &self,
        session: &Session,
        asked: Acknowledge,
    ) -> Result<Done, AccountError> {
        if asked.ids.len() > ACKNOWLEDGED_MAX {
            return Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, ACKNOWLEDGED_MAX as u64));
        }
        let ids = asked.ids.iter().map(|id| &**id);
        self.store.acknowledge(session.account(), ids).await.map_err(internal)?;
        Ok(Done {})
    }
}
