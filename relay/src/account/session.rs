//! Sessions: random tokens, of which the database has the hash.

use super::randomness::random;
use super::{Accounts, internal};
use crate::store::{NewSession, StoredSession};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AddSession, EndSession, EndedSessions, SessionGiven, SessionInfo,
    SessionToken, Sessions, Which,
};
use sotto_protocol::entry_hash as sha256;
use subtle::ConstantTimeEq as _;

/// A session that somebody has shown the token of.
#[derive(Debug)]
pub(crate) struct Session {
    stored: StoredSession,
    /// It was the token before the current one.
    by_grace: bool,
}

impl Session {
    pub(super) const fn id(&self) -> &[u8; 16] {
        &self.stored.session_id
    }

    pub(super) const fn account(&self) -> i64 {
        self.stored.account
    }

    pub(super) const fn number(&self) -> i64 {
        self.stored.number
    }
}

impl Accounts {
    /// The session of a token, if it has not ended.
    pub(crate) async fn session(&self, token: &SessionToken) -> Result<Session, AccountError> {
        let needed = || AccountError::from(AccountErrorCode::SessionNeeded);
        let hash = sha256(token.expose());
        let stored = self.store.session(&hash).await.map_err(internal)?.ok_or_else(needed)?;
        let today = self.today_for_sure();
        if today.saturating_sub(stored.used_day) > self.settings.session_idle_days {
            return Err(needed());
        }
        if bool::from(stored.token_hash.ct_eq(&hash)) {
            // A clock that was set back makes no session look idle afterwards.
            let used_day = stored.used_day.max(today);
            if stored.used_day != used_day || stored.previous_hash.is_some() {
                self.store.note_use(&stored, used_day).await.map_err(internal)?;
            }
            return Ok(Session { stored, by_grace: false });
        }
        let is_previous = stored.previous_hash.is_some_and(|previous| bool::from(previous.ct_eq(&hash)));
        if is_previous && self.store.use_grace(stored.number, &hash).await.map_err(internal)? {
            return Ok(Session { stored, by_grace: true });
        }
        Err(needed())
    }

    /// Whether there is such a session. Nothing is used up by that.
    pub(crate) async fn check_session(&self, token: &SessionToken) -> Result<(), AccountError> {
        let stored = self.store.session(&sha256(token.expose())).await.map_err(internal)?;
        stored.map(|_| ()).ok_or_else(|| AccountErrorCode::SessionNeeded.into())
    }

    /// Another token for the same session.
    pub(crate) async fn refresh_session(&self, session: &Session) -> Result<SessionGiven, AccountError> {
        let token = SessionToken::new(random()?);
        let hash = sha256(token.expose());
        let done = self.store.rotate(&session.stored, &hash, !session.by_grace).await;
        if done.map_err(internal)? {
            Ok(SessionGiven { token, session: *session.id() })
        } else {
            Err(AccountErrorCode::SessionNeeded.into())
        }
    }

    /// A session for another device.
    pub(crate) async fn add_session(
        &self,
        session: &Session,
        asked: AddSession,
    ) -> Result<SessionGiven, AccountError> {
        let account = self.proven_by_password(session, &asked.proof).await?;
        let (token, new) = fresh_session()?;
        if self.store.begin_session(&account, &new, None, self.today()).await.map_err(internal)? {
            Ok(SessionGiven { token, session: new.session_id })
        } else {
            Err(AccountErrorCode::SessionNeeded.into())
        }
    }

    /// All sessions of the account.
    pub(crate) async fn list_sessions(&self, session: &Session) -> Result<Sessions, AccountError> {
        let stored = self.store.sessions(session.account()).await.map_err(internal)?;
        let info = |stored: StoredSession| SessionInfo {
            session: stored.session_id,
            created_day: stored.created_day,
            used_day: stored.used_day,
            is_own: stored.number == session.number(),
        };
        Ok(Sessions { sessions: stored.into_iter().map(info).collect() })
    }

    /// Ends the own session, another one, or all others. A proof by recovery code will not do: who has it sets a password first.
    pub(crate) async fn end_session(
        &self,
        session: &Session,
        asked: EndSession,
    ) -> Result<EndedSessions, AccountError> {
        let is_own = match asked.which {
            Which::Own => true,
            Which::One(id) => id == *session.id(),
            Which::Others => false,
        };
        if !is_own {
            self.proven_by_password(session, asked.proof.as_deref().unwrap_or_default()).await?;
        }
        let account = session.account();
        let ended = match asked.which {
            Which::Own => self.store.end_session(account, session.id()).await,
            Which::One(id) => self.store.end_session(account, &id).await,
            Which::Others => self.store.end_others(account, session.number()).await,
        };
        let ended = ended.map_err(internal)?;
        Ok(EndedSessions { ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }
}

/// A token, and what is stored of it.
pub(super) fn fresh_session() -> Result<(SessionToken, NewSession), AccountErrorCode> {
    let token = SessionToken::new(random()?);
    let token_hash = sha256(token.expose());
    Ok((token, NewSession { session_id: random()?, token_hash }))
}
