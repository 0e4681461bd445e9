//! The account API: what clients and relay say to each other about accounts, over HTTP.
//!
//! Each call is a POST of one CBOR value to [`Call::PATH`], answered with one CBOR value: [`Call::Answer`] with status 200, or
//! an [`AccountError`] with another status. A session's token goes into `Authorization: Bearer`, in base64url without padding.
//! Calls whose [`Call::ACCESS`] is [`Access::Anonymous`] are refused with one: nothing is to join them with an account.

mod device_list;
mod directory;
mod error;
mod inbox;
mod login;
mod pairing;
mod push;
mod record;
mod relay;
mod room_token;
mod session;
mod vault;

pub use device_list::{DeviceList, version_of};
pub use directory::{
    AccountRef, DirectoryEntry, Found, Lookup, SetFindable, account_of, directory_statement,
};
pub use error::{AccountError, AccountErrorCode};
pub use inbox::{Acknowledge, Deposit, Inbox, InboxLetter, Letters};
pub use login::{
    Challenged, FinishLogin, FinishProof, FinishRecovery, InviteCode, LoggedIn, LoginStarted,
    PasswordStarted, Proven, Register, RegisterStarted, StartLogin, StartPassword, StartProof, StartRecovery,
    StartRegister, registration_statement,
};
pub use pairing::{PairingMessage, PostPairing, TakePairing};
pub use push::{DropPush, PushKey, PushKeyGiven, SetPush};
pub use record::{DeleteAccount, ReplaceRecord, SealedRecordHead};
pub use relay::{RelayId, RelayKeys, ThisRelay, WhichRelay, login_context, relay_statement};
pub use room_token::{BlindRoomToken, EvaluatedRoomToken, ReadRoomPolicy, RoomPolicy};
pub use session::{
    AddSession, EndSession, EndedSessions, ListSessions, RefreshSession, SessionGiven, SessionInfo,
    SessionToken, Sessions, Which,
};
pub use vault::{
    DeleteVault, ListVault, PutVault, ReadVault, VaultEntries, VaultEntry, VaultList, VaultListed,
};

use minicbor::{Decode, Encode};

/// Content type of every request and every answer.
pub const CONTENT_TYPE: &str = "application/cbor";

/// A call of the account API.
pub trait Call: Encode<()> + for<'b> Decode<'b, ()> + Send + 'static {
    /// Where it is posted to.
    const PATH: &'static str;
    /// Longest request, in bytes.
    const MAX_BYTES: usize;
    /// Who may call it.
    const ACCESS: Access;
    /// What a success is answered with.
    type Answer: Encode<()> + for<'b> Decode<'b, ()> + Send + 'static;
}

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a session.
    Anonymous,
    /// Whoever has a session of an account.
    Session,
}

/// An answer that says nothing but that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Done {}

/// A call without further words.
macro_rules! call {
    ($name:ident, $path:literal, $max:expr, $access:ident, $answer:ty) => {
        impl crate::account::Call for $name {
            const PATH: &'static str = $path;
            const MAX_BYTES: usize = $max;
            const ACCESS: crate::account::Access = crate::account::Access::$access;
            type Answer = $answer;
        }
    };
}
use call;
