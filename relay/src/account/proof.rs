//! The fresh proof: the password once more, for what a session alone is not good for.

use super::login::EXCHANGE_MS;
use super::token::{Proof, ProvenBy, open, seal};
use super::{Accounts, Caller, Session, internal, wait};
use crate::store::StoredAccount;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, FinishProof, LoginStarted, Proven, StartProof,
};
use sotto_protocol::entry_hash as sha256;
use subtle::ConstantTimeEq as _;

/// How long a proof is fresh.
pub(super) const FRESH_MS: u64 = 5 * 60 * 1000;
const _: () = assert!(EXCHANGE_MS < FRESH_MS);

impl Accounts {
    /// Answers KE1, on a session. Tries are counted by session, apart from those of people who have none.
    pub(crate) async fn start_proof(
        &self,
        caller: &Caller,
        session: &Session,
        asked: StartProof,
    ) -> Result<LoginStarted, AccountError> {
        self.proofs.take(session.number()).map_err(wait)?;
        let account = self.account_of(session).await?;
        self.answer_ke1((&account.name_hash, &account.login), caller, &asked.request, Some(session))
    }

    /// Takes KE3.
    pub(crate) async fn finish_proof(
        &self,
        caller: &Caller,
        session: &Session,
        asked: FinishProof,
    ) -> Result<Proven, AccountError> {
        let (state, account) =
            self.take_ke3(caller, &asked.state, &asked.confirmation, Some(session)).await?;
        if account.number != session.account()
            || !self.store.spend(&state.exchange, self.today()).await.map_err(internal)?
        {
            return Err(AccountErrorCode::LoginRefused.into());
        }
        self.proofs.give_back(&session.number());
        let proof = self.prove(*session.id(), &account.login, ProvenBy::Password)?;
        Ok(Proven { proof, record: account.record })
    }

    /// The account of a session.
    pub(super) async fn account_of(&self, session: &Session) -> Result<StoredAccount, AccountError> {
        let account = self.store.by_number(session.account()).await.map_err(internal)?;
        account.ok_or_else(|| AccountErrorCode::SessionNeeded.into())
    }

    /// A proof for that session.
    pub(super) fn prove(
        &self,
        session_id: [u8; 16],
        login: &[u8; 192],
        by: ProvenBy,
    ) -> Result<Vec<u8>, AccountErrorCode> {
        let good_until_ms = self.now_ms().saturating_add(FRESH_MS);
        seal(self.secrets.token_key(), &Proof { good_until_ms, session_id, login_hash: sha256(login), by })
    }

    /// The account of a session, if the proof is fresh, of this session, and of the password that the account has now.
    pub(super) async fn proven(
        &self,
        session: &Session,
        proof: &[u8],
    ) -> Result<(StoredAccount, ProvenBy), AccountError> {
        let needed = || AccountError::from(AccountErrorCode::ProofNeeded);
        let proof: Proof = open(self.secrets.token_key(), proof, self.now_ms()).ok_or_else(needed)?;
        let account = self.account_of(session).await?;
        let is_of_session = proof.session_id.ct_eq(session.id());
        let is_of_login = proof.login_hash.ct_eq(&sha256(&account.login));
        if bool::from(is_of_session & is_of_login) { Ok((account, proof.by)) } else { Err(needed()) }
    }

    /// The same, by password alone.
    pub(super) async fn proven_by_password(
        &self,
        session: &Session,
        proof: &[u8],
    ) -> Result<StoredAccount, AccountError> {
        match self.proven(session, proof).await? {
            (account, ProvenBy::Password) => Ok(account),
            (_, ProvenBy::RecoveryCode) => Err(AccountErrorCode::ProofNeeded.into()),
        }
    }
}
