//! The account API: every call with its answer, and the errors of accounts and blobs.

use super::{ADA, Area, Change, Reader, Refused, diagnostic, hex, relay_id, relay_keys};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use minicbor::{Decode, Encode};
use serde_json::{Value, json};
use sotto_protocol::{
    Challenge, PushSubscription,
    account::{
        Access, AccountError, AccountErrorCode, AccountRef, Acknowledge, AddSession, BlindRoomToken, Call,
        Challenged, DeleteAccount, DeleteVault, Deposit, Done, DropPush, EndSession, EndedSessions,
        EvaluatedRoomToken, FinishLogin, FinishProof, FinishRecovery, Found, Inbox, InboxLetter, InviteCode,
        Letters, ListSessions, ListVault, LoggedIn, LoginStarted, Lookup, PairingMessage, PasswordStarted,
        PostPairing, Proven, PushKey, PushKeyGiven, PutVault, ReadRoomPolicy, ReadVault, RefreshSession,
        Register, RegisterStarted, ReplaceRecord, RoomPolicy, SessionGiven, SessionInfo, SessionToken,
        Sessions, SetFindable, SetPush, StartLogin, StartPassword, StartProof, StartRecovery, StartRegister,
        TakePairing, ThisRelay, VaultEntries, VaultEntry, VaultList, VaultListed, Which, WhichRelay,
    },
    blob::{self, BlobError, BlobErrorCode},
    decode, encode,
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("call", |with, bytes| shape_of(with.text("path")).0(bytes)),
    ("answer to a call", |with, bytes| shape_of(with.text("path")).1(bytes)),
    ("account error", |_, bytes| shape::<AccountError>(bytes)),
    ("blob-error", |_, bytes| shape::<BlobError>(bytes)),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("calls", "The account API; Blobs");
    logging_in(&mut area);
    records_and_sessions(&mut area);
    vault_and_inbox(&mut area);
    the_rest(&mut area);
    in_headers(&mut area);
    errors(&mut area);
    area
}

type Shape = fn(&[u8]) -> Result<Value, Refused>;

fn shape<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<Value, Refused> {
    let value: T = decode(bytes)?;
    Ok(json!({ "shows": diagnostic(&encode(&value)) }))
}

const fn of<C: Call>() -> (&'static str, Shape, Shape) {
    (C::PATH, shape::<C>, shape::<C::Answer>)
}

const CALLS: &[(&str, Shape, Shape)] = &[
    of::<StartRegister>(),
    of::<Register>(),
    of::<StartLogin>(),
    of::<FinishLogin>(),
    of::<StartRecovery>(),
    of::<FinishRecovery>(),
    of::<Deposit>(),
    of::<Lookup>(),
    of::<PostPairing>(),
    of::<TakePairing>(),
    of::<ReadRoomPolicy>(),
    of::<WhichRelay>(),
    of::<PushKey>(),
    of::<StartProof>(),
    of::<FinishProof>(),
    of::<StartPassword>(),
    of::<ReplaceRecord>(),
    of::<DeleteAccount>(),
    of::<ListSessions>(),
    of::<AddSession>(),
    of::<RefreshSession>(),
    of::<EndSession>(),
    of::<ListVault>(),
    of::<ReadVault>(),
    of::<PutVault>(),
    of::<DeleteVault>(),
    of::<Inbox>(),
    of::<Acknowledge>(),
    of::<SetFindable>(),
    of::<BlindRoomToken>(),
    of::<SetPush>(),
    of::<DropPush>(),
];

fn shape_of(path: &str) -> (Shape, Shape) {
    let (_, call, answer) = CALLS.iter().find(|(known, ..)| *known == path).expect("is a call");
    (*call, *answer)
}

