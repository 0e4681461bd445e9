//! Login by recovery code: a signature under a challenge. The code's key is random, so that it needs no name beside it.

use super::login::EXCHANGE_MS;
use super::randomness::random;
use super::token::{ChallengeState, ProvenBy, open, seal};
use super::{Accounts, Caller, internal, wait};
use crate::access::verifies;
use sotto_protocol::account::{AccountError, AccountErrorCode, Challenged, FinishRecovery, LoggedIn};
use sotto_protocol::{Challenge, recovery_statement};

impl Accounts {
    /// Gives a challenge.
    pub(crate) fn start_recovery(&self, caller: &Caller) -> Result<Challenged, AccountError> {
        self.logging_in.take(caller.address).map_err(wait)?;
        let challenge: [u8; 32] = random()?;
        let good_until_ms = self.now_ms().saturating_add(EXCHANGE_MS);
        let state = ChallengeState { good_until_ms, exchange: random()?, challenge };
        let state = seal(self.secrets.token_key(), &state)?;
        Ok(Challenged { challenge: Challenge::new(challenge), state })
    }

    /// Takes the signature, and begins a session whose proof is good for a new password.
    pub(crate) async fn finish_recovery(
        &self,
        caller: &Caller,
        asked: FinishRecovery,
    ) -> Result<LoggedIn, AccountError> {
        let refused = || AccountError::from(AccountErrorCode::LoginRefused);
        let state: ChallengeState =
            open(self.secrets.token_key(), &asked.state, self.now_ms()).ok_or_else(refused)?;
        let statement = recovery_statement(&caller.authority, &Challenge::new(state.challenge));
        if !verifies(&asked.login_key, &statement, &asked.signature) {
            return Err(refused());
        }
        let account = self.store.by_code(&asked.login_key).await.map_err(internal)?.ok_or_else(refused)?;
        self.begin_session(account, state.exchange, ProvenBy::RecoveryCode).await
    }
}
