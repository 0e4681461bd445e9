//! Letter boxes of devices that pair. What lies in them is sealed to the other device, or a public key.

use super::{Accounts, Caller, internal, wait};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, Done, PairingMessage, PostPairing, TakePairing,
};
use sotto_protocol::limits::PAIRING_MESSAGE_MAX_BYTES;

/// hello, answer, reveal, grant
const STEPS: std::ops::RangeInclusive<u8> = 1..=4;

impl Accounts {
    /// Puts one of the messages in.
    pub(crate) async fn post_pairing(
        &self,
        caller: &Caller,
        asked: PostPairing,
    ) -> Result<Done, AccountError> {
        if asked.message.len() > PAIRING_MESSAGE_MAX_BYTES {
            let limit = PAIRING_MESSAGE_MAX_BYTES as u64;
            return Err(AccountError::with_limit(AccountErrorCode::LimitExceeded, limit));
        }
        if !STEPS.contains(&asked.step) {
            return Err(AccountErrorCode::Malformed.into());
        }
        self.depositing.take(caller.address).map_err(wait)?;
        let done = self.store.post_pairing(&asked.letter_box, asked.step, &asked.message, self.today());
        if done.await.map_err(internal)? { Ok(Done {}) } else { Err(AccountErrorCode::Conflict.into()) }
    }

    /// Shows one of the messages.
    pub(crate) async fn take_pairing(&self, asked: TakePairing) -> Result<PairingMessage, AccountError> {
        let message = self.store.pairing(&asked.letter_box, asked.step).await.map_err(internal)?;
        let message = message.ok_or(AccountErrorCode::NotFound)?;
        Ok(PairingMessage { message })
    }
}
