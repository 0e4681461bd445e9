//! Golden bytes of every call of the account API, of its answers and of what is signed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

#[path = "support/golden.rs"]
mod golden;

use minicbor::{Decode, Encode};
use sotto_protocol::account::{
    AccountError, AccountErrorCode, AccountRef, Acknowledge, AddSession, BlindRoomToken, Challenged,
    DeleteAccount, DeleteVault, Deposit, DeviceList, DirectoryEntry, Done, DropPush, EndSession,
    EndedSessions, EvaluatedRoomToken, FinishLogin, FinishProof, FinishRecovery, Found, Inbox, InboxLetter,
    InviteCode, Letters, ListSessions, ListVault, LoggedIn, LoginStarted, Lookup, PairingMessage,
    PasswordStarted, PostPairing, Proven, PushKey, PushKeyGiven, PutVault, ReadRoomPolicy, ReadVault,
    RefreshSession, Register, RegisterStarted, RelayId, RelayKeys, ReplaceRecord, RoomPolicy,
    SealedRecordHead, SessionGiven, SessionInfo, SessionToken, Sessions, SetFindable, SetPush, StartLogin,
    StartPassword, StartProof, StartRecovery, StartRegister, TakePairing, ThisRelay, VaultEntries,
    VaultEntry, VaultList, VaultListed, Which, WhichRelay, directory_statement, registration_statement,
};
use sotto_protocol::{Challenge, PushSubscription, RoomToken, decode, encode, recovery_statement};

fn check<T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq>(format: &str, value: T) {
    let format = format!("account-{format}.v1");
    golden::check(&format, &encode(&value));
    assert!(decode(&golden::read(&format)) == Ok(value), "{format} is read as it was meant");
}

const TOKEN: SessionToken = SessionToken::new([0x01; 32]);

fn entry() -> DirectoryEntry {
    DirectoryEntry {
        identity_key: [0x02; 32],
        recovery_public: vec![0x03; 40],
        generation: 1,
        signature: [0x04; 64],
        devices: Some(DeviceList { version: 1, hash: [0x05; 32] }),
    }
}

#[test]
fn what_clients_ask_is_what_it_was() {
    let (name, code) = (String::from("ada"), Some(InviteCode("ABCDE-FGHJK".into())));
    let (proof, state, record) = (vec![0x05; 40], vec![0x06; 40], vec![0x07; 40]);
    check("start-register", StartRegister { name: name.clone(), request: [8; 32], code: code.clone() });
    check(
        "register",
        Register {
            name: name.clone(),
            login: [9; 192],
            record: record.clone(),
            entry: entry(),
            is_findable: true,
            code,
            state: state.clone(),
            signature: [0x0b; 64],
        },
    );
    check("start-login", StartLogin { name: name.clone(), request: [8; 96] });
    check("finish-login", FinishLogin { state: state.clone(), confirmation: [8; 64] });
    check("start-recovery", StartRecovery {});
    let recovery = FinishRecovery { state: state.clone(), login_key: [8; 32], signature: [9; 64] };
    check("finish-recovery", recovery);
    check("start-proof", StartProof { request: [8; 96] });
    check("finish-proof", FinishProof { state, confirmation: [8; 64] });
    check("start-password", StartPassword { proof: proof.clone(), request: [8; 32] });
    check(
        "replace-record",
        ReplaceRecord {
            proof: proof.clone(),
            record,
            login: Some([9; 192]),
            entry: Some(entry()),
            end_others: true,
        },
    );
    check("delete", DeleteAccount { proof: proof.clone() });
    check("add-session", AddSession { proof: proof.clone() });
    check("refresh-session", RefreshSession {});
    check("list-sessions", ListSessions {});
    check("end-own-session", EndSession { which: Which::Own, proof: None });
    check("end-one-session", EndSession { which: Which::One([8; 16]), proof: Some(proof) });
    check("end-other-sessions", EndSession { which: Which::Others, proof: None });
    check("list-vault", ListVault {});
    check("read-vault", ReadVault { names: vec![[8; 32].into(), [9; 32].into()] });
    check("put-vault", PutVault { record: VaultEntry { name: [8; 32], version: 300, value: vec![9; 40] } });
    check("delete-vault", DeleteVault { name: [8; 32], version: 300, proof: vec![5; 40] });
    check("deposit", Deposit { account: [8; 16], letter: vec![9; 40] });
    check("inbox", Inbox {});
    check("acknowledge", Acknowledge { ids: vec![[8; 16].into()] });
    check("lookup-name", Lookup { who: AccountRef::Name(name) });
    check("lookup-account", Lookup { who: AccountRef::Account([8; 16]) });
    check("set-findable", SetFindable { is_findable: false });
    check("post-pairing", PostPairing { letter_box: [8; 16], step: 2, message: vec![9; 40] });
    check("read-room-policy", ReadRoomPolicy {});
    check("which-relay", WhichRelay { nonce: [8; 32] });
    check("blind-room-token", BlindRoomToken { period: 688, blinded: [8; 32] });
    check("take-pairing", TakePairing { letter_box: [8; 16], step: 2 });
    check("push-key", PushKey {});
    let endpoint = "https://push.example/device".to_owned();
    let subscription = PushSubscription { endpoint, p256dh: [8; 65], auth: [9; 16], tag: [0x0e; 16] };
    check("set-push", SetPush { subscription });
    check("drop-push", DropPush {});
}

