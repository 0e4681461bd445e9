//! The account API over HTTP: one route per call of `sotto_protocol::account`, all of them POST, all of them CBOR.
//!
//! What holds for every call, whatever it is: only this origin's pages and programs that are no browsers, a bounded body in
//! bounded time, a limit by address, a share of memory until the answer is read, a session where one is needed and none where
//! none is wanted, and answers that no cache keeps. There is no CORS: a page of another site cannot even ask whether it may.
//!
//! Beside it: whether the relay is well, what it is and where its source code is, and the description of everything that is served, which stands where it is served.

mod about;
mod answer;
mod asked;
pub(crate) mod blob;
mod describe;
mod health;
mod memory;
mod routes;

pub(crate) use about::routes as about;
pub(crate) use describe::{Described, plain};
pub(crate) use health::{Readiness, routes as health};
pub(crate) use routes::Routes;

use crate::account::Accounts;
use crate::limit::Addresses;
use answer::Answer;
use asked::{Anonymous, WithSession};
use axum::extract::State;
use axum::routing::post;
use describe::call;
use sotto_protocol::account::{
    Access, AccountErrorCode, Acknowledge, AddSession, BlindRoomToken, Call, DeleteAccount, DeleteVault,
    Deposit, DropPush, EndSession, FinishLogin, FinishProof, FinishRecovery, Inbox, ListSessions, ListVault,
    Lookup, PostPairing, PushKey, PutVault, ReadRoomPolicy, ReadVault, RefreshSession, Register,
    ReplaceRecord, SetFindable, SetPush, StartLogin, StartPassword, StartProof, StartRecovery, StartRegister,
    TakePairing, WhichRelay,
};
use std::sync::Arc;
use std::time::Duration;

/// What every call shares.
#[derive(Clone)]
pub(crate) struct HttpState {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Where memory is taken from, for each address.
    pub addresses: Arc<Addresses>,
    /// How long a request's body may take.
    pub body_timeout: Duration,
}

