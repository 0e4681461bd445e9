//! The account API over HTTP: one route per call of `sotto_protocol::account`, all of them POST, all of them CBOR.
//!
//! What holds for every call, whatever it is: only this origin's pages and programs that are no browsers, a bounded body in
//! bounded time, a limit by address, a session where one is needed and none where none is wanted, and answers that no cache
//! keeps. There is no CORS: a page of another site cannot even ask whether it may.

mod answer;
mod asked;

use crate::account::Accounts;
use answer::Answer;
use asked::{Anonymous, WithSession};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use sotto_protocol::account::{
    Access, Acknowledge, AddSession, BlindRoomToken, Call, DeleteAccount, DeleteVault, Deposit, EndSession,
    FinishLogin, FinishProof, FinishRecovery, Inbox, ListSessions, ListVault, Lookup, PostPairing, PutVault,
    ReadRoomPolicy, ReadVault, RefreshSession, Register, ReplaceRecord, SetFindable, StartLogin,
    StartPassword, StartProof, StartRecovery, StartRegister, TakePairing,
};
use std::sync::Arc;
use std::time::Duration;

/// What every call shares.
#[derive(Clone)]
pub(crate) struct HttpState {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// How long a request's body may take.
    pub body_timeout: Duration,
}

/// Routes of calls, each at the path of its type, with the access that its type asks for.
macro_rules! routes {
    ($access:ident, $extractor:ident, $($call:ident => |$accounts:ident, $asked:ident| $answer:expr;)*) => {
        Router::new()$(.route(
            {
                const { assert!(matches!($call::ACCESS, Access::$access)) };
                $call::PATH
            },
            post(async |State(state): State<HttpState>, $asked: $extractor<$call>| {
                let $accounts = &state.accounts;
                Answer::<$call>($answer)
            }),
        ))*
    };
}

/// All routes.
pub(crate) fn router(state: HttpState) -> Router {
    anonymous().merge(with_session()).with_state(state)
}

fn anonymous() -> Router<HttpState> {
    routes! { Anonymous, Anonymous,
        StartRegister => |accounts, asked| accounts.start_register(&asked.caller, asked.call).await;
        Register => |accounts, asked| accounts.register(&asked.caller, asked.call).await;
        StartLogin => |accounts, asked| accounts.start_login(&asked.caller, asked.call).await;
        FinishLogin => |accounts, asked| accounts.finish_login(&asked.caller, asked.call).await;
        StartRecovery => |accounts, asked| accounts.start_recovery(&asked.caller);
        FinishRecovery => |accounts, asked| accounts.finish_recovery(&asked.caller, asked.call).await;
        Deposit => |accounts, asked| accounts.deposit(&asked.caller, asked.call).await;
        Lookup => |accounts, asked| accounts.look_up(&asked.caller, asked.call).await;
        PostPairing => |accounts, asked| accounts.post_pairing(&asked.caller, asked.call).await;
        TakePairing => |accounts, asked| accounts.take_pairing(asked.call).await;
        ReadRoomPolicy => |accounts, _asked| accounts.room_policy();
    }
}

fn with_session() -> Router<HttpState> {
    routes! { Session, WithSession,
        StartProof => |accounts, asked| accounts.start_proof(&asked.caller, &asked.session, asked.call).await;
        FinishProof => |accounts, asked| accounts.finish_proof(&asked.caller, &asked.session, asked.call).await;
        StartPassword => |accounts, asked| accounts.start_password(&asked.session, asked.call).await;
        ReplaceRecord => |accounts, asked| accounts.replace_record(&asked.caller, &asked.session, asked.call).await;
        DeleteAccount => |accounts, asked| accounts.delete_account(&asked.session, asked.call).await;
        AddSession => |accounts, asked| accounts.add_session(&asked.session, asked.call).await;
        RefreshSession => |accounts, asked| accounts.refresh_session(&asked.session).await;
        ListSessions => |accounts, asked| accounts.list_sessions(&asked.session).await;
        EndSession => |accounts, asked| accounts.end_session(&asked.session, asked.call).await;
        ListVault => |accounts, asked| accounts.list_vault(&asked.session).await;
        ReadVault => |accounts, asked| accounts.read_vault(&asked.session, asked.call).await;
        PutVault => |accounts, asked| accounts.put_vault(&asked.session, asked.call).await;
        DeleteVault => |accounts, asked| accounts.delete_vault(&asked.session, asked.call).await;
        Inbox => |accounts, asked| accounts.letters(&asked.session).await;
        Acknowledge => |accounts, asked| accounts.acknowledge(&asked.session, asked.call).await;
        BlindRoomToken => |accounts, asked| accounts.blind_room_token(&asked.session, asked.call);
        SetFindable => |accounts, asked| accounts.set_findable(&asked.session, asked.call).await;
    }
}
