//! How much memory a long call takes, and a share of it: all of it before it is needed, and what is left of it until the answer is
//! read. Short ones take none, so that nobody who fills the memory keeps others from logging in: there are no more of them than
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
    /// For a request of so many bytes, or refuses after a time.
    pub(super) async fn take<C: Call>(
        addresses: &Addresses,
        client: IpAddr,
        request_bytes: usize,
        (settings, within): (&AccountSettings, Duration),
    ) -> Result<Self, AccountError> {
        let both = async {
            // As it came, and decoded.
            let request_bytes = request_bytes.saturating_mul(2);
            let request = match request_bytes > SHORT_BYTES {
                true => Some(addresses.take_for_request(client, request_bytes).await?),
                false => None,
            };
            // Decoded, and as it goes.
            let answer_bytes = longest_answer::<C>(settings).saturating_mul(2);
            let answer = match answer_bytes > SHORT_BYTES {
                true => Some(addresses.take_for_answer(client, answer_bytes).await?),
                false => None,
            };
            Some(Self { _request: request, answer })
        };
        let again = || AccountError::with_delay(AccountErrorCode::Overloaded, crate::limit::whole_ms(AGAIN));
        tokio::time::timeout(within, both).await.ok().flatten().ok_or_else(again)
    }
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
