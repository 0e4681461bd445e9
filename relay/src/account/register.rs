//! New accounts.

use super::login::EXCHANGE_MS;
use super::opaque::is_record;
use super::randomness::random;
use super::record::read_head;
use super::session::fresh_session;
use super::settings::Registration;
use super::token::{ProvenBy, RegistrationState, open, seal};
use super::username::is_reserved;
use super::{Accounts, Caller, directory, internal, wait};
use crate::access::verifies;
use crate::store::{Created, NewAccount};
use sotto_protocol::Challenge;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, InviteCode, LoggedIn, Register, RegisterStarted, StartRegister,
    account_of, registration_statement,
};

impl Accounts {
    /// Answers OPAQUE's first message, for any name: whether it is free is told at the end.
    pub(crate) async fn start_register(
        &self,
        caller: &Caller,
        asked: StartRegister,
    ) -> Result<RegisterStarted, AccountError> {
        self.logging_in.take(caller.address).map_err(wait)?;
        let code = self.check_policy(asked.code.as_ref())?;
        if let Some(code) = code
            && !self.store.has_invite_code(&code).await.map_err(internal)?
        {
            return Err(AccountErrorCode::BadInviteCode.into());
        }
        let name_hash = self.checked_name(&asked.name)?;
        // The answer is worth as much as a try of a password, if the name is somebody's.
        self.count_try(caller, name_hash)?;
        let response = self.secrets.opaque.register(&name_hash, &asked.request)?;
        let challenge: [u8; 32] = random()?;
        let good_until_ms = self.now_ms().saturating_add(EXCHANGE_MS);
        let state = RegistrationState { good_until_ms, exchange: random()?, challenge };
        let state = seal(self.secrets.token_key(), &state)?;
        Ok(RegisterStarted { response, challenge: Challenge::new(challenge), state })
    }

    /// Makes the account and its first session.
    pub(crate) async fn register(&self, caller: &Caller, asked: Register) -> Result<LoggedIn, AccountError> {
        let invite_code = self.check_policy(asked.code.as_ref())?;
        let name_hash = self.checked_name(&asked.name)?;
        let head = read_head(&asked.record)?;
        if head.version != 1 || head.device_keys != 1 || !is_record(&asked.login) {
            return Err(AccountErrorCode::Malformed.into());
        }
        directory::check(&asked.entry, self.identity.id())?;
        let exchange = self.check_registration(caller, &asked)?;
        self.registering.take(caller.address).map_err(wait)?;
        if is_reserved(&asked.name, &self.settings.reserved_names) {
            return Err(AccountErrorCode::NameUnavailable.into());
        }
        let (token, session) = fresh_session()?;
        let new = NewAccount {
            name_hash,
            account_id: account_of(&asked.entry.identity_key),
            login: &asked.login,
            record: &asked.record,
            code_key: head.code_login_key,
            entry: &sotto_protocol::encode(&asked.entry),
            is_findable: asked.is_findable,
            invite_code,
            session,
            exchange,
        };
        match self.store.create(new, self.today_for_sure()).await.map_err(internal)? {
            Created::Done => {}
            Created::BadCode => return Err(AccountErrorCode::BadInviteCode.into()),
            Created::NameUnavailable => return Err(AccountErrorCode::NameUnavailable.into()),
            Created::IdentityTaken => return Err(AccountErrorCode::IdentityTaken.into()),
            Created::IsOver => return Err(AccountErrorCode::LoginRefused.into()),
        }
        let proof = self.prove(session.session_id, &asked.login, ProvenBy::Password)?;
        Ok(LoggedIn { token, session: session.session_id, proof, record: asked.record })
    }

    /// The exchange that this ends, if whose identity it is wants this account now: entries are public, and no proof of that.
    fn check_registration(&self, caller: &Caller, asked: &Register) -> Result<[u8; 16], AccountError> {
        let refused = || AccountError::from(AccountErrorCode::LoginRefused);
        let state: RegistrationState =
            open(self.secrets.token_key(), &asked.state, self.now_ms()).ok_or_else(refused)?;
        let challenge = Challenge::new(state.challenge);
        let login_and_record = (&asked.login, &asked.record[..]);
        let statement = registration_statement(
            &caller.authority,
            &challenge,
            login_and_record,
            &asked.entry,
            (&asked.name, asked.is_findable),
        );
        if verifies(&asked.entry.identity_key, &statement, &asked.signature) {
            Ok(state.exchange)
        } else {
            Err(refused())
        }
    }

    /// The keyed hash of a name that is one.
    pub(crate) fn checked_name(&self, name: &str) -> Result<[u8; 32], AccountError> {
        if sotto_protocol::is_username(name) {
            Ok(self.secrets.name_hash(name))
        } else {
            Err(AccountErrorCode::BadName.into())
        }
    }

    /// The hash of the invite code, where one is needed.
    fn check_policy(&self, code: Option<&InviteCode>) -> Result<Option<[u8; 32]>, AccountError> {
        match (self.settings.registration, code) {
            (Registration::Open, _) => Ok(None),
            (Registration::Codes, Some(code)) => self.code_hash(code).map(Some),
            (Registration::Codes, None) | (Registration::Closed, _) => {
                Err(AccountErrorCode::RegistrationClosed.into())
            }
        }
    }
}
