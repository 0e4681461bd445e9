//! Accounts from end to end: what the clients' cryptography sends, a real relay takes, keeps and gives back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod client;

use client::{Device, TestRelay};
use sotto_crypto::account::{
    LoginStart, Mark, NewDevice, NewPassword, OldDevice, PairingGrant, PairingOffer, RecoveryCode,
    SeenIdentity, Username, VaultIndex, VaultLabel, VaultName, check_directory_entry, open_direct_invite,
    seal_direct_invite,
};
use sotto_crypto::{CryptoError, DeviceKey};
use sotto_protocol::account::{
    AccountErrorCode, AccountRef, Acknowledge, AddSession, DeleteAccount, Deposit, FinishRecovery, Inbox,
    ListSessions, ListVault, Lookup, PostPairing, PutVault, ReadVault, RelayId, SessionToken, StartLogin,
    StartRecovery, TakePairing, VaultEntry,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_from_registration_to_a_lost_password() {
    let relay = TestRelay::start().await;
    let password = NewPassword::generate().unwrap();
    let (mut laptop, code) = Device::register(&relay, "Ada", &password).await;

    // The vault, from the first device.
    let vault = laptop.keys().device_secrets(DeviceKey::generate().unwrap()).vault;
    let mut index = VaultIndex::default();
    for (label, version, content) in [
        (VaultLabel::Settings, 1, &b"settings"[..]),
        (VaultLabel::Settings, 2, b"other settings"),
        (VaultLabel::Pins, 1, b"pins"),
    ] {
        let name = vault.name(label).unwrap();
        let value = vault.seal(label, version, content).unwrap();
        let mark = Mark::of(version, &value);
        let record = VaultEntry { name: *name.as_bytes(), version, value };
        laptop.call(&PutVault { record }).await.unwrap();
        index.note(name, mark).unwrap();
    }

    // A new device, by name and password alone, however they are typed.
    let phone = Device::log_in(&relay, "  ADA ", password.password()).await.unwrap();
    assert_eq!(phone.keys().account(), laptop.keys().account());
    let vault = phone.keys().device_secrets(DeviceKey::generate().unwrap()).vault;
    let listed = phone.call(&ListVault {}).await.unwrap().records;
    let names = listed.iter().map(|listed| listed.name.into()).collect();
    let read = phone.call(&ReadVault { names }).await.unwrap();
    let mut opened: Vec<_> = read
        .records
        .iter()
        .map(|record| {
            let name = VaultName::new(record.name);
            index.check(&name, &Mark::of(record.version, &record.value)).unwrap();
            vault.open(&name, record.version, &record.value).unwrap()
        })
        .map(|(label, content)| (label, content.unwrap().to_vec()))
        .collect();
    opened.sort();
    assert_eq!(
        opened,
        [(VaultLabel::Settings, b"other settings".to_vec()), (VaultLabel::Pins, b"pins".to_vec())]
    );
    // What the phone deletes stays deleted: an older value would be noticed.
    let name = vault.name(VaultLabel::Pins).unwrap();
    let tombstone = vault.seal_tombstone(VaultLabel::Pins, 2).unwrap();
    index.note(name, Mark::of(2, &tombstone)).unwrap();
    let record = VaultEntry { name: *name.as_bytes(), version: 2, value: tombstone };
    phone.call(&PutVault { record }).await.unwrap();
    let read = laptop.call(&ReadVault { names: vec![(*name.as_bytes()).into()] }).await.unwrap();
    let found = &read.records[0];
    assert_eq!(index.check(&name, &Mark::of(found.version, &found.value)), Ok(()));
    assert_eq!(vault.open(&name, found.version, &found.value), Ok((VaultLabel::Pins, None)));
    assert!(index.check(&name, &Mark::of(1, b"the pins as they were")).is_err());

    // Another password: the record moves with it, and the other device's session ends.
    let new = NewPassword::generate().unwrap();
    laptop.prove(password.password()).await;
    laptop.change_password(&new, true).await;
    assert!(phone.call(&ListSessions {}).await.is_err());
    assert_eq!(
        Device::log_in(&relay, "ada", password.password()).await.err(),
        Some(CryptoError::WrongPassword)
    );
    assert_eq!(
        Device::log_in(&relay, "nobody-here", new.password()).await.err(),
        Some(CryptoError::WrongPassword)
    );
    let phone = Device::log_in(&relay, "ada", new.password()).await.unwrap();
    assert_eq!(phone.record.version(), 2);

    // The password is lost; the code on paper is not.
    let typed = RecoveryCode::parse(&code.to_text().to_lowercase()).unwrap();
    let mut back = recover(&relay, "ada", &typed).await;
    assert_eq!(back.keys().account(), laptop.keys().account());
    let newest = NewPassword::generate().unwrap();
    back.change_password(&newest, true).await;
    assert_eq!(Device::log_in(&relay, "ada", new.password()).await.err(), Some(CryptoError::WrongPassword));
    let mut last = Device::log_in(&relay, "ada", newest.password()).await.unwrap();
    assert_eq!(last.record.version(), 3);

    // A new code: the old one is worth nothing.
    let new_code = RecoveryCode::generate().unwrap();
    last.prove(newest.password()).await;
    last.change_code(&new_code).await;
    assert_eq!(try_recover(&relay, "ada", &typed).await.err(), Some(AccountErrorCode::LoginRefused));
    assert_eq!(recover(&relay, "ada", &new_code).await.record.version(), 4);

    // The end.
    last.prove(newest.password()).await;
    last.call(&DeleteAccount { proof: last.proof.clone() }).await.unwrap();
    assert_eq!(
        Device::log_in(&relay, "ada", newest.password()).await.err(),
        Some(CryptoError::WrongPassword)
    );
    assert_eq!(try_recover(&relay, "ada", &new_code).await.err(), Some(AccountErrorCode::LoginRefused));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_invite_goes_from_a_name_to_an_inbox() {
    let relay = TestRelay::start().await;
    let (ada, _) = Device::register(&relay, "ada", &NewPassword::generate().unwrap()).await;
    let (bob, _) = Device::register(&relay, "bob", &NewPassword::generate().unwrap()).await;
    let device = DeviceKey::generate().unwrap();
    let certificate = ada.keys().certify(device.public(), "Ada", 1).unwrap();

    let found = relay.call(None, &Lookup { who: AccountRef::Name("bob".into()) }).await.unwrap().entry;
    assert!(check_directory_entry(&found, &RelayId::new([9; 32]), None, None).is_err());
    let recipient = check_directory_entry(&found, &relay.id(), None, None).unwrap();
    assert_eq!(recipient.account, bob.keys().account());
    let letter = seal_direct_invite(b"the link", (&device, &certificate), recipient, 7).unwrap();
    let account = *recipient.account.as_bytes();
    relay.call(None, &Deposit { account, letter }).await.unwrap();

    let letters = bob.call(&Inbox {}).await.unwrap().letters;
    let invite = open_direct_invite(&bob.keys().recovery_keys_alone(), &letters[0].letter).unwrap();
    assert_eq!((invite.link.as_slice(), invite.sender.account()), (&b"the link"[..], ada.keys().account()));
    assert!(open_direct_invite(&ada.keys().recovery_keys_alone(), &letters[0].letter).is_err());
    bob.call(&Acknowledge { ids: vec![letters[0].id.into()] }).await.unwrap();
    assert!(bob.call(&Inbox {}).await.unwrap().letters.is_empty());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_pair_through_the_relays_letter_box() {
    let relay = TestRelay::start().await;
    let password = NewPassword::generate().unwrap();
    let (mut old, _) = Device::register(&relay, "ada", &password).await;
    let device = DeviceKey::generate().unwrap();
    let public = device.public();
    let new = NewDevice::start(device).unwrap();
    let typed = PairingOffer::parse(&new.offer().to_text()).unwrap();
    let letter_box = typed.mailbox();
    let post = async |step, message: &[u8]| {
        relay.call(None, &PostPairing { letter_box, step, message: message.to_vec() }).await.unwrap();
    };
    let take = async |step| relay.call(None, &TakePairing { letter_box, step }).await.unwrap().message;

    post(1, new.hello()).await;
    let (answering, answer) = OldDevice::answer(&typed, &take(1).await).unwrap();
    post(2, &answer).await;
    let (verifying, reveal) = new.receive_answer(&take(2).await).unwrap();
    post(3, &reveal).await;
    let granting = answering.receive_reveal(&take(3).await).unwrap();
    let code = verifying.code().to_string();
    // The password is asked at the old device: it opens the record and proves to the relay.
    old.prove(password.password()).await;
    let given = old.call(&AddSession { proof: old.proof.clone() }).await.unwrap();
    let mut seen = VaultIndex::default();
    seen.note_record(Mark::of(1, b"the sealed record")).unwrap();
    let session = given.token.expose();
    let grant = PairingGrant { display_name: "Ada", not_before_ms: 1, session, seen: &seen };
    let grant = granting.grant(&code, old.keys(), grant).unwrap();
    post(4, &grant).await;
    let paired = verifying.confirm().receive_grant(&take(4).await).unwrap();
    assert_eq!(paired.certificate.device_key(), &public);
    let mut known = paired.seen.clone();
    assert_eq!(known.note_record(Mark::of(1, b"another one")), Err(CryptoError::Forked));
    known.note_record(Mark::of(1, b"the sealed record")).unwrap();
    assert_eq!(known, seen, "what the old device saw itself");
    let token = SessionToken::new(paired.session.as_slice().try_into().unwrap());
    assert_eq!(relay.call(Some(&token), &ListSessions {}).await.unwrap().sessions.len(), 2);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_removal_the_other_devices_come_back_under_new_keys() {
    let relay = TestRelay::start().await;
    let password = NewPassword::generate().unwrap();
    let (mut laptop, _) = Device::register(&relay, "ada", &password).await;
    let phone = Device::log_in(&relay, "ada", password.password()).await.unwrap();
    let stolen = Device::log_in(&relay, "ada", password.password()).await.unwrap();
    let secrets = |device: &Device| device.keys().device_secrets(DeviceKey::generate().unwrap());
    let old = secrets(&stolen).vault;
    assert_eq!(old, secrets(&phone).vault);

    laptop.prove(password.password()).await;
    let stays = [DeviceKey::generate().unwrap().public(), DeviceKey::generate().unwrap().public()];
    let stolen_certificate =
        stolen.keys().certify(DeviceKey::generate().unwrap().public(), "Ada", 1).unwrap();
    laptop.renew_device_keys(&stays).await;
    // A client that looks the account up sees that the stolen device's certificate is of before.
    let who = AccountRef::Name("ada".into());
    let entry = relay.call(None, &Lookup { who }).await.unwrap().entry;
    check_directory_entry(&entry, &relay.id(), None, None).unwrap();
    let known = SeenIdentity::of_entry(&entry);
    assert_eq!(known.devices.map(|list| list.version), Some(1));
    let shown = SeenIdentity::of(&stolen_certificate).unwrap();
    assert_eq!(known.check(&shown), Err(CryptoError::RolledBack { expected: 1, found: 0 }));
    let certificate = laptop.keys().certify(stays[0], "Ada", 2).unwrap();
    assert_eq!(known.check(&SeenIdentity::of(&certificate).unwrap()), Ok(()));
    // Neither the stolen device nor the phone writes anything under the old key.
    let label = VaultLabel::Settings;
    let record = VaultEntry {
        name: *old.name(label).unwrap().as_bytes(),
        version: 1,
        value: old.seal(label, 1, b"settings").unwrap(),
    };
    for device in [&stolen, &phone] {
        let put = device.call(&PutVault { record: record.clone() }).await.map(|_| ());
        assert_eq!(put.unwrap_err().code, AccountErrorCode::SessionNeeded);
    }
    // The phone comes back with the password, and has the keys of the laptop.
    let phone = Device::log_in(&relay, "ada", password.password()).await.unwrap();
    let (new, laptops) = (secrets(&phone).vault, secrets(&laptop).vault);
    assert!(new == laptops && new != old);
    let value = laptops.seal(label, 1, b"settings").unwrap();
    let name = laptops.name(label).unwrap();
    assert!(new.open(&name, 1, &value).is_ok() && old.open(&name, 1, &value).is_err());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_leak_nothing_of_what_leaked_opens_the_account() {
    let relay = TestRelay::start().await;
    let password = NewPassword::generate().unwrap();
    let (mut ada, code) = Device::register(&relay, "ada", &password).await;
    ada.prove(password.password()).await;
    let (new, new_code) = (NewPassword::generate().unwrap(), RecoveryCode::generate().unwrap());
    ada.renew_everything(&new, &new_code).await;
    let refused = Device::log_in(&relay, "ada", password.password()).await.err();
    assert_eq!(refused, Some(CryptoError::WrongPassword));
    assert_eq!(try_recover(&relay, "ada", &code).await.err(), Some(AccountErrorCode::LoginRefused));
    let back = recover(&relay, "ada", &new_code).await;
    assert_eq!((back.keys().generation(), back.keys().account()), (2, ada.keys().account()));
    let who = AccountRef::Name("ada".into());
    let entry = relay.call(None, &Lookup { who }).await.unwrap().entry;
    assert_eq!(
        check_directory_entry(&entry, &relay.id(), None, None).map(|who| who.account),
        Ok(ada.keys().account())
    );
    assert_eq!(entry.generation, 2);
    relay.stop().await;
}

/// Names that a client normalises are names to the relay, and nothing else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_and_relay_agree_on_names() {
    let relay = TestRelay::start().await;
    let password = NewPassword::generate().unwrap();
    let ask = async |name: &str| {
        let request = LoginStart::new(password.password()).unwrap().request().try_into().unwrap();
        let start = StartLogin { name: name.to_owned(), request };
        relay.call(None, &start).await.map(|_| ()).map_err(|error| error.code)
    };
    for typed in [
        "ada",
        "  Ada.Lovelace ",
        "Ａｄａ",
        "ＡＤＡ１",
        "Zoe\u{308}",
        "STRASSE",
        "\u{212a}elvin",
        "李小龙",
        "\u{130}stanbul",
        "\u{fb01}sh",
        "\u{1e9e}a",
        "Ω\u{345}a",
        "\u{915}\u{94d}\u{937}\u{92e}",
        "ﷺﷺ",
        "a b",
        "ada#1",
        "-ada",
        "ada.",
        "\u{301}ada",
        "ad\u{202e}a",
        "a",
    ] {
        match Username::parse(typed) {
            Ok(name) => assert_eq!(ask(name.as_str()).await, Ok(()), "{typed:?}"),
            Err(_) => assert_eq!(ask(typed).await, Err(AccountErrorCode::BadName), "{typed:?}"),
        }
    }
    relay.stop().await;
}

async fn recover(relay: &TestRelay, name: &str, code: &RecoveryCode) -> Device {
    try_recover(relay, name, code).await.unwrap()
}

async fn try_recover(relay: &TestRelay, name: &str, code: &RecoveryCode) -> Result<Device, AccountErrorCode> {
    let started = relay.call(None, &StartRecovery {}).await.unwrap();
    let finish = FinishRecovery {
        state: started.state,
        login_key: *code.public().unwrap().login_key(),
        signature: code.sign_login(&relay.authority, &started.challenge).unwrap(),
    };
    let logged_in = relay.call(None, &finish).await.map_err(|error| error.code)?;
    Ok(Device::opened(relay, name, logged_in, |record| record.open_with_code(code)).unwrap())
}