/// Calls, each described, at the path of its type, with the access that its type asks for.
macro_rules! calls {
    ($described:ident, $serve:ident, $access:ident, $extractor:ident,
     $(#[doc = $summary:literal] $call:ident [$($error:ident),*] => |$accounts:ident, $asked:ident| $answer:expr;)*) => {
        #[cfg(test)]
        fn $described() -> Vec<Described> {
            vec![$(call::<$call>($summary, &[$(AccountErrorCode::$error),*])),*]
        }

        fn $serve(state: &HttpState) -> Routes {
            Routes::new()$(.on(
                {
                    const { assert!(matches!($call::ACCESS, Access::$access)) };
                    $call::PATH
                },
                [call::<$call>($summary, &[$(AccountErrorCode::$error),*])],
                post(async |State(state): State<HttpState>, $asked: $extractor<$call>| {
                    let $accounts = &state.accounts;
                    Answer::<$call>($answer, $asked.memory.answer)
                })
                .with_state(state.clone()),
            ))*
        }
    };
}

/// All calls.
pub(crate) fn calls(state: &HttpState) -> Routes {
    serve_anybody(state).merge(serve_sessions(state))
}

calls! { describe_anybody, serve_anybody, Anonymous, Anonymous,
    /// Begins a registration.
    StartRegister [RegistrationClosed, BadInviteCode, BadName] => |accounts, asked| accounts.start_register(&asked.caller, asked.call).await;
    /// Ends it: the account is there, and logged in.
    Register [RegistrationClosed, BadInviteCode, BadName, LoginRefused, NameUnavailable, IdentityTaken] => |accounts, asked| accounts.register(&asked.caller, asked.call).await;
    /// Begins a login.
    StartLogin [BadName] => |accounts, asked| accounts.start_login(&asked.caller, asked.call).await;
    /// Ends a login.
    FinishLogin [LoginRefused] => |accounts, asked| accounts.finish_login(&asked.caller, asked.call).await;
    /// Begins a login by the recovery code.
    StartRecovery [] => |accounts, asked| accounts.start_recovery(&asked.caller);
    /// Ends it. The proof that comes back is good for one thing only: a new password.
    FinishRecovery [LoginRefused] => |accounts, asked| accounts.finish_recovery(&asked.caller, asked.call).await;
    /// Puts a direct invite into an account's inbox.
    Deposit [NotFound, InboxFull] => |accounts, asked| accounts.deposit(&asked.caller, asked.call).await;
    /// Asks for somebody.
    Lookup [BadName, NotFound] => |accounts, asked| accounts.look_up(&asked.caller, asked.call).await;
    /// Puts one of the four messages of a pairing into the letter box.
    PostPairing [Conflict] => |accounts, asked| accounts.post_pairing(&asked.caller, asked.call).await;
    /// Reads one of them, once it is there.
    TakePairing [NotFound] => |accounts, asked| accounts.take_pairing(asked.call).await;
    /// Asks which relay this is.
    WhichRelay [] => |accounts, asked| accounts.which_relay(&asked.caller, asked.call);
    /// Asks who may make rooms.
    ReadRoomPolicy [] => |accounts, asked| accounts.room_policy();
    /// The key by which push services know the relay.
    PushKey [NotFound] => |accounts, asked| accounts.push_key();
}

calls! { describe_sessions, serve_sessions, Session, WithSession,
    /// Begins a fresh proof of the password.
    StartProof [] => |accounts, asked| accounts.start_proof(&asked.caller, &asked.session, asked.call).await;
    /// Ends it.
    FinishProof [LoginRefused] => |accounts, asked| accounts.finish_proof(&asked.caller, &asked.session, asked.call).await;
    /// Begins a change of the password.
    StartPassword [ProofNeeded] => |accounts, asked| accounts.start_password(&asked.session, asked.call).await;
    /// Puts the next version of the sealed record in the place of the last, and whatever changes with it.
    ReplaceRecord [ProofNeeded, Conflict, IdentityTaken] => |accounts, asked| accounts.replace_record(&asked.session, asked.call).await;
    /// Deletes the account, and all that the relay has of it.
    DeleteAccount [ProofNeeded] => |accounts, asked| accounts.delete_account(&asked.session, asked.call).await;
    /// A session of its own, for a device that is being paired.
    AddSession [ProofNeeded] => |accounts, asked| accounts.add_session(&asked.session, asked.call).await;
    /// A new token for the same session.
    RefreshSession [] => |accounts, asked| accounts.refresh_session(&asked.session).await;
    /// The sessions of the account.
    ListSessions [] => |accounts, asked| accounts.list_sessions(&asked.session).await;
    /// Ends sessions.
    EndSession [ProofNeeded] => |accounts, asked| accounts.end_session(&asked.session, asked.call).await;
    /// Which records the vault has.
    ListVault [] => |accounts, asked| accounts.list_vault(&asked.session).await;
    /// Reads records.
    ReadVault [] => |accounts, asked| accounts.read_vault(&asked.session, asked.call).await;
    /// Puts the next version of a record in the place of the last.
    PutVault [Conflict] => |accounts, asked| accounts.put_vault(&asked.session, asked.call).await;
    /// Deletes a record.
    DeleteVault [Conflict] => |accounts, asked| accounts.delete_vault(&asked.session, asked.call).await;
    /// What is in the own inbox.
    Inbox [] => |accounts, asked| accounts.letters(&asked.session).await;
    /// Takes letters out for good.
    Acknowledge [] => |accounts, asked| accounts.acknowledge(&asked.session, asked.call).await;
    /// Has one more room token evaluated, blindly.
    BlindRoomToken [Conflict] => |accounts, asked| accounts.blind_room_token(&asked.session, asked.call);
    /// Whether others find the account by its name.
    SetFindable [] => |accounts, asked| accounts.set_findable(&asked.session, asked.call).await;
    /// Wakes this session's device when a letter comes.
    SetPush [PushUnavailable] => |accounts, asked| accounts.set_push(&asked.session, asked.call).await;
    /// Wakes it no more.
    DropPush [] => |accounts, asked| accounts.drop_push(&asked.session).await;
}

#[cfg(test)]
mod tests {
    use super::describe::example::{Example, examples};
    use super::*;

    /// The numbers of fields, which ones may be left out, and what they hold, are those of the types.
    #[test]
    fn what_is_described_is_what_is_read() {
        for described in describe_anybody().into_iter().chain(describe_sessions()) {
            for (schema, is_readable) in described.readers {
                let schema = serde_json::to_value(&schema).unwrap();
                for Example { bytes, is_good, what } in examples(&schema) {
                    assert_eq!(is_readable(&bytes), is_good, "{what} of {schema}");
                }
            }
        }
    }
}
