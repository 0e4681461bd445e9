//! Login by password: OPAQUE's two steps, of which any relay of the same secrets can do either.

use super::opaque::proves_password;
use super::randomness::random;
use super::session::fresh_session;
use super::token::{LoginState, ProvenBy, open, seal};
use super::{Accounts, Caller, Session, internal, wait};
use crate::store::StoredAccount;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, FinishLogin, LoggedIn, LoginStarted, StartLogin,
};
use sotto_protocol::entry_hash as sha256;

/// How long an exchange may take: the password is stretched in between.
pub(super) const EXCHANGE_MS: u64 = 2 * 60 * 1000;

impl Accounts {
    /// Answers KE1, for any name.
    pub(crate) async fn start_login(
        &self,
        caller: &Caller,
        asked: StartLogin,
    ) -> Result<LoginStarted, AccountError> {
        self.logging_in.take(caller.address).map_err(wait)?;
        let name_hash = self.checked_name(&asked.name)?;
        self.count_try(caller, name_hash)?;
        let login = self.store.login_of(&name_hash).await.map_err(internal)?;
        let login = login.unwrap_or(*self.secrets.opaque.nobody());
        self.answer_ke1((&name_hash, &login), caller, &asked.request, None)
    }

    /// Takes KE3, and begins a session.
    pub(crate) async fn finish_login(
        &self,
        caller: &Caller,
        asked: FinishLogin,
    ) -> Result<LoggedIn, AccountError> {
        let (state, account) = self.take_ke3(caller, &asked.state, &asked.confirmation, None).await?;
        self.give_try_back(caller, state.name_hash);
        self.begin_session(account, state.exchange, ProvenBy::Password).await
    }

    /// A session for whoever has proven that the account is theirs.
    pub(super) async fn begin_session(
        &self,
        account: StoredAccount,
        exchange: [u8; 16],
        by: ProvenBy,
    ) -> Result<LoggedIn, AccountError> {
        let (token, session) = fresh_session()?;
        let begun = self.store.begin_session(&account, &session, Some(exchange), self.today());
        if !begun.await.map_err(internal)? {
            return Err(AccountErrorCode::LoginRefused.into());
        }
        let proof = self.prove(session.session_id, &account.login, by)?;
        Ok(LoggedIn { token, session: session.session_id, proof, record: account.record })
    }

    /// KE2, with the state of the exchange sealed for ourselves.
    pub(super) fn answer_ke1(
        &self,
        login: (&[u8; 32], &[u8; 192]),
        caller: &Caller,
        request: &[u8; 96],
        session: Option<&Session>,
    ) -> Result<LoginStarted, AccountError> {
        let answer = self.secrets.opaque.log_in(login, (self.identity.id(), &caller.authority), request)?;
        let state = LoginState {
            good_until_ms: self.now_ms().saturating_add(EXCHANGE_MS),
            exchange: random()?,
            name_hash: *login.0,
            login_hash: sha256(login.1),
            session_id: session.map(|session| session.id().to_vec()).unwrap_or_default(),
            state: answer.state.to_vec(),
        };
        let state = seal(self.secrets.token_key(), &state)?;
        Ok(LoginStarted { response: answer.response, state })
    }

    /// The account of an exchange that KE3 ends, if it proves the password that the account still has.
    pub(super) async fn take_ke3(
        &self,
        caller: &Caller,
        state: &[u8],
        confirmation: &[u8; 64],
        session: Option<&Session>,
    ) -> Result<(LoginState, StoredAccount), AccountError> {
        let refused = || AccountError::from(AccountErrorCode::LoginRefused);
        let state: LoginState = open(self.secrets.token_key(), state, self.now_ms()).ok_or_else(refused)?;
        let session_id: &[u8] = session.map(|session| &session.id()[..]).unwrap_or_default();
        let here = (self.identity.id(), caller.authority.as_str());
        if state.session_id != session_id || !proves_password(&state.state, here, confirmation) {
            return Err(refused());
        }
        let account = self.store.by_name(&state.name_hash).await.map_err(internal)?.ok_or_else(refused)?;
        if sha256(&account.login) != state.login_hash {
            return Err(refused());
        }
        Ok((state, account))
    }
}