#[test]
fn what_relays_answer_is_what_it_was() {
    let (proof, state, record) = (vec![0x05; 40], vec![0x06; 40], vec![0x07; 40]);
    let challenge = Challenge::new([8; 32]);
    check("register-started", RegisterStarted { response: [8; 64], challenge, state: state.clone() });
    check("login-started", LoginStarted { response: [8; 320], state: state.clone() });
    check(
        "logged-in",
        LoggedIn { token: TOKEN, session: [8; 16], proof: proof.clone(), record: record.clone() },
    );
    check("challenged", Challenged { challenge: Challenge::new([8; 32]), state });
    check("proven", Proven { proof, record });
    check("password-started", PasswordStarted { response: [8; 64] });
    check("session-given", SessionGiven { token: TOKEN, session: [8; 16] });
    let info = SessionInfo { session: [8; 16], created_day: 20_000, used_day: 20_100, is_own: true };
    check("sessions", Sessions { sessions: vec![info] });
    check("ended-sessions", EndedSessions { ended: 3 });
    check("vault-list", VaultList { records: vec![VaultListed { name: [8; 32], version: 300 }] });
    let record = VaultEntry { name: [8; 32], version: 300, value: vec![9; 40] };
    check("vault-entries", VaultEntries { records: vec![record], is_cut: true });
    check("letters", Letters { letters: vec![InboxLetter { id: [8; 16], letter: vec![9; 40] }] });
    check("found", Found { entry: entry() });
    check("pairing-message", PairingMessage { message: vec![9; 40] });
    check("room-policy", RoomPolicy { takes_token: true, period: 688 });
    let keys = RelayKeys { signing: [8; 32], tokens: [9; 32] };
    check("this-relay", ThisRelay { keys, signature: [10; 64] });
    check("evaluated-room-token", EvaluatedRoomToken { evaluated: [8; 32], proof: [9; 64] });
    check("push-key-given", PushKeyGiven { key: [8; 65] });
    check("done", Done {});
    check("error", AccountError::new(AccountErrorCode::LoginRefused));
    check("error-with-limit", AccountError::with_limit(AccountErrorCode::InboxFull, 64));
    check("error-with-delay", AccountError::with_delay(AccountErrorCode::TooMany, 1500));
    check("error-with-version", AccountError::conflict(300));
    check("sealed-record-head", SealedRecordHead { version: 300, code_login_key: [8; 32], device_keys: 3 });
}

#[test]
fn what_is_signed_is_what_it_was() {
    golden::check(
        "account-directory-statement.v1",
        &directory_statement(&RelayId::new([4; 32]), 2, &[3; 40], None),
    );
    let list = DeviceList { version: 1, hash: [5; 32] };
    golden::check(
        "account-directory-statement-devices.v1",
        &directory_statement(&RelayId::new([4; 32]), 2, &[3; 40], Some(&list)),
    );
    let statement = recovery_statement("relay.example", &Challenge::new([0x0a; 32]));
    golden::check("account-recovery-statement.v1", &statement);
    let challenge = Challenge::new([0x0a; 32]);
    let statement =
        registration_statement("Relay.example", &challenge, (&[9; 192], &[7; 40]), &entry(), ("ada", true));
    golden::check("account-registration-statement.v1", &statement);
}

#[test]
fn nothing_shows_a_secret() {
    assert_eq!(format!("{TOKEN:?}"), "SessionToken(…)");
    let token = RoomToken { period: 688, nonce: [8; 32], output: [9; 64] };
    assert_eq!(format!("{token:?}"), "RoomToken(…)");
    assert_eq!(format!("{:?}", InviteCode("ABCDE".into())), "InviteCode(…)");
}
