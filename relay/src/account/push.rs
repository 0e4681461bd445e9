//! Waking the devices of an account: for a letter in the inbox.

use super::{Accounts, Session, internal};
use crate::push::{NoPush, Owner, Push, PushKeys, Woken};
use sotto_protocol::account::{AccountError, AccountErrorCode, Done, PushKeyGiven, SetPush};
use sotto_protocol::limits::PUSH_ENDPOINT_MAX_BYTES;
use std::sync::Arc;

impl Accounts {
    /// The keys that web push is done with.
    pub(crate) fn push_keys(&self) -> Arc<PushKeys> {
        Arc::clone(&self.secrets.push)
    }

    /// Wakes devices by `push` from now on.
    pub(crate) fn wake_by(&mut self, push: Push) {
        self.push = Some(push);
    }

    /// By which push services know the relay.
    pub(crate) fn push_key(&self) -> Result<PushKeyGiven, AccountError> {
        let push = self.push.as_ref().ok_or(AccountErrorCode::NotFound)?;
        Ok(PushKeyGiven { key: *push.public_key() })
    }

    /// Wakes the session's device from now on.
    pub(crate) async fn set_push(&self, session: &Session, asked: SetPush) -> Result<Done, AccountError> {
        let push = self.push.as_ref().ok_or(AccountErrorCode::PushUnavailable)?;
        if asked.subscription.endpoint.len() > PUSH_ENDPOINT_MAX_BYTES {
            let limit = PUSH_ENDPOINT_MAX_BYTES as u64;
            return Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, limit));
        }
        let (number, id) = (session.number(), session.id());
        let taken =
            push.take(Owner::Session(number), &asked.subscription).map_err(|refusal| match refusal {
                NoPush::Endpoint => AccountErrorCode::PushUnavailable,
                NoPush::Key => AccountErrorCode::Malformed,
                NoPush::Fault => AccountErrorCode::Internal,
            })?;
        self.store.set_push((number, id), &taken.sealed, taken.until_day).await.map_err(internal)?;
        Ok(Done {})
    }

    /// Wakes the session's device no more.
    pub(crate) async fn drop_push(&self, session: &Session) -> Result<Done, AccountError> {
        self.store.drop_push((session.number(), session.id())).await.map_err(internal)?;
        Ok(Done {})
    }

    /// Wakes whoever wants to know of a letter.
    pub(super) fn wake(&self, account: i64) {
        if let Some(push) = &self.push {
            push.wake(Woken::Account(account));
        }
    }
}
