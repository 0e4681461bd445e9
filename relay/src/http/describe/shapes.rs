//! The shapes of what the account API says: `docs/PROTOCOL.md`, "Accounts". Types are taken from the fields themselves, and a field
//! that is forgotten or does not exist keeps this from compiling; that the numbers are right, tests say.

use super::shape::{Field, Item, Shape, bytes_of, field, map, tuple, variants};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, Acknowledge, AddSession, BlindRoomToken, Challenged,
    DeleteAccount, DeleteVault, Deposit, DeviceList, DirectoryEntry, Done, DropPush, EndSession,
    EndedSessions, EvaluatedRoomToken, FinishLogin, FinishProof, FinishRecovery, Found, Inbox, InboxLetter,
    InviteCode, Letters, ListSessions, ListVault, LoggedIn, LoginStarted, Lookup, PairingMessage,
    PasswordStarted, PostPairing, Proven, PushKey, PushKeyGiven, PutVault, ReadRoomPolicy, ReadVault,
    RefreshSession, Register, RegisterStarted, RelayKeys, ReplaceRecord, RoomPolicy, SessionGiven,
    SessionInfo, SessionToken, Sessions, SetFindable, SetPush, StartLogin, StartPassword, StartProof,
    StartRecovery, StartRegister, TakePairing, ThisRelay, VaultEntries, VaultEntry, VaultList, VaultListed,
    Which, WhichRelay,
};
use sotto_protocol::blob::{BlobError, BlobErrorCode};
use sotto_protocol::{Challenge, PushSubscription};
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// Types with named fields, each with its number: as maps, or as arrays.
macro_rules! shapes {
    ($form:ident: $($name:ident { $($number:literal $field:ident),* })*) => {$(
        impl Shape for $name {
            fn shape() -> Schema {
                // Every field, and no other.
                let _all = |value: $name| {
                    let $name { $($field: _),* } = value;
                };
                let fields: Vec<Field> = vec![$(field($number, stringify!($field), |value: &$name| &value.$field)),*];
                $form(fields)
            }
        }
    )*};
}

shapes! { map:
    AccountError { 0 code, 1 limit, 2 retry_after_ms, 3 version }
    Acknowledge { 0 ids }
    AddSession { 0 proof }
    BlindRoomToken { 0 period, 1 blinded }
    BlobError { 0 code, 1 limit, 2 retry_after_ms, 3 offset }
    Challenged { 0 challenge, 1 state }
    DeleteAccount { 0 proof }
    DeleteVault { 0 name, 1 version, 2 proof }
    Deposit { 0 account, 1 letter }
    DirectoryEntry { 0 identity_key, 1 recovery_public, 2 generation, 3 signature, 4 devices }
    Done {}
    DropPush {}
    EndSession { 0 which, 1 proof }
    EndedSessions { 0 ended }
    EvaluatedRoomToken { 0 evaluated, 1 proof }
    FinishLogin { 0 state, 1 confirmation }
    FinishProof { 0 state, 1 confirmation }
    FinishRecovery { 0 state, 1 login_key, 2 signature }
    Found { 0 entry }
    Inbox {}
    InboxLetter { 0 id, 1 letter }
    Letters { 0 letters }
    ListSessions {}
    ListVault {}
    LoggedIn { 0 token, 1 session, 2 proof, 3 record }
    LoginStarted { 0 response, 1 state }
    Lookup { 0 who }
    PairingMessage { 0 message }
    PasswordStarted { 0 response }
    PostPairing { 0 letter_box, 1 step, 2 message }
    Proven { 0 proof, 1 record }
    PushKey {}
    PushKeyGiven { 0 key }
    PushSubscription { 0 endpoint, 1 p256dh, 2 auth, 3 tag }
    PutVault { 0 record }
    ReadRoomPolicy {}
    ReadVault { 0 names }
    RefreshSession {}
    Register { 0 name, 1 login, 2 record, 3 entry, 4 is_findable, 5 code, 6 state, 7 signature }
    RegisterStarted { 0 response, 1 challenge, 2 state }
    RelayKeys { 0 signing, 1 tokens }
    ReplaceRecord { 0 proof, 1 record, 2 login, 3 entry, 4 end_others }
    RoomPolicy { 0 takes_token, 1 period }
    SessionGiven { 0 token, 1 session }
    SessionInfo { 0 session, 1 created_day, 2 used_day, 3 is_own }
    Sessions { 0 sessions }
    SetFindable { 0 is_findable }
    SetPush { 0 subscription }
    StartLogin { 0 name, 1 request }
    StartPassword { 0 proof, 1 request }
    StartProof { 0 request }
    StartRecovery {}
    StartRegister { 0 name, 1 request, 2 code }
    TakePairing { 0 letter_box, 1 step }
    ThisRelay { 0 keys, 1 signature }
    VaultEntries { 0 records, 1 is_cut }
    VaultEntry { 0 name, 1 version, 2 value }
    VaultList { 0 records }
    WhichRelay { 0 nonce }
}

shapes! { tuple:
    DeviceList { 0 version, 1 hash }
    VaultListed { 0 name, 1 version }
}

impl Item for InboxLetter {}
impl Item for SessionInfo {}
impl Item for VaultEntry {}
impl Item for VaultListed {}

impl Shape for AccountRef {
    fn shape() -> Schema {
        // Every variant, and no other.
        let _all = |value: Self| match value {
            Self::Name(_) | Self::Account(_) => {}
        };
        let name = (0, "name", false, String::shape());
        let account = (0, "account", false, bytes_of(16));
        variants(vec![(0, "by name", vec![name]), (1, "by account id", vec![account])])
    }
}

impl Shape for Which {
    fn shape() -> Schema {
        let _all = |value: Self| match value {
            Self::Own | Self::One(_) | Self::Others => {}
        };
        let session = (0, "session", false, bytes_of(16));
        variants(vec![(0, "own", vec![]), (1, "one", vec![session]), (2, "others", vec![])])
    }
}

impl Shape for AccountErrorCode {
    fn shape() -> Schema {
        // There may be more one day.
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1_usize)).maximum(Some(255_usize)).into()
    }
}

impl Shape for BlobErrorCode {
    fn shape() -> Schema {
        AccountErrorCode::shape()
    }
}

impl Shape for Challenge {
    fn shape() -> Schema {
        bytes_of(32)
    }
}

impl Shape for SessionToken {
    fn shape() -> Schema {
        bytes_of(32)
    }
}

impl Shape for InviteCode {
    fn shape() -> Schema {
        String::shape()
    }
}
