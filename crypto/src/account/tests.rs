//! Stories of a whole account, and garbage for every decoder.

use super::*;
use crate::{CryptoError, DeviceKey, Secret, identity::IdentityKey, random_array};
use sotto_protocol::{Chain, RoomId};

const ROOM: RoomId = RoomId::new([1; 16]);

fn password(byte: u8) -> PasswordKey {
    PasswordKey::for_test(Secret::new([byte; 32]))
}

#[test]
fn an_account_that_lost_every_device_comes_back_with_password_or_code() {
    let code = RecoveryCode::generate().unwrap();
    let keys = AccountKeys::register(IdentityKey::generate().unwrap()).unwrap();
    let lost = keys.device_secrets(DeviceKey::generate().unwrap());
    let position = RoomPosition { epoch: 3, chain: Chain::start(&ROOM) };
    let label = VaultLabel::Position(ROOM);
    let (name, value) =
        (lost.vault.name(label).unwrap(), lost.vault.seal(label, 1, &position.to_bytes()).unwrap());
    let archive = seal_archive(&keys.recovery().public(), &ROOM, 0, b"old message secrets").unwrap();
    let (_, record) = OpenedRecord::create(keys, &password(1), &code).unwrap();
    drop(lost);

    let typed = RecoveryCode::parse(&code.to_text().to_lowercase()).unwrap();
    for opened in [record.open_with_password(&password(1)).unwrap(), record.open_with_code(&typed).unwrap()] {
        let device = DeviceKey::generate().unwrap();
        let certificate = opened.keys().certify(device.public(), "Ada", 1).unwrap();
        assert_eq!(certificate.account(), opened.keys().account());
        let secrets = opened.keys().device_secrets(device);
        let (read, content) = secrets.vault.open(&name, 1, &value).unwrap();
        assert_eq!((read, RoomPosition::from_bytes(&content.unwrap())), (label, Ok(position)));
        let old = open_archive(opened.keys().recovery(), &ROOM, 0, &archive).unwrap();
        assert_eq!(old.as_slice(), b"old message secrets");
    }
}

#[test]
fn a_removed_device_opens_nothing_that_is_written_later() {
    let code = RecoveryCode::generate().unwrap();
    let (opened, _) = OpenedRecord::create(AccountKeys::generate().unwrap(), &password(1), &code).unwrap();
    let removed = opened.keys().device_secrets(DeviceKey::generate().unwrap());
    let (opened, _) = opened.with_new_device_keys(&password(1)).unwrap();
    let kept = opened.keys().device_secrets(DeviceKey::generate().unwrap());
    let label = VaultLabel::Room(ROOM);
    let value = kept.vault.seal(label, 2, b"room").unwrap();
    let name = kept.vault.name(label).unwrap();
    assert_ne!(name, removed.vault.name(label).unwrap());
    assert_eq!(removed.vault.open(&name, 2, &value), Err(CryptoError::DoesNotOpen));
    assert_ne!(kept.door.public(), removed.door.public());
}

#[test]
fn garbage_is_refused_by_every_decoder() {
    let keys = AccountKeys::generate().unwrap();
    let vault = VaultKey::generate().unwrap();
    let name = vault.name(VaultLabel::Index).unwrap();
    let offer = PairingOffer::generate().unwrap();
    for round in 0..36_usize {
        let mut garbage = random_array::<6000>().unwrap();
        garbage[0] = 1;
        let garbage = &garbage[..[0, 1, 31, 64, 1249, 1201, 354, 5233, 6000][round % 9]];
        assert!(SealedRecord::from_bytes(garbage).is_err());
        assert!(DeviceSecrets::from_bytes(garbage).is_err());
        assert!(VaultIndex::from_bytes(garbage).is_err());
        assert!(SeenInvites::from_bytes(garbage).is_err());
        assert!(RoomPosition::from_bytes(garbage).is_err());
        assert!(vault.open(&name, 1, garbage).is_err());
        assert!(open_direct_invite(&keys.recovery_keys_alone(), garbage).is_err());
        assert!(open_archive(keys.recovery(), &ROOM, 0, garbage).is_err());
        let new = NewDevice::start(DeviceKey::generate().unwrap()).unwrap();
        let (old, answer) = OldDevice::answer(&offer, new.hello()).unwrap();
        // A hello may hold any key that is one.
        let _ = OldDevice::answer(&offer, garbage);
        assert!(old.receive_reveal(garbage).is_err());
        assert!(new.receive_answer(garbage).is_err());
        drop(answer);
        let text: String = garbage.iter().map(|byte| char::from(*byte)).collect();
        assert!(RecoveryCode::parse(&text).is_err());
        assert!(PairingOffer::parse(&text).is_err());
        let _ = (UserAddress::parse(&text), Username::parse(&text), Password::new(&text));
    }
}