/// A call with its answer.
fn call<C: Call>(area: &mut Area, call: &C, answer: &C::Answer) {
    one(area, "", call);
    let (with, bytes) = (json!({ "path": C::PATH }), encode(answer));
    let name = format!("the answer of {}", C::PATH);
    area.read(&name, "answer to a call", with, &bytes, json!({ "shows": diagnostic(&bytes) }));
    area.refuse_changed(&name, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(&name, Change::Append(&[0]), "a byte follows");
}

/// A call alone.
fn one<C: Call>(area: &mut Area, which: &str, call: &C) {
    let bytes = encode(call);
    let name = format!("{}{which}", C::PATH);
    let with = json!({ "path": C::PATH, "takes a session": C::ACCESS == Access::Session, "at most bytes": C::MAX_BYTES });
    area.read(&name, "call", with, &bytes, json!({ "shows": diagnostic(&bytes) }));
    area.refuse_changed(&name, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(&name, Change::Append(&[0]), "a byte follows");
}

const TOKEN: SessionToken = SessionToken::new([0x01; 32]);

fn proof() -> Vec<u8> {
    b"proof".to_vec()
}

fn state() -> Vec<u8> {
    b"state".to_vec()
}

fn record() -> Vec<u8> {
    b"sealed-record".to_vec()
}

fn logged_in() -> LoggedIn {
    LoggedIn { token: TOKEN, session: [0x08; 16], proof: proof(), record: record() }
}

fn logging_in(area: &mut Area) {
    let (name, challenge) = ("ada".to_owned(), Challenge::new([0x77; 32]));
    let code = Some(InviteCode("ABCDEFGHJK".to_owned()));
    let started = RegisterStarted { response: [0x08; 64], challenge, state: state() };
    call(area, &StartRegister { name: name.clone(), request: [0x08; 32], code: code.clone() }, &started);
    one(area, " without a code", &StartRegister { name: name.clone(), request: [0x08; 32], code: None });
    let register = Register {
        name: name.clone(),
        login: [0x09; 192],
        record: record(),
        entry: ADA.keys().directory_entry(&relay_id()),
        is_findable: true,
        code,
        state: state(),
        signature: [0x99; 64],
    };
    call(area, &register, &logged_in());
    let started = || LoginStarted { response: [0x08; 320], state: state() };
    call(area, &StartLogin { name, request: [0x08; 96] }, &started());
    call(area, &FinishLogin { state: state(), confirmation: [0x08; 64] }, &logged_in());
    call(area, &StartRecovery {}, &Challenged { challenge, state: state() });
    let recovery = FinishRecovery { state: state(), login_key: [0x08; 32], signature: [0x99; 64] };
    call(area, &recovery, &logged_in());
    call(area, &StartProof { request: [0x08; 96] }, &started());
    let proven = Proven { proof: proof(), record: record() };
    call(area, &FinishProof { state: state(), confirmation: [0x08; 64] }, &proven);
    let started = PasswordStarted { response: [0x08; 64] };
    call(area, &StartPassword { proof: proof(), request: [0x08; 32] }, &started);
}

fn records_and_sessions(area: &mut Area) {
    let replace =
        ReplaceRecord { proof: proof(), record: record(), login: None, entry: None, end_others: true };
    call(area, &replace, &Done {});
    let entry = Some(ADA.keys().directory_entry(&relay_id()));
    let all = ReplaceRecord { login: Some([0x09; 192]), entry, ..replace };
    one(area, " with password and directory-entry", &all);
    call(area, &DeleteAccount { proof: proof() }, &Done {});
    let info = SessionInfo { session: [0x08; 16], created_day: 20_000, used_day: 20_100, is_own: true };
    call(area, &ListSessions {}, &Sessions { sessions: vec![info] });
    let given = SessionGiven { token: TOKEN, session: [0x08; 16] };
    call(area, &AddSession { proof: proof() }, &given);
    call(area, &RefreshSession {}, &given);
    call(area, &EndSession { which: Which::Own, proof: None }, &EndedSessions { ended: 1 });
    one(area, ", one", &EndSession { which: Which::One([0x08; 16]), proof: Some(proof()) });
    one(area, ", others", &EndSession { which: Which::Others, proof: Some(proof()) });
}

fn vault_and_inbox(area: &mut Area) {
    let entry = VaultEntry { name: [0x08; 32], version: 2, value: b"value".to_vec() };
    let listed = VaultListed { name: [0x08; 32], version: 2 };
    call(area, &ListVault {}, &VaultList { records: vec![listed] });
    let read = ReadVault { names: vec![[0x08; 32].into(), [0x09; 32].into()] };
    call(area, &read, &VaultEntries { records: vec![entry.clone()], is_cut: true });
    call(area, &PutVault { record: entry }, &Done {});
    call(area, &DeleteVault { name: [0x08; 32], version: 2, proof: vec![0x05; 40] }, &Done {});
    let letter = b"direct invite".to_vec();
    call(area, &Deposit { account: [0x08; 16], letter: letter.clone() }, &Done {});
    call(area, &Inbox {}, &Letters { letters: vec![InboxLetter { id: [0x08; 16], letter }] });
    call(area, &Acknowledge { ids: vec![[0x08; 16].into()] }, &Done {});
}

fn the_rest(area: &mut Area) {
    let found = Found { entry: ADA.keys().directory_entry(&relay_id()) };
    call(area, &Lookup { who: AccountRef::Name("ada".to_owned()) }, &found);
    one(area, " by account", &Lookup { who: AccountRef::Account([0x08; 16]) });
    call(area, &SetFindable { is_findable: false }, &Done {});
    let message = b"message".to_vec();
    call(area, &PostPairing { letter_box: [0x08; 16], step: 1, message: message.clone() }, &Done {});
    call(area, &TakePairing { letter_box: [0x08; 16], step: 2 }, &PairingMessage { message });
    let policy = RoomPolicy { takes_token: true, period: 656 };
    call(area, &ReadRoomPolicy {}, &policy);
    let this_relay = ThisRelay { keys: relay_keys(), signature: [0x99; 64] };
    call(area, &WhichRelay { nonce: [0x91; 32] }, &this_relay);
    let evaluated = EvaluatedRoomToken { evaluated: [0x08; 32], proof: [0x09; 64] };
    call(area, &BlindRoomToken { period: 656, blinded: [0x08; 32] }, &evaluated);
    call(area, &PushKey {}, &PushKeyGiven { key: [0x04; 65] });
    let endpoint = "https://push.example/x".to_owned();
    let subscription = PushSubscription { endpoint, p256dh: [0x04; 65], auth: [0x05; 16], tag: [0x0e; 16] };
    call(area, &SetPush { subscription }, &Done {});
    call(area, &DropPush {}, &Done {});
}

fn in_headers(area: &mut Area) {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    area.value(
        "what stands in headers and paths",
        json!({ "token of a session": hex(TOKEN.expose()), "blob id": hex([0xfb; 16]), "blob token": hex([0xff; 32]) }),
        json!({
            "Authorization": format!("Bearer {}", text(TOKEN.expose())),
            "path of the blob": format!("{}{}", blob::PATH, text(&[0xfb; 16])),
            "Upload-Token": text(&[0xff; 32]),
        }),
    );
}

fn errors(area: &mut Area) {
    let mut read = |name: &str, reader: &str, status: u16, bytes: &[u8]| {
        let with = json!({ "status": status });
        area.read(name, reader, with, bytes, json!({ "shows": diagnostic(bytes) }));
    };
    for number in 0..=255_u8 {
        if let Ok(code) = decode::<AccountErrorCode>(&encode(&number)) {
            let error = encode(&AccountError::new(code));
            read(&format!("account error {number}: {code:?}"), "account error", code.status(), &error);
        }
        if let Ok(code) = decode::<BlobErrorCode>(&encode(&number)) {
            read(
                &format!("blob-error {number}: {code:?}"),
                "blob-error",
                code.status(),
                &encode(&BlobError::new(code)),
            );
        }
    }
    let with_limit = AccountError::with_limit(AccountErrorCode::InboxFull, 64);
    read("account error with a limit", "account error", 507, &encode(&with_limit));
    let with_delay = AccountError::with_delay(AccountErrorCode::TooMany, 1_500);
    read("account error with a delay", "account error", 429, &encode(&with_delay));
    read("account error with a version", "account error", 409, &encode(&AccountError::conflict(7)));
    let at = BlobError::new(BlobErrorCode::WrongOffset).at(65_536);
    read("blob-error with an offset", "blob-error", 409, &encode(&at));
    for name in ["account error with a limit", "blob-error with an offset"] {
        area.refuse_bytes(name, &[0xa1, 0x00, 0x18, 0x63], "a code that is not known");
        area.refuse_bytes(name, &[0xa0], "no code");
    }
}
