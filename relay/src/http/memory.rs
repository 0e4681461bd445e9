//! How much memory a long call takes, and a share of it: all of it before it is needed, and what is left of it until the answer is
//! read. Short ones take none, so that a client that fills the memory does not keep others from logging in: there are no more of them than
//! connections.

use crate::account::AccountSettings;
use crate::limit::{Addresses, Taken};
use sotto_protocol::account::{AccountError, AccountErrorCode, Call, Inbox, ListVault, ReadVault};
use sotto_protocol::limits::{
    ACKNOWLEDGED_MAX, DIRECT_INVITE_BYTES, VAULT_READ_MAX_BYTES, VAULT_RECORD_MAX_BYTES, VAULT_RECORDS_MAX,
};
use std::net::IpAddr;
use std::time::Duration;

/// What a field or an item takes beside what it holds.
const ITEM_BYTES: usize = 128;
/// What is not longer, as it goes and decoded, takes none.
const SHORT_BYTES: usize = 64 * 1024;
/// No other call's answer is longer: a sealed record, the list of sessions.
const SHORT_ANSWER_BYTES: usize = SHORT_BYTES / 2;
/// After a refusal there is more when others have read, or have been hung up on.
const AGAIN: Duration = Duration::from_secs(10);

/// What one call takes.
#[derive(Debug)]
pub(super) struct CallMemory {
    /// For what is asked.
    _request: Option<Taken>,
    /// For what is answered.
    pub answer: Option<Taken>,
}

impl CallMemory {
    /// For a request of so many bytes, which has not come yet, or refuses after a time.
    pub(super) async fn for_request(
        addresses: &Addresses,
        client: IpAddr,
        request_bytes: usize,
        within: Duration,
    ) -> Result<Self, AccountError> {
        // As it came, and decoded.
        let bytes = request_bytes.saturating_mul(2);
        let taken = match bytes > SHORT_BYTES {
            true => Some(or_again(within, addresses.take_for_request(client, bytes)).await?),
            false => None,
        };
        Ok(Self { _request: taken, answer: None })
    }

    /// For the answer, too: only once the request is known and allowed. A client that sends nothing, or has no session, takes none.
    pub(super) async fn with_answer<C: Call>(
        self,
        addresses: &Addresses,
        client: IpAddr,
        (settings, within): (&AccountSettings, Duration),
    ) -> Result<Self, AccountError> {
        // Decoded, and as it goes.
        let bytes = longest_answer::<C>(settings).saturating_mul(2);
        let answer = match bytes > SHORT_BYTES {
            true => Some(or_again(within, addresses.take_for_answer(client, bytes)).await?),
            false => None,
        };
        Ok(Self { answer, ..self })
    }
}

async fn or_again(
    within: Duration,
    taking: impl Future<Output = Option<Taken>>,
) -> Result<Taken, AccountError> {
    let again = || AccountError::with_delay(AccountErrorCode::Overloaded, crate::limit::whole_ms(AGAIN));
    tokio::time::timeout(within, taking).await.ok().flatten().ok_or_else(again)
}

fn longest_answer<C: Call>(settings: &AccountSettings) -> usize {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    match C::PATH {
        // The one that is too much is read, too.
        ReadVault::PATH => VAULT_READ_MAX_BYTES + VAULT_RECORD_MAX_BYTES,
        Inbox::PATH => ACKNOWLEDGED_MAX * (DIRECT_INVITE_BYTES + ITEM_BYTES),
        ListVault::PATH => {
            number(settings.vault_max_records).max(VAULT_RECORDS_MAX).saturating_mul(ITEM_BYTES)
        }
        _ => SHORT_ANSWER_BYTES,
    }
}
